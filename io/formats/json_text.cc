// Small parts of JSON's grammar.
#include "formats/json_text.h"

#include "formats/digits.h"

namespace weir::detail {
namespace {

bool take_digits(std::string_view& text) noexcept {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  text.remove_prefix(count);
  return count != 0;
}

bool take_integer(std::string_view& text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.size() > 1 && text[0] == '0' && is_digit(text[1])) return false;
  return take_digits(text);
}

std::optional<std::uint32_t> hex4(std::string_view text) noexcept {
  if (text.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (const char character : text.substr(0, 4)) {
    const char lower = static_cast<char>(character | 0x20);
    value <<= 4;
    if (is_digit(character)) {
      value |= static_cast<std::uint32_t>(character - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value |= static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

char* put_utf8(std::uint32_t code, char* out) noexcept {
  const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return out;
}

/// The code point of \uXXXX at the front (behind the u), with its second half where it has one; takes it off.
std::optional<std::uint32_t> take_unicode(std::string_view& text) noexcept {
  const auto first = hex4(text);
  if (!first.has_value() || (*first >= 0xDC00 && *first < 0xE000)) return std::nullopt;
  text.remove_prefix(4);
  if (*first < 0xD800 || *first >= 0xE000) return first;
  if (!text.starts_with("\\u")) return std::nullopt;
  const auto second = hex4(text.substr(2));
  if (!second.has_value() || *second < 0xDC00 || *second >= 0xE000) return std::nullopt;
  text.remove_prefix(6);
  return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
}

constexpr char escaped_letter(char letter) noexcept {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace

bool is_json_integer(std::string_view text) noexcept {
  return take_integer(text) && text.empty();
}

bool is_json_number(std::string_view text) noexcept {
  if (!take_integer(text)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_digits(text)) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!take_digits(text)) return false;
  }
  return text.empty();
}

std::optional<std::size_t> unescape_json(std::string_view text, char* out) noexcept {
  char* const start = out;
  while (!text.empty()) {
    const char character = text.front();
    text.remove_prefix(1);
    if (character != '\\') {
      *out++ = character;
      continue;
    }
    if (text.empty()) return std::nullopt;
    const char letter = text.front();
    text.remove_prefix(1);
    if (letter == 'u') {
      const auto code = take_unicode(text);
      if (!code.has_value()) return std::nullopt;
      out = put_utf8(*code, out);
      continue;
    }
    const char plain = escaped_letter(letter);
    if (plain == '\0') return std::nullopt;
    *out++ = plain;
  }
  return static_cast<std::size_t>(out - start);
}

char* escape_json(std::string_view text, char* out) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && character != '"' && character != '\\') [[likely]] {
      *out++ = character;
      continue;
    }
    *out++ = '\\';
    switch (character) {
      case '"':
      case '\\':
        *out++ = character;
        break;
      case '\b':
        *out++ = 'b';
        break;
      case '\f':
        *out++ = 'f';
        break;
      case '\n':
        *out++ = 'n';
        break;
      case '\r':
        *out++ = 'r';
        break;
      case '\t':
        *out++ = 't';
        break;
      default:
        std::memcpy(out, "u00", 3);
        out[3] = kHex[byte >> 4];
        out[4] = kHex[byte & 15];
        out += 5;
    }
  }
  return out;
}

}  // namespace weir::detail
