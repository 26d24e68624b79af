// Packets of a pcap capture: the file's header, each packet's, and the way from a frame to the UDP payload in it.
//
//   file header (24 bytes: magic, link type) | packet header (16: seconds, fraction, captured, on the wire) | frame | …
//   frame: Ethernet [802.1Q, 802.1ad] | Linux cooked | bare IP ──► IPv4, IPv6 [extensions] ──► UDP ──► payload
//
// Sources: draft-ietf-opsawg-pcap (file), IEEE 802.3 and 802.1Q, RFC 791, RFC 8200, RFC 768. Fragments are not put
// together, checksums are not verified (captures with offloading hold wrong ones).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace weir::detail {

inline constexpr std::size_t kPcapFileHeaderBytes = 24;
inline constexpr std::size_t kPcapPacketHeaderBytes = 16;
inline constexpr std::size_t kPcapFrameBytesMax = 262144;  ///< As the tools that write captures have it.

/// How a capture file is to be read.
struct PcapFile {
  bool swapped = false;  ///< Numbers are big-endian.
  bool nanoseconds = false;
  std::uint32_t link_type = 0;
};
/// False where the 24 bytes are no header of a capture.
bool parse_pcap_file_header(std::span<const char> header, PcapFile& file) noexcept;
/// Why not, in a sentence.
std::string_view pcap_file_refusal(std::span<const char> header) noexcept;
bool is_known_link_type(std::uint32_t link_type) noexcept;

struct PcapPacketHeader {
  std::int64_t time_ns = 0;  ///< Since the epoch.
  std::uint32_t captured_bytes = 0;
  std::uint32_t wire_bytes = 0;
  bool sane = true;  ///< The fraction is below a second.
};
PcapPacketHeader parse_pcap_packet_header(const PcapFile& file, std::span<const char> header) noexcept;

enum class PacketKind : std::uint8_t {
  kUdp,
  kOtherIp,   // TCP, ICMP, …
  kFragment,  // a piece of an IP packet
  kNotIp,     // ARP, LLDP, …
  kCut,       // the captured bytes end inside a header
  kMalformed,
};

/// What the headers of a frame say. Addresses are 4 or 16 bytes in network order.
struct PacketView {
  PacketKind kind = PacketKind::kNotIp;
  std::uint16_t ether_type = 0;
  std::int32_t vlan = -1;
  std::int32_t ip_protocol = -1;
  std::string_view source, destination;
  std::int32_t source_port = -1, destination_port = -1;
  std::span<const char> payload;  ///< As far as captured.
  std::size_t payload_bytes = 0;  ///< As the UDP header has it.
};
PacketView dissect_packet(std::uint32_t link_type, std::span<const char> frame) noexcept;

inline constexpr std::size_t kAddressTextMax = 46;
/// "192.0.2.1" or "2001:db8::1". Requires: room for kAddressTextMax. Returns the text in it.
std::string_view format_address(std::string_view address, char* out) noexcept;

}  // namespace weir::detail
