// A host's C++ as scalar functions of SQL, beside the same computed by the test.
#include "weir/pipeline/user_function.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "engine/job_run.h"

namespace weir::test {
namespace {

/// Rows x, y, s of a file through a query into lines.
std::vector<std::string> run_query(const std::shared_ptr<const FunctionCatalogue>& functions, const std::string& select,
                                   const std::string& columns, Outcome* outcome = nullptr) {
  const Folder folder;
  const std::string in = folder.put("in.csv", "1,2.5,abc\n-7,,def\n12,4,\n3,0.5,a longer text than fits inline\n");
  const std::string sql = csv_table("t", "x BIGINT, y DOUBLE, s STRING", in, "'csv.null-literal' = ''") +
                          csv_table("o", columns, folder.path("out")) + "INSERT INTO o " + select + ";";
  JobOptions options = small_options();
  options.batch_rows = 3;
  options.functions = functions;
  const Outcome result = run_sql(sql, options);
  if (outcome != nullptr) {
    *outcome = result;
    return {};
  }
  EXPECT_TRUE(result.ok()) << result.text();
  return read_parts(folder.path("out"));
}

TEST(UserFunctions, AreCalledForRowsWithoutNullAndMayGiveNull) {
  const auto functions = std::make_shared<FunctionCatalogue>();
  ASSERT_TRUE(functions->add_function("test_mid", [](double a, double b) { return (a + b) / 2; }).has_value());
  const auto root = [](std::int64_t x) -> std::optional<std::int64_t> {
    if (x < 0) return std::nullopt;
    return x * 10;
  };
  ASSERT_TRUE(functions->add_function("test_root", root).has_value());
  const auto twice = [](std::string_view s) { return std::string(s) + std::string(s); };
  ASSERT_TRUE(functions->add_function("test_twice", twice).has_value());
  ASSERT_TRUE(functions->add_function("test_is_odd", [](std::int32_t x) { return x % 2 != 0; }).has_value());
  EXPECT_THAT(run_query(functions, "SELECT TEST_MID(CAST(x AS DOUBLE), y), Test_Root(x), test_twice(s) FROM t",
                        "a DOUBLE, b BIGINT, c STRING"),
              testing::UnorderedElementsAre("1.75,10,abcabc", ",,defdef", "8.0,120,",
                                            "1.75,30,a longer text than fits inlinea longer text than fits inline"));
  EXPECT_THAT(
      run_query(functions, "SELECT x FROM t WHERE test_is_odd(CAST(x AS INT)) AND test_mid(1, 3) = 2", "x BIGINT"),
      testing::UnorderedElementsAre("1", "-7", "3"));
}

TEST(UserFunctions, ThatThrowEndTheJobAndNameThemselves) {
  const auto functions = std::make_shared<FunctionCatalogue>();
  const auto throws = [](std::int64_t x) {
    if (x == 12) throw std::runtime_error("twelve");
    return x;
  };
  ASSERT_TRUE(functions->add_function("test_throws", throws).has_value());
  Outcome outcome;
  run_query(functions, "SELECT test_throws(x) FROM t", "x BIGINT", &outcome);
  expect_error(outcome, ErrorCode::kUserFunction, {"TEST_THROWS", "twelve"});
  // A row that a filter leaves out is not asked.
  EXPECT_EQ(run_query(functions, "SELECT test_throws(x) FROM t WHERE x < 12", "x BIGINT").size(), 3u);
}

TEST(UserFunctions, AreRefusedWhereTheNameIsTakenOrTheTypesDoNotFit) {
  const auto same = [](double x) { return x; };
  const auto functions = std::make_shared<FunctionCatalogue>();
  ASSERT_TRUE(functions->add_function("test_same", same).has_value());
  for (const char* name : {"test_same", "UPPER", "COUNT", "2x", "", "a b"})
    EXPECT_EQ(functions->add_function(name, same).error().code(), ErrorCode::kInvalidArgument) << name;
  FunctionDefinition definition;
  definition.name = "test_letters";
  definition.parameters = "q";
  definition.loop = [](FunctionCall&) {};
  EXPECT_EQ(functions->add_function(std::move(definition)).error().code(), ErrorCode::kInvalidArgument);
  Outcome outcome;
  run_query(functions, "SELECT test_same(s) FROM t", "x DOUBLE", &outcome);
  EXPECT_FALSE(outcome.made && outcome.ok());
  expect_error(outcome, ErrorCode::kSqlType, {"TEST_SAME"});
}

constexpr const char* kCharges =
    "CREATE TABLE t (x DOUBLE) WITH ('connector' = 'host');\n"
    "CREATE TABLE o (a DOUBLE, b DOUBLE) WITH ('connector' = 'host');\n"
    "INSERT INTO o SELECT CHARGE(x), CAST(FACTOR(CAST(x AS BIGINT)) AS DOUBLE) FROM t;";

/// Gives x = 1, 2, 3 and keeps what comes back.
JobOptions charges(std::vector<double>& found) {
  JobOptions options = small_options();
  options.threads = false;
  options.host_tables["t"].read = [given = false](std::uint32_t, Batch& batch) mutable {
    if (given) return ReadStatus::kEnd;
    given = true;
    for (std::uint32_t row = 0; row < 3; ++row) batch.column(0).values<double>()[row] = row + 1;
    batch.set_row_count(3);
    return ReadStatus::kRows;
  };
  options.host_tables["o"].write = [&found](std::uint32_t, const Batch& batch) {
    for (std::uint32_t row = 0; row < batch.row_count(); ++row)
      found.push_back(batch.column(0).values<double>()[row] + batch.column(1).values<double>()[row]);
  };
  return options;
}

Result<void> add_charges(FunctionCatalogue& functions, double rate) {
  WEIR_TRY(functions.add_function("charge", [rate](double x) { return rate * x; }));
  const std::int64_t keys[] = {1, 2, 3};
  const auto factor = static_cast<std::int64_t>(rate * 100);
  const std::int64_t values[] = {factor, 2 * factor, 3 * factor};
  return functions.add_lookup("factor", {keys, values, 3});
}

TEST(UserFunctions, OfTwoEnginesHaveOneNameAndAreCalledSideBySide) {
  Engine one, two;
  ASSERT_TRUE(add_charges(one.functions(), 2).has_value());
  ASSERT_TRUE(add_charges(two.functions(), 5).has_value());
  std::vector<double> of_one, of_two;
  const Result<Job*> first = one.create_job("charges", kCharges, charges(of_one));
  const Result<Job*> second = two.create_job("charges", kCharges, charges(of_two));
  ASSERT_TRUE(first.has_value() && second.has_value());
  while (!(*first)->wait_for(0) || !(*second)->wait_for(0)) {
    (*first)->poll();
    (*second)->poll();
  }
  EXPECT_TRUE(one.wait().has_value() && two.wait().has_value());
  EXPECT_THAT(of_one, testing::ElementsAre(202, 404, 606));
  EXPECT_THAT(of_two, testing::ElementsAre(505, 1010, 1515));
  // Neither is known elsewhere.
  Engine three;
  std::vector<double> none;
  const Result<Job*> unknown = three.create_job("charges", kCharges, charges(none));
  ASSERT_FALSE(unknown.has_value());
  EXPECT_THAT(unknown.error().to_string(), testing::HasSubstr("no function is called CHARGE"));
}

TEST(UserFunctions, StayWithAPlanThatOutlivesTheirCatalogue) {
  const auto alive = std::make_shared<int>(0);
  Result<JobPlan> plan = Error(ErrorCode::kUserFunction, "none yet");
  std::vector<double> found;
  {
    const auto functions = std::make_shared<FunctionCatalogue>();
    ASSERT_TRUE(functions->add_function("charge", [alive](double x) { return 3 * x + *alive; }).has_value());
    ASSERT_TRUE(functions->add_function("factor", [alive](std::int64_t x) { return x; }).has_value());
    JobOptions options = charges(found);
    options.functions = functions;
    plan = plan_job(kCharges, options);
    ASSERT_TRUE(plan.has_value()) << plan.error().to_string();
  }
  EXPECT_EQ(alive.use_count(), 3);
  for (int run = 0; run < 2; ++run) {
    found.clear();
    const auto job = Job::create(*plan, charges(found));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    EXPECT_TRUE((*job)->run().has_value());
    EXPECT_THAT(found, testing::ElementsAre(4, 8, 12));
  }
  plan = Error(ErrorCode::kUserFunction, "gone");
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace weir::test
