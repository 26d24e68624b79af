// Units of time over the civil calendar.
#include "expression/time_unit.h"

#include <array>
#include <limits>

#include "expression/arithmetic.h"
#include "weir/io/text_time.h"

namespace weir {

namespace {

struct UnitName {
  std::string_view name;
  TimeUnit unit;
};

constexpr std::array<UnitName, 20> kUnits = {{{"NANOSECOND", TimeUnit::kNanosecond},
                                              {"MICROSECOND", TimeUnit::kMicrosecond},
                                              {"MILLISECOND", TimeUnit::kMillisecond},
                                              {"SECOND", TimeUnit::kSecond},
                                              {"MINUTE", TimeUnit::kMinute},
                                              {"HOUR", TimeUnit::kHour},
                                              {"DAY", TimeUnit::kDay},
                                              {"WEEK", TimeUnit::kWeek},
                                              {"MONTH", TimeUnit::kMonth},
                                              {"QUARTER", TimeUnit::kQuarter},
                                              {"YEAR", TimeUnit::kYear},
                                              {"DECADE", TimeUnit::kDecade},
                                              {"CENTURY", TimeUnit::kCentury},
                                              {"MILLENNIUM", TimeUnit::kMillennium},
                                              {"DOW", TimeUnit::kDayOfWeek},
                                              {"ISODOW", TimeUnit::kIsoDayOfWeek},
                                              {"DOY", TimeUnit::kDayOfYear},
                                              {"ISOYEAR", TimeUnit::kIsoYear},
                                              {"EPOCH", TimeUnit::kEpoch},
                                              {"FRAC_SECOND", TimeUnit::kNanosecond}}};

constexpr std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
  const std::int64_t quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

constexpr std::int64_t floor_remainder(std::int64_t a, std::int64_t b) noexcept {
  const std::int64_t rest = a % b;
  return rest < 0 ? rest + b : rest;
}

// 0 is Sunday.
std::int64_t weekday(std::int64_t days) noexcept {
  return floor_remainder(days + 4, 7);
}

struct IsoWeek {
  std::int64_t year, week;
};

// The week of the Thursday beside the day decides.
IsoWeek iso_week(std::int64_t days) noexcept {
  const std::int64_t from_monday = floor_remainder(weekday(days) - 1, 7);
  const std::int64_t thursday = days - from_monday + 3;
  const std::int64_t year = civil_from_days(thursday).year;
  return {year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1};
}

bool to_nanos(std::int64_t days, std::int64_t& out) noexcept {
  return !__builtin_mul_overflow(days, kNanosPerDay, &out);
}

bool floor_to_months(TimeUnit unit, bool up, std::int64_t nanos, std::int64_t& out) noexcept {
  const std::int64_t step = unit_months(unit);
  const CivilDate date = civil_from_days(floor_divide(nanos, kNanosPerDay));
  // Decades start in years that end in 0, centuries and millennia in those that end in 1.
  const std::int64_t origin = unit == TimeUnit::kCentury || unit == TimeUnit::kMillennium ? 12 : 0;
  const std::int64_t months = date.year * 12 + date.month - 1 - origin;
  std::int64_t start = floor_divide(months, step) * step + origin;
  for (int turn = 0; turn < 2; ++turn) {
    const std::int64_t days =
        days_from_civil(floor_divide(start, 12), static_cast<unsigned>(floor_remainder(start, 12) + 1), 1);
    if (!to_nanos(days, out)) return false;
    if (!up || out >= nanos) return true;
    start += step;
  }
  return true;
}

}  // namespace

std::optional<TimeUnit> time_unit(std::string_view name) noexcept {
  constexpr std::size_t kNameMax = 24;
  constexpr std::string_view kPrefix = "SQL_TSI_";
  std::array<char, kNameMax> upper{};
  if (name.size() > kNameMax) return std::nullopt;
  for (std::size_t i = 0; i < name.size(); ++i)
    upper[i] = name[i] >= 'a' && name[i] <= 'z' ? static_cast<char>(name[i] - 'a' + 'A') : name[i];
  std::string_view text(upper.data(), name.size());
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  for (const UnitName& unit : kUnits) {
    if (text == unit.name) return unit.unit;
    if (unit.unit <= TimeUnit::kYear && text.size() == unit.name.size() + 1 && text.back() == 'S' &&
        text.starts_with(unit.name))
      return unit.unit;
  }
  return std::nullopt;
}

std::int64_t unit_nanos(TimeUnit unit) noexcept {
  constexpr std::int64_t kNanos[] = {1,
                                     1'000,
                                     1'000'000,
                                     kNanosPerSecond,
                                     60 * kNanosPerSecond,
                                     3600 * kNanosPerSecond,
                                     kNanosPerDay,
                                     7 * kNanosPerDay};
  return unit <= TimeUnit::kWeek ? kNanos[static_cast<std::size_t>(unit)] : 0;
}

std::int64_t unit_months(TimeUnit unit) noexcept {
  switch (unit) {
    case TimeUnit::kMonth:
      return 1;
    case TimeUnit::kQuarter:
      return 3;
    case TimeUnit::kYear:
      return 12;
    case TimeUnit::kDecade:
      return 120;
    case TimeUnit::kCentury:
      return 1200;
    case TimeUnit::kMillennium:
      return 12000;
    default:
      return 0;
  }
}

std::int64_t extract_unit(TimeUnit unit, std::int64_t nanos) noexcept {
  const std::int64_t days = floor_divide(nanos, kNanosPerDay);
  const std::int64_t of_day = floor_remainder(nanos, kNanosPerDay);
  const CivilDate date = civil_from_days(days);
  constexpr std::int64_t kMinute = 60 * kNanosPerSecond;
  switch (unit) {
    case TimeUnit::kNanosecond:
      return of_day % kMinute;
    case TimeUnit::kMicrosecond:
      return of_day % kMinute / 1'000;
    case TimeUnit::kMillisecond:
      return of_day % kMinute / 1'000'000;
    case TimeUnit::kSecond:
      return of_day % kMinute / kNanosPerSecond;
    case TimeUnit::kMinute:
      return of_day / kMinute % 60;
    case TimeUnit::kHour:
      return of_day / kMinute / 60;
    case TimeUnit::kDay:
      return date.day;
    case TimeUnit::kWeek:
      return iso_week(days).week;
    case TimeUnit::kMonth:
      return date.month;
    case TimeUnit::kQuarter:
      return (date.month + 2) / 3;
    case TimeUnit::kYear:
      return date.year;
    case TimeUnit::kDecade:
      return floor_divide(date.year, 10);
    case TimeUnit::kCentury:
      return date.year > 0 ? (date.year + 99) / 100 : -((99 - date.year) / 100);
    case TimeUnit::kMillennium:
      return date.year > 0 ? (date.year + 999) / 1000 : -((999 - date.year) / 1000);
    case TimeUnit::kDayOfWeek:
      return weekday(days) + 1;
    case TimeUnit::kIsoDayOfWeek:
      return weekday(days) == 0 ? 7 : weekday(days);
    case TimeUnit::kDayOfYear:
      return days - days_from_civil(date.year, 1, 1) + 1;
    case TimeUnit::kIsoYear:
      return iso_week(days).year;
    case TimeUnit::kEpoch:
      return floor_divide(nanos, kNanosPerSecond);
  }
  return 0;
}

bool floor_to_unit(TimeUnit unit, bool up, std::int64_t nanos, std::int64_t& out) noexcept {
  if (unit_months(unit) != 0) return floor_to_months(unit, up, nanos, out);
  const std::int64_t step = unit_nanos(unit);
  if (step == 0) return false;
  // 1970-01-01 was a Thursday: weeks from Sunday start 4 days earlier.
  const std::int64_t shift = unit == TimeUnit::kWeek ? 4 * kNanosPerDay : 0;
  const std::int64_t rest = floor_remainder(floor_remainder(nanos, step) + shift, step);
  if (rest == 0) {
    out = nanos;
    return true;
  }
  return up ? !__builtin_add_overflow(nanos, step - rest, &out) : !__builtin_sub_overflow(nanos, rest, &out);
}

std::int64_t whole_units_between(TimeUnit unit, std::int64_t from, std::int64_t to) noexcept {
  if (const std::int64_t step = unit_nanos(unit); step != 0)
    return static_cast<std::int64_t>((Int128{to} - from) / step);
  const CivilDate a = civil_from_days(floor_divide(from, kNanosPerDay));
  const CivilDate b = civil_from_days(floor_divide(to, kNanosPerDay));
  std::int64_t months =
      (b.year - a.year) * 12 + static_cast<std::int64_t>(b.month) - static_cast<std::int64_t>(a.month);
  std::int64_t moved = 0;
  if (months > 0 && (!add_months(from, months, moved) || moved > to)) --months;
  if (months < 0 && (!add_months(from, months, moved) || moved < to)) ++months;
  return months / unit_months(unit);
}

}  // namespace weir
