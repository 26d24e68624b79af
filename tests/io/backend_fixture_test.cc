// The worlds behind the fixture: the host (uring, epoll) and the simulation.
#include "io/backend_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "weir/core/random.h"

namespace weir {
namespace {

class HostPeer final : public Peer {
 public:
  explicit HostPeer(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  explicit HostPeer(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~HostPeer() override {
    if (fd_ >= 0) ::close(fd_);
  }
  std::size_t send(std::string_view bytes) override {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  std::string receive() override {
    std::string all;
    char buffer[65536];
    while (true) {
      const ssize_t count = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (count == 0 || (count < 0 && errno == ECONNRESET)) at_end_ = true;
      if (count <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(count));
    }
  }
  bool at_end() override { return at_end_; }
  void shutdown_send() override { ::shutdown(fd_, SHUT_WR); }
  int unacknowledged() override {
    int bytes = -1;
    EXPECT_EQ(::ioctl(fd_, SIOCOUTQ, &bytes), 0);
    return bytes;
  }
  void reset() override {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  bool at_end_ = false;
};

class HostWorld final : public World {
 public:
  explicit HostWorld(BackendKind kind) : kind_(kind) {
    std::string name = (std::filesystem::temp_directory_path() / "weir_io_XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  ~HostWorld() override {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  Clock& clock() override { return clock_; }
  Result<std::unique_ptr<IoBackend>> make(BackendConfig config) override { return make_backend(kind_, config); }
  std::string path(const std::string& name) override { return root_ + "/" + name; }
  void write_file(const std::string& name, std::string_view bytes) override {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  std::string read_file(const std::string& name) override {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  void make_directory(const std::string& name) override { std::filesystem::create_directories(path(name)); }
  void truncate_file(const std::string& name, std::size_t size) override {
    std::filesystem::resize_file(path(name), size);
  }
  void append_file(const std::string& name, std::string_view bytes) override {
    std::ofstream(path(name), std::ios::binary | std::ios::app) << bytes;
  }
  void rename_file(const std::string& from, const std::string& to) override {
    std::filesystem::rename(path(from), path(to));
  }
  void remove_file(const std::string& name) override { std::filesystem::remove(path(name)); }
  std::unique_ptr<Peer> connect(std::uint16_t port) override { return std::make_unique<HostPeer>(port); }
  std::unique_ptr<Peer> connect(const std::string& path) override { return std::make_unique<HostPeer>(path); }
  void send_datagram(std::uint16_t port, std::string_view bytes, const std::string& group) override {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!group.empty()) {
      const in_addr loopback = address.sin_addr;
      EXPECT_EQ(::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback), 0);
      EXPECT_EQ(::inet_pton(AF_INET, group.c_str(), &address.sin_addr), 1);
    }
    EXPECT_EQ(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address),
              static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  }

 private:
  BackendKind kind_;
  SystemClock clock_;
  std::string root_;
};

class SimulatedPeer final : public Peer {
 public:
  explicit SimulatedPeer(SimPeer peer) : peer_(std::move(peer)) {}
  std::size_t send(std::string_view bytes) override { return peer_.send(bytes); }
  std::string receive() override { return peer_.receive(); }
  bool at_end() override { return peer_.at_end(); }
  void shutdown_send() override { peer_.shutdown_send(); }
  void reset() override { peer_.reset(); }

 private:
  SimPeer peer_;
};

class SimulatedWorld final : public World {
 public:
  Clock& clock() override { return clock_; }
  Result<std::unique_ptr<IoBackend>> make(BackendConfig config) override { return make_sim_backend(world_, config); }
  std::string path(const std::string& name) override { return "/sim/" + name; }
  void write_file(const std::string& name, std::string_view bytes) override { world_.write_file(path(name), bytes); }
  std::string read_file(const std::string& name) override { return world_.read_file(path(name)).value_or(""); }
  void make_directory(const std::string& name) override { world_.make_directory(path(name)); }
  void truncate_file(const std::string& name, std::size_t size) override { world_.truncate_file(path(name), size); }
  void append_file(const std::string& name, std::string_view bytes) override { world_.append_file(path(name), bytes); }
  void rename_file(const std::string& from, const std::string& to) override {
    world_.rename_file(path(from), path(to));
  }
  void remove_file(const std::string& name) override { world_.remove_file(path(name)); }
  std::unique_ptr<Peer> connect(std::uint16_t port) override {
    return std::make_unique<SimulatedPeer>(world_.connect_peer(port));
  }
  std::unique_ptr<Peer> connect(const std::string& path) override {
    return std::make_unique<SimulatedPeer>(world_.connect_peer(path));
  }
  void send_datagram(std::uint16_t port, std::string_view bytes, const std::string&) override {
    world_.send_datagram(port, bytes);
  }
  bool simulated() const override { return true; }

 private:
  ManualClock clock_{1'000'000'000, 1'700'000'000'000'000'000};
  SimWorld world_{clock_, 7};
};

}  // namespace

std::unique_ptr<World> make_world(const std::string& backend) {
  if (backend == "sim") return std::make_unique<SimulatedWorld>();
  return std::make_unique<HostWorld>(backend == "uring" ? BackendKind::kUring : BackendKind::kEpoll);
}

std::string pattern(std::size_t bytes, std::uint64_t seed) {
  std::string text(bytes, '\0');
  Random random(seed);
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + random.below(26));
  return text;
}

}  // namespace weir
