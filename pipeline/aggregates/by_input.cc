// See by_input.h.
#include "aggregates/by_input.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "aggregates/state_piece.h"

namespace weir {
namespace {

constexpr unsigned kRowBits = 40;  // of RowOrder::arrival

class ByInput final : public AggregateFunction {
 public:
  explicit ByInput(AggregateFunctionPtr inner)
      : inner_(std::move(inner)), inner_bytes_(inner_->state_bytes()), stride_(8 + inner_bytes_) {}

  const AggregateFunctionPtr& inner() const noexcept { return inner_; }

  std::size_t state_bytes() const noexcept override { return sizeof(State) + inner_bytes_; }
  void initialize(std::byte* state) const noexcept override {
    of(state) = {};
    inner_->initialize(first(state));
  }
  /// Of one input.
  std::size_t heap_bytes_max() const noexcept override {
    return inner_->heap_bytes_max() == 0 ? 0 : inner_->heap_bytes_max() + sizeof(Others);
  }
  bool owns_memory() const noexcept override { return true; }
  bool ignores_nulls() const noexcept override { return inner_->ignores_nulls(); }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    if (of_one_input(rows, to)) return inner_->add(rows, {to.base + sizeof(State), to.stride, to.heap});
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows.row(i);
      if (!rows.valid(row)) continue;
      std::byte* const group = to.state(rows.groups == nullptr ? 0 : rows.groups[row]);
      std::byte* const state = entry(group, input_of(rows, row), *to.heap);
      if (state == nullptr) return state_heap_full();
      AggregateRows one = rows;
      one.count = 1;
      one.selection = &row;
      one.groups = nullptr;
      WEIR_TRY(inner_->add(one, {state, stride_, to.heap}));
    }
    return {};
  }

  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    return each(from, [&](std::uint64_t input, const std::byte* state) -> Result<void> {
      std::byte* const into = entry(to, input, heap);
      if (into == nullptr) return state_heap_full();
      return inner_->combine(into, state, heap);
    });
  }

  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    Others* const others = of(state).others;
    if (others == nullptr || others->count == 0) return inner_->lower(first(state), heap, to, row);
    WEIR_TRY(merge(state, heap));
    return inner_->lower(others->merged, heap, to, row);
  }

  void release(std::byte* state, StateHeap& heap) const noexcept override {
    inner_->release(first(state), heap);
    Others* const others = of(state).others;
    if (others != nullptr) {
      drop_merged(*others, heap);
      for (std::uint32_t i = 0; i < others->count; ++i) inner_->release(others->states.data + i * stride_ + 8, heap);
      others->states.release(heap);
      others->scratch.release(heap);
      heap.give_back(others, sizeof(Others));
    }
    of(state) = {};
  }

  /// | input u64 | bytes u64 | the inner partial | for each input
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override {
    if (of(state).input == 0) return std::string_view("", 0);
    Others* const others = make_others(of(state), heap);
    if (others == nullptr) return state_heap_full();
    PieceWriter to(others->scratch, heap);
    WEIR_TRY(each(state, [&](std::uint64_t input, const std::byte* one) { return write(input, one, to, heap); }));
    if (others->count == 0 || to.view().size() <= kPartialBytesMax) return to.view();
    WEIR_TRY(merge(state, heap));
    PieceWriter whole(others->scratch, heap);
    WEIR_TRY(write(of(state).input - 1, others->merged, whole, heap));
    return whole.view();
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    PieceReader from(partial);
    while (!from.done()) {
      const auto input = from.take<std::uint64_t>();
      const auto bytes = from.take<std::uint64_t>();
      std::byte* const into = entry(state, input, heap);
      if (into == nullptr) return state_heap_full();
      WEIR_TRY(inner_->add_partial(into, from.take_text(bytes), heap));
    }
    return {};
  }

 private:
  struct Others {
    StatePiece states;   // of inputs: | input | inner state |, ascending
    StatePiece scratch;  // the partial
    std::byte* merged;   // all states in one, as of the last lower
    std::uint64_t count;
  };
  struct State {
    std::uint64_t input;     // of the inner state behind this, + 1; 0: none yet
    mutable Others* others;  // null: there is one input
  };
  static State& of(std::byte* state) noexcept { return *reinterpret_cast<State*>(state); }
  static const State& of(const std::byte* state) noexcept { return *reinterpret_cast<const State*>(state); }
  static std::byte* first(std::byte* state) noexcept { return state + sizeof(State); }
  static const std::byte* first(const std::byte* state) noexcept { return state + sizeof(State); }
  static std::uint64_t number(const std::byte* at) noexcept {
    std::uint64_t input;
    std::memcpy(&input, at, sizeof input);
    return input;
  }
  static std::uint64_t input_of(const AggregateRows& rows, std::uint32_t row) noexcept {
    return (rows.arrivals == nullptr ? rows.arrival : rows.arrivals[row]) >> kRowBits;
  }

  /// Whether each row is of the input that its group's first state is of; groups without rows take it.
  static bool of_one_input(const AggregateRows& rows, const AggregateStates& to) noexcept {
    bool one = true;
    const auto look = [&](std::uint32_t row, std::size_t group) {
      State& state = of(to.state(group));
      const std::uint64_t input = input_of(rows, row) + 1;
      if (state.input == 0) state.input = input;
      one = one && state.input == input;
    };
    if (rows.groups == nullptr && rows.arrivals == nullptr) {
      if (rows.count != 0) look(rows.row(0), 0);
    } else {
      rows.each(look);
    }
    return one;
  }

  static Others* make_others(const State& state, StateHeap& heap) noexcept {
    if (state.others == nullptr) {
      void* const made = heap.take(sizeof(Others));
      if (made != nullptr) state.others = new (made) Others{};
    }
    return state.others;
  }

  /// The inner state of an input, made where there is none; null where the heap is full.
  std::byte* entry(std::byte* state, std::uint64_t input, StateHeap& heap) const noexcept {
    State& own = of(state);
    if (own.input == 0) own.input = input + 1;
    if (own.input == input + 1) return first(state);
    Others* const others = make_others(own, heap);
    if (others == nullptr) return nullptr;
    std::uint64_t at = 0;
    while (at < others->count && number(others->states.data + at * stride_) < input) ++at;
    if (at == others->count || number(others->states.data + at * stride_) != input) {
      const std::size_t used = others->count * stride_;
      if (others->states.bytes < used + stride_ && !others->states.reserve(2 * used + stride_, heap, used))
        return nullptr;
      std::byte* const place = others->states.data + at * stride_;
      std::memmove(place + stride_, place, used - at * stride_);
      std::memcpy(place, &input, sizeof input);
      inner_->initialize(place + 8);
      ++others->count;
    }
    return others->states.data + at * stride_ + 8;
  }

  /// Calls body(input, state) by ascending input.
  template <class Body>
  Result<void> each(const std::byte* state, Body&& body) const {
    const State& own = of(state);
    if (own.input == 0) return {};
    bool first_told = false;
    for (std::uint64_t i = 0; own.others != nullptr && i < own.others->count; ++i) {
      const std::byte* const at = own.others->states.data + i * stride_;
      if (!first_told && number(at) > own.input - 1) {
        first_told = true;
        WEIR_TRY(body(own.input - 1, first(state)));
      }
      WEIR_TRY(body(number(at), at + 8));
    }
    return first_told ? Result<void>() : body(own.input - 1, first(state));
  }

  Result<void> merge(const std::byte* state, StateHeap& heap) const {
    Others& others = *of(state).others;
    drop_merged(others, heap);
    others.merged = static_cast<std::byte*>(heap.take(inner_bytes_));
    if (others.merged == nullptr) return state_heap_full();
    inner_->initialize(others.merged);
    return each(state, [&](std::uint64_t, const std::byte* one) { return inner_->combine(others.merged, one, heap); });
  }
  void drop_merged(Others& others, StateHeap& heap) const noexcept {
    if (others.merged == nullptr) return;
    inner_->release(others.merged, heap);
    heap.give_back(others.merged, inner_bytes_);
    others.merged = nullptr;
  }

  Result<void> write(std::uint64_t input, const std::byte* state, PieceWriter& to, StateHeap& heap) const {
    WEIR_ASSIGN(const std::string_view bytes, inner_->partial(state, heap));
    const std::uint64_t size = bytes.size();
    return heap_result(to.append_bits(input) && to.append_bits(size) && to.append(bytes));
  }

  AggregateFunctionPtr inner_;
  std::size_t inner_bytes_, stride_;
};

}  // namespace

AggregateFunctionPtr make_by_input(AggregateFunctionPtr inner) {
  return std::make_shared<ByInput>(std::move(inner));
}

bool keeps_inputs_apart(const AggregateFunction& function) noexcept {
  return dynamic_cast<const ByInput*>(&function) != nullptr;
}

AggregateFunctionPtr without_inputs(AggregateFunctionPtr function) {
  const auto* by_input = dynamic_cast<const ByInput*>(function.get());
  return by_input == nullptr ? function : by_input->inner();
}

}  // namespace weir
