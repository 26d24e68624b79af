// KllSketch: a sample of values by levels, the items of level h standing for 2^h values each, so that the rank of a
// quantile comes out within a share of all values, whatever their distribution.
//
//   values ─► sampler: one of 2^base ─► | level L-1 | … | level 1 | level 0 |      packed; level 0 grows at the end
//                                          ◄─ a full level is sorted, and every second item goes up
//
// Coins are a hash of how often a level was compacted, and rows enter one by one, so that batch sizes change nothing.
// The order of rows and of combine does: answers of different shard counts lie within the bound, and may differ.
// Bound: the rank of the answer is within 1.65 % of all values of the one asked for at k = 200 (99 of 100 answers;
// in proportion 1/k), and exact up to k values.
// Source: Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams", FOCS 2016 (with its sampler).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregates/state_piece.h"

namespace weir {

/// All zeros when empty; may be moved with memcpy. Every call names the same k. Thread: the owning shard.
struct KllSketch {
 private:
  static constexpr std::uint32_t kLevelsMax = 24;
  struct Header {
    std::uint64_t total;
    std::uint64_t coins;           ///< Drawn so far.
    std::uint64_t sampled_weight;  ///< Values of the sampler's block so far, below 2^base.
    std::uint64_t sampled_pick;    ///< Number of the value in the block that stands for all.
    std::int64_t sampled;          ///< The one that stands for them so far.
    std::uint32_t used;            ///< Items of all levels.
    std::uint16_t base;            ///< Level 0's items stand for 2^base values.
    std::uint16_t levels;
    std::uint32_t capacity;  ///< Of all levels.
    std::uint32_t sizes[kLevelsMax];
    std::uint16_t capacities[kLevelsMax];  ///< By depth from the top.
  };

 public:
  static constexpr std::uint32_t kKMin = 50, kKMax = 4096, kKDefault = 200;

  StatePiece piece;  ///< A Header and the items.

  /// Returns false where the heap is at its maximum.
  bool add(const double* values, std::uint32_t count, std::uint32_t k, StateHeap& heap) noexcept;
  bool add_partial(std::string_view bytes, std::uint32_t k, StateHeap& heap) noexcept;
  bool combine(const KllSketch& other, std::uint32_t k, StateHeap& heap) noexcept {
    return add_partial(other.partial(), k, heap);
  }
  std::string_view partial() const noexcept;
  void release(StateHeap& heap) noexcept { piece.release(heap); }

  /// The most that its piece takes: levels sum to 3 k and some; combine holds two sketches, and pieces double.
  static constexpr std::size_t heap_bytes_max(std::uint32_t k) noexcept {
    return sizeof(Header) + 4 * sizeof(std::int64_t) * (3 * std::size_t{k} + 16 * kLevelsMax);
  }
  std::uint64_t size() const noexcept { return piece.data == nullptr ? 0 : header().total; }
  /// Items that it keeps.
  std::uint32_t items() const noexcept { return piece.data == nullptr ? 0 : header().used; }
  /// The value at about the rank floor(fraction * (size() - 1)). Returns false where the heap is at its maximum.
  /// Requires: size() > 0.
  bool quantile(double fraction, StateHeap& heap, double& value) const noexcept;

 private:
  Header& header() noexcept { return *reinterpret_cast<Header*>(piece.data); }
  const Header& header() const noexcept { return *reinterpret_cast<const Header*>(piece.data); }
  std::int64_t* keys() noexcept { return reinterpret_cast<std::int64_t*>(piece.data + sizeof(Header)); }
  const std::int64_t* keys() const noexcept {
    return reinterpret_cast<const std::int64_t*>(piece.data + sizeof(Header));
  }

  bool start(std::uint32_t k, StateHeap& heap) noexcept;
  void set_levels(std::uint32_t levels) noexcept;
  bool reserve(std::uint32_t items, StateHeap& heap) noexcept;
  std::uint64_t coin() noexcept;
  void draw_pick() noexcept;
  bool push(std::int64_t key, std::uint32_t k, StateHeap& heap) noexcept;
  bool sample(std::int64_t key, std::uint64_t weight, std::uint32_t k, StateHeap& heap) noexcept;
  bool make_room(std::uint32_t k, StateHeap& heap) noexcept;
  void compact(std::uint32_t level) noexcept;
  bool raise_base(std::uint32_t k, StateHeap& heap) noexcept;
};

}  // namespace weir
