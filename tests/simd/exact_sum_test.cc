// Exact sums of blocks against sums of integers, on every target: values are whole numbers of 2^-40, so that 128 bits
// hold their sum.
#include "weir/simd/exact_sum.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernel_case.h"

namespace weir::simd::testing {
namespace {

class ExactSums : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(ExactSums);

constexpr int kUnit = -40;

/// high * 2^high_exponent + low * 2^low_exponent in units of 2^kUnit; what lies below has to be nothing.
Int128 total(const SplitSum& sum) {
  const auto part = [](std::int64_t value, int exponent) -> Int128 {
    const int shift = exponent - kUnit;
    if (shift >= 0) return shift < 64 ? Int128{value} * (Int128{1} << shift) : Int128{value} << 64 << (shift - 64);
    if (value == 0) return 0;
    EXPECT_GT(shift, -63);
    EXPECT_EQ(value % (std::int64_t{1} << -shift), 0);
    return value / (std::int64_t{1} << -shift);
  };
  return part(sum.high, sum.high_exponent) + part(sum.low, sum.low_exponent);
}

template <class T>
void check_blocks() {
  for_each_shape([](const RowShape& shape, std::uint32_t end) {
    Random random(end);
    std::vector<T> values(end);
    for (T& value : values) {
      const auto units = static_cast<std::int64_t>(random() >> (random() % 40 + 12));
      value = static_cast<T>(std::ldexp(static_cast<double>(random() % 2 == 0 ? units : -units), kUnit));
      if (random() % 8 == 0) value = random() % 2 == 0 ? T{0} : -T{0};
    }
    for (std::uint32_t first = 0; first < shape.rows.count; first += kSplitRowsMax) {
      const std::uint32_t count = std::min(shape.rows.count - first, kSplitRowsMax);
      Int128 expected = 0;
      for (std::uint32_t i = first; i < first + count; ++i) {
        const std::uint32_t row = shape.rows[i];
        if (shape.rows.valid(row))
          expected += static_cast<Int128>(std::ldexp(static_cast<double>(values[row]), -kUnit));
      }
      SplitSum sum;
      ASSERT_TRUE(split_sum(values.data(), shape.rows, first, count, &sum));
      EXPECT_TRUE(total(sum) == expected);
    }
  });
}

TEST_P(ExactSums, OfBlocksEqualSumsOfIntegers) {
  check_blocks<double>();
  check_blocks<float>();
}

TEST_P(ExactSums, RefuseWhatDoesNotFitTwoIntegers) {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const double odd : {infinity, -infinity, nan, -nan, 0x1p1022, 1.0 + 0x1p-52, 0x1p-1074}) {
    for (const std::uint32_t at : {0u, 7u, 64u, 99u}) {
      std::vector<double> values(100, 0.0);
      values[at] = odd;
      values[50] = odd == 1.0 + 0x1p-52 ? 0x1p60 : 1.0;  // 1 + 2^-52 beside 2^60 has a bit 112 below
      SplitSum sum;
      EXPECT_FALSE(split_sum(values.data(), Rows{100}, 0, 100, &sum)) << odd << " at " << at;
    }
  }
}

TEST_P(ExactSums, TakeOneHundredBits) {
  const double values[] = {0x1p60, 0x1.8p-38, -0x1p-37};
  SplitSum sum;
  ASSERT_TRUE(split_sum(values, Rows{3}, 0, 3, &sum));
  EXPECT_TRUE(total(sum) == (Int128{1} << 100) + 6 - 8);
}

}  // namespace
}  // namespace weir::simd::testing
