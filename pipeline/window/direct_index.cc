// Ranges and places of keys. See direct_index.h.
#include "window/direct_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "weir/simd/reduce.h"

namespace weir {
namespace {

constexpr std::uint64_t kAlwaysPays = 4096, kPlacesMax = 1u << 16, kPlacesPerKey = 8;

}  // namespace

bool DirectIndex::possible(const KeyLayout& layout) noexcept {
  if (layout.columns.empty() || layout.columns.size() > kColumnsMax) return false;
  return std::all_of(layout.columns.begin(), layout.columns.end(), [&](const KeyColumn& column) {
    const Physical physical = column.type.physical();
    return (physical == Physical::kInt32 || physical == Physical::kInt64) &&
           (!column.type.nullable || layout.form == KeyForm::kInteger);
  });
}

DirectIndex::DirectIndex(const KeyLayout& layout, StateArena& arena) noexcept
    : arena_(&arena), column_count_(layout.columns.size()) {
  for (std::size_t c = 0; c < column_count_; ++c) {
    columns_[c].word = layout.columns[c].word;
    columns_[c].narrow = layout.columns[c].type.physical() == Physical::kInt32;
  }
}

bool DirectIndex::find(const BatchKeys& keys, const simd::Rows& rows, std::uint32_t* places) const noexcept {
  for (std::size_t c = 0; c < column_count_; ++c) {
    const Column& column = columns_[c];
    const Vector& vector = keys.vector(c);
    const auto put = [&](const auto* values, auto base) {
      return c == 0 ? simd::dense_groups(values, base, column.range, rows, places)
                    : simd::add_dense_digit(values, base, column.range, column.scale, rows, places);
    };
    const bool inside = column.narrow ? put(vector.values<std::int32_t>(), static_cast<std::int32_t>(column.base))
                                      : put(vector.values<std::int64_t>(), column.base);
    if (!inside) return false;
  }
  return true;
}

bool DirectIndex::read(std::uint32_t* places, std::uint32_t count) const noexcept {
  WEIR_DCHECK(count <= kReadMax);
  const std::uint32_t* slots = slots_;
  std::uint32_t kept[kReadMax];
  std::memcpy(kept, places, count * sizeof *places);
  std::uint32_t any = 0;  // groups are below 2^30, an empty slot is not
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t group = slots[kept[i]];
    places[i] = group;
    any |= group;
  }
  if (any >> 31 == 0) return true;
  std::memcpy(places, kept, count * sizeof *places);
  return false;
}

std::uint32_t DirectIndex::place(const std::uint64_t* key) const noexcept {
  std::uint32_t at = 0;
  for (std::size_t c = 0; c < column_count_; ++c) {
    const std::uint64_t digit = key[columns_[c].word] - static_cast<std::uint64_t>(columns_[c].base);
    if (digit >= columns_[c].range) return kOutside;
    at += static_cast<std::uint32_t>(digit) * columns_[c].scale;
  }
  return at;
}

void DirectIndex::widen(Ranges& ranges, const std::uint64_t* key) const noexcept {
  for (std::size_t c = 0; c < column_count_; ++c) {
    const auto value = static_cast<std::int64_t>(key[columns_[c].word]);
    ranges.least[c] = ranges.any ? std::min(ranges.least[c], value) : value;
    ranges.greatest[c] = ranges.any ? std::max(ranges.greatest[c], value) : value;
  }
  ranges.any = true;
}

void DirectIndex::widen(Ranges& ranges, const BatchKeys& keys, const simd::Rows& rows) const noexcept {
  const bool any = ranges.any;
  for (std::size_t c = 0; c < column_count_; ++c) {
    const Vector& vector = keys.vector(c);
    std::int64_t least = 0, greatest = 0;
    if (columns_[c].narrow) {
      std::int32_t low, high;
      if (!simd::min_max(vector.values<std::int32_t>(), rows, &low, &high)) return;
      least = low;
      greatest = high;
    } else if (!simd::min_max(vector.values<std::int64_t>(), rows, &least, &greatest)) {
      return;
    }
    ranges.least[c] = any ? std::min(ranges.least[c], least) : least;
    ranges.greatest[c] = any ? std::max(ranges.greatest[c], greatest) : greatest;
  }
  ranges.any = true;
}

bool DirectIndex::lay_out(const Ranges& ranges, std::uint64_t keys) noexcept {
  const std::uint64_t pays = std::clamp(kPlacesPerKey * keys, kAlwaysPays, kPlacesMax);
  std::uint64_t places = 1;
  std::array<Column, kColumnsMax> columns = columns_;
  for (std::size_t c = 0; c < column_count_; ++c) {
    Column& column = columns[c];
    const std::uint64_t span =
        static_cast<std::uint64_t>(ranges.greatest[c]) - static_cast<std::uint64_t>(ranges.least[c]);
    if (span >= pays) {
      refuse();
      return false;
    }
    // Keys that grow or fall find some room on both sides, as far as the column's type reaches.
    const std::int64_t slack = static_cast<std::int64_t>(column_count_ == 1 ? span / 2 + 16 : span / 8 + 1);
    const std::int64_t floor =
        column.narrow ? std::numeric_limits<std::int32_t>::min() : std::numeric_limits<std::int64_t>::min();
    const std::int64_t ceiling =
        column.narrow ? std::numeric_limits<std::int32_t>::max() : std::numeric_limits<std::int64_t>::max();
    column.base = ranges.least[c] < floor + slack ? floor : ranges.least[c] - slack;
    const std::int64_t last = ranges.greatest[c] > ceiling - slack ? ceiling : ranges.greatest[c] + slack;
    column.range = static_cast<std::uint32_t>(last - column.base + 1);
    column.scale = static_cast<std::uint32_t>(places);
    places *= column.range;
    if (places > 2 * pays) {
      refuse();
      return false;
    }
  }
  const std::size_t bytes = StateArena::block_bytes(places * sizeof(std::uint32_t));
  free();
  void* block = arena_->take(bytes);
  if (block == nullptr) {
    refuse();
    return false;
  }
  std::memset(block, 0xFF, bytes);
  slots_ = static_cast<std::uint32_t*>(block);
  block_ = bytes;
  columns_ = columns;
  return true;
}

void DirectIndex::refuse() noexcept {
  free();
  refused_ = true;
}

void DirectIndex::free() noexcept {
  if (slots_ != nullptr) arena_->give_back(slots_, block_);
  slots_ = nullptr;
  block_ = 0;
  refused_ = false;
}

}  // namespace weir
