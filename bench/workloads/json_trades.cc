// Trades as JSON lines beside simdjson (json_trades.h).
#include "workloads/json_trades.h"

#include <utility>

#include "harness/machine.h"
#include "harness/timing.h"
#include "limits/limits.h"

namespace weir::bench {

JsonTrades::JsonTrades(std::string workload, const Parameters& parameters)
    : workload_(std::move(workload)),
      trades_(make_trades(TradeText::kJson, parameters.value("text.bytes", 400'000'000, 300'000))) {
  for (TradeBar& bar : trades_.bars) bar.quote = static_cast<double>(bar.trades);  // symbols
}

void JsonTrades::report(const std::function<double()>& engine, TimeKind time, const Parameters& parameters,
                        Report& report) const {
  const auto limit = [&] {
    pin_here(parameters.cpus[0]);
    const auto now = time == TimeKind::kWall ? wall_seconds : cpu_seconds;
    const double start = now();
    const TradeSums sums = json_pass(text());
    const double seconds = now() - start;
    expect_equal(workload_, "lines of the limit", trades_.lines, sums.lines);
    return rate(seconds);
  };
  const Turns turns = take_turns(parameters.runs, {[&] { return rate(engine()); }, limit});
  report.add({workload_, "trades, 126 B a line", "MB/s", turns.rate(0), "simdjson on-demand", turns.rate(1),
              turns.ratio(0, 1), Bar::kAtLeast, 0.5});
}

}  // namespace weir::bench
