// SliceStore: the open slices of one operator, in order of time.
//
//   order ─►  [start 0] [start 60 s] [start 60 s, from end 180 s] … [start 100 years]
//   each has a GroupTable; closed slices give their memory back to the arena and are used again
//
// A slice is keyed by its start and by the end of the first window that may see it. The second is the slice's own first
// window but for rows that were late for that window and not for a later one (HOP, CUMULATE): they stand in a slice of
// their own, so that no window sees a row that was late for it, whenever that window fires.
// Cost: everything is proportional to the slices that have rows, not to the time between them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "weir/core/result.h"
#include "window/group_table.h"

namespace weir {

struct Slice {
  std::int64_t start = 0;
  std::int64_t window_end_min = 0;
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
  Slice& at(std::uint32_t position) noexcept { return *order_[position]; }
  void close(std::uint32_t position) noexcept;
  std::uint64_t groups_closed() const noexcept { return groups_closed_; }
  std::size_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  std::uint32_t lower_bound(std::int64_t start, std::int64_t window_end_min) const noexcept;

  std::uint32_t slices_max_;
  std::unique_ptr<Slice[]> slices_;
  std::unique_ptr<Slice*[]> order_;  // the open ones, then the free ones
  std::uint32_t open_count_ = 0;
  Slice* last_ = nullptr;
  std::uint32_t groups_hint_ = 0;
  std::uint64_t groups_closed_ = 0;
  std::size_t memory_bytes_ = 0;
};

}  // namespace weir
