// Sums of doubles as integers: exact, so that the order of addition does not matter, at the speed of memory.
#pragma once

#include <cstdint>

#include "weir/simd/rows.h"

namespace weir::simd {

/// The exact sum is high * 2^high_exponent + low * 2^low_exponent.
struct SplitSum {
  std::int64_t high = 0;
  std::int64_t low = 0;
  int high_exponent = 0;
  int low_exponent = 0;
};

/// Rows that one SplitSum can take.
inline constexpr std::uint32_t kSplitRowsMax = 1024;

/// Sums the valid ones of rows first … first + count - 1 of the rows (positions of the selection, where there is one).
/// Returns false, with the sum unspecified, where it cannot: a value is NaN or infinite or about 2^1021 and beyond, or
/// has a bit below 2^-100 of the power of two above the greatest magnitude. Requires: count <= kSplitRowsMax, first a
/// multiple of 64. T: float, double.
template <class T>
bool split_sum(const T* values, const Rows& rows, std::uint32_t first, std::uint32_t count, SplitSum* sum);

}  // namespace weir::simd
