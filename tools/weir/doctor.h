// `weir doctor`: what on this machine stops Weir or makes it slow, and the command that mends it. It changes nothing.
// The machine is a value, so that tests can examine machines that they make up.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "console.h"

namespace weir::cli {

/// What the doctor looks at.
struct Machine {
  std::string root;             ///< Stands before /proc, /sys and /usr; empty for the real ones.
  std::string kernel_release;   ///< As uname gives it: "6.1.0-18-amd64".
  int io_uring_errno = 0;       ///< Of setting up a small ring; 0 where that works.
  int io_uring_fast_errno = 0;  ///< Of one with SINGLE_ISSUER and DEFER_TASKRUN.
  std::uint64_t memlock_bytes = std::numeric_limits<std::uint64_t>::max();  ///< RLIMIT_MEMLOCK; the maximum: no limit.
  std::uint64_t open_files = 1024;                                          ///< RLIMIT_NOFILE.
  bool privileged = false;                                                  ///< Root: RLIMIT_MEMLOCK does not bind it.
  std::uint64_t timer_slack_ns = 50'000;                                    ///< Of this thread.
  bool virtual_machine = false;                                             ///< The processor says so.
  std::vector<int> usable_cpus;                                             ///< That this process may run on.
  bool cpu_baseline = true;                                                 ///< x86-64-v2 with AES and CLMUL.
  bool cpu_wide = true;                                                     ///< AVX2.
};

struct Finding {
  enum class Grade : std::uint8_t {
    kGood,
    kNote,     // as it is, or a choice
    kWarning,  // works, slower or less evenly than it could
    kFailure,  // something does not work
  };
  std::string name;
  Grade grade = Grade::kGood;
  std::string found;   ///< One sentence.
  std::string advice;  ///< What to do, with the command; empty where there is nothing to do.
};

std::vector<Finding> examine(const Machine& machine);
Machine this_machine();
/// Returns kExitOk, or kExitFailure where there is a kFailure.
int print_findings(const std::vector<Finding>& findings, const Console& console);

}  // namespace weir::cli
