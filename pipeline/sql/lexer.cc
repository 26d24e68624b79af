// See lexer.h.
#include "lexer.h"

#include <algorithm>
#include <array>

namespace weir::sql {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_word_begin(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_word_part(char c) noexcept {
  return is_word_begin(c) || is_digit(c) || c == '$';
}
bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0U | (point >> 6U));
    put(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0U | (point >> 12U));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  } else {
    put(0xF0U | (point >> 18U));
    put(0x80U | ((point >> 12U) & 0x3FU));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  }
}

class Lexer {
 public:
  Lexer(std::string_view text, Diagnostics& diagnostics) : text_(text), diagnostics_(diagnostics) {}

  std::vector<Token> run() {
    while (position_ < text_.size()) step();
    add(TokenKind::kEnd, text_.size(), 0);
    return std::move(tokens_);
  }

 private:
  char at(std::size_t offset) const noexcept {
    return position_ + offset < text_.size() ? text_[position_ + offset] : '\0';
  }

  void add(TokenKind kind, std::size_t begin, std::size_t length) {
    Token token;
    token.kind = kind;
    token.begin = static_cast<std::uint32_t>(begin);
    token.end = static_cast<std::uint32_t>(begin + length);
    token.text = text_.substr(begin, length);
    if (token.is_symbol(")") && depth_ > 0) --depth_;
    token.depth = depth_;
    if (token.is_symbol("(")) ++depth_;
    if (token.is_symbol(";")) depth_ = token.depth = 0;
    tokens_.push_back(token);
    position_ = begin + length;
  }

  void error(std::size_t begin, std::size_t end, std::string message, std::string hint = {}) {
    diagnostics_.report(ErrorCode::kSqlSyntax, {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)},
                        std::move(message), std::move(hint));
  }

  void step() {
    const char c = text_[position_];
    if (is_space(c)) {
      ++position_;
    } else if (c == '-' && at(1) == '-') {
      skip_line();
    } else if (c == '/' && at(1) == '*') {
      comment();
    } else if (c == '*' && at(1) == '/' && in_hint_) {
      in_hint_ = false;
      add(TokenKind::kHintEnd, position_, 2);
    } else if (c == '\'') {
      quoted(TokenKind::kString, position_, '\'', "string");
    } else if (c == '`') {
      quoted(TokenKind::kQuoted, position_, '`', "name");
    } else if ((c == 'U' || c == 'u') && at(1) == '&' && at(2) == '\'') {
      const std::size_t begin = position_;
      position_ += 2;
      quoted(TokenKind::kString, begin, '\'', "string");
      check_escapes();
    } else if ((c == 'X' || c == 'x') && at(1) == '\'') {
      const std::size_t begin = position_;
      position_ += 1;
      quoted(TokenKind::kBytes, begin, '\'', "binary string");
      check_hex();
    } else if (is_digit(c) || (c == '.' && is_digit(at(1)))) {
      number();
    } else if (is_word_begin(c)) {
      std::size_t length = 1;
      while (is_word_part(at(length))) ++length;
      add(TokenKind::kWord, position_, length);
    } else if (c == '"') {
      double_quoted();
    } else {
      symbol();
    }
  }

  void skip_line() {
    const std::size_t newline = text_.find('\n', position_);
    position_ = newline == std::string_view::npos ? text_.size() : newline + 1;
  }

  void comment() {
    if (at(2) == '+') {
      in_hint_ = true;
      add(TokenKind::kHintBegin, position_, 3);
      return;
    }
    const std::size_t end = text_.find("*/", position_ + 2);
    if (end == std::string_view::npos) {
      error(position_, position_ + 2, "the comment does not end", "close it with */");
      position_ = text_.size();
      return;
    }
    position_ = end + 2;
  }

  /// The quote stands at position_; the token starts at `begin`.
  void quoted(TokenKind kind, std::size_t begin, char quote, std::string_view what) {
    std::size_t i = position_ + 1;
    while (i < text_.size()) {
      if (text_[i] != quote) {
        ++i;
      } else if (i + 1 < text_.size() && text_[i + 1] == quote) {
        i += 2;
      } else {
        add(kind, begin, i + 1 - begin);
        if (kind == TokenKind::kQuoted && tokens_.back().text.size() == 2) {
          error(begin, i + 1, "a name in backticks cannot be empty");
          tokens_.pop_back();
        }
        return;
      }
    }
    error(begin, position_ + 1, "the " + std::string(what) + " does not end",
          std::string("close it with ") + quote + "; a " + quote + " inside is written twice");
    position_ = text_.size();
  }

  void check_escapes() {
    if (tokens_.empty() || tokens_.back().kind != TokenKind::kString) return;
    const Token& token = tokens_.back();
    for (std::size_t i = 3; i + 1 < token.text.size(); ++i) {
      if (token.text[i] != '\\') continue;
      if (token.text[i + 1] == '\\') {
        ++i;
        continue;
      }
      std::uint32_t point = 0;
      bool good = i + 5 < token.text.size();
      for (std::size_t k = 1; good && k <= 4; ++k) {
        good = hex_value(token.text[i + k]) >= 0;
        point = point * 16 + static_cast<std::uint32_t>(std::max(0, hex_value(token.text[i + k])));
      }
      if (!good || (point >= 0xD800 && point < 0xE000)) {
        error(token.begin + i, token.begin + i + 1, "bad escape in a U& string",
              "write \\XXXX with four hexadecimal digits, or \\\\");
        return;
      }
      i += 4;
    }
  }

  void check_hex() {
    if (tokens_.empty() || tokens_.back().kind != TokenKind::kBytes) return;
    const Token& token = tokens_.back();
    const std::string_view digits = token.text.substr(2, token.text.size() - 3);
    const bool good =
        digits.size() % 2 == 0 && std::all_of(digits.begin(), digits.end(), [](char c) { return hex_value(c) >= 0; });
    if (!good) error(token.begin, token.end, "a binary string holds pairs of hexadecimal digits");
  }

  void number() {
    std::size_t length = 0;
    while (is_digit(at(length))) ++length;
    if (at(length) == '.') {
      ++length;
      while (is_digit(at(length))) ++length;
    }
    if (at(length) == 'e' || at(length) == 'E') {
      const std::size_t sign = at(length + 1) == '+' || at(length + 1) == '-' ? 1 : 0;
      if (is_digit(at(length + 1 + sign))) {
        length += 1 + sign;
        while (is_digit(at(length))) ++length;
      }
    }
    std::size_t junk = length;
    while (is_word_part(at(junk))) ++junk;
    if (junk > length) {
      error(position_, position_ + junk, "`" + std::string(text_.substr(position_, junk)) + "` is not a number",
            "a name that begins with a digit stands in backticks");
    }
    add(TokenKind::kNumber, position_, length);
    position_ += junk - length;
  }

  void double_quoted() {
    const std::size_t end = text_.find_first_of("\"\n", position_ + 1);
    const bool closed = end != std::string_view::npos && text_[end] == '"';
    const std::size_t length = closed ? end + 1 - position_ : 1;
    error(position_, position_ + length, "double quotes are not used in this dialect",
          "write a name in backticks `…`, a string in single quotes '…'");
    // A name in its place keeps the parser from complaining a second time.
    add(TokenKind::kWord, position_, length);
  }

  void symbol() {
    static constexpr std::array<std::string_view, 8> kLong = {"<>", "!=", "<=", ">=", "||", "=>", "::", "=="};
    for (const std::string_view sign : kLong) {
      if (text_.substr(position_, 2) != sign) continue;
      if (sign == "==") error(position_, position_ + 2, "`==` is not an operator of SQL", "write =");
      if (sign == "==") {
        add(TokenKind::kSymbol, position_ + 1, 1);
      } else {
        add(TokenKind::kSymbol, position_, 2);
      }
      return;
    }
    const char c = text_[position_];
    if (std::string_view("+-*/%=<>(),.;[]:?{}|^$&").find(c) != std::string_view::npos) {
      add(TokenKind::kSymbol, position_, 1);
      return;
    }
    const bool printable = static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    error(position_, position_ + 1,
          printable ? std::string("the character ") + c + " has no meaning here"
                    : "a control character has no meaning here");
    ++position_;
  }

  std::string_view text_;
  Diagnostics& diagnostics_;
  std::size_t position_ = 0;
  std::uint32_t depth_ = 0;
  bool in_hint_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

bool Token::is_word(std::string_view keyword) const noexcept {
  return kind == TokenKind::kWord && equals_ignore_case(text, keyword);
}

std::vector<Token> tokenize(std::string_view text, Diagnostics& diagnostics) {
  return Lexer(text, diagnostics).run();
}

std::string token_value(const Token& token) {
  std::string_view text = token.text;
  const bool escapes = text.size() > 1 && text[0] != '\'' && text[1] == '&';
  if (escapes) text.remove_prefix(2);
  if (text.size() < 2) return std::string(text);
  const char quote = text.front();
  text = text.substr(1, text.size() - 2);
  std::string value;
  value.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == quote) {
      ++i;  // doubled
      value += quote;
    } else if (escapes && text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '\\') {
      ++i;
      value += '\\';
    } else if (escapes && text[i] == '\\' && i + 4 < text.size()) {
      std::uint32_t point = 0;
      for (std::size_t k = 1; k <= 4; ++k) {
        point = point * 16 + static_cast<std::uint32_t>(std::max(0, hex_value(text[i + k])));
      }
      append_utf8(value, point);
      i += 4;
    } else {
      value += text[i];
    }
  }
  return value;
}

std::string token_bytes(const Token& token) {
  std::string bytes;
  if (token.text.size() < 3) return bytes;
  const std::string_view digits = token.text.substr(2, token.text.size() - 3);
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    const int value = std::max(0, hex_value(digits[i])) * 16 + std::max(0, hex_value(digits[i + 1]));
    bytes += static_cast<char>(static_cast<unsigned char>(value));
  }
  return bytes;
}

std::string to_upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

bool equals_ignore_case(std::string_view left, std::string_view right) noexcept {
  if (left.size() != right.size()) return false;
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (upper(left[i]) != upper(right[i])) return false;
  }
  return true;
}

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i);
    std::size_t length = 1;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (lead < 0x80) {
      ++i;
      continue;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return i;
    }
    if (byte(i + 1) < low || byte(i + 1) > high) return i;
    for (std::size_t k = 2; k < length; ++k) {
      if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace weir::sql
