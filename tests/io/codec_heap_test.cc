// The codecs' heap: an explicit one where mimalloc is there, and never in the place of the host's malloc.
#include "codec_heap.h"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace weir::detail {
namespace {

std::string library_of(void* function) {
  Dl_info info{};
  return ::dladdr(function, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

TEST(CodecHeap, TheHostKeepsItsMalloc) {
  const std::string before = library_of(reinterpret_cast<void*>(&std::malloc));
  const CodecHeap heap;
  void* const memory = std::malloc(100);
  EXPECT_NE(memory, nullptr);
  std::free(memory);
  EXPECT_EQ(library_of(reinterpret_cast<void*>(&std::malloc)), before);
  EXPECT_EQ(library_of(::dlsym(RTLD_DEFAULT, "malloc")).find("mimalloc"), std::string::npos);
}

TEST(CodecHeap, GivesMemoryThatIsItsOwnUntilItIsReleased) {
  CodecHeap heap;
  std::vector<std::pair<char*, std::size_t>> pieces;
  for (std::size_t bytes = 1; bytes <= (std::size_t{1} << 20); bytes *= 2) {
    auto* const piece = static_cast<char*>(heap.allocate(bytes));
    ASSERT_NE(piece, nullptr);
    std::memset(piece, static_cast<int>(pieces.size()), bytes);
    pieces.emplace_back(piece, bytes);
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_EQ(pieces[i].first[0], static_cast<char>(i));
    EXPECT_EQ(pieces[i].first[pieces[i].second - 1], static_cast<char>(i));
    heap.release(pieces[i].first);
  }
  if (!heap.is_explicit()) GTEST_SKIP() << "libmimalloc is not here, or a sanitizer is: malloc served the codecs";
}

TEST(CodecHeap, EndsOnAnotherThreadThanItsOwn) {
  std::unique_ptr<CodecHeap> heap;
  void* piece = nullptr;
  std::thread([&] {
    heap = std::make_unique<CodecHeap>();
    piece = heap->allocate(5000);
  }).join();
  ASSERT_NE(piece, nullptr);
  std::memset(piece, 1, 5000);
  void* const second = heap->allocate(64);  // after its thread: from the library, not from the heap
  EXPECT_NE(second, nullptr);
  heap->release(piece);
  heap->release(second);
  heap.reset();
}

}  // namespace
}  // namespace weir::detail
