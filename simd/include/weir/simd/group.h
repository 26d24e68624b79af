// Group lookup: from keys to group numbers.
//
// A group number is the number of a row in a table of accumulators. Dense keys are their own group numbers after a
// subtraction; others go through an index, a table of open addressing with linear probing:
//
//   hash & mask ─► slots: u32 group number, or kEmptySlot ─► rows: | key | accumulators … |  (row_stride bytes each)
//
// The caller owns the memory, inserts and grows; kernels only look up.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/simd/rows.h"

namespace weir::simd {

inline constexpr std::uint32_t kEmptySlot = 0xFFFFFFFFu;

/// groups[r] = keys[r] - base for the selected valid rows and `range` for NULL rows; returns whether all of them fell
/// in 0 … range-1 (NULL rows are not asked). Where it is false the group numbers are unusable. T: int32_t, int64_t.
template <class T>
bool dense_groups(const T* keys, T base, std::uint32_t range, const Rows& rows, std::uint32_t* groups);

/// groups[r] += (keys[r] - base) * scale for the selected rows, whose validity is not asked: one more column of a key.
/// Returns as dense_groups does. T: int32_t, int64_t.
template <class T>
bool add_dense_digit(const T* keys, T base, std::uint32_t range, std::uint32_t scale, const Rows& rows,
                     std::uint32_t* groups);

/// `slots` has mask + 1 entries, a power of two, at least one of them empty.
struct GroupIndexView {
  const std::uint32_t* slots = nullptr;
  std::uint64_t mask = 0;
  const std::byte* rows = nullptr;
  std::size_t row_stride = 0;
};

/// Looks up keys of `words` 64-bit words (1 to 4) that stand one after another: row r's key at keys + r * words, a
/// group's key at the front of its row. Home slot: hashes[r] & mask. Writes groups[r] for each selected row found and
/// appends the others to `misses` (room for rows.count), ascending; returns how many missed. A key that occurs twice
/// and is not there is missed twice. rows.validity is not looked at. Cost: two cache misses a row, overlapped.
std::uint32_t probe_groups(const GroupIndexView& index, const std::uint64_t* keys, std::uint32_t words,
                           const std::uint64_t* hashes, const Rows& rows, std::uint32_t* groups, std::uint32_t* misses);
/// The same for one word, with hash_u64(key) as hash.
std::uint32_t probe_groups(const GroupIndexView& index, const std::uint64_t* keys, const Rows& rows,
                           std::uint32_t* groups, std::uint32_t* misses);

}  // namespace weir::simd
