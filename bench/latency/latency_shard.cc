// Latency through one pinned shard: a thread appends quotes at the times of a schedule, the shard spins on its lane,
// and the callback on the shard's thread takes the time. Each latency counts from when the row was meant to be sent
// that an answer waited for: its own, or the last one of its window. What an update takes back is no answer.
//
// Expected. One transfer of the lane's position and of the row's lines to the other core, about a bare ring's half
// round trip, and the row's way through the operators. At low rates a row never waits for a batch to fill; at high
// rates batches grow, and latency with them, until the shard is saturated. What is above the 99th percentile is the
// machine: both cores have to run for a row to pass, and each stands still for the system's timer. Weir adds to such a
// gap the time in which it works off what piled up. Bar, at 1 M rows/s: p50 at most 2.5 times the p50 of a bare ring's
// round trip in the same run, p99 at most 10 times, and p99.9 at most twice that of the same schedule through bare
// rings (floor.h). Everything runs in pieces of a tenth of a second, in turn.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "harness/report.h"
#include "latency/distribution.h"
#include "latency/floor.h"
#include "latency/latency_jobs.h"
#include "latency/ticks.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

/// What the answers of one run took, and how.
struct Answers {
  Histogram latencies;
  std::uint64_t batches = 0, taken = 0;
  std::uint64_t full = 0;         ///< Appends that found the lane full.
  std::uint64_t faults = 0;       ///< Pages touched for the first time while answers counted, by all threads.
  std::uint64_t interrupted = 0;  ///< Times another thread took a core meanwhile.
};

struct ProcessCounts {
  std::uint64_t faults = 0, interrupted = 0;
  static ProcessCounts now() noexcept {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return {static_cast<std::uint64_t>(usage.ru_minflt), static_cast<std::uint64_t>(usage.ru_nivcsw)};
  }
};

constexpr std::uint64_t kRowsBeforeWarm = 50;  // the counts are read so long before answers count

void run_shard(const LatencyJob& shape, const Parameters& parameters, const TwoCores& cores, std::uint64_t rows,
               double rate, Answers& run) {
  const double ns = tick_ns();
  const std::uint64_t warm_rows = rows / 10;
  std::uint64_t taken = 0;
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
    ++run.batches;
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
    take_core(cores.sender, cores.in_front);  // the shard's thread is of the same priority
    if (auto started = (*job)->start(); !started.has_value())
      wrong_answer("latency_shard", started.error().to_string());
    const Schedule schedule = Schedule::from_now(rate);
    schedule_start.store(schedule.start, std::memory_order_relaxed);
    warm_from.store(static_cast<std::int64_t>(schedule.at(warm_rows)), std::memory_order_relaxed);
    ProcessCounts before;
    for (std::uint64_t row = 0; row < rows + warm_rows; ++row) {
      if (row + kRowsBeforeWarm == warm_rows) before = ProcessCounts::now();
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
    const ProcessCounts after = ProcessCounts::now();
    run.faults += after.faults - before.faults;
    run.interrupted += after.interrupted - before.interrupted;
    run.full += writer.full_count();
    writer.end();
  });
  host.join();
  if (auto result = (*job)->wait(); !result.has_value()) wrong_answer("latency_shard", result.error().to_string());
  expect_equal("latency_shard", "rows read", rows + warm_rows, (*job)->ledger().records_read);
  if (std::string(shape.name) == "filter") expect_equal("latency_shard", "answers", rows + warm_rows, taken);
  run.taken += taken;
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

/// One shape at one rate, each thing a histogram a run.
struct Measured {
  explicit Measured(std::uint32_t runs)
      : weir(runs), trips(runs), there(runs), back(runs), gaps(runs), gaps_of_two(runs) {}
  std::vector<Histogram> weir, trips, there, back, gaps, gaps_of_two;
  Answers all;
};

constexpr double kPieceSeconds = 0.1;
constexpr std::uint64_t kRoundTrips = 20'000;
constexpr auto kPause = std::chrono::milliseconds(10);  // else the system takes a core for the rest, for 50 ms

/// One piece of everything, the rest of the machine having its turn before each; those on the same path swap places
/// from piece to piece.
void run_piece(const LatencyJob& shape, const Parameters& parameters, const TwoCores& cores, std::uint64_t rows,
               double rate, bool swapped, std::uint32_t run, Measured& measured) {
  const auto pause = [] { std::this_thread::sleep_for(kPause); };
  pause();
  record_round_trips(std::min(rows, kRoundTrips), cores, measured.trips[run]);
  pause();
  record_gaps(rows, rate, cores.receiver, cores.in_front, measured.gaps[run]);
  pause();
  record_gaps_of_two(rows, rate, cores, measured.gaps_of_two[run]);
  Answers answers;
  for (int half = 0; half < 2; ++half) {
    pause();
    if ((half == 0) == swapped)
      run_shard(shape, parameters, cores, rows, rate, answers);
    else
      record_open_loop(rows, rows / 10, rate, cores, measured.there[run], measured.back[run]);
  }
  measured.weir[run].merge(answers.latencies);
  measured.all.latencies.merge(answers.latencies);
  measured.all.batches += answers.batches;
  measured.all.taken += answers.taken;
  measured.all.full += answers.full;
  measured.all.faults += answers.faults;
  measured.all.interrupted += answers.interrupted;
}

void add_lines(const std::string& setting, bool judged, const Measured& measured, Report& report) {
  const auto add = [&](double percent, const char* beside, const std::vector<Histogram>& to, double of, double bar) {
    char name[32];
    std::snprintf(name, sizeof name, ", p%g", percent);
    report.add({"latency_shard", setting + name, "ns", percentiles(measured.weir, percent), beside, percentiles(to, of),
                ratios(measured.weir, percent, to, of), judged && bar != 0 ? Bar::kAtMost : Bar::kNone, bar});
  };
  add(50, "ring round trip, p50", measured.trips, 50, 2.5);
  add(99, "ring round trip, p50", measured.trips, 50, 10);
  add(99, "open loop over bare rings, p99", measured.there, 99, 0);
  add(99.9, "open loop over bare rings, p99.9", measured.there, 99.9, 2);
  add(99.9, "gaps of two bare loops, p99.9", measured.gaps_of_two, 99.9, 0);
  add(99.9, "gaps of one bare loop, p99.9", measured.gaps, 99.9, 0);
}

Histogram merged(const std::vector<Histogram>& runs) {
  Histogram all;
  for (const Histogram& run : runs) all.merge(run);
  return all;
}

void show(const std::string& setting, const std::string& file, const Parameters& parameters, const Measured& measured,
          Report& report) {
  const Answers& all = measured.all;
  char text[192];
  std::snprintf(text, sizeof text,
                "%.3g answers a batch, lane full %llu times, pages first touched %llu, threads interrupted by others "
                "%llu times",
                all.batches == 0 ? 0 : static_cast<double>(all.taken) / static_cast<double>(all.batches),
                static_cast<unsigned long long>(all.full), static_cast<unsigned long long>(all.faults),
                static_cast<unsigned long long>(all.interrupted));
  report.note(text);
  const Histogram trips = merged(measured.trips), there = merged(measured.there), back = merged(measured.back),
                  gaps = merged(measured.gaps), two = merged(measured.gaps_of_two);
  show_distributions(parameters, report, file,
                     {{setting, &all.latencies},
                      {"open loop over bare rings, there", &there},
                      {"there and back", &back},
                      {"ring round trip", &trips},
                      {"gaps of two bare loops", &two},
                      {"gaps of one bare loop", &gaps}});
}

}  // namespace

void run_latency_shard(const Parameters& parameters, Report& report) {
  const std::uint64_t rows_max = parameters.value("latency.rows", 1'000'000, 2'000);
  std::vector<double> rates = {10e3, 100e3, 1e6, 4e6};
  if (const std::uint64_t rate = parameters.value("latency.rate", 0, 200'000); rate != 0)
    rates = {static_cast<double>(rate)};
  const std::uint64_t only = parameters.value("latency.shape", 0, 0);
  const bool wanted = parameters.value("latency.in_front", 1, 0) != 0;
  const TwoCores cores{parameters.cpus[1], parameters.cpus[0], wanted && may_run_in_front()};
  report.note(cores.in_front ? "all threads of latency_shard run in front of others (SCHED_FIFO)"
                             : "threads of latency_shard share their cores with whatever else runs");
  for (const double rate : rates) {
    const auto rows = std::min<std::uint64_t>(rows_max, static_cast<std::uint64_t>(rate * 2));
    const auto piece = std::min(rows, static_cast<std::uint64_t>(rate * kPieceSeconds));
    std::uint64_t shape_number = 0;
    for (const LatencyJob& shape : latency_jobs()) {
      if (++shape_number != only && only != 0) continue;
      Measured measured(parameters.runs);
      for (std::uint32_t run = 0; run < parameters.runs; ++run) {
        for (std::uint64_t done = 0; done < rows; done += piece)
          run_piece(shape, parameters, cores, piece, rate, done / piece % 2 != 0, run, measured);
      }
      const std::string setting = std::string(shape.name) + ", " + rate_text(rate);
      add_lines(setting, rate == 1e6, measured, report);
      show(setting,
           "latency_shard." + std::to_string(static_cast<long long>(rate)) + "." + std::to_string(shape_number - 1),
           parameters, measured, report);
    }
  }
}

}  // namespace weir::bench
