// Text scans over blocks of 64 bytes: one word of bits for each character class, quotes by prefix XOR (a carry-less
// product with all ones). UTF-8 by the table look-ups of Keiser and Lemire, "Validating UTF-8 In Less Than One
// Instruction Per Byte", Software: Practice and Experience 51(5), 2021; structurals after Langdale and Lemire, "Parsing
// Gigabytes of JSON per Second", VLDB Journal 28(6), 2019.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "text.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy_compat-inl.h"

#ifndef WEIR_SIMD_TEXT_TABLE_
#define WEIR_SIMD_TEXT_TABLE_
#include <bit>
#include <cstdint>
#include <cstring>

#include "dispatch.h"
#include "weir/simd/text.h"

namespace weir::simd {
/// What to look for, and the outputs.
struct StructuralJob {
  const char* text;
  std::size_t size;
  char delimiter;
  char quote;
  std::uint64_t* newlines;
  std::uint64_t* delimiters;
  std::uint64_t* quotes;
};
struct TextTable {
  void (*structurals)(const StructuralJob&, QuoteState&);
  std::size_t (*positions)(const std::uint64_t*, const std::uint64_t*, std::size_t, std::uint32_t, std::uint32_t*);
  std::size_t (*field_ends)(const StructuralJob&, QuoteState&, std::uint32_t*);
  std::size_t (*find)(const char*, std::size_t, char);
  std::size_t (*find_last)(const char*, std::size_t, char);
  std::size_t (*count)(const char*, std::size_t, char);
  std::size_t (*utf8)(const char*, std::size_t);
};

/// Length of the sequence at the front of `size` bytes if it is UTF-8, else 0. Table 3-7 of the Unicode standard.
inline std::size_t utf8_sequence(const char* text, std::size_t size) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < size && (byte(i) & 0xC0) == 0x80; };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || !continues(1)) return 0;
  if (lead < 0xE0) return 2;
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) || !continues(2)) return 0;
  if (lead < 0xF0) return 3;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F) || !continues(3)) return 0;
  return 4;
}
inline std::size_t utf8_from(const char* text, std::size_t at, std::size_t size) noexcept {
  while (at < size) {
    const std::size_t length = utf8_sequence(text + at, size - at);
    if (length == 0) return at;
    at += length;
  }
  return size;
}

/// Bits of one block and which of them lie outside of quotes.
struct StructuralWord {
  std::uint64_t newlines, delimiters, quotes;
};
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

/// Bit i: whether byte i of the 64 equals `byte`.
HWY_INLINE std::uint64_t equal_64(const char* text, char byte) {
  const hn::ScalableTag<std::uint8_t> d;
  constexpr std::size_t kLanes = HWY_LANES(std::uint8_t);
  const auto wanted = hn::Set(d, static_cast<std::uint8_t>(byte));
  const auto* from = reinterpret_cast<const std::uint8_t*>(text);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 64; i += kLanes) bits |= mask_bits(d, hn::Eq(hn::LoadU(d, from + i), wanted)) << i;
  return bits;
}

/// Bit i: the XOR of bits 0 … i.
HWY_INLINE std::uint64_t prefix_xor(std::uint64_t bits) {
  const hn::Full128<std::uint64_t> d;
  return hn::GetLane(hn::CLMulLower(hn::Set(d, bits), hn::Set(d, ~std::uint64_t{0})));
}

HWY_INLINE StructuralWord structural_64(const char* text, char delimiter, char quote, std::uint64_t used,
                                        std::uint64_t& inside) {
  StructuralWord word{equal_64(text, '\n') & used, equal_64(text, delimiter) & used, 0};
  if (quote != 0) {
    word.quotes = equal_64(text, quote) & used;
    const std::uint64_t quoted = prefix_xor(word.quotes) ^ inside;
    inside = static_cast<std::uint64_t>(static_cast<std::int64_t>(quoted) >> 63);
    word.newlines &= ~quoted;
    word.delimiters &= ~quoted;
  }
  return word;
}

/// Calls take(word index, bits) for every block; the last one is copied so that nothing after it is read.
template <class F>
HWY_INLINE void for_structurals(const StructuralJob& job, QuoteState& state, F&& take) {
  std::uint64_t inside = state.inside ? ~std::uint64_t{0} : 0;
  std::size_t at = 0;
  for (; at + 64 <= job.size; at += 64) {
    take(at / 64, structural_64(job.text + at, job.delimiter, job.quote, ~std::uint64_t{0}, inside));
  }
  if (at < job.size) {
    char block[64] = {};
    std::memcpy(block, job.text + at, job.size - at);
    // Bits after the last byte hold no quotes, so the last bit of the prefix XOR is the state at the end.
    const std::uint64_t used = (std::uint64_t{1} << (job.size - at)) - 1;
    take(at / 64, structural_64(block, job.delimiter, job.quote, used, inside));
  }
  state.inside = inside != 0;
}

void structurals_kernel(const StructuralJob& job, QuoteState& state) {
  for_structurals(job, state, [&](std::size_t i, const StructuralWord& word) HWY_ATTR {
    if (job.newlines != nullptr) job.newlines[i] = word.newlines;
    if (job.delimiters != nullptr) job.delimiters[i] = word.delimiters;
    if (job.quotes != nullptr) job.quotes[i] = word.quotes;
  });
}

/// Writes in groups of 8, past the last position by up to 8.
HWY_INLINE std::uint32_t* emit_positions(std::uint64_t bits, std::uint32_t base, std::uint32_t* out) {
  const auto count = static_cast<std::size_t>(std::popcount(bits));
  for (std::size_t done = 0; done < count; done += 8) {
    for (std::size_t i = 0; i < 8; ++i) {
      out[done + i] = base + static_cast<std::uint32_t>(std::countr_zero(bits));
      bits &= bits - 1;
    }
  }
  return out + count;
}

std::size_t positions_kernel(const std::uint64_t* first, const std::uint64_t* second, std::size_t words,
                             std::uint32_t base, std::uint32_t* out) {
  std::uint32_t* at = out;
  for (std::size_t i = 0; i < words; ++i) {
    const std::uint64_t bits = second == nullptr ? first[i] : first[i] | second[i];
    at = emit_positions(bits, base + static_cast<std::uint32_t>(i * 64), at);
  }
  return static_cast<std::size_t>(at - out);
}

std::size_t field_ends_kernel(const StructuralJob& job, QuoteState& state, std::uint32_t* out) {
  std::uint32_t* at = out;
  for_structurals(job, state, [&](std::size_t i, const StructuralWord& word) HWY_ATTR {
    at = emit_positions(word.newlines | word.delimiters, static_cast<std::uint32_t>(i * 64), at);
  });
  return static_cast<std::size_t>(at - out);
}

std::size_t find_kernel(const char* text, std::size_t size, char byte) {
  std::size_t at = 0;
  for (; at + 64 <= size; at += 64) {
    const std::uint64_t bits = equal_64(text + at, byte);
    if (bits != 0) return at + static_cast<std::size_t>(std::countr_zero(bits));
  }
  for (; at < size; ++at) {
    if (text[at] == byte) return at;
  }
  return size;
}

std::size_t find_last_kernel(const char* text, std::size_t size, char byte) {
  std::size_t end = size;
  for (; end >= 64; end -= 64) {
    const std::uint64_t bits = equal_64(text + end - 64, byte);
    if (bits != 0) return end - 1 - static_cast<std::size_t>(std::countl_zero(bits));
  }
  for (; end > 0; --end) {
    if (text[end - 1] == byte) return end - 1;
  }
  return size;
}

std::size_t count_kernel(const char* text, std::size_t size, char byte) {
  std::size_t at = 0, count = 0;
  for (; at + 64 <= size; at += 64) count += static_cast<std::size_t>(std::popcount(equal_64(text + at, byte)));
  for (; at < size; ++at) count += text[at] == byte ? 1 : 0;
  return count;
}

// Errors that two bytes in a row can show, one bit each; a look-up for each nibble, and an error is a bit that all
// three have.
enum : std::uint8_t {
  kTooShort = 1 << 0,      // a lead byte without its continuation
  kTooLong = 1 << 1,       // a continuation after ASCII
  kOverlong3 = 1 << 2,     // E0 80..9F
  kTooLarge = 1 << 3,      // F4 90..BF, F5..FF
  kSurrogate = 1 << 4,     // ED A0..BF
  kOverlong2 = 1 << 5,     // C0, C1
  kTooLarge1000 = 1 << 6,  // F5..FF 80..8F; with kOverlong4
  kOverlong4 = 1 << 6,     // F0 80..8F
  kTwoContinuations = 1 << 7,
  kAnyLead = kTooShort | kTooLong | kTwoContinuations,
};

/// Whether the 64 bytes hold no wrong pair or triple, seen together with the 3 bytes before them, which end a sequence.
/// A sequence that goes on after the block is not an error here.
HWY_INLINE bool utf8_block(const std::uint8_t* text) {
  const hn::ScalableTag<std::uint8_t> d;
  constexpr std::size_t kLanes = HWY_LANES(std::uint8_t);
  // By the high nibble of the first byte, its low nibble, and the high nibble of the second byte.
  alignas(16) static constexpr std::uint8_t kFirstHigh[16] = {
      kTooLong,
      kTooLong,
      kTooLong,
      kTooLong,
      kTooLong,
      kTooLong,
      kTooLong,
      kTooLong,  // 0_ … 7_
      kTwoContinuations,
      kTwoContinuations,
      kTwoContinuations,
      kTwoContinuations,                                    // 8_ … B_
      kTooShort | kOverlong2,                               // C_
      kTooShort,                                            // D_
      kTooShort | kOverlong3 | kSurrogate,                  // E_
      kTooShort | kTooLarge | kTooLarge1000 | kOverlong4};  // F_
  alignas(16) static constexpr std::uint8_t kFirstLow[16] = {kAnyLead | kOverlong3 | kOverlong2 | kOverlong4,  // _0
                                                             kAnyLead | kOverlong2,                            // _1
                                                             kAnyLead,
                                                             kAnyLead,
                                                             kAnyLead | kTooLarge,  // _4
                                                             kAnyLead | kTooLarge | kTooLarge1000,
                                                             kAnyLead | kTooLarge | kTooLarge1000,
                                                             kAnyLead | kTooLarge | kTooLarge1000,
                                                             kAnyLead | kTooLarge | kTooLarge1000,
                                                             kAnyLead | kTooLarge | kTooLarge1000,
                                                             kAnyLead | kTooLarge | kTooLarge1000,
                                                             kAnyLead | kTooLarge | kTooLarge1000,
                                                             kAnyLead | kTooLarge | kTooLarge1000,
                                                             kAnyLead | kTooLarge | kTooLarge1000 | kSurrogate,  // _D
                                                             kAnyLead | kTooLarge | kTooLarge1000,
                                                             kAnyLead | kTooLarge | kTooLarge1000};
  alignas(16) static constexpr std::uint8_t kSecondHigh[16] = {
      kTooShort,
      kTooShort,
      kTooShort,
      kTooShort,
      kTooShort,
      kTooShort,
      kTooShort,
      kTooShort,                                                                            // 0_ … 7_
      kTooLong | kOverlong2 | kTwoContinuations | kOverlong3 | kTooLarge1000 | kOverlong4,  // 8_
      kTooLong | kOverlong2 | kTwoContinuations | kOverlong3 | kTooLarge,                   // 9_
      kTooLong | kOverlong2 | kTwoContinuations | kSurrogate | kTooLarge,                   // A_
      kTooLong | kOverlong2 | kTwoContinuations | kSurrogate | kTooLarge,                   // B_
      kTooShort,
      kTooShort,
      kTooShort,
      kTooShort};  // C_ … F_
  const auto first_high = hn::LoadDup128(d, kFirstHigh), first_low = hn::LoadDup128(d, kFirstLow),
             second_high = hn::LoadDup128(d, kSecondHigh);
  const auto nibble = hn::Set(d, 0x0F);
  auto errors = hn::Zero(d);
  for (std::size_t i = 0; i < 64; i += kLanes) {
    const auto bytes = hn::LoadU(d, text + i), one_before = hn::LoadU(d, text + i - 1),
               two_before = hn::LoadU(d, text + i - 2), three_before = hn::LoadU(d, text + i - 3);
    const auto high = [&](auto v) HWY_ATTR {
      return hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(hn::Repartition<std::uint16_t, decltype(d)>(), v))),
                     nibble);
    };
    const auto pair = hn::And(hn::And(hn::TableLookupBytes(first_high, high(one_before)),
                                      hn::TableLookupBytes(first_low, hn::And(one_before, nibble))),
                              hn::TableLookupBytes(second_high, high(bytes)));
    // A third byte must be a continuation after a lead of 3 or 4 bytes, a fourth after one of 4; there, and only there,
    // two continuations in a row are right.
    const auto third = hn::SaturatedSub(two_before, hn::Set(d, 0xE0 - 0x80));
    const auto fourth = hn::SaturatedSub(three_before, hn::Set(d, 0xF0 - 0x80));
    const auto expected = hn::And(hn::Or(third, fourth), hn::Set(d, kTwoContinuations));
    errors = hn::Or(errors, hn::Xor(pair, expected));
  }
  return hn::AllTrue(d, hn::Eq(errors, hn::Zero(d)));
}

HWY_INLINE bool ascii_block(const std::uint8_t* text) {
  const hn::ScalableTag<std::uint8_t> d;
  constexpr std::size_t kLanes = HWY_LANES(std::uint8_t);
  auto bytes = hn::LoadU(d, text);
  for (std::size_t i = kLanes; i < 64; i += kLanes) bytes = hn::Or(bytes, hn::LoadU(d, text + i));
  return hn::AllTrue(d, hn::Lt(bytes, hn::Set(d, 0x80)));
}

std::size_t utf8_kernel(const char* text, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text);
  std::size_t at = 0;  // always where a sequence begins
  while (at + 64 <= size) {
    if (ascii_block(bytes + at)) {
      at += 64;
      continue;
    }
    if (at < 3) {  // utf8_block looks at the 3 bytes before
      const std::size_t length = utf8_sequence(text + at, size - at);
      if (length == 0) return at;
      at += length;
      continue;
    }
    if (!utf8_block(bytes + at)) break;
    at += 64;
    if (bytes[at - 1] >= 0xC0) {
      at -= 1;
    } else if (bytes[at - 2] >= 0xE0) {
      at -= 2;
    } else if (bytes[at - 3] >= 0xF0) {
      at -= 3;
    }
  }
  return utf8_from(text, at, size);
}

const TextTable* text_table() {
  static constexpr TextTable kTable = {&structurals_kernel, &positions_kernel, &field_ends_kernel, &find_kernel,
                                       &find_last_kernel,   &count_kernel,     &utf8_kernel};
  return &kTable;
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {

template <class F>
void for_bytes(const StructuralJob& job, QuoteState& state, F&& take) {
  for (std::size_t i = 0; i < job.size; ++i) {
    const bool is_quote = job.quote != 0 && job.text[i] == job.quote;
    if (is_quote) state.inside = !state.inside;
    take(i, !state.inside && job.text[i] == '\n', !state.inside && job.text[i] == job.delimiter, is_quote);
  }
}

void structurals_kernel(const StructuralJob& job, QuoteState& state) {
  const std::size_t words = (job.size + 63) / 64;
  for (std::uint64_t* out : {job.newlines, job.delimiters, job.quotes}) {
    for (std::size_t i = 0; out != nullptr && i < words; ++i) out[i] = 0;
  }
  for_bytes(job, state, [&](std::size_t i, bool newline, bool delimiter, bool quote) {
    if (job.newlines != nullptr) job.newlines[i / 64] |= std::uint64_t{newline} << (i % 64);
    if (job.delimiters != nullptr) job.delimiters[i / 64] |= std::uint64_t{delimiter} << (i % 64);
    if (job.quotes != nullptr) job.quotes[i / 64] |= std::uint64_t{quote} << (i % 64);
  });
}
std::size_t positions_kernel(const std::uint64_t* first, const std::uint64_t* second, std::size_t words,
                             std::uint32_t base, std::uint32_t* out) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < words * 64; ++i) {
    const std::uint64_t bits = first[i / 64] | (second == nullptr ? 0 : second[i / 64]);
    if ((bits >> (i % 64) & 1) != 0) out[count++] = base + static_cast<std::uint32_t>(i);
  }
  return count;
}
std::size_t field_ends_kernel(const StructuralJob& job, QuoteState& state, std::uint32_t* out) {
  std::size_t count = 0;
  for_bytes(job, state, [&](std::size_t i, bool newline, bool delimiter, bool) {
    if (newline || delimiter) out[count++] = static_cast<std::uint32_t>(i);
  });
  return count;
}
std::size_t find_kernel(const char* text, std::size_t size, char byte) {
  std::size_t at = 0;
  while (at < size && text[at] != byte) ++at;
  return at;
}
std::size_t find_last_kernel(const char* text, std::size_t size, char byte) {
  for (std::size_t at = size; at > 0; --at) {
    if (text[at - 1] == byte) return at - 1;
  }
  return size;
}
std::size_t count_kernel(const char* text, std::size_t size, char byte) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < size; ++at) count += text[at] == byte ? 1 : 0;
  return count;
}
std::size_t utf8_kernel(const char* text, std::size_t size) {
  return utf8_from(text, 0, size);
}

const TextTable* text_table() {
  static constexpr TextTable kTable = {&structurals_kernel, &positions_kernel, &field_ends_kernel, &find_kernel,
                                       &find_last_kernel,   &count_kernel,     &utf8_kernel};
  return &kTable;
}

}  // namespace
}  // namespace plain

HWY_EXPORT(text_table);

void find_structurals(const char* text, std::size_t size, char delimiter, char quote, QuoteState& state,
                      std::uint64_t* newlines, std::uint64_t* delimiters, std::uint64_t* quotes) {
  WEIR_SIMD_TABLE(text_table).structurals({text, size, delimiter, quote, newlines, delimiters, quotes}, state);
}
std::size_t bitmap_positions(const std::uint64_t* first, const std::uint64_t* second, std::size_t words,
                             std::uint32_t base, std::uint32_t* out) {
  return WEIR_SIMD_TABLE(text_table).positions(first, second, words, base, out);
}
std::size_t find_field_ends(const char* text, std::size_t size, char delimiter, char quote, QuoteState& state,
                            std::uint32_t* out) {
  return WEIR_SIMD_TABLE(text_table).field_ends({text, size, delimiter, quote, nullptr, nullptr, nullptr}, state, out);
}
std::size_t find_byte(const char* text, std::size_t size, char byte) {
  return WEIR_SIMD_TABLE(text_table).find(text, size, byte);
}
std::size_t find_last_byte(const char* text, std::size_t size, char byte) {
  return WEIR_SIMD_TABLE(text_table).find_last(text, size, byte);
}
std::size_t count_byte(const char* text, std::size_t size, char byte) {
  return WEIR_SIMD_TABLE(text_table).count(text, size, byte);
}
std::size_t validate_utf8(const char* text, std::size_t size) {
  return WEIR_SIMD_TABLE(text_table).utf8(text, size);
}

}  // namespace weir::simd
#endif
