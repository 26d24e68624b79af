// SQLite as an oracle where its semantics are Weir's: NULL logic, integers, LIKE, and strings of ASCII.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <random>

#include "expression_fixture.h"

namespace weir {
namespace {

class Sqlite {
 public:
  Sqlite() {
    WEIR_CHECK(sqlite3_open(":memory:", &database_) == SQLITE_OK);
    sqlite3_exec(database_, "PRAGMA case_sensitive_like=ON", nullptr, nullptr, nullptr);
  }
  ~Sqlite() { sqlite3_close(database_); }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  /// The one value of SELECT <text>, as Weir would print it: booleans as 0 and 1.
  std::string value(const std::string& text) {
    sqlite3_stmt* statement = nullptr;
    const std::string query = "SELECT " + text;
    if (sqlite3_prepare_v2(database_, query.c_str(), -1, &statement, nullptr) != SQLITE_OK) return "error " + query;
    std::string out = "error";
    if (sqlite3_step(statement) == SQLITE_ROW) {
      const int type = sqlite3_column_type(statement, 0);
      const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
      out = type == SQLITE_NULL ? "NULL" : type == SQLITE_TEXT ? "'" + std::string(bytes) + "'" : std::string(bytes);
    }
    sqlite3_finalize(statement);
    return out;
  }

 private:
  sqlite3* database_ = nullptr;
};

std::string weir_value(std::string_view name, std::vector<ExpressionPtr> arguments) {
  std::string text = call(name, std::move(arguments));
  return text == "TRUE" ? "1" : text == "FALSE" ? "0" : text;
}

struct Argument {
  ExpressionPtr expression;
  std::string sql;
};

class ExpressionSqlite : public ::testing::Test {
 protected:
  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }

  Argument integer(int low, int high, bool nullable = true) {
    if (nullable && below(8) == 0) return {null_literal(Type::bigint()), "NULL"};
    const int value = low + below(high - low + 1);
    return {bigint_literal(value), "(" + std::to_string(value) + ")"};
  }
  Argument small(int low, int high) {
    const int value = low + below(high - low + 1);
    return {int_literal(value), "(" + std::to_string(value) + ")"};
  }
  Argument text(std::string_view alphabet, int length_max) {
    if (below(12) == 0) return {null_literal(Type::string()), "NULL"};
    std::string value;
    for (int i = below(length_max + 1); i > 0; --i)
      value.push_back(alphabet[static_cast<std::size_t>(below(static_cast<int>(alphabet.size())))]);
    return {text_literal(value), "'" + value + "'"};
  }

  void same(const std::string& actual, const std::string& sql) { EXPECT_EQ(actual, sqlite_.value(sql)) << sql; }

  Sqlite sqlite_;
  std::mt19937_64 random_{7};
};

TEST_F(ExpressionSqlite, Integers_and_null_logic_agree) {
  for (int i = 0; i < 3000; ++i) {
    const Argument a = integer(-9, 9), b = integer(-9, 9), c = integer(-9, 9);
    for (const std::string op : {"+", "-", "*", "=", "<>", "<", "<=", ">", ">="})
      same(weir_value(op, {a.expression, b.expression}), a.sql + op + b.sql);
    if (b.sql != "(0)") {
      same(weir_value("/", {a.expression, b.expression}), a.sql + "/" + b.sql);
      same(weir_value("%", {a.expression, b.expression}), a.sql + "%" + b.sql);
    }
    const std::string two = a.sql + "," + b.sql;
    same(weir_value("COALESCE", {a.expression, b.expression, c.expression}), "coalesce(" + two + "," + c.sql + ")");
    same(weir_value("NULLIF", {a.expression, b.expression}), "nullif(" + two + ")");
    same(weir_value("IN", {a.expression, b.expression, c.expression}), a.sql + " IN (" + b.sql + "," + c.sql + ")");
    same(weir_value("NOT IN", {a.expression, b.expression, c.expression}),
         a.sql + " NOT IN (" + b.sql + "," + c.sql + ")");
    same(weir_value("BETWEEN", {a.expression, b.expression, c.expression}),
         a.sql + " BETWEEN " + b.sql + " AND " + c.sql);
    same(weir_value("NOT BETWEEN", {a.expression, b.expression, c.expression}),
         a.sql + " NOT BETWEEN " + b.sql + " AND " + c.sql);
    same(weir_value("IS DISTINCT FROM", {a.expression, b.expression}), a.sql + " IS NOT " + b.sql);
    same(weir_value("GREATEST", {a.expression, b.expression, c.expression}), "max(" + two + "," + c.sql + ")");
    same(weir_value("ABS", {a.expression}), "abs(" + a.sql + ")");
    same(weir_value("SIGN", {a.expression}), "sign(" + a.sql + ")");
  }
}

TEST_F(ExpressionSqlite, Like_agrees_on_random_patterns) {
  for (int i = 0; i < 20000; ++i) {
    const Argument subject = text("ab%_", 8), pattern = text("ab%_", 6);
    same(weir_value("LIKE", {subject.expression, pattern.expression}), subject.sql + " LIKE " + pattern.sql);
    // An escape before each special character only: what else follows it is an error here and a plain letter there.
    std::string escaped;
    if (pattern.sql == "NULL") continue;
    for (const char c : pattern.sql.substr(1, pattern.sql.size() - 2)) {
      if ((c == '%' || c == '_') && below(2) == 0) escaped.push_back('!');
      escaped.push_back(c);
    }
    same(weir_value("LIKE", {subject.expression, text_literal(escaped), text_literal("!")}),
         subject.sql + " LIKE '" + escaped + "' ESCAPE '!'");
  }
}

TEST_F(ExpressionSqlite, Strings_agree) {
  for (int i = 0; i < 5000; ++i) {
    const Argument a = text("abAB ", 20), b = text("abAB", 2), c = text("xyz", 3);
    const Argument start = small(1, 22), length = small(0, 22);
    same(weir_value("UPPER", {a.expression}), "upper(" + a.sql + ")");
    same(weir_value("LOWER", {a.expression}), "lower(" + a.sql + ")");
    same(weir_value("CHAR_LENGTH", {a.expression}), "length(" + a.sql + ")");
    same(weir_value("||", {a.expression, c.expression}), a.sql + "||" + c.sql);
    same(weir_value("SUBSTRING", {a.expression, start.expression}), "substr(" + a.sql + "," + start.sql + ")");
    same(weir_value("SUBSTRING", {a.expression, start.expression, length.expression}),
         "substr(" + a.sql + "," + start.sql + "," + length.sql + ")");
    same(weir_value("TRIM", {a.expression}), "trim(" + a.sql + ")");
    same(weir_value("LTRIM", {a.expression, text_literal("a ")}), "ltrim(" + a.sql + ",'a ')");
    same(weir_value("RTRIM", {a.expression, text_literal("Ab")}), "rtrim(" + a.sql + ",'Ab')");
    if (b.sql == "''") continue;  // nothing replaced or found: the two differ on the empty string
    same(weir_value("REPLACE", {a.expression, b.expression, c.expression}),
         "replace(" + a.sql + "," + b.sql + "," + c.sql + ")");
    same(weir_value("INSTR", {a.expression, b.expression}), "instr(" + a.sql + "," + b.sql + ")");
    same(weir_value("<", {a.expression, b.expression}), a.sql + "<" + b.sql);
  }
}

TEST_F(ExpressionSqlite, Civil_time_agrees_over_four_centuries) {
  for (int i = 0; i < 3000; ++i) {
    // Seconds from 1680 to 2260.
    const std::int64_t second = static_cast<std::int64_t>(random_() % 18'300'000'000ULL) - 9'151'000'000;
    const ExpressionPtr ts = make_literal(Value{second * 1'000'000'000}, Type::timestamp(0));
    const std::string sql = "(" + std::to_string(second) + ", 'unixepoch')";
    const auto part = [&](const char* format) {
      return "cast(strftime('" + std::string(format) + "', " + sql.substr(1) + " as integer)";
    };
    same(weir_value("YEAR", {ts}), part("%Y"));
    same(weir_value("MONTH", {ts}), part("%m"));
    same(weir_value("DAYOFMONTH", {ts}), part("%d"));
    same(weir_value("HOUR", {ts}), part("%H"));
    same(weir_value("MINUTE", {ts}), part("%M"));
    same(weir_value("SECOND", {ts}), part("%S"));
    same(weir_value("DAYOFYEAR", {ts}), part("%j"));
    same(weir_value("DAYOFWEEK", {ts}), part("%w") + "+1");
    same(show(make_cast(ts, Type::string())), "datetime" + sql);
  }
}

}  // namespace
}  // namespace weir
