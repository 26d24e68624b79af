// ByteSource: one input as an ordered stream of bytes, whatever is behind it: a file (read ahead), the standard input,
// a TCP connection, any of them compressed.
//
//   while ((state = source.poll(bytes)) == ReadState::kData) { n = use(bytes); source.consume(n); }
//
// Bytes that are polled and not consumed are given again, so a consumer that is full simply consumes less; the source
// stops reading when its buffers are full, and so does the peer. Bytes are never joined across buffers: a record may be
// cut anywhere (the decoder keeps the piece).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/result.h"
#include "weir/io/backend.h"

namespace weir {

enum class ReadState : std::uint8_t {
  kData,     ///< `bytes` is not empty.
  kPending,  ///< Nothing now; more may come. Poll again after the backend delivered events.
  kEnd,      ///< Everything was consumed.
  kError,    ///< error() says why; bytes before the error have all been given.
};

/// Thread: the shard of the backend. Allocates: at open only. Requires: the backend outlives the source.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Errors: as IoBackend::open.
  virtual Result<void> open(IoBackend& backend) = 0;
  /// Gives the bytes behind those consumed. They stay valid until consume() or close(); kReadPadding (64) bytes behind
  /// them are readable.
  virtual ReadState poll(std::span<const char>& bytes) = 0;
  /// Requires: n <= the size of the last poll's span.
  virtual void consume(std::size_t n) = 0;
  /// Ends reading: cancels what is in flight. poll() gives kEnd from then on. The destructor does the same.
  virtual void close() noexcept = 0;

  /// Requires: poll gave kError.
  const Error& error() const noexcept { return *error_; }
  /// Path or peer, for messages.
  virtual std::string_view name() const noexcept = 0;
  /// Bytes taken from the system (compressed ones where the input is) and bytes given to consume().
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  std::uint64_t bytes_consumed() const noexcept { return bytes_consumed_; }
  /// Wall time (nanoseconds) at which the bytes of the last poll arrived from the system.
  std::int64_t ingest_wall_ns() const noexcept { return ingest_wall_ns_; }

 protected:
  std::optional<Error> error_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_consumed_ = 0;
  std::int64_t ingest_wall_ns_ = 0;
};

enum class Compression : std::uint8_t { kNone, kGzip, kZstd };
/// By suffix: .gz, .zst, .zstd.
Compression compression_of(std::string_view path) noexcept;

struct FileSourceConfig {
  std::string path;                    ///< A file, or "-" for the standard input.
  std::uint32_t read_buffers_max = 3;  ///< Read-ahead: reads in flight or filled, 1 … 16.
  std::uint32_t read_buffer_bytes = 262144;
  std::optional<Compression> compression = std::nullopt;  ///< Absent: by the path's suffix.
  std::uint32_t zstd_window_log_max = 27;     ///< 128 MiB; frames that need more are refused (kLimitExceeded).
  std::uint32_t output_chunk_bytes = 262144;  ///< Of decompressed bytes.
  std::uint64_t skip_from = 0;  ///< Bytes [skip_from, skip_to) of a regular file are not read; none where equal.
  std::uint64_t skip_to = 0;
};
/// A file or the standard input, decompressed where its name says so. Errors while reading: kIo, kNotFound (vanished),
/// kTruncated (compressed input ends in a frame; file shorter than when opened), kCorrupt (with the byte).
std::unique_ptr<ByteSource> make_file_source(FileSourceConfig config);

/// Decompresses another source's bytes. Position of errors: byte in the compressed input.
std::unique_ptr<ByteSource> make_decompressing_source(std::unique_ptr<ByteSource> input, Compression compression,
                                                      std::uint32_t output_chunk_bytes = 262144,
                                                      std::uint32_t zstd_window_log_max = 27);

/// An accepted or connected TCP connection; takes the handle over. Errors while reading: kConnectionReset, kIo.
std::unique_ptr<ByteSource> make_tcp_source(IoHandle connection, std::string name);

/// A connection that was accepted; who takes it closes its handle and counts `open` down.
struct AcceptedConnection {
  IoHandle handle;
  std::string name;
  std::shared_ptr<std::uint32_t> open;
};

struct TcpListenerConfig {
  SocketAddress address;
  std::uint32_t connections_max = 64;  ///< Open at once; at the limit further peers wait in the system's backlog.
  std::uint32_t waiting_max = 0;       ///< Accepted beyond them, so that it is known whether somebody waits.
};
/// Listens and gives each connection as a ByteSource (already open). Thread and lifetime: as ByteSource.
class TcpListenerSource {
 public:
  explicit TcpListenerSource(TcpListenerConfig config);
  ~TcpListenerSource();
  TcpListenerSource(const TcpListenerSource&) = delete;
  TcpListenerSource& operator=(const TcpListenerSource&) = delete;

  /// Errors: as IoBackend::listen.
  Result<void> open(IoBackend& backend);
  /// The next connection, or null where none waits. Errors end up in error(). The listener may be destroyed before it.
  std::unique_ptr<ByteSource> accept();
  /// The same without a source. The handle is not valid where none waits.
  AcceptedConnection accept_connection();
  /// connections_max are open and somebody waits.
  bool crowded() const noexcept;
  /// Stops listening; connections go on.
  void close() noexcept;
  std::uint16_t port() const noexcept;
  std::uint32_t connections_open() const noexcept;
  std::uint64_t connections_accepted() const noexcept;
  /// Set where accepting failed for good.
  const std::optional<Error>& error() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  IoBackend* backend_ = nullptr;
};

/// The files behind a filesystem path: itself, or those of a folder, sorted by name; names that begin with '.' or '_'
/// are skipped, as Flink does; folders in it are walked in the same order. Errors: kNotFound, kPermission, kIo.
Result<std::vector<std::string>> list_input_files(IoBackend& backend, const std::string& path);

}  // namespace weir
