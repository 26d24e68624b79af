// See job_text.h.
#include "job_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "text.h"
#include "weir/io/connector.h"
#include "weir/pipeline/job.h"
#include "weir/pipeline/sql.h"

namespace weir::cli {
namespace {

/// Reads to the end, at most `bytes_max`; the caller closes.
Result<std::string> read_all(int file, const std::string& name, std::size_t bytes_max) {
  std::string text;
  while (true) {
    char chunk[16384];
    const ssize_t got = ::read(file, chunk, sizeof(chunk));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "cannot read " + name);
    if (got == 0) return text;
    text.append(chunk, static_cast<std::size_t>(got));
    if (text.size() > bytes_max)
      return Error(ErrorCode::kLimitExceeded, fmt::format("{} is longer than text_bytes_max = {}", name, bytes_max));
  }
}

std::string diagnostic_json(const Diagnostic& diagnostic) {
  std::string notes;
  for (const Diagnostic::Note& note : diagnostic.notes)
    notes += fmt::format("{}{{\"message\":{},\"begin\":{},\"end\":{}}}", notes.empty() ? "" : ",",
                         json_quote(note.message), note.span.begin, note.span.end);
  return fmt::format(
      "{{\"code\":{},\"name\":{},\"line\":{},\"column\":{},\"begin\":{},\"end\":{},\"message\":{},\"hint\":{},"
      "\"notes\":[{}]}}",
      static_cast<unsigned>(diagnostic.code), json_quote(error_code_name(diagnostic.code)), diagnostic.line,
      diagnostic.column, diagnostic.span.begin, diagnostic.span.end, json_quote(diagnostic.message),
      json_quote(diagnostic.hint), notes);
}

Result<void> validate_table(const TableDefinition& table, const CommandLine& command) {
  if (table.is_view) return {};
  TableContext context;
  context.table = table.name;
  context.schema.fields.assign(table.schema.fields.begin(), table.schema.fields.begin() + table.physical_count);
  context.options = table.options;
  context.record_bytes_max = command.job.record_bytes_max;
  return check_table_options(context);
}

int show_diagnostics(const JobText& job, const std::vector<Diagnostic>& diagnostics, const Console& console) {
  if (console.json()) {
    std::string list;
    for (const Diagnostic& diagnostic : diagnostics) list += (list.empty() ? "" : ",") + diagnostic_json(diagnostic);
    console.event("diagnostics", fmt::format("\"file\":{},\"exit_code\":{},\"diagnostics\":[{}]", json_quote(job.name),
                                             static_cast<int>(kExitConfig), list));
  } else {
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics) text += render(diagnostic, job.text, job.name);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  return kExitConfig;
}

}  // namespace

Result<JobText> read_job_text(const CommandLine& command) {
  const std::size_t bytes_max = SqlOptions().text_bytes_max;
  if (command.sql) return JobText{"<-e>", *command.sql};
  if (command.job_file == "-") {
    WEIR_ASSIGN(std::string text, read_all(STDIN_FILENO, "standard input", bytes_max));
    return JobText{"<stdin>", std::move(text)};
  }
  const int file = ::open(command.job_file.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Error::from_errno(errno, "cannot open " + command.job_file);
  Result<std::string> text = read_all(file, command.job_file, bytes_max);
  ::close(file);
  if (!text) return std::move(text).error();
  return JobText{command.job_file, std::move(text).value()};
}

std::variant<JobPlan, int> plan_job(const JobText& job, const CommandLine& command, const Console& console) {
  SqlOptions options;
  options.settings = command.settings;
  options.validate_table = [&](const TableDefinition& table) { return validate_table(table, command); };
  std::vector<Diagnostic> diagnostics;
  Result<JobPlan> plan = plan_sql(job.text, options, &diagnostics);
  if (!plan) {
    if (!diagnostics.empty()) return show_diagnostics(job, diagnostics, console);
    console.error(plan.error());
    return kExitConfig;
  }
  for (const std::string& note : plan->notes) console.note("note", note);
  for (const auto& [key, value] : command.settings)
    if (const auto found = plan->settings.find(key); found != plan->settings.end() && found->second != value)
      console.note("note", fmt::format("SET '{}' = '{}' in {} wins over --set", key, found->second, job.name));
  return std::move(plan).value();
}

int check_job(const CommandLine& command, const Console& console) {
  const Result<JobText> job = read_job_text(command);
  if (!job) return console.error(job.error());
  const std::variant<JobPlan, int> planned = plan_job(*job, command, console);
  if (const int* exit_code = std::get_if<int>(&planned)) return *exit_code;
  const JobPlan& plan = std::get<JobPlan>(planned);
  const Result<JobExplanation> explanation = Job::explain(plan, command.job);
  if (!explanation) return console.error(explanation.error());
  if (console.json())
    return console.answer(fmt::format(
        "{{\"version\":{},\"event\":\"check\",\"file\":{},\"ok\":true,\"tables\":{},"
        "\"queries\":{},\"memory_bytes_max\":{}}}\n",
        kJsonVersion, json_quote(job->name), plan.tables.size(), plan.queries.size(), explanation->memory_bytes_max));
  if (console.quiet()) return kExitOk;
  const auto counted = [](std::size_t count, const char* one, const char* many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
  };
  return console.answer(fmt::format("{}: right; {}, {}, at most {} of memory\n", job->name,
                                    counted(plan.tables.size(), "table", "tables"),
                                    counted(plan.queries.size(), "query", "queries"),
                                    format_bytes(static_cast<double>(explanation->memory_bytes_max))));
}

int explain_job(const CommandLine& command, const Console& console) {
  const Result<JobText> job = read_job_text(command);
  if (!job) return console.error(job.error());
  const std::variant<JobPlan, int> planned = plan_job(*job, command, console);
  if (const int* exit_code = std::get_if<int>(&planned)) return *exit_code;
  const Result<JobExplanation> explanation = Job::explain(std::get<JobPlan>(planned), command.job);
  if (!explanation) return console.error(explanation.error());
  std::string text = command.json ? explanation->json : explanation->text;
  if (!text.ends_with('\n')) text += '\n';
  return console.answer(text);
}

}  // namespace weir::cli
