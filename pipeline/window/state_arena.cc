// Blocks of powers of two from reserved address space. See state_arena.h.
#include "window/state_arena.h"

#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <string>
#include <utility>

namespace weir {

StateArena::StateArena(StateArena&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      bytes_max_(std::exchange(other.bytes_max_, 0)),
      given_out_(std::exchange(other.given_out_, 0)),
      in_use_(std::exchange(other.in_use_, 0)),
      free_(std::exchange(other.free_, {})) {}

StateArena& StateArena::operator=(StateArena&& other) noexcept {
  if (this == &other) return *this;
  std::swap(memory_, other.memory_);
  std::swap(bytes_max_, other.bytes_max_);
  std::swap(given_out_, other.given_out_);
  std::swap(in_use_, other.in_use_);
  std::swap(free_, other.free_);
  return *this;
}

StateArena::~StateArena() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_max_);
}

Result<StateArena> StateArena::create(std::size_t bytes_max) {
  StateArena arena;
  arena.bytes_max_ = (bytes_max + kBlockMin - 1) / kBlockMin * kBlockMin;
  if (arena.bytes_max_ == 0) return Error(ErrorCode::kInvalidArgument, "state_bytes_max must be at least 1");
  void* memory =
      ::mmap(nullptr, arena.bytes_max_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return Error(ErrorCode::kOutOfMemory,
                 "cannot reserve " + std::to_string(arena.bytes_max_) + " bytes of address space for aggregate state")
        .with_hint("lower state_bytes_max");
  arena.memory_ = static_cast<std::byte*>(memory);
  // Large tables are probed at random: huge pages save most of their TLB misses. Refusal costs only speed.
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  if (arena.bytes_max_ >= 8 * kHugePage) (void)::madvise(memory, arena.bytes_max_, MADV_HUGEPAGE);
  return arena;
}

std::size_t StateArena::block_bytes(std::size_t bytes) noexcept {
  return bytes <= kBlockMin ? kBlockMin : std::bit_ceil(bytes);
}

std::size_t StateArena::class_of(std::size_t bytes) noexcept {
  return static_cast<std::size_t>(std::countr_zero(block_bytes(bytes)) - std::countr_zero(kBlockMin));
}

void* StateArena::take(std::size_t bytes) noexcept {
  if (bytes > bytes_max_) return nullptr;
  const std::size_t block = block_bytes(bytes);
  FreeBlock*& list = free_[class_of(bytes)];
  void* memory = list;
  if (memory != nullptr) {
    list = list->next;
  } else {
    if (block > bytes_max_ - given_out_) return nullptr;
    memory = memory_ + given_out_;
    given_out_ += block;
  }
  in_use_ += block;
  return memory;
}

void StateArena::give_back(void* block, std::size_t bytes) noexcept {
  auto* free_block = static_cast<FreeBlock*>(block);
  FreeBlock*& list = free_[class_of(bytes)];
  free_block->next = list;
  list = free_block;
  in_use_ -= block_bytes(bytes);
}

}  // namespace weir
