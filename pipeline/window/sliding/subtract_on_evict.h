// SubtractOnEvict: a sliding window of an operation with an inverse: the whole, from which the oldest value is taken
// when it leaves. For exact operations; a sum of doubles drifts, and never loses a NaN or an infinity again (use
// ExactSum, window/exact_sum.h, or DabaLite).
#pragma once

#include "window/sliding/chunk_queue.h"
#include "window/sliding/operation.h"

namespace weir::sliding {

/// Cost: one combine an insert, one take_front an evict; n values. Thread: one.
template <InvertibleOperation Op>
class SubtractOnEvict {
 public:
  using Value = typename Op::Value;
  explicit SubtractOnEvict(Op op = {}) : op_(std::move(op)), whole_(op_.identity()) {}

  void reserve(std::size_t values) { values_.reserve(values); }
  void insert(Value value) {
    whole_ = op_.combine(whole_, value);
    values_.push_back(std::move(value));
  }
  /// Requires: not empty.
  void evict() noexcept {
    whole_ = op_.take_front(whole_, values_.front());
    values_.pop_front();
  }
  Value query() const { return whole_; }
  std::size_t size() const noexcept { return values_.size(); }

 private:
  [[no_unique_address]] Op op_;
  Value whole_;
  ChunkQueue<Value> values_;
};

}  // namespace weir::sliding
