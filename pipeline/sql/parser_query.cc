// Productions of queries. See parser.h.
#include <algorithm>

#include "lexer.h"
#include "parser.h"

namespace weir::sql {

/// query = [WITH name [(columns)] AS (query), …] query_term {(UNION | EXCEPT) [ALL] query_term} [ORDER BY] [LIMIT]
Query Parser::query() {
  Nesting nesting(*this);
  if (nesting.too_deep()) return {};
  const std::uint32_t begin = peek().begin;
  std::vector<Cte> with;
  if (accept_word("WITH")) {
    if (at_word("RECURSIVE")) unsupported(here(), "recursive queries are not supported");
    do {
      Cte cte;
      cte.name = identifier("query");
      if (at_symbol("(")) cte.columns = name_list("column");
      expect_word("AS");
      expect_symbol("(");
      if (!panic_) cte.query = query();
      expect_symbol(")");
      with.push_back(std::move(cte));
    } while (accept_symbol(","));
  }
  Query out = query_term();
  while (at_word("UNION") || at_word("EXCEPT") || at_word("MINUS")) {
    std::string operation = at_word("UNION") ? "UNION" : "EXCEPT";
    next();
    if (accept_word("ALL")) {
      operation += " ALL";
    } else {
      accept_word("DISTINCT");
    }
    Query right = query_term();
    out = set_operation(std::move(operation), std::move(out), std::move(right));
  }
  const bool tail = at_word("ORDER") || at_word("LIMIT") || at_word("OFFSET") || at_word("FETCH");
  const bool has_tail = !out.with.empty() || !out.order_by.empty() || !out.limit.empty() || !out.offset.empty();
  if (has_tail && (tail || !with.empty())) {
    Query outer;
    outer.kind = Query::Kind::kNested;
    outer.height.value = out.height.value + 1;
    outer.inputs.push_back(std::move(out));
    out = std::move(outer);
  }
  if (!with.empty()) {
    out.with = std::move(with);
    raise_height(out);
  }
  if (tail) query_tail(out);
  out.span = since(begin);
  return out;
}

/// query_term = query_primary {INTERSECT [ALL] query_primary}
Query Parser::query_term() {
  Query out = query_primary();
  while (accept_word("INTERSECT")) {
    std::string operation = "INTERSECT";
    if (accept_word("ALL")) {
      operation += " ALL";
    } else {
      accept_word("DISTINCT");
    }
    Query right = query_primary();
    out = set_operation(std::move(operation), std::move(out), std::move(right));
  }
  return out;
}

Query Parser::set_operation(std::string operation, Query left, Query right) {
  Query out;
  out.kind = Query::Kind::kSetOperation;
  out.operation = std::move(operation);
  out.height.value = std::max(left.height.value, right.height.value) + 1;
  out.span = {left.span.begin, right.span.end};
  if (out.height.value > kHeightMax) too_deep(here());
  out.inputs.push_back(std::move(left));
  out.inputs.push_back(std::move(right));
  return out;
}

/// query_primary = SELECT … | VALUES row, … | ( query )
Query Parser::query_primary() {
  Query out;
  const std::uint32_t begin = peek().begin;
  if (accept_symbol("(")) {
    out = query();
    expect_symbol(")");
    return out;
  }
  if (accept_word("VALUES")) {
    out.kind = Query::Kind::kValues;
    out.rows = expressions();
  } else if (at_word("SELECT")) {
    out.select = select();
  } else {
    unexpected("SELECT");
  }
  out.span = since(begin);
  raise_height(out);
  return out;
}

void Parser::query_tail(Query& out) {
  if (accept_word("ORDER")) {
    expect_word("BY");
    out.order_by = sort_items();
  }
  limits(out);
  raise_height(out);
}

/// Takes the height of what the query holds, so that chains cannot be stacked through subqueries.
void Parser::raise_height(Query& out) {
  std::uint32_t most = 0;
  const auto all = [&most](const std::vector<Expr>& items) {
    for (const Expr& item : items) most = std::max(most, item.height.value);
  };
  for (const SelectItem& item : out.select.items) most = std::max(most, item.expr.height.value);
  for (const TableRef& table : out.select.from) most = std::max(most, table.height.value);
  for (const NamedWindow& window : out.select.windows) all(window.over.partition_by);
  for (const SortItem& item : out.order_by) most = std::max(most, item.expr.height.value);
  for (const Cte& cte : out.with) most = std::max(most, cte.query.height.value);
  for (const auto* items : {&out.select.where, &out.select.group_by, &out.select.having, &out.select.qualify, &out.rows,
                            &out.limit, &out.offset}) {
    all(*items);
  }
  out.height.value = std::max(out.height.value, most + 1);
  if (out.height.value > kHeightMax) too_deep(out.span);
}

void Parser::limits(Query& out) {
  while (at_word("LIMIT") || at_word("OFFSET") || at_word("FETCH")) {
    if (accept_word("LIMIT")) {
      if (accept_word("ALL")) continue;
      out.limit.clear();
      out.limit.push_back(expression());
    } else if (accept_word("OFFSET")) {
      out.offset.clear();
      out.offset.push_back(expression());
      if (!accept_word("ROWS")) accept_word("ROW");
    } else {
      next();
      if (!accept_word("FIRST")) expect_word("NEXT");
      out.limit.clear();
      out.limit.push_back(expression());
      if (!accept_word("ROWS")) expect_word("ROW");
      expect_word("ONLY");
    }
  }
}

std::vector<SortItem> Parser::sort_items() {
  std::vector<SortItem> items;
  do {
    items.push_back(sort_item());
  } while (accept_symbol(","));
  return items;
}

SortItem Parser::sort_item() {
  SortItem item;
  item.expr = expression();
  if (accept_word("DESC")) {
    item.descending = true;
  } else {
    accept_word("ASC");
  }
  if (accept_word("NULLS")) {
    if (accept_word("FIRST")) {
      item.nulls = "FIRST";
    } else {
      expect_word("LAST");
      item.nulls = "LAST";
    }
  }
  return item;
}

std::vector<Expr> Parser::expressions() {
  std::vector<Expr> out;
  do {
    out.push_back(expression());
  } while (accept_symbol(","));
  return out;
}

/// SELECT [hint] [ALL | DISTINCT] items [FROM] [WHERE] [GROUP BY] [HAVING] [WINDOW] [QUALIFY]
Select Parser::select() {
  Select out;
  const std::uint32_t depth = panic_ ? 0 : depth_here();
  // After an error in one clause the next clause is read on: each gets its own complaint.
  const auto resume = [this, depth] {
    recover(depth, {"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "UNION", "EXCEPT", "INTERSECT", "ORDER",
                    "LIMIT"});
  };
  expect_word("SELECT");
  skip_hint();
  if (accept_word("DISTINCT")) {
    out.distinct = true;
  } else if (at_word("STREAM") && !at_symbol(",", 1) && !at_word("FROM", 1)) {
    next();
  } else {
    accept_word("ALL");
  }
  select_items(out);
  if (accept_word("FROM")) {
    out.from.push_back(from());
    resume();
  }
  if (accept_word("WHERE")) {
    out.where.push_back(expression());
    resume();
  }
  if (accept_word("GROUP")) {
    expect_word("BY");
    out.grouped = true;
    do {
      out.group_by.push_back(group_item());
    } while (accept_symbol(","));
    resume();
  }
  if (accept_word("HAVING")) {
    out.having.push_back(expression());
    resume();
  }
  if (accept_word("WINDOW")) {
    do {
      NamedWindow window;
      window.name = identifier("window");
      expect_word("AS");
      window.over = over();
      out.windows.push_back(std::move(window));
    } while (accept_symbol(","));
    resume();
  }
  if (accept_word("QUALIFY")) out.qualify.push_back(expression());
  return out;
}

void Parser::select_items(Select& out) {
  const std::uint32_t depth = panic_ ? 0 : depth_here();
  if (!panic_ && at_word("FROM")) {
    unexpected("a column or expression");
    recover(depth, {"FROM"});
    return;
  }
  do {
    out.items.push_back(select_item());
    recover(depth, {",", "FROM", "WHERE", "GROUP", "HAVING", "UNION", "ORDER", "LIMIT"});
  } while (accept_symbol(","));
}

/// `*` or `t.*`
bool Parser::star_item(SelectItem& item) {
  std::size_t ahead = 0;
  while (at_identifier(ahead) && at_symbol(".", ahead + 1)) ahead += 2;
  if (!at_symbol("*", ahead)) return false;
  const std::uint32_t begin = peek().begin;
  Path table;
  while (!at_symbol("*")) {
    table.push_back(identifier("table"));
    next();
  }
  next();
  item.expr = make(Expr::Kind::kStar, begin);
  item.expr.path = std::move(table);
  return true;
}

SelectItem Parser::select_item() {
  SelectItem item;
  if (star_item(item)) return item;
  item.expr = expression();
  if (accept_word("AS")) {
    item.alias = identifier("column");
  } else if (at_identifier()) {
    item.alias = identifier("column");
  }
  if (!panic_ && (peek().kind == TokenKind::kString)) {
    error(here(), "a string cannot be an alias", "names stand in backticks");
  }
  return item;
}

/// group_item = expression | ( … ) | ROLLUP (…) | CUBE (…) | GROUPING SETS (…)
Expr Parser::group_item() {
  const std::uint32_t begin = peek().begin;
  std::string word;
  if ((at_word("ROLLUP") || at_word("CUBE")) && at_symbol("(", 1)) {
    word = to_upper(next().text);
  } else if (accept_words({"GROUPING", "SETS"})) {
    word = "GROUPING SETS";
  }
  Nesting nesting(*this);
  if (nesting.too_deep()) return {};
  if (!word.empty()) {
    expect_symbol("(");
    std::vector<Expr> items;
    do {
      items.push_back(group_item());
    } while (accept_symbol(","));
    expect_symbol(")");
    Expr out = make(Expr::Kind::kGrouping, begin, std::move(items));
    out.text = std::move(word);
    return out;
  }
  if (at_symbol("(") && at_symbol(")", 1)) {
    next();
    next();
    return make(Expr::Kind::kRow, begin);
  }
  return expression();
}

/// from = table_primary {join}
TableRef Parser::from() {
  TableRef out = table_primary();
  while (!panic_) {
    const std::uint32_t before = last_end_;
    out = joined(std::move(out));
    if (last_end_ == before) break;
    if (out.height.value > kHeightMax) too_deep(out.span);
  }
  return out;
}

/// join = , table | [NATURAL] [INNER | LEFT | RIGHT | FULL [OUTER] | CROSS | SEMI | ANTI | ASOF] JOIN table [ON |
/// USING]
TableRef Parser::joined(TableRef left) {
  TableRef out;
  const std::uint32_t begin = left.span.begin;
  if (accept_symbol(",")) {
    out.join = "COMMA";
  } else {
    std::size_t ahead = at_word("NATURAL") ? 1 : 0;
    const bool natural = ahead == 1;
    std::string kind = "INNER";
    for (const std::string_view word : {"INNER", "LEFT", "RIGHT", "FULL", "CROSS", "ASOF"}) {
      if (!at_word(word, ahead)) continue;
      kind = std::string(word);
      ++ahead;
      break;
    }
    for (const std::string_view word : {"OUTER", "SEMI", "ANTI"}) {
      if (!at_word(word, ahead)) continue;
      if (word != "OUTER") kind += " " + std::string(word);
      ++ahead;
      break;
    }
    if (!at_word("JOIN", ahead)) {
      if (natural || kind != "INNER" || ahead > 0) unexpected("JOIN");
      return left;
    }
    for (std::size_t i = 0; i <= ahead; ++i) next();
    out.join = std::move(kind);
    out.natural = natural;
  }
  TableRef right = table_primary();
  out.kind = TableRef::Kind::kJoin;
  out.height.value = std::max(left.height.value, right.height.value) + 1;
  out.inputs.push_back(std::move(left));
  out.inputs.push_back(std::move(right));
  if (out.join == "ASOF" && accept_word("MATCH_CONDITION")) {
    unsupported(since(begin), "ASOF JOIN is not supported yet", "Flink's portable form is FOR SYSTEM_TIME AS OF");
  }
  const bool conflict = at_word("ON") && at_word("CONFLICT", 1) && at_word("DO", 2);  // of INSERT
  if (!conflict && accept_word("ON")) {
    out.condition.push_back(expression());
    out.height.value = std::max(out.height.value, out.condition[0].height.value + 1);
  } else if (accept_word("USING")) {
    out.using_columns = name_list("column");
  }
  out.span = since(begin);
  return out;
}

/// Behind a `(`: whether a query follows, not a join or an expression. `((SELECT …) UNION …)` is one, `((SELECT …) x
/// JOIN …)` not.
bool Parser::at_parenthesised_query() const noexcept {
  std::size_t open = 0;
  while (at_symbol("(", open)) ++open;
  if (!at_query(open)) return false;
  std::size_t ahead = open;
  for (; open > 0; --open) {
    const std::uint32_t depth = peek(open - 1).depth;
    while (peek(ahead).kind != TokenKind::kEnd && !(at_symbol(")", ahead) && peek(ahead).depth == depth)) ++ahead;
    ++ahead;
    // What closes here may be a part of a query in the next parenthesis out, or of something else.
    bool goes_on = at_symbol(")", ahead);
    for (const std::string_view word : {"UNION", "EXCEPT", "MINUS", "INTERSECT", "ORDER", "LIMIT", "OFFSET", "FETCH"}) {
      goes_on = goes_on || at_word(word, ahead);
    }
    if (!goes_on) return false;
  }
  return true;
}

/// table_primary = name [hint] [FOR SYSTEM_TIME AS OF] | ( query ) | ( from ) | TABLE(function) | function(…) |
///                 UNNEST(…) | LATERAL … , then [MATCH_RECOGNIZE (…)] [[AS] alias [(columns)]]
TableRef Parser::table_primary() {
  Nesting nesting(*this);
  if (nesting.too_deep()) return {};
  TableRef out;
  const std::uint32_t begin = peek().begin;
  const bool lateral = accept_word("LATERAL");
  if (at_symbol("(")) {
    next();
    if (at_parenthesised_query()) {
      out.kind = TableRef::Kind::kQuery;
      out.query = query();
      out.height.value = out.query->height.value + 1;
    } else {
      out = from();
    }
    expect_symbol(")");
  } else if (at_word("UNNEST")) {
    next();
    out.kind = TableRef::Kind::kUnnest;
    expect_symbol("(");
    out.unnest.push_back(expression());
    out.height.value = out.unnest[0].height.value + 1;
    expect_symbol(")");
    out.with_ordinality = accept_words({"WITH", "ORDINALITY"});
  } else if (at_word("TABLE") && at_symbol("(", 1)) {
    next();
    next();
    const std::uint32_t function = peek().begin;
    if (!at_identifier() || !at_symbol("(", 1)) unexpected("a window function: TUMBLE, HOP, CUMULATE or SESSION");
    std::string name = panic_ ? std::string() : to_upper(function_name());
    out = table_function(std::move(name), function);
    expect_symbol(")");
  } else if (at_identifier() && at_symbol("(", 1)) {
    std::string name = to_upper(function_name());
    out = table_function(std::move(name), begin);
  } else {
    out.path = path("table");
    out.options = option_hints();
    if (accept_word("FOR")) {
      expect_word("SYSTEM_TIME");
      expect_word("AS");
      expect_word("OF");
      out.system_time.push_back(expression());
    }
  }
  if (at_word("TABLESAMPLE")) unsupported(here(), "TABLESAMPLE is not supported");
  if (at_word("PIVOT") || at_word("UNPIVOT")) {
    if (at_symbol("(", 1))
      unsupported(here(), to_upper(peek().text) + " is not supported", "use CASE inside aggregates");
  }
  out.lateral = out.lateral || lateral;
  out.span = since(begin);
  if (at_word("MATCH_RECOGNIZE")) match_recognize(out);
  table_alias(out);
  out.span = since(begin);
  return out;
}

void Parser::match_recognize(TableRef& out) {
  const std::uint32_t begin = peek().begin;
  next();
  TableRef match;
  match.kind = TableRef::Kind::kMatch;
  match.raw = raw_tokens_in_parentheses();
  match.height.value = out.height.value + 1;
  match.inputs.push_back(std::move(out));
  match.span = since(begin);
  out = std::move(match);
}

void Parser::table_alias(TableRef& out) {
  const bool as = accept_word("AS");
  if (!as && !at_identifier()) return;
  if (out.alias.has_value()) {
    unexpected("the end of the table");
    return;
  }
  // ON CONFLICT and END follow a query; they are no aliases. END is reserved, ON too.
  out.alias = identifier("table");
  if (at_symbol("(")) out.column_aliases = name_list("column");
}

std::string Parser::function_name() {
  const Token& token = next();
  return token.kind == TokenKind::kQuoted ? token_value(token) : std::string(token.text);
}

/// name ( argument, … )
TableRef Parser::table_function(std::string name, std::uint32_t begin) {
  TableRef out;
  out.kind = TableRef::Kind::kFunction;
  out.function = std::move(name);
  expect_symbol("(");
  if (!at_symbol(")")) {
    do {
      out.arguments.push_back(table_argument());
    } while (accept_symbol(","));
  }
  expect_symbol(")");
  out.span = since(begin);
  for (const TableArgument& argument : out.arguments) {
    for (const Expr& expr : argument.expr) out.height.value = std::max(out.height.value, expr.height.value + 1);
    if (argument.table) out.height.value = std::max(out.height.value, argument.table->height.value + 1);
  }
  return out;
}

/// [name =>] (TABLE name | [TABLE] (query)) [PARTITION BY …] [ORDER BY …] | DESCRIPTOR(…) | expression
TableArgument Parser::table_argument() {
  TableArgument out;
  const std::uint32_t begin = peek().begin;
  if ((peek().kind == TokenKind::kWord || peek().kind == TokenKind::kQuoted) && at_symbol("=>", 1)) {
    const Token& token = next();
    out.name = to_upper(token.kind == TokenKind::kQuoted ? token_value(token) : std::string(token.text));
    next();
  }
  const bool table = at_word("TABLE");
  if (table || (at_symbol("(") && at_query(1))) {
    out.kind = TableArgument::Kind::kTable;
    if (table) next();
    TableRef ref;
    const std::uint32_t ref_begin = peek().begin;
    if (at_symbol("(")) {
      next();
      ref.kind = TableRef::Kind::kQuery;
      ref.query = query();
      ref.height.value = ref.query->height.value + 1;
      expect_symbol(")");
    } else {
      ref.path = path("table");
      ref.options = option_hints();
    }
    ref.span = since(ref_begin);
    out.table = std::move(ref);
    if (accept_words({"PARTITION", "BY"})) {
      const bool wrapped = accept_symbol("(");
      // A list without parentheses ends where the next argument begins: `k, DESCRIPTOR(…)`, `k, 10`.
      do {
        out.partition_by.push_back(expression());
      } while (at_symbol(",") && !at_word("DESCRIPTOR", 1) && !at_symbol("=>", 2) &&
               peek(1).kind != TokenKind::kNumber && accept_symbol(","));
      if (wrapped) expect_symbol(")");
    }
    if (accept_words({"ORDER", "BY"})) out.order_by.push_back(sort_item());
  } else if (at_word("DESCRIPTOR") && at_symbol("(", 1)) {
    next();
    out.kind = TableArgument::Kind::kDescriptor;
    out.columns = name_list("column");
  } else {
    out.expr.push_back(expression());
  }
  out.span = since(begin);
  return out;
}

}  // namespace weir::sql
