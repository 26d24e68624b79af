// What the binder makes of texts: plans as to_string shows them, and rendered errors as people read them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/sql_case.h"

namespace weir {
namespace {

using test::bids_plan;
using test::first_error;
using test::kTables;
using test::plan_text;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(SqlPlan, ProjectionAndFilterBecomeOneNodeEach) {
  EXPECT_EQ(bids_plan("INSERT INTO sink SELECT auction, UPPER(channel) FROM bids WHERE n > 1;"),
            "Sink sink\n"
            "  Project `auction`, UPPER(`channel`)\n"
            "    Filter (`n` > 1)\n"
            "      Scan bids watermark (`ts` - INTERVAL '4' SECOND)\n");
}

TEST(SqlPlan, TumblingWindowGroupsByItsEdgesAndKeys) {
  EXPECT_EQ(bids_plan("INSERT INTO sink SELECT COUNT(*), channel FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), "
                      "INTERVAL '10' MINUTES)) "
                      "GROUP BY window_start, window_end, channel;"),
            "Sink sink\n"
            "  Project `aggregate_0`, `channel`\n"
            "    Aggregate keys [`channel`] window TUMBLE(`ts`, size 10 min) calls [COUNT(*)]\n"
            "      Window TUMBLE(`ts`, size 10 min)\n"
            "        Scan bids watermark (`ts` - INTERVAL '4' SECOND)\n");
}

TEST(SqlPlan, NamedArgumentsAndBothFormsGiveTheSamePlan) {
  const std::string positional = bids_plan(
      "SELECT window_start, COUNT(*) AS c FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL "
      "'10' SECOND)) "
      "GROUP BY window_start, window_end;");
  EXPECT_THAT(positional, HasSubstr("HOP(`ts`, slide 2 s, size 10 s)"));
  EXPECT_EQ(positional,
            bids_plan("SELECT window_start, COUNT(*) AS c FROM HOP(SIZE => INTERVAL '10' SECOND, DATA => TABLE bids, "
                      "TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '2' SECOND) GROUP BY window_end, window_start;"));
}

TEST(SqlPlan, LegacyGroupWindowGivesThePlanOfTheWindowFunction) {
  EXPECT_EQ(
      bids_plan("SELECT TUMBLE_START(ts, INTERVAL '1' HOUR) AS s, channel, SUM(n) AS x FROM bids "
                "GROUP BY TUMBLE(ts, INTERVAL '1' HOUR), channel;"),
      bids_plan(
          "SELECT window_start AS s, channel, SUM(n) AS x FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR) "
          "GROUP BY window_start, window_end, channel;"));
  EXPECT_THAT(bids_plan("SELECT SESSION_ROWTIME(ts, INTERVAL '5' SECOND) AS r, SESSION_END(ts, INTERVAL '5' SECOND) AS "
                        "e, n, COUNT(*) AS c "
                        "FROM bids GROUP BY n, SESSION(ts, INTERVAL '5' SECOND);"),
              HasSubstr("SESSION(`ts`, gap 5 s)"));
  EXPECT_EQ(first_error("SELECT TUMBLE_END(ts, INTERVAL '2' HOUR) FROM bids GROUP BY TUMBLE(ts, INTERVAL '1' HOUR);"),
            "TUMBLE_END has other arguments than the window in GROUP BY");
}

TEST(SqlPlan, EqualAggregatesAreComputedOnce) {
  const std::string plan = bids_plan(
      "SELECT SUM(x) / COUNT(*) AS a, SUM(x) AS b, COUNT(*) FILTER (WHERE ok) AS c FROM TUMBLE(TABLE bids, "
      "DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end HAVING COUNT(*) > 2;");
  EXPECT_THAT(plan, HasSubstr("calls [SUM(`x`), COUNT(*), COUNT(*) FILTER (WHERE `ok`)]"));
  EXPECT_THAT(plan, HasSubstr("Filter (`aggregate_1` > 2)"));
}

TEST(SqlPlan, FiltersAndProjectionsOverAWindowFunctionMoveBelowIt) {
  EXPECT_EQ(
      bids_plan("CREATE VIEW v AS SELECT channel AS c, n + 1 AS m, window_end AS e, window_start AS s FROM "
                "TABLE(TUMBLE(TABLE bids, "
                "DESCRIPTOR(ts), INTERVAL '1' HOUR)) WHERE n > 3 AND window_start > TIMESTAMP '2020-01-01 00:00:00';"
                "SELECT c, MAX(m) AS m FROM v WHERE c <> 'x' GROUP BY s, e, c;"),
      "Sink print\n"
      "  Project `c`, `aggregate_0`\n"
      "    Filter (`window_start` > TIMESTAMP '2020-01-01 00:00:00')\n"
      "      Aggregate keys [`c`] window TUMBLE(`ts`, size 1 h) calls [MAX(`m`)]\n"
      "        Window TUMBLE(`ts`, size 1 h)\n"
      "          Filter (`c` <> 'x')\n"
      "            Project `channel`, (`n` + 1), `ts`\n"
      "              Filter (`n` > 3)\n"
      "                Scan bids watermark (`ts` - INTERVAL '4' SECOND)\n");
  EXPECT_THAT(
      first_error("SELECT COUNT(*) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR) WHERE ts > window_start "
                  "GROUP BY window_start, window_end;"),
      StartsWith("a condition over window columns and others together"));
}

TEST(SqlPlan, ViewsPassTheTimeAttributeOnAndExpressionsLoseIt) {
  EXPECT_EQ(first_error("CREATE VIEW v AS SELECT ts AS t, n FROM bids WHERE n > 1; SELECT COUNT(*) AS c FROM "
                        "TUMBLE(TABLE v, DESCRIPTOR(t), "
                        "INTERVAL '1' HOUR) GROUP BY window_start, window_end;"),
            "");
  EXPECT_EQ(
      first_error(
          "CREATE VIEW v AS SELECT ts + INTERVAL '1' SECOND AS t FROM bids; SELECT COUNT(*) AS c FROM TUMBLE(TABLE v, "
          "DESCRIPTOR(t), INTERVAL '1' HOUR) GROUP BY window_start, window_end;"),
      "`t` is TIMESTAMP(3) without a watermark");
}

TEST(SqlPlan, AWindowOverWindowTimeOfAnotherIsPlanned) {
  const std::string plan = bids_plan(
      "CREATE VIEW v AS SELECT window_time AS t, SUM(n) AS s FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' "
      "MINUTE) "
      "GROUP BY window_start, window_end, window_time;"
      "SELECT window_start, SUM(s) AS s FROM TUMBLE(TABLE v, DESCRIPTOR(t), INTERVAL '1' HOUR) GROUP BY window_start, "
      "window_end;");
  EXPECT_THAT(plan, HasSubstr("Aggregate keys [] window TUMBLE(`t`, size 1 h) calls [SUM(`s`)]"));
  EXPECT_THAT(plan, HasSubstr("Aggregate keys [] window TUMBLE(`ts`, size 1 min) calls [SUM(`n`)]"));
}

TEST(SqlPlan, ResultsGroupedByBothEdgesStayInTheirWindows) {
  const std::string counts =
      "CREATE VIEW v AS SELECT channel, window_start AS s, window_end AS e, COUNT(*) AS n FROM TABLE(HOP(TABLE bids, "
      "DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND)) GROUP BY channel, window_start, window_end;";
  EXPECT_EQ(bids_plan(counts + "SELECT e, MAX(n) AS m FROM v GROUP BY e, s;"),
            "Sink print\n"
            "  Project `window_end`, `aggregate_0`\n"
            "    Aggregate keys [`s`] window of the rows, to `e` calls [MAX(`n`)]\n"
            "      Window of the rows, to `e`\n"
            "        Project `channel`, `window_start`, `window_end`, `aggregate_0`\n"
            "          Aggregate keys [`channel`] window HOP(`ts`, slide 2 s, size 10 s) calls [COUNT(*)]\n"
            "            Window HOP(`ts`, slide 2 s, size 10 s)\n"
            "              Scan bids watermark (`ts` - INTERVAL '4' SECOND)\n");
  EXPECT_THAT(bids_plan(counts + "SELECT DISTINCT n, s, e FROM v;"),
              HasSubstr("Aggregate keys [`n`, `s`] window of the rows"));
  EXPECT_THAT(bids_plan(counts + "SELECT s, e, n, COUNT(*) FROM v GROUP BY s, e, ROLLUP (n);"),
              HasSubstr("Aggregate keys [`s`, `n`, 0] window of the rows, to `e` grouping sets"));
  // One edge alone is a column like others.
  EXPECT_THAT(bids_plan(counts + "SELECT e, MAX(n) AS m FROM v GROUP BY e;"),
              HasSubstr("    Aggregate keys [`e`] calls [MAX(`n`)]\n"));
  EXPECT_THAT(bids_plan(counts + "SELECT channel, MAX(e) AS m FROM v GROUP BY channel;"),
              HasSubstr("    Aggregate keys [`channel`] calls [MAX(`e`)]\n"));
  EXPECT_EQ(first_error(counts + "SELECT channel FROM v GROUP BY s, e;"),
            "`channel` is neither grouped nor inside an aggregate");
}

TEST(SqlPlan, TickFollowsThePrecisionOfTheTimeColumn) {
  const auto tick = [](int precision) {
    const std::string p = std::to_string(precision);
    const Result<JobPlan> plan = plan_sql("CREATE TABLE t (ts TIMESTAMP(" + p +
                                          "), WATERMARK FOR ts AS ts); SELECT * FROM TUMBLE(TABLE t, "
                                          "DESCRIPTOR(ts), INTERVAL '1' SECOND);");
    return plan.has_value() ? plan.value().queries[0].root->input->window->tick_ns : -1;
  };
  const std::int64_t expected[] = {1000000, 1000000, 1000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
  for (int precision = 0; precision <= 9; ++precision) EXPECT_EQ(tick(precision), expected[precision]) << precision;
}

TEST(SqlPlan, WindowSizesAreChecked) {
  const auto error_of = [](const std::string& window) { return first_error("SELECT * FROM TABLE(" + window + ");"); };
  EXPECT_EQ(error_of("TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '0' SECOND)"),
            "the window's size must be longer than 0");
  EXPECT_EQ(error_of("TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL -'1' SECOND)"),
            "the window's size must be longer than 0");
  EXPECT_EQ(error_of("HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '10' SECOND)"),
            "the window's size of 10 s is no multiple of its slide of 3 s");
  EXPECT_EQ(error_of("CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '7' MINUTE, INTERVAL '1' HOUR)"),
            "the window's size of 1 h is no multiple of its step of 7 min");
  EXPECT_EQ(error_of("TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MONTH)"),
            "SIZE cannot be months or years, which differ in length");
  EXPECT_EQ(error_of("TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '0.0001' SECOND)"),
            "the window is finer than its time column, which is TIMESTAMP(3) in steps of 1 ms");
  EXPECT_EQ(error_of("TUMBLE(TABLE bids, DESCRIPTOR(ts))"), "TUMBLE lacks its parameter SIZE");
  EXPECT_EQ(error_of("TUMBEL(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR)"), "unknown table function `TUMBEL`");
  EXPECT_EQ(error_of("TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL -'30' MINUTE)"), "");
}

TEST(SqlPlan, SessionsByKeyNeedTheSameKeysAbove) {
  const std::string from =
      "FROM SESSION(TABLE bids PARTITION BY channel, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, "
      "window_end";
  EXPECT_EQ(first_error("SELECT channel, COUNT(*) AS c " + from + ", channel;"), "");
  EXPECT_EQ(first_error("SELECT COUNT(*) AS c " + from + ";"),
            "the keys beside the window differ from the session's PARTITION BY");
}

TEST(SqlPlan, WindowsOfRowsAreOverTheTablesEventTimes) {
  const std::string tail = " GROUP BY channel, window_start, window_end;";
  const std::string select = "SELECT channel, COUNT(*) AS c FROM ";
  EXPECT_THAT(bids_plan(select + "TUMBLE_ROWS(TABLE bids PARTITION BY channel, 10)" + tail),
              HasSubstr("ROWS(`ts`, slide 10, size 10, partition by `channel`)"));
  EXPECT_THAT(
      bids_plan(select + "TABLE(HOP_ROWS(DATA => TABLE bids PARTITION BY channel, SLIDE => 5, ROWS => 10))" + tail),
      HasSubstr("ROWS(`ts`, slide 5, size 10, partition by `channel`)"));
  EXPECT_THAT(bids_plan(select + "HOP_ROWS(TABLE bids PARTITION BY channel, 10, 4)" + tail),
              HasSubstr("ROWS(`ts`, slide 10, size 4, partition by `channel`)"));
  EXPECT_EQ(first_error(select + "TUMBLE_ROWS(TABLE bids PARTITION BY channel, 0)" + tail),
            "TUMBLE_ROWS takes numbers of rows from 1 to 2^30");
  EXPECT_EQ(first_error(select + "TUMBLE_ROWS(TABLE bids, 10)" + tail),
            "the keys beside the window differ from the window's PARTITION BY");
}

TEST(SqlPlan, GroupingMistakesAreTold) {
  const std::string window = " FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR) ";
  EXPECT_EQ(first_error("SELECT COUNT(*)" + window + "GROUP BY window_start;"),
            "a window is grouped by both its edges: `window_end` is missing in GROUP BY");
  EXPECT_EQ(first_error("SELECT channel, COUNT(*) FROM bids GROUP BY channel;"), "");
  EXPECT_EQ(first_error("SELECT COUNT(*) FROM bids;"), "");
  EXPECT_EQ(first_error("SELECT channel, COUNT(*)" + window + "GROUP BY channel;"),
            "GROUP BY without a window over a window function is not supported");
  EXPECT_EQ(first_error("SELECT channel, COUNT(*)" + window + "GROUP BY window_start, window_end;"),
            "`channel` is neither grouped nor inside an aggregate");
  EXPECT_EQ(first_error("SELECT window_time" + window + "GROUP BY window_start, window_end;"),
            "`window_time` is neither grouped nor inside an aggregate");
  EXPECT_EQ(first_error("SELECT SUM(MAX(n))" + window + "GROUP BY window_start, window_end;"),
            "an aggregate cannot stand inside an aggregate");
  EXPECT_EQ(first_error("SELECT n FROM bids WHERE SUM(n) > 1;"), "an aggregate cannot stand in WHERE");
  EXPECT_EQ(first_error("SELECT SUM(*)" + window + "GROUP BY window_start, window_end;"), "only COUNT takes `*`");
  EXPECT_EQ(first_error("SELECT DISTINCT channel, window_start, window_end" + window + ";"), "");
  EXPECT_EQ(first_error("SELECT CASE WHEN n > 1 THEN 'a' ELSE 'b' END AS k, COUNT(*) AS c" + window +
                        "GROUP BY CASE WHEN n > 1 THEN 'a' ELSE 'b' END, window_start, window_end;"),
            "");
}

TEST(SqlPlan, GroupingSetsAreTheProductOfTheItems) {
  const std::string window =
      " FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end, ";
  EXPECT_THAT(bids_plan("SELECT COUNT(*)" + window + "n, ROLLUP (channel, price);"),
              HasSubstr("grouping sets [(`n`, `channel`, `price`), (`n`, `channel`), (`n`)]"));
  EXPECT_THAT(bids_plan("SELECT COUNT(*)" + window + "CUBE (n, (channel, price));"),
              HasSubstr("grouping sets [(`n`, `channel`, `price`), (`channel`, `price`), (`n`), ()]"));
  EXPECT_THAT(bids_plan("SELECT COUNT(*)" + window + "GROUPING SETS (ROLLUP (n, channel), n, ());"),
              HasSubstr("grouping sets [(`n`, `channel`), (`n`), (), (`n`), ()]"));
  EXPECT_THAT(bids_plan("SELECT COUNT(*)" + window + "ROLLUP (n), ROLLUP (channel);"),
              HasSubstr("grouping sets [(`n`, `channel`), (`n`), (`channel`), ()]"));
}

TEST(SqlPlan, GroupingSetMistakesAreTold) {
  const std::string window = " FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR) ";
  const std::string group = window + "GROUP BY window_start, window_end, ";
  EXPECT_EQ(first_error("SELECT COUNT(*)" + window + "GROUP BY ROLLUP (window_start, window_end, n);"),
            "window_start and window_end have to be in every grouping set");
  EXPECT_EQ(first_error("SELECT GROUPING(price)" + group + "ROLLUP (n);"),
            "the argument of GROUPING is no key of GROUP BY");
  EXPECT_EQ(first_error("SELECT GROUPING(n) FROM bids;"), "GROUPING cannot stand in SELECT");
  EXPECT_EQ(first_error("SELECT SUM(GROUPING(n))" + group + "ROLLUP (n);"), "GROUPING cannot stand in SELECT");
  EXPECT_EQ(first_error("SELECT n" + group + "ROLLUP (n, ROLLUP (channel));"), "ROLLUP cannot stand here");
  EXPECT_EQ(first_error("SELECT n" + group +
                        "ROLLUP (n), CUBE (n, channel, price), CUBE (n, channel, price), ROLLUP (n, price);"),
            "more than 256 grouping sets are not supported");
  EXPECT_EQ(first_error("SELECT n FROM SESSION(TABLE bids PARTITION BY n, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY "
                        "window_start, window_end, ROLLUP (n);"),
            "grouping sets over SESSION windows are not supported");
  EXPECT_EQ(first_error("SELECT n, GROUPING(n)" + group + "n;"), "");
}

TEST(SqlPlan, InsertMatchesByPositionAndCastsAsFlinkDoes) {
  EXPECT_EQ(first_error("INSERT INTO sink SELECT n, channel FROM bids;"), "");
  EXPECT_THAT(bids_plan("INSERT INTO sink SELECT n, channel FROM bids;"), HasSubstr("CAST(`n` AS BIGINT)"));
  EXPECT_THAT(bids_plan("INSERT INTO sink (b) SELECT channel FROM bids;"), HasSubstr("NULL"));
  EXPECT_EQ(first_error("INSERT INTO sink SELECT channel, n FROM bids;"),
            "column 1 of the query, `channel` STRING, does not fit `a` BIGINT of `sink`");
  EXPECT_EQ(first_error("INSERT INTO sink SELECT n FROM bids;"), "the query gives 1 columns, `sink` takes 2");
  EXPECT_EQ(first_error("INSERT INTO sink (a, a) SELECT n, n FROM bids;"), "the column `a` stands twice");
  EXPECT_EQ(first_error("INSERT INTO sunk SELECT n FROM bids;"), "unknown table `sunk`");
}

TEST(SqlPlan, StarGivesTheDeclaredOrderThoughComputedColumnsStandLast) {
  EXPECT_THAT(plan_text("CREATE TABLE t (a INT, b AS a + 1, c INT); SELECT * FROM t;"),
              HasSubstr("Project `a`, `b`, `c`"));
  EXPECT_THAT(plan_text("CREATE TABLE t (a INT, b AS a + 1, c INT); SELECT * FROM t;"),
              HasSubstr("Scan t -> [a INT, c INT, b INT]"));
}

TEST(SqlPlan, SettingsAreKeptNotedOrRefused) {
  const Result<JobPlan> plan = plan_sql(
      "SET 'table.local-time-zone' = 'Asia/Shanghai'; SET 'table.exec.mini-batch.enabled' = 'true'; SET "
      "'weir.watermark.jump-max' = '1 h';"
      "SET 'rest.flamegraph.enabled' = 'x'; CREATE TABLE t (a INT) WITH ('connector' = 'print'); SET "
      "'weir.options.t.path' = 'p';");
  ASSERT_TRUE(plan.has_value());
  EXPECT_THAT(plan.value().settings,
              ElementsAre(testing::Pair("table.local-time-zone", "Asia/Shanghai"),
                          testing::Pair("weir.options.t.path", "p"), testing::Pair("weir.watermark.jump-max", "1 h")));
  EXPECT_EQ(plan.value().notes.size(), 2U);
  EXPECT_EQ(plan.value().tables.at("t")->options.at("path"), "p");
  EXPECT_EQ(plan_sql("").value().settings.at("table.local-time-zone"), "UTC");
  EXPECT_THAT(plan_text("SET 'table.local-timezone' = 'UTC';"), HasSubstr("did you mean 'table.local-time-zone'?"));
  EXPECT_THAT(plan_text("SET 'shards' = '2';"), HasSubstr("unknown setting 'shards'"));
  EXPECT_THAT(plan_text("SET 'weir.options.tt.path' = 'p';"), HasSubstr("unknown table `tt`"));
  EXPECT_THAT(plan_text("SET 'weir.late-row' = 'fail';"), HasSubstr("did you mean 'weir.late-rows'?"));
  EXPECT_THAT(plan_text("SET 'weir.shards' = '2';"), HasSubstr("weir.malformed-rows"));
  EXPECT_THAT(plan_text("RESET 'weir.late-row';"), HasSubstr("did you mean 'weir.late-rows'?"));
}

TEST(SqlPlan, SettingsBesideTheTextAreJudgedLikeThoseInIt) {
  SqlOptions options;
  options.settings = {{"weir.late-row", "fail"}};
  std::vector<Diagnostic> found;
  ASSERT_FALSE(plan_sql("CREATE TABLE t (a INT) WITH ('connector' = 'print');", options, &found).has_value());
  EXPECT_EQ(found[0].code, ErrorCode::kSqlUnknownOption);
  EXPECT_EQ(found[0].hint, "did you mean 'weir.late-rows'?");
}

TEST(SqlPlan, HintsChangeTheOptionsOfThatUseAlone) {
  const Result<JobPlan> plan =
      plan_sql(std::string(kTables) + "SELECT n FROM bids /*+ OPTIONS('path' = 'other.csv') */;");
  ASSERT_TRUE(plan.has_value());
  const PlanNode* node = plan.value().queries[0].root.get();
  while (node->input != nullptr) node = node->input.get();
  EXPECT_EQ(node->table->options.at("path"), "other.csv");
  EXPECT_EQ(plan.value().tables.at("bids")->options.at("path"), "bids.csv");
}

TEST(SqlPlan, TheHostJudgesOptionsAtTheirPlace) {
  SqlOptions options;
  options.validate_table = [](const TableDefinition& table) -> Result<void> {
    if (table.options.count("pth") == 0) return {};
    return Error(ErrorCode::kSqlUnknownOption, "unknown option 'pth'").with_hint("did you mean 'path'?");
  };
  EXPECT_EQ(plan_text("CREATE TABLE t (a INT)\nWITH ('pth' = 'x');", options),
            "job.sql:2:7: error WEIR-4004: unknown option 'pth'\n"
            "     2 | WITH ('pth' = 'x');\n"
            "       |       ^~~~~~~~~~~\n"
            "   hint: did you mean 'path'?\n");
}

TEST(SqlPlan, ExplainAndStatementSetsGiveTheirQueries) {
  const Result<JobPlan> plan =
      plan_sql(std::string(kTables) +
               "EXPLAIN SELECT n FROM bids; EXECUTE STATEMENT SET BEGIN INSERT INTO sink SELECT n, channel FROM bids; "
               "INSERT INTO sink SELECT auction, channel FROM bids; END;");
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan.value().queries.size(), 3U);
  EXPECT_TRUE(plan.value().queries[0].explain);
  EXPECT_FALSE(plan.value().queries[2].explain);
}

TEST(SqlPlan, WhatIsKnownAndNotSupportedSaysSo) {
  for (const std::string text :
       {"SELECT a.n FROM bids a JOIN bids b ON a.n = b.n;", "SELECT n FROM bids UNION ALL SELECT n FROM bids;",
        "SELECT n FROM bids ORDER BY n;", "SELECT n FROM bids LIMIT 1;", "SELECT SUM(n) OVER (ORDER BY ts) FROM bids;",
        "SELECT n FROM bids WHERE n IN (SELECT n FROM bids);", "SELECT ROW_NUMBER() FROM bids;", "SHOW TABLES;",
        "SELECT CARDINALITY(ARRAY[1]) FROM bids;", "SELECT 1;", "CREATE TABLE m (a INT METADATA);",
        "SELECT x FROM bids MATCH_RECOGNIZE (PATTERN (A)) AS m;"}) {
    std::vector<Diagnostic> found;
    ASSERT_FALSE(plan_sql(std::string(kTables) + text, {}, &found).has_value()) << text;
    EXPECT_EQ(found[0].code, ErrorCode::kSqlUnsupported) << text << found[0].message;
  }
}

TEST(SqlErrors, AnUnknownFunctionBringsTheNearestAggregatesToo) {
  std::vector<Diagnostic> found;
  ASSERT_FALSE(plan_sql(std::string(kTables) + "SELECT STDDV(n) FROM bids;", {}, &found).has_value());
  EXPECT_EQ(found[0].code, ErrorCode::kSqlUnknownName);
  EXPECT_NE(found[0].hint.find("STDDEV"), std::string::npos) << found[0].hint;
}

TEST(SqlErrors, AnUnknownColumnIsShownWithACaretAndASuggestion) {
  EXPECT_EQ(plan_text("CREATE TABLE t (delay INT);\nSELECT\n  dely + 1\nFROM t;"),
            "job.sql:3:3: error WEIR-4002: unknown column `dely`\n"
            "     3 |   dely + 1\n"
            "       |   ^~~~\n"
            "   hint: did you mean `delay`?\n");
}

TEST(SqlErrors, ColumnsCountCodePointsAndTabsKeepTheCaretInPlace) {
  EXPECT_EQ(plan_text("CREATE TABLE t (a INT);\nSELECT 'äö€', \tb FROM t;"),
            "job.sql:2:16: error WEIR-4002: unknown column `b`\n"
            "     2 | SELECT 'äö€', \tb FROM t;\n"
            "       |               \t^\n"
            "   hint: the columns are `a`\n");
}

TEST(SqlErrors, SeveralMistakesAreToldOnceEachInOrder) {
  EXPECT_EQ(plan_text("CREATE TABLE t (a INT,, b TEXT, c INT);\nSELECT a FROM t;\nSELECT x FROM u;\nSELCT 1;"),
            "job.sql:1:23: error WEIR-4001: expected a column name, found `,`\n"
            "     1 | CREATE TABLE t (a INT,, b TEXT, c INT);\n"
            "       |                       ^\n"
            "job.sql:1:27: error WEIR-4002: unknown type `TEXT`\n"
            "     1 | CREATE TABLE t (a INT,, b TEXT, c INT);\n"
            "       |                           ^~~~\n"
            "   hint: the type is called STRING here\n"
            "job.sql:3:15: error WEIR-4002: unknown table `u`\n"
            "     3 | SELECT x FROM u;\n"
            "       |               ^\n"
            "   hint: it needs a CREATE TABLE or CREATE VIEW before this statement\n"
            "job.sql:4:1: error WEIR-4001: expected a statement, found `SELCT`\n"
            "     4 | SELCT 1;\n"
            "       | ^~~~~\n"
            "   hint: did you mean `SELECT`?\n");
}

TEST(SqlErrors, ASecondDeclarationPointsAtTheFirst) {
  EXPECT_EQ(plan_text("CREATE TABLE t (a INT);\nCREATE TABLE t (b INT);"),
            "job.sql:2:14: error WEIR-4007: `t` exists already\n"
            "     2 | CREATE TABLE t (b INT);\n"
            "       |              ^\n"
            "job.sql:1:14: note: declared here\n"
            "     1 | CREATE TABLE t (a INT);\n"
            "       |              ^\n");
}

TEST(SqlErrors, AWindowWithoutWatermarkSaysHowToDeclareOne) {
  EXPECT_EQ(
      plan_text("CREATE TABLE t (ts TIMESTAMP(3));\nSELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR);"),
      "job.sql:2:31: error WEIR-4007: `ts` is TIMESTAMP(3) without a watermark\n"
      "     2 | SELECT * FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR);\n"
      "       |                               ^~~~~~~~~~~~~~\n"
      "   hint: declare it in the CREATE TABLE: WATERMARK FOR `ts` AS `ts` - INTERVAL '5' SECOND\n");
}

TEST(SqlErrors, AtMostErrorsMaxAreGiven) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "SELECT a FROM missing_" + std::to_string(i) + ";\n";
  SqlOptions options;
  std::vector<Diagnostic> found;
  EXPECT_FALSE(plan_sql(text, options, &found).has_value());
  EXPECT_EQ(found.size(), 10U);
  options.text_bytes_max = 100;
  EXPECT_EQ(plan_sql(text, options).error().code(), ErrorCode::kLimitExceeded);
  EXPECT_EQ(plan_sql("SELECT '\xff' FROM t").error().code(), ErrorCode::kInvalidUtf8);
}

TEST(SqlErrors, ChainsOfViewsEndAtTheirLimits) {
  std::string deep(kTables);
  std::string wide(kTables);
  deep += "CREATE VIEW v0 AS SELECT n FROM bids;";
  wide += "CREATE VIEW v0 AS SELECT n AS c FROM bids;";
  for (int i = 1; i < 400; ++i) {
    const std::string previous = "v" + std::to_string(i - 1);
    deep += "CREATE VIEW v" + std::to_string(i) + " AS SELECT n FROM " + previous + " WHERE n > 1;";
    if (i < 30) wide += "CREATE VIEW v" + std::to_string(i) + " AS SELECT *, * FROM " + previous + ";";
  }
  EXPECT_EQ(plan_sql(deep).error().code(), ErrorCode::kLimitExceeded);
  EXPECT_EQ(plan_sql(wide).error().code(), ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace weir
