// Names and types of aggregates, and the accumulators that calls share.
#include "weir/pipeline/aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "window/accumulate.h"
#include "window/aggregate_layout.h"

namespace weir {
namespace {

std::string result_of(std::string_view name, const Type& argument) {
  auto type = resolve_aggregate(name, std::span(&argument, 1), false);
  return type ? type->to_string() : std::string(error_code_name(type.error().code()));
}

TEST(ResolveAggregate, ResultTypesAreThoseOfTheDialect) {
  EXPECT_EQ(resolve_aggregate("count", {}, false)->to_string(), "BIGINT NOT NULL");
  EXPECT_EQ(result_of("COUNT", Type::string()), "BIGINT NOT NULL");
  EXPECT_EQ(result_of("SUM", Type::integer()), "INT");
  EXPECT_EQ(result_of("SUM", Type::of(TypeId::kTinyInt, false)), "TINYINT");
  EXPECT_EQ(result_of("SUM", Type::decimal(10, 2)), "DECIMAL(38, 2)");
  EXPECT_EQ(result_of("AVG", Type::integer()), "INT");
  EXPECT_EQ(result_of("AVG", Type::decimal(10, 2)), "DECIMAL(38, 6)");
  EXPECT_EQ(result_of("AVG", Type::decimal(20, 8)), "DECIMAL(38, 8)");
  EXPECT_EQ(result_of("AVG", Type::of(TypeId::kFloat)), "FLOAT");
  EXPECT_EQ(result_of("MIN", Type::of(TypeId::kDate)), "DATE");
  EXPECT_EQ(result_of("max", Type::boolean()), "BOOLEAN");
  EXPECT_EQ(result_of("MAX", Type::timestamp_ltz(3)), "TIMESTAMP_LTZ(3)");
}

TEST(ResolveAggregate, WhatCannotBeIsRefusedWithItsReason) {
  EXPECT_EQ(result_of("SUM", Type::string()), "SqlType");
  EXPECT_EQ(result_of("AVG", Type::boolean()), "SqlType");
  EXPECT_EQ(result_of("RANK", Type::integer()), "SqlUnsupported");
  const Type argument = Type::integer();
  auto unknown = resolve_aggregate("SUMM", std::span(&argument, 1), false);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code(), ErrorCode::kSqlUnknownName);
  EXPECT_THAT(std::string(unknown.error().hint()), testing::HasSubstr("SUM"));
  EXPECT_EQ(resolve_aggregate("SUM", {}, false).error().code(), ErrorCode::kSqlType);
  EXPECT_EQ(resolve_aggregate("COUNT", {}, true).error().code(), ErrorCode::kSqlType);
  EXPECT_TRUE(resolve_aggregate("COUNT", std::span(&argument, 1), true).has_value());
  EXPECT_TRUE(resolve_aggregate("MIN", std::span(&argument, 1), true).has_value());
  EXPECT_TRUE(is_aggregate_name("listagg"));
  EXPECT_FALSE(is_aggregate_name("UPPER"));
}

Schema two_columns(bool nullable) {
  Schema schema;
  schema.fields = {{"x", Type::of(TypeId::kDouble, nullable)}, {"f", Type::boolean()}};
  return schema;
}

TEST(AggregateLayout, CallsOfOneArgumentShareTheirAccumulators) {
  std::vector<AggregateColumn> calls{
      {"COUNT", {}, -1, {}, ""}, {"COUNT", {0}, -1, {}, ""}, {"SUM", {0}, -1, {}, ""}, {"AVG", {0}, -1, {}, ""}};
  auto nullable = AggregateLayout::make(two_columns(true), calls, true);
  ASSERT_TRUE(nullable.has_value());
  EXPECT_EQ(nullable->accumulators().size(), 3u);  // rows, skipped(x), sum(x)
  EXPECT_EQ(nullable->state_bytes(), 56u);
  auto not_null = AggregateLayout::make(two_columns(false), calls, true);
  ASSERT_TRUE(not_null.has_value());
  EXPECT_EQ(not_null->accumulators().size(), 2u);  // rows, sum(x)
  EXPECT_EQ(not_null->state_bytes(), 48u);
  for (AggregateColumn& call : calls) call.fast_sum = true;
  auto fast = AggregateLayout::make(two_columns(false), calls, true);
  ASSERT_TRUE(fast.has_value());
  EXPECT_EQ(fast->accumulators().size(), 2u);
  EXPECT_EQ(fast->state_bytes(), 16u);
}

TEST(AggregateLayout, AFilterHasAccumulatorsOfItsOwn) {
  const std::vector<AggregateColumn> calls{{"SUM", {0}, -1, {}, ""}, {"SUM", {0}, 1, {}, ""}};
  auto layout = AggregateLayout::make(two_columns(false), calls, true);
  ASSERT_TRUE(layout.has_value());
  EXPECT_EQ(layout->accumulators().size(), 4u);  // rows, sum, sum where f, skipped where f
}

TEST(OrderedNumbers, HaveTheOrderOfTheirDoublesWithNaNAtTheEnd) {
  const double values[] = {-HUGE_VAL, -1e300, -1.0, -5e-324, -0.0, 0.0, 5e-324, 1.0, 1e300, HUGE_VAL};
  for (std::size_t i = 0; i + 1 < std::size(values); ++i)
    EXPECT_LT(ordered_from_double(values[i]), ordered_from_double(values[i + 1]));
  EXPECT_LT(ordered_from_double(HUGE_VAL), ordered_from_double(std::nan("")));
  EXPECT_EQ(ordered_from_double(-std::nan("1")), ordered_from_double(std::nan("")));
  for (const double value : values) {
    EXPECT_EQ(double_from_ordered(ordered_from_double(value)), value);
    EXPECT_EQ(float_from_ordered(ordered_from_float(static_cast<float>(value))), static_cast<float>(value));
  }
}

}  // namespace
}  // namespace weir
