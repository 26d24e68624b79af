// See command_line.h. CLI11 reports by exceptions; they end in this file.
#include "command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

namespace weir::cli {
namespace {

constexpr std::size_t kTraceSpansDefault = 1u << 16;

struct VerbRow {
  Verb verb;
  const char* name;
  const char* meaning;
};
constexpr VerbRow kVerbs[] = {
    {Verb::kRun, "run", "Run a job to its end, or until Ctrl-C drains it"},
    {Verb::kAudit, "audit", "Run a job and print where every row went"},
    {Verb::kCheck, "check", "Say whether a job is right, without running it"},
    {Verb::kExplain, "explain", "Print the plan of a job, its memory bound and its guarantees"},
    {Verb::kDoctor, "doctor", "Say what on this machine makes Weir slow or stops it, and how to mend it"},
    {Verb::kBench, "bench", "Measure Weir beside limits of this machine and peers (weir bench --help)"},
    {Verb::kVersion, "version", "Print the version"},
};

/// Options as the user wrote them; turned into JobOptions when all are known.
struct RawOptions {
  std::string backend = "auto", idle = "backoff", simd = "best", keyed_plan = "auto", cores, color = "auto";
  std::vector<std::string> settings;
  bool no_pin = false, quiet = false;
  int verbose = 0;
};

void add_output_options(CLI::App& verb, CommandLine& command, RawOptions& raw) {
  verb.add_flag("--json", command.json, "Print for programs: JSON, one object a line");
  verb.add_flag("-q,--quiet", raw.quiet, "Print errors only");
  verb.add_flag("-v,--verbose", raw.verbose, "Print more (twice: the ledger of a run too)");
  verb.add_option("--color", raw.color, "Color of messages")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

void add_limit_options(CLI::App& verb, JobOptions& job) {
  const CLI::AsSizeValue size(false);
  const auto limit = [&](const char* name, auto& value, const char* meaning) {
    return verb.add_option(name, value, meaning)->capture_default_str()->group("Limits");
  };
  limit("--record-bytes-max", job.record_bytes_max, "Longest record of text input")->transform(size);
  limit("--heap-bytes", job.heap_bytes, "String bytes of a batch; 0 chooses")->transform(size);
  limit("--state-bytes-max", job.state_bytes_max, "Aggregate state of one shard")->transform(size);
  limit("--groups-max", job.groups_max, "Keys in one slice on one shard")->check(CLI::PositiveNumber);
  limit("--slices-max", job.slices_max, "Open slices on one shard")->check(CLI::PositiveNumber);
  limit("--malformed-max", job.malformed_max, "Malformed records before the job fails");
}

void add_job_options(CLI::App& verb, CommandLine& command, RawOptions& raw) {
  verb.add_option("job", command.job_file, "File with the SQL of the job; - reads standard input");
  verb.add_option("-e,--execute", command.sql, "SQL of the job, instead of a file");
  verb.add_option("--set", raw.settings, "Setting, as SET does: key=value. A SET in the SQL wins")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  verb.add_option("--shards", command.job.shards, "Shards: one thread and one part of the keys each")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  verb.add_option("--cores", raw.cores, "CPUs of the shards, as 0-3,6; sets --shards where that is not given");
  verb.add_flag("--no-pin", raw.no_pin, "Do not pin shards to CPUs");
  verb.add_option("--backend", raw.backend, "Input and output of the system")
      ->check(CLI::IsMember({"auto", "uring", "epoll", "sim"}))
      ->capture_default_str();
  verb.add_option("--poll", raw.idle, "What an idle shard does")
      ->check(CLI::IsMember({"busy", "yield", "backoff", "park"}))
      ->capture_default_str();
  verb.add_option("--simd", raw.simd, "Instruction set of the kernels")
      ->check(CLI::IsMember({"best", "scalar"}))
      ->capture_default_str();
  verb.add_option("--keyed-plan", raw.keyed_plan, "Where keyed rows are aggregated")
      ->check(CLI::IsMember({"auto", "local", "shuffle"}))
      ->capture_default_str();
  verb.add_option("--batch-rows", command.job.batch_rows, "Rows of a batch")
      ->check(CLI::Range(1u, kBatchRowsMax))
      ->capture_default_str();
  verb.add_option("--ring-batches", command.job.ring_batches, "Credits of an exchange")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb.add_option("--seed", command.job.seed, "Seed of the backend sim")->capture_default_str();
  add_limit_options(verb, command.job);
}

void add_run_options(CLI::App& verb, CommandLine& command) {
  verb.add_flag("--fail-on-drop", command.job.fail_on_drop, "Any dropped row ends the run with exit code 4");
  verb.add_flag("--progress", command.progress, "Progress on standard error although it is not a terminal");
  verb.add_option("--trace", command.trace_file, "Write a trace for Perfetto to this file");
}

std::optional<std::string> fill_settings(const std::vector<std::string>& raw, CommandLine& command) {
  for (const std::string& setting : raw) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) return "--set: '" + setting + "' is not of the form key=value";
    command.settings[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return std::nullopt;
}

/// Turns the raw words, which CLI11 has checked, into values. Returns what is wrong with them together.
std::optional<std::string> finish(const RawOptions& raw, bool shards_given, CommandLine& command) {
  const auto place = [](std::initializer_list<std::string_view> words, std::string_view word) {
    return static_cast<std::uint8_t>(std::find(words.begin(), words.end(), word) - words.begin());
  };
  JobOptions& job = command.job;
  command.sim = raw.backend == "sim";
  job.backend = raw.backend == "uring"   ? BackendKind::kUring
                : raw.backend == "epoll" ? BackendKind::kEpoll
                                         : BackendKind::kAuto;
  job.idle = static_cast<IdleKind>(place({"busy", "yield", "backoff", "park"}, raw.idle));
  job.simd = static_cast<SimdKind>(place({"best", "scalar"}, raw.simd));
  job.keyed_plan = static_cast<KeyedPlan>(place({"auto", "local", "shuffle"}, raw.keyed_plan));
  command.color = static_cast<ColorWhen>(place({"auto", "always", "never"}, raw.color));
  command.verbosity = raw.quiet ? -1 : raw.verbose;
  job.pin = !raw.no_pin;
  if (!command.trace_file.empty()) job.trace_spans_max = kTraceSpansDefault;
  if (!raw.cores.empty()) {
    const std::optional<std::vector<int>> cpus = parse_cpu_list(raw.cores);
    if (!cpus) return "--cores: '" + raw.cores + "' is not a list of CPUs such as 0-3,6";
    job.cpus = *cpus;
    if (!shards_given) job.shards = static_cast<std::uint32_t>(cpus->size());
    if (job.shards > cpus->size())
      return "--cores names " + std::to_string(cpus->size()) + " CPUs for " + std::to_string(job.shards) + " shards";
    if (job.shards > 64) return "--cores: at most 64 shards";
  }
  const bool takes_sql = command.verb != Verb::kDoctor && command.verb != Verb::kVersion;
  if (takes_sql && command.sql.has_value() == !command.job_file.empty())
    return command.sql ? "give either a file or -e, not both"
                       : "give a file with SQL, - for standard input, or -e 'SQL'";
  return fill_settings(raw.settings, command);
}

}  // namespace

std::optional<std::vector<int>> parse_cpu_list(std::string_view text) {
  constexpr int kCpuMax = 1023;
  std::vector<int> cpus;
  const auto number = [&](int& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value < 0 || value > kCpuMax) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  while (true) {
    int first = 0;
    if (!number(first)) return std::nullopt;
    int last = first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      if (!number(last) || last < first) return std::nullopt;
    }
    for (int cpu = first; cpu <= last; ++cpu) {
      if (std::find(cpus.begin(), cpus.end(), cpu) != cpus.end()) return std::nullopt;
      cpus.push_back(cpu);
    }
    if (text.empty()) return cpus;
    if (!text.starts_with(',')) return std::nullopt;
    text.remove_prefix(1);
  }
}

int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return kExitUsage;
    case ErrorCode::kUnsupported:
      return kExitConfig;
    case ErrorCode::kUnavailable:
      return kExitUnavailable;
    case ErrorCode::kLossPolicy:
      return kExitLoss;
    case ErrorCode::kCancelled:
      return kExitStopped;
    default:
      break;
  }
  const auto number = static_cast<unsigned>(code);
  if (number / 1000 == 2) return kExitIo;
  if (number / 1000 == 4) return kExitConfig;
  return kExitFailure;
}

ParsedCommandLine parse_command_line(int argument_count, const char* const* arguments) {
  CommandLine command;
  RawOptions raw;
  CLI::App app("Streaming SQL and windowed aggregation in one process.", "weir");
  app.require_subcommand(1);
  app.footer(
      "Rows go to standard output, everything else to standard error. Exit codes: 0 done or drained, 1 failed,\n"
      "2 usage, 4 rows dropped under --fail-on-drop, 69 not available here, 74 input or output, 78 SQL or options,\n"
      "130 stopped by a second Ctrl-C (the first one drains, as do TERM and HUP).");
  for (const VerbRow& row : kVerbs) {
    CLI::App* verb = app.add_subcommand(row.name, row.meaning);
    verb->callback([&command, which = row.verb] { command.verb = which; });
    add_output_options(*verb, command, raw);
    if (row.verb == Verb::kDoctor || row.verb == Verb::kBench || row.verb == Verb::kVersion) continue;
    add_job_options(*verb, command, raw);
    if (row.verb == Verb::kRun || row.verb == Verb::kAudit) add_run_options(*verb, command);
  }
  bool version = false;
  app.add_flag_callback(
      "--version",
      [&] {
        version = true;
        throw CLI::Success();
      },
      "Print the version");

  ParsedCommandLine parsed;
  if (const std::string_view first = argument_count > 1 ? arguments[1] : "-";
      !first.starts_with('-') &&
      std::none_of(std::begin(kVerbs), std::end(kVerbs), [&](const VerbRow& row) { return first == row.name; })) {
    parsed.text = "'" + std::string(first) + "' is no verb of weir\nRun `weir --help` for what there is.";
    parsed.exit_code = kExitUsage;
    return parsed;
  }
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::Success& success) {
    if (version) {
      command.verb = Verb::kVersion;
      parsed.command = std::move(command);
      return parsed;
    }
    const CLI::App* chosen = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
    parsed.text = chosen->help(chosen == &app ? "" : "weir " + chosen->get_name());
    return parsed;
  } catch (const CLI::ParseError& error) {
    parsed.text = std::string(error.what()) + "\nRun `weir --help` for what there is.";
    parsed.exit_code = kExitUsage;
    return parsed;
  }
  const CLI::App* chosen = app.get_subcommands().front();
  const CLI::Option* shards = chosen->get_option_no_throw("--shards");
  if (const auto wrong = finish(raw, shards != nullptr && shards->count() > 0, command)) {
    parsed.text = *wrong + "\nRun `weir " + chosen->get_name() + " --help` for what there is.";
    parsed.exit_code = kExitUsage;
    return parsed;
  }
  parsed.command = std::move(command);
  return parsed;
}

}  // namespace weir::cli
