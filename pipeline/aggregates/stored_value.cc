// See stored_value.h.
#include "aggregates/stored_value.h"

#include <algorithm>
#include <cmath>

#include "weir/io/text_bytes.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir {
namespace {

constexpr std::size_t kPlainMax = 64;

char* format_interval(Int128 value, char* out) noexcept {
  return format_int64(static_cast<std::int64_t>(value), out);
}

/// A value that is neither a string nor bytes.
char* format_plain(const Type& type, const StoredValue& value, char* out) noexcept {
  const auto word = static_cast<std::int64_t>(value.number);
  switch (type.id) {
    case TypeId::kBoolean:
      return format_boolean(word != 0, out);
    case TypeId::kFloat:
      return format_float(static_cast<float>(value.real), out);
    case TypeId::kDouble:
      return format_double(value.real, out);
    case TypeId::kDecimal:
      return format_decimal(value.number, type.scale, out);
    case TypeId::kDate:
      return format_date(static_cast<std::int32_t>(word), out);
    case TypeId::kTime:
      return format_time(word, kDigitsAsNeeded, out);
    case TypeId::kTimestamp:
      return format_timestamp(word, kDigitsAsNeeded, ' ', out);
    case TypeId::kTimestampLtz:
      out = format_timestamp(word, kDigitsAsNeeded, ' ', out);
      *out++ = 'Z';
      return out;
    default:
      return format_interval(value.number, out);
  }
}

bool is_quoted(const Type& type, const StoredValue& value) noexcept {
  if (type.is_float()) return !std::isfinite(value.real);
  return type.id >= TypeId::kDate && type.id <= TypeId::kTimestampLtz;
}

void put_escaped(std::string_view text, TextBuffer& to) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  while (!text.empty()) {
    const auto special = std::find_if(
        text.begin(), text.end(), [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
    to.put(text.substr(0, static_cast<std::size_t>(special - text.begin())));
    if (special == text.end()) return;
    const auto byte = static_cast<unsigned char>(*special);
    if (byte >= 0x20) {
      const char escaped[] = {'\\', *special};
      to.put({escaped, 2});
    } else if (byte == '\n' || byte == '\t' || byte == '\r') {
      to.put(byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : "\\r");
    } else {
      const char escaped[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
      to.put({escaped, 6});
    }
    text.remove_prefix(static_cast<std::size_t>(special - text.begin()) + 1);
  }
}

void put_base64(std::string_view bytes, TextBuffer& to) noexcept {
  constexpr std::size_t kStep = 48;  // bytes at a time, a multiple of 3
  char encoded[base64_encoded_size(kStep)];
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kStep, bytes.size()))) {
    const char* end = base64_encode(bytes.substr(0, kStep), encoded);
    to.put({encoded, static_cast<std::size_t>(end - encoded)});
  }
}

template <class T>
int three_way(const T& a, const T& b) noexcept {
  return a < b ? -1 : b < a ? 1 : 0;
}

}  // namespace

void TextBuffer::put(std::string_view text) noexcept {
  if (text.empty() || !whole_) return;
  if (text.size() > capacity_ - size_) {
    const std::size_t wanted = std::max(size_ + text.size(), capacity_ * 2);
    auto* grown =
        wanted > 2 * kBytesMax || size_ + text.size() > kBytesMax ? nullptr : static_cast<char*>(heap_.take(wanted));
    if (grown == nullptr) {
      whole_ = false;
      return;
    }
    if (size_ != 0) std::memcpy(grown, memory_, size_);
    heap_.give_back(memory_, capacity_);
    memory_ = grown;
    capacity_ = wanted;
  }
  std::memcpy(memory_ + size_, text.data(), text.size());
  size_ += text.size();
}

StoredValue StoredValue::of(const Vector& column, std::uint32_t row) noexcept {
  StoredValue value;
  value.valid = column.is_valid(row);
  if (!value.valid) return value;
  switch (column.physical) {
    case Physical::kInt8:
      value.number = column.values<std::int8_t>()[row];
      break;
    case Physical::kInt16:
      value.number = column.values<std::int16_t>()[row];
      break;
    case Physical::kInt32:
      value.number = column.values<std::int32_t>()[row];
      break;
    case Physical::kInt128:
      value.number = column.values<Int128>()[row];
      break;
    case Physical::kFloat:
      value.real = static_cast<double>(column.values<float>()[row]);
      break;
    case Physical::kDouble:
      value.real = column.values<double>()[row];
      break;
    case Physical::kString:
      value.text = column.values<StringRef>()[row].view();
      break;
    default:
      value.number = column.values<std::int64_t>()[row];
      break;
  }
  return value;
}

std::size_t StoredValue::bytes(Physical physical) const noexcept {
  if (!valid) return 1;
  if (physical == Physical::kString) return 5 + text.size();
  return physical == Physical::kInt128 ? 17 : 9;
}

char* StoredValue::write(Physical physical, char* to) const noexcept {
  *to++ = valid ? 1 : 0;
  if (!valid) return to;
  if (physical == Physical::kString) {
    const auto size = static_cast<std::uint32_t>(text.size());
    std::memcpy(to, &size, 4);
    if (size != 0) std::memcpy(to + 4, text.data(), size);
    return to + 4 + size;
  }
  if (physical == Physical::kInt128) {
    std::memcpy(to, &number, 16);
    return to + 16;
  }
  if (physical == Physical::kFloat || physical == Physical::kDouble) {
    std::memcpy(to, &real, 8);
  } else {
    const auto word = static_cast<std::int64_t>(number);
    std::memcpy(to, &word, 8);
  }
  return to + 8;
}

const char* StoredValue::read(Physical physical, const char* from) noexcept {
  valid = *from++ != 0;
  if (!valid) return from;
  if (physical == Physical::kString) {
    std::uint32_t size;
    std::memcpy(&size, from, 4);
    text = {from + 4, size};
    return from + 4 + size;
  }
  if (physical == Physical::kInt128) {
    std::memcpy(&number, from, 16);
    return from + 16;
  }
  if (physical == Physical::kFloat || physical == Physical::kDouble) {
    std::memcpy(&real, from, 8);
  } else {
    std::int64_t word;
    std::memcpy(&word, from, 8);
    number = word;
  }
  return from + 8;
}

int StoredValue::compare(Physical physical, const StoredValue& a, const StoredValue& b) noexcept {
  if (physical == Physical::kString) return three_way(a.text, b.text);
  if (physical != Physical::kFloat && physical != Physical::kDouble) return three_way(a.number, b.number);
  if (std::isnan(a.real) || std::isnan(b.real)) return three_way(std::isnan(a.real), std::isnan(b.real));
  return three_way(a.real, b.real);
}

void put_json(const Type& type, const StoredValue& value, TextBuffer& to) noexcept {
  if (!value.valid) {
    to.put("null");
  } else if (type.is_string() || is_quoted(type, value)) {
    put_json_key(type, value, to);
  } else {
    char text[kPlainMax];
    to.put({text, static_cast<std::size_t>(format_plain(type, value, text) - text)});
  }
}

void put_json_key(const Type& type, const StoredValue& value, TextBuffer& to) noexcept {
  to.put('"');
  if (type.id == TypeId::kString) {
    put_escaped(value.text, to);
  } else if (type.id == TypeId::kBytes) {
    put_base64(value.text, to);
  } else {
    char text[kPlainMax];
    to.put({text, static_cast<std::size_t>(format_plain(type, value, text) - text)});
  }
  to.put('"');
}

}  // namespace weir
