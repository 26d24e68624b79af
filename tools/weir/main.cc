// The program `weir`: reads the command line and hands over to the verb. It ignores SIGPIPE, so that a reader that goes
// away is an error of a write (exit code 74) and the ledger is still printed. A standard stream that its caller has
// closed is held by a file that gives and takes nothing: else the first file or ring that the run opens would be it,
// and rows would be read from there, or messages written into somebody's rows.
#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "bench.h"
#include "command_line.h"
#include "console.h"
#include "doctor.h"
#include "job_text.h"
#include "run.h"
#include "text.h"

namespace {

using namespace weir::cli;

int print_version(const Console& console) {
  if (console.json())
    return console.answer(
        fmt::format("{{\"version\":{},\"event\":\"version\",\"weir\":{},\"build\":{},\"compiler\":{}}}\n", kJsonVersion,
                    json_quote(WEIR_VERSION), json_quote(WEIR_BUILD_TYPE), json_quote(__VERSION__)));
  return console.answer(fmt::format("weir {} ({}, GCC-compatible {})\n", WEIR_VERSION, WEIR_BUILD_TYPE, __VERSION__));
}

/// Reads of a closed stream fail, and so do writes: the other way only is open.
void hold_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // gives the least number that is free
  }
}

int run_verb(const CommandLine& command) {
  const Console console(command);
  switch (command.verb) {
    case Verb::kRun:
    case Verb::kAudit:
      return run_job(command, console);
    case Verb::kCheck:
      return check_job(command, console);
    case Verb::kExplain:
      return explain_job(command, console);
    case Verb::kDoctor:
      return print_findings(examine(this_machine()), console);
    case Verb::kVersion:
      return print_version(console);
    case Verb::kBench:
      break;  // has its own command line: see main
  }
  return kExitUsage;
}

}  // namespace

int main(int argument_count, char** arguments) {
  hold_closed_streams();
  if (argument_count > 1 && std::strcmp(arguments[1], "bench") == 0) return run_bench(argument_count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  const ParsedCommandLine parsed = parse_command_line(argument_count, arguments);
  if (!parsed.command) {
    std::FILE* out = parsed.exit_code == kExitOk ? stdout : stderr;
    std::fprintf(out, "%s\n", parsed.text.c_str());
    return parsed.exit_code;
  }
  return run_verb(*parsed.command);
}
