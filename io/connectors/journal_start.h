// Where reading a journal begins when only what happened from some time on is wanted ('scan.from').
#pragma once

#include <cstdint>
#include <string>

#include "weir/core/result.h"
#include "weir/io/backend.h"

namespace weir {

/// The frames at a journal's front that hold nothing but earlier rows, behind its header: bytes [skip_from, skip_to).
struct JournalStart {
  std::uint64_t skip_from = 0;
  std::uint64_t skip_to = 0;
  std::uint64_t rows_skipped = 0;
  std::size_t frames_skipped = 0;
  std::size_t frames = 0;
};

/// `from`: a timestamp as text; without a zone it is as the journal's time column has it (TIMESTAMP_LTZ: wall clock
/// `offset_seconds` east of UTC). Waits for the backend: for setup only. Cost: the journal's index, or the headers of
/// its frames where it was not closed.
/// Errors: as IoBackend::open and read_journal_index; kSqlInvalidOption (no time column, no timestamp).
Result<JournalStart> find_journal_start(IoBackend& backend, const std::string& path, const std::string& from,
                                        std::int64_t offset_seconds);

}  // namespace weir
