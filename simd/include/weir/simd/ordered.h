// Floating point as integers of the same order: a greater number is a greater integer, -0 is below +0, and every NaN is
// the same greatest one.
#pragma once

#include <cstdint>

#include "weir/simd/rows.h"

namespace weir::simd {

/// out[r] for the selected rows, valid or not.
void ordered_integers(const double* values, const Rows& rows, std::int64_t* out);
void ordered_integers(const float* values, const Rows& rows, std::int32_t* out);

}  // namespace weir::simd
