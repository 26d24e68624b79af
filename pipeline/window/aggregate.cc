// Names and types of aggregates: fused kernels, Weir's other ones, a host's. See aggregate.h.
#include "weir/pipeline/aggregate.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "aggregates/catalogue.h"
#include "aggregates/distinct.h"
#include "weir/core/check.h"
#include "weir/core/suggest.h"
#include "weir/pipeline/function_catalogue.h"

namespace weir {
namespace {

constexpr AggregateHelp kFused[] = {
    {"COUNT", "COUNT(*), COUNT(x)", "rows, or rows in which x is not NULL"},
    {"SUM", "SUM(number)", "sum of the values that are not NULL; NULL where there is none"},
    {"AVG", "AVG(number)", "mean of the values that are not NULL; of integers truncated toward zero"},
    {"MIN", "MIN(x)", "least value; NaN counts as the greatest"},
    {"MAX", "MAX(x)", "greatest value; NaN counts as the greatest"},
};

// Aggregates of the dialect that are known and not there yet.
constexpr std::string_view kLater[] = {"RANK", "DENSE_RANK", "ROW_NUMBER", "LAG",
                                       "LEAD", "CUME_DIST",  "NTILE",      "PERCENT_RANK"};

std::string upper(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string nearest_hint(std::string_view name) {
  std::vector<std::string_view> names;
  for (const AggregateHelp& help : aggregate_functions()) names.push_back(help.name);
  std::string hint;
  for (std::string_view near : nearest_names(name, names)) {
    hint += (hint.empty() ? "did you mean " : " or ") + std::string(near);
  }
  return hint.empty() ? "aggregates: " + list_names(names) : hint + "?";
}

bool is_known_later(std::string_view name) {
  return std::find(std::begin(kLater), std::end(kLater), name) != std::end(kLater);
}

bool has_order(const Type& type) {
  return type.id >= TypeId::kBoolean && type.id <= TypeId::kIntervalMonth;
}

Error type_error(std::string_view name, const Type& argument) {
  return Error(ErrorCode::kSqlType, std::string(name) + " takes no argument of type " + argument.to_string());
}

Type nullable(Type type) {
  type.nullable = true;
  return type;
}

std::string count_text(const AggregateDefinition& definition) {
  const std::string least = std::to_string(definition.arguments_min);
  if (definition.arguments_max == definition.arguments_min) return least;
  return least + " to " + std::to_string(definition.arguments_max);
}

Result<Type> resolve_sum(const std::string& name, const Type& argument) {
  if (argument.id == TypeId::kDecimal) {
    const std::uint8_t scale = name == "AVG" ? std::max<std::uint8_t>(argument.scale, 6) : argument.scale;
    return Type::decimal(kDecimalPrecisionMax, scale);
  }
  if (argument.is_integer() || argument.is_float()) return nullable(argument);
  return type_error(name, argument);
}

/// By Flink's rules; see aggregate.h. Requires: an upper-case name of a fused kernel.
Result<Type> resolve_fused(const std::string& name, std::span<const Type> arguments, bool distinct) {
  const bool counts = name == "COUNT";
  if ((arguments.size() > 1 && !(counts && distinct)) || (arguments.empty() && !counts))
    return Error(ErrorCode::kSqlType,
                 name + " takes one argument, " + std::to_string(arguments.size()) + " were given");
  if (arguments.empty() && distinct) return Error(ErrorCode::kSqlType, "COUNT(DISTINCT *) has no meaning");
  if (counts) {
    for (const Type& argument : arguments)
      if (!has_order(argument) && argument.id != TypeId::kNull) return type_error(name, argument);
    return Type::of(TypeId::kBigInt, false);
  }
  if (name == "SUM" || name == "AVG") return resolve_sum(name, arguments[0]);
  if (!has_order(arguments[0])) return type_error(name, arguments[0]);
  return nullable(arguments[0]);
}

Result<Type> resolve_defined(const AggregateDefinition& definition, const AggregateCallInfo& call) {
  if (!call.order.empty() && !definition.order_allowed && !definition.ordered_set)
    return Error(ErrorCode::kSqlType, definition.name + " takes no ORDER BY")
        .with_hint(definition.name == "FIRST_VALUE" || definition.name == "LAST_VALUE"
                       ? "ARG_MIN(x, key) and ARG_MAX(x, key) take the x of the least and the greatest key"
                       : "");
  if (definition.ordered_set && call.order.size() > 1)
    return Error(ErrorCode::kSqlType, definition.name + " takes one expression in ORDER BY");
  WEIR_CHECK_LE(call.order.size(), call.arguments.size());
  const std::size_t columns = call.arguments.size() - (definition.ordered_set ? 0 : call.order.size());
  const std::size_t count = columns + call.constants.size();
  if (count < definition.arguments_min || count > definition.arguments_max)
    return Error(ErrorCode::kSqlType, definition.name + " takes " + count_text(definition) +
                                          (definition.arguments_max == 1 ? " argument, " : " arguments, ") +
                                          std::to_string(count) + " were given")
        .with_hint(definition.signature);
  for (const Type& argument : call.arguments) {
    if (argument.id == TypeId::kNull)
      return Error(ErrorCode::kSqlType, definition.name + " takes no NULL without a type").with_hint("CAST(NULL AS …)");
  }
  return definition.resolve(std::span(call.arguments.data(), columns), call.constants);
}

}  // namespace

AggregateDefinitionPtr find_aggregate(std::string_view name, const FunctionCatalogue* functions) {
  const std::string key = upper(name);
  if (AggregateDefinitionPtr own = built_in_aggregate(key); own != nullptr || functions == nullptr) return own;
  return functions->aggregate(key);
}

bool is_aggregate_name(std::string_view name, const FunctionCatalogue* functions) {
  const std::string key = upper(name);
  return is_fused_aggregate(key) || is_known_later(key) || find_aggregate(key, functions) != nullptr;
}

std::vector<AggregateHelp> aggregate_functions() {
  std::vector<AggregateHelp> list(std::begin(kFused), std::end(kFused));
  for (const AggregateDefinitionPtr& definition : built_in_aggregates())
    list.push_back({definition->name, definition->signature, definition->meaning});
  return list;
}

std::size_t constant_arguments(const AggregateDefinition* definition, std::size_t count) noexcept {
  if (definition == nullptr) return 0;
  const std::size_t columns_max = definition->arguments_max - definition->constants_max;
  return count <= columns_max ? 0 : std::min<std::size_t>(count - columns_max, definition->constants_max);
}

Result<Type> resolve_aggregate(const AggregateCallInfo& call) {
  if (call.definition != nullptr) return resolve_defined(*call.definition, call);
  const std::string key = upper(call.name);
  if (is_fused_aggregate(key)) {
    if (!call.order.empty()) return Error(ErrorCode::kSqlType, key + " takes no ORDER BY");
    WEIR_CHECK(call.constants.empty());
    return resolve_fused(key, call.arguments, call.distinct);
  }
  if (const AggregateDefinitionPtr definition = built_in_aggregate(key)) return resolve_defined(*definition, call);
  if (is_known_later(key)) return Error(ErrorCode::kSqlUnsupported, "the aggregate " + key + " is not supported yet");
  return Error(ErrorCode::kSqlUnknownName, "no aggregate function is called " + call.name).with_hint(nearest_hint(key));
}

Result<Type> resolve_aggregate(std::string_view name, std::span<const Type> arguments, bool distinct) {
  AggregateCallInfo call;
  call.name = std::string(name);
  call.arguments.assign(arguments.begin(), arguments.end());
  call.distinct = distinct;
  return resolve_aggregate(call);
}

Result<AggregateFunctionPtr> make_aggregate_function(const AggregateCallInfo& call) {
  AggregateCallInfo made = call;
  made.name = upper(call.name);
  const DistinctForm form = made.retracts ? DistinctForm::kCounted : DistinctForm::kPlain;
  if (made.definition == nullptr && is_fused_aggregate(made.name)) {
    const bool extreme = made.name == "MIN" || made.name == "MAX";
    if (extreme && made.retracts) return make_counted_fold(made);
    const bool by_set = made.distinct && !extreme;
    return by_set ? make_distinct(made, nullptr, form) : Result<AggregateFunctionPtr>(AggregateFunctionPtr());
  }
  const AggregateDefinitionPtr definition =
      made.definition != nullptr ? made.definition : built_in_aggregate(made.name);
  if (definition == nullptr) return Error(ErrorCode::kSqlUnknownName, "no aggregate function is called " + call.name);
  if (!made.distinct || definition->distinct_allowed) return definition->make(made);
  made.distinct = false;
  WEIR_ASSIGN(AggregateFunctionPtr inner, definition->make(made));
  made.distinct = true;
  return make_distinct(made, std::move(inner), form);
}

}  // namespace weir
