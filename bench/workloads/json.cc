// JSON lines in the page cache to windows to a CSV file, one shard, six of nine fields of a trade taken.
//
// Expected. 126 bytes a line. simdjson's on-demand pass alone, over text in memory, takes about 50 ns a line. Weir
// reads the same six fields out of a file (13 ns a line for the copy) and adds the window's share (10 to 15 ns). With a
// decoder of simdjson's speed that would be 0.6 of it. Bar: 0.5.
#include "workloads/host_job.h"
#include "workloads/json_trades.h"
#include "workloads/workloads.h"

namespace weir::bench {

void run_json(const Parameters& parameters, Report& report) {
  const std::string name = "json";
  const JsonTrades trades(name, parameters);
  const TemporaryFile source(parameters, "trades.json"), sink(parameters, "bars.csv");
  source.write(trades.text());
  const std::string sql = trades_sql(TradeText::kJson, source.path(), sink.path());
  const auto batch_rows = static_cast<std::uint32_t>(parameters.value("batch_rows", 1024, 1024));
  const auto engine = [&] {
    JobOptions options;
    options.cpus = {parameters.cpus[0]};
    options.batch_rows = batch_rows;
    const double seconds = run_job(name, sql, std::move(options), trades.lines(), parameters.time);
    trades.expect(sink.take_parts());
    return seconds;
  };
  trades.report(engine, parameters.time, parameters, report);
}

}  // namespace weir::bench
