// Slices whose rows hold numbers of a table of keys that they share, against a map for each slice.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

#include "pipeline/window_fixture.h"
#include "window/accumulate.h"
#include "window/group_table.h"

namespace weir {
namespace {

using namespace test;

/// COUNT(*) by some key columns of row_schema, in slices that come and go.
struct NumberedSlices {
  Schema schema;
  std::vector<std::uint32_t> columns;
  AggregateLayout layout, no_aggregates;
  KeyLayout keys;
  StateArena arena;
  GroupTable numbers;
  NumberDirectory directory{arena};
  struct OneSlice {
    GroupTable table;
    std::map<std::string, std::uint64_t> expected;
  };
  std::deque<OneSlice> slices;
  std::uint32_t groups_max = 1u << 20;

  NumberedSlices(TypeId type, std::vector<std::uint32_t> key_columns)
      : schema(row_schema(type)), columns(std::move(key_columns)) {
    const AggregateColumn count{"COUNT", {}, -1, {}, "count"};
    layout = std::move(*AggregateLayout::make(schema, std::span(&count, 1), true));
    no_aggregates = std::move(*AggregateLayout::make(Schema(), {}, true));
    std::vector<Type> types;
    for (const std::uint32_t column : columns) types.push_back(schema.fields[column].type);
    keys = KeyLayout::make(types);
    arena = std::move(*StateArena::create(64u << 20));
    GroupTable::Setup setup{&keys, &no_aggregates, &arena, groups_max};
    setup.of_keys = true;
    numbers.set_up(setup);
  }

  std::string key_of(std::uint32_t number, OwnBatch& one) const {
    std::string line;
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
      numbers.read_key(c, &number, 1, one->column(c), 0);
      line += cell_text(one->column(c), 0) + "|";
    }
    return line;
  }
  void open() {
    slices.emplace_back();
    GroupTable::Setup setup{&keys, &layout, &arena, groups_max};
    setup.numbers = &numbers;
    setup.directory = &directory;
    setup.dense_range_free = 64;
    slices.back().table.set_up(setup);
  }
  void add(OneSlice& slice, Batch& batch) {
    BatchKeys batch_keys(keys, batch.capacity());
    BatchAccumulator accumulator(layout, batch.capacity());
    ProbeScratch probe(batch.capacity());
    std::vector<std::uint32_t> groups(batch.capacity());
    const simd::Rows rows{batch.row_count(), nullptr, nullptr};
    batch_keys.begin(batch, columns, rows);
    accumulator.begin(batch, -1);
    ASSERT_TRUE(slice.table.find_or_insert(batch_keys, rows, groups.data(), probe).has_value());
    ASSERT_TRUE(
        accumulator.add(groups.data(), rows, {slice.table.state_rows(), &slice.table.strings(), &arena}).has_value());
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      std::string line;
      for (const std::uint32_t column : columns) line += cell_text(batch.column(column), i) + "|";
      ++slice.expected[line];
    }
  }
  void check(OneSlice& slice) {
    ASSERT_TRUE(slice.table.number_groups().has_value());
    Schema key_schema;
    for (const std::uint32_t column : columns) key_schema.fields.push_back(schema.fields[column]);
    OwnBatch one(key_schema, 1, 0);
    std::map<std::string, std::uint64_t> found;
    for (std::uint32_t group = 0; group < slice.table.group_end(); ++group) {
      std::uint64_t count;
      std::memcpy(&count, slice.table.state(group), sizeof count);
      EXPECT_TRUE(found.emplace(key_of(slice.table.number(group), one), count).second);
    }
    EXPECT_EQ(found, slice.expected);
  }
  void close_first() {
    GroupTable& table = slices.front().table;
    for (std::uint32_t group = 0; group < table.group_end(); ++group) (void)numbers.release(table.number(group));
    table.clear();
    slices.pop_front();
  }
  std::size_t different_keys() const {
    std::set<std::string> all;
    for (const OneSlice& slice : slices)
      for (const auto& entry : slice.expected) all.insert(entry.first);
    return all.size();
  }
};

TestRow random_row(std::mt19937& random, std::int64_t first_key, std::int64_t key_range) {
  TestRow row;
  const auto number = first_key + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(key_range));
  if (random() % 20 != 0) row.key = number;
  if (random() % 20 != 0) {
    row.key_text = "k" + std::to_string(number);
    if (random() % 3 == 0) *row.key_text += std::string(static_cast<std::size_t>(number % 60), 'x');
  }
  return row;
}

TEST(NumberedGroups, SlicesEqualTheirMapsWhileKeysComeAndGo) {
  const std::vector<std::vector<std::uint32_t>> sets{{1}, {2}, {1, 2}, {7, 1}};
  for (const TypeId type : {TypeId::kInt, TypeId::kBigInt}) {
    for (const auto& columns : sets) {
      SCOPED_TRACE("columns from " + std::to_string(columns[0]) + ", " + std::to_string(columns.size()));
      NumberedSlices t(type, columns);
      OwnBatch batch(t.schema, 100, 100 * 128);
      std::mt19937 random(11);
      for (int step = 0; step < 150; ++step) {
        t.open();
        for (std::uint32_t part = 0; part < 1 + random() % 3; ++part) {
          batch->reset();
          for (std::uint32_t i = 0; i < 100; ++i) put_row(*batch, i, random_row(random, step * 7, 1 + random() % 500));
          batch->set_row_count(100);
          t.add(t.slices[random() % t.slices.size()], *batch);
          if (testing::Test::HasFatalFailure()) return;
        }
        if (t.slices.size() > 4) {
          t.check(t.slices.front());
          t.check(t.slices.back());
          t.slices.front().table.seal();
          t.close_first();
        }
        if (step % 10 == 0) {
          for (auto& slice : t.slices) t.check(slice);
          EXPECT_EQ(t.numbers.key_count(), t.different_keys());
        }
      }
      while (!t.slices.empty()) {
        t.check(t.slices.front());
        t.close_first();
      }
      EXPECT_EQ(t.numbers.key_count(), 0u);
      t.numbers.clear();
      t.directory.free();
      EXPECT_EQ(t.arena.bytes_in_use(), 0u);
    }
  }
}

TEST(NumberedGroups, ATableOfKeysTakesNoMoreMemoryAsKeysGoBy) {
  NumberedSlices t(TypeId::kInt, {2});
  OwnBatch batch(t.schema, 100, 100 * 512);
  std::size_t early = 0;
  for (std::uint32_t step = 0; step < 3000; ++step) {
    t.open();
    batch->reset();
    for (std::uint32_t i = 0; i < 100; ++i) {
      TestRow row;
      row.key_text = std::string(20 + step % 300, 'x') + std::to_string(step * 100 + i);
      put_row(*batch, i, row);
    }
    batch->set_row_count(100);
    t.add(t.slices.back(), *batch);
    if (t.slices.size() > 3) {
      t.check(t.slices.front());
      t.close_first();
    }
    if (step == 300) early = t.numbers.bytes();
  }
  EXPECT_LE(t.numbers.bytes(), 2 * early);
}

}  // namespace
}  // namespace weir
