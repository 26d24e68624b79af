// Weir's journal: batches of columns in a file, as they stand in memory, so that reading one is pointing at it.
//
//   file header | frame | frame | … | index frame | … | index frame | end frame
//
// Everything is little-endian; the file header and every frame begin at a multiple of 64 bytes and are as long.
//
//   file header   64 bytes (JournalFileHeader), the columns (type, precision, scale, flags, length, name), zeros
//   frame         64 bytes (JournalFrameHeader, with a check sum of its own), payload with its check sum
//     rows        one JournalColumn a column, then per column: validity words, values, bytes of long strings
//     watermark   nothing: the watermark stands in event_time_min
//     index       what stands before it since the last index frame, a JournalIndexEntry a frame of rows
//     end         nothing: the file was closed; `link` is the last index frame
//
// A string value is a StringRef whose pointer is an offset into its column's bytes. Data under a NULL are zeros.
//
// Invariants
//   1. No length is believed before the check sum over it has been compared.
//   2. Frames are numbered and know how many rows came before them, so a missing one is seen.
//   3. A reader that has lost its way finds the next frame by its mark, at the next multiple of 64.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/core/type.h"

namespace weir::detail {

inline constexpr std::size_t kJournalBlock = 64;
inline constexpr char kJournalMark[8] = {'W', 'E', 'I', 'R', 'J', 'R', 'N', 'L'};
inline constexpr std::uint32_t kJournalVersion = 1;
inline constexpr std::uint32_t kFrameMark = 0x4d415246;  // "FRAM"
inline constexpr std::uint32_t kNoTimeColumn = 0xffffffff;
inline constexpr std::uint32_t kJournalColumnsMax = 4096;
inline constexpr std::uint32_t kJournalHeaderBytesMax = 1u << 20;
inline constexpr std::uint32_t kJournalFrameBytesMax = 1u << 28;
inline constexpr std::uint32_t kIndexEntriesMax = 256;  // frames of rows between two index frames

constexpr std::size_t journal_round(std::size_t bytes) noexcept {
  return (bytes + kJournalBlock - 1) / kJournalBlock * kJournalBlock;
}

struct JournalFileHeader {
  char mark[8] = {};
  std::uint32_t version = 0;
  std::uint32_t bytes = 0;  // with the columns and zeros
  std::uint32_t columns = 0;
  std::uint32_t time_column = kNoTimeColumn;
  std::uint32_t check = 0;  // of all `bytes`, this field taken as 0
  std::uint32_t column_bytes = 0;
  char zeros[32] = {};
};
static_assert(sizeof(JournalFileHeader) == kJournalBlock);

enum class FrameKind : std::uint32_t { kRows = 1, kWatermark = 2, kIndex = 3, kEnd = 4 };

struct JournalFrameHeader {
  std::uint32_t mark = kFrameMark;
  std::uint32_t kind = 0;
  std::uint32_t bytes = 0;  // with this header
  std::uint32_t rows = 0;   // index: entries
  std::uint64_t rows_before = 0;
  std::int64_t event_time_min = 0;  // over the rows' event times; max < min: not known
  std::int64_t event_time_max = 0;
  std::int64_t ingest_time = 0;  // wall clock of the newest row; 0: not known
  std::uint64_t link = 0;        // index, end: place of the index frame before; 0: none
  std::uint32_t payload_check = 0;
  std::uint32_t check = 0;  // of the bytes before this field
};
static_assert(sizeof(JournalFrameHeader) == kJournalBlock);

/// Where a column stands, from the frame's first byte; 0: no such part.
struct JournalColumn {
  std::uint32_t validity = 0;
  std::uint32_t values = 0;
  std::uint32_t text = 0;
  std::uint32_t text_bytes = 0;
};

struct JournalIndexEntry {
  std::uint64_t place = 0;  // of the frame, from the file header's first byte
  std::int64_t event_time_min = 0;
  std::int64_t event_time_max = 0;
  std::uint32_t rows = 0;
  std::uint32_t bytes = 0;
};
static_assert(sizeof(JournalIndexEntry) == 32);

struct JournalSchema {
  Schema schema;
  std::optional<std::uint32_t> time_column;
};

/// The file header's bytes. Errors: kUnsupported (nested types), kLimitExceeded (too many or too long names).
Result<std::string> write_journal_header(const JournalSchema& schema);
/// Bytes of the header that begins here, 0 where none does. Requires: 64 bytes.
std::size_t journal_header_bytes(std::span<const char> head) noexcept;
/// Errors: kCorrupt (check sum, contradiction), kUnsupported (version, type).
Result<JournalSchema> read_journal_header(std::span<const char> header);

/// Sets the check sums. Requires: `frame` holds header.bytes bytes, payload in place.
void seal_frame(JournalFrameHeader header, std::span<char> frame) noexcept;
/// The frame header here, if there is one and its check sum is right. Requires: 64 bytes.
std::optional<JournalFrameHeader> read_frame_header(std::span<const char> head) noexcept;
/// Whether the payload has the check sum that its header names. Requires: the whole frame.
bool payload_is_whole(const JournalFrameHeader& header, std::span<const char> frame) noexcept;

}  // namespace weir::detail
