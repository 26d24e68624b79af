// Time and turns: how a figure is taken. Two things that are compared run in turn, one after the other, and each pair
// gives a ratio; the median over the pairs is what counts, since a machine's speed moves between minutes and hardly
// between two neighbours.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace weir::bench {

/// Seconds on a steady clock.
double wall_seconds() noexcept;
/// Seconds of processor time of the whole process.
double cpu_seconds() noexcept;

enum class TimeKind : std::uint8_t { kWall, kCpu };

/// Binds the calling thread to a CPU, where there is such a one.
void pin_here(int cpu) noexcept;

struct Sample {
  double median = 0, min = 0, max = 0;
  static Sample of(std::vector<double> values);
};

/// Runs one thing and returns its rate. The rate of a run whose answer is wrong is not returned: it ends the program
/// (report.h).
using Run = std::function<double()>;

/// One rate a run of each thing, taken in turn: rates[t][r] is run r of thing t.
struct Turns {
  std::vector<std::vector<double>> rates;
  Sample rate(std::size_t thing) const { return Sample::of(rates[thing]); }
  /// Of rates of the same turn.
  Sample ratio(std::size_t thing, std::size_t to) const;
};
/// One unmeasured run of each first: pages, caches, branch predictors.
Turns take_turns(std::uint32_t runs, const std::vector<Run>& things);

/// Keeps a result alive.
void keep(double value) noexcept;
void keep(std::uint64_t value) noexcept;

}  // namespace weir::bench
