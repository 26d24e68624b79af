// ExactSum: the sum of doubles without any rounding until the end, so that it is the same bits whatever the order, the
// shards and the batches, and so that a value can be taken out again.
//
//   limbs   192 bits of fixed point, least bit 2^-96: exact for values whose bits lie in 2^-96 … 2^94, which is what
//           data holds. A value outside goes to a wide accumulator (all 2,098 bits of a double) on the StateHeap.
//   counts  of NaN, +inf and -inf, which have no bits and can be taken out again
//
// value() is the exact sum rounded once, to nearest, ties to even. Source: Neal, Fast exact summation using small and
// large superaccumulators, 2015; Demmel and Nguyen, Parallel reproducible summation, IEEE TC 2015 (what this replaces).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/core/result.h"
#include "weir/pipeline/state_heap.h"

namespace weir {

/// 40 bytes, all zeros when empty, may be moved with memcpy. Thread: the owning shard.
struct ExactSum {
  std::uint64_t limbs[3];
  struct Wide;
  Wide* wide;             ///< On the heap; null for ordinary data.
  std::uint32_t special;  ///< Whether NaN or infinities were added: their counts stand in `wide`.
  std::uint32_t reserved;

  /// Returns false where the heap is at its maximum.
  bool add(double value, StateHeap& heap) noexcept;
  bool subtract(double value, StateHeap& heap) noexcept { return add_scaled(value, -1, heap); }
  /// The product's error is added too, so that sums of products are exact (but for underflow below 2^-1074).
  bool add_product(double a, double b, StateHeap& heap) noexcept;
  bool subtract_product(double a, double b, StateHeap& heap) noexcept;
  bool combine(const ExactSum& other, StateHeap& heap) noexcept;
  bool remove(const ExactSum& other, StateHeap& heap) noexcept;
  void release(StateHeap& heap) noexcept;

  /// NaN where a NaN or both infinities are in it.
  double value() const noexcept;
  std::size_t partial_bytes() const noexcept;
  /// Writes partial_bytes() bytes.
  void write_partial(std::byte* to) const noexcept;
  bool add_partial(std::string_view bytes, StateHeap& heap) noexcept;

 private:
  bool add_scaled(double value, int sign, StateHeap& heap) noexcept;
};

}  // namespace weir
