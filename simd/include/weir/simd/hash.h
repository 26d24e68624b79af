// Hashes of key vectors.
//
// A hash is the same on every target, run and machine: it decides to which shard a key goes. It is by value, so that an
// INT and a BIGINT of one value have one hash. It is not keyed: a sender who chooses keys can make them collide.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/simd/rows.h"

namespace weir::simd {

/// The hash of NULL, of any type.
inline constexpr std::uint64_t kNullHash = 0x9AE16A3B2F90404Full;

/// The finalizer of MurmurHash3: every input bit changes every output bit with a probability near one half.
constexpr std::uint64_t hash_u64(std::uint64_t key) noexcept {
  key ^= key >> 33;
  key *= 0xFF51AFD7ED558CCDull;
  key ^= key >> 33;
  key *= 0xC4CEB9FE1A85EC53ull;
  key ^= key >> 33;
  return key;
}
/// The hash of a key of two parts in order.
constexpr std::uint64_t combine_hash(std::uint64_t first, std::uint64_t second) noexcept {
  return hash_u64(first * 0x9E3779B97F4A7C15ull ^ second);
}
/// The hash of 16 bytes as two words, low first.
constexpr std::uint64_t hash_u128(std::uint64_t low, std::uint64_t high) noexcept {
  return combine_hash(hash_u64(low), high);
}
/// The hash of a text.
std::uint64_t hash_bytes(const void* bytes, std::size_t size) noexcept;

/// Whether a kernel starts the hashes or combines into those that are there (the next column of a key).
enum class HashMode : std::uint8_t { kStart, kCombine };

/// hashes[r] = hash_u64(keys[r]), keys sign-extended, kNullHash where NULL; or combine_hash(hashes[r], that).
/// T: int8_t, int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t.
template <class T>
void hash_column(const T* keys, const Rows& rows, HashMode mode, std::uint64_t* hashes);
/// Doubles and floats (as doubles) by value: -0 as 0, every NaN as one.
void hash_doubles(const double* keys, const Rows& rows, HashMode mode, std::uint64_t* hashes);
void hash_floats(const float* keys, const Rows& rows, HashMode mode, std::uint64_t* hashes);
/// Values of 16 bytes: hash_u128.
void hash_bytes16(const void* keys, const Rows& rows, HashMode mode, std::uint64_t* hashes);
/// Strings of 16 bytes each: size u32, then up to 12 bytes inline with zeros after them, or, for a longer one, its
/// first 4 bytes and the address of all. hash_bytes of the text.
void hash_strings(const void* strings, const Rows& rows, HashMode mode, std::uint64_t* hashes);

}  // namespace weir::simd
