// Java time patterns, interpreted letter run by letter run; nothing is compiled, so that patterns may be columns.
#include "expression/time_pattern.h"

#include <array>
#include <cstring>
#include <limits>

#include "weir/core/type.h"
#include "weir/io/text_time.h"

namespace weir {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

struct Fields {
  std::int64_t days = 0;
  CivilDate date;
  std::int64_t nanos_of_day = 0;
};

Fields split(std::int64_t nanos) noexcept {
  Fields fields;
  fields.days = nanos / kNanosPerDay;
  fields.nanos_of_day = nanos % kNanosPerDay;
  if (fields.nanos_of_day < 0) {
    fields.nanos_of_day += kNanosPerDay;
    --fields.days;
  }
  fields.date = civil_from_days(fields.days);
  return fields;
}

constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A run of one letter, or a piece of text as it stands.
struct Run {
  char letter = 0;  // 0: text
  std::size_t count = 0;
  std::string_view text;
};

// The run at `at`, moving on; quotes are taken away, '' is one quote.
bool next_run(std::string_view pattern, std::size_t& at, Run& run) noexcept {
  const char c = pattern[at];
  run = {};
  if (is_letter(c)) {
    run.letter = c;
    while (at < pattern.size() && pattern[at] == c) {
      ++at;
      ++run.count;
    }
    return true;
  }
  if (c != '\'') {
    run.text = pattern.substr(at++, 1);
    return true;
  }
  if (at + 1 < pattern.size() && pattern[at + 1] == '\'') {
    run.text = pattern.substr(at, 1);
    at += 2;
    return true;
  }
  const std::size_t end = pattern.find('\'', at + 1);
  if (end == std::string_view::npos) return false;
  run.text = pattern.substr(at + 1, end - at - 1);
  at = end + 1;
  return true;
}

struct Writer {
  char* at;
  char* end;
  bool full = false;

  void text(std::string_view bytes) noexcept {
    if (bytes.size() > static_cast<std::size_t>(end - at)) {
      full = true;
      return;
    }
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
  }
  void number(std::int64_t value, std::size_t width) noexcept {
    char digits[kInt64TextMax];
    const bool negative = value < 0;
    const char* digits_end = format_int64(negative ? -value : value, digits);
    if (negative) text("-");
    for (auto size = static_cast<std::size_t>(digits_end - digits); size < width; ++size) text("0");
    text({digits, static_cast<std::size_t>(digits_end - digits)});
  }
};

void write_run(const Fields& fields, const Run& run, Writer& out) noexcept {
  const std::int64_t second_of_day = fields.nanos_of_day / kNanosPerSecond;
  const std::int64_t hour = second_of_day / 3600;
  switch (run.letter) {
    case 'y':
    case 'u':
      if (run.count == 2) return out.number(((fields.date.year % 100) + 100) % 100, 2);
      return out.number(fields.date.year, run.count);
    case 'M':
    case 'L':
      if (run.count >= 3) return out.text(kMonths[fields.date.month - 1].substr(0, run.count == 3 ? 3 : 9));
      return out.number(fields.date.month, run.count);
    case 'd':
      return out.number(fields.date.day, run.count);
    case 'D':
      return out.number(fields.days - days_from_civil(fields.date.year, 1, 1) + 1, run.count);
    case 'E': {
      const auto weekday = static_cast<std::size_t>(((fields.days + 4) % 7 + 7) % 7);
      return out.text(kDays[weekday].substr(0, run.count <= 3 ? 3 : 9));
    }
    case 'a':
      return out.text(hour < 12 ? "AM" : "PM");
    case 'H':
      return out.number(hour, run.count);
    case 'k':
      return out.number(hour == 0 ? 24 : hour, run.count);
    case 'K':
      return out.number(hour % 12, run.count);
    case 'h':
      return out.number(hour % 12 == 0 ? 12 : hour % 12, run.count);
    case 'm':
      return out.number(second_of_day / 60 % 60, run.count);
    case 's':
      return out.number(second_of_day % 60, run.count);
    case 'n':
      return out.number(fields.nanos_of_day % kNanosPerSecond, run.count);
    default: {  // S: the first digits of the fraction
      std::int64_t fraction = fields.nanos_of_day % kNanosPerSecond;
      for (std::size_t i = run.count; i < 9; ++i) fraction /= 10;
      return out.number(fraction, run.count);
    }
  }
}

struct Parsed {
  std::int64_t year = 1970;
  std::int64_t month = 1, day = 1, day_of_year = -1;
  std::int64_t hour = 0, minute = 0, second = 0, nanos = 0;
  int afternoon = -1;  // of a 12-hour clock
};

// Digits at the front: at least `least`, at most `most`.
bool take_number(std::string_view& text, std::size_t least, std::size_t most, std::int64_t& value) noexcept {
  std::size_t size = 0;
  value = 0;
  while (size < most && size < text.size() && text[size] >= '0' && text[size] <= '9')
    value = value * 10 + (text[size++] - '0');
  if (size < least || size == 0) return false;
  text.remove_prefix(size);
  return true;
}

template <std::size_t kCount>
bool take_name(std::string_view& text, const std::array<std::string_view, kCount>& names, std::size_t bytes_max,
               std::int64_t& index) noexcept {
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string_view name = names[i].substr(0, bytes_max);
    if (!text.starts_with(name)) continue;
    index = static_cast<std::int64_t>(i);
    text.remove_prefix(name.size());
    return true;
  }
  return false;
}

bool take_fraction(std::string_view& text, std::size_t digits, std::int64_t& nanos) noexcept {
  if (digits > 9 || !take_number(text, digits, digits, nanos)) return false;
  for (std::size_t i = digits; i < 9; ++i) nanos *= 10;
  return true;
}

// One letter alone takes as many digits as there are; more take so many exactly.
bool read_run(std::string_view& text, const Run& run, bool number_follows, Parsed& out) noexcept {
  const std::size_t least = run.count;
  const std::size_t most = run.count == 1 && !number_follows ? 9 : run.count;
  std::int64_t ignored = 0;
  switch (run.letter) {
    case 'y':
    case 'u':
      if (!take_number(text, least == 4 ? 4 : least, run.count == 1 && !number_follows ? 6 : run.count, out.year))
        return false;
      if (run.count == 2) out.year += 2000;
      return true;
    case 'M':
    case 'L':
      if (run.count >= 3) {
        const bool found = take_name(text, kMonths, run.count == 3 ? 3 : 9, out.month);
        ++out.month;
        return found;
      }
      return take_number(text, least, most, out.month);
    case 'd':
      return take_number(text, least, most, out.day);
    case 'D':
      return take_number(text, least, run.count < 3 && !number_follows ? 3 : run.count, out.day_of_year);
    case 'E':
      return take_name(text, kDays, run.count <= 3 ? 3 : 9, ignored);
    case 'a':
      if (!text.starts_with("AM") && !text.starts_with("PM")) return false;
      out.afternoon = text[0] == 'P' ? 1 : 0;
      text.remove_prefix(2);
      return true;
    case 'H':
    case 'K':
      return take_number(text, least, most, out.hour);
    case 'k':
    case 'h':
      if (!take_number(text, least, most, out.hour)) return false;
      if (out.hour == (run.letter == 'k' ? 24 : 12)) out.hour = 0;
      return true;
    case 'm':
      return take_number(text, least, most, out.minute);
    case 's':
      return take_number(text, least, most, out.second);
    case 'n':
      return take_number(text, 1, 9, out.nanos);
    default:
      return take_fraction(text, run.count, out.nanos);
  }
}

bool join(Parsed parsed, std::int64_t& nanos) noexcept {
  if (parsed.afternoon == 1 && parsed.hour < 12) parsed.hour += 12;
  if (parsed.month < 1 || parsed.month > 12 || parsed.hour > 23 || parsed.minute > 59 || parsed.second > 59)
    return false;
  const auto month = static_cast<unsigned>(parsed.month);
  std::int64_t days = 0;
  if (parsed.day_of_year >= 0) {
    const std::int64_t length = days_from_civil(parsed.year + 1, 1, 1) - days_from_civil(parsed.year, 1, 1);
    if (parsed.day_of_year < 1 || parsed.day_of_year > length) return false;
    days = days_from_civil(parsed.year, 1, 1) + parsed.day_of_year - 1;
  } else {
    if (parsed.day < 1 || parsed.day > static_cast<std::int64_t>(days_in_month(parsed.year, month))) return false;
    days = days_from_civil(parsed.year, month, static_cast<unsigned>(parsed.day));
  }
  const std::int64_t of_day =
      ((parsed.hour * 60 + parsed.minute) * 60 + parsed.second) * kNanosPerSecond + parsed.nanos;
  const Int128 total = Int128{days} * kNanosPerDay + of_day;
  if (total < std::numeric_limits<std::int64_t>::min() || total > std::numeric_limits<std::int64_t>::max())
    return false;
  nanos = static_cast<std::int64_t>(total);
  return true;
}

}  // namespace

bool is_time_pattern(std::string_view pattern) noexcept {
  constexpr std::string_view kLetters = "yuMLdDEaHkKhmsSn";
  Run run;
  for (std::size_t at = 0; at < pattern.size();) {
    if (!next_run(pattern, at, run)) return false;
    if (run.letter != 0 && kLetters.find(run.letter) == std::string_view::npos) return false;
    if (run.count > 9) return false;
  }
  return true;
}

char* format_time_pattern(std::int64_t nanos, std::string_view pattern, char* out, std::size_t room) noexcept {
  if (!is_time_pattern(pattern)) return nullptr;
  const Fields fields = split(nanos);
  Writer writer{out, out + room};
  Run run;
  for (std::size_t at = 0; at < pattern.size();) {
    next_run(pattern, at, run);
    if (run.letter == 0)
      writer.text(run.text);
    else
      write_run(fields, run, writer);
  }
  return writer.full ? nullptr : writer.at;
}

bool parse_time_pattern(std::string_view text, std::string_view pattern, std::int64_t& nanos) noexcept {
  if (!is_time_pattern(pattern)) return false;
  Parsed parsed;
  Run run;
  for (std::size_t at = 0; at < pattern.size();) {
    next_run(pattern, at, run);
    if (run.letter == 0) {
      if (!text.starts_with(run.text)) return false;
      text.remove_prefix(run.text.size());
      continue;
    }
    const bool number_follows = at < pattern.size() && is_letter(pattern[at]);
    if (!read_run(text, run, number_follows, parsed)) return false;
  }
  return text.empty() && join(parsed, nanos);
}

}  // namespace weir
