// See row_list.h.
#include "aggregates/row_list.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "weir/core/check.h"
#include "window/state_arena.h"

namespace weir {
namespace {

constexpr std::size_t kHeader = 24;

template <class T>
T load(const char* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

std::uint32_t row_bytes(const char* row) noexcept {
  return load<std::uint32_t>(row);
}
RowOrder order_of(const char* row) noexcept {
  return {load<std::int64_t>(row + 8), load<std::uint64_t>(row + 16)};
}

Error full(const StateHeap& heap) {
  return Error(ErrorCode::kLimitExceeded, "the rows of a listing aggregate take more than state_bytes_max (" +
                                              std::to_string(heap.arena()->bytes_max()) + ")")
      .with_hint("raise state_bytes_max, or use shorter windows");
}

}  // namespace

struct RowListFunction::State {
  char* rows;
  std::size_t used, capacity;
  char* result;
  std::size_t result_capacity;

  static State& of(std::byte* state) noexcept { return *reinterpret_cast<State*>(state); }
  static const State& of(const std::byte* state) noexcept { return *reinterpret_cast<const State*>(state); }
};

RowListFunction::RowListFunction(const AggregateCallInfo& call, std::size_t limit)
    : types_(call.arguments),
      order_(call.order),
      values_(call.arguments.size() - call.order.size()),
      distinct_(call.distinct),
      limit_(limit) {
  WEIR_CHECK(values_ >= 1 && values_ <= 2);
}

std::size_t RowListFunction::state_bytes() const noexcept {
  return sizeof(State);
}

Result<void> RowListFunction::append(State& state, std::size_t bytes, StateHeap& heap, char*& at) const {
  bool grows = bytes > state.capacity - state.used;
  if (grows && limit_ != 0 && state.used != 0) {
    WEIR_TRY(prune(state, heap));
    grows = state.used + bytes > state.capacity / 2;  // half stays free, so that the next prune is as many bytes away
  }
  if (grows) {
    const std::size_t wanted = std::max({state.used + bytes, state.capacity * 2, std::size_t{64}});
    auto* grown = static_cast<char*>(heap.take(wanted));
    if (grown == nullptr) return full(heap);
    if (state.used != 0) std::memcpy(grown, state.rows, state.used);
    heap.give_back(state.rows, state.capacity);
    state.rows = grown;
    state.capacity = wanted;
  }
  at = state.rows + state.used;
  state.used += bytes;
  return {};
}

/// Gives up the rows behind the first limit_ of the result: no row that comes later brings one of them back.
Result<void> RowListFunction::prune(State& state, StateHeap& heap) const {
  std::size_t count = 0;
  for (std::size_t at = 0; at < state.used; at += row_bytes(state.rows + at)) ++count;
  if (count <= limit_) return {};
  auto* index = static_cast<const char**>(heap.take(count * sizeof(char*)));
  auto* kept = static_cast<char*>(heap.take(state.capacity));
  if (index == nullptr || kept == nullptr) {
    heap.give_back(index, count * sizeof(char*));
    heap.give_back(kept, state.capacity);
    return full(heap);
  }
  std::size_t used = 0;
  for (const char* row : sorted(state, index)) {
    std::memcpy(kept + used, row, row_bytes(row));
    used += row_bytes(row);
  }
  heap.give_back(index, count * sizeof(char*));
  heap.give_back(state.rows, state.capacity);
  state.rows = kept;
  state.used = used;
  return {};
}

Result<void> RowListFunction::add(const AggregateRows& rows, const AggregateStates& to) const {
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows.row(i);
    if (!rows.valid(row)) continue;
    Listed listed;
    for (std::size_t v = 0; v < values_; ++v) listed.values[v] = StoredValue::of(*rows.arguments[v], row);
    WEIR_ASSIGN(const bool taken, takes(listed));
    if (!taken) continue;
    std::size_t values_end = kHeader;
    for (std::size_t v = 0; v < values_; ++v) values_end += listed.values[v].bytes(types_[v].physical());
    std::size_t bytes = values_end;
    for (std::size_t k = values_; k < types_.size(); ++k)
      bytes += StoredValue::of(*rows.arguments[k], row).bytes(types_[k].physical());
    if (bytes > TextBuffer::kBytesMax) return full(*to.heap);
    char* at = nullptr;
    const std::size_t group = rows.groups == nullptr ? 0 : rows.groups[row];
    WEIR_TRY(append(State::of(to.state(group)), bytes, *to.heap, at));
    const std::uint32_t sizes[] = {static_cast<std::uint32_t>(bytes), static_cast<std::uint32_t>(values_end)};
    const RowOrder order = rows.order(row);
    std::memcpy(at, sizes, 8);
    std::memcpy(at + 8, &order.event_time, 8);
    std::memcpy(at + 16, &order.arrival, 8);
    at += kHeader;
    for (std::size_t v = 0; v < values_; ++v) at = listed.values[v].write(types_[v].physical(), at);
    for (std::size_t k = values_; k < types_.size(); ++k)
      at = StoredValue::of(*rows.arguments[k], row).write(types_[k].physical(), at);
  }
  return {};
}

Result<void> RowListFunction::combine(std::byte* to, const std::byte* from, StateHeap& heap) const {
  const State& what = State::of(from);
  return add_partial(to, {what.rows, what.used}, heap);
}

Result<std::string_view> RowListFunction::partial(const std::byte* state, StateHeap&) const {
  return std::string_view(State::of(state).rows, State::of(state).used);
}

Result<void> RowListFunction::add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const {
  if (partial.empty()) return {};
  char* at = nullptr;
  WEIR_TRY(append(State::of(state), partial.size(), heap, at));
  std::memcpy(at, partial.data(), partial.size());
  return {};
}

void RowListFunction::release(std::byte* state, StateHeap& heap) const noexcept {
  State& s = State::of(state);
  heap.give_back(s.rows, s.capacity);
  heap.give_back(s.result, s.result_capacity);
  s = State{};
}

RowListFunction::Listed RowListFunction::listed(const char* row) const noexcept {
  Listed listed;
  const char* at = row + kHeader;
  for (std::size_t v = 0; v < values_; ++v) at = listed.values[v].read(types_[v].physical(), at);
  return listed;
}

int RowListFunction::compare_values(const char* a, const char* b) const noexcept {
  const StoredValue left = listed(a).values[0];
  const StoredValue right = listed(b).values[0];
  if (!left.valid || !right.valid) return static_cast<int>(left.valid) - static_cast<int>(right.valid);
  return StoredValue::compare(types_[0].physical(), left, right);
}

bool RowListFunction::before(const char* a, const char* b) const noexcept {
  const char* left_at = a + load<std::uint32_t>(a + 4);
  const char* right_at = b + load<std::uint32_t>(b + 4);
  for (std::size_t k = 0; k < order_.size(); ++k) {
    const Physical physical = types_[values_ + k].physical();
    StoredValue left, right;
    left_at = left.read(physical, left_at);
    right_at = right.read(physical, right_at);
    if (left.valid != right.valid) return left.valid == order_[k].nulls_last;
    if (!left.valid) continue;
    const int compared = StoredValue::compare(physical, left, right);
    if (compared != 0) return (compared < 0) != order_[k].descending;
  }
  return order_of(a) < order_of(b);
}

/// The rows in the order of the result, of those that merge the one that stays.
std::span<const char*> RowListFunction::sorted(const State& state, const char** index) const noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; at < state.used; at += row_bytes(state.rows + at)) index[count++] = state.rows + at;
  const auto in_order = [this](const char* a, const char* b) { return before(a, b); };
  if (merges()) {
    std::sort(index, index + count, [&](const char* a, const char* b) {
      const int compared = compare_values(a, b);
      if (compared != 0) return compared < 0;
      return last_wins() ? before(b, a) : before(a, b);
    });
    const char** const end =
        std::unique(index, index + count, [this](const char* a, const char* b) { return same_value(a, b); });
    count = static_cast<std::size_t>(end - index);
    if (last_wins()) return {index, count};  // stays in the order of the values
  }
  if (!std::is_sorted(index, index + count, in_order)) std::sort(index, index + count, in_order);
  return {index, limit_ == 0 ? count : std::min(count, limit_)};
}

Result<void> RowListFunction::lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const {
  State& s = State::of(state);
  heap.give_back(s.result, s.result_capacity);
  s.result = nullptr;
  s.result_capacity = 0;
  const bool has_result = s.used != 0 || empty_has_result();
  if (to.validity != nullptr) to.set_valid(row, has_result);
  to.values<StringRef>()[row] = StringRef();
  if (!has_result) return {};

  std::size_t count = 0;
  for (std::size_t at = 0; at < s.used; at += row_bytes(s.rows + at)) ++count;
  auto* index = count == 0 ? nullptr : static_cast<const char**>(heap.take(count * sizeof(char*)));
  if (count != 0 && index == nullptr) return full(heap);
  TextBuffer text(heap);
  open(text);
  bool first = true;
  for (const char* at : sorted(s, index)) {
    put(listed(at), first, text);
    first = false;
  }
  close(text);
  heap.give_back(index, count * sizeof(char*));
  s.result = text.memory();
  s.result_capacity = text.capacity();
  if (!text.whole()) return full(heap);
  to.values<StringRef>()[row] = StringRef(text.text());
  return {};
}

}  // namespace weir
