// See allocation_count.h. Source of the interposition: glibc manual, "Replacing malloc".
#include "engine/allocation_count.h"

#include <execinfo.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define WEIR_COUNTS_ALLOCATIONS 0
#else
#define WEIR_COUNTS_ALLOCATIONS 1
#endif

namespace weir::test {
namespace {

constexpr int kFramesMax = 24;
thread_local bool watched = false;
std::atomic<std::uint64_t> count{0};
std::atomic<int> frame_count{0};
void* frames[kFramesMax];

[[maybe_unused]] void note() noexcept {
  if (!watched) [[likely]]
    return;
  watched = false;  // what follows may allocate
  if (count.fetch_add(1, std::memory_order_relaxed) == 0) frame_count.store(::backtrace(frames, kFramesMax));
  watched = true;
}

}  // namespace

bool allocations_are_counted() noexcept {
  return WEIR_COUNTS_ALLOCATIONS != 0;
}
void watch_this_thread() noexcept {
  if (watched) return;
  void* warm[2];
  (void)::backtrace(warm, 2);  // its first call allocates
  watched = true;
}
void unwatch_this_thread() noexcept {
  watched = false;
}
std::uint64_t allocations() noexcept {
  return count.load();
}
void reset_allocations() noexcept {
  count.store(0);
  frame_count.store(0);
}
std::string first_allocation() {
  std::string text;
  const int taken = frame_count.load();
  char** symbols = ::backtrace_symbols(frames, taken);
  for (int i = 0; i < taken; ++i) text += std::string(symbols[i]) + "\n";
  std::free(symbols);
  return text;
}

}  // namespace weir::test

#if WEIR_COUNTS_ALLOCATIONS
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  weir::test::note();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  weir::test::note();
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  weir::test::note();
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  weir::test::note();
  return __libc_memalign(alignment, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  weir::test::note();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t bytes) {
  weir::test::note();
  *out = __libc_memalign(alignment, bytes);
  return *out == nullptr ? ENOMEM : 0;
}
}
#endif
