// Arithmetic of windows and slices: which slice a time falls in, which windows a slice belongs to.
//
//   TUMBLE(4)      slices = windows        |────|────|────|
//   HOP(2, 6)      slices of the slide     |──|──|──|──|     windows of 3 slices, one ends at each slice's end
//   CUMULATE(2, 6) slices of the step      |──|──|──|        windows from the start of the frame of 6: 1, 2, 3 slices
//
// Source: Flink SliceAssigners, TimeWindow (windows are [start, end), complete when W >= end - tick).
#pragma once

#include <cstdint>

#include "weir/core/batch.h"
#include "weir/pipeline/plan.h"
#include "weir/simd/slice.h"

namespace weir {

/// Requires: a spec that check_window() accepts.
struct WindowMath {
  WindowKind kind = WindowKind::kTumble;
  std::int64_t size = 1;
  std::int64_t slice = 1;  ///< Length of a slice: the size, slide or step.
  std::int64_t offset = 0;
  std::int64_t tick = 1'000'000;
  std::int64_t lateness = 0;  ///< How long behind its end a window still takes rows.

  explicit WindowMath(const WindowSpec& spec) noexcept
      : kind(spec.kind),
        size(spec.size_ns),
        slice(spec.kind == WindowKind::kTumble ? spec.size_ns : spec.slide_ns),
        offset(spec.offset_ns % spec.size_ns),
        tick(spec.tick_ns) {}

  std::int64_t slice_start(EventTime time) const noexcept { return simd::slice_start(time, slice, offset); }
  std::int64_t slice_end(std::int64_t start) const noexcept { return start + slice; }
  /// Ends of the first and the last window that the slice belongs to; the others are `slice` apart.
  std::int64_t first_end(std::int64_t start) const noexcept { return start + slice; }
  std::int64_t last_end(std::int64_t start) const noexcept {
    if (kind == WindowKind::kCumulate) return simd::slice_start(start, size, offset) + size;
    return start + size;  // HOP: the window that starts here; TUMBLE: the window
  }
  /// Start of the window that ends at `end`.
  std::int64_t window_start(std::int64_t end) const noexcept {
    return kind == WindowKind::kCumulate ? simd::slice_start(end - 1, size, offset) : end - size;
  }
  bool fired(std::int64_t end, Watermark watermark) const noexcept { return end - tick <= watermark; }
  /// The watermark that decides which windows take no more rows: those that fired at it.
  Watermark less_lateness(Watermark watermark) const noexcept {
    if (watermark == kWatermarkEnd) return watermark;
    return watermark < kWatermarkNone + lateness ? kWatermarkNone : watermark - lateness;
  }
  /// The least end on the grid of windows, `from` or later, whose window has not fired at the watermark.
  /// Requires: `from` is on the grid.
  std::int64_t first_open_end(std::int64_t from, Watermark watermark) const noexcept {
    if (!fired(from, watermark)) return from;
    const std::int64_t steps = (watermark - (from - tick)) / slice + 1;
    return from + steps * slice;
  }
  /// Times whose windows can be computed without overflow lie in [time_min(), time_max()].
  EventTime time_min() const noexcept { return kEventTimeMin + 2 * size + tick + 1; }
  EventTime time_max() const noexcept { return kEventTimeMax - 2 * size - tick - 1; }
};

/// Errors: kInvalidArgument for sizes that make no windows.
Result<void> check_window(const WindowSpec& spec);

}  // namespace weir
