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
  SplitLogBuckets (*split_log_buckets)(const double*, std::uint32_t, LogBuckets, std::uint64_t, std::uint64_t,
                                       std::uint64_t*, std::uint64_t*, std::uint64_t*);
  void (*max_registers)(const std::uint8_t*, std::uint32_t, std::uint8_t*);
  std::uint32_t (*count_known_tokens)(const std::uint64_t*, std::uint32_t, const std::uint32_t*, std::uint32_t);
};

inline constexpr std::uint32_t kPlacesLookedAt = 8;

inline std::uint32_t first_place(std::uint32_t token, std::uint32_t places) noexcept {
  return std::min((token >> kTokenRunBits) & (places - 1), places - kPlacesLookedAt);
}

inline LogBucketRange log_buckets_from(const double* values, std::uint32_t first, std::uint32_t count,
                                       LogBuckets buckets, std::uint64_t* to, LogBucketRange range) noexcept {
  for (std::uint32_t i = first; i < count; ++i) {
    to[i] = log_bucket_of_bits(std::bit_cast<std::uint64_t>(values[i]), buckets);
    range = {std::min(range.min, to[i]), std::max(range.max, to[i])};
  }
  return range;
}

inline void split_from(const double* values, std::uint32_t first, std::uint32_t count, LogBuckets buckets,
                       std::uint64_t least, std::uint64_t most, std::uint64_t* positive, std::uint64_t* negative,
                       std::uint64_t* others, SplitLogBuckets& split) noexcept {
  const auto widen = [](LogBucketRange& range, std::uint64_t bucket) {
    range = {std::min(range.min, bucket), std::max(range.max, bucket)};
  };
  for (std::uint32_t i = first; i < count; ++i) {
    const std::uint64_t bucket = log_bucket(values[i], buckets);
    if (bucket <= least || bucket >= most) {
      others[split.others++] = i;
    } else if (std::bit_cast<std::uint64_t>(values[i]) >> 63 == 0) {
      positive[split.positive++] = bucket;
      widen(split.positive_range, bucket);
    } else {
      negative[split.negative++] = bucket;
      widen(split.negative_range, bucket);
    }
  }
}

}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

using Words = hn::ScalableTag<std::uint64_t>;
using Halves = hn::Repartition<std::uint32_t, Words>;
constexpr std::uint32_t kWords = HWY_LANES(std::uint64_t);

// The words are below 2^32, but for `bits`; products are of the low halves. log2 * buckets needs 32 bits of each.
template <class V>
HWY_INLINE V buckets_of(V bits, LogBuckets buckets) {
  const Words d;
  const Halves d32;
  const auto a = hn::BitCast(d32, hn::Set(d, 736'280'108u));
  const auto b = hn::Set(d, 2'576'980'378u);
  const auto c = hn::Set(d, 3'067'833'783u);
  const auto mantissa = hn::BitCast(d32, hn::And(hn::ShiftRight<20>(bits), hn::Set(d, 0xFFFFFFFFu)));
  const auto square = hn::Sub(b, hn::ShiftRight<32>(hn::MulEven(a, mantissa)));
  const auto slope = hn::Sub(c, hn::ShiftRight<33>(hn::MulEven(hn::BitCast(d32, square), mantissa)));
  const auto fraction = hn::ShiftRight<31>(hn::MulEven(hn::BitCast(d32, slope), mantissa));
  const auto log = hn::Add(hn::ShiftLeft<20>(hn::ShiftRight<52>(bits)), hn::ShiftRight<12>(fraction));
  const auto scale = hn::BitCast(d32, hn::Set(d, buckets));
  return hn::ShiftRight<20 + kLogBucketsPoint>(hn::MulEven(hn::BitCast(d32, log), scale));
}

/// The range of the halves' least and greatest, of which every target has a minimum; 2^32 - 1 stands for none.
template <class V>
HWY_INLINE LogBucketRange range_of(V least, V greatest) {
  const Words d;
  std::uint64_t low[kWords], high[kWords];
  hn::StoreU(hn::And(hn::BitCast(d, least), hn::Set(d, 0xFFFFFFFFu)), d, low);
  hn::StoreU(hn::BitCast(d, greatest), d, high);
  LogBucketRange found;
  for (std::uint32_t lane = 0; lane < kWords; ++lane) {
    if (low[lane] != 0xFFFFFFFFu && low[lane] < found.min) found.min = low[lane];
    if (high[lane] > found.max) found.max = high[lane];
  }
  return found;
}

LogBucketRange log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t* to) {
  const Words d;
  const Halves d32;
  auto least = hn::Set(d32, 0xFFFFFFFFu);
  auto greatest = hn::Zero(d32);
  std::uint32_t i = 0;
  for (; i + kWords <= count; i += kWords) {
    const auto bucket = buckets_of(hn::LoadU(d, reinterpret_cast<const std::uint64_t*>(values) + i), buckets);
    hn::StoreU(bucket, d, to + i);
    least = hn::Min(least, hn::BitCast(d32, bucket));
    greatest = hn::Max(greatest, hn::BitCast(d32, bucket));
  }
  return log_buckets_from(values, i, count, buckets, to, range_of(least, greatest));
}

SplitLogBuckets split_log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t least,
                                  std::uint64_t most, std::uint64_t* positive, std::uint64_t* negative,
                                  std::uint64_t* others) {
  const Words d;
  const hn::RebindToSigned<Words> di;
  const auto low = hn::BitCast(di, hn::Set(d, least));
  const auto high = hn::BitCast(di, hn::Set(d, most));
  const auto none = hn::Set(d, 0xFFFFFFFFu);
  const Halves d32;
  auto least_above = hn::Set(d32, 0xFFFFFFFFu), least_below = least_above;
  auto greatest_above = hn::Zero(d32), greatest_below = greatest_above;
  SplitLogBuckets split;
  std::uint32_t i = 0;
  for (; i + kWords <= count; i += kWords) {
    const auto bits = hn::LoadU(d, reinterpret_cast<const std::uint64_t*>(values) + i);
    const auto bucket = buckets_of(hn::And(bits, hn::Set(d, ~std::uint64_t{0} >> 1)), buckets);
    const auto signed_bucket = hn::BitCast(di, bucket);
    const auto inside = hn::And(hn::Gt(signed_bucket, low), hn::Lt(signed_bucket, high));
    const auto minus = hn::Lt(hn::BitCast(di, bits), hn::Zero(di));
    const auto is_positive = hn::RebindMask(d, hn::AndNot(minus, inside));
    const auto is_negative = hn::RebindMask(d, hn::And(minus, inside));
    least_above = hn::Min(least_above, hn::BitCast(d32, hn::IfThenElse(is_positive, bucket, none)));
    least_below = hn::Min(least_below, hn::BitCast(d32, hn::IfThenElse(is_negative, bucket, none)));
    greatest_above = hn::Max(greatest_above, hn::BitCast(d32, hn::IfThenElseZero(is_positive, bucket)));
    greatest_below = hn::Max(greatest_below, hn::BitCast(d32, hn::IfThenElseZero(is_negative, bucket)));
    split.positive += static_cast<std::uint32_t>(hn::CompressStore(bucket, is_positive, d, positive + split.positive));
    split.negative += static_cast<std::uint32_t>(hn::CompressStore(bucket, is_negative, d, negative + split.negative));
    if (!hn::AllTrue(di, inside)) {
      const auto places = hn::Iota(d, std::uint64_t{i});
      split.others += static_cast<std::uint32_t>(
          hn::CompressStore(places, hn::RebindMask(d, hn::Not(inside)), d, others + split.others));
    }
  }
  split.positive_range = range_of(least_above, greatest_above);
  split.negative_range = range_of(least_below, greatest_below);
  split_from(values, i, count, buckets, least, most, positive, negative, others, split);
  return split;
}

void max_registers(const std::uint8_t* from, std::uint32_t count, std::uint8_t* to) {
  const hn::ScalableTag<std::uint8_t> d;
  constexpr std::uint32_t kLanes = HWY_LANES(std::uint8_t);
  std::uint32_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(hn::Max(hn::LoadU(d, from + i), hn::LoadU(d, to + i)), d, to + i);
  for (; i < count; ++i) to[i] = from[i] > to[i] ? from[i] : to[i];
}

std::uint32_t count_known_tokens(const std::uint64_t* hashes, std::uint32_t count, const std::uint32_t* tokens,
                                 std::uint32_t places) {
  const hn::CappedTag<std::uint32_t, kPlacesLookedAt> d;
  constexpr std::uint32_t kLanes = static_cast<std::uint32_t>(hn::MaxLanes(d));
  const auto look = [&](std::uint64_t hash) HWY_ATTR {
    const std::uint32_t token = token_of_hash(hash);
    const std::uint32_t* from = tokens + first_place(token, places);
    const auto wanted = hn::Set(d, token);
    auto found = hn::VecFromMask(d, hn::Eq(hn::LoadU(d, from), wanted));
    for (std::uint32_t lane = kLanes; lane < kPlacesLookedAt; lane += kLanes)
      found = hn::Or(found, hn::VecFromMask(d, hn::Eq(hn::LoadU(d, from + lane), wanted)));
    return found;
  };
  const auto known = [&](auto found) HWY_ATTR { return !hn::AllFalse(d, hn::Ne(found, hn::Zero(d))); };
  std::uint32_t i = 0;
  for (; i < count && known(look(hashes[i])); ++i) {
  }
  return i;
}

const SketchTable* sketch_table() {
  static constexpr SketchTable kTable = {&log_buckets, &split_log_buckets, &max_registers, &count_known_tokens};
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
SplitLogBuckets split_log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t least,
                                  std::uint64_t most, std::uint64_t* positive, std::uint64_t* negative,
                                  std::uint64_t* others) {
  SplitLogBuckets split;
  split_from(values, 0, count, buckets, least, most, positive, negative, others, split);
  return split;
}
void max_registers(const std::uint8_t* from, std::uint32_t count, std::uint8_t* to) {
  for (std::uint32_t i = 0; i < count; ++i) to[i] = std::max(from[i], to[i]);
}
std::uint32_t count_known_tokens(const std::uint64_t* hashes, std::uint32_t count, const std::uint32_t* tokens,
                                 std::uint32_t places) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t token = token_of_hash(hashes[i]);
    const std::uint32_t* from = tokens + first_place(token, places);
    if (std::find(from, from + kPlacesLookedAt, token) == from + kPlacesLookedAt) return i;
  }
  return count;
}
const SketchTable* sketch_table() {
  static constexpr SketchTable kTable = {&log_buckets, &split_log_buckets, &max_registers, &count_known_tokens};
  return &kTable;
}

}  // namespace
}  // namespace plain

HWY_EXPORT(sketch_table);

LogBucketRange log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t* to) {
  return WEIR_SIMD_TABLE(sketch_table).log_buckets(values, count, buckets, to);
}
SplitLogBuckets split_log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t least,
                                  std::uint64_t most, std::uint64_t* positive, std::uint64_t* negative,
                                  std::uint64_t* others) {
  return WEIR_SIMD_TABLE(sketch_table)
      .split_log_buckets(values, count, buckets, least, most, positive, negative, others);
}
std::uint32_t count_known_tokens(const std::uint64_t* hashes, std::uint32_t count, const std::uint32_t* tokens,
                                 std::uint32_t places) {
  return WEIR_SIMD_TABLE(sketch_table).count_known_tokens(hashes, count, tokens, places);
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
