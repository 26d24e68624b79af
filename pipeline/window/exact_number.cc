// Schoolbook arithmetic on few words. See exact_number.h.
#include "window/exact_number.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "weir/core/check.h"
#include "window/exact_sum.h"

namespace weir {
namespace {

ScaledDouble normal(double mantissa, std::int64_t exponent) noexcept {
  int more = 0;
  mantissa = std::frexp(mantissa, &more);
  return {mantissa, mantissa == 0 ? 0 : exponent + more};
}

}  // namespace

ScaledDouble operator*(ScaledDouble a, ScaledDouble b) noexcept {
  return normal(a.mantissa * b.mantissa, a.exponent + b.exponent);
}
ScaledDouble operator/(ScaledDouble a, ScaledDouble b) noexcept {
  return normal(a.mantissa / b.mantissa, a.exponent - b.exponent);
}
ScaledDouble square_root(ScaledDouble a) noexcept {
  const bool odd = a.exponent % 2 != 0;
  return normal(std::sqrt(odd ? a.mantissa * 2 : a.mantissa), (a.exponent - (odd ? 1 : 0)) / 2);
}
double ScaledDouble::value() const noexcept {
  return std::ldexp(mantissa, static_cast<int>(std::clamp<std::int64_t>(exponent, -3000, 3000)));
}

ExactNumber::ExactNumber(std::uint64_t integer) noexcept {
  words_[0] = integer;
  size_ = 1;
  trim();
}

ExactNumber& ExactNumber::operator=(const ExactNumber& other) noexcept {
  size_ = other.size_;
  negative_ = other.negative_;
  exponent_ = other.exponent_;
  if (this != &other) std::memcpy(words_, other.words_, size_ * sizeof words_[0]);
  return *this;
}

ExactNumber ExactNumber::from_words(std::span<const std::uint64_t> words, int exponent) noexcept {
  WEIR_DCHECK(words.size() <= kWordsMax);
  ExactNumber number;
  number.negative_ = !words.empty() && words.back() >> 63 != 0;
  number.exponent_ = exponent;
  number.size_ = static_cast<std::uint32_t>(words.size());
  std::uint64_t carry = number.negative_ ? 1 : 0;
  for (std::size_t i = 0; i < words.size(); ++i)
    number.words_[i] = detail::add_with_carry(number.negative_ ? ~words[i] : words[i], 0, carry);
  number.trim();
  return number;
}

ExactNumber ExactNumber::from_integer(Int128 integer) noexcept {
  const std::uint64_t words[2] = {static_cast<std::uint64_t>(integer), static_cast<std::uint64_t>(integer >> 64)};
  return from_words(words, 0);
}

void ExactNumber::trim() noexcept {
  while (size_ != 0 && words_[size_ - 1] == 0) --size_;
  std::uint32_t zeros = 0;
  while (zeros < size_ && words_[zeros] == 0) ++zeros;
  if (zeros != 0) {
    size_ -= zeros;
    std::memmove(words_, words_ + zeros, size_ * sizeof words_[0]);
    exponent_ += static_cast<int>(64 * zeros);
  }
  if (size_ == 0) {
    negative_ = false;
    exponent_ = 0;
  }
}

ExactNumber ExactNumber::times_power_of_two(int power) const noexcept {
  ExactNumber number(*this);
  if (size_ != 0) number.exponent_ += power;
  return number;
}

ExactNumber ExactNumber::sum(const ExactNumber& a, const ExactNumber& b, bool negate_b) noexcept {
  if (b.size_ == 0) return a;
  ExactNumber result;
  if (a.size_ == 0) {
    result = b;
    result.negative_ = b.negative_ != negate_b;
    return result;
  }
  // Both in units of the lesser exponent, as two's complement; one word more than the greater takes the carry.
  result.exponent_ = std::min(a.exponent_, b.exponent_);
  const auto low = std::int64_t{result.exponent_};
  const std::int64_t top = std::max(a.top_bit() + a.exponent_, b.top_bit() + b.exponent_);
  const std::int64_t size = (top - low) / 64 + 2;
  WEIR_CHECK(size <= static_cast<std::int64_t>(kWordsMax));
  result.size_ = static_cast<std::uint32_t>(size);
  const auto shifted = [&](const ExactNumber& number, std::int64_t index) noexcept {
    const std::int64_t shift = number.exponent_ - low;
    const std::int64_t from = index - shift / 64;
    const auto bits = static_cast<unsigned>(shift % 64);
    return number.word(from) << bits | number.word(from - 1) >> 1 >> (63 - bits);
  };
  const bool negate[2] = {a.negative_, b.negative_ != negate_b};
  std::uint64_t carry_a = negate[0] ? 1 : 0, carry_b = negate[1] ? 1 : 0, carry = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::uint64_t word_a = shifted(a, i), word_b = shifted(b, i);
    const std::uint64_t left = detail::add_with_carry(negate[0] ? ~word_a : word_a, 0, carry_a);
    const std::uint64_t right = detail::add_with_carry(negate[1] ? ~word_b : word_b, 0, carry_b);
    result.words_[i] = detail::add_with_carry(left, right, carry);
  }
  result.negative_ = result.words_[size - 1] >> 63 != 0;
  if (result.negative_) {
    carry = 1;
    for (std::int64_t i = 0; i < size; ++i) result.words_[i] = detail::add_with_carry(~result.words_[i], 0, carry);
  }
  result.trim();
  return result;
}

ExactNumber operator*(const ExactNumber& a, const ExactNumber& b) noexcept {
  ExactNumber result;
  if (a.size_ == 0 || b.size_ == 0) return result;
  WEIR_CHECK(a.size_ + b.size_ <= ExactNumber::kWordsMax);
  result.size_ = a.size_ + b.size_;
  result.negative_ = a.negative_ != b.negative_;
  result.exponent_ = a.exponent_ + b.exponent_;
  std::memset(result.words_, 0, result.size_ * sizeof result.words_[0]);
  for (std::uint32_t i = 0; i < a.size_; ++i) {
    std::uint64_t carry = 0;
    for (std::uint32_t j = 0; j < b.size_; ++j) {
      const Uint128 product = static_cast<Uint128>(a.words_[i]) * b.words_[j] + result.words_[i + j] + carry;
      result.words_[i + j] = static_cast<std::uint64_t>(product);
      carry = static_cast<std::uint64_t>(product >> 64);
    }
    result.words_[i + b.size_] = carry;
  }
  result.trim();
  return result;
}

std::int64_t ExactNumber::top_bit() const noexcept {
  return size_ == 0 ? -1 : std::int64_t{size_} * 64 - 1 - std::countl_zero(words_[size_ - 1]);
}

std::uint64_t ExactNumber::rounded(std::int64_t bit) const noexcept {
  if (bit <= 0) return words_[0] << -bit;  // all bits are kept; few words since less than 2^54 comes out
  const auto bits = static_cast<unsigned>(bit % 64);
  const std::int64_t from = bit / 64;
  const std::uint64_t whole = word(from) >> bits | (bits == 0 ? 0 : word(from + 1) << (64 - bits));
  const std::int64_t half = bit - 1;
  if ((word(half / 64) >> (half % 64) & 1) == 0) return whole;
  // words_[0] is not 0, so below a half in a higher word there is something.
  const std::uint64_t below = (std::uint64_t{1} << (half % 64)) - 1;
  const bool tie = half / 64 == 0 && (word(0) & below) == 0;
  const bool more = half / 64 != 0 || (word(0) & below) != 0;
  return more || (tie && (whole & 1) != 0) ? whole + 1 : whole;
}

double ExactNumber::value() const noexcept {
  if (size_ == 0) return 0;
  const std::int64_t top = top_bit() + exponent_;
  const std::int64_t least = std::max<std::int64_t>(top - 52, -1074);  // of the result's bits
  if (top > 1023) return negative_ ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  if (top < -1076) return 0;
  const auto magnitude = static_cast<double>(rounded(least - exponent_));
  const double value = std::ldexp(magnitude, static_cast<int>(least));
  return negative_ && value != 0 ? -value : value;
}

ScaledDouble ExactNumber::scaled() const noexcept {
  if (size_ == 0) return {};
  const std::int64_t least = top_bit() - 52;
  const auto magnitude = static_cast<double>(rounded(least));
  return normal(negative_ ? -magnitude : magnitude, least + exponent_);
}

}  // namespace weir
