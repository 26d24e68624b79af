// See run.h.
#include "run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
#include <set>
#include <utility>

#include "job_text.h"
#include "text.h"
#include "weir/core/clock.h"
#include "weir/io/sim.h"
#include "weir/pipeline/job.h"

namespace weir::cli {
namespace {

constexpr std::int64_t kProgressInterval = 500'000'000;

std::atomic<Job*> signalled_job{nullptr};
std::atomic<int> signals_seen{0};
static_assert(std::atomic<Job*>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "signal handlers take no locks");

void on_signal(int) {
  const int saved = errno;
  Job* job = signalled_job.load();
  const int before = signals_seen.fetch_add(1);
  if (job == nullptr || before >= 2) _exit(kExitStopped);
  if (before == 0)
    job->drain();
  else
    job->stop();
  errno = saved;
}

/// Sends INT and TERM to the job as long as this lives; HUP too, where the caller does not ignore it (nohup).
class SignalScope {
 public:
  explicit SignalScope(Job& job) {
    signalled_job.store(&job);
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, &previous_int_);
    sigaction(SIGTERM, &action, &previous_term_);
    sigaction(SIGHUP, nullptr, &previous_hup_);
    if (previous_hup_.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
  }
  ~SignalScope() {
    sigaction(SIGINT, &previous_int_, nullptr);
    sigaction(SIGTERM, &previous_term_, nullptr);
    sigaction(SIGHUP, &previous_hup_, nullptr);
    signalled_job.store(nullptr);
  }
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;

 private:
  struct sigaction previous_int_ = {}, previous_term_ = {}, previous_hup_ = {};
};

std::string progress_text(const JobProgress& now, const JobProgress& before, double seconds) {
  const double rows = static_cast<double>(now.rows_in - before.rows_in) / seconds;
  const double bytes = static_cast<double>(now.bytes_in - before.bytes_in) / seconds;
  return fmt::format("{} rows in, {} rows/s, {}/s, {} out, watermark {}, late {}, dropped {}, malformed {}",
                     format_count(now.rows_in), format_short(rows), format_bytes(bytes), format_count(now.rows_out),
                     format_watermark(now.watermark), format_count(now.late), format_count(now.dropped),
                     format_count(now.malformed));
}

std::string progress_json(const JobProgress& now, const JobProgress& before, double seconds) {
  return fmt::format(
      "\"rows_in\":{},\"rows_out\":{},\"bytes_in\":{},\"late\":{},\"malformed\":{},\"dropped\":{},"
      "\"rows_per_second\":{:.0f},\"bytes_per_second\":{:.0f},\"watermark\":{},\"stalled\":{}",
      now.rows_in, now.rows_out, now.bytes_in, now.late, now.malformed, now.dropped,
      static_cast<double>(now.rows_in - before.rows_in) / seconds,
      static_cast<double>(now.bytes_in - before.bytes_in) / seconds, json_quote(format_watermark(now.watermark)),
      json_quote(now.stalled));
}

/// Tells how a run goes, each thing once and progress at intervals.
class Narrator {
 public:
  Narrator(const CommandLine& command, const Console& console, Clock& clock)
      : console_(console),
        clock_(clock),
        line_(!command.json && !console.quiet() && (command.progress || console.wants_progress())),
        events_(command.json && command.progress),
        before_ns_(clock.now_ns()) {}

  void tell(const Job& job) {
    for (const auto& [table, address] : job.listening())
      if (announced_.insert(table).second) console_.note("listening", table + " on " + address);
    if (signals_seen.load() > 0 && !said_draining_) {
      said_draining_ = true;
      clear();
      console_.note("draining", "giving what is held; interrupt again to stop at once");
    }
    const std::int64_t now_ns = clock_.now_ns();
    if (now_ns - before_ns_ < kProgressInterval) return;
    const JobProgress now = job.progress();
    // Once a cause, and not for a moment's stop.
    if (now.stalled == before_.stalled && now.stalled != said_stalled_) {
      said_stalled_ = now.stalled;
      clear();
      console_.note("waiting", now.stalled.empty() ? "no longer" : "table " + now.stalled);
    }
    const double seconds = static_cast<double>(now_ns - before_ns_) / 1e9;
    if (line_) console_.progress_line(progress_text(now, before_, seconds));
    if (events_) console_.event("progress", progress_json(now, before_, seconds));
    before_ = now;
    before_ns_ = now_ns;
  }
  void clear() const {
    if (line_ && console_.wants_progress()) console_.progress_line("");
  }

 private:
  const Console& console_;
  Clock& clock_;
  bool line_, events_;
  bool said_draining_ = false;
  std::string said_stalled_;
  std::set<std::string> announced_;
  JobProgress before_;
  std::int64_t before_ns_;
};

std::string summary_text(const JobLedger& ledger, const JobProgress& progress, std::int64_t elapsed_ns) {
  const double seconds = static_cast<double>(elapsed_ns) / 1e9;
  std::string text =
      fmt::format("{} records in ({}) in {}: {} records/s, {}/s; {} rows out\n", format_count(ledger.records_read),
                  format_bytes(static_cast<double>(progress.bytes_in)), format_duration(elapsed_ns),
                  format_short(static_cast<double>(ledger.records_read) / seconds),
                  format_bytes(static_cast<double>(progress.bytes_in) / seconds), format_count(ledger.rows_written));
  text += fmt::format("late {}, malformed {}, dropped {}, filtered {}", format_count(ledger.late),
                      format_count(ledger.malformed), format_count(ledger.dropped), format_count(ledger.filtered));
  if (ledger.lost != 0) text += fmt::format(", lost before they came {}", format_count(ledger.lost));
  text += '\n';
  for (std::size_t i = 0; i < ledger.counts.size(); ++i) {
    const TableCount& count = ledger.counts[i];
    const bool same = i != 0 && ledger.counts[i - 1].table == count.table;
    const bool last = i + 1 == ledger.counts.size() || ledger.counts[i + 1].table != count.table;
    text += fmt::format("{} {} {}{}", same ? "," : count.table + ":", count.name, format_count(count.count),
                        last ? "\n" : "");
  }
  for (const DeliveryLedger& sink : ledger.deliveries)
    text += fmt::format("{}: subscribers {}, rows due to them {}, delivered {}\n", sink.table,
                        format_count(sink.counts.subscribers), format_count(sink.counts.offered),
                        format_count(sink.counts.delivered));
  if (ledger.late_first)
    text += fmt::format("first late row: event time {}, watermark {}\n", format_time(ledger.late_first->event_time),
                        format_watermark(ledger.late_first->watermark));
  if (ledger.late_last)
    text += fmt::format("last late row: event time {}, watermark {}\n", format_time(ledger.late_last->event_time),
                        format_watermark(ledger.late_last->watermark));
  for (const std::string& sample : ledger.malformed_samples) text += fmt::format("malformed: {}\n", sample);
  return text;
}

bool closes(const JobLedger& ledger) {
  return ledger.imbalance == 0 && ledger.open_edges.empty();
}

std::string closing_text(const JobLedger& ledger) {
  if (closes(ledger)) return "ledger: closed, every row is accounted for\n";
  std::string text = fmt::format("ledger: OPEN by {} rows\n", ledger.imbalance);
  for (const std::string& edge : ledger.open_edges) text += "  " + edge + "\n";
  return text;
}

void report(const Job& job, const CommandLine& command, const Console& console, std::int64_t elapsed_ns) {
  const JobLedger ledger = job.ledger();
  const JobProgress progress = job.progress();
  if (command.json) {
    std::string ledger_json = ledger.to_json();
    while (ledger_json.ends_with('\n')) ledger_json.pop_back();
    console.event(
        "summary",
        fmt::format("\"seconds\":{:.6f},\"records_in\":{},\"bytes_in\":{},\"rows_out\":{},\"late\":{},\"malformed\":{},"
                    "\"dropped\":{},\"filtered\":{},\"ledger_closed\":{},\"ledger\":{}",
                    static_cast<double>(elapsed_ns) / 1e9, ledger.records_read, progress.bytes_in, ledger.rows_written,
                    ledger.late, ledger.malformed, ledger.dropped, ledger.filtered, closes(ledger), ledger_json));
    return;
  }
  console.block(summary_text(ledger, progress, elapsed_ns));
  if (command.verb == Verb::kAudit || console.verbosity() >= 2 || !closes(ledger)) {
    std::string full = ledger.to_text();
    if (!full.ends_with('\n')) full += '\n';
    console.block(full);
  }
  console.block(closing_text(ledger));
}

Result<void> write_file(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return Error::from_errno(errno, "cannot open " + path);
  while (!text.empty()) {
    const ssize_t wrote = ::write(file, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      const int error = errno;
      ::close(file);
      return Error::from_errno(error, "cannot write " + path);
    }
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  if (::close(file) != 0) return Error::from_errno(errno, "cannot write " + path);
  return {};
}

/// A world for the backend sim: the files of the machine, a clock that moves by itself, one thread.
struct SimRun {
  ManualClock clock;
  SimWorld world;
  SimRun(std::int64_t wall_ns, std::uint64_t seed) : clock(0, wall_ns), world(clock, seed) {
    world.allow_host_files(true);
  }
};

Result<void> execute(Job& job, const CommandLine& command, const Console& console, Clock& clock) {
  if (command.sim) return job.run();
  WEIR_TRY(job.start());
  Narrator narrator(command, console, clock);
  // Sources begin to listen in their shards, a little after the start.
  std::int64_t interval = kProgressInterval / 128;
  while (!job.wait_for(interval)) {
    narrator.tell(job);
    interval = std::min(2 * interval, kProgressInterval);
  }
  narrator.clear();
  return job.wait();
}

/// Shows what stands behind EXPLAIN and takes it out of the plan. An exit code where nothing is left to run.
std::optional<int> show_explained(JobPlan& plan, const CommandLine& command, const Console& console) {
  JobPlan shown = plan;
  std::erase_if(shown.queries, [](const QueryPlan& query) { return !query.explain; });
  if (shown.queries.empty()) return std::nullopt;
  const Result<JobExplanation> explanation = Job::explain(shown, command.job);
  if (!explanation) return console.error(explanation.error());
  std::string text = command.json ? explanation->json : explanation->text;
  if (!text.ends_with('\n')) text += '\n';
  const int exit_code = console.answer(text);
  std::erase_if(plan.queries, [](const QueryPlan& query) { return query.explain; });
  if (exit_code != kExitOk || plan.queries.empty()) return exit_code;
  return std::nullopt;
}

}  // namespace

int run_job(const CommandLine& command, const Console& console) {
  const Result<JobText> text = read_job_text(command);
  if (!text) return console.error(text.error());
  std::variant<JobPlan, int> planned = plan_job(*text, command, console);
  if (const int* exit_code = std::get_if<int>(&planned)) return *exit_code;
  if (const std::optional<int> shown = show_explained(std::get<JobPlan>(planned), command, console)) return *shown;

  SystemClock clock;
  std::optional<SimRun> sim;
  JobOptions options = command.job;
  if (command.sim) {
    sim.emplace(clock.wall_ns(), options.seed);
    options.world = &sim->world;
    options.clock = &sim->clock;
    options.threads = false;
  }
  std::set<std::string> said(std::get<JobPlan>(planned).notes.begin(), std::get<JobPlan>(planned).notes.end());
  Result<std::unique_ptr<Job>> created = Job::create(std::get<JobPlan>(std::move(planned)), options);
  if (!created) return console.error(created.error());
  Job& job = **created;
  for (const std::string& note : job.notes())
    if (said.insert(note).second) console.note("note", note);
  // A trace that cannot be written is found before the rows are.
  if (!command.trace_file.empty())
    if (const Result<void> empty = write_file(command.trace_file, ""); !empty) return console.error(empty.error());

  const std::int64_t start_ns = clock.now_ns();
  std::optional<SignalScope> signals(job);
  const Result<void> result = execute(job, command, console, clock);
  signals.reset();
  report(job, command, console, clock.now_ns() - start_ns);

  int exit_code = kExitOk;
  if (!result && !(signals_seen.load() > 1 && result.error().code() == ErrorCode::kCancelled))
    exit_code = console.error(result.error());
  if (signals_seen.load() > 1) exit_code = kExitStopped;
  if (!command.trace_file.empty())
    if (const Result<void> written = write_file(command.trace_file, job.trace_json()); !written)
      return console.error(written.error());
  if (exit_code == kExitOk && !closes(job.ledger())) exit_code = kExitFailure;
  return exit_code;
}

}  // namespace weir::cli
