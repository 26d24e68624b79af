// socket and tcp: stream sockets as tables. A source listens, and every connection's bytes are records of one format,
// or it connects to one peer; a sink listens for subscribers, or connects. 'tcp' takes host and port; 'socket' Unix
// paths too. All connections of a source are one input: its watermark is that of the rows in the order in which they
// arrive. A peer that goes away, even by a reset, ends its connection, not the job.
#include <algorithm>
#include <utility>

#include "connectors/connectors.h"
#include "connectors/socket_options.h"
#include "connectors/socket_reader.h"
#include "connectors/subscriber_writer.h"

namespace weir {
namespace {

constexpr std::size_t kSlotBytes =
    8192;  // of a connection that rests: the slot, its op, what the system keeps of it is the system's
constexpr std::size_t kLinesOfDecoder = 4;  // a decoder's carry, scratch and index, in record_bytes_max
constexpr std::size_t kDecodersBusyMax = 64;

class SocketSource final : public TableSource {
 public:
  SocketSource(std::string connector, SocketOptions options, FormatContext format)
      : connector_(std::move(connector)), options_(std::move(options)), format_(std::move(format)) {}
  std::uint32_t input_count() const noexcept override { return 1; }
  bool bounded() const noexcept override {
    return options_.listens ? options_.until_end != 0 : !options_.reconnect_at_end;
  }
  std::uint32_t connections_max() const noexcept override { return options_.listens ? options_.connections_max : 1; }
  /// What peers do are events of the backend, and so is what its clock brings.
  bool wakes() const noexcept override { return true; }
  Result<std::unique_ptr<RowReader>> open(std::uint32_t, IoBackend& backend,
                                          const ReaderCallbacks& callbacks) override {
    auto reader = std::make_unique<SocketReader>(options_, format_, callbacks);
    WEIR_TRY(reader->open(backend));
    return std::unique_ptr<RowReader>(std::move(reader));
  }
  std::size_t reader_bytes() const noexcept override {
    const BackendConfig config;
    const std::size_t connections = connections_max();
    const std::size_t groups = std::min<std::size_t>(connections, kReceiveGroupsMax);
    return groups * config.receive_buffers_max * config.receive_buffer_bytes + connections * kSlotBytes +
           std::min(connections, kDecodersBusyMax) * kLinesOfDecoder * format_.record_bytes_max +
           (connections > kDecodersBusyMax ? options_.partial_bytes_max : 0);
  }
  std::string describe() const override {
    std::string text = connector_ + (options_.listens ? " listening on " : " connecting to ") +
                       options_.address.to_string() + ", " + format_.format;
    if (options_.framing != Framing::kFormat)
      text += " in frames " + std::string(kFramingNames[static_cast<std::size_t>(options_.framing)]);
    if (options_.listens) text += ", up to " + std::to_string(options_.connections_max) + " connections";
    return text + ", 1 input";
  }

 private:
  std::string connector_;
  SocketOptions options_;
  FormatContext format_;
};

class SocketSink final : public TableSink {
 public:
  SocketSink(std::string connector, SocketOptions options, FormatContext format, std::vector<std::uint32_t> keys)
      : connector_(std::move(connector)),
        options_(std::move(options)),
        format_(std::move(format)),
        keys_(std::move(keys)) {}
  bool parallel() const noexcept override { return false; }
  std::uint32_t connections_max() const noexcept override { return options_.listens ? options_.subscribers_max : 1; }
  Result<std::unique_ptr<RowWriter>> open(std::uint32_t, IoBackend& backend) override {
    WEIR_ASSIGN(std::unique_ptr<Encoder> encoder, make_encoder(format_));
    auto writer = std::make_unique<SubscriberWriter>(options_, std::move(encoder), format_.format, keys_);
    WEIR_TRY(writer->open(backend));
    return std::unique_ptr<RowWriter>(std::move(writer));
  }
  /// The ring, a set of receive buffers, and for each subscriber a piece on its way and a slot.
  std::size_t writer_bytes() const noexcept override {
    const BackendConfig config;
    return options_.ring_bytes + config.receive_buffers_max * config.receive_buffer_bytes +
           connections_max() * (subscriber_chunk_bytes(options_.ring_bytes) + kSubscriberPieceBytes + kSlotBytes);
  }
  std::string describe() const override {
    constexpr std::string_view kSlow[] = {"block the job", "miss the oldest rows", "get the newest row of each key",
                                          "are disconnected"};
    std::string text = connector_ + (options_.listens ? " listening on " : " connecting to ") +
                       options_.address.to_string() + ", " + format_.format;
    if (options_.listens) {
      text += ", up to " + std::to_string(options_.subscribers_max) + " subscribers; slow ones " +
              std::string(kSlow[static_cast<std::size_t>(options_.slow)]);
    }
    return text;
  }
  std::string guarantee() const override {
    return options_.listens ? "at most once: a subscriber gets rows from the moment at which it comes"
                            : "a connection that breaks loses what the system had taken, and repeats what it had not";
  }

 private:
  std::string connector_;
  SocketOptions options_;
  FormatContext format_;
  std::vector<std::uint32_t> keys_;
};

/// Columns of the key, by name. Errors: kSqlInvalidOption.
Result<std::vector<std::uint32_t>> key_columns(const TableContext& context, const std::string& names) {
  std::vector<std::uint32_t> keys;
  for (std::size_t begin = 0; begin < names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    std::string name = names.substr(begin, end - begin);
    begin = end + 1;
    while (name.starts_with(' ')) name.erase(0, 1);
    while (name.ends_with(' ')) name.pop_back();
    const auto& fields = context.schema.fields;
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
    if (found == fields.end()) {
      return Error(ErrorCode::kSqlInvalidOption,
                   "option 'conflate-key' of table " + context.table + ": there is no column '" + name + "'");
    }
    keys.push_back(static_cast<std::uint32_t>(found - fields.begin()));
  }
  return keys;
}

Result<std::unique_ptr<TableSource>> make_socket_source(const TableContext& context, const ConnectorEntry& entry) {
  WEIR_ASSIGN(SocketOptions options, read_socket_options(context, entry.name, true));
  FormatContext format = format_context(context, entry);
  if (auto decoder = make_decoder(format); !decoder.has_value()) return std::move(decoder).error();
  return std::unique_ptr<TableSource>(
      std::make_unique<SocketSource>(std::string(entry.name), std::move(options), std::move(format)));
}

Result<std::unique_ptr<TableSink>> make_socket_sink(const TableContext& context, const ConnectorEntry& entry) {
  WEIR_ASSIGN(SocketOptions options, read_socket_options(context, entry.name, false));
  WEIR_ASSIGN(std::vector<std::uint32_t> keys, key_columns(context, options.conflate_key));
  FormatContext format = format_context(context, entry);
  if (auto encoder = make_encoder(format); !encoder.has_value()) return std::move(encoder).error();
  return std::unique_ptr<TableSink>(
      std::make_unique<SocketSink>(std::string(entry.name), std::move(options), std::move(format), std::move(keys)));
}

}  // namespace

const ConnectorEntry& tcp_connector() {
  static const ConnectorEntry kEntry{
      "tcp", socket_option_help(), true,
      [](const TableContext& context) { return make_socket_source(context, tcp_connector()); },
      [](const TableContext& context) { return make_socket_sink(context, tcp_connector()); }};
  return kEntry;
}

const ConnectorEntry& socket_connector() {
  static const ConnectorEntry kEntry{
      "socket", socket_option_help(), true,
      [](const TableContext& context) { return make_socket_source(context, socket_connector()); },
      [](const TableContext& context) { return make_socket_sink(context, socket_connector()); }};
  return kEntry;
}

}  // namespace weir
