// Strided gather: one field of an array of structs as a column. Rows stand `stride` bytes apart, at any alignment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/simd/rows.h"

namespace weir::simd {

/// A field of rows: that of row r stands at first + r * stride.
struct Strided {
  const void* first = nullptr;
  std::size_t stride = 0;
  /// Bytes ahead of each field that are prefetched on the way; 0: none.
  std::size_t ahead = 0;
};

/// out[r] = the field of row r as a To, for r in 0 … count-1. From, To: int8_t to int8_t, int16_t, int32_t, int64_t or
/// Int128; int16_t and uint8_t, int32_t and uint16_t, int64_t and uint32_t, Int128 and uint64_t to themselves (signed)
/// or wider; float to float or double; double; bool (any byte but 0 is 1) to int8_t.
template <class From, class To>
void gather_strided(Strided field, std::uint32_t count, To* out);
/// The same for the rows of a selection: out[rows[i]], i in 0 … count-1. With `ahead`, 16 selected rows ahead.
template <class From, class To>
void gather_strided_rows(Strided field, const std::uint32_t* rows, std::uint32_t count, To* out);

/// Field values times `unit` plus `shift`, and the least and greatest of the results. count >= 1. Returns false where a
/// result does not fit int64; then `out`, `least` and `greatest` hold anything.
/// From: int8_t … int64_t, uint8_t … uint32_t. Cost: about one load and one store a row.
template <class From>
bool gather_strided_times(Strided field, std::uint32_t count, std::int64_t unit, std::int64_t shift, std::int64_t* out,
                          std::int64_t* least, std::int64_t* greatest);

}  // namespace weir::simd
