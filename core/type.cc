// Names and physical forms of SQL types.
#include "weir/core/type.h"

#include "weir/core/check.h"

namespace weir {
namespace {

/// Flink's precisions for types that are written without one.
constexpr std::uint8_t kDecimalPrecisionDefault = 10;
constexpr std::uint8_t kTimestampPrecisionDefault = 6;

std::string with_number(const char* name, std::uint32_t number) {
  return std::string(name) + "(" + std::to_string(number) + ")";
}

std::string string_name(const Type& type) {
  const bool text = type.id == TypeId::kString;
  if (type.fixed_length) return with_number(text ? "CHAR" : "BINARY", type.length);
  if (type.length != 0) return with_number(text ? "VARCHAR" : "VARBINARY", type.length);
  return text ? "STRING" : "BYTES";
}

std::string nested_name(const Type& type) {
  std::string text = type.id == TypeId::kRow ? "ROW<" : type.id == TypeId::kArray ? "ARRAY<" : "MAP<";
  if (type.children != nullptr) {
    const char* separator = "";
    for (const Field& field : *type.children) {
      text += separator;
      if (type.id == TypeId::kRow) text += field.name + " ";
      text += field.type.to_string();
      separator = ", ";
    }
  }
  return text + ">";
}

std::string bare_name(const Type& type) {
  switch (type.id) {
    case TypeId::kNull:
      return "NULL";
    case TypeId::kBoolean:
      return "BOOLEAN";
    case TypeId::kTinyInt:
      return "TINYINT";
    case TypeId::kSmallInt:
      return "SMALLINT";
    case TypeId::kInt:
      return "INT";
    case TypeId::kBigInt:
      return "BIGINT";
    case TypeId::kFloat:
      return "FLOAT";
    case TypeId::kDouble:
      return "DOUBLE";
    case TypeId::kDecimal:
      return "DECIMAL(" + std::to_string(type.precision) + ", " + std::to_string(type.scale) + ")";
    case TypeId::kString:
    case TypeId::kBytes:
      return string_name(type);
    case TypeId::kDate:
      return "DATE";
    case TypeId::kTime:
      return with_number("TIME", type.precision);
    case TypeId::kTimestamp:
      return with_number("TIMESTAMP", type.precision);
    case TypeId::kTimestampLtz:
      return with_number("TIMESTAMP_LTZ", type.precision);
    case TypeId::kIntervalDay:
      return "INTERVAL DAY TO SECOND";
    case TypeId::kIntervalMonth:
      return "INTERVAL YEAR TO MONTH";
    case TypeId::kRow:
    case TypeId::kArray:
    case TypeId::kMap:
      return nested_name(type);
  }
  return "UNKNOWN";
}

}  // namespace

Type Type::of(TypeId id, bool nullable) {
  Type type;
  type.id = id;
  type.nullable = nullable;
  if (id == TypeId::kDecimal) type.precision = kDecimalPrecisionDefault;
  if (id == TypeId::kTimestamp || id == TypeId::kTimestampLtz) type.precision = kTimestampPrecisionDefault;
  return type;
}

Type Type::decimal(std::uint8_t precision, std::uint8_t scale) {
  WEIR_CHECK(precision >= 1 && precision <= kDecimalPrecisionMax);
  WEIR_CHECK_LE(scale, precision);
  Type type = of(TypeId::kDecimal);
  type.precision = precision;
  type.scale = scale;
  return type;
}

Type Type::timestamp(std::uint8_t precision) {
  WEIR_CHECK_LE(precision, kTimestampPrecisionMax);
  Type type = of(TypeId::kTimestamp);
  type.precision = precision;
  return type;
}

Type Type::timestamp_ltz(std::uint8_t precision) {
  Type type = timestamp(precision);
  type.id = TypeId::kTimestampLtz;
  return type;
}

Physical Type::physical() const noexcept {
  switch (id) {
    case TypeId::kNull:
    case TypeId::kBoolean:
    case TypeId::kTinyInt:
      return Physical::kInt8;
    case TypeId::kSmallInt:
      return Physical::kInt16;
    case TypeId::kInt:
    case TypeId::kDate:
    case TypeId::kIntervalMonth:
      return Physical::kInt32;
    case TypeId::kBigInt:
    case TypeId::kTime:
    case TypeId::kTimestamp:
    case TypeId::kTimestampLtz:
    case TypeId::kIntervalDay:
      return Physical::kInt64;
    case TypeId::kFloat:
      return Physical::kFloat;
    case TypeId::kDouble:
      return Physical::kDouble;
    case TypeId::kDecimal:
      return precision <= kDecimal64PrecisionMax ? Physical::kInt64 : Physical::kInt128;
    case TypeId::kString:
    case TypeId::kBytes:
      return Physical::kString;
    case TypeId::kRow:
    case TypeId::kArray:
    case TypeId::kMap:
      return Physical::kNested;
  }
  return Physical::kNested;
}

std::string Type::to_string() const {
  return bare_name(*this) + (nullable || id == TypeId::kNull ? "" : " NOT NULL");
}

bool Type::same_as(const Type& other) const noexcept {
  if (id != other.id || precision != other.precision || scale != other.scale || length != other.length ||
      fixed_length != other.fixed_length)
    return false;
  const std::size_t count = children == nullptr ? 0 : children->size();
  if (count != (other.children == nullptr ? 0 : other.children->size())) return false;
  for (std::size_t i = 0; i < count; ++i) {
    if (id == TypeId::kRow && (*children)[i].name != (*other.children)[i].name) return false;
    if (!(*children)[i].type.same_as((*other.children)[i].type)) return false;
  }
  return true;
}

int Schema::find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i].name == name) return static_cast<int>(i);
  return -1;
}

}  // namespace weir
