// Names of calls that are no scalar functions: functions of the dialect that Weir has not yet (to say so instead of
// "unknown function"), and what SQL has a syntax of its own for.
#pragma once

#include <string>
#include <string_view>

namespace weir::sql {

/// Why the function cannot be used and what may serve instead; "" where the dialect has no such function. `name` in
/// upper case.
std::string unsupported_function(std::string_view name);

/// How Weir spells an aggregate that other dialects or libraries call `name` (in upper case); "" where it is none.
std::string_view own_spelling(std::string_view name) noexcept;

/// TUMBLE, HOP, CUMULATE, SESSION. `name` in upper case, as below.
bool is_window_function(std::string_view name) noexcept;
/// "TUMBLE" of "TUMBLE_START", or "".
std::string_view property_window(std::string_view name) noexcept;
/// Whether the parser or the binder takes the name for itself, so that a host's function would never be called.
bool has_own_syntax(std::string_view name) noexcept;

}  // namespace weir::sql
