// FingerBTree: a sliding window over values in order of their times, into which values may come out of order: a B-tree
// whose leaves hold values, with a finger at each end.
//
//                 root                      root_inner_ = all children but the first and the last
//            /   |    |   \                 left_acc_[k], right_acc_[k]: what stands on a spine from below the root
//       left  node   node   right           down to level k; so that a change near an end changes few of them, and the
//       / | \                / | \          whole = left finger · root_inner_ · right finger
//   leaf                         leaf       inner nodes off the spines hold the combinations of their children
//   ▲ oldest: evicted            ▲ newest: inserted
//
// A value that comes d values behind the newest climbs the right spine only as far as it must: O(log d). Values of one
// time become one, in order of arrival. Values leave at the left end only, many at once, so nodes never merge: a node
// of the left spine is emptied, one off the spines is at least half full.
// Source: Tangwongsan, Hirzel, Schneider, Optimal and general out-of-order sliding-window aggregation, VLDB 2019; bulk
// eviction: Out-of-order sliding-window aggregation with efficient bulk evictions and insertions, VLDB 2023.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "window/sliding/operation.h"

namespace weir::sliding {

/// Whether combine(a, b) == combine(b, a): then a value is combined into what is there, and nothing is combined anew.
template <class Op>
inline constexpr bool kCommutative = requires {
  requires Op::kIsCommutative;
};

/// Cost: an insert at distance d from the newest O(log d) combines (O(log n) where the operation is not commutative),
/// an evict O(1), both amortised; a query at most 4 combines. Memory in slabs of 64 KiB, used again. Thread: one.
template <Operation Op>
class FingerBTree {
 public:
  using Value = typename Op::Value;
  using Time = std::int64_t;

  explicit FingerBTree(Op op = {}) : op_(std::move(op)), right_leaf_acc_(op_.identity()), root_inner_(op_.identity()) {
    start();
  }
  FingerBTree(const FingerBTree&) = delete;
  FingerBTree& operator=(const FingerBTree&) = delete;

  void insert(Time time, Value value) {
    Leaf& newest = right_leaf();
    if (size_ == 0 || time > newest.newest()) {
      if (newest.end != kLeafMax) [[likely]] {
        right_leaf_acc_ = op_.combine(right_leaf_acc_, value);
        newest.entries[newest.end++] = {time, std::move(value)};
        ++size_;
        if (height_ == 0) left_stale_ = true;
        return;
      }
    }
    insert_anywhere(time, std::move(value));
  }

  /// Values with times below `time` leave.
  void evict_before(Time time) {
    std::uint32_t top = 0;  // highest level of the left spine whose children have changed
    bool left = false;
    while (size_ != 0) {
      Leaf& oldest = left_leaf();
      if (oldest.oldest() >= time) break;
      if (oldest.newest() >= time) {
        // What is gone stands below all times, so that what comes later may be older than it.
        do {
          oldest.entries[oldest.first++].time = kGone;
          --size_;
        } while (oldest.oldest() < time);
        left = left || height_ == 0;
        break;
      }
      size_ -= oldest.end - oldest.first;
      if (height_ == 0) {
        oldest.first = oldest.end = 0;
        oldest.clear();
        left = true;
        break;
      }
      top = std::max(top, drop_left_leaf());
    }
    if (left && height_ == 0) left_stale_ = right_stale_ = true;
    if (top != 0) settle_left(top);
  }

  Value query() {
    if (height_ == 0) {
      if (right_stale_) {
        right_leaf_acc_ = product(right_leaf());
        right_stale_ = false;
      }
      return right_leaf_acc_;
    }
    if (left_stale_) make_suffixes();
    const Value& front = suffixes_[left_leaf().first];
    const Value middle = op_.combine(root_inner_, right_leaf_acc_);
    if (height_ == 1) return op_.combine(front, middle);
    return op_.combine(op_.combine(front, left_acc_[1]), middle);
  }

  std::size_t size() const noexcept { return size_; }
  /// Requires: not empty.
  Time oldest() const noexcept { return left_leaf().oldest(); }
  Time newest() const noexcept { return right_leaf().newest(); }

 private:
  static constexpr std::uint32_t kLeafMax = 32;
  static constexpr std::uint32_t kInnerMax = 32;
  static constexpr std::uint32_t kHeightMax = 20;                  // half-full nodes of 16: beyond 2^64 values
  static constexpr Time kGone = std::numeric_limits<Time>::min();  // before the first of a node
  static constexpr Time kNone = std::numeric_limits<Time>::max();  // behind the end of a node

  struct Entry {
    Time time = kNone;
    Value value{};
  };
  struct Leaf {
    std::uint32_t first = 0, end = 0;
    std::array<Entry, kLeafMax> entries;  // their times are kNone from end on, kGone before first
    void clear() noexcept { mark(0, kLeafMax, kNone); }
    void mark(std::uint32_t from, std::uint32_t to, Time time) noexcept {
      for (std::uint32_t i = from; i < to; ++i) entries[i].time = time;
    }
    Time oldest() const noexcept { return entries[first].time; }
    Time newest() const noexcept { return entries[end - 1].time; }
  };
  struct Inner {
    std::uint32_t first = 0, end = 0;
    std::array<Time, kInnerMax>
        begins;  // no time of child i is below begins[i], but for the first child; kNone from end on
    std::array<Value, kInnerMax> whole;  // of child i, where it is not on a spine
    std::array<void*, kInnerMax> children;
    void clear() noexcept { begins.fill(kNone); }
  };
  struct Step {
    Inner* node;
    std::uint32_t index;
  };
  /// Nodes of one kind, in slabs.
  template <class Node>
  class Pool {
   public:
    Node* take() {
      if (free_.empty()) grow();
      Node* node = free_.back();
      free_.pop_back();
      node->first = node->end = 0;
      node->clear();
      return node;
    }
    void give_back(Node* node) { free_.push_back(node); }

   private:
    static constexpr std::size_t kPerSlab = sizeof(Node) >= 65536 ? 1 : 65536 / sizeof(Node);
    void grow() {
      slabs_.push_back(std::make_unique<Node[]>(kPerSlab));
      for (std::size_t i = kPerSlab; i-- > 0;) free_.push_back(&slabs_.back()[i]);
    }
    std::vector<std::unique_ptr<Node[]>> slabs_;
    std::vector<Node*> free_;
  };

  void start() { left_[0] = right_[0] = leaves_.take(); }
  Leaf& left_leaf() const noexcept { return *static_cast<Leaf*>(left_[0]); }
  Leaf& right_leaf() const noexcept { return *static_cast<Leaf*>(right_[0]); }
  Inner& right_node(std::uint32_t level) const noexcept { return *static_cast<Inner*>(right_[level]); }
  Inner& left_node(std::uint32_t level) const noexcept { return *static_cast<Inner*>(left_[level]); }

  // ---- Combinations ----

  Value product(const Leaf& leaf) const {
    Value all = op_.identity();
    for (std::uint32_t i = leaf.first; i < leaf.end; ++i) all = op_.combine(all, leaf.entries[i].value);
    return all;
  }
  Value product(const Inner& node, std::uint32_t first, std::uint32_t end) const {
    Value all = op_.identity();
    for (std::uint32_t i = first; i < end; ++i) all = op_.combine(all, node.whole[i]);
    return all;
  }
  Value product_of(void* node, std::uint32_t level) const {
    if (level == 0) return product(*static_cast<Leaf*>(node));
    const Inner& inner = *static_cast<Inner*>(node);
    return product(inner, inner.first, inner.end);
  }
  void make_suffixes() {
    const Leaf& leaf = left_leaf();
    Value all = op_.identity();
    for (std::uint32_t i = leaf.end; i-- > leaf.first;) {
      all = op_.combine(leaf.entries[i].value, all);
      suffixes_[i] = all;
    }
    left_stale_ = false;
  }
  /// Right spine from `level` (below the root) down.
  void rebuild_right(std::uint32_t level) {
    for (std::uint32_t k = std::min(level, height_ - 1); k >= 1; --k) {
      const Inner& node = right_node(k);
      Value own = product(node, node.first, node.end - 1);
      right_acc_[k] = k + 1 >= height_ ? std::move(own) : op_.combine(right_acc_[k + 1], own);
    }
    const Value leaf = product(right_leaf());
    right_leaf_acc_ = height_ <= 1 ? leaf : op_.combine(right_acc_[1], leaf);
  }
  void rebuild_left(std::uint32_t level) {
    for (std::uint32_t k = std::min(level, height_ - 1); k >= 1; --k) {
      const Inner& node = left_node(k);
      Value own = product(node, node.first + 1, node.end);
      left_acc_[k] = k + 1 >= height_ ? std::move(own) : op_.combine(own, left_acc_[k + 1]);
    }
    left_stale_ = true;
  }
  void rebuild_root() {
    const Inner& root = right_node(height_);
    root_inner_ = product(root, root.first + 1, root.end - 1);
  }
  void rebuild_all() {
    left_stale_ = right_stale_ = true;
    if (height_ == 0) return;
    rebuild_root();
    rebuild_right(height_);
    rebuild_left(height_);
  }

  // ---- Insert ----

  static Time time_of(Time time) noexcept { return time; }
  static Time time_of(const Entry& entry) noexcept { return entry.time; }
  /// How many of the ascending times are below `time`: every fourth is looked at, then three between two of those.
  /// Nothing is to be predicted, and what is looked at together does not wait for each other.
  template <class T, std::size_t N>
  static std::uint32_t count_below(const std::array<T, N>& times, Time time) noexcept {
    static_assert(N % 4 == 0);
    std::uint32_t fours = 0;
#pragma GCC unroll 8
    for (std::size_t i = 3; i < N; i += 4) fours += time_of(times[i]) < time ? 1 : 0;
    if (fours == N / 4) return N;
    const T* from = times.data() + std::size_t{4} * fours;
    return 4 * fours + (time_of(from[0]) < time ? 1 : 0) + (time_of(from[1]) < time ? 1 : 0) +
           (time_of(from[2]) < time ? 1 : 0);
  }
  /// Index of the child that a time belongs to.
  static std::uint32_t child_of(const Inner& node, Time time) noexcept {
    // The first child takes all that is below the second; what stands before `first` is gone.
    std::uint32_t at = count_below(node.begins, time);
    at += at < node.end && node.begins[at] == time ? 1 : 0;
    return std::min(std::max(at, node.first + 1), node.end) - 1;
  }

  void insert_anywhere(Time time, Value value) {
    std::uint32_t level = 0;
    while (level < height_ && time < right_node(level + 1).begins[right_node(level + 1).end - 1]) ++level;
    void* node = right_[level];
    for (std::uint32_t k = level; k >= 1; --k) {
      Inner& inner = *static_cast<Inner*>(node);
      path_[k] = {&inner, child_of(inner, time)};
      node = inner.children[path_[k].index];
    }
    Leaf& leaf = *static_cast<Leaf*>(node);
    std::uint32_t at = std::max(count_below(leaf.entries, time), leaf.first);
    if (at < leaf.end && leaf.entries[at].time == time) {
      leaf.entries[at].value = op_.combine(leaf.entries[at].value, value);
      return changed(level, 0, value);
    }
    ++size_;
    if (leaf.end == kLeafMax && leaf.first != 0) at -= shift_down(leaf);
    if (leaf.end != kLeafMax) {
      put(leaf, at, time, value);
      return changed(level, 0, value);
    }
    Leaf& upper = *leaves_.take();
    split(leaf, upper, level == 0 && at == kLeafMax ? kLeafMax : kLeafMax / 2);
    if (at >= kLeafMax / 2 && leaf.end != kLeafMax)
      put(upper, at - kLeafMax / 2, time, value);
    else if (at == kLeafMax)
      put(upper, 0, time, value);
    else
      put(leaf, at, time, value);
    changed(level, add_child(level, 1, &leaf, &upper, upper.entries[0].time), value);
  }

  static std::uint32_t shift_down(Leaf& leaf) {
    const std::uint32_t by = leaf.first;
    std::move(leaf.entries.begin() + by, leaf.entries.begin() + leaf.end, leaf.entries.begin());
    leaf.first = 0;
    leaf.mark(leaf.end - by, leaf.end, kNone);
    leaf.end -= by;
    return by;
  }
  static void put(Leaf& leaf, std::uint32_t at, Time time, const Value& value) {
    for (std::uint32_t i = leaf.end; i > at; --i) leaf.entries[i] = std::move(leaf.entries[i - 1]);
    leaf.entries[at] = {time, value};
    ++leaf.end;
  }
  static void split(Leaf& lower, Leaf& upper, std::uint32_t at) {
    std::move(lower.entries.begin() + at, lower.entries.begin() + lower.end, upper.entries.begin());
    upper.end = lower.end - at;
    lower.mark(at, lower.end, kNone);
    lower.end = at;
  }

  /// Puts `upper`, split off `lower`, into the parent at `level`, splitting that where it is full. Returns the highest
  /// level whose node got a child.
  std::uint32_t add_child(std::uint32_t path_level, std::uint32_t level, void* lower, void* upper, Time begin) {
    if (level > height_) {
      Inner& root = *inners_.take();
      root.children[0] = lower;
      root.children[1] = upper;
      root.begins[0] = kGone;
      root.begins[1] = begin;
      root.end = 2;
      root.whole[0] = product_of(lower, level - 1);
      height_ = level;
      left_[level] = right_[level] = &root;
      right_[level - 1] = upper;
      return level;
    }
    Inner& node = level <= path_level ? *path_[level].node : right_node(level);
    std::uint32_t at = (level <= path_level ? path_[level].index : node.end - 1) + 1;
    if (right_[level - 1] == lower) right_[level - 1] = upper;
    node.whole[at - 1] = product_of(lower, level - 1);
    if (node.end == kInnerMax && node.first != 0) at -= shift_down(node);
    // A first child takes all that is below the second, so it may be split anywhere.
    if (at == node.first + 1) node.begins[node.first] = kGone;
    if (node.end != kInnerMax) {
      put(node, at, level, upper, begin);
      return level;
    }
    Inner& other = *inners_.take();
    const std::uint32_t half = &node == right_[level] && at == kInnerMax ? kInnerMax : kInnerMax / 2;
    split(node, other, half);
    if (at > half || half == kInnerMax)
      put(other, at - half, level, upper, begin);
    else
      put(node, at, level, upper, begin);
    return add_child(path_level, level + 1, &node, &other, other.begins[0]);
  }
  static std::uint32_t shift_down(Inner& node) {
    const std::uint32_t by = node.first;
    std::move(node.begins.begin() + by, node.begins.begin() + node.end, node.begins.begin());
    std::move(node.whole.begin() + by, node.whole.begin() + node.end, node.whole.begin());
    std::move(node.children.begin() + by, node.children.begin() + node.end, node.children.begin());
    node.first = 0;
    node.end -= by;
    std::fill(node.begins.begin() + node.end, node.begins.end(), kNone);
    return by;
  }
  void put(Inner& node, std::uint32_t at, std::uint32_t level, void* child, Time begin) {
    std::move_backward(node.begins.begin() + at, node.begins.begin() + node.end, node.begins.begin() + node.end + 1);
    std::move_backward(node.whole.begin() + at, node.whole.begin() + node.end, node.whole.begin() + node.end + 1);
    std::move_backward(node.children.begin() + at, node.children.begin() + node.end,
                       node.children.begin() + node.end + 1);
    node.begins[at] = begin;
    node.children[at] = child;
    node.whole[at] = product_of(child, level - 1);
    ++node.end;
  }
  static void split(Inner& lower, Inner& upper, std::uint32_t at) {
    std::move(lower.begins.begin() + at, lower.begins.begin() + lower.end, upper.begins.begin());
    std::move(lower.whole.begin() + at, lower.whole.begin() + lower.end, upper.whole.begin());
    std::move(lower.children.begin() + at, lower.children.begin() + lower.end, upper.children.begin());
    upper.end = lower.end - at;
    lower.end = at;
    std::fill(lower.begins.begin() + at, lower.begins.end(), kNone);
  }

  /// A value came into the leaf at the end of path_, which starts at `level`; nodes up to `split_level` got children.
  void changed(std::uint32_t level, std::uint32_t split_level, const Value& value) {
    for (std::uint32_t k = split_level + 1; k <= level; ++k) {
      Value& whole = path_[k].node->whole[path_[k].index];
      if constexpr (kCommutative<Op>)
        whole = op_.combine(whole, value);
      else
        whole = product_of(path_[k].node->children[path_[k].index], k - 1);
    }
    const std::uint32_t top = std::max(level, split_level);
    if (height_ == 0) {
      left_stale_ = right_stale_ = true;
    } else if (top == height_) {
      if (kCommutative<Op> && split_level == 0)
        combine_below_root(value);
      else
        rebuild_all();
    } else if (kCommutative<Op> && split_level == 0) {
      for (std::uint32_t k = top; k >= 1; --k) right_acc_[k] = op_.combine(right_acc_[k], value);
      right_leaf_acc_ = op_.combine(right_leaf_acc_, value);
    } else {
      rebuild_right(top);
    }
  }
  /// The path starts at the root and does not end in the right spine.
  void combine_below_root(const Value& value) {
    if (path_[height_].index != path_[height_].node->first) {
      root_inner_ = op_.combine(root_inner_, value);
      return;
    }
    std::uint32_t k = height_ - 1;
    while (k >= 1 && path_[k].index == path_[k].node->first) --k;
    if (k == 0) left_stale_ = true;
    for (; k >= 1; --k) left_acc_[k] = op_.combine(left_acc_[k], value);
  }

  // ---- Evict ----

  /// Takes the leftmost leaf out and returns the level of the node that lost a child and has others.
  std::uint32_t drop_left_leaf() {
    leaves_.give_back(&left_leaf());
    std::uint32_t level = 1;
    const auto is_last_child = [&] {
      Inner& node = left_node(level);
      node.begins[node.first] = kGone;
      return ++node.first == node.end;
    };
    while (is_last_child()) {
      inners_.give_back(&left_node(level));
      ++level;
    }
    for (std::uint32_t k = level; k >= 1; --k) {
      const Inner& node = left_node(k);
      left_[k - 1] = node.children[node.first];
    }
    const Inner& parent = left_node(1);
    if (parent.first + 1 != parent.end) {  // the leaf after this one has not been looked at for a whole window
      const char* next = static_cast<const char*>(parent.children[parent.first + 1]);
      for (std::size_t line = 0; line < std::min<std::size_t>(sizeof(Leaf), 576); line += 64)
        __builtin_prefetch(next + line);
    }
    bool lower = false;
    while (height_ != 0 && right_node(height_).end - right_node(height_).first == 1) {
      inners_.give_back(&right_node(height_));
      --height_;
      lower = true;
    }
    return lower ? kHeightMax : level;
  }
  void settle_left(std::uint32_t top) {
    if (top > height_) return rebuild_all();
    if (top == height_) rebuild_root();
    rebuild_left(top);
  }

  [[no_unique_address]] Op op_;
  std::size_t size_ = 0;
  std::uint32_t height_ = 0;  // level of the root; leaves are level 0
  std::array<void*, kHeightMax> left_{}, right_{};
  Pool<Leaf> leaves_;
  Pool<Inner> inners_;
  Value right_leaf_acc_;  // of the right spine with its leaf
  Value root_inner_;
  std::array<Value, kHeightMax> left_acc_{}, right_acc_{};
  std::array<Value, kLeafMax> suffixes_{};  // of the left leaf: from value i to its end
  bool left_stale_ = true;
  bool right_stale_ = false;
  std::array<Step, kHeightMax> path_{};
};

}  // namespace weir::sliding
