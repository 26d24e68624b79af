// ExactNumber: an integer of any size that occurs here, times a power of two. What results are made of exact sums with:
// n * sum(x*x) - sum(x)^2 loses nothing to cancellation, and is rounded once.
//
//   value = sign * (words[0] + words[1] * 2^64 + …) * 2^exponent      words[0] and the last word are not 0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "weir/core/type.h"

namespace weir {

/// mantissa * 2^exponent with 0.5 <= |mantissa| < 1, or 0: a number rounded to 53 bits whose exponent has no bounds.
struct ScaledDouble {
  double mantissa = 0;
  std::int64_t exponent = 0;

  /// Each rounds its mantissa once.
  friend ScaledDouble operator*(ScaledDouble a, ScaledDouble b) noexcept;
  friend ScaledDouble operator/(ScaledDouble a, ScaledDouble b) noexcept;  ///< Requires: b is not 0.
  friend ScaledDouble square_root(ScaledDouble a) noexcept;                ///< Requires: a is not negative.
  /// Rounded again where it is denormal; infinite where it is too great.
  double value() const noexcept;
};

/// On the stack; allocates never. Requires of every operation: the result has at most kWordsMax words (the fourth power
/// of a sum of any doubles has less).
class ExactNumber {
 public:
  static constexpr std::size_t kWordsMax = 320;

  ExactNumber() = default;
  explicit ExactNumber(std::uint64_t integer) noexcept;
  ExactNumber(const ExactNumber& other) noexcept { *this = other; }
  ExactNumber& operator=(const ExactNumber& other) noexcept;

  /// Two's complement, least word first, times 2^exponent.
  static ExactNumber from_words(std::span<const std::uint64_t> words, int exponent) noexcept;
  static ExactNumber from_integer(Int128 integer) noexcept;

  friend ExactNumber operator+(const ExactNumber& a, const ExactNumber& b) noexcept { return sum(a, b, false); }
  friend ExactNumber operator-(const ExactNumber& a, const ExactNumber& b) noexcept { return sum(a, b, true); }
  friend ExactNumber operator*(const ExactNumber& a, const ExactNumber& b) noexcept;
  ExactNumber times_power_of_two(int power) const noexcept;

  /// -1, 0 or 1.
  int sign() const noexcept { return size_ == 0 ? 0 : negative_ ? -1 : 1; }
  /// Rounded to nearest, ties to even; infinite beyond the greatest double; what rounds to 0 is +0.
  double value() const noexcept;
  ScaledDouble scaled() const noexcept;

 private:
  static ExactNumber sum(const ExactNumber& a, const ExactNumber& b, bool negate_b) noexcept;
  void trim() noexcept;
  /// The magnitude rounded to a multiple of 2^bit of itself, in units of that; less than 2^54.
  std::uint64_t rounded(std::int64_t bit) const noexcept;
  std::int64_t top_bit() const noexcept;
  std::uint64_t word(std::int64_t index) const noexcept {
    return index < 0 || index >= static_cast<std::int64_t>(size_) ? 0 : words_[index];
  }

  std::uint32_t size_ = 0;  // 0: the number 0
  bool negative_ = false;
  int exponent_ = 0;
  std::uint64_t words_[kWordsMax];
};

}  // namespace weir
