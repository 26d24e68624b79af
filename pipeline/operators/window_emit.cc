// Giving out the windows that a watermark completes. See window_aggregate.h.
#include <algorithm>
#include <string>
#include <utility>

#include "operators/window_aggregate.h"

namespace weir {
namespace {

std::string text_of(const Vector& vector, std::uint32_t row) {
  if (!vector.is_valid(row)) return "NULL";
  switch (vector.physical) {
    case Physical::kInt8:
      return std::to_string(vector.values<std::int8_t>()[row]);
    case Physical::kInt16:
      return std::to_string(vector.values<std::int16_t>()[row]);
    case Physical::kInt32:
      return std::to_string(vector.values<std::int32_t>()[row]);
    case Physical::kInt64:
      return std::to_string(vector.values<std::int64_t>()[row]);
    case Physical::kFloat:
      return std::to_string(vector.values<float>()[row]);
    case Physical::kDouble:
      return std::to_string(vector.values<double>()[row]);
    case Physical::kString:
      return std::string(vector.values<StringRef>()[row].view().substr(0, 64));
    default:
      return "…";
  }
}

}  // namespace

void WindowAggregate::control(const Control& control) {
  WEIR_DCHECK(accepts());
  target_ = kWatermarkNone;
  switch (control.kind) {
    case Control::Kind::kWatermark:
      if (control.value <= watermark_) return;
      target_ = watermark_ = control.value;
      break;
    case Control::Kind::kEndOfInput:
      target_ = watermark_ = kWatermarkEnd;
      break;
    case Control::Kind::kBarrier:
      break;
  }
  held_control_ = control;
  firing_ = true;
  (void)resume();
}

std::size_t WindowAggregate::resume() {
  if (!firing_ || failed_ || !next_->accepts()) return 0;
  while (true) {
    if (source_ == nullptr && !next_window()) break;
    if (failed_) return 0;
    if (Result<void> emitted = emit(); !emitted) {
      fail(std::move(emitted).error());
      return 0;
    }
    const bool done = source_position_ == source_->group_end();
    // The strings of a batch stand in the slice: it goes out before the slice is closed.
    const bool must_go = output_->full() || (done && parts_.layout.has_strings()) || (done && parts_.keys.strings);
    const std::size_t pushed = must_go ? push_output() : 0;
    if (done) finish_window();
    if (pushed != 0) return pushed;
  }
  if (failed_) return 0;
  const std::size_t pushed = push_output();
  if (!next_->accepts()) return pushed;
  firing_ = false;
  if (held_control_.kind == Control::Kind::kWatermark) given_ = held_control_.value;
  next_->control(held_control_);
  return pushed + 1;
}

std::size_t WindowAggregate::push_output() {
  const std::size_t rows = output_->row_count();
  if (rows == 0) return 0;
  BatchHeader& header = output_->header();
  header.ingest_time_min = ingest_min_;
  header.ingest_time_max = ingest_max_;
  header.watermark_before = header.watermark_after = given_;
  ledger_.rows_out += rows;
  next_->push(*output_);
  output_->reset();
  return rows;
}

// ---- Which window is next ---------------------------------------------------------------------------------------

bool WindowAggregate::next_window() {
  source_position_ = 0;
  if (store_.open_count() == 0) return false;
  if (!windowed()) {
    if (target_ != kWatermarkEnd) return false;
    source_ = &store_.at(0).table;
    return true;
  }
  if (!local() && parts_.math.kind != WindowKind::kTumble) return next_shared_window();
  Slice& slice = store_.at(0);
  if (!parts_.math.fired(parts_.math.slice_end(slice.start), target_)) return false;
  window_start_ = slice.start;
  window_end_ = local() ? slice.window_end_min : parts_.math.slice_end(slice.start);
  source_ = &slice.table;
  return true;
}

bool WindowAggregate::seen_by(const Slice& slice, std::int64_t end) const noexcept {
  return slice.window_end_min <= end && slice.start >= parts_.math.window_start(end) &&
         parts_.math.slice_end(slice.start) <= end;
}

bool WindowAggregate::next_shared_window() {
  std::int64_t end = kEventTimeMax;
  for (std::uint32_t i = 0; i < store_.open_count(); ++i) {
    const Slice& slice = store_.at(i);
    const std::int64_t open = slice.window_end_min > fired_end_ ? slice.window_end_min : fired_end_ + parts_.math.slice;
    end = std::min(end, open);
    if (parts_.math.slice_end(slice.start) > end) break;  // later slices start later still
  }
  if (!parts_.math.fired(end, target_)) return false;
  window_end_ = end;
  window_start_ = parts_.math.window_start(end);
  if (Result<void> combined = combine(); !combined) {
    fail(std::move(combined).error());
    return false;
  }
  return true;
}

Result<void> WindowAggregate::combine() {
  GroupTable* only = nullptr;
  std::uint32_t slices = 0;
  for (std::uint32_t i = 0; i < store_.open_count(); ++i) {
    if (!seen_by(store_.at(i), window_end_)) continue;
    ++slices;
    only = &store_.at(i).table;
  }
  source_ = slices == 1 ? only : &window_table_;
  if (slices <= 1) return {};
  for (std::uint32_t i = 0; i < store_.open_count(); ++i)
    if (seen_by(store_.at(i), window_end_)) WEIR_TRY(combine_slice(store_.at(i).table, window_table_));
  return {};
}

Result<void> WindowAggregate::combine_slice(GroupTable& from, GroupTable& to) {
  Batch& batch = **combined_;
  const auto accumulators = parts_.layout.accumulators();
  const auto keys = static_cast<std::uint32_t>(parts_.keys.columns.size());
  std::uint32_t position = 0;
  while (position < from.group_end()) {
    GroupSelection selection{&from, groups_.get(), 0};
    for (; position < from.group_end() && selection.count < capacity_; ++position)
      if (from.present(position)) groups_[selection.count++] = position;
    batch.reset();
    batch.set_row_count(selection.count);
    for (std::uint32_t i = 0; i < keys; ++i) from.read_key(i, groups_.get(), selection.count, batch.column(i), 0);
    for (std::uint32_t i = 0; i < accumulators.size(); ++i)
      lower_partial(parts_.layout, accumulators[i], selection, batch.column(keys + 2 + i), 0);
    const simd::Rows rows{selection.count, nullptr, nullptr};
    keys_.begin(batch, first_columns_, rows);
    accumulator_.begin(batch, static_cast<int>(keys) + 2);
    WEIR_TRY(absorb(to, rows));
  }
  return {};
}

// ---- One window -------------------------------------------------------------------------------------------------

std::uint32_t WindowAggregate::select_groups(std::uint32_t room) {
  std::uint32_t count = 0;
  const std::uint32_t end = source_->group_end();
  for (; source_position_ < end && count < room; ++source_position_)
    if (source_->present(source_position_)) groups_[count++] = source_position_;
  while (source_position_ < end && !source_->present(source_position_)) ++source_position_;
  return count;
}

Result<void> WindowAggregate::emit() {
  Batch& out = *output_;
  const std::uint32_t at = out.row_count();
  const GroupSelection selection{source_, groups_.get(), select_groups(out.capacity() - at)};
  std::uint32_t column = 0;
  for (; column < parts_.keys.columns.size(); ++column)
    source_->read_key(column, groups_.get(), selection.count, out.column(column), at);
  const auto fill = [&](std::int64_t value) {
    std::fill_n(out.column(column++).values<std::int64_t>() + at, selection.count, value);
  };
  if (local()) {
    fill(window_start_);
    fill(window_end_);
    for (const Accumulator& accumulator : parts_.layout.accumulators())
      lower_partial(parts_.layout, accumulator, selection, out.column(column++), at);
  } else {
    if (windowed()) {
      const EventTime time = window_end_ - parts_.math.tick;
      fill(window_start_);
      fill(window_end_);
      fill(time);
      out.header().event_time_min = std::min(out.header().event_time_min, time);
      out.header().event_time_max = std::max(out.header().event_time_max, time);
    }
    for (const AggregateResult& result : parts_.layout.results()) {
      const std::uint32_t written = lower_result(parts_.layout, result, selection, out.column(column++), at);
      if (written != selection.count) return overflow_error(result, written);
    }
  }
  out.set_row_count(at + selection.count);
  ledger_.rows_created += selection.count;
  return {};
}

Error WindowAggregate::overflow_error(const AggregateResult& result, std::uint32_t group) const {
  std::string where;
  for (std::uint32_t i = 0; i < parts_.keys.columns.size(); ++i)
    where += (i == 0 ? " for key (" : ", ") + text_of(output_->column(i), output_->row_count() + group);
  if (!where.empty()) where += ")";
  if (windowed())
    where += " in the window from " + std::to_string(window_start_) + " to " + std::to_string(window_end_) + " ns";
  return Error(ErrorCode::kOverflow, result.name + " does not fit " + result.type.to_string() + where)
      .with_hint("CAST the argument to a wider type");
}

void WindowAggregate::finish_window() {
  const bool shared = windowed() && !local() && parts_.math.kind != WindowKind::kTumble;
  if (!shared) {
    store_.close(0);
  } else {
    if (source_ == &window_table_) window_table_.clear();
    fired_end_ = window_end_;
    // Slices whose last window this was; partly late ones may stand behind slices that are still needed.
    for (std::uint32_t i = store_.open_count(); i-- > 0;)
      if (parts_.math.last_end(store_.at(i).start) <= fired_end_) store_.close(i);
  }
  source_ = nullptr;
}

}  // namespace weir
