// Binding of windows: TABLE(TUMBLE(…)) and its like, the older GROUP BY TUMBLE(…), and the checks of their sizes and
// time columns.
#include <algorithm>
#include <array>
#include <span>

#include "binder.h"
#include "suggest.h"

namespace weir::sql {
namespace {

struct WindowSignature {
  std::string_view name;
  WindowKind kind;
  std::array<std::string_view, 5> parameters;  // in order; "" ends
  std::size_t required;
  std::string_view usage;
};
constexpr std::array<WindowSignature, 6> kSignatures = {{{"TUMBLE",
                                                          WindowKind::kTumble,
                                                          {"DATA", "TIMECOL", "SIZE", "OFFSET", ""},
                                                          3,
                                                          "TUMBLE(TABLE t, DESCRIPTOR(ts), size [, offset])"},
                                                         {"HOP",
                                                          WindowKind::kHop,
                                                          {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"},
                                                          4,
                                                          "HOP(TABLE t, DESCRIPTOR(ts), slide, size [, offset])"},
                                                         {"CUMULATE",
                                                          WindowKind::kCumulate,
                                                          {"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"},
                                                          4,
                                                          "CUMULATE(TABLE t, DESCRIPTOR(ts), step, size [, offset])"},
                                                         {"SESSION",
                                                          WindowKind::kSession,
                                                          {"DATA", "TIMECOL", "GAP", "", ""},
                                                          3,
                                                          "SESSION(TABLE t [PARTITION BY k], DESCRIPTOR(ts), gap)"},
                                                         {"TUMBLE_ROWS",
                                                          WindowKind::kCount,
                                                          {"DATA", "ROWS", "", "", ""},
                                                          2,
                                                          "TUMBLE_ROWS(TABLE t [PARTITION BY k], rows)"},
                                                         {"HOP_ROWS",
                                                          WindowKind::kCount,
                                                          {"DATA", "SLIDE", "ROWS", "", ""},
                                                          3,
                                                          "HOP_ROWS(TABLE t [PARTITION BY k], slide, rows)"}}};

const WindowSignature* find_signature(std::string_view name) {
  const auto* const found = std::find_if(kSignatures.begin(), kSignatures.end(),
                                         [&](const WindowSignature& signature) { return signature.name == name; });
  return found == kSignatures.end() ? nullptr : found;
}

/// Arguments in the order of the signature, positional or named; null where one is left out.
using Arguments = std::array<const TableArgument*, 5>;

std::string order_arguments(const TableRef& table, const WindowSignature& signature, Arguments& out) {
  std::size_t position = 0;
  for (const TableArgument& argument : table.arguments) {
    std::size_t index = position;
    if (!argument.name.empty()) {
      const auto* const found = std::find(signature.parameters.begin(), signature.parameters.end(), argument.name);
      if (found == signature.parameters.end()) return "has no parameter " + argument.name;
      index = static_cast<std::size_t>(found - signature.parameters.begin());
    }
    if (index >= 5 || signature.parameters[index].empty()) return "has too many arguments";
    if (out[index] != nullptr) return "has its parameter " + std::string(signature.parameters[index]) + " twice";
    out[index] = &argument;
    ++position;
  }
  for (std::size_t i = 0; i < signature.required; ++i) {
    if (out[i] == nullptr) return "lacks its parameter " + std::string(signature.parameters[i]);
  }
  return {};
}

std::string duration(std::int64_t ns) {
  constexpr std::int64_t kMs = 1'000'000;
  if (ns % (3'600'000 * kMs) == 0) return std::to_string(ns / (3'600'000 * kMs)) + " h";
  if (ns % (60'000 * kMs) == 0) return std::to_string(ns / (60'000 * kMs)) + " min";
  if (ns % (1000 * kMs) == 0) return std::to_string(ns / (1000 * kMs)) + " s";
  if (ns % kMs == 0) return std::to_string(ns / kMs) + " ms";
  return std::to_string(ns) + " ns";
}

/// The columns of a hoisted window: what a column above becomes below. Non-negative: a column of the new input.
constexpr int kRoleBase = -2;  // -2, -3, -4: window_start, window_end, window_time
constexpr int kLost = -1;

bool is_role(int code) {
  return code <= kRoleBase;
}

struct Reads {
  bool rows = false;
  bool window = false;
  bool lost = false;
};

Reads reads_of(const Expression& expression, const std::vector<int>& map) {
  std::vector<std::uint32_t> columns;
  collect_columns(expression, columns);
  Reads reads;
  for (const std::uint32_t column : columns) {
    const int code = map[column];
    reads.lost = reads.lost || code == kLost;
    reads.window = reads.window || is_role(code);
    reads.rows = reads.rows || code >= 0;
  }
  return reads;
}

/// Columns by `map`; window columns become 0, 1, 2.
ExpressionPtr rebase(const ExpressionPtr& expression, const std::vector<int>& map) {
  std::vector<int> numbers(map.size());
  for (std::size_t i = 0; i < map.size(); ++i) numbers[i] = is_role(map[i]) ? kRoleBase - map[i] : map[i];
  return remap_columns(expression, numbers);
}

std::vector<ExpressionPtr> conjuncts(const ExpressionPtr& predicate) {
  if (predicate->kind == Expression::Kind::kAnd) return predicate->arguments;
  return {predicate};
}

std::uint32_t position_of(std::vector<ExpressionPtr>& expressions, Schema& schema, const Schema& below,
                          std::uint32_t column) {
  for (std::uint32_t i = 0; i < expressions.size(); ++i) {
    if (expressions[i]->kind == Expression::Kind::kColumn && expressions[i]->column == column) return i;
  }
  expressions.push_back(make_column(column, below.fields[column].type));
  schema.fields.push_back(below.fields[column]);
  return static_cast<std::uint32_t>(expressions.size() - 1);
}

}  // namespace

std::optional<std::int64_t> Binder::interval_ns(const Expr& expr, std::string_view what) {
  ExprScope scope;
  scope.place = what;
  const ExpressionPtr bound = bind_expr(expr, scope);
  if (bound == nullptr) return std::nullopt;
  if (bound->type.id == TypeId::kIntervalMonth) {
    error(ErrorCode::kSqlSemantic, expr.span, std::string(what) + " cannot be months or years, which differ in length",
          "use DAY, HOUR, MINUTE or SECOND");
    return std::nullopt;
  }
  if (bound->type.id != TypeId::kIntervalDay) {
    error(ErrorCode::kSqlType, expr.span, std::string(what) + " needs an interval, this is " + bound->type.to_string(),
          "write INTERVAL '1' MINUTE");
    return std::nullopt;
  }
  const Result<Value> value = evaluate_constant(*bound);
  if (!value.has_value()) {
    diagnostics_.report(value.error(), expr.span);
    return std::nullopt;
  }
  const auto* const ns = std::get_if<std::int64_t>(&value.value().data);
  if (ns == nullptr) {
    error(ErrorCode::kSqlSemantic, expr.span, std::string(what) + " cannot be NULL");
    return std::nullopt;
  }
  return *ns;
}

bool Binder::check_time_column(const Relation& relation, const BoundColumn& column, SourceSpan span) {
  if (column.time_attribute) return true;
  const std::string name = "`" + column.name + "`";
  if (column.processing_time) {
    unsupported(span, "windows over processing time are not supported: " + name + " is PROCTIME()",
                "use an event-time column with a WATERMARK");
    return false;
  }
  std::string hint;
  if (column.type.is_timestamp()) {
    hint = "declare it in the CREATE TABLE: WATERMARK FOR " + name + " AS " + name + " - INTERVAL '5' SECOND";
  } else if (column.type.is_string()) {
    hint = "compute a time in the CREATE TABLE: ts AS TO_TIMESTAMP(" + name +
           "), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND";
  } else if (column.type.id == TypeId::kBigInt) {
    hint = "compute a time in the CREATE TABLE: ts AS TO_TIMESTAMP_LTZ(" + name +
           ", 3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND";
  }
  for (const BoundColumn& other : relation.columns) {
    if (other.time_attribute) hint = "the event-time column here is `" + other.name + "`";
  }
  error(ErrorCode::kSqlSemantic, span, name + " is " + column.type.to_string() + " without a watermark",
        std::move(hint));
  return false;
}

bool Binder::check_window(WindowSpec& window, const Type& time, SourceSpan span) {
  window.tick_ns = 1'000'000;
  for (int p = 3; p < time.precision; ++p) window.tick_ns /= 10;
  const bool session = window.kind == WindowKind::kSession;
  if (window.kind == WindowKind::kTumble || session) window.slide_ns = window.size_ns;
  const std::string_view step = window.kind == WindowKind::kHop ? "slide" : "step";
  const std::string_view size = session ? "gap" : "size";
  const auto refuse = [&](std::string message, std::string hint = {}) {
    error(ErrorCode::kSqlSemantic, span, std::move(message), std::move(hint));
    return false;
  };
  if (window.size_ns <= 0) return refuse("the window's " + std::string(size) + " must be longer than 0");
  if (window.slide_ns <= 0) return refuse("the window's " + std::string(step) + " must be longer than 0");
  if (window.size_ns % window.slide_ns != 0) {
    return refuse("the window's size of " + duration(window.size_ns) + " is no multiple of its " + std::string(step) +
                      " of " + duration(window.slide_ns),
                  window.size_ns < window.slide_ns ? "the order is " + std::string(step) + ", size" : "");
  }
  const bool ticks = window.size_ns % window.tick_ns == 0 && window.slide_ns % window.tick_ns == 0 &&
                     window.offset_ns % window.tick_ns == 0;
  if (!ticks) {
    return refuse("the window is finer than its time column, which is " + time.to_string() + " in steps of " +
                      duration(window.tick_ns),
                  "declare the column as TIMESTAMP(9)");
  }
  return true;
}

/// A kWindow over the input, with its three columns.
Relation Binder::add_window(Relation input, WindowSpec window, SourceSpan span, bool hidden) {
  const Type time = input.node->schema.fields[window.time_column].type;
  Type edge = Type::timestamp(std::max<std::uint8_t>(3, time.precision));
  edge.nullable = false;
  Type last = time;
  last.precision = edge.precision;
  last.nullable = false;
  auto node = std::make_shared<PlanNode>();
  node->kind = PlanNode::Kind::kWindow;
  node->schema = input.node->schema;
  node->window = window;
  node->span = span;
  for (BoundColumn& column : input.columns) {
    column.role = WindowRole::kNone;
    column.time_attribute = false;  // window_time is it now
  }
  const auto add = [&](std::string name, const Type& type, WindowRole role) {
    BoundColumn column;
    column.name = name;
    column.table = input.columns.empty() ? std::string() : input.columns[0].table;
    column.type = type;
    column.index = static_cast<std::uint32_t>(node->schema.size());
    column.role = role;
    column.time_attribute = role == WindowRole::kTime;
    column.hidden = hidden;
    column.declared = span;
    input.columns.push_back(std::move(column));
    node->schema.fields.push_back({std::move(name), type});
  };
  add("window_start", edge, WindowRole::kStart);
  add("window_end", edge, WindowRole::kEnd);
  add("window_time", last, WindowRole::kTime);
  node->input = std::move(input.node);
  input.node = std::move(node);
  input.open_window = true;
  return input;
}

/// A kWindow over results of a window, which stay in it. Requires: its window_end is among the columns.
Relation Binder::attach_window(Relation input, SourceSpan span) {
  const PlanNode* results = input.node.get();
  while (results->kind != PlanNode::Kind::kAggregate) results = results->input.get();
  const auto end = std::find_if(input.columns.begin(), input.columns.end(),
                                [](const BoundColumn& column) { return column.role == WindowRole::kEnd; });
  WindowSpec window;
  window.attached = true;
  window.time_column = end->index;
  for (int p = 3; p < end->type.precision; ++p) window.tick_ns /= 10;
  window.size_ns = window.slide_ns = window.tick_ns;
  auto node = std::make_shared<PlanNode>();
  node->kind = PlanNode::Kind::kWindow;
  node->schema = input.node->schema;
  for (std::size_t i = 0; i < 3; ++i) {
    node->schema.fields.push_back(results->schema.fields[results->keys.size() + i]);
  }
  node->window = std::move(window);
  node->span = span;
  node->input = std::move(input.node);
  input.node = std::move(node);
  input.open_window = true;
  return input;
}

Relation Binder::bind_window_function(const TableRef& table) {
  const WindowSignature* signature = find_signature(table.function);
  if (signature == nullptr) {
    std::vector<std::string> names;
    for (const WindowSignature& known : kSignatures) names.emplace_back(known.name);
    std::string hint = did_you_mean(table.function, names);
    if (hint.empty()) hint = "the window functions are TUMBLE, HOP, CUMULATE, SESSION, TUMBLE_ROWS and HOP_ROWS";
    error(ErrorCode::kSqlUnknownName, table.span, "unknown table function `" + table.function + "`", std::move(hint));
    return {};
  }
  Arguments arguments{};
  const std::string wrong = order_arguments(table, *signature, arguments);
  const auto usage = [&](SourceSpan span, std::string message) {
    error(ErrorCode::kSqlSemantic, span, std::move(message), "the form is " + std::string(signature->usage));
    return Relation{};
  };
  if (!wrong.empty()) return usage(table.span, table.function + " " + wrong);
  const TableArgument& data = *arguments[0];
  if (data.kind != TableArgument::Kind::kTable) return usage(data.span, "the first argument is a table: TABLE t");
  if (signature->kind == WindowKind::kCount) {
    Relation input = bind_from(*data.table);
    if (!input) return {};
    const std::span<const TableArgument* const> numbers(arguments.data() + 1, signature->required - 1);
    return bind_count_window(std::move(input), table, numbers, signature->usage);
  }
  const TableArgument& time = *arguments[1];
  if (time.kind != TableArgument::Kind::kDescriptor || time.columns.size() != 1) {
    return usage(time.span, "the second argument names one column: DESCRIPTOR(ts)");
  }
  Relation input = bind_from(*data.table);
  if (!input) return {};
  WindowSpec window;
  window.kind = signature->kind;
  std::array<std::int64_t, 3> sizes{};
  bool good = true;
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    if (arguments[i] == nullptr) continue;
    if (arguments[i]->kind != TableArgument::Kind::kExpr) {
      return usage(arguments[i]->span, std::string(signature->parameters[i]) + " is an interval");
    }
    const auto ns = interval_ns(arguments[i]->expr[0], signature->parameters[i]);
    good = good && ns.has_value();
    sizes[i - 2] = ns.value_or(1);
  }
  const bool two = signature->required == 4;
  window.size_ns = two ? sizes[1] : sizes[0];
  window.slide_ns = sizes[0];
  window.offset_ns = two ? sizes[2] : sizes[1];
  const BoundColumn* column = find_column(time.columns[0], {}, input);
  if (column == nullptr || !check_time_column(input, *column, time.span) || !good) return {};
  window.time_column = column->index;
  if (!check_window(window, column->type, table.span)) return {};
  if (!bind_partition(data, input, window)) return {};
  Relation out = add_window(std::move(input), std::move(window), table.span, false);
  if (data.table->kind == TableRef::Kind::kQuery) out.name = table.function;
  return out;
}

bool Binder::bind_partition(const TableArgument& data, Relation& input, WindowSpec& window) {
  if (!data.order_by.empty()) {
    unsupported(data.order_by[0].expr.span, "ORDER BY of a window function's table is not supported");
    return false;
  }
  const bool takes_keys = window.kind == WindowKind::kSession || window.kind == WindowKind::kCount;
  for (const Expr& key : data.partition_by) {
    ExprScope scope;
    scope.relation = &input;
    scope.place = "PARTITION BY";
    const ExpressionPtr bound = bind_expr(key, scope);
    if (bound == nullptr) return false;
    if (bound->kind != Expression::Kind::kColumn || !takes_keys) {
      error(ErrorCode::kSqlSemantic, key.span,
            takes_keys ? "PARTITION BY takes columns" : "PARTITION BY is for SESSION and windows of rows only");
      return false;
    }
    window.partition_columns.push_back(bound->column);
  }
  return true;
}

/// TUMBLE_ROWS and HOP_ROWS: windows by the number of rows; their edges are the times of their first and last row.
Relation Binder::bind_count_window(Relation input, const TableRef& table, std::span<const TableArgument* const> numbers,
                                   std::string_view usage) {
  std::vector<std::int64_t> rows;
  for (const TableArgument* argument : numbers) {
    const Expr* number = argument->kind == TableArgument::Kind::kExpr ? argument->expr.data() : nullptr;
    ExprScope scope;
    scope.place = table.function;
    const ExpressionPtr bound = number == nullptr ? nullptr : bind_expr(*number, scope);
    if (number != nullptr && bound == nullptr) return {};
    const Result<Value> value =
        bound == nullptr ? Result<Value>(Error(ErrorCode::kSqlSemantic, "no number")) : evaluate_constant(*bound);
    const auto* const count = value.has_value() ? std::get_if<std::int64_t>(&value.value().data) : nullptr;
    if (count == nullptr || !bound->type.is_integer() || *count < 1 || *count > (std::int64_t{1} << 30)) {
      error(ErrorCode::kSqlSemantic, argument->span, table.function + " takes numbers of rows from 1 to 2^30",
            "the form is " + std::string(usage));
      return {};
    }
    rows.push_back(*count);
  }
  WindowSpec window;
  window.kind = WindowKind::kCount;
  window.size_rows = rows.back();
  window.slide_rows = rows.front();
  const auto time = std::find_if(input.columns.begin(), input.columns.end(),
                                 [](const BoundColumn& column) { return column.time_attribute; });
  if (time == input.columns.end()) {
    error(ErrorCode::kSqlSemantic, table.span,
          table.function + " needs a table with event times, for its windows' edges",
          "declare them in the CREATE TABLE: WATERMARK FOR ts AS ts - INTERVAL '5' SECOND");
    return {};
  }
  window.time_column = time->index;
  window.size_ns = window.slide_ns = 1'000'000'000;  // for those who ask how far a window reaches beyond a time
  for (int p = 3; p < time->type.precision; ++p) window.tick_ns /= 10;
  const TableArgument& data = *std::find_if(table.arguments.begin(), table.arguments.end(), [](const TableArgument& a) {
    return a.kind == TableArgument::Kind::kTable;
  });
  if (!bind_partition(data, input, window)) return {};
  Relation out = add_window(std::move(input), std::move(window), table.span, false);
  if (data.table->kind == TableRef::Kind::kQuery) out.name = table.function;
  return out;
}

/// TUMBLE(ts, size), HOP(ts, slide, size), SESSION(ts, gap) in GROUP BY.
bool Binder::bind_legacy_window(const Expr& call, Relation& relation) {
  const WindowSignature* signature = find_signature(call.text);
  if (signature->kind == WindowKind::kCumulate) {
    error(ErrorCode::kSqlSemantic, call.span, "CUMULATE stands in FROM only",
          "FROM TABLE(" + std::string(signature->usage) + ")");
    return false;
  }
  const bool hop = signature->kind == WindowKind::kHop;
  const std::size_t least = hop ? 3 : 2;
  const std::string form =
      hop ? "HOP(ts, slide, size)" : call.text + (call.text == "TUMBLE" ? "(ts, size)" : "(ts, gap)");
  if (call.children.size() < least || call.children.size() > least) {
    error(ErrorCode::kSqlSemantic, call.span, call.text + " takes " + std::to_string(least) + " arguments in GROUP BY",
          "the form is " + form);
    return false;
  }
  const Expr& time = call.children[0];
  if (time.kind != Expr::Kind::kName) {
    error(ErrorCode::kSqlSemantic, time.span, "the first argument names the event-time column", "the form is " + form);
    return false;
  }
  ExprScope scope;
  scope.relation = &relation;
  scope.place = "GROUP BY";
  const ExpressionPtr bound = bind_expr(time, scope);
  if (bound == nullptr) return false;
  const auto column = std::find_if(relation.columns.begin(), relation.columns.end(),
                                   [&](const BoundColumn& c) { return c.index == bound->column; });
  if (column == relation.columns.end() || !check_time_column(relation, *column, time.span)) return false;
  WindowSpec window;
  window.kind = signature->kind;
  window.time_column = bound->column;
  const auto first = interval_ns(call.children[1], hop ? "SLIDE" : "SIZE");
  const auto second = hop ? interval_ns(call.children[2], "SIZE") : first;
  if (!first || !second) return false;
  window.slide_ns = *first;
  window.size_ns = *second;
  if (!check_window(window, column->type, call.span)) return false;
  relation = add_window(std::move(relation), std::move(window), call.span, true);
  return true;
}

/// Moves the window function of a relation up to its top, below which its filters and projections then stand. What
/// filters by window columns alone is given in `deferred`, over the columns 0 window_start, 1 window_end, 2
/// window_time, to be applied to the groups.
bool Binder::hoist_window(Relation& relation, std::vector<ExpressionPtr>& deferred, SourceSpan span) {
  std::vector<PlanNodePtr> chain;
  PlanNodePtr at = relation.node;
  while (at->kind == PlanNode::Kind::kFilter || at->kind == PlanNode::Kind::kProject) {
    chain.push_back(at);
    at = at->input;
  }
  if (at->kind != PlanNode::Kind::kWindow || chain.empty()) return at->kind == PlanNode::Kind::kWindow;
  WindowSpec window = *at->window;
  PlanNodePtr lower = at->input;
  std::vector<int> map;
  for (std::size_t i = 0; i < lower->schema.size(); ++i) map.push_back(static_cast<int>(i));
  for (int role = 0; role < 3; ++role) map.push_back(kRoleBase - role);
  const std::vector<Field> edges(at->schema.fields.end() - 3, at->schema.fields.end());

  for (auto step = chain.rbegin(); step != chain.rend(); ++step) {
    auto node = std::make_shared<PlanNode>(**step);
    node->input = lower;
    if (node->kind == PlanNode::Kind::kFilter) {
      std::vector<ExpressionPtr> kept;
      for (const ExpressionPtr& conjunct : conjuncts((*step)->predicate)) {
        const Reads reads = reads_of(*conjunct, map);
        if (reads.lost || (reads.rows && reads.window)) {
          unsupported(conjunct->span.end > 0 ? conjunct->span : span,
                      "a condition over window columns and others together is not supported below GROUP BY",
                      "compare window_start, window_end and window_time with constants only");
          return false;
        }
        (reads.window ? deferred : kept).push_back(rebase(conjunct, map));
      }
      if (kept.empty()) continue;
      node->predicate = kept.size() == 1 ? kept[0] : call("AND", kept, node->span);
      node->schema = lower->schema;
      lower = std::move(node);
      continue;
    }
    std::vector<int> above;
    node->expressions.clear();
    node->schema.fields.clear();
    for (std::size_t i = 0; i < (*step)->expressions.size(); ++i) {
      const ExpressionPtr& expression = (*step)->expressions[i];
      const Reads reads = reads_of(*expression, map);
      if (expression->kind == Expression::Kind::kColumn && reads.window) {
        above.push_back(map[expression->column]);
      } else if (reads.window || reads.lost) {
        above.push_back(kLost);
      } else {
        above.push_back(static_cast<int>(node->expressions.size()));
        node->expressions.push_back(rebase(expression, map));
        node->schema.fields.push_back((*step)->schema.fields[i]);
      }
    }
    window.time_column = position_of(node->expressions, node->schema, lower->schema, window.time_column);
    for (std::uint32_t& column : window.partition_columns) {
      column = position_of(node->expressions, node->schema, lower->schema, column);
    }
    map = std::move(above);
    lower = std::move(node);
  }
  auto top = std::make_shared<PlanNode>(*at);
  top->window = window;
  top->schema = lower->schema;
  top->schema.fields.insert(top->schema.fields.end(), edges.begin(), edges.end());
  const auto width = static_cast<int>(lower->schema.size());
  top->input = std::move(lower);
  for (BoundColumn& column : relation.columns) {
    const int code = map[column.index];
    column.unusable = code == kLost;
    column.index = static_cast<std::uint32_t>(is_role(code) ? width + (kRoleBase - code) : std::max(code, 0));
  }
  relation.node = std::move(top);
  return true;
}

}  // namespace weir::sql
