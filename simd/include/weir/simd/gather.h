// Gather: the rows of a selection, copied close together (an exchange packs full batches).
#pragma once

#include <cstdint>

namespace weir::simd {

/// out[i] = values[rows[i]] for i in 0 … count-1. T: any type of 1, 2, 4, 8 or 16 bytes, by its size.
void gather1(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out);
void gather2(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out);
void gather4(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out);
void gather8(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out);
void gather16(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out);
/// Bit begin + i of out = bit rows[i] of words; null words are all ones. Other bits of `out` keep their value.
/// Returns whether all bits written are ones.
bool gather_bits(const std::uint64_t* words, const std::uint32_t* rows, std::uint32_t count, std::uint64_t* out,
                 std::uint32_t begin = 0);

}  // namespace weir::simd
