// Tumbling COUNT and SUM(DOUBLE) by 100,000 BIGINT keys spread over 64 bits, whole pipeline.
//
// Expected. The limit's table takes 6 MiB: past a core's L2, so a row costs a line from L3, hidden by a prefetch, and a
// mispredicted walk now and then: about 4 to 5 ns. Weir looks keys up in batches with all their lines in flight, in
// 4-byte slots at most a quarter full (1 to 2 MiB) and then in 24-byte rows: the same cost. A window of ten million
// rows gives 100,000 results, 1 % of the rows. So 0.8 to 1.0 of the limit. Bar: 0.8.
#include "workloads/keyed_rows.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t kKeys = 100'000;
constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15ull;  // odd: a bijection of 64 bits
constexpr std::uint64_t kBack = [] {                      // its inverse, by Newton's iteration
  std::uint64_t inverse = kSpread;
  for (int i = 0; i < 6; ++i) inverse *= 2 - kSpread * inverse;
  return inverse;
}();
static_assert(kSpread * kBack == 1);

}  // namespace

void run_keyed_spread(const Parameters& parameters, Report& report) {
  const std::string name = "keyed_spread";
  const std::uint64_t rows = parameters.value("spread.rows", std::uint64_t{1} << 27, 1u << 18);
  const std::size_t period = std::min<std::uint64_t>(kPeriod, rows);
  const Column<std::int64_t>& times = event_times(rows);
  const Column<double> amounts = values(period);
  Column<std::int64_t> keys(period);
  Numbers numbers(2);
  for (std::size_t i = 0; i < period; ++i) keys[i] = static_cast<std::int64_t>(numbers.below(kKeys) * kSpread);

  KeyedAnswer expected(rows, kKeys), found(rows, kKeys);
  for (std::uint64_t i = 0; i < rows; ++i) {
    CountSum& group = expected.at(i / kRowsPerWindow, static_cast<std::uint64_t>(keys[i % period]) * kBack);
    ++group.count;
    group.sum += amounts[i % period];
  }
  HostJob job;
  job.sql = keyed_sql("BIGINT");
  job.source = "events";
  job.sink = "totals";
  job.inputs = {{{{keys.data(), 8, period}, {amounts.data(), 8, period}, {times.data(), 8, times.size()}}, rows}};
  job.take = [&](const Batch& batch) {
    for_each_row(batch, [&](std::uint32_t row) {
      const auto window = static_cast<std::uint64_t>(batch.column(0).values<std::int64_t>()[row] / kWindowNs);
      const auto key = static_cast<std::uint64_t>(batch.column(1).values<std::int64_t>()[row]) * kBack;
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
    ProbeTable table(kKeys);
    pin_here(parameters.cpus[0]);
    const auto now = parameters.time == TimeKind::kWall ? wall_seconds : cpu_seconds;
    const double start = now();
    for (std::uint64_t at = 0; at < rows; at += period) table.add(keys.data(), amounts.data(), period);
    const double seconds = now() - start;
    expect_equal(name, "count of the limit", rows, table.count());
    return static_cast<double>(rows) / seconds / 1e6;
  };
  std::vector<std::uint32_t> sizes = {static_cast<std::uint32_t>(parameters.value("batch_rows", 32768, 1024))};
  if (parameters.sweep) sizes = {1024, 2048, 4096, 8192, 16384, 32768};
  for (const std::uint32_t size : sizes) {
    job.batch_rows = size;
    const Turns turns = take_turns(parameters.runs, {engine, limit});
    report.add({name, "100,000 BIGINT, batch " + std::to_string(size), "M rows/s", turns.rate(0), "hash probe limit",
                turns.rate(1), turns.ratio(0, 1), Bar::kAtLeast, 0.8});
  }
}

}  // namespace weir::bench
