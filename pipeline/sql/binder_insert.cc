// INSERT: the query's columns against the sink's, by position, with the casts that Flink makes by itself.
#include <algorithm>

#include "binder.h"

namespace weir::sql {
/// Source: Flink LogicalTypeCasts, the implicit ones. NULLs into NOT NULL columns are found at run time, as there.
bool casts_implicitly(const Type& from, const Type& to) {
  if (from.id == TypeId::kNull || from.same_as(to)) return true;
  switch (to.id) {
    case TypeId::kSmallInt:
    case TypeId::kInt:
    case TypeId::kBigInt:
      return from.is_integer() && from.id <= to.id;
    case TypeId::kDecimal:
    case TypeId::kDouble:
      return from.is_numeric();
    case TypeId::kFloat:
      return from.is_numeric() && from.id != TypeId::kDouble;
    case TypeId::kTimestamp:
    case TypeId::kTimestampLtz:
      return from.is_timestamp();
    case TypeId::kDate:
      return from.id == TypeId::kTimestamp;
    case TypeId::kTime:
      return from.id == TypeId::kTime || from.id == TypeId::kTimestamp;
    case TypeId::kString:
    case TypeId::kBytes:
    case TypeId::kIntervalDay:
    case TypeId::kIntervalMonth:
      return from.id == to.id;
    default:
      return false;
  }
}

namespace {

std::string columns_text(const std::vector<Field>& fields) {
  std::string out = "[";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    out += (i == 0 ? "" : ", ") + fields[i].name + " " + fields[i].type.to_string();
  }
  return out + "]";
}

}  // namespace

PlanNodePtr Binder::match_sink(const Insert& insert, const Relation& query, const TableDefinition& sink) {
  std::vector<Field> physical(sink.schema.fields.begin(), sink.schema.fields.begin() + sink.physical_count);
  // target[i]: the query's column for the sink's column i, or -1 for NULL.
  std::vector<int> target(physical.size(), -1);
  std::vector<Field> wanted;
  if (insert.columns.empty()) {
    wanted = physical;
    for (std::size_t i = 0; i < physical.size(); ++i) target[i] = static_cast<int>(i);
  }
  bool good = true;
  Relation columns;
  for (std::size_t i = 0; i < physical.size(); ++i) {
    BoundColumn column;
    column.name = physical[i].name;
    column.index = static_cast<std::uint32_t>(i);
    columns.columns.push_back(std::move(column));
  }
  for (std::size_t i = 0; i < insert.columns.size(); ++i) {
    const BoundColumn* column = find_column(insert.columns[i], {}, columns);
    if (column == nullptr) {
      good = false;
      continue;
    }
    if (target[column->index] >= 0) {
      error(ErrorCode::kSqlSemantic, insert.columns[i].span, "the column `" + column->name + "` stands twice");
      good = false;
    }
    target[column->index] = static_cast<int>(i);
    wanted.push_back(physical[column->index]);
  }
  if (!good) return nullptr;
  std::vector<Field> given;
  for (const BoundColumn& column : query.columns) given.push_back({column.name, column.type});
  const auto mismatch = [&](std::string message) {
    Diagnostic& diagnostic = error(ErrorCode::kSqlType, insert.path.back().span, std::move(message),
                                   "columns are matched by position; CAST(x AS type) changes a type");
    diagnostic.notes.push_back({"query: " + columns_text(given), {}});
    diagnostic.notes.push_back({"sink:  " + columns_text(wanted), {}});
    if (sink.span.end > 0 && catalog_.count(sink.name) > 0 && catalog_[sink.name].span.end > 0) {
      diagnostic.notes.push_back({"`" + sink.name + "` is declared here", catalog_[sink.name].span});
    }
    return PlanNodePtr();
  };
  if (given.size() != wanted.size()) {
    return mismatch("the query gives " + std::to_string(given.size()) + " columns, `" + sink.name + "` takes " +
                    std::to_string(wanted.size()));
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (casts_implicitly(given[i].type, wanted[i].type)) continue;
    return mismatch("column " + std::to_string(i + 1) + " of the query, `" + given[i].name + "` " +
                    given[i].type.to_string() + ", does not fit `" + wanted[i].name + "` " +
                    wanted[i].type.to_string() + " of `" + sink.name + "`");
  }
  std::vector<ExpressionPtr> outputs;
  std::vector<BoundColumn> named;
  for (std::size_t i = 0; i < physical.size(); ++i) {
    const Field& field = physical[i];
    BoundColumn column;
    column.name = field.name;
    ExpressionPtr output;
    if (target[i] < 0) {
      if (!field.type.nullable) {
        error(ErrorCode::kSqlSemantic, insert.path.back().span,
              "the column `" + field.name + "` is NOT NULL and is not among the inserted ones");
        return nullptr;
      }
      output = make_literal(Value{}, field.type);
    } else {
      const BoundColumn& from = query.columns[static_cast<std::size_t>(target[i])];
      output = make_column(from.index, from.type);
      if (!from.type.same_as(field.type)) output = checked(make_cast(output, field.type), insert.path.back().span);
      if (output == nullptr) return nullptr;
    }
    outputs.push_back(std::move(output));
    named.push_back(std::move(column));
  }
  Relation input = query;
  const bool plain = insert.columns.empty() && outputs.size() == query.node->schema.size() &&
                     std::all_of(outputs.begin(), outputs.end(), [&](const ExpressionPtr& output) {
                       return output->kind == Expression::Kind::kColumn &&
                              output->column == static_cast<std::uint32_t>(&output - outputs.data());
                     });
  if (plain) return input.node;
  Relation out = project(std::move(input), std::move(outputs), std::move(named), insert.span);
  return within_limits(out, insert.span) ? std::move(out.node) : nullptr;
}

}  // namespace weir::sql
