// Functions, operators and casts over constants, against tables worked out by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "expression_fixture.h"

namespace weir {
namespace {

constexpr std::int64_t kIntMin = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kIntMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kLongMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kLongMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kSecond = 1'000'000'000;

ExpressionPtr text(std::string value) {
  return text_literal(std::move(value));
}
ExpressionPtr num(std::int64_t value) {
  return int_literal(value);
}
ExpressionPtr dec(const std::string& value, int precision, int scale) {
  return must(make_cast(text_literal(value),
                        Type::decimal(static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale))));
}
ExpressionPtr time(const std::string& value, int precision = 3) {
  return must(make_cast(text_literal(value), Type::timestamp(static_cast<std::uint8_t>(precision))));
}
ExpressionPtr date(const std::string& value) {
  return must(make_cast(text_literal(value), Type::of(TypeId::kDate)));
}
ExpressionPtr seconds(std::int64_t count) {
  return make_literal(Value{count * kSecond}, Type::of(TypeId::kIntervalDay));
}
ExpressionPtr months(std::int64_t count) {
  return make_literal(Value{count}, Type::of(TypeId::kIntervalMonth));
}
std::string cast(ExpressionPtr value, const Type& type, bool try_cast = false) {
  return show(make_cast(std::move(value), type, try_cast));
}

TEST(ExpressionArithmetic, Integers_are_checked_at_the_ends_of_their_range) {
  EXPECT_EQ(call("+", {num(kIntMax), num(0)}), "2147483647");
  EXPECT_EQ(call("+", {num(kIntMax), num(1)}), "error: Overflow");
  EXPECT_EQ(call("+", {num(kIntMax), bigint_literal(1)}), "2147483648");
  EXPECT_EQ(call("-", {num(kIntMin), num(1)}), "error: Overflow");
  EXPECT_EQ(call("*", {bigint_literal(kLongMax), bigint_literal(2)}), "error: Overflow");
  EXPECT_EQ(call("/", {num(kIntMin), num(-1)}), "error: Overflow");
  EXPECT_EQ(call("%", {num(kIntMin), num(-1)}), "0");
  EXPECT_EQ(call("-", {num(kIntMin)}), "error: Overflow");
  EXPECT_EQ(call("ABS", {bigint_literal(kLongMin)}), "error: Overflow");
  EXPECT_EQ(call("/", {num(1), num(0)}), "error: DivisionByZero");
  EXPECT_EQ(call("%", {num(1), num(0)}), "error: DivisionByZero");
}

TEST(ExpressionArithmetic, Integer_division_cuts_towards_zero_and_the_remainder_follows_the_dividend) {
  EXPECT_EQ(call("/", {num(7), num(2)}), "3");
  EXPECT_EQ(call("/", {num(-7), num(2)}), "-3");
  EXPECT_EQ(call("%", {num(-7), num(2)}), "-1");
  EXPECT_EQ(call("mod", {num(7), num(-2)}), "1");
}

TEST(ExpressionArithmetic, Doubles_follow_ieee) {
  EXPECT_EQ(call("/", {double_literal(1), double_literal(0)}), "Infinity");
  EXPECT_EQ(call("/", {double_literal(-1), num(0)}), "-Infinity");
  EXPECT_EQ(call("IS TRUE", {must(make_call("=", {must(make_call("/", {double_literal(0), double_literal(0)})),
                                                  must(make_call("/", {double_literal(0), double_literal(0)}))}))}),
            "FALSE");
}

TEST(ExpressionArithmetic, Null_and_a_number_give_null) {
  EXPECT_EQ(call("+", {null_literal(), num(1)}), "NULL");
  EXPECT_EQ(call("/", {num(1), null_literal()}), "NULL");
  EXPECT_EQ(call("*", {null_literal(), null_literal()}), "NULL");
}

TEST(ExpressionTypes, Results_have_the_precision_that_flink_gives) {
  struct Case {
    std::string_view op;
    int p1, s1, p2, s2;
    std::string_view type;
  };
  const Case cases[] = {
      {"+", 10, 2, 5, 4, "DECIMAL(13, 4)"}, {"-", 38, 0, 38, 10, "DECIMAL(38, 6)"},
      {"*", 3, 3, 19, 0, "DECIMAL(23, 3)"}, {"*", 38, 10, 38, 10, "DECIMAL(38, 6)"},
      {"/", 10, 2, 5, 1, "DECIMAL(17, 8)"}, {"/", 38, 2, 38, 2, "DECIMAL(38, 6)"},
      {"%", 10, 2, 5, 4, "DECIMAL(5, 4)"},
  };
  for (const Case& c : cases) {
    const auto type = [](int p, int s) {
      return Type::decimal(static_cast<std::uint8_t>(p), static_cast<std::uint8_t>(s));
    };
    const ExpressionPtr result =
        must(make_call(c.op, {make_column(0, type(c.p1, c.s1)), make_column(1, type(c.p2, c.s2))}));
    EXPECT_EQ(result->type.to_string(), c.type) << c.op << " " << c.p1 << "," << c.s1 << " " << c.p2 << "," << c.s2;
  }
  EXPECT_EQ(must(make_call("*", {dec("0.908", 3, 3), make_column(0, Type::bigint())}))->type.to_string(),
            "DECIMAL(23, 3)");
}

TEST(ExpressionTypes, Common_types_follow_the_order_of_numbers_and_times) {
  const auto common = [](const Type& a, const Type& b) {
    const auto type = common_type(a, b);
    return type.has_value() ? type->to_string() : "none";
  };
  EXPECT_EQ(common(Type::integer(), Type::bigint()), "BIGINT");
  EXPECT_EQ(common(Type::integer(), Type::decimal(5, 2)), "DECIMAL(12, 2)");
  EXPECT_EQ(common(Type::decimal(5, 2), Type::float64()), "DOUBLE");
  EXPECT_EQ(common(Type::of(TypeId::kFloat), Type::integer()), "FLOAT");
  EXPECT_EQ(common(Type::of(TypeId::kFloat), Type::decimal(5, 2)), "DOUBLE");
  EXPECT_EQ(common(Type::of(TypeId::kDate), Type::timestamp(3)), "TIMESTAMP(3)");
  EXPECT_EQ(common(Type::timestamp(6), Type::timestamp_ltz(3)), "TIMESTAMP_LTZ(6)");
  EXPECT_EQ(common(Type::of(TypeId::kNull), Type::string()), "STRING");
  EXPECT_EQ(common(Type::string(), Type::integer()), "none");
  EXPECT_EQ(common(Type::boolean(), Type::integer()), "none");
}

TEST(ExpressionDecimal, Arithmetic_is_exact_and_rounds_half_up) {
  EXPECT_EQ(call("+", {dec("0.10", 3, 2), dec("0.20", 3, 2)}), "0.30");
  EXPECT_EQ(call("*", {dec("1.005", 4, 3), dec("1.005", 4, 3)}), "1.010025");
  EXPECT_EQ(call("/", {dec("1.00", 3, 2), dec("3", 1, 0)}), "0.333333");
  EXPECT_EQ(call("/", {dec("2.00", 3, 2), dec("3", 1, 0)}), "0.666667");
  EXPECT_EQ(call("/", {dec("-2.00", 3, 2), dec("3", 1, 0)}), "-0.666667");
  EXPECT_EQ(call("%", {dec("-7.5", 2, 1), dec("2", 1, 0)}), "-1.5");
  EXPECT_EQ(call("/", {dec("1", 1, 0), dec("0.0", 2, 1)}), "error: DivisionByZero");
  EXPECT_EQ(cast(dec("2.345", 4, 3), Type::decimal(3, 2)), "2.35");
  EXPECT_EQ(cast(dec("-2.345", 4, 3), Type::decimal(3, 2)), "-2.35");
}

TEST(ExpressionDecimal, What_needs_more_than_38_digits_is_null) {
  const std::string nines(38, '9');
  EXPECT_EQ(call("+", {dec(nines, 38, 0), dec("1", 1, 0)}), "NULL");
  EXPECT_EQ(call("*", {dec(nines, 38, 0), dec(nines, 38, 0)}), "NULL");
  EXPECT_EQ(call("*", {dec(nines, 38, 0), dec("1", 1, 0)}), nines);
  EXPECT_EQ(call("-", {dec(nines, 38, 0), dec(nines, 38, 0)}), "0");
  EXPECT_EQ(cast(dec("100", 3, 0), Type::decimal(3, 1)), "NULL");
  // The product's last places are cut to the scale of the result: 10^-38 * 10^-38 rounds to nothing.
  EXPECT_EQ(call("*", {dec("0." + std::string(37, '0') + "1", 38, 38), dec("0." + std::string(37, '0') + "1", 38, 38)}),
            "0." + std::string(37, '0'));
  EXPECT_EQ(call("*", {dec("0." + std::string(38, '9'), 38, 38), dec("0." + std::string(38, '9'), 38, 38)}),
            "1." + std::string(37, '0'));
}

TEST(ExpressionCast, Numbers_are_cut_and_checked) {
  EXPECT_EQ(cast(double_literal(-1.9), Type::integer()), "-1");
  EXPECT_EQ(cast(double_literal(3e9), Type::integer()), "error: InvalidCast");
  EXPECT_EQ(cast(double_literal(3e9), Type::integer(), true), "NULL");
  EXPECT_EQ(cast(double_literal(-0x1p63), Type::bigint()), "-9223372036854775808");
  EXPECT_EQ(cast(double_literal(0x1p63), Type::bigint()), "error: InvalidCast");
  EXPECT_EQ(cast(double_literal(std::numeric_limits<double>::quiet_NaN()), Type::integer()), "error: InvalidCast");
  EXPECT_EQ(cast(num(128), Type::of(TypeId::kTinyInt)), "error: InvalidCast");
  EXPECT_EQ(cast(num(-128), Type::of(TypeId::kTinyInt)), "-128");
  EXPECT_EQ(cast(num(128), Type::of(TypeId::kTinyInt), true), "NULL");
  EXPECT_EQ(cast(dec("-1.99", 3, 2), Type::integer()), "-1");
  EXPECT_EQ(cast(num(7), Type::decimal(5, 2)), "7.00");
  EXPECT_EQ(cast(num(1000), Type::decimal(5, 2)), "NULL");
  EXPECT_EQ(cast(num(2), Type::boolean()), "TRUE");
  EXPECT_EQ(cast(bool_literal(true), Type::integer()), "1");
}

TEST(ExpressionCast, Strings_become_values_and_values_strings) {
  EXPECT_EQ(cast(text(" 42 "), Type::integer()), "42");
  EXPECT_EQ(cast(text("42.9"), Type::integer()), "42");
  EXPECT_EQ(cast(text("42x"), Type::integer()), "error: InvalidCast");
  EXPECT_EQ(cast(text("42x"), Type::integer(), true), "NULL");
  EXPECT_EQ(cast(text("1e3"), Type::float64()), "1000.0");
  EXPECT_EQ(cast(text("Yes"), Type::boolean()), "TRUE");
  EXPECT_EQ(cast(text("maybe"), Type::boolean()), "error: InvalidCast");
  EXPECT_EQ(cast(text("2020-02-30"), Type::of(TypeId::kDate)), "error: InvalidCast");
  EXPECT_EQ(cast(text("2020-02-29"), Type::of(TypeId::kDate)), "DATE '2020-02-29'");
  EXPECT_EQ(cast(text("2020-02-29 12:30:15.1239"), Type::timestamp(3)), "TIMESTAMP '2020-02-29 12:30:15.123'");
  EXPECT_EQ(cast(bool_literal(false), Type::string()), "'FALSE'");
  EXPECT_EQ(cast(double_literal(1e10), Type::string()), "'1.0E10'");
  EXPECT_EQ(cast(dec("-0.50", 3, 2), Type::string()), "'-0.50'");
  EXPECT_EQ(cast(time("1969-12-31 23:59:59.999"), Type::string()), "'1969-12-31 23:59:59.999'");
  EXPECT_EQ(cast(seconds(90061), Type::string()), "'+1 01:01:01.000'");
  EXPECT_EQ(cast(months(-14), Type::string()), "'-1-02'");
  Type narrow = Type::string();
  narrow.length = 3;
  EXPECT_EQ(cast(num(12345), narrow), "'123'");
  narrow.fixed_length = true;
  narrow.length = 5;
  EXPECT_EQ(cast(text("éa"), narrow), "'éa   '");
}

TEST(ExpressionCast, Times_become_one_another) {
  EXPECT_EQ(cast(time("1969-12-31 23:59:59.999"), Type::of(TypeId::kDate)), "DATE '1969-12-31'");
  Type time3 = Type::of(TypeId::kTime);
  time3.precision = 3;
  EXPECT_EQ(cast(time("1969-12-31 23:59:59.999"), time3), "TIME '23:59:59.999'");
  EXPECT_EQ(cast(date("1970-01-02"), Type::timestamp(3)), "TIMESTAMP '1970-01-02 00:00:00.000'");
  EXPECT_EQ(cast(time("1969-12-31 23:59:59.999"), Type::timestamp(0)), "TIMESTAMP '1969-12-31 23:59:59'");
  EXPECT_EQ(cast(num(5), Type::timestamp(3)), "error: SqlType");
}

TEST(ExpressionLogic, Three_valued_logic_has_all_nine_pairs) {
  const auto value = [](int i) { return i == 2 ? null_literal(Type::boolean()) : bool_literal(i == 1); };
  const char* kNames[] = {"FALSE", "TRUE", "NULL"};
  const int kAnd[3][3] = {{0, 0, 0}, {0, 1, 2}, {0, 2, 2}};
  const int kOr[3][3] = {{0, 1, 2}, {1, 1, 1}, {2, 1, 2}};
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b) {
      EXPECT_EQ(call("AND", {value(a), value(b)}), kNames[kAnd[a][b]]) << a << b;
      EXPECT_EQ(call("OR", {value(a), value(b)}), kNames[kOr[a][b]]) << a << b;
    }
  }
  EXPECT_EQ(call("NOT", {value(2)}), "NULL");
  EXPECT_EQ(call("NOT", {value(1)}), "FALSE");
}

TEST(ExpressionLogic, Is_predicates_never_give_null) {
  const auto value = [](int i) { return i == 2 ? null_literal(Type::boolean()) : bool_literal(i == 1); };
  struct Case {
    std::string_view name;
    bool answers[3];  // FALSE, TRUE, NULL
  };
  const Case cases[] = {{"IS NULL", {false, false, true}},    {"IS NOT NULL", {true, true, false}},
                        {"IS TRUE", {false, true, false}},    {"IS NOT TRUE", {true, false, true}},
                        {"IS FALSE", {true, false, false}},   {"IS NOT FALSE", {false, true, true}},
                        {"IS UNKNOWN", {false, false, true}}, {"IS NOT UNKNOWN", {true, true, false}}};
  for (const Case& c : cases)
    for (int i = 0; i < 3; ++i) EXPECT_EQ(call(c.name, {value(i)}), c.answers[i] ? "TRUE" : "FALSE") << c.name << i;
  EXPECT_EQ(call("IS DISTINCT FROM", {num(1), null_literal(Type::integer())}), "TRUE");
  EXPECT_EQ(call("IS NOT DISTINCT FROM", {null_literal(Type::integer()), null_literal(Type::integer())}), "TRUE");
  EXPECT_EQ(call("IS DISTINCT FROM", {num(1), num(1)}), "FALSE");
}

TEST(ExpressionLogic, In_and_between_know_null) {
  EXPECT_EQ(call("IN", {num(1), num(2), num(1)}), "TRUE");
  EXPECT_EQ(call("IN", {num(3), num(2), num(1)}), "FALSE");
  EXPECT_EQ(call("IN", {num(3), num(2), null_literal()}), "NULL");
  EXPECT_EQ(call("NOT IN", {num(3), num(2), null_literal()}), "NULL");
  EXPECT_EQ(call("NOT IN", {num(2), num(2), null_literal()}), "FALSE");
  EXPECT_EQ(call("IN", {text("b"), text("a"), text("b"), text("c")}), "TRUE");
  EXPECT_EQ(call("BETWEEN", {num(2), num(1), num(2)}), "TRUE");
  EXPECT_EQ(call("BETWEEN", {num(2), num(3), null_literal()}), "FALSE");
  EXPECT_EQ(call("NOT BETWEEN", {num(2), num(3), null_literal()}), "TRUE");
}

TEST(ExpressionLogic, String_literals_take_the_type_beside_them) {
  EXPECT_EQ(call("=", {num(15), text("15")}), "TRUE");
  EXPECT_EQ(call("<", {time("2020-01-01 00:00:00"), text("2020-01-01 00:00:00.001")}), "TRUE");
  EXPECT_EQ(call(">", {date("2020-01-02"), text("2020-01-01")}), "TRUE");
  EXPECT_EQ(call("=", {make_column(0, Type::string()), num(1)}), "error: SqlType");
  EXPECT_EQ(call("=", {bool_literal(true), num(1)}), "error: SqlType");
}

TEST(ExpressionConditional, Functions_of_choice) {
  EXPECT_EQ(call("COALESCE", {null_literal(), num(2), num(3)}), "2");
  EXPECT_EQ(call("NULLIF", {num(2), num(2)}), "NULL");
  EXPECT_EQ(call("NULLIF", {num(2), null_literal()}), "2");
  EXPECT_EQ(call("IF", {null_literal(), num(1), num(2)}), "2");
  EXPECT_EQ(call("GREATEST", {num(1), bigint_literal(3), num(2)}), "3");
  EXPECT_EQ(call("LEAST", {text("b"), text("a")}), "'a'");
  EXPECT_EQ(call("GREATEST", {num(1), null_literal()}), "NULL");
  EXPECT_EQ(show(make_case({bool_literal(false), num(1), null_literal(), num(2)})), "NULL");
  EXPECT_EQ(show(make_case({must(make_call("=", {num(1), num(1)})), num(1), double_literal(2.5)})), "1.0");
}

TEST(ExpressionMath, Rounding_is_half_away_from_zero_in_decimal) {
  EXPECT_EQ(call("ROUND", {double_literal(2.5)}), "3.0");
  EXPECT_EQ(call("ROUND", {double_literal(-2.5)}), "-3.0");
  EXPECT_EQ(call("ROUND", {double_literal(2.675), num(2)}), "2.68");
  EXPECT_EQ(call("ROUND", {double_literal(1234.5), num(-2)}), "1200.0");
  EXPECT_EQ(call("ROUND", {num(1250), num(-2)}), "1300");
  EXPECT_EQ(call("ROUND", {dec("2.345", 4, 3), num(2)}), "2.35");
  EXPECT_EQ(call("ROUND", {dec("2.5", 2, 1)}), "3");
  EXPECT_EQ(call("TRUNCATE", {double_literal(-2.675), num(2)}), "-2.67");
  EXPECT_EQ(call("TRUNCATE", {dec("2.999", 4, 3), num(1)}), "2.9");
  EXPECT_EQ(call("FLOOR", {dec("-1.1", 2, 1)}), "-2");
  EXPECT_EQ(call("CEIL", {dec("1.1", 2, 1)}), "2");
  EXPECT_EQ(call("CEILING", {double_literal(-1.5)}), "-1.0");
  EXPECT_EQ(call("SIGN", {dec("-1.5", 2, 1)}), "-1.0");
  EXPECT_EQ(call("POWER", {num(2), num(10)}), "1024.0");
  EXPECT_EQ(call("LOG", {num(2), num(8)}), "3.0");
  EXPECT_EQ(call("SQRT", {num(9)}), "3.0");
  EXPECT_EQ(call("PI", {}), "3.141592653589793");
}

TEST(ExpressionStrings, Positions_count_code_points) {
  EXPECT_EQ(call("CHAR_LENGTH", {text("naïve€")}), "6");
  EXPECT_EQ(call("OCTET_LENGTH", {text("naïve€")}), "9");
  EXPECT_EQ(call("SUBSTRING", {text("naïve"), num(3), num(2)}), "'ïv'");
  EXPECT_EQ(call("SUBSTRING", {text("naïve"), num(-2)}), "'ve'");
  EXPECT_EQ(call("SUBSTRING", {text("naïve"), num(0), num(2)}), "'na'");
  EXPECT_EQ(call("SUBSTRING", {text("abc"), num(4)}), "''");
  EXPECT_EQ(call("LEFT", {text("naïve"), num(3)}), "'naï'");
  EXPECT_EQ(call("RIGHT", {text("naïve"), num(3)}), "'ïve'");
  EXPECT_EQ(call("POSITION", {text("v"), text("naïve")}), "4");
  EXPECT_EQ(call("LOCATE", {text("a"), text("banana"), num(3)}), "4");
  EXPECT_EQ(call("INSTR", {text("banana"), text("x")}), "0");
  EXPECT_EQ(call("REVERSE", {text("naïve")}), "'evïan'");
  EXPECT_EQ(call("UPPER", {text("naïve ÿ ж ω")}), "'NAÏVE ÿ Ж Ω'");
  EXPECT_EQ(call("LOWER", {text("ÀÉŽ ДЁ")}), "'àéž дё'");
  EXPECT_EQ(call("INITCAP", {text("hello wORLD-two")}), "'Hello World-Two'");
}

TEST(ExpressionStrings, Trimming_padding_and_joining) {
  EXPECT_EQ(call("TRIM", {text("  a  ")}), "'a'");
  EXPECT_EQ(call("TRIM", {text("LEADING"), text("x"), text("xxaxx")}), "'axx'");
  EXPECT_EQ(call("RTRIM", {text("a€€"), text("€")}), "'a'");
  EXPECT_EQ(call("LPAD", {text("a"), num(5), text("xy")}), "'xyxya'");
  EXPECT_EQ(call("RPAD", {text("abc"), num(2), text("x")}), "'ab'");
  EXPECT_EQ(call("LPAD", {text("a"), num(-1), text("x")}), "NULL");
  EXPECT_EQ(call("REPEAT", {text("ab"), num(3)}), "'ababab'");
  EXPECT_EQ(call("CONCAT", {text("a"), num(1), bool_literal(true)}), "'a1TRUE'");
  EXPECT_EQ(call("CONCAT", {text("a"), null_literal()}), "NULL");
  EXPECT_EQ(call("CONCAT_WS", {text(","), text("a"), null_literal(Type::string()), text("b")}), "'a,b'");
  EXPECT_EQ(call("||", {text("a"), text("b")}), "'ab'");
  EXPECT_EQ(call("REPLACE", {text("aXbX"), text("X"), text("--")}), "'a--b--'");
  EXPECT_EQ(call("SPLIT_INDEX", {text("a/b/c"), text("/"), num(1)}), "'b'");
  EXPECT_EQ(call("SPLIT_INDEX", {text("a/b/c"), text("/"), num(3)}), "NULL");
  EXPECT_EQ(call("CHR", {num(233)}), "'é'");
  EXPECT_EQ(call("ASCII", {text("A")}), "65");
  EXPECT_EQ(call("STARTSWITH", {text("abc"), text("ab")}), "TRUE");
  EXPECT_EQ(call("ENDSWITH", {text("abc"), text("ab")}), "FALSE");
}

TEST(ExpressionPatterns, Like_knows_wildcards_and_escapes) {
  struct Case {
    const char* text;
    const char* pattern;
    bool matches;
  };
  const Case cases[] = {
      {"abc", "abc", true},     {"abc", "a%", true},      {"abc", "%c", true},      {"abc", "%b%", true},
      {"abc", "a_c", true},     {"abc", "a_", false},     {"", "%", true},          {"", "_", false},
      {"a%c", "a\\%c", true},   {"abc", "a\\%c", false},  {"a\\c", "a\\\\c", true}, {"né", "n_", true},
      {"aXbXc", "%X%X%", true}, {"ab", "%a%b%c%", false}, {"aab", "%ab", true},     {"abc", "%%", true}};
  for (const Case& c : cases) {
    EXPECT_EQ(call("LIKE", {text(c.text), text(c.pattern)}), c.matches ? "TRUE" : "FALSE")
        << c.text << " " << c.pattern;
    EXPECT_EQ(call("NOT LIKE", {text(c.text), text(c.pattern)}), c.matches ? "FALSE" : "TRUE")
        << c.text << " " << c.pattern;
  }
  EXPECT_EQ(call("LIKE", {text("a%"), text("a!%"), text("!")}), "TRUE");
  EXPECT_EQ(call("LIKE", {text("a"), text("a\\")}), "error: InvalidPattern");
}

TEST(ExpressionPatterns, Regular_expressions_find_extract_and_replace) {
  const std::string url = "https://www.nexmark.com/a/b/c/item.htm?query=1&channel_id=1234";
  EXPECT_EQ(call("REGEXP_EXTRACT", {text(url), text("(&|^)channel_id=([^&]*)"), num(2)}), "'1234'");
  EXPECT_EQ(call("REGEXP_EXTRACT", {text("abc"), text("x"), num(0)}), "NULL");
  EXPECT_EQ(call("REGEXP_EXTRACT", {text("abc"), text("(b)"), num(2)}), "NULL");
  EXPECT_EQ(call("REGEXP", {text("abc"), text("^a.c$")}), "TRUE");
  EXPECT_EQ(call("REGEXP_REPLACE", {text("foobar"), text("oo|ar"), text("")}), "'fb'");
  EXPECT_EQ(call("REGEXP_REPLACE", {text("a1b22"), text("([0-9]+)"), text("<$1>")}), "'a<1>b<22>'");
  EXPECT_EQ(call("REGEXP_REPLACE", {text("aé"), text("x*"), text("-")}), "'-a-é-'");
  EXPECT_EQ(call("REGEXP", {text("a"), text("(")}), "error: InvalidPattern");
}

TEST(ExpressionTime, Parts_are_right_before_and_after_1970) {
  EXPECT_EQ(call("YEAR", {time("1969-12-31 23:59:59.999")}), "1969");
  EXPECT_EQ(call("HOUR", {time("1969-12-31 23:59:59.999")}), "23");
  EXPECT_EQ(call("SECOND", {time("1969-12-31 23:59:59.999")}), "59");
  EXPECT_EQ(call("EXTRACT", {text("MILLISECOND"), time("2020-01-01 00:00:12.345")}), "12345");
  EXPECT_EQ(call("EXTRACT", {text("epoch"), time("1969-12-31 23:59:59.999")}), "-1");
  EXPECT_EQ(call("DAYOFWEEK", {date("1994-09-27")}), "3");
  EXPECT_EQ(call("WEEK", {date("2021-01-03")}), "53");
  EXPECT_EQ(call("EXTRACT", {text("ISOYEAR"), date("2021-01-03")}), "2020");
  EXPECT_EQ(call("DAYOFYEAR", {date("2020-12-31")}), "366");
  EXPECT_EQ(call("QUARTER", {date("2020-04-01")}), "2");
  EXPECT_EQ(call("EXTRACT", {text("fortnight"), date("2020-04-01")}), "error: SqlType");
}

TEST(ExpressionTime, Floor_and_ceil_meet_the_starts_of_units) {
  const auto ts = time("1969-12-30 13:29:59.999");
  EXPECT_EQ(call("FLOOR", {ts, text("HOUR")}), "TIMESTAMP '1969-12-30 13:00:00.000'");
  EXPECT_EQ(call("CEIL", {ts, text("HOUR")}), "TIMESTAMP '1969-12-30 14:00:00.000'");
  EXPECT_EQ(call("FLOOR", {ts, text("WEEK")}), "TIMESTAMP '1969-12-28 00:00:00.000'");
  EXPECT_EQ(call("FLOOR", {ts, text("QUARTER")}), "TIMESTAMP '1969-10-01 00:00:00.000'");
  EXPECT_EQ(call("CEIL", {ts, text("YEAR")}), "TIMESTAMP '1970-01-01 00:00:00.000'");
  EXPECT_EQ(call("CEIL", {date("2020-02-01"), text("MONTH")}), "DATE '2020-02-01'");
  EXPECT_EQ(call("FLOOR", {date("2020-02-29"), text("DECADE")}), "DATE '2020-01-01'");
}

TEST(ExpressionTime, Intervals_move_times) {
  EXPECT_EQ(call("-", {time("1970-01-01 00:00:00"), seconds(4)}), "TIMESTAMP '1969-12-31 23:59:56.000'");
  EXPECT_EQ(must(make_call("-", {make_column(0, Type::timestamp(3)), seconds(4)}))->type.to_string(), "TIMESTAMP(3)");
  EXPECT_EQ(call("+", {date("2020-01-31"), months(1)}), "DATE '2020-02-29'");
  EXPECT_EQ(call("-", {time("2020-03-31 10:00:00"), months(13)}), "TIMESTAMP '2019-02-28 10:00:00.000'");
  EXPECT_EQ(call("+", {date("2020-02-28"), seconds(2 * 86400)}), "DATE '2020-03-01'");
  EXPECT_EQ(call("+", {date("2020-02-28"), seconds(3600)}), "TIMESTAMP '2020-02-28 01:00:00.000'");
  EXPECT_EQ(call("-", {time("2020-01-01 00:00:01"), time("2020-01-01 00:00:00")}), "INTERVAL '1' SECOND");
  EXPECT_EQ(call("*", {seconds(2), num(3)}), "INTERVAL '6' SECOND");
  EXPECT_EQ(call("TIMESTAMPADD", {text("MONTH"), num(1), time("2021-01-31 00:00:00")}),
            "TIMESTAMP '2021-02-28 00:00:00.000'");
  EXPECT_EQ(call("TIMESTAMPDIFF", {text("MONTH"), time("2021-01-31 00:00:00"), time("2021-02-28 00:00:00")}), "1");
  EXPECT_EQ(call("TIMESTAMPDIFF", {text("MONTH"), time("2021-01-15 00:00:00"), time("2021-02-14 23:59:59")}), "0");
  EXPECT_EQ(call("TIMESTAMPDIFF", {text("DAY"), time("2021-01-02 00:00:00"), time("2021-01-01 00:00:01")}), "0");
  EXPECT_EQ(call("TIMESTAMPDIFF", {text("YEAR"), date("2020-02-29"), date("2019-02-28")}), "-1");
}

TEST(ExpressionTime, Text_by_pattern) {
  const auto ts = time("2020-03-09 08:05:06.007");
  EXPECT_EQ(call("DATE_FORMAT", {ts, text("yyyy-MM-dd'T'HH:mm:ss.SSS")}), "'2020-03-09T08:05:06.007'");
  EXPECT_EQ(call("DATE_FORMAT", {ts, text("EEE, d MMM yy h a")}), "'Mon, 9 Mar 20 8 AM'");
  EXPECT_EQ(call("DATE_FORMAT", {ts, text("qqq")}), "error: InvalidPattern");
  EXPECT_EQ(call("TO_TIMESTAMP", {text("2020-03-09 08:05:06")}), "TIMESTAMP '2020-03-09 08:05:06.000'");
  EXPECT_EQ(call("TO_TIMESTAMP", {text("nonsense")}), "NULL");
  EXPECT_EQ(call("TO_TIMESTAMP", {text("09/03/2020 8:05"), text("dd/MM/yyyy H:mm")}),
            "TIMESTAMP '2020-03-09 08:05:00.000'");
  EXPECT_EQ(call("TO_DATE", {text("20200309"), text("yyyyMMdd")}), "DATE '2020-03-09'");
  EXPECT_EQ(call("TO_DATE", {text("20200231"), text("yyyyMMdd")}), "NULL");
  EXPECT_EQ(call("TO_TIMESTAMP_LTZ", {bigint_literal(1), num(0)}), "TIMESTAMP_LTZ '1970-01-01 00:00:01.000Z'");
  EXPECT_EQ(call("TO_TIMESTAMP_LTZ", {bigint_literal(-1), num(9)}), "TIMESTAMP_LTZ '1969-12-31 23:59:59.999999999Z'");
  EXPECT_EQ(call("FROM_UNIXTIME", {bigint_literal(0)}), "'1970-01-01 00:00:00'");
  EXPECT_EQ(call("UNIX_TIMESTAMP", {text("1970-01-01 00:00:10")}), "10");
}

TEST(ExpressionNames, An_unknown_function_is_answered_with_its_neighbours) {
  const auto result = make_call("UPPPER", {text("a")});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::kSqlUnknownName);
  EXPECT_NE(result.error().hint().find("UPPER"), std::string_view::npos);
  EXPECT_EQ(call("LOG10", {bool_literal(true)}), "error: SqlType");
  const auto count = make_call("LEFT", {text("a")});
  ASSERT_FALSE(count.has_value());
  EXPECT_NE(count.error().hint().find("LEFT(STRING, INT)"), std::string_view::npos);
}

TEST(ExpressionNames, Every_function_has_a_signature_and_a_meaning) {
  EXPECT_GT(scalar_functions().size(), 100u);
  for (const FunctionHelp& help : scalar_functions()) {
    EXPECT_FALSE(help.signature.empty()) << help.name;
    EXPECT_FALSE(help.meaning.empty()) << help.name;
  }
}

TEST(ExpressionText, Is_canonical) {
  Schema schema;
  schema.fields = {{"delay", Type::integer()}, {"origin", Type::string()}};
  const auto delay = make_column(0, Type::integer());
  const auto origin = make_column(1, Type::string());
  const auto filter =
      must(make_call("and", {must(make_call(">", {delay, num(15)})), must(make_call("<>", {origin, text("O'R")}))}));
  EXPECT_EQ(filter->to_string(schema), "((`delay` > 15) AND (`origin` <> 'O''R'))");
  EXPECT_EQ(must(make_call("+", {delay, bigint_literal(1)}))->to_string(schema), "(CAST(`delay` AS BIGINT) + 1)");
  EXPECT_EQ(must(make_call("upper", {origin}))->to_string(schema), "UPPER(`origin`)");
  EXPECT_EQ(must(make_call("IS NULL", {origin}))->to_string(schema), "(`origin` IS NULL)");
  EXPECT_EQ(must(make_call("IF", {must(make_call("=", {delay, num(0)})), num(1), num(2)}))->to_string(schema),
            "CASE WHEN (`delay` = 0) THEN 1 ELSE 2 END");
}

}  // namespace
}  // namespace weir

namespace weir {
namespace {

TEST(ExpressionDecimal, Random_quotients_and_products_are_the_nearest_values) {
  std::mt19937_64 random(11);
  const auto magnitude = [](Int128 value) { return value < 0 ? -value : value; };
  for (int i = 0; i < 3000; ++i) {
    const auto number = [&random] { return static_cast<std::int64_t>(random() % 2'000'000'001) - 1'000'000'000; };
    const Int128 a = number(), b = number() == 0 ? 1 : number() | 1;
    const auto value = [](const ExpressionPtr& expression) {
      return std::get<Int128>(evaluate_constant(*expression).value_or(Value{}).data);
    };
    // a/100 and b/1000: the quotient has 14 places, so that q * b = a * 10^15 but for half a divisor.
    const ExpressionPtr quotient = must(make_call("/", {decimal_literal(a, 10, 2), decimal_literal(b, 10, 3)}));
    ASSERT_EQ(quotient->type.scale, 13);
    Int128 scaled = a;
    for (int digit = 0; digit < 14; ++digit) scaled *= 10;
    EXPECT_LE(2 * magnitude(value(quotient) * b - scaled), magnitude(b));
    EXPECT_TRUE(value(must(make_call("*", {decimal_literal(a, 10, 2), decimal_literal(b, 10, 3)}))) == a * b);
    EXPECT_TRUE(value(must(make_call("+", {decimal_literal(a, 10, 2), decimal_literal(b, 10, 3)}))) == a * 10 + b);
    EXPECT_TRUE(value(must(make_call("%", {decimal_literal(a, 10, 2), decimal_literal(b, 10, 3)}))) == (a * 10) % b);
    // 30 and 8 digits: more than 128 bits in between, cut back by the result's scale.
    const Int128 large = a * Int128{1'000'000'000} * Int128{1'000'000'000} + b;
    const ExpressionPtr product = must(make_call("*", {decimal_literal(large, 38, 20), decimal_literal(b, 38, 20)}));
    ASSERT_EQ(product->type.scale, 6);
    Int128 unit = 1;
    for (int digit = 0; digit < 34; ++digit) unit *= 10;
    // large * b / 10^34 by schoolbook: split large so that nothing overflows.
    const long double exact =
        static_cast<long double>(large) * static_cast<long double>(b) / static_cast<long double>(unit);
    EXPECT_LE(std::fabs(static_cast<long double>(value(product)) - exact), 0.501L + std::fabs(exact) * 1e-18L);
  }
}

}  // namespace
}  // namespace weir
