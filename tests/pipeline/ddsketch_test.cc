// DdSketch against sorted values: its relative error, its buckets, and that order and parts change nothing.
#include "aggregates/ddsketch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "sketch_support.h"

namespace weir {
namespace {

using namespace test;

std::vector<double> sorted_of(std::vector<double> values) {
  std::sort(values.begin(), values.end(), [](double a, double b) { return order_key(a) < order_key(b); });
  return values;
}

void expect_near(double estimate, double exact, double accuracy) {
  if (std::isnan(exact) || std::isinf(exact) || exact == 0) {
    EXPECT_TRUE(estimate == exact || (std::isnan(exact) && std::isnan(estimate))) << estimate << " not " << exact;
  } else {
    EXPECT_LE(std::abs(estimate - exact), accuracy * std::abs(exact) * (1 + 1e-12)) << estimate << " not " << exact;
  }
}

void expect_quantiles(const DdSketch& sketch, const DdMapping& mapping, const std::vector<double>& sorted,
                      double accuracy) {
  ASSERT_EQ(sketch.total, static_cast<std::int64_t>(sorted.size()));
  for (const double fraction : fractions()) {
    const double exact = sorted[static_cast<std::size_t>(fraction * static_cast<double>(sorted.size() - 1))];
    expect_near(sketch.quantile(mapping, fraction), exact, accuracy);
  }
}

TEST(DdSketch, IsWithinItsRelativeErrorForEveryDistributionAndSize) {
  Random random(1);
  for (const double accuracy : {0.001, 0.01, 0.1, 0.5}) {
    const DdMapping mapping(accuracy);
    for (int distribution = 0; distribution < kDistributions; ++distribution) {
      for (const std::size_t size : {1u, 2u, 3u, 7u, 100u, 1000u, 100'000u}) {
        SCOPED_TRACE(std::to_string(distribution) + " size " + std::to_string(size));
        OwnHeap memory;
        const std::vector<double> values = draw_values(distribution, size, random);
        DdSketch sketch{};
        ASSERT_TRUE(sketch.add(mapping, values.data(), static_cast<std::uint32_t>(size), memory.heap));
        expect_quantiles(sketch, mapping, sorted_of(values), accuracy);
        sketch.release(memory.heap);
        EXPECT_EQ(memory.heap.bytes_taken(), 0u);
      }
    }
  }
}

TEST(DdSketch, EveryBucketHoldsItsEstimateWithinTheAccuracy) {
  Random random(2);
  for (const double accuracy : {0.0005, 0.01, 0.03}) {
    const DdMapping mapping(accuracy);
    for (int i = 0; i < 20'000; ++i) {
      double value = std::exp2(random.unit() * 2045.9 - 1022);
      if (i == 0) value = std::numeric_limits<double>::min();
      if (i == 1) value = std::numeric_limits<double>::max();
      // At an octave's ends, where the polynomials meet.
      if (i % 4 == 2) value = std::ldexp(1.0, static_cast<int>(random.below(2000)) - 1000);
      if (i % 4 == 3) value = std::nextafter(std::ldexp(1.0, static_cast<int>(random.below(2000)) - 1000), 0);
      const std::uint64_t bucket = simd::log_bucket(value, mapping.buckets_per_octave());
      ASSERT_GE(bucket, mapping.bucket_min());
      ASSERT_LE(bucket, mapping.bucket_max());
      ASSERT_LE(std::abs(mapping.estimate(bucket) - value), accuracy * value) << value;
    }
  }
}

TEST(DdSketch, KeepsZeroNegativesInfinitiesAndNanApart) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> values = {-kInf, -1e300, -1, -1e-300, -0.0, 0.0, 5e-324, 1e-300, 1, 1e300, kInf, kNan};
  const DdMapping mapping(0.01);
  OwnHeap memory;
  DdSketch sketch{};
  ASSERT_TRUE(sketch.add(mapping, values.data(), static_cast<std::uint32_t>(values.size()), memory.heap));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double estimate = sketch.quantile(mapping, (static_cast<double>(i) + 0.5) / 11);
    expect_near(estimate, std::abs(values[i]) < 1e-307 ? 0 : values[i], 0.01);
  }
  sketch.release(memory.heap);
}

/// Some values of every kind, so that all paths are taken.
std::vector<double> mixed_values(std::size_t size, Random& random) {
  std::vector<double> values = draw_values(static_cast<int>(random.below(kDistributions)), size, random);
  for (double& value : values) {
    if (random.chance(1, 50)) value = 0;
    if (random.chance(1, 200)) value = std::numeric_limits<double>::quiet_NaN();
    if (random.chance(1, 200)) value = std::numeric_limits<double>::infinity() * (random.chance(1, 2) ? 1 : -1);
  }
  return values;
}

TEST(DdSketch, GivesTheSameBitsForEveryOrderBatchAndTree) {
  const DdMapping mapping(0.02);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    OwnHeap memory;
    const std::vector<double> values = mixed_values(1 + random.below(5000), random);
    DdSketch whole{};
    ASSERT_TRUE(whole.add(mapping, values.data(), static_cast<std::uint32_t>(values.size()), memory.heap));
    std::vector<DdSketch> parts(1 + random.below(6));
    for (std::size_t at = values.size(); at > 0;) {
      const std::size_t count = std::min<std::size_t>(at, 1 + random.below(600));
      at -= count;
      ASSERT_TRUE(parts[random.below(parts.size())].add(mapping, values.data() + at, static_cast<std::uint32_t>(count),
                                                        memory.heap));
    }
    while (parts.size() > 1) {
      DdSketch& to = parts[random.below(parts.size() - 1)];
      if (random.chance(1, 2)) {
        ASSERT_TRUE(to.combine(parts.back(), 1, memory.heap));
      } else {
        ASSERT_TRUE(to.add_partial(parts.back().partial(memory.heap), memory.heap));
      }
      parts.back().release(memory.heap);
      parts.pop_back();
    }
    for (const double fraction : fractions()) {
      const double left = whole.quantile(mapping, fraction), right = parts[0].quantile(mapping, fraction);
      EXPECT_EQ(order_key(left), order_key(right));
    }
    whole.release(memory.heap);
    parts[0].release(memory.heap);
    EXPECT_EQ(memory.heap.bytes_taken(), 0u);
  }
}

TEST(DdSketch, ForgetsValuesThatAreTakenOut) {
  const DdMapping mapping(0.01);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    OwnHeap memory;
    const std::vector<double> kept = mixed_values(1 + random.below(2000), random);
    const std::vector<double> gone = mixed_values(1 + random.below(2000), random);
    const auto size = [](const std::vector<double>& values) { return static_cast<std::uint32_t>(values.size()); };
    DdSketch sketch{}, expected{};
    ASSERT_TRUE(sketch.add(mapping, gone.data(), size(gone), memory.heap));
    ASSERT_TRUE(sketch.add(mapping, kept.data(), size(kept), memory.heap));
    ASSERT_TRUE(sketch.add(mapping, gone.data(), size(gone), memory.heap, -1));
    ASSERT_TRUE(expected.add(mapping, kept.data(), size(kept), memory.heap));
    ASSERT_EQ(sketch.total, expected.total);
    for (const double fraction : fractions())
      EXPECT_EQ(order_key(sketch.quantile(mapping, fraction)), order_key(expected.quantile(mapping, fraction)));
    sketch.release(memory.heap);
    expected.release(memory.heap);
  }
}

}  // namespace
}  // namespace weir
