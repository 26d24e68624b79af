// Every limit has a defined answer, faults of disks and files are named, and mistakes in SQL are shown at their place.
#include <filesystem>
#include <functional>

#include "engine/job_run.h"

namespace weir::test {
namespace {

std::string window_job(const std::string& in, const std::string& out) {
  return csv_table("t", "s BIGINT, k STRING, v BIGINT, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts", in) +
         csv_table("o", "k STRING, s TIMESTAMP(3), n BIGINT", out) +
         "INSERT INTO o SELECT k, window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' "
         "SECOND)) GROUP BY k, window_start, window_end;";
}

std::string rows_of(int count, const std::function<std::string(int)>& row) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += row(i) + "\n";
  return bytes;
}

class Limits : public testing::TestWithParam<std::tuple<std::uint32_t, KeyedPlan>> {
 protected:
  JobOptions options() const {
    JobOptions options = small_options();
    options.shards = std::get<0>(GetParam());
    options.keyed_plan = std::get<1>(GetParam());
    return options;
  }
  Folder folder_;
};
INSTANTIATE_TEST_SUITE_P(Plans, Limits,
                         testing::Combine(testing::Values(1u, 3u),
                                          testing::Values(KeyedPlan::kLocalMerge, KeyedPlan::kShuffle)));

TEST_P(Limits, groups_max_names_itself_and_what_to_do) {
  const std::string in = folder_.put("in.csv", rows_of(5000, [](int i) { return "1,key" + std::to_string(i) + ",1"; }));
  JobOptions options = this->options();
  options.groups_max = 100;
  expect_error(run_sql(window_job(in, folder_.path("out")), options), ErrorCode::kLimitExceeded,
               {"groups_max = 100", "hint: raise groups_max"});
  EXPECT_TRUE(read_parts(folder_.path("none")).empty());
}

TEST_P(Limits, exactly_groups_max_keys_are_not_too_many) {
  const std::string in =
      folder_.put("in.csv", rows_of(1000, [](int i) { return "1,key" + std::to_string(i % 100) + ",1"; }));
  JobOptions options = this->options();
  options.groups_max = 100;
  const Outcome outcome = run_sql(window_job(in, folder_.path("out")), options);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(outcome.ledger.rows_written, 100u);
  expect_closed(outcome.ledger);
}

TEST_P(Limits, slices_max_names_itself_and_what_to_do) {
  // The watermark lags so far behind that every slice stays open.
  const std::string in = folder_.put("in.csv", rows_of(200, [](int i) { return std::to_string(10 * i) + ",k,1"; }));
  std::string sql = window_job(in, folder_.path("out"));
  const std::string plain = "WATERMARK FOR ts AS ts";
  sql.replace(sql.find(plain), plain.size(), "WATERMARK FOR ts AS ts - INTERVAL '1' DAY");
  JobOptions options = this->options();
  options.slices_max = 20;
  expect_error(run_sql(sql, options), ErrorCode::kLimitExceeded, {"slices_max = 20", "hint: raise slices_max"});
  options.slices_max = 200;
  const Outcome fits = run_sql(sql, options);
  EXPECT_TRUE(fits.ok()) << fits.text();
}

TEST_P(Limits, state_bytes_max_names_itself) {
  const std::string in =
      folder_.put("in.csv", rows_of(20'000, [](int i) { return "1,a key that is long " + std::to_string(i) + ",1"; }));
  JobOptions options = this->options();
  options.state_bytes_max = 64u << 10;
  expect_error(run_sql(window_job(in, folder_.path("out")), options), ErrorCode::kLimitExceeded,
               {"state_bytes_max", "hint: "});
}

TEST_P(Limits, strings_beyond_heap_bytes_never_lose_a_row) {
  // Each string is nearly a whole heap: batches of one row at a time must come through every exchange.
  const std::string in = folder_.put(
      "in.csv", rows_of(300, [](int i) { return std::to_string(i) + "," + std::string(3000, 'x') + "," + "1"; }));
  JobOptions options = this->options();
  options.heap_bytes = 4096;
  const Outcome outcome = run_sql(window_job(in, folder_.path("out")), options);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(outcome.ledger.rows_written, 30u);
  EXPECT_EQ(outcome.ledger.records_read, 300u);
  expect_closed(outcome.ledger);
  options.heap_bytes = 1024;
  expect_error(run_sql(window_job(in, folder_.path("out")), options), ErrorCode::kInvalidArgument,
               {"heap_bytes", "record_bytes_max (4096)"});
}

TEST_P(Limits, fail_on_drop_names_how_many) {
  const std::string in = folder_.put("in.csv", "0,a,1\n100,a,1\n5,a,1\n6,a,1\n200,a,1\n7,a,1\n");
  JobOptions options = this->options();
  const Outcome lenient = run_sql(window_job(in, folder_.path("out")), options);
  ASSERT_TRUE(lenient.ok()) << lenient.text();
  EXPECT_EQ(lenient.ledger.late, 3u);
  options.fail_on_drop = true;
  const Outcome strict = run_sql(window_job(in, folder_.path("out2")), options);
  expect_error(strict, ErrorCode::kLossPolicy, {"3 rows were dropped", "hint: "});
  EXPECT_EQ(strict.ledger.late, 3u);
  ASSERT_TRUE(strict.ledger.late_first.has_value() && strict.ledger.late_last.has_value());
  EXPECT_EQ(strict.ledger.late_first->event_time, 5'000'000'000);
  EXPECT_EQ(strict.ledger.late_last->event_time, 7'000'000'000);
}

TEST_P(Limits, rows_of_a_whole_ring_of_one_credit_go_through) {
  const std::string in = folder_.put(
      "in.csv", rows_of(20'000, [](int i) { return std::to_string(i / 100) + ",k" + std::to_string(i % 50) + ",1"; }));
  JobOptions options = this->options();
  options.ring_batches = 1;
  options.batch_rows = 3;
  const Outcome outcome = run_sql(window_job(in, folder_.path("out")), options);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(outcome.ledger.rows_written, 50u * 20);
  expect_closed(outcome.ledger);
}

TEST(JobOptionLimits, every_option_out_of_range_names_itself) {
  Folder folder;
  const std::string sql = window_job(folder.put("in.csv", "1,a,1\n"), folder.path("out"));
  const std::vector<std::pair<std::string, std::function<void(JobOptions&)>>> wrong = {
      {"shards must be 1 to 64, not 0", [](JobOptions& o) { o.shards = 0; }},
      {"shards must be 1 to 64, not 65", [](JobOptions& o) { o.shards = 65; }},
      {"batch_rows must be 1 to 65536, not 0", [](JobOptions& o) { o.batch_rows = 0; }},
      {"batch_rows must be 1 to 65536, not 65537", [](JobOptions& o) { o.batch_rows = 65537; }},
      {"ring_batches must be 1 to 1024, not 0", [](JobOptions& o) { o.ring_batches = 0; }},
      {"ring_batches must be 1 to 1024, not 1025", [](JobOptions& o) { o.ring_batches = 1025; }},
      {"record_bytes_max", [](JobOptions& o) { o.record_bytes_max = 1; }},
      {"groups_max must be", [](JobOptions& o) { o.groups_max = 0; }},
      {"slices_max must be", [](JobOptions& o) { o.slices_max = 0; }},
      {"slices_max must be", [](JobOptions& o) { o.slices_max = 1u << 31; }},
      {"state_bytes_max must be", [](JobOptions& o) { o.state_bytes_max = 0; }},
      {"cpus must be", [](JobOptions& o) { o.shards = 2, o.cpus = {0}; }},
      {"cpus must name CPUs from 0 on, not -7", [](JobOptions& o) { o.pin = true, o.cpus = {-7}; }},
      {"no CPU", [](JobOptions& o) { o.pin = true, o.cpus = {100'000}; }},
  };
  for (const auto& [text, set] : wrong) {
    SCOPED_TRACE(text);
    JobOptions options = small_options();
    set(options);
    expect_error(run_sql(sql, options), ErrorCode::kInvalidArgument, {text});
  }
}

// ---- SQL --------------------------------------------------------------------------------------------------------

TEST(SqlErrors, each_mistake_is_shown_at_its_place_with_what_there_is) {
  Folder folder;
  const std::string in = folder.put("in.csv", "1,a\n");
  const std::string good = csv_table("t", "v INT, k STRING", in);
  const std::string sink = csv_table("o", "v INT", folder.path("out"));
  const struct {
    std::string sql;
    ErrorCode code;
    std::vector<std::string> parts;
  } cases[] = {
      {good + sink + "INSERT INTO o SELECT w FROM t;", ErrorCode::kSqlUnknownName, {"job.sql:3:22", "^", "w"}},
      {good + sink + "INSERT INTO o SELECT v FROM tt;", ErrorCode::kSqlUnknownName, {"job.sql:3:", "^", "tt"}},
      {good + sink + "INSERT INTO o SELECT ABSS(v) FROM t;", ErrorCode::kSqlUnknownName, {"ABSS", "^", "ABS"}},
      {good + sink + "INSERT INTO o SELEC v FROM t;", ErrorCode::kSqlSyntax, {"job.sql:3:15", "^"}},
      {good + sink + "INSERT INTO o SELECT k FROM t;", ErrorCode::kSqlType, {"^", "STRING"}},
      {good + sink + "INSERT INTO o SELECT v + 'x' FROM t;", ErrorCode{}, {"^"}},
      {csv_table("t", "v INT", in, "'pth' = 'x'") + sink + "INSERT INTO o SELECT v FROM t;",
       ErrorCode::kSqlUnknownOption,
       {"job.sql:1:", "^", "pth", "did you mean 'path'"}},
      {csv_table("t", "v INT", in, "'csv.field-delimitr' = ';'") + sink + "INSERT INTO o SELECT v FROM t;",
       ErrorCode::kSqlUnknownOption,
       {"^", "csv.field-delimiter"}},
      {csv_table("t", "v INT", in, "'weir.inputs-max' = '0'") + sink + "INSERT INTO o SELECT v FROM t;",
       ErrorCode::kSqlInvalidOption,
       {"weir.inputs-max", "1 to 1024", "'0'"}},
      {"CREATE TABLE t (v INT) WITH ('connector' = 'filesytem', 'path' = 'x', 'format' = 'csv');\n" + sink +
           "INSERT INTO o SELECT v FROM t;",
       ErrorCode::kSqlUnknownConnector,
       {"^", "filesytem", "did you mean 'filesystem'"}},
      {"CREATE TABLE t (v INT) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'cvs');\n" + sink +
           "INSERT INTO o SELECT v FROM t;",
       ErrorCode::kSqlUnknownConnector,
       {"^", "cvs", "csv"}},
      {"CREATE TABLE t (v INT);\n" + sink + "INSERT INTO o SELECT v FROM t;",
       ErrorCode::kSqlUnknownConnector,
       {"connector", "hint"}},
      {good + sink, ErrorCode::kSqlSemantic, {"no query", "hint: ", "INSERT INTO"}},
      {good, ErrorCode::kSqlSemantic, {"no query"}},
      {"", ErrorCode::kSqlSemantic, {"no query"}},
      {good + "CREATE TABLE b (v INT) WITH ('connector' = 'blackhole');\nINSERT INTO t SELECT v, 'x' FROM b;",
       ErrorCode{},
       {"b", "sink only"}},
      {good + "CREATE TABLE g (v INT) WITH ('connector' = 'datagen');\nINSERT INTO g SELECT v FROM t;",
       ErrorCode::kSqlSemantic,
       {"g", "source only"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.sql);
    const Outcome outcome = run_sql(c.sql, small_options());
    EXPECT_FALSE(outcome.made);
    expect_error(outcome, c.code == ErrorCode{} ? outcome.code() : c.code, c.parts);
  }
}

// ---- Faults of a simulated disk ---------------------------------------------------------------------------------

class Faults : public testing::Test {
 protected:
  Outcome run(const std::string& sql, const std::function<void(std::uint64_t)>& between = nullptr) {
    JobOptions options = small_options();
    options.world = &world_;
    options.record_bytes_max = 64u << 10;
    auto job = make_job(sql, std::move(options));
    if (!job.has_value()) {
      Outcome outcome;
      outcome.ended = true;
      outcome.error.emplace(std::move(job).error());
      return outcome;
    }
    return finish(**job, false, 300'000, between);
  }
  std::string copy() const {
    return csv_table("t", "v INT, k STRING", "/in/a.csv") +
           csv_table("o", "v INT, k STRING", "/out", "'sink.full-disk-timeout' = '0 s'") +
           "INSERT INTO o SELECT v, k FROM t;";
  }
  ManualClock clock_;
  SimWorld world_{clock_, 3};
};

TEST_F(Faults, a_full_disk_ends_the_job_and_says_so) {
  world_.write_file("/in/a.csv", rows_of(200'000, [](int i) { return std::to_string(i) + ",some text"; }));
  SimFaults faults;
  faults.disk_bytes_max = 1'000'000;
  world_.set_faults(faults);
  expect_error(run(copy()), ErrorCode::kDiskFull, {"/out/.part-0-0-0.csv.inprogress", "after 1000000 bytes"});
}

TEST_F(Faults, a_disk_that_is_full_at_the_last_byte_does_not_leave_a_finished_job) {
  world_.write_file("/in/a.csv", "1,a\n2,b\n");
  SimFaults faults;
  faults.disk_bytes_max = 7;
  world_.set_faults(faults);
  expect_error(run(copy()), ErrorCode::kDiskFull, {"/out/.part-0-0-0.csv.inprogress", "after 7 bytes"});
}

TEST_F(Faults, a_file_that_vanishes_between_looking_and_opening_is_named) {
  world_.write_file("/in/a.csv", "1,a\n");
  SimFaults faults;
  faults.file_vanishes = 1;
  world_.set_faults(faults);
  expect_error(run(copy()), ErrorCode::kNotFound, {"/in/a.csv"});
}

TEST_F(Faults, a_file_that_gets_shorter_while_it_is_read_is_truncated) {
  world_.write_file("/in/a.csv", rows_of(400'000, [](int i) { return std::to_string(i) + ",some text"; }));
  const Outcome outcome = run(copy(), [&](std::uint64_t round) {
    if (round == 20) world_.truncate_file("/in/a.csv", 2'000'000);
  });
  expect_error(outcome, ErrorCode::kTruncated, {"/in/a.csv", "shorter", "at byte 2000000"});
}

TEST_F(Faults, an_input_error_names_the_file_and_the_byte) {
  world_.write_file("/in/a.csv", "1,a\n");
  SimFaults faults;
  faults.read_error = 1;
  world_.set_faults(faults);
  expect_error(run(copy()), ErrorCode::kIo, {"cannot read /in/a.csv", "byte 0"});
}

TEST(FaultsOfManySeeds, a_read_error_behind_a_short_read_ends_the_job_too) {
  // The error comes to a buffer that holds bytes already: they are given, and then the error, not a pause without end.
  int failed = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    ManualClock clock;
    SimWorld world(clock, seed);
    world.write_file("/in/a.csv", rows_of(2000, [](int i) { return std::to_string(i) + ",some text"; }));
    SimFaults faults;
    faults.short_read = 0.9;
    faults.read_error = 0.2;
    world.set_faults(faults);
    JobOptions options = small_options();
    options.world = &world;
    const Outcome outcome = run_sql(csv_table("t", "v INT, k STRING", "/in/a.csv") +
                                        csv_table("o", "v INT, k STRING", "/out", "'sink.full-disk-timeout' = '0 s'") +
                                        "INSERT INTO o SELECT v, k FROM t;",
                                    options, 300'000);
    SCOPED_TRACE(seed);
    if (outcome.ok()) {
      EXPECT_EQ(outcome.ledger.records_read, 2000u);
    } else {
      expect_error(outcome, ErrorCode::kIo, {"cannot read /in/a.csv", "at byte"});
      ++failed;
    }
  }
  EXPECT_GT(failed, 20);
}

TEST_F(Faults, a_write_error_names_the_part) {
  world_.write_file("/in/a.csv", "1,a\n");
  SimFaults faults;
  faults.write_error = 1;
  world_.set_faults(faults);
  expect_error(run(copy()), ErrorCode::kIo, {"cannot write /out/.part-0-0-0.csv.inprogress"});
}

TEST_F(Faults, a_purely_simulated_sink_makes_no_folder_on_the_host) {
  Folder folder;
  world_.write_file("/in/a.csv", "1,a\n");
  const std::string sql = csv_table("t", "v INT, k STRING", "/in/a.csv") +
                          csv_table("o", "v INT, k STRING", folder.path("simulated")) +
                          "INSERT INTO o SELECT v, k FROM t;";
  const Outcome outcome = run(sql);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_FALSE(std::filesystem::exists(folder.path("simulated")));
}

}  // namespace
}  // namespace weir::test
