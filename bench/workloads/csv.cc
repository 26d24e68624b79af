// CSV in the page cache to windows to a CSV file, one shard, all six fields of a trade taken.
//
// Expected. 61 bytes a line. The kernel's copy from the page cache is about 10 GB/s (0.1 ns a byte); finding fields 0.1
// ns a byte; converting five numbers 5 x 4 to 6 ns; windows by a key of two values about 5 ns for five aggregates. So
// 40 to 60 ns a line: 1.0 to 1.5 GB/s. Bar: 300 MB/s.
#include "workloads/host_job.h"
#include "workloads/trades.h"
#include "workloads/workloads.h"

namespace weir::bench {

void run_csv(const Parameters& parameters, Report& report) {
  const std::string name = "csv";
  const Trades trades = make_trades(TradeText::kCsv, parameters.value("text.bytes", 200'000'000, 300'000));
  const TemporaryFile source(parameters, "trades.csv"), sink(parameters, "bars.csv");
  source.write(std::string_view(trades.text).substr(0, trades.bytes));
  const std::string sql = trades_sql(TradeText::kCsv, source.path(), sink.path());
  const auto batch_rows = static_cast<std::uint32_t>(parameters.value("batch_rows", 1024, 1024));
  const auto engine = [&] {
    JobOptions options;
    options.cpus = {parameters.cpus[0]};
    options.batch_rows = batch_rows;
    const double seconds = run_job(name, sql, std::move(options), trades.lines, parameters.time);
    expect_bars(name, trades, sink.take_parts());
    return static_cast<double>(trades.bytes) / seconds / 1e6;
  };
  const Turns turns = take_turns(parameters.runs, {engine});
  report.add({name, "trades, 61 B a line", "MB/s", turns.rate(0), "", {}, turns.rate(0), Bar::kAtLeast, 300});
}

}  // namespace weir::bench
