// What call.cc and the lookups (weir/pipeline/lookup.h) need of each other.
#pragma once

#include <string_view>

namespace weir {

struct FunctionEntry;

/// A registered lookup, or null. The entry stays as long as the process. Thread: any.
const FunctionEntry* find_lookup(std::string_view upper_name);
/// Whether a scalar function or a lookup has the name, in upper case.
bool is_scalar_function(std::string_view upper_name);

}  // namespace weir
