// Watermarks along a batch: was every row on time, and if not, what was the watermark before each row.
//
// The watermark W after row i is the greatest of the start and of candidate[0 … i]; row i is late when its time is not
// greater than the watermark before it. A bounded-delay watermark has candidate = time - delay.
#pragma once

#include <cstdint>

#include "weir/simd/rows.h"

namespace weir::simd {

/// Whether times[0 … count-1] never fall. Then each row is on time for a delay above 0 if the first one is.
bool never_falls(const std::int64_t* times, std::uint32_t count);

/// What a scan found.
struct WatermarkScan {
  bool all_on_time = true;
  std::int64_t watermark = 0;  ///< After the last row.
};

/// Candidates are times - delay (saturating at the least int64). All selected rows count; NULL times neither raise the
/// watermark nor are they late. Stops at nothing: the watermark is that of the end also when a row is late.
/// Cost: about one pass at memory speed while rows are in order to within the delay.
WatermarkScan scan_watermark(const std::int64_t* times, std::int64_t delay, const Rows& rows, std::int64_t start);
/// The same with candidates of their own, where candidate_validity (null = all valid) marks those that count.
WatermarkScan scan_watermark(const std::int64_t* times, const std::int64_t* candidates,
                             const std::uint64_t* candidate_validity, const Rows& rows, std::int64_t start);

/// before[r] = the watermark before row r, for the selected rows; returns the watermark after the last.
std::int64_t row_watermarks(const std::int64_t* times, std::int64_t delay, const Rows& rows, std::int64_t start,
                            std::int64_t* before);
std::int64_t row_watermarks(const std::int64_t* candidates, const std::uint64_t* candidate_validity, const Rows& rows,
                            std::int64_t start, std::int64_t* before);

}  // namespace weir::simd
