// Casts to and from strings. Text forms are those of the formats (io/text_*.h), blanks around a value aside.
#include <cstring>

#include "expression/cast.h"
#include "expression/decimal.h"
#include "expression/zone.h"
#include "weir/io/text_bytes.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir {

namespace {

bool all_digits(std::string_view text) noexcept {
  for (const char c : text)
    if (c < '0' || c > '9') return false;
  return true;
}

// An integer, or a decimal number whose fraction is cut off, as Flink reads it.
TextStatus parse_cut_integer(std::string_view text, std::int64_t& value) noexcept {
  const std::size_t point = text.find('.');
  if (point != std::string_view::npos) {
    if (!all_digits(text.substr(point + 1))) return TextStatus::kMalformed;
    text = text.substr(0, point);
  }
  return parse_int64(text, value);
}

template <typename T>
void parse_integer_kernel(KernelCall& call) {
  map_rows<T, StringRef>(call, [&call](T& out, const StringRef& in) {
    std::int64_t value = 0;
    if (parse_cut_integer(trim_blanks(in.view()), value) != TextStatus::kOk || value < std::numeric_limits<T>::min() ||
        value > std::numeric_limits<T>::max())
      return fail_cast(call, in.view());
    out = static_cast<T>(value);
    return Outcome::kValue;
  });
}

void parse_double_kernel(KernelCall& call) {
  map_rows<double, StringRef>(call, [&call](double& out, const StringRef& in) {
    return parse_double(trim_blanks(in.view()), out) == TextStatus::kOk ? Outcome::kValue : fail_cast(call, in.view());
  });
}

void parse_float_kernel(KernelCall& call) {
  map_rows<float, StringRef>(call, [&call](float& out, const StringRef& in) {
    return parse_float(trim_blanks(in.view()), out) == TextStatus::kOk ? Outcome::kValue : fail_cast(call, in.view());
  });
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]) != lower[i]) return false;
  return true;
}

void parse_boolean_kernel(KernelCall& call) {
  map_rows<std::int8_t, StringRef>(call, [&call](std::int8_t& out, const StringRef& in) {
    const std::string_view text = trim_blanks(in.view());
    for (const std::string_view word : {"t", "true", "y", "yes", "1"}) {
      if (!equals_ignoring_case(text, word)) continue;
      out = 1;
      return Outcome::kValue;
    }
    for (const std::string_view word : {"f", "false", "n", "no", "0"}) {
      if (!equals_ignoring_case(text, word)) continue;
      out = 0;
      return Outcome::kValue;
    }
    return fail_cast(call, in.view());
  });
}

template <typename T>
void parse_decimal_kernel(KernelCall& call) {
  const Type& type = call.expression->type;
  map_rows<T, StringRef>(call, [&](T& out, const StringRef& in) {
    Int128 value = 0;
    if (parse_decimal(trim_blanks(in.view()), type.precision, type.scale, value) != TextStatus::kOk)
      return fail_cast(call, in.view());
    out = static_cast<T>(value);
    return Outcome::kValue;
  });
}

void parse_date_kernel(KernelCall& call) {
  map_rows<std::int32_t, StringRef>(call, [&call](std::int32_t& out, const StringRef& in) {
    const std::string_view text = trim_blanks(in.view());
    if (parse_date(text, out) == TextStatus::kOk) return Outcome::kValue;
    std::int64_t nanos = 0;  // a timestamp's date
    if (parse_timestamp(text, 9, nanos) != TextStatus::kOk) return fail_cast(call, in.view());
    const std::int64_t days = nanos / kNanosPerDay - (nanos % kNanosPerDay < 0 ? 1 : 0);
    out = static_cast<std::int32_t>(days);
    return Outcome::kValue;
  });
}

void parse_time_kernel(KernelCall& call) {
  const unsigned precision = call.expression->type.precision;
  map_rows<std::int64_t, StringRef>(call, [&call, precision](std::int64_t& out, const StringRef& in) {
    return parse_time(trim_blanks(in.view()), precision, out) == TextStatus::kOk ? Outcome::kValue
                                                                                 : fail_cast(call, in.view());
  });
}

void parse_timestamp_kernel(KernelCall& call) {
  const unsigned precision = call.expression->type.precision;
  map_rows<std::int64_t, StringRef>(call, [&call, precision](std::int64_t& out, const StringRef& in) {
    return parse_timestamp(trim_blanks(in.view()), precision, out) == TextStatus::kOk ? Outcome::kValue
                                                                                      : fail_cast(call, in.view());
  });
}

void parse_instant_kernel(KernelCall& call) {
  const unsigned precision = call.expression->type.precision;
  TimeZone* zone = call.runtime->zone;
  map_rows<std::int64_t, StringRef>(call, [&call, precision, zone](std::int64_t& out, const StringRef& in) {
    const std::string_view text = trim_blanks(in.view());
    std::int64_t local = 0;
    if (parse_timestamp(text, precision, local) == TextStatus::kOk) {
      out = zone->to_instant(local);
      return Outcome::kValue;
    }
    return parse_timestamp_ltz(text, precision, 0, out) == TextStatus::kOk ? Outcome::kValue
                                                                           : fail_cast(call, in.view());
  });
}

// Writes the text of every row's value: format(value, buffer) gives the end.
template <typename From, std::size_t kBytes, typename Format>
void format_rows(KernelCall& call, Format format) {
  map_rows<StringRef, From>(call, [&](StringRef& out, const From& in) {
    char buffer[kBytes];
    const char* end = format(in, buffer);
    return store_text(call, out, {buffer, static_cast<std::size_t>(end - buffer)});
  });
}

template <typename From>
void format_integer_kernel(KernelCall& call) {
  format_rows<From, kInt64TextMax>(call, [](From in, char* out) { return format_int64(in, out); });
}

void format_double_kernel(KernelCall& call) {
  format_rows<double, kDoubleTextMax>(call, [](double in, char* out) { return format_double(in, out); });
}

void format_float_kernel(KernelCall& call) {
  format_rows<float, kDoubleTextMax>(call, [](float in, char* out) { return format_float(in, out); });
}

template <typename From>
void format_decimal_kernel(KernelCall& call) {
  const unsigned scale = call.argument_type(0).scale;
  format_rows<From, kDecimalTextMax>(call,
                                     [scale](const From& in, char* out) { return format_decimal(in, scale, out); });
}

void format_boolean_kernel(KernelCall& call) {
  map_rows<StringRef, std::int8_t>(call, [&call](StringRef& out, const std::int8_t& in) {
    return store_text(call, out, in != 0 ? "TRUE" : "FALSE");
  });
}

void format_date_kernel(KernelCall& call) {
  format_rows<std::int32_t, kDateTextMax>(call, [](std::int32_t in, char* out) { return format_date(in, out); });
}

void format_time_kernel(KernelCall& call) {
  const int digits = call.argument_type(0).precision;
  format_rows<std::int64_t, kTimeTextMax>(
      call, [digits](std::int64_t in, char* out) { return format_time(in, digits, out); });
}

template <bool kZoned>
void format_timestamp_kernel(KernelCall& call) {
  const int digits = call.argument_type(0).precision;
  TimeZone* zone = call.runtime->zone;
  format_rows<std::int64_t, kTimestampTextMax>(call, [digits, zone](std::int64_t in, char* out) {
    return format_timestamp(kZoned ? zone->to_local(in) : in, digits, ' ', out);
  });
}

// +days hours:minutes:seconds.milliseconds
char* format_interval(std::int64_t nanos, char* out) {
  auto rest = nanos < 0 ? ~static_cast<std::uint64_t>(nanos) + 1 : static_cast<std::uint64_t>(nanos);
  *out++ = nanos < 0 ? '-' : '+';
  const auto day = static_cast<std::uint64_t>(kNanosPerDay);
  out = format_int64(static_cast<std::int64_t>(rest / day), out);
  *out++ = ' ';
  rest %= day;
  return format_time(static_cast<std::int64_t>(rest), 3, out);
}

void format_interval_kernel(KernelCall& call) {
  format_rows<std::int64_t, kInt64TextMax + kTimeTextMax + 2>(
      call, [](std::int64_t in, char* out) { return format_interval(in, out); });
}

void format_months_kernel(KernelCall& call) {
  format_rows<std::int32_t, 2 * kInt64TextMax>(call, [](std::int32_t in, char* out) {
    const std::int64_t months = in < 0 ? -std::int64_t{in} : std::int64_t{in};
    *out++ = in < 0 ? '-' : '+';
    out = format_int64(months / 12, out);
    *out++ = '-';
    if (months % 12 < 10) *out++ = '0';
    return format_int64(months % 12, out);
  });
}

void string_to_string_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef>(call, [&call](StringRef& out, const StringRef& in) {
    const Type& type = call.expression->type;
    if (type.length == 0) {
      out = in;
      return Outcome::kValue;
    }
    return store_text(call, out, in.view());
  });
}

void bytes_to_string_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef>(call, [&call](StringRef& out, const StringRef& in) {
    if (!is_valid_utf8(in.view())) return fail_cast(call, "bytes that are not UTF-8");
    return store_text(call, out, in.view());
  });
}

void string_to_bytes_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef>(call, [](StringRef& out, const StringRef& in) { out = in; });
}

}  // namespace

std::size_t bytes_of_code_points(std::string_view text, std::size_t count) noexcept {
  std::size_t at = 0;
  while (at < text.size() && count > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u) ++at;
    --count;
  }
  return at;
}

Outcome store_text(KernelCall& call, StringRef& out, std::string_view text) {
  const Type& type = call.expression->type;
  if (type.length == 0) return call.store(out, text);
  const std::size_t kept = bytes_of_code_points(text, type.length);
  if (!type.fixed_length) return call.store(out, text.substr(0, kept));
  std::size_t points = 0;
  for (const char c : text.substr(0, kept)) points += (static_cast<unsigned char>(c) & 0xC0u) != 0x80u ? 1u : 0u;
  const std::size_t size = kept + (type.length - points);
  const std::size_t used = call.runtime->heap->used();
  char* at = call.runtime->heap->take(size);
  if (at == nullptr) return call.fail_heap();
  std::memcpy(at, text.data(), kept);
  std::memset(at + kept, ' ', size - kept);
  out = StringRef(std::string_view(at, size));
  if (out.is_inline()) call.runtime->heap->rewind(used);
  return Outcome::kValue;
}

Kernel cast_from_string(const Type& to, bool* zoned) {
  *zoned = to.id == TypeId::kTimestampLtz;
  switch (to.id) {
    case TypeId::kBoolean:
      return &parse_boolean_kernel;
    case TypeId::kTinyInt:
      return &parse_integer_kernel<std::int8_t>;
    case TypeId::kSmallInt:
      return &parse_integer_kernel<std::int16_t>;
    case TypeId::kInt:
      return &parse_integer_kernel<std::int32_t>;
    case TypeId::kBigInt:
      return &parse_integer_kernel<std::int64_t>;
    case TypeId::kFloat:
      return &parse_float_kernel;
    case TypeId::kDouble:
      return &parse_double_kernel;
    case TypeId::kDecimal:
      return decimal::is_wide(to) ? &parse_decimal_kernel<Int128> : &parse_decimal_kernel<std::int64_t>;
    case TypeId::kDate:
      return &parse_date_kernel;
    case TypeId::kTime:
      return &parse_time_kernel;
    case TypeId::kTimestamp:
      return &parse_timestamp_kernel;
    case TypeId::kTimestampLtz:
      return &parse_instant_kernel;
    case TypeId::kBytes:
      return &string_to_bytes_kernel;
    default:
      return nullptr;
  }
}

Kernel cast_to_string(const Type& from, bool* zoned) {
  *zoned = from.id == TypeId::kTimestampLtz;
  switch (from.id) {
    case TypeId::kBoolean:
      return &format_boolean_kernel;
    case TypeId::kTinyInt:
      return &format_integer_kernel<std::int8_t>;
    case TypeId::kSmallInt:
      return &format_integer_kernel<std::int16_t>;
    case TypeId::kInt:
      return &format_integer_kernel<std::int32_t>;
    case TypeId::kBigInt:
      return &format_integer_kernel<std::int64_t>;
    case TypeId::kFloat:
      return &format_float_kernel;
    case TypeId::kDouble:
      return &format_double_kernel;
    case TypeId::kDecimal:
      return decimal::is_wide(from) ? &format_decimal_kernel<Int128> : &format_decimal_kernel<std::int64_t>;
    case TypeId::kString:
      return &string_to_string_kernel;
    case TypeId::kBytes:
      return &bytes_to_string_kernel;
    case TypeId::kDate:
      return &format_date_kernel;
    case TypeId::kTime:
      return &format_time_kernel;
    case TypeId::kTimestamp:
      return &format_timestamp_kernel<false>;
    case TypeId::kTimestampLtz:
      return &format_timestamp_kernel<true>;
    case TypeId::kIntervalDay:
      return &format_interval_kernel;
    case TypeId::kIntervalMonth:
      return &format_months_kernel;
    default:
      return nullptr;
  }
}

}  // namespace weir
