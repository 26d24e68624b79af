// CountWindow: the window aggregate of TUMBLE_ROWS and HOP_ROWS: windows of rows by number, not of time. What the order
// of rows is, and what a window costs, stands in window/count_store.h. A row is never late. Rows that no window has
// given out at the end of the input are counted as dropped, incomplete_window.
#pragma once

#include <memory>

#include "operators/pooled_aggregate.h"
#include "window/count_store.h"

namespace weir {

/// Requires: a count window in the options. Rows come from sources whose watermark operator was told the greatest
/// margin (WatermarkOptions::margin_ns), or through a shuffle with the columns of row_stamp.h.
Result<std::unique_ptr<WindowAggregateOperator>> make_count_window(FragmentContext& context,
                                                                   const WindowAggregateOptions& options);

class CountWindow final : public PooledAggregate {
 public:
  CountWindow(FragmentContext& context, Parts parts);

  StateCost state_cost() const override {
    return {store_.key_bytes() + parts_.layout.heap_bytes_max(), 0,
            sizeof *this + working_bytes() + store_.working_bytes(), parts_.layout.unbounded()};
  }
  std::uint32_t open_slices() const noexcept override { return store_.keys().count(); }

 protected:
  Result<void> take(const Batch& batch, const simd::Rows& rows, const EventTime* times) override;
  Result<void> taken() override { return store_.taken(); }
  Result<Next> next_result(Watermark watermark, Ready& ready) override;
  void input_over() override;
  const KeyIndex& key_index() const noexcept override { return store_.keys(); }
  void leave(const Ready& ready) noexcept override { store_.leave_key(ready.key); }
  void release(std::uint32_t row) noexcept override { store_.release(row); }
  Result<void> reclaim() override { return store_.reclaim(); }
  StatePool& pool() noexcept override { return store_.pool(); }
  std::uint64_t waiting() const noexcept override { return store_.waiting(); }

 private:
  bool in_order() const noexcept { return parts_.options.inputs == 1; }
  CountStore store_;
};

}  // namespace weir
