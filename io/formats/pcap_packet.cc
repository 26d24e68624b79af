// From a capture's bytes to UDP payloads (pcap_packet.h). Every length is compared with what is there.
#include "formats/pcap_packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace weir::detail {
namespace {

constexpr std::uint32_t kLinkEthernet = 1, kLinkRaw = 101, kLinkCooked = 113, kLinkIp4 = 228, kLinkIp6 = 229,
                        kLinkCooked2 = 276;
constexpr std::uint16_t kEtherIp4 = 0x0800, kEtherIp6 = 0x86dd, kEtherVlan = 0x8100, kEtherProvider = 0x88a8,
                        kEtherOldProvider = 0x9100;
constexpr int kVlanTagsMax = 4, kExtensionsMax = 8;

std::uint32_t load32(const char* at, bool swapped) noexcept {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return swapped ? __builtin_bswap32(value) : value;
}
std::uint16_t net16(const char* at) noexcept {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap16(value);
}
std::uint8_t byte_at(std::span<const char> bytes, std::size_t at) noexcept {
  return static_cast<std::uint8_t>(bytes[at]);
}

/// Ports and payload of what stands behind the IP headers.
void dissect_transport(std::span<const char> bytes, PacketView& view) noexcept {
  constexpr int kTcp = 6, kUdp = 17;
  if (view.ip_protocol != kUdp && view.ip_protocol != kTcp) {
    view.kind = PacketKind::kOtherIp;
    return;
  }
  if (bytes.size() < (view.ip_protocol == kUdp ? 8u : 4u)) {
    view.kind = PacketKind::kCut;
    return;
  }
  view.source_port = net16(bytes.data());
  view.destination_port = net16(bytes.data() + 2);
  if (view.ip_protocol == kTcp) {
    view.kind = PacketKind::kOtherIp;
    return;
  }
  const std::size_t length = net16(bytes.data() + 4);
  if (length < 8) {
    view.kind = PacketKind::kMalformed;
    return;
  }
  view.kind = PacketKind::kUdp;
  view.payload_bytes = length - 8;
  view.payload = bytes.subspan(8, std::min(view.payload_bytes, bytes.size() - 8));
}

void dissect_ip4(std::span<const char> bytes, PacketView& view) noexcept {
  if (bytes.size() < 20) {
    view.kind = PacketKind::kCut;
    return;
  }
  const std::size_t header = (byte_at(bytes, 0) & 15u) * 4u;
  const std::size_t total = net16(bytes.data() + 2);
  // A total of 0: the network card was to cut the packet (segmentation offload).
  if (byte_at(bytes, 0) >> 4 != 4 || header < 20 || (total != 0 && total < header)) {
    view.kind = PacketKind::kMalformed;
    return;
  }
  view.ip_protocol = byte_at(bytes, 9);
  view.source = {bytes.data() + 12, 4};
  view.destination = {bytes.data() + 16, 4};
  if ((net16(bytes.data() + 6) & 0x3fff) != 0) {  // more fragments, or an offset
    view.kind = PacketKind::kFragment;
    return;
  }
  if (total != 0) bytes = bytes.first(std::min(bytes.size(), total));  // behind it: padding of the frame
  if (bytes.size() < header) {
    view.kind = PacketKind::kCut;
    return;
  }
  dissect_transport(bytes.subspan(header), view);
}

void dissect_ip6(std::span<const char> bytes, PacketView& view) noexcept {
  constexpr int kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;
  if (bytes.size() < 40) {
    view.kind = PacketKind::kCut;
    return;
  }
  if (byte_at(bytes, 0) >> 4 != 6) {
    view.kind = PacketKind::kMalformed;
    return;
  }
  int next = byte_at(bytes, 6);
  view.source = {bytes.data() + 8, 16};
  view.destination = {bytes.data() + 24, 16};
  const std::size_t length = net16(bytes.data() + 4);
  std::span<const char> rest = bytes.subspan(40);
  if (length != 0) rest = rest.first(std::min(rest.size(), length));
  for (int i = 0; next == kHopByHop || next == kRouting || next == kFragment || next == kDestination; ++i) {
    view.ip_protocol = next;
    if (i == kExtensionsMax) {
      view.kind = PacketKind::kMalformed;
      return;
    }
    const std::size_t size = rest.size() < 8 ? 8 : next == kFragment ? 8 : (byte_at(rest, 1) + 1u) * 8u;
    if (rest.size() < size) {
      view.kind = PacketKind::kCut;
      return;
    }
    if (next == kFragment && (net16(rest.data() + 2) & 0xfff9) != 0) {
      view.kind = PacketKind::kFragment;
      return;
    }
    next = byte_at(rest, 0);
    rest = rest.subspan(size);
  }
  view.ip_protocol = next;
  dissect_transport(rest, view);
}

void dissect_network(std::span<const char> bytes, PacketView& view) noexcept {
  if (view.ether_type == kEtherIp4) return dissect_ip4(bytes, view);
  if (view.ether_type == kEtherIp6) return dissect_ip6(bytes, view);
  view.kind = PacketKind::kNotIp;
}

void dissect_ethernet(std::span<const char> frame, PacketView& view) noexcept {
  std::size_t at = 12;
  for (int tags = 0;; ++tags) {
    if (frame.size() < at + 2) {
      view.kind = PacketKind::kCut;
      return;
    }
    view.ether_type = net16(frame.data() + at);
    at += 2;
    const bool tag =
        view.ether_type == kEtherVlan || view.ether_type == kEtherProvider || view.ether_type == kEtherOldProvider;
    if (!tag || tags == kVlanTagsMax) break;
    if (frame.size() < at + 2) {
      view.kind = PacketKind::kCut;
      return;
    }
    view.vlan = net16(frame.data() + at) & 0x0fff;  // the innermost counts
    at += 2;
  }
  dissect_network(frame.subspan(at), view);
}

}  // namespace

bool parse_pcap_file_header(std::span<const char> header, PcapFile& file) noexcept {
  if (header.size() < kPcapFileHeaderBytes) return false;
  constexpr std::uint32_t kMicro = 0xa1b2c3d4, kNano = 0xa1b23c4d;
  for (const bool swapped : {false, true}) {
    const std::uint32_t magic = load32(header.data(), swapped);
    if (magic != kMicro && magic != kNano) continue;
    // The upper bits tell of check sequences at the end of frames, which the lengths in the headers cut off.
    file = {swapped, magic == kNano, load32(header.data() + 20, swapped) & 0x0fffffffu};
    return true;
  }
  return false;
}

std::string_view pcap_file_refusal(std::span<const char> header) noexcept {
  constexpr std::uint32_t kNextGeneration = 0x0a0d0d0a;
  if (header.size() >= 4 && load32(header.data(), false) == kNextGeneration)
    return "the input is a pcapng capture; save it as pcap (editcap -F pcap in.pcapng out.pcap)";
  return "the input does not begin as a pcap capture does (a1b2c3d4 or a1b23c4d in either byte order)";
}

bool is_known_link_type(std::uint32_t link_type) noexcept {
  return link_type == kLinkEthernet || link_type == kLinkRaw || link_type == kLinkCooked || link_type == kLinkIp4 ||
         link_type == kLinkIp6 || link_type == kLinkCooked2;
}

PcapPacketHeader parse_pcap_packet_header(const PcapFile& file, std::span<const char> header) noexcept {
  PcapPacketHeader out;
  const std::uint32_t fraction = load32(header.data() + 4, file.swapped);
  out.sane = fraction < (file.nanoseconds ? 1'000'000'000u : 1'000'000u);
  out.time_ns = std::int64_t{load32(header.data(), file.swapped)} * 1'000'000'000 +
                std::int64_t{fraction} * (file.nanoseconds ? 1 : 1000);
  out.captured_bytes = load32(header.data() + 8, file.swapped);
  out.wire_bytes = load32(header.data() + 12, file.swapped);
  return out;
}

PacketView dissect_packet(std::uint32_t link_type, std::span<const char> frame) noexcept {
  PacketView view;
  switch (link_type) {
    case kLinkEthernet:
      dissect_ethernet(frame, view);
      break;
    case kLinkCooked:
    case kLinkCooked2: {
      const std::size_t header = link_type == kLinkCooked ? 16 : 20, type_at = link_type == kLinkCooked ? 14 : 0;
      if (frame.size() < header) {
        view.kind = PacketKind::kCut;
        break;
      }
      view.ether_type = net16(frame.data() + type_at);
      dissect_network(frame.subspan(header), view);
      break;
    }
    case kLinkRaw:
    case kLinkIp4:
    case kLinkIp6:
      if (frame.empty()) {
        view.kind = PacketKind::kCut;
        break;
      }
      view.ether_type = byte_at(frame, 0) >> 4 == 6 ? kEtherIp6 : kEtherIp4;
      dissect_network(frame, view);
      break;
    default:
      break;
  }
  return view;
}

std::string_view format_address(std::string_view address, char* out) noexcept {
  const int family = address.size() == 4 ? AF_INET : AF_INET6;
  if (inet_ntop(family, address.data(), out, kAddressTextMax) == nullptr) return {};
  return out;
}

}  // namespace weir::detail
