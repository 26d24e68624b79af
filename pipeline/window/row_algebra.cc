// Combine and inverse over blocks of state rows. See row_algebra.h.
#include "window/row_algebra.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/simd/reduce.h"
#include "window/exact_sum.h"
#include "window/state_bytes.h"
#include "window/string_store.h"

namespace weir {
namespace {

using state_bytes::add_doubles;
using state_bytes::add_integers;
using state_bytes::load;
using state_bytes::store;
using state_bytes::Words;

/// Calls body(to, from) for each pair, at an offset in both.
template <class Body>
void each(const StateRowList& to, const StateRowList& from, std::size_t offset, std::uint32_t count, Body&& body) {
  std::byte* to_base = to.rows.base + offset;
  const std::byte* from_base = from.rows.base + offset;
  const std::size_t to_stride = to.rows.stride, from_stride = from.rows.stride;
  if (to.groups != nullptr && from.groups == nullptr) {
    for (std::uint32_t i = 0; i < count; ++i) body(to_base + to.groups[i] * to_stride, from_base + i * from_stride);
    return;
  }
  for (std::uint32_t i = 0; i < count; ++i)
    body(to_base + (to.groups == nullptr ? i : to.groups[i]) * to_stride,
         from_base + (from.groups == nullptr ? i : from.groups[i]) * from_stride);
}

template <class T>
void keep_extreme(bool least, const StateRowList& to, const StateRowList& from, std::size_t offset,
                  std::uint32_t count) {
  each(to, from, offset, count, [least](std::byte* kept, const std::byte* value) {
    const T a = load<T>(kept), b = load<T>(value);
    store(kept, (least ? b < a : a < b) ? b : a);
  });
}

void keep_extreme(const Accumulator& accumulator, const StateRowList& to, const StateRowList& from,
                  std::uint32_t count) {
  const bool least = accumulator.kind == AccumulatorKind::kMin;
  switch (accumulator.physical) {
    case Physical::kInt8:
      return keep_extreme<std::int8_t>(least, to, from, accumulator.offset, count);
    case Physical::kInt16:
      return keep_extreme<std::int16_t>(least, to, from, accumulator.offset, count);
    case Physical::kInt32:
      return keep_extreme<std::int32_t>(least, to, from, accumulator.offset, count);
    case Physical::kInt128:
      return keep_extreme<Int128>(least, to, from, accumulator.offset, count);
    default:
      return keep_extreme<std::int64_t>(least, to, from, accumulator.offset, count);
  }
}

bool keep_extreme_string(bool least, const StateRowList& to, const StateRowList& from, std::size_t offset,
                         std::uint32_t count, const StateMemory& memory) {
  bool stored = true;
  each(to, from, offset, count, [&](std::byte* state, const std::byte* other) {
    const auto value = load<StringRef>(other);
    if (value.size == StringStore::kUnset) return;
    auto& kept = *reinterpret_cast<StringRef*>(state);
    const bool better = kept.size == StringStore::kUnset || (least ? value < kept : kept < value);
    if (better) stored = memory.strings->replace(value, *memory.arena, kept) && stored;
  });
  return stored;
}

// ---- Rows of words ----------------------------------------------------------------------------------------------

constexpr std::size_t kWordsMax = 4;
constexpr std::uint32_t kManyRows = 16;  // what a kernel costs to call is made up for

/// Calls body with the number of words as a constant, so that its loop over them is none.
template <class Body>
auto with_words(std::size_t words, Body&& body) {
  switch (words) {
    case 1:
      return body(std::integral_constant<std::size_t, 1>());
    case 2:
      return body(std::integral_constant<std::size_t, 2>());
    case 3:
      return body(std::integral_constant<std::size_t, 3>());
    default:
      return body(std::integral_constant<std::size_t, kWordsMax>());
  }
}

/// A count of rows, then sums or counts of 64 bits. False where a sum does not fit.
bool add_integers(std::size_t words, const StateRowList& to, const StateRowList& from, std::uint32_t count) {
  return with_words(words, [&](auto width) {
    using Row = Words<width>;
    std::uint64_t overflowed = 0;
    each(to, from, 0, count, [&](std::byte* state, const std::byte* other) {
      const Row a = load<Row>(state), b = load<Row>(other);
      Row sum;
      for (std::size_t w = 0; w < width; ++w) {
        sum[w] = w == 0 ? a[w] + b[w] : add_integers(a[w], b[w], overflowed);
      }
      store(state, sum);
    });
    return overflowed >> 63 == 0;
  });
}

void subtract_integers(std::size_t words, const StateRowList& from, const StateRowList& what, std::uint32_t count) {
  with_words(words, [&](auto width) {
    using Row = Words<width>;
    each(from, what, 0, count, [&](std::byte* state, const std::byte* other) {
      Row row = load<Row>(state);
      const Row b = load<Row>(other);
      for (std::size_t w = 0; w < width; ++w) row[w] -= b[w];
      store(state, row);
    });
  });
}

template <std::size_t kWords>
Words<kWords> sum_of_doubles(const std::byte* left, const std::byte* right) noexcept {
  const auto a = load<Words<kWords>>(left), b = load<Words<kWords>>(right);
  Words<kWords> sum;
  sum[0] = a[0] + b[0];
  for (std::size_t w = 1; w < kWords; ++w) sum[w] = add_doubles(a[w], b[w]);
  return sum;
}

/// to := to + from, a count of rows and then doubles.
void add_doubles(std::size_t words, const StateRowList& to, const StateRowList& from, std::uint32_t count) {
  with_words(words, [&](auto width) {
    each(to, from, 0, count,
         [&](std::byte* state, const std::byte* other) { store(state, sum_of_doubles<width>(state, other)); });
  });
}

/// to := a + b; `to` has no groups, a and b have the same.
void add_doubles(std::size_t words, const StateRowList& to, const StateRowList& a, const StateRowList& b,
                 std::uint32_t count) {
  with_words(words, [&](auto width) {
    using Row = Words<width>;
    WEIR_DCHECK(to.rows.stride == sizeof(Row) && a.rows.stride == sizeof(Row) && b.rows.stride == sizeof(Row));
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::size_t at = (a.groups == nullptr ? std::size_t{i} : std::size_t{a.groups[i]}) * sizeof(Row);
      store(to.rows.base + i * sizeof(Row), sum_of_doubles<width>(a.rows.base + at, b.rows.base + at));
    }
  });
}

// 192 bits: 128, and how often they wrapped.
void add_wide(std::byte* state, Int128 value, std::int64_t wraps) noexcept {
  Int128 sum;
  if (__builtin_add_overflow(load<Int128>(state), value, &sum)) wraps += value < 0 ? -1 : 1;
  store(state, sum);
  store(state + 16, load<std::int64_t>(state + 16) + wraps);
}
void subtract_wide(std::byte* state, Int128 value, std::int64_t wraps) noexcept {
  Int128 sum;
  if (__builtin_sub_overflow(load<Int128>(state), value, &sum)) wraps += value < 0 ? -1 : 1;
  store(state, sum);
  store(state + 16, load<std::int64_t>(state + 16) - wraps);
}

bool is_invertible(AccumulatorKind kind) noexcept {
  switch (kind) {
    case AccumulatorKind::kRows:
    case AccumulatorKind::kSkipped:
    case AccumulatorKind::kSumInt64:
    case AccumulatorKind::kSumInt128:
    case AccumulatorKind::kSumWide:
    case AccumulatorKind::kSumWideWraps:
    case AccumulatorKind::kSumExact:
      return true;
    default:
      return false;
  }
}

/// Of exact sums; false where the heap is full.
bool add_exact(const Accumulator& accumulator, const StateRowList& to, const StateRowList& what, std::uint32_t count,
               bool subtract, StateHeap& heap) {
  bool done = true;
  each(to, what, accumulator.offset, count, [&](std::byte* state, const std::byte* other) {
    auto& sum = *reinterpret_cast<ExactSum*>(state);
    const auto& value = *reinterpret_cast<const ExactSum*>(other);
    done &= subtract ? sum.remove(value, heap) : sum.combine(value, heap);
  });
  return done;
}

std::optional<simd::WordOp> word_op_of(const Accumulator& accumulator) noexcept {
  switch (accumulator.kind) {
    case AccumulatorKind::kRows:
    case AccumulatorKind::kSkipped:
      return simd::WordOp::kCount;
    case AccumulatorKind::kSumInt64:
      return simd::WordOp::kInteger;
    case AccumulatorKind::kSumDouble:
      return simd::WordOp::kDouble;
    case AccumulatorKind::kMin:
      return simd::WordOp::kMin;
    case AccumulatorKind::kMax:
      return simd::WordOp::kMax;
    default:
      return std::nullopt;
  }
}

/// What rows are as words; nothing where an accumulator is more, or less, than one.
std::optional<simd::WordRows> word_rows_of(const AggregateLayout& layout) {
  const auto accumulators = layout.accumulators();
  if (!layout.functions().empty() || accumulators.size() > simd::WordRows::kWordsMax ||
      layout.state_bytes() != accumulators.size() * sizeof(std::uint64_t))
    return std::nullopt;
  std::array<simd::WordOp, simd::WordRows::kWordsMax> ops{};
  for (const Accumulator& accumulator : accumulators) {
    const bool extreme = accumulator.kind == AccumulatorKind::kMin || accumulator.kind == AccumulatorKind::kMax;
    const auto op = word_op_of(accumulator);
    if (!op.has_value() || accumulator_bytes(accumulator, layout.sum_lanes()) != sizeof(std::uint64_t) ||
        (extreme && physical_size(accumulator.physical) != sizeof(std::uint64_t)))
      return std::nullopt;
    ops[accumulator.offset / sizeof(std::uint64_t)] = *op;
  }
  return simd::WordRows(std::span(ops).first(accumulators.size()));
}

/// Whether so many rows of the list stand side by side that they are taken as an array.
bool are_array(const StateRowList& list, std::uint32_t count, std::size_t row_bytes) noexcept {
  return count >= kManyRows && list.groups == nullptr && list.rows.stride == row_bytes;
}

Error sums_do_not_fit(const StateMemory& memory) {
  return Error(ErrorCode::kLimitExceeded,
               "sums of DOUBLE do not fit state_bytes_max = " + std::to_string(memory.arena->bytes_max()));
}

void subtract_plain(const Accumulator& accumulator, const StateRowList& from, const StateRowList& what,
                    std::uint32_t count) {
  switch (accumulator.kind) {
    case AccumulatorKind::kSumWideWraps:
      return;  // with kSumWide
    case AccumulatorKind::kSumWide:
      return each(from, what, accumulator.offset, count, [](std::byte* state, const std::byte* other) {
        subtract_wide(state, load<Int128>(other), load<std::int64_t>(other + 16));
      });
    case AccumulatorKind::kSumInt128:
      return each(from, what, accumulator.offset, count, [](std::byte* state, const std::byte* other) {
        store(state, load<Int128>(state) - load<Int128>(other));
      });
    default:
      return each(from, what, accumulator.offset, count, [](std::byte* state, const std::byte* other) {
        store(state, load<std::uint64_t>(state) - load<std::uint64_t>(other));
      });
  }
}

}  // namespace

Error RowAlgebra::overflow() {
  return Error(ErrorCode::kOverflow, "a sum of 64 bits overflowed while values were added");
}

RowAlgebra::RowAlgebra(const AggregateLayout& layout)
    : layout_(layout), word_rows_(word_rows_of(layout)), owns_memory_(layout.has_strings()) {
  for (const Accumulator& accumulator : layout.accumulators()) {
    invertible_ = invertible_ && is_invertible(accumulator.kind);
    owns_memory_ = owns_memory_ || accumulator.kind == AccumulatorKind::kSumExact;
  }
  for (const FunctionPart& part : layout.functions()) {
    invertible_ = invertible_ && part.function->has_inverse();
    owns_memory_ = owns_memory_ || part.function->owns_memory();
  }
  const auto accumulators = layout.accumulators();
  if (!layout.functions().empty() || accumulators.size() > kWordsMax) return;
  const auto all = [&](auto... kinds) {
    return std::all_of(accumulators.begin() + 1, accumulators.end(),
                       [&](const Accumulator& accumulator) { return ((accumulator.kind == kinds) || ...); });
  };
  word_count_ = accumulators.size();
  if (all(AccumulatorKind::kSumInt64, AccumulatorKind::kSkipped))
    words_ = Words::kIntegers;
  else if (!layout.sum_lanes() && all(AccumulatorKind::kSumDouble))
    words_ = Words::kDoubles;
}

bool RowAlgebra::combine_plain(const Accumulator& accumulator, const StateRowList& to, const StateRowList& from,
                               std::uint32_t count, const StateMemory& memory) const {
  const std::size_t offset = accumulator.offset;
  switch (accumulator.kind) {
    case AccumulatorKind::kRows:
    case AccumulatorKind::kSkipped:
      each(to, from, offset, count, [](std::byte* state, const std::byte* other) {
        store(state, load<std::uint64_t>(state) + load<std::uint64_t>(other));
      });
      return true;
    case AccumulatorKind::kSumInt64: {
      bool fits = true;
      each(to, from, offset, count, [&fits](std::byte* state, const std::byte* other) {
        std::int64_t sum;
        fits &= !__builtin_add_overflow(load<std::int64_t>(state), load<std::int64_t>(other), &sum);
        store(state, sum);
      });
      return fits;
    }
    case AccumulatorKind::kSumInt128:
      each(to, from, offset, count,
           [](std::byte* state, const std::byte* other) { store(state, load<Int128>(state) + load<Int128>(other)); });
      return true;
    case AccumulatorKind::kSumWide:
      each(to, from, offset, count, [](std::byte* state, const std::byte* other) {
        add_wide(state, load<Int128>(other), load<std::int64_t>(other + 16));
      });
      return true;
    case AccumulatorKind::kSumWideWraps:
      return true;  // with kSumWide
    case AccumulatorKind::kSumExact:
      return add_exact(accumulator, to, from, count, false, *memory.heap);
    case AccumulatorKind::kSumDouble: {
      const std::size_t lanes = layout_.sum_lanes() ? sizeof(simd::SumLanes) / sizeof(double) : 1;
      each(to, from, offset, count, [lanes](std::byte* state, const std::byte* other) {
        for (std::size_t lane = 0; lane < lanes; ++lane)
          store(state + 8 * lane, load<double>(state + 8 * lane) + load<double>(other + 8 * lane));
      });
      return true;
    }
    case AccumulatorKind::kMinString:
    case AccumulatorKind::kMaxString:
      return keep_extreme_string(accumulator.kind == AccumulatorKind::kMinString, to, from, offset, count, memory);
    default:
      keep_extreme(accumulator, to, from, count);
      return true;
  }
}

Result<void> RowAlgebra::combine(const StateRowList& to, const StateRowList& from, std::uint32_t count,
                                 const StateMemory& memory) const {
  if (word_rows_.has_value() && are_array(to, count, word_rows_->bytes()) &&
      are_array(from, count, word_rows_->bytes())) {
    const bool fits = simd::add_word_rows(*word_rows_, to.rows.base, from.rows.base, count, to.rows.base);
    return fits ? Result<void>() : overflow();
  }
  if (words_ == Words::kDoubles) {
    add_doubles(word_count_, to, from, count);
    return {};
  }
  if (words_ == Words::kIntegers) return add_integers(word_count_, to, from, count) ? Result<void>() : overflow();
  for (const Accumulator& accumulator : layout_.accumulators()) {
    if (combine_plain(accumulator, to, from, count, memory)) continue;
    if (accumulator.kind == AccumulatorKind::kSumExact) return sums_do_not_fit(memory);
    if (accumulator.physical == Physical::kString)
      return Error(ErrorCode::kLimitExceeded, "long strings of MIN or MAX do not fit state_bytes_max = " +
                                                  std::to_string(memory.arena->bytes_max()));
    return overflow();
  }
  for (const FunctionPart& part : layout_.functions()) {
    for (std::uint32_t i = 0; i < count; ++i) {
      Result<void> combined = part.function->combine(to.row(i) + part.offset, from.row(i) + part.offset, *memory.heap);
      if (!combined) return std::move(combined).error().with_context(part.name);
    }
  }
  return {};
}

Result<bool> RowAlgebra::add_into(const StateRowList& to, const StateRowList& a, const StateRowList& b,
                                  std::uint32_t count) const {
  if (count == 0) return true;
  const bool side_by_side = a.groups == nullptr || a.groups[count - 1] - a.groups[0] == count - 1;
  if (side_by_side && word_rows_.has_value() && (count >= kManyRows || words_ != Words::kDoubles)) {
    const std::size_t bytes = word_rows_->bytes();
    WEIR_DCHECK(to.rows.stride == bytes && a.rows.stride == bytes && b.rows.stride == bytes);
    const std::size_t first = a.groups == nullptr ? 0 : a.groups[0] * bytes;
    if (!simd::add_word_rows(*word_rows_, a.rows.base + first, b.rows.base + first, count, to.rows.base))
      return overflow();
    return true;
  }
  if (words_ != Words::kDoubles) return false;
  add_doubles(word_count_, to, a, b, count);
  return true;
}

Result<void> RowAlgebra::flip(const StateRowList& kept, const StateRowList& sum, std::uint32_t count) const {
  WEIR_DCHECK(kept.groups == nullptr && sum.groups == nullptr && kept.rows.stride == sum.rows.stride);
  if (!simd::flip_word_rows(*word_rows_, kept.rows.base, sum.rows.base, count)) return overflow();
  return {};
}

Result<void> RowAlgebra::subtract(const StateRowList& from, const StateRowList& what, std::uint32_t count,
                                  const StateMemory& memory) const {
  WEIR_DCHECK(invertible_);
  if (word_rows_.has_value() && are_array(from, count, word_rows_->bytes()) &&
      are_array(what, count, word_rows_->bytes())) {
    simd::subtract_word_rows(*word_rows_, from.rows.base, what.rows.base, count);
    return {};
  }
  if (words_ == Words::kIntegers) {
    subtract_integers(word_count_, from, what, count);
    return {};
  }
  for (const Accumulator& accumulator : layout_.accumulators()) {
    if (accumulator.kind != AccumulatorKind::kSumExact)
      subtract_plain(accumulator, from, what, count);
    else if (!add_exact(accumulator, from, what, count, true, *memory.heap))
      return sums_do_not_fit(memory);
  }
  for (const FunctionPart& part : layout_.functions()) {
    for (std::uint32_t i = 0; i < count; ++i) {
      Result<void> taken = part.function->subtract(from.row(i) + part.offset, what.row(i) + part.offset, *memory.heap);
      if (!taken) return std::move(taken).error().with_context(part.name);
    }
  }
  return {};
}

void RowAlgebra::initialize(const StateRowList& rows, std::uint32_t count) const noexcept {
  const std::size_t bytes = layout_.state_bytes();
  if (layout_.initial_is_zero() && rows.groups == nullptr && rows.rows.stride == bytes) {
    std::memset(rows.rows.base, 0, count * bytes);
    return;
  }
  for (std::uint32_t i = 0; i < count; ++i) std::memcpy(rows.row(i), layout_.initial(), bytes);
}

void RowAlgebra::reset(const StateRowList& rows, std::uint32_t count, const StateMemory& memory) const noexcept {
  for (const Accumulator& accumulator : layout_.accumulators()) {
    if (accumulator.kind != AccumulatorKind::kSumExact) continue;
    for (std::uint32_t i = 0; i < count; ++i)
      reinterpret_cast<ExactSum*>(rows.row(i) + accumulator.offset)->release(*memory.heap);
  }
  for (const FunctionPart& part : layout_.functions()) {
    if (!part.function->owns_memory()) continue;
    for (std::uint32_t i = 0; i < count; ++i) part.function->release(rows.row(i) + part.offset, *memory.heap);
  }
  initialize(rows, count);
}

}  // namespace weir
