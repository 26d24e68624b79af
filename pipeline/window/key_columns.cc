// Keys of numbered groups by columns. See key_columns.h.
#include "window/key_columns.h"

#include <algorithm>
#include <cstring>

#include "weir/simd/gather.h"

namespace weir {
namespace {

constexpr std::size_t kWidthMax = 8;

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
  for (const Column& column : columns_) group_bytes_ += column.width;
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

void KeyColumns::free() noexcept {
  for (Column& column : columns_) {
    if (column.base != nullptr) arena_->give_back(column.base, column.block);
    column.base = nullptr;
    column.block = 0;
  }
  capacity_ = 0;
}

void KeyColumns::put(const GroupTable& numbers, const std::uint32_t* groups, std::uint32_t count) noexcept {
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    Vector to{columns_[c].physical, columns_[c].base, nullptr, nullptr};
    for (std::uint32_t i = 0; i < count; ++i) numbers.read_key(c, &groups[i], 1, to, groups[i]);
  }
}

void KeyColumns::read(std::size_t column, const std::uint32_t* groups, std::uint32_t count, Vector& to,
                      std::uint32_t at) const noexcept {
  if (count == 0) return;
  const Column& from = columns_[column];
  std::byte* out = static_cast<std::byte*>(to.data) + at * from.width;
  set_valid_range(to, at, count);
  if (groups[count - 1] - groups[0] == count - 1) {
    std::memcpy(out, from.base + groups[0] * from.width, count * from.width);
    return;
  }
  read_scattered(column, groups, count, to, at);
}

void KeyColumns::read_scattered(std::size_t column, const std::uint32_t* groups, std::uint32_t count, Vector& to,
                                std::uint32_t at) const noexcept {
  const Column& from = columns_[column];
  std::byte* out = static_cast<std::byte*>(to.data) + at * from.width;
  set_valid_range(to, at, count);
  switch (from.width) {
    case 1:
      return simd::gather1(from.base, groups, count, out);
    case 2:
      return simd::gather2(from.base, groups, count, out);
    case 4:
      return simd::gather4(from.base, groups, count, out);
    default:
      return simd::gather8(from.base, groups, count, out);
  }
}

}  // namespace weir
