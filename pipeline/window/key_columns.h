// KeyColumns: the keys of numbered groups once more, a column an array, so that results take their keys by copying
// arrays instead of rows of words. Only for keys without NULL and without strings; for others there is none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "window/group_table.h"

namespace weir {

/// Thread: the owning shard. Allocates: in the constructor only, and from the arena.
class KeyColumns {
 public:
  KeyColumns(const KeyLayout& keys, StateArena& arena);

  bool present() const noexcept { return !columns_.empty(); }
  /// Bytes a group.
  std::size_t group_bytes() const noexcept { return group_bytes_; }
  /// Makes room for `capacity` groups and keeps those that are there. False where the arena is full.
  bool grow(std::uint32_t capacity);
  void free() noexcept;
  /// Takes the keys of the groups over from the table that numbers them.
  void put(const GroupTable& numbers, const std::uint32_t* groups, std::uint32_t count) noexcept;
  /// Writes a column of the keys to rows at, at + 1, … The groups ascend.
  void read(std::size_t column, const std::uint32_t* groups, std::uint32_t count, Vector& to,
            std::uint32_t at) const noexcept;

  /// The same of groups in any order.
  void read_scattered(std::size_t column, const std::uint32_t* groups, std::uint32_t count, Vector& to,
                      std::uint32_t at) const noexcept;

 private:
  struct Column {
    std::size_t width = 0;
    std::uint32_t word = 0;
    Physical physical = Physical::kInt64;
    std::byte* base = nullptr;
    std::size_t block = 0;
  };
  StateArena* arena_;
  std::vector<Column> columns_;
  std::uint32_t capacity_ = 0;
  std::size_t group_bytes_ = 0;
};

}  // namespace weir
