// The list of Weir's own aggregate functions: each family offers a function that adds its definitions, declared here
// and called in catalogue.cc. A new family is one file, one declaration and one call.
//
// COUNT, SUM, AVG, MIN and MAX are fused kernels (window/aggregate_layout.h) and stand in no definition.
#pragma once

#include <string_view>
#include <vector>

#include "weir/pipeline/aggregate_function.h"

namespace weir {

void add_approx_count_distinct(std::vector<AggregateDefinition>& to);
void add_approx_quantile(std::vector<AggregateDefinition>& to);
void add_bits(std::vector<AggregateDefinition>& to);
void add_bool_and_or(std::vector<AggregateDefinition>& to);
void add_collect(std::vector<AggregateDefinition>& to);  // COLLECT
void add_decay(std::vector<AggregateDefinition>& to);
void add_histogram(std::vector<AggregateDefinition>& to);
void add_lists(std::vector<AggregateDefinition>& to);  // LISTAGG, ARRAY_AGG, JSON_ARRAYAGG, JSON_OBJECTAGG
void add_market(std::vector<AggregateDefinition>& to);
void add_mode(std::vector<AggregateDefinition>& to);
void add_moments(std::vector<AggregateDefinition>& to);
void add_ordered(std::vector<AggregateDefinition>& to);
void add_quantile(std::vector<AggregateDefinition>& to);
void add_reservoir_sample(std::vector<AggregateDefinition>& to);
void add_time_series(std::vector<AggregateDefinition>& to);
void add_top_k(std::vector<AggregateDefinition>& to);

/// The form of MIN, MAX, ANY_VALUE, BIT_AND and BIT_OR that has an inverse (counted_fold.cc).
AggregateFunctionPtr make_counted_fold(const AggregateCallInfo& call);

/// The definition of one of Weir's own, or null.
AggregateDefinitionPtr built_in_aggregate(std::string_view upper_name);
/// Whether the name belongs to a fused kernel.
bool is_fused_aggregate(std::string_view upper_name) noexcept;

}  // namespace weir
