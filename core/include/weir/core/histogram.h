// Histogram: a distribution of latencies in fixed memory. Below 256 values have a bucket each; above, every power of
// two has 128 of equal width, so that a percentile is at most 1/128 above the value that it stands for. Two histograms
// merge by adding.
//
//   value    0 … 255   256 … 511       512 … 1023      …   up to 2^63-1
//   bucket   1 wide    2 wide (128)    4 wide (128)
//
// Source: Tene, HdrHistogram (the layout).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace weir {

/// Thread: one at a time. Allocates: never; about 57 KiB.
class Histogram {
 public:
  /// Counts a value `times` times; a negative one as 0. Cost: a few instructions and one line.
  void record(std::int64_t value, std::uint64_t times = 1) noexcept;
  /// Counts also those that a caller that waited for this one could not start: value - interval, value - 2 interval, …
  /// down to interval (coordinated omission). Requires: interval >= 1.
  void record_corrected(std::int64_t value, std::int64_t interval) noexcept;
  void merge(const Histogram& other) noexcept;
  void clear() noexcept { *this = Histogram(); }

  std::uint64_t count() const noexcept { return count_; }
  std::int64_t min() const noexcept { return count_ == 0 ? 0 : min_; }  ///< Exact.
  std::int64_t max() const noexcept { return max_; }                    ///< Exact.
  double mean() const noexcept;                                         ///< Exact but for rounding.
  /// The smallest recorded value, up to its bucket's width, that at least `percent` of all values do not exceed; never
  /// above max(). Requires: 0 <= percent <= 100. 0 when nothing was recorded.
  std::int64_t percentile(double percent) const noexcept;

  static constexpr std::uint32_t kBuckets = 256 + (63 - 8) * 128;
  static constexpr std::uint32_t bucket_of(std::int64_t value) noexcept {
    const auto v = static_cast<std::uint64_t>(value);
    if (v < 256) return static_cast<std::uint32_t>(v);
    const auto shift = static_cast<std::uint32_t>(std::bit_width(v)) - 8;
    return 256 + (shift - 1) * 128 + static_cast<std::uint32_t>((v >> shift) - 128);
  }
  /// The largest value of a bucket.
  static constexpr std::int64_t bucket_top(std::uint32_t bucket) noexcept {
    if (bucket < 256) return bucket;
    const std::uint32_t shift = (bucket - 256) / 128 + 1;
    const std::uint64_t high = 128 + (bucket - 256) % 128;
    return static_cast<std::int64_t>(((high + 1) << shift) - 1);
  }

 private:
  std::uint64_t count_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
  double sum_ = 0;
  std::array<std::uint64_t, kBuckets> buckets_{};
};

}  // namespace weir
