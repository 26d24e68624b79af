// Gathering of rows for functions of the caller's that take many at once (row_block.h).
#include "c/row_block.h"

namespace weir::c {
namespace {

template <class T>
void gather_values(const RowBlock& block, const void* data, std::uint32_t mask, void* to) noexcept {
  const T* from = static_cast<const T*>(data);
  for (std::uint32_t i = 0; i < block.count; ++i) static_cast<T*>(to)[i] = from[block.rows[i] & mask];
}

void put_text(std::string_view text, weir_text& to) noexcept {
  to = {text.data(), static_cast<std::uint32_t>(text.size()), 0};
}

}  // namespace

weir_value value_at(char letter, const void* values, std::uint32_t at) noexcept {
  weir_value value = {};
  switch (letter) {
    case 'b':
      value.as.integer = static_cast<const std::uint8_t*>(values)[at];
      break;
    case 'i':
      value.as.integer = static_cast<const std::int32_t*>(values)[at];
      break;
    case 'l':
      value.as.integer = static_cast<const std::int64_t*>(values)[at];
      break;
    case 'd':
      value.as.number = static_cast<const double*>(values)[at];
      break;
    default: {
      const weir_text& text = static_cast<const weir_text*>(values)[at];
      value.as.text = text.text;
      value.text_bytes = text.bytes;
    }
  }
  return value;
}

void put_value(char letter, const weir_value& value, void* values, std::uint32_t at) noexcept {
  switch (letter) {
    case 'b':
      static_cast<std::uint8_t*>(values)[at] = static_cast<std::uint8_t>(value.as.integer);
      break;
    case 'i':
      static_cast<std::int32_t*>(values)[at] = static_cast<std::int32_t>(value.as.integer);
      break;
    case 'l':
      static_cast<std::int64_t*>(values)[at] = value.as.integer;
      break;
    case 'd':
      static_cast<double*>(values)[at] = value.as.number;
      break;
    default:
      static_cast<weir_text*>(values)[at] = {value.as.text, value.text_bytes, 0};
  }
}

void RowBlock::gather(std::size_t argument, char letter, const void* data, std::uint32_t mask) noexcept {
  void* to = values[argument];
  columns[argument] = {to, nullptr, nullptr};
  switch (letter) {
    case 'b':
      return gather_values<std::int8_t>(*this, data, mask, to);
    case 'i':
      return gather_values<std::int32_t>(*this, data, mask, to);
    case 'l':
      return gather_values<std::int64_t>(*this, data, mask, to);
    case 'd':
      return gather_values<double>(*this, data, mask, to);
    default:
      for (std::uint32_t i = 0; i < count; ++i)
        put_text(static_cast<const StringRef*>(data)[rows[i] & mask].view(), static_cast<weir_text*>(to)[i]);
  }
}

weir_results RowBlock::results(char letter) noexcept {
  std::memset(result_values, 0, count * value_bytes(letter));
  std::memset(result_nulls, 0, count);
  return {result_values, result_nulls, nullptr};
}

}  // namespace weir::c
