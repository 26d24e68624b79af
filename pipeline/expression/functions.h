// Functions: the table of scalar functions, how a call finds its overload, and what an overload is made of.
//
// A function is one FunctionEntry: the name, the help text, and either overloads (parameters as codes, a kernel) or a
// resolver that builds the tree itself (operators, special forms). README.md says how to add one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expression/kernel.h"
#include "weir/core/result.h"
#include "weir/pipeline/expression.h"

namespace weir {

using Arguments = std::vector<ExpressionPtr>;
using Kernel = void (*)(KernelCall& call);

enum FunctionFlag : std::uint8_t {
  kMayBeNull = 1,   ///< Gives NULL for some values.
  kNotStrict = 2,   ///< Takes NULL arguments; the kernel looks at operands' validity itself.
  kVolatile = 4,    ///< Depends on the clock or the watermark: never folded.
  kZoned = 8,       ///< Depends on the session's time zone: folded when the program is compiled.
  kNeverNull = 16,  ///< Not strict, and gives a value for every row.
};

/// One overload. Immutable; static, or a host's, which the calls of it keep.
struct ScalarFunction {
  std::string_view name;
  /// One code a parameter: b BOOLEAN, i INT, l BIGINT, d DOUBLE, m DECIMAL, s STRING, x BYTES, D DATE, t TIME,
  /// T TIMESTAMP, Z TIMESTAMP_LTZ, I INTERVAL DAY, M INTERVAL MONTH, u a unit literal such as 'HOUR', a anything.
  /// A trailing * repeats the last code, any number of times from 0.
  std::string_view parameters;
  char result = 's';  ///< A code, or a digit: the type of that argument.
  Kernel kernel = nullptr;
  std::uint8_t flags = 0;
  Type (*result_type)(const Arguments& arguments) = nullptr;  ///< Instead of `result`.
  /// Makes the state when a program is compiled. Errors: kInvalidPattern, kUnsupported.
  Result<std::unique_ptr<ScalarFunctionState>> (*prepare)(const Expression& call) = nullptr;

  bool has(FunctionFlag flag) const noexcept { return (flags & flag) != 0; }
};

struct FunctionEntry;
using Resolver = Result<ExpressionPtr> (*)(const FunctionEntry& entry, Arguments arguments, SourceSpan span);

struct FunctionEntry {
  std::string_view name;  ///< Upper case.
  std::string_view signature;
  std::string_view meaning;
  std::span<const ScalarFunction> overloads{};
  Resolver resolver = nullptr;  ///< Null: by overloads.
};

// The table, by file.
std::span<const FunctionEntry> operator_entries();     // operators.cc
std::span<const FunctionEntry> conditional_entries();  // conditional.cc
std::span<const FunctionEntry> math_entries();         // math_functions.cc
std::span<const FunctionEntry> string_entries();       // string_functions.cc
std::span<const FunctionEntry> pattern_entries();      // pattern_functions.cc
std::span<const FunctionEntry> time_entries();         // time_functions.cc
std::span<const ScalarFunction> floor_of_numbers();    // math_functions.cc
std::span<const ScalarFunction> ceiling_of_numbers();

// Making nodes (expression.cc, call.cc).
/// A call node of an overload whose arguments are already of the right types; folds constants. `owner` keeps a host's
/// function.
ExpressionPtr make_function_call(const ScalarFunction& function, Arguments arguments, Type type, SourceSpan span,
                                 std::shared_ptr<const void> owner = nullptr);
ExpressionPtr make_boolean(bool value);
ExpressionPtr make_null(Type type);
/// AND, OR over BOOLEAN arguments; simplifies literals.
Result<ExpressionPtr> make_logical(Expression::Kind kind, Arguments arguments, SourceSpan span);
/// Picks the overload by the cheapest coercion. Errors: kSqlType.
Result<ExpressionPtr> resolve_overload(const FunctionEntry& entry, Arguments arguments, SourceSpan span,
                                       std::shared_ptr<const void> owner = nullptr);
/// kSqlType: "no '+' for INT and BOOLEAN" with the signature as hint.
Error type_error(const FunctionEntry& entry, const Arguments& arguments);
Error argument_count_error(const FunctionEntry& entry, const Arguments& arguments);
/// The program's entry for constants; the zone is that of the session.
Result<Value> evaluate_constant_in(const Expression& expression, std::string_view time_zone);

// Types (types.cc).
bool is_literal(const Expression& expression) noexcept;
bool is_null_literal(const Expression& expression) noexcept;
Type with_nullable(Type type, bool nullable);
bool any_nullable(const Arguments& arguments) noexcept;
/// A cast that SQL makes by itself; the same expression where the type is the same. A string literal is turned into a
/// number, date or time.
Result<ExpressionPtr> coerce(ExpressionPtr argument, const Type& type);
/// Cost of making the argument one of the type without being asked, or -1.
int coercion_cost(const Expression& argument, const Type& type) noexcept;
/// The DECIMAL that holds every value of an integer type; DECIMAL itself.
Type decimal_of(const Type& type);
/// The type both sides of a comparison are made to, string literals included.
std::optional<Type> comparison_type(const Expression& left, const Expression& right);

// Kernels that other files need.
enum class Comparison : std::uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
/// Null where the function is not a comparison kernel of two operands of one physical type.
const ScalarFunction* comparison_function(Comparison comparison, Physical physical);
/// Which comparison a resolved function is.
std::optional<Comparison> comparison_of(const ScalarFunction& function);
/// Writes the rows of `in` for which the comparison is TRUE to out and returns how many.
std::uint32_t select_rows(Comparison comparison, Physical physical, const Operand& left, const Operand& right,
                          RowRange in, std::uint32_t* out);
/// Cast kernel of a kCast node, or null where there is none. `zoned` says whether it needs the time zone.
Kernel cast_kernel(const Type& from, const Type& to, bool* zoned);

}  // namespace weir
