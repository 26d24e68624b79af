// make_call: from a name and arguments to a node. Finds the entry (or says what was meant), and picks the overload
// whose coercions cost least.
#include <algorithm>
#include <array>
#include <string>

#include "expression/functions.h"
#include "expression/host_function.h"
#include "expression/time_unit.h"
#include "weir/core/suggest.h"
#include "weir/pipeline/aggregate.h"
#include "weir/pipeline/function_catalogue.h"

namespace weir {

namespace {

char ascii_upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ascii_upper);
  return out;
}

std::array<std::span<const FunctionEntry>, 6> all_entries() {
  return {operator_entries(), conditional_entries(), math_entries(),
          string_entries(),   pattern_entries(),     time_entries()};
}

const FunctionEntry* find_entry(std::string_view name) {
  for (const auto entries : all_entries())
    for (const FunctionEntry& entry : entries)
      if (entry.name == name) return &entry;
  return nullptr;
}

std::string nearest_functions(std::string_view name, const FunctionCatalogue* functions) {
  std::vector<std::string_view> names;
  for (const auto entries : all_entries())
    for (const FunctionEntry& entry : entries) names.push_back(entry.name);
  const std::vector<AggregateHelp> aggregates = aggregate_functions();
  for (const AggregateHelp& aggregate : aggregates) names.push_back(aggregate.name);
  const std::vector<std::string> of_host = functions == nullptr ? std::vector<std::string>() : functions->names();
  names.insert(names.end(), of_host.begin(), of_host.end());
  std::string text;
  const std::vector<std::string_view> near = nearest_names(name, names);
  for (std::size_t i = 0; i < near.size(); ++i) {
    text += i == 0 ? "did you mean " : i + 1 < near.size() ? ", " : " or ";
    text += near[i];
  }
  return text.empty() ? text : text + "?";
}

std::optional<Type> type_of_code(char code) {
  switch (code) {
    case 'b':
      return Type::boolean();
    case 'i':
      return Type::integer();
    case 'l':
      return Type::bigint();
    case 'd':
      return Type::float64();
    case 's':
    case 'u':
      return Type::string();
    case 'x':
      return Type::of(TypeId::kBytes);
    case 'D':
      return Type::of(TypeId::kDate);
    case 't':
      return Type::of(TypeId::kTime);
    case 'T':
      return Type::timestamp(9);
    case 'Z':
      return Type::timestamp_ltz(9);
    case 'I':
      return Type::of(TypeId::kIntervalDay);
    case 'M':
      return Type::of(TypeId::kIntervalMonth);
    default:
      return std::nullopt;
  }
}

// The type that an argument becomes for a parameter, or nothing where it does not fit; adds to the cost.
std::optional<Type> parameter_type(char code, const Expression& argument, int& cost) {
  if (code == 'a') return argument.type;
  if (code == 'm') {
    if (argument.type.id == TypeId::kDecimal) return argument.type;
    if (!argument.type.is_integer()) return std::nullopt;
    cost += 6;
    return decimal_of(argument.type);
  }
  if (code == 'u') {
    const auto* unit = is_literal(argument) ? std::get_if<std::string>(&argument.literal.data) : nullptr;
    if (unit == nullptr || !time_unit(*unit).has_value()) return std::nullopt;
  }
  const Type type = *type_of_code(code);
  const int step = coercion_cost(argument, type);
  if (step < 0) return std::nullopt;
  cost += step;
  return type;
}

// The parameter code of argument `index`, or 0 where there is none.
char code_at(std::string_view parameters, std::size_t index) {
  const bool repeats = !parameters.empty() && parameters.back() == '*';
  const std::size_t fixed = parameters.size() - (repeats ? 2 : 0);
  if (index < fixed) return parameters[index];
  return repeats ? parameters[fixed] : '\0';
}

bool takes_count(std::string_view parameters, std::size_t count) {
  const bool repeats = !parameters.empty() && parameters.back() == '*';
  return repeats ? count >= parameters.size() - 2 : count == parameters.size();
}

// Cost and types for one overload; a negative cost where it does not fit.
int match(const ScalarFunction& function, const Arguments& arguments, std::vector<Type>& types) {
  if (!takes_count(function.parameters, arguments.size())) return -1;
  int cost = 0;
  types.clear();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::optional<Type> type = parameter_type(code_at(function.parameters, i), *arguments[i], cost);
    if (!type.has_value()) return -1;
    types.push_back(std::move(*type));
  }
  return cost;
}

std::string argument_types(const Arguments& arguments) {
  std::string text;
  for (const ExpressionPtr& argument : arguments) {
    if (!text.empty()) text += ", ";
    text += with_nullable(argument->type, true).to_string();
  }
  return text;
}

}  // namespace

bool is_scalar_function(std::string_view upper_name) {
  return find_entry(upper_name) != nullptr;
}

Error type_error(const FunctionEntry& entry, const Arguments& arguments) {
  return Error(ErrorCode::kSqlType, "no " + std::string(entry.name) + " for (" + argument_types(arguments) + ")")
      .with_hint("it exists as " + std::string(entry.signature));
}

Error argument_count_error(const FunctionEntry& entry, const Arguments& arguments) {
  return Error(ErrorCode::kSqlType, std::string(entry.name) + " does not take " + std::to_string(arguments.size()) +
                                        (arguments.size() == 1 ? " argument" : " arguments"))
      .with_hint("it exists as " + std::string(entry.signature));
}

Result<ExpressionPtr> resolve_overload(const FunctionEntry& entry, Arguments arguments, SourceSpan span,
                                       std::shared_ptr<const void> owner) {
  const ScalarFunction* best = nullptr;
  std::vector<Type> best_types, types;
  int best_cost = -1;
  bool count_fits = false;
  for (const ScalarFunction& function : entry.overloads) {
    count_fits |= takes_count(function.parameters, arguments.size());
    const int cost = match(function, arguments, types);
    if (cost < 0 || (best != nullptr && cost >= best_cost)) continue;
    best = &function;
    best_cost = cost;
    best_types = types;
  }
  if (best == nullptr) return count_fits ? type_error(entry, arguments) : argument_count_error(entry, arguments);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    WEIR_ASSIGN(arguments[i], coerce(std::move(arguments[i]), best_types[i]));
  }
  Type type;
  if (best->result_type != nullptr)
    type = best->result_type(arguments);
  else if (best->result >= '0' && best->result <= '9')
    type = arguments[static_cast<std::size_t>(best->result - '0')]->type;
  else
    type = *type_of_code(best->result);
  return make_function_call(*best, std::move(arguments), std::move(type), span, std::move(owner));
}

Result<ExpressionPtr> make_call(std::string_view name, std::vector<ExpressionPtr> arguments, SourceSpan span,
                                const FunctionCatalogue* functions) {
  const std::string key = upper(name);
  const FunctionEntry* entry = find_entry(key);
  if (entry == nullptr && functions != nullptr) {
    if (std::shared_ptr<const HostFunction> host = functions->function(key)) {
      const FunctionEntry& of_host = host->entry;
      return resolve_overload(of_host, std::move(arguments), span, std::move(host));
    }
  }
  if (entry == nullptr) {
    Error error(ErrorCode::kSqlUnknownName, "no function is called " + std::string(name));
    std::string hint = nearest_functions(key, functions);
    if (hint.empty()) return error;
    return std::move(error).with_hint(std::move(hint));
  }
  if (entry->resolver != nullptr) return entry->resolver(*entry, std::move(arguments), span);
  return resolve_overload(*entry, std::move(arguments), span);
}

std::span<const FunctionHelp> scalar_functions() {
  static const std::vector<FunctionHelp> help = [] {
    std::vector<FunctionHelp> all;
    for (const auto entries : all_entries())
      for (const FunctionEntry& entry : entries) all.push_back({entry.name, entry.signature, entry.meaning});
    return all;
  }();
  return help;
}

}  // namespace weir
