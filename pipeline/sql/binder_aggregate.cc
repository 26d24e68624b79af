// Binding of GROUP BY, HAVING, DISTINCT and aggregates.
//
//   SELECT item, item …        kProject   over the columns of the kAggregate
//   HAVING condition           kFilter
//   GROUP BY keys, window      kAggregate keys | window_start window_end window_time | aggregates
//   FROM TABLE(TUMBLE(…))      kWindow
#include <algorithm>

#include "binder_grouping.h"
#include "printer.h"

namespace weir::sql {

namespace {

bool is_window_call(const Expr& expr) {
  return expr.kind == Expr::Kind::kCall && !expr.over &&
         (expr.text == "TUMBLE" || expr.text == "HOP" || expr.text == "SESSION" || expr.text == "CUMULATE");
}

void flatten(const std::vector<Expr>& items, std::vector<const Expr*>& out) {
  for (const Expr& item : items) {
    if (item.kind == Expr::Kind::kRow) {
      flatten(item.children, out);
    } else {
      out.push_back(&item);
    }
  }
}

bool names_role(const Expr& item, const Relation& relation, WindowRole role) {
  if (item.kind == Expr::Kind::kRow || item.kind == Expr::Kind::kGrouping) {
    return std::any_of(item.children.begin(), item.children.end(),
                       [&](const Expr& child) { return names_role(child, relation, role); });
  }
  return std::any_of(relation.columns.begin(), relation.columns.end(), [&](const BoundColumn& column) {
    if (column.role != role || column.hidden) return false;
    if (item.kind == Expr::Kind::kStar) return item.path.empty() || item.path.back().text == column.table;
    return item.kind == Expr::Kind::kName && item.path.back().text == column.name &&
           (item.path.size() == 1 || item.path[item.path.size() - 2].text == column.table);
  });
}

/// Whether GROUP BY, or SELECT DISTINCT, names a column that has the role.
bool groups_by(const Select& select, const Relation& relation, WindowRole role) {
  if (select.distinct) {
    return std::any_of(select.items.begin(), select.items.end(),
                       [&](const SelectItem& item) { return names_role(item.expr, relation, role); });
  }
  return std::any_of(select.group_by.begin(), select.group_by.end(),
                     [&](const Expr& item) { return names_role(item, relation, role); });
}

PlanNodePtr filter_node(PlanNodePtr input, ExpressionPtr predicate, SourceSpan span) {
  auto node = std::make_shared<PlanNode>();
  node->kind = PlanNode::Kind::kFilter;
  node->schema = input->schema;
  node->input = std::move(input);
  node->predicate = std::move(predicate);
  node->span = span;
  return node;
}

}  // namespace

bool Binder::bind_group_item(const Expr& item, const Select& select, Grouping& grouping) {
  if (item.kind == Expr::Kind::kNumber) {
    unsupported(item.span, "GROUP BY a column's number is not in the dialect", "repeat the expression");
    return false;
  }
  if (is_window_call(item)) {  // bound before, by bind_group_by
    grouping.start = grouping.end = grouping.time = true;
    grouping.bound.windows = GroupingSet::kStart | GroupingSet::kEnd | GroupingSet::kTime;
    return true;
  }
  ExprScope scope;
  scope.relation = &grouping.input;
  scope.place = "GROUP BY";
  if (item.kind == Expr::Kind::kName && item.path.size() == 1) {
    const std::string& name = item.path[0].text;
    const bool column = std::any_of(grouping.input.columns.begin(), grouping.input.columns.end(),
                                    [&](const BoundColumn& c) { return !c.hidden && c.name == name; });
    const bool alias = std::any_of(select.items.begin(), select.items.end(),
                                   [&](const SelectItem& i) { return i.alias && i.alias->text == name; });
    if (!column && alias) {
      error(ErrorCode::kSqlUnknownName, item.span,
            "`" + name + "` is an alias of this SELECT, which GROUP BY cannot see",
            "repeat the expression, or select it in a subquery");
      return false;
    }
  }
  ExpressionPtr key = bind_expr(item, scope);
  if (key == nullptr) return false;
  std::vector<std::uint32_t> columns;
  collect_columns(*key, columns);
  bool rows = false;
  bool window = false;
  for (const std::uint32_t column : columns) {
    (grouping.role_of(column) == WindowRole::kNone ? rows : window) = true;
  }
  const WindowRole role = key->kind == Expression::Kind::kColumn ? grouping.role_of(key->column) : WindowRole::kNone;
  if (role != WindowRole::kNone) {
    grouping.start = grouping.start || role == WindowRole::kStart;
    grouping.end = grouping.end || role == WindowRole::kEnd;
    grouping.time = grouping.time || role == WindowRole::kTime;
    grouping.bound.windows = role == WindowRole::kStart ? GroupingSet::kStart
                             : role == WindowRole::kEnd ? GroupingSet::kEnd
                                                        : GroupingSet::kTime;
    const bool is_key = grouping.attached && role == WindowRole::kStart;
    if (!is_key) return true;
  } else if (window && rows) {
    unsupported(item.span, "a key of window columns and others together is not supported", "group by them one by one");
    return false;
  } else if (window) {
    grouping.derived.push_back(std::move(key));
    grouping.bound.windows = GroupingSet::kDerived;
    return true;
  }
  const auto found = std::find_if(grouping.keys.begin(), grouping.keys.end(),
                                  [&](const ExpressionPtr& other) { return same_expression(*other, *key); });
  const auto number = static_cast<std::size_t>(found - grouping.keys.begin());
  grouping.bound.keys = std::uint64_t{1} << std::min<std::size_t>(number, 63);
  if (role == WindowRole::kStart) grouping.start_key = static_cast<std::uint32_t>(number);
  if (found != grouping.keys.end()) return true;
  grouping.key_names.push_back(item.kind == Expr::Kind::kName ? item.path.back().text
                                                              : "key_" + std::to_string(grouping.keys.size()));
  grouping.keys.push_back(std::move(key));
  return true;
}

bool Binder::bind_group_by(const Select& select, Grouping& grouping) {
  std::vector<const Expr*> items;
  flatten(select.group_by, items);
  for (const Expr* item : items) {
    if (!is_window_call(*item)) continue;
    if (grouping.legacy != nullptr) {
      error(ErrorCode::kSqlSemantic, item->span, "GROUP BY has two windows");
      return false;
    }
    if (!bind_legacy_window(*item, grouping.input)) return false;
    grouping.legacy = item;
  }
  bool good = true;
  for (const Expr* item : items) good = add_grouping_item(*item, select, grouping) && good;
  return good && (items.empty() || finish_grouping_sets(grouping, {items.front()->span.begin, items.back()->span.end}));
}

/// A windowed grouping has both edges of the window among its keys; no other grouping is supported.
bool Binder::check_grouping(const Select& select, const Grouping& grouping, SourceSpan span) {
  const SourceSpan at = select.group_by.empty()
                            ? SourceSpan{span.begin, span.begin + 6}
                            : SourceSpan{select.group_by.front().span.begin, select.group_by.back().span.end};
  if (grouping.start && grouping.end) {
    return check_session_keys(grouping, at);
  }
  const bool some = grouping.start || grouping.end || grouping.time;
  const bool has_edges = std::any_of(grouping.input.columns.begin(), grouping.input.columns.end(),
                                     [](const BoundColumn& c) { return c.role != WindowRole::kNone; });
  if (has_edges && grouping.input.open_window && some) {
    error(ErrorCode::kSqlSemantic, at,
          std::string("a window is grouped by both its edges: `") + (grouping.start ? "window_end" : "window_start") +
              "` is missing in GROUP BY",
          "GROUP BY window_start, window_end, …");
    return false;
  }
  const std::string what = select.distinct ? "SELECT DISTINCT" : select.grouped ? "GROUP BY" : "an aggregate";
  if (has_edges) {
    unsupported(at, what + " without a window over a window function is not supported",
                "group by window_start and window_end too");
    return false;
  }
  plan_.notes.push_back(what +
                        " without a window gives its result once, at the end of the input, unless early results "
                        "(table.exec.emit.early-fire.*, weir.emit.early-fire.rows) are asked for");
  return true;
}

bool Binder::check_session_keys(const Grouping& grouping, SourceSpan span) {
  const WindowSpec& window = *grouping.input.node->window;
  const bool by_key = window.kind == WindowKind::kSession || window.kind == WindowKind::kCount;
  if (!by_key || grouping.legacy != nullptr) return true;
  std::vector<std::uint32_t> keys;
  bool columns = true;
  for (const ExpressionPtr& key : grouping.keys) {
    columns = columns && key->kind == Expression::Kind::kColumn;
    keys.push_back(key->column);
  }
  std::vector<std::uint32_t> partition = window.partition_columns;
  std::sort(keys.begin(), keys.end());
  std::sort(partition.begin(), partition.end());
  partition.erase(std::unique(partition.begin(), partition.end()), partition.end());
  if (columns && keys == partition) return true;
  const bool session = window.kind == WindowKind::kSession;
  error(ErrorCode::kSqlSemantic, span,
        std::string("the keys beside the window differ from the ") + (session ? "session's" : "window's") +
            " PARTITION BY",
        std::string(session ? "sessions are" : "rows are counted and windows") +
            " made for each PARTITION BY key: " + (session ? "SESSION" : "TUMBLE_ROWS") +
            "(TABLE t PARTITION BY (k), …) with GROUP BY window_start, window_end, k");
  return false;
}

/// An expression over the input's columns and the aggregate calls becomes one over the kAggregate's columns.
ExpressionPtr Binder::regroup(const ExpressionPtr& expression, const Grouping& grouping) {
  for (std::size_t i = 0; i < grouping.keys.size(); ++i) {
    if (same_expression(*expression, *grouping.keys[i])) {
      return make_column(static_cast<std::uint32_t>(i), grouping.key_type(i), expression->span);
    }
  }
  const bool derived = std::any_of(grouping.derived.begin(), grouping.derived.end(),
                                   [&](const ExpressionPtr& key) { return same_expression(*expression, *key); });
  if (derived && expression->kind != Expression::Kind::kColumn) {
    // Of window columns alone: computed again above the window.
    std::vector<int> map(grouping.aggregates.base, -1);
    for (std::uint32_t i = 0; i < grouping.aggregates.base; ++i) {
      const WindowRole role = grouping.role_of(i);
      if (role != WindowRole::kNone) map[i] = static_cast<int>(grouping.window_column(role));
    }
    return remap_columns(expression, map);
  }
  if (expression->kind == Expression::Kind::kColumn) {
    const std::uint32_t column = expression->column;
    if (column >= grouping.aggregates.base) {
      const std::uint32_t edges = grouping.windowed() ? 3 : 0;
      const auto offset = static_cast<std::uint32_t>(grouping.keys.size()) + edges - grouping.aggregates.base;
      return make_column(column + offset, expression->type, expression->span);
    }
    const WindowRole role = grouping.role_of(column);
    const bool grouped =
        role == WindowRole::kStart || role == WindowRole::kEnd || (role == WindowRole::kTime && grouping.time);
    if (grouped) return make_column(grouping.window_column(role), expression->type, expression->span);
    const auto found = std::find_if(grouping.input.columns.begin(), grouping.input.columns.end(),
                                    [&](const BoundColumn& c) { return c.index == column; });
    const std::string name = found == grouping.input.columns.end() ? "?" : found->name;
    error(ErrorCode::kSqlSemantic, expression->span, "`" + name + "` is neither grouped nor inside an aggregate",
          "add it to GROUP BY, or take MIN(`" + name + "`) or MAX(`" + name + "`)");
    return nullptr;
  }
  if (expression->arguments.empty()) return expression;
  auto copy = std::make_shared<Expression>(*expression);
  for (ExpressionPtr& argument : copy->arguments) {
    const bool nullable = argument->type.nullable;
    argument = regroup(argument, grouping);
    if (argument == nullptr) return nullptr;
    // A key that some grouping sets leave out is NULL there, and so is what is made of it.
    if (argument->type.nullable && !nullable) copy->type.nullable = true;
  }
  return copy;
}

PlanNodePtr Binder::make_aggregate(Grouping& grouping, SourceSpan span) {
  const std::size_t width = grouping.input.node->schema.size();
  for (const AggregateCall& aggregate : grouping.aggregates.calls) {
    std::vector<std::uint32_t> columns;
    for (const ExpressionPtr& argument : aggregate.arguments) collect_columns(*argument, columns);
    if (aggregate.filter != nullptr) collect_columns(*aggregate.filter, columns);
    if (grouping.windowed() &&
        std::any_of(columns.begin(), columns.end(), [&](std::uint32_t c) { return c + 3 >= width; })) {
      unsupported(aggregate.span, "an aggregate over window columns is not supported",
                  "they are the same for all rows of a group");
      return nullptr;
    }
  }
  auto node = std::make_shared<PlanNode>();
  node->kind = PlanNode::Kind::kAggregate;
  if (grouping.windowed()) node->window = grouping.input.node->window;
  node->span = span;
  for (std::size_t i = 0; i < grouping.keys.size(); ++i) {
    node->schema.fields.push_back({grouping.key_names[i], grouping.key_type(i)});
  }
  const std::vector<Field>& below = grouping.input.node->schema.fields;
  if (grouping.windowed()) node->schema.fields.insert(node->schema.fields.end(), below.end() - 3, below.end());
  for (std::size_t i = 0; i < grouping.aggregates.calls.size(); ++i) {
    node->schema.fields.push_back({"aggregate_" + std::to_string(i), grouping.aggregates.calls[i].type});
  }
  node->keys = grouping.keys;
  node->grouping_sets = grouping_set_numbers(grouping);
  if (grouping.has_sets) node->keys.back() = make_literal(Value{std::int64_t{0}}, node->keys.back()->type, span);
  node->aggregates = grouping.aggregates.calls;
  node->input = grouping.input.node;
  return node;
}

/// SELECT DISTINCT a, b groups by all its items.
bool Binder::bind_distinct(const Select& select, Grouping& grouping, std::vector<BoundColumn>& columns,
                           std::vector<ExpressionPtr>& outputs) {
  Relation items = bind_projection(select, grouping.input, {});
  if (!items) return false;
  const bool plain = items.node == grouping.input.node;
  for (const BoundColumn& column : items.columns) {
    ExpressionPtr key = plain ? make_column(column.index, column.type) : items.node->expressions[column.index];
    const WindowRole role = key->kind == Expression::Kind::kColumn ? grouping.role_of(key->column) : WindowRole::kNone;
    grouping.start = grouping.start || role == WindowRole::kStart;
    grouping.end = grouping.end || role == WindowRole::kEnd;
    grouping.time = grouping.time || role == WindowRole::kTime;
    columns.push_back(column);
    outputs.push_back(key);
    const bool is_key = grouping.attached && role == WindowRole::kStart;
    if (is_key) grouping.start_key = static_cast<std::uint32_t>(grouping.keys.size());
    if (role != WindowRole::kNone && !is_key) continue;
    std::vector<std::uint32_t> reads;
    collect_columns(*key, reads);
    if (!is_key && std::any_of(reads.begin(), reads.end(),
                               [&](std::uint32_t c) { return grouping.role_of(c) != WindowRole::kNone; })) {
      unsupported(select.items[0].expr.span, "DISTINCT over an expression of window columns is not supported",
                  "select window_start and window_end themselves");
      return false;
    }
    grouping.keys.push_back(std::move(key));
    grouping.key_names.push_back(column.name);
  }
  return true;
}

Relation Binder::bind_aggregate(const Select& select, Relation input, SourceSpan span) {
  Grouping grouping;
  grouping.input = std::move(input);
  if (select.distinct && (select.grouped || !select.having.empty() ||
                          std::any_of(select.items.begin(), select.items.end(),
                                      [&](const SelectItem& i) { return has_aggregate(i.expr); }))) {
    unsupported(select.items.empty() ? SourceSpan(Span{span.begin, span.end}) : SourceSpan(select.items[0].expr.span),
                "SELECT DISTINCT together with aggregates is not supported", "aggregate in a subquery");
    return {};
  }
  if (grouping.input.open_window) {
    if (!hoist_window(grouping.input, grouping.deferred, span)) return {};
  } else {
    grouping.attached =
        groups_by(select, grouping.input, WindowRole::kStart) && groups_by(select, grouping.input, WindowRole::kEnd);
    if (grouping.attached) grouping.input = attach_window(std::move(grouping.input), span);
    // Otherwise the edges of a window that has been aggregated are columns like others.
    for (BoundColumn& column : grouping.input.columns)
      if (!grouping.attached) column.role = WindowRole::kNone;
  }
  if (!bind_group_by(select, grouping)) return {};
  grouping.aggregates.base = static_cast<std::uint32_t>(grouping.input.node->schema.size());
  std::vector<BoundColumn> columns;
  std::vector<ExpressionPtr> outputs;
  if (select.distinct && !bind_distinct(select, grouping, columns, outputs)) return {};
  if (!grouping.input.open_window) grouping.start = grouping.end = false;
  if (!check_grouping(select, grouping, span)) return {};

  grouping_ = &grouping;
  ExprScope scope;
  scope.relation = &grouping.input;
  scope.place = "SELECT";
  scope.aggregates = &grouping.aggregates;
  scope.legacy_window = grouping.legacy;
  bool good = true;
  const auto add = [&](ExpressionPtr bound, std::string name, SourceSpan at) {
    BoundColumn column;
    column.name = std::move(name);
    column.declared = at;
    columns.push_back(std::move(column));
    outputs.push_back(std::move(bound));
  };
  for (std::size_t i = 0; !select.distinct && i < select.items.size(); ++i) {
    const SelectItem& item = select.items[i];
    if (item.expr.kind == Expr::Kind::kStar) {
      std::vector<const BoundColumn*> all;
      good = expand_star(item.expr, grouping.input, all) && good;
      for (const BoundColumn* from : all)
        add(make_column(from->index, from->type, item.expr.span), from->name, item.expr.span);
      continue;
    }
    ExpressionPtr bound = bind_expr(item.expr, scope);
    good = good && bound != nullptr;
    add(std::move(bound),
        item.alias                            ? item.alias->text
        : item.expr.kind == Expr::Kind::kName ? item.expr.path.back().text
                                              : "EXPR$" + std::to_string(i),
        item.alias ? item.alias->span : item.expr.span);
  }
  scope.place = "HAVING";
  ExpressionPtr having;
  if (!select.having.empty()) {
    having = bind_condition(select.having[0], scope);
    good = good && having != nullptr;
  }
  grouping_ = nullptr;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == nullptr) continue;
    outputs[i] = regroup(outputs[i], grouping);
    good = good && outputs[i] != nullptr;
  }
  if (having != nullptr) {
    having = regroup(having, grouping);
    good = good && having != nullptr;
  }
  if (!good) return {};
  Relation out;
  out.node = make_aggregate(grouping, span);
  if (out.node == nullptr) return {};
  const std::vector<int> edges = {static_cast<int>(grouping.window_column(WindowRole::kStart)),
                                  static_cast<int>(grouping.window_column(WindowRole::kEnd)),
                                  static_cast<int>(grouping.window_column(WindowRole::kTime))};
  for (const ExpressionPtr& condition : grouping.deferred) {
    out.node = filter_node(std::move(out.node), remap_columns(condition, edges), condition->span);
  }
  if (having != nullptr) out.node = filter_node(std::move(out.node), std::move(having), select.having[0].span);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool column = outputs[i]->kind == Expression::Kind::kColumn;
    columns[i].role = WindowRole::kNone;
    for (const WindowRole role : {WindowRole::kStart, WindowRole::kEnd, WindowRole::kTime}) {
      if (grouping.windowed() && column && outputs[i]->column == grouping.window_column(role)) columns[i].role = role;
    }
    columns[i].time_attribute = columns[i].role == WindowRole::kTime;
  }
  return project(std::move(out), std::move(outputs), std::move(columns), span);
}

}  // namespace weir::sql
