// IdlePeers: thousands of connections that say nothing, held by a process of their own, so that the descriptors of both
// ends are not one process's.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace weir::bench {

/// Descriptors that this process may have; raised as far as the system allows.
std::uint64_t descriptors_max();
std::uint64_t open_descriptors();

class IdlePeers {
 public:
  IdlePeers() = default;
  /// Connects that many times to the port, and returns when they stand.
  IdlePeers(std::uint16_t port, std::uint32_t connections);
  IdlePeers(const IdlePeers&) = delete;
  IdlePeers& operator=(const IdlePeers&) = delete;
  ~IdlePeers();

 private:
  pid_t child_ = -1;
  int hold_ = -1;  // closing it ends the child
};

/// The child process.
int idle_peers_child(const char* port, const char* connections);

}  // namespace weir::bench
