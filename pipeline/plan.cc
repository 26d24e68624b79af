// Text of plans, for `explain` and for tests. See weir/pipeline/plan.h.
#include "weir/pipeline/plan.h"

#include <array>
#include <cstdio>

namespace weir {
namespace {

std::string duration(std::int64_t ns) {
  struct Unit {
    std::int64_t ns;
    const char* name;
  };
  static constexpr std::array<Unit, 7> kUnits = {{{86'400'000'000'000, "d"},
                                                  {3'600'000'000'000, "h"},
                                                  {60'000'000'000, "min"},
                                                  {1'000'000'000, "s"},
                                                  {1'000'000, "ms"},
                                                  {1'000, "us"},
                                                  {1, "ns"}}};
  for (const Unit& unit : kUnits) {
    if (ns != 0 && ns % unit.ns == 0) return std::to_string(ns / unit.ns) + " " + unit.name;
  }
  return "0 s";
}

std::string list(const std::vector<ExpressionPtr>& expressions, const Schema& input) {
  std::string out;
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    out += (i == 0 ? "" : ", ") + expressions[i]->to_string(input);
  }
  return out;
}

std::string window_text(const WindowSpec& window, const Schema& input) {
  static constexpr std::array<const char*, 5> kNames = {"TUMBLE", "HOP", "CUMULATE", "SESSION", "ROWS"};
  if (window.attached) return "of the rows, to `" + input.fields[window.time_column].name + "`";
  std::string out = kNames[static_cast<std::size_t>(window.kind)];
  out += "(`" + input.fields[window.time_column].name + "`, ";
  if (window.kind == WindowKind::kHop) out += "slide " + duration(window.slide_ns) + ", ";
  if (window.kind == WindowKind::kCumulate) out += "step " + duration(window.slide_ns) + ", ";
  if (window.kind == WindowKind::kCount)
    out += "slide " + std::to_string(window.slide_rows) + ", size " + std::to_string(window.size_rows);
  else
    out += (window.kind == WindowKind::kSession ? "gap " : "size ") + duration(window.size_ns);
  if (window.offset_ns != 0) out += ", offset " + duration(window.offset_ns);
  for (std::size_t i = 0; i < window.partition_columns.size(); ++i) {
    out += (i == 0 ? ", partition by `" : ", `") + input.fields[window.partition_columns[i]].name + "`";
  }
  return out + ")";
}

std::string constant_text(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value.data)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value.data)) return "'" + *text + "'";
  if (const auto* real = std::get_if<double>(&value.data)) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", *real);
    return text;
  }
  return "NULL";
}

std::string aggregate_text(const AggregateCall& call, const Schema& input) {
  std::string out = call.name + "(" + (call.distinct ? "DISTINCT " : "");
  const std::size_t columns = call.arguments.size() - call.order.size();
  out += call.arguments.empty()
             ? "*"
             : list({call.arguments.begin(), call.arguments.begin() + static_cast<long>(columns)}, input);
  for (std::size_t i = 0; i < call.constants.size(); ++i)
    out += (columns + i == 0 ? "" : ", ") + constant_text(call.constants[i]);
  out += ")";
  if (call.fast_sum && !call.arguments.empty() && call.arguments[0]->type.is_float()) out += " fast";
  for (std::size_t i = 0; i < call.order.size(); ++i) {
    out += (i == 0 ? " WITHIN GROUP (ORDER BY " : ", ") + call.arguments[columns + i]->to_string(input);
    out += call.order[i].descending ? " DESC" : "";
    if (call.order[i].nulls_last != call.order[i].descending)
      out += call.order[i].nulls_last ? " NULLS LAST" : " NULLS FIRST";
  }
  if (!call.order.empty()) out += ")";
  if (call.filter != nullptr) out += " FILTER (WHERE " + call.filter->to_string(input) + ")";
  return out;
}

std::string columns_text(const Schema& schema) {
  std::string out = " -> [";
  for (std::size_t i = 0; i < schema.size(); ++i) {
    out += (i == 0 ? "" : ", ") + schema.fields[i].name + " " + schema.fields[i].type.to_string();
  }
  return out + "]";
}

std::string grouping_set_text(const PlanNode& aggregate, std::size_t set) {
  std::string out;
  for (std::size_t key = 0; key + 1 < aggregate.keys.size(); ++key) {
    if ((aggregate.grouping_sets[set] >> key & 1) != 0) continue;
    out += (out.empty() ? "(" : ", ") + aggregate.keys[key]->to_string(aggregate.input->schema);
  }
  return out.empty() ? "()" : out + ")";
}

std::string node_text(const PlanNode& node) {
  static const Schema kNone;
  const Schema& input = node.input != nullptr ? node.input->schema : kNone;
  switch (node.kind) {
    case PlanNode::Kind::kScan: {
      std::string out = "Scan " + node.table->name;
      if (node.table->watermark != nullptr) {
        out += " watermark " + node.table->watermark->to_string(node.table->schema);
      }
      return out;
    }
    case PlanNode::Kind::kFilter:
      return "Filter " + node.predicate->to_string(input);
    case PlanNode::Kind::kProject:
      return "Project " + list(node.expressions, input);
    case PlanNode::Kind::kWindow:
      return "Window " + window_text(*node.window, input);
    case PlanNode::Kind::kAggregate: {
      std::string out = "Aggregate keys [" + list(node.keys, input) + "]";
      if (node.window.has_value()) out += " window " + window_text(*node.window, input);
      for (std::size_t i = 0; i < node.grouping_sets.size(); ++i) {
        out += i == 0 ? " grouping sets [" : ", ";
        out += grouping_set_text(node, i);
      }
      if (!node.grouping_sets.empty()) out += "]";
      out += " calls [";
      for (std::size_t i = 0; i < node.aggregates.size(); ++i) {
        out += (i == 0 ? "" : ", ") + aggregate_text(node.aggregates[i], input);
      }
      return out + "]";
    }
    case PlanNode::Kind::kSink:
      return "Sink " + node.table->name;
  }
  return {};
}

}  // namespace

Schema dead_letter_schema() {
  Schema schema;
  schema.fields = {{"record", Type::of(TypeId::kBytes)}, {"record_text", Type::string()},   {"reason", Type::string()},
                   {"column_name", Type::string()},      {"record_number", Type::bigint()}, {"byte", Type::bigint()},
                   {"table_name", Type::string()},       {"input", Type::string()}};
  return schema;
}

std::string to_string(const QueryPlan& query) {
  std::string out;
  std::string indent;
  for (const PlanNode* node = query.root.get(); node != nullptr; node = node->input.get()) {
    out += indent + node_text(*node) + columns_text(node->schema) + "\n";
    indent += "  ";
  }
  return out;
}

}  // namespace weir
