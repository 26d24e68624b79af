// What the tests of sketches share: distributions that sketches find hard, a heap, and ranks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "aggregates/order_key.h"
#include "weir/core/random.h"
#include "weir/pipeline/state_heap.h"
#include "window/state_arena.h"

namespace weir::test {

/// A heap over an arena of its own.
struct OwnHeap {
  explicit OwnHeap(std::size_t bytes = std::size_t{1} << 30) : arena(std::move(*StateArena::create(bytes))) {}
  StateArena arena;
  StateHeap heap{arena};
};

inline constexpr int kDistributions = 9;

/// `count` finite values of a distribution by number: uniform, around zero, log-uniform over all magnitudes, heavy
/// tail, few values, ascending, descending, one value, two far clusters.
inline std::vector<double> draw_values(int distribution, std::size_t count, Random& random) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double unit = random.unit();
    switch (distribution) {
      case 0:
        values[i] = 1000 * unit;
        break;
      case 1:
        values[i] = std::log((unit + 1e-12) / (1 - unit));
        break;
      case 2:
        values[i] = std::exp2(2000 * unit - 1000) * (random.chance(1, 2) ? 1 : -1);
        break;
      case 3:
        values[i] = 1 / ((1 - unit) * (1 - unit));
        break;
      case 4:
        values[i] = static_cast<double>(random.below(7)) - 3;
        break;
      case 5:
        values[i] = static_cast<double>(i);
        break;
      case 6:
        values[i] = -static_cast<double>(i);
        break;
      case 7:
        values[i] = 42.5;
        break;
      default:
        values[i] = random.chance(1, 2) ? unit : 1e9 + unit;
    }
  }
  return values;
}

/// How far the ranks of `value` in sorted values are from `rank`.
inline double rank_distance(const std::vector<double>& sorted, double value, double rank) {
  const auto less = [](double a, double b) { return order_key(a) < order_key(b); };
  const auto low = static_cast<double>(std::lower_bound(sorted.begin(), sorted.end(), value, less) - sorted.begin());
  const auto high = static_cast<double>(std::upper_bound(sorted.begin(), sorted.end(), value, less) - sorted.begin());
  if (rank < low) return low - rank;
  return rank >= high ? rank - std::max(high - 1, low) : 0;
}

inline const std::vector<double>& fractions() {
  static const std::vector<double> all = {0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1};
  return all;
}

}  // namespace weir::test
