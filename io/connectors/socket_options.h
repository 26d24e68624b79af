// Options of the stream sockets, 'tcp' and 'socket': one set for sources and sinks, listening and connecting.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "connectors/framing.h"
#include "weir/io/backend.h"
#include "weir/io/connector.h"

namespace weir {

/// What is done with a subscriber that does not keep up.
enum class SlowSubscriber : std::uint8_t { kBlock, kDropOldest, kConflate, kDisconnect };

struct SocketOptions {
  SocketAddress address;
  bool listens = false;  ///< Else it connects.
  Framing framing = Framing::kFormat;

  // Sources that listen.
  std::uint32_t connections_max = 16;
  std::uint32_t connections_per_peer_max = 0;  ///< 0: connections_max.
  std::uint64_t until_end = 0;
  std::int64_t record_timeout_ns = 0;  ///< 0: no limit.
  std::uint64_t bytes_per_second_min = 0;
  std::int64_t idle_timeout_ns = 0;  ///< 0: a silent connection keeps its place.
  std::uint64_t partial_bytes_max = 0;
  bool close_at_malformed = false;

  // What connects.
  std::uint64_t reconnects_max = 0;
  std::int64_t reconnect_delay_ns = 0;
  std::int64_t reconnect_delay_max_ns = 0;
  bool reconnect_at_end = false;

  // Sinks.
  SlowSubscriber slow = SlowSubscriber::kBlock;
  std::string conflate_key;
  std::uint32_t conflate_keys_max = 65536;
  std::size_t ring_bytes = 1u << 20;
  std::uint32_t subscribers_max = 64;
  std::uint32_t wait_for = 0;
  std::int64_t close_timeout_ns = 0;
};

/// Connections that share one set of receive buffers' worth of memory; beyond it sets go round.
inline constexpr std::uint32_t kReceiveGroupsMax = 64;

std::span<const OptionHelp> socket_option_help();
/// Errors: kSqlInvalidOption, which names the option.
Result<SocketOptions> read_socket_options(const TableContext& context, std::string_view connector, bool source);

}  // namespace weir
