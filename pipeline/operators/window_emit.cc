// Giving out the windows that a watermark completes. See window_aggregate.h.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "operators/window_aggregate.h"

namespace weir {
namespace {

// A resume() combines at least so many rows of slices before it gives the shard back.
constexpr std::size_t kWorkMin = 4096;
constexpr std::uint32_t kWindowsUntoldMax = 64;

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
    case Control::Kind::kIdle:
      // Nothing comes for a while: what stands here must not miss windows that the others complete.
      if (local()) target_ = kWatermarkEnd;
      break;
    case Control::Kind::kBarrier:
    case Control::Kind::kActive:
      break;
  }
  held_control_ = control;
  firing_ = true;
  (void)resume();
}

std::size_t WindowAggregate::resume() {
  if (!firing_ || failed_) return 0;
  const std::size_t work = std::max<std::size_t>(capacity_, kWorkMin);
  std::size_t budget = work;
  if (passed_on_) {
    firing_ = !retire(budget);
    return failed_ ? 0 : std::max<std::size_t>(work - budget, 1);
  }
  if (!next_->accepts()) return 0;
  std::size_t last_pushed = 0;
  for (bool last = false; !last;) {
    if (std::size_t pushed = 0; windows_untold_ >= kWindowsUntoldMax && !tell_watermark(pushed)) return pushed;
    Result<Next> next = stage_.has_value() ? stage_some(budget) : emit_some(budget);
    if (!next) {
      fail(std::move(next).error());
      return 0;
    }
    if (*next == Next::kWaiting) return work - budget;
    if (*next == Next::kNone) break;
    last = is_last();  // its results do not wait until its slice is closed
    const std::size_t pushed = last || output_must_go() ? push_output() : 0;
    if (ready_ && selected_all()) finish_window();
    if (failed_ || (pushed != 0 && !last)) return pushed;
    last_pushed = pushed;
  }
  const std::size_t pushed = last_pushed + push_output();
  if (failed_ || !next_->accepts()) return pushed;
  if (held_control_.kind == Control::Kind::kWatermark) given_ = held_control_.value;
  passed_on_ = sharing() && target_ != kWatermarkNone;
  firing_ = passed_on_;
  windows_untold_ = 0;
  next_->control(held_control_);
  if (passed_on_) firing_ = !retire(budget);  // when the results are on their way
  return pushed + 1;
}

/// Between two windows: what was given out is complete up to the last one's window_time. False: at the next resume().
bool WindowAggregate::tell_watermark(std::size_t& pushed) {
  pushed = push_output();
  if (failed_ || !next_->accepts()) return false;
  windows_untold_ = 0;
  given_ = (sharing() ? shared_->fired_end() : window_end_) - parts_.math.tick;
  next_->control({Control::Kind::kWatermark, given_});
  ++pushed;
  return next_->accepts();
}

std::size_t WindowAggregate::push_output() {
  if (Result<void> lowered = lower_staged(); !lowered) {
    fail(std::move(lowered).error());
    return 0;
  }
  const std::size_t rows = output_->row_count();
  if (rows == 0) return 0;
  BatchHeader& header = output_->header();
  header.ingest_time_min = ingest_min_;
  header.ingest_time_max = ingest_max_;
  header.watermark_before = header.watermark_after = given_;
  header.arrival = ledger_.rows_out;
  ledger_.rows_out += rows;
  next_->push(*output_);
  output_->reset_rows();
  output_bytes_ = 0;
  heap_full_ = false;
  if (sharing()) shared_->free_rows();  // whose strings the batch held
  return rows;
}

// ---- Which window is next ---------------------------------------------------------------------------------------

Result<WindowAggregate::Next> WindowAggregate::next_window(std::size_t& budget) {
  if (sharing()) {
    WEIR_ASSIGN(const Next next, shared_->next_window(store_, target_, budget));
    if (next != Next::kReady) return next;
    window_end_ = shared_->window_end();
    window_start_ = parts_.math.window_start(window_end_);
    return next;
  }
  if (store_.open_count() == 0) return Next::kNone;
  if (!windowed()) return target_ == kWatermarkEnd ? Next::kReady : Next::kNone;
  const Slice& slice = store_.at(0);
  if (!parts_.math.fired(parts_.math.slice_end(slice.start), target_)) return Next::kNone;
  window_start_ = slice.start;
  window_end_ = local() ? slice.window_end_min : parts_.math.slice_end(slice.start);
  return Next::kReady;
}

/// Whether all of the window that is ready has been written, and no other is due. False where windows share slices.
bool WindowAggregate::is_last() const noexcept {
  if (!ready_ || sharing() || !selected_all()) return false;
  return store_.open_count() == 1 || !parts_.math.fired(parts_.math.slice_end(store_.at(1).start), target_);
}

bool WindowAggregate::retire(std::size_t& budget) {
  Result<bool> retired = shared_->retire(store_, budget);
  if (!retired) fail(std::move(retired).error());
  const bool done = !failed_ && *retired;
  passed_on_ = !done;
  return done;
}

// ---- One window -------------------------------------------------------------------------------------------------

/// Writes results of the window that is ready, or of the next one. kReady: some were written.
Result<WindowAggregate::Next> WindowAggregate::emit_some(std::size_t& budget) {
  if (!ready_) {
    WEIR_ASSIGN(const Next next, next_window(budget));
    if (next != Next::kReady) return next;
    ready_ = true;
    position_ = 0;
  }
  WEIR_TRY(emit());
  return Next::kReady;
}

Result<GroupSelection> WindowAggregate::select_groups(std::uint32_t room) {
  if (sharing()) {
    const std::uint32_t count = shared_->select(position_, std::min(room, SharedWindows::kBlock), groups_.get());
    return shared_->rows(groups_.get(), count);
  }
  GroupTable& table = store_.at(0).table;
  // In registers: what is written below could be any member, as far as the compiler knows.
  std::uint32_t* groups = groups_.get();
  const simd::GroupRows states = table.state_rows();
  const auto present = [&states](std::uint32_t group) {
    std::uint64_t rows;
    std::memcpy(&rows, states.base + group * states.stride, sizeof rows);
    return rows != 0;
  };
  std::uint32_t count = 0, position = position_;
  const std::uint32_t end = table.group_end();
  for (; position < end && count < room; ++position) {
    groups[count] = position;
    count += present(position) ? 1 : 0;
  }
  while (position < end && !present(position)) ++position;
  position_ = position;
  return GroupSelection{&table, groups, count, {}, nullptr, true};
}

bool WindowAggregate::selected_all() const noexcept {
  return sharing() ? shared_->selected_all(position_) : position_ == store_.at(0).table.group_end();
}

bool WindowAggregate::output_must_go() const noexcept {
  if (output_->full() || heap_full_) return true;
  // The strings of a batch stand in the state: it goes out before the state changes.
  if (parts_.layout.has_strings() && (selected_all() || (sharing() && shared_->rows_own_memory()))) return true;
  const bool partials = local() && parts_.layout.has_byte_partials();
  return (parts_.keys.strings || partials) && selected_all();
}

void WindowAggregate::emit_keys_and_times(std::uint32_t count) {
  Batch& out = *output_;
  const std::uint32_t at = out.row_count();
  std::uint32_t column = 0;
  for (; column < parts_.keys.columns.size(); ++column) {
    if (sharing())
      shared_->read_key(column, groups_.get(), count, out.column(column), at);
    else
      store_.at(0).table.read_key(column, groups_.get(), count, out.column(column), at);
  }
  if (!windowed() && !local()) return;
  const auto fill = [&](std::int64_t value, bool unread) {
    if (!unread) std::fill_n(out.column(column).values<std::int64_t>() + at, count, value);
    ++column;
  };
  fill(window_start_, parts_.options.start_unread && !local());
  fill(window_end_, false);
  if (local()) return;
  const EventTime time = window_end_ - parts_.math.tick;
  fill(time, parts_.options.time_unread);
  out.header().event_time_min = std::min(out.header().event_time_min, time);
  out.header().event_time_max = std::max(out.header().event_time_max, time);
}

Result<void> WindowAggregate::emit() {
  Batch& out = *output_;
  const std::uint32_t at = out.row_count();
  const std::uint32_t room = std::min(out.capacity() - at, emit_rows_max_);
  WEIR_ASSIGN(const GroupSelection selection, select_groups(room));
  emit_keys_and_times(selection.count);
  if (local()) {
    const std::uint32_t column = static_cast<std::uint32_t>(parts_.keys.columns.size()) + 2;
    WEIR_TRY(lower_partials(parts_.layout, selection, out, column, at));
  } else {
    std::uint32_t column = static_cast<std::uint32_t>(parts_.keys.columns.size()) + (windowed() ? 3 : 0);
    const AggregateLayout& layout = sharing() ? shared_->layout() : parts_.layout;
    for (const AggregateResult& result : layout.results()) {
      WEIR_ASSIGN(const std::uint32_t written, lower_result(layout, result, selection, out.column(column++), at));
      if (written != selection.count) return overflow_error(result, written);
    }
  }
  const std::uint32_t fitting = gives_strings_ ? rows_within_heap(at, selection.count) : selection.count;
  if (fitting < selection.count) {
    position_ = groups_[fitting];  // the others come with the next batch
    heap_full_ = true;
    emit_rows_max_ = std::max(1u, 2 * fitting);
  } else {
    emit_rows_max_ = std::min(2 * emit_rows_max_, kBatchRowsMax);
  }
  out.set_row_count(at + fitting);
  ledger_.rows_created += fitting;
  return {};
}

// ---- Many windows at once ---------------------------------------------------------------------------------------

/// Stages windows up to the room that the output has, and lowers them then: what a result costs is not paid a window.
/// No row comes in while windows fire, so a number keeps its key until it is lowered.
Result<WindowAggregate::Next> WindowAggregate::stage_some(std::size_t& budget) {
  WindowStage& stage = *stage_;
  stage.room = std::min(stage.rows_max, output_->capacity() - output_->row_count());
  const bool tells = parts_.options.feeds_windows;
  std::uint32_t windows_max = tells ? kWindowsUntoldMax - windows_untold_ : ~0u;
  const std::uint32_t before = windows_max, rows_before = stage.rows;
  auto next = shared_->stage_windows(store_, target_, windows_max, stage, budget);
  if (tells) windows_untold_ += before - windows_max;
  ledger_.rows_created += stage.rows - rows_before;
  if (next && stage.full()) WEIR_TRY(lower_staged());
  return next;
}

void WindowAggregate::write_staged_keys_and_times() {
  Batch& out = *output_;
  const WindowStage& stage = *stage_;
  const std::uint32_t first = out.row_count();
  std::uint32_t column = 0;
  for (; column < parts_.keys.columns.size(); ++column) {
    shared_->read_staged_key(column, stage, out.column(column), first, out.capacity() - first);
  }
  const auto fill = [&](auto&& value_of, bool unread) {
    std::int64_t* to = out.column(column++).values<std::int64_t>() + first;
    if (unread) return;
    stage.each_window([&](const StagedWindow& window, std::uint32_t) {
      const std::int64_t value = value_of(window.end);
      for (std::uint32_t i = 0; i < window.rows; ++i) *to++ = value;
    });
  };
  const WindowMath& math = parts_.math;
  fill([&](std::int64_t end) { return math.window_start(end); }, parts_.options.start_unread);
  fill([](std::int64_t end) { return end; }, false);
  fill([&](std::int64_t end) { return end - math.tick; }, parts_.options.time_unread);
  BatchHeader& header = out.header();
  header.event_time_min = std::min(header.event_time_min, stage.windows[0].end - math.tick);
  header.event_time_max = std::max(header.event_time_max, stage.windows[stage.window_count - 1].end - math.tick);
}

Result<void> WindowAggregate::lower_staged() {
  if (staged_rows() == 0) return {};
  Batch& out = *output_;
  WindowStage& stage = *stage_;
  const std::uint32_t at = out.row_count();
  write_staged_keys_and_times();
  const GroupSelection selection = stage.selection();
  std::uint32_t column = static_cast<std::uint32_t>(parts_.keys.columns.size()) + 3;
  for (const AggregateResult& result : shared_->layout().results()) {
    WEIR_ASSIGN(const std::uint32_t written,
                lower_result(shared_->layout(), result, selection, out.column(column++), at));
    if (written == stage.rows) continue;
    stage.each_window([&](const StagedWindow& window, std::uint32_t first) {
      if (written >= first) window_end_ = window.end;
    });
    window_start_ = parts_.math.window_start(window_end_);
    return overflow_error(result, written);
  }
  out.set_row_count(at + stage.rows);
  stage.clear();
  shared_->lowered();
  return {};
}

/// How many of the rows from `at` on have long strings that fit an exchange's batch (heap_bytes) beside those before
/// them; at least one where there are no others, so that the exchange says what is too long.
std::uint32_t WindowAggregate::rows_within_heap(std::uint32_t at, std::uint32_t count) {
  if (context_.heap_bytes == 0) return count;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::size_t bytes = 0;
    for (const Vector& vector : output_->columns()) {
      if (vector.physical != Physical::kString || !vector.is_valid(at + i)) continue;
      const StringRef& text = vector.values<StringRef>()[at + i];
      bytes += text.is_inline() ? 0 : text.size;
    }
    if (at + i != 0 && output_bytes_ + bytes > context_.heap_bytes) return i;
    output_bytes_ += bytes;
  }
  return count;
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
  if (sharing()) {
    shared_->fired();
  } else {
    store_.close(0);
  }
  ready_ = false;
  if (parts_.options.feeds_windows && !local()) ++windows_untold_;
}

}  // namespace weir
