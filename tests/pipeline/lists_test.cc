// LISTAGG, ARRAY_AGG, JSON_ARRAYAGG, JSON_OBJECTAGG and COLLECT against lists of the rows.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "support/aggregate_harness.h"

namespace weir {
namespace {

using namespace test;

std::string text(const Value& value) {
  return std::get<std::string>(value.data);
}
std::int64_t number(const Value& value) {
  return std::get<std::int64_t>(value.data);
}

Value some_text(Random& random) {
  const char* const of[] = {
      "", "a", "b", "\"quoted\"", "back\\slash", "line\nbreak", "a text of more than twelve bytes"};
  return {std::string(of[random.below(7)])};
}

std::string quoted(const std::string& plain) {
  std::string out = "\"";
  for (const char c : plain) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

/// Keeps the first row of each text, as DISTINCT does.
std::vector<AggregateRow> first_of_each(std::vector<AggregateRow> rows) {
  std::vector<AggregateRow> kept;
  for (AggregateRow& row : rows) {
    const bool there = std::any_of(kept.begin(), kept.end(), [&](const AggregateRow& other) {
      return other.arguments[0].data == row.arguments[0].data;
    });
    if (!there) kept.push_back(std::move(row));
  }
  return kept;
}

/// By the second argument, NULL first where ascending, last where descending.
std::vector<AggregateRow> by_key(std::span<const AggregateRow> rows, bool descending) {
  std::vector<AggregateRow> sorted(rows.begin(), rows.end());
  const auto key = [](const AggregateRow& row) {
    return row.arguments[1].is_null() ? std::numeric_limits<std::int64_t>::min() : number(row.arguments[1]);
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const AggregateRow& a, const AggregateRow& b) {
    return descending ? key(b) < key(a) : key(a) < key(b);
  });
  return sorted;
}

std::string joined(const std::vector<AggregateRow>& rows, const std::string& separator) {
  std::string out;
  for (const AggregateRow& row : rows) out += (&row == rows.data() ? "" : separator) + text(row.arguments[0]);
  return out;
}

std::vector<AggregateRow> not_null(std::span<const AggregateRow> rows) {
  std::vector<AggregateRow> kept;
  for (const AggregateRow& row : rows)
    if (!row.arguments[0].is_null()) kept.push_back(row);
  return kept;
}

TEST(Listagg, WithoutAnOrderListsByEventTimeInputAndArrival) {
  AggregateCase c;
  c.name = "LISTAGG";
  c.arguments = {Type::string()};
  c.constants = {Value{std::string("; ")}};
  c.row = [](Random& random) { return std::vector{some_text(random)}; };
  for (const bool distinct : {false, true}) {
    c.distinct = distinct;
    c.oracle = [distinct](std::span<const AggregateRow> rows) -> Value {
      const auto kept = distinct ? first_of_each(not_null(rows)) : not_null(rows);
      if (kept.empty()) return {};
      return {joined(kept, "; ")};
    };
    check_aggregate(c);
  }
}

TEST(Listagg, WithinGroupListsInThatOrderWithNullAsTheLeast) {
  for (const bool descending : {false, true}) {
    AggregateCase c;
    c.name = "LISTAGG";
    c.arguments = {Type::string(), Type::integer()};
    c.order = {{descending, descending}};
    c.row = [](Random& random) { return std::vector{some_text(random), Value{random.between(0, 5)}}; };
    c.oracle = [descending](std::span<const AggregateRow> rows) -> Value {
      const auto kept = by_key(not_null(rows), descending);
      if (kept.empty()) return {};
      return {joined(kept, ",")};
    };
    check_aggregate(c);
  }
}

std::string array_of(std::span<const AggregateRow> rows) {
  std::string out = "[";
  for (const AggregateRow& row : rows) {
    if (&row != rows.data()) out += ',';
    out += row.arguments[0].is_null() ? "null" : quoted(text(row.arguments[0]));
  }
  return out + "]";
}

TEST(ArrayAgg, ListsNullsTooAndIsNullWithoutRows) {
  AggregateCase c;
  c.name = "ARRAY_AGG";
  c.arguments = {Type::string()};
  c.row = [](Random& random) { return std::vector{some_text(random)}; };
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    if (rows.empty()) return {};
    return {array_of(rows)};
  };
  check_aggregate(c);
}

TEST(ArrayAgg, WithALimitListsTheFirstOfTheOrder) {
  for (const bool distinct : {false, true}) {
    for (const std::size_t limit : {std::size_t{1}, std::size_t{3}, std::size_t{40}}) {
      SCOPED_TRACE(std::to_string(limit) + (distinct ? " distinct" : ""));
      AggregateCase c;
      c.name = "ARRAY_AGG";
      c.arguments = {Type::string(), Type::of(TypeId::kInt)};
      c.order = {{true, true}};
      c.constants = {Value{"LIMIT " + std::to_string(limit)}};
      c.distinct = distinct;
      c.row = [](Random& random) { return std::vector{some_text(random), Value{random.between(0, 9)}}; };
      c.oracle = [distinct, limit](std::span<const AggregateRow> rows) -> Value {
        if (rows.empty()) return {};
        std::vector<AggregateRow> kept = by_key(rows, true);
        if (distinct) {  // of each text the one that comes first
          std::vector<AggregateRow> once;
          for (const AggregateRow& row : kept) {
            const bool there = std::any_of(once.begin(), once.end(), [&](const AggregateRow& other) {
              return other.arguments[0].data == row.arguments[0].data;
            });
            if (!there) once.push_back(row);
          }
          kept = once;
        }
        if (kept.size() > limit) kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(limit), kept.end());
        return {array_of(kept)};
      };
      check_aggregate(c);
    }
  }
}

TEST(ArrayAgg, KeepsOneNullWhenDistinct) {
  AggregateCase c;
  c.name = "ARRAY_AGG";
  c.arguments = {Type::string()};
  c.distinct = true;
  c.row = [](Random& random) { return std::vector{some_text(random)}; };
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    if (rows.empty()) return {};
    return {array_of(first_of_each({rows.begin(), rows.end()}))};
  };
  check_aggregate(c);
}

TEST(JsonArrayagg, LeavesNullsOutUnlessAskedAndIsNeverNull) {
  for (const bool nulls : {false, true}) {
    AggregateCase c;
    c.name = "JSON_ARRAYAGG";
    c.arguments = {Type::string()};
    if (nulls) c.constants = {Value{std::string("NULL ON NULL")}};
    c.row = [](Random& random) { return std::vector{some_text(random)}; };
    c.oracle = [nulls](std::span<const AggregateRow> rows) -> Value {
      return {nulls ? array_of(rows) : array_of(not_null(rows))};
    };
    check_aggregate(c);
  }
}

TEST(JsonObjectagg, KeepsTheLastValueOfAKeyInTheOrderOfKeys) {
  AggregateCase c;
  c.name = "JSON_OBJECTAGG";
  c.arguments = {Type::string(), Type::integer()};
  c.nulls_percent = 0;
  c.row = [](Random& random) {
    return std::vector{some_text(random), random.chance(1, 4) ? Value{} : Value{random.between(-9, 9)}};
  };
  for (const bool absent : {false, true}) {
    c.constants.clear();
    if (absent) c.constants = {Value{std::string("ABSENT ON NULL")}};
    c.oracle = [absent](std::span<const AggregateRow> rows) -> Value {
      std::map<std::string, std::string> last;
      for (const AggregateRow& row : rows) {
        const bool null = row.arguments[1].is_null();
        if (null && absent) continue;
        last[text(row.arguments[0])] = null ? "null" : std::to_string(number(row.arguments[1]));
      }
      std::string out;
      for (const auto& [key, value] : last) out += (out.empty() ? "" : ",") + quoted(key) + ":" + value;
      return {"{" + out + "}"};
    };
    check_aggregate(c);
  }
}

TEST(Collect, CountsEachValueInTheOrderOfValues) {
  for (const bool distinct : {false, true}) {
    AggregateCase c;
    c.name = "COLLECT";
    c.distinct = distinct;
    c.arguments = {Type::string()};
    c.row = [](Random& random) {
      return std::vector{random.chance(1, 2) ? some_text(random) : Value{std::to_string(random.below(99))}};
    };
    c.oracle = [distinct](std::span<const AggregateRow> rows) -> Value {
      std::map<std::string, int> counts;
      for (const AggregateRow& row : rows) ++counts[text(row.arguments[0])];
      std::string out;
      for (const auto& [value, count] : counts)
        out += (out.empty() ? "" : ",") + quoted(value) + ":" + std::to_string(distinct ? 1 : count);
      return {"{" + out + "}"};
    };
    check_aggregate(c);
  }
}

TEST(Collect, OfIntegersIsInTheOrderOfIntegers) {
  AggregateCase c;
  c.name = "COLLECT";
  c.arguments = {Type::integer()};
  c.row = [](Random& random) { return std::vector{Value{random.between(-500, 500)}}; };
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    std::map<std::int64_t, int> counts;
    for (const AggregateRow& row : rows) ++counts[number(row.arguments[0])];
    std::string out;
    for (const auto& [value, count] : counts)
      out += (out.empty() ? "\"" : ",\"") + std::to_string(value) + "\":" + std::to_string(count);
    return {"{" + out + "}"};
  };
  check_aggregate(c);
}

/// The result over one column whose rows have event times 0, 1, ….
std::string array_text(const Type& type, const std::vector<Value>& values) {
  AggregateCase c;
  c.name = "ARRAY_AGG";
  c.arguments = {type};
  Type result;
  const AggregateFunctionPtr function = function_of(c, result);
  auto arena = StateArena::create(1 << 20);
  StateTable table(*function, 1, *arena);
  OwnVector column(type.physical(), values.size());
  const Vector* columns[] = {&column.vector};
  AggregateRows rows;
  rows.arguments = columns;
  for (const Value& value : values) column.put(rows.count++, value);
  EXPECT_TRUE(function->add(rows, table.states()).has_value());
  OwnVector out(Physical::kString, 1);
  EXPECT_TRUE(function->lower(table.state(0), table.heap(), out.vector, 0).has_value());
  return text(out.get(0));
}

TEST(ArrayAgg, WritesEachTypeAsTheJsonFormatDoes) {
  EXPECT_EQ(array_text(Type::boolean(), {Value{std::int64_t{1}}, Value{}, Value{std::int64_t{0}}}),
            "[true,null,false]");
  EXPECT_EQ(array_text(Type::bigint(), {Value{std::numeric_limits<std::int64_t>::min()}}), "[-9223372036854775808]");
  EXPECT_EQ(array_text(Type::float64(), {Value{1.0}, Value{-0.0}, Value{0.1}, Value{std::nan("")}, Value{-HUGE_VAL}}),
            "[1.0,-0.0,0.1,\"NaN\",\"-Infinity\"]");
  EXPECT_EQ(array_text(Type::of(TypeId::kFloat), {Value{0.5}}), "[0.5]");
  EXPECT_EQ(array_text(Type::decimal(38, 2), {Value{Int128{-5}}, Value{Int128{12345}}}), "[-0.05,123.45]");
  EXPECT_EQ(array_text(Type::decimal(10, 0), {Value{std::int64_t{7}}}), "[7]");
  EXPECT_EQ(array_text(Type::of(TypeId::kDate), {Value{std::int64_t{-1}}}), "[\"1969-12-31\"]");
  EXPECT_EQ(array_text(Type::of(TypeId::kTime), {Value{std::int64_t{1'500'000'000}}}), "[\"00:00:01.5\"]");
  EXPECT_EQ(array_text(Type::timestamp(3), {Value{std::int64_t{1'000'000}}}), "[\"1970-01-01 00:00:00.001\"]");
  EXPECT_EQ(array_text(Type::timestamp_ltz(3), {Value{std::int64_t{0}}}), "[\"1970-01-01 00:00:00Z\"]");
  EXPECT_EQ(array_text(Type::of(TypeId::kBytes), {Value{std::string("\x01\x02\x03\xff", 4)}}), "[\"AQID/w==\"]");
  EXPECT_EQ(array_text(Type::string(), {Value{std::string("\x01\t")}}), "[\"\\u0001\\t\"]");
}

TEST(JsonObjectagg, OfANullKeyIsAnError) {
  AggregateCase c;
  c.name = "JSON_OBJECTAGG";
  c.arguments = {Type::string(), Type::integer()};
  Type result;
  const AggregateFunctionPtr function = function_of(c, result);
  auto arena = StateArena::create(1 << 20);
  StateTable table(*function, 1, *arena);
  OwnVector keys(Physical::kString, 1), values(Physical::kInt32, 1);
  keys.put(0, Value{});
  values.put(0, Value{std::int64_t{1}});
  const Vector* columns[] = {&keys.vector, &values.vector};
  AggregateRows rows;
  rows.arguments = columns;
  rows.count = 1;
  const Result<void> added = function->add(rows, table.states());
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code(), ErrorCode::kValueOutOfRange);
}

}  // namespace
}  // namespace weir
