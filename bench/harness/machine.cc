// Reads the machine's name and this process's memory from the system (machine.h).
#include "harness/machine.h"

#include <sys/utsname.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <thread>

namespace weir::bench {
namespace {

/// The rest of the first line of a /proc file that begins with `name`, without what stands between.
std::string proc_line(const char* path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, name.size(), name) != 0) continue;
    const std::size_t at = line.find_first_not_of(" \t:", name.size());
    return at == std::string::npos ? "" : line.substr(at);
  }
  return "unknown";
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.cpu = proc_line("/proc/cpuinfo", "model name") + " family " + proc_line("/proc/cpuinfo", "cpu family") +
                " model " + proc_line("/proc/cpuinfo", "model\t");
  machine.cores = std::thread::hardware_concurrency();
  utsname system{};
  if (uname(&system) == 0) machine.kernel = system.release;
#if defined(__clang__)
  machine.compiler = "Clang " __clang_version__;
#else
  machine.compiler = "GCC " __VERSION__;
#endif
  machine.build_type = WEIR_BENCH_BUILD_TYPE;
  const std::time_t now = std::time(nullptr);
  char date[32] = "";
  std::tm parts{};
  if (gmtime_r(&now, &parts) != nullptr) std::strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &parts);
  machine.date = date;
  machine.load = proc_line("/proc/loadavg", "").substr(0, 4);
  return machine;
}

std::size_t resident_memory_bytes() {
  return std::strtoull(proc_line("/proc/self/status", "VmRSS").c_str(), nullptr, 10) * 1024;
}

std::size_t system_memory_bytes() {
  const std::size_t slabs = std::strtoull(proc_line("/proc/meminfo", "Slab").c_str(), nullptr, 10) * 1024;
  const std::string tcp = proc_line("/proc/net/sockstat", "TCP");  // "inuse 1 … mem 21", in pages
  const std::size_t at = tcp.find("mem ");
  const std::size_t pages = at == std::string::npos ? 0 : std::strtoull(tcp.c_str() + at + 4, nullptr, 10);
  return slabs + pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t peak_memory_bytes() {
  return std::strtoull(proc_line("/proc/self/status", "VmHWM").c_str(), nullptr, 10) * 1024;
}

}  // namespace weir::bench
