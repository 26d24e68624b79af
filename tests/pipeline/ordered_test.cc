// Aggregates that keep one row's value, and bit operations, against a pass over the rows in order.
#include <bit>
#include <limits>

#include "support/aggregate_harness.h"

namespace weir {
namespace {

using namespace test;

Value draw_text(Random& random) {
  static const char* kTexts[] = {"",
                                 "a",
                                 "exactly twelv",
                                 "twelve bytes",
                                 "much longer than what fits a reference",
                                 "much longer than what fits a referencf",
                                 "\xff\xfe"};
  return {std::string(kTexts[random.below(7)])};
}
Value draw_double(Random& random) {
  const double special[] = {0.0, -0.0, std::numeric_limits<double>::quiet_NaN(),
                            std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  const std::uint64_t kind = random.below(10);
  return {kind < 5 ? special[kind] : static_cast<double>(random.between(-3, 3))};
}
struct Kind {
  Type type;
  std::function<Value(Random&)> draw;
};
std::vector<Kind> kinds() {
  return {{Type::bigint(), [](Random& r) { return Value{std::int64_t{r.between(-5, 5)}}; }},
          {Type::of(TypeId::kTinyInt), [](Random& r) { return Value{std::int64_t{r.between(-128, 127)}}; }},
          {Type::of(TypeId::kFloat), [](Random& r) { return Value{static_cast<double>(r.between(-3, 3))}; }},
          {Type::timestamp(3), [](Random& r) { return Value{std::int64_t{r.between(-5, 5)}}; }},
          {Type::decimal(30, 2), [](Random& r) { return Value{Int128{r.between(-5, 5)} << 70}; }},
          {Type::float64(), draw_double},
          {Type::string(), draw_text}};
}

/// -1, 0, 1 in the order of MIN and MAX.
int compare(const Value& left, const Value& right) {
  if (const auto* a = std::get_if<double>(&left.data)) {
    const double b = std::get<double>(right.data);
    if (std::isnan(*a) || std::isnan(b)) return static_cast<int>(std::isnan(*a)) - static_cast<int>(std::isnan(b));
    if (*a != b) return *a < b ? -1 : 1;
    return static_cast<int>(std::signbit(b)) - static_cast<int>(std::signbit(*a));
  }
  return left.data < right.data ? -1 : left.data == right.data ? 0 : 1;
}

void check_one(const char* name, const std::function<const AggregateRow*(std::span<const AggregateRow>)>& pick) {
  for (const Kind& kind : kinds()) {
    AggregateCase c;
    c.name = name;
    c.arguments = {kind.type};
    c.row = [&kind](Random& random) { return std::vector{kind.draw(random)}; };
    c.oracle = [&pick](std::span<const AggregateRow> rows) {
      return rows.empty() ? Value{} : pick(rows)->arguments[0];
    };
    SCOPED_TRACE(kind.type.to_string());
    check_aggregate(c);
  }
}

TEST(Ordered, FirstAndLastValueGoByEventTimeAndThenByArrival) {
  check_one("FIRST_VALUE", [](auto rows) { return &rows.front(); });
  check_one("LAST_VALUE", [](auto rows) { return &rows.back(); });
}

TEST(Ordered, AnyValueIsTheLeastAndAsksForNoOrder) {
  check_one("ANY_VALUE", [](auto rows) {
    const AggregateRow* best = &rows[0];
    for (const AggregateRow& row : rows)
      if (compare(row.arguments[0], best->arguments[0]) < 0) best = &row;
    return best;
  });
  AggregateCase any, first;
  any.name = "ANY_VALUE";
  first.name = "FIRST_VALUE";
  any.arguments = first.arguments = {Type::bigint()};
  Type result;
  EXPECT_FALSE(function_of(any, result)->order_sensitive());
  EXPECT_TRUE(function_of(first, result)->order_sensitive());
}

TEST(Ordered, ArgMinAndArgMaxTakeTheFirstRowWithTheExtremeKey) {
  const std::vector<Kind> all = kinds();
  for (const char* name : {"ARG_MIN", "MIN_BY", "ARG_MAX", "MAX_BY"}) {
    const bool least = std::string(name).find("MIN") != std::string::npos;
    for (std::size_t value = 0; value < all.size(); ++value) {
      for (const std::size_t key : {value, (value + 3) % all.size()}) {
        AggregateCase c;
        c.name = name;
        c.rounds = 8;
        c.rows_max = 200;
        c.arguments = {all[value].type, all[key].type};
        c.row = [&, value, key](Random& random) { return std::vector{all[value].draw(random), all[key].draw(random)}; };
        c.oracle = [least](std::span<const AggregateRow> rows) -> Value {
          const AggregateRow* best = nullptr;
          for (const AggregateRow& row : rows) {
            const int order = best == nullptr ? 1 : compare(row.arguments[1], best->arguments[1]) * (least ? -1 : 1);
            if (order > 0) best = &row;
          }
          return best == nullptr ? Value{} : best->arguments[0];
        };
        SCOPED_TRACE(all[value].type.to_string() + " by " + all[key].type.to_string());
        check_aggregate(c);
      }
    }
  }
}

TEST(BitOperations, EqualAPassOverTheRows) {
  for (const Type& type : {Type::of(TypeId::kTinyInt), Type::of(TypeId::kSmallInt), Type::integer(), Type::bigint()}) {
    for (const char* name : {"BIT_AND", "BIT_OR", "BIT_XOR"}) {
      AggregateCase c;
      c.name = name;
      c.arguments = {type};
      const int shift = 64 - static_cast<int>(physical_size(type.physical())) * 8;
      c.row = [shift](Random& random) {
        const std::uint64_t some = random.next() | random.next() | (random.chance(1, 2) ? random.next() : 0);
        return std::vector{Value{static_cast<std::int64_t>(some) >> shift}};
      };
      c.oracle = [operation = std::string(name)](std::span<const AggregateRow> rows) -> Value {
        if (rows.empty()) return {};
        std::int64_t bits = operation == "BIT_AND" ? -1 : 0;
        for (const AggregateRow& row : rows) {
          const auto value = std::get<std::int64_t>(row.arguments[0].data);
          bits = operation == "BIT_AND" ? bits & value : operation == "BIT_OR" ? bits | value : bits ^ value;
        }
        return {bits};
      };
      SCOPED_TRACE(type.to_string());
      check_aggregate(c);
    }
  }
}

TEST(BitOperations, TakeIntegersAlone) {
  const Type real = Type::float64();
  EXPECT_EQ(find_aggregate("BIT_XOR")->resolve(std::span(&real, 1), {}).error().code(), ErrorCode::kSqlType);
}

}  // namespace
}  // namespace weir
