// Making, rewriting and asking expression trees, but for calls (call.cc) and casts (cast.cc).
#include "weir/pipeline/expression.h"

#include <algorithm>

#include "expression/functions.h"
#include "weir/core/check.h"

namespace weir {

namespace {

std::shared_ptr<Expression> make_node(Expression::Kind kind, Type type, SourceSpan span) {
  auto node = std::make_shared<Expression>();
  node->kind = kind;
  node->type = std::move(type);
  node->span = span;
  return node;
}

bool is_boolean_literal(const Expression& expression, bool value) noexcept {
  return is_literal(expression) && !expression.literal.is_null() &&
         std::get<std::int64_t>(expression.literal.data) == (value ? 1 : 0);
}

// The literal an expression over literals stands for, or the expression itself where it fails: the row that needs it
// will say so.
ExpressionPtr fold(ExpressionPtr expression) {
  Result<Value> value = evaluate_constant(*expression);
  if (!value.has_value()) return expression;
  Type type = expression->type;
  type.nullable = value->is_null();
  return make_literal(std::move(*value), std::move(type), expression->span);
}

}  // namespace

ExpressionPtr make_column(std::uint32_t column, Type type, SourceSpan span) {
  auto node = make_node(Expression::Kind::kColumn, std::move(type), span);
  node->column = column;
  return node;
}

ExpressionPtr make_literal(Value value, Type type, SourceSpan span) {
  type.nullable = value.is_null();
  auto node = make_node(Expression::Kind::kLiteral, std::move(type), span);
  node->literal = std::move(value);
  return node;
}

ExpressionPtr make_boolean(bool value) {
  return make_literal(Value{std::int64_t{value}}, Type::boolean());
}

ExpressionPtr make_null(Type type) {
  return make_literal(Value{}, std::move(type));
}

ExpressionPtr make_function_call(const ScalarFunction& function, Arguments arguments, Type type, SourceSpan span,
                                 std::shared_ptr<const void> owner) {
  const bool strict = !function.has(kNotStrict);
  type.nullable = !function.has(kNeverNull) && (function.has(kMayBeNull) || any_nullable(arguments));
  const bool null_argument =
      std::any_of(arguments.begin(), arguments.end(), [](const auto& argument) { return is_null_literal(*argument); });
  if (strict && null_argument) return make_literal(Value{}, std::move(type), span);
  const bool constant =
      std::all_of(arguments.begin(), arguments.end(), [](const auto& argument) { return is_literal(*argument); });
  auto node = make_node(Expression::Kind::kCall, std::move(type), span);
  node->function = &function;
  node->function_owner = std::move(owner);
  node->arguments = std::move(arguments);
  if (constant && !function.has(kVolatile) && !function.has(kZoned)) return fold(std::move(node));
  return node;
}

Result<ExpressionPtr> make_logical(Expression::Kind kind, Arguments arguments, SourceSpan span) {
  const bool is_and = kind == Expression::Kind::kAnd;
  Arguments kept;
  for (ExpressionPtr& argument : arguments) {
    WEIR_ASSIGN(ExpressionPtr term, coerce(std::move(argument), Type::boolean()));
    if (is_boolean_literal(*term, is_and)) continue;  // TRUE in AND, FALSE in OR
    if (is_boolean_literal(*term, !is_and)) {
      // What stands after it is never asked; what stands before it may still fail, unless it is nothing.
      if (kept.empty()) return make_boolean(!is_and);
      kept.push_back(std::move(term));
      break;
    }
    if (term->kind == kind) {
      kept.insert(kept.end(), term->arguments.begin(), term->arguments.end());
    } else {
      kept.push_back(std::move(term));
    }
  }
  if (kept.empty()) return make_boolean(is_and);
  if (kept.size() == 1) return std::move(kept.front());
  auto node = make_node(kind, with_nullable(Type::boolean(), any_nullable(kept)), span);
  node->arguments = std::move(kept);
  return ExpressionPtr(std::move(node));
}

Result<ExpressionPtr> make_cast(ExpressionPtr argument, const Type& type, bool try_cast, SourceSpan span) {
  Type target = type;
  target.nullable = argument->type.nullable || try_cast;
  const Type from = argument->type;
  if (is_null_literal(*argument)) return make_literal(Value{}, target, span);
  if (from.same_as(target) && !try_cast) return argument;
  bool zoned = false;
  if (cast_kernel(from, target, &zoned) == nullptr) {
    return Error(ErrorCode::kSqlType, "no cast from " + with_nullable(from, true).to_string() + " to " +
                                          with_nullable(target, true).to_string());
  }
  // A DECIMAL that has fewer digits gives NULL where the value does not fit.
  if (from.is_numeric() && target.id == TypeId::kDecimal) target.nullable = true;
  auto node = make_node(Expression::Kind::kCast, target, span);
  node->try_cast = try_cast;
  const bool constant = is_literal(*argument);
  node->arguments.push_back(std::move(argument));
  if (!constant || zoned) return ExpressionPtr(std::move(node));
  WEIR_ASSIGN(Value value, evaluate_constant(*node));
  return make_literal(std::move(value), target, span);
}

Result<ExpressionPtr> make_case(std::vector<ExpressionPtr> parts, SourceSpan span) {
  if (parts.size() < 2) return Error(ErrorCode::kSqlType, "CASE needs at least one WHEN and THEN");
  if (parts.size() % 2 == 0) parts.push_back(make_null(Type::of(TypeId::kNull)));
  std::optional<Type> type = parts.back()->type;
  for (std::size_t i = 1; i < parts.size(); i += 2) {
    const Type before = *type;
    type = common_type(*type, parts[i]->type);
    if (!type.has_value()) {
      return Error(ErrorCode::kSqlType, "the results of CASE have types that do not fit together: " +
                                            before.to_string() + " and " + parts[i]->type.to_string());
    }
  }
  Arguments kept;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_condition = i % 2 == 0 && i + 1 < parts.size();
    if (is_condition && parts[i]->type.id != TypeId::kBoolean && parts[i]->type.id != TypeId::kNull)
      return Error(ErrorCode::kSqlType, "a condition of CASE is " + parts[i]->type.to_string() + ", not BOOLEAN");
    WEIR_ASSIGN(ExpressionPtr part, coerce(std::move(parts[i]), is_condition ? Type::boolean() : *type));
    if (is_condition && is_literal(*part) && !is_boolean_literal(*part, true)) {
      ++i;  // never taken
      continue;
    }
    if (is_condition && is_boolean_literal(*part, true)) {
      WEIR_ASSIGN(ExpressionPtr taken, coerce(std::move(parts[i + 1]), *type));
      kept.push_back(std::move(taken));
      break;
    }
    kept.push_back(std::move(part));
  }
  if (kept.size() == 1) return std::move(kept.front());
  bool nullable = kept.back()->type.nullable;
  for (std::size_t i = 1; i < kept.size(); i += 2) nullable |= kept[i]->type.nullable;
  auto node = make_node(Expression::Kind::kCase, with_nullable(*type, nullable), span);
  node->arguments = std::move(kept);
  return ExpressionPtr(std::move(node));
}

ExpressionPtr remap_columns(const ExpressionPtr& expression, std::span<const int> map) {
  if (expression->kind == Expression::Kind::kColumn) {
    WEIR_CHECK_LT(static_cast<std::size_t>(expression->column), map.size());
    const int column = map[expression->column];
    WEIR_CHECK_GE(column, 0);
    return make_column(static_cast<std::uint32_t>(column), expression->type, expression->span);
  }
  if (expression->arguments.empty()) return expression;
  auto copy = std::make_shared<Expression>(*expression);
  for (ExpressionPtr& argument : copy->arguments) argument = remap_columns(argument, map);
  return copy;
}

namespace {
void gather_columns(const Expression& expression, std::vector<std::uint32_t>& columns) {
  if (expression.kind == Expression::Kind::kColumn) columns.push_back(expression.column);
  for (const ExpressionPtr& argument : expression.arguments) gather_columns(*argument, columns);
}
}  // namespace

void collect_columns(const Expression& expression, std::vector<std::uint32_t>& columns) {
  gather_columns(expression, columns);
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
}

Result<Value> evaluate_constant(const Expression& expression) {
  return evaluate_constant_in(expression, "UTC");
}

}  // namespace weir
