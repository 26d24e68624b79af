// Finding a journal's frames (journal_index.h).
#include "journal/journal_index.h"

#include <algorithm>
#include <cstring>

namespace weir::detail {
namespace {

Error corrupt(std::uint64_t place) {
  return Error(ErrorCode::kCorrupt, "the journal's index is damaged", Position::at_byte(place));
}

/// The index frame at `place`, its entries in front of those that are there.
Result<std::uint64_t> read_index_frame(const ReadAt& read, std::uint64_t place, std::uint64_t size,
                                       std::vector<JournalIndexEntry>& frames) {
  if (place % kJournalBlock != 0 || size < kJournalBlock || place > size - kJournalBlock) return corrupt(place);
  char head[kJournalBlock];
  WEIR_TRY(read(place, head));
  const auto header = read_frame_header(head);
  const bool sound = header.has_value() && header->kind == static_cast<std::uint32_t>(FrameKind::kIndex) &&
                     header->bytes <= size - place && header->rows <= kIndexEntriesMax && header->link < place &&
                     header->rows * sizeof(JournalIndexEntry) <= header->bytes - sizeof *header;
  if (!sound) return corrupt(place);
  std::vector<char> frame(header->bytes);
  WEIR_TRY(read(place, frame));
  if (!payload_is_whole(*header, frame)) return corrupt(place);
  std::vector<JournalIndexEntry> entries(header->rows);
  if (!entries.empty())
    std::memcpy(entries.data(), frame.data() + sizeof *header, entries.size() * sizeof(JournalIndexEntry));
  frames.insert(frames.begin(), entries.begin(), entries.end());
  return header->link;
}

/// From frame to frame, as far as whole ones follow one another.
Result<void> walk(const ReadAt& read, std::uint64_t place, std::uint64_t size, JournalIndex& index) {
  std::vector<char> frame;
  while (size - place >= kJournalBlock) {
    char head[kJournalBlock];
    WEIR_TRY(read(place, head));
    const auto header = read_frame_header(head);
    if (!header.has_value() || header->bytes > size - place) break;
    frame.resize(header->bytes);
    WEIR_TRY(read(place, frame));
    if (!payload_is_whole(*header, frame)) break;
    if (header->kind == static_cast<std::uint32_t>(FrameKind::kRows))
      index.frames.push_back({place, header->event_time_min, header->event_time_max, header->rows, header->bytes});
    place += header->bytes;
  }
  index.whole_bytes = place;
  return {};
}

}  // namespace

Result<JournalIndex> read_journal_index(const ReadAt& read, std::uint64_t size) {
  JournalIndex index;
  char block[kJournalBlock];
  if (size < kJournalBlock) return Error(ErrorCode::kTruncated, "the journal ends inside its header");
  WEIR_TRY(read(0, block));
  const std::size_t header_bytes = journal_header_bytes(block);
  if (header_bytes == 0) return Error(ErrorCode::kCorrupt, "no journal begins here", Position::at_byte(0));
  if (header_bytes > size) return Error(ErrorCode::kTruncated, "the journal ends inside its header");
  std::vector<char> header(header_bytes);
  WEIR_TRY(read(0, header));
  WEIR_ASSIGN(index.schema, read_journal_header(header));
  if (size % kJournalBlock == 0 && size >= header_bytes + kJournalBlock) {
    WEIR_TRY(read(size - kJournalBlock, block));
    const auto end = read_frame_header(block);
    if (end.has_value() && end->kind == static_cast<std::uint32_t>(FrameKind::kEnd)) {
      std::uint64_t link = end->link;
      while (link != 0) {
        WEIR_ASSIGN(link, read_index_frame(read, link, size, index.frames));
      }
      index.closed = true;
      index.whole_bytes = size;
      return index;
    }
  }
  WEIR_TRY(walk(read, header_bytes, size, index));
  return index;
}

std::size_t first_frame_from(const JournalIndex& index, EventTime from) noexcept {
  const auto found = std::find_if(index.frames.begin(), index.frames.end(),
                                  [&](const JournalIndexEntry& frame) { return frame.event_time_max >= from; });
  return static_cast<std::size_t>(found - index.frames.begin());
}

}  // namespace weir::detail
