// TimeZone over the system's time-zone database (Howard Hinnant's date library).
#include "expression/zone.h"

#include <date/tz.h>

#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>

#include "weir/io/text_time.h"

namespace weir {

namespace {

constexpr std::int64_t kSecondsMin = -20'000'000'000;  // well outside nanoseconds in int64, inside the database's range
constexpr std::int64_t kSecondsMax = 20'000'000'000;

std::int64_t floor_seconds(std::int64_t nanos) noexcept {
  const std::int64_t quotient = nanos / kNanosPerSecond;
  return nanos % kNanosPerSecond < 0 ? quotient - 1 : quotient;
}

std::int64_t shifted(std::int64_t nanos, std::int64_t seconds) noexcept {
  std::int64_t out = 0;
  if (__builtin_add_overflow(nanos, seconds * kNanosPerSecond, &out))
    return seconds < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  return out;
}

std::int64_t clamped(std::int64_t seconds) noexcept {
  return seconds < kSecondsMin ? kSecondsMin : seconds > kSecondsMax ? kSecondsMax : seconds;
}

}  // namespace

struct TimeZone::Database {
  const date::time_zone* zone = nullptr;
};

TimeZone::TimeZone() noexcept = default;
TimeZone::~TimeZone() = default;

Result<std::unique_ptr<TimeZone>> TimeZone::make(std::string_view name) {
  std::unique_ptr<TimeZone> zone(new TimeZone);
  if (const std::optional<std::int64_t> offset = fixed_zone_offset(name)) {
    zone->fixed_seconds_ = *offset;
    return zone;
  }
  try {  // the library throws for what it does not know
    zone->database_ = std::make_unique<Database>();
    zone->database_->zone = date::locate_zone(std::string(name));
    (void)zone->database_->zone->get_info(date::sys_seconds(std::chrono::seconds(0)));  // reads the zone's file now
  } catch (const std::exception&) {
    return Error(ErrorCode::kInvalidArgument, "the time zone " + std::string(name) + " is not known")
        .with_hint("use an IANA name such as Europe/Paris, or an offset such as +02:00");
  }
  return zone;
}

std::int64_t TimeZone::to_local(std::int64_t instant_ns) noexcept {
  if (database_ == nullptr) return shifted(instant_ns, fixed_seconds_);
  const std::int64_t seconds = floor_seconds(instant_ns);
  if (seconds < begin_seconds_ || seconds >= end_seconds_) {
    const date::sys_info info = database_->zone->get_info(date::sys_seconds(std::chrono::seconds(seconds)));
    begin_seconds_ = clamped(info.begin.time_since_epoch().count());
    end_seconds_ = clamped(info.end.time_since_epoch().count());
    offset_seconds_ = info.offset.count();
  }
  return shifted(instant_ns, offset_seconds_);
}

std::int64_t TimeZone::complete_until(std::int64_t instant_ns) noexcept {
  const std::int64_t local = to_local(instant_ns);
  if (database_ == nullptr || end_seconds_ >= kSecondsMax) return local;
  if (next_begin_seconds_ != end_seconds_) {
    next_offset_seconds_ =
        database_->zone->get_info(date::sys_seconds(std::chrono::seconds(end_seconds_))).offset.count();
    next_begin_seconds_ = end_seconds_;
  }
  const std::int64_t repeated = offset_seconds_ - next_offset_seconds_;
  if (repeated <= 0) return local;
  const std::int64_t from = (end_seconds_ - repeated) * kNanosPerSecond;  // this wall clock comes again at the change
  return instant_ns < from ? local : shifted(from, offset_seconds_) - 1;
}

std::int64_t TimeZone::to_instant(std::int64_t local_ns) noexcept {
  if (database_ == nullptr) return shifted(local_ns, -fixed_seconds_);
  constexpr std::int64_t kMargin = 2 * kSecondsPerDay;  // offsets differ by at most 26 hours
  const std::int64_t seconds = floor_seconds(local_ns);
  const std::int64_t guess = seconds - offset_seconds_;
  if (begin_seconds_ < end_seconds_ && guess >= begin_seconds_ + kMargin && guess < end_seconds_ - kMargin)
    return shifted(local_ns, -offset_seconds_);
  const date::local_info info = database_->zone->get_info(date::local_seconds(std::chrono::seconds(seconds)));
  begin_seconds_ = clamped(info.first.begin.time_since_epoch().count());
  end_seconds_ = clamped(info.first.end.time_since_epoch().count());
  offset_seconds_ = info.first.offset.count();
  return shifted(local_ns, -offset_seconds_);
}

}  // namespace weir
