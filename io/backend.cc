// Addresses, backend names and the choice of a backend.
#include "weir/io/backend.h"

#include <charconv>

#include "epoll/epoll_backend.h"
#include "uring/uring_backend.h"

namespace weir {
namespace {
constexpr std::size_t kUnixPathMax = 107;  // sockaddr_un, without the zero behind it
}  // namespace

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto wrong = [text](const char* why) {
    return Error(ErrorCode::kInvalidArgument, "\"" + std::string(text) + "\" is not an address: " + why)
        .with_hint("write host:port, [ipv6]:port, :port or unix:/path");
  };
  SocketAddress address;
  if (text.starts_with("unix:")) {
    address.path = text.substr(5);
    if (address.path.empty()) return wrong("the path is missing");
    if (address.path.size() > kUnixPathMax) return wrong("a Unix socket's path has at most 107 bytes");
    if (address.path.find('\0') != std::string::npos) return wrong("a path holds no zero byte");
    return address;
  }
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("the ] is missing");
    address.host = text.substr(1, end - 1);
    if (end + 1 >= text.size() || text[end + 1] != ':') return wrong("the port is missing");
    port = text.substr(end + 2);
  } else {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong("the port is missing");
    address.host = text.substr(0, colon);
    if (address.host.find(':') != std::string::npos) return wrong("an IPv6 host stands in brackets");
    port = text.substr(colon + 1);
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (error != std::errc() || end != port.data() + port.size() || value > 65535)
    return wrong("the port is not a number from 0 to 65535");
  address.port = static_cast<std::uint16_t>(value);
  return address;
}

std::string SocketAddress::to_string() const {
  if (local()) return "unix:" + path;
  const std::string number = std::to_string(port);
  return host.find(':') != std::string::npos ? "[" + host + "]:" + number : host + ":" + number;
}

Result<BackendKind> parse_backend_kind(std::string_view text) {
  if (text == "auto") return BackendKind::kAuto;
  if (text == "uring") return BackendKind::kUring;
  if (text == "epoll") return BackendKind::kEpoll;
  return Error(ErrorCode::kInvalidArgument, "there is no io backend \"" + std::string(text) + "\"")
      .with_hint("take auto, uring or epoll");
}

Result<std::unique_ptr<IoBackend>> make_backend(BackendKind kind, const BackendConfig& config, std::string* note) {
  if (kind == BackendKind::kEpoll) return detail::make_epoll_backend(config);
  auto uring = detail::make_uring_backend(config);
  if (uring.has_value() || kind == BackendKind::kUring || uring.error().code() != ErrorCode::kUnavailable) return uring;
  if (note != nullptr)
    *note = "io backend epoll is used because io_uring is not: " + std::string(uring.error().message());
  return detail::make_epoll_backend(config);
}

}  // namespace weir
