// tcp: listens on an address; every connection's bytes are records of one format. The listener is one input: its
// watermark is that of the rows in the order in which they arrive. A peer that goes away, even by a reset, ends its
// connection, not the job.
#include <algorithm>
#include <utility>

#include "connectors/connectors.h"
#include "connectors/decoding_reader.h"
#include "connectors/options.h"
#include "weir/io/byte_source.h"

namespace weir {
namespace {

constexpr std::uint64_t kConnectionsMax = 256;

constexpr OptionHelp kOptions[] = {
    {"listen", "", "address to listen on: host:port, [ipv6]:port or :port; port 0 takes a free one"},
    {"connections-max", "16", "connections at once; further peers wait"},
    {"connections-until-end", "0", "the input ends when that many connections have come and gone; 0: never"},
};

struct TcpOptions {
  SocketAddress address;
  std::uint32_t connections_max = 16;
  std::uint64_t until_end = 0;
};

Result<TcpOptions> read_options(const TableContext& context) {
  const OptionReader options(context.options, context.table);
  TcpOptions out;
  WEIR_ASSIGN(const std::string listen, options.required("listen", "tcp"));
  auto address = SocketAddress::parse(listen);
  if (!address.has_value()) {
    return Error(ErrorCode::kSqlInvalidOption,
                 "option 'listen' of table " + context.table + ": " + std::string(address.error().message()));
  }
  out.address = std::move(address).value();
  WEIR_ASSIGN(const std::uint64_t connections, options.number("connections-max", 16, 1, kConnectionsMax));
  out.connections_max = static_cast<std::uint32_t>(connections);
  WEIR_ASSIGN(out.until_end, options.number("connections-until-end", 0, 0, 1u << 30));
  return out;
}

/// All connections of one listener, read in turns. Thread: the owning shard.
class TcpReader final : public RowReader {
 public:
  TcpReader(const TcpOptions& options, ReaderCallbacks callbacks)
      : options_(options), listener_({options.address, options.connections_max}), callbacks_(std::move(callbacks)) {}

  Result<void> open(const FormatContext& format, IoBackend& backend) {
    for (std::uint32_t i = 0; i < options_.connections_max; ++i) {
      WEIR_ASSIGN(std::unique_ptr<Decoder> decoder, make_decoder(format));
      streams_.push_back(std::make_unique<DecodedStream>(std::move(decoder), callbacks_));
    }
    return listener_.open(backend);
  }

  ReadStatus read(Batch& batch) override {
    accept();
    bool pending = true;
    for (std::size_t turn = 0; turn < streams_.size() && !batch.full(); ++turn) {
      DecodedStream& stream = *streams_[turn_];
      if (stream.running()) {
        const ReadStatus status = stream.read(batch);
        if (status == ReadStatus::kFailed && !connection_failed(stream)) return ReadStatus::kFailed;
        if (status == ReadStatus::kEnd) ++ended_;
        if (status == ReadStatus::kRows) {
          // The batch may be out of heap though not of rows. The others have their turn before this one goes on, so
          // that a peer that never pauses starves nobody.
          pending = false;
          turn_ = (turn_ + 1) % streams_.size();
          break;
        }
      }
      turn_ = (turn_ + 1) % streams_.size();
    }
    if (listener_.error().has_value() && !draining_) {
      error_.emplace(*listener_.error());
      return ReadStatus::kFailed;
    }
    if (batch.row_count() == 0 && at_end()) return ReadStatus::kEnd;
    return pending ? ReadStatus::kPending : ReadStatus::kRows;
  }

  void drain() override {
    draining_ = true;
    listener_.close();
    for (auto& stream : streams_) stream->drain();
  }

  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override {
    std::uint64_t sum = 0;
    for (const auto& stream : streams_) sum += stream->bytes();
    return sum;
  }
  std::uint64_t records() const noexcept override {
    std::uint64_t sum = 0;
    for (const auto& stream : streams_) sum += stream->records();
    return sum;
  }
  std::string listening() const override { return SocketAddress{options_.address.host, listener_.port()}.to_string(); }

 private:
  void accept() {
    if (draining_) return;
    for (auto& stream : streams_) {
      if (stream->running()) continue;
      if (options_.until_end != 0 && accepted_ >= options_.until_end) return;
      auto connection = listener_.accept();
      if (connection == nullptr) return;
      ++accepted_;
      stream->start(std::move(connection));
    }
  }

  /// A connection that broke ends alone; a bad record that the job does not accept ends the job.
  bool connection_failed(DecodedStream& stream) {
    const ErrorCode code = stream.error().code();
    const bool broke = code == ErrorCode::kConnectionReset || code == ErrorCode::kIo || code == ErrorCode::kBrokenPipe;
    if (!broke) {
      error_.emplace(stream.take_error());
      return false;
    }
    stream.abandon();
    ++ended_;
    return true;
  }

  bool at_end() const {
    const bool running = std::any_of(streams_.begin(), streams_.end(), [](const auto& s) { return s->running(); });
    if (running) return false;
    return draining_ || (options_.until_end != 0 && ended_ >= options_.until_end);
  }

  TcpOptions options_;
  TcpListenerSource listener_;
  ReaderCallbacks callbacks_;
  std::vector<std::unique_ptr<DecodedStream>> streams_;
  std::size_t turn_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t ended_ = 0;
  bool draining_ = false;
  std::optional<Error> error_;
};

class TcpSource final : public TableSource {
 public:
  TcpSource(TcpOptions options, FormatContext format, std::size_t record_bytes_max)
      : options_(std::move(options)), format_(std::move(format)), record_bytes_max_(record_bytes_max) {}
  std::uint32_t input_count() const noexcept override { return 1; }
  bool bounded() const noexcept override { return options_.until_end != 0; }
  std::uint32_t connections_max() const noexcept override { return options_.connections_max; }
  Result<std::unique_ptr<RowReader>> open(std::uint32_t, IoBackend& backend,
                                          const ReaderCallbacks& callbacks) override {
    auto reader = std::make_unique<TcpReader>(options_, callbacks);
    WEIR_TRY(reader->open(format_, backend));
    return std::unique_ptr<RowReader>(std::move(reader));
  }
  std::size_t reader_bytes() const noexcept override {
    const BackendConfig config;
    return options_.connections_max *
           (std::size_t{4} * record_bytes_max_ + std::size_t{config.receive_buffers_max} * config.receive_buffer_bytes);
  }
  std::string describe() const override {
    return "tcp listening on " + options_.address.to_string() + ", " + format_.format + ", up to " +
           std::to_string(options_.connections_max) + " connections, 1 input";
  }

 private:
  TcpOptions options_;
  FormatContext format_;
  std::size_t record_bytes_max_;
};

Result<std::unique_ptr<TableSource>> make_tcp_table(const TableContext& context) {
  WEIR_ASSIGN(TcpOptions options, read_options(context));
  FormatContext format = format_context(context, tcp_connector());
  if (auto decoder = make_decoder(format); !decoder.has_value()) return std::move(decoder).error();
  return std::unique_ptr<TableSource>(
      std::make_unique<TcpSource>(std::move(options), std::move(format), context.record_bytes_max));
}

}  // namespace

const ConnectorEntry& tcp_connector() {
  static constexpr ConnectorEntry kEntry{"tcp", kOptions, true, make_tcp_table, nullptr};
  return kEntry;
}

}  // namespace weir
