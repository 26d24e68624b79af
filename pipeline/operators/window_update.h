// WindowUpdate: a window aggregate whose results change: it gives results before a window is complete (early), and
// again when rows come after that (allowed lateness). Each change goes out as -U of what was given and +U of what holds
// now; the first result of a key in a window is +I.
//
//   rows, partials ─► deltas: what came since a window was given out last, by (window, key)
//                        │ fire: watermark, processing time, count of rows, late rows
//                        ▼
//   -U of the total ◄─ totals: what was given out, by (window, key) ─► total + delta ─► +I or +U
//
// A window's total stays until watermark >= end - tick + lateness. Overlapping windows each have a delta and a total of
// their own: a row costs as many updates as it has windows (size / slide), which is the price of changing any of them.
//
// A result that a change leaves as it is does not go out again, unless results are text: old text is gone when the new
// one is there. What is taken back and what holds now go out in one batch, but for text.
//
// Where every batch fires at once (early, without a delay), a few rows of a window need no delta: they are added to the
// total itself, between a look at what was given out and one at what holds now.
//
// Rows that are changes themselves (options.changes: a GROUP BY over results that change) are gains (+I, +U) or losses
// (-U, -D). Losses stand in tables of their own beside the deltas and are taken out of the totals behind them
// (window_losses.cc). A group that has lost its last row is deleted (-D) where it was given out. What comes of a batch
// waits for the next turn, so that a row that is taken back and given again in two batches is one change.
//
// In mode kLocal there are no totals: deltas of slices go out as partials, as often as the merging aggregate fires.
//
// Invariants
//   1. While a fire is under way nothing is accepted; a control goes on when everything that it releases has.
//   2. For each key and window: the last +I or +U that was not taken back holds the aggregate over all rows absorbed.
//   3. rows_in = rows_absorbed + dropped (+ rejected_); rows_created = rows_out + what is left of the pending batch.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "operators/window_aggregate.h"

namespace weir {

class WindowUpdate final : public WindowAggregateOperator {
 public:
  /// Errors: kSqlUnsupported for windows that cannot be updated.
  static Result<std::unique_ptr<WindowAggregateOperator>> make(FragmentContext& context, WindowAggregate::Parts parts);
  WindowUpdate(FragmentContext& context, WindowAggregate::Parts parts);

  bool accepts() const noexcept override { return !firing_; }
  void push(Batch& batch) override;
  void control(const Control& control) override;
  std::size_t resume() override;
  void flush() override {
    if (changes()) (void)resume();
    Operator::flush();
  }
  std::uint64_t held_rows() const noexcept override {
    return (pending_ == nullptr ? 0 : pending_count_ - pending_next_) + rejected_;
  }
  std::size_t state_bytes() const noexcept override { return parts_.arena.bytes_in_use(); }
  std::size_t state_bytes_max() const noexcept override { return parts_.arena.bytes_max(); }
  bool crowded() const noexcept override;
  std::string_view name() const noexcept override { return name_; }

  const Schema& output_schema() const noexcept override { return parts_.output; }
  const LateReport& late() const noexcept override { return late_; }
  StateCost state_cost() const override;
  std::uint32_t open_slices() const noexcept override { return deltas_.open_count() + totals_.open_count(); }

 private:
  enum class Step : std::uint8_t { kChoose, kTakeBack, kGive };
  /// At once, rows are looked at one beside the other for which of them have one group.
  static constexpr std::uint32_t kRowsAtOnceMax = 16;

  bool windowed() const noexcept { return parts_.options.window.has_value(); }
  bool merging() const noexcept { return parts_.options.mode == AggregateMode::kMerge; }
  bool local() const noexcept { return parts_.options.mode == AggregateMode::kLocal; }
  bool changes() const noexcept { return parts_.options.changes; }
  const EmitOptions& emit() const noexcept { return parts_.options.emit; }
  std::int64_t end_of(const Slice& slice) const noexcept;
  bool due(std::int64_t end, Watermark watermark) const noexcept;

  std::size_t working_bytes() const noexcept;

  // Taking rows.
  Result<void> take(const Batch& batch);
  Result<void> take_run(SliceStore& store, const SliceRun& run);
  Result<void> absorb(SliceStore& store, std::int64_t start, std::int64_t end, const simd::Rows& rows);
  bool goes_at_once(const SliceStore& store, std::uint32_t rows) const noexcept;
  Result<void> change_at_once(std::int64_t start, std::int64_t end, const simd::Rows& rows);
  void count_late(const Batch& batch);
  void arm_timers();
  std::int64_t at_time(std::int64_t delay_ns);

  // Giving out.
  void fire(Watermark target);
  bool fire_due();
  bool next_window();
  bool more_groups() noexcept;
  Result<void> step();
  Result<void> choose();
  Result<void> take_back();
  Result<void> give();
  Result<void> add_deltas();
  Result<void> add_to_totals(const std::uint32_t* groups, const simd::Rows& rows);
  template <class Add>
  Result<void> change(Add&& add);
  Batch& before() noexcept { return together_ ? *output_ : **before_; }
  std::uint32_t after_at() const noexcept { return together_ ? old_count_ : 0; }
  Result<void> write_before();
  Result<void> write_after();
  Result<void> write(Batch& out, std::uint32_t at, const std::uint32_t* groups, std::uint32_t count);
  Result<void> write_partial(GroupTable& table, const std::uint32_t* groups);
  Result<Slice*> total_slice();
  void look_up_given();
  void keep_changed();
  bool same_result(std::uint32_t old_row, std::uint32_t new_row);
  void give_out(Batch& batch, const std::uint32_t* rows, std::uint32_t count);
  void end_window();
  void close_totals();
  // Losses (window_losses.cc).
  Result<void> take_changes(const Batch& batch, const SliceRun& run);
  void find_losses() noexcept;
  Result<void> choose_losses();
  Result<void> subtract_losses();
  void close_losses() noexcept;
  Result<void> forget_gone();

  std::uint32_t rows_within_heap() const;
  std::size_t push_pending();
  void fail(Error error);

  FragmentContext& context_;
  WindowAggregate::Parts parts_;
  std::string name_;
  std::uint32_t capacity_;
  std::vector<std::uint32_t> key_columns_;    // in the batches that come in
  std::vector<std::uint32_t> first_columns_;  // 0, 1, …: the keys of a partial
  SliceStore deltas_, totals_;
  std::optional<SliceStore> losses_;  // of options.changes; where there is one of a window, so is one of deltas_
  SliceAssigner assigner_;
  BatchKeys keys_;
  BatchAccumulator accumulator_;
  ProbeScratch probe_;
  std::unique_ptr<std::uint32_t[]> delta_groups_, total_groups_, old_groups_, loss_groups_;
  std::unique_ptr<std::uint32_t[]> gained_rows_, lost_rows_;  // of a run
  BatchMemory output_;
  std::optional<BatchMemory> before_;  // what was given out of the groups of output_, where not together_
  BatchMemory partial_;                // the deltas of a chunk, on their way to totals or to the merging aggregate
  std::unique_ptr<std::uint32_t[]> row_numbers_;  // 0, 1, …
  LateReport late_;
  std::uint64_t rows_taken_ = 0;
  std::uint64_t rejected_ = 0;
  std::int64_t ingest_min_ = kEventTimeMax, ingest_max_ = kEventTimeMin;
  Watermark watermark_ = kWatermarkNone;
  Watermark given_ = kWatermarkNone;

  // When to fire.
  std::uint64_t rows_since_fire_ = 0;
  std::int64_t early_at_ = kEventTimeMax, late_at_ = kEventTimeMax;  // processing time

  // The fire that is under way.
  bool firing_ = false;
  bool failed_ = false;
  bool has_control_ = false;
  Control held_control_;
  Watermark target_ = kWatermarkNone;
  std::uint32_t position_ = 0;  // in deltas_
  GroupTable* delta_ = nullptr;
  GroupTable* total_ = nullptr;
  GroupTable* loss_ = nullptr;    // of the same window
  GroupTable* chosen_ = nullptr;  // whose groups are at work: delta_, then what loss_ has beside it
  std::int64_t window_start_ = 0, window_end_ = 0;
  Step step_ = Step::kChoose;
  std::uint32_t group_position_ = 0;  // in chosen_
  std::uint32_t count_ = 0, old_count_ = 0;
  std::unique_ptr<bool[]> was_given_, is_gone_;
  std::uint64_t gone_count_ = 0;  // groups of totals without a window that went since totals were last gone through
  bool compares_ = false;         // old results with new ones: none of them is text
  bool together_ = false;         // compares_, and both stand in output_, new ones behind old ones
  bool at_once_ = false;          // together_, and every batch fires
  bool strings_ = false;          // in any column of the output
  std::unique_ptr<std::uint32_t[]> kept_before_, kept_after_;  // rows of old and new results that differ
  std::uint32_t kept_before_count_ = 0, kept_after_count_ = 0;
  Batch* pending_ = nullptr;  // goes out before anything changes that its strings stand in
  const std::uint32_t* pending_rows_ = nullptr;
  std::uint32_t pending_count_ = 0, pending_next_ = 0;
  bool window_done_ = false;
};

}  // namespace weir
