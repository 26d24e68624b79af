// WordWindows: the usual step from one window to the next in one go, where states are a count of rows and other words
// of 64 bits (sums, minima, maxima): one slice enters on time, at most one leaves, and nothing else is in hand. A
// window of a few groups every few rows costs what its rows cost, not what some twenty functions cost that are ready
// for everything; whatever is not usual they do (shared_windows.cc).
//
//   leave    front := what the slice kept, or running - slice; groups without rows lose their bits
//   enter    running := running + slice; its groups get theirs
//   stage    front + running of the groups that have bits, if they are few
//   flip     a slice keeps the front that was, and is added to it
//
// Which function it is, by the number of words and their kind, is decided once (steps_of). Nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/core/batch.h"
#include "window/row_algebra.h"
#include "window/slice_store.h"
#include "window/window_stage.h"

namespace weir {

class SharedWindows;

/// kOther: not the usual step, and nothing was done.
enum class WordStep : std::uint8_t { kDone, kOther, kOverflow };

/// Null functions: states are more than words.
struct WordSteps {
  static constexpr std::uint32_t kFewGroups = 32;  ///< More are staged by vectors.

  /// Makes the window after the last one ready, if it is complete at `target`.
  WordStep (*next)(SharedWindows& windows, SliceStore& store, Watermark target, std::size_t& budget) = nullptr;
  /// Stages all of the window that is ready; false: nothing was done.
  bool (*stage)(SharedWindows& windows, WindowStage& stage) = nullptr;
  /// Flips rows first, first + 1, … of a slice that is no plane. False: a sum overflowed.
  bool (*flip)(SharedWindows& windows, Slice& slice, std::uint32_t first, std::uint32_t count) = nullptr;
};

WordSteps steps_of(const RowAlgebra& algebra);

}  // namespace weir
