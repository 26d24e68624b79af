// JSON lines over TCP on loopback, one connection, to windows to a CSV file: the json workload with a socket in place
// of the file.
//
// Expected. As there: simdjson's on-demand pass alone takes about 50 ns for a line of 126 bytes, Weir's decoder the
// same and a window's share more; the copy out of the socket costs what the copy out of the page cache does, and the
// sender is on the other core. A line that two receive buffers share is put together first: one in 520. Bar: 0.5 of
// simdjson's pass over the same text in memory.
#include <thread>

#include "net/loopback.h"
#include "workloads/json_trades.h"
#include "workloads/workloads.h"

namespace weir::bench {

void run_net_json(const Parameters& parameters, Report& report) {
  const std::string name = "net_json";
  const JsonTrades trades(name, parameters);
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
      socket.send_all(trades.text());
    });
    job.finish(trades.lines());
    const double end = wall_seconds();
    sender.join();
    trades.expect(sink.take_parts());
    return end - start;
  };
  trades.report(engine, TimeKind::kWall, parameters, report);
}

}  // namespace weir::bench
