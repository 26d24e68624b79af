// CodecHeap: the memory of the codecs of others (zstd, zlib), which allocate while they run: an explicit mimalloc heap
// of one byte source, so that they take neither locks nor memory of the host's allocator.
//
// Linking libmimalloc would put it in the place of the host's malloc, and Weir must not do that to its host. So the
// library is opened at run time with its symbols kept to itself; where it is missing, or under a sanitizer, the codecs
// get malloc. The `weir` program links it whole, and then this is the same library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::detail {

/// Thread: the one that made it, but for release() and the destructor, which may run on another once that one is done.
class CodecHeap {
 public:
  CodecHeap() noexcept;
  CodecHeap(const CodecHeap&) = delete;
  CodecHeap& operator=(const CodecHeap&) = delete;
  ~CodecHeap();

  /// Null when there is no memory.
  void* allocate(std::size_t bytes) noexcept;
  void release(void* memory) noexcept;
  /// False: malloc serves it.
  bool is_explicit() const noexcept { return heap_ != nullptr; }

  // As zstd and zlib want them; `opaque` is the heap.
  static void* zstd_allocate(void* opaque, std::size_t bytes) {
    return static_cast<CodecHeap*>(opaque)->allocate(bytes);
  }
  static void zstd_release(void* opaque, void* memory) { static_cast<CodecHeap*>(opaque)->release(memory); }
  static void* zlib_allocate(void* opaque, unsigned items, unsigned size) {
    return static_cast<CodecHeap*>(opaque)->allocate(std::size_t{items} * size);
  }
  static void zlib_release(void* opaque, void* memory) { static_cast<CodecHeap*>(opaque)->release(memory); }

 private:
  void* heap_ = nullptr;
  std::uint64_t owner_;  // number of the thread; never used again, as its id may be
};

}  // namespace weir::detail
