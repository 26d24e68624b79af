// Keywords: which words cannot stand as names, which units and types there are.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sql {

/// Words that end or begin a clause and so are never taken for a name without backticks. `word` in upper case.
bool is_reserved(std::string_view word) noexcept;
/// Words that Flink reserves and Weir takes as names; a script that uses them bare does not run on Flink.
bool is_reserved_in_flink(std::string_view word) noexcept;
/// CURRENT_TIMESTAMP and such, which are called without parentheses.
bool is_bare_function(std::string_view word) noexcept;
/// "SECOND" for SECOND and SECONDS, …; "" where it is no unit. `word` in upper case.
std::string_view canonical_unit(std::string_view word) noexcept;
/// All singular units.
const std::vector<std::string>& unit_names();
/// Words that may begin a clause after a select list, for did-you-mean.
const std::vector<std::string>& clause_keywords();
/// Words that may begin a statement, for did-you-mean.
const std::vector<std::string>& statement_keywords();

}  // namespace weir::sql
