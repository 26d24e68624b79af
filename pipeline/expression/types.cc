// Type rules: which types meet in which, what SQL casts without being asked, and how far it goes for string literals.
#include <algorithm>

#include "expression/decimal.h"
#include "expression/functions.h"

namespace weir {

namespace {

int integer_digits(TypeId id) noexcept {
  switch (id) {
    case TypeId::kTinyInt:
      return 3;
    case TypeId::kSmallInt:
      return 5;
    case TypeId::kInt:
      return 10;
    default:
      return 19;
  }
}

Type common_decimal(const Type& left, const Type& right) {
  const int scale = std::max(left.scale, right.scale);
  const int digits = std::max(left.precision - left.scale, right.precision - right.scale);
  const int precision = std::min<int>(digits + scale, kDecimalPrecisionMax);
  return Type::decimal(static_cast<std::uint8_t>(precision),
                       static_cast<std::uint8_t>(std::min(scale, precision - std::min(digits, precision))));
}

Type common_numeric(const Type& left, const Type& right) {
  if (left.id == TypeId::kDouble || right.id == TypeId::kDouble) return Type::float64();
  if (left.id == TypeId::kFloat || right.id == TypeId::kFloat) {
    const bool decimal = left.id == TypeId::kDecimal || right.id == TypeId::kDecimal;
    return decimal ? Type::float64() : Type::of(TypeId::kFloat);
  }
  if (left.id == TypeId::kDecimal || right.id == TypeId::kDecimal)
    return common_decimal(decimal_of(left), decimal_of(right));
  return Type::of(std::max(left.id, right.id));
}

Type common_string(const Type& left, const Type& right) {
  Type type = Type::of(left.id);
  if (left.length != 0 && right.length != 0) type.length = std::max(left.length, right.length);
  type.fixed_length = left.fixed_length && right.fixed_length && left.length == right.length;
  return type;
}

bool is_date_or_timestamp(const Type& type) noexcept {
  return type.id == TypeId::kDate || type.is_timestamp();
}

// What is common to two types that are not NULL; nullability is the caller's.
std::optional<Type> common_bare(const Type& left, const Type& right) {
  if (left.is_numeric() && right.is_numeric()) return common_numeric(left, right);
  if (left.is_string() && left.id == right.id) return common_string(left, right);
  if (is_date_or_timestamp(left) && is_date_or_timestamp(right)) {
    Type type = left.id >= right.id ? left : right;  // DATE < TIMESTAMP < TIMESTAMP_LTZ
    type.precision = std::max(left.precision, right.precision);
    return type;
  }
  if (left.id == right.id && left.children == nullptr && right.children == nullptr) {
    Type type = left;
    type.precision = std::max(left.precision, right.precision);
    return type;
  }
  return std::nullopt;
}

}  // namespace

bool is_literal(const Expression& expression) noexcept {
  return expression.kind == Expression::Kind::kLiteral;
}

bool is_null_literal(const Expression& expression) noexcept {
  return is_literal(expression) && expression.literal.is_null();
}

Type with_nullable(Type type, bool nullable) {
  type.nullable = nullable;
  return type;
}

bool any_nullable(const Arguments& arguments) noexcept {
  return std::any_of(arguments.begin(), arguments.end(), [](const auto& argument) { return argument->type.nullable; });
}

Type decimal_of(const Type& type) {
  if (type.id == TypeId::kDecimal) return type;
  return Type::decimal(static_cast<std::uint8_t>(integer_digits(type.id)), 0);
}

std::optional<Type> common_type(const Type& left, const Type& right) {
  if (left.id == TypeId::kNull) return with_nullable(right, true);
  if (right.id == TypeId::kNull) return with_nullable(left, true);
  std::optional<Type> type = common_bare(left, right);
  if (type.has_value()) type->nullable = left.nullable || right.nullable;
  return type;
}

int coercion_cost(const Expression& argument, const Type& type) noexcept {
  const Type& from = argument.type;
  if (from.id == TypeId::kNull) return 1;
  if (from.id == type.id) return 0;
  if (from.is_integer()) {
    if (type.is_integer()) return type.id > from.id ? static_cast<int>(type.id) - static_cast<int>(from.id) : -1;
    if (type.id == TypeId::kDecimal) return 6;
    if (type.is_float()) return type.id == TypeId::kDouble ? 7 : 8;
    return -1;
  }
  if (from.id == TypeId::kDecimal) return type.id == TypeId::kDouble ? 4 : -1;
  if (from.id == TypeId::kFloat) return type.id == TypeId::kDouble ? 1 : -1;
  if (from.id == TypeId::kDate) return type.is_timestamp() ? (type.id == TypeId::kTimestamp ? 2 : 3) : -1;
  if (from.is_timestamp() && type.is_timestamp()) return 3;
  if (from.id == TypeId::kString && is_literal(argument)) {
    const bool target = type.is_numeric() || is_date_or_timestamp(type) || type.id == TypeId::kTime;
    return target ? 20 : -1;
  }
  return -1;
}

Result<ExpressionPtr> coerce(ExpressionPtr argument, const Type& type) {
  Type target = type;
  target.nullable = argument->type.nullable || argument->type.id == TypeId::kNull;
  if (argument->type.same_as(target)) return argument;
  // A bound on a string's length does not change its values, nor do more possible digits those of a time.
  const Type& from = argument->type;
  if (from.id == target.id && from.is_string() && (target.length == 0 || from.length == target.length) &&
      !(target.fixed_length && !from.fixed_length))
    return argument;
  if (from.id == target.id && (from.is_timestamp() || from.id == TypeId::kTime) && from.precision <= target.precision)
    return argument;
  if (from.id == target.id && (from.id == TypeId::kIntervalDay || from.id == TypeId::kIntervalMonth)) return argument;
  const SourceSpan span = argument->span;
  return make_cast(std::move(argument), target, false, span);
}

std::optional<Type> comparison_type(const Expression& left, const Expression& right) {
  if (const std::optional<Type> type = common_type(left.type, right.type)) return type;
  const auto literal_side = [](const Expression& text, const Expression& other) -> std::optional<Type> {
    if (text.type.id != TypeId::kString || !is_literal(text)) return std::nullopt;
    const Type& type = other.type;
    if (type.is_integer()) return Type::bigint();
    if (type.id == TypeId::kBoolean) return type;
    if (type.is_timestamp())
      return with_nullable(type.id == TypeId::kTimestamp ? Type::timestamp(9) : Type::timestamp_ltz(9), true);
    if (type.is_numeric() || type.id == TypeId::kDate || type.id == TypeId::kTime) return type;
    return std::nullopt;
  };
  if (auto type = literal_side(left, right)) return type;
  return literal_side(right, left);
}

}  // namespace weir
