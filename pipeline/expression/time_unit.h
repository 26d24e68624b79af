// Units of time as SQL names them in EXTRACT, FLOOR, CEIL, TIMESTAMPADD and TIMESTAMPDIFF, and what they do to a wall
// clock in nanoseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

enum class TimeUnit : std::uint8_t {
  kNanosecond,
  kMicrosecond,
  kMillisecond,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear,
  kDecade,
  kCentury,
  kMillennium,
  kDayOfWeek,
  kIsoDayOfWeek,
  kDayOfYear,
  kIsoYear,
  kEpoch,
};

/// "HOUR", "hours", "SQL_TSI_HOUR", …
std::optional<TimeUnit> time_unit(std::string_view name) noexcept;
/// Nanoseconds of a unit up to kWeek, else 0.
std::int64_t unit_nanos(TimeUnit unit) noexcept;
/// Months of a unit from kMonth to kMillennium, else 0.
std::int64_t unit_months(TimeUnit unit) noexcept;

std::int64_t extract_unit(TimeUnit unit, std::int64_t nanos) noexcept;
/// Start of the unit that the time lies in, or of the next one unless the time is a start. False on overflow and for
/// units that are no periods. Weeks start on Sunday.
bool floor_to_unit(TimeUnit unit, bool up, std::int64_t nanos, std::int64_t& out) noexcept;
/// Whole units from `from` to `to`, cut towards zero.
std::int64_t whole_units_between(TimeUnit unit, std::int64_t from, std::int64_t to) noexcept;

}  // namespace weir
