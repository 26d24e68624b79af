// CivilTime: lets what follows work in the wall clock of a time zone. The event-time column has been converted by the
// project before it (CAST of TIMESTAMP_LTZ to TIMESTAMP); this operator converts what a batch knows of watermarks, and
// the watermarks themselves, so that windows, slices and lateness need not know of zones:
//
//   a day of 23 or 25 hours is a day of 24 hours of wall clock, of which one hour has no rows or the rows of two
//   a window fires when its last wall clock will not come again: after the second of two equal hours, and at the change
//   where it would have ended in an hour that is skipped
//
// Cost: a comparison a batch and a row's watermark, where rows have them.
#pragma once

#include <memory>
#include <string_view>

#include "weir/core/result.h"
#include "weir/pipeline/operator.h"

namespace weir {

class TimeZone;

/// Errors: kInvalidArgument (a zone that is not known).
Result<std::unique_ptr<Operator>> make_civil_time(FragmentContext& context, std::string_view zone);

/// The least instant whose watermark make_civil_time makes at least this one. Cost: some 60 steps of a search.
Watermark instant_of_civil(TimeZone& zone, Watermark civil) noexcept;

}  // namespace weir
