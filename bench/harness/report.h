// Report: what was measured, beside what it is measured against, with the bar that the project set itself. A figure is
// only ever printed after its answer was checked.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "harness/parameters.h"
#include "harness/timing.h"

namespace weir::bench {

enum class Bar : std::uint8_t {
  kAtLeast,  ///< ratio >= bar
  kAtMost,   ///< ratio <= bar
  kNone,     ///< shown without judgement
};

/// One line. `ratio` is of pairs of runs where there is a yardstick, else measured over the bar's own unit.
struct Line {
  std::string workload;
  std::string setting;
  std::string unit;
  Sample measured;
  std::string yardstick;  ///< Limit or peer; empty where the bar is a figure itself.
  Sample reference;
  Sample ratio;
  Bar kind = Bar::kNone;
  double bar = 0;

  bool met() const noexcept;
};

class Report {
 public:
  explicit Report(const Parameters& parameters);
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;
  ~Report();

  void header();
  /// Prints the line at once and keeps it for the summary.
  void add(Line line);
  void note(const std::string& text);
  /// How many lines missed their bar, and which.
  void summary();

 private:
  bool judges_;  // a smoke run checks answers, its figures mean nothing
  std::vector<Line> lines_;
  std::FILE* json_ = nullptr;
};

/// A wrong answer ends the program: its figure would mean nothing.
[[noreturn]] void wrong_answer(const std::string& workload, const std::string& what);
/// Ends the program unless both are the same.
void expect_equal(const std::string& workload, const char* what, double expected, double found);
void expect_equal(const std::string& workload, const char* what, std::uint64_t expected, std::uint64_t found);

}  // namespace weir::bench
