// Arithmetic: resolution of + - * / % and unary minus over numbers, times and intervals.
#pragma once

#include "expression/functions.h"

namespace weir {

Result<ExpressionPtr> resolve_add(const FunctionEntry& entry, Arguments arguments, SourceSpan span);
Result<ExpressionPtr> resolve_subtract(const FunctionEntry& entry, Arguments arguments, SourceSpan span);
Result<ExpressionPtr> resolve_multiply(const FunctionEntry& entry, Arguments arguments, SourceSpan span);
Result<ExpressionPtr> resolve_divide(const FunctionEntry& entry, Arguments arguments, SourceSpan span);
Result<ExpressionPtr> resolve_remainder(const FunctionEntry& entry, Arguments arguments, SourceSpan span);

/// Adds calendar months to nanoseconds of wall clock; the day is cut to the month's last. False on overflow.
bool add_months(std::int64_t nanos, std::int64_t months, std::int64_t& out) noexcept;

}  // namespace weir
