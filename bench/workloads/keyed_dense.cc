// Tumbling COUNT and SUM(DOUBLE) by 1,000 INT keys, whole pipeline: host table, watermark, window, callback.
//
// Expected. A row is 20 bytes: 4 key, 8 value, 8 time. The scatter limit spends about 0.8 ns a row at 1,000 groups (a
// dependent add of 4 cycles is hidden by other groups; two loads, one read-modify-write of 16 bytes), and reads 12
// bytes. Weir does the same accumulation and one pass over the times (min, max, and whether a row is late): 0.1 to 0.2
// ns from cache, and memory at 35 GB/s gives 0.57 ns for 20 bytes, which overlaps with the accumulation through
// prefetching. So between 0.9 and 1.3 ns a row: 0.6 to 0.9 of the limit. Bar: 0.5.
#include "workloads/keyed_rows.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t kKeys = 1000;

}  // namespace

void run_keyed_dense(const Parameters& parameters, Report& report) {
  const std::string name = "keyed_dense";
  const std::uint64_t rows = parameters.value("keyed.rows", std::uint64_t{1} << 28, 1u << 16);
  const std::size_t period = std::min<std::uint64_t>(kPeriod, rows);
  const Column<std::int64_t>& times = event_times(rows);
  const Column<double> amounts = values(period);
  Column<std::int32_t> keys(period);
  Numbers numbers(1);
  for (std::size_t i = 0; i < period; ++i) keys[i] = static_cast<std::int32_t>(numbers.below(kKeys));

  KeyedAnswer expected(rows, kKeys), found(rows, kKeys);
  for (std::uint64_t i = 0; i < rows; ++i) {
    CountSum& group = expected.at(i / kRowsPerWindow, static_cast<std::uint64_t>(keys[i % period]));
    ++group.count;
    group.sum += amounts[i % period];
  }
  HostJob job;
  job.source = "events";
  job.sink = "totals";
  job.inputs = {{{{keys.data(), 4, period}, {amounts.data(), 8, period}, {times.data(), 8, times.size()}}, rows}};
  job.take = [&](const Batch& batch) {
    for_each_row(batch, [&](std::uint32_t row) {
      const auto window = static_cast<std::uint64_t>(batch.column(0).values<std::int64_t>()[row] / kWindowNs);
      const auto key = static_cast<std::uint64_t>(batch.column(1).values<std::int32_t>()[row]);
      if (!found.valid(window, key)) wrong_answer(name, "a result for no window or no key");
      found.at(window, key) = {batch.column(3).values<double>()[row],
                               static_cast<std::uint64_t>(batch.column(2).values<std::int64_t>()[row])};
    });
  };
  const auto engine = [&] {
    found.clear();
    const double seconds = run_host_job(name, job, parameters);
    expected.expect(name, found);
    return static_cast<double>(rows) / seconds / 1e6;
  };
  const auto limit = [&] {
    std::vector<CountSum> groups(kKeys);
    pin_here(parameters.cpus[0]);
    const auto now = parameters.time == TimeKind::kWall ? wall_seconds : cpu_seconds;
    const double start = now();
    for (std::uint64_t at = 0; at < rows; at += period) scatter(keys.data(), amounts.data(), period, groups.data());
    const double seconds = now() - start;
    keep(groups[1].sum);
    return static_cast<double>(rows) / seconds / 1e6;
  };
  std::vector<std::uint32_t> sizes = {static_cast<std::uint32_t>(parameters.value("batch_rows", 32768, 1024))};
  if (parameters.sweep) sizes = {1024, 2048, 4096, 8192, 16384, 32768};
  for (const char* type : {"DOUBLE", "DOUBLE NOT NULL"}) {
    job.sql = keyed_sql("INT", type);
    for (const std::uint32_t size : sizes) {
      job.batch_rows = size;
      const Turns turns = take_turns(parameters.runs, {engine, limit});
      report.add({name, std::string(type) + ", batch " + std::to_string(size), "M rows/s", turns.rate(0),
                  "scatter limit", turns.rate(1), turns.ratio(0, 1), Bar::kAtLeast, 0.5});
    }
  }
}

}  // namespace weir::bench
