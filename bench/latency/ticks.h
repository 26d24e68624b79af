// Ticks: the cheapest steady clock there is, turned into nanoseconds. On x86 the processor's counter, measured against
// the system's clock when it is first asked for; elsewhere the system's clock.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "harness/timing.h"

namespace weir::bench {

inline std::uint64_t ticks_now() noexcept {
#if defined(__x86_64__)
  unsigned cpu;
  return __rdtscp(&cpu);
#else
  return static_cast<std::uint64_t>(wall_seconds() * 1e9);
#endif
}

/// Nanoseconds of a tick. Cost: 50 ms at the first call.
inline double tick_ns() noexcept {
  static const double ns = [] {
    const double start = wall_seconds();
    const std::uint64_t first = ticks_now();
    double now = start;
    while (now - start < 0.05) now = wall_seconds();
    return (now - start) * 1e9 / static_cast<double>(ticks_now() - first);
  }();
  return ns;
}

}  // namespace weir::bench
