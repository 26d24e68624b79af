// Decimal: exact arithmetic on scaled integers of up to 38 digits, with 256-bit intermediates, rounding HALF_UP, and
// Flink's rules for the precision and scale of a result.
#pragma once

#include <cstdint>
#include <cstring>

#include "expression/kernel.h"
#include "weir/core/type.h"

namespace weir::decimal {

/// 10^exponent. Requires: 0 <= exponent <= 38.
Int128 power_of_ten(int exponent) noexcept;

/// Sign and 256-bit magnitude.
struct Wide {
  Uint128 high = 0;
  Uint128 low = 0;
  bool negative = false;
};
Wide wide_of(Int128 value) noexcept;
/// Exact. Requires: the magnitude fits 256 bits, which it does for factors of up to 127 and 128 bits.
Wide multiply(Int128 left, Int128 right) noexcept;
Wide add(Wide left, Wide right) noexcept;
/// Quotient rounded HALF_UP (away from zero at the half). False where it does not fit 127 bits. Requires: divisor != 0.
bool divide_round(Wide dividend, Int128 divisor, Int128& quotient) noexcept;

inline bool fits(Int128 value, int precision) noexcept {
  const Int128 bound = power_of_ten(precision);
  return value < bound && value > -bound;
}

/// value at scale `from` brought to scale `to`, HALF_UP. False where it has more than `precision` digits.
bool rescale(Int128 value, int from, int to, int precision, Int128& out) noexcept;

// The four operations on (value, scale) pairs; false where the result has more than `precision` digits.
bool add(Int128 left, int left_scale, Int128 right, int right_scale, int precision, int scale, Int128& out) noexcept;
bool multiply(Int128 left, int left_scale, Int128 right, int right_scale, int precision, int scale,
              Int128& out) noexcept;
/// Requires: right != 0.
bool divide(Int128 left, int left_scale, Int128 right, int right_scale, int precision, int scale, Int128& out) noexcept;
/// Sign of the dividend. Requires: right != 0.
bool remainder(Int128 left, int left_scale, Int128 right, int right_scale, int precision, int scale,
               Int128& out) noexcept;

/// Rounds to `digits` behind the point (negative: before it), HALF_UP or towards zero; keeps the scale.
Int128 round_digits(Int128 value, int scale, int digits, bool truncate) noexcept;

double to_double(Int128 value, int scale) noexcept;
/// HALF_UP at the scale. False where it does not fit or is not finite.
bool from_double(double value, int precision, int scale, Int128& out) noexcept;

// Types of results. Source: Flink LogicalTypeMerging.
Type add_type(const Type& left, const Type& right);
Type multiply_type(const Type& left, const Type& right);
Type divide_type(const Type& left, const Type& right);
Type remainder_type(const Type& left, const Type& right);
Type round_type(const Type& type, int digits);

inline bool is_wide(const Type& type) noexcept {
  return type.precision > kDecimal64PrecisionMax;
}

/// Reads a DECIMAL operand of either width.
inline Int128 load(const Operand& operand, bool wide, std::uint32_t row) noexcept {
  return wide ? operand.at<Int128>(row) : Int128{operand.at<std::int64_t>(row)};
}
inline void store(Vector& vector, bool wide, std::uint32_t row, Int128 value) noexcept {
  if (wide)
    vector.values<Int128>()[row] = value;
  else
    vector.values<std::int64_t>()[row] = static_cast<std::int64_t>(value);
}

/// Calls body(row, left, right, out) -> bool over rows with values; false makes the row NULL.
template <typename Body>
void map_two(KernelCall& call, Body body) {
  const Operand left = call.arguments[0];
  const Operand right = call.arguments[1];
  const bool left_wide = is_wide(call.argument_type(0));
  const bool right_wide = is_wide(call.argument_type(1));
  const bool out_wide = is_wide(call.expression->type);
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
    Int128 out = 0;
    const Outcome outcome = body(load(left, left_wide, row), load(right, right_wide, row), out);
    if (outcome == Outcome::kStop) {
      call.failed_row = row;
      return false;
    }
    if (outcome == Outcome::kNull)
      call.result->set_valid(row, false);
    else
      store(*call.result, out_wide, row, out);
    return true;
  });
}

}  // namespace weir::decimal
