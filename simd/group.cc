// Group lookup. The probe works on blocks of 128 rows in stages, so that cache misses of many rows overlap and the
// usual way has no branch on data: load the home slots and prefetch the rows, compare all keys, and walk on for those
// few that differ.
//
// A pipeline with fixed distances, AVX-512 gathers, and keys inline in the slots were measured against this
// (README.md, "Layouts of the group index").
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "group.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef WEIR_SIMD_GROUP_TABLE_
#define WEIR_SIMD_GROUP_TABLE_
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "dispatch.h"
#include "weir/simd/group.h"
#include "weir/simd/hash.h"

namespace weir::simd {
struct GroupTable {
  bool (*dense32)(const std::int32_t*, std::int32_t, std::uint32_t, const Rows&, std::uint32_t*);
  bool (*dense64)(const std::int64_t*, std::int64_t, std::uint32_t, const Rows&, std::uint32_t*);
  bool (*digit32)(const std::int32_t*, std::int32_t, std::uint32_t, std::uint32_t, const Rows&, std::uint32_t*);
  bool (*digit64)(const std::int64_t*, std::int64_t, std::uint32_t, std::uint32_t, const Rows&, std::uint32_t*);
  /// [words - 1]; hashes null: hash_u64 of the key.
  std::uint32_t (*probe[4])(const GroupIndexView&, const std::uint64_t*, const std::uint64_t*, const Rows&,
                            std::uint32_t*, std::uint32_t*);
};

/// 0 when the keys are equal.
template <std::uint32_t kWords>
inline std::uint64_t difference(const std::byte* row, const std::uint64_t* key) noexcept {
  std::uint64_t bits = 0;
  for (std::uint32_t i = 0; i < kWords; ++i) {
    std::uint64_t word;
    std::memcpy(&word, row + i * sizeof word, sizeof word);
    bits |= word ^ key[i];
  }
  return bits;
}
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {
#include "group_loops-inl.h"

template <std::uint32_t kWords, bool kSelected>
std::uint32_t probe_blocks(const GroupIndexView& index, const std::uint64_t* keys, const std::uint64_t* hashes,
                           const Rows& rows, std::uint32_t* groups, std::uint32_t* misses) {
  constexpr std::uint32_t kBlock = 128;
  const std::uint32_t* slots = index.slots;
  const std::byte* table = index.rows;
  const std::uint64_t mask = index.mask;
  const std::size_t stride = index.row_stride;
  std::uint32_t missed = 0;
  std::uint64_t home[kBlock];
  std::uint32_t found[kBlock], open[kBlock];
  for (std::uint32_t begin = 0; begin < rows.count; begin += kBlock) {
    const std::uint32_t size = std::min(kBlock, rows.count - begin);
    const auto row_of = [&](std::uint32_t i) { return kSelected ? rows.selection[begin + i] : begin + i; };
    if (hashes != nullptr) {
      for (std::uint32_t i = 0; i < size; ++i) home[i] = hashes[row_of(i)] & mask;
    } else {
      for (std::uint32_t i = 0; i < size; ++i) home[i] = hash_u64(keys[std::size_t{row_of(i)} * kWords]) & mask;
    }
    for (std::uint32_t i = 0; i < size; ++i) {
      const std::uint32_t group = slots[home[i]];
      found[i] = group;
      // For kEmptySlot the address means nothing, which a prefetch may.
      __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(table) + group * stride));
    }
    std::uint32_t open_count = 0;
    for (std::uint32_t i = 0; i < size; ++i) {
      const std::uint32_t group = found[i];
      const std::uint64_t* key = keys + std::size_t{row_of(i)} * kWords;
      // An empty slot has no row: it is compared with the key itself and then taken as open.
      const bool empty = group == kEmptySlot;
      const std::byte* row = empty ? reinterpret_cast<const std::byte*>(key) : table + group * stride;
      open[open_count] = i;
      open_count += (empty | (difference<kWords>(row, key) != 0)) ? 1u : 0u;
    }
    for (std::uint32_t j = 0; j < open_count; ++j) {
      const std::uint32_t i = open[j];
      const std::uint64_t* key = keys + std::size_t{row_of(i)} * kWords;
      std::uint64_t slot = home[i];
      std::uint32_t group = found[i];
      while (group != kEmptySlot && difference<kWords>(table + group * stride, key) != 0) {
        slot = (slot + 1) & mask;
        group = slots[slot];
      }
      found[i] = group;
      misses[missed] = row_of(i);
      missed += group == kEmptySlot ? 1u : 0u;
    }
    for (std::uint32_t i = 0; i < size; ++i) groups[row_of(i)] = found[i];
  }
  return missed;
}

template <std::uint32_t kWords>
std::uint32_t probe_kernel(const GroupIndexView& index, const std::uint64_t* keys, const std::uint64_t* hashes,
                           const Rows& rows, std::uint32_t* groups, std::uint32_t* misses) {
  return rows.selection == nullptr ? probe_blocks<kWords, false>(index, keys, hashes, rows, groups, misses)
                                   : probe_blocks<kWords, true>(index, keys, hashes, rows, groups, misses);
}

const GroupTable* group_table() {
  static constexpr GroupTable kTable = {&dense_kernel<std::int32_t>,
                                        &dense_kernel<std::int64_t>,
                                        &digit_kernel<std::int32_t>,
                                        &digit_kernel<std::int64_t>,
                                        {&probe_kernel<1>, &probe_kernel<2>, &probe_kernel<3>, &probe_kernel<4>}};
  return &kTable;
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
#include "group_loops-inl.h"

template <std::uint32_t kWords>
std::uint32_t probe_kernel(const GroupIndexView& index, const std::uint64_t* keys, const std::uint64_t* hashes,
                           const Rows& rows, std::uint32_t* groups, std::uint32_t* misses) {
  std::uint32_t missed = 0;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    const std::uint64_t* key = keys + std::size_t{row} * kWords;
    std::uint64_t slot = (hashes != nullptr ? hashes[row] : hash_u64(*key)) & index.mask;
    while (index.slots[slot] != kEmptySlot &&
           difference<kWords>(index.rows + index.slots[slot] * index.row_stride, key) != 0) {
      slot = (slot + 1) & index.mask;
    }
    groups[row] = index.slots[slot];
    if (index.slots[slot] == kEmptySlot) misses[missed++] = row;
  }
  return missed;
}

const GroupTable* group_table() {
  static constexpr GroupTable kTable = {&dense_kernel<std::int32_t>,
                                        &dense_kernel<std::int64_t>,
                                        &digit_kernel<std::int32_t>,
                                        &digit_kernel<std::int64_t>,
                                        {&probe_kernel<1>, &probe_kernel<2>, &probe_kernel<3>, &probe_kernel<4>}};
  return &kTable;
}
}  // namespace
}  // namespace plain

HWY_EXPORT(group_table);

template <>
bool dense_groups<std::int32_t>(const std::int32_t* keys, std::int32_t base, std::uint32_t range, const Rows& rows,
                                std::uint32_t* groups) {
  if (rows.count < kFewRows) return plain::dense_kernel(keys, base, range, rows, groups);
  return WEIR_SIMD_TABLE(group_table).dense32(keys, base, range, rows, groups);
}
template <>
bool dense_groups<std::int64_t>(const std::int64_t* keys, std::int64_t base, std::uint32_t range, const Rows& rows,
                                std::uint32_t* groups) {
  if (rows.count < kFewRows) return plain::dense_kernel(keys, base, range, rows, groups);
  return WEIR_SIMD_TABLE(group_table).dense64(keys, base, range, rows, groups);
}

template <>
bool add_dense_digit<std::int32_t>(const std::int32_t* keys, std::int32_t base, std::uint32_t range,
                                   std::uint32_t scale, const Rows& rows, std::uint32_t* groups) {
  return WEIR_SIMD_TABLE(group_table).digit32(keys, base, range, scale, rows, groups);
}
template <>
bool add_dense_digit<std::int64_t>(const std::int64_t* keys, std::int64_t base, std::uint32_t range,
                                   std::uint32_t scale, const Rows& rows, std::uint32_t* groups) {
  return WEIR_SIMD_TABLE(group_table).digit64(keys, base, range, scale, rows, groups);
}

std::uint32_t probe_groups(const GroupIndexView& index, const std::uint64_t* keys, std::uint32_t words,
                           const std::uint64_t* hashes, const Rows& rows, std::uint32_t* groups,
                           std::uint32_t* misses) {
  return WEIR_SIMD_TABLE(group_table).probe[words - 1](index, keys, hashes, rows, groups, misses);
}
std::uint32_t probe_groups(const GroupIndexView& index, const std::uint64_t* keys, const Rows& rows,
                           std::uint32_t* groups, std::uint32_t* misses) {
  return WEIR_SIMD_TABLE(group_table).probe[0](index, keys, nullptr, rows, groups, misses);
}

}  // namespace weir::simd
#endif
