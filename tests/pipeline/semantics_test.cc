// The rules of time, sentence by sentence, through SQL: watermarks, windows and late rows as Flink has them. A test's
// name is its rule. What the 216 layouts of tests/sql hold is not repeated here: one layout, and the smallest input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "weir/weir.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Outcome {
  std::vector<std::string> rows;  // sorted
  std::uint64_t late = 0;
  std::string error;
};

struct Job {
  std::string rows = {};                             ///< Lines of "key,value,milliseconds".
  std::string second = {};                           ///< Of a second input, which is a file of its own.
  std::string watermark = "ts";                      ///< The expression.
  std::string select = "k, window_start, COUNT(*)";  ///< Three columns, printed as text.
  std::string window = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)";
  std::string group = "GROUP BY k, window_start, window_end";
  std::string types = "a STRING, b TIMESTAMP(3), c BIGINT";
  std::string settings = {};
  std::string query = {};  ///< In place of select, window and group.
  std::uint32_t batch_rows = 1024;
  std::string format = "'format' = 'csv', 'csv.null-literal' = ''";  ///< Of the sink.
};

Outcome run(const Job& job) {
  const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
  const fs::path folder = fs::temp_directory_path() / ("weir-rules-" + std::to_string(::getpid()) + "-" + test.name());
  fs::remove_all(folder);
  fs::create_directories(folder / "in");
  fs::create_directories(folder / "out");
  std::ofstream(folder / "in" / "a.csv") << job.rows;
  if (!job.second.empty()) std::ofstream(folder / "in" / "b.csv") << job.second;
  const std::string sql =
      job.settings + "CREATE TABLE t (k STRING, v INT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS " +
      job.watermark + ") WITH ('connector' = 'filesystem', 'path' = '" + (folder / "in").string() +
      "', 'format' = 'csv', 'csv.null-literal' = '');\nCREATE TABLE o (" + job.types +
      ") WITH ('connector' = 'filesystem', 'path' = '" + (folder / "out").string() + "', " + job.format +
      ");\nINSERT INTO o " +
      (job.query.empty() ? "SELECT " + job.select + " FROM TABLE(" + job.window + ") " + job.group : job.query) + ";";
  JobOptions options;
  options.shards = 1;
  options.batch_rows = job.batch_rows;
  options.pin = false;
  options.state_bytes_max = 64u << 20;
  Outcome outcome;
  auto made = make_job(sql, options, "rules.sql");
  if (!made.has_value()) {
    outcome.error = made.error().to_string();
  } else {
    if (auto ran = (*made)->run(); !ran.has_value()) outcome.error = ran.error().to_string();
    outcome.late = (*made)->ledger().late;
    EXPECT_EQ((*made)->ledger().imbalance, 0);
  }
  for (const auto& entry : fs::directory_iterator(folder / "out")) {
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) outcome.rows.push_back(line);
  }
  std::sort(outcome.rows.begin(), outcome.rows.end());
  fs::remove_all(folder);
  return outcome;
}

std::string hop(const std::string& slide, const std::string& size) {
  return "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '" + slide + "' SECOND, INTERVAL '" + size + "' SECOND)";
}
std::string session() {
  return "SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' SECOND)";
}

// ---- Watermarks -------------------------------------------------------------------------------------------------

TEST(Rules, TheWatermarkIsTheExpressionsMaximumSoFar) {
  // 5000 does not take the watermark back from 30000, so 8000 stays late.
  const Outcome outcome = run({.rows = "a,1,30000\na,1,31000\na,1,5000\na,1,8000\n"});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1970-01-01 00:00:30,2"));
  EXPECT_EQ(outcome.late, 2u);
}

TEST(Rules, NullFromTheWatermarkExpressionChangesNothing) {
  const Outcome outcome = run({.rows = "a,,30000\na,1,5000\n", .watermark = "CASE WHEN v IS NOT NULL THEN ts END"});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1970-01-01 00:00:00,1", "a,1970-01-01 00:00:30,1"));
  EXPECT_EQ(outcome.late, 0u);
}

TEST(Rules, NullInTheTimeAttributeFailsTheJob) {
  EXPECT_THAT(run({.rows = "a,1,1000\na,1,\n"}).error, HasSubstr("the event time of a row is NULL"));
}

TEST(Rules, TimesBefore1970AdvanceTheWatermarkToo) {
  const Outcome outcome = run({.rows = "a,1,-30000\na,1,-10001\na,1,-29000\n"});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1969-12-31 23:59:30,1", "a,1969-12-31 23:59:40,1"));
  EXPECT_EQ(outcome.late, 1u);
}

TEST(Rules, ARecordNeverRacesItsOwnWatermark) {
  // The row at end - 1 ms is counted, then closes its window; the next one is late for it.
  const Outcome outcome = run({.rows = "a,1,1000\na,1,9999\na,1,9998\n"});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1970-01-01 00:00:00,2"));
  EXPECT_EQ(outcome.late, 1u);
}

TEST(Rules, TheEndOfABoundedInputFiresEveryOpenWindow) {
  EXPECT_THAT(run({.rows = "a,1,1000\nb,1,25000\n", .watermark = "ts - INTERVAL '1' DAY"}).rows,
              ElementsAre("a,1970-01-01 00:00:00,1", "b,1970-01-01 00:00:20,1"));
}

TEST(Rules, TheWatermarkOfTwoInputsIsTheirMinimumAndLatenessIsAskedOfTheRowsOwn) {
  const Outcome outcome = run({.rows = "a,1,90000\na,1,95000\n", .second = "a,1,1000\na,1,30000\na,1,2000\n"});
  EXPECT_THAT(outcome.rows,
              ElementsAre("a,1970-01-01 00:00:00,1", "a,1970-01-01 00:00:30,1", "a,1970-01-01 00:01:30,2"));
  EXPECT_EQ(outcome.late, 1u);
}

// ---- Windows ----------------------------------------------------------------------------------------------------

TEST(Rules, WindowsAreFromStartInclusiveToEndExclusive) {
  EXPECT_THAT(run({.rows = "a,1,0\na,1,9999\na,1,10000\n"}).rows,
              ElementsAre("a,1970-01-01 00:00:00,2", "a,1970-01-01 00:00:10,1"));
}

TEST(Rules, StartIsTheFloorAlsoForNegativeTimes) {
  EXPECT_THAT(run({.rows = "a,1,-10001\na,1,-10000\na,1,-1\na,1,0\n"}).rows,
              ElementsAre("a,1969-12-31 23:59:40,1", "a,1969-12-31 23:59:50,2", "a,1970-01-01 00:00:00,1"));
}

TEST(Rules, WindowsAreAlignedByTheOffset) {
  const std::string window = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '3' SECOND)";
  EXPECT_THAT(run({.rows = "a,1,2999\na,1,3000\na,1,12999\n", .window = window}).rows,
              ElementsAre("a,1969-12-31 23:59:53,1", "a,1970-01-01 00:00:03,2"));
}

TEST(Rules, ANegativeOffsetAlignsToo) {
  const std::string window = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '-3' SECOND)";
  EXPECT_THAT(
      run({.rows = "a,1,6999\na,1,7000\na,1,-3000\n", .watermark = "ts - INTERVAL '1' DAY", .window = window}).rows,
      ElementsAre("a,1969-12-31 23:59:57,2", "a,1970-01-01 00:00:07,1"));
}

TEST(Rules, AHopStartsEverySlide) {
  EXPECT_THAT(run({.rows = "a,1,-1\n", .window = hop("5", "10")}).rows,
              ElementsAre("a,1969-12-31 23:59:50,1", "a,1969-12-31 23:59:55,1"));
}

TEST(Rules, AHopWhoseSizeIsNoMultipleOfItsSlideIsRefused) {
  EXPECT_THAT(run({.rows = "a,1,0\n", .window = hop("4", "10")}).error, HasSubstr("no multiple"));
}

TEST(Rules, ARowBelongsToEveryCumulatedWindowThatEndsAfterIt) {
  const std::string window = "CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND)";
  EXPECT_THAT(run({.rows = "a,1,5000\na,2,-1\n",
                   .watermark = "ts - INTERVAL '1' DAY",
                   .select = "k, window_end, COUNT(*)",
                   .window = window})
                  .rows,
              ElementsAre("a,1970-01-01 00:00:00,1", "a,1970-01-01 00:00:10,1", "a,1970-01-01 00:00:15,1"));
}

TEST(Rules, WindowTimeIsOneMillisecondBeforeTheEnd) {
  EXPECT_THAT(run({.rows = "a,1,0\n",
                   .select = "k, CAST(window_time AS TIMESTAMP(3)), COUNT(*)",
                   .group = "GROUP BY k, window_start, window_end, window_time"})
                  .rows,
              ElementsAre("a,1970-01-01 00:00:09.999,1"));
}

TEST(Rules, AWindowFiresWhenTheWatermarkIsAtItsEndLessOneMillisecond) {
  // The watermark stands at 9998 and then at 9999 when 5000 comes.
  EXPECT_EQ(run({.rows = "a,1,9998\na,1,5000\n"}).late, 0u);
  EXPECT_EQ(run({.rows = "a,1,9999\na,1,5000\n"}).late, 1u);
}

TEST(Rules, EmptyWindowsEmitNothing) {
  // A century between two rows.
  EXPECT_THAT(run({.rows = "a,1,0\na,1,3155760000000\n"}).rows,
              ElementsAre("a,1970-01-01 00:00:00,1", "a,2070-01-01 00:00:00,1"));
}

TEST(Rules, NullKeysFormAGroup) {
  EXPECT_THAT(run({.rows = ",1,0\n,2,1\na,3,2\n", .watermark = "ts - INTERVAL '1' DAY"}).rows,
              ElementsAre(",1970-01-01 00:00:00,2", "a,1970-01-01 00:00:00,1"));
  EXPECT_THAT(run({.rows = ",1,0\n,2,1\n", .window = session()}).rows, ElementsAre(",1970-01-01 00:00:00,2"));
}

TEST(Rules, ATimeSoFarOutThatItsWindowHasNoEndIsRefused) {
  for (const std::string& window : {std::string("TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '3000' DAY)"), session()}) {
    const Outcome outcome = run({.rows = "a,1,9223372036854\n", .window = window});
    EXPECT_THAT(outcome.error, HasSubstr("so far out")) << window;
  }
}

// ---- Late rows --------------------------------------------------------------------------------------------------

TEST(Rules, ARowLateForSomeHopsIsStillAddedToThoseThatHaveNotFired) {
  // At 10000 the window [-5, 5) and [0, 10) have fired, [5, 15) has not: 7000 is in the latter only.
  const Outcome outcome = run({.rows = "a,1,10000\na,1,7000\na,1,4000\n", .window = hop("5", "10")});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1970-01-01 00:00:05,2", "a,1970-01-01 00:00:10,1"));
  EXPECT_EQ(outcome.late, 1u);
}

TEST(Rules, ASessionsRowIsLateIffTheWindowAfterMergingHasFired) {
  const Outcome outcome = run({.rows = "a,1,22000\nb,1,30000\na,1,14000\na,1,1000\n", .window = session()});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1970-01-01 00:00:14,2", "b,1970-01-01 00:00:30,1"));
  EXPECT_EQ(outcome.late, 1u);
}

TEST(Rules, AWindowFunctionUsedAloneNeverDropsARow) {
  const Outcome outcome = run({.rows = "a,1,30000\na,2,1000\n", .select = "k, window_start, v", .group = ""});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1970-01-01 00:00:00,2", "a,1970-01-01 00:00:30,1"));
  EXPECT_EQ(outcome.late, 0u);
}

// ---- Sessions ---------------------------------------------------------------------------------------------------

TEST(Rules, EachRowIsAWindowOfTheGapAndTouchingWindowsMerge) {
  EXPECT_THAT(run({.rows = "a,1,0\na,1,10000\na,1,20001\n", .window = session()}).rows,
              ElementsAre("a,1970-01-01 00:00:00,2", "a,1970-01-01 00:00:20.001,1"));
}

TEST(Rules, ASessionEndsOneGapAfterItsLastRow) {
  EXPECT_THAT(run({.rows = "a,1,0\na,1,4000\n", .select = "k, window_end, COUNT(*)", .window = session()}).rows,
              ElementsAre("a,1970-01-01 00:00:14,2"));
}

// ---- Time zones -------------------------------------------------------------------------------------------------

TEST(Rules, WithLocalTimestampsWindowsAreAlignedToTheSessionsTimeZone) {
  const Outcome outcome = run({.rows = "a,1,57599999\na,1,57600000\n",  // 16:00 UTC is midnight in Shanghai
                               .window = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY)",
                               .settings = "SET 'table.local-time-zone' = 'Asia/Shanghai';\n"});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1970-01-01 00:00:00,1", "a,1970-01-02 00:00:00,1"));
}

TEST(Rules, WindowTimeOfLocalTimestampsStaysAnInstant) {
  const Outcome outcome = run({.rows = "a,1,0\n",
                               .select = "k, window_time, COUNT(*)",
                               .window = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY)",
                               .group = "GROUP BY k, window_start, window_end, window_time",
                               .types = "a STRING, b TIMESTAMP_LTZ(3), c BIGINT",
                               .settings = "SET 'table.local-time-zone' = 'Asia/Shanghai';\n"});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1970-01-01 15:59:59.999Z,1"));
}

TEST(Rules, TheEdgesOfASessionAreShownInTheSessionsTimeZone) {
  const Outcome outcome =
      run({.rows = "a,1,0\n", .window = session(), .settings = "SET 'table.local-time-zone' = 'America/New_York';\n"});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1969-12-31 19:00:00,1"));
}

TEST(Rules, AWindowThatEndsInASkippedHourFiresAtTheFirstInstantBehindIt) {
  // Berlin, 2024-03-31: 02:00 becomes 03:00 at 01:00 UTC = 1711846800 s. The hour [01:00, 02:00) fires there.
  const std::string zone = "SET 'table.local-time-zone' = 'Europe/Berlin';\n";
  const std::string window = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '30' MINUTE)";
  const auto late_after = [&](const std::string& row) {
    return run({.rows = row + "\na,1,1711846799000\n", .window = window, .settings = zone}).late;
  };
  EXPECT_EQ(late_after("a,1,1711846799998"), 0u);
  EXPECT_EQ(late_after("a,1,1711846800000"), 1u);
}

TEST(Rules, BothOfTwoEqualHoursGoToOneWindowThatFiresAfterTheSecond) {
  // Berlin, 2024-10-27: 03:00 becomes 02:00 at 01:00 UTC = 1729990800 s.
  const std::string zone = "SET 'table.local-time-zone' = 'Europe/Berlin';\n";
  const std::string window = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)";
  const Outcome outcome = run({.rows = "a,1,1729987200000\na,1,1729990800000\na,1,1729990799000\na,1,1729994400000\n"
                                       "a,1,1729994399000\n",
                               .window = window,
                               .settings = zone});
  EXPECT_THAT(outcome.rows, ElementsAre("a,2024-10-27 02:00:00,3", "a,2024-10-27 03:00:00,1"));
  EXPECT_EQ(outcome.late, 1u);
}

TEST(Rules, JsonTimestampsStandAsInSqlAndThoseOfAnInstantEndInZ) {
  Job job;
  job.rows = "a,1,1609330394123\n";
  job.types = "a TIMESTAMP(3), b TIMESTAMP_LTZ(3)";
  job.query = "SELECT CAST(ts AS TIMESTAMP(3)), ts FROM t";
  job.format = "'format' = 'json'";
  EXPECT_THAT(run(job).rows, ElementsAre(R"({"a":"2020-12-30 12:13:14.123","b":"2020-12-30 12:13:14.123Z"})"));
}

TEST(Rules, TheIsoStandardOfJsonTimestampsHasAT) {
  Job job;
  job.rows = "a,1,1609330394123\n";
  job.types = "a TIMESTAMP(3), b TIMESTAMP_LTZ(3)";
  job.query = "SELECT CAST(ts AS TIMESTAMP(3)), ts FROM t";
  job.format = "'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'";
  EXPECT_THAT(run(job).rows, ElementsAre(R"({"a":"2020-12-30T12:13:14.123","b":"2020-12-30T12:13:14.123Z"})"));
}

// That the idle clock stops under back-pressure, and that the end goes on through idle inputs, is held by
// tests/engine/idle_input_test.cc, where several inputs and the clock are at hand.

// ---- The rest of the list ---------------------------------------------------------------------------------------

TEST(Rules, EveryAdvanceOfTheWatermarkCountsAtOnce) {
  // No interval lets 8000 pass that comes right behind the row that made it late.
  const Outcome outcome = run({.rows = "a,1,9000\na,1,30000\na,1,8000\n"});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1970-01-01 00:00:00,1", "a,1970-01-01 00:00:30,1"));
  EXPECT_EQ(outcome.late, 1u);
}

TEST(Rules, ACumulateWhoseSizeIsNoMultipleOfItsStepIsRefused) {
  EXPECT_THAT(run({.rows = "a,1,1000\n",
                   .window = "CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '10' SECOND)"})
                  .error,
              HasSubstr("multiple"));
}

TEST(Rules, ARowLateForSomeCumulatedWindowsIsStillAddedToThoseThatHaveNotFired) {
  const Outcome outcome =
      run({.rows = "a,1,1000\na,1,4000\na,1,500\n",
           .select = "k, window_end, COUNT(*)",
           .window = "CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '6' SECOND)"});
  EXPECT_THAT(outcome.rows,
              ElementsAre("a,1970-01-01 00:00:02,1", "a,1970-01-01 00:00:04,1", "a,1970-01-01 00:00:06,3"));
  EXPECT_EQ(outcome.late, 0u);
}

TEST(Rules, WindowTimeIsAgainATimeAttribute) {
  const Outcome windows = run(
      {.rows = "a,1,1000\na,1,12000\nb,1,13000\na,1,25000\n",
       .query = "WITH w AS (SELECT k, window_time AS wt, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), "
                "INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end, window_time) SELECT k, window_start, "
                "SUM(n) FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(wt), INTERVAL '20' SECOND)) GROUP BY k, window_start, "
                "window_end"});
  EXPECT_THAT(windows.rows,
              ElementsAre("a,1970-01-01 00:00:00,2", "a,1970-01-01 00:00:20,1", "b,1970-01-01 00:00:00,1"))
      << windows.error;
}

TEST(Rules, WindowStartAndEndArePlainTimestamps) {
  // They are no time attribute: a window over them is refused.
  EXPECT_THAT(run({.rows = "a,1,1000\n",
                   .query = "WITH w AS (SELECT k, window_start AS s, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, "
                            "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end) SELECT k, "
                            "window_start, SUM(n) FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(s), INTERVAL '20' SECOND)) "
                            "GROUP BY k, window_start, window_end"})
                  .error,
              HasSubstr("without a watermark"));
}

TEST(Rules, AGroupByWithoutAWindowNeverDropsARow) {
  const Outcome outcome = run({.rows = "a,1,30000\na,2,1000\na,4,-5000\n",
                               .types = "a STRING, c BIGINT, d INT",
                               .query = "SELECT k, COUNT(*), SUM(v) FROM t GROUP BY k"});
  EXPECT_THAT(outcome.rows, ElementsAre("a,3,7"));
  EXPECT_EQ(outcome.late, 0u);
}

TEST(Rules, AllowedLatenessMakesResultsUpdatesWhichASinkThatAppendsRefuses) {
  EXPECT_THAT(run({.rows = "a,1,1000\n", .settings = "SET 'table.exec.emit.allow-lateness' = '1 min';\n"}).error,
              HasSubstr("only takes rows that are appended"));
}

TEST(Rules, CurrentWatermarkIsNullBeforeTheFirstAndTheDocumentedLateFilterKeepsWhatIsNotLate) {
  // The filter of Flink's documents; one record a batch, so that each one's watermark is that of the one before.
  const Outcome outcome =
      run({.rows = "a,1,1000\na,2,30000\na,3,2000\na,4,31000\n",
           .types = "a STRING, b INT, c BOOLEAN",
           .query = "SELECT k, v, CURRENT_WATERMARK(ts) IS NULL FROM t WHERE CURRENT_WATERMARK(ts) IS NULL OR ts > "
                    "CURRENT_WATERMARK(ts)",
           .batch_rows = 1});
  EXPECT_THAT(outcome.rows, ElementsAre("a,1,true", "a,2,false", "a,4,false")) << outcome.error;
}

// ---- Aggregates -------------------------------------------------------------------------------------------------

Outcome of_all(const std::string& rows, const std::string& calls, const std::string& types) {
  return run({.rows = rows, .types = types, .query = "SELECT " + calls + " FROM t GROUP BY k"});
}

TEST(Rules, AggregatesSkipNullAndCountStarDoesNot) {
  EXPECT_THAT(of_all("a,1,1\na,,2\na,5,3\n", "COUNT(*), COUNT(v), SUM(v), AVG(v), MIN(v), MAX(v)",
                     "a BIGINT, b BIGINT, c INT, d INT, e INT, f INT")
                  .rows,
              ElementsAre("3,2,6,3,1,5"));
}

TEST(Rules, TheSumOfOnlyNullsIsNull) {
  EXPECT_THAT(of_all("a,,1\na,,2\n", "COUNT(*), COUNT(v), SUM(v), AVG(v)", "a BIGINT, b BIGINT, c INT, d INT").rows,
              ElementsAre("2,0,,"));
}

TEST(Rules, CountDistinctIgnoresNull) {
  EXPECT_THAT(of_all("a,1,1\na,,2\na,1,3\na,2,4\n", "COUNT(DISTINCT v), COUNT(*)", "a BIGINT, b BIGINT").rows,
              ElementsAre("2,4"));
}

TEST(Rules, TheAverageOfIntegersTruncatesTowardsZero) {
  EXPECT_THAT(of_all("a,3,1\na,4,2\nb,-3,3\nb,-4,4\n", "k, AVG(v)", "a STRING, b INT").rows,
              ElementsAre("a,3", "b,-3"));
}

TEST(Rules, TheSumKeepsTheTypeOfItsIntegersAndOverflows) {
  EXPECT_THAT(of_all("a,2147483647,1\na,1,2\n", "k, SUM(v)", "k STRING, a INT").error, HasSubstr("does not fit INT"));
  EXPECT_THAT(of_all("a,2147483647,1\na,1,2\n", "k, SUM(CAST(v AS BIGINT))", "k STRING, a BIGINT").rows,
              ElementsAre("a,2147483648"));
}

TEST(Rules, TheSumOfDecimalsHasThirtyEightDigits) {
  EXPECT_THAT(of_all("a,1,1\na,2,2\n", "SUM(CAST(v AS DECIMAL(5, 2))), AVG(CAST(v AS DECIMAL(5, 2)))",
                     "a DECIMAL(38, 2), b DECIMAL(38, 6)")
                  .rows,
              ElementsAre("3.00,1.500000"));
}

// ---- Arithmetic -------------------------------------------------------------------------------------------------

Outcome of_rows(const std::string& rows, const std::string& expressions, const std::string& types) {
  return run({.rows = rows, .types = types, .query = "SELECT " + expressions + " FROM t"});
}

TEST(Rules, IntegerDivisionTruncates) {
  EXPECT_THAT(of_rows("a,7,2\na,-7,2\n", "k, v / ms", "k STRING, a BIGINT").rows, ElementsAre("a,-3", "a,3"));
}

TEST(Rules, ModuloTakesTheSignOfTheDividend) {
  EXPECT_THAT(of_rows("a,7,-2\na,-7,2\n", "k, MOD(v, ms)", "k STRING, a BIGINT").rows, ElementsAre("a,-1", "a,1"));
}

TEST(Rules, DivisionOfIntegersByZeroFails) {
  EXPECT_THAT(of_rows("a,7,0\n", "k, v / ms", "k STRING, a BIGINT").error, HasSubstr("by zero"));
}

TEST(Rules, DivisionOfDoublesByZeroGivesInfinityOrNan) {
  EXPECT_THAT(of_rows("a,7,0\nb,0,0\n", "k, CAST(v AS DOUBLE) / ms", "a STRING, b DOUBLE").rows,
              ElementsAre("a,Infinity", "b,NaN"));
}

}  // namespace
}  // namespace weir
