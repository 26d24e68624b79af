// Whole state rows: what combine_row, subtract_row and initialize_row leave equals what the rows give when they are
// added to one state.
#include "window/state_row.h"

#include <gtest/gtest.h>

#include "pipeline/window_fixture.h"
#include "window/accumulate.h"
#include "window/lower.h"

namespace weir {
namespace {

using namespace test;

/// State rows side by side, with their memory.
class Rows {
 public:
  Rows(const AggregateLayout& layout, std::uint32_t count)
      : layout_(layout), memory_(count * layout.state_bytes() / 8), accumulator_(layout, 64) {
    auto made = StateArena::create(64u << 20);
    WEIR_CHECK(made.has_value());
    arena_ = std::move(*made);
    heap_ = StateHeap(arena_);
    for (std::uint32_t i = 0; i < count; ++i) initialize_row(layout, row(i));
  }
  ~Rows() { strings_.free(arena_); }
  std::byte* row(std::uint32_t i) { return reinterpret_cast<std::byte*>(memory_.data()) + i * layout_.state_bytes(); }
  StateMemory memory() { return {&strings_, &heap_, &arena_}; }
  StateHeap& heap() { return heap_; }

  void add(const std::vector<TestRow>& rows, const std::vector<std::uint32_t>& groups) {
    OwnBatch batch(row_schema(TypeId::kInt), 64, 64 * 128);
    for (std::size_t at = 0; at < rows.size();) {
      batch->reset();
      const std::size_t first = at;
      for (; at < rows.size() && batch->row_count() < 64; ++at) {
        put_row(*batch, batch->row_count(), rows[at]);
        batch->set_row_count(batch->row_count() + 1);
      }
      batch->header().arrival = rows[first].arrival;
      accumulator_.begin(*batch, -1);
      const Result<void> added = accumulator_.add(groups.data() + first, {batch->row_count(), nullptr, nullptr},
                                                  {{row(0), layout_.state_bytes()}, &strings_, &arena_, &heap_});
      ASSERT_TRUE(added.has_value());
    }
  }

  std::string text(std::uint32_t group) {
    Schema schema;
    for (const AggregateResult& result : layout_.results()) schema.fields.push_back({result.name, result.type});
    OwnBatch batch(schema, 1, 0);
    const GroupSelection selection{nullptr, &group, 1, {row(0), layout_.state_bytes()}, &heap_};
    std::string text;
    for (std::uint32_t c = 0; c < layout_.results().size(); ++c) {
      const auto written = lower_result(layout_, layout_.results()[c], selection, batch->column(c), 0);
      EXPECT_TRUE(written.has_value() && *written == 1);
      text += (c == 0 ? "" : "|") + cell_text(batch->column(c), 0);
    }
    return text;
  }

 private:
  const AggregateLayout& layout_;
  std::vector<std::uint64_t> memory_;
  StateArena arena_;
  StringStore strings_;
  StateHeap heap_;
  BatchAccumulator accumulator_;
};

std::vector<TestRow> random_rows(std::mt19937& random, std::uint32_t count) {
  std::vector<TestRow> rows;
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    TestRow row;
    row.time = below(20);
    row.arrival = i;
    if (random() % 5 != 0) row.value = below(2001) - 1000;
    if (random() % 5 != 0) row.number = static_cast<double>(below(1000) - 500);
    if (random() % 4 != 0)
      row.text = std::string(static_cast<std::size_t>(below(30)), static_cast<char>('a' + below(26)));
    if (random() % 6 != 0) row.flag = random() % 2 == 0;
    // Sums of three of them wrap 128 bits.
    row.decimal = (static_cast<Int128>(below(3)) - 1) * (static_cast<Int128>(1) << 126);
    rows.push_back(row);
  }
  return rows;
}

AggregateLayout layout_of(const std::vector<AggregateColumn>& calls) {
  auto made = AggregateLayout::make(row_schema(TypeId::kInt), calls, true, 0);
  WEIR_CHECK(made.has_value());
  return std::move(*made);
}

/// Without SUM of the decimal, which may overflow in its result.
std::vector<AggregateColumn> calls_that_fit() {
  std::vector<AggregateColumn> calls = all_aggregates();
  std::erase_if(calls, [](const AggregateColumn& call) { return call.output_name == "msum"; });
  return calls;
}

TEST(StateRow, CombinedRowsEqualAllRowsAddedToOne) {
  const AggregateLayout layout = layout_of(calls_that_fit());
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const std::vector<TestRow> rows = random_rows(random, static_cast<std::uint32_t>(random() % 200));
    constexpr std::uint32_t kParts = 5;
    std::vector<std::uint32_t> groups;
    for (std::size_t i = 0; i < rows.size(); ++i) groups.push_back(static_cast<std::uint32_t>(random() % kParts));
    Rows parts(layout, kParts);
    parts.add(rows, groups);
    Rows whole(layout, 1);
    whole.add(rows, std::vector<std::uint32_t>(rows.size(), 0));
    std::vector<std::uint32_t> left = {0, 1, 2, 3, 4};
    while (left.size() > 1) {
      std::swap(left[random() % left.size()], left.back());
      const std::uint32_t from = left.back();
      left.pop_back();
      const std::string before = parts.text(from);
      ASSERT_TRUE(
          combine_row(layout, parts.row(left[random() % left.size()]), parts.row(from), parts.memory()).has_value());
      EXPECT_EQ(parts.text(from), before);
      release_row(layout, parts.row(from), parts.memory());
    }
    EXPECT_EQ(parts.text(left[0]), whole.text(0)) << "seed " << seed;
    release_row(layout, parts.row(left[0]), parts.memory());
    EXPECT_EQ(parts.heap().bytes_taken(), 0u);
  }
}

TEST(StateRow, SubtractedRowsLeaveWhatWasNotTakenOut) {
  const std::vector<AggregateColumn> calls{{"COUNT", {}, -1, {}, "rows"},    {"COUNT", {3}, -1, {}, "values"},
                                           {"SUM", {3}, -1, {}, "sum"},      {"AVG", {3}, 6, {}, "favg"},
                                           {"BOOL_AND", {6}, -1, {}, "all"}, {"BOOL_OR", {6}, -1, {}, "any"},
                                           {"SUM", {7}, -1, {}, "decimals"}, {"AVG", {4}, -1, {}, "real"}};
  const AggregateLayout layout = layout_of(calls);
  ASSERT_TRUE(layout.invertible());
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    std::vector<TestRow> rows = random_rows(random, static_cast<std::uint32_t>(random() % 200));
    std::vector<std::uint32_t> groups;
    Int128 kept_decimals = 0;
    for (const TestRow& row : rows) {
      groups.push_back(static_cast<std::uint32_t>(random() % 2));
      if (groups.back() == 1) kept_decimals += row.decimal >> 100;
    }
    // What stays has to fit its result; what is taken out need not.
    if (kept_decimals != 0) {
      for (std::size_t i = 0; i < rows.size(); ++i)
        if (groups[i] == 1) rows[i].decimal = static_cast<Int128>(i);
    }
    Rows parts(layout, 2);
    parts.add(rows, groups);
    Rows all(layout, 1);
    all.add(rows, std::vector<std::uint32_t>(rows.size(), 0));
    ASSERT_TRUE(subtract_row(layout, all.row(0), parts.row(0), all.memory()).has_value());
    EXPECT_EQ(all.text(0), parts.text(1)) << "seed " << seed;
  }
}

TEST(StateRow, OnlyExactAccumulatorsAndFunctionsWithAnInverseAreInvertible) {
  AggregateColumn sum{"SUM", {4}, -1, {}, "double"};
  EXPECT_TRUE(layout_of({sum}).invertible());
  sum.fast_sum = true;
  EXPECT_FALSE(layout_of({sum}).invertible());
  EXPECT_FALSE(layout_of({{"MIN", {3}, -1, {}, "min"}}).invertible());
  EXPECT_FALSE(layout_of({{"MAX", {5}, -1, {}, "text"}}).invertible());
  AggregateColumn last{"LAST_TEXT", {5}, -1, {}, "last"};
  last.definition = std::make_shared<const AggregateDefinition>(last_text_definition());
  EXPECT_FALSE(layout_of({last}).invertible());
}

}  // namespace
}  // namespace weir
