// Trades as text: what an exchange publishes, as CSV and as JSON lines, with the naive answer to the question that the
// text workloads ask: per minute and side the count, the lowest and highest price, the sum of quantities and the
// highest id. A trade every millisecond; prices with two decimals, quantities with five.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/parameters.h"

namespace weir::bench {

struct TradeBar {
  std::uint64_t trades = 0;
  double low = 0, high = 0, quantity = 0, quote = 0;
  std::uint64_t last_id = 0;
};

/// Text of about `bytes` bytes and its answer; bars[minute * 2 + maker].
struct Trades {
  std::string text;  ///< Followed by 64 zero bytes that are not counted in `bytes`.
  std::size_t bytes = 0;
  std::uint64_t lines = 0;
  std::uint64_t first_minute = 0;
  std::vector<TradeBar> bars;
};

enum class TradeText : std::uint8_t { kCsv, kJson };
Trades make_trades(TradeText kind, std::size_t bytes);

/// A file, or the folder that a sink makes of its path; gone at the end.
class TemporaryFile {
 public:
  TemporaryFile(const Parameters& parameters, const std::string& name);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  void write(std::string_view content) const;
  /// The text of all part files of the folder, which are removed.
  std::string take_parts() const;
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// SQL from the trades of a table with these options to a CSV file of bars at `sink`.
std::string trades_sql_with(TradeText kind, const std::string& source_options, const std::string& sink);
/// SQL from the trades at `source` to a CSV file of bars at `sink`.
std::string trades_sql(TradeText kind, const std::string& source, const std::string& sink);
/// Ends the program unless the CSV text holds these bars. Sums may differ in the last digits.
void expect_bars(const std::string& workload, const Trades& trades, const std::string& csv);

}  // namespace weir::bench
