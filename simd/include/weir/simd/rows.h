// Rows: which rows of a batch a kernel works on.
//
// Every vector of a batch (values, hashes, group numbers, validity) is indexed by row number. A kernel reads and writes
// selected rows only, unless it says otherwise; what stands at other rows of an output is unspecified.
#pragma once

#include <cstdint>

namespace weir::simd {

__extension__ using Int128 = __int128;

/// Not a row number: the answer of kernels that look for a row and find none.
inline constexpr std::uint32_t kNoRow = 0xFFFFFFFFu;

/// `count` rows: rows 0 … count-1, or, where `selection` is set, the rows that it names, ascending, each once.
/// `validity`, where set, has bit r % 64 of word r / 64 at 1 when row r is not NULL; words are read whole, and bits
/// after the last row may hold anything.
struct Rows {
  std::uint32_t count = 0;
  const std::uint32_t* selection = nullptr;
  const std::uint64_t* validity = nullptr;

  constexpr std::uint32_t operator[](std::uint32_t position) const noexcept {
    return selection != nullptr ? selection[position] : position;
  }
  constexpr bool valid(std::uint32_t row) const noexcept {
    return validity == nullptr || (validity[row / 64] >> (row % 64) & 1) != 0;
  }
  /// Whether the selection names neighbouring rows without a gap.
  constexpr bool contiguous() const noexcept {
    return selection != nullptr && count != 0 && selection[count - 1] - selection[0] == count - 1;
  }
  /// One more than the highest row number.
  constexpr std::uint32_t end() const noexcept {
    return selection == nullptr ? count : count == 0 ? 0 : selection[count - 1] + 1;
  }
};

}  // namespace weir::simd
