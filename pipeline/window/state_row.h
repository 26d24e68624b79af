// Whole state rows of an AggregateLayout, one at a time: what sessions, count windows and sliding aggregators do with
// the accumulators of a group, whatever they are. Batches of rows go through BatchAccumulator instead.
#pragma once

#include <cstddef>

#include "weir/core/result.h"
#include "weir/pipeline/state_heap.h"
#include "window/aggregate_layout.h"
#include "window/state_arena.h"
#include "window/string_store.h"

namespace weir {

/// Where the parts of variable size of a row stand. Both rows of an operation share it.
struct StateMemory {
  StringStore* strings = nullptr;
  StateHeap* heap = nullptr;
  StateArena* arena = nullptr;
};

/// Makes it a row to which nothing has been added. Requires: layout.state_bytes() bytes, aligned to 8 (keyed layout).
void initialize_row(const AggregateLayout& layout, std::byte* row) noexcept;
/// to := to + from; `from` stays. Errors: kOverflow, kLimitExceeded.
Result<void> combine_row(const AggregateLayout& layout, std::byte* to, const std::byte* from,
                         const StateMemory& memory);
/// from := from - what, exactly. Requires: layout.invertible(). Errors: kLimitExceeded.
Result<void> subtract_row(const AggregateLayout& layout, std::byte* from, const std::byte* what,
                          const StateMemory& memory);
/// Gives back what the row's aggregate functions own.
void release_row(const AggregateLayout& layout, std::byte* row, const StateMemory& memory) noexcept;

}  // namespace weir
