// The explicit heap of codecs. See codec_heap.h.
#include "codec_heap.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <initializer_list>
#include <type_traits>

namespace weir::detail {
namespace {

/// What is called of mimalloc; null where it could not be opened. Source: its mimalloc.h, the same in 2.x and 3.x.
struct Mimalloc {
  void* (*heap_new)() = nullptr;
  void (*heap_delete)(void*) = nullptr;
  void* (*heap_malloc)(void*, std::size_t) = nullptr;
  void* (*malloc)(std::size_t) = nullptr;
  void (*free)(void*) = nullptr;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

Mimalloc open_mimalloc() noexcept {
  if constexpr (kSanitized) return {};
  for (const char* name : {"libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so"}) {
    void* const library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);  // stays open: heaps live in it
    if (library == nullptr) continue;
    Mimalloc found;
    const auto find = [library](auto& function, const char* symbol) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(::dlsym(library, symbol));
      return function != nullptr;
    };
    if (find(found.heap_new, "mi_heap_new") && find(found.heap_delete, "mi_heap_delete") &&
        find(found.heap_malloc, "mi_heap_malloc") && find(found.malloc, "mi_malloc") && find(found.free, "mi_free")) {
      return found;
    }
  }
  return {};
}

const Mimalloc& mimalloc() noexcept {
  static const Mimalloc functions = open_mimalloc();
  return functions;
}

std::uint64_t thread_number() noexcept {
  static std::atomic<std::uint64_t> next{0};
  thread_local const std::uint64_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

CodecHeap::CodecHeap() noexcept : owner_(thread_number()) {
  if (mimalloc().free != nullptr) heap_ = mimalloc().heap_new();
}

CodecHeap::~CodecHeap() {
  // A heap goes with its thread; on another thread it is gone, or its memory has moved to that thread's end.
  if (heap_ != nullptr && owner_ == thread_number()) mimalloc().heap_delete(heap_);
}

void* CodecHeap::allocate(std::size_t bytes) noexcept {
  if (heap_ == nullptr) return std::malloc(bytes);
  return owner_ == thread_number() ? mimalloc().heap_malloc(heap_, bytes) : mimalloc().malloc(bytes);
}

void CodecHeap::release(void* memory) noexcept {
  if (heap_ == nullptr)
    std::free(memory);
  else
    mimalloc().free(memory);
}

}  // namespace weir::detail
