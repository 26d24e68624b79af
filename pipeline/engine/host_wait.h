// HostWait: how a host's thread waits for room or for results: it spins, yields, then sleeps a little longer each time.
// The shard need not wake it, so that nothing of this costs the data path.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>

#include "weir/core/atomics.h"
#include "weir/core/clock.h"

namespace weir {

/// `now_ns` and what a host is willing to wait, which may be as long as it can say.
constexpr std::int64_t deadline_ns(std::int64_t now_ns, std::int64_t timeout_ns) noexcept {
  const std::int64_t wait_ns = std::max<std::int64_t>(timeout_ns, 0);
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return now_ns > kMost - wait_ns ? kMost : now_ns + wait_ns;
}

/// Thread: one.
class HostWait {
 public:
  explicit HostWait(std::int64_t timeout_ns) noexcept : end_ns_(deadline_ns(clock_.now_ns(), timeout_ns)) {}
  /// Waits a moment. Returns false where the time is over.
  bool wait() noexcept {
    ++tries_;
    if (tries_ <= kSpins) {
      cpu_relax();
      return true;
    }
    if (clock_.now_ns() >= end_ns_) return false;
    if (tries_ <= kSpins + kYields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::nanoseconds(sleep_ns_));
      sleep_ns_ = std::min(sleep_ns_ * 2, kSleepNsMax);
    }
    return true;
  }

 private:
  static constexpr std::uint32_t kSpins = 200, kYields = 50;
  static constexpr std::int64_t kSleepNsMax = 1'000'000;
  SystemClock clock_;  // the host's time, whatever the job's is
  std::int64_t end_ns_;
  std::int64_t sleep_ns_ = 20'000;
  std::uint32_t tries_ = 0;
};

}  // namespace weir
