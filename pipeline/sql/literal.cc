// See literal.h.
#include "literal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

namespace weir::sql {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

/// Reads digits and signs from the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// A number of `least` to `most` digits.
  std::optional<std::int64_t> digits(std::size_t least, std::size_t most) {
    std::size_t count = 0;
    std::int64_t value = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') {
      if (count == most) return std::nullopt;
      value = value * 10 + (rest_[count] - '0');
      ++count;
    }
    if (count < least) return std::nullopt;
    rest_.remove_prefix(count);
    return value;
  }
  /// Up to nine digits behind a point, as nanoseconds; the count is their number.
  std::optional<std::int64_t> fraction(std::size_t& count) {
    count = 0;
    if (!take('.')) return 0;
    const std::size_t before = rest_.size();
    std::optional<std::int64_t> value = digits(1, 9);
    if (!value) return std::nullopt;
    count = before - rest_.size();
    for (std::size_t i = count; i < 9; ++i) *value *= 10;
    return value;
  }
  bool done() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<std::int64_t> read_date(Reader& reader) {
  const auto year = reader.digits(1, 4);
  if (!year || !reader.take('-')) return std::nullopt;
  const auto month = reader.digits(1, 2);
  if (!month || !reader.take('-')) return std::nullopt;
  const auto day = reader.digits(1, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

std::optional<std::int64_t> read_time(Reader& reader, std::size_t& precision) {
  const auto hour = reader.digits(1, 2);
  if (!hour || *hour > 23 || !reader.take(':')) return std::nullopt;
  const auto minute = reader.digits(1, 2);
  if (!minute || *minute > 59) return std::nullopt;
  std::int64_t second = 0;
  std::int64_t nanos = 0;
  if (reader.take(':')) {
    const auto seconds = reader.digits(1, 2);
    if (!seconds || *seconds > 59) return std::nullopt;
    second = *seconds;
    const auto part = reader.fraction(precision);
    if (!part) return std::nullopt;
    nanos = *part;
  }
  return (*hour * 3600 + *minute * 60 + second) * kSecond + nanos;
}

Type not_null(TypeId id, std::size_t precision = 0) {
  Type type = Type::of(id, false);
  type.precision = static_cast<std::uint8_t>(precision);
  return type;
}

Error bad(std::string_view what, std::string_view text, std::string_view form) {
  return Error(ErrorCode::kInvalidCast, "`" + std::string(text.substr(0, 64)) + "` is no " + std::string(what))
      .with_hint("the form is '" + std::string(form) + "'");
}

struct IntervalUnit {
  std::string_view name;
  std::int64_t amount;  // ns, or months
  bool months;
  int rank;  // fields of DAY TO SECOND: 0 … 3
};
constexpr std::array<IntervalUnit, 8> kIntervalUnits = {{{"YEAR", 12, true, -1},
                                                         {"QUARTER", 3, true, -1},
                                                         {"MONTH", 1, true, -1},
                                                         {"WEEK", 7 * kDay, false, -1},
                                                         {"DAY", kDay, false, 0},
                                                         {"HOUR", 3600 * kSecond, false, 1},
                                                         {"MINUTE", 60 * kSecond, false, 2},
                                                         {"SECOND", kSecond, false, 3}}};

const IntervalUnit* find_unit(std::string_view name) {
  const auto* const found = std::find_if(kIntervalUnits.begin(), kIntervalUnits.end(),
                                         [&](const IntervalUnit& unit) { return unit.name == name; });
  return found == kIntervalUnits.end() ? nullptr : found;
}

const IntervalUnit& unit_of_rank(int rank) {
  return *std::find_if(kIntervalUnits.begin(), kIntervalUnits.end(),
                       [&](const IntervalUnit& unit) { return unit.rank == rank; });
}

/// 'd hh:mm:ss.f' from one rank to another; in ns, without sign.
std::optional<Int128> read_fields(Reader& reader, int from, int to) {
  constexpr std::array<std::int64_t, 4> kMost = {0, 23, 59, 59};
  Int128 total = 0;
  for (int rank = from; rank <= to; ++rank) {
    if (rank > from && !reader.take(rank == 1 ? ' ' : ':')) return std::nullopt;
    const auto field = rank == from ? reader.digits(1, 17) : reader.digits(1, 2);
    if (!field || (rank > from && *field > kMost[static_cast<std::size_t>(rank)])) return std::nullopt;
    total += static_cast<Int128>(*field) * unit_of_rank(rank).amount;
    if (rank == 3) {
      std::size_t count = 0;
      const auto part = reader.fraction(count);
      if (!part) return std::nullopt;
      total += *part;
    }
  }
  return total;
}

}  // namespace

Result<TypedValue> number_value(std::string_view text) {
  const bool exponent = text.find_first_of("eE") != std::string_view::npos;
  if (exponent) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
      return Error(ErrorCode::kSqlType, "the number does not fit DOUBLE");
    }
    return TypedValue{{value}, not_null(TypeId::kDouble)};
  }
  Int128 value = 0;
  int digits = 0;
  int scale = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.') {
      point = true;
      continue;
    }
    if (digits > 0 || c != '0' || point) ++digits;
    if (point) ++scale;
    if (digits > kDecimalPrecisionMax) {
      return Error(ErrorCode::kSqlType, "the number has more than 38 digits").with_hint("1e40 is a DOUBLE");
    }
    value = value * 10 + (c - '0');
  }
  if (scale == 0) {
    if (value <= std::numeric_limits<std::int32_t>::max()) {
      return TypedValue{{static_cast<std::int64_t>(value)}, not_null(TypeId::kInt)};
    }
    if (value <= std::numeric_limits<std::int64_t>::max()) {
      return TypedValue{{static_cast<std::int64_t>(value)}, not_null(TypeId::kBigInt)};
    }
  }
  Type type =
      Type::decimal(static_cast<std::uint8_t>(std::max(digits, std::max(1, scale))), static_cast<std::uint8_t>(scale));
  type.nullable = false;
  return TypedValue{{value}, type};
}

Result<TypedValue> date_value(std::string_view text) {
  Reader reader(text);
  const auto days = read_date(reader);
  if (!days || !reader.done()) return bad("date", text, "yyyy-mm-dd");
  return TypedValue{{*days}, not_null(TypeId::kDate)};
}

Result<TypedValue> time_value(std::string_view text) {
  Reader reader(text);
  std::size_t precision = 0;
  const auto time = read_time(reader, precision);
  if (!time || !reader.done()) return bad("time", text, "hh:mm:ss[.fffffffff]");
  return TypedValue{{*time}, not_null(TypeId::kTime, precision)};
}

Result<TypedValue> timestamp_value(std::string_view text) {
  Reader reader(text);
  std::size_t precision = 0;
  const auto days = read_date(reader);
  std::optional<std::int64_t> time;
  if (days && (reader.take(' ') || reader.take('T'))) {
    time = read_time(reader, precision);
  } else if (days && reader.done()) {
    time = 0;
  }
  if (!days || !time || !reader.done()) return bad("timestamp", text, "yyyy-mm-dd hh:mm:ss[.fffffffff]");
  const Int128 total = static_cast<Int128>(*days) * kDay + *time;
  if (total > std::numeric_limits<std::int64_t>::max() || total < std::numeric_limits<std::int64_t>::min()) {
    return Error(ErrorCode::kInvalidCast, "the timestamp lies outside 1677-09-21 to 2262-04-11");
  }
  return TypedValue{{static_cast<std::int64_t>(total)}, not_null(TypeId::kTimestamp, precision)};
}

Result<TypedValue> interval_value(std::string_view text, std::string_view from, std::string_view to, bool negated) {
  const IntervalUnit* first = find_unit(from);
  const IntervalUnit* last = to.empty() ? first : find_unit(to);
  if (first == nullptr || last == nullptr) {
    Error error(ErrorCode::kSqlUnsupported, "an interval has no unit " + std::string(first == nullptr ? from : to));
    if (from == "MILLISECOND")
      return std::move(error).with_hint("write a fraction of a second: INTERVAL '0.005' SECOND");
    return std::move(error).with_hint("the units are YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE and SECOND");
  }
  const bool year_month = from == "YEAR" && to == "MONTH";
  const bool day_time = first->rank >= 0 && last->rank > first->rank;
  if (!to.empty() && !year_month && !day_time) {
    return Error(ErrorCode::kSqlSemantic, "no interval goes from " + std::string(from) + " to " + std::string(to))
        .with_hint("YEAR TO MONTH, or from DAY, HOUR or MINUTE to a smaller one of HOUR, MINUTE, SECOND");
  }
  const std::size_t front = text.find_first_not_of(' ');
  const std::size_t back = text.find_last_not_of(' ');
  Reader reader(front == std::string_view::npos ? std::string_view() : text.substr(front, back - front + 1));
  if (reader.take('-')) {
    negated = !negated;
  } else {
    reader.take('+');
  }
  std::optional<Int128> total;
  if (first->months) {
    const auto years = reader.digits(1, 9);
    if (years) total = static_cast<Int128>(*years) * first->amount;
    if (total && year_month) {
      const auto months = reader.take('-') ? reader.digits(1, 2) : std::nullopt;
      total = months && *months < 12 ? std::optional<Int128>(*total + *months) : std::nullopt;
    }
  } else if (first->rank < 0) {
    const auto amount = reader.digits(1, 17);
    if (amount) total = static_cast<Int128>(*amount) * first->amount;
  } else {
    total = read_fields(reader, first->rank, last->rank);
  }
  if (!total || !reader.done()) {
    const std::string name = "interval of " + std::string(from) + (to.empty() ? "" : " TO " + std::string(to));
    return bad(name, text, to.empty() ? "5" : (year_month ? "1-6" : "1 02:03:04.5, from the first unit to the last"));
  }
  const Int128 most =
      first->months ? std::numeric_limits<std::int32_t>::max() : std::numeric_limits<std::int64_t>::max();
  if (*total > most) return Error(ErrorCode::kInvalidCast, "the interval is longer than 292 years");
  const auto amount = static_cast<std::int64_t>(negated ? -*total : *total);
  return TypedValue{{amount}, not_null(first->months ? TypeId::kIntervalMonth : TypeId::kIntervalDay)};
}

}  // namespace weir::sql
