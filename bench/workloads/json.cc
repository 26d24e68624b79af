// JSON lines in the page cache to windows to a CSV file, one shard, six of nine fields of a trade taken.
//
// Expected. 126 bytes a line. simdjson's on-demand pass alone, over text in memory, takes about 50 ns a line. Weir
// reads the same six fields out of a file (13 ns a line for the copy) and adds the window's share (10 to 15 ns). With a
// decoder of simdjson's speed that would be 0.6 of it. Bar: 0.5.
#include "limits/limits.h"
#include "workloads/host_job.h"
#include "workloads/trades.h"
#include "workloads/workloads.h"

namespace weir::bench {

void run_json(const Parameters& parameters, Report& report) {
  const std::string name = "json";
  Trades trades = make_trades(TradeText::kJson, parameters.value("text.bytes", 400'000'000, 300'000));
  for (TradeBar& bar : trades.bars) bar.quote = static_cast<double>(bar.trades);  // symbols
  const TemporaryFile source(parameters, "trades.json"), sink(parameters, "bars.csv");
  const std::string_view text = std::string_view(trades.text).substr(0, trades.bytes);
  source.write(text);
  const std::string sql = trades_sql(TradeText::kJson, source.path(), sink.path());
  const auto batch_rows = static_cast<std::uint32_t>(parameters.value("batch_rows", 1024, 1024));
  const auto engine = [&] {
    JobOptions options;
    options.cpus = {parameters.cpus[0]};
    options.batch_rows = batch_rows;
    const double seconds = run_job(name, sql, std::move(options), trades.lines, parameters.time);
    expect_bars(name, trades, sink.take_parts());
    return static_cast<double>(trades.bytes) / seconds / 1e6;
  };
  const auto limit = [&] {
    pin_here(parameters.cpus[0]);
    const auto now = parameters.time == TimeKind::kWall ? wall_seconds : cpu_seconds;
    const double start = now();
    const TradeSums sums = json_pass(text);
    const double seconds = now() - start;
    expect_equal(name, "lines of the limit", trades.lines, sums.lines);
    return static_cast<double>(trades.bytes) / seconds / 1e6;
  };
  const Turns turns = take_turns(parameters.runs, {engine, limit});
  report.add({name, "trades, 126 B a line", "MB/s", turns.rate(0), "simdjson on-demand", turns.rate(1),
              turns.ratio(0, 1), Bar::kAtLeast, 0.5});
}

}  // namespace weir::bench
