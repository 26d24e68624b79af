// Loops that the compiler turns into vector code for every target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ordered.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef WEIR_SIMD_ORDERED_TABLE_
#define WEIR_SIMD_ORDERED_TABLE_
#include <bit>
#include <cstdint>

#include "dispatch.h"
#include "weir/simd/ordered.h"

namespace weir::simd {
struct OrderedTable {
  void (*doubles)(const double* values, std::uint32_t count, std::int64_t* out);
  void (*floats)(const float* values, std::uint32_t count, std::int32_t* out);
};
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {
#include "ordered_loops-inl.h"
}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
#include "ordered_loops-inl.h"
}  // namespace
}  // namespace plain

HWY_EXPORT(ordered_table);

namespace {

template <class T, class I>
void run(void (*OrderedTable::*kernel)(const T*, std::uint32_t, I*), const T* values, const Rows& rows, I* out) {
  if (rows.count < kFewRows || (rows.selection != nullptr && !rows.contiguous())) {
    for (std::uint32_t i = 0; i < rows.count; ++i) out[rows[i]] = plain::ordered_integer(values[rows[i]]);
    return;
  }
  const std::uint32_t first = rows[0];
  (WEIR_SIMD_TABLE(ordered_table).*kernel)(values + first, rows.count, out + first);
}

}  // namespace

void ordered_integers(const double* values, const Rows& rows, std::int64_t* out) {
  run(&OrderedTable::doubles, values, rows, out);
}
void ordered_integers(const float* values, const Rows& rows, std::int32_t* out) {
  run(&OrderedTable::floats, values, rows, out);
}

}  // namespace weir::simd
#endif
