// StateHeap: memory of variable size that aggregate states own (sets, sketches, lists of strings), for one table of
// groups. Pieces are carved from blocks of the operator's StateArena, given back to lists by size, and taken back all
// at once when the table is cleared; malloc is never called.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir {

class StateArena;

/// Thread: the owning shard. Allocates: from the arena only, whose maximum (state_bytes_max) bounds it.
class StateHeap {
 public:
  StateHeap() = default;
  explicit StateHeap(StateArena& arena) noexcept : arena_(&arena) {}
  StateHeap(const StateHeap&) = delete;
  StateHeap& operator=(const StateHeap&) = delete;
  StateHeap(StateHeap&& other) noexcept;
  StateHeap& operator=(StateHeap&& other) noexcept;
  ~StateHeap() { clear(); }

  /// At least `bytes` bytes, aligned to 16 (to 64 from 64 bytes on), contents unspecified; null at the arena's maximum.
  /// Cost: a list's head, or a cut from the current block; sizes are rounded up to four steps a doubling.
  void* take(std::size_t bytes) noexcept;
  /// Requires: a piece from take(bytes) of this heap. Null is allowed.
  void give_back(void* piece, std::size_t bytes) noexcept;
  /// Takes all pieces back at once.
  void clear() noexcept;

  /// Bytes of the arena's blocks that it holds.
  std::size_t bytes() const noexcept { return bytes_; }
  StateArena* arena() const noexcept { return arena_; }

 private:
  struct Block {
    Block* next;
    std::size_t bytes;
  };
  struct Piece {
    Piece* next;
  };
  static constexpr std::size_t kClasses = 40;  // 16 B … 16 KiB; larger pieces are blocks of their own

  StateArena* arena_ = nullptr;
  Block* blocks_ = nullptr;  // cut up; the head is the current one
  Block* large_ = nullptr;   // one piece each, doubly reachable through a header before the piece
  std::size_t used_ = 0;     // of the head block
  std::size_t bytes_ = 0;
  std::array<Piece*, kClasses> free_{};
};

}  // namespace weir
