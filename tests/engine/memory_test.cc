// What explain promises is what a job takes: measured in a process of its own; and no line is too long for a bound.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "engine/allocation_count.h"
#include "engine/job_run.h"
#include "weir/pipeline/sql.h"

namespace weir::test {
namespace {

/// The most memory that this process has had, in bytes (VmHWM).
std::size_t memory_high_water() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

/// Brings the program and its libraries into memory: their pages are not the job's, and come at their first use.
void read_program_in() {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  std::ifstream maps("/proc/self/maps");
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> ranges;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::string range, rights, offset, device, inode, path;
    fields >> range >> rights >> offset >> device >> inode >> path;
    if (rights[0] != 'r' || !path.starts_with('/')) continue;
    const std::size_t dash = range.find('-');
    ranges.emplace_back(std::stoull(range.substr(0, dash), nullptr, 16),
                        std::stoull(range.substr(dash + 1), nullptr, 16));
  }
  for (const auto& [begin, end] : ranges)
    for (std::uintptr_t at = begin; at < end; at += page) (void)*reinterpret_cast<const volatile char*>(at);
}

struct Measured {
  std::uint64_t grown = 0, bound = 0, rows = 0;
  bool ok = false;
};

/// Runs the job in a child and measures how far its high-water mark rises over where it stood.
Measured measure(const std::string& sql, const JobOptions& options) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    Measured out;
    read_program_in();
    std::ofstream("/proc/self/clear_refs") << "5";  // the mark starts at what there is now
    const std::size_t before = memory_high_water();
    auto plan = plan_sql(sql, {}, nullptr);
    if (plan.has_value()) {
      auto explanation = Job::explain(*plan, options);
      if (explanation.has_value()) out.bound = explanation->memory_bytes_max;
    }
    const Outcome outcome = run_sql(sql, options);
    out.grown = memory_high_water() - before;
    out.rows = outcome.ledger.rows_written;
    out.ok = outcome.ok() && plan.has_value();
    (void)!::write(ends[1], &out, sizeof out);
    ::_exit(0);
  }
  Measured out;
  ::close(ends[1]);
  EXPECT_EQ(::read(ends[0], &out, sizeof out), static_cast<ssize_t>(sizeof out));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return out;
}

class Memory : public testing::TestWithParam<std::tuple<std::uint32_t, KeyedPlan>> {};
INSTANTIATE_TEST_SUITE_P(Plans, Memory,
                         testing::Combine(testing::Values(1u, 2u, 4u),
                                          testing::Values(KeyedPlan::kLocalMerge, KeyedPlan::kShuffle)));

TEST_P(Memory, the_bound_of_explain_holds_for_the_flights) {
  if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer takes memory of its own";
  Folder folder;
  const std::string sql =
      csv_table("flights",
                "ts_s BIGINT, delay_min INT, distance INT, origin STRING, destination STRING, ts AS "
                "TO_TIMESTAMP_LTZ(ts_s, 0), WATERMARK FOR ts AS ts - INTERVAL '5' MINUTE",
                std::string(WEIR_SOURCE_DIR) + "/tests/data/flights_2001_01.csv.zst", "'weir.csv.header' = 'true'") +
      csv_table("hourly", "origin STRING, s TIMESTAMP(3), n BIGINT, total BIGINT", folder.path("out")) +
      "INSERT INTO hourly SELECT origin, window_start, COUNT(*), SUM(delay_min) FROM TABLE(TUMBLE(TABLE flights, "
      "DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY origin, window_start, window_end;";
  JobOptions options = small_options();
  options.record_bytes_max = 64u << 10;
  options.shards = std::get<0>(GetParam());
  options.keyed_plan = std::get<1>(GetParam());
  const Measured measured = measure(sql, options);
  ASSERT_TRUE(measured.ok);
  EXPECT_GT(measured.rows, 1000u);
  EXPECT_GT(measured.grown, 0u);
  EXPECT_LE(measured.grown, measured.bound);
  RecordProperty("grown_bytes", std::to_string(measured.grown));
  RecordProperty("bound_bytes", std::to_string(measured.bound));
}

TEST_P(Memory, the_bound_of_explain_holds_with_as_many_groups_as_the_state_can_take) {
  if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer takes memory of its own";
  const std::string sql =
      "CREATE TABLE g (id BIGINT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', "
      "'rows-per-second' = '0', 'number-of-rows' = '300000', 'fields.id.kind' = 'sequence', 'fields.ts.kind' = "
      "'sequence');\nCREATE TABLE o (id BIGINT, n BIGINT, total BIGINT) WITH ('connector' = 'blackhole');\n"
      "INSERT INTO o SELECT id, COUNT(*), SUM(v / 1000000) FROM TABLE(TUMBLE(TABLE g, DESCRIPTOR(ts), INTERVAL '1' "
      "DAY)) GROUP BY id, window_start, window_end;";
  JobOptions options = small_options();
  options.shards = std::get<0>(GetParam());
  options.keyed_plan = std::get<1>(GetParam());
  const Measured measured = measure(sql, options);
  ASSERT_TRUE(measured.ok);
  EXPECT_EQ(measured.rows, 300'000u);
  EXPECT_GT(measured.grown, 8u << 20) << "the state was not measured";
  EXPECT_LE(measured.grown, measured.bound);
  RecordProperty("grown_bytes", std::to_string(measured.grown));
  RecordProperty("bound_bytes", std::to_string(measured.bound));
}

#ifdef WEIR_PROGRAM

struct Ended {
  int code = -1;
  std::size_t memory = 0;
  std::string messages;
};

/// A shell line with $WEIR as the program. The children's greatest memory comes with its end.
Ended shell(const std::string& line, const Folder& folder) {
  const std::string messages = folder.path("messages");
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("WEIR", WEIR_PROGRAM, 1);
    ::setenv("MESSAGES", messages.c_str(), 1);
    ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    ::_exit(127);
  }
  Ended ended;
  int status = 0;
  rusage used{};
  ::wait4(child, &status, 0, &used);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  ended.memory = static_cast<std::size_t>(used.ru_maxrss) * 1024;
  std::ifstream in(messages);
  std::ostringstream text;
  text << in.rdbuf();
  ended.messages = text.str();
  return ended;
}

std::string copy_stdin(const std::string& more) {
  return "CREATE TABLE t (v STRING) WITH ('connector'='filesystem','path'='-','format'='csv'" + more +
         "); CREATE TABLE o (v STRING) WITH ('connector'='filesystem','path'='-','format'='csv'); INSERT INTO o "
         "SELECT v FROM t;";
}

TEST(Program, reads_over_a_line_of_half_a_gigabyte_in_bounded_memory) {
  if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer takes memory of its own";
  Folder folder;
  const std::size_t before = memory_high_water();  // a child starts with its parent's mark
  const Ended ended =
      shell("{ echo first; head -c 512M /dev/zero | tr '\\0' x; echo; echo last; } | \"$WEIR\" run -e \"" +
                copy_stdin(",'csv.ignore-parse-errors'='true'") + "\" >" + folder.path("rows") + " 2>\"$MESSAGES\"",
            folder);
  EXPECT_EQ(ended.code, 0) << ended.messages;
  EXPECT_NE(ended.messages.find("malformed 1"), std::string::npos) << ended.messages;
  std::ifstream rows(folder.path("rows"));
  std::ostringstream text;
  text << rows.rdbuf();
  EXPECT_EQ(text.str(), "first\nlast\n");
  EXPECT_LT(ended.memory, std::max<std::size_t>(before, 192u << 20)) << "the line was kept";
}

TEST(Program, says_that_the_disk_is_full_where_standard_output_is) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "there is no /dev/full";
  Folder folder;
  const Ended ended =
      shell("printf 'a\\nb\\n' | \"$WEIR\" run -e \"" + copy_stdin("") + "\" >/dev/full 2>\"$MESSAGES\"", folder);
  EXPECT_EQ(ended.code, 74) << ended.messages;
  EXPECT_NE(ended.messages.find("DiskFull"), std::string::npos) << ended.messages;
  EXPECT_NE(ended.messages.find("ledger: closed"), std::string::npos) << ended.messages;
}

TEST(Program, names_a_broken_pipe_where_its_reader_has_gone) {
  Folder folder;
  const Ended ended = shell("{ yes 0123456789 | head -c 20M | \"$WEIR\" run -e \"" + copy_stdin("") +
                                "\" 2>\"$MESSAGES\"; echo $? >" + folder.path("code") + "; } | head -n 1 >/dev/null",
                            folder);
  EXPECT_EQ(ended.code, 0);
  std::ifstream code(folder.path("code"));
  int number = -1;
  code >> number;
  EXPECT_EQ(number, 74) << ended.messages;
  EXPECT_NE(ended.messages.find("BrokenPipe"), std::string::npos) << ended.messages;
  EXPECT_NE(ended.messages.find("ledger: closed"), std::string::npos) << ended.messages;
}

TEST(Program, one_interrupt_ends_a_run_whose_input_never_pauses) {
  Folder folder;
  const Ended ended =
      shell("cd " + folder.path() + " && mkfifo in out && { yes 0123456789 >in & } && { \"$WEIR\" run -e \"" +
                copy_stdin("") +
                "\" <in >out 2>\"$MESSAGES\" & } && weir=$! && { head -c 1000000 >rows; kill -INT "
                "$weir; cat >/dev/null; } <out; wait $weir",
            folder);
  EXPECT_EQ(ended.code, 0) << ended.messages;
  EXPECT_NE(ended.messages.find("ledger: closed"), std::string::npos) << ended.messages;
}

#endif

}  // namespace
}  // namespace weir::test
