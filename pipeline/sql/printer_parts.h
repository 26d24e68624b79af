// Pieces of printing that expressions and statements share.
#pragma once

#include <string>
#include <vector>

#include "ast.h"

namespace weir::sql::parts {

std::string path(const Path& path);
std::string name_list(const Path& names);
/// A plain word bare, anything else in backticks.
std::string function_name(const std::string& name);
std::string list(const std::vector<Expr>& items);
std::string sort_list(const std::vector<SortItem>& items);
std::string over(const Over& over);

}  // namespace weir::sql::parts
