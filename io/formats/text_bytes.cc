// UTF-8 validation and base64.
#include "weir/io/text_bytes.h"

#include <simdjson.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "formats/digits.h"

namespace weir {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 255;

constexpr std::array<std::uint8_t, 256> kDigitOf = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(kNoDigit);
  for (std::uint8_t i = 0; i < 64; ++i) table[static_cast<unsigned char>(kAlphabet[i])] = i;
  return table;
}();

}  // namespace

bool is_valid_utf8(std::string_view text) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080u;
  if (text.size() <= 32) {  // mostly ASCII: spares the call
    std::uint64_t high = 0;
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) high |= detail::load8(text.data() + at);
    high |= detail::load_partial(text.data() + at, text.size() - at);
    if ((high & kHighBits) == 0) return true;
  }
  return simdjson::validate_utf8(text.data(), text.size());
}

TextStatus base64_decode(std::string_view text, char* out, std::size_t& written) noexcept {
  if (text.size() % 4 == 0 && text.ends_with('=')) {
    text.remove_suffix(text.size() >= 2 && text[text.size() - 2] == '=' ? 2 : 1);
  }
  if (text.size() % 4 == 1) return TextStatus::kMalformed;
  char* const start = out;
  std::uint32_t word = 0;
  unsigned bits = 0;
  for (const char character : text) {
    const std::uint8_t digit = kDigitOf[static_cast<unsigned char>(character)];
    if (digit == kNoDigit) return TextStatus::kMalformed;
    word = (word << 6) | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      *out++ = static_cast<char>((word >> bits) & 0xFF);
    }
  }
  if ((word & ((1u << bits) - 1)) != 0) return TextStatus::kMalformed;  // bits that no byte holds
  written = static_cast<std::size_t>(out - start);
  return TextStatus::kOk;
}

char* base64_encode(std::string_view bytes, char* out) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])); };
  std::size_t at = 0;
  for (; at + 3 <= bytes.size(); at += 3) {
    const std::uint32_t word = (byte(at) << 16) | (byte(at + 1) << 8) | byte(at + 2);
    *out++ = kAlphabet[word >> 18];
    *out++ = kAlphabet[(word >> 12) & 63];
    *out++ = kAlphabet[(word >> 6) & 63];
    *out++ = kAlphabet[word & 63];
  }
  const std::size_t left = bytes.size() - at;
  if (left == 0) return out;
  const std::uint32_t word = (byte(at) << 16) | (left == 2 ? byte(at + 1) << 8 : 0);
  *out++ = kAlphabet[word >> 18];
  *out++ = kAlphabet[(word >> 12) & 63];
  *out++ = left == 2 ? kAlphabet[(word >> 6) & 63] : '=';
  *out++ = '=';
  return out;
}

}  // namespace weir
