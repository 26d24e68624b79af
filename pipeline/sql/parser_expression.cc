// Productions of expressions, by binding power (the levels of the dialect's reference parser): OR 22, AND 24, NOT 26,
// IS 28, comparison 30, BETWEEN IN LIKE 32, + - 40, * / % || 60, sign 80.
#include <algorithm>

#include "keywords.h"
#include "lexer.h"
#include "parser.h"
#include "printer.h"

namespace weir::sql {

/// A node over children; takes their height and checks the limit.
Expr Parser::make(Expr::Kind kind, std::uint32_t begin, std::vector<Expr> children) {
  Expr out;
  out.kind = kind;
  for (const Expr& child : children) out.height.value = std::max(out.height.value, child.height.value + 1);
  out.children = std::move(children);
  out.span = since(begin);
  if (out.height.value > kHeightMax) too_deep(out.span);
  return out;
}

Expr Parser::expression(int power) {
  Nesting nesting(*this);
  if (nesting.too_deep()) return {};
  Expr left = prefix();
  bool done = false;
  while (!done && !panic_) left = infix(std::move(left), power, done);
  return left;
}

Expr Parser::prefix() {
  const std::uint32_t begin = peek().begin;
  if (accept_word("NOT")) {
    std::vector<Expr> children;
    children.push_back(expression(power::kNot));
    return make(Expr::Kind::kNot, begin, std::move(children));
  }
  if (at_symbol("-") || at_symbol("+")) {
    std::string sign(next().text);
    std::vector<Expr> children;
    children.push_back(expression(power::kSign));
    Expr out = make(Expr::Kind::kUnary, begin, std::move(children));
    out.text = std::move(sign);
    return out;
  }
  return postfix(primary());
}

/// x[index], x.field after a parenthesis, call or subscript
Expr Parser::postfix(Expr value) {
  while (!panic_) {
    const std::uint32_t begin = value.span.begin;
    if (at_symbol("[")) {
      next();
      std::vector<Expr> children;
      children.push_back(std::move(value));
      children.push_back(expression());
      expect_symbol("]");
      value = make(Expr::Kind::kIndex, begin, std::move(children));
    } else if (at_symbol(".") && value.kind != Expr::Kind::kStar) {
      next();
      Name field = identifier("field");
      std::vector<Expr> children;
      children.push_back(std::move(value));
      value = make(Expr::Kind::kField, begin, std::move(children));
      value.path.push_back(std::move(field));
    } else if (at_symbol("::")) {
      error(here(), "`::` is not an operator of this dialect", "write CAST(x AS type)");
    } else {
      break;
    }
  }
  return value;
}

Expr Parser::infix(Expr left, int power, bool& done) {
  const Token& token = peek();
  const std::uint32_t begin = left.span.begin;
  if (token.kind == TokenKind::kWord) {
    const bool is_or = token.is_word("OR");
    if (is_or || token.is_word("AND")) {
      const int own = is_or ? power::kOr : power::kAnd;
      if (own < power) {
        done = true;
        return left;
      }
      next();
      Expr right = expression(own + 1);
      left = make_logical(is_or ? Expr::Kind::kOr : Expr::Kind::kAnd, std::move(left), std::move(right));
      if (left.height.value > kHeightMax) too_deep(left.span);
      return left;
    }
    if (token.is_word("IS") && power <= power::kIs) return is_predicate(std::move(left));
    const bool negated = token.is_word("NOT");
    const std::size_t ahead = negated ? 1 : 0;
    const bool predicate_word =
        at_word("BETWEEN", ahead) || at_word("IN", ahead) || at_word("LIKE", ahead) || at_word("SIMILAR", ahead);
    if (predicate_word && power <= power::kPredicate) return predicate(std::move(left), negated);
    if ((token.is_word("ILIKE") || token.is_word("RLIKE") || token.is_word("REGEXP")) && power <= power::kPredicate) {
      error(here(), to_upper(token.text) + " is not an operator of this dialect",
            token.is_word("ILIKE") ? "write LOWER(x) LIKE '…'" : "write REGEXP(x, '…')");
    }
    done = true;
    return left;
  }
  const int own = token.kind == TokenKind::kSymbol ? power::of_operator(token.text) : 0;
  if (own == 0 || own < power) {
    done = true;
    return left;
  }
  std::string text(next().text);
  if (text == "!=") text = "<>";
  std::vector<Expr> children;
  children.push_back(std::move(left));
  children.push_back(expression(own + 1));
  Expr out = make(Expr::Kind::kBinary, begin, std::move(children));
  out.text = std::move(text);
  return out;
}

/// [NOT] BETWEEN [SYMMETRIC] a AND b | [NOT] IN (…) | [NOT] LIKE p [ESCAPE e] | [NOT] SIMILAR TO p [ESCAPE e]
Expr Parser::predicate(Expr left, bool negated) {
  const std::uint32_t begin = left.span.begin;
  std::vector<Expr> children;
  children.push_back(std::move(left));
  if (negated) next();
  Expr out;
  if (accept_word("BETWEEN")) {
    const bool symmetric = accept_word("SYMMETRIC");
    if (!symmetric) accept_word("ASYMMETRIC");
    children.push_back(expression(power::kPredicate + 1));
    expect_word("AND");
    children.push_back(expression(power::kPredicate + 1));
    out = make(Expr::Kind::kBetween, begin, std::move(children));
    out.flag = symmetric;
  } else if (accept_word("IN")) {
    expect_symbol("(");
    if (at_parenthesised_query()) {
      Query inner = query();
      expect_symbol(")");
      out = make(Expr::Kind::kInQuery, begin, std::move(children));
      out.height.value = std::max(out.height.value, inner.height.value + 1);
      out.query = std::move(inner);
    } else {
      do {
        children.push_back(expression());
      } while (accept_symbol(","));
      expect_symbol(")");
      out = make(Expr::Kind::kIn, begin, std::move(children));
    }
  } else {
    std::string text = "LIKE";
    if (!accept_word("LIKE")) {
      expect_word("SIMILAR");
      expect_word("TO");
      text = "SIMILAR TO";
    }
    children.push_back(expression(power::kPredicate + 1));
    if (accept_word("ESCAPE")) children.push_back(expression(power::kPredicate + 1));
    out = make(Expr::Kind::kLike, begin, std::move(children));
    out.text = std::move(text);
  }
  out.negated = negated;
  return out;
}

/// IS [NOT] (NULL | TRUE | FALSE | UNKNOWN | DISTINCT FROM x)
Expr Parser::is_predicate(Expr left) {
  const std::uint32_t begin = left.span.begin;
  next();
  const bool negated = accept_word("NOT");
  std::vector<Expr> children;
  children.push_back(std::move(left));
  if (accept_word("DISTINCT")) {
    expect_word("FROM");
    children.push_back(expression(power::kComparison + 1));
    Expr out = make(Expr::Kind::kDistinct, begin, std::move(children));
    out.negated = negated;
    return out;
  }
  for (const std::string_view word : {"NULL", "TRUE", "FALSE", "UNKNOWN"}) {
    if (!accept_word(word)) continue;
    Expr out = make(Expr::Kind::kIs, begin, std::move(children));
    out.text = std::string(word);
    out.negated = negated;
    return out;
  }
  if (at_word("JSON")) unsupported(here(), "IS JSON is not supported yet");
  unexpected("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM");
  return std::move(children[0]);
}

Expr Parser::primary() {
  const Token& token = peek();
  const std::uint32_t begin = token.begin;
  if (token.is_symbol("(")) return parenthesised();
  if (token.kind == TokenKind::kNumber || token.kind == TokenKind::kString || token.kind == TokenKind::kBytes) {
    return literal();
  }
  if (token.kind == TokenKind::kQuoted) return name_or_call();
  if (token.kind != TokenKind::kWord) {
    unexpected("an expression");
    return {};
  }
  if (token.is_word("CASE")) return case_expression();
  if (token.is_word("INTERVAL")) return interval();
  if (token.is_word("EXISTS")) {
    next();
    expect_symbol("(");
    Query inner = query();
    expect_symbol(")");
    Expr out = make(Expr::Kind::kExists, begin);
    out.height.value = inner.height.value + 1;
    out.query = std::move(inner);
    return out;
  }
  if (token.is_word("NULL") || token.is_word("TRUE") || token.is_word("FALSE") || peek(1).kind == TokenKind::kString) {
    const bool word_literal = token.is_word("NULL") || token.is_word("TRUE") || token.is_word("FALSE") ||
                              token.is_word("DATE") || token.is_word("TIME") || token.is_word("TIMESTAMP") ||
                              token.is_word("TIMESTAMP_LTZ");
    if (word_literal) return literal();
  }
  if ((token.is_word("ARRAY") || token.is_word("MAP")) && at_symbol("[", 1)) {
    return collection(token.is_word("ARRAY") ? Expr::Kind::kArray : Expr::Kind::kMap);
  }
  return name_or_call();
}

Expr Parser::literal() {
  const Token& token = next();
  const std::uint32_t begin = token.begin;
  Expr::Kind kind = Expr::Kind::kNull;
  std::string text;
  if (token.kind == TokenKind::kNumber) {
    kind = Expr::Kind::kNumber;
    text = std::string(token.text);
  } else if (token.kind == TokenKind::kString) {
    kind = Expr::Kind::kString;
    text = token_value(token);
    while (peek().kind == TokenKind::kString) text += token_value(next());  // 'a' 'b' is 'ab'
  } else if (token.kind == TokenKind::kBytes) {
    kind = Expr::Kind::kBytes;
    text = token_bytes(token);
  } else if (token.is_word("TRUE") || token.is_word("FALSE")) {
    kind = token.is_word("TRUE") ? Expr::Kind::kTrue : Expr::Kind::kFalse;
  } else if (!token.is_word("NULL")) {
    if (token.is_word("TIMESTAMP_LTZ")) {
      unsupported(since(begin), "TIMESTAMP_LTZ literals are not in the dialect",
                  "write CAST(TIMESTAMP '…' AS TIMESTAMP_LTZ(3)) or TO_TIMESTAMP_LTZ(…)");
      return {};
    }
    kind = token.is_word("DATE")   ? Expr::Kind::kDate
           : token.is_word("TIME") ? Expr::Kind::kTime
                                   : Expr::Kind::kTimestamp;
    text = token_value(next());
  }
  Expr out = make(kind, begin);
  out.text = std::move(text);
  return out;
}

/// ( expression ) | ( a, b, … ) | ( query )
Expr Parser::parenthesised() {
  const std::uint32_t begin = peek().begin;
  next();
  if (at_parenthesised_query()) {
    Query inner = query();
    expect_symbol(")");
    Expr out = make(Expr::Kind::kSubquery, begin);
    out.height.value = inner.height.value + 1;
    out.query = std::move(inner);
    return out;
  }
  std::vector<Expr> children = expressions();
  expect_symbol(")");
  if (children.size() == 1) {
    children[0].span = since(begin);
    return std::move(children[0]);
  }
  return make(Expr::Kind::kRow, begin, std::move(children));
}

/// name {. name} | function( … )
Expr Parser::name_or_call() {
  const std::uint32_t begin = peek().begin;
  const Token& token = peek();
  const bool call_follows = at_symbol("(", 1);
  if (call_follows && token.kind == TokenKind::kWord) {
    const std::string word = to_upper(token.text);
    // Words that are both clause and function name.
    const bool function = !is_reserved(word) || word == "LEFT" || word == "RIGHT" || word == "CAST";
    if (function) {
      next();
      return call(word, begin);
    }
  }
  if (token.kind == TokenKind::kWord && is_bare_function(to_upper(token.text)) && !at_symbol(".", 1)) {
    std::string name = to_upper(next().text);
    Expr out = make(Expr::Kind::kCall, begin);
    out.text = std::move(name);
    return out;
  }
  Path path;
  path.push_back(identifier("column"));
  while (at_symbol(".")) {
    next();
    path.push_back(identifier("column"));
    if (panic_) break;
  }
  if (at_symbol("(")) {
    if (path.size() > 1) {
      unsupported(since(begin), "functions of a catalog are not supported", "call the function by its name alone");
    } else if (!panic_) {
      return call(to_upper(path[0].text), begin);
    }
  }
  Expr out = make(Expr::Kind::kName, begin);
  out.path = std::move(path);
  return out;
}

Expr Parser::call(std::string name, std::uint32_t begin) {
  bool special = false;
  Expr out = special_call(name, begin, special);
  if (special) return out;
  if (name == "JSON_ARRAYAGG" || name == "JSON_OBJECTAGG") return json_aggregate(name, begin);
  if (name.starts_with("JSON_")) {
    unsupported(since(begin), "the function " + name + " is not supported yet", "read JSON by a table's format");
    return {};
  }
  expect_symbol("(");
  bool distinct = false;
  bool star = false;
  std::vector<Expr> children;
  std::vector<SortItem> order;
  std::string nulls, limit;
  if (at_symbol("*")) {
    next();
    star = true;
  } else if (!at_symbol(")")) {
    distinct = accept_word("DISTINCT");
    if (!distinct) accept_word("ALL");
    if (at_word("DESCRIPTOR") || at_word("TABLE")) {
      error(here(), "a window function stands in FROM", "FROM TABLE(" + name + "(TABLE t, DESCRIPTOR(c), …))",
            ErrorCode::kSqlSemantic);
    }
    children = expressions();
    nulls = null_treatment();
    if (accept_word("ORDER")) {
      expect_word("BY");
      order = sort_items();
    }
    if (accept_word("LIMIT")) limit = std::to_string(integer("LIMIT", 1'000'000));
    if (at_symbol("=>")) unsupported(here(), "named arguments of scalar functions are not supported");
  }
  expect_symbol(")");
  out = make(Expr::Kind::kCall, begin, std::move(children));
  out.text = std::move(name);
  out.flag = distinct;
  out.star = star;
  out.order = std::move(order);
  out.unit = std::move(nulls);
  out.unit2 = std::move(limit);
  call_suffix(out);
  out.span = since(begin);
  return out;
}

/// [(IGNORE | RESPECT) NULLS], in a call behind its arguments or behind its parenthesis: "", IGNORE or RESPECT.
std::string Parser::null_treatment() {
  for (const char* word : {"IGNORE", "RESPECT"}) {
    if (accept_words({word, "NULLS"})) return word;
  }
  return {};
}

/// [nulls] [WITHIN GROUP (ORDER BY …)] [FILTER (WHERE …)] [OVER (…) | OVER name]. FILTER may stand in front, too.
void Parser::call_suffix(Expr& call) {
  const auto raise = [&](const Expr& inner) {
    call.height.value = std::max(call.height.value, inner.height.value + 1);
    if (call.height.value > kHeightMax) too_deep(call.span);
  };
  for (;;) {
    if (call.unit.empty()) call.unit = null_treatment();
    if (at_word("WITHIN") && at_word("GROUP", 1)) {
      if (!call.order.empty()) error(here(), "the call has an ORDER BY already", "", ErrorCode::kSqlSemantic);
      next();
      next();
      expect_symbol("(");
      expect_word("ORDER");
      expect_word("BY");
      call.order = sort_items();
      expect_symbol(")");
    } else if (call.filter.empty() && at_word("FILTER") && at_symbol("(", 1)) {
      next();
      expect_symbol("(");
      expect_word("WHERE");
      call.filter.push_back(expression());
      expect_symbol(")");
    } else {
      break;
    }
  }
  for (const SortItem& item : call.order) raise(item.expr);
  for (const Expr& condition : call.filter) raise(condition);
  if (accept_word("OVER")) {
    if (at_symbol("(")) {
      call.over = over();
    } else {
      Over named;
      named.reference = identifier("window");
      named.by_name = true;
      call.over = std::move(named);
    }
    for (const Expr& inner : call.over->partition_by) raise(inner);
    for (const SortItem& item : call.over->order_by) raise(item.expr);
    for (const FrameBound& bound : call.over->bounds) {
      for (const Expr& inner : bound.value) raise(inner);
    }
  }
}

/// ( [name] [PARTITION BY …] [ORDER BY …] [ROWS | RANGE …] )
Over Parser::over() {
  Over out;
  expect_symbol("(");
  if (at_identifier() && !at_word("ROWS") && !at_word("RANGE")) out.reference = identifier("window");
  if (accept_word("PARTITION")) {
    expect_word("BY");
    out.partition_by = expressions();
  }
  if (accept_word("ORDER")) {
    expect_word("BY");
    out.order_by = sort_items();
  }
  if (at_word("ROWS") || at_word("RANGE")) {
    out.frame = to_upper(next().text);
    if (accept_word("BETWEEN")) {
      out.bounds.push_back(frame_bound());
      expect_word("AND");
    }
    out.bounds.push_back(frame_bound());
  }
  expect_symbol(")");
  return out;
}

FrameBound Parser::frame_bound() {
  FrameBound out;
  if (accept_words({"CURRENT", "ROW"})) {
    out.kind = "CURRENT ROW";
    return out;
  }
  if (!accept_word("UNBOUNDED")) out.value.push_back(expression());
  if (accept_word("PRECEDING")) {
    out.kind = "PRECEDING";
  } else {
    expect_word("FOLLOWING");
    out.kind = "FOLLOWING";
  }
  return out;
}

/// CASE [x] WHEN … THEN … [ELSE …] END
Expr Parser::case_expression() {
  const std::uint32_t begin = peek().begin;
  next();
  std::vector<Expr> children;
  const bool operand = !at_word("WHEN");
  if (operand) children.push_back(expression());
  if (!at_word("WHEN")) unexpected("WHEN");
  while (accept_word("WHEN")) {
    children.push_back(expression());
    expect_word("THEN");
    children.push_back(expression());
  }
  if (accept_word("ELSE")) children.push_back(expression());
  expect_word("END");
  Expr out = make(Expr::Kind::kCase, begin, std::move(children));
  out.flag = operand;
  return out;
}

/// INTERVAL [+ | -] '…' unit [(p)] [TO unit [(p)]]
Expr Parser::interval() {
  const std::uint32_t begin = peek().begin;
  next();
  bool negated = false;
  if (at_symbol("-") || at_symbol("+")) negated = next().text == "-";
  if (peek().kind == TokenKind::kNumber) {
    error(here(), "an interval's amount stands in quotes", "write INTERVAL '" + std::string(peek().text) + "' …");
  }
  std::string text = string_literal("the interval's amount");
  const auto digits = [this] {
    if (!accept_symbol("(")) return;
    integer("precision", 9);
    if (accept_symbol(",")) integer("precision", 9);
    expect_symbol(")");
  };
  std::string from_unit = unit("a time unit (DAY, HOUR, MINUTE, SECOND, …)");
  digits();
  std::string to_unit;
  if (at_word("TO") && peek(1).kind == TokenKind::kWord) {
    next();
    to_unit = unit("a time unit");
    digits();
  }
  Expr out = make(Expr::Kind::kInterval, begin);
  out.text = std::move(text);
  out.unit = std::move(from_unit);
  out.unit2 = std::move(to_unit);
  out.negated = negated;
  return out;
}

Expr Parser::collection(Expr::Kind kind) {
  const std::uint32_t begin = peek().begin;
  next();
  expect_symbol("[");
  std::vector<Expr> children;
  if (!at_symbol("]")) children = expressions();
  expect_symbol("]");
  if (!panic_ && kind == Expr::Kind::kMap && children.size() % 2 != 0) {
    error(since(begin), "MAP[…] takes keys and values in pairs");
  }
  return make(kind, begin, std::move(children));
}

}  // namespace weir::sql
