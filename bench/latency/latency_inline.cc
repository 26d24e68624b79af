// Inline latency: one row is appended and its answer is there when append returns, all in one thread.
//
// Expected. A row costs its way through the operators, a batch of one row: some hundred instructions a step (watermark,
// filter, project, window aggregate, sink), no line of another core, no system call. At 3 instructions a ns that is 100
// to 300 ns. What is above the 99th percentile is the machine (its gaps are shown beside) and windows that close.
// Bar: p50 at most 300 ns, p99 at most 1 us, from the call of append to the callback.
#include "harness/report.h"
#include "latency/distribution.h"
#include "latency/floor.h"
#include "latency/latency_jobs.h"
#include "latency/ticks.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

/// Latencies of the answers of one run; the filter lets half of the rows through.
Histogram run_inline(const LatencyJob& shape, const Parameters& parameters, std::uint64_t rows) {
  Histogram latencies;
  const double ns = tick_ns();
  std::uint64_t answered = 0, started = 0;
  bool warm = false;
  JobOptions options = latency_options(parameters, [&](const Batch& batch) {
    const std::uint64_t now = ticks_now();
    answered += batch.selected_count();
    if (warm) latencies.record(static_cast<std::int64_t>(static_cast<double>(now - started) * ns));
  });
  options.inline_append = true;
  auto job = make_job(shape.sql, std::move(options));
  if (!job.has_value()) wrong_answer("latency_inline", job.error().to_string());
  Writer writer = std::move((*job)->writer("quotes")).value();
  const std::uint64_t warm_rows = rows / 10;
  std::uint64_t passed = 0;
  for (std::uint64_t row = 0; row < rows + warm_rows; ++row) {
    warm = row >= warm_rows;
    Quote quote;
    quote.us = static_cast<std::int64_t>(row);
    quote.symbol = static_cast<std::int32_t>(row % 16);
    quote.price = row % 2 == 0 ? 20.0F : 5.0F;
    passed += row % 2 == 0 ? 1 : 0;
    started = ticks_now();
    quote.sent = static_cast<std::int64_t>(started);
    if (writer.append(quote) != Appended::kDone) wrong_answer("latency_inline", "append did not take a row");
  }
  if (std::string(shape.name) == "filter") expect_equal("latency_inline", "answers", passed, answered);
  writer.end();
  if (auto result = (*job)->wait(); !result.has_value()) wrong_answer("latency_inline", result.error().to_string());
  expect_equal("latency_inline", "rows read", rows + warm_rows, (*job)->ledger().records_read);
  expect_equal("latency_inline", "imbalance", std::uint64_t{0}, static_cast<std::uint64_t>((*job)->ledger().imbalance));
  return latencies;
}

void add_percentile(Report& report, const std::string& setting, const std::vector<Histogram>& runs, double percent,
                    double bar) {
  std::vector<double> values;
  for (const Histogram& run : runs) values.push_back(static_cast<double>(run.percentile(percent)));
  const Sample sample = Sample::of(values);
  report.add({"latency_inline", setting, "ns", sample, "", {}, sample, Bar::kAtMost, bar});
}

}  // namespace

void run_latency_inline(const Parameters& parameters, Report& report) {
  const std::uint64_t rows = parameters.value("latency.rows", 1'000'000, 2'000);
  pin_here(parameters.cpus[0]);
  Histogram timer, floor;
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::uint64_t start = ticks_now();
    timer.record(static_cast<std::int64_t>(static_cast<double>(ticks_now() - start) * tick_ns()));
  }
  record_gaps(rows, 1'000'000, parameters.cpus[0], false, floor);
  std::vector<Histogram> all;
  std::vector<std::string> names;
  for (const LatencyJob& shape : latency_jobs()) {
    std::vector<Histogram> runs;
    Histogram merged;
    for (std::uint32_t run = 0; run < parameters.runs; ++run) {
      runs.push_back(run_inline(shape, parameters, rows));
      merged.merge(runs.back());
    }
    add_percentile(report, std::string(shape.name) + ", p50", runs, 50, 300);
    add_percentile(report, std::string(shape.name) + ", p99", runs, 99, 1000);
    all.push_back(merged);
    names.emplace_back(shape.name);
  }
  std::vector<Distribution> shown;
  for (std::size_t i = 0; i < all.size(); ++i) shown.push_back({names[i], &all[i]});
  shown.push_back({"timer alone", &timer});
  shown.push_back({"gaps of a bare loop at 1 M/s", &floor});
  show_distributions(parameters, report, "latency_inline", shown);
}

}  // namespace weir::bench
