// Feed: how rows of an embedding process come into a table, and a ring of columns that carries them from the thread
// that appends to the shard that reads.
//
//   host's thread: append ─► lane: a ring of rows, column by column ═► FeedReader ─► batch of whatever is there
//                            head          tail
//   columns[c]   ············▼■■■■■■■■■■■■■▼··················   a batch is a window on [head, tail): nothing is copied
//
// A row is visible to the shard as soon as it was appended: it never waits for a batch to fill. Batches grow because
// rows piled up while the shard was busy. A full ring is an answer (kFull), never a drop: the free rows of a lane are
// its credits.
//
// Each lane is a writer's own. With WriterOrder::kOwn it is an input of its table with a watermark of its own: which
// rows are late, and so the answer, depends on nothing but what each writer appended, in whatever order threads ran.
// With kShared all writers are one input with one watermark, in the order in which the shard found their rows: rows of
// one writer keep their order, those of two have none, so an answer that depends on it (late rows, windows of rows,
// FIRST_VALUE at equal times) may differ from run to run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/core/waker.h"
#include "weir/io/row_structs.h"

namespace weir {

inline constexpr std::uint32_t kWritersMax = 1024;                      ///< Of one table.
inline constexpr std::uint32_t kFeedRowsMax = 1u << 24;                 ///< Of one lane.
inline constexpr std::size_t kFeedHeapBytesMax = std::size_t{1} << 32;  ///< Of one lane.
inline constexpr std::uint32_t kFeedPromisesMax = 64;                   ///< Heartbeats of a lane not read yet.

enum class WriterOrder : std::uint8_t {
  kOwn,     ///< Each writer is an input: deterministic.
  kShared,  ///< All writers are one input, in the order in which their rows were found.
};

/// How writers feed a table (HostTable::feed).
struct FeedOptions {
  std::uint32_t writers = 0;  ///< 0: no writers feed it. At most kWritersMax. Each has to be opened, or ended.
  WriterOrder order = WriterOrder::kOwn;
  std::uint32_t rows_max = 8192;  ///< Rows that a writer may be ahead; rounded up to a power of two >= 64.
  std::size_t heap_bytes = std::size_t{1} << 20;  ///< Bytes of its long strings; only where the table has strings.
};

/// How results wait for a reader (HostTable::results).
struct ResultOptions {
  std::uint32_t batches = 0;  ///< 0: no reader takes them. Batches of JobOptions::batch_rows: the reader's credits.
};

/// What became of an append.
enum class Appended : std::uint8_t {
  kDone,
  kFull,    ///< No room now: nothing was taken. The job is behind; try again or wait.
  kClosed,  ///< The writer or the job has ended or drains: nothing is taken any more.
  kRefused  ///< A value that the column cannot hold, or strings that never fit: nothing was taken; Writer::error()
            ///< says.
};

class FeedLane;  // connectors/feed_lane.h
class HostFeed;  // connectors/host_feed.h
class HostResults;

}  // namespace weir
