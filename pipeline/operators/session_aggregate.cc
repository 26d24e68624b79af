// Rows into sessions and sessions out. See session_aggregate.h.
#include "operators/session_aggregate.h"

#include <algorithm>
#include <string>
#include <utility>

#include "window/window_math.h"

namespace weir {

Result<std::unique_ptr<WindowAggregateOperator>> make_session_aggregate(FragmentContext& context,
                                                                        const WindowAggregateOptions& options) {
  WEIR_TRY(check_window(*options.window));
  WEIR_ASSIGN(PooledAggregate::Parts parts, PooledAggregate::make_parts(options));
  return std::unique_ptr<WindowAggregateOperator>(std::make_unique<SessionAggregate>(context, std::move(parts)));
}

SessionAggregate::SessionAggregate(FragmentContext& context, Parts parts)
    : PooledAggregate(context, std::move(parts), "session aggregate", false),
      kept_(parts_.options.late_columns),
      store_({&parts_.keys, &parts_.layout, &parts_.arena, parts_.options.window->size_ns,
              parts_.options.window->tick_ns, parts_.options.groups_max, context.batch_rows,
              parts_.options.late_side ? &kept_ : nullptr}) {
  if (!parts_.options.late_side) return;
  Schema schema;
  for (const std::uint32_t column : parts_.options.late_columns)
    schema.fields.push_back(parts_.options.input.fields[column]);
  schema.fields.push_back({"weir_watermark", Type::timestamp(3)});
  side_batch_.emplace(schema, capacity_, context.heap_bytes);
}

Result<void> SessionAggregate::take(const Batch& batch, const simd::Rows& rows, const EventTime* times) {
  const WindowAggregateOptions& options = parts_.options;
  SessionRows taken;
  taken.rows = rows;
  taken.times = times;
  taken.batch = &batch;
  if (options.stamp_column >= 0) {
    const auto column = static_cast<std::uint32_t>(options.stamp_column);
    taken.watermarks = batch.column(column).values<Watermark>();
    taken.arrivals = batch.column(column + 1).values<std::uint64_t>();
  } else {
    taken.watermarks = options.decide_late ? batch.header().row_watermarks : nullptr;
    taken.arrival = batch.header().arrival;
  }
  WEIR_ASSIGN(const std::uint32_t aside, store_.assign(keys_, taken, groups_.get()));
  ledger_.rows_absorbed += rows.count - aside;
  return {};
}

Result<PooledAggregate::Next> SessionAggregate::next_result(Watermark watermark, Ready& ready) {
  while (true) {
    if (late_event_.has_value()) {
      WEIR_ASSIGN(const bool given, give_late());
      if (!given) return Next::kBlocked;
    }
    WEIR_ASSIGN(const SessionStore::Event event, store_.next(watermark));
    switch (event.kind) {
      case SessionStore::Event::Kind::kNone:
        return Next::kNone;
      case SessionStore::Event::Kind::kSettled:
        ++ledger_.rows_absorbed;
        break;
      case SessionStore::Event::Kind::kLate:
        WEIR_TRY(take_late(event.time, event.watermark, event.arrival));
        if (side_ != nullptr) late_event_ = event;
        break;
      case SessionStore::Event::Kind::kFired: {
        const Session& session = store_.session(event.row);
        ready = {session.key, event.row, session.start, session.end, session.end - parts_.options.window->tick_ns};
        return Next::kReady;
      }
    }
  }
}

// ---- Late rows to a table ---------------------------------------------------------------------------------------

/// Puts late_event_ into the side's batch; false where it has no room and cannot go out.
Result<bool> SessionAggregate::give_late() {
  Batch& batch = **side_batch_;
  const SessionStore::Event& event = *late_event_;
  if (batch.full() && !push_side()) return false;
  bool fits = kept_.write(event.kept, batch, batch.row_count());
  if (!fits && batch.row_count() != 0) {
    if (!push_side()) return false;
    fits = kept_.write(event.kept, batch, 0);
  }
  if (!fits)
    return Error(ErrorCode::kLimitExceeded,
                 "the texts of a late row take more than heap_bytes (" + std::to_string(context_.heap_bytes) + ")")
        .with_hint("raise heap_bytes");
  KeptRows::drop(event.kept, pool().heap());
  const std::uint32_t row = batch.row_count();
  const auto columns = static_cast<std::uint32_t>(parts_.options.late_columns.size());
  batch.column(columns).set_valid(row, true);
  batch.column(columns).values<Watermark>()[row] = event.watermark;
  batch.header().event_time_min = std::min(batch.header().event_time_min, event.time);
  batch.header().event_time_max = std::max(batch.header().event_time_max, event.time);
  batch.set_row_count(row + 1);
  late_event_.reset();
  return true;
}

/// Returns whether the side's batch is empty.
bool SessionAggregate::push_side() {
  Batch& batch = **side_batch_;
  if (batch.row_count() == 0) return true;
  if (!side_->accepts()) return false;
  batch.header().ingest_time_min = ingest_min();
  batch.header().ingest_time_max = ingest_max();
  side_->push(batch);
  batch.reset();
  return true;
}

bool SessionAggregate::side_done() {
  return side_ == nullptr || (push_side() && side_->accepts());
}

void SessionAggregate::side_control(const Control& control) {
  if (side_ != nullptr && control.kind == Control::Kind::kEndOfInput) side_->control(control);
}

void SessionAggregate::flush() {
  if (side_ != nullptr) side_->flush();
  Operator::flush();
}

bool SessionAggregate::finished() const noexcept {
  return Operator::finished() && (side_ == nullptr || side_->finished());
}

}  // namespace weir
