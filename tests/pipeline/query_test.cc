// Queries in C++ beside the SQL that they stand for: each makes the same plan as a text written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "weir/weir.h"

namespace weir::query {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Table ticks() {
  return Table("ticks")
      .column("symbol", "STRING")
      .column("venue", "STRING")
      .column("price", "DOUBLE")
      .column("size", "BIGINT")
      .column("ms", "BIGINT")
      .computed("ts", call("TO_TIMESTAMP_LTZ", {col("ms"), 3}))
      .watermark("ts", milliseconds(1500))
      .option("connector", "host");
}

const char* const kTicks =
    "CREATE TABLE ticks (symbol STRING, venue STRING, price DOUBLE, `size` BIGINT, ms BIGINT, "
    "ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '1.5' SECOND) WITH ('connector' = 'host');\n";

std::string text_of(const Result<JobPlan>& plan) {
  if (!plan.has_value()) return plan.error().to_string();
  std::string out;
  for (const QueryPlan& query : plan.value().queries) out += to_string(query);
  return out;
}

/// The plan of SELECTs over `ticks`, printed.
std::string built(const Query& query) {
  return text_of(Script().add(ticks()).add_sql(query.to_sql()).plan());
}
std::string written(const std::string& select) {
  const std::string sql = kTicks + select;
  std::vector<Diagnostic> diagnostics;
  const Result<JobPlan> plan = plan_sql(sql, {}, &diagnostics);
  for (const Diagnostic& diagnostic : diagnostics) ADD_FAILURE() << render(diagnostic, sql, "written");
  return text_of(plan);
}

TEST(Query, EveryWindowMakesThePlanOfItsSql) {
  struct Case {
    Window window;
    std::string sql;
  };
  const std::vector<Case> cases = {
      {tumble("ts", seconds(10)), "TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '10' SECOND)"},
      {tumble("ts", minutes(1)).offset(seconds(-7)),
       "TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL -'7' SECOND)"},
      {hop("ts", milliseconds(250), seconds(1)),
       "HOP(TABLE ticks, DESCRIPTOR(ts), INTERVAL '0.25' SECOND, INTERVAL '1' SECOND)"},
      {hop("ts", hours(1), days(400)).offset(minutes(5)),
       "HOP(TABLE ticks, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '400' DAY, INTERVAL '5' MINUTE)"},
      {cumulate("ts", minutes(5), hours(1)).offset(minutes(2)),
       "CUMULATE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '1' HOUR, INTERVAL '2' MINUTE)"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(built(Query("ticks")
                        .window(one.window)
                        .group_by({col("symbol")})
                        .select({
                            col("symbol"),
                            window_start(),
                            window_end(),
                            count().as("n"),
                        })),
              written("SELECT symbol, window_start, window_end, COUNT(*) AS n FROM TABLE(" + one.sql +
                      ") GROUP BY symbol, window_start, window_end"))
        << one.sql;
  }
}

TEST(Query, WindowsWithKeysGroupByThemByThemselves) {
  struct Case {
    Window window;
    std::string sql;
  };
  const std::vector<Case> cases = {
      {session("ts", seconds(30)), "SESSION(TABLE ticks PARTITION BY symbol, DESCRIPTOR(ts), INTERVAL '30' SECOND)"},
      {tumble_rows(100), "TUMBLE_ROWS(TABLE ticks PARTITION BY symbol, 100)"},
      {hop_rows(10, 100), "HOP_ROWS(TABLE ticks PARTITION BY symbol, 10, 100)"},
  };
  for (const Case& one : cases) {
    const std::string sql = written("SELECT symbol, window_start, COUNT(*) AS n FROM TABLE(" + one.sql +
                                    ") GROUP BY symbol, window_start, window_end");
    const Query query = Query("ticks").window(one.window.partition_by({col("symbol")}));
    const std::vector<Expr> columns = {col("symbol"), window_start(), count().as("n")};
    EXPECT_EQ(built(query.group_by({}).select(columns)), sql) << one.sql;
    EXPECT_EQ(built(query.group_by({col("symbol")}).select(columns)), sql) << one.sql;
    EXPECT_EQ(built(query.group_by({window_end(), window_start(), col("symbol")}).select(columns)), sql) << one.sql;
  }
}

TEST(Query, EveryPartOfAnAggregateCallStands) {
  const Query query =
      Query("ticks")
          .where(col("price") > 0)
          .where(col("symbol").in({lit("A"), lit("it's")}) || !col("venue").like("x%"))
          .window(tumble("ts", seconds(10)))
          .group_by({col("symbol")})
          .having(count() > 1 && sum(col("size")) % 2 == 0)
          .select({
              call("LISTAGG", {col("venue"), lit(", ")}).within_group({desc(col("price")), col("venue")}).as("venues"),
              call("ARRAY_AGG", {col("venue")}).distinct().order_by({asc(col("venue")).nulls_last()}).as("set"),
              count_distinct({col("venue")}).filter(col("size") >= 100).as("d"),
              call("APPROX_PERCENTILE", {col("price"), 0.99, lit("kll"), 400}).as("p99"),
              (sum(col("price") * col("size")) / sum(col("size"))).as("mean"),
              avg(col("price")).as("a"),
              (max(col("price")) - min(col("price"))).cast("DECIMAL(10, 2)").as("range"),
              first_value(col("price")).as("open"),
              last_value(col("price")).as("close"),
              count(col("venue")).as("c"),
          });
  EXPECT_EQ(built(query),
            written("SELECT LISTAGG(venue, ', ') WITHIN GROUP (ORDER BY price DESC, venue) AS venues, "
                    "ARRAY_AGG(DISTINCT venue ORDER BY venue NULLS LAST) AS `set`, "
                    "COUNT(DISTINCT venue) FILTER (WHERE `size` >= 100) AS d, "
                    "APPROX_PERCENTILE(price, 9.9E-1, 'kll', 400) AS p99, "
                    "SUM(price * `size`) / SUM(`size`) AS mean, AVG(price) AS a, "
                    "CAST(MAX(price) - MIN(price) AS DECIMAL(10, 2)) AS `range`, FIRST_VALUE(price) AS `open`, "
                    "LAST_VALUE(price) AS `close`, COUNT(venue) AS c "
                    "FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
                    "WHERE price > 0 AND (symbol IN ('A', 'it''s') OR NOT venue LIKE 'x%') "
                    "GROUP BY symbol, window_start, window_end HAVING COUNT(*) > 1 AND SUM(`size`) % 2 = 0"));
}

TEST(Query, GroupingSetsRollupAndCube) {
  const Query query = Query("ticks").window(tumble("ts", seconds(10)));
  const std::string from = " FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) ";
  const std::vector<Expr> columns = {col("symbol"), call("GROUPING", {col("symbol")}).as("g"), count().as("n")};
  const std::string select = "SELECT symbol, GROUPING(symbol) AS g, COUNT(*) AS n" + from;
  EXPECT_EQ(built(query.rollup({col("symbol"), col("venue")}).select(columns)),
            written(select + "GROUP BY window_start, window_end, ROLLUP (symbol, venue)"));
  EXPECT_EQ(built(query.cube({col("symbol"), col("venue")}).select(columns)),
            written(select + "GROUP BY window_start, window_end, CUBE (symbol, venue)"));
  EXPECT_EQ(built(query.grouping_sets({{col("symbol")}, {col("venue"), col("symbol")}, {}}).select(columns)),
            written(select + "GROUP BY window_start, window_end, GROUPING SETS ((symbol), (venue, symbol), ())"));
}

TEST(Query, QueriesStandOverQueries) {
  const Query seconds_query =
      Query("ticks")
          .window(tumble("ts", seconds(1)))
          .group_by({col("symbol"), window_time()})
          .select({col("symbol"), window_time().as("wt"), call("ARG_MAX", {col("price"), col("size")}).as("p")});
  EXPECT_EQ(built(seconds_query.window(hop("wt", seconds(10), minutes(1)))
                      .group_by({})
                      .select({window_end(), avg(col("p")).as("a")})),
            written("SELECT window_end, AVG(p) AS a FROM TABLE(HOP((SELECT symbol, window_time AS wt, "
                    "ARG_MAX(price, `size`) AS p FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '1' SECOND)) "
                    "GROUP BY symbol, window_time, window_start, window_end), DESCRIPTOR(wt), INTERVAL '10' SECOND, "
                    "INTERVAL '1' MINUTE)) GROUP BY window_start, window_end"));
  EXPECT_EQ(built(Query("ticks")
                      .group_by({col("symbol")})
                      .select({count().as("n")})
                      .where(col("n") > 1)
                      .group_by({col("n")})
                      .select({col("n"), count().as("symbols")})),
            written("SELECT n, COUNT(*) AS symbols FROM (SELECT COUNT(*) AS n FROM ticks GROUP BY symbol) WHERE n > 1 "
                    "GROUP BY n"));
  EXPECT_EQ(built(Query("ticks").select_distinct({col("symbol")})), written("SELECT DISTINCT symbol FROM ticks"));
  EXPECT_EQ(built(Query("ticks")), written("SELECT * FROM ticks"));
}

TEST(Query, ConstantsMeanWhatTheyAreInTheProgram) {
  const Query query = Query("ticks").select({
      Expr(std::numeric_limits<std::int64_t>::min()).as("a"),
      Expr(-0.1).as("b"),
      Expr(1e300).as("c"),
      Expr(std::numeric_limits<double>::infinity()).as("d"),
      Expr(true).as("e"),
      null().cast("INT").as("f"),
      lit("it's `x`").as("g"),
      (5 - col("size") - -3).as("h"),
      (-(col("size") + 1)).as("i"),
      case_when({{col("size") > 5, lit("big")}}, lit("small")).as("j"),
      (col("ts") - nanoseconds(-1)).as("k"),
      case_when({{col("size").is_null(), 0}}).as("l"),
      col("size").between(1, 2).as("m"),
      col("size").try_cast("STRING").as("n"),
      (2 * (col("size") - 1)).as("o"),
      Expr::from_sql("1 + 2").as("p"),
      (Expr::from_sql("1 + 2") * 3).as("q"),
      col("size").is_not_null().as("r"),
  });
  EXPECT_EQ(
      built(query),
      written("SELECT -9223372036854775807 - 1 AS a, -1E-1 AS b, 1E300 AS c, CAST('Infinity' AS DOUBLE) AS d, "
              "TRUE AS e, CAST(NULL AS INT) AS f, 'it''s `x`' AS g, (5 - `size`) - (-3) AS h, -(`size` + 1) AS i, "
              "CASE WHEN `size` > 5 THEN 'big' ELSE 'small' END AS j, "
              "ts - INTERVAL -'0.000000001' SECOND(1, 9) AS k, "
              "CASE WHEN `size` IS NULL THEN 0 END AS l, `size` BETWEEN 1 AND 2 AS m, "
              "TRY_CAST(`size` AS STRING) AS n, 2 * (`size` - 1) AS o, 3 AS p, 9 AS q, `size` IS NOT NULL AS r "
              "FROM ticks"));
}

TEST(Query, AMistakeIsToldInTheText) {
  const auto plan = Script().add(ticks()).add_sql(Query("ticks").where(col("prize") > 1).to_sql()).plan();
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(plan.error().to_string(), HasSubstr("unknown column `prize`"));
  EXPECT_THAT(plan.error().to_string(), HasSubstr("did you mean `price`"));
  EXPECT_THAT(plan.error().to_string(), HasSubstr("WHERE (`prize` > 1)"));
}

TEST(Query, WhatStandsBehindExplainIsNoJob) {
  const auto job = make_job(
      Script()
          .add(Table("numbers").column("n", "INT").option("connector", "datagen").option("number-of-rows", "3"))
          .add_sql("EXPLAIN " + Query("numbers").to_sql())
          .to_sql(),
      {});
  ASSERT_FALSE(job.has_value());
  EXPECT_THAT(job.error().to_string(), HasSubstr("every query stands behind EXPLAIN"));
}

TEST(Query, AScriptRunsAsAJob) {
  Script script;
  script.set("weir.late-rows", "late")
      .add(Table("ticks")
               .column("symbol", "STRING")
               .column("price", "DOUBLE")
               .column("ms", "BIGINT")
               .computed("ts", call("TO_TIMESTAMP_LTZ", {col("ms"), 3}))
               .watermark("ts", milliseconds(1500))
               .option("connector", "host"))
      .add(Table("late").column("symbol", "STRING").column("ms", "BIGINT").option("connector", "host"))
      .add(Table("bars")
               .column("symbol", "STRING")
               .column("high", "DOUBLE")
               .primary_key({"symbol"})
               .option("connector", "host"))
      .add_view("good", Query("ticks").where(col("price") > 0).select({}))
      .insert_into("bars", Query("good")
                               .window(tumble("ts", seconds(10)))
                               .group_by({col("symbol")})
                               .select({col("symbol"), max(col("price"))}));
  const std::vector<std::pair<double, std::int64_t>> rows = {{5, 1000}, {7, 2000}, {-1, 2500}, {1, 30000}, {9, 3000}};
  std::vector<double> highs;
  std::vector<std::int64_t> late;
  JobOptions options;
  options.pin = false;
  bool given = false;
  options.host_tables["ticks"].read = [&](std::uint32_t, Batch& batch) {
    if (given) return ReadStatus::kEnd;
    given = true;
    for (std::uint32_t row = 0; row < rows.size(); ++row) {
      batch.column(0).values<StringRef>()[row] = StringRef("A");
      batch.column(1).values<double>()[row] = rows[row].first;
      batch.column(2).values<std::int64_t>()[row] = rows[row].second;
    }
    batch.set_row_count(static_cast<std::uint32_t>(rows.size()));
    return ReadStatus::kRows;
  };
  const auto each = [](const Batch& batch, const auto& take) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) take(batch.has_selection() ? batch.selection()[i] : i);
  };
  options.host_tables["bars"].write = [&](std::uint32_t, const Batch& batch) {
    each(batch, [&](std::uint32_t row) { highs.push_back(batch.column(1).values<double>()[row]); });
  };
  options.host_tables["late"].write = [&](std::uint32_t, const Batch& batch) {
    each(batch, [&](std::uint32_t row) { late.push_back(batch.column(1).values<std::int64_t>()[row]); });
  };
  auto job = make_job(script.to_sql(), options);
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  auto ran = (*job)->run();
  ASSERT_TRUE(ran.has_value()) << ran.error().to_string();
  EXPECT_THAT(highs, ElementsAre(7.0, 1.0));
  EXPECT_THAT(late, ElementsAre(3000));
}

}  // namespace
}  // namespace weir::query
