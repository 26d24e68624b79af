// Dates, times and timestamps between text and values, and the civil calendar that both need.
//
// The calendar is the proleptic Gregorian one; there are no leap seconds. Values are those of core/type.h: days for
// DATE, nanoseconds for the rest. Reading accepts SQL's form (2020-12-30 12:13:14.123) and ISO-8601's
// (2020-12-30T12:13:14.123) alike. Digits beyond the precision are cut off, as Flink does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/io/text_number.h"

namespace weir {

inline constexpr std::size_t kDateTextMax = 16;
inline constexpr std::size_t kTimeTextMax = 18;       ///< "23:59:59.123456789".
inline constexpr std::size_t kTimestampTextMax = 40;  ///< Date, separator, time and a Z.
inline constexpr int kDigitsAsNeeded = -1;            ///< As many digits of the second as are not zero at the end.

inline constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
inline constexpr std::int64_t kSecondsPerDay = 86'400;
inline constexpr std::int64_t kNanosPerDay = kSecondsPerDay * kNanosPerSecond;

struct CivilDate {
  std::int64_t year = 1970;
  unsigned month = 1;  ///< 1..12
  unsigned day = 1;    ///< 1..31
};

/// Days since 1970-01-01. Requires: a month of 1..12 and a day of 1..31; year within +-10^9.
/// Source: Euclidean affine arithmetic over 400-year eras whose years start in March.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) noexcept;
CivilDate civil_from_days(std::int64_t days) noexcept;
/// 28..31.
unsigned days_in_month(std::int64_t year, unsigned month) noexcept;

/// yyyy-[m]m-[d]d.
TextStatus parse_date(std::string_view text, std::int32_t& days) noexcept;
/// [h]h:mm[:ss[.f…]] with up to 9 digits of fraction, to nanoseconds since midnight.
TextStatus parse_time(std::string_view text, unsigned precision, std::int64_t& nanos) noexcept;
/// A date, or a date and a time with a blank or T between. A zone behind it is refused.
TextStatus parse_timestamp(std::string_view text, unsigned precision, std::int64_t& nanos) noexcept;
/// The same with Z or +hh[[:]mm] behind it; without one, it is wall clock in a zone `offset_seconds` east of UTC.
TextStatus parse_timestamp_ltz(std::string_view text, unsigned precision, std::int64_t offset_seconds,
                               std::int64_t& nanos) noexcept;

/// Seconds east of UTC of "UTC", "Z", "GMT", "Etc/UTC", "+hh:mm", "-hhmm", "UTC+h", …; nothing for zones that need the
/// time-zone database.
std::optional<std::int64_t> fixed_zone_offset(std::string_view name) noexcept;

/// Value as a multiple of 10^(9-precision) ns: cuts the digits beyond off, towards the past.
std::int64_t cut_to_precision(std::int64_t nanos, unsigned precision) noexcept;

/// Requires: room for kDateTextMax. Years outside 0..9999 get a sign. Returns the end.
char* format_date(std::int32_t days, char* out) noexcept;
/// Requires: room for kTimeTextMax; digits 0..9 or kDigitsAsNeeded.
char* format_time(std::int64_t nanos, int digits, char* out) noexcept;
/// Separator is ' ' (SQL) or 'T' (ISO-8601). Requires: room for kTimestampTextMax. A zone is the caller's to add.
char* format_timestamp(std::int64_t nanos, int digits, char separator, char* out) noexcept;

}  // namespace weir
