// BatchAccumulator: adds a batch to state rows, one accumulator after another over the whole batch (lift and combine of
// the algebra). Rows come from a source's batch or, in combine, from a batch of partials whose columns are
// accumulators.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/pipeline/state_heap.h"
#include "weir/simd/accumulate.h"
#include "weir/simd/rows.h"
#include "window/accumulate_row.h"
#include "window/aggregate_layout.h"
#include "window/state_arena.h"
#include "window/string_store.h"

namespace weir {

/// Where state rows stand and where their long strings and the pieces of functions go.
struct StateRows {
  simd::GroupRows rows;  ///< base is that of the state part.
  StringStore* strings = nullptr;
  StateArena* arena = nullptr;
  StateHeap* heap = nullptr;
};

/// Thread: the owning shard. Allocates: in the constructor only.
class BatchAccumulator {
 public:
  BatchAccumulator(const AggregateLayout& layout, std::uint32_t capacity);

  /// Starts a batch. `partial_column` is the column of the first accumulator in a batch of partials, or -1 for rows.
  void begin(const Batch& batch, int partial_column);
  /// After begin(): each row's RowOrder::arrival, where the rows came through an exchange.
  void set_arrivals(const std::uint64_t* arrivals) noexcept { arrivals_ = arrivals; }
  /// Adds rows of the batch to their groups (with keys) or to the only state row (groups is not looked at).
  /// `first_done`: the count of rows and the fused sum have been added already.
  /// Errors: kOverflow, kLimitExceeded (long strings do not fit state_bytes_max), those of functions.
  Result<void> add(const std::uint32_t* groups, const simd::Rows& rows, const StateRows& to, bool first_done = false);

  /// add() without keys, for several slices at once: where takes_pieces(), rows bounds[i] … bounds[i + 1] - 1 of the
  /// batch go to the only state row of a slice, states[i]. `numbers` are 0, 1, … Errors: kOverflow.
  Result<void> add_pieces(std::span<const std::uint32_t> bounds, const std::uint32_t* numbers,
                          std::byte* const* states);
  /// Whether this batch can be added so: no keys, all numbers, none of them NULL, exact sums, sets or functions.
  bool takes_pieces() const noexcept;

  /// The vector of the fused sum where the batch lets it be added without looking at NULLs, else null.
  const Vector* fused_vector() const noexcept;
  bool partials() const noexcept { return partial_column_ >= 0; }
  /// Whether the count of rows and the fused sum are all that this batch adds.
  bool only_first() const noexcept;
  std::size_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  const std::uint64_t* mask(const Accumulator& accumulator) const noexcept {
    return accumulator.skipped < 0 ? nullptr : masks_[static_cast<std::size_t>(accumulator.skipped)];
  }
  const Vector& vector(std::size_t index) const noexcept {
    const int column =
        partial_column_ >= 0 ? partial_column_ + static_cast<int>(index) : layout_.accumulators()[index].argument;
    return batch_->column(static_cast<std::uint32_t>(column));
  }
  bool takes_one_row(const simd::Rows& rows) const noexcept;
  bool add_row(std::size_t index, std::uint32_t row, const std::uint32_t* groups, const simd::Rows& rows,
               const StateRows& to);
  Error failure(const Accumulator& accumulator, const StateRows& to) const;
  bool add_one(std::size_t index, const std::uint32_t* groups, const simd::Rows& rows, const StateRows& to);
  bool add_keyed(const Accumulator& accumulator, const Vector& values, const std::uint32_t* groups,
                 const simd::Rows& rows, const StateRows& to);
  bool add_global(const Accumulator& accumulator, const Vector& values, const simd::Rows& rows, const StateRows& to);
  void add_skipped(const Accumulator& accumulator, const std::uint32_t* groups, const simd::Rows& rows,
                   const StateRows& to);
  const Vector& ordered(const Accumulator& accumulator, const Vector& values, const simd::Rows& rows);
  const std::uint64_t* make_mask(const Batch& batch, const Accumulator& accumulator, std::uint64_t* words);
  // accumulate_function.cc
  void make_function_masks(const Batch& batch);
  Result<void> add_functions(const std::uint32_t* groups, const simd::Rows& rows, const StateRows& to);
  Result<void> add_rows(std::size_t index, const std::uint32_t* groups, const simd::Rows& rows, const StateRows& to);
  Result<void> add_partials(std::size_t index, const std::uint32_t* groups, const simd::Rows& rows,
                            const StateRows& to);

  const AggregateLayout& layout_;
  bool only_numbers_ = false;  // without keys: all that is kept are counts, sums and extremes of numbers
  std::uint32_t capacity_;
  const Batch* batch_ = nullptr;
  int partial_column_ = -1;
  const std::uint64_t* arrivals_ = nullptr;
  std::unique_ptr<std::uint64_t[]> mask_words_;     // one bitmap an accumulator, then one a function
  std::unique_ptr<const std::uint64_t*[]> masks_;   // of both, null: every row has a value
  std::vector<std::size_t> skipped_;                // the accumulators that have masks
  std::vector<RowAdder> row_adders_;                // of a layout with keys
  std::unique_ptr<const Vector*[]> arguments_;      // of the function at work
  std::unique_ptr<std::uint64_t[]> inverse_;        // one bitmap
  std::unique_ptr<std::int64_t[]> ordered_values_;  // FLOAT and DOUBLE as integers
  Vector ordered_vector_;
  std::unique_ptr<std::int64_t[]> piece_sums_;
  const void* ordered_of_ = nullptr;  // what stands in ordered_vector_, null: nothing of this batch
  simd::Rows ordered_rows_;
  std::size_t memory_bytes_ = 0;
};

/// A double as the integer that has its place in the order: -inf … -0, +0 … +inf, NaN (every NaN is one).
std::int64_t ordered_from_double(double value) noexcept;
inline double double_from_ordered(std::int64_t value) noexcept {
  return std::bit_cast<double>(value ^ static_cast<std::int64_t>(static_cast<std::uint64_t>(value >> 63) >> 1));
}
std::int32_t ordered_from_float(float value) noexcept;
inline float float_from_ordered(std::int32_t value) noexcept {
  return std::bit_cast<float>(value ^ static_cast<std::int32_t>(static_cast<std::uint32_t>(value >> 31) >> 1));
}

}  // namespace weir
