// What lies outside the limbs, and sums of sums. See exact_sum.h.
#include "window/exact_sum.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "weir/core/check.h"
#include "weir/simd/exact_sum.h"
#include "window/exact_number.h"

namespace weir {

/// All bits from that of the product of the two least doubles up to 2^64 times that of the two greatest.
struct ExactSum::Wide {
  static constexpr int kLeastBit = -2208;
  static constexpr unsigned kWords = 68;
  static constexpr unsigned kLimbs = (ExactSum::kLeastBit - kLeastBit) / 64;  ///< The word that limbs[0] is added to.

  std::uint64_t limbs[4];  ///< Room for a partial in one piece.
  std::uint64_t words[kWords];
  std::uint64_t nan, infinite, infinite_negative;  ///< How many were added; modulo 2^64, as partials may be negative.

  bool special() const noexcept { return (nan | infinite | infinite_negative) != 0; }

  /// Adds or subtracts three words at `at`.
  void add(unsigned at, const std::uint64_t (&magnitude)[3], bool negative) noexcept {
    const std::uint64_t sign = negative ? ~std::uint64_t{0} : 0;
    std::uint64_t carry = sign & 1;
    for (unsigned i = 0; i < 3; ++i) words[at + i] = detail::add_with_carry(words[at + i], magnitude[i] ^ sign, carry);
    if (sign + carry != 0) detail::carry_on(words + at + 3, kWords - at - 3, sign + carry);
  }
};

static_assert(sizeof(ExactSum::Wide) == ExactSum::kPartialBytesMax);

namespace {

/// Returns what leaves the last word: the carry, and -1 where what is added or taken is a negative number.
std::uint64_t add_words(std::uint64_t* to, const std::uint64_t* what, unsigned count, bool negative) noexcept {
  const std::uint64_t flip = negative ? ~std::uint64_t{0} : 0;
  const std::uint64_t sign = static_cast<std::uint64_t>(static_cast<std::int64_t>(what[count - 1]) >> 63) ^ flip;
  std::uint64_t carry = flip & 1;
  for (unsigned i = 0; i < count; ++i) to[i] = detail::add_with_carry(to[i], what[i] ^ flip, carry);
  return sign + carry;
}

}  // namespace

bool ExactSum::need_wide(StateHeap& heap) noexcept {
  if (wide != nullptr) return true;
  void* piece = heap.take(sizeof(Wide));
  if (piece == nullptr) return false;
  std::memset(piece, 0, sizeof(Wide));
  wide = static_cast<Wide*>(piece);
  return true;
}

bool ExactSum::empty_limbs(StateHeap& heap) noexcept {
  if (!need_wide(heap)) return false;
  const std::uint64_t one = add_words(wide->words + Wide::kLimbs, limbs, 4, false);
  if (one != 0) detail::carry_on(wide->words + Wide::kLimbs + 4, Wide::kWords - Wide::kLimbs - 4, one);
  std::fill(std::begin(limbs), std::end(limbs), 0);
  return true;
}

bool ExactSum::add_special(double value, bool negated, StateHeap& heap) noexcept {
  if (!need_wide(heap)) return false;
  std::uint64_t& count = std::isnan(value) ? wide->nan : value > 0 ? wide->infinite : wide->infinite_negative;
  count += negated ? ~std::uint64_t{0} : 1;
  return true;
}

bool ExactSum::add_outside(double value, bool negated, StateHeap& heap) noexcept {
  if (value == 0) return true;
  if (!std::isfinite(value)) return add_special(value, negated, heap);
  return add_term(ExactTerm::of(value), negated, heap);
}

bool ExactSum::add_term(const ExactTerm& term, bool negated, StateHeap& heap) noexcept {
  if (!term.finite) [[unlikely]]
    return add_special(term.value, negated, heap);
  return add_scaled(term.magnitude, term.exponent, term.negative != negated, heap);
}

bool ExactSum::add_product(const ExactTerm& a, const ExactTerm& b, bool negated, StateHeap& heap) noexcept {
  if (!a.finite || !b.finite) [[unlikely]]
    return add_special(a.value * b.value, negated, heap);
  return add_scaled(static_cast<Uint128>(a.magnitude) * b.magnitude, a.exponent + b.exponent,
                    (a.negative != b.negative) != negated, heap);
}

bool ExactSum::add_scaled(Uint128 magnitude, int exponent, bool negative, StateHeap& heap) noexcept {
  const auto low = static_cast<std::uint64_t>(magnitude), high = static_cast<std::uint64_t>(magnitude >> 64);
  const auto position = static_cast<unsigned>(exponent - kLeastBit);
  const auto shifted = [&](unsigned shift, std::uint64_t(&words)[3]) noexcept {
    words[0] = low << shift;
    words[1] = high << shift | low >> 1 >> (63 - shift);
    words[2] = high >> 1 >> (63 - shift);
  };
  std::uint64_t words[3];
  if (position < 128) [[likely]] {  // bits up to 2^(-160 + 127 + 128) = 2^95, of which the last ones are tested
    const unsigned word = position / 64;
    shifted(position % 64, words);
    if (word == 0 || words[2] >> 62 == 0) [[likely]] {
      const std::uint64_t sign = negative ? ~std::uint64_t{0} : 0;
      std::uint64_t carry = sign & 1;
      for (unsigned i = 0; i < 3; ++i)
        limbs[word + i] = detail::add_with_carry(limbs[word + i], words[i] ^ sign, carry);
      if (word == 0) limbs[3] += sign + carry;
      return !nearly_full() || empty_limbs(heap);
    }
  } else if (position < 192 && high == 0 && low >> 53 == 0) {
    const std::uint64_t sign = negative ? ~std::uint64_t{0} : 0;
    std::uint64_t carry = sign & 1;
    shifted(position % 64, words);
    limbs[2] = detail::add_with_carry(limbs[2], words[0] ^ sign, carry);
    limbs[3] = detail::add_with_carry(limbs[3], words[1] ^ sign, carry);
    return !nearly_full() || empty_limbs(heap);
  }
  if (magnitude == 0) return true;
  if (!need_wide(heap)) return false;
  const auto at = static_cast<unsigned>(exponent - Wide::kLeastBit);
  shifted(at % 64, words);
  wide->add(at / 64, words, negative);
  return true;
}

template <class T>
bool ExactSum::add_rows(const T* values, const simd::Rows& rows, StateHeap& heap) noexcept {
  for (std::uint32_t first = 0; first < rows.count; first += simd::kSplitRowsMax) {
    const std::uint32_t count = std::min(rows.count - first, simd::kSplitRowsMax);
    simd::SplitSum split;
    if (simd::split_sum(values, rows, first, count, &split)) {
      const auto add = [&](std::int64_t sum, int exponent) noexcept {
        const auto bits = static_cast<std::uint64_t>(sum);
        return add_scaled(sum < 0 ? 0 - bits : bits, exponent, sum < 0, heap);
      };
      if (!add(split.high, split.high_exponent) || !add(split.low, split.low_exponent)) return false;
      continue;
    }
    for (std::uint32_t i = first; i < first + count; ++i) {
      const std::uint32_t row = rows[i];
      if (rows.valid(row) && !add(static_cast<double>(values[row]), heap)) return false;
    }
  }
  return true;
}
template bool ExactSum::add_rows<float>(const float*, const simd::Rows&, StateHeap&) noexcept;
template bool ExactSum::add_rows<double>(const double*, const simd::Rows&, StateHeap&) noexcept;

bool ExactSum::add_sum(const std::uint64_t (&other)[4], const Wide* other_wide, bool negated,
                       StateHeap& heap) noexcept {
  add_words(limbs, other, 4, negated);  // both are far from full, so that nothing is lost
  if (other_wide != nullptr) {
    if (!need_wide(heap)) return false;
    add_words(wide->words, other_wide->words, Wide::kWords, negated);
    const auto count = [&](std::uint64_t& to, std::uint64_t what) noexcept { to += negated ? 0 - what : what; };
    count(wide->nan, other_wide->nan);
    count(wide->infinite, other_wide->infinite);
    count(wide->infinite_negative, other_wide->infinite_negative);
  }
  return !nearly_full() || empty_limbs(heap);
}

bool ExactSum::combine(const ExactSum& other, StateHeap& heap) noexcept {
  return add_sum(other.limbs, other.wide, false, heap);
}
bool ExactSum::remove(const ExactSum& other, StateHeap& heap) noexcept {
  return add_sum(other.limbs, other.wide, true, heap);
}

void ExactSum::release(StateHeap& heap) noexcept {
  if (wide != nullptr) heap.give_back(wide, sizeof(Wide));
  *this = ExactSum{};
}

bool ExactSum::finite() const noexcept {
  return wide == nullptr || !wide->special();
}

void ExactSum::get(ExactNumber& number) const noexcept {
  number = ExactNumber::from_words(limbs, kLeastBit);
  if (wide != nullptr) number = number + ExactNumber::from_words(wide->words, Wide::kLeastBit);
}

double ExactSum::value() const noexcept {
  if (!finite()) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (wide->nan != 0 || (wide->infinite != 0 && wide->infinite_negative != 0))
      return std::numeric_limits<double>::quiet_NaN();
    return wide->infinite != 0 ? kInfinity : -kInfinity;
  }
  ExactNumber number;
  get(number);
  return number.value();
}

std::size_t ExactSum::partial_bytes() const noexcept {
  return wide == nullptr ? sizeof limbs : sizeof(Wide);
}

void ExactSum::write_partial(std::byte* to) const noexcept {
  if (wide != nullptr) std::memcpy(to, wide, sizeof(Wide));
  std::memcpy(to, limbs, sizeof limbs);
}

std::string_view ExactSum::partial() const noexcept {
  if (wide == nullptr) return {reinterpret_cast<const char*>(limbs), sizeof limbs};
  std::memcpy(wide->limbs, limbs, sizeof limbs);
  return {reinterpret_cast<const char*>(wide), sizeof(Wide)};
}

bool ExactSum::add_partial(std::string_view bytes, StateHeap& heap) noexcept {
  Wide other;
  const bool has_wide = bytes.size() == sizeof(Wide);
  WEIR_DCHECK(has_wide || bytes.size() == sizeof limbs);
  std::memcpy(has_wide ? static_cast<void*>(&other) : static_cast<void*>(other.limbs), bytes.data(), bytes.size());
  return add_sum(other.limbs, has_wide ? &other : nullptr, false, heap);
}

}  // namespace weir
