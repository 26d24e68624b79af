// Idle strategies: what a shard does after a turn in which it found nothing. A strategy consumes the work count of
// every turn and names an action; the loop carries it out. So a strategy has no clock, no thread and no surprise in it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

enum class IdleMode : std::uint8_t {
  kBusySpin,  ///< Look again at once. Lowest latency, a core for itself, and the memory bus hears of it.
  kYield,     ///< Spin a while, then let other threads of the core run.
  kBackOff,   ///< Spin, yield, then park for longer and longer.
  kPark,      ///< Park at once. For machines with more shards than cores.
};

enum class IdleAction : std::uint8_t { kContinue, kSpin, kYield, kPark };

struct IdleOptions {
  IdleMode mode = IdleMode::kBackOff;
  std::uint32_t spins = 100;   ///< Turns without work before yielding. 0 yields at once.
  std::uint32_t yields = 100;  ///< Turns without work before parking.
  std::int64_t park_ns_min = 10'000;
  std::int64_t park_ns_max = 1'000'000;  ///< Also how late a timer may be noticed while parked.
};

class IdleStrategy {
 public:
  /// Requires: 0 < park_ns_min <= park_ns_max.
  explicit IdleStrategy(const IdleOptions& options = {}) noexcept;
  /// What to do after a turn that did `work`. Cost: a few compares.
  IdleAction next(std::size_t work) noexcept;
  /// How long to park when next() said kPark.
  std::int64_t park_ns() const noexcept { return park_ns_; }

 private:
  IdleOptions options_;
  std::uint32_t idle_turns_ = 0;
  std::int64_t park_ns_ = 0;  // 0 = has not parked since the last work
};

}  // namespace weir
