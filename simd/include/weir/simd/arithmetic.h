// Arithmetic on vectors.
//
// Integers are checked: the result is the row of the first overflow among the selected valid rows, or kNoRow. Results
// wrap where they overflow. Floating point follows IEEE 754 and never fails.
#pragma once

#include <cstdint>
#include <type_traits>

#include "weir/simd/rows.h"

namespace weir::simd {

enum class ArithmeticOp : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,  ///< float and double only: an integer division asks its caller what 0 means.
};

/// out[r] = left op right. `out` may be an input. Values of rows that are not selected or NULL are read too, and may
/// hold anything. T: int8_t, int16_t, int32_t, int64_t, float, double.
template <class T>
std::uint32_t arithmetic(ArithmeticOp op, const T* left, const T* right, const Rows& rows, T* out);
template <class T>
std::uint32_t arithmetic(ArithmeticOp op, const T* left, std::type_identity_t<T> right, const Rows& rows, T* out);
template <class T>
std::uint32_t arithmetic(ArithmeticOp op, std::type_identity_t<T> left, const T* right, const Rows& rows, T* out);
/// out[r] = -input[r]; the least integer overflows.
template <class T>
std::uint32_t negate(const T* input, const Rows& rows, T* out);

}  // namespace weir::simd
