// Watermark scans. A block of rows is on time as a whole when its least time lies above the watermark after it; only
// blocks that fail this are walked row by row.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "watermark.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy_compat-inl.h"

#ifndef WEIR_SIMD_WATERMARK_TABLE_
#define WEIR_SIMD_WATERMARK_TABLE_
#include <algorithm>
#include <cstdint>
#include <limits>

#include "dispatch.h"
#include "weir/simd/watermark.h"

namespace weir::simd {
inline constexpr std::uint32_t kScanBlock = 64;
struct WatermarkTable {
  /// Least time and greatest candidate of kScanBlock rows.
  void (*block)(const std::int64_t* times, const std::int64_t* candidates, std::int64_t* least, std::int64_t* greatest);
  /// The first row that is below the one before it, at most a block too early, or `count` where there is none.
  std::uint32_t (*rising)(const std::int64_t* times, std::uint32_t count);
};
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

void scan_block_kernel(const std::int64_t* times, const std::int64_t* candidates, std::int64_t* least,
                       std::int64_t* greatest) {
  const hn::ScalableTag<std::int64_t> d;
  constexpr std::size_t kLanes = HWY_LANES(std::int64_t);
  auto low = hn::LoadU(d, times), high = hn::LoadU(d, candidates);
  for (std::size_t i = kLanes; i < kScanBlock; i += kLanes) {
    low = hn::Min(low, hn::LoadU(d, times + i));
    high = hn::Max(high, hn::LoadU(d, candidates + i));
  }
  *least = hn::GetLane(hn::MinOfLanes(d, low));
  *greatest = hn::GetLane(hn::MaxOfLanes(d, high));
}

std::uint32_t rising_kernel(const std::int64_t* times, std::uint32_t count) {
  const hn::ScalableTag<std::int64_t> d;
  constexpr std::uint32_t kLanes = HWY_LANES(std::int64_t);
  std::uint32_t row = 1;
  for (; row + 4 * kLanes <= count; row += 4 * kLanes) {
    const auto falls = [&](std::uint32_t at)
                           HWY_ATTR { return hn::Lt(hn::LoadU(d, times + at), hn::LoadU(d, times + at - 1)); };
    const auto any =
        hn::Or(hn::Or(falls(row), falls(row + kLanes)), hn::Or(falls(row + 2 * kLanes), falls(row + 3 * kLanes)));
    if (!hn::AllFalse(d, any)) return row;
  }
  while (row < count && times[row] >= times[row - 1]) ++row;
  return row;
}

const WatermarkTable* watermark_table() {
  static constexpr WatermarkTable kTable = {&scan_block_kernel, &rising_kernel};
  return &kTable;
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
void scan_block_kernel(const std::int64_t* times, const std::int64_t* candidates, std::int64_t* least,
                       std::int64_t* greatest) {
  *least = times[0];
  *greatest = candidates[0];
  for (std::uint32_t i = 1; i < kScanBlock; ++i) {
    *least = std::min(*least, times[i]);
    *greatest = std::max(*greatest, candidates[i]);
  }
}
std::uint32_t rising_kernel(const std::int64_t* times, std::uint32_t count) {
  std::uint32_t row = 1;
  while (row < count && times[row] >= times[row - 1]) ++row;
  return row;
}
const WatermarkTable* watermark_table() {
  static constexpr WatermarkTable kTable = {&scan_block_kernel, &rising_kernel};
  return &kTable;
}
}  // namespace
}  // namespace plain

HWY_EXPORT(watermark_table);

namespace {

/// time - delay, held at the ends of int64.
std::int64_t minus_delay(std::int64_t time, std::int64_t delay) noexcept {
  std::int64_t result;
  if (!__builtin_sub_overflow(time, delay, &result)) return result;
  return delay > 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

/// The candidate of each row: its time less the delay, or a value of its own, which may be NULL.
struct Delayed {
  const std::int64_t* times;
  std::int64_t delay;
  const std::uint64_t* validity;
  const std::int64_t* vector() const noexcept { return times; }
  std::int64_t of(std::int64_t value) const noexcept { return minus_delay(value, delay); }
};
struct Given {
  const std::int64_t* candidates;
  const std::uint64_t* validity;
  const std::int64_t* vector() const noexcept { return candidates; }
  std::int64_t of(std::int64_t value) const noexcept { return value; }
};
bool bit(const std::uint64_t* words, std::uint32_t row) noexcept {
  return words == nullptr || (words[row / 64] >> (row % 64) & 1) != 0;
}
bool whole(const std::uint64_t* words, std::uint32_t row) noexcept {
  return words == nullptr || words[row / 64] == ~std::uint64_t{0};
}

template <class Source>
WatermarkScan scan(const std::int64_t* times, const Source& source, const Rows& rows, std::int64_t start) {
  WatermarkScan result{true, start};
  const auto walk = [&](std::uint32_t row) {
    if (rows.valid(row) && times[row] <= result.watermark) result.all_on_time = false;
    if (bit(source.validity, row)) result.watermark = std::max(result.watermark, source.of(source.vector()[row]));
  };
  if (rows.selection != nullptr) {
    for (std::uint32_t i = 0; i < rows.count; ++i) walk(rows.selection[i]);
    return result;
  }
  const auto block = WEIR_SIMD_TABLE(watermark_table).block;
  std::uint32_t row = 0;
  for (; row + kScanBlock <= rows.count; row += kScanBlock) {
    if (whole(rows.validity, row) && whole(source.validity, row)) {
      std::int64_t least, greatest;
      block(times + row, source.vector() + row, &least, &greatest);
      const std::int64_t after = std::max(result.watermark, source.of(greatest));
      if (least > after || !result.all_on_time) {
        result.watermark = after;
        continue;
      }
    }
    for (std::uint32_t i = 0; i < kScanBlock; ++i) walk(row + i);
  }
  for (; row < rows.count; ++row) walk(row);
  return result;
}

template <class Source>
std::int64_t watermarks(const Source& source, const Rows& rows, std::int64_t start, std::int64_t* before) {
  std::int64_t watermark = start;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    before[row] = watermark;
    const std::int64_t candidate = source.of(source.vector()[row]);
    watermark = bit(source.validity, row) && candidate > watermark ? candidate : watermark;
  }
  return watermark;
}

}  // namespace

bool never_falls(const std::int64_t* times, std::uint32_t count) {
  return count < 2 || WEIR_SIMD_TABLE(watermark_table).rising(times, count) == count;
}

WatermarkScan scan_watermark(const std::int64_t* times, std::int64_t delay, const Rows& rows, std::int64_t start) {
  return scan(times, Delayed{times, delay, rows.validity}, rows, start);
}
WatermarkScan scan_watermark(const std::int64_t* times, const std::int64_t* candidates,
                             const std::uint64_t* candidate_validity, const Rows& rows, std::int64_t start) {
  return scan(times, Given{candidates, candidate_validity}, rows, start);
}
std::int64_t row_watermarks(const std::int64_t* times, std::int64_t delay, const Rows& rows, std::int64_t start,
                            std::int64_t* before) {
  return watermarks(Delayed{times, delay, rows.validity}, rows, start, before);
}
std::int64_t row_watermarks(const std::int64_t* candidates, const std::uint64_t* candidate_validity, const Rows& rows,
                            std::int64_t start, std::int64_t* before) {
  return watermarks(Given{candidates, candidate_validity}, rows, start, before);
}

}  // namespace weir::simd
#endif
