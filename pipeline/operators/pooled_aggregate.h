// PooledAggregate: what window aggregates have in common that keep a state row a window in a StatePool (sessions, count
// windows) instead of slices: taking batches, giving results out under backpressure, and the ledger.
//
//   push     batch ─► take(): state rows by number ─► accumulators ─► taken()
//   control  watermark ─► next_result() … ─► output batch, one a resume() ─► the control goes on
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operators/batch_memory.h"
#include "weir/pipeline/operators.h"
#include "window/accumulate.h"
#include "window/aggregate_layout.h"
#include "window/group_table.h"
#include "window/lower.h"
#include "window/state_pool.h"

namespace weir {

class PooledAggregate : public WindowAggregateOperator {
 public:
  struct Parts {
    WindowAggregateOptions options;
    Schema output;
    AggregateLayout layout;
    KeyLayout keys;
    StateArena arena;
  };
  /// Errors: kSqlUnsupported, kInvalidArgument, kOutOfMemory.
  static Result<Parts> make_parts(const WindowAggregateOptions& options);

  bool accepts() const noexcept final { return !giving_; }
  void push(Batch& batch) final;
  void control(const Control& control) final;
  std::size_t resume() final;
  std::uint64_t held_rows() const noexcept final { return output_->row_count() + rejected_ + waiting(); }
  std::size_t state_bytes() const noexcept final { return parts_.arena.bytes_in_use(); }
  std::size_t state_bytes_max() const noexcept final { return parts_.arena.bytes_max(); }
  std::string_view name() const noexcept final { return name_; }
  const Schema& output_schema() const noexcept final { return parts_.output; }
  const LateReport& late() const noexcept final { return late_; }

 protected:
  /// A result that is ready: its key, its window and its state row.
  struct Ready {
    std::uint32_t key = 0;
    std::uint32_t row = 0;
    std::int64_t start = 0, end = 0;  ///< window_start, window_end.
    EventTime time = 0;               ///< window_time.
  };

  /// `gives_at_rows`: rows may complete results, not only watermarks.
  PooledAggregate(FragmentContext& context, Parts parts, std::string name, bool gives_at_rows);

  /// Gives each selected row its state row in groups_, by row number; counts rows as absorbed, dropped or waiting.
  virtual Result<void> take(const Batch& batch, const simd::Rows& rows, const EventTime* times) = 0;
  /// The rows have been added to their state rows.
  virtual Result<void> taken() = 0;
  /// kBlocked: not before what stands beside the next operator has taken more.
  enum class Next : std::uint8_t { kReady, kNone, kBlocked };
  /// The next result up to the merged watermark.
  virtual Result<Next> next_result(Watermark watermark, Ready& ready) = 0;
  /// Passes on what goes to an operator beside the next one. Returns whether all of it has gone and a control may
  /// follow.
  virtual bool side_done() { return true; }
  virtual void side_control(const Control&) {}
  /// The end of the input has come and no result is left.
  virtual void input_over() {}
  virtual const class KeyIndex& key_index() const noexcept = 0;
  /// The key of a result has been read.
  virtual void leave(const Ready& ready) noexcept = 0;
  /// The batch with these results has gone out.
  virtual void release(std::uint32_t row) noexcept = 0;
  /// Nothing outside refers to strings any more: give memory back.
  virtual Result<void> reclaim() = 0;
  virtual StatePool& pool() noexcept = 0;
  /// Rows that were taken and are neither absorbed nor dropped yet.
  virtual std::uint64_t waiting() const noexcept { return 0; }
  /// Errors: kLossPolicy, where the first late row ends the job.
  Result<void> take_late(EventTime time, Watermark watermark, std::uint64_t arrival);
  /// Of this class; what a derived one has beside its object is its own to add.
  std::size_t working_bytes() const noexcept {
    return keys_.memory_bytes() + accumulator_.memory_bytes() + output_.bytes() +
           std::size_t{capacity_} * 2 * sizeof(std::uint32_t);
  }
  std::int64_t ingest_min() const noexcept { return ingest_min_; }
  std::int64_t ingest_max() const noexcept { return ingest_max_; }

  FragmentContext& context_;
  Parts parts_;
  std::uint32_t capacity_;
  BatchKeys keys_;
  std::unique_ptr<std::uint32_t[]> groups_;

 private:
  Result<void> add(const Batch& batch);
  Result<const EventTime*> checked_times(const Batch& batch, const simd::Rows& rows) const;
  Result<bool> fill();
  bool tell_watermark();
  std::size_t push_output();
  void fail(Error error);

  std::string name_;
  bool gives_at_rows_;
  BatchAccumulator accumulator_;
  BatchMemory output_;
  std::unique_ptr<std::uint32_t[]> result_rows_;  // the state row of each row of the output
  LateReport late_;
  std::uint64_t rejected_ = 0;
  std::int64_t ingest_min_ = kEventTimeMax, ingest_max_ = kEventTimeMin;
  Watermark watermark_ = kWatermarkNone;
  Watermark given_ = kWatermarkNone;     // the watermark passed on last
  EventTime last_time_ = kEventTimeMin;  // of the last result
  bool giving_ = false;
  bool failed_ = false;
  std::optional<Control> held_control_;
};

}  // namespace weir
