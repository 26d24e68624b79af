// Windows from the windows before them. See shared_windows.h.
#include "window/shared_windows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/simd/gather.h"
#include "weir/simd/reduce.h"
#include "weir/simd/word_rows.h"

namespace weir {
namespace {

// Of states that wait to be lowered: they and what they become stay in the first cache.
constexpr std::size_t kStageBytes = 16384;

/// Rows of a slice's table from `first` on.
StateRowList rows_of(const Slice& slice, std::uint32_t first) noexcept {
  const simd::GroupRows rows = slice.table.state_rows();
  return {{rows.base + first * rows.stride, rows.stride}, nullptr};
}

std::uint32_t piece(std::uint32_t left, std::size_t budget) noexcept {
  return static_cast<std::uint32_t>(std::min<std::size_t>({left, budget, SharedWindows::kBlock}));
}
/// The same of groups that have bits: whole words of them, but for the last.
std::uint32_t piece_of_words(std::uint32_t left, std::size_t budget) noexcept {
  const std::uint32_t count = piece(left, budget);
  return count == left || count == 0 ? count : std::min(left, std::max(64u, count / 64 * 64));
}
std::uint32_t piece_of(const Slice& slice, std::uint32_t first, std::size_t budget) noexcept {
  const std::uint32_t left = slice.table.group_end() - first;
  return slice.table.plane() ? piece_of_words(left, budget) : piece(left, budget);
}

/// to[i] := from[i]; the lists have no row in common.
void copy_rows(const StateRowList& to, const StateRowList& from, std::uint32_t count) noexcept {
  const std::size_t stride = std::min(to.rows.stride, from.rows.stride);
  constexpr std::uint32_t kFew = 4;
  if (count > kFew && to.groups == nullptr && from.groups == nullptr && to.rows.stride == from.rows.stride) {
    std::memcpy(to.rows.base, from.rows.base, count * stride);
    return;
  }
  const auto copy = [&](auto bytes) {
    for (std::uint32_t i = 0; i < count; ++i) std::memcpy(to.row(i), from.row(i), bytes);
  };
  const bool picked = from.groups != nullptr && to.groups == nullptr && from.rows.stride == to.rows.stride;
  if (picked && stride == 8) return simd::gather8(from.rows.base, from.groups, count, to.rows.base);
  if (picked && stride == 16) return simd::gather16(from.rows.base, from.groups, count, to.rows.base);
  switch (stride) {  // so that the commonest are no calls
    case 8:
      return copy(std::integral_constant<std::size_t, 8>());
    case 16:
      return copy(std::integral_constant<std::size_t, 16>());
    case 24:
      return copy(std::integral_constant<std::size_t, 24>());
    case 32:
      return copy(std::integral_constant<std::size_t, 32>());
    default:
      return copy(stride);
  }
}

/// An empty piece costs something too.
void spend(std::size_t& budget, std::size_t rows) noexcept {
  budget -= std::min(budget, std::max<std::size_t>(rows, 1));
}

AggregateLayout layout_without_aggregates() {
  auto layout = AggregateLayout::make(Schema(), {}, true);
  WEIR_CHECK(layout.has_value());
  return std::move(*layout);
}

}  // namespace

SharedWindows::SharedWindows(const Setup& setup)
    : setup_(setup),
      layout_(setup.layout->totals()),
      algebra_(layout_),
      steps_(setup.math.kind == WindowKind::kHop ? steps_of(algebra_) : WordSteps()),
      no_aggregates_(layout_without_aggregates()),
      directory_(*setup.arena),
      key_columns_(*setup.keys, *setup.arena),
      stride_(layout_.state_bytes()),
      one_state_(algebra_.invertible() || setup.math.kind == WindowKind::kCumulate),
      words_(key_columns_.present() && setup.math.kind == WindowKind::kHop && algebra_.word_rows() != nullptr),
      heap_(*setup.arena),
      result_heap_(*setup.arena),
      block_(std::make_unique<std::uint32_t[]>(kBlock)),
      identity_(std::make_unique<std::uint32_t[]>(kBlock)) {
  std::iota(identity_.get(), identity_.get() + kBlock, 0u);
  if (stride_ != setup.layout->state_bytes()) totals_ = std::make_unique<std::byte[]>(stride_);
  GroupTable::Setup of_keys{setup.keys, &no_aggregates_, setup.arena, setup.groups_max};
  of_keys.of_keys = true;
  if (key_columns_.present()) of_keys.columns = &key_columns_;
  numbers_.set_up(of_keys);
}

// ---- Memory -----------------------------------------------------------------------------------------------------

Error SharedWindows::memory_error() const {
  return Error(ErrorCode::kLimitExceeded, "the state of windows does not fit state_bytes_max = " +
                                              std::to_string(setup_.arena->bytes_max()) + " bytes of one shard")
      .with_hint("raise state_bytes_max, use more shards or shorter windows");
}

Result<std::byte*> SharedWindows::take(std::size_t bytes) {
  void* block = setup_.arena->take(bytes);
  if (block == nullptr) return memory_error();
  return static_cast<std::byte*>(block);
}

Result<void> SharedWindows::grow(States& states, std::uint32_t capacity) {
  const std::size_t bytes = StateArena::block_bytes(capacity * stride_);
  WEIR_ASSIGN(std::byte * base, take(bytes));
  if (states.base != nullptr) {
    std::memcpy(base, states.base, capacity_ * stride_);
    setup_.arena->give_back(states.base, states.block);
  }
  states.base = base;
  states.block = bytes;
  algebra_.initialize({{base + capacity_ * stride_, stride_}, nullptr}, capacity - capacity_);
  return {};
}

Result<void> SharedWindows::make_room() {
  const std::uint32_t needed = keyed() ? numbers_.group_end() : 1;
  if (needed <= capacity_) return {};
  const std::uint32_t capacity = keyed() ? std::max(64u, std::bit_ceil(needed)) : 1;
  for (std::size_t part = 0; part < (one_state_ ? 1 : kParts); ++part) WEIR_TRY(grow(states_[part], capacity));
  WEIR_TRY(grow_zeroed(seen_, seen_block_, (capacity + 63) / 64));
  capacity_ = capacity;
  return {};
}

/// Makes room for `count` numbers, the new ones 0.
template <class T>
Result<void> SharedWindows::grow_zeroed(T*& array, std::size_t& block, std::size_t count) {
  const std::size_t bytes = StateArena::block_bytes(count * sizeof(T));
  if (bytes == block) return {};
  WEIR_ASSIGN(std::byte * grown, take(bytes));
  std::memset(grown, 0, bytes);
  if (array != nullptr) {
    std::memcpy(grown, array, block);
    setup_.arena->give_back(array, block);
  }
  array = reinterpret_cast<T*>(grown);
  block = bytes;
  return {};
}

Result<void> SharedWindows::take_rows(States& states, std::uint32_t count) {
  if (states.base != nullptr) return {};
  WEIR_ASSIGN(states.base, take(count * stride_));
  states.block = StateArena::block_bytes(count * stride_);
  return {};
}

void SharedWindows::give_memory_back() noexcept {
  for (States& states : states_) {
    if (states.base != nullptr) setup_.arena->give_back(states.base, states.block);
    states.strings.free(*setup_.arena);
    states = States();
  }
  free_rows();
  heap_.clear();
  if (seen_ != nullptr) setup_.arena->give_back(seen_, seen_block_);
  seen_ = nullptr;
  seen_block_ = 0;
  key_columns_.free();
  directory_.free();
  capacity_ = 0;
  numbers_.clear();
}

// ---- Groups -----------------------------------------------------------------------------------------------------

/// A slice with these groups, null for the only one, enters.
void SharedWindows::count_in(const std::uint32_t* groups, std::uint32_t count) noexcept {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t group = groups == nullptr ? i : groups[i];
    const std::uint64_t bit = std::uint64_t{1} << (group % 64);
    // The running part of a frame holds each of its numbers once, in the place of the slices.
    if (cumulate() && groups != nullptr && (seen_[group / 64] & bit) != 0) (void)numbers_.release(group);
    seen_[group / 64] |= bit;
  }
}

/// The only row of a slice that takes no more rows becomes one of layout(), in its place.
void SharedWindows::take_totals(Slice& slice) noexcept {
  std::byte* row = slice.table.state(0);
  std::byte* total = totals_.get();
  const auto from = setup_.layout->accumulators(), to = layout_.accumulators();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i].kind == AccumulatorKind::kSumDouble) {
      const double sum = simd::total(*reinterpret_cast<const simd::SumLanes*>(row + from[i].offset));
      std::memcpy(total + to[i].offset, &sum, sizeof sum);
    } else {
      std::memcpy(total + to[i].offset, row + from[i].offset, accumulator_bytes(from[i], false));
    }
  }
  for (std::size_t i = 0; i < layout_.functions().size(); ++i) {
    const FunctionPart& part = layout_.functions()[i];
    std::memcpy(total + part.offset, row + setup_.layout->functions()[i].offset, part.function->state_bytes());
  }
  std::memcpy(row, total, stride_);
}

/// Clears the bits of those of the groups, null for the only one, that have no rows any more.
void SharedWindows::recount(const std::uint32_t* groups, std::uint32_t count) noexcept {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t group = groups == nullptr ? i : groups[i];
    std::uint64_t rows = 0;
    for (std::size_t part = 0; part < (one_state_ ? 1 : kParts); ++part) {
      std::uint64_t more;
      std::memcpy(&more, states_[part].base + group * stride_, sizeof more);
      rows |= more;
    }
    if (rows == 0) seen_[group / 64] &= ~(std::uint64_t{1} << (group % 64));
  }
}

/// Adds the groups row_, row_ + 1, … that have rows in a part of the window to bits_. Requires: states are words.
void SharedWindows::add_counted(std::uint32_t count) noexcept {
  for (std::size_t part = 0; part < (one_state_ ? 1 : kParts); ++part)
    add_counted(states_[part].base + row_ * stride_, count);
}
void SharedWindows::add_counted(const std::byte* rows, std::uint32_t count) noexcept {
  simd::counted_rows(rows, algebra_.word_rows()->words(), count, more_bits_.data());
  for (std::uint32_t at = 0; at < count; at += 64) bits_[at / 64] |= more_bits_[at / 64];
}

/// Makes the bits of all groups anew. False: the budget is spent.
bool SharedWindows::recount_all(std::size_t& budget) noexcept {
  while (row_ < capacity_) {
    const std::uint32_t count = piece_of_words(capacity_ - row_, budget);
    if (count == 0) return false;
    if (words_ && count % 64 == 0) {
      bits_.fill(0);
      add_counted(count);
      std::copy_n(bits_.data(), count / 64, seen_ + row_ / 64);
    } else {
      for (std::uint32_t i = 0; i < count; ++i) {
        block_[i] = row_ + i;
        seen_[block_[i] / 64] |= std::uint64_t{1} << (block_[i] % 64);
      }
      recount(block_.get(), count);
    }
    row_ += count;
    spend(budget, count);
  }
  row_ = 0;
  return true;
}

const std::uint32_t* SharedWindows::numbers_of(const Slice& slice, std::uint32_t first, std::uint32_t count) noexcept {
  if (!keyed() || slice.table.plane()) return nullptr;
  for (std::uint32_t i = 0; i < count; ++i) block_[i] = slice.table.number(first + i);
  return block_.get();
}

void SharedWindows::forget(std::uint32_t group) noexcept {
  seen_[group / 64] &= ~(std::uint64_t{1} << (group % 64));
  for (std::size_t part = 0; part < (one_state_ ? 1 : kParts); ++part)
    algebra_.reset(list(static_cast<Part>(part), &group), 1, memory(static_cast<Part>(part)));
}

void SharedWindows::release_numbers(std::uint32_t count) noexcept {
  for (std::uint32_t i = 0; i < count; ++i)
    if (numbers_.release(block_[i])) forget(block_[i]);
}

std::uint32_t SharedWindows::plane_slices() const noexcept {
  if (!words_) return 0;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(setup_.math.size / setup_.math.slice, 1u << 20));
}

/// Whether numbers have been kept for a window's length that no slice may have any more.
bool SharedWindows::forgetting_due() noexcept {
  if (!numbers_.keeps_unused() || fired_end_ == kEventTimeMin) return false;
  if (forget_end_ == kEventTimeMin) forget_end_ = fired_end_ + setup_.math.size;
  return fired_end_ >= forget_end_;
}

/// Forgets the numbers that neither the window nor a slice to come has. False: the budget is spent.
bool SharedWindows::forget_unused(SliceStore& store, std::size_t& budget) noexcept {
  while (row_ < numbers_.group_end()) {
    const std::uint32_t count = piece_of_words(numbers_.group_end() - row_, budget);
    if (count == 0) return false;
    bits_.fill(0);
    std::size_t work = count;
    if (row_ < capacity_) add_counted(std::min(count, capacity_ - row_));
    for (std::uint32_t i = store.entered_until(); i < store.open_count(); ++i) {
      const Slice& slice = store.at(i);
      if (slice.place != SlicePlace::kPending || !slice.table.plane() || slice.table.group_end() <= row_) continue;
      add_counted(rows_of(slice, row_).rows.base, std::min(count, slice.table.group_end() - row_));
      work += count / 8;
    }
    numbers_.forget_unused(row_, count, bits_.data());
    row_ += count;
    spend(budget, work);
  }
  row_ = 0;
  numbers_.unused_forgotten();
  forget_end_ = kEventTimeMin;
  return true;
}

void SharedWindows::make_number_room(SliceStore& store, std::uint32_t rows) noexcept {
  if (!numbers_.keeps_unused() || numbers_.key_count() + rows <= setup_.groups_max) return;
  WEIR_DCHECK(task_ == Task::kLeave && row_ == 0);
  std::size_t all = ~std::size_t{0};
  (void)forget_unused(store, all);
}

// ---- Which window is next ---------------------------------------------------------------------------------------

/// Whether the window after the last one has not fired at the watermark: then no window is due.
bool SharedWindows::none_due(Watermark watermark) const noexcept {
  return fired_end_ != kEventTimeMin && !setup_.math.fired(fired_end_ + setup_.math.slice, watermark);
}

/// End of the next window that has rows, kEventTimeMax where there is none. Requires: retire() is done.
std::int64_t SharedWindows::next_end(const SliceStore& store) const noexcept {
  std::int64_t end = kEventTimeMax;
  if (live_ != 0 || frame_end_ > fired_end_) end = fired_end_ + setup_.math.slice;
  for (std::uint32_t i = store.entered_until(); i < store.open_count(); ++i) {
    const Slice& slice = store.at(i);
    if (setup_.math.slice_end(slice.start) > end) break;  // later slices start later still
    if (slice.place == SlicePlace::kPending) end = std::min(end, slice.window_end_min);
  }
  return end;
}

// ---- Entering ---------------------------------------------------------------------------------------------------

Result<SharedWindows::Next> SharedWindows::next_window(SliceStore& store, Watermark target, std::size_t& budget) {
  const WordStep step = steps_.next == nullptr ? WordStep::kOther : steps_.next(*this, store, target, budget);
  if (step == WordStep::kDone) return Next::kReady;
  if (step == WordStep::kOverflow) return RowAlgebra::overflow();
  return any_next_window(store, target, budget);
}

/// What the usual step leaves over.
Result<SharedWindows::Next> SharedWindows::any_next_window(SliceStore& store, Watermark target, std::size_t& budget) {
  // At the end nothing is left to be done when the end of the input has been passed on.
  if (target == kWatermarkNone || (none_due(target) && target != kWatermarkEnd)) return Next::kNone;
  WEIR_ASSIGN(const bool gone, let_go(store, budget));
  if (!gone) return Next::kWaiting;
  const std::int64_t end = next_end(store);
  if (end == kEventTimeMax || !setup_.math.fired(end, target)) return Next::kNone;
  WEIR_ASSIGN(const bool prepared, prepare(store, end, budget));
  if (!prepared) return Next::kWaiting;
  window_end_ = end;
  return Next::kReady;
}

/// Lets the slices of the window that ends at `end` enter. False: the budget is spent.
Result<bool> SharedWindows::prepare(SliceStore& store, std::int64_t end, std::size_t& budget) {
  for (std::uint32_t i = store.entered_until(); i < store.open_count();) {
    const Slice& slice = store.at(i);
    if (setup_.math.slice_end(slice.start) > end) break;
    if (slice.place != SlicePlace::kPending || slice.window_end_min > end) {
      ++i;
      continue;
    }
    WEIR_ASSIGN(const bool entered, enter(store, i, budget));
    if (!entered) return false;
    if (!cumulate()) ++i;
  }
  return true;
}

SharedWindows::Part SharedWindows::part_to_enter(const Slice& slice) const noexcept {
  return !one_state_ && front_live_ != 0 && slice.start <= front_last_start_ ? kExtraPart : kRunningPart;
}

Result<bool> SharedWindows::enter(SliceStore& store, std::uint32_t position, std::size_t& budget) {
  Slice& slice = store.at(position);
  if (budget == 0) return false;  // what a slice needs first is done once: with its first rows
  if (row_ == 0) {
    WEIR_TRY(slice.table.number_groups());
    slice.table.seal();
    if (totals_ != nullptr) take_totals(slice);
    WEIR_TRY(make_room());
  }
  const Part part = part_to_enter(slice);
  while (row_ < slice.table.group_end()) {
    const std::uint32_t count = piece_of(slice, row_, budget);
    if (count == 0) return false;
    const std::uint32_t* groups = numbers_of(slice, row_, count);
    if (slice.table.plane()) {
      std::memset(seen_ + row_ / 64, 0xFF, (count + 63) / 64 * sizeof(std::uint64_t));
      by_rows_ = true;
    } else {
      count_in(groups, count);
    }
    WEIR_TRY(algebra_.combine(list(part, groups, row_), rows_of(slice, row_), count, memory(part)));
    row_ += count;
    spend(budget, count);
  }
  row_ = 0;
  entered_start_ = std::max(entered_start_, slice.start);
  store.enter(position, part == kExtraPart ? SlicePlace::kExtra : SlicePlace::kRunning);
  if (cumulate()) {
    frame_end_ = setup_.math.last_end(slice.start);
    store.close(position);
  } else {
    ++live_;
    live_planes_ += slice.table.plane() ? 1 : 0;
    extra_live_ += part == kExtraPart ? 1 : 0;
  }
  return true;
}

// ---- Leaving ----------------------------------------------------------------------------------------------------

Result<bool> SharedWindows::retire(SliceStore& store, std::size_t& budget) {
  if (task_ != Task::kForget) {
    WEIR_ASSIGN(const bool gone, let_go(store, budget));
    if (!gone) return false;
    if (!forgetting_due()) return true;
    task_ = Task::kForget;
  }
  if (!forget_unused(store, budget)) return false;
  task_ = Task::kLeave;
  return true;
}

/// Lets the slices go whose last window has fired. False: the budget is spent.
Result<bool> SharedWindows::let_go(SliceStore& store, std::size_t& budget) {
  if (task_ == Task::kLeave) {
    // Without a frame there is nothing to end: a slice that enters in several turns begins one with its last.
    const bool over = frame_end_ != kEventTimeMin && frame_end_ <= fired_end_;
    if (cumulate() && over && !end_frame(budget)) return false;
    while (!cumulate() && store.open_count() != 0 && setup_.math.last_end(store.at(0).start) <= fired_end_) {
      WEIR_ASSIGN(const bool left, leave(store.at(0), budget));
      if (!left) return false;
      store.close(0);
    }
    if (flip_wanted_ || extras_stale_) task_ = Task::kClear;
  }
  if (task_ == Task::kClear) {
    if (!clear_parts(budget)) return false;
    finish_leaving();
    slice_ = flip_wanted_ ? store.position_after(entered_start_) : 0;
    task_ = flip_wanted_ ? Task::kFlip : Task::kExtras;
  }
  if (task_ == Task::kFlip || task_ == Task::kExtras) {
    WEIR_ASSIGN(const bool done, task_ == Task::kFlip ? flip(store, budget) : add_extras(store, budget));
    if (!done) return false;
    task_ = Task::kRecount;
  }
  if (task_ == Task::kLeave && by_rows_ && live_planes_ == 0) task_ = Task::kRecount;
  if (task_ == Task::kRecount) {
    if (live_planes_ == 0) {
      if (!recount_all(budget)) return false;
      by_rows_ = false;
    }
    task_ = Task::kLeave;
    flip_wanted_ = extras_stale_ = false;
  }
  if (live_ == 0 && !staging_ && store.open_count() == 0 && frame_end_ <= fired_end_) give_memory_back();
  return true;
}

Result<bool> SharedWindows::leave(Slice& slice, std::size_t& budget) {
  WEIR_DCHECK(slice.place != SlicePlace::kPending);
  while (row_ < slice.table.group_end()) {
    const std::uint32_t count = piece_of(slice, row_, budget);
    if (count == 0) return false;
    const std::uint32_t* groups = numbers_of(slice, row_, count);
    const StateRowList rows = rows_of(slice, row_);
    bool recounts = !by_rows_;
    if (slice.place == SlicePlace::kFront) {
      const StateRowList front = list(kFrontPart, groups, row_);
      if (algebra_.owns_memory()) algebra_.reset(front, count, memory(kFrontPart));
      copy_rows(front, rows, count);
    } else if (algebra_.invertible()) {
      WEIR_TRY(algebra_.subtract(list(kRunningPart, groups, row_), rows, count, memory(kRunningPart)));
    } else {
      recounts = false;  // when the parts are combined anew
    }
    if (recounts) recount(groups, count);
    if (groups != nullptr) release_numbers(count);
    row_ += count;
    spend(budget, count);
  }
  row_ = 0;
  --live_;
  live_planes_ -= slice.table.plane() ? 1 : 0;
  if (slice.place == SlicePlace::kFront) {
    --front_live_;
  } else if (!algebra_.invertible()) {
    const bool extra = slice.place == SlicePlace::kExtra;
    (extra ? extras_stale_ : flip_wanted_) = true;
    extra_live_ -= extra ? 1 : 0;
  }
  return true;
}

/// Empties the running part of CUMULATE, whose groups are the bits of seen_.
bool SharedWindows::end_frame(std::size_t& budget) noexcept {
  if (seen_ == nullptr) return true;
  for (; row_ < window_group_end(); row_ += 64) {
    std::uint64_t& word = seen_[row_ / 64];
    if (word == 0) continue;
    if (budget == 0) return false;
    spend(budget, static_cast<std::size_t>(std::popcount(word)));
    for (std::uint64_t bits = std::exchange(word, 0); bits != 0; bits &= bits - 1) {
      const std::uint32_t group = row_ + static_cast<std::uint32_t>(std::countr_zero(bits));
      forget(group);
      if (keyed()) (void)numbers_.release(group);
    }
  }
  row_ = 0;
  frame_end_ = kEventTimeMin;
  states_[kRunningPart].strings.free(*setup_.arena);
  return true;
}

/// Before a flip: empties the running and the extra part; else the extra part.
bool SharedWindows::clear_parts(std::size_t& budget) noexcept {
  while (row_ < capacity_) {
    const std::uint32_t count = piece(capacity_ - row_, budget);
    if (count == 0) return false;
    for (const Part part : {kRunningPart, kExtraPart}) {
      if (part == kRunningPart && !flip_wanted_) continue;
      const StateRowList rows{{states_[part].base + row_ * stride_, stride_}, nullptr};
      algebra_.reset(rows, count, memory(part));
    }
    row_ += count;
    spend(budget, count);
  }
  row_ = 0;
  return true;
}

void SharedWindows::finish_leaving() noexcept {
  states_[kExtraPart].strings.free(*setup_.arena);
  if (!flip_wanted_) return;
  // All of the front has left: slices of the running part leave behind it.
  WEIR_DCHECK(front_live_ == 0);
  heap_.clear();  // no part holds a state any more
  states_[kRunningPart].strings.free(*setup_.arena);
  states_[kFrontPart].strings.free(*setup_.arena);
}

/// All slices that have entered become the front, from the last to the first.
Result<bool> SharedWindows::flip(SliceStore& store, std::size_t& budget) {
  for (; slice_ > 0; --slice_) {
    Slice& slice = store.at(slice_ - 1);
    if (slice.place == SlicePlace::kPending) continue;
    while (row_ < slice.table.group_end()) {
      const std::uint32_t count = piece_of(slice, row_, budget);
      if (count == 0) return false;
      WEIR_TRY(flip_rows(slice, row_, count));
      row_ += count;
      spend(budget, count);
    }
    row_ = 0;
    extra_live_ -= slice.place == SlicePlace::kExtra ? 1 : 0;
    slice.place = SlicePlace::kFront;
    if (front_live_++ == 0) front_last_start_ = slice.start;
  }
  return true;
}

/// front, row := front + row, front. Where states own memory the row gets the old front state with all that it owns.
Result<void> SharedWindows::flip_rows(Slice& slice, std::uint32_t first, std::uint32_t count) {
  if (slice.table.plane()) return algebra_.flip(rows_of(slice, first), list(kFrontPart, nullptr, first), count);
  if (steps_.flip != nullptr) return steps_.flip(*this, slice, first, count) ? Result<void>() : RowAlgebra::overflow();
  WEIR_TRY(take_rows(result_, kBlock));
  const std::uint32_t* groups = numbers_of(slice, first, count);
  const StateRowList rows = rows_of(slice, first), front = list(kFrontPart, groups);
  const StateRowList kept{{result_.base, stride_}, nullptr};
  copy_rows(kept, rows, count);
  copy_rows(rows, front, count);
  if (algebra_.owns_memory()) {
    algebra_.initialize(front, count);
    WEIR_TRY(algebra_.combine(front, rows, count, memory(kFrontPart)));
  }
  WEIR_TRY(algebra_.combine(front, kept, count, memory(kFrontPart)));
  if (algebra_.owns_memory()) algebra_.reset(kept, count, {&slice.table.strings(), &slice.table.heap(), setup_.arena});
  return {};
}

Result<bool> SharedWindows::add_extras(SliceStore& store, std::size_t& budget) {
  for (; slice_ < store.open_count(); ++slice_) {
    Slice& slice = store.at(slice_);
    if (slice.start > front_last_start_) break;
    if (slice.place != SlicePlace::kExtra) continue;
    while (row_ < slice.table.group_end()) {
      const std::uint32_t count = piece_of(slice, row_, budget);
      if (count == 0) return false;
      const StateRowList to = list(kExtraPart, numbers_of(slice, row_, count), row_);
      WEIR_TRY(algebra_.combine(to, rows_of(slice, row_), count, memory(kExtraPart)));
      row_ += count;
      spend(budget, count);
    }
    row_ = 0;
  }
  slice_ = 0;
  return true;
}

// ---- Reading ----------------------------------------------------------------------------------------------------

std::uint32_t SharedWindows::select(std::uint32_t& position, std::uint32_t room, std::uint32_t* groups) const noexcept {
  std::uint32_t count = 0;
  const std::uint32_t end = window_group_end();
  while (position < end && count < room) {
    std::uint64_t bits = seen_[position / 64] >> (position % 64);
    if (bits == ~std::uint64_t{0} && room - count >= 64) {
      for (std::uint32_t i = 0; i < 64; ++i) groups[count + i] = position + i;
      count += 64;
      position += 64;
      continue;
    }
    const std::uint32_t word_end = (position / 64 + 1) * 64;
    std::uint32_t next = word_end;
    for (; bits != 0; bits &= bits - 1) {
      const std::uint32_t group = position + static_cast<std::uint32_t>(std::countr_zero(bits));
      if (count == room) {
        next = group;
        break;
      }
      groups[count++] = group;
    }
    position = next;
  }
  // Up to the next group, so that a window whose last group was given is known to be done.
  while (position < end && seen_[position / 64] >> (position % 64) == 0) position = (position / 64 + 1) * 64;
  if (position < end) position += static_cast<std::uint32_t>(std::countr_zero(seen_[position / 64] >> (position % 64)));
  return count;
}

Result<GroupSelection> SharedWindows::rows(const std::uint32_t* groups, std::uint32_t count) {
  static constexpr std::uint32_t kOnly = 0;
  if (!keyed()) groups = &kOnly;
  if (one_state_ || (front_live_ == 0 && extra_live_ == 0))
    return GroupSelection{nullptr, groups, count, {states_[kRunningPart].base, stride_}, &heap_, true};
  WEIR_DCHECK(count <= kBlock);
  WEIR_TRY(take_rows(result_, kBlock));
  const StateRowList to{{result_.base, stride_}, nullptr};
  const StateMemory memory_of{&result_.strings, &result_heap_, setup_.arena};
  const StateRowList front = list(kFrontPart, groups);
  if (extra_live_ == 0) {
    WEIR_ASSIGN(const bool added, algebra_.add_into(to, front, list(kRunningPart, groups), count));
    if (added) return GroupSelection{nullptr, identity_.get(), count, to.rows, &result_heap_, true};
  }
  if (algebra_.owns_memory()) {
    algebra_.initialize(to, count);
    WEIR_TRY(algebra_.combine(to, front, count, memory_of));
  } else {
    copy_rows(to, front, count);
  }
  WEIR_TRY(algebra_.combine(to, list(kRunningPart, groups), count, memory_of));
  if (extra_live_ != 0) WEIR_TRY(algebra_.combine(to, list(kExtraPart, groups), count, memory_of));
  return GroupSelection{nullptr, identity_.get(), count, to.rows, &result_heap_, true};
}

std::uint32_t SharedWindows::stage_rows_max() const noexcept {
  if (algebra_.owns_memory() || (keyed() && !key_columns_.present())) return 0;
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(kStageBytes / stride_, 16, kBlock));
}

Result<void> SharedWindows::stage_rows(WindowStage& stage, std::uint32_t count) {
  static constexpr std::uint32_t kOnly = 0;
  const std::uint32_t* groups = keyed() ? stage.groups.get() + stage.rows : &kOnly;
  const StateRowList to{{stage.state_rows.get() + stage.rows * stride_, stride_}, nullptr};
  const StateRowList running = list(kRunningPart, groups);
  if (one_state_ || (front_live_ == 0 && extra_live_ == 0)) {
    copy_rows(to, running, count);
    return {};
  }
  if (extra_live_ == 0) {
    WEIR_ASSIGN(const bool added, algebra_.add_into(to, list(kFrontPart, groups), running, count));
    if (added) return {};
  }
  const StateMemory none{&result_.strings, &result_heap_, setup_.arena};  // staged states own nothing
  copy_rows(to, list(kFrontPart, groups), count);
  WEIR_TRY(algebra_.combine(to, running, count, none));
  if (extra_live_ != 0) WEIR_TRY(algebra_.combine(to, list(kExtraPart, groups), count, none));
  return {};
}

/// Some groups of the window at position_, by the bits.
Result<void> SharedWindows::stage_by_bits(WindowStage& stage) {
  std::uint32_t* groups = stage.groups.get() + stage.rows;
  const std::uint32_t count = select(position_, stage.room - stage.rows, groups);
  if (count == 0) return {};
  WEIR_TRY(stage_rows(stage, count));
  StagedWindow& window = stage.add(window_end_, count);
  if (count >= WindowStage::kListedBelow && groups[count - 1] - groups[0] == count - 1)
    stage.set_neighbours(window, groups[0]);
  return {};
}

/// States of groups first … first + count - 1, where they stand or added up at `to`.
Result<const std::byte*> SharedWindows::totals(std::uint32_t first, std::uint32_t count, std::byte* to) {
  const StateRowList running = list(kRunningPart, nullptr, first);
  if (one_state_ || (front_live_ == 0 && extra_live_ == 0)) return running.rows.base;
  const StateRowList sums{{to, stride_}, nullptr};
  WEIR_ASSIGN(const bool added, algebra_.add_into(sums, list(kFrontPart, nullptr, first), running, count));
  WEIR_DCHECK(added);
  if (extra_live_ != 0) WEIR_TRY(algebra_.combine(sums, list(kExtraPart, nullptr, first), count, memory(kExtraPart)));
  return to;
}

/// Some groups of the window at position_, by what their states say. Moves position_ on.
Result<void> SharedWindows::stage_by_rows(WindowStage& stage) {
  const std::uint32_t end = window_group_end();
  while (position_ < end && seen_[position_ / 64] >> (position_ % 64) == 0) position_ = (position_ / 64 + 1) * 64;
  if (position_ >= end) return {};
  const std::uint32_t first = position_;
  // Up to whole words: loads that cross the vectors just stored would wait for them.
  const std::uint32_t room = std::min(stage.room - stage.rows, kBlock);
  std::uint32_t range_max = end - first <= room ? end - first : room / 64 * 64;
  if (range_max == 0 && stage.rows != 0) {
    stage.room = stage.rows;
    return {};
  }
  range_max = range_max == 0 ? room : range_max;
  std::uint32_t range = std::min(range_max, 64 - first % 64);
  while (range < range_max && seen_[(first + range) / 64] != 0) range = std::min(range_max, range + 64);
  position_ += range;

  std::byte* to = stage.state_rows.get() + stage.rows * stride_;
  // Where the window before had all groups this one may, and then its states stand where they are to be.
  if (!one_state_) WEIR_TRY(take_rows(result_, kBlock));
  WEIR_ASSIGN(const std::byte* states, totals(first, range, had_all_ ? to : result_.base));
  const std::uint32_t count = simd::counted_rows(states, algebra_.word_rows()->words(), range, bits_.data());
  const std::uint32_t words = (range + 63) / 64;
  if (first % 64 == 0) std::copy_n(bits_.data(), range / 64, seen_ + first / 64);
  if (count == 0) return {};
  const bool all = had_all_ = count == range;
  if (!all) {
    if (states == to) states = static_cast<const std::byte*>(std::memcpy(result_.base, to, range * stride_));
    const std::uint32_t readable = states == result_.base ? kBlock : capacity_ - first;
    simd::compress_values({states, stride_, bits_.data(), words, readable}, to, range + WindowStage::kSlack);
  } else if (states != to) {
    std::memcpy(to, states, range * stride_);
  }
  std::uint32_t* groups = stage.groups.get() + stage.rows;
  StagedWindow& window = stage.add(window_end_, count);
  if (count < WindowStage::kListedBelow || count * WindowStage::kRangePerRow < range) {
    for (std::uint32_t w = 0; w < words; ++w)
      for (std::uint64_t left = bits_[w]; left != 0; left &= left - 1)
        *groups++ = first + 64 * w + static_cast<std::uint32_t>(std::countr_zero(left));
  } else if (all) {
    stage.set_neighbours(window, first);
  } else {
    stage.set_by_bits(window, first, bits_.data(), words);
  }
  return {};
}

void SharedWindows::read_staged_key(std::size_t column, const WindowStage& stage, Vector& to, std::uint32_t at,
                                    std::uint32_t room) const noexcept {
  if (stage.all_listed) return key_columns_.read(column, stage.groups.get(), stage.rows, to, at);
  stage.each_window([&](const StagedWindow& window, std::uint32_t row) {
    switch (window.groups) {
      case StagedWindow::Groups::kNeighbours:
        return key_columns_.read_neighbours(column, window.first, window.rows, to, at + row);
      case StagedWindow::Groups::kByBits:
        return key_columns_.read_picked(column, window.first, stage.bits.get() + window.bits, window.words, window.rows,
                                        to, at + row, room - row);
      default:
        return key_columns_.read(column, stage.groups.get() + row, window.rows, to, at + row);
    }
  });
}

Result<SharedWindows::Next> SharedWindows::stage_windows(SliceStore& store, Watermark target,
                                                         std::uint32_t& windows_max, WindowStage& stage,
                                                         std::size_t& budget) {
  stage.heap = &result_heap_;
  while (true) {
    if (!in_window_) {
      if (windows_max == 0) return Next::kReady;
      const WordStep step = steps_.next == nullptr ? WordStep::kOther : steps_.next(*this, store, target, budget);
      if (step == WordStep::kOverflow) return RowAlgebra::overflow();
      if (step == WordStep::kOther) {
        WEIR_ASSIGN(const Next next, any_next_window(store, target, budget));
        if (next != Next::kReady) return next;
      }
      in_window_ = true;
      position_ = 0;
    }
    const std::uint32_t before = stage.rows;
    const bool staged = steps_.stage != nullptr && steps_.stage(*this, stage);
    if (!staged) WEIR_TRY(by_rows_ ? stage_by_rows(stage) : stage_by_bits(stage));
    staging_ = staging_ || stage.rows != before;
    if (!staged && !selected_all(position_)) {
      if (stage.full()) return Next::kReady;
      continue;
    }
    in_window_ = false;
    --windows_max;
    fired();
  }
}

void SharedWindows::free_rows() noexcept {
  if (result_.base != nullptr) setup_.arena->give_back(result_.base, result_.block);
  result_.strings.free(*setup_.arena);
  result_heap_.clear();
  result_ = States();
}

}  // namespace weir
