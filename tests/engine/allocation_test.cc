// Nothing on the data path takes memory from the heap: counted on the shard threads from the first batch to the last.
#include <atomic>

#include "engine/allocation_count.h"
#include "engine/job_run.h"

namespace weir::test {
namespace {

constexpr std::uint64_t kRows = 400'000;

/// Gives kRows rows (ts_ms, key, value, text) an input; watches the thread from the tenth batch on.
struct HostFeed {
  std::uint64_t given[4] = {};
  HostTable table(std::uint32_t inputs) {
    HostTable host;
    host.inputs = inputs;
    host.read = [this](std::uint32_t input, Batch& batch) {
      std::uint64_t& next = given[input];
      if (next >= kRows) {
        unwatch_this_thread();
        return ReadStatus::kEnd;
      }
      if (next > 10'000) watch_this_thread();
      for (std::uint32_t row = 0; row < batch.capacity(); ++row, ++next) {
        batch.column(0).values<std::int64_t>()[row] = static_cast<std::int64_t>(next);
        batch.column(1).values<std::int32_t>()[row] = static_cast<std::int32_t>(next * 7 % 50);
        batch.column(2).values<double>()[row] = static_cast<double>(next % 1000);
        batch.column(3).values<StringRef>()[row] = StringRef(next % 2 == 0 ? "a text that is not inline" : "short");
      }
      batch.set_row_count(batch.capacity());
      return ReadStatus::kRows;
    };
    return host;
  }
};

constexpr const char* kSource =
    "CREATE TABLE t (ms BIGINT NOT NULL, k INT NOT NULL, v DOUBLE NOT NULL, s STRING NOT NULL, ts AS "
    "TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'host');\n";

void expect_no_allocation(const Outcome& outcome) {
  EXPECT_TRUE(outcome.ok()) << outcome.text();
  expect_closed(outcome.ledger);
  EXPECT_EQ(allocations(), 0u) << first_allocation();
}

class NoAllocation : public testing::TestWithParam<std::tuple<BackendKind, std::uint32_t, KeyedPlan>> {
 protected:
  void SetUp() override {
    if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer has its own malloc";
    reset_allocations();
  }
  JobOptions options() const {
    JobOptions options = small_options();
    options.backend = std::get<0>(GetParam());
    options.shards = std::get<1>(GetParam());
    options.keyed_plan = std::get<2>(GetParam());
    return options;
  }
  Folder folder_;
};

INSTANTIATE_TEST_SUITE_P(Configurations, NoAllocation,
                         testing::Combine(testing::Values(BackendKind::kAuto, BackendKind::kEpoll),
                                          testing::Values(1u, 2u),
                                          testing::Values(KeyedPlan::kLocalMerge, KeyedPlan::kShuffle)));

TEST_P(NoAllocation, from_a_host_table_through_a_window_to_a_host_table) {
  HostFeed feed;
  JobOptions options = this->options();
  options.host_tables["t"] = feed.table(2);
  std::atomic<std::uint64_t> rows{0};
  options.host_tables["o"].parallel = true;
  options.host_tables["o"].write = [&](std::uint32_t, const Batch& batch) { rows += batch.selected_count(); };
  const Outcome outcome = run_sql(
      std::string(kSource) +
          "CREATE TABLE o (k INT, s TIMESTAMP(3), n BIGINT, total DOUBLE, least STRING) WITH ('connector' = 'host');\n"
          "INSERT INTO o SELECT k, window_start, COUNT(*), SUM(v), MIN(s) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), "
          "INTERVAL '1' SECOND)) WHERE v > 10 GROUP BY k, window_start, window_end HAVING COUNT(*) > 1;",
      std::move(options));
  expect_no_allocation(outcome);
  EXPECT_GT(rows.load(), 0u);
}

TEST_P(NoAllocation, from_a_host_table_through_expressions_to_csv_and_json_files) {
  for (const std::string format : {"csv", "json"}) {
    HostFeed feed;
    JobOptions options = this->options();
    options.host_tables["t"] = feed.table(1);
    const Outcome outcome = run_sql(
        std::string(kSource) +
            "CREATE TABLE o (k INT, v DOUBLE, s STRING, u STRING, ts TIMESTAMP_LTZ(3)) WITH ('connector' = "
            "'filesystem', 'path' = '" +
            folder_.path(format) + "', 'format' = '" + format +
            "');\nINSERT INTO o SELECT k + 1, v * 2, UPPER(s), CONCAT(s, '-', s), ts FROM t WHERE k <> 3 AND s LIKE "
            "'%t%';",
        std::move(options));
    expect_no_allocation(outcome);
    EXPECT_GT(outcome.ledger.rows_written, 0u);
  }
}

/// Rows of a file to the host: watched from the first batch that arrives to the last but one.
TEST_P(NoAllocation, from_csv_and_json_files_to_a_host_table) {
  std::string csv, json;
  for (std::uint64_t i = 0; i < 60'000; ++i) {
    const std::string number = std::to_string(i), text = i % 3 == 0 ? "a rather long text " + number : "t" + number;
    csv += number + "," + text + "," + number + ".25\n";
    json += "{\"ms\":" + number + ",\"s\":\"" + text + "\",\"v\":" + number + ".25}\n";
  }
  for (const std::string format : {"csv", "json"}) {
    reset_allocations();
    for (int i = 0; i < 3; ++i) folder_.put(format + "/" + std::to_string(i), format == "csv" ? csv : json);
    JobOptions options = this->options();
    std::atomic<std::uint64_t> rows[2] = {};
    options.host_tables["o"].parallel = true;
    options.host_tables["o"].write = [&](std::uint32_t shard, const Batch& batch) {
      const std::uint64_t before = rows[shard].fetch_add(batch.selected_count());
      if (before > 5'000) watch_this_thread();
      if (before > 40'000) unwatch_this_thread();  // before the end of a file, which is no data path
    };
    const Outcome outcome =
        run_sql("CREATE TABLE t (ms BIGINT, s STRING, v DOUBLE) WITH ('connector' = 'filesystem', 'path' = '" +
                    folder_.path(format) + "', 'format' = '" + format +
                    "');\nCREATE TABLE o (ms BIGINT, s STRING, v DOUBLE) WITH ('connector' = 'host');\n"
                    "INSERT INTO o SELECT ms, s, v FROM t;",
                std::move(options));
    expect_no_allocation(outcome);
    EXPECT_EQ(rows[0] + rows[1], 180'000u);
  }
}

}  // namespace
}  // namespace weir::test
