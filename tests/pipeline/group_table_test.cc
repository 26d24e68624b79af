// The group table against a map from keys to counts.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "pipeline/window_fixture.h"
#include "window/accumulate.h"
#include "window/group_table.h"

namespace weir {
namespace {

using namespace test;

/// A table of COUNT(*) over some key columns of row_schema, and what it must hold.
struct CountedTable {
  Schema schema;
  std::vector<std::uint32_t> columns;
  AggregateLayout layout;
  KeyLayout keys;
  StateArena arena;
  GroupTable table;
  std::map<std::string, std::uint64_t> expected;

  CountedTable(TypeId type, std::vector<std::uint32_t> key_columns, std::uint32_t groups_max = 1u << 20)
      : schema(row_schema(type)), columns(std::move(key_columns)) {
    const AggregateColumn count{"COUNT", {}, -1, {}, "count"};
    layout = std::move(*AggregateLayout::make(schema, std::span(&count, 1), true));
    std::vector<Type> types;
    for (const std::uint32_t column : columns) types.push_back(schema.fields[column].type);
    keys = KeyLayout::make(types);
    arena = std::move(*StateArena::create(64u << 20));
    table.set_up({&keys, &layout, &arena, groups_max});
  }

  std::string text(Batch& batch, std::uint32_t row) {
    std::string line;
    for (const std::uint32_t column : columns) line += cell_text(batch.column(column), row) + "|";
    return line;
  }

  Result<void> add(Batch& batch, const std::vector<std::uint32_t>* selection = nullptr) {
    const std::uint32_t capacity = batch.capacity();
    BatchKeys batch_keys(keys, capacity);
    BatchAccumulator accumulator(layout, capacity);
    ProbeScratch probe(capacity);
    std::vector<std::uint32_t> groups(capacity);
    simd::Rows rows{batch.row_count(), nullptr, nullptr};
    if (selection != nullptr) rows = {static_cast<std::uint32_t>(selection->size()), selection->data(), nullptr};
    batch_keys.begin(batch, columns, rows);
    accumulator.begin(batch, -1);
    WEIR_TRY(table.find_or_insert(batch_keys, rows, groups.data(), probe));
    WEIR_TRY(accumulator.add(groups.data(), rows, {table.state_rows(), &table.strings(), &arena}));
    for (std::uint32_t i = 0; i < rows.count; ++i) ++expected[text(batch, rows[i])];
    return {};
  }

  void check() {
    std::map<std::string, std::uint64_t> found;
    Schema key_schema;
    for (const std::uint32_t column : columns) key_schema.fields.push_back(schema.fields[column]);
    OwnBatch one(key_schema, 1, 0);
    for (std::uint32_t group = 0; group < table.group_end(); ++group) {
      if (!table.present(group)) continue;
      std::string line;
      for (std::uint32_t c = 0; c < columns.size(); ++c) {
        table.read_key(c, &group, 1, one->column(c), 0);
        line += cell_text(one->column(c), 0) + "|";
      }
      std::uint64_t count;
      std::memcpy(&count, table.state(group), sizeof count);
      EXPECT_TRUE(found.emplace(line, count).second) << line << " stands twice";
    }
    EXPECT_EQ(found, expected);
    EXPECT_EQ(table.group_count(), expected.size());
  }
};

void put_keys(Batch& batch, const std::vector<std::optional<std::int64_t>>& keys) {
  batch.reset();
  for (const auto& key : keys) {
    TestRow row;
    row.key = key;
    put_row(batch, batch.row_count(), row);
    batch.set_row_count(batch.row_count() + 1);
  }
}

TEST(GroupTable, IntegerKeysOfEveryWidthEqualAMapWhileTheRangeGrowsAndIsLeft) {
  for (const TypeId type : {TypeId::kTinyInt, TypeId::kSmallInt, TypeId::kInt, TypeId::kBigInt}) {
    SCOPED_TRACE(static_cast<int>(type));
    CountedTable t(type, {1});
    OwnBatch batch(t.schema, 256, 1024);
    std::mt19937_64 random(static_cast<std::uint64_t>(type));
    const int bits = type == TypeId::kTinyInt ? 8 : type == TypeId::kSmallInt ? 16 : type == TypeId::kInt ? 32 : 64;
    for (int spread = 2; spread <= bits; spread += 2) {
      std::vector<std::optional<std::int64_t>> keys;
      for (int i = 0; i < 256; ++i) {
        if (random() % 8 == 0)
          keys.push_back(std::nullopt);
        else
          keys.push_back(static_cast<std::int64_t>(random()) >> (64 - spread));
      }
      put_keys(*batch, keys);
      ASSERT_TRUE(t.add(*batch).has_value());
      t.check();
    }
  }
}

TEST(GroupTable, ExtremeKeysStandNextToEachOther) {
  CountedTable t(TypeId::kBigInt, {1});
  OwnBatch batch(t.schema, 8, 64);
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kGreatest = std::numeric_limits<std::int64_t>::max();
  for (const std::vector<std::optional<std::int64_t>>& keys :
       {std::vector<std::optional<std::int64_t>>{kGreatest, kGreatest - 1},
        {kGreatest - 70},
        {kLeast, 0, std::nullopt},
        {kLeast + 1, kGreatest, -1}}) {
    put_keys(*batch, keys);
    ASSERT_TRUE(t.add(*batch).has_value());
    t.check();
  }
}

TEST(GroupTable, ASmallRangeIsDenseAndAWideOneIsHashed) {
  CountedTable t(TypeId::kInt, {1});
  OwnBatch batch(t.schema, 8, 64);
  put_keys(*batch, {5, 6, 900});
  ASSERT_TRUE(t.add(*batch).has_value());
  EXPECT_TRUE(t.table.dense());
  put_keys(*batch, {-300});
  ASSERT_TRUE(t.add(*batch).has_value());
  EXPECT_TRUE(t.table.dense());
  put_keys(*batch, {1'000'000'000, std::nullopt});
  ASSERT_TRUE(t.add(*batch).has_value());
  EXPECT_FALSE(t.table.dense());
  t.check();
}

TEST(GroupTable, AWideRangeIsDenseWhereFewSlicesAreOpenAndTheRowsPayForIt) {
  for (const bool few : {false, true})
    for (const std::int64_t range : {std::int64_t{60'000}, std::int64_t{100'000}, std::int64_t{300'000}}) {
      SCOPED_TRACE(std::to_string(range) + (few ? " few" : " many"));
      CountedTable t(TypeId::kInt, {1});
      t.table.expect(0, few);
      OwnBatch batch(t.schema, 16384, 1024);
      std::vector<std::optional<std::int64_t>> keys;
      for (std::int64_t i = 0; i < 16384; ++i) keys.push_back(i * 7919 % range);
      keys.front() = 0;
      keys.back() = range - 1;
      put_keys(*batch, keys);
      ASSERT_TRUE(t.add(*batch).has_value());
      EXPECT_EQ(t.table.dense(), range < (few ? 8 * 16384 : 65536));
      t.check();
    }
}

TEST(GroupTable, ADenseTableBeginsWithTheRangeThatIsExpectedWhereItsFirstKeysAreCloseToIt) {
  struct Begin {
    std::int64_t key, base;
    std::uint32_t count;
  };
  // In it; just beyond either side, which widens it to what a block has room for; far from it, which leaves it out.
  for (const Begin& begin :
       {Begin{105, 100, 16}, Begin{116, 100, 31}, Begin{99, 99, 31}, Begin{1000, 1000, 8}, Begin{-40, -40, 8}}) {
    SCOPED_TRACE(begin.key);
    CountedTable t(TypeId::kInt, {1});
    t.table.expect(0, true, {100, 16});
    OwnBatch batch(t.schema, 8, 64);
    put_keys(*batch, {begin.key});
    ASSERT_TRUE(t.add(*batch).has_value());
    ASSERT_TRUE(t.table.dense());
    EXPECT_EQ(t.table.dense_range().base, begin.base);
    EXPECT_EQ(t.table.dense_range().count, begin.count);
    t.check();
    put_keys(*batch, {begin.key, 100, 115, std::nullopt, 103});
    ASSERT_TRUE(t.add(*batch).has_value());
    t.check();
    t.table.clear();
    t.expected.clear();
    put_keys(*batch, {begin.key});
    ASSERT_TRUE(t.add(*batch).has_value());
    EXPECT_EQ(t.table.dense_range().count, 8u) << "what is expected holds once";
    t.check();
  }
}

TEST(GroupTable, OnlyNullKeysMakeOneGroup) {
  CountedTable t(TypeId::kInt, {1});
  OwnBatch batch(t.schema, 8, 64);
  put_keys(*batch, {std::nullopt, std::nullopt});
  ASSERT_TRUE(t.add(*batch).has_value());
  t.check();
  EXPECT_EQ(t.table.group_count(), 1u);
}

TEST(GroupTable, KeysOfSeveralColumnsWithShortAndLongStringsAndNullsEqualAMap) {
  const std::vector<std::vector<std::uint32_t>> sets{{2}, {1, 2}, {2, 5}, {4}, {7}, {6, 7, 1}, {1, 2, 4, 5, 7}};
  for (const auto& columns : sets) {
    SCOPED_TRACE("columns from " + std::to_string(columns[0]) + ", " + std::to_string(columns.size()));
    CountedTable t(TypeId::kInt, columns);
    OwnBatch batch(t.schema, 200, 200 * 128);
    std::mt19937 random(7);
    for (int round = 0; round < 12; ++round) {
      batch->reset();
      for (std::uint32_t i = 0; i < 200; ++i) {
        TestRow row;
        const auto number = static_cast<std::int64_t>(random() % 60);
        if (random() % 5 != 0) row.key = number;
        if (random() % 5 != 0) row.key_text = std::string(random() % 40, 'x') + std::to_string(random() % 3);
        if (random() % 5 != 0) row.number = std::array{0.0, 1.5, std::nan(""), -2.0}[random() % 4];
        if (random() % 5 != 0) row.text = std::string(random() % 3, 'y');
        if (random() % 5 != 0) row.flag = random() % 2 == 0;
        row.decimal = static_cast<Int128>(number) << 90;
        put_row(*batch, i, row);
      }
      batch->set_row_count(200);
      std::vector<std::uint32_t> selection;
      for (std::uint32_t i = 0; i < 200; ++i)
        if (random() % 3 != 0) selection.push_back(i);
      ASSERT_TRUE(t.add(*batch, round % 2 == 0 ? nullptr : &selection).has_value());
      t.check();
    }
  }
}

TEST(GroupTable, NegativeZeroIsZeroAndEveryNaNIsOneKey) {
  CountedTable t(TypeId::kInt, {4});
  OwnBatch batch(t.schema, 4, 64);
  for (std::uint32_t i = 0; i < 4; ++i) put_row(*batch, i, TestRow{});
  auto* numbers = batch->column(4).values<double>();
  const std::array<double, 4> values{0.0, -0.0, std::nan(""), -std::nan("1")};
  for (std::uint32_t i = 0; i < 4; ++i) {
    numbers[i] = values[i];
    batch->column(4).set_valid(i, true);
  }
  batch->set_row_count(4);
  ASSERT_TRUE(t.add(*batch).has_value());
  EXPECT_EQ(t.table.group_count(), 2u);
}

TEST(GroupTable, StringKeysOutliveTheBatchTheyCameIn) {
  CountedTable t(TypeId::kInt, {2});
  {
    OwnBatch batch(t.schema, 4, 256);
    TestRow row;
    row.key_text = "a text that does not fit into twelve bytes";
    put_row(*batch, 0, row);
    batch->set_row_count(1);
    ASSERT_TRUE(t.add(*batch).has_value());
    batch->column(2).values<StringRef>()[0] = StringRef();
    std::memset(batch->heap().take(100), 'z', 100);
  }
  t.check();
}

TEST(GroupTable, MemoryGoesBackToTheArena) {
  CountedTable t(TypeId::kBigInt, {1});
  OwnBatch batch(t.schema, 256, 1024);
  std::size_t first = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 16; ++i) {
      std::vector<std::optional<std::int64_t>> keys;
      for (int k = 0; k < 256; ++k) keys.push_back((i * 256LL + k) * 0x123456789);
      put_keys(*batch, keys);
      ASSERT_TRUE(t.add(*batch).has_value());
    }
    if (round == 0) first = t.arena.bytes_in_use();
    EXPECT_EQ(t.arena.bytes_in_use(), first);
    t.table.clear();
    EXPECT_EQ(t.arena.bytes_in_use(), 0u);
  }
}

TEST(StateArena, ABlockThatWasGivenBackIsGivenOutAgainAndTheMaximumHolds) {
  StateArena arena = std::move(*StateArena::create(64 * 1024));
  void* first = arena.take(5000);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(arena.bytes_in_use(), 8192u);
  arena.give_back(first, 5000);
  EXPECT_EQ(arena.take(8000), first);
  EXPECT_EQ(arena.take(64 * 1024), nullptr);
  std::size_t blocks = 0;
  while (arena.take(1) != nullptr) ++blocks;
  EXPECT_EQ(blocks, (64 * 1024 - 8192) / StateArena::kBlockMin);
  EXPECT_EQ(arena.bytes_in_use(), 64u * 1024);
}

}  // namespace
}  // namespace weir
