// BOOL_AND and BOOL_OR against a pass over the rows.
#include "support/aggregate_harness.h"

namespace weir {
namespace {

using namespace test;

AggregateCase case_of(const char* name, bool all, std::uint64_t true_of_ten) {
  AggregateCase c;
  c.name = name;
  c.arguments = {Type::boolean()};
  c.row = [true_of_ten](Random& random) {
    return std::vector{Value{std::int64_t{random.chance(true_of_ten, 10) ? 1 : 0}}};
  };
  c.oracle = [all](std::span<const AggregateRow> rows) -> Value {
    if (rows.empty()) return {};
    bool result = all;
    for (const AggregateRow& row : rows) {
      const bool value = std::get<std::int64_t>(row.arguments[0].data) != 0;
      result = all ? result && value : result || value;
    }
    return {std::int64_t{result ? 1 : 0}};
  };
  return c;
}

TEST(BoolAndOr, EqualsAPassOverTheRows) {
  for (const std::uint64_t true_of_ten : {0u, 1u, 5u, 9u, 10u}) {
    check_aggregate(case_of("BOOL_AND", true, true_of_ten));
    check_aggregate(case_of("EVERY", true, true_of_ten));
    check_aggregate(case_of("bool_or", false, true_of_ten));
  }
}

TEST(BoolAndOr, TakeABooleanAlone) {
  const Type integer = Type::integer();
  const Result<Type> resolved = find_aggregate("BOOL_AND")->resolve(std::span(&integer, 1), {});
  ASSERT_FALSE(resolved.has_value());
  EXPECT_EQ(resolved.error().code(), ErrorCode::kSqlType);
}

}  // namespace
}  // namespace weir
