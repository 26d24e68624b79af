// What the host's system is asked at setup: files, folders, addresses. Shared by the backends that run on it.
#pragma once

#include <sys/socket.h>

#include <optional>
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
Result<void> host_rename(const std::string& from, const std::string& to);
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
/// TCP or Unix. A Unix path that is left over from a process that ended is taken over.
Result<HostListener> host_listen(const SocketAddress& address);
/// A bound UDP socket that has joined its group and counts what it drops.
Result<HostListener> host_datagrams(const DatagramConfig& config);
/// The socket's count of drops that came with a message, where one came.
std::optional<std::uint32_t> host_dropped(const msghdr& message) noexcept;
/// The errno that a socket has kept, 0 where none; the socket forgets it.
int host_socket_error(int fd) noexcept;
/// Address of the other end without its port; "unix".
std::string host_peer_name(int fd);
/// A non-blocking stream socket; of TCP with TCP_NODELAY.
Result<int> host_socket(int family);
void host_tune_connection(int fd) noexcept;
/// Acknowledges what was received on a TCP connection now, and leaves later receives without an acknowledgement of
/// their own as far as TCP's rules go.
void host_acknowledge(int fd) noexcept;

}  // namespace weir::detail
