// Clock: the only source of time in the engine. Operators, sources and idle strategies ask the clock that they were
// given; nothing else in Weir reads one, so that a test or a simulation decides what time it is.
#pragma once

#include <cstdint>

namespace weir {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Monotonic nanoseconds from an arbitrary start. Thread: any.
  virtual std::int64_t now_ns() noexcept = 0;
  /// Nanoseconds since the epoch by the wall clock; may jump. Thread: any.
  virtual std::int64_t wall_ns() noexcept = 0;
};

/// CLOCK_MONOTONIC and CLOCK_REALTIME (no system call through the vDSO).
class SystemClock final : public Clock {
 public:
  std::int64_t now_ns() noexcept override;
  std::int64_t wall_ns() noexcept override;
};

/// Moves only when told. Thread: the one that drives the simulation.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t start_ns = 0, std::int64_t wall_offset_ns = 0) noexcept
      : now_ns_(start_ns), wall_offset_ns_(wall_offset_ns) {}
  std::int64_t now_ns() noexcept override { return now_ns_; }
  std::int64_t wall_ns() noexcept override { return now_ns_ + wall_offset_ns_; }
  /// Requires: by_ns >= 0.
  void advance(std::int64_t by_ns) noexcept { now_ns_ += by_ns; }

 private:
  std::int64_t now_ns_;
  std::int64_t wall_offset_ns_;
};

}  // namespace weir
