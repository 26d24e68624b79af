// What explain states a key and a slice cost, against what the arena counts: blocks are powers of two and tables grow
// by doubling, so that a block is between half full and full.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "pipeline/window_fixture.h"
#include "weir/core/clock.h"

namespace weir::test {
namespace {

struct Case {
  std::string name;
  WindowSpec window;
  bool windowed = true;
  bool early = false;
  const char* second = "SUM";  ///< Beside COUNT(*), of a BIGINT.
  std::int64_t slices = 1;     ///< With rows of every key.
  double used = 1;             ///< Share of what is stated that these rows use.
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

WindowSpec spec(WindowKind kind, std::int64_t size_ms, std::int64_t slide_ms) {
  WindowSpec window;
  window.kind = kind;
  window.size_ns = size_ms * kMs;
  window.slide_ns = slide_ms * kMs;
  return window;
}

WindowSpec rows_spec(std::int64_t size, std::int64_t slide) {
  WindowSpec window;
  window.kind = WindowKind::kCount;
  window.size_rows = size;
  window.slide_rows = slide;
  window.partition_columns = {1};
  return window;
}

std::vector<Case> cases() {
  return {{"tumble", spec(WindowKind::kTumble, 1000, 1000), true, false, "SUM", 5},
          {"hop_inverse", spec(WindowKind::kHop, 5000, 1000), true, false, "SUM", 5},
          {"hop_no_inverse", spec(WindowKind::kHop, 5000, 1000), true, false, "MAX", 5},
          {"cumulate", spec(WindowKind::kCumulate, 5000, 1000), true, false, "MAX", 5},
          {"session", spec(WindowKind::kSession, 1000, 1000)},
          {"tumble_rows", rows_spec(100, 100)},
          {"hop_rows", rows_spec(400, 100), true, false, "SUM", 1, 0.2},
          {"none", {}, false},
          {"tumble_early", spec(WindowKind::kTumble, 1000, 1000), true, true, "SUM", 1, 0.4}};
}

class StateBytes : public testing::TestWithParam<Case> {};

TEST_P(StateBytes, explain_states_what_the_arena_counts) {
  const Case& c = GetParam();
  SystemClock clock;
  FragmentContext context;
  context.clock = &clock;
  WindowAggregateOptions options;
  Type time = Type::timestamp(3), number = Type::bigint();
  time.nullable = number.nullable = false;
  options.input.fields = {{"ts", time}, {"k", number}, {"v", number}};
  options.keys = {1};
  if (c.windowed) options.window = c.window;
  options.aggregates = {{"COUNT"}, {c.second, {2}}};
  options.emit.early = c.early;
  options.decide_late = false;
  auto made = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(made.has_value()) << made.error().to_string();
  CollectingSink sink;
  (*made)->set_next(&sink);
  const std::size_t empty = (*made)->state_bytes();
  constexpr std::int64_t kKeys = 200'000;
  OwnBatch batch(options.input, 1024, 0);
  for (std::int64_t slice = 0; slice < c.slices; ++slice) {
    for (std::int64_t key = 0; key < kKeys;) {
      batch->reset();
      std::uint32_t count = 0;
      for (; count < 1024 && key < kKeys; ++count, ++key) {
        batch->column(0).values<std::int64_t>()[count] = (slice * 1000 + 1) * kMs;
        batch->column(1).values<std::int64_t>()[count] = key * 1'000'000'007;  // hashed
        batch->column(2).values<std::int64_t>()[count] = key;
      }
      batch->set_row_count(count);
      (*made)->push(*batch);
      ASSERT_FALSE(context.failure.has_value()) << context.failure->to_string();
    }
  }
  const StateCost cost = (*made)->state_cost();
  const auto slices = static_cast<double>(c.slices), keys = static_cast<double>(kKeys);
  const double stated = static_cast<double>(cost.group_bytes) + static_cast<double>(cost.slice_bytes) / keys;
  const auto counted = [&] { return static_cast<double>((*made)->state_bytes() - empty) / keys / slices; };
  const double before = counted();
  // All windows but the last fire: slices that share windows stand there beside the states of the windows.
  (*made)->control({Control::Kind::kWatermark, (c.slices * 1000 - 1000) * kMs});
  int turns = 0;
  while ((*made)->resume() != 0 && turns < 1'000'000) ++turns;
  ASSERT_LT(turns, 1'000'000) << "it does not come to an end";
  const double after = counted();
  RecordProperty("stated", std::to_string(stated));
  RecordProperty("counted", std::to_string(before) + ", " + std::to_string(after));
  EXPECT_LE(std::max(before, after), 2.1 * stated) << "a block is at least half full";
  EXPECT_GE(std::max(before, after), c.used * stated);
  constexpr std::size_t kCountAndSum = 24;
  if (c.name == "session" || c.name == "tumble_rows") {
    EXPECT_LE(cost.group_bytes - kCountAndSum, 64u) << "beside the aggregates, with a key of one word";
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, StateBytes, testing::ValuesIn(cases()),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace weir::test
