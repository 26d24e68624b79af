// DdSketch: see ddsketch.h.
#include "aggregates/ddsketch.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "weir/core/check.h"

namespace weir {
namespace {

constexpr std::uint32_t kBlock = 256;
constexpr std::uint64_t kLeastNormal = std::uint64_t{1} << 52;
constexpr std::uint64_t kGreatestFinite = (std::uint64_t{0x7FF} << 52) - 1;

std::uint64_t round_to_line(std::uint64_t counts) noexcept {
  return (counts + 7) / 8 * 8;
}

}  // namespace

DdMapping::DdMapping(double accuracy) noexcept {
  WEIR_CHECK(accuracy >= kAccuracyMin && accuracy <= kAccuracyMax);
  // A bucket is widest, as a factor, where the polynomial's slope against the natural logarithm is least: 10/7, at the
  // start of an octave. The cut of the logarithm to 20 bits widens a bucket by up to 2^-20 octaves.
  const double exact = 0.7 / std::log((1 + accuracy) / (1 - accuracy));
  const double buckets = exact * (1 + 2 * exact * 0x1p-20) * (1 + 1e-6);
  buckets_ = static_cast<simd::LogBuckets>(std::ceil(buckets * (1 << simd::kLogBucketsPoint)));
  bucket_min_ = simd::log_bucket_of_bits(kLeastNormal, buckets_);
  bucket_max_ = simd::log_bucket_of_bits(kGreatestFinite, buckets_);
}

double DdMapping::least_of(std::uint64_t bucket) const noexcept {
  std::uint64_t low = kLeastNormal, high = kGreatestFinite;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (simd::log_bucket_of_bits(middle, buckets_) >= bucket)
      high = middle;
    else
      low = middle + 1;
  }
  return std::bit_cast<double>(low);
}

double DdMapping::estimate(std::uint64_t bucket) const noexcept {
  const double low = least_of(bucket);
  const double high = bucket == bucket_max_ ? std::numeric_limits<double>::max() : least_of(bucket + 1);
  return low * (2 / (1 + low / high));  // as far from both, relatively
}

bool DdSide::cover(std::uint64_t min, std::uint64_t max, StateHeap& heap) noexcept {
  if (covers(min, max)) return true;
  std::uint64_t low = min, high = max + 1;
  const bool counted = !listed() && size != 0;
  if (counted) {
    low = std::min<std::uint64_t>(low, first);
    high = std::max<std::uint64_t>(high, std::uint64_t{first} + size);
  } else {
    each([&](std::uint64_t bucket, std::int64_t) {
      low = std::min(low, bucket);
      high = std::max(high, bucket + 1);
    });
  }
  // Where it grows, it grows by a quarter more to that side.
  const std::uint64_t spare = counted ? (high - low) / 4 : 0;
  if (counted && low < first) low -= std::min(low, spare);
  if (counted && high > std::uint64_t{first} + size) high += spare;
  const std::uint64_t wanted = round_to_line(high - low);
  StatePiece taken{};
  if (!taken.reserve(wanted * sizeof(std::int64_t), heap)) return false;
  auto* to = reinterpret_cast<std::int64_t*>(taken.data);
  std::fill_n(to, wanted, 0);
  each([&](std::uint64_t bucket, std::int64_t count) { to[bucket - low] = count; });
  piece.release(heap);
  piece = taken;
  first = static_cast<std::uint32_t>(low);
  size = static_cast<std::uint32_t>(wanted);
  return true;
}

bool DdSide::add(std::uint64_t bucket, std::int64_t count, StateHeap& heap) noexcept {
  if (!listed() && size != 0) {
    if (!cover(bucket, bucket, heap)) return false;
    counts()[bucket - first] += count;
    return true;
  }
  Entry* free = nullptr;
  for (std::uint32_t i = 0; i < size; ++i) {
    Entry& entry = entries()[i];
    if (entry.bucket == bucket) {
      entry.count += count;
      return true;
    }
    if (entry.count == 0) free = &entry;
  }
  if (free != nullptr) {
    *free = {count, bucket};
    return true;
  }
  if (size == kEntriesMax) {
    if (!cover(bucket, bucket, heap)) return false;
    counts()[bucket - first] += count;
    return true;
  }
  if (!piece.reserve(std::bit_ceil(size + 1) * sizeof(Entry), heap, size * sizeof(Entry))) return false;
  first = kListed;
  entries()[size++] = {count, bucket};
  return true;
}

bool DdSide::add_block(const std::uint64_t* buckets, std::uint32_t count, const simd::LogBucketRange& range,
                       std::int64_t times, StateHeap& heap) noexcept {
  constexpr std::uint64_t kNarrow = 64;
  if (range.min == range.max) return add(range.min, times * count, heap);
  if (!covers(range.min, range.max)) {
    if (listed() || size == 0) {
      if (range.max - range.min < kEntriesMax) {
        for (std::uint32_t i = 0; i < count; ++i)
          if (!add(buckets[i], times, heap)) return false;
        return true;
      }
    }
    if (!cover(range.min, range.max, heap)) return false;
  }
  if (range.max - range.min >= kNarrow || count < kNarrow) {
    std::int64_t* const to = counts() - first;
    for (std::uint32_t i = 0; i < count; ++i) to[buckets[i]] += times;
    return true;
  }
  // Where buckets come again soon, an addition would wait for the one before it: four tables take turns.
  std::array<std::array<std::uint32_t, kNarrow>, 4> turns{};
  std::uint32_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (std::uint32_t turn = 0; turn < 4; ++turn) ++turns[turn][buckets[i + turn] - range.min];
  for (; i < count; ++i) ++turns[0][buckets[i] - range.min];
  std::int64_t* const to = counts() + (range.min - first);
  const std::uint64_t width = range.max - range.min + 1;
  for (std::uint64_t at = 0; at < width; ++at)
    to[at] += times * static_cast<std::int64_t>(turns[0][at] + turns[1][at] + turns[2][at] + turns[3][at]);
  return true;
}

bool DdSketch::add(const DdMapping& mapping, const double* values, std::uint32_t count, StateHeap& heap,
                   std::int64_t times) noexcept {
  if (count < 4) {
    for (std::uint32_t i = 0; i < count; ++i)
      if (!add_one(mapping, values[i], heap, times)) return false;
    return true;
  }
  for (std::uint32_t at = 0; at < count; at += kBlock)
    if (!add_block(mapping, values + at, std::min(kBlock, count - at), heap, times)) return false;
  return true;
}

bool DdSketch::add_block(const DdMapping& mapping, const double* values, std::uint32_t count, StateHeap& heap,
                         std::int64_t times) noexcept {
  alignas(64) std::array<std::uint64_t, kBlock> buckets;
  const simd::LogBucketRange range = simd::log_buckets(values, count, mapping.buckets_per_octave(), buckets.data());
  // Between the bounds, and not in their buckets, stand normal positive numbers alone.
  if (range.min <= mapping.bucket_min() || range.max >= mapping.bucket_max())
    return add_mixed(mapping, values, count, heap, times);
  if (!positive.add_block(buckets.data(), count, range, times, heap)) return false;
  total += times * count;
  return true;
}

// By sign; what is neither normal nor finite goes one by one.
bool DdSketch::add_mixed(const DdMapping& mapping, const double* values, std::uint32_t count, StateHeap& heap,
                         std::int64_t times) noexcept {
  using Words = std::array<std::uint64_t, kBlock + 8>;
  alignas(64) Words above, below, others;
  const simd::SplitLogBuckets split =
      simd::split_log_buckets(values, count, mapping.buckets_per_octave(), mapping.bucket_min(), mapping.bucket_max(),
                              above.data(), below.data(), others.data());
  if (split.positive != 0 && !positive.add_block(above.data(), split.positive, split.positive_range, times, heap))
    return false;
  total += times * split.positive;
  if (split.negative != 0 && !negative.add_block(below.data(), split.negative, split.negative_range, times, heap))
    return false;
  total += times * split.negative;
  for (std::uint32_t i = 0; i < split.others; ++i)
    if (!add_one(mapping, values[others[i]], heap, times)) return false;
  return true;
}

bool DdSketch::add_one(const DdMapping& mapping, double value, StateHeap& heap, std::int64_t times) noexcept {
  const std::uint64_t magnitude = std::bit_cast<std::uint64_t>(value) & ~(std::uint64_t{1} << 63);
  if (magnitude < kLeastNormal) {
    zeros += times;
  } else if (magnitude > kGreatestFinite) {
    if (!add_special(value, heap, times)) return false;
  } else {
    const std::uint64_t bucket = simd::log_bucket_of_bits(magnitude, mapping.buckets_per_octave());
    if (!(value > 0 ? positive : negative).add(bucket, times, heap)) return false;
  }
  total += times;
  return true;
}

bool DdSketch::add_special(double value, StateHeap& heap, std::int64_t times) noexcept {
  if (special == nullptr) {
    special = static_cast<Special*>(heap.take(sizeof(Special)));
    if (special == nullptr) return false;
    *special = {};
  }
  (std::isnan(value) ? special->nan : value > 0 ? special->positive_infinity : special->negative_infinity) += times;
  return true;
}

bool DdSketch::combine(const DdSketch& other, std::int64_t times, StateHeap& heap) noexcept {
  if (other.special != nullptr) {
    if (!add_special(std::numeric_limits<double>::quiet_NaN(), heap, times * other.special->nan)) return false;
    special->positive_infinity += times * other.special->positive_infinity;
    special->negative_infinity += times * other.special->negative_infinity;
  }
  for (DdSide DdSketch::*side : {&DdSketch::positive, &DdSketch::negative}) {
    DdSide& to = this->*side;
    const DdSide& from = other.*side;
    if (!from.listed() && from.size != 0 && !to.cover(from.first, std::uint64_t{from.first} + from.size - 1, heap))
      return false;
    bool done = true;
    from.each([&](std::uint64_t bucket, std::int64_t count) { done = done && to.add(bucket, times * count, heap); });
    if (!done) return false;
  }
  zeros += times * other.zeros;
  total += times * other.total;
  return true;
}

void DdSketch::release(StateHeap& heap) noexcept {
  positive.piece.release(heap);
  negative.piece.release(heap);
  scratch.release(heap);
  heap.give_back(special, sizeof(Special));
  *this = {};
}

double DdSketch::quantile(const DdMapping& mapping, double fraction) const noexcept {
  const auto rank = static_cast<std::int64_t>(fraction * static_cast<double>(total - 1));
  std::int64_t before = special == nullptr ? 0 : special->negative_infinity;
  if (rank < before) return -std::numeric_limits<double>::infinity();
  // The bucket of the value at the rank among a side's, counted from its least or its greatest bucket.
  const auto find = [](const DdSide& side, std::int64_t among, bool from_greatest) {
    std::array<DdSide::Entry, DdSide::kEntriesMax> sorted;
    for (std::uint32_t i = 0; side.listed() && i < side.size; ++i) {
      std::uint32_t at = i;
      for (; at != 0 && sorted[at - 1].bucket > side.entries()[i].bucket; --at) sorted[at] = sorted[at - 1];
      sorted[at] = side.entries()[i];
    }
    const std::int64_t size = side.size;
    std::uint64_t last = 0;
    for (std::int64_t i = 0; i < size; ++i) {
      const auto at = static_cast<std::size_t>(from_greatest ? size - 1 - i : i);
      const std::int64_t count = side.listed() ? sorted[at].count : side.counts()[at];
      if (count == 0) continue;
      last = side.listed() ? sorted[at].bucket : side.first + at;
      among -= count;
      if (among < 0) break;
    }
    return last;
  };
  const auto side_total = [](const DdSide& side) {
    std::int64_t sum = 0;
    side.each([&](std::uint64_t, std::int64_t count) { sum += count; });
    return sum;
  };
  const std::int64_t below = side_total(negative);
  if (rank < before + below) return -mapping.estimate(find(negative, rank - before, true));
  before += below;
  if (rank < before + zeros) return 0;
  before += zeros;
  const std::int64_t above = side_total(positive);
  if (rank < before + above) return mapping.estimate(find(positive, rank - before, false));
  before += above;
  if (special != nullptr && rank < before + special->positive_infinity) return std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

namespace {

// A count and the distance from the bucket before, seven bits a byte: most take a byte each.
constexpr std::size_t kVarintMax = 10;

char* write_varint(std::uint64_t value, char* to) noexcept {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
  *to++ = static_cast<char>(value);
  return to;
}
std::uint64_t read_varint(PieceReader& from) noexcept {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = from.take<std::uint8_t>();
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}
std::uint64_t fold_sign(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unfold_sign(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
}

bool write_side(const DdSide& side, PieceWriter& to) noexcept {
  std::uint64_t used = 0, bucket_before = 0;
  side.each([&](std::uint64_t, std::int64_t) { ++used; });
  if (!to.append_bits(used)) return false;
  bool done = true;
  side.each([&](std::uint64_t bucket, std::int64_t count) {
    char* at = done ? to.room(2 * kVarintMax) : nullptr;
    done = at != nullptr;
    if (!done) return;
    char* end = write_varint(fold_sign(static_cast<std::int64_t>(bucket - bucket_before)), at);
    end = write_varint(fold_sign(count), end);
    to.advance(static_cast<std::size_t>(end - at));
    bucket_before = bucket;
  });
  return done;
}

}  // namespace

std::string_view DdSketch::partial(StateHeap& heap) const noexcept {
  PieceWriter to(scratch, heap);
  const Special none{};
  const bool done = to.append_bits(total) && to.append_bits(zeros) &&
                    to.append_bits(special == nullptr ? none : *special) && write_side(positive, to) &&
                    write_side(negative, to);
  return done ? to.view() : std::string_view();
}

bool DdSketch::add_partial(std::string_view bytes, StateHeap& heap) noexcept {
  PieceReader from(bytes);
  const auto more = from.take<std::int64_t>();
  const auto more_zeros = from.take<std::int64_t>();
  auto more_special = from.take<Special>();
  if (more_special.nan != 0 || more_special.positive_infinity != 0 || more_special.negative_infinity != 0) {
    if (!add_special(std::numeric_limits<double>::quiet_NaN(), heap, more_special.nan)) return false;
    special->positive_infinity += more_special.positive_infinity;
    special->negative_infinity += more_special.negative_infinity;
  }
  for (DdSide* side : {&positive, &negative}) {
    std::uint64_t bucket = 0;
    for (auto left = from.take<std::uint64_t>(); left != 0; --left) {
      bucket += static_cast<std::uint64_t>(unfold_sign(read_varint(from)));
      if (!side->add(bucket, unfold_sign(read_varint(from)), heap)) return false;
    }
  }
  total += more;
  zeros += more_zeros;
  return true;
}

}  // namespace weir
