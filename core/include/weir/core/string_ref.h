// StringRef: a string value in a vector, 16 bytes.
//
//   byte 0      4            8                      16
//   | size u32 | first 4 B  | next 8 B, or address |
//
// Strings of up to 12 bytes stand whole inside; longer ones keep their first 4 bytes inside, so that most comparisons
// end without a cache miss, and point to bytes owned by somebody else: the StringHeap of the batch, a key table, the
// plan. Unused inline bytes are zero, so that equality of short strings is equality of 16 bytes. Source: Neumann,
// Freitag, "Umbra: A Disk-Based System with In-Memory Performance", CIDR 2020, section 3.1.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir {

struct StringRef {
  static constexpr std::uint32_t kInlineMax = 12;

  std::uint32_t size = 0;
  char prefix[4] = {};
  union {
    char rest[8];
    const char* data;
  };

  StringRef() noexcept : rest{} {}
  /// Refers to `text`; the bytes of a longer string must outlive this.
  explicit StringRef(std::string_view text) noexcept : size(static_cast<std::uint32_t>(text.size())), rest{} {
    if (text.size() <= kInlineMax) {
      const std::size_t head = text.size() < 4 ? text.size() : 4;
      if (head != 0) std::memcpy(prefix, text.data(), head);
      if (text.size() > 4) std::memcpy(rest, text.data() + 4, text.size() - 4);
    } else {
      std::memcpy(prefix, text.data(), 4);
      data = text.data();
    }
  }

  bool is_inline() const noexcept { return size <= kInlineMax; }
  /// The bytes; for an inline string they stand in this object, which must then outlive the view.
  std::string_view view() const noexcept {
    return {is_inline() ? reinterpret_cast<const char*>(this) + 4 : data, size};
  }

  friend bool operator==(const StringRef& left, const StringRef& right) noexcept {
    std::uint64_t a, b;
    std::memcpy(&a, &left, 8);
    std::memcpy(&b, &right, 8);
    if (a != b) return false;
    if (left.is_inline()) return std::memcmp(left.rest, right.rest, 8) == 0;
    return left.data == right.data || std::memcmp(left.data, right.data, left.size) == 0;
  }
  /// Order by unsigned bytes, which for UTF-8 is the order by code point.
  friend bool operator<(const StringRef& left, const StringRef& right) noexcept { return left.view() < right.view(); }
};

static_assert(sizeof(StringRef) == 16, "a vector of strings has 16 bytes a row");

}  // namespace weir
