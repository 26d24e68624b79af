// SessionAggregate: the window aggregate of SESSION windows. What a session is, and when a row is late for it, stands
// in window/session_store.h.
#pragma once

#include <memory>
#include <optional>

#include "operators/pooled_aggregate.h"
#include "window/session_store.h"

namespace weir {

/// Requires: in the options a SESSION window. Rows come from a source's watermark operator that was told the tick as
/// its margin (WatermarkOptions::margin_ns), or through a shuffle with the columns of row_stamp.h.
Result<std::unique_ptr<WindowAggregateOperator>> make_session_aggregate(FragmentContext& context,
                                                                        const WindowAggregateOptions& options);

class SessionAggregate final : public PooledAggregate {
 public:
  SessionAggregate(FragmentContext& context, Parts parts);

  StateCost state_cost() const override {
    const std::size_t side = side_batch_.has_value() ? side_batch_->bytes() : 0;
    return {store_.session_bytes() + parts_.layout.heap_bytes_max(), 0,
            sizeof *this + working_bytes() + store_.working_bytes() + side, parts_.layout.unbounded()};
  }
  std::uint32_t open_slices() const noexcept override { return store_.open_count(); }
  void set_late_side(Operator* side) noexcept override { side_ = side; }
  void flush() override;
  bool finished() const noexcept override;

 protected:
  Result<void> take(const Batch& batch, const simd::Rows& rows, const EventTime* times) override;
  Result<void> taken() override { return store_.merge_absorbed(); }
  Result<Next> next_result(Watermark watermark, Ready& ready) override;
  bool side_done() override;
  void side_control(const Control& control) override;
  const KeyIndex& key_index() const noexcept override { return store_.keys(); }
  void leave(const Ready& ready) noexcept override { store_.leave_key(ready.row); }
  void release(std::uint32_t row) noexcept override { store_.release(row); }
  Result<void> reclaim() override { return store_.reclaim(); }
  StatePool& pool() noexcept override { return store_.pool(); }
  std::uint64_t waiting() const noexcept override { return store_.waiting(); }

 private:
  bool push_side();
  Result<bool> give_late();

  KeptRows kept_;  // of late_columns
  SessionStore store_;
  // Late rows on their way to a table of their own.
  Operator* side_ = nullptr;
  std::optional<BatchMemory> side_batch_;
  std::optional<SessionStore::Event> late_event_;  // not in the batch yet
};

}  // namespace weir
