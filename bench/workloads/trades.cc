// Writes trades as text and answers the question naively (trades.h).
#include "workloads/trades.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/columns.h"
#include "harness/report.h"

namespace weir::bench {
namespace {

constexpr std::uint64_t kFirstMs = 1'700'000'040'000;  // on a full minute
constexpr std::uint64_t kFirstId = 3'000'000'000;

struct Trade {
  std::uint64_t id, time_ms;
  std::uint64_t cents, quantity_e5;  // price * 100, quantity * 100,000
  bool maker;
};

std::size_t append(std::string& text, TradeText kind, const Trade& trade) {
  char line[256];
  const auto word = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  int length = 0;
  if (kind == TradeText::kCsv) {
    const std::uint64_t quote = trade.cents * trade.quantity_e5;  // * 10^7
    length = std::snprintf(line, sizeof line, "%llu,%llu.%02llu,%llu.%05llu,%llu.%07llu,%llu,%s\n", word(trade.id),
                           word(trade.cents / 100), word(trade.cents % 100), word(trade.quantity_e5 / 100'000),
                           word(trade.quantity_e5 % 100'000), word(quote / 10'000'000), word(quote % 10'000'000),
                           word(trade.time_ms), trade.maker ? "true" : "false");
  } else {
    length = std::snprintf(
        line, sizeof line,
        "{\"e\":\"trade\",\"E\":%llu,\"s\":\"BTCUSDT\",\"t\":%llu,\"p\":\"%llu.%02llu\",\"q\":\"%llu.%05llu\","
        "\"T\":%llu,\"m\":%s,\"M\":true}\n",
        word(trade.time_ms), word(trade.id), word(trade.cents / 100), word(trade.cents % 100),
        word(trade.quantity_e5 / 100'000), word(trade.quantity_e5 % 100'000), word(trade.time_ms),
        trade.maker ? "true" : "false");
  }
  text.append(line, static_cast<std::size_t>(length));
  return static_cast<std::size_t>(length);
}

void add(std::vector<TradeBar>& bars, const Trade& trade) {
  const std::size_t at = (trade.time_ms - kFirstMs) / 60'000 * 2 + (trade.maker ? 1 : 0);
  if (at >= bars.size()) bars.resize(at / 2 * 2 + 2);
  TradeBar& bar = bars[at];
  const double price = static_cast<double>(trade.cents) / 100;
  bar.low = bar.trades == 0 ? price : std::min(bar.low, price);
  bar.high = bar.trades == 0 ? price : std::max(bar.high, price);
  bar.quantity += static_cast<double>(trade.quantity_e5) / 1e5;
  bar.quote += static_cast<double>(trade.cents * trade.quantity_e5) / 1e7;
  bar.last_id = trade.id;
  ++bar.trades;
}

bool near(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

}  // namespace

Trades make_trades(TradeText kind, std::size_t bytes) {
  Trades trades;
  trades.text.reserve(bytes + 512);
  trades.first_minute = kFirstMs / 60'000;
  Numbers numbers(11);
  while (trades.bytes < bytes) {
    const Trade trade{kFirstId + trades.lines, kFirstMs + trades.lines, 6'000'000 + numbers.below(100'000),
                      numbers.below(100'000), numbers.below(2) == 1};
    trades.bytes += append(trades.text, kind, trade);
    ++trades.lines;
    add(trades.bars, trade);
  }
  trades.text.append(64, '\0');
  return trades;
}

TemporaryFile::TemporaryFile(const Parameters& parameters, const std::string& name)
    : path_(parameters.folder + "/weir-bench-" + std::to_string(getpid()) + "-" + name) {}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;  // nothing was made: nothing to remove
  std::filesystem::remove_all(path_, ignored);
}

void TemporaryFile::write(std::string_view content) const {
  std::ofstream file(path_, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.flush()) {
    std::fprintf(stderr, "weir-bench: cannot write %s\n", path_.c_str());
    std::exit(2);
  }
}

std::string TemporaryFile::take_parts() const {
  std::ostringstream text;
  for (const auto& part : std::filesystem::directory_iterator(path_)) {
    std::ifstream file(part.path(), std::ios::binary);
    if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  }
  std::filesystem::remove_all(path_);
  return text.str();
}

std::string trades_sql(TradeText kind, const std::string& source, const std::string& sink) {
  return trades_sql_with(kind, "'connector' = 'filesystem', 'path' = '" + source + "'", sink);
}

std::string trades_sql_with(TradeText kind, const std::string& source_options, const std::string& sink) {
  const bool csv = kind == TradeText::kCsv;
  const std::string columns =
      csv ? "id BIGINT, price DOUBLE, quantity DOUBLE, quote DOUBLE, time_ms BIGINT, maker BOOLEAN, "
            "ts AS TO_TIMESTAMP_LTZ(time_ms, 3)"
          : "s STRING, t BIGINT, p DOUBLE, q DOUBLE, T BIGINT, m BOOLEAN, "
            "ts AS TO_TIMESTAMP_LTZ(T, 3)";
  const std::string question = csv ? "maker, COUNT(*), MIN(price), MAX(price), SUM(quantity), SUM(quote), MAX(id)"
                                   : "m, COUNT(*), MIN(p), MAX(p), SUM(q), CAST(COUNT(s) AS DOUBLE), MAX(t)";
  return "CREATE TABLE trades (" + columns + ", WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)\nWITH (" +
         source_options + ", 'format' = '" + (csv ? "csv" : "json") +
         "');\n"
         "CREATE TABLE bars (minute_ms BIGINT, maker BOOLEAN, trades BIGINT, low DOUBLE, high DOUBLE, quantity DOUBLE, "
         "quote DOUBLE, last_id BIGINT) WITH ('connector' = 'filesystem', 'path' = '" +
         sink +
         "', 'format' = 'csv');\n"
         "INSERT INTO bars SELECT UNIX_TIMESTAMP(CAST(window_start AS STRING)), " +
         question +
         "\nFROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))\n"
         "GROUP BY window_start, window_end, " +
         (csv ? "maker" : "m") + ";\n";
}

void expect_bars(const std::string& workload, const Trades& trades, const std::string& csv) {
  std::vector<bool> seen(trades.bars.size());
  std::istringstream lines(csv);
  std::size_t found = 0;
  for (std::string line; std::getline(lines, line); ++found) {
    TradeBar bar;
    unsigned long long second = 0, count = 0, id = 0;
    char maker[8] = "";
    if (std::sscanf(line.c_str(), "%llu,%7[^,],%llu,%lf,%lf,%lf,%lf,%llu", &second, maker, &count, &bar.low, &bar.high,
                    &bar.quantity, &bar.quote, &id) != 8)
      wrong_answer(workload, "a line that cannot be read: " + line);
    const std::size_t at = (second / 60 - trades.first_minute) * 2 + (maker[0] == 't' ? 1 : 0);
    if (at >= trades.bars.size() || seen[at]) wrong_answer(workload, "a bar too many: " + line);
    seen[at] = true;
    const TradeBar& expected = trades.bars[at];
    if (count != expected.trades || id != expected.last_id || bar.low != expected.low || bar.high != expected.high ||
        !near(bar.quantity, expected.quantity) || !near(bar.quote, expected.quote))
      wrong_answer(workload, "a wrong bar: " + line);
  }
  expect_equal(workload, "number of bars", std::uint64_t{trades.bars.size()}, std::uint64_t{found});
}

}  // namespace weir::bench
