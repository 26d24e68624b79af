// Prints the table and the JSON lines (report.h).
#include "harness/report.h"

#include <cstdlib>

#include "harness/machine.h"

namespace weir::bench {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string json(const Sample& sample) {
  char text[128];
  std::snprintf(text, sizeof text, "{\"median\":%.6g,\"min\":%.6g,\"max\":%.6g}", sample.median, sample.min,
                sample.max);
  return text;
}

std::string shown(const Sample& sample) {
  char text[96];
  std::snprintf(text, sizeof text, "%.4g [%.4g %.4g]", sample.median, sample.min, sample.max);
  return text;
}

const char* verdict(const Line& line) {
  if (line.kind == Bar::kNone) return "-";
  return line.met() ? "met" : "NOT MET";
}

std::string bar_text(const Line& line) {
  if (line.kind == Bar::kNone) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%s %.4g", line.kind == Bar::kAtLeast ? ">=" : "<=", line.bar);
  return text;
}

}  // namespace

bool Line::met() const noexcept {
  if (kind == Bar::kAtLeast) return ratio.median >= bar;
  return kind == Bar::kNone || ratio.median <= bar;
}

Report::Report(const Parameters& parameters) : judges_(!parameters.smoke) {
  if (parameters.json_path.empty()) return;
  json_ = std::fopen(parameters.json_path.c_str(), "a");
  if (json_ == nullptr) {
    std::fprintf(stderr, "weir-bench: cannot open %s\n", parameters.json_path.c_str());
    std::exit(2);
  }
}

Report::~Report() {
  if (json_ != nullptr) std::fclose(json_);
}

void Report::header() {
  const Machine machine = this_machine();
  std::printf("%s, %u cores; Linux %s; %s, %s; %s; load %s\n", machine.cpu.c_str(), machine.cores,
              machine.kernel.c_str(), machine.compiler.c_str(), machine.build_type.c_str(), machine.date.c_str(),
              machine.load.c_str());
  std::printf("median [least greatest]; ratio: median over pairs of neighbouring runs\n\n");
  std::printf("%-22s %-30s %-28s %-9s %-42s %-22s %-8s %s\n", "workload", "setting", "measured", "unit",
              "limit or peer", "ratio", "bar", "");
  std::fflush(stdout);
  if (json_ == nullptr) return;
  std::fprintf(
      json_, "{\"cpu\":%s,\"cores\":%u,\"kernel\":%s,\"compiler\":%s,\"build_type\":%s,\"date\":%s,\"load\":%s}\n",
      quoted(machine.cpu).c_str(), machine.cores, quoted(machine.kernel).c_str(), quoted(machine.compiler).c_str(),
      quoted(machine.build_type).c_str(), quoted(machine.date).c_str(), quoted(machine.load).c_str());
}

void Report::add(Line line) {
  if (!judges_) line.kind = Bar::kNone;
  const std::string against = line.yardstick.empty() ? "-" : line.yardstick + " " + shown(line.reference);
  std::printf("%-22s %-30s %-28s %-9s %-42s %-22s %-8s %s\n", line.workload.c_str(), line.setting.c_str(),
              shown(line.measured).c_str(), line.unit.c_str(), against.c_str(), shown(line.ratio).c_str(),
              bar_text(line).c_str(), verdict(line));
  std::fflush(stdout);
  if (json_ != nullptr) {
    std::fprintf(json_,
                 "{\"workload\":%s,\"setting\":%s,\"unit\":%s,\"measured\":%s,\"yardstick\":%s,\"reference\":%s,"
                 "\"ratio\":%s,\"bar\":%s,\"met\":%s}\n",
                 quoted(line.workload).c_str(), quoted(line.setting).c_str(), quoted(line.unit).c_str(),
                 json(line.measured).c_str(), quoted(line.yardstick).c_str(), json(line.reference).c_str(),
                 json(line.ratio).c_str(), quoted(bar_text(line)).c_str(), line.met() ? "true" : "false");
    std::fflush(json_);
  }
  lines_.push_back(std::move(line));
}

void Report::note(const std::string& text) {
  std::printf("  note: %s\n", text.c_str());
  std::fflush(stdout);
}

void Report::summary() {
  if (!judges_) {
    std::printf("\nall answers right; sizes are too small to judge a figure\n");
    return;
  }
  std::size_t judged = 0, met = 0;
  for (const Line& line : lines_) {
    if (line.kind == Bar::kNone) continue;
    ++judged;
    met += line.met() ? 1 : 0;
  }
  std::printf("\n%zu of %zu bars met\n", met, judged);
  for (const Line& line : lines_) {
    if (line.met()) continue;
    std::printf("  not met: %s, %s: %.3g (bar %s)\n", line.workload.c_str(), line.setting.c_str(), line.ratio.median,
                bar_text(line).c_str());
  }
}

void wrong_answer(const std::string& workload, const std::string& what) {
  std::fprintf(stderr, "weir-bench: %s: wrong answer: %s\n", workload.c_str(), what.c_str());
  std::exit(1);
}

void expect_equal(const std::string& workload, const char* what, double expected, double found) {
  if (expected == found) return;
  char text[160];
  std::snprintf(text, sizeof text, "%s is %.17g where %.17g was expected", what, found, expected);
  wrong_answer(workload, text);
}

void expect_equal(const std::string& workload, const char* what, std::uint64_t expected, std::uint64_t found) {
  if (expected == found) return;
  wrong_answer(workload, std::string(what) + " is " + std::to_string(found) + " where " + std::to_string(expected) +
                             " was expected");
}

}  // namespace weir::bench
