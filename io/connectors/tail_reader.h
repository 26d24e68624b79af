// TailReader: a file that grows, or a folder whose files grow and to which files come, as one input that does not end.
//
//   every interval: look at the folder ──► new identity: a stream from its first byte
//                                     ──► known identity: the file may have grown: read on
//                                     ──► identity gone (renamed away, deleted): once more, then its end
//                                     ──► shorter than what was read: said as a bad record, read from its first byte
//
// A file is known by its identity (device and inode), not by its name, so a log that is rotated is read on under its
// new name and nothing is read twice. The last line waits for its end until its file has ended.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/decoding_reader.h"
#include "weir/io/connector.h"

namespace weir {

struct TailConfig {
  std::string path;
  std::int64_t interval_ns = 1'000'000'000;
  std::uint32_t files_max = 64;  ///< Open at once; more is kLimitExceeded.
  std::uint32_t buffer_bytes = 262144;
};

/// Errors of the reader: those of the files, kLimitExceeded, kUnsupported (a compressed file).
/// Thread: the owning shard. Allocates: when it looks at the folder.
Result<std::unique_ptr<RowReader>> make_tail_reader(TailConfig config, FormatContext format, IoBackend& backend,
                                                    const ReaderCallbacks& callbacks);

}  // namespace weir
