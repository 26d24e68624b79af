// Silent connections in a child process (idle_peers.h).
#include "net/idle_peers.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/loopback.h"

namespace weir::bench {
namespace {

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "weir-bench: cannot %s\n", what);
  std::exit(2);
}

}  // namespace

std::uint64_t descriptors_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::uint64_t open_descriptors() {
  std::uint64_t count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

IdlePeers::IdlePeers(std::uint16_t port, std::uint32_t connections) {
  int hold[2], said[2];
  if (::pipe(hold) != 0 || ::pipe(said) != 0) refuse("make a pipe");
  const std::string port_text = std::to_string(port), count_text = std::to_string(connections);
  child_ = ::fork();
  if (child_ < 0) refuse("make a process");
  if (child_ == 0) {
    ::dup2(hold[0], 0);
    ::dup2(said[1], 1);
    for (int fd = 3; fd < 65536; ++fd) ::close(fd);
    ::execl("/proc/self/exe", "weir-bench", "--idle-peers-child", port_text.c_str(), count_text.c_str(),
            static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(hold[0]);
  ::close(said[1]);
  hold_ = hold[1];
  char ready = 0;
  const bool all = ::read(said[0], &ready, 1) == 1;
  ::close(said[0]);
  if (!all) refuse("open all idle connections");
}

IdlePeers::~IdlePeers() {
  if (child_ < 0) return;
  ::close(hold_);
  ::waitpid(child_, nullptr, 0);
}

int idle_peers_child(const char* port, const char* connections) {
  (void)descriptors_max();
  std::vector<Socket> sockets(std::strtoul(connections, nullptr, 10));
  for (Socket& socket : sockets)
    socket = Socket::connect_to(static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10)));
  char byte = 1;
  if (::write(1, &byte, 1) != 1) return 1;
  while (::read(0, &byte, 1) > 0) {
  }
  return 0;
}

}  // namespace weir::bench
