// A host's C++ as scalar functions of SQL, beside the same computed by the test.
#include "weir/pipeline/user_function.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "engine/job_run.h"

namespace weir::test {
namespace {

/// Rows x, y, s of a file through a query into lines.
std::vector<std::string> run_query(const std::string& select, const std::string& columns, Outcome* outcome = nullptr) {
  const Folder folder;
  const std::string in = folder.put("in.csv", "1,2.5,abc\n-7,,def\n12,4,\n3,0.5,a longer text than fits inline\n");
  const std::string sql = csv_table("t", "x BIGINT, y DOUBLE, s STRING", in, "'csv.null-literal' = ''") +
                          csv_table("o", columns, folder.path("out")) + "INSERT INTO o " + select + ";";
  JobOptions options = small_options();
  options.batch_rows = 3;
  const Outcome result = run_sql(sql, options);
  if (outcome != nullptr) {
    *outcome = result;
    return {};
  }
  EXPECT_TRUE(result.ok()) << result.text();
  return read_parts(folder.path("out"));
}

TEST(UserFunctions, AreCalledForRowsWithoutNullAndMayGiveNull) {
  static const bool registered = [] {
    return register_function("test_mid", [](double a, double b) { return (a + b) / 2; }).has_value() &&
           register_function("test_root",
                             [](std::int64_t x) -> std::optional<std::int64_t> {
                               if (x < 0) return std::nullopt;
                               return x * 10;
                             })
               .has_value() &&
           register_function("test_twice", [](std::string_view s) { return std::string(s) + std::string(s); })
               .has_value() &&
           register_function("test_is_odd", [](std::int32_t x) { return x % 2 != 0; }).has_value();
  }();
  ASSERT_TRUE(registered);
  EXPECT_THAT(run_query("SELECT TEST_MID(CAST(x AS DOUBLE), y), Test_Root(x), test_twice(s) FROM t",
                        "a DOUBLE, b BIGINT, c STRING"),
              testing::UnorderedElementsAre("1.75,10,abcabc", ",,defdef", "8.0,120,",
                                            "1.75,30,a longer text than fits inlinea longer text than fits inline"));
  EXPECT_THAT(run_query("SELECT x FROM t WHERE test_is_odd(CAST(x AS INT)) AND test_mid(1, 3) = 2", "x BIGINT"),
              testing::UnorderedElementsAre("1", "-7", "3"));
}

TEST(UserFunctions, ThatThrowEndTheJobAndNameThemselves) {
  ASSERT_TRUE(register_function("test_throws", [](std::int64_t x) {
                if (x == 12) throw std::runtime_error("twelve");
                return x;
              }).has_value());
  Outcome outcome;
  run_query("SELECT test_throws(x) FROM t", "x BIGINT", &outcome);
  expect_error(outcome, ErrorCode::kUserFunction, {"TEST_THROWS", "twelve"});
  // A row that a filter leaves out is not asked.
  EXPECT_EQ(run_query("SELECT test_throws(x) FROM t WHERE x < 12", "x BIGINT").size(), 3u);
}

TEST(UserFunctions, AreRefusedWhereTheNameIsTakenOrTheTypesDoNotFit) {
  const auto same = [](double x) { return x; };
  ASSERT_TRUE(register_function("test_same", same).has_value());
  for (const char* name : {"test_same", "UPPER", "COUNT", "2x", "", "a b"})
    EXPECT_EQ(register_function(name, same).error().code(), ErrorCode::kInvalidArgument) << name;
  FunctionDefinition definition;
  definition.name = "test_letters";
  definition.parameters = "q";
  definition.loop = [](FunctionCall&) {};
  EXPECT_EQ(register_function(std::move(definition)).error().code(), ErrorCode::kInvalidArgument);
  Outcome outcome;
  run_query("SELECT test_same(s) FROM t", "x DOUBLE", &outcome);
  EXPECT_FALSE(outcome.made && outcome.ok());
  expect_error(outcome, ErrorCode::kSqlType, {"TEST_SAME"});
}

}  // namespace
}  // namespace weir::test
