// Exact quantiles, MODE, TOP_K, HISTOGRAM, RESERVOIR_SAMPLE and the sketches as aggregate functions, against passes
// over the rows.
#include <cmath>
#include <map>
#include <set>

#include "aggregates/order_key.h"
#include "aggregates/reservoir.h"
#include "sketch_support.h"
#include "support/aggregate_harness.h"
#include "weir/io/text_number.h"

namespace weir {
namespace {

using namespace test;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

double number(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value.data)) return static_cast<double>(*whole);
  if (const auto* wide = std::get_if<Int128>(&value.data)) return static_cast<double>(*wide) / 100;
  return std::get<double>(value.data);
}

std::vector<double> sorted_numbers(std::span<const AggregateRow> rows) {
  std::vector<double> values;
  for (const AggregateRow& row : rows) values.push_back(number(row.arguments[0]));
  std::sort(values.begin(), values.end(), [](double a, double b) { return order_key(a) < order_key(b); });
  return values;
}

/// Few different values and many, with the edges of doubles among them.
std::vector<Value> draw_double(Random& random) {
  const double special[] = {kNan, kInf, -kInf, 0.0, -0.0, 5e-324, 1e300, -1e300};
  if (random.chance(1, 20)) return {Value{special[random.below(8)]}};
  if (random.chance(1, 2)) return {Value{static_cast<double>(random.below(5))}};
  return {Value{1000 * random.unit() - 500}};
}

// Percents, so that the rank's formula stays in whole numbers.
AggregateCase percentile_case(std::int64_t percent) {
  AggregateCase c;
  c.name = "PERCENTILE";
  c.arguments = {Type::float64()};
  c.constants = {Value{static_cast<double>(percent) / 100}};
  c.row = draw_double;
  c.oracle = [percent](std::span<const AggregateRow> rows) -> Value {
    if (rows.empty()) return {};
    const std::vector<double> values = sorted_numbers(rows);
    const auto place = percent * static_cast<std::int64_t>(values.size() - 1);
    const double low = values[static_cast<std::size_t>(place / 100)];
    if (place % 100 == 0) return {low};
    const double high = values[static_cast<std::size_t>(place / 100 + 1)];
    if (low == high) return {low};
    return {low + (high - low) * (static_cast<double>(place % 100) / 100)};
  };
  c.right = [](const Value& result, const Value& expected) {
    if (result.is_null() || expected.is_null()) return result.is_null() && expected.is_null();
    const double a = std::get<double>(result.data), b = std::get<double>(expected.data);
    if (std::isnan(b)) return std::isnan(a) || std::isinf(a);  // between -infinity and NaN, or the two infinities
    return a == b || std::abs(a - b) <= 1e-15 * std::abs(b);
  };
  c.rounds = 15;
  return c;
}

TEST(Percentile, EqualsTheValueInOrder) {
  for (const std::int64_t percent : {0, 1, 25, 50, 95, 99, 100}) check_aggregate(percentile_case(percent));
}

TEST(Percentile, OfDecimalsAndIntegersIsADouble) {
  for (const int kind : {0, 1, 2}) {
    AggregateCase c = percentile_case(30);
    c.arguments = {kind == 0 ? Type::decimal(12, 2) : kind == 1 ? Type::decimal(30, 2) : Type::integer()};
    c.row = [kind](Random& random) -> std::vector<Value> {
      if (kind == 1) return {Value{Int128{random.between(-500, 500)} * 1'000'000'000'000}};
      return {Value{random.between(-500, 500)}};
    };
    if (kind == 0) {
      // DECIMAL(12, 2) stands in int64 as hundredths.
      const auto inner = c.oracle;
      c.oracle = [inner](std::span<const AggregateRow> rows) -> Value {
        std::vector<AggregateRow> scaled(rows.begin(), rows.end());
        for (AggregateRow& row : scaled) row.arguments[0] = Value{number(row.arguments[0]) / 100};
        return inner(scaled);
      };
    }
    check_aggregate(c);
  }
}

TEST(Median, IsThePercentileOfAHalf) {
  AggregateCase c = percentile_case(50);
  c.name = "MEDIAN";
  c.constants.clear();
  check_aggregate(c);
}

TEST(PercentileCont, DescendingCountsFromTheGreatest) {
  AggregateCase c = percentile_case(75);
  c.name = "PERCENTILE_CONT";
  c.constants = {Value{0.25}};
  AggregateOrder descending;
  descending.descending = true;
  c.order = {descending};
  // Finite values, and quarters of them: 0.25 from one end is 0.75 from the other.
  c.row = [](Random& random) { return std::vector{Value{static_cast<double>(random.between(-50, 50))}}; };
  check_aggregate(c);
}

TEST(PercentileDisc, GivesTheFirstValueThatReachesTheFraction) {
  for (const bool descending : {false, true}) {
    for (const std::int64_t percent : {0, 1, 50, 55, 70, 100}) {
      AggregateCase c;
      c.name = "PERCENTILE_DISC";
      c.arguments = {Type::string()};
      c.constants.assign(1, Value{static_cast<double>(percent) / 100});
      AggregateOrder order;
      order.descending = descending;
      c.order = {order};
      c.row = [](Random& random) {
        const std::string letter(1, static_cast<char>('a' + random.below(26)));
        return std::vector{Value{random.chance(1, 2) ? letter : letter + " and more than inline"}};
      };
      c.oracle = [percent, descending](std::span<const AggregateRow> rows) -> Value {
        if (rows.empty()) return {};
        std::vector<std::string> values;
        for (const AggregateRow& row : rows) values.push_back(std::get<std::string>(row.arguments[0].data));
        std::sort(values.begin(), values.end());
        if (descending) std::reverse(values.begin(), values.end());
        for (std::size_t i = 0; i < values.size(); ++i)
          if (100 * (i + 1) >= static_cast<std::size_t>(percent) * values.size()) return {values[i]};
        return {values.back()};
      };
      c.rounds = 8;
      check_aggregate(c);
    }
  }
}

TEST(PercentileDisc, KeepsTheTypeOfItsValue) {
  for (const Type& type : {Type::of(TypeId::kTinyInt), Type::of(TypeId::kDate), Type::timestamp(3), Type::boolean(),
                           Type::of(TypeId::kFloat), Type::decimal(38, 2)}) {
    AggregateCase c;
    c.name = "PERCENTILE_DISC";
    c.arguments = {type};
    c.constants = {Value{0.5}};
    const bool real = type.is_float();
    const bool wide = type.physical() == Physical::kInt128;
    c.row = [real, wide, small = type.id == TypeId::kBoolean](Random& random) -> std::vector<Value> {
      const std::int64_t whole = small ? random.between(0, 1) : random.between(-100, 100);
      if (real) return {Value{static_cast<double>(whole) / 4}};
      if (wide) return {Value{Int128{whole} << 70}};
      return {Value{whole}};
    };
    c.oracle = [](std::span<const AggregateRow> rows) -> Value {
      if (rows.empty()) return {};
      std::vector<Value> values;
      for (const AggregateRow& row : rows) values.push_back(row.arguments[0]);
      std::sort(values.begin(), values.end(), [](const Value& a, const Value& b) { return a.data < b.data; });
      return values[(values.size() + 1) / 2 - 1];
    };
    c.rounds = 6;
    check_aggregate(c);
  }
}

TEST(Percentile, RefusesFractionsOutsideAndValuesThatAreNoNumbers) {
  const AggregateDefinitionPtr definition = find_aggregate("PERCENTILE");
  ASSERT_NE(definition, nullptr);
  AggregateCallInfo call{"PERCENTILE", {Type::float64()}, {Value{1.5}}, {}, false, Type::float64()};
  const Result<AggregateFunctionPtr> made = definition->make(call);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(made.error().message().find("from 0 to 1, not 1.5"), std::string_view::npos) << made.error().message();
  const Type text = Type::string();
  EXPECT_EQ(definition->resolve(std::span(&text, 1), {}).error().code(), ErrorCode::kSqlType);
}

std::string draw_word(Random& random) {
  static const char* const kWords[] = {"a", "b", "\"quoted\"", "a line\nbreak and more",
                                       "a long value that is not inline"};
  if (random.chance(1, 3)) return "word number " + std::to_string(random.below(100));
  return kWords[random.below(5)];
}

std::map<std::string, std::int64_t> word_counts(std::span<const AggregateRow> rows) {
  std::map<std::string, std::int64_t> counts;
  for (const AggregateRow& row : rows) ++counts[std::get<std::string>(row.arguments[0].data)];
  return counts;
}

TEST(Mode, IsTheMostFrequentAndOfThoseTheLeast) {
  AggregateCase c;
  c.name = "MODE";
  c.arguments = {Type::string()};
  c.row = [](Random& random) { return std::vector{Value{draw_word(random)}}; };
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    if (rows.empty()) return {};
    const std::map<std::string, std::int64_t> counts = word_counts(rows);
    auto best = counts.begin();
    for (auto at = counts.begin(); at != counts.end(); ++at)
      if (at->second > best->second) best = at;
    return {best->first};
  };
  check_aggregate(c);
}

/// The text of top_k.cc, from a map. `more` is added to each count, and stands there as the error where not negative.
std::string top_text(const std::map<std::string, std::int64_t>& counts, std::size_t k) {
  std::vector<std::pair<std::int64_t, std::string>> sorted;
  for (const auto& [word, count] : counts) sorted.emplace_back(-count, word);
  std::sort(sorted.begin(), sorted.end());
  sorted.resize(std::min(k, sorted.size()));
  std::string text = "[";
  for (const auto& [count, word] : sorted) {
    std::string escaped;
    for (const char byte : word) {
      if (byte == '"') escaped += '\\';
      escaped += byte == '\n' ? "\\u000a" : std::string(1, byte);
    }
    text += (text.size() == 1 ? "" : ",");
    text += "{\"value\":\"" + escaped + "\",\"count\":" + std::to_string(-count) + "}";
  }
  return text + "]";
}

TEST(TopK, ListsTheMostFrequentWithTheirCounts) {
  for (const std::int64_t k : {1, 3, 1000}) {
    AggregateCase c;
    c.name = "TOP_K";
    c.arguments = {Type::string()};
    c.constants = {Value{k}};
    c.row = [](Random& random) { return std::vector{Value{draw_word(random)}}; };
    c.oracle = [k](std::span<const AggregateRow> rows) -> Value {
      if (rows.empty()) return {};
      return {top_text(word_counts(rows), static_cast<std::size_t>(k))};
    };
    c.rounds = 15;
    check_aggregate(c);
  }
}

TEST(TopK, WritesNumbersAndTimesAsJson) {
  const auto top_of = [](const Type& type, const Value& value) {
    AggregateCase c;
    c.name = "TOP_K";
    c.arguments = {type};
    c.constants = {Value{std::int64_t{1}}};
    Type result;
    const AggregateFunctionPtr function = function_of(c, result);
    OwnHeap memory;
    OwnVector in(type.physical(), 1), out(Physical::kString, 1);
    in.put(0, value);
    const Vector* columns[] = {&in.vector};
    AggregateRows rows;
    rows.arguments = columns;
    rows.count = 1;
    std::vector<std::uint64_t> state(function->state_bytes() / 8);
    auto* bytes = reinterpret_cast<std::byte*>(state.data());
    function->initialize(bytes);
    EXPECT_TRUE(function->add(rows, {bytes, function->state_bytes(), &memory.heap}).has_value());
    EXPECT_TRUE(function->lower(bytes, memory.heap, out.vector, 0).has_value());
    std::string text = std::get<std::string>(out.get(0).data);
    function->release(bytes, memory.heap);
    EXPECT_EQ(memory.heap.bytes_taken(), 0u);
    return text.substr(10, text.size() - 10 - std::string_view(",\"count\":1}]").size());
  };
  EXPECT_EQ(top_of(Type::boolean(), {std::int64_t{1}}), "true");
  EXPECT_EQ(top_of(Type::bigint(), {std::int64_t{-7}}), "-7");
  EXPECT_EQ(top_of(Type::float64(), {0.25}), "0.25");
  EXPECT_EQ(top_of(Type::float64(), {kNan}), "\"NaN\"");
  EXPECT_EQ(top_of(Type::float64(), {-kInf}), "\"-Infinity\"");
  EXPECT_EQ(top_of(Type::decimal(10, 2), {std::int64_t{-105}}), "-1.05");
  EXPECT_EQ(top_of(Type::decimal(38, 2), {Int128{105}}), "1.05");
  EXPECT_EQ(top_of(Type::of(TypeId::kDate), {std::int64_t{1}}), "\"1970-01-02\"");
  EXPECT_EQ(top_of(Type::timestamp(3), {std::int64_t{1'500'000'000}}), "\"1970-01-01 00:00:01.500\"");
  EXPECT_EQ(top_of(Type::timestamp_ltz(3), {std::int64_t{0}}), "\"1970-01-01 00:00:00.000Z\"");
}

TEST(ApproxTopK, IsExactWhileItsCountersSuffice) {
  AggregateCase c;
  c.name = "APPROX_TOP_K";
  c.arguments = {Type::string()};
  c.constants = {Value{std::int64_t{3}}};
  c.row = [](Random& random) { return std::vector{Value{draw_word(random)}}; };
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    if (rows.empty()) return {};
    std::string text = top_text(word_counts(rows), 3);
    std::string with_error;
    for (const char byte : text) with_error += byte == '}' ? std::string(",\"error\":0}") : std::string(1, byte);
    return {with_error};
  };
  check_aggregate(c);
}

// Every count that it names holds the true one, and every value above the error is named.
TEST(ApproxTopK, KeepsItsBoundForManyValues) {
  constexpr std::int64_t kCounters = 20;
  AggregateCase c;
  c.name = "APPROX_TOP_K";
  c.arguments = {Type::bigint()};
  c.constants = {Value{std::int64_t{1000}}, Value{kCounters}};
  c.row = [](Random& random) {
    const std::uint64_t width = std::uint64_t{1} << random.below(9);
    return std::vector{Value{static_cast<std::int64_t>(random.below(width))}};
  };
  c.same_for_every_plan = false;
  c.rows_max = 2000;
  // The oracle's value is all true counts; `right` reads the result against them.
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    std::map<std::int64_t, std::int64_t> counts;
    for (const AggregateRow& row : rows) ++counts[std::get<std::int64_t>(row.arguments[0].data)];
    std::string text;
    for (const auto& [value, count] : counts) text += std::to_string(value) + " " + std::to_string(count) + "\n";
    return counts.empty() ? Value{} : Value{text};
  };
  c.right = [](const Value& result, const Value& expected) {
    if (result.is_null() || expected.is_null()) return result.is_null() && expected.is_null();
    std::map<std::int64_t, std::int64_t> counts;
    std::int64_t rows = 0, value = 0, count = 0, error = 0;
    const std::string& truth = std::get<std::string>(expected.data);
    for (std::size_t at = 0; at < truth.size(); at = truth.find('\n', at) + 1) {
      std::sscanf(truth.c_str() + at, "%ld %ld", &value, &count);
      counts[value] = count;
      rows += count;
    }
    const std::string& text = std::get<std::string>(result.data);
    bool right = true;
    std::set<std::int64_t> named;
    for (std::size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1)) {
      right = right &&
              std::sscanf(text.c_str() + at, R"({"value":%ld,"count":%ld,"error":%ld})", &value, &count, &error) == 3;
      right = right && counts[value] <= count && counts[value] >= count - error && 2 * rows >= error * kCounters;
      named.insert(value);
    }
    for (const auto& [each, times] : counts) right = right && (times <= error || named.contains(each) || named.empty());
    return right;
  };
  check_aggregate(c);
}

TEST(Histogram, CountsEachPartOfItsRange) {
  AggregateCase c;
  c.name = "HISTOGRAM";
  c.arguments = {Type::float64()};
  c.constants = {Value{-2.0}, Value{std::int64_t{3}}, Value{std::int64_t{5}}};
  c.row = [](Random& random) -> std::vector<Value> {
    const double special[] = {kNan, kInf, -kInf, -2, 3, std::nextafter(3.0, 0.0), std::nextafter(-2.0, -3.0), 0};
    if (random.chance(1, 5)) return {Value{special[random.below(8)]}};
    return {Value{8 * random.unit() - 4}};
  };
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    std::int64_t counts[7] = {};
    for (const AggregateRow& row : rows) {
      const double value = number(row.arguments[0]);
      std::size_t place = 6;
      for (std::size_t i = 0; i <= 5; ++i) {
        if (value < static_cast<double>(i) - 2) {
          place = i;
          break;
        }
      }
      ++counts[place];
    }
    if (rows.empty()) return {};
    std::string text = "{\"below\":" + std::to_string(counts[0]) + ",\"counts\":[";
    for (int i = 1; i <= 5; ++i) text += std::to_string(counts[i]) + (i == 5 ? "" : ",");
    return {text + "],\"above\":" + std::to_string(counts[6]) + "}"};
  };
  check_aggregate(c);
}

TEST(Histogram, RefusesARangeWithoutWidthAndTooManyBuckets) {
  const AggregateDefinitionPtr definition = find_aggregate("HISTOGRAM");
  ASSERT_NE(definition, nullptr);
  const auto code_of = [&](double low, double high, std::int64_t buckets) {
    const AggregateCallInfo call{"HISTOGRAM", {Type::float64()}, {Value{low}, Value{high}, Value{buckets}}, {},
                                 false,       Type::string()};
    const Result<AggregateFunctionPtr> made = definition->make(call);
    return made ? std::string() : std::string(error_code_name(made.error().code()));
  };
  EXPECT_EQ(code_of(0, 1, 4096), "");
  EXPECT_EQ(code_of(0, 1, 4097), "InvalidArgument");
  EXPECT_EQ(code_of(0, 1, 0), "InvalidArgument");
  EXPECT_EQ(code_of(1, 1, 4), "InvalidArgument");
  EXPECT_EQ(code_of(2, 1, 4), "InvalidArgument");
  EXPECT_EQ(code_of(kNan, 1, 4), "InvalidArgument");
}

TEST(ReservoirSample, IsTheRowsWithTheLeastNumbersInOrderOfArrival) {
  for (const std::int64_t size : {1, 10, 1000}) {
    AggregateCase c;
    c.name = "RESERVOIR_SAMPLE";
    c.arguments = {Type::string()};
    c.constants = {Value{size}};
    c.row = [](Random& random) {
      return std::vector{Value{std::string(random.below(30), static_cast<char>('a' + random.below(26)))}};
    };
    c.oracle = [size](std::span<const AggregateRow> rows) -> Value {
      std::vector<std::pair<std::uint64_t, const AggregateRow*>> all;
      for (const AggregateRow& row : rows) all.emplace_back(reservoir_number(row.order.arrival), &row);
      std::sort(all.begin(), all.end());
      all.resize(std::min<std::size_t>(all.size(), static_cast<std::size_t>(size)));
      std::sort(all.begin(), all.end(),
                [](const auto& a, const auto& b) { return a.second->order.arrival < b.second->order.arrival; });
      std::string text = "[";
      for (const auto& [random, row] : all)
        text += (text.size() == 1 ? "\"" : ",\"") + std::get<std::string>(row->arguments[0].data) + "\"";
      return all.empty() ? Value{} : Value{text + "]"};
    };
    check_aggregate(c);
  }
}

AggregateCase approximate_case(const char* method, double accuracy) {
  AggregateCase c;
  c.name = "APPROX_PERCENTILE";
  c.arguments = {Type::float64()};
  c.constants = {Value{0.9}, Value{std::string(method)}};
  c.row = draw_double;
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    if (rows.empty()) return {};
    const std::vector<double> values = sorted_numbers(rows);
    return {values[static_cast<std::size_t>(0.9 * static_cast<double>(values.size() - 1))]};
  };
  c.right = [accuracy](const Value& result, const Value& expected) {
    if (result.is_null() || expected.is_null()) return result.is_null() && expected.is_null();
    const double a = std::get<double>(result.data), b = std::get<double>(expected.data);
    if (std::isnan(b)) return std::isnan(a);
    return a == b || std::abs(a - b) <= accuracy * std::abs(b) * (1 + 1e-12) + 3e-308;
  };
  return c;
}

TEST(ApproxPercentile, DdSketchIsWithinItsAccuracyAndTheSameForEveryPlan) {
  AggregateCase c = approximate_case("ddsketch", 0.01);
  check_aggregate(c);
  c.constants.resize(1);
  check_aggregate(c);
  c.constants = {Value{0.9}, Value{std::string("ddsketch")}, Value{0.05}};
  c.right = approximate_case("", 0.05).right;
  c.arguments = {Type::integer()};
  c.row = [](Random& random) { return std::vector{Value{random.between(-1'000'000, 1'000'000)}}; };
  check_aggregate(c);
}

TEST(ApproxPercentile, KllAndReservoirAreExactWhileAllValuesFit) {
  AggregateCase kll = approximate_case("kll", 0);
  kll.constants.push_back(Value{std::int64_t{1000}});
  check_aggregate(kll);
  check_aggregate(approximate_case("reservoir", 0));
}

TEST(ApproxPercentile, AReservoirOfFewRowsIsTheSameForEveryPlan) {
  AggregateCase c = approximate_case("reservoir", 0);
  c.constants.push_back(Value{std::int64_t{20}});
  c.right = [](const Value& result, const Value& expected) { return result.is_null() == expected.is_null(); };
  check_aggregate(c);
}

TEST(ApproxPercentile, TDigestAndKllOfFewItemsLieBetweenTheLeastAndTheGreatest) {
  for (const char* method : {"tdigest", "kll"}) {
    AggregateCase c = approximate_case(method, 0);
    c.constants.push_back(Value{std::int64_t{50}});
    c.same_for_every_plan = false;
    c.row = [](Random& random) { return std::vector{Value{1000 * random.unit()}}; };
    c.rows_max = 3000;
    c.rounds = 15;
    // Uniform values: the error of the value is the error of the rank.
    c.right = [](const Value& result, const Value& expected) {
      if (result.is_null() || expected.is_null()) return result.is_null() && expected.is_null();
      return std::abs(std::get<double>(result.data) - std::get<double>(expected.data)) <= 250;
    };
    check_aggregate(c);
  }
}

TEST(ApproxPercentile, RefusesMethodsAndAccuraciesThatItHasNot) {
  const AggregateDefinitionPtr definition = find_aggregate("approx_quantile");
  ASSERT_NE(definition, nullptr);
  for (const std::vector<Value>& constants :
       std::vector<std::vector<Value>>{{Value{0.5}, Value{std::string("gk")}},
                                       {Value{-0.5}},
                                       {Value{0.5}, Value{std::string("ddsketch")}, Value{0.6}},
                                       {Value{0.5}, Value{std::string("kll")}, Value{std::int64_t{5000}}},
                                       {Value{0.5}, Value{std::string("kll")}, Value{200.5}},
                                       {Value{std::string("half")}}}) {
    const AggregateCallInfo call{"APPROX_QUANTILE", {Type::float64()}, constants, {}, false, Type::float64()};
    const Result<AggregateFunctionPtr> made = definition->make(call);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(ApproxCountDistinct, CountsFewValuesOfEveryTypeExactlyForEveryPlan) {
  for (const Type& type : {Type::of(TypeId::kTinyInt), Type::of(TypeId::kSmallInt), Type::integer(), Type::bigint(),
                           Type::float64(), Type::of(TypeId::kFloat), Type::decimal(38, 2), Type::string()}) {
    AggregateCase c;
    c.name = "APPROX_COUNT_DISTINCT";
    c.arguments = {type};
    c.row = [type](Random& random) -> std::vector<Value> {
      const std::int64_t whole = random.between(-40, 40);
      if (type.is_string()) return {Value{(whole % 2 == 0 ? "a longer text, number " : "") + std::to_string(whole)}};
      if (type.is_float()) return {Value{whole == 0 && random.chance(1, 2) ? -0.0 : static_cast<double>(whole)}};
      if (type.physical() == Physical::kInt128) return {Value{Int128{whole} << 60}};
      return {Value{whole}};
    };
    c.oracle = [](std::span<const AggregateRow> rows) -> Value {
      std::set<std::variant<std::monostate, std::int64_t, double, Int128, std::string>> values;
      for (const AggregateRow& row : rows) values.insert(row.arguments[0].data);
      return {static_cast<std::int64_t>(values.size())};
    };
    c.rounds = 10;
    check_aggregate(c);
  }
}

TEST(ApproxCountDistinct, RegistersAreTheSameForEveryPlan) {
  AggregateCase c;
  c.name = "APPROX_COUNT_DISTINCT";
  c.arguments = {Type::bigint()};
  c.constants = {Value{std::int64_t{8}}};
  c.row = [](Random& random) { return std::vector{Value{static_cast<std::int64_t>(random.below(2000))}}; };
  c.rows_max = 3000;
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    std::set<std::int64_t> values;
    for (const AggregateRow& row : rows) values.insert(std::get<std::int64_t>(row.arguments[0].data));
    return {static_cast<std::int64_t>(values.size())};
  };
  // Five standard errors of 256 registers.
  c.right = [](const Value& result, const Value& expected) {
    const double exact = number(expected);
    return std::abs(number(result) - exact) <= 5 * 0.065 * exact + 0.5;
  };
  check_aggregate(c);
}

}  // namespace
}  // namespace weir
