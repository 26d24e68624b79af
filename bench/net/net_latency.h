// The peer of the latency workloads: events of 64 bytes out on a schedule, results in, each latency from the time for
// which the event was meant.
#pragma once

#include <cstdint>

#include "net/loopback.h"
#include "weir/core/histogram.h"

namespace weir::bench {

/// An event and a result, as format 'binary' lays them out.
struct NetEvent {
  std::int64_t sent = 0;  ///< Tick for which it was meant.
  std::int64_t number = 0;
  double price = 0;
  std::int64_t rest[5] = {};
};
static_assert(sizeof(NetEvent) == 64);

/// SQL columns of NetEvent.
inline constexpr const char* kNetColumns =
    "sent BIGINT NOT NULL, number BIGINT NOT NULL, price DOUBLE NOT NULL, a BIGINT NOT NULL, b BIGINT NOT NULL, c "
    "BIGINT NOT NULL, d BIGINT NOT NULL, e BIGINT NOT NULL";

struct PingPong {
  std::uint64_t events = 0;
  double rate = 0;  ///< Events a second.
  int cpu = 1;      ///< Of the calling thread.
};
/// Sends the events on `out` and takes as many results from `in` (which may be the same socket), in a busy loop. The
/// first tenth warms up and is not recorded. Results must come in the order of the events.
void ping_pong(const char* workload, const PingPong& shape, const Socket& out, const Socket& in, Histogram& latencies);

}  // namespace weir::bench
