// DdSketch: counts of values in buckets whose bounds grow by a factor, so that a quantile comes out within a relative
// error of the value itself, whatever the distribution. Two sketches of the same values are the same, in whatever order
// and parts they came, and values can be taken out again.
//
//   | total | zeros | NaN, infinities ─► | positive ─► counts from bucket `first` on | negative ─► … |
//
// A side with up to 8 buckets keeps them as a list. Order of values: -infinity, negative, zero, positive, +infinity,
// NaN. Bound: |estimate - x| <= accuracy * |x| for the value x at the rank, x normal (|x| >= 2.3e-308; below, x counts
// as 0). Source: Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
// Guarantees", VLDB 2019, with cubic interpolation of the logarithm and without the collapsing of buckets, which breaks
// the bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregates/state_piece.h"
#include "weir/simd/sketch.h"

namespace weir {

/// The buckets of one relative accuracy. Immutable.
class DdMapping {
 public:
  static constexpr double kAccuracyMin = 0.0005, kAccuracyMax = 0.5, kAccuracyDefault = 0.01;
  /// Requires: kAccuracyMin <= accuracy <= kAccuracyMax.
  explicit DdMapping(double accuracy) noexcept;

  simd::LogBuckets buckets_per_octave() const noexcept { return buckets_; }
  std::uint64_t bucket_min() const noexcept { return bucket_min_; }  ///< Of the least normal number.
  std::uint64_t bucket_max() const noexcept { return bucket_max_; }  ///< Of the greatest finite one.
  /// A value within the accuracy of all positive values of the bucket.
  double estimate(std::uint64_t bucket) const noexcept;

 private:
  double least_of(std::uint64_t bucket) const noexcept;

  simd::LogBuckets buckets_;
  std::uint64_t bucket_min_, bucket_max_;
};

/// Counts of buckets of one sign. All zeros when empty.
struct DdSide {
  struct Entry {
    std::int64_t count;
    std::uint64_t bucket;
  };
  static constexpr std::uint32_t kListed = 0xFFFFFFFFu;
  static constexpr std::uint32_t kEntriesMax = 8;

  StatePiece piece;     ///< Entries, or counts.
  std::uint32_t first;  ///< Bucket of counts[0], or kListed.
  std::uint32_t size;   ///< Counts, or entries in use.

  bool add(std::uint64_t bucket, std::int64_t count, StateHeap& heap) noexcept;
  /// Adds buckets within the range, `times` times each.
  bool add_block(const std::uint64_t* buckets, std::uint32_t count, const simd::LogBucketRange& range,
                 std::int64_t times, StateHeap& heap) noexcept;
  /// Makes room for the counts of these buckets; from then on they are counts.
  bool cover(std::uint64_t min, std::uint64_t max, StateHeap& heap) noexcept;
  bool covers(std::uint64_t min, std::uint64_t max) const noexcept {
    return first != kListed && size != 0 && min >= first && max - first < size;
  }
  std::int64_t* counts() const noexcept { return reinterpret_cast<std::int64_t*>(piece.data); }
  Entry* entries() const noexcept { return reinterpret_cast<Entry*>(piece.data); }
  bool listed() const noexcept { return first == kListed; }
  /// Calls body(bucket, count) for the counts that are not 0; ascending where not listed.
  template <class Body>
  void each(Body&& body) const {
    for (std::uint32_t i = 0; i < size; ++i) {
      const std::int64_t count = listed() ? entries()[i].count : counts()[i];
      if (count != 0) body(listed() ? entries()[i].bucket : std::uint64_t{first} + i, count);
    }
  }
};

/// All zeros when empty; may be moved with memcpy. Thread: the owning shard.
struct DdSketch {
  /// Of what has no bucket.
  struct Special {
    std::int64_t nan, positive_infinity, negative_infinity;
  };
  std::int64_t total;
  std::int64_t zeros;
  Special* special;  ///< Null where there were none.
  DdSide positive, negative;
  mutable StatePiece scratch;  ///< The partial.

  /// Adds the values `times` times each; -1 takes them out. Returns false where the heap is at its maximum.
  bool add(const DdMapping& mapping, const double* values, std::uint32_t count, StateHeap& heap,
           std::int64_t times = 1) noexcept;
  bool combine(const DdSketch& other, std::int64_t times, StateHeap& heap) noexcept;
  void release(StateHeap& heap) noexcept;
  /// The value at the rank floor(fraction * (total - 1)), ranks from 0. Requires: total > 0, 0 <= fraction <= 1.
  double quantile(const DdMapping& mapping, double fraction) const noexcept;
  /// Bytes in its scratch piece; no data where the heap is at its maximum.
  std::string_view partial(StateHeap& heap) const noexcept;
  bool add_partial(std::string_view bytes, StateHeap& heap) noexcept;

 private:
  bool add_block(const DdMapping& mapping, const double* values, std::uint32_t count, StateHeap& heap,
                 std::int64_t times) noexcept;
  bool add_mixed(const DdMapping& mapping, const double* values, std::uint32_t count, StateHeap& heap,
                 std::int64_t times) noexcept;
  bool add_one(const DdMapping& mapping, double value, StateHeap& heap, std::int64_t times) noexcept;
  bool add_special(double value, StateHeap& heap, std::int64_t times) noexcept;
};

}  // namespace weir
