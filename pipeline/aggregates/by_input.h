// Aggregates whose result depends on the order in which rows and partials meet, but needs no order: each input's rows
// have a state of their own, and the states are combined by the number of their inputs when the result is made. An
// input is read in order by one shard, so the result is the same for every number of shards, every batch size and every
// run.
//
//   state    | input + 1 | others* | state of the first input … |      others: states of further inputs, ascending
//
// One input costs 16 bytes. The states of several take as much memory as they are. A partial that would be larger than
// kPartialBytesMax combines them before it goes: then answers are the same for each run with as many shards, and for
// another number within the function's bound.
#pragma once

#include <cstddef>

#include "weir/pipeline/aggregate_function.h"

namespace weir {

/// Above, the states of a shard's inputs travel as one: a partial has to fit the strings of a batch.
inline constexpr std::size_t kPartialBytesMax = std::size_t{16} << 10;

/// `inner` with a state for each input. Where no arrivals are known all rows are of input 0.
AggregateFunctionPtr make_by_input(AggregateFunctionPtr inner);

/// Whether make_by_input made it: then rows are not to go through an exchange, which mixes inputs.
bool keeps_inputs_apart(const AggregateFunction& function) noexcept;
/// What is inside, or the function itself.
AggregateFunctionPtr without_inputs(AggregateFunctionPtr function);

}  // namespace weir
