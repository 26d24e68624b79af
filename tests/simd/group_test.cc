// Hashes, group lookup, accumulation, partition and gather against maps and loops over single rows.
#include "weir/simd/group.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "kernel_case.h"
#include "weir/simd/accumulate.h"
#include "weir/simd/gather.h"
#include "weir/simd/hash.h"
#include "weir/simd/partition.h"

namespace weir::simd::testing {
namespace {

class Hash : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Hash);

template <class T>
std::uint64_t hash_of(T key) {
  if constexpr (std::is_floating_point_v<T>) {
    const double value = std::isnan(key) ? std::numeric_limits<double>::quiet_NaN() : key == 0 ? 0.0 : double{key};
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return hash_u64(bits);
  } else {
    return hash_u64(static_cast<std::uint64_t>(key));
  }
}

template <class T, class F>
void check_hash(F&& kernel) {
  Random random(21);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const Values<T> keys(end, static_cast<std::uint32_t>(random() % 3), random);
    std::vector<std::uint64_t> hashes(end, 5);
    kernel(keys.data(), shape.rows, HashMode::kStart, hashes.data());
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
      const std::uint32_t row = shape.rows[i];
      ASSERT_EQ(hashes[row], shape.rows.valid(row) ? hash_of(keys[row]) : kNullHash);
    }
    const std::vector<std::uint64_t> first = hashes;
    kernel(keys.data(), shape.rows, HashMode::kCombine, hashes.data());
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
      const std::uint32_t row = shape.rows[i];
      ASSERT_EQ(hashes[row], combine_hash(first[row], first[row]));
    }
  });
}

TEST_P(Hash, EveryTypeHashesByValue) {
  check_hash<std::int8_t>(hash_column<std::int8_t>);
  check_hash<std::int16_t>(hash_column<std::int16_t>);
  check_hash<std::int32_t>(hash_column<std::int32_t>);
  check_hash<std::int64_t>(hash_column<std::int64_t>);
  check_hash<std::uint8_t>(hash_column<std::uint8_t>);
  check_hash<std::uint32_t>(hash_column<std::uint32_t>);
  check_hash<std::uint64_t>(hash_column<std::uint64_t>);
  check_hash<float>(hash_floats);
  check_hash<double>(hash_doubles);
}

/// A string of 16 bytes as hash_strings takes it.
struct String16 {
  std::uint32_t size;
  char bytes[12];
};

TEST_P(Hash, StringsHashByTheirTextAndBytes16ByTheirWords) {
  Random random(22);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    std::vector<std::string> texts(end);
    std::vector<String16> strings(end);
    for (std::uint32_t row = 0; row < end; ++row) {
      texts[row].resize(random() % (row % 5 == 0 ? 70 : 20));
      for (char& byte : texts[row]) byte = static_cast<char>(random() % 3);
      strings[row] = {static_cast<std::uint32_t>(texts[row].size()), {}};
      if (texts[row].size() <= 12) {
        std::memcpy(strings[row].bytes, texts[row].data(), texts[row].size());
      } else {
        const char* address = texts[row].data();
        std::memcpy(strings[row].bytes, address, 4);
        std::memcpy(strings[row].bytes + 4, &address, sizeof address);
      }
    }
    std::vector<std::uint64_t> hashes(end);
    hash_strings(strings.data(), shape.rows, HashMode::kStart, hashes.data());
    for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
      const std::uint32_t row = shape.rows[i];
      ASSERT_EQ(hashes[row], shape.rows.valid(row) ? hash_bytes(texts[row].data(), texts[row].size()) : kNullHash);
    }
    hash_bytes16(strings.data(), shape.rows, HashMode::kStart, hashes.data());
    for (const std::uint32_t row : shape.live()) {
      std::uint64_t words[2];
      std::memcpy(words, &strings[row], sizeof words);
      ASSERT_EQ(hashes[row], hash_u128(words[0], words[1]));
    }
  });
}

TEST(HashBytes, EveryByteAndTheLengthCount) {
  std::set<std::uint64_t> seen;
  std::size_t made = 0;
  for (std::size_t size = 0; size <= 80; ++size) {
    std::string text(size, 'a');
    seen.insert(hash_bytes(text.data(), size));
    ++made;
    for (std::size_t i = 0; i < size; ++i) {
      std::string other = text;
      other[i] = 'b';
      seen.insert(hash_bytes(other.data(), size));
      ++made;
    }
  }
  EXPECT_EQ(seen.size(), made);
}

TEST(HashBytes, ValuesAreFixedForEver) {
  // A hash says to which shard a key belongs, also after a restart with another version.
  EXPECT_EQ(hash_u64(1), 0xB456BCFC34C2CB2Cull);
  EXPECT_EQ(combine_hash(1, 2), hash_u64(0x9E3779B97F4A7C15ull ^ 2));
}

class Groups : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Groups);

template <class K>
void check_dense() {
  Random random(23);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const K base = random() % 2 == 0 ? std::numeric_limits<K>::min() : static_cast<K>(-3);
    const std::uint32_t range = 10;
    std::vector<K> keys(end);
    for (K& key : keys) key = static_cast<K>(base + static_cast<K>(random() % range));
    if (end != 0 && random() % 2 == 0) {
      keys[random() % end] = random() % 2 == 0 ? static_cast<K>(base + 10) : std::numeric_limits<K>::max();
    }
    bool all = true;
    for (const std::uint32_t row : shape.live()) all &= Int128{keys[row]} - base < range;
    std::vector<std::uint32_t> groups(end);
    ASSERT_EQ(dense_groups(keys.data(), base, range, shape.rows, groups.data()), all);
    for (std::uint32_t i = 0; all && i < shape.rows.count; ++i) {
      const std::uint32_t row = shape.rows[i];
      ASSERT_EQ(groups[row], shape.rows.valid(row) ? static_cast<std::uint32_t>(Int128{keys[row]} - base) : range);
    }
  });
}

TEST_P(Groups, DenseKeysAreTheirOwnNumbers) {
  check_dense<std::int32_t>();
  check_dense<std::int64_t>();
}

template <class K>
void check_digits() {
  Random random(29);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    Rows rows = shape.rows;
    rows.validity = nullptr;
    const K base = random() % 2 == 0 ? std::numeric_limits<K>::min() : static_cast<K>(-3);
    const std::uint32_t range = 10, scale = 7;
    std::vector<K> keys(end);
    for (K& key : keys) key = static_cast<K>(base + static_cast<K>(random() % range));
    if (end != 0 && random() % 2 == 0)
      keys[random() % end] = random() % 2 == 0 ? static_cast<K>(base + 10) : std::numeric_limits<K>::max();
    bool all = true;
    for (std::uint32_t i = 0; i < rows.count; ++i) all &= Int128{keys[rows[i]]} - base < range;
    std::vector<std::uint32_t> groups(end, 5);
    ASSERT_EQ(add_dense_digit(keys.data(), base, range, scale, rows, groups.data()), all);
    for (std::uint32_t i = 0; all && i < rows.count; ++i)
      ASSERT_EQ(groups[rows[i]], 5 + scale * static_cast<std::uint32_t>(Int128{keys[rows[i]]} - base));
  });
}

TEST_P(Groups, OneMoreColumnOfAKeyIsOneMoreDigit) {
  check_digits<std::int32_t>();
  check_digits<std::int64_t>();
}

/// An index with keys of `words` words, filled one by one.
class Index {
 public:
  Index(std::uint32_t words, std::uint64_t slots, std::uint64_t hash_mask)
      : words_(words), hash_mask_(hash_mask), slots_(slots, kEmptySlot) {}

  std::uint64_t hash(const std::uint64_t* key) const {
    std::uint64_t result = hash_u64(key[0]);
    for (std::uint32_t i = 1; i < words_; ++i) result = combine_hash(result, key[i]);
    return result & hash_mask_;
  }
  void insert(const std::vector<std::uint64_t>& key) {
    if (groups_.contains(key)) return;
    const auto group = static_cast<std::uint32_t>(groups_.size());
    groups_[key] = group;
    std::uint64_t slot = hash(key.data()) & (slots_.size() - 1);
    while (slots_[slot] != kEmptySlot) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = group;
    rows_.insert(rows_.end(), key.begin(), key.end());
    rows_.push_back(0);  // an accumulator
  }
  GroupIndexView view() const {
    return {slots_.data(), slots_.size() - 1, reinterpret_cast<const std::byte*>(rows_.data()), (words_ + 1) * 8};
  }
  const std::map<std::vector<std::uint64_t>, std::uint32_t>& groups() const { return groups_; }

 private:
  std::uint32_t words_;
  std::uint64_t hash_mask_;
  std::vector<std::uint32_t> slots_;
  std::vector<std::uint64_t> rows_;
  std::map<std::vector<std::uint64_t>, std::uint32_t> groups_;
};

TEST_P(Groups, TheProbeFindsEveryKeyAndListsEveryMiss) {
  Random random(24);
  for (std::uint32_t words = 1; words <= 4; ++words) {
    for (const std::uint64_t hash_mask : {~std::uint64_t{0}, std::uint64_t{7}}) {  // the second: long chains, wrapping
      for (const std::uint32_t known : {0u, 1u, 100u}) {
        const bool own_hash = words == 1 && hash_mask == ~std::uint64_t{0};
        Index index(words, 128, hash_mask == 7 ? 7 + 120 : hash_mask);
        const auto make_key = [&](std::uint64_t number) {
          std::vector<std::uint64_t> key(words, 3);
          key[number % words] = number;
          return key;
        };
        for (std::uint32_t i = 0; i < known; ++i) index.insert(make_key(i));
        for_each_shape([&](const RowShape& shape, std::uint32_t end) {
          std::vector<std::uint64_t> keys, hashes(end);
          for (std::uint32_t row = 0; row < end; ++row) {
            const auto key = make_key(random() % (end % 3 == 0 ? std::max(known, 1u) : 2 * known + 1));
            keys.insert(keys.end(), key.begin(), key.end());
            hashes[row] = index.hash(key.data());
          }
          std::vector<std::uint32_t> groups(end, 77), misses(shape.rows.count), expected;
          misses.resize(own_hash && end % 2 == 0
                            ? probe_groups(index.view(), keys.data(), shape.rows, groups.data(), misses.data())
                            : probe_groups(index.view(), keys.data(), words, hashes.data(), shape.rows, groups.data(),
                                           misses.data()));
          for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
            const std::uint32_t row = shape.rows[i];
            const auto* key = keys.data() + std::size_t{row} * words;
            const auto found = index.groups().find({key, key + words});
            if (found == index.groups().end()) {
              expected.push_back(row);
            } else {
              ASSERT_EQ(groups[row], found->second);
            }
          }
          ASSERT_EQ(misses, expected);
        });
      }
    }
  }
}

class Accumulate : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Accumulate);

struct Accumulators {
  std::uint64_t count = 0;
  std::int64_t sum_int = 0;
  std::uint64_t sum_wide[2] = {};
  double sum_double = 0;
  double least_double = std::numeric_limits<double>::infinity();
  std::int64_t greatest_int = std::numeric_limits<std::int64_t>::min();
  std::int8_t least_byte = 127;
  float greatest_float = -std::numeric_limits<float>::infinity();

  friend bool operator==(const Accumulators&, const Accumulators&) = default;
};

TEST_P(Accumulate, EveryGroupGetsItsRowsInOrder) {
  Random random(25);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const std::uint32_t group_count = random() % 3 == 0 ? 1 : 1 + static_cast<std::uint32_t>(random() % 9);
    const auto base = static_cast<std::uint32_t>(random() % 3);
    std::vector<std::uint32_t> groups(end);
    std::vector<std::int32_t> dense(end);
    const std::uint32_t burst = random() % 2 == 0 ? 1 : 20;  // rows of one group behind each other, about
    std::uint32_t last = 0;
    for (std::uint32_t row = 0; row < end; ++row) {
      if (row == 0 || random() % burst == 0) last = base + static_cast<std::uint32_t>(random() % group_count);
      groups[row] = last;
      dense[row] = static_cast<std::int32_t>(groups[row]) - 100;
    }
    const Values<std::int64_t> integers(end, 1, random, end % 2 == 0);
    const Values<double> doubles(end, 2, random, end % 4 == 0);
    const Values<std::int8_t> bytes(end, 0, random);
    const Values<float> floats(end, 0, random);
    std::vector<Accumulators> expected(12), out(12), counted(12);
    bool fits = true;
    for (const std::uint32_t row : shape.live()) {
      Accumulators& to = expected[groups[row]];
      ++to.count;
      fits &= !__builtin_add_overflow(to.sum_int, integers[row], &to.sum_int);
      Int128 wide;
      std::memcpy(&wide, to.sum_wide, sizeof wide);
      wide += integers[row];
      std::memcpy(to.sum_wide, &wide, sizeof wide);
      to.sum_double += doubles[row];
      if (doubles[row] < to.least_double) to.least_double = doubles[row];
      to.greatest_int = std::max(to.greatest_int, integers[row]);
      to.least_byte = std::min(to.least_byte, bytes[row]);
      if (floats[row] > to.greatest_float) to.greatest_float = floats[row];
    }
    const GroupRows to{reinterpret_cast<std::byte*>(out.data()), sizeof(Accumulators)};
    const GroupRows counted_to{reinterpret_cast<std::byte*>(counted.data()), sizeof(Accumulators)};
    accumulate_count(groups.data(), shape.rows, to, offsetof(Accumulators, count));
    ASSERT_EQ(accumulate_sum_int64(groups.data(), integers.data(), shape.rows, to, offsetof(Accumulators, sum_int)),
              fits);
    accumulate_sum_int128(groups.data(), integers.data(), shape.rows, to, offsetof(Accumulators, sum_wide));
    accumulate_sum_double(groups.data(), doubles.data(), shape.rows, to, offsetof(Accumulators, sum_double));
    accumulate_min(groups.data(), doubles.data(), shape.rows, to, offsetof(Accumulators, least_double));
    accumulate_max(groups.data(), integers.data(), shape.rows, to, offsetof(Accumulators, greatest_int));
    accumulate_min(groups.data(), bytes.data(), shape.rows, to, offsetof(Accumulators, least_byte));
    accumulate_max(groups.data(), floats.data(), shape.rows, to, offsetof(Accumulators, greatest_float));
    const auto check = [&](const std::vector<Accumulators>& got, bool whole) {
      for (std::size_t g = 0; g < 12; ++g) {
        ASSERT_EQ(got[g].count, expected[g].count);
        const double sum = expected[g].sum_double;
        ASSERT_TRUE(std::isnan(sum) ? std::isnan(got[g].sum_double) : same_bits(got[g].sum_double, sum));
        if (!whole) continue;
        Accumulators left = got[g], right = expected[g];
        left.sum_double = right.sum_double = 0;
        ASSERT_TRUE(left == right) << "group " << g;
      }
    };
    check(out, true);
    accumulate_count_sum(groups.data(), doubles.data(), shape.rows, counted_to, offsetof(Accumulators, count),
                         offsetof(Accumulators, sum_double));
    check(counted, false);
    counted.assign(12, {});
    const DenseGroups dense_to{counted_to, 12};
    ASSERT_TRUE(accumulate_count_sum_dense(dense.data(), -100, doubles.data(), shape.rows, dense_to,
                                           offsetof(Accumulators, count), offsetof(Accumulators, sum_double)));
    check(counted, false);
    if (shape.rows.selection == nullptr && shape.rows.validity == nullptr) {
      counted.assign(12, {});
      ASSERT_EQ(accumulate_count_sum_dense_head(dense.data(), -100, doubles.data(), shape.rows.count, dense_to,
                                                offsetof(Accumulators, count), offsetof(Accumulators, sum_double)),
                shape.rows.count);
      check(counted, false);
    }
    if (shape.rows.count != 0) {
      dense[shape.rows[static_cast<std::uint32_t>(random() % shape.rows.count)]] = random() % 2 == 0 ? -101 : -88;
      ASSERT_FALSE(accumulate_count_sum_dense(dense.data(), -100, doubles.data(), shape.rows, dense_to,
                                              offsetof(Accumulators, count), offsetof(Accumulators, sum_double)));
      ASSERT_FALSE(accumulate_count_dense(dense.data(), -100, shape.rows, dense_to, offsetof(Accumulators, count)));
      check(counted, false);
    }
  });
}

TEST_P(Accumulate, DenseHeadStopsAtTheFirstKeyThatIsOutside) {
  for (const std::int32_t outside : {-101, -88}) {
    for (const std::uint32_t at : {0u, 63u, 64u, 127u, 128u, 199u}) {
      std::vector<std::int32_t> keys(200);
      for (std::uint32_t i = 0; i < 200; ++i) keys[i] = -100 + static_cast<std::int32_t>(i % 12);
      keys[at] = outside;
      const std::vector<double> values(200, 0.5);
      std::vector<Accumulators> got(12);
      const DenseGroups to{{reinterpret_cast<std::byte*>(got.data()), sizeof(Accumulators)}, 12};
      const std::uint32_t added = accumulate_count_sum_dense_head(
          keys.data(), -100, values.data(), 200, to, offsetof(Accumulators, count), offsetof(Accumulators, sum_double));
      ASSERT_EQ(added, at);
      for (std::uint32_t g = 0; g < 12; ++g) {
        const std::uint32_t rows = added / 12 + (g < added % 12 ? 1 : 0);
        EXPECT_EQ(got[g].count, rows);
        EXPECT_EQ(got[g].sum_double, 0.5 * rows);
      }
    }
  }
}

TEST_P(Accumulate, Int128AndDenseCountsAreExact) {
  const std::vector<std::uint32_t> groups = {0, 1, 0, 1};
  const std::vector<Int128> values = {Int128{1} << 90, 1, 5, -2};
  std::vector<std::uint64_t> sums(4);
  accumulate_sum_int128(groups.data(), values.data(), Rows{4}, {reinterpret_cast<std::byte*>(sums.data()), 16}, 0);
  EXPECT_THAT(sums, ::testing::ElementsAre(5u, std::uint64_t{1} << 26, ~std::uint64_t{0}, ~std::uint64_t{0}));
  const std::vector<std::int64_t> keys = {7, 8, 9, 7, 7};
  std::vector<std::uint64_t> counts(3);
  ASSERT_TRUE(
      accumulate_count_dense(keys.data(), 7, Rows{5}, {{reinterpret_cast<std::byte*>(counts.data()), 8}, 3}, 0));
  EXPECT_THAT(counts, ::testing::ElementsAre(3u, 1u, 1u));
}

class Exchange : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(Exchange);

TEST_P(Exchange, PartitionKeepsEveryRowOnceInOrderUnderItsShard) {
  Random random(26);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    const std::uint32_t count = 1 + static_cast<std::uint32_t>(random() % (end % 7 == 0 ? kPartitionShardsMax : 5));
    std::vector<std::uint64_t> hashes(end);
    for (auto& hash : hashes) hash = random();
    std::vector<std::uint32_t> shards(end), out(shape.rows.count), offsets(count + 1), expected;
    shard_numbers(hashes.data(), shape.rows, count, shards.data());
    partition_rows(shards.data(), shape.rows, count, out.data(), offsets.data());
    ASSERT_EQ(offsets[0], 0u);
    for (std::uint32_t part = 0; part < count; ++part) {
      for (std::uint32_t i = 0; i < shape.rows.count; ++i) {
        const std::uint32_t row = shape.rows[i];
        ASSERT_LT(shard_of(hashes[row], count), count);
        if (shard_of(hashes[row], count) == part) expected.push_back(row);
      }
      ASSERT_EQ(offsets[part + 1], expected.size());
    }
    ASSERT_EQ(out, expected);
  });
}

template <class T, class F>
void check_gather(F&& kernel) {
  Random random(27);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    if (shape.rows.selection == nullptr) return;
    std::vector<T> values(end), out(shape.rows.count);
    auto* bytes = reinterpret_cast<unsigned char*>(values.data());
    for (std::size_t i = 0; i < values.size() * sizeof(T); ++i) bytes[i] = static_cast<unsigned char>(random());
    kernel(values.data(), shape.selection.data(), shape.rows.count, out.data());
    for (std::uint32_t i = 0; i < out.size(); ++i) ASSERT_TRUE(same_bits(out[i], values[shape.selection[i]]));
  });
}

TEST_P(Exchange, GatherCopiesTheRowsOfASelection) {
  check_gather<std::uint8_t>(gather1);
  check_gather<std::uint16_t>(gather2);
  check_gather<std::uint32_t>(gather4);
  check_gather<std::uint64_t>(gather8);
  check_gather<Int128>(gather16);
}

TEST_P(Exchange, GatheredBitsStandWhereTheyWereAskedForAndOthersStay) {
  Random random(28);
  for_each_shape([&](const RowShape& shape, std::uint32_t end) {
    if (shape.rows.selection == nullptr) return;
    std::vector<std::uint64_t> words(bitmap_words(end) + 1);
    for (auto& word : words) word = random() % 2 == 0 ? ~std::uint64_t{0} : random();
    const auto begin = static_cast<std::uint32_t>(random() % 130);
    const std::uint64_t* from = random() % 4 == 0 ? nullptr : words.data();
    std::vector<std::uint64_t> out(bitmap_words(begin + shape.rows.count));
    for (auto& word : out) word = random();
    const std::vector<std::uint64_t> before = out;
    const bool all = gather_bits(from, shape.selection.data(), shape.rows.count, out.data(), begin);
    bool expected_all = true;
    for (std::uint32_t i = 0; i < out.size() * 64; ++i) {
      bool expected = (before[i / 64] >> (i % 64) & 1) != 0;
      if (i >= begin && i - begin < shape.rows.count) {
        expected = Rows{0, nullptr, from}.valid(shape.selection[i - begin]);
        expected_all &= expected;
      }
      ASSERT_EQ((out[i / 64] >> (i % 64) & 1) != 0, expected);
    }
    ASSERT_EQ(all, expected_all);
  });
}

}  // namespace
}  // namespace weir::simd::testing
