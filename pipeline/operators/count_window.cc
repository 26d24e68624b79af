// Rows into windows of rows. See count_window.h.
#include "operators/count_window.h"

#include <utility>

#include "window/window_math.h"

namespace weir {

Result<std::unique_ptr<WindowAggregateOperator>> make_count_window(FragmentContext& context,
                                                                   const WindowAggregateOptions& options) {
  WEIR_TRY(check_window(*options.window));
  WEIR_ASSIGN(PooledAggregate::Parts parts, PooledAggregate::make_parts(options));
  return std::unique_ptr<WindowAggregateOperator>(std::make_unique<CountWindow>(context, std::move(parts)));
}

CountWindow::CountWindow(FragmentContext& context, Parts parts)
    : PooledAggregate(context, std::move(parts), "count window", true),
      store_({&parts_.keys, &parts_.layout, &parts_.arena,
              static_cast<std::uint32_t>(parts_.options.window->slide_rows),
              static_cast<std::uint32_t>(parts_.options.window->size_rows), parts_.options.groups_max,
              context.batch_rows}) {}

Result<void> CountWindow::take(const Batch& batch, const simd::Rows& rows, const EventTime* times) {
  if (in_order()) {
    WEIR_TRY(store_.take(keys_, rows, times, groups_.get()));
    ledger_.rows_absorbed += rows.count;
    return {};
  }
  const int stamp = parts_.options.stamp_column;
  if (stamp < 0)
    return store_.put_aside(keys_, rows, times, batch.header().row_watermarks, nullptr, batch.header().arrival,
                            groups_.get());
  const auto column = static_cast<std::uint32_t>(stamp);
  return store_.put_aside(keys_, rows, times, batch.column(column).values<Watermark>(),
                          batch.column(column + 1).values<std::uint64_t>(), 0, groups_.get());
}

Result<PooledAggregate::Next> CountWindow::next_result(Watermark watermark, Ready& ready) {
  CountStore::Window window;
  std::uint64_t settled = 0;
  const Result<bool> found = store_.next(watermark, window, settled);
  ledger_.rows_absorbed += settled;
  if (!found) return Error(found.error());
  if (!*found) return Next::kNone;
  ready = {window.key, window.row, window.first, window.last, window.last};
  return Next::kReady;
}

void CountWindow::input_over() {
  const std::uint64_t rest = store_.close();
  ledger_.rows_absorbed -= rest;
  ledger_.dropped[static_cast<std::size_t>(DropReason::kIncompleteWindow)] += rest;
  // Nothing is left, so that there is nothing that reclaim could fail at.
  WEIR_CHECK(store_.reclaim().has_value());
}

}  // namespace weir
