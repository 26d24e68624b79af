// Where a journal's frames stand: from the index at its end, or by going from frame to frame where the end is torn.
#pragma once

#include <functional>
#include <vector>

#include "journal/journal_layout.h"

namespace weir::detail {

struct JournalIndex {
  JournalSchema schema;
  std::vector<JournalIndexEntry> frames;  ///< Of rows, in order.
  bool closed = false;                    ///< The journal has its end frame.
  std::uint64_t whole_bytes = 0;          ///< Up to the end of the last whole frame.
};

/// Reads bytes of the journal at a place. Requires: place + size <= the journal's size.
using ReadAt = std::function<Result<void>(std::uint64_t place, std::span<char> into)>;

/// Errors: those of `read`, kTruncated (no whole header), kCorrupt (index that contradicts itself), kUnsupported.
/// Cost: an index frame each 256 frames; without an end frame, a read of each frame's header, and the last frames
/// whole.
Result<JournalIndex> read_journal_index(const ReadAt& read, std::uint64_t size);

/// The first frame that may hold rows of event time >= `from`; frames.size() where none does. Requires: the journal has
/// a time column. Cost: O(frames), since event times may go back.
std::size_t first_frame_from(const JournalIndex& index, EventTime from) noexcept;

}  // namespace weir::detail
