// Reductions of a vector to one value: count, sum, minimum and maximum of one group.
#pragma once

#include <cstdint>

#include "weir/simd/rows.h"

namespace weir::simd {

/// The least and greatest value of the selected valid rows; false, with nothing written, when there is none. NaN is
/// passed over: where all values are NaN the answer is +infinity and -infinity. Zeros come out as +0.
/// T: int8_t, int16_t, int32_t, int64_t, float, double.
template <class T>
bool min_max(const T* values, const Rows& rows, T* least, T* greatest);

/// The selected valid rows.
std::uint64_t count_valid(const Rows& rows);

/// The exact sum. T: int8_t, int16_t, int32_t, int64_t.
template <class T>
Int128 sum_exact(const T* values, const Rows& rows);

/// sums[i] = the exact sum of rows bounds[i] … bounds[i + 1] - 1, for `ranges` of them: what many short sum_exact()
/// give, without what each costs to call. bounds has ranges + 1 entries, ascending. T: int8_t, int16_t, int32_t.
template <class T>
void sum_ranges(const T* values, const std::uint32_t* bounds, std::uint32_t ranges, std::int64_t* sums);

/// A running sum of doubles in a fixed number of lanes: row i of all rows ever added goes to lane i % kLanes. So the
/// total depends neither on the target nor on how the rows were cut into batches.
struct alignas(64) SumLanes {
  static constexpr std::uint32_t kLanes = 32;
  double lane[kLanes] = {};
  std::uint32_t next = 0;  ///< The lane of the next row.
};
/// Adds the selected rows; a NULL row adds nothing and takes its place. T: float, double.
template <class T>
void add_to_sum(const T* values, const Rows& rows, SumLanes& sum);
double total(const SumLanes& sum);
/// total of a new SumLanes with these rows.
template <class T>
double sum_of(const T* values, const Rows& rows);

}  // namespace weir::simd
