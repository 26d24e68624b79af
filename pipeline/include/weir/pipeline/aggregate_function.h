// AggregateFunction: the algebra of one aggregate call (lift, combine, lower, and an inverse where there is one), and
// its line in a catalogue. Weir's own aggregates but COUNT, SUM, AVG, MIN and MAX (whose accumulators are
// fused kernels, window/aggregate_layout.h) are written against this interface, and so are a host's: an aggregate is
// one file.
//
//   rows ─ add ─► state ─ combine ─► state ─ lower ─► value          state: state_bytes() bytes in a group's row,
//               ▲ retract (inverse)  ▲ subtract (inverse)                   and what it takes from the StateHeap
//
// Order. Results may not depend on the order of add and combine (the same answer whatever shards and batches), so a
// function for which order matters keys its state by RowOrder and says order_sensitive(). DOUBLE results are to be the
// same bits too: sums go through window/exact_sum.h.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/pipeline/expression.h"
#include "weir/pipeline/state_heap.h"

namespace weir {

/// Place of a row in the order of a job's input: by event time, then by input, then by arrival in it. Equal for every
/// layout over shards.
struct RowOrder {
  std::int64_t event_time = 0;  ///< 0 where rows have no time.
  std::uint64_t arrival = 0;    ///< Input << 40 | how many rows of that input came before.
  friend auto operator<=>(const RowOrder&, const RowOrder&) = default;
};

/// One item of ORDER BY inside a call.
struct AggregateOrder {
  bool descending = false;
  bool nulls_last = false;  ///< Flink's default: NULL is the least value, first where ascending.
  friend bool operator==(const AggregateOrder&, const AggregateOrder&) = default;
};

struct AggregateDefinition;
using AggregateDefinitionPtr = std::shared_ptr<const AggregateDefinition>;

/// A call as it was bound.
struct AggregateCallInfo {
  std::string name;              ///< Upper case.
  std::vector<Type> arguments;   ///< Of the columns; those of `order` are the last ones.
  std::vector<Value> constants;  ///< Trailing constant arguments (a fraction, a separator, k), in order, no columns.
  /// WITHIN GROUP (ORDER BY …): one for each of the last order.size() arguments.
  std::vector<AggregateOrder> order;
  bool distinct = false;
  Type result;
  /// Rows will be taken out again: where there is a form that has an inverse, make() gives that.
  bool retracts = false;
  AggregateDefinitionPtr definition = nullptr;  ///< A host's aggregate; null: Weir's own of that name.
};

/// Rows of one batch on their way into states.
struct AggregateRows {
  /// One vector an argument, in order.
  std::span<const Vector* const> arguments;
  const Vector* event_times = nullptr;      ///< int64, or null where rows have no time.
  std::uint64_t arrival = 0;                ///< RowOrder::arrival of row 0 of the batch.
  const std::uint64_t* arrivals = nullptr;  ///< Of each row, where they came through an exchange.
  /// The rows to add: 0 … count - 1, or those that `selection` names, ascending.
  std::uint32_t count = 0;
  const std::uint32_t* selection = nullptr;
  /// Where set: rows whose arguments are all not NULL and whose FILTER is TRUE; the others are not to be added. A
  /// function that does not ignore NULLs is given those rows too and looks at the vectors' validity.
  const std::uint64_t* validity = nullptr;
  const std::uint32_t* groups = nullptr;  ///< By row number; null: every row goes to group 0.

  std::uint32_t row(std::uint32_t position) const noexcept {
    return selection != nullptr ? selection[position] : position;
  }
  bool valid(std::uint32_t row) const noexcept {
    return validity == nullptr || (validity[row / 64] >> (row % 64) & 1) != 0;
  }
  RowOrder order(std::uint32_t row) const noexcept {
    return {event_times == nullptr ? 0 : event_times->values<std::int64_t>()[row],
            arrivals == nullptr ? arrival + row : arrivals[row]};
  }
  /// Calls body(row, group) for each valid row.
  template <class Body>
  void each(Body&& body) const {
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t r = row(i);
      if (valid(r)) body(r, groups == nullptr ? std::size_t{0} : std::size_t{groups[r]});
    }
  }
};

/// The states of one function in the rows of a table of groups.
struct AggregateStates {
  std::byte* base = nullptr;  ///< State of group 0, aligned to 8.
  std::size_t stride = 0;     ///< A multiple of 8.
  StateHeap* heap = nullptr;
  std::byte* state(std::size_t group) const noexcept { return base + group * stride; }
};

/// Immutable after it was made; one instance serves all shards. Errors are kLimitExceeded (the heap is at its maximum),
/// kOverflow, kValueOutOfRange; out of memory never aborts.
class AggregateFunction {
 public:
  virtual ~AggregateFunction() = default;

  /// Bytes of a state, a multiple of 8, and the bytes of one to which nothing was added (default: zeros). A state may
  /// be moved with memcpy.
  virtual std::size_t state_bytes() const noexcept = 0;
  virtual void initialize(std::byte* state) const noexcept;
  /// An upper bound of the heap bytes that one state may take, 0 where it takes none or no bound is known before.
  virtual std::size_t heap_bytes_max() const noexcept { return 0; }
  /// Whether states own pieces of the heap. Then release, partial and add_partial are to be overridden.
  virtual bool owns_memory() const noexcept { return false; }
  /// Whether the result depends on RowOrder. Then rows may not go through an exchange before they are added.
  virtual bool order_sensitive() const noexcept { return false; }
  /// Whether rows with a NULL argument are left out before add.
  virtual bool ignores_nulls() const noexcept { return true; }

  /// Lift and combine: adds each row to its group's state.
  virtual Result<void> add(const AggregateRows& rows, const AggregateStates& to) const = 0;
  /// combine(to, from): `from` stays as it is.
  virtual Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const = 0;
  /// Lower: writes the result to row `row` of `to` (whose physical type is that of the call's result) and its validity.
  /// Long strings stand in the heap until the state is released. May change the state's form, not its value.
  virtual Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const = 0;

  /// Whether retract and subtract are there: add followed by retract of the same rows leaves the same value.
  virtual bool has_inverse() const noexcept { return false; }
  virtual Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const;
  virtual Result<void> subtract(std::byte* from, const std::byte* what, StateHeap& heap) const;

  /// Gives back the pieces that a state owns; the state is not used again until initialize.
  virtual void release(std::byte* state, StateHeap& heap) const noexcept;

  /// A state as bytes, on its way between shards. The default is the state itself. What partial() returns may stand in
  /// the state or in the heap; it is read before the state changes or is released. Errors: kLimitExceeded.
  virtual Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const;
  /// Combines a partial into a state. Bytes are at any alignment.
  virtual Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const;
};

using AggregateFunctionPtr = std::shared_ptr<const AggregateFunction>;

/// A line of a catalogue: how a call is typed and made.
struct AggregateDefinition {
  std::string name;       ///< Upper case.
  std::string signature;  ///< "PERCENTILE(number, fraction)", for messages and the reference.
  std::string meaning;    ///< One sentence; sketches state their error bound.
  std::uint32_t arguments_min = 1, arguments_max = 1;  ///< Constants counted.
  /// Trailing arguments that have to be constants; they become AggregateCallInfo::constants, not columns.
  std::uint32_t constants_max = 0;
  bool order_allowed = false;  ///< WITHIN GROUP (ORDER BY …) may stand behind it; resolve() sees no order columns.
  /// WITHIN GROUP (ORDER BY x) may give the first argument: PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x) is bound as
  /// PERCENTILE_CONT(x, 0.5) with x's direction in AggregateCallInfo::order; resolve() sees x.
  bool ordered_set = false;
  bool distinct_allowed = false;  ///< DISTINCT reaches make(); else the engine puts a set of values before it.
  /// Type of the result. Errors: kSqlType with what is wrong.
  std::function<Result<Type>(std::span<const Type> arguments, std::span<const Value> constants)> resolve;
  /// Errors: kSqlType, kInvalidArgument (a constant out of range, named).
  std::function<Result<AggregateFunctionPtr>(const AggregateCallInfo&)> make;
};

/// Weir's own, by name: constants of the program. COUNT, SUM, AVG, MIN and MAX, which are fused kernels, are not among
/// them.
std::span<const AggregateDefinitionPtr> built_in_aggregates();

}  // namespace weir
