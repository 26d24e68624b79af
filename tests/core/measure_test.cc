// Counters, histograms, traces, random numbers, clocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>
#include <vector>

#include "weir/core/clock.h"
#include "weir/core/counters.h"
#include "weir/core/histogram.h"
#include "weir/core/random.h"
#include "weir/core/trace.h"

namespace weir {
namespace {

TEST(CounterSet, NamesItsCountersAndKeepsTheirAddresses) {
  CounterSet set("edge.1", 40);
  std::vector<Counter*> counters;
  for (int i = 0; i < 40; ++i) counters.push_back(&set.add("c" + std::to_string(i)));
  for (std::size_t i = 0; i < 40; ++i) counters[i]->add(i);
  counters[3]->raise_to(2);
  counters[4]->raise_to(9);
  std::vector<CounterValue> values;
  set.snapshot(values);
  ASSERT_EQ(values.size(), 40u);
  EXPECT_EQ(values[3].name, "edge.1.c3");
  EXPECT_EQ(values[3].value, 3u);
  EXPECT_EQ(values[4].value, 9u);
  EXPECT_EQ(values[39].value, 39u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(counters[0]) % kSeparation, 0u);
}

TEST(CounterSetDeathTest, HasALimit) {
  CounterSet set("x", 1);
  set.add("a");
  EXPECT_DEATH(set.add("b"), "counters_max_");
}

TEST(Counter, IsReadWhileItIsWritten) {
  Counter counter;
  std::thread writer([&] {
    for (int i = 0; i < 100'000; ++i) counter.add();
  });
  std::uint64_t last = 0, backwards = 0;
  while (last < 100'000) {
    const std::uint64_t now = counter.get();
    backwards += now < last;
    last = now;
    std::this_thread::yield();
  }
  writer.join();
  EXPECT_EQ(backwards, 0u);
}

TEST(Histogram, BucketsCoverEveryValueWithoutGaps) {
  for (std::uint32_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    const std::int64_t top = Histogram::bucket_top(bucket);
    ASSERT_EQ(Histogram::bucket_of(top), bucket);
    if (bucket + 1 == Histogram::kBuckets) break;
    ASSERT_EQ(Histogram::bucket_of(top + 1), bucket + 1);
  }
  EXPECT_EQ(Histogram::bucket_top(Histogram::kBuckets - 1), std::numeric_limits<std::int64_t>::max());
}

TEST(Histogram, PercentilesAreWithinABucketOfTheSortedValues) {
  Random random(5);
  Histogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<std::int64_t>(random.next() >> (1 + random.below(62)));
    values.push_back(value);
    histogram.record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {0.0, 0.1, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank =
        static_cast<std::size_t>(std::max(1.0, std::ceil(percent / 100 * static_cast<double>(values.size()))));
    const std::int64_t exact = values[rank - 1];
    const std::int64_t answer = histogram.percentile(percent);
    EXPECT_GE(answer, exact) << percent;
    EXPECT_LE(static_cast<double>(answer - exact), static_cast<double>(exact) / 128) << percent;
  }
  EXPECT_EQ(histogram.min(), values.front());
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.percentile(100), values.back());
}

TEST(Histogram, MergingIsRecordingBoth) {
  Random random(6);
  Histogram left, right, both;
  for (int i = 0; i < 1000; ++i) {
    const auto value = static_cast<std::int64_t>(random.below(1'000'000));
    (i % 3 == 0 ? left : right).record(value);
    both.record(value);
  }
  left.merge(Histogram());
  left.merge(right);
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.min(), both.min());
  EXPECT_EQ(left.max(), both.max());
  EXPECT_DOUBLE_EQ(left.mean(), both.mean());
  for (double percent = 0; percent <= 100; percent += 0.5)
    EXPECT_EQ(left.percentile(percent), both.percentile(percent));
}

TEST(Histogram, EmptyNegativeAndClearedAreZero) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(50), 0);
  EXPECT_EQ(histogram.mean(), 0);
  histogram.record(-5);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.count(), 1u);
  histogram.record(7, 0);
  EXPECT_EQ(histogram.count(), 1u);
  histogram.clear();
  EXPECT_EQ(histogram.count(), 0u);
}

TEST(Histogram, CorrectsForCoordinatedOmission) {
  Histogram histogram;
  histogram.record_corrected(1000, 300);  // also 700 and 400
  EXPECT_EQ(histogram.count(), 3u);
  EXPECT_DOUBLE_EQ(histogram.mean(), 700);
  histogram.record_corrected(200, 300);
  EXPECT_EQ(histogram.count(), 4u);
}

TEST(Trace, KeepsTheLatestEvents) {
  ManualClock clock;
  TraceRecorder recorder(clock, "shard 0", 0, 3);
  recorder.instant("off");
  EXPECT_EQ(recorder.size(), 0u);
  recorder.set_enabled(true);
  for (int i = 0; i < 5; ++i) recorder.counter("n", i);
  ASSERT_EQ(recorder.size(), 3u);
  EXPECT_EQ(recorder.overwritten(), 2u);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(recorder.event(i).value, i + 2);
}

TEST(Trace, IsTraceEventJson) {
  ManualClock clock(1'234'567);
  TraceRecorder recorder(clock, "shard \"0\"\n", 7, 8);
  recorder.set_enabled(true);
  {
    const TraceSpan span(&recorder, "decode\\");
    clock.advance(2'005);
  }
  { const TraceSpan nobody(nullptr, "x"); }
  recorder.instant("wake");
  recorder.counter("credits", -3);
  const TraceRecorder* recorders[] = {&recorder, nullptr};
  EXPECT_EQ(
      write_perfetto_json(recorders),
      "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
      "{\"ph\":\"M\",\"pid\":1,\"tid\":7,\"name\":\"thread_name\",\"args\":{\"name\":\"shard \\\"0\\\"\\u000a\"}},\n"
      "{\"ph\":\"X\",\"pid\":1,\"tid\":7,\"name\":\"decode\\\\\",\"ts\":1234.567,\"dur\":2.005},\n"
      "{\"ph\":\"i\",\"pid\":1,\"tid\":7,\"name\":\"wake\",\"ts\":1236.572,\"s\":\"t\"},\n"
      "{\"ph\":\"C\",\"pid\":1,\"tid\":7,\"name\":\"credits\",\"ts\":1236.572,\"args\":{\"value\":-3}}\n]}\n");
  EXPECT_EQ(write_perfetto_json({}), "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n\n]}\n");
}

TEST(Random, SplitmixGivesThePublishedNumbers) {
  // The first three numbers of splitmix64 for the seed 1234567, as in the authors' reference program.
  EXPECT_EQ(random_at(1234567, 0), 6457827717110365317u);
  EXPECT_EQ(random_at(1234567, 1), 3203168211198807973u);
  EXPECT_EQ(random_at(1234567, 2), 9817491932198370423u);
}

TEST(Random, IsTheSameForASeedAndInsideItsBounds) {
  Random a(9), b(9), c(10);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t number = a.next();
    EXPECT_EQ(number, b.next());
    differs |= number != c.next();
  }
  EXPECT_TRUE(differs);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.insert(a.between(-2, 2));
    EXPECT_EQ(a.below(1), 0u);
    const double unit = a.unit();
    EXPECT_TRUE(unit >= 0 && unit < 1);
    EXPECT_FALSE(a.chance(0, 3));
    EXPECT_TRUE(a.chance(3, 3));
  }
  EXPECT_THAT(seen, testing::ElementsAre(-2, -1, 0, 1, 2));
  a.between(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
}

TEST(Clock, TheManualOneMovesOnlyWhenTold) {
  ManualClock clock(5, 100);
  EXPECT_EQ(clock.now_ns(), 5);
  EXPECT_EQ(clock.wall_ns(), 105);
  clock.advance(7);
  EXPECT_EQ(clock.now_ns(), 12);
  EXPECT_EQ(clock.wall_ns(), 112);
}

TEST(Clock, TheSystemsNeverGoesBack) {
  SystemClock clock;
  std::int64_t last = clock.now_ns();
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t now = clock.now_ns();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GT(clock.wall_ns(), std::int64_t{1'600'000'000} * 1'000'000'000);
}

}  // namespace
}  // namespace weir
