// RESERVOIR_SAMPLE(x, n): a uniform sample of at most n values as a JSON list, in the order of their rows' arrival; the
// same whatever the shards and batches (reservoir.h).
#include <memory>

#include "aggregates/catalogue.h"
#include "aggregates/constants.h"
#include "aggregates/counted_function.h"
#include "aggregates/reservoir.h"

namespace weir {
namespace {

constexpr std::uint32_t kSampleMax = 65'536;

struct SampleCall {
  Type type;
  std::uint32_t size;
};

template <class K>
class ReservoirSample : public AggregateFunction {
  struct State {
    Reservoir<K> sample;
    mutable StatePiece scratch;
    StatePiece text;
  };
  using Entry = typename Reservoir<K>::Entry;

 public:
  explicit ReservoirSample(const SampleCall& call) : call_(call) {}

  std::size_t state_bytes() const noexcept override { return sizeof(State); }
  bool owns_memory() const noexcept override { return true; }
  bool order_sensitive() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    bool done = true;
    with_keys<K>(*rows.arguments[0], [&](auto&& key) {
      rows.each([&](std::uint32_t row, std::size_t group) {
        const std::uint64_t arrival = rows.arrival + row;
        done = done && put(of(to.state(group)), {reservoir_number(arrival), arrival, key(row)}, *to.heap);
      });
    });
    return heap_result(done);
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    for (const Entry& entry : of(from).sample)
      if (!put(of(to), entry, heap)) return state_heap_full();
    return {};
  }
  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    State& own = of(state);
    to.set_valid(row, false);
    if (own.sample.used == 0) return {};
    std::sort(own.sample.begin(), own.sample.end(),
              [](const Entry& a, const Entry& b) { return a.arrival < b.arrival; });
    PieceWriter text(own.text, heap);
    bool done = text.append("[");
    for (const Entry& entry : own.sample)
      done = done && (&entry == own.sample.begin() || text.append(",")) && append_json(entry.item, call_.type, text);
    std::make_heap(own.sample.begin(), own.sample.end());
    if (!done || !text.append("]")) return state_heap_full();
    put_text(text.view(), to, row);
    return {};
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    State& own = of(state);
    for (Entry& entry : own.sample) drop_key(entry.item, heap);
    own.sample.piece.release(heap);
    own.scratch.release(heap);
    own.text.release(heap);
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override {
    PieceWriter to(of(state).scratch, heap);
    for (const Entry& entry : of(state).sample)
      if (!to.append_bits(entry.arrival) || !write_key(entry.item, to)) return state_heap_full();
    return to.view();
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    PieceReader from(partial);
    while (!from.done()) {
      const auto arrival = from.take<std::uint64_t>();
      if (!put(of(state), {reservoir_number(arrival), arrival, read_key<K>(from)}, heap)) return state_heap_full();
    }
    return {};
  }

 private:
  static State& of(std::byte* state) noexcept { return *reinterpret_cast<State*>(state); }
  static const State& of(const std::byte* state) noexcept { return *reinterpret_cast<const State*>(state); }

  bool put(State& state, Entry entry, StateHeap& heap) const noexcept {
    using Put = typename Reservoir<K>::Put;
    if (!state.sample.wants(entry.number, call_.size)) return true;
    const K given = entry.item;
    if (!hold_key(given, heap, entry.item)) return false;
    Entry leaves;
    const Put done = state.sample.put(entry, call_.size, heap, leaves);
    if (done == Put::kReplaced) drop_key(leaves.item, heap);
    if (done == Put::kHeapFull) drop_key(entry.item, heap);
    return done != Put::kHeapFull;
  }

  SampleCall call_;
};

}  // namespace

void add_reservoir_sample(std::vector<AggregateDefinition>& to) {
  AggregateDefinition made;
  made.name = "RESERVOIR_SAMPLE";
  made.signature = "RESERVOIR_SAMPLE(value, n)";
  made.meaning = "a uniform sample of n values (65536 at most) as a JSON list in the order of their arrival";
  made.arguments_min = made.arguments_max = 2;
  made.constants_max = 1;
  made.resolve = [](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
    if (!has_order(arguments[0]))
      return Error(ErrorCode::kSqlType, "RESERVOIR_SAMPLE cannot take " + arguments[0].to_string());
    return Type::string();
  };
  made.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    SampleCall sample{call.arguments[0], 0};
    WEIR_ASSIGN(sample.size, constant_whole(call.name, "a sample size", call.constants[0], 1, kSampleMax));
    return make_for_keys<ReservoirSample>(sample.type, sample);
  };
  to.push_back(std::move(made));
}

}  // namespace weir
