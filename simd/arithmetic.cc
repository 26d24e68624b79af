// Arithmetic kernels: blocks of rows, first a look for overflow, then the results (which may overwrite an input).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "arithmetic.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef WEIR_SIMD_ARITHMETIC_TABLE_
#define WEIR_SIMD_ARITHMETIC_TABLE_
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>

#include "dispatch.h"
#include "weir/simd/arithmetic.h"

namespace weir::simd {
/// Which operand is a vector.
enum class Form : std::uint8_t { kVectors, kRightConstant, kLeftConstant };
inline constexpr std::size_t kForms = 3;
inline constexpr std::size_t kArithmeticOps = 4;
template <class T>
struct ArithmeticEntry {
  std::uint32_t (*run[kArithmeticOps][kForms])(const T*, const T*, const Rows&, T*);
};
using ArithmeticTable =
    std::tuple<ArithmeticEntry<std::int8_t>, ArithmeticEntry<std::int16_t>, ArithmeticEntry<std::int32_t>,
               ArithmeticEntry<std::int64_t>, ArithmeticEntry<float>, ArithmeticEntry<double>>;
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {
#include "arithmetic_loops-inl.h"
}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
#include "arithmetic_loops-inl.h"
}  // namespace
}  // namespace plain

HWY_EXPORT(arithmetic_table);

namespace {
template <class T>
std::uint32_t run(ArithmeticOp op, Form form, const T* left, const T* right, const Rows& rows, T* out) {
  const auto& entry = std::get<ArithmeticEntry<T>>(WEIR_SIMD_TABLE(arithmetic_table));
  return entry.run[static_cast<std::size_t>(op)][static_cast<std::size_t>(form)](left, right, rows, out);
}
}  // namespace

template <class T>
std::uint32_t arithmetic(ArithmeticOp op, const T* left, const T* right, const Rows& rows, T* out) {
  return run(op, Form::kVectors, left, right, rows, out);
}
template <class T>
std::uint32_t arithmetic(ArithmeticOp op, const T* left, std::type_identity_t<T> right, const Rows& rows, T* out) {
  return run(op, Form::kRightConstant, left, &right, rows, out);
}
template <class T>
std::uint32_t arithmetic(ArithmeticOp op, std::type_identity_t<T> left, const T* right, const Rows& rows, T* out) {
  return run(op, Form::kLeftConstant, &left, right, rows, out);
}
template <class T>
std::uint32_t negate(const T* input, const Rows& rows, T* out) {
  // -x is -0 - x, which also turns +0 into -0.
  const T zero = std::is_floating_point_v<T> ? static_cast<T>(-0.0) : T{};
  return run(ArithmeticOp::kSubtract, Form::kLeftConstant, &zero, input, rows, out);
}

#define WEIR_SIMD_INSTANTIATE(T)                                                                          \
  template std::uint32_t arithmetic<T>(ArithmeticOp, const T*, const T*, const Rows&, T*);                \
  template std::uint32_t arithmetic<T>(ArithmeticOp, const T*, std::type_identity_t<T>, const Rows&, T*); \
  template std::uint32_t arithmetic<T>(ArithmeticOp, std::type_identity_t<T>, const T*, const Rows&, T*); \
  template std::uint32_t negate<T>(const T*, const Rows&, T*);
WEIR_SIMD_INSTANTIATE(std::int8_t)
WEIR_SIMD_INSTANTIATE(std::int16_t)
WEIR_SIMD_INSTANTIATE(std::int32_t)
WEIR_SIMD_INSTANTIATE(std::int64_t)
WEIR_SIMD_INSTANTIATE(float)
WEIR_SIMD_INSTANTIATE(double)
#undef WEIR_SIMD_INSTANTIATE

}  // namespace weir::simd
#endif
