// Windows whose results change. See window_update.h.
#include "operators/window_update.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

namespace weir {
namespace {

template <class T>
bool same_bits(const Vector& left, std::uint32_t left_row, const Vector& right, std::uint32_t right_row) noexcept {
  return std::memcmp(left.values<T>() + left_row, right.values<T>() + right_row, sizeof(T)) == 0;
}

/// Of two values that are no texts.
bool same_value(const Vector& left, std::uint32_t left_row, const Vector& right, std::uint32_t right_row) noexcept {
  switch (physical_size(left.physical)) {
    case 1:
      return same_bits<std::uint8_t>(left, left_row, right, right_row);
    case 2:
      return same_bits<std::uint16_t>(left, left_row, right, right_row);
    case 4:
      return same_bits<std::uint32_t>(left, left_row, right, right_row);
    case 8:
      return same_bits<std::uint64_t>(left, left_row, right, right_row);
    default:
      return same_bits<Int128>(left, left_row, right, right_row);
  }
}

}  // namespace

Result<std::unique_ptr<WindowAggregateOperator>> WindowUpdate::make(FragmentContext& context,
                                                                    WindowAggregate::Parts parts) {
  if (parts.options.window.has_value() && parts.options.window->kind == WindowKind::kSession) {
    return Error(ErrorCode::kSqlUnsupported,
                 "early results and allowed lateness are not supported for SESSION windows yet")
        .with_hint("RESET the settings table.exec.emit.* and weir.emit.*");
  }
  if (parts.options.changes && (parts.options.mode != AggregateMode::kSingle || !parts.layout.invertible()))
    return Error(ErrorCode::kInvalidArgument,
                 "rows that change can be aggregated in one place only, by aggregates with "
                 "an inverse");
  parts.math.lateness = parts.options.emit.lateness_ns;
  return std::unique_ptr<WindowAggregateOperator>(std::make_unique<WindowUpdate>(context, std::move(parts)));
}

WindowUpdate::WindowUpdate(FragmentContext& context, WindowAggregate::Parts parts)
    : context_(context),
      parts_(std::move(parts)),
      name_("window update " + std::string(aggregate_mode_name(parts_.options.mode))),
      capacity_(context.batch_rows),
      deltas_(windowed() ? parts_.options.slices_max : 1,
              {&parts_.keys, &parts_.layout, &parts_.arena, parts_.options.groups_max}),
      totals_(windowed() ? parts_.options.slices_max : 2,
              {&parts_.keys, &parts_.layout, &parts_.arena, parts_.options.groups_max}),
      assigner_(parts_.math, capacity_),
      keys_(parts_.keys, capacity_),
      accumulator_(parts_.layout, capacity_),
      probe_(capacity_),
      delta_groups_(std::make_unique<std::uint32_t[]>(capacity_)),
      total_groups_(std::make_unique<std::uint32_t[]>(capacity_)),
      old_groups_(std::make_unique<std::uint32_t[]>(capacity_)),
      output_(parts_.output, capacity_, 0, true),
      partial_(parts_.partial, capacity_),
      row_numbers_(std::make_unique<std::uint32_t[]>(capacity_)),
      was_given_(std::make_unique<bool[]>(capacity_)),
      is_gone_(std::make_unique<bool[]>(capacity_)),
      kept_before_(std::make_unique<std::uint32_t[]>(capacity_)),
      kept_after_(std::make_unique<std::uint32_t[]>(capacity_)) {
  const auto& results = parts_.layout.results();
  compares_ = std::none_of(results.begin(), results.end(),
                           [](const AggregateResult& result) { return result.type.physical() == Physical::kString; });
  together_ = compares_ && capacity_ >= 2;
  if (!together_) before_.emplace(parts_.output, capacity_, 0, true);
  at_once_ = together_ && emit().early && emit().early_delay_ns == 0 && !changes() && !local();
  for (const Field& field : parts_.output.fields) strings_ |= field.type.physical() == Physical::kString;
  std::iota(row_numbers_.get(), row_numbers_.get() + capacity_, 0u);
  for (std::uint32_t i = 0; i < parts_.options.keys.size(); ++i) first_columns_.push_back(i);
  key_columns_ = merging() ? first_columns_ : parts_.options.keys;
  if (!changes()) return;
  losses_.emplace(windowed() ? parts_.options.slices_max : 1,
                  GroupTable::Setup{&parts_.keys, &parts_.layout, &parts_.arena, parts_.options.groups_max});
  for (auto* rows : {&loss_groups_, &gained_rows_, &lost_rows_}) *rows = std::make_unique<std::uint32_t[]>(capacity_);
}

bool WindowUpdate::crowded() const noexcept {
  const std::uint32_t room = (parts_.options.slices_max + 1) / 2;
  return windowed() && (deltas_.open_count() >= room || totals_.open_count() >= room ||
                        parts_.arena.bytes_in_use() > parts_.arena.bytes_max() / 2);
}

std::size_t WindowUpdate::working_bytes() const noexcept {
  // Group numbers: three, and row numbers with what is kept of them; three more where rows are taken back.
  const std::size_t numbers = 6 + (changes() ? 3 : 0);
  return sizeof *this + deltas_.memory_bytes() + totals_.memory_bytes() +
         (losses_.has_value() ? losses_->memory_bytes() : 0) + assigner_.memory_bytes() + keys_.memory_bytes() +
         accumulator_.memory_bytes() + probe_.memory_bytes() + output_.bytes() + partial_.bytes() +
         (before_.has_value() ? before_->bytes() : 0) +
         capacity_ * (numbers * sizeof(std::uint32_t) + 2 * sizeof(bool));
}

StateCost WindowUpdate::state_cost() const {
  const std::size_t key = parts_.keys.words * sizeof(std::uint64_t);
  const std::size_t slots = parts_.keys.words == 0 ? 0 : 4 * sizeof(std::uint32_t);
  const std::size_t tables = local() ? 1 : changes() ? 3 : 2;  // what was given out, came and was lost since
  return {tables * (key + slots + parts_.layout.state_bytes() + parts_.layout.heap_bytes_max()),
          tables * (sizeof(Slice) + StateArena::kBlockMin), working_bytes(), parts_.layout.unbounded()};
}

void WindowUpdate::fail(Error error) {
  failed_ = true;
  context_.fail(std::move(error).with_context(name_));
}

// ---- Taking rows ------------------------------------------------------------------------------------------------

void WindowUpdate::push(Batch& batch) {
  WEIR_DCHECK(accepts());
  const std::uint32_t count = batch.selected_count();
  ledger_.rows_in += count;
  const std::uint64_t settled = ledger_.rows_absorbed + ledger_.dropped_total();
  Result<void> taken = failed_ ? Result<void>() : take(batch);
  if (!taken) fail(std::move(taken).error());
  const std::uint64_t done = ledger_.rows_absorbed + ledger_.dropped_total() - settled;
  rejected_ += count - done;
  rows_taken_ += batch.row_count();
  if (failed_) return;
  rows_since_fire_ += done;
  arm_timers();
  if (pending_ != nullptr) fire(kWatermarkEnd);
  if (!changes()) (void)resume();
}

Result<void> WindowUpdate::take(const Batch& batch) {
  const simd::Rows all{batch.selected_count(), batch.selection(), nullptr};
  if (all.count == 0) return {};
  ingest_min_ = batch.header().ingest_time_min;
  ingest_max_ = batch.header().ingest_time_max;
  const SliceRun whole{0, 0, all};
  std::span<const SliceRun> runs(&whole, 1);
  if (windowed() && merging()) {
    const auto keys = static_cast<std::uint32_t>(key_columns_.size());
    runs = assigner_.assign_partials(batch, batch.column(keys), batch.column(keys + 1));
  } else if (windowed()) {
    WEIR_ASSIGN(runs, assigner_.assign(batch, batch.column(parts_.options.window->time_column),
                                       parts_.options.decide_late, watermark_));
    if (!assigner_.late_rows().empty()) count_late(batch);
  }
  keys_.begin(batch, key_columns_, all);
  accumulator_.begin(batch, merging() ? static_cast<int>(key_columns_.size()) + 2 : -1);
  for (const SliceRun& run : runs) {
    WEIR_TRY(changes() ? take_changes(batch, run) : take_run(deltas_, run));
    ledger_.rows_absorbed += run.rows.count;
  }
  return {};
}

/// A local aggregate keeps slices; the others give the rows to each of their windows.
Result<void> WindowUpdate::take_run(SliceStore& store, const SliceRun& run) {
  if (local() || !windowed()) return absorb(store, run.start, run.window_end_min, run.rows);
  const std::int64_t last = parts_.math.last_end(run.start);
  for (std::int64_t end = run.window_end_min; end <= last; end += parts_.math.slice)
    WEIR_TRY(absorb(store, parts_.math.kind == WindowKind::kTumble ? run.start : parts_.math.window_start(end), end,
                    run.rows));
  return {};
}

Result<void> WindowUpdate::absorb(SliceStore& store, std::int64_t start, std::int64_t end, const simd::Rows& rows) {
  if (goes_at_once(store, rows.count)) return change_at_once(start, end, rows);
  WEIR_ASSIGN(Slice * slice, store.find_or_open(start, end));
  if (windowed() && late_at_ == kEventTimeMax && due(end_of(*slice), watermark_))
    late_at_ = at_time(emit().late_delay_ns);
  GroupTable& table = slice->table;
  WEIR_TRY(table.find_or_insert(keys_, rows, delta_groups_.get(), probe_));
  return accumulator_.add(delta_groups_.get(), rows,
                          {table.state_rows(), &table.strings(), &parts_.arena, &table.heap()});
}

/// Nothing may wait before it: what a batch gives goes out in the order of its windows.
bool WindowUpdate::goes_at_once(const SliceStore& store, std::uint32_t rows) const noexcept {
  return at_once_ && &store == &deltas_ && rows <= std::min(kRowsAtOnceMax, capacity_ / 2) && pending_ == nullptr &&
         deltas_.open_count() == 0 && next_->accepts();
}

/// Adds rows to the totals of a window and gives the changes out.
Result<void> WindowUpdate::change_at_once(std::int64_t start, std::int64_t end, const simd::Rows& rows) {
  window_start_ = start;
  window_end_ = end;
  WEIR_ASSIGN(Slice * slice, total_slice());
  total_ = &slice->table;
  std::uint32_t* groups = delta_groups_.get();
  WEIR_TRY(total_->find_or_insert(keys_, rows, groups, probe_));
  count_ = 0;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t group = parts_.options.keys.empty() ? 0 : groups[rows[i]];
    std::uint32_t* chosen_end = total_groups_.get() + count_;
    if (std::find(total_groups_.get(), chosen_end, group) == chosen_end) total_groups_[count_++] = group;
  }
  look_up_given();
  WEIR_TRY(change([&] { return add_to_totals(groups, rows); }));
  window_done_ = false;
  (void)push_pending();
  return {};
}

void WindowUpdate::count_late(const Batch& batch) {
  const Vector& times = batch.column(parts_.options.window->time_column);
  for (const std::uint32_t row : assigner_.late_rows()) {
    const LateRow sample{times.values<std::int64_t>()[row], batch.header().row_watermarks[row], batch.header().input,
                         rows_taken_ + row};
    if (late_.count++ == 0) late_.first = sample;
    late_.last = sample;
  }
  ledger_.dropped[static_cast<std::size_t>(DropReason::kLate)] += assigner_.late_rows().size();
}

void WindowUpdate::arm_timers() {
  if (!emit().early || early_at_ != kEventTimeMax || deltas_.open_count() == 0) return;
  early_at_ = at_time(emit().early_delay_ns);
}

/// In so many nanoseconds; without a look at the clock where that is now.
std::int64_t WindowUpdate::at_time(std::int64_t delay_ns) {
  return delay_ns == 0 ? kEventTimeMin : context_.clock->now_ns() + delay_ns;
}

// ---- When to fire -----------------------------------------------------------------------------------------------

std::int64_t WindowUpdate::end_of(const Slice& slice) const noexcept {
  return local() ? parts_.math.slice_end(slice.start) : slice.window_end_min;
}

bool WindowUpdate::due(std::int64_t end, Watermark watermark) const noexcept {
  return watermark == kWatermarkEnd || (windowed() && parts_.math.fired(end, watermark));
}

void WindowUpdate::fire(Watermark target) {
  target_ = target;
  firing_ = true;
  position_ = 0;
  if (target == kWatermarkNone) return;  // a control that completes nothing
  late_at_ = kEventTimeMax;
  if (target != kWatermarkEnd) return;
  early_at_ = kEventTimeMax;
  rows_since_fire_ = 0;
}

/// Starts the fire that processing time, the count of rows or late rows ask for.
bool WindowUpdate::fire_due() {
  if (deltas_.open_count() == 0) return false;
  if (emit().early_rows != 0 && rows_since_fire_ >= emit().early_rows) {
    fire(kWatermarkEnd);
    return true;
  }
  if (early_at_ == kEventTimeMax && late_at_ == kEventTimeMax) return false;
  const bool at_once = early_at_ == kEventTimeMin || late_at_ == kEventTimeMin;
  const std::int64_t now = at_once ? kEventTimeMin : context_.clock->now_ns();
  if (now >= early_at_) {
    fire(kWatermarkEnd);
  } else if (now >= late_at_) {
    fire(watermark_);
  }
  return firing_;
}

void WindowUpdate::control(const Control& control) {
  WEIR_DCHECK(accepts());
  Watermark target = kWatermarkNone;
  switch (control.kind) {
    case Control::Kind::kWatermark:
      if (control.value <= watermark_) return;
      target = watermark_ = control.value;
      break;
    case Control::Kind::kEndOfInput:
      target = watermark_ = kWatermarkEnd;
      break;
    case Control::Kind::kIdle:
      if (local()) target = kWatermarkEnd;
      break;
    case Control::Kind::kBarrier:
    case Control::Kind::kActive:
      break;
  }
  fire(target);
  has_control_ = true;
  held_control_ = control;
  (void)resume();
}

// ---- Giving out -------------------------------------------------------------------------------------------------

std::size_t WindowUpdate::resume() {
  if (failed_ || (!firing_ && !fire_due()) || !next_->accepts()) return 0;
  std::size_t work = 0;
  while (true) {
    if (pending_ != nullptr) {
      work += push_pending();
      if (pending_ != nullptr) return work;
      if (window_done_) end_window();
      if (!next_->accepts()) return work;
    }
    if (delta_ == nullptr && !next_window()) break;
    if (Result<void> done = step(); !done) {
      fail(std::move(done).error());
      return work;
    }
  }
  if (Result<void> done = forget_gone(); !done) {
    fail(std::move(done).error());
    return work;
  }
  close_totals();
  firing_ = false;
  if (deltas_.open_count() == 0) early_at_ = kEventTimeMax;
  if (!has_control_) return work + 1;
  has_control_ = false;
  if (held_control_.kind == Control::Kind::kWatermark) given_ = held_control_.value;
  next_->control(held_control_);
  return work + 1;
}

bool WindowUpdate::next_window() {
  for (; position_ < deltas_.open_count(); ++position_) {
    Slice& slice = deltas_.at(position_);
    if (!due(end_of(slice), target_)) continue;
    window_start_ = slice.start;
    window_end_ = slice.window_end_min;
    delta_ = chosen_ = &slice.table;
    find_losses();
    group_position_ = 0;
    window_done_ = false;
    step_ = Step::kChoose;
    return true;
  }
  return false;
}

Result<void> WindowUpdate::step() {
  if (step_ == Step::kChoose) {
    WEIR_TRY(choose());
    if (local()) return {};
    step_ = Step::kTakeBack;
  }
  if (step_ == Step::kTakeBack) {
    step_ = Step::kGive;
    WEIR_TRY(take_back());
    if (pending_ != nullptr) return {};
  }
  return give();
}

/// Whether the window has a group that was not given out yet; group_position_ is that of the next one.
bool WindowUpdate::more_groups() noexcept {
  while (true) {
    const std::uint32_t end = chosen_->group_end();
    while (group_position_ < end && !chosen_->present(group_position_)) ++group_position_;
    if (group_position_ < end) return true;
    if (loss_ == nullptr || chosen_ == loss_) return false;
    chosen_ = loss_;
    group_position_ = 0;
  }
}

/// Without a window there is one slice of totals, whatever its number (forget_gone).
Result<Slice*> WindowUpdate::total_slice() {
  if (!windowed() && totals_.open_count() != 0) return &totals_.at(0);
  return totals_.find_or_open(window_start_, window_end_);
}

/// Takes some groups of the delta and looks which of them were given out before.
Result<void> WindowUpdate::choose() {
  count_ = 0;
  (void)more_groups();
  const std::uint32_t end = chosen_->group_end();
  const std::uint32_t count_max = together_ ? capacity_ / 2 : capacity_;
  for (; group_position_ < end && count_ < count_max; ++group_position_)
    if (chosen_->present(group_position_)) delta_groups_[count_++] = group_position_;
  WEIR_TRY(write_partial(*chosen_, delta_groups_.get()));
  if (local()) {
    give_out(*partial_, row_numbers_.get(), count_);
    return {};
  }
  WEIR_ASSIGN(Slice * slice, total_slice());
  total_ = &slice->table;
  const simd::Rows rows{count_, nullptr, nullptr};
  keys_.begin(*partial_, first_columns_, rows);
  std::fill_n(total_groups_.get(), count_, 0u);
  WEIR_TRY(total_->find_or_insert(keys_, rows, total_groups_.get(), probe_));
  if (parts_.options.keys.empty()) std::fill_n(total_groups_.get(), count_, 0u);
  look_up_given();
  return changes() ? choose_losses() : Result<void>();
}

void WindowUpdate::look_up_given() {
  old_count_ = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    was_given_[i] = total_->present(total_groups_[i]);
    if (was_given_[i]) old_groups_[old_count_++] = total_groups_[i];
    is_gone_[i] = false;
  }
}

Result<void> WindowUpdate::write_partial(GroupTable& table, const std::uint32_t* groups) {
  Batch& batch = *partial_;
  batch.reset_rows();
  std::uint32_t column = 0;
  for (; column < parts_.keys.columns.size(); ++column) table.read_key(column, groups, count_, batch.column(column), 0);
  std::fill_n(batch.column(column++).values<std::int64_t>(), count_, window_start_);
  std::fill_n(batch.column(column++).values<std::int64_t>(), count_, window_end_);
  WEIR_TRY(lower_partials(parts_.layout, GroupSelection{&table, groups, count_}, batch, column, 0));
  batch.set_row_count(count_);
  return {};
}

/// What was given out of these groups goes back, but for what the deltas leave as it is, where that can be told.
Result<void> WindowUpdate::take_back() {
  if (compares_) {
    WEIR_TRY(change([this] { return add_deltas(); }));
    if (together_) window_done_ = !more_groups();
    return {};
  }
  WEIR_TRY(write_before());
  if (old_count_ != 0) give_out(before(), row_numbers_.get(), old_count_);
  return {};
}

Result<void> WindowUpdate::give() {
  if (!compares_) {
    WEIR_TRY(add_deltas());
    WEIR_TRY(write_after());
    keep_changed();
  }
  give_out(*output_, kept_after_.get(), kept_after_count_);
  step_ = Step::kChoose;
  window_done_ = !more_groups();
  return {};
}

/// Gives out how the results of the chosen groups differ before and after `add`; where not together_, the new ones wait
/// for give().
template <class Add>
Result<void> WindowUpdate::change(Add&& add) {
  WEIR_TRY(write_before());
  WEIR_TRY(add());
  WEIR_TRY(write_after());
  keep_changed();
  if (!together_) {
    if (kept_before_count_ != 0) give_out(before(), kept_before_.get(), kept_before_count_);
    return {};
  }
  std::copy_n(kept_after_.get(), kept_after_count_, kept_before_.get() + kept_before_count_);
  give_out(*output_, kept_before_.get(), kept_before_count_ + kept_after_count_);
  step_ = Step::kChoose;
  return {};
}

Result<void> WindowUpdate::write_before() {
  before().reset_rows();
  WEIR_TRY(write(before(), 0, old_groups_.get(), old_count_));
  for (std::uint32_t i = 0, row = 0; i < count_; ++i)
    if (was_given_[i]) before().kinds()[row++] = is_gone_[i] ? RowKind::kDelete : RowKind::kUpdateBefore;
  return {};
}

Result<void> WindowUpdate::write_after() {
  if (!together_) output_->reset_rows();
  WEIR_TRY(write(*output_, after_at(), total_groups_.get(), count_));
  RowKind* kinds = output_->kinds() + after_at();
  for (std::uint32_t i = 0; i < count_; ++i) kinds[i] = was_given_[i] ? RowKind::kUpdateAfter : RowKind::kInsert;
  return {};
}

/// Adds rows of the batch that the accumulator has begun.
Result<void> WindowUpdate::add_to_totals(const std::uint32_t* groups, const simd::Rows& rows) {
  return accumulator_.add(groups, rows, {total_->state_rows(), &total_->strings(), &parts_.arena, &total_->heap()});
}

/// Adds the deltas of the chosen groups to their totals.
Result<void> WindowUpdate::add_deltas() {
  if (chosen_ == delta_) {
    accumulator_.begin(*partial_, static_cast<int>(first_columns_.size()) + 2);
    WEIR_TRY(add_to_totals(total_groups_.get(), {count_, nullptr, nullptr}));
  }
  return loss_ != nullptr ? subtract_losses() : Result<void>();
}

void WindowUpdate::keep_changed() {
  kept_before_count_ = kept_after_count_ = 0;
  std::uint32_t before = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const bool changed = is_gone_[i] || !compares_ || !was_given_[i] || !same_result(before, after_at() + i);
    if (changed && was_given_[i]) kept_before_[kept_before_count_++] = before;
    if (changed && !is_gone_[i]) kept_after_[kept_after_count_++] = after_at() + i;
    before += was_given_[i] ? 1 : 0;
  }
}

/// Whether two rows of before() and output_ have the same results, bit for bit.
bool WindowUpdate::same_result(std::uint32_t old_row, std::uint32_t new_row) {
  const std::size_t results = parts_.layout.results().size();
  for (std::size_t c = parts_.output.size() - results; c < parts_.output.size(); ++c) {
    const auto column = static_cast<std::uint32_t>(c);
    const Vector& left = before().column(column);
    const Vector& right = output_->column(column);
    if (left.is_valid(old_row) != right.is_valid(new_row)) return false;
    if (left.is_valid(old_row) && !same_value(left, old_row, right, new_row)) return false;
  }
  return true;
}

/// Writes the results of groups of the totals to a batch, from row `at` on.
Result<void> WindowUpdate::write(Batch& out, std::uint32_t at, const std::uint32_t* groups, std::uint32_t count) {
  if (count == 0) return {};
  const GroupSelection selection{total_, groups, count};
  std::uint32_t column = 0;
  for (; column < parts_.keys.columns.size(); ++column) total_->read_key(column, groups, count, out.column(column), at);
  if (windowed()) {
    const EventTime time = window_end_ - parts_.math.tick;
    const auto fill = [&](std::int64_t value, bool unread) {
      if (!unread) std::fill_n(out.column(column).values<std::int64_t>() + at, count, value);
      ++column;
    };
    fill(window_start_, parts_.options.start_unread);
    fill(window_end_, false);
    fill(time, parts_.options.time_unread);
    out.header().event_time_min = out.header().event_time_max = time;
  }
  for (const AggregateResult& result : parts_.layout.results()) {
    WEIR_ASSIGN(const std::uint32_t written, lower_result(parts_.layout, result, selection, out.column(column++), at));
    if (written == count) continue;
    return Error(ErrorCode::kOverflow, result.name + " does not fit " + result.type.to_string() +
                                           " in the window from " + std::to_string(window_start_) + " to " +
                                           std::to_string(window_end_) + " ns")
        .with_hint("CAST the argument to a wider type");
  }
  out.set_row_count(at + count);
  return {};
}

void WindowUpdate::give_out(Batch& batch, const std::uint32_t* rows, std::uint32_t count) {
  BatchHeader& header = batch.header();
  header.ingest_time_min = ingest_min_;
  header.ingest_time_max = ingest_max_;
  header.watermark_before = header.watermark_after = given_;
  ledger_.rows_created += count;
  pending_ = &batch;
  pending_rows_ = rows;
  pending_count_ = count;
  pending_next_ = 0;
  if (local()) window_done_ = !more_groups();
}

/// The delta has gone; the next one stands in its place.
void WindowUpdate::end_window() {
  deltas_.close(position_);
  if (loss_ != nullptr) close_losses();
  delta_ = total_ = loss_ = chosen_ = nullptr;
}

/// Forgets what can change no more.
void WindowUpdate::close_totals() {
  for (std::uint32_t i = totals_.open_count(); i-- > 0;) {
    const bool over =
        watermark_ == kWatermarkEnd ||
        (windowed() && parts_.math.fired(totals_.at(i).window_end_min, parts_.math.less_lateness(watermark_)));
    if (over) totals_.close(i);
  }
}

/// How many rows of the pending batch from the next one on have long strings that fit a batch of an exchange
/// (heap_bytes); at least one, so that the exchange says what is too long.
std::uint32_t WindowUpdate::rows_within_heap() const {
  const std::uint32_t left = pending_count_ - pending_next_;
  if (context_.heap_bytes == 0 || !strings_) return left;
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < left; ++i) {
    const std::uint32_t row = pending_rows_[pending_next_ + i];
    for (const Vector& vector : pending_->columns()) {
      if (vector.physical != Physical::kString || !vector.is_valid(row)) continue;
      const StringRef& text = vector.values<StringRef>()[row];
      bytes += text.is_inline() ? 0 : text.size;
    }
    if (i != 0 && bytes > context_.heap_bytes) return i;
  }
  return left;
}

/// Pushes what waits as far as the next operator accepts; pending_ is null when all of it has gone.
std::size_t WindowUpdate::push_pending() {
  std::size_t work = 0;
  while (pending_next_ != pending_count_) {
    if (!next_->accepts()) return work;
    const std::uint32_t rows = rows_within_heap();
    const bool all = rows == pending_->row_count();
    pending_->set_selection(all ? nullptr : pending_rows_ + pending_next_, rows);
    pending_next_ += rows;
    ledger_.rows_out += rows;
    work += rows;
    next_->push(*pending_);
  }
  pending_ = nullptr;
  return work;
}

}  // namespace weir
