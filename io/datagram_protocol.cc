// The protocols that number datagrams, and the arithmetic of their numbers (datagram.h).
#include <algorithm>
#include <cstring>
#include <string>

#include "weir/core/suggest.h"
#include "weir/io/datagram.h"

namespace weir {
namespace {

std::uint64_t big_endian(const char* at, std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = (value << 8) | static_cast<unsigned char>(at[i]);
  return value;
}

class NumberedRecord final : public DatagramProtocol {
 public:
  bool parse(std::span<const char> datagram, DatagramHeader& header) const noexcept override {
    if (datagram.size() < 8) return false;
    header = {};
    header.sequence = big_endian(datagram.data(), 8);
    header.sequenced = true;
    header.body = datagram.subspan(8);
    header.messages = header.body.empty() ? 0 : 1;
    return true;
  }
  DatagramBody body() const noexcept override { return DatagramBody::kWhole; }
  std::string_view name() const noexcept override { return "u64-be"; }
};

/// Nasdaq's MoldUDP64: session (10), number (8), count (2); count 0 is a heartbeat, 0xFFFF the end of the session.
class MoldUdp64 final : public DatagramProtocol {
 public:
  bool parse(std::span<const char> datagram, DatagramHeader& header) const noexcept override {
    constexpr std::size_t kHeaderBytes = 20;
    constexpr std::uint32_t kEndOfSession = 0xFFFF;
    if (datagram.size() < kHeaderBytes) return false;
    header = {};
    header.session = {datagram.data(), 10};
    header.sequence = big_endian(datagram.data() + 10, 8);
    const auto count = static_cast<std::uint32_t>(big_endian(datagram.data() + 18, 2));
    header.end_of_session = count == kEndOfSession;
    header.messages = header.end_of_session ? 0 : count;
    header.sequenced = true;
    header.body = datagram.subspan(kHeaderBytes);
    return true;
  }
  DatagramBody body() const noexcept override { return DatagramBody::kU16Keep; }
  std::string_view name() const noexcept override { return "moldudp64"; }
};

constexpr std::string_view kNames[] = {"none", "u64-be", "moldudp64"};

}  // namespace

SequenceStep SequenceTracker::take(const DatagramHeader& header) noexcept {
  SequenceStep step;
  if (!header.sequenced) return step;
  const std::size_t bytes = std::min(header.session.size(), kSessionBytesMax);
  const bool same = bytes == session_bytes_ && (bytes == 0 || std::memcmp(session_, header.session.data(), bytes) == 0);
  if (!begun_ || !same) {
    step.new_session = true;
    begun_ = true;
    ++sessions_;
    session_bytes_ = bytes;
    if (bytes != 0) std::memcpy(session_, header.session.data(), bytes);
    next_ = header.sequence;
  }
  if (header.sequence > next_) {
    step.lost = header.sequence - next_;
    lost_ += step.lost;
    ++gaps_;
    next_ = header.sequence;
  }
  const std::uint64_t known = next_ - header.sequence;  // messages at the front that are behind us
  step.repeated = static_cast<std::uint32_t>(std::min<std::uint64_t>(known, header.messages));
  repeated_ += step.repeated;
  next_ += header.messages - step.repeated;
  return step;
}

Result<std::unique_ptr<DatagramProtocol>> make_datagram_protocol(std::string_view name) {
  if (name == "none") return std::unique_ptr<DatagramProtocol>();
  if (name == "u64-be") return std::unique_ptr<DatagramProtocol>(std::make_unique<NumberedRecord>());
  if (name == "moldudp64") return std::unique_ptr<DatagramProtocol>(std::make_unique<MoldUdp64>());
  const std::vector<std::string_view> names = datagram_protocol_names();
  return Error(ErrorCode::kInvalidArgument, "there is no datagram protocol '" + std::string(name) + "'")
      .with_hint("take one of " + list_names(names));
}

std::vector<std::string_view> datagram_protocol_names() {
  return {std::begin(kNames), std::end(kNames)};
}

}  // namespace weir
