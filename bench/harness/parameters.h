// Parameters of a run of weir-bench, by name, each with a default for measuring and one for the smoke test.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/timing.h"

namespace weir::bench {

struct Parameters {
  bool smoke = false;
  bool sweep = false;                           ///< Batch sizes too.
  TimeKind time = TimeKind::kWall;              ///< Of workloads on one thread; those on two always take wall time.
  std::uint32_t runs = 5;                       ///< Measured runs of each thing; at least 5 unless smoke.
  std::vector<std::string> only;                ///< Parts of workload names; empty: all.
  std::string json_path;                        ///< JSON lines are appended there; empty: none.
  std::string out_folder;                       ///< For histograms; empty: none are written.
  std::string folder;                           ///< For files that a workload makes; they are removed.
  std::vector<int> cpus = {0, 1};               ///< Of the first and the second thread.
  std::map<std::string, std::uint64_t> values;  ///< --set name=number

  bool wants(const std::string& workload) const;
  /// The value set by name, else the default for this kind of run.
  std::uint64_t value(const std::string& name, std::uint64_t measuring, std::uint64_t smoking) const;
};

/// Reads the command line. On an error, or for --help, says so and ends the program.
Parameters read_parameters(int argc, char** argv);

}  // namespace weir::bench
