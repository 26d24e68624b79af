// Late filter: drops rows all of whose windows have fired by the watermark of their own input before them.
#include <utility>

#include "weir/pipeline/operators.h"
#include "weir/simd/reduce.h"
#include "window/window_math.h"

namespace weir {
namespace {

class LateFilter final : public LateFilterOperator {
 public:
  LateFilter(FragmentContext& context, const WindowSpec& window)
      : math_(window),
        time_column_(window.time_column),
        selection_(std::make_unique<std::uint32_t[]>(context.batch_rows)) {}

  bool accepts() const noexcept override { return next_->accepts(); }
  void control(const Control& control) override { next_->control(control); }
  std::size_t resume() override { return 0; }
  std::string_view name() const noexcept override { return "late filter"; }
  const LateReport& late() const noexcept override { return late_; }

  void push(Batch& batch) override {
    const std::uint32_t count = batch.selected_count();
    ledger_.rows_in += count;
    const std::uint32_t kept = batch.header().row_watermarks == nullptr ? count : drop_late(batch);
    rows_taken_ += batch.row_count();
    if (kept == 0) return;
    if (kept != count) batch.set_selection(selection_.get(), kept);
    ledger_.rows_out += kept;
    next_->push(batch);
  }

 private:
  std::uint32_t drop_late(const Batch& batch) {
    const simd::Rows rows{batch.selected_count(), batch.selection(), nullptr};
    const auto* times = batch.column(time_column_).values<EventTime>();
    const Watermark* watermarks = batch.header().row_watermarks;
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows[i];
      const EventTime time = times[row];
      // A time beyond the range of windows is the window aggregate's to refuse.
      const bool in_range = time >= math_.time_min() && time <= math_.time_max();
      if (!in_range || !math_.fired(math_.last_end(math_.slice_start(time)), watermarks[row])) {
        selection_[kept++] = row;
        continue;
      }
      const LateRow sample{time, watermarks[row], batch.header().input, rows_taken_ + row};
      if (late_.count++ == 0) late_.first = sample;
      late_.last = sample;
    }
    ledger_.dropped[static_cast<std::size_t>(DropReason::kLate)] += rows.count - kept;
    return kept;
  }

  WindowMath math_;
  std::uint32_t time_column_;
  std::unique_ptr<std::uint32_t[]> selection_;
  LateReport late_;
  std::uint64_t rows_taken_ = 0;
};

}  // namespace

Result<std::unique_ptr<LateFilterOperator>> LateFilterOperator::create(FragmentContext& context,
                                                                       const WindowSpec& window) {
  WEIR_TRY(check_window(window));
  return std::unique_ptr<LateFilterOperator>(std::make_unique<LateFilter>(context, window));
}

}  // namespace weir
