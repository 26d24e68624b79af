// Productions of statements. See parser.h.
#include <array>

#include "keywords.h"
#include "lexer.h"
#include "parser.h"
#include "suggest.h"

namespace weir::sql {
namespace {

/// Statements of Flink that Weir recognises and does not take, with what to do instead.
struct OtherStatement {
  std::string_view word, reason;
};
constexpr std::array kOther = std::to_array<OtherStatement>(
    {{"USE", "Weir has one catalog and one database; leave the statement out"},
     {"SHOW", "the commands of a session have no place in a job; look with `weir explain`"},
     {"DESCRIBE", "the commands of a session have no place in a job; look with `weir explain`"},
     {"DESC", "the commands of a session have no place in a job; look with `weir explain`"},
     {"ALTER", "write the table as it is to be in its CREATE TABLE"},
     {"ANALYZE", "Weir keeps no table statistics"},
     {"LOAD", "modules are built in"},
     {"UNLOAD", "modules are built in"},
     {"ADD", "functions come from the host program, not from jars"},
     {"REMOVE", "functions come from the host program, not from jars"},
     {"CALL", "there are no procedures"},
     {"DELETE", "rows of a stream are not changed in place"},
     {"UPDATE", "rows of a stream are not changed in place"},
     {"MERGE", "rows of a stream are not changed in place"},
     {"TRUNCATE", "rows of a stream are not changed in place"},
     {"COMPILE", "plans are made at every start"},
     {"STOP", "stop the process that runs the job"},
     {"REFRESH", "materialized tables are not supported"},
     {"QUIT", "the commands of a session have no place in a job"},
     {"EXIT", "the commands of a session have no place in a job"},
     {"HELP", "the commands of a session have no place in a job"},
     {"CLEAR", "the commands of a session have no place in a job"}});

}  // namespace

/// statement = create | drop | set | reset | insert | statement_set | explain | query. False where nothing was made.
bool Parser::statement(Statement& out) {
  if (at_query() || at_symbol("(")) {
    out.body = query();
  } else if (at_word("CREATE")) {
    out = create();
  } else if (at_word("DROP")) {
    out.body = drop();
  } else if (at_word("SET")) {
    out = set();
  } else if (at_word("RESET")) {
    out = reset();
  } else if (at_word("INSERT")) {
    out.body = insert();
  } else if (at_word("EXECUTE") || at_word("BEGIN")) {
    out.body = statement_set();
  } else if (at_word("EXPLAIN")) {
    out.body = explain();
  } else {
    if (!other_statement()) {
      std::string hint;
      if (peek().kind == TokenKind::kWord) hint = did_you_mean(to_upper(peek().text), statement_keywords());
      error(here(), "expected a statement, found " + found(), std::move(hint));
    }
    return false;
  }
  return true;
}

bool Parser::other_statement() {
  for (const OtherStatement& other : kOther) {
    if (!at_word(other.word)) continue;
    unsupported(here(), std::string(other.word) + " is not supported", std::string(other.reason));
    return true;
  }
  return false;
}

/// CREATE [OR REPLACE] [TEMPORARY] (TABLE … | VIEW … | other)
Statement Parser::create() {
  Statement out;
  const std::uint32_t begin = peek().begin;
  expect_word("CREATE");
  if (at_word("OR"))
    unsupported(here(), "CREATE OR REPLACE is not supported", "drop it first, or give it another name");
  const bool temporary = accept_word("TEMPORARY");
  if (accept_word("TABLE")) {
    CreateTable table = create_table();
    table.temporary = temporary;
    out.body = std::move(table);
  } else if (accept_word("VIEW")) {
    CreateView view = create_view();
    view.temporary = temporary;
    out.body = std::move(view);
  } else if (at_word("FUNCTION") || at_word("SYSTEM")) {
    unsupported(since(begin), "CREATE FUNCTION is not supported", "functions come from the host program");
  } else if (at_word("CATALOG") || at_word("DATABASE")) {
    unsupported(since(begin), "CREATE " + to_upper(peek().text) + " is not supported",
                "Weir has one catalog and one database");
  } else if (at_word("MATERIALIZED") || at_word("MODEL") || at_word("CONNECTION")) {
    unsupported(since(begin), "CREATE " + to_upper(peek().text) + " is not supported",
                "use CREATE TABLE or CREATE VIEW");
  } else {
    const std::string hint =
        peek().kind == TokenKind::kWord ? did_you_mean(to_upper(peek().text), {"TABLE", "VIEW"}) : std::string();
    error(here(), "expected TABLE or VIEW after CREATE, found " + found(), hint);
  }
  return out;
}

CreateTable Parser::create_table() {
  CreateTable table;
  if (accept_words({"IF", "NOT", "EXISTS"})) table.if_not_exists = true;
  table.path = path("table");
  if (at_symbol("(")) {
    const std::uint32_t depth = depth_here() + 1;
    next();
    if (!at_symbol(")")) {
      do {
        table_element(table);
        recover(depth, {","});
      } while (accept_symbol(","));
    }
    expect_symbol(")");
  }
  if (accept_word("COMMENT")) table.comment = string_literal("the comment");
  const std::uint32_t begin = peek().begin;
  if (at_word("DISTRIBUTED")) {
    unsupported(here(), "DISTRIBUTED BY is not supported", "leave it out; Weir lays keys over shards itself");
  }
  if (accept_words({"PARTITIONED", "BY"})) {
    table.partitioned_by = name_list("column");
    table.partition_span = since(begin);
  }
  if (at_word("WITH")) {
    next();
    table.options = options(panic_ ? 0 : depth_here());
  }
  const std::uint32_t tail = peek().begin;
  if (accept_word("LIKE")) {
    const Path base = path("table");
    for (const Name& part : base) table.like += (table.like.empty() ? "`" : ".`") + part.text + "`";
    if (at_symbol("(")) table.like += " ( " + raw_tokens_in_parentheses() + " )";
    table.like_span = since(tail);
  } else if (accept_word("AS")) {
    table.as = query();
    table.like_span = since(tail);
  }
  return table;
}

/// table_element = column | WATERMARK FOR … | [CONSTRAINT name] PRIMARY KEY (…) NOT ENFORCED
void Parser::table_element(CreateTable& table) {
  if (at_word("WATERMARK") && at_word("FOR", 1)) {
    watermark(table);
  } else if (at_word("CONSTRAINT") || (at_word("PRIMARY") && at_word("KEY", 1)) ||
             (at_word("UNIQUE") && at_symbol("(", 1))) {
    primary_key(table);
  } else {
    column_definition(table);
  }
}

void Parser::column_definition(CreateTable& table) {
  ColumnDefinition column;
  const std::uint32_t begin = peek().begin;
  column.name = identifier("column");
  if (accept_word("AS")) {
    column.kind = ColumnDefinition::Kind::kComputed;
    column.expr.push_back(expression());
  } else {
    column.type = type();
    if (accept_word("METADATA")) {
      column.kind = ColumnDefinition::Kind::kMetadata;
      if (accept_word("FROM")) column.metadata_key = string_literal("the metadata key");
      column.is_virtual = accept_word("VIRTUAL");
    }
    const std::uint32_t key = peek().begin;
    accept_word("CONSTRAINT");
    if (accept_words({"PRIMARY", "KEY"})) {
      column.primary_key = true;
      if (!accept_words({"NOT", "ENFORCED"})) table.enforced = true;
      table.key_span = since(key);
    }
  }
  if (accept_word("COMMENT")) column.comment = string_literal("the comment");
  if (!panic_ && !at_symbol(",") && !at_symbol(")")) unexpected("`,` or `)`");
  column.span = since(begin);
  // A column with an error keeps its name, so that its uses are not reported as well.
  if (!column.name.text.empty()) table.columns.push_back(std::move(column));
}

void Parser::watermark(CreateTable& table) {
  WatermarkDefinition watermark;
  const std::uint32_t begin = peek().begin;
  next();
  next();
  watermark.column = path("column");
  expect_word("AS");
  watermark.expr = expression();
  watermark.span = since(begin);
  if (!panic_ && !at_symbol(",") && !at_symbol(")")) unexpected("`,` or `)`");
  table.watermarks.push_back(std::move(watermark));
}

void Parser::primary_key(CreateTable& table) {
  const std::uint32_t begin = peek().begin;
  if (accept_word("CONSTRAINT")) identifier("constraint");
  if (at_word("UNIQUE")) unsupported(here(), "UNIQUE is not supported", "Flink has PRIMARY KEY (…) NOT ENFORCED only");
  expect_word("PRIMARY");
  expect_word("KEY");
  Path names = name_list("column");
  if (!panic_ && !table.primary_key.empty()) {
    error(since(begin), "the table has two primary keys", {}, ErrorCode::kSqlSemantic);
  }
  table.primary_key = std::move(names);
  if (!accept_words({"NOT", "ENFORCED"})) {
    accept_word("ENFORCED");
    table.enforced = true;
  }
  table.key_span = since(begin);
  if (!panic_ && !at_symbol(",") && !at_symbol(")")) unexpected("`,` or `)`");
}

/// ( 'key' = 'value', … ); depth is that of the opening parenthesis.
std::vector<Option> Parser::options(std::uint32_t depth) {
  std::vector<Option> out;
  expect_symbol("(");
  if (accept_symbol(")")) return out;
  do {
    Option option;
    option.key_span = here();
    option.key = string_literal("an option's name");
    expect_symbol("=");
    option.value_span = here();
    option.value = string_literal("the option's value");
    if (!panic_ && !at_symbol(",") && !at_symbol(")")) unexpected("`,` or `)`");
    if (!panic_) out.push_back(std::move(option));
    recover(depth + 1, {","});
  } while (accept_symbol(","));
  expect_symbol(")");
  return out;
}

/// /*+ OPTIONS('k' = 'v', …) */ after a table. Other hints are noted and left out.
std::vector<Option> Parser::option_hints() {
  std::vector<Option> out;
  while (peek().kind == TokenKind::kHintBegin) {
    if (peek(1).is_word("OPTIONS") && peek(2).is_symbol("(")) {
      next();
      next();
      for (Option& option : options(depth_here())) out.push_back(std::move(option));
      accept_symbol(",");
      if (panic_) return out;
      if (peek().kind == TokenKind::kHintEnd) {
        next();
        continue;
      }
      unexpected("`*/`");
      return out;
    }
    skip_hint();
  }
  return out;
}

void Parser::skip_hint() {
  if (peek().kind != TokenKind::kHintBegin) return;
  const std::string name = to_upper(peek(1).text.substr(0, 40));
  while (!at_end() && peek().kind != TokenKind::kHintEnd) next();
  if (peek().kind != TokenKind::kHintEnd) {
    unexpected("`*/`");
    return;
  }
  next();
  notes_.push_back("the hint " + name + " means nothing here");
}

CreateView Parser::create_view() {
  CreateView view;
  if (accept_words({"IF", "NOT", "EXISTS"})) view.if_not_exists = true;
  view.path = path("view");
  if (at_symbol("(")) {
    expect_symbol("(");
    do {
      view.columns.push_back(identifier("column"));
      if (accept_word("COMMENT")) string_literal("the comment");
    } while (accept_symbol(","));
    expect_symbol(")");
  }
  if (accept_word("COMMENT")) view.comment = string_literal("the comment");
  expect_word("AS");
  if (!panic_) view.query = query();
  return view;
}

/// DROP [TEMPORARY] (TABLE | VIEW) [IF EXISTS] name
Drop Parser::drop() {
  Drop out;
  expect_word("DROP");
  out.temporary = accept_word("TEMPORARY");
  if (accept_word("VIEW")) {
    out.view = true;
  } else if (!accept_word("TABLE")) {
    if (at_word("FUNCTION") || at_word("CATALOG") || at_word("DATABASE") || at_word("MATERIALIZED") ||
        at_word("MODEL")) {
      unsupported(here(), "DROP " + to_upper(peek().text) + " is not supported",
                  "only tables and views can be dropped");
    }
    unexpected("TABLE or VIEW");
  }
  out.if_exists = accept_words({"IF", "EXISTS"});
  out.path = path(out.view ? "view" : "table");
  return out;
}

/// SET 'key' = 'value' | SET key.part = value
Statement Parser::set() {
  Statement out;
  Set set;
  expect_word("SET");
  if (at_end() || at_symbol(";")) {
    unsupported(here(), "SET without a key shows settings, which has no place in a job", "write SET 'key' = 'value'");
  }
  const auto bare = [this](std::string& value, Span& span, std::string_view stop) {
    const std::uint32_t begin = peek().begin;
    while (!at_end() && !at_symbol(";") && !at_symbol(stop)) next();
    span = since(begin);
    if (!panic_) value = std::string(text_.substr(begin, span.end > begin ? span.end - begin : 0));
    if (value.empty()) unexpected("a key and a value: SET 'key' = 'value'");
  };
  if (peek().kind == TokenKind::kString) {
    set.key_span = here();
    set.key = token_value(next());
  } else {
    bare(set.key, set.key_span, "=");
  }
  expect_symbol("=");
  if (peek().kind == TokenKind::kString) {
    set.value_span = here();
    set.value = token_value(next());
  } else {
    bare(set.value, set.value_span, ";");
  }
  out.body = std::move(set);
  return out;
}

Statement Parser::reset() {
  Statement out;
  Reset reset;
  expect_word("RESET");
  if (!at_end() && !at_symbol(";")) {
    reset.key_span = here();
    if (peek().kind == TokenKind::kString) {
      reset.key = token_value(next());
    } else {
      const std::uint32_t begin = peek().begin;
      while (!at_end() && !at_symbol(";")) next();
      reset.key = std::string(text_.substr(begin, since(begin).end - begin));
    }
  }
  out.body = std::move(reset);
  return out;
}

/// INSERT INTO table [hint] [(columns)] query [ON CONFLICT DO …]
Insert Parser::insert() {
  Insert out;
  const std::uint32_t begin = peek().begin;
  expect_word("INSERT");
  if (at_word("OVERWRITE")) unsupported(here(), "INSERT OVERWRITE is not supported on streams", "use INSERT INTO");
  expect_word("INTO");
  accept_word("TABLE");
  out.path = path("table");
  out.options = option_hints();
  if (at_word("PARTITION"))
    unsupported(here(), "PARTITION (…) in INSERT is not supported", "select the column instead");
  if (at_symbol("(") && !at_query(1) && !at_symbol("(", 1)) out.columns = name_list("column");
  if (!panic_ && !at_query() && !at_symbol("(")) unexpected("a query (SELECT …)");
  if (!panic_) out.query = query();
  on_conflict(out);
  out.span = since(begin);
  return out;
}

void Parser::on_conflict(Insert& out) {
  if (!accept_words({"ON", "CONFLICT"})) return;
  expect_word("DO");
  for (const std::string_view action : {"NOTHING", "ERROR", "DEDUPLICATE"}) {
    if (!accept_word(action)) continue;
    out.on_conflict = std::string(action);
    return;
  }
  unexpected("NOTHING, ERROR or DEDUPLICATE");
}

/// EXECUTE STATEMENT SET BEGIN … END | BEGIN STATEMENT SET; … END
StatementSet Parser::statement_set() {
  StatementSet out;
  if (accept_word("EXECUTE")) {
    if (at_word("PLAN")) unsupported(here(), "EXECUTE PLAN is not supported", "run the SQL itself");
    if (at_word("INSERT")) {  // EXECUTE INSERT …
      out.inserts.push_back(insert());
      return out;
    }
    expect_word("STATEMENT");
    expect_word("SET");
    expect_word("BEGIN");
  } else {
    expect_word("BEGIN");
    expect_word("STATEMENT");
    expect_word("SET");
    accept_symbol(";");
  }
  while (!at_end() && !at_word("END")) {
    if (!at_word("INSERT")) {
      unexpected("INSERT or END");
    } else {
      out.inserts.push_back(insert());
      if (!panic_ && !at_symbol(";")) unexpected("`;`");
    }
    recover(0, {});
    while (accept_symbol(";")) {
    }
    if (diagnostics_.full()) return out;
  }
  expect_word("END");
  if (!panic_ && out.inserts.empty()) {
    error(here(), "a statement set needs at least one INSERT", {}, ErrorCode::kSqlSemantic);
  }
  return out;
}

/// EXPLAIN [PLAN FOR | detail, …] (query | insert | STATEMENT SET BEGIN … END)
Explain Parser::explain() {
  Explain out;
  expect_word("EXPLAIN");
  if (!accept_words({"PLAN", "FOR"})) {
    while (at_word("ESTIMATED_COST") || at_word("CHANGELOG_MODE") || at_word("PLAN_ADVICE") ||
           at_word("JSON_EXECUTION_PLAN")) {
      out.details.push_back(to_upper(next().text));
      if (!accept_symbol(",")) break;
    }
  }
  if (at_word("INSERT")) {
    out.subject = insert();
  } else if (at_word("STATEMENT") || at_word("EXECUTE")) {
    StatementSet set;
    accept_word("EXECUTE");
    expect_word("STATEMENT");
    expect_word("SET");
    expect_word("BEGIN");
    while (!panic_ && at_word("INSERT")) {
      set.inserts.push_back(insert());
      while (accept_symbol(";")) {
      }
    }
    expect_word("END");
    out.subject = std::move(set);
  } else if (at_query() || at_symbol("(")) {
    out.subject = query();
  } else {
    unexpected("a query or INSERT");
  }
  return out;
}

}  // namespace weir::sql
