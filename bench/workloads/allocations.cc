// Allocations on the data path after start: 0.
//
// This program counts every malloc of the process, whatever the thread. The count starts when every input
// has been read so often that each shard's first turn, in which it opens what it reads and writes, is over, and ends
// with the last batch of results (of a file: from the first results on); the thread that waits for the job does nothing
// meanwhile. Windows open and close between the two. Expected: 0, since all memory is taken before the first row. Bar:
// 0.
#include <atomic>
#include <cstdio>
#include <vector>

#include "harness/allocation_count.h"
#include "workloads/keyed_rows.h"
#include "workloads/trades.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

class Watch {
 public:
  /// Counting starts when that many inputs have been read so many times. Each is read by one thread.
  Watch(std::uint32_t inputs, std::uint32_t reads)
      : missing_((std::uint64_t{1} << inputs) - 1), reads_left_(inputs, reads) {}
  void read(std::uint32_t input) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << input;
    if ((missing_.load(std::memory_order_relaxed) & bit) == 0 || --reads_left_[input] != 0) return;
    if (missing_.fetch_and(~bit) == bit) first_.store(allocations());
  }
  void results() noexcept { last_.store(allocations()); }
  double seen() const noexcept { return static_cast<double>(last_.load() - first_.load()); }

 private:
  std::atomic<std::uint64_t> missing_, first_{0}, last_{0};
  std::vector<std::uint32_t> reads_left_;
};

void add_line(Report& report, const std::string& setting, double seen) {
  const Sample sample{seen, seen, seen};
  report.add({"allocations", setting, "count", sample, "", {}, sample, Bar::kAtMost, 0});
}

double host_allocations(const Parameters& parameters, std::uint32_t shards) {
  constexpr std::uint32_t kKeys = 1000;
  const std::uint64_t rows = parameters.value("allocations.rows", 1u << 25, 1u << 17);
  const Column<std::int64_t>& times = event_times(rows);
  const Column<double> amounts = values(rows);
  Column<std::int64_t> keys(rows);
  Numbers numbers(4);
  for (std::size_t i = 0; i < rows; ++i) keys[i] = static_cast<std::int64_t>(numbers.below(kKeys)) * 1'000'003;
  std::uint64_t counted = 0;
  // A turn reads up to four batches and then opens the sink that stands behind an exchange.
  Watch watch(2, parameters.smoke ? 1 : 8);
  HostJob job;
  job.sql = keyed_sql("BIGINT");
  job.source = "events";
  job.sink = "totals";
  for (int input = 0; input < 2; ++input)
    job.inputs.push_back({{{keys.data(), 8, rows}, {amounts.data(), 8, rows}, {times.data(), 8, times.size()}}, rows});
  job.shards = shards;
  job.take = [&](const Batch& batch) {
    for_each_row(batch, [&](std::uint32_t row) {
      counted += static_cast<std::uint64_t>(batch.column(2).values<std::int64_t>()[row]);
    });
  };
  job.observe = [&](std::uint32_t input) { input == HostJob::kResults ? watch.results() : watch.read(input); };
  run_host_job("allocations", job, parameters);
  expect_equal("allocations", "rows in the results", 2 * rows, counted);
  return watch.seen();
}

double file_allocations(const Parameters& parameters, TradeText kind) {
  const Trades trades = make_trades(kind, parameters.value("allocations.bytes", 50'000'000, 10'000'000));
  const TemporaryFile source(parameters, "trades.txt");
  source.write(std::string_view(trades.text).substr(0, trades.bytes));
  std::string sql = trades_sql(kind, source.path(), "unused");
  const std::size_t at = sql.find("'connector' = 'filesystem'", sql.find("CREATE TABLE bars"));
  sql.replace(at, sql.find(')', at) - at, "'connector' = 'host'");
  Watch watch(1, 1);
  std::uint64_t counted = 0;
  JobOptions options;
  options.cpus = {parameters.cpus[0]};
  options.host_tables["bars"].write = [&](std::uint32_t, const Batch& batch) {
    watch.read(0);
    watch.results();
    for_each_row(batch, [&](std::uint32_t row) {
      counted += static_cast<std::uint64_t>(batch.column(2).values<std::int64_t>()[row]);
    });
  };
  run_job("allocations", sql, std::move(options), trades.lines, TimeKind::kWall);
  expect_equal("allocations", "rows in the results", trades.lines, counted);
  return watch.seen();
}

}  // namespace

void run_allocations(const Parameters& parameters, Report& report) {
  const std::uint64_t before = allocations();
  int* volatile probe = new int(1);  // volatile: the compiler may leave the pair out otherwise
  delete probe;
  if (allocations() == before) wrong_answer("allocations", "an allocation was not counted");
  add_line(report, "host rows, one shard", host_allocations(parameters, 1));
  add_line(report, "host rows, two shards", host_allocations(parameters, 2));
  add_line(report, "CSV file", file_allocations(parameters, TradeText::kCsv));
  add_line(report, "JSON file", file_allocations(parameters, TradeText::kJson));
}

}  // namespace weir::bench
