// Backpressure from end to end in simulated time: whatever stands still, everything before it stops, nothing is lost,
// memory stays where it was, and it goes on by itself.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>

#include "engine/host_rows.h"
#include "engine/job_run.h"

namespace weir::test {
namespace {

constexpr std::int64_t kMinute = 60'000'000'000;

/// A thousand numbers into a file of /out.
std::string numbers(const std::string& more = {}) {
  return "CREATE TABLE t (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1000', 'fields.n.kind' = "
         "'sequence', 'fields.n.start' = '0', 'fields.n.end' = '999');\n" +
         csv_table("o", "n BIGINT", "/out", more) + "INSERT INTO o SELECT n FROM t;";
}

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
      if (reader.valid()) got += reader.receive();
    });
    ASSERT_TRUE(outcome.ok()) << outcome.text();
    if (reader.valid()) got += reader.receive();
    ledger_ = outcome.ledger;
    expect_closed(ledger_);
    EXPECT_EQ(ledger_.dropped, 0u);
    EXPECT_EQ(job_->memory_bytes(), memory_);
  }
  /// The thousand numbers, with no room on the disk for the file's last name.
  void make_without_room_for_the_name(const std::string& more = {}) {
    make(numbers(more), 1);
    ASSERT_NE(job_, nullptr);
    SimFaults faults;
    faults.rename_full = 1;
    world_.set_faults(faults);
  }
  /// Rows by TCP to a file, with these faults of the disk for some minutes: the sender blocks, and every row is there
  /// in the end.
  void write_to_a_full_disk(const SimFaults& faults) {
    make(
        "CREATE TABLE t (k INT, n INT) WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:7001', 'format' = 'csv', "
        "'connections-until-end' = '1');\n" +
        csv_table("o", "k INT, n INT", "/out") + "INSERT INTO o SELECT k, n FROM t;");
    ASSERT_NE(job_, nullptr);
    world_.set_faults(faults);
    SimPeer sender = connect(7001), nobody;
    std::string left, none;
    constexpr int kRows = 400'000;
    for (int i = 0; i < kRows; ++i) left += std::to_string(i % 10) + "," + std::to_string(i) + "\n";
    const std::string all = left;
    EXPECT_EQ(stand_still(sender, left, 5 * kMinute), 0u) << "the sender blocks";
    EXPECT_GT(left.size(), all.size() / 4);
    EXPECT_EQ(job_->progress().stalled, "o: the disk is full");
    world_.set_faults({});
    recover(sender, left, nobody, none);
    EXPECT_EQ(job_->progress().stalled, "");
    EXPECT_EQ(ledger_.rows_written, static_cast<std::uint64_t>(kRows));
    const auto written = world_.read_file("/out/part-0-0-0.csv");
    ASSERT_TRUE(written.has_value()) << written.error().to_string();
    EXPECT_TRUE(*written == all);
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

TEST_F(Backpressure, a_disk_that_is_full_for_minutes_stops_the_sender_and_gets_every_row_when_it_has_room_again) {
  SimFaults faults;
  faults.disk_bytes_max = 300'000;
  write_to_a_full_disk(faults);
  ASSERT_EQ(ledger_.counts.size(), 2u);
  EXPECT_EQ(ledger_.counts[1].name, "times the disk was full");
  EXPECT_EQ(ledger_.counts[1].count, 1u);
}

TEST_F(Backpressure, a_disk_without_room_for_another_file_stops_the_sender_and_gets_every_row_when_it_has) {
  SimFaults faults;
  faults.disk_files_max = 0;
  write_to_a_full_disk(faults);
}

TEST_F(Backpressure, a_disk_that_stays_full_ends_the_job_after_the_time_that_it_may_wait) {
  make(
      "CREATE TABLE t (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '100000', 'fields.n.kind' = "
      "'sequence', 'fields.n.start' = '0', 'fields.n.end' = '99999');\n" +
      csv_table("o", "n BIGINT", "/out", "'sink.full-disk-timeout' = '90 s'") + "INSERT INTO o SELECT n FROM t;");
  ASSERT_NE(job_, nullptr);
  SimFaults faults;
  faults.disk_bytes_max = 100'000;
  world_.set_faults(faults);
  const Outcome outcome = finish(*job_, false);
  expect_error(outcome, ErrorCode::kDiskFull, {"after 100000 bytes, having waited 90 s for room"});
  EXPECT_GE(clock_.now_ns(), 90 * kMinute / 60);
}

constexpr const char* kWritten = "/out/.part-0-0-0.csv.inprogress";
constexpr const char* kPart = "/out/part-0-0-0.csv";

TEST_F(Backpressure, a_disk_without_room_for_the_last_name_of_a_file_is_waited_for_and_the_file_is_whole_then) {
  make_without_room_for_the_name();
  ASSERT_NE(job_, nullptr);
  while (clock_.now_ns() < 5 * kMinute) job_->poll();
  EXPECT_FALSE(job_->progress().finished);
  EXPECT_EQ(job_->progress().stalled, "o: the disk is full");
  EXPECT_FALSE(world_.read_file(kPart).has_value());
  world_.set_faults({});
  const Outcome outcome = finish(*job_, false);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  expect_closed(outcome.ledger);
  EXPECT_EQ(outcome.ledger.rows_written, 1000u);
  ASSERT_EQ(outcome.ledger.counts.size(), 1u);
  EXPECT_EQ(outcome.ledger.counts[0].name, "times the disk was full");
  EXPECT_EQ(outcome.ledger.counts[0].count, 1u);
  EXPECT_LT(clock_.now_ns(), 5 * kMinute + 1'000'000'000) << "it looks again and again";
  EXPECT_EQ(job_->progress().stalled, "");
  EXPECT_FALSE(world_.read_file(kWritten).has_value());
  const auto written = world_.read_file(kPart);
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(lines_of(*written).size(), 1000u);
}

class NoRoomForTheName : public Backpressure, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Seconds, NoRoomForTheName, testing::Values(0, 90));

TEST_P(NoRoomForTheName, ends_the_job_after_the_time_that_it_may_wait_and_says_where_the_rows_are) {
  make_without_room_for_the_name("'sink.full-disk-timeout' = '" + std::to_string(GetParam()) + " s'");
  ASSERT_NE(job_, nullptr);
  const Outcome outcome = finish(*job_, false);
  expect_error(outcome, ErrorCode::kDiskFull, {kWritten, kPart, "hint: all rows of this part are in"});
  EXPECT_EQ(outcome.text().find("having waited 90 s for room") != std::string::npos, GetParam() != 0);
  EXPECT_GE(clock_.now_ns(), GetParam() * std::int64_t{1'000'000'000});
  EXPECT_EQ(lines_of(world_.read_file(kWritten).value()).size(), 1000u);
  expect_closed(outcome.ledger);
}

TEST_F(Backpressure, a_job_that_waits_for_room_for_a_name_can_be_stopped) {
  make_without_room_for_the_name();
  ASSERT_NE(job_, nullptr);
  while (job_->progress().stalled.empty()) ASSERT_LT(clock_.now_ns() + (job_->poll(), 0), kMinute);
  job_->stop();
  const Outcome outcome = finish(*job_, false, 1000);
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(lines_of(world_.read_file(kWritten).value()).size(), 1000u);
}

TEST_F(Backpressure, a_file_that_was_taken_away_under_the_job_is_an_error_and_not_waited_for) {
  make(numbers(), 1);
  ASSERT_NE(job_, nullptr);
  while (!world_.read_file(kWritten).has_value()) ASSERT_LT(clock_.now_ns() + (job_->poll(), 0), kMinute);
  world_.remove_file(kWritten);
  expect_error(finish(*job_, false), ErrorCode::kNotFound, {kWritten, "taken away while the job ran", "run it again"});
}

struct Policy {
  const char* name;
  const char* options;
  std::uint64_t Deliveries::*missed;  // what the slow one did not get counts as that; null: it gets everything
};
constexpr Policy kPolicies[] = {{"block", "", nullptr},
                                {"drop-oldest", "", &Deliveries::dropped},
                                {"conflate", ", 'conflate-key' = 'k'", &Deliveries::conflated},
                                {"disconnect", "", &Deliveries::abandoned}};

class SlowSubscribers : public Backpressure, public testing::WithParamInterface<Policy> {};
INSTANTIATE_TEST_SUITE_P(Policies, SlowSubscribers, testing::ValuesIn(kPolicies),
                         [](const auto& policy) { return std::to_string(policy.index); });

TEST_P(SlowSubscribers, cost_the_job_and_the_others_what_the_policy_says) {
  const Policy policy = GetParam();
  make(
      "CREATE TABLE t (k INT, n INT) WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:7001', 'format' = 'csv', "
      "'connections-until-end' = '1');\n"
      "CREATE TABLE o (k INT, n INT) WITH ('connector' = 'socket', 'listen' = '127.0.0.1:7002', 'format' = 'csv', "
      "'wait-for-subscribers' = '2', 'ring-bytes' = '65536', 'close-timeout' = '0', 'slow-subscribers' = '" +
      std::string(policy.name) + "'" + policy.options + ");\nINSERT INTO o SELECT k, n FROM t;");
  ASSERT_NE(job_, nullptr);
  SimPeer fast = connect(7002), slow = connect(7002), sender = connect(7001);
  std::string left, fast_got, slow_got;
  constexpr std::uint64_t kRows = 200'000;
  for (std::uint64_t i = 0; i < kRows; ++i) left += std::to_string(i % 10) + "," + std::to_string(i) + "\n";
  const std::string all = left;
  // The sender gives no more than the fast one has got, so that only the slow one is slow.
  const std::int64_t begin = clock_.now_ns();
  while (clock_.now_ns() - begin < 2 * kMinute) {
    if (all.size() - left.size() < fast_got.size() + 16'384) feed(sender, left);
    if (job_->poll() == 0) clock_.advance(1'000'000);
    fast_got += fast.receive();
  }
  EXPECT_FALSE(job_->progress().finished);
  if (policy.missed == nullptr) {
    EXPECT_FALSE(left.empty()) << "the job waits for the slow one";
    EXPECT_EQ(job_->progress().stalled, "o: a subscriber is slow");
  } else {
    EXPECT_TRUE(left.empty()) << "the job does not wait";
    EXPECT_EQ(fast_got.size(), all.size());
  }
  const Outcome outcome = finish(*job_, false, 2'000'000, [&](std::uint64_t) {
    if (feed(sender, left) == 0 && left.empty()) sender.shutdown_send();
    fast_got += fast.receive();
    slow_got += slow.receive();
  });
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  fast_got += fast.receive();
  slow_got += slow.receive();
  expect_closed(outcome.ledger);
  EXPECT_EQ(job_->memory_bytes(), memory_);
  EXPECT_TRUE(fast_got == all) << "the fast one gets everything, whatever the policy";
  ASSERT_EQ(outcome.ledger.deliveries.size(), 1u);
  const Deliveries& counts = outcome.ledger.deliveries[0].counts;
  EXPECT_EQ(counts.offered, counts.delivered + counts.conflated + counts.dropped + counts.abandoned);
  if (policy.missed == nullptr) {
    EXPECT_EQ(counts.delivered, 2 * kRows);
    EXPECT_TRUE(slow_got == all);
    return;
  }
  EXPECT_GT(counts.*policy.missed, 0u);
  EXPECT_EQ(counts.delivered + counts.*policy.missed, counts.offered) << "for no other reason";
  std::vector<std::string> lines;
  for (std::size_t at = 0, end = 0; (end = slow_got.find('\n', at)) != std::string::npos; at = end + 1)
    lines.push_back(slow_got.substr(at, end - at));
  if (policy.missed != &Deliveries::abandoned) {
    EXPECT_EQ(lines.size(), counts.delivered - kRows);
    // The newest rows, of each key, are among what it got.
    for (std::uint64_t i = kRows - 10; i < kRows; ++i)
      EXPECT_NE(std::find(lines.begin(), lines.end(), std::to_string(i % 10) + "," + std::to_string(i)), lines.end());
  } else {
    EXPECT_TRUE(std::any_of(outcome.ledger.counts.begin(), outcome.ledger.counts.end(), [](const TableCount& count) {
      return count.name == "subscribers disconnected, too slow" && count.count == 1;
    }));
  }
}

TEST_F(Backpressure, a_frozen_sink_keeps_the_process_within_the_bound_that_explain_prints) {
  const std::string sql =
      tables("k INT, n INT", "k INT, n INT") + "INSERT INTO o SELECT k, n FROM t WHERE MOD(n, 2) = 0;";
  auto plan = plan_sql(sql, {}, nullptr);
  ASSERT_TRUE(plan.has_value());
  JobOptions options = small_options();
  options.shards = 2;
  const auto explained = Job::explain(*plan, options);
  ASSERT_TRUE(explained.has_value());
  std::string left, got;
  for (int i = 0; i < 2'000'000; ++i) left += std::to_string(i % 10) + "," + std::to_string(i) + "\n";
  const std::size_t before = resident_bytes();
  make(sql);
  ASSERT_NE(job_, nullptr);
  EXPECT_LE(memory_, explained->memory_bytes_max);
  SimPeer reader = connect(7002), sender = connect(7001);
  EXPECT_EQ(stand_still(sender, left, 10 * kMinute), 0u);
  EXPECT_LE(resident_bytes(), before + explained->memory_bytes_max) << "10 minutes later";
  EXPECT_GT(left.size(), explained->memory_bytes_max / 4) << "more than enough was there to take";
  left.clear();
  recover(sender, left, reader, got);
  EXPECT_EQ(ledger_.rows_written, static_cast<std::uint64_t>(std::count(got.begin(), got.end(), '\n')));
}

TEST(BackpressureOfThreads, a_shard_that_stands_still_stops_the_writer_and_loses_nothing) {
  constexpr std::size_t kTicks = 300'000;
  std::vector<Tick> ticks;
  for (std::size_t i = 0; i < kTicks; ++i)  // a row is a result, since every key is another one
    ticks.push_back({static_cast<std::int64_t>(i / 100), static_cast<std::int32_t>(i), 1});
  std::atomic<bool> go{false};
  std::atomic<std::uint64_t> results{0}, of_the_slow{0};
  JobOptions options = small_options();
  options.shards = 2;
  options.host_tables["ticks"].structs = tick_layout();
  options.host_tables["ticks"].feed = {.writers = 1, .rows_max = 1024};
  options.host_tables["bars"].parallel = true;
  options.host_tables["bars"].write = [&](std::uint32_t shard, const Batch& batch) {
    if (shard == 1) {
      go.wait(false);
      of_the_slow.fetch_add(batch.selected_count());
    }
    results.fetch_add(batch.selected_count());
  };
  auto job = make_job(kBarsSql, std::move(options));
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  Writer writer = std::move((*job)->writer("ticks")).value();
  ASSERT_TRUE((*job)->start().has_value());
  // As much as it takes. A slow machine may make this end early, never make it fail.
  std::size_t at = 0;
  for (int patience = 0; patience < 2'000 && at < kTicks;) {
    const std::size_t taken =
        writer.append_structs_wait(&ticks[at], std::min<std::size_t>(64, kTicks - at), 1'000'000).rows;
    at += taken;
    patience = taken == 0 ? patience + 1 : 0;
    if (patience > 200 && results.load() == 0 && at < 20'000) patience = 0;  // it has not begun yet
    if (patience > 200) break;
  }
  EXPECT_LT(at, kTicks) << "the writer is told that there is no room";
  EXPECT_EQ(of_the_slow.load(), 0u);
  go.store(true);
  go.notify_all();
  while (at < kTicks)
    at += writer.append_structs_wait(&ticks[at], std::min<std::size_t>(64, kTicks - at), 1'000'000).rows;
  writer.end();
  ASSERT_TRUE((*job)->wait_for(60'000'000'000));
  const auto ended = (*job)->wait();
  ASSERT_TRUE(ended.has_value()) << ended.error().to_string();
  EXPECT_EQ(results.load(), kTicks);
  EXPECT_GT(of_the_slow.load(), 0u);
  expect_closed((*job)->ledger());
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
