// Handing over to weir-bench. See bench.h.
#include "bench.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "command_line.h"

namespace weir::cli {

int run_bench(int argument_count, char** arguments) {
  std::error_code ignored;
  const std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "weir-bench";
  std::vector<char*> passed;
  std::string name = program.string();
  passed.push_back(name.data());
  for (int i = 2; i < argument_count; ++i) passed.push_back(arguments[i]);
  passed.push_back(nullptr);
  ::execv(name.c_str(), passed.data());
  std::fprintf(stderr, "weir: cannot run %s: %s\nhint: build it with -DWEIR_BUILD_BENCH=ON, beside this program\n",
               name.c_str(), std::strerror(errno));
  return kExitUnavailable;
}

}  // namespace weir::cli
