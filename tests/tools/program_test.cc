// The program `weir` as a process: what it prints where, its exit codes and its signals.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "command_line.h"

namespace weir::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A running program. Its standard streams are those given, or closed: -1.
class Process {
 public:
  Process(std::vector<std::string> arguments, int in, int out, int err) {
    arguments.insert(arguments.begin(), WEIR_PROGRAM);
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    const int streams[] = {in, out, err};
    for (int stream = 0; stream < 3; ++stream) {
      if (streams[stream] < 0)
        close(stream);
      else
        dup2(streams[stream], stream);
    }
    execv(WEIR_PROGRAM, raw.data());
    _exit(127);
  }
  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const { kill(pid_, signal); }
  /// The exit code, or 1000 + the signal that ended it.
  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read() {
    if (read_end >= 0) close(std::exchange(read_end, -1));
  }
  void close_write() {
    if (write_end >= 0) close(std::exchange(write_end, -1));
  }
  /// Reads until `part` has come, or the end.
  std::string read_until(std::string_view part) const {
    std::string text;
    char byte = 0;
    while (text.find(part) == std::string::npos && read(read_end, &byte, 1) == 1) text += byte;
    return text;
  }
};

struct Outcome {
  int code = -1;
  std::string out, err;
};

class Program : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = testing::TempDir() + "weir_program_" + info->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  Outcome weir(std::vector<std::string> arguments, const std::string& input = "") const {
    const std::string in_path = put("stdin", input), out_path = folder_ + "/stdout", err_path = folder_ + "/stderr";
    const int in = open(in_path.c_str(), O_RDONLY | O_CLOEXEC);
    const int out = open(out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const int err = open(err_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    Process process(std::move(arguments), in, out, err);
    Outcome outcome;
    outcome.code = process.wait();
    for (const int file : {in, out, err}) close(file);
    outcome.out = read_file(out_path);
    outcome.err = read_file(err_path);
    return outcome;
  }
  /// A job that copies the rows of `rows`, a table (a INT, b STRING), that pass `where` to standard output.
  std::string copy_job(const std::string& rows, const std::string& where = "TRUE") const {
    const std::string path = put("rows.csv", rows);
    return "CREATE TABLE r (a INT, b STRING) WITH ('connector'='filesystem', 'path'='" + path +
           "', 'format'='csv');\n"
           "CREATE TABLE o (a INT, b STRING) WITH ('connector'='filesystem', 'path'='-', 'format'='csv');\n"
           "INSERT INTO o SELECT a, b FROM r WHERE " +
           where + ";\n";
  }
  /// A job that drops two of five rows as late: minutes of event time, a watermark without delay.
  std::string late_job() const {
    const std::string path = put("events.csv", "0\n70\n10\n130\n20\n");
    return "CREATE TABLE e (s BIGINT, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts)"
           " WITH ('connector'='filesystem', 'path'='" +
           path +
           "', 'format'='csv');\n"
           "CREATE TABLE o (w TIMESTAMP(3), n BIGINT)"
           " WITH ('connector'='filesystem', 'path'='-', 'format'='csv');\n"
           "INSERT INTO o SELECT window_start, COUNT(*)"
           " FROM TABLE(TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;\n";
  }
  static constexpr const char* kEndless =
      "CREATE TABLE g (a BIGINT) WITH ('connector'='datagen', 'rows-per-second'='0');\n"
      "CREATE TABLE o (a BIGINT) WITH ('connector'='filesystem', 'path'='-', 'format'='csv');\n"
      "INSERT INTO o SELECT a FROM g;\n";

  /// A listening source that nobody talks to never ends by itself.
  static constexpr const char* kListening =
      "CREATE TABLE e (s BIGINT) WITH ('connector'='tcp','listen'='127.0.0.1:0','format'='csv');\n"
      "CREATE TABLE o (s BIGINT) WITH ('connector'='filesystem','path'='-','format'='csv');\n"
      "INSERT INTO o SELECT s FROM e;\n";

  std::string folder_;
};

TEST_F(Program, PrintsItsVersionInWordsAndInJson) {
  const Outcome words = weir({"version"});
  EXPECT_EQ(words.code, kExitOk);
  EXPECT_THAT(words.out, StartsWith("weir "));
  const Outcome json = weir({"version", "--json"});
  EXPECT_THAT(json.out, StartsWith("{\"version\":1,\"event\":\"version\""));
}

TEST_F(Program, SendsHelpToStandardOutputAndUsageErrorsToStandardError) {
  const Outcome help = weir({"--help"});
  EXPECT_EQ(help.code, kExitOk);
  EXPECT_THAT(help.out, HasSubstr("doctor"));
  const Outcome wrong = weir({"run"});
  EXPECT_EQ(wrong.code, kExitUsage);
  EXPECT_THAT(wrong.out, IsEmpty());
  EXPECT_THAT(wrong.err, HasSubstr("--help"));
}

TEST_F(Program, HandsBenchOverToTheProgramBesideIt) {
  const bool built = std::filesystem::exists(std::filesystem::path(WEIR_PROGRAM).parent_path() / "weir-bench");
  const Outcome outcome = weir({"bench", "--help"});
  EXPECT_EQ(outcome.code, built ? 0 : kExitUnavailable);
  if (built)
    EXPECT_THAT(outcome.out, HasSubstr("--smoke"));
  else
    EXPECT_THAT(outcome.err, HasSubstr("WEIR_BUILD_BENCH"));
}

TEST_F(Program, RunsAJobFromAFileFromStandardInputAndFromTheCommandLine) {
  const std::string sql = copy_job("1,x\n2,y\n3,z\n", "a <> 2");
  const std::string file = put("job.sql", sql);
  for (const Outcome& outcome : {weir({"run", file}), weir({"run", "-"}, sql), weir({"run", "-e", sql})}) {
    EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
    EXPECT_EQ(outcome.out, "1,x\n3,z\n");
    EXPECT_THAT(outcome.err, HasSubstr("3 records in"));
    EXPECT_THAT(outcome.err, HasSubstr("filtered 1"));
    EXPECT_THAT(outcome.err, HasSubstr("ledger: closed"));
  }
}

TEST_F(Program, IsSilentButForRowsWhenQuiet) {
  const Outcome outcome = weir({"run", "-q", "-e", copy_job("1,x\n")});
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_EQ(outcome.out, "1,x\n");
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST_F(Program, GivesItsSummaryAsOneLineOfJson) {
  const Outcome outcome = weir({"run", "--json", "-e", copy_job("1,x\n2,y\n")});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(outcome.out, "1,x\n2,y\n");
  EXPECT_THAT(outcome.err, HasSubstr("{\"version\":1,\"event\":\"summary\",\"seconds\":"));
  EXPECT_THAT(outcome.err, HasSubstr("\"records_in\":2,\"bytes_in\":8,\"rows_out\":2,"));
  std::istringstream lines(outcome.err);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(line.front(), '{');
    EXPECT_EQ(line.back(), '}');
  }
}

TEST_F(Program, ShowsWhatAFeedMissedAndPassedOverInItsSummaryItsLedgerAndItsJson) {
  // Two copies of a capture that lacks a message are two inputs of one table.
  std::filesystem::create_directories(folder_ + "/feed");
  for (const char* name : {"/feed/a.pcap", "/feed/b.pcap"})
    std::filesystem::copy_file(WEIR_SOURCE_DIR "/tests/data/orders.pcap", folder_ + name);
  const std::string job = "CREATE TABLE feed (message_type STRING) WITH ('connector' = 'filesystem', 'path' = '" +
                          folder_ +
                          "/feed', 'format' = 'itch', 'itch.framing' = 'pcap', 'itch.ignore-parse-errors' = 'true');"
                          "CREATE TABLE o (t STRING) WITH ('connector' = 'blackhole');"
                          "INSERT INTO o SELECT message_type FROM feed;";
  const Outcome run = weir({"run", "-e", job});
  EXPECT_EQ(run.code, kExitOk) << run.err;
  EXPECT_THAT(run.err,
              HasSubstr("\nfeed: sequence gaps 2, messages missing in gaps 2, messages that had come already"));
  const Outcome audit = weir({"audit", "-e", job});
  EXPECT_THAT(audit.err, HasSubstr("feed: messages missing in gaps 2\n"));
  const Outcome json = weir({"run", "--json", "-e", job});
  EXPECT_THAT(json.err, HasSubstr(R"({"table":"feed","what":"messages missing in gaps","count":2})"));
}

TEST_F(Program, AuditPrintsWhereEveryRowWent) {
  const Outcome outcome = weir({"audit", "-e", late_job()});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("late 2"));
  EXPECT_THAT(outcome.err, HasSubstr("rows in"));
  EXPECT_THAT(outcome.err, HasSubstr("first late row: event time 1970-01-01 00:00:10.000"));
  EXPECT_THAT(outcome.err, HasSubstr("last late row: event time 1970-01-01 00:00:20.000"));
}

TEST_F(Program, EndsWithFourWhereRowsAreDroppedAndTheJobSaysThatNoneMayBe) {
  EXPECT_EQ(weir({"run", "-e", late_job()}).code, kExitOk);
  const Outcome strict = weir({"run", "--fail-on-drop", "-e", late_job()});
  EXPECT_EQ(strict.code, kExitLoss) << strict.err;
}

TEST_F(Program, ShowsWhatStandsBehindExplainAndDoesNotRunIt) {
  std::string sql = late_job();
  const std::size_t insert = sql.find("INSERT");
  const std::string tables = sql.substr(0, insert), query = sql.substr(insert);
  const Outcome alone = weir({"run", "-e", tables + "EXPLAIN " + query});
  EXPECT_EQ(alone.code, kExitOk) << alone.err;
  EXPECT_THAT(alone.out, HasSubstr("query 1"));
  EXPECT_THAT(alone.out, HasSubstr("aggregate"));
  EXPECT_THAT(alone.out, Not(HasSubstr("1970-01-01 00:00:00,")));
  const Outcome both = weir({"run", "-e", tables + query + "EXPLAIN PLAN FOR " + query});
  EXPECT_EQ(both.code, kExitOk) << both.err;
  EXPECT_THAT(both.out, HasSubstr("query 1"));
  EXPECT_THAT(both.out, Not(HasSubstr("query 2")));
  const std::string row = "1970-01-01 00:01:00,1\n";
  const std::size_t first = both.out.find(row);
  ASSERT_NE(first, std::string::npos) << both.out;
  EXPECT_EQ(both.out.find(row, first + 1), std::string::npos) << "what is explained was run too";
}

TEST_F(Program, ShowsEveryMistakeInTheSqlAtItsPlace) {
  const std::string sql = copy_job("1,x\n", "aa = 1");
  for (const char* verb : {"run", "check", "explain", "audit"}) {
    const Outcome outcome = weir({verb, "-e", sql});
    EXPECT_EQ(outcome.code, kExitConfig);
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, HasSubstr("<-e>:3:"));
    EXPECT_THAT(outcome.err, HasSubstr("^"));
  }
  const Outcome json = weir({"check", "--json", "-e", sql});
  EXPECT_EQ(json.code, kExitConfig);
  EXPECT_THAT(json.err, HasSubstr("\"code\":4002,\"name\":\"SqlUnknownName\",\"line\":3,"));
}

TEST_F(Program, RefusesTableOptionsThatAreNotThere) {
  const Outcome outcome =
      weir({"check", "-e",
            "CREATE TABLE t (a INT) WITH ('connector'='filesystem','path'='x','format'='csv','pth'='y');\n"
            "SELECT a FROM t;"});
  EXPECT_EQ(outcome.code, kExitConfig);
  EXPECT_THAT(outcome.err, HasSubstr("pth"));
}

TEST_F(Program, ChecksAJobWithoutRunningIt) {
  const Outcome right = weir({"check", "-e", copy_job("1,x\nnope,y\n")});
  EXPECT_EQ(right.code, kExitOk) << right.err;
  EXPECT_THAT(right.out, HasSubstr("<-e>: right; 2 tables, 1 query, at most "));
  const Outcome missing =
      weir({"check", "-e",
            "CREATE TABLE t (a INT) WITH ('connector'='filesystem','path'='not/there','format'='csv');\n"
            "SELECT a FROM t;"});
  EXPECT_EQ(missing.code, kExitIo) << missing.err;
  EXPECT_THAT(missing.err, HasSubstr("not/there"));
}

TEST_F(Program, ExplainsAPlanInWordsAndInJson) {
  const Outcome words = weir({"explain", "-e", late_job()});
  EXPECT_EQ(words.code, kExitOk) << words.err;
  EXPECT_THAT(words.out, Not(IsEmpty()));
  const Outcome json = weir({"explain", "--json", "-e", late_job()});
  EXPECT_EQ(json.code, kExitOk);
  EXPECT_THAT(json.out, StartsWith("{"));
}

TEST_F(Program, EndsWithSeventyFourWhereAFileIsMissing) {
  EXPECT_EQ(weir({"run", folder_ + "/none.sql"}).code, kExitIo);
  const Outcome data = weir({"run", "-e",
                             "CREATE TABLE t (a INT) WITH ('connector'='filesystem','path'='" + folder_ +
                                 "/none.csv','format'='csv');\nSELECT a FROM t;"});
  EXPECT_EQ(data.code, kExitIo) << data.err;
  EXPECT_THAT(data.err, HasSubstr("none.csv"));
  EXPECT_EQ(weir({"run", folder_}).code, kExitIo);
}

TEST_F(Program, EndsWithOneWhereARecordIsMalformed) {
  const Outcome outcome = weir({"run", "-e", copy_job("1,x\nnope,y\n")});
  EXPECT_EQ(outcome.code, kExitFailure) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("nope"));
}

TEST_F(Program, QuotesWhatAPeerHasSentSoThatTerminalsAndReadersOfJsonAreNotMisled) {
  const std::string job = copy_job("\x1b[31m,a\n\xff\xfe,b\n1,c\n");
  const Outcome words = weir({"run", "-vv", "--malformed-max", "5", "-e", job});
  EXPECT_EQ(words.out, "1,c\n");
  EXPECT_THAT(words.err, HasSubstr("'?[31m' is no INT"));
  EXPECT_EQ(words.err.find('\x1b'), std::string::npos);
  EXPECT_EQ(words.err.find('\xff'), std::string::npos);
  const Outcome json = weir({"run", "--json", "--malformed-max", "5", "-e", job});
  EXPECT_THAT(json.err, HasSubstr("\\u001b[31m"));
  EXPECT_EQ(json.err.find('\xff'), std::string::npos) << "no UTF-8: " << json.err;
}

TEST_F(Program, WritesATraceThatIsJson) {
  const std::string trace = folder_ + "/trace.json";
  EXPECT_EQ(weir({"run", "--trace", trace, "-e", copy_job("1,x\n")}).code, kExitOk);
  EXPECT_THAT(read_file(trace), testing::AnyOf(StartsWith("{"), StartsWith("[")));
}

TEST_F(Program, SettingsReachTheJobAndTheTextsOwnWin) {
  const std::string sql =
      "CREATE TABLE o (a STRING) WITH ('connector'='filesystem','path'='-','format'='csv');\n" +
      ("CREATE TABLE r (s BIGINT) WITH ('connector'='filesystem','path'='" + put("one.csv", "0\n")) +
      "','format'='csv');\n"
      "INSERT INTO o SELECT CAST(CAST(TO_TIMESTAMP_LTZ(s, 0) AS TIMESTAMP(0)) AS STRING) FROM r;\n";
  const Outcome set = weir({"run", "--set", "table.local-time-zone=Asia/Tokyo", "-e", sql});
  EXPECT_EQ(set.code, kExitOk) << set.err;
  EXPECT_THAT(set.out, HasSubstr("09:00:00"));
  const Outcome both =
      weir({"run", "--set", "table.local-time-zone=Asia/Tokyo", "-e", "SET 'table.local-time-zone' = 'UTC';\n" + sql});
  EXPECT_EQ(both.code, kExitOk) << both.err;
  EXPECT_THAT(both.out, HasSubstr("00:00:00"));
  EXPECT_THAT(both.err, HasSubstr("wins over --set"));
}

TEST_F(Program, EndsWithSeventyFourWhereTheReaderOfItsRowsHasGone) {
  Pipe rows;
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  Process process({"run", "-q", "-e", kEndless}, nothing, rows.write_end, nothing);
  rows.close_write();
  rows.read_until("\n");
  rows.close_read();
  EXPECT_EQ(process.wait(), kExitIo);
  close(nothing);
}

TEST_F(Program, SaysThatAStandardStreamIsClosedAndDoesNotTakeAnotherFileForIt) {
  const std::string from_input =
      "CREATE TABLE r (a INT, b STRING) WITH ('connector'='filesystem', 'path'='-', 'format'='csv');\n"
      "CREATE TABLE o (a INT, b STRING) WITH ('connector'='filesystem', 'path'='-', 'format'='csv');\n"
      "INSERT INTO o SELECT a, b FROM r;\n";
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const char* backend : {"auto", "epoll"}) {
    for (const bool input : {true, false}) {
      Pipe messages;
      Process process({"run", "--backend", backend, "-e", input ? from_input : copy_job("1,a\n")}, input ? -1 : nothing,
                      input ? nothing : -1, messages.write_end);
      messages.close_write();
      const std::string said = messages.read_until("no such text");
      EXPECT_THAT(said, HasSubstr(input ? "the standard input is closed" : "the standard output is closed"));
      EXPECT_EQ(process.wait(), kExitIo) << said;
    }
  }
  // No message goes into a file that the run writes.
  const std::string sql =
      "CREATE TABLE g (a BIGINT) WITH ('connector'='datagen', 'number-of-rows'='3');\n"
      "CREATE TABLE o (a BIGINT) WITH ('connector'='filesystem', 'path'='" +
      folder_ + "/rows', 'format'='csv');\nINSERT INTO o SELECT CAST(1 AS BIGINT) FROM g;\n";
  EXPECT_EQ(Process({"run", "-vv", "-e", sql}, -1, -1, -1).wait(), kExitOk);
  for (const auto& part : std::filesystem::directory_iterator(folder_ + "/rows"))
    EXPECT_EQ(read_file(part.path()), "1\n1\n1\n");
  close(nothing);
}

TEST_F(Program, SaysANoteOnce) {
  const std::string path = put("rows.csv", "1\n2\n");
  const Outcome outcome = weir({"run", "-e",
                                "CREATE TABLE r (a INT) WITH ('connector'='filesystem', 'path'='" + path +
                                    "', 'format'='csv');\n"
                                    "CREATE TABLE o (n BIGINT) WITH ('connector'='filesystem', 'path'='-', "
                                    "'format'='csv');\nINSERT INTO o SELECT COUNT(*) FROM r;\n"});
  EXPECT_EQ(outcome.out, "2\n");
  const std::size_t note = outcome.err.find("note: ");
  ASSERT_NE(note, std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("note: ", note + 1), std::string::npos) << outcome.err;
}

TEST_F(Program, FindsATraceThatCannotBeWrittenBeforeARowIs) {
  const Outcome outcome = weir({"run", "--trace", folder_ + "/nowhere/trace.json", "-e", copy_job("1,a\n")});
  EXPECT_EQ(outcome.code, kExitIo);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, HasSubstr("cannot open " + folder_ + "/nowhere/trace.json: No such file"));
}

class ProgramSignal : public Program, public testing::WithParamInterface<const char*> {};

TEST_P(ProgramSignal, TheFirstOneDrainsAndGivesWhatWindowsHold) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Pipe messages;
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    Process process({"run", "--backend", GetParam(), "-e", kListening}, nothing, nothing, messages.write_end);
    messages.close_write();
    EXPECT_THAT(messages.read_until("listening: e on 127.0.0.1:"), HasSubstr("listening"));
    process.send(signal);
    EXPECT_THAT(messages.read_until("ledger: closed"), HasSubstr("ledger: closed"));
    EXPECT_EQ(process.wait(), kExitOk);
    close(nothing);
  }
}

TEST_P(ProgramSignal, AHangupThatTheCallerIgnoresIsIgnored) {
  Pipe messages;
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  const auto before = std::signal(SIGHUP, SIG_IGN);  // what nohup does; a program that is started inherits it
  Process process({"run", "--backend", GetParam(), "-e", kListening}, nothing, nothing, messages.write_end);
  std::signal(SIGHUP, before);
  messages.close_write();
  messages.read_until("listening: e on 127.0.0.1:");
  process.send(SIGHUP);
  process.send(SIGTERM);
  EXPECT_EQ(process.wait(), kExitOk) << "two that are not ignored would stop it";
  close(nothing);
}

TEST_P(ProgramSignal, TheSecondOneStopsARunThatCannotDrain) {
  // Nobody reads the rows, so the sink stands still and draining cannot end.
  Pipe rows, messages;
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  Process process({"run", "--backend", GetParam(), "-e", kEndless}, nothing, rows.write_end, messages.write_end);
  messages.close_write();
  rows.read_until("\n");
  process.send(SIGINT);
  EXPECT_THAT(messages.read_until("draining:"), HasSubstr("draining:"));
  process.send(SIGINT);
  EXPECT_EQ(process.wait(), kExitStopped);
  close(nothing);
}

INSTANTIATE_TEST_SUITE_P(Backends, ProgramSignal, testing::Values("auto", "epoll"));

TEST_F(Program, TheDoctorAnswersInJson) {
  const Outcome outcome = weir({"doctor", "--json"});
  EXPECT_THAT(outcome.out, StartsWith("{\"version\":1,\"event\":\"doctor\",\"ok\":"));
  EXPECT_THAT(outcome.out, HasSubstr("\"name\":\"io_uring\""));
}

}  // namespace
}  // namespace weir::cli
