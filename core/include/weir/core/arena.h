// Arena: the memory of a shard, taken from the system in one piece at start and given out front to back. It never
// grows, so what an engine takes is known when it starts; what does not fit is an error at start, not a surprise at run
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>

#include "weir/core/result.h"

namespace weir {

inline constexpr std::size_t kArenaBytesMax = std::size_t{1} << 46;
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

struct ArenaOptions {
  std::size_t bytes = 0;    ///< Rounded up to whole pages.
  bool huge_pages = false;  ///< Aligns to 2 MiB and asks for huge pages; where the system has none, small ones serve.
  bool prefault = false;    ///< Takes the pages now, so that the data path does not fault.
};

/// Thread: one owner at a time. Memory is zero when first given out and is 64-byte aligned unless more is asked.
class Arena {
 public:
  Arena() = default;  ///< Without memory: every allocation fails.
  /// Errors: kInvalidArgument (0 or above kArenaBytesMax), kOutOfMemory.
  static Result<Arena> create(const ArenaOptions& options);
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  /// Requires: alignment is a power of two of at most 2 MiB. Errors: kOutOfMemory, naming what was asked and what is
  /// left. 0 bytes give an address that must not be used. Cost: a few additions.
  Result<void*> allocate(std::size_t bytes, std::size_t alignment = 64);
  /// `count` value-initialised objects.
  template <typename T>
  Result<std::span<T>> allocate_array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>, "an arena destroys nothing");
    if (count > kArenaBytesMax / sizeof(T)) return Error(ErrorCode::kOutOfMemory, "an array larger than any arena");
    WEIR_ASSIGN(void* memory, allocate(count * sizeof(T), alignof(T) > 64 ? alignof(T) : 64));
    T* items = static_cast<T*>(memory);
    for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(items + i)) T();
    return std::span<T>(items, count);
  }

  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t used() const noexcept { return used_; }
  std::size_t available() const noexcept { return capacity_ - used_; }
  /// Whether the system agreed to use huge pages (it may still lack them).
  bool huge_pages() const noexcept { return huge_pages_; }

 private:
  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  bool huge_pages_ = false;
};

}  // namespace weir
