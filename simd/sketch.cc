// Kernels of sketches: eight doubles at a time to their buckets; registers one by one, since two of a vector may be the
// same one, in blocks so that the loads of their places run ahead.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sketch.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy_compat-inl.h"

#ifndef WEIR_SIMD_SKETCH_TABLE_
#define WEIR_SIMD_SKETCH_TABLE_
#include <algorithm>
#include <bit>
#include <cstdint>

#include "dispatch.h"
#include "weir/simd/sketch.h"

namespace weir::simd {

struct SketchTable {
  LogBucketRange (*log_buckets)(const double*, std::uint32_t, LogBuckets, std::uint64_t*);
  void (*max_registers)(const std::uint8_t*, std::uint32_t, std::uint8_t*);
};

inline LogBucketRange log_buckets_from(const double* values, std::uint32_t first, std::uint32_t count,
                                       LogBuckets buckets, std::uint64_t* to, LogBucketRange range) noexcept {
  for (std::uint32_t i = first; i < count; ++i) {
    to[i] = log_bucket_of_bits(std::bit_cast<std::uint64_t>(values[i]), buckets);
    range = {std::min(range.min, to[i]), std::max(range.max, to[i])};
  }
  return range;
}

}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

// The words are below 2^32, but for `bits`; products are of the low halves. log2 * buckets needs 32 bits of each.
LogBucketRange log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t* to) {
  const hn::ScalableTag<std::uint64_t> d;
  const hn::Repartition<std::uint32_t, decltype(d)> d32;
  constexpr std::uint32_t kLanes = HWY_LANES(std::uint64_t);
  if (count < kLanes) return log_buckets_from(values, 0, count, buckets, to, {});
  const auto a = hn::BitCast(d32, hn::Set(d, 736'280'108u));
  const auto b = hn::Set(d, 2'576'980'378u);
  const auto c = hn::Set(d, 3'067'833'783u);
  const auto scale = hn::BitCast(d32, hn::Set(d, buckets));
  const auto low = hn::Set(d, 0xFFFFFFFFu);
  auto least = hn::Set(d32, 0xFFFFFFFFu);
  auto greatest = hn::Zero(d32);
  std::uint32_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const auto bits = hn::LoadU(d, reinterpret_cast<const std::uint64_t*>(values) + i);
    const auto mantissa = hn::BitCast(d32, hn::And(hn::ShiftRight<20>(bits), low));
    const auto square = hn::Sub(b, hn::ShiftRight<32>(hn::MulEven(a, mantissa)));
    const auto slope = hn::Sub(c, hn::ShiftRight<33>(hn::MulEven(hn::BitCast(d32, square), mantissa)));
    const auto fraction = hn::ShiftRight<31>(hn::MulEven(hn::BitCast(d32, slope), mantissa));
    const auto log = hn::Add(hn::ShiftLeft<20>(hn::ShiftRight<52>(bits)), hn::ShiftRight<12>(fraction));
    const auto bucket = hn::ShiftRight<20 + kLogBucketsPoint>(hn::MulEven(hn::BitCast(d32, log), scale));
    hn::StoreU(bucket, d, to + i);
    least = hn::Min(least, hn::BitCast(d32, bucket));
    greatest = hn::Max(greatest, hn::BitCast(d32, bucket));
  }
  std::uint64_t lanes[2][kLanes];
  hn::StoreU(hn::And(hn::BitCast(d, least), low), d, lanes[0]);
  hn::StoreU(hn::BitCast(d, greatest), d, lanes[1]);
  LogBucketRange range;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane)
    range = {lanes[0][lane] < range.min ? lanes[0][lane] : range.min,
             lanes[1][lane] > range.max ? lanes[1][lane] : range.max};
  return log_buckets_from(values, i, count, buckets, to, range);
}

void max_registers(const std::uint8_t* from, std::uint32_t count, std::uint8_t* to) {
  const hn::ScalableTag<std::uint8_t> d;
  constexpr std::uint32_t kLanes = HWY_LANES(std::uint8_t);
  std::uint32_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(hn::Max(hn::LoadU(d, from + i), hn::LoadU(d, to + i)), d, to + i);
  for (; i < count; ++i) to[i] = from[i] > to[i] ? from[i] : to[i];
}

const SketchTable* sketch_table() {
  static constexpr SketchTable kTable = {&log_buckets, &max_registers};
  return &kTable;
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {

LogBucketRange log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t* to) {
  return log_buckets_from(values, 0, count, buckets, to, {});
}
void max_registers(const std::uint8_t* from, std::uint32_t count, std::uint8_t* to) {
  for (std::uint32_t i = 0; i < count; ++i) to[i] = std::max(from[i], to[i]);
}
const SketchTable* sketch_table() {
  static constexpr SketchTable kTable = {&log_buckets, &max_registers};
  return &kTable;
}

}  // namespace
}  // namespace plain

HWY_EXPORT(sketch_table);

LogBucketRange log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t* to) {
  return WEIR_SIMD_TABLE(sketch_table).log_buckets(values, count, buckets, to);
}
void max_registers(const std::uint8_t* from, std::uint32_t count, std::uint8_t* to) {
  WEIR_SIMD_TABLE(sketch_table).max_registers(from, count, to);
}

void raise_registers(const std::uint64_t* hashes, std::uint32_t count, unsigned precision, std::uint8_t* registers) {
  const std::uint64_t guard = std::uint64_t{1} << (precision - 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t hash = hashes[i];
    const auto value = static_cast<std::uint8_t>(std::countl_zero(hash << precision | guard) + 1);
    std::uint8_t& place = registers[hash >> (64 - precision)];
    if (value > place) [[unlikely]]
      place = value;
  }
}

}  // namespace weir::simd
#endif
