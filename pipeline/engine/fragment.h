// Fragment: a chain of operators on one shard with what feeds it: readers (SourceFragment) or exchanges
// (ReceiverFragment). It is the task that a shard's loop drives; one run() is a bounded piece of work.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/dead_letters.h"
#include "engine/idle_board.h"
#include "expression/zone.h"
#include "weir/core/exchange.h"
#include "weir/core/shard.h"
#include "weir/core/trace.h"
#include "weir/io/connector.h"
#include "weir/io/host_feed.h"
#include "weir/pipeline/job.h"
#include "weir/pipeline/operator.h"
#include "weir/pipeline/operators.h"

namespace weir {

class SinkOperator;

/// What all shards of a job share: whether it drains or stops, and the first failure. Thread: any.
class JobState {
 public:
  std::atomic<bool> draining{false};
  std::atomic<bool> stopping{false};

  /// Keeps the first failure and stops the job.
  void fail(Error error);
  std::optional<Error> failure() const;

  /// Fragments that are not done. A fragment adds itself when it is made.
  void fragment_made() noexcept { fragments_left_.fetch_add(1, std::memory_order_relaxed); }
  void fragment_done();
  bool all_done() const noexcept { return fragments_left_.load(std::memory_order_acquire) == 0; }
  /// Waits until all are done, the job stops, or the time is over; returns whether one of the first two is so.
  bool wait(std::int64_t nanoseconds);

  /// Setup: what is closed when the job fails, stops or is done, so that writers append nothing any more.
  void add_feed(std::shared_ptr<HostFeed> feed) { feeds_.push_back(std::move(feed)); }
  void close_feeds() noexcept;

 private:
  std::atomic<std::uint32_t> fragments_left_{0};
  std::condition_variable changed_;
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
  std::vector<std::shared_ptr<HostFeed>> feeds_;
};

/// Counts of one fragment that other threads may read while it runs.
struct FragmentProgress {
  std::atomic<std::uint64_t> rows_in{0}, bytes_in{0}, rows_out{0}, late{0}, malformed{0}, dropped{0}, dead_lettered{0};
  std::atomic<Watermark> watermark{kWatermarkNone};
  std::atomic<int> holder{-1};  ///< Input of this fragment that holds its watermark back.
  std::atomic<std::uint32_t> idle_inputs{0};
  std::atomic<const char*> stalled{nullptr};  ///< What a sink of this fragment, or else its source, waits for.
  std::atomic<const std::string*> stalled_table{nullptr};  ///< Its table.
};

/// Thread: the owning shard, but for progress().
class Fragment : public Task {
 public:
  Fragment(std::string name, FragmentContext context, JobState& state, TraceRecorder* trace);
  ~Fragment() override;

  /// Appends an operator; the first is the head.
  void append(std::unique_ptr<Operator> op);
  /// Operators beside the chain that an operator of it (or the source) pushes rows to: a side output. Appends to the
  /// branch that was begun last.
  void begin_branch() { branches_.emplace_back(); }
  void append_to_branch(std::unique_ptr<Operator> op);
  Operator& branch_head() noexcept { return *branches_.back().front(); }
  std::size_t run() final;
  bool done() const noexcept final { return done_; }

  const std::string& name() const noexcept { return name_; }
  FragmentContext& context() noexcept { return context_; }
  const FragmentContext& context() const noexcept { return context_; }
  std::vector<std::unique_ptr<Operator>>& operators() noexcept { return operators_; }
  const std::vector<std::unique_ptr<Operator>>& operators() const noexcept { return operators_; }
  const FragmentProgress& progress() const noexcept { return progress_; }
  /// Rows enter, leave the job here.
  virtual bool reads() const noexcept { return false; }
  bool writes() const noexcept;
  /// Progress is published after so many runs with work.
  void set_publish_every(std::uint32_t runs) noexcept { publish_every_ = runs; }
  /// The last run left nothing to be done until something new comes from outside.
  bool settled() const noexcept { return settled_; }
  /// Neither time nor io nor another shard makes work for its operators: once it is settled, nothing is to be resumed.
  void set_rests_when_settled() noexcept { rests_when_settled_ = true; }
  /// What it writes are rows of a side output, which are no results.
  void set_side() noexcept { side_ = true; }
  /// Adds this fragment's entries. Requires: its shard has stopped.
  virtual void report(JobLedger& ledger) const;
  /// "in.csv of table t". Thread: any.
  virtual std::string input_text(int) const { return {}; }
  virtual void report_listening(std::map<std::string, std::string>& addresses) const;

 protected:
  /// Feeds the head as far as it accepts; returns the work done.
  virtual std::size_t feed() = 0;
  /// Nothing will be fed any more.
  virtual bool feed_ended() const noexcept = 0;
  virtual void publish();
  virtual const char* input_stalled() const noexcept { return nullptr; }
  virtual const std::string* input_table() const noexcept { return nullptr; }
  void publish_stalled();
  Operator& head() noexcept { return *operators_.front(); }
  /// No operator holds anything back.
  bool all_accept() const noexcept;

  JobState& state_;
  FragmentProgress progress_;
  bool settled_ = false;  // set by feed()
  bool rests_ = false;    // settled when the run began, and nothing but what feeds it makes work

 private:
  std::string name_;
  FragmentContext context_;
  TraceRecorder* trace_;
  std::vector<std::unique_ptr<Operator>> operators_;
  std::vector<std::vector<std::unique_ptr<Operator>>> branches_;
  std::vector<const SinkOperator*> sinks_;  // of the chain, then those of the branches
  bool side_ = false;
  bool done_ = false;
  bool rests_when_settled_ = false;
  std::uint32_t publish_every_ = 1;
  std::uint32_t idle_runs_ = 0;
  std::uint32_t unpublished_ = 0;  // runs since progress was published
};

/// Malformed records of one table on one shard, by the job's policy.
struct MalformedPolicy {
  bool ignore = false;  ///< The table's ignore-parse-errors.
  std::uint64_t malformed_max = 0;
  bool fail_at_loss = false;  ///< A record that never came ends the job at once.
};

/// Reads the inputs that this shard owns, the one with the least watermark first, so that none runs far ahead.
class SourceFragment final : public Fragment {
 public:
  struct Input {
    std::uint32_t number = 0;  ///< In the table.
    std::uint64_t rows = 0;    ///< Read so far.
    std::unique_ptr<RowReader> reader;
    Watermark watermark = kWatermarkNone;
    bool ended = false;
    bool end_told = false;
  };

  SourceFragment(std::string name, FragmentContext context, JobState& state, TraceRecorder* trace, TableSource& source,
                 std::vector<std::uint32_t> inputs, Batch& batch, IoBackend& backend, MalformedPolicy malformed,
                 std::string table);

  /// Malformed records go to this queue, and from it to the head of a branch. Requires: set before the first run.
  void set_dead_letters(std::unique_ptr<DeadLetterQueue> queue, Operator& to) noexcept {
    dead_letters_ = std::move(queue);
    dead_letters_to_ = &to;
  }
  /// Of the keyed exchange behind this fragment, where inputs can be idle. `zone`: watermarks are its wall clock there;
  /// null: instants. Requires: set before the first run.
  void set_idle_board(IdleBoard& board, std::size_t sender, std::unique_ptr<TimeZone> zone) noexcept {
    board_ = &board;
    board_sender_ = sender;
    board_zone_ = std::move(zone);
  }
  /// The operator that is told of ended inputs (none where the table has no watermark), and whether inputs can be idle.
  void set_watermark_operator(WatermarkOperator& op, bool idle_clocks) noexcept {
    watermark_ = &op;
    idle_clocks_ = idle_clocks;
  }

  bool reads() const noexcept override { return true; }
  void report(JobLedger& ledger) const override;
  std::string input_text(int input) const override;
  /// Where the readers listen, once they do. Thread: any.
  void report_listening(std::map<std::string, std::string>& addresses) const override;

 protected:
  std::size_t feed() override;
  bool feed_ended() const noexcept override { return end_sent_; }
  void publish() override;
  const char* input_stalled() const noexcept override;
  const std::string* input_table() const noexcept override { return &table_; }

 private:
  Result<void> open();
  bool take_bad_record(const BadRecord& record, std::size_t input);
  void take_loss(LossReason reason, std::uint64_t records);
  std::size_t push_dead_letters();
  void push_rows(Input& input);
  bool take_promise(Input& input);
  std::size_t finish_return();
  int next_input() noexcept;
  std::size_t read(Input& input);
  std::size_t tell_ends();

  TableSource& source_;
  std::vector<Input> inputs_;
  Batch& batch_;
  IoBackend& backend_;
  MalformedPolicy malformed_;
  std::string table_;
  WatermarkOperator* watermark_ = nullptr;
  bool idle_clocks_ = false;
  std::unique_ptr<DeadLetterQueue> dead_letters_;
  Operator* dead_letters_to_ = nullptr;
  IdleBoard* board_ = nullptr;
  std::size_t board_sender_ = 0;
  std::unique_ptr<TimeZone> board_zone_;
  std::uint64_t returns_ = 0;
  Input* returning_ = nullptr;  // its rows wait in batch_ until the receivers know that they come
  OperatorLedger ledger_;
  std::vector<std::string> samples_;
  std::vector<std::uint8_t> pending_;
  bool opened_ = false;
  bool any_ended_ = false;
  bool draining_ = false;
  bool end_sent_ = false;
  mutable std::mutex listening_mutex_;
  std::vector<std::string> listening_;
};

}  // namespace weir
