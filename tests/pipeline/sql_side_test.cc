// Settings about rows that leave a query on the side: what is bound, and the errors about names and types.
#include <gmock/gmock.h>

#include "pipeline/sql_case.h"

namespace weir::test {
namespace {

constexpr const char* kCount =
    "INSERT INTO sink SELECT COUNT(*), 'x' FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP "
    "BY "
    "window_start, window_end;";

Result<JobPlan> planned(std::string_view sql) {
  return plan_sql(std::string(kTables) + std::string(sql));
}

TEST(LateRows, are_dropped_where_nothing_is_said_and_where_that_is_said) {
  EXPECT_EQ(planned(kCount)->queries[0].late_policy, LatePolicy::kDrop);
  EXPECT_EQ(planned("SET 'weir.late-rows' = 'drop';" + std::string(kCount))->queries[0].late_policy, LatePolicy::kDrop);
}

TEST(LateRows, a_setting_counts_for_the_queries_behind_it) {
  const auto plan = planned("CREATE TABLE l (n INT) WITH ('connector' = 'print');" + std::string(kCount) +
                            "SET 'weir.late-rows' = 'l';" + kCount + "SET 'weir.late-rows' = 'fail';" + kCount +
                            "RESET 'weir.late-rows';" + kCount);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->queries[0].late_policy, LatePolicy::kDrop);
  EXPECT_EQ(plan->queries[1].late_policy, LatePolicy::kSideOutput);
  EXPECT_EQ(plan->queries[1].late_output->table->name, "l");
  EXPECT_EQ(plan->queries[2].late_policy, LatePolicy::kFail);
  EXPECT_EQ(plan->queries[3].late_policy, LatePolicy::kDrop);
}

TEST(LateRows, columns_are_found_by_name_and_cast_as_an_insert_does) {
  const auto plan = planned(
      "CREATE TABLE l (weir_watermark TIMESTAMP(3), n BIGINT, channel STRING) WITH ('connector' = 'print');"
      "SET 'weir.late-rows' = 'l';" +
      std::string(kCount));
  ASSERT_TRUE(plan.has_value()) << plan.error().to_string();
  const auto& expressions = plan->queries[0].late_output->expressions;
  ASSERT_EQ(expressions.size(), 3u);
  EXPECT_EQ(expressions[0]->column, 8u);  // behind the eight columns of bids
  EXPECT_EQ(expressions[1]->type.id, TypeId::kBigInt);
  EXPECT_EQ(expressions[2]->column, 2u);
}

TEST(LateRows, a_name_in_backticks_is_a_table_whatever_it_is) {
  const auto plan =
      planned("CREATE TABLE `drop` (n INT) WITH ('connector' = 'print'); SET 'weir.late-rows' = '`drop`';" +
              std::string(kCount));
  ASSERT_TRUE(plan.has_value()) << plan.error().to_string();
  EXPECT_EQ(plan->queries[0].late_output->table->name, "drop");
}

TEST(LateRows, mistakes_are_shown_at_the_setting) {
  EXPECT_EQ(first_error("SET 'weir.late-rows' = 'lost'; " + std::string(kCount)), "unknown table `lost` for late rows");
  EXPECT_THAT(plan_text(std::string(kTables) +
                        "CREATE TABLE lates (n INT) WITH ('connector' = 'print');\n"
                        "SET 'weir.late-rows' = 'late';\n" +
                        kCount),
              testing::AllOf(testing::HasSubstr("SET 'weir.late-rows' = 'late'"), testing::HasSubstr("did you mean")));
  EXPECT_EQ(first_error("CREATE VIEW v AS SELECT n FROM bids; SET 'weir.late-rows' = 'v'; " + std::string(kCount)),
            "`v` is a view");
  EXPECT_EQ(first_error("CREATE TABLE l (chanel STRING) WITH ('connector' = 'print'); SET 'weir.late-rows' = 'l'; " +
                        std::string(kCount)),
            "`l` takes late rows of `bids`, which have no column `chanel`");
  EXPECT_EQ(first_error("CREATE TABLE l (channel INT) WITH ('connector' = 'print'); SET 'weir.late-rows' = 'l'; " +
                        std::string(kCount)),
            "the column `channel` of `l` is INT, that of late rows of `bids` is STRING");
}

}  // namespace
}  // namespace weir::test
