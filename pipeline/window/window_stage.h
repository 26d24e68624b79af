// WindowStage: results of several windows that wait behind one another until they are lowered as one, so that what a
// batch of results costs is not paid a window. Windows of a few groups, one every few rows, live by that.
//
//   windows  | end 8 s, 3 rows | end 9 s, 2 rows | …
//   groups   |  4   7   9      |  4   9          | …      numbers of the keys
//   states   |  s   s   s      |  s   s          | …      copies: the windows have gone on
#pragma once

#include <cstdint>
#include <memory>

#include "weir/pipeline/state_heap.h"
#include "window/lower.h"

namespace weir {

struct StagedWindow {
  std::int64_t end = 0;
  std::uint32_t rows = 0;
};

/// Thread: the owning shard. Allocates: in the constructor; states come from an arena.
struct WindowStage {
  /// 0 rows: results are not staged.
  WindowStage(std::uint32_t rows, std::size_t state_bytes);
  WindowStage(const WindowStage&) = delete;
  WindowStage& operator=(const WindowStage&) = delete;

  bool full() const noexcept { return rows == room; }
  simd::GroupRows states() const noexcept { return {state_rows.get(), stride}; }
  /// All rows, for lower_result.
  GroupSelection selection() noexcept { return {nullptr, identity.get(), rows, states(), heap, true}; }
  void clear() noexcept { rows = window_count = 0; }
  /// Calls body(window, position of its first row) in the order of the windows' ends.
  template <class Body>
  void each_window(Body&& body) const {
    std::uint32_t at = 0;
    for (std::uint32_t i = 0; i < window_count; at += windows[i++].rows) body(windows[i], at);
  }

  std::uint32_t rows_max;
  std::size_t stride;
  std::uint32_t room = 0;  ///< At most rows_max; the next lowering takes no more.
  std::uint32_t rows = 0;
  std::uint32_t window_count = 0;
  std::unique_ptr<StagedWindow[]> windows;
  std::unique_ptr<std::uint32_t[]> groups;
  std::unique_ptr<std::uint32_t[]> identity;  ///< 0, 1, …
  std::unique_ptr<std::byte[]> state_rows;
  StateHeap* heap = nullptr;  ///< Staged states own nothing; functions want one all the same.
};

}  // namespace weir
