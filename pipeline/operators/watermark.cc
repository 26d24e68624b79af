// Watermark: keeps a watermark for each input and passes the least of them on. Per row: the row first, then the
// watermark that it raised, so that no row races its own watermark. Source: Flink WatermarkAssignerOperator; unlike it,
// a watermark starts at the least time, so that times before 1970 are ordinary.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "expression/functions.h"
#include "weir/pipeline/operators.h"
#include "weir/simd/boolean.h"
#include "weir/simd/reduce.h"
#include "weir/simd/watermark.h"

namespace weir {
namespace {

/// The delay of `column - INTERVAL constant` (or of the column alone), if the expression has that form.
std::optional<std::int64_t> constant_delay(const Expression& expression, std::uint32_t time_column) {
  const auto is_time = [&](const Expression& e) {
    return e.kind == Expression::Kind::kColumn && e.column == time_column;
  };
  if (is_time(expression)) return 0;
  if (expression.kind != Expression::Kind::kCall || expression.function == nullptr ||
      expression.function->name != "-" || expression.arguments.size() != 2 || !is_time(*expression.arguments[0]))
    return std::nullopt;
  const Expression& delay = *expression.arguments[1];
  if (delay.kind != Expression::Kind::kLiteral || delay.type.id != TypeId::kIntervalDay) return std::nullopt;
  const auto* nanoseconds = std::get_if<std::int64_t>(&delay.literal.data);
  return nanoseconds == nullptr || *nanoseconds < 0 ? std::nullopt : std::optional(*nanoseconds);
}

class WatermarkAssigner final : public WatermarkOperator {
 public:
  WatermarkAssigner(FragmentContext& context, const WatermarkOptions& options, std::optional<ExpressionProgram> program,
                    std::optional<std::int64_t> delay)
      : context_(context),
        time_column_(options.time_column),
        assigns_(options.watermark != nullptr),
        delay_(delay),
        margin_(options.margin_ns),
        program_(std::move(program)),
        inputs_max_(options.inputs_max),
        idle_timeout_(options.idle_timeout_ns),
        jump_max_(options.jump_max_ns),
        jump_rows_(options.jump_rows),
        inputs_(options.inputs),
        row_watermarks_(std::make_unique<Watermark[]>(context.batch_rows)) {
    inputs_.reserve(options.inputs_max);
    live_ = options.inputs;
  }

  bool accepts() const noexcept override { return !held_ && next_->accepts(); }
  std::string_view name() const noexcept override { return "watermark"; }
  std::uint64_t held_rows() const noexcept override { return rejected_; }
  std::uint64_t null_event_times() const noexcept override { return null_event_times_; }
  Watermark merged_watermark() const noexcept override { return merged_; }
  Watermark input_watermark(std::uint32_t input) const noexcept override {
    return input < inputs_.size() ? inputs_[input].watermark : kWatermarkNone;
  }

  int holding_input() const noexcept override {
    int holder = -1;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const bool lower = holder < 0 || inputs_[i].watermark < inputs_[static_cast<std::size_t>(holder)].watermark;
      if (inputs_[i].counts() && lower) holder = static_cast<int>(i);
    }
    return holder;
  }

  Result<std::uint32_t> add_input() override {
    if (inputs_.size() >= inputs_max_)
      return Error(ErrorCode::kLimitExceeded,
                   "a table has more than inputs_max = " + std::to_string(inputs_max_) + " inputs on one shard");
    WEIR_CHECK(!end_told_);
    Input input;
    input.watermark = merged_;
    inputs_.push_back(input);
    ++live_;
    return static_cast<std::uint32_t>(inputs_.size() - 1);
  }

  void input_ended(std::uint32_t input) override {
    WEIR_CHECK_LT(input, inputs_.size());
    if (inputs_[input].ended) return;
    inputs_[input].watermark = kWatermarkEnd;
    inputs_[input].ended = true;
    inputs_[input].idle = false;
    --live_;
    merge();
    (void)tell();
  }

  void input_promises(std::uint32_t input, Watermark watermark) override {
    WEIR_CHECK_LT(input, inputs_.size());
    Input& in = inputs_[input];
    if (in.ended || watermark <= in.watermark) return;
    in.watermark = watermark;
    merge();
    (void)tell();
  }

  void push(Batch& batch) override {
    const std::uint32_t count = batch.selected_count();
    ledger_.rows_in += count;
    BatchHeader& header = batch.header();
    WEIR_CHECK_LT(header.input, inputs_.size());
    Input& input = inputs_[header.input];
    if (count != 0 && idle_timeout_ != 0) wake(input);
    const Watermark before = input.watermark;
    if (count != 0 && !assign(batch, input)) return;
    if (count != 0) {
      ledger_.rows_out += count;
      next_->push(batch);
    }
    if (input.watermark == before) return;
    if (before == merged_ || inputs_.size() == 1) merge();
    (void)tell();
  }

  void control(const Control& control) override {
    switch (control.kind) {
      case Control::Kind::kWatermark:
      case Control::Kind::kIdle:
      case Control::Kind::kActive:
        return;  // watermarks start here
      case Control::Kind::kEndOfInput:
        for (std::uint32_t i = 0; i < inputs_.size(); ++i) input_ended(i);
        if (inputs_.empty()) {
          merged_ = kWatermarkEnd;
          (void)tell();
        }
        return;
      case Control::Kind::kBarrier:
        next_->control(control);
        return;
    }
  }

  std::size_t resume() override { return held_ ? tell() : 0; }

  InputReport input_report(std::uint32_t input) const noexcept override {
    if (input >= inputs_.size()) return {};
    const Input& in = inputs_[input];
    return {in.watermark, in.ended, in.idle, in.idle_count, in.jumps_held, in.jumps_confirmed, in.jump_first};
  }

  std::uint32_t idle_inputs() const noexcept override {
    if (idle_timeout_ == 0) return 0;
    return static_cast<std::uint32_t>(
        std::count_if(inputs_.begin(), inputs_.end(), [](const Input& input) { return input.idle; }));
  }

  bool input_waits(std::uint32_t input) override {
    WEIR_CHECK_LT(input, inputs_.size());
    Input& in = inputs_[input];
    if (idle_timeout_ == 0 || !in.counts()) return false;
    const std::int64_t now = context_.clock->now_ns();
    if (!in.waits) {
      in.waits = true;
      in.waits_since = now;
    }
    if (now - in.waits_since < idle_timeout_) return false;
    in.idle = true;
    ++in.idle_count;
    merge();
    (void)tell();
    return true;
  }

  void blocked(bool now) override {
    if (idle_timeout_ == 0 || now == blocked_) return;
    blocked_ = now;
    const std::int64_t time = context_.clock->now_ns();
    if (now) {
      blocked_since_ = time;
      return;
    }
    for (Input& input : inputs_) input.waits_since += time - blocked_since_;
  }

  bool all_idle() const noexcept override { return idle_told_; }

  void begin_return() override {
    WEIR_DCHECK(idle_told_ && accepts());
    next_->control({Control::Kind::kActive, told_});
  }

  void finish_return(Watermark merged) override {
    idle_told_ = false;
    merged_ = std::max(merged_, merged);
  }

 private:
  struct Input {
    Watermark watermark = kWatermarkNone;
    bool ended = false;
    bool idle = false;
    bool waits = false;        // had no row when it was last asked
    bool spans_delay = false;  // its last batch spanned more time than the delay
    std::int64_t waits_since = 0;
    std::uint64_t idle_count = 0;
    std::uint64_t jumps_held = 0, jumps_confirmed = 0;
    EventTime jump_first = 0;
    std::uint32_t jump_run = 0;            // rows in a row beyond jump_max
    Watermark jump_least = kWatermarkEnd;  // of their watermarks
    bool counts() const noexcept { return !ended && !idle; }
  };

  /// Rows of the input come (again): it counts from where the others have come.
  void wake(Input& input) noexcept {
    WEIR_DCHECK(!idle_told_);
    input.waits = false;
    if (!input.idle) return;
    input.idle = none_counts_ = false;
    input.watermark = std::max(input.watermark, merged_);
  }

  /// Sets the header and the input's watermark. False where the job failed.
  bool assign(Batch& batch, Input& input) {
    const simd::Rows rows{batch.selected_count(), batch.selection(), nullptr};
    const Vector& times = batch.column(time_column_);
    BatchHeader& header = batch.header();
    if (assigns_ && times.validity != nullptr && !check_nulls(times, rows)) return false;
    const auto* values = times.values<std::int64_t>();
    header.row_watermarks = nullptr;
    header.watermark_before = header.watermark_after = input.watermark;
    if (!assigns_) return true;
    if (rows.count == 1 && delay_.has_value() && jump_max_ == 0) {
      assign_one(values[rows[0]], rows[0], header, input);
      return true;
    }
    simd::WatermarkScan scan;
    const Vector* candidates = nullptr;
    if (jump_max_ != 0) {
      (void)simd::min_max(values, rows, &header.event_time_min, &header.event_time_max);
      return assign_bounded(batch, input, rows);
    }
    // In order: a row is above the one before it less the delay, so all are on time if the first is. Only a batch that
    // spans more than the delay needs to know, and the last batch says which of the two passes to begin with.
    const bool may_be_in_order =
        delay_.has_value() && *delay_ > margin_ && rows.selection == nullptr && above(values[0], input.watermark);
    bool in_order = may_be_in_order && input.spans_delay && simd::never_falls(values, rows.count);
    if (in_order) {
      header.event_time_min = values[0];
      header.event_time_max = values[rows.count - 1];
    } else {
      (void)simd::min_max(values, rows, &header.event_time_min, &header.event_time_max);
    }
    if (may_be_in_order) {
      const bool spans =
          static_cast<std::uint64_t>(header.event_time_max) - static_cast<std::uint64_t>(header.event_time_min) >=
          static_cast<std::uint64_t>(*delay_);
      if (spans && !input.spans_delay) in_order = simd::never_falls(values, rows.count);
      input.spans_delay = spans;
    }
    if (delay_.has_value()) {
      // One comparison for a batch without late rows: its greatest candidate is not above its least time.
      const Watermark greatest =
          header.event_time_max < kEventTimeMin + *delay_ ? kEventTimeMin : header.event_time_max - *delay_;
      scan.watermark = std::max(input.watermark, greatest);
      scan.all_on_time = in_order || above(header.event_time_min, scan.watermark);
      if (!scan.all_on_time) scan = simd::scan_watermark(values, *delay_, rows, input.watermark);
    } else {
      auto evaluated = program_->evaluate(batch, {context_.clock, context_.time_zone, merged_});
      if (!evaluated) {
        rejected_ += rows.count;
        context_.fail(std::move(evaluated).error().with_context("watermark"));
        return false;
      }
      candidates = &program_->results()[0];
      scan =
          simd::scan_watermark(values, candidates->values<std::int64_t>(), candidates->validity, rows, input.watermark);
    }
    if (margin_ != 0 && !in_order) scan.all_on_time = above(header.event_time_min, scan.watermark);
    if (!scan.all_on_time) {
      header.row_watermarks = row_watermarks_.get();
      if (candidates == nullptr)
        (void)simd::row_watermarks(values, *delay_, rows, input.watermark, row_watermarks_.get());
      else
        (void)simd::row_watermarks(candidates->values<std::int64_t>(), candidates->validity, rows, input.watermark,
                                   row_watermarks_.get());
    }
    input.watermark = header.watermark_after = scan.watermark;
    return true;
  }

  /// The same for a batch of one row.
  void assign_one(EventTime time, std::uint32_t row, BatchHeader& header, Input& input) noexcept {
    header.event_time_min = header.event_time_max = time;
    if (!above(time, input.watermark)) {
      row_watermarks_[row] = input.watermark;
      header.row_watermarks = row_watermarks_.get();
    }
    input.watermark = std::max(input.watermark, time < kEventTimeMin + *delay_ ? kEventTimeMin : time - *delay_);
    header.watermark_after = input.watermark;
  }

  /// The same row by row with a bound on how far a row moves the watermark.
  bool assign_bounded(Batch& batch, Input& input, const simd::Rows& rows) {
    BatchHeader& header = batch.header();
    const auto* times = batch.column(time_column_).values<std::int64_t>();
    const Vector* given = nullptr;
    if (!delay_.has_value()) {
      auto evaluated = program_->evaluate(batch, {context_.clock, context_.time_zone, merged_});
      if (!evaluated) {
        rejected_ += rows.count;
        context_.fail(std::move(evaluated).error().with_context("watermark"));
        return false;
      }
      given = &program_->results()[0];
    }
    bool all_on_time = true;
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows[i];
      row_watermarks_[row] = input.watermark;
      all_on_time = all_on_time && above(times[row], input.watermark);
      if (given != nullptr) {
        if (given->is_valid(row)) advance(input, given->values<std::int64_t>()[row], times[row]);
      } else {
        advance(input, times[row] < kEventTimeMin + *delay_ ? kEventTimeMin : times[row] - *delay_, times[row]);
      }
    }
    if (!all_on_time) header.row_watermarks = row_watermarks_.get();
    header.watermark_after = input.watermark;
    return true;
  }

  void advance(Input& input, Watermark candidate, EventTime time) noexcept {
    const bool first = input.watermark == kWatermarkNone;
    const bool beyond =
        first || (input.watermark <= kWatermarkEnd - jump_max_ && candidate > input.watermark + jump_max_);
    if (!beyond) {
      input.watermark = std::max(input.watermark, candidate);
      input.jump_run = 0;
      return;
    }
    if (input.jump_run == 0) input.jump_least = kWatermarkEnd;
    input.jump_least = std::min(input.jump_least, candidate);
    if (++input.jump_run < jump_rows_) {
      if (first) return;  // nothing is held back where nothing stands yet
      if (input.jumps_held++ == 0) input.jump_first = time;
      return;
    }
    input.jump_run = 0;
    if (!first) ++input.jumps_confirmed;
    input.watermark = std::max(input.watermark, input.jump_least);
  }

  bool above(EventTime time, Watermark watermark) const noexcept {
    return watermark <= kEventTimeMax - margin_ && time > watermark + margin_;
  }

  bool check_nulls(const Vector& times, const simd::Rows& rows) {
    if (simd::bitmap_all(times.validity, rows.end())) return true;
    std::uint32_t nulls = 0, first = 0;
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      if (times.is_valid(rows[i])) continue;
      if (nulls++ == 0) first = rows[i];
    }
    if (nulls == 0) return true;
    null_event_times_ += nulls;
    ledger_.dropped[static_cast<std::size_t>(DropReason::kNullEventTime)] += nulls;
    rejected_ += rows.count - nulls;
    context_.fail(Error(ErrorCode::kNullNotAllowed, "the event time of a row is NULL", Position::at_row(first))
                      .with_hint("filter such rows out before the watermark, or declare the column NOT NULL"));
    return false;
  }

  void merge() noexcept {
    Watermark least = kWatermarkEnd, greatest_idle = kWatermarkNone;
    bool any = false;
    for (const Input& input : inputs_) {
      any = any || input.counts();
      if (input.idle) greatest_idle = std::max(greatest_idle, input.watermark);
      if (!input.idle) least = std::min(least, input.watermark);
    }
    none_counts_ = !any && live_ != 0;
    merged_ = std::max(merged_, none_counts_ ? greatest_idle : least);
  }

  /// Passes the merged watermark, or the end, on; keeps it where the next operator does not accept.
  std::size_t tell() {
    const bool end = live_ == 0;
    const bool idle = !end && none_counts_ && !idle_told_;
    if (end ? end_told_ : merged_ <= told_ && !idle) {
      held_ = false;
      return 0;
    }
    held_ = !next_->accepts();
    if (held_) return 0;
    const bool risen = merged_ > told_;
    told_ = merged_;
    end_told_ = end;
    if (!end && risen) {
      next_->control({Control::Kind::kWatermark, merged_});
      held_ = idle;  // kIdle goes next, when that has been taken
      return 1 + (idle ? tell() : 0);
    }
    idle_told_ = idle;
    next_->control(end ? Control{Control::Kind::kEndOfInput, kWatermarkEnd} : Control{Control::Kind::kIdle, merged_});
    return 1;
  }

  FragmentContext& context_;
  std::uint32_t time_column_;
  bool assigns_;
  std::optional<std::int64_t> delay_;
  std::int64_t margin_;
  std::optional<ExpressionProgram> program_;
  std::uint32_t inputs_max_;
  std::int64_t idle_timeout_, jump_max_;
  std::uint32_t jump_rows_;
  std::vector<Input> inputs_;
  std::unique_ptr<Watermark[]> row_watermarks_;
  std::uint32_t live_ = 0;  // inputs that have not ended
  Watermark merged_ = kWatermarkNone;
  Watermark told_ = kWatermarkNone;
  bool end_told_ = false;
  bool held_ = false;
  bool none_counts_ = false;  // all that have not ended are idle
  bool idle_told_ = false;
  bool blocked_ = false;
  std::int64_t blocked_since_ = 0;
  std::uint64_t null_event_times_ = 0;
  std::uint64_t rejected_ = 0;
};

}  // namespace

Result<std::unique_ptr<WatermarkOperator>> WatermarkOperator::create(FragmentContext& context,
                                                                     const WatermarkOptions& options) {
  if (options.inputs > options.inputs_max)
    return Error(ErrorCode::kLimitExceeded,
                 "a table has more than inputs_max = " + std::to_string(options.inputs_max) + " inputs on one shard");
  std::optional<ExpressionProgram> program;
  std::optional<std::int64_t> delay;
  if (options.watermark != nullptr) {
    delay = constant_delay(*options.watermark, options.time_column);
    if (!delay.has_value()) {
      WEIR_ASSIGN(program, ExpressionProgram::compile({options.watermark}, context.batch_rows, 0, context.time_zone));
    }
  }
  return std::unique_ptr<WatermarkOperator>(
      std::make_unique<WatermarkAssigner>(context, options, std::move(program), delay));
}

}  // namespace weir
