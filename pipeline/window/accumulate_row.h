// RowAdder: how one row is added to one accumulator, by a function that is chosen at setup. A batch goes through
// kernels that look at the kind, the type, the selection and the NULLs once; for a single row those looks are most of
// the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "window/aggregate_layout.h"

namespace weir {

struct RowAdder {
  /// Adds a value to the accumulator at `state`. False where the sum does not fit.
  using Add = bool (*)(std::byte* state, const std::byte* value) noexcept;

  Add add = nullptr;  ///< Null: of a kind that only batches know.
  std::uint32_t offset = 0;
  std::uint32_t column = 0;  ///< Of the rows.
  std::uint32_t width = 0;   ///< Of a value; 0: none is looked at.
};

/// One for each accumulator of a keyed layout, for rows all of which have values. Allocates: the vector.
std::vector<RowAdder> row_adders(const AggregateLayout& layout);

}  // namespace weir
