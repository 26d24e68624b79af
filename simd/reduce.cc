// Reductions: vector accumulators over whole words of validity, row by row along selections.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reduce.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy_compat-inl.h"

#ifndef WEIR_SIMD_REDUCE_TABLE_
#define WEIR_SIMD_REDUCE_TABLE_
#include <bit>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>

#include "dispatch.h"
#include "weir/simd/boolean.h"
#include "weir/simd/reduce.h"

namespace weir::simd {
template <class T>
struct ReduceEntry {
  /// Over rows 0 … count-1, validity of a whole number of words or null; widens what stands in least and greatest.
  void (*min_max)(const T*, std::uint32_t, const std::uint64_t*, T*, T*);
};
struct ReduceTable {
  std::tuple<ReduceEntry<std::int8_t>, ReduceEntry<std::int16_t>, ReduceEntry<std::int32_t>, ReduceEntry<std::int64_t>,
             ReduceEntry<float>, ReduceEntry<double>>
      entries;
  Int128 (*sum64)(const std::int64_t*, std::uint32_t);
  std::int64_t (*sum32)(const std::int32_t*, std::uint32_t);
  std::int64_t (*sum16)(const std::int16_t*, std::uint32_t);
  std::int64_t (*sum8)(const std::int8_t*, std::uint32_t);
  void (*ranges32)(const std::int32_t*, const std::uint32_t*, std::uint32_t, std::int64_t*);
  /// Over rows first … first+count-1, count a multiple of 32; lane of row first is 0.
  void (*add_doubles)(const double*, std::uint32_t first, std::uint32_t count, const std::uint64_t*, double*);
  void (*add_floats)(const float*, std::uint32_t first, std::uint32_t count, const std::uint64_t*, double*);
};

template <class T>
inline constexpr T kGreatest = std::is_floating_point_v<T> ? std::numeric_limits<T>::infinity()
                                                           : std::numeric_limits<T>::max();
template <class T>
inline constexpr T kLeast = std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity()
                                                        : std::numeric_limits<T>::min();

template <class T>
inline void widen(T value, T* least, T* greatest) noexcept {
  if (value < *least) *least = value;
  if (value > *greatest) *greatest = value;
}
/// The bits of 32 rows from `row` on, which may straddle two words.
inline std::uint32_t bits_32(const std::uint64_t* words, std::uint32_t row) noexcept {
  const std::uint32_t shift = row % 64;
  std::uint64_t bits = words[row / 64] >> shift;
  if (shift > 32) bits |= words[row / 64 + 1] << (64 - shift);
  return static_cast<std::uint32_t>(bits);
}
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {
#include "reduce_loops-inl.h"

template <class T>
void min_max_kernel(const T* values, std::uint32_t count, const std::uint64_t* validity, T* least, T* greatest) {
  const hn::ScalableTag<T> d;
  constexpr std::uint32_t kLanes = HWY_LANES(T);
  const auto top = hn::Set(d, kGreatest<T>), bottom = hn::Set(d, kLeast<T>);
  auto low0 = top, low1 = top, high0 = bottom, high1 = bottom;
  const auto take = [&](auto v, auto w, auto& low, auto& high) HWY_ATTR {
    if constexpr (hwy::IsFloat<T>()) {
      low = hn::IfThenElse(hn::Lt(v, low), v, low);
      high = hn::IfThenElse(hn::Lt(high, w), w, high);
    } else {
      low = hn::Min(low, v);
      high = hn::Max(high, w);
    }
  };
  std::uint32_t row = 0;
  for (; row + 64 <= count; row += 64) {
    const std::uint64_t valid = validity == nullptr ? ~std::uint64_t{0} : validity[row / 64];
    if (valid == ~std::uint64_t{0}) {
      if constexpr (kLanes == 64) {
        const auto v = hn::LoadU(d, values + row);
        take(v, v, low0, high0);
      } else {
        for (std::uint32_t i = 0; i < 64; i += 2 * kLanes) {
          const auto v = hn::LoadU(d, values + row + i), w = hn::LoadU(d, values + row + i + kLanes);
          take(v, v, low0, high0);
          take(w, w, low1, high1);
        }
      }
    } else if (valid != 0) {
      for (std::uint32_t i = 0; i < 64; i += kLanes) {
        const auto mask = bits_mask(d, valid >> i);
        const auto v = hn::LoadU(d, values + row + i);
        take(hn::IfThenElse(mask, v, top), hn::IfThenElse(mask, v, bottom), low0, high0);
      }
    }
  }
  take(low1, high1, low0, high0);
  HWY_ALIGN T lows[kLanes], highs[kLanes];
  hn::Store(low0, d, lows);
  hn::Store(high0, d, highs);
  for (std::uint32_t i = 0; i < kLanes; ++i) {
    if (lows[i] < *least) *least = lows[i];
    if (highs[i] > *greatest) *greatest = highs[i];
  }
  for (; row < count; ++row) {
    if (validity == nullptr || (validity[row / 64] >> (row % 64) & 1) != 0) widen(values[row], least, greatest);
  }
}

/// Two vectors in turns; what is left of a range is one vector with a mask.
void ranges_kernel(const std::int32_t* values, const std::uint32_t* bounds, std::uint32_t ranges, std::int64_t* sums) {
  const hn::ScalableTag<std::int64_t> d;
  const hn::Rebind<std::int32_t, decltype(d)> d32;
  constexpr std::uint32_t kLanes = HWY_LANES(std::int64_t);
  for (std::uint32_t i = 0; i < ranges; ++i) {
    std::uint32_t row = bounds[i];
    const std::uint32_t end = bounds[i + 1];
    auto even = hn::Zero(d), odd = hn::Zero(d);
    for (; row + 2 * kLanes <= end; row += 2 * kLanes) {
      even = hn::Add(even, hn::PromoteTo(d, hn::LoadU(d32, values + row)));
      odd = hn::Add(odd, hn::PromoteTo(d, hn::LoadU(d32, values + row + kLanes)));
    }
    if (row + kLanes <= end) {
      even = hn::Add(even, hn::PromoteTo(d, hn::LoadU(d32, values + row)));
      row += kLanes;
    }
    const auto rest = hn::MaskedLoad(hn::FirstN(d32, end - row), d32, values + row);
    sums[i] = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(even, odd), hn::PromoteTo(d, rest))));
  }
}

template <class T>
void add_kernel(const T* values, std::uint32_t first, std::uint32_t count, const std::uint64_t* validity,
                double* lanes) {
  const hn::ScalableTag<double> d;
  constexpr std::uint32_t kLanes = HWY_LANES(double);
  constexpr std::uint32_t kVectors = SumLanes::kLanes / kLanes;
  hn::Vec<decltype(d)> sums[kVectors];
  for (std::uint32_t v = 0; v < kVectors; ++v) sums[v] = hn::LoadU(d, lanes + v * kLanes);
  const auto load = [&](std::uint32_t row) HWY_ATTR {
    if constexpr (std::is_same_v<T, double>) {
      return hn::LoadU(d, values + row);
    } else {
      return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, decltype(d)>(), values + row));
    }
  };
  for (std::uint32_t row = first; row < first + count; row += SumLanes::kLanes) {
    const std::uint32_t valid = validity == nullptr ? 0xFFFFFFFFu : bits_32(validity, row);
    if (valid == 0xFFFFFFFFu) {
      for (std::uint32_t v = 0; v < kVectors; ++v) sums[v] = hn::Add(sums[v], load(row + v * kLanes));
    } else if (valid != 0) {
      for (std::uint32_t v = 0; v < kVectors; ++v) {
        const auto mask = bits_mask(d, valid >> (v * kLanes));
        sums[v] = hn::Add(sums[v], hn::IfThenElseZero(mask, load(row + v * kLanes)));
      }
    }
  }
  for (std::uint32_t v = 0; v < kVectors; ++v) hn::StoreU(sums[v], d, lanes + v * kLanes);
}

const ReduceTable* reduce_table() {
  static constexpr ReduceTable kTable = WEIR_SIMD_REDUCE_TABLE;
  return &kTable;
}
}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
#include "reduce_loops-inl.h"

template <class T>
void min_max_kernel(const T* values, std::uint32_t count, const std::uint64_t* validity, T* least, T* greatest) {
  for (std::uint32_t row = 0; row < count; ++row) {
    if (validity == nullptr || (validity[row / 64] >> (row % 64) & 1) != 0) widen(values[row], least, greatest);
  }
}
template <class T>
void add_kernel(const T* values, std::uint32_t first, std::uint32_t count, const std::uint64_t* validity,
                double* lanes) {
  for (std::uint32_t row = first; row < first + count; ++row) {
    if (validity != nullptr && (validity[row / 64] >> (row % 64) & 1) == 0) continue;
    lanes[(row - first) % SumLanes::kLanes] += static_cast<double>(values[row]);
  }
}
void ranges_kernel(const std::int32_t* values, const std::uint32_t* bounds, std::uint32_t ranges, std::int64_t* sums) {
  for (std::uint32_t i = 0; i < ranges; ++i) sums[i] = sum_narrow_kernel(values + bounds[i], bounds[i + 1] - bounds[i]);
}
const ReduceTable* reduce_table() {
  static constexpr ReduceTable kTable = WEIR_SIMD_REDUCE_TABLE;
  return &kTable;
}
}  // namespace
}  // namespace plain

HWY_EXPORT(reduce_table);

template <class T>
bool min_max(const T* values, const Rows& rows, T* least, T* greatest) {
  if (rows.validity == nullptr && rows.contiguous())
    return min_max(values + rows[0], Rows{rows.count}, least, greatest);
  if (count_valid(rows) == 0) return false;
  T low = kGreatest<T>, high = kLeast<T>;
  if (rows.selection == nullptr && rows.count >= kFewRows) {
    std::get<ReduceEntry<T>>(WEIR_SIMD_TABLE(reduce_table).entries)
        .min_max(values, rows.count, rows.validity, &low, &high);
  } else {
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows[i];
      if (rows.valid(row)) widen(values[row], &low, &high);
    }
  }
  // + 0 makes -0 the +0 that it equals, so that the answer does not depend on which of the two came first.
  *least = static_cast<T>(low + T{0});
  *greatest = static_cast<T>(high + T{0});
  return true;
}

std::uint64_t count_valid(const Rows& rows) {
  if (rows.validity == nullptr) return rows.count;
  if (rows.selection == nullptr) return bitmap_count(rows.validity, rows.count);
  std::uint64_t count = 0;
  for (std::uint32_t i = 0; i < rows.count; ++i) count += rows.valid(rows.selection[i]) ? 1 : 0;
  return count;
}

namespace {

Int128 sum_block(const ReduceTable& table, const std::int64_t* values, std::uint32_t count) {
  return table.sum64(values, count);
}
Int128 sum_block(const ReduceTable& table, const std::int32_t* values, std::uint32_t count) {
  return table.sum32(values, count);
}
Int128 sum_block(const ReduceTable& table, const std::int16_t* values, std::uint32_t count) {
  return table.sum16(values, count);
}
Int128 sum_block(const ReduceTable& table, const std::int8_t* values, std::uint32_t count) {
  return table.sum8(values, count);
}

}  // namespace

template <class T>
Int128 sum_exact(const T* values, const Rows& rows) {
  const ReduceTable& table = WEIR_SIMD_TABLE(reduce_table);
  if (rows.selection == nullptr && rows.validity == nullptr) return sum_block(table, values, rows.count);
  if (rows.validity == nullptr && rows.contiguous()) return sum_block(table, values + rows[0], rows.count);
  Int128 sum = 0;
  if (rows.selection != nullptr) {
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows.selection[i];
      if (rows.valid(row)) sum += values[row];
    }
    return sum;
  }
  std::uint32_t row = 0;
  for (; row + 64 <= rows.count; row += 64) {
    const std::uint64_t valid = rows.validity[row / 64];
    if (valid == ~std::uint64_t{0}) {
      sum += sum_block(table, values + row, 64);
    } else {
      for (std::uint64_t bits = valid; bits != 0; bits &= bits - 1) {
        sum += values[row + static_cast<std::uint32_t>(std::countr_zero(bits))];
      }
    }
  }
  for (; row < rows.count; ++row) {
    if (rows.valid(row)) sum += values[row];
  }
  return sum;
}

template <class T>
void add_to_sum(const T* values, const Rows& rows, SumLanes& sum) {
  if (rows.validity == nullptr && rows.contiguous()) return add_to_sum(values + rows[0], Rows{rows.count}, sum);
  const auto add = [&](std::uint32_t row) {
    if (rows.valid(row)) sum.lane[sum.next] += static_cast<double>(values[row]);
    sum.next = (sum.next + 1) % SumLanes::kLanes;
  };
  if (rows.selection != nullptr) {
    for (std::uint32_t i = 0; i < rows.count; ++i) add(rows.selection[i]);
    return;
  }
  std::uint32_t row = 0;
  while (row < rows.count && sum.next != 0) add(row++);
  const std::uint32_t whole = (rows.count - row) / SumLanes::kLanes * SumLanes::kLanes;
  if (whole != 0) {
    const ReduceTable& table = WEIR_SIMD_TABLE(reduce_table);
    if constexpr (std::is_same_v<T, double>) {
      table.add_doubles(values, row, whole, rows.validity, sum.lane);
    } else {
      table.add_floats(values, row, whole, rows.validity, sum.lane);
    }
    row += whole;
  }
  while (row < rows.count) add(row++);
}

double total(const SumLanes& sum) {
  double lane[SumLanes::kLanes];
  for (std::uint32_t i = 0; i < SumLanes::kLanes; ++i) lane[i] = sum.lane[i];
  for (std::uint32_t width = SumLanes::kLanes / 2; width != 0; width /= 2) {
    for (std::uint32_t i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}

template <class T>
void sum_ranges(const T* values, const std::uint32_t* bounds, std::uint32_t ranges, std::int64_t* sums) {
  const ReduceTable& table = WEIR_SIMD_TABLE(reduce_table);
  if constexpr (std::is_same_v<T, std::int32_t>) {
    table.ranges32(values, bounds, ranges, sums);
  } else {
    for (std::uint32_t i = 0; i < ranges; ++i)
      sums[i] = static_cast<std::int64_t>(sum_block(table, values + bounds[i], bounds[i + 1] - bounds[i]));
  }
}

template <class T>
double sum_of(const T* values, const Rows& rows) {
  SumLanes sum;
  add_to_sum(values, rows, sum);
  return total(sum);
}

#define WEIR_SIMD_INSTANTIATE(T) template bool min_max<T>(const T*, const Rows&, T*, T*);
WEIR_SIMD_INSTANTIATE(std::int8_t)
WEIR_SIMD_INSTANTIATE(std::int16_t)
WEIR_SIMD_INSTANTIATE(std::int32_t)
WEIR_SIMD_INSTANTIATE(std::int64_t)
WEIR_SIMD_INSTANTIATE(float)
WEIR_SIMD_INSTANTIATE(double)
#undef WEIR_SIMD_INSTANTIATE
template Int128 sum_exact<std::int8_t>(const std::int8_t*, const Rows&);
template Int128 sum_exact<std::int16_t>(const std::int16_t*, const Rows&);
template Int128 sum_exact<std::int32_t>(const std::int32_t*, const Rows&);
template Int128 sum_exact<std::int64_t>(const std::int64_t*, const Rows&);
template void sum_ranges<std::int8_t>(const std::int8_t*, const std::uint32_t*, std::uint32_t, std::int64_t*);
template void sum_ranges<std::int16_t>(const std::int16_t*, const std::uint32_t*, std::uint32_t, std::int64_t*);
template void sum_ranges<std::int32_t>(const std::int32_t*, const std::uint32_t*, std::uint32_t, std::int64_t*);
template void add_to_sum<float>(const float*, const Rows&, SumLanes&);
template void add_to_sum<double>(const double*, const Rows&, SumLanes&);
template double sum_of<float>(const float*, const Rows&);
template double sum_of<double>(const double*, const Rows&);

}  // namespace weir::simd
#endif
