// Dates, times and timestamps between text and values.
#include "weir/io/text_time.h"

#include <charconv>
#include <cstring>

#include "formats/digits.h"
#include "weir/core/type.h"

namespace weir {
namespace {

constexpr std::int64_t kDaysPerEra = 146097;
constexpr std::int64_t kDaysTo1970 = 719468;  // from 0000-03-01

/// Reads 1..max_digits digits at the front of the text and takes them off. Returns how many, 0 where there is none.
std::size_t take_number(std::string_view& text, std::size_t max_digits, std::int64_t& value) noexcept {
  std::size_t count = 0;
  std::int64_t sum = 0;
  while (count < max_digits && count < text.size() && detail::is_digit(text[count])) {
    sum = sum * 10 + (text[count] - '0');
    ++count;
  }
  text.remove_prefix(count);
  value = sum;
  return count;
}

bool take(std::string_view& text, char character) noexcept {
  if (text.empty() || text.front() != character) return false;
  text.remove_prefix(1);
  return true;
}

std::int64_t floor_div(std::int64_t value, std::int64_t divisor) noexcept {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

TextStatus take_date(std::string_view& text, std::int64_t& days) noexcept {
  if (text.size() >= 10 && text[4] == '-' && text[7] == '-') [[likely]] {
    const auto pair = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    bool digits = true;
    for (const int at : {0, 1, 2, 3, 5, 6, 8, 9}) digits &= detail::is_digit(text[static_cast<std::size_t>(at)]);
    if (digits) {
      const int year = pair(0) * 100 + pair(2);
      const int month = pair(5), day = pair(8);
      if (month < 1 || month > 12 || day < 1 || day > 31) return TextStatus::kMalformed;
      if (day > 28 && static_cast<unsigned>(day) > days_in_month(year, static_cast<unsigned>(month))) {
        return TextStatus::kMalformed;
      }
      days = days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
      text.remove_prefix(10);
      return TextStatus::kOk;
    }
  }
  std::int64_t year = 0, month = 0, day = 0;
  if (take_number(text, 4, year) != 4 || !take(text, '-') || take_number(text, 2, month) == 0 || !take(text, '-') ||
      take_number(text, 2, day) == 0) {
    return TextStatus::kMalformed;
  }
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, static_cast<unsigned>(month))) {
    return TextStatus::kMalformed;
  }
  days = days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  return TextStatus::kOk;
}

TextStatus take_time(std::string_view& text, std::int64_t& nanos) noexcept {
  std::int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  if (take_number(text, 2, hour) == 0 || !take(text, ':') || take_number(text, 2, minute) != 2) {
    return TextStatus::kMalformed;
  }
  if (take(text, ':')) {
    if (take_number(text, 2, second) != 2) return TextStatus::kMalformed;
    if (take(text, '.')) {
      std::size_t digits = take_number(text, 9, fraction);
      if (digits == 0) return TextStatus::kMalformed;
      for (; digits < 9; ++digits) fraction *= 10;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return TextStatus::kMalformed;
  nanos = ((hour * 60 + minute) * 60 + second) * kNanosPerSecond + fraction;
  return TextStatus::kOk;
}

/// Z or +hh[[:]mm[[:]ss]] up to 18 hours, to seconds east of UTC.
bool parse_offset(std::string_view text, std::int64_t& seconds) noexcept {
  if (text == "Z" || text == "z") {
    seconds = 0;
    return true;
  }
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const bool west = text[0] == '-';
  text.remove_prefix(1);
  std::int64_t hour = 0, minute = 0;
  const std::size_t hour_digits = take_number(text, 2, hour);
  if (hour_digits == 0) return false;
  if (!text.empty()) {
    if (!take(text, ':') && hour_digits != 2) return false;
    if (take_number(text, 2, minute) != 2) return false;
  }
  if (!text.empty() || minute > 59 || hour * 60 + minute > 18 * 60) return false;
  seconds = (hour * 60 + minute) * 60;
  if (west) seconds = -seconds;
  return true;
}

TextStatus join(std::int64_t days, std::int64_t nanos_of_day, std::int64_t offset_seconds, unsigned precision,
                std::int64_t& nanos) noexcept {
  const Int128 wide =
      static_cast<Int128>(days) * kNanosPerDay + nanos_of_day - static_cast<Int128>(offset_seconds) * kNanosPerSecond;
  if (wide < std::numeric_limits<std::int64_t>::min() || wide > std::numeric_limits<std::int64_t>::max()) {
    return TextStatus::kOutOfRange;
  }
  const std::int64_t exact = static_cast<std::int64_t>(wide);
  nanos = cut_to_precision(exact, precision);
  return nanos > exact ? TextStatus::kOutOfRange : TextStatus::kOk;
}

TextStatus take_timestamp(std::string_view& text, std::int64_t& days, std::int64_t& nanos) noexcept {
  if (const TextStatus status = take_date(text, days); status != TextStatus::kOk) return status;
  nanos = 0;
  if (text.empty() || (text.front() != ' ' && text.front() != 'T')) return TextStatus::kOk;
  text.remove_prefix(1);
  return take_time(text, nanos);
}

char* put_two(std::int64_t value, char* out) noexcept {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
  return out + 2;
}

}  // namespace

std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) noexcept {
  if (month <= 2) --year;
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t month_from_march = month > 2 ? month - 3 : month + 9;
  const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * kDaysPerEra + day_of_era - kDaysTo1970;
}

CivilDate civil_from_days(std::int64_t days) noexcept {
  days += kDaysTo1970;
  const std::int64_t era = floor_div(days, kDaysPerEra);
  const std::int64_t day_of_era = days - era * kDaysPerEra;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<unsigned>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  date.month = static_cast<unsigned>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

unsigned days_in_month(std::int64_t year, unsigned month) noexcept {
  constexpr unsigned char kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[month - 1] + (month == 2 && leap ? 1u : 0u);
}

TextStatus parse_date(std::string_view text, std::int32_t& days) noexcept {
  std::int64_t wide = 0;
  const TextStatus status = take_date(text, wide);
  if (status != TextStatus::kOk) return status;
  if (!text.empty()) return TextStatus::kMalformed;
  days = static_cast<std::int32_t>(wide);
  return TextStatus::kOk;
}

TextStatus parse_time(std::string_view text, unsigned precision, std::int64_t& nanos) noexcept {
  std::int64_t exact = 0;
  const TextStatus status = take_time(text, exact);
  if (status != TextStatus::kOk) return status;
  if (!text.empty()) return TextStatus::kMalformed;
  nanos = cut_to_precision(exact, precision);
  return TextStatus::kOk;
}

TextStatus parse_timestamp(std::string_view text, unsigned precision, std::int64_t& nanos) noexcept {
  std::int64_t days = 0, of_day = 0;
  const TextStatus status = take_timestamp(text, days, of_day);
  if (status != TextStatus::kOk) return status;
  if (!text.empty()) return TextStatus::kMalformed;
  return join(days, of_day, 0, precision, nanos);
}

TextStatus parse_timestamp_ltz(std::string_view text, unsigned precision, std::int64_t offset_seconds,
                               std::int64_t& nanos) noexcept {
  std::int64_t days = 0, of_day = 0;
  const TextStatus status = take_timestamp(text, days, of_day);
  if (status != TextStatus::kOk) return status;
  if (!text.empty() && !parse_offset(text, offset_seconds)) return TextStatus::kMalformed;
  return join(days, of_day, offset_seconds, precision, nanos);
}

std::optional<std::int64_t> fixed_zone_offset(std::string_view name) noexcept {
  if (name == "UTC" || name == "GMT" || name == "Etc/UTC" || name == "Etc/GMT" || name == "UT") return 0;
  if (name.starts_with("UTC") || name.starts_with("GMT")) name.remove_prefix(3);
  std::int64_t seconds = 0;
  if (!parse_offset(name, seconds)) return std::nullopt;
  return seconds;
}

std::int64_t cut_to_precision(std::int64_t nanos, unsigned precision) noexcept {
  constexpr std::int64_t kUnits[] = {1'000'000'000, 100'000'000, 10'000'000, 1'000'000, 100'000,
                                     10'000,        1'000,       100,        10,        1};
  const std::int64_t unit = kUnits[precision < 9 ? precision : 9];
  const std::int64_t rest = nanos % unit;
  const std::int64_t below = rest < 0 ? rest + unit : rest;
  // At the very start of the range the cut value would not fit: wraps, and the callers' comparison sees it.
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(nanos) - static_cast<std::uint64_t>(below));
}

char* format_date(std::int32_t days, char* out) noexcept {
  const CivilDate date = civil_from_days(days);
  if (date.year < 0 || date.year > 9999) {
    *out++ = date.year < 0 ? '-' : '+';
    const std::int64_t year = date.year < 0 ? -date.year : date.year;
    for (std::int64_t place = 1000; place > year && place > 1; place /= 10) *out++ = '0';
    out = std::to_chars(out, out + 8, year).ptr;
  } else {
    out = put_two(date.year / 100, out);
    out = put_two(date.year % 100, out);
  }
  *out++ = '-';
  out = put_two(date.month, out);
  *out++ = '-';
  return put_two(date.day, out);
}

char* format_time(std::int64_t nanos, int digits, char* out) noexcept {
  const std::int64_t seconds = nanos / kNanosPerSecond;
  std::int64_t fraction = nanos % kNanosPerSecond;
  out = put_two(seconds / 3600, out);
  *out++ = ':';
  out = put_two(seconds / 60 % 60, out);
  *out++ = ':';
  out = put_two(seconds % 60, out);
  if (digits == 0 || (digits == kDigitsAsNeeded && fraction == 0)) return out;
  *out++ = '.';
  for (int i = 8; i >= 0; --i) {
    out[i] = static_cast<char>('0' + fraction % 10);
    fraction /= 10;
  }
  if (digits != kDigitsAsNeeded) return out + digits;
  out += 9;
  while (out[-1] == '0') --out;
  return out;
}

char* format_timestamp(std::int64_t nanos, int digits, char separator, char* out) noexcept {
  const std::int64_t days = floor_div(nanos, kNanosPerDay);
  // Unsigned, since days * kNanosPerDay leaves the range at its very start.
  const auto of_day = static_cast<std::int64_t>(
      static_cast<std::uint64_t>(nanos) - static_cast<std::uint64_t>(days) * static_cast<std::uint64_t>(kNanosPerDay));
  out = format_date(static_cast<std::int32_t>(days), out);
  *out++ = separator;
  return format_time(of_day, digits, out);
}

}  // namespace weir
