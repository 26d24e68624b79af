// See number_result.h.
#include "window/number_result.h"

#include <limits>

namespace weir {
namespace {

Int128 power_of_ten(unsigned exponent) noexcept {
  Int128 power = 1;
  for (unsigned i = 0; i < exponent; ++i) power *= 10;
  return power;
}

}  // namespace

bool write_integer(Int128 value, const Type& type, Vector& to, std::uint32_t row) noexcept {
  const auto fits = [&]<class T>(T) {
    if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) return false;
    to.values<T>()[row] = static_cast<T>(value);
    return true;
  };
  switch (type.physical()) {
    case Physical::kInt8:
      return fits(std::int8_t{});
    case Physical::kInt16:
      return fits(std::int16_t{});
    case Physical::kInt32:
      return fits(std::int32_t{});
    case Physical::kInt64:
      return fits(std::int64_t{});
    default: {
      const Int128 limit = power_of_ten(type.precision);
      if (value <= -limit || value >= limit) return false;
      to.values<Int128>()[row] = value;
      return true;
    }
  }
}

bool divide_decimal(Int128 sum, std::uint64_t count, unsigned digits, Int128& quotient) noexcept {
  const Int128 power = power_of_ten(digits);
  const auto divisor = static_cast<Int128>(count);
  if (__builtin_mul_overflow(sum / divisor, power, &quotient)) return false;
  const Int128 rest = sum % divisor * power;  // below 2^64 * 10^6
  quotient += rest / divisor;
  const Int128 half = rest % divisor * 2;
  if (half >= divisor) ++quotient;
  if (-half >= divisor) --quotient;
  return true;
}

}  // namespace weir
