// What the binder makes of aggregate calls: columns, constants, ORDER BY and DISTINCT, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/sql_case.h"
#include "support/last_text.h"

namespace weir {
namespace {

using test::bids_plan;
using test::first_error;
using testing::HasSubstr;

std::string query(const std::string& calls) {
  return "SELECT " + calls +
         " FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' HOUR) GROUP BY window_start, window_end;";
}
/// The calls of the plan's kAggregate.
std::string calls_of(const std::string& calls) {
  const std::string plan = bids_plan(query(calls));
  const std::size_t begin = plan.find("calls ["), end = plan.find("]\n", begin);
  return begin == std::string::npos ? plan : plan.substr(begin + 7, end - begin - 7);
}
std::string error_of(const std::string& calls) {
  return first_error(query(calls));
}

TEST(SqlAggregate, TrailingConstantsAreNoColumns) {
  EXPECT_EQ(calls_of("PERCENTILE_CONT(x, 0.25) AS a"), "PERCENTILE_CONT(`x`, 0.25)");
  EXPECT_EQ(calls_of("PERCENTILE_CONT(x, 1.0 / 4) AS a"), "PERCENTILE_CONT(`x`, 0.25)");
  EXPECT_EQ(calls_of("LISTAGG(channel, ' | ') AS a, LISTAGG(channel) AS b"),
            "LISTAGG(`channel`, ' | '), LISTAGG(`channel`)");
  EXPECT_EQ(error_of("PERCENTILE_CONT(x, x) AS a"), "this argument of PERCENTILE_CONT has to be a constant");
  EXPECT_EQ(error_of("PERCENTILE_CONT(x, NULL) AS a"), "this argument of PERCENTILE_CONT cannot be NULL");
  EXPECT_THAT(error_of("PERCENTILE_CONT(x, 1.5) AS a"), HasSubstr("from 0 to 1, not 1.5"));
}

TEST(SqlAggregate, OrderByInsideACallBecomesItsLastArguments) {
  EXPECT_EQ(calls_of("LISTAGG(channel, ',') WITHIN GROUP (ORDER BY n DESC, x) AS a"),
            "LISTAGG(`channel`, ',') WITHIN GROUP (ORDER BY `n` DESC, `x`)");
  EXPECT_EQ(calls_of("LISTAGG(channel ORDER BY n NULLS LAST, x DESC NULLS FIRST) FILTER (WHERE ok) AS a"),
            "LISTAGG(`channel`) WITHIN GROUP (ORDER BY `n` NULLS LAST, `x` DESC NULLS FIRST) FILTER (WHERE `ok`)");
  EXPECT_EQ(calls_of("LISTAGG(channel ORDER BY n NULLS FIRST, x DESC NULLS LAST) AS a"),
            "LISTAGG(`channel`) WITHIN GROUP (ORDER BY `n`, `x` DESC)");
  EXPECT_EQ(error_of("SUM(n ORDER BY x) AS a"), "SUM takes no ORDER BY");
  EXPECT_THAT(bids_plan(query("FIRST_VALUE(n ORDER BY x) AS a")), HasSubstr("hint: ARG_MIN(x, key) and ARG_MAX"));
  EXPECT_EQ(error_of("BOOL_AND(ok ORDER BY x) AS a"), "BOOL_AND takes no ORDER BY");
  EXPECT_EQ(error_of("LISTAGG(channel ORDER BY n) WITHIN GROUP (ORDER BY x) AS a"), "the call has an ORDER BY already");
  EXPECT_EQ(first_error("SELECT UPPER(channel ORDER BY n) AS a FROM bids;"),
            "ORDER BY is for aggregates; `UPPER` is none");
}

TEST(SqlAggregate, NullTreatmentIsAFilter) {
  const std::string ignored = "ARRAY_AGG(`n`) WITHIN GROUP (ORDER BY `x`) FILTER (WHERE (`n` IS NOT NULL))";
  EXPECT_EQ(calls_of("ARRAY_AGG(n IGNORE NULLS ORDER BY x) AS a"), ignored);
  EXPECT_EQ(calls_of("ARRAY_AGG(n) IGNORE NULLS WITHIN GROUP (ORDER BY x) AS a"), ignored);
  EXPECT_EQ(calls_of("ARRAY_AGG(n) WITHIN GROUP (ORDER BY x) IGNORE NULLS AS a"), ignored);
  EXPECT_EQ(calls_of("LAST_VALUE(n) IGNORE NULLS FILTER (WHERE ok) AS a"),
            "LAST_VALUE(`n`) FILTER (WHERE (`ok` AND (`n` IS NOT NULL)))");
  EXPECT_EQ(calls_of("ARRAY_AGG(n) RESPECT NULLS AS a"), "ARRAY_AGG(`n`)");
  EXPECT_THAT(error_of("FIRST_VALUE(n) RESPECT NULLS AS a"), HasSubstr("FIRST_VALUE leaves NULLs out"));
  EXPECT_EQ(first_error("SELECT UPPER(channel) IGNORE NULLS AS a FROM bids;"),
            "IGNORE NULLS is for aggregates; `UPPER` is none");
}

TEST(SqlAggregate, FilterMayStandBeforeWithinGroup) {
  const std::string call = "LISTAGG(DISTINCT `channel`, ',') WITHIN GROUP (ORDER BY `n`) FILTER (WHERE `ok`)";
  EXPECT_EQ(calls_of("LISTAGG(DISTINCT channel, ',') WITHIN GROUP (ORDER BY n) FILTER (WHERE ok) AS a"), call);
  EXPECT_EQ(calls_of("LISTAGG(DISTINCT channel, ',') FILTER (WHERE ok) WITHIN GROUP (ORDER BY n) AS a"), call);
}

TEST(SqlAggregate, ALimitStandsInsideArrayAggOnly) {
  EXPECT_EQ(calls_of("ARRAY_AGG(n ORDER BY x DESC LIMIT 3) AS a"),
            "ARRAY_AGG(`n`, 'LIMIT 3') WITHIN GROUP (ORDER BY `x` DESC)");
  EXPECT_EQ(error_of("ARRAY_AGG(n LIMIT 0) AS a"), "LIMIT 0 leaves nothing of ARRAY_AGG");
  EXPECT_EQ(error_of("ARRAY_AGG(n, 3) AS a"), "ARRAY_AGG takes one argument");
  EXPECT_EQ(error_of("ARRAY_AGG(n LIMIT x) AS a"), "expected a whole number as LIMIT, found `x`");
  EXPECT_EQ(error_of("LISTAGG(channel LIMIT 3) AS a"), "LIMIT inside LISTAGG is not supported");
  EXPECT_EQ(error_of("SUM(n LIMIT 3) AS a"), "LIMIT inside SUM is not supported");
  EXPECT_EQ(first_error("SELECT UPPER(channel LIMIT 3) AS a FROM bids;"), "LIMIT is for aggregates; `UPPER` is none");
}

TEST(SqlAggregate, NamesOfOtherDialectsAreToldInWeirs) {
  const auto text = [](const std::string& calls) { return bids_plan(query(calls)); };
  EXPECT_THAT(text("STRING_AGG(channel, ',') AS a"), HasSubstr("write LISTAGG(string, separator)"));
  EXPECT_THAT(text("COUNT_IF(ok) AS a"), HasSubstr("write COUNT(*) FILTER (WHERE condition)"));
  EXPECT_THAT(text("wavg(x, n) AS a"), HasSubstr("write VWAP(x, weight)"));
  EXPECT_THAT(text("STD(DISTINCT x) AS a"), HasSubstr("write STDDEV(x)"));
}

TEST(SqlAggregate, AnAliasInAnotherClauseIsExplained) {
  EXPECT_THAT(bids_plan("SELECT channel, COUNT(*) AS total FROM bids GROUP BY channel HAVING total > 1;"),
              HasSubstr("names given by AS are not known in other clauses"));
  EXPECT_THAT(bids_plan("SELECT n AS m FROM bids WHERE m > 1;"),
              HasSubstr("names given by AS are not known in other clauses"));
}

TEST(SqlAggregate, WithinGroupGivesAnOrderedSetItsArgument) {
  EXPECT_EQ(calls_of("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x) AS a"),
            "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY `x`)");
  EXPECT_EQ(calls_of("PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY n DESC) AS a"),
            "PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY `n` DESC)");
  EXPECT_EQ(calls_of("MODE() WITHIN GROUP (ORDER BY channel) AS a"), "MODE() WITHIN GROUP (ORDER BY `channel`)");
  EXPECT_EQ(error_of("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x, n) AS a"),
            "PERCENTILE_CONT takes one expression in ORDER BY");
}

TEST(SqlAggregate, JsonAggregatesHaveASyntaxOfTheirOwn) {
  const std::string nulls = "JSON_OBJECTAGG(`channel`, `n`, 'NULL ON NULL')";
  EXPECT_EQ(calls_of("JSON_OBJECTAGG(KEY channel VALUE n NULL ON NULL) AS a"), nulls);
  EXPECT_EQ(calls_of("JSON_OBJECTAGG(channel VALUE n NULL ON NULL) AS a"), nulls);
  EXPECT_EQ(calls_of("JSON_ARRAYAGG(n ABSENT ON NULL) WITHIN GROUP (ORDER BY x) AS a"),
            "JSON_ARRAYAGG(`n`, 'ABSENT ON NULL') WITHIN GROUP (ORDER BY `x`)");
}

TEST(SqlAggregate, EqualCallsAreOneAndOthersAreNot) {
  EXPECT_EQ(calls_of("LISTAGG(channel, ',') AS a, LISTAGG(channel, ';') AS b, LISTAGG(channel, ',') AS c"),
            "LISTAGG(`channel`, ','), LISTAGG(`channel`, ';')");
  EXPECT_EQ(
      calls_of("LISTAGG(channel ORDER BY n) AS a, LISTAGG(channel ORDER BY n DESC) AS b, LISTAGG(channel ORDER BY "
               "n ASC) AS c"),
      "LISTAGG(`channel`) WITHIN GROUP (ORDER BY `n`), LISTAGG(`channel`) WITHIN GROUP (ORDER BY `n` DESC)");
  EXPECT_EQ(calls_of("COUNT(DISTINCT n) AS a, COUNT(n) AS b, COUNT(DISTINCT n) AS c"),
            "COUNT(DISTINCT `n`), COUNT(`n`)");
}

TEST(SqlAggregate, CountsOfArgumentsAreChecked) {
  EXPECT_EQ(error_of("BOOL_AND(ok, ok) AS a"), "BOOL_AND takes 1 argument, 2 were given");
  EXPECT_THAT(error_of("BOOL_AND() AS a"), HasSubstr("needs an argument"));
  EXPECT_EQ(error_of("BOOL_AND(n) AS a"), "BOOL_AND takes a BOOLEAN, not INT");
  EXPECT_EQ(error_of("BOOL_AND(NULL) AS a"), "BOOL_AND takes no NULL without a type");
  EXPECT_EQ(error_of("SUM(n, x) AS a"), "SUM takes one argument, 2 were given");
  EXPECT_EQ(calls_of("COUNT(DISTINCT n, channel) AS a"), "COUNT(DISTINCT `n`, `channel`)");
}

TEST(SqlAggregate, AHostsAggregateIsCalledByItsName) {
  SqlOptions options;
  options.functions = test::last_text_catalogue();
  const auto plan_of = [&](const std::string& calls) {
    return test::plan_text(std::string(test::kTables) + query(calls), options);
  };
  EXPECT_THAT(plan_of("last_text(channel) AS a"), HasSubstr("calls [LAST_TEXT(`channel`)]"));
  EXPECT_THAT(plan_of("LAST_TEXT(n) AS a"), HasSubstr("LAST_TEXT takes a text"));
  EXPECT_THAT(plan_of("LAST_TEXT() AS a"), HasSubstr("`LAST_TEXT` needs an argument"));
  EXPECT_THAT(plan_of("LAST_TEXT(channel, n) AS a"), HasSubstr("LAST_TEXT takes 1 argument, 2 were given"));
  EXPECT_THAT(plan_of("LAST_TEXTS(channel) AS a"), HasSubstr("did you mean LAST_TEXT?"));
  EXPECT_EQ(error_of("last_text(channel) AS a"), "no function is called LAST_TEXT");
}

}  // namespace
}  // namespace weir
