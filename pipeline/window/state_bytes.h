// What stands in a state row, which has no type of its own: values at any place, and words of 64 bits that are added.
// Inline, since they are a load, an addition and a store each.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace weir::state_bytes {

template <class T>
T load(const std::byte* from) noexcept {
  T value;
  std::memcpy(static_cast<void*>(&value), from, sizeof value);
  return value;
}
template <class T>
void store(std::byte* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

/// A row that is nothing but words.
template <std::size_t kWords>
using Words = std::array<std::uint64_t, kWords>;

inline std::uint64_t add_doubles(std::uint64_t a, std::uint64_t b) noexcept {
  return std::bit_cast<std::uint64_t>(std::bit_cast<double>(a) + std::bit_cast<double>(b));
}
/// An overflow sets the sign of `overflowed`: that of the sum is neither's.
inline std::uint64_t add_integers(std::uint64_t a, std::uint64_t b, std::uint64_t& overflowed) noexcept {
  const std::uint64_t sum = a + b;
  overflowed |= (a ^ sum) & (b ^ sum);
  return sum;
}

}  // namespace weir::state_bytes
