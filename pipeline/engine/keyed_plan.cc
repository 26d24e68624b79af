// Local-then-merge, shuffle, or no exchange at all (keyed_plan.h).
#include "engine/keyed_plan.h"

#include <string>

#include "aggregates/by_input.h"
#include "weir/pipeline/aggregate.h"

namespace weir {
namespace {

/// Whether a fused kernel adds doubles as they come.
bool sums_fast(const AggregateColumn& aggregate, const Schema& rows) {
  const bool sums = aggregate.name == "SUM" || aggregate.name == "AVG";
  return sums && aggregate.fast_sum && !aggregate.distinct &&
         rows.fields[static_cast<std::size_t>(aggregate.arguments[0])].type.is_float();
}

Error cannot_take_back(const std::string& what) {
  return Error(ErrorCode::kSqlUnsupported,
               what + " over results that change: rows that are taken back cannot be taken out of it again");
}

/// Rows are taken out of the stage's states again: by what has an inverse.
Result<void> check_inverse(const AggregateColumn& aggregate, const AggregateFunction* function, const Schema& rows) {
  if (function == nullptr && sums_fast(aggregate, rows)) {
    return cannot_take_back(aggregate.output_name + " with 'weir.double-sum' = 'fast'")
        .with_hint("SET 'weir.double-sum' = 'exact'");
  }
  if (function == nullptr) return {};
  const std::string hint =
      "RESET the settings table.exec.emit.* and weir.emit.*, so that results come once; or take an "
      "aggregate that has an inverse";
  if (!function->has_inverse()) return cannot_take_back(aggregate.output_name).with_hint(hint);
  if (!function->order_sensitive()) return {};
  return Error(ErrorCode::kSqlUnsupported, aggregate.output_name +
                                               " over results that change: it depends on the order of " +
                                               "rows, and a row that is given again comes in another place")
      .with_hint(hint);
}

Result<AggregateFunctionPtr> function_of(const AggregateColumn& aggregate, const Schema& rows, bool retracts) {
  WEIR_ASSIGN(AggregateCallInfo info, call_info(aggregate, rows));
  info.retracts = retracts;
  return make_aggregate_function(info);
}

/// Whether windows that slide can subtract once sets of values count them: nothing else is in the way, and there is
/// a set. Without counts each window would unite the sets of two stacks.
Result<bool> pays_to_count(const AggregateStage& stage, const Schema& rows) {
  if (!stage.window.has_value() || stage.window->kind != WindowKind::kHop ||
      stage.window->slide_ns == stage.window->size_ns)
    return false;
  bool any = false;
  for (const AggregateColumn& aggregate : stage.aggregates) {
    WEIR_ASSIGN(const AggregateFunctionPtr function, function_of(aggregate, rows, aggregate.distinct));
    const bool extreme = aggregate.name == "MIN" || aggregate.name == "MAX";
    if (extreme || sums_fast(aggregate, rows) || (function != nullptr && !function->has_inverse())) return false;
    any = any || (aggregate.distinct && function != nullptr);
  }
  return any;
}

/// What the calls' functions ask of the keyed plan: names of calls, empty where there is none.
struct PlanNeeds {
  std::string ordered;  // the result depends on the order of rows, which an exchange does not keep
  std::string apart;    // each input's rows have a state of their own, and an exchange mixes inputs
  std::string growing;  // the state grows with the values, so that a partial is as large as the rows
};

Result<PlanNeeds> plan_needs(const AggregateStage& stage, const Schema& rows) {
  PlanNeeds needs;
  for (const AggregateColumn& aggregate : stage.aggregates) {
    WEIR_ASSIGN(const AggregateFunctionPtr function, function_of(aggregate, rows, stage.changes));
    if (stage.changes) WEIR_TRY(check_inverse(aggregate, function.get(), rows));
    if (function == nullptr) continue;
    const std::string name = aggregate.name + (aggregate.distinct ? "(DISTINCT …)" : "");
    if (function->order_sensitive()) needs.ordered = name;
    if (keeps_inputs_apart(*function))
      needs.apart = name;
    else if (function->owns_memory() && function->heap_bytes_max() == 0)
      needs.growing = name;
  }
  return needs;
}

/// Results of one window come in no order of their own.
Result<void> check_order(const AggregateStage& stage, const PlanNeeds& needs) {
  const bool rows = stage.window.has_value() && stage.window->kind == WindowKind::kCount;
  if (!rows && needs.ordered.empty()) return {};
  const std::string what =
      rows ? "windows of rows over results of a GROUP BY need" : needs.ordered + " over results of a GROUP BY needs";
  return Error(ErrorCode::kSqlUnsupported, what + " an order, and those of one window have none among them")
      .with_hint(rows ? "PARTITION BY all keys of the GROUP BY below" : "GROUP BY all keys of the GROUP BY below too");
}

}  // namespace

Result<void> choose_keyed_plan(AggregateStage& stage, const StageInput& input, const JobOptions& options) {
  const bool forced = options.keyed_plan != KeyedPlan::kAuto;
  stage.exchange = options.shards > 1 || forced;
  stage.changes = input.changes;
  if (input.changes && stage.judged_together()) {
    return Error(ErrorCode::kSqlUnsupported,
                 std::string(stage.window->kind == WindowKind::kSession ? "SESSION windows" : "windows of rows") +
                     " over results that change are not supported: a row that is taken back would split a window that "
                     "it has joined")
        .with_hint("RESET the settings table.exec.emit.* and weir.emit.*, so that results come once");
  }
  WEIR_ASSIGN(const PlanNeeds needs, plan_needs(stage, *input.rows));
  WEIR_ASSIGN(stage.counts_distinct, pays_to_count(stage, *input.rows));
  if (input.results && !input.in_order && !input.changes) WEIR_TRY(check_order(stage, needs));
  const std::string asked = options.keyed_plan == KeyedPlan::kShuffle ? "shuffle was asked for, but " : "";
  // A row of an overlapping window may be late for some of its windows only; that is decided beside its input, and an
  // exchange of rows does not carry it.
  const bool overlapping = stage.window.has_value() &&
                           (stage.window->kind == WindowKind::kHop || stage.window->kind == WindowKind::kCumulate);
  if (!stage.grouping_sets.empty() && stage.judged_together()) {
    return Error(ErrorCode::kSqlUnsupported,
                 "GROUPING SETS, ROLLUP and CUBE over windows that are made for each key are not supported")
        .with_hint(
            "GROUP BY the PARTITION BY keys in a query below, and by GROUPING SETS over its window_start and "
            "window_end above");
  }
  if (input.colocated) {
    stage.exchange = false;
    stage.colocated = true;
    stage.keyed_plan = KeyedPlan::kLocalMerge;
    stage.why = "the results of a key are on one shard already";
  } else if (stage.changes && stage.exchange) {
    stage.keyed_plan = KeyedPlan::kShuffle;
    stage.why = options.keyed_plan == KeyedPlan::kLocalMerge ? "local-merge was asked for, but " : "";
    stage.why += "rows that are taken back go where those that were given have gone";
  } else if (!stage.grouping_sets.empty() && stage.exchange) {
    stage.keyed_plan = KeyedPlan::kLocalMerge;
    stage.why = "a row goes to a group of each grouping set, so only partials travel";
  } else if (stage.judged_together() && stage.exchange) {
    stage.keyed_plan = KeyedPlan::kShuffle;
    stage.why = options.keyed_plan == KeyedPlan::kLocalMerge ? "local-merge was asked for, but " : "";
    stage.why += stage.window->kind == WindowKind::kSession ? "a session is known only where all rows of its key meet"
                                                            : "rows are counted where all rows of a key meet";
  } else if (overlapping && stage.exchange) {
    stage.keyed_plan = KeyedPlan::kLocalMerge;
    stage.why = asked + "lateness in overlapping windows is decided beside the input";
  } else if (!needs.ordered.empty() && stage.exchange) {
    stage.keyed_plan = KeyedPlan::kLocalMerge;
    stage.why = asked + needs.ordered + " depends on the order of rows, which an exchange of rows does not keep";
  } else if (!needs.apart.empty() && needs.growing.empty() && stage.exchange && !input.results) {
    stage.keyed_plan = KeyedPlan::kLocalMerge;
    stage.why = asked + needs.apart + " counts each input for itself, and an exchange of rows mixes inputs";
  } else if (forced) {
    stage.keyed_plan = options.keyed_plan;
    stage.why = "asked for";
  } else if (!stage.exchange) {
    stage.keyed_plan = KeyedPlan::kLocalMerge;
    stage.why = "one shard: nothing to exchange";
  } else if (!needs.growing.empty()) {
    stage.keyed_plan = KeyedPlan::kShuffle;
    stage.why = needs.growing + " keeps its values, which may be as many as the rows";
  } else {
    stage.keyed_plan = KeyedPlan::kLocalMerge;
    stage.why = stage.key_count == 0
                    ? "no key: each shard sends one partial a slice"
                    : "partials are fixed-size, so only one row a key and slice crosses between shards";
  }
  return {};
}

}  // namespace weir
