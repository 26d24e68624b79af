// Where fields and records of CSV end: 64 bytes at a time for the fast way, byte by byte where that cannot be.
//
// A quote opens a quoted field only where a field begins; elsewhere it stands for itself. Both scans follow that rule,
// so one stray quote spoils one record and not the rest of the file.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace weir::detail {

/// The characters that matter. A quote or escape of 0 is none.
struct CsvDialect {
  char delimiter = ',';
  char quote = '"';
  char escape = '\0';
  bool comments = false;  // a record that begins with # is none
};

/// Byte by byte, resumable at any byte.
class CsvRecordScanner {
 public:
  /// Bytes up to and with the line end of the record, or npos. Starts a new record where `fresh`.
  std::size_t find_end(const CsvDialect& dialect, std::string_view text, bool fresh) noexcept {
    if (fresh) {
      *this = CsvRecordScanner();
      comment_ = dialect.comments && text.starts_with('#');
    }
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char character = text[at];
      if (comment_) {
        if (character == '\n') return at + 1;
        continue;
      }
      if (escaped_) {
        escaped_ = false;
        continue;
      }
      if (quoted_) {
        if (dialect.escape != 0 && character == dialect.escape) {
          escaped_ = true;
        } else if (character == dialect.quote) {
          quoted_ = false;
          closed_ = true;
        }
        continue;
      }
      const bool doubled = closed_ && character == dialect.quote;
      closed_ = false;
      if (doubled) {
        quoted_ = true;
      } else if (character == '\n') {
        return at + 1;
      } else if (character == dialect.delimiter) {
        field_start_ = true;
      } else {
        quoted_ = field_start_ && dialect.quote != 0 && character == dialect.quote;
        escaped_ = dialect.escape != 0 && character == dialect.escape;
        field_start_ = false;
      }
    }
    return std::string_view::npos;
  }
  bool inside_quotes() const noexcept { return quoted_; }

 private:
  bool field_start_ = true, quoted_ = false, closed_ = false, escaped_ = false, comment_ = false;
};

/// Bits of 64 bytes that are equal to a character.
class ByteBlock {
 public:
  explicit ByteBlock(const char* at) noexcept {
#if defined(__SSE2__)
    for (int i = 0; i < 4; ++i) parts_[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at) + i);
#else
    text_ = at;
#endif
  }
  std::uint64_t equal(char character) const noexcept {
    std::uint64_t bits = 0;
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi8(character);
    for (int i = 0; i < 4; ++i) {
      const auto part = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(parts_[i], wanted)));
      bits |= std::uint64_t{part} << (16 * i);
    }
#else
    for (int i = 0; i < 64; ++i) bits |= std::uint64_t{text_[i] == character} << i;
#endif
    return bits;
  }

 private:
#if defined(__SSE2__)
  __m128i parts_[4];
#else
  const char* text_;
#endif
};

/// Ends of the fields of some records in a row. ends[0] stands before the first byte; field f is
/// [ends[f] + 1, ends[f + 1]); record r has the fields [record_ends[r], record_ends[r + 1]).
struct CsvIndex {
  static constexpr std::uint32_t kRecordsMax = 256;
  static constexpr std::uint32_t kFieldsMax = 16384;

  std::array<std::uint32_t, kFieldsMax + 65> ends;
  std::array<std::uint32_t, kRecordsMax + 65> record_ends;
  std::uint32_t records = 0;

  /// Indexes whole records at the front of the text, about `wanted` of them (up to 64 more). Requires: no escape
  /// character, no comments, text.size() < 2^32 - 64, 64 bytes behind the text readable.
  void build(const CsvDialect& dialect, std::string_view text, std::uint32_t wanted) noexcept {
    std::uint32_t fields = 0, count = 0;
    ends[0] = ~std::uint32_t{0};
    record_ends[0] = 0;
    bool quoted = false;
    std::uint32_t skip = ~std::uint32_t{0};  // place of the second of two doubled quotes
    for (std::size_t base = 0; base < text.size() && count < wanted && fields < kFieldsMax; base += 64) {
      const ByteBlock block(text.data() + base);
      const std::uint64_t live =
          text.size() - base >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (text.size() - base)) - 1;
      const std::uint64_t lines = block.equal('\n') & live;
      const std::uint64_t stops = (block.equal(dialect.delimiter) & live) | lines;
      const std::uint64_t quotes = dialect.quote == 0 ? 0 : block.equal(dialect.quote) & live;
      const auto place = static_cast<std::uint32_t>(base);
      if (quotes == 0 && !quoted) [[likely]] {
        for (std::uint64_t left = stops; left != 0; left &= left - 1) {
          const int bit = std::countr_zero(left);
          ends[++fields] = place + static_cast<std::uint32_t>(bit);
          record_ends[count + 1] = fields;
          count += static_cast<std::uint32_t>((lines >> bit) & 1);
        }
        continue;
      }
      for (std::uint64_t left = stops | quotes; left != 0; left &= left - 1) {
        const int bit = std::countr_zero(left);
        const std::uint32_t at = place + static_cast<std::uint32_t>(bit);
        if (((quotes >> bit) & 1) != 0) {
          if (at == skip) continue;
          if (!quoted) {
            quoted = at == ends[fields] + 1;
          } else if (at + 1 < text.size() && text[at + 1] == dialect.quote) {
            skip = at + 1;
          } else {
            quoted = false;
          }
        } else if (!quoted) {
          ends[++fields] = at;
          record_ends[count + 1] = fields;
          count += static_cast<std::uint32_t>((lines >> bit) & 1);
        }
      }
    }
    records = count;
  }
};

}  // namespace weir::detail
