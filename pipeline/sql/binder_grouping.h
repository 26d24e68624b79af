// What the binding of one GROUP BY keeps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "binder.h"

namespace weir::sql {

/// One grouping set: the keys and window columns in it.
struct GroupingSet {
  enum : std::uint8_t { kStart = 1, kEnd = 2, kTime = 4, kDerived = 8 };
  std::uint64_t keys = 0;    ///< Bit k: key k.
  std::uint8_t windows = 0;  ///< kStart | …
  GroupingSet operator|(const GroupingSet& other) const noexcept {
    return {keys | other.keys, static_cast<std::uint8_t>(windows | other.windows)};
  }
};

/// Most grouping sets of one GROUP BY, and most keys of one that has several sets.
inline constexpr std::size_t kGroupingSetsMax = 256;
inline constexpr std::size_t kGroupingKeysMax = 32;
/// Column that stands for the number of the grouping set while expressions are bound; above any column of a relation.
inline constexpr std::uint32_t kGroupingSetColumn = 0xFFFFFFF0u;

struct Binder::Grouping {
  Relation input;                   // on top: the kWindow
  std::vector<ExpressionPtr> keys;  // over the input; with grouping sets the last is kGroupingSetColumn
  std::vector<std::string> key_names;
  std::vector<ExpressionPtr> derived;  // grouped expressions of window columns alone
  bool start = false, end = false, time = false;
  bool attached = false;        // the rows are results of a window and stay in it; its window_start is a key
  std::uint32_t start_key = 0;  // attached: which
  AggregateList aggregates;
  const Expr* legacy = nullptr;
  std::vector<ExpressionPtr> deferred;  // conditions on window columns, see hoist_window
  bool failed = false;
  std::vector<GroupingSet> sets = {{}};
  bool has_sets = false;  // GROUPING SETS, ROLLUP or CUBE stands in the GROUP BY
  GroupingSet bound;      // what bind_group_item has added last

  WindowRole role_of(std::uint32_t column) const {
    for (const BoundColumn& candidate : input.columns) {
      if (candidate.index == column && candidate.role != WindowRole::kNone) return candidate.role;
    }
    return WindowRole::kNone;
  }
  /// Whether there is a window: not for a GROUP BY over all of a bounded input.
  bool windowed() const { return start && end; }
  std::uint32_t window_column(WindowRole role) const {
    if (attached && role == WindowRole::kStart) return start_key;
    return static_cast<std::uint32_t>(keys.size()) + static_cast<std::uint32_t>(role) - 1;
  }
  /// A key that some set leaves out is NULL there.
  Type key_type(std::size_t key) const {
    Type type = keys[key]->type;
    if (!has_sets || key + 1 == keys.size()) return type;
    for (const GroupingSet& set : sets) type.nullable = type.nullable || (set.keys >> key & 1) == 0;
    return type;
  }
};

}  // namespace weir::sql
