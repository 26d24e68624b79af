// Counting into buckets and reading percentiles.
#include "weir/core/histogram.h"

#include <algorithm>
#include <cmath>

#include "weir/core/check.h"

namespace weir {

void Histogram::record(std::int64_t value, std::uint64_t times) noexcept {
  if (times == 0) return;
  if (value < 0) value = 0;
  buckets_[bucket_of(value)] += times;
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  count_ += times;
  sum_ += static_cast<double>(value) * static_cast<double>(times);
}

void Histogram::record_corrected(std::int64_t value, std::int64_t interval) noexcept {
  WEIR_CHECK_GE(interval, 1);
  record(value);
  for (std::int64_t missed = value - interval; missed >= interval; missed -= interval) record(missed);
}

void Histogram::merge(const Histogram& other) noexcept {
  if (other.count_ == 0) return;
  for (std::uint32_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
}

double Histogram::mean() const noexcept {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::int64_t Histogram::percentile(double percent) const noexcept {
  WEIR_CHECK(percent >= 0 && percent <= 100);
  if (count_ == 0) return 0;
  const double exact = std::ceil(percent / 100 * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count_);
  std::uint64_t below = 0;
  for (std::uint32_t i = 0; i < kBuckets; ++i) {
    below += buckets_[i];
    if (below >= rank) return std::clamp(bucket_top(i), min_, max_);
  }
  return max_;
}

}  // namespace weir
