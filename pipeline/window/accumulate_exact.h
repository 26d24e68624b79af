// Exact sums of FLOAT and DOUBLE over a batch (AccumulatorKind::kSumExact).
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/core/batch.h"
#include "weir/simd/rows.h"
#include "window/accumulate.h"

namespace weir {

/// Adds each valid row to the ExactSum at `offset` of its group's state; all go to group 0 where groups is null.
/// `values` is a FLOAT or DOUBLE, or bytes: partials of sums. Returns false where the heap is at its maximum.
/// Cost: about 35 instructions a row; 2 where all rows of the batch have one group and values lie within 100 bits.
bool accumulate_exact(const std::uint32_t* groups, const Vector& values, const simd::Rows& rows, const StateRows& to,
                      std::size_t offset) noexcept;

}  // namespace weir
