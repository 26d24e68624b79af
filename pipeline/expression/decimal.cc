// Decimal arithmetic. The common case fits 128 bits and takes hardware division; only what does not goes the long way
// of 256-bit shift and subtract.
#include "expression/decimal.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace weir::decimal {

namespace {

constexpr std::array<Int128, 39> kPowers = [] {
  std::array<Int128, 39> powers{};
  Int128 value = 1;
  for (std::size_t i = 0; i < powers.size(); ++i) {
    powers[i] = value;
    if (i + 1 < powers.size()) value *= 10;
  }
  return powers;
}();

constexpr Uint128 magnitude(Int128 value) noexcept {
  return value < 0 ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value);
}

constexpr Uint128 kLow64 = (Uint128{1} << 64) - 1;
constexpr Uint128 kInt128Max = (Uint128{1} << 127) - 1;

void multiply_magnitudes(Uint128 left, Uint128 right, Uint128& high, Uint128& low) noexcept {
  const Uint128 a0 = left & kLow64, a1 = left >> 64, b0 = right & kLow64, b1 = right >> 64;
  const Uint128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  const Uint128 middle = (p00 >> 64) + (p01 & kLow64) + (p10 & kLow64);
  low = (p00 & kLow64) | (middle << 64);
  high = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
}

// Long division bit by bit. False where the quotient does not fit 128 bits.
bool divide_magnitudes(Uint128 high, Uint128 low, Uint128 divisor, Uint128& quotient, Uint128& rest) noexcept {
  if (high == 0) {
    if (((low | divisor) >> 64) == 0) {  // the division of 128 bits is several times as slow
      quotient = static_cast<std::uint64_t>(low) / static_cast<std::uint64_t>(divisor);
      rest = static_cast<std::uint64_t>(low) % static_cast<std::uint64_t>(divisor);
      return true;
    }
    quotient = low / divisor;
    rest = low % divisor;
    return true;
  }
  if (high >= divisor) return false;
  rest = high;
  quotient = 0;
  for (int bit = 127; bit >= 0; --bit) {
    const bool carry = (rest >> 127) != 0;
    rest = (rest << 1) | ((low >> bit) & 1);
    quotient <<= 1;
    if (carry || rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
  }
  return true;
}

constexpr bool in_64_bits(Int128 value) noexcept {
  return value == static_cast<std::int64_t>(value);
}

// value * 10^exponent in 128 bits; true where it does not fit.
bool scale_overflows(Int128 value, int exponent, Int128& out) noexcept {
  if (exponent == 0) {
    out = value;
    return false;
  }
  const Int128 factor = power_of_ten(exponent);
  if (in_64_bits(value) && in_64_bits(factor)) {
    out = value * factor;
    return false;
  }
  return __builtin_mul_overflow(value, factor, &out);
}

// value * 10^exponent, exact.
Wide scale_up(Int128 value, int exponent) noexcept {
  return multiply(value, power_of_ten(exponent));
}

Type adjusted(int precision, int scale) {
  if (precision > kDecimalPrecisionMax) {
    const int digits = precision - scale;
    const int scale_min = std::min(scale, 6);
    scale = std::max(kDecimalPrecisionMax - digits, scale_min);
    precision = kDecimalPrecisionMax;
  }
  return Type::decimal(static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale));
}

}  // namespace

Int128 power_of_ten(int exponent) noexcept {
  return kPowers[static_cast<std::size_t>(exponent)];
}

Wide wide_of(Int128 value) noexcept {
  return {0, magnitude(value), value < 0};
}

Wide multiply(Int128 left, Int128 right) noexcept {
  Wide product;
  multiply_magnitudes(magnitude(left), magnitude(right), product.high, product.low);
  product.negative = (left < 0) != (right < 0);
  return product;
}

Wide add(Wide left, Wide right) noexcept {
  if (left.negative == right.negative) {
    Wide sum{left.high + right.high, left.low + right.low, left.negative};
    if (sum.low < left.low) ++sum.high;
    return sum;
  }
  const bool left_larger = left.high != right.high ? left.high > right.high : left.low >= right.low;
  const Wide& large = left_larger ? left : right;
  const Wide& small = left_larger ? right : left;
  Wide difference{large.high - small.high, large.low - small.low, large.negative};
  if (large.low < small.low) --difference.high;
  if (difference.high == 0 && difference.low == 0) difference.negative = false;
  return difference;
}

bool divide_round(Wide dividend, Int128 divisor, Int128& quotient) noexcept {
  const Uint128 divisor_magnitude = magnitude(divisor);
  Uint128 result = 0, rest = 0;
  if (!divide_magnitudes(dividend.high, dividend.low, divisor_magnitude, result, rest)) return false;
  if (rest >= divisor_magnitude - rest) ++result;
  if (result > kInt128Max) return false;
  const bool negative = dividend.negative != (divisor < 0);
  quotient = negative ? -static_cast<Int128>(result) : static_cast<Int128>(result);
  return true;
}

bool rescale(Int128 value, int from, int to, int precision, Int128& out) noexcept {
  if (to >= from) {
    if (scale_overflows(value, to - from, out)) return false;
  } else if (!divide_round(wide_of(value), power_of_ten(from - to), out)) {
    return false;
  }
  return fits(out, precision);
}

bool add(Int128 left, int left_scale, Int128 right, int right_scale, int precision, int scale, Int128& out) noexcept {
  const int exact_scale = std::max(left_scale, right_scale);
  if (exact_scale == scale) {
    Int128 a = 0, b = 0;
    if (!scale_overflows(left, exact_scale - left_scale, a) && !scale_overflows(right, exact_scale - right_scale, b) &&
        !__builtin_add_overflow(a, b, &out))
      return fits(out, precision);
  }
  const Wide sum = add(scale_up(left, exact_scale - left_scale), scale_up(right, exact_scale - right_scale));
  if (exact_scale < scale) return false;  // a result never has more places than its arguments
  return divide_round(sum, power_of_ten(exact_scale - scale), out) && fits(out, precision);
}

bool multiply(Int128 left, int left_scale, Int128 right, int right_scale, int precision, int scale,
              Int128& out) noexcept {
  const int cut = left_scale + right_scale - scale;
  if (cut == 0) {
    if (in_64_bits(left) && in_64_bits(right)) {
      out = left * right;
      return fits(out, precision);
    }
    return !__builtin_mul_overflow(left, right, &out) && fits(out, precision);
  }
  Wide product = multiply(left, right);
  int remaining = cut;
  if (remaining > 38) {  // truncating first and rounding then is exact: the half is a multiple of 10^38
    Uint128 quotient = 0, rest = 0;
    const auto divisor = static_cast<Uint128>(power_of_ten(38));
    if (!divide_magnitudes(product.high, product.low, divisor, quotient, rest)) return false;
    product = {0, quotient, product.negative};
    remaining -= 38;
  }
  return divide_round(product, power_of_ten(remaining), out) && fits(out, precision);
}

bool divide(Int128 left, int left_scale, Int128 right, int right_scale, int precision, int scale,
            Int128& out) noexcept {
  const int shift = scale - left_scale + right_scale;
  if (shift >= 0) {
    if (shift <= 38) return divide_round(scale_up(left, shift), right, out) && fits(out, precision);
    // Beyond 38 the dividend is scaled twice; what does not fit 256 bits does not fit the result either.
    const Wide first = scale_up(left, 38);
    if (first.high != 0) return false;
    const Wide second = scale_up(static_cast<Int128>(first.low), shift - 38);
    Wide dividend = second;
    dividend.negative = first.negative;
    return divide_round(dividend, right, out) && fits(out, precision);
  }
  const Wide divisor = scale_up(right, -shift);
  if (divisor.high != 0 || divisor.low > kInt128Max) {
    out = 0;
    return true;
  }
  const Int128 signed_divisor = divisor.negative ? -static_cast<Int128>(divisor.low) : static_cast<Int128>(divisor.low);
  return divide_round(wide_of(left), signed_divisor, out) && fits(out, precision);
}

bool remainder(Int128 left, int left_scale, Int128 right, int right_scale, int precision, int scale,
               Int128& out) noexcept {
  const int exact_scale = std::max(left_scale, right_scale);
  const Wide divisor = scale_up(right, exact_scale - right_scale);
  const Wide dividend = scale_up(left, exact_scale - left_scale);
  Uint128 rest = 0;
  if (divisor.high != 0) {
    if (dividend.high > divisor.high || (dividend.high == divisor.high && dividend.low >= divisor.low)) return false;
    return rescale(left, left_scale, scale, precision, out);
  }
  // The quotient may need more than 128 bits, the rest does not: reduce the high part first.
  Uint128 quotient = 0;
  if (!divide_magnitudes(dividend.high % divisor.low, dividend.low, divisor.low, quotient, rest)) return false;
  if (rest > kInt128Max) return false;
  const Int128 signed_rest = dividend.negative ? -static_cast<Int128>(rest) : static_cast<Int128>(rest);
  return rescale(signed_rest, exact_scale, scale, precision, out);
}

Int128 round_digits(Int128 value, int scale, int digits, bool truncate) noexcept {
  const int cut = scale - digits;
  if (cut <= 0) return value;
  if (cut > 38) return 0;
  const Int128 unit = power_of_ten(cut);
  if (truncate) return value / unit * unit;
  Int128 quotient = 0;
  if (!divide_round(wide_of(value), unit, quotient)) return value;
  return quotient * unit;
}

double to_double(Int128 value, int scale) noexcept {
  if (scale <= 22 && value < (Int128{1} << 53) && value > -(Int128{1} << 53))
    return static_cast<double>(value) / static_cast<double>(power_of_ten(scale));  // both exact: correctly rounded
  return static_cast<double>(static_cast<long double>(value) / static_cast<long double>(power_of_ten(scale)));
}

bool from_double(double value, int precision, int scale, Int128& out) noexcept {
  if (!std::isfinite(value)) return false;
  const long double scaled = static_cast<long double>(value) * static_cast<long double>(power_of_ten(scale));
  if (std::fabs(scaled) >= 1.6e38L) return false;
  out = static_cast<Int128>(std::round(scaled));
  return fits(out, precision);
}

Type add_type(const Type& left, const Type& right) {
  const int scale = std::max(left.scale, right.scale);
  return adjusted(std::max(left.precision - left.scale, right.precision - right.scale) + scale + 1, scale);
}

Type multiply_type(const Type& left, const Type& right) {
  return adjusted(left.precision + right.precision + 1, left.scale + right.scale);
}

Type divide_type(const Type& left, const Type& right) {
  const int scale = std::max(6, left.scale + right.precision + 1);
  return adjusted(left.precision - left.scale + right.scale + scale, scale);
}

Type remainder_type(const Type& left, const Type& right) {
  const int scale = std::max(left.scale, right.scale);
  return adjusted(std::max(1, std::min(left.precision - left.scale, right.precision - right.scale) + scale), scale);
}

Type round_type(const Type& type, int digits) {
  if (digits >= type.scale) return Type::decimal(type.precision, type.scale);
  if (digits < 0)
    return Type::decimal(
        static_cast<std::uint8_t>(std::min<int>(kDecimalPrecisionMax, 1 + type.precision - type.scale)), 0);
  return Type::decimal(
      static_cast<std::uint8_t>(std::min<int>(kDecimalPrecisionMax, 1 + type.precision - type.scale + digits)),
      static_cast<std::uint8_t>(digits));
}

}  // namespace weir::decimal
