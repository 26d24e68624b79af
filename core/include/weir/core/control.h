// Control: what travels among the data, in its place: a watermark, a barrier, the end of the input. It never needs a
// credit of its own, so nothing that is out of credits can keep a window from closing (exchange.h says how).
#pragma once

#include <cstdint>

#include "weir/core/batch.h"

namespace weir {

struct Control {
  enum class Kind : std::uint8_t {
    kWatermark,   // value = the watermark; replaces earlier ones
    kBarrier,     // value = the epoch
    kEndOfInput,  // nothing follows; implies the watermark kWatermarkEnd
    kIdle,        // value = the watermark so far: no rows come for a while, and this sender holds no watermark back
    kActive,      // value = the watermark so far: rows come again behind this
  };
  Kind kind = Kind::kWatermark;
  std::int64_t value = kWatermarkNone;
};

}  // namespace weir
