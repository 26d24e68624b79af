// Plan: what a job does, before it is laid over shards. The SQL binder and the C++ builder make the same plan; the
// physical planner (engine/) chooses the keyed plan and lays it out; `explain` prints both.
//
// A query is a chain (later a tree) of nodes, each with the schema of what it gives out. Expressions of a node are over
// the columns of its input's schema. A chain may aggregate several times, each time over the results before (a
// cascade): no result is late for the next window, since its window_time lies above the watermark that came before it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/core/type.h"
#include "weir/pipeline/aggregate_function.h"
#include "weir/pipeline/expression.h"

namespace weir {

/// A CREATE TABLE, bound. `schema` has the physical columns first, in order, then the computed ones.
struct TableDefinition {
  std::string name;
  Schema schema;
  std::uint32_t physical_count = 0;     ///< Columns 0 … physical_count-1 are read from or written to outside.
  std::vector<ExpressionPtr> computed;  ///< One a computed column, over the columns before it.
  int watermark_column = -1;            ///< Event-time column, or -1.
  ExpressionPtr watermark;              ///< TIMESTAMP expression over `schema`, or null.
  std::vector<std::string> primary_key;
  std::map<std::string, std::string> options;  ///< WITH (…), secrets not resolved.
  std::map<std::string, SourceSpan> option_spans;
  SourceSpan span;
  bool is_view = false;
};

/// An aggregate call, bound: name resolved, arguments over the input's columns.
struct AggregateCall {
  std::string name;                             ///< Upper case: "COUNT", "SUM", "LISTAGG", …
  AggregateDefinitionPtr definition = nullptr;  ///< A host's aggregate; null: Weir's own of that name.
  std::vector<ExpressionPtr> arguments;         ///< Empty for COUNT(*). The last order.size() are those of ORDER BY.
  std::vector<Value> constants;                 ///< Trailing constant arguments; a number with a point is a double.
  std::vector<AggregateOrder> order;            ///< ORDER BY inside the call, or WITHIN GROUP (ORDER BY …).
  ExpressionPtr filter;                         ///< FILTER (WHERE …), or null.
  bool distinct = false;
  /// SUM and AVG of FLOAT and DOUBLE: add doubles as they come in place of exactly. Faster; the last bits of the result
  /// may then differ between numbers of shards. SQL: SET 'weir.double-sum' = 'fast' (default 'exact').
  bool fast_sum = false;
  Type type;  ///< Of the result.
  SourceSpan span;
};

enum class WindowKind : std::uint8_t { kTumble, kHop, kCumulate, kSession, kCount };

/// A window table function. Sizes in nanoseconds.
struct WindowSpec {
  WindowKind kind = WindowKind::kTumble;
  std::uint32_t time_column = 0;  ///< In the input's schema.
  std::int64_t size_ns = 0;
  std::int64_t slide_ns = 0;  ///< HOP's slide, CUMULATE's step; = size for TUMBLE.
  std::int64_t offset_ns = 0;
  /// One unit of the time attribute in ns: 1 ms for TIMESTAMP(0..3), 10^(9-p) ns above. A window [s, e) is complete
  /// when W >= e - tick; window_time = e - tick. Source: Flink TimeWindow.maxTimestamp.
  std::int64_t tick_ns = 1'000'000;
  /// kCount (TUMBLE_ROWS, HOP_ROWS): rows of a window and between windows; size_ns and slide_ns mean nothing then.
  std::int64_t size_rows = 0, slide_rows = 0;
  /// SESSION's and kCount's PARTITION BY columns in the input's schema; the keys of an aggregate above are the same
  /// columns. A session's gap stands in size_ns.
  std::vector<std::uint32_t> partition_columns;
  /// The rows are results of a window and are grouped by its window_start and window_end again: they stay in that
  /// window. A TUMBLE of one tick over its window_time; time_column is its window_end, its window_start is a key.
  bool attached = false;
};

struct PlanNode;
using PlanNodePtr = std::shared_ptr<PlanNode>;

struct PlanNode {
  enum class Kind : std::uint8_t {
    kScan,     // table; gives all of table->schema (physical and computed), watermark assigned where the table has one
    kFilter,   // predicate
    kProject,  // expressions, one a column of schema
    kWindow,   // window; appends window_start, window_end, window_time to the input's columns (a window function on its
               // own)
    kAggregate,  // keys, aggregates; window where the input is a kWindow and its start and end are among the keys
    kSink,       // table
  };
  Kind kind = Kind::kScan;
  Schema schema;
  PlanNodePtr input;
  SourceSpan span;

  std::shared_ptr<const TableDefinition> table;  // kScan, kSink
  ExpressionPtr predicate;                       // kFilter
  std::vector<ExpressionPtr> expressions;        // kProject
  std::optional<WindowSpec> window;              // kWindow, and kAggregate when windowed
  /// kAggregate: keys over the input of the kWindow node (windowed: window columns are not among them) or of the node.
  /// schema = keys, then (windowed) window_start, window_end, window_time, then the aggregates.
  std::vector<ExpressionPtr> keys;
  std::vector<AggregateCall> aggregates;
  /// kAggregate with GROUPING SETS: one number a set. Bit k is 1 where key k is not in the set, and NULL there; bits
  /// from 32 on tell equal sets apart. The last key is the set's number: its expression is a constant in its place.
  std::vector<std::int64_t> grouping_sets;
};

/// What happens to a row all of whose windows have fired.
enum class LatePolicy : std::uint8_t {
  kDrop,        // counted, with the first and the last as samples
  kFail,        // the job ends and says which row it was
  kSideOutput,  // the row goes to a table of its own
};

/// Rows that leave a query on the side.
struct SideOutput {
  std::shared_ptr<const TableDefinition> table;
  /// One a physical column of `table`. Late rows: over the columns of the query's source table and, behind them, the
  /// watermark of the row's input before the row (of the event time's type). Malformed records: over
  /// dead_letter_schema().
  std::vector<ExpressionPtr> expressions;
};

/// INSERT INTO sink SELECT …, or a SELECT alone, which is an INSERT INTO an implicit `print` table with csv lines (that
/// table stands in the kSink node only, not in JobPlan::tables).
struct QueryPlan {
  PlanNodePtr root;      // a kSink
  bool explain = false;  ///< EXPLAIN: to be shown, not run.
  LatePolicy late_policy = LatePolicy::kDrop;
  std::optional<SideOutput> late_output;  ///< Where the policy is kSideOutput.
  /// Where malformed records of the source table go; else the job fails or ignores them, as its options say.
  std::optional<SideOutput> malformed_output;
};

/// A whole job: all tables and views, all settings (SET), all queries in order. More than one query is a statement set.
struct JobPlan {
  std::map<std::string, std::shared_ptr<const TableDefinition>> tables;
  std::map<std::string, std::string> settings;
  std::vector<QueryPlan> queries;
  std::vector<std::string> notes;  ///< What was accepted and means nothing here, for the user to read.
};

/// What is known of a malformed record: record BYTES (its first 256 bytes) and record_text, reason, column_name,
/// record_number and byte (of its first one, from 0 in its input), table_name, input.
Schema dead_letter_schema();

/// Text of a plan as a tree, one node a line.
std::string to_string(const QueryPlan& query);

}  // namespace weir
