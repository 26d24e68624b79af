// Keys by columns. See key_columns.h.
#include "window/key_columns.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "weir/simd/gather.h"
#include "window/group_table.h"

namespace weir {
namespace {

constexpr std::size_t kWidthMax = 8;
constexpr std::uint32_t kCapacityMin = 64;

/// A key's word as it stands in a column.
void put_word(Physical physical, std::size_t width, std::uint64_t word, std::byte* to) noexcept {
  if (physical == Physical::kFloat) {
    const auto value = static_cast<float>(std::bit_cast<double>(word));
    std::memcpy(to, &value, sizeof value);
  } else {
    std::memcpy(to, &word, width);  // little-endian: an integer's low bytes
  }
}

}  // namespace

KeyColumns::KeyColumns(const KeyLayout& keys, StateArena& arena) : arena_(&arena) {
  for (const KeyColumn& column : keys.columns) {
    const Physical physical = column.type.physical();
    const std::size_t width = physical_size(physical);
    if (column.type.nullable || width > kWidthMax) {
      columns_.clear();
      return;
    }
    columns_.push_back({width, column.word, physical, nullptr, 0});
  }
}

bool KeyColumns::grow(std::uint32_t capacity) {
  for (Column& column : columns_) {
    const std::size_t bytes = StateArena::block_bytes(capacity * column.width);
    if (bytes == column.block) continue;
    void* block = arena_->take(bytes);
    if (block == nullptr) return false;
    if (column.base != nullptr) {
      std::memcpy(block, column.base, capacity_ * column.width);
      arena_->give_back(column.base, column.block);
    }
    column.base = static_cast<std::byte*>(block);
    column.block = bytes;
  }
  capacity_ = capacity;
  return true;
}

bool KeyColumns::put(std::uint32_t number, const std::uint64_t* key) {
  if (number >= capacity_ && !grow(std::max(kCapacityMin, std::bit_ceil(number + 1)))) return false;
  for (const Column& column : columns_)
    put_word(column.physical, column.width, key[column.word], column.base + number * column.width);
  return true;
}

void KeyColumns::free() noexcept {
  for (Column& column : columns_) {
    if (column.base != nullptr) arena_->give_back(column.base, column.block);
    column.base = nullptr;
    column.block = 0;
  }
  capacity_ = 0;
}

void KeyColumns::read_neighbours(std::size_t column, std::uint32_t first, std::uint32_t count, Vector& to,
                                 std::uint32_t at) const noexcept {
  const Column& from = columns_[column];
  set_valid_range(to, at, count);
  std::memcpy(static_cast<std::byte*>(to.data) + at * from.width, from.base + first * from.width, count * from.width);
}

void KeyColumns::read_picked(std::size_t column, std::uint32_t first, const std::uint64_t* bits, std::uint32_t words,
                             std::uint32_t count, Vector& to, std::uint32_t at, std::uint32_t room) const noexcept {
  const Column& from = columns_[column];
  set_valid_range(to, at, count);
  const simd::PickedValues picked{from.base + first * from.width, from.width, bits, words, capacity_ - first};
  simd::compress_values(picked, static_cast<std::byte*>(to.data) + at * from.width, room);
}

void KeyColumns::read(std::size_t column, const std::uint32_t* numbers, std::uint32_t count, Vector& to,
                      std::uint32_t at) const noexcept {
  const Column& from = columns_[column];
  std::byte* out = static_cast<std::byte*>(to.data) + at * from.width;
  set_valid_range(to, at, count);
  switch (from.width) {
    case 1:
      return simd::gather1(from.base, numbers, count, out);
    case 2:
      return simd::gather2(from.base, numbers, count, out);
    case 4:
      return simd::gather4(from.base, numbers, count, out);
    default:
      return simd::gather8(from.base, numbers, count, out);
  }
}

}  // namespace weir
