// TDigest: see tdigest.h.
#include "aggregates/tdigest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "aggregates/order_key.h"
#include "weir/core/type.h"

namespace weir {
namespace {

/// Equal keys give that key. Requires: low <= high.
std::int64_t between(std::int64_t low, std::int64_t high, double share) noexcept {
  const auto distance = static_cast<double>(static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low));
  const auto step = static_cast<std::uint64_t>(distance * share);  // keys of finite values: far below 2^64
  return std::min(high, static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + step));
}

/// The mean of keys of two clusters, without rounding but for the last.
std::int64_t mean_of(std::int64_t low, std::uint64_t low_weight, std::int64_t high,
                     std::uint64_t high_weight) noexcept {
  const Int128 sum = Int128{low_weight} + Int128{high_weight};
  return static_cast<std::int64_t>(low + (Int128{high} - low) * Int128{high_weight} / sum);
}

}  // namespace

bool TDigest::start(StateHeap& heap) noexcept {
  if (piece.data != nullptr) return true;
  if (!piece.reserve(sizeof(Header) + 4 * sizeof(Cluster), heap)) return false;
  header() = {};
  header().min = std::numeric_limits<double>::infinity();
  header().max = -std::numeric_limits<double>::infinity();
  return true;
}

bool TDigest::push(Cluster cluster, std::uint32_t compression, StateHeap& heap) noexcept {
  const std::uint32_t room = kRoom * compression;
  if (header().used == room) merge(compression);
  const std::size_t used = sizeof(Header) + header().used * sizeof(Cluster);
  if (used + sizeof(Cluster) > piece.bytes) {
    const std::size_t doubled = sizeof(Header) + 2 * header().used * sizeof(Cluster);
    const std::size_t most = heap_bytes_max(compression);
    if (!piece.reserve(std::min(std::max(doubled, used + sizeof(Cluster)), most), heap, used)) return false;
  }
  Header& h = header();
  clusters()[h.used++] = cluster;
  h.weight += cluster.weight;
  return true;
}

bool TDigest::add(const double* values, std::uint32_t count, std::uint32_t compression, StateHeap& heap) noexcept {
  if (count == 0) return true;
  if (!start(heap)) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const double value = values[i];
    if (!std::isfinite(value)) [[unlikely]] {
      Header& h = header();
      ++(std::isnan(value) ? h.nan : value > 0 ? h.positive_infinity : h.negative_infinity);
      continue;
    }
    if (!push({order_key(value), 1}, compression, heap)) return false;
    Header& h = header();
    h.min = std::min(h.min, value);
    h.max = std::max(h.max, value);
  }
  return true;
}

// Neighbours join while they take at most one step of k1(q) = compression / (2 pi) * asin(2q - 1).
void TDigest::merge(std::uint32_t compression) noexcept {
  Header& h = header();
  Cluster* const all = clusters();
  if (h.merged == h.used || h.used == 0) return;
  std::sort(all, all + h.used, [](const Cluster& a, const Cluster& b) {
    return a.mean != b.mean ? a.mean < b.mean : a.weight < b.weight;
  });
  const double weight = static_cast<double>(h.weight);
  const double steps = compression / (2 * std::numbers::pi);
  const auto limit_after = [&](std::uint64_t before) {
    const double k = steps * std::asin(2 * (static_cast<double>(before) / weight) - 1) + 1;
    const double quarter = steps * std::numbers::pi / 2;
    return k >= quarter ? weight : weight * (std::sin(k / steps) + 1) / 2;
  };
  std::uint32_t last = 0;
  std::uint64_t before = 0;  // the weight of the clusters before all[last]
  double limit = limit_after(0);
  for (std::uint32_t i = 1; i < h.used; ++i) {
    Cluster& to = all[last];
    const std::uint64_t sum = to.weight + all[i].weight;
    if (static_cast<double>(before + sum) <= limit) {
      to.mean = mean_of(to.mean, to.weight, all[i].mean, all[i].weight);
      to.weight = sum;
      continue;
    }
    before += to.weight;
    limit = limit_after(before);
    all[++last] = all[i];
  }
  h.used = h.merged = last + 1;
}

bool TDigest::add_partial(std::string_view bytes, std::uint32_t compression, StateHeap& heap) noexcept {
  if (bytes.empty()) return true;
  PieceReader from(bytes);
  const auto other = from.take<Header>();
  if (!start(heap)) return false;
  for (std::uint32_t i = 0; i < other.used; ++i)
    if (!push(from.take<Cluster>(), compression, heap)) return false;
  Header& h = header();
  h.min = std::min(h.min, other.min);
  h.max = std::max(h.max, other.max);
  h.nan += other.nan;
  h.positive_infinity += other.positive_infinity;
  h.negative_infinity += other.negative_infinity;
  return true;
}

std::string_view TDigest::partial() const noexcept {
  if (piece.data == nullptr) return {};
  return {reinterpret_cast<const char*>(piece.data), sizeof(Header) + header().used * sizeof(Cluster)};
}

std::uint64_t TDigest::size() const noexcept {
  if (piece.data == nullptr) return 0;
  const Header& h = header();
  return h.weight + h.nan + h.positive_infinity + h.negative_infinity;
}

double TDigest::quantile(double fraction, std::uint32_t compression) noexcept {
  merge(compression);
  const Header& h = header();
  const auto rank = static_cast<std::uint64_t>(fraction * static_cast<double>(size() - 1));
  if (rank < h.negative_infinity) return -std::numeric_limits<double>::infinity();
  if (rank >= h.negative_infinity + h.weight + h.positive_infinity) return std::numeric_limits<double>::quiet_NaN();
  if (rank >= h.negative_infinity + h.weight) return std::numeric_limits<double>::infinity();
  if (rank == h.negative_infinity) return h.min;
  if (rank + 1 == h.negative_infinity + h.weight) return h.max;
  // A value's place is the middle of its unit of weight; a cluster's mean stands at its middle.
  const double place = static_cast<double>(rank - h.negative_infinity) + 0.5;
  double at_before = 0.5, begin = 0;
  std::int64_t mean_before = order_key(h.min);
  const Cluster* const all = clusters();
  for (std::uint32_t i = 0; i < h.used; ++i) {
    const double weight = static_cast<double>(all[i].weight);
    const double at = begin + weight / 2;
    if (place <= at) {
      if (at <= at_before || place == at) return double_of_key(all[i].mean);
      return double_of_key(
          place <= at_before ? mean_before : between(mean_before, all[i].mean, (place - at_before) / (at - at_before)));
    }
    at_before = at;
    mean_before = all[i].mean;
    begin += weight;
  }
  const double at = begin - 0.5;
  if (place >= at || at <= at_before) return h.max;
  return double_of_key(between(mean_before, order_key(h.max), (place - at_before) / (at - at_before)));
}

}  // namespace weir
