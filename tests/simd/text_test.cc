// Text scans against loops over single bytes, and UTF-8 against a decoder of its own.
#include "weir/simd/text.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "kernel_case.h"

namespace weir::simd::testing {
namespace {

class Text : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Text);

std::vector<char> random_text(std::size_t size, std::string_view alphabet, Random& random) {
  std::vector<char> text(size);
  for (char& byte : text) byte = alphabet[random() % alphabet.size()];
  return text;
}

TEST_P(Text, StructuralsAreTheNewlinesAndDelimitersOutsideQuotes) {
  Random random(31);
  for (const std::uint32_t size : row_counts()) {
    for (const char quote : {'"', '\0'}) {
      const std::vector<char> text = random_text(size, random() % 2 == 0 ? "ab,\n\"" : "abcdefghij,\n\"klmn", random);
      std::vector<std::uint32_t> expected_ends, expected_quotes;
      bool inside = random() % 2 == 0 && quote != 0;
      QuoteState state{inside}, ends_state{inside}, cut_state{inside};
      std::vector<std::uint64_t> newlines(bitmap_words(size)), delimiters(newlines), quotes(newlines);
      std::vector<std::uint32_t> lines;
      for (std::uint32_t i = 0; i < size; ++i) {
        if (quote != 0 && text[i] == quote) {
          inside = !inside;
          expected_quotes.push_back(i);
        }
        if (!inside && text[i] == '\n') lines.push_back(i);
        if (!inside && (text[i] == '\n' || text[i] == ',')) expected_ends.push_back(i);
      }
      find_structurals(text.data(), size, ',', quote, state, newlines.data(), delimiters.data(), quotes.data());
      ASSERT_EQ(state.inside, inside);
      std::vector<std::uint32_t> out(size + 8);
      out.resize(bitmap_positions(newlines.data(), delimiters.data(), newlines.size(), 0, out.data()));
      ASSERT_EQ(out, expected_ends) << size;
      out.assign(size + 8, 0);
      out.resize(bitmap_positions(newlines.data(), nullptr, newlines.size(), 1000, out.data()));
      for (auto& position : lines) position += 1000;
      ASSERT_EQ(out, lines);
      out.assign(size + 8, 0);
      out.resize(bitmap_positions(quotes.data(), nullptr, quotes.size(), 0, out.data()));
      ASSERT_EQ(out, expected_quotes);
      out.assign(size + 8, 0);
      out.resize(find_field_ends(text.data(), size, ',', quote, ends_state, out.data()));
      ASSERT_EQ(out, expected_ends);
      ASSERT_EQ(ends_state.inside, inside);
      // Cut anywhere, the state carries over.
      const std::size_t cut = random() % (size + 1);
      std::vector<std::uint32_t> parts(size + 16);
      const std::size_t first = find_field_ends(text.data(), cut, ',', quote, cut_state, parts.data());
      const std::size_t second =
          find_field_ends(text.data() + cut, size - cut, ',', quote, cut_state, parts.data() + first);
      for (std::size_t i = first; i < first + second; ++i) parts[i] += static_cast<std::uint32_t>(cut);
      parts.resize(first + second);
      ASSERT_EQ(parts, expected_ends);
      // Outputs that are not wanted.
      find_structurals(text.data(), size, ',', quote, state, nullptr, nullptr, nullptr);
    }
  }
}

TEST_P(Text, BytesAreFoundAndCounted) {
  Random random(32);
  for (const std::uint32_t size : row_counts()) {
    for (const std::string_view alphabet :
         {"ab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "a", "b"}) {
      const std::vector<char> text = random_text(size, alphabet, random);
      const auto first = std::find(text.begin(), text.end(), 'b') - text.begin();
      const auto last = std::find(text.rbegin(), text.rend(), 'b');
      ASSERT_EQ(find_byte(text.data(), size, 'b'), static_cast<std::size_t>(first));
      ASSERT_EQ(find_last_byte(text.data(), size, 'b'),
                last == text.rend() ? size : static_cast<std::size_t>(text.rend() - last - 1));
      ASSERT_EQ(count_byte(text.data(), size, 'b'),
                static_cast<std::size_t>(std::count(text.begin(), text.end(), 'b')));
    }
  }
}

/// Decodes by arithmetic, unlike the kernels: index of the first bad sequence, or the size.
std::size_t decode_all(const std::vector<char>& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const int length = lead < 0x80 ? 1 : (lead >> 5) == 6 ? 2 : (lead >> 4) == 14 ? 3 : (lead >> 3) == 30 ? 4 : 0;
    if (length == 0 || at + static_cast<std::size_t>(length) > text.size()) return at;
    std::uint32_t code = length == 1 ? lead : lead & ((1u << (7 - length)) - 1);
    for (int i = 1; i < length; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + static_cast<std::size_t>(i)]);
      if ((byte >> 6) != 2) return at;
      code = code << 6 | (byte & 0x3Fu);
    }
    const std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return at;
    at += static_cast<std::size_t>(length);
  }
  return text.size();
}

void append_code(std::vector<char>& text, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

TEST_P(Text, Utf8IsAcceptedAndTheFirstBadSequenceIsNamed) {
  Random random(33);
  const std::uint32_t edges[] = {0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
  int bad = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<char> text;
    const std::size_t size = random() % 300;
    const std::uint64_t ascii = random() % 8;
    while (text.size() < size) {
      const std::uint64_t kind = random() % 8;
      append_code(text, kind < ascii ? 'a'
                        : kind == 7  ? edges[random() % 9]
                                     : static_cast<std::uint32_t>(random() % 0xD800));
    }
    text.shrink_to_fit();
    ASSERT_EQ(validate_utf8(text.data(), text.size()), text.size());
    if (text.empty()) continue;
    const char damage[] = {'\x80', '\xBF', '\xC0', '\xC1', '\xC2', '\xE0', '\xED', '\xF0', '\xF4', '\xF5', '\xFF', 'a'};
    text[random() % text.size()] = damage[random() % sizeof damage];
    if (random() % 3 == 0) text.resize(text.size() - random() % std::min<std::size_t>(text.size(), 4));
    text.shrink_to_fit();
    const std::size_t expected = decode_all(text);
    bad += expected != text.size() ? 1 : 0;
    ASSERT_EQ(validate_utf8(text.data(), text.size()), expected) << "round " << round;
  }
  EXPECT_GT(bad, 500);
}

TEST_P(Text, EveryPairAndTripleOfBytesIsJudgedRight) {
  // Around the middle of a block, with a fourth byte of each class.
  std::vector<char> text(160, 'a');
  const unsigned char lows[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xF5};
  for (const std::size_t at : {std::size_t{70}, std::size_t{125}}) {
    for (unsigned first = 0x7F; first < 256; ++first) {
      for (const unsigned char second : lows) {
        for (const unsigned char third : lows) {
          for (const char fourth : {'a', '\x80', '\xBF', '\xC2'}) {
            text[at] = static_cast<char>(first);
            text[at + 1] = static_cast<char>(second);
            text[at + 2] = static_cast<char>(third);
            text[at + 3] = fourth;
            ASSERT_EQ(validate_utf8(text.data(), text.size()), decode_all(text))
                << std::hex << first << ' ' << +second << ' ' << +third << ' ' << +fourth;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace weir::simd::testing
