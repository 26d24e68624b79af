// The limit of keyed aggregation by hash: one loop over an open-addressing table with keys and accumulators in its
// slots.
#include <bit>

#include "limits/limits.h"
#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace weir::bench {
namespace {

constexpr std::size_t kAhead = 12;

std::uint64_t slot_of(std::int64_t key) noexcept {
#if defined(__SSE4_2__)
  return _mm_crc32_u64(0, static_cast<std::uint64_t>(key));
#else
  return (static_cast<std::uint64_t>(key) * 0x9E3779B97F4A7C15ull) >> 32;
#endif
}

}  // namespace

ProbeTable::ProbeTable(std::size_t keys) : entries_(std::bit_ceil(keys * 2)), mask_(entries_.size() - 1) {}

void ProbeTable::add(const std::int64_t* keys, const double* values, std::size_t rows) noexcept {
  Entry* entries = entries_.data();
  const std::uint64_t mask = mask_;
  for (std::size_t i = 0; i < rows; ++i) {
    if (i + kAhead < rows) __builtin_prefetch(&entries[slot_of(keys[i + kAhead]) & mask], 1);
    std::uint64_t slot = slot_of(keys[i]) & mask;
    while (entries[slot].key != keys[i] && entries[slot].count != 0) slot = (slot + 1) & mask;
    Entry& entry = entries[slot];
    entry.key = keys[i];
    entry.sum += values[i];
    ++entry.count;
  }
}

std::uint64_t ProbeTable::count() const noexcept {
  std::uint64_t count = 0;
  for (const Entry& entry : entries_) count += entry.count;
  return count;
}

double ProbeTable::sum() const noexcept {
  double sum = 0;
  for (const Entry& entry : entries_) sum += entry.sum;
  return sum;
}

}  // namespace weir::bench
