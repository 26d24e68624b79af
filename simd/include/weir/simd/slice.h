// Slices of time: the start of the slice that each row falls in.
#pragma once

#include <cstdint>

#include "weir/simd/rows.h"

namespace weir::simd {

/// The greatest offset + n * size that is not after `time`, also for times before the epoch. size > 0; time - offset
/// and the start must be representable.
constexpr std::int64_t slice_start(std::int64_t time, std::int64_t size, std::int64_t offset = 0) noexcept {
  std::int64_t remainder = (time - offset) % size;
  if (remainder < 0) remainder += size;
  return time - remainder;
}

/// starts[r] = slice_start(times[r], size, offset) of the selected valid rows; other rows below rows.end() get
/// anything. Returns whether all of those rows lie in one slice. Cost: no division a row while the batch spans less
/// than 2^51 ns (26 days).
bool slice_starts(const std::int64_t* times, std::int64_t size, std::int64_t offset, const Rows& rows,
                  std::int64_t* starts);

/// Neighbouring rows of one slice: the selected rows at positions begin … begin + count - 1.
struct SliceStretch {
  std::int64_t start = 0;  ///< Of the slice.
  std::uint32_t begin = 0;
  std::uint32_t count = 0;
};
/// Cuts the selected rows, all of them valid, where the slice changes from one to the next; returns how many stretches
/// there are. `out` has room for rows.count of them. Rows in order of time give each slice once. Cost: a subtraction
/// and a comparison a row, in vectors where there is no selection.
std::uint32_t slice_stretches(const std::int64_t* times, std::int64_t size, std::int64_t offset, const Rows& rows,
                              SliceStretch* out);

}  // namespace weir::simd
