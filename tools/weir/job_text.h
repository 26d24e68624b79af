// From the SQL that the user names to a plan, with every diagnostic shown at its place. `run`, `audit`, `check` and
// `explain` all begin here.
#pragma once

#include <string>
#include <variant>

#include "command_line.h"
#include "console.h"
#include "weir/pipeline/plan.h"

namespace weir::cli {

struct JobText {
  std::string name;  ///< Of the file, for messages: "job.sql", "<stdin>", "<-e>".
  std::string text;
};

/// Reads the file, standard input or -e. Errors: kNotFound, kIsDirectory, kIo, kLimitExceeded.
Result<JobText> read_job_text(const CommandLine& command);

/// The plan, or the exit code after the diagnostics have been shown (people: standard error; JSON: one answer).
std::variant<JobPlan, int> plan_job(const JobText& job, const CommandLine& command, const Console& console);

int check_job(const CommandLine& command, const Console& console);
int explain_job(const CommandLine& command, const Console& console);

}  // namespace weir::cli
