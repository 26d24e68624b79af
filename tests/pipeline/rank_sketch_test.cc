// KLL and t-digest against sorted values: their errors of rank over distributions, sizes and random trees of combine.
#include <gtest/gtest.h>

#include "aggregates/kll.h"
#include "aggregates/reservoir.h"
#include "aggregates/tdigest.h"
#include "sketch_support.h"

namespace weir {
namespace {

using namespace test;

/// Values in parts that are combined in a random tree, one part included.
template <class Sketch>
Sketch sketch_of(const std::vector<double>& values, std::uint32_t size, std::size_t parts_max, Random& random,
                 StateHeap& heap) {
  std::vector<Sketch> parts(1 + random.below(parts_max));
  for (std::size_t at = 0; at < values.size();) {
    const std::size_t count = std::min<std::size_t>(values.size() - at, 1 + random.below(5000));
    EXPECT_TRUE(
        parts[random.below(parts.size())].add(values.data() + at, static_cast<std::uint32_t>(count), size, heap));
    at += count;
  }
  while (parts.size() > 1) {
    Sketch& to = parts[random.below(parts.size() - 1)];
    const std::string bytes = " " + std::string(parts.back().partial());
    EXPECT_TRUE(to.add_partial(std::string_view(bytes).substr(1), size, heap));
    parts.back().release(heap);
    parts.pop_back();
  }
  return parts[0];
}

struct RankErrors {
  std::vector<double> all;
  double share_below(double bound) const {
    return static_cast<double>(std::count_if(all.begin(), all.end(), [&](double e) { return e <= bound; })) /
           static_cast<double>(all.size());
  }
  double greatest() const { return all.empty() ? 0 : *std::max_element(all.begin(), all.end()); }
};

RankErrors kll_errors(std::uint32_t k, std::size_t size, std::size_t parts_max, std::uint64_t seeds) {
  RankErrors errors;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    for (int distribution = 0; distribution < kDistributions; ++distribution) {
      Random random(seed * 100 + static_cast<std::uint64_t>(distribution));
      OwnHeap memory;
      std::vector<double> values = draw_values(distribution, size, random);
      KllSketch sketch = sketch_of<KllSketch>(values, k, parts_max, random, memory.heap);
      EXPECT_EQ(sketch.size(), size);
      EXPECT_LE(sketch.items(), 3 * k + 400);
      EXPECT_LE(memory.heap.bytes_taken(), 2 * KllSketch::heap_bytes_max(k));  // pieces are rounded up
      std::sort(values.begin(), values.end());
      for (const double fraction : fractions()) {
        double value = 0;
        EXPECT_TRUE(sketch.quantile(fraction, memory.heap, value));
        const double rank = std::floor(fraction * static_cast<double>(size - 1));
        errors.all.push_back(rank_distance(values, value, rank) / static_cast<double>(size));
      }
      sketch.release(memory.heap);
      EXPECT_EQ(memory.heap.bytes_taken(), 0u);
    }
  }
  return errors;
}

TEST(Kll, IsExactUpToKValues) {
  for (const std::size_t size : {1u, 2u, 3u, 50u, 199u}) EXPECT_EQ(kll_errors(200, size, 4, 3).greatest(), 0) << size;
}

TEST(Kll, RanksAreWithinTheStatedShareInNinetyNineOfAHundredAnswers) {
  for (const std::size_t size : {1000u, 10'000u, 100'000u}) {
    SCOPED_TRACE(size);
    const RankErrors one = kll_errors(200, size, 1, size > 50'000 ? 6 : 20);
    EXPECT_GE(one.share_below(0.0165), 0.99) << one.greatest();
    EXPECT_LE(one.greatest(), 0.04);
    const RankErrors tree = kll_errors(200, size, 12, size > 50'000 ? 6 : 20);
    EXPECT_GE(tree.share_below(0.0165), 0.99) << tree.greatest();
    EXPECT_LE(tree.greatest(), 0.04);
  }
}

TEST(Kll, AMillionValuesAndOtherKsKeepTheBound) {
  const RankErrors million = kll_errors(200, 1'000'000, 8, 1);
  EXPECT_GE(million.share_below(0.0165), 0.98) << million.greatest();
  EXPECT_LE(million.greatest(), 0.04);
  const RankErrors large = kll_errors(1600, 100'000, 6, 4);
  EXPECT_GE(large.share_below(0.0165 / 8), 0.99) << large.greatest();
  const RankErrors small = kll_errors(50, 20'000, 30, 4);
  EXPECT_GE(small.share_below(0.0165 * 4), 0.99) << small.greatest();
}

TEST(Kll, BatchSizesChangeNothing) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    OwnHeap memory;
    const std::vector<double> values = draw_values(0, 30'000, random);
    KllSketch whole{}, pieces{};
    ASSERT_TRUE(whole.add(values.data(), 30'000, 100, memory.heap));
    for (std::size_t at = 0; at < values.size();) {
      const std::size_t count = std::min<std::size_t>(values.size() - at, 1 + random.below(700));
      ASSERT_TRUE(pieces.add(values.data() + at, static_cast<std::uint32_t>(count), 100, memory.heap));
      at += count;
    }
    EXPECT_EQ(whole.partial(), pieces.partial());
    whole.release(memory.heap);
    pieces.release(memory.heap);
  }
}

TEST(Kll, NanIsTheGreatestAndInfinitiesKeepTheirPlaces) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double values[] = {std::numeric_limits<double>::quiet_NaN(), 1, -kInf, kInf, -0.0};
  OwnHeap memory;
  KllSketch sketch{};
  ASSERT_TRUE(sketch.add(values, 5, 200, memory.heap));
  const double expected[] = {-kInf, 0, 1, kInf};
  for (int i = 0; i < 5; ++i) {
    double value = 0;
    ASSERT_TRUE(sketch.quantile(i / 4.0, memory.heap, value));
    if (i < 4) {
      EXPECT_EQ(value, expected[i]);
    } else {
      EXPECT_TRUE(std::isnan(value));
    }
  }
  sketch.release(memory.heap);
}

/// Puts values in an order by number: random, ascending, descending, from the middle out, from both ends in, runs of
/// ascending ones one behind the other (sorted files), far ones last, a value after its mirror.
constexpr int kOrders = 8;
void put_in_order(int order, std::vector<double>& values, Random& random) {
  const std::size_t size = values.size();
  if (order == 0) {
    for (std::size_t i = size; i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
    return;
  }
  std::sort(values.begin(), values.end());
  const std::vector<double> sorted = values;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t half = i / 2;
    std::size_t from = i;
    if (order == 2) from = size - 1 - i;
    if (order == 3) from = i % 2 == 0 ? size / 2 + half : size / 2 - 1 - half;
    if (order == 4) from = i % 2 == 0 ? half : size - 1 - half;
    if (order == 5) from = (i % std::max<std::size_t>(size / 16, 1)) * 16 + i / std::max<std::size_t>(size / 16, 1);
    if (order == 6) from = (i + size / 10) % size;
    if (order == 7) from = i % 2 == 0 ? i : size - i;
    values[i] = sorted[std::min(from, size - 1)];
  }
}

TEST(TDigest, RanksAreNearAndNearerAtTheEndsForEveryDistributionOrderAndTree) {
  for (const std::size_t size : {1u, 2u, 10u, 1000u, 100'000u}) {
    for (std::uint64_t seed = 0; seed < (size > 1000 ? 8u : 24u); ++seed) {
      for (int distribution = 0; distribution < kDistributions; ++distribution) {
        const auto order = static_cast<int>(seed % kOrders);
        SCOPED_TRACE(std::to_string(size) + " order " + std::to_string(order) + " kind " +
                     std::to_string(distribution));
        Random random(seed);
        OwnHeap memory;
        std::vector<double> values = draw_values(distribution, size, random);
        put_in_order(order, values, random);
        TDigest sketch = sketch_of<TDigest>(values, 100, 6, random, memory.heap);
        ASSERT_EQ(sketch.size(), size);
        EXPECT_LE(sketch.partial().size(), TDigest::heap_bytes_max(100));
        EXPECT_LE(memory.heap.bytes_taken(), 2 * TDigest::heap_bytes_max(100));  // pieces are rounded up
        std::sort(values.begin(), values.end());
        // Between values that are far from each other an answer may lie anywhere; the rank says where.
        for (const double fraction : fractions()) {
          const auto n = static_cast<double>(size);
          const double bound = 16 * std::sqrt(fraction * (1 - fraction)) / 100 * n + 1;
          EXPECT_LE(rank_distance(values, sketch.quantile(fraction, 100), std::floor(fraction * (n - 1))), bound)
              << fraction;
        }
        EXPECT_LE(sketch.partial().size(), 64 + 16 * 101u) << "merged: at most compression + 1 clusters";
        sketch.release(memory.heap);
        EXPECT_EQ(memory.heap.bytes_taken(), 0u);
      }
    }
  }
}

TEST(Kll, TheBoundHoldsForEveryOrder) {
  RankErrors errors;
  for (int order = 0; order < kOrders; ++order) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      Random random(seed * 10 + static_cast<std::uint64_t>(order));
      OwnHeap memory;
      std::vector<double> values = draw_values(static_cast<int>(seed) % kDistributions, 50'000, random);
      put_in_order(order, values, random);
      KllSketch sketch = sketch_of<KllSketch>(values, 200, 6, random, memory.heap);
      std::sort(values.begin(), values.end());
      for (const double fraction : fractions()) {
        double value = 0;
        ASSERT_TRUE(sketch.quantile(fraction, memory.heap, value));
        errors.all.push_back(rank_distance(values, value, std::floor(fraction * 49'999)) / 50'000);
      }
      sketch.release(memory.heap);
    }
  }
  EXPECT_GE(errors.share_below(0.0165), 0.99) << errors.greatest();
  EXPECT_LE(errors.greatest(), 0.04);
}

TEST(TDigest, GivesTheLeastAndTheGreatestExactly) {
  Random random(5);
  OwnHeap memory;
  for (int distribution = 0; distribution < kDistributions; ++distribution) {
    const std::vector<double> values = draw_values(distribution, 20'000, random);
    TDigest sketch = sketch_of<TDigest>(values, 50, 5, random, memory.heap);
    EXPECT_EQ(sketch.quantile(0, 50), *std::min_element(values.begin(), values.end()));
    EXPECT_EQ(sketch.quantile(1, 50), *std::max_element(values.begin(), values.end()));
    sketch.release(memory.heap);
  }
}

TEST(Reservoir, IsTheLeastNumbersWhateverTheOrder) {
  OwnHeap memory;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    std::vector<std::uint64_t> arrivals(random.below(500));
    for (std::size_t i = 0; i < arrivals.size(); ++i) arrivals[i] = random.below(3) << 40 | i;
    std::vector<std::uint64_t> numbers;
    Reservoir<std::int64_t> sample{};
    for (const std::uint64_t arrival : arrivals) {
      const std::uint64_t number = reservoir_number(arrival);
      numbers.push_back(number);
      Reservoir<std::int64_t>::Entry leaves;
      if (sample.wants(number, 37)) sample.put({number, arrival, 1}, 37, memory.heap, leaves);
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.resize(std::min<std::size_t>(numbers.size(), 37));
    std::vector<std::uint64_t> kept;
    for (const auto& entry : sample) kept.push_back(entry.number);
    std::sort(kept.begin(), kept.end());
    EXPECT_EQ(kept, numbers);
    sample.piece.release(memory.heap);
  }
}

// Dvoretzky, Kiefer, Wolfowitz: all fractions of 200 samples; one sample in a hundred may lie outside.
TEST(Reservoir, RanksAreWithinTheBoundOfItsSize) {
  constexpr std::uint32_t kSize = 1024;
  const double bound = std::sqrt(std::log(2 / 0.01) / (2.0 * kSize));
  OwnHeap memory;
  int outside = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    constexpr std::uint64_t kRows = 20'000;
    Reservoir<std::int64_t> sample{};
    for (std::uint64_t i = 0; i < kRows; ++i) {
      const std::uint64_t arrival = seed << 40 | i;
      Reservoir<std::int64_t>::Entry leaves;
      const std::uint64_t number = reservoir_number(arrival);
      if (sample.wants(number, kSize))
        sample.put({number, arrival, static_cast<std::int64_t>(i)}, kSize, memory.heap, leaves);
    }
    std::vector<std::int64_t> items;
    for (const auto& entry : sample) items.push_back(entry.item);
    std::sort(items.begin(), items.end());
    double greatest = 0;
    for (std::size_t i = 0; i < items.size(); ++i)
      greatest = std::max(greatest, std::abs(static_cast<double>(items[i]) / kRows - static_cast<double>(i) / kSize));
    outside += greatest > bound + 1.0 / kSize ? 1 : 0;
    sample.piece.release(memory.heap);
  }
  EXPECT_LE(outside, 6);
}

}  // namespace
}  // namespace weir
