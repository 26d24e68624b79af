// HyperLogLog: see hyperloglog.h.
#include "aggregates/hyperloglog.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "weir/core/check.h"
#include "weir/simd/hash.h"
#include "weir/simd/sketch.h"

namespace weir {
namespace {

constexpr unsigned kPrefixBits = simd::kTokenPrefixBits;
constexpr unsigned kRunBits = simd::kTokenRunBits;
constexpr std::uint8_t kTokenBitsMin = 2;
// From this size of table and so many hashes on, by SIMD.
constexpr std::uint8_t kTokenBitsLookedUp = 4;
constexpr std::uint32_t kHashesLookedUp = 8;

/// A hash that has the token's prefix and run: all that registers of up to 26 bits ask of it.
std::uint64_t hash_of(std::uint32_t token) noexcept {
  const std::uint64_t prefix = std::uint64_t{token >> kRunBits} << (64 - kPrefixBits);
  const unsigned zeros = (token & ((1u << kRunBits) - 1)) - 1;
  return zeros >= 64 - kPrefixBits ? prefix : prefix | std::uint64_t{1} << (63 - kPrefixBits - zeros);
}

std::uint32_t tokens_max(std::uint8_t token_bits) noexcept {
  return (1u << token_bits) / 4 * 3;
}

/// log2 of the largest table of tokens: half the bytes of the registers.
std::uint8_t token_bits_max(unsigned precision) noexcept {
  return static_cast<std::uint8_t>(precision - 3);
}

// Ertl's functions of the shares of registers at 0 and at their maximum.
double sigma(double x) noexcept {
  if (x == 1) return HUGE_VAL;
  double y = 1, z = x, before;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (z != before);
  return z;
}
double tau(double x) noexcept {
  if (x == 0 || x == 1) return 0;
  double y = 1, z = 1 - x, before;
  do {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (z != before);
  return z / 3;
}

double estimate_registers(const std::uint8_t* registers, unsigned precision) noexcept {
  const std::uint32_t size = 1u << precision;
  std::array<std::array<std::uint32_t, 64>, 4> counts{};
  for (std::uint32_t i = 0; i < size; i += 4)
    for (std::uint32_t lane = 0; lane < 4; ++lane) ++counts[lane][registers[i + lane] & 63];
  const auto count = [&](unsigned value) {
    return static_cast<double>(counts[0][value] + counts[1][value] + counts[2][value] + counts[3][value]);
  };
  const unsigned bits = 64 - precision;
  const double m = size;
  double z = m * tau(1 - count(bits + 1) / m);
  for (unsigned value = bits; value >= 1; --value) z = 0.5 * (z + count(value));
  z += m * sigma(count(0) / m);
  constexpr double kAlpha = 0.72134752044448170368;  // 1 / (2 ln 2)
  return kAlpha * m * m / z;
}

}  // namespace

std::size_t HyperLogLog::bytes(unsigned precision) const noexcept {
  if (registers) return std::size_t{1} << precision;
  return data == nullptr ? 0 : sizeof(std::uint32_t) << token_bits;
}

bool HyperLogLog::add(const std::uint64_t* hashes, std::uint32_t count, unsigned precision, StateHeap& heap) noexcept {
  std::uint32_t i = 0;
  while (i < count && !registers) {
    if (data != nullptr) {
      // Past those whose tokens are there already: most of them, where values come again.
      auto* const tokens = reinterpret_cast<std::uint32_t*>(data);
      const std::uint32_t mask = (1u << token_bits) - 1;
      while (i < count) {
        if (token_bits >= kTokenBitsLookedUp && count - i >= kHashesLookedUp) {
          i += simd::count_known_tokens(hashes + i, count - i, tokens, mask + 1);
          if (i == count) return true;
        }
        const std::uint32_t token = simd::token_of_hash(hashes[i]);
        const std::uint32_t prefix = token >> kRunBits;
        std::uint32_t place = prefix & mask;
        while (tokens[place] != 0 && tokens[place] >> kRunBits != prefix) place = (place + 1) & mask;
        if (tokens[place] == 0) break;
        tokens[place] = std::max(tokens[place], token);
        ++i;
      }
      if (i == count) return true;
    }
    if (!add_token(simd::token_of_hash(hashes[i++]), precision, heap)) return false;
  }
  if (i < count) simd::raise_registers(hashes + i, count - i, precision, reinterpret_cast<std::uint8_t*>(data));
  return true;
}

bool HyperLogLog::add_token(std::uint32_t token, unsigned precision, StateHeap& heap) noexcept {
  if (data == nullptr && !grow_tokens(precision, heap)) return false;
  if (!registers) {
    auto* tokens = reinterpret_cast<std::uint32_t*>(data);
    const std::uint32_t mask = (1u << token_bits) - 1;
    const std::uint32_t prefix = token >> kRunBits;
    for (std::uint32_t place = prefix & mask;; place = (place + 1) & mask) {
      if (tokens[place] == 0) {
        if (used < tokens_max(token_bits)) {
          tokens[place] = token;
          ++used;
          return true;
        }
        if (!grow_tokens(precision, heap)) return false;
        return add_token(token, precision, heap);
      }
      if (tokens[place] >> kRunBits == prefix) {
        tokens[place] = std::max(tokens[place], token);
        return true;
      }
    }
  }
  const std::uint64_t hash = hash_of(token);
  simd::raise_registers(&hash, 1, precision, reinterpret_cast<std::uint8_t*>(data));
  return true;
}

bool HyperLogLog::grow_tokens(unsigned precision, StateHeap& heap) noexcept {
  const std::uint8_t grown = data == nullptr ? kTokenBitsMin : static_cast<std::uint8_t>(token_bits + 1);
  if (grown > token_bits_max(precision)) return to_registers(precision, heap);
  const std::size_t size = std::size_t{1} << grown;
  auto* taken = static_cast<std::uint32_t*>(heap.take(size * sizeof(std::uint32_t)));
  if (taken == nullptr) return false;
  std::fill_n(taken, size, 0);
  const auto* tokens = reinterpret_cast<const std::uint32_t*>(data);
  for (std::size_t i = 0; i < bytes(precision) / sizeof(std::uint32_t); ++i) {
    if (tokens[i] == 0) continue;
    std::size_t place = (tokens[i] >> kRunBits) & (size - 1);
    while (taken[place] != 0) place = (place + 1) & (size - 1);
    taken[place] = tokens[i];
  }
  heap.give_back(data, bytes(precision));
  data = reinterpret_cast<std::byte*>(taken);
  token_bits = grown;
  return true;
}

bool HyperLogLog::to_registers(unsigned precision, StateHeap& heap) noexcept {
  const std::size_t size = std::size_t{1} << precision;
  auto* taken = static_cast<std::uint8_t*>(heap.take(size));
  if (taken == nullptr) return false;
  std::fill_n(taken, size, std::uint8_t{0});
  const auto* tokens = reinterpret_cast<const std::uint32_t*>(data);
  for (std::size_t i = 0; i < bytes(precision) / sizeof(std::uint32_t); ++i) {
    if (tokens[i] == 0) continue;
    const std::uint64_t hash = hash_of(tokens[i]);
    simd::raise_registers(&hash, 1, precision, taken);
  }
  heap.give_back(data, bytes(precision));
  data = reinterpret_cast<std::byte*>(taken);
  registers = true;
  used = 0;
  return true;
}

bool HyperLogLog::combine(const HyperLogLog& other, unsigned precision, StateHeap& heap) noexcept {
  return add_partial(other.partial(precision), precision, heap);
}

void HyperLogLog::release(unsigned precision, StateHeap& heap) noexcept {
  heap.give_back(data, bytes(precision));
  *this = {};
}

double HyperLogLog::estimate(unsigned precision) const noexcept {
  if (registers) return estimate_registers(reinterpret_cast<const std::uint8_t*>(data), precision);
  constexpr double kPlaces = 1u << kPrefixBits;
  return kPlaces * std::log(kPlaces / (kPlaces - used));
}

std::string_view HyperLogLog::partial(unsigned precision) const noexcept {
  return {reinterpret_cast<const char*>(data), bytes(precision)};
}

bool HyperLogLog::add_partial(std::string_view bytes_of, unsigned precision, StateHeap& heap) noexcept {
  const std::size_t size = std::size_t{1} << precision;
  if (bytes_of.size() == size) {
    if (!registers && !to_registers(precision, heap)) return false;
    simd::max_registers(reinterpret_cast<const std::uint8_t*>(bytes_of.data()), static_cast<std::uint32_t>(size),
                        reinterpret_cast<std::uint8_t*>(data));
    return true;
  }
  PieceReader from(bytes_of);
  while (!from.done()) {
    const auto token = from.take<std::uint32_t>();
    if (token != 0 && !add_token(token, precision, heap)) return false;
  }
  return true;
}

}  // namespace weir
