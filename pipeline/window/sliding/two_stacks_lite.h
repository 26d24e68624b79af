// TwoStacksLite: a sliding window of any operation, in one queue:
//
//   | front: each holds the combination from itself to the end of the front | back: values |   and back's combination
//
// When the front is used up, the back becomes the front: one pass from its end to its beginning. That flip is its worst
// step, O(n); DabaLite spreads it. Source: Tangwongsan, Hirzel, Schneider, In-order sliding-window aggregation in
// worst-case constant time, VLDB Journal 2021.
#pragma once

#include "window/sliding/chunk_queue.h"
#include "window/sliding/operation.h"

namespace weir::sliding {

/// Cost: at most 3 combines a value amortised, O(n) at worst; n + 1 values. Thread: one.
template <Operation Op>
class TwoStacksLite {
 public:
  using Value = typename Op::Value;
  explicit TwoStacksLite(Op op = {}) : op_(std::move(op)), back_(op_.identity()), back_begin_(values_.begin()) {}

  void reserve(std::size_t values) { values_.reserve(values); }
  void insert(Value value) {
    back_ = op_.combine(back_, value);
    values_.push_back(std::move(value));
  }
  /// Requires: not empty.
  void evict() {
    if (values_.begin() == back_begin_) flip();
    values_.pop_front();
    if (values_.empty()) back_begin_ = values_.begin();
  }
  Value query() const { return values_.begin() == back_begin_ ? back_ : op_.combine(*values_.begin(), back_); }
  std::size_t size() const noexcept { return values_.size(); }

 private:
  void flip() {
    auto at = values_.end();
    at.previous();
    while (!(at == values_.begin())) {
      auto before = at;
      before.previous();
      *before = op_.combine(*before, *at);
      at = before;
    }
    back_begin_ = values_.end();
    back_ = op_.identity();
  }

  [[no_unique_address]] Op op_;
  ChunkQueue<Value> values_;
  Value back_;
  typename ChunkQueue<Value>::Cursor back_begin_;
};

}  // namespace weir::sliding
