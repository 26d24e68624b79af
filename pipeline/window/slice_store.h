// SliceStore: the open slices of one operator, in order of time.
//
//   order ─►  [start 0] [start 60 s] [start 60 s, from end 180 s] … [start 100 years]
//              entered    entered      pending
//   each has a GroupTable; closed slices give their memory back to the arena and are used again
//
// A slice is keyed by its start and by the end of the first window that may see it. The second is the slice's own first
// window but for rows that were late for that window and not for a later one (HOP, CUMULATE): they stand in a slice of
// their own, so that no window sees a row that was late for it, whenever that window fires.
// A slice has entered when a window has seen it (shared_windows.h); no row comes to it any more.
// Cost: everything is proportional to the slices that have rows, not to the time between them; closing the first slice
// and opening one behind the last cost O(1), however many are open.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "weir/core/result.h"
#include "window/group_table.h"

namespace weir {

/// Where the windows that combine slices hold a slice (shared_windows.h).
enum class SlicePlace : std::uint8_t { kPending, kRunning, kFront, kExtra };

struct Slice {
  std::int64_t start = 0;
  std::int64_t window_end_min = 0;
  SlicePlace place = SlicePlace::kPending;
  GroupTable table;
};

/// Thread: the owning shard. Allocates: in the constructor only, and from the arena.
class SliceStore {
 public:
  SliceStore(std::uint32_t slices_max, const GroupTable::Setup& setup);

  /// Errors: kLimitExceeded (slices_max).
  Result<Slice*> find_or_open(std::int64_t start, std::int64_t window_end_min);
  std::uint32_t open_count() const noexcept { return open_count_; }
  /// The open slices in order of (start, window_end_min).
  Slice& at(std::uint32_t position) noexcept { return *order_[head_ + position]; }
  const Slice& at(std::uint32_t position) const noexcept { return *order_[head_ + position]; }
  /// Position of the first slice that starts after `start`.
  std::uint32_t position_after(std::int64_t start) const noexcept { return lower_bound(start, kEventTimeMax); }
  void close(std::uint32_t position) noexcept;
  /// All slices before this position have entered.
  std::uint32_t entered_until() const noexcept { return entered_until_; }
  /// Says that the pending slice at the position enters.
  void enter(std::uint32_t position, SlicePlace place) noexcept;
  std::size_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  std::uint32_t next_position(std::int64_t start, std::int64_t window_end_min) const noexcept;
  std::uint32_t lower_bound(std::int64_t start, std::int64_t window_end_min) const noexcept;

  std::uint32_t slices_max_;
  std::unique_ptr<Slice[]> slices_;
  std::unique_ptr<Slice*[]> order_;  // the open ones from head_ on, in room for twice as many
  std::unique_ptr<Slice*[]> free_;   // a stack of slices_max_ - open_count_
  std::uint32_t head_ = 0;
  std::uint32_t open_count_ = 0;
  std::uint32_t entered_until_ = 0;
  Slice* last_ = nullptr;            // found last, null when one has been closed since
  std::uint32_t last_position_ = 0;  // of last_
  std::uint32_t groups_hint_ = 0;
  DenseRange range_hint_;
  std::size_t memory_bytes_ = 0;
};

}  // namespace weir
