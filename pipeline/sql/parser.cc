// The parser's look-ahead, errors and recovery. See parser.h.
#include "parser.h"

#include <algorithm>

#include "keywords.h"
#include "lexer.h"
#include "suggest.h"

namespace weir::sql {

Script parse_script(std::string_view text, Diagnostics& diagnostics) {
  return Parser(text, diagnostics).script();
}

Parser::Parser(std::string_view text, Diagnostics& diagnostics)
    : text_(text), diagnostics_(diagnostics), tokens_(tokenize(text, diagnostics)) {}

Script Parser::script() {
  Script script;
  while (true) {
    while (accept_symbol(";")) {
    }
    if (at_end() || diagnostics_.full()) break;
    const std::size_t before = position_;
    const std::uint32_t begin = peek().begin;
    Statement out;
    broken_ = false;
    const bool made = statement(out);
    if (made && !panic_ && !at_end() && !at_symbol(";")) unexpected("`;` or the end of the statement");
    recover(0, {});
    out.broken = broken_;
    out.span = since(begin);
    if (made) script.statements.push_back(std::move(out));
    if (position_ == before) ++position_;
  }
  script.notes = std::move(notes_);
  return script;
}

const Token& Parser::peek(std::size_t ahead) const noexcept {
  if (panic_) return tokens_.back();
  return tokens_[std::min(position_ + ahead, tokens_.size() - 1)];
}

bool Parser::at_query(std::size_t ahead) const noexcept {
  return at_word("SELECT", ahead) || at_word("WITH", ahead) || at_word("VALUES", ahead);
}

const Token& Parser::next() {
  const Token& token = peek();
  if (token.kind != TokenKind::kEnd) {
    ++position_;
    last_end_ = token.end;
  }
  return token;
}

bool Parser::accept_word(std::string_view keyword) {
  if (!at_word(keyword)) return false;
  next();
  return true;
}

bool Parser::accept_words(std::initializer_list<std::string_view> keywords) {
  std::size_t ahead = 0;
  for (const std::string_view keyword : keywords) {
    if (!at_word(keyword, ahead++)) return false;
  }
  for (std::size_t i = 0; i < keywords.size(); ++i) next();
  return true;
}

bool Parser::accept_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  next();
  return true;
}

void Parser::expect_word(std::string_view keyword) {
  if (accept_word(keyword) || panic_) return;
  std::string hint;
  if (peek().kind == TokenKind::kWord) hint = did_you_mean(to_upper(peek().text), {std::string(keyword)});
  error(here(), "expected " + std::string(keyword) + ", found " + found(), std::move(hint));
}

void Parser::expect_symbol(std::string_view symbol) {
  if (accept_symbol(symbol) || panic_) return;
  unexpected("`" + std::string(symbol) + "`");
}

std::string Parser::found() const {
  const Token& token = peek();
  if (token.kind == TokenKind::kEnd) return "the end of the text";
  if (token.kind == TokenKind::kQuoted) return std::string(token.text);
  if (token.text.size() > 40) return "a long " + std::string(token.kind == TokenKind::kString ? "string" : "word");
  return "`" + std::string(token.text) + "`";
}

void Parser::error(Span span, std::string message, std::string hint, ErrorCode code) {
  broken_ = true;
  if (panic_) return;
  diagnostics_.report(code, span, std::move(message), std::move(hint));
  panic_ = true;
}

void Parser::unexpected(std::string_view wanted) {
  if (panic_) return;
  std::string hint;
  const auto near_clause = [](const Token& token) {
    const std::string word = to_upper(token.text);
    if (token.kind != TokenKind::kWord || is_reserved(word)) return std::string();
    return nearest(word, clause_keywords());
  };
  // `SELECT a FORM t`: FORM was taken for an alias, so the word before is looked at too.
  std::string meant = near_clause(peek());
  if (meant.empty() && position_ > 0) meant = near_clause(tokens_[position_ - 1]);
  if (!meant.empty()) hint = "did you mean " + meant + "?";
  if (hint.empty() && at_symbol("::")) {
    hint = "`::` is PostgreSQL's cast; write CAST(x AS type)";
  } else if (hint.empty() && peek().kind == TokenKind::kWord && is_reserved(to_upper(peek().text)) &&
             wanted.find("name") != std::string_view::npos) {
    hint = "`" + std::string(peek().text) + "` is a keyword; as a name it stands in backticks";
  }
  error(here(), "expected " + std::string(wanted) + ", found " + found(), std::move(hint));
}

void Parser::unsupported(Span span, std::string message, std::string hint) {
  error(span, std::move(message), std::move(hint), ErrorCode::kSqlUnsupported);
}

void Parser::too_deep(Span span) {
  error(span,
        "the text nests deeper than " + std::to_string(kNestingMax) + " levels or chains more than " +
            std::to_string(kHeightMax) + " operators",
        "split it by views or common table expressions", ErrorCode::kLimitExceeded);
}

bool Parser::Nesting::too_deep() {
  if (parser.nesting_ <= kNestingMax) return false;
  parser.too_deep(parser.here());
  return true;
}

std::uint32_t Parser::depth_here() const noexcept {
  return tokens_[position_].depth;
}

/// After an error: skips to one of `stops` at `depth`, to the parenthesis that closes it, or to a `;`. True if there
/// was an error.
bool Parser::recover(std::uint32_t depth, std::initializer_list<std::string_view> stops) {
  if (!panic_) return false;
  if (diagnostics_.full()) {
    position_ = tokens_.size() - 1;
    panic_ = false;
    return true;
  }
  panic_ = false;
  for (; position_ + 1 < tokens_.size(); ++position_) {
    const Token& token = tokens_[position_];
    if (token.is_symbol(";") || (token.is_symbol(")") && token.depth < depth)) break;
    if (token.depth != depth) continue;
    const bool stop = std::any_of(stops.begin(), stops.end(),
                                  [&](std::string_view word) { return token.is_symbol(word) || token.is_word(word); });
    if (stop) break;
  }
  return true;
}

bool Parser::at_identifier(std::size_t ahead) const noexcept {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kQuoted || (token.kind == TokenKind::kWord && !is_reserved(to_upper(token.text)));
}

Name Parser::identifier(std::string_view what) {
  if (!at_identifier()) {
    unexpected("a " + std::string(what) + (what.find("name") == std::string_view::npos ? " name" : ""));
    return {};
  }
  const Token& token = next();
  Name name{token.kind == TokenKind::kQuoted ? token_value(token) : std::string(token.text), {token.begin, token.end}};
  if (token.kind == TokenKind::kWord && is_reserved_in_flink(to_upper(name.text))) {
    std::string note =
        "`" + name.text + "` is a reserved word in Flink: put the name in backticks to run the script there";
    if (std::find(notes_.begin(), notes_.end(), note) == notes_.end()) notes_.push_back(std::move(note));
  }
  return name;
}

Path Parser::path(std::string_view what) {
  Path path;
  path.push_back(identifier(what));
  while (accept_symbol(".")) {
    path.push_back(identifier(what));
    if (path.size() > 3) {
      error(path.back().span, "a " + std::string(what) + " has at most three parts: catalog.database.name");
    }
  }
  return path;
}

/// ( name, … )
Path Parser::name_list(std::string_view what) {
  Path names;
  expect_symbol("(");
  do {
    names.push_back(identifier(what));
  } while (accept_symbol(","));
  expect_symbol(")");
  return names;
}

std::string Parser::string_literal(std::string_view what) {
  if (peek().kind == TokenKind::kString) return token_value(next());
  std::string hint;
  if (peek().kind == TokenKind::kWord || peek().kind == TokenKind::kNumber || peek().kind == TokenKind::kQuoted) {
    hint = "strings stand in single quotes: '…'";
  }
  error(here(), "expected " + std::string(what) + " as a string, found " + found(), std::move(hint));
  return {};
}

/// The tokens of a balanced ( … ), one blank between two, without the outer parentheses.
std::string Parser::raw_tokens_in_parentheses() {
  const std::uint32_t depth = panic_ ? 0 : depth_here();
  expect_symbol("(");
  std::string raw;
  while (!at_end() && !at_symbol(";") && !(at_symbol(")") && peek().depth <= depth)) {
    if (!raw.empty()) raw += ' ';
    raw += next().text;
  }
  expect_symbol(")");
  return raw;
}

std::string Parser::unit(std::string_view what) {
  if (peek().kind == TokenKind::kWord) {
    const std::string word = to_upper(peek().text);
    const std::string_view canonical = canonical_unit(word);
    if (!canonical.empty()) {
      next();
      return std::string(canonical);
    }
    error(here(), "`" + std::string(peek().text) + "` is not a time unit", did_you_mean(word, unit_names()));
    return {};
  }
  unexpected(what);
  return {};
}

int Parser::integer(std::string_view what, int most) {
  const Token& token = peek();
  const bool digits = token.kind == TokenKind::kNumber && token.text.size() <= 9 &&
                      std::all_of(token.text.begin(), token.text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) {
    unexpected("a whole number as " + std::string(what));
    return 0;
  }
  int value = 0;
  for (const char c : token.text) value = value * 10 + (c - '0');
  if (value > most) {
    error(here(), std::string(what) + " is at most " + std::to_string(most), {}, ErrorCode::kSqlType);
    return 0;
  }
  next();
  return value;
}

}  // namespace weir::sql
