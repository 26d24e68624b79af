// What call.cc, the lookups (weir/pipeline/lookup.h) and a host's functions need of each other.
#pragma once

#include <string_view>

namespace weir {

struct FunctionEntry;

/// A registered lookup, or null. The entry stays as long as the process. Thread: any.
const FunctionEntry* find_lookup(std::string_view upper_name);
/// The same of a host's function (weir/pipeline/user_function.h).
const FunctionEntry* find_user_function(std::string_view upper_name);
/// Whether a scalar function or a lookup has the name, in upper case.
bool is_scalar_function(std::string_view upper_name);

}  // namespace weir
