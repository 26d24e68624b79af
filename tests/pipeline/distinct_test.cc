// Calls with DISTINCT against a std::set over the rows.
#include "aggregates/distinct.h"

#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "aggregates/distinct_table.h"
#include "support/aggregate_harness.h"

namespace weir {
namespace {

using namespace test;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kGreatest = std::numeric_limits<std::int64_t>::max();

/// Text that is equal where values are equal by value.
std::string text_of(const Value& value) {
  const auto* real = std::get_if<double>(&value.data);
  if (real != nullptr && std::isnan(*real)) return "NaN";
  if (real != nullptr && *real == 0) return "0";
  return value_text(value);
}

std::string text_of(const std::vector<Value>& row) {
  std::string text;
  for (const Value& value : row) {
    const std::string part = text_of(value);
    text += std::to_string(part.size()) + ":" + part;
  }
  return text;
}

std::vector<AggregateRow> firsts(std::span<const AggregateRow> rows) {
  std::set<std::string> seen;
  std::vector<AggregateRow> kept;
  for (const AggregateRow& row : rows)
    if (seen.insert(text_of(row.arguments)).second) kept.push_back(row);
  return kept;
}

AggregateCase count_case(std::vector<Type> types, std::function<std::vector<Value>(Random&)> row, DistinctForm form) {
  AggregateCase c;
  c.name = "COUNT(DISTINCT)";
  c.arguments = types;
  c.result = Type::of(TypeId::kBigInt, false);
  AggregateCallInfo call;
  call.name = "COUNT";
  call.arguments = std::move(types);
  call.distinct = true;
  call.result = c.result;
  auto made = make_distinct(call, nullptr, form);
  WEIR_CHECK(made.has_value());
  c.function = *made;
  c.row = std::move(row);
  c.oracle = [](std::span<const AggregateRow> rows) -> Value {
    return {static_cast<std::int64_t>(firsts(rows).size())};
  };
  return c;
}

Value integer(std::int64_t value) {
  return {value};
}

Value some_text(Random& random, std::uint64_t different) {
  const std::uint64_t number = random.below(different);
  const std::string tail = number % 3 == 0 ? "" : std::string(number % 40, 'x');
  return {(number == 0 ? "" : std::to_string(number)) + tail};
}

TEST(CountDistinct, OfIntegersEqualsASetForEverySizeOfTheSet) {
  for (const DistinctForm form : {DistinctForm::kPlain, DistinctForm::kCounted}) {
    for (const std::int64_t different : {1, 2, 3, 9, 12, 40, 100'000}) {
      for (const TypeId id : {TypeId::kTinyInt, TypeId::kSmallInt, TypeId::kInt, TypeId::kBigInt, TypeId::kTime}) {
        const std::int64_t most = id == TypeId::kTinyInt ? 100 : id == TypeId::kSmallInt ? 30'000 : different;
        AggregateCase c = count_case(
            {Type::of(id)},
            [=](Random& random) {
              return std::vector{
                  integer(random.between(-std::min(different, most) / 2, std::min(different, most) / 2))};
            },
            form);
        c.rounds = 6;
        check_aggregate(c);
      }
    }
  }
}

TEST(CountDistinct, KeepsTheGreatestAndLeastIntegersAndZeroApart) {
  for (const DistinctForm form : {DistinctForm::kPlain, DistinctForm::kCounted}) {
    check_aggregate(count_case(
        {Type::bigint()},
        [](Random& random) {
          const std::int64_t of[] = {0, 1, -1, kLeast, kLeast + 1, kGreatest, kGreatest - 1};
          if (random.chance(1, 2)) return std::vector{integer(of[random.below(7)])};
          return std::vector{integer(random.between(0, 60))};
        },
        form));
  }
}

TEST(CountDistinct, TakesMinusZeroForZeroAndEveryNanForOne) {
  for (const DistinctForm form : {DistinctForm::kPlain, DistinctForm::kCounted}) {
    for (const TypeId id : {TypeId::kFloat, TypeId::kDouble}) {
      check_aggregate(count_case(
          {Type::of(id)},
          [](Random& random) {
            const double of[] = {0.0, -0.0, kNan, -kNan, 1.5, -1.5, HUGE_VAL, -HUGE_VAL};
            if (random.chance(1, 2)) return std::vector{Value{of[random.below(8)]}};
            return std::vector{Value{static_cast<double>(random.between(-40, 40)) / 4}};
          },
          form));
    }
  }
}

TEST(CountDistinct, OfWideDecimalsEqualsASet) {
  for (const DistinctForm form : {DistinctForm::kPlain, DistinctForm::kCounted}) {
    for (const std::int64_t different : {2, 4, 5, 300}) {
      AggregateCase c = count_case(
          {Type::decimal(38, 2)},
          [=](Random& random) {
            const Int128 value = random.between(-different, different);
            return std::vector{Value{random.chance(1, 2) ? value << 64 : value}};
          },
          form);
      c.rounds = 10;
      check_aggregate(c);
    }
  }
}

TEST(CountDistinct, OfTextsEqualsASet) {
  for (const DistinctForm form : {DistinctForm::kPlain, DistinctForm::kCounted}) {
    for (const std::uint64_t different : {1u, 4u, 5u, 30u, 1000u}) {
      AggregateCase c = count_case(
          {Type::string()}, [=](Random& random) { return std::vector{some_text(random, different)}; }, form);
      c.rounds = 10;
      check_aggregate(c);
    }
  }
}

TEST(CountDistinct, OfSeveralColumnsCountsRowsWithoutANull) {
  for (const DistinctForm form : {DistinctForm::kPlain, DistinctForm::kCounted}) {
    AggregateCase c = count_case(
        {Type::string(), Type::integer(), Type::string(), Type::float64(), Type::decimal(30, 0)},
        [=](Random& random) {
          return std::vector{random.chance(1, 20) ? Value{std::string(700, 'y')} : some_text(random, 3),
                             integer(random.between(0, 2)), some_text(random, 2),
                             Value{random.chance(1, 2) ? -0.0 : 0.0}, Value{Int128{7}}};
        },
        form);
    c.nulls_percent = 2;
    check_aggregate(c);
  }
}

AggregateCase total_case(const char* name, const Type& type, const Type& result, DistinctForm form) {
  AggregateCase c;
  c.name = std::string(name) + "(DISTINCT)";
  c.arguments = {type};
  c.result = result;
  AggregateCallInfo call;
  call.name = name;
  call.arguments = c.arguments;
  call.distinct = true;
  call.result = result;
  auto made = make_distinct(call, nullptr, form);
  WEIR_CHECK(made.has_value());
  c.function = *made;
  return c;
}

TEST(SumDistinct, AddsEachValueOnceAndTheAverageTruncates) {
  for (const DistinctForm form : {DistinctForm::kPlain, DistinctForm::kCounted}) {
    for (const bool average : {false, true}) {
      AggregateCase c = total_case(average ? "AVG" : "SUM", Type::bigint(), Type::bigint(), form);
      c.row = [](Random& random) { return std::vector{integer(random.between(-30, 25))}; };
      c.oracle = [=](std::span<const AggregateRow> rows) -> Value {
        std::int64_t sum = 0, count = 0;
        for (const AggregateRow& row : firsts(rows)) sum += std::get<std::int64_t>(row.arguments[0].data), ++count;
        if (count == 0) return {};
        return {average ? sum / count : sum};
      };
      check_aggregate(c);
    }
  }
}

TEST(SumDistinct, OfDoublesIsTheSameBitsForEveryPlan) {
  for (const DistinctForm form : {DistinctForm::kPlain, DistinctForm::kCounted}) {
    AggregateCase c = total_case("SUM", Type::float64(), Type::float64(), form);
    c.row = [](Random& random) { return std::vector{Value{static_cast<double>(random.between(-99, 99)) * 0.1}}; };
    c.oracle = [=](std::span<const AggregateRow> rows) -> Value {
      long double sum = 0;
      const auto kept = firsts(rows);
      for (const AggregateRow& row : kept) sum += static_cast<long double>(std::get<double>(row.arguments[0].data));
      if (kept.empty()) return {};
      return {static_cast<double>(sum)};
    };
    c.right = [](const Value& result, const Value& expected) {
      if (result.is_null() || expected.is_null()) return result.is_null() && expected.is_null();
      return std::abs(std::get<double>(result.data) - std::get<double>(expected.data)) < 1e-9;
    };
    check_aggregate(c);
  }
}

TEST(SumDistinct, ThatDoesNotFitIsAnOverflow) {
  AggregateCase c = total_case("SUM", Type::of(TypeId::kTinyInt), Type::of(TypeId::kTinyInt), DistinctForm::kPlain);
  auto arena = StateArena::create(1 << 20);
  ASSERT_TRUE(arena.has_value());
  StateTable table(*c.function, 1, *arena);
  OwnVector column(Physical::kInt8, 3);
  const Vector* columns[] = {&column.vector};
  AggregateRows rows;
  rows.arguments = columns;
  for (const std::int64_t value : {100, 27, 100}) column.put(rows.count++, integer(value));
  ASSERT_TRUE(c.function->add(rows, table.states()).has_value());
  OwnVector out(Physical::kInt8, 1);
  ASSERT_TRUE(c.function->lower(table.state(0), table.heap(), out.vector, 0).has_value());
  EXPECT_EQ(value_text(out.get(0)), "127");
  column.put(1, integer(28));
  ASSERT_TRUE(c.function->add(rows, table.states()).has_value());
  const Result<void> lowered = c.function->lower(table.state(0), table.heap(), out.vector, 0);
  ASSERT_FALSE(lowered.has_value());
  EXPECT_EQ(lowered.error().code(), ErrorCode::kOverflow);
}

TEST(MakeDistinct, LeavesAFunctionAloneThatIgnoresRepeats) {
  AggregateCallInfo call;
  call.name = "BOOL_AND";
  call.arguments = {Type::boolean()};
  call.result = Type::boolean();
  const auto inner = find_aggregate("BOOL_AND")->make(call);
  ASSERT_TRUE(inner.has_value());
  EXPECT_EQ(*make_distinct(call, *inner), *inner);
}

TEST(MakeDistinct, FeedsEachValueOnceToAnyOtherFunction) {
  AggregateCase c;
  c.name = "an inner function";
  c.arguments = {Type::string()};
  c.result = Type::bigint();
  AggregateCallInfo call;
  call.name = "COUNT";
  call.arguments = c.arguments;
  call.result = c.result;
  const auto inner = make_distinct(call, nullptr);
  ASSERT_TRUE(inner.has_value());
  call.name = "SOMETHING";
  for (const DistinctForm form : {DistinctForm::kPlain, DistinctForm::kCounted}) {
    const auto made = make_distinct(call, *inner, form);
    ASSERT_TRUE(made.has_value());
    c.function = *made;
    c.row = [](Random& random) { return std::vector{some_text(random, 400)}; };
    c.oracle = [](std::span<const AggregateRow> rows) -> Value {
      return {static_cast<std::int64_t>(firsts(rows).size())};
    };
    check_aggregate(c);
  }
}

/// Words in a set, without rows around them.
struct WordSet {
  using Table = detail::DistinctTable<detail::PlainSlot<detail::WordKey>>;
  StateArena arena;
  StateHeap heap;
  detail::DistinctState state{};

  explicit WordSet(std::size_t bytes) : arena(std::move(StateArena::create(bytes)).value()), heap(arena) {}
  bool add(std::uint64_t hash) { return Table::add(state, {hash}, hash, 1, heap); }
};

TEST(DistinctTable, StandsInTheStateThenInAnArrayThenInATableAtMostFiveEighthsFull) {
  WordSet set(1 << 20);
  for (std::uint32_t i = 0; i < 2000; ++i) {
    EXPECT_EQ(set.state.size, i);
    if (i <= 2) {
      EXPECT_EQ(set.state.capacity, 0u);
      EXPECT_EQ(set.heap.bytes_taken(), 0u);
    } else if (i <= 8) {
      EXPECT_EQ(set.state.capacity, 8u);
    } else {
      EXPECT_LE(set.state.size, set.state.capacity * 5 / 8);
    }
    ASSERT_TRUE(set.add(simd::hash_u64(i)));
    ASSERT_TRUE(set.add(simd::hash_u64(i)));
  }
}

TEST(DistinctTable, ThatCannotGrowIsStillWhole) {
  WordSet set(16 << 10);
  std::uint32_t added = 0;
  while (set.add(simd::hash_u64(added))) ++added;
  EXPECT_EQ(set.state.size, added);
  EXPECT_GT(added, 100u);
  for (std::uint32_t i = 0; i < added; ++i) EXPECT_TRUE(set.add(simd::hash_u64(i)));
  EXPECT_EQ(set.state.size, added);
}

TEST(DistinctTable, TakesASetOfItsOwnHashesWithoutRunsOfCollisions) {
  // Values in the order of their hashes, as a combined set gives them, go into a table that grows on the way.
  WordSet from(std::size_t{1} << 28), to(std::size_t{1} << 28);
  constexpr std::uint32_t kValues = 200'000;
  for (std::uint32_t i = 0; i < kValues; ++i) ASSERT_TRUE(from.add(simd::hash_u64(i)));
  for (std::uint32_t i = 0; i < kValues / 2; ++i) ASSERT_TRUE(to.add(simd::hash_u64(kValues + i)));
  auto set = DistinctSet::make(std::vector{Type::bigint()}, DistinctForm::kPlain);
  ASSERT_TRUE(set.has_value());
  auto* state = reinterpret_cast<std::byte*>(&to.state);
  ASSERT_TRUE((*set)->combine(state, reinterpret_cast<const std::byte*>(&from.state), to.heap).has_value());
  EXPECT_EQ(DistinctSet::size(state), kValues * 3 / 2);
  std::uint32_t longest = 0, run = 0;
  const auto* slots = WordSet::Table::slots(to.state);
  for (std::uint32_t i = 0; i < to.state.capacity; ++i) {
    run = slots[i].key.zero() ? 0 : run + 1;
    longest = std::max(longest, run);
  }
  EXPECT_LT(longest, 200u);
}

}  // namespace
}  // namespace weir
