// Splitting batches by slice, a few rows at a time: against the naive start of each row's slice, while times go on
// within a slice, over its end, back, and far away, on either side of 0.
#include "window/slice_assigner.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "pipeline/window_fixture.h"

namespace weir {
namespace {

using namespace test;

Schema times_only() {
  Type time = Type::timestamp(3);
  time.nullable = false;
  Schema schema;
  schema.fields = {{"ts", time}};
  return schema;
}

WindowSpec window(WindowKind kind, std::int64_t size, std::int64_t slide, std::int64_t offset) {
  WindowSpec spec;
  spec.kind = kind;
  spec.size_ns = size;
  spec.slide_ns = slide;
  spec.offset_ns = offset;
  spec.tick_ns = 1;
  return spec;
}

std::int64_t naive_start(std::int64_t time, std::int64_t slice, std::int64_t offset) {
  std::int64_t start = (time - offset) / slice * slice + offset;
  while (start > time) start -= slice;
  while (start + slice <= time) start += slice;
  return start;
}

/// Rows of each slice, by its start.
std::map<std::int64_t, std::vector<std::uint32_t>> rows_of(std::span<const SliceRun> runs) {
  std::map<std::int64_t, std::vector<std::uint32_t>> rows;
  for (const SliceRun& run : runs)
    for (std::uint32_t i = 0; i < run.rows.count; ++i) rows[run.start].push_back(run.rows[i]);
  return rows;
}

TEST(SliceAssigner, FindsTheSliceOfFewRowsWhereverTheLastOnesLay) {
  const Schema schema = times_only();
  constexpr std::uint32_t kCapacity = 4;
  std::mt19937_64 random(7);
  for (const WindowSpec& spec : {window(WindowKind::kTumble, 10, 10, 0), window(WindowKind::kTumble, 7, 7, 3),
                                 window(WindowKind::kTumble, 1, 1, 0), window(WindowKind::kHop, 50, 10, -20),
                                 window(WindowKind::kCumulate, 60, 20, 5)}) {
    const WindowMath math(spec);
    SliceAssigner assigner(math, kCapacity);
    OwnBatch batch(schema, kCapacity, 0);
    std::int64_t time = -40;
    std::size_t batches_of_two_slices = 0;
    for (int step = 0; step < 20'000; ++step) {
      const auto kind = random() % 100;
      if (kind < 80)
        time += static_cast<std::int64_t>(random() % 4);
      else if (kind < 95)
        time -= static_cast<std::int64_t>(random() % 30);
      else
        time = static_cast<std::int64_t>(random() % 2'000'000'000'000) - 1'000'000'000'000;
      batch->reset();
      const auto count = static_cast<std::uint32_t>(1 + random() % (kind % 2 == 0 ? 1 : kCapacity));
      auto* times = batch->column(0).values<std::int64_t>();
      std::map<std::int64_t, std::vector<std::uint32_t>> expected;
      BatchHeader& header = batch->header();
      header.event_time_min = kEventTimeMax;
      header.event_time_max = kEventTimeMin;
      for (std::uint32_t row = 0; row < count; ++row) {
        times[row] = time + static_cast<std::int64_t>(random() % 12) * (row == 0 ? 0 : 1);
        header.event_time_min = std::min(header.event_time_min, times[row]);
        header.event_time_max = std::max(header.event_time_max, times[row]);
        expected[naive_start(times[row], math.slice, math.offset)].push_back(row);
      }
      batch->set_row_count(count);
      auto runs = assigner.assign(*batch, batch->column(0), true, kWatermarkNone);
      ASSERT_TRUE(runs.has_value()) << runs.error().to_string();
      ASSERT_EQ(rows_of(*runs), expected) << "step " << step << ", slices of " << math.slice;
      for (const SliceRun& run : *runs) ASSERT_EQ(run.window_end_min, run.start + math.slice);
      batches_of_two_slices += expected.size() > 1 ? 1 : 0;
    }
    EXPECT_TRUE(assigner.late_rows().empty());
    EXPECT_GT(batches_of_two_slices, 100u);
  }
}

}  // namespace
}  // namespace weir
