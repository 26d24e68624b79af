// What the host's system is asked at setup: files, folders, addresses. Shared by the backends that run on it.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "weir/io/backend.h"

namespace weir::detail {

/// A file descriptor, and what kind of thing it names.
struct HostFile {
  int fd = -1;
  bool waits = false;  ///< A pipe, terminal or the like: reading may wait for somebody.
};
Result<HostFile> host_open(const std::string& path, OpenMode mode);
Result<FileStatus> host_status(const std::string& path);
Result<FileStatus> host_status(int fd, const std::string& what);
Result<std::vector<std::string>> host_list(const std::string& directory);

struct HostAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};
Result<HostAddress> host_resolve(const SocketAddress& address, bool passive);
struct HostListener {
  int fd = -1;
  std::uint16_t port = 0;
};
Result<HostListener> host_listen(const SocketAddress& address);
/// A non-blocking TCP socket with TCP_NODELAY.
Result<int> host_socket(int family);
void host_tune_connection(int fd) noexcept;

}  // namespace weir::detail
