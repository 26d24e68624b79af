// ExpressionProgram over batches: selections, errors of excluded rows, limits, the clock, zones, and a random
// differential against a row-at-a-time evaluator.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "expression_fixture.h"

namespace weir {
namespace {

constexpr std::size_t kStringBytes = 1u << 20;

ExpressionProgram compiled(std::vector<ExpressionPtr> expressions, std::uint32_t capacity = 1024,
                           std::string_view zone = "UTC", std::size_t string_bytes = kStringBytes) {
  auto program = ExpressionProgram::compile(std::move(expressions), capacity, string_bytes, zone);
  WEIR_CHECK(program.has_value());
  return std::move(*program);
}

ExpressionPtr column(std::uint32_t index, const Type& type) {
  return make_column(index, type);
}

TEST(ExpressionProgram, Rows_that_are_not_selected_cannot_fail) {
  TestBatch rows({Type::integer()}, {{integer_value(1)}, {integer_value(0)}, {integer_value(2)}});
  auto program = compiled({must(make_call("/", {int_literal(10), column(0, Type::integer())}))});
  const EvaluationContext context;
  const auto failed = program.evaluate(rows.batch(), context);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code(), ErrorCode::kDivisionByZero);
  EXPECT_EQ(failed.error().position().line, 1u);
  const std::uint32_t selected[] = {0, 2};
  rows.batch().set_selection(selected, 2);
  ASSERT_TRUE(program.evaluate(rows.batch(), context).has_value());
  EXPECT_EQ(program.results()[0].values<std::int32_t>()[2], 5);
}

TEST(ExpressionProgram, A_null_row_cannot_fail) {
  TestBatch rows({Type::integer()}, {{null_value()}, {integer_value(5)}});
  auto program = compiled({must(make_call("+", {column(0, Type::integer()), int_literal(0x5a5a5a5a)})),
                           must(make_call("%", {int_literal(7), column(0, Type::integer())}))});
  ASSERT_TRUE(program.evaluate(rows.batch(), {}).has_value());
  EXPECT_FALSE(program.results()[0].is_valid(0));
  EXPECT_TRUE(program.results()[0].is_valid(1));
}

TEST(ExpressionProgram, And_case_coalesce_and_if_ask_later_arguments_only_where_they_decide) {
  TestBatch rows({Type::integer()}, {{integer_value(0)}, {integer_value(5)}, {null_value()}});
  const auto x = column(0, Type::integer());
  const auto quotient = must(make_call("/", {int_literal(10), x}));
  const auto not_zero = must(make_call("<>", {x, int_literal(0)}));
  const auto large = must(make_call(">", {quotient, int_literal(1)}));
  const auto is_zero = must(make_call("=", {x, int_literal(0)}));
  auto program = compiled({
      must(make_call("AND", {not_zero, large})),
      must(make_call("OR", {is_zero, large})),
      must(make_case({is_zero, int_literal(-1), quotient})),
      must(make_call("IF", {not_zero, quotient, int_literal(-2)})),
      must(make_call("COALESCE", {must(make_call("NULLIF", {x, int_literal(5)})), quotient})),
  });
  const auto result = program.evaluate(rows.batch(), {});
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  const auto text = [&](std::size_t i, std::uint32_t row, const Type& type) {
    return show(value_at(program.results()[i], type, row), type);
  };
  const char* expected[5][3] = {
      {"FALSE", "TRUE", "NULL"}, {"TRUE", "TRUE", "NULL"}, {"-1", "2", "NULL"}, {"-2", "2", "-2"}, {"0", "2", "NULL"}};
  for (std::size_t i = 0; i < 5; ++i)
    for (std::uint32_t row = 0; row < 3; ++row)
      EXPECT_EQ(text(i, row, i < 2 ? Type::boolean() : Type::integer()), expected[i][row]) << i << " " << row;
}

TEST(ExpressionProgram, A_filter_of_and_guards_its_later_terms) {
  TestBatch rows({Type::integer()}, {{integer_value(0)}, {integer_value(5)}, {integer_value(20)}});
  const auto x = column(0, Type::integer());
  auto program = compiled(
      {must(make_call("AND", {must(make_call("<>", {x, int_literal(0)})),
                              must(make_call("=", {must(make_call("/", {int_literal(10), x})), int_literal(2)}))}))});
  std::uint32_t selection[3];
  const auto count = program.evaluate_filter(rows.batch(), {}, selection);
  ASSERT_TRUE(count.has_value());
  ASSERT_EQ(*count, 1u);
  EXPECT_EQ(selection[0], 1u);
}

TEST(ExpressionProgram, Constant_filters_take_all_or_nothing) {
  TestBatch rows({Type::integer()}, {{integer_value(0)}, {integer_value(5)}});
  std::uint32_t selection[2];
  auto all = compiled({bool_literal(true)});
  EXPECT_EQ(*all.evaluate_filter(rows.batch(), {}, selection), 2u);
  EXPECT_EQ(selection[1], 1u);
  auto none = compiled({null_literal(Type::boolean())});
  EXPECT_EQ(*none.evaluate_filter(rows.batch(), {}, selection), 0u);
}

TEST(ExpressionProgram, Literals_and_columns_are_results_too) {
  TestBatch rows({Type::string()}, {{text_value("short")}, {text_value("a text longer than twelve bytes")}});
  auto program = compiled(
      {text_literal("a literal of more than twelve"), null_literal(Type::bigint()), column(0, Type::string())});
  ASSERT_TRUE(program.evaluate(rows.batch(), {}).has_value());
  EXPECT_EQ(program.results()[0].values<StringRef>()[1].view(), "a literal of more than twelve");
  EXPECT_FALSE(program.results()[1].is_valid(1));
  EXPECT_EQ(program.results()[2].data, rows.batch().column(0).data);
}

TEST(ExpressionProgram, String_results_that_do_not_fit_name_the_limit) {
  TestBatch rows({Type::string()}, {{text_value("abcdefghijklmnop")}, {text_value("abcdefghijklmnop")}});
  auto program = compiled({must(make_call("UPPER", {column(0, Type::string())}))}, 1024, "UTC", 24);
  const auto result = program.evaluate(rows.batch(), {});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::kLimitExceeded);
  EXPECT_NE(result.error().message().find("expression_string_bytes_max = 24"), std::string_view::npos);
  EXPECT_EQ(result.error().position().line, 1u);
}

TEST(ExpressionProgram, The_clock_and_the_watermark_come_from_the_context) {
  TestBatch rows({Type::timestamp(3)}, {{integer_value(5'000'000)}, {integer_value(7'000'000)}});
  const auto ts = column(0, Type::timestamp(3));
  const auto watermark = must(make_call("CURRENT_WATERMARK", {ts}));
  auto program =
      compiled({must(make_call("PROCTIME", {})), watermark,
                must(make_call("OR", {must(make_call("IS NULL", {watermark})), must(make_call(">", {ts, watermark}))})),
                must(make_call("CURRENT_DATE", {}))});
  ManualClock clock(86'400'000'000'000 + 1'234'567);
  EvaluationContext context;
  context.clock = &clock;
  ASSERT_TRUE(program.evaluate(rows.batch(), context).has_value());
  EXPECT_EQ(program.results()[0].values<std::int64_t>()[1], 86'400'001'000'000);
  EXPECT_FALSE(program.results()[1].is_valid(0));
  EXPECT_EQ(program.results()[2].values<std::int8_t>()[0], 1);
  EXPECT_EQ(program.results()[3].values<std::int32_t>()[1], 1);
  context.watermark = 5'000'000;
  ASSERT_TRUE(program.evaluate(rows.batch(), context).has_value());
  EXPECT_EQ(program.results()[1].values<std::int64_t>()[1], 5'000'000);
  EXPECT_EQ(program.results()[2].values<std::int8_t>()[0], 0);
  EXPECT_EQ(program.results()[2].values<std::int8_t>()[1], 1);
}

TEST(ExpressionProgram, Zones_move_instants_to_wall_clock_across_clock_changes) {
  const auto instant = column(0, Type::timestamp_ltz(3));
  const auto wall = column(1, Type::timestamp(3));
  const auto at = [](const char* text) {
    return evaluate_constant(*must(make_cast(text_literal(text), Type::timestamp(3)))).value_or(Value{});
  };
  TestBatch rows({Type::timestamp_ltz(3), Type::timestamp(3)},
                 {{at("2021-03-28 00:59:59.999"), at("2021-03-28 02:30:00")},  // spring: 02:30 does not exist
                  {at("2021-03-28 01:00:00"), at("2021-10-31 02:30:00")},      // autumn: 02:30 exists twice
                  {at("2021-10-31 00:30:00"), at("2021-07-01 12:00:00")},
                  {at("2021-10-31 01:30:00"), at("1969-12-31 23:30:00")}});
  auto program = compiled(
      {must(make_cast(instant, Type::string())),
       must(make_cast(must(make_cast(wall, Type::timestamp_ltz(3))), Type::string())),
       must(make_call("HOUR", {instant})),
       must(make_call("=", {wall, must(make_cast(text_literal("2021-07-01 10:00:00Z"), Type::timestamp_ltz(3)))}))},
      1024, "Europe/Berlin");
  const auto result = program.evaluate(rows.batch(), {});
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  const char* instants[] = {"2021-03-28 01:59:59.999", "2021-03-28 03:00:00.000", "2021-10-31 02:30:00.000",
                            "2021-10-31 02:30:00.000"};
  const char* walls[] = {"2021-03-28 03:30:00.000", "2021-10-31 02:30:00.000", "2021-07-01 12:00:00.000",
                         "1969-12-31 23:30:00.000"};
  const std::int64_t hours[] = {1, 3, 2, 2};
  for (std::uint32_t row = 0; row < 4; ++row) {
    EXPECT_EQ(program.results()[0].values<StringRef>()[row].view(), instants[row]);
    EXPECT_EQ(program.results()[1].values<StringRef>()[row].view(), walls[row]);
    EXPECT_EQ(program.results()[2].values<std::int64_t>()[row], hours[row]);
    EXPECT_EQ(program.results()[3].values<std::int8_t>()[row], row == 2 ? 1 : 0);
  }
  EXPECT_EQ(ExpressionProgram::compile({instant}, 16, 0, "Europe/Nowhere").error().code(), ErrorCode::kInvalidArgument);
}

TEST(ExpressionProgram, Columns_can_be_renumbered) {
  const auto sum = must(make_call("+", {column(3, Type::integer()), column(1, Type::integer())}));
  std::vector<std::uint32_t> columns;
  collect_columns(*sum, columns);
  EXPECT_EQ(columns, (std::vector<std::uint32_t>{1, 3}));
  const int map[] = {-1, 0, -1, 1};
  columns.clear();
  collect_columns(*remap_columns(sum, map), columns);
  EXPECT_EQ(columns, (std::vector<std::uint32_t>{0, 1}));
}

TEST(ExpressionProgram, A_long_in_list_is_a_set) {
  std::vector<ExpressionPtr> numbers{column(0, Type::integer())}, words{column(1, Type::string())};
  Rows rows;
  for (int i = 0; i < 200; ++i) {
    if (i % 3 == 0) numbers.push_back(int_literal(i));
    if (i % 5 == 0) words.push_back(text_literal("a rather long word " + std::to_string(i)));
    rows.push_back({integer_value(i), text_value("a rather long word " + std::to_string(i))});
  }
  TestBatch batch({Type::integer(), Type::string()}, rows);
  auto program = compiled({must(make_call("IN", numbers)), must(make_call("NOT IN", words))});
  ASSERT_TRUE(program.evaluate(batch.batch(), {}).has_value());
  for (std::uint32_t i = 0; i < 200; ++i) {
    EXPECT_EQ(program.results()[0].values<std::int8_t>()[i], i % 3 == 0 ? 1 : 0);
    EXPECT_EQ(program.results()[1].values<std::int8_t>()[i], i % 5 == 0 ? 0 : 1);
  }
}

// ---- Differential.

// What one row gives: a value, or an error.
struct Answer {
  Value value;
  bool failed = false;
};

std::int64_t as_integer(const Value& value) {
  return std::get<std::int64_t>(value.data);
}

// Evaluates a tree for one row as SQL defines it, by recursion and without any of the program's machinery.
class RowEvaluator {
 public:
  explicit RowEvaluator(const std::vector<Value>& row) : row_(row) {}

  Answer evaluate(const Expression& e) const {
    switch (e.kind) {
      case Expression::Kind::kColumn:
        return {row_[e.column]};
      case Expression::Kind::kLiteral:
        return {e.literal};
      case Expression::Kind::kAnd:
        return logical(e, 0);
      case Expression::Kind::kOr:
        return logical(e, 1);
      case Expression::Kind::kCase:
        return conditional(e);
      case Expression::Kind::kCoalesce:
        for (const auto& argument : e.arguments) {
          Answer answer = evaluate(*argument);
          if (answer.failed || !answer.value.is_null()) return answer;
        }
        return {};
      case Expression::Kind::kCast:
        return cast(e);
      case Expression::Kind::kCall:
        return call(e);
    }
    return {};
  }

 private:
  static Answer failure() { return {Value{}, true}; }

  Answer logical(const Expression& e, std::int64_t deciding) const {
    bool unknown = false;
    for (const auto& argument : e.arguments) {
      const Answer answer = evaluate(*argument);
      if (answer.failed) return answer;
      if (answer.value.is_null())
        unknown = true;
      else if (as_integer(answer.value) == deciding)
        return answer;
    }
    return unknown ? Answer{} : Answer{integer_value(1 - deciding)};
  }

  Answer conditional(const Expression& e) const {
    for (std::size_t i = 0; i + 1 < e.arguments.size(); i += 2) {
      const Answer condition = evaluate(*e.arguments[i]);
      if (condition.failed) return condition;
      if (!condition.value.is_null() && as_integer(condition.value) == 1) return evaluate(*e.arguments[i + 1]);
    }
    return evaluate(*e.arguments.back());
  }

  Answer cast(const Expression& e) const {
    const Answer in = evaluate(*e.arguments[0]);
    if (in.failed || in.value.is_null()) return in;
    if (e.type.is_float()) {
      if (std::holds_alternative<double>(in.value.data)) return in;
      return {double_value(static_cast<double>(as_integer(in.value)))};
    }
    if (e.type.is_integer() && std::holds_alternative<double>(in.value.data)) {
      const double cut = std::trunc(std::get<double>(in.value.data));
      const double bound = e.type.id == TypeId::kInt ? 0x1p31 : 0x1p63;
      if (!(cut >= -bound && cut < bound)) return e.try_cast ? Answer{} : failure();
      return {integer_value(static_cast<std::int64_t>(cut))};
    }
    if (e.type.is_integer()) {
      const std::int64_t value = as_integer(in.value);
      if (e.type.id == TypeId::kInt && value != static_cast<std::int32_t>(value))
        return e.try_cast ? Answer{} : failure();
      return in;
    }
    ADD_FAILURE() << "the row evaluator has no cast to " << e.type.to_string();
    return {};
  }

  Answer call(const Expression& e) const {
    std::vector<Value> values;
    for (const auto& argument : e.arguments) {
      Answer answer = evaluate(*argument);
      if (answer.failed) return answer;
      values.push_back(std::move(answer.value));
    }
    const std::string name = e.to_string({});
    const auto is = [&](std::string_view text) { return function_name(e) == text; };
    if (is("IS NULL")) return {integer_value(values[0].is_null())};
    if (is("IS NOT NULL")) return {integer_value(!values[0].is_null())};
    if (is("IS TRUE")) return {integer_value(!values[0].is_null() && as_integer(values[0]) == 1)};
    if (is("IS NOT TRUE")) return {integer_value(values[0].is_null() || as_integer(values[0]) == 0)};
    if (is("IS FALSE")) return {integer_value(!values[0].is_null() && as_integer(values[0]) == 0)};
    for (const Value& value : values)
      if (value.is_null()) return {};
    if (is("NOT")) return {integer_value(1 - as_integer(values[0]))};
    if (is("IN")) {
      for (std::size_t i = 1; i < values.size(); ++i)
        if (values[0].data == values[i].data) return {integer_value(1)};
      return {integer_value(0)};
    }
    if (is("UPPER")) {
      std::string text = std::get<std::string>(values[0].data);
      for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
      return {text_value(text)};
    }
    if (is("||")) return {text_value(std::get<std::string>(values[0].data) + std::get<std::string>(values[1].data))};
    if (is("CHAR_LENGTH"))
      return {integer_value(static_cast<std::int64_t>(std::get<std::string>(values[0].data).size()))};
    if (values.size() == 1) return negative(e, values[0]);
    for (const std::string_view comparison : {"=", "<>", "<", "<=", ">", ">="})
      if (is(comparison)) return {integer_value(compare(comparison, values[0], values[1]))};
    return arithmetic(e, values[0], values[1]);
  }

  // The function's name as the text of the call shows it, since the function itself is private to the library.
  static std::string function_name(const Expression& e) {
    Schema schema;
    schema.fields = {{"a", Type::integer()}, {"b", Type::integer()}};
    Expression bare = e;
    for (std::size_t i = 0; i < bare.arguments.size(); ++i)
      bare.arguments[i] = make_column(i == 0 ? 0 : 1, e.arguments[i]->type);
    std::string text = bare.to_string(schema);
    for (const std::string piece : {"`a`", "`b`"})
      for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece)) text.erase(at, 3);
    if (text.starts_with("( IN (")) return "IN";
    std::string name;
    for (const char c : text)
      if (c != '(' && c != ')' && c != ',') name.push_back(c);
    while (!name.empty() && name.front() == ' ') name.erase(0, 1);
    while (!name.empty() && name.back() == ' ') name.pop_back();
    return name;
  }

  static bool compare(std::string_view op, const Value& a, const Value& b) {
    if (op == "=") return a.data == b.data;
    if (op == "<>") return a.data != b.data;
    if (op == "<") return a.data < b.data;
    if (op == "<=") return a.data <= b.data;
    if (op == ">") return a.data > b.data;
    return a.data >= b.data;
  }

  static Answer fitting(const Expression& e, Int128 value) {
    const Int128 bound = Int128{1} << (e.type.id == TypeId::kInt ? 31 : 63);
    if (value < -bound || value >= bound) return failure();
    return {integer_value(static_cast<std::int64_t>(value))};
  }

  static Answer negative(const Expression& e, const Value& value) {
    if (const auto* number = std::get_if<double>(&value.data)) return {double_value(-*number)};
    return fitting(e, -Int128{as_integer(value)});
  }

  static Answer arithmetic(const Expression& e, const Value& left, const Value& right) {
    const std::string op = function_name(e);
    if (std::holds_alternative<double>(left.data)) {
      const double a = std::get<double>(left.data), b = std::get<double>(right.data);
      return {double_value(op == "+"   ? a + b
                           : op == "-" ? a - b
                           : op == "*" ? a * b
                           : op == "/" ? a / b
                                       : std::fmod(a, b))};
    }
    const Int128 a = as_integer(left), b = as_integer(right);
    if ((op == "/" || op == "%") && b == 0) return failure();
    return fitting(e, op == "+" ? a + b : op == "-" ? a - b : op == "*" ? a * b : op == "/" ? a / b : a % b);
  }

  const std::vector<Value>& row_;
};

// Random trees over columns 0 INT, 1 BIGINT, 2 DOUBLE, 3 STRING, 4 BOOLEAN, 5 INT.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::vector<Type> types() const {
    return {Type::integer(), Type::bigint(), Type::float64(), Type::string(), Type::boolean(), Type::integer()};
  }

  Value value(const Type& type, int null_percent) {
    if (below(100) < null_percent) return Value{};
    switch (type.id) {
      case TypeId::kInt:
        return integer_value(below(20) == 0 ? (below(2) != 0 ? 2147483647 : -2147483648LL) : below(11) - 5);
      case TypeId::kBigInt:
        return integer_value(below(20) == 0 ? std::numeric_limits<std::int64_t>::max() : below(11) - 5);
      case TypeId::kDouble:
        return double_value(below(30) == 0 ? 1e300 : (below(41) - 20) / 4.0);
      case TypeId::kString: {
        std::string text = below(3) == 0 ? "a text beyond twelve bytes " : "";
        for (int i = below(4); i > 0; --i) text.push_back(static_cast<char>('a' + below(3)));
        return text_value(text);
      }
      default:
        return integer_value(below(2));
    }
  }

  ExpressionPtr number(int depth) {
    const int kind = below(depth <= 0 ? 2 : 10);
    if (kind == 0) {
      const Type type = numeric();
      return make_literal(value(type, 5), type);
    }
    if (kind == 1) {
      const std::uint32_t index[] = {0, 1, 2, 5};
      const std::uint32_t column_index = index[below(4)];
      return make_column(column_index, types()[column_index]);
    }
    if (kind <= 6) {
      const char* ops[] = {"+", "-", "*", "/", "%"};
      return must(make_call(ops[below(5)], {number(depth - 1), number(depth - 1)}));
    }
    if (kind == 7) return must(make_case({truth(depth - 1), number(depth - 1), number(depth - 1)}));
    if (kind == 8) return must(make_call("COALESCE", {number(depth - 1), number(depth - 1)}));
    const Type target = below(2) != 0 ? Type::integer() : Type::bigint();
    ExpressionPtr in = number(depth - 1);
    if (in->kind == Expression::Kind::kLiteral) return in;
    return must(make_cast(std::move(in), target, below(2) != 0));
  }

  ExpressionPtr text(int depth) {
    const int kind = below(depth <= 0 ? 2 : 4);
    if (kind == 0) return make_literal(value(Type::string(), 5), Type::string());
    if (kind == 1) return make_column(3, Type::string());
    if (kind == 2) return must(make_call("UPPER", {text(depth - 1)}));
    return must(make_call("||", {text(depth - 1), text(depth - 1)}));
  }

  ExpressionPtr truth(int depth) {
    const int kind = below(depth <= 0 ? 2 : 9);
    const char* ops[] = {"=", "<>", "<", "<=", ">", ">="};
    if (kind == 0) return make_column(4, Type::boolean());
    if (kind == 1) return must(make_call(ops[below(6)], {make_column(0, Type::integer()), int_literal(below(5) - 2)}));
    if (kind == 2) return must(make_call(ops[below(6)], {number(depth - 1), number(depth - 1)}));
    if (kind == 3) return must(make_call(ops[below(6)], {text(depth - 1), text(depth - 1)}));
    if (kind == 4) return must(make_call("NOT", {truth(depth - 1)}));
    if (kind == 5) {
      const char* predicates[] = {"IS NULL", "IS NOT NULL", "IS TRUE", "IS NOT TRUE", "IS FALSE"};
      return must(make_call(predicates[below(5)], {truth(depth - 1)}));
    }
    if (kind == 6)
      return must(make_call(below(2) != 0 ? "IN" : "NOT IN",
                            {make_column(5, Type::integer()), int_literal(1), int_literal(-2), int_literal(4)}));
    return must(make_call(kind == 7 ? "AND" : "OR", {truth(depth - 1), truth(depth - 1), truth(depth - 1)}));
  }

  ExpressionPtr any(int depth) {
    const int kind = below(3);
    return kind == 0 ? number(depth) : kind == 1 ? truth(depth) : text(depth);
  }

  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }

 private:
  Type numeric() {
    const int kind = below(3);
    return kind == 0 ? Type::integer() : kind == 1 ? Type::bigint() : Type::float64();
  }
  std::mt19937_64 random_;
};

bool same(const Value& a, const Value& b) {
  if (std::holds_alternative<double>(a.data) && std::holds_alternative<double>(b.data)) {
    const double x = std::get<double>(a.data), y = std::get<double>(b.data);
    return x == y || (std::isnan(x) && std::isnan(y));
  }
  return a.data == b.data;
}

// One random batch and one random list of expressions, against the row evaluator.
void differ_once(std::uint64_t seed, std::uint32_t row_count, int& compared) {
  Generator generator(seed);
  const std::vector<Type> types = generator.types();
  const int null_percent = generator.below(3) * 15;
  Rows rows;
  for (std::uint32_t i = 0; i < row_count; ++i) {
    auto& row = rows.emplace_back();
    for (const Type& type : types) row.push_back(generator.value(type, null_percent));
  }
  TestBatch batch(types, rows);
  std::vector<std::uint32_t> selection;
  const bool selected = generator.below(2) != 0;
  for (std::uint32_t i = 0; i < row_count; ++i)
    if (!selected || generator.below(2) != 0) selection.push_back(i);
  if (selected) batch.batch().set_selection(selection.data(), static_cast<std::uint32_t>(selection.size()));
  if (selected && selection.empty()) return;
  std::vector<ExpressionPtr> expressions;
  for (int i = generator.below(3); i >= 0; --i) expressions.push_back(generator.any(3));
  auto program = compiled(expressions, std::max(row_count, 1u));
  const auto result = program.evaluate(batch.batch(), {});
  bool any_failed = false;
  for (const auto& expression : expressions)
    for (const std::uint32_t row : selection) any_failed |= RowEvaluator(rows[row]).evaluate(*expression).failed;
  Schema schema;
  schema.fields = {{"i", types[0]}, {"l", types[1]}, {"d", types[2]},
                   {"s", types[3]}, {"b", types[4]}, {"j", types[5]}};
  ASSERT_EQ(result.has_value(), !any_failed) << expressions[0]->to_string(schema);
  if (any_failed) return;
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    for (const std::uint32_t row : selection) {
      const Value expected = RowEvaluator(rows[row]).evaluate(*expressions[i]).value;
      const Value actual = value_at(program.results()[i], expressions[i]->type, row);
      ASSERT_TRUE(same(expected, actual))
          << expressions[i]->to_string(schema) << " row " << row << " expected " << show(expected, expressions[i]->type)
          << " got " << show(actual, expressions[i]->type) << " seed " << seed;
      ++compared;
    }
  }
}

void differ_filter_once(std::uint64_t seed, std::uint32_t row_count, int& compared) {
  Generator generator(seed);
  const std::vector<Type> types = generator.types();
  Rows rows;
  for (std::uint32_t i = 0; i < row_count; ++i) {
    auto& row = rows.emplace_back();
    for (const Type& type : types) row.push_back(generator.value(type, 15));
  }
  TestBatch batch(types, rows);
  std::vector<std::uint32_t> selection, expected;
  const bool selected = generator.below(2) != 0;
  for (std::uint32_t i = 0; i < row_count; ++i)
    if (!selected || generator.below(2) != 0) selection.push_back(i);
  if (selected) batch.batch().set_selection(selection.data(), static_cast<std::uint32_t>(selection.size()));
  if (selected && selection.empty()) return;
  const ExpressionPtr filter = generator.truth(3);
  auto program = compiled({filter}, std::max(row_count, 1u));
  std::vector<std::uint32_t> out(std::max(row_count, 1u));
  const auto count = program.evaluate_filter(batch.batch(), {}, out.data());
  for (const std::uint32_t row : selection) {
    const Answer answer = RowEvaluator(rows[row]).evaluate(*filter);
    if (answer.failed) return;  // a filter may be done with the row before the term that fails
    if (!answer.value.is_null() && as_integer(answer.value) == 1) expected.push_back(row);
  }
  ASSERT_TRUE(count.has_value());
  out.resize(*count);
  Schema schema;
  ASSERT_EQ(out, expected) << filter->to_string(schema) << " seed " << seed;
  ++compared;
}

TEST(ExpressionDifferential, Vectors_give_what_rows_give) {
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= 3000 && !HasFatalFailure(); ++seed)
    differ_once(seed, seed % 2 == 0 ? 7 : 1, compared);
  for (std::uint64_t seed = 1; seed <= 40 && !HasFatalFailure(); ++seed) differ_once(seed, 1024, compared);
  EXPECT_GT(compared, 8000);
}

TEST(ExpressionDifferential, Filters_select_what_rows_select) {
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= 3000 && !HasFatalFailure(); ++seed)
    differ_filter_once(seed + 10'000, seed % 2 == 0 ? 7 : 1, compared);
  for (std::uint64_t seed = 1; seed <= 60 && !HasFatalFailure(); ++seed)
    differ_filter_once(seed + 20'000, 1024, compared);
  EXPECT_GT(compared, 1000);
}

}  // namespace
}  // namespace weir
