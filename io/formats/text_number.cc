// Numbers and booleans between text and values.
#include "weir/io/text_number.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "formats/digits.h"

namespace weir {
namespace {

constexpr std::uint64_t kInt64Limit = std::uint64_t{1} << 63;

constexpr double kExactPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// What the shape of a number is, so that from_chars sees nothing that it would take and we would not.
struct NumberShape {
  bool valid = false;
  std::size_t exponent_at = 0;  // index of e, or the size
  std::size_t point_at = 0;     // index of the point, or exponent_at
};

NumberShape shape_of(std::string_view digits) noexcept {
  NumberShape shape;
  std::size_t at = 0, count = 0;
  while (at < digits.size() && detail::is_digit(digits[at])) ++at, ++count;
  shape.point_at = at;
  if (at < digits.size() && digits[at] == '.') {
    ++at;
    while (at < digits.size() && detail::is_digit(digits[at])) ++at, ++count;
  }
  shape.exponent_at = at;
  if (count == 0) return shape;
  if (at < digits.size() && (digits[at] == 'e' || digits[at] == 'E')) {
    ++at;
    if (at < digits.size() && (digits[at] == '+' || digits[at] == '-')) ++at;
    if (at == digits.size()) return shape;
    while (at < digits.size() && detail::is_digit(digits[at])) ++at;
  }
  shape.valid = at == digits.size();
  return shape;
}

/// True when a number that no double can hold is too small rather than too large.
bool is_tiny(std::string_view digits, const NumberShape& shape) noexcept {
  constexpr std::int64_t kFar = 1'000'000'000'000;
  std::int64_t exponent = 0;
  std::size_t at = shape.exponent_at;
  if (at < digits.size()) {
    ++at;
    const bool negative = digits[at] == '-';
    if (digits[at] == '+' || digits[at] == '-') ++at;
    for (; at < digits.size() && exponent < kFar; ++at) exponent = exponent * 10 + (digits[at] - '0');
    if (negative) exponent = -exponent;
  }
  for (std::size_t i = 0; i < shape.exponent_at; ++i) {
    if (digits[i] == '0' || digits[i] == '.') continue;
    const auto place = i < shape.point_at ? static_cast<std::int64_t>(shape.point_at - i) - 1
                                          : -static_cast<std::int64_t>(i - shape.point_at);
    return place + exponent < 0;
  }
  return true;
}

/// digits[.digits] with up to 16 digits whose value a double holds exactly, times a power of ten that it holds exactly:
/// one rounding, so the result is the nearest. Source: Clinger, "How to read floating point numbers accurately", 1990.
bool parse_short(std::string_view digits, double& value) noexcept {
  std::uint64_t sum = 0;
  unsigned fraction = 0;
  if (!detail::decimal_run(digits.data(), digits.size(), sum, fraction) || sum > (std::uint64_t{1} << 53)) return false;
  value = static_cast<double>(sum) / kExactPowers[fraction];
  return true;
}

template <typename T>
TextStatus parse_floating(std::string_view text, T& value) noexcept {
  if (text.empty()) return TextStatus::kMalformed;
  const bool negative = text[0] == '-';
  std::string_view digits = text;
  if (negative || text[0] == '+') digits.remove_prefix(1);
  if constexpr (sizeof(T) == 8) {
    double short_value = 0;
    if (parse_short(digits, short_value)) {
      value = negative ? -short_value : short_value;
      return TextStatus::kOk;
    }
  }
  if (digits == "Infinity") {
    value = negative ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
    return TextStatus::kOk;
  }
  if (text == "NaN") {
    value = std::numeric_limits<T>::quiet_NaN();
    return TextStatus::kOk;
  }
  const NumberShape shape = shape_of(digits);
  if (!shape.valid) return TextStatus::kMalformed;
  T parsed{};
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
  if (result.ec == std::errc::result_out_of_range || std::isinf(parsed)) {
    if (!is_tiny(digits, shape)) return TextStatus::kOutOfRange;
    parsed = 0;
  } else if (result.ec != std::errc{}) {
    return TextStatus::kMalformed;
  }
  value = negative ? -parsed : parsed;
  return TextStatus::kOk;
}

/// Lays shortest digits out as Java's Double.toString does.
template <typename T>
char* format_floating(T value, char* out) noexcept {
  const auto put = [&out](std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    out += text.size();
  };
  if (std::isnan(value)) {
    put("NaN");
    return out;
  }
  if (std::signbit(value)) *out++ = '-';
  value = std::abs(value);
  if (std::isinf(value)) {
    put("Infinity");
    return out;
  }
  if (value == T{0}) {
    put("0.0");
    return out;
  }
  char shortest[40];
  const auto result = std::to_chars(shortest, shortest + sizeof shortest, value, std::chars_format::scientific);
  const char* const exponent_at =
      static_cast<const char*>(std::memchr(shortest, 'e', static_cast<std::size_t>(result.ptr - shortest)));
  int exponent = 0;
  std::from_chars(exponent_at + (exponent_at[1] == '+' ? 2 : 1), result.ptr, exponent);
  char digits[24] = {};
  int count = 0;
  for (const char* at = shortest; at != exponent_at; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  if (exponent >= -3 && exponent < 7) {
    if (exponent < 0) {
      put("0.");
      for (int i = -1; i > exponent; --i) *out++ = '0';
      put({digits, static_cast<std::size_t>(count)});
      return out;
    }
    for (int i = 0; i <= exponent; ++i) *out++ = i < count ? digits[i] : '0';
    *out++ = '.';
    if (count <= exponent + 1) *out++ = '0';
    for (int i = exponent + 1; i < count; ++i) *out++ = digits[i];
    return out;
  }
  *out++ = digits[0];
  *out++ = '.';
  if (count == 1) *out++ = '0';
  put({digits + 1, static_cast<std::size_t>(count - 1)});
  *out++ = 'E';
  return std::to_chars(out, out + 6, exponent).ptr;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

}  // namespace

std::string_view trim_blanks(std::string_view text) noexcept {
  const auto blank = [](char character) {
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
  };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

TextStatus parse_int64(std::string_view text, std::int64_t& value) noexcept {
  if (text.empty()) return TextStatus::kMalformed;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  if (text.size() > 19) {  // leading zeros, or too large
    std::size_t zeros = 0;
    while (zeros + 1 < text.size() && text[zeros] == '0') ++zeros;
    text.remove_prefix(zeros);
    if (text.size() > 19) {
      for (const char character : text) {
        if (!detail::is_digit(character)) return TextStatus::kMalformed;
      }
      return TextStatus::kOutOfRange;
    }
  }
  std::uint64_t magnitude = 0;
  if (!detail::digit_run<false>(text.data(), text.size(), magnitude)) return TextStatus::kMalformed;
  if (magnitude > kInt64Limit - (negative ? 0 : 1)) return TextStatus::kOutOfRange;
  value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return TextStatus::kOk;
}

TextStatus parse_double(std::string_view text, double& value) noexcept {
  return parse_floating(text, value);
}
TextStatus parse_float(std::string_view text, float& value) noexcept {
  return parse_floating(text, value);
}

TextStatus parse_boolean(std::string_view text, bool& value) noexcept {
  if (equals_ignoring_case(text, "true")) {
    value = true;
  } else if (equals_ignoring_case(text, "false")) {
    value = false;
  } else {
    return TextStatus::kMalformed;
  }
  return TextStatus::kOk;
}

char* format_int64(std::int64_t value, char* out) noexcept {
  return std::to_chars(out, out + kInt64TextMax, value).ptr;
}
char* format_double(double value, char* out) noexcept {
  return format_floating(value, out);
}
char* format_float(float value, char* out) noexcept {
  return format_floating(value, out);
}
char* format_boolean(bool value, char* out) noexcept {
  std::memcpy(out, value ? "true" : "fals", 4);
  out += 4;
  if (!value) *out++ = 'e';
  return out;
}

}  // namespace weir
