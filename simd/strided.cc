// Strided gathers. A load and a store a row: gather instructions are a load a lane on the processors measured. What is
// compiled for every target is the pass over times, in blocks that stay in the first cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "strided.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef WEIR_SIMD_STRIDED_TABLE_
#define WEIR_SIMD_STRIDED_TABLE_
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "dispatch.h"
#include "weir/simd/strided.h"

namespace weir::simd {
struct StridedTable {
  void (*range)(const std::int64_t* values, std::uint32_t count, std::int64_t* least, std::int64_t* greatest);
  void (*scale)(std::int64_t* values, std::uint32_t count, std::int64_t unit, std::int64_t shift);
};
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {
#include "strided_loops-inl.h"
}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
#include "strided_loops-inl.h"
}  // namespace
}  // namespace plain

HWY_EXPORT(strided_table);

namespace {

template <class From, class To>
[[gnu::always_inline]] inline To load(const std::byte* at) noexcept {
  From value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<To>(value);
}
template <>
inline std::int8_t load<bool, std::int8_t>(const std::byte* at) noexcept {
  return static_cast<std::int8_t>(*at != std::byte{0});
}

}  // namespace

template <class From, class To>
void gather_strided(Strided field, std::uint32_t count, To* out) {
  const auto* at = static_cast<const std::byte*>(field.first);
  const std::size_t stride = field.stride, ahead = field.ahead;
  const auto take = [&](auto prefetch) {
    std::uint32_t row = 0;
    for (; row + 4 <= count; row += 4, at += 4 * stride) {  // four a turn: else the loop itself is the limit
      if constexpr (prefetch) {
        for (std::size_t i = 0; i < 4; ++i) __builtin_prefetch(at + ahead + i * stride);
      }
      const To first = load<From, To>(at), second = load<From, To>(at + stride);
      const To third = load<From, To>(at + 2 * stride), fourth = load<From, To>(at + 3 * stride);
      out[row] = first;
      out[row + 1] = second;
      out[row + 2] = third;
      out[row + 3] = fourth;
    }
    for (; row < count; ++row, at += stride) out[row] = load<From, To>(at);
  };
  ahead == 0 ? take(std::false_type()) : take(std::true_type());
}

template <class From, class To>
void gather_strided_rows(Strided field, const std::uint32_t* rows, std::uint32_t count, To* out) {
  const auto* first = static_cast<const std::byte*>(field.first);
  constexpr std::uint32_t kRowsAhead = 16;
  std::uint32_t i = 0;
  if (field.ahead != 0) {
    for (; i + kRowsAhead < count; ++i) {
      __builtin_prefetch(first + rows[i + kRowsAhead] * field.stride);
      out[rows[i]] = load<From, To>(first + rows[i] * field.stride);
    }
  }
  for (; i < count; ++i) out[rows[i]] = load<From, To>(first + rows[i] * field.stride);
}

template <class From>
bool gather_strided_times(Strided field, std::uint32_t count, std::int64_t unit, std::int64_t shift, std::int64_t* out,
                          std::int64_t* least, std::int64_t* greatest) {
  const StridedTable& table = WEIR_SIMD_TABLE(strided_table);
  gather_strided<From>(field, count, out);
  std::int64_t low, high;
  table.range(out, count, &low, &high);
  // Both ends fit, so all between them do.
  const auto scaled = [&](std::int64_t value, std::int64_t* to) {
    std::int64_t product;
    return !__builtin_mul_overflow(value, unit, &product) && !__builtin_add_overflow(product, shift, to);
  };
  if (!scaled(low, least) || !scaled(high, greatest)) return false;
  if (*greatest < *least) {  // a negative unit turns the order around
    const std::int64_t first = *least;
    *least = *greatest;
    *greatest = first;
  }
  if (unit != 1 || shift != 0) table.scale(out, count, unit, shift);
  return true;
}

#define WEIR_SIMD_PAIR(From, To)                                       \
  template void gather_strided<From, To>(Strided, std::uint32_t, To*); \
  template void gather_strided_rows<From, To>(Strided, const std::uint32_t*, std::uint32_t, To*);
#define WEIR_SIMD_TO_128(From) WEIR_SIMD_PAIR(From, Int128)
#define WEIR_SIMD_TO_64(From) WEIR_SIMD_PAIR(From, std::int64_t) WEIR_SIMD_TO_128(From)
#define WEIR_SIMD_TO_32(From) WEIR_SIMD_PAIR(From, std::int32_t) WEIR_SIMD_TO_64(From)
#define WEIR_SIMD_TO_16(From) WEIR_SIMD_PAIR(From, std::int16_t) WEIR_SIMD_TO_32(From)
WEIR_SIMD_PAIR(std::int8_t, std::int8_t)
WEIR_SIMD_TO_16(std::int8_t)
WEIR_SIMD_TO_16(std::uint8_t)
WEIR_SIMD_TO_16(std::int16_t)
WEIR_SIMD_TO_32(std::uint16_t)
WEIR_SIMD_TO_32(std::int32_t)
WEIR_SIMD_TO_64(std::uint32_t)
WEIR_SIMD_TO_64(std::int64_t)
WEIR_SIMD_TO_128(std::uint64_t)
WEIR_SIMD_TO_128(Int128)
WEIR_SIMD_PAIR(float, float)
WEIR_SIMD_PAIR(float, double)
WEIR_SIMD_PAIR(double, double)
WEIR_SIMD_PAIR(bool, std::int8_t)

#define WEIR_SIMD_TIMES(From)                                                                                 \
  template bool gather_strided_times<From>(Strided, std::uint32_t, std::int64_t, std::int64_t, std::int64_t*, \
                                           std::int64_t*, std::int64_t*);
WEIR_SIMD_TIMES(std::int8_t)
WEIR_SIMD_TIMES(std::uint8_t)
WEIR_SIMD_TIMES(std::int16_t)
WEIR_SIMD_TIMES(std::uint16_t)
WEIR_SIMD_TIMES(std::int32_t)
WEIR_SIMD_TIMES(std::uint32_t)
WEIR_SIMD_TIMES(std::int64_t)

}  // namespace weir::simd
#endif
