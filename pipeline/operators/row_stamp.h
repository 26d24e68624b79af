// RowStamp: gives each row what it would lose in an exchange: its own input's watermark before it, and its place in the
// order of its input. What is decided where the rows of a key meet (sessions, count windows) then has the same answer
// for every number of shards.
#pragma once

#include <cstdint>
#include <memory>

#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/pipeline/operator.h"

namespace weir {

/// The columns that make_row_stamp appends: row_watermark BIGINT, arrival BIGINT.
Schema stamped_schema(const Schema& input);
/// A row whose time lies above every watermark that could matter has the watermark kWatermarkNone.
std::unique_ptr<Operator> make_row_stamp(FragmentContext& context, const Schema& input);

}  // namespace weir
