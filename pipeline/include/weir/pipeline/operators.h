// The operators that a physical plan is laid out with, as factories: the planner (engine/) names one, gives it what was
// decided, and gets an Operator. How each works stands in pipeline/operators and pipeline/window.
//
//   rows ─► watermark ─► filter ─► project ─► window aggregate (kSingle) ─► …           one shard
//   rows ─► watermark ─► … ─► window aggregate (kLocal) ═ exchange ═► (kMerge) ─► …     local, then merge
//   rows ─► watermark ─► … ─► late filter ═ exchange ═► window aggregate (kSingle) ─► … shuffle
//   results ─► filter ─► project ─► window aggregate, in any of these ways again         a cascade
//
// No result is late for a window over it: its window_time lies above every watermark that was passed on before it.
//
// A window aggregate takes columns, not expressions: the planner puts a project before it whose expressions are the
// keys, the event time, the arguments and the filters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/pipeline/aggregate_function.h"
#include "weir/pipeline/operator.h"
#include "weir/pipeline/plan.h"

namespace weir {

// ---- Rows one by one --------------------------------------------------------------------------------------------

/// Keeps the rows for which a BOOLEAN expression is TRUE; the others are counted as filtered.
Result<std::unique_ptr<Operator>> make_filter(FragmentContext& context, ExpressionPtr predicate);

/// Gives one column an expression. Columns that are only passed on are not copied.
Result<std::unique_ptr<Operator>> make_project(FragmentContext& context, std::vector<ExpressionPtr> expressions,
                                               const Schema& output);

/// GROUPING SETS: gives each row once a set, the keys that are not in it NULL. `sets` are PlanNode::grouping_sets; the
/// last of the key columns takes the number. Nothing is copied, but for what the next operator does not take at once
/// (an exchange): that waits in a batch of its own, which has no row watermarks.
Result<std::unique_ptr<Operator>> make_expand(FragmentContext& context, std::vector<std::int64_t> sets,
                                              std::vector<std::uint32_t> keys, const Schema& rows);

// ---- Watermarks -------------------------------------------------------------------------------------------------

struct WatermarkOptions {
  std::uint32_t time_column = 0;  ///< The event time; NULL there ends the job.
  ExpressionPtr watermark;        ///< Over the input's schema; null: the table has none, nothing is ever late.
  std::uint32_t inputs = 1;       ///< Inputs of this instance, numbered 0 … inputs-1 in the batches' headers.
  std::uint32_t inputs_max = 4096;
  /// An input without rows for this long does not hold the others back; 0: never. Processing time.
  std::int64_t idle_timeout_ns = 0;
  /// A row that would move its input's watermark by more than this (or set its first one) does not move it, until
  /// `jump_rows` such rows stand in a row: then the watermark moves to the least of theirs. 0: no bound.
  std::int64_t jump_max_ns = 0;
  std::uint32_t jump_rows = 3;
  /// Batches whose rows all lie above their watermark by more than this have no row watermarks: 0, or a session's tick.
  std::int64_t margin_ns = 0;
};

/// What a watermark operator knows of an input, for reports.
struct InputReport {
  Watermark watermark = kWatermarkNone;
  bool ended = false;
  bool idle = false;
  std::uint64_t idle_count = 0;       ///< How often it became idle.
  std::uint64_t jumps_held = 0;       ///< Rows that did not move the watermark, since they would have too far.
  std::uint64_t jumps_confirmed = 0;  ///< How often rows in a row moved it after all.
  EventTime jump_first = 0;           ///< Event time of the first such row.
};

/// Assigns watermarks: keeps one for each input, sets the header's event times and watermarks, passes the batch on and
/// then, where the least watermark of all inputs has risen, that watermark. NULL from the expression changes nothing.
class WatermarkOperator : public Operator {
 public:
  static Result<std::unique_ptr<WatermarkOperator>> create(FragmentContext& context, const WatermarkOptions& options);

  /// One more input, which starts at the merged watermark so that it cannot go back. Errors: kLimitExceeded.
  virtual Result<std::uint32_t> add_input() = 0;
  /// The input gives no more rows; after the last one the end of input is passed on. Idempotent.
  virtual void input_ended(std::uint32_t input) = 0;
  /// The input's watermark is at least this from here on.
  virtual void input_promises(std::uint32_t input, Watermark watermark) = 0;
  virtual Watermark input_watermark(std::uint32_t input) const noexcept = 0;
  /// The least watermark over the inputs, kWatermarkEnd when all have ended.
  virtual Watermark merged_watermark() const noexcept = 0;
  /// The input that holds the merged watermark back, or -1 where none does.
  virtual int holding_input() const noexcept = 0;
  virtual std::uint64_t null_event_times() const noexcept = 0;
  virtual InputReport input_report(std::uint32_t input) const noexcept = 0;
  virtual std::uint32_t idle_inputs() const noexcept = 0;

  /// The input has no row now. After idle_timeout_ns of that it is idle: it counts again, from the merged watermark on,
  /// with its next row. Once all inputs are idle the merged watermark is the greatest of theirs, and kIdle goes on.
  /// Requires: accepts().
  /// Returns whether it became idle.
  virtual bool input_waits(std::uint32_t input) = 0;
  /// Whether the chain takes no rows now, so that inputs are not read: their idle clocks stand still until it does.
  virtual void blocked(bool now) = 0;
  /// Whether kIdle was passed on: then rows may be pushed only after begin_return() and finish_return().
  virtual bool all_idle() const noexcept = 0;
  /// Passes kActive on. Requires: accepts(), all_idle().
  virtual void begin_return() = 0;
  /// No row behind this is late at `merged`, which the receivers have come to. Requires: accepts().
  virtual void finish_return(Watermark merged) = 0;
};

// ---- Windows ----------------------------------------------------------------------------------------------------

/// A row that came after its window had fired.
struct LateRow {
  EventTime event_time = 0;
  Watermark watermark = 0;  ///< Of its own input, before it.
  std::uint32_t input = 0;
  std::uint64_t position = 0;  ///< How many rows this operator had taken before it.
};
struct LateReport {
  std::uint64_t count = 0;
  std::optional<LateRow> first, last;
};

/// What a late filter is told beside the window.
struct LateFilterOptions {
  LatePolicy policy = LatePolicy::kDrop;
  std::int64_t lateness_ns = 0;          ///< How long behind its end a window takes rows.
  Schema input;                          ///< kSideOutput: of the rows that come in.
  std::vector<std::string> input_names;  ///< By the number in the batches' headers, for kFail's message.
  /// The windows are of this zone's wall clock, while times and watermarks are instants; empty: both are alike.
  std::string zone;
};

/// Takes out the rows all of whose windows have fired: drops them as kLate, ends the job at the first, or gives them to
/// an operator beside the next one, with the watermark before the row as one more column. Stands on the source's side
/// of any exchange.
class LateFilterOperator : public Operator {
 public:
  static Result<std::unique_ptr<LateFilterOperator>> create(FragmentContext& context, const WindowSpec& window,
                                                            const LateFilterOptions& options = {});
  /// kSideOutput: where late rows go. Requires: set before the first push; it outlives this.
  virtual void set_side(Operator* side) noexcept = 0;
  virtual const LateReport& late() const noexcept = 0;
};

/// Appends window_start, window_end, window_time to each row: TUMBLE one row, HOP and CUMULATE one for each window. A
/// row without a window aggregate behind it is never late.
Result<std::unique_ptr<Operator>> make_window_assign(FragmentContext& context, const WindowSpec& window,
                                                     const Schema& input);

/// An aggregate over columns.
struct AggregateColumn {
  std::string name;                        ///< "COUNT", "SUM", "LISTAGG", …
  std::vector<int> arguments = {};         ///< Columns, none for COUNT(*); the last order.size() are those of ORDER BY.
  int filter = -1;                         ///< BOOLEAN column of FILTER (WHERE …), or -1.
  Type type = {};                          ///< Of the result.
  std::string output_name = {};            ///< In messages and in the output's schema.
  std::vector<Value> constants = {};       ///< Trailing constant arguments.
  std::vector<AggregateOrder> order = {};  ///< ORDER BY inside the call.
  bool distinct = false;
  bool fast_sum = false;                   ///< AggregateCall::fast_sum.
  bool retracts = false;                   ///< AggregateCallInfo::retracts.
  AggregateDefinitionPtr definition = {};  ///< A host's; null: Weir's own of that name.
};
/// The call over columns of `input`. Errors: kInvalidArgument (a column that the input does not have).
Result<AggregateCallInfo> call_info(const AggregateColumn& call, const Schema& input);

enum class AggregateMode : std::uint8_t {
  kSingle,  // rows in, results out
  kLocal,   // rows in, partials out when the watermark closes a slice
  kMerge,   // partials in, results out
};
constexpr std::string_view aggregate_mode_name(AggregateMode mode) noexcept {
  constexpr std::string_view kNames[] = {"single", "local", "merge"};
  return kNames[static_cast<std::size_t>(mode)];
}

/// When a window gives results besides its completion. Any of it makes the results changes of each other.
struct EmitOptions {
  std::int64_t lateness_ns = 0;     ///< A window takes rows until the watermark is this much beyond its completion.
  bool early = false;               ///< Results before completion, every early_delay_ns of processing time.
  std::int64_t early_delay_ns = 0;  ///< 0: after every batch.
  std::uint64_t early_rows = 0;     ///< Not 0: also after so many rows of an instance.
  std::int64_t late_delay_ns = 0;   ///< How long changes by late rows may wait; 0: until the batch is done.
  bool updates() const noexcept { return lateness_ns != 0 || early || early_rows != 0; }
};

struct WindowAggregateOptions {
  AggregateMode mode = AggregateMode::kSingle;
  /// Decide here which rows are late. False behind an exchange, where it has been decided before.
  bool decide_late = true;
  /// SESSION and count windows behind a shuffle: the column of each row's own watermark, behind the input's columns;
  /// that of its arrival follows (operators/row_stamp.h). -1: rows come straight from a source.
  int stamp_column = -1;
  std::uint32_t inputs = 1;  ///< Inputs of the job's table, over all shards: with one, rows are in order as they come.
  /// No window: one result at the end of input over all rows (batch queries).
  std::optional<WindowSpec> window;
  Schema input;  ///< Of the rows (in mode kMerge too: of the rows before the local aggregate).
  std::vector<std::uint32_t> keys;
  std::vector<AggregateColumn> aggregates;
  std::vector<std::string> key_names;  ///< In the output; empty: the columns' names.
  EmitOptions emit;
  /// Rows have kinds (Batch::kinds): those that are taken back or deleted are taken out again. Requires: mode kSingle,
  /// emit.updates(), TUMBLE, HOP, CUMULATE or no window, and aggregates with an inverse.
  bool changes = false;
  /// Its results go to windows again: behind some windows that one control completes comes the watermark that they
  /// reach, so that those do not all stay open.
  bool feeds_windows = false;
  /// SESSION: the first late row ends the job, which names the input: input_names by the number in a row's arrival.
  bool fail_late = false;
  std::vector<std::string> input_names;
  /// SESSION: late rows go to an operator beside the next one (set_late_side): these columns of theirs, in order, and
  /// their own watermark behind them.
  bool late_side = false;
  std::vector<std::uint32_t> late_columns;
  /// Nobody reads window_start, window_time of the results: their values may be anything.
  bool start_unread = false, time_unread = false;
  std::uint32_t groups_max = 1u << 20;     ///< Keys in one slice.
  std::uint32_t slices_max = 4096;         ///< Open slices.
  std::size_t state_bytes_max = 1u << 30;  ///< All state of this instance; address space is reserved, not taken.
};

/// What a group, an empty slice and the operator itself cost, for explain.
struct StateCost {
  std::size_t group_bytes = 0;  ///< One key with its accumulators and the most that they take of the heap.
  std::size_t slice_bytes = 0;  ///< One open slice without groups.
  /// Of the operator beside its state, taken when it is made: columns for a batch's rows, room for open slices, output.
  std::size_t working_bytes = 0;
  /// Aggregates whose state grows with the values and has no bound but state_bytes_max: "ARRAY_AGG(x)".
  std::vector<std::string> unbounded;
};

class WindowAggregateOperator : public Operator {
 public:
  /// Errors: kSqlUnsupported (a window kind or type that is not there yet), kInvalidArgument, kOutOfMemory.
  static Result<std::unique_ptr<WindowAggregateOperator>> create(FragmentContext& context,
                                                                 const WindowAggregateOptions& options);
  /// Of the batches it gives out: keys, window_start, window_end, window_time, aggregates; in mode kLocal partials.
  virtual const Schema& output_schema() const noexcept = 0;
  virtual const LateReport& late() const noexcept = 0;
  /// WindowAggregateOptions::late_side: where late rows go. Requires: set before the first push; it outlives this.
  virtual void set_late_side(Operator*) noexcept {}
  virtual StateCost state_cost() const = 0;
  virtual std::uint32_t open_slices() const noexcept = 0;
};

/// Schema of the partials between kLocal and kMerge: keys, slice_start, window_end_min, accumulators.
Result<Schema> partial_schema(const WindowAggregateOptions& options);
/// Columns of a partial that carry keys are the first options.keys.size().
Result<Schema> result_schema(const WindowAggregateOptions& options);

}  // namespace weir
