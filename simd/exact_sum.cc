// Exact sums: each value is cut into two integers on a grid that the block's greatest magnitude fixes, and these are
// summed. Adding 1.5 * 2^52 units to x rounds x to a whole number of units, which then stands in the low bits of the
// sum; taking it off again leaves what was cut away, exactly. Source: Rump, Ogita, Oishi, Accurate floating-point
// summation, 2008 (the extraction); integers in place of their doubles leave room for all rows of a block.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "exact_sum.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy_compat-inl.h"

#ifndef WEIR_SIMD_EXACT_SUM_TABLE_
#define WEIR_SIMD_EXACT_SUM_TABLE_
#include <bit>
#include <cstdint>
#include <type_traits>

#include "dispatch.h"
#include "weir/simd/exact_sum.h"

namespace weir::simd {
struct ExactSumTable {
  /// Of rows 0 … count - 1; validity of whole words or null.
  bool (*doubles)(const double*, std::uint32_t, const std::uint64_t*, SplitSum*);
  bool (*floats)(const float*, std::uint32_t, const std::uint64_t*, SplitSum*);
};

/// Bits that each of the two cuts takes: count * 2^kCutBits fits a word.
inline constexpr int kCutBits = 50;

/// 1.5 * 2^52 units of 2^exponent.
inline double grid(int exponent) noexcept {
  return std::bit_cast<double>((static_cast<std::uint64_t>(exponent + 52 + 1023) << 52) | std::uint64_t{1} << 51);
}
/// The exponents for magnitudes whose bits are at most `greatest`; false where there are none.
inline bool choose_grid(std::uint64_t greatest, SplitSum* sum) noexcept {
  const int above = static_cast<int>(greatest >> 52) - 1022;  // all are less than 2^above
  if (above > 1020) return false;
  sum->high_exponent = (above < -900 ? -900 : above) - kCutBits;
  sum->low_exponent = sum->high_exponent - kCutBits;
  return true;
}
inline std::uint64_t valid_word(const std::uint64_t* validity, std::uint32_t row) noexcept {
  return validity == nullptr ? ~std::uint64_t{0} : validity[row / 64];
}
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

template <class T>
bool split_kernel(const T* values, std::uint32_t count, const std::uint64_t* validity, SplitSum* sum) {
  const hn::ScalableTag<double> d;
  const hn::ScalableTag<std::int64_t> di;
  constexpr std::uint32_t kLanes = HWY_LANES(double);
  const auto load = [&](std::uint32_t row) HWY_ATTR {
    if constexpr (std::is_same_v<T, double>) {
      return hn::LoadU(d, values + row);
    } else {
      return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, decltype(d)>(), values + row));
    }
  };
  // The last rows, less than a vector, and blocks of 64 with NULLs are masked; `take` gets vectors with zeros there.
  const auto each = [&](auto&& take) HWY_ATTR {
    std::uint32_t row = 0;
    for (; row + 64 <= count; row += 64) {
      const std::uint64_t valid = valid_word(validity, row);
      if (valid == ~std::uint64_t{0}) {
        for (std::uint32_t i = 0; i < 64; i += kLanes) take(load(row + i));
      } else if (valid != 0) {
        for (std::uint32_t i = 0; i < 64; i += kLanes)
          take(hn::IfThenElseZero(bits_mask(d, valid >> i), load(row + i)));
      }
    }
    HWY_ALIGN double rest[kLanes];
    while (row < count) {
      const std::uint64_t valid = valid_word(validity, row) >> (row % 64);
      for (std::uint32_t i = 0; i < kLanes; ++i)
        rest[i] = row + i < count && (valid >> i & 1) != 0 ? static_cast<double>(values[row + i]) : 0;
      take(hn::Load(d, rest));
      row += kLanes;
    }
  };
  auto most = hn::Zero(d);
  each([&](auto v) HWY_ATTR { most = hn::Max(most, hn::Abs(v)); });
  HWY_ALIGN double magnitudes[kLanes];
  hn::Store(most, d, magnitudes);
  std::uint64_t greatest = 0;
  for (std::uint32_t i = 0; i < kLanes; ++i) {
    const auto bits = std::bit_cast<std::uint64_t>(magnitudes[i]);
    if (bits > greatest) greatest = bits;
  }
  if (!choose_grid(greatest, sum)) return false;

  const auto high_grid = hn::Set(d, grid(sum->high_exponent)), low_grid = hn::Set(d, grid(sum->low_exponent));
  const auto high_bits = hn::BitCast(di, high_grid), low_bits = hn::BitCast(di, low_grid);
  auto high = hn::Zero(di), low = hn::Zero(di), lost = hn::Zero(di);
  each([&](auto v) HWY_ATTR {
    const auto cut = hn::Add(v, high_grid);
    const auto rest = hn::Sub(v, hn::Sub(cut, high_grid));
    const auto cut_rest = hn::Add(rest, low_grid);
    const auto left = hn::Sub(rest, hn::Sub(cut_rest, low_grid));
    high = hn::Add(high, hn::Sub(hn::BitCast(di, cut), high_bits));
    low = hn::Add(low, hn::Sub(hn::BitCast(di, cut_rest), low_bits));
    lost = hn::Or(lost, hn::BitCast(di, left));  // a NaN that Max passed over shows here too
  });
  HWY_ALIGN std::int64_t highs[kLanes], lows[kLanes], losts[kLanes];
  hn::Store(high, di, highs);
  hn::Store(low, di, lows);
  hn::Store(lost, di, losts);
  std::uint64_t any = 0, high_sum = 0, low_sum = 0;  // unsigned: NaN and infinities, refused below, wrap
  for (std::uint32_t i = 0; i < kLanes; ++i) {
    high_sum += static_cast<std::uint64_t>(highs[i]);
    low_sum += static_cast<std::uint64_t>(lows[i]);
    any |= static_cast<std::uint64_t>(losts[i]);
  }
  sum->high = static_cast<std::int64_t>(high_sum);
  sum->low = static_cast<std::int64_t>(low_sum);
  return any << 1 == 0;  // -0 is nothing
}

const ExactSumTable* exact_sum_table() {
  static constexpr ExactSumTable kTable = {&split_kernel<double>, &split_kernel<float>};
  return &kTable;
}
}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
template <class T>
bool split_kernel(const T* values, std::uint32_t count, const std::uint64_t* validity, SplitSum* sum) {
  std::uint64_t greatest = 0;
  const auto valid = [&](std::uint32_t row) { return (valid_word(validity, row) >> (row % 64) & 1) != 0; };
  for (std::uint32_t row = 0; row < count; ++row) {
    const auto bits = std::bit_cast<std::uint64_t>(static_cast<double>(values[row])) << 1 >> 1;
    if (valid(row) && bits > greatest) greatest = bits;
  }
  if (!choose_grid(greatest, sum)) return false;
  const double high_grid = grid(sum->high_exponent), low_grid = grid(sum->low_exponent);
  const auto high_bits = std::bit_cast<std::uint64_t>(high_grid), low_bits = std::bit_cast<std::uint64_t>(low_grid);
  std::uint64_t high = 0, low = 0;
  for (std::uint32_t row = 0; row < count; ++row) {
    if (!valid(row)) continue;
    const auto value = static_cast<double>(values[row]);
    const double cut = value + high_grid, rest = value - (cut - high_grid), cut_rest = rest + low_grid;
    if (rest - (cut_rest - low_grid) != 0) return false;
    high += std::bit_cast<std::uint64_t>(cut) - high_bits;
    low += std::bit_cast<std::uint64_t>(cut_rest) - low_bits;
  }
  sum->high = static_cast<std::int64_t>(high);
  sum->low = static_cast<std::int64_t>(low);
  return true;
}
const ExactSumTable* exact_sum_table() {
  static constexpr ExactSumTable kTable = {&split_kernel<double>, &split_kernel<float>};
  return &kTable;
}
}  // namespace
}  // namespace plain

HWY_EXPORT(exact_sum_table);

template <class T>
bool split_sum(const T* values, const Rows& rows, std::uint32_t first, std::uint32_t count, SplitSum* sum) {
  const ExactSumTable& table = WEIR_SIMD_TABLE(exact_sum_table);
  const auto kernel = [&](const T* from, std::uint32_t rows_of_it, const std::uint64_t* validity) {
    if constexpr (std::is_same_v<T, double>) {
      return table.doubles(from, rows_of_it, validity, sum);
    } else {
      return table.floats(from, rows_of_it, validity, sum);
    }
  };
  if (rows.selection == nullptr)
    return kernel(values + first, count, rows.validity == nullptr ? nullptr : rows.validity + first / 64);
  T picked[kSplitRowsMax];
  std::uint32_t size = 0;
  for (std::uint32_t i = first; i < first + count; ++i) {
    const std::uint32_t row = rows.selection[i];
    picked[size] = values[row];
    size += rows.valid(row) ? 1 : 0;
  }
  return kernel(picked, size, nullptr);
}
template bool split_sum<float>(const float*, const Rows&, std::uint32_t, std::uint32_t, SplitSum*);
template bool split_sum<double>(const double*, const Rows&, std::uint32_t, std::uint32_t, SplitSum*);

}  // namespace weir::simd
#endif
