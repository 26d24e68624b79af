// Productions of calls with a syntax of their own: CAST, EXTRACT, FLOOR … TO, TRIM, SUBSTRING … FROM and such.
#include "keywords.h"
#include "lexer.h"
#include "parser.h"
#include "printer.h"

namespace weir::sql {

/// The function's name has been taken; the parenthesis comes next. `special` stays false for an ordinary call.
Expr Parser::special_call(const std::string& name, std::uint32_t begin, bool& special) {
  special = true;
  if (name == "CAST" || name == "TRY_CAST") {
    Expr out = cast(name == "TRY_CAST");
    out.span = since(begin);
    return out;
  }
  if (name == "EXTRACT") {
    expect_symbol("(");
    std::string what = unit("a time unit");
    expect_word("FROM");
    std::vector<Expr> children;
    children.push_back(expression());
    expect_symbol(")");
    Expr out = make(Expr::Kind::kExtract, begin, std::move(children));
    out.unit = std::move(what);
    return out;
  }
  if (name == "TIMESTAMPADD" || name == "TIMESTAMPDIFF") {
    expect_symbol("(");
    std::string what = unit("a time unit");
    expect_symbol(",");
    std::vector<Expr> children;
    children.push_back(expression());
    expect_symbol(",");
    children.push_back(expression());
    expect_symbol(")");
    Expr out = make(Expr::Kind::kTimestampOp, begin, std::move(children));
    out.text = name;
    out.unit = std::move(what);
    return out;
  }
  if (name == "FLOOR" || name == "CEIL" || name == "CEILING") {
    expect_symbol("(");
    std::vector<Expr> children;
    children.push_back(expression());
    std::string what;
    const bool to = accept_word("TO");
    if (to) what = unit("a time unit");
    expect_symbol(")");
    Expr out = make(to ? Expr::Kind::kRound : Expr::Kind::kCall, begin, std::move(children));
    out.text = name == "FLOOR" ? "FLOOR" : "CEIL";
    out.unit = std::move(what);
    return out;
  }
  if (name == "TRIM") {
    Expr out = trim();
    out.span = since(begin);
    return out;
  }
  if (name == "SUBSTRING") {
    Expr out = substring();
    out.span = since(begin);
    return out;
  }
  if (name == "POSITION" || name == "OVERLAY") {
    expect_symbol("(");
    std::vector<Expr> children;
    children.push_back(expression(power::kPredicate + 1));
    if (name == "POSITION") {
      expect_word("IN");
      children.push_back(expression());
    } else {
      expect_word("PLACING");
      children.push_back(expression());
      expect_word("FROM");
      children.push_back(expression());
      if (accept_word("FOR")) children.push_back(expression());
    }
    expect_symbol(")");
    Expr out = make(Expr::Kind::kCall, begin, std::move(children));
    out.text = name;
    return out;
  }
  if (name == "ROW") {
    expect_symbol("(");
    std::vector<Expr> children = expressions();
    expect_symbol(")");
    return make(Expr::Kind::kRow, begin, std::move(children));
  }
  special = false;
  return {};
}

/// JSON_ARRAYAGG ( x [nulls] ), JSON_OBJECTAGG ( [KEY] k VALUE v [nulls] ) with nulls = (NULL | ABSENT) ON NULL, which
/// becomes a string behind the arguments.
Expr Parser::json_aggregate(const std::string& name, std::uint32_t begin) {
  expect_symbol("(");
  const bool distinct = accept_word("DISTINCT");
  std::vector<Expr> children;
  if (name == "JSON_OBJECTAGG") {
    if (at_word("KEY") && !at_word("VALUE", 1)) next();
    children.push_back(expression());
    expect_word("VALUE");
  }
  children.push_back(expression());
  for (const char* word : {"NULL", "ABSENT"}) {
    const std::uint32_t at = peek().begin;
    if (!accept_words({word, "ON", "NULL"})) continue;
    Expr nulls = make(Expr::Kind::kString, at);
    nulls.text = std::string(word) + " ON NULL";
    children.push_back(std::move(nulls));
  }
  expect_symbol(")");
  Expr out = make(Expr::Kind::kCall, begin, std::move(children));
  out.text = name;
  out.flag = distinct;
  call_suffix(out);
  out.span = since(begin);
  return out;
}

/// ( x AS type )
Expr Parser::cast(bool try_cast) {
  expect_symbol("(");
  std::vector<Expr> children;
  children.push_back(expression());
  const std::uint32_t begin = children[0].span.begin;
  expect_word("AS");
  TypeName target = type();
  expect_symbol(")");
  Expr out = make(Expr::Kind::kCast, begin, std::move(children));
  out.type = std::move(target);
  out.flag = try_cast;
  return out;
}

/// ( [BOTH | LEADING | TRAILING] [chars] FROM s ) | ( s )
Expr Parser::trim() {
  const std::uint32_t begin = peek().begin;
  expect_symbol("(");
  std::string side;
  for (const std::string_view word : {"BOTH", "LEADING", "TRAILING"}) {
    if (accept_word(word)) side = std::string(word);
  }
  std::vector<Expr> children;
  if (!side.empty() && accept_word("FROM")) {
    children.push_back(expression());
  } else {
    children.push_back(expression());
    if (accept_word("FROM")) {
      children.push_back(expression());
    } else if (!side.empty()) {
      expect_word("FROM");
    }
  }
  expect_symbol(")");
  Expr out = make(Expr::Kind::kTrim, begin, std::move(children));
  out.unit = side.empty() ? "BOTH" : side;
  return out;
}

/// ( s FROM a [FOR b] ) | ( s, a [, b] )
Expr Parser::substring() {
  const std::uint32_t begin = peek().begin;
  expect_symbol("(");
  std::vector<Expr> children;
  children.push_back(expression());
  if (accept_word("FROM")) {
    children.push_back(expression());
    if (accept_word("FOR")) children.push_back(expression());
  } else {
    while (accept_symbol(",")) children.push_back(expression());
  }
  expect_symbol(")");
  Expr out = make(Expr::Kind::kCall, begin, std::move(children));
  out.text = "SUBSTRING";
  return out;
}

}  // namespace weir::sql
