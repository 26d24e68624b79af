// Values as whole numbers in their order, so that sketches and counts of values compare integers alone.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace weir {

/// Doubles in ascending order, -0 as 0, all NaN as one and the greatest.
inline std::int64_t order_key(double value) noexcept {
  constexpr std::int64_t kNan = 0x7FF8000000000000;
  if (std::isnan(value)) [[unlikely]]
    return kNan;
  const auto bits = std::bit_cast<std::int64_t>(value + 0.0);
  return bits ^ static_cast<std::int64_t>(static_cast<std::uint64_t>(bits >> 63) >> 1);
}
inline double double_of_key(std::int64_t key) noexcept {
  return std::bit_cast<double>(key ^ static_cast<std::int64_t>(static_cast<std::uint64_t>(key >> 63) >> 1));
}

}  // namespace weir
