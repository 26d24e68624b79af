// RowAlgebra: combines and subtracts many state rows at once, an accumulator after another over a block of rows: what
// windows do with the rows of slices. One row at a time goes through state_row.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "weir/core/result.h"
#include "weir/simd/accumulate.h"
#include "weir/simd/word_rows.h"
#include "window/aggregate_layout.h"
#include "window/state_row.h"

namespace weir {

/// Some rows of states: row i is that of groups[i], or i where groups is null.
struct StateRowList {
  simd::GroupRows rows;
  const std::uint32_t* groups = nullptr;
  std::byte* row(std::uint32_t i) const noexcept {
    return rows.base + (groups == nullptr ? std::size_t{i} : std::size_t{groups[i]}) * rows.stride;
  }
};

/// Immutable. Thread: any.
class RowAlgebra {
 public:
  explicit RowAlgebra(const AggregateLayout& layout);

  /// Whether subtract() is there: it takes out exactly what combine() has added.
  bool invertible() const noexcept { return invertible_; }
  /// Whether rows own memory beside their bytes, so that a copy of the bytes is not a copy of the state.
  bool owns_memory() const noexcept { return owns_memory_; }
  /// What rows are where they are nothing but words to add: a count of rows, then counts and sums of integers, or sums
  /// of doubles.
  enum class Words : std::uint8_t { kOther, kIntegers, kDoubles };
  Words words() const noexcept { return words_; }
  /// Of a sum of 64 bits.
  static Error overflow();
  /// What rows are where all they hold is words of 64 bits, so that neighbours are combined as arrays; else null.
  const simd::WordRows* word_rows() const noexcept { return word_rows_.has_value() ? &*word_rows_ : nullptr; }

  /// to[i] := to[i] + from[i]; no row of `to` occurs twice. Errors: kOverflow, kLimitExceeded.
  Result<void> combine(const StateRowList& to, const StateRowList& from, std::uint32_t count,
                       const StateMemory& memory) const;
  /// to[i] := a[i] + b[i], where a count of rows and sums of DOUBLE are all there is, or word_rows() and neighbours;
  /// else false, and nothing is done. Requires: `to` is without groups, a and b have the same, ascending. Errors:
  /// kOverflow.
  Result<bool> add_into(const StateRowList& to, const StateRowList& a, const StateRowList& b,
                        std::uint32_t count) const;
  /// kept[i], sum[i] := sum[i], sum[i] + kept[i]. Requires: word_rows(), neither has groups. Errors: kOverflow.
  Result<void> flip(const StateRowList& kept, const StateRowList& sum, std::uint32_t count) const;
  /// from[i] := from[i] - what[i]. Requires: invertible(). Errors: kLimitExceeded.
  Result<void> subtract(const StateRowList& from, const StateRowList& what, std::uint32_t count,
                        const StateMemory& memory) const;
  /// Makes the rows states to which nothing was added, without looking at what they hold.
  void initialize(const StateRowList& rows, std::uint32_t count) const noexcept;
  /// Gives back what the rows own and makes them states to which nothing was added.
  void reset(const StateRowList& rows, std::uint32_t count, const StateMemory& memory) const noexcept;

 private:
  bool combine_plain(const Accumulator& accumulator, const StateRowList& to, const StateRowList& from,
                     std::uint32_t count, const StateMemory& memory) const;

  const AggregateLayout& layout_;
  Words words_ = Words::kOther;
  std::size_t word_count_ = 0;
  std::optional<simd::WordRows> word_rows_;
  bool owns_memory_ = false;
  bool invertible_ = true;
};

}  // namespace weir
