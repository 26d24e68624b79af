// StatePool: state rows by number, each with a header of its user's, given out and taken back one by one: what sessions
// and count windows keep their accumulators in. A number is a group number for BatchAccumulator.
//
//   | header | state | header | state | …      contiguous; grows by doubling; free numbers in a list
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/core/result.h"
#include "weir/pipeline/state_heap.h"
#include "weir/simd/accumulate.h"
#include "window/aggregate_layout.h"
#include "window/arena_array.h"
#include "window/state_arena.h"
#include "window/state_row.h"
#include "window/string_store.h"

namespace weir {

/// Thread: the owning shard. Allocates: from the arena only.
class StatePool {
 public:
  struct Setup {
    const AggregateLayout* aggregates = nullptr;  ///< Made as keyed.
    StateArena* arena = nullptr;
    std::uint32_t rows_max = 1u << 20;
    std::size_t header_bytes = 0;  ///< A multiple of 8, at least 8.
  };
  explicit StatePool(const Setup& setup) noexcept;

  /// A row to which nothing has been added; its header is unspecified. Rows may move.
  /// Errors: kLimitExceeded (rows_max, named groups_max; state_bytes_max).
  Result<std::uint32_t> take();
  /// Gives back what the row owns, and the row. Strings stay readable until reclaim().
  void give_back(std::uint32_t row) noexcept;

  std::byte* header(std::uint32_t row) noexcept { return rows_ + row * stride_; }
  const std::byte* header(std::uint32_t row) const noexcept { return rows_ + row * stride_; }
  std::byte* state(std::uint32_t row) noexcept { return rows_ + row * stride_ + setup_.header_bytes; }
  simd::GroupRows state_rows() const noexcept { return {rows_ + setup_.header_bytes, stride_}; }
  StateMemory memory() noexcept { return {&strings_, &heap_, setup_.arena}; }
  StringStore& strings() noexcept { return strings_; }
  StateHeap& heap() noexcept { return heap_; }

  std::uint32_t count() const noexcept { return count_; }
  /// Numbers that were given out since the pool was empty are below this.
  std::uint32_t row_end() const noexcept { return used_; }
  std::size_t row_bytes() const noexcept { return stride_; }
  std::size_t bytes() const noexcept { return block_ + strings_.bytes() + heap_.bytes(); }
  /// Gives memory back: all of it where no row is in use; strings that nobody refers to where they are most.
  /// Requires: nothing outside refers to the pool's strings. Errors: kLimitExceeded.
  Result<void> reclaim();

 private:
  Error full() const;
  Result<void> grow();
  bool in_use(std::uint32_t row) const noexcept { return (in_use_[row / 64] >> (row % 64) & 1) != 0; }

  Setup setup_;
  std::size_t stride_ = 0;
  std::byte* rows_ = nullptr;
  std::size_t block_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint32_t used_ = 0;  // numbers from here on were never given out
  std::uint32_t count_ = 0;
  ArenaArray<std::uint32_t> free_;
  ArenaArray<std::uint64_t> in_use_;  // a bit a row
  StringStore strings_;
  StateHeap heap_;
  std::size_t strings_live_ = 0;
};

}  // namespace weir
