// Arena on anonymous mappings.
#include "weir/core/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept {
  return (bytes + unit - 1) & ~(unit - 1);
}

/// Maps `bytes`, a multiple of the page size, at a multiple of `alignment`. Null on failure.
char* map_aligned(std::size_t bytes, std::size_t alignment, std::size_t page) noexcept {
  const std::size_t slack = alignment > page ? alignment : 0;
  void* mapped = ::mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* start = static_cast<char*>(mapped);
  if (slack == 0) return start;
  const std::size_t before =
      round_up(reinterpret_cast<std::uintptr_t>(start), alignment) - reinterpret_cast<std::uintptr_t>(start);
  if (before != 0) ::munmap(start, before);
  if (slack != before) ::munmap(start + before + bytes, slack - before);
  return start + before;
}

void touch_pages(char* memory, std::size_t bytes, std::size_t page) noexcept {
#if defined(MADV_POPULATE_WRITE)
  if (::madvise(memory, bytes, MADV_POPULATE_WRITE) == 0) return;
#endif
  for (std::size_t at = 0; at < bytes; at += page) *static_cast<volatile char*>(memory + at) = 0;
}

}  // namespace

Result<Arena> Arena::create(const ArenaOptions& options) {
  if (options.bytes == 0 || options.bytes > kArenaBytesMax)
    return Error(ErrorCode::kInvalidArgument, "an arena must have 1 byte to 64 TiB");
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t bytes = round_up(options.bytes, page);
  Arena arena;
  arena.memory_ = map_aligned(bytes, options.huge_pages ? kHugePageBytes : page, page);
  if (arena.memory_ == nullptr) {
    const int errno_value = errno;
    return Error::from_errno(errno_value, "cannot take " + std::to_string(bytes) + " bytes for an arena");
  }
  arena.capacity_ = bytes;
  if (options.huge_pages) arena.huge_pages_ = ::madvise(arena.memory_, bytes, MADV_HUGEPAGE) == 0;
  if (options.prefault) touch_pages(arena.memory_, bytes, page);
  return arena;
}

Arena::Arena(Arena&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)),
      used_(std::exchange(other.used_, 0)),
      huge_pages_(std::exchange(other.huge_pages_, false)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(capacity_, other.capacity_);
  std::swap(used_, other.used_);
  std::swap(huge_pages_, other.huge_pages_);
  return *this;
}

Arena::~Arena() {
  if (memory_ != nullptr) ::munmap(memory_, capacity_);
}

Result<void*> Arena::allocate(std::size_t bytes, std::size_t alignment) {
  WEIR_CHECK(std::has_single_bit(alignment) && alignment <= kHugePageBytes);
  const std::size_t unit = alignment < 64 ? 64 : alignment;
  const auto base = reinterpret_cast<std::uintptr_t>(memory_);
  const std::size_t start = round_up(base + used_, unit) - base;
  if (start > capacity_ || bytes > capacity_ - start) {
    return Error(ErrorCode::kOutOfMemory, "an arena of " + std::to_string(capacity_) + " bytes with " +
                                              std::to_string(available()) + " left has no room for " +
                                              std::to_string(bytes));
  }
  used_ = start + bytes;
  return static_cast<void*>(memory_ + start);
}

}  // namespace weir
