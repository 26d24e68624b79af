// How a kernel gets to the instruction set: each .cc file compiles its kernels once for every target into a table of
// function pointers, and once more as plain loops. A call costs two indirect jumps, so kernels take whole batches.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir::simd::detail {

/// Whether the target "scalar" is set. Written by set_target alone.
extern std::atomic<bool> plain_chosen;

inline bool use_plain() noexcept {
  return plain_chosen.load(std::memory_order_relaxed);
}

}  // namespace weir::simd::detail

namespace weir::simd {

/// Fewer rows are done in a loop of their own before a kernel is found and has put its lanes together.
inline constexpr std::uint32_t kFewRows = 16;

}  // namespace weir::simd

/// The table of the target in use. NAME: a function of each target's namespace and of namespace plain that returns a
/// pointer to its table.
#define WEIR_SIMD_TABLE(NAME) (*(detail::use_plain() ? plain::NAME() : HWY_DYNAMIC_DISPATCH(NAME)()))
