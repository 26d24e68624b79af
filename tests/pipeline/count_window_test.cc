// Windows of rows against an oracle that keeps all rows of a key in a list.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "pipeline/window_fixture.h"

namespace weir {
namespace {

using namespace test;

struct Case {
  std::int64_t slide = 1, size = 1;
  std::uint32_t key = 1;  ///< Column; 0: no key.
  std::uint32_t inputs = 1;
  std::uint32_t rows = 1000;
  std::uint32_t batch_rows = 64;
  std::int64_t key_range = 5;
  std::uint32_t seed = 1;
};

std::string key_text(const TestRow& row, const Case& c) {
  if (c.key == 0) return "";
  if (c.key == 1) return (row.key ? std::to_string(*row.key) : "NULL") + "|";
  return (row.key_text ? "'" + *row.key_text + "'" : "NULL") + "|";
}

std::vector<TestRow> random_rows(const Case& c, std::mt19937& random) {
  std::vector<TestRow> rows;
  std::map<std::uint32_t, std::uint64_t> arrivals;
  std::int64_t now = -2000 * kMs;
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (std::uint32_t i = 0; i < c.rows; ++i) {
    now += below(4) * kMs;
    TestRow row;
    row.time = now - below(30) * kMs;
    row.input = static_cast<std::uint32_t>(random() % c.inputs);
    row.arrival = (std::uint64_t{row.input} << 40) + arrivals[row.input]++;
    if (random() % 10 != 0) row.key = below(c.key_range);
    if (random() % 10 != 0)
      row.key_text = "a key that is too long to stand inline " + std::to_string(below(c.key_range));
    if (random() % 5 != 0) row.value = below(1000);
    if (random() % 5 != 0) row.number = static_cast<double>(below(1000));
    if (random() % 4 != 0)
      row.text = std::string(static_cast<std::size_t>(below(30)), static_cast<char>('a' + below(26)));
    row.flag = random() % 2 == 0;
    row.decimal = below(1000);
    rows.push_back(row);
  }
  return rows;
}

struct Expected {
  std::vector<std::string> rows;
  std::uint64_t incomplete = 0;
};

/// Watermarks are the greatest time of the input so far.
Expected count_oracle(const std::vector<TestRow>& rows, const Case& c) {
  std::map<std::uint32_t, Watermark> watermarks;
  std::vector<std::pair<Watermark, TestRow>> placed;
  for (const TestRow& row : rows) {
    auto [own, first] = watermarks.try_emplace(row.input, kWatermarkNone);
    placed.push_back({own->second, row});
    own->second = std::max(own->second, row.time);
  }
  std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.arrival) < std::pair(b.first, b.second.arrival);
  });
  std::map<std::string, std::vector<TestRow>> keys;
  for (const auto& [watermark, row] : placed) keys[key_text(row, c)].push_back(row);
  Expected expected;
  for (const auto& [key, all] : keys) {
    const auto count = static_cast<std::int64_t>(all.size());
    std::int64_t covered = 0, start = 0;
    for (; start + c.size <= count; start += c.slide) {
      OracleGroup group;
      for (std::int64_t i = start; i < start + c.size; ++i) group.add(all[static_cast<std::size_t>(i)]);
      const std::int64_t last = all[static_cast<std::size_t>(start + c.size - 1)].time;
      expected.rows.push_back(key + std::to_string(all[static_cast<std::size_t>(start)].time) + "|" +
                              std::to_string(last) + "|" + std::to_string(last) + "|" + group.text());
      covered = start + c.size;
    }
    if (c.slide > c.size) covered = std::min(start, count);  // rows between two windows belong to none
    expected.incomplete += static_cast<std::uint64_t>(count - covered);
  }
  std::sort(expected.rows.begin(), expected.rows.end());
  return expected;
}

void check_case(const Case& c) {
  std::mt19937 random(c.seed);
  const std::vector<TestRow> rows = random_rows(c, random);
  const Expected expected = count_oracle(rows, c);

  FragmentContext context;
  context.batch_rows = c.batch_rows;
  context.heap_bytes = c.batch_rows * 128u;
  WatermarkOptions watermark;
  watermark.watermark = make_column(0, Type::timestamp(3));
  watermark.inputs = c.inputs;
  watermark.margin_ns = kEventTimeMax;
  auto source = WatermarkOperator::create(context, watermark);
  ASSERT_TRUE(source.has_value());
  WindowAggregateOptions options;
  WindowSpec window;
  window.kind = WindowKind::kCount;
  window.size_rows = c.size;
  window.slide_rows = c.slide;
  options.window = window;
  options.input = row_schema(TypeId::kInt);
  if (c.key != 0) options.keys = {c.key};
  options.aggregates = all_aggregates();
  options.inputs = c.inputs;
  options.state_bytes_max = 256u << 20;
  auto aggregate = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(aggregate.has_value());
  CollectingSink sink(&random);
  (*source)->set_next(aggregate->get());
  (*aggregate)->set_next(&sink);
  const auto drive = [&](bool until_accepted) {
    for (int turns = 0; turns < 100000; ++turns) {
      sink.roll();
      const std::size_t work = (*aggregate)->resume() + (*source)->resume();
      if (until_accepted ? (*source)->accepts() : (work == 0 && (*source)->accepts() && sink.accepts())) return;
    }
    FAIL() << "the chain does not get on";
  };
  OwnBatch batch(options.input, c.batch_rows, c.batch_rows * 128u);
  for (std::size_t at = 0; at < rows.size();) {
    batch->reset();
    batch->header().input = rows[at].input;
    batch->header().arrival = rows[at].arrival;
    const std::uint32_t input = rows[at].input;
    while (at < rows.size() && !batch->full() && rows[at].input == input) {
      put_row(*batch, batch->row_count(), rows[at++]);
      batch->set_row_count(batch->row_count() + 1);
    }
    drive(true);
    (*source)->push(*batch);
  }
  for (std::uint32_t i = 0; i < c.inputs; ++i) {
    drive(true);
    (*source)->input_ended(i);
  }
  drive(false);

  EXPECT_FALSE(context.failure.has_value()) << context.failure->to_string();
  std::sort(sink.rows.begin(), sink.rows.end());
  const auto [got, wanted] =
      std::mismatch(sink.rows.begin(), sink.rows.end(), expected.rows.begin(), expected.rows.end());
  EXPECT_EQ(got == sink.rows.end() ? "" : *got, wanted == expected.rows.end() ? "" : *wanted);
  const OperatorLedger& ledger = (*aggregate)->ledger();
  EXPECT_EQ(ledger.dropped[static_cast<std::size_t>(DropReason::kIncompleteWindow)], expected.incomplete);
  EXPECT_EQ(ledger.rows_absorbed, rows.size() - expected.incomplete);
  EXPECT_EQ(ledger.imbalance((*aggregate)->held_rows()), 0);
  EXPECT_EQ((*aggregate)->state_bytes(), 0u);
}

TEST(CountWindow, WindowsOfRowsEqualTheOracleForEveryBatchSizeAndRatio) {
  for (const auto& [slide, size] : std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1},
                                                                                      {7, 7},
                                                                                      {1, 2},
                                                                                      {1, 10},
                                                                                      {3, 9},
                                                                                      {100, 100},
                                                                                      {1, 600},
                                                                                      {2000, 2000},
                                                                                      {2, 3},
                                                                                      {3, 2},
                                                                                      {4, 10},
                                                                                      {7, 50},
                                                                                      {5, 1},
                                                                                      {50, 7},
                                                                                      {400, 601},
                                                                                      {900, 100}}) {
    for (const std::uint32_t batch_rows : {1u, 7u, 1024u}) {
      SCOPED_TRACE(std::to_string(slide) + " of " + std::to_string(size) + ", batch of " + std::to_string(batch_rows));
      Case c;
      c.slide = slide;
      c.size = size;
      c.batch_rows = batch_rows;
      c.seed = batch_rows;
      check_case(c);
    }
  }
}

TEST(CountWindow, RandomCasesEqualTheOracleWithKeysOfEveryKindAndSeveralInputs) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed * 104729);
    Case c;
    c.slide = 1 + static_cast<std::int64_t>(random() % 6);
    c.size = seed % 2 == 0 ? c.slide * (1 + static_cast<std::int64_t>(random() % 8))
                           : 1 + static_cast<std::int64_t>(random() % 30);
    c.key = static_cast<std::uint32_t>(random() % 3);
    c.inputs = 1 + static_cast<std::uint32_t>(random() % 3);
    c.rows = static_cast<std::uint32_t>(random() % 800);
    c.batch_rows = 1 + static_cast<std::uint32_t>(random() % 100);
    c.key_range = 1 + static_cast<std::int64_t>(random() % 50);
    c.seed = seed;
    check_case(c);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(CountWindow, SizesThatMakeNoWindowsAreRefused) {
  WindowSpec window;
  window.kind = WindowKind::kCount;
  WindowAggregateOptions options;
  options.input = row_schema(TypeId::kInt);
  FragmentContext context;
  for (const auto& [slide, size] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {0, 5}, {5, 0}, {-1, 4}, {4, -1}, {1, 1ll << 31}, {1ll << 31, 5}}) {
    window.slide_rows = slide;
    window.size_rows = size;
    options.window = window;
    auto made = WindowAggregateOperator::create(context, options);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace weir
