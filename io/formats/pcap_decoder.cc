// 'pcap': one row a packet (pcap_decoder.h).
#include "formats/pcap_decoder.h"

#include <fmt/format.h>

#include "formats/format_options.h"
#include "formats/unit_decoder.h"

namespace weir::detail {
namespace {

constexpr OptionHelp kOptions[] = {
    {"pcap.ignore-parse-errors", "false", "bad records are counted and skipped, whatever the handler says"},
    {"pcap.only-udp", "false", "packets that are not whole UDP datagrams are no records"},
};

constexpr WireColumn kColumns[] = {{"frame", WireKind::kBytes, 0, Around::kFrame}};  // beside those of every packet

constexpr WireProtocol kProtocol{.format = "pcap", .columns = kColumns, .every_message = {}, .messages = {}};

class PcapDecoder final : public UnitDecoder {
 public:
  PcapDecoder(MessageRows rows, std::size_t unit_bytes_max, bool only_udp, bool ignore_errors)
      : UnitDecoder("packet", unit_bytes_max, ignore_errors), rows_(std::move(rows)), only_udp_(only_udp) {}

 protected:
  std::size_t head_bytes() const noexcept override { return units_.head_bytes(); }
  std::size_t unit_bytes(std::span<const char> head) noexcept override { return units_.unit_bytes(head, kLost); }
  std::string_view lost_reason(std::span<const char> head) override { return units_.lost_reason(head); }
  void forget() noexcept override { units_.forget(); }

  Taken take(std::span<const char> unit, std::uint64_t byte, Call& call) override {
    if (!units_.started()) {
      units_.start(unit);
      return Taken::kWhole;
    }
    const PcapPacketHeader header = parse_pcap_packet_header(units_.file(), unit);
    const std::span<const char> frame = unit.subspan(kPcapPacketHeaderBytes);
    if (!header.sane) {
      report(call, ErrorCode::kMalformedRecord, "capture_time", "the fraction of the packet's time is over a second",
             {unit.data(), unit.size()}, byte);
      return Taken::kWhole;
    }
    const PacketView view = dissect_packet(units_.file().link_type, frame);
    if (only_udp_ && (view.kind != PacketKind::kUdp || view.payload.size() < view.payload_bytes)) return Taken::kWhole;
    AddressTexts texts;
    WireContext around;
    set_packet_columns(rows_, header, view, texts, around);
    around.set(Around::kFrame, std::string_view(frame.data(), frame.size()));
    const FieldTarget* failed = nullptr;
    const FieldStatus status = rows_.fill_packet(around, call.out, &failed);
    if (status == FieldStatus::kOk) {
      count_row(call);
      return Taken::kWhole;
    }
    if (status == FieldStatus::kNoRoom && call.out.row_count() != 0) return Taken::kAgain;
    char reason[160];
    const std::size_t size = describe(status, *failed, "the value", reason, sizeof reason);
    report(call, error_code_of(status), failed->name, {reason, size}, {unit.data(), unit.size()}, byte);
    return Taken::kWhole;
  }

 private:
  PcapUnits units_;
  MessageRows rows_;
  bool only_udp_;
};

}  // namespace

std::size_t PcapUnits::unit_bytes(std::span<const char> head, std::size_t lost) const noexcept {
  if (!file_.has_value()) {
    PcapFile file;
    return parse_pcap_file_header(head, file) ? kPcapFileHeaderBytes : lost;
  }
  if (head.size() > kPcapPacketHeaderBytes) return head.size();
  const std::size_t captured = parse_pcap_packet_header(*file_, head).captured_bytes;
  return captured > kPcapFrameBytesMax ? lost : kPcapPacketHeaderBytes + captured;
}

std::string_view PcapUnits::lost_reason(std::span<const char> head) const noexcept {
  if (!file_.has_value()) return pcap_file_refusal(head);
  return "the packet's header claims more than 262144 captured bytes; nothing behind it is read";
}

void set_packet_columns(const MessageRows& rows, const PcapPacketHeader& header, const PacketView& view,
                        AddressTexts& texts, WireContext& around) noexcept {
  around.set(Around::kCaptureTime, static_cast<std::uint64_t>(header.time_ns));
  around.set(Around::kCapturedBytes, header.captured_bytes);
  around.set(Around::kWireBytes, header.wire_bytes);
  if (view.ether_type != 0) around.set(Around::kEtherType, view.ether_type);
  if (view.vlan >= 0) around.set(Around::kVlan, static_cast<std::uint64_t>(view.vlan));
  if (view.ip_protocol >= 0) around.set(Around::kIpProtocol, static_cast<std::uint64_t>(view.ip_protocol));
  if (view.source_port >= 0) around.set(Around::kSourcePort, static_cast<std::uint64_t>(view.source_port));
  if (view.destination_port >= 0)
    around.set(Around::kDestinationPort, static_cast<std::uint64_t>(view.destination_port));
  if (!view.source.empty() && rows.wants(Around::kSourceAddress))
    around.set(Around::kSourceAddress, format_address(view.source, texts.source));
  if (!view.destination.empty() && rows.wants(Around::kDestinationAddress))
    around.set(Around::kDestinationAddress, format_address(view.destination, texts.destination));
  if (view.kind == PacketKind::kUdp)
    around.set(Around::kPayload, std::string_view(view.payload.data(), view.payload.size()));
}

std::span<const OptionHelp> pcap_option_help() {
  return kOptions;
}

Result<std::unique_ptr<Decoder>> make_pcap_decoder(const FormatContext& context) {
  WEIR_ASSIGN(const FormatOptions options, FormatOptions::create(context, kOptions));
  WEIR_ASSIGN(const bool ignore, options.boolean("pcap.ignore-parse-errors"));
  WEIR_ASSIGN(const bool only_udp, options.boolean("pcap.only-udp"));
  WEIR_ASSIGN(MessageRows rows, MessageRows::create(context, kProtocol, {}, std::nullopt));
  const std::size_t unit_bytes_max =
      std::max(kPcapFileHeaderBytes, std::min(context.record_bytes_max, kPcapPacketHeaderBytes + kPcapFrameBytesMax));
  return std::unique_ptr<Decoder>(new PcapDecoder(std::move(rows), unit_bytes_max, only_udp, ignore));
}

Result<std::unique_ptr<Encoder>> make_pcap_encoder(const FormatContext& context) {
  return Error(ErrorCode::kUnsupported, fmt::format("format 'pcap' is read, not written (table '{}')", context.table));
}

}  // namespace weir::detail
