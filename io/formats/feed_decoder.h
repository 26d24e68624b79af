// Market-data feeds as formats: 'itch' (NASDAQ TotalView-ITCH 5.0) and 'iex-deep' (IEX DEEP 1.0). Each is a table of
// messages (itch_messages.cc, iex_deep_messages.cc); how messages are packed is shared:
//
//   framing       units                                  messages of a unit
//   binary-file   2-byte big-endian length + message     one
//   moldudp64     MoldUDP64 packets, back to back        header's count, 2-byte big-endian lengths
//   iex-tp        IEX-TP segments, back to back          header's count, 2-byte little-endian lengths
//   pcap          a capture's packets                    of the UDP payload, as moldudp64 or iex-tp
//
// Sources: Nasdaq TotalView-ITCH 5.0; MoldUDP64 Protocol Specification V 1.00; BinaryFILE (Nasdaq, 2-byte length, 0
// ends a session); IEX Transport Protocol; IEX DEEP Specification (protocol 0x8004).
#pragma once

#include <memory>
#include <span>

#include "formats/wire_message.h"
#include "weir/io/format.h"

namespace weir::detail {

const WireProtocol& itch_protocol();
const WireProtocol& iex_deep_protocol();

std::span<const OptionHelp> itch_option_help();
Result<std::unique_ptr<Decoder>> make_itch_decoder(const FormatContext& context);
Result<std::unique_ptr<Encoder>> make_itch_encoder(const FormatContext& context);
std::span<const OptionHelp> iex_deep_option_help();
Result<std::unique_ptr<Decoder>> make_iex_deep_decoder(const FormatContext& context);
Result<std::unique_ptr<Encoder>> make_iex_deep_encoder(const FormatContext& context);

}  // namespace weir::detail
