// SUM and COUNT of a DOUBLE column by window alone, whole pipeline.
//
// Expected. A row is 16 bytes, 8 of the value and 8 of the event time: both are read from memory, once, and nothing
// else is. Each batch is read twice by the pipeline (times: watermark and slice; values: sum), the second time from
// cache, at 100 GB/s and more. So memory bandwidth less a tenth to a quarter for what does not overlap. Bytes counted:
// both columns. Bar: 0.6 of the rate at which one thread sums the words of the same two columns.
#include "workloads/keyed_rows.h"
#include "workloads/workloads.h"

namespace weir::bench {

void run_ungrouped(const Parameters& parameters, Report& report) {
  const std::string name = "ungrouped";
  const std::uint64_t rows = parameters.value("ungrouped.rows", std::uint64_t{1} << 28, 1u << 16);
  const std::size_t period = std::min<std::uint64_t>(kPeriod, rows);
  const Column<std::int64_t>& times = event_times(rows);
  const Column<double> amounts = values(period);
  KeyedAnswer expected(rows, 1), found(rows, 1);
  for (std::uint64_t i = 0; i < rows; ++i) {
    CountSum& group = expected.at(i / kRowsPerWindow, 0);
    ++group.count;
    group.sum += amounts[i % period];
  }
  HostJob job;
  job.sql =
      "CREATE TABLE events (v DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)\n"
      "WITH ('connector' = 'host');\n"
      "CREATE TABLE totals (window_start TIMESTAMP(3), n BIGINT, total DOUBLE) WITH ('connector' = 'host');\n"
      "SET 'weir.double-sum' = 'fast';\n"  // a plain sum, as the limit and the peers compute it
      "INSERT INTO totals SELECT window_start, COUNT(*), SUM(v)\n"
      "FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;\n";
  job.source = "events";
  job.sink = "totals";
  job.inputs = {{{{amounts.data(), 8, period}, {times.data(), 8, times.size()}}, rows}};
  job.take = [&](const Batch& batch) {
    for_each_row(batch, [&](std::uint32_t row) {
      const auto window = static_cast<std::uint64_t>(batch.column(0).values<std::int64_t>()[row] / kWindowNs);
      if (!found.valid(window, 0)) wrong_answer(name, "a result for no window");
      found.at(window, 0) = {batch.column(2).values<double>()[row],
                             static_cast<std::uint64_t>(batch.column(1).values<std::int64_t>()[row])};
    });
  };
  const double bytes = static_cast<double>(rows) * 16;
  const auto engine = [&] {
    found.clear();
    const double seconds = run_host_job(name, job, parameters);
    expected.expect(name, found);
    return bytes / seconds / 1e9;
  };
  const auto limit = [&] {
    pin_here(parameters.cpus[0]);
    const auto now = parameters.time == TimeKind::kWall ? wall_seconds : cpu_seconds;
    const double start = now();
    std::uint64_t sum = read_words(reinterpret_cast<const std::uint64_t*>(times.data()), rows);
    for (std::uint64_t at = 0; at < rows; at += period)
      sum += read_words(reinterpret_cast<const std::uint64_t*>(amounts.data()), period);
    const double seconds = now() - start;
    keep(sum);
    return bytes / seconds / 1e9;
  };
  std::vector<std::uint32_t> sizes = {static_cast<std::uint32_t>(parameters.value("batch_rows", 32768, 1024))};
  if (parameters.sweep) sizes = {1024, 2048, 4096, 8192, 16384, 32768};
  for (const std::uint32_t size : sizes) {
    job.batch_rows = size;
    const Turns turns = take_turns(parameters.runs, {engine, limit});
    report.add({name, "value + time, batch " + std::to_string(size), "GB/s", turns.rate(0), "memory read",
                turns.rate(1), turns.ratio(0, 1), Bar::kAtLeast, 0.6});
  }
}

}  // namespace weir::bench
