// Aggregates by name: what the binder, the builder and the planner need to know of them, whether a fused kernel
// computes them (COUNT, SUM, AVG, MIN, MAX: window/aggregate_layout.h) or an AggregateFunction.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/pipeline/aggregate_function.h"

namespace weir {

class FunctionCatalogue;

/// True for every aggregate function of the dialect, whether Weir has it yet or not ("COUNT", "LISTAGG", …), and for
/// those of the host's catalogue, if there is one; case-insensitive. What is no aggregate is a scalar function or
/// unknown.
bool is_aggregate_name(std::string_view name, const FunctionCatalogue* functions = nullptr);

/// The definition behind a name, Weir's own or the host's; case-insensitive. Null where there is none, and for the
/// names of fused kernels.
AggregateDefinitionPtr find_aggregate(std::string_view name, const FunctionCatalogue* functions = nullptr);

/// Type of the result of an aggregate call (whose `result` is not looked at), a host's by its `definition`, else by
/// name and Flink's rules:
///   COUNT(*) (no argument), COUNT(x), COUNT(DISTINCT x, …)   BIGINT NOT NULL
///   SUM(x)   integers and FLOAT, DOUBLE their own type; DECIMAL(p, s) → DECIMAL(38, s)
///   AVG(x)   integers their own type, truncated toward zero; FLOAT, DOUBLE; DECIMAL(p, s) → DECIMAL(38, max(s, 6))
///   MIN(x), MAX(x)   the argument's type: numbers, strings, booleans, dates, times, timestamps, intervals
///   all others       what their definition says
/// All but COUNT are nullable: with no value but NULL they give NULL.
/// Errors: kSqlUnknownName (nearest names as hint), kSqlType (wrong count or type of arguments, ORDER BY or DISTINCT
/// where they have no place), kSqlUnsupported (an aggregate of the dialect that Weir has not yet).
Result<Type> resolve_aggregate(const AggregateCallInfo& call);
Result<Type> resolve_aggregate(std::string_view name, std::span<const Type> arguments, bool distinct);

/// The function behind a resolved call, with a set of values before it where DISTINCT asks for one; null where a fused
/// kernel computes it. Errors: those of the definition's make().
Result<AggregateFunctionPtr> make_aggregate_function(const AggregateCallInfo& call);

/// How many of `count` arguments of a call, from the end, have to be constants. 0 for a fused kernel (null).
std::size_t constant_arguments(const AggregateDefinition* definition, std::size_t count) noexcept;

/// One line of the reference.
struct AggregateHelp {
  std::string_view name, signature, meaning;
};
/// Weir's own aggregates: the fused ones, then the others by name. Views stay valid.
std::vector<AggregateHelp> aggregate_functions();

}  // namespace weir
