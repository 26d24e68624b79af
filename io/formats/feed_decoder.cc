// Feeds in their framings: finds messages, watches the sequence, leaves the fields to MessageRows (feed_decoder.h).
#include "formats/feed_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "formats/feed_sequence.h"
#include "formats/format_options.h"
#include "formats/pcap_decoder.h"
#include "formats/unit_decoder.h"
#include "weir/io/text_time.h"

namespace weir::detail {
namespace {

constexpr OptionHelp kItchOptions[] = {
    {"itch.framing", "binary-file", "binary-file, moldudp64 (packets back to back) or pcap (MoldUDP64 over UDP)"},
    {"itch.messages", "", "types that make rows, 'A,F,E,P'; all by default. Others are no records"},
    {"itch.date", "", "day of the messages (yyyy-mm-dd), which hold the time of day alone"},
    {"itch.sequence", "check", "check: gaps are bad records, what came before is passed over; ignore: no check"},
    {"itch.udp-port", "", "pcap: only datagrams to that port"},
    {"itch.lengths-by-type", "false", "binary-file: a length of 0 stands for that of the message's type"},
    {"itch.ignore-parse-errors", "false", "bad records are counted and skipped, whatever the handler says"},
};
constexpr OptionHelp kDeepOptions[] = {
    {"iex-deep.framing", "pcap", "pcap (IEX-TP over UDP) or iex-tp (segments back to back)"},
    {"iex-deep.messages", "", "types that make rows, '8,5,T'; all by default. Others are no records"},
    {"iex-deep.sequence", "check", "check: gaps are bad records, what came before is passed over; ignore: no check"},
    {"iex-deep.udp-port", "", "pcap: only datagrams to that port"},
    {"iex-deep.ignore-parse-errors", "false", "bad records are counted and skipped, whatever the handler says"},
};

enum class Framing : std::uint8_t { kBinaryFile, kMoldUdp64, kIexTp };  // of messages; a capture may stand around it

constexpr std::size_t kMoldHeaderBytes = 20, kIexHeaderBytes = 40;
constexpr std::size_t kMoldSessionBytes = 10;
constexpr std::uint16_t kMoldEndOfSession = 0xffff;
constexpr std::uint16_t kIexDeepProtocol = 0x8004;

template <typename T>
T load(const char* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
std::uint16_t big16(const char* at) noexcept {
  return __builtin_bswap16(load<std::uint16_t>(at));
}

struct FeedConfig {
  Framing framing = Framing::kBinaryFile;
  bool pcap = false;
  bool check_sequence = true;
  bool lengths_by_type = false;
  std::int32_t udp_port = -1;
};

/// What the header of a packet of messages says.
struct PacketHeader {
  std::string_view key;  // of the session
  std::uint64_t sequence = 0;
  std::uint64_t count = 0;
  std::size_t bytes = 0;  // of the header
};

class FeedDecoder final : public UnitDecoder {
 public:
  FeedDecoder(MessageRows rows, const FeedConfig& config, std::size_t unit_bytes_max, bool ignore_errors)
      : UnitDecoder(config.pcap ? "packet" : "message", unit_bytes_max, ignore_errors),
        rows_(std::move(rows)),
        config_(config) {}

  FeedCounts feed_counts() const noexcept override { return counts_; }

 protected:
  std::size_t head_bytes() const noexcept override {
    if (config_.pcap) return pcap_.head_bytes();
    if (config_.framing == Framing::kIexTp) return kIexHeaderBytes;
    return config_.framing == Framing::kMoldUdp64 && stream_left_ == 0 ? kMoldHeaderBytes : 2;
  }

  std::size_t unit_bytes(std::span<const char> head) noexcept override {
    if (config_.pcap) return pcap_.unit_bytes(head, kLost);
    if (config_.framing == Framing::kIexTp) {
      if (!is_deep_segment(head)) return kLost;
      return kIexHeaderBytes + load<std::uint16_t>(head.data() + 12);
    }
    if (config_.framing == Framing::kMoldUdp64 && stream_left_ == 0) return kMoldHeaderBytes;
    const std::size_t size = big16(head.data());
    if (size != 0 || config_.framing == Framing::kMoldUdp64 || !config_.lengths_by_type) return 2 + size;
    if (head.size() == 2) return 3;
    const WireMessage* const message = rows_.protocol().find(head[2]);
    return message == nullptr ? kLost : 2u + message->bytes;
  }

  std::string_view lost_reason(std::span<const char> head) override {
    if (config_.pcap) return pcap_.lost_reason(head);
    if (config_.framing == Framing::kIexTp)
      return "no IEX-TP segment of DEEP 1.0 (version 1, protocol 0x8004) stands here; nothing behind it is read";
    return "a message without a length is of no known type; nothing behind it is read";
  }

  void forget() noexcept override {
    pcap_.forget();
    sequences_.reset();
    counts_ = {};
    resume_ = {};
    around_ = {};
    stream_left_ = stream_skip_ = 0;
  }

  Taken take(std::span<const char> unit, std::uint64_t byte, Call& call) override {
    if (config_.pcap) return take_packet(unit, byte, call);
    if (config_.framing == Framing::kIexTp) return take_messages(unit, unit.size(), byte, call);
    if (config_.framing == Framing::kMoldUdp64) return take_stream(unit, byte, call);
    if (unit.size() == 2) return Taken::kWhole;  // the end of a session
    return take_message(unit.subspan(2), byte, call);
  }

  void end(Call& call, bool cut) override {
    if (stream_left_ != 0 && !cut)
      report_number(call, ErrorCode::kTruncated, "the input ends {} messages before the end of a packet", stream_left_,
                    {}, stream_byte_);
    stream_left_ = stream_skip_ = 0;
  }

 private:
  static bool is_deep_segment(std::span<const char> head) noexcept {
    return head[0] == 1 && load<std::uint16_t>(head.data() + 2) == kIexDeepProtocol;
  }

  void report_number(Call& call, ErrorCode code, fmt::format_string<std::uint64_t&> text, std::uint64_t number,
                     std::span<const char> bytes, std::uint64_t byte) {
    char reason[160];
    const auto last = fmt::format_to_n(reason, sizeof reason, text, number).out;
    report(call, code, "", {reason, static_cast<std::size_t>(last - reason)}, {bytes.data(), bytes.size()}, byte);
  }

  Taken take_message(std::span<const char> message, std::uint64_t byte, Call& call) {
    const MessageRows::Shape shape = rows_.shape(message);
    if (shape == MessageRows::Shape::kPassedOver) return Taken::kWhole;
    char reason[192];
    const std::string_view text(message.data(), message.size());
    if (shape != MessageRows::Shape::kRow) {
      const std::size_t size = rows_.describe_shape(shape, message, reason, sizeof reason);
      report(call, ErrorCode::kMalformedRecord, "", {reason, size}, text, byte);
      return Taken::kWhole;
    }
    if (call.out.full()) return Taken::kAgain;
    const FieldTarget* failed = nullptr;
    const FieldStatus status = rows_.fill(message, around_, call.out, &failed);
    if (status == FieldStatus::kOk) {
      count_row(call);
      return Taken::kWhole;
    }
    if (status == FieldStatus::kNoRoom && call.out.row_count() != 0) return Taken::kAgain;
    const std::size_t size = describe(status, *failed, "the value", reason, sizeof reason);
    report(call, error_code_of(status), failed->name, {reason, size}, text, byte);
    return Taken::kWhole;
  }

  /// Compares the packet's place with what came before; returns how many of its messages came already.
  std::uint64_t judge(const PacketHeader& header, std::span<const char> packet, std::uint64_t byte, Call& call) {
    if (!config_.check_sequence) return 0;
    const FeedSequences::Judgement judged = sequences_.judge(header.key, header.sequence, header.count);
    counts_.repeated += judged.skip;
    if (judged.missing != 0) {
      ++counts_.gaps;
      counts_.missing += judged.missing;
      char reason[192];
      const auto last = fmt::format_to_n(reason, sizeof reason, "{} messages are missing, from number {} to {}",
                                         judged.missing, judged.first, judged.first + judged.missing - 1)
                            .out;
      report(call, ErrorCode::kSequenceGap, "", {reason, static_cast<std::size_t>(last - reason)},
             {packet.data(), header.bytes}, byte);
    }
    return judged.skip;
  }

  /// False (and reported) where the bytes begin no packet of the feed. Fills around_.
  bool read_header(std::span<const char> packet, PacketHeader& header) {
    if (config_.framing == Framing::kIexTp) {
      if (packet.size() < kIexHeaderBytes || !is_deep_segment(packet)) return false;
      const char* const at = packet.data();
      header = {{at + 4, 8}, load<std::uint64_t>(at + 24), load<std::uint16_t>(at + 14), kIexHeaderBytes};
      around_.set(Around::kChannel, load<std::uint32_t>(at + 4));
      around_.set(Around::kSession, load<std::uint32_t>(at + 8));
      around_.set(Around::kSendTime, load<std::uint64_t>(at + 32));
      return true;
    }
    if (packet.size() < kMoldHeaderBytes) return false;
    const std::uint16_t count = big16(packet.data() + 18);
    header = {{packet.data(), kMoldSessionBytes},
              __builtin_bswap64(load<std::uint64_t>(packet.data() + 10)),
              count == kMoldEndOfSession ? 0u : count,
              kMoldHeaderBytes};
    around_.set(Around::kSession, header.key);
    return true;
  }

  /// A whole packet of messages, from where the last call stopped.
  Taken take_messages(std::span<const char> packet, std::size_t packet_bytes, std::uint64_t byte, Call& call) {
    PacketHeader header;
    if (!read_header(packet, header)) {
      report(call, ErrorCode::kMalformedRecord, "",
             config_.framing == Framing::kIexTp ? "the datagram is no IEX-TP segment of DEEP 1.0"
                                                : "the datagram is shorter than a MoldUDP64 header",
             {packet.data(), packet.size()}, byte);
      return Taken::kWhole;
    }
    if (!resume_.judged) {
      resume_ = {true, 0, header.bytes, 0};
      resume_.skip = judge(header, packet, byte, call);
      if (call.result.stopped) return Taken::kAgain;
    }
    const bool big_endian = config_.framing == Framing::kMoldUdp64;
    while (resume_.index < header.count) {
      const std::span<const char> rest = packet.subspan(resume_.offset);
      const std::size_t size = rest.size() < 2 ? 0 : big_endian ? big16(rest.data()) : load<std::uint16_t>(rest.data());
      if (rest.size() < 2 || rest.size() - 2 < size) {
        report_cut(header, packet, packet_bytes, byte, call);
        break;
      }
      if (resume_.index >= resume_.skip) {
        around_.set(Around::kSequence, header.sequence + resume_.index);
        if (take_message(rest.subspan(2, size), byte + resume_.offset, call) == Taken::kAgain) return Taken::kAgain;
      }
      ++resume_.index;
      resume_.offset += 2 + size;
      if (call.result.stopped && resume_.index < header.count) return Taken::kAgain;
    }
    resume_ = {};
    return Taken::kWhole;
  }

  void report_cut(const PacketHeader& header, std::span<const char> packet, std::size_t packet_bytes,
                  std::uint64_t byte, Call& call) {
    char reason[192];
    const auto last =
        packet.size() < packet_bytes
            ? fmt::format_to_n(reason, sizeof reason,
                               "{} of the datagram's {} bytes were captured: messages {} to {} of it are missing",
                               packet.size(), packet_bytes, resume_.index + 1, header.count)
                  .out
            : fmt::format_to_n(reason, sizeof reason, "the packet ends inside message {} of {}", resume_.index + 1,
                               header.count)
                  .out;
    report(call, ErrorCode::kTruncated, "", {reason, static_cast<std::size_t>(last - reason)},
           {packet.data(), packet.size()}, byte + resume_.offset);
  }

  /// MoldUDP64 packets back to back: a header, then its messages one by one.
  Taken take_stream(std::span<const char> unit, std::uint64_t byte, Call& call) {
    if (stream_left_ == 0) {
      PacketHeader header;
      around_ = {};
      WEIR_CHECK(read_header(unit, header));
      std::memcpy(stream_session_, header.key.data(), kMoldSessionBytes);
      stream_sequence_ = header.sequence;
      stream_byte_ = byte;
      stream_left_ = header.count;
      stream_skip_ = judge(header, unit, byte, call);
      return Taken::kWhole;
    }
    if (stream_skip_ == 0) {
      around_.set(Around::kSession, std::string_view(stream_session_, kMoldSessionBytes));
      around_.set(Around::kSequence, stream_sequence_);
      if (take_message(unit.subspan(2), byte, call) == Taken::kAgain) return Taken::kAgain;
    } else {
      --stream_skip_;
    }
    --stream_left_;
    ++stream_sequence_;
    return Taken::kWhole;
  }

  Taken take_packet(std::span<const char> unit, std::uint64_t byte, Call& call) {
    if (!pcap_.started()) {
      pcap_.start(unit);
      if (is_known_link_type(pcap_.file().link_type)) return Taken::kWhole;
      report_number(call, ErrorCode::kUnsupported,
                    "the capture's link type is {}: Ethernet (1), IP (101, 228, 229) and Linux cooked (113, 276) are "
                    "known; nothing of it is read",
                    pcap_.file().link_type, unit, byte);
      give_up();
      return Taken::kWhole;
    }
    const PcapPacketHeader header = parse_pcap_packet_header(pcap_.file(), unit);
    const std::span<const char> frame = unit.subspan(kPcapPacketHeaderBytes);
    const PacketView view = dissect_packet(pcap_.file().link_type, frame);
    const bool other_port =
        config_.udp_port >= 0 && view.destination_port >= 0 && view.destination_port != config_.udp_port;
    if (view.kind == PacketKind::kOtherIp || view.kind == PacketKind::kNotIp || other_port) {
      ++counts_.other_packets;
      return Taken::kWhole;
    }
    if (view.kind != PacketKind::kUdp || !header.sane) {
      report(call, view.kind == PacketKind::kCut ? ErrorCode::kTruncated : ErrorCode::kMalformedRecord, "",
             packet_refusal(view.kind), {unit.data(), unit.size()}, byte);
      return Taken::kWhole;
    }
    around_ = {};
    AddressTexts texts;
    set_packet_columns(rows_, header, view, texts, around_);
    const auto offset = static_cast<std::size_t>(view.payload.data() - unit.data());
    return take_messages(view.payload, view.payload_bytes, byte + offset, call);
  }

  static std::string_view packet_refusal(PacketKind kind) noexcept {
    switch (kind) {
      case PacketKind::kCut:
        return "the captured bytes end inside the packet's headers";
      case PacketKind::kFragment:
        return "the packet is a fragment of an IP packet; fragments are not put together";
      case PacketKind::kMalformed:
        return "the packet's headers contradict one another";
      default:
        return "the fraction of the packet's time is over a second";
    }
  }

  struct Resume {
    bool judged = false;  // the packet's place has been compared
    std::uint64_t index = 0;
    std::size_t offset = 0;
    std::uint64_t skip = 0;
  };

  MessageRows rows_;
  FeedConfig config_;
  PcapUnits pcap_;
  FeedSequences sequences_;
  FeedCounts counts_;
  WireContext around_;
  Resume resume_;
  std::uint64_t stream_left_ = 0;  // of a packet of a stream: messages to come
  std::uint64_t stream_skip_ = 0;
  std::uint64_t stream_sequence_ = 0;
  std::uint64_t stream_byte_ = 0;  // of its header
  char stream_session_[kMoldSessionBytes] = {};
};

Result<std::optional<std::int32_t>> read_date(std::string_view text) {
  if (text.empty()) return std::optional<std::int32_t>();
  std::int32_t days = 0;
  if (parse_date(text, days) == TextStatus::kOk) return std::optional(days);
  return Error(ErrorCode::kSqlInvalidOption,
               fmt::format("option 'itch.date' has the value '{}'; it takes yyyy-mm-dd", text));
}

Result<std::unique_ptr<Decoder>> make_feed(const FormatContext& context, const WireProtocol& protocol,
                                           const FormatOptions& options, FeedConfig config,
                                           std::optional<std::int32_t> date) {
  const std::string prefix = context.format + ".";
  constexpr std::string_view kSequence[] = {"check", "ignore"};
  WEIR_ASSIGN(const std::size_t sequence, options.choice(prefix + "sequence", kSequence));
  config.check_sequence = sequence == 0;
  WEIR_ASSIGN(const std::size_t port, options.size(prefix + "udp-port", 65535));
  if (port != 0) config.udp_port = static_cast<std::int32_t>(port);
  WEIR_ASSIGN(const bool ignore, options.boolean(prefix + "ignore-parse-errors"));
  WEIR_ASSIGN(MessageRows rows, MessageRows::create(context, protocol, options.text(prefix + "messages"), date));
  const std::size_t largest = config.pcap ? kPcapPacketHeaderBytes + kPcapFrameBytesMax : kIexHeaderBytes + 65535;
  const std::size_t unit_bytes_max = std::max(kIexHeaderBytes, std::min(context.record_bytes_max, largest));
  return std::unique_ptr<Decoder>(new FeedDecoder(std::move(rows), config, unit_bytes_max, ignore));
}

Error read_only(const FormatContext& context) {
  return Error(ErrorCode::kUnsupported,
               fmt::format("format '{}' is read, not written (table '{}')", context.format, context.table));
}

}  // namespace

std::span<const OptionHelp> itch_option_help() {
  return kItchOptions;
}
std::span<const OptionHelp> iex_deep_option_help() {
  return kDeepOptions;
}

Result<std::unique_ptr<Decoder>> make_itch_decoder(const FormatContext& context) {
  WEIR_ASSIGN(const FormatOptions options, FormatOptions::create(context, kItchOptions));
  constexpr std::string_view kFramings[] = {"binary-file", "moldudp64", "pcap"};
  WEIR_ASSIGN(const std::size_t framing, options.choice("itch.framing", kFramings));
  WEIR_ASSIGN(const std::optional<std::int32_t> date, read_date(options.text("itch.date")));
  FeedConfig config;
  config.framing = framing == 0 ? Framing::kBinaryFile : Framing::kMoldUdp64;
  config.pcap = framing == 2;
  WEIR_ASSIGN(config.lengths_by_type, options.boolean("itch.lengths-by-type"));
  return make_feed(context, itch_protocol(), options, config, date);
}

Result<std::unique_ptr<Decoder>> make_iex_deep_decoder(const FormatContext& context) {
  WEIR_ASSIGN(const FormatOptions options, FormatOptions::create(context, kDeepOptions));
  constexpr std::string_view kFramings[] = {"pcap", "iex-tp"};
  WEIR_ASSIGN(const std::size_t framing, options.choice("iex-deep.framing", kFramings));
  FeedConfig config;
  config.framing = Framing::kIexTp;
  config.pcap = framing == 0;
  return make_feed(context, iex_deep_protocol(), options, config, std::nullopt);
}

Result<std::unique_ptr<Encoder>> make_itch_encoder(const FormatContext& context) {
  return read_only(context);
}
Result<std::unique_ptr<Encoder>> make_iex_deep_encoder(const FormatContext& context) {
  return read_only(context);
}

}  // namespace weir::detail
