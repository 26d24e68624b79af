// Peak memory of a run against what explain said before it.
//
// A child process asks explain, looks at its own greatest resident memory, makes and runs the job, and looks again.
// Expected: below what explain said, which counts every arena, ring, buffer and table in full; pages that a run does
// not touch are not resident. Bar: growth <= explain.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/machine.h"
#include "weir/pipeline/sql.h"
#include "workloads/keyed_rows.h"
#include "workloads/trades.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr std::uint64_t kRows = 1u << 24;
constexpr const char* kCases[] = {"host", "host_two_shards", "csv"};

/// Rows made on the way, so that the child holds nothing but the job.
class Maker {
 public:
  ReadStatus read(Batch& batch) noexcept {
    if (at_ == kRows) return ReadStatus::kEnd;
    const auto rows = static_cast<std::uint32_t>(std::min<std::uint64_t>(batch.capacity(), kRows - at_));
    for (std::uint32_t r = 0; r < rows; ++r) {
      batch.column(0).values<std::int64_t>()[r] = static_cast<std::int64_t>(numbers_.below(100'000) * 7919);
      batch.column(1).values<double>()[r] = 1;
      batch.column(2).values<std::int64_t>()[r] = static_cast<std::int64_t>((at_ + r) / 1000) * 1'000'000;
    }
    batch.set_row_count(rows);
    at_ += rows;
    return ReadStatus::kRows;
  }

 private:
  std::uint64_t at_ = 0;
  Numbers numbers_{5};
};

struct Measured {
  unsigned long long growth = 0, explained = 0;
};

Measured measure(const std::string& sql, JobOptions options, std::uint64_t rows) {
  const auto plan = plan_sql(sql);
  if (!plan.has_value()) wrong_answer("peak_memory", plan.error().to_string());
  const auto explained = Job::explain(*plan, options);
  if (!explained.has_value()) wrong_answer("peak_memory", explained.error().to_string());
  const std::size_t before = peak_memory_bytes();
  run_job("peak_memory", sql, std::move(options), rows, TimeKind::kWall);
  return {peak_memory_bytes() - before, explained->memory_bytes_max};
}

Measured run_child(const std::string& which, const Parameters& parameters) {
  if (which == "csv") {
    const TemporaryFile source(parameters, "trades.csv"), sink(parameters, "bars.csv");
    std::uint64_t lines = 0;
    if (const pid_t child = fork(); child == 0) {  // so that the text is never in this process's memory
      source.write([] {
        Trades trades = make_trades(TradeText::kCsv, 20'000'000);
        trades.text.resize(trades.bytes);
        return trades.text;
      }());
      _exit(0);
    } else {
      waitpid(child, nullptr, 0);
    }
    if (std::FILE* file = std::fopen(source.path().c_str(), "r"); file != nullptr) {
      for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) lines += c == '\n' ? 1 : 0;
      std::fclose(file);
    }
    JobOptions options;
    return measure(trades_sql(TradeText::kCsv, source.path(), sink.path()), std::move(options), lines);
  }
  const std::uint32_t inputs = 2;
  std::vector<Maker> makers(inputs);
  std::uint64_t counted = 0;
  JobOptions options;
  options.shards = which == "host" ? 1 : 2;
  HostTable& source = options.host_tables["events"];
  source.inputs = inputs;
  source.read = [&](std::uint32_t input, Batch& batch) { return makers[input].read(batch); };
  options.host_tables["totals"].write = [&](std::uint32_t, const Batch& batch) {
    for_each_row(batch, [&](std::uint32_t row) {
      counted += static_cast<std::uint64_t>(batch.column(2).values<std::int64_t>()[row]);
    });
  };
  const Measured measured = measure(keyed_sql("BIGINT"), std::move(options), inputs * kRows);
  expect_equal("peak_memory", "rows in the results", inputs * kRows, counted);
  return measured;
}

}  // namespace

int peak_memory_child(const std::string& which, const Parameters& parameters) {
  const Measured measured = run_child(which, parameters);
  std::printf("%llu %llu\n", measured.growth, measured.explained);
  return 0;
}

void run_peak_memory(const Parameters&, Report& report) {
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) wrong_answer("peak_memory", "the program does not find itself");
  self[length] = '\0';
  for (const char* which : kCases) {
    const std::string command = "'" + std::string(self) + "' --peak-memory-child " + which;
    std::FILE* child = popen(command.c_str(), "r");
    Measured measured;
    const bool read = child != nullptr && std::fscanf(child, "%llu %llu", &measured.growth, &measured.explained) == 2;
    if (child == nullptr || pclose(child) != 0 || !read) wrong_answer("peak_memory", "the child failed");
    const double growth = static_cast<double>(measured.growth) / 1e6;
    const double explained = static_cast<double>(measured.explained) / 1e6;
    const double ratio = growth / explained;
    report.add({"peak_memory",
                which,
                "MB",
                {growth, growth, growth},
                "explain",
                {explained, explained, explained},
                {ratio, ratio, ratio},
                Bar::kAtMost,
                1.0});
  }
}

}  // namespace weir::bench
