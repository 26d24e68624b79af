// DECIMAL(p, s) between text and the scaled integer that holds it (core/type.h). Exact: no binary fraction is involved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/core/type.h"
#include "weir/io/text_number.h"

namespace weir {

/// Sign, 38 digits, a zero before the point, the point.
inline constexpr std::size_t kDecimalTextMax = 44;

/// 10^exponent. Requires: exponent <= 38.
Int128 power_of_ten(unsigned exponent) noexcept;

/// [+-]digits[.digits][e[+-]digits] to value * 10^scale. Digits beyond the scale are rounded half up (away from zero),
/// as in Flink; what needs more than `precision` digits then is kOutOfRange.
/// Requires: 1 <= precision <= 38, scale <= precision. Allocates: never. Cost: two passes over the text.
TextStatus parse_decimal(std::string_view text, unsigned precision, unsigned scale, Int128& value) noexcept;

/// Plain notation with exactly `scale` digits behind the point. Requires: room for kDecimalTextMax; scale <= 38.
char* format_decimal(Int128 value, unsigned scale, char* out) noexcept;

}  // namespace weir
