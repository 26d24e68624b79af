// Slices of rows and the windows over them. See count_store.h.
#include "window/count_store.h"

#include <string>
#include <utility>

namespace weir {

CountStore::CountStore(const Setup& setup)
    : setup_(setup),
      lengths_{setup.size % setup.slide == 0 ? setup.slide : setup.size % setup.slide,
               setup.size % setup.slide == 0 ? 0 : setup.slide - setup.size % setup.slide},
      slices_(lengths_[1] == 0 ? setup.size / setup.slide : 2 * (setup.size / setup.slide) + 1),
      keys_({setup.keys, setup.arena, setup.groups_max, sizeof(KeyState) + (slices_ == 1 ? 0 : sizeof(Stacks))}),
      pool_({setup.aggregates, setup.arena, 1u << 31, sizeof(Slice)}),
      numbers_(std::make_unique<std::uint32_t[]>(setup.batch_rows)),
      completed_(*setup.arena),
      ready_(*setup.arena),
      waiting_(*setup.arena) {}

Error CountStore::full() const {
  return Error(ErrorCode::kLimitExceeded, "the windows of rows do not fit state_bytes_max = " +
                                              std::to_string(setup_.arena->bytes_max()) + " bytes of one shard")
      .with_hint("raise state_bytes_max, or use more shards");
}

Result<std::uint32_t> CountStore::make(std::uint32_t key, EventTime time) {
  WEIR_ASSIGN(const std::uint32_t row, pool_.take());
  slice(row) = {time, time, key, 0};
  return row;
}

Result<void> CountStore::combine(std::uint32_t to, std::uint32_t from) {
  return combine_row(*setup_.aggregates, pool_.state(to), pool_.state(from), pool_.memory());
}

/// One more row of the slice that fills; whether it is full.
bool CountStore::fill(KeyState& state, std::uint32_t row) noexcept {
  Slice& filling = slice(row);
  if (++filling.next < lengths_[state.second]) return false;
  filling.next = state.second;
  if (takes_turns()) state.second ^= 1u;
  state.open = 0;
  return true;
}

// ---- Rows into slices -------------------------------------------------------------------------------------------

Result<void> CountStore::take(BatchKeys& keys, const simd::Rows& rows, const EventTime* times, std::uint32_t* groups) {
  WEIR_TRY(keys_.find_or_insert(keys, rows, numbers_.get()));
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    const std::uint32_t key = numbers_[row];
    if (key_state(key).open == 0) {
      WEIR_ASSIGN(const std::uint32_t made, make(key, times[row]));
      key_state(key).open = made + 1;
    }
    KeyState& state = key_state(key);
    const std::uint32_t open = state.open - 1;
    slice(open).last = times[row];
    groups[row] = open;
    if (fill(state, open) && !completed_.push(open)) return full();
  }
  return {};
}

Result<void> CountStore::taken() {
  for (const std::uint32_t row : completed_) WEIR_TRY(complete(row));
  completed_.clear();
  return {};
}

Result<void> CountStore::put_aside(BatchKeys& keys, const simd::Rows& rows, const EventTime* times,
                                   const Watermark* watermarks, const std::uint64_t* arrivals, std::uint64_t arrival,
                                   std::uint32_t* groups) {
  WEIR_TRY(keys_.find_or_insert(keys, rows, numbers_.get()));
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    WEIR_ASSIGN(groups[row], make(numbers_[row], times[row]));
    const Waiting waiting{watermarks == nullptr ? kWatermarkNone : watermarks[row],
                          arrivals == nullptr ? arrival + row : arrivals[row], groups[row], 0};
    if (!waiting_.push_heap(waiting)) return full();
    ++key_state(numbers_[row]).uses;
  }
  return {};
}

Result<void> CountStore::settle(const Waiting& waiting) {
  const std::uint32_t row = waiting.row;
  KeyState& state = key_state(slice(row).key);
  --state.uses;
  std::uint32_t open = row;
  if (state.open == 0) {
    state.open = row + 1;
  } else {
    open = state.open - 1;
    slice(open).last = slice(row).last;
    WEIR_TRY(combine(open, row));
    pool_.give_back(row);
  }
  return fill(state, open) ? complete(open) : Result<void>();
}

// ---- Slices into windows ----------------------------------------------------------------------------------------

Result<void> CountStore::complete(std::uint32_t row) {
  const std::uint32_t key = slice(row).key;
  const bool second = slice(row).next != 0;
  if (overlaps()) return slide(key, row, !second);
  if (!second) return give(key, row, slice(row).first, slice(row).last);
  pool_.give_back(row);  // rows between two windows; other slices of the batch may be the key's, so it stays
  return {};
}

Result<void> CountStore::give(std::uint32_t key, std::uint32_t row, EventTime first, EventTime last) {
  if (!ready_.push({key, row, first, last})) return full();
  ++key_state(key).uses;
  key_state(key).given = 1;
  return {};
}

/// A complete slice goes on the back; where that makes a window whole, it is given out and the oldest slices leave.
Result<void> CountStore::slide(std::uint32_t key, std::uint32_t row, bool ends_a_window) {
  Stacks& state = stacks(key);
  slice(row).next = state.back;
  state.back = row + 1;
  if (state.back_sum == 0) {
    WEIR_ASSIGN(const std::uint32_t sum, make(key, 0));
    state.back_sum = sum + 1;
  }
  WEIR_TRY(combine(state.back_sum - 1, row));
  if (++state.slices < slices_ || !ends_a_window) return {};

  if (state.front == 0) WEIR_TRY(turn_over(state));
  const std::uint32_t oldest = state.front - 1;
  WEIR_ASSIGN(const std::uint32_t whole, make(key, 0));
  WEIR_TRY(combine(whole, oldest));
  if (state.back_sum != 0) WEIR_TRY(combine(whole, state.back_sum - 1));
  const EventTime last = slice(row).last;
  WEIR_TRY(give(key, whole, slice(oldest).first, last));
  for (int leaving = takes_turns() ? 2 : 1; leaving > 0; --leaving) {
    if (state.front == 0) WEIR_TRY(turn_over(state));
    const std::uint32_t left = state.front - 1;
    state.front = slice(left).next;
    pool_.give_back(left);
    --state.slices;
  }
  return {};
}

/// The back stack becomes the front one: from the newest slice to the oldest, each takes in what is newer.
Result<void> CountStore::turn_over(Stacks& state) {
  while (state.back != 0) {
    const std::uint32_t row = state.back - 1;
    state.back = slice(row).next;
    if (state.front != 0) WEIR_TRY(combine(row, state.front - 1));
    slice(row).next = state.front;
    state.front = row + 1;
  }
  pool_.give_back(state.back_sum - 1);
  state.back_sum = 0;
  return {};
}

Result<bool> CountStore::next(Watermark watermark, Window& window, std::uint64_t& settled) {
  while (ready_at_ == ready_.size()) {
    ready_.clear();
    ready_at_ = 0;
    if (waiting_.empty() || waiting_[0].watermark >= watermark) return false;
    WEIR_TRY(settle(waiting_.pop_heap()));
    ++settled;
  }
  window = ready_[ready_at_++];
  return true;
}

void CountStore::leave_key(std::uint32_t key) noexcept {
  KeyState& state = key_state(key);
  --state.uses;
  // A key between two tumbling windows has nothing to keep.
  const bool stacked = overlaps() && stacks(key).slices != 0;
  if (state.uses == 0 && state.open == 0 && state.second == 0 && !stacked) keys_.erase(key);
}

void CountStore::release_stack(std::uint32_t top) noexcept {
  while (top != 0) {
    const std::uint32_t next = slice(top - 1).next;
    pool_.give_back(top - 1);
    top = next;
  }
}

/// Returns the rows on them that no window has given out: after a key's first window every slice has been in one, but a
/// second one that stands last.
std::uint64_t CountStore::close_stacks(const Stacks& state, const KeyState& key) noexcept {
  if (state.back_sum != 0) pool_.give_back(state.back_sum - 1);
  release_stack(state.front);
  release_stack(state.back);
  if (!takes_turns()) return key.given != 0 ? 0 : std::uint64_t{state.slices} * lengths_[0];
  if (key.given != 0) return key.second == 0 && state.slices % 2 == 0 && state.slices != 0 ? lengths_[1] : 0;
  return std::uint64_t{(state.slices + 1) / 2} * lengths_[0] + std::uint64_t{state.slices / 2} * lengths_[1];
}

std::uint64_t CountStore::close() noexcept {
  std::uint64_t rest = 0;
  for (std::uint32_t key = 0; key < keys_.number_end(); ++key) {
    if (!keys_.present(key)) continue;
    const KeyState state = key_state(key);
    if (state.open != 0) {
      if (overlaps() || state.second == 0) rest += slice(state.open - 1).next;
      pool_.give_back(state.open - 1);
    }
    if (overlaps()) rest += close_stacks(stacks(key), state);
    keys_.erase(key);
  }
  return rest;
}

Result<void> CountStore::reclaim() {
  if (keys_.count() == 0) {
    completed_.free();
    ready_.free();
    waiting_.free();
  }
  WEIR_TRY(pool_.reclaim());
  return keys_.reclaim();
}

}  // namespace weir
