// Names and types of aggregate functions. See aggregate.h.
#include "weir/pipeline/aggregate.h"
#include "weir/core/suggest.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace weir {
namespace {

constexpr AggregateHelp kAggregates[] = {
    {"COUNT", "COUNT(*), COUNT(x)", "rows, or rows in which x is not NULL"},
    {"SUM", "SUM(number)", "sum of the values that are not NULL; NULL where there is none"},
    {"AVG", "AVG(number)", "mean of the values that are not NULL; of integers truncated toward zero"},
    {"MIN", "MIN(x)", "least value; NaN counts as the greatest"},
    {"MAX", "MAX(x)", "greatest value; NaN counts as the greatest"},
};

// Aggregates of the dialect that are known and not there yet.
constexpr std::string_view kLater[] = {
    "STDDEV",      "STDDEV_POP", "STDDEV_SAMP", "VARIANCE",      "VAR_POP",        "VAR_SAMP",
    "FIRST_VALUE", "LAST_VALUE", "LISTAGG",     "COLLECT",       "ARRAY_AGG",      "PERCENTILE",
    "RANK",        "DENSE_RANK", "ROW_NUMBER",  "LAG",           "LEAD",           "CUME_DIST",
    "NTILE",       "MODE",       "BIT_AND",     "JSON_ARRAYAGG", "JSON_OBJECTAGG", "APPROX_COUNT_DISTINCT",
    "PERCENT_RANK"};

std::string upper(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string nearest_hint(std::string_view name) {
  std::vector<std::string_view> names;
  for (const AggregateHelp& help : kAggregates) names.push_back(help.name);
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

Result<Type> resolve_sum(const std::string& name, const Type& argument) {
  if (argument.id == TypeId::kDecimal) {
    const std::uint8_t scale = name == "AVG" ? std::max<std::uint8_t>(argument.scale, 6) : argument.scale;
    return Type::decimal(kDecimalPrecisionMax, scale);
  }
  if (argument.is_integer() || argument.is_float()) return nullable(argument);
  return type_error(name, argument);
}

}  // namespace

bool is_aggregate_name(std::string_view name) noexcept {
  const std::string key = upper(name);
  return std::any_of(std::begin(kAggregates), std::end(kAggregates),
                     [&](const AggregateHelp& help) { return help.name == key; }) ||
         is_known_later(key);
}

std::span<const AggregateHelp> aggregate_functions() noexcept {
  return kAggregates;
}

Result<Type> resolve_aggregate(std::string_view name, std::span<const Type> arguments, bool distinct) {
  const std::string key = upper(name);
  if (is_known_later(key)) return Error(ErrorCode::kSqlUnsupported, "the aggregate " + key + " is not supported yet");
  const bool known = std::any_of(std::begin(kAggregates), std::end(kAggregates),
                                 [&](const AggregateHelp& help) { return help.name == key; });
  if (!known)
    return Error(ErrorCode::kSqlUnknownName, "no aggregate function is called " + std::string(name))
        .with_hint(nearest_hint(key));
  const bool may_be_empty = key == "COUNT";
  if (arguments.size() > 1 || (arguments.empty() && !may_be_empty))
    return Error(ErrorCode::kSqlType, key + " takes one argument, " + std::to_string(arguments.size()) + " were given");
  if (arguments.empty() && distinct) return Error(ErrorCode::kSqlType, "COUNT(DISTINCT *) has no meaning");
  const bool distinct_matters = key != "MIN" && key != "MAX";
  if (distinct && distinct_matters) return Error(ErrorCode::kSqlUnsupported, key + "(DISTINCT …) is not supported yet");
  if (key == "COUNT") {
    if (!arguments.empty() && !has_order(arguments[0]) && arguments[0].id != TypeId::kNull)
      return type_error(key, arguments[0]);
    return Type::of(TypeId::kBigInt, false);
  }
  if (key == "SUM" || key == "AVG") return resolve_sum(key, arguments[0]);
  if (!has_order(arguments[0])) return type_error(key, arguments[0]);
  return nullable(arguments[0]);
}

}  // namespace weir
