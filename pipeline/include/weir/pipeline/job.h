// Job: a plan laid over shards and run. This is what `weir run` and an embedding host use.
//
//   JobPlan ──► Job::create: physical plan, memory, files and sockets checked ──► start ──► (drain | stop) ──► wait
//
// A Job has no globals, installs no signal handler, prints nothing, and has only the threads that it was given leave
// for: one a shard (JobOptions::threads), or none, where the whole job runs in the thread that calls run(), one turn of
// each shard after another (this is how a simulation runs it).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/clock.h"
#include "weir/core/result.h"
#include "weir/io/backend.h"
#include "weir/io/connector.h"
#include "weir/pipeline/ledger.h"
#include "weir/pipeline/operators.h"
#include "weir/pipeline/plan.h"
#include "weir/pipeline/reader.h"
#include "weir/pipeline/writer.h"

namespace weir {

class FunctionCatalogue;
class SimWorld;

enum class KeyedPlan : std::uint8_t { kAuto, kLocalMerge, kShuffle };
enum class IdleKind : std::uint8_t { kBusySpin, kYield, kBackOff, kPark };
enum class SimdKind : std::uint8_t { kBest, kScalar };

/// How to run a job. Every number has a limit and a default; `weir explain` prints what follows from them.
struct JobOptions {
  std::uint32_t shards = 1;  ///< 1 … 64.
  std::vector<int> cpus;     ///< CPU of each shard; empty: 0, 1, … as far as they go.
  bool pin = true;           ///< Pin shard threads to their CPUs.
  bool threads = true;       ///< false: run() or poll() turns all shards in the calling thread.
  /// Writers run the job: when append() returns, what follows from its rows has been given out. One shard, no threads;
  /// all writers belong to one thread. Progress is that of up to 64 appends ago.
  bool inline_append = false;
  BackendKind backend = BackendKind::kAuto;  ///< uring where the kernel allows it, else epoll, with a note.
  IdleKind idle = IdleKind::kBackOff;
  SimdKind simd = SimdKind::kBest;
  KeyedPlan keyed_plan = KeyedPlan::kAuto;
  std::uint32_t batch_rows = kBatchRowsDefault;  ///< 1 … 65536.
  std::uint32_t ring_batches = 16;               ///< Credits of an exchange: 1 … 1024.
  std::size_t heap_bytes = 0;                    ///< String bytes of a batch; 0: 64 a row, at least record_bytes_max.
  std::size_t record_bytes_max = 64u << 10;      ///< Longest record of text input.
  std::uint32_t groups_max = 1u << 20;           ///< Keys in one slice on one shard.
  std::uint32_t slices_max = 4096;               ///< Open slices on one shard.
  std::size_t state_bytes_max = std::size_t{1} << 30;  ///< Aggregate state of one shard.
  std::uint64_t malformed_max = 0;  ///< Malformed records before the job fails, where the table does not ignore them.
  bool fail_on_drop = false;        ///< Any dropped row ends the job with kLossPolicy.
  Clock* clock = nullptr;           ///< null: the system's.
  SimWorld* world =
      nullptr;  ///< Not null: the simulated backend in this world (not `backend`), one thread; must outlive the job.
  /// The host's functions that SQL knows beside Weir's own (function_catalogue.h); null: an Engine's, or none.
  std::shared_ptr<const FunctionCatalogue> functions = nullptr;
  std::uint64_t seed = 1;           ///< Of the simulated scheduler and backend.
  std::size_t trace_spans_max = 0;  ///< Spans kept a shard; 0: no trace.
  std::map<std::string, HostTable>
      host_tables;  ///< Tables with connector 'host': rows from and to the embedding process.
};

/// One operator instance in the ledger.
struct LedgerEntry {
  std::uint32_t shard = 0;
  std::string fragment;
  std::string operator_name;
  OperatorLedger ledger;
  std::uint64_t held = 0;
};

struct LateSample {
  EventTime event_time = 0;
  Watermark watermark = 0;
};

/// An input of a source table at the end of a run.
struct InputLedger {
  std::uint32_t shard = 0;
  std::string table, name;
  InputReport report;
};

/// What a sink's subscribers got of its rows.
struct DeliveryLedger {
  std::string table;
  Deliveries counts;
};

/// What else a table's connector counted: connections, drops, repetitions.
struct TableCount {
  std::string table, name;
  std::uint64_t count = 0;
};

/// All counts of a run; a consistent one after wait(), an approximate one before.
struct JobLedger {
  std::vector<LedgerEntry> entries;
  std::uint64_t records_read = 0;  ///< Records seen by sources, good and bad.
  std::uint64_t rows_written = 0;  ///< Rows given out by sinks, without those of side outputs.
  std::uint64_t late = 0;          ///< Dropped or given to a side output.
  std::uint64_t malformed = 0, dropped = 0, filtered = 0;
  std::uint64_t side_output = 0;    ///< Late rows that went to a table of their own.
  std::uint64_t dead_lettered = 0;  ///< Malformed records that went to a table of their own.
  std::optional<LateSample> late_first, late_last;
  std::vector<InputLedger> inputs;             ///< Of tables with a watermark.
  std::vector<std::string> malformed_samples;  ///< The first few, as text.
  std::uint64_t lost = 0;                      ///< Records that never came: dropped by the system, missing in a feed.
  std::vector<DeliveryLedger> deliveries;      ///< Of sinks with subscribers.
  std::vector<TableCount> counts;
  std::int64_t imbalance = 0;           ///< Sum over operators and edges; 0 or there is a bug.
  std::vector<std::string> open_edges;  ///< Edges whose two sides disagree; empty when all is well.
  std::string to_text() const;
  std::string to_json() const;
};

/// Numbers for a progress line. Thread: any.
struct JobProgress {
  std::uint64_t rows_in = 0, bytes_in = 0, rows_out = 0, late = 0, malformed = 0, dropped = 0;
  Watermark watermark = kWatermarkNone;  ///< Lowest over the sources.
  std::string held_by;            ///< The input that holds the watermark back, and its table; "" where none does.
  std::uint32_t idle_inputs = 0;  ///< Inputs that are left out of the watermark, having given no row for long.
  std::string stalled;  ///< A table that takes, or gives, no rows for a reason of its own, and why; "" where none.
  bool finished = false;
};

/// What `explain` says: text for people, or JSON.
struct JobExplanation {
  std::string text;
  std::string json;
  std::size_t memory_bytes_max = 0;  ///< What the job can take at most, without the program itself.
};

/// How long Job::poll may go on.
struct PollBudget {
  std::uint32_t turns = 1;       ///< Of every shard.
  std::int64_t nanoseconds = 0;  ///< Looked at between turns; 0: no bound, and the clock is not read.
};

class Job {
 public:
  /// Plans and takes all memory. Errors: those of connectors, formats and limits.
  static Result<std::unique_ptr<Job>> create(JobPlan plan, JobOptions options);
  /// Only plans: looks whether input files are there and opens nothing, takes no memory for the data path.
  static Result<JobExplanation> explain(const JobPlan& plan, const JobOptions& options);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// start() and wait().
  Result<void> run();
  /// Starts the shard threads. Requires: options.threads, called once.
  Result<void> start();
  /// Ends every source as if its input ended here; windows give their results; returns at once. Thread: any;
  /// async-signal-safe.
  void drain() noexcept;
  /// Ends now; what is held is given up and counted as held. Thread: any; async-signal-safe.
  void stop() noexcept;
  /// Without threads: one turn of every shard in the calling thread, or, where there was nothing to do, a short wait
  /// for the outside. Returns the work done. Requires: !options.threads. Thread: always the same.
  std::size_t poll();
  /// The same without waiting: turns until nothing is to be done or the budget is used up. Returns the work done.
  std::size_t poll(const PollBudget& budget);

  bool started() const noexcept;  ///< start() was called. Thread: that of start().

  /// The writer of a table that writers feed; each number once. Thread: any, one at a time; the writer is its own.
  /// Errors: kNotFound (no such table, or no writers feed it), kInvalidArgument (a number that is taken or too large).
  Result<Writer> writer(std::string_view table, std::uint32_t number = 0);
  /// The reader of a table whose results a reader takes; once. Errors: kNotFound, kInvalidArgument.
  Result<Reader> reader(std::string_view table);

  /// Waits for the end. Errors: the first failure of any shard; kInvalidArgument where nothing was started.
  Result<void> wait();
  /// Waits at most this long; true when the job has ended.
  bool wait_for(std::int64_t nanoseconds);

  JobProgress progress() const;
  /// Requires: the job has ended (else the counts are of different moments).
  JobLedger ledger() const;
  const std::vector<std::string>& notes() const noexcept;  ///< Such as the backend that was taken.
  std::size_t memory_bytes() const noexcept;               ///< Taken at create.
  /// Chrome trace JSON, openable in Perfetto. Requires: ended.
  std::string trace_json() const;
  /// Addresses that listening sources are bound to, by table ("events" → "127.0.0.1:40123"); known a little after
  /// start, once the shard has opened them.
  std::map<std::string, std::string> listening() const;

 private:
  struct Impl;
  explicit Job(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Judges a table's connector, format and options; for SqlOptions::validate_table.
Result<void> validate_table(const TableDefinition& table, const JobOptions& options);

/// Parses, binds and validates. The error's text is the rendered diagnostics.
Result<JobPlan> plan_job(std::string_view sql, const JobOptions& options, std::string_view file_name = "job.sql");

/// Parses, binds, validates and makes a job of SQL text. The error's text is the rendered diagnostics.
Result<std::unique_ptr<Job>> make_job(std::string_view sql, JobOptions options, std::string_view file_name = "job.sql");

}  // namespace weir
