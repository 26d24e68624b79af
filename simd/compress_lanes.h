// Which lanes of eight come first when those with a bit are put together. Highway's own table for AVX2 (1.0.3) is a
// local constant, which GCC 12 copies to the stack at each use: 2 KiB for each vector.
#pragma once

#include <array>
#include <cstdint>

namespace weir::simd {

struct CompressLanes {
  std::array<std::array<std::uint8_t, 8>, 256> from{};

  constexpr CompressLanes() {
    for (unsigned bits = 0; bits < 256; ++bits) {
      unsigned kept = 0;
      for (unsigned lane = 0; lane < 8; ++lane)
        if ((bits >> lane & 1) != 0) from[bits][kept++] = static_cast<std::uint8_t>(lane);
    }
  }
};
inline constexpr CompressLanes kCompressLanes;

/// Each bit of a byte twice, as 16 bits.
struct TwiceBits {
  std::array<std::uint16_t, 256> of{};

  constexpr TwiceBits() {
    for (unsigned bits = 0; bits < 256; ++bits)
      for (unsigned bit = 0; bit < 8; ++bit)
        if ((bits >> bit & 1) != 0) of[bits] = static_cast<std::uint16_t>(of[bits] | 3u << (2 * bit));
  }
};
inline constexpr TwiceBits kTwiceBits;

}  // namespace weir::simd
