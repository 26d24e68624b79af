// A host's aggregate in SQL: the same answer for every layout, though it depends on the order of rows.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "engine/job_run.h"
#include "support/last_text.h"
#include "weir/core/random.h"
#include "weir/pipeline/aggregate.h"

namespace weir::test {
namespace {

/// Three files of rows whose times repeat within a file and between files; the last name of a key and window is that of
/// the greatest (time, file, line).
class LastName : public testing::TestWithParam<std::tuple<std::uint32_t, KeyedPlan, std::uint32_t, int>> {
 protected:
  LastName() {
    std::map<std::tuple<std::int64_t, std::string>, std::tuple<std::int64_t, int, int, std::string>> last;
    const std::int64_t slide = std::get<3>(GetParam());
    for (int file = 0; file < 3; ++file) {
      std::string bytes;
      for (int line = 0; line < 400; ++line) {
        const std::uint64_t draw = random_at(7, static_cast<std::uint64_t>(file * 1000 + line));
        const std::int64_t second = line / 8 + static_cast<std::int64_t>(draw % 3);
        const std::string key = "k" + std::to_string(draw / 3 % 5);
        const std::string name = "name of line " + std::to_string(line) + " in file " + std::to_string(file);
        bytes += std::to_string(second) + "," + key + "," + name + "\n";
        for (std::int64_t start = second / slide * slide; start > second - 10; start -= slide) {
          auto& kept = last[{start, key}];
          kept = std::max(kept, {second, file, line, name});
        }
      }
      (void)folder_.put("in/" + std::to_string(file) + ".csv", bytes);
    }
    for (const auto& [where, kept] : last)
      expected_.push_back(std::get<1>(where) + "," + std::to_string(std::get<0>(where)) + "," + std::get<3>(kept));
    std::sort(expected_.begin(), expected_.end());
  }
  std::string sql() const {
    return csv_table("t",
                     "s BIGINT, k STRING, name STRING, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts - INTERVAL "
                     "'2' SECOND",
                     folder_.path("in")) +
           csv_table("o", "k STRING, s BIGINT, name STRING", folder_.path("out")) +
           "INSERT INTO o SELECT k, TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', window_start), "
           "last_text(name) FROM TABLE(" +
           "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '" + std::to_string(std::get<3>(GetParam())) +
           "' SECOND, INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;";
  }
  JobOptions options() const {
    JobOptions options = small_options();
    options.functions = last_text_catalogue();
    options.shards = std::get<0>(GetParam());
    options.keyed_plan = std::get<1>(GetParam());
    options.batch_rows = std::get<2>(GetParam());
    return options;
  }
  Folder folder_;
  std::vector<std::string> expected_;
};
INSTANTIATE_TEST_SUITE_P(Layouts, LastName,
                         testing::Combine(testing::Values(1u, 2u, 3u),
                                          testing::Values(KeyedPlan::kAuto, KeyedPlan::kShuffle),
                                          testing::Values(1u, 7u, 1024u), testing::Values(10, 5)));

TEST_P(LastName, is_that_of_the_greatest_time_then_file_then_line) {
  const Outcome outcome = run_sql(sql(), options());
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(read_parts(folder_.path("out")), expected_);
  expect_closed(outcome.ledger);
}

/// A job with one row a key, whose name has `length` bytes, in one window.
std::string long_names(const Folder& folder, int keys, std::size_t length) {
  std::string bytes;
  for (int key = 0; key < keys; ++key)
    bytes += "1,k" + std::to_string(key) + "," + std::string(length, static_cast<char>('a' + key % 26)) + "\n";
  const std::string in = folder.put("in.csv", bytes);
  return csv_table("t", "s BIGINT, k STRING, name STRING, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts", in) +
         csv_table("o", "k STRING, name STRING", folder.path("out")) +
         "INSERT INTO o SELECT k, LAST_TEXT(name) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
         "GROUP BY k, window_start, window_end;";
}

TEST(UserAggregate, strings_of_many_groups_go_through_exchanges_in_batches_that_fit) {
  for (const std::uint32_t shards : {1u, 2u, 3u}) {
    Folder folder;
    JobOptions options = small_options();
    options.functions = last_text_catalogue();
    options.shards = shards;
    options.keyed_plan = KeyedPlan::kLocalMerge;
    options.ring_batches = 1;
    options.heap_bytes = options.record_bytes_max;  // room for two names of a batch of 1,024
    const Outcome outcome = run_sql(long_names(folder, 500, 2000), options);
    ASSERT_TRUE(outcome.ok()) << outcome.text();
    std::vector<std::string> expected;
    for (int key = 0; key < 500; ++key)
      expected.push_back("k" + std::to_string(key) + "," + std::string(2000, static_cast<char>('a' + key % 26)));
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(read_parts(folder.path("out")), expected);
    expect_closed(outcome.ledger);
  }
}

TEST(UserAggregate, a_heap_at_its_maximum_names_the_call_and_the_limit) {
  Folder folder;
  JobOptions options = small_options();
  options.functions = last_text_catalogue();
  options.state_bytes_max = 256 << 10;
  expect_error(run_sql(long_names(folder, 500, 2000), options), ErrorCode::kLimitExceeded,
               {"LAST_TEXT(`name`)", "hint: raise state_bytes_max (262144)"});
}

TEST(UserAggregate, that_depends_on_order_is_not_shuffled_and_explain_says_why) {
  Folder folder;
  const std::string in = folder.put("in.csv", "1,k,name\n");
  const std::string sql =
      csv_table("t", "s BIGINT, k STRING, name STRING, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts", in) +
      csv_table("o", "k STRING, name STRING", folder.path("out")) +
      "INSERT INTO o SELECT k, LAST_TEXT(name) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
      "GROUP BY k, window_start, window_end;";
  SqlOptions frontend;
  frontend.functions = last_text_catalogue();
  Result<JobPlan> plan = plan_sql(sql, frontend);
  ASSERT_TRUE(plan.has_value()) << plan.error().to_string();
  JobOptions options = small_options();
  options.shards = 2;
  options.keyed_plan = KeyedPlan::kShuffle;
  const Result<JobExplanation> explained = Job::explain(*plan, options);
  ASSERT_TRUE(explained.has_value()) << explained.error().to_string();
  EXPECT_THAT(explained->text,
              testing::HasSubstr("local then merge (shuffle was asked for, but LAST_TEXT depends on the "
                                 "order of rows, which an exchange of rows does not keep)"));
  EXPECT_THAT(explained->text, testing::HasSubstr("LAST_TEXT(`name`) keeps its values"));
}

/// SCORE: one of Weir's own under a name of the host.
AggregateDefinition score_as(const char* own) {
  const AggregateDefinitionPtr behind = find_aggregate(own);
  AggregateDefinition definition = *behind;
  definition.name = "score";
  definition.make = [behind](const AggregateCallInfo& call) {
    AggregateCallInfo named = call;
    named.name = behind->name;
    named.definition = nullptr;
    return behind->make(named);
  };
  return definition;
}

TEST(UserAggregate, of_two_engines_have_one_name_and_run_at_once) {
  Engine engines[2];
  ASSERT_TRUE(engines[0].functions().add_aggregate(score_as("BIT_AND")).has_value());
  ASSERT_TRUE(engines[1].functions().add_aggregate(score_as("BIT_OR")).has_value());
  Folder folder;
  std::string bytes[2];
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> expected;  // by key: and, or
  for (int line = 0; line < 4000; ++line) {
    const std::uint64_t draw = random_at(3, static_cast<std::uint64_t>(line));
    const std::string key = "k" + std::to_string(draw % 7);
    const auto value = static_cast<std::int64_t>(draw >> 8 & 0xFFFF) | 0x5000;
    bytes[line % 2] += key + "," + std::to_string(value) + "\n";
    auto& kept = expected.emplace(key, std::pair(value, value)).first->second;
    kept = {kept.first & value, kept.second | value};
  }
  for (int file = 0; file < 2; ++file) (void)folder.put("in/" + std::to_string(file) + ".csv", bytes[file]);
  for (int engine = 0; engine < 2; ++engine) {
    JobOptions options = small_options();
    options.shards = 2;
    const std::string sql = csv_table("t", "k STRING, v BIGINT", folder.path("in")) +
                            csv_table("o", "k STRING, v BIGINT", folder.path("out" + std::to_string(engine))) +
                            "INSERT INTO o SELECT k, Score(v) FROM t GROUP BY k;";
    const Result<Job*> job = engines[engine].create_job("scores", sql, std::move(options));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    ASSERT_TRUE((*job)->start().has_value());
  }
  for (int engine = 0; engine < 2; ++engine) {
    EXPECT_TRUE(engines[engine].wait().has_value());
    std::vector<std::string> rows;
    for (const auto& [key, kept] : expected)
      rows.push_back(key + "," + std::to_string(engine == 0 ? kept.first : kept.second));
    EXPECT_EQ(read_parts(folder.path("out" + std::to_string(engine))), rows);
  }
}

}  // namespace
}  // namespace weir::test
