// CountStore: the windows of every `slide` rows over the last `size` rows of each key.
//
//   rows of a key  | 0 1 | 2 3 | 4 5 | 6 7 |     slide 2, size 6: slices of 2 rows, windows of 3 slices
//                  |─────────────────|           row numbers [0, 6), then [2, 8), …; only whole windows are given out
//
// Where the slide does not divide the size, slices take turns: size mod slide rows, then the rest of a slide, and a
// window ends with one of the former: slide 4, size 6: |2|2|2|2|2|, windows of 3 slices, and two leave. Where the slide
// is greater than the size, the second kind of slice is left out.
//
// Windows of one slice (tumbling) are the slice itself. For the others a key keeps its slices on two stacks, so that a
// window costs two combinations, amortised, whatever size / slide and whatever the aggregates:
//
//   front  oldest … : each state is that of its slice and all newer ones on the stack
//   back   newest … : each state is that of its slice; back sum is that of all of them
//
// Paper: Tangwongsan, Hirzel, Schneider, Low-latency sliding-window aggregation in worst-case constant time, DEBS 2017
// (two-stacks; the fall of the back stack onto the front one makes one step in size / slide dear).
//
// Order. The rows of a key come in the order of (own input's watermark, input, arrival); with one input that is their
// order in it, and they are taken as they come. With several, a row waits until every input's watermark has passed its
// own.
#pragma once

#include <cstdint>
#include <memory>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/simd/rows.h"
#include "window/arena_array.h"
#include "window/key_index.h"
#include "window/state_pool.h"

namespace weir {

/// Thread: the owning shard. Allocates: in the constructor, and from the arena.
class CountStore {
 public:
  struct Setup {
    const KeyLayout* keys = nullptr;
    const AggregateLayout* aggregates = nullptr;
    StateArena* arena = nullptr;
    std::uint32_t slide = 1;              ///< Rows from window to window.
    std::uint32_t size = 1;               ///< Rows of a window.
    std::uint32_t groups_max = 1u << 20;  ///< Keys; state rows are bounded by the arena.
    std::uint32_t batch_rows = kBatchRowsDefault;
  };
  explicit CountStore(const Setup& setup);

  /// A window that is complete. Its state row is the caller's until release().
  struct Window {
    std::uint32_t key = 0;
    std::uint32_t row = 0;
    EventTime first = 0, last = 0;  ///< Times of its first and its last row.
  };

  /// Gives each row the state row that it is to be added to, in the order of arrival. Errors: kLimitExceeded.
  Result<void> take(BatchKeys& keys, const simd::Rows& rows, const EventTime* times, std::uint32_t* groups);
  /// The same for rows that have to wait: each gets a state row of its own. A row's watermark is its own input's before
  /// it (null: none yet), its arrival arrivals[row], or arrival + row.
  Result<void> put_aside(BatchKeys& keys, const simd::Rows& rows, const EventTime* times, const Watermark* watermarks,
                         const std::uint64_t* arrivals, std::uint64_t arrival, std::uint32_t* groups);
  /// Makes windows of the slices that the rows of take() completed. Call it when the rows have been added.
  Result<void> taken();

  /// The next complete window; lets rows that waited in up to the watermark. False where there is none.
  /// `settled` counts the rows let in.
  Result<bool> next(Watermark watermark, Window& window, std::uint64_t& settled);
  /// A window's key has been read.
  void leave_key(std::uint32_t key) noexcept;
  void release(std::uint32_t row) noexcept { pool_.give_back(row); }
  /// The end of the input: gives everything back. Returns the rows that no window has given out.
  std::uint64_t close() noexcept;
  Result<void> reclaim();

  const KeyIndex& keys() const noexcept { return keys_; }
  StatePool& pool() noexcept { return pool_; }
  std::size_t waiting() const noexcept { return waiting_.size(); }
  /// Taken when it was made, beside what is in the arena.
  std::size_t working_bytes() const noexcept { return setup_.batch_rows * sizeof(std::uint32_t); }
  /// Bytes of one key, for explain.
  std::size_t key_bytes() const noexcept {
    const std::size_t rows = overlaps() ? std::size_t{slices_} + 2 : 1;
    return keys_.key_bytes() + rows * pool_.row_bytes();
  }

 private:
  struct Slice {
    EventTime first, last;
    std::uint32_t key;
    std::uint32_t next;  // on its stack, row + 1; 0: none. While it fills: the rows in it; when full: 1 where second
  };
  // A key's payload: stacks, where windows overlap, and the state behind them.
  struct Stacks {
    std::uint32_t front, back, back_sum;  // rows + 1, as all rows here; 0: none
    std::uint32_t slices;                 // complete ones on them
  };
  struct KeyState {
    std::uint32_t given : 1;   // whether a window was given out
    std::uint32_t second : 1;  // which of two slices that take turns comes next, or fills
    std::uint32_t uses : 30;   // windows that are ready and rows that wait
    std::uint32_t open;        // the slice that fills
  };
  struct Waiting {
    Watermark watermark;
    std::uint64_t arrival;
    std::uint32_t row;
    std::uint32_t unused;
    friend bool operator<(const Waiting& a, const Waiting& b) noexcept {
      return a.watermark != b.watermark ? a.watermark < b.watermark : a.arrival < b.arrival;
    }
  };

  Slice& slice(std::uint32_t row) noexcept { return *reinterpret_cast<Slice*>(pool_.header(row)); }
  bool overlaps() const noexcept { return slices_ != 1; }
  bool takes_turns() const noexcept { return lengths_[1] != 0; }
  bool fill(KeyState& state, std::uint32_t row) noexcept;
  KeyState& key_state(std::uint32_t key) noexcept {
    return *reinterpret_cast<KeyState*>(keys_.payload(key) + (overlaps() ? sizeof(Stacks) : 0));
  }
  Stacks& stacks(std::uint32_t key) noexcept { return *reinterpret_cast<Stacks*>(keys_.payload(key)); }
  Result<std::uint32_t> make(std::uint32_t key, EventTime time);
  Result<void> combine(std::uint32_t to, std::uint32_t from);
  Result<void> complete(std::uint32_t row);
  Result<void> slide(std::uint32_t key, std::uint32_t row, bool ends_a_window);
  Result<void> turn_over(Stacks& state);
  Result<void> give(std::uint32_t key, std::uint32_t row, EventTime first, EventTime last);
  Result<void> settle(const Waiting& waiting);
  void release_stack(std::uint32_t top) noexcept;
  std::uint64_t close_stacks(const Stacks& state, const KeyState& key) noexcept;
  Error full() const;

  Setup setup_;
  std::uint32_t lengths_[2];  // of the slices that take turns; 0: there is one kind
  std::uint32_t slices_;      // of a window
  KeyIndex keys_;
  StatePool pool_;
  std::unique_ptr<std::uint32_t[]> numbers_;  // each row's key
  ArenaArray<std::uint32_t> completed_;       // slices of the batch, in order
  ArenaArray<Window> ready_;
  std::size_t ready_at_ = 0;
  ArenaArray<Waiting> waiting_;
};

}  // namespace weir
