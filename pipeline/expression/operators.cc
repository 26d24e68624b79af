// Operators and predicates: the entries for + - * / %, comparisons, AND OR NOT, IS …, BETWEEN, IN.
#include <array>

#include "expression/arithmetic.h"
#include "expression/functions.h"
#include "expression/in_list.h"

namespace weir {

namespace {

std::optional<Comparison> comparison_named(std::string_view name) {
  if (name == "=") return Comparison::kEqual;
  if (name == "<>" || name == "!=") return Comparison::kNotEqual;
  if (name == "<") return Comparison::kLess;
  if (name == "<=") return Comparison::kLessEqual;
  if (name == ">") return Comparison::kGreater;
  if (name == ">=") return Comparison::kGreaterEqual;
  return std::nullopt;
}

// A literal that fits the narrower type of the column beside it is narrowed, so that the column needs no cast.
Result<Type> narrowed_comparison_type(const Arguments& arguments, Type type) {
  for (std::size_t i = 0; i < 2; ++i) {
    const Expression& literal = *arguments[i];
    const Type& other = arguments[1 - i]->type;
    if (!is_literal(literal) || !other.is_integer() || is_literal(*arguments[1 - i]) || other.id >= type.id) continue;
    if (!type.is_integer() || literal.literal.is_null()) continue;
    Result<ExpressionPtr> narrow = make_cast(arguments[i], with_nullable(other, false));
    if (narrow.has_value()) return other;
  }
  return type;
}

Result<ExpressionPtr> compare(const FunctionEntry& entry, Comparison comparison, Arguments arguments, SourceSpan span) {
  std::optional<Type> type = comparison_type(*arguments[0], *arguments[1]);
  if (!type.has_value() || type->physical() == Physical::kNested) return type_error(entry, arguments);
  if (type->id == TypeId::kNull) return make_null(Type::boolean());
  if (type->id == TypeId::kString || type->id == TypeId::kBytes) {
    type->length = 0;
    type->fixed_length = false;
  }
  WEIR_ASSIGN(Type target, narrowed_comparison_type(arguments, *type));
  for (ExpressionPtr& argument : arguments) {
    WEIR_ASSIGN(argument, coerce(std::move(argument), target));
  }
  return make_function_call(*comparison_function(comparison, target.physical()), std::move(arguments), Type::boolean(),
                            span);
}

Result<ExpressionPtr> resolve_comparison(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() != 2) return argument_count_error(entry, arguments);
  return compare(entry, *comparison_named(entry.name), std::move(arguments), span);
}

void not_kernel(KernelCall& call) {
  map_rows<std::int8_t, std::int8_t>(call, [](std::int8_t& out, const std::int8_t& in) { out = in != 0 ? 0 : 1; });
}

// What IS … answers for NULL, FALSE and TRUE.
template <int kNull, int kFalse, int kTrue>
void is_kernel(KernelCall& call) {
  const Operand operand = call.arguments[0];
  auto* out = call.result->values<std::int8_t>();
  for_rows(call.range, nullptr, [&](std::uint32_t row) {
    if (!operand.is_valid(row))
      out[row] = kNull;
    else if constexpr (kFalse == kTrue)
      out[row] = kTrue;
    else
      out[row] = operand.at<std::int8_t>(row) != 0 ? kTrue : kFalse;
    return true;
  });
}

constexpr std::uint8_t kIsFlags = kNotStrict | kNeverNull;
constexpr ScalarFunction kNot[] = {{"NOT", "b", 'b', &not_kernel}};
constexpr ScalarFunction kIsNull[] = {{"IS NULL", "a", 'b', &is_kernel<1, 0, 0>, kIsFlags}};
constexpr ScalarFunction kIsNotNull[] = {{"IS NOT NULL", "a", 'b', &is_kernel<0, 1, 1>, kIsFlags}};
constexpr ScalarFunction kIsTrue[] = {{"IS TRUE", "b", 'b', &is_kernel<0, 0, 1>, kIsFlags}};
constexpr ScalarFunction kIsNotTrue[] = {{"IS NOT TRUE", "b", 'b', &is_kernel<1, 1, 0>, kIsFlags}};
constexpr ScalarFunction kIsFalse[] = {{"IS FALSE", "b", 'b', &is_kernel<0, 1, 0>, kIsFlags}};
constexpr ScalarFunction kIsNotFalse[] = {{"IS NOT FALSE", "b", 'b', &is_kernel<1, 0, 1>, kIsFlags}};
constexpr ScalarFunction kIsUnknown[] = {{"IS UNKNOWN", "b", 'b', &is_kernel<1, 0, 0>, kIsFlags}};
constexpr ScalarFunction kIsNotUnknown[] = {{"IS NOT UNKNOWN", "b", 'b', &is_kernel<0, 1, 1>, kIsFlags}};

Result<ExpressionPtr> resolve_logical(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() < 2) return argument_count_error(entry, arguments);
  for (const ExpressionPtr& argument : arguments)
    if (argument->type.id != TypeId::kBoolean && argument->type.id != TypeId::kNull)
      return type_error(entry, arguments);
  const auto kind = entry.name == "AND" ? Expression::Kind::kAnd : Expression::Kind::kOr;
  return make_logical(kind, std::move(arguments), span);
}

Result<ExpressionPtr> resolve_between(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() != 3) return argument_count_error(entry, arguments);
  const bool negated = entry.name == "NOT BETWEEN";
  WEIR_ASSIGN(ExpressionPtr low, compare(entry, negated ? Comparison::kLess : Comparison::kGreaterEqual,
                                         {arguments[0], arguments[1]}, span));
  WEIR_ASSIGN(ExpressionPtr high, compare(entry, negated ? Comparison::kGreater : Comparison::kLessEqual,
                                          {arguments[0], arguments[2]}, span));
  Arguments sides;
  sides.push_back(std::move(low));
  sides.push_back(std::move(high));
  return make_logical(negated ? Expression::Kind::kOr : Expression::Kind::kAnd, std::move(sides), span);
}

ExpressionPtr negation(ExpressionPtr argument, SourceSpan span) {
  Arguments arguments;
  arguments.push_back(std::move(argument));
  return make_function_call(kNot[0], std::move(arguments), Type::boolean(), span);
}

// Both NULL, or equal: as a tree of plain predicates.
Result<ExpressionPtr> resolve_distinct(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() != 2) return argument_count_error(entry, arguments);
  const bool negated = entry.name == "IS DISTINCT FROM";
  if (arguments[0]->type.id == TypeId::kNull && arguments[1]->type.id == TypeId::kNull) return make_boolean(!negated);
  WEIR_ASSIGN(ExpressionPtr equal, compare(entry, Comparison::kEqual, arguments, span));
  Arguments both_null;
  for (const ExpressionPtr& argument : arguments)
    both_null.push_back(make_function_call(kIsNull[0], {argument}, Type::boolean(), span));
  Arguments sides;
  WEIR_ASSIGN(ExpressionPtr nulls, make_logical(Expression::Kind::kAnd, std::move(both_null), span));
  sides.push_back(std::move(nulls));
  sides.push_back(make_function_call(kIsTrue[0], {std::move(equal)}, Type::boolean(), span));
  WEIR_ASSIGN(ExpressionPtr same, make_logical(Expression::Kind::kOr, std::move(sides), span));
  return negated ? negation(std::move(same), span) : same;
}

// Literals become one call over a set; what is not a literal, and NULL, become terms of an OR beside it.
Result<ExpressionPtr> resolve_in(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() < 2) return argument_count_error(entry, arguments);
  Type type = arguments[0]->type;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const ExpressionPtr so_far = make_column(0, type);  // not a literal, whatever the first argument is
    std::optional<Type> common = comparison_type(*so_far, *arguments[i]);
    if (!common.has_value()) common = comparison_type(*arguments[0], *arguments[i]);
    if (!common.has_value()) return type_error(entry, arguments);
    type = *common;
  }
  Arguments set, terms;
  WEIR_ASSIGN(ExpressionPtr needle, coerce(arguments[0], type));
  set.push_back(needle);
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    WEIR_ASSIGN(ExpressionPtr item, coerce(std::move(arguments[i]), type));
    if (is_null_literal(*item)) {
      terms.push_back(make_null(Type::boolean()));
    } else if (is_literal(*item) && in_list_takes(type)) {
      set.push_back(std::move(item));
    } else {
      WEIR_ASSIGN(ExpressionPtr equal, compare(entry, Comparison::kEqual, {needle, std::move(item)}, span));
      terms.push_back(std::move(equal));
    }
  }
  constexpr std::size_t kSingle = 2;
  if (set.size() == kSingle) {
    WEIR_ASSIGN(ExpressionPtr equal, compare(entry, Comparison::kEqual, std::move(set), span));
    terms.insert(terms.begin(), std::move(equal));
  } else if (set.size() > kSingle) {
    const ScalarFunction& function = in_list_function(type.physical());
    terms.insert(terms.begin(), make_function_call(function, std::move(set), Type::boolean(), span));
  }
  WEIR_ASSIGN(ExpressionPtr found, make_logical(Expression::Kind::kOr, std::move(terms), span));
  return entry.name == "NOT IN" ? negation(std::move(found), span) : found;
}

constexpr FunctionEntry kEntries[] = {
    {"+",
     "numeric + numeric, time + interval, interval + interval",
     "Sum; integers fail on overflow.",
     {},
     &resolve_add},
    {"-",
     "numeric - numeric, time - interval, time - time, - numeric",
     "Difference, or the negative of one argument.",
     {},
     &resolve_subtract},
    {"*", "numeric * numeric, interval * integer", "Product.", {}, &resolve_multiply},
    {"/",
     "numeric / numeric",
     "Quotient; of integers it is cut towards zero and fails for a divisor of 0.",
     {},
     &resolve_divide},
    {"%", "numeric % numeric", "Remainder with the sign of the dividend.", {}, &resolve_remainder},
    {"MOD", "MOD(numeric, numeric)", "Remainder with the sign of the dividend.", {}, &resolve_remainder},
    {"=", "a = b", "Equal.", {}, &resolve_comparison},
    {"<>", "a <> b", "Not equal.", {}, &resolve_comparison},
    {"!=", "a != b", "Not equal.", {}, &resolve_comparison},
    {"<", "a < b", "Less.", {}, &resolve_comparison},
    {"<=", "a <= b", "Less or equal.", {}, &resolve_comparison},
    {">", "a > b", "Greater.", {}, &resolve_comparison},
    {">=", "a >= b", "Greater or equal.", {}, &resolve_comparison},
    {"AND",
     "BOOLEAN AND BOOLEAN",
     "Three-valued and; later arguments are asked only where they decide.",
     {},
     &resolve_logical},
    {"OR",
     "BOOLEAN OR BOOLEAN",
     "Three-valued or; later arguments are asked only where they decide.",
     {},
     &resolve_logical},
    {"NOT", "NOT BOOLEAN", "Three-valued negation.", kNot},
    {"IS NULL", "a IS NULL", "Whether the value is NULL.", kIsNull},
    {"IS NOT NULL", "a IS NOT NULL", "Whether there is a value.", kIsNotNull},
    {"IS TRUE", "BOOLEAN IS TRUE", "TRUE for TRUE, else FALSE.", kIsTrue},
    {"IS NOT TRUE", "BOOLEAN IS NOT TRUE", "TRUE for FALSE and NULL.", kIsNotTrue},
    {"IS FALSE", "BOOLEAN IS FALSE", "TRUE for FALSE, else FALSE.", kIsFalse},
    {"IS NOT FALSE", "BOOLEAN IS NOT FALSE", "TRUE for TRUE and NULL.", kIsNotFalse},
    {"IS UNKNOWN", "BOOLEAN IS UNKNOWN", "TRUE for NULL.", kIsUnknown},
    {"IS NOT UNKNOWN", "BOOLEAN IS NOT UNKNOWN", "TRUE for TRUE and FALSE.", kIsNotUnknown},
    {"IS DISTINCT FROM", "a IS DISTINCT FROM b", "Not equal, where NULL equals NULL.", {}, &resolve_distinct},
    {"IS NOT DISTINCT FROM", "a IS NOT DISTINCT FROM b", "Equal, where NULL equals NULL.", {}, &resolve_distinct},
    {"BETWEEN", "a BETWEEN low AND high", "low <= a AND a <= high.", {}, &resolve_between},
    {"NOT BETWEEN", "a NOT BETWEEN low AND high", "a < low OR a > high.", {}, &resolve_between},
    {"IN", "a IN (b, …)", "Whether a equals one of the list.", {}, &resolve_in},
    {"NOT IN",
     "a NOT IN (b, …)",
     "Whether a equals none of the list; NULL where the list has a NULL and no match.",
     {},
     &resolve_in},
};

}  // namespace

std::span<const FunctionEntry> operator_entries() {
  return kEntries;
}

}  // namespace weir
