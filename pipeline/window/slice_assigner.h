// SliceAssigner: splits a batch into runs of rows, one run a slice, and finds the rows that are late for all of their
// windows. A batch that lies in one slice, none of whose rows can be late, costs one comparison.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/simd/rows.h"
#include "weir/simd/slice.h"
#include "window/window_math.h"

namespace weir {

/// Rows of a batch that belong to one slice (slice_store.h).
struct SliceRun {
  std::int64_t start = 0;
  std::int64_t window_end_min = 0;
  simd::Rows rows;
};

/// Thread: the owning shard. Allocates: in the constructor only.
class SliceAssigner {
 public:
  SliceAssigner(const WindowMath& math, std::uint32_t capacity);

  /// Splits the selected rows by the time column. With `decide_late` a row is late for a window that had fired at its
  /// own input's watermark before it, and rows late for all of their windows are in no run but in late_rows(). Without,
  /// a row goes to the windows that have not fired at `merged`; there must be one.
  /// Errors: kNullNotAllowed, kValueOutOfRange (a time so far out that its window has no end). The runs live until the
  /// next call.
  Result<std::span<const SliceRun>> assign(const Batch& batch, const Vector& times, bool decide_late, Watermark merged);
  /// Splits partials by the columns that name their slice.
  std::span<const SliceRun> assign_partials(const Batch& batch, const Vector& starts, const Vector& window_end_mins);
  /// Rows that the last assign() found late, ascending.
  std::span<const std::uint32_t> late_rows() const noexcept { return {late_.get(), late_count_}; }
  std::size_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  Result<void> check_times(const Batch& batch, const Vector& times, const simd::Rows& rows, EventTime& least,
                           EventTime& greatest) const;
  std::int64_t near_start(EventTime time) noexcept;
  std::uint32_t run_of(std::int64_t start, std::int64_t window_end_min) noexcept;
  bool assign_in_order(const simd::Rows& rows, const std::int64_t* times) noexcept;
  bool partials_in_order(const simd::Rows& rows, const std::int64_t* starts, const std::int64_t* ends) noexcept;
  void start_runs() noexcept;
  std::span<const SliceRun> collect() noexcept;
  void put(std::uint32_t row, std::int64_t start, std::int64_t window_end_min) noexcept;

  WindowMath math_;
  std::uint32_t table_mask_;
  std::unique_ptr<SliceRun[]> runs_;
  std::unique_ptr<std::uint32_t[]> run_table_;  // hash table of run numbers
  std::unique_ptr<std::uint32_t[]> run_slots_;  // where each run stands in it
  std::unique_ptr<std::uint32_t[]> rows_;       // in order of arrival
  std::unique_ptr<std::uint32_t[]> run_numbers_;
  std::unique_ptr<std::uint32_t[]> sorted_;  // by run
  std::unique_ptr<std::uint32_t[]> late_;
  std::unique_ptr<std::int64_t[]> starts_;
  std::unique_ptr<simd::SliceStretch[]> stretches_;
  std::unique_ptr<std::uint32_t[]> row_numbers_;  // 0, 1, …: a selection of neighbouring rows
  bool in_table_ = false;
  std::uint32_t run_count_ = 0;
  std::uint32_t row_count_ = 0;
  std::uint32_t late_count_ = 0;
  std::uint32_t last_run_ = 0;
  std::int64_t near_start_;  // of the slice in which the last batch's least time lay
  std::size_t memory_bytes_ = 0;
};

}  // namespace weir
