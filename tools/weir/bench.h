// `weir bench`: hands over to weir-bench, which stands beside this program. The workloads compare Weir with limits and
// peers that are compiled for this processor, so they are a program of their own and not part of every installation.
#pragma once

namespace weir::cli {

/// Runs weir-bench with the arguments behind `bench`. Returns only where it cannot, with the exit code.
int run_bench(int argument_count, char** arguments);

}  // namespace weir::cli
