// Printing of statements and queries. See printer.h.
#include "printer.h"

#include "printer_parts.h"

namespace weir::sql {
namespace {

std::string print(const std::vector<Option>& options) {
  std::string out = "(";
  for (std::size_t i = 0; i < options.size(); ++i) {
    out += (i == 0 ? "" : ", ") + quote_string(options[i].key) + " = " + quote_string(options[i].value);
  }
  return out + ")";
}

std::string print_hint(const std::vector<Option>& options) {
  return options.empty() ? std::string() : " /*+ OPTIONS" + print(options) + " */";
}

std::string print(const TableRef& table);

std::string print(const TableArgument& argument) {
  std::string out = argument.name.empty() ? "" : quote_name(argument.name) + " => ";
  if (argument.kind == TableArgument::Kind::kDescriptor) {
    return out + "DESCRIPTOR" + parts::name_list(argument.columns);
  }
  if (argument.kind == TableArgument::Kind::kExpr) return out + print(argument.expr[0]);
  out += "TABLE " + print(*argument.table);
  if (!argument.partition_by.empty()) out += " PARTITION BY (" + parts::list(argument.partition_by) + ")";
  if (!argument.order_by.empty()) out += " ORDER BY " + parts::sort_list(argument.order_by);
  return out;
}

std::string print_join(const TableRef& table) {
  const TableRef& left = table.inputs[0];
  const TableRef& right = table.inputs[1];
  // A join with an alias brings its own parentheses.
  const bool wrap_right = right.kind == TableRef::Kind::kJoin && !right.alias.has_value();
  std::string out = print(left);
  if (table.join == "COMMA") {
    out += ", ";
  } else {
    out += std::string(table.natural ? " NATURAL " : " ") + table.join + " JOIN ";
  }
  out += wrap_right ? "(" + print(right) + ")" : print(right);
  if (!table.condition.empty()) out += " ON " + print(table.condition[0]);
  if (!table.using_columns.empty()) out += " USING " + parts::name_list(table.using_columns);
  return out;
}

std::string print(const TableRef& table) {
  std::string out = table.lateral ? "LATERAL " : "";
  switch (table.kind) {
    case TableRef::Kind::kTable:
      out += parts::path(table.path) + print_hint(table.options);
      if (!table.system_time.empty()) out += " FOR SYSTEM_TIME AS OF " + print(table.system_time[0]);
      break;
    case TableRef::Kind::kQuery:
      out += "(" + print(*table.query) + ")";
      break;
    case TableRef::Kind::kFunction: {
      out += "TABLE(" + parts::function_name(table.function) + "(";
      for (std::size_t i = 0; i < table.arguments.size(); ++i) out += (i == 0 ? "" : ", ") + print(table.arguments[i]);
      out += "))";
      break;
    }
    case TableRef::Kind::kUnnest:
      out += "UNNEST(" + print(table.unnest[0]) + ")" + (table.with_ordinality ? " WITH ORDINALITY" : "");
      break;
    case TableRef::Kind::kMatch: {
      const bool wrap = table.inputs[0].kind == TableRef::Kind::kJoin || table.inputs[0].alias.has_value();
      out += (wrap ? "(" : "") + print(table.inputs[0]) + (wrap ? ")" : "") + " MATCH_RECOGNIZE (" + table.raw + ")";
      break;
    }
    case TableRef::Kind::kJoin:
      out += table.alias.has_value() || table.lateral ? "(" + print_join(table) + ")" : print_join(table);
      break;
  }
  if (table.alias.has_value()) out += " AS " + quote_name(table.alias->text);
  if (!table.column_aliases.empty()) out += " " + parts::name_list(table.column_aliases);
  return out;
}

std::string print(const Select& select) {
  std::string out = select.distinct ? "SELECT DISTINCT" : "SELECT";
  for (std::size_t i = 0; i < select.items.size(); ++i) {
    out += (i == 0 ? " " : ", ") + print(select.items[i].expr);
    if (select.items[i].alias) out += " AS " + quote_name(select.items[i].alias->text);
  }
  if (!select.from.empty()) out += "\nFROM " + print(select.from[0]);
  if (!select.where.empty()) out += "\nWHERE " + print(select.where[0]);
  if (select.grouped) out += "\nGROUP BY " + parts::list(select.group_by);
  if (!select.having.empty()) out += "\nHAVING " + print(select.having[0]);
  for (std::size_t i = 0; i < select.windows.size(); ++i) {
    out += (i == 0 ? "\nWINDOW " : ", ") + quote_name(select.windows[i].name.text) + " AS " +
           parts::over(select.windows[i].over);
  }
  if (!select.qualify.empty()) out += "\nQUALIFY " + print(select.qualify[0]);
  return out;
}

/// An operand of a set operation: in parentheses where it would be read otherwise.
std::string print_term(const Query& query, bool parent_intersect, bool right) {
  const bool tail = !query.with.empty() || !query.order_by.empty() || !query.limit.empty() || !query.offset.empty();
  const bool operation = query.kind == Query::Kind::kSetOperation;
  const bool intersect = operation && query.operation.starts_with("INTERSECT");
  const bool nested = query.kind == Query::Kind::kNested;
  const bool wrap =
      tail || nested || (operation && (right ? !intersect || parent_intersect : parent_intersect && !intersect));
  return wrap ? "(" + print(query) + ")" : print(query);
}

std::string print(const ColumnDefinition& column) {
  std::string out = quote_name(column.name.text);
  if (column.kind == ColumnDefinition::Kind::kComputed) {
    out += " AS " + print(column.expr[0]);
  } else {
    out += " " + print(column.type);
  }
  if (column.kind == ColumnDefinition::Kind::kMetadata) {
    out += " METADATA";
    if (column.metadata_key) out += " FROM " + quote_string(*column.metadata_key);
    if (column.is_virtual) out += " VIRTUAL";
  }
  return out;
}

std::string print(const CreateTable& table) {
  std::string out = std::string("CREATE ") + (table.temporary ? "TEMPORARY " : "") + "TABLE " +
                    (table.if_not_exists ? "IF NOT EXISTS " : "") + parts::path(table.path);
  std::vector<std::string> elements;
  const std::string key_tail = table.enforced ? "" : " NOT ENFORCED";
  for (const ColumnDefinition& column : table.columns) {
    std::string text = print(column);
    if (column.primary_key) text += " PRIMARY KEY" + key_tail;
    if (column.comment) text += " COMMENT " + quote_string(*column.comment);
    elements.push_back(std::move(text));
  }
  for (const WatermarkDefinition& watermark : table.watermarks) {
    elements.push_back("WATERMARK FOR " + parts::path(watermark.column) + " AS " + print(watermark.expr));
  }
  if (!table.primary_key.empty()) {
    elements.push_back("PRIMARY KEY " + parts::name_list(table.primary_key) + key_tail);
  }
  for (std::size_t i = 0; i < elements.size(); ++i) out += (i == 0 ? " (\n  " : ",\n  ") + elements[i];
  if (!elements.empty()) out += "\n)";
  if (table.comment) out += " COMMENT " + quote_string(*table.comment);
  if (!table.partitioned_by.empty()) out += " PARTITIONED BY " + parts::name_list(table.partitioned_by);
  if (!table.options.empty()) out += " WITH " + print(table.options);
  if (!table.like.empty()) out += " LIKE " + table.like;
  if (table.as) out += " AS " + print(*table.as);
  return out;
}

std::string print(const CreateView& view) {
  std::string out = std::string("CREATE ") + (view.temporary ? "TEMPORARY " : "") + "VIEW " +
                    (view.if_not_exists ? "IF NOT EXISTS " : "") + parts::path(view.path);
  if (!view.columns.empty()) out += " " + parts::name_list(view.columns);
  if (view.comment) out += " COMMENT " + quote_string(*view.comment);
  return out + " AS\n" + print(view.query);
}

std::string print(const Drop& drop) {
  return std::string("DROP ") + (drop.temporary ? "TEMPORARY " : "") + (drop.view ? "VIEW " : "TABLE ") +
         (drop.if_exists ? "IF EXISTS " : "") + parts::path(drop.path);
}

std::string print(const Set& set) {
  return "SET " + quote_string(set.key) + " = " + quote_string(set.value);
}

std::string print(const Reset& reset) {
  return reset.key ? "RESET " + quote_string(*reset.key) : "RESET";
}

std::string print(const Insert& insert) {
  std::string out = "INSERT INTO " + parts::path(insert.path) + print_hint(insert.options);
  if (!insert.columns.empty()) out += " " + parts::name_list(insert.columns);
  out += "\n" + print(insert.query);
  if (!insert.on_conflict.empty()) out += "\nON CONFLICT DO " + insert.on_conflict;
  return out;
}

std::string print_body(const StatementSet& set) {
  std::string out = "STATEMENT SET BEGIN\n";
  for (const Insert& insert : set.inserts) out += print(insert) + ";\n";
  return out + "END";
}

std::string print(const StatementSet& set) {
  return "EXECUTE " + print_body(set);
}

std::string print(const Explain& explain) {
  std::string out = "EXPLAIN ";
  for (std::size_t i = 0; i < explain.details.size(); ++i) {
    out += explain.details[i] + (i + 1 < explain.details.size() ? ", " : " ");
  }
  if (const auto* set = std::get_if<StatementSet>(&explain.subject)) return out + print_body(*set);
  if (const auto* insert = std::get_if<Insert>(&explain.subject)) return out + print(*insert);
  return out + print(std::get<Query>(explain.subject));
}

}  // namespace

std::string print(const Query& query) {
  std::string out;
  for (std::size_t i = 0; i < query.with.size(); ++i) {
    const Cte& cte = query.with[i];
    out += (i == 0 ? "WITH " : ", ") + quote_name(cte.name.text);
    if (!cte.columns.empty()) out += " " + parts::name_list(cte.columns);
    out += " AS (" + print(cte.query) + ")";
  }
  if (!query.with.empty()) out += "\n";
  switch (query.kind) {
    case Query::Kind::kSelect:
      out += print(query.select);
      break;
    case Query::Kind::kValues:
      out += "VALUES " + parts::list(query.rows);
      break;
    case Query::Kind::kSetOperation: {
      const bool intersect = query.operation.starts_with("INTERSECT");
      out += print_term(query.inputs[0], intersect, false) + "\n" + query.operation + "\n" +
             print_term(query.inputs[1], intersect, true);
      break;
    }
    case Query::Kind::kNested:
      out += "(" + print(query.inputs[0]) + ")";
      break;
  }
  if (!query.order_by.empty()) out += "\nORDER BY " + parts::sort_list(query.order_by);
  if (!query.limit.empty()) out += "\nLIMIT " + print(query.limit[0]);
  if (!query.offset.empty()) out += "\nOFFSET " + print(query.offset[0]);
  return out;
}

std::string print(const Script& script) {
  std::string out;
  for (const Statement& statement : script.statements) {
    out += std::visit([](const auto& body) { return print(body); }, statement.body) + ";\n";
  }
  return out;
}

}  // namespace weir::sql
