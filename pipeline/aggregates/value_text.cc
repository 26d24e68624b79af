// Values that stand in a state as keys: see value_text.h.
#include "aggregates/value_text.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "weir/io/text_decimal.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir {

void put_key(std::int64_t key, Vector& to, std::uint32_t row) noexcept {
  to.set_valid(row, true);
  switch (to.physical) {
    case Physical::kInt8:
      to.values<std::int8_t>()[row] = static_cast<std::int8_t>(key);
      return;
    case Physical::kInt16:
      to.values<std::int16_t>()[row] = static_cast<std::int16_t>(key);
      return;
    case Physical::kInt32:
      to.values<std::int32_t>()[row] = static_cast<std::int32_t>(key);
      return;
    case Physical::kFloat:
      to.values<float>()[row] = static_cast<float>(double_of_key(key));
      return;
    case Physical::kDouble:
      to.values<double>()[row] = double_of_key(key);
      return;
    default:
      to.values<std::int64_t>()[row] = key;
      return;
  }
}

void put_key(const Int128& key, Vector& to, std::uint32_t row) noexcept {
  to.set_valid(row, true);
  to.values<Int128>()[row] = key;
}

void put_key(const StringRef& key, Vector& to, std::uint32_t row) noexcept {
  to.set_valid(row, true);
  to.values<StringRef>()[row] = key;
}

double number_of_key(std::int64_t key, const Type& type) noexcept {
  if (type.is_float()) return double_of_key(key);
  if (type.id == TypeId::kDecimal) return static_cast<double>(key) / static_cast<double>(power_of_ten(type.scale));
  return static_cast<double>(key);
}
double number_of_key(const Int128& key, const Type& type) noexcept {
  return static_cast<double>(key) / static_cast<double>(power_of_ten(type.scale));
}

namespace {

// Up to `size` bytes that write(out) → end puts there, between quotes where `quoted`.
template <class Write>
bool append_written(PieceWriter& to, std::size_t size, bool quoted, Write&& write) noexcept {
  char* const begin = to.room(size + 2);
  if (begin == nullptr) return false;
  char* at = begin;
  if (quoted) *at++ = '"';
  at = write(at);
  if (quoted) *at++ = '"';
  to.advance(static_cast<std::size_t>(at - begin));
  return true;
}

bool append_double(double value, bool narrow, PieceWriter& to) noexcept {
  if (std::isnan(value)) return to.append("\"NaN\"");
  if (std::isinf(value)) return to.append(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  return append_written(to, kDoubleTextMax, false, [&](char* out) {
    return narrow ? format_float(static_cast<float>(value), out) : format_double(value, out);
  });
}

}  // namespace

bool append_number(std::int64_t number, PieceWriter& to) noexcept {
  return append_written(to, kInt64TextMax, false, [&](char* out) { return format_int64(number, out); });
}

bool append_json(std::int64_t key, const Type& type, PieceWriter& to) noexcept {
  switch (type.id) {
    case TypeId::kBoolean:
      return to.append(key != 0 ? "true" : "false");
    case TypeId::kFloat:
    case TypeId::kDouble:
      return append_double(double_of_key(key), type.id == TypeId::kFloat, to);
    case TypeId::kDecimal:
      return append_written(to, kDecimalTextMax, false,
                            [&](char* out) { return format_decimal(key, type.scale, out); });
    case TypeId::kDate:
      return append_written(to, kDateTextMax, true,
                            [&](char* out) { return format_date(static_cast<std::int32_t>(key), out); });
    case TypeId::kTime:
      return append_written(to, kTimeTextMax, true, [&](char* out) { return format_time(key, type.precision, out); });
    case TypeId::kTimestamp:
    case TypeId::kTimestampLtz:
      return append_written(to, kTimestampTextMax + 1, true, [&](char* out) {
        char* end = format_timestamp(key, type.precision, ' ', out);
        if (type.id == TypeId::kTimestampLtz) *end++ = 'Z';
        return end;
      });
    default:
      return append_number(key, to);
  }
}

bool append_json(const Int128& key, const Type& type, PieceWriter& to) noexcept {
  return append_written(to, kDecimalTextMax, false, [&](char* out) { return format_decimal(key, type.scale, out); });
}

bool append_json(const StringRef& key, const Type&, PieceWriter& to) noexcept {
  return append_json(key.view(), to);
}

bool append_json(std::string_view text, PieceWriter& to) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  if (!to.append("\"")) return false;
  const auto plain = [](char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; };
  while (!text.empty()) {
    const auto count = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), plain) - text.begin());
    if (!to.append(text.substr(0, count))) return false;
    text.remove_prefix(count);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text[0]);
    const char escaped[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    const char marked[] = {'\\', text[0]};
    const bool mark = byte >= 0x20;
    if (!to.append(mark ? std::string_view(marked, 2) : std::string_view(escaped, 6))) return false;
    text.remove_prefix(1);
  }
  return to.append("\"");
}

}  // namespace weir
