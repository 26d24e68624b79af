// Latency through one pinned shard: a thread appends quotes at the times of a schedule, the shard spins on its lane,
// and the callback on the shard's thread takes the time. Each latency counts from when the row was meant to be sent
// that an answer waited for: its own, or the last one of its window. What an update takes back is no answer.
//
// Expected. One transfer of the lane's position and of the row's lines to the other core, about a bare ring's half
// round trip, and the row's way through the operators. At low rates a row never waits for a batch to fill; at high
// rates batches grow, and latency with them, until the shard is saturated. What is above the 99.9th percentile is the
// machine. Bar, at 1 M rows/s: p50 at most 2.5 times the p50 of a bare ring's round trip in the same run, p99 at most
// 10 times, and p99.9 at most twice that of a bare loop on the same schedule.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "harness/report.h"
#include "latency/distribution.h"
#include "latency/latency_jobs.h"
#include "latency/ticks.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

struct ShardRun {
  Histogram latencies;
  double rows_per_batch = 0;
  std::uint64_t full = 0;  ///< Appends that found the lane full.
};

ShardRun run_shard(const LatencyJob& shape, const Parameters& parameters, std::uint64_t rows, double rate) {
  ShardRun run;
  const double ns = tick_ns();
  const std::uint64_t warm_rows = rows / 10;
  std::uint64_t batches = 0, taken = 0;
  std::atomic<std::int64_t> warm_from{0};
  std::atomic<std::uint64_t> schedule_start{0};
  const double interval = Schedule::from_now(rate).interval;
  const auto waited_for = [&](std::int64_t sent) {
    if (shape.window_rows == 1) return sent;
    const Schedule schedule{schedule_start.load(std::memory_order_relaxed), interval};
    const double since = static_cast<double>(sent) - static_cast<double>(schedule.start);
    const auto row = static_cast<std::uint64_t>(since / interval + 0.5);
    return static_cast<std::int64_t>(schedule.at(row / shape.window_rows * shape.window_rows + shape.window_rows - 1));
  };
  JobOptions options = latency_options(parameters, [&](const Batch& batch) {
    const auto now = static_cast<std::int64_t>(ticks_now());
    const auto* sent = batch.column(shape.sent_column).values<std::int64_t>();
    ++batches;
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
      const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
      if (batch.kinds() != nullptr && batch.kinds()[row] == RowKind::kUpdateBefore) continue;
      const std::int64_t meant = waited_for(sent[row]);
      ++taken;
      if (meant >= warm_from.load(std::memory_order_relaxed))
        run.latencies.record(static_cast<std::int64_t>(static_cast<double>(now - meant) * ns));
    }
  });
  options.idle = IdleKind::kBusySpin;
  auto job = make_job(shape.sql, std::move(options));
  if (!job.has_value()) wrong_answer("latency_shard", job.error().to_string());
  std::thread host([&, writer = std::move((*job)->writer("quotes")).value()]() mutable {
    pin_here(parameters.cpus[1]);
    if (auto started = (*job)->start(); !started.has_value())
      wrong_answer("latency_shard", started.error().to_string());
    const Schedule schedule = Schedule::from_now(rate);
    schedule_start.store(schedule.start, std::memory_order_relaxed);
    warm_from.store(static_cast<std::int64_t>(schedule.at(warm_rows)), std::memory_order_relaxed);
    for (std::uint64_t row = 0; row < rows + warm_rows; ++row) {
      Quote quote;
      quote.us = static_cast<std::int64_t>(row);
      quote.symbol = static_cast<std::int32_t>(row % 16);
      quote.price = 20.0F;
      const std::uint64_t due = schedule.at(row);
      quote.sent = static_cast<std::int64_t>(due);
      while (ticks_now() < due) {
      }
      while (writer.append(quote) == Appended::kFull) {
      }
    }
    run.full = writer.full_count();
    writer.end();
  });
  host.join();
  if (auto result = (*job)->wait(); !result.has_value()) wrong_answer("latency_shard", result.error().to_string());
  expect_equal("latency_shard", "rows read", rows + warm_rows, (*job)->ledger().records_read);
  if (std::string(shape.name) == "filter") expect_equal("latency_shard", "answers", rows + warm_rows, taken);
  run.rows_per_batch = batches == 0 ? 0 : static_cast<double>(taken) / static_cast<double>(batches);
  return run;
}

Sample percentiles(const std::vector<Histogram>& runs, double percent) {
  std::vector<double> values;
  for (const Histogram& run : runs) values.push_back(static_cast<double>(run.percentile(percent)));
  return Sample::of(values);
}

/// Of runs of the same turn.
Sample ratios(const std::vector<Histogram>& runs, double percent, const std::vector<Histogram>& to, double of) {
  std::vector<double> values;
  for (std::size_t i = 0; i < runs.size(); ++i)
    values.push_back(static_cast<double>(runs[i].percentile(percent)) /
                     std::max(1.0, static_cast<double>(to[i].percentile(of))));
  return Sample::of(values);
}

std::string rate_text(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, rate >= 1e6 ? "%g M/s" : "%g k/s", rate >= 1e6 ? rate / 1e6 : rate / 1e3);
  return text;
}

}  // namespace

void run_latency_shard(const Parameters& parameters, Report& report) {
  const std::uint64_t rows_max = parameters.value("latency.rows", 1'000'000, 2'000);
  std::vector<double> rates = {10e3, 100e3, 1e6, 4e6};
  if (const std::uint64_t rate = parameters.value("latency.rate", 0, 200'000); rate != 0)
    rates = {static_cast<double>(rate)};
  std::vector<std::string> names;
  std::vector<Histogram> all;
  for (const double rate : rates) {
    const auto rows = std::min<std::uint64_t>(rows_max, static_cast<std::uint64_t>(rate * 2));
    for (const LatencyJob& shape : latency_jobs()) {
      std::vector<Histogram> runs(parameters.runs), trips(parameters.runs), floors(parameters.runs);
      Histogram merged;
      std::string batches;
      for (std::uint32_t run = 0; run < parameters.runs; ++run) {
        record_round_trips(std::min<std::uint64_t>(rows, 200'000), parameters.cpus[1], parameters.cpus[0], trips[run]);
        record_noise(rows, rate, parameters.cpus[0], floors[run]);
        const ShardRun measured = run_shard(shape, parameters, rows, rate);
        runs[run] = measured.latencies;
        merged.merge(measured.latencies);
        char text[64];
        std::snprintf(text, sizeof text, "%.3g answers a batch, lane full %llu times", measured.rows_per_batch,
                      static_cast<unsigned long long>(measured.full));
        batches = text;
      }
      const std::string setting = std::string(shape.name) + ", " + rate_text(rate);
      const bool judged = rate == 1e6;
      const Bar kind = judged ? Bar::kAtMost : Bar::kNone;
      report.add({"latency_shard", setting + ", p50", "ns", percentiles(runs, 50), "ring round trip, p50",
                  percentiles(trips, 50), ratios(runs, 50, trips, 50), kind, 2.5});
      report.add({"latency_shard", setting + ", p99", "ns", percentiles(runs, 99), "ring round trip, p50",
                  percentiles(trips, 50), ratios(runs, 99, trips, 50), kind, 10});
      report.add({"latency_shard", setting + ", p99.9", "ns", percentiles(runs, 99.9), "noise floor, p99.9",
                  percentiles(floors, 99.9), ratios(runs, 99.9, floors, 99.9), kind, 2});
      report.note(batches);
      std::vector<Distribution> shown = {{setting, &merged},
                                         {"ring round trip", &trips.back()},
                                         {"noise of a bare loop at " + rate_text(rate), &floors.back()}};
      show_distributions(
          parameters, report,
          "latency_shard." + std::to_string(static_cast<long long>(rate)) + "." + std::to_string(all.size()), shown);
      names.push_back(setting);
      all.push_back(std::move(merged));
    }
  }
}

}  // namespace weir::bench
