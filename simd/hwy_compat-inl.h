// What the kernels share on top of Highway 1.0.3 (Debian bookworm) and 1.2 (trixie): only names that both have, and
// masks of 64 rows as one word.
//
// Traps: operator!= of floating point answers false for NaN on some targets (an ordered compare), so Ne is always
// written as Not(Eq); Min and Max of floating point differ by target when a value is NaN, so they are written by Lt.
#if defined(WEIR_SIMD_HWY_COMPAT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef WEIR_SIMD_HWY_COMPAT_INL_H_
#undef WEIR_SIMD_HWY_COMPAT_INL_H_
#else
#define WEIR_SIMD_HWY_COMPAT_INL_H_
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "compress_lanes.h"

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The mask's lanes as the low bits of a word.
template <class D, class M>
HWY_INLINE std::uint64_t mask_bits(D d, M mask) {
#if HWY_TARGET <= HWY_AVX3  // better targets have lesser numbers
  (void)d;
  return mask.raw;  // without a way through memory
#else
  constexpr std::size_t kLanes = HWY_LANES(hn::TFromD<D>);
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  if constexpr (kLanes <= 8) {
    return bytes[0];
  } else if constexpr (kLanes == 16) {
    std::uint16_t bits;
    std::memcpy(&bits, bytes, sizeof bits);
    return bits;
  } else if constexpr (kLanes == 32) {
    std::uint32_t bits;
    std::memcpy(&bits, bytes, sizeof bits);
    return bits;
  } else {
    std::uint64_t bits;
    std::memcpy(&bits, bytes, sizeof bits);
    return bits;
  }
#endif
}

/// The low bits of a word as a mask.
template <class D>
HWY_INLINE hn::Mask<D> bits_mask(D d, std::uint64_t bits) {
  std::uint8_t bytes[8];
  std::memcpy(bytes, &bits, sizeof bytes);
  return hn::LoadMaskBits(d, bytes);
}

template <class D>
HWY_INLINE hn::Vec<D> lanes_from_zero(D d) {
  return hn::Iota(d, hn::TFromD<D>{0});
}

/// The lanes of 32 bits whose bit is set, first; what the others hold is anything.
template <class D>
HWY_INLINE hn::Vec<D> compress_lanes(D d, hn::Vec<D> lanes, std::uint64_t bits) {
  if constexpr (HWY_LANES(std::uint32_t) == 8) {
    const hn::Rebind<std::uint8_t, D> narrow;
    const auto from = hn::PromoteTo(d, hn::LoadU(narrow, kCompressLanes.from[bits].data()));
    return hn::TableLookupLanes(lanes, hn::IndicesFromVec(d, from));
  } else {
    return hn::Compress(lanes, bits_mask(d, bits));
  }
}

/// Writes first + the positions of the ones of `bits`, ascending; returns how many. Writes up to `out` + 64.
HWY_INLINE std::uint32_t emit_rows(std::uint64_t bits, std::uint32_t first, std::uint32_t* out) {
  const hn::ScalableTag<std::uint32_t> d;
  constexpr std::uint32_t kLanes = HWY_LANES(std::uint32_t);
  auto rows = hn::Add(lanes_from_zero(d), hn::Set(d, first));
  const auto step = hn::Set(d, kLanes);
  std::uint32_t count = 0;
  for (std::uint32_t lane = 0; lane < 64; lane += kLanes) {
    const std::uint64_t part = (bits >> lane) & ((std::uint64_t{1} << kLanes) - 1);
    hn::StoreU(compress_lanes(d, rows, part), d, out + count);
    count += static_cast<std::uint32_t>(std::popcount(part));
    rows = hn::Add(rows, step);
  }
  return count;
}

/// 64 bytes to one word: bit i where byte i is not 0.
HWY_INLINE std::uint64_t bits_of_bytes(const std::uint8_t* bytes) {
  const hn::ScalableTag<std::uint8_t> d;
  constexpr std::size_t kLanes = HWY_LANES(std::uint8_t);
  std::uint64_t zero = 0;
  for (std::size_t i = 0; i < 64; i += kLanes) {
    zero |= mask_bits(d, hn::Eq(hn::LoadU(d, bytes + i), hn::Zero(d))) << i;
  }
  return ~zero;
}

/// One word to 64 bytes of 0 or 1.
HWY_INLINE void bytes_of_bits(std::uint64_t bits, std::uint8_t* bytes) {
  const hn::ScalableTag<std::uint8_t> d;
  constexpr std::size_t kLanes = HWY_LANES(std::uint8_t);
  for (std::size_t i = 0; i < 64; i += kLanes) {
    hn::StoreU(hn::IfThenElseZero(bits_mask(d, bits >> i), hn::Set(d, 1)), d, bytes + i);
  }
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
