// AggregateLayout: which accumulators a list of aggregate calls needs and where they stand in a state row.
//
//   state row   | rows | sum(x) | min(y) | … | skipped(x) | … | states of functions | …
//                 8-byte aligned, the count of rows always first
//
// Aggregates are an algebra: lift (a row's value), combine (accumulators), lower (accumulators to a result). Calls
// share accumulators: SUM(x), AVG(x) and COUNT(x) take one sum(x) and one skipped(x). skipped(x) counts the rows whose
// x is NULL or whose FILTER is not TRUE, so a batch without NULLs touches it not at all, and COUNT(x) = rows -
// skipped(x); where it is 0, SUM, AVG, MIN and MAX are NULL.
//
// An accumulator is one row of the table in aggregate_layout.cc (what it starts at, the column of a partial that
// carries it) and one case in accumulate.cc; a result is one case in lower.cc. All other aggregates are registered
// functions (weir/pipeline/aggregate_function.h), whose states stand at the end of the row and whose pieces of variable
// size stand in the StateHeap of the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/pipeline/aggregate_function.h"
#include "weir/pipeline/operators.h"

namespace weir {

enum class AccumulatorKind : std::uint8_t {
  kRows,          // uint64: rows of the group
  kSkipped,       // uint64: rows without a value
  kSumInt64,      // int64: exact for up to 2^32 values of 32 bits
  kSumInt128,     // Int128: exact for 64-bit values
  kSumWide,       // Int128 and how often it wrapped: exact for 128-bit values
  kSumWideWraps,  // int64, the second half of kSumWide; stands right behind it
  kSumExact,      // ExactSum of FLOAT and DOUBLE
  kSumDouble,     // double; without keys SumLanes: the fast sum, by choice
  kMin,
  kMax,  // the value itself; FLOAT and DOUBLE as integers of the same order
  kMinString,
  kMaxString,  // StringRef, StringStore::kUnset where there is no value yet
};

struct Accumulator {
  AccumulatorKind kind = AccumulatorKind::kRows;
  Physical physical = Physical::kInt64;  ///< Of the column of a partial that carries it.
  Physical input = Physical::kInt64;     ///< Of the argument.
  std::uint32_t offset = 0;              ///< In the state part of a row.
  int argument = -1;                     ///< Column of the rows.
  int filter = -1;
  int skipped = -1;  ///< Accumulator that counts the rows without a value, or -1: every row has one.
};

/// Bytes of an accumulator in a state row.
std::size_t accumulator_bytes(const Accumulator& accumulator, bool sum_lanes) noexcept;

/// An aggregate function's part of a state row.
struct FunctionPart {
  AggregateFunctionPtr function;
  std::vector<int> arguments;  ///< Columns of the rows.
  int filter = -1;
  std::uint32_t offset = 0;  ///< In the state part of a row, a multiple of 8.
  bool gives_strings = false;
  std::string name;  ///< In messages: "LISTAGG(name)".
};

enum class FusedFunction : std::uint8_t { kCount, kSum, kAvg, kMin, kMax };

/// How a result is made from accumulators, or that a function makes it.
struct AggregateResult {
  int state = -1;  ///< Of functions(); -1: by accumulators, as the fields below say.
  FusedFunction function = FusedFunction::kCount;
  int value = -1;    ///< Accumulator, or -1 (COUNT).
  int skipped = -1;  ///< Accumulator, or -1: every row counts.
  Type argument;
  Type type;
  std::string name;  ///< In messages: "SUM(delay)".
};

/// Immutable after make().
class AggregateLayout {
 public:
  /// `time_column` is that of the rows' event times, or -1 where they have none.
  /// Errors: kSqlUnsupported for a type that has no accumulator yet, kSqlUnknownName, what a definition says.
  static Result<AggregateLayout> make(const Schema& input, std::span<const AggregateColumn> aggregates, bool keyed,
                                      int time_column = -1);

  std::span<const Accumulator> accumulators() const noexcept { return accumulators_; }
  std::span<const FunctionPart> functions() const noexcept { return functions_; }
  std::span<const AggregateResult> results() const noexcept { return results_; }
  std::size_t state_bytes() const noexcept { return state_bytes_; }
  bool keyed() const noexcept { return keyed_; }
  /// Whether fast sums of DOUBLE are simd::SumLanes and not a double.
  bool sum_lanes() const noexcept { return sum_lanes_; }
  /// The same aggregates with one double in the place of a sum's lanes: for states that take no more rows.
  AggregateLayout totals() const;
  int time_column() const noexcept { return time_column_; }
  /// Results are strings that stand in the table's memory.
  bool has_strings() const noexcept { return has_strings_; }
  /// Columns of partials are bytes that stand in the table's memory.
  bool has_byte_partials() const noexcept;
  /// Whether all accumulators and functions can take a state out again (subtract_row, window/state_row.h).
  bool invertible() const noexcept;
  /// Whether a function's result depends on the order of rows.
  bool order_sensitive() const noexcept;
  /// The most that a row's functions take of the heap, as far as they state it.
  std::size_t heap_bytes_max() const noexcept;
  /// Names of the functions whose heap bytes have no bound.
  std::vector<std::string> unbounded() const;
  /// A state row to which nothing has been added; state_bytes() bytes.
  const std::byte* initial() const noexcept { return initial_.data(); }
  bool initial_is_zero() const noexcept { return initial_is_zero_; }
  /// Fields of a partial: one an accumulator, then one a function.
  std::vector<Field> partial_fields() const;
  /// Accumulator number of the sum that can be added in one pass with the count of rows, or -1.
  int fused_sum() const noexcept { return fused_sum_; }

 private:
  int add(Accumulator accumulator);
  int add_skipped(const Schema& input, int argument, int filter);
  Result<void> add_call(const Schema& input, const AggregateColumn& call);
  Result<void> add_function(const AggregateColumn& call, const AggregateCallInfo& info, AggregateFunctionPtr function);
  void place();

  std::vector<Accumulator> accumulators_;
  std::vector<FunctionPart> functions_;
  std::vector<AggregateResult> results_;
  std::vector<std::byte> initial_;
  std::size_t state_bytes_ = 0;
  bool keyed_ = true;
  bool sum_lanes_ = false;
  bool has_strings_ = false;
  bool initial_is_zero_ = true;
  int fused_sum_ = -1;
  int time_column_ = -1;
};

}  // namespace weir
