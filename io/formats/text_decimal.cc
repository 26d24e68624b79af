// DECIMAL(p, s) between text and the scaled integer that holds it.
#include "weir/io/text_decimal.h"

#include <cstring>

#include "formats/digits.h"

namespace weir {
namespace {

/// The parts of a decimal text; `digits` counts those that matter, from the first that is not zero.
struct DecimalShape {
  bool valid = false;
  std::size_t first = 0;  // index of the first digit that is not zero, or mantissa_end
  std::size_t mantissa_end = 0;
  std::int64_t digits = 0;    // from `first` to mantissa_end
  std::int64_t fraction = 0;  // digits behind the point
  std::int64_t exponent = 0;
};

/// Large enough to decide every case, small enough never to overflow with a text's size added.
constexpr std::int64_t kExponentFar = std::int64_t{1} << 40;

DecimalShape shape_of(std::string_view text) noexcept {
  DecimalShape shape;
  std::size_t at = 0;
  bool point = false, any = false, significant = false;
  for (; at < text.size(); ++at) {
    const char character = text[at];
    if (character == '.') {
      if (point) return shape;
      point = true;
      continue;
    }
    if (!detail::is_digit(character)) break;
    any = true;
    if (point) ++shape.fraction;
    if (!significant && character != '0') {
      significant = true;
      shape.first = at;
    }
    if (significant) ++shape.digits;
  }
  shape.mantissa_end = at;
  if (!significant) shape.first = at;
  if (!any) return shape;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return shape;
    ++at;
    const bool negative = at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (at == text.size()) return shape;
    for (; at < text.size(); ++at) {
      if (!detail::is_digit(text[at])) return shape;
      if (shape.exponent < kExponentFar) shape.exponent = shape.exponent * 10 + (text[at] - '0');
    }
    if (negative) shape.exponent = -shape.exponent;
  }
  shape.valid = true;
  return shape;
}

/// The usual case in 64 bits: plain notation, up to 16 characters, none beyond the scale. False: take the general way.
bool parse_short(std::string_view text, bool negative, unsigned precision, unsigned scale, Int128& value) noexcept {
  std::uint64_t sum = 0;
  unsigned fraction = 0;
  if (!detail::decimal_run(text.data(), text.size(), sum, fraction) || fraction > scale) return false;
  const unsigned missing = scale - fraction;
  // As many digits as there are characters at most: what is near the limit takes the general way.
  if (precision > 18 || text.size() + missing > precision) return false;
  const auto scaled = static_cast<std::int64_t>(sum * static_cast<std::uint64_t>(power_of_ten(missing)));
  value = negative ? -scaled : scaled;
  return true;
}

}  // namespace

Int128 power_of_ten(unsigned exponent) noexcept {
  static constexpr auto kPowers = [] {
    struct {
      Int128 at[39];
    } powers{};
    powers.at[0] = 1;
    for (int i = 1; i < 39; ++i) powers.at[i] = powers.at[i - 1] * 10;
    return powers;
  }();
  return kPowers.at[exponent];
}

TextStatus parse_decimal(std::string_view text, unsigned precision, unsigned scale, Int128& value) noexcept {
  if (text.empty()) return TextStatus::kMalformed;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  if (parse_short(text, negative, precision, scale, value)) return TextStatus::kOk;
  const DecimalShape shape = shape_of(text);
  if (!shape.valid) return TextStatus::kMalformed;
  if (shape.digits == 0) {
    value = 0;
    return TextStatus::kOk;
  }
  // value = the digits as an integer * 10^shift
  const std::int64_t shift = shape.exponent - shape.fraction + static_cast<std::int64_t>(scale);
  const std::int64_t kept = shape.digits + (shift < 0 ? shift : 0);
  if (kept < 0) {
    value = 0;
    return TextStatus::kOk;
  }
  if (kept > precision || (shift > 0 && shape.digits + shift > precision)) return TextStatus::kOutOfRange;
  Uint128 sum = 0;
  std::int64_t taken = 0;
  bool round_up = false;
  for (std::size_t at = shape.first; at < shape.mantissa_end; ++at) {
    if (text[at] == '.') continue;
    if (taken == kept) {
      round_up = text[at] >= '5';
      break;
    }
    sum = sum * 10 + static_cast<unsigned>(text[at] - '0');
    ++taken;
  }
  if (shift > 0) sum *= static_cast<Uint128>(power_of_ten(static_cast<unsigned>(shift)));
  if (round_up) ++sum;
  if (sum >= static_cast<Uint128>(power_of_ten(precision))) return TextStatus::kOutOfRange;
  value = negative ? -static_cast<Int128>(sum) : static_cast<Int128>(sum);
  return TextStatus::kOk;
}

char* format_decimal(Int128 value, unsigned scale, char* out) noexcept {
  Uint128 rest = value < 0 ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value);
  if (value < 0) *out++ = '-';
  char digits[kDecimalTextMax];
  char* const end = digits + sizeof digits;
  char* at = end;
  unsigned count = 0;
  while (rest > ~std::uint64_t{0}) {  // the slow division only while it is needed
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    if (++count == scale) *--at = '.';
  }
  auto low = static_cast<std::uint64_t>(rest);
  while (low != 0 || count <= scale) {
    *--at = static_cast<char>('0' + static_cast<int>(low % 10));
    low /= 10;
    if (++count == scale) *--at = '.';
  }
  if (*at == '.') *--at = '0';
  const auto size = static_cast<std::size_t>(end - at);
  std::memcpy(out, at, size);
  return out + size;
}

}  // namespace weir
