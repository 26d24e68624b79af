// Late rows by policy: what goes to a side table is, as a set, what a naive reading of the rules finds late, whatever
// the shards, batches, plans and kinds of sinks; and the three policies agree on how many there are.
#include <algorithm>
#include <mutex>
#include <random>
#include <set>

#include "engine/job_run.h"
#include "engine/row_feed.h"

namespace weir::test {
namespace {

struct Row {
  std::int64_t ms = 0;
  std::int32_t k = 0;
};

constexpr std::uint32_t kInputs = 3;
constexpr std::int64_t kDelayMs = 500;
constexpr std::int64_t kWindowMs = 1000;

void put(Batch& batch, std::uint32_t at, const Row& row) {
  batch.column(0).values<std::int64_t>()[at] = row.ms;
  batch.column(1).values<std::int32_t>()[at] = row.k;
}

/// Rows of kInputs inputs, out of order by up to three seconds.
class Feed : public RowFeed<Row, kInputs> {
 public:
  explicit Feed(std::uint32_t seed) : RowFeed(put) {
    std::mt19937 random(seed);
    for (std::uint32_t input = 0; input < kInputs; ++input) {
      std::int64_t now = 0;
      for (int i = 0; i < 700; ++i) {
        now += random() % 40;
        const auto back = static_cast<std::int64_t>(random() % 10 == 0 ? random() % 3000 : 0);
        rows_[input].push_back({now - back, static_cast<std::int32_t>(random() % 5)});
      }
    }
  }

  /// "ms k watermark" of each row whose windows had all fired before it; HOP's last window ends `last` after the slice.
  std::multiset<std::string> late(std::int64_t slice_ms, std::int64_t last_ms) const {
    std::multiset<std::string> late;
    for (const auto& rows : rows_) {
      std::optional<std::int64_t> watermark;
      for (const Row& row : rows) {
        const std::int64_t start = (row.ms >= 0 ? row.ms : row.ms - slice_ms + 1) / slice_ms * slice_ms;
        if (watermark.has_value() && start + last_ms - 1 <= *watermark)
          late.insert(std::to_string(row.ms) + " " + std::to_string(row.k) + " " + std::to_string(*watermark));
        watermark = std::max(watermark.value_or(row.ms - kDelayMs), row.ms - kDelayMs);
      }
    }
    return late;
  }
};

struct SideRows {
  std::mutex mutex;
  std::multiset<std::string> rows;
  HostTable table(bool parallel) {
    HostTable host;
    host.parallel = parallel;
    host.write = [this](std::uint32_t, const Batch& batch) {
      const std::lock_guard lock(mutex);
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
        rows.insert(std::to_string(batch.column(0).values<std::int64_t>()[row]) + " " +
                    std::to_string(batch.column(1).values<std::int32_t>()[row]) + " " +
                    std::to_string(batch.column(2).values<std::int64_t>()[row] / 1'000'000));
      }
    };
    return host;
  }
};

std::string job(const std::string& policy, const std::string& window) {
  return "CREATE TABLE t (ms BIGINT NOT NULL, k INT NOT NULL, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - "
         "INTERVAL '0.5' SECOND) WITH ('connector' = 'host');\n"
         "CREATE TABLE late_rows (ms BIGINT, k INT, weir_watermark TIMESTAMP_LTZ(3)) WITH ('connector' = 'host');\n"
         "CREATE TABLE o (k INT, s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'blackhole');\n"
         "SET 'weir.late-rows' = '" +
         policy + "';\nINSERT INTO o SELECT k, window_start, COUNT(*) FROM TABLE(" + window +
         ") GROUP BY k, window_start, window_end;";
}

const std::string kTumble = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)";
const std::string kHop = "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '2' SECOND)";

class SideOutputs : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t, KeyedPlan, bool>> {
 protected:
  JobOptions options() const {
    JobOptions options = small_options();
    options.shards = std::get<0>(GetParam());
    options.batch_rows = std::get<1>(GetParam());
    options.keyed_plan = std::get<2>(GetParam());
    options.ring_batches = 2;
    return options;
  }
  bool parallel() const { return std::get<3>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(
    Configurations, SideOutputs,
    testing::Combine(testing::Values(1u, 2u, 4u), testing::Values(1u, 64u),
                     testing::Values(KeyedPlan::kAuto, KeyedPlan::kLocalMerge, KeyedPlan::kShuffle), testing::Bool()));

TEST_P(SideOutputs, late_rows_of_the_side_table_are_those_that_the_rules_find) {
  for (const bool hop : {false, true}) {
    Feed feed(7);
    SideRows side;
    JobOptions options = this->options();
    options.host_tables["t"] = feed.table();
    options.host_tables["late_rows"] = side.table(parallel());
    const Outcome outcome = run_sql(job("late_rows", hop ? kHop : kTumble), options);
    ASSERT_TRUE(outcome.ok()) << outcome.text();
    const auto wanted = feed.late(kWindowMs, hop ? 2 * kWindowMs : kWindowMs);
    EXPECT_GT(wanted.size(), 20u);
    EXPECT_EQ(side.rows, wanted);
    EXPECT_EQ(outcome.ledger.side_output, wanted.size());
    EXPECT_EQ(outcome.ledger.late, wanted.size());
    EXPECT_EQ(outcome.ledger.dropped, 0u);
    EXPECT_TRUE(outcome.ledger.late_first.has_value() && outcome.ledger.late_last.has_value());
    expect_closed(outcome.ledger);
  }
}

TEST_P(SideOutputs, dropping_late_rows_counts_the_same_and_gives_the_same_results) {
  Feed feed(8);
  SideRows side;
  JobOptions options = this->options();
  options.host_tables["t"] = feed.table();
  options.host_tables["late_rows"] = side.table(parallel());
  const Outcome dropped = run_sql(job("drop", kTumble), options);
  options.host_tables["t"] = feed.table();
  const Outcome taken = run_sql(job("late_rows", kTumble), options);
  ASSERT_TRUE(dropped.ok() && taken.ok()) << dropped.text() << taken.text();
  EXPECT_EQ(dropped.ledger.dropped, taken.ledger.side_output);
  EXPECT_EQ(dropped.ledger.late, taken.ledger.late);
  EXPECT_EQ(dropped.ledger.rows_written, taken.ledger.rows_written);
  EXPECT_EQ(dropped.ledger.side_output, 0u);
}

TEST_P(SideOutputs, failing_on_late_rows_names_the_time_the_watermark_and_the_input) {
  Feed feed(9);
  SideRows side;
  JobOptions options = this->options();
  options.host_tables["t"] = feed.table();
  options.host_tables["late_rows"] = side.table(parallel());
  expect_error(
      run_sql(job("fail", kTumble), options), ErrorCode::kLossPolicy,
      {"a row with event time 19", "came late", "the watermark of input ", " of table t stood at", "'weir.late-rows'"});
}

/// They wait until every input has passed their watermark, all at once here, and go out as far as batches have room.
TEST(SideOutput, late_rows_of_sessions_with_more_text_than_a_batch_holds_all_arrive) {
  Folder folder;
  std::string rows = "1,100000,first\n";
  std::vector<std::string> late;
  for (int i = 0; i < 200; ++i) {
    const std::string text = std::string(700 + static_cast<std::size_t>(i), 'x') + std::to_string(i);
    rows += std::to_string(i % 7) + "," + std::to_string(1000 + i) + "," + text + "\n";
    late.push_back(text + "," + std::to_string(i % 7));
  }
  std::sort(late.begin(), late.end());
  const std::string in = folder.put("in.csv", rows);
  for (const std::uint32_t shards : {1u, 3u}) {
    JobOptions options = small_options();
    options.shards = shards;
    options.ring_batches = 1;
    options.batch_rows = 64;
    options.record_bytes_max = options.heap_bytes = 4096;
    const std::string side = folder.path("side" + std::to_string(shards));
    const Outcome outcome = run_sql(
        csv_table("t", "k INT, ms BIGINT, note STRING, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts", in) +
            csv_table("l", "note STRING, k INT", side) +
            csv_table("o", "k INT, n BIGINT", folder.path("out" + std::to_string(shards))) +
            "SET 'weir.late-rows' = 'l';\nINSERT INTO o SELECT k, COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY k, "
            "DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end;",
        options);
    ASSERT_TRUE(outcome.ok()) << outcome.text();
    EXPECT_EQ(read_parts(side), late);
    EXPECT_EQ(outcome.ledger.side_output, 200u);
    EXPECT_EQ(outcome.ledger.rows_written, 1u);
    expect_closed(outcome.ledger);
  }
}

TEST(SideOutput, explain_says_where_late_rows_go) {
  auto plan = plan_sql(
      "CREATE TABLE t (ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = "
      "'datagen');"
      "CREATE TABLE l (ms BIGINT) WITH ('connector' = 'print'); SET 'weir.late-rows' = 'l';"
      "SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, "
      "window_end;");
  ASSERT_TRUE(plan.has_value()) << plan.error().to_string();
  auto explained = Job::explain(*plan, small_options());
  ASSERT_TRUE(explained.has_value()) << explained.error().to_string();
  EXPECT_NE(explained->text.find("late rows  to l: print"), std::string::npos) << explained->text;
}

}  // namespace
}  // namespace weir::test
