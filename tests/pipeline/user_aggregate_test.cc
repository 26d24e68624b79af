// A host's aggregate: the harness's view of it, and the rules of catalogues.
#include <gmock/gmock.h>

#include "support/aggregate_harness.h"
#include "support/last_text.h"
#include "weir/pipeline/aggregate.h"

namespace weir {
namespace {

using namespace test;

TEST(UserAggregate, DependsOnTheOrderOfRowsAndOwnsMemory) {
  AggregateCase c;
  c.name = "LAST_TEXT";
  c.definition = std::make_shared<const AggregateDefinition>(last_text_definition());
  c.arguments = {Type::string()};
  c.row = [](Random& random) {
    return std::vector{Value{std::string(random.below(60), static_cast<char>(random.between('a', 'z')))}};
  };
  c.oracle = [](std::span<const AggregateRow> rows) { return rows.empty() ? Value{} : rows.back().arguments[0]; };
  check_aggregate(c);
}

AggregateDefinition definition_of(const char* name) {
  AggregateDefinition definition;
  definition.name = name;
  definition.resolve = [](std::span<const Type>, std::span<const Value>) -> Result<Type> { return Type::bigint(); };
  definition.make = [](const AggregateCallInfo&) -> Result<AggregateFunctionPtr> {
    return AggregateFunctionPtr(std::make_shared<LastText>());
  };
  return definition;
}

TEST(FunctionCatalogue, FindsByNameInAnyCaseAndRefusesWhatIsTakenOrNoName) {
  FunctionCatalogue functions;
  ASSERT_TRUE(functions.add_aggregate(definition_of("registry_test_one")).has_value());
  ASSERT_TRUE(functions.add_function("half", [](double x) { return x / 2; }).has_value());
  ASSERT_NE(find_aggregate("Registry_Test_ONE", &functions), nullptr);
  EXPECT_EQ(find_aggregate("Registry_Test_ONE", &functions)->name, "REGISTRY_TEST_ONE");
  EXPECT_EQ(find_aggregate("HALF", &functions), nullptr);
  EXPECT_THAT(functions.names(), testing::ElementsAre("HALF", "REGISTRY_TEST_ONE"));
  for (const char* name : {"REGISTRY_TEST_ONE",
                           "half",
                           "sum",
                           "COUNT",
                           "BOOL_AND",
                           "RANK",
                           "UPPER",
                           "",
                           "1ST",
                           "A B",
                           "ä",
                           "TUMBLE",
                           "HOP_START",
                           "GROUPING",
                           "CAST",
                           "TRY_CAST",
                           "select",
                           "LEFT",
                           "JSON_VALUE",
                           "EXTRACT",
                           "ARRAY"}) {
    const Result<void> refused = functions.add_aggregate(definition_of(name));
    ASSERT_FALSE(refused.has_value()) << name;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().to_string(), testing::HasSubstr("a function cannot be called '"));
  }
  AggregateDefinition empty = definition_of("REGISTRY_TEST_TWO");
  empty.make = nullptr;
  EXPECT_FALSE(functions.add_aggregate(std::move(empty)).has_value());
  EXPECT_EQ(functions.names().size(), 2u);
}

TEST(FunctionCatalogue, IsWhatTheBinderAsksAndNoOtherSeesIt) {
  const std::shared_ptr<FunctionCatalogue> functions = last_text_catalogue();
  const FunctionCatalogue other;
  EXPECT_TRUE(is_aggregate_name("last_text", functions.get()));
  EXPECT_FALSE(is_aggregate_name("last_text", &other));
  EXPECT_FALSE(is_aggregate_name("last_text"));
  AggregateCallInfo call;
  call.name = "LAST_TEXT";
  call.definition = find_aggregate(call.name, functions.get());
  call.arguments = {Type::string()};
  EXPECT_EQ(resolve_aggregate(call)->to_string(), "STRING");
  call.arguments = {};
  EXPECT_EQ(resolve_aggregate(call).error().code(), ErrorCode::kSqlType);
  call.arguments = {Type::of(TypeId::kNull)};
  EXPECT_EQ(resolve_aggregate(call).error().code(), ErrorCode::kSqlType);
  call.definition = nullptr;
  EXPECT_EQ(resolve_aggregate(call).error().code(), ErrorCode::kSqlUnknownName);
}

TEST(FunctionCatalogue, WeirsOwnAggregatesAreListedByName) {
  std::string before;
  for (const AggregateDefinitionPtr& definition : built_in_aggregates()) {
    EXPECT_LT(before, definition->name);
    EXPECT_EQ(find_aggregate(definition->name), definition);
    EXPECT_TRUE(definition->resolve != nullptr && definition->make != nullptr) << definition->name;
    before = definition->name;
  }
  EXPECT_GT(built_in_aggregates().size(), 40u);
}

TEST(FunctionCatalogue, TellsColumnsFromTrailingConstants) {
  AggregateDefinition definition = definition_of("REGISTRY_TEST_THREE");
  definition.arguments_min = 1;
  definition.arguments_max = 3;
  definition.constants_max = 2;
  EXPECT_EQ(constant_arguments(&definition, 1), 0u);
  EXPECT_EQ(constant_arguments(&definition, 2), 1u);
  EXPECT_EQ(constant_arguments(&definition, 3), 2u);
  EXPECT_EQ(constant_arguments(nullptr, 3), 0u);
}

}  // namespace
}  // namespace weir
