// DirectIndex: finds groups of integer keys that lie close together without a hash: a slot for each combination of the
// values between the least and the greatest of each key column.
//
//   plug 0 … 11, household 0 … 17, house 0 … 39      place = plug + 12 * household + 12 * 18 * house
//   slots  | group | - | - | group | …               12 * 18 * 40 of them
//
// For up to four INT, BIGINT or TIMESTAMP columns without NULLs (NULLs of a single key are the caller's). Ranges follow
// the keys that are there; where they would need more slots than pay, the caller goes by hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "weir/simd/group.h"
#include "weir/simd/rows.h"
#include "window/key_layout.h"
#include "window/state_arena.h"

namespace weir {

/// Thread: the owning shard. Allocates: from the arena only.
class DirectIndex {
 public:
  static constexpr std::size_t kColumnsMax = 4;
  static bool possible(const KeyLayout& layout) noexcept;

  /// Requires: possible(layout).
  DirectIndex(const KeyLayout& layout, StateArena& arena) noexcept;
  DirectIndex(const DirectIndex&) = delete;
  DirectIndex& operator=(const DirectIndex&) = delete;
  ~DirectIndex() { free(); }

  /// Whether keys are found here.
  bool in_use() const noexcept { return slots_ != nullptr; }
  /// Whether keys are found by hash from now on, until free().
  bool refused() const noexcept { return refused_; }

  /// places[row] = the place of the row's key. False where a key lies outside; then the places are unusable.
  bool find(const BatchKeys& keys, const simd::Rows& rows, std::uint32_t* places) const noexcept;
  /// Place of a key in words, kOutside where there is none.
  std::uint32_t place(const std::uint64_t* key) const noexcept;
  static constexpr std::uint32_t kOutside = ~std::uint32_t{0};
  /// places[0 … count - 1] become the groups there; false, and nothing is done, where there is none at one of them.
  /// Requires: count is at most kReadMax, groups are below 2^31.
  static constexpr std::uint32_t kReadMax = 256;
  bool read(std::uint32_t* places, std::uint32_t count) const noexcept;
  /// The group at a place, simd::kEmptySlot where there is none.
  std::uint32_t& slot(std::uint32_t at) noexcept { return slots_[at]; }

  // ---- New ranges: begin, widen for each key that is there and for those to come, lay_out ----
  struct Ranges {
    std::array<std::int64_t, kColumnsMax> least, greatest;
    bool any = false;
  };
  void widen(Ranges& ranges, const std::uint64_t* key) const noexcept;
  void widen(Ranges& ranges, const BatchKeys& keys, const simd::Rows& rows) const noexcept;
  /// Empty slots for keys in these ranges; false where that would not pay for `keys` keys (the index is refused then).
  bool lay_out(const Ranges& ranges, std::uint64_t keys) noexcept;
  void refuse() noexcept;
  /// Gives the memory back, as if nothing had been refused.
  void free() noexcept;
  std::size_t bytes() const noexcept { return block_; }

 private:
  struct Column {
    std::uint32_t word = 0;
    bool narrow = false;  ///< 32 bits.
    std::int64_t base = 0;
    std::uint32_t range = 0;
    std::uint32_t scale = 0;  ///< Places between neighbours of this column.
  };
  StateArena* arena_;
  std::array<Column, kColumnsMax> columns_{};
  std::size_t column_count_;
  std::uint32_t* slots_ = nullptr;
  std::size_t block_ = 0;
  bool refused_ = false;
};

}  // namespace weir
