// Comparisons of vectors: to a selection (WHERE), or to booleans (expressions).
//
// Floating point compares as IEEE 754 has it: NaN is unequal to everything and neither less nor greater.
#pragma once

#include <cstdint>
#include <type_traits>

#include "weir/simd/rows.h"

namespace weir::simd {

enum class CompareOp : std::uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

/// Writes the rows of `rows` where `left op right` is TRUE to `out`, ascending, and returns how many; a NULL row is not
/// among them. For two nullable vectors combine the validity first (bitmap_and). `out` has room for rows.count entries
/// and may be rows.selection itself.
/// T: int8_t, int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t, float, double, Int128.
template <class T>
std::uint32_t select_compare(CompareOp op, const T* left, const T* right, const Rows& rows, std::uint32_t* out);
template <class T>
std::uint32_t select_compare(CompareOp op, const T* left, std::type_identity_t<T> right, const Rows& rows,
                             std::uint32_t* out);

/// out[r] = 1 where `left op right`, else 0, for every row of 0 … rows.end()-1, selected or not, NULL or not.
template <class T>
void compare(CompareOp op, const T* left, const T* right, const Rows& rows, std::uint8_t* out);
template <class T>
void compare(CompareOp op, const T* left, std::type_identity_t<T> right, const Rows& rows, std::uint8_t* out);

/// The rows whose byte is not 0 and that are valid. As select_compare.
std::uint32_t select_true(const std::uint8_t* values, const Rows& rows, std::uint32_t* out);
/// The rows that are valid, or that are NULL. As select_compare.
std::uint32_t select_valid(const Rows& rows, std::uint32_t* out);
std::uint32_t select_null(const Rows& rows, std::uint32_t* out);

}  // namespace weir::simd
