// pcap: a capture's packets as units, and 'pcap' as a format whose rows are the packets themselves. The feed formats
// (feed_decoder.h) read captures with the same units.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "formats/pcap_packet.h"
#include "formats/wire_message.h"
#include "weir/io/format.h"

namespace weir::detail {

/// Sizes of a capture's units: the file's header, then packets. Shared by the decoders that read captures.
class PcapUnits {
 public:
  std::size_t head_bytes() const noexcept { return file_.has_value() ? kPcapPacketHeaderBytes : kPcapFileHeaderBytes; }
  /// As UnitDecoder::unit_bytes; `lost` where no unit can stand here.
  std::size_t unit_bytes(std::span<const char> head, std::size_t lost) const noexcept;
  std::string_view lost_reason(std::span<const char> head) const noexcept;
  /// The file's header is known.
  bool started() const noexcept { return file_.has_value(); }
  void start(std::span<const char> header) noexcept {
    PcapFile file;
    if (parse_pcap_file_header(header, file)) file_ = file;
  }
  const PcapFile& file() const noexcept { return *file_; }
  void forget() noexcept { file_.reset(); }

 private:
  std::optional<PcapFile> file_;
};

/// Text of a packet's addresses, where a column wants it.
struct AddressTexts {
  char source[kAddressTextMax];
  char destination[kAddressTextMax];
};
/// What the packet around a message has for columns. Views into the frame and `texts`.
void set_packet_columns(const MessageRows& rows, const PcapPacketHeader& header, const PacketView& view,
                        AddressTexts& texts, WireContext& around) noexcept;

std::span<const OptionHelp> pcap_option_help();
Result<std::unique_ptr<Decoder>> make_pcap_decoder(const FormatContext& context);
Result<std::unique_ptr<Encoder>> make_pcap_encoder(const FormatContext& context);

}  // namespace weir::detail
