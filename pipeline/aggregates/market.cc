// OHLC(price) and VWAP(price, volume): what a bar of trades is made of.
//
// A bar is FIRST_VALUE, MAX, MIN and LAST_VALUE of the price; OHLC gives the four as one JSON text, with one state.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregates/catalogue.h"
#include "aggregates/exact_state.h"
#include "aggregates/kept_value.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_number.h"

namespace weir {
namespace {

class VwapFunction final : public ExactSumsFunction<2> {
 public:
  VwapFunction(Type price, Type volume) : price_(std::move(price)), volume_(std::move(volume)) {}

  Result<void> lower(std::byte* bytes, StateHeap&, Vector& to, std::uint32_t row) const override {
    const State& state = state_of(bytes);
    if (!state.sums[0].finite() || !state.sums[1].finite()) {
      write_double(to, row, true, state.sums[0].value() / state.sums[1].value());
      return {};
    }
    const ScaledDouble volume = number(state.sums[1]).scaled();
    const bool valid = volume.mantissa != 0;  // also where there is no row
    write_double(to, row, valid, valid ? (number(state.sums[0]).scaled() / volume).value() : 0);
    return {};
  }

 private:
  bool pass(const AggregateRows& rows, const AggregateStates& states, bool negated) const override {
    const NumberColumn price(*rows.arguments[0], price_), volume(*rows.arguments[1], volume_);
    bool done = true;
    rows.each([&](std::uint32_t row, std::size_t group) {
      State& state = state_of(states.state(group));
      const ExactTerm weight = volume[row];
      state.count += negated ? ~std::uint64_t{0} : 1;
      done &= state.sums[0].add_product(price[row], weight, negated, *states.heap);
      done &= state.sums[1].add_term(weight, negated, *states.heap);
    });
    return done;
  }

  Type price_, volume_;
};

/// As in JSON; what is not finite has no number there and is null.
char* write_number(const KeptValue& kept, const Type& type, char* to) {
  const auto load = [&]<class T>(T) {
    T value;
    std::memcpy(&value, kept.bytes, sizeof value);
    return value;
  };
  const auto write_null = [&] { return std::copy_n("null", 4, to); };
  switch (type.physical()) {
    case Physical::kInt8:
      return format_int64(load(std::int8_t{}), to);
    case Physical::kInt16:
      return format_int64(load(std::int16_t{}), to);
    case Physical::kInt32:
      return format_int64(load(std::int32_t{}), to);
    case Physical::kFloat: {
      const float value = load(float{});
      return std::isfinite(value) ? format_float(value, to) : write_null();
    }
    case Physical::kDouble: {
      const double value = load(double{});
      return std::isfinite(value) ? format_double(value, to) : write_null();
    }
    default:
      break;
  }
  const Int128 value = type.physical() == Physical::kInt128 ? load(Int128{}) : Int128{load(std::int64_t{})};
  return format_decimal(value, type.scale, to);
}

class OhlcFunction final : public AggregateFunction {
 public:
  explicit OhlcFunction(Type type) : type_(std::move(type)), keeper_(type_.physical()) {}

  std::size_t state_bytes() const noexcept override { return sizeof(State); }
  std::size_t heap_bytes_max() const noexcept override { return kTextMax; }
  bool owns_memory() const noexcept override { return true; }
  bool order_sensitive() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    const Vector& prices = *rows.arguments[0];
    rows.each([&](std::uint32_t row, std::size_t group) {
      State& state = state_of(to.state(group));
      KeptValue price{};
      (void)keeper_.keep(price, prices, row, *to.heap);  // a number takes no heap
      const RowOrder place = rows.order(row);
      put(state, {1, place, place, price, price, price, price, nullptr});
    });
    return {};
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap&) const override {
    const State& other = *reinterpret_cast<const State*>(from);
    if (other.set != 0) put(state_of(to), other);
    return {};
  }
  Result<void> lower(std::byte* bytes, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    State& state = state_of(bytes);
    to.set_valid(row, state.set != 0);
    to.values<StringRef>()[row] = StringRef();
    if (state.set == 0) return {};
    if (state.text == nullptr) state.text = static_cast<char*>(heap.take(kTextMax));
    if (state.text == nullptr) return state_is_full();
    char* end = state.text;
    const auto part = [&](std::string_view name, const KeptValue& value) {
      end = std::copy(name.begin(), name.end(), end);
      end = write_number(value, type_, end);
    };
    part("{\"open\":", state.open);
    part(",\"high\":", state.high);
    part(",\"low\":", state.low);
    part(",\"close\":", state.close);
    *end++ = '}';
    to.values<StringRef>()[row] = StringRef(std::string_view(state.text, static_cast<std::size_t>(end - state.text)));
    return {};
  }
  void release(std::byte* bytes, StateHeap& heap) const noexcept override {
    State& state = state_of(bytes);
    heap.give_back(state.text, kTextMax);
    state = State{};
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap&) const override {
    return std::string_view(reinterpret_cast<const char*>(state), sizeof(State));
  }
  Result<void> add_partial(std::byte* to, std::string_view partial, StateHeap& heap) const override {
    State other;
    std::memcpy(static_cast<void*>(&other), partial.data(), sizeof other);
    return combine(to, reinterpret_cast<const std::byte*>(&other), heap);
  }

 private:
  struct State {
    std::uint64_t set;
    RowOrder first, last;
    KeptValue open, high, low, close;
    char* text;  ///< The last result.
  };
  static constexpr std::size_t kTextMax = 256;  // four numbers of at most 42 characters and their names

  static State& state_of(std::byte* state) noexcept { return *reinterpret_cast<State*>(state); }

  void put(State& state, const State& other) const noexcept {
    const bool unset = std::exchange(state.set, 1) == 0;
    if (unset || other.first < state.first) {
      state.first = other.first;
      state.open = other.open;
    }
    if (unset || other.last > state.last) {
      state.last = other.last;
      state.close = other.close;
    }
    if (unset || keeper_.compare(other.high, state.high) > 0) state.high = other.high;
    if (unset || keeper_.compare(other.low, state.low) < 0) state.low = other.low;
  }

  Type type_;
  ValueKeeper keeper_;
};

}  // namespace

void add_market(std::vector<AggregateDefinition>& to) {
  AggregateDefinition vwap;
  vwap.name = "VWAP";
  vwap.signature = "VWAP(price, volume)";
  vwap.meaning = "sum of price * volume over the sum of volume; NULL where that is 0";
  vwap.arguments_min = vwap.arguments_max = 2;
  vwap.resolve = [](std::span<const Type> types, std::span<const Value>) -> Result<Type> {
    WEIR_TRY(check_numbers("VWAP", types));
    return Type::float64();
  };
  vwap.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    return AggregateFunctionPtr(std::make_shared<VwapFunction>(call.arguments[0], call.arguments[1]));
  };
  to.push_back(std::move(vwap));

  AggregateDefinition ohlc;
  ohlc.name = "OHLC";
  ohlc.signature = "OHLC(price)";
  ohlc.meaning =
      "the JSON text {\"open\":…,\"high\":…,\"low\":…,\"close\":…} of the first, greatest, least and last price";
  ohlc.resolve = [](std::span<const Type> types, std::span<const Value>) -> Result<Type> {
    WEIR_TRY(check_numbers("OHLC", types));
    return Type::string();
  };
  ohlc.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    return AggregateFunctionPtr(std::make_shared<OhlcFunction>(call.arguments[0]));
  };
  to.push_back(std::move(ohlc));
}

}  // namespace weir
