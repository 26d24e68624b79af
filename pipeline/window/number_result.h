// Exact numbers as results: range checks of integers and decimals, and the rounding of an AVG of decimals.
#pragma once

#include <cstdint>

#include "weir/core/batch.h"
#include "weir/core/type.h"

namespace weir {

/// Writes an integer, or the digits of a DECIMAL, as a value of `type`. Returns false where it does not fit.
bool write_integer(Int128 value, const Type& type, Vector& to, std::uint32_t row) noexcept;

/// sum / count with `digits` more decimal digits, rounded half away from zero; false where it overflows.
bool divide_decimal(Int128 sum, std::uint64_t count, unsigned digits, Int128& quotient) noexcept;

}  // namespace weir
