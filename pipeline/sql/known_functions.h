// Functions of the dialect that Weir has not yet: to say so instead of "unknown function".
#pragma once

#include <string>
#include <string_view>

namespace weir::sql {

/// Why the function cannot be used and what may serve instead; "" where the dialect has no such function. `name` in
/// upper case.
std::string unsupported_function(std::string_view name);

}  // namespace weir::sql
