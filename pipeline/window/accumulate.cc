// Lift and combine, a batch at a time. See accumulate.h.
#include "window/accumulate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "weir/simd/boolean.h"
#include "weir/simd/ordered.h"
#include "weir/simd/reduce.h"
#include "window/accumulate_exact.h"
#include "window/row_algebra.h"

namespace weir {
namespace {

template <class T>
T& at(std::byte* state, std::size_t offset) noexcept {
  return *reinterpret_cast<T*>(state + offset);
}

Int128 load128(const std::byte* from) noexcept {
  Int128 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
void store128(std::byte* to, Int128 value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

// The exact 192-bit sum: 128 bits, and how often they wrapped.
void add_wide(std::byte* state, Int128 value) noexcept {
  Int128 sum;
  if (__builtin_add_overflow(load128(state), value, &sum)) at<std::int64_t>(state, 16) += value < 0 ? -1 : 1;
  store128(state, sum);
}

/// Calls body(row, state) for each valid row.
template <class Body>
void each_row(const std::uint32_t* groups, const simd::Rows& rows, const StateRows& to, std::size_t offset,
              Body&& body) {
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    if (!rows.valid(row)) continue;
    const std::size_t group = groups == nullptr ? 0 : groups[row];
    body(row, to.rows.base + group * to.rows.stride + offset);
  }
}

bool keep_extreme_string(bool least, const std::uint32_t* groups, const StringRef* values, const simd::Rows& rows,
                         const StateRows& to, std::size_t offset) {
  bool stored = true;
  each_row(groups, rows, to, offset, [&](std::uint32_t row, std::byte* state) {
    auto& kept = at<StringRef>(state, 0);
    const StringRef& value = values[row];
    const bool better = kept.size == StringStore::kUnset || (least ? value < kept : kept < value);
    if (better) stored = to.strings->replace(value, *to.arena, kept) && stored;
  });
  return stored;
}

template <class T>
void keep_extreme(bool least, const std::uint32_t* groups, const Vector& values, const simd::Rows& rows,
                  const StateRows& to, std::size_t offset) {
  if (least)
    simd::accumulate_min<T>(groups, values.values<T>(), rows, to.rows, offset);
  else
    simd::accumulate_max<T>(groups, values.values<T>(), rows, to.rows, offset);
}

template <class T>
void keep_extreme_global(bool least, const Vector& values, const simd::Rows& rows, std::byte* state) {
  T lowest, highest;
  if (!simd::min_max<T>(values.values<T>(), rows, &lowest, &highest)) return;
  T& kept = at<T>(state, 0);
  if (least ? lowest < kept : kept < highest) kept = least ? lowest : highest;
}

void keep_extreme128_global(bool least, const Vector& values, const simd::Rows& rows, const StateRows& to,
                            std::size_t offset) {
  each_row(nullptr, rows, to, offset, [&](std::uint32_t row, std::byte* state) {
    const Int128 value = values.values<Int128>()[row];
    const Int128 kept = load128(state);
    if (least ? value < kept : kept < value) store128(state, value);
  });
}

void sum_pieces(const Vector& values, std::span<const std::uint32_t> bounds, std::int64_t* sums) {
  const auto pieces = static_cast<std::uint32_t>(bounds.size() - 1);
  switch (values.physical) {
    case Physical::kInt8:
      return simd::sum_ranges(values.values<std::int8_t>(), bounds.data(), pieces, sums);
    case Physical::kInt16:
      return simd::sum_ranges(values.values<std::int16_t>(), bounds.data(), pieces, sums);
    default:
      return simd::sum_ranges(values.values<std::int32_t>(), bounds.data(), pieces, sums);
  }
}

Int128 exact_sum(const Vector& values, const simd::Rows& rows) {
  switch (values.physical) {
    case Physical::kInt8:
      return simd::sum_exact(values.values<std::int8_t>(), rows);
    case Physical::kInt16:
      return simd::sum_exact(values.values<std::int16_t>(), rows);
    case Physical::kInt32:
      return simd::sum_exact(values.values<std::int32_t>(), rows);
    default:
      return simd::sum_exact(values.values<std::int64_t>(), rows);
  }
}

}  // namespace

std::int64_t ordered_from_double(double value) noexcept {
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  const auto bits = std::bit_cast<std::int64_t>(value);
  return bits ^ static_cast<std::int64_t>(static_cast<std::uint64_t>(bits >> 63) >> 1);
}
std::int32_t ordered_from_float(float value) noexcept {
  if (std::isnan(value)) value = std::numeric_limits<float>::quiet_NaN();
  const auto bits = std::bit_cast<std::int32_t>(value);
  return bits ^ static_cast<std::int32_t>(static_cast<std::uint32_t>(bits >> 31) >> 1);
}

BatchAccumulator::BatchAccumulator(const AggregateLayout& layout, std::uint32_t capacity)
    : layout_(layout), capacity_(capacity) {
  const std::size_t words = validity_words(capacity);
  const std::size_t count = layout.accumulators().size() + layout.functions().size();
  mask_words_ = std::make_unique<std::uint64_t[]>(words * count);
  masks_ = std::make_unique<const std::uint64_t*[]>(count);
  inverse_ = std::make_unique<std::uint64_t[]>(words);
  ordered_values_ = std::make_unique<std::int64_t[]>(capacity);
  for (std::size_t i = 0; i < layout.accumulators().size(); ++i)
    if (layout.accumulators()[i].kind == AccumulatorKind::kSkipped) skipped_.push_back(i);
  std::size_t arguments = 0;
  for (const FunctionPart& state : layout.functions()) arguments = std::max(arguments, state.arguments.size());
  arguments_ = std::make_unique<const Vector*[]>(arguments);
  if (layout.keyed()) row_adders_ = row_adders(layout);
  only_numbers_ = !layout.keyed() && layout.functions().empty();
  for (const Accumulator& accumulator : layout.accumulators()) {
    const AccumulatorKind kind = accumulator.kind;
    const bool extreme = kind == AccumulatorKind::kMin || kind == AccumulatorKind::kMax;
    only_numbers_ = only_numbers_ && (extreme || kind == AccumulatorKind::kRows || kind == AccumulatorKind::kSkipped ||
                                      kind == AccumulatorKind::kSumInt64 || kind == AccumulatorKind::kSumDouble);
  }
  if (only_numbers_) piece_sums_ = std::make_unique<std::int64_t[]>(capacity);
  memory_bytes_ = (only_numbers_ ? capacity * std::size_t{8} : 0) + words * 8 * (count + 1) + (count + arguments) * 8 +
                  capacity * std::size_t{8};
}

const std::uint64_t* BatchAccumulator::make_mask(const Batch& batch, const Accumulator& accumulator,
                                                 std::uint64_t* words) {
  const std::uint32_t rows = batch.row_count();
  const std::uint64_t* valid =
      accumulator.argument >= 0 ? batch.column(static_cast<std::uint32_t>(accumulator.argument)).validity : nullptr;
  if (accumulator.filter >= 0) {
    const Vector& filter = batch.column(static_cast<std::uint32_t>(accumulator.filter));
    simd::bitmap_from_bytes(filter.values<std::uint8_t>(), rows, words);
    simd::bitmap_and(words, filter.validity, rows, words);
    if (valid != nullptr) simd::bitmap_and(words, valid, rows, words);
    valid = words;
  }
  return valid == nullptr || simd::bitmap_all(valid, rows) ? nullptr : valid;
}

void BatchAccumulator::begin(const Batch& batch, int partial_column) {
  WEIR_DCHECK(batch.row_count() <= capacity_);
  batch_ = &batch;
  partial_column_ = partial_column;
  ordered_of_ = nullptr;
  arrivals_ = nullptr;
  const auto accumulators = layout_.accumulators();
  const std::size_t words = validity_words(capacity_);
  for (const std::size_t i : skipped_)
    masks_[i] = partial_column < 0 ? make_mask(batch, accumulators[i], mask_words_.get() + i * words) : nullptr;
  if (!layout_.functions().empty() && partial_column < 0) make_function_masks(batch);
}

const Vector* BatchAccumulator::fused_vector() const noexcept {
  const int fused = layout_.fused_sum();
  if (fused < 0 || partial_column_ >= 0 || !layout_.keyed()) return nullptr;
  const Accumulator& accumulator = layout_.accumulators()[static_cast<std::size_t>(fused)];
  return mask(accumulator) == nullptr ? &vector(static_cast<std::size_t>(fused)) : nullptr;
}

bool BatchAccumulator::only_first() const noexcept {
  if (!layout_.functions().empty()) return false;
  const auto accumulators = layout_.accumulators();
  const auto fused = fused_vector() == nullptr ? accumulators.size() : static_cast<std::size_t>(layout_.fused_sum());
  for (std::size_t i = 1; i < accumulators.size(); ++i) {
    const bool untouched = accumulators[i].kind == AccumulatorKind::kSkipped && masks_[i] == nullptr;
    if (i != fused && !untouched) return false;
  }
  return true;
}

const Vector& BatchAccumulator::ordered(const Accumulator& accumulator, const Vector& values, const simd::Rows& rows) {
  if (accumulator.physical == values.physical) return values;
  // MIN and MAX of one column come one after the other, over the same rows.
  const bool same =
      ordered_of_ == values.data && ordered_rows_.selection == rows.selection && ordered_rows_.count == rows.count;
  if (same) return ordered_vector_;
  ordered_of_ = values.data;
  ordered_rows_ = rows;
  ordered_vector_ = Vector{accumulator.physical, ordered_values_.get(), nullptr, nullptr};
  if (values.physical == Physical::kFloat)
    simd::ordered_integers(values.values<float>(), rows, ordered_vector_.values<std::int32_t>());
  else
    simd::ordered_integers(values.values<double>(), rows, ordered_vector_.values<std::int64_t>());
  return ordered_vector_;
}

void BatchAccumulator::add_skipped(const Accumulator& accumulator, const std::uint32_t* groups, const simd::Rows& rows,
                                   const StateRows& to) {
  simd::Rows lacking = rows;
  const auto index = static_cast<std::size_t>(&accumulator - layout_.accumulators().data());
  if (masks_[index] == nullptr) return;
  simd::bitmap_not(masks_[index], batch_->row_count(), inverse_.get());
  lacking.validity = inverse_.get();
  if (layout_.keyed())
    simd::accumulate_count(groups, lacking, to.rows, accumulator.offset);
  else
    at<std::uint64_t>(to.rows.base, accumulator.offset) += simd::count_valid(lacking);
}

bool BatchAccumulator::add_keyed(const Accumulator& accumulator, const Vector& values, const std::uint32_t* groups,
                                 const simd::Rows& rows, const StateRows& to) {
  const std::size_t offset = accumulator.offset;
  const bool least = accumulator.kind == AccumulatorKind::kMin || accumulator.kind == AccumulatorKind::kMinString;
  switch (accumulator.kind) {
    case AccumulatorKind::kMin:
    case AccumulatorKind::kMax:
      switch (values.physical) {
        case Physical::kInt8:
          keep_extreme<std::int8_t>(least, groups, values, rows, to, offset);
          break;
        case Physical::kInt16:
          keep_extreme<std::int16_t>(least, groups, values, rows, to, offset);
          break;
        case Physical::kInt32:
          keep_extreme<std::int32_t>(least, groups, values, rows, to, offset);
          break;
        case Physical::kInt64:
          keep_extreme<std::int64_t>(least, groups, values, rows, to, offset);
          break;
        default:
          keep_extreme<Int128>(least, groups, values, rows, to, offset);
          break;
      }
      return true;
    case AccumulatorKind::kMinString:
    case AccumulatorKind::kMaxString:
      return keep_extreme_string(least, groups, values.values<StringRef>(), rows, to, offset);
    case AccumulatorKind::kSumExact:
      return accumulate_exact(groups, values, rows, to, offset);
    case AccumulatorKind::kSumDouble:
      if (values.physical == Physical::kFloat)
        simd::accumulate_sum_double(groups, values.values<float>(), rows, to.rows, offset);
      else
        simd::accumulate_sum_double(groups, values.values<double>(), rows, to.rows, offset);
      return true;
    case AccumulatorKind::kSumInt128:
      if (values.physical == Physical::kInt64)
        simd::accumulate_sum_int128(groups, values.values<std::int64_t>(), rows, to.rows, offset);
      else
        simd::accumulate_sum_int128(groups, values.values<Int128>(), rows, to.rows, offset);
      return true;
    case AccumulatorKind::kSumWide:
      each_row(groups, rows, to, offset,
               [&](std::uint32_t row, std::byte* state) { add_wide(state, values.values<Int128>()[row]); });
      return true;
    default:
      switch (values.physical) {
        case Physical::kInt8:
          return simd::accumulate_sum_int64(groups, values.values<std::int8_t>(), rows, to.rows, offset);
        case Physical::kInt16:
          return simd::accumulate_sum_int64(groups, values.values<std::int16_t>(), rows, to.rows, offset);
        case Physical::kInt32:
          return simd::accumulate_sum_int64(groups, values.values<std::int32_t>(), rows, to.rows, offset);
        default:
          return simd::accumulate_sum_int64(groups, values.values<std::int64_t>(), rows, to.rows, offset);
      }
  }
}

bool BatchAccumulator::add_global(const Accumulator& accumulator, const Vector& values, const simd::Rows& rows,
                                  const StateRows& to) {
  const std::size_t offset = accumulator.offset;
  std::byte* state = to.rows.base + offset;
  const bool least = accumulator.kind == AccumulatorKind::kMin || accumulator.kind == AccumulatorKind::kMinString;
  switch (accumulator.kind) {
    case AccumulatorKind::kMin:
    case AccumulatorKind::kMax:
      switch (values.physical) {
        case Physical::kInt8:
          keep_extreme_global<std::int8_t>(least, values, rows, state);
          break;
        case Physical::kInt16:
          keep_extreme_global<std::int16_t>(least, values, rows, state);
          break;
        case Physical::kInt32:
          keep_extreme_global<std::int32_t>(least, values, rows, state);
          break;
        case Physical::kInt64:
          keep_extreme_global<std::int64_t>(least, values, rows, state);
          break;
        default:
          keep_extreme128_global(least, values, rows, to, offset);
          break;
      }
      return true;
    case AccumulatorKind::kMinString:
    case AccumulatorKind::kMaxString:
      return keep_extreme_string(least, nullptr, values.values<StringRef>(), rows, to, offset);
    case AccumulatorKind::kSumExact:
      return accumulate_exact(nullptr, values, rows, to, offset);
    case AccumulatorKind::kSumDouble: {
      auto& sum = at<simd::SumLanes>(state, 0);
      if (values.physical == Physical::kFloat)
        simd::add_to_sum(values.values<float>(), rows, sum);
      else
        simd::add_to_sum(values.values<double>(), rows, sum);
      return true;
    }
    case AccumulatorKind::kSumInt128:
      if (values.physical == Physical::kInt64)
        store128(state, load128(state) + exact_sum(values, rows));
      else
        each_row(nullptr, rows, to, offset, [&](std::uint32_t row, std::byte* sum) {
          store128(sum, load128(sum) + values.values<Int128>()[row]);
        });
      return true;
    case AccumulatorKind::kSumWide:
      each_row(nullptr, rows, to, offset,
               [&](std::uint32_t row, std::byte* sum) { add_wide(sum, values.values<Int128>()[row]); });
      return true;
    default: {
      const Int128 sum = exact_sum(values, rows) + at<std::int64_t>(state, 0);
      at<std::int64_t>(state, 0) = static_cast<std::int64_t>(sum);
      return sum == at<std::int64_t>(state, 0);
    }
  }
}

bool BatchAccumulator::add_one(std::size_t index, const std::uint32_t* groups, const simd::Rows& rows,
                               const StateRows& to) {
  const Accumulator& accumulator = layout_.accumulators()[index];
  simd::Rows valid = rows;
  if (partial_column_ < 0) {
    switch (accumulator.kind) {
      case AccumulatorKind::kRows:
        if (layout_.keyed())
          simd::accumulate_count(groups, rows, to.rows, accumulator.offset);
        else
          at<std::uint64_t>(to.rows.base, accumulator.offset) += rows.count;
        return true;
      case AccumulatorKind::kSkipped:
        add_skipped(accumulator, groups, rows, to);
        return true;
      case AccumulatorKind::kSumWideWraps:
        return true;  // kSumWide keeps it
      default:
        valid.validity = mask(accumulator);
        break;
    }
  } else if (accumulator.physical == Physical::kString) {
    valid.validity = vector(index).validity;
  }
  const Vector* values = &vector(index);
  if (accumulator.kind == AccumulatorKind::kMin || accumulator.kind == AccumulatorKind::kMax)
    values = &ordered(accumulator, *values, rows);
  return layout_.keyed() ? add_keyed(accumulator, *values, groups, valid, to)
                         : add_global(accumulator, *values, valid, to);
}

bool BatchAccumulator::takes_pieces() const noexcept {
  const auto masked = [&](std::size_t index) { return masks_[index] != nullptr; };
  return only_numbers_ && !partials() && std::none_of(skipped_.begin(), skipped_.end(), masked);
}

Result<void> BatchAccumulator::add_pieces(std::span<const std::uint32_t> bounds, const std::uint32_t* numbers,
                                          std::byte* const* states) {
  WEIR_DCHECK(takes_pieces());
  const auto pieces = static_cast<std::uint32_t>(bounds.size() - 1);
  for (std::size_t i = 0; i < layout_.accumulators().size(); ++i) {
    const Accumulator& accumulator = layout_.accumulators()[i];
    const std::size_t offset = accumulator.offset;
    if (accumulator.kind == AccumulatorKind::kSkipped) continue;
    if (accumulator.kind == AccumulatorKind::kRows) {
      for (std::uint32_t p = 0; p < pieces; ++p) at<std::uint64_t>(states[p], offset) += bounds[p + 1] - bounds[p];
    } else if (accumulator.kind == AccumulatorKind::kSumInt64) {
      sum_pieces(vector(i), bounds, piece_sums_.get());
      std::int64_t overflowed = 0;
      for (std::uint32_t p = 0; p < pieces; ++p) {
        auto& sum = at<std::int64_t>(states[p], offset);
        overflowed |= __builtin_add_overflow(sum, piece_sums_[p], &sum) ? 1 : 0;
      }
      if (overflowed != 0) return RowAlgebra::overflow();
    } else {
      const Vector& values = vector(i);
      for (std::uint32_t p = 0; p < pieces; ++p) {
        simd::Rows rows{bounds[p + 1] - bounds[p], numbers + bounds[p], nullptr};
        const bool extreme = accumulator.kind != AccumulatorKind::kSumDouble;
        (void)add_global(accumulator, extreme ? ordered(accumulator, values, rows) : values, rows,
                         {{states[p], 0}, nullptr, nullptr, nullptr});
      }
    }
  }
  return {};
}

/// Whether row by row is the shorter way: one row, with a value wherever one is looked at.
bool BatchAccumulator::takes_one_row(const simd::Rows& rows) const noexcept {
  return rows.count == 1 && !row_adders_.empty() && partial_column_ < 0 && rows.validity == nullptr &&
         std::all_of(skipped_.begin(), skipped_.end(), [&](std::size_t index) { return masks_[index] == nullptr; });
}

bool BatchAccumulator::add_row(std::size_t index, std::uint32_t row, const std::uint32_t* groups,
                               const simd::Rows& rows, const StateRows& to) {
  const RowAdder& adder = row_adders_[index];
  if (adder.add == nullptr) return add_one(index, groups, rows, to);
  const Vector& values = batch_->column(adder.column);
  WEIR_DCHECK(adder.width == 0 || adder.width == physical_size(values.physical));
  return adder.add(to.rows.base + groups[row] * to.rows.stride + adder.offset,
                   static_cast<const std::byte*>(values.data) + std::size_t{row} * adder.width);
}

Error BatchAccumulator::failure(const Accumulator& accumulator, const StateRows& to) const {
  if (accumulator.kind == AccumulatorKind::kSumExact)
    return Error(ErrorCode::kLimitExceeded,
                 "sums of DOUBLE do not fit state_bytes_max = " + std::to_string(to.arena->bytes_max()));
  if (accumulator.physical == Physical::kString)
    return Error(ErrorCode::kLimitExceeded,
                 "long strings of MIN or MAX do not fit state_bytes_max = " + std::to_string(to.arena->bytes_max()));
  return RowAlgebra::overflow();
}

Result<void> BatchAccumulator::add(const std::uint32_t* groups, const simd::Rows& rows, const StateRows& to,
                                   bool first_done) {
  const auto accumulators = layout_.accumulators();
  if (!first_done && takes_one_row(rows)) {
    for (std::size_t i = 0; i < accumulators.size(); ++i)
      if (!add_row(i, rows[0], groups, rows, to)) [[unlikely]]
        return failure(accumulators[i], to);
    return layout_.functions().empty() ? Result<void>() : add_functions(groups, rows, to);
  }
  auto fused = static_cast<std::size_t>(layout_.fused_sum());
  const Vector* fused_values = fused_vector();
  if (first_done) {
    if (fused_values == nullptr) fused = accumulators.size();
  } else if (fused_values != nullptr) {
    const std::size_t offset = accumulators[fused].offset;
    if (fused_values->physical == Physical::kFloat)
      simd::accumulate_count_sum(groups, fused_values->values<float>(), rows, to.rows, 0, offset);
    else
      simd::accumulate_count_sum(groups, fused_values->values<double>(), rows, to.rows, 0, offset);
    first_done = true;
  } else {
    fused = accumulators.size();
  }
  for (std::size_t i = 0; i < accumulators.size(); ++i) {
    if (first_done && (i == 0 || i == fused)) continue;
    if (!add_one(i, groups, rows, to)) return failure(accumulators[i], to);
  }
  return layout_.functions().empty() ? Result<void>() : add_functions(groups, rows, to);
}

}  // namespace weir
