// CountedFunction: what aggregates over exact counts of values share (quantile.cc, mode.cc, top_k.cc). They all have an
// inverse. Memory grows with the number of different values.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aggregates/value_counts.h"
#include "aggregates/value_text.h"
#include "weir/pipeline/aggregate_function.h"

namespace weir {

template <class K>
struct CountedState {
  ValueCounts<K> counts;
  mutable StatePiece scratch;  ///< The partial.
  StatePiece text;             ///< A result that is a text.
};

template <class K>
class CountedFunction : public AggregateFunction {
 public:
  using State = CountedState<K>;

  std::size_t state_bytes() const noexcept override { return sizeof(State); }
  bool owns_memory() const noexcept override { return true; }
  bool has_inverse() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override { return count(rows, to, 1); }
  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    return count(rows, from, -1);
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    return heap_result(of(to).counts.combine(of(from).counts, 1, heap));
  }
  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap& heap) const override {
    return heap_result(of(from).counts.combine(of(what).counts, -1, heap));
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    of(state).counts.release(heap);
    of(state).scratch.release(heap);
    of(state).text.release(heap);
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override {
    PieceWriter to(of(state).scratch, heap);
    if (!of(state).counts.write(to)) return state_heap_full();
    return to.view();
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    PieceReader from(partial);
    return heap_result(of(state).counts.add_written(from, heap));
  }

 protected:
  static State& of(std::byte* state) noexcept { return *reinterpret_cast<State*>(state); }
  static const State& of(const std::byte* state) noexcept { return *reinterpret_cast<const State*>(state); }

 private:
  Result<void> count(const AggregateRows& rows, const AggregateStates& to, std::int64_t times) const {
    bool done = true;
    with_keys<K>(*rows.arguments[0], [&](auto&& key) {
      rows.each([&](std::uint32_t row, std::size_t group) {
        done = done && of(to.state(group)).counts.add(key(row), times, *to.heap);
      });
    });
    return heap_result(done);
  }
};

/// The values whose counts are above 0, copied into a piece of the heap for as long as this lives.
template <class K>
class CopiedCounts {
 public:
  using Entry = typename ValueCounts<K>::Entry;
  CopiedCounts(const ValueCounts<K>& counts, StateHeap& heap) noexcept
      : heap_(heap), bytes_(counts.used * sizeof(Entry)) {
    if (counts.used == 0) return;
    entries_ = static_cast<Entry*>(heap.take(bytes_));
    if (entries_ == nullptr) return;
    counts.each([&](const K& key, std::int64_t count) {
      if (count <= 0) return;
      entries_[size_++] = {key, count};
      total_ += count;
    });
  }
  CopiedCounts(const CopiedCounts&) = delete;
  ~CopiedCounts() { heap_.give_back(entries_, bytes_); }

  bool heap_full() const noexcept { return entries_ == nullptr && bytes_ != 0; }
  Entry* begin() const noexcept { return entries_; }
  Entry* end() const noexcept { return entries_ + size_; }
  std::size_t size() const noexcept { return size_; }
  std::int64_t total() const noexcept { return total_; }  ///< Of all counts.

 private:
  StateHeap& heap_;
  std::size_t bytes_;
  Entry* entries_ = nullptr;
  std::size_t size_ = 0;
  std::int64_t total_ = 0;
};

/// Makes Function<K>(arguments…) for the keys that values of the type have.
template <template <class> class Function, class... Arguments>
AggregateFunctionPtr make_for_keys(const Type& type, const Arguments&... arguments) {
  switch (type.physical()) {
    case Physical::kInt128:
      return std::make_shared<const Function<Int128>>(arguments...);
    case Physical::kString:
      return std::make_shared<const Function<StringRef>>(arguments...);
    default:
      return std::make_shared<const Function<std::int64_t>>(arguments...);
  }
}

/// Whether values of the type can be counted and put in order.
inline bool has_order(const Type& type) noexcept {
  return type.id != TypeId::kNull && type.id < TypeId::kRow;
}

}  // namespace weir
