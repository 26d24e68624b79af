// Tumbling exact COUNT(DISTINCT x) over 64-bit values, 100,000 different ones a window: without a key, and by 1,000 INT
// keys with 100 values each, whole pipeline.
//
// Expected. The limit's table takes 6 MiB and a row costs a line of it, 4 to 5 ns. The set's slot is the 8-byte hash
// alone, at most 5/8 full: 1 to 2 MiB, near a core's L2. Weir hashes with a bijection where the limit has one CRC32
// instruction, and assigns windows: 1 to 2 ns more. By key each set is a table of its own (256 slots, 2 KiB), whose
// address stands in the group's row: one more line. So 0.7 to 1 without a key, 0.5 to 0.7 with. Bar: 0.5.
#include <algorithm>
#include <vector>

#include "workloads/keyed_rows.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr std::uint64_t kValues = 100'000;
constexpr std::uint64_t kKeys = 1'000;
constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15ull;  // odd: a bijection of 64 bits

struct DistinctRows {
  std::uint64_t count = 0;
  std::size_t period = 0;
  Column<std::int32_t> keys;
  Column<std::int64_t> values;
  Column<double> ones;                       // for the limit
  std::vector<std::uint64_t> whole, by_key;  // the naive answers: by window, by window and key
};

DistinctRows make_rows(std::uint64_t count) {
  DistinctRows rows{count, static_cast<std::size_t>(std::min<std::uint64_t>(kPeriod, count)), {}, {}, {}, {}, {}};
  rows.keys = Column<std::int32_t>(rows.period);
  rows.values = Column<std::int64_t>(rows.period);
  rows.ones = Column<double>(rows.period);
  std::vector<std::uint32_t> numbers(rows.period);
  Numbers random(5);
  for (std::size_t i = 0; i < rows.period; ++i) {
    const std::uint64_t number = random.below(kValues);
    numbers[i] = static_cast<std::uint32_t>(number);
    rows.keys[i] = static_cast<std::int32_t>(number % kKeys);
    rows.values[i] = static_cast<std::int64_t>(number * kSpread);
    rows.ones[i] = 1;
  }
  const std::uint64_t windows = (count - 1) / kRowsPerWindow + 1;
  rows.whole.assign(windows, 0);
  rows.by_key.assign(windows * kKeys, 0);
  std::vector<bool> seen;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i % kRowsPerWindow == 0) seen.assign(kValues, false);
    const std::uint32_t number = numbers[i % rows.period];
    if (seen[number]) continue;
    seen[number] = true;
    const std::uint64_t window = i / kRowsPerWindow;
    ++rows.whole[window];
    ++rows.by_key[window * kKeys + number % kKeys];
  }
  return rows;
}

std::string sql(bool keyed) {
  const std::string key = keyed ? "k, " : "";
  return "CREATE TABLE events (" + std::string(keyed ? "k INT, " : "") +
         "x BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'host');\n"
         "CREATE TABLE counts (window_start TIMESTAMP(3), " +
         std::string(keyed ? "k INT, " : "") +
         "n BIGINT) WITH ('connector' = 'host');\n"
         "INSERT INTO counts SELECT window_start, " +
         key +
         "COUNT(DISTINCT x)\nFROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))\n"
         "GROUP BY " +
         key + "window_start, window_end;\n";
}

void run_case(const Parameters& parameters, Report& report, const DistinctRows& rows, bool keyed) {
  const std::string name = "count_distinct";
  const Column<std::int64_t>& times = event_times(rows.count);
  const std::vector<std::uint64_t>& expected = keyed ? rows.by_key : rows.whole;
  std::vector<std::uint64_t> found;
  HostJob job;
  job.sql = sql(keyed);
  job.source = "events";
  job.sink = "counts";
  job.batch_rows = static_cast<std::uint32_t>(parameters.value("batch_rows", 32768, 1024));
  const std::vector<FedColumn> columns =
      keyed ? std::vector<FedColumn>{{rows.keys.data(), 4, rows.period}, {rows.values.data(), 8, rows.period}}
            : std::vector<FedColumn>{{rows.values.data(), 8, rows.period}};
  job.inputs = {{columns, rows.count}};
  job.inputs[0].columns.push_back({times.data(), 8, times.size()});
  job.take = [&](const Batch& batch) {
    for_each_row(batch, [&](std::uint32_t row) {
      std::uint64_t group = static_cast<std::uint64_t>(batch.column(0).values<std::int64_t>()[row] / kWindowNs);
      if (keyed) group = group * kKeys + static_cast<std::uint64_t>(batch.column(1).values<std::int32_t>()[row]);
      if (group >= found.size()) wrong_answer(name, "a result for no window or no key");
      found[group] = static_cast<std::uint64_t>(batch.column(keyed ? 2 : 1).values<std::int64_t>()[row]);
    });
  };
  const auto engine = [&] {
    found.assign(expected.size(), 0);
    const double seconds = run_host_job(name, job, parameters);
    for (std::size_t g = 0; g < expected.size(); ++g) expect_equal(name, "a group's count", expected[g], found[g]);
    return static_cast<double>(rows.count) / seconds / 1e6;
  };
  const auto limit = [&] {
    ProbeTable table(kValues);
    pin_here(parameters.cpus[0]);
    const auto now = parameters.time == TimeKind::kWall ? wall_seconds : cpu_seconds;
    const double start = now();
    for (std::uint64_t at = 0; at < rows.count; at += rows.period) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(rows.period, rows.count - at));
      table.add(rows.values.data(), rows.ones.data(), part);
    }
    const double seconds = now() - start;
    expect_equal(name, "count of the limit", rows.count, table.count());
    return static_cast<double>(rows.count) / seconds / 1e6;
  };
  const Turns turns = take_turns(parameters.runs, {engine, limit});
  report.add({name, keyed ? "1,000 INT keys, 100 values each" : "no key, 100,000 values", "M rows/s", turns.rate(0),
              "hash probe limit", turns.rate(1), turns.ratio(0, 1), Bar::kAtLeast, 0.5});
}

}  // namespace

void run_count_distinct(const Parameters& parameters, Report& report) {
  const DistinctRows rows = make_rows(parameters.value("distinct.rows", std::uint64_t{1} << 26, 1u << 18));
  run_case(parameters, report, rows, false);
  run_case(parameters, report, rows, true);
}

}  // namespace weir::bench
