// Lower: from state rows to vectors, as results or as partials.
#pragma once

#include <cstdint>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "window/aggregate_layout.h"
#include "window/group_table.h"

namespace weir {

/// Some groups of a table, or some rows of a pool, in the order in which they are given out.
struct GroupSelection {
  GroupTable* table = nullptr;
  const std::uint32_t* groups = nullptr;
  std::uint32_t count = 0;
  simd::GroupRows rows = {};    ///< Where there is no table.
  StateHeap* pieces = nullptr;  ///< Where there is no table: what functions own.
  bool ascending = false;       ///< The numbers of the groups ascend, so that neighbours can be told.

  std::byte* state(std::uint32_t position) const noexcept {
    return table != nullptr ? table->state(groups[position]) : rows.base + groups[position] * rows.stride;
  }
  StateHeap& heap() const noexcept { return table != nullptr ? table->heap() : *pieces; }
};

/// Writes one aggregate's results to rows at, at + 1, … of `to`. Returns how many were written: less than the
/// selection's count where the next result does not fit its type. Strings stay in the table's memory.
/// Errors: those of functions.
Result<std::uint32_t> lower_result(const AggregateLayout& layout, const AggregateResult& result,
                                   const GroupSelection& selection, Vector& to, std::uint32_t at);

/// Writes the columns of a partial, from `first_column` of `to` on: accumulators, then the states of functions as
/// bytes, which stay in the table's memory. Errors: those of functions.
Result<void> lower_partials(const AggregateLayout& layout, const GroupSelection& selection, Batch& to,
                            std::uint32_t first_column, std::uint32_t at);

}  // namespace weir
