// A scenario: a job, its inputs and its world drawn from a seed, run to its end, with what must hold checked.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

struct Report {
  std::vector<std::string> violations;  ///< Empty: everything held.
  std::uint64_t trace_hash = 0;
  std::string output;  ///< In the order in which it was written.
  std::string error;   ///< Of the job; empty where it ended well.
  std::string drawn;   ///< What was drawn, for a failure's message.
  std::vector<std::string> covered;
};

struct Scenario {
  std::string_view name;
  Report (*run)(std::uint64_t seed);
};
std::span<const Scenario> all_scenarios();

}  // namespace weir::test
