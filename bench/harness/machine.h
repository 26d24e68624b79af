// What a figure was measured on, and how much memory this process has taken.
#pragma once

#include <cstddef>
#include <string>

namespace weir::bench {

struct Machine {
  std::string cpu, kernel, compiler, build_type, date, load;
  unsigned cores = 0;
};

Machine this_machine();
/// Greatest resident memory of this process so far, bytes (VmHWM).
std::size_t peak_memory_bytes();
/// Resident memory of this process now, bytes (VmRSS).
std::size_t resident_memory_bytes();
/// What the system keeps for itself in slabs and as memory of TCP sockets now, of all processes, bytes.
std::size_t system_memory_bytes();

}  // namespace weir::bench
