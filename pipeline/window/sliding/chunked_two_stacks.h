// ChunkedTwoStacks: two stacks over one chunk at a time, so that no flip is longer than a chunk.
//
//   front                    | middle: whole chunks              | back: values of the last chunk
//   ...... suffixes ....... | values ... | values ... | values .. | values ......
//   begin            front_end_                            back_begin_          end
//
//   front    each holds the combination from itself to the end of the front: at most one chunk
//   middle   values as they came; of each chunk the combination of all stands in `wholes_`, itself a DABA
//   rest_    of all behind the front: middle, then back
//
// When the front is used up, the next chunk becomes the front: one pass from its end to its beginning, over memory that
// lies in a row. So the longest step is a chunk's combines, whatever the window.
// Source: two stacks and DABA: Tangwongsan, Hirzel, Schneider, In-order sliding-window aggregation in worst-case
// constant time, VLDB Journal 2021; panes as one value: Li et al., No pane, no gain, SIGMOD Record 2005.
#pragma once

#include "window/sliding/chunk_queue.h"
#include "window/sliding/daba_lite.h"
#include "window/sliding/operation.h"

namespace weir::sliding {

/// Cost: 3 combines a value and one a query, amortised; at worst a chunk's (kPerChunk) and 5 more a step; n + n /
/// kPerChunk values. Thread: one.
template <Operation Op, std::size_t kChunkBytes = 32768>
class ChunkedTwoStacks {
 public:
  using Value = typename Op::Value;
  using Queue = ChunkQueue<Value, kChunkBytes>;
  static constexpr std::size_t kPerChunk = Queue::kPerChunk;

  explicit ChunkedTwoStacks(Op op = {})
      : op_(std::move(op)),
        wholes_(op_),
        back_(op_.identity()),
        rest_(op_.identity()),
        front_end_(values_.begin()),
        back_begin_(values_.begin()) {}

  void reserve(std::size_t values) {
    values_.reserve(values);
    wholes_.reserve(values / kPerChunk + 2);
  }
  void insert(Value value) {
    back_ = op_.combine(back_, value);
    rest_ = op_.combine(rest_, value);
    values_.push_back(std::move(value));
    if (values_.end().begins_chunk()) [[unlikely]]
      end_chunk();
  }
  /// Requires: not empty.
  void evict() {
    if (values_.begin() == front_end_) [[unlikely]]
      make_front();
    values_.pop_front();
  }
  Value query() const { return values_.begin() == front_end_ ? rest_ : op_.combine(*values_.begin(), rest_); }
  std::size_t size() const noexcept { return values_.size(); }

 private:
  void end_chunk() {
    wholes_.insert(std::move(back_));
    back_ = op_.identity();
    back_begin_ = values_.end();
  }
  /// The first chunk behind the front becomes the front; of the last one, what is there.
  void make_front() {
    const bool last = front_end_ == back_begin_;
    typename Queue::Cursor end = values_.end();
    if (!last) {
      end = front_end_;
      end.next_chunk();
    }
    Value* const first = &*values_.begin();
    Value* at = last ? &*end : values_.begin().chunk_end();
    for (--at; at != first; --at) at[-1] = op_.combine(at[-1], *at);
    front_end_ = end;
    if (last) {
      back_begin_ = end;
      back_ = rest_ = op_.identity();
      return;
    }
    wholes_.evict();
    rest_ = wholes_.size() == 0 ? back_ : op_.combine(wholes_.query(), back_);
  }

  [[no_unique_address]] Op op_;
  Queue values_;
  DabaLite<Op> wholes_;  // of the middle's chunks
  Value back_;           // of the back
  Value rest_;
  typename Queue::Cursor front_end_, back_begin_;
};

}  // namespace weir::sliding
