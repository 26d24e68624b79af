// Text scans: where lines and fields end, and whether bytes are UTF-8. None reads outside [text, text + size).
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::simd {

/// Carried from one call to the next over the parts of one text.
struct QuoteState {
  bool inside = false;
};

/// For each 64 bytes one word of each bitmap, bit i for byte i: newlines ('\n') and delimiters outside of quotes, and
/// all quotes. Bits after the last byte are 0. Words: (size + 63) / 64. A doubled quote inside quotes closes and opens,
/// so it needs no care here. quote = 0: nothing is quoted. Any of the outputs may be null.
void find_structurals(const char* text, std::size_t size, char delimiter, char quote, QuoteState& state,
                      std::uint64_t* newlines, std::uint64_t* delimiters, std::uint64_t* quotes);
/// Positions (base + index) of the ones of a bitmap, ascending; returns how many. `out` has room for one a set bit and
/// 8 more. Combine two bitmaps by OR first (second may be null).
std::size_t bitmap_positions(const std::uint64_t* first, const std::uint64_t* second, std::size_t words,
                             std::uint32_t base, std::uint32_t* out);
/// Both in one pass: positions of delimiters and newlines outside of quotes. `out` has room for size + 8 entries.
/// size < 2^32.
std::size_t find_field_ends(const char* text, std::size_t size, char delimiter, char quote, QuoteState& state,
                            std::uint32_t* out);

/// Index of the first (last) `byte`, or `size`.
std::size_t find_byte(const char* text, std::size_t size, char byte);
std::size_t find_last_byte(const char* text, std::size_t size, char byte);
std::size_t count_byte(const char* text, std::size_t size, char byte);

/// `size` when the text is UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF), else the index of the
/// first byte of the first sequence that is not.
std::size_t validate_utf8(const char* text, std::size_t size);

}  // namespace weir::simd
