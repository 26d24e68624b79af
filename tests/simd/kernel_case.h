// What the kernel tests share: every target in turn, and rows in all shapes (every length around the widest vectors,
// shifted starts, with and without selection and NULLs). Buffers have exactly the size that the kernels may touch, so
// that AddressSanitizer sees a byte too much.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "weir/simd/boolean.h"
#include "weir/simd/rows.h"
#include "weir/simd/target.h"

namespace weir::simd::testing {

/// Runs each test of a suite on each target.
class OnEveryTarget : public ::testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override { ASSERT_TRUE(set_target(GetParam())); }
  void TearDown() override { set_target("best"); }
};
#define WEIR_ON_EVERY_TARGET(SUITE)                                                               \
  INSTANTIATE_TEST_SUITE_P(Target, SUITE, ::testing::ValuesIn(::weir::simd::supported_targets()), \
                           [](const auto& target) { return std::string(target.param); })

using Random = std::mt19937_64;

/// Four vectors of the widest target's smallest type, and some batches beyond.
inline std::vector<std::uint32_t> row_counts() {
  std::vector<std::uint32_t> counts;
  for (std::uint32_t n = 0; n <= 257; ++n) counts.push_back(n);
  counts.insert(counts.end(), {319, 320, 321, 1000, 1024, 4099});
  return counts;
}

/// Row numbers below `end` in some shape, owning what Rows points to.
struct RowShape {
  Rows rows;
  std::vector<std::uint32_t> selection;
  std::vector<std::uint64_t> validity;

  RowShape(std::uint32_t end, bool selected, bool nullable, Random& random) {
    rows.count = end;
    if (selected) {
      const std::uint64_t keep = 1 + random() % 4;
      for (std::uint32_t row = 0; row < end; ++row) {
        if (random() % 4 < keep) selection.push_back(row);
      }
      selection.shrink_to_fit();
      rows.count = static_cast<std::uint32_t>(selection.size());
      static constexpr std::uint32_t kNone = 0;
      rows.selection = selection.empty() ? &kNone : selection.data();
    }
    if (nullable) {
      // Words of ones, of zeros and mixed; the bits after the last row are anything.
      for (std::size_t i = 0; i < bitmap_words(end); ++i) {
        const std::uint64_t kind = random() % 4;
        validity.push_back(kind == 0 ? ~std::uint64_t{0} : kind == 1 ? 0 : random());
      }
      if (validity.empty()) validity.push_back(random());
      rows.validity = validity.data();
    }
  }
  RowShape(RowShape&&) = delete;

  /// Rows that are selected and valid, in order.
  std::vector<std::uint32_t> live() const {
    std::vector<std::uint32_t> result;
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      if (rows.valid(rows[i])) result.push_back(rows[i]);
    }
    return result;
  }
};

/// Calls check(shape, end) for each count in each of the four shapes.
template <class F>
void for_each_shape(F&& check) {
  Random random(7);
  for (const std::uint32_t end : row_counts()) {
    for (int shape = 0; shape < 4; ++shape) {
      SCOPED_TRACE("rows " + std::to_string(end) + " shape " + std::to_string(shape));
      const RowShape rows(end, (shape & 1) != 0, (shape & 2) != 0, random);
      check(rows, end);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

/// `size` values at an address that is off by `shift` values. Few distinct values, so that equality occurs; the
/// extremes of the type, and NaN, infinities and both zeros.
template <class T>
class Values {
 public:
  Values(std::uint32_t size, std::uint32_t shift, Random& random, bool extremes = true)
      : data_(size + shift), shift_(shift) {
    for (std::uint32_t i = 0; i < size; ++i) data_[shift + i] = one(random, extremes);
  }
  T* data() { return data_.data() + shift_; }
  const T* data() const { return data_.data() + shift_; }
  T& operator[](std::size_t i) { return data_[shift_ + i]; }
  const T& operator[](std::size_t i) const { return data_[shift_ + i]; }

  static T one(Random& random, bool extremes) {
    const std::uint64_t kind = random() % 16;
    if constexpr (std::is_floating_point_v<T>) {
      using Limits = std::numeric_limits<T>;
      const T special[] = {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), T{0}, -T{0}};
      if (extremes && kind < 5) return special[kind];
      return static_cast<T>(static_cast<std::int64_t>(random() % 20001) - 10000) / 16;
    } else {
      if (extremes && kind == 0) return std::numeric_limits<T>::max();
      if (extremes && kind == 1) return std::numeric_limits<T>::min();
      if (kind < 8) return static_cast<T>(random() % 5);
      return static_cast<T>(static_cast<T>(random()) >> (random() % 8));
    }
  }

 private:
  std::vector<T> data_;
  std::uint32_t shift_;
};

/// Same bits, so that NaN equals itself and the zeros differ.
template <class T>
bool same_bits(const T& left, const T& right) {
  return __builtin_memcmp(&left, &right, sizeof(T)) == 0;
}

}  // namespace weir::simd::testing
