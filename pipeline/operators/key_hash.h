// The hash of a row's key, by which an exchange finds the shard that owns it.
#pragma once

#include <cstdint>
#include <span>

#include "weir/core/batch.h"
#include "weir/simd/rows.h"

namespace weir {

/// The alive rows of a batch, as kernels take them; without validity.
inline simd::Rows selected_rows(const Batch& batch) noexcept {
  return {batch.selected_count(), batch.selection(), nullptr};
}

/// hashes[r] for every alive row: by value, NULL a value of its own, the same in every run. Requires: columns not
/// empty.
void hash_keys(const Batch& batch, std::span<const std::uint32_t> columns, std::uint64_t* hashes);

}  // namespace weir
