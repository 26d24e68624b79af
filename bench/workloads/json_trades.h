// JsonTrades: trades as JSON lines, and how fast Weir reads them beside simdjson's pass over the same text: what the
// json workloads share, from a file and from a socket.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "harness/parameters.h"
#include "harness/report.h"
#include "workloads/trades.h"

namespace weir::bench {

class JsonTrades {
 public:
  JsonTrades(std::string workload, const Parameters& parameters);

  std::string_view text() const noexcept { return std::string_view(trades_.text).substr(0, trades_.bytes); }
  std::uint64_t lines() const noexcept { return trades_.lines; }
  /// Ends the program unless the CSV text holds their bars.
  void expect(const std::string& csv) const { expect_bars(workload_, trades_, csv); }
  /// Runs both in turn, as often as the parameters say, and reports them. `engine` gives the seconds of a run.
  void report(const std::function<double()>& engine, TimeKind time, const Parameters& parameters, Report& report) const;

 private:
  /// MB/s.
  double rate(double seconds) const noexcept { return static_cast<double>(trades_.bytes) / seconds / 1e6; }

  std::string workload_;
  Trades trades_;
};

}  // namespace weir::bench
