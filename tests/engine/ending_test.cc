// How a job ends and begins: drain gives what windows hold, stop ends at once, jobs stand beside one another and after
// one another, several queries share a job, and the host gives rows and takes them.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <thread>

#include "engine/job_run.h"

namespace weir::test {
namespace {

constexpr const char* kTicks =
    "CREATE TABLE ticks (ms BIGINT, v BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH "
    "('connector' = 'host');\n";
constexpr const char* kBars =
    "CREATE TABLE bars (s TIMESTAMP(3), total BIGINT) WITH ('connector' = 'host');\n"
    "INSERT INTO bars SELECT window_start, SUM(v) FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '1' "
    "SECOND)) GROUP BY window_start, window_end;";

struct Bars {
  std::mutex mutex;
  std::vector<std::pair<std::int64_t, std::int64_t>> rows;  // window start in ms, sum
  HostTable table() {
    HostTable host;
    host.write = [this](std::uint32_t, const Batch& batch) {
      const std::lock_guard lock(mutex);
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
        rows.emplace_back(batch.column(0).values<std::int64_t>()[row] / 1'000'000,
                          batch.column(1).values<std::int64_t>()[row]);
      }
    };
    return host;
  }
};

/// One tick of value 1 every 100 ms: `count` of them, then the end or a pause without end.
struct Ticks {
  std::int64_t count = 0;
  bool ends = true;
  std::atomic<std::int64_t> next{0};
  HostTable table() {
    HostTable host;
    host.read = [this](std::uint32_t, Batch& batch) {
      std::uint32_t row = 0;
      std::int64_t at = next.load();
      for (; row < batch.capacity() && at < count; ++row, ++at) {
        batch.column(0).values<std::int64_t>()[row] = 100 * at;
        batch.column(1).values<std::int64_t>()[row] = 1;
      }
      batch.set_row_count(row);
      next.store(at);
      if (row != 0) return ReadStatus::kRows;
      return ends ? ReadStatus::kEnd : ReadStatus::kPending;
    };
    return host;
  }
};

/// Waits until `done`; false after a minute.
bool eventually(const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

class Ending : public testing::TestWithParam<BackendKind> {
 protected:
  JobOptions options() const {
    JobOptions options = small_options();
    options.backend = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, Ending, testing::Values(BackendKind::kAuto, BackendKind::kEpoll),
                         [](const auto& i) { return i.param == BackendKind::kAuto ? "best" : "epoll"; });

TEST_P(Ending, drain_gives_the_open_windows_and_closes_the_ledger) {
  for (const std::uint32_t shards : {1u, 2u}) {
    Ticks ticks{25, false};
    Bars bars;
    JobOptions options = this->options();
    options.shards = shards;
    options.idle = IdleKind::kPark;  // a drain must wake a parked shard
    options.host_tables["ticks"] = ticks.table();
    options.host_tables["bars"] = bars.table();
    auto job = make_job(std::string(kTicks) + kBars, std::move(options));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    ASSERT_TRUE((*job)->start().has_value());
    ASSERT_TRUE(eventually([&] {
      const std::lock_guard lock(bars.mutex);
      return ticks.next == 25 && bars.rows.size() == 2;
    })) << "two windows are complete and must have been given";
    (*job)->drain();
    ASSERT_TRUE((*job)->wait_for(60'000'000'000)) << "draining hangs";
    EXPECT_TRUE((*job)->wait().has_value());
    std::sort(bars.rows.begin(), bars.rows.end());
    EXPECT_EQ(bars.rows, (std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 10}, {1000, 10}, {2000, 5}}));
    const JobLedger ledger = (*job)->ledger();
    expect_closed(ledger);
    EXPECT_EQ(ledger.records_read, 25u);
    EXPECT_EQ(ledger.rows_written, 3u);
  }
}

TEST_P(Ending, stop_ends_at_once_with_what_is_held_counted) {
  Ticks ticks{25, false};
  Bars bars;
  JobOptions options = this->options();
  options.host_tables["ticks"] = ticks.table();
  options.host_tables["bars"] = bars.table();
  auto job = make_job(std::string(kTicks) + kBars, std::move(options));
  ASSERT_TRUE(job.has_value());
  ASSERT_TRUE((*job)->start().has_value());
  ASSERT_TRUE(eventually([&] { return ticks.next == 25; }));
  (*job)->stop();
  ASSERT_TRUE((*job)->wait_for(60'000'000'000));
  const auto result = (*job)->wait();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::kCancelled);
  expect_closed((*job)->ledger());
}

TEST_P(Ending, stop_before_drain_and_both_twice_do_no_harm) {
  Ticks ticks{5, false};
  Bars bars;
  JobOptions options = this->options();
  options.host_tables["ticks"] = ticks.table();
  options.host_tables["bars"] = bars.table();
  auto job = make_job(std::string(kTicks) + kBars, std::move(options));
  ASSERT_TRUE(job.has_value());
  ASSERT_TRUE((*job)->start().has_value());
  (*job)->drain();
  (*job)->drain();
  ASSERT_TRUE((*job)->wait_for(60'000'000'000));
  EXPECT_TRUE((*job)->wait().has_value());
  (*job)->stop();
  (*job)->stop();
  EXPECT_TRUE((*job)->wait().has_value()) << "stopping what has ended changes nothing";
}

TEST_P(Ending, a_job_that_was_made_and_never_started_goes_without_a_word) {
  Ticks ticks{5};
  Bars bars;
  JobOptions options = this->options();
  options.shards = 2;
  options.host_tables["ticks"] = ticks.table();
  options.host_tables["bars"] = bars.table();
  auto job = make_job(std::string(kTicks) + kBars, std::move(options));
  ASSERT_TRUE(job.has_value());
  const auto waited = (*job)->wait();
  ASSERT_FALSE(waited.has_value()) << "there is nothing to wait for";
  EXPECT_EQ(waited.error().code(), ErrorCode::kInvalidArgument);
  expect_closed((*job)->ledger());
}

TEST_P(Ending, jobs_run_one_after_another_and_side_by_side_in_one_process) {
  for (int round = 0; round < 3; ++round) {
    Ticks one{1000}, two{500};
    Bars first, second;
    std::vector<std::unique_ptr<Job>> jobs;
    for (int i = 0; i < 2; ++i) {
      JobOptions options = this->options();
      options.shards = static_cast<std::uint32_t>(i) + 1;
      options.simd = i == 0 ? SimdKind::kBest : SimdKind::kScalar;
      options.host_tables["ticks"] = (i == 0 ? one : two).table();
      options.host_tables["bars"] = (i == 0 ? first : second).table();
      auto job = make_job(std::string(kTicks) + kBars, std::move(options));
      ASSERT_TRUE(job.has_value()) << job.error().to_string();
      ASSERT_TRUE((*job)->start().has_value());
      jobs.push_back(std::move(job).value());
    }
    for (auto& job : jobs) {
      ASSERT_TRUE(job->wait_for(60'000'000'000));
      ASSERT_TRUE(job->wait().has_value());
      expect_closed(job->ledger());
    }
    EXPECT_EQ(first.rows.size(), 100u);
    EXPECT_EQ(second.rows.size(), 50u);
    for (const auto& [start, total] : first.rows) EXPECT_EQ(total, 10) << start;
  }
}

TEST_P(Ending, two_queries_of_one_statement_set_read_the_same_file) {
  Folder folder;
  const std::string in = folder.put("in.csv", "a,1\nb,20\na,3\nb,40\n");
  const std::string sql = csv_table("t", "k STRING, v INT", in) +
                          csv_table("low", "k STRING, v INT", folder.path("low")) +
                          csv_table("high", "v INT", folder.path("high")) +
                          "EXECUTE STATEMENT SET BEGIN\n"
                          "INSERT INTO low SELECT k, v FROM t WHERE v < 10;\n"
                          "INSERT INTO high SELECT v FROM t WHERE v >= 20;\nEND;";
  for (const std::uint32_t shards : {1u, 3u}) {
    JobOptions options = this->options();
    options.shards = shards;
    std::filesystem::remove_all(folder.path("low"));
    std::filesystem::remove_all(folder.path("high"));
    const Outcome outcome = run_sql(sql, std::move(options));
    ASSERT_TRUE(outcome.ok()) << outcome.text();
    EXPECT_EQ(read_parts(folder.path("low")), (std::vector<std::string>{"a,1", "a,3"}));
    EXPECT_EQ(read_parts(folder.path("high")), (std::vector<std::string>{"20", "40"}));
    EXPECT_EQ(outcome.ledger.records_read, 8u) << "each query reads the file";
    EXPECT_EQ(outcome.ledger.rows_written, 4u);
    EXPECT_EQ(outcome.ledger.filtered, 4u);
    expect_closed(outcome.ledger);
  }
}

TEST_P(Ending, a_host_reader_that_fails_and_host_tables_that_nobody_gave_are_named) {
  JobOptions options = this->options();
  options.host_tables["ticks"].read = [](std::uint32_t, Batch&) { return ReadStatus::kFailed; };
  options.host_tables["bars"].write = [](std::uint32_t, const Batch&) {};
  expect_error(run_sql(std::string(kTicks) + kBars, std::move(options)), ErrorCode::kUserFunction, {"input 0"});
  expect_error(run_sql(std::string(kTicks) + kBars, this->options()), ErrorCode::kUnavailable,
               {"table ticks", "host", "hint: "});
}

TEST_P(Ending, rows_of_several_host_inputs_wait_for_the_slowest_watermark) {
  // Input 1 pauses at 500 ms until the other has given all: no window may go before it has.
  struct Feed {
    std::atomic<bool> first_done{false};
    std::int64_t next[2] = {0, 0};
  } feed;
  Bars bars;
  JobOptions options = this->options();
  options.batch_rows = 4;
  options.host_tables["ticks"].inputs = 2;
  options.host_tables["ticks"].read = [&](std::uint32_t input, Batch& batch) {
    if (input == 1 && feed.next[1] == 5 && !feed.first_done) return ReadStatus::kPending;
    if (feed.next[input] == 30) {
      if (input == 0) feed.first_done = true;
      return ReadStatus::kEnd;
    }
    batch.column(0).values<std::int64_t>()[0] = 100 * feed.next[input]++;
    batch.column(1).values<std::int64_t>()[0] = 1;
    batch.set_row_count(1);
    return ReadStatus::kRows;
  };
  options.host_tables["bars"] = bars.table();
  const Outcome outcome = run_sql(std::string(kTicks) + kBars, std::move(options));
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(outcome.ledger.late, 0u);
  EXPECT_EQ(bars.rows, (std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 20}, {1000, 20}, {2000, 20}}));
}

TEST_P(Ending, without_threads_the_host_turns_the_job_itself) {
  Ticks ticks{30};
  Bars bars;
  JobOptions options = this->options();
  options.threads = false;
  options.shards = 3;
  options.host_tables["ticks"] = ticks.table();
  options.host_tables["bars"] = bars.table();
  auto job = make_job(std::string(kTicks) + kBars, std::move(options));
  ASSERT_TRUE(job.has_value());
  EXPECT_FALSE((*job)->start().has_value());
  const Outcome outcome = finish(**job, false, 100'000);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(bars.rows.size(), 3u);
  expect_closed(outcome.ledger);
}

TEST_P(Ending, the_trace_is_json_with_spans_and_the_ledger_is_json) {
  Ticks ticks{5000};
  Bars bars;
  JobOptions options = this->options();
  options.shards = 2;
  options.trace_spans_max = 1000;
  options.host_tables["ticks"] = ticks.table();
  options.host_tables["bars"] = bars.table();
  auto job = make_job(std::string(kTicks) + kBars, std::move(options));
  ASSERT_TRUE(job.has_value());
  ASSERT_TRUE((*job)->run().has_value());
  const std::string trace = (*job)->trace_json();
  EXPECT_TRUE(is_json(trace)) << trace.substr(0, 300);
  EXPECT_NE(trace.find("\"fragment\""), std::string::npos);
  EXPECT_NE(trace.find("\"turn\""), std::string::npos);
  EXPECT_NE(trace.find("shard 1"), std::string::npos);
  const std::string ledger = (*job)->ledger().to_json();
  EXPECT_TRUE(is_json(ledger)) << ledger;
  EXPECT_NE(ledger.find("\"imbalance\":0"), std::string::npos);
}

TEST(Json, the_checker_itself_refuses_what_is_none) {
  for (const char* good : {"{}", "[]", "[1,-2.5e3,\"a\\n\",true,null,{\"k\":[]}]", " {\"a\" : 1 } "})
    EXPECT_TRUE(is_json(good)) << good;
  for (const char* bad : {"", "{", "[1,]", "{\"a\":}", "{a:1}", "[1] 2", "\"a", "01x", "[\"\n\"]", "{\"a\":1,}"})
    EXPECT_FALSE(is_json(bad)) << bad;
}

}  // namespace
}  // namespace weir::test
