// Constant arguments of aggregates: see constants.h.
#include "aggregates/constants.h"

#include <cmath>

#include "weir/io/text_number.h"

namespace weir {
namespace {

std::string text_of(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e15) return std::to_string(static_cast<std::int64_t>(number));
  char text[kDoubleTextMax];
  return {text, format_double(number, text)};
}

Error out_of_range(std::string_view aggregate, std::string_view what, const Value& value, double min, double max) {
  std::string given = "something else";
  if (const std::optional<double> number = constant_number(value)) given = text_of(*number);
  return Error(ErrorCode::kInvalidArgument, std::string(aggregate) + " takes " + std::string(what) + " from " +
                                                text_of(min) + " to " + text_of(max) + ", not " + given);
}

}  // namespace

std::optional<double> constant_number(const Value& value) noexcept {
  if (const auto* whole = std::get_if<std::int64_t>(&value.data)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value.data)) return *real;
  return std::nullopt;
}

Result<double> constant_between(std::string_view aggregate, std::string_view what, const Value& value, double min,
                                double max) {
  const std::optional<double> number = constant_number(value);
  if (!number || !(*number >= min && *number <= max)) return out_of_range(aggregate, what, value, min, max);
  return *number;
}

Result<double> constant_fraction(std::string_view aggregate, const Value& value) {
  return constant_between(aggregate, "a fraction", value, 0, 1);
}

Result<std::uint32_t> constant_whole(std::string_view aggregate, std::string_view what, const Value& value,
                                     std::uint32_t min, std::uint32_t max) {
  WEIR_ASSIGN(const double number, constant_between(aggregate, what, value, min, max));
  if (number != std::floor(number)) return out_of_range(aggregate, what, value, min, max);
  return static_cast<std::uint32_t>(number);
}

Result<void> require_number(std::string_view aggregate, const Type& type) {
  if (type.is_numeric()) return {};
  return Error(ErrorCode::kSqlType, std::string(aggregate) + " takes a number, not " + type.to_string());
}

ExactFraction ExactFraction::of(double fraction) noexcept {
  std::uint64_t denominator = 1;
  for (int digits = 0; digits <= 17; ++digits, denominator *= 10) {
    const double scaled = std::round(fraction * static_cast<double>(denominator));
    if (scaled / static_cast<double>(denominator) == fraction) return {static_cast<std::uint64_t>(scaled), denominator};
  }
  // Below 1e-17 or so: a row that it could choose is the first.
  return {static_cast<std::uint64_t>(fraction * 0x1p62), std::uint64_t{1} << 62};
}

}  // namespace weir
