// Rows into sessions and sessions out. See session_aggregate.h.
#include "operators/session_aggregate.h"

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
      store_({&parts_.keys, &parts_.layout, &parts_.arena, parts_.options.window->size_ns,
              parts_.options.window->tick_ns, parts_.options.groups_max, context.batch_rows}) {}

Result<void> SessionAggregate::take(const Batch& batch, const simd::Rows& rows, const EventTime* times) {
  const WindowAggregateOptions& options = parts_.options;
  SessionRows taken;
  taken.rows = rows;
  taken.times = times;
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

Result<bool> SessionAggregate::next_result(Watermark watermark, Ready& ready) {
  while (true) {
    WEIR_ASSIGN(const SessionStore::Event event, store_.next(watermark));
    switch (event.kind) {
      case SessionStore::Event::Kind::kNone:
        return false;
      case SessionStore::Event::Kind::kSettled:
        ++ledger_.rows_absorbed;
        break;
      case SessionStore::Event::Kind::kLate:
        WEIR_TRY(take_late(event.time, event.watermark, event.arrival));
        break;
      case SessionStore::Event::Kind::kFired: {
        const Session& session = store_.session(event.row);
        ready = {session.key, event.row, session.start, session.end, session.end - parts_.options.window->tick_ns};
        return true;
      }
    }
  }
}

}  // namespace weir
