// Tumbling COUNT, SUM, MIN and MAX of a DOUBLE by INT key, from columns, against DuckDB's batch query over the same
// columns on one thread (peers/duckdb_batch.py). 20 M rows, a row every microsecond, ten windows.
//
// Expected. Four accumulators of 8 bytes a group. 1,000 keys stay in the first cache: 0.5 ns for count and sum in one
// pass and as much again for minimum and maximum, with the times some 1.3 ns, or 700 M rows/s; DuckDB hashes two key
// columns, 80 to 90 M rows/s on another machine. 100,000 keys are 4 MB a window, outside the second-level cache: a miss
// to the last level a row, overlapped, 4 to 6 ns; DuckDB 25 M rows/s. Bar: 3.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "workloads/host_job.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

struct Checks {
  std::uint64_t groups = 0, count = 0;
  double sum = 0, minima = 0, maxima = 0;
};

struct Batchwise {
  double seconds = 0;
  Checks checks;
  std::string version;
};

/// Runs the peer once; false where there is none.
bool run_peer(std::uint64_t rows, std::uint32_t keys, std::uint64_t rows_per_window, int cpu, Batchwise& out) {
  const char* python = std::getenv("WEIR_BENCH_PYTHON");
  const std::string command = std::string(python == nullptr ? "python3" : python) + " " + WEIR_SOURCE_DIR +
                              "/bench/peers/duckdb_batch.py " + std::to_string(rows) + " " + std::to_string(keys) +
                              " " + std::to_string(rows_per_window) + " " + std::to_string(cpu) + " 2>/dev/null";
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return false;
  char version[64] = "";
  unsigned long long groups = 0, count = 0;
  const int read = std::fscanf(pipe, "%lf %llu %llu %lf %lf %lf %63s", &out.seconds, &groups, &count, &out.checks.sum,
                               &out.checks.minima, &out.checks.maxima, version);
  const bool done = pclose(pipe) == 0 && read == 7;
  out.checks.groups = groups;
  out.checks.count = count;
  out.version = version;
  return done;
}

struct Input {
  Column<std::int32_t> keys;
  Column<double> values;
  Column<std::int64_t> times;
  Input(std::uint64_t rows, std::uint32_t key_count) : keys(rows), values(rows), times(rows) {
    for (std::uint64_t i = 0; i < rows; ++i) {
      keys[i] = static_cast<std::int32_t>((i * 2654435761u % 4294967296u) * key_count >> 32);
      values[i] = static_cast<double>((i * 40503 % 65536) * 1000 >> 16);
      times[i] = static_cast<std::int64_t>(i) * 1000;
    }
  }
};

/// "2.000" of 2,000,000 microseconds.
std::string seconds_text(std::uint64_t microseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%llu.%03llu", static_cast<unsigned long long>(microseconds / 1'000'000),
                static_cast<unsigned long long>(microseconds / 1000 % 1000));
  return text;
}

HostJob job_of(const Input& input, std::uint64_t rows, std::uint64_t rows_per_window, bool exact, Checks& found) {
  HostJob job;
  job.source = "events";
  job.sink = "totals";
  job.sql =
      "CREATE TABLE events (k INT NOT NULL, v DOUBLE NOT NULL, ts TIMESTAMP(6), WATERMARK FOR ts AS ts - INTERVAL "
      "'0.001' SECOND) WITH ('connector' = 'host');\n"
      "CREATE TABLE totals (window_start TIMESTAMP(3), k INT, n BIGINT, total DOUBLE, least DOUBLE, greatest DOUBLE) "
      "WITH ('connector' = 'host');\n"
      "SET 'weir.double-sum' = '" +
      std::string(exact ? "exact" : "fast") +  // fast is a plain sum, as the peer computes it
      "';\nINSERT INTO totals SELECT window_start, k, COUNT(*), SUM(v), MIN(v), MAX(v)\n"
      "FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '" +
      seconds_text(rows_per_window) + "' SECOND)) GROUP BY window_start, window_end, k;\n";
  job.inputs = {{{{input.keys.data(), 4, rows}, {input.values.data(), 8, rows}, {input.times.data(), 8, rows}}, rows}};
  job.take = [&found](const Batch& batch) {
    for_each_row(batch, [&](std::uint32_t row) {
      ++found.groups;
      found.count += static_cast<std::uint64_t>(batch.column(2).values<std::int64_t>()[row]);
      found.sum += batch.column(3).values<double>()[row];
      found.minima += batch.column(4).values<double>()[row];
      found.maxima += batch.column(5).values<double>()[row];
    });
  };
  return job;
}

}  // namespace

void run_duckdb(const Parameters& parameters, Report& report) {
  const std::string name = "duckdb";
  const std::uint64_t rows = parameters.value("duckdb.rows", 20'000'000, 200'000);
  for (const std::uint32_t keys : {1'000u, 100'000u}) {
    const std::uint64_t rows_per_window = rows / 10;
    Batchwise peer;
    if (!run_peer(rows, keys, rows_per_window, parameters.cpus[0], peer)) {
      report.note("duckdb: left out, since python3 (or $WEIR_BENCH_PYTHON) has no module duckdb");
      return;
    }
    const Input input(rows, keys);
    Checks found;
    const auto run_engine = [&](bool exact) {
      HostJob job = job_of(input, rows, rows_per_window, exact, found);
      job.batch_rows = static_cast<std::uint32_t>(parameters.value("batch_rows", 32768, 1024));
      found = {};
      const double seconds = run_host_job(name, job, parameters);
      expect_equal(name, "number of groups", peer.checks.groups, found.groups);
      expect_equal(name, "count of rows", peer.checks.count, found.count);
      expect_equal(name, "sum of sums", peer.checks.sum, found.sum);
      expect_equal(name, "sum of minima", peer.checks.minima, found.minima);
      expect_equal(name, "sum of maxima", peer.checks.maxima, found.maxima);
      return static_cast<double>(rows) / seconds / 1e6;
    };
    const auto batchwise = [&] {
      if (!run_peer(rows, keys, rows_per_window, parameters.cpus[0], peer)) wrong_answer(name, "DuckDB failed");
      return static_cast<double>(rows) / peer.seconds / 1e6;
    };
    const Turns turns =
        take_turns(parameters.runs, {[&] { return run_engine(false); }, batchwise, [&] { return run_engine(true); }});
    const std::string setting = std::to_string(keys) + " INT keys, 10 windows", version = "DuckDB " + peer.version;
    report.add({name, setting, "M rows/s", turns.rate(0), version + ", one thread", turns.rate(1), turns.ratio(0, 1),
                Bar::kAtLeast, 3});
    report.add({name, setting + ", exact sums", "M rows/s", turns.rate(2), version + ", one thread", turns.rate(1),
                turns.ratio(2, 1), Bar::kNone, 3});
  }
}

}  // namespace weir::bench
