// StateHeap: memory of variable size that aggregate states own (sets, sketches, lists of strings), for one table of
// groups. Pieces are carved from blocks of the operator's StateArena, given back to lists by size, and taken back all
// at once when the table is cleared; malloc is never called.
#pragma once

#include <cstddef>

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
  /// Cost: a list's head, or a cut from the current block. Sizes are rounded up: below 64 bytes to multiples of 16,
  /// below 256 to multiples of 64, above to four steps a doubling, from kPieceMax on to powers of two.
  void* take(std::size_t bytes) noexcept;
  /// Requires: a piece from take(bytes) of this heap. Null is allowed.
  void give_back(void* piece, std::size_t bytes) noexcept;
  /// Takes all pieces back at once. Cost: the number of its blocks and large pieces.
  void clear() noexcept;

  /// Bytes of the arena's blocks that it holds.
  std::size_t bytes() const noexcept;
  /// Bytes of the pieces that were taken and not given back, as they were rounded up.
  std::size_t bytes_taken() const noexcept;
  StateArena* arena() const noexcept { return arena_; }

  /// Pieces above are blocks of the arena of their own.
  static constexpr std::size_t kPieceMax = std::size_t{16} << 10;

 private:
  struct Root;
  Root* make_root() noexcept;
  void* cut(std::size_t bytes) noexcept;
  void* take_large(std::size_t bytes) noexcept;
  bool grow_large() noexcept;

  StateArena* arena_ = nullptr;
  Root* root_ = nullptr;  // at the front of its first block: a heap from which nothing was taken holds no memory
};

}  // namespace weir
