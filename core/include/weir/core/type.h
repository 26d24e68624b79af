// Types of SQL values and how a vector holds them.
//
//   SQL type               physical     a value in memory
//   BOOLEAN                kInt8        0 or 1
//   TINYINT … BIGINT       kInt8…kInt64 two's complement
//   FLOAT, DOUBLE          kFloat, kDouble
//   DECIMAL(p, s), p <= 18 kInt64       value * 10^s
//   DECIMAL(p, s), p <= 38 kInt128      value * 10^s
//   CHAR, VARCHAR, STRING  kString      StringRef (string_ref.h), UTF-8
//   BINARY, VARBINARY, BYTES kString    StringRef, any bytes
//   DATE                   kInt32       days since 1970-01-01
//   TIME(p)                kInt64       nanoseconds since midnight
//   TIMESTAMP(p)           kInt64       wall clock without zone, nanoseconds since 1970-01-01T00:00:00
//   TIMESTAMP_LTZ(p)       kInt64       instant, nanoseconds since the epoch
//   INTERVAL DAY TO SECOND kInt64       nanoseconds
//   INTERVAL YEAR TO MONTH kInt32       months
//   ROW, ARRAY, MAP        kNested      children; a place is kept, no operator takes them yet
//
// Times are int64 nanoseconds throughout: 1677-09-21 to 2262-04-11, negative allowed. A precision p says which digits
// may be non-zero; a value is always a multiple of 10^(9-p) ns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

enum class TypeId : std::uint8_t {
  kNull,  // the type of the literal NULL before it is cast
  kBoolean,
  kTinyInt,
  kSmallInt,
  kInt,
  kBigInt,
  kFloat,
  kDouble,
  kDecimal,
  kString,
  kBytes,
  kDate,
  kTime,
  kTimestamp,
  kTimestampLtz,
  kIntervalDay,
  kIntervalMonth,
  kRow,
  kArray,
  kMap,
};

enum class Physical : std::uint8_t { kInt8, kInt16, kInt32, kInt64, kInt128, kFloat, kDouble, kString, kNested };

/// Bytes of one value in a vector: 1, 2, 4, 8, 16, 4, 8, 16; 0 for kNested.
constexpr std::size_t physical_size(Physical physical) noexcept {
  constexpr std::size_t kSize[] = {1, 2, 4, 8, 16, 4, 8, 16, 0};
  return kSize[static_cast<std::size_t>(physical)];
}

inline constexpr std::uint8_t kDecimalPrecisionMax = 38;
inline constexpr std::uint8_t kDecimal64PrecisionMax = 18;
inline constexpr std::uint8_t kTimestampPrecisionMax = 9;

struct Field;

/// A SQL type. Control plane only: the data plane works on Physical.
struct Type {
  TypeId id = TypeId::kNull;
  std::uint8_t precision = 0;  ///< DECIMAL 1..38; TIME, TIMESTAMP, TIMESTAMP_LTZ 0..9; else 0.
  std::uint8_t scale = 0;      ///< DECIMAL 0..precision; else 0.
  bool nullable = true;
  std::uint32_t length =
      0;  ///< CHAR(n), VARCHAR(n), BINARY(n), VARBINARY(n) in characters or bytes; 0 is without bound.
  bool fixed_length = false;                           ///< CHAR(n) and BINARY(n).
  std::shared_ptr<const std::vector<Field>> children;  ///< ROW, ARRAY (1), MAP (2).

  static Type of(TypeId id, bool nullable = true);
  static Type boolean() { return of(TypeId::kBoolean); }
  static Type integer() { return of(TypeId::kInt); }
  static Type bigint() { return of(TypeId::kBigInt); }
  static Type float64() { return of(TypeId::kDouble); }
  static Type string() { return of(TypeId::kString); }
  static Type decimal(std::uint8_t precision, std::uint8_t scale);
  static Type timestamp(std::uint8_t precision);
  static Type timestamp_ltz(std::uint8_t precision);

  Physical physical() const noexcept;
  bool is_integer() const noexcept { return id >= TypeId::kTinyInt && id <= TypeId::kBigInt; }
  bool is_float() const noexcept { return id == TypeId::kFloat || id == TypeId::kDouble; }
  bool is_numeric() const noexcept { return id >= TypeId::kTinyInt && id <= TypeId::kDecimal; }
  bool is_string() const noexcept { return id == TypeId::kString || id == TypeId::kBytes; }
  bool is_timestamp() const noexcept { return id == TypeId::kTimestamp || id == TypeId::kTimestampLtz; }
  /// As in SQL: "DECIMAL(10, 2) NOT NULL", "TIMESTAMP_LTZ(3)", "VARCHAR(20)", "STRING".
  std::string to_string() const;
  /// Same type but for nullability.
  bool same_as(const Type& other) const noexcept;
};

struct Field {
  std::string name;
  Type type;
};

/// Ordered columns of a table or of a batch. Names are case-sensitive, as in Flink.
struct Schema {
  std::vector<Field> fields;

  std::size_t size() const noexcept { return fields.size(); }
  /// Index of the field, or -1.
  int find(std::string_view name) const noexcept;
};

}  // namespace weir
