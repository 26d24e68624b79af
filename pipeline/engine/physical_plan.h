// PhysicalQuery: a logical chain (plan.h) cut into the stages that a shard runs, with every projection composed into
// the expressions above it, so that a row is touched by as few operators as can be.
//
//   source stage     read ─► scan project ─► watermark ─► [window] ─► filters ─► row project
//   aggregate stage  [local ─► exchange by key ─► merge]  or  [late filter ─► exchange by key ─► aggregate]  or
//                    [aggregate]
//   the next one     filters ─► row project ─► the same again, without an exchange where rows of a key are on one shard
//   result stage     filters ─► project ─► [exchange to one shard] ─► sink
//
// Columns that nobody reads are never decoded. Expressions of a stage are over the columns that the step before gives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/result.h"
#include "weir/pipeline/job.h"
#include "weir/pipeline/operators.h"
#include "weir/pipeline/plan.h"

namespace weir {

/// A list of expressions and the schema of what they give.
struct Projection {
  std::vector<ExpressionPtr> expressions;
  Schema schema;
};

struct SourceStage {
  std::shared_ptr<const TableDefinition> table;
  std::vector<std::uint32_t> physical_columns;  ///< Of the table, ascending: batch column i holds physical_columns[i].
  Schema read_schema;                           ///< Of the batch that the reader fills.
  Projection scan;  ///< Over read_schema: the columns read, then the event time where it is computed.
  bool scan_is_identity = true;
  int time_column = -1;     ///< In scan.schema; -1: no watermark.
  ExpressionPtr watermark;  ///< Over scan.schema.
  std::int64_t tick_ns = 1'000'000;
  /// A window function without GROUP BY: window_start, window_end and window_time are appended to scan.schema.
  std::optional<WindowSpec> assign;
  std::vector<ExpressionPtr> filters;  ///< Over scan.schema (and the window columns), in order.
  Projection row;                      ///< Over the same: what the next stage takes.
  bool row_is_identity = false;

  /// Whether column `column` of read_schema is first read behind the first filter.
  bool may_defer(std::uint32_t column) const;
};

/// The first takes the source stage's rows, each other one the results of the one before it.
struct AggregateStage {
  std::vector<ExpressionPtr> filters;  ///< Over the schema of the stage before; the first stage's are the source's.
  Projection row;                      ///< Over the same: the rows that are aggregated.
  bool row_is_identity = false;
  std::uint32_t key_count = 0;  ///< Row columns 0 … key_count-1 are the keys.
  /// time_column of it is the row projection's. Without one there is one result a key, at the end of the input.
  std::optional<WindowSpec> window;
  std::vector<AggregateColumn> aggregates;  ///< Over the columns of the row projection.
  Schema schema;                            ///< Keys, with a window window_start, window_end, window_time, aggregates.
  std::vector<std::int64_t> grouping_sets;  ///< PlanNode::grouping_sets; none: no expand.
  KeyedPlan keyed_plan = KeyedPlan::kLocalMerge;
  bool exchange = false;   ///< false: colocated, or one shard and nobody forced a keyed plan.
  bool colocated = false;  ///< The stage before has put all rows of a key on one shard.
  bool changes = false;    ///< Its rows are results that change: they have kinds.
  /// HOP: DISTINCT counts its values, so that windows can subtract the slices that leave.
  bool counts_distinct = false;
  /// Rows are judged where those of a key meet (sessions): through an exchange they carry their watermark and place.
  bool judged_together() const noexcept {
    return window.has_value() && (window->kind == WindowKind::kSession || window->kind == WindowKind::kCount);
  }
  /// Slices and watermarks are those of this zone's wall clock (operators/civil_time.h); empty: of instants.
  std::string civil_zone;
  bool fail_late = false;  ///< SESSION: the first late row ends the job.
  bool late_side = false;  ///< SESSION: late rows go to a table; these columns of the rows are taken along.
  std::vector<std::uint32_t> late_columns;
  bool civil_before = false;  ///< What comes in is in that wall clock already.
  std::string why;            ///< Of the keyed plan, for explain.
};

/// Rows that leave the source stage on the side.
struct SideStage {
  Projection project;  ///< Over what the stage says.
  std::shared_ptr<const TableDefinition> table;
};

/// A policy for late rows other than dropping them: they are found before the row projection, or, where sessions find
/// them, in the first aggregate, to which the row projection takes along what the side needs.
struct LateStage {
  LatePolicy policy = LatePolicy::kFail;
  std::string zone;   ///< The stage's civil_zone.
  WindowSpec window;  ///< time_column is the source stage's.
  /// kSideOutput; over scan.schema (in_aggregate: over the aggregate's late_columns) and, behind it, the row's
  /// watermark.
  std::optional<SideStage> side;
  bool in_aggregate = false;
};

struct ResultStage {
  std::vector<ExpressionPtr> filters;  ///< Over the last aggregate's schema or the row projection's.
  Projection project;
  bool project_is_identity = false;
  std::shared_ptr<const TableDefinition> table;
};

struct PhysicalQuery {
  SourceStage source;
  std::optional<LateStage> late;
  std::optional<SideStage> malformed;  ///< Over dead_letter_schema().
  std::vector<AggregateStage> aggregates;
  ResultStage result;
  const Schema& rows_of(std::size_t stage) const noexcept {
    return stage == 0 ? source.row.schema : aggregates[stage].row.schema;
  }
};

/// Cuts one query into stages and chooses its keyed plan. `time_zone` is the job's table.local-time-zone, `emit` its
/// settings of early and late results.
/// Errors: kSqlUnsupported for shapes that do not run yet, and aggregates that cannot take back what changes.
Result<PhysicalQuery> make_physical_query(const QueryPlan& query, const JobOptions& options, std::string_view time_zone,
                                          const EmitOptions& emit);

}  // namespace weir
