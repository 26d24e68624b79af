// WindowStage: results of several windows that wait behind one another until they are lowered as one, so that what a
// batch of results costs is not paid a window. Windows of a few groups, one every few rows, live by that.
//
//   windows  | end 8 s, 3 rows | end 9 s, 2 rows | …
//   groups   |  4   7   9      |  4   9          | …      numbers of the keys; or neighbours, or some of them by bits
//   states   |  s   s   s      |  s   s          | …      copies: the windows have gone on
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "weir/pipeline/state_heap.h"
#include "window/lower.h"

namespace weir {

/// Some of a window's groups.
struct StagedWindow {
  std::int64_t end = 0;
  std::uint32_t rows = 0;
  std::uint32_t first = 0;  ///< Not listed: the first number that there may be.
  std::uint32_t bits = 0;   ///< Of them, where WindowStage::bits begins to say which are there.
  std::uint32_t words = 0;
  enum class Groups : std::uint8_t { kListed, kNeighbours, kByBits } groups = Groups::kListed;
};

/// Thread: the owning shard. Allocates: in the constructor.
struct WindowStage {
  static constexpr std::uint32_t kSlack = 64;        ///< Rows that kernels may touch behind the last.
  static constexpr std::uint32_t kListedBelow = 32;  ///< A piece with fewer groups lists them.
  static constexpr std::uint32_t kRangePerRow = 4;   ///< A piece by bits has a quarter of the groups in its range.
  /// 0 rows: results are not staged.
  WindowStage(std::uint32_t rows, std::size_t state_bytes);
  WindowStage(const WindowStage&) = delete;
  WindowStage& operator=(const WindowStage&) = delete;

  std::size_t memory_bytes() const noexcept {
    const std::size_t a_row = sizeof(StagedWindow) + 2 * sizeof(std::uint32_t) + stride;
    return rows_max * a_row + kSlack * (sizeof(std::uint32_t) + stride) + bit_words_max(rows_max) * 8;
  }
  /// A word more than its range for each piece of at least kListedBelow rows.
  static constexpr std::size_t bit_words_max(std::size_t rows) noexcept {
    return rows * kRangePerRow / 64 + 2 * rows / kListedBelow + 2;
  }
  bool full() const noexcept { return rows == room; }
  simd::GroupRows states() const noexcept { return {state_rows.get(), stride}; }
  /// All rows, for lower_result.
  GroupSelection selection() noexcept { return {nullptr, identity.get(), rows, states(), heap, true}; }
  void clear() noexcept {
    rows = window_count = bit_words = 0;
    all_listed = true;
  }
  /// `count` rows more, of the window that ends at `end`, whose groups are listed.
  StagedWindow& add(std::int64_t end, std::uint32_t count) noexcept {
    StagedWindow& window = windows[window_count++];
    window.end = end;
    window.rows = count;
    window.groups = StagedWindow::Groups::kListed;
    rows += count;
    return window;
  }
  void set_neighbours(StagedWindow& window, std::uint32_t first) noexcept {
    window.groups = StagedWindow::Groups::kNeighbours;
    window.first = first;
    all_listed = false;
  }
  void set_by_bits(StagedWindow& window, std::uint32_t first, const std::uint64_t* words,
                   std::uint32_t count) noexcept {
    window.groups = StagedWindow::Groups::kByBits;
    window.first = first;
    window.bits = bit_words;
    window.words = count;
    std::copy_n(words, count, bits.get() + bit_words);
    bit_words += count;
    all_listed = false;
  }
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
  std::uint32_t bit_words = 0;
  bool all_listed = true;
  std::unique_ptr<StagedWindow[]> windows;
  std::unique_ptr<std::uint32_t[]> groups;
  std::unique_ptr<std::uint64_t[]> bits;
  std::unique_ptr<std::uint32_t[]> identity;  ///< 0, 1, …
  std::unique_ptr<std::byte[]> state_rows;    ///< With room for kSlack more.
  StateHeap* heap = nullptr;                  ///< Staged states own nothing; functions want one all the same.
};

}  // namespace weir
