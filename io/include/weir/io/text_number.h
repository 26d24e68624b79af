// Numbers and booleans between text and values: what the formats and CAST share.
//
// Parsing takes the whole view or refuses it: no blanks around it, no locale, no terminator needed. Formatting writes
// into a buffer of the caller and returns its new end. Doubles are written with the fewest digits that read back as the
// same value, laid out as Java does it (1.0, 1.0E10), so that the same SQL gives the same text in Flink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace weir {

/// What became of a text. Expected flow, hence a value.
enum class TextStatus : std::uint8_t {
  kOk,
  kMalformed,   ///< Not of the form of its type.
  kOutOfRange,  ///< Of the right form, but its value does not fit.
};

inline constexpr std::size_t kInt64TextMax = 20;   ///< "-9223372036854775808".
inline constexpr std::size_t kDoubleTextMax = 32;  ///< "-2.2250738585072014E-308" and room.

/// The text without the blanks, tabs and line ends around it.
std::string_view trim_blanks(std::string_view text) noexcept;

/// [+-]digits. Thread: any. Allocates: never.
TextStatus parse_int64(std::string_view text, std::int64_t& value) noexcept;

/// The same for any signed width.
template <typename T>
TextStatus parse_integer(std::string_view text, T& value) noexcept {
  std::int64_t wide = 0;
  const TextStatus status = parse_int64(text, wide);
  if (status != TextStatus::kOk) return status;
  if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max()) return TextStatus::kOutOfRange;
  value = static_cast<T>(wide);
  return TextStatus::kOk;
}

/// [+-]digits[.digits][e[+-]digits] rounded to nearest even, or NaN, Infinity, +Infinity, -Infinity. What lies beyond
/// the largest finite value is kOutOfRange; what lies below the smallest is zero with its sign.
TextStatus parse_double(std::string_view text, double& value) noexcept;
TextStatus parse_float(std::string_view text, float& value) noexcept;

/// "true" or "false" in any case, and nothing else.
TextStatus parse_boolean(std::string_view text, bool& value) noexcept;

/// Requires: room for kInt64TextMax characters. Returns the end.
char* format_int64(std::int64_t value, char* out) noexcept;
/// Requires: room for kDoubleTextMax characters. Returns the end.
char* format_double(double value, char* out) noexcept;
char* format_float(float value, char* out) noexcept;
/// "true" or "false"; requires room for 5 characters.
char* format_boolean(bool value, char* out) noexcept;

}  // namespace weir
