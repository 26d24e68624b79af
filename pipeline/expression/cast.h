// Casts: what the cast kernels share.
#pragma once

#include <string>
#include <string_view>

#include "expression/functions.h"

namespace weir {

/// The row fails, or is NULL in a TRY_CAST.
Outcome fail_cast(KernelCall& call, std::string_view text);
/// Stores text as the result type has it: cut to VARCHAR(n) and CHAR(n), padded to CHAR(n).
Outcome store_text(KernelCall& call, StringRef& out, std::string_view text);
/// Bytes of the first `count` code points.
std::size_t bytes_of_code_points(std::string_view text, std::size_t count) noexcept;

Kernel cast_from_string(const Type& to, bool* zoned);             // cast_string.cc
Kernel cast_to_string(const Type& from, bool* zoned);             // cast_string.cc
Kernel cast_time(const Type& from, const Type& to, bool* zoned);  // cast_time.cc
Kernel cast_number(const Type& from, const Type& to);             // cast.cc

}  // namespace weir
