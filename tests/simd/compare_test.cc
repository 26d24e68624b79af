// Comparisons, boolean logic and bitmaps against loops over single rows.
#include "weir/simd/compare.h"

#include <gmock/gmock.h>

#include "kernel_case.h"
#include "weir/simd/boolean.h"

namespace weir::simd::testing {
namespace {

constexpr CompareOp kOps[] = {CompareOp::kEqual,     CompareOp::kNotEqual, CompareOp::kLess,
                              CompareOp::kLessEqual, CompareOp::kGreater,  CompareOp::kGreaterEqual};

template <class T>
bool naive(CompareOp op, T left, T right) {
  switch (op) {
    case CompareOp::kEqual:
      return left == right;
    case CompareOp::kNotEqual:
      return !(left == right);
    case CompareOp::kLess:
      return left < right;
    case CompareOp::kLessEqual:
      return left < right || left == right;
    case CompareOp::kGreater:
      return right < left;
    case CompareOp::kGreaterEqual:
      return right < left || left == right;
  }
  return false;
}

class Compare : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Compare);

template <class T>
void check_type() {
  Random random(3);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const Values<T> left(end, static_cast<std::uint32_t>(random() % 4), random);
    const Values<T> right(end, static_cast<std::uint32_t>(random() % 4), random);
    const T constant = Values<T>::one(random, true);
    const CompareOp op = kOps[random() % 6];
    for (const bool with_constant : {false, true}) {
      std::vector<std::uint32_t> expected, out(shape.rows.count);
      for (const std::uint32_t row : shape.live()) {
        if (naive(op, left[row], with_constant ? constant : right[row])) expected.push_back(row);
      }
      out.resize(with_constant ? select_compare(op, left.data(), constant, shape.rows, out.data())
                               : select_compare(op, left.data(), right.data(), shape.rows, out.data()));
      ASSERT_EQ(out, expected) << "operator " << static_cast<int>(op);
      std::vector<std::uint8_t> bytes(shape.rows.end(), 9);
      if (with_constant) {
        compare(op, left.data(), constant, shape.rows, bytes.data());
      } else {
        compare(op, left.data(), right.data(), shape.rows, bytes.data());
      }
      for (std::uint32_t row = 0; row < bytes.size(); ++row) {
        ASSERT_EQ(bytes[row], naive(op, left[row], with_constant ? constant : right[row]) ? 1 : 0) << "row " << row;
      }
    }
  });
}

TEST_P(Compare, EveryOperatorSelectsTheRowsThatALoopSelects) {
  for (int round = 0; round < 2; ++round) {
    check_type<std::int8_t>();
    check_type<std::int16_t>();
    check_type<std::int32_t>();
    check_type<std::int64_t>();
    check_type<std::uint8_t>();
    check_type<std::uint32_t>();
    check_type<std::uint64_t>();
    check_type<float>();
    check_type<double>();
  }
}

TEST_P(Compare, EveryOperatorOnEveryTypeHasItsOwnMeaning) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> values(64, nan);
  values[1] = -0.0;
  values[2] = 1;
  values[3] = -1;
  const std::uint32_t expected[] = {1, 63, 1, 2, 1, 2};
  for (std::size_t i = 0; i < 6; ++i) {
    std::vector<std::uint32_t> out(64);
    EXPECT_EQ(select_compare(kOps[i], values.data(), 0.0, Rows{64}, out.data()), expected[i]) << i;
    std::vector<std::int64_t> whole(64, 0);
    whole[2] = std::numeric_limits<std::int64_t>::max();
    whole[3] = std::numeric_limits<std::int64_t>::min();
    const std::uint32_t expected_whole[] = {62, 2, 1, 63, 1, 63};
    EXPECT_EQ(select_compare(kOps[i], whole.data(), 0, Rows{64}, out.data()), expected_whole[i]) << i;
  }
}

TEST_P(Compare, Int128IsComparedWhole) {
  const Int128 high = Int128{1} << 100;
  const std::vector<Int128> values = {0, high, -high, high + 1};
  std::vector<std::uint32_t> out(4);
  ASSERT_EQ(select_compare(CompareOp::kGreaterEqual, values.data(), high, Rows{4}, out.data()), 2u);
  EXPECT_EQ(out[0], 1u);
  EXPECT_EQ(out[1], 3u);
}

TEST_P(Compare, ASelectionMayBeFilteredInPlace) {
  Random random(5);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    if (shape.rows.selection == nullptr) return;
    const Values<std::int32_t> values(end, 0, random);
    std::vector<std::uint32_t> expected(shape.rows.count), in_place = shape.selection;
    expected.resize(select_compare(CompareOp::kGreater, values.data(), 1, shape.rows, expected.data()));
    Rows rows = shape.rows;
    rows.selection = in_place.data();
    in_place.resize(select_compare(CompareOp::kGreater, values.data(), 1, rows, in_place.data()));
    ASSERT_EQ(in_place, expected);
  });
}

TEST_P(Compare, TrueValidAndNullRowsAreSelected) {
  Random random(6);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    std::vector<std::uint8_t> bools(end);
    for (auto& value : bools) value = static_cast<std::uint8_t>(random() % 2);
    std::vector<std::uint32_t> is_true, is_null, out(shape.rows.count);
    for (const std::uint32_t row : shape.live()) {
      if (bools[row] != 0) is_true.push_back(row);
    }
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
      if (!shape.rows.valid(shape.rows[i])) is_null.push_back(shape.rows[i]);
    }
    out.resize(select_true(bools.data(), shape.rows, out.data()));
    ASSERT_EQ(out, is_true);
    out.assign(shape.rows.count, 0);
    out.resize(select_valid(shape.rows, out.data()));
    ASSERT_EQ(out, shape.live());
    out.assign(shape.rows.count, 0);
    out.resize(select_null(shape.rows, out.data()));
    ASSERT_EQ(out, is_null);
  });
}

class Boolean : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Boolean);

// -1 for NULL.
int three_valued(const BoolVector& input, std::uint32_t row) {
  return Rows{0, nullptr, input.validity}.valid(row) ? input.values[row] : -1;
}

TEST_P(Boolean, LogicHasThreeValues) {
  Random random(8);
  for (const std::uint32_t count : row_counts()) {
    const RowShape left_rows(count, false, count % 3 != 0, random), right_rows(count, false, count % 5 != 0, random);
    std::vector<std::uint8_t> a(count), b(count), values(count);
    for (auto& value : a) value = static_cast<std::uint8_t>(random() % 2);
    for (auto& value : b) value = static_cast<std::uint8_t>(random() % 2);
    const BoolVector left{a.data(), left_rows.rows.validity}, right{b.data(), right_rows.rows.validity};
    std::vector<std::uint64_t> validity(bitmap_words(count));
    const BoolVector out{values.data(), validity.data()};
    for (int op = 0; op < 3; ++op) {
      const bool nulls = op == 0   ? logical_and(left, right, count, values.data(), validity.data())
                         : op == 1 ? logical_or(left, right, count, values.data(), validity.data())
                                   : logical_not(left, count, values.data(), validity.data());
      bool any_null = false;
      for (std::uint32_t row = 0; row < count; ++row) {
        const int x = three_valued(left, row), y = three_valued(right, row);
        int expected = x < 0 ? -1 : 1 - x;
        if (op == 0) expected = x == 0 || y == 0 ? 0 : x < 0 || y < 0 ? -1 : 1;
        if (op == 1) expected = x == 1 || y == 1 ? 1 : x < 0 || y < 0 ? -1 : 0;
        ASSERT_EQ(three_valued(out, row), expected) << "operator " << op << " row " << row << " of " << count;
        if (expected < 0) {
          ASSERT_EQ(values[row], 0);
        }
        any_null |= expected < 0;
      }
      ASSERT_EQ(nulls, any_null);
      if (count % 64 != 0) {
        ASSERT_EQ(validity.back() >> (count % 64), 0u);
      }
    }
  }
}

TEST_P(Boolean, BitmapsFollowTheirBits) {
  Random random(9);
  for (const std::uint32_t bits : row_counts()) {
    std::vector<std::uint64_t> a(bitmap_words(bits)), b(a.size()), out(a.size());
    for (auto& word : a) word = random() % 3 == 0 ? ~std::uint64_t{0} : random();
    for (auto& word : b) word = random();
    const auto bit = [](const std::vector<std::uint64_t>& words, std::size_t i) {
      return words[i / 64] >> (i % 64) & 1;
    };
    std::size_t ones = 0;
    for (std::uint32_t i = 0; i < bits; ++i) ones += bit(a, i);
    ASSERT_EQ(bitmap_count(a.data(), bits), ones);
    ASSERT_EQ(bitmap_count(nullptr, bits), bits);
    ASSERT_EQ(bitmap_all(a.data(), bits), ones == bits);
    for (int op = 0; op < 5; ++op) {
      if (op == 0) bitmap_and(a.data(), b.data(), bits, out.data());
      if (op == 1) bitmap_or(a.data(), b.data(), bits, out.data());
      if (op == 2) bitmap_not(a.data(), bits, out.data());
      if (op == 3) bitmap_and(nullptr, b.data(), bits, out.data());
      if (op == 4) bitmap_or(a.data(), nullptr, bits, out.data());
      for (std::size_t i = 0; i < out.size() * 64; ++i) {
        const std::uint64_t x = bit(a, i), y = bit(b, i);
        const std::uint64_t expected[] = {x & y, x | y, 1 - x, y, 1};
        ASSERT_EQ(bit(out, i), i < bits ? expected[op] : 0) << op << " bit " << i << " of " << bits;
      }
    }
    std::vector<std::uint8_t> bytes(bits);
    bytes_from_bitmap(a.data(), bits, bytes.data());
    for (std::uint32_t i = 0; i < bits; ++i) ASSERT_EQ(bytes[i], bit(a, i));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(byte * 0x80);
    bitmap_from_bytes(bytes.data(), bits, out.data());
    bitmap_and(a.data(), nullptr, bits, b.data());
    ASSERT_EQ(out, b);
  }
}

TEST(Target, EveryNameCanBeSetAndOthersChangeNothing) {
  const auto names = supported_targets();
  ASSERT_GE(names.size(), 2u);
  EXPECT_EQ(names.back(), "scalar");
  for (const auto name : names) {
    ASSERT_TRUE(set_target(name));
    EXPECT_EQ(current_target(), name);
    EXPECT_FALSE(set_target("MMX"));
    EXPECT_EQ(current_target(), name);
    EXPECT_EQ(supported_targets(), names);
    EXPECT_EQ(current_target(), name);
  }
  ASSERT_TRUE(set_target("best"));
  EXPECT_EQ(current_target(), names.front());
}

}  // namespace
}  // namespace weir::simd::testing
