// Aggregate functions by name: what the binder and the builder need to know of them. How they are computed stands in
// pipeline/window (aggregate_layout.h), which takes calls whose types were resolved here.
#pragma once

#include <span>
#include <string_view>

#include "weir/core/result.h"
#include "weir/core/type.h"

namespace weir {

/// True for every aggregate function of the dialect, whether Weir has it yet or not ("COUNT", "STDDEV_POP", …),
/// case-insensitive. What is no aggregate is a scalar function or unknown.
bool is_aggregate_name(std::string_view name) noexcept;

/// Type of the result of an aggregate call, by Flink's rules, case-insensitive:
///   COUNT(*) (no argument), COUNT(x)   BIGINT NOT NULL
///   SUM(x)   integers and FLOAT, DOUBLE their own type; DECIMAL(p, s) → DECIMAL(38, s)
///   AVG(x)   integers their own type, truncated toward zero; FLOAT, DOUBLE; DECIMAL(p, s) → DECIMAL(38, max(s, 6))
///   MIN(x), MAX(x)   the argument's type: numbers, strings, booleans, dates, times, timestamps, intervals
/// All but COUNT are nullable: with no value but NULL they give NULL.
/// Errors: kSqlUnknownName (nearest names as hint), kSqlType (wrong count or type of arguments), kSqlUnsupported (an
/// aggregate of the dialect that Weir has not yet; DISTINCT but in MIN and MAX, where it means nothing).
Result<Type> resolve_aggregate(std::string_view name, std::span<const Type> arguments, bool distinct);

/// One line of the reference.
struct AggregateHelp {
  std::string_view name, signature, meaning;
};
/// The aggregates that Weir computes.
std::span<const AggregateHelp> aggregate_functions() noexcept;

}  // namespace weir
