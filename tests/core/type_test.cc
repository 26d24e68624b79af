// Types: their names in SQL and their physical forms.
#include "weir/core/type.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Type, NamesAreThoseOfSql) {
  EXPECT_EQ(Type::boolean().to_string(), "BOOLEAN");
  EXPECT_EQ(Type::integer().to_string(), "INT");
  EXPECT_EQ(Type::bigint().to_string(), "BIGINT");
  EXPECT_EQ(Type::float64().to_string(), "DOUBLE");
  EXPECT_EQ(Type::string().to_string(), "STRING");
  EXPECT_EQ(Type::decimal(10, 2).to_string(), "DECIMAL(10, 2)");
  EXPECT_EQ(Type::timestamp(3).to_string(), "TIMESTAMP(3)");
  EXPECT_EQ(Type::timestamp_ltz(9).to_string(), "TIMESTAMP_LTZ(9)");
  EXPECT_EQ(Type::of(TypeId::kDecimal).to_string(), "DECIMAL(10, 0)");
  EXPECT_EQ(Type::of(TypeId::kTimestamp).to_string(), "TIMESTAMP(6)");
  EXPECT_EQ(Type::of(TypeId::kTime).to_string(), "TIME(0)");
  EXPECT_EQ(Type::of(TypeId::kBytes, false).to_string(), "BYTES NOT NULL");
  EXPECT_EQ(Type::of(TypeId::kIntervalDay).to_string(), "INTERVAL DAY TO SECOND");
  Type varchar = Type::string();
  varchar.length = 20;
  EXPECT_EQ(varchar.to_string(), "VARCHAR(20)");
  varchar.fixed_length = true;
  EXPECT_EQ(varchar.to_string(), "CHAR(20)");
  varchar.id = TypeId::kBytes;
  EXPECT_EQ(varchar.to_string(), "BINARY(20)");
  Type row = Type::of(TypeId::kRow);
  row.children = std::make_shared<const std::vector<Field>>(
      std::vector<Field>{{"a", Type::integer()}, {"b", Type::of(TypeId::kString, false)}});
  EXPECT_EQ(row.to_string(), "ROW<a INT, b STRING NOT NULL>");
}

TEST(Type, DecimalsChangeTheirFormBehind18Digits) {
  EXPECT_EQ(Type::decimal(1, 0).physical(), Physical::kInt64);
  EXPECT_EQ(Type::decimal(18, 18).physical(), Physical::kInt64);
  EXPECT_EQ(Type::decimal(19, 0).physical(), Physical::kInt128);
  EXPECT_EQ(Type::decimal(38, 38).physical(), Physical::kInt128);
}

TEST(Type, EveryTypeHasAPhysicalForm) {
  const std::pair<TypeId, std::size_t> sizes[] = {
      {TypeId::kNull, 1},          {TypeId::kBoolean, 1},   {TypeId::kTinyInt, 1},      {TypeId::kSmallInt, 2},
      {TypeId::kInt, 4},           {TypeId::kBigInt, 8},    {TypeId::kFloat, 4},        {TypeId::kDouble, 8},
      {TypeId::kDecimal, 8},       {TypeId::kString, 16},   {TypeId::kBytes, 16},       {TypeId::kDate, 4},
      {TypeId::kTime, 8},          {TypeId::kTimestamp, 8}, {TypeId::kTimestampLtz, 8}, {TypeId::kIntervalDay, 8},
      {TypeId::kIntervalMonth, 4}, {TypeId::kRow, 0},       {TypeId::kArray, 0},        {TypeId::kMap, 0}};
  for (const auto& [id, size] : sizes) EXPECT_EQ(physical_size(Type::of(id).physical()), size) << static_cast<int>(id);
}

TEST(Type, SamenessIgnoresNullabilityAlone) {
  EXPECT_TRUE(Type::of(TypeId::kInt, true).same_as(Type::of(TypeId::kInt, false)));
  EXPECT_FALSE(Type::integer().same_as(Type::bigint()));
  EXPECT_FALSE(Type::decimal(10, 2).same_as(Type::decimal(10, 3)));
  EXPECT_FALSE(Type::timestamp(3).same_as(Type::timestamp(6)));
  Type left = Type::of(TypeId::kArray), right = left;
  left.children = std::make_shared<const std::vector<Field>>(std::vector<Field>{{"", Type::integer()}});
  EXPECT_FALSE(left.same_as(right));
  right.children = std::make_shared<const std::vector<Field>>(std::vector<Field>{{"", Type::integer()}});
  EXPECT_TRUE(left.same_as(right));
}

TEST(TypeDeathTest, PrecisionsOutOfRangeAreBugs) {
  EXPECT_DEATH((void)Type::decimal(39, 0), "kDecimalPrecisionMax");
  EXPECT_DEATH((void)Type::decimal(5, 6), "scale");
  EXPECT_DEATH((void)Type::timestamp(10), "kTimestampPrecisionMax");
}

TEST(Schema, FindsFieldsByTheirExactName) {
  const Schema schema{{{"a", Type::integer()}, {"A", Type::bigint()}}};
  EXPECT_EQ(schema.find("a"), 0);
  EXPECT_EQ(schema.find("A"), 1);
  EXPECT_EQ(schema.find("b"), -1);
}

}  // namespace
}  // namespace weir
