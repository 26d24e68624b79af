// A million events a second of 64 bytes over TCP, as batches, into windows of one second by 1,000 keys; Weir has one
// core.
//
// Expected. 64 MB/s are 64 ns of a core a second for each of a thousand bytes: receiving takes 1 % of Weir's core,
// decoding, hashing and adding another 2 to 5 %, so nothing queues. A window's results come when the first event behind
// its end has come: the peer sends 64 events at a time, so that one waits up to 63 us for its frame; the way through
// TCP is 10 us; 1,000 groups to results and to the callback about 20 us. So 100 us. Bar: p99 of the results, from the
// time for which the event that closes the window was meant, at most 1 ms; nothing late, nothing dropped.
#include <algorithm>
#include <cstdio>
#include <thread>

#include "harness/report.h"
#include "latency/distribution.h"
#include "latency/ticks.h"
#include "net/loopback.h"
#include "weir/core/batch.h"
#include "weir/core/histogram.h"
#include "workloads/host_job.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr const char* kName = "net_windows";
constexpr std::uint32_t kKeys = 1000;
constexpr std::uint32_t kFrameRows = 64;

struct Load {
  std::uint64_t rate = 0;  ///< Events a second, one every 1 / rate of event time too.
  std::uint64_t window_ms = 0;
  std::uint64_t windows = 0;
  std::uint64_t events_per_window() const { return rate * window_ms / 1000; }
  std::uint64_t events() const { return events_per_window() * windows; }
  std::int64_t time_of(std::uint64_t event) const { return static_cast<std::int64_t>(event * (1'000'000'000 / rate)); }
};

std::string load_sql(const Load& load) {
  char window[32];
  std::snprintf(window, sizeof window, "%.3f", static_cast<double>(load.window_ms) / 1000);
  return "CREATE TABLE events (at TIMESTAMP(9) NOT NULL, symbol BIGINT NOT NULL, price DOUBLE NOT NULL, quantity "
         "BIGINT "
         "NOT NULL, a BIGINT NOT NULL, b BIGINT NOT NULL, c BIGINT NOT NULL, d BIGINT NOT NULL, WATERMARK FOR at AS "
         "at) WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:0', 'format' = 'batches', 'connections-until-end' = "
         "'1');\n"
         "CREATE TABLE bars (window_start TIMESTAMP(3), symbol BIGINT, n BIGINT, volume BIGINT, high DOUBLE) WITH "
         "('connector' = 'host');\n"
         "INSERT INTO bars SELECT window_start, symbol, COUNT(*), SUM(quantity), MAX(price) FROM TABLE(TUMBLE(TABLE "
         "events, DESCRIPTOR(at), INTERVAL '" +
         std::string(window) + "' SECOND)) GROUP BY window_start, window_end, symbol;";
}

Schema load_schema() {
  Schema schema;
  schema.fields.push_back({"at", Type::timestamp(9)});
  schema.fields.push_back({"symbol", Type::bigint()});
  schema.fields.push_back({"price", Type::float64()});
  for (const char* name : {"quantity", "a", "b", "c", "d"}) schema.fields.push_back({name, Type::bigint()});
  return schema;
}

/// Sends the events when they are due, 64 at a time, or as many as are overdue.
void send_load(const Load& load, const Schedule& schedule, const Socket& socket) {
  BatchStream stream(load_schema(), 1024);
  std::string bytes(stream.hello());
  for (std::uint64_t sent = 0; sent < load.events();) {
    std::uint64_t rows = std::min<std::uint64_t>(kFrameRows, load.events() - sent);
    for (std::uint64_t now = ticks_now(); now < schedule.at(sent + rows - 1); now = ticks_now()) {
    }
    Batch& batch = stream.batch();
    for (std::uint32_t i = 0; i < rows; ++i) {
      const std::uint64_t event = sent + i;
      batch.column(0).values<std::int64_t>()[i] = load.time_of(event);
      batch.column(1).values<std::int64_t>()[i] = static_cast<std::int64_t>(event * 7 % kKeys);
      batch.column(2).values<double>()[i] = static_cast<double>(event % 512) * 0.25;
      for (std::uint32_t c = 3; c < 8; ++c)
        batch.column(c).values<std::int64_t>()[i] = static_cast<std::int64_t>(event % c);
    }
    batch.set_row_count(static_cast<std::uint32_t>(rows));
    stream.append_to(bytes);
    socket.send_all(bytes);
    bytes.clear();
    sent += rows;
  }
}

Histogram load_run(const Load& load, const Parameters& parameters) {
  Histogram latencies;
  const double ns = tick_ns();
  Schedule schedule;
  std::uint64_t counted = 0, results = 0;
  std::int64_t volume = 0;
  JobOptions options;
  options.cpus = {parameters.cpus[0]};
  options.idle = IdleKind::kBusySpin;
  options.host_tables["bars"].write = [&](std::uint32_t, const Batch& batch) {
    const std::uint64_t now = ticks_now();
    for_each_row(batch, [&](std::uint32_t row) {
      const auto window =
          static_cast<std::uint64_t>(batch.column(0).values<std::int64_t>()[row]) / (load.window_ms * 1'000'000);
      ++results;
      counted += static_cast<std::uint64_t>(batch.column(2).values<std::int64_t>()[row]);
      volume += batch.column(3).values<std::int64_t>()[row];
      if (window + 1 == load.windows) return;  // closed by the end, not by an event
      const std::uint64_t due = schedule.at((window + 1) * load.events_per_window());
      latencies.record(static_cast<std::int64_t>(static_cast<double>(static_cast<std::int64_t>(now - due)) * ns));
    });
  };
  LiveJob job(kName, load_sql(load), std::move(options));
  const std::uint16_t port = job.port("events");
  schedule = Schedule::from_now(static_cast<double>(load.rate));
  std::thread peer([&] {
    pin_here(parameters.cpus[1]);
    const Socket socket = Socket::connect_to(port);
    send_load(load, schedule, socket);
  });
  peer.join();
  job.finish(load.events());
  std::int64_t expected = 0;
  for (std::uint64_t event = 0; event < load.events(); ++event) expected += static_cast<std::int64_t>(event % 3);
  expect_equal(kName, "results", std::min<std::uint64_t>(kKeys, load.events_per_window()) * load.windows, results);
  expect_equal(kName, "events in the results", load.events(), counted);
  expect_equal(kName, "sum of the volumes", static_cast<std::uint64_t>(expected), static_cast<std::uint64_t>(volume));
  return latencies;
}

}  // namespace

void run_net_windows(const Parameters& parameters, Report& report) {
  Load load;
  load.rate = parameters.value("net.load", 1'000'000, 100'000);
  load.window_ms = parameters.smoke ? 20 : 1000;
  load.windows = parameters.value("net.windows", 5, 4);
  std::vector<double> p50, p99;
  Histogram all;
  for (std::uint32_t run = 0; run < parameters.runs; ++run) {
    const Histogram latencies = load_run(load, parameters);
    p50.push_back(static_cast<double>(latencies.percentile(50)) / 1e6);
    p99.push_back(static_cast<double>(latencies.percentile(99)) / 1e6);
    all.merge(latencies);
  }
  const std::string setting = std::to_string(load.rate / 1000) + " k/s of 64 B, 1,000 keys, ";
  report.add({kName, setting + "p50", "ms", Sample::of(p50), "", {}, Sample::of(p50), Bar::kNone, 0});
  report.add({kName, setting + "p99", "ms", Sample::of(p99), "", {}, Sample::of(p99), Bar::kAtMost, 1});
  show_distributions(parameters, report, "net_windows", {{"results of windows", &all}});
}

}  // namespace weir::bench
