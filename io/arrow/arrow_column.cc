// Values of Arrow's forms as Weir's (arrow_column.h).
#include "arrow/arrow_column.h"

#include <simdjson.h>

#include <cstring>
#include <limits>

namespace weir {
namespace {

constexpr std::int64_t kDayNs = 86'400'000'000'000;

bool bit_at(const void* bits, std::int64_t at) noexcept {
  return ((static_cast<const std::uint8_t*>(bits)[at >> 3] >> (at & 7)) & 1u) != 0;
}

Error at_row(ErrorCode code, const ArrowColumn& column, std::uint32_t row, const std::string& what) {
  return {code, "column " + column.name + ": " + what, Position::at_row(row)};
}

bool starts_a_line(const void* data) noexcept {
  return reinterpret_cast<std::uintptr_t>(data) % kVectorAlignment == 0;
}

Result<void> fill_validity(const ArrowColumn& column, const ArrowArray& array, std::int64_t at, std::uint32_t count,
                           Vector& out) {
  const void* bits = array.buffers[0];
  if (bits == nullptr || array.null_count == 0) {
    out.validity = nullptr;
    return {};
  }
  if (out.validity == nullptr || !column.type.nullable) {
    for (std::uint32_t row = 0; row < count; ++row)
      if (!bit_at(bits, at + row))
        return at_row(ErrorCode::kNullNotAllowed, column, row, "NULL in a column that is NOT NULL");
    out.validity = nullptr;
    return {};
  }
  for (std::uint32_t row = 0; row < count; ++row) out.set_valid(row, bit_at(bits, at + row));
  return {};
}

template <class From, class To>
void widen(const void* data, std::int64_t at, std::uint32_t count, Vector& out) {
  const auto* from = static_cast<const From*>(data) + at;
  if constexpr (std::is_same_v<From, To>) {
    if (starts_a_line(from)) {
      out.data = const_cast<From*>(from);  // only ever read: operators write into vectors of their own
      return;
    }
  }
  To* to = out.values<To>();
  for (std::uint32_t row = 0; row < count; ++row) to[row] = static_cast<To>(from[row]);
}

template <class From>
void widen_integer(Physical physical, const void* data, std::int64_t at, std::uint32_t count, Vector& out) {
  switch (physical) {
    case Physical::kInt8:
      if constexpr (std::is_same_v<From, std::int8_t>) widen<From, std::int8_t>(data, at, count, out);
      return;
    case Physical::kInt16:
      if constexpr (sizeof(From) < 2 || std::is_same_v<From, std::int16_t>)
        widen<From, std::int16_t>(data, at, count, out);
      return;
    case Physical::kInt32:
      if constexpr (sizeof(From) < 4 || std::is_same_v<From, std::int32_t>)
        widen<From, std::int32_t>(data, at, count, out);
      return;
    case Physical::kInt64:
      widen<From, std::int64_t>(data, at, count, out);
      return;
    default:
      return;  // check_fit
  }
}

void fill_integers(const ArrowFormat& format, const void* data, std::int64_t at, std::uint32_t count, Vector& out) {
  switch (format.width) {
    case 1:
      return format.is_signed ? widen_integer<std::int8_t>(out.physical, data, at, count, out)
                              : widen_integer<std::uint8_t>(out.physical, data, at, count, out);
    case 2:
      return format.is_signed ? widen_integer<std::int16_t>(out.physical, data, at, count, out)
                              : widen_integer<std::uint16_t>(out.physical, data, at, count, out);
    case 4:
      return format.is_signed ? widen_integer<std::int32_t>(out.physical, data, at, count, out)
                              : widen_integer<std::uint32_t>(out.physical, data, at, count, out);
    default:
      return widen_integer<std::int64_t>(out.physical, data, at, count, out);
  }
}

/// Counts of units become nanoseconds within [least, most].
template <class From>
Result<void> fill_times(const ArrowColumn& column, const void* data, std::int64_t at, std::uint32_t count,
                        std::int64_t least, std::int64_t most, Vector& out) {
  const auto* from = static_cast<const From*>(data) + at;
  const std::int64_t unit = column.format.unit_ns;
  const bool bounded = unit != 1 || least != std::numeric_limits<std::int64_t>::min();
  if constexpr (sizeof(From) == 8) {
    if (!bounded && starts_a_line(from)) {
      out.data = const_cast<From*>(from);
      return {};
    }
  }
  auto* to = out.values<std::int64_t>();
  for (std::uint32_t row = 0; row < count; ++row) {
    if (__builtin_mul_overflow(std::int64_t{from[row]}, unit, &to[row]) || to[row] < least || to[row] > most) {
      to[row] = 0;
      if (!out.is_valid(row)) continue;
      return at_row(ErrorCode::kValueOutOfRange, column, row,
                    std::to_string(from[row]) + " units of " + std::to_string(unit) + " ns do not fit " +
                        column.type.to_string());
    }
  }
  return {};
}

template <class From, class To>
Result<void> fill_decimals(const ArrowColumn& column, const void* data, std::int64_t at, std::uint32_t count,
                           Vector& out) {
  Int128 limit = 1;
  for (int digit = 0; digit < column.type.precision; ++digit) limit *= 10;
  const auto* bytes = static_cast<const std::byte*>(data) + at * static_cast<std::int64_t>(sizeof(From));
  To* to = out.values<To>();
  for (std::uint32_t row = 0; row < count; ++row) {
    From value;  // Arrow asks for 8-byte alignment alone, 16-byte loads for 16
    std::memcpy(&value, bytes + row * sizeof(From), sizeof(From));
    const bool fits = Int128{value} < limit && Int128{value} > -limit;
    to[row] = fits ? static_cast<To>(value) : To{0};
    if (!fits && out.is_valid(row))
      return at_row(ErrorCode::kValueOutOfRange, column, row,
                    "a value has more digits than " + column.type.to_string());
  }
  return {};
}

template <class To>
Result<void> fill_decimals_of(const ArrowColumn& column, const void* data, std::int64_t at, std::uint32_t count,
                              Vector& out) {
  if (column.format.width == 4) return fill_decimals<std::int32_t, To>(column, data, at, count, out);
  if (column.format.width == 8) return fill_decimals<std::int64_t, To>(column, data, at, count, out);
  return fill_decimals<Int128, To>(column, data, at, count, out);
}

bool is_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

template <class Offset>
Result<void> fill_from_offsets(const ArrowColumn& column, const ArrowArray& array, std::int64_t at, std::uint32_t count,
                               Vector& out) {
  const auto* offsets = static_cast<const Offset*>(array.buffers[1]) + at;
  const auto* bytes = static_cast<const char*>(array.buffers[2]);
  auto* to = out.values<StringRef>();
  for (std::uint32_t row = 0; row < count; ++row) {
    const auto size = std::int64_t{offsets[row + 1]} - std::int64_t{offsets[row]};
    if (offsets[row] < 0 || size < 0 || (size > 0 && bytes == nullptr))
      return at_row(ErrorCode::kCorrupt, column, row, "offsets of its strings go back");
    if (size > std::numeric_limits<std::uint32_t>::max())
      return at_row(ErrorCode::kLimitExceeded, column, row, "a string of 4 GiB or more");
    to[row] =
        size == 0 ? StringRef() : StringRef(std::string_view(bytes + offsets[row], static_cast<std::size_t>(size)));
  }
  return {};
}

Result<void> fill_from_views(const ArrowColumn& column, const ArrowArray& array, std::int64_t at, std::uint32_t count,
                             Vector& out) {
  struct View {
    std::int32_t size;
    std::int32_t prefix, buffer, offset;
  };
  static_assert(sizeof(View) == sizeof(StringRef));
  const auto* views = static_cast<const char*>(array.buffers[1]) + at * static_cast<std::int64_t>(sizeof(View));
  const std::int64_t pieces = array.n_buffers - 3;
  const auto* sizes = static_cast<const std::int64_t*>(array.buffers[array.n_buffers - 1]);
  auto* to = out.values<StringRef>();
  for (std::uint32_t row = 0; row < count; ++row) {
    to[row] = StringRef();
    if (!out.is_valid(row)) continue;  // its view may be anything
    View view;
    std::memcpy(&view, views + row * sizeof(View), sizeof(View));
    if (view.size < 0) return at_row(ErrorCode::kCorrupt, column, row, "a string of negative length");
    if (view.size <= static_cast<std::int32_t>(StringRef::kInlineMax)) {
      to[row] = StringRef(std::string_view(views + row * sizeof(View) + 4, static_cast<std::size_t>(view.size)));
      continue;
    }
    if (view.buffer < 0 || view.buffer >= pieces || view.offset < 0 ||
        std::int64_t{view.offset} + view.size > sizes[view.buffer])
      return at_row(ErrorCode::kCorrupt, column, row, "a string view outside its buffer");
    const auto* bytes = static_cast<const char*>(array.buffers[2 + view.buffer]);
    to[row] = StringRef(std::string_view(bytes + view.offset, static_cast<std::size_t>(view.size)));
  }
  return {};
}

Result<void> fill_strings(const ArrowColumn& column, const ArrowArray& array, std::int64_t at, std::uint32_t count,
                          Vector& out) {
  switch (column.format.strings) {
    case ArrowStrings::kOffsets32:
      WEIR_TRY((fill_from_offsets<std::int32_t>(column, array, at, count, out)));
      break;
    case ArrowStrings::kOffsets64:
      WEIR_TRY((fill_from_offsets<std::int64_t>(column, array, at, count, out)));
      break;
    case ArrowStrings::kViews:
      WEIR_TRY(fill_from_views(column, array, at, count, out));
      break;
  }
  if (column.format.form != ArrowForm::kText) return {};
  for (std::uint32_t row = 0; row < count; ++row)
    if (out.is_valid(row) && !is_utf8(out.values<StringRef>()[row].view()))
      return at_row(ErrorCode::kInvalidUtf8, column, row, "a string is not valid UTF-8");
  return {};
}

bool fits_integer(const ArrowFormat& format, const Type& type) noexcept {
  if (!type.is_integer()) return false;
  const std::size_t to = physical_size(type.physical());
  return format.is_signed ? format.width <= to : format.width < to;
}

std::int64_t tick_of(const Type& type) noexcept {
  std::int64_t tick = 1;
  for (int digit = type.precision; digit < kTimestampPrecisionMax; ++digit) tick *= 10;
  return tick;
}

bool fits(const ArrowFormat& format, const Type& type) noexcept {
  switch (format.form) {
    case ArrowForm::kBits:
      return type.id == TypeId::kBoolean;
    case ArrowForm::kInteger:
      return fits_integer(format, type);
    case ArrowForm::kFloat:
      return type.is_float();
    case ArrowForm::kDouble:
      return type.id == TypeId::kDouble;
    case ArrowForm::kDecimal:
      return type.id == TypeId::kDecimal && format.scale == type.scale && format.precision <= type.precision;
    case ArrowForm::kDate:
      return type.id == TypeId::kDate;
    case ArrowForm::kTime:
      return type.id == TypeId::kTime && format.unit_ns % tick_of(type) == 0;
    case ArrowForm::kInstant:
      return type.id == (format.has_zone ? TypeId::kTimestampLtz : TypeId::kTimestamp) &&
             format.unit_ns % tick_of(type) == 0;
    case ArrowForm::kSpan:
      return type.id == TypeId::kIntervalDay;
    case ArrowForm::kMonths:
      return type.id == TypeId::kIntervalMonth;
    case ArrowForm::kText:
      return type.id == TypeId::kString;
    case ArrowForm::kBytes:
      return type.id == TypeId::kBytes;
  }
  return false;
}

}  // namespace

Result<void> check_fit(const ArrowFormat& format, const Type& type, std::string_view text) {
  if (fits(format, type)) return {};
  Error error(ErrorCode::kUnsupported,
              "Arrow's format '" + std::string(text) + "' does not fit " + type.to_string() + " without loss");
  if (format.form == ArrowForm::kInstant)
    return std::move(error).with_hint(
        "a timestamp with a zone is TIMESTAMP_LTZ, one without is TIMESTAMP; seconds, milli-, micro- and nanoseconds "
        "need a precision of 0, 3, 6 and 9");
  return std::move(error).with_hint("cast the column, or declare it with the type that it has");
}

std::int64_t buffers_of(const ArrowFormat& format) noexcept {
  if (format.form != ArrowForm::kText && format.form != ArrowForm::kBytes) return 2;
  return 3;  // views: with the sizes at the end
}

Result<void> fill_column(const ArrowColumn& column, const ArrowArray& array, std::int64_t at, std::uint32_t count,
                         Vector& out) {
  WEIR_TRY(fill_validity(column, array, at, count, out));
  const void* data = array.buffers[1];
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  switch (column.format.form) {
    case ArrowForm::kBits:
      for (std::uint32_t row = 0; row < count; ++row) out.values<std::int8_t>()[row] = bit_at(data, at + row) ? 1 : 0;
      return {};
    case ArrowForm::kInteger:
      fill_integers(column.format, data, at, count, out);
      return {};
    case ArrowForm::kFloat:
      out.physical == Physical::kFloat ? widen<float, float>(data, at, count, out)
                                       : widen<float, double>(data, at, count, out);
      return {};
    case ArrowForm::kDouble:
      widen<double, double>(data, at, count, out);
      return {};
    case ArrowForm::kDecimal:
      if (out.physical == Physical::kInt64) return fill_decimals_of<std::int64_t>(column, data, at, count, out);
      return fill_decimals_of<Int128>(column, data, at, count, out);
    case ArrowForm::kDate:
    case ArrowForm::kMonths:
      widen<std::int32_t, std::int32_t>(data, at, count, out);
      return {};
    case ArrowForm::kTime:
      if (column.format.width == 4) return fill_times<std::int32_t>(column, data, at, count, 0, kDayNs - 1, out);
      return fill_times<std::int64_t>(column, data, at, count, 0, kDayNs - 1, out);
    case ArrowForm::kInstant:
    case ArrowForm::kSpan:
      return fill_times<std::int64_t>(column, data, at, count, kLeast, kMost, out);
    case ArrowForm::kText:
    case ArrowForm::kBytes:
      return fill_strings(column, array, at, count, out);
  }
  return {};
}

}  // namespace weir
