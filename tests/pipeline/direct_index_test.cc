// Keys that are found without a hash while they lie close together: against a map from key to number, while keys come,
// go, wander, and jump so far that the table falls back to hashes.
#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <map>
#include <random>

#include "pipeline/window_fixture.h"
#include "window/group_table.h"

namespace weir {
namespace {

using namespace test;

Type not_null(Type type) {
  type.nullable = false;
  return type;
}

/// A table of keys of some columns, and slices that hold its numbers.
struct KeyedSlices {
  Schema schema;
  std::vector<std::uint32_t> columns;
  AggregateLayout counting, no_aggregates;
  KeyLayout keys;
  StateArena arena;
  GroupTable numbers;
  NumberDirectory directory{arena};
  std::deque<GroupTable> slices;

  explicit KeyedSlices(const std::vector<Type>& types) {
    for (const Type& type : types) {
      columns.push_back(static_cast<std::uint32_t>(columns.size()));
      schema.fields.push_back({"k" + std::to_string(columns.size()), not_null(type)});
    }
    const AggregateColumn count{"COUNT", {}, -1, {}, "count"};
    counting = std::move(*AggregateLayout::make(schema, std::span(&count, 1), true));
    no_aggregates = std::move(*AggregateLayout::make(Schema(), {}, true));
    std::vector<Type> key_types;
    for (const Field& field : schema.fields) key_types.push_back(field.type);
    keys = KeyLayout::make(key_types);
    arena = std::move(*StateArena::create(64u << 20));
    GroupTable::Setup setup{&keys, &no_aggregates, &arena, 1u << 20};
    setup.of_keys = true;
    numbers.set_up(setup);
  }

  using Key = std::vector<std::int64_t>;
  static void put(Batch& batch, std::uint32_t row, const Key& key) {
    for (std::uint32_t c = 0; c < key.size(); ++c) {
      if (batch.column(c).physical == Physical::kInt32)
        batch.column(c).values<std::int32_t>()[row] = static_cast<std::int32_t>(key[c]);
      else
        batch.column(c).values<std::int64_t>()[row] = key[c];
    }
  }
  Key key_of(std::uint32_t number, OwnBatch& one) const {
    Key key;
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
      numbers.read_key(c, &number, 1, one->column(c), 0);
      key.push_back(one->column(c).physical == Physical::kInt32 ? one->column(c).values<std::int32_t>()[0]
                                                                : one->column(c).values<std::int64_t>()[0]);
    }
    return key;
  }
  /// Keys of a batch to the last slice; every other row is selected where `thin`.
  void add(const std::vector<Key>& rows, bool thin) {
    const auto count = static_cast<std::uint32_t>(rows.size());
    OwnBatch batch(schema, count, 0), one(schema, 1, 0);
    std::vector<std::uint32_t> selection, groups(count), found(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      put(*batch, i, rows[i]);
      if (i % 2 == 0) selection.push_back(i);
    }
    batch->set_row_count(count);
    const simd::Rows live = thin ? simd::Rows{static_cast<std::uint32_t>(selection.size()), selection.data(), nullptr}
                                 : simd::Rows{count, nullptr, nullptr};
    BatchKeys batch_keys(keys, count);
    ProbeScratch probe(count);
    batch_keys.begin(*batch, columns, live);
    ASSERT_TRUE(numbers.find_or_insert(batch_keys, live, found.data(), probe).has_value());
    ASSERT_TRUE(slices.back().takes_numbers());
    ASSERT_TRUE(slices.back().find_numbers(found.data(), live, groups.data()).has_value());
    for (std::uint32_t i = 0; i < live.count; ++i) {
      const std::uint32_t row = live[i];
      ASSERT_EQ(key_of(found[row], one), rows[row]);
      ASSERT_EQ(slices.back().number(groups[row]), found[row]);
    }
  }
  void open() {
    slices.emplace_back();
    GroupTable::Setup setup{&keys, &counting, &arena, 1u << 20};
    setup.numbers = &numbers;
    setup.directory = &directory;
    slices.back().set_up(setup);
  }
  void close_first() {
    GroupTable& table = slices.front();
    for (std::uint32_t group = 0; group < table.group_end(); ++group) (void)numbers.release(table.number(group));
    table.clear();
    slices.pop_front();
  }
  /// No key has two numbers in the slices that are open.
  void check_numbers() {
    OwnBatch one(schema, 1, 0);
    std::map<Key, std::uint32_t> known;
    for (GroupTable& slice : slices) {
      for (std::uint32_t group = 0; group < slice.group_end(); ++group) {
        const std::uint32_t number = slice.number(group);
        ASSERT_EQ(known.emplace(key_of(number, one), number).first->second, number);
      }
    }
    ASSERT_EQ(numbers.key_count(), known.size());
  }
};

struct Walk {
  std::vector<Type> types;
  std::vector<std::int64_t> ranges;  ///< Of each column.
  std::int64_t drift = 0;            ///< Of the first column a step.
  std::uint32_t far_every = 0;       ///< A key at the ends of the types each so many steps; 0: never.
};

void follow(const Walk& walk) {
  KeyedSlices t(walk.types);
  std::mt19937_64 random(3);
  for (std::int64_t step = 0; step < 200; ++step) {
    t.open();
    for (std::uint32_t part = 0; part < 2; ++part) {
      std::vector<KeyedSlices::Key> rows(50 + random() % 100);
      for (auto& key : rows)
        for (const std::int64_t range : walk.ranges)
          key.push_back(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(range)) +
                        (key.empty() ? step * walk.drift : -5));
      if (walk.far_every != 0 && step % walk.far_every == walk.far_every - 1) {
        for (std::size_t c = 0; c < walk.types.size(); ++c) {
          const bool narrow = walk.types[c].physical() == Physical::kInt32;
          const bool least = random() % 2 == 0;
          rows[0][c] =
              narrow ? (least ? std::numeric_limits<std::int32_t>::min() : std::numeric_limits<std::int32_t>::max())
                     : (least ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max());
        }
      }
      t.add(rows, random() % 3 == 0);
      if (testing::Test::HasFatalFailure()) return;
    }
    if (t.slices.size() > 5) t.close_first();
    t.check_numbers();
    if (testing::Test::HasFatalFailure()) return;
    if (step % 70 == 69) {  // everything goes, and a table that fell back to hashes may start anew
      while (!t.slices.empty()) t.close_first();
      t.numbers.clear();
    }
  }
  while (!t.slices.empty()) t.close_first();
  t.numbers.clear();
  t.directory.free();
  EXPECT_EQ(t.arena.bytes_in_use(), 0u);
}

const Type kInt = Type::of(TypeId::kInt), kBigInt = Type::of(TypeId::kBigInt);

TEST(DirectIndex, FindsKeysOfSomeColumnsThatLieCloseTogether) {
  follow({{kInt}, {300}});
  follow({{kBigInt}, {300}});
  follow({{kInt, kInt, kInt}, {12, 18, 40}});
  follow({{kBigInt, kInt}, {100, 7}});
  follow({{kInt, kBigInt, kInt, kBigInt}, {3, 4, 5, 6}});
}

TEST(DirectIndex, FollowsKeysThatWander) {
  follow({{kInt}, {200}, 50});
  follow({{kBigInt}, {200}, -1000});
  follow({{kInt, kInt}, {20, 10}, 9});
}

TEST(DirectIndex, GivesWayToHashesWhereKeysLieApart) {
  follow({{kInt}, {100}, 0, 7});
  follow({{kBigInt}, {100}, 0, 7});
  follow({{kInt, kBigInt}, {10, 10}, 0, 7});
  follow({{kInt, kInt}, {100000, 100000}});
  follow({{kBigInt, kBigInt, kBigInt, kBigInt, kBigInt}, {2, 2, 2, 2, 2}});  // more columns than it takes
}

TEST(DirectIndex, TakesKeysAtTheEndsOfTheirTypes) {
  for (const Type& type : {kInt, kBigInt}) {
    const bool narrow = type.physical() == Physical::kInt32;
    const std::int64_t least =
        narrow ? std::numeric_limits<std::int32_t>::min() : std::numeric_limits<std::int64_t>::min();
    const std::int64_t greatest =
        narrow ? std::numeric_limits<std::int32_t>::max() : std::numeric_limits<std::int64_t>::max();
    for (const bool low : {true, false}) {
      KeyedSlices t({type, type});
      t.open();
      for (std::int64_t i = 0; i < 40; ++i) {
        const std::int64_t key = low ? least + i : greatest - i;
        t.add({{key, i % 3}, {key, 1}, {key, 0}}, false);
        if (testing::Test::HasFatalFailure()) return;
      }
      t.check_numbers();
    }
  }
}

}  // namespace
}  // namespace weir
