// The command line of `weir`, read into a value: what to do, on which SQL, with which JobOptions. Nothing is run here,
// so that tests can ask what a command line means.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "weir/pipeline/job.h"

namespace weir::cli {

/// Exit codes of the program; those above 63 are the ones of sysexits.h.
enum ExitCode : int {
  kExitOk = 0,            ///< Done, or drained after the first INT or TERM.
  kExitFailure = 1,       ///< The run failed: bad data, a limit, a defect.
  kExitUsage = 2,         ///< The command line is wrong.
  kExitLoss = 4,          ///< Rows were dropped and --fail-on-drop was given.
  kExitUnavailable = 69,  ///< The system lacks something that was asked for.
  kExitIo = 74,           ///< A file or socket could not be opened, read or written.
  kExitConfig = 78,       ///< The SQL or its options are wrong.
  kExitStopped = 130,     ///< A second INT or TERM: stopped at once.
};

enum class Verb : std::uint8_t { kRun, kAudit, kCheck, kExplain, kDoctor, kBench, kVersion };
enum class ColorWhen : std::uint8_t { kAuto, kAlways, kNever };

struct CommandLine {
  Verb verb = Verb::kRun;
  std::string job_file;            ///< A path, or "-" for standard input; empty where `sql` is given.
  std::optional<std::string> sql;  ///< Of -e.
  JobOptions job;
  bool sim = false;                             ///< --backend sim: run_job gives the job a world.
  std::map<std::string, std::string> settings;  ///< Of --set.
  std::string trace_file;
  bool json = false;
  bool progress = false;
  int verbosity = 0;  ///< -1 quiet, 0, 1, 2 …
  ColorWhen color = ColorWhen::kAuto;
};

struct ParsedCommandLine {
  std::optional<CommandLine> command;  ///< Absent: print `text` and leave with `exit_code` (help, or a usage error).
  std::string text;
  int exit_code = kExitOk;
};

ParsedCommandLine parse_command_line(int argument_count, const char* const* arguments);

/// CPUs of a list such as "0-3,6"; absent where it does not parse, names a CPU above 1023 or names one twice.
std::optional<std::vector<int>> parse_cpu_list(std::string_view text);

/// The exit code for an error that ended a run.
int exit_code_of(ErrorCode code);

}  // namespace weir::cli
