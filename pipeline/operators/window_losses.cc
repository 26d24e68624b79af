// The part of WindowUpdate that takes rows back: a GROUP BY over results that change. See window_update.h.
#include <algorithm>
#include <cstring>

#include "operators/window_update.h"
#include "window/state_row.h"

namespace weir {
namespace {

std::uint64_t row_count(const std::byte* state) noexcept {
  std::uint64_t rows;
  std::memcpy(&rows, state, sizeof rows);  // the first accumulator of every layout
  return rows;
}

}  // namespace

/// Rows that are given go to the deltas, rows that are taken back to the losses.
Result<void> WindowUpdate::take_changes(const Batch& batch, const SliceRun& run) {
  const RowKind* kinds = batch.kinds();
  if (kinds == nullptr) return take_run(deltas_, run);
  SliceRun gained = run, lost = run;
  gained.rows = {0, gained_rows_.get(), nullptr};
  lost.rows = {0, lost_rows_.get(), nullptr};
  for (std::uint32_t i = 0; i < run.rows.count; ++i) {
    const std::uint32_t row = run.rows[i];
    const bool gives = kinds[row] == RowKind::kInsert || kinds[row] == RowKind::kUpdateAfter;
    if (gives)
      gained_rows_[gained.rows.count++] = row;
    else
      lost_rows_[lost.rows.count++] = row;
  }
  // An empty run opens the window among the deltas.
  if (lost.rows.count == 0) return take_run(deltas_, run);
  WEIR_TRY(take_run(deltas_, gained));
  return take_run(*losses_, lost);
}

/// The losses of the window at position_.
void WindowUpdate::find_losses() noexcept {
  loss_ = nullptr;
  if (!changes()) return;
  const Slice& slice = deltas_.at(position_);
  for (std::uint32_t i = losses_->position_after(slice.start); i-- > 0;) {
    Slice& lost = losses_->at(i);
    if (lost.start != slice.start) return;
    if (lost.window_end_min == slice.window_end_min) loss_ = &lost.table;
  }
}

/// Which of the chosen groups lose rows, and which have none left then.
Result<void> WindowUpdate::choose_losses() {
  if (loss_ == nullptr) return {};
  const simd::Rows rows{count_, nullptr, nullptr};
  if (parts_.options.keys.empty()) {
    std::fill_n(loss_groups_.get(), count_, 0u);
  } else if (chosen_ == loss_) {
    std::copy_n(delta_groups_.get(), count_, loss_groups_.get());
  } else {
    WEIR_TRY(loss_->find_or_insert(keys_, rows, loss_groups_.get(), probe_));
  }
  for (std::uint32_t i = 0; i < count_; ++i) {
    const std::uint64_t gained = chosen_ == delta_ ? row_count(delta_->state(delta_groups_[i])) : 0;
    const std::uint64_t held = row_count(total_->state(total_groups_[i])) + gained;
    const std::uint64_t lost = row_count(loss_->state(loss_groups_[i]));
    if (lost > held)
      return Error(ErrorCode::kSqlSemantic,
                   "a row is taken back that was never given: what stands between two GROUP "
                   "BY over results that change has to give the same for the same row")
          .with_hint("leave out functions of the clock and of chance there");
    is_gone_[i] = lost == held;
  }
  return {};
}

/// Takes the losses of the chosen groups out of their totals. What is gone becomes a state to which nothing was added.
Result<void> WindowUpdate::subtract_losses() {
  const StateMemory totals{&total_->strings(), &total_->heap(), &parts_.arena};
  const StateMemory losses{&loss_->strings(), &loss_->heap(), &parts_.arena};
  for (std::uint32_t i = 0; i < count_; ++i) {
    std::byte* lost = loss_->state(loss_groups_[i]);
    if (row_count(lost) == 0) continue;
    std::byte* total = total_->state(total_groups_[i]);
    WEIR_TRY(subtract_row(parts_.layout, total, lost, totals));
    release_row(parts_.layout, lost, losses);
    initialize_row(parts_.layout, lost);
    if (!is_gone_[i]) continue;
    release_row(parts_.layout, total, totals);
    initialize_row(parts_.layout, total);
    ++gone_count_;
  }
  return {};
}

void WindowUpdate::close_losses() noexcept {
  for (std::uint32_t i = losses_->open_count(); i-- > 0;) {
    if (&losses_->at(i).table != loss_) continue;
    losses_->close(i);
    return;
  }
}

/// Keys without rows stay in the totals until there are many of them: then those that have rows move to another table.
Result<void> WindowUpdate::forget_gone() {
  constexpr std::uint64_t kGoneMin = 1024;
  if (windowed() || gone_count_ < kGoneMin || totals_.open_count() == 0) return {};
  Slice& old = totals_.at(0);
  const std::uint32_t end = old.table.group_end();
  if (gone_count_ < end / 2) return {};
  gone_count_ = 0;
  WEIR_ASSIGN(Slice * fresh, totals_.find_or_open(old.start + 1, old.window_end_min));
  for (std::uint32_t group = 0; group < end;) {
    for (count_ = 0; group < end && count_ < capacity_; ++group)
      if (old.table.present(group)) delta_groups_[count_++] = group;
    if (count_ == 0) break;
    WEIR_TRY(write_partial(old.table, delta_groups_.get()));
    const simd::Rows rows{count_, nullptr, nullptr};
    keys_.begin(*partial_, first_columns_, rows);
    WEIR_TRY(fresh->table.find_or_insert(keys_, rows, total_groups_.get(), probe_));
    accumulator_.begin(*partial_, static_cast<int>(first_columns_.size()) + 2);
    WEIR_TRY(
        accumulator_.add(total_groups_.get(), rows,
                         {fresh->table.state_rows(), &fresh->table.strings(), &parts_.arena, &fresh->table.heap()}));
  }
  totals_.close(0);
  return {};
}

}  // namespace weir
