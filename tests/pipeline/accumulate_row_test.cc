// Rows added one at a time leave the state that the same rows leave when they come as batches: every number type,
// COUNT, SUM, MIN and MAX, with and without NULLs and FILTER, and a sum that does not fit.
#include "window/accumulate_row.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "pipeline/window_fixture.h"
#include "window/accumulate.h"
#include "window/state_row.h"

namespace weir {
namespace {

using namespace test;

constexpr std::uint32_t kCapacity = 64, kGroups = 5;

Schema numbers(bool nullable) {
  Schema schema;
  schema.fields = {{"i8", Type::of(TypeId::kTinyInt, nullable)},
                   {"i16", Type::of(TypeId::kSmallInt, nullable)},
                   {"i32", Type::of(TypeId::kInt, nullable)},
                   {"i64", Type::of(TypeId::kBigInt, nullable)},
                   {"f", Type::of(TypeId::kFloat, nullable)},
                   {"d", Type::of(TypeId::kDouble, nullable)},
                   {"m", Type::decimal(38, 2)},
                   {"b", Type::boolean()}};
  return schema;
}

std::vector<AggregateColumn> calls(bool filters) {
  std::vector<AggregateColumn> all{{"COUNT", {}, -1, {}, "rows"}};
  for (int column = 0; column < 7; ++column) {
    const int filter = filters && column % 2 == 0 ? 7 : -1;
    for (const char* name : {"COUNT", "SUM", "MIN", "MAX"}) {
      AggregateColumn call{name, {column}, filter, {}, std::string(name) + std::to_string(column)};
      call.fast_sum = true;
      all.push_back(call);
    }
  }
  return all;
}

template <class T>
T any_number(std::mt19937_64& random) {
  using Limits = std::numeric_limits<T>;
  switch (random() % 8) {
    case 0:
      return Limits::lowest() / 4;
    case 1:
      return Limits::max() / 4;
    case 2:
      return std::is_floating_point_v<T> ? static_cast<T>(-0.0) : T{0};
    default:
      return static_cast<T>(static_cast<std::int64_t>(random() % 101) - 50);
  }
}

/// Of floating numbers only whole ones of a few digits and what has an order of its own, so that sums are exact.
template <class T>
T any_real(std::mt19937_64& random, bool nan) {
  if (nan && random() % 10 == 0) return std::numeric_limits<T>::quiet_NaN();
  return random() % 10 == 0 ? static_cast<T>(-0.0) : static_cast<T>(static_cast<std::int64_t>(random() % 101) - 50);
}

void put_numbers(Batch& batch, std::uint32_t row, std::mt19937_64& random, bool nulls, bool nan) {
  const auto put = [&](std::uint32_t column, auto value) {
    Vector& vector = batch.column(column);
    vector.values<decltype(value)>()[row] = value;
    if (vector.validity != nullptr) vector.set_valid(row, !nulls || random() % 4 != 0);
  };
  put(0, any_number<std::int8_t>(random));
  put(1, any_number<std::int16_t>(random));
  put(2, any_number<std::int32_t>(random));
  put(3, any_number<std::int64_t>(random));
  put(4, any_real<float>(random, nan));
  put(5, any_real<double>(random, nan));
  put(6, Int128{any_number<std::int32_t>(random)});
  put(7, static_cast<std::uint8_t>(random() % 2));
}

/// The states of some groups.
class States {
 public:
  explicit States(const AggregateLayout& layout)
      : layout_(layout), words_(kGroups * layout.state_bytes() / 8), accumulator_(layout, kCapacity) {
    auto made = StateArena::create(1u << 20);
    WEIR_CHECK(made.has_value());
    arena_ = std::move(*made);
    heap_ = StateHeap(arena_);
    for (std::uint32_t group = 0; group < kGroups; ++group) initialize_row(layout, row(group));
  }
  std::byte* row(std::uint32_t group) {
    return reinterpret_cast<std::byte*>(words_.data()) + group * layout_.state_bytes();
  }
  const std::vector<std::uint64_t>& words() const { return words_; }
  Result<void> add(const Batch& batch, const std::vector<std::uint32_t>& groups, const simd::Rows& rows) {
    accumulator_.begin(batch, -1);
    return accumulator_.add(groups.data(), rows, {{row(0), layout_.state_bytes()}, &strings_, &arena_, &heap_});
  }

 private:
  const AggregateLayout& layout_;
  std::vector<std::uint64_t> words_;
  StateArena arena_;
  StringStore strings_;
  StateHeap heap_;
  BatchAccumulator accumulator_;
};

AggregateLayout layout_of(const Schema& schema, const std::vector<AggregateColumn>& columns) {
  auto made = AggregateLayout::make(schema, columns, true);
  WEIR_CHECK(made.has_value());
  return std::move(*made);
}

TEST(RowAdders, OneRowAtATimeLeavesTheStateOfBatches) {
  std::size_t functions = 0;
  for (int shape = 0; shape < 8; ++shape) {
    const bool nullable = shape % 2 != 0, filters = shape / 2 % 2 != 0, nan = shape / 4 != 0;
    const Schema schema = numbers(nullable);
    const AggregateLayout layout = layout_of(schema, calls(filters));
    for (const RowAdder& adder : row_adders(layout)) functions += adder.add != nullptr ? 1 : 0;
    std::mt19937_64 random(static_cast<std::uint64_t>(shape));
    States batches(layout), singles(layout);
    OwnBatch batch(schema, kCapacity, 0);
    for (int step = 0; step < 300; ++step) {
      batch->reset();
      std::vector<std::uint32_t> groups;
      for (std::uint32_t row = 0; row < kCapacity; ++row) {
        put_numbers(*batch, row, random, nullable && step % 2 == 0, nan);
        groups.push_back(static_cast<std::uint32_t>(random() % kGroups));
      }
      batch->set_row_count(kCapacity);
      ASSERT_TRUE(batches.add(*batch, groups, {kCapacity, nullptr, nullptr}).has_value());
      for (std::uint32_t row = 0; row < kCapacity; ++row)
        ASSERT_TRUE(singles.add(*batch, groups, {1, &row, nullptr}).has_value());
      ASSERT_EQ(batches.words(), singles.words()) << "shape " << shape << ", step " << step;
    }
  }
  EXPECT_GT(functions, 8u * 15);
}

TEST(RowAdders, ASumThatDoesNotFitIsAnErrorOfEitherWay) {
  const Schema schema = numbers(false);
  const AggregateLayout layout = layout_of(schema, {{"SUM", {2}, -1, {}, "sum"}});
  OwnBatch batch(schema, kCapacity, 0);
  batch->reset();
  for (std::uint32_t row = 0; row < 2; ++row) batch->column(2).values<std::int32_t>()[row] = row == 0 ? 0 : 1;
  batch->set_row_count(2);
  const std::vector<std::uint32_t> groups{0, 0};
  const std::uint32_t second = 1;
  for (const simd::Rows rows : {simd::Rows{2, nullptr, nullptr}, simd::Rows{1, &second, nullptr}}) {
    States states(layout);
    constexpr std::int64_t kGreatest = std::numeric_limits<std::int64_t>::max();
    for (const Accumulator& accumulator : layout.accumulators())
      if (accumulator.kind == AccumulatorKind::kSumInt64)
        std::memcpy(states.row(0) + accumulator.offset, &kGreatest, sizeof kGreatest);
    auto added = states.add(*batch, groups, rows);
    ASSERT_FALSE(added.has_value());
    EXPECT_EQ(added.error().code(), ErrorCode::kOverflow);
  }
}

}  // namespace
}  // namespace weir
