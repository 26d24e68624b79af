// Printer: a syntax tree as canonical SQL. parse(print(tree)) == tree; parentheses stand only where the binding powers
// need them.
#pragma once

#include <string>
#include <string_view>

#include "ast.h"

namespace weir::sql {

/// Binding powers of operators; a higher one binds tighter.
namespace power {
inline constexpr int kOr = 22;
inline constexpr int kAnd = 24;
inline constexpr int kNot = 26;
inline constexpr int kIs = 28;
inline constexpr int kComparison = 30;
inline constexpr int kPredicate = 32;
inline constexpr int kSum = 40;
inline constexpr int kProduct = 60;
inline constexpr int kSign = 80;
inline constexpr int kPrimary = 100;
/// 0 where the sign is no binary operator.
int of_operator(std::string_view sign) noexcept;
}  // namespace power

std::string print(const Script& script);
std::string print(const Query& query);
std::string print(const Expr& expr);
std::string print(const TypeName& type);
/// `name` in backticks, a string in quotes.
std::string quote_name(std::string_view name);
std::string quote_string(std::string_view text);

}  // namespace weir::sql
