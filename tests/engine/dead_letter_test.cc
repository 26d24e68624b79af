// Malformed records to a table of their own: all of them, with their places, however many stand together and however
// slowly the table is written; and none of it where the input cannot be read at all.
#include <algorithm>
#include <mutex>
#include <set>

#include "engine/job_run.h"

namespace weir::test {
namespace {

struct DeadRows {
  std::mutex mutex;
  std::multiset<std::string> rows;
  std::size_t batches = 0;
  HostTable table(bool parallel) {
    HostTable host;
    host.parallel = parallel;
    host.write = [this](std::uint32_t, const Batch& batch) {
      const std::lock_guard lock(mutex);
      ++batches;
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
        const std::string_view text = batch.column(0).values<StringRef>()[row].view();
        rows.insert(std::string(text.substr(0, 12)) + " " +
                    std::to_string(batch.column(1).values<std::int64_t>()[row]));
      }
    };
    return host;
  }
};

std::string job(const std::string& in, const std::string& out, const std::string& format = "csv") {
  return "CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'filesystem', 'path' = '" + in + "', 'format' = '" +
         format + "');\n" +
         "CREATE TABLE dead (record_text STRING, record_number BIGINT, record BYTES, reason STRING, input STRING) WITH "
         "('connector' = 'host');\n" +
         csv_table("o", "k STRING, v INT", out) +
         "SET 'weir.malformed-rows' = 'dead'; INSERT INTO o SELECT k, v FROM t;";
}

class DeadLetters : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t, bool>> {
 protected:
  JobOptions options() const {
    JobOptions options = small_options();
    options.shards = std::get<0>(GetParam());
    options.batch_rows = std::get<1>(GetParam());
    options.ring_batches = 1;
    return options;
  }
  bool parallel() const { return std::get<2>(GetParam()); }
  Folder folder_;
};

INSTANTIATE_TEST_SUITE_P(Configurations, DeadLetters,
                         testing::Combine(testing::Values(1u, 3u), testing::Values(1u, 7u, 1024u), testing::Bool()));

TEST_P(DeadLetters, long_runs_of_malformed_records_lose_none) {
  const std::string folder = folder_.path("in");
  std::multiset<std::string> wanted;
  std::vector<std::string> good;
  std::uint64_t records = 0;
  for (int file = 0; file < 4; ++file) {
    std::string bytes;
    for (int i = 0; i < 3000; ++i, ++records) {
      if (i % 500 == 7) {
        bytes += "ok," + std::to_string(i) + "\n";
        good.push_back("ok," + std::to_string(i));
        continue;
      }
      const std::string line = std::to_string(file) + "-" + std::to_string(i) + ",no number at all, and a long text";
      bytes += line + "\n";
      wanted.insert(line.substr(0, 12) + " " + std::to_string(i));
    }
    (void)folder_.put("in/" + std::to_string(file) + ".csv", bytes);
  }
  std::sort(good.begin(), good.end());
  DeadRows dead;
  JobOptions options = this->options();
  options.host_tables["dead"] = dead.table(parallel());
  const Outcome outcome = run_sql(job(folder, folder_.path("out")), options);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(dead.rows, wanted);
  EXPECT_EQ(read_parts(folder_.path("out")), good);
  EXPECT_EQ(outcome.ledger.records_read, records);
  EXPECT_EQ(outcome.ledger.dead_lettered, wanted.size());
  EXPECT_EQ(outcome.ledger.malformed, wanted.size());
  EXPECT_EQ(outcome.ledger.dropped, 0u);
  expect_closed(outcome.ledger);
}

TEST_P(DeadLetters, json_and_a_cut_last_record_go_there_too) {
  const std::string in = folder_.put(
      "in.json", "{\"k\":\"a\",\"v\":1}\n[1]\n{\"k\":\"b\",\"v\":\"x\"}\n{\"k\":\"c\",\"v\":2}\n{\"k\":\"d");
  DeadRows dead;
  JobOptions options = this->options();
  options.host_tables["dead"] = dead.table(parallel());
  const Outcome outcome = run_sql(job(in, folder_.path("out"), "json"), options);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(dead.rows, (std::multiset<std::string>{"[1] 1", "{\"k\":\"b\",\"v\" 2", "{\"k\":\"d 4"}));
  EXPECT_EQ(read_parts(folder_.path("out")), (std::vector<std::string>{"a,1", "c,2"}));
  expect_closed(outcome.ledger);
}

TEST_P(DeadLetters, fail_on_drop_does_not_count_them) {
  const std::string in = folder_.put("in.csv", "a,1\nb,x\n");
  DeadRows dead;
  JobOptions options = this->options();
  options.fail_on_drop = true;
  options.host_tables["dead"] = dead.table(parallel());
  const Outcome outcome = run_sql(job(in, folder_.path("out")), options);
  EXPECT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(dead.rows.size(), 1u);
}

TEST_P(DeadLetters, a_header_that_does_not_fit_still_ends_the_job) {
  const std::string in = folder_.put("in.csv", "k,w\na,1\n");
  DeadRows dead;
  JobOptions options = this->options();
  options.host_tables["dead"] = dead.table(parallel());
  std::string sql = job(in, folder_.path("out"));
  sql.replace(sql.find("'format' = 'csv'"), 16, "'format' = 'csv', 'weir.csv.header' = 'true'");
  expect_error(run_sql(sql, options), ErrorCode::kMissingField, {"the header has no column 'v'"});
}

TEST_P(DeadLetters, a_header_that_does_not_fit_ends_a_job_that_ignores_malformed_records) {
  const std::string in = folder_.put("in.csv", "k,w\na,1\n");
  const std::string sql =
      csv_table("t", "k STRING, v INT", in, "'weir.csv.header' = 'true', 'csv.ignore-parse-errors' = 'true'") +
      csv_table("o", "k STRING, v INT", folder_.path("out")) + "INSERT INTO o SELECT k, v FROM t;";
  expect_error(run_sql(sql, options()), ErrorCode::kMissingField, {"the header has no column 'v'"});
}

TEST(DeadLetter, unknown_columns_of_the_table_are_refused_with_the_list) {
  const Outcome outcome = run_sql(
      "CREATE TABLE t (k STRING) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', "
      "'weir.malformed-rows' = 'dead');\nCREATE TABLE dead (line STRING) WITH ('connector' = 'print');\n",
      small_options());
  EXPECT_FALSE(outcome.made);
  const Outcome used = run_sql(
      "CREATE TABLE t (k STRING) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', "
      "'weir.malformed-rows' = 'dead');\nCREATE TABLE dead (line STRING) WITH ('connector' = 'print');\nSELECT k FROM "
      "t;",
      small_options());
  EXPECT_NE(used.text().find("have no column `line`"), std::string::npos) << used.text();
  EXPECT_NE(used.text().find("record_text, reason, column_name"), std::string::npos) << used.text();
}

}  // namespace
}  // namespace weir::test
