// The bound on state that explain states: tight where the other limits imply it, and never too small.
#include "engine/job_run.h"

namespace weir::test {
namespace {

std::string job(const std::string& in, const std::string& out, const std::string& key) {
  return csv_table("t",
                   "s BIGINT, k BIGINT, v BIGINT, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts - INTERVAL "
                   "'1' DAY",
                   in) +
         csv_table("o",
                   (key.starts_with("CAST") ? "k STRING" : "k BIGINT") +
                       std::string(", n BIGINT, total BIGINT, least BIGINT"),
                   out) +
         "INSERT INTO o SELECT " + (key.empty() ? "0" : key) +
         ", COUNT(*), SUM(v), MIN(v) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY " +
         (key.empty() ? "" : key + ", ") + "window_start, window_end;";
}

std::size_t bound_of(const std::string& sql, const JobOptions& options) {
  auto plan = plan_sql(sql);
  EXPECT_TRUE(plan.has_value());
  auto explained = Job::explain(*plan, options);
  EXPECT_TRUE(explained.has_value());
  const std::string mark = "\"state_bytes_bound\":";
  const std::size_t at = explained->json.find(mark);
  EXPECT_NE(at, std::string::npos) << explained->json;
  return std::stoull(explained->json.substr(at + mark.size()));
}

TEST(StateBound, a_job_with_every_key_in_every_slice_fits_the_bound) {
  Folder folder;
  std::string rows;
  for (int slice = 0; slice < 8; ++slice) {
    for (int key = 0; key < 3000; ++key) {
      const std::int64_t wide = static_cast<std::int64_t>(key) * 1'000'000'007;
      rows += std::to_string(10 * slice) + "," + std::to_string(wide) + "," + std::to_string(key) + "\n";
    }
  }
  const std::string in = folder.put("in.csv", rows);
  for (const std::string key : {"k", ""}) {
    JobOptions options = small_options();
    options.slices_max = 8;
    options.groups_max = 3000;
    options.state_bytes_max = std::size_t{8} << 30;
    const std::string sql = job(in, folder.path("out" + key), key);
    const std::size_t bound = bound_of(sql, options);
    EXPECT_LT(bound, options.state_bytes_max) << "implied by the other limits";
    options.state_bytes_max = bound;
    const Outcome outcome = run_sql(sql, options);
    EXPECT_TRUE(outcome.ok()) << outcome.text();
    EXPECT_EQ(outcome.ledger.rows_written, key.empty() ? 8u : 24'000u);
  }
}

TEST(StateBound, state_bytes_max_is_the_bound_where_the_others_imply_more_or_strings_have_any_size) {
  Folder folder;
  const std::string in = folder.put("in.csv", "1,1,1\n");
  JobOptions options = small_options();
  EXPECT_EQ(bound_of(job(in, folder.path("out"), "k"), options), options.state_bytes_max);
  options.slices_max = options.groups_max = 2;
  EXPECT_EQ(bound_of(job(in, folder.path("out"), "CAST(k AS STRING)"), options), options.state_bytes_max);
}

TEST(StateBound, explain_states_each_stage_of_a_cascade_and_their_sum) {
  Folder folder;
  const std::string sql =
      csv_table("t", "s BIGINT, k BIGINT, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts",
                folder.put("in.csv", "1,1\n")) +
      "CREATE TABLE o (m BIGINT) WITH ('connector' = 'print');\n"
      "INSERT INTO o SELECT MAX(n) FROM (SELECT k, window_start AS s, window_end AS e, COUNT(*) AS n FROM TABLE(TUMBLE("
      "TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end) GROUP BY s, e;";
  auto plan = plan_sql(sql);
  ASSERT_TRUE(plan.has_value());
  JobOptions options = small_options();
  options.shards = 2;
  options.slices_max = options.groups_max = 2;
  options.state_bytes_max = std::size_t{8} << 30;
  auto explained = Job::explain(*plan, options);
  ASSERT_TRUE(explained.has_value()) << explained.error().to_string();
  std::size_t sum = 0, stages = 0;
  const std::string mark = "\"state_bytes_bound\":";
  for (std::size_t at = 0; (at = explained->json.find(mark, at)) != std::string::npos; at += mark.size(), ++stages) {
    const std::size_t merging = 2;
    const std::size_t local = stages == 0 ? 1 : 2;  // one input, on one shard; then results on both
    sum += (local + merging) * std::stoull(explained->json.substr(at + mark.size()));
  }
  EXPECT_EQ(stages, 2u);
  EXPECT_NE(explained->json.find("\"aggregate_state\":" + std::to_string(sum)), std::string::npos) << explained->json;
  EXPECT_NE(explained->text.find("the window of the results before"), std::string::npos) << explained->text;
}

}  // namespace
}  // namespace weir::test
