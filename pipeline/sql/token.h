// Token: one word, literal or sign of SQL text. A token is a view into the text, so every later complaint can point at
// the very bytes it is about.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::sql {

enum class TokenKind : std::uint8_t {
  kEnd,
  kWord,       // an unquoted name or keyword
  kQuoted,     // `name`
  kString,     // '…', U&'…' or _…'…'
  kBytes,      // X'…'
  kNumber,     // 1, 0.5, 1e3
  kSymbol,     // operators and punctuation
  kHintBegin,  // /*+
  kHintEnd,    // */ that ends a hint
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t depth = 0;  ///< Open parentheses around the token; both parentheses of a pair carry the outer depth.
  std::string_view text;

  /// Case-insensitive, `keyword` in upper case.
  bool is_word(std::string_view keyword) const noexcept;
  bool is_symbol(std::string_view symbol) const noexcept { return kind == TokenKind::kSymbol && text == symbol; }
};

}  // namespace weir::sql
