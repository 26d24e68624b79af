// Reservoir: a uniform sample of at most n rows, the same whatever the shards, batches and order of combine: each row
// has a random number that is a hash of its place in the input, and the n least stay.
//
// As quantiles: the rank is within sqrt(ln(2 / d) / 2n) of all values for every fraction at once, with probability
// 1 - d (Dvoretzky, Kiefer, Wolfowitz): 3.6 % at n = 2,048 and d = 1 %.
// Source: Vitter, "Random Sampling with a Reservoir", 1985; bottom-k by hash: Cohen, Kaplan, PODC 2007.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "aggregates/state_piece.h"
#include "weir/core/random.h"

namespace weir {

/// The random number of a row; no two arrivals share one.
constexpr std::uint64_t reservoir_number(std::uint64_t arrival) noexcept {
  return mix64(arrival + 0x9E3779B97F4A7C15u);
}

/// All zeros when empty; may be moved with memcpy. Item: trivially copyable. Thread: the owning shard.
template <class Item>
struct Reservoir {
  struct Entry {
    std::uint64_t number;
    std::uint64_t arrival;
    Item item;
    friend bool operator<(const Entry& a, const Entry& b) noexcept { return a.number < b.number; }
  };
  StatePiece piece;
  std::uint64_t used;

  Entry* begin() noexcept { return reinterpret_cast<Entry*>(piece.data); }
  Entry* end() noexcept { return begin() + used; }
  const Entry* begin() const noexcept { return reinterpret_cast<const Entry*>(piece.data); }
  const Entry* end() const noexcept { return begin() + used; }

  /// Whether a row would stay.
  bool wants(std::uint64_t number, std::uint32_t size_max) const noexcept {
    return used < size_max || number < begin()->number;
  }
  /// Requires: wants(entry.number). `leaves` is the entry that had to go, where the return says kReplaced.
  enum class Put : std::uint8_t { kAdded, kReplaced, kHeapFull };
  Put put(const Entry& entry, std::uint32_t size_max, StateHeap& heap, Entry& leaves) noexcept {
    if (used == size_max) {
      std::pop_heap(begin(), end());
      leaves = end()[-1];
      end()[-1] = entry;
      std::push_heap(begin(), end());
      return Put::kReplaced;
    }
    const std::size_t wanted = (used + 1) * sizeof(Entry);
    if (piece.bytes < wanted) {
      const std::size_t most = std::size_t{size_max} * sizeof(Entry);
      if (!piece.reserve(std::min(most, std::max(wanted, 2 * piece.bytes)), heap, used * sizeof(Entry)))
        return Put::kHeapFull;
    }
    begin()[used++] = entry;
    std::push_heap(begin(), end());
    return Put::kAdded;
  }
};

}  // namespace weir
