// Sliding aggregators in lock-step with a window that is combined anew at each step.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <string>

#include "window/sliding/chunked_two_stacks.h"
#include "window/sliding/daba_lite.h"
#include "window/sliding/finger_b_tree.h"
#include "window/sliding/subtract_on_evict.h"
#include "window/sliding/two_stacks_lite.h"

namespace weir::sliding {
namespace {

using Random = std::mt19937_64;

/// Not commutative, no inverse. Long windows keep the ends of the text and its length.
struct Concat {
  using Value = std::string;
  Value identity() const { return ""; }
  Value combine(const Value& older, const Value& newer) const { return older + newer; }
  static Value value(Random& random) { return std::string(1, static_cast<char>('a' + random() % 26)); }
};

/// Not commutative, with an inverse: matrices of determinant 1 modulo a prime.
struct MatrixProduct {
  static constexpr std::uint64_t kPrime = 1'000'003;
  using Value = std::array<std::uint64_t, 4>;
  Value identity() const { return {1, 0, 0, 1}; }
  Value combine(const Value& a, const Value& b) const {
    return {(a[0] * b[0] + a[1] * b[2]) % kPrime, (a[0] * b[1] + a[1] * b[3]) % kPrime,
            (a[2] * b[0] + a[3] * b[2]) % kPrime, (a[2] * b[1] + a[3] * b[3]) % kPrime};
  }
  Value take_front(const Value& whole, const Value& oldest) const {
    return combine({oldest[3], kPrime - oldest[1], kPrime - oldest[2], oldest[0]}, whole);
  }
  static Value value(Random& random) {
    const std::uint64_t a = random() % kPrime;
    return random() % 2 == 0 ? Value{1, a, 0, 1} : Value{1, 0, a, 1};
  }
};

/// NaN is the greatest, as in the engine.
struct MaxWithNaN {
  using Value = double;
  static constexpr bool kIsCommutative = true;
  Value identity() const { return -std::numeric_limits<double>::infinity(); }
  Value combine(Value a, Value b) const { return std::isnan(a) || a > b ? a : b; }
  static Value value(Random& random) {
    if (random() % 50 == 0) return std::nan("");
    if (random() % 50 == 0) return -std::numeric_limits<double>::infinity();
    return static_cast<double>(random() % 1000);
  }
};

struct IntegerSum : Sum<std::int64_t> {
  static Value value(Random& random) { return static_cast<std::int64_t>(random()) / 1'000'000; }
};
struct IntegerMax : Max<std::int64_t> {
  static Value value(Random& random) { return static_cast<std::int64_t>(random()); }
};

bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}
template <class T>
bool same(const T& a, const T& b) {
  return a == b;
}

template <class Op>
void append(typename Op::Value& all, const typename Op::Value& value) {
  if constexpr (std::is_same_v<typename Op::Value, std::string>)
    all += value;
  else
    all = Op().combine(all, value);
}

template <class Op, class Values>
typename Op::Value combine_all(const Values& values) {
  typename Op::Value all = Op().identity();
  for (const auto& value : values) append<Op>(all, value);
  return all;
}

/// Steps of inserts and evicts whose mean moves the size up and down between 0 and size_max.
template <class Window, class Op>
void in_order(std::size_t size_max, std::size_t steps, std::uint64_t seed) {
  Random random(seed);
  Window window;
  std::deque<typename Op::Value> values;
  std::size_t target = size_max;
  for (std::size_t i = 0; i < steps; ++i) {
    if (random() % 200 == 0) target = random() % (size_max + 1);
    const bool grow = values.empty() || (values.size() < target ? random() % 8 != 0 : random() % 8 == 0);
    if (grow && values.size() < size_max) {
      values.push_back(Op::value(random));
      window.insert(values.back());
    } else if (!values.empty()) {
      values.pop_front();
      window.evict();
    }
    ASSERT_EQ(window.size(), values.size());
    ASSERT_TRUE(same(window.query(), combine_all<Op>(values))) << "step " << i << ", size " << values.size();
  }
}

template <class Window, class Op>
void all_sizes() {
  for (const std::size_t size : {1u, 2u, 3u, 7u, 40u, 300u})
    for (std::uint64_t seed = 1; seed <= 5; ++seed) in_order<Window, Op>(size, 3000, seed * 31 + size);
}

TEST(SlidingAggregator, SubtractOnEvictEqualsTheOracleAtEachStep) {
  all_sizes<SubtractOnEvict<IntegerSum>, IntegerSum>();
  all_sizes<SubtractOnEvict<MatrixProduct>, MatrixProduct>();
}
TEST(SlidingAggregator, TwoStacksLiteEqualsTheOracleAtEachStep) {
  all_sizes<TwoStacksLite<IntegerSum>, IntegerSum>();
  all_sizes<TwoStacksLite<MatrixProduct>, MatrixProduct>();
  all_sizes<TwoStacksLite<Concat>, Concat>();
  all_sizes<TwoStacksLite<MaxWithNaN>, MaxWithNaN>();
}
TEST(SlidingAggregator, DabaLiteEqualsTheOracleAtEachStep) {
  all_sizes<DabaLite<IntegerSum>, IntegerSum>();
  all_sizes<DabaLite<MatrixProduct>, MatrixProduct>();
  all_sizes<DabaLite<Concat>, Concat>();
  all_sizes<DabaLite<MaxWithNaN>, MaxWithNaN>();
}

/// Chunks of 16 values, so that windows of 300 have many, and of one chunk.
TEST(SlidingAggregator, ChunkedTwoStacksEqualsTheOracleAtEachStep) {
  static_assert(ChunkedTwoStacks<IntegerSum, 128>::kPerChunk == 16);
  all_sizes<ChunkedTwoStacks<IntegerSum, 128>, IntegerSum>();
  all_sizes<ChunkedTwoStacks<MatrixProduct, 128>, MatrixProduct>();
  all_sizes<ChunkedTwoStacks<Concat, 128>, Concat>();
  all_sizes<ChunkedTwoStacks<MaxWithNaN, 128>, MaxWithNaN>();
  all_sizes<ChunkedTwoStacks<MatrixProduct>, MatrixProduct>();
}

TEST(SlidingAggregator, WindowsOfManyChunksSlideAndShrinkToNothing) {
  constexpr std::int64_t kWindow = 50'000;  // a dozen chunks
  SubtractOnEvict<IntegerSum> sum;
  TwoStacksLite<IntegerMax> two_stacks;
  DabaLite<IntegerMax> daba;
  ChunkedTwoStacks<IntegerMax> chunked;
  for (int round = 0; round < 2; ++round) {
    for (std::int64_t i = 0; i < 3 * kWindow; ++i) {
      const std::int64_t value = i % (kWindow / 2) == 0 ? 1'000'000 - i : i % 1000;
      sum.insert(i);
      two_stacks.insert(value);
      daba.insert(value);
      chunked.insert(value);
      if (i >= kWindow) {
        sum.evict();
        two_stacks.evict();
        daba.evict();
        chunked.evict();
      }
      const std::int64_t first = std::max<std::int64_t>(0, i - kWindow + 1);
      ASSERT_EQ(sum.query(), (first + i) * (i - first + 1) / 2);
      const std::int64_t peak = (first + kWindow / 2 - 1) / (kWindow / 2) * (kWindow / 2);
      if (peak <= i) {
        ASSERT_EQ(daba.query(), 1'000'000 - peak);
      }
      ASSERT_EQ(two_stacks.query(), daba.query());
      ASSERT_EQ(chunked.query(), daba.query());
    }
    while (daba.size() != 0) {
      sum.evict();
      two_stacks.evict();
      daba.evict();
      chunked.evict();
      ASSERT_EQ(two_stacks.query(), daba.query());
      ASSERT_EQ(chunked.query(), daba.query());
    }
    EXPECT_EQ(sum.query(), 0);
    EXPECT_EQ(daba.query(), IntegerMax().identity());
  }
}

/// Counts combines.
struct CountedSum : IntegerSum {
  inline static std::size_t combines = 0;
  std::int64_t combine(const std::int64_t& a, const std::int64_t& b) const {
    ++combines;
    return a + b;
  }
};

TEST(SlidingAggregator, NoStepOfDabaLiteCombinesMoreThanFourTimes) {
  Random random(5);
  DabaLite<CountedSum> window;
  for (std::size_t i = 0; i < 100'000; ++i) {
    const bool grow = window.size() == 0 || random() % 1000 < (i / 10'000 % 2 == 0 ? 600u : 400u);
    CountedSum::combines = 0;
    if (grow)
      window.insert(1);
    else
      window.evict();
    ASSERT_EQ(window.query(), static_cast<std::int64_t>(window.size()));
    ASSERT_LE(CountedSum::combines, 4u);
  }
}

TEST(SlidingAggregator, TwoStacksLiteCombinesAtMostThreeTimesAValueInTheMean) {
  TwoStacksLite<CountedSum> window;
  CountedSum::combines = 0;
  constexpr std::size_t kSteps = 100'000;
  for (std::size_t i = 0; i < kSteps; ++i) {
    window.insert(1);
    if (i >= 777) window.evict();
  }
  EXPECT_LE(CountedSum::combines, 2 * kSteps);
}

TEST(SlidingAggregator, NoStepOfChunkedTwoStacksCombinesMoreThanAChunkAndFourAreTheMean) {
  using Window = ChunkedTwoStacks<CountedSum, 1024>;
  Random random(6);
  Window window;
  constexpr std::size_t kSteps = 200'000;
  std::size_t all = 0, inserts = 0;
  for (std::size_t i = 0; i < kSteps; ++i) {
    const bool grow = window.size() == 0 || random() % 1000 < (i / 10'000 % 2 == 0 ? 600u : 400u);
    CountedSum::combines = 0;
    if (grow)
      window.insert(1);
    else
      window.evict();
    inserts += grow ? 1 : 0;
    ASSERT_EQ(window.query(), static_cast<std::int64_t>(window.size()));
    ASSERT_LE(CountedSum::combines, Window::kPerChunk + 6);
    all += CountedSum::combines - 1;  // the query's, of which there are two a value here
  }
  EXPECT_LE(all, inserts * 4);
}

// ---- Out of order -----------------------------------------------------------------------------------------------

struct Disorder {
  std::int64_t window = 100;
  std::int64_t behind = 10;   // how far behind the newest time a value may come
  std::int64_t spread = 1;    // times are multiples of it: duplicates where values are many
  std::uint32_t jump_in = 0;  // one in so many steps jumps by several windows
  std::uint32_t evict_in = 1;
};

template <class Op>
void out_of_order(const Disorder& c, std::size_t steps, std::uint64_t seed) {
  Random random(seed);
  const Op op;
  FingerBTree<Op> window;
  std::map<std::int64_t, typename Op::Value> values;
  std::int64_t now = -5 * c.window;
  for (std::size_t i = 0; i < steps; ++i) {
    now += static_cast<std::int64_t>(random() % 3);
    if (c.jump_in != 0 && random() % c.jump_in == 0) now += static_cast<std::int64_t>(random() % 4) * c.window;
    const auto back = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(c.behind + 1));
    const std::int64_t time = (now - back) / c.spread * c.spread;
    const typename Op::Value value = Op::value(random);
    window.insert(time, value);
    const auto [at, fresh] = values.try_emplace(time, value);
    if (!fresh) at->second = op.combine(at->second, value);
    if (random() % c.evict_in == 0) {
      window.evict_before(now - c.window);
      values.erase(values.begin(), values.lower_bound(now - c.window));
    }
    ASSERT_EQ(window.size(), values.size()) << "step " << i;
    typename Op::Value expected = op.identity();
    for (const auto& entry : values) append<Op>(expected, entry.second);
    ASSERT_TRUE(same(window.query(), expected)) << "step " << i << ", size " << values.size();
    if (!values.empty()) {
      ASSERT_EQ(window.oldest(), values.begin()->first);
      ASSERT_EQ(window.newest(), values.rbegin()->first);
    }
  }
}

template <class Op>
void all_disorders() {
  const Disorder cases[] = {
      {1, 0, 1, 0, 1},         {20, 3, 1, 0, 1},      {100, 100, 1, 0, 1},   {400, 40, 1, 0, 1},
      {400, 500, 1, 0, 7},     {3000, 1500, 1, 0, 3}, {3000, 10, 1, 0, 500}, {1000, 900, 7, 0, 2},
      {1000, 1200, 1, 100, 3}, {200, 20, 1, 20, 1},   {3000, 3000, 1, 0, 1},
  };
  std::uint64_t seed = 100;
  for (const Disorder& c : cases) {
    SCOPED_TRACE("window " + std::to_string(c.window) + ", behind " + std::to_string(c.behind));
    out_of_order<Op>(c, c.window >= 1000 ? 4000 : 2500, ++seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(SlidingAggregator, FingerBTreeEqualsTheOracleWhateverTheDisorder) {
  all_disorders<IntegerSum>();
}
TEST(SlidingAggregator, FingerBTreeKeepsTheOrderOfAnOperationThatIsNotCommutative) {
  all_disorders<Concat>();
  all_disorders<MatrixProduct>();
}
TEST(SlidingAggregator, FingerBTreeKeepsNaN) {
  all_disorders<MaxWithNaN>();
}

TEST(SlidingAggregator, FingerBTreeTakesValuesBehindAllOthersAndEmptiesAtOnce) {
  FingerBTree<IntegerSum> window;
  EXPECT_EQ(window.query(), 0);
  std::int64_t sum = 0;
  for (std::int64_t i = 5000; i-- > 0;) {
    window.insert(i, i);
    ASSERT_EQ(window.query(), sum += i);
  }
  window.evict_before(4990);
  EXPECT_EQ(window.size(), 10u);
  EXPECT_EQ(window.query(), 49'945);
  window.evict_before(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(window.size(), 0u);
  EXPECT_EQ(window.query(), 0);
  window.insert(std::numeric_limits<std::int64_t>::min(), 7);
  window.insert(std::numeric_limits<std::int64_t>::max(), 8);
  EXPECT_EQ(window.query(), 15);
}

TEST(SlidingAggregator, FingerBTreeCombinesFewTimesNearTheNewestValueHoweverLargeTheWindow) {
  FingerBTree<CountedSum> window;
  constexpr std::int64_t kWindow = 200'000, kSteps = 20'000;
  for (std::int64_t i = 0; i < kWindow; ++i) window.insert(2 * i, 1);
  const auto combines_at = [&](std::int64_t distance) {
    CountedSum::combines = 0;
    std::int64_t newest = window.newest() + 1;
    for (std::int64_t i = 0; i < kSteps; ++i) {
      newest += 2;
      window.insert(newest, 1);
      if (distance != 0) window.insert(newest - 2 * distance - 1, 1);
      window.evict_before(newest - 2 * kWindow);
    }
    return static_cast<double>(CountedSum::combines) / static_cast<double>(kSteps);
  };
  EXPECT_LT(combines_at(0), 6);
  EXPECT_LT(combines_at(1024), 30);
}

}  // namespace
}  // namespace weir::sliding
