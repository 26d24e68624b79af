// Composes the logical chain's projections and cuts it into stages (physical_plan.h).
#include "engine/physical_plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/keyed_plan.h"

namespace weir {
namespace {

/// The expression with every column c replaced by columns[c].
ExpressionPtr substitute(const ExpressionPtr& expression, const std::vector<ExpressionPtr>& columns) {
  if (expression->kind == Expression::Kind::kColumn) return columns[expression->column];
  if (expression->arguments.empty()) return expression;
  auto copy = std::make_shared<Expression>(*expression);
  for (ExpressionPtr& argument : copy->arguments) argument = substitute(argument, columns);
  return copy;
}

std::vector<ExpressionPtr> identity(const Schema& schema) {
  std::vector<ExpressionPtr> columns;
  for (std::uint32_t i = 0; i < schema.size(); ++i) columns.push_back(make_column(i, schema.fields[i].type));
  return columns;
}

bool is_identity(const Projection& projection, const Schema& input) {
  if (projection.expressions.size() != input.size()) return false;
  for (std::uint32_t i = 0; i < projection.expressions.size(); ++i) {
    const Expression& e = *projection.expressions[i];
    if (e.kind != Expression::Kind::kColumn || e.column != i) return false;
  }
  return true;
}

/// Expressions over one input as they are gathered going up the chain: what each column of the current node is.
struct Composition {
  std::vector<ExpressionPtr> columns;
  std::vector<ExpressionPtr> filters;

  void take(const PlanNode& node) {
    if (node.kind == PlanNode::Kind::kFilter) {
      filters.push_back(substitute(node.predicate, columns));
      return;
    }
    std::vector<ExpressionPtr> next;
    for (const ExpressionPtr& expression : node.expressions) next.push_back(substitute(expression, columns));
    columns = std::move(next);
  }
};

/// Adds an expression to a projection, or finds the same one there from column `from` on; returns its column.
std::uint32_t add_column(Projection& projection, const ExpressionPtr& expression, const Schema& names, std::string name,
                         std::uint32_t from) {
  const std::string text = expression->to_string(names);
  for (std::uint32_t i = from; i < projection.expressions.size(); ++i) {
    const Expression& other = *projection.expressions[i];
    if (other.to_string(names) == text && other.type.same_as(expression->type)) return i;
  }
  projection.expressions.push_back(expression);
  projection.schema.fields.push_back({std::move(name), expression->type});
  return static_cast<std::uint32_t>(projection.expressions.size() - 1);
}

/// The call without its columns.
AggregateColumn column_of(const AggregateCall& call) {
  AggregateColumn column;
  column.name = call.name;
  column.type = call.type;
  column.constants = call.constants;
  column.order = call.order;
  column.distinct = call.distinct;
  column.fast_sum = call.fast_sum;
  column.definition = call.definition;
  return column;
}

/// The chain from the scan to the sink.
Result<std::vector<const PlanNode*>> chain_of(const QueryPlan& query) {
  std::vector<const PlanNode*> chain;
  for (const PlanNode* node = query.root.get(); node != nullptr; node = node->input.get()) chain.push_back(node);
  std::reverse(chain.begin(), chain.end());
  WEIR_CHECK(chain.size() >= 2 && chain.front()->kind == PlanNode::Kind::kScan &&
             chain.back()->kind == PlanNode::Kind::kSink);
  return chain;
}

class Planner {
 public:
  Planner(const QueryPlan& query, const JobOptions& options, std::string_view zone, const EmitOptions& emit)
      : query_(query), options_(options), zone_(zone), emit_(emit) {}

  Result<PhysicalQuery> plan() {
    WEIR_ASSIGN(chain_, chain_of(query_));
    const PlanNode& scan = *chain_.front();
    out_.source.table = scan.table;
    start_scan(*scan.table);
    std::size_t at = 1;
    WEIR_TRY(take_rows(at));
    if (window_.has_value() && !is_aggregate(at)) {
      if (in_zone(window_time_->type)) {
        return Error(ErrorCode::kSqlUnsupported, "a window function on its own over TIMESTAMP_LTZ in " + zone_ +
                                                     " is not supported, only under GROUP BY");
      }
      out_.source.assign = window_;
    }
    out_.source.filters = rows_.filters;
    scan_wide_ = wide_;
    scan_window_base_ = window_base_;
    while (is_aggregate(at)) {
      WEIR_TRY(take_aggregate(*chain_[at]));
      if (out_.aggregates.size() == 1) WEIR_TRY(take_late_policy());
      WEIR_TRY(start_results());
      WEIR_TRY(take_rows(++at));
      if (window_.has_value() && !is_aggregate(at)) {
        return Error(ErrorCode::kSqlUnsupported,
                     "a window function over the result of a GROUP BY is supported under a GROUP BY only");
      }
    }
    WEIR_CHECK(at + 1 == chain_.size());
    take_results();
    if (query_.malformed_output.has_value()) out_.malformed = side_stage(*query_.malformed_output);
    prune();
    return std::move(out_);
  }

 private:
  // While composing, expressions are over "wide" columns: the table's physical columns, then the event time.
  void start_scan(const TableDefinition& table) {
    SourceStage& source = out_.source;
    const std::uint32_t physical = table.physical_count;
    for (std::uint32_t i = 0; i < physical; ++i) wide_.fields.push_back(table.schema.fields[i]);
    rows_.columns = identity(wide_);
    for (std::size_t i = 0; i < table.computed.size(); ++i) {
      const std::uint32_t column = physical + static_cast<std::uint32_t>(i);
      ExpressionPtr computed = substitute(table.computed[i], rows_.columns);
      if (static_cast<int>(column) == table.watermark_column) {
        time_expression_ = computed;
        wide_.fields.push_back(table.schema.fields[column]);
        computed = make_column(physical, table.schema.fields[column].type);
      }
      rows_.columns.push_back(std::move(computed));
    }
    scan_columns_ = rows_.columns;
    if (table.watermark_column >= 0) {
      const Type& type = table.schema.fields[static_cast<std::size_t>(table.watermark_column)].type;
      source.time_column = static_cast<int>(rows_.columns[static_cast<std::size_t>(table.watermark_column)]->column);
      source.watermark = substitute(table.watermark, rows_.columns);
      source.tick_ns = 1'000'000;
      for (int digit = 3; digit < type.precision; ++digit) source.tick_ns /= 10;
    }
  }

  bool is_aggregate(std::size_t at) const {
    return at < chain_.size() && chain_[at]->kind == PlanNode::Kind::kAggregate;
  }

  /// Takes filters, projections and a window function up to the next aggregate or the sink.
  Result<void> take_rows(std::size_t& at) {
    for (; at < chain_.size(); ++at) {
      const PlanNode& node = *chain_[at];
      if (node.kind == PlanNode::Kind::kWindow) {
        if (window_.has_value()) {
          return Error(ErrorCode::kSqlUnsupported, "a window over a window is not supported yet");
        }
        window_ = node.window;
        window_time_ = rows_.columns[node.window->time_column];
        window_base_ = static_cast<std::uint32_t>(wide_.size());
        for (std::size_t i = node.schema.size() - 3; i < node.schema.size(); ++i) {  // window_start, _end, _time
          rows_.columns.push_back(make_column(static_cast<std::uint32_t>(wide_.size()), node.schema.fields[i].type));
          wide_.fields.push_back(node.schema.fields[i]);
        }
      } else if (node.kind == PlanNode::Kind::kFilter || node.kind == PlanNode::Kind::kProject) {
        rows_.take(node);
      } else {
        break;
      }
    }
    if (is_aggregate(at)) WEIR_TRY(refuse_window_columns(rows_.filters));
    return {};
  }

  /// Window columns are made by the aggregate; before it only a window function on its own has them.
  Result<void> refuse_window_columns(const std::vector<ExpressionPtr>& expressions) const {
    std::vector<std::uint32_t> used;
    for (const ExpressionPtr& expression : expressions) collect_columns(*expression, used);
    if (std::any_of(used.begin(), used.end(), [&](std::uint32_t column) { return column >= window_base_; })) {
      return Error(ErrorCode::kSqlUnsupported,
                   "window_start, window_end and window_time can be read only above the GROUP BY so far")
          .with_hint("move the condition on the window to HAVING, or select it after the GROUP BY");
    }
    return {};
  }

  Result<void> take_aggregate(const PlanNode& node) {
    AggregateStage stage;
    stage.window = node.window;
    const bool first = out_.aggregates.empty();
    Projection& row = first ? out_.source.row : stage.row;
    for (const ExpressionPtr& key : node.keys) {
      ExpressionPtr composed = substitute(key, rows_.columns);
      // Keys keep their places even where two are the same, since the result refers to them by number.
      row.expressions.push_back(composed);
      row.schema.fields.push_back({"key" + std::to_string(stage.key_count++), composed->type});
    }
    // A key is NULL in some grouping sets; arguments and times are not.
    const std::uint32_t shared = node.grouping_sets.empty() ? 0 : stage.key_count;
    if (!node.grouping_sets.empty()) {
      stage.grouping_sets = node.grouping_sets;
      for (std::uint32_t k = 0; k < stage.key_count; ++k)
        row.schema.fields[k].type.nullable = node.schema.fields[k].type.nullable;
    }
    for (const AggregateCall& call : node.aggregates) {
      AggregateColumn aggregate = column_of(call);
      std::string arguments;
      for (const ExpressionPtr& argument : call.arguments) {
        ExpressionPtr composed = substitute(argument, rows_.columns);
        arguments += (arguments.empty() ? "" : ", ") + composed->to_string(wide_);
        aggregate.arguments.push_back(
            static_cast<int>(add_column(row, composed, wide_, "arg" + std::to_string(row.expressions.size()), shared)));
      }
      aggregate.output_name =
          call.name + (call.distinct ? "(DISTINCT " : "(") + (call.arguments.empty() ? "*" : arguments) + ")";
      if (call.filter != nullptr) {
        ExpressionPtr composed = substitute(call.filter, rows_.columns);
        aggregate.filter = static_cast<int>(
            add_column(row, composed, wide_, "filter" + std::to_string(row.expressions.size()), shared));
      }
      stage.aggregates.push_back(std::move(aggregate));
    }
    WEIR_TRY(refuse_window_columns(row.expressions));
    stage.schema = node.schema;
    if (stage.window.has_value()) WEIR_TRY(take_time(stage, row, shared));
    if (!first) {
      stage.filters = std::move(rows_.filters);
      stage.row_is_identity = is_identity(stage.row, out_.aggregates.back().schema);
    }
    StageInput input = stage_input(row, stage);
    input.rows = &row.schema;
    if (first) updates_ = emit_.early || emit_.early_rows != 0 || (emit_.lateness_ns != 0 && stage.window.has_value());
    input.changes = !first && updates_;
    WEIR_TRY(choose_keyed_plan(stage, input, options_));
    out_.aggregates.push_back(std::move(stage));
    return {};
  }

  /// The column of the event times that the window is over: of the table, or the window_time of the stage before.
  Result<void> take_time(AggregateStage& stage, Projection& row, std::uint32_t shared) {
    WEIR_CHECK(window_time_ != nullptr);
    ExpressionPtr time = window_time_;
    if (!out_.aggregates.empty()) {
      const AggregateStage& before = out_.aggregates.back();
      WEIR_CHECK(before.window.has_value());
      if (before.window->kind == WindowKind::kCount) {
        return Error(ErrorCode::kSqlUnsupported,
                     "a window over the results of windows of rows is not supported: their last row may stand behind "
                     "the watermark")
            .with_hint("put the windows of time below the windows of rows");
      }
      Type type = before.schema.fields[before.key_count + 2].type;
      if (civil_) type.id = TypeId::kTimestamp;
      time = make_column(before.key_count + 2, type);
    }
    const bool session = stage.window->kind == WindowKind::kSession;
    if (civil_ && session) {
      return Error(ErrorCode::kSqlUnsupported,
                   "SESSION over the results of windows in the wall clock of " + zone_ + " is not supported");
    }
    const bool by_wall_clock = !session && stage.window->kind != WindowKind::kCount && !stage.window->attached;
    stage.civil_before = civil_;
    if (!civil_ && by_wall_clock && in_zone(time->type)) {
      WEIR_ASSIGN(time, make_cast(time, Type::timestamp(time->type.precision)));
      civil_ = true;
    }
    if (civil_) stage.civil_zone = zone_;
    stage.window->time_column = add_column(row, time, wide_, "event_time", shared);
    return {};
  }

  /// Where the rows of a key are. Results of a GROUP BY stand where its keys, or those of one before, have sent them.
  StageInput stage_input(const Projection& row, const AggregateStage& stage) {
    const std::uint32_t key_count = stage.key_count;
    // A key that some grouping set leaves out does not keep rows apart.
    std::int64_t left_out = 0;
    for (const std::int64_t set : stage.grouping_sets) left_out |= set;
    StageInput input;
    std::vector<std::uint32_t> partition;
    if (!out_.aggregates.empty()) {
      const auto key_of = [&](std::uint32_t column) {
        std::uint32_t key = 0;
        for (; key < key_count; ++key) {
          const Expression& expression = *row.expressions[key];
          const bool in_every_set = key >= 32 || (left_out >> key & 1) == 0;
          if (in_every_set && expression.kind == Expression::Kind::kColumn && expression.column == column) break;
        }
        return key;
      };
      input.results = input.colocated = input.in_order = true;
      for (const std::uint32_t column : partition_) {
        partition.push_back(key_of(column));
        input.colocated = input.colocated && partition.back() < key_count;
      }
      for (std::uint32_t key = 0; key < out_.aggregates.back().key_count; ++key)
        input.in_order = input.in_order && key_of(key) < key_count;
    }
    if (!input.colocated) {
      partition.clear();
      for (std::uint32_t key = 0; key < key_count; ++key) partition.push_back(key);
    }
    partition_ = std::move(partition);
    return input;
  }

  /// What stands above the aggregate is over its results.
  Result<void> start_results() {
    const AggregateStage& stage = out_.aggregates.back();
    wide_ = stage.schema;
    for (std::size_t i = 0; i < wide_.size(); ++i) {  // columns are told apart by their names
      while (wide_.find(wide_.fields[i].name) != static_cast<int>(i)) wide_.fields[i].name += "_";
    }
    rows_.columns = identity(wide_);
    rows_.filters.clear();
    window_.reset();
    window_time_ = nullptr;
    window_base_ = ~0u;
    return convert_window_columns(rows_.columns);
  }

  static SideStage side_stage(const SideOutput& output) {
    SideStage side;
    side.table = output.table;
    side.project.expressions = output.expressions;
    for (std::size_t i = 0; i < output.expressions.size(); ++i)
      side.project.schema.fields.push_back(output.table->schema.fields[i]);
    return side;
  }

  Result<void> take_late_policy() {
    if (query_.late_policy == LatePolicy::kDrop || !out_.aggregates[0].window.has_value()) return {};
    if (out_.aggregates[0].window->kind == WindowKind::kCount) return {};  // no row is late for it
    if (out_.aggregates[0].window->kind == WindowKind::kSession) {
      out_.aggregates[0].fail_late = query_.late_policy == LatePolicy::kFail;
      if (out_.aggregates[0].fail_late) return {};
    }
    LateStage late;
    late.policy = query_.late_policy;
    late.zone = out_.aggregates[0].civil_zone;
    late.window = *out_.aggregates[0].window;
    if (query_.late_output.has_value()) {
      const SideOutput& output = *query_.late_output;
      SideStage side = side_stage(output);
      std::vector<ExpressionPtr> columns = scan_columns_;
      const TableDefinition& table = *out_.source.table;
      columns.push_back(
          make_column(kRowWatermark, table.schema.fields[static_cast<std::size_t>(table.watermark_column)].type));
      for (ExpressionPtr& expression : side.project.expressions) expression = substitute(expression, columns);
      late.side = std::move(side);
    }
    out_.late = std::move(late);
    if (out_.late->window.kind == WindowKind::kSession) take_late_columns();
    return {};
  }

  /// Which rows are late is known where those of a key meet: what their side needs goes there with them.
  void take_late_columns() {
    AggregateStage& stage = out_.aggregates[0];
    stage.late_side = out_.late->in_aggregate = true;
    std::vector<ExpressionPtr>& expressions = out_.late->side->project.expressions;
    std::vector<std::uint32_t> used;
    for (const ExpressionPtr& expression : expressions) collect_columns(*expression, used);
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    std::vector<int> map(kRowWatermark + 1, -1);
    for (const std::uint32_t column : used) {
      if (column == kRowWatermark) continue;
      map[column] = static_cast<int>(stage.late_columns.size());
      stage.late_columns.push_back(add_column(out_.source.row, make_column(column, wide_.fields[column].type), wide_,
                                              "late" + std::to_string(column), 0));
    }
    map[kRowWatermark] = static_cast<int>(stage.late_columns.size());
    for (ExpressionPtr& expression : expressions) expression = remap_columns(expression, map);
  }

  /// Whether times are instants that a zone other than UTC shows.
  bool in_zone(const Type& time) const { return time.id == TypeId::kTimestampLtz && zone_ != "UTC"; }

  /// window_start and window_end are wall clock, window_time is an instant, whichever the aggregate worked in.
  Result<void> convert_window_columns(std::vector<ExpressionPtr>& columns) const {
    const AggregateStage& stage = out_.aggregates.back();
    if (!stage.window.has_value() || !in_zone(columns[stage.key_count + 2]->type)) return {};
    const std::uint8_t precision = columns[stage.key_count + 2]->type.precision;
    const auto convert = [&](std::uint32_t column, const Type& from, const Type& to) -> Result<void> {
      WEIR_ASSIGN(columns[column], make_cast(make_column(column, from), to));
      return {};
    };
    if (!stage.civil_zone.empty())
      return convert(stage.key_count + 2, Type::timestamp(precision), columns[stage.key_count + 2]->type);
    WEIR_TRY(convert(stage.key_count, Type::timestamp_ltz(precision), columns[stage.key_count]->type));
    return convert(stage.key_count + 1, Type::timestamp_ltz(precision), columns[stage.key_count + 1]->type);
  }

  void take_results() {
    const PlanNode& sink = *chain_.back();
    Projection project;
    for (std::uint32_t i = 0; i < rows_.columns.size(); ++i) {
      project.expressions.push_back(rows_.columns[i]);
      const std::string name = i < sink.schema.size() ? sink.schema.fields[i].name : "column" + std::to_string(i);
      project.schema.fields.push_back({name, rows_.columns[i]->type});
    }
    out_.result.table = sink.table;
    if (!out_.aggregates.empty()) {
      out_.result.filters = std::move(rows_.filters);
      out_.result.project_is_identity = is_identity(project, out_.aggregates.back().schema);
      out_.result.project = std::move(project);
    } else {
      out_.source.row = std::move(project);  // filters were taken with the rows already
      out_.result.project.schema = out_.source.row.schema;
      out_.result.project_is_identity = true;
    }
  }

  /// Finds the physical columns that anything reads and renumbers the source stage to them.
  void prune() {
    SourceStage& source = out_.source;
    const std::uint32_t physical = source.table->physical_count;
    std::vector<std::uint32_t> used;
    const auto collect = [&](const ExpressionPtr& expression) {
      if (expression != nullptr) collect_columns(*expression, used);
    };
    collect(time_expression_);
    collect(source.watermark);
    for (const ExpressionPtr& filter : source.filters) collect(filter);
    for (const ExpressionPtr& expression : source.row.expressions) collect(expression);
    if (out_.late.has_value() && out_.late->side.has_value() && !out_.late->in_aggregate) {
      for (const ExpressionPtr& expression : out_.late->side->project.expressions) collect(expression);
    }
    if (source.time_column >= 0 && time_expression_ == nullptr)
      used.push_back(static_cast<std::uint32_t>(source.time_column));
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    std::erase_if(used, [&](std::uint32_t column) { return column >= physical; });

    std::vector<int> map(scan_wide_.size(), -1);
    for (std::uint32_t column : used) {
      map[column] = static_cast<int>(source.physical_columns.size());
      source.physical_columns.push_back(column);
      source.read_schema.fields.push_back(scan_wide_.fields[column]);
    }
    source.scan.expressions = identity(source.read_schema);
    source.scan.schema = source.read_schema;
    if (time_expression_ != nullptr) {
      map[physical] = static_cast<int>(source.physical_columns.size());
      source.scan.expressions.push_back(remap_columns(time_expression_, map));
      source.scan.schema.fields.push_back(scan_wide_.fields[physical]);
      source.scan_is_identity = false;
    }
    for (std::size_t i = scan_window_base_; i < scan_wide_.size(); ++i) {
      map[i] = static_cast<int>(source.scan.schema.size() + i - scan_window_base_);
    }
    if (source.time_column >= 0) source.time_column = map[static_cast<std::size_t>(source.time_column)];
    if (source.watermark != nullptr) source.watermark = remap_columns(source.watermark, map);
    for (ExpressionPtr& filter : source.filters) filter = remap_columns(filter, map);
    for (ExpressionPtr& expression : source.row.expressions) expression = remap_columns(expression, map);
    if (out_.late.has_value()) remap_late(map);
    Schema before_row = source.scan.schema;
    if (source.assign.has_value()) {
      for (std::size_t i = scan_window_base_; i < scan_wide_.size(); ++i)
        before_row.fields.push_back(scan_wide_.fields[i]);
      source.assign->time_column = static_cast<std::uint32_t>(source.time_column);
    }
    source.row_is_identity = is_identity(source.row, before_row);
  }

  void remap_late(std::vector<int> map) {
    LateStage& late = *out_.late;
    late.window.time_column = static_cast<std::uint32_t>(out_.source.time_column);
    if (!late.side.has_value() || late.in_aggregate) return;
    map.resize(kRowWatermark + 1, -1);
    map[kRowWatermark] = static_cast<int>(out_.source.scan.schema.size());
    for (ExpressionPtr& expression : late.side->project.expressions) expression = remap_columns(expression, map);
  }

  /// Stands for the watermark before a row until the scan's columns are known; above any column of a table.
  static constexpr std::uint32_t kRowWatermark = 1u << 16;

  const QueryPlan& query_;
  const JobOptions& options_;
  std::string zone_;
  EmitOptions emit_;
  bool updates_ = false;  // results change after they were given
  std::vector<const PlanNode*> chain_;
  PhysicalQuery out_;
  Schema wide_;       // what expressions are over: of the scan, or of the results of the aggregate before
  Composition rows_;  // the nodes since then
  std::vector<ExpressionPtr> scan_columns_;  // of the table, over wide_
  ExpressionPtr time_expression_;            // over wide_; null where the event time is a physical column
  std::optional<WindowSpec> window_;         // that of the nodes since then
  ExpressionPtr window_time_;
  std::uint32_t window_base_ = ~0u;  // in wide_: window_start, window_end, window_time from here
  Schema scan_wide_;
  std::uint32_t scan_window_base_ = ~0u;
  bool civil_ = false;                    // times and watermarks are wall clock since some stage
  std::vector<std::uint32_t> partition_;  // results lie on shards by these columns of the aggregate before
};

}  // namespace

bool SourceStage::may_defer(std::uint32_t column) const {
  if (filters.empty() || !scan_is_identity || assign.has_value()) return false;
  std::vector<std::uint32_t> early;
  if (time_column >= 0) early.push_back(static_cast<std::uint32_t>(time_column));
  if (watermark != nullptr) collect_columns(*watermark, early);
  collect_columns(*filters.front(), early);
  return std::find(early.begin(), early.end(), column) == early.end();
}

Result<PhysicalQuery> make_physical_query(const QueryPlan& query, const JobOptions& options, std::string_view time_zone,
                                          const EmitOptions& emit) {
  return Planner(query, options, time_zone, emit).plan();
}

}  // namespace weir
