// Integers of any size and their quotients, as slow as they are plain: the oracle for sums and moments that are claimed
// to be exact or rounded once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir::testing {

/// Sign and magnitude in base 2^32, least digit first, no leading zeros.
class Integer {
 public:
  Integer() = default;
  Integer(std::int64_t value) : negative_(value < 0) {  // NOLINT: as numbers convert
    auto rest = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    for (; rest != 0; rest >>= 32) digits_.push_back(static_cast<std::uint32_t>(rest));
  }
  /// value * 2^scale, which is to be an integer; 1074 makes one of every finite double.
  static Integer of_double(double value, int scale = 1074) {
    int exponent = 0;
    const double mantissa = std::frexp(std::fabs(value), &exponent);
    Integer result(static_cast<std::int64_t>(std::ldexp(mantissa, 53)));
    result = exponent - 53 + scale >= 0 ? result.shifted_left(static_cast<unsigned>(exponent - 53 + scale))
                                        : result.shifted_right(static_cast<unsigned>(53 - scale - exponent));
    result.negative_ = value < 0;
    return result;
  }

  bool is_zero() const { return digits_.empty(); }
  bool is_negative() const { return negative_ && !is_zero(); }
  unsigned bits() const {
    unsigned count = static_cast<unsigned>(digits_.size()) * 32;
    for (; count != 0 && !bit(count - 1); --count) {
    }
    return count;
  }
  bool bit(unsigned index) const {
    return index / 32 < digits_.size() && (digits_[index / 32] >> (index % 32) & 1) != 0;
  }

  Integer operator-() const {
    Integer result = *this;
    result.negative_ = !negative_;
    return result;
  }
  Integer magnitude() const {
    Integer result = *this;
    result.negative_ = false;
    return result;
  }
  friend Integer operator+(const Integer& a, const Integer& b) {
    if (a.negative_ == b.negative_) {
      Integer sum = added(a, b);
      sum.negative_ = a.negative_;
      return sum;
    }
    const bool a_greater = compare_magnitude(a, b) >= 0;
    Integer difference = a_greater ? taken(a, b) : taken(b, a);
    difference.negative_ = a_greater ? a.negative_ : b.negative_;
    return difference;
  }
  friend Integer operator-(const Integer& a, const Integer& b) { return a + -b; }
  friend Integer operator*(const Integer& a, const Integer& b) {
    Integer result;
    result.digits_.assign(a.digits_.size() + b.digits_.size(), 0);
    for (std::size_t i = 0; i < a.digits_.size(); ++i) {
      std::uint64_t carry = 0;
      for (std::size_t j = 0; j < b.digits_.size() || carry != 0; ++j) {
        const std::uint64_t factor = j < b.digits_.size() ? b.digits_[j] : 0;
        const std::uint64_t sum = result.digits_[i + j] + a.digits_[i] * factor + carry;
        result.digits_[i + j] = static_cast<std::uint32_t>(sum);
        carry = sum >> 32;
      }
    }
    result.negative_ = a.negative_ != b.negative_;
    result.trim();
    return result;
  }
  static int compare_magnitude(const Integer& a, const Integer& b) {
    if (a.digits_.size() != b.digits_.size()) return a.digits_.size() < b.digits_.size() ? -1 : 1;
    for (std::size_t i = a.digits_.size(); i-- > 0;)
      if (a.digits_[i] != b.digits_[i]) return a.digits_[i] < b.digits_[i] ? -1 : 1;
    return 0;
  }
  Integer shifted_left(unsigned count) const {
    Integer result;
    result.negative_ = negative_;
    result.digits_.assign(count / 32, 0);
    std::uint64_t carry = 0;
    for (const std::uint32_t digit : digits_) {
      carry |= std::uint64_t{digit} << (count % 32);
      result.digits_.push_back(static_cast<std::uint32_t>(carry));
      carry >>= 32;
    }
    result.digits_.push_back(static_cast<std::uint32_t>(carry));
    result.trim();
    return result;
  }
  Integer shifted_right(unsigned count) const {
    Integer result;
    result.negative_ = negative_;
    for (unsigned i = count; i < bits(); ++i) result.set_bit(i - count, bit(i));
    result.trim();
    return result;
  }

 private:
  static Integer added(const Integer& a, const Integer& b) {
    Integer sum;
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < std::max(a.digits_.size(), b.digits_.size()) || carry != 0; ++i) {
      carry += i < a.digits_.size() ? a.digits_[i] : 0;
      carry += i < b.digits_.size() ? b.digits_[i] : 0;
      sum.digits_.push_back(static_cast<std::uint32_t>(carry));
      carry >>= 32;
    }
    return sum;
  }
  static Integer taken(const Integer& a, const Integer& b) {
    Integer difference = a;
    std::int64_t borrow = 0;
    for (std::size_t i = 0; i < a.digits_.size(); ++i) {
      std::int64_t digit =
          std::int64_t{a.digits_[i]} - (i < b.digits_.size() ? std::int64_t{b.digits_[i]} : 0) - borrow;
      borrow = digit < 0 ? 1 : 0;
      if (digit < 0) digit += std::int64_t{1} << 32;
      difference.digits_[i] = static_cast<std::uint32_t>(digit);
    }
    difference.trim();
    return difference;
  }
  void set_bit(unsigned index, bool value) {
    if (index / 32 >= digits_.size()) digits_.resize(index / 32 + 1, 0);
    if (value) digits_[index / 32] |= std::uint32_t{1} << (index % 32);
  }
  void trim() {
    while (!digits_.empty() && digits_.back() == 0) digits_.pop_back();
  }

  bool negative_ = false;
  std::vector<std::uint32_t> digits_;
};

/// numerator / denominator * 2^exponent rounded to the nearest double, ties to even, by long division; 0 is +0.
inline double nearest_double(const Integer& numerator, const Integer& denominator = Integer(1), int exponent = 0) {
  if (numerator.is_zero()) return 0;
  const bool negative = numerator.is_negative() != denominator.is_negative();
  Integer rest = numerator.magnitude();
  Integer divisor = denominator.magnitude();
  // Scaled so that the quotient has 64 or 65 bits, then cut to what a double of that size holds.
  const int shift = 64 + static_cast<int>(divisor.bits()) - static_cast<int>(rest.bits());
  if (shift >= 0)
    rest = rest.shifted_left(static_cast<unsigned>(shift));
  else
    divisor = divisor.shifted_left(static_cast<unsigned>(-shift));
  exponent -= shift;
  std::vector<bool> quotient;  // greatest bit first
  for (int i = 66; i >= 0; --i) {
    const Integer part = divisor.shifted_left(static_cast<unsigned>(i));
    const bool one = Integer::compare_magnitude(rest, part) >= 0;
    if (one) rest = rest - part;
    if (one || !quotient.empty()) quotient.push_back(one);
  }
  const int top = exponent + static_cast<int>(quotient.size()) - 1;
  if (top > 1023) return negative ? -HUGE_VAL : HUGE_VAL;
  const int least = std::max(top - 52, -1074);
  std::uint64_t mantissa = 0;
  bool half = false, more = !rest.is_zero();
  for (std::size_t i = 0; i < quotient.size(); ++i) {
    const int place = top - static_cast<int>(i);
    if (place >= least)
      mantissa = mantissa * 2 + (quotient[i] ? 1 : 0);
    else if (place == least - 1)
      half = quotient[i];
    else
      more = more || quotient[i];
  }
  if (half && (more || mantissa % 2 != 0)) ++mantissa;
  const double value = std::ldexp(static_cast<double>(mantissa), least);
  return negative && value != 0 ? -value : value;
}

/// The sum of finite doubles, rounded once.
inline double rounded_sum(const std::vector<double>& values) {
  Integer sum;
  for (const double value : values) sum = sum + Integer::of_double(value);
  return nearest_double(sum, Integer(1), -1074);
}

}  // namespace weir::testing
