// Row structs: a host that has its rows as an array of structs describes where each column's field stands, and Weir
// takes only the fields that a query reads.
//
//   struct Tick { std::int64_t us; std::int32_t symbol; float price; char pad[16]; };      (32 bytes)
//
//   StructLayout layout{sizeof(Tick), {{"ts", offsetof(Tick, us), FieldForm::kInt64, 1'000},
//                                      {"symbol", offsetof(Tick, symbol), FieldForm::kInt32},
//                                      {"price", offsetof(Tick, price), FieldForm::kFloat}}};
//
// A field is widened to its column's type where that loses nothing. An integer field of a TIMESTAMP or TIMESTAMP_LTZ
// column counts units of unit_ns nanoseconds. Fields are never NULL. Structs may stand at any alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weir/core/type.h"

namespace weir {

/// What a field of a struct is. kBool: one byte, true where it is not 0.
enum class FieldForm : std::uint8_t {
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kInt128,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kBool,
  kFloat,
  kDouble,
};
/// Bytes of a field: 1, 2, 4, 8, 16, 1, 2, 4, 8, 1, 4, 8.
std::size_t field_size(FieldForm form) noexcept;

struct StructField {
  std::string column;        ///< Of the table.
  std::uint32_t offset = 0;  ///< Bytes from the start of the struct.
  FieldForm form = FieldForm::kInt64;
  std::int64_t unit_ns = 0;  ///< TIMESTAMP and TIMESTAMP_LTZ columns: nanoseconds of one unit; 0 elsewhere.
};

/// Shape of the structs of one table. Columns that no query reads need no field.
struct StructLayout {
  std::size_t stride = 0;  ///< Bytes from one row to the next; 0: the table is not fed by structs.
  std::vector<StructField> fields;
};

/// Rows that a host gives: they stay as they are until it is asked again.
struct StructRows {
  const void* first = nullptr;
  std::size_t count = 0;
  /// Added to each value of a TIMESTAMP or TIMESTAMP_LTZ column; a multiple of its precision's unit. So that a block
  /// may be given again for a later time.
  std::int64_t time_shift_ns = 0;
};

}  // namespace weir
