// TDigest: values in clusters that are small at both ends of the distribution, so that extreme quantiles are near.
//
//   values ─► buffer ─ sorted, merged by the scale function k1 ─► clusters (mean, weight), min, max
//
// Means are those of the values' places among all doubles (order_key.h), not of the values: they say as much of values
// over many magnitudes as of others, and an answer lies between values that are there.
//
// The buffer fills by values, so that batch sizes change nothing. The order of rows and of combine does: answers of
// different shard counts may differ. Size: at most compression + 1 clusters once merged, 6 compression with the buffer.
// Rank: the answer for q is within 16 sqrt(q (1 - q)) / compression (plus one value) of the one asked for, a few widths
// of a cluster: whatever the distribution, for random, ascending, descending and mixed orders and for trees of combine
// (held by tests). An adversary who sees the clusters can do worse: there is no proof for all orders. The least and the
// greatest are exact; infinities and NaN are counted. Source: Dunning, Ertl, "Computing Extremely Accurate Quantiles
// Using t-Digests", 2019 (the merging digest).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregates/state_piece.h"

namespace weir {

/// All zeros when empty; may be moved with memcpy. Every call names the same compression. Thread: the owning shard.
struct TDigest {
 private:
  struct Cluster {
    std::int64_t mean;  ///< Of keys.
    std::uint64_t weight;
  };
  struct Header {
    std::uint64_t weight;  ///< Of all clusters.
    double min, max;       ///< Finite values.
    std::uint64_t nan, positive_infinity, negative_infinity;
    std::uint32_t used;    ///< Clusters, merged or not.
    std::uint32_t merged;  ///< The first of them, ascending.
  };

  /// Twice the compression bounds the merged clusters; as many again, and more, are buffered.
  static constexpr std::uint32_t kRoom = 6;

 public:
  static constexpr std::uint32_t kCompressionMin = 20, kCompressionMax = 2000, kCompressionDefault = 100;

  StatePiece piece;  ///< A Header, then clusters, of which those not merged yet stand at the end.

  /// Returns false where the heap is at its maximum.
  bool add(const double* values, std::uint32_t count, std::uint32_t compression, StateHeap& heap) noexcept;
  bool add_partial(std::string_view bytes, std::uint32_t compression, StateHeap& heap) noexcept;
  bool combine(const TDigest& other, std::uint32_t compression, StateHeap& heap) noexcept {
    return add_partial(other.partial(), compression, heap);
  }
  std::string_view partial() const noexcept;
  void release(StateHeap& heap) noexcept { piece.release(heap); }

  static constexpr std::size_t heap_bytes_max(std::uint32_t compression) noexcept {
    return sizeof(Header) + std::size_t{kRoom} * compression * sizeof(Cluster);
  }
  std::uint64_t size() const noexcept;
  /// The value at about fraction * size(), interpolated between clusters. Requires: size() > 0.
  double quantile(double fraction, std::uint32_t compression) noexcept;

 private:
  Header& header() noexcept { return *reinterpret_cast<Header*>(piece.data); }
  const Header& header() const noexcept { return *reinterpret_cast<const Header*>(piece.data); }
  Cluster* clusters() noexcept { return reinterpret_cast<Cluster*>(piece.data + sizeof(Header)); }

  bool start(StateHeap& heap) noexcept;
  bool push(Cluster cluster, std::uint32_t compression, StateHeap& heap) noexcept;
  void merge(std::uint32_t compression) noexcept;
};

}  // namespace weir
