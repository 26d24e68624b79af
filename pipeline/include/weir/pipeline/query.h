// Queries in C++: tables, windows, aggregates and settings put together from values of the program, step by step. What
// comes out is the text that one would have written in SQL (Script::to_sql), and the plan of it: so everything that SQL
// reaches is here, it means the same, and an error shows the text with a caret.
//
//   using namespace weir::query;
//   Query bars = Query("ticks")
//                    .where(col("price") > 0)
//                    .window(hop("ts", seconds(10), minutes(1)))
//                    .group_by({col("symbol")})
//                    .having(count() > 1)
//                    .select({col("symbol"), window_start(), max(col("price")).filter(col("size") > 100).as("high")});
//   Result<JobPlan> plan = Script().add(ticks).add(out).insert_into("out", bars).plan();
//
// Values are copied freely; nothing is looked at before plan(). Errors: what a name, a type or a window does wrong is
// told by plan(). Allocates: everywhere. Thread: none shares anything.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/core/result.h"
#include "weir/pipeline/plan.h"
#include "weir/pipeline/sql.h"

namespace weir::query {

/// A length of time.
struct Duration {
  std::int64_t nanoseconds = 0;
};
constexpr Duration nanoseconds(std::int64_t n) noexcept {
  return {n};
}
constexpr Duration milliseconds(std::int64_t n) noexcept {
  return {n * 1'000'000};
}
constexpr Duration seconds(std::int64_t n) noexcept {
  return {n * 1'000'000'000};
}
constexpr Duration minutes(std::int64_t n) noexcept {
  return seconds(60 * n);
}
constexpr Duration hours(std::int64_t n) noexcept {
  return minutes(60 * n);
}
constexpr Duration days(std::int64_t n) noexcept {
  return hours(24 * n);
}

class Expr;

/// An expression and the direction in which it sorts, for ORDER BY inside an aggregate.
class Order {
 public:
  Order(const Expr& expression);  // NOLINT(google-explicit-constructor): ascending
  Order(const Expr& expression, bool descending);
  Order nulls_first() const;
  Order nulls_last() const;
  const std::string& sql() const noexcept { return sql_; }

 private:
  std::string sql_;
};

/// An expression over columns: a column, a constant, a call, or those with operators between them. Numbers and truth
/// values stand for themselves beside another; texts are lit("…"), columns col("…").
class Expr {
 public:
  Expr(bool value);                       // NOLINT(google-explicit-constructor)
  Expr(int value);                        // NOLINT(google-explicit-constructor)
  Expr(long value);                       // NOLINT(google-explicit-constructor, google-runtime-int)
  Expr(long long value);                  // NOLINT(google-explicit-constructor, google-runtime-int)
  Expr(double value);                     // NOLINT(google-explicit-constructor)
  Expr(Duration value);                   // NOLINT(google-explicit-constructor): INTERVAL … SECOND
  Expr(const char*) = delete;             ///< lit("text") or col("name")
  Expr(std::nullptr_t) = delete;          ///< null()
  static Expr from_sql(std::string sql);  ///< Any expression as SQL has it; see sql().
  static Expr call(std::string_view name, std::vector<Expr> arguments);

  /// The name of the column that it gives.
  Expr as(std::string_view name) const;
  Expr cast(std::string_view type) const;      ///< CAST(… AS type)
  Expr try_cast(std::string_view type) const;  ///< NULL where the cast fails.
  Expr is_null() const;
  Expr is_not_null() const;
  Expr in(const std::vector<Expr>& values) const;
  Expr between(const Expr& low, const Expr& high) const;
  Expr like(std::string_view pattern) const;

  // Of an aggregate's call, in any order.
  Expr distinct() const;
  Expr filter(const Expr& condition) const;
  Expr order_by(std::vector<Order> order) const;      ///< ARRAY_AGG(x ORDER BY …)
  Expr within_group(std::vector<Order> order) const;  ///< LISTAGG(s, ',') WITHIN GROUP (ORDER BY …)

  /// Without a name given by as().
  std::string sql() const;
  const std::string& name() const noexcept { return name_; }

  friend Expr operator+(const Expr& a, const Expr& b) { return a.binary("+", b); }
  friend Expr operator-(const Expr& a, const Expr& b) { return a.binary("-", b); }
  friend Expr operator*(const Expr& a, const Expr& b) { return a.binary("*", b); }
  friend Expr operator/(const Expr& a, const Expr& b) { return a.binary("/", b); }
  friend Expr operator%(const Expr& a, const Expr& b) { return a.binary("%", b); }
  friend Expr operator==(const Expr& a, const Expr& b) { return a.binary("=", b); }
  friend Expr operator!=(const Expr& a, const Expr& b) { return a.binary("<>", b); }
  friend Expr operator<(const Expr& a, const Expr& b) { return a.binary("<", b); }
  friend Expr operator<=(const Expr& a, const Expr& b) { return a.binary("<=", b); }
  friend Expr operator>(const Expr& a, const Expr& b) { return a.binary(">", b); }
  friend Expr operator>=(const Expr& a, const Expr& b) { return a.binary(">=", b); }
  friend Expr operator&&(const Expr& a, const Expr& b) { return a.binary("AND", b); }
  friend Expr operator||(const Expr& a, const Expr& b) { return a.binary("OR", b); }
  friend Expr operator!(const Expr& a) { return whole("(NOT " + a.operand() + ")"); }
  friend Expr operator-(const Expr& a) { return whole("(- " + a.operand() + ")"); }

 private:
  Expr() = default;
  Expr binary(std::string_view sign, const Expr& right) const;
  std::string operand() const;

  friend Expr col(std::string_view name);
  friend Expr lit(std::string_view text);
  static Expr whole(std::string sql);

  std::string text_;       // the whole, or the call's name
  std::string name_;       // of as()
  bool is_whole_ = false;  // needs no parentheses beside an operator
  bool is_call_ = false;   // then the rest counts
  bool distinct_ = false;
  std::vector<std::string> arguments_;
  std::string order_, group_order_, filter_;
};

Expr col(std::string_view name);  ///< A column.
Expr lit(std::string_view text);  ///< A text.
Expr null();
/// A function or an aggregate by its SQL name: call("ROUND", {col("x"), 2}), call("VWAP", {col("price"), col("size")}).
Expr call(std::string_view name, std::vector<Expr> arguments);
/// CASE WHEN … THEN … [ELSE …] END.
Expr case_when(const std::vector<std::pair<Expr, Expr>>& branches);
Expr case_when(const std::vector<std::pair<Expr, Expr>>& branches, const Expr& otherwise);
Order asc(const Expr& expression);
Order desc(const Expr& expression);

// Aggregates that everybody uses; all others by call().
Expr count();  ///< COUNT(*)
Expr count(const Expr& x);
Expr count_distinct(std::vector<Expr> columns);
Expr sum(const Expr& x);
Expr avg(const Expr& x);
Expr min(const Expr& x);
Expr max(const Expr& x);
Expr first_value(const Expr& x);
Expr last_value(const Expr& x);

// Columns that a window adds.
Expr window_start();
Expr window_end();
Expr window_time();

/// A window function over a table or a query's results.
class Window {
 public:
  /// SESSION's and the row windows' keys, which the GROUP BY above repeats (Query does so where they are not given).
  Window partition_by(std::vector<Expr> keys) const;
  Window offset(Duration offset) const;  ///< Of TUMBLE, HOP and CUMULATE; may be negative.

 private:
  friend class Query;
  friend Window tumble(std::string_view time_column, Duration size);
  friend Window hop(std::string_view time_column, Duration slide, Duration size);
  friend Window cumulate(std::string_view time_column, Duration step, Duration size);
  friend Window session(std::string_view time_column, Duration gap);
  friend Window tumble_rows(std::int64_t rows);
  friend Window hop_rows(std::int64_t slide, std::int64_t rows);
  Window() = default;

  std::string function_, time_column_;  // no time column: windows of rows
  std::vector<std::string> numbers_;
  std::vector<Expr> keys_;
};
Window tumble(std::string_view time_column, Duration size);
Window hop(std::string_view time_column, Duration slide, Duration size);
Window cumulate(std::string_view time_column, Duration step, Duration size);
Window session(std::string_view time_column, Duration gap);
Window tumble_rows(std::int64_t rows);
Window hop_rows(std::int64_t slide, std::int64_t rows);

/// FROM, WHERE, GROUP BY, HAVING and SELECT of one query. select() ends it: a step behind it makes another query over
/// its results, so that aggregates stand over aggregates and windows over windows.
class Query {
 public:
  explicit Query(std::string_view table);

  Query window(const Window& window) const;  ///< One in a query.
  Query where(const Expr& condition) const;  ///< On rows, before they are grouped. Several are joined by AND.
  /// Keys. Under a window its window_start and window_end are keys by themselves, and a session's own keys are.
  Query group_by(const std::vector<Expr>& keys) const;
  Query rollup(const std::vector<Expr>& keys) const;
  Query cube(const std::vector<Expr>& keys) const;
  Query grouping_sets(const std::vector<std::vector<Expr>>& sets) const;
  Query having(const Expr& condition) const;
  Query select(std::vector<Expr> columns) const;
  Query select_distinct(std::vector<Expr> columns) const;

  /// SELECT … without a semicolon; SELECT * where nothing was selected.
  std::string to_sql() const;

 private:
  Query() = default;
  Query open() const;  // itself, or, where it has been selected from, a query over it
  Query with_sets(std::string item) const;

  std::string from_, where_, having_;
  Window window_;
  std::vector<std::string> keys_, sets_;  // plain ones; ROLLUP and its like
  std::vector<Expr> columns_;
  bool grouped_ = false, selected_ = false, distinct_ = false;
};

/// CREATE TABLE.
class Table {
 public:
  explicit Table(std::string_view name);
  Table column(std::string_view name,
               std::string_view type) const;  ///< The type as SQL has it: "DECIMAL(10, 2) NOT NULL".
  Table computed(std::string_view name, const Expr& value) const;  ///< name AS value
  Table watermark(std::string_view column, Duration delay) const;  ///< WATERMARK FOR column AS column - delay
  Table watermark(std::string_view column, const Expr& value) const;
  Table primary_key(const std::vector<std::string>& columns) const;
  Table option(std::string_view key, std::string_view value) const;  ///< WITH ('key' = 'value')
  std::string to_sql() const;

 private:
  std::string name_;
  std::vector<std::string> parts_, options_;
};

/// A whole job: settings, tables and queries, in their order.
class Script {
 public:
  Script& set(std::string_view key, std::string_view value);
  Script& add(const Table& table);
  Script& add_view(std::string_view name, const Query& query);
  Script& add_sql(std::string_view statements);  ///< Whatever else SQL has.
  Script& insert_into(std::string_view table, const Query& query);

  const std::string& to_sql() const noexcept { return text_; }
  /// As plan_sql; the error's text is the rendered diagnostics. With JobOptions, plan_job(script.to_sql(), options)
  /// looks at connectors too, and make_job makes a job of it.
  Result<JobPlan> plan(const SqlOptions& options = {}) const;

 private:
  std::string text_;
};

}  // namespace weir::query
