// Calls with DISTINCT: a set of values stands in the state, and the function itself sees each value once, when the
// result is made.
#pragma once

#include "aggregates/distinct_set.h"
#include "weir/pipeline/aggregate_function.h"

namespace weir {

/// The function of a call with DISTINCT. COUNT, SUM and AVG are known by name and need no `inner` (null); for all
/// others it is the function of the same call without DISTINCT. Where DISTINCT changes nothing (MIN, MAX, FIRST_VALUE,
/// …) `inner` itself comes back. COUNT(DISTINCT a, b) counts rows (a, b) without a NULL. Errors: kSqlType (a type
/// without equality), kSqlUnsupported (a function whose result depends on the order of rows).
Result<AggregateFunctionPtr> make_distinct(const AggregateCallInfo& call, AggregateFunctionPtr inner,
                                           DistinctForm form = DistinctForm::kPlain);

}  // namespace weir
