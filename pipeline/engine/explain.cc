// What a job will do and take, for people and as JSON.
#include <fmt/format.h>

#include "engine/json_text.h"
#include "engine/layout.h"

namespace weir {
namespace {

std::string bytes_text(std::size_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string duration_text(std::int64_t ns) {
  if (ns % 86'400'000'000'000 == 0) return fmt::format("{} d", ns / 86'400'000'000'000);
  if (ns % 3'600'000'000'000 == 0) return fmt::format("{} h", ns / 3'600'000'000'000);
  if (ns % 60'000'000'000 == 0) return fmt::format("{} min", ns / 60'000'000'000);
  if (ns % 1'000'000'000 == 0) return fmt::format("{} s", ns / 1'000'000'000);
  if (ns % 1'000'000 == 0) return fmt::format("{} ms", ns / 1'000'000);
  return fmt::format("{} ns", ns);
}

std::string window_text(const WindowSpec& window) {
  if (window.attached) return "the window of the results before,";
  std::string text;
  switch (window.kind) {
    case WindowKind::kTumble:
      text = "TUMBLE " + duration_text(window.size_ns);
      break;
    case WindowKind::kHop:
      text = "HOP " + duration_text(window.size_ns) + " every " + duration_text(window.slide_ns);
      break;
    case WindowKind::kCumulate:
      text = "CUMULATE to " + duration_text(window.size_ns) + " by " + duration_text(window.slide_ns);
      break;
    case WindowKind::kSession:
      text = "SESSION gap " + duration_text(window.size_ns);
      break;
    case WindowKind::kCount:
      text = fmt::format("{} rows every {}", window.size_rows, window.slide_rows);
      break;
  }
  if (window.offset_ns != 0) text += ", offset " + duration_text(window.offset_ns);
  return text;
}

std::string stage_text(const AggregateStage& stage) {
  if (!stage.window.has_value()) return "no window, to the end of the input,";
  const std::string zone = stage.civil_zone.empty() ? "" : " in the wall clock of " + stage.civil_zone;
  return window_text(*stage.window) + zone;
}

std::string_view keyed_plan_name(const AggregateStage& stage) {
  if (stage.colocated) return "in place";
  if (!stage.exchange) return "one shard";
  return stage.keyed_plan == KeyedPlan::kLocalMerge ? "local then merge" : "shuffle";
}

std::string columns_text(const Schema& schema) {
  std::string text;
  for (const Field& field : schema.fields) {
    if (!text.empty()) text += ", ";
    text += field.name + " " + field.type.to_string();
  }
  return text;
}

std::string expressions_text(const Projection& projection, const Schema& input) {
  std::string text;
  for (std::size_t i = 0; i < projection.expressions.size(); ++i) {
    if (i != 0) text += ", ";
    text += projection.expressions[i]->to_string(input);
  }
  return text;
}

std::string edge_text(const EdgeLayout& edge) {
  return fmt::format("exchange {} x {} shards, {} in memory\n", edge.senders.size(), edge.receivers.size(),
                     bytes_text(edge.bytes()));
}

std::string emit_text(const EmitOptions& emit) {
  std::string text = "             updating: results change, as -U and +U\n";
  if (emit.early && emit.early_delay_ns == 0) text += "             early results after every batch\n";
  if (emit.early && emit.early_delay_ns != 0)
    text += fmt::format("             early results every {}\n", duration_text(emit.early_delay_ns));
  if (emit.early_rows != 0) text += fmt::format("             early results after {} rows\n", emit.early_rows);
  if (emit.lateness_ns != 0) {
    text += fmt::format("             a window takes rows until {} behind its end\n", duration_text(emit.lateness_ns));
  }
  return text;
}

std::string filters_text(const std::vector<ExpressionPtr>& filters, const Schema& input) {
  std::string text;
  for (const ExpressionPtr& filter : filters) text += fmt::format("  filter     {}\n", filter->to_string(input));
  return text;
}

std::string aggregate_text(const QueryLayout& query, std::size_t number) {
  const AggregateStage& stage = query.plan.aggregates[number];
  const StageLayout& layout = query.stages[number];
  std::string text;
  if (number != 0) {
    const Schema& before = query.plan.aggregates[number - 1].schema;
    text += filters_text(stage.filters, before);
    if (!stage.row_is_identity) text += fmt::format("  project    {}\n", expressions_text(stage.row, before));
  }
  text += fmt::format("  aggregate  {} by {} key column{}; keyed plan: {} ({})\n", stage_text(stage), stage.key_count,
                      stage.key_count == 1 ? "" : "s", keyed_plan_name(stage), stage.why);
  if (!stage.grouping_sets.empty())
    text += fmt::format("             each row once a grouping set: {} sets\n", stage.grouping_sets.size());
  text += fmt::format("             gives {}\n", columns_text(stage.schema));
  text += fmt::format("             state {} a key and slice, {} a slice; at most {} keys a slice, {} open slices\n",
                      bytes_text(layout.state_cost.group_bytes), bytes_text(layout.state_cost.slice_bytes),
                      layout.aggregate.groups_max, layout.aggregate.slices_max);
  for (const std::string& name : layout.state_cost.unbounded) {
    text += fmt::format("             {} keeps its values: its state grows with them, up to state_bytes_max\n", name);
  }
  text += fmt::format("             state of an instance at most {}; at a limit the job ends and names it\n",
                      bytes_text(layout.state_bytes_bound));
  if (query.updating) text += emit_text(query.emit);
  if (layout.keyed.present) text += "             " + edge_text(layout.keyed);
  return text;
}

std::string query_text(const QueryLayout& query) {
  const SourceStage& source = query.plan.source;
  std::string text = fmt::format("  read       {}: {}\n             columns {}\n", source.table->name,
                                 query.source->describe(), columns_text(source.read_schema));
  if (source.time_column >= 0) {
    text += fmt::format("  watermark  {}\n", source.watermark->to_string(source.scan.schema));
  }
  if (query.time.idle_timeout_ns != 0 && source.time_column >= 0) {
    text += fmt::format("             an input without a row for {} does not hold it back\n",
                        duration_text(query.time.idle_timeout_ns));
  }
  if (query.time.jump_max_ns != 0 && source.time_column >= 0) {
    text += fmt::format("             moves by at most {} at once, further only after {} such rows in a row\n",
                        duration_text(query.time.jump_max_ns), query.time.jump_rows);
  }
  Schema rows = source.scan.schema;
  if (source.assign.has_value()) {
    text += fmt::format("  window     {}, each row\n", window_text(*source.assign));
    for (const char* name : {"window_start", "window_end", "window_time"}) {
      rows.fields.push_back({name, Type::timestamp(3)});
    }
  }
  text += filters_text(source.filters, rows);
  if (query.malformed.has_value()) {
    text += fmt::format("  malformed  to {}: {}\n", query.malformed->table->name, query.malformed->sink->describe());
    if (query.malformed->gather.present) text += "  gather     " + edge_text(query.malformed->gather);
  }
  if (query.plan.late.has_value()) {
    text += query.late.has_value()
                ? fmt::format("  late rows  to {}: {}\n", query.late->table->name, query.late->sink->describe())
                : std::string("  late rows  the first one ends the job\n");
    if (query.late.has_value() && query.late->gather.present) text += "  gather     " + edge_text(query.late->gather);
  }
  if (!source.row_is_identity) text += fmt::format("  project    {}\n", expressions_text(source.row, rows));
  for (std::size_t i = 0; i < query.stages.size(); ++i) text += aggregate_text(query, i);
  if (!query.stages.empty()) {
    const Schema& schema = query.plan.aggregates.back().schema;
    text += filters_text(query.plan.result.filters, schema);
    if (!query.plan.result.project_is_identity)
      text += fmt::format("  project    {}\n", expressions_text(query.plan.result.project, schema));
  }
  if (query.gather.present) text += "  gather     " + edge_text(query.gather);
  text += fmt::format("  write      {}: {}\n             guarantee: {}\n", query.plan.result.table->name,
                      query.sink->describe(), query.sink->guarantee());
  return text;
}

std::string query_json(const QueryLayout& query) {
  std::string text =
      fmt::format(R"({{"source":{},"source_description":{},"inputs":{},"sink":{},"sink_description":{},"guarantee":{})",
                  json_string(query.plan.source.table->name), json_string(query.source->describe()),
                  query.source->input_count(), json_string(query.plan.result.table->name),
                  json_string(query.sink->describe()), json_string(query.sink->guarantee()));
  std::size_t keyed_bytes = 0;
  for (std::size_t i = 0; i < query.stages.size(); ++i) {
    const AggregateStage& stage = query.plan.aggregates[i];
    const StageLayout& layout = query.stages[i];
    keyed_bytes += layout.keyed.bytes();
    text += i == 0 ? R"(,"aggregates":[)" : ",";
    text += fmt::format(
        R"({{"window":{},"keys":{},"keyed_plan":{},"why":{},"group_bytes":{},"slice_bytes":{},"groups_max":{},"slices_max":{},"state_bytes_bound":{},"at_limit":"fail"}})",
        json_string(stage_text(stage)), stage.key_count, json_string(keyed_plan_name(stage)), json_string(stage.why),
        layout.state_cost.group_bytes, layout.state_cost.slice_bytes, layout.aggregate.groups_max,
        layout.aggregate.slices_max, layout.state_bytes_bound);
  }
  if (!query.stages.empty()) text += "]";
  return text +
         fmt::format(R"(,"keyed_exchange_bytes":{},"gather_exchange_bytes":{}}})", keyed_bytes, query.gather.bytes());
}

}  // namespace

JobExplanation explain_layout(const JobPlan& plan, const JobLayout& layout, const JobOptions& options) {
  JobExplanation out;
  out.memory_bytes_max = layout.memory_bytes_max();
  out.text = fmt::format("{} shard{}, batches of {} rows, {} credits an exchange\n", layout.shards,
                         layout.shards == 1 ? "" : "s", layout.batch_rows, layout.credits);
  for (std::size_t i = 0; i < layout.queries.size(); ++i) {
    out.text += fmt::format("query {}\n{}", i + 1, query_text(layout.queries[i]));
  }
  for (const auto& [what, bytes] :
       {std::pair{"exchanges", layout.exchange_bytes}, std::pair{"batches", layout.batch_bytes},
        std::pair{"readers", layout.reader_bytes}, std::pair{"writers", layout.writer_bytes},
        std::pair{"io", layout.backend_bytes}, std::pair{"aggregates", layout.aggregate_bytes},
        std::pair{"aggregate state", layout.state_bytes_max}}) {
    out.text += fmt::format("memory     {:<16} at most {:>12} bytes ({})\n", what, bytes, bytes_text(bytes));
  }
  out.text += fmt::format("memory     {:<16} at most {:>12} bytes ({})\n", "all", out.memory_bytes_max,
                          bytes_text(out.memory_bytes_max));
  for (const std::string& note : plan.notes) out.text += "note       " + note + "\n";

  out.json = fmt::format(
      R"({{"version":1,"shards":{},"batch_rows":{},"credits":{},"state_bytes_max_per_instance":{},"queries":[)",
      layout.shards, layout.batch_rows, layout.credits, options.state_bytes_max);
  for (std::size_t i = 0; i < layout.queries.size(); ++i) {
    out.json += (i == 0 ? "" : ",") + query_json(layout.queries[i]);
  }
  out.json += fmt::format(
      R"(],"memory":{{"exchanges":{},"batches":{},"readers":{},"writers":{},"io":{},"aggregates":{},"aggregate_state":{},"all":{}}},"notes":[)",
      layout.exchange_bytes, layout.batch_bytes, layout.reader_bytes, layout.writer_bytes, layout.backend_bytes,
      layout.aggregate_bytes, layout.state_bytes_max, out.memory_bytes_max);
  for (std::size_t i = 0; i < plan.notes.size(); ++i) out.json += (i == 0 ? "" : ",") + json_string(plan.notes[i]);
  out.json += "]}";
  return out;
}

}  // namespace weir
