// JSON lines over TCP on loopback, one connection, to windows to a CSV file: the json workload with a socket in place
// of the file.
//
// Expected. As there: simdjson's on-demand pass alone takes about 50 ns for a line of 126 bytes, Weir's decoder the
// same and a window's share more; the copy out of the socket costs what the copy out of the page cache does, and the
// sender is on the other core. A line that two receive buffers share is put together first: one in 520. Bar: 0.5 of
// simdjson's pass over the same text in memory.
#include <thread>

#include "limits/limits.h"
#include "net/loopback.h"
#include "workloads/host_job.h"
#include "workloads/trades.h"
#include "workloads/workloads.h"

namespace weir::bench {

void run_net_json(const Parameters& parameters, Report& report) {
  const std::string name = "net_json";
  Trades trades = make_trades(TradeText::kJson, parameters.value("text.bytes", 400'000'000, 300'000));
  for (TradeBar& bar : trades.bars) bar.quote = static_cast<double>(bar.trades);  // symbols
  const std::string_view text = std::string_view(trades.text).substr(0, trades.bytes);
  const TemporaryFile sink(parameters, "bars.csv");
  const std::string sql = trades_sql_with(
      TradeText::kJson, "'connector' = 'tcp', 'listen' = '127.0.0.1:0', 'connections-until-end' = '1'", sink.path());
  const auto engine = [&] {
    JobOptions options;
    options.cpus = {parameters.cpus[0]};
    LiveJob job(name, sql, std::move(options));
    double start = 0;
    std::thread sender([&, port = job.port("trades")] {
      pin_here(parameters.cpus[1]);
      const Socket socket = Socket::connect_to(port);
      start = wall_seconds();
      socket.send_all(text);
    });
    job.finish(trades.lines);
    const double end = wall_seconds();
    sender.join();
    const double seconds = end - start;
    expect_bars(name, trades, sink.take_parts());
    return static_cast<double>(trades.bytes) / seconds / 1e6;
  };
  const auto limit = [&] {
    pin_here(parameters.cpus[0]);
    const double start = wall_seconds();
    const TradeSums sums = json_pass(text);
    const double seconds = wall_seconds() - start;
    expect_equal(name, "lines of the limit", trades.lines, sums.lines);
    return static_cast<double>(trades.bytes) / seconds / 1e6;
  };
  const Turns turns = take_turns(parameters.runs, {engine, limit});
  report.add({name, "trades, 126 B a line", "MB/s", turns.rate(0), "simdjson on-demand", turns.rate(1),
              turns.ratio(0, 1), Bar::kAtLeast, 0.5});
}

}  // namespace weir::bench
