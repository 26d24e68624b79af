// HyperLogLog: about how many different values there were, from their 64-bit hashes.
//
//   few   tokens    the high 26 bits of a hash and how many zeros follow, in a hash table of u32: nearly exact
//   many  registers 2^precision bytes: the most zeros that followed a hash's high `precision` bits
//
// Tokens become registers once there are more than fit in half the bytes of the registers, which hangs on the set of
// values alone; so equal sets give equal answers, in whatever order and parts they came.
// Precisions below 8 are not offered: the estimator is biased there. Standard error: 1.04 / sqrt(2^precision), which is
// 0.81 % at 14 (registers), and under 0.02 % as tokens. Source: Flajolet et al., "HyperLogLog", 2007; Heule, Nunkesser,
// Hall, "HyperLogLog in Practice", EDBT 2013 (tokens); Ertl, "New cardinality estimation algorithms for HyperLogLog
// sketches", 2017 (the estimator: no bias to correct).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregates/state_piece.h"

namespace weir {

/// All zeros when empty; may be moved with memcpy. Every call names the same precision. Thread: the owning shard.
struct HyperLogLog {
  static constexpr unsigned kPrecisionMin = 8, kPrecisionMax = 18, kPrecisionDefault = 14;

  std::byte* data;          ///< Tokens (0: free) or registers.
  std::uint32_t used;       ///< Tokens.
  std::uint8_t token_bits;  ///< log2 of the table of tokens, 0: none yet.
  bool registers;
  std::uint16_t reserved;

  /// Returns false where the heap is at its maximum.
  bool add(const std::uint64_t* hashes, std::uint32_t count, unsigned precision, StateHeap& heap) noexcept;
  bool combine(const HyperLogLog& other, unsigned precision, StateHeap& heap) noexcept;
  void release(unsigned precision, StateHeap& heap) noexcept;
  double estimate(unsigned precision) const noexcept;
  /// Stands in the state's own memory.
  std::string_view partial(unsigned precision) const noexcept;
  bool add_partial(std::string_view bytes, unsigned precision, StateHeap& heap) noexcept;

 private:
  bool add_token(std::uint32_t token, unsigned precision, StateHeap& heap) noexcept;
  bool grow_tokens(unsigned precision, StateHeap& heap) noexcept;
  bool to_registers(unsigned precision, StateHeap& heap) noexcept;
  std::size_t bytes(unsigned precision) const noexcept;
};

}  // namespace weir
