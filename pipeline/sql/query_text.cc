// Queries in C++ to the text of SQL, see weir/pipeline/query.h. Operators are put in parentheses throughout, names in
// backticks, so that no text of a caller's changes what stands around it.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "printer.h"
#include "weir/pipeline/query.h"

namespace weir::query {
namespace {

using sql::quote_name;
using sql::quote_string;

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : std::string(between)) + part;
  return out;
}

std::vector<std::string> texts(const std::vector<Expr>& expressions) {
  std::vector<std::string> out;
  out.reserve(expressions.size());
  for (const Expr& expression : expressions) out.push_back(expression.sql());
  return out;
}

std::string list(const std::vector<Expr>& expressions) {
  return joined(texts(expressions), ", ");
}

std::string list(const std::vector<Order>& order) {
  std::string out;
  for (const Order& key : order) out += (out.empty() ? "" : ", ") + key.sql();
  return out;
}

/// INTERVAL of seconds and their fraction.
std::string interval(Duration duration) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const bool negative = duration.nanoseconds < 0;
  const std::int64_t seconds = duration.nanoseconds / kSecond;
  const std::int64_t rest = duration.nanoseconds % kSecond;
  std::string text = std::to_string(negative ? -seconds : seconds);
  std::string unit = " SECOND(" + std::to_string(text.size());
  if (rest != 0) {
    std::string digits = std::to_string(negative ? -rest : rest);
    digits.insert(0, 9 - digits.size(), '0');
    text += "." + digits;
    unit += ", 9";
  }
  return "INTERVAL '" + std::string(negative ? "-" : "") + text + "'" + unit + ")";
}

std::string integer(long long value) {  // NOLINT(google-runtime-int)
  if (value == std::numeric_limits<std::int64_t>::min()) return "(-9223372036854775807 - 1)";
  return value < 0 ? "(" + std::to_string(value) + ")" : std::to_string(value);
}

/// The shortest DOUBLE literal that reads as the value, or a cast where there is none.
std::string real(double value) {
  if (std::isnan(value)) return "CAST('NaN' AS DOUBLE)";
  if (std::isinf(value)) return std::string("CAST('") + (value < 0 ? "-" : "") + "Infinity' AS DOUBLE)";
  char text[40];
  const char* const end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const std::string digits(&text[0], static_cast<std::size_t>(end - &text[0]));
  return std::signbit(value) ? "(" + digits + ")" : digits;
}

}  // namespace

// ---- Expressions ------------------------------------------------------------------------------------------------

Order::Order(const Expr& expression) : Order(expression, false) {}
Order::Order(const Expr& expression, bool descending) : sql_(expression.sql() + (descending ? " DESC" : " ASC")) {}

Order Order::nulls_first() const {
  Order out = *this;
  out.sql_ += " NULLS FIRST";
  return out;
}

Order Order::nulls_last() const {
  Order out = *this;
  out.sql_ += " NULLS LAST";
  return out;
}

Expr::Expr(bool value) : text_(value ? "TRUE" : "FALSE"), is_whole_(true) {}
Expr::Expr(int value) : text_(integer(value)), is_whole_(true) {}
Expr::Expr(long value) : text_(integer(value)), is_whole_(true) {}
Expr::Expr(long long value) : text_(integer(value)), is_whole_(true) {}
Expr::Expr(double value) : text_(real(value)), is_whole_(true) {}
Expr::Expr(Duration value) : text_(interval(value)), is_whole_(true) {}

Expr Expr::whole(std::string sql) {
  Expr out = from_sql(std::move(sql));
  out.is_whole_ = true;
  return out;
}

Expr Expr::from_sql(std::string sql) {
  Expr out;
  out.text_ = std::move(sql);
  return out;
}

Expr Expr::call(std::string_view name, std::vector<Expr> arguments) {
  Expr out;
  out.is_call_ = out.is_whole_ = true;
  out.text_ = name;
  out.arguments_ = texts(arguments);
  return out;
}

Expr Expr::as(std::string_view name) const {
  Expr out = *this;
  out.name_ = name;
  return out;
}

Expr Expr::cast(std::string_view type) const {
  return whole("CAST(" + sql() + " AS " + std::string(type) + ")");
}

Expr Expr::try_cast(std::string_view type) const {
  return whole("TRY_CAST(" + sql() + " AS " + std::string(type) + ")");
}

Expr Expr::is_null() const {
  return whole("(" + operand() + " IS NULL)");
}

Expr Expr::is_not_null() const {
  return whole("(" + operand() + " IS NOT NULL)");
}

Expr Expr::in(const std::vector<Expr>& values) const {
  return whole("(" + operand() + " IN (" + list(values) + "))");
}

Expr Expr::between(const Expr& low, const Expr& high) const {
  return whole("(" + operand() + " BETWEEN " + low.operand() + " AND " + high.operand() + ")");
}

Expr Expr::like(std::string_view pattern) const {
  return whole("(" + operand() + " LIKE " + quote_string(pattern) + ")");
}

Expr Expr::distinct() const {
  Expr out = *this;
  out.distinct_ = true;
  return out;
}

Expr Expr::filter(const Expr& condition) const {
  Expr out = *this;
  out.filter_ = condition.sql();
  return out;
}

Expr Expr::order_by(std::vector<Order> order) const {
  Expr out = *this;
  out.order_ = list(order);
  return out;
}

Expr Expr::within_group(std::vector<Order> order) const {
  Expr out = *this;
  out.group_order_ = list(order);
  return out;
}

std::string Expr::sql() const {
  std::string out = text_;
  if (is_call_) out += "(" + std::string(distinct_ ? "DISTINCT " : "") + joined(arguments_, ", ");
  if (!order_.empty()) out += " ORDER BY " + order_;
  if (is_call_) out += ")";
  if (!group_order_.empty()) out += " WITHIN GROUP (ORDER BY " + group_order_ + ")";
  if (!filter_.empty()) out += " FILTER (WHERE " + filter_ + ")";
  return out;
}

std::string Expr::operand() const {
  return is_whole_ ? sql() : "(" + sql() + ")";
}

Expr Expr::binary(std::string_view sign, const Expr& right) const {
  return whole("(" + operand() + " " + std::string(sign) + " " + right.operand() + ")");
}

Expr col(std::string_view name) {
  return Expr::whole(quote_name(name));
}

Expr lit(std::string_view text) {
  return Expr::whole(quote_string(text));
}

Expr null() {
  return Expr::from_sql("NULL");
}

Expr call(std::string_view name, std::vector<Expr> arguments) {
  return Expr::call(name, std::move(arguments));
}

Expr case_when(const std::vector<std::pair<Expr, Expr>>& branches) {
  return case_when(branches, null());
}

Expr case_when(const std::vector<std::pair<Expr, Expr>>& branches, const Expr& otherwise) {
  std::string out = "(CASE";
  for (const auto& [when, then] : branches) out += " WHEN " + when.sql() + " THEN " + then.sql();
  return Expr::from_sql(out + " ELSE " + otherwise.sql() + " END)");
}

Order asc(const Expr& expression) {
  return {expression, false};
}

Order desc(const Expr& expression) {
  return {expression, true};
}

Expr count() {
  return Expr::call("COUNT", {Expr::from_sql("*")});
}
Expr count(const Expr& x) {
  return Expr::call("COUNT", {x});
}
Expr count_distinct(std::vector<Expr> columns) {
  return Expr::call("COUNT", std::move(columns)).distinct();
}
Expr sum(const Expr& x) {
  return Expr::call("SUM", {x});
}
Expr avg(const Expr& x) {
  return Expr::call("AVG", {x});
}
Expr min(const Expr& x) {
  return Expr::call("MIN", {x});
}
Expr max(const Expr& x) {
  return Expr::call("MAX", {x});
}
Expr first_value(const Expr& x) {
  return Expr::call("FIRST_VALUE", {x});
}
Expr last_value(const Expr& x) {
  return Expr::call("LAST_VALUE", {x});
}
Expr window_start() {
  return col("window_start");
}
Expr window_end() {
  return col("window_end");
}
Expr window_time() {
  return col("window_time");
}

// ---- Windows ----------------------------------------------------------------------------------------------------

Window Window::partition_by(std::vector<Expr> keys) const {
  Window out = *this;
  out.keys_ = std::move(keys);
  return out;
}

Window Window::offset(Duration offset) const {
  Window out = *this;
  out.numbers_.push_back(interval(offset));
  return out;
}

Window tumble(std::string_view time_column, Duration size) {
  Window out;
  out.function_ = "TUMBLE";
  out.time_column_ = time_column;
  out.numbers_ = {interval(size)};
  return out;
}

Window hop(std::string_view time_column, Duration slide, Duration size) {
  Window out;
  out.function_ = "HOP";
  out.time_column_ = time_column;
  out.numbers_ = {interval(slide), interval(size)};
  return out;
}

Window cumulate(std::string_view time_column, Duration step, Duration size) {
  Window out = hop(time_column, step, size);
  out.function_ = "CUMULATE";
  return out;
}

Window session(std::string_view time_column, Duration gap) {
  Window out = tumble(time_column, gap);
  out.function_ = "SESSION";
  return out;
}

Window tumble_rows(std::int64_t rows) {
  Window out;
  out.function_ = "TUMBLE_ROWS";
  out.numbers_ = {std::to_string(rows)};
  return out;
}

Window hop_rows(std::int64_t slide, std::int64_t rows) {
  Window out;
  out.function_ = "HOP_ROWS";
  out.numbers_ = {std::to_string(slide), std::to_string(rows)};
  return out;
}

// ---- Queries ----------------------------------------------------------------------------------------------------

Query::Query(std::string_view table) : from_(quote_name(table)) {}

Query Query::open() const {
  if (!selected_) return *this;
  Query out;
  out.from_ = "(" + to_sql() + ")";
  return out;
}

Query Query::window(const Window& window) const {
  // A window over a window: the first one's rows go through a query of their own.
  Query out = window_.function_.empty() ? open() : select({}).open();
  out.window_ = window;
  return out;
}

Query Query::where(const Expr& condition) const {
  Query out = open();
  out.where_ = out.where_.empty() ? condition.sql() : "(" + out.where_ + ") AND (" + condition.sql() + ")";
  return out;
}

Query Query::group_by(const std::vector<Expr>& keys) const {
  Query out = open();
  out.grouped_ = true;
  for (const Expr& key : keys) out.keys_.push_back(key.sql());
  return out;
}

Query Query::with_sets(std::string item) const {
  Query out = open();
  out.grouped_ = true;
  out.sets_.push_back(std::move(item));
  return out;
}

Query Query::rollup(const std::vector<Expr>& keys) const {
  return with_sets("ROLLUP (" + list(keys) + ")");
}

Query Query::cube(const std::vector<Expr>& keys) const {
  return with_sets("CUBE (" + list(keys) + ")");
}

Query Query::grouping_sets(const std::vector<std::vector<Expr>>& sets) const {
  std::string out;
  for (const std::vector<Expr>& set : sets) out += (out.empty() ? "(" : ", (") + list(set) + ")";
  return with_sets("GROUPING SETS (" + out + ")");
}

Query Query::having(const Expr& condition) const {
  Query out = open();
  out.having_ = out.having_.empty() ? condition.sql() : "(" + out.having_ + ") AND (" + condition.sql() + ")";
  return out;
}

Query Query::select(std::vector<Expr> columns) const {
  Query out = open();
  out.columns_ = std::move(columns);
  out.selected_ = true;
  return out;
}

Query Query::select_distinct(std::vector<Expr> columns) const {
  Query out = select(std::move(columns));
  out.distinct_ = true;
  return out;
}

std::string Query::to_sql() const {
  std::string out = distinct_ ? "SELECT DISTINCT " : "SELECT ";
  if (columns_.empty()) out += "*";
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    out += (i == 0 ? "" : ", ") + columns_[i].sql();
    if (!columns_[i].name().empty()) out += " AS " + quote_name(columns_[i].name());
  }
  const bool windowed = !window_.function_.empty();
  out += "\nFROM ";
  if (windowed) {
    out += "TABLE(" + window_.function_ + "(" + (from_[0] == '(' ? "" : "TABLE ") + from_;
    if (!window_.keys_.empty()) out += " PARTITION BY (" + list(window_.keys_) + ")";
    if (!window_.time_column_.empty()) out += ", DESCRIPTOR(" + quote_name(window_.time_column_) + ")";
    for (const std::string& number : window_.numbers_) out += ", " + number;
    out += "))";
  } else {
    out += from_;
  }
  if (!where_.empty()) out += "\nWHERE " + where_;
  if (grouped_) {
    std::vector<std::string> keys = keys_;
    const auto add = [&keys](std::string key) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
    };
    for (const Expr& key : window_.keys_) {
      if (sets_.empty()) add(key.sql());
    }
    if (windowed) add(window_start().sql());
    if (windowed) add(window_end().sql());
    keys.insert(keys.end(), sets_.begin(), sets_.end());
    if (!keys.empty()) out += "\nGROUP BY " + joined(keys, ", ");
  }
  if (!having_.empty()) out += "\nHAVING " + having_;
  return out;
}

// ---- Tables and scripts -----------------------------------------------------------------------------------------

Table::Table(std::string_view name) : name_(name) {}

Table Table::column(std::string_view name, std::string_view type) const {
  Table out = *this;
  out.parts_.push_back(quote_name(name) + " " + std::string(type));
  return out;
}

Table Table::computed(std::string_view name, const Expr& value) const {
  Table out = *this;
  out.parts_.push_back(quote_name(name) + " AS " + value.sql());
  return out;
}

Table Table::watermark(std::string_view column, Duration delay) const {
  return watermark(column, delay.nanoseconds == 0 ? col(column) : col(column) - delay);
}

Table Table::watermark(std::string_view column, const Expr& value) const {
  Table out = *this;
  out.parts_.push_back("WATERMARK FOR " + quote_name(column) + " AS " + value.sql());
  return out;
}

Table Table::primary_key(const std::vector<std::string>& columns) const {
  Table out = *this;
  std::string names;
  for (const std::string& column : columns) names += (names.empty() ? "" : ", ") + quote_name(column);
  out.parts_.push_back("PRIMARY KEY (" + names + ") NOT ENFORCED");
  return out;
}

Table Table::option(std::string_view key, std::string_view value) const {
  Table out = *this;
  out.options_.push_back(quote_string(key) + " = " + quote_string(value));
  return out;
}

std::string Table::to_sql() const {
  std::string out = "CREATE TABLE " + quote_name(name_) + " (\n  " + joined(parts_, ",\n  ") + "\n)";
  if (!options_.empty()) out += " WITH (" + joined(options_, ", ") + ")";
  return out;
}

Script& Script::set(std::string_view key, std::string_view value) {
  text_ += "SET " + quote_string(key) + " = " + quote_string(value) + ";\n";
  return *this;
}

Script& Script::add(const Table& table) {
  text_ += table.to_sql() + ";\n";
  return *this;
}

Script& Script::add_view(std::string_view name, const Query& query) {
  text_ += "CREATE VIEW " + quote_name(name) + " AS " + query.to_sql() + ";\n";
  return *this;
}

Script& Script::add_sql(std::string_view statements) {
  text_ += statements;
  text_ += ";\n";  // an empty statement is none
  return *this;
}

Script& Script::insert_into(std::string_view table, const Query& query) {
  text_ += "INSERT INTO " + quote_name(table) + " " + query.to_sql() + ";\n";
  return *this;
}

Result<JobPlan> Script::plan(const SqlOptions& options) const {
  std::vector<Diagnostic> diagnostics;
  auto plan = plan_sql(text_, options, &diagnostics);
  if (plan.has_value() || diagnostics.empty()) return plan;
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) text += render(diagnostic, text_, "script");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return Error(plan.error().code(), std::move(text));
}

}  // namespace weir::query
