// Expression: a bound scalar expression over the columns of a batch, and the program that evaluates it a vector at a
// time.
//
// The binder (sql/) or the builder makes an Expression tree through make_call/make_cast/…, which resolve overloads and
// put in casts by SQL's rules, so that SQL and C++ give the same tree. ExpressionProgram turns trees into a list of
// vector steps with scratch memory taken at setup; evaluation allocates nothing.
//
// NULL: every function is strict (a NULL argument gives NULL) but AND, OR, IS …, COALESCE, CASE, NULLIF, IF and what
// says otherwise. Errors at run time (division by zero, overflow, bad cast) concern selected rows only: a row that a
// filter or another CASE branch excludes cannot fail.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/clock.h"
#include "weir/core/result.h"
#include "weir/core/type.h"

namespace weir {

/// A scalar constant. Integers, booleans, dates and times stand in int64; DECIMAL in Int128.
struct Value {
  std::variant<std::monostate, std::int64_t, double, Int128, std::string> data;
  bool is_null() const noexcept { return data.index() == 0; }
};

/// Byte range of the SQL text that an expression came from; 0, 0 for the builder.
struct SourceSpan {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

struct ScalarFunction;  // expression/functions.h
struct Expression;
class FunctionCatalogue;
using ExpressionPtr = std::shared_ptr<const Expression>;

/// Immutable. Made only by the make_ functions below, which keep it well typed.
struct Expression {
  enum class Kind : std::uint8_t {
    kColumn,   // column
    kLiteral,  // literal
    kCall,     // function, arguments
    kCast,     // arguments[0] to type; try_cast: NULL where it fails
    kCase,     // when0, then0, when1, then1, …, else (always there, may be a NULL literal)
    kAnd,
    kOr,        // arguments, three-valued, short-circuit by selection
    kCoalesce,  // arguments of one type
  };
  Kind kind = Kind::kLiteral;
  Type type;
  std::uint32_t column = 0;
  bool try_cast = false;
  Value literal;
  const ScalarFunction* function = nullptr;
  std::shared_ptr<const void> function_owner;  ///< Keeps a host's function; null for Weir's own.
  std::vector<ExpressionPtr> arguments;
  SourceSpan span;

  /// Canonical SQL-like text with column numbers replaced by names of `schema`: "(`delay` + 1)".
  std::string to_string(const Schema& schema) const;
};

ExpressionPtr make_column(std::uint32_t column, Type type, SourceSpan span = {});
ExpressionPtr make_literal(Value value, Type type, SourceSpan span = {});
/// Resolves a function or operator by its SQL name ("+", "=", "LIKE", "UPPER", "NOT", "IS NULL", "BETWEEN", "IN",
/// "NULLIF", "IF", "AND", …, case-insensitive), coerces the arguments and folds constants. Errors: kSqlUnknownName
/// (with the nearest names as hint), kSqlType (names the argument types and the signatures that exist). A name that is
/// none of Weir's own is looked for in the host's catalogue, if there is one; the expression keeps what it calls.
Result<ExpressionPtr> make_call(std::string_view name, std::vector<ExpressionPtr> arguments, SourceSpan span = {},
                                const FunctionCatalogue* functions = nullptr);
/// Errors: kSqlType where no cast exists; kInvalidCast where a constant does not fit.
Result<ExpressionPtr> make_cast(ExpressionPtr argument, const Type& type, bool try_cast = false, SourceSpan span = {});
/// when/then pairs then the else part, or without it (NULL). Coerces the results to one type.
Result<ExpressionPtr> make_case(std::vector<ExpressionPtr> parts, SourceSpan span = {});
/// The type to which both can be coerced without loss of meaning (INT and DECIMAL, CHAR and VARCHAR, …), if there is
/// one.
std::optional<Type> common_type(const Type& left, const Type& right);
/// All scalar functions, for messages and the reference: name, signature text, one sentence.
struct FunctionHelp {
  std::string_view name, signature, meaning;
};
std::span<const FunctionHelp> scalar_functions();

/// Pushes columns through: the same expression over other column numbers. map[i] is the new number of column i, -1 is a
/// bug.
ExpressionPtr remap_columns(const ExpressionPtr& expression, std::span<const int> map);
/// Appends the column numbers that the expression reads, each once, ascending at the end.
void collect_columns(const Expression& expression, std::vector<std::uint32_t>& columns);
/// The value of an expression without columns. Errors: as at run time.
Result<Value> evaluate_constant(const Expression& expression);

/// What evaluation may know besides the batch.
struct EvaluationContext {
  Clock* clock = nullptr;                ///< For PROCTIME, NOW and such; constant within a batch.
  std::string_view time_zone = "UTC";    ///< table.local-time-zone.
  Watermark watermark = kWatermarkNone;  ///< For CURRENT_WATERMARK.
};

/// Thread: the owning shard; one program a shard. Allocates: at compile only.
class ExpressionProgram {
 public:
  /// Compiles the expressions for batches of up to `capacity` rows. string_bytes bounds the string results of one
  /// batch. Errors: kUnsupported, kInvalidPattern (a LIKE or regular expression that does not compile).
  static Result<ExpressionProgram> compile(std::vector<ExpressionPtr> expressions, std::uint32_t capacity,
                                           std::size_t string_bytes, std::string_view time_zone = "UTC");
  ExpressionProgram(ExpressionProgram&&) noexcept;
  ExpressionProgram& operator=(ExpressionProgram&&) noexcept;
  ~ExpressionProgram();

  /// Evaluates all expressions over the batch's selected rows. results()[i] is valid until the next call; its values at
  /// rows that are not selected are unspecified. A column expression gives the batch's own vector. Errors:
  /// kDivisionByZero, kOverflow, kInvalidCast, … with the row in the batch as position.
  Result<void> evaluate(const Batch& batch, const EvaluationContext& context);
  std::span<const Vector> results() const noexcept;
  /// The same with the results in `to`, one vector an expression.
  Result<void> evaluate(const Batch& batch, const EvaluationContext& context, std::span<Vector> to);

  /// For one BOOLEAN expression: writes the selected rows for which it is TRUE (not NULL) to `selection`, ascending,
  /// and returns how many. `selection` holds capacity entries and may not be the batch's own.
  Result<std::uint32_t> evaluate_filter(const Batch& batch, const EvaluationContext& context, std::uint32_t* selection);

  /// Scratch memory in bytes, for `explain`.
  std::size_t memory_bytes() const noexcept;

 private:
  struct Impl;
  explicit ExpressionProgram(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
