// Binding of statements: tables, views, inserts. See binder.h.
#include <algorithm>

#include "binder.h"
#include "lexer.h"
#include "suggest.h"

namespace weir::sql {

Binder::Binder(const SqlOptions& options, Diagnostics& diagnostics) : options_(options), diagnostics_(diagnostics) {
  plan_.settings = options.settings;
  for (const auto& table : options.tables) {
    if (table == nullptr) continue;
    Entry entry;
    entry.table = table;
    for (std::size_t i = 0; i < table->schema.size(); ++i) {
      BoundColumn column;
      column.name = table->schema.fields[i].name;
      column.type = table->schema.fields[i].type;
      column.index = static_cast<std::uint32_t>(i);
      column.time_attribute = static_cast<int>(i) == table->watermark_column;
      entry.columns.push_back(std::move(column));
    }
    catalog_[table->name] = std::move(entry);
    plan_.tables[table->name] = table;
  }
}

Diagnostic& Binder::error(ErrorCode code, SourceSpan span, std::string message, std::string hint) {
  return diagnostics_.report(code, span, std::move(message), std::move(hint));
}

void Binder::unsupported(SourceSpan span, std::string message, std::string hint) {
  diagnostics_.report(ErrorCode::kSqlUnsupported, span, std::move(message), std::move(hint));
}

JobPlan Binder::bind(Script& script) {
  plan_.notes = script.notes;
  check_given_settings();
  collect_table_options(script);
  for (Statement& statement : script.statements) {
    if (diagnostics_.full()) break;
    if (statement.broken) {
      declare_broken(statement);
    } else {
      bind_statement(statement);
    }
  }
  check_table_options();
  plan_.settings.emplace("table.local-time-zone", "UTC");
  return std::move(plan_);
}

/// The name of a CREATE with errors is known from here on, so that its uses are not reported too.
void Binder::declare_broken(const Statement& statement) {
  const Path* path = nullptr;
  if (const auto* table = std::get_if<CreateTable>(&statement.body)) path = &table->path;
  if (const auto* view = std::get_if<CreateView>(&statement.body)) path = &view->path;
  if (path != nullptr && !path->empty()) catalog_[path->back().text].table = nullptr;
}

void Binder::bind_statement(Statement& statement) {
  if (const auto* query = std::get_if<Query>(&statement.body)) {
    top_level_query(*query, false);
  } else if (const auto* table = std::get_if<CreateTable>(&statement.body)) {
    create_table(*table, statement.span);
  } else if (const auto* view = std::get_if<CreateView>(&statement.body)) {
    create_view(*view);
  } else if (const auto* dropped = std::get_if<Drop>(&statement.body)) {
    drop(*dropped);
  } else if (const auto* set = std::get_if<Set>(&statement.body)) {
    apply_set(*set);
  } else if (const auto* reset = std::get_if<Reset>(&statement.body)) {
    apply_reset(*reset);
  } else if (const auto* single = std::get_if<Insert>(&statement.body)) {
    insert(*single, false);
  } else if (const auto* several = std::get_if<StatementSet>(&statement.body)) {
    for (const Insert& one : several->inserts) insert(one, false);
  } else if (const auto* explain = std::get_if<Explain>(&statement.body)) {
    if (const auto* subject = std::get_if<Query>(&explain->subject)) top_level_query(*subject, true);
    if (const auto* one = std::get_if<Insert>(&explain->subject)) insert(*one, true);
    if (const auto* set_of = std::get_if<StatementSet>(&explain->subject)) {
      for (const Insert& one : set_of->inserts) insert(one, true);
    }
  }
}

/// The table's own name; Flink's default catalog and database may stand before it.
std::optional<std::string> Binder::single_name(const Path& path) {
  if (path.empty()) return std::nullopt;
  const bool known = std::all_of(path.begin(), path.end() - 1, [](const Name& part) {
    return part.text == "default_catalog" || part.text == "default_database";
  });
  if (known) return path.back().text;
  unsupported(path[0].span, "catalogs and databases are not supported",
              "name the table alone: `" + path.back().text + "`");
  return std::nullopt;
}

std::vector<std::string> Binder::table_names() const {
  std::vector<std::string> names;
  for (const CteScope& scope : ctes_) {
    for (const auto& [name, relation] : scope) names.push_back(name);
  }
  for (const auto& [name, entry] : catalog_) names.push_back(name);
  return names;
}

Binder::Entry* Binder::find_table(const Path& path, std::string_view what) {
  const std::optional<std::string> name = single_name(path);
  if (!name) return nullptr;
  const auto found = catalog_.find(*name);
  if (found != catalog_.end()) return &found->second;
  std::string hint = did_you_mean(*name, table_names());
  for (const std::string& other : table_names()) {
    if (equals_ignore_case(other, *name)) hint = "names are case-sensitive: did you mean `" + other + "`?";
  }
  if (hint.empty()) hint = "it needs a CREATE TABLE or CREATE VIEW before this statement";
  error(ErrorCode::kSqlUnknownName, path.back().span, "unknown " + std::string(what) + " `" + *name + "`",
        std::move(hint));
  return nullptr;
}

/// Whether a CREATE of that name may go on; `skip` is set where IF NOT EXISTS makes it do nothing.
bool Binder::declare(const Path& path, bool if_not_exists, bool& skip) {
  const std::optional<std::string> name = single_name(path);
  if (!name) return false;
  const auto found = catalog_.find(*name);
  if (found == catalog_.end()) return true;
  if (if_not_exists) {
    skip = true;
    return true;
  }
  Diagnostic& diagnostic = error(ErrorCode::kSqlSemantic, path.back().span, "`" + *name + "` exists already");
  if (found->second.span.end > 0) diagnostic.notes.push_back({"declared here", found->second.span});
  return false;
}

std::optional<Type> Binder::bind_type(const TypeName& name) {
  struct Simple {
    std::string_view name;
    TypeId id;
  };
  static constexpr Simple kSimple[] = {{"BOOLEAN", TypeId::kBoolean},
                                       {"TINYINT", TypeId::kTinyInt},
                                       {"SMALLINT", TypeId::kSmallInt},
                                       {"INT", TypeId::kInt},
                                       {"BIGINT", TypeId::kBigInt},
                                       {"FLOAT", TypeId::kFloat},
                                       {"DOUBLE", TypeId::kDouble},
                                       {"STRING", TypeId::kString},
                                       {"VARCHAR", TypeId::kString},
                                       {"CHAR", TypeId::kString},
                                       {"BYTES", TypeId::kBytes},
                                       {"VARBINARY", TypeId::kBytes},
                                       {"BINARY", TypeId::kBytes},
                                       {"DATE", TypeId::kDate},
                                       {"TIME", TypeId::kTime},
                                       {"TIMESTAMP", TypeId::kTimestamp},
                                       {"TIMESTAMP_LTZ", TypeId::kTimestampLtz}};
  Type type;
  const std::string& word = name.name;
  for (const Simple& simple : kSimple) {
    if (simple.name == word) type = Type::of(simple.id);
  }
  if (word == "DECIMAL") {
    const int precision = name.precision < 0 ? 10 : name.precision;
    type = Type::decimal(static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(std::max(0, name.scale)));
  } else if (word == "CHAR" || word == "VARCHAR" || word == "BINARY" || word == "VARBINARY") {
    type.length = static_cast<std::uint32_t>(name.precision < 0 ? 1 : name.precision);
    type.fixed_length = word == "CHAR" || word == "BINARY";
  } else if (word == "TIME") {
    type.precision = static_cast<std::uint8_t>(std::max(0, name.precision));
  } else if (word == "TIMESTAMP" || word == "TIMESTAMP_LTZ") {
    type.precision = static_cast<std::uint8_t>(name.precision < 0 ? 6 : name.precision);
  } else if (word == "INTERVAL") {
    const bool months = name.from_unit == "YEAR" || name.from_unit == "MONTH" || name.from_unit == "QUARTER";
    type = Type::of(months ? TypeId::kIntervalMonth : TypeId::kIntervalDay);
  } else if (word == "ROW" || word == "ARRAY" || word == "MAP") {
    type = Type::of(word == "ROW" ? TypeId::kRow : word == "ARRAY" ? TypeId::kArray : TypeId::kMap);
    auto children = std::make_shared<std::vector<Field>>();
    for (std::size_t i = 0; i < name.children.size(); ++i) {
      std::optional<Type> child = bind_type(name.children[i]);
      if (!child) return std::nullopt;
      children->push_back({i < name.field_names.size() ? name.field_names[i].text : std::string(), *child});
    }
    type.children = std::move(children);
  } else if (type.id == TypeId::kNull) {
    error(ErrorCode::kSqlType, name.span, "`" + word + "` is no type");
    return std::nullopt;
  }
  type.nullable = !name.not_null;
  return type;
}

void Binder::create_table(const CreateTable& create, SourceSpan span) {
  bool skip = false;
  if (!declare(create.path, create.if_not_exists, skip) || skip) return;
  const std::string name = create.path.back().text;
  Entry& entry = catalog_[name];
  entry.span = create.path.back().span;
  if (!create.like.empty() || create.as) {
    unsupported(create.like_span, create.as ? "CREATE TABLE … AS is not supported" : "LIKE is not supported",
                create.as ? "declare the table, then INSERT INTO it" : "write the columns and options out");
    return;
  }
  if (!create.partitioned_by.empty()) {
    unsupported(create.partition_span, "PARTITIONED BY is not supported yet", "leave it out");
    return;
  }
  TableDefinition table;
  table.name = name;
  table.span = span;
  bool good = bind_columns(create, table, entry);
  if (good) {
    // Each is checked even where the one before had an error.
    good = bind_watermark(create, table, entry);
    good = bind_primary_key(create, table, entry) && good;
  }
  good = table_options(create.options, table) && good;
  if (!good || !validate(table)) return;
  entry.table = std::make_shared<const TableDefinition>(std::move(table));
  plan_.tables[name] = entry.table;
}

bool Binder::bind_columns(const CreateTable& create, TableDefinition& table, Entry& entry) {
  bool good = true;
  std::map<std::string, SourceSpan> seen;
  if (create.columns.empty()) {
    error(ErrorCode::kSqlSemantic, create.path.back().span, "`" + table.name + "` has no columns");
    return false;
  }
  if (create.columns.size() > kColumnsMax) {
    error(ErrorCode::kLimitExceeded, create.path.back().span, "more than " + std::to_string(kColumnsMax) + " columns");
    return false;
  }
  for (const ColumnDefinition& column : create.columns) {
    const auto [first, fresh] = seen.emplace(column.name.text, SourceSpan(column.name.span));
    if (!fresh) {
      error(ErrorCode::kSqlSemantic, column.name.span, "the column `" + column.name.text + "` stands twice")
          .notes.push_back({"declared here", first->second});
      good = false;
      continue;
    }
    if (column.kind == ColumnDefinition::Kind::kMetadata) {
      unsupported(column.span, "METADATA columns are not supported yet", "take the value from the record itself");
      good = false;
    }
    if (column.kind != ColumnDefinition::Kind::kPhysical) continue;
    const std::optional<Type> type = bind_type(column.type);
    good = good && type.has_value();
    if (type) table.schema.fields.push_back({column.name.text, *type});
  }
  table.physical_count = static_cast<std::uint32_t>(table.schema.size());
  if (!good) return false;
  for (const ColumnDefinition& column : create.columns) {
    if (column.kind == ColumnDefinition::Kind::kComputed) good = bind_computed(column, table) && good;
  }
  for (const ColumnDefinition& column : create.columns) {
    const int index = table.schema.find(column.name.text);
    if (index < 0) continue;
    BoundColumn bound;
    bound.name = column.name.text;
    bound.index = static_cast<std::uint32_t>(index);
    bound.type = table.schema.fields[bound.index].type;
    bound.declared = column.name.span;
    bound.processing_time = column.kind == ColumnDefinition::Kind::kComputed &&
                            column.expr[0].kind == Expr::Kind::kCall && column.expr[0].text == "PROCTIME";
    entry.columns.push_back(std::move(bound));
  }
  return good;
}

bool Binder::bind_computed(const ColumnDefinition& column, TableDefinition& table) {
  Relation relation;
  for (std::size_t i = 0; i < table.physical_count; ++i) {
    BoundColumn bound;
    bound.name = table.schema.fields[i].name;
    bound.type = table.schema.fields[i].type;
    bound.index = static_cast<std::uint32_t>(i);
    bound.table = table.name;
    relation.columns.push_back(std::move(bound));
  }
  ExprScope scope;
  scope.relation = &relation;
  scope.place = "a computed column";
  const Expr& expr = column.expr[0];
  if (expr.kind == Expr::Kind::kName && expr.path.size() == 1 && table.schema.find(expr.path[0].text) >= 0 &&
      static_cast<std::uint32_t>(table.schema.find(expr.path[0].text)) >= table.physical_count) {
    error(ErrorCode::kSqlSemantic, expr.span,
          "a computed column cannot read the computed column `" + expr.path[0].text + "`",
          "repeat the expression, as Flink wants it too");
    return false;
  }
  ExpressionPtr bound = bind_expr(expr, scope);
  if (bound == nullptr) return false;
  table.schema.fields.push_back({column.name.text, bound->type});
  table.computed.push_back(std::move(bound));
  return true;
}

bool Binder::bind_watermark(const CreateTable& create, TableDefinition& table, Entry& entry) {
  if (create.watermarks.empty()) return true;
  if (create.watermarks.size() > 1) {
    error(ErrorCode::kSqlSemantic, create.watermarks[1].span, "a table has one watermark")
        .notes.push_back({"the first one", create.watermarks[0].span});
    return false;
  }
  const WatermarkDefinition& watermark = create.watermarks[0];
  Relation relation;
  relation.columns = entry.columns;
  for (BoundColumn& column : relation.columns) column.table = table.name;
  if (watermark.column.size() > 1) {
    unsupported(watermark.column[0].span, "a watermark on a field of a ROW column is not supported yet",
                "take the field out by a computed column");
    return false;
  }
  const BoundColumn* column = find_column(watermark.column[0], {}, relation);
  if (column == nullptr) return false;
  if (!column->type.is_timestamp()) {
    const std::string name = "`" + column->name + "`";
    error(ErrorCode::kSqlType, watermark.column[0].span,
          "an event-time column is TIMESTAMP or TIMESTAMP_LTZ, " + name + " is " + column->type.to_string(),
          column->type.id == TypeId::kBigInt ? "compute one: ts AS TO_TIMESTAMP_LTZ(" + name + ", 3)"
                                             : "compute one: ts AS TO_TIMESTAMP(" + name + ")");
    return false;
  }
  ExprScope scope;
  scope.relation = &relation;
  scope.place = "WATERMARK";
  ExpressionPtr bound = bind_expr(watermark.expr, scope);
  if (bound == nullptr) return false;
  if (bound->type.id != column->type.id) {
    error(ErrorCode::kSqlType, watermark.expr.span,
          "the watermark is " + bound->type.to_string() + ", its column is " + column->type.to_string(),
          "`" + column->name + "` - INTERVAL '5' SECOND lets rows be 5 s late");
    return false;
  }
  table.watermark_column = static_cast<int>(column->index);
  table.watermark = std::move(bound);
  for (BoundColumn& own : entry.columns) own.time_attribute = static_cast<int>(own.index) == table.watermark_column;
  return true;
}

bool Binder::bind_primary_key(const CreateTable& create, TableDefinition& table, Entry& entry) {
  Path key = create.primary_key;
  for (const ColumnDefinition& column : create.columns) {
    if (column.primary_key) key.push_back(column.name);
  }
  if (key.empty()) return true;
  if (create.enforced) {
    error(ErrorCode::kSqlSemantic, create.key_span, "a primary key is NOT ENFORCED: a stream cannot check it",
          "write PRIMARY KEY (…) NOT ENFORCED");
    return false;
  }
  for (const Name& name : key) {
    Relation relation;
    relation.columns = entry.columns;
    const BoundColumn* column = find_column(name, {}, relation);
    if (column == nullptr) return false;
    table.schema.fields[column->index].type.nullable = false;
    for (BoundColumn& own : entry.columns) {
      if (own.name == name.text) own.type.nullable = false;
    }
    table.primary_key.push_back(name.text);
  }
  return true;
}

bool Binder::table_options(const std::vector<Option>& options, TableDefinition& table) {
  bool good = true;
  for (const Option& option : options) {
    if (!table.options.emplace(option.key, option.value).second) {
      error(ErrorCode::kSqlInvalidOption, option.key_span, "the option '" + option.key + "' stands twice");
      good = false;
    }
    table.option_spans[option.key] = {option.key_span.begin, option.value_span.end};
  }
  for (TableOption& option : table_options_) {
    if (option.table != table.name) continue;
    option.used = true;
    table.options[option.key] = option.value;
    table.option_spans[option.key] = option.span;
  }
  return good;
}

/// Asks the host, and shows its answer where the option stands.
bool Binder::validate(const TableDefinition& table) {
  if (!options_.validate_table) return true;
  Result<void> result = options_.validate_table(table);
  if (result.has_value()) return true;
  const Error& problem = result.error();
  const auto entry = catalog_.find(table.name);
  SourceSpan span = entry == catalog_.end() ? table.span : entry->second.span;
  const std::string message(problem.message());
  for (const auto& [key, at] : table.option_spans) {
    const bool named = message.find("'" + key + "'") != std::string::npos ||
                       message.find("`" + key + "`") != std::string::npos ||
                       (problem.position().kind == Position::Kind::kByte && problem.position().line == at.begin);
    if (named) span = at;
  }
  diagnostics_.report(problem, span);
  return false;
}

/// The table with the options of a hint over its own.
std::shared_ptr<const TableDefinition> Binder::with_hints(const std::shared_ptr<const TableDefinition>& table,
                                                          const std::vector<Option>& hints) {
  if (hints.empty()) return table;
  auto copy = std::make_shared<TableDefinition>(*table);
  for (const Option& hint : hints) {
    copy->options[hint.key] = hint.value;
    copy->option_spans[hint.key] = {hint.key_span.begin, hint.value_span.end};
  }
  if (!validate(*copy)) return nullptr;
  return copy;
}

void Binder::create_view(const CreateView& create) {
  bool skip = false;
  if (!declare(create.path, create.if_not_exists, skip) || skip) return;
  const std::string name = create.path.back().text;
  Relation query = bind_query(create.query);
  Entry& entry = catalog_[name];
  entry.span = create.path.back().span;
  entry.is_view = true;
  if (!query) return;
  if (!create.columns.empty() && create.columns.size() != query.columns.size()) {
    error(ErrorCode::kSqlSemantic, entry.span,
          "`" + name + "` names " + std::to_string(create.columns.size()) + " columns, its query gives " +
              std::to_string(query.columns.size()));
    return;
  }
  auto table = std::make_shared<TableDefinition>();
  table->name = name;
  table->is_view = true;
  table->span = entry.span;
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    BoundColumn& column = query.columns[i];
    if (!create.columns.empty()) column.name = create.columns[i].text;
    table->schema.fields.push_back({column.name, column.type});
    if (column.time_attribute) table->watermark_column = static_cast<int>(i);
  }
  table->physical_count = static_cast<std::uint32_t>(table->schema.size());
  entry.view = std::move(query.node);
  entry.columns = std::move(query.columns);
  entry.table = table;
  plan_.tables[name] = std::move(table);
}

void Binder::drop(const Drop& drop) {
  if (drop.path.empty()) return;
  const std::string& name = drop.path.back().text;
  const auto found = catalog_.find(name);
  if (found == catalog_.end() && drop.if_exists) return;
  Entry* entry = find_table(drop.path, drop.view ? "view" : "table");
  if (entry == nullptr) return;
  if (entry->table != nullptr && entry->is_view != drop.view) {
    error(ErrorCode::kSqlSemantic, drop.path.back().span, "`" + name + "` is a " + (entry->is_view ? "view" : "table"),
          entry->is_view ? "write DROP VIEW" : "write DROP TABLE");
    return;
  }
  plan_.tables.erase(name);
  catalog_.erase(name);
}

void Binder::add_query(PlanNodePtr node, std::shared_ptr<const TableDefinition> sink, SourceSpan span, bool explain) {
  auto root = std::make_shared<PlanNode>();
  root->kind = PlanNode::Kind::kSink;
  root->schema.fields.assign(sink->schema.fields.begin(), sink->schema.fields.begin() + sink->physical_count);
  root->table = std::move(sink);
  root->input = std::move(node);
  root->span = span;
  QueryPlan query;
  query.root = std::move(root);
  query.explain = explain;
  if (!apply_late_rows(query, span) || !apply_malformed_rows(query, span)) return;
  plan_.queries.push_back(std::move(query));
}

void Binder::insert(const Insert& insert, bool explain) {
  Entry* entry = find_table(insert.path, "table");
  const bool known = entry != nullptr && entry->table != nullptr;
  if (known && entry->is_view) {
    error(ErrorCode::kSqlSemantic, insert.path.back().span, "`" + insert.path.back().text + "` is a view",
          "rows go into tables only");
    return;
  }
  const std::shared_ptr<const TableDefinition> sink = known ? with_hints(entry->table, insert.options) : nullptr;
  Relation query = bind_query(insert.query);
  if (!query || sink == nullptr) return;
  PlanNodePtr node = match_sink(insert, query, *sink);
  if (node == nullptr) return;
  if (!insert.on_conflict.empty()) {
    plan_.notes.push_back("ON CONFLICT DO " + insert.on_conflict + " means nothing here: `" + sink->name +
                          "` takes appended rows");
  }
  add_query(std::move(node), sink, insert.span, explain);
}

/// A query on its own goes to an implicit table `print`.
void Binder::top_level_query(const Query& query, bool explain) {
  Relation relation = bind_query(query);
  if (!relation) return;
  auto table = std::make_shared<TableDefinition>();
  table->name = "print";
  table->span = query.span;
  table->options["connector"] = "print";
  std::vector<ExpressionPtr> outputs;
  for (const BoundColumn& column : relation.columns) {
    ExpressionPtr output = make_column(column.index, column.type);
    if (column.type.id == TypeId::kNull) output = checked(make_cast(output, Type::string()), query.span);
    if (output == nullptr) return;
    table->schema.fields.push_back({column.name, output->type});
    outputs.push_back(std::move(output));
  }
  table->physical_count = static_cast<std::uint32_t>(table->schema.size());
  std::vector<BoundColumn> columns = relation.columns;
  Relation shaped = project(std::move(relation), std::move(outputs), std::move(columns), query.span);
  if (within_limits(shaped, query.span)) add_query(std::move(shaped.node), std::move(table), query.span, explain);
}

}  // namespace weir::sql
