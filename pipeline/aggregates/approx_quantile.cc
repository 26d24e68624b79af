// APPROX_PERCENTILE(x, fraction [, method [, accuracy]]), also called APPROX_QUANTILE: a quantile from a sketch.
//
//   'ddsketch'  relative error of the value, exact under retraction and for every plan (the default)
//   'kll'       error of the rank, small; depends on the order of rows, within its bound: a sketch for each input
//   'tdigest'   error of the rank, small at the ends; no bound for all inputs; a digest for each input
//   'reservoir' a uniform sample by the place of rows; the same for every plan
#include <memory>
#include <string>

#include "aggregates/by_input.h"
#include "aggregates/catalogue.h"
#include "aggregates/constants.h"
#include "aggregates/ddsketch.h"
#include "aggregates/kll.h"
#include "aggregates/number_lift.h"
#include "aggregates/order_key.h"
#include "aggregates/reservoir.h"
#include "aggregates/tdigest.h"

namespace weir {
namespace {

/// What the functions over one sketch share. Sketch: its state.
template <class Sketch>
class QuantileFunction : public AggregateFunction {
 public:
  QuantileFunction(const Type& type, double fraction) : type_(type), fraction_(fraction) {}

  std::size_t state_bytes() const noexcept override { return sizeof(Sketch); }
  bool owns_memory() const noexcept override { return true; }
  void release(std::byte* state, StateHeap& heap) const noexcept override { of(state).release(heap); }

 protected:
  static Sketch& of(std::byte* state) noexcept { return *reinterpret_cast<Sketch*>(state); }
  static const Sketch& of(const std::byte* state) noexcept { return *reinterpret_cast<const Sketch*>(state); }
  static void put(double value, Vector& to, std::uint32_t row) noexcept {
    to.set_valid(row, true);
    to.values<double>()[row] = value;
  }

  Type type_;
  double fraction_;
};

class DdQuantile : public QuantileFunction<DdSketch> {
 public:
  DdQuantile(const Type& type, double fraction, double accuracy)
      : QuantileFunction(type, fraction), mapping_(accuracy) {}

  std::size_t heap_bytes_max() const noexcept override {
    return 2 * (mapping_.bucket_max() - mapping_.bucket_min() + 1) * sizeof(std::int64_t) * 5 / 4;
  }
  bool has_inverse() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override { return count(rows, to, 1); }
  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    return count(rows, from, -1);
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    return heap_result(of(to).combine(of(from), 1, heap));
  }
  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap& heap) const override {
    return heap_result(of(from).combine(of(what), -1, heap));
  }
  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    if (of(state).total > 0)
      put(of(state).quantile(mapping_, fraction_), to, row);
    else
      to.set_valid(row, false);
    return {};
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override {
    const std::string_view bytes = of(state).partial(heap);
    if (bytes.data() == nullptr) return state_heap_full();
    return bytes;
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    return heap_result(of(state).add_partial(partial, heap));
  }

 private:
  Result<void> count(const AggregateRows& rows, const AggregateStates& to, std::int64_t times) const {
    return heap_result(
        each_number_run(rows, type_, to, [&](const double* values, std::uint32_t size, std::byte* state) {
          return of(state).add(mapping_, values, size, *to.heap, times);
        }));
  }
  DdMapping mapping_;
};

/// KLL and t-digest: sketches with one size.
template <class Sketch>
class SizedQuantile : public QuantileFunction<Sketch> {
  using Base = QuantileFunction<Sketch>;
  using Base::of;

 public:
  SizedQuantile(const Type& type, double fraction, std::uint32_t size) : Base(type, fraction), size_(size) {}

  std::size_t heap_bytes_max() const noexcept override { return Sketch::heap_bytes_max(size_); }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    return heap_result(
        each_number_run(rows, this->type_, to, [&](const double* values, std::uint32_t count, std::byte* state) {
          return of(state).add(values, count, size_, *to.heap);
        }));
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    return heap_result(of(to).combine(of(from), size_, heap));
  }
  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    to.set_valid(row, false);
    if (of(state).size() == 0) return {};
    double value = 0;
    if constexpr (requires { of(state).quantile(0.5, size_); }) {
      value = of(state).quantile(this->fraction_, size_);
    } else {
      if (!of(state).quantile(this->fraction_, heap, value)) return state_heap_full();
    }
    Base::put(value, to, row);
    return {};
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap&) const override { return of(state).partial(); }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    return heap_result(of(state).add_partial(partial, size_, heap));
  }

 private:
  std::uint32_t size_;
};

/// A reservoir whose items own nothing.
struct NumberReservoir : Reservoir<std::int64_t> {
  mutable StatePiece scratch;  ///< The partial.
  void release(StateHeap& heap) noexcept {
    piece.release(heap);
    scratch.release(heap);
  }
};

class ReservoirQuantile : public QuantileFunction<NumberReservoir> {
 public:
  static constexpr std::uint32_t kSizeDefault = 2048, kSizeMax = 1u << 20;
  using Entry = NumberReservoir::Entry;

  ReservoirQuantile(const Type& type, double fraction, std::uint32_t size)
      : QuantileFunction(type, fraction), size_(size) {}

  std::size_t heap_bytes_max() const noexcept override { return size_ * sizeof(Entry); }
  bool order_sensitive() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    bool done = true;
    with_numbers(*rows.arguments[0], type_, [&](auto&& number) {
      rows.each([&](std::uint32_t row, std::size_t group) {
        const std::uint64_t arrival = rows.arrival + row;
        NumberReservoir& sample = of(to.state(group));
        const std::uint64_t random = reservoir_number(arrival);
        if (sample.wants(random, size_))
          done = done && put_entry(sample, {random, arrival, order_key(number(row))}, *to.heap);
      });
    });
    return heap_result(done);
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    for (const Entry& entry : of(from))
      if (of(to).wants(entry.number, size_) && !put_entry(of(to), entry, heap)) return state_heap_full();
    return {};
  }
  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    NumberReservoir& sample = of(state);
    to.set_valid(row, false);
    if (sample.used == 0) return {};
    const auto rank = static_cast<std::ptrdiff_t>(fraction_ * static_cast<double>(sample.used - 1));
    std::nth_element(sample.begin(), sample.begin() + rank, sample.end(),
                     [](const Entry& a, const Entry& b) { return a.item < b.item; });
    put(double_of_key(sample.begin()[rank].item), to, row);
    std::make_heap(sample.begin(), sample.end());
    return {};
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override {
    PieceWriter to(of(state).scratch, heap);
    for (const Entry& entry : of(state))
      if (!to.append_bits(entry.arrival) || !to.append_bits(entry.item)) return state_heap_full();
    return to.view();
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    PieceReader from(partial);
    while (!from.done()) {
      const auto arrival = from.take<std::uint64_t>();
      const Entry entry{reservoir_number(arrival), arrival, from.take<std::int64_t>()};
      if (of(state).wants(entry.number, size_) && !put_entry(of(state), entry, heap)) return state_heap_full();
    }
    return {};
  }

 private:
  bool put_entry(NumberReservoir& sample, const Entry& entry, StateHeap& heap) const noexcept {
    Entry leaves;
    return sample.put(entry, size_, heap, leaves) != NumberReservoir::Put::kHeapFull;
  }
  std::uint32_t size_;
};

Result<AggregateFunctionPtr> make(const AggregateCallInfo& call) {
  const Type& type = call.arguments[0];
  WEIR_ASSIGN(const double fraction, constant_fraction(call.name, call.constants[0]));
  std::string method = "ddsketch";
  if (call.constants.size() > 1) {
    const auto* given = std::get_if<std::string>(&call.constants[1].data);
    method = given == nullptr ? std::string() : *given;
  }
  const Value* size = call.constants.size() > 2 ? &call.constants[2] : nullptr;
  const auto whole = [&](const char* what, std::uint32_t standard, std::uint32_t min, std::uint32_t max) {
    return size == nullptr ? Result<std::uint32_t>(standard) : constant_whole(call.name, what, *size, min, max);
  };
  if (method == "ddsketch") {
    double accuracy = DdMapping::kAccuracyDefault;
    if (size != nullptr) {
      WEIR_ASSIGN(accuracy, constant_between(call.name, "a relative accuracy", *size, DdMapping::kAccuracyMin,
                                             DdMapping::kAccuracyMax));
    }
    return AggregateFunctionPtr(std::make_shared<DdQuantile>(type, fraction, accuracy));
  }
  if (method == "kll") {
    WEIR_ASSIGN(const std::uint32_t k, whole("k", KllSketch::kKDefault, KllSketch::kKMin, KllSketch::kKMax));
    return make_by_input(std::make_shared<SizedQuantile<KllSketch>>(type, fraction, k));
  }
  if (method == "tdigest") {
    WEIR_ASSIGN(const std::uint32_t compression, whole("a compression", TDigest::kCompressionDefault,
                                                       TDigest::kCompressionMin, TDigest::kCompressionMax));
    return make_by_input(std::make_shared<SizedQuantile<TDigest>>(type, fraction, compression));
  }
  if (method == "reservoir") {
    WEIR_ASSIGN(const std::uint32_t rows,
                whole("a sample size", ReservoirQuantile::kSizeDefault, 1, ReservoirQuantile::kSizeMax));
    return AggregateFunctionPtr(std::make_shared<ReservoirQuantile>(type, fraction, rows));
  }
  return Error(ErrorCode::kInvalidArgument,
               call.name + " takes the method 'ddsketch', 'kll', 'tdigest' or 'reservoir', not '" + method + "'");
}

}  // namespace

void add_approx_quantile(std::vector<AggregateDefinition>& to) {
  for (const char* name : {"APPROX_PERCENTILE", "APPROX_QUANTILE"}) {
    AggregateDefinition made;
    made.name = name;
    made.signature = made.name + "(number, fraction [, method [, accuracy]])";
    made.meaning =
        "about the value at a fraction of the rows. Methods: 'ddsketch' (default; within accuracy, 0.01, of the value "
        "itself), 'kll' (rank within 1.65 % at accuracy k = 200), 'tdigest' (rank, near at the ends, no bound), "
        "'reservoir' (a sample of 2048 rows: rank within 3.6 %). kll and tdigest over SESSION and HOP windows, and "
        "over "
        "early results, may differ within that between runs";
    made.arguments_min = 2;
    made.arguments_max = 4;
    made.constants_max = 3;
    made.resolve = [made](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
      WEIR_TRY(require_number(made.name, arguments[0]));
      return Type::float64();
    };
    made.make = make;
    to.push_back(std::move(made));
  }
}

}  // namespace weir
