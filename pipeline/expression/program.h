// Plan of an expression program: steps over registers and selection slots, as compile makes it and evaluate runs it.
//
//   registers: columns of the batch | literals (one value) | results of steps (buffers shared by lifetime)
//   slots:     slot 0 = the batch's selection; every other slot is a subset of the one it was narrowed from
//
// Invariants
//   1. A register is written by steps before any step reads it, on a slot that includes the reader's.
//   2. A step whose slot is empty is skipped; nothing reads rows that it would have written.
//   3. The parent chain of a slot gives supersets; a value computed on a slot serves every slot below it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "expression/functions.h"
#include "expression/kernel.h"
#include "expression/zone.h"

namespace weir {

struct ProgramStep {
  enum class Kind : std::uint8_t {
    kCall,            // result = function(arguments) on slot
    kCast,            // result = cast(arguments[0]) on slot
    kClear,           // result starts with every row valid; before kCopy steps
    kCopy,            // result = arguments[0] on slot, validity too
    kAndInto,         // result = result AND arguments[0] on slot
    kOrInto,          // result = result OR arguments[0] on slot
    kSelectTrue,      // out_slot = rows of slot where arguments[0] is TRUE
    kSelectNotFalse,  // out_slot = rows of slot where arguments[0] is not FALSE
    kSelectNotTrue,   // out_slot = rows of slot where arguments[0] is not TRUE
    kSelectNull,      // out_slot = rows of slot where arguments[0] is NULL
    kSelectCompare,   // out_slot = rows of slot where arguments[0] op arguments[1]
    kSelectNone,      // out_slot = nothing
    kDifference,      // out_slot = rows of slot that are not in other_slot
    kUnion,           // out_slot = rows of slot or other_slot, ascending
  };
  Kind kind = Kind::kCall;
  bool constant = false;  ///< Every operand is one value: so is the result.
  Comparison comparison = Comparison::kEqual;
  Physical physical = Physical::kInt64;
  std::uint32_t slot = 0;
  std::uint32_t other_slot = 0;
  std::uint32_t out_slot = 0;
  std::uint32_t result = 0;
  std::vector<std::uint32_t> arguments;
  Kernel kernel = nullptr;
  std::uint8_t flags = 0;
  const Expression* expression = nullptr;
  std::unique_ptr<ScalarFunctionState> state;
  std::vector<Operand> many_operands;  ///< Room for the operands of calls with many arguments.
};

struct ProgramRegister {
  enum class Kind : std::uint8_t { kColumn, kConstant, kComputed };
  Kind kind = Kind::kComputed;
  Physical physical = Physical::kInt64;
  std::uint32_t column = 0;
  bool one_value = false;                 ///< The index mask is 0.
  std::uint64_t* own_validity = nullptr;  ///< kComputed: the buffer behind vector.validity.
  std::size_t buffer = 0;                 ///< kComputed: number of its buffer.
  Vector vector;                          ///< What readers see.
};

struct ProgramSlot {
  std::uint32_t parent = 0;
  std::uint32_t* memory = nullptr;
  RowRange range;
};

/// Steps for a list of expressions, or for one predicate. Thread: one at a time.
struct ProgramPlan {
  std::vector<ProgramStep> steps;
  std::vector<ProgramRegister> registers;
  std::vector<ProgramSlot> slots;
  std::vector<std::uint32_t> columns;  ///< Registers of kind kColumn.
  std::vector<std::uint32_t> results;  ///< Register of each expression.
  std::uint32_t filter_slot = 0;       ///< For a predicate: its TRUE rows.
  std::vector<std::size_t> buffer_bytes;
  bool reads_clock = false;  ///< A step depends on the time of the batch.
};

/// Memory of literals: 64 bytes for one value each, or a whole vector for a literal that is a result.
struct LiteralMemory {
  std::vector<std::unique_ptr<std::byte[]>> blocks;
  std::uint32_t capacity = 0;
  std::size_t bytes = 0;
  /// 64-byte aligned, zeroed.
  void* take(std::size_t size_bytes);
};

/// Compiles expressions (values) or one predicate into `plan`. The expressions must outlive the plan. Registers of
/// literals point into `literals`, which keeps their memory. Errors: kInvalidPattern, kUnsupported.
Result<void> compile_values(const std::vector<ExpressionPtr>& expressions, LiteralMemory& literals, ProgramPlan& plan);
Result<void> compile_predicate(const Expression& expression, LiteralMemory& literals, ProgramPlan& plan);
/// Gives every computed register a buffer number such that two that live at once never share one.
void assign_buffers(ProgramPlan& plan);

/// Writes the value of a literal of the type at `out`; the string's bytes stay where they are.
void write_literal(const Type& type, const Value& value, void* out);

/// An error of a step, before it becomes an Error.
struct StepFailure {
  bool failed = false;
  ErrorCode code = ErrorCode::kOverflow;
  std::uint32_t row = 0;
  std::string message;
};
/// Runs all steps over a batch of `rows` rows. Slot 0 and column registers are set by the caller.
void run_steps(ProgramPlan& plan, EvaluationRuntime& runtime, std::uint32_t rows, StepFailure& failure);

}  // namespace weir
