// TimeZone: between instants and wall clock in one IANA zone, with the last answers remembered, since the rows of a
// batch lie close together.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/core/result.h"

namespace weir {

/// Thread: one at a time. Allocates: at make only.
class TimeZone {
 public:
  /// "UTC", "+02:00" and the like, or an IANA name. Errors: kInvalidArgument where the zone is not known.
  static Result<std::unique_ptr<TimeZone>> make(std::string_view name);
  ~TimeZone();
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;

  /// Wall clock in nanoseconds of an instant in nanoseconds. Saturates at the ends of int64.
  std::int64_t to_local(std::int64_t instant_ns) noexcept;
  /// Instant of a wall clock. One that occurs twice (clocks set back) is the earlier; one that does not occur (clocks
  /// set forward) moves on by the gap. As java.time and Flink.
  std::int64_t to_instant(std::int64_t local_ns) noexcept;
  /// The greatest wall clock that does not occur again after the instant, nor at all where clocks were set forward over
  /// it: a window of local time that ends there or before is over. While an hour is about to be repeated, that is the
  /// end of the time before it. Never falls as the instant rises. Source: Flink TimeWindowUtil.toEpochMillsForTimer.
  std::int64_t complete_until(std::int64_t instant_ns) noexcept;

 private:
  struct Database;
  TimeZone() noexcept;

  std::unique_ptr<Database> database_;  // null: fixed offset
  std::int64_t fixed_seconds_ = 0;
  std::int64_t begin_seconds_ = 1;  // instants [begin, end) have this offset; empty at first
  std::int64_t end_seconds_ = 0;
  std::int64_t offset_seconds_ = 0;
  std::int64_t next_begin_seconds_ = 0;  // the offset from here on is next_offset_seconds_; 0: not asked for yet
  std::int64_t next_offset_seconds_ = 0;
};

}  // namespace weir
