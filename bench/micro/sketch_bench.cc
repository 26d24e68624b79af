// What a value costs a sketch: batches of 1024 into one sketch, through the aggregate function as the engine calls it.
// Every answer is checked before its time is said. items_per_second are values.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "weir/pipeline/aggregate.h"
#include "weir/pipeline/aggregate_function.h"
#include "window/state_arena.h"

namespace {

using namespace weir;

constexpr std::uint32_t kBatch = 1024;
constexpr std::uint32_t kRows = 1u << 20;

/// Values of a kind: 0 log-normal, 1 normal, 2 uniform over few magnitudes, 3 one value.
std::vector<double> make_values(std::int64_t kind) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> values(kRows);
  for (double& value : values) {
    const double drawn = normal(random);
    value = kind == 0   ? std::exp(drawn)
            : kind == 1 ? drawn
            : kind == 2 ? static_cast<double>(random() % 1'000'000) + 1
                        : 42.0;
  }
  return values;
}

/// A function, its states and a column.
class Run {
 public:
  Run(const char* name, const Type& type, std::vector<Value> constants, std::uint32_t groups)
      : arena_(std::move(*StateArena::create(std::size_t{4} << 30))), heap_(arena_) {
    const AggregateDefinitionPtr definition = find_aggregate(name);
    AggregateCallInfo call;
    call.name = definition->name;
    call.arguments = {type};
    call.constants = std::move(constants);
    call.result = *definition->resolve(call.arguments, call.constants);
    function_ = *definition->make(call);
    states_.resize(function_->state_bytes() / 8 * groups);
    for (std::uint32_t g = 0; g < groups; ++g) function_->initialize(to().state(g));
  }
  AggregateStates to() { return {reinterpret_cast<std::byte*>(states_.data()), function_->state_bytes(), &heap_}; }
  bool add(const Vector& column, std::uint32_t count, const std::uint32_t* groups) {
    const Vector* columns[] = {&column};
    AggregateRows rows;
    rows.arguments = columns;
    rows.arrival = arrival_;
    rows.count = count;
    rows.groups = groups;
    arrival_ += count;
    return function_->add(rows, to()).has_value();
  }
  template <class T>
  T result() {
    alignas(64) T value{};
    std::uint64_t validity = 1;
    Vector out{sizeof(T) == 8 && std::is_floating_point_v<T> ? Physical::kDouble : Physical::kInt64, &value, &validity};
    if (!function_->lower(to().state(0), heap_, out, 0).has_value()) return T{};
    return value;
  }

 private:
  StateArena arena_;
  StateHeap heap_;
  AggregateFunctionPtr function_;
  std::vector<std::uint64_t> states_;
  std::uint64_t arrival_ = 0;
};

/// Adds all values once, batch by batch.
template <class T>
bool add_all(Run& run, const std::vector<T>& values, Physical physical, const std::uint32_t* groups = nullptr) {
  bool done = true;
  for (std::uint32_t at = 0; at < kRows; at += kBatch) {
    Vector column{physical, const_cast<T*>(values.data() + at)};
    done = done && run.add(column, kBatch, groups == nullptr ? nullptr : groups + at);
  }
  return done;
}

void count_items(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kRows);
}

// HyperLogLog; range(0): different values.
void hyperloglog(benchmark::State& state) {
  std::mt19937_64 random(1);
  std::vector<std::int64_t> values(kRows);
  for (auto& value : values)
    value = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(state.range(0)) * 0x9E3779B97F4A7C15u);
  std::vector<std::int64_t> distinct = values;
  std::sort(distinct.begin(), distinct.end());
  const auto exact = std::unique(distinct.begin(), distinct.end()) - distinct.begin();
  Run run("APPROX_COUNT_DISTINCT", Type::bigint(), {}, 1);
  bool done = true;
  for (auto _ : state) done = add_all(run, values, Physical::kInt64) && done;
  const auto estimate = static_cast<double>(run.result<std::int64_t>());
  if (!done || std::abs(estimate - static_cast<double>(exact)) > 0.04 * static_cast<double>(exact))
    state.SkipWithError("wrong count");
  count_items(state);
}
BENCHMARK(hyperloglog)->Arg(100)->Arg(10'000)->Arg(1'000'000);

// A quantile's sketch from empty to a million values and its median, whose rank is checked; range(0): kind of values.
void quantile(benchmark::State& state, const char* method, double bound) {
  const std::vector<double> values = make_values(state.range(0));
  bool done = true;
  double answer = 0;
  for (auto _ : state) {
    Run run("APPROX_PERCENTILE", Type::float64(), {Value{0.5}, Value{std::string(method)}}, 1);
    done = add_all(run, values, Physical::kDouble) && done;
    answer = run.result<double>();
  }
  // Half of the values lie below it, give or take the bound; values within 1 % of it count for either side.
  std::uint32_t below = 0, above = 0;
  for (const double value : values) {
    below += value < answer - 0.01 * std::abs(answer) ? 1 : 0;
    above += value > answer + 0.01 * std::abs(answer) ? 1 : 0;
  }
  if (!done || std::max(below, above) > (0.5 + bound) * kRows) state.SkipWithError("wrong median");
  count_items(state);
}
BENCHMARK_CAPTURE(quantile, ddsketch, "ddsketch", 0.0)->DenseRange(0, 3);
BENCHMARK_CAPTURE(quantile, kll, "kll", 0.04)->DenseRange(0, 3);
BENCHMARK_CAPTURE(quantile, tdigest, "tdigest", 0.05)->DenseRange(0, 3);
BENCHMARK_CAPTURE(quantile, reservoir, "reservoir", 0.05)->DenseRange(0, 3);

// The same into 1,000 groups, in random order, from empty states; range(0): 0 DDSketch, 1 KLL, 2 HyperLogLog.
void thousand_groups(benchmark::State& state) {
  constexpr std::uint32_t kGroups = 1000;
  const std::vector<double> values = make_values(0);
  std::mt19937 random(4);
  std::vector<std::uint32_t> groups(kRows);
  for (auto& group : groups) group = static_cast<std::uint32_t>(random() % kGroups);
  bool done = true;
  for (auto _ : state) {
    const bool distinct = state.range(0) == 2;
    Run run(distinct ? "APPROX_COUNT_DISTINCT" : "APPROX_PERCENTILE", Type::float64(),
            distinct ? std::vector<Value>{}
                     : std::vector<Value>{Value{0.5}, Value{std::string(state.range(0) == 0 ? "ddsketch" : "kll")}},
            kGroups);
    done = add_all(run, values, Physical::kDouble, groups.data()) && done;
    const double answer = distinct ? static_cast<double>(run.result<std::int64_t>()) / 1048 : run.result<double>();
    done = done && answer > 0.8 && answer < 1.25;
  }
  if (!done) state.SkipWithError("wrong answer");
  count_items(state);
}
BENCHMARK(thousand_groups)->DenseRange(0, 2);

// Exact counts of values: MEDIAN's state; range(0): different values.
void value_counts(benchmark::State& state) {
  std::mt19937_64 random(5);
  std::vector<std::int64_t> values(kRows);
  for (auto& value : values) value = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(state.range(0)));
  Run run("MEDIAN", Type::bigint(), {}, 1);
  bool done = true;
  for (auto _ : state) done = add_all(run, values, Physical::kInt64) && done;
  std::vector<std::int64_t> sorted = values;
  std::nth_element(sorted.begin(), sorted.begin() + kRows / 2, sorted.end());
  const auto median = static_cast<double>(sorted[kRows / 2]);
  if (!done || std::abs(run.result<double>() - median) > 0.01 * static_cast<double>(state.range(0)))
    state.SkipWithError("wrong median");
  count_items(state);
}
BENCHMARK(value_counts)->Arg(100)->Arg(10'000)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();
