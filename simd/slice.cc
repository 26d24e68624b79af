// Slice starts and shard numbers: loops that the compiler turns into vector code for every target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "slice.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy_compat-inl.h"

#ifndef WEIR_SIMD_SLICE_TABLE_
#define WEIR_SIMD_SLICE_TABLE_
#include <bit>
#include <cstdint>

#include "dispatch.h"
#include "weir/simd/partition.h"
#include "weir/simd/reduce.h"
#include "weir/simd/slice.h"

namespace weir::simd {
struct SliceTable {
  void (*starts)(const std::int64_t* times, std::uint32_t count, std::int64_t base, std::int64_t size,
                 std::int64_t* starts);
  void (*fill)(std::int64_t value, std::uint32_t count, std::int64_t* out);
  std::uint32_t (*stretches)(const std::int64_t* times, std::uint32_t count, std::int64_t size, std::int64_t offset,
                             SliceStretch* out);
  void (*shards)(const std::uint64_t* hashes, std::uint32_t rows, std::uint32_t count, std::uint32_t* shards);
};

inline bool in_slice(std::int64_t time, std::int64_t start, std::int64_t size) noexcept {
  return static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(start) < static_cast<std::uint64_t>(size);
}
/// slice_start where the slice is likely to be the one behind `before`: no division then.
inline std::int64_t next_slice_start(std::int64_t time, std::int64_t before, std::int64_t size,
                                     std::int64_t offset) noexcept {
  const auto next = static_cast<std::int64_t>(static_cast<std::uint64_t>(before) + static_cast<std::uint64_t>(size));
  return next > before && in_slice(time, next, size) ? next : slice_start(time, size, offset);
}
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

/// The first row from `row` on that is not in the slice, or `count`.
HWY_INLINE std::uint32_t slice_end(const std::int64_t* times, std::uint32_t row, std::uint32_t count,
                                   std::int64_t start, std::int64_t size) {
  const hn::ScalableTag<std::int64_t> d;
  constexpr std::uint32_t kLanes = HWY_LANES(std::int64_t);
  constexpr std::uint64_t kAll = (std::uint64_t{1} << kLanes) - 1;
  const auto base = hn::Set(d, start), length = hn::Set(d, size), below = hn::Set(d, std::int64_t{-1});
  for (; row + kLanes <= count; row += kLanes) {
    const auto x = hn::Sub(hn::LoadU(d, times + row), base);
    const std::uint64_t inside = mask_bits(d, hn::And(hn::Lt(x, length), hn::Lt(below, x))) & kAll;
    if (inside != kAll) return row + static_cast<std::uint32_t>(std::countr_one(inside));
  }
  while (row < count && in_slice(times[row], start, size)) ++row;
  return row;
}

#include "slice_loops-inl.h"
}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
std::uint32_t slice_end(const std::int64_t* times, std::uint32_t row, std::uint32_t count, std::int64_t start,
                        std::int64_t size) {
  while (row < count && in_slice(times[row], start, size)) ++row;
  return row;
}
#include "slice_loops-inl.h"
}  // namespace
}  // namespace plain

HWY_EXPORT(slice_table);

bool slice_starts(const std::int64_t* times, std::int64_t size, std::int64_t offset, const Rows& rows,
                  std::int64_t* starts) {
  std::int64_t least, greatest;
  if (!min_max(times, rows, &least, &greatest)) return true;
  const std::int64_t base = slice_start(least, size, offset);
  // Unsigned, since a batch may span more than int64 holds.
  const std::uint64_t span = static_cast<std::uint64_t>(greatest) - static_cast<std::uint64_t>(base);
  if (span < static_cast<std::uint64_t>(size)) {
    if (rows.selection == nullptr) {
      WEIR_SIMD_TABLE(slice_table).fill(base, rows.count, starts);
    } else {
      for (std::uint32_t i = 0; i < rows.count; ++i) starts[rows.selection[i]] = base;
    }
    return true;
  }
  if (rows.selection == nullptr && span < std::uint64_t{1} << 51 && size < std::int64_t{1} << 51) {
    WEIR_SIMD_TABLE(slice_table).starts(times, rows.count, base, size, starts);
    return false;
  }
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    if (rows.valid(row)) starts[row] = slice_start(times[row], size, offset);
  }
  return false;
}

std::uint32_t slice_stretches(const std::int64_t* times, std::int64_t size, std::int64_t offset, const Rows& rows,
                              SliceStretch* out) {
  if (rows.count == 0) return 0;
  if (rows.selection == nullptr) return WEIR_SIMD_TABLE(slice_table).stretches(times, rows.count, size, offset, out);
  std::uint32_t count = 0;
  std::int64_t start = slice_start(times[rows[0]], size, offset);
  std::uint32_t begin = 0;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::int64_t time = times[rows.selection[i]];
    if (in_slice(time, start, size)) continue;
    out[count++] = {start, begin, i - begin};
    begin = i;
    start = next_slice_start(time, start, size, offset);
  }
  out[count++] = {start, begin, rows.count - begin};
  return count;
}

void shard_numbers(const std::uint64_t* hashes, const Rows& rows, std::uint32_t count, std::uint32_t* shards) {
  WEIR_SIMD_TABLE(slice_table).shards(hashes, rows.end(), count, shards);
}

void partition_rows(const std::uint32_t* numbers, const Rows& rows, std::uint32_t count, std::uint32_t* out,
                    std::uint32_t* offsets) {
  std::uint32_t next[kPartitionShardsMax];
  for (std::uint32_t part = 0; part < count; ++part) next[part] = 0;
  for (std::uint32_t i = 0; i < rows.count; ++i) ++next[numbers[rows[i]]];
  std::uint32_t sum = 0;
  for (std::uint32_t part = 0; part < count; ++part) {
    offsets[part] = sum;
    sum += next[part];
    next[part] = offsets[part];
  }
  offsets[count] = sum;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    out[next[numbers[row]]++] = row;
  }
}

}  // namespace weir::simd
#endif
