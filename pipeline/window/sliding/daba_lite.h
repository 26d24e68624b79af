// DabaLite: two stacks whose flip is spread over the steps before it is needed, so that every step is O(1).
//
//   front                                                        back
//   | done ......... | left ...... | right ...... | turned .... | values ...... |
//   begin            left_         right_         turned_       back_begin_     end
//
//   done     holds the combination from itself to the end of the front
//   left     … to the end of left (it was done before the last flip)
//   right    values; back before the last flip
//   turned   … to the end of the front, built from its end towards right
//
// A step that finds nothing in left, right and the front's rest flips: the front becomes left, the back becomes right.
// Each step after it makes one of left done (combined with `rest_`, all that stands behind left in the front) and one
// of right turned; when left and right are used up together, the borders walk on over what is turned. As many steps as
// the front can lose values bring it to its end: the flip comes just when the front would be used up.
// Source: Tangwongsan, Hirzel, Schneider, In-order sliding-window aggregation in worst-case constant time, VLDB Journal
// 2021.
#pragma once

#include "window/sliding/chunk_queue.h"
#include "window/sliding/operation.h"

namespace weir::sliding {

/// Cost: at most 3 combines a step and one a query, at worst too; n + 2 values. Thread: one.
template <Operation Op>
class DabaLite {
 public:
  using Value = typename Op::Value;
  explicit DabaLite(Op op = {})
      : op_(std::move(op)),
        back_(op_.identity()),
        rest_(op_.identity()),
        left_(values_.begin()),
        right_(left_),
        turned_(left_),
        back_begin_(left_) {}

  void reserve(std::size_t values) { values_.reserve(values); }
  void insert(Value value) {
    back_ = op_.combine(back_, value);
    values_.push_back(std::move(value));
    step();
  }
  /// Requires: not empty.
  void evict() {
    values_.pop_front();
    step();
  }
  Value query() const { return front_empty() ? back_ : op_.combine(*values_.begin(), back_); }
  std::size_t size() const noexcept { return values_.size(); }

 private:
  bool front_empty() const noexcept { return values_.begin() == back_begin_; }

  void step() {
    if (front_empty()) {
      // At most one value is there: it is its own combination.
      left_ = right_ = turned_ = back_begin_ = values_.end();
      back_ = rest_ = op_.identity();
      return;
    }
    if (left_ == back_begin_) flip();
    if (left_ == right_) {
      left_.next();
      right_.next();
      turned_.next();
      return;
    }
    *left_ = op_.combine(*left_, rest_);
    left_.next();
    auto before = turned_;
    before.previous();
    if (!(turned_ == back_begin_)) *before = op_.combine(*before, *turned_);
    turned_ = before;
  }
  void flip() {
    left_ = values_.begin();
    right_ = back_begin_;
    turned_ = back_begin_ = values_.end();
    rest_ = std::exchange(back_, op_.identity());
  }

  [[no_unique_address]] Op op_;
  ChunkQueue<Value> values_;
  Value back_;  // of the back
  Value rest_;  // of right and turned, from the flip on until left is used up
  typename ChunkQueue<Value>::Cursor left_, right_, turned_, back_begin_;
};

}  // namespace weir::sliding
