// Makes the fragments of every shard (job_builder.h).
#include "engine/job_builder.h"

#include <algorithm>
#include <utility>

#include "operators/civil_time.h"
#include "operators/exchange_sender.h"
#include "operators/row_stamp.h"
#include "operators/sink.h"
#include "weir/io/text_number.h"

namespace weir {
namespace {

/// Whether the table's format says that records that do not parse are counted and passed over.
bool ignores_parse_errors(const TableDefinition& table) {
  for (const auto& [name, value] : table.options) {
    bool ignore = false;
    if (name.ends_with(".ignore-parse-errors") && parse_boolean(value, ignore) == TextStatus::kOk && ignore)
      return true;
  }
  return false;
}

class QueryBuilder {
 public:
  QueryBuilder(const JobLayout& job, const QueryLayout& query, const JobOptions& options, JobState& state,
               std::vector<ShardFacilities>& facilities, JobParts& parts, std::size_t number)
      : job_(job), query_(query), options_(options), state_(state), facilities_(facilities), parts_(parts) {
    if (job.queries.size() > 1) prefix_ = "query " + std::to_string(number + 1) + ": ";
  }

  Result<void> build() {
    for (const StageLayout& stage : query_.stages) {
      WEIR_ASSIGN(const std::size_t keyed, make_edge(stage.keyed, "by key" + number_text(keyed_.size())));
      keyed_.push_back(keyed);
    }
    WEIR_ASSIGN(gather_, make_edge(query_.gather, "to one"));
    if (query_.late.has_value()) {
      WEIR_ASSIGN(late_gather_, make_edge(query_.late->gather, "late rows to one"));
    }
    if (query_.malformed.has_value()) {
      WEIR_ASSIGN(malformed_gather_, make_edge(query_.malformed->gather, "malformed records to one"));
    }
    if (!query_.stages.empty() && query_.stages[0].keyed.present && query_.time.idle_timeout_ns != 0) {
      const EdgeLayout& edge = query_.stages[0].keyed;  // behind it no shard is idle
      parts_.idle_boards.push_back(std::make_unique<IdleBoard>(edge.senders.size(), edge.receivers.size()));
      board_ = parts_.idle_boards.back().get();
    }
    for (std::uint32_t shard = 0; shard < job_.shards; ++shard) {
      if (!query_.inputs_of_shard[shard].empty()) WEIR_TRY(build_source(shard));
    }
    for (std::size_t i = 0; i < query_.stages.size(); ++i) {
      for (const std::uint32_t shard : query_.stages[i].keyed.receivers) WEIR_TRY(build_keyed(i, shard));
    }
    if (query_.gather.present) WEIR_TRY(build_gather());
    if (query_.late.has_value()) WEIR_TRY(build_side_gather(*query_.late, late_gather_));
    if (query_.malformed.has_value()) WEIR_TRY(build_side_gather(*query_.malformed, malformed_gather_));
    return {};
  }

 private:
  static constexpr std::size_t kNoEdge = ~std::size_t{0};

  /// " 2" for the second stage of a query.
  static std::string number_text(std::size_t stage) { return stage == 0 ? "" : " " + std::to_string(stage + 1); }

  FragmentContext context(std::uint32_t shard) const {
    FragmentContext context;
    context.clock = facilities_[shard].clock;
    context.shard = shard;
    context.shard_count = job_.shards;
    context.batch_rows = job_.batch_rows;
    context.heap_bytes = job_.heap_bytes;
    context.time_zone = job_.time_zone;
    return context;
  }

  static std::size_t position(const std::vector<std::uint32_t>& shards, std::uint32_t shard) {
    return static_cast<std::size_t>(std::find(shards.begin(), shards.end(), shard) - shards.begin());
  }

  Result<Batch*> make_batch(const std::vector<Physical>& physical, bool kinds = false) {
    const BatchLayout layout = batch_layout(physical, job_, kinds);
    WEIR_ASSIGN(void* memory, parts_.arena.allocate(layout.bytes()));
    return Batch::create(layout, memory);
  }

  Result<std::size_t> make_edge(const EdgeLayout& layout, const std::string& name) {
    if (!layout.present) return kNoEdge;
    Edge edge;
    edge.layout = &layout;
    edge.name = prefix_ + name;
    ExchangeOptions options;
    options.credits = job_.credits;
    for (std::size_t i = 0; i < layout.senders.size() * layout.receivers.size(); ++i) {
      WEIR_ASSIGN(std::unique_ptr<Exchange> exchange,
                  Exchange::create(parts_.arena, batch_layout(layout.physical, job_, layout.kinds), options));
      edge.exchanges.push_back(std::move(exchange));
    }
    parts_.edges.push_back(std::move(edge));
    return parts_.edges.size() - 1;
  }

  std::unique_ptr<Operator> make_sender(FragmentContext& context, std::size_t edge_number) {
    const Edge& edge = parts_.edges[edge_number];
    const std::size_t sender = position(edge.layout->senders, context.shard);
    std::vector<Exchange*> destinations;
    for (std::size_t r = 0; r < edge.layout->receivers.size(); ++r) destinations.push_back(&edge.exchange(sender, r));
    return std::make_unique<ExchangeSender>(context, std::move(destinations), edge.layout->key_columns,
                                            edge.layout->has_strings);
  }

  std::vector<Exchange*> exchanges_to(std::size_t edge_number, std::uint32_t shard) const {
    const Edge& edge = parts_.edges[edge_number];
    const std::size_t receiver = position(edge.layout->receivers, shard);
    std::vector<Exchange*> exchanges;
    for (std::size_t s = 0; s < edge.layout->senders.size(); ++s) exchanges.push_back(&edge.exchange(s, receiver));
    return exchanges;
  }

  Result<void> append_filters(Fragment& fragment, const std::vector<ExpressionPtr>& filters) {
    for (const ExpressionPtr& predicate : filters) {
      WEIR_ASSIGN(std::unique_ptr<Operator> filter, make_filter(fragment.context(), predicate));
      fragment.append(std::move(filter));
    }
    return {};
  }

  Result<void> append_project(Fragment& fragment, const Projection& projection, bool identity) {
    if (identity) return {};
    WEIR_ASSIGN(std::unique_ptr<Operator> project,
                make_project(fragment.context(), projection.expressions, projection.schema));
    fragment.append(std::move(project));
    return {};
  }

  Result<void> append_aggregate(Fragment& fragment, std::size_t number, AggregateMode mode, bool decide_late) {
    WindowAggregateOptions options = query_.stages[number].aggregate;
    options.mode = mode;
    options.decide_late = decide_late;
    if (number + 1 == query_.stages.size()) note_unread(options);
    WEIR_ASSIGN(std::unique_ptr<WindowAggregateOperator> aggregate,
                WindowAggregateOperator::create(fragment.context(), options));
    if (options.late_side) {
      WEIR_TRY(append_side(fragment, *query_.plan.late->side, *query_.late, late_gather_));
      aggregate->set_late_side(&fragment.branch_head());
    }
    fragment.append(std::move(aggregate));
    return {};
  }

  /// Which columns of the window the result stage leaves alone.
  void note_unread(WindowAggregateOptions& options) const {
    const ResultStage& result = query_.plan.result;
    if (result.project_is_identity || options.feeds_windows || !options.window.has_value()) return;
    std::vector<std::uint32_t> read;
    for (const ExpressionPtr& filter : result.filters) collect_columns(*filter, read);
    for (const ExpressionPtr& expression : result.project.expressions) collect_columns(*expression, read);
    const auto unread = [&](std::size_t column) { return std::find(read.begin(), read.end(), column) == read.end(); };
    options.start_unread = unread(options.keys.size());
    options.time_unread = unread(options.keys.size() + 2);
  }

  Result<void> append_results(Fragment& fragment) {
    const ResultStage& result = query_.plan.result;
    WEIR_TRY(append_filters(fragment, result.filters));
    WEIR_TRY(append_project(fragment, result.project, result.project_is_identity));
    if (query_.gather.present) {
      fragment.append(make_sender(fragment.context(), gather_));
      return {};
    }
    return append_sink(fragment);
  }

  Result<void> append_sink(Fragment& fragment) {
    WEIR_ASSIGN(std::unique_ptr<Operator> sink,
                make_sink_operator(fragment.context(), *query_.sink, query_.result_schema, *query_.plan.result.table,
                                   query_.updating));
    fragment.append(std::move(sink));
    return {};
  }

  Result<std::unique_ptr<Operator>> make_sink_operator(FragmentContext& context, TableSink& sink, const Schema& schema,
                                                       const TableDefinition& table, bool kinds = false) {
    std::vector<Physical> physical;
    for (const Field& field : schema.fields) physical.push_back(field.type.physical());
    WEIR_ASSIGN(Batch * rest, make_batch(physical, kinds));
    auto op = std::make_unique<SinkOperator>(context, sink, *facilities_[context.shard].backend, *rest,
                                             not_null_columns(schema, table.schema));
    op->set_table(table.name);
    return std::unique_ptr<Operator>(std::move(op));
  }

  /// The rows of a side output go on in a branch: to their sink, or to the shard that writes them.
  Result<void> append_side(Fragment& fragment, const SideStage& stage, const SideLayout& side, std::size_t edge) {
    fragment.begin_branch();
    WEIR_ASSIGN(std::unique_ptr<Operator> project,
                make_project(fragment.context(), stage.project.expressions, stage.project.schema));
    fragment.append_to_branch(std::move(project));
    if (side.gather.present) {
      fragment.append_to_branch(make_sender(fragment.context(), edge));
      return {};
    }
    WEIR_ASSIGN(std::unique_ptr<Operator> sink,
                make_sink_operator(fragment.context(), *side.sink, side.schema, *side.table));
    fragment.append_to_branch(std::move(sink));
    return {};
  }

  Result<void> build_side_gather(const SideLayout& side, std::size_t edge) {
    if (!side.gather.present) return {};
    auto fragment = std::make_unique<ReceiverFragment>(prefix_ + "write " + side.table->name, context(0), state_,
                                                       facilities_[0].trace, exchanges_to(edge, 0));
    fragment->set_side();
    WEIR_ASSIGN(std::unique_ptr<Operator> sink,
                make_sink_operator(fragment->context(), *side.sink, side.schema, *side.table));
    fragment->append(std::move(sink));
    parts_.shards[0].fragments.push_back(std::move(fragment));
    return {};
  }

  std::vector<std::string> input_names(std::uint32_t shard) const {
    std::vector<std::string> names;
    for (const std::uint32_t input : query_.inputs_of_shard[shard]) names.push_back(query_.source->input_name(input));
    return names;
  }

  Result<void> append_dead_letters(SourceFragment& fragment) {
    if (!query_.malformed.has_value()) return {};
    WEIR_TRY(append_side(fragment, *query_.plan.malformed, *query_.malformed, malformed_gather_));
    const std::uint32_t shard = fragment.context().shard;
    const auto inputs = static_cast<std::uint32_t>(query_.inputs_of_shard[shard].size());
    fragment.set_dead_letters(
        std::make_unique<DeadLetterQueue>(fragment.context(), query_.plan.source.table->name, input_names(shard),
                                          inputs * (query_.source->connections_max() + 1)),
        fragment.branch_head());
    return {};
  }

  /// Finds late rows before the row projection, where the columns that a side output wants are still there.
  Result<void> append_late_stage(Fragment& fragment) {
    if (!query_.plan.late.has_value() || query_.plan.late->in_aggregate) return {};
    const LateStage& stage = *query_.plan.late;
    LateFilterOptions options;
    options.policy = stage.policy;
    options.zone = stage.zone;
    options.lateness_ns = query_.emit.lateness_ns;
    options.input = query_.plan.source.scan.schema;
    for (const std::string& input : input_names(fragment.context().shard))
      options.input_names.push_back(input + " of table " + query_.plan.source.table->name);
    WEIR_ASSIGN(std::unique_ptr<LateFilterOperator> filter,
                LateFilterOperator::create(fragment.context(), stage.window, options));
    if (stage.side.has_value()) {
      WEIR_TRY(append_side(fragment, *stage.side, *query_.late, late_gather_));
      filter->set_side(&fragment.branch_head());
    }
    fragment.append(std::move(filter));
    return {};
  }

  /// Columns of the sink that are NOT NULL while what is written to them may be NULL.
  static std::vector<SinkOperator::NotNull> not_null_columns(const Schema& given, const Schema& table) {
    std::vector<SinkOperator::NotNull> columns;
    for (std::uint32_t i = 0; i < given.size() && i < table.size(); ++i) {
      if (!table.fields[i].type.nullable) columns.push_back({i, table.fields[i].name});
    }
    return columns;
  }

  Result<void> build_source(std::uint32_t shard) {
    const SourceStage& source = query_.plan.source;
    WEIR_ASSIGN(Batch * batch, make_batch(query_.read_physical));
    const MalformedPolicy malformed{ignores_parse_errors(*source.table), options_.malformed_max, options_.fail_on_drop};
    auto fragment = std::make_unique<SourceFragment>(
        prefix_ + "read " + source.table->name, context(shard), state_, facilities_[shard].trace, *query_.source,
        query_.inputs_of_shard[shard], *batch, *facilities_[shard].backend, malformed, source.table->name);
    WEIR_TRY(append_dead_letters(*fragment));
    WEIR_TRY(append_project(*fragment, source.scan, source.scan_is_identity));
    if (source.time_column >= 0) {
      WatermarkOptions watermark;
      watermark.time_column = static_cast<std::uint32_t>(source.time_column);
      watermark.watermark = source.watermark;
      const auto& stages = query_.plan.aggregates;
      if (!stages.empty() && stages[0].judged_together()) {
        // Rows of windows of rows are ordered by their watermarks, so every row has to have one.
        const bool counts = stages[0].window->kind == WindowKind::kCount;
        watermark.margin_ns = counts ? kEventTimeMax : stages[0].window->tick_ns;
      }
      watermark.inputs = static_cast<std::uint32_t>(query_.inputs_of_shard[shard].size());
      watermark.idle_timeout_ns = query_.time.idle_timeout_ns;
      watermark.jump_max_ns = query_.time.jump_max_ns;
      watermark.jump_rows = query_.time.jump_rows;
      WEIR_ASSIGN(std::unique_ptr<WatermarkOperator> op, WatermarkOperator::create(fragment->context(), watermark));
      fragment->set_watermark_operator(*op, watermark.idle_timeout_ns != 0);
      if (board_ != nullptr) {
        std::unique_ptr<TimeZone> zone;
        if (const std::string& civil = query_.plan.aggregates[0].civil_zone; !civil.empty()) {
          WEIR_ASSIGN(zone, TimeZone::make(civil));
        }
        fragment->set_idle_board(*board_, position(query_.stages[0].keyed.senders, shard), std::move(zone));
      }
      fragment->append(std::move(op));
    }
    if (source.assign.has_value()) {
      WEIR_ASSIGN(std::unique_ptr<Operator> assign,
                  make_window_assign(fragment->context(), *source.assign, source.scan.schema));
      fragment->append(std::move(assign));
    }
    WEIR_TRY(append_filters(*fragment, source.filters));
    WEIR_TRY(append_late_stage(*fragment));
    WEIR_TRY(append_project(*fragment, source.row, source.row_is_identity));
    WEIR_TRY(append_stage(*fragment, 0));
    parts_.shards[shard].fragments.push_back(std::move(fragment));
    return {};
  }

  /// Rows that are late are found before each becomes one row a grouping set, so that they are counted once.
  Result<void> append_expand(Fragment& fragment, std::size_t number) {
    const AggregateStage& stage = query_.plan.aggregates[number];
    const WindowAggregateOptions& options = query_.stages[number].aggregate;
    if (stage.grouping_sets.empty()) return {};
    if (number == 0 && !query_.plan.late.has_value() && stage.window.has_value()) {
      WEIR_ASSIGN(std::unique_ptr<LateFilterOperator> late,
                  LateFilterOperator::create(fragment.context(), *options.window));
      fragment.append(std::move(late));
    }
    WEIR_ASSIGN(std::unique_ptr<Operator> expand,
                make_expand(fragment.context(), stage.grouping_sets, options.keys, options.input));
    fragment.append(std::move(expand));
    return {};
  }

  /// An aggregate stage up to its exchange, or it and what comes behind it; the results where no stage is left.
  Result<void> append_stage(Fragment& fragment, std::size_t number) {
    if (number == query_.stages.size()) return append_results(fragment);
    const AggregateStage& stage = query_.plan.aggregates[number];
    const StageLayout& layout = query_.stages[number];
    if (number != 0) {
      WEIR_TRY(append_filters(fragment, stage.filters));
      WEIR_TRY(append_project(fragment, stage.row, stage.row_is_identity));
    }
    if (!stage.civil_zone.empty() && !stage.civil_before) {
      WEIR_ASSIGN(std::unique_ptr<Operator> civil, make_civil_time(fragment.context(), stage.civil_zone));
      fragment.append(std::move(civil));
    }
    WEIR_TRY(append_expand(fragment, number));
    if (!layout.keyed.present) {
      WEIR_TRY(append_aggregate(fragment, number, AggregateMode::kSingle, true));
      return append_stage(fragment, number + 1);
    }
    if (stage.keyed_plan == KeyedPlan::kLocalMerge) {
      WEIR_TRY(append_aggregate(fragment, number, AggregateMode::kLocal, true));
    } else if (stage.judged_together()) {
      fragment.append(make_row_stamp(fragment.context(), layout.aggregate.input));
    } else if (number == 0 && !query_.plan.late.has_value() && stage.window.has_value()) {
      LateFilterOptions options;
      options.lateness_ns = query_.emit.lateness_ns;
      WEIR_ASSIGN(std::unique_ptr<LateFilterOperator> late,
                  LateFilterOperator::create(fragment.context(), *layout.aggregate.window, options));
      fragment.append(std::move(late));
    }
    fragment.append(make_sender(fragment.context(), keyed_[number]));
    return {};
  }

  Result<void> build_keyed(std::size_t number, std::uint32_t shard) {
    const bool merge = query_.plan.aggregates[number].keyed_plan == KeyedPlan::kLocalMerge;
    auto fragment = std::make_unique<ReceiverFragment>(prefix_ + (merge ? "merge" : "aggregate") + number_text(number),
                                                       context(shard), state_, facilities_[shard].trace,
                                                       exchanges_to(keyed_[number], shard));
    if (number == 0 && board_ != nullptr)
      fragment->set_idle_board(*board_, position(query_.stages[0].keyed.receivers, shard));
    WEIR_TRY(append_aggregate(*fragment, number, merge ? AggregateMode::kMerge : AggregateMode::kSingle, false));
    WEIR_TRY(append_stage(*fragment, number + 1));
    parts_.shards[shard].fragments.push_back(std::move(fragment));
    return {};
  }

  Result<void> build_gather() {
    auto fragment = std::make_unique<ReceiverFragment>(prefix_ + "write " + query_.plan.result.table->name, context(0),
                                                       state_, facilities_[0].trace, exchanges_to(gather_, 0));
    WEIR_TRY(append_sink(*fragment));
    parts_.shards[0].fragments.push_back(std::move(fragment));
    return {};
  }

  const JobLayout& job_;
  const QueryLayout& query_;
  const JobOptions& options_;
  JobState& state_;
  std::vector<ShardFacilities>& facilities_;
  JobParts& parts_;
  std::string prefix_;
  std::vector<std::size_t> keyed_;  // one a stage
  std::size_t gather_ = kNoEdge, late_gather_ = kNoEdge, malformed_gather_ = kNoEdge;
  IdleBoard* board_ = nullptr;
};

}  // namespace

Result<JobParts> build_job(const JobLayout& layout, const JobOptions& options, JobState& state,
                           std::vector<ShardFacilities>& facilities) {
  JobParts parts;
  ArenaOptions arena;
  arena.bytes = layout.exchange_bytes + layout.batch_bytes + (std::size_t{1} << 16);
  WEIR_ASSIGN(parts.arena, Arena::create(arena));
  parts.shards.resize(layout.shards);
  for (std::size_t i = 0; i < layout.queries.size(); ++i) {
    WEIR_TRY(QueryBuilder(layout, layout.queries[i], options, state, facilities, parts, i).build());
  }
  return parts;
}

}  // namespace weir
