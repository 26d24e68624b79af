// The system's clocks.
#include "weir/core/clock.h"

#include <ctime>

namespace weir {
namespace {

std::int64_t read_clock(clockid_t id) noexcept {
  timespec time{};
  ::clock_gettime(id, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::int64_t SystemClock::now_ns() noexcept {
  return read_clock(CLOCK_MONOTONIC);
}

std::int64_t SystemClock::wall_ns() noexcept {
  return read_clock(CLOCK_REALTIME);
}

}  // namespace weir
