// SocketReader: the rows of many connections as one input. Idle connections cost a slot and nothing else: receive
// buffers go round (backend.h), decoders are lent while a record is unfinished, and only connections that have
// something are looked at.
//
//   listener ─► slot ─► ready queue ─► frames ─► decoder (lent) ─► batch
//                 └► clock: unfinished for too long and too slow, or silent while others wait: closed
//
// Invariants
//   1. What a peer does ends its own connection at most: lengths, pace, damage, wrong columns, resets. Only a malformed
//      record that stands in a sound stream is judged by the job (at-malformed).
//   2. A connection that has much waits for the others after each read.
//   3. Every record that was begun is a row, a bad record, or counted as cut.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connection_receiver.h"
#include "connectors/alarm.h"
#include "connectors/framing.h"
#include "connectors/outgoing.h"
#include "connectors/socket_options.h"
#include "weir/io/byte_source.h"
#include "weir/io/connector.h"

namespace weir {

/// Why connections were closed before their peer did.
struct RefusedConnections {
  std::uint64_t too_slow = 0;
  std::uint64_t idle = 0;
  std::uint64_t too_long = 0;  // a frame or batch longer than record_bytes_max
  std::uint64_t schema = 0;
  std::uint64_t damaged = 0;
  std::uint64_t malformed = 0;
  std::uint64_t too_many_of_peer = 0;
  std::uint64_t too_much_unfinished = 0;
  std::uint64_t reset = 0;  // by the peer
};

/// Thread: the owning shard. Allocates: at open, and when a connection comes.
class SocketReader final : public RowReader {
 public:
  SocketReader(const SocketOptions& options, FormatContext format, ReaderCallbacks callbacks);
  ~SocketReader() override;
  /// Errors: as IoBackend::listen, make_decoder.
  Result<void> open(IoBackend& backend);

  ReadStatus read(Batch& batch) override;
  void drain() override;
  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override { return bytes_; }
  std::uint64_t records() const noexcept override;
  std::string listening() const override;
  std::vector<IoCount> counts() const override;
  const char* stalled() const noexcept override;

 private:
  struct Slot {
    std::unique_ptr<detail::ConnectionReceiver> receiver;  // null: free
    std::shared_ptr<std::uint32_t> open;                   // counts the listener's connections
    std::unique_ptr<Decoder> decoder;                      // while it knows something
    FrameReader frames;
    std::string name;
    std::string peer;
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;        // of decoders given back
    std::uint64_t decoder_begin = 0;  // byte of the stream at which the decoder was lent
    std::uint64_t pending = 0;        // bytes of the unfinished record
    std::uint64_t seen_records = 0;
    std::uint64_t record_begin = 0;  // byte at which the unfinished record began, about
    std::int64_t record_begin_ns = 0;
    std::int64_t last_ns = 0;
    std::uint64_t drain_begin = 0;
  };

  void accept();
  void admit(AcceptedConnection connection);
  void take(std::uint32_t slot, IoHandle handle, std::string name, std::shared_ptr<std::uint32_t> open);
  ReadStatus read_slot(std::uint32_t slot, Batch& batch);
  /// What came of decoding: nothing, or why the connection or the job ends.
  bool judge(Slot& slot, const DecodeResult& result, ReadStatus* status);
  void note_progress(Slot& slot, std::size_t consumed);
  ReadStatus end_slot(std::uint32_t slot, Batch& batch);
  void cut(Slot& slot, ErrorCode code, std::string_view reason);
  void refuse(std::uint32_t slot, std::uint64_t& counter, ErrorCode code, std::string_view reason);
  void close_slot(std::uint32_t slot);
  void lend_decoder(Slot& slot);
  void take_decoder_back(Slot& slot);
  void check_clock(std::int64_t now);
  void check_slot(std::uint32_t slot, std::int64_t now);
  void check_unfinished();
  bool run_outgoing();
  bool at_end() const noexcept;
  bool take_bad(const BadRecord& record);

  SocketOptions options_;
  FormatContext format_;
  ReaderCallbacks callbacks_;
  IoBackend* backend_ = nullptr;
  std::optional<TcpListenerSource> listener_;
  std::unique_ptr<Outgoing> outgoing_;
  std::unique_ptr<Alarm> alarm_;
  std::uint32_t receive_class_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<std::unique_ptr<Decoder>> decoders_;  // to be lent
  detail::ReadyQueue ready_;
  BadRecordHandler bad_;
  std::uint32_t current_ = 0;  // slot whose bytes are decoded
  bool paused_ = false;
  std::optional<Error> bad_record_;  // that the job does not accept
  std::optional<Error> refusal_;     // of the stream, by its decoder
  ErrorCode refusal_code_{};
  std::optional<Error> error_;
  RefusedConnections refused_;
  std::uint64_t bytes_ = 0;
  std::uint64_t records_ = 0;  // of connections that have ended
  FeedCounts feed_;            // the same
  std::uint64_t accepted_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t pending_ = 0;  // bytes of unfinished records
  std::size_t clock_hand_ = 0;
  std::int64_t next_check_ns_ = 0;
  bool draining_ = false;
};

}  // namespace weir
