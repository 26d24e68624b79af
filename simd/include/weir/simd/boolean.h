// Three-valued logic on boolean vectors, and operations on validity bitmaps.
//
// A boolean vector has one byte a row, 0 or 1. All kernels here work on rows 0 … count-1, selected or not.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::simd {

/// Booleans with NULL. The byte of a NULL row may be 0 or 1. validity as in Rows: null = no row is NULL.
struct BoolVector {
  const std::uint8_t* values = nullptr;
  const std::uint64_t* validity = nullptr;
};

/// SQL's AND, OR, NOT. Writes values (0 at NULL rows) and (count+63)/64 words of validity, of which bits after the last
/// row are 0; returns whether any row is NULL. `values` and `validity` may be an input's own.
bool logical_and(const BoolVector& left, const BoolVector& right, std::uint32_t count, std::uint8_t* values,
                 std::uint64_t* validity);
bool logical_or(const BoolVector& left, const BoolVector& right, std::uint32_t count, std::uint8_t* values,
                std::uint64_t* validity);
bool logical_not(const BoolVector& input, std::uint32_t count, std::uint8_t* values, std::uint64_t* validity);

constexpr std::size_t bitmap_words(std::size_t bits) noexcept {
  return (bits + 63) / 64;
}

/// out = left op right over the words of `bits` bits; a null input is all ones; bits after the last are 0. `out` may be
/// an input.
void bitmap_and(const std::uint64_t* left, const std::uint64_t* right, std::size_t bits, std::uint64_t* out);
void bitmap_or(const std::uint64_t* left, const std::uint64_t* right, std::size_t bits, std::uint64_t* out);
void bitmap_not(const std::uint64_t* input, std::size_t bits, std::uint64_t* out);
/// Number of ones among the first `bits` bits; null is all ones.
std::size_t bitmap_count(const std::uint64_t* words, std::size_t bits);
/// Whether the first `bits` bits are all ones.
bool bitmap_all(const std::uint64_t* words, std::size_t bits);
/// Bytes (0 or not) to bits and back (0 or 1). Bits after the last are 0.
void bitmap_from_bytes(const std::uint8_t* bytes, std::size_t count, std::uint64_t* words);
void bytes_from_bitmap(const std::uint64_t* words, std::size_t count, std::uint8_t* bytes);

}  // namespace weir::simd
