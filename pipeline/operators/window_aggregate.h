// WindowAggregate: the operator behind WindowAggregateOperator::create.
//
//   push     batch ─► runs, one a slice ─► groups ─► accumulators                         (window_aggregate.cc)
//   control  watermark ─► windows that are complete ─► output batch, one a resume() ─► …  (window_emit.cc)
//
// Invariants
//   1. While output is held (firing_), nothing is accepted: what a watermark released goes out before what follows it.
//   2. A window fires once: windows fire in order of their ends, and a slice is closed with its last window.
//   3. rows_in = rows_absorbed + dropped (+ rejected_ where the job failed); rows_created = rows_out + the output
//      batch's rows.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "operators/batch_memory.h"
#include "weir/pipeline/operators.h"
#include "window/accumulate.h"
#include "window/aggregate_layout.h"
#include "window/group_table.h"
#include "window/lower.h"
#include "window/shared_windows.h"
#include "window/slice_assigner.h"
#include "window/slice_store.h"
#include "window/window_math.h"

namespace weir {

class WindowAggregate final : public WindowAggregateOperator {
 public:
  /// What create() has checked and laid out.
  struct Parts {
    WindowAggregateOptions options;
    Schema output;
    Schema partial;
    AggregateLayout layout;
    KeyLayout keys;
    StateArena arena;
    WindowMath math;
  };
  WindowAggregate(FragmentContext& context, Parts parts);
  ~WindowAggregate() override;

  bool accepts() const noexcept override { return !firing_; }
  void push(Batch& batch) override;
  void control(const Control& control) override;
  std::size_t resume() override;
  std::uint64_t held_rows() const noexcept override { return output_->row_count() + staged_rows() + rejected_; }
  std::size_t state_bytes() const noexcept override { return parts_.arena.bytes_in_use(); }
  std::size_t state_bytes_max() const noexcept override { return parts_.arena.bytes_max(); }
  bool crowded() const noexcept override;
  std::string_view name() const noexcept override { return name_; }

  const Schema& output_schema() const noexcept override { return parts_.output; }
  const LateReport& late() const noexcept override { return late_; }
  StateCost state_cost() const override;
  std::uint32_t open_slices() const noexcept override { return store_.open_count(); }

 private:
  bool windowed() const noexcept { return parts_.options.window.has_value(); }
  bool merging() const noexcept { return parts_.options.mode == AggregateMode::kMerge; }
  bool local() const noexcept { return parts_.options.mode == AggregateMode::kLocal; }
  /// Whether windows share slices here: more than one window sees a slice, or a window sees more than one.
  bool sharing() const noexcept {
    return windowed() && !local() && parts_.math.kind != WindowKind::kTumble && parts_.math.slice != parts_.math.size;
  }
  void fail(Error error);

  // window_aggregate.cc
  std::size_t working_bytes() const noexcept;
  Result<void> take(const Batch& batch);
  Result<std::span<const SliceRun>> split(const Batch& batch);
  static bool neighbours(std::span<const SliceRun> runs) noexcept;
  Result<void> absorb_pieces(std::span<const SliceRun> runs);
  bool numbers_at_once(std::size_t runs, std::uint32_t rows) const noexcept;
  Result<void> absorb(GroupTable& table, const simd::Rows& rows, const std::uint32_t* numbers);
  void count_late(const Batch& batch);

  // window_emit.cc
  using Next = SharedWindows::Next;
  Result<Next> next_window(std::size_t& budget);
  Result<Next> emit_some(std::size_t& budget);
  Result<void> emit();
  void emit_keys_and_times(std::uint32_t count);
  std::uint32_t staged_rows() const noexcept { return stage_.has_value() ? stage_->rows : 0; }
  Result<Next> stage_some(std::size_t& budget);
  Result<void> lower_staged();
  void write_staged_keys_and_times();
  Error overflow_error(const AggregateResult& result, std::uint32_t group) const;
  Result<GroupSelection> select_groups(std::uint32_t room);
  bool selected_all() const noexcept;
  std::uint32_t rows_within_heap(std::uint32_t at, std::uint32_t count);
  bool output_must_go() const noexcept;
  bool is_last() const noexcept;
  void finish_window();
  bool tell_watermark(std::size_t& pushed);
  std::size_t push_output();
  bool retire(std::size_t& budget);

  FragmentContext& context_;
  Parts parts_;
  std::string name_;
  std::uint32_t capacity_;
  std::vector<std::uint32_t> key_columns_;    // in the batches that come in
  std::vector<std::uint32_t> first_columns_;  // 0, 1, …: the keys of a partial
  std::optional<SharedWindows> shared_;       // HOP, CUMULATE
  SliceStore store_;
  SliceAssigner assigner_;
  BatchKeys keys_;
  BatchAccumulator accumulator_;
  ProbeScratch probe_;
  std::unique_ptr<std::uint32_t[]> groups_;       // of the rows of a batch, and those that are given out
  std::unique_ptr<std::uint32_t[]> numbers_;      // of the keys of a batch's rows, where slices share numbers
  std::unique_ptr<std::uint32_t[]> bounds_;       // of the rows that go to one slice each, where there are no keys
  std::unique_ptr<std::byte*[]> states_;          // of these slices
  std::unique_ptr<std::uint32_t[]> row_numbers_;  // 0, 1, …: a selection of the rows from any row on
  BatchMemory output_;
  std::optional<WindowStage> stage_;  // where results of several windows are lowered as one
  LateReport late_;
  bool gives_strings_ = false;                   // in any column
  bool heap_full_ = false;                       // the output batch's strings fill an exchange's batch
  std::size_t output_bytes_ = 0;                 // of long strings in the output batch
  std::uint32_t emit_rows_max_ = kBatchRowsMax;  // of the next groups: where strings fill a batch, rows do not
  std::uint64_t rows_taken_ = 0;
  std::uint64_t rejected_ = 0;
  std::int64_t ingest_min_ = kEventTimeMax, ingest_max_ = kEventTimeMin;
  Watermark watermark_ = kWatermarkNone;
  Watermark given_ = kWatermarkNone;  // the watermark passed on last

  // The windows that are being given out.
  bool firing_ = false;
  bool failed_ = false;
  Watermark target_ = kWatermarkNone;
  Control held_control_;
  bool passed_on_ = false;            // held_control_: only slices have to go
  bool ready_ = false;                // a window is being given out
  std::uint32_t position_ = 0;        // the next of its groups
  std::uint32_t windows_untold_ = 0;  // feeds_windows: fired since a watermark was passed on
  std::int64_t window_start_ = 0, window_end_ = 0;
};

}  // namespace weir
