// Lays a job's stages over shards (layout.h).
#include "engine/layout.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "operators/row_stamp.h"
#include "weir/core/suggest.h"
#include "weir/io/sim.h"

namespace weir {
namespace {

constexpr std::uint32_t kShardsMax = 64;
constexpr std::uint32_t kCreditsMax = 1024;
constexpr std::size_t kHeapBytesPerRow = 64;

Error bad_option(const char* name, const std::string& wants, std::uint64_t got) {
  return Error(ErrorCode::kInvalidArgument, std::string(name) + " must be " + wants + ", not " + std::to_string(got));
}

Result<void> check_options(const JobOptions& options) {
  if (options.shards < 1 || options.shards > kShardsMax) return bad_option("shards", "1 to 64", options.shards);
  if (options.batch_rows < 1 || options.batch_rows > kBatchRowsMax) {
    return bad_option("batch_rows", "1 to 65536", options.batch_rows);
  }
  if (options.ring_batches < 1 || options.ring_batches > kCreditsMax) {
    return bad_option("ring_batches", "1 to 1024", options.ring_batches);
  }
  if (options.record_bytes_max < 64 || options.record_bytes_max > (std::size_t{1} << 30)) {
    return bad_option("record_bytes_max", "64 to 2^30", options.record_bytes_max);
  }
  if (options.groups_max < 1) return bad_option("groups_max", "at least 1", options.groups_max);
  if (options.slices_max < 1) return bad_option("slices_max", "at least 1", options.slices_max);
  if (!options.cpus.empty() && options.cpus.size() < options.shards) {
    return bad_option("cpus", "a list of at least as many as there are shards", options.cpus.size());
  }
  for (const int cpu : options.cpus) {
    if (cpu >= 0) continue;
    return Error(ErrorCode::kInvalidArgument, "cpus must name CPUs from 0 on, not " + std::to_string(cpu));
  }
  return {};
}

std::vector<Physical> physical_of(const Schema& schema) {
  std::vector<Physical> physical;
  for (const Field& field : schema.fields) physical.push_back(field.type.physical());
  return physical;
}

bool has_strings(const std::vector<Physical>& physical) {
  return std::find(physical.begin(), physical.end(), Physical::kString) != physical.end();
}

TableContext table_context(const TableDefinition& table, const JobLayout& layout, const JobOptions& options,
                           IoBackend* backend, Clock* clock) {
  TableContext context;
  context.table = table.name;
  for (std::uint32_t i = 0; i < table.physical_count; ++i) context.schema.fields.push_back(table.schema.fields[i]);
  context.options = table.options;
  remove_engine_options(context.options);
  context.time_zone = layout.time_zone;
  context.record_bytes_max = options.record_bytes_max;
  context.batch_rows = layout.batch_rows;
  context.heap_bytes = layout.heap_bytes;
  context.clock = clock;
  context.setup_backend = backend;
  context.make_folders = backend != nullptr && (options.world == nullptr || options.world->host_files_allowed());
  if (const auto host = options.host_tables.find(table.name); host != options.host_tables.end()) {
    context.host = &host->second;
  }
  return context;
}

/// Whether a group's memory is all in its row: no text, no function that keeps values, no running windows.
bool rows_are_all(const WindowAggregateOptions& options, const StateCost& cost) {
  if (!options.window.has_value() || options.window->kind != WindowKind::kTumble || !cost.unbounded.empty())
    return false;
  const auto text = [&](auto column) {
    return options.input.fields[static_cast<std::size_t>(column)].type.physical() == Physical::kString;
  };
  if (std::any_of(options.keys.begin(), options.keys.end(), text)) return false;
  return std::none_of(options.aggregates.begin(), options.aggregates.end(), [&](const AggregateColumn& call) {
    return std::any_of(call.arguments.begin(), call.arguments.end(), text);
  });
}

/// What the limits on keys and slices let the state of one instance grow to. A table that grows doubles its block and
/// has the old one beside it until the new one is filled, and blocks are powers of two: at most four times its groups;
/// one of integer keys may cover kDenseGroupsMax of them, whether they are there or not.
std::size_t implied_state_bytes(const WindowAggregateOptions& options, const StateCost& cost) {
  constexpr double kGrowth = 4, kDenseGroupsMax = 1'048'577;
  const double slices = options.slices_max;
  const double groups = options.keys.empty() ? 1 : std::max(kDenseGroupsMax, static_cast<double>(options.groups_max));
  const double bytes =
      kGrowth * slices * (static_cast<double>(cost.slice_bytes) + groups * static_cast<double>(cost.group_bytes));
  if (!rows_are_all(options, cost) || bytes >= static_cast<double>(options.state_bytes_max))
    return options.state_bytes_max;
  return static_cast<std::size_t>(bytes);
}

class QueryLayouter {
 public:
  QueryLayouter(JobLayout& job, const JobOptions& options, IoBackend* backend, Clock* clock)
      : job_(job), options_(options), backend_(backend), clock_(clock) {}

  Result<QueryLayout> lay_out(const QueryPlan& query, const std::map<std::string, std::string>& settings) {
    WEIR_ASSIGN(out_.emit, emit_options(settings));
    WEIR_ASSIGN(out_.plan, make_physical_query(query, options_, job_.time_zone, out_.emit));
    WEIR_ASSIGN(out_.time, source_time_options(out_.plan.source.table->options, settings));
    WEIR_TRY(check_time_settings());
    WEIR_TRY(make_tables());
    WEIR_TRY(check_updates());
    assign_inputs();
    for (const AggregateStage& stage : out_.plan.aggregates) WEIR_TRY(lay_out_aggregate(stage));
    if (out_.plan.late.has_value() && out_.plan.late->side.has_value()) {
      const bool in_aggregate = out_.plan.late->in_aggregate;
      WEIR_ASSIGN(out_.late,
                  lay_out_side(*out_.plan.late->side, in_aggregate ? out_.stages[0].shards : source_shards()));
    }
    if (out_.plan.malformed.has_value()) {
      WEIR_ASSIGN(out_.malformed, lay_out_side(*out_.plan.malformed, source_shards()));
    }
    lay_out_gather();
    count_bytes();
    return std::move(out_);
  }

 private:
  /// Early and late results are not for all windows.
  Result<void> check_time_settings() {
    const std::vector<AggregateStage>& stages = out_.plan.aggregates;
    if (!stages.empty() && !stages[0].window.has_value()) out_.emit.lateness_ns = 0;  // nothing is ever late
    out_.updating = !stages.empty() && out_.emit.updates();
    if (out_.updating && stages[0].judged_together()) {
      return Error(
                 ErrorCode::kSqlUnsupported,
                 std::string("early and late results are for TUMBLE, HOP, CUMULATE and GROUP BY without a window, not "
                             "for ") +
                     (stages[0].window->kind == WindowKind::kSession
                          ? "SESSION: sessions that were given out may merge"
                          : "windows of rows, which are complete with their last row"))
          .with_hint("RESET the settings table.exec.emit.* and weir.emit.*");
    }
    return {};
  }

  Result<void> make_tables() {
    const SourceStage& source = out_.plan.source;
    TableContext context = table_context(*source.table, job_, options_, backend_, clock_);
    for (std::uint32_t i = 0; i < source.physical_columns.size(); ++i) {
      context.columns.push_back({source.physical_columns[i], i, source.may_defer(i)});
    }
    // All of them go to the dead-letter table, those too that the format would pass over.
    if (out_.plan.malformed.has_value())
      std::erase_if(context.options, [](const auto& option) { return option.first.ends_with(".ignore-parse-errors"); });
    WEIR_ASSIGN(out_.source, make_source(context));
    out_.read_physical = physical_of(source.read_schema);
    const ResultStage& result = out_.plan.result;
    const std::vector<AggregateStage>& stages = out_.plan.aggregates;
    out_.result_schema = result.project_is_identity && !stages.empty() ? stages.back().schema : result.project.schema;
    WEIR_ASSIGN(out_.sink, make_table_sink(*result.table, out_.updating));
    return {};
  }

  /// A query whose results change needs a sink that takes changes.
  Result<void> check_updates() const {
    if (!out_.updating || out_.sink->takes_updates()) return {};
    return Error(ErrorCode::kSqlSemantic,
                 "the query's results change after they were given (table.exec.emit.*, "
                 "weir.emit.*), and table " +
                     out_.plan.result.table->name + " only takes rows that are appended: " + out_.sink->describe())
        .with_hint("write to a table with connector 'print', 'blackhole' or 'host', or RESET those settings");
  }

  Result<std::unique_ptr<TableSink>> make_table_sink(const TableDefinition& table, bool updating) {
    TableContext context = table_context(table, job_, options_, backend_, clock_);
    context.sink_number = job_.sinks++;
    context.updating = updating;
    return make_sink(context);
  }

  /// A side output's sink, and the exchange before it where it does not take rows from several shards.
  Result<SideLayout> lay_out_side(const SideStage& stage, const std::vector<std::uint32_t>& shards) {
    SideLayout side;
    side.table = stage.table;
    side.schema = stage.project.schema;
    WEIR_ASSIGN(side.sink, make_table_sink(*stage.table, false));
    if (!side.sink->parallel() && (shards.size() > 1 || shards[0] != 0)) {
      side.gather.present = true;
      side.gather.senders = shards;
      side.gather.receivers = {0};
      side.gather.schema = side.schema;
      WEIR_TRY(finish_edge(side.gather));
    }
    job_.exchange_bytes += side.gather.bytes();
    const std::size_t writers = side.gather.present ? 1 : shards.size();
    job_.writer_bytes += writers * side.sink->writer_bytes();
    job_.batch_bytes += writers * batch_layout(physical_of(side.schema), job_).bytes();
    return side;
  }

  void assign_inputs() {
    out_.inputs_of_shard.resize(job_.shards);
    for (std::uint32_t input = 0; input < out_.source->input_count(); ++input) {
      out_.inputs_of_shard[input % job_.shards].push_back(input);
    }
  }

  std::vector<std::uint32_t> source_shards() const {
    std::vector<std::uint32_t> shards;
    for (std::uint32_t s = 0; s < job_.shards; ++s) {
      if (!out_.inputs_of_shard[s].empty()) shards.push_back(s);
    }
    return shards;
  }

  /// The shards that have the rows or results so far.
  std::vector<std::uint32_t> shards_now() const {
    return out_.stages.empty() ? source_shards() : out_.stages.back().shards;
  }

  WindowAggregateOptions aggregate_options(const AggregateStage& stage) const {
    const bool first = out_.stages.empty();
    WindowAggregateOptions aggregate;
    aggregate.window = stage.window;
    aggregate.input = out_.plan.rows_of(out_.stages.size());
    for (std::uint32_t k = 0; k < stage.key_count; ++k) {
      aggregate.keys.push_back(k);
      aggregate.key_names.push_back(stage.schema.fields[k].name);
    }
    aggregate.aggregates = stage.aggregates;
    for (AggregateColumn& call : aggregate.aggregates)
      call.retracts = stage.changes || (stage.counts_distinct && call.distinct);
    aggregate.emit = out_.emit;
    aggregate.changes = stage.changes;
    aggregate.fail_late = stage.fail_late;
    aggregate.late_side = stage.late_side;
    aggregate.late_columns = stage.late_columns;
    for (std::uint32_t i = 0; stage.fail_late && i < out_.source->input_count(); ++i)
      aggregate.input_names.push_back(out_.source->input_name(i) + " of table " + out_.plan.source.table->name);
    const std::size_t next = out_.stages.size() + 1;
    aggregate.feeds_windows = next < out_.plan.aggregates.size() && out_.plan.aggregates[next].window.has_value();
    aggregate.groups_max = options_.groups_max;
    aggregate.slices_max = options_.slices_max;
    aggregate.state_bytes_max = options_.state_bytes_max;
    // Results of a key come in the order of their windows, from one place.
    aggregate.inputs = first ? out_.source->input_count() : 1;
    if (stage.exchange && stage.judged_together()) aggregate.stamp_column = static_cast<int>(aggregate.input.size());
    return aggregate;
  }

  Result<void> lay_out_aggregate(const AggregateStage& stage) {
    StageLayout layout;
    layout.aggregate = aggregate_options(stage);
    FragmentContext context;
    context.batch_rows = job_.batch_rows;
    context.heap_bytes = job_.heap_bytes;
    WEIR_ASSIGN(auto instance, WindowAggregateOperator::create(context, layout.aggregate));
    layout.state_cost = instance->state_cost();
    layout.state_bytes_bound = implied_state_bytes(layout.aggregate, layout.state_cost);
    layout.shards = shards_now();
    if (stage.exchange) WEIR_TRY(lay_out_keyed(stage, layout));
    out_.stages.push_back(std::move(layout));
    return {};
  }

  Result<void> lay_out_keyed(const AggregateStage& stage, StageLayout& layout) {
    EdgeLayout& edge = layout.keyed;
    edge.present = true;
    edge.senders = layout.shards;
    const std::uint32_t receivers = stage.key_count == 0 ? 1 : job_.shards;
    for (std::uint32_t s = 0; s < receivers; ++s) edge.receivers.push_back(s);
    layout.shards = edge.receivers;
    edge.key_columns = layout.aggregate.keys;
    if (stage.keyed_plan == KeyedPlan::kLocalMerge) {
      WEIR_ASSIGN(edge.schema, partial_schema(layout.aggregate));
    } else {
      edge.schema = layout.aggregate.input;
      if (stage.judged_together()) edge.schema = stamped_schema(edge.schema);
      edge.kinds = stage.changes;
    }
    return finish_edge(edge);
  }

  Result<void> finish_edge(EdgeLayout& edge) {
    edge.physical = physical_of(edge.schema);
    edge.has_strings = has_strings(edge.physical);
    ExchangeOptions exchange;
    exchange.credits = job_.credits;
    edge.exchange_bytes = Exchange::bytes_needed(batch_layout(edge.physical, job_, edge.kinds), exchange);
    return {};
  }

  void lay_out_gather() {
    const std::vector<std::uint32_t> shards = shards_now();
    const bool elsewhere = shards.size() > 1 || shards[0] != 0;
    if (out_.sink->parallel() || !elsewhere) return;
    EdgeLayout& edge = out_.gather;
    edge.present = true;
    edge.senders = shards;
    edge.receivers = {0};
    edge.schema = out_.result_schema;
    edge.kinds = out_.updating;
    const auto finished = finish_edge(edge);
    WEIR_CHECK(finished.has_value());
  }

  void count_bytes() {
    const std::size_t inputs = out_.source->input_count();
    const std::size_t readers = source_shards().size();
    job_.reader_bytes += inputs * out_.source->reader_bytes();
    job_.batch_bytes += readers * batch_layout(out_.read_physical, job_).bytes();
    job_.exchange_bytes += out_.gather.bytes();
    const std::size_t writers = out_.gather.present ? 1 : shards_now().size();
    job_.writer_bytes += writers * out_.sink->writer_bytes();
    job_.batch_bytes += writers * batch_layout(physical_of(out_.result_schema), job_, out_.updating).bytes();
    for (std::size_t i = 0; i < out_.stages.size(); ++i) {
      const StageLayout& stage = out_.stages[i];
      job_.exchange_bytes += stage.keyed.bytes();
      const bool local = stage.keyed.present && out_.plan.aggregates[i].keyed_plan == KeyedPlan::kLocalMerge;
      const std::size_t instances = (local ? stage.keyed.senders.size() : 0) + stage.shards.size();
      job_.aggregate_bytes += instances * stage.state_cost.working_bytes;
      job_.state_bytes_max += instances * stage.state_bytes_bound;
    }
  }

  JobLayout& job_;
  const JobOptions& options_;
  IoBackend* backend_;
  Clock* clock_;
  QueryLayout out_;
};

}  // namespace

BatchLayout batch_layout(const std::vector<Physical>& physical, const JobLayout& layout, bool kinds) {
  BatchLayout batch;
  batch.columns = physical;
  batch.capacity = layout.batch_rows;
  batch.kinds = kinds;
  batch.heap_bytes = has_strings(physical) ? layout.heap_bytes : 0;
  return batch;
}

Result<void> validate_table(const TableDefinition& table, const JobOptions& options) {
  if (table.options.empty()) {
    return Error(ErrorCode::kSqlUnknownConnector, "table " + table.name + " has no WITH (…)")
        .with_hint("say where its rows come from: WITH ('connector' = …); the connectors are " +
                   list_names(connector_names()));
  }
  WEIR_TRY(source_time_options(table.options, {}));
  JobLayout layout;
  return check_table_options(table_context(table, layout, options, nullptr, nullptr));
}

Result<JobLayout> lay_out_job(const JobPlan& plan, const JobOptions& options, IoBackend* backend, Clock* clock) {
  WEIR_TRY(check_options(options));
  if (plan.queries.empty()) {
    return Error(ErrorCode::kSqlSemantic, "the job has no query: nothing would run")
        .with_hint("end the script with INSERT INTO <sink> SELECT …");
  }
  JobLayout layout;
  layout.shards = options.shards;
  layout.batch_rows = options.batch_rows;
  layout.credits = options.ring_batches;
  layout.heap_bytes = options.heap_bytes != 0
                          ? options.heap_bytes
                          : std::max(options.record_bytes_max, kHeapBytesPerRow * std::size_t{options.batch_rows});
  if (layout.heap_bytes < options.record_bytes_max) {
    return Error(ErrorCode::kInvalidArgument,
                 "heap_bytes must be at least record_bytes_max (" + std::to_string(options.record_bytes_max) + ")");
  }
  if (const auto zone = plan.settings.find("table.local-time-zone"); zone != plan.settings.end()) {
    layout.time_zone = zone->second;
  }
  layout.notes = plan.notes;
  for (const QueryPlan& query : plan.queries) {
    WEIR_ASSIGN(QueryLayout laid_out, QueryLayouter(layout, options, backend, clock).lay_out(query, plan.settings));
    layout.queries.push_back(std::move(laid_out));
  }
  const BackendConfig config;
  layout.backend_bytes = std::size_t{options.shards} * (std::size_t{config.ops_max} * 512 + (std::size_t{1} << 20));
  return layout;
}

}  // namespace weir
