// Record and replay: columns in memory to a journal in the page cache, and the journal to a count and two sums.
//
// Expected. Recording copies a column once into the sink's buffer (memory to cache, 10 GB/s and more), takes its check
// sum there (about 15 GB/s) and has the kernel copy it into the page cache (4 to 10 GB/s on memory that is new to the
// file). The bare copy has the kernel copy twice. So recording should come to about the bare copy, and replay, which is
// one copy of the kernel and a check sum, to more than it. Bar: 0.7 of the bare copy of the same bytes.
#include <filesystem>
#include <string>
#include <vector>

#include "limits/limits.h"
#include "workloads/host_job.h"
#include "workloads/trades.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr const char* kColumns =
    "id BIGINT NOT NULL, price DOUBLE NOT NULL, quantity BIGINT NOT NULL, at TIMESTAMP(9) NOT NULL";

std::string table(const std::string& name, const std::string& with) {
  return "CREATE TABLE " + name + " (" + kColumns + ") WITH (" + with + ");\n";
}

/// The one part file in the sink's folder.
std::string part_of(const std::string& folder) {
  for (const auto& part : std::filesystem::directory_iterator(folder)) return part.path().string();
  return {};
}

}  // namespace

void run_journal(const Parameters& parameters, Report& report) {
  const std::string name = "journal";
  const std::uint64_t rows = parameters.value("journal.rows", 32'000'000, 200'000);
  constexpr std::size_t kPeriod = 1 << 16;
  std::vector<std::int64_t> ids(kPeriod), quantities(kPeriod), times(kPeriod);
  std::vector<double> prices(kPeriod);
  for (std::size_t i = 0; i < kPeriod; ++i) {
    ids[i] = static_cast<std::int64_t>(i);
    quantities[i] = static_cast<std::int64_t>(i * 7 % 1000);
    times[i] = static_cast<std::int64_t>(i) * 1000;
    prices[i] = static_cast<double>(i % 512) * 0.25;
  }
  std::int64_t quantity_sum = 0;
  for (std::uint64_t i = 0; i < rows; ++i) quantity_sum += quantities[i % kPeriod];
  const TemporaryFile journal(parameters, "journal"), copy(parameters, "copy");
  const auto batch_rows = static_cast<std::uint32_t>(parameters.value("batch_rows", 1024, 1024));
  const std::string stored = "'connector' = 'filesystem', 'path' = '" + journal.path() + "', 'format' = 'journal'";
  std::uint64_t bytes = 0;

  const auto record = [&] {
    std::filesystem::remove_all(journal.path());
    HostJob job;
    job.sql = table("source", "'connector' = 'host'") + table("kept", stored + ", 'journal.time-column' = 'at'") +
              "INSERT INTO kept SELECT id, price, quantity, at FROM source;";
    job.source = "source";
    job.batch_rows = batch_rows;
    job.inputs = {{{{ids.data(), 8, kPeriod},
                    {prices.data(), 8, kPeriod},
                    {quantities.data(), 8, kPeriod},
                    {times.data(), 8, kPeriod}},
                   rows}};
    const double seconds = run_host_job(name, job, parameters);
    bytes = std::filesystem::file_size(part_of(journal.path()));
    return static_cast<double>(bytes) / seconds / 1e6;
  };
  const auto limit = [&] {
    pin_here(parameters.cpus[0]);
    const auto now = parameters.time == TimeKind::kWall ? wall_seconds : cpu_seconds;
    const double start = now();
    const bool whole = copy_file(part_of(journal.path()), copy.path());
    const double seconds = now() - start;
    expect_equal(name, "files copied", std::uint64_t{1}, std::uint64_t{whole});
    std::filesystem::remove(copy.path());
    return static_cast<double>(bytes) / seconds / 1e6;
  };
  const auto replay = [&] {
    JobOptions options;
    options.cpus = {parameters.cpus[0]};
    options.batch_rows = batch_rows;
    std::int64_t count = 0, sum = 0;
    options.host_tables["answer"].write = [&](std::uint32_t, const Batch& batch) {
      for_each_row(batch, [&](std::uint32_t row) {
        count = batch.column(0).values<std::int64_t>()[row];
        sum = batch.column(1).values<std::int64_t>()[row];
      });
    };
    const std::string sql = table("kept", stored) +
                            "CREATE TABLE answer (n BIGINT, quantity BIGINT) WITH ('connector' = 'host');\n"
                            "INSERT INTO answer SELECT COUNT(*), SUM(quantity) FROM kept;";
    const double seconds = run_job(name, sql, std::move(options), rows, parameters.time);
    expect_equal(name, "rows replayed", rows, static_cast<std::uint64_t>(count));
    expect_equal(name, "sum of the rows replayed", static_cast<std::uint64_t>(quantity_sum),
                 static_cast<std::uint64_t>(sum));
    return static_cast<double>(bytes) / seconds / 1e6;
  };
  const Turns turns = take_turns(parameters.runs, {record, limit, replay});
  report.add({name, "record, 32 B a row", "MB/s", turns.rate(0), "bare io_uring copy", turns.rate(1), turns.ratio(0, 1),
              Bar::kAtLeast, 0.7});
  report.add({name, "replay, 32 B a row", "MB/s", turns.rate(2), "bare io_uring copy", turns.rate(1), turns.ratio(2, 1),
              Bar::kAtLeast, 0.7});
}

}  // namespace weir::bench
