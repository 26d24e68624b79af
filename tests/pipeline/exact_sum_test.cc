// Exact sums against integers of any size: every order, every split, everything taken out again.
#include "window/exact_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/rational.h"
#include "weir/simd/target.h"
#include "window/exact_number.h"
#include "window/state_arena.h"

namespace weir {
namespace {

using Random = std::mt19937_64;
using testing::Integer;
using testing::nearest_double;
using testing::rounded_sum;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kMost = std::numeric_limits<double>::max();
constexpr double kLeast = std::numeric_limits<double>::denorm_min();

std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}
#define EXPECT_SAME_BITS(a, b) EXPECT_EQ(bits(a), bits(b)) << (a) << " and " << (b)

/// What test data look like: how wide exponents range, and what is mixed in.
struct Shape {
  const char* name;
  int exponent_min, exponent_max;
  bool zeros = false;
};
constexpr Shape kShapes[] = {
    {"prices", -4, 12},
    {"around zero", -60, -40, true},
    {"counters", 0, 62},
    {"the limbs' range", -107, 83},
    {"beyond the limbs", -200, 120},
    {"all doubles", -1074, 1023, true},
    {"denormals", -1074, -1022, true},
    {"huge", 1000, 1023},
};

double draw(const Shape& shape, Random& random) {
  if (shape.zeros && random() % 8 == 0) return random() % 2 == 0 ? 0.0 : -0.0;
  const int exponent = std::uniform_int_distribution<int>(shape.exponent_min, shape.exponent_max)(random);
  const double mantissa = 1 + static_cast<double>(random() >> 12) * 0x1p-52;
  const double value = std::ldexp(mantissa, exponent);
  return random() % 2 == 0 ? value : -value;
}
std::vector<double> draw(const Shape& shape, std::size_t count, Random& random) {
  std::vector<double> values(count);
  for (double& value : values) value = draw(shape, random);
  return values;
}

class ExactSumTest : public ::testing::Test {
 protected:
  ExactSumTest() : arena_(std::move(StateArena::create(std::size_t{1} << 24).value())), heap_(arena_) {}

  ExactSum sum_of(const std::vector<double>& values) {
    ExactSum sum{};
    for (const double value : values) EXPECT_TRUE(sum.add(value, heap_));
    return sum;
  }

  StateArena arena_;
  StateHeap heap_;
};

TEST_F(ExactSumTest, IsTheExactSumRoundedOnceForEveryShapeOfValues) {
  Random random(1);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.name);
    for (const std::size_t count : {0u, 1u, 2u, 3u, 10u, 100u, 1000u}) {
      const std::vector<double> values = draw(shape, count, random);
      EXPECT_SAME_BITS(sum_of(values).value(), rounded_sum(values));
    }
  }
}

TEST_F(ExactSumTest, IsTheSameBitsInEveryOrder) {
  Random random(2);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.name);
    std::vector<double> values = draw(shape, 200, random);
    const double expected = sum_of(values).value();
    std::sort(values.begin(), values.end());
    EXPECT_SAME_BITS(sum_of(values).value(), expected);
    std::reverse(values.begin(), values.end());
    EXPECT_SAME_BITS(sum_of(values).value(), expected);
    for (int i = 0; i < 10; ++i) {
      std::shuffle(values.begin(), values.end(), random);
      EXPECT_SAME_BITS(sum_of(values).value(), expected);
    }
  }
}

TEST_F(ExactSumTest, IsTheSameBitsForEverySplitIntoPartials) {
  Random random(3);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.name);
    const std::vector<double> values = draw(shape, 300, random);
    for (std::size_t parts = 1; parts < 40; parts += 3) {
      std::vector<ExactSum> sums(parts, ExactSum{});
      for (const double value : values) ASSERT_TRUE(sums[random() % parts].add(value, heap_));
      ExactSum combined{}, from_bytes{};
      for (const ExactSum& sum : sums) {
        ASSERT_TRUE(combined.combine(sum, heap_));
        std::string bytes(sum.partial_bytes() + 1, '\0');
        sum.write_partial(reinterpret_cast<std::byte*>(bytes.data() + 1));
        EXPECT_EQ(sum.partial().substr(0, 32), std::string_view(bytes).substr(1, 32));
        EXPECT_EQ(sum.partial().substr(32), std::string_view(bytes).substr(33));
        ASSERT_TRUE(from_bytes.add_partial(std::string_view(bytes).substr(1), heap_));  // not aligned
      }
      EXPECT_SAME_BITS(combined.value(), rounded_sum(values));
      EXPECT_SAME_BITS(from_bytes.value(), rounded_sum(values));
    }
  }
}

TEST_F(ExactSumTest, TakesOutWhatWasAdded) {
  Random random(4);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.name);
    const std::vector<double> kept = draw(shape, 50, random), gone = draw(shape, 70, random);
    ExactSum one_by_one{}, at_once = sum_of(kept);
    std::vector<std::pair<double, bool>> steps;
    for (const double value : kept) steps.emplace_back(value, true);
    for (const double value : gone) {
      steps.emplace_back(value, true);
      steps.emplace_back(value, false);
    }
    std::shuffle(steps.begin(), steps.end(), random);  // some are taken out before they are added
    for (const auto& [value, add] : steps)
      ASSERT_TRUE(add ? one_by_one.add(value, heap_) : one_by_one.subtract(value, heap_));
    EXPECT_SAME_BITS(one_by_one.value(), rounded_sum(kept));
    const ExactSum others = sum_of(gone);
    ASSERT_TRUE(at_once.combine(others, heap_));
    ASSERT_TRUE(at_once.remove(others, heap_));
    EXPECT_SAME_BITS(at_once.value(), rounded_sum(kept));
  }
}

TEST_F(ExactSumTest, CancelsToTheLastBit) {
  EXPECT_SAME_BITS(sum_of({1e16, 0.1, -1e16}).value(), 0.1);
  EXPECT_SAME_BITS(sum_of({kMost, 1e-300, -kMost}).value(), 1e-300);
  EXPECT_SAME_BITS(sum_of({kMost, kMost, -kMost}).value(), kMost);
  EXPECT_SAME_BITS(sum_of({kLeast, 1, -1}).value(), kLeast);
  EXPECT_SAME_BITS(sum_of({0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}).value(), 1.0);
}

TEST_F(ExactSumTest, RoundsTiesToEvenAndHalvesOfDenormalsToo) {
  EXPECT_SAME_BITS(sum_of({1, 0x1p-53}).value(), 1.0);
  EXPECT_SAME_BITS(sum_of({1, 0x1p-53, kLeast}).value(), 1 + 0x1p-52);
  EXPECT_SAME_BITS(sum_of({1, 0x1p-52, 0x1p-53}).value(), 1 + 0x1p-51);
  EXPECT_SAME_BITS(sum_of({-1, -0x1p-53}).value(), -1.0);
  ExactSum half{};
  ASSERT_TRUE(half.add_product(kLeast, 0.5, heap_));
  EXPECT_SAME_BITS(half.value(), 0.0);
  ASSERT_TRUE(half.add_product(kLeast, kLeast, heap_));
  EXPECT_SAME_BITS(half.value(), kLeast);
}

TEST_F(ExactSumTest, IsInfiniteOnlyWhereTheExactSumIsBeyondTheGreatestDouble) {
  EXPECT_SAME_BITS(sum_of({kMost, kMost}).value(), kInfinity);
  EXPECT_SAME_BITS(sum_of({-kMost, -kMost}).value(), -kInfinity);
  EXPECT_TRUE(sum_of({kMost, kMost}).finite());
  EXPECT_SAME_BITS(sum_of({kMost, 0x1p969}).value(), kMost);
  EXPECT_SAME_BITS(sum_of({kMost, 0x1p970}).value(), kInfinity);  // the tie goes to even
}

TEST_F(ExactSumTest, ZerosOfEitherSignSumToPositiveZero) {
  EXPECT_SAME_BITS(sum_of({}).value(), 0.0);
  EXPECT_SAME_BITS(sum_of({-0.0}).value(), 0.0);
  EXPECT_SAME_BITS(sum_of({-0.0, 0.0, -0.0}).value(), 0.0);
  EXPECT_SAME_BITS(sum_of({-1, 1}).value(), 0.0);
}

TEST_F(ExactSumTest, CountsNanAndInfinitiesAndTakesThemOut) {
  ExactSum sum = sum_of({1, kInfinity, 2});
  EXPECT_SAME_BITS(sum.value(), kInfinity);
  ASSERT_TRUE(sum.add(-kInfinity, heap_));
  EXPECT_TRUE(std::isnan(sum.value()));
  ASSERT_TRUE(sum.subtract(kInfinity, heap_));
  EXPECT_SAME_BITS(sum.value(), -kInfinity);
  ASSERT_TRUE(sum.add(kNan, heap_));
  EXPECT_TRUE(std::isnan(sum.value()));
  ASSERT_TRUE(sum.subtract(-kInfinity, heap_));
  EXPECT_TRUE(std::isnan(sum.value()));
  EXPECT_FALSE(sum.finite());
  ASSERT_TRUE(sum.subtract(-kNan, heap_));
  EXPECT_TRUE(sum.finite());
  EXPECT_SAME_BITS(sum.value(), 3.0);
}

TEST_F(ExactSumTest, ProductsLoseNothingNotEvenToUnderflowAndOverflow) {
  Random random(5);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.name);
    for (int round = 0; round < 20; ++round) {
      const std::vector<double> left = draw(shape, 30, random), right = draw(shape, 30, random);
      ExactSum sum{};
      Integer expected;
      for (std::size_t i = 0; i < left.size(); ++i) {
        ASSERT_TRUE(sum.add_product(left[i], right[i], heap_));
        expected = expected + Integer::of_double(left[i]) * Integer::of_double(right[i]);
      }
      EXPECT_SAME_BITS(sum.value(), nearest_double(expected, Integer(1), -2148));
      for (std::size_t i = 1; i < left.size(); ++i) ASSERT_TRUE(sum.subtract_product(right[i], left[i], heap_));
      const Integer first = Integer::of_double(left[0]) * Integer::of_double(right[0]);
      EXPECT_SAME_BITS(sum.value(), nearest_double(first, Integer(1), -2148));
    }
  }
  ExactSum sum{};
  ASSERT_TRUE(sum.add_product(kMost, kMost, heap_));
  ASSERT_TRUE(sum.add_product(kMost, -kMost, heap_));
  ASSERT_TRUE(sum.add_product(kInfinity, 2, heap_));
  EXPECT_SAME_BITS(sum.value(), kInfinity);
  ASSERT_TRUE(sum.subtract_product(2, kInfinity, heap_));
  EXPECT_SAME_BITS(sum.value(), 0.0);
  ASSERT_TRUE(sum.add_product(kInfinity, 0, heap_));
  EXPECT_TRUE(std::isnan(sum.value()));
}

TEST_F(ExactSumTest, IntegersOf128BitsAtAnyExponent) {
  Random random(6);
  for (int round = 0; round < 2000; ++round) {
    const int exponent =
        std::uniform_int_distribution<int>(round % 2 == 0 ? -2148 : -200, round % 2 == 0 ? 800 : 100)(random);
    const std::uint64_t high = random() >> random() % 64, low = random();
    const bool negative = random() % 2 == 0;
    const double before = draw(kShapes[0], random);
    ExactSum sum{};
    ASSERT_TRUE(sum.add(before, heap_));
    ASSERT_TRUE(sum.add_scaled(static_cast<Uint128>(high) << 64 | low, exponent, negative, heap_));
    Integer magnitude = Integer(static_cast<std::int64_t>(high >> 1)).shifted_left(65) +
                        Integer(static_cast<std::int64_t>(high & 1)).shifted_left(64) +
                        Integer(static_cast<std::int64_t>(low >> 1)).shifted_left(1) +
                        Integer(static_cast<std::int64_t>(low & 1));
    magnitude = magnitude.shifted_left(static_cast<unsigned>(exponent + 2148));
    const Integer expected = Integer::of_double(before).shifted_left(1074) + (negative ? -magnitude : magnitude);
    ASSERT_EQ(bits(sum.value()), bits(nearest_double(expected, Integer(1), -2148))) << exponent;
    sum.release(heap_);
  }
}

TEST_F(ExactSumTest, LimbsThatFillUpGoToTheWidePart) {
  ExactSum sum{};
  const double great = std::ldexp(1.75, 83);
  Integer expected;
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(sum.add(-great, heap_));
    expected = expected - Integer::of_double(great);
  }
  ASSERT_TRUE(sum.add(0.1, heap_));
  expected = expected + Integer::of_double(0.1);
  EXPECT_NE(sum.wide, nullptr);
  EXPECT_SAME_BITS(sum.value(), nearest_double(expected, Integer(1), -1074));
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(sum.add(great, heap_));
  EXPECT_SAME_BITS(sum.value(), 0.1);
}

TEST_F(ExactSumTest, OrdinaryDataNeedsNoHeap) {
  Random random(7);
  for (const Shape& shape : {kShapes[0], kShapes[2], kShapes[3]}) {
    const std::vector<double> values = draw(shape, 1000, random);
    EXPECT_EQ(sum_of(values).wide, nullptr) << shape.name;
  }
  ExactSum squares{};
  for (const double price : draw(kShapes[0], 1000, random)) ASSERT_TRUE(squares.add_product(price, price, heap_));
  EXPECT_EQ(squares.wide, nullptr);
}

TEST_F(ExactSumTest, AFullHeapIsSaidAndReleasedPiecesServeAgain) {
  auto arena = std::move(StateArena::create(std::size_t{1} << 16).value());
  StateHeap heap(arena);
  std::vector<ExactSum> sums;
  bool added = true;
  while (added) {
    sums.push_back(ExactSum{});
    added = sums.back().add(1e-300, heap);
    ASSERT_LT(sums.size(), 1000u);
  }
  EXPECT_GT(sums.size(), 50u);
  sums[3].release(heap);
  EXPECT_EQ(sums[3].wide, nullptr);
  EXPECT_SAME_BITS(sums[3].value(), 0.0);
  EXPECT_TRUE(sums[3].add(1e300, heap));
  EXPECT_SAME_BITS(sums[3].value(), 1e300);
}

TEST_F(ExactSumTest, RowsOfABatchGiveTheSumOfTheirValuesOnEveryTarget) {
  Random random(8);
  for (const std::string_view target : simd::supported_targets()) {
    ASSERT_TRUE(simd::set_target(target));
    for (const Shape& shape : kShapes) {
      SCOPED_TRACE(std::string(shape.name) + " on " + std::string(target));
      for (const std::uint32_t count : {0u, 1u, 63u, 64u, 100u, 1024u, 1025u, 3000u}) {
        std::vector<double> values = draw(shape, count, random);
        std::vector<std::uint64_t> validity((count + 63) / 64 + 1);
        for (std::uint64_t& word : validity) word = random() | random();
        std::vector<std::uint32_t> selection;
        for (std::uint32_t row = 0; row < count; ++row)
          if (random() % 3 != 0) selection.push_back(row);
        for (int form = 0; form < 4; ++form) {
          simd::Rows rows{count};
          if (form & 1) rows.validity = validity.data();
          if ((form & 2) && !selection.empty()) {
            rows.selection = selection.data();
            rows.count = static_cast<std::uint32_t>(selection.size());
          }
          std::vector<double> live;
          for (std::uint32_t i = 0; i < rows.count; ++i)
            if (rows.valid(rows[i])) live.push_back(values[rows[i]]);
          ExactSum sum{};
          ASSERT_TRUE(sum.add_rows(values.data(), rows, heap_));
          EXPECT_SAME_BITS(sum.value(), rounded_sum(live));
        }
      }
      std::vector<double> values = draw(shape, 500, random);
      values[77] = kInfinity;
      ExactSum sum{};
      ASSERT_TRUE(sum.add_rows(values.data(), simd::Rows{500}, heap_));
      EXPECT_SAME_BITS(sum.value(), kInfinity);
      values[499] = kNan;
      ASSERT_TRUE(sum.add_rows(values.data(), simd::Rows{500}, heap_));
      EXPECT_TRUE(std::isnan(sum.value()));
    }
    std::vector<float> floats(700);
    std::vector<double> same;
    for (float& value : floats) same.push_back(value = static_cast<float>(draw(kShapes[1], random)));
    ExactSum sum{};
    ASSERT_TRUE(sum.add_rows(floats.data(), simd::Rows{700}, heap_));
    EXPECT_SAME_BITS(sum.value(), rounded_sum(same));
  }
  ASSERT_TRUE(simd::set_target("best"));
}

// ExactNumber, on what statistics do with it.
TEST_F(ExactSumTest, NumbersAddMultiplyAndRoundLikeIntegersOfAnySize) {
  Random random(9);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.name);
    for (int round = 0; round < 200; ++round) {
      const std::vector<double> values = draw(shape, 4, random);
      ExactNumber number[4];
      Integer integer[4];
      for (std::size_t i = 0; i < 4; ++i) {
        sum_of({values[i]}).get(number[i]);
        integer[i] = Integer::of_double(values[i]);
      }
      const ExactNumber result = number[0] * number[1] - number[2] * number[3] + number[0] * number[0];
      const Integer expected = integer[0] * integer[1] - integer[2] * integer[3] + integer[0] * integer[0];
      EXPECT_SAME_BITS(result.value(), nearest_double(expected, Integer(1), -2148));
      EXPECT_EQ(result.sign(), expected.is_zero() ? 0 : expected.is_negative() ? -1 : 1);
      if (result.sign() != 0 && values[0] != 0) {
        const ScaledDouble ratio = result.scaled() / (number[0] * number[0]).scaled();
        const double exact = nearest_double(expected, integer[0] * integer[0]);
        if (std::isfinite(exact) && std::fabs(exact) > 1e-300) {
          EXPECT_NEAR(ratio.value() / exact, 1, 4e-16);
        }
      }
    }
  }
  EXPECT_SAME_BITS(ExactNumber(7).times_power_of_two(-1074).value(), 7 * kLeast);
  EXPECT_SAME_BITS(ExactNumber::from_integer(-5).value(), -5.0);
  EXPECT_SAME_BITS(square_root(ScaledDouble{0.5, 3001}).value(), kInfinity);
  EXPECT_SAME_BITS(square_root(ExactNumber(49).times_power_of_two(6).scaled()).value(), 56.0);
  EXPECT_SAME_BITS(square_root(ExactNumber(49).times_power_of_two(-7).times_power_of_two(1).scaled()).value(), 0.875);
}

}  // namespace
}  // namespace weir
