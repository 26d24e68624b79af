// The keyed workload on two shards against one; the table has two inputs, each with half of the rows over the same
// time.
//
// Expected. Shards share nothing but rings; each adds what it reads and sends 1,000 partials a window to the shard that
// owns the key. A partial per 5,000 rows is nothing, and memory gives two cores more than one. So twice, less what two
// cores take from each other's memory bandwidth and boost: 1.9. Bar: 1.8, and the same answer.
#include <algorithm>

#include "workloads/keyed_rows.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t kKeys = 1000;

}  // namespace

void run_shards(const Parameters& parameters, Report& report) {
  const std::string name = "shards";
  const std::uint64_t rows = parameters.value("shards.rows", std::uint64_t{1} << 28, 1u << 16);  // of an input
  const std::size_t period = std::min<std::uint64_t>(kPeriod, rows);
  const Column<std::int64_t>& times = event_times(rows);
  Column<std::int64_t> second_times(times.size());  // its own: one shard would find the other input's in its cache
  std::copy_n(times.data(), times.size(), second_times.data());
  const Column<double> amounts = values(2 * period);
  Column<std::int32_t> keys(2 * period);
  Numbers numbers(3);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<std::int32_t>(numbers.below(kKeys));
  KeyedAnswer expected(rows, kKeys), found(rows, kKeys);
  HostJob job;
  for (std::size_t input = 0; input < 2; ++input) {
    const std::int32_t* input_keys = keys.data() + input * period;
    const double* input_values = amounts.data() + input * period;
    for (std::uint64_t i = 0; i < rows; ++i) {
      CountSum& group = expected.at(i / kRowsPerWindow, static_cast<std::uint64_t>(input_keys[i % period]));
      ++group.count;
      group.sum += input_values[i % period];
    }
    const std::int64_t* input_times = input == 0 ? times.data() : second_times.data();
    job.inputs.push_back({{{input_keys, 4, period}, {input_values, 8, period}, {input_times, 8, times.size()}}, rows});
  }
  job.sql = keyed_sql("INT");
  job.source = "events";
  job.sink = "totals";
  job.batch_rows = static_cast<std::uint32_t>(parameters.value("batch_rows", 32768, 1024));
  job.take = [&](const Batch& batch) {
    for_each_row(batch, [&](std::uint32_t row) {
      const auto window = static_cast<std::uint64_t>(batch.column(0).values<std::int64_t>()[row] / kWindowNs);
      const auto key = static_cast<std::uint64_t>(batch.column(1).values<std::int32_t>()[row]);
      if (!found.valid(window, key)) wrong_answer(name, "a result for no window or no key");
      found.at(window, key) = {batch.column(3).values<double>()[row],
                               static_cast<std::uint64_t>(batch.column(2).values<std::int64_t>()[row])};
    });
  };
  Parameters wall = parameters;
  wall.time = TimeKind::kWall;
  std::vector<double> processor[3];  // seconds of processor time by shards
  const auto with = [&](std::uint32_t shards) {
    return [&, shards] {
      found.clear();
      job.shards = shards;
      const double start = cpu_seconds();
      const double seconds = run_host_job(name, job, wall);
      processor[shards].push_back(cpu_seconds() - start);
      expected.expect(name, found);
      return static_cast<double>(2 * rows) / seconds / 1e6;
    };
  };
  const Turns turns = take_turns(parameters.runs, {with(2), with(1)});
  report.add({name, "two, 1,000 INT keys", "M rows/s", turns.rate(0), "one shard", turns.rate(1), turns.ratio(0, 1),
              Bar::kAtLeast, 1.8});
  const double one = Sample::of(processor[1]).median, two = Sample::of(processor[2]).median;
  char text[160];
  std::snprintf(text, sizeof text,
                "processor time %.3f s with one shard, %.3f s with two: %.2f times as fast where both cores are free",
                one, two, 2 * one / two);
  report.note(text);
}

}  // namespace weir::bench
