// Rows that leave a query on the side, by settings that Flink ignores:
//   SET 'weir.late-rows' = 'drop' | 'fail' | '<table>'
// A setting counts for the queries behind it. A side table's columns are filled by name.
#include <algorithm>

#include "binder.h"
#include "suggest.h"

namespace weir::sql {
namespace {

constexpr const char* kLateRows = "weir.late-rows";
constexpr std::string_view kRowWatermark = "weir_watermark";

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
  query.late_output = bind_late_output(*scan->table, plain_name(setting->second), span);
  if (!query.late_output.has_value()) return false;
  query.late_policy = LatePolicy::kSideOutput;
  return true;
}

std::optional<SideOutput> Binder::bind_late_output(const TableDefinition& source, const std::string& name,
                                                   SourceSpan span) {
  const auto entry = catalog_.find(name);
  if (entry == catalog_.end()) {
    std::string hint = did_you_mean(name, table_names());
    if (hint.empty()) hint = "late rows go to 'drop', to 'fail', or to a table that is declared before the query";
    error(ErrorCode::kSqlUnknownName, span, "unknown table `" + name + "` for late rows", std::move(hint));
    return std::nullopt;
  }
  if (entry->second.is_view) {
    error(ErrorCode::kSqlSemantic, span, "`" + name + "` is a view", "late rows go into tables only");
    return std::nullopt;
  }
  if (entry->second.table == nullptr) return std::nullopt;  // its CREATE was reported
  SideOutput output;
  output.table = entry->second.table;
  const Type time = source.schema.fields[static_cast<std::size_t>(source.watermark_column)].type;
  for (std::uint32_t i = 0; i < output.table->physical_count; ++i) {
    const Field& wanted = output.table->schema.fields[i];
    const int found = source.schema.find(wanted.name);
    ExpressionPtr column;
    if (found >= 0) {
      column =
          make_column(static_cast<std::uint32_t>(found), source.schema.fields[static_cast<std::size_t>(found)].type);
    } else if (wanted.name == kRowWatermark) {
      column = make_column(static_cast<std::uint32_t>(source.schema.size()), time);
    } else {
      std::vector<std::string> names;
      for (const Field& field : source.schema.fields) names.push_back(field.name);
      std::string hint = did_you_mean(wanted.name, names);
      if (hint.empty()) hint = "besides its columns there is `weir_watermark`, the watermark that the row came after";
      error(ErrorCode::kSqlUnknownName, span,
            "the column `" + wanted.name + "` of `" + name + "` is no column of `" + source.name +
                "`, whose late rows go there",
            std::move(hint));
      return std::nullopt;
    }
    if (!casts_implicitly(column->type, wanted.type)) {
      error(ErrorCode::kSqlType, span,
            "the column `" + wanted.name + "` of `" + name + "` is " + wanted.type.to_string() + ", that of `" +
                source.name + "` is " + column->type.to_string());
      return std::nullopt;
    }
    if (!column->type.same_as(wanted.type)) column = checked(make_cast(column, wanted.type), span);
    if (column == nullptr) return std::nullopt;
    output.expressions.push_back(std::move(column));
  }
  return output;
}

}  // namespace weir::sql
