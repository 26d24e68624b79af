// Accumulation by group number into rows of accumulators.
//
// All kernels add in row order within a group, so that a sum of doubles depends neither on the target nor on the size
// of batches. rows.validity is that of the values: a NULL value changes nothing, not even a count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "weir/simd/rows.h"

namespace weir::simd {

/// Accumulators of group g stand at base + g * stride; all are aligned to 8 bytes.
struct GroupRows {
  std::byte* base = nullptr;
  std::size_t stride = 0;
};

/// Adds 1 to the uint64 at `offset` of each row's group.
void accumulate_count(const std::uint32_t* groups, const Rows& rows, GroupRows to, std::size_t offset);

/// Adds to the int64 at `offset`. Returns false when a sum overflowed (it wraps). T: int8_t … int64_t.
template <class T>
bool accumulate_sum_int64(const std::uint32_t* groups, const T* values, const Rows& rows, GroupRows to,
                          std::size_t offset);
/// Adds to the 128-bit integer (low word first, aligned to 8) at `offset`. T: int8_t … int64_t, Int128.
template <class T>
void accumulate_sum_int128(const std::uint32_t* groups, const T* values, const Rows& rows, GroupRows to,
                           std::size_t offset);
/// Adds to the double at `offset`. T: float, double, int32_t, int64_t.
template <class T>
void accumulate_sum_double(const std::uint32_t* groups, const T* values, const Rows& rows, GroupRows to,
                           std::size_t offset);
/// Count (uint64) and sum (double) in one pass. T: float, double.
template <class T>
void accumulate_count_sum(const std::uint32_t* groups, const T* values, const Rows& rows, GroupRows to,
                          std::size_t count_offset, std::size_t sum_offset);
/// The T at `offset` becomes the lesser (greater) of itself and the value; NaN is passed over. The caller starts it at
/// the greatest (least) value, infinity for floating point. T: int8_t … int64_t, float, double, Int128 (aligned to 8).
template <class T>
void accumulate_min(const std::uint32_t* groups, const T* values, const Rows& rows, GroupRows to, std::size_t offset);
template <class T>
void accumulate_max(const std::uint32_t* groups, const T* values, const Rows& rows, GroupRows to, std::size_t offset);

/// Where the dense kernels add. count_offset and sum_offset as above.
struct DenseGroups {
  GroupRows to;
  std::uint32_t range = 0;
};
/// accumulate_count_sum with keys[r] - base as group number, without a vector of group numbers. Returns false, with
/// nothing added, when the key of a selected row (valid or not) is outside base … base + range - 1.
/// K: int32_t, int64_t; T: double, float.
template <class K, class T>
bool accumulate_count_sum_dense(const K* keys, std::type_identity_t<K> base, const T* values, const Rows& rows,
                                const DenseGroups& groups, std::size_t count_offset, std::size_t sum_offset);
/// The same for rows 0 … count - 1, all valid, checking keys on the way instead of before: adds rows from the front up
/// to the first block of 64 that has a key outside, and returns how many it added. Reads each key from memory once.
template <class K, class T>
std::uint32_t accumulate_count_sum_dense_head(const K* keys, std::type_identity_t<K> base, const T* values,
                                              std::uint32_t count, const DenseGroups& groups, std::size_t count_offset,
                                              std::size_t sum_offset);
/// accumulate_count in the same way, with nothing added when a key is outside.
template <class K>
bool accumulate_count_dense(const K* keys, std::type_identity_t<K> base, const Rows& rows, const DenseGroups& groups,
                            std::size_t count_offset);

}  // namespace weir::simd
