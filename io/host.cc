// See host.h.
#include "host.h"

#include <dirent.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

}  // namespace

Result<HostFile> host_open(const std::string& path, OpenMode mode) {
  HostFile file;
  const bool standard = path == kStandardStream;
  if (standard) {
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
  const int one = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

Result<HostListener> host_listen(const SocketAddress& address) {
  WEIR_ASSIGN(const HostAddress resolved, host_resolve(address, true));
  const int fd = ::socket(resolved.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error::from_errno(errno, "cannot listen on " + address.to_string());
  const int one = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&resolved.storage), resolved.length) != 0 ||
      ::listen(fd, 1024) != 0 || ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    const int reason = errno;
    ::close(fd);
    if (reason == EADDRINUSE)
      return Error(ErrorCode::kAddressInUse, "cannot listen on " + address.to_string() + ": the port is taken")
          .with_hint("choose another port, or 0 for any that is free");
    return Error::from_errno(reason, "cannot listen on " + address.to_string());
  }
  const std::uint16_t port = bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                                                         : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port;
  return HostListener{fd, ntohs(port)};
}

}  // namespace weir::detail
