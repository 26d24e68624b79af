// Random numbers that are the same on every machine and for every compiler, for simulations and tests. The standard's
// distributions are not. None of these is fit for secrets.
// Sources: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014 (splitmix64); Blackman,
// Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021 (xoshiro256**); Lemire, "Fast Random Integer
// Generation in an Interval", 2019 (below).
#pragma once

#include <bit>
#include <cstdint>

#include "weir/core/check.h"
#include "weir/core/type.h"

namespace weir {

/// splitmix64's finaliser: a bijection of 64 bits.
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// The index-th number of a seed's splitmix64 sequence, without the ones before it: rows can be made in any order.
constexpr std::uint64_t random_at(std::uint64_t seed, std::uint64_t index) noexcept {
  return mix64(seed + (index + 1) * 0x9e3779b97f4a7c15u);
}

/// xoshiro256**: 64 bits a call, period 2^256 - 1.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept {
    for (std::uint64_t i = 0; i < 4; ++i) state_[i] = random_at(seed, i);
  }
  constexpr std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// Uniform in [0, bound), without bias. Requires: bound >= 1.
  std::uint64_t below(std::uint64_t bound) noexcept {
    WEIR_DCHECK(bound >= 1);
    Uint128 product = static_cast<Uint128>(next()) * bound;
    if (static_cast<std::uint64_t>(product) < bound) {
      const std::uint64_t threshold = (0 - bound) % bound;
      while (static_cast<std::uint64_t>(product) < threshold) product = static_cast<Uint128>(next()) * bound;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }
  /// Uniform in [low, high]. Requires: low <= high.
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    WEIR_DCHECK(low <= high);
    const std::uint64_t width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    const std::uint64_t offset = width == 0 ? next() : below(width);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
  }
  /// Uniform in [0, 1), a multiple of 2^-53.
  constexpr double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// True `numerator` times in `denominator`. Requires: denominator >= 1.
  bool chance(std::uint64_t numerator, std::uint64_t denominator) noexcept { return below(denominator) < numerator; }

 private:
  std::uint64_t state_[4] = {};
};

}  // namespace weir
