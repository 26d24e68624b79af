// Conditional functions: COALESCE, NULLIF, IF, GREATEST, LEAST. All but the last two become CASE or COALESCE nodes,
// which the program evaluates on narrowed selections.
#include <array>

#include "expression/functions.h"

namespace weir {

namespace {

// All arguments brought to one type; an error where there is none.
Result<Arguments> to_common_type(const FunctionEntry& entry, Arguments arguments) {
  std::optional<Type> type = arguments.front()->type;
  for (const ExpressionPtr& argument : arguments) {
    type = common_type(*type, argument->type);
    if (!type.has_value()) return type_error(entry, arguments);
  }
  for (ExpressionPtr& argument : arguments) {
    WEIR_ASSIGN(argument, coerce(std::move(argument), *type));
  }
  return arguments;
}

Result<ExpressionPtr> resolve_coalesce(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.empty() || (entry.name == "IFNULL" && arguments.size() != 2))
    return argument_count_error(entry, arguments);
  WEIR_ASSIGN(Arguments typed, to_common_type(entry, std::move(arguments)));
  const Type type = typed.front()->type;
  Arguments kept;
  for (ExpressionPtr& argument : typed) {
    if (is_null_literal(*argument)) continue;
    kept.push_back(std::move(argument));
    if (is_literal(*kept.back())) break;
  }
  if (kept.empty()) return make_null(type);
  if (kept.size() == 1) return std::move(kept.front());
  bool nullable = true;
  for (const ExpressionPtr& argument : kept) nullable = nullable && argument->type.nullable;
  auto node = std::make_shared<Expression>();
  node->kind = Expression::Kind::kCoalesce;
  node->type = with_nullable(type, nullable);
  node->arguments = std::move(kept);
  node->span = span;
  return ExpressionPtr(std::move(node));
}

Result<ExpressionPtr> resolve_nullif(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() != 2) return argument_count_error(entry, arguments);
  ExpressionPtr value = arguments[0];
  WEIR_ASSIGN(ExpressionPtr equal, make_call("=", std::move(arguments), span));
  const Type type = value->type;
  return make_case({std::move(equal), make_null(type), std::move(value)}, span);
}

Result<ExpressionPtr> resolve_if(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() != 3) return argument_count_error(entry, arguments);
  return make_case(std::move(arguments), span);
}

template <typename T, bool kGreatest>
void extreme_kernel(KernelCall& call) {
  T* out = call.result->values<T>();
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
    T best = call.arguments[0].at<T>(row);
    for (std::size_t i = 1; i < call.arguments.size(); ++i) {
      const T& other = call.arguments[i].at<T>(row);
      if (kGreatest ? best < other : other < best) best = other;
    }
    out[row] = best;
    return true;
  });
}

template <bool kGreatest>
constexpr std::array<ScalarFunction, 8> extreme_overloads(std::string_view name) {
  return {{{name, "aa*", '0', &extreme_kernel<std::int8_t, kGreatest>},
           {name, "aa*", '0', &extreme_kernel<std::int16_t, kGreatest>},
           {name, "aa*", '0', &extreme_kernel<std::int32_t, kGreatest>},
           {name, "aa*", '0', &extreme_kernel<std::int64_t, kGreatest>},
           {name, "aa*", '0', &extreme_kernel<Int128, kGreatest>},
           {name, "aa*", '0', &extreme_kernel<float, kGreatest>},
           {name, "aa*", '0', &extreme_kernel<double, kGreatest>},
           {name, "aa*", '0', &extreme_kernel<StringRef, kGreatest>}}};
}
constexpr auto kGreatest = extreme_overloads<true>("GREATEST");
constexpr auto kLeast = extreme_overloads<false>("LEAST");

Result<ExpressionPtr> resolve_extreme(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.empty()) return argument_count_error(entry, arguments);
  WEIR_ASSIGN(Arguments typed, to_common_type(entry, std::move(arguments)));
  Type type = typed.front()->type;
  if (type.physical() == Physical::kNested) return type_error(entry, typed);
  if (typed.size() == 1) return std::move(typed.front());
  const auto& overloads = entry.name == "GREATEST" ? kGreatest : kLeast;
  const ScalarFunction& function = overloads[static_cast<std::size_t>(type.physical())];
  return make_function_call(function, std::move(typed), std::move(type), span);
}

constexpr FunctionEntry kEntries[] = {
    {"COALESCE", "COALESCE(a, b, …)", "The first argument that is not NULL.", {}, &resolve_coalesce},
    {"IFNULL", "IFNULL(a, b)", "a, or b where a is NULL.", {}, &resolve_coalesce},
    {"NULLIF", "NULLIF(a, b)", "NULL where a = b, else a.", {}, &resolve_nullif},
    {"IF", "IF(BOOLEAN, a, b)", "a where the condition is TRUE, else b.", {}, &resolve_if},
    {"GREATEST", "GREATEST(a, b, …)", "The greatest argument; NULL where one is NULL.", {}, &resolve_extreme},
    {"LEAST", "LEAST(a, b, …)", "The least argument; NULL where one is NULL.", {}, &resolve_extreme},
};

}  // namespace

std::span<const FunctionEntry> conditional_entries() {
  return kEntries;
}

}  // namespace weir
