// Functions of single rows (accumulate_row.h).
#include "window/accumulate_row.h"

#include "window/accumulate.h"
#include "window/state_bytes.h"

namespace weir {
namespace {

using state_bytes::load;
using state_bytes::store;

bool count_row(std::byte* state, const std::byte* /*value*/) noexcept {
  store(state, load<std::uint64_t>(state) + 1);
  return true;
}

bool skip_none(std::byte* /*state*/, const std::byte* /*value*/) noexcept {
  return true;
}

template <class T>
T in_order(T value) noexcept {
  return value;
}
std::int32_t in_order(float value) noexcept {
  return ordered_from_float(value);
}
std::int64_t in_order(double value) noexcept {
  return ordered_from_double(value);
}

template <class T, bool kLeast>
bool keep_extreme(std::byte* state, const std::byte* from) noexcept {
  const auto value = in_order(load<T>(from));
  const auto kept = load<decltype(in_order(T{}))>(state);
  if (kLeast ? value < kept : kept < value) store(state, value);
  return true;
}

template <class T>
bool add_integer(std::byte* state, const std::byte* from) noexcept {
  std::int64_t sum;
  const bool fits = !__builtin_add_overflow(load<std::int64_t>(state), std::int64_t{load<T>(from)}, &sum);
  store(state, sum);
  return fits;
}

template <class T>
bool add_double(std::byte* state, const std::byte* from) noexcept {
  store(state, load<double>(state) + static_cast<double>(load<T>(from)));
  return true;
}

template <bool kLeast>
RowAdder::Add extreme_of(Physical input) noexcept {
  switch (input) {
    case Physical::kInt8:
      return &keep_extreme<std::int8_t, kLeast>;
    case Physical::kInt16:
      return &keep_extreme<std::int16_t, kLeast>;
    case Physical::kInt32:
      return &keep_extreme<std::int32_t, kLeast>;
    case Physical::kInt64:
      return &keep_extreme<std::int64_t, kLeast>;
    case Physical::kFloat:
      return &keep_extreme<float, kLeast>;
    case Physical::kDouble:
      return &keep_extreme<double, kLeast>;
    default:
      return nullptr;
  }
}

RowAdder::Add sum_of(Physical input) noexcept {
  switch (input) {
    case Physical::kInt8:
      return &add_integer<std::int8_t>;
    case Physical::kInt16:
      return &add_integer<std::int16_t>;
    case Physical::kInt32:
      return &add_integer<std::int32_t>;
    case Physical::kInt64:
      return &add_integer<std::int64_t>;
    default:
      return nullptr;
  }
}

RowAdder::Add double_sum_of(Physical input) noexcept {
  if (input == Physical::kFloat) return &add_double<float>;
  return input == Physical::kDouble ? &add_double<double> : nullptr;
}

RowAdder::Add adder_of(const Accumulator& accumulator) noexcept {
  switch (accumulator.kind) {
    case AccumulatorKind::kRows:
      return &count_row;
    case AccumulatorKind::kSkipped:
      return &skip_none;
    case AccumulatorKind::kMin:
      return extreme_of<true>(accumulator.input);
    case AccumulatorKind::kMax:
      return extreme_of<false>(accumulator.input);
    case AccumulatorKind::kSumInt64:
      return sum_of(accumulator.input);
    case AccumulatorKind::kSumDouble:
      return double_sum_of(accumulator.input);
    default:
      return nullptr;
  }
}

}  // namespace

std::vector<RowAdder> row_adders(const AggregateLayout& layout) {
  std::vector<RowAdder> adders;
  for (const Accumulator& accumulator : layout.accumulators()) {
    RowAdder& adder = adders.emplace_back();
    adder.add = adder_of(accumulator);
    adder.offset = accumulator.offset;
    const bool looks = accumulator.argument >= 0 && accumulator.kind != AccumulatorKind::kRows &&
                       accumulator.kind != AccumulatorKind::kSkipped;
    if (!looks) continue;
    adder.column = static_cast<std::uint32_t>(accumulator.argument);
    adder.width = static_cast<std::uint32_t>(physical_size(accumulator.input));
  }
  return adders;
}

}  // namespace weir
