// ExactSum: the sum of doubles without any rounding until the end, so that it is the same bits whatever the order, the
// shards and the batches, and so that a value can be taken out again.
//
//   limbs   256 bits of fixed point in two's complement, least bit 2^-160: exact and without branches for values
//           whose bits lie in 2^-160 … 2^84, which is what data and products of data hold
//   wide    for what lies outside: all bits that a product of two doubles can have, and counts of NaN, +infinity and
//           -infinity, which have no bits and can be taken out again; on the StateHeap, made when first needed
//
// The sum is limbs + wide. value() rounds it once, to nearest, ties to even. What comes out 0 is +0, also for nothing
// but -0. Source: Neal, Fast exact summation using small and large superaccumulators, 2015; Demmel and Nguyen,
// Parallel reproducible summation, IEEE TC 2015 (what this replaces).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/core/type.h"
#include "weir/pipeline/state_heap.h"
#include "weir/simd/rows.h"

namespace weir {

class ExactNumber;

/// magnitude * 2^exponent, negated where `negative`; or NaN or an infinity.
struct ExactTerm {
  std::uint64_t magnitude = 0;
  int exponent = 0;
  bool negative = false;
  bool finite = true;
  double value = 0;  ///< As a double; what counts where it is not finite.

  static ExactTerm of(double value) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const auto field = static_cast<int>(bits >> 52 & 0x7FF);
    const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52) - 1);
    return {field == 0 ? fraction : fraction | std::uint64_t{1} << 52, (field == 0 ? 1 : field) - 1075, bits >> 63 != 0,
            field != 0x7FF, value};
  }
  static ExactTerm of(std::int64_t value) noexcept {
    const auto bits = static_cast<std::uint64_t>(value);
    return {value < 0 ? 0 - bits : bits, 0, value < 0, true, static_cast<double>(value)};
  }
};

/// 40 bytes, all zeros when empty, aligned to 8, may be moved with memcpy. Thread: the owning shard.
/// Errors: adding returns false where the heap is at its maximum; the sum is not to be used then.
struct ExactSum {
  struct Wide;

  static constexpr int kLeastBit = -160;
  static constexpr std::size_t kPartialBytesMax = 600;

  std::uint64_t limbs[4];
  Wide* wide;

  /// Cost: about 30 instructions, no branch but the test for what lies outside.
  bool add(double value, StateHeap& heap) noexcept { return add_signed(value, 0, heap); }
  bool subtract(double value, StateHeap& heap) noexcept { return add_signed(value, std::uint64_t{1} << 63, heap); }
  /// a * b without rounding, underflow or overflow. NaN and infinities: what a * b gives.
  bool add_product(double a, double b, StateHeap& heap) noexcept {
    return add_product(ExactTerm::of(a), ExactTerm::of(b), false, heap);
  }
  bool subtract_product(double a, double b, StateHeap& heap) noexcept {
    return add_product(ExactTerm::of(a), ExactTerm::of(b), true, heap);
  }
  /// Adds, or takes out where `negated`: a term, and the product of two.
  bool add_term(const ExactTerm& term, bool negated, StateHeap& heap) noexcept;
  bool add_product(const ExactTerm& a, const ExactTerm& b, bool negated, StateHeap& heap) noexcept;
  /// NaN or an infinity, which is counted.
  bool add_special(double value, bool negated, StateHeap& heap) noexcept;
  /// magnitude * 2^exponent, negated where `negative`. Requires: exponent in -2208 … 1984.
  bool add_scaled(Uint128 magnitude, int exponent, bool negative, StateHeap& heap) noexcept;

  /// Adds all rows, a batch at a time with SIMD where their values lie within about 100 bits. T: float, double.
  template <class T>
  bool add_rows(const T* values, const simd::Rows& rows, StateHeap& heap) noexcept;

  bool combine(const ExactSum& other, StateHeap& heap) noexcept;
  bool remove(const ExactSum& other, StateHeap& heap) noexcept;
  void release(StateHeap& heap) noexcept;

  /// NaN where a NaN or both infinities are in it; infinite where the exact sum rounds to more than the greatest
  /// double.
  double value() const noexcept;
  /// False where a NaN or an infinity is in it.
  bool finite() const noexcept;
  /// The exact sum of what is finite.
  void get(ExactNumber& number) const noexcept;

  /// 32, or kPartialBytesMax where there is a wide part.
  std::size_t partial_bytes() const noexcept;
  /// Writes partial_bytes() bytes.
  void write_partial(std::byte* to) const noexcept;
  /// The same bytes in place, valid until the sum changes.
  std::string_view partial() const noexcept;
  /// Requires: bytes that write_partial wrote, at any alignment.
  bool add_partial(std::string_view bytes, StateHeap& heap) noexcept;

 private:
  /// `flip` is 0, or the sign bit to subtract.
  bool add_signed(double value, std::uint64_t flip, StateHeap& heap) noexcept;
  bool add_outside(double value, bool negated, StateHeap& heap) noexcept;
  /// Whether the next value may not fit any more.
  bool nearly_full() const noexcept { return static_cast<std::int64_t>(limbs[3] + (std::uint64_t{1} << 62)) < 0; }
  bool add_sum(const std::uint64_t (&other)[4], const Wide* other_wide, bool negated, StateHeap& heap) noexcept;
  bool need_wide(StateHeap& heap) noexcept;
  bool empty_limbs(StateHeap& heap) noexcept;
};
static_assert(sizeof(ExactSum) == 40);

namespace detail {

/// a + b + carry; carry becomes the carry out. Requires: carry is 0 or 1.
inline std::uint64_t add_with_carry(std::uint64_t a, std::uint64_t b, std::uint64_t& carry) noexcept {
#if defined(__x86_64__)
  unsigned long long sum;
  carry = __builtin_ia32_addcarryx_u64(static_cast<unsigned char>(carry), a, b, &sum);
  return sum;
#else
  const Uint128 sum = static_cast<Uint128>(a) + b + carry;
  carry = static_cast<std::uint64_t>(sum >> 64);
  return static_cast<std::uint64_t>(sum);
#endif
}

/// Adds 1 or -1 to a number of `count` words, where -1 is all ones; what leaves the last word is lost.
inline void carry_on(std::uint64_t* words, unsigned count, std::uint64_t one) noexcept {
  for (unsigned i = 0; i < count; ++i) {
    words[i] += one;
    if (words[i] != (one == 1 ? 0 : ~std::uint64_t{0})) return;
  }
}

}  // namespace detail

inline bool ExactSum::add_signed(double value, std::uint64_t flip, StateHeap& heap) noexcept {
  constexpr std::uint64_t kMantissa = (std::uint64_t{1} << 52) - 1;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value) ^ flip;
  // Of the value's least bit; that of exponent field e is 2^(e - 1075).
  const unsigned position = static_cast<unsigned>(bits >> 52 & 0x7FF) - static_cast<unsigned>(1075 + kLeastBit);
  if (position >= 192) [[unlikely]]
    return add_outside(value, flip != 0, heap);
  const std::uint64_t mantissa = (bits & kMantissa) | (kMantissa + 1);
  const auto sign = static_cast<std::uint64_t>(static_cast<std::int64_t>(bits) >> 63);  // all ones where negative
  const unsigned word = position / 64, shift = position % 64;
  const std::uint64_t low = mantissa << shift, high = mantissa >> 1 >> (63 - shift);
  // Two's complement: the words' complement, plus 1, and all ones above, to which the carry is added.
  std::uint64_t carry = sign & 1;
  limbs[word] = detail::add_with_carry(limbs[word], low ^ sign, carry);
  limbs[word + 1] = detail::add_with_carry(limbs[word + 1], high ^ sign, carry);
  if (sign + carry != 0) [[unlikely]]
    detail::carry_on(limbs + word + 2, 2 - word, sign + carry);
  return !nearly_full() || empty_limbs(heap);
}

}  // namespace weir
