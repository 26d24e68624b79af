// What a job does with bad input: each error with its code, what and where, and the ledger closed at the end.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/job_run.h"

namespace weir::test {
namespace {

namespace fs = std::filesystem;

std::string copy_job(const std::string& columns, const std::string& in, const std::string& out,
                     const std::string& more = {}) {
  return csv_table("t", columns, in, more) + csv_table("o", columns, out) + "INSERT INTO o SELECT * FROM t;";
}

std::string data_file(const std::string& name) {
  std::ifstream in(std::string(WEIR_SOURCE_DIR) + "/tests/data/" + name, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

std::string flights_job(const std::string& in, const std::string& out) {
  return csv_table("t", "ts_s BIGINT, delay_min INT, distance INT, origin STRING, destination STRING", in,
                   "'weir.csv.header' = 'true'") +
         csv_table("o", "origin STRING, delay_min INT", out) + "INSERT INTO o SELECT origin, delay_min FROM t;";
}

std::uint32_t crc32_of(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

/// A gzip member with one stored block (RFC 1952, RFC 1951 section 3.2.4).
std::string gzip_of(const std::string& bytes) {
  const auto put = [](std::string& out, std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
  };
  std::string out("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01", 11);
  put(out, static_cast<std::uint32_t>(bytes.size()), 2);
  put(out, ~static_cast<std::uint32_t>(bytes.size()), 2);
  out += bytes;
  put(out, crc32_of(bytes), 4);
  put(out, static_cast<std::uint32_t>(bytes.size()), 4);
  return out;
}

class InputErrors : public testing::TestWithParam<BackendKind> {
 protected:
  JobOptions options() const {
    JobOptions options = small_options();
    options.backend = GetParam();
    return options;
  }
  Folder folder_;
};

INSTANTIATE_TEST_SUITE_P(Backends, InputErrors, testing::Values(BackendKind::kAuto, BackendKind::kEpoll),
                         [](const auto& i) { return i.param == BackendKind::kAuto ? "best" : "epoll"; });

TEST_P(InputErrors, a_malformed_row_ends_the_job_with_its_place_and_what_to_do) {
  const std::string in = folder_.put("in.csv", "1,a\n2,b\nthree,c\n4,d\n");
  const Outcome outcome = run_sql(copy_job("v INT, k STRING", in, folder_.path("out")), options());
  expect_error(outcome, ErrorCode::kMalformedRecord,
               {"record 2 at byte 8", "column v", "three", in, "hint: ", "ignore-parse-errors"});
  EXPECT_EQ(outcome.ledger.malformed, 1u);
  EXPECT_EQ(outcome.ledger.malformed_samples.size(), 1u);
  EXPECT_TRUE(read_parts(folder_.path("out")).empty());
}

TEST_P(InputErrors, malformed_rows_are_counted_and_passed_over_where_the_table_ignores_them) {
  const std::string in = folder_.put("in.csv", "1,a\nx,b\n3,c\ny,d\n5,e\n6\n");
  const Outcome outcome =
      run_sql(copy_job("v INT, k STRING", in, folder_.path("out"), "'csv.ignore-parse-errors' = 'true'"), options());
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(read_parts(folder_.path("out")), (std::vector<std::string>{"1,a", "3,c", "5,e"}));
  EXPECT_EQ(outcome.ledger.records_read, 6u);
  EXPECT_EQ(outcome.ledger.malformed, 3u);
  EXPECT_EQ(outcome.ledger.dropped, 3u);
  EXPECT_EQ(outcome.ledger.rows_written, 3u);
  expect_closed(outcome.ledger);
}

TEST_P(InputErrors, malformed_max_is_the_number_that_a_job_bears) {
  const std::string in = folder_.put("in.csv", "x,a\n1,a\ny,b\n2,c\n");
  JobOptions two = options();
  two.malformed_max = 2;
  const Outcome bears = run_sql(copy_job("v INT, k STRING", in, folder_.path("out")), two);
  ASSERT_TRUE(bears.ok()) << bears.text();
  EXPECT_EQ(bears.ledger.malformed, 2u);
  JobOptions one = options();
  one.malformed_max = 1;
  const Outcome refuses = run_sql(copy_job("v INT, k STRING", in, folder_.path("out2")), one);
  expect_error(refuses, ErrorCode::kMalformedRecord, {"record 2"});
  EXPECT_EQ(refuses.ledger.malformed, 2u);
}

TEST_P(InputErrors, a_long_run_of_nothing_but_malformed_rows_ends) {
  std::string bytes;
  for (int i = 0; i < 2'000'000; ++i) bytes += "x\n";
  bytes += "7\n";
  const std::string in = folder_.put("in.csv", bytes);
  JobOptions lean = options();
  lean.batch_rows = 64;
  const Outcome outcome =
      run_sql(copy_job("v INT", in, folder_.path("out"), "'csv.ignore-parse-errors' = 'true'"), lean);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(outcome.ledger.malformed, 2'000'000u);
  EXPECT_EQ(outcome.ledger.rows_written, 1u);
}

TEST_P(InputErrors, a_zstd_file_that_was_cut_is_truncated_not_complete) {
  const std::string whole = data_file("flights_2001_01.csv.zst");
  const std::string in = folder_.put("cut.csv.zst", whole.substr(0, whole.size() / 2));
  const Outcome outcome = run_sql(flights_job(in, folder_.path("out")), options());
  expect_error(outcome, ErrorCode::kTruncated, {"cut.csv.zst", "byte"});
  EXPECT_GT(outcome.ledger.records_read, 0u);
  EXPECT_TRUE(fs::is_empty(folder_.path("out")) ||
              !fs::directory_iterator(folder_.path("out"))->path().filename().string().starts_with("part-"))
      << "a part stands under its final name though the job failed";
}

TEST_P(InputErrors, a_damaged_zstd_file_is_corrupt_and_the_byte_is_named) {
  std::string bytes = data_file("flights_2001_01.csv.zst");
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 64; ++i) bytes[i] = static_cast<char>(~bytes[i]);
  const std::string in = folder_.put("bad.csv.zst", bytes);
  const Outcome outcome = run_sql(flights_job(in, folder_.path("out")), options());
  expect_error(outcome, ErrorCode::kCorrupt, {"bad.csv.zst", "at byte"});
}

TEST_P(InputErrors, a_file_that_is_no_zstd_at_all_is_corrupt) {
  const std::string in = folder_.put("text.csv.zst", "1,2,3,AAA,BBB\n");
  expect_error(run_sql(flights_job(in, folder_.path("out")), options()), ErrorCode::kCorrupt, {"text.csv.zst"});
}

TEST_P(InputErrors, gzip_is_read_and_a_cut_or_damaged_one_is_named) {
  std::string rows;
  for (int i = 0; i < 3000; ++i) rows += std::to_string(i) + ",k\n";
  const std::string packed = gzip_of(rows);
  const std::string good = folder_.put("good.csv.gz", packed);
  const Outcome whole = run_sql(copy_job("v INT, k STRING", good, folder_.path("o1")), options());
  ASSERT_TRUE(whole.ok()) << whole.text();
  EXPECT_EQ(whole.ledger.rows_written, 3000u);
  for (const std::size_t left : {packed.size() - 1, packed.size() - 8, packed.size() / 2, std::size_t{12}}) {
    const std::string cut = folder_.put("cut.csv.gz", packed.substr(0, left));
    expect_error(run_sql(copy_job("v INT, k STRING", cut, folder_.path("o2")), options()), ErrorCode::kTruncated,
                 {"cut.csv.gz"});
  }
  std::string wrong = packed;
  wrong[wrong.size() - 6] = static_cast<char>(~wrong[wrong.size() - 6]);  // in the CRC
  expect_error(run_sql(copy_job("v INT, k STRING", folder_.put("bad.csv.gz", wrong), folder_.path("o3")), options()),
               ErrorCode::kCorrupt, {"bad.csv.gz"});
}

TEST_P(InputErrors, a_missing_file_an_empty_folder_and_a_file_as_a_sink_are_found_before_anything_runs) {
  const std::string missing = folder_.path("none.csv");
  const Outcome none = run_sql(copy_job("v INT", missing, folder_.path("out")), options());
  EXPECT_FALSE(none.made);
  expect_error(none, ErrorCode::kNotFound, {missing, "opening table t"});
  fs::create_directories(folder_.path("empty/.hidden"));
  expect_error(run_sql(copy_job("v INT", folder_.path("empty"), folder_.path("out")), options()), ErrorCode::kNotFound,
               {"holds no file", folder_.path("empty")});
  const std::string in = folder_.put("in.csv", "1\n");
  expect_error(run_sql(copy_job("v INT", in, in), options()), ErrorCode::kExists, {in, "is a file", "hint: "});
  expect_error(run_sql(copy_job("v INT", in, in + "/below"), options()), ErrorCode::kIo, {in + "/below"});
}

TEST_P(InputErrors, a_file_that_may_not_be_read_is_a_permission_error) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string in = folder_.put("in.csv", "1\n");
  ::chmod(in.c_str(), 0);
  expect_error(run_sql(copy_job("v INT", in, folder_.path("out")), options()), ErrorCode::kPermission, {in});
}

TEST_P(InputErrors, more_files_than_inputs_max_is_a_limit_that_names_itself) {
  for (int i = 0; i < 3; ++i) folder_.put("in/" + std::to_string(i) + ".csv", "1\n");
  expect_error(
      run_sql(copy_job("v INT", folder_.path("in"), folder_.path("out"), "'weir.inputs-max' = '2'"), options()),
      ErrorCode::kLimitExceeded, {"weir.inputs-max", "3 files", "is 2"});
}

TEST_P(InputErrors, an_empty_file_gives_no_rows_and_no_error) {
  const std::string in = folder_.put("in.csv", "");
  const Outcome outcome = run_sql(copy_job("v INT", in, folder_.path("out")), options());
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(outcome.ledger.records_read, 0u);
  expect_closed(outcome.ledger);
}

TEST_P(InputErrors, a_line_beyond_record_bytes_max_is_refused_or_counted_and_never_kept) {
  std::string bytes = "1,short\n2,";
  bytes.append(std::size_t{64} << 20, 'x');
  bytes += "\n3,short\n";
  const std::string in = folder_.put("in.csv", bytes);
  expect_error(run_sql(copy_job("v INT, k STRING", in, folder_.path("out")), options()), ErrorCode::kRecordTooLarge,
               {"record 1 at byte 8", "record_bytes_max"});
  const Outcome counted =
      run_sql(copy_job("v INT, k STRING", in, folder_.path("out2"), "'csv.ignore-parse-errors' = 'true'"), options());
  ASSERT_TRUE(counted.ok()) << counted.text();
  EXPECT_EQ(read_parts(folder_.path("out2")), (std::vector<std::string>{"1,short", "3,short"}));
  EXPECT_EQ(counted.ledger.malformed, 1u);
  expect_closed(counted.ledger);
}

TEST_P(InputErrors, invalid_utf8_is_a_bad_record) {
  const std::string in = folder_.put("in.csv", "1,gr\xc3\xbc\xc3\x9f\n2,\xff\xfe\n3,\xed\xa0\x80\n4,ok\n");
  expect_error(run_sql(copy_job("v INT, k STRING", in, folder_.path("out")), options()), ErrorCode::kInvalidUtf8,
               {"record 1", "column k"});
  const Outcome counted =
      run_sql(copy_job("v INT, k STRING", in, folder_.path("out2"), "'csv.ignore-parse-errors' = 'true'"), options());
  EXPECT_EQ(counted.ledger.malformed, 2u);
  EXPECT_EQ(read_parts(folder_.path("out2")), (std::vector<std::string>{"1,gr\xc3\xbc\xc3\x9f", "4,ok"}));
}

TEST_P(InputErrors, json_rows_of_the_wrong_shape_are_bad_records) {
  const std::string in = folder_.put("in.json",
                                     "{\"v\":1,\"k\":\"a\"}\n{\"v\":\"x\",\"k\":\"b\"}\n[1]\n{\"v\":2\n\n"
                                     "{\"v\":99999999999,\"k\":\"c\"}\n{\"v\":3,\"k\":\"d\",\"more\":[1,{}]}\n");
  const std::string sql = "CREATE TABLE t (v INT, k STRING) WITH ('connector'='filesystem','path'='" + in +
                          "','format'='json','json.ignore-parse-errors'='true');\n" +
                          csv_table("o", "v INT, k STRING", folder_.path("out")) + "INSERT INTO o SELECT v, k FROM t;";
  const Outcome outcome = run_sql(sql, options());
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(read_parts(folder_.path("out")), (std::vector<std::string>{"1,a", "3,d"}));
  EXPECT_EQ(outcome.ledger.malformed, 4u);
  expect_closed(outcome.ledger);
}

// ---- Values -----------------------------------------------------------------------------------------------------

TEST_P(InputErrors, NaN_and_infinity_are_values_in_aggregates) {
  const std::string in =
      folder_.put("in.csv", "0,a,1.5\n1,a,NaN\n2,a,2.5\n3,b,Infinity\n4,b,1\n5,c,-Infinity\n6,c,Infinity\n");
  const std::string sql =
      csv_table("t", "t BIGINT, k STRING, v DOUBLE, ts AS TO_TIMESTAMP_LTZ(t, 0), WATERMARK FOR ts AS ts", in) +
      csv_table("o", "k STRING, s DOUBLE, least DOUBLE, most DOUBLE, n BIGINT", folder_.path("out")) +
      "INSERT INTO o SELECT k, SUM(v), MIN(v), MAX(v), COUNT(v) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL "
      "'1' MINUTE)) GROUP BY k, window_start, window_end;";
  const Outcome outcome = run_sql(sql, options());
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  const std::vector<std::string> rows = read_parts(folder_.path("out"));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_TRUE(rows[0].starts_with("a,NaN,")) << rows[0];
  EXPECT_EQ(rows[1], "b,Infinity,1.0,Infinity,2");
  EXPECT_EQ(rows[2], "c,NaN,-Infinity,Infinity,2");
}

TEST_P(InputErrors, an_integer_sum_that_overflows_ends_the_job_and_names_key_and_column) {
  const std::string in = folder_.put("in.csv", "0,a,9223372036854775807\n1,a,1\n");
  const std::string sql =
      csv_table("t", "t BIGINT, k STRING, v BIGINT, ts AS TO_TIMESTAMP_LTZ(t, 0), WATERMARK FOR ts AS ts", in) +
      csv_table("o", "k STRING, total BIGINT", folder_.path("out")) +
      "INSERT INTO o SELECT k, SUM(v) AS total FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP "
      "BY k, window_start, window_end;";
  expect_error(run_sql(sql, options()), ErrorCode::kOverflow, {"BIGINT", "key (a)", "hint: "});
}

TEST_P(InputErrors, an_expression_that_overflows_or_divides_by_zero_closes_its_ledger) {
  const std::string in = folder_.put("in.csv", "1\n2\n2147483647\n0\n");
  const auto job = [&](const std::string& expression) {
    return csv_table("t", "v INT", in) + csv_table("o", "w INT", folder_.path("out")) + "INSERT INTO o SELECT " +
           expression + " FROM t;";
  };
  expect_error(run_sql(job("v + 1"), options()), ErrorCode::kOverflow, {"row"});
  expect_error(run_sql(job("10 / v"), options()), ErrorCode::kDivisionByZero, {"row"});
  expect_error(run_sql(csv_table("t", "v INT", in) + csv_table("o", "v INT", folder_.path("out")) +
                           "INSERT INTO o SELECT v FROM t WHERE 10 / v > 1;",
                       options()),
               ErrorCode::kDivisionByZero, {"filter"});
}

TEST_P(InputErrors, a_null_event_time_ends_the_job_and_is_counted) {
  const std::string in = folder_.put("in.csv", "0,a\n,b\n2,c\n");
  const std::string sql =
      csv_table("t", "t BIGINT, k STRING, ts AS TO_TIMESTAMP_LTZ(t, 0), WATERMARK FOR ts AS ts", in,
                "'csv.null-literal' = ''") +
      csv_table("o", "n BIGINT", folder_.path("out")) +
      "INSERT INTO o SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY "
      "window_start, window_end;";
  const Outcome outcome = run_sql(sql, options());
  expect_error(outcome, ErrorCode::kNullNotAllowed, {"event time", "row 1"});
  EXPECT_EQ(outcome.ledger.dropped, 1u);
}

}  // namespace
}  // namespace weir::test
