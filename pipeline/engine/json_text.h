// A string as a JSON string, for reports (RFC 8259 section 7).
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "weir/io/text_bytes.h"

namespace weir {

/// With its quotes; control characters are escaped, and what is no UTF-8 becomes U+FFFD: texts quote bad records.
inline std::string json_string(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t at = 0, used = 1; at < text.size(); at += used) {
    const char c = text[at];
    const auto byte = static_cast<unsigned char>(c);
    used = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else if (byte < 0x80) {
      out += c;
    } else {
      for (used = 2; used <= 4 && !is_valid_utf8(text.substr(at, used)); ++used) {
      }
      if (at + used > text.size() || used > 4) used = 0;
      out += used == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, used);
      used = std::max<std::size_t>(used, 1);
    }
  }
  return out + '"';
}

}  // namespace weir
