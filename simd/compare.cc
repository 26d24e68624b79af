// Comparison kernels: 64 rows to one word of bits, then the bits to row numbers or bytes. Selections are walked row by
// row without branches.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compare.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy_compat-inl.h"

#ifndef WEIR_SIMD_COMPARE_TABLE_
#define WEIR_SIMD_COMPARE_TABLE_
#include <cstdint>
#include <tuple>

#include "dispatch.h"
#include "weir/simd/boolean.h"
#include "weir/simd/compare.h"

namespace weir::simd {

inline constexpr std::size_t kCompareOps = 6;

/// Kernels of one type: [op][right side is a constant].
template <class T>
struct CompareEntry {
  std::uint32_t (*select[kCompareOps][2])(const T*, const T*, const Rows&, std::uint32_t*);
  void (*bytes[kCompareOps][2])(const T*, const T*, std::uint32_t, std::uint8_t*);
};
using CompareEntries =
    std::tuple<CompareEntry<std::int8_t>, CompareEntry<std::int16_t>, CompareEntry<std::int32_t>,
               CompareEntry<std::int64_t>, CompareEntry<std::uint8_t>, CompareEntry<std::uint32_t>,
               CompareEntry<std::uint64_t>, CompareEntry<float>, CompareEntry<double>, CompareEntry<Int128>>;
struct CompareTable {
  CompareEntries entries;
  std::uint32_t (*select_true)(const std::uint8_t*, const Rows&, std::uint32_t*);
  std::uint32_t (*select_bits)(const std::uint64_t*, std::uint64_t, std::uint32_t, std::uint32_t*);
};

template <CompareOp kOp, class T>
constexpr bool holds(const T& left, const T& right) noexcept {
  switch (kOp) {
    case CompareOp::kEqual:
      return left == right;
    case CompareOp::kNotEqual:
      return left != right;
    case CompareOp::kLess:
      return left < right;
    case CompareOp::kLessEqual:
      return left <= right;
    case CompareOp::kGreater:
      return left > right;
    case CompareOp::kGreaterEqual:
      return left >= right;
  }
  return false;
}

/// Row by row from `first` on; the twin of the vector code, its tail, and the way along a selection.
template <CompareOp kOp, bool kConstant, class T>
inline std::uint32_t select_rows(const T* left, const T* right, const Rows& rows, std::uint32_t first,
                                 std::uint32_t* out, std::uint32_t count) {
  for (std::uint32_t i = first; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    const bool take = holds<kOp>(left[row], right[kConstant ? 0 : row]) & rows.valid(row);
    out[count] = row;
    count += take ? 1 : 0;
  }
  return count;
}

}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

template <CompareOp kOp, class D, class V>
HWY_INLINE std::uint64_t compare_lanes(D d, V left, V right) {
  if constexpr (kOp == CompareOp::kEqual || kOp == CompareOp::kNotEqual) return mask_bits(d, hn::Eq(left, right));
  if constexpr (kOp == CompareOp::kLess) return mask_bits(d, hn::Lt(left, right));
  if constexpr (kOp == CompareOp::kGreater) return mask_bits(d, hn::Lt(right, left));
  if constexpr (hwy::IsFloat<hn::TFromD<D>>()) {
    if constexpr (kOp == CompareOp::kLessEqual) return mask_bits(d, hn::Le(left, right));
    if constexpr (kOp == CompareOp::kGreaterEqual) return mask_bits(d, hn::Le(right, left));
  } else {
    if constexpr (kOp == CompareOp::kLessEqual) return mask_bits(d, hn::Lt(right, left));
    if constexpr (kOp == CompareOp::kGreaterEqual) return mask_bits(d, hn::Lt(left, right));
  }
}

/// Whether compare_lanes answers the opposite of the operator.
template <CompareOp kOp, class T>
constexpr bool inverted() {
  return kOp == CompareOp::kNotEqual ||
         (!hwy::IsFloat<T>() && (kOp == CompareOp::kLessEqual || kOp == CompareOp::kGreaterEqual));
}

/// One bit for each of the 64 rows from `row` on.
template <CompareOp kOp, bool kConstant, class T>
HWY_INLINE std::uint64_t compare_64(const T* left, const T* right, std::size_t row) {
  const hn::ScalableTag<T> d;
  constexpr std::size_t kLanes = HWY_LANES(T);
  const auto constant = hn::Set(d, *right);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 64; i += kLanes) {
    const auto other = kConstant ? constant : hn::LoadU(d, right + row + i);
    bits |= compare_lanes<kOp>(d, hn::LoadU(d, left + row + i), other) << i;
  }
  return inverted<kOp, T>() ? ~bits : bits;
}

template <CompareOp kOp, bool kConstant, class T>
std::uint32_t select_kernel(const T* left, const T* right, const Rows& rows, std::uint32_t* out) {
  std::uint32_t row = 0, count = 0;
  if constexpr (!std::is_same_v<T, Int128>) {
    if (rows.selection == nullptr) {
      for (; row + 64 <= rows.count; row += 64) {
        std::uint64_t bits = compare_64<kOp, kConstant>(left, right, row);
        if (rows.validity != nullptr) bits &= rows.validity[row / 64];
        if (bits != 0) count += emit_rows(bits, row, out + count);
      }
    }
  }
  return select_rows<kOp, kConstant>(left, right, rows, row, out, count);
}

template <CompareOp kOp, bool kConstant, class T>
void bytes_kernel(const T* left, const T* right, std::uint32_t count, std::uint8_t* out) {
  std::uint32_t row = 0;
  if constexpr (!std::is_same_v<T, Int128>) {
    for (; row + 64 <= count; row += 64) bytes_of_bits(compare_64<kOp, kConstant>(left, right, row), out + row);
  }
  for (; row < count; ++row) out[row] = holds<kOp>(left[row], right[kConstant ? 0 : row]) ? 1 : 0;
}

std::uint32_t select_true_kernel(const std::uint8_t* values, const Rows& rows, std::uint32_t* out) {
  std::uint32_t row = 0, count = 0;
  if (rows.selection == nullptr) {
    for (; row + 64 <= rows.count; row += 64) {
      std::uint64_t bits = bits_of_bytes(values + row);
      if (rows.validity != nullptr) bits &= rows.validity[row / 64];
      if (bits != 0) count += emit_rows(bits, row, out + count);
    }
  }
  const std::uint8_t zero = 0;
  return select_rows<CompareOp::kNotEqual, true>(values, &zero, rows, row, out, count);
}

/// Rows whose bit, after XOR with `flip`, is 1.
std::uint32_t select_bits_kernel(const std::uint64_t* words, std::uint64_t flip, std::uint32_t rows,
                                 std::uint32_t* out) {
  std::uint32_t row = 0, count = 0;
  for (; row + 64 <= rows; row += 64) count += emit_rows(words[row / 64] ^ flip, row, out + count);
  for (; row < rows; ++row) {
    out[count] = row;
    count += static_cast<std::uint32_t>((words[row / 64] ^ flip) >> (row % 64) & 1);
  }
  return count;
}

#define WEIR_SIMD_OPS(KERNEL, T)                                                              \
  {                                                                                           \
    {&KERNEL<CompareOp::kEqual, false, T>, &KERNEL<CompareOp::kEqual, true, T>},              \
        {&KERNEL<CompareOp::kNotEqual, false, T>, &KERNEL<CompareOp::kNotEqual, true, T>},    \
        {&KERNEL<CompareOp::kLess, false, T>, &KERNEL<CompareOp::kLess, true, T>},            \
        {&KERNEL<CompareOp::kLessEqual, false, T>, &KERNEL<CompareOp::kLessEqual, true, T>},  \
        {&KERNEL<CompareOp::kGreater, false, T>, &KERNEL<CompareOp::kGreater, true, T>}, {    \
      &KERNEL<CompareOp::kGreaterEqual, false, T>, &KERNEL<CompareOp::kGreaterEqual, true, T> \
    }                                                                                         \
  }
#define WEIR_SIMD_ENTRY(T)                                          \
  CompareEntry<T> {                                                 \
    WEIR_SIMD_OPS(select_kernel, T), WEIR_SIMD_OPS(bytes_kernel, T) \
  }
#define WEIR_SIMD_COMPARE_ENTRIES                                                                                \
  CompareEntries {                                                                                               \
    WEIR_SIMD_ENTRY(std::int8_t), WEIR_SIMD_ENTRY(std::int16_t), WEIR_SIMD_ENTRY(std::int32_t),                  \
        WEIR_SIMD_ENTRY(std::int64_t), WEIR_SIMD_ENTRY(std::uint8_t), WEIR_SIMD_ENTRY(std::uint32_t),            \
        WEIR_SIMD_ENTRY(std::uint64_t), WEIR_SIMD_ENTRY(float), WEIR_SIMD_ENTRY(double), WEIR_SIMD_ENTRY(Int128) \
  }

const CompareTable* compare_table() {
  static constexpr CompareTable kTable = {WEIR_SIMD_COMPARE_ENTRIES, &select_true_kernel, &select_bits_kernel};
  return &kTable;
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {

template <CompareOp kOp, bool kConstant, class T>
std::uint32_t select_kernel(const T* left, const T* right, const Rows& rows, std::uint32_t* out) {
  return select_rows<kOp, kConstant>(left, right, rows, 0, out, 0);
}
template <CompareOp kOp, bool kConstant, class T>
void bytes_kernel(const T* left, const T* right, std::uint32_t count, std::uint8_t* out) {
  for (std::uint32_t row = 0; row < count; ++row) out[row] = holds<kOp>(left[row], right[kConstant ? 0 : row]) ? 1 : 0;
}
std::uint32_t select_true_kernel(const std::uint8_t* values, const Rows& rows, std::uint32_t* out) {
  const std::uint8_t zero = 0;
  return select_rows<CompareOp::kNotEqual, true>(values, &zero, rows, 0, out, 0);
}
std::uint32_t select_bits_kernel(const std::uint64_t* words, std::uint64_t flip, std::uint32_t rows,
                                 std::uint32_t* out) {
  std::uint32_t count = 0;
  for (std::uint32_t row = 0; row < rows; ++row) {
    out[count] = row;
    count += static_cast<std::uint32_t>((words[row / 64] ^ flip) >> (row % 64) & 1);
  }
  return count;
}

const CompareTable* compare_table() {
  static constexpr CompareTable kTable = {WEIR_SIMD_COMPARE_ENTRIES, &select_true_kernel, &select_bits_kernel};
  return &kTable;
}

}  // namespace
}  // namespace plain

HWY_EXPORT(compare_table);

template <class T>
std::uint32_t select_compare(CompareOp op, const T* left, const T* right, const Rows& rows, std::uint32_t* out) {
  const auto& entry = std::get<CompareEntry<T>>(WEIR_SIMD_TABLE(compare_table).entries);
  return entry.select[static_cast<std::size_t>(op)][0](left, right, rows, out);
}
template <class T>
std::uint32_t select_compare(CompareOp op, const T* left, std::type_identity_t<T> right, const Rows& rows,
                             std::uint32_t* out) {
  const auto& entry = std::get<CompareEntry<T>>(WEIR_SIMD_TABLE(compare_table).entries);
  return entry.select[static_cast<std::size_t>(op)][1](left, &right, rows, out);
}
template <class T>
void compare(CompareOp op, const T* left, const T* right, const Rows& rows, std::uint8_t* out) {
  const auto& entry = std::get<CompareEntry<T>>(WEIR_SIMD_TABLE(compare_table).entries);
  entry.bytes[static_cast<std::size_t>(op)][0](left, right, rows.end(), out);
}
template <class T>
void compare(CompareOp op, const T* left, std::type_identity_t<T> right, const Rows& rows, std::uint8_t* out) {
  const auto& entry = std::get<CompareEntry<T>>(WEIR_SIMD_TABLE(compare_table).entries);
  entry.bytes[static_cast<std::size_t>(op)][1](left, &right, rows.end(), out);
}

#define WEIR_SIMD_INSTANTIATE(T)                                                                                       \
  template std::uint32_t select_compare<T>(CompareOp, const T*, const T*, const Rows&, std::uint32_t*);                \
  template std::uint32_t select_compare<T>(CompareOp, const T*, std::type_identity_t<T>, const Rows&, std::uint32_t*); \
  template void compare<T>(CompareOp, const T*, const T*, const Rows&, std::uint8_t*);                                 \
  template void compare<T>(CompareOp, const T*, std::type_identity_t<T>, const Rows&, std::uint8_t*);
WEIR_SIMD_INSTANTIATE(std::int8_t)
WEIR_SIMD_INSTANTIATE(std::int16_t)
WEIR_SIMD_INSTANTIATE(std::int32_t)
WEIR_SIMD_INSTANTIATE(std::int64_t)
WEIR_SIMD_INSTANTIATE(std::uint8_t)
WEIR_SIMD_INSTANTIATE(std::uint32_t)
WEIR_SIMD_INSTANTIATE(std::uint64_t)
WEIR_SIMD_INSTANTIATE(float)
WEIR_SIMD_INSTANTIATE(double)
WEIR_SIMD_INSTANTIATE(Int128)
#undef WEIR_SIMD_INSTANTIATE

std::uint32_t select_true(const std::uint8_t* values, const Rows& rows, std::uint32_t* out) {
  return WEIR_SIMD_TABLE(compare_table).select_true(values, rows, out);
}

namespace {

std::uint32_t select_by_validity(const Rows& rows, bool wanted, std::uint32_t* out) {
  if (rows.selection == nullptr && rows.validity != nullptr) {
    return WEIR_SIMD_TABLE(compare_table).select_bits(rows.validity, wanted ? 0 : ~std::uint64_t{0}, rows.count, out);
  }
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    out[count] = row;
    count += rows.valid(row) == wanted ? 1 : 0;
  }
  return count;
}

}  // namespace

std::uint32_t select_valid(const Rows& rows, std::uint32_t* out) {
  return select_by_validity(rows, true, out);
}
std::uint32_t select_null(const Rows& rows, std::uint32_t* out) {
  return select_by_validity(rows, false, out);
}

}  // namespace weir::simd
#endif
