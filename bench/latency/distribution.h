// Distributions of latencies: how they are shown, written as .hgrm (the percentile text of HdrHistogram, which its
// plotters read) and drawn as SVG.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/parameters.h"
#include "harness/report.h"
#include "weir/core/histogram.h"

namespace weir::bench {

/// A latency histogram under a name, in nanoseconds.
struct Distribution {
  std::string name;
  const Histogram* histogram = nullptr;
};

/// "p50 120, p90 …, p99.99 …, max … ns"
std::string percentiles_text(const Histogram& histogram);
/// Notes the percentiles of each and writes <file>.svg and a .hgrm of each where parameters.out_folder is set.
void show_distributions(const Parameters& parameters, Report& report, const std::string& file,
                        const std::vector<Distribution>& all);

/// A steady schedule: event i is meant for start + i * interval. Latency counts from there, so that an event that had
/// to wait for an earlier one counts its waiting (no coordinated omission).
struct Schedule {
  std::uint64_t start = 0;
  double interval = 0;  ///< Ticks.
  std::uint64_t at(std::uint64_t event) const noexcept {
    return start + static_cast<std::uint64_t>(interval * static_cast<double>(event));
  }
  static Schedule from_now(double events_per_second) noexcept;
};

}  // namespace weir::bench
