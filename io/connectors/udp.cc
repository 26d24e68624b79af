// udp: datagrams as records, unicast or of a multicast group. A datagram holds whole records of the table's format.
// What is lost on the way is counted: by the system (no room in the socket), and by the feed's own numbers where it has
// some.
//
//   socket ─► datagrams held ─► header (numbers) ─► decoder ─► batch
//                                 └► gap: lost; repeated: skipped
#include <algorithm>
#include <utility>

#include "connectors/connectors.h"
#include "connectors/decoding_reader.h"
#include "connectors/options.h"
#include "weir/core/check.h"
#include "weir/io/datagram.h"

namespace weir {
namespace {

constexpr OptionHelp kOptions[] = {
    {"listen", "", "address to receive on: host:port or :port; port 0 takes a free one. For a group, the group itself"},
    {"multicast-group", "", "group to join, such as 239.1.1.1 or ff15::1"},
    {"interface", "", "interface of the group, by name or IPv4 address; by default the system's choice"},
    {"receive-buffer-bytes", "8388608", "asked of the system for datagrams that wait (SO_RCVBUF)"},
    {"datagram-bytes-max", "2048", "a longer datagram is a malformed record"},
    {"datagrams-max", "1024", "datagrams that are held at once, a power of two"},
    {"datagram-protocol", "none",
     "how datagrams are numbered: none, u64-be (eight bytes in front of one record) or moldudp64"},
    {"end-with-session", "false", "the input ends when the feed says that its session has ended"},
};

struct UdpOptions {
  DatagramConfig config;
  std::string protocol;
  bool end_with_session = false;
};

Result<UdpOptions> read_options(const TableContext& context) {
  const OptionReader options(context.options, context.table);
  UdpOptions out;
  WEIR_ASSIGN(const std::string listen, options.required("listen", "udp"));
  auto address = SocketAddress::parse(listen);
  if (!address.has_value() || address->local()) {
    return Error(ErrorCode::kSqlInvalidOption, "option 'listen' of table " + context.table + ": " +
                                                   (address.has_value() ? "a Unix socket is not reached over UDP"
                                                                        : std::string(address.error().message())));
  }
  out.config.address = std::move(address).value();
  out.config.group = options.text("multicast-group", "");
  out.config.interface = options.text("interface", "");
  WEIR_ASSIGN(const std::uint64_t kernel, options.number("receive-buffer-bytes", 8u << 20, 4096, 1u << 30));
  WEIR_ASSIGN(const std::uint64_t bytes_max, options.number("datagram-bytes-max", 2048, 64, 65536));
  WEIR_ASSIGN(const std::uint64_t datagrams, options.number("datagrams-max", 1024, 1, 32768));
  if ((datagrams & (datagrams - 1)) != 0) {
    return Error(ErrorCode::kSqlInvalidOption, "option 'datagrams-max' of table " + context.table +
                                                   " wants a power of two, not " + std::to_string(datagrams));
  }
  out.config.kernel_bytes = static_cast<std::uint32_t>(kernel);
  out.config.datagram_bytes_max = static_cast<std::uint32_t>(bytes_max);
  out.config.datagrams_max = static_cast<std::uint32_t>(datagrams);
  out.protocol = options.text("datagram-protocol", "none");
  if (auto protocol = make_datagram_protocol(out.protocol); !protocol.has_value()) {
    return Error(ErrorCode::kSqlInvalidOption, "option 'datagram-protocol' of table " + context.table + ": " +
                                                   std::string(protocol.error().message()))
        .with_hint(std::string(protocol.error().hint()));
  }
  WEIR_ASSIGN(out.end_with_session, options.boolean("end-with-session", false));
  return out;
}

/// Datagrams that have come and are not used up, in order.
class Inbox final : public OpOwner {
 public:
  struct Datagram {
    const char* data = nullptr;
    std::uint32_t bytes = 0;
    std::uint32_t buffer = 0;
    bool truncated = false;
    std::int64_t wall_ns = 0;
  };
  Inbox(IoBackend& backend, IoHandle socket, std::uint32_t datagrams_max)
      : backend_(backend), socket_(socket), ring_(datagrams_max) {
    start();
  }
  void start() {
    if (!op_.valid() && !ended_) op_ = backend_.receive_datagrams(socket_, *this);
  }
  bool idle() const noexcept override { return !op_.valid(); }
  void complete(const IoEvent& event) noexcept override {
    if (!event.more) {
      op_ = {};
      ended_ = true;
      result_ = event.result;
      return;
    }
    if (closed_) return backend_.return_buffer(event.buffer);
    // The socket's count wraps at 2^32; the difference does not.
    dropped_ += event.dropped - last_dropped_;
    last_dropped_ = event.dropped;
    WEIR_CHECK(count_ < ring_.size());
    ring_[(head_ + count_) % ring_.size()] = {event.data, static_cast<std::uint32_t>(event.result), event.buffer,
                                              event.truncated, backend_.clock().wall_ns()};
    ++count_;
  }
  bool empty() const noexcept { return count_ == 0; }
  const Datagram& front() const noexcept { return ring_[head_]; }
  void pop() noexcept {
    backend_.return_buffer(ring_[head_].buffer);
    head_ = (head_ + 1) % ring_.size();
    --count_;
  }
  void close() noexcept {
    if (closed_) return;
    // Drops behind the last datagram came with none.
    const std::uint64_t all = backend_.datagrams_dropped(socket_);
    dropped_ += static_cast<std::uint32_t>(all) - last_dropped_;
    last_dropped_ = static_cast<std::uint32_t>(all);
    closed_ = true;
    while (count_ != 0) pop();
    backend_.close(socket_);
  }
  /// Drops that were not asked for yet.
  std::uint32_t take_dropped() noexcept { return std::exchange(dropped_, 0u); }
  /// 0, or why receiving has ended.
  std::int32_t failure() const noexcept { return ended_ && !closed_ ? result_ : 0; }

 private:
  IoBackend& backend_;
  IoHandle socket_;
  OpId op_;
  bool ended_ = false;
  bool closed_ = false;
  std::int32_t result_ = 0;
  std::uint32_t dropped_ = 0;
  std::uint32_t last_dropped_ = 0;
  std::vector<Datagram> ring_;
  std::size_t head_ = 0;
  std::size_t count_ = 0;
};

/// Thread: the owning shard.
class UdpReader final : public RowReader {
 public:
  UdpReader(UdpOptions options, ReaderCallbacks callbacks)
      : options_(std::move(options)), callbacks_(std::move(callbacks)) {
    bad_ = [this](const BadRecord& record) { return take_bad(record); };
  }
  ~UdpReader() override {
    if (inbox_ == nullptr) return;
    inbox_->close();
    backend_->retire(std::move(inbox_));
  }

  Result<void> open(const FormatContext& format, IoBackend& backend) {
    backend_ = &backend;
    WEIR_ASSIGN(decoder_, make_decoder(format));
    WEIR_ASSIGN(protocol_, make_datagram_protocol(options_.protocol));
    WEIR_ASSIGN(const Listener socket, backend.open_datagrams(options_.config));
    port_ = socket.port;
    inbox_ = std::make_unique<Inbox>(backend, socket.handle, options_.config.datagrams_max);
    return {};
  }

  ReadStatus read(Batch& batch) override {
    inbox_->start();
    report_drops();
    while (!batch.full() && !ended_) {
      if (!begun_ && !begin()) break;
      const ReadStatus status = read_body(batch);
      if (status != ReadStatus::kPending) return status;
    }
    if (error_.has_value()) return ReadStatus::kFailed;
    if (batch.full()) return ReadStatus::kRows;
    if (draining_ || ended_) {
      inbox_->close();
      report_drops();
      return ReadStatus::kEnd;
    }
    if (const std::int32_t failure = inbox_->failure(); failure != 0) {
      error_.emplace(Error::from_errno(-failure, "cannot receive on " + listening()));
      return ReadStatus::kFailed;
    }
    return ReadStatus::kPending;
  }

  void drain() override { draining_ = true; }
  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override { return bytes_; }
  std::uint64_t records() const noexcept override { return decoder_ == nullptr ? 0 : decoder_->records() + cut_; }
  std::string listening() const override { return SocketAddress{options_.config.address.host, port_}.to_string(); }
  std::vector<IoCount> counts() const override {
    // Either the header's numbers are looked at here or the format does it.
    FeedCounts feed{.gaps = sequence_.gaps(), .missing = sequence_.lost(), .repeated = sequence_.repeated()};
    if (decoder_ != nullptr) feed += decoder_->feed_counts();
    return counts_with_feed({{"datagrams", datagrams_}, {"datagrams without room in the system", kernel_drops_}}, feed);
  }

 private:
  /// Takes up the next datagram; false where none waits.
  bool begin() {
    while (!inbox_->empty()) {
      const Inbox::Datagram& datagram = inbox_->front();
      ++datagrams_;
      bytes_ += datagram.bytes;
      DatagramHeader header;
      header.body = {datagram.data, datagram.bytes};
      if (datagram.truncated) {
        if (!report(ErrorCode::kRecordTooLarge, "the datagram is longer than datagram-bytes-max")) return false;
        inbox_->pop();
        continue;
      }
      if (protocol_ != nullptr && !protocol_->parse({datagram.data, datagram.bytes}, header)) {
        if (!report(ErrorCode::kMalformedRecord, "the datagram is shorter than the header of datagram-protocol"))
          return false;
        inbox_->pop();
        continue;
      }
      const SequenceStep step = sequence_.take(header);
      if (step.lost != 0 && callbacks_.lost != nullptr) callbacks_.lost(LossReason::kSequenceGap, step.lost);
      if (header.end_of_session && options_.end_with_session) ended_ = true;
      body_ = header.body;
      if (header.sequenced && !measure(step.repeated, header.messages)) return false;
      begun_ = true;
      at_ = 0;
      return true;
    }
    return false;
  }

  /// Makes the body that of the messages which are announced and new. False where the job does not accept that fewer
  /// or more bytes came.
  bool measure(std::uint32_t repeated, std::uint32_t messages) {
    if (protocol_->body() == DatagramBody::kWhole) {
      if (repeated != 0) body_ = {};
      return true;
    }
    std::size_t begin = 0, end = 0;
    std::uint32_t found = 0;
    for (; found < messages && end < body_.size(); ++found) {
      if (found == repeated) begin = end;
      end += message_bytes(end);
    }
    if (found <= repeated) begin = std::min(end, body_.size());
    const bool cut_in_message = end > body_.size();  // the decoder tells it, unless the message came already
    const bool more = end < body_.size();
    body_ = body_.subspan(begin, std::min(end, body_.size()) - begin);
    if (more) return report(ErrorCode::kMalformedRecord, "the datagram has bytes behind its last message");
    if (cut_in_message && !body_.empty()) return true;
    if (!cut_in_message && found == messages) return true;
    return report(ErrorCode::kTruncated, "the datagram ends before the last message that its header announces");
  }
  /// With its length; more than is left where it was cut.
  std::size_t message_bytes(std::size_t at) const noexcept {
    if (body_.size() - at < 2) return 2;
    return 2u + (std::size_t{static_cast<unsigned char>(body_[at])} << 8 | static_cast<unsigned char>(body_[at + 1]));
  }

  /// kPending: the datagram is used up.
  ReadStatus read_body(Batch& batch) {
    BatchHeader& header = batch.header();
    header.ingest_time_max = std::max(header.ingest_time_max, inbox_->front().wall_ns);
    header.ingest_time_min = std::min(header.ingest_time_min, inbox_->front().wall_ns);
    if (at_ < body_.size()) {
      const DecodeResult result = decoder_->decode(body_.subspan(at_), batch, bad_);
      at_ += result.consumed;
      if (result.stopped) return stopped();
      if (at_ < body_.size()) return ReadStatus::kRows;
    }
    // The datagram's end is its last record's.
    const DecodeResult result = decoder_->finish(batch, bad_);
    if (result.stopped && !paused_) return stopped();
    if (result.consumed == 0) return ReadStatus::kRows;
    begun_ = false;
    inbox_->pop();
    return std::exchange(paused_, false) ? ReadStatus::kRows : ReadStatus::kPending;
  }

  ReadStatus stopped() {
    if (std::exchange(paused_, false)) return ReadStatus::kRows;
    WEIR_CHECK(bad_record_.has_value());
    error_.emplace(std::move(*bad_record_).with_context("receiving on " + listening()));
    return ReadStatus::kFailed;
  }

  bool take_bad(const BadRecord& record) {
    const bool go_on = callbacks_.bad_record == nullptr || callbacks_.bad_record(record);
    paused_ = !go_on && callbacks_.pause != nullptr && callbacks_.pause();
    if (!go_on && !paused_) bad_record_.emplace(bad_record_error(record));
    return go_on;
  }
  /// A datagram that no decoder sees. False where the job does not accept it.
  bool report(ErrorCode code, std::string_view reason) {
    BadRecord record;
    record.code = code;
    record.record = records();
    record.byte = bytes_ - inbox_->front().bytes;
    record.reason = reason;
    record.text = {inbox_->front().data, std::min<std::size_t>(inbox_->front().bytes, 256)};
    ++cut_;
    const bool go_on = take_bad(record) || std::exchange(paused_, false);
    if (!go_on) error_.emplace(std::move(*bad_record_).with_context("receiving on " + listening()));
    return go_on;
  }
  /// Where the feed has numbers they say what was lost, whoever lost it; else only the system's count does.
  void report_drops() {
    const std::uint32_t drops = inbox_->take_dropped();
    kernel_drops_ += drops;
    if (drops != 0 && protocol_ == nullptr && callbacks_.lost != nullptr)
      callbacks_.lost(LossReason::kKernelDrop, drops);
  }

  UdpOptions options_;
  ReaderCallbacks callbacks_;
  BadRecordHandler bad_;
  IoBackend* backend_ = nullptr;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<DatagramProtocol> protocol_;
  std::unique_ptr<Inbox> inbox_;
  SequenceTracker sequence_;
  std::uint16_t port_ = 0;
  std::span<const char> body_;  // of the datagram in front
  std::size_t at_ = 0;
  bool begun_ = false;
  bool paused_ = false;
  bool draining_ = false;
  bool ended_ = false;
  std::uint64_t bytes_ = 0;
  std::uint64_t datagrams_ = 0;
  std::uint64_t kernel_drops_ = 0;
  std::uint64_t cut_ = 0;
  std::optional<Error> bad_record_;
  std::optional<Error> error_;
};

class UdpSource final : public TableSource {
 public:
  UdpSource(UdpOptions options, FormatContext format) : options_(std::move(options)), format_(std::move(format)) {}
  std::uint32_t input_count() const noexcept override { return 1; }
  bool bounded() const noexcept override { return options_.end_with_session; }
  bool wakes() const noexcept override { return true; }  // by the backend
  Result<std::unique_ptr<RowReader>> open(std::uint32_t, IoBackend& backend,
                                          const ReaderCallbacks& callbacks) override {
    auto reader = std::make_unique<UdpReader>(options_, callbacks);
    WEIR_TRY(reader->open(format_, backend));
    return std::unique_ptr<RowReader>(std::move(reader));
  }
  std::size_t reader_bytes() const noexcept override {
    return std::size_t{options_.config.datagrams_max} * (options_.config.datagram_bytes_max + 192) +
           4 * format_.record_bytes_max;
  }
  std::string describe() const override {
    std::string text = "udp on " + options_.config.address.to_string();
    if (!options_.config.group.empty()) text += ", group " + options_.config.group;
    text += ", " + format_.format;
    if (options_.protocol != "none") text += " behind " + options_.protocol;
    return text + ", 1 input";
  }

 private:
  UdpOptions options_;
  FormatContext format_;
};

Result<std::unique_ptr<TableSource>> make_udp_table(const TableContext& context) {
  WEIR_ASSIGN(UdpOptions options, read_options(context));
  FormatContext format = format_context(context, udp_connector());
  if (auto decoder = make_decoder(format); !decoder.has_value()) return std::move(decoder).error();
  const OptionReader given(context.options, context.table);
  if (options.protocol != "none" && given.text("itch.framing", "binary-file") != "binary-file") {
    return Error(ErrorCode::kSqlInvalidOption, "table " + context.table + ": 'datagram-protocol' = '" +
                                                   options.protocol + "' and 'itch.framing' = '" +
                                                   given.text("itch.framing", "") +
                                                   "' would both read the datagram's header")
        .with_hint("leave one of them out; with 'datagram-protocol' what is missing in a gap counts as lost");
  }
  return std::unique_ptr<TableSource>(std::make_unique<UdpSource>(std::move(options), std::move(format)));
}

}  // namespace

const ConnectorEntry& udp_connector() {
  static constexpr ConnectorEntry kEntry{"udp", kOptions, true, make_udp_table, nullptr};
  return kEntry;
}

}  // namespace weir
