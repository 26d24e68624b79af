// Arithmetic, reductions, watermarks and slices against 128-bit or row-by-row loops.
#include "weir/simd/arithmetic.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "kernel_case.h"
#include "weir/simd/ordered.h"
#include "weir/simd/reduce.h"
#include "weir/simd/slice.h"
#include "weir/simd/watermark.h"

namespace weir::simd::testing {
namespace {

class Arithmetic : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Arithmetic);

template <class T>
void check_integers(bool extremes) {
  Random random(11);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    Values<T> left(end, static_cast<std::uint32_t>(random() % 3), random, extremes);
    Values<T> right(end, static_cast<std::uint32_t>(random() % 3), random, extremes);
    const T constant = Values<T>::one(random, extremes);
    const auto op = static_cast<ArithmeticOp>(random() % 3);
    const int form = static_cast<int>(random() % 4);  // the last: negation
    std::uint32_t first = kNoRow;
    std::vector<T> expected(end), out(end);
    const std::vector<std::uint32_t> live = shape.live();
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
      const std::uint32_t row = shape.rows[i];
      const Int128 a = form == 3 ? 0 : form == 2 ? constant : left[row], b = form == 1 ? constant : right[row];
      const Int128 exact = form == 3 || op == ArithmeticOp::kSubtract ? a - b
                           : op == ArithmeticOp::kAdd                 ? a + b
                                                                      : a * b;
      expected[row] = static_cast<T>(exact);
      if (static_cast<Int128>(expected[row]) != exact && shape.rows.valid(row)) first = std::min(first, row);
    }
    const std::uint32_t failed = form == 0   ? arithmetic(op, left.data(), right.data(), shape.rows, out.data())
                                 : form == 1 ? arithmetic(op, left.data(), constant, shape.rows, out.data())
                                 : form == 2 ? arithmetic(op, constant, right.data(), shape.rows, out.data())
                                             : negate(right.data(), shape.rows, out.data());
    ASSERT_EQ(failed, first) << "operator " << static_cast<int>(op) << " form " << form;
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) ASSERT_EQ(out[shape.rows[i]], expected[shape.rows[i]]);
    if (form == 0) {  // the output may be an input
      ASSERT_EQ(arithmetic(op, left.data(), right.data(), shape.rows, left.data()), first);
      for (std::uint32_t i = 0; i < shape.rows.count; ++i) ASSERT_EQ(left[shape.rows[i]], expected[shape.rows[i]]);
    }
  });
}

TEST_P(Arithmetic, IntegersGiveTheExactResultOrTheFirstRowThatOverflows) {
  for (const bool extremes : {false, true}) {
    check_integers<std::int8_t>(extremes);
    check_integers<std::int16_t>(extremes);
    check_integers<std::int32_t>(extremes);
    check_integers<std::int64_t>(extremes);
  }
}

TEST_P(Arithmetic, TheFirstOverflowIsFoundWhereverItStands) {
  for (std::uint32_t bad = 0; bad < 600; bad += 7) {
    std::vector<std::int64_t> values(600, 5), out(600);
    values[bad] = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(arithmetic(ArithmeticOp::kAdd, values.data(), 1, Rows{600}, out.data()), bad);
    EXPECT_EQ(arithmetic(ArithmeticOp::kMultiply, values.data(), 2, Rows{600}, out.data()), bad);
    EXPECT_EQ(arithmetic(ArithmeticOp::kSubtract, -2, values.data(), Rows{600}, out.data()), bad);
    std::vector<std::uint64_t> validity(10, ~std::uint64_t{0});
    validity[bad / 64] ^= std::uint64_t{1} << (bad % 64);
    EXPECT_EQ(arithmetic(ArithmeticOp::kAdd, values.data(), 1, Rows{600, nullptr, validity.data()}, out.data()),
              kNoRow);
  }
}

template <class T>
void check_floats() {
  Random random(12);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const Values<T> left(end, 1, random), right(end, 0, random);
    const T constant = Values<T>::one(random, true);
    std::vector<T> out(end);
    for (int op = 0; op < 4; ++op) {
      const auto naive = [&](T a, T b) { return op == 0 ? a + b : op == 1 ? a - b : op == 2 ? a * b : a / b; };
      for (int form = 0; form < 3; ++form) {
        const auto which = static_cast<ArithmeticOp>(op);
        ASSERT_EQ(form == 0   ? arithmetic(which, left.data(), right.data(), shape.rows, out.data())
                  : form == 1 ? arithmetic(which, left.data(), constant, shape.rows, out.data())
                              : arithmetic(which, constant, right.data(), shape.rows, out.data()),
                  kNoRow);
        for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
          const std::uint32_t row = shape.rows[i];
          const T expected = naive(form == 2 ? constant : left[row], form == 1 ? constant : right[row]);
          ASSERT_TRUE(std::isnan(expected) ? std::isnan(out[row]) : same_bits(out[row], expected)) << op << ' ' << form;
        }
      }
    }
    ASSERT_EQ(negate(left.data(), shape.rows, out.data()), kNoRow);
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
      const std::uint32_t row = shape.rows[i];
      ASSERT_TRUE(std::isnan(left[row]) ? std::isnan(out[row]) : same_bits(out[row], -left[row]));
    }
  });
}

TEST_P(Arithmetic, FloatingPointFollowsIeee) {
  check_floats<float>();
  check_floats<double>();
}

class Reduce : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Reduce);

template <class T>
void check_min_max() {
  Random random(13);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const Values<T> values(end, static_cast<std::uint32_t>(random() % 3), random, random() % 2 == 0);
    using Limits = std::numeric_limits<T>;
    T least = Limits::has_infinity ? Limits::infinity() : Limits::max();
    T greatest = Limits::has_infinity ? -Limits::infinity() : Limits::min();
    const auto live = shape.live();
    for (const std::uint32_t row : live) {
      if (values[row] < least) least = values[row];
      if (values[row] > greatest) greatest = values[row];
    }
    T low = 77, high = 78;
    ASSERT_EQ(min_max(values.data(), shape.rows, &low, &high), !live.empty());
    ASSERT_EQ(count_valid(shape.rows), live.size());
    ASSERT_EQ(low, live.empty() ? T{77} : least);
    ASSERT_EQ(high, live.empty() ? T{78} : greatest);
  });
}

TEST_P(Reduce, MinimumAndMaximumAreThoseOfTheLiveRows) {
  check_min_max<std::int8_t>();
  check_min_max<std::int16_t>();
  check_min_max<std::int32_t>();
  check_min_max<std::int64_t>();
  check_min_max<float>();
  check_min_max<double>();
}

TEST_P(Reduce, MinimumPassesOverNanAndGivesPlusZero) {
  for (std::size_t at = 0; at < 130; ++at) {
    std::vector<double> values(130, std::numeric_limits<double>::quiet_NaN());
    double low, high;
    ASSERT_TRUE(min_max(values.data(), Rows{130}, &low, &high));
    EXPECT_EQ(low, std::numeric_limits<double>::infinity());
    EXPECT_EQ(high, -std::numeric_limits<double>::infinity());
    values[at] = -0.0;
    ASSERT_TRUE(min_max(values.data(), Rows{130}, &low, &high));
    EXPECT_TRUE(same_bits(low, 0.0));
    EXPECT_TRUE(same_bits(high, 0.0));
  }
}

template <class T>
void check_sum_ranges() {
  Random random(23);
  std::vector<T> values(3000);
  for (T& value : values) value = static_cast<T>(random());
  values[0] = std::numeric_limits<T>::min();
  for (const std::uint32_t longest : {1u, 3u, 9u, 40u, 700u}) {
    std::vector<std::uint32_t> bounds = {static_cast<std::uint32_t>(random() % 5)};
    while (bounds.back() + longest < values.size())
      bounds.push_back(bounds.back() + static_cast<std::uint32_t>(random() % (longest + 1)));  // some are empty
    const auto ranges = static_cast<std::uint32_t>(bounds.size() - 1);
    std::vector<std::int64_t> sums(ranges, -1);
    sum_ranges(values.data(), bounds.data(), ranges, sums.data());
    for (std::uint32_t i = 0; i < ranges; ++i) {
      std::int64_t sum = 0;
      for (std::uint32_t row = bounds[i]; row < bounds[i + 1]; ++row) sum += values[row];
      ASSERT_EQ(sums[i], sum) << "range " << i << " of " << bounds[i + 1] - bounds[i] << " rows";
    }
  }
}

TEST_P(Reduce, SumsOfRangesAreThoseOfEachRange) {
  check_sum_ranges<std::int8_t>();
  check_sum_ranges<std::int16_t>();
  check_sum_ranges<std::int32_t>();
}

template <class T>
void check_sum_exact() {
  Random random(14);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const Values<T> values(end, static_cast<std::uint32_t>(random() % 3), random);
    Int128 sum = 0;
    for (const std::uint32_t row : shape.live()) sum += values[row];
    ASSERT_TRUE(sum_exact(values.data(), shape.rows) == sum);
  });
}

TEST_P(Reduce, IntegerSumsAreExact) {
  check_sum_exact<std::int8_t>();
  check_sum_exact<std::int16_t>();
  check_sum_exact<std::int32_t>();
  check_sum_exact<std::int64_t>();
  const std::vector<std::int64_t> lowest(1000, std::numeric_limits<std::int64_t>::min());
  EXPECT_TRUE(sum_exact(lowest.data(), Rows{1000}) == Int128{1000} * std::numeric_limits<std::int64_t>::min());
}

template <class T>
void check_sum_lanes() {
  Random random(15);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    std::vector<T> values(end);
    for (T& value : values) value = static_cast<T>(std::ldexp(static_cast<double>(random() % 1000003), -10));
    SumLanes expected, sum;
    expected.next = sum.next = static_cast<std::uint32_t>(random() % 32);
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
      const std::uint32_t row = shape.rows[i];
      if (shape.rows.valid(row)) expected.lane[expected.next] += static_cast<double>(values[row]);
      expected.next = (expected.next + 1) % 32;
    }
    add_to_sum(values.data(), shape.rows, sum);
    ASSERT_EQ(sum.next, expected.next);
    for (int i = 0; i < 32; ++i) ASSERT_TRUE(same_bits(sum.lane[i], expected.lane[i])) << "lane " << i;
    double exact = 0;
    for (const double lane : sum.lane) exact += lane;
    ASSERT_NEAR(total(sum), exact, 1e-9 * (1 + std::abs(exact)));
  });
}

TEST_P(Reduce, SumsOfDoublesHaveTheSameBitsOnEveryTarget) {
  check_sum_lanes<float>();
  check_sum_lanes<double>();
}

TEST_P(Reduce, SumsOfDoublesDoNotDependOnHowRowsAreCut) {
  Random random(16);
  std::vector<double> values(5000);
  for (double& value : values) value = std::ldexp(static_cast<double>(random()), -static_cast<int>(random() % 60));
  const double whole = sum_of(values.data(), Rows{5000});
  for (int round = 0; round < 50; ++round) {
    SumLanes sum;
    for (std::uint32_t at = 0; at < 5000;) {
      const auto size = std::min<std::uint32_t>(5000 - at, static_cast<std::uint32_t>(random() % 300));
      add_to_sum(values.data() + at, Rows{size}, sum);
      at += size;
    }
    ASSERT_TRUE(same_bits(total(sum), whole));
  }
}

class WatermarkScans : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(WatermarkScans);

std::int64_t saturated(Int128 value) {
  using Limits = std::numeric_limits<std::int64_t>;
  if (value < Limits::min()) return Limits::min();
  if (value > Limits::max()) return Limits::max();
  return static_cast<std::int64_t>(value);
}

TEST_P(WatermarkScans, LatenessIsDecidedRowByRow) {
  Random random(17);
  int late_cases = 0, clean_cases = 0;
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const std::int64_t disorder = static_cast<std::int64_t>(1 + random() % 40);
    const std::int64_t delay = static_cast<std::int64_t>(random() % 60);
    std::vector<std::int64_t> times(end), candidates(end);
    const std::int64_t origin = random() % 8 == 0 ? std::numeric_limits<std::int64_t>::min() + 20 : -100;
    for (std::uint32_t i = 0; i < end; ++i) {
      times[i] = origin + i + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(disorder));
      candidates[i] = saturated(Int128{times[i]} - delay - static_cast<std::int64_t>(random() % 5));
    }
    const RowShape marks(end, false, random() % 2 == 0, random);
    const std::int64_t start = random() % 3 == 0 ? origin + static_cast<std::int64_t>(random() % 50)
                                                 : std::numeric_limits<std::int64_t>::min();
    for (const bool given : {false, true}) {
      const std::uint64_t* validity = given ? marks.rows.validity : shape.rows.validity;
      std::int64_t watermark = start;
      bool on_time = true;
      std::vector<std::int64_t> expected(end, 1), before(end, 1);
      for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
        const std::uint32_t row = shape.rows[i];
        expected[row] = watermark;
        if (shape.rows.valid(row) && times[row] <= watermark) on_time = false;
        if (Rows{0, nullptr, validity}.valid(row)) {
          watermark = std::max(watermark, given ? candidates[row] : saturated(Int128{times[row]} - delay));
        }
      }
      const WatermarkScan scan = given ? scan_watermark(times.data(), candidates.data(), validity, shape.rows, start)
                                       : scan_watermark(times.data(), delay, shape.rows, start);
      ASSERT_EQ(scan.all_on_time, on_time);
      ASSERT_EQ(scan.watermark, watermark);
      ASSERT_EQ(given ? row_watermarks(candidates.data(), validity, shape.rows, start, before.data())
                      : row_watermarks(times.data(), delay, shape.rows, start, before.data()),
                watermark);
      ASSERT_EQ(before, expected);
      (on_time ? clean_cases : late_cases) += 1;
    }
  });
  EXPECT_GT(late_cases, 100);
  EXPECT_GT(clean_cases, 100);
}

class Slices : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Slices);

TEST(SliceStart, IsTheFloorAlsoBeforeTheEpoch) {
  EXPECT_EQ(slice_start(0, 10), 0);
  EXPECT_EQ(slice_start(9, 10), 0);
  EXPECT_EQ(slice_start(10, 10), 10);
  EXPECT_EQ(slice_start(-1, 10), -10);
  EXPECT_EQ(slice_start(-10, 10), -10);
  EXPECT_EQ(slice_start(-11, 10), -20);
  EXPECT_EQ(slice_start(4, 10, 3), 3);
  EXPECT_EQ(slice_start(2, 10, 3), -7);
}

TEST_P(Slices, EveryRowGetsTheStartOfItsSlice) {
  Random random(18);
  const std::int64_t sizes[] = {
      1, 2, 3, 7, 1000, 999'999'937, 1'000'000'000, 86'400'000'000'000, std::int64_t{1} << 52};
  int one = 0, many = 0;
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const std::int64_t size = sizes[random() % 9];
    const std::int64_t offset = static_cast<std::int64_t>(random() % 100) - 50;
    const int spread = static_cast<int>(random() % 62);
    std::vector<std::int64_t> times(end), starts(end);
    const std::int64_t origin = static_cast<std::int64_t>(random() >> 2) - (std::int64_t{1} << 61);
    for (std::int64_t& time : times) {
      const std::int64_t x = static_cast<std::int64_t>(random() & ((std::uint64_t{1} << spread) - 1));
      // Many times stand right at a boundary, where an estimate would go wrong.
      time = random() % 2 == 0 ? origin + x : slice_start(origin + x, size, offset) - (random() % 2 == 0 ? 1 : 0);
    }
    bool same = true;
    std::int64_t only = 0;
    const auto live = shape.live();
    for (const std::uint32_t row : live) {
      const std::int64_t start = slice_start(times[row], size, offset);
      if (row == live.front()) only = start;
      same &= start == only;
    }
    ASSERT_EQ(slice_starts(times.data(), size, offset, shape.rows, starts.data()), same);
    for (const std::uint32_t row : live) {
      ASSERT_EQ(starts[row], slice_start(times[row], size, offset)) << "size " << size << " time " << times[row];
    }
    (same ? one : many) += 1;
  });
  EXPECT_GT(one, 50);
  EXPECT_GT(many, 50);
}

TEST_P(Slices, StretchesCutTheRowsWhereTheSliceChanges) {
  Random random(19);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    if (shape.rows.validity != nullptr) return;
    const std::int64_t size = 1 + static_cast<std::int64_t>(random() % 50);
    const std::int64_t offset = static_cast<std::int64_t>(random() % 100) - 50;
    std::vector<std::int64_t> times(end);
    std::int64_t time = static_cast<std::int64_t>(random() % 1000) - 500;
    const bool in_order = random() % 2 == 0;
    for (std::int64_t& at : times) {
      time += static_cast<std::int64_t>(random() % (random() % 50 == 0 ? 10'000 : 4));
      at = in_order ? time : time - static_cast<std::int64_t>(random() % 60);
    }
    std::vector<SliceStretch> expected, found(shape.rows.count);
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
      const std::int64_t start = slice_start(times[shape.rows[i]], size, offset);
      if (i == 0 || expected.back().start != start) expected.push_back({start, i, 0});
      ++expected.back().count;
    }
    ASSERT_EQ(slice_stretches(times.data(), size, offset, shape.rows, found.data()), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(found[i].start, expected[i].start);
      ASSERT_EQ(found[i].begin, expected[i].begin);
      ASSERT_EQ(found[i].count, expected[i].count);
    }
  });
}

TEST_P(Slices, TimesThatFallAreFoundWhereverTheyStand) {
  for (const std::uint32_t count : row_counts()) {
    std::vector<std::int64_t> times(count);
    for (std::uint32_t row = 0; row < count; ++row) times[row] = static_cast<std::int64_t>(row / 3) - 20;
    ASSERT_TRUE(never_falls(times.data(), count)) << count;
    for (std::uint32_t row = 1; row < count; row += 1 + row / 8) {
      std::swap(times[row], times[row - 1]);
      const bool equal = times[row] == times[row - 1];
      ASSERT_EQ(never_falls(times.data(), count), equal) << count << " at " << row;
      std::swap(times[row], times[row - 1]);
    }
  }
}

TEST_P(Slices, NeighbouringRowsOfASelectionAreReducedLikeRowsOfTheirOwn) {
  Random random(20);
  for (const std::uint32_t first : {0u, 1u, 5u, 64u})
    for (const std::uint32_t count : {0u, 1u, 2u, 31u, 64u, 100u}) {
      const Values<std::int64_t> values(first + count, 0, random);
      const Values<float> floats(first + count, 1, random, false);
      std::vector<std::uint32_t> selection(count + 1);
      for (std::uint32_t i = 0; i <= count; ++i) selection[i] = first + i;
      const Rows some{count, selection.data(), nullptr};
      ASSERT_EQ(some.contiguous(), count != 0);
      ASSERT_EQ(sum_exact(values.data(), some), sum_exact(values.data() + first, Rows{count}));
      std::int64_t least = 1, greatest = 1, expected_least = 1, expected_greatest = 1;
      ASSERT_EQ(min_max(values.data(), some, &least, &greatest),
                min_max(values.data() + first, Rows{count}, &expected_least, &expected_greatest));
      ASSERT_EQ(least, expected_least);
      ASSERT_EQ(greatest, expected_greatest);
      ASSERT_TRUE(same_bits(sum_of(floats.data(), some), sum_of(floats.data() + first, Rows{count})));
      selection.back() = first + count + 1;
      ASSERT_FALSE((Rows{count + 1, selection.data(), nullptr}.contiguous() && count != 0));
    }
}

template <class T, class I>
void check_ordered() {
  Random random(23);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const Values<T> values(end, 1, random);
    std::vector<I> out(end, 42);
    ordered_integers(values.data(), shape.rows, out.data());
    const auto below = [](T a, T b) {  // -0 below +0, every NaN above all else
      if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
      return a < b || (a == b && std::signbit(a) && !std::signbit(b));
    };
    for (std::uint32_t i = 1; i < shape.rows.count; ++i) {
      const T a = values[shape.rows[i - 1]], b = values[shape.rows[i]];
      ASSERT_EQ(out[shape.rows[i - 1]] < out[shape.rows[i]], below(a, b)) << a << " and " << b;
      ASSERT_EQ(out[shape.rows[i]] < out[shape.rows[i - 1]], below(b, a)) << a << " and " << b;
    }
    if (shape.rows.selection == nullptr) return;
    std::vector<bool> selected(end);
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) selected[shape.rows[i]] = true;
    for (std::uint32_t row = 0; row < end; ++row) ASSERT_TRUE(selected[row] || out[row] == 42);
  });
}

TEST_P(Reduce, FloatingPointBecomesIntegersOfTheSameOrder) {
  check_ordered<double, std::int64_t>();
  check_ordered<float, std::int32_t>();
}

}  // namespace
}  // namespace weir::simd::testing
