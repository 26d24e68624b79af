// Hash kernels: 64 hashes at a time, then NULLs, then the combination with the columns before.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hash.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef WEIR_SIMD_HASH_TABLE_
#define WEIR_SIMD_HASH_TABLE_
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "dispatch.h"
#include "weir/simd/hash.h"

namespace weir::simd {

struct Word16 {
  std::uint64_t low, high;
};

/// What a value of each type hashes to.
template <class T>
requires std::is_integral_v<T>
constexpr std::uint64_t hash_value(T key) noexcept {
  return hash_u64(static_cast<std::uint64_t>(key));
}
inline std::uint64_t hash_value(double key) noexcept {
  constexpr std::uint64_t kNan = 0x7FF8000000000000ull;
  const double plus_zero = key + 0.0;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(plus_zero);
  return hash_u64(key == key ? bits : kNan);
}
inline std::uint64_t hash_value(float key) noexcept {
  return hash_value(static_cast<double>(key));
}
inline std::uint64_t hash_value(const Word16& key) noexcept {
  return hash_u128(key.low, key.high);
}

template <class T>
using HashKernel = void (*)(const T*, const Rows&, HashMode, std::uint64_t*);
using HashTable = std::tuple<HashKernel<std::int8_t>, HashKernel<std::int16_t>, HashKernel<std::int32_t>,
                             HashKernel<std::int64_t>, HashKernel<std::uint8_t>, HashKernel<std::uint32_t>,
                             HashKernel<std::uint64_t>, HashKernel<double>, HashKernel<float>, HashKernel<Word16>>;

}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {
#include "hash_loops-inl.h"
}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
#include "hash_loops-inl.h"
}  // namespace
}  // namespace plain

HWY_EXPORT(hash_table);

namespace {

std::uint64_t load_u64(const char* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// Both halves of a 128-bit product, folded.
std::uint64_t fold(std::uint64_t left, std::uint64_t right) noexcept {
  __extension__ using Uint128 = unsigned __int128;
  const Uint128 product = static_cast<Uint128>(left) * right;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t hash_long(const char* bytes, std::size_t size) noexcept {
  constexpr std::uint64_t kFirst = 0x9E3779B97F4A7C15ull, kSecond = 0xC2B2AE3D27D4EB4Full;
  std::uint64_t state = size * kSecond;
  std::size_t at = 0;
  for (; at + 16 < size; at += 16)
    state = fold(load_u64(bytes + at) ^ kFirst, load_u64(bytes + at + 8) ^ kSecond ^ state);
  // The last 16 bytes; they overlap what has been read, or, for 13 to 15 bytes, each other.
  const std::uint64_t last = load_u64(bytes + size - 8);
  const std::uint64_t before = size >= 16 ? load_u64(bytes + size - 16) : load_u64(bytes);
  return hash_u64(fold(before ^ kFirst, last ^ kSecond ^ state) ^ state);
}

constexpr std::uint32_t kInlineMax = 12;

}  // namespace

std::uint64_t hash_bytes(const void* bytes, std::size_t size) noexcept {
  if (size > kInlineMax) return hash_long(static_cast<const char*>(bytes), size);
  char inlined[16] = {};
  const auto length = static_cast<std::uint32_t>(size);
  std::memcpy(inlined, &length, sizeof length);
  if (size != 0) std::memcpy(inlined + 4, bytes, size);
  return hash_u128(load_u64(inlined), load_u64(inlined + 8));
}

template <class T>
void hash_column(const T* keys, const Rows& rows, HashMode mode, std::uint64_t* hashes) {
  std::get<HashKernel<T>>(WEIR_SIMD_TABLE(hash_table))(keys, rows, mode, hashes);
}
template void hash_column<std::int8_t>(const std::int8_t*, const Rows&, HashMode, std::uint64_t*);
template void hash_column<std::int16_t>(const std::int16_t*, const Rows&, HashMode, std::uint64_t*);
template void hash_column<std::int32_t>(const std::int32_t*, const Rows&, HashMode, std::uint64_t*);
template void hash_column<std::int64_t>(const std::int64_t*, const Rows&, HashMode, std::uint64_t*);
template void hash_column<std::uint8_t>(const std::uint8_t*, const Rows&, HashMode, std::uint64_t*);
template void hash_column<std::uint32_t>(const std::uint32_t*, const Rows&, HashMode, std::uint64_t*);
template void hash_column<std::uint64_t>(const std::uint64_t*, const Rows&, HashMode, std::uint64_t*);

void hash_doubles(const double* keys, const Rows& rows, HashMode mode, std::uint64_t* hashes) {
  std::get<HashKernel<double>>(WEIR_SIMD_TABLE(hash_table))(keys, rows, mode, hashes);
}
void hash_floats(const float* keys, const Rows& rows, HashMode mode, std::uint64_t* hashes) {
  std::get<HashKernel<float>>(WEIR_SIMD_TABLE(hash_table))(keys, rows, mode, hashes);
}
void hash_bytes16(const void* keys, const Rows& rows, HashMode mode, std::uint64_t* hashes) {
  std::get<HashKernel<Word16>>(WEIR_SIMD_TABLE(hash_table))(static_cast<const Word16*>(keys), rows, mode, hashes);
}

void hash_strings(const void* strings, const Rows& rows, HashMode mode, std::uint64_t* hashes) {
  const char* base = static_cast<const char*>(strings);
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    const char* string = base + std::size_t{row} * 16;
    std::uint64_t hash = kNullHash;
    if (rows.valid(row)) {
      std::uint32_t size;
      std::memcpy(&size, string, sizeof size);
      if (size <= kInlineMax) {
        hash = hash_u128(load_u64(string), load_u64(string + 8));
      } else {
        const char* text;
        std::memcpy(&text, string + 8, sizeof text);
        hash = hash_long(text, size);
      }
    }
    hashes[row] = mode == HashMode::kStart ? hash : combine_hash(hashes[row], hash);
  }
}

}  // namespace weir::simd
#endif
