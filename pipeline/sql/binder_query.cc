// Binding of queries without grouping: FROM, WHERE, projections, common table expressions. See binder.h.
#include <algorithm>

#include "binder.h"
#include "suggest.h"

namespace weir::sql {

PlanNodePtr clone_plan(const PlanNodePtr& node) {
  if (node == nullptr) return nullptr;
  auto copy = std::make_shared<PlanNode>(*node);
  for (PlanNode* at = copy.get(); at->input != nullptr; at = at->input.get()) {
    at->input = std::make_shared<PlanNode>(*at->input);
  }
  return copy;
}

std::size_t plan_size(const PlanNodePtr& node) {
  std::size_t count = 0;
  for (const PlanNode* at = node.get(); at != nullptr; at = at->input.get()) ++count;
  return count;
}

bool Binder::within_limits(const Relation& relation, SourceSpan span) {
  if (relation.columns.size() > kColumnsMax) {
    error(ErrorCode::kLimitExceeded, span, "more than " + std::to_string(kColumnsMax) + " columns");
    return false;
  }
  if (plan_size(relation.node) > kPlanNodesMax) {
    error(ErrorCode::kLimitExceeded, span, "the plan has more than " + std::to_string(kPlanNodesMax) + " steps",
          "put fewer views over one another");
    return false;
  }
  return true;
}

Relation Binder::bind_query(const Query& query) {
  ctes_.emplace_back();
  bool good = true;
  for (const Cte& cte : query.with) {
    Relation relation = bind_query(cte.query);
    if (relation && !cte.columns.empty()) {
      if (cte.columns.size() != relation.columns.size()) {
        error(ErrorCode::kSqlSemantic, cte.name.span,
              "`" + cte.name.text + "` names " + std::to_string(cte.columns.size()) + " columns, its query gives " +
                  std::to_string(relation.columns.size()));
        relation = {};
      }
      for (std::size_t i = 0; relation && i < cte.columns.size(); ++i) relation.columns[i].name = cte.columns[i].text;
    }
    good = good && relation;
    ctes_.back()[cte.name.text] = std::move(relation);
  }
  Relation out;
  switch (query.kind) {
    case Query::Kind::kSelect:
      out = bind_select(query.select, query.span);
      break;
    case Query::Kind::kNested:
      out = bind_query(query.inputs[0]);
      break;
    case Query::Kind::kSetOperation:
      unsupported(query.span, query.operation + " is not supported yet",
                  query.operation == "UNION ALL" ? "write one INSERT INTO the same sink for each input" : "");
      break;
    case Query::Kind::kValues:
      unsupported(query.span, "VALUES is not supported yet", "read the rows from a file by the filesystem connector");
      break;
  }
  ctes_.pop_back();
  if (!query.order_by.empty()) {
    unsupported(query.order_by[0].expr.span, "ORDER BY is not supported: a stream has no end to be sorted at");
    return {};
  }
  if (!query.limit.empty() || !query.offset.empty()) {
    unsupported(query.limit.empty() ? query.offset[0].span : query.limit[0].span,
                "LIMIT and OFFSET are not supported: without ORDER BY they take any rows");
    return {};
  }
  return good ? std::move(out) : Relation{};
}

bool Binder::refuse_clauses(const Select& select) {
  if (!select.qualify.empty()) {
    unsupported(select.qualify[0].span, "QUALIFY is not supported yet: it needs OVER windows");
    return false;
  }
  if (!select.windows.empty()) {
    unsupported(select.windows[0].name.span, "OVER windows are not supported yet");
    return false;
  }
  return true;
}

Relation Binder::bind_select(const Select& select, SourceSpan span) {
  if (!refuse_clauses(select)) return {};
  if (select.from.empty()) {
    unsupported({span.begin, span.begin + 6}, "SELECT without FROM is not supported", "read from a table");
    return {};
  }
  Relation input = bind_from(select.from[0]);
  if (!input) return {};
  select_ = &select;
  bool good = true;
  if (!select.where.empty()) {
    ExprScope scope;
    scope.place = "WHERE";
    good = add_filter(input, select.where[0], scope);
  }
  const bool aggregates = std::any_of(select.items.begin(), select.items.end(),
                                      [&](const SelectItem& i) { return has_aggregate(i.expr); }) ||
                          (!select.having.empty() && has_aggregate(select.having[0]));
  const bool grouped = select.grouped || aggregates || select.distinct;
  if (!grouped && !select.having.empty()) {
    select_ = nullptr;
    error(ErrorCode::kSqlSemantic, select.having[0].span, "HAVING without GROUP BY", "use WHERE");
    return {};
  }
  Relation out =
      grouped ? bind_aggregate(select, std::move(input), span) : bind_projection(select, std::move(input), span);
  select_ = nullptr;
  return good && out && within_limits(out, span) ? std::move(out) : Relation{};
}

bool Binder::add_filter(Relation& relation, const Expr& predicate, ExprScope scope) {
  scope.relation = &relation;
  ExpressionPtr bound = bind_condition(predicate, scope);
  if (bound == nullptr) return false;
  auto node = std::make_shared<PlanNode>();
  node->kind = PlanNode::Kind::kFilter;
  node->schema = relation.node->schema;
  node->input = std::move(relation.node);
  node->predicate = std::move(bound);
  node->span = predicate.span;
  relation.node = std::move(node);
  return true;
}

/// `*` or `t.*`: the columns that it stands for.
bool Binder::expand_star(const Expr& star, const Relation& relation, std::vector<const BoundColumn*>& out) {
  const std::size_t before = out.size();
  for (const BoundColumn& column : relation.columns) {
    if (!column.hidden && (star.path.empty() || column.table == star.path.back().text)) out.push_back(&column);
  }
  if (out.size() > before || star.path.empty()) return true;
  std::vector<std::string> tables;
  for (const BoundColumn& column : relation.columns) tables.push_back(column.table);
  error(ErrorCode::kSqlUnknownName, star.path.back().span, "unknown table `" + star.path.back().text + "`",
        did_you_mean(star.path.back().text, tables));
  return false;
}

Relation Binder::bind_projection(const Select& select, Relation input, SourceSpan span) {
  std::vector<ExpressionPtr> expressions;
  std::vector<BoundColumn> columns;
  bool good = true;
  std::size_t position = 0;
  for (const SelectItem& item : select.items) {
    if (item.expr.kind == Expr::Kind::kStar) {
      std::vector<const BoundColumn*> all;
      good = expand_star(item.expr, input, all) && good;
      if (expressions.size() + all.size() > kColumnsMax) {
        error(ErrorCode::kLimitExceeded, item.expr.span, "more than " + std::to_string(kColumnsMax) + " columns");
        return {};
      }
      for (const BoundColumn* column : all) {
        expressions.push_back(make_column(column->index, column->type, item.expr.span));
        columns.push_back(*column);
      }
      position += all.size();
      continue;
    }
    ExprScope scope;
    scope.relation = &input;
    scope.place = "SELECT";
    ExpressionPtr bound = bind_expr(item.expr, scope);
    good = good && bound != nullptr;
    BoundColumn column;
    if (bound != nullptr) {
      column.type = bound->type;
      for (const BoundColumn& from : input.columns) {
        if (bound->kind == Expression::Kind::kColumn && from.index == bound->column) column = from;
      }
    }
    column.name = item.alias                            ? item.alias->text
                  : item.expr.kind == Expr::Kind::kName ? item.expr.path.back().text
                                                        : "EXPR$" + std::to_string(position);
    column.declared = item.alias ? item.alias->span : item.expr.span;
    ++position;
    expressions.push_back(std::move(bound));
    columns.push_back(std::move(column));
  }
  if (!good) return {};
  return project(std::move(input), std::move(expressions), std::move(columns), span);
}

/// A kProject over the input, or nothing where it would change nothing. Takes names and types from `columns`.
Relation Binder::project(Relation input, std::vector<ExpressionPtr> expressions, std::vector<BoundColumn> columns,
                         SourceSpan span) {
  const Schema& below = input.node->schema;
  bool identity = expressions.size() == below.size();
  Schema schema;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    schema.fields.push_back({columns[i].name, expressions[i]->type});
    identity = identity && expressions[i]->kind == Expression::Kind::kColumn && expressions[i]->column == i &&
               below.fields[i].name == columns[i].name;
    columns[i].index = static_cast<std::uint32_t>(i);
    columns[i].table.clear();
    columns[i].type = expressions[i]->type;
  }
  Relation out;
  out.open_window = input.open_window;
  out.columns = std::move(columns);
  if (identity) {
    out.node = std::move(input.node);
    return out;
  }
  out.node = std::make_shared<PlanNode>();
  out.node->kind = PlanNode::Kind::kProject;
  out.node->schema = std::move(schema);
  out.node->input = std::move(input.node);
  out.node->expressions = std::move(expressions);
  out.node->span = span;
  return out;
}

Relation Binder::bind_from(const TableRef& table) {
  Relation out;
  switch (table.kind) {
    case TableRef::Kind::kTable:
      out = bind_table(table);
      break;
    case TableRef::Kind::kQuery:
      if (table.lateral) {
        unsupported(table.span, "LATERAL is not supported yet");
        return {};
      }
      out = bind_query(*table.query);
      out.name = "the subquery";
      for (BoundColumn& column : out.columns) column.table.clear();
      break;
    case TableRef::Kind::kFunction:
      out = bind_window_function(table);
      break;
    case TableRef::Kind::kUnnest:
      unsupported(table.span, "UNNEST is not supported yet");
      return {};
    case TableRef::Kind::kMatch:
      unsupported(table.span, "MATCH_RECOGNIZE is not supported yet");
      return {};
    case TableRef::Kind::kJoin:
      unsupported(
          table.span,
          (table.join == "COMMA" ? "a join by `,`" : table.join + " JOIN") + std::string(" is not supported yet"),
          "join before the data comes to Weir, or use one INSERT for each input");
      return {};
  }
  if (!out || !rename(table, out)) return {};
  return out;
}

/// AS alias (columns)
bool Binder::rename(const TableRef& table, Relation& relation) {
  if (!table.alias) return true;
  for (BoundColumn& column : relation.columns) column.table = table.alias->text;
  relation.name = table.alias->text;
  if (table.column_aliases.empty()) return true;
  if (table.column_aliases.size() != relation.columns.size()) {
    error(ErrorCode::kSqlSemantic, table.alias->span,
          "`" + table.alias->text + "` names " + std::to_string(table.column_aliases.size()) +
              " columns, the table has " + std::to_string(relation.columns.size()));
    return false;
  }
  for (std::size_t i = 0; i < relation.columns.size(); ++i) relation.columns[i].name = table.column_aliases[i].text;
  return true;
}

Relation Binder::bind_table(const TableRef& table) {
  if (!table.system_time.empty()) {
    unsupported(table.system_time[0].span, "temporal joins (FOR SYSTEM_TIME AS OF) are not supported yet");
    return {};
  }
  if (table.path.size() == 1) {
    for (auto scope = ctes_.rbegin(); scope != ctes_.rend(); ++scope) {
      const auto found = scope->find(table.path[0].text);
      if (found == scope->end()) continue;
      if (!table.options.empty()) {
        error(ErrorCode::kSqlSemantic, table.options[0].key_span, "OPTIONS are for tables, this is a query");
        return {};
      }
      Relation out = found->second;
      if (!out) return {};
      out.node = clone_plan(out.node);
      out.name = table.path[0].text;
      for (BoundColumn& column : out.columns) column.table = out.name;
      return out;
    }
  }
  Entry* entry = find_table(table.path, "table");
  if (entry == nullptr || entry->table == nullptr) return {};
  Relation out;
  out.name = table.path.back().text;
  out.columns = entry->columns;
  for (BoundColumn& column : out.columns) column.table = out.name;
  if (entry->is_view) {
    if (!table.options.empty()) {
      error(ErrorCode::kSqlSemantic, table.options[0].key_span, "OPTIONS are for tables, `" + out.name + "` is a view",
            "write them at the table inside the view");
      return {};
    }
    out.node = clone_plan(entry->view);
    const PlanNode* at = out.node.get();
    while (at->kind == PlanNode::Kind::kFilter || at->kind == PlanNode::Kind::kProject) at = at->input.get();
    out.open_window = at->kind == PlanNode::Kind::kWindow;
    return out;
  }
  std::shared_ptr<const TableDefinition> definition = with_hints(entry->table, table.options);
  if (definition == nullptr) return {};
  out.node = std::make_shared<PlanNode>();
  out.node->kind = PlanNode::Kind::kScan;
  out.node->schema = definition->schema;
  out.node->table = std::move(definition);
  out.node->span = table.span;
  return out;
}

}  // namespace weir::sql
