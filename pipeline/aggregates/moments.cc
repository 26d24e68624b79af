// Moments: VARIANCE and STDDEV, COVAR, CORR, the REGR_ functions, SKEWNESS and KURTOSIS, all from exact sums of powers
// and products. Results come from integers, n * sum(x*x) - sum(x)^2 and the like, so nothing is lost to cancellation:
// the error is that of a few roundings at the end, whatever the data.
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "aggregates/catalogue.h"
#include "aggregates/exact_state.h"

namespace weir {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

ExactNumber count_of(std::uint64_t count) noexcept {
  return ExactNumber(count);
}

/// VAR_ and STDDEV_ (POP, SAMP): of sums x, x*x.
class VarianceFunction final : public ExactSumsFunction<2> {
 public:
  VarianceFunction(Type type, bool sample, bool root) : type_(std::move(type)), sample_(sample), root_(root) {}

  Result<void> lower(std::byte* bytes, StateHeap&, Vector& to, std::uint32_t row) const override {
    const State& state = state_of(bytes);
    const std::uint64_t n = state.count;
    const bool valid = n > (sample_ ? 1 : 0);
    write_double(to, row, valid, valid ? value(state) : 0);
    return {};
  }

 private:
  bool pass(const AggregateRows& rows, const AggregateStates& states, bool negated) const override {
    const NumberColumn x(*rows.arguments[0], type_);
    bool done = true;
    rows.each([&](std::uint32_t row, std::size_t group) {
      State& state = state_of(states.state(group));
      const ExactTerm term = x[row];
      state.count += negated ? ~std::uint64_t{0} : 1;
      done &= state.sums[0].add_term(term, negated, *states.heap);
      done &= state.sums[1].add_product(term, term, negated, *states.heap);
    });
    return done;
  }
  double value(const State& state) const noexcept {
    if (!state.sums[0].finite()) return kNan;
    const ExactNumber n = count_of(state.count), sum = number(state.sums[0]);
    const ExactNumber spread = n * number(state.sums[1]) - sum * sum;
    const ScaledDouble variance = spread.scaled() / (n * count_of(state.count - (sample_ ? 1 : 0))).scaled();
    return (root_ ? square_root(variance) : variance).value();
  }

  Type type_;
  bool sample_, root_;
};

/// What is made of the sums y, x, x*y, x*x, y*y. The standard puts the dependent variable first: REGR_SLOPE(y, x).
enum class Regression : std::uint8_t {
  kCovarPop,
  kCovarSamp,
  kCorr,
  kSlope,
  kIntercept,
  kR2,
  kCount,
  kAvgX,
  kAvgY,
  kSxx,
  kSyy,
  kSxy,
};

/// The sums that a kind needs are the first kSums of the five.
template <std::size_t kSums>
class RegressionFunction final : public ExactSumsFunction<kSums> {
  using Base = ExactSumsFunction<kSums>;
  using State = typename Base::State;
  using Base::state_of;

 public:
  RegressionFunction(Type y, Type x, Regression kind) : y_(std::move(y)), x_(std::move(x)), kind_(kind) {}

  Result<void> lower(std::byte* bytes, StateHeap&, Vector& to, std::uint32_t row) const override {
    const State& state = state_of(bytes);
    if (kind_ == Regression::kCount) {
      to.set_valid(row, true);
      to.values<std::int64_t>()[row] = static_cast<std::int64_t>(state.count);
      return {};
    }
    double result = 0;
    const bool valid = state.count > (kind_ == Regression::kCovarSamp ? 1 : 0) && value(state, result);
    write_double(to, row, valid, result);
    return {};
  }

 private:
  enum : std::size_t { kY, kX, kXY, kXX, kYY };

  static const ExactSum& sum(const State& state, std::size_t which) noexcept {
    return state.sums[which < kSums ? which : 0];
  }
  static ExactNumber exact(const State& state, std::size_t which) noexcept { return Base::number(sum(state, which)); }

  bool pass(const AggregateRows& rows, const AggregateStates& states, bool negated) const override {
    const NumberColumn y(*rows.arguments[0], y_), x(*rows.arguments[1], x_);
    bool done = true;
    rows.each([&](std::uint32_t row, std::size_t group) {
      State& state = state_of(states.state(group));
      const ExactTerm of_y = y[row], of_x = x[row];
      StateHeap& heap = *states.heap;
      state.count += negated ? ~std::uint64_t{0} : 1;
      if constexpr (kSums > kY) done &= state.sums[kY].add_term(of_y, negated, heap);
      if constexpr (kSums > kX) done &= state.sums[kX].add_term(of_x, negated, heap);
      if constexpr (kSums > kXY) done &= state.sums[kXY].add_product(of_x, of_y, negated, heap);
      if constexpr (kSums > kXX) done &= state.sums[kXX].add_product(of_x, of_x, negated, heap);
      if constexpr (kSums > kYY) done &= state.sums[kYY].add_product(of_y, of_y, negated, heap);
    });
    return done;
  }

  /// False where the result is NULL. Requires: a row.
  bool value(const State& state, double& result) const noexcept {
    const bool needs_x = kind_ != Regression::kAvgY && kind_ != Regression::kSyy;
    const bool needs_y = kind_ != Regression::kAvgX && kind_ != Regression::kSxx;
    result = kNan;
    if ((needs_x && !sum(state, kX).finite()) || (needs_y && !sum(state, kY).finite())) return true;
    const ExactNumber n = count_of(state.count), x = exact(state, kX), y = exact(state, kY);
    const auto spread = [&](std::size_t product, const ExactNumber& a, const ExactNumber& b) {
      return n * exact(state, product) - a * b;
    };
    switch (kind_) {
      case Regression::kAvgX:
        result = (x.scaled() / n.scaled()).value();
        return true;
      case Regression::kAvgY:
        result = (y.scaled() / n.scaled()).value();
        return true;
      case Regression::kSxx:
        result = (spread(kXX, x, x).scaled() / n.scaled()).value();
        return true;
      case Regression::kSyy:
        result = (spread(kYY, y, y).scaled() / n.scaled()).value();
        return true;
      case Regression::kSxy:
        result = (spread(kXY, x, y).scaled() / n.scaled()).value();
        return true;
      case Regression::kCovarPop:
      case Regression::kCovarSamp: {
        const ExactNumber divisor = n * count_of(state.count - (kind_ == Regression::kCovarSamp ? 1 : 0));
        result = (spread(kXY, x, y).scaled() / divisor.scaled()).value();
        return true;
      }
      default:
        return line(state, n, x, y, result);
    }
  }

  bool line(const State& state, const ExactNumber& n, const ExactNumber& x, const ExactNumber& y,
            double& result) const noexcept {
    const ExactNumber xx = n * exact(state, kXX) - x * x;
    if (xx.sign() == 0) return false;
    const ExactNumber xy = n * exact(state, kXY) - x * y;
    if (kind_ == Regression::kSlope) {
      result = (xy.scaled() / xx.scaled()).value();
      return true;
    }
    if (kind_ == Regression::kIntercept) {
      result = ((y * xx - x * xy).scaled() / (n * xx).scaled()).value();
      return true;
    }
    const ExactNumber yy = n * exact(state, kYY) - y * y;
    if (yy.sign() == 0) {
      result = 1;
      return kind_ == Regression::kR2;
    }
    const ScaledDouble a = xx.scaled(), b = yy.scaled(), c = xy.scaled();
    result = kind_ == Regression::kR2 ? ((c * c) / (a * b)).value() : (c / (square_root(a) * square_root(b))).value();
    result = std::fmax(-1, std::fmin(1, result));
    return true;
  }

  Type y_, x_;
  Regression kind_;
};

/// SKEWNESS and KURTOSIS of sums x, x^2, x^3, x^4.
class ShapeFunction final : public ExactSumsFunction<4> {
 public:
  ShapeFunction(Type type, bool kurtosis) : type_(std::move(type)), kurtosis_(kurtosis) {}

  Result<void> lower(std::byte* bytes, StateHeap&, Vector& to, std::uint32_t row) const override {
    const State& state = state_of(bytes);
    double result = 0;
    const bool valid = state.count != 0 && value(state, result);
    write_double(to, row, valid, result);
    return {};
  }

 private:
  bool pass(const AggregateRows& rows, const AggregateStates& states, bool negated) const override {
    const NumberColumn x(*rows.arguments[0], type_);
    bool done = true;
    rows.each([&](std::uint32_t row, std::size_t group) {
      State& state = state_of(states.state(group));
      state.count += negated ? ~std::uint64_t{0} : 1;
      done &= add_powers(state, x[row], negated, *states.heap);
    });
    return done;
  }

  static bool add_powers(State& state, const ExactTerm& x, bool negated, StateHeap& heap) noexcept {
    ExactSum& cubes = state.sums[2];
    ExactSum& fourths = state.sums[3];
    bool done = state.sums[0].add_term(x, negated, heap);
    done = state.sums[1].add_product(x, x, negated, heap) && done;
    if (!x.finite || x.exponent > 450 || x.exponent < -530) [[unlikely]] {
      // Beyond 2^480 or below 2^-470 the fourth power is infinite or nothing, as it would be for a double.
      if (x.exponent >= -530 || !x.finite) {
        done = cubes.add_special(x.value, negated, heap) && done;
        done = fourths.add_special(x.value, negated, heap) && done;
      }
      return done;
    }
    // x^2 = high * 2^64 + low is exact; its products with x and with itself are added piece by piece.
    const Uint128 square = static_cast<Uint128>(x.magnitude) * x.magnitude;
    const auto low = static_cast<std::uint64_t>(square), high = static_cast<std::uint64_t>(square >> 64);
    const Uint128 middle = static_cast<Uint128>(low) * high;
    const int third = 3 * x.exponent, fourth = 4 * x.exponent;
    const bool negative = x.negative != negated;
    done &= cubes.add_scaled(static_cast<Uint128>(low) * x.magnitude, third, negative, heap);
    done &= cubes.add_scaled(static_cast<Uint128>(high) * x.magnitude, third + 64, negative, heap);
    done &= fourths.add_scaled(static_cast<Uint128>(low) * low, fourth, negated, heap);
    done &= fourths.add_scaled(middle, fourth + 65, negated, heap);
    done &= fourths.add_scaled(static_cast<Uint128>(high) * high, fourth + 128, negated, heap);
    return done;
  }

  bool value(const State& state, double& result) const noexcept {
    result = kNan;
    for (const ExactSum& sum : state.sums)
      if (!sum.finite()) return true;
    const ExactNumber n = count_of(state.count);
    const ExactNumber s1 = number(state.sums[0]), s2 = number(state.sums[1]), s3 = number(state.sums[2]);
    // Central moments times n^2, n^3, n^4.
    const ExactNumber second = n * s2 - s1 * s1;
    if (second.sign() == 0) return false;
    if (!kurtosis_) {
      const ExactNumber third = n * n * s3 - ExactNumber(3) * n * s1 * s2 + ExactNumber(2) * s1 * s1 * s1;
      const ScaledDouble spread = second.scaled();
      result = (third.scaled() / (spread * square_root(spread))).value();
      return true;
    }
    const ExactNumber s4 = number(state.sums[3]);
    const ExactNumber fourth = n * n * n * s4 - ExactNumber(4) * n * n * s1 * s3 + ExactNumber(6) * n * s1 * s1 * s2 -
                               ExactNumber(3) * s1 * s1 * s1 * s1;
    const ExactNumber square = second * second;
    result = ((fourth - ExactNumber(3) * square).scaled() / square.scaled()).value();
    return true;
  }

  Type type_;
  bool kurtosis_;
};

AggregateFunctionPtr make_regression(const AggregateCallInfo& call, Regression kind) {
  const Type& y = call.arguments[0];
  const Type& x = call.arguments[1];
  switch (kind) {
    case Regression::kCount:
      return std::make_shared<RegressionFunction<1>>(y, x, kind);
    case Regression::kAvgX:
    case Regression::kAvgY:
      return std::make_shared<RegressionFunction<2>>(y, x, kind);
    case Regression::kCovarPop:
    case Regression::kCovarSamp:
    case Regression::kSxy:
      return std::make_shared<RegressionFunction<3>>(y, x, kind);
    case Regression::kSlope:
    case Regression::kIntercept:
    case Regression::kSxx:
      return std::make_shared<RegressionFunction<4>>(y, x, kind);
    default:
      return std::make_shared<RegressionFunction<5>>(y, x, kind);
  }
}

using Make = std::function<AggregateFunctionPtr(const AggregateCallInfo&)>;

AggregateDefinition definition(const char* name, const char* arguments, std::uint32_t count, const char* meaning,
                               Make make, Type result = Type::float64()) {
  AggregateDefinition made;
  made.name = name;
  made.signature = made.name + "(" + arguments + ")";
  made.meaning = meaning;
  made.arguments_min = made.arguments_max = count;
  made.resolve = [name = made.name, result](std::span<const Type> types, std::span<const Value>) -> Result<Type> {
    WEIR_TRY(check_numbers(name, types));
    return result;
  };
  made.make = [make = std::move(make)](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    return make(call);
  };
  return made;
}

}  // namespace

void add_moments(std::vector<AggregateDefinition>& to) {
  const auto spread = [&](const char* name, bool sample, bool root, const char* meaning) {
    to.push_back(definition(name, "x", 1, meaning, [=](const AggregateCallInfo& call) {
      return std::make_shared<VarianceFunction>(call.arguments[0], sample, root);
    }));
  };
  spread("VAR_POP", false, false, "mean square of the distances from the mean");
  spread("VAR_SAMP", true, false, "sum of squared distances from the mean over n - 1; NULL for one row");
  spread("VARIANCE", true, false, "VAR_SAMP");
  spread("STDDEV_POP", false, true, "square root of VAR_POP");
  spread("STDDEV_SAMP", true, true, "square root of VAR_SAMP");
  spread("STDDEV", true, true, "STDDEV_SAMP");

  const auto pairs = [&](const char* name, Regression kind, const char* meaning) {
    Type result = kind == Regression::kCount ? Type::bigint() : Type::float64();
    result.nullable = kind != Regression::kCount;
    to.push_back(definition(
        name, "y, x", 2, meaning, [=](const AggregateCallInfo& call) { return make_regression(call, kind); }, result));
  };
  pairs("COVAR_POP", Regression::kCovarPop, "mean product of the distances from the means");
  pairs("COVAR_SAMP", Regression::kCovarSamp, "the same sum over n - 1; NULL for one row");
  pairs("CORR", Regression::kCorr, "Pearson's correlation; NULL where x or y is constant");
  pairs("REGR_SLOPE", Regression::kSlope, "slope of the least-squares line of y over x; NULL where x is constant");
  pairs("REGR_INTERCEPT", Regression::kIntercept, "y of that line at x = 0");
  pairs("REGR_R2", Regression::kR2, "square of CORR; 1 where y alone is constant");
  pairs("REGR_COUNT", Regression::kCount, "rows where neither is NULL");
  pairs("REGR_AVGX", Regression::kAvgX, "mean of x over those rows");
  pairs("REGR_AVGY", Regression::kAvgY, "mean of y over those rows");
  pairs("REGR_SXX", Regression::kSxx, "sum of squared distances of x from its mean");
  pairs("REGR_SYY", Regression::kSyy, "sum of squared distances of y from its mean");
  pairs("REGR_SXY", Regression::kSxy, "sum of products of the distances from the means");

  to.push_back(definition(
      "SKEWNESS", "x", 1, "third central moment over VAR_POP^1.5; NULL where x is constant",
      [](const AggregateCallInfo& call) { return std::make_shared<ShapeFunction>(call.arguments[0], false); }));
  to.push_back(definition(
      "KURTOSIS", "x", 1, "fourth central moment over VAR_POP^2, less 3 (excess); NULL where x is constant",
      [](const AggregateCallInfo& call) { return std::make_shared<ShapeFunction>(call.arguments[0], true); }));
}

}  // namespace weir
