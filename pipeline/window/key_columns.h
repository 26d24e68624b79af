// KeyColumns: the keys of a table of keys once more, a column an array by number, so that results take their keys by
// copying arrays instead of rows of words. Only for keys without NULL and without strings; for others there is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "weir/core/batch.h"
#include "weir/simd/word_rows.h"
#include "window/key_layout.h"
#include "window/state_arena.h"

namespace weir {

/// Thread: the owning shard. Allocates: in the constructor only, and from the arena.
class KeyColumns {
 public:
  KeyColumns(const KeyLayout& keys, StateArena& arena);

  bool present() const noexcept { return !columns_.empty(); }
  /// Takes the key of a number over, in words. False where the arena is full.
  bool put(std::uint32_t number, const std::uint64_t* key);
  void free() noexcept;

  /// Writes a column of the keys of numbers first, first + 1, … to rows at, at + 1, …
  void read_neighbours(std::size_t column, std::uint32_t first, std::uint32_t count, Vector& to,
                       std::uint32_t at) const noexcept;
  /// The same of the numbers first + r for which bit r is set, `count` of them. `to` has `room` rows from `at` on.
  void read_picked(std::size_t column, std::uint32_t first, const std::uint64_t* bits, std::uint32_t words,
                   std::uint32_t count, Vector& to, std::uint32_t at, std::uint32_t room) const noexcept;
  /// The same of any numbers, in any order.
  void read(std::size_t column, const std::uint32_t* numbers, std::uint32_t count, Vector& to,
            std::uint32_t at) const noexcept;

 private:
  struct Column {
    std::size_t width = 0;
    std::uint32_t word = 0;
    Physical physical = Physical::kInt64;
    std::byte* base = nullptr;
    std::size_t block = 0;
  };
  bool grow(std::uint32_t capacity);

  StateArena* arena_;
  std::vector<Column> columns_;
  std::uint32_t capacity_ = 0;
};

}  // namespace weir
