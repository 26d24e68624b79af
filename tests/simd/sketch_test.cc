// Kernels of sketches on every target against plain loops; the bucket of a double against its logarithm.
#include "weir/simd/sketch.h"

#include <cmath>

#include "kernel_case.h"

namespace weir::simd::testing {
namespace {

class Sketch : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Sketch);

constexpr LogBuckets kBuckets = 35u << kLogBucketsPoint;

TEST_P(Sketch, GivesTheBucketsOfOneByOneAndTheirRange) {
  Random random(1);
  for (const std::uint32_t count : row_counts()) {
    Values<double> values(count, count % 3, random);
    for (std::uint32_t i = 0; i < count; i += 3) {
      const std::uint64_t bits = random();
      values[i] = std::bit_cast<double>(bits);
    }
    std::vector<std::uint64_t> buckets(count);
    const LogBucketRange range = log_buckets(values.data(), count, kBuckets, buckets.data());
    LogBucketRange expected;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t bucket = log_bucket_of_bits(std::bit_cast<std::uint64_t>(values[i]), kBuckets);
      ASSERT_EQ(buckets[i], bucket) << i;
      expected = {std::min(expected.min, bucket), std::max(expected.max, bucket)};
    }
    ASSERT_EQ(range.min, expected.min);
    ASSERT_EQ(range.max, expected.max);
  }
}

TEST_P(Sketch, PartsBucketsBySignAndNamesTheOthers) {
  Random random(5);
  const std::uint64_t least = log_bucket(std::numeric_limits<double>::min(), kBuckets);
  const std::uint64_t most = log_bucket(std::numeric_limits<double>::max(), kBuckets);
  for (const std::uint32_t count : row_counts()) {
    Values<double> values(count, count % 3, random);
    for (std::uint32_t i = 0; i < count; i += 3) {
      const std::uint64_t bits = random();
      values[i] = std::bit_cast<double>(bits);
    }
    std::vector<std::uint64_t> positive(count + 8), negative(count + 8), others(count + 8), expected[3];
    const SplitLogBuckets split =
        split_log_buckets(values.data(), count, kBuckets, least, most, positive.data(), negative.data(), others.data());
    LogBucketRange ranges[2];
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t bucket = log_bucket(values[i], kBuckets);
      const bool inside = bucket > least && bucket < most;
      const int place = !inside ? 2 : std::signbit(values[i]) ? 1 : 0;
      expected[place].push_back(inside ? bucket : i);
      if (inside) ranges[place] = {std::min(ranges[place].min, bucket), std::max(ranges[place].max, bucket)};
    }
    positive.resize(split.positive);
    negative.resize(split.negative);
    others.resize(split.others);
    ASSERT_EQ(positive, expected[0]);
    ASSERT_EQ(negative, expected[1]);
    ASSERT_EQ(others, expected[2]);
    ASSERT_EQ(split.positive_range.min, ranges[0].min);
    ASSERT_EQ(split.positive_range.max, ranges[0].max);
    ASSERT_EQ(split.negative_range.min, ranges[1].min);
    ASSERT_EQ(split.negative_range.max, ranges[1].max);
  }
}

TEST_P(Sketch, KeepsTheGreaterOfTwoRegisters) {
  Random random(2);
  for (const std::uint32_t count : row_counts()) {
    Values<std::uint8_t> from(count, 1, random), to(count, 0, random);
    std::vector<std::uint8_t> expected(count);
    for (std::uint32_t i = 0; i < count; ++i) expected[i] = std::max(from[i], to[i]);
    max_registers(from.data(), count, to.data());
    for (std::uint32_t i = 0; i < count; ++i) ASSERT_EQ(to[i], expected[i]) << i;
  }
}

// The cubic polynomial is within 0.0014 of log2, so a bucket is within a twentieth of 35, and one for the cut.
TEST(LogBucket, IsAboutTheLogarithm) {
  Random random(3);
  for (int i = 0; i < 100'000; ++i) {
    const double value = std::exp2(static_cast<double>(random() % 2'040'000) / 1000 - 1020);
    const double exact = (std::log2(value) + 1023) * 35;
    ASSERT_NEAR(static_cast<double>(log_bucket(value, kBuckets)), exact - 0.5, 0.6) << value;
    ASSERT_EQ(log_bucket(-value, kBuckets), log_bucket(value, kBuckets));
  }
}

TEST(LogBucket, NegativesLieAboveNanAndNanAboveInfinity) {
  const auto bucket = [](double value) { return log_bucket_of_bits(std::bit_cast<std::uint64_t>(value), kBuckets); };
  const double greatest = std::numeric_limits<double>::max();
  EXPECT_LE(bucket(greatest), bucket(HUGE_VAL));
  EXPECT_LE(bucket(HUGE_VAL), bucket(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_LT(bucket(std::numeric_limits<double>::quiet_NaN()), bucket(-0.0) + 35);
  EXPECT_LT(bucket(greatest), bucket(-1e-300));
  EXPECT_EQ(bucket(0.0), 0u);
}

TEST(CountKnownTokens, StopsAtTheFirstHashWhoseTokenIsNotWithinEightPlaces) {
  Random random(6);
  for (const std::uint32_t places : {16u, 64u, 256u, 4096u}) {
    std::vector<std::uint32_t> tokens(places);
    std::vector<std::uint64_t> known;
    for (std::uint32_t i = 0; i < places / 2; ++i) {
      const std::uint64_t hash = random();
      std::uint32_t place = (token_of_hash(hash) >> kTokenRunBits) & (places - 1);
      while (tokens[place] != 0) place = (place + 1) & (places - 1);
      tokens[place] = token_of_hash(hash);
      known.push_back(hash);
    }
    const auto looked_up = [&](std::uint64_t hash) {
      const std::uint32_t token = token_of_hash(hash);
      const std::uint32_t from = std::min((token >> kTokenRunBits) & (places - 1), places - 8);
      return std::find(tokens.begin() + from, tokens.begin() + from + 8, token) != tokens.begin() + from + 8;
    };
    std::uint32_t whole = 0;
    for (int round = 0; round < 300; ++round) {
      std::vector<std::uint64_t> hashes(random() % 40);
      for (std::uint64_t& hash : hashes) {
        hash = random() % 64 == 0 ? random() : known[random() % known.size()];
        if (random() % 64 == 0) hash ^= std::uint64_t{1} << 37;  // another run of zeros behind the prefix
      }
      const auto count = static_cast<std::uint32_t>(hashes.size());
      std::uint32_t expected = 0;
      while (expected < count && looked_up(hashes[expected])) ++expected;
      whole += expected == count ? 1 : 0;
      ASSERT_EQ(count_known_tokens(hashes.data(), count, tokens.data(), places), expected);
    }
    EXPECT_GT(whole, 20u);
  }
}

TEST(RaiseRegisters, CountsTheZerosThatLeadTheRest) {
  Random random(4);
  for (const unsigned precision : {1u, 4u, 14u, 18u}) {
    std::vector<std::uint64_t> hashes(3000);
    for (std::uint64_t& hash : hashes) hash = random() >> (random() % 64) << (random() % 64);
    std::vector<std::uint8_t> registers(std::size_t{1} << precision), expected(registers.size());
    raise_registers(hashes.data(), static_cast<std::uint32_t>(hashes.size()), precision, registers.data());
    for (const std::uint64_t hash : hashes) {
      std::uint8_t value = 1;
      for (unsigned bit = 64 - precision; bit-- > 0 && (hash >> bit & 1) == 0;) ++value;
      std::uint8_t& place = expected[hash >> (64 - precision)];
      place = std::max(place, value);
    }
    ASSERT_EQ(registers, expected);
  }
}

}  // namespace
}  // namespace weir::simd::testing
