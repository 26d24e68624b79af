// Pieces by size class, cut from blocks of the arena. See weir/pipeline/state_heap.h.
//
//   first block | Root: free lists, … | piece | piece | …          further blocks | Block | piece | piece | …
//   large       address ─► size, by open addressing, so that a large piece fills a block of the arena to its last byte
#include "weir/pipeline/state_heap.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "weir/core/check.h"
#include "window/state_arena.h"

namespace weir {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kBlockMax = std::size_t{1} << 20;
constexpr std::size_t kClasses = 31;  // 16 32 48 64 128 192 256 320 384 448 512 640 … 16384

std::size_t class_of(std::size_t bytes) noexcept {
  if (bytes <= 16) return 0;
  if (bytes <= 64) return (bytes - 1) / 16;
  if (bytes <= 256) return 3 + (bytes - 1) / 64;
  const auto top = static_cast<std::size_t>(std::bit_width(bytes - 1));  // 2^(top-1) <= bytes - 1 < 2^top
  const std::size_t quarter = ((bytes - 1) >> (top - 3)) & 3;
  return 7 + (top - 9) * 4 + quarter;
}

constexpr std::size_t class_bytes(std::size_t index) noexcept {
  if (index < 4) return (index + 1) * 16;
  if (index < 7) return (index - 2) * 64;
  const std::size_t doubling = (index - 7) / 4;
  return (std::size_t{256} << doubling) + (std::size_t{64} << doubling) * ((index - 7) % 4 + 1);
}
static_assert(class_bytes(kClasses - 1) == StateHeap::kPieceMax);

struct Block {
  Block* next;
  std::size_t bytes;
};
struct Piece {
  Piece* next;
};
struct Large {
  void* piece;  // null: no entry
  std::size_t bytes;
};

std::size_t slot_of(const void* piece, std::size_t mask) noexcept {
  // Blocks are multiples of 4 KiB: the multiplication brings the upper bits down.
  return static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(piece) >> 12) * 0x9e3779b97f4a7c15u >> 32) & mask;
}

}  // namespace

struct StateHeap::Root {
  Block block;               // the first one; its next is null
  Block* current = nullptr;  // the head of the list of blocks
  std::size_t used = 0;      // of the current block
  std::size_t bytes = 0;     // of all blocks, large ones included
  std::size_t taken = 0;
  Large* large = nullptr;
  std::size_t large_slots = 0;
  std::size_t large_count = 0;
  std::array<Piece*, kClasses> free{};
};

StateHeap::StateHeap(StateHeap&& other) noexcept : arena_(other.arena_), root_(std::exchange(other.root_, nullptr)) {}

StateHeap& StateHeap::operator=(StateHeap&& other) noexcept {
  if (this == &other) return *this;
  clear();
  arena_ = other.arena_;
  root_ = std::exchange(other.root_, nullptr);
  return *this;
}

std::size_t StateHeap::bytes() const noexcept {
  return root_ == nullptr ? 0 : root_->bytes;
}

std::size_t StateHeap::bytes_taken() const noexcept {
  return root_ == nullptr ? 0 : root_->taken;
}

StateHeap::Root* StateHeap::make_root() noexcept {
  static_assert(sizeof(Root) < StateArena::kPage / 8);
  void* memory = arena_ == nullptr ? nullptr : arena_->take(StateArena::kPage);
  if (memory == nullptr) return nullptr;
  root_ = ::new (memory) Root{};
  root_->block = {nullptr, StateArena::kPage};
  root_->current = &root_->block;
  root_->used = (sizeof(Root) + kLine - 1) / kLine * kLine;
  root_->bytes = StateArena::kPage;
  return root_;
}

void* StateHeap::take(std::size_t bytes) noexcept {
  if (root_ == nullptr && make_root() == nullptr) return nullptr;
  if (bytes > kPieceMax) return take_large(bytes);
  const std::size_t index = class_of(bytes);
  void* piece = root_->free[index];
  if (piece != nullptr)
    root_->free[index] = static_cast<Piece*>(piece)->next;
  else
    piece = cut(class_bytes(index));
  if (piece != nullptr) root_->taken += class_bytes(index);
  return piece;
}

/// A piece of a class's size from the current block, or from a new one. What stays behind goes to the lists.
void* StateHeap::cut(std::size_t bytes) noexcept {
  const auto put_free = [&](std::byte* at, std::size_t index) {
    root_->free[index] = ::new (static_cast<void*>(at)) Piece{root_->free[index]};
  };
  const auto align = [&] {
    for (; root_->used % kLine != 0; root_->used += 16)
      put_free(reinterpret_cast<std::byte*>(root_->current) + root_->used, 0);
  };
  // A piece of 48 bytes or less never lies across a line, so that it costs one miss.
  if (root_->used % kLine + bytes > kLine && root_->used % kLine != 0) align();
  if (root_->current->bytes - root_->used < bytes) {
    std::size_t wanted = std::min(root_->current->bytes * 2, kBlockMax);
    wanted = std::max(wanted, StateArena::block_bytes(bytes + kLine));
    void* memory = arena_->take(wanted);
    if (memory == nullptr) {
      wanted = StateArena::block_bytes(bytes + kLine);  // near the maximum, as little as will do
      memory = arena_->take(wanted);
      if (memory == nullptr) return nullptr;
    }
    align();
    while (root_->used < root_->current->bytes) {
      const std::size_t left = root_->current->bytes - root_->used;
      std::size_t index = class_of(std::min(left, kPieceMax));
      if (class_bytes(index) > left) --index;
      put_free(reinterpret_cast<std::byte*>(root_->current) + root_->used, index);
      root_->used += class_bytes(index);
    }
    root_->current = ::new (memory) Block{root_->current, wanted};
    root_->used = kLine;
    root_->bytes += wanted;
  }
  std::byte* piece = reinterpret_cast<std::byte*>(root_->current) + root_->used;
  root_->used += bytes;
  return piece;
}

void* StateHeap::take_large(std::size_t bytes) noexcept {
  if (root_->large_count * 2 >= root_->large_slots && !grow_large()) return nullptr;
  void* piece = arena_->take(bytes);
  if (piece == nullptr) return nullptr;
  const std::size_t mask = root_->large_slots - 1;
  std::size_t slot = slot_of(piece, mask);
  while (root_->large[slot].piece != nullptr) slot = (slot + 1) & mask;
  root_->large[slot] = {piece, StateArena::block_bytes(bytes)};
  ++root_->large_count;
  root_->bytes += StateArena::block_bytes(bytes);
  root_->taken += StateArena::block_bytes(bytes);
  return piece;
}

bool StateHeap::grow_large() noexcept {
  const std::size_t slots = root_->large_slots == 0 ? StateArena::kPage / sizeof(Large) : root_->large_slots * 2;
  auto* grown = static_cast<Large*>(arena_->take(slots * sizeof(Large)));
  if (grown == nullptr) return false;
  std::memset(static_cast<void*>(grown), 0, slots * sizeof(Large));
  for (std::size_t i = 0; i < root_->large_slots; ++i) {
    if (root_->large[i].piece == nullptr) continue;
    std::size_t slot = slot_of(root_->large[i].piece, slots - 1);
    while (grown[slot].piece != nullptr) slot = (slot + 1) & (slots - 1);
    grown[slot] = root_->large[i];
  }
  if (root_->large != nullptr) arena_->give_back(root_->large, root_->large_slots * sizeof(Large));
  root_->bytes += (slots - root_->large_slots) * sizeof(Large);
  root_->large = grown;
  root_->large_slots = slots;
  return true;
}

void StateHeap::give_back(void* piece, std::size_t bytes) noexcept {
  if (piece == nullptr) return;
  if (bytes <= kPieceMax) {
    const std::size_t index = class_of(bytes);
    root_->free[index] = ::new (piece) Piece{root_->free[index]};
    root_->taken -= class_bytes(index);
    return;
  }
  const std::size_t mask = root_->large_slots - 1;
  std::size_t slot = slot_of(piece, mask);
  while (root_->large[slot].piece != piece) {
    WEIR_DCHECK(root_->large[slot].piece != nullptr);
    slot = (slot + 1) & mask;
  }
  const std::size_t block = root_->large[slot].bytes;
  // Entries behind it move up, so that no search ends early.
  for (std::size_t next = (slot + 1) & mask; root_->large[next].piece != nullptr; next = (next + 1) & mask) {
    const std::size_t home = slot_of(root_->large[next].piece, mask);
    if (((next - home) & mask) < ((next - slot) & mask)) continue;
    root_->large[slot] = root_->large[next];
    slot = next;
  }
  root_->large[slot] = {};
  --root_->large_count;
  root_->bytes -= block;
  root_->taken -= block;
  arena_->give_back(piece, block);
}

void StateHeap::clear() noexcept {
  if (root_ == nullptr) return;
  for (std::size_t i = 0; i < root_->large_slots; ++i)
    if (root_->large[i].piece != nullptr) arena_->give_back(root_->large[i].piece, root_->large[i].bytes);
  if (root_->large != nullptr) arena_->give_back(root_->large, root_->large_slots * sizeof(Large));
  for (Block* block = root_->current; block != &root_->block;) {
    Block* next = block->next;
    arena_->give_back(block, block->bytes);
    block = next;
  }
  arena_->give_back(root_, StateArena::kPage);
  root_ = nullptr;
}

}  // namespace weir
