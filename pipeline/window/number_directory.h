// NumberDirectory: in which row of a slice a number stands, without an index a slice.
//
//   places   | 7, row 0 | 7, row 2 | 3, row 5 | 7, row 1 | …      by number; a place counts if its stamp is the slice's
//
// One array serves all slices of an operator: it speaks of the slice that took rows last. A slice that takes rows after
// another takes a new stamp and writes its own rows in again, which is cheap as long as slices are small, and most
// slices get all of their rows in one piece.
#pragma once

#include <cstdint>
#include <cstring>

#include "window/state_arena.h"

namespace weir {

/// Thread: the owning shard. Allocates: from the arena only.
class NumberDirectory {
 public:
  struct Place {
    std::uint32_t stamp = 0;
    std::uint32_t row = 0;
  };

  explicit NumberDirectory(StateArena& arena) noexcept : arena_(&arena) {}
  NumberDirectory(const NumberDirectory&) = delete;
  NumberDirectory& operator=(const NumberDirectory&) = delete;
  ~NumberDirectory() { free(); }

  /// Makes room for numbers below `count`. False at the arena's maximum.
  bool cover(std::uint32_t count) noexcept {
    if (count <= capacity_) return true;
    const std::size_t bytes = StateArena::block_bytes(std::size_t{count} * sizeof(Place));
    void* block = arena_->take(bytes);
    if (block == nullptr) return false;
    std::memset(block, 0, bytes);
    if (places_ != nullptr) {
      std::memcpy(block, places_, block_);
      arena_->give_back(places_, block_);
    }
    places_ = static_cast<Place*>(block);
    block_ = bytes;
    capacity_ = static_cast<std::uint32_t>(bytes / sizeof(Place));
    return true;
  }
  Place* places() noexcept { return places_; }
  /// Of the slice that took rows last; never 0.
  std::uint32_t stamp() const noexcept { return stamp_; }
  /// For a slice that begins to take rows: no place has this stamp yet.
  std::uint32_t take_stamp() noexcept {
    if (++stamp_ == 0) {
      if (places_ != nullptr) std::memset(static_cast<void*>(places_), 0, block_);
      stamp_ = 1;
    }
    return stamp_;
  }
  void free() noexcept {
    if (places_ != nullptr) arena_->give_back(places_, block_);
    places_ = nullptr;
    block_ = 0;
    capacity_ = 0;
  }

 private:
  StateArena* arena_;
  Place* places_ = nullptr;
  std::size_t block_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint32_t stamp_ = 1;  // nobody's
};

}  // namespace weir
