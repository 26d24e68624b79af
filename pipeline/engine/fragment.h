// Fragment: a chain of operators on one shard with what feeds it: readers (SourceFragment) or exchanges
// (ReceiverFragment). It is the task that a shard's loop drives; one run() is a bounded piece of work.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "weir/core/exchange.h"
#include "weir/core/shard.h"
#include "weir/core/trace.h"
#include "weir/io/connector.h"
#include "weir/pipeline/operator.h"
#include "weir/pipeline/operators.h"

namespace weir {

/// What all shards of a job share: whether it drains or stops, and the first failure. Thread: any.
class JobState {
 public:
  std::atomic<bool> draining{false};
  std::atomic<bool> stopping{false};

  /// Keeps the first failure and stops the job.
  void fail(Error error);
  std::optional<Error> failure() const;

 private:
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
};

/// Counts of one fragment that other threads may read while it runs.
struct FragmentProgress {
  std::atomic<std::uint64_t> rows_in{0}, bytes_in{0}, rows_out{0}, late{0}, malformed{0}, dropped{0};
  std::atomic<Watermark> watermark{kWatermarkNone};
};

/// Thread: the owning shard, but for progress().
class Fragment : public Task {
 public:
  Fragment(std::string name, FragmentContext context, JobState& state, TraceRecorder* trace);
  ~Fragment() override;

  /// Appends an operator; the first is the head.
  void append(std::unique_ptr<Operator> op);
  std::size_t run() final;
  bool done() const noexcept final { return done_; }

  const std::string& name() const noexcept { return name_; }
  FragmentContext& context() noexcept { return context_; }
  std::vector<std::unique_ptr<Operator>>& operators() noexcept { return operators_; }
  const std::vector<std::unique_ptr<Operator>>& operators() const noexcept { return operators_; }
  const FragmentProgress& progress() const noexcept { return progress_; }

 protected:
  /// Feeds the head as far as it accepts; returns the work done.
  virtual std::size_t feed() = 0;
  /// Nothing will be fed any more.
  virtual bool feed_ended() const noexcept = 0;
  virtual void publish();
  Operator& head() noexcept { return *operators_.front(); }

  JobState& state_;
  FragmentProgress progress_;

 private:
  std::string name_;
  FragmentContext context_;
  TraceRecorder* trace_;
  std::vector<std::unique_ptr<Operator>> operators_;
  bool done_ = false;
};

/// Malformed records of one table on one shard, by the job's policy.
struct MalformedPolicy {
  bool ignore = false;  ///< The table's ignore-parse-errors.
  std::uint64_t malformed_max = 0;
};

/// Reads the inputs that this shard owns, the one with the least watermark first, so that none runs far ahead.
class SourceFragment final : public Fragment {
 public:
  struct Input {
    std::uint32_t number = 0;  ///< In the table.
    std::unique_ptr<RowReader> reader;
    Watermark watermark = kWatermarkNone;
    bool ended = false;
    bool end_told = false;
  };

  SourceFragment(std::string name, FragmentContext context, JobState& state, TraceRecorder* trace, TableSource& source,
                 std::vector<std::uint32_t> inputs, Batch& batch, IoBackend& backend, MalformedPolicy malformed);

  /// The operator that is told of ended inputs; null where the table has no watermark.
  void set_watermark_operator(WatermarkOperator* op) noexcept { watermark_ = op; }

  const OperatorLedger& source_ledger() const noexcept { return ledger_; }
  const std::vector<std::string>& malformed_samples() const noexcept { return samples_; }
  /// Where the readers listen, once they do. Thread: any.
  std::vector<std::string> listening() const;

 protected:
  std::size_t feed() override;
  bool feed_ended() const noexcept override { return end_sent_; }
  void publish() override;

 private:
  Result<void> open();
  bool take_bad_record(const BadRecord& record);
  int next_input() const noexcept;
  std::size_t read(Input& input);
  std::size_t tell_ends();

  TableSource& source_;
  std::vector<Input> inputs_;
  Batch& batch_;
  IoBackend& backend_;
  MalformedPolicy malformed_;
  WatermarkOperator* watermark_ = nullptr;
  OperatorLedger ledger_;
  std::vector<std::string> samples_;
  std::vector<bool> pending_;
  bool opened_ = false;
  bool draining_ = false;
  bool end_sent_ = false;
  mutable std::mutex listening_mutex_;
  std::vector<std::string> listening_;
};

}  // namespace weir
