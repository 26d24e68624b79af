// Casts among DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ.
#include <limits>

#include "expression/cast.h"
#include "expression/zone.h"
#include "weir/io/text_time.h"

namespace weir {

namespace {

std::int64_t days_of(std::int64_t nanos) noexcept {
  const std::int64_t days = nanos / kNanosPerDay;
  return nanos % kNanosPerDay < 0 ? days - 1 : days;
}

std::int64_t time_of_day(std::int64_t nanos) noexcept {
  const std::int64_t rest = nanos % kNanosPerDay;
  return rest < 0 ? rest + kNanosPerDay : rest;
}

void cut_kernel(KernelCall& call) {
  const unsigned precision = call.expression->type.precision;
  map_rows<std::int64_t, std::int64_t>(
      call, [precision](std::int64_t& out, const std::int64_t& in) { out = cut_to_precision(in, precision); });
}

template <bool kZoned>
void date_to_timestamp_kernel(KernelCall& call) {
  TimeZone* zone = call.runtime->zone;
  map_rows<std::int64_t, std::int32_t>(call, [&](std::int64_t& out, const std::int32_t& days) {
    if (__builtin_mul_overflow(std::int64_t{days}, kNanosPerDay, &out)) {
      char text[kDateTextMax];
      const char* end = format_date(days, text);
      return fail_cast(call, {text, static_cast<std::size_t>(end - text)});
    }
    if constexpr (kZoned) out = zone->to_instant(out);
    return Outcome::kValue;
  });
}

template <bool kZoned>
void timestamp_to_date_kernel(KernelCall& call) {
  TimeZone* zone = call.runtime->zone;
  map_rows<std::int32_t, std::int64_t>(call, [zone](std::int32_t& out, const std::int64_t& in) {
    out = static_cast<std::int32_t>(days_of(kZoned ? zone->to_local(in) : in));
  });
}

template <bool kZoned>
void timestamp_to_time_kernel(KernelCall& call) {
  TimeZone* zone = call.runtime->zone;
  const unsigned precision = call.expression->type.precision;
  map_rows<std::int64_t, std::int64_t>(call, [zone, precision](std::int64_t& out, const std::int64_t& in) {
    out = cut_to_precision(time_of_day(kZoned ? zone->to_local(in) : in), precision);
  });
}

template <bool kToInstant>
void change_zone_kernel(KernelCall& call) {
  TimeZone* zone = call.runtime->zone;
  const unsigned precision = call.expression->type.precision;
  map_rows<std::int64_t, std::int64_t>(call, [zone, precision](std::int64_t& out, const std::int64_t& in) {
    out = cut_to_precision(kToInstant ? zone->to_instant(in) : zone->to_local(in), precision);
  });
}

Kernel cast_from_date(const Type& to, bool* zoned) {
  if (to.id == TypeId::kTimestamp) return &date_to_timestamp_kernel<false>;
  if (to.id != TypeId::kTimestampLtz) return nullptr;
  *zoned = true;
  return &date_to_timestamp_kernel<true>;
}

Kernel cast_from_timestamp(const Type& from, const Type& to, bool* zoned) {
  const bool local = from.id == TypeId::kTimestampLtz;
  if (from.id == to.id) return &cut_kernel;
  *zoned = local || to.id == TypeId::kTimestampLtz;
  switch (to.id) {
    case TypeId::kDate:
      return local ? &timestamp_to_date_kernel<true> : &timestamp_to_date_kernel<false>;
    case TypeId::kTime:
      return local ? &timestamp_to_time_kernel<true> : &timestamp_to_time_kernel<false>;
    case TypeId::kTimestamp:
      return &change_zone_kernel<false>;
    case TypeId::kTimestampLtz:
      return &change_zone_kernel<true>;
    default:
      return nullptr;
  }
}

}  // namespace

Kernel cast_time(const Type& from, const Type& to, bool* zoned) {
  if (from.id == TypeId::kDate) return cast_from_date(to, zoned);
  if (from.is_timestamp()) return cast_from_timestamp(from, to, zoned);
  if (from.id == TypeId::kTime && to.id == TypeId::kTime) return &cut_kernel;
  return nullptr;
}

}  // namespace weir
