// An event in over TCP, its result out over TCP, on a schedule of 10,000 events a second: the peer busy on one core,
// Weir busy on the other.
//
// Expected. A bare echo costs two sends (the system's whole way through TCP, in the sender's context, 2.5 to 4 us each)
// and what two busy receives take to see the bytes: 6 to 10 us there and back. Its acknowledgements travel with the
// answers. An event and its result travel on two connections, one way each, so that their acknowledgements are messages
// of their own, as dear as a send: Weir gives its when it has nothing else to do, and so does the peer. The rest is
// what Weir does: a receive by the ring, 64 bytes decoded, filtered and encoded, a send by the ring: about a
// microsecond. Bar: p50 at most 1.5 times that of the bare ping-pong on one connection in the same run, p99 at most 3
// times. The bare ping-pong on two connections, which gives its acknowledgements as the system does, stands beside.
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

Histogram engine_run(const Parameters& parameters, const PingPong& shape, BackendKind backend) {
  JobOptions options;
  options.cpus = {parameters.cpus[0]};
  options.backend = backend;
  options.idle = IdleKind::kBusySpin;
  LiveJob job(kName, event_to_result_sql(1, 1), std::move(options));
  Histogram latencies;
  std::thread peer([&, events = job.port("events"), results = job.port("results")] {
    pin_here(shape.cpu);
    const Socket in = Socket::connect_to(results);
    const Socket out = Socket::connect_to(events);
    ping_pong(kName, shape, out, in, latencies);
  });
  peer.join();
  job.finish(shape.events);
  return latencies;
}

Histogram limit_run(const Parameters& parameters, const PingPong& shape, bool two_connections) {
  const Socket listener = Socket::listen_here();
  std::uint64_t echoed = 0;
  std::thread echo([&] {
    pin_here(parameters.cpus[0]);
    echoed = echo_socket(listener.fd(), sizeof(NetEvent), two_connections);
  });
  Histogram latencies;
  std::thread peer([&] {
    pin_here(shape.cpu);
    const Socket out = Socket::connect_to(listener.port());
    const Socket in = two_connections ? Socket::connect_to(listener.port()) : Socket();
    ping_pong(kName, shape, out, two_connections ? in : out, latencies);
  });
  peer.join();
  echo.join();
  expect_equal(kName, "messages echoed", shape.events, echoed);
  return latencies;
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

Sample percentiles_us(const std::vector<Histogram>& runs, double percent) {
  std::vector<double> values;
  for (const Histogram& run : runs) values.push_back(static_cast<double>(run.percentile(percent)) / 1000);
  return Sample::of(std::move(values));
}

Sample percentile_ratios(const std::vector<Histogram>& runs, const std::vector<Histogram>& to, double percent) {
  std::vector<double> values;
  for (std::size_t i = 0; i < runs.size(); ++i)
    values.push_back(static_cast<double>(runs[i].percentile(percent)) /
                     std::max(1.0, static_cast<double>(to[i].percentile(percent))));
  return Sample::of(std::move(values));
}

void ping_pong(const char* workload, const PingPong& shape, const Socket& out, const Socket& in, Histogram& latencies,
               std::vector<double>* p99_each) {
  const double ns = tick_ns();
  const std::uint64_t warm = shape.events / 10;
  const Schedule schedule = Schedule::from_now(shape.rate);
  std::uint64_t sent = 0, received = 0;
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
      const double ticks = static_cast<double>(now - static_cast<std::uint64_t>(result.sent));
      latencies.record(static_cast<std::int64_t>(ticks * ns));
      if (p99_each == nullptr) continue;
      piece.record(static_cast<std::int64_t>(ticks * ns));
      if (piece.count() < kPiece) continue;
      p99_each->push_back(static_cast<double>(piece.percentile(99)) / 1000);
      piece.clear();
    }
    std::memmove(bytes, bytes + used, filled - used);
    filled -= used;
    in.acknowledge();
  }
}

void run_net_latency(const Parameters& parameters, Report& report) {
  PingPong shape;
  shape.events = parameters.value("net.events", 20'000, 500);
  shape.rate = static_cast<double>(parameters.value("net.rate", 10'000, 10'000));
  shape.cpu = parameters.cpus[1];
  std::vector<Histogram> engine, epoll, one, two;
  Histogram all, bare, bare_two;
  for (std::uint32_t run = 0; run < parameters.runs; ++run) {
    one.push_back(limit_run(parameters, shape, false));
    engine.push_back(engine_run(parameters, shape, BackendKind::kAuto));
    two.push_back(limit_run(parameters, shape, true));
    epoll.push_back(engine_run(parameters, shape, BackendKind::kEpoll));
    all.merge(engine.back());
    bare.merge(one.back());
    bare_two.merge(two.back());
  }
  const std::string rate = std::to_string(static_cast<int>(shape.rate / 1000)) + " k/s";
  const auto add = [&](const char* what, const std::vector<Histogram>& runs, double percent, const char* against,
                       const std::vector<Histogram>& to, Bar kind, double bar) {
    const std::string name = percent == 50 ? "p50" : "p99";
    report.add({kName, std::string(what) + ", " + rate + ", " + name, "us", percentiles_us(runs, percent),
                std::string(against) + ", " + name, percentiles_us(to, percent), percentile_ratios(runs, to, percent),
                kind, bar});
  };
  add("event to result", engine, 50, "bare ping-pong", one, Bar::kAtMost, 1.5);
  add("event to result", engine, 99, "bare ping-pong", one, Bar::kAtMost, 3);
  add("event to result", engine, 50, "bare, two connections", two, Bar::kNone, 0);
  add("event to result", engine, 99, "bare, two connections", two, Bar::kNone, 0);
  add("the same by epoll", epoll, 50, "bare ping-pong", one, Bar::kNone, 0);
  show_distributions(parameters, report, "net_latency",
                     {{"event to result, " + rate, &all},
                      {"bare ping-pong, " + rate, &bare},
                      {"bare ping-pong over two connections, " + rate, &bare_two}});
}

}  // namespace weir::bench
