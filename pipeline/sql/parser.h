// Parser: tokens to a syntax tree, by recursive descent for statements and clauses and by binding power for
// expressions. One method a production of the grammar in README.md.
//
// Errors: the first one in a place puts the parser into panic, in which every look-ahead sees the end of the text, so
// that all productions return at once without complaint. The nearest list or statement then skips to its own `,`, `)`,
// clause keyword or `;` at its own depth of parentheses and goes on. So each mistake is told once.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "ast.h"
#include "diagnostics.h"
#include "token.h"

namespace weir::sql {

/// Most levels of nesting (parentheses, subqueries, operators under one another) that a text may have.
inline constexpr std::uint32_t kNestingMax = 200;
/// Most levels of an expression tree; a chain `a + b + …` has as many as operands.
inline constexpr std::uint32_t kHeightMax = 500;

/// Parses a whole text; statements with errors are marked broken. Cost: linear in the text.
Script parse_script(std::string_view text, Diagnostics& diagnostics);

class Parser {
 public:
  Parser(std::string_view text, Diagnostics& diagnostics);
  Script script();

 private:
  // parser.cc: look-ahead, errors, recovery, names
  const Token& peek(std::size_t ahead = 0) const noexcept;
  bool at_word(std::string_view keyword, std::size_t ahead = 0) const noexcept { return peek(ahead).is_word(keyword); }
  bool at_symbol(std::string_view symbol, std::size_t ahead = 0) const noexcept {
    return peek(ahead).is_symbol(symbol);
  }
  bool at_end() const noexcept { return peek().kind == TokenKind::kEnd; }
  bool at_query(std::size_t ahead = 0) const noexcept;
  const Token& next();
  bool accept_word(std::string_view keyword);
  bool accept_words(std::initializer_list<std::string_view> keywords);
  bool accept_symbol(std::string_view symbol);
  void expect_word(std::string_view keyword);
  void expect_symbol(std::string_view symbol);
  std::string found() const;
  Span here() const noexcept { return {peek().begin, peek().end}; }
  Span since(std::uint32_t begin) const noexcept { return {begin, std::max(begin, last_end_)}; }
  void error(Span span, std::string message, std::string hint = {}, ErrorCode code = ErrorCode::kSqlSyntax);
  void unexpected(std::string_view wanted);
  void unsupported(Span span, std::string message, std::string hint = {});
  void too_deep(Span span);
  std::uint32_t depth_here() const noexcept;
  bool recover(std::uint32_t depth, std::initializer_list<std::string_view> stops);
  Name identifier(std::string_view what);
  bool at_identifier(std::size_t ahead = 0) const noexcept;
  Path path(std::string_view what);
  Path name_list(std::string_view what);
  std::string string_literal(std::string_view what);
  std::string raw_tokens_in_parentheses();
  std::string unit(std::string_view what);
  int integer(std::string_view what, int most);

  // parser_statement.cc
  bool statement(Statement& out);
  Statement create();
  CreateTable create_table();
  void table_element(CreateTable& table);
  void column_definition(CreateTable& table);
  void watermark(CreateTable& table);
  void primary_key(CreateTable& table);
  CreateView create_view();
  Drop drop();
  Statement set();
  Statement reset();
  Insert insert();
  void on_conflict(Insert& out);
  StatementSet statement_set();
  Explain explain();
  bool other_statement();
  std::vector<Option> options(std::uint32_t depth);
  std::vector<Option> option_hints();
  void skip_hint();

  // parser_query.cc
  Query query();
  Query query_term();
  Query query_primary();
  Query set_operation(std::string operation, Query left, Query right);
  void query_tail(Query& out);
  Select select();
  void select_items(Select& out);
  SelectItem select_item();
  bool star_item(SelectItem& item);
  Expr group_item();
  TableRef from();
  TableRef joined(TableRef left);
  TableRef table_primary();
  bool at_parenthesised_query() const noexcept;
  TableRef table_function(std::string name, std::uint32_t begin);
  std::string function_name();
  TableArgument table_argument();
  void match_recognize(TableRef& out);
  void table_alias(TableRef& out);
  void limits(Query& out);
  void raise_height(Query& out);
  SortItem sort_item();
  std::vector<SortItem> sort_items();
  std::vector<Expr> expressions();

  // parser_expression.cc
  Expr expression(int power = 0);
  Expr prefix();
  Expr primary();
  Expr postfix(Expr value);
  Expr infix(Expr left, int power, bool& done);
  Expr predicate(Expr left, bool negated);
  Expr is_predicate(Expr left);
  Expr parenthesised();
  Expr literal();
  Expr name_or_call();
  Expr call(std::string name, std::uint32_t begin);
  Expr json_aggregate(const std::string& name, std::uint32_t begin);
  Expr special_call(const std::string& name, std::uint32_t begin, bool& special);
  Expr case_expression();
  Expr cast(bool try_cast);
  Expr interval();
  Expr trim();
  Expr substring();
  Expr collection(Expr::Kind kind);
  void call_suffix(Expr& call);
  std::string null_treatment();
  Over over();
  FrameBound frame_bound();
  Expr make(Expr::Kind kind, std::uint32_t begin, std::vector<Expr> children = {});

  // parser_type.cc
  TypeName type();
  TypeName plain_type();
  void type_precision(TypeName& out, int most_precision, int most_scale);
  TypeName row_type(std::uint32_t begin);
  void interval_type(TypeName& out);
  void zone_suffix(TypeName& out);

  /// Counts nesting for its lifetime.
  struct Nesting {
    explicit Nesting(Parser& owner) : parser(owner) { ++parser.nesting_; }
    ~Nesting() { --parser.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    bool too_deep();
    Parser& parser;
  };

  std::string_view text_;
  Diagnostics& diagnostics_;
  std::vector<Token> tokens_;
  std::size_t position_ = 0;
  std::uint32_t last_end_ = 0;
  std::uint32_t nesting_ = 0;
  bool panic_ = false;
  bool broken_ = false;
  std::vector<std::string> notes_;
};

}  // namespace weir::sql
