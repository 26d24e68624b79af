// SubscriberWriter: a sink that many peers read, or one that we connect to. Rows are encoded once into a ring; each
// subscriber has a place in it and a piece of its own on the way to the system. What happens to one that is a whole
// ring behind is the table's choice (slow-subscribers), and every copy of a row is counted.
//
// Invariants
//   1. A subscriber gets whole records, in order, from the moment at which it came (one that we connect to: all).
//   2. offered = delivered + held + conflated + dropped + abandoned, at any moment.
//   3. Only `block` makes the job wait, and only for subscribers that are there.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/alarm.h"
#include "connectors/framing.h"
#include "connectors/newest_rows.h"
#include "connectors/outgoing.h"
#include "connectors/outgoing_ring.h"
#include "connectors/socket_options.h"
#include "weir/io/byte_source.h"
#include "weir/io/connector.h"

namespace weir {

/// Bytes on their way to one subscriber, at most, without a chunk more.
inline constexpr std::size_t kSubscriberPieceBytes = 49152;
/// Bytes of a chunk, and so of the longest record.
constexpr std::size_t subscriber_chunk_bytes(std::size_t ring_bytes) noexcept {
  const std::size_t part = ring_bytes / 16;
  return part < 4096 ? 4096 : part > (1u << 20) ? 1u << 20 : part;
}

/// Thread: the owning shard. Allocates: at open, and when a subscriber comes.
class SubscriberWriter final : public RowWriter {
 public:
  SubscriberWriter(const SocketOptions& options, std::unique_ptr<Encoder> encoder, std::string_view format,
                   std::vector<std::uint32_t> key_columns);
  ~SubscriberWriter() override;
  /// Errors: as IoBackend::listen.
  Result<void> open(IoBackend& backend);

  bool accepts() const noexcept override;
  bool write(const Batch& batch, std::uint32_t* next) override;
  void flush() override;
  void close() override;
  bool finished() const noexcept override { return finished_; }
  bool failed() const noexcept override { return error_.has_value(); }
  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override { return bytes_; }
  std::string listening() const override;
  Deliveries deliveries() const noexcept override;
  std::vector<IoCount> counts() const override;
  const char* stalled() const noexcept override;

 private:
  class Subscriber;

  void meet() const;
  void meet_now();
  void add(IoHandle handle, std::shared_ptr<std::uint32_t> open);
  bool encode(const Batch& batch, std::uint32_t* next);
  bool encode_by_key(const Batch& batch, std::uint32_t* next);
  /// Opens the next chunk; false where a subscriber that must not be passed stands in the way.
  bool open_next();
  bool blocked() const noexcept;
  void pump();
  void remove_gone();
  void settle(Subscriber& subscriber);
  void check_close();

  SocketOptions options_;
  std::unique_ptr<Encoder> encoder_;
  FrameWriter frames_;
  OutgoingRing ring_;
  std::optional<NewestRows> newest_;
  IoBackend* backend_ = nullptr;
  std::optional<TcpListenerSource> listener_;
  std::unique_ptr<Outgoing> outgoing_;
  std::unique_ptr<Alarm> alarm_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  Deliveries over_;  // of subscribers that have gone
  std::uint64_t came_ = 0;
  std::uint64_t disconnected_ = 0;
  std::uint64_t talkative_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint32_t receive_class_ = 0;
  std::int64_t close_by_ns_ = 0;
  bool closing_ = false;
  bool finished_ = false;
  std::optional<Error> error_;
};

}  // namespace weir
