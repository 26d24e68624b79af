// See host.h.
#include "host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace weir::detail {
namespace {

FileStatus to_status(const struct stat& found) noexcept {
  FileStatus status;
  status.size = static_cast<std::uint64_t>(found.st_size);
  status.identity = static_cast<std::uint64_t>(found.st_ino) ^ (static_cast<std::uint64_t>(found.st_dev) << 44);
  if (S_ISREG(found.st_mode))
    status.kind = FileKind::kRegular;
  else if (S_ISDIR(found.st_mode))
    status.kind = FileKind::kDirectory;
  else if (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode))
    status.kind = FileKind::kPipe;
  else
    status.kind = FileKind::kOther;
  return status;
}

int open_flags(OpenMode mode) noexcept {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kCreate:
      return O_WRONLY | O_CREAT | O_EXCL;
    case OpenMode::kTruncate:
      return O_WRONLY | O_CREAT | O_TRUNC;
    case OpenMode::kAppend:
      return O_WRONLY | O_CREAT | O_APPEND;
  }
  return O_RDONLY;
}

/// Whether there is one, and it can be read from, or written to.
bool standard_stream_is_open(OpenMode mode) noexcept {
  const int flags = ::fcntl(mode == OpenMode::kRead ? STDIN_FILENO : STDOUT_FILENO, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != (mode == OpenMode::kRead ? O_WRONLY : O_RDONLY);
}

}  // namespace

Result<HostFile> host_open(const std::string& path, OpenMode mode) {
  HostFile file;
  const bool standard = path == kStandardStream;
  if (standard) {
    if (!standard_stream_is_open(mode))
      return Error(ErrorCode::kIo, std::string("cannot open -: the standard ") +
                                       (mode == OpenMode::kRead ? "input" : "output") + " is closed")
          .with_hint(mode == OpenMode::kRead ? "redirect something into it, or name a file"
                                             : "redirect it, or name a folder");
    file.fd = ::fcntl(mode == OpenMode::kRead ? STDIN_FILENO : STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  } else {
    do {
      file.fd = ::open(path.c_str(), open_flags(mode) | O_CLOEXEC | O_NOCTTY, 0644);
    } while (file.fd < 0 && errno == EINTR);
  }
  if (file.fd < 0) {
    const int reason = errno;
    if (reason == EISDIR)
      return Error(ErrorCode::kIsDirectory, "cannot open " + path + ": it is a folder").with_hint("name a file in it");
    return Error::from_errno(reason, "cannot open " + path);
  }
  struct stat found {};
  if (::fstat(file.fd, &found) != 0) {
    const int reason = errno;
    ::close(file.fd);
    return Error::from_errno(reason, "cannot open " + path);
  }
  if (S_ISDIR(found.st_mode)) {
    ::close(file.fd);
    return Error(ErrorCode::kIsDirectory, "cannot open " + path + ": it is a folder").with_hint("name a file in it");
  }
  file.waits = !S_ISREG(found.st_mode);
  return file;
}

Result<FileStatus> host_status(const std::string& path) {
  struct stat found {};
  const int result = path == kStandardStream ? ::fstat(STDIN_FILENO, &found) : ::stat(path.c_str(), &found);
  if (result != 0) return Error::from_errno(errno, "cannot look at " + path);
  return to_status(found);
}

Result<FileStatus> host_status(int fd, const std::string& what) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return Error::from_errno(errno, "cannot look at " + what);
  return to_status(found);
}

Result<void> host_rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return Error::from_errno(errno, "cannot rename " + from + " to " + to);
}

Result<std::vector<std::string>> host_list(const std::string& directory) {
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) return Error::from_errno(errno, "cannot list " + directory);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int reason = errno;
  ::closedir(stream);
  if (reason != 0) return Error::from_errno(reason, "cannot list " + directory);
  std::sort(names.begin(), names.end());
  return names;
}

Result<HostAddress> host_resolve(const SocketAddress& address, bool passive) {
  if (address.local()) {
    HostAddress resolved;
    auto& local = reinterpret_cast<sockaddr_un&>(resolved.storage);
    local.sun_family = AF_UNIX;
    if (address.path.size() >= sizeof local.sun_path)
      return Error(ErrorCode::kInvalidArgument, "the path of " + address.to_string() + " is too long for a socket");
    std::memcpy(local.sun_path, address.path.data(), address.path.size());
    resolved.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.path.size() + 1);
    return resolved;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const char* host = address.host.empty() ? (passive ? "0.0.0.0" : "127.0.0.1") : address.host.c_str();
  const int result = ::getaddrinfo(host, port.c_str(), &hints, &found);
  if (result != 0 || found == nullptr)
    return Error(ErrorCode::kInvalidArgument,
                 "cannot look up host \"" + address.host + "\": " + ::gai_strerror(result == 0 ? EAI_NONAME : result));
  HostAddress resolved;
  const addrinfo* chosen = found;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    if (at->ai_family == AF_INET) {  // "localhost" means IPv4 first, as most peers do
      chosen = at;
      break;
    }
  }
  std::memcpy(&resolved.storage, chosen->ai_addr, chosen->ai_addrlen);
  resolved.length = chosen->ai_addrlen;
  ::freeaddrinfo(found);
  return resolved;
}

Result<int> host_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error::from_errno(errno, "cannot make a socket");
  host_tune_connection(fd);
  return fd;
}

void host_tune_connection(int fd) noexcept {
  // A Unix socket refuses these, which is right. Keepalive finds peers that have gone without a word in two minutes.
  const int one = 1, idle_s = 60, interval_s = 20, probes = 3;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  (void)::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

void host_acknowledge(int fd) noexcept {
  const int now = 1, later = 0;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &now, sizeof now);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &later, sizeof later);
}

namespace {

/// Whether the path is that of a socket on which nobody listens any more.
bool left_over(const HostAddress& address, const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool refused = ::connect(probe, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 &&
                       errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

Error cannot_listen(const SocketAddress& address, int reason) {
  if (reason == EADDRINUSE) {
    return Error(ErrorCode::kAddressInUse, "cannot listen on " + address.to_string() + ": the " +
                                               (address.local() ? "path" : "port") + " is taken")
        .with_hint(address.local() ? "choose another path, or remove what stands there"
                                   : "choose another port, or 0 for any that is free");
  }
  Error error = Error::from_errno(reason, "cannot listen on " + address.to_string());
  if (reason == EADDRNOTAVAIL)
    return std::move(error).with_hint("name an address of this machine, or 0.0.0.0 or [::] for all that it has");
  if (reason == EACCES && !address.local())
    return std::move(error).with_hint("choose a port from 1024 on, or give the program CAP_NET_BIND_SERVICE");
  return error;
}

std::uint16_t port_of(const sockaddr_storage& bound) noexcept {
  if (bound.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
  if (bound.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  return 0;
}

}  // namespace

Result<HostListener> host_listen(const SocketAddress& address) {
  WEIR_ASSIGN(const HostAddress resolved, host_resolve(address, true));
  const int fd = ::socket(resolved.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error::from_errno(errno, "cannot listen on " + address.to_string());
  const int one = 1;
  if (!address.local()) (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (address.local() && left_over(resolved, address.path)) (void)::unlink(address.path.c_str());
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&resolved.storage), resolved.length) != 0 ||
      ::listen(fd, 4096) != 0 || ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    const int reason = errno;
    ::close(fd);
    return cannot_listen(address, reason);
  }
  return HostListener{fd, port_of(bound)};
}

int host_socket_error(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  (void)::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

std::string host_peer_name(int fd) {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) return "gone";
  char text[INET6_ADDRSTRLEN] = "unix";
  if (peer.ss_family == AF_INET)
    (void)::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, text, sizeof text);
  else if (peer.ss_family == AF_INET6)
    (void)::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, text, sizeof text);
  return text;
}

// --- Datagrams ------------------------------------------------------------------------------------------------------

namespace {

/// The number of an interface that is given by name or by an IPv4 address of it; 0 for "".
Result<unsigned> interface_number(const std::string& interface) {
  if (interface.empty()) return 0u;
  if (const unsigned number = ::if_nametoindex(interface.c_str()); number != 0) return number;
  in_addr wanted{};
  if (::inet_pton(AF_INET, interface.c_str(), &wanted) == 1) {
    ifaddrs* all = nullptr;
    unsigned number = 0;
    if (::getifaddrs(&all) == 0) {
      for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
        if (reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr.s_addr == wanted.s_addr)
          number = ::if_nametoindex(at->ifa_name);
      }
      ::freeifaddrs(all);
    }
    if (number != 0) return number;
  }
  return Error(ErrorCode::kInvalidArgument, "this machine has no interface \"" + interface + "\"")
      .with_hint("name it as `ip link` does, or by its IPv4 address");
}

Result<void> join_group(int fd, const DatagramConfig& config, int family) {
  if (config.group.empty()) return {};
  WEIR_ASSIGN(const unsigned interface, interface_number(config.interface));
  int result = -1;
  if (ip_mreqn request{};
      family == AF_INET && ::inet_pton(AF_INET, config.group.c_str(), &request.imr_multiaddr) == 1) {
    request.imr_ifindex = static_cast<int>(interface);
    result = ::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
  } else if (ipv6_mreq request6{};
             family == AF_INET6 && ::inet_pton(AF_INET6, config.group.c_str(), &request6.ipv6mr_multiaddr) == 1) {
    request6.ipv6mr_interface = interface;
    result = ::setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request6, sizeof request6);
  } else {
    return Error(ErrorCode::kInvalidArgument,
                 "\"" + config.group + "\" is no multicast group of the family of " + config.address.to_string())
        .with_hint("write an address of 224.0.0.0 to 239.255.255.255, or of ff00::/8 where the address is IPv6");
  }
  if (result == 0) return {};
  if (errno == EINVAL) {
    return Error(ErrorCode::kInvalidArgument, "\"" + config.group + "\" is no multicast group")
        .with_hint("write an address of 224.0.0.0 to 239.255.255.255, or of ff00::/8");
  }
  return Error::from_errno(errno, "cannot join the group " + config.group +
                                      (config.interface.empty() ? "" : " on interface " + config.interface));
}

}  // namespace

Result<HostListener> host_datagrams(const DatagramConfig& config) {
  WEIR_ASSIGN(const HostAddress resolved, host_resolve(config.address, true));
  const int family = resolved.storage.ss_family;
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error::from_errno(errno, "cannot listen on " + config.address.to_string());
  const int one = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
  if (!config.group.empty()) {
    // Several processes may listen to one group; only its datagrams, not those of other groups on the port, are wanted.
    (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    const int none = 0;
    (void)::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &none, sizeof none);
  }
  if (config.kernel_bytes != 0) {
    // The system doubles what it is asked for; beyond net.core.rmem_max only with a privilege.
    const int bytes = static_cast<int>(std::min<std::uint32_t>(config.kernel_bytes, 1u << 30));
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
      (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&resolved.storage), resolved.length) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    const int reason = errno;
    ::close(fd);
    return cannot_listen(config.address, reason);
  }
  if (auto joined = join_group(fd, config, family); !joined.has_value()) {
    ::close(fd);
    return std::move(joined).error();
  }
  return HostListener{fd, port_of(bound)};
}

std::optional<std::uint32_t> host_dropped(const msghdr& message) noexcept {
  for (const cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr;
       at = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(at))) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SO_RXQ_OVFL) continue;
    std::uint32_t count = 0;
    std::memcpy(&count, CMSG_DATA(at), sizeof count);
    return count;
  }
  return std::nullopt;
}

}  // namespace weir::detail
