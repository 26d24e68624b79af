// Partition: which shard owns each row's key, and the rows of each shard together.
#pragma once

#include <cstdint>

#include "weir/simd/rows.h"

namespace weir::simd {

inline constexpr std::uint32_t kPartitionShardsMax = 1024;

/// The part of 0 … count-1 that a hash falls in, by its upper half (the lower half is left to hash tables).
constexpr std::uint32_t shard_of(std::uint64_t hash, std::uint32_t count) noexcept {
  return static_cast<std::uint32_t>((hash >> 32) * count >> 32);
}

/// shards[r] = shard_of(hashes[r], count) for every row of 0 … rows.end()-1.
void shard_numbers(const std::uint64_t* hashes, const Rows& rows, std::uint32_t count, std::uint32_t* shards);
/// Sorts the row numbers by their part, keeping the order inside a part: rows of part p stand at
/// out[offsets[p] … offsets[p+1]). numbers[r] < count <= kPartitionShardsMax; offsets has count + 1 entries.
void partition_rows(const std::uint32_t* numbers, const Rows& rows, std::uint32_t count, std::uint32_t* out,
                    std::uint32_t* offsets);

}  // namespace weir::simd
