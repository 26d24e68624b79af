// Aggregates over event time and those of the market, against exact or naive passes over the rows in order.
#include <cmath>
#include <limits>

#include "support/aggregate_harness.h"
#include "support/rational.h"
#include "weir/io/text_number.h"

namespace weir {
namespace {

using namespace test;
using testing::Integer;
using testing::nearest_double;

constexpr int kScale = 120;  // doubles drawn below are multiples of 2^-kScale
constexpr double kUlp = 0x1p-52;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
const Value kNan{std::numeric_limits<double>::quiet_NaN()};

double number(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value.data)) return static_cast<double>(*integer);
  return std::get<double>(value.data);
}
Integer exact(const Value& value) {
  return Integer::of_double(number(value), kScale);
}
bool nearly(const Value& result, const Value& expected, double tolerance) {
  if (result.is_null() || expected.is_null()) return result.is_null() && expected.is_null();
  const double a = number(result), b = number(expected);
  if (std::isnan(b)) return std::isnan(a);
  return a == b || std::fabs(a - b) <= tolerance * std::fabs(b);
}
auto within(double tolerance) {
  return [tolerance](const Value& a, const Value& b) { return nearly(a, b, tolerance); };
}
Value price(Random& random) {
  return {static_cast<double>(random.between(-100000, 100000)) / 100};
}
/// Prices, and a few infinities and NaN.
Value wild(Random& random) {
  if (random.chance(1, 40)) return {random.chance(1, 2) ? kInfinity : -kInfinity};
  return random.chance(1, 40) ? kNan : price(random);
}
bool all_finite(std::span<const AggregateRow> rows) {
  for (const AggregateRow& row : rows)
    for (const Value& value : row.arguments)
      if (!std::isfinite(number(value))) return false;
  return true;
}

AggregateCase case_of(const char* name, Value (*draw)(Random&), std::int64_t time_range = 50) {
  AggregateCase c;
  c.name = name;
  c.arguments = {Type::float64()};
  c.row = [draw](Random& random) { return std::vector{draw(random)}; };
  c.right = within(3 * kUlp);
  c.time_range = time_range;
  c.rows_max = 300;
  c.rounds = 15;
  return c;
}

TEST(TimeSeries, RateIsTheChangeASecondFromTheFirstToTheLastRow) {
  for (const std::int64_t range : {std::int64_t{1}, std::int64_t{50}, std::numeric_limits<std::int64_t>::max()}) {
    AggregateCase c = case_of("RATE", price, range);
    c.oracle = [](std::span<const AggregateRow> rows) -> Value {
      if (rows.empty() || rows.front().order.event_time == rows.back().order.event_time) return {};
      const Integer change = exact(rows.back().arguments[0]) - exact(rows.front().arguments[0]);
      const Integer time = Integer(rows.back().order.event_time) - Integer(rows.front().order.event_time);
      return {nearest_double(change * Integer(1'000'000'000), time, -kScale)};
    };
    check_aggregate(c);
  }
}

TEST(TimeSeries, IncreaseTakesStepsDownForResets) {
  AggregateCase c = case_of("INCREASE", [](Random& random) { return Value{std::int64_t{random.between(0, 20)}}; });
  c.arguments = {Type::bigint()};
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    if (rows.size() < 2) return {};
    std::int64_t total = 0;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      const auto value = std::get<std::int64_t>(rows[i].arguments[0].data);
      const auto before = std::get<std::int64_t>(rows[i - 1].arguments[0].data);
      total += value < before ? value : value - before;
    }
    return {static_cast<double>(total)};
  };
  check_aggregate(c);

  AggregateCase special = case_of("INCREASE", wild);
  special.oracle = [](std::span<const AggregateRow> rows) -> Value {
    if (rows.size() < 2) return {};
    Integer total;
    double other = 0;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      const double value = number(rows[i].arguments[0]), before = number(rows[i - 1].arguments[0]);
      if (!std::isfinite(value) || !std::isfinite(before))
        other += value < before ? value : value - before;
      else
        total = total + Integer::of_double(value, kScale) -
                (value < before ? Integer() : Integer::of_double(before, kScale));
    }
    return {std::isfinite(other) ? other + nearest_double(total, Integer(1), -kScale) : other};
  };
  special.right = [](const Value& a, const Value& b) {
    return nearly(a, b, 1e-9);  // finite values among infinite ones are added with rounding in the oracle
  };
  check_aggregate(special);
}

TEST(TimeSeries, TwapHoldsEachPriceUntilTheNextRow) {
  for (const std::int64_t range : {std::int64_t{0}, std::int64_t{20}, std::numeric_limits<std::int64_t>::max()}) {
    AggregateCase c = case_of("TWAP", price, range);
    c.oracle = [](std::span<const AggregateRow> rows) -> Value {
      if (rows.empty()) return {};
      const std::int64_t first = rows.front().order.event_time, last = rows.back().order.event_time;
      if (first == last) return rows.back().arguments[0];
      Integer sum;
      for (std::size_t i = 1; i < rows.size(); ++i)
        sum = sum + exact(rows[i - 1].arguments[0]) *
                        (Integer(rows[i].order.event_time) - Integer(rows[i - 1].order.event_time));
      return {nearest_double(sum, Integer(last) - Integer(first), -kScale)};
    };
    check_aggregate(c);
  }
}

TEST(TimeSeries, SlopeIsThatOfTheLeastSquaresLineASecond) {
  for (const std::int64_t range : {std::int64_t{1}, std::int64_t{50}, std::numeric_limits<std::int64_t>::max()}) {
    AggregateCase c = case_of("SLOPE", wild, range);
    c.rows_max = 100;
    c.oracle = [](std::span<const AggregateRow> rows) -> Value {
      const Integer n(static_cast<std::int64_t>(rows.size()));
      const bool finite = all_finite(rows);
      Integer t, tt, x, tx;
      for (const AggregateRow& row : rows) {
        const Integer time(row.order.event_time), value = finite ? exact(row.arguments[0]) : Integer();
        t = t + time;
        tt = tt + time * time;
        x = x + value;
        tx = tx + time * value;
      }
      const Integer spread = n * tt - t * t;
      if (spread.is_zero()) return {};
      return finite ? Value{nearest_double((n * tx - t * x) * Integer(1'000'000'000), spread, -kScale)} : kNan;
    };
    check_aggregate(c);
  }
}

/// Weights of EMA as doubles, by its definition; rows without weight are left out.
struct Weighted {
  std::vector<std::pair<double, double>> rows;  // weight, value

  Weighted(std::span<const AggregateRow> all, std::int64_t half_life) {
    std::int64_t latest = 0;
    for (const AggregateRow& row : all) latest = std::max(latest, row.order.event_time / (64 * half_life));
    for (const AggregateRow& row : all) {
      const std::int64_t epoch = row.order.event_time / (64 * half_life);
      if (latest - epoch > 1) continue;
      const std::int64_t age = row.order.event_time - epoch * 64 * half_life;
      const double weight = std::exp2(static_cast<double>(age) / static_cast<double>(half_life));
      rows.emplace_back(std::ldexp(weight, latest == epoch ? 0 : -64), number(row.arguments[0]));
    }
  }
};

constexpr std::int64_t kRanges[] = {0, 5'000, 100'000, 1'000'000};

TEST(TimeSeries, EmaIsTheMeanWithWeightsThatHalveByAge) {
  for (const std::int64_t range : kRanges) {
    AggregateCase c = case_of("EMA", price, range);
    c.constants = {Value{1e-6}};
    c.rows_max = 100;
    c.oracle = [](std::span<const AggregateRow> rows) -> Value {
      if (rows.empty()) return {};
      Integer weights, sum;
      for (const auto& [weight, value] : Weighted(rows, 1000).rows) {
        weights = weights + Integer::of_double(weight, kScale);
        sum = sum + Integer::of_double(weight, kScale) * Integer::of_double(value, kScale);
      }
      return {nearest_double(sum, weights, -kScale)};
    };
    check_aggregate(c);
  }
}

TEST(TimeSeries, WeightedVarianceIsThatOfExactSums) {
  for (const bool root : {false, true}) {
    for (const std::int64_t range : kRanges) {
      AggregateCase c = case_of(root ? "EW_STDDEV" : "EW_VAR", price, range);
      c.constants = {Value{1e-6}};
      c.rows_max = 100;
      c.oracle = [root](std::span<const AggregateRow> rows) -> Value {
        if (rows.empty()) return {};
        Integer w, wx, wxx;
        for (const auto& [weight, value] : Weighted(rows, 1000).rows) {
          const Integer a = Integer::of_double(weight, kScale), x = Integer::of_double(value, kScale);
          w = w + a;
          wx = wx + a * x;
          wxx = wxx + a * x * x;
        }
        const double variance = nearest_double(w * wxx - wx * wx, w * w, -2 * kScale);
        return {root ? std::sqrt(variance) : variance};
      };
      check_aggregate(c);
    }
  }
}

TEST(TimeSeries, EmaOfNewRowsForgetsThoseOf64HalfLivesBefore) {
  AggregateCase c = case_of("EMA", price);
  c.constants = {Value{std::int64_t{1}}};  // a second
  Type result;
  const AggregateFunctionPtr ema = function_of(c, result);
  StateArena arena = std::move(StateArena::create(1 << 20).value());
  StateTable table(*ema, 1, arena);
  const auto add = [&](std::int64_t seconds, double value) {
    OwnVector values(Physical::kDouble, 1), times(Physical::kInt64, 1), out(Physical::kDouble, 1);
    values.put(0, Value{value});
    times.put(0, Value{seconds * 1'000'000'000});
    const Vector* arguments[] = {&values.vector};
    AggregateRows rows;
    rows.arguments = arguments;
    rows.event_times = &times.vector;
    rows.count = 1;
    EXPECT_TRUE(ema->add(rows, table.states()).has_value());
    EXPECT_TRUE(ema->lower(table.state(0), table.heap(), out.vector, 0).has_value());
    return number(out.get(0));
  };
  EXPECT_EQ(add(0, 8), 8);
  EXPECT_EQ(add(1, 2), 4);          // (8/2 + 2) / (1/2 + 1)
  EXPECT_EQ(add(-1, 0), 6 / 1.75);  // (8/2 + 2) / (1/4 + 1/2 + 1)
  EXPECT_EQ(add(1'000'000'000, 7), 7);
  EXPECT_EQ(add(1, 100), 7);  // too late to count
  EXPECT_EQ(add(-1'000'000'000, 100), 7);
}

TEST(TimeSeries, EmaTakesAHalfLifeThatIsPositive) {
  const Type type = Type::float64();
  for (const Value& value :
       {Value{0.0}, Value{-1.0}, Value{std::int64_t{0}}, Value{kInfinity}, kNan, Value{std::string("1")}}) {
    const Result<Type> resolved = find_aggregate("EMA")->resolve(std::span(&type, 1), std::span(&value, 1));
    ASSERT_FALSE(resolved.has_value());
    EXPECT_EQ(resolved.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(Market, VwapWeighsPricesByVolume) {
  AggregateCase c = case_of("VWAP", price);
  c.arguments = {Type::float64(), Type::integer()};
  c.row = [](Random& random) { return std::vector{wild(random), Value{std::int64_t{random.between(0, 3)}}}; };
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    Integer volume, sum;
    double other = 0;
    for (const AggregateRow& row : rows) {
      const auto weight = std::get<std::int64_t>(row.arguments[1].data);
      volume = volume + Integer(weight);
      const double value = number(row.arguments[0]);
      if (std::isfinite(value))
        sum = sum + exact(row.arguments[0]) * Integer(weight);
      else
        other += value * static_cast<double>(weight);
    }
    if (!std::isfinite(other)) return {other / nearest_double(volume)};
    return volume.is_zero() ? Value{} : Value{nearest_double(sum, volume, -kScale)};
  };
  check_aggregate(c);
}

template <class Text>
void check_ohlc(const Type& type, const std::function<Value(Random&)>& draw, Text text) {
  AggregateCase c;
  c.name = "OHLC";
  c.arguments = {type};
  c.row = [&](Random& random) { return std::vector{draw(random)}; };
  c.oracle = [&](std::span<const AggregateRow> rows) -> Value {
    if (rows.empty()) return {};
    const auto less = [](const AggregateRow& a, const AggregateRow& b) {
      return number(a.arguments[0]) < number(b.arguments[0]);
    };
    const auto [low, high] = std::minmax_element(rows.begin(), rows.end(), less);
    return {"{\"open\":" + text(rows.front()) + ",\"high\":" + text(*high) + ",\"low\":" + text(*low) +
            ",\"close\":" + text(rows.back()) + "}"};
  };
  check_aggregate(c);
}

TEST(Market, OhlcIsAJsonTextOfFourPrices) {
  check_ohlc(
      Type::bigint(), [](Random& random) { return Value{std::int64_t{random.between(-1000, 1000)}}; },
      [](const AggregateRow& row) { return std::to_string(std::get<std::int64_t>(row.arguments[0].data)); });
  check_ohlc(
      Type::decimal(10, 2), [](Random& random) { return Value{std::int64_t{random.between(-1000, 1000)}}; },
      [](const AggregateRow& row) {
        char out[64];
        std::snprintf(out, sizeof out, "%.2f",
                      static_cast<double>(std::get<std::int64_t>(row.arguments[0].data)) / 100);
        return std::string(out);
      });
  check_ohlc(Type::float64(), price, [](const AggregateRow& row) {
    char out[64];
    return std::string(out, format_double(number(row.arguments[0]), out));
  });
}

}  // namespace
}  // namespace weir
