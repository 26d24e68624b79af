// Binding of expressions. See binder.h.
#include <algorithm>

#include "binder.h"
#include "lexer.h"
#include "literal.h"
#include "printer.h"
#include "suggest.h"

namespace weir::sql {
namespace {

using Kind = Expr::Kind;

bool same_value(const Value& left, const Value& right) {
  return left.data == right.data;
}

}  // namespace

bool same_expression(const Expression& left, const Expression& right) {
  if (left.kind != right.kind || !left.type.same_as(right.type) || left.column != right.column ||
      left.try_cast != right.try_cast || left.function != right.function || !same_value(left.literal, right.literal) ||
      left.arguments.size() != right.arguments.size()) {
    return false;
  }
  for (std::size_t i = 0; i < left.arguments.size(); ++i) {
    if (!same_expression(*left.arguments[i], *right.arguments[i])) return false;
  }
  return true;
}

ExpressionPtr string_literal(std::string text, SourceSpan span) {
  Type type = Type::of(TypeId::kString, false);
  const auto points =
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  type.length = static_cast<std::uint32_t>(points);
  type.fixed_length = points > 0;
  return make_literal(Value{std::move(text)}, type, span);
}

ExpressionPtr Binder::checked(Result<ExpressionPtr> result, SourceSpan span) {
  if (result.has_value()) return std::move(result).value();
  diagnostics_.report(result.error(), span);
  return nullptr;
}

ExpressionPtr Binder::call(std::string_view name, std::vector<ExpressionPtr> arguments, SourceSpan span) {
  for (const ExpressionPtr& argument : arguments) {
    if (argument == nullptr) return nullptr;
  }
  return checked(make_call(name, std::move(arguments), span, functions()), span);
}

bool Binder::bind_all(const std::vector<Expr>& items, ExprScope& scope, std::vector<ExpressionPtr>& out) {
  bool good = true;
  for (const Expr& item : items) {
    out.push_back(bind_expr(item, scope));
    good = good && out.back() != nullptr;
  }
  return good;
}

ExpressionPtr Binder::bind_condition(const Expr& expr, ExprScope& scope) {
  ExpressionPtr bound = bind_expr(expr, scope);
  if (bound == nullptr || bound->type.id == TypeId::kBoolean) return bound;
  if (bound->type.id == TypeId::kNull) return checked(make_cast(bound, Type::boolean(), false, expr.span), expr.span);
  error(ErrorCode::kSqlType, expr.span,
        std::string(scope.place) + " needs a condition, this is " + bound->type.to_string(),
        "compare it with something");
  return nullptr;
}

ExpressionPtr Binder::bind_expr(const Expr& expr, ExprScope& scope) {
  switch (expr.kind) {
    case Kind::kNumber:
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kTrue:
    case Kind::kFalse:
    case Kind::kNull:
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kInterval:
      return bind_literal(expr);
    case Kind::kName:
      return bind_name(expr, scope);
    case Kind::kUnary:
    case Kind::kNot:
      return bind_unary(expr, scope);
    case Kind::kBinary:
    case Kind::kAnd:
    case Kind::kOr: {
      std::vector<ExpressionPtr> arguments;
      if (!bind_all(expr.children, scope, arguments)) return nullptr;
      std::string name = expr.text;
      if (expr.kind == Kind::kAnd) name = "AND";
      if (expr.kind == Kind::kOr) name = "OR";
      return call(name, std::move(arguments), expr.span);
    }
    case Kind::kIs:
    case Kind::kDistinct:
    case Kind::kBetween:
    case Kind::kIn:
    case Kind::kLike:
      return bind_predicate(expr, scope);
    case Kind::kCase:
      return bind_case(expr, scope);
    case Kind::kCall:
      return bind_call(expr, scope);
    case Kind::kStar:
      error(ErrorCode::kSqlSyntax, expr.span, "`*` cannot stand here");
      return nullptr;
    default:
      return bind_special(expr, scope);
  }
}

ExpressionPtr Binder::bind_literal(const Expr& expr) {
  const auto typed = [&](Result<TypedValue> value) -> ExpressionPtr {
    if (!value.has_value()) {
      diagnostics_.report(value.error(), expr.span);
      return nullptr;
    }
    return make_literal(std::move(value->value), value->type, expr.span);
  };
  switch (expr.kind) {
    case Kind::kNumber:
      return typed(number_value(expr.text));
    case Kind::kString:
      return string_literal(expr.text, expr.span);
    case Kind::kBytes: {
      Type type = Type::of(TypeId::kBytes, false);
      type.length = static_cast<std::uint32_t>(expr.text.size());
      type.fixed_length = !expr.text.empty();
      return make_literal(Value{expr.text}, type, expr.span);
    }
    case Kind::kTrue:
    case Kind::kFalse:
      return make_literal(Value{std::int64_t{expr.kind == Kind::kTrue ? 1 : 0}}, Type::of(TypeId::kBoolean, false),
                          expr.span);
    case Kind::kDate:
      return typed(date_value(expr.text));
    case Kind::kTime:
      return typed(time_value(expr.text));
    case Kind::kTimestamp:
      return typed(timestamp_value(expr.text));
    case Kind::kInterval:
      return typed(interval_value(expr.text, expr.unit, expr.unit2, expr.negated));
    default:
      return make_literal(Value{}, Type::of(TypeId::kNull), expr.span);
  }
}

/// The column of that name; reports and gives null where there is none or more than one.
const BoundColumn* Binder::find_column(const Name& column, std::string_view table, const Relation& relation) {
  const BoundColumn* found = nullptr;
  for (const BoundColumn& candidate : relation.columns) {
    if (candidate.hidden || candidate.name != column.text || (!table.empty() && candidate.table != table)) continue;
    if (found != nullptr) {
      error(ErrorCode::kSqlUnknownName, column.span, "the name `" + column.text + "` is ambiguous",
            "give the columns different names by AS");
      return nullptr;
    }
    found = &candidate;
  }
  if (found != nullptr) return found;
  std::vector<std::string> names;
  std::string same;
  for (const BoundColumn& candidate : relation.columns) {
    if (candidate.hidden) continue;
    names.push_back(candidate.name);
    if (equals_ignore_case(candidate.name, column.text)) same = candidate.name;
  }
  std::string hint = did_you_mean(column.text, names);
  if (!same.empty()) hint = "names are case-sensitive: did you mean `" + same + "`?";
  if (hint.empty() && names.size() <= 12 && !names.empty()) {
    hint = "the columns are ";
    for (std::size_t i = 0; i < names.size(); ++i) hint += (i == 0 ? "`" : ", `") + names[i] + "`";
  }
  if (select_ != nullptr && table.empty()) {
    const bool alias = std::any_of(select_->items.begin(), select_->items.end(), [&](const SelectItem& item) {
      return item.alias && item.alias->text == column.text;
    });
    if (alias) hint = "names given by AS are not known in other clauses of the query: repeat the expression";
  }
  error(ErrorCode::kSqlUnknownName, column.span, "unknown column `" + column.text + "`", std::move(hint));
  return nullptr;
}

ExpressionPtr Binder::bind_name(const Expr& expr, const ExprScope& scope) {
  if (scope.relation == nullptr || expr.path.empty()) {
    unsupported(expr.span, "a column cannot stand here", "a constant is needed");
    return nullptr;
  }
  const Relation& relation = *scope.relation;
  const Path& path = expr.path;
  const BoundColumn* column = nullptr;
  std::size_t used = 1;
  const bool qualified = path.size() > 1 && std::any_of(relation.columns.begin(), relation.columns.end(),
                                                        [&](const BoundColumn& c) { return c.table == path[0].text; });
  if (qualified) {
    column = find_column(path[1], path[0].text, relation);
    used = 2;
  } else if (path.size() > 1 && std::none_of(relation.columns.begin(), relation.columns.end(),
                                             [&](const BoundColumn& c) { return c.name == path[0].text; })) {
    std::vector<std::string> tables;
    for (const BoundColumn& candidate : relation.columns) {
      if (!candidate.table.empty()) tables.push_back(candidate.table);
    }
    error(ErrorCode::kSqlUnknownName, path[0].span, "unknown table or row column `" + path[0].text + "`",
          did_you_mean(path[0].text, tables));
    return nullptr;
  } else {
    column = find_column(path[0], {}, relation);
  }
  if (column == nullptr) return nullptr;
  if (used < path.size()) {
    if (column->type.id == TypeId::kRow) {
      unsupported(expr.span, "fields of ROW columns are not supported yet", "give the table flat columns");
    } else {
      error(ErrorCode::kSqlType, path[used].span,
            "`" + column->name + "` is " + column->type.to_string() + " and has no fields");
    }
    return nullptr;
  }
  if (column->unusable) {
    unsupported(expr.span, "`" + column->name + "` is computed from window columns below this GROUP BY",
                "compute it in the SELECT of the GROUP BY itself");
    return nullptr;
  }
  return make_column(column->index, column->type, expr.span);
}

ExpressionPtr Binder::bind_unary(const Expr& expr, ExprScope& scope) {
  const Expr& child = expr.children[0];
  // -9223372036854775808 is a BIGINT though its digits alone are none.
  if (expr.text == "-" && child.kind == Kind::kNumber && child.text == "9223372036854775808") {
    return make_literal(Value{std::numeric_limits<std::int64_t>::min()}, Type::of(TypeId::kBigInt, false), expr.span);
  }
  if (expr.text == "-" && child.kind == Kind::kNumber && child.text == "2147483648") {
    return make_literal(Value{std::int64_t{-2147483648LL}}, Type::of(TypeId::kInt, false), expr.span);
  }
  ExpressionPtr bound = bind_expr(child, scope);
  if (bound == nullptr) return nullptr;
  if (expr.kind == Kind::kUnary && expr.text == "+") {
    const bool number = bound->type.is_numeric() || bound->type.id == TypeId::kIntervalDay ||
                        bound->type.id == TypeId::kIntervalMonth || bound->type.id == TypeId::kNull;
    if (number) return bound;
    error(ErrorCode::kSqlType, expr.span, "`+` needs a number, this is " + bound->type.to_string());
    return nullptr;
  }
  return call(expr.kind == Kind::kNot ? "NOT" : "-", {std::move(bound)}, expr.span);
}

ExpressionPtr Binder::bind_predicate(const Expr& expr, ExprScope& scope) {
  const SourceSpan span = expr.span;
  if (expr.text == "SIMILAR TO") {
    unsupported(span, "SIMILAR TO is not supported", "use LIKE or REGEXP(x, '…')");
    return nullptr;
  }
  std::vector<ExpressionPtr> arguments;
  if (!bind_all(expr.children, scope, arguments)) return nullptr;
  const std::string negation = expr.negated ? "NOT " : "";
  if (expr.kind == Kind::kIs) {
    std::string what = expr.text;
    if (what == "UNKNOWN") {
      if (arguments[0]->type.id != TypeId::kBoolean && arguments[0]->type.id != TypeId::kNull) {
        error(ErrorCode::kSqlType, span, "IS UNKNOWN needs a condition, this is " + arguments[0]->type.to_string(),
              "write IS NULL");
        return nullptr;
      }
      what = "NULL";
    }
    return call("IS " + negation + what, std::move(arguments), span);
  }
  if (expr.kind == Kind::kDistinct) return call("IS " + negation + "DISTINCT FROM", std::move(arguments), span);
  ExpressionPtr bound;
  if (expr.kind == Kind::kBetween && expr.flag) {
    ExpressionPtr up = call("BETWEEN", {arguments[0], arguments[1], arguments[2]}, span);
    ExpressionPtr down = call("BETWEEN", {arguments[0], arguments[2], arguments[1]}, span);
    bound = call("OR", {std::move(up), std::move(down)}, span);
  } else {
    const std::string_view name = expr.kind == Kind::kBetween ? "BETWEEN" : expr.kind == Kind::kIn ? "IN" : "LIKE";
    bound = call(name, std::move(arguments), span);
  }
  return expr.negated ? call("NOT", {std::move(bound)}, span) : bound;
}

ExpressionPtr Binder::bind_case(const Expr& expr, ExprScope& scope) {
  std::vector<ExpressionPtr> children;
  if (!bind_all(expr.children, scope, children)) return nullptr;
  std::vector<ExpressionPtr> parts;
  std::size_t i = expr.flag ? 1 : 0;
  for (; i + 1 < children.size(); i += 2) {
    ExpressionPtr condition = children[i];
    if (expr.flag) condition = call("=", {children[0], condition}, expr.children[i].span);
    if (condition == nullptr) return nullptr;
    if (condition->type.id != TypeId::kBoolean && condition->type.id != TypeId::kNull) {
      error(ErrorCode::kSqlType, expr.children[i].span,
            "WHEN needs a condition, this is " + condition->type.to_string());
      return nullptr;
    }
    parts.push_back(std::move(condition));
    parts.push_back(children[i + 1]);
  }
  if (i < children.size()) parts.push_back(children[i]);
  return checked(make_case(std::move(parts), expr.span), expr.span);
}

ExpressionPtr Binder::bind_special(const Expr& expr, ExprScope& scope) {
  const SourceSpan span = expr.span;
  if (expr.kind == Kind::kInQuery || expr.kind == Kind::kExists || expr.kind == Kind::kSubquery) {
    const std::string what = expr.kind == Kind::kExists    ? "EXISTS"
                             : expr.kind == Kind::kInQuery ? "IN (SELECT …)"
                                                           : "a subquery as a value";
    unsupported(span, what + " is not supported yet", "it needs a join");
    return nullptr;
  }
  if (expr.kind == Kind::kRow || expr.kind == Kind::kArray || expr.kind == Kind::kMap || expr.kind == Kind::kIndex ||
      expr.kind == Kind::kField) {
    unsupported(span, "values of ROW, ARRAY and MAP are not supported yet", "use flat columns");
    return nullptr;
  }
  if (expr.kind == Kind::kGrouping) {
    unsupported(span, expr.text + " is not supported yet", "write one query a grouping");
    return nullptr;
  }
  std::vector<ExpressionPtr> children;
  if (!bind_all(expr.children, scope, children)) return nullptr;
  if (expr.kind == Kind::kCast) {
    const std::optional<Type> type = bind_type(*expr.type);
    return type ? checked(make_cast(children[0], *type, expr.flag, span), span) : nullptr;
  }
  ExpressionPtr unit = string_literal(expr.unit, span);
  switch (expr.kind) {
    case Kind::kExtract:
      return call("EXTRACT", {std::move(unit), children[0]}, span);
    case Kind::kRound:
      return call(expr.text, {children[0], std::move(unit)}, span);
    case Kind::kTimestampOp:
      return call(expr.text, {std::move(unit), children[0], children[1]}, span);
    default: {  // kTrim
      ExpressionPtr chars = children.size() > 1 ? children[0] : string_literal(" ", span);
      return call("TRIM", {std::move(unit), std::move(chars), children.back()}, span);
    }
  }
}

}  // namespace weir::sql
