// Binding of function calls: scalar ones, aggregates, and TUMBLE_START and its like.
#include <algorithm>

#include "binder.h"
#include "known_functions.h"
#include "lexer.h"
#include "weir/pipeline/aggregate.h"

namespace weir::sql {

bool Binder::has_aggregate(const Expr& expr) const {
  if (expr.kind == Expr::Kind::kCall && !expr.over && (expr.star || is_aggregate_name(expr.text, functions())))
    return true;
  if (expr.kind == Expr::Kind::kCall && !property_window(expr.text).empty()) return true;
  return std::any_of(expr.children.begin(), expr.children.end(), [&](const Expr& e) { return has_aggregate(e); });
}

ExpressionPtr Binder::bind_call(const Expr& expr, ExprScope& scope) {
  const std::string& name = expr.text;
  if (expr.over) {
    unsupported(expr.span, "OVER windows are not supported yet",
                "a window function in FROM may serve: TUMBLE, HOP, CUMULATE");
    return nullptr;
  }
  if (name == "GROUPING" || name == "GROUPING_ID") return bind_grouping_call(expr, scope);
  if (is_aggregate_name(name, functions())) return bind_aggregate_call(expr, scope);
  if (!property_window(name).empty()) return bind_window_property(expr, scope);
  if (is_window_function(name)) {
    error(ErrorCode::kSqlSemantic, expr.span, name + " cannot stand here",
          "it stands in FROM: TABLE(" + name + "(TABLE t, DESCRIPTOR(ts), …)), or in GROUP BY");
    return nullptr;
  }
  if (expr.star || expr.flag || !expr.order.empty() || !expr.filter.empty() || !expr.unit.empty() ||
      !expr.unit2.empty()) {
    const std::string what = expr.star              ? "`*`"
                             : expr.flag            ? "DISTINCT"
                             : !expr.order.empty()  ? "ORDER BY"
                             : !expr.filter.empty() ? "FILTER"
                             : !expr.unit.empty()   ? expr.unit + " NULLS"
                                                    : "LIMIT";
    const std::string_view own = own_spelling(name);
    error(ErrorCode::kSqlSemantic, expr.span, what + " is for aggregates; `" + name + "` is none",
          own.empty() ? "" : "write " + std::string(own));
    return nullptr;
  }
  std::vector<ExpressionPtr> arguments;
  if (!bind_all(expr.children, scope, arguments)) return nullptr;
  Result<ExpressionPtr> bound = make_call(name, std::move(arguments), expr.span, functions());
  if (bound.has_value()) return std::move(bound).value();
  const bool unknown = bound.error().code() == ErrorCode::kSqlUnknownName;
  const std::string known = unknown ? unsupported_function(name) : "";
  if (const std::string_view own = own_spelling(name); unknown && !own.empty()) {
    error(ErrorCode::kSqlUnknownName, expr.span, "no function is called " + name, "write " + std::string(own));
  } else if (known.empty()) {
    diagnostics_.report(bound.error(), expr.span);
  } else {
    unsupported(expr.span, known);
  }
  return nullptr;
}

/// Columns, then the keys of ORDER BY; constants apart.
bool Binder::bind_aggregate_arguments(const Expr& expr, ExprScope& scope, AggregateCall& aggregate) {
  const AggregateDefinition* definition = aggregate.definition.get();
  const bool ordered_set = definition != nullptr && definition->ordered_set;
  if (ordered_set) scope.place = "WITHIN GROUP";
  std::vector<ExpressionPtr> keys;
  for (const SortItem& item : expr.order) {
    ExpressionPtr key = bind_expr(item.expr, scope);
    if (key == nullptr) return false;
    keys.push_back(std::move(key));
    aggregate.order.push_back({item.descending, item.nulls.empty() ? item.descending : item.nulls == "LAST"});
  }
  if (!bind_all(expr.children, scope, aggregate.arguments)) return false;
  std::vector<ExpressionPtr>& arguments = aggregate.arguments;
  const std::size_t given = arguments.size() + (ordered_set ? keys.size() : 0);
  const std::size_t constants = std::min(constant_arguments(definition, given), arguments.size());
  for (std::size_t i = arguments.size() - constants; i < arguments.size(); ++i) {
    std::optional<Value> value = bind_constant_argument(arguments[i], expr, expr.children[i].span);
    if (!value.has_value()) return false;
    aggregate.constants.push_back(std::move(*value));
  }
  if (!expr.unit2.empty() && expr.text != "ARRAY_AGG") {
    unsupported(expr.span, "LIMIT inside " + expr.text + " is not supported",
                "ARRAY_AGG(x ORDER BY … LIMIT n) takes it");
    return false;
  }
  if (!expr.unit2.empty()) aggregate.constants.push_back(Value{"LIMIT " + expr.unit2});
  arguments.resize(arguments.size() - constants);
  arguments.insert(ordered_set ? arguments.begin() : arguments.end(), keys.begin(), keys.end());
  return true;
}

/// A fraction, a separator, a count: numbers with a point become doubles, an INTERVAL its seconds, the others keep
/// their values.
std::optional<Value> Binder::bind_constant_argument(const ExpressionPtr& argument, const Expr& call, SourceSpan span) {
  std::vector<std::uint32_t> columns;
  collect_columns(*argument, columns);
  if (!columns.empty()) {
    error(ErrorCode::kSqlType, span, "this argument of " + call.text + " has to be a constant");
    return std::nullopt;
  }
  ExpressionPtr constant = argument;
  if (argument->type.id == TypeId::kDecimal || argument->type.id == TypeId::kFloat) {
    Result<ExpressionPtr> number = make_cast(argument, Type::float64(), false, span);
    if (!number.has_value()) {
      diagnostics_.report(number.error(), span);
      return std::nullopt;
    }
    constant = std::move(number).value();
  }
  Result<Value> value = evaluate_constant(*constant);
  if (value.has_value() && argument->type.id == TypeId::kIntervalDay && !value->is_null())
    value = Value{static_cast<double>(std::get<std::int64_t>(value->data)) / 1e9};
  if (!value.has_value()) {
    diagnostics_.report(value.error(), span);
    return std::nullopt;
  }
  if (value->is_null()) {
    error(ErrorCode::kSqlType, span, "this argument of " + call.text + " cannot be NULL");
    return std::nullopt;
  }
  return std::move(value).value();
}

/// IGNORE NULLS is one more condition of FILTER: the first argument IS NOT NULL.
bool Binder::bind_null_treatment(const Expr& expr, AggregateCall& aggregate) {
  if (expr.unit.empty()) return true;
  if (expr.unit == "RESPECT") {
    if (expr.text == "ARRAY_AGG") return true;
    unsupported(expr.span, "RESPECT NULLS is not supported: " + expr.text + " leaves NULLs out",
                "COALESCE(x, …) gives them a value; ARRAY_AGG takes them");
    return false;
  }
  if (aggregate.arguments.empty()) return true;  // COUNT(*)
  ExpressionPtr there = call("IS NOT NULL", {aggregate.arguments[0]}, expr.span);
  if (there == nullptr) return false;
  aggregate.filter = aggregate.filter == nullptr ? there : call("AND", {aggregate.filter, there}, expr.span);
  return aggregate.filter != nullptr;
}

/// Finds the type of a call; a function is made once here, so that what it refuses is told with its place.
bool Binder::resolve(AggregateCall& aggregate) {
  AggregateCallInfo info;
  info.name = aggregate.name;
  info.definition = aggregate.definition;
  for (const ExpressionPtr& argument : aggregate.arguments) info.arguments.push_back(argument->type);
  info.constants = aggregate.constants;
  info.order = aggregate.order;
  info.distinct = aggregate.distinct;
  Result<Type> type = resolve_aggregate(info);
  if (!type.has_value()) {
    diagnostics_.report(type.error(), aggregate.span);
    return false;
  }
  aggregate.type = info.result = *type;
  const Result<AggregateFunctionPtr> made = make_aggregate_function(info);
  if (!made.has_value()) diagnostics_.report(made.error(), aggregate.span);
  return made.has_value();
}

/// SET 'weir.double-sum' = 'exact' | 'fast', as it stands at this query.
bool Binder::sums_fast(const Expr& call) {
  const auto setting = plan_.settings.find("weir.double-sum");
  if ((call.text != "SUM" && call.text != "AVG") || setting == plan_.settings.end()) return false;
  if (setting->second != "exact" && setting->second != "fast") {
    const auto at = setting_spans_.find(setting->first);
    error(ErrorCode::kSqlInvalidOption, at == setting_spans_.end() ? call.span : at->second,
          "weir.double-sum is 'exact' or 'fast', not '" + setting->second + "'");
  }
  return setting->second == "fast";
}

ExpressionPtr Binder::bind_aggregate_call(const Expr& expr, ExprScope& scope) {
  if (scope.inside_aggregate) {
    error(ErrorCode::kSqlSemantic, expr.span, "an aggregate cannot stand inside an aggregate",
          "aggregate in a subquery, then again outside");
    return nullptr;
  }
  if (scope.aggregates == nullptr) {
    error(ErrorCode::kSqlSemantic, expr.span, "an aggregate cannot stand in " + std::string(scope.place),
          scope.place == "WHERE" ? "conditions on aggregates stand in HAVING" : "");
    return nullptr;
  }
  if (expr.star && expr.text != "COUNT") {
    error(ErrorCode::kSqlSemantic, expr.span, "only COUNT takes `*`", "name a column: " + expr.text + "(x)");
    return nullptr;
  }
  AggregateCall aggregate;
  aggregate.name = expr.text;
  aggregate.definition = find_aggregate(expr.text, functions());
  aggregate.distinct = expr.flag;
  aggregate.span = expr.span;
  aggregate.fast_sum = sums_fast(expr);
  ExprScope inner = scope;
  inner.inside_aggregate = true;
  if (!bind_aggregate_arguments(expr, inner, aggregate)) return nullptr;
  if (!expr.filter.empty()) {
    inner.place = "FILTER";
    aggregate.filter = bind_condition(expr.filter[0], inner);
    if (aggregate.filter == nullptr) return nullptr;
  }
  if (!bind_null_treatment(expr, aggregate)) return nullptr;
  const Result<Type> without = aggregate.definition != nullptr ? Type() : resolve_aggregate(expr.text, {}, false);
  const bool unsupported_yet = !without.has_value() && without.error().code() == ErrorCode::kSqlUnsupported;
  if (expr.children.empty() && expr.order.empty() && !expr.star && !unsupported_yet) {
    error(ErrorCode::kSqlType, expr.span, "`" + expr.text + "` needs an argument",
          expr.text == "COUNT" ? "COUNT(*) counts rows" : "");
    return nullptr;
  }
  if (!resolve(aggregate)) return nullptr;
  std::vector<AggregateCall>& calls = scope.aggregates->calls;
  const auto same = [&](const AggregateCall& other) {
    const auto same_value = [](const Value& a, const Value& b) { return a.data == b.data; };
    if (other.name != aggregate.name || other.distinct != aggregate.distinct || other.order != aggregate.order ||
        !std::equal(other.constants.begin(), other.constants.end(), aggregate.constants.begin(),
                    aggregate.constants.end(), same_value) ||
        other.arguments.size() != aggregate.arguments.size() || !other.filter != !aggregate.filter) {
      return false;
    }
    for (std::size_t i = 0; i < other.arguments.size(); ++i) {
      if (!same_expression(*other.arguments[i], *aggregate.arguments[i])) return false;
    }
    return other.filter == nullptr || same_expression(*other.filter, *aggregate.filter);
  };
  const auto found = std::find_if(calls.begin(), calls.end(), same);
  const auto index = static_cast<std::uint32_t>(found - calls.begin());
  if (found == calls.end()) calls.push_back(std::move(aggregate));
  return make_column(scope.aggregates->base + index, calls[index].type, expr.span);
}

/// TUMBLE_START(ts, INTERVAL …): the window column of the same call in GROUP BY.
ExpressionPtr Binder::bind_window_property(const Expr& expr, ExprScope& scope) {
  const std::string_view window = property_window(expr.text);
  const std::string_view tail = std::string_view(expr.text).substr(window.size() + 1);
  if (tail == "PROCTIME") {
    unsupported(expr.span, "windows over processing time are not supported",
                "use an event-time column with a WATERMARK");
    return nullptr;
  }
  const Expr* group = scope.legacy_window;
  if (group == nullptr || scope.aggregates == nullptr || scope.inside_aggregate) {
    error(ErrorCode::kSqlSemantic, expr.span,
          expr.text + " needs GROUP BY " + std::string(window) + "(…) of this query",
          "with TABLE(" + std::string(window) + "(…)) the columns are window_start, window_end and window_time");
    return nullptr;
  }
  if (group->text != window || group->children != expr.children) {
    error(ErrorCode::kSqlSemantic, expr.span, expr.text + " has other arguments than the window in GROUP BY")
        .notes.push_back({"the window in GROUP BY", group->span});
    return nullptr;
  }
  const WindowRole role = tail == "START" ? WindowRole::kStart : tail == "END" ? WindowRole::kEnd : WindowRole::kTime;
  for (const BoundColumn& column : scope.relation->columns) {
    if (column.hidden && column.role == role) return make_column(column.index, column.type, expr.span);
  }
  return nullptr;
}

}  // namespace weir::sql
