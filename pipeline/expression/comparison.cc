// Comparison kernels: simd for fixed-width values, a plain loop for strings; to booleans and straight to a selection.
#include <array>

#include "expression/functions.h"
#include "weir/simd/compare.h"

namespace weir {

namespace {

constexpr std::array<std::string_view, 6> kNames = {"=", "<>", "<", "<=", ">", ">="};

constexpr Comparison mirrored(Comparison comparison) noexcept {
  switch (comparison) {
    case Comparison::kLess:
      return Comparison::kGreater;
    case Comparison::kLessEqual:
      return Comparison::kGreaterEqual;
    case Comparison::kGreater:
      return Comparison::kLess;
    case Comparison::kGreaterEqual:
      return Comparison::kLessEqual;
    default:
      return comparison;
  }
}

constexpr simd::CompareOp simd_op(Comparison comparison) noexcept {
  return static_cast<simd::CompareOp>(comparison);  // same order
}
static_assert(static_cast<int>(simd::CompareOp::kGreaterEqual) == static_cast<int>(Comparison::kGreaterEqual));
static_assert(static_cast<int>(simd::CompareOp::kLess) == static_cast<int>(Comparison::kLess));

template <Comparison kComparison, typename T>
bool holds(const T& left, const T& right) noexcept {
  if constexpr (kComparison == Comparison::kEqual) return left == right;
  if constexpr (kComparison == Comparison::kNotEqual) return !(left == right);
  if constexpr (kComparison == Comparison::kLess) return left < right;
  if constexpr (kComparison == Comparison::kLessEqual) return !(right < left);
  if constexpr (kComparison == Comparison::kGreater) return right < left;
  return !(left < right);
}

template <typename T>
void compare_vectors(Comparison comparison, const Operand& left, const Operand& right, RowRange range,
                     std::uint8_t* out) {
  const auto* a = static_cast<const T*>(left.data);
  const auto* b = static_cast<const T*>(right.data);
  const simd::Rows rows{range.count, range.rows, nullptr};
  // Two constants come with a range of one row: vectors of one value.
  if (right.is_constant() && !left.is_constant()) {
    simd::compare<T>(simd_op(comparison), a, *b, rows, out);
  } else if (left.is_constant() && !right.is_constant()) {
    simd::compare<T>(simd_op(mirrored(comparison)), b, *a, rows, out);
  } else {
    simd::compare<T>(simd_op(comparison), a, b, rows, out);
  }
}

template <typename T, Comparison kComparison>
void compare_kernel(KernelCall& call) {
  if constexpr (std::is_same_v<T, StringRef>) {
    map_rows<std::int8_t, StringRef, StringRef>(call, [](std::int8_t& out, const StringRef& a, const StringRef& b) {
      out = holds<kComparison, StringRef>(a, b) ? 1 : 0;
    });
  } else {
    compare_vectors<T>(kComparison, call.arguments[0], call.arguments[1], call.range,
                       call.result->values<std::uint8_t>());
  }
}

template <typename T>
std::uint32_t select_vectors(Comparison comparison, const Operand& left, const Operand& right, RowRange in,
                             std::uint32_t* out) {
  const auto* a = static_cast<const T*>(left.data);
  const auto* b = static_cast<const T*>(right.data);
  if (left.is_constant() && !right.is_constant()) return select_vectors<T>(mirrored(comparison), right, left, in, out);
  // With two nullable operands the second one's NULLs are taken out of the selection first.
  simd::Rows rows{in.count, in.rows, left.is_constant() ? nullptr : left.validity};
  if (right.is_constant()) {
    if (!right.is_valid(0)) return 0;
    return simd::select_compare<T>(simd_op(comparison), a, *b, rows, out);
  }
  if (right.validity != nullptr && rows.validity == nullptr) {
    rows.validity = right.validity;
  } else if (right.validity != nullptr) {
    const std::uint32_t count = simd::select_valid({in.count, in.rows, right.validity}, out);
    rows = {count, out, left.validity};
  }
  return simd::select_compare<T>(simd_op(comparison), a, b, rows, out);
}

template <Comparison kComparison>
std::uint32_t select_strings(const Operand& left, const Operand& right, RowRange in, std::uint32_t* out) {
  std::uint32_t count = 0;
  for_rows(in, nullptr, [&](std::uint32_t row) {
    if (left.is_valid(row) && right.is_valid(row) &&
        holds<kComparison, StringRef>(left.at<StringRef>(row), right.at<StringRef>(row)))
      out[count++] = row;
    return true;
  });
  return count;
}

std::uint32_t select_strings(Comparison comparison, const Operand& left, const Operand& right, RowRange in,
                             std::uint32_t* out) {
  switch (comparison) {
    case Comparison::kEqual:
      return select_strings<Comparison::kEqual>(left, right, in, out);
    case Comparison::kNotEqual:
      return select_strings<Comparison::kNotEqual>(left, right, in, out);
    case Comparison::kLess:
      return select_strings<Comparison::kLess>(left, right, in, out);
    case Comparison::kLessEqual:
      return select_strings<Comparison::kLessEqual>(left, right, in, out);
    case Comparison::kGreater:
      return select_strings<Comparison::kGreater>(left, right, in, out);
    case Comparison::kGreaterEqual:
      return select_strings<Comparison::kGreaterEqual>(left, right, in, out);
  }
  return 0;
}

template <typename T, Comparison kComparison>
constexpr ScalarFunction comparison_overload() {
  return {kNames[static_cast<std::size_t>(kComparison)], "aa", 'b', &compare_kernel<T, kComparison>};
}

template <typename T>
constexpr std::array<ScalarFunction, 6> overloads_of() {
  return {comparison_overload<T, Comparison::kEqual>(),   comparison_overload<T, Comparison::kNotEqual>(),
          comparison_overload<T, Comparison::kLess>(),    comparison_overload<T, Comparison::kLessEqual>(),
          comparison_overload<T, Comparison::kGreater>(), comparison_overload<T, Comparison::kGreaterEqual>()};
}

// By physical type, in the order of Physical.
constexpr std::array<std::array<ScalarFunction, 6>, 8> kComparisons = {
    overloads_of<std::int8_t>(),  overloads_of<std::int16_t>(), overloads_of<std::int32_t>(),
    overloads_of<std::int64_t>(), overloads_of<Int128>(),       overloads_of<float>(),
    overloads_of<double>(),       overloads_of<StringRef>()};

}  // namespace

const ScalarFunction* comparison_function(Comparison comparison, Physical physical) {
  if (physical == Physical::kNested) return nullptr;
  return &kComparisons[static_cast<std::size_t>(physical)][static_cast<std::size_t>(comparison)];
}

std::optional<Comparison> comparison_of(const ScalarFunction& function) {
  for (const auto& of_physical : kComparisons)
    for (std::size_t i = 0; i < of_physical.size(); ++i)
      if (&function == &of_physical[i]) return static_cast<Comparison>(i);
  return std::nullopt;
}

std::uint32_t select_rows(Comparison comparison, Physical physical, const Operand& left, const Operand& right,
                          RowRange in, std::uint32_t* out) {
  if (left.is_constant() && right.is_constant()) {
    // Both stand for every row (a volatile call beside a literal): compare once through vectors of one row.
    std::uint32_t row = 0;
    Operand a = left, b = right;
    a.mask = ~0u;
    b.mask = ~0u;
    if (select_rows(comparison, physical, a, b, {nullptr, 1}, &row) == 0) return 0;
    std::uint32_t count = 0;
    for_rows(in, nullptr, [&](std::uint32_t r) {
      out[count++] = r;
      return true;
    });
    return count;
  }
  switch (physical) {
    case Physical::kInt8:
      return select_vectors<std::int8_t>(comparison, left, right, in, out);
    case Physical::kInt16:
      return select_vectors<std::int16_t>(comparison, left, right, in, out);
    case Physical::kInt32:
      return select_vectors<std::int32_t>(comparison, left, right, in, out);
    case Physical::kInt64:
      return select_vectors<std::int64_t>(comparison, left, right, in, out);
    case Physical::kInt128:
      return select_vectors<Int128>(comparison, left, right, in, out);
    case Physical::kFloat:
      return select_vectors<float>(comparison, left, right, in, out);
    case Physical::kDouble:
      return select_vectors<double>(comparison, left, right, in, out);
    case Physical::kString:
      return select_strings(comparison, left, right, in, out);
    case Physical::kNested:
      break;
  }
  return 0;
}

}  // namespace weir
