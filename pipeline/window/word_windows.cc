// The usual step of windows of words. See word_windows.h.
#include "window/word_windows.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "weir/simd/word_rows.h"
#include "window/shared_windows.h"
#include "window/state_bytes.h"

namespace weir {
namespace {

constexpr std::uint32_t kManyRows = 16;  // what a kernel costs to call is made up for

using state_bytes::add_doubles;
using state_bytes::add_integers;
using state_bytes::load;
using state_bytes::store;
using state_bytes::Words;

std::uint64_t one_of(simd::WordOp op, std::uint64_t a, std::uint64_t b, std::uint64_t& overflowed) noexcept {
  const auto x = static_cast<std::int64_t>(a), y = static_cast<std::int64_t>(b);
  switch (op) {
    case simd::WordOp::kCount:
      return a + b;
    case simd::WordOp::kInteger:
      return add_integers(a, b, overflowed);
    case simd::WordOp::kDouble:
      return add_doubles(a, b);
    case simd::WordOp::kMin:
      return static_cast<std::uint64_t>(std::min(x, y));
    case simd::WordOp::kMax:
      break;
  }
  return static_cast<std::uint64_t>(std::max(x, y));
}

/// What the words behind the count of rows are; kOther: any, each as WordRows says.
using Form = RowAlgebra::Words;

/// a + b.
template <std::size_t kWords, Form kForm>
Words<kWords> sum_of(const simd::WordRows& form, const Words<kWords>& a, const Words<kWords>& b,
                     std::uint64_t& overflowed) noexcept {
  Words<kWords> sum;
  sum[0] = a[0] + b[0];
  for (std::size_t w = 1; w < kWords; ++w) {
    if constexpr (kForm == Form::kIntegers)
      sum[w] = add_integers(a[w], b[w], overflowed);
    else if constexpr (kForm == Form::kDoubles)
      sum[w] = add_doubles(a[w], b[w]);
    else
      sum[w] = one_of(form.op(w), a[w], b[w], overflowed);
  }
  return sum;
}

}  // namespace

template <std::size_t kWords, RowAlgebra::Words kForm>
struct WordWindows {
  static constexpr std::size_t kBytes = kWords * sizeof(std::uint64_t);
  using Row = Words<kWords>;

  /// What the next window does to the slices, if that is the usual.
  struct Change {
    Slice* leaving = nullptr;
    Slice* entering = nullptr;
    std::uint32_t position = 0;  ///< Of `entering`, before the other has left.
  };

  static std::uint32_t number_of(const SharedWindows& windows, const GroupTable& table, std::uint32_t row) noexcept {
    return windows.keyed() && !table.plane() ? table.number(row) : row;
  }

  static bool small_enough(const Slice& slice, std::size_t budget) noexcept {
    return slice.table.group_end() <= std::min<std::size_t>(budget, SharedWindows::kBlock);
  }

  static bool find_change(SharedWindows& windows, SliceStore& store, std::int64_t end, std::size_t budget,
                          Change& change) noexcept {
    const WindowMath& math = windows.setup_.math;
    const std::uint32_t open = store.open_count();
    if (open == 0) return false;
    Slice& first = store.at(0);
    if (math.last_end(first.start) <= windows.fired_end_) {
      const bool by_front = first.place == SlicePlace::kFront;
      if (!by_front && (first.place != SlicePlace::kRunning || kForm != Form::kIntegers)) return false;
      if (open > 1 && math.last_end(store.at(1).start) <= windows.fired_end_) return false;
      if (first.table.plane() && windows.live_planes_ == 1) return false;  // then all bits are made anew
      if (!small_enough(first, budget)) return false;
      change.leaving = &first;
    }
    change.position = store.entered_until();
    if (change.position < open) {
      Slice& slice = store.at(change.position);
      const std::int64_t slice_end = math.slice_end(slice.start);
      if (slice_end == end) {
        if (slice.window_end_min != end || slice.place != SlicePlace::kPending || slice.table.dense()) return false;
        if (windows.front_live_ != 0 && slice.start <= windows.front_last_start_) return false;
        if (!small_enough(slice, budget)) return false;
        change.entering = &slice;
      } else if (slice_end < end) {
        return false;
      }
    }
    return change.entering != nullptr || windows.live_ > (change.leaving != nullptr ? 1u : 0u);
  }

  static WordStep next(SharedWindows& windows, SliceStore& store, Watermark target, std::size_t& budget) {
    const WindowMath& math = windows.setup_.math;
    if (target == kWatermarkNone) return WordStep::kOther;
    const bool idle = windows.task_ == SharedWindows::Task::kLeave && windows.row_ == 0 && windows.extra_live_ == 0 &&
                      !windows.extras_stale_ && !windows.flip_wanted_;
    if (!idle || windows.fired_end_ == kEventTimeMin) return WordStep::kOther;
    const std::int64_t end = windows.fired_end_ + math.slice;
    if (!math.fired(end, target)) return WordStep::kOther;
    Change change;
    if (!find_change(windows, store, end, budget, change)) return WordStep::kOther;
    const std::uint32_t numbers = windows.keyed() ? windows.numbers_.group_end() : 1;
    if (numbers > windows.capacity_) return WordStep::kOther;

    std::uint64_t overflowed = 0;
    std::size_t work = 1;
    if (change.leaving != nullptr) {
      work += change.leaving->table.group_end();
      leave(windows, *change.leaving);
      store.close(0);
      --change.position;
    }
    if (change.entering != nullptr) {
      work += change.entering->table.group_end();
      enter(windows, *change.entering, overflowed);
      store.enter(change.position, SlicePlace::kRunning);
    }
    budget -= std::min(budget, work);
    windows.window_end_ = end;
    return overflowed >> 63 == 0 ? WordStep::kDone : WordStep::kOverflow;
  }

  static void enter(SharedWindows& windows, Slice& slice, std::uint64_t& overflowed) {
    const simd::WordRows& form = *windows.algebra_.word_rows();
    GroupTable& table = slice.table;
    table.seal();
    if (windows.totals_ != nullptr) windows.take_totals(slice);
    std::byte* running = windows.states_[SharedWindows::kRunningPart].base;
    const simd::GroupRows rows = table.state_rows();
    const std::uint32_t count = table.group_end();
    if (table.plane()) {
      std::memset(windows.seen_, 0xFF, (count + 63) / 64 * sizeof(std::uint64_t));
      windows.by_rows_ = true;
      ++windows.live_planes_;
    }
    if (table.plane() && count >= kManyRows) {
      if (!simd::add_word_rows(form, running, rows.base, count, running)) overflowed = ~std::uint64_t{0};
    } else {
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t number = number_of(windows, table, i);
        windows.seen_[number / 64] |= std::uint64_t{1} << (number % 64);
        std::byte* to = running + number * kBytes;
        store(to, sum_of<kWords, kForm>(form, load<Row>(to), load<Row>(rows.base + i * rows.stride), overflowed));
      }
    }
    windows.entered_start_ = std::max(windows.entered_start_, slice.start);
    ++windows.live_;
  }

  /// The plane becomes the front: as it is, where it has all numbers and is as large.
  static void put_in_front(SharedWindows& windows, GroupTable& plane) noexcept {
    auto& front = windows.states_[SharedWindows::kFrontPart];
    const std::uint32_t count = plane.group_end();
    if (count < windows.window_group_end() || !plane.swap_block(front.base, front.block)) {
      std::memcpy(front.base, plane.state_rows().base, count * kBytes);
      return;
    }
    const StateRowList rest{{front.base + count * kBytes, kBytes}, nullptr};
    if (count < windows.capacity_) windows.algebra_.initialize(rest, windows.capacity_ - count);
  }

  static void leave(SharedWindows& windows, Slice& slice) noexcept {
    const GroupTable& table = slice.table;
    const bool by_front = slice.place == SlicePlace::kFront;
    std::byte* running = windows.states_[SharedWindows::kRunningPart].base;
    std::byte* part = by_front ? windows.states_[SharedWindows::kFrontPart].base : running;
    const simd::GroupRows rows = table.state_rows();
    const std::uint32_t count = table.group_end();
    if (table.plane()) {
      if (by_front)
        put_in_front(windows, slice.table);
      else
        simd::subtract_word_rows(*windows.algebra_.word_rows(), part, rows.base, count);
      --windows.live_planes_;
    } else {
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t number = number_of(windows, table, i);
        std::byte* to = part + number * kBytes;
        Row left = load<Row>(rows.base + i * rows.stride);
        if (!by_front) {
          const Row all = load<Row>(to);
          for (std::size_t w = 0; w < kWords; ++w) left[w] = all[w] - left[w];
        }
        store(to, left);
        const std::uint64_t elsewhere = by_front ? load<std::uint64_t>(running + number * kBytes) : 0;
        if (!windows.by_rows_ && (left[0] | elsewhere) == 0)
          windows.seen_[number / 64] &= ~(std::uint64_t{1} << (number % 64));
        if (windows.keyed() && windows.numbers_.release(number)) windows.forget(number);
      }
    }
    --windows.live_;
    windows.front_live_ -= by_front ? 1 : 0;
  }

  static bool stage(SharedWindows& windows, WindowStage& stage) {
    if (windows.position_ != 0 || windows.extra_live_ != 0) return false;
    const std::uint32_t end = windows.window_group_end(), words = (end + 63) / 64;
    const std::uint32_t room = std::min(WordSteps::kFewGroups, stage.room - stage.rows);
    std::uint32_t* groups = stage.groups.get() + stage.rows;
    std::uint32_t count = 0;
    for (std::uint32_t w = 0; w < words; ++w) {
      for (std::uint64_t bits = windows.seen_[w]; bits != 0; bits &= bits - 1) {
        const std::uint32_t group = 64 * w + static_cast<std::uint32_t>(std::countr_zero(bits));
        if (group >= end) break;
        if (count == room) return false;
        groups[count++] = group;
      }
    }
    const std::uint32_t found = count;
    const simd::WordRows& form = *windows.algebra_.word_rows();
    const std::byte* running = windows.states_[SharedWindows::kRunningPart].base;
    const std::byte* front = windows.front_live_ != 0 ? windows.states_[SharedWindows::kFrontPart].base : nullptr;
    std::byte* to = stage.state_rows.get() + stage.rows * kBytes;
    std::uint64_t overflowed = 0;
    count = 0;
    for (std::uint32_t i = 0; i < found; ++i) {
      const std::uint32_t group = groups[i];
      Row row = load<Row>(running + group * kBytes);
      if (front != nullptr) row = sum_of<kWords, kForm>(form, load<Row>(front + group * kBytes), row, overflowed);
      store(to + count * kBytes, row);
      groups[count] = group;
      if (row[0] != 0)
        ++count;
      else
        windows.seen_[group / 64] &= ~(std::uint64_t{1} << (group % 64));
    }
    if (overflowed >> 63 != 0) return false;  // the usual way says so
    if (count != 0) stage.add(windows.window_end_, count);
    windows.position_ = end;
    return true;
  }

  static bool flip(SharedWindows& windows, Slice& slice, std::uint32_t first, std::uint32_t count) {
    const simd::WordRows& form = *windows.algebra_.word_rows();
    std::byte* front = windows.states_[SharedWindows::kFrontPart].base;
    const simd::GroupRows rows = slice.table.state_rows();
    std::uint64_t overflowed = 0;
    for (std::uint32_t i = first; i < first + count; ++i) {
      std::byte* of_front = front + number_of(windows, slice.table, i) * kBytes;
      std::byte* of_slice = rows.base + i * rows.stride;
      const Row kept = load<Row>(of_slice), was = load<Row>(of_front);
      store(of_slice, was);
      store(of_front, sum_of<kWords, kForm>(form, was, kept, overflowed));
    }
    return overflowed >> 63 == 0;
  }
};

WordSteps steps_of(const RowAlgebra& algebra) {
  const auto of = []<std::size_t kWords, Form kForm>() {
    using Windows = WordWindows<kWords, kForm>;
    return WordSteps{&Windows::next, &Windows::stage, &Windows::flip};
  };
  const auto by_words = [&]<Form kForm>() {
    switch (algebra.word_rows()->words()) {
      case 1:
        return of.template operator()<1, kForm>();
      case 2:
        return of.template operator()<2, kForm>();
      case 3:
        return of.template operator()<3, kForm>();
      default:
        return of.template operator()<4, kForm>();
    }
  };
  if (algebra.word_rows() == nullptr) return {};
  switch (algebra.words()) {
    case Form::kIntegers:
      return by_words.template operator()<Form::kIntegers>();
    case Form::kDoubles:
      return by_words.template operator()<Form::kDoubles>();
    case Form::kOther:
      break;
  }
  return by_words.template operator()<Form::kOther>();
}

}  // namespace weir
