// Three-valued logic: 64 bytes to a word, logic on words, words to bytes. Bitmap operations are plain loops.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "boolean.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy_compat-inl.h"

#ifndef WEIR_SIMD_BOOLEAN_TABLE_
#define WEIR_SIMD_BOOLEAN_TABLE_
#include <bit>
#include <cstdint>

#include "dispatch.h"
#include "weir/simd/boolean.h"

namespace weir::simd {
struct BooleanTable {
  void (*to_bits)(const std::uint8_t*, std::size_t, std::uint64_t*);
  void (*to_bytes)(const std::uint64_t*, std::size_t, std::uint8_t*);
  bool (*logic[3])(const BoolVector&, const BoolVector&, std::uint32_t, std::uint8_t*, std::uint64_t*);
};
enum class Logic : std::uint8_t { kAnd, kOr, kNot };

/// Values and validity of 64 rows.
struct BoolWord {
  std::uint64_t values;
  std::uint64_t validity;
};
template <Logic kLogic>
constexpr BoolWord apply(BoolWord left, BoolWord right) noexcept {
  const std::uint64_t left_true = left.values & left.validity, left_false = ~left.values & left.validity;
  const std::uint64_t right_true = right.values & right.validity, right_false = ~right.values & right.validity;
  switch (kLogic) {
    case Logic::kAnd:
      return {left_true & right_true, (left_true & right_true) | left_false | right_false};
    case Logic::kOr:
      return {left_true | right_true, left_true | right_true | (left_false & right_false)};
    case Logic::kNot:
      return {left_false, left.validity};
  }
  return {};
}
constexpr std::uint64_t low_bits(std::size_t count) noexcept {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}
inline std::uint64_t bits_of_tail(const std::uint8_t* bytes, std::size_t count) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < count; ++i) bits |= std::uint64_t{bytes[i] != 0} << i;
  return bits;
}
inline void bytes_of_tail(std::uint64_t bits, std::size_t count, std::uint8_t* bytes) noexcept {
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(bits >> i & 1);
}
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {
#include "boolean_loops-inl.h"
const BooleanTable* boolean_table() {
  static constexpr BooleanTable kTable = {
      &to_bits_kernel,
      &to_bytes_kernel,
      {&logic_kernel<Logic::kAnd>, &logic_kernel<Logic::kOr>, &logic_kernel<Logic::kNot>}};
  return &kTable;
}
}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {
inline std::uint64_t bits_of_bytes(const std::uint8_t* bytes) {
  return bits_of_tail(bytes, 64);
}
inline void bytes_of_bits(std::uint64_t bits, std::uint8_t* bytes) {
  bytes_of_tail(bits, 64, bytes);
}
#include "boolean_loops-inl.h"
const BooleanTable* boolean_table() {
  static constexpr BooleanTable kTable = {
      &to_bits_kernel,
      &to_bytes_kernel,
      {&logic_kernel<Logic::kAnd>, &logic_kernel<Logic::kOr>, &logic_kernel<Logic::kNot>}};
  return &kTable;
}
}  // namespace
}  // namespace plain

HWY_EXPORT(boolean_table);

bool logical_and(const BoolVector& left, const BoolVector& right, std::uint32_t count, std::uint8_t* values,
                 std::uint64_t* validity) {
  return WEIR_SIMD_TABLE(boolean_table).logic[0](left, right, count, values, validity);
}
bool logical_or(const BoolVector& left, const BoolVector& right, std::uint32_t count, std::uint8_t* values,
                std::uint64_t* validity) {
  return WEIR_SIMD_TABLE(boolean_table).logic[1](left, right, count, values, validity);
}
bool logical_not(const BoolVector& input, std::uint32_t count, std::uint8_t* values, std::uint64_t* validity) {
  return WEIR_SIMD_TABLE(boolean_table).logic[2](input, input, count, values, validity);
}
void bitmap_from_bytes(const std::uint8_t* bytes, std::size_t count, std::uint64_t* words) {
  WEIR_SIMD_TABLE(boolean_table).to_bits(bytes, count, words);
}
void bytes_from_bitmap(const std::uint64_t* words, std::size_t count, std::uint8_t* bytes) {
  WEIR_SIMD_TABLE(boolean_table).to_bytes(words, count, bytes);
}

namespace {
template <class F>
void for_words(std::size_t bits, std::uint64_t* out, F&& word) {
  const std::size_t words = bitmap_words(bits);
  for (std::size_t i = 0; i < words; ++i) out[i] = word(i) & low_bits(bits - i * 64);
}
std::uint64_t word_of(const std::uint64_t* words, std::size_t i) {
  return words == nullptr ? ~std::uint64_t{0} : words[i];
}
}  // namespace

void bitmap_and(const std::uint64_t* left, const std::uint64_t* right, std::size_t bits, std::uint64_t* out) {
  for_words(bits, out, [&](std::size_t i) { return word_of(left, i) & word_of(right, i); });
}
void bitmap_or(const std::uint64_t* left, const std::uint64_t* right, std::size_t bits, std::uint64_t* out) {
  for_words(bits, out, [&](std::size_t i) { return word_of(left, i) | word_of(right, i); });
}
void bitmap_not(const std::uint64_t* input, std::size_t bits, std::uint64_t* out) {
  for_words(bits, out, [&](std::size_t i) { return ~word_of(input, i); });
}
std::size_t bitmap_count(const std::uint64_t* words, std::size_t bits) {
  if (words == nullptr) return bits;
  std::size_t count = 0;
  for (std::size_t i = 0; i < bitmap_words(bits); ++i) {
    count += static_cast<std::size_t>(std::popcount(words[i] & low_bits(bits - i * 64)));
  }
  return count;
}
bool bitmap_all(const std::uint64_t* words, std::size_t bits) {
  if (words == nullptr) return true;
  for (std::size_t i = 0; i < bitmap_words(bits); ++i) {
    if ((~words[i] & low_bits(bits - i * 64)) != 0) return false;
  }
  return true;
}

}  // namespace weir::simd
#endif
