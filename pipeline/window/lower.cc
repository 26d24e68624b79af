// Results and partials from state rows. See lower.h.
#include "window/lower.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "weir/simd/reduce.h"
#include "weir/simd/word_rows.h"
#include "window/accumulate.h"
#include "window/exact_sum.h"
#include "window/number_result.h"
#include "window/state_bytes.h"

namespace weir {
namespace {

using state_bytes::load;

/// The exact sum that an accumulator holds; false where it is beyond 128 bits.
bool load_sum(const Accumulator& accumulator, const std::byte* state, Int128& sum) noexcept {
  const std::byte* at = state + accumulator.offset;
  if (accumulator.kind == AccumulatorKind::kSumInt64) {
    sum = load<std::int64_t>(at);
    return true;
  }
  sum = load<Int128>(at);
  return accumulator.kind != AccumulatorKind::kSumWide || load<std::int64_t>(at + 16) == 0;
}

bool is_double_sum(const Accumulator& accumulator) noexcept {
  return accumulator.kind == AccumulatorKind::kSumDouble || accumulator.kind == AccumulatorKind::kSumExact;
}
double load_double_sum(const AggregateLayout& layout, const Accumulator& accumulator, const std::byte* at) noexcept {
  if (accumulator.kind == AccumulatorKind::kSumExact) return reinterpret_cast<const ExactSum*>(at)->value();
  return layout.sum_lanes() ? simd::total(*reinterpret_cast<const simd::SumLanes*>(at)) : load<double>(at);
}

bool write_average(const AggregateLayout& layout, const AggregateResult& result, const Accumulator& accumulator,
                   const std::byte* state, std::uint64_t count, Vector& to, std::uint32_t row) noexcept {
  if (is_double_sum(accumulator)) {
    const double mean = load_double_sum(layout, accumulator, state + accumulator.offset) / static_cast<double>(count);
    if (result.type.id == TypeId::kFloat)
      to.values<float>()[row] = static_cast<float>(mean);
    else
      to.values<double>()[row] = mean;
    return true;
  }
  Int128 sum;
  if (!load_sum(accumulator, state, sum)) return false;
  if (result.type.id != TypeId::kDecimal) return write_integer(sum / static_cast<Int128>(count), result.type, to, row);
  Int128 mean;
  const unsigned digits = static_cast<unsigned>(result.type.scale - result.argument.scale);
  return divide_decimal(sum, count, digits, mean) && write_integer(mean, result.type, to, row);
}

bool write_sum(const AggregateLayout& layout, const AggregateResult& result, const Accumulator& accumulator,
               const std::byte* state, Vector& to, std::uint32_t row) noexcept {
  if (is_double_sum(accumulator)) {
    const double sum = load_double_sum(layout, accumulator, state + accumulator.offset);
    if (result.type.id == TypeId::kFloat)
      to.values<float>()[row] = static_cast<float>(sum);
    else
      to.values<double>()[row] = sum;
    return true;
  }
  Int128 sum;
  return load_sum(accumulator, state, sum) && write_integer(sum, result.type, to, row);
}

Result<std::uint32_t> lower_function(const FunctionPart& part, const GroupSelection& selection, Vector& to,
                                     std::uint32_t at) {
  set_valid_range(to, at, selection.count);
  for (std::uint32_t i = 0; i < selection.count; ++i) {
    Result<void> lowered = part.function->lower(selection.state(i) + part.offset, selection.heap(), to, at + i);
    if (!lowered) return std::move(lowered).error().with_context(part.name);
  }
  return selection.count;
}

Result<void> lower_state(const FunctionPart& part, const GroupSelection& selection, Vector& to, std::uint32_t at) {
  for (std::uint32_t i = 0; i < selection.count; ++i) {
    auto bytes = part.function->partial(selection.state(i) + part.offset, selection.heap());
    if (!bytes) return std::move(bytes).error().with_context(part.name);
    to.set_valid(at + i, true);
    to.values<StringRef>()[at + i] = StringRef(*bytes);
  }
  return {};
}

void lower_accumulator(const AggregateLayout& layout, const Accumulator& accumulator, const GroupSelection& selection,
                       Vector& to, std::uint32_t at) {
  const std::size_t bytes = physical_size(to.physical);
  for (std::uint32_t i = 0; i < selection.count; ++i) {
    const std::byte* from = selection.state(i) + accumulator.offset;
    const std::uint32_t row = at + i;
    if (accumulator.kind == AccumulatorKind::kSumDouble) {
      to.values<double>()[row] = load_double_sum(layout, accumulator, from);
    } else if (accumulator.kind == AccumulatorKind::kSumExact) {
      to.set_valid(row, true);
      to.values<StringRef>()[row] = StringRef(reinterpret_cast<const ExactSum*>(from)->partial());
    } else if (accumulator.physical == Physical::kString) {
      const auto text = load<StringRef>(from);
      const bool set = text.size != StringStore::kUnset;
      to.set_valid(row, set);
      to.values<StringRef>()[row] = set ? text : StringRef();
    } else {
      std::memcpy(static_cast<std::byte*>(to.data) + row * bytes, from, bytes);
    }
  }
}

/// Where the states of a selection stand one behind the other; nullptr where they do not.
const std::byte* neighbours(const GroupSelection& selection, const simd::GroupRows& rows) noexcept {
  const std::uint32_t count = selection.count;
  const bool side_by_side =
      count != 0 && selection.ascending && selection.groups[count - 1] - selection.groups[0] == count - 1;
  return side_by_side ? rows.base + selection.groups[0] * rows.stride : nullptr;
}

/// Calls body with a function from a position to its state; neighbours are read without their numbers.
template <class Body>
void each_state(const GroupSelection& selection, const simd::GroupRows& rows, Body&& body) noexcept {
  if (selection.count == 0) return;
  const std::size_t stride = rows.stride;
  const std::byte* first = neighbours(selection, rows);
  if (first == nullptr)
    body([base = rows.base, stride, groups = selection.groups](std::uint32_t i) { return base + groups[i] * stride; });
  else if (stride == 16)
    body([first](std::uint32_t i) { return first + std::size_t{i} * 16; });
  else
    body([first, stride](std::uint32_t i) { return first + i * stride; });
}

/// SUM (where not kAverage) and AVG of doubles, the commonest results of sliding windows, without a look at what
/// else there is in each row.
template <class T, bool kAverage>
void lower_doubles(const GroupSelection& selection, std::size_t sum_offset, const Accumulator* skipped, Vector& to,
                   std::uint32_t at) noexcept {
  const simd::GroupRows rows = selection.table != nullptr ? selection.table->state_rows() : selection.rows;
  T* out = to.values<T>() + at;
  set_valid_range(to, at, selection.count);
  if (kAverage && skipped == nullptr) {  // then no count is 0
    const std::byte* first = neighbours(selection, rows);
    if (first != nullptr && rows.stride % sizeof(std::uint64_t) == 0 && rows.stride <= simd::WordRows::kWordsMax * 8)
      return simd::average_rows(first, rows.stride / 8, sum_offset / 8, selection.count, out);
  }
  const std::size_t skipped_offset = skipped == nullptr ? 0 : skipped->offset;
  const auto give = [&](auto state_of) {
    for (std::uint32_t i = 0; i < selection.count; ++i) {
      const std::byte* state = state_of(i);
      std::uint64_t count = load<std::uint64_t>(state);
      if (skipped != nullptr) count -= load<std::uint64_t>(state + skipped_offset);
      const double sum = load<double>(state + sum_offset);
      if (count == 0) [[unlikely]] {
        if (to.validity != nullptr) to.set_valid(at + i, false);
        continue;
      }
      out[i] = static_cast<T>(kAverage ? sum / static_cast<double>(static_cast<std::int64_t>(count)) : sum);
    }
  };
  each_state(selection, rows, give);
}

/// SUM and AVG of TINYINT to INT, the same way. Returns how many fit T.
template <class T, bool kAverage>
std::uint32_t lower_integers(const GroupSelection& selection, std::size_t sum_offset, const Accumulator* skipped,
                             Vector& to, std::uint32_t at) noexcept {
  const simd::GroupRows rows = selection.table != nullptr ? selection.table->state_rows() : selection.rows;
  T* out = to.values<T>() + at;
  set_valid_range(to, at, selection.count);
  const std::size_t skipped_offset = skipped == nullptr ? 0 : skipped->offset;
  std::uint32_t fitting = selection.count;
  each_state(selection, rows, [&](auto state_of) {
    for (std::uint32_t i = 0; i < selection.count; ++i) {
      const std::byte* state = state_of(i);
      auto count = load<std::int64_t>(state);
      if (skipped != nullptr) count -= load<std::int64_t>(state + skipped_offset);
      auto value = load<std::int64_t>(state + sum_offset);
      if (count == 0) [[unlikely]] {
        if (to.validity != nullptr) to.set_valid(at + i, false);
        continue;
      }
      if (kAverage) value /= count;
      out[i] = static_cast<T>(value);
      if (out[i] != value) [[unlikely]] {
        fitting = i;
        return;
      }
    }
  });
  return fitting;
}

template <bool kAverage>
std::uint32_t lower_integers(const GroupSelection& selection, std::size_t sum_offset, const Accumulator* skipped,
                             Vector& to, std::uint32_t at) noexcept {
  switch (to.physical) {
    case Physical::kInt8:
      return lower_integers<std::int8_t, kAverage>(selection, sum_offset, skipped, to, at);
    case Physical::kInt16:
      return lower_integers<std::int16_t, kAverage>(selection, sum_offset, skipped, to, at);
    case Physical::kInt32:
      return lower_integers<std::int32_t, kAverage>(selection, sum_offset, skipped, to, at);
    default:
      return lower_integers<std::int64_t, kAverage>(selection, sum_offset, skipped, to, at);
  }
}

/// COUNT, the same way.
void lower_counts(const GroupSelection& selection, const Accumulator* skipped, std::int64_t* out) noexcept {
  const simd::GroupRows rows = selection.table != nullptr ? selection.table->state_rows() : selection.rows;
  const std::byte* first = neighbours(selection, rows);
  if (skipped == nullptr && first != nullptr && rows.stride == sizeof *out) {  // counts are all there is
    std::memcpy(out, first, selection.count * sizeof *out);
    return;
  }
  each_state(selection, rows, [&](auto state_of) {
    if (skipped == nullptr) {
      for (std::uint32_t i = 0; i < selection.count; ++i) out[i] = load<std::int64_t>(state_of(i));
      return;
    }
    for (std::uint32_t i = 0; i < selection.count; ++i)
      out[i] = load<std::int64_t>(state_of(i)) - load<std::int64_t>(state_of(i) + skipped->offset);
  });
}

/// MIN and MAX of numbers: a copy of the state, or the number that it is the order of.
template <class T, class Value>
void lower_extremes(const GroupSelection& selection, std::size_t offset, const Accumulator* skipped, Vector& to,
                    std::uint32_t at, Value value_of) noexcept {
  const simd::GroupRows rows = selection.table != nullptr ? selection.table->state_rows() : selection.rows;
  auto* out = to.values<decltype(value_of(T{}))>() + at;
  set_valid_range(to, at, selection.count);
  const std::size_t skipped_offset = skipped == nullptr ? 0 : skipped->offset;
  each_state(selection, rows, [&](auto state_of) {
    for (std::uint32_t i = 0; i < selection.count; ++i) {
      const std::byte* state = state_of(i);
      out[i] = value_of(load<T>(state + offset));
      std::uint64_t count = load<std::uint64_t>(state);
      if (skipped != nullptr) count -= load<std::uint64_t>(state + skipped_offset);
      if (count == 0 && to.validity != nullptr) [[unlikely]]
        to.set_valid(at + i, false);
    }
  });
}

/// False where they are texts, which have no state when they are NULL.
bool lower_extreme(const Accumulator& value, const Accumulator* skipped, const GroupSelection& selection, Vector& to,
                   std::uint32_t at) noexcept {
  const auto give = [&]<class T>(T, auto value_of) {
    lower_extremes<T>(selection, value.offset, skipped, to, at, value_of);
    return true;
  };
  const auto same = [](auto state) { return state; };
  switch (to.physical) {
    case Physical::kInt8:
      return give(std::int8_t{}, same);
    case Physical::kInt16:
      return give(std::int16_t{}, same);
    case Physical::kInt32:
      return give(std::int32_t{}, same);
    case Physical::kInt64:
      return give(std::int64_t{}, same);
    case Physical::kInt128:
      return give(Int128{}, same);
    case Physical::kFloat:
      return give(std::int32_t{}, [](std::int32_t state) { return float_from_ordered(state); });
    case Physical::kDouble:
      return give(std::int64_t{}, [](std::int64_t state) { return double_from_ordered(state); });
    default:
      return false;
  }
}

bool lower_fast(const AggregateLayout& layout, const AggregateResult& result, const Accumulator* value,
                const Accumulator* skipped, const GroupSelection& selection, Vector& to, std::uint32_t at) noexcept {
  if (layout.sum_lanes() || value == nullptr || value->kind != AccumulatorKind::kSumDouble) return false;
  const bool average = result.function == FusedFunction::kAvg;
  if (result.type.id == TypeId::kFloat)
    average ? lower_doubles<float, true>(selection, value->offset, skipped, to, at)
            : lower_doubles<float, false>(selection, value->offset, skipped, to, at);
  else
    average ? lower_doubles<double, true>(selection, value->offset, skipped, to, at)
            : lower_doubles<double, false>(selection, value->offset, skipped, to, at);
  return true;
}

}  // namespace

Result<std::uint32_t> lower_result(const AggregateLayout& layout, const AggregateResult& result,
                                   const GroupSelection& selection, Vector& to, std::uint32_t at) {
  if (result.state >= 0)
    return lower_function(layout.functions()[static_cast<std::size_t>(result.state)], selection, to, at);
  const auto accumulators = layout.accumulators();
  const Accumulator* value = result.value < 0 ? nullptr : &accumulators[static_cast<std::size_t>(result.value)];
  const Accumulator* skipped = result.skipped < 0 ? nullptr : &accumulators[static_cast<std::size_t>(result.skipped)];
  if (lower_fast(layout, result, value, skipped, selection, to, at)) return selection.count;
  if (value != nullptr && value->kind == AccumulatorKind::kSumInt64 && result.type.id != TypeId::kDecimal) {
    return result.function == FusedFunction::kAvg ? lower_integers<true>(selection, value->offset, skipped, to, at)
                                                  : lower_integers<false>(selection, value->offset, skipped, to, at);
  }
  if (result.function == FusedFunction::kCount) {
    lower_counts(selection, skipped, to.values<std::int64_t>() + at);
    return selection.count;
  }
  const bool extreme = result.function == FusedFunction::kMin || result.function == FusedFunction::kMax;
  if (extreme && lower_extreme(*value, skipped, selection, to, at)) return selection.count;
  for (std::uint32_t i = 0; i < selection.count; ++i) {
    const std::byte* state = selection.state(i);
    const std::uint32_t row = at + i;
    std::uint64_t count = load<std::uint64_t>(state);
    if (skipped != nullptr) count -= load<std::uint64_t>(state + skipped->offset);
    if (to.validity != nullptr) to.set_valid(row, count != 0);
    if (count == 0) {
      if (to.physical == Physical::kString) to.values<StringRef>()[row] = StringRef();
      continue;
    }
    bool fits = true;
    if (result.function == FusedFunction::kSum)
      fits = write_sum(layout, result, *value, state, to, row);
    else if (result.function == FusedFunction::kAvg)
      fits = write_average(layout, result, *value, state, count, to, row);
    else
      to.values<StringRef>()[row] = load<StringRef>(state + value->offset);  // MIN, MAX of texts
    if (!fits) return i;
  }
  return selection.count;
}

Result<void> lower_partials(const AggregateLayout& layout, const GroupSelection& selection, Batch& to,
                            std::uint32_t first_column, std::uint32_t at) {
  std::uint32_t column = first_column;
  for (const Accumulator& accumulator : layout.accumulators())
    lower_accumulator(layout, accumulator, selection, to.column(column++), at);
  for (const FunctionPart& part : layout.functions()) WEIR_TRY(lower_state(part, selection, to.column(column++), at));
  return {};
}

}  // namespace weir
