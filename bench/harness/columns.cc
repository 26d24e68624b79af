// Makes columns in huge pages (columns.h).
#include "harness/columns.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace weir::bench {
namespace {

constexpr std::size_t kHuge = std::size_t{2} << 20;

std::size_t rounded(std::size_t bytes) {
  return (bytes + kHuge - 1) / kHuge * kHuge;
}

}  // namespace

void* take_pages(std::size_t bytes) {
  void* memory = std::aligned_alloc(kHuge, rounded(bytes));
  if (memory == nullptr) {
    std::fprintf(stderr, "weir-bench: no memory for %zu bytes\n", bytes);
    std::exit(2);
  }
  madvise(memory, rounded(bytes), MADV_HUGEPAGE);
  std::memset(memory, 0, rounded(bytes));
  return memory;
}

void give_pages(void* memory, std::size_t) noexcept {
  std::free(memory);
}

}  // namespace weir::bench
