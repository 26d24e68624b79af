// An event in over TCP, its result out over TCP, on a schedule of 10,000 events a second: the peer busy on one core,
// Weir busy on the other.
//
// Expected. A bare echo costs two sends (the system's whole way through TCP, in the sender's context, 2.5 to 4 us each)
// and what two busy receives take to see the bytes: 6 to 10 us there and back. Its acknowledgements travel with the
// answers. An event and its result travel on two connections, one way each, so that their acknowledgements are messages
// of their own, as dear as a send: Weir gives its when it has nothing else to do, and so does the peer. The rest is
// what Weir does: a receive by the ring, 64 bytes decoded, filtered and encoded, a send by the ring: about a
// microsecond. Bar: p50 at most 1.5 times that of the bare ping-pong on one connection in the same run, the usual p99
// (net_latency.h) at most 3 times. The bare ping-pong on two connections, which gives its acknowledgements as the
// system does, stands beside.
#include "net/net_latency.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include "harness/report.h"
#include "latency/distribution.h"
#include "latency/ticks.h"
#include "limits/limits.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr const char* kName = "net_latency";
constexpr std::uint64_t kPiece = 1000;  // events of a piece whose p99 is given

PingPongRun engine_run(const Parameters& parameters, const PingPong& shape, BackendKind backend) {
  JobOptions options;
  options.cpus = {parameters.cpus[0]};
  options.backend = backend;
  options.idle = IdleKind::kBusySpin;
  LiveJob job(kName, event_to_result_sql(1, 1), std::move(options));
  PingPongRun run = ping_pong_job(kName, shape, job);
  job.finish(shape.events);
  return run;
}

PingPongRun limit_run(const Parameters& parameters, const PingPong& shape, bool two_connections) {
  const Socket listener = Socket::listen_here();
  std::uint64_t echoed = 0;
  std::thread echo([&] {
    pin_here(parameters.cpus[0]);
    echoed = echo_socket(listener.fd(), sizeof(NetEvent), two_connections);
  });
  PingPongRun run;
  std::thread peer([&] {
    pin_here(shape.cpu);
    const Socket out = Socket::connect_to(listener.port());
    const Socket in = two_connections ? Socket::connect_to(listener.port()) : Socket();
    run = ping_pong(kName, shape, out, two_connections ? in : out);
  });
  peer.join();
  echo.join();
  expect_equal(kName, "messages echoed", shape.events, echoed);
  return run;
}

}  // namespace

std::string event_to_result_sql(std::uint32_t connections_max, std::uint32_t until_end) {
  const std::string columns =
      "sent BIGINT NOT NULL, number BIGINT NOT NULL, price DOUBLE NOT NULL, a BIGINT NOT NULL, b BIGINT NOT NULL, c "
      "BIGINT NOT NULL, d BIGINT NOT NULL, e BIGINT NOT NULL";
  return "CREATE TABLE events (" + columns +
         ") WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:0', 'format' = 'binary', 'connections-max' = '" +
         std::to_string(connections_max) + "', 'connections-until-end' = '" + std::to_string(until_end) +
         "');\nCREATE TABLE results (" + columns +
         ") WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:0', 'format' = 'binary', 'wait-for-subscribers' = "
         "'1');\nINSERT INTO results SELECT sent, number, price * 2, a, b, c, d, e FROM events WHERE price > 10;";
}

PingPongRun ping_pong(const char* workload, const PingPong& shape, const Socket& out, const Socket& in) {
  const double ns = tick_ns();
  const std::uint64_t warm = shape.events / 10;
  const Schedule schedule = Schedule::from_now(shape.rate);
  std::uint64_t sent = 0, received = 0;
  PingPongRun run;
  Histogram piece;
  char bytes[64 * sizeof(NetEvent)];
  for (std::size_t filled = 0; received < shape.events;) {
    if (sent < shape.events && ticks_now() >= schedule.at(sent)) {
      NetEvent event;
      event.sent = static_cast<std::int64_t>(schedule.at(sent));
      event.number = static_cast<std::int64_t>(sent);
      event.price = 20;
      out.send_all({reinterpret_cast<const char*>(&event), sizeof event});
      ++sent;
    }
    filled += in.receive_now(bytes + filled, sizeof bytes - filled);
    if (filled < sizeof(NetEvent)) continue;
    const std::uint64_t now = ticks_now();
    std::size_t used = 0;
    for (; filled - used >= sizeof(NetEvent); used += sizeof(NetEvent), ++received) {
      NetEvent result;
      std::memcpy(&result, bytes + used, sizeof result);
      expect_equal(workload, "number of a result", received, static_cast<std::uint64_t>(result.number));
      if (received < warm) continue;
      const auto taken =
          static_cast<std::int64_t>(static_cast<double>(now - static_cast<std::uint64_t>(result.sent)) * ns);
      run.latencies.record(taken);
      piece.record(taken);
      if (piece.count() < kPiece) continue;
      run.pieces.push_back(static_cast<double>(piece.percentile(99)) / 1000);
      piece.clear();
    }
    std::memmove(bytes, bytes + used, filled - used);
    filled -= used;
    in.acknowledge();
  }
  if (run.pieces.empty()) run.pieces.push_back(static_cast<double>(run.latencies.percentile(99)) / 1000);
  return run;
}

PingPongRun ping_pong_job(const char* workload, const PingPong& shape, LiveJob& job) {
  PingPongRun run;
  std::thread peer([&, events = job.port("events"), results = job.port("results")] {
    pin_here(shape.cpu);
    const Socket in = Socket::connect_to(results);
    const Socket out = Socket::connect_to(events);
    run = ping_pong(workload, shape, out, in);
  });
  peer.join();
  return run;
}

void PingPongRuns::add(const PingPongRun& run) {
  merged.merge(run.latencies);
  runs.push_back(run);
}

namespace {

Sample usual_p99(const PingPongRuns& runs) {
  std::vector<double> pieces;
  for (const PingPongRun& run : runs.runs) pieces.insert(pieces.end(), run.pieces.begin(), run.pieces.end());
  return Sample::of(std::move(pieces));
}

}  // namespace

Line percentile_line(const char* workload, const std::string& setting, double percent, const PingPongRuns& runs,
                     const std::string& against, const PingPongRuns& to) {
  Turns turns;
  turns.rates.resize(2);
  const auto value = [percent](const PingPongRun& run) {
    return std::max(1.0, static_cast<double>(run.latencies.percentile(percent))) / 1000;
  };
  for (const PingPongRun& run : runs.runs) turns.rates[0].push_back(value(run));
  for (const PingPongRun& run : to.runs) turns.rates[1].push_back(value(run));
  return {workload, setting, "us", turns.rate(0), against, turns.rate(1), turns.ratio(0, 1), Bar::kNone, 0};
}

Line usual_p99_line(const char* workload, const std::string& setting, const PingPongRuns& runs,
                    const std::string& against, const PingPongRuns& to) {
  const Sample measured = usual_p99(runs), reference = usual_p99(to);
  const double ratio = measured.median / reference.median;  // of all turns: a pair has too few pieces
  return {workload, setting, "us", measured, against, reference, {ratio, ratio, ratio}, Bar::kNone, 0};
}

void run_net_latency(const Parameters& parameters, Report& report) {
  PingPong shape;
  shape.events = parameters.value("net.events", 20'000, 500);
  shape.rate = static_cast<double>(parameters.value("net.rate", 10'000, 10'000));
  shape.cpu = parameters.cpus[1];
  PingPongRuns engine, epoll, one, two;
  for (std::uint32_t run = 0; run < parameters.runs; ++run) {
    one.add(limit_run(parameters, shape, false));
    engine.add(engine_run(parameters, shape, BackendKind::kAuto));
    two.add(limit_run(parameters, shape, true));
    epoll.add(engine_run(parameters, shape, BackendKind::kEpoll));
  }
  const std::string rate = std::to_string(static_cast<int>(shape.rate / 1000)) + " k/s";
  const std::string bare = "bare ping-pong", bare_two = "bare, two connections";
  const auto add = [&](Line line, double bar) {
    line.kind = bar == 0 ? Bar::kNone : Bar::kAtMost;
    line.bar = bar;
    report.add(std::move(line));
  };
  add(percentile_line(kName, rate + ", p50", 50, engine, bare, one), 1.5);
  add(usual_p99_line(kName, rate + ", usual p99", engine, bare, one), 3);
  add(percentile_line(kName, rate + ", p99", 99, engine, bare, one), 0);
  add(percentile_line(kName, rate + ", p50", 50, engine, bare_two, two), 0);
  add(usual_p99_line(kName, rate + ", usual p99", engine, bare_two, two), 0);
  add(percentile_line(kName, rate + ", p50, by epoll", 50, epoll, bare, one), 0);
  show_distributions(parameters, report, "net_latency",
                     {{"event to result, " + rate, &engine.merged},
                      {"bare ping-pong, " + rate, &one.merged},
                      {"bare ping-pong over two connections, " + rate, &two.merged}});
}

}  // namespace weir::bench
