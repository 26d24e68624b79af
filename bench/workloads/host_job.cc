// Feeds a job from columns and times it (host_job.h).
#include "workloads/host_job.h"

#include <algorithm>

#include "harness/report.h"

namespace weir::bench {

ReadStatus Feed::read(Batch& batch) noexcept {
  if (at_ == input_.rows) return ReadStatus::kEnd;
  std::uint64_t rows = std::min<std::uint64_t>(batch.capacity(), input_.rows - at_);
  for (const FedColumn& column : input_.columns)
    rows = std::min<std::uint64_t>(rows, column.period - at_ % column.period);
  for (std::uint32_t c = 0; c < input_.columns.size(); ++c) {
    const FedColumn& column = input_.columns[c];
    // The engine reads columns of a source and does not write to them.
    batch.column(c).data =
        const_cast<char*>(static_cast<const char*>(column.data)) + at_ % column.period * column.width;
    batch.column(c).validity = nullptr;
  }
  batch.set_row_count(static_cast<std::uint32_t>(rows));
  at_ += rows;
  return ReadStatus::kRows;
}

JobOptions host_options(const HostJob& job, std::vector<Feed>& feeds, const Parameters& parameters) {
  JobOptions options;
  options.shards = job.shards;
  options.cpus.assign(parameters.cpus.begin(), parameters.cpus.begin() + std::min<std::ptrdiff_t>(2, job.shards));
  options.batch_rows = job.batch_rows;
  options.groups_max = job.groups_max;
  HostTable& source = options.host_tables[job.source];
  source.inputs = static_cast<std::uint32_t>(feeds.size());
  source.read = [&feeds, observe = job.observe](std::uint32_t input, Batch& batch) {
    if (observe) observe(input);
    return feeds[input].read(batch);
  };
  options.host_tables[job.sink].write = [take = job.take, observe = job.observe](std::uint32_t, const Batch& batch) {
    take(batch);
    if (observe) observe(HostJob::kResults);
  };
  return options;
}

double run_host_job(const std::string& workload, const HostJob& job, const Parameters& parameters) {
  std::vector<Feed> feeds;
  std::uint64_t rows = 0;
  for (const FedInput& input : job.inputs) {
    feeds.emplace_back(input);
    rows += input.rows;
  }
  const TimeKind time = job.shards == 1 ? parameters.time : TimeKind::kWall;
  return run_job(workload, job.sql, host_options(job, feeds, parameters), rows, time);
}

double run_job(const std::string& workload, const std::string& sql, JobOptions options, std::uint64_t rows,
               TimeKind time) {
  auto job = make_job(sql, std::move(options));
  if (!job.has_value()) wrong_answer(workload, job.error().to_string());
  const auto now = time == TimeKind::kWall ? wall_seconds : cpu_seconds;
  const double start = now();
  const auto done = (*job)->run();
  const double seconds = now() - start;
  if (!done.has_value()) wrong_answer(workload, done.error().to_string());
  const JobLedger ledger = (*job)->ledger();
  expect_equal(workload, "rows read", rows, ledger.records_read);
  expect_equal(workload, "late rows", std::uint64_t{0}, ledger.late);
  expect_equal(workload, "malformed rows", std::uint64_t{0}, ledger.malformed);
  expect_equal(workload, "imbalance of the ledger", std::uint64_t{0}, static_cast<std::uint64_t>(ledger.imbalance));
  return seconds;
}

}  // namespace weir::bench
