// Market-data bytes as tests make them, from the specifications and not from Weir's tables: ITCH messages, BinaryFILE,
// MoldUDP64, IEX-TP, and captures with Ethernet, IP and UDP around them.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace weir::testing {

inline std::string big(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}
inline std::string little(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}
inline std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  out.resize(width, ' ');
  return out;
}

inline std::string itch_head(char type, std::uint64_t nanos, unsigned locate = 7, unsigned tracking = 2) {
  return type + big(locate, 2) + big(tracking, 2) + big(nanos, 6);
}
inline std::string itch_add(std::uint64_t nanos, std::uint64_t ref, char side, std::uint32_t shares,
                            std::string_view stock, std::uint32_t price) {
  return itch_head('A', nanos) + big(ref, 8) + side + big(shares, 4) + padded(stock, 8) + big(price, 4);
}
inline std::string itch_executed(std::uint64_t nanos, std::uint64_t ref, std::uint32_t shares, std::uint64_t match) {
  return itch_head('E', nanos) + big(ref, 8) + big(shares, 4) + big(match, 8);
}
inline std::string itch_cross(std::uint64_t nanos, std::uint64_t shares, std::string_view stock, std::uint32_t price,
                              std::uint64_t match, char cross) {
  return itch_head('Q', nanos) + big(shares, 8) + padded(stock, 8) + big(price, 4) + big(match, 8) + cross;
}
inline std::string itch_system(std::uint64_t nanos, char code) {
  return itch_head('S', nanos) + code;
}

/// BinaryFILE: the length in front.
inline std::string filed(std::string_view message) {
  return big(message.size(), 2).append(message);
}

inline std::string mold(std::string_view session, std::uint64_t sequence, std::initializer_list<std::string> messages,
                        std::optional<unsigned> count = std::nullopt) {
  std::string out = padded(session, 10) + big(sequence, 8) + big(count.value_or(unsigned(messages.size())), 2);
  for (const std::string& message : messages) out += filed(message);
  return out;
}

inline std::string deep_trade(std::uint64_t nanos, std::string_view symbol, std::uint32_t size, std::int64_t price,
                              std::uint64_t id) {
  return std::string("T") + '\x60' + little(nanos, 8) + padded(symbol, 8) + little(size, 4) +
         little(static_cast<std::uint64_t>(price), 8) + little(id, 8);
}
inline std::string iex_tp(std::uint64_t sequence, std::initializer_list<std::string> messages,
                          std::uint64_t send_nanos = 1'000'000) {
  std::string body;
  for (const std::string& message : messages) body += little(message.size(), 2) + message;
  return std::string("\x01\x00", 2) + little(0x8004, 2) + little(1, 4) + little(1150681088, 4) +
         little(body.size(), 2) + little(messages.size(), 2) + little(0, 8) + little(sequence, 8) +
         little(send_nanos, 8) + body;
}

enum class Net { kIp4, kIp6, kIp6Extended, kVlan, kTwoVlans, kTcp, kFragment, kArp };

inline std::string udp(std::string_view payload, std::uint16_t port = 26400) {
  return big(40000, 2) + big(port, 2) + big(8 + payload.size(), 2) + big(0, 2).append(payload);
}
inline std::string ip4(std::string_view body, int protocol = 17, unsigned fragment = 0) {
  return std::string("\x45\x00", 2) + big(20 + body.size(), 2) + big(0, 2) + big(fragment, 2) + '\x40' +
         static_cast<char>(protocol) + big(0, 2) + std::string("\x0a\x00\x00\x01", 4) +
         std::string("\xe9\x36\x0c\x6f", 4) + std::string(body);
}
inline std::string ip6(std::string_view body, int next = 17) {
  std::string source(16, '\0'), destination(16, '\0');
  source[0] = '\x20', source[1] = '\x01', source[2] = '\x0d', source[3] = '\xb8', source[15] = '\x01';
  destination[0] = '\xff', destination[1] = '\x02', destination[15] = '\x09';
  return big(0x60000000, 4) + big(body.size(), 2) + static_cast<char>(next) + '\x40' + source + destination +
         std::string(body);
}
inline std::string ethernet(std::string_view body, std::string_view types) {
  return std::string(12, '\x02').append(types).append(body);
}
/// A frame with the payload in it, or the like of it that holds no UDP.
inline std::string frame(std::string_view payload, Net net = Net::kIp4, std::uint16_t port = 26400) {
  const std::string type4 = big(0x0800, 2), type6 = big(0x86dd, 2);
  switch (net) {
    case Net::kIp6:
      return ethernet(ip6(udp(payload, port)), type6);
    case Net::kIp6Extended:  // hop-by-hop options of 8 bytes
      return ethernet(ip6('\x11' + std::string(7, '\0') + udp(payload, port), 0), type6);
    case Net::kVlan:
      return ethernet(ip4(udp(payload, port)), big(0x8100, 2) + big(0x2064, 2) + type4);
    case Net::kTwoVlans:
      return ethernet(ip4(udp(payload, port)), big(0x88a8, 2) + big(5, 2) + big(0x8100, 2) + big(6, 2) + type4);
    case Net::kTcp:
      return ethernet(ip4(udp(payload, port), 6), type4);
    case Net::kFragment:
      return ethernet(ip4(udp(payload, port), 17, 0x2000), type4);
    case Net::kArp:
      return ethernet(std::string(28, '\x01'), big(0x0806, 2));
    default:
      return ethernet(ip4(udp(payload, port)), type4);
  }
}

/// Writes captures in one of the four headers that there are.
struct Capture {
  bool big_endian = false;
  bool nanoseconds = false;
  std::uint32_t link_type = 1;

  std::string number(std::uint64_t value, int bytes) const {
    return big_endian ? big(value, bytes) : little(value, bytes);
  }
  std::string header() const {
    return number(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 4) + number(2, 2) + number(4, 2) + number(0, 8) +
           number(262144, 4) + number(link_type, 4);
  }
  std::string packet(std::string_view bytes, std::uint64_t nanos = 1'700'000'000'123'456'000,
                     std::size_t captured_max = ~std::size_t{0}) const {
    const std::string_view captured = bytes.substr(0, captured_max);
    return number(nanos / 1'000'000'000, 4) + number(nanos % 1'000'000'000 / (nanoseconds ? 1 : 1000), 4) +
           number(captured.size(), 4) + number(bytes.size(), 4) + std::string(captured);
  }
};

/// The recorded streams' folder.
inline std::string recorded(const std::string& name) {
  const char* const data = std::getenv("WEIR_DATA");
  return (data != nullptr ? std::string(data) : std::string(WEIR_SOURCE_DIR "/../shared/data")) + "/" + name;
}
/// Nothing where the recorded stream is not there.
inline std::optional<std::string> read_recorded(const std::string& name) {
  std::ifstream file(recorded(name), std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace weir::testing
