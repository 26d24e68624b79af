// The peer of the latency workloads: events of 64 bytes out on a schedule, results in, each latency from the time for
// which the event was meant.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/report.h"
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

/// A job that takes events from at most so many connections to table 'events' and gives results to a subscriber of
/// 'results'; it ends when until_end connections came and went.
std::string event_to_result_sql(std::uint32_t connections_max, std::uint32_t until_end);

struct PingPong {
  std::uint64_t events = 0;
  double rate = 0;  ///< Events a second.
  int cpu = 1;      ///< Of the calling thread.
};
struct PingPongRun {
  Histogram latencies;
  std::vector<double> pieces;  ///< Us: p99 of each 1,000 events.
};
/// Sends the events on `out` and takes as many results from `in` (which may be the same socket), in a busy loop. The
/// first tenth warms up and is not recorded. Results must come in the order of the events.
PingPongRun ping_pong(const char* workload, const PingPong& shape, const Socket& out, const Socket& in);

/// The same on a thread of its own, pinned to the shape's CPU, at the job's tables (event_to_result_sql).
PingPongRun ping_pong_job(const char* workload, const PingPong& shape, LiveJob& job);

/// Runs of one thing.
struct PingPongRuns {
  std::vector<PingPongRun> runs;
  Histogram merged;
  void add(const PingPongRun& run);
};
/// A percentile of each run, in us, against that of other runs of the same turns.
Line percentile_line(const char* workload, const std::string& setting, double percent, const PingPongRuns& runs,
                     const std::string& against, const PingPongRuns& to);
/// The usual p99: the median over the pieces of all runs of their p99. What the machine does now and then beside, such
/// as a millisecond twice a second, stands in few pieces; what happens to one event in a hundred stands in all of them.
Line usual_p99_line(const char* workload, const std::string& setting, const PingPongRuns& runs,
                    const std::string& against, const PingPongRuns& to);

}  // namespace weir::bench
