// The limit of keyed aggregation with known group numbers: one loop that adds to a row of accumulators.
#include "limits/limits.h"

namespace weir::bench {

void scatter(const std::int32_t* keys, const double* values, std::size_t rows, CountSum* groups) noexcept {
  for (std::size_t i = 0; i < rows; ++i) {
    CountSum& group = groups[static_cast<std::uint32_t>(keys[i])];
    group.sum += values[i];
    ++group.count;
  }
}

}  // namespace weir::bench
