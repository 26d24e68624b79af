// Counts what threads take from the heap while they are watched: the tests' own malloc stands before the system's.
#pragma once

#include <cstdint>
#include <string>

namespace weir::test {

/// False under a sanitizer, which brings its own malloc.
bool allocations_are_counted() noexcept;
/// From here on, what the calling thread allocates is counted.
void watch_this_thread() noexcept;
void unwatch_this_thread() noexcept;
/// Of all watched threads since the last reset.
std::uint64_t allocations() noexcept;
void reset_allocations() noexcept;
/// Where the first of them came from: one frame a line.
std::string first_allocation();

}  // namespace weir::test
