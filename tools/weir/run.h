// `weir run` and `weir audit`: runs a job under signals, with progress, and accounts for every row at the end.
#pragma once

#include "command_line.h"
#include "console.h"

namespace weir::cli {

/// Signals: the first INT or TERM drains, the second stops, the third ends the process. Returns the exit code.
int run_job(const CommandLine& command, const Console& console);

}  // namespace weir::cli
