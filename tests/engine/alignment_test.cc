// Inputs of different speed: what is far ahead in event time waits for the others while there is little room for open
// slices, on one shard and between shards, and nobody waits for ever.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/job_run.h"

namespace weir::test {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kSlicesMax = 48;

/// Inputs with a row a window; input i gives one batch in every `pauses[i]` + 1 that it is asked for.
struct PacedInputs {
  std::int64_t windows = 0;
  std::vector<std::uint32_t> pauses;
  std::vector<std::atomic<std::int64_t>> next;
  std::vector<std::uint64_t> asked;
  std::atomic<bool> silent{false};  // input 0 has nothing, and does not end

  PacedInputs(std::int64_t windows_of_each, std::vector<std::uint32_t> pauses_of)
      : windows(windows_of_each), pauses(std::move(pauses_of)), next(pauses.size()), asked(pauses.size()) {}

  HostTable table() {
    HostTable host;
    host.inputs = static_cast<std::uint32_t>(pauses.size());
    host.read = [this](std::uint32_t input, Batch& batch) {
      batch.set_row_count(0);
      if (input == 0 && silent.load()) return ReadStatus::kPending;
      if (next[input] == windows) return ReadStatus::kEnd;
      if (asked[input]++ % (pauses[input] + 1) != 0) return ReadStatus::kPending;
      std::uint32_t count = 0;
      for (; count < std::min(8u, batch.capacity()) && next[input] < windows; ++count) {
        const std::int64_t row = next[input]++;
        batch.column(0).values<std::int64_t>()[count] = row * 10'000 + 1;
        batch.column(1).values<std::int32_t>()[count] = static_cast<std::int32_t>(row % 3);
      }
      batch.set_row_count(count);
      return ReadStatus::kRows;
    };
    return host;
  }
};

struct Counts {
  std::mutex mutex;
  std::map<std::pair<std::int64_t, std::int32_t>, std::int64_t> rows;  // by window_start and key
  HostTable table() {
    HostTable host;
    host.write = [this](std::uint32_t, const Batch& batch) {
      const std::lock_guard lock(mutex);
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
        rows[{batch.column(2).values<std::int64_t>()[row] / kSecond, batch.column(0).values<std::int32_t>()[row]}] +=
            batch.column(1).values<std::int64_t>()[row];
      }
    };
    return host;
  }
};

constexpr const char* kTumble = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)";
constexpr const char* kHop = "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '300' SECOND)";

class Alignment : public testing::TestWithParam<std::tuple<std::uint32_t, KeyedPlan, bool>> {
 protected:
  std::uint32_t shards() const { return std::get<0>(GetParam()); }
  bool threads() const { return std::get<2>(GetParam()); }
  /// One input a shard, and two where there is one shard.
  std::uint32_t inputs() const { return std::max(2u, shards()); }

  std::unique_ptr<Job> make(PacedInputs& in, Counts& out, const std::string& window, const std::string& option = "") {
    JobOptions job = small_options();
    job.shards = shards();
    job.keyed_plan = std::get<1>(GetParam());
    job.batch_rows = 16;
    job.slices_max = kSlicesMax;
    job.threads = threads();
    if (!threads()) job.clock = &clock_;
    job.host_tables["t"] = in.table();
    job.host_tables["o"] = out.table();
    auto made = make_job(
        "CREATE TABLE t (ms BIGINT NOT NULL, k INT NOT NULL, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) "
        "WITH ('connector' = 'host'" +
            option +
            ");\nCREATE TABLE o (k INT, n BIGINT, s TIMESTAMP(3)) WITH ('connector' = 'host');\nINSERT INTO o SELECT "
            "k, "
            "COUNT(*), window_start FROM TABLE(" +
            window + ") GROUP BY k, window_start, window_end;",
        job);
    EXPECT_TRUE(made.has_value()) << made.error().to_string();
    return std::move(*made);
  }
  /// Runs to the end; every window has its row from each input.
  void expect_tumbling(PacedInputs& in) {
    Counts out;
    auto job = make(in, out, kTumble);
    const Outcome outcome = finish(*job, threads());
    ASSERT_TRUE(outcome.ended) << "hangs";
    ASSERT_TRUE(outcome.ok()) << outcome.text();
    expect_closed(outcome.ledger);
    EXPECT_EQ(outcome.ledger.late, 0u);
    ASSERT_EQ(out.rows.size(), static_cast<std::size_t>(in.windows));
    for (const auto& [window, count] : out.rows) ASSERT_EQ(count, inputs()) << "window from " << window.first << " s";
  }
  ManualClock clock_;
};

INSTANTIATE_TEST_SUITE_P(OneShard, Alignment,
                         testing::Combine(testing::Values(1u),
                                          testing::Values(KeyedPlan::kAuto, KeyedPlan::kLocalMerge), testing::Bool()));
INSTANTIATE_TEST_SUITE_P(Shards, Alignment,
                         testing::Combine(testing::Values(2u, 3u),
                                          testing::Values(KeyedPlan::kLocalMerge, KeyedPlan::kShuffle),
                                          testing::Bool()));

TEST_P(Alignment, an_input_that_is_ahead_waits_before_slices_run_out) {
  PacedInputs in(1000, std::vector<std::uint32_t>(inputs(), 0));
  in.pauses[0] = 20;
  expect_tumbling(in);
}

TEST_P(Alignment, every_input_may_be_the_slow_one) {
  for (std::uint32_t slow = 0; slow < inputs(); ++slow) {
    PacedInputs in(500, std::vector<std::uint32_t>(inputs(), 0));
    for (std::uint32_t i = 0; i < inputs(); ++i) in.pauses[i] = i == slow ? 17 : i;
    expect_tumbling(in);
  }
}

TEST_P(Alignment, windows_that_need_most_of_the_slices_themselves_go_on_in_step) {
  PacedInputs in(600, std::vector<std::uint32_t>(inputs(), 0));
  in.pauses[0] = 11;
  Counts out;
  auto job = make(in, out, kHop);  // 30 slices a window, more than half of slices_max
  const Outcome outcome = finish(*job, threads());
  ASSERT_TRUE(outcome.ended) << "hangs";
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  expect_closed(outcome.ledger);
  std::int64_t counted = 0;
  for (const auto& [window, count] : out.rows) counted += count;
  EXPECT_EQ(counted, in.windows * 30 * inputs());
}

TEST_P(Alignment, an_input_that_is_silent_holds_the_others_until_it_ends) {
  if (threads()) GTEST_SKIP() << "asks between polls";
  PacedInputs in(1000, std::vector<std::uint32_t>(inputs(), 0));
  in.silent = true;
  Counts out;
  auto job = make(in, out, kTumble);
  for (int i = 0; i < 5000; ++i) job->poll();
  ASSERT_FALSE(job->wait_for(0)) << "ended while an input had not";
  EXPECT_TRUE(out.rows.empty());
  EXPECT_LT(in.next[1].load(), in.windows) << "was read although there is no room for its slices";
  in.silent = false;
  const Outcome outcome = finish(*job, false);
  ASSERT_TRUE(outcome.ended) << "hangs";
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(out.rows.size(), static_cast<std::size_t>(in.windows));
}

TEST_P(Alignment, an_idle_input_holds_nobody) {
  if (threads()) GTEST_SKIP() << "moves the clock between polls";
  PacedInputs in(1000, std::vector<std::uint32_t>(inputs(), 0));
  in.silent = true;
  Counts out;
  auto job = make(in, out, kTumble, ", 'scan.watermark.idle-timeout' = '30 s'");
  for (int i = 0; i < 5000; ++i) job->poll();
  EXPECT_TRUE(out.rows.empty());
  clock_.advance(31 * kSecond);
  for (int i = 0; i < 20'000; ++i) job->poll();
  EXPECT_GT(out.rows.size(), 900u) << "the others went on";
  in.silent = false;
  const Outcome outcome = finish(*job, false);
  ASSERT_TRUE(outcome.ended) << "hangs";
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  expect_closed(outcome.ledger);
}

}  // namespace
}  // namespace weir::test
