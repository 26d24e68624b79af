// Taking batches and giving results out. See pooled_aggregate.h.
#include "operators/pooled_aggregate.h"

#include <algorithm>
#include <utility>

#include "weir/io/text_time.h"
#include "weir/simd/boolean.h"
#include "weir/simd/reduce.h"
#include "window/key_index.h"

namespace weir {
namespace {

std::string time_text(std::int64_t time) {
  char text[kTimestampTextMax];
  return {text, format_timestamp(time, kDigitsAsNeeded, ' ', text)};
}

}  // namespace

Result<PooledAggregate::Parts> PooledAggregate::make_parts(const WindowAggregateOptions& options) {
  if (options.mode != AggregateMode::kSingle)
    return Error(ErrorCode::kSqlUnsupported,
                 "session and count windows are aggregated where the rows of a key meet, not in parts");
  if (options.window->time_column >= options.input.size() ||
      !options.input.fields[options.window->time_column].type.is_timestamp())
    return Error(ErrorCode::kInvalidArgument, "the time column of a window is not a timestamp of its input");
  if (options.groups_max == 0 || options.groups_max > (1u << 30))
    return Error(ErrorCode::kInvalidArgument, "groups_max must be 1 to 2^30");
  WEIR_ASSIGN(AggregateLayout layout, AggregateLayout::make(options.input, options.aggregates, true,
                                                            static_cast<int>(options.window->time_column)));
  WEIR_ASSIGN(Schema output, result_schema(options));
  WEIR_ASSIGN(StateArena arena, StateArena::create(options.state_bytes_max));
  std::vector<Type> types;
  for (const std::uint32_t key : options.keys) types.push_back(options.input.fields[key].type);
  return Parts{options, std::move(output), std::move(layout), KeyLayout::make(types), std::move(arena)};
}

PooledAggregate::PooledAggregate(FragmentContext& context, Parts parts, std::string name, bool gives_at_rows)
    : context_(context),
      parts_(std::move(parts)),
      capacity_(context.batch_rows),
      keys_(parts_.keys, capacity_),
      groups_(std::make_unique<std::uint32_t[]>(capacity_)),
      name_(std::move(name)),
      gives_at_rows_(gives_at_rows),
      accumulator_(parts_.layout, capacity_),
      output_(parts_.output, capacity_),
      result_rows_(std::make_unique<std::uint32_t[]>(capacity_)) {}

void PooledAggregate::fail(Error error) {
  failed_ = true;
  context_.fail(std::move(error).with_context(name_));
}

Result<void> PooledAggregate::take_late(EventTime time, Watermark watermark, std::uint64_t arrival) {
  constexpr unsigned kRowBits = 40;  // BatchHeader::arrival
  const LateRow sample{time, watermark, static_cast<std::uint32_t>(arrival >> kRowBits),
                       arrival & ((std::uint64_t{1} << kRowBits) - 1)};
  if (late_.count++ == 0) late_.first = sample;
  late_.last = sample;
  if (parts_.options.late_side) {
    ++ledger_.side_output;
    return {};
  }
  if (!parts_.options.fail_late) {
    ++ledger_.dropped[static_cast<std::size_t>(DropReason::kLate)];
    return {};
  }
  ++rejected_;
  const std::vector<std::string>& names = parts_.options.input_names;
  const std::string input = sample.input < names.size() ? names[sample.input] : "input " + std::to_string(sample.input);
  return Error(ErrorCode::kLossPolicy, "a row with event time " + time_text(time) + " came late: the watermark of " +
                                           input + " stood at " + time_text(watermark) +
                                           " and the row's session was complete")
      .with_hint("give the table's WATERMARK more delay, or set 'weir.late-rows' to 'drop'");
}

// ---- Taking -----------------------------------------------------------------------------------------------------

void PooledAggregate::push(Batch& batch) {
  WEIR_DCHECK(accepts());
  const std::uint32_t count = batch.selected_count();
  ledger_.rows_in += count;
  if (count == 0) return;
  const auto settled = [this] { return ledger_.rows_absorbed + ledger_.dropped_total() + waiting(); };
  const std::uint64_t before = settled();
  Result<void> added = failed_ ? Result<void>() : add(batch);
  if (!added) fail(std::move(added).error());
  rejected_ += count - (settled() - before);
  if (failed_ || !gives_at_rows_) return;
  giving_ = true;
  (void)resume();
}

Result<const EventTime*> PooledAggregate::checked_times(const Batch& batch, const simd::Rows& rows) const {
  const WindowSpec& window = *parts_.options.window;
  const Vector& times = batch.column(window.time_column);
  if (times.validity != nullptr && !simd::bitmap_all(times.validity, rows.end())) {
    for (std::uint32_t i = 0; i < rows.count; ++i)
      if (!times.is_valid(rows[i]))
        return Error(ErrorCode::kNullNotAllowed, "the event time of a row is NULL", Position::at_row(rows[i]));
  }
  EventTime least = 0, greatest = 0;
  (void)simd::min_max(times.values<std::int64_t>(), rows, &least, &greatest);
  const std::int64_t margin = 2 * window.size_ns + window.tick_ns + 1;
  if (least < kEventTimeMin + margin || greatest > kEventTimeMax - margin)
    return Error(ErrorCode::kValueOutOfRange,
                 "an event time is so far out that its window does not end in the range of times: " +
                     std::to_string(least < kEventTimeMin + margin ? least : greatest) + " ns");
  return times.values<EventTime>();
}

Result<void> PooledAggregate::add(const Batch& batch) {
  const simd::Rows rows{batch.selected_count(), batch.selection(), nullptr};
  ingest_min_ = batch.header().ingest_time_min;
  ingest_max_ = batch.header().ingest_time_max;
  WEIR_ASSIGN(const EventTime* times, checked_times(batch, rows));
  keys_.begin(batch, parts_.options.keys, rows);
  WEIR_TRY(take(batch, rows, times));
  accumulator_.begin(batch, -1);
  if (parts_.options.stamp_column >= 0)
    accumulator_.set_arrivals(
        batch.column(static_cast<std::uint32_t>(parts_.options.stamp_column) + 1).values<std::uint64_t>());
  WEIR_TRY(
      accumulator_.add(groups_.get(), rows, {pool().state_rows(), &pool().strings(), &parts_.arena, &pool().heap()}));
  return taken();
}

// ---- Giving out -------------------------------------------------------------------------------------------------

void PooledAggregate::control(const Control& control) {
  WEIR_DCHECK(accepts());
  if (control.kind == Control::Kind::kWatermark) {
    if (control.value <= watermark_) return;
    watermark_ = control.value;
  }
  if (control.kind == Control::Kind::kEndOfInput) watermark_ = kWatermarkEnd;
  held_control_ = control;
  giving_ = true;
  (void)resume();
}

std::size_t PooledAggregate::resume() {
  if (!giving_ || failed_ || !next_->accepts()) return 0;
  if (tell_watermark() && !next_->accepts()) return 1;
  Result<bool> more = fill();
  if (!more) {
    fail(std::move(more).error());
    return 0;
  }
  const std::size_t pushed = push_output();
  if (*more) return pushed;
  if (auto reclaimed = reclaim(); !reclaimed) {
    fail(std::move(reclaimed).error());
    return pushed;
  }
  if (!held_control_.has_value()) {
    giving_ = false;
    return pushed;
  }
  if (!next_->accepts() || !side_done()) return pushed;
  giving_ = false;
  const Control control = *held_control_;
  held_control_.reset();
  if (control.kind == Control::Kind::kWatermark) given_ = control.value;
  if (control.kind == Control::Kind::kEndOfInput) input_over();
  side_control(control);
  next_->control(control);
  return pushed + 1;
}

/// Fills the output batch; returns whether there may be more.
Result<bool> PooledAggregate::fill() {
  Batch& out = *output_;
  WEIR_DCHECK(out.row_count() == 0);
  const std::size_t keys = parts_.keys.columns.size();
  auto* starts = out.column(static_cast<std::uint32_t>(keys)).values<std::int64_t>();
  auto* ends = out.column(static_cast<std::uint32_t>(keys) + 1).values<std::int64_t>();
  auto* times = out.column(static_cast<std::uint32_t>(keys) + 2).values<std::int64_t>();
  std::uint32_t count = 0;
  bool more = true;
  while (count < out.capacity()) {
    Ready ready;
    WEIR_ASSIGN(const Next next, next_result(watermark_, ready));
    more = next != Next::kNone;
    if (next != Next::kReady) break;
    for (std::size_t c = 0; c < keys; ++c)
      key_index().read_key(c, ready.key, out.column(static_cast<std::uint32_t>(c)), count);
    leave(ready);
    starts[count] = ready.start;
    ends[count] = ready.end;
    times[count] = last_time_ = ready.time;
    out.header().event_time_min = std::min(out.header().event_time_min, ready.time);
    out.header().event_time_max = std::max(out.header().event_time_max, ready.time);
    result_rows_[count++] = ready.row;
  }
  const GroupSelection selection{nullptr, result_rows_.get(), count, pool().state_rows(), &pool().heap()};
  auto column = static_cast<std::uint32_t>(keys) + 3;
  for (const AggregateResult& result : parts_.layout.results()) {
    WEIR_ASSIGN(const std::uint32_t written, lower_result(parts_.layout, result, selection, out.column(column++), 0));
    if (written == count) continue;
    return Error(ErrorCode::kOverflow, result.name + " does not fit " + result.type.to_string() +
                                           " in the window from " + std::to_string(starts[written]) + " to " +
                                           std::to_string(ends[written]) + " ns")
        .with_hint("CAST the argument to a wider type");
  }
  out.set_row_count(count);
  ledger_.rows_created += count;
  return more;
}

/// Results come in the order of their times: what was given out is complete up to the last one's, without it.
bool PooledAggregate::tell_watermark() {
  if (!parts_.options.feeds_windows || last_time_ <= given_ || last_time_ - 1 == given_) return false;
  given_ = last_time_ - 1;
  next_->control({Control::Kind::kWatermark, given_});
  return true;
}

std::size_t PooledAggregate::push_output() {
  Batch& out = *output_;
  const std::uint32_t rows = out.row_count();
  if (rows == 0) return 0;
  BatchHeader& header = out.header();
  header.ingest_time_min = ingest_min_;
  header.ingest_time_max = ingest_max_;
  header.watermark_before = header.watermark_after = given_;
  header.arrival = ledger_.rows_out;
  ledger_.rows_out += rows;
  next_->push(out);
  for (std::uint32_t i = 0; i < rows; ++i) release(result_rows_[i]);
  out.reset();
  return rows;
}

}  // namespace weir
