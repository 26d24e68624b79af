// LightSaber's application queries through the whole engine: rows as structs from memory, SQL, one shard, results to a
// callback that sums them up. For each query the rate beside the bar, the share of the memory's bandwidth, the same
// from columns, result latency at 80 % of the rate, and two shards against one.
//
// The bar of a query is LightSaber's greatest figure with one worker (it uses a second core to copy the input), times
// the bandwidth of this run over that of the machine where it was taken, times a factor that the project set itself.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "harness/machine.h"
#include "limits/limits.h"
#include "weir/core/histogram.h"
#include "workloads/host_job.h"
#include "workloads/lightsaber/query.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr double kPeerBandwidth = 17;  // GB/s, one thread, where LightSaber was measured
constexpr double kRealTolerance = 1e-5;

JobOptions options_of(const Query& query, const Parameters& parameters, std::uint32_t shards) {
  JobOptions options;
  options.shards = shards;
  options.cpus.assign(parameters.cpus.begin(), parameters.cpus.begin() + std::min<std::ptrdiff_t>(2, shards));
  options.batch_rows = static_cast<std::uint32_t>(parameters.value("lightsaber.batch_rows", 8192, 1024));
  options.slices_max = static_cast<std::uint32_t>(parameters.value("lightsaber.slices", 16384, 16384));
  options.functions = query.functions;
  options.host_tables["events"].structs = query.layout;
  return options;
}

void feed_structs(JobOptions& options, std::vector<StructFeed>& feeds) {
  HostTable& source = options.host_tables["events"];
  source.inputs = static_cast<std::uint32_t>(feeds.size());
  source.read_structs = [&feeds](std::uint32_t input, StructRows& rows) { return feeds[input].read(rows); };
}

// ---- Answers ----------------------------------------------------------------------------------------------------

std::vector<ResultRow> rows_of(const Batch& batch) {
  std::vector<ResultRow> rows;
  for_each_row(batch, [&](std::uint32_t at) {
    ResultRow row;
    for (std::uint32_t c = 0; c < batch.column_count(); ++c) {
      const Vector& column = batch.column(c);
      if (column.physical == Physical::kInt64)
        row.add(column.values<std::int64_t>()[at]);
      else if (column.physical == Physical::kInt32)
        row.add(column.values<std::int32_t>()[at]);
      else
        row.real = double{column.values<float>()[at]};
    }
    rows.push_back(row);
  });
  return rows;
}

bool near(double a, double b) {
  return std::abs(a - b) <= kRealTolerance * std::max({std::abs(a), std::abs(b), 1e-3});
}

/// Every result row of a short run against the naive answer.
void verify(const Query& query, const Parameters& parameters) {
  const std::uint64_t rows = std::min<std::uint64_t>(query.rows, query.replay.rows() * 5 / 2);
  using Words = std::array<std::int64_t, 6>;
  std::map<Words, double> expected;
  answer(query, rows, 1, [&](const ResultRow& row) { expected.emplace(row.words, row.real); });
  std::vector<StructFeed> feeds{StructFeed(query.replay, query.unit_ns, rows)};
  JobOptions options = options_of(query, parameters, 1);
  feed_structs(options, feeds);
  std::uint64_t found = 0;
  options.host_tables["results"].write = [&](std::uint32_t, const Batch& batch) {
    for (const ResultRow& row : rows_of(batch)) {
      const auto entry = expected.find(row.words);
      if (entry == expected.end() || !near(entry->second, row.real))
        wrong_answer(query.name, "a result that the naive answer does not have, window end " +
                                     std::to_string(row.words[0]) + ", word " + std::to_string(row.words[1]) +
                                     ", value " + std::to_string(row.real));
      ++found;
    }
  };
  (void)run_job(query.name, query.sql(), std::move(options), rows, TimeKind::kWall);
  expect_equal(query.name, "number of results", std::uint64_t{expected.size()}, found);
}

Totals expected_totals(const Query& query, std::uint64_t rows, std::uint32_t inputs) {
  Totals totals;
  answer(query, rows, inputs, [&](const ResultRow& row) { totals.add(row); });
  return totals;
}

void expect_totals(const Query& query, const Totals& expected, const Totals& found) {
  expect_equal(query.name, "number of results", expected.rows, found.rows);
  expect_equal(query.name, "checksum of the exact columns", expected.words, found.words);
  if (!near(expected.real, found.real))
    wrong_answer(query.name, "checksum of the rounded column is " + std::to_string(found.real) + " where " +
                                 std::to_string(expected.real) + " was expected");
}

// ---- Rates ------------------------------------------------------------------------------------------------------

double bandwidth_gb_s(const Parameters& parameters) {
  static const Column<std::uint64_t> words(parameters.smoke ? 1u << 16 : 1u << 26);
  pin_here(parameters.cpus[0]);
  const auto now = parameters.time == TimeKind::kWall ? wall_seconds : cpu_seconds;
  const double start = now();
  keep(read_words(words.data(), words.size()));
  return static_cast<double>(words.size()) * 8 / (now() - start) / 1e9;
}

double run_structs(const Query& query, const Parameters& parameters, const Totals& expected) {
  std::vector<StructFeed> feeds{StructFeed(query.replay, query.unit_ns, query.rows)};
  JobOptions options = options_of(query, parameters, 1);
  feed_structs(options, feeds);
  Totals found;
  options.host_tables["results"].write = [&](std::uint32_t, const Batch& batch) { found.add(batch); };
  const double seconds = run_job(query.name, query.sql(), std::move(options), query.rows, parameters.time);
  expect_totals(query, expected, found);
  return static_cast<double>(query.rows) / seconds / 1e6;
}

/// The columns that a query reads, the times for the whole run, the others as long as the replay buffer.
class ColumnInput {
 public:
  explicit ColumnInput(const Query& query) : rows_(query.rows) {
    const Replay& replay = query.replay;
    for (const std::string& name : query.read_columns) {
      const auto field = std::find_if(query.layout.fields.begin(), query.layout.fields.end(),
                                      [&](const StructField& f) { return f.column == name; });
      const std::size_t width = field_size(field->form);
      const std::size_t count = field->unit_ns != 0 ? query.rows : replay.rows();
      Column<std::byte> column(count * width);
      for (std::size_t i = 0; i < count; ++i) {
        const std::byte* from = replay.row(i % replay.rows()) + field->offset;
        if (field->unit_ns == 0) {
          std::copy_n(from, width, column.data() + i * width);
          continue;
        }
        const std::int64_t time =
            (static_cast<std::int64_t>(i / replay.rows()) * replay.span() + replay.unit(i % replay.rows())) *
            field->unit_ns;
        std::memcpy(column.data() + i * width, &time, sizeof time);
      }
      fed_.push_back({column.data(), width, count});
      columns_.push_back(std::move(column));
    }
  }
  FedInput input() const { return {fed_, rows_}; }

 private:
  std::uint64_t rows_;
  std::vector<Column<std::byte>> columns_;
  std::vector<FedColumn> fed_;
};

double run_columns(const Query& query, const ColumnInput& input, const Parameters& parameters, const Totals& expected) {
  Feed feed(input.input());
  JobOptions options = options_of(query, parameters, 1);
  HostTable& source = options.host_tables["events"];
  source.structs = {};
  source.read = [&](std::uint32_t, Batch& batch) { return feed.read(batch); };
  Totals found;
  options.host_tables["results"].write = [&](std::uint32_t, const Batch& batch) { found.add(batch); };
  const double seconds = run_job(query.name, query.sql(), std::move(options), query.rows, parameters.time);
  expect_totals(query, expected, found);
  return static_cast<double>(query.rows) / seconds / 1e6;
}

/// Two inputs with the same rows, on `shards` shards.
double run_shards_of(const Query& query, const Parameters& parameters, const Totals& expected, std::uint32_t shards) {
  std::vector<StructFeed> feeds(2, StructFeed(query.replay, query.unit_ns, query.rows / 2));
  JobOptions options = options_of(query, parameters, shards);
  // A shard may run ahead of the other by what the rings hold: SG1 has one partial a slice.
  options.ring_batches = 4;
  options.slices_max = 1u << 17;
  feed_structs(options, feeds);
  Totals found;
  options.host_tables["results"].write = [&](std::uint32_t, const Batch& batch) { found.add(batch); };
  const double seconds = run_job(query.name, query.sql(), std::move(options), query.rows / 2 * 2, TimeKind::kWall);
  expect_totals(query, expected, found);
  return static_cast<double>(query.rows / 2 * 2) / seconds / 1e6;
}

// ---- Latency ----------------------------------------------------------------------------------------------------

/// Rows become available on a schedule; a result is as late as the callback is after the schedule of the last row that
/// is in its window, whether or not the engine was behind by then (open loop).
struct OpenLoop {
  const Query* query = nullptr;
  double rows_per_ns = 0;
  double start_s = 0;
  StructFeed feed;
  Histogram latency;
  std::int64_t last_end = -1;

  double now_ns() const noexcept { return (wall_seconds() - start_s) * 1e9; }
  ReadStatus read(StructRows& rows) noexcept {
    if (start_s == 0) start_s = wall_seconds();
    if (feed.given() == feed.total()) return ReadStatus::kEnd;
    const auto due = std::min(static_cast<std::uint64_t>(now_ns() * rows_per_ns), feed.total());
    if (due <= feed.given()) return ReadStatus::kPending;
    return feed.read(rows, due - feed.given());
  }
  void take(const Batch& batch) noexcept {
    const double now = now_ns();
    const std::int64_t* ends = batch.column(0).values<std::int64_t>();
    for_each_row(batch, [&](std::uint32_t row) {
      if (ends[row] == last_end) return;
      last_end = ends[row];
      const std::uint64_t after = query->replay.first_row_of_all(last_end / query->unit_ns);
      if (after >= feed.total()) return;  // the end of the input released it
      latency.record(static_cast<std::int64_t>(now - static_cast<double>(after) / rows_per_ns));
    });
  }
};

void measure_latency(const Query& query, const Parameters& parameters, double peak, Report& report) {
  const double share = static_cast<double>(parameters.value("lightsaber.load_percent", 80, 80)) / 100;
  const double seconds = static_cast<double>(parameters.value("lightsaber.latency_ms", 2000, 20)) / 1e3;
  if (seconds == 0) return;
  const auto rows = static_cast<std::uint64_t>(peak * 1e6 * share * seconds);
  OpenLoop loop{&query, peak * share / 1e3, 0, StructFeed(query.replay, query.unit_ns, rows), {}, -1};
  JobOptions options = options_of(query, parameters, 1);
  options.idle = IdleKind::kBusySpin;
  HostTable& source = options.host_tables["events"];
  source.read_structs = [&](std::uint32_t, StructRows& block) { return loop.read(block); };
  options.host_tables["results"].write = [&](std::uint32_t, const Batch& batch) { loop.take(batch); };
  (void)run_job(query.name, query.sql(), std::move(options), rows, TimeKind::kWall);
  const auto us = [&](double percent) { return static_cast<double>(loop.latency.percentile(percent)) / 1e3; };
  const Sample p99{us(99), us(50), static_cast<double>(loop.latency.max()) / 1e3};
  report.add({query.name, "result latency p99 [p50 max]", "us", p99, "", {}, p99, Bar::kAtMost, 100});
}

// ---- One query --------------------------------------------------------------------------------------------------

void measure(const Query& query, const Parameters& parameters, Report& report) {
  verify(query, parameters);
  const Totals expected = expected_totals(query, query.rows, 1);
  const ColumnInput columns(query);
  const double per_gb = query.peer * query.factor / kPeerBandwidth;
  std::vector<double> structs, of_bar, gb_s, memory, from_columns, column_ratio, bars;
  (void)run_structs(query, parameters, expected);  // pages, caches, branch predictors
  for (std::uint32_t run = 0; run < parameters.runs; ++run) {
    memory.push_back(bandwidth_gb_s(parameters));
    structs.push_back(run_structs(query, parameters, expected));
    from_columns.push_back(run_columns(query, columns, parameters, expected));
    bars.push_back(per_gb * memory.back());
    of_bar.push_back(structs.back() / bars.back());
    gb_s.push_back(structs.back() * static_cast<double>(query.layout.stride) / 1e3);
    column_ratio.push_back(from_columns.back() / structs.back());
  }
  const std::string bytes = std::to_string(query.layout.stride) + " B structs";
  char text[96];
  std::snprintf(text, sizeof text, "%.4g x %.3g, moved by memory", query.peer, query.factor);
  report.add({query.name, bytes, "M rows/s", Sample::of(structs), text, Sample::of(bars), Sample::of(of_bar),
              Bar::kAtLeast, 1});
  std::vector<double> share;
  for (std::size_t i = 0; i < gb_s.size(); ++i) share.push_back(gb_s[i] / memory[i]);
  report.add({query.name, bytes, "GB/s", Sample::of(gb_s), "memory read", Sample::of(memory), Sample::of(share),
              Bar::kNone, 0});
  report.add({query.name, "columns", "M rows/s", Sample::of(from_columns), "structs", Sample::of(structs),
              Sample::of(column_ratio), query.reads_under_half ? Bar::kAtLeast : Bar::kNone, 1.5});
  std::snprintf(text, sizeof text, "%.3g results a row",
                static_cast<double>(expected.rows) / static_cast<double>(query.rows));
  report.note(query.name + ": " + text);
  measure_latency(query, parameters, Sample::of(structs).median, report);
}

void measure_shards(const Query& query, const Parameters& parameters, Report& report) {
  const Totals expected = expected_totals(query, query.rows / 2, 2);
  const Turns turns = take_turns(parameters.runs, {[&] { return run_shards_of(query, parameters, expected, 2); },
                                                   [&] { return run_shards_of(query, parameters, expected, 1); }});
  report.add({query.name, "two shards", "M rows/s", turns.rate(0), "one shard", turns.rate(1), turns.ratio(0, 1),
              Bar::kAtLeast, 1.8});
}

template <auto kMake>
void run(const Parameters& parameters, Report& report) {
  const std::vector<Query> queries = kMake(parameters);
  if (queries.empty()) report.note("a sample of ../shared/data/lightsaber-bench is not there: queries left out");
  for (const Query& query : queries) {
    if (!parameters.wants("lightsaber " + query.name)) continue;
    measure(query, parameters, report);
    if (query.name == "YSB" || query.name == "CM1" || query.name == "SG1") measure_shards(query, parameters, report);
  }
}

}  // namespace

std::vector<Workload> lightsaber_workloads() {
  return {{"lightsaber YSB", run<yahoo_queries>},
          {"lightsaber CM1, lightsaber CM2", run<cluster_queries>},
          {"lightsaber SG1, lightsaber SG2", run<smart_grid_queries>},
          {"lightsaber LRB1, lightsaber LRB2", run<linear_road_queries>},
          {"lightsaber ME1", run<manufacturing_queries>},
          {"lightsaber q5", run<nexmark_queries>}};
}

}  // namespace weir::bench
