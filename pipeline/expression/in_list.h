// IN over a list of literals: a set made when the program is compiled.
#pragma once

#include "expression/functions.h"

namespace weir {

/// Whether lists of the type become a set (floating point does not: NaN and -0.0 keep the rules of =).
bool in_list_takes(const Type& type) noexcept;
/// The overload that looks argument 0 up among the literals after it. Requires: in_list_takes of a type so held.
const ScalarFunction& in_list_function(Physical physical);

}  // namespace weir
