// Small parts of JSON's grammar (RFC 8259): numbers, escapes in strings, and writing strings.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::detail {

/// -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
bool is_json_number(std::string_view text) noexcept;
/// The same without fraction and exponent.
bool is_json_integer(std::string_view text) noexcept;
/// Undoes the escapes of a string's content. Returns the bytes written, nothing where an escape is wrong or half a
/// surrogate pair stands alone. Requires: room for text.size() bytes.
std::optional<std::size_t> unescape_json(std::string_view text, char* out) noexcept;
/// Bytes that one byte of a string takes at most when written.
inline constexpr std::size_t kJsonEscapeMax = 6;
/// Content of a string with what must be escaped escaped. Requires: room for kJsonEscapeMax * text.size().
char* escape_json(std::string_view text, char* out) noexcept;

}  // namespace weir::detail
