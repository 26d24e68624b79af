// Decimal digits eight at a time, in a 64-bit register: the inner loop of every number that the formats read.
//
// Source: the multiply-and-shift conversion of eight ASCII digits as described by Lemire, "Quickly parsing eight
// digits", 2018; here the digits are shifted to the top so that shorter runs need no loop.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::detail {

static_assert(std::endian::native == std::endian::little, "the word tricks read little-endian");

inline constexpr std::uint64_t kAsciiZeros = 0x3030303030303030u;

inline std::uint64_t load8(const char* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

/// First `size` bytes at `at`, the others zero. Reads no byte behind them.
inline std::uint64_t load_partial(const char* at, std::size_t size) noexcept {
  std::uint64_t word = 0;
  if (size >= 4) {
    std::uint32_t low, high;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + size - 4, 4);
    return low | (std::uint64_t{high} << ((size - 4) * 8));
  }
  for (std::size_t i = 0; i < size; ++i) word |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
  return word;
}

/// True when each byte is 0..9 (digits with '0' taken off by xor).
inline bool all_digits(std::uint64_t digits) noexcept {
  return (((digits + 0x0606060606060606u) | digits) & 0xF0F0F0F0F0F0F0F0u) == 0;
}

/// Value of eight bytes of 0..9, the first in the lowest byte.
inline std::uint64_t value_of_eight(std::uint64_t digits) noexcept {
  digits = digits * 10 + (digits >> 8);
  return (((digits & 0x000000FF000000FFu) * 0x000F424000000064u) +
          (((digits >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u)) >>
         32;
}

/// Digits of a run of 1..8 in `word` (its first byte lowest; what lies above is ignored). False where one is no digit.
inline bool short_run(std::uint64_t word, std::size_t size, std::uint64_t& value) noexcept {
  const unsigned shift = static_cast<unsigned>(8 - size) * 8;
  const std::uint64_t digits = (word << shift) ^ (kAsciiZeros << shift);
  value = value_of_eight(digits);
  return all_digits(digits);
}

/// Unsigned digits, 1..19 of them. kPadded: 8 bytes behind any of them can be read. False where one is no digit.
template <bool kPadded>
inline bool digit_run(const char* at, std::size_t size, std::uint64_t& value) noexcept {
  constexpr std::uint64_t kTenTo[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  if (size <= 8) [[likely]] {
    if (size == 0) return false;
    return short_run(kPadded ? load8(at) : load_partial(at, size), size, value);
  }
  std::uint64_t word = load8(at) ^ kAsciiZeros;
  if (!all_digits(word)) return false;
  std::uint64_t sum = value_of_eight(word);
  at += 8;
  size -= 8;
  while (size != 0) {
    const std::size_t part = size < 8 ? size : 8;
    std::uint64_t next = 0;
    if (!short_run(kPadded ? load8(at) : load_partial(at, part), part, next)) return false;
    sum = sum * kTenTo[part] + next;
    at += part;
    size -= part;
  }
  value = sum;
  return true;
}

/// True where one of the eight bytes is `character`.
inline std::uint64_t bytes_equal(std::uint64_t word, char character) noexcept {
  const std::uint64_t other = word ^ (0x0101010101010101u * static_cast<unsigned char>(character));
  return (other - 0x0101010101010101u) & ~other & 0x8080808080808080u;
}

/// digits[.digits] of 1..16 characters with at least one digit: all its digits as one number, and how many of them
/// stand behind the point. False where it is anything else.
inline bool decimal_run(const char* at, std::size_t size, std::uint64_t& value, unsigned& fraction) noexcept {
  __extension__ typedef unsigned __int128 Wide;
  if (size - 1 >= 16) return false;
  const std::uint64_t front = size >= 8 ? load8(at) : load_partial(at, size);
  const std::uint64_t back = size > 8 ? load8(at + size - 8) >> ((16 - size) * 8) : 0;
  Wide text = front | (static_cast<Wide>(back) << 64);
  std::size_t digits = size;
  const std::uint64_t point_front = bytes_equal(front, '.'), point_back = bytes_equal(back, '.');
  fraction = 0;
  if ((point_front | point_back) != 0) {
    // The first match is exact; a second point would stay in the text and be no digit.
    const auto place =
        static_cast<unsigned>(point_front != 0 ? std::countr_zero(point_front) : std::countr_zero(point_back) + 64) / 8;
    const Wide before = (Wide{1} << (place * 8)) - 1;
    text = (text & before) | ((text >> 8) & ~before);
    --digits;
    if (digits == 0) return false;
    fraction = static_cast<unsigned>(digits) - place;
  }
  const auto shift = static_cast<unsigned>(16 - digits) * 8;
  const Wide zeros = (static_cast<Wide>(kAsciiZeros) << 64) | kAsciiZeros;
  const Wide plain = (text << shift) ^ (zeros << shift);
  const auto high = static_cast<std::uint64_t>(plain), low = static_cast<std::uint64_t>(plain >> 64);
  if (!all_digits(high) || !all_digits(low)) return false;
  value = value_of_eight(high) * 100000000 + value_of_eight(low);
  return true;
}

/// digits[.digits] without a sign, up to 8 digits before the point and up to 8 behind it, none of them missing, as the
/// nearest double. Where there are more digits, or it is anything else: false. Requires: 16 bytes behind the text
/// readable. One rounding: digits and power are exact. Source: Clinger, "How to read floating point numbers
/// accurately", 1990.
inline bool parse_plain_double(const char* at, std::size_t size, bool negative, double& value) noexcept {
  constexpr double kPowers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
  constexpr std::uint64_t kTenTo[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  const std::uint64_t word = load8(at);
  const std::uint64_t points = bytes_equal(word, '.');
  const std::size_t whole = points == 0 ? 8 : static_cast<std::size_t>(std::countr_zero(points)) / 8;
  const std::size_t before = whole < size ? whole : size;
  const std::size_t behind = size - before;
  if (before - 1 >= 8 || (*at == '0' && before != 1) || behind == 1 || behind > 9) return false;
  std::uint64_t digits = 0;
  if (!short_run(word, before, digits)) return false;
  if (behind == 0) {
    value = static_cast<double>(digits);
  } else {
    std::uint64_t fraction = 0;
    if (at[before] != '.' || !short_run(load8(at + before + 1), behind - 1, fraction)) return false;
    digits = digits * kTenTo[behind - 1] + fraction;
    if (digits > (std::uint64_t{1} << 53)) return false;
    value = static_cast<double>(digits) / kPowers[behind - 1];
  }
  if (negative) value = -value;
  return true;
}

inline bool is_digit(char character) noexcept {
  return static_cast<unsigned char>(character - '0') < 10;
}

}  // namespace weir::detail
