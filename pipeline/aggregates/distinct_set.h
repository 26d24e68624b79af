// DistinctSet: the different values that a group has seen, exactly. Behind COUNT(DISTINCT x) and every other call with
// DISTINCT.
//
//   state, 24 bytes      | word | word | size u32 | capacity u32 |
//   few values           in the two words themselves (integers, times, numbers: up to two; none for texts)
//   up to 8              a piece of the StateHeap, filled from the front, compared one by one
//   more                 open addressing, linear probing, at most 5/8 full, doubled: place = high bits of the hash
//                        times capacity, so that doubling reads and writes memory in order
//
// A slot is the value itself: 8 bytes for what fits in a word (doubles by value: -0 is 0, all NaN are one), 16 for
// wider decimals, 24 for bytes (hash, StringRef; long texts are copied into the heap). Rows of several columns are
// bytes too. Counted sets add 8 bytes a slot: how often the value was added, so that it can be taken out again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/pipeline/aggregate_function.h"
#include "weir/pipeline/state_heap.h"

namespace weir {

enum class DistinctForm : std::uint8_t {
  kPlain,    // add, combine
  kCounted,  // retract and subtract too
};

/// The set's operations over the rows of one call. Immutable; one instance serves all shards. All sets of states are
/// empty where the state's bytes are zeros; states may be moved with memcpy.
/// Errors: kLimitExceeded where the heap is at its maximum. A set that failed to grow is still whole.
class DistinctSet {
 public:
  static constexpr std::size_t kStateBytes = 24;

  virtual ~DistinctSet() = default;
  /// A set over the values of one column, or over rows of several.
  /// Errors: kSqlType (a type that has no equality here).
  static Result<std::unique_ptr<DistinctSet>> make(std::span<const Type> columns, DistinctForm form);

  virtual Result<void> add(const AggregateRows& rows, const AggregateStates& to) const = 0;
  /// Requires: kCounted, and that the rows were added.
  virtual Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const = 0;
  virtual Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const = 0;
  /// Requires: kCounted, and that `what` was combined into `from`.
  virtual Result<void> subtract(std::byte* from, const std::byte* what, StateHeap& heap) const = 0;
  virtual void release(std::byte* state, StateHeap& heap) const noexcept = 0;

  /// The set as bytes; it may be put in order in its place for that, which changes no value. A text's partial takes a
  /// piece of the heap that the state owns until its next change.
  virtual Result<std::string_view> partial(std::byte* state, StateHeap& heap) const = 0;
  virtual Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const = 0;

  /// Different values.
  static std::uint64_t size(const std::byte* state) noexcept;
  /// Gives the values as columns of rows, some at a time, and how often each was added (1 in a plain set) to `body`,
  /// whose error ends it. Their order depends on the history of the state.
  using Body = std::function<Result<void>(const AggregateRows& rows, const std::uint64_t* counts)>;
  virtual Result<void> each(const std::byte* state, StateHeap& heap, const Body& body) const = 0;
};

}  // namespace weir
