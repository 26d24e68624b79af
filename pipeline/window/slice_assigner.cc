// Splits batches by slice. See slice_assigner.h.
#include "window/slice_assigner.h"

#include <bit>
#include <cstring>
#include <numeric>
#include <string>

#include "weir/simd/boolean.h"
#include "weir/simd/hash.h"
#include "weir/simd/reduce.h"

namespace weir {

SliceAssigner::SliceAssigner(const WindowMath& math, std::uint32_t capacity)
    : math_(math), table_mask_(std::bit_ceil(capacity * 2u) - 1), near_start_(math.slice_start(0)) {
  runs_ = std::make_unique<SliceRun[]>(capacity);
  run_table_ = std::make_unique<std::uint32_t[]>(table_mask_ + 1);
  std::memset(run_table_.get(), 0xFF, (table_mask_ + 1) * sizeof(std::uint32_t));
  rows_ = std::make_unique<std::uint32_t[]>(capacity);
  run_numbers_ = std::make_unique<std::uint32_t[]>(capacity);
  sorted_ = std::make_unique<std::uint32_t[]>(capacity);
  run_slots_ = std::make_unique<std::uint32_t[]>(capacity);
  late_ = std::make_unique<std::uint32_t[]>(capacity);
  starts_ = std::make_unique<std::int64_t[]>(capacity);
  stretches_ = std::make_unique<simd::SliceStretch[]>(capacity);
  row_numbers_ = std::make_unique<std::uint32_t[]>(capacity);
  std::iota(row_numbers_.get(), row_numbers_.get() + capacity, 0u);
  memory_bytes_ = capacity * (sizeof(SliceRun) + sizeof(simd::SliceStretch) + 6 * 4 + 8) + (table_mask_ + 1) * 4;
}

void SliceAssigner::start_runs() noexcept {
  // Runs that stand in the table take their slots out; with many, the whole table is cheaper to clear.
  if (in_table_ && run_count_ * 8 > table_mask_) {
    std::memset(run_table_.get(), 0xFF, (table_mask_ + 1) * sizeof(std::uint32_t));
  } else if (in_table_) {
    for (std::uint32_t run = 0; run < run_count_; ++run) run_table_[run_slots_[run]] = simd::kNoRow;
  }
  in_table_ = false;
  run_count_ = 0;
  row_count_ = 0;
  last_run_ = 0;
}

std::uint32_t SliceAssigner::run_of(std::int64_t start, std::int64_t window_end_min) noexcept {
  const auto same = [&](std::uint32_t run) {
    return runs_[run].start == start && runs_[run].window_end_min == window_end_min;
  };
  if (run_count_ != 0 && same(last_run_)) return last_run_;
  std::uint64_t slot =
      simd::combine_hash(static_cast<std::uint64_t>(start), static_cast<std::uint64_t>(window_end_min)) & table_mask_;
  while (run_table_[slot] != simd::kNoRow && !same(run_table_[slot])) slot = (slot + 1) & table_mask_;
  if (run_table_[slot] == simd::kNoRow) {
    in_table_ = true;
    run_table_[slot] = run_count_;
    run_slots_[run_count_] = static_cast<std::uint32_t>(slot);
    runs_[run_count_] = {start, window_end_min, {}};
    ++run_count_;
  }
  return last_run_ = run_table_[slot];
}

void SliceAssigner::put(std::uint32_t row, std::int64_t start, std::int64_t window_end_min) noexcept {
  const std::uint32_t run = run_of(start, window_end_min);
  rows_[row_count_] = row;
  run_numbers_[row_count_] = run;
  ++row_count_;
  ++runs_[run].rows.count;
}

std::span<const SliceRun> SliceAssigner::collect() noexcept {
  std::uint32_t at = 0;
  for (std::uint32_t run = 0; run < run_count_; ++run) {
    runs_[run].rows.selection = &sorted_[at];
    at += runs_[run].rows.count;
    runs_[run].rows.count = 0;
  }
  for (std::uint32_t i = 0; i < row_count_; ++i) {
    simd::Rows& rows = runs_[run_numbers_[i]].rows;
    const_cast<std::uint32_t*>(rows.selection)[rows.count++] = rows_[i];
  }
  return {runs_.get(), run_count_};
}

Result<void> SliceAssigner::check_times(const Batch& batch, const Vector& times, const simd::Rows& rows,
                                        EventTime& least, EventTime& greatest) const {
  if (times.validity != nullptr && !simd::bitmap_all(times.validity, rows.end())) {
    for (std::uint32_t i = 0; i < rows.count; ++i)
      if (!times.is_valid(rows[i]))
        return Error(ErrorCode::kNullNotAllowed, "the event time of a row is NULL", Position::at_row(rows[i]));
  }
  least = batch.header().event_time_min;
  greatest = batch.header().event_time_max;
  // The header may still count rows that a filter took out.
  if (greatest < least || least < math_.time_min() || greatest > math_.time_max())
    (void)simd::min_max(times.values<std::int64_t>(), rows, &least, &greatest);
  if (least < math_.time_min() || greatest > math_.time_max())
    return Error(ErrorCode::kValueOutOfRange,
                 "an event time is so far out that its window does not end in the range of times: " +
                     std::to_string(least < math_.time_min() ? least : greatest) + " ns");
  return {};
}

/// The start of the slice of a time within time_min() … time_max(). Few rows at a time mostly go where the last ones
/// went: no division then.
std::int64_t SliceAssigner::near_start(EventTime time) noexcept {
  const std::uint64_t since = static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(near_start_);
  if (since >= static_cast<std::uint64_t>(math_.slice)) near_start_ = math_.slice_start(time);
  return near_start_;
}

/// Runs of rows that come in order of their slices: each is a piece of the selection. False where they do not.
bool SliceAssigner::assign_in_order(const simd::Rows& rows, const std::int64_t* times) noexcept {
  const std::uint32_t count = simd::slice_stretches(times, math_.slice, math_.offset, rows, stretches_.get());
  const std::uint32_t* numbers = rows.selection != nullptr ? rows.selection : row_numbers_.get();
  for (std::uint32_t i = 0; i < count; ++i) {
    const simd::SliceStretch& stretch = stretches_[i];
    if (i != 0 && stretch.start <= stretches_[i - 1].start) return false;
    runs_[i] = {stretch.start, math_.first_end(stretch.start), {stretch.count, numbers + stretch.begin, nullptr}};
  }
  run_count_ = count;
  return true;
}

Result<std::span<const SliceRun>> SliceAssigner::assign(const Batch& batch, const Vector& times, bool decide_late,
                                                        Watermark merged) {
  const simd::Rows rows{batch.selected_count(), batch.selection(), nullptr};
  late_count_ = 0;
  if (rows.count == 0) return std::span<const SliceRun>();
  EventTime least = 0, greatest = 0;
  WEIR_TRY(check_times(batch, times, rows, least, greatest));
  // No window that a row belongs to ends before the first window of the least slice.
  const std::int64_t start = near_start(least);
  const std::int64_t first_end = math_.first_end(start);
  const Watermark* watermarks = decide_late ? batch.header().row_watermarks : nullptr;
  if (watermarks != nullptr && !math_.fired(first_end, math_.less_lateness(batch.header().watermark_after)))
    watermarks = nullptr;
  merged = math_.less_lateness(merged);
  const bool on_time = watermarks == nullptr && (decide_late || !math_.fired(first_end, merged));
  start_runs();
  if (on_time && greatest - start < math_.slice) {
    runs_[0] = {start, first_end, rows};
    run_count_ = 1;
    return std::span<const SliceRun>(runs_.get(), 1);
  }
  if (on_time && assign_in_order(rows, times.values<std::int64_t>()))
    return std::span<const SliceRun>(runs_.get(), run_count_);
  simd::slice_starts(times.values<std::int64_t>(), math_.slice, math_.offset, rows, starts_.get());
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    const std::int64_t own_start = starts_[row];
    std::int64_t end = math_.first_end(own_start);
    if (!on_time) {
      const Watermark watermark =
          decide_late ? (watermarks != nullptr ? math_.less_lateness(watermarks[row]) : kWatermarkNone) : merged;
      if (math_.fired(math_.last_end(own_start), watermark)) {
        WEIR_CHECK(decide_late);  // behind an exchange no row is late: that was decided before it
        late_[late_count_++] = row;
        continue;
      }
      end = math_.first_open_end(end, watermark);
    }
    put(row, own_start, end);
  }
  return collect();
}

/// The same of partials, which come slice by slice from a local aggregate: those of one pass over its slices.
bool SliceAssigner::partials_in_order(const simd::Rows& rows, const std::int64_t* starts,
                                      const std::int64_t* ends) noexcept {
  const std::uint32_t* numbers = rows.selection != nullptr ? rows.selection : row_numbers_.get();
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::int64_t start = starts[numbers[i]], end = ends[numbers[i]];
    if (count != 0) {
      SliceRun& last = runs_[count - 1];
      if (last.start == start && last.window_end_min == end) {
        ++last.rows.count;
        continue;
      }
      if (start <= last.start) return false;
    }
    runs_[count++] = {start, end, {1, numbers + i, nullptr}};
  }
  run_count_ = count;
  return true;
}

std::span<const SliceRun> SliceAssigner::assign_partials(const Batch& batch, const Vector& starts,
                                                         const Vector& window_end_mins) {
  const simd::Rows rows{batch.selected_count(), batch.selection(), nullptr};
  late_count_ = 0;
  start_runs();
  if (partials_in_order(rows, starts.values<std::int64_t>(), window_end_mins.values<std::int64_t>()))
    return {runs_.get(), run_count_};
  for (std::uint32_t i = 0; i < rows.count; ++i)
    put(rows[i], starts.values<std::int64_t>()[rows[i]], window_end_mins.values<std::int64_t>()[rows[i]]);
  return collect();
}

}  // namespace weir
