// EMA, EW_VAR and EW_STDDEV: moments in which a row of age a has the weight 2^(-a / half-life). The age is counted from
// the latest row, but since all weights share that factor, it cancels: EMA = sum(w * x) / sum(w). This is what pandas
// calls ewm(halflife, times).mean(), with adjust; the variance is that of the weighted rows as a population.
//
// So that rows may come in any order, weights are absolute: event time is cut into epochs of 64 half-lives since 1970,
// and a row weighs 2^((t - start of its epoch) / half-life), once rounded. The state has exact sums of the latest epoch
// that has a row, and of the one before it. Rows of still earlier epochs, older than 64 half-lives (weights below
// 2^-64), count as nothing. What they were worth cannot be told again, so there is no inverse.
//
//   state   | latest epoch | set | partial | sums of the epoch before | sums of the latest |
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "aggregates/catalogue.h"
#include "aggregates/exact_state.h"

namespace weir {
namespace {

constexpr int kEpoch = 64;  // half-lives

struct EpochHead {
  std::int64_t epoch;
  std::uint64_t set;
};

/// sum += a * a * b, exactly. Requires: b is in [1, 2^64).
bool add_square_product(ExactSum& sum, const ExactTerm& a, const ExactTerm& b, StateHeap& heap) noexcept {
  if (!a.finite || a.exponent > 900) return sum.add_special(a.value * a.value, false, heap);
  const Uint128 square = static_cast<Uint128>(a.magnitude) * a.magnitude;
  const auto low = static_cast<std::uint64_t>(square), high = static_cast<std::uint64_t>(square >> 64);
  const int exponent = 2 * a.exponent + b.exponent;
  return sum.add_scaled(static_cast<Uint128>(low) * b.magnitude, exponent, false, heap) &&
         sum.add_scaled(static_cast<Uint128>(high) * b.magnitude, exponent + 64, false, heap);
}

/// With the sums w and w*x; and w*x*x for the variance.
template <std::size_t kOfEpoch>
class DecayFunction final : public ExactSumsFunction<2 * kOfEpoch, EpochHead> {
  using Base = ExactSumsFunction<2 * kOfEpoch, EpochHead>;
  using State = typename Base::State;
  using Base::number;
  using Base::state_of;

 public:
  /// Requires: half_life > 0 nanoseconds.
  DecayFunction(Type type, double half_life, bool root)
      : type_(std::move(type)),
        half_life_(half_life),
        epoch_length_(static_cast<Int128>(half_life * kEpoch)),
        root_(root) {}

  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    const State& other = state_of(from);
    if (other.set == 0) return {};
    State& state = state_of(to);
    move_to(state, other.epoch, heap);
    // Epoch by epoch: those of `from` that the state still has a place for.
    bool done = true;
    for (const std::int64_t back : {1, 0}) {
      const Int128 behind = Int128{state.epoch} - other.epoch + back;
      if (behind > 1) continue;
      for (std::size_t i = 0; i < kOfEpoch; ++i)
        done = done && sums(state, behind == 0)[i].combine(sums(other, back == 0)[i], heap);
    }
    return done ? Result<void>() : state_is_full();
  }

  Result<void> lower(std::byte* bytes, StateHeap&, Vector& to, std::uint32_t row) const override {
    const State& state = state_of(bytes);
    write_double(to, row, state.set != 0, state.set != 0 ? value(state) : 0);
    return {};
  }

 private:
  enum { kWeight, kFirst, kSecond };

  static ExactSum* sums(State& state, bool latest) noexcept { return state.sums + (latest ? kOfEpoch : 0); }
  static const ExactSum* sums(const State& state, bool latest) noexcept { return state.sums + (latest ? kOfEpoch : 0); }

  /// Makes `epoch` the latest one where it is later.
  static void move_to(State& state, std::int64_t epoch, StateHeap& heap) noexcept {
    const bool was_set = std::exchange(state.set, 1) != 0;
    if (was_set && epoch <= state.epoch) return;
    const bool next = was_set && Int128{epoch} - state.epoch == 1;
    state.epoch = epoch;
    for (std::size_t i = 0; i < kOfEpoch; ++i) {
      sums(state, false)[i].release(heap);
      if (next) std::swap(sums(state, false)[i], sums(state, true)[i]);
      sums(state, true)[i].release(heap);
    }
  }

  bool pass(const AggregateRows& rows, const AggregateStates& states, bool) const override {
    const NumberColumn values(*rows.arguments[0], type_);
    bool done = true;
    rows.each([&](std::uint32_t row, std::size_t group) {
      const Int128 time = rows.order(row).event_time;
      Int128 epoch = time / epoch_length_;
      if (time < epoch * epoch_length_) --epoch;
      State& state = state_of(states.state(group));
      move_to(state, static_cast<std::int64_t>(epoch), *states.heap);
      const Int128 behind = state.epoch - epoch;
      if (behind > 1) return;
      const double lives = static_cast<double>(time - epoch * epoch_length_) / half_life_;
      done &= add_row(sums(state, behind == 0), values[row], ExactTerm::of(std::exp2(lives)), *states.heap);
    });
    return done;
  }

  static bool add_row(ExactSum* to, const ExactTerm& x, const ExactTerm& weight, StateHeap& heap) noexcept {
    bool done = to[kWeight].add_term(weight, false, heap) && to[kFirst].add_product(weight, x, false, heap);
    if constexpr (kOfEpoch > kSecond) done = done && add_square_product(to[kSecond], x, weight, heap);
    return done;
  }

  double value(const State& state) const noexcept {
    for (const ExactSum& sum : state.sums)
      if (!sum.finite()) return not_finite(state);
    const auto both = [&](std::size_t which) {
      return number(sums(state, false)[which]).times_power_of_two(-kEpoch) + number(sums(state, true)[which]);
    };
    const ExactNumber weight = both(kWeight), first = both(kFirst);
    if constexpr (kOfEpoch <= kSecond) {
      return (first.scaled() / weight.scaled()).value();
    } else {
      const ExactNumber spread = weight * both(kSecond) - first * first;
      // Rounded weights alone make no variance negative: the sums are exact.
      const ScaledDouble variance = spread.scaled() / (weight * weight).scaled();
      return (root_ ? square_root(variance) : variance).value();
    }
  }
  /// The mean is infinite where all that is not finite is one infinity.
  static double not_finite(const State& state) noexcept {
    if (kOfEpoch > kSecond) return std::numeric_limits<double>::quiet_NaN();
    return sums(state, false)[kFirst].value() + sums(state, true)[kFirst].value();
  }

  Type type_;
  double half_life_;     ///< Nanoseconds.
  Int128 epoch_length_;  ///< Nanoseconds.
  bool root_;
};

/// Seconds, as the SQL binder makes them of INTERVAL too; in nanoseconds. Errors: kInvalidArgument.
Result<double> half_life(const std::string& name, const Value& seconds) {
  const auto* whole = std::get_if<std::int64_t>(&seconds.data);
  const auto* real = std::get_if<double>(&seconds.data);
  const double value = whole != nullptr ? static_cast<double>(*whole) : real != nullptr ? *real : 0;
  if (!(value >= 1e-6 && value <= 1e9))
    return Error(ErrorCode::kInvalidArgument,
                 "the half-life of " + name + " is an INTERVAL or seconds, from a microsecond to 1e9 seconds");
  return value * 1e9;
}

AggregateDefinition definition(const char* name, bool second, bool root, const char* meaning) {
  AggregateDefinition made;
  made.name = name;
  made.signature = made.name + "(x, half_life)";
  made.meaning = meaning;
  made.arguments_min = made.arguments_max = 2;
  made.constants_max = 1;
  made.resolve = [name = made.name](std::span<const Type> types, std::span<const Value> constants) -> Result<Type> {
    WEIR_TRY(check_numbers(name, types));
    WEIR_TRY(half_life(name, constants[0]));
    return Type::float64();
  };
  made.make = [=](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    WEIR_ASSIGN(const double nanoseconds, half_life(call.name, call.constants[0]));
    const Type& type = call.arguments[0];
    if (second) return AggregateFunctionPtr(std::make_shared<DecayFunction<3>>(type, nanoseconds, root));
    return AggregateFunctionPtr(std::make_shared<DecayFunction<2>>(type, nanoseconds, false));
  };
  return made;
}

}  // namespace

void add_decay(std::vector<AggregateDefinition>& to) {
  to.push_back(definition("EMA", false, false, "mean of x in which a row half_life older than another counts half"));
  to.push_back(definition("EW_VAR", true, false, "variance (population) of x with the weights of EMA"));
  to.push_back(definition("EW_STDDEV", true, true, "square root of EW_VAR"));
}

}  // namespace weir
