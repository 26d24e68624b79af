// StateArena: the memory of aggregate state. Address space is reserved once, at setup; pages are taken by first touch,
// so that state grows on the data path without malloc and never beyond a stated maximum.
//
//   | 4 KiB | 8 KiB | free 4 KiB | 64 KiB … | not yet given out …            |
//     blocks are powers of two; a freed block goes to the list of its size and is given out again, dirty
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "weir/core/result.h"

namespace weir {

/// Thread: the owning shard.
class StateArena {
 public:
  /// Many slices have a handful of groups: in blocks of a page each they would share a few lines of the first cache.
  static constexpr std::size_t kBlockMin = 256;
  static constexpr std::size_t kPage = 4096;  ///< Where one block is to last for a while.

  StateArena() = default;
  StateArena(StateArena&& other) noexcept;
  StateArena& operator=(StateArena&& other) noexcept;
  StateArena(const StateArena&) = delete;
  StateArena& operator=(const StateArena&) = delete;
  ~StateArena();

  /// Reserves address space. Errors: kOutOfMemory.
  static Result<StateArena> create(std::size_t bytes_max);

  /// Bytes of the block that a request gets: the next power of two, at least kBlockMin.
  static std::size_t block_bytes(std::size_t bytes) noexcept;
  /// A block of block_bytes(bytes), 64-byte aligned, contents unspecified; null at the maximum. Allocates: never.
  void* take(std::size_t bytes) noexcept;
  /// Requires: a block from take() with the same size class.
  void give_back(void* block, std::size_t bytes) noexcept;

  std::size_t bytes_max() const noexcept { return bytes_max_; }
  std::size_t bytes_in_use() const noexcept { return in_use_; }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr std::size_t kClasses = 48;
  static std::size_t class_of(std::size_t bytes) noexcept;

  std::byte* memory_ = nullptr;
  std::size_t bytes_max_ = 0;
  std::size_t given_out_ = 0;
  std::size_t in_use_ = 0;
  std::array<FreeBlock*, kClasses> free_{};
};

}  // namespace weir
