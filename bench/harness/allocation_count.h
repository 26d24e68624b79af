// Counts every allocation of the process: this program puts its own malloc in front of the system's, and operator new
// comes here through it.
#pragma once

#include <cstdint>

namespace weir::bench {

/// malloc, calloc, realloc and aligned allocations so far, by any thread.
std::uint64_t allocations() noexcept;

}  // namespace weir::bench
