// Arrays of rows of words against one row after the other: every form of up to four words, every count around the
// widest vectors, and every target; memory has exactly the size that the kernels may touch.
#include "weir/simd/word_rows.h"

#include <bit>
#include <cstring>

#include "kernel_case.h"

namespace weir::simd::testing {
namespace {

class WordRowsOnTarget : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(WordRowsOnTarget);

std::vector<std::vector<WordOp>> forms() {
  constexpr WordOp kOps[] = {WordOp::kInteger, WordOp::kDouble, WordOp::kMin, WordOp::kMax};
  std::vector<std::vector<WordOp>> all{{WordOp::kCount}};
  for (std::size_t at = 0; at < all.size(); ++at)
    for (const WordOp op : kOps)
      if (all[at].size() < WordRows::kWordsMax) {
        auto longer = all[at];
        longer.push_back(op);
        all.push_back(longer);
      }
  return all;
}

std::vector<std::uint64_t> random_rows(const std::vector<WordOp>& ops, std::uint32_t rows, Random& random) {
  std::vector<std::uint64_t> words;
  for (std::uint32_t row = 0; row < rows; ++row)
    for (const WordOp op : ops) {
      if (op == WordOp::kDouble)
        words.push_back(std::bit_cast<std::uint64_t>(Values<double>::one(random, true)));
      else if (op == WordOp::kCount)
        words.push_back(random() % 3);
      else
        words.push_back(static_cast<std::uint64_t>(static_cast<std::int64_t>(random()) >> 2));
    }
  return words;
}

/// The sum of one word, in the plainest way; NaN compares by bits elsewhere, so any NaN is made one.
std::uint64_t combined(WordOp op, std::uint64_t a, std::uint64_t b) {
  if (op == WordOp::kDouble) return std::bit_cast<std::uint64_t>(std::bit_cast<double>(a) + std::bit_cast<double>(b));
  const auto left = static_cast<std::int64_t>(a), right = static_cast<std::int64_t>(b);
  if (op == WordOp::kMin) return left < right ? a : b;
  if (op == WordOp::kMax) return left < right ? b : a;
  return a + b;
}

bool same_word(WordOp op, std::uint64_t a, std::uint64_t b) {
  if (op != WordOp::kDouble) return a == b;
  const auto left = std::bit_cast<double>(a), right = std::bit_cast<double>(b);
  return a == b || (left != left && right != right);
}

std::byte* bytes(std::vector<std::uint64_t>& words) {
  return reinterpret_cast<std::byte*>(words.data());
}

constexpr std::size_t kSizes[] = {1, 2, 4, 8, 16, 24, 32};
const std::vector<std::uint32_t> kCounts{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 130};

TEST_P(WordRowsOnTarget, AddAndFlipGiveWhatEachRowAloneGives) {
  Random random(5);
  for (const auto& ops : forms()) {
    const WordRows form(ops);
    for (const std::uint32_t rows : kCounts) {
      auto a = random_rows(ops, rows, random), b = random_rows(ops, rows, random);
      std::vector<std::uint64_t> to(a.size()), kept = b, sum = a;
      ASSERT_TRUE(add_word_rows(form, bytes(a), bytes(b), rows, bytes(to)));
      ASSERT_TRUE(flip_word_rows(form, bytes(kept), bytes(sum), rows));
      for (std::size_t i = 0; i < a.size(); ++i) {
        const WordOp op = ops[i % ops.size()];
        ASSERT_TRUE(same_word(op, to[i], combined(op, a[i], b[i]))) << "word " << i << " of " << rows << " rows";
        ASSERT_TRUE(same_word(op, sum[i], to[i])) << "word " << i;
        ASSERT_EQ(kept[i], a[i]) << "word " << i;
      }
    }
  }
}

TEST_P(WordRowsOnTarget, AnIntegerThatDoesNotFitIsSaidAndACountIsNot) {
  for (const auto& ops : forms())
    for (std::size_t word = 0; word < ops.size(); ++word)
      for (const std::uint32_t rows : {1u, 8u, 21u})
        for (std::uint32_t row = 0; row < rows; ++row) {
          std::vector<std::uint64_t> a(rows * ops.size()), b(a.size());
          a[row * ops.size() + word] = b[row * ops.size() + word] = std::uint64_t{1} << 62;
          const WordRows form(ops);
          auto kept = b, sum = a;
          const bool fits = ops[word] != WordOp::kInteger;
          ASSERT_EQ(flip_word_rows(form, bytes(kept), bytes(sum), rows), fits);
          ASSERT_EQ(add_word_rows(form, bytes(a), bytes(b), rows, bytes(a)), fits) << "in place";
        }
}

TEST_P(WordRowsOnTarget, SubtractTakesOutWhatWasAdded) {
  Random random(6);
  for (const auto& ops : forms()) {
    if (std::any_of(ops.begin() + 1, ops.end(), [](WordOp op) { return op != WordOp::kInteger; })) continue;
    for (const std::uint32_t rows : kCounts) {
      auto a = random_rows(ops, rows, random), b = random_rows(ops, rows, random);
      const auto before = a;
      const WordRows form(ops);
      (void)add_word_rows(form, bytes(a), bytes(b), rows, bytes(a));
      subtract_word_rows(form, bytes(a), bytes(b), rows);
      ASSERT_EQ(a, before);
    }
  }
}

TEST_P(WordRowsOnTarget, CountedRowsAreThoseWhoseFirstWordIsNotZero) {
  Random random(7);
  for (std::size_t words = 1; words <= WordRows::kWordsMax; ++words)
    for (const std::uint32_t rows : kCounts) {
      std::vector<std::uint64_t> memory(rows * words);
      for (std::uint64_t& word : memory) word = random() % 2 == 0 ? 0 : random();
      std::vector<std::uint64_t> bits((rows + 63) / 64, ~std::uint64_t{0});
      const std::uint32_t counted = counted_rows(bytes(memory), words, rows, bits.data());
      std::uint32_t ones = 0;
      for (const std::uint64_t word : bits) ones += static_cast<std::uint32_t>(std::popcount(word));
      ASSERT_EQ(counted, ones);
      for (std::uint32_t row = 0; row < bits.size() * 64; ++row)
        ASSERT_EQ((bits[row / 64] >> (row % 64) & 1) != 0, row < rows && memory[row * words] != 0) << "row " << row;
    }
}

template <class T>
void check_averages() {
  Random random(10);
  for (std::size_t words = 2; words <= WordRows::kWordsMax; ++words)
    for (std::size_t sum = 1; sum < words; ++sum)
      for (const std::uint32_t rows : kCounts) {
        std::vector<std::uint64_t> memory(rows * words);
        for (std::uint32_t row = 0; row < rows; ++row) {
          for (std::size_t word = 1; word < words; ++word)
            memory[row * words + word] = std::bit_cast<std::uint64_t>(Values<double>::one(random, true));
          memory[row * words] = random() % 4 == 0 ? 1 + (random() >> 2) : 1 + random() % 1000;
        }
        std::vector<T> out(rows);
        average_rows<T>(bytes(memory), words, sum, rows, out.data());
        for (std::uint32_t row = 0; row < rows; ++row)
          ASSERT_TRUE(same_bits(out[row], static_cast<T>(std::bit_cast<double>(memory[row * words + sum]) /
                                                         static_cast<double>(memory[row * words]))))
              << "row " << row << " of " << rows;
      }
}

TEST_P(WordRowsOnTarget, AveragesAreThoseOfEachRowAlone) {
  check_averages<double>();
  check_averages<float>();
}

TEST_P(WordRowsOnTarget, CompressReadsNothingBehindWhatItMay) {
  Random random(9);
  for (const std::size_t size : kSizes)
    for (const std::uint32_t count : {1u, 63u, 64u, 65u, 100u, 128u, 190u}) {
      std::vector<std::byte> values(count * size), expected;
      for (std::byte& byte : values) byte = static_cast<std::byte>(random());
      std::vector<std::uint64_t> bits((count + 63) / 64);
      for (std::uint32_t row = 0; row < count; ++row) {
        if (random() % 3 == 0) continue;
        bits[row / 64] |= std::uint64_t{1} << (row % 64);
        expected.insert(expected.end(), values.begin() + static_cast<std::ptrdiff_t>(row * size),
                        values.begin() + static_cast<std::ptrdiff_t>((row + 1) * size));
      }
      values.shrink_to_fit();
      const PickedValues from{values.data(), size, bits.data(), static_cast<std::uint32_t>(bits.size()), count};
      std::vector<std::byte> out(expected.size());
      ASSERT_EQ(compress_values(from, out.data(), static_cast<std::uint32_t>(out.size() / size)) * size, out.size());
      ASSERT_EQ(out, expected) << "values of " << size << " bytes";
    }
}

TEST_P(WordRowsOnTarget, CompressKeepsTheValuesWithABitInOrder) {
  Random random(8);
  for (const std::size_t size : kSizes)
    for (const std::uint32_t words : {0u, 1u, 2u, 5u})
      for (int density = 0; density < 5; ++density) {
        std::vector<std::byte> values(std::size_t{64} * words * size), expected;
        for (std::byte& byte : values) byte = static_cast<std::byte>(random());
        std::vector<std::uint64_t> bits(words);
        for (std::uint64_t& word : bits) {
          word = density == 0 ? 0 : density == 1 ? ~std::uint64_t{0} : random();
          if (density == 3) word &= random() & random();
          if (density == 4) word |= random() | random();
        }
        for (std::uint32_t row = 0; row < 64 * words; ++row)
          if ((bits[row / 64] >> (row % 64) & 1) != 0)
            expected.insert(expected.end(), values.begin() + static_cast<std::ptrdiff_t>(row * size),
                            values.begin() + static_cast<std::ptrdiff_t>((row + 1) * size));
        const auto count = static_cast<std::uint32_t>(expected.size() / size);
        for (const std::uint32_t room : {count, count + 63, count + 64, count + 200}) {
          std::vector<std::byte> out(room * size);
          const PickedValues from{values.data(), size, bits.data(), words, 64 * words};
          ASSERT_EQ(compress_values(from, out.data(), room), count);
          out.resize(expected.size());
          ASSERT_EQ(out, expected) << "values of " << size << " bytes";
        }
      }
}

}  // namespace
}  // namespace weir::simd::testing
