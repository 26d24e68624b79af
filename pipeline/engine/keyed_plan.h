// How the rows of a key meet: the choice of an aggregate stage's keyed plan (physical_plan.h).
#pragma once

#include "engine/physical_plan.h"

namespace weir {

/// What is known of the rows that an aggregate stage takes.
struct StageInput {
  const Schema* rows = nullptr;
  bool results = false;    ///< They are results of the stage before, not rows of the table.
  bool colocated = false;  ///< All rows of a key are on one shard already.
  bool in_order = false;   ///< Those of a key come one by one, in the order of their times.
  bool changes = false;    ///< They are taken back and given again.
};

/// Sets keyed_plan, exchange, colocated and why. Errors: kSqlUnsupported, where no plan gives the same answer for every
/// number of shards.
Result<void> choose_keyed_plan(AggregateStage& stage, const StageInput& input, const JobOptions& options);

}  // namespace weir
