// Named counters.
#include "weir/core/counters.h"

namespace weir {

CounterSet::CounterSet(std::string prefix, std::uint32_t counters_max)
    : prefix_(std::move(prefix)), counters_max_(counters_max) {
  WEIR_CHECK_GE(counters_max, 1u);
  names_.reserve(counters_max);
  lines_ = std::make_unique<Line[]>((counters_max + kPerLine - 1) / kPerLine);
}

Counter& CounterSet::add(std::string_view name) {
  WEIR_CHECK_LT(size(), counters_max_);
  const std::uint32_t index = size();
  names_.emplace_back(name);
  return lines_[index / kPerLine].counters[index % kPerLine];
}

void CounterSet::snapshot(std::vector<CounterValue>& out) const {
  for (std::uint32_t i = 0; i < size(); ++i)
    out.push_back({prefix_ + "." + names_[i], lines_[i / kPerLine].counters[i % kPerLine].get()});
}

}  // namespace weir
