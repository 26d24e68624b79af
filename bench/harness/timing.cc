// Pins, takes turns and sorts what was measured (timing.h).
#include "harness/timing.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <algorithm>

namespace weir::bench {
namespace {

double seconds_of(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

volatile double kept_double;
volatile std::uint64_t kept_integer;

}  // namespace

double wall_seconds() noexcept {
  return seconds_of(CLOCK_MONOTONIC);
}
double cpu_seconds() noexcept {
  return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

void pin_here(int cpu) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

Sample Sample::of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

Sample Turns::ratio(std::size_t thing, std::size_t to) const {
  std::vector<double> ratios;
  for (std::size_t r = 0; r < rates[thing].size(); ++r) ratios.push_back(rates[thing][r] / rates[to][r]);
  return Sample::of(std::move(ratios));
}

Turns take_turns(std::uint32_t runs, const std::vector<Run>& things) {
  Turns turns;
  turns.rates.resize(things.size());
  for (const Run& thing : things) thing();
  for (std::uint32_t r = 0; r < runs; ++r) {
    for (std::size_t t = 0; t < things.size(); ++t) turns.rates[t].push_back(things[t]());
  }
  return turns;
}

void keep(double value) noexcept {
  kept_double = value;
}
void keep(std::uint64_t value) noexcept {
  kept_integer = value;
}

}  // namespace weir::bench
