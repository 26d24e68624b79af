// Rows of one to four 64-bit words that stand side by side in memory: states of aggregates by number. Whole arrays of
// them are added, subtracted, put aside and picked, some words a cycle, where a walk from row to row takes some cycles
// a row. The first word of a row counts; a row whose count is 0 holds nothing.
//
//   | rows | sum | rows | sum | rows | sum | …         {kCount, kDouble}
//
// Every target gives the same bits: no two words of a row meet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::simd {

/// How two words become one. kCount and kInteger wrap; where a kInteger overflows, it is said.
enum class WordOp : std::uint8_t { kCount, kInteger, kDouble, kMin, kMax };

/// What the words of a row are. Immutable.
class WordRows {
 public:
  static constexpr std::size_t kWordsMax = 4;
  static constexpr std::size_t kLanesMax = 8;  // of the widest target

  /// Requires: 1 to kWordsMax operations, the first kCount.
  explicit WordRows(std::span<const WordOp> ops) noexcept;

  std::size_t words() const noexcept { return words_; }
  std::size_t bytes() const noexcept { return words_ * sizeof(std::uint64_t); }
  WordOp op(std::size_t word) const noexcept { return ops_[word]; }
  bool has(WordOp op) const noexcept { return (kinds_ >> static_cast<unsigned>(op) & 1) != 0; }

  /// All ones at the words of a kind, for as many vectors as it takes until the pattern begins again.
  struct Lanes {
    alignas(64) std::array<std::uint64_t, kWordsMax * kLanesMax> ones{};
  };
  const std::uint64_t* lanes(WordOp op) const noexcept { return lanes_[static_cast<std::size_t>(op)].ones.data(); }

 private:
  std::size_t words_;
  std::array<WordOp, kWordsMax> ops_{};
  std::uint32_t kinds_ = 0;
  std::array<Lanes, 5> lanes_;
};

/// to := a + b, `rows` rows each; `to` may be one of them. Returns false where a kInteger overflowed.
bool add_word_rows(const WordRows& form, const std::byte* a, const std::byte* b, std::uint32_t rows, std::byte* to);
/// kept, sum := sum, sum + kept: what a flip of two stacks does. Returns false where a kInteger overflowed.
bool flip_word_rows(const WordRows& form, std::byte* kept, std::byte* sum, std::uint32_t rows);
/// from := from - what. Requires: kCount and kInteger alone.
void subtract_word_rows(const WordRows& form, std::byte* from, const std::byte* what, std::uint32_t rows);

/// Bit r % 64 of word r / 64: the first word of row r is not 0. Writes whole words, zeros behind the last row. Returns
/// how many there are.
std::uint32_t counted_rows(const std::byte* rows, std::size_t words, std::uint32_t count, std::uint64_t* bits);

/// out[r] = the double in word `sum` of row r over its first word, as a T: float or double. words: 2 to 4.
template <class T>
void average_rows(const std::byte* rows, std::size_t words, std::size_t sum, std::uint32_t count, T* out);

/// Values of 1, 2, 4, 8, 16, 24 or 32 bytes, some of which are wanted.
struct PickedValues {
  const void* values = nullptr;
  std::size_t bytes = 0;
  const std::uint64_t* bits = nullptr;  ///< Bit r % 64 of word r / 64: value r is wanted.
  std::uint32_t words = 0;
  std::uint32_t readable = 0;  ///< Values that may be read, wanted or not.
};
/// Copies the wanted values close together to `out`; returns how many. Writes anything behind them, but no more than
/// `room` values in all. Requires: wanted ones are below `readable`, and fit; `out` is elsewhere.
std::uint32_t compress_values(const PickedValues& from, void* out, std::uint32_t room);

}  // namespace weir::simd
