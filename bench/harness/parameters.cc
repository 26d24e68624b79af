// Reads the command line (parameters.h).
#include "harness/parameters.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "weir-bench [options] [part of a workload's name …]\n"
    "  --smoke               small sizes and one run: only whether the answers are right\n"
    "  --only=A,B            workloads whose names contain A or B\n"
    "  --runs=N              measured runs of each thing (5)\n"
    "  --time=wall|cpu       clock of workloads on one thread; cpu bears other load better\n"
    "  --cpus=A,B            CPUs of the first and the second thread (0,1)\n"
    "  --sweep               keyed workloads at batch sizes 1024 to 32768\n"
    "  --json=FILE           append results as JSON lines\n"
    "  --folder=DIR          where files of workloads are made and removed (the system's temporary folder)\n"
    "  --out=DIR             latency workloads write their histograms there: .hgrm and .svg\n"
    "  --set NAME=N          a size: keyed.rows ungrouped.rows ring.items ring.rounds exchange.batches shards.rows\n"
    "                        text.bytes batch_rows duckdb.rows latency.rows latency.rate "
    "net.{bytes,buffers,buffer_bytes,events,rate} "
    "lightsaber.{buffer_mb,batch_rows,percent,load_percent}\n";

[[noreturn]] void refuse(std::string_view argument) {
  std::fprintf(stderr, "weir-bench: cannot read '%.*s'\n%s", static_cast<int>(argument.size()), argument.data(), kHelp);
  std::exit(2);
}

std::uint64_t number(std::string_view text, std::string_view argument) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) refuse(argument);
  return value;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma != 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

void set_cpus(Parameters& parameters, std::string_view text, std::string_view argument) {
  parameters.cpus.clear();
  for (const std::string& cpu : split(text)) parameters.cpus.push_back(static_cast<int>(number(cpu, argument)));
  if (parameters.cpus.size() != 2) refuse(argument);
}

}  // namespace

bool Parameters::wants(const std::string& workload) const {
  if (only.empty()) return true;
  return std::any_of(only.begin(), only.end(),
                     [&](const std::string& part) { return workload.find(part) != std::string::npos; });
}

std::uint64_t Parameters::value(const std::string& name, std::uint64_t measuring, std::uint64_t smoking) const {
  const auto found = values.find(name);
  if (found != values.end()) return found->second;
  return smoke ? smoking : measuring;
}

Parameters read_parameters(int argc, char** argv) {
  Parameters parameters;
  parameters.folder = std::filesystem::temp_directory_path().string();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = std::min(argument.find('='), argument.size());
    const std::string_view name = argument.substr(0, equals);
    const std::string_view text = equals == argument.size() ? std::string_view{} : argument.substr(equals + 1);
    if (argument == "--help") {
      std::fputs(kHelp, stdout);
      std::exit(0);
    } else if (argument == "--smoke") {
      parameters.smoke = true;
      parameters.runs = 1;
    } else if (argument == "--sweep") {
      parameters.sweep = true;
    } else if (name == "--only") {
      parameters.only = split(text);
    } else if (name == "--runs") {
      parameters.runs = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, number(text, argument)));
    } else if (argument == "--time=cpu") {
      parameters.time = TimeKind::kCpu;
    } else if (argument == "--time=wall") {
      parameters.time = TimeKind::kWall;
    } else if (name == "--cpus") {
      set_cpus(parameters, text, argument);
    } else if (name == "--json") {
      parameters.json_path = text;
    } else if (name == "--folder") {
      parameters.folder = text;
    } else if (name == "--out") {
      parameters.out_folder = text;
    } else if (!argument.empty() && argument.front() != '-') {
      parameters.only.emplace_back(argument);
    } else if (argument == "--set" && i + 1 < argc) {
      const std::string_view pair = argv[++i];
      const std::size_t at = pair.find('=');
      if (at == std::string_view::npos) refuse(pair);
      parameters.values[std::string(pair.substr(0, at))] = number(pair.substr(at + 1), pair);
    } else {
      refuse(argument);
    }
  }
  return parameters;
}

}  // namespace weir::bench
