// Scope: the columns that a name can mean at one place of a query, and what is known of them beyond their type.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/pipeline/plan.h"

namespace weir::sql {

/// What a column is to the window function below it.
enum class WindowRole : std::uint8_t { kNone, kStart, kEnd, kTime };

struct BoundColumn {
  std::string name;
  std::string table;  ///< Alias or name that may stand before it; "" for none.
  Type type;
  std::uint32_t index = 0;  ///< In the schema of the relation's node.
  bool time_attribute = false;
  bool processing_time = false;
  bool hidden = false;    ///< Found by no name (columns of a legacy window).
  bool unusable = false;  ///< Computed from window columns below a GROUP BY, which cannot be taken apart.
  WindowRole role = WindowRole::kNone;
  SourceSpan declared;
};

/// A bound table expression: a plan that gives rows and the names of their columns, in the order of `SELECT *`.
struct Relation {
  PlanNodePtr node;
  std::vector<BoundColumn> columns;
  std::string name;          ///< For messages.
  bool open_window = false;  ///< Filters and projections only stand above a window function.

  explicit operator bool() const noexcept { return node != nullptr; }
};

}  // namespace weir::sql
