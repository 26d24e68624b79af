// PacedReader: gives another reader's rows when their event time has come, by the backend's clock: a recording is
// played as fast as it happened, or so many times faster.
//
//   reader ──► staged batch ──► rows whose time has come ──► batch
//
// The first row comes at once. A row whose time is before one that was given comes at once; NULL too.
#pragma once

#include <memory>

#include "weir/io/connector.h"

namespace weir {

struct PaceConfig {
  double pace = 1;                ///< Event time a second of the clock, in seconds; > 0.
  std::uint32_t time_column = 0;  ///< Of the staged batch: TIMESTAMP, TIMESTAMP_LTZ, or BIGINT nanoseconds.
  std::uint32_t columns = 0;      ///< Of the batch that is given; further staged ones are the pacer's own.
  std::vector<Physical> staged;   ///< Columns of the staged batch.
  std::size_t heap_bytes = 1u << 20;
  std::uint32_t rows = 1024;  ///< Staged at once.
};
std::size_t paced_reader_bytes(const PaceConfig& config) noexcept;
/// Errors: kOutOfMemory. Thread: the owning shard.
Result<std::unique_ptr<RowReader>> make_paced_reader(PaceConfig config, std::unique_ptr<RowReader> reader,
                                                     IoBackend& backend);

}  // namespace weir
