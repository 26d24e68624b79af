// GROUPING SETS, ROLLUP and CUBE, and GROUPING(…) beside them.
//
//   GROUP BY a, ROLLUP (b, c)     sets {a, b, c} {a, b} {a}: the product of what the items give
//
// The plan's aggregate has all keys of all sets, then the number of the set: bit k is 1 where key k is not in it (as
// GROUPING says it), bits from 32 on tell sets apart that are there twice.
#include "binder_grouping.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weir::sql {
namespace {

ExpressionPtr number(std::int64_t value, SourceSpan span) {
  return make_literal(Value{value}, Type::of(TypeId::kBigInt, false), span);
}

}  // namespace

/// The keys of an expression or of (a, b, …) as one set.
bool Binder::bind_grouping_part(const Expr& item, const Select& select, Grouping& grouping, GroupingSet& set) {
  if (item.kind == Expr::Kind::kRow) {
    bool good = true;
    for (const Expr& child : item.children) good = bind_grouping_part(child, select, grouping, set) && good;
    return good;
  }
  if (item.kind == Expr::Kind::kGrouping) {
    error(ErrorCode::kSqlSemantic, item.span, item.text + " cannot stand here",
          "it stands in GROUPING SETS (…), or beside other items of GROUP BY");
    return false;
  }
  if (item.kind == Expr::Kind::kCall && (item.text == "TUMBLE" || item.text == "HOP" || item.text == "SESSION")) {
    unsupported(item.span, "a window inside grouping sets is not supported", "GROUP BY " + item.text + "(…), …");
    return false;
  }
  grouping.bound = {};
  if (!bind_group_item(item, select, grouping)) return false;
  set = set | grouping.bound;
  return true;
}

/// Appends the sets that an item of GROUP BY stands for.
bool Binder::bind_grouping_sets(const Expr& item, const Select& select, Grouping& grouping,
                                std::vector<GroupingSet>& sets) {
  if (item.kind != Expr::Kind::kGrouping) return bind_grouping_part(item, select, grouping, sets.emplace_back());
  grouping.has_sets = true;
  bool good = true;
  if (item.text == "GROUPING SETS") {
    for (const Expr& child : item.children) good = bind_grouping_sets(child, select, grouping, sets) && good;
    return good;
  }
  std::vector<GroupingSet> parts(item.children.size());
  for (std::size_t i = 0; i < parts.size(); ++i)
    good = bind_grouping_part(item.children[i], select, grouping, parts[i]) && good;
  const bool rollup = item.text == "ROLLUP";
  const std::size_t count = rollup ? parts.size() + 1 : parts.size() > 16 ? kGroupingSetsMax + 1 : 1u << parts.size();
  if (sets.size() + count > kGroupingSetsMax) return good && too_many_grouping_sets(item.span);
  for (std::size_t i = 0; i < count; ++i) {
    GroupingSet set;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const bool in = rollup ? p + i < parts.size() : (i >> p & 1) == 0;
      if (in) set = set | parts[p];
    }
    sets.push_back(set);
  }
  return good;
}

bool Binder::too_many_grouping_sets(SourceSpan span) {
  unsupported(span, "more than " + std::to_string(kGroupingSetsMax) + " grouping sets are not supported");
  return false;
}

/// Multiplies the sets so far by those of one more item.
bool Binder::add_grouping_item(const Expr& item, const Select& select, Grouping& grouping) {
  std::vector<GroupingSet> sets;
  if (item.kind == Expr::Kind::kGrouping) {
    if (!bind_grouping_sets(item, select, grouping, sets)) return false;
  } else {
    grouping.bound = {};
    if (!bind_group_item(item, select, grouping)) return false;
    sets.push_back(grouping.bound);
  }
  if (grouping.sets.size() * sets.size() > kGroupingSetsMax) return too_many_grouping_sets(item.span);
  std::vector<GroupingSet> product;
  for (const GroupingSet& left : grouping.sets)
    for (const GroupingSet& right : sets) product.push_back(left | right);
  grouping.sets = std::move(product);
  return true;
}

/// All items are bound: checks what the sets have in common and adds the key that tells them apart.
bool Binder::finish_grouping_sets(Grouping& grouping, SourceSpan span) {
  if (!grouping.has_sets) return true;
  const bool alike = std::all_of(grouping.sets.begin(), grouping.sets.end(),
                                 [&](const GroupingSet& set) { return set.windows == grouping.sets[0].windows; });
  if (!alike) {
    unsupported(span, "window_start and window_end have to be in every grouping set",
                "GROUP BY window_start, window_end, GROUPING SETS (…)");
    return false;
  }
  const PlanNode& below = *grouping.input.node;
  if (below.window.has_value() && below.window->kind == WindowKind::kSession) {
    unsupported(
        span, "grouping sets over SESSION windows are not supported",
        "sessions are made for each PARTITION BY key: GROUP BY these in a query below, and by GROUPING SETS over its "
        "window_start and window_end above");
    return false;
  }
  if (grouping.keys.size() > kGroupingKeysMax) {
    unsupported(span, "more than " + std::to_string(kGroupingKeysMax) + " keys in grouping sets are not supported");
    return false;
  }
  grouping.keys.push_back(make_column(kGroupingSetColumn, Type::of(TypeId::kBigInt, false), span));
  grouping.key_names.emplace_back("grouping_set");
  return true;
}

/// One number a set, see the head of the file.
std::vector<std::int64_t> Binder::grouping_set_numbers(const Grouping& grouping) {
  std::vector<std::int64_t> numbers;
  if (!grouping.has_sets) return numbers;
  const std::uint64_t all = (std::uint64_t{1} << (grouping.keys.size() - 1)) - 1;
  for (const GroupingSet& set : grouping.sets) {
    auto value = static_cast<std::int64_t>(all & ~set.keys);
    while (std::find(numbers.begin(), numbers.end(), value) != numbers.end()) value += std::int64_t{1} << 32;
    numbers.push_back(value);
  }
  return numbers;
}

/// GROUPING(a, b), GROUPING_ID(a, b): a bit an argument, the last one lowest; 1 where it is not in the row's set.
ExpressionPtr Binder::bind_grouping_call(const Expr& expr, ExprScope& scope) {
  if (grouping_ == nullptr || scope.aggregates == nullptr || scope.inside_aggregate) {
    error(ErrorCode::kSqlSemantic, expr.span, expr.text + " cannot stand in " + std::string(scope.place),
          "it stands in SELECT or HAVING of a query with GROUP BY");
    return nullptr;
  }
  if (expr.children.empty() || expr.children.size() > kGroupingKeysMax || expr.star || expr.flag) {
    error(ErrorCode::kSqlType, expr.span, expr.text + " takes keys of GROUP BY: " + expr.text + "(a, b)");
    return nullptr;
  }
  std::vector<ExpressionPtr> arguments;
  if (!bind_all(expr.children, scope, arguments)) return nullptr;
  ExpressionPtr sum;
  const std::vector<ExpressionPtr>& keys = grouping_->keys;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const ExpressionPtr& key) { return same_expression(*key, *arguments[i]); });
    if (found == keys.end()) {
      error(ErrorCode::kSqlSemantic, expr.children[i].span, "the argument of " + expr.text + " is no key of GROUP BY");
      return nullptr;
    }
    ExpressionPtr bit = number(0, expr.span);
    if (grouping_->has_sets) {
      const auto key = static_cast<std::uint32_t>(found - keys.begin());
      ExpressionPtr shifted = call("/", {keys.back(), number(std::int64_t{1} << key, expr.span)}, expr.span);
      bit = call("MOD", {std::move(shifted), number(2, expr.span)}, expr.span);
    }
    if (sum != nullptr) sum = call("*", {std::move(sum), number(2, expr.span)}, expr.span);
    sum = sum == nullptr ? std::move(bit) : call("+", {std::move(sum), std::move(bit)}, expr.span);
    if (sum == nullptr) return nullptr;
  }
  return sum;
}

}  // namespace weir::sql
