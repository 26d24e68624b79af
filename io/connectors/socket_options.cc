// See socket_options.h.
#include "connectors/socket_options.h"

#include "connectors/options.h"

namespace weir {
namespace {

constexpr std::uint64_t kConnectionsMax = 16000;
constexpr std::int64_t kSecond = 1'000'000'000;

constexpr OptionHelp kOptions[] = {
    {"listen", "", "address to listen on: host:port, [ipv6]:port, :port (0 takes a free one) or unix:/path"},
    {"connect", "", "address to connect to, in place of 'listen'"},
    {"framing", "format",
     "how records are told apart: format (line ends, fixed sizes, batches), or u32-be, u32-le: a length of four bytes "
     "before each record, at most record_bytes_max"},
    {"connections-max", "16", "listening source: connections at once; further peers wait"},
    {"connections-per-peer-max", "",
     "listening source: connections of one address at once; by default connections-max"},
    {"connections-until-end", "0",
     "listening source: the input ends when that many connections came and went; 0: never"},
    {"record-timeout", "5 s",
     "listening source: a connection that leaves a record unfinished for so long, and is slower than "
     "bytes-per-second-min, is closed; 0: never"},
    {"bytes-per-second-min", "128", "listening source: slowest pace of an unfinished record"},
    {"idle-timeout", "60 s",
     "listening source: a connection silent for so long gives its place to one that waits; 0: never"},
    {"partial-bytes-max", "67108864",
     "listening source: bytes of unfinished records of all connections; beyond it the oldest one's connection is "
     "closed"},
    {"at-malformed", "job",
     "listening source: job: a malformed record is judged by the job's settings; disconnect: it ends its connection"},
    {"reconnects-max", "10", "connecting: tries in a row before the job fails"},
    {"reconnect-delay", "100 ms", "connecting: before the second try; doubles from try to try"},
    {"reconnect-delay-max", "30 s", "connecting: longest wait between tries"},
    {"reconnect-at-end", "false", "connecting source: whether the peer's end is a pause; else it ends the input"},
    {"slow-subscribers", "block",
     "listening sink: block (the job waits for the slowest), drop-oldest, conflate (the newest row of each "
     "conflate-key "
     "is kept) or disconnect"},
    {"conflate-key", "", "listening sink: columns, separated by commas, of which conflate keeps the newest row"},
    {"conflate-keys-max", "65536", "listening sink: different keys; one more is an error"},
    {"ring-bytes", "1048576", "sink: bytes that a subscriber can be behind before it is slow"},
    {"subscribers-max", "64", "listening sink: subscribers at once; further ones are sent away"},
    {"wait-for-subscribers", "0", "listening sink: the job waits until so many have come; later ones get from then on"},
    {"close-timeout", "10 s",
     "sink: at the job's end, how long slow peers may take for the rest; 0: as long as they want"},
};

Result<void> read_address(const TableContext& context, std::string_view connector, SocketOptions& out) {
  const OptionReader options(context.options, context.table);
  if (options.has("listen") == options.has("connect")) {
    return Error(ErrorCode::kSqlInvalidOption, "table " + context.table + " with connector '" + std::string(connector) +
                                                   "' needs either the option 'listen' or the option 'connect'")
        .with_hint("such as 'listen' = '127.0.0.1:9000'");
  }
  out.listens = options.has("listen");
  const char* const name = out.listens ? "listen" : "connect";
  auto address = SocketAddress::parse(options.text(name, ""));
  if (!address.has_value()) {
    return Error(ErrorCode::kSqlInvalidOption, "option '" + std::string(name) + "' of table " + context.table + ": " +
                                                   std::string(address.error().message()))
        .with_hint(std::string(address.error().hint()));
  }
  if (connector == "tcp" && address->local()) {
    return Error(ErrorCode::kSqlInvalidOption, "option '" + std::string(name) + "' of table " + context.table +
                                                   ": a Unix socket is not reached over TCP")
        .with_hint("write 'connector' = 'socket'");
  }
  if (!out.listens && !address->local() && address->port == 0) {
    return Error(ErrorCode::kSqlInvalidOption,
                 "option 'connect' of table " + context.table + ": nobody can be reached on port 0");
  }
  out.address = std::move(address).value();
  return {};
}

/// Options of the other role are refused, so that none is set in vain.
Result<void> refuse_others(const TableContext& context, const SocketOptions& read, bool source) {
  for (const OptionHelp& help : kOptions) {
    if (context.options.count(std::string(help.name)) == 0) continue;
    const std::string_view meaning = help.meaning;
    const bool here = !(
        (meaning.starts_with("listening") && !read.listens) || (meaning.starts_with("connecting") && read.listens) ||
        (meaning.starts_with("listening sink") && source) || (meaning.starts_with("sink") && source) ||
        (meaning.starts_with("listening source") && !source) || (meaning.starts_with("connecting source") && !source));
    if (here) continue;
    return Error(ErrorCode::kSqlInvalidOption,
                 "option '" + std::string(help.name) + "' of table " + context.table + " means nothing for a " +
                     (read.listens ? "listening" : "connecting") + (source ? " source" : " sink"))
        .with_hint(std::string(help.name) + " is for: " + std::string(meaning));
  }
  return {};
}

}  // namespace

std::span<const OptionHelp> socket_option_help() {
  return kOptions;
}

Result<SocketOptions> read_socket_options(const TableContext& context, std::string_view connector, bool source) {
  const OptionReader options(context.options, context.table);
  SocketOptions out;
  WEIR_TRY(read_address(context, connector, out));
  WEIR_TRY(refuse_others(context, out, source));
  WEIR_ASSIGN(const std::size_t framing, options.choice("framing", 0, kFramingNames));
  out.framing = static_cast<Framing>(framing);
  if (out.framing != Framing::kFormat && options.text("format", "") == "batches") {
    return Error(ErrorCode::kSqlInvalidOption,
                 "option 'framing' of table " + context.table + ": the format 'batches' has frames of its own");
  }
  const auto number = [&options](const char* name, std::uint64_t fallback, std::uint64_t min, std::uint64_t max,
                                 auto& to) -> Result<void> {
    WEIR_ASSIGN(const std::uint64_t value, options.number(name, fallback, min, max));
    to = static_cast<std::remove_reference_t<decltype(to)>>(value);
    return {};
  };
  WEIR_TRY(number("connections-max", 16, 1, kConnectionsMax, out.connections_max));
  WEIR_TRY(number("connections-per-peer-max", out.connections_max, 1, kConnectionsMax, out.connections_per_peer_max));
  WEIR_TRY(number("connections-until-end", 0, 0, 1u << 30, out.until_end));
  WEIR_ASSIGN(out.record_timeout_ns, options.duration("record-timeout", 5 * kSecond, 0));
  WEIR_TRY(number("bytes-per-second-min", 128, 0, 1u << 30, out.bytes_per_second_min));
  WEIR_ASSIGN(out.idle_timeout_ns, options.duration("idle-timeout", 60 * kSecond, 0));
  WEIR_TRY(number("partial-bytes-max", 64u << 20, 1024, std::uint64_t{1} << 40, out.partial_bytes_max));
  constexpr std::string_view kAtMalformed[] = {"job", "disconnect"};
  WEIR_ASSIGN(const std::size_t at_malformed, options.choice("at-malformed", 0, kAtMalformed));
  out.close_at_malformed = at_malformed == 1;
  WEIR_TRY(number("reconnects-max", 10, 0, 1u << 30, out.reconnects_max));
  WEIR_ASSIGN(out.reconnect_delay_ns, options.duration("reconnect-delay", kSecond / 10, 0));
  WEIR_ASSIGN(out.reconnect_delay_max_ns, options.duration("reconnect-delay-max", 30 * kSecond, 0));
  WEIR_ASSIGN(out.reconnect_at_end, options.boolean("reconnect-at-end", false));
  constexpr std::string_view kSlow[] = {"block", "drop-oldest", "conflate", "disconnect"};
  WEIR_ASSIGN(const std::size_t slow, options.choice("slow-subscribers", 0, kSlow));
  out.slow = static_cast<SlowSubscriber>(slow);
  out.conflate_key = options.text("conflate-key", "");
  if ((out.slow == SlowSubscriber::kConflate) == out.conflate_key.empty()) {
    return Error(ErrorCode::kSqlInvalidOption,
                 "table " + context.table + ": 'slow-subscribers' = 'conflate' and 'conflate-key' go together");
  }
  WEIR_TRY(number("conflate-keys-max", 65536, 1, 1u << 24, out.conflate_keys_max));
  WEIR_TRY(number("ring-bytes", 1u << 20, 8192, 1u << 30, out.ring_bytes));
  WEIR_TRY(number("subscribers-max", 64, 1, kConnectionsMax, out.subscribers_max));
  WEIR_TRY(number("wait-for-subscribers", 0, 0, out.subscribers_max, out.wait_for));
  WEIR_ASSIGN(out.close_timeout_ns, options.duration("close-timeout", 10 * kSecond, 0));
  return out;
}

}  // namespace weir
