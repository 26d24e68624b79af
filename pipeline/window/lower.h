// Lower: from state rows to vectors, as results or as partials.
#pragma once

#include <cstdint>

#include "weir/core/batch.h"
#include "window/aggregate_layout.h"
#include "window/group_table.h"

namespace weir {

/// Some groups of a table, or some rows of a pool, in the order in which they are given out.
struct GroupSelection {
  const GroupTable* table = nullptr;
  const std::uint32_t* groups = nullptr;
  std::uint32_t count = 0;
  simd::GroupRows rows = {};  ///< Where there is no table.

  const std::byte* state(std::uint32_t position) const noexcept {
    return table != nullptr ? table->state(groups[position]) : rows.base + groups[position] * rows.stride;
  }
};

/// Writes one aggregate's results to rows at, at + 1, … of `to`. Returns how many were written: less than the
/// selection's count where the next result does not fit its type. Strings stay in the table's memory.
std::uint32_t lower_result(const AggregateLayout& layout, const AggregateResult& result,
                           const GroupSelection& selection, Vector& to, std::uint32_t at);

/// Writes one accumulator as the column of a partial.
void lower_partial(const AggregateLayout& layout, const Accumulator& accumulator, const GroupSelection& selection,
                   Vector& to, std::uint32_t at);

}  // namespace weir
