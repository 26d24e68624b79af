// HyperLogLog against exact counts: its standard error over many sets, and that order and parts change nothing.
#include "aggregates/hyperloglog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "sketch_support.h"
#include "weir/simd/hash.h"

namespace weir {
namespace {

using namespace test;

std::vector<std::uint64_t> hashes_of(std::uint64_t seed, std::size_t count) {
  std::vector<std::uint64_t> hashes(count);
  for (std::size_t i = 0; i < count; ++i) hashes[i] = simd::hash_u64(seed << 32 | i);
  return hashes;
}

double estimate_of(const std::vector<std::uint64_t>& hashes, unsigned precision, OwnHeap& memory) {
  HyperLogLog sketch{};
  EXPECT_TRUE(sketch.add(hashes.data(), static_cast<std::uint32_t>(hashes.size()), precision, memory.heap));
  const double estimate = sketch.estimate(precision);
  sketch.release(precision, memory.heap);
  EXPECT_EQ(memory.heap.bytes_taken(), 0u);
  return estimate;
}

// The root of the mean square over 50 sets has a spread of 10 % of itself; 1.35 leaves 3.5 of that. The bias has a
// spread of 1 / sqrt(50) of the error.
TEST(HyperLogLog, KeepsItsStandardErrorAndHasNoBias) {
  OwnHeap memory;
  for (const unsigned precision : {8u, 10u, 12u, 14u}) {
    const double bound = 1.04 / std::sqrt(std::exp2(precision));
    for (const std::size_t count : {1u, 2u, 10u, 100u, 700u, 3000u, 20'000u, 60'000u, 300'000u}) {
      SCOPED_TRACE("precision " + std::to_string(precision) + ", " + std::to_string(count) + " values");
      double squares = 0, sum = 0;
      const std::uint64_t sets = count > 100'000 ? 12 : 50;
      for (std::uint64_t seed = 0; seed < sets; ++seed) {
        const double error = estimate_of(hashes_of(seed, count), precision, memory) / static_cast<double>(count) - 1;
        squares += error * error;
        sum += error;
      }
      const auto n = static_cast<double>(sets);
      EXPECT_LE(std::sqrt(squares / n), bound * (1 + 2.5 / std::sqrt(n)));
      EXPECT_LE(std::abs(sum / n), 3.5 * bound / std::sqrt(n));
    }
  }
}

TEST(HyperLogLog, CountsFewValuesNearlyExactly) {
  OwnHeap memory;
  EXPECT_EQ(HyperLogLog{}.estimate(14), 0);
  for (std::size_t count = 1; count <= 1536; count += 1 + count / 20) {
    const double estimate = estimate_of(hashes_of(7, count), 14, memory);
    EXPECT_NEAR(estimate, static_cast<double>(count), 0.5 + 2e-3 * static_cast<double>(count)) << count;
  }
}

TEST(HyperLogLog, CountsAMillionValuesWithinThreeStandardErrors) {
  OwnHeap memory;
  EXPECT_NEAR(estimate_of(hashes_of(3, 1'000'000), 14, memory), 1e6, 3 * 8125.0);
}

// Registers as their definition says, for the estimate's other half: each is the most leading zeros, plus 1.
TEST(HyperLogLog, HasTheSameRegistersFromTokensAsFromHashes) {
  constexpr unsigned kPrecision = 8;
  OwnHeap memory;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<std::uint64_t> hashes = hashes_of(seed, 50 + 200 * seed);
    Random random(seed);
    for (std::uint64_t& hash : hashes)
      if (random.chance(1, 3)) hash &= ~std::uint64_t{0} << random.below(60);  // long runs of zeros at the end
    std::uint8_t expected[1 << kPrecision] = {};
    for (const std::uint64_t hash : hashes) {
      std::uint8_t run = 1;
      while (run <= 64 - kPrecision && (hash >> (64 - kPrecision - run) & 1) == 0) ++run;
      std::uint8_t& at = expected[hash >> (64 - kPrecision)];
      at = std::max(at, run);
    }
    HyperLogLog sketch{};
    ASSERT_TRUE(sketch.add(hashes.data(), static_cast<std::uint32_t>(hashes.size()), kPrecision, memory.heap));
    ASSERT_TRUE(sketch.registers || hashes.size() <= 100);
    if (sketch.registers) {
      EXPECT_EQ(std::memcmp(sketch.data, expected, sizeof expected), 0);
    }
    sketch.release(kPrecision, memory.heap);
  }
}

TEST(HyperLogLog, GivesTheSameBitsForEveryOrderBatchAndTree) {
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    OwnHeap memory;
    const auto precision = static_cast<unsigned>(8 + random.below(7));
    const std::vector<std::uint64_t> hashes = hashes_of(seed, random.below(5000) >> random.below(8));
    HyperLogLog whole{};
    ASSERT_TRUE(whole.add(hashes.data(), static_cast<std::uint32_t>(hashes.size()), precision, memory.heap));
    std::vector<HyperLogLog> parts(1 + random.below(6));
    for (std::size_t at = hashes.size(); at > 0;) {
      const std::size_t count = std::min<std::size_t>(at, 1 + random.below(300));
      at -= count;
      for (const std::uint64_t times : {1u, 2u})
        ASSERT_TRUE(parts[(at + times) % parts.size()].add(hashes.data() + at, static_cast<std::uint32_t>(count),
                                                           precision, memory.heap));
    }
    while (parts.size() > 1) {
      HyperLogLog& to = parts[random.below(parts.size() - 1)];
      const std::string bytes = " " + std::string(parts.back().partial(precision));
      ASSERT_TRUE(random.chance(1, 2) ? to.combine(parts.back(), precision, memory.heap)
                                      : to.add_partial(std::string_view(bytes).substr(1), precision, memory.heap));
      parts.back().release(precision, memory.heap);
      parts.pop_back();
    }
    EXPECT_EQ(whole.registers, parts[0].registers);
    EXPECT_EQ(whole.used, parts[0].used);
    EXPECT_EQ(whole.estimate(precision), parts[0].estimate(precision));
    whole.release(precision, memory.heap);
    parts[0].release(precision, memory.heap);
    EXPECT_EQ(memory.heap.bytes_taken(), 0u);
  }
}

}  // namespace
}  // namespace weir
