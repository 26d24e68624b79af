// Operations on whole state rows, accumulator by accumulator and function by function. See state_row.h.
#include "window/state_row.h"

#include <cstring>
#include <string>
#include <utility>

#include "weir/core/check.h"
#include "window/exact_sum.h"
#include "window/state_bytes.h"

namespace weir {
namespace {

using state_bytes::load;
using state_bytes::store;

template <class T>
void keep_extreme(bool least, std::byte* to, const std::byte* from) noexcept {
  const T kept = load<T>(to), value = load<T>(from);
  if (least ? value < kept : kept < value) store(to, value);
}

void combine_extreme(const Accumulator& accumulator, std::byte* to, const std::byte* from) noexcept {
  const bool least = accumulator.kind == AccumulatorKind::kMin;
  switch (accumulator.physical) {
    case Physical::kInt8:
      return keep_extreme<std::int8_t>(least, to, from);
    case Physical::kInt16:
      return keep_extreme<std::int16_t>(least, to, from);
    case Physical::kInt32:
      return keep_extreme<std::int32_t>(least, to, from);
    case Physical::kInt128:
      return keep_extreme<Int128>(least, to, from);
    default:
      return keep_extreme<std::int64_t>(least, to, from);
  }
}

bool combine_text(bool least, std::byte* to, const std::byte* from, const StateMemory& memory) noexcept {
  auto kept = load<StringRef>(to);
  const auto value = load<StringRef>(from);
  if (value.size == StringStore::kUnset) return true;
  const bool better = kept.size == StringStore::kUnset || (least ? value < kept : kept < value);
  if (!better) return true;
  const bool stored = memory.strings->replace(value, *memory.arena, kept);
  store(to, kept);
  return stored;
}

/// The exact 192-bit sum: 128 bits, and how often they wrapped (kSumWideWraps, right behind).
void add_wide(std::byte* to, Int128 value, std::int64_t wraps, bool subtract) noexcept {
  const auto sum = load<Int128>(to);
  Int128 result;
  const bool wrapped =
      subtract ? __builtin_sub_overflow(sum, value, &result) : __builtin_add_overflow(sum, value, &result);
  std::int64_t carried = load<std::int64_t>(to + 16) + (subtract ? -wraps : wraps);
  if (wrapped) carried += (value < 0) == subtract ? 1 : -1;
  store(to, result);
  store(to + 16, carried);
}

Error sums_do_not_fit(const StateMemory& memory) {
  return Error(ErrorCode::kLimitExceeded,
               "sums of DOUBLE do not fit state_bytes_max = " + std::to_string(memory.arena->bytes_max()));
}

Result<void> combine_accumulator(const Accumulator& accumulator, std::byte* to, const std::byte* from,
                                 const StateMemory& memory) {
  switch (accumulator.kind) {
    case AccumulatorKind::kRows:
    case AccumulatorKind::kSkipped:
      store(to, load<std::uint64_t>(to) + load<std::uint64_t>(from));
      return {};
    case AccumulatorKind::kSumInt64: {
      std::int64_t sum;
      if (__builtin_add_overflow(load<std::int64_t>(to), load<std::int64_t>(from), &sum))
        return Error(ErrorCode::kOverflow, "a sum of 64 bits overflowed while values were added");
      store(to, sum);
      return {};
    }
    case AccumulatorKind::kSumInt128:
      store(to, load<Int128>(to) + load<Int128>(from));
      return {};
    case AccumulatorKind::kSumWide:
      add_wide(to, load<Int128>(from), load<std::int64_t>(from + 16), false);
      return {};
    case AccumulatorKind::kSumWideWraps:
      return {};  // kSumWide keeps it
    case AccumulatorKind::kSumExact:
      if (reinterpret_cast<ExactSum*>(to)->combine(*reinterpret_cast<const ExactSum*>(from), *memory.heap)) return {};
      return sums_do_not_fit(memory);
    case AccumulatorKind::kSumDouble:
      store(to, load<double>(to) + load<double>(from));
      return {};
    case AccumulatorKind::kMin:
    case AccumulatorKind::kMax:
      combine_extreme(accumulator, to, from);
      return {};
    case AccumulatorKind::kMinString:
    case AccumulatorKind::kMaxString:
      if (combine_text(accumulator.kind == AccumulatorKind::kMinString, to, from, memory)) return {};
      return Error(ErrorCode::kLimitExceeded, "long strings of MIN or MAX do not fit state_bytes_max = " +
                                                  std::to_string(memory.arena->bytes_max()));
  }
  return {};
}

bool subtract_accumulator(const Accumulator& accumulator, std::byte* from, const std::byte* what,
                          const StateMemory& memory) noexcept {
  switch (accumulator.kind) {
    case AccumulatorKind::kRows:
    case AccumulatorKind::kSkipped:
    case AccumulatorKind::kSumInt64:
      store(from, load<std::uint64_t>(from) - load<std::uint64_t>(what));
      return true;
    case AccumulatorKind::kSumInt128:
      store(from, load<Uint128>(from) - load<Uint128>(what));
      return true;
    case AccumulatorKind::kSumWide:
      add_wide(from, load<Int128>(what), load<std::int64_t>(what + 16), true);
      return true;
    case AccumulatorKind::kSumExact:
      return reinterpret_cast<ExactSum*>(from)->remove(*reinterpret_cast<const ExactSum*>(what), *memory.heap);
    case AccumulatorKind::kSumWideWraps:
      return true;
    default:
      WEIR_CHECK(false);  // AggregateLayout::invertible() is false
  }
}

}  // namespace

void initialize_row(const AggregateLayout& layout, std::byte* row) noexcept {
  std::memcpy(row, layout.initial(), layout.state_bytes());
}

Result<void> combine_row(const AggregateLayout& layout, std::byte* to, const std::byte* from,
                         const StateMemory& memory) {
  WEIR_DCHECK(layout.keyed());
  for (const Accumulator& accumulator : layout.accumulators())
    WEIR_TRY(combine_accumulator(accumulator, to + accumulator.offset, from + accumulator.offset, memory));
  for (const FunctionPart& part : layout.functions()) {
    Result<void> combined = part.function->combine(to + part.offset, from + part.offset, *memory.heap);
    if (!combined) return std::move(combined).error().with_context(part.name);
  }
  return {};
}

Result<void> subtract_row(const AggregateLayout& layout, std::byte* from, const std::byte* what,
                          const StateMemory& memory) {
  WEIR_DCHECK(layout.invertible());
  for (const Accumulator& accumulator : layout.accumulators())
    if (!subtract_accumulator(accumulator, from + accumulator.offset, what + accumulator.offset, memory))
      return sums_do_not_fit(memory);
  for (const FunctionPart& part : layout.functions()) {
    Result<void> taken = part.function->subtract(from + part.offset, what + part.offset, *memory.heap);
    if (!taken) return std::move(taken).error().with_context(part.name);
  }
  return {};
}

void release_row(const AggregateLayout& layout, std::byte* row, const StateMemory& memory) noexcept {
  for (const Accumulator& accumulator : layout.accumulators())
    if (accumulator.kind == AccumulatorKind::kSumExact)
      reinterpret_cast<ExactSum*>(row + accumulator.offset)->release(*memory.heap);
  for (const FunctionPart& part : layout.functions())
    if (part.function->owns_memory()) part.function->release(row + part.offset, *memory.heap);
}

}  // namespace weir
