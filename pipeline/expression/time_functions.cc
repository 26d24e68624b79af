// Functions of time. Those of TIMESTAMP_LTZ work on the wall clock of the session's zone and go back to the instant.
#include <array>
#include <cmath>
#include <limits>

#include "expression/arithmetic.h"
#include "expression/functions.h"
#include "expression/time_pattern.h"
#include "expression/time_unit.h"
#include "expression/zone.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir {

namespace {

constexpr std::string_view kDefaultPattern = "yyyy-MM-dd HH:mm:ss";
constexpr std::size_t kPatternTextMax = 256;

Outcome overflow(KernelCall& call) {
  return call.fail(ErrorCode::kOverflow, "the result of " + std::string(call.expression->function->name) +
                                             " lies outside 1677-09-21 … 2262-04-11");
}

TimeUnit unit_argument(const KernelCall& call, std::size_t index) {
  return *time_unit(std::get<std::string>(call.expression->arguments[index]->literal.data));  // checked at resolution
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
  const std::int64_t quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

// How a type of time becomes wall clock nanoseconds.
enum class Source : std::uint8_t { kDate, kLocal, kInstant };

template <Source kSource>
using Stored = std::conditional_t<kSource == Source::kDate, std::int32_t, std::int64_t>;

template <Source kSource>
Int128 wall_clock(Stored<kSource> value, TimeZone* zone) noexcept {
  if constexpr (kSource == Source::kDate) return Int128{value} * kNanosPerDay;
  if constexpr (kSource == Source::kInstant) return zone->to_local(value);
  return value;
}

// Dates outside what nanoseconds reach are brought into the same 400-year cycle: the calendar repeats.
std::int64_t extract(TimeUnit unit, Int128 wall) noexcept {
  if (wall >= std::numeric_limits<std::int64_t>::min() && wall <= std::numeric_limits<std::int64_t>::max())
    return extract_unit(unit, static_cast<std::int64_t>(wall));
  constexpr std::int64_t kCycleDays = 146'097;
  const auto days = static_cast<std::int64_t>(wall / kNanosPerDay);
  const std::int64_t cycles = floor_divide(days, kCycleDays);
  const std::int64_t value = extract_unit(unit, (days - cycles * kCycleDays - kCycleDays / 2) * kNanosPerDay);
  const CivilDate date = civil_from_days(days);
  switch (unit) {
    case TimeUnit::kYear:
    case TimeUnit::kIsoYear:
      return date.year;
    case TimeUnit::kDay:
      return date.day;
    case TimeUnit::kMonth:
      return date.month;
    case TimeUnit::kQuarter:
      return (date.month + 2) / 3;
    case TimeUnit::kDayOfYear:
      return days - days_from_civil(date.year, 1, 1) + 1;
    case TimeUnit::kEpoch:
      return days * kSecondsPerDay;
    default:
      return value;
  }
}

template <Source kSource>
void extract_kernel(KernelCall& call) {
  const TimeUnit unit = unit_argument(call, 0);
  TimeZone* zone = call.runtime->zone;
  map_rows<std::int64_t, StringRef, Stored<kSource>>(
      call, [unit, zone](std::int64_t& out, const StringRef&, const Stored<kSource>& value) {
        out = extract(unit, wall_clock<kSource>(value, zone));
      });
}

template <TimeUnit kUnit, Source kSource>
void part_kernel(KernelCall& call) {
  TimeZone* zone = call.runtime->zone;
  map_rows<std::int64_t, Stored<kSource>>(call, [zone](std::int64_t& out, const Stored<kSource>& value) {
    out = extract(kUnit, wall_clock<kSource>(value, zone));
  });
}

template <bool kUp, Source kSource>
void floor_kernel(KernelCall& call) {
  const TimeUnit unit = unit_argument(call, 1);
  TimeZone* zone = call.runtime->zone;
  map_rows<Stored<kSource>, Stored<kSource>, StringRef>(
      call, [&call, unit, zone](Stored<kSource>& out, const Stored<kSource>& value, const StringRef&) {
        const Int128 wall = wall_clock<kSource>(value, zone);
        std::int64_t floored = 0;
        if (wall < std::numeric_limits<std::int64_t>::min() || wall > std::numeric_limits<std::int64_t>::max() ||
            !floor_to_unit(unit, kUp, static_cast<std::int64_t>(wall), floored))
          return overflow(call);
        if constexpr (kSource == Source::kDate)
          out = static_cast<std::int32_t>(floor_divide(floored, kNanosPerDay));
        else
          out = kSource == Source::kInstant ? zone->to_instant(floored) : floored;
        return Outcome::kValue;
      });
}

// ---- Text.

template <typename Parse>
void parse_kernel(KernelCall& call, Parse parse) {
  if (call.arguments.size() == 1) {
    map_rows<std::int64_t, StringRef>(call, [&](std::int64_t& out, const StringRef& text) {
      std::int64_t nanos = 0;
      if (parse_timestamp(trim_blanks(text.view()), 9, nanos) != TextStatus::kOk) return Outcome::kNull;
      out = parse(nanos);
      return Outcome::kValue;
    });
  } else {
    map_rows<std::int64_t, StringRef, StringRef>(
        call, [&](std::int64_t& out, const StringRef& text, const StringRef& pattern) {
          std::int64_t nanos = 0;
          if (!parse_time_pattern(text.view(), pattern.view(), nanos)) return Outcome::kNull;
          out = parse(nanos);
          return Outcome::kValue;
        });
  }
}

void to_timestamp_kernel(KernelCall& call) {
  parse_kernel(call, [](std::int64_t nanos) { return cut_to_precision(nanos, 3); });
}

void unix_timestamp_kernel(KernelCall& call) {
  TimeZone* zone = call.runtime->zone;
  parse_kernel(call, [zone](std::int64_t nanos) { return floor_divide(zone->to_instant(nanos), kNanosPerSecond); });
}

void unix_timestamp_now_kernel(KernelCall& call) {
  const std::int64_t now = floor_divide(call.runtime->now_ns, kNanosPerSecond);
  map_rows<std::int64_t>(call, [now](std::int64_t& out) { out = now; });
}

void to_date_kernel(KernelCall& call) {
  if (call.arguments.size() == 1) {
    map_rows<std::int32_t, StringRef>(call, [](std::int32_t& out, const StringRef& text) {
      return parse_date(trim_blanks(text.view()), out) == TextStatus::kOk ? Outcome::kValue : Outcome::kNull;
    });
  } else {
    map_rows<std::int32_t, StringRef, StringRef>(
        call, [](std::int32_t& out, const StringRef& text, const StringRef& pattern) {
          std::int64_t nanos = 0;
          if (!parse_time_pattern(text.view(), pattern.view(), nanos)) return Outcome::kNull;
          out = static_cast<std::int32_t>(floor_divide(nanos, kNanosPerDay));
          return Outcome::kValue;
        });
  }
}

Outcome format_text(KernelCall& call, StringRef& out, std::int64_t wall, std::string_view pattern) {
  char buffer[kPatternTextMax];
  const char* end = format_time_pattern(wall, pattern, buffer, sizeof(buffer));
  if (end == nullptr)
    return call.fail(ErrorCode::kInvalidPattern,
                     "the time pattern '" + std::string(pattern) + "' is not valid or gives more than 256 bytes");
  return call.store(out, {buffer, static_cast<std::size_t>(end - buffer)});
}

template <Source kSource>
void date_format_kernel(KernelCall& call) {
  TimeZone* zone = call.runtime->zone;
  map_rows<StringRef, std::int64_t, StringRef>(
      call, [&call, zone](StringRef& out, const std::int64_t& value, const StringRef& pattern) {
        const std::int64_t wall = kSource == Source::kInstant ? zone->to_local(value) : value;
        return format_text(call, out, wall, pattern.view());
      });
}

void from_unixtime_kernel(KernelCall& call) {
  TimeZone* zone = call.runtime->zone;
  const auto format = [&call, zone](StringRef& out, std::int64_t seconds, std::string_view pattern) {
    std::int64_t nanos = 0;
    if (__builtin_mul_overflow(seconds, kNanosPerSecond, &nanos)) return overflow(call);
    return format_text(call, out, zone->to_local(nanos), pattern);
  };
  if (call.arguments.size() == 1) {
    map_rows<StringRef, std::int64_t>(
        call, [&](StringRef& out, const std::int64_t& seconds) { return format(out, seconds, kDefaultPattern); });
  } else {
    map_rows<StringRef, std::int64_t, StringRef>(
        call, [&](StringRef& out, const std::int64_t& seconds, const StringRef& pattern) {
          return format(out, seconds, pattern.view());
        });
  }
}

Result<std::unique_ptr<ScalarFunctionState>> check_pattern(const Expression& call) {
  const Expression& pattern = *call.arguments.back();
  if (call.arguments.size() == 2 && is_literal(pattern) && !pattern.literal.is_null()) {
    const auto& text = std::get<std::string>(pattern.literal.data);
    if (!is_time_pattern(text))
      return Error(ErrorCode::kInvalidPattern, "the time pattern '" + text + "' is not valid")
          .with_hint("letters that Weir knows are y u M d D E H h k K m s S a n, text stands in '…'");
  }
  return std::unique_ptr<ScalarFunctionState>();
}

// ---- Numbers to instants.

std::int64_t instant_unit(const KernelCall& call) {
  if (call.expression->arguments.size() == 1) return 1'000'000;
  const auto digits = std::get<std::int64_t>(call.expression->arguments[1]->literal.data);
  return digits == 0 ? kNanosPerSecond : digits == 3 ? 1'000'000 : digits == 6 ? 1'000 : 1;
}

void integer_to_instant_kernel(KernelCall& call) {
  const std::int64_t unit = instant_unit(call);
  map_rows<std::int64_t, std::int64_t>(call, [&call, unit](std::int64_t& out, const std::int64_t& value) {
    return __builtin_mul_overflow(value, unit, &out) ? overflow(call) : Outcome::kValue;
  });
}

void double_to_instant_kernel(KernelCall& call) {
  const auto unit = static_cast<double>(instant_unit(call));
  map_rows<std::int64_t, double>(call, [&call, unit](std::int64_t& out, const double& value) {
    const double nanos = std::trunc(value * unit);
    if (!(nanos >= -0x1p63 && nanos < 0x1p63)) return overflow(call);
    out = cut_to_precision(static_cast<std::int64_t>(nanos), call.expression->type.precision);
    return Outcome::kValue;
  });
}

// ---- Adding and counting units.

template <Source kSource>
void timestamp_add_kernel(KernelCall& call) {
  const TimeUnit unit = unit_argument(call, 0);
  TimeZone* zone = call.runtime->zone;
  map_rows<Stored<kSource>, StringRef, std::int64_t, Stored<kSource>>(
      call, [&call, unit, zone](Stored<kSource>& out, const StringRef&, const std::int64_t& count,
                                const Stored<kSource>& value) {
        std::int64_t amount = 0, moved = 0;
        const std::int64_t months = unit_months(unit);
        const std::int64_t step = months != 0 ? months : unit_nanos(unit);
        if (step == 0 || __builtin_mul_overflow(count, step, &amount)) return overflow(call);
        // Months are of the wall clock, shorter units of elapsed time.
        const bool local = kSource == Source::kInstant && months != 0;
        const Int128 from = local || kSource == Source::kDate ? wall_clock<kSource>(value, zone) : Int128{value};
        if (from < std::numeric_limits<std::int64_t>::min() || from > std::numeric_limits<std::int64_t>::max())
          return overflow(call);
        const auto start = static_cast<std::int64_t>(from);
        if (months != 0 && (amount > 240'000 || amount < -240'000)) return overflow(call);
        const bool fits =
            months != 0 ? add_months(start, amount, moved) : !__builtin_add_overflow(start, amount, &moved);
        if (!fits) return overflow(call);
        if constexpr (kSource == Source::kDate)
          out = static_cast<std::int32_t>(floor_divide(moved, kNanosPerDay));
        else
          out = local ? zone->to_instant(moved) : moved;
        return Outcome::kValue;
      });
}

template <Source kSource>
void timestamp_diff_kernel(KernelCall& call) {
  const TimeUnit unit = unit_argument(call, 0);
  TimeZone* zone = call.runtime->zone;
  map_rows<std::int32_t, StringRef, std::int64_t, std::int64_t>(
      call, [&call, unit, zone](std::int32_t& out, const StringRef&, const std::int64_t& from, const std::int64_t& to) {
        const bool local = kSource == Source::kInstant && unit_months(unit) != 0;
        if (unit_months(unit) == 0 && unit_nanos(unit) == 0)
          return call.fail(ErrorCode::kInvalidArgument, "TIMESTAMPDIFF does not count this unit");
        const std::int64_t count = local ? whole_units_between(unit, zone->to_local(from), zone->to_local(to))
                                         : whole_units_between(unit, from, to);
        if (count < std::numeric_limits<std::int32_t>::min() || count > std::numeric_limits<std::int32_t>::max())
          return call.fail(ErrorCode::kOverflow, "the result of TIMESTAMPDIFF does not fit INT");
        out = static_cast<std::int32_t>(count);
        return Outcome::kValue;
      });
}

// ---- The clock.

template <Source kSource>
void now_kernel(KernelCall& call) {
  std::int64_t now = cut_to_precision(call.runtime->now_ns, 3);
  if (kSource != Source::kInstant) now = call.runtime->zone->to_local(now);
  map_rows<std::int64_t>(call, [now](std::int64_t& out) { out = now; });
}

void current_date_kernel(KernelCall& call) {
  const auto today =
      static_cast<std::int32_t>(floor_divide(call.runtime->zone->to_local(call.runtime->now_ns), kNanosPerDay));
  map_rows<std::int32_t>(call, [today](std::int32_t& out) { out = today; });
}

void current_time_kernel(KernelCall& call) {
  const std::int64_t now = call.runtime->zone->to_local(call.runtime->now_ns);
  const std::int64_t of_day = cut_to_precision(now - floor_divide(now, kNanosPerDay) * kNanosPerDay, 0);
  map_rows<std::int64_t>(call, [of_day](std::int64_t& out) { out = of_day; });
}

void current_watermark_kernel(KernelCall& call) {
  const Watermark watermark = call.runtime->watermark;
  auto* out = call.result->values<std::int64_t>();
  for_rows(call.range, nullptr, [&](std::uint32_t row) {
    out[row] = watermark;
    call.result->set_valid(row, watermark != kWatermarkNone);
    return true;
  });
}

// ---- Types and resolution.

Type timestamp_3(const Arguments&) {
  return Type::timestamp(3);
}
Type instant_3(const Arguments&) {
  return Type::timestamp_ltz(3);
}
Type instant_of_digits(const Arguments& arguments) {
  const Value& digits = arguments[1]->literal;
  const std::int64_t places = digits.is_null() ? 3 : std::get<std::int64_t>(digits.data);
  return Type::timestamp_ltz(static_cast<std::uint8_t>(places > 3 ? places : 3));
}
Type time_0(const Arguments&) {
  return Type::of(TypeId::kTime);
}

Result<ExpressionPtr> resolve_to_instant(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() == 2) {
    const Expression& digits = *arguments[1];
    const bool integer = is_literal(digits) && digits.type.is_integer() && !digits.literal.is_null();
    const std::int64_t places = integer ? std::get<std::int64_t>(digits.literal.data) : -1;
    if (places != 0 && places != 3 && places != 6 && places != 9)
      return Error(ErrorCode::kSqlType, "the precision of TO_TIMESTAMP_LTZ is a literal 0, 3, 6 or 9");
  }
  return resolve_overload(entry, std::move(arguments), span);
}

// The unit decides whether a DATE stays one: hours make it a TIMESTAMP. The result of TIMESTAMP keeps enough digits.
Result<ExpressionPtr> resolve_timestamp_add(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() == 3 && is_literal(*arguments[0]) && arguments[0]->type.id == TypeId::kString) {
    const std::optional<TimeUnit> unit = time_unit(std::get<std::string>(arguments[0]->literal.data));
    if (!unit.has_value()) return type_error(entry, arguments);
    Type type = arguments[2]->type;
    if (type.id == TypeId::kDate && *unit < TimeUnit::kDay) type = Type::timestamp(3);
    if (type.is_timestamp() && *unit < TimeUnit::kSecond) {
      const unsigned digits = *unit == TimeUnit::kMillisecond ? 3 : *unit == TimeUnit::kMicrosecond ? 6 : 9;
      if (type.precision < digits) type.precision = static_cast<std::uint8_t>(digits);
      if (!type.same_as(arguments[2]->type)) {
        const ExpressionPtr argument = arguments[2];
        WEIR_ASSIGN(arguments[2], make_cast(argument, type));
      }
    } else if (type.id != arguments[2]->type.id) {
      WEIR_ASSIGN(arguments[2], coerce(std::move(arguments[2]), type));
    }
  }
  return resolve_overload(entry, std::move(arguments), span);
}

// FLOOR and CEIL: of a number, or of a time to a unit.
Result<ExpressionPtr> resolve_floor(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() != 1) return resolve_overload(entry, std::move(arguments), span);
  FunctionEntry of_number = entry;
  of_number.overloads = entry.name == "FLOOR" ? floor_of_numbers() : ceiling_of_numbers();
  return resolve_overload(of_number, std::move(arguments), span);
}

using S = Source;
constexpr ScalarFunction kExtract[] = {{"EXTRACT", "uT", 'l', &extract_kernel<S::kLocal>},
                                       {"EXTRACT", "uD", 'l', &extract_kernel<S::kDate>},
                                       {"EXTRACT", "ut", 'l', &extract_kernel<S::kLocal>},
                                       {"EXTRACT", "uZ", 'l', &extract_kernel<S::kInstant>, kZoned}};

template <TimeUnit kUnit>
constexpr std::array<ScalarFunction, 4> part_overloads(std::string_view name) {
  return {{{name, "T", 'l', &part_kernel<kUnit, S::kLocal>},
           {name, "D", 'l', &part_kernel<kUnit, S::kDate>},
           {name, "t", 'l', &part_kernel<kUnit, S::kLocal>},
           {name, "Z", 'l', &part_kernel<kUnit, S::kInstant>, kZoned}}};
}
constexpr auto kYear = part_overloads<TimeUnit::kYear>("YEAR");
constexpr auto kQuarter = part_overloads<TimeUnit::kQuarter>("QUARTER");
constexpr auto kMonth = part_overloads<TimeUnit::kMonth>("MONTH");
constexpr auto kWeek = part_overloads<TimeUnit::kWeek>("WEEK");
constexpr auto kDayOfYear = part_overloads<TimeUnit::kDayOfYear>("DAYOFYEAR");
constexpr auto kDayOfMonth = part_overloads<TimeUnit::kDay>("DAYOFMONTH");
constexpr auto kDayOfWeek = part_overloads<TimeUnit::kDayOfWeek>("DAYOFWEEK");
constexpr auto kHour = part_overloads<TimeUnit::kHour>("HOUR");
constexpr auto kMinute = part_overloads<TimeUnit::kMinute>("MINUTE");
constexpr auto kSecond = part_overloads<TimeUnit::kSecond>("SECOND");

template <bool kUp>
constexpr std::array<ScalarFunction, 4> floor_overloads(std::string_view name) {
  return {{{name, "Tu", '0', &floor_kernel<kUp, S::kLocal>},
           {name, "Du", '0', &floor_kernel<kUp, S::kDate>},
           {name, "tu", '0', &floor_kernel<kUp, S::kLocal>},
           {name, "Zu", '0', &floor_kernel<kUp, S::kInstant>, kZoned}}};
}
constexpr auto kFloor = floor_overloads<false>("FLOOR");
constexpr auto kCeil = floor_overloads<true>("CEIL");

constexpr ScalarFunction kToTimestamp[] = {
    {"TO_TIMESTAMP", "s", 'T', &to_timestamp_kernel, kMayBeNull, &timestamp_3},
    {"TO_TIMESTAMP", "ss", 'T', &to_timestamp_kernel, kMayBeNull, &timestamp_3, &check_pattern}};
constexpr ScalarFunction kToInstant[] = {
    {"TO_TIMESTAMP_LTZ", "l", 'Z', &integer_to_instant_kernel, 0, &instant_3},
    {"TO_TIMESTAMP_LTZ", "d", 'Z', &double_to_instant_kernel, 0, &instant_3},
    {"TO_TIMESTAMP_LTZ", "li", 'Z', &integer_to_instant_kernel, 0, &instant_of_digits},
    {"TO_TIMESTAMP_LTZ", "di", 'Z', &double_to_instant_kernel, 0, &instant_of_digits}};
constexpr ScalarFunction kFromUnixtime[] = {
    {"FROM_UNIXTIME", "l", 's', &from_unixtime_kernel, kZoned},
    {"FROM_UNIXTIME", "ls", 's', &from_unixtime_kernel, kZoned, nullptr, &check_pattern}};
constexpr ScalarFunction kUnixTimestamp[] = {
    {"UNIX_TIMESTAMP", "", 'l', &unix_timestamp_now_kernel, kVolatile},
    {"UNIX_TIMESTAMP", "s", 'l', &unix_timestamp_kernel, kZoned | kMayBeNull},
    {"UNIX_TIMESTAMP", "ss", 'l', &unix_timestamp_kernel, kZoned | kMayBeNull, nullptr, &check_pattern}};
constexpr ScalarFunction kToDate[] = {{"TO_DATE", "s", 'D', &to_date_kernel, kMayBeNull},
                                      {"TO_DATE", "ss", 'D', &to_date_kernel, kMayBeNull, nullptr, &check_pattern}};
constexpr ScalarFunction kDateFormat[] = {
    {"DATE_FORMAT", "Ts", 's', &date_format_kernel<S::kLocal>, 0, nullptr, &check_pattern},
    {"DATE_FORMAT", "Zs", 's', &date_format_kernel<S::kInstant>, kZoned, nullptr, &check_pattern}};
constexpr ScalarFunction kTimestampAdd[] = {{"TIMESTAMPADD", "ulT", '2', &timestamp_add_kernel<S::kLocal>},
                                            {"TIMESTAMPADD", "ulD", '2', &timestamp_add_kernel<S::kDate>},
                                            {"TIMESTAMPADD", "ulZ", '2', &timestamp_add_kernel<S::kInstant>, kZoned}};
constexpr ScalarFunction kTimestampDiff[] = {
    {"TIMESTAMPDIFF", "uTT", 'i', &timestamp_diff_kernel<S::kLocal>},
    {"TIMESTAMPDIFF", "uZZ", 'i', &timestamp_diff_kernel<S::kInstant>, kZoned}};
constexpr std::uint8_t kClockFlags = kVolatile | kNeverNull;
constexpr ScalarFunction kProctime[] = {{"PROCTIME", "", 'Z', &now_kernel<S::kInstant>, kClockFlags, &instant_3}};
constexpr ScalarFunction kNow[] = {{"CURRENT_TIMESTAMP", "", 'Z', &now_kernel<S::kInstant>, kClockFlags, &instant_3}};
constexpr ScalarFunction kLocalTimestamp[] = {
    {"LOCALTIMESTAMP", "", 'T', &now_kernel<S::kLocal>, kClockFlags, &timestamp_3}};
constexpr ScalarFunction kCurrentDate[] = {{"CURRENT_DATE", "", 'D', &current_date_kernel, kClockFlags}};
constexpr ScalarFunction kCurrentTime[] = {{"CURRENT_TIME", "", 't', &current_time_kernel, kClockFlags, &time_0}};
constexpr std::uint8_t kWatermarkFlags = kVolatile | kNotStrict | kMayBeNull;
constexpr ScalarFunction kCurrentWatermark[] = {
    {"CURRENT_WATERMARK", "T", '0', &current_watermark_kernel, kWatermarkFlags},
    {"CURRENT_WATERMARK", "Z", '0', &current_watermark_kernel, kWatermarkFlags}};

constexpr FunctionEntry kEntries[] = {
    {"FLOOR", "FLOOR(numeric), FLOOR(time TO unit)", "Down to a whole number, or to the start of a unit.", kFloor,
     &resolve_floor},
    {"CEIL", "CEIL(numeric), CEIL(time TO unit)", "Up to a whole number, or to the next start of a unit.", kCeil,
     &resolve_floor},
    {"CEILING", "CEILING(numeric), CEILING(time TO unit)", "As CEIL.", kCeil, &resolve_floor},
    {"EXTRACT", "EXTRACT(unit FROM time)", "Part of a date or time.", kExtract},
    {"YEAR", "YEAR(time)", "Year.", kYear},
    {"QUARTER", "QUARTER(time)", "Quarter, 1 to 4.", kQuarter},
    {"MONTH", "MONTH(time)", "Month, 1 to 12.", kMonth},
    {"WEEK", "WEEK(time)", "ISO week, 1 to 53.", kWeek},
    {"DAYOFYEAR", "DAYOFYEAR(time)", "Day of the year from 1.", kDayOfYear},
    {"DAYOFMONTH", "DAYOFMONTH(time)", "Day of the month from 1.", kDayOfMonth},
    {"DAYOFWEEK", "DAYOFWEEK(time)", "Day of the week, 1 is Sunday.", kDayOfWeek},
    {"HOUR", "HOUR(time)", "Hour, 0 to 23.", kHour},
    {"MINUTE", "MINUTE(time)", "Minute, 0 to 59.", kMinute},
    {"SECOND", "SECOND(time)", "Second, 0 to 59.", kSecond},
    {"TO_TIMESTAMP", "TO_TIMESTAMP(STRING [, STRING pattern])", "TIMESTAMP(3) of a text; NULL where it is none.",
     kToTimestamp},
    {"TO_TIMESTAMP_LTZ", "TO_TIMESTAMP_LTZ(numeric [, precision])",
     "Instant of seconds (0), milliseconds (3), microseconds (6) or nanoseconds (9) since the epoch.", kToInstant,
     &resolve_to_instant},
    {"FROM_UNIXTIME", "FROM_UNIXTIME(BIGINT seconds [, STRING pattern])", "Text of an instant in the session's zone.",
     kFromUnixtime},
    {"UNIX_TIMESTAMP", "UNIX_TIMESTAMP([STRING [, STRING pattern]])", "Seconds since the epoch, now or of a text.",
     kUnixTimestamp},
    {"TO_DATE", "TO_DATE(STRING [, STRING pattern])", "DATE of a text; NULL where it is none.", kToDate},
    {"DATE_FORMAT", "DATE_FORMAT(TIMESTAMP, STRING pattern)", "Text by a Java pattern such as yyyy-MM-dd HH:mm.",
     kDateFormat},
    {"TIMESTAMPADD", "TIMESTAMPADD(unit, BIGINT, time)", "The time moved by that many units.", kTimestampAdd,
     &resolve_timestamp_add},
    {"TIMESTAMPDIFF", "TIMESTAMPDIFF(unit, from, to)", "Whole units between two times.", kTimestampDiff},
    {"PROCTIME", "PROCTIME()", "Time of processing, one value a batch.", kProctime},
    {"NOW", "NOW()", "The instant now, one value a batch.", kNow},
    {"CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP", "The instant now, one value a batch.", kNow},
    {"CURRENT_ROW_TIMESTAMP", "CURRENT_ROW_TIMESTAMP()", "The instant now, one value a batch.", kNow},
    {"LOCALTIMESTAMP", "LOCALTIMESTAMP", "Wall clock now in the session's zone.", kLocalTimestamp},
    {"CURRENT_DATE", "CURRENT_DATE", "Today in the session's zone.", kCurrentDate},
    {"CURRENT_TIME", "CURRENT_TIME", "Time of day in the session's zone.", kCurrentTime},
    {"LOCALTIME", "LOCALTIME", "Time of day in the session's zone.", kCurrentTime},
    {"CURRENT_WATERMARK", "CURRENT_WATERMARK(time attribute)", "The watermark, or NULL before the first.",
     kCurrentWatermark},
};

}  // namespace

std::span<const FunctionEntry> time_entries() {
  return kEntries;
}

}  // namespace weir
