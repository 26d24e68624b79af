// A host's aggregate: the harness's view of it, and the registry's rules.
#include <gmock/gmock.h>

#include "support/aggregate_harness.h"
#include "support/last_text.h"
#include "weir/pipeline/aggregate.h"

namespace weir {
namespace {

using namespace test;

TEST(UserAggregate, DependsOnTheOrderOfRowsAndOwnsMemory) {
  register_last_text();
  AggregateCase c;
  c.name = "LAST_TEXT";
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

TEST(Registry, FindsByNameInAnyCaseAndRefusesWhatIsTakenOrNoName) {
  ASSERT_TRUE(register_aggregate(definition_of("registry_test_one")).has_value());
  EXPECT_NE(find_aggregate("Registry_Test_ONE"), nullptr);
  EXPECT_EQ(find_aggregate("Registry_Test_ONE")->name, "REGISTRY_TEST_ONE");
  for (const char* name : {"REGISTRY_TEST_ONE", "sum", "COUNT", "BOOL_AND", "", "1ST", "A B", "ä"}) {
    const Result<void> refused = register_aggregate(definition_of(name));
    ASSERT_FALSE(refused.has_value()) << name;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  }
  AggregateDefinition empty = definition_of("REGISTRY_TEST_TWO");
  empty.make = nullptr;
  EXPECT_FALSE(register_aggregate(std::move(empty)).has_value());
}

TEST(Registry, ListsItsOwnBeforeAHostsEachByName) {
  register_last_text();
  bool own = true;
  std::string before;
  for (const AggregateDefinition* definition : registered_aggregates()) {
    const bool host = definition->name == "LAST_TEXT" || definition->name.starts_with("REGISTRY_TEST");
    if (host && own) before.clear();
    own = own && !host;
    EXPECT_EQ(own, !host) << definition->name;
    EXPECT_LT(before, definition->name);
    before = definition->name;
  }
  EXPECT_FALSE(own);
}

TEST(Registry, IsWhatTheBinderAsks) {
  register_last_text();
  EXPECT_TRUE(is_aggregate_name("last_text"));
  const Type text = Type::string();
  EXPECT_EQ(resolve_aggregate("last_text", std::span(&text, 1), false)->to_string(), "STRING");
  const Result<Type> near = resolve_aggregate("LAST_TEXTS", std::span(&text, 1), false);
  ASSERT_FALSE(near.has_value());
  EXPECT_THAT(std::string(near.error().hint()), testing::HasSubstr("LAST_TEXT"));
  EXPECT_EQ(resolve_aggregate("LAST_TEXT", {}, false).error().code(), ErrorCode::kSqlType);
  const Type null = Type::of(TypeId::kNull);
  EXPECT_EQ(resolve_aggregate("LAST_TEXT", std::span(&null, 1), false).error().code(), ErrorCode::kSqlType);
  bool listed = false;
  for (const AggregateHelp& help : aggregate_functions()) listed = listed || help.name == "LAST_TEXT";
  EXPECT_TRUE(listed);
}

TEST(Registry, TellsColumnsFromTrailingConstants) {
  AggregateDefinition definition = definition_of("REGISTRY_TEST_THREE");
  definition.arguments_min = 1;
  definition.arguments_max = 3;
  definition.constants_max = 2;
  ASSERT_TRUE(register_aggregate(std::move(definition)).has_value());
  EXPECT_EQ(constant_arguments("registry_test_three", 1), 0u);
  EXPECT_EQ(constant_arguments("registry_test_three", 2), 1u);
  EXPECT_EQ(constant_arguments("registry_test_three", 3), 2u);
  EXPECT_EQ(constant_arguments("SUM", 3), 0u);
}

}  // namespace
}  // namespace weir
