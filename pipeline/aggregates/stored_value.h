// StoredValue: one value of a column as aggregates that list rows keep it: | valid u8 | 8 bytes, 16 bytes, or size u32
// and bytes |. And what becomes of values in results: an order, and JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "weir/core/batch.h"
#include "weir/core/type.h"
#include "weir/pipeline/state_heap.h"

namespace weir {

/// Text that grows in a piece of a StateHeap. The piece is its owner's to give back.
class TextBuffer {
 public:
  static constexpr std::size_t kBytesMax = 0xFFFFFFF0u;  ///< What a StringRef can be long.

  explicit TextBuffer(StateHeap& heap) noexcept : heap_(heap) {}
  /// Once a put finds no memory (or beyond kBytesMax), nothing more is put.
  void put(std::string_view text) noexcept;
  void put(char c) noexcept { put(std::string_view(&c, 1)); }
  bool whole() const noexcept { return whole_; }
  std::string_view text() const noexcept { return {memory_, size_}; }
  char* memory() const noexcept { return memory_; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  StateHeap& heap_;
  char* memory_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
  bool whole_ = true;
};

struct StoredValue {
  bool valid = false;
  Int128 number = 0;      ///< Integers, decimals, times.
  double real = 0;        ///< FLOAT, DOUBLE.
  std::string_view text;  ///< Strings and bytes.

  static StoredValue of(const Vector& column, std::uint32_t row) noexcept;
  std::size_t bytes(Physical physical) const noexcept;
  /// Returns the end.
  char* write(Physical physical, char* to) const noexcept;
  const char* read(Physical physical, const char* from) noexcept;

  /// -1, 0 or 1. Both are valid. -0 equals 0; NaN equals NaN and is the greatest; strings by bytes.
  static int compare(Physical physical, const StoredValue& a, const StoredValue& b) noexcept;
};

/// As the formats write JSON: numbers plain, strings escaped, times and what is no number (NaN) as strings, bytes in
/// base64, NULL as null.
void put_json(const Type& type, const StoredValue& value, TextBuffer& to) noexcept;
/// The same as the key of a JSON object, which is always a string.
void put_json_key(const Type& type, const StoredValue& value, TextBuffer& to) noexcept;

}  // namespace weir
