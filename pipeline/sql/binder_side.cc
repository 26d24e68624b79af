// Rows that leave a query on the side, by settings that Flink ignores:
//   SET 'weir.late-rows' = 'drop' | 'fail' | '<table>'
//   SET 'weir.malformed-rows' = 'fail' | '<table>', or the option of that name of the source table
// A setting counts for the queries behind it. A side table's columns are filled by name.
#include <algorithm>

#include "binder.h"
#include "suggest.h"

namespace weir::sql {
namespace {

constexpr const char* kLateRows = "weir.late-rows";
constexpr const char* kMalformedRows = "weir.malformed-rows";

const PlanNode* scan_of(const QueryPlan& query) {
  const PlanNode* node = query.root.get();
  while (node != nullptr && node->kind != PlanNode::Kind::kScan) node = node->input.get();
  return node;
}

/// A table's name as a setting gives it: `drop` in backticks is a table of that name.
std::string plain_name(const std::string& value) {
  if (value.size() > 2 && value.front() == '`' && value.back() == '`') return value.substr(1, value.size() - 2);
  return value;
}

}  // namespace

/// Gives the query the policy for late rows that stands now. False where an error was reported.
bool Binder::apply_late_rows(QueryPlan& query, SourceSpan span) {
  const auto setting = plan_.settings.find(kLateRows);
  if (setting == plan_.settings.end() || setting->second == "drop") return true;
  if (setting->second == "fail") {
    query.late_policy = LatePolicy::kFail;
    return true;
  }
  const PlanNode* scan = scan_of(query);
  if (scan == nullptr || scan->table->watermark_column < 0) return true;  // nothing is ever late
  const auto at = setting_spans_.find(kLateRows);
  if (at != setting_spans_.end()) span = at->second;
  const auto table = side_table(plain_name(setting->second), "late rows", span);
  if (table == nullptr) return false;
  Schema given = scan->table->schema;
  given.fields.push_back(
      {"weir_watermark", scan->table->schema.fields[static_cast<std::size_t>(scan->table->watermark_column)].type});
  query.late_output = bind_side(table, given, "late rows of `" + scan->table->name + "`", span);
  query.late_policy = LatePolicy::kSideOutput;
  return query.late_output.has_value();
}

/// The same for malformed records: the source table's own option, else the setting.
bool Binder::apply_malformed_rows(QueryPlan& query, SourceSpan span) {
  const PlanNode* scan = scan_of(query);
  if (scan == nullptr) return true;
  std::string name;
  if (const auto option = scan->table->options.find(kMalformedRows); option != scan->table->options.end()) {
    name = option->second;
    if (const auto at = scan->table->option_spans.find(kMalformedRows); at != scan->table->option_spans.end())
      span = at->second;
  } else if (const auto setting = plan_.settings.find(kMalformedRows); setting != plan_.settings.end()) {
    name = setting->second;
    if (const auto at = setting_spans_.find(kMalformedRows); at != setting_spans_.end()) span = at->second;
  }
  if (name.empty() || name == "fail") return true;
  const auto table = side_table(plain_name(name), "malformed records", span);
  if (table == nullptr) return false;
  query.malformed_output = bind_side(table, dead_letter_schema(), "malformed records", span);
  return query.malformed_output.has_value();
}

std::shared_ptr<const TableDefinition> Binder::side_table(const std::string& name, const std::string& what,
                                                          SourceSpan span) {
  const auto entry = catalog_.find(name);
  if (entry == catalog_.end()) {
    std::string hint = did_you_mean(name, table_names());
    if (hint.empty()) hint = "they can go to a table that is declared before the query";
    error(ErrorCode::kSqlUnknownName, span, "unknown table `" + name + "` for " + what, std::move(hint));
    return nullptr;
  }
  if (entry->second.is_view) {
    error(ErrorCode::kSqlSemantic, span, "`" + name + "` is a view", what + " go into tables only");
    return nullptr;
  }
  return entry->second.table;  // null: its CREATE was reported
}

/// The table's columns out of those that are given, by name.
std::optional<SideOutput> Binder::bind_side(std::shared_ptr<const TableDefinition> table, const Schema& given,
                                            const std::string& what, SourceSpan span) {
  std::vector<std::string> names;
  for (const Field& field : given.fields) names.push_back(field.name);
  SideOutput output;
  for (std::uint32_t i = 0; i < table->physical_count; ++i) {
    const Field& wanted = table->schema.fields[i];
    const int found = given.find(wanted.name);
    if (found < 0) {
      std::string list;
      for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
      error(ErrorCode::kSqlUnknownName, span,
            "`" + table->name + "` takes " + what + ", which have no column `" + wanted.name + "`",
            "they have " + list);
      return std::nullopt;
    }
    const Type& type = given.fields[static_cast<std::size_t>(found)].type;
    ExpressionPtr column = make_column(static_cast<std::uint32_t>(found), type);
    if (!casts_implicitly(type, wanted.type)) {
      error(ErrorCode::kSqlType, span,
            "the column `" + wanted.name + "` of `" + table->name + "` is " + wanted.type.to_string() + ", that of " +
                what + " is " + type.to_string());
      return std::nullopt;
    }
    if (!type.same_as(wanted.type)) column = checked(make_cast(column, wanted.type), span);
    if (column == nullptr) return std::nullopt;
    output.expressions.push_back(std::move(column));
  }
  output.table = std::move(table);
  return output;
}

}  // namespace weir::sql
