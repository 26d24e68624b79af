// Late filter: takes out the rows all of whose windows have fired by the watermark of their own input before them, and
// does with them what the job's policy says: drop, fail, or a side output.
//
//   rows ─► late filter ─► rows in time ─► the next operator
//                └───────► late rows, the row's watermark as one more column ─► the side's operators
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "expression/zone.h"
#include "operators/batch_memory.h"
#include "weir/io/text_time.h"
#include "weir/pipeline/operators.h"
#include "weir/simd/reduce.h"
#include "window/window_math.h"

namespace weir {
namespace {

std::string time_text(std::int64_t time) {
  char text[kTimestampTextMax];
  return {text, format_timestamp(time, kDigitsAsNeeded, ' ', text)};
}

Schema with_watermark(Schema schema) {
  schema.fields.push_back({"weir_watermark", Type::timestamp(3)});
  return schema;
}

class LateFilter final : public LateFilterOperator {
 public:
  LateFilter(FragmentContext& context, const WindowSpec& window, const LateFilterOptions& options,
             std::unique_ptr<TimeZone> zone)
      : context_(context),
        zone_name_(options.zone),
        zone_(std::move(zone)),
        math_(window),
        time_column_(window.time_column),
        policy_(options.policy),
        input_names_(options.input_names),
        selection_(std::make_unique<std::uint32_t[]>(context.batch_rows)) {
    math_.lateness = options.lateness_ns;
    if (policy_ != LatePolicy::kSideOutput) return;
    late_rows_ = std::make_unique<std::uint32_t[]>(context.batch_rows);
    side_batch_.emplace(with_watermark(options.input), context.batch_rows);
  }

  bool accepts() const noexcept override { return next_->accepts() && (side_ == nullptr || side_->accepts()); }
  std::size_t resume() override { return 0; }
  std::string_view name() const noexcept override { return "late filter"; }
  const LateReport& late() const noexcept override { return late_; }
  std::uint64_t held_rows() const noexcept override { return rejected_; }
  void set_side(Operator* side) noexcept override { side_ = side; }

  void control(const Control& control) override {
    if (side_ != nullptr && control.kind == Control::Kind::kEndOfInput) side_->control(control);
    next_->control(control);
  }

  void flush() override {
    if (side_ != nullptr) side_->flush();
    next_->flush();
  }

  bool finished() const noexcept override { return next_->finished() && (side_ == nullptr || side_->finished()); }

  void push(Batch& batch) override {
    const std::uint32_t count = batch.selected_count();
    ledger_.rows_in += count;
    const std::uint32_t kept = batch.header().row_watermarks == nullptr ? count : take_late_out(batch);
    rows_taken_ += batch.row_count();
    if (kept != count && policy_ == LatePolicy::kFail) return fail(count);
    if (kept != count && policy_ == LatePolicy::kSideOutput) push_side(batch, count - kept);
    if (kept == 0) return;
    if (kept != count) batch.set_selection(selection_.get(), kept);
    ledger_.rows_out += kept;
    next_->push(batch);
  }

 private:
  /// Splits the batch into selection_, whose length it returns, and the late rows.
  std::uint32_t take_late_out(const Batch& batch) {
    const simd::Rows rows{batch.selected_count(), batch.selection(), nullptr};
    const auto* times = batch.column(time_column_).values<EventTime>();
    const Watermark* watermarks = batch.header().row_watermarks;
    std::uint32_t kept = 0;
    Watermark last = kWatermarkNone, last_wall = kWatermarkNone;
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows[i];
      const EventTime time = times[row];
      if (watermarks[row] != last) {
        last = watermarks[row];
        last_wall = zone_ == nullptr ? last : zone_->complete_until(last);
      }
      const EventTime wall = wall_time(time);
      // A time beyond the range of windows is the window aggregate's to refuse.
      const bool in_range = wall >= math_.time_min() && wall <= math_.time_max();
      if (!in_range || !math_.fired(math_.last_end(math_.slice_start(wall)), math_.less_lateness(last_wall))) {
        selection_[kept++] = row;
        continue;
      }
      if (policy_ == LatePolicy::kSideOutput) late_rows_[i - kept] = row;
      const LateRow sample{time, watermarks[row], batch.header().input, rows_taken_ + row};
      if (late_.count++ == 0) late_.first = sample;
      late_.last = sample;
    }
    if (policy_ == LatePolicy::kDrop) ledger_.dropped[static_cast<std::size_t>(DropReason::kLate)] += rows.count - kept;
    return kept;
  }

  EventTime wall_time(EventTime time) noexcept { return zone_ == nullptr ? time : zone_->to_local(time); }

  void fail(std::uint32_t rows) {
    rejected_ += rows;
    const LateRow& row = *late_.first;
    const std::string input =
        row.input < input_names_.size() ? input_names_[row.input] : "input " + std::to_string(row.input);
    const std::int64_t end = math_.last_end(math_.slice_start(wall_time(row.event_time)));
    context_.fail(Error(ErrorCode::kLossPolicy,
                        "a row with event time " + time_text(row.event_time) + " came late: the watermark of " + input +
                            " stood at " + time_text(row.watermark) + " and the last window of the row, to " +
                            time_text(end) + (zone_ == nullptr ? "" : " in " + zone_name_) + ", was complete")
                      .with_hint("give the table's WATERMARK more delay, or set 'weir.late-rows' to 'drop' or to the "
                                 "name of a table that takes late rows"));
  }

  void push_side(const Batch& batch, std::uint32_t count) {
    Batch& out = **side_batch_;
    const std::uint32_t columns = batch.column_count();
    WEIR_CHECK(side_ != nullptr && out.column_count() == columns + 1);
    for (std::uint32_t i = 0; i < columns; ++i) out.column(i) = batch.column(i);
    Vector& watermarks = out.column(columns);
    watermarks.data = const_cast<Watermark*>(batch.header().row_watermarks);
    watermarks.validity = nullptr;
    out.set_row_count(batch.row_count());
    out.set_selection(late_rows_.get(), count);
    out.header() = batch.header();
    ledger_.side_output += count;
    side_->push(out);
  }

  FragmentContext& context_;
  std::string zone_name_;
  std::unique_ptr<TimeZone> zone_;  // of the windows; null: times are in it already
  WindowMath math_;
  std::uint32_t time_column_;
  LatePolicy policy_;
  std::vector<std::string> input_names_;
  std::unique_ptr<std::uint32_t[]> selection_;
  std::unique_ptr<std::uint32_t[]> late_rows_;
  std::optional<BatchMemory> side_batch_;  // its vectors are made to point to the batch's
  Operator* side_ = nullptr;
  LateReport late_;
  std::uint64_t rows_taken_ = 0;
  std::uint64_t rejected_ = 0;  // of the batch on which the job failed
};

}  // namespace

Result<std::unique_ptr<LateFilterOperator>> LateFilterOperator::create(FragmentContext& context,
                                                                       const WindowSpec& window,
                                                                       const LateFilterOptions& options) {
  WEIR_TRY(check_window(window));
  // The others are decided where the rows of a key meet.
  WEIR_CHECK(window.kind != WindowKind::kSession && window.kind != WindowKind::kCount);
  std::unique_ptr<TimeZone> zone;
  if (!options.zone.empty()) {
    WEIR_ASSIGN(zone, TimeZone::make(options.zone));
  }
  return std::unique_ptr<LateFilterOperator>(std::make_unique<LateFilter>(context, window, options, std::move(zone)));
}

}  // namespace weir
