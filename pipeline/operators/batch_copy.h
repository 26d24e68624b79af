// Copying rows from one batch into another: what an exchange and a sink that must wait do with rows that are not
// theirs.
#pragma once

#include <cstdint>

#include "weir/core/batch.h"

namespace weir {

/// Appends rows[0 … count) of `from` behind the rows of `to`, column by column, long strings into to's heap, and takes
/// the header's ranges over. Returns how many were taken: fewer where `to` has no row or no heap left. Requires: the
/// same physical columns; `to` has validity bitmaps wherever `from` has one. Cost: one pass a column. Allocates: never.
std::uint32_t append_rows(const Batch& from, const std::uint32_t* rows, std::uint32_t count, Batch& to);

}  // namespace weir
