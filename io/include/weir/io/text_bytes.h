// UTF-8 validation and base64: strings and bytes in text formats.
#pragma once

#include <cstddef>
#include <string_view>

#include "weir/io/text_number.h"

namespace weir {

bool is_valid_utf8(std::string_view text) noexcept;

/// Bytes that the text stands for at most.
constexpr std::size_t base64_decoded_max(std::size_t text_bytes) noexcept {
  return (text_bytes / 4 + 1) * 3;
}
constexpr std::size_t base64_encoded_size(std::size_t bytes) noexcept {
  return (bytes + 2) / 3 * 4;
}
/// RFC 4648 section 4; padding may be missing, nothing else may. Requires: room for base64_decoded_max(text.size()).
TextStatus base64_decode(std::string_view text, char* out, std::size_t& written) noexcept;
/// With padding. Requires: room for base64_encoded_size(bytes.size()). Returns the end.
char* base64_encode(std::string_view bytes, char* out) noexcept;

}  // namespace weir
