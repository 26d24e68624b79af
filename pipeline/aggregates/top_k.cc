// TOP_K(x, k): the k most frequent values with their counts, exactly. APPROX_TOP_K(x, k [, counters]): the same in
// bounded memory (Misra-Gries): once more than `counters` values are counted, the median count is taken from all of
// them, and those at or below it leave.
//
// Bound of APPROX_TOP_K: a value's true count lies in [count - error, count], error <= 2 n / counters for n rows, and
// every value with more than `error` rows is among the counted. Which values leave depends on the order of rows and
// partials, so each input counts for itself (by_input.h), and texts may differ within the bound between runs; up to
// `counters` values all are exact.
//
// Result: JSON, most frequent first, equal counts by value: [{"value":"a","count":3},{"value":"b","count":1}].
// Source: Misra, Gries, "Finding repeated elements", 1982; Agarwal et al., "Mergeable Summaries", PODS 2012; Anderson
// et al., "A high-performance algorithm for identifying frequent items in data streams", IMC 2017 (the median).
#include <algorithm>
#include <memory>
#include <utility>

#include "aggregates/by_input.h"
#include "aggregates/catalogue.h"
#include "aggregates/constants.h"
#include "aggregates/counted_function.h"

namespace weir {
namespace {

constexpr std::uint32_t kTopMax = 10'000;
constexpr std::uint32_t kCountersMin = 16, kCountersMax = 1u << 20, kCountersDefault = 1024;

/// Writes the k greatest; `error` is written too where it is not negative, and belongs to every count.
template <class K>
Result<std::string_view> write_top(const ValueCounts<K>& counts, std::uint32_t k, const Type& type, std::int64_t error,
                                   StatePiece& text, StateHeap& heap) {
  const CopiedCounts<K> values(counts, heap);
  if (values.heap_full()) return state_heap_full();
  using Entry = typename CopiedCounts<K>::Entry;
  Entry* const end = values.begin() + std::min<std::size_t>(k, values.size());
  std::partial_sort(values.begin(), end, values.end(), [](const Entry& a, const Entry& b) {
    return a.count != b.count ? a.count > b.count : a.key < b.key;
  });
  PieceWriter to(text, heap);
  bool done = to.append("[");
  for (const Entry* entry = values.begin(); entry != end && done; ++entry) {
    done = to.append(entry == values.begin() ? "{\"value\":" : ",{\"value\":") && append_json(entry->key, type, to) &&
           to.append(",\"count\":") && append_number(entry->count + std::max<std::int64_t>(error, 0), to) &&
           (error < 0 || (to.append(",\"error\":") && append_number(error, to))) && to.append("}");
  }
  if (!done || !to.append("]")) return state_heap_full();
  return to.view();
}

struct TopCall {
  Type type;
  std::uint32_t k, counters;
};

template <class K>
class TopK : public CountedFunction<K> {
 public:
  explicit TopK(const TopCall& call) : call_(call) {}

  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    auto& own = this->of(state);
    to.set_valid(row, false);
    if (own.counts.used == 0) return {};
    WEIR_ASSIGN(const std::string_view text, write_top(own.counts, call_.k, call_.type, -1, own.text, heap));
    put_text(text, to, row);
    return {};
  }

 private:
  TopCall call_;
};

template <class K>
class ApproxTopK : public AggregateFunction {
 public:
  explicit ApproxTopK(const TopCall& call) : call_(call) {}

  std::size_t state_bytes() const noexcept override { return sizeof(State); }
  bool owns_memory() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    bool done = true;
    with_keys<K>(*rows.arguments[0], [&](auto&& key) {
      rows.each([&](std::uint32_t row, std::size_t group) {
        done = done && count(of(to.state(group)), key(row), 1, *to.heap);
      });
    });
    return heap_result(done);
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    bool done = true;
    of(from).counts.each([&](const K& key, std::int64_t times) { done = done && count(of(to), key, times, heap); });
    of(to).error += of(from).error;
    return heap_result(done);
  }
  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    State& own = of(state);
    to.set_valid(row, false);
    if (own.counts.used == 0 && own.error == 0) return {};
    WEIR_ASSIGN(const std::string_view text, write_top(own.counts, call_.k, call_.type, own.error, own.text, heap));
    put_text(text, to, row);
    return {};
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    of(state).counts.release(heap);
    of(state).scratch.release(heap);
    of(state).text.release(heap);
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override {
    PieceWriter to(of(state).scratch, heap);
    if (!to.append_bits(of(state).error) || !of(state).counts.write(to)) return state_heap_full();
    return to.view();
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    PieceReader from(partial);
    of(state).error += from.take<std::int64_t>();
    while (!from.done()) {
      const auto times = from.take<std::int64_t>();
      if (!count(of(state), read_key<K>(from), times, heap)) return state_heap_full();
    }
    return {};
  }

 private:
  struct State : CountedState<K> {
    std::int64_t error;  ///< What was taken from counts, at most, of a value.
  };
  static State& of(std::byte* state) noexcept { return *reinterpret_cast<State*>(state); }
  static const State& of(const std::byte* state) noexcept { return *reinterpret_cast<const State*>(state); }

  bool count(State& state, const K& key, std::int64_t times, StateHeap& heap) const noexcept {
    if (!state.counts.add(key, times, heap)) return false;
    return state.counts.used <= call_.counters || lessen(state, heap);
  }
  bool lessen(State& state, StateHeap& heap) const noexcept {
    std::int64_t median = 0;
    {
      const CopiedCounts<K> values(state.counts, heap);
      if (values.heap_full()) return false;
      auto* const middle = values.begin() + values.size() / 2;
      std::nth_element(values.begin(), middle, values.end(),
                       [](const auto& a, const auto& b) { return a.count < b.count; });
      median = middle->count;
    }
    state.error += median;
    return state.counts.lessen(median, heap);
  }

  TopCall call_;
};

AggregateDefinition definition(const char* name, const char* meaning, bool exact) {
  AggregateDefinition made;
  made.name = name;
  made.signature = made.name + (exact ? "(value, k)" : "(value, k [, counters])");
  made.meaning = meaning;
  made.arguments_min = 2;
  made.arguments_max = exact ? 2 : 3;
  made.constants_max = made.arguments_max - 1;
  made.resolve = [made](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
    if (!has_order(arguments[0]))
      return Error(ErrorCode::kSqlType, made.name + " takes values in an order, not " + arguments[0].to_string());
    return Type::string();
  };
  made.make = [exact](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    TopCall top{call.arguments[0], 0, kCountersDefault};
    WEIR_ASSIGN(top.k, constant_whole(call.name, "k", call.constants[0], 1, kTopMax));
    if (exact) return make_for_keys<TopK>(top.type, top);
    top.counters = std::max(top.counters, 4 * top.k);
    if (call.constants.size() > 1) {
      WEIR_ASSIGN(top.counters, constant_whole(call.name, "counters", call.constants[1], kCountersMin, kCountersMax));
    }
    AggregateFunctionPtr counted = make_for_keys<ApproxTopK>(top.type, top);
    // Texts, and many counters, may be too large for a partial: their rows are shuffled.
    constexpr std::size_t kCounterBytes = sizeof(Int128) + 8;
    const bool small = top.type.physical() != Physical::kString && top.counters * kCounterBytes <= kPartialBytesMax;
    return small ? make_by_input(std::move(counted)) : counted;
  };
  return made;
}

}  // namespace

void add_top_k(std::vector<AggregateDefinition>& to) {
  to.push_back(definition("TOP_K", "the k most frequent values with their counts, as JSON, most frequent first", true));
  to.push_back(definition(
      "APPROX_TOP_K",
      "TOP_K in bounded memory: a value's true count lies in [count - error, count], error at most "
      "2 n / counters (1024 or 4 k) for n rows; of texts, and over SESSION and HOP windows, it may differ within "
      "that between runs on several shards",
      false));
}

}  // namespace weir
