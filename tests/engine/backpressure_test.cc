// Backpressure from end to end in simulated time: whatever stands still, everything before it stops, nothing is lost,
// memory stays where it was, and it goes on by itself.
#include <algorithm>
#include <set>

#include "engine/job_run.h"

namespace weir::test {
namespace {

constexpr std::int64_t kMinute = 60'000'000'000;

class Backpressure : public testing::Test {
 protected:
  void make(const std::string& sql, std::uint32_t shards = 2) {
    JobOptions options = small_options();
    options.world = &world_;
    options.shards = shards;
    auto job = make_job(sql, std::move(options));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    job_ = std::move(*job);
    memory_ = job_->memory_bytes();
  }
  SimPeer connect(std::uint16_t port) {
    for (int i = 0; i < 1000; ++i) {
      if (SimPeer peer = world_.connect_peer(port); peer.valid()) return peer;
      job_->poll();
    }
    ADD_FAILURE() << "nobody listens on " << port;
    return {};
  }
  /// Sends what is left as far as the peer does not block.
  static std::size_t feed(SimPeer& peer, std::string& left) {
    const std::size_t taken = peer.send(std::string_view(left).substr(0, 16384));
    left.erase(0, taken);
    return taken;
  }
  /// Polls and feeds for that long, without anybody reading. Returns the bytes that went in during the second half.
  std::size_t stand_still(SimPeer& sender, std::string& left, std::int64_t nanoseconds) {
    const std::int64_t begin = clock_.now_ns();
    std::size_t late = 0;
    while (clock_.now_ns() - begin < nanoseconds) {
      const std::size_t taken = feed(sender, left);
      if (clock_.now_ns() - begin > nanoseconds / 2) late += taken;
      if (job_->poll() == 0) clock_.advance(5'000'000);
    }
    return late;
  }
  void recover(SimPeer& sender, std::string& left, SimPeer& reader, std::string& got) {
    const Outcome outcome = finish(*job_, false, 2'000'000, [&](std::uint64_t) {
      if (feed(sender, left) == 0 && left.empty()) sender.shutdown_send();
      got += reader.receive();
    });
    ASSERT_TRUE(outcome.ok()) << outcome.text();
    got += reader.receive();
    ledger_ = outcome.ledger;
    expect_closed(ledger_);
    EXPECT_EQ(ledger_.dropped, 0u);
    EXPECT_EQ(job_->memory_bytes(), memory_);
  }

  ManualClock clock_;
  SimWorld world_{clock_, 11};
  std::unique_ptr<Job> job_;
  std::size_t memory_ = 0;
  JobLedger ledger_;
};

std::string tables(const std::string& columns, const std::string& sink_columns) {
  return "CREATE TABLE t (" + columns +
         ") WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:7001', 'format' = 'csv', 'connections-until-end' = '1');\n"
         "CREATE TABLE o (" +
         sink_columns +
         ") WITH ('connector' = 'socket', 'listen' = '127.0.0.1:7002', 'format' = 'csv', 'wait-for-subscribers' = '1', "
         "'ring-bytes' = '65536', 'close-timeout' = '0');\n";
}

TEST_F(Backpressure, a_subscriber_that_freezes_for_ten_minutes_stops_everything_and_loses_nothing) {
  make(tables("k INT, n INT", "k INT, n INT") + "INSERT INTO o SELECT k, n FROM t;");
  ASSERT_NE(job_, nullptr);
  SimPeer reader = connect(7002), sender = connect(7001);
  std::string left, got;
  constexpr int kRows = 400'000;
  for (int i = 0; i < kRows; ++i) left += std::to_string(i % 10) + "," + std::to_string(i) + "\n";
  const std::string all = left;
  EXPECT_EQ(stand_still(sender, left, 10 * kMinute), 0u) << "the sender blocks";
  EXPECT_GT(left.size(), all.size() / 2) << "most is still with the sender";
  EXPECT_FALSE(job_->progress().finished);
  recover(sender, left, reader, got);
  EXPECT_EQ(ledger_.rows_written, static_cast<std::uint64_t>(kRows));
  EXPECT_TRUE(got == all) << got.size() << " of " << all.size();
  ASSERT_EQ(ledger_.deliveries.size(), 1u);
  EXPECT_EQ(ledger_.deliveries[0].counts.delivered, static_cast<std::uint64_t>(kRows));
}

TEST_F(Backpressure, one_hot_key_in_windows_with_a_frozen_subscriber_gives_the_same_windows) {
  make(tables("ms BIGINT, k INT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts", "k INT, n BIGINT") +
           "INSERT INTO o SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY "
           "k, window_start, window_end;",
       4);
  ASSERT_NE(job_, nullptr);
  SimPeer reader = connect(7002), sender = connect(7001);
  std::string left, got;
  constexpr int kRows = 60'000;
  std::set<std::pair<int, int>> windows;
  for (int i = 0; i < kRows; ++i) {  // nine rows of ten have one key; a window holds ten rows
    const int key = i % 10 != 0 ? 7 : 100 + i % 1000;
    left += std::to_string(i * 100) + "," + std::to_string(key) + "\n";
    windows.emplace(i / 10, key);
  }
  EXPECT_EQ(stand_still(sender, left, 5 * kMinute), 0u) << "the sender blocks";
  recover(sender, left, reader, got);
  std::uint64_t rows = 0, sum = 0;
  for (const std::string& line : lines_of(got)) {
    ++rows;
    sum += std::strtoull(line.c_str() + line.find(',') + 1, nullptr, 10);
  }
  EXPECT_EQ(rows, windows.size());
  EXPECT_EQ(sum, static_cast<std::uint64_t>(kRows));
}

TEST_F(Backpressure, a_slow_subscriber_is_waited_for_by_its_own_job_alone) {
  make(tables("k INT, n INT", "k INT, n INT") + "INSERT INTO o SELECT k, n FROM t;", 3);
  ASSERT_NE(job_, nullptr);
  SimPeer reader = connect(7002), sender = connect(7001);
  std::string left, got;
  constexpr int kRows = 50'000;
  for (int i = 0; i < kRows; ++i) left += "1," + std::to_string(i) + "\n";
  const std::string all = left;
  const Outcome outcome = finish(*job_, false, 2'000'000, [&](std::uint64_t round) {
    if (feed(sender, left) == 0 && left.empty()) sender.shutdown_send();
    if (round % 50 == 0) got += reader.receive();  // now and then
  });
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  got += reader.receive();
  EXPECT_TRUE(got == all);
  expect_closed(outcome.ledger);
}

TEST_F(Backpressure, explain_counts_the_rings_and_buffers_of_sockets) {
  auto plan = plan_sql(tables("k INT, n INT", "k INT, n INT") + "INSERT INTO o SELECT k, n FROM t;", {}, nullptr);
  ASSERT_TRUE(plan.has_value());
  JobOptions options = small_options();
  auto explained = Job::explain(*plan, options);
  ASSERT_TRUE(explained.has_value());
  EXPECT_GE(explained->memory_bytes_max, std::size_t{65536} + 16 * 4 * 65536);
  EXPECT_NE(explained->text.find("slow ones block the job"), std::string::npos) << explained->text;
}

TEST_F(Backpressure, a_feed_with_a_gap_ends_a_job_that_must_lose_nothing) {
  JobOptions options = small_options();
  options.world = &world_;
  options.fail_on_drop = true;
  auto job = make_job(
      "CREATE TABLE t (k INT, n INT) WITH ('connector' = 'udp', 'listen' = '127.0.0.1:7003', 'format' = 'csv', "
      "'datagram-protocol' = 'u64-be');\nCREATE TABLE o (k INT, n INT) WITH ('connector' = 'blackhole');\n"
      "INSERT INTO o SELECT k, n FROM t;",
      std::move(options));
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  for (int i = 0; i < 100; ++i) (*job)->poll();
  const auto send = [&](char number) { world_.send_datagram(7003, std::string(7, '\0') + number + "1,2"); };
  send(1);
  send(2);
  send(5);
  const Outcome outcome = finish(**job, false, 100'000);
  EXPECT_EQ(outcome.code(), ErrorCode::kLossPolicy) << outcome.text();
  EXPECT_NE(outcome.text().find("2 records of table t are missing"), std::string::npos) << outcome.text();
  EXPECT_EQ(outcome.ledger.lost, 2u);
}

}  // namespace
}  // namespace weir::test
