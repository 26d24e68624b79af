// Datagrams: what a UDP source asks of a protocol that numbers its messages, so that a loss is counted and a repetition
// is not taken twice.
//
//   datagram ─► DatagramProtocol::parse ─► header: session, number of the first message, messages
//                                     └──► body ─► Decoder of the table's format (framing as the protocol says)
//   SequenceTracker: header by header ─► lost (gap), repeated (to be skipped), in order
//
// A protocol knows only its header; the messages behind it are the format's. MoldUDP64 is one, and each message behind
// its header stands as in a file of the same feed: two bytes of length, then the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "weir/core/result.h"

namespace weir {

/// How messages stand in a datagram's body.
enum class DatagramBody : std::uint8_t {
  kWhole,    ///< The body is given to the decoder as it is, and its end is the end of the last record.
  kU16Big,   ///< Each message behind a length of two bytes, the higher one first.
  kU16Keep,  ///< The same, and the decoder wants the lengths too (it reads files of that form).
};

/// What a datagram's header says.
struct DatagramHeader {
  std::uint64_t sequence = 0;   ///< Number of the first message.
  std::uint32_t messages = 0;   ///< Messages in the body; 0 in a heartbeat, whose `sequence` is the next number.
  bool sequenced = false;       ///< `sequence` and `messages` mean something.
  bool end_of_session = false;  ///< The sender says that nothing more follows in this session.
  std::string_view session;     ///< Numbers begin anew where it changes; views the datagram.
  std::span<const char> body;   ///< Views the datagram.
};

/// Reads headers. Stateless. Thread: the owning shard. Allocates: never.
class DatagramProtocol {
 public:
  virtual ~DatagramProtocol() = default;
  /// False where the datagram cannot be one of this protocol (it counts as a malformed record).
  virtual bool parse(std::span<const char> datagram, DatagramHeader& header) const noexcept = 0;
  virtual DatagramBody body() const noexcept = 0;
  virtual std::string_view name() const noexcept = 0;
};

/// What one datagram's numbers mean for its receiver.
struct SequenceStep {
  std::uint64_t lost = 0;      ///< Messages between the last one known and this datagram's first.
  std::uint32_t repeated = 0;  ///< Messages at the datagram's front that have been taken before.
  bool new_session = false;
};

/// The numbers of one stream of datagrams. The first datagram sets where counting begins.
/// Invariant: taken + lost = highest number seen - first number + 1, whatever the order in which datagrams come.
class SequenceTracker {
 public:
  SequenceStep take(const DatagramHeader& header) noexcept;
  /// Number that should come next; 0 before the first datagram.
  std::uint64_t next() const noexcept { return next_; }
  std::uint64_t lost() const noexcept { return lost_; }
  std::uint64_t repeated() const noexcept { return repeated_; }
  std::uint64_t gaps() const noexcept { return gaps_; }
  std::uint64_t sessions() const noexcept { return sessions_; }

 private:
  static constexpr std::size_t kSessionBytesMax = 16;
  char session_[kSessionBytesMax] = {};
  std::size_t session_bytes_ = 0;
  bool begun_ = false;
  std::uint64_t next_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t sessions_ = 0;
};

/// "none" (null is returned: every datagram is taken), "u64-be" (eight bytes that number the datagram's one record, the
/// highest first), "moldudp64" (session of 10 bytes, number, count, then messages with their lengths).
/// Errors: kInvalidArgument, which lists the names.
Result<std::unique_ptr<DatagramProtocol>> make_datagram_protocol(std::string_view name);
std::vector<std::string_view> datagram_protocol_names();

}  // namespace weir
