// ByteSink: bytes out, through a fixed number of buffers. The caller writes into the buffer itself (reserve, commit),
// so an encoder copies nothing; full buffers are written by the backend while the next one fills.
//
//   if (sink.writable()) { auto out = sink.reserve(n); …; sink.commit(used); }     every turn: sink.flush() when idle
//
// All buffers in flight: writable() is false, and the operators before it stop. Nothing is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/core/result.h"
#include "weir/io/backend.h"

namespace weir {

/// Thread: the shard of the backend. Allocates: at open only. Requires: the backend outlives the sink.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  ByteSink() = default;
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;

  /// Errors: as IoBackend::open. A file that waits for room to be made counts as open: disk_full().
  virtual Result<void> open(IoBackend& backend) = 0;
  /// There is room now, for some bytes at least. False while every buffer is in flight, and after an error or close.
  virtual bool writable() const noexcept = 0;
  /// Room for at least n bytes at the end of the stream, or an empty span where there is none now (try after a poll).
  /// n > buffer_bytes never fits. reserve(0) gives what the current buffer has left, at least one byte if writable().
  /// The span is valid until the backend's next poll.
  virtual std::span<char> reserve(std::size_t n) = 0;
  /// Appends the first n bytes of the last reserve().
  virtual void commit(std::size_t n) = 0;
  /// Copies bytes in; returns how many fitted.
  std::size_t append(std::span<const char> bytes);
  /// Starts writing what is buffered. Cheap where nothing is.
  virtual void flush() = 0;
  /// Everything committed so far has been written (and, after close, the file is closed).
  virtual bool drained() const noexcept = 0;
  /// Starts the end: flushes, syncs where asked for, closes. Finished when closed() or failed().
  virtual void close() = 0;
  /// Everything is written and the file is closed; never after an error.
  virtual bool closed() const noexcept = 0;
  /// The longest record that fits: reserve(buffer_bytes()) gives room as soon as one buffer has been written.
  virtual std::size_t buffer_bytes() const noexcept = 0;

  bool failed() const noexcept { return error_.has_value(); }
  /// Requires: failed(). kDiskFull and others name the path and the bytes written before.
  const Error& error() const noexcept { return *error_; }
  virtual std::string_view name() const noexcept = 0;
  /// It waits for room on a full disk now; and how often it had to begin to.
  virtual bool disk_full() const noexcept { return false; }
  virtual std::uint64_t times_full() const noexcept { return 0; }
  /// Bytes that the system has taken, and bytes committed.
  std::uint64_t bytes_written() const noexcept { return bytes_written_; }
  std::uint64_t bytes_committed() const noexcept { return bytes_committed_; }

 protected:
  std::optional<Error> error_;
  std::uint64_t bytes_written_ = 0;
  std::uint64_t bytes_committed_ = 0;
};

struct FileSinkConfig {
  std::string path;  ///< A file, or "-" for the standard output.
  OpenMode mode = OpenMode::kCreate;
  std::uint32_t buffers_max = 2;  ///< 2 … 16.
  std::uint32_t buffer_bytes = 262144;
  bool sync_at_close = false;
  /// How long a regular file waits for room on a full disk, to be made or written to, trying again and again, before
  /// that is an error. What a sync finds is one at once.
  std::int64_t full_disk_timeout_ns = 0;
};
std::unique_ptr<ByteSink> make_file_sink(FileSinkConfig config);

/// Counts bytes and keeps none.
std::unique_ptr<ByteSink> make_blackhole_sink(std::uint32_t buffer_bytes = 262144);

/// A TCP connection; takes the handle over. Errors: kConnectionReset, kBrokenPipe, kIo.
std::unique_ptr<ByteSink> make_tcp_sink(IoHandle connection, std::string name, std::uint32_t buffers_max = 2,
                                        std::uint32_t buffer_bytes = 65536);

}  // namespace weir
