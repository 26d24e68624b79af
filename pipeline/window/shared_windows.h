// SharedWindows: the windows of HOP and CUMULATE, each made from the one before it instead of from all of its slices.
//
//   HOP, aggregates with an inverse     running ─ add the slice that enters, give out, subtract the slice that leaves
//   HOP, others                         two stacks, over groups: result = front + running (+ extra)
//        front    │ s3 │ s4 │ s5 │      entered before the last flip; a row of such a slice holds what its group's
//        front
//                                       state is to be when the slice has left, so that leaving is a copy
//        running  │ s6 │ s7 │           entered since, combined; when one of them leaves, a flip makes all front
//        extra                          slices that entered behind their time into the range of the front (rows that
//                                       were late for some windows); combined anew when one of them leaves
//   CUMULATE                            running from the start of the frame; a slice is closed as soon as it is added
//
// Groups are numbered by one table of keys for all slices (GroupTable::Setup::numbers), so that a window finds a
// slice's groups without looking keys up; keys that no slice has any more leave it. A row of a slice is combined,
// subtracted or copied at most three times, whatever the number of slices in a window. A group is in the window where
// its states have rows; a bit a group says so.
//
// Where states are words, slices may be planes (group_table.h): arrays of states by number, which are
// combined, put aside and taken out as arrays. Which of its rows a plane has is not counted: bits say which groups the
// window may have, a look at the combined states which it has, and numbers that no slice has any more are looked for
// once in a window's length.
//
// All work is done in pieces of a stated size, so that no call holds the shard up. Invariants
//   1. A slice that has entered takes no more rows: its rows are on time for later windows only.
//   2. Slices leave in the order of their starts. 3. An undo row of the front belongs to the window, not to its slice.
// Source: Tangwongsan, Hirzel, Schneider, Low-latency sliding-window aggregation in worst-case constant time, DEBS 2017
// (two stacks; here by group, and with the undo rows in the place of the partial sums).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "weir/core/result.h"
#include "weir/pipeline/state_heap.h"
#include "window/group_table.h"
#include "window/key_columns.h"
#include "window/lower.h"
#include "window/row_algebra.h"
#include "window/slice_store.h"
#include "window/window_math.h"
#include "window/window_stage.h"
#include "window/word_windows.h"

namespace weir {

template <std::size_t kWords, RowAlgebra::Words kForm>
struct WordWindows;

/// Thread: the owning shard. Allocates: in the constructor only, and from the arena.
class SharedWindows {
 public:
  struct Setup {
    WindowMath math;
    const AggregateLayout* layout = nullptr;
    const KeyLayout* keys = nullptr;
    StateArena* arena = nullptr;
    std::uint32_t groups_max = 1u << 20;  ///< Keys of all open slices.
  };
  explicit SharedWindows(const Setup& setup);
  SharedWindows(const SharedWindows&) = delete;
  SharedWindows& operator=(const SharedWindows&) = delete;

  /// For the slices' setup; null without keys.
  GroupTable* numbers() noexcept { return keyed() ? &numbers_ : nullptr; }
  NumberDirectory* directory() noexcept { return &directory_; }
  /// Slices of a window where slices may be planes, else 0.
  std::uint32_t plane_slices() const noexcept;
  /// Before `rows` rows come in: forgets the numbers that no slice has, where those of the rows might not find room.
  void make_number_room(SliceStore& store, std::uint32_t rows) noexcept;

  // ---- Windows, in the order of their ends: next_window, read, fired, … and retire at the end ----
  /// kWaiting: the budget is spent, call again.
  enum class Next : std::uint8_t { kReady, kWaiting, kNone };
  /// Makes the next window ready that has rows and that the watermark completes.
  Result<Next> next_window(SliceStore& store, Watermark target, std::size_t& budget);
  std::int64_t window_end() const noexcept { return window_end_; }
  void fired() noexcept { fired_end_ = window_end_; }
  /// When all windows that are complete have fired: lets the slices go whose last one has, closes them, and forgets the
  /// keys that no slice has. Spends at most `budget` rows; false: call again.
  Result<bool> retire(SliceStore& store, std::size_t& budget);

  // ---- The window that is ready ----
  /// Group numbers from `position` on that the window has, at most `room`; moves `position` behind them.
  std::uint32_t select(std::uint32_t& position, std::uint32_t room, std::uint32_t* groups) const noexcept;
  bool selected_all(std::uint32_t position) const noexcept { return position >= window_group_end(); }
  const GroupTable& keys() const noexcept { return numbers_; }
  /// Of the states that rows() and the stage give: without lanes.
  const AggregateLayout& layout() const noexcept { return layout_; }
  /// Writes key column `column` of the selected groups to rows at, at + 1, …
  void read_key(std::size_t column, const std::uint32_t* groups, std::uint32_t count, Vector& to,
                std::uint32_t at) const noexcept {
    numbers_.read_key(column, groups, count, to, at);
  }
  /// States of at most kBlock selected groups, until the next call. Strings and pieces stay until free_rows().
  Result<GroupSelection> rows(const std::uint32_t* groups, std::uint32_t count);
  /// Whether rows() hold strings that go away with free_rows().
  bool rows_own_memory() const noexcept { return !one_state_ && algebra_.owns_memory(); }
  void free_rows() noexcept;

  // ---- Many windows at once, in the place of next_window, rows and fired ----
  /// Results to stage before they are lowered; 0 where states own memory, or keys do not stand in columns.
  std::uint32_t stage_rows_max() const noexcept;
  /// Stages the windows that the watermark completes: until there is no room or `windows_max` are done (kReady), until
  /// the budget is spent (kWaiting), or to the last (kNone). Rows may come in when the stage has been cleared.
  Result<Next> stage_windows(SliceStore& store, Watermark target, std::uint32_t& windows_max, WindowStage& stage,
                             std::size_t& budget);
  /// Says that the stage has been cleared.
  void lowered() noexcept { staging_ = false; }
  std::int64_t fired_end() const noexcept { return fired_end_; }
  /// Writes a key column of what is staged to rows at, at + 1, … of `to`, which has `room` rows from there on.
  void read_staged_key(std::size_t column, const WindowStage& stage, Vector& to, std::uint32_t at,
                       std::uint32_t room) const noexcept;

  static constexpr std::uint32_t kBlock = 1024;
  std::size_t memory_bytes() const noexcept {
    return kBlock * sizeof(std::uint32_t) * 2 + (totals_ != nullptr ? stride_ : 0);
  }

 private:
  template <std::size_t kWords, RowAlgebra::Words kForm>
  friend struct WordWindows;
  enum Part : std::uint8_t { kRunningPart, kFrontPart, kExtraPart, kParts };
  enum class Task : std::uint8_t { kLeave, kClear, kFlip, kExtras, kRecount, kForget };
  /// States by group number.
  struct States {
    std::byte* base = nullptr;
    std::size_t block = 0;
    StringStore strings;
  };

  bool keyed() const noexcept { return setup_.keys->form != KeyForm::kNone; }
  bool cumulate() const noexcept { return setup_.math.kind == WindowKind::kCumulate; }
  std::uint32_t group_end() const noexcept { return keyed() ? numbers_.group_end() : (states_[0].base != nullptr); }
  /// Of the groups that have entered: slices to come may have greater numbers.
  std::uint32_t window_group_end() const noexcept { return std::min(group_end(), capacity_); }
  StateMemory memory(Part part) noexcept { return {&states_[part].strings, &heap_, setup_.arena}; }
  /// States of the groups; of first, first + 1, … where `groups` is null.
  StateRowList list(Part part, const std::uint32_t* groups, std::uint32_t first = 0) const noexcept {
    return {{states_[part].base + (groups == nullptr ? first * stride_ : 0), stride_}, groups};
  }
  Result<void> make_room();
  Result<void> grow(States& states, std::uint32_t capacity);
  template <class T>
  Result<void> grow_zeroed(T*& array, std::size_t& block, std::size_t count);
  Error memory_error() const;
  Result<std::byte*> take(std::size_t bytes);
  void give_memory_back() noexcept;
  Result<void> take_rows(States& states, std::uint32_t count);

  Result<Next> any_next_window(SliceStore& store, Watermark target, std::size_t& budget);
  bool none_due(Watermark watermark) const noexcept;
  std::int64_t next_end(const SliceStore& store) const noexcept;
  Result<bool> prepare(SliceStore& store, std::int64_t end, std::size_t& budget);
  Result<void> stage_rows(WindowStage& stage, std::uint32_t count);
  Result<void> stage_by_bits(WindowStage& stage);
  Result<void> stage_by_rows(WindowStage& stage);
  Result<const std::byte*> totals(std::uint32_t first, std::uint32_t count, std::byte* to);
  Result<bool> enter(SliceStore& store, std::uint32_t position, std::size_t& budget);
  void count_in(const std::uint32_t* groups, std::uint32_t count) noexcept;
  void recount(const std::uint32_t* groups, std::uint32_t count) noexcept;
  bool recount_all(std::size_t& budget) noexcept;
  void add_counted(std::uint32_t count) noexcept;
  void add_counted(const std::byte* rows, std::uint32_t count) noexcept;
  bool forget_unused(SliceStore& store, std::size_t& budget) noexcept;
  bool forgetting_due() noexcept;
  Part part_to_enter(const Slice& slice) const noexcept;
  Result<bool> let_go(SliceStore& store, std::size_t& budget);
  Result<bool> leave(Slice& slice, std::size_t& budget);
  bool end_frame(std::size_t& budget) noexcept;
  bool clear_parts(std::size_t& budget) noexcept;
  Result<bool> flip(SliceStore& store, std::size_t& budget);
  Result<void> flip_rows(Slice& slice, std::uint32_t first, std::uint32_t count);
  Result<bool> add_extras(SliceStore& store, std::size_t& budget);
  /// The numbers of a slice's rows, null without keys.
  const std::uint32_t* numbers_of(const Slice& slice, std::uint32_t first, std::uint32_t count) noexcept;
  void take_totals(Slice& slice) noexcept;
  void release_numbers(std::uint32_t count) noexcept;
  void forget(std::uint32_t group) noexcept;
  void finish_leaving() noexcept;

  Setup setup_;
  AggregateLayout layout_;
  RowAlgebra algebra_;
  WordSteps steps_;
  AggregateLayout no_aggregates_;
  GroupTable numbers_;
  NumberDirectory directory_;
  KeyColumns key_columns_;
  std::size_t stride_;
  bool one_state_;  // everything is in the running part
  bool words_;      // states are words to be added, and keys stand in columns: slices may be planes
  std::array<States, kParts> states_;
  std::uint32_t capacity_ = 0;     // of states_ and seen_, in groups
  std::uint64_t* seen_ = nullptr;  // bit g: the window has group g, or may have while by_rows_
  bool by_rows_ = false;           // states say which groups there are: planes have entered
  bool had_all_ = false;           // of what was staged last by rows: all groups in its range were there
  std::size_t seen_block_ = 0;
  StateHeap heap_;  // what states of all parts own, and undo rows
  States result_;   // front + running + extra of a block of groups
  StateHeap result_heap_;
  bool staging_ = false;    // staged results may refer to what stands here
  bool in_window_ = false;  // the window at window_end_ is staged up to position_
  std::uint32_t position_ = 0;
  std::unique_ptr<std::uint32_t[]> block_;     // numbers of the rows in hand
  std::unique_ptr<std::uint32_t[]> identity_;  // 0, 1, …
  std::unique_ptr<std::byte[]> totals_;        // a row of layout_
  std::array<std::uint64_t, kBlock / 64> bits_{};
  std::array<std::uint64_t, kBlock / 64> more_bits_{};

  std::int64_t fired_end_ = kEventTimeMin;
  std::int64_t window_end_ = kEventTimeMin;
  std::int64_t frame_end_ = kEventTimeMin;  // CUMULATE: of the frame in the running part
  std::uint32_t live_ = 0;                  // slices that have entered and not left
  std::uint32_t live_planes_ = 0;
  std::uint32_t front_live_ = 0;
  std::uint32_t extra_live_ = 0;
  std::int64_t front_last_start_ = 0;
  std::int64_t entered_start_ = kEventTimeMin;  // greatest start of a slice that has entered
  std::int64_t forget_end_ = kEventTimeMin;     // the window after which unused numbers are looked for

  // What is being done, and how far it is.
  Task task_ = Task::kLeave;
  std::uint32_t row_ = 0;
  std::uint32_t slice_ = 0;
  bool flip_wanted_ = false;
  bool extras_stale_ = false;
};

}  // namespace weir
