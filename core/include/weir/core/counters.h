// Counters: numbers that one thread writes and any thread may read at any time, without slowing the writer: no locked
// instruction, and no line that two writers share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/atomics.h"
#include "weir/core/check.h"

namespace weir {

/// Thread: one writer; get() from any. Relaxed: a reader sees each counter's own past, not an order among counters.
class Counter {
 public:
  void add(std::uint64_t by = 1) noexcept { set(get() + by); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void raise_to(std::uint64_t value) noexcept {
    if (value > get()) set(value);
  }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct CounterValue {
  std::string name;
  std::uint64_t value = 0;
};

/// The named counters of one writer, on lines of their own. Names are given at setup; addresses stay.
class CounterSet {
 public:
  /// Requires: counters_max >= 1.
  CounterSet(std::string prefix, std::uint32_t counters_max);

  /// Requires: fewer than counters_max so far, and that no other thread reads yet. Allocates: the name.
  Counter& add(std::string_view name);
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(names_.size()); }
  /// Appends "prefix.name" and the value now of every counter. Thread: any.
  void snapshot(std::vector<CounterValue>& out) const;

 private:
  struct alignas(kSeparation) Line {
    Counter counters[kSeparation / sizeof(Counter)];
  };
  static constexpr std::uint32_t kPerLine = kSeparation / sizeof(Counter);

  std::string prefix_;
  std::uint32_t counters_max_;
  std::vector<std::string> names_;
  std::unique_ptr<Line[]> lines_;
};

}  // namespace weir
