// Variances, correlations, regressions and shapes against quotients of integers of any size.
#include <cmath>
#include <limits>

#include "support/aggregate_harness.h"
#include "support/rational.h"

namespace weir {
namespace {

using namespace test;
using testing::Integer;
using testing::nearest_double;

/// Values as multiples of 2^-kScale; draws below keep to that.
constexpr int kScale = 120;

double number(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value.data)) return static_cast<double>(*integer);
  return std::get<double>(value.data);
}
Integer exact(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value.data)) return Integer(*integer).shifted_left(kScale);
  return Integer::of_double(std::get<double>(value.data), kScale);
}

/// Sums of powers and products, in units of 2^-kScale, 2^-2 kScale, ….
struct Sums {
  Integer n, y, x, xx, yy, xy, y3, y4;
  bool finite_x = true, finite_y = true;

  explicit Sums(std::span<const AggregateRow> rows) : n(static_cast<std::int64_t>(rows.size())) {
    for (const AggregateRow& row : rows) {
      finite_y = finite_y && std::isfinite(number(row.arguments[0]));
      if (row.arguments.size() > 1) finite_x = finite_x && std::isfinite(number(row.arguments[1]));
    }
    for (const AggregateRow& row : rows) {
      const bool two = row.arguments.size() > 1;
      const Integer b = finite_y ? exact(row.arguments[0]) : Integer();
      const Integer a = two && finite_x ? exact(row.arguments[1]) : Integer();
      y = y + b;
      yy = yy + b * b;
      y3 = y3 + b * b * b;
      y4 = y4 + b * b * b * b;
      x = x + a;
      xx = xx + a * a;
      xy = xy + a * b;
    }
  }
  Integer spread_y() const { return n * yy - y * y; }
  Integer spread_x() const { return n * xx - x * x; }
  Integer spread_xy() const { return n * xy - x * y; }
};

using Formula = std::function<Value(const Sums&)>;

Value real(double value) {
  return Value{value};
}
/// numerator / denominator in units of 2^(-kScale * power).
Value ratio(const Integer& numerator, const Integer& denominator, int power) {
  return real(nearest_double(numerator, denominator, -kScale * power));
}

bool nearly(const Value& result, const Value& expected, double tolerance) {
  if (result.is_null() || expected.is_null()) return result.is_null() && expected.is_null();
  const double a = number(result), b = number(expected);
  if (std::isnan(b)) return std::isnan(a);
  return a == b || std::fabs(a - b) <= tolerance * std::fabs(b);
}

enum class Data { kPrices, kFarFromZero, kConstants, kIntegers, kBigIntegers, kSpecials };
constexpr Data kAll[] = {Data::kPrices,   Data::kFarFromZero, Data::kConstants,
                         Data::kIntegers, Data::kBigIntegers, Data::kSpecials};

Value draw(Data data, Random& random) {
  switch (data) {
    case Data::kPrices:
      return {static_cast<double>(random.between(-100000, 100000)) / 100};
    case Data::kFarFromZero:  // a naive sum of squares would leave nothing of the variance
      return {1e9 + static_cast<double>(random.between(0, 1000)) / 1e4};
    case Data::kConstants:
      return {random.chance(99, 100) ? 0.1 : 0.3};
    case Data::kIntegers:
      return {std::int64_t{random.between(-1000, 1000)}};
    case Data::kBigIntegers:
      return {std::int64_t{std::numeric_limits<std::int64_t>::max() - random.between(0, 1000)}};
    default:
      if (random.chance(1, 50)) return {std::numeric_limits<double>::infinity()};
      if (random.chance(1, 50)) return {std::numeric_limits<double>::quiet_NaN()};
      return {std::ldexp(static_cast<double>(random.between(-1000, 1000)), static_cast<int>(random.between(-60, 60)))};
  }
}
Type type_of(Data data) {
  return data == Data::kIntegers ? Type::integer() : data == Data::kBigIntegers ? Type::bigint() : Type::float64();
}

void check(const char* name, std::size_t arguments, double tolerance, const Formula& formula) {
  for (const Data data : kAll) {
    AggregateCase c;
    c.name = name;
    c.arguments.assign(arguments, type_of(data));
    c.rounds = 8;
    c.rows_max = data == Data::kConstants || data == Data::kSpecials ? 20 : 150;
    c.row = [data, arguments](Random& random) {
      std::vector<Value> row;
      for (std::size_t i = 0; i < arguments; ++i) row.push_back(draw(data, random));
      return row;
    };
    c.oracle = [&formula](std::span<const AggregateRow> rows) { return formula(Sums(rows)); };
    c.right = [tolerance](const Value& result, const Value& expected) { return nearly(result, expected, tolerance); };
    SCOPED_TRACE("data " + std::to_string(static_cast<int>(data)));
    check_aggregate(c);
  }
}

constexpr double kUlp = 0x1p-52;
const Value kNull{};
const Value kNan{std::numeric_limits<double>::quiet_NaN()};

Formula spread(int lacking, bool root) {
  return [=](const Sums& s) {
    const Integer divisor = s.n * (s.n - Integer(lacking));
    if (s.n.is_zero() || divisor.is_zero()) return kNull;
    if (!s.finite_y) return kNan;
    const double variance = number(ratio(s.spread_y(), divisor, 2));
    return real(root ? std::sqrt(variance) : variance);
  };
}

TEST(Moments, VarianceAndDeviationAreThoseOfExactSums) {
  check("VAR_POP", 1, 2 * kUlp, spread(0, false));
  check("VAR_SAMP", 1, 2 * kUlp, spread(1, false));
  check("VARIANCE", 1, 2 * kUlp, spread(1, false));
  check("STDDEV_POP", 1, 2 * kUlp, spread(0, true));
  check("STDDEV_SAMP", 1, 2 * kUlp, spread(1, true));
  check("STDDEV", 1, 2 * kUlp, spread(1, true));
}

/// A formula over finite pairs, NULL without rows.
Formula pairs(Formula formula) {
  return [formula](const Sums& s) {
    if (s.n.is_zero()) return kNull;
    return s.finite_x && s.finite_y ? formula(s) : kNan;
  };
}

TEST(Moments, CovarianceAndCorrelationAreThoseOfExactSums) {
  check("COVAR_POP", 2, 2 * kUlp, pairs([](const Sums& s) { return ratio(s.spread_xy(), s.n * s.n, 2); }));
  check("COVAR_SAMP", 2, 2 * kUlp, [](const Sums& s) {
    if (s.n.is_zero() || (s.n - Integer(1)).is_zero()) return kNull;
    return s.finite_x && s.finite_y ? ratio(s.spread_xy(), s.n * (s.n - Integer(1)), 2) : kNan;
  });
  check("CORR", 2, 6 * kUlp, pairs([](const Sums& s) {
          if (s.spread_x().is_zero() || s.spread_y().is_zero()) return kNull;
          const Integer product = s.spread_x() * s.spread_y();
          const double square = nearest_double(s.spread_xy() * s.spread_xy(), product);
          return real(s.spread_xy().is_negative() ? -std::sqrt(square) : std::sqrt(square));
        }));
}

TEST(Moments, RegressionsAreThoseOfExactSums) {
  check("REGR_SLOPE", 2, 2 * kUlp,
        pairs([](const Sums& s) { return s.spread_x().is_zero() ? kNull : ratio(s.spread_xy(), s.spread_x(), 0); }));
  check("REGR_INTERCEPT", 2, 2 * kUlp, pairs([](const Sums& s) {
          if (s.spread_x().is_zero()) return kNull;
          return ratio(s.y * s.spread_x() - s.x * s.spread_xy(), s.n * s.spread_x(), 1);
        }));
  check("REGR_R2", 2, 6 * kUlp, pairs([](const Sums& s) {
          if (s.spread_x().is_zero()) return kNull;
          if (s.spread_y().is_zero()) return real(1);
          return ratio(s.spread_xy() * s.spread_xy(), s.spread_x() * s.spread_y(), 0);
        }));
  check("REGR_COUNT", 2, 0, [](const Sums& s) { return Value{static_cast<std::int64_t>(nearest_double(s.n))}; });
  check("REGR_SXY", 2, 2 * kUlp, pairs([](const Sums& s) { return ratio(s.spread_xy(), s.n, 2); }));
}

TEST(Moments, RegressionsOfOneVariableLookAtThatOneAlone) {
  const auto one = [](bool Sums::*finite, auto formula) {
    return [=](const Sums& s) -> Value {
      if (s.n.is_zero()) return kNull;
      return s.*finite ? formula(s) : kNan;
    };
  };
  check("REGR_AVGY", 2, 2 * kUlp, one(&Sums::finite_y, [](const Sums& s) { return ratio(s.y, s.n, 1); }));
  check("REGR_AVGX", 2, 2 * kUlp, one(&Sums::finite_x, [](const Sums& s) { return ratio(s.x, s.n, 1); }));
  check("REGR_SYY", 2, 2 * kUlp, one(&Sums::finite_y, [](const Sums& s) { return ratio(s.spread_y(), s.n, 2); }));
  check("REGR_SXX", 2, 2 * kUlp, one(&Sums::finite_x, [](const Sums& s) { return ratio(s.spread_x(), s.n, 2); }));
}

TEST(Moments, SkewnessAndKurtosisAreThoseOfExactSums) {
  check("SKEWNESS", 1, 8 * kUlp, [](const Sums& s) {
    if (s.n.is_zero()) return kNull;
    if (!s.finite_y) return kNan;
    const Integer a = s.spread_y();
    if (a.is_zero()) return kNull;
    const Integer third = s.n * s.n * s.y3 - Integer(3) * s.n * s.y * s.yy + Integer(2) * s.y * s.y * s.y;
    const double square = nearest_double(third * third, a * a * a);
    return real(third.is_negative() ? -std::sqrt(square) : std::sqrt(square));
  });
  check("KURTOSIS", 1, 8 * kUlp, [](const Sums& s) {
    if (s.n.is_zero()) return kNull;
    if (!s.finite_y) return kNan;
    const Integer a = s.spread_y();
    if (a.is_zero()) return kNull;
    const Integer fourth = s.n * s.n * s.n * s.y4 - Integer(4) * s.n * s.n * s.y * s.y3 +
                           Integer(6) * s.n * s.y * s.y * s.yy - Integer(3) * s.y * s.y * s.y * s.y;
    return ratio(fourth - Integer(3) * a * a, a * a, 0);
  });
}

TEST(Moments, DecimalsCountAsTheirNearestDoubles) {
  for (const std::uint8_t precision : {std::uint8_t{10}, std::uint8_t{30}}) {
    AggregateCase c;
    c.name = "VAR_POP";
    c.arguments = {Type::decimal(precision, 2)};
    c.row = [precision](Random& random) {
      const std::int64_t value = random.between(-100000, 100000);
      return std::vector{precision > 18 ? Value{Int128{value}} : Value{value}};
    };
    c.oracle = [](std::span<const AggregateRow> rows) {
      std::vector<AggregateRow> doubles(rows.begin(), rows.end());
      for (AggregateRow& row : doubles) {
        const auto* narrow = std::get_if<std::int64_t>(&row.arguments[0].data);
        const std::int64_t value =
            narrow != nullptr ? *narrow : static_cast<std::int64_t>(std::get<Int128>(row.arguments[0].data));
        row.arguments[0] = Value{static_cast<double>(value) / 100};
      }
      return spread(0, false)(Sums(doubles));
    };
    c.right = [](const Value& a, const Value& b) { return nearly(a, b, 2 * kUlp); };
    c.rounds = 5;
    check_aggregate(c);
  }
}

TEST(Moments, TakeNumbersAlone) {
  const Type types[] = {Type::float64(), Type::string()};
  for (const char* name : {"CORR", "REGR_COUNT", "COVAR_POP"}) {
    const Result<Type> resolved = find_aggregate(name)->resolve(types, {});
    ASSERT_FALSE(resolved.has_value());
    EXPECT_EQ(resolved.error().code(), ErrorCode::kSqlType);
  }
}

}  // namespace
}  // namespace weir
