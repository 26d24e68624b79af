// Members of the syntax tree that need the whole of it to be known.
#include "ast.h"

#include <algorithm>

namespace weir::sql {

bool Expr::operator==(const Expr& other) const {
  return kind == other.kind && text == other.text && unit == other.unit && unit2 == other.unit2 &&
         negated == other.negated && flag == other.flag && star == other.star && path == other.path &&
         children == other.children && order == other.order && filter == other.filter && type == other.type &&
         query == other.query && over == other.over;
}

bool TableArgument::operator==(const TableArgument& other) const {
  return kind == other.kind && name == other.name && table == other.table && partition_by == other.partition_by &&
         order_by == other.order_by && columns == other.columns && expr == other.expr;
}

bool Query::operator==(const Query& other) const {
  return kind == other.kind && with == other.with && select == other.select && rows == other.rows &&
         operation == other.operation && inputs == other.inputs && order_by == other.order_by && limit == other.limit &&
         offset == other.offset;
}

Expr make_logical(Expr::Kind kind, Expr left, Expr right) {
  const Span span{left.span.begin, right.span.end};
  const std::uint32_t right_height = right.height.value + 1;
  if (left.kind != kind) {
    Expr node;
    node.kind = kind;
    node.height.value = left.height.value + 1;
    node.children.push_back(std::move(left));
    left = std::move(node);
  }
  left.children.push_back(std::move(right));
  left.height.value = std::max(left.height.value, right_height);
  left.span = span;
  return left;
}

}  // namespace weir::sql
