// The ladder of idle actions.
#include "weir/core/idle.h"

#include "weir/core/check.h"

namespace weir {

IdleStrategy::IdleStrategy(const IdleOptions& options) noexcept : options_(options) {
  WEIR_CHECK_GT(options.park_ns_min, 0);
  WEIR_CHECK_LE(options.park_ns_min, options.park_ns_max);
}

IdleAction IdleStrategy::next(std::size_t work) noexcept {
  if (work != 0) {
    idle_turns_ = 0;
    park_ns_ = 0;
    return IdleAction::kContinue;
  }
  if (options_.mode == IdleMode::kBusySpin) return IdleAction::kSpin;
  if (options_.mode == IdleMode::kPark) {
    park_ns_ = options_.park_ns_max;
    return IdleAction::kPark;
  }
  if (idle_turns_ < options_.spins) {
    ++idle_turns_;
    return IdleAction::kSpin;
  }
  if (options_.mode == IdleMode::kYield) return IdleAction::kYield;
  if (idle_turns_ - options_.spins < options_.yields) {
    ++idle_turns_;
    return IdleAction::kYield;
  }
  if (park_ns_ == 0)
    park_ns_ = options_.park_ns_min;
  else
    park_ns_ = park_ns_ > options_.park_ns_max / 2 ? options_.park_ns_max : park_ns_ * 2;
  return IdleAction::kPark;
}

}  // namespace weir
