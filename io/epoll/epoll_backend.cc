// The epoll backend: for systems that forbid io_uring. Ops are tried in poll(), a bounded number a turn; what would
// block waits in its handle's list until epoll reports an edge. Descriptors are registered once, edge-triggered, before
// the first try, so that no edge can fall between a try and the wait.
#include "epoll/epoll_backend.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <climits>
#include <optional>

#include "backend_base.h"
#include "host.h"
#include "weir/core/check.h"

namespace weir::detail {
namespace {

constexpr std::uint64_t kWake = ~std::uint64_t{0};
constexpr std::size_t kFileBytesPerPollMax = std::size_t{1} << 20;

class EpollBackend final : public BackendBase {
 public:
  explicit EpollBackend(const BackendConfig& config) : BackendBase(config) {}
  ~EpollBackend() override;
  Result<void> create();
  std::string_view name() const noexcept override { return "epoll"; }

 protected:
  void start_op(std::uint32_t op) noexcept override;
  void cancel_op(std::uint32_t op) noexcept override;
  std::size_t reap() noexcept override;
  void wait(std::int64_t timeout_ns) noexcept override;
  void buffer_free(std::uint32_t group, std::uint32_t index) noexcept override;
  void ask_group_back(std::uint32_t group) noexcept override;
  void datagram_free(std::uint32_t pool, std::uint32_t index) noexcept override;
  void handle_opened(std::uint32_t handle) noexcept override;
  std::int32_t close_now(HandleSlot& handle) noexcept override;

 private:
  void enqueue(std::uint32_t op) noexcept { next_.push_back(op); }
  /// The op waits for its descriptor.
  void wait_for(std::uint32_t op) noexcept;
  void take_edges(int timeout_ms) noexcept;
  void release(std::uint32_t& list) noexcept;
  bool unlink(std::uint32_t& list, std::uint32_t op) noexcept;

  void attempt(std::uint32_t op) noexcept;
  void attempt_transfer(std::uint32_t op) noexcept;
  void attempt_receive(std::uint32_t op) noexcept;
  void attempt_datagrams(std::uint32_t op) noexcept;
  void attempt_accept(std::uint32_t op) noexcept;
  void attempt_connect(std::uint32_t op) noexcept;
  ssize_t transfer(const OpSlot& op, const HandleSlot& handle) noexcept;
  ssize_t read_stream(const OpSlot& op, int fd) noexcept;
  ssize_t write_stream(const OpSlot& op, int fd) noexcept;

  static bool incoming(OpKind kind) noexcept {
    return kind == OpKind::kRead || kind == OpKind::kReceive || kind == OpKind::kAccept || kind == OpKind::kDatagrams;
  }

  int epoll_fd_ = -1;
  std::size_t waiting_ = 0;          // ops in lists of handles
  std::size_t file_bytes_left_ = 0;  // this turn
  std::vector<std::uint32_t> run_;   // ops of this turn
  std::vector<std::uint32_t> next_;  // ops of the next turn
};

EpollBackend::~EpollBackend() {
  if (epoll_fd_ < 0) return;
  drain();
  ::close(epoll_fd_);
}

Result<void> EpollBackend::create() {
  WEIR_TRY(setup());
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return Error::from_errno(errno, "cannot make an epoll instance");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // the eventfd is never read: every write is an edge
  event.data.u64 = kWake;
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0)
    return Error::from_errno(errno, "cannot watch an eventfd");
  run_.reserve(2 * ops_.size());
  next_.reserve(2 * ops_.size());
  return {};
}

void EpollBackend::handle_opened(std::uint32_t index) noexcept {
  HandleSlot& handle = handles_[index];
  if (handle.kind == HandleKind::kDirect) return;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = handle_id(index).value;
  ++counters_.system_calls;
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, handle.fd, &event) != 0 && handle.kind == HandleKind::kStream)
    handle.kind = HandleKind::kDirect;  // EPERM: such a file never waits (/dev/full, /dev/null)
}

std::int32_t EpollBackend::close_now(HandleSlot& handle) noexcept {
  // Explicitly, since a descriptor made from the standard input shares its registration with the original.
  if (handle.kind != HandleKind::kDirect) (void)::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, handle.fd, nullptr);
  return BackendBase::close_now(handle);
}

void EpollBackend::start_op(std::uint32_t index) noexcept {
  ops_[index].armed = true;
  enqueue(index);
}

void EpollBackend::wait_for(std::uint32_t index) noexcept {
  HandleSlot& handle = handles_[ops_[index].handle];
  std::uint32_t& list = incoming(ops_[index].kind) ? handle.waiting_in : handle.waiting_out;
  ops_[index].next = list;
  list = index;
  ++waiting_;
}

bool EpollBackend::unlink(std::uint32_t& list, std::uint32_t index) noexcept {
  for (std::uint32_t* at = &list; *at != kNone; at = &ops_[*at].next) {
    if (*at != index) continue;
    *at = ops_[index].next;
    --waiting_;
    return true;
  }
  return false;
}

void EpollBackend::cancel_op(std::uint32_t index) noexcept {
  HandleSlot& handle = handles_[ops_[index].handle];
  if (!unlink(handle.waiting_in, index) && !unlink(handle.waiting_out, index)) {
    std::replace(run_.begin(), run_.end(), index, kNone);
    std::replace(next_.begin(), next_.end(), index, kNone);
  }
  finish_later(index, -ECANCELED);
}

void EpollBackend::buffer_free(std::uint32_t group, std::uint32_t) noexcept {
  end_starving(groups_[group].op);
}

/// A stream that waits for its peer needs no buffers; one that is about to receive gives them away first.
void EpollBackend::ask_group_back(std::uint32_t group) noexcept {
  const std::uint32_t index = groups_[group].op;
  if (ops_[index].blocked) give_group(index);
}

void EpollBackend::datagram_free(std::uint32_t pool, std::uint32_t index) noexcept {
  pools_[pool].free.push_back(index);
  end_starving(pools_[pool].op);
}

void EpollBackend::release(std::uint32_t& list) noexcept {
  while (list != kNone) {
    const std::uint32_t index = list;
    list = ops_[index].next;
    ops_[index].blocked = false;
    --waiting_;
    enqueue(index);
  }
}

void EpollBackend::take_edges(int timeout_ms) noexcept {
  std::array<epoll_event, 64> events;
  ++counters_.system_calls;
  const int count = ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWake) continue;
    const auto index = static_cast<std::uint32_t>(event.data.u64);
    if (!handles_[index].used || handle_id(index).value != event.data.u64) continue;
    if ((event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) release(handles_[index].waiting_in);
    if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) release(handles_[index].waiting_out);
  }
}

std::size_t EpollBackend::reap() noexcept {
  const std::uint64_t before = counters_.events;
  if (waiting_ != 0) take_edges(0);
  file_bytes_left_ = kFileBytesPerPollMax;
  run_.clear();
  std::swap(run_, next_);
  std::size_t at = 0;
  for (std::size_t tried = 0; at < run_.size() && tried < config_.events_per_poll_max; ++at) {
    const std::uint32_t index = run_[at];
    if (index == kNone) continue;
    run_[at] = kNone;
    attempt(index);
    ++tried;
  }
  for (; at < run_.size(); ++at)  // the rest comes first in the next turn's order of arrival
    if (run_[at] != kNone) enqueue(run_[at]);
  run_.clear();
  return static_cast<std::size_t>(counters_.events - before);
}

void EpollBackend::wait(std::int64_t timeout_ns) noexcept {
  if (!next_.empty() || ready_events()) return;
  int timeout_ms = -1;
  if (timeout_ns >= 0)
    timeout_ms = static_cast<int>(std::min<std::int64_t>((timeout_ns + 999'999) / 1'000'000, INT_MAX));
  take_edges(timeout_ms);
}

// --- Tries ----------------------------------------------------------------------------------------------------------

void EpollBackend::attempt(std::uint32_t index) noexcept {
  switch (ops_[index].kind) {
    case OpKind::kRead:
    case OpKind::kWrite:
    case OpKind::kSend:
      return attempt_transfer(index);
    case OpKind::kReceive:
      return attempt_receive(index);
    case OpKind::kDatagrams:
      return attempt_datagrams(index);
    case OpKind::kAccept:
      return attempt_accept(index);
    case OpKind::kConnect:
      return attempt_connect(index);
    case OpKind::kSync: {
      ++counters_.system_calls;
      const int result = ::fsync(handles_[ops_[index].handle].fd);
      return deliver(index, result == 0 ? 0 : -errno, false);
    }
    default:
      WEIR_CHECK(false);
  }
}

void EpollBackend::attempt_transfer(std::uint32_t index) noexcept {
  const OpSlot& op = ops_[index];
  const HandleSlot& handle = handles_[op.handle];
  if (handle.kind == HandleKind::kDirect) {
    if (file_bytes_left_ == 0) return enqueue(index);
    file_bytes_left_ -= std::min<std::size_t>(file_bytes_left_, op.length);
  }
  ++counters_.system_calls;
  ssize_t result = 0;
  do {
    result = transfer(op, handle);
  } while (result < 0 && errno == EINTR);
  if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return wait_for(index);
  deliver(index, static_cast<std::int32_t>(result < 0 ? -errno : result), false);
}

ssize_t EpollBackend::transfer(const OpSlot& op, const HandleSlot& handle) noexcept {
  const bool reading = op.kind == OpKind::kRead;
  if (op.kind == OpKind::kSend) return ::send(handle.fd, op.memory, op.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (handle.kind == HandleKind::kStream) return reading ? read_stream(op, handle.fd) : write_stream(op, handle.fd);
  if (op.offset == kCurrentOffset)
    return reading ? ::read(handle.fd, op.memory, op.length) : ::write(handle.fd, op.memory, op.length);
  const auto offset = static_cast<off_t>(op.offset);
  return reading ? ::pread(handle.fd, op.memory, op.length, offset) : ::pwrite(handle.fd, op.memory, op.length, offset);
}

/// The standard streams are shared with other processes, so they are not made non-blocking: each call is, or else the
/// descriptor is asked first.
ssize_t EpollBackend::read_stream(const OpSlot& op, int fd) noexcept {
  const iovec vector{op.memory, op.length};
  const ssize_t result = ::preadv2(fd, &vector, 1, -1, RWF_NOWAIT);
  if (result >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) return result;
  pollfd ask{fd, POLLIN, 0};
  if (::poll(&ask, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::read(fd, op.memory, op.length);
}

ssize_t EpollBackend::write_stream(const OpSlot& op, int fd) noexcept {
  const SigpipeBlock block;
  const iovec vector{op.memory, op.length};
  const ssize_t result = ::pwritev2(fd, &vector, 1, -1, RWF_NOWAIT);
  if (result >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) return result;
  pollfd ask{fd, POLLOUT, 0};
  if (::poll(&ask, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::write(fd, op.memory, std::min<std::size_t>(op.length, PIPE_BUF));  // fits where the pipe is writable
}

void EpollBackend::attempt_receive(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  if (op.stream != kNone && groups_[op.stream].asked && groups_[op.stream].held == 0) give_group(index);
  op.armed = false;  // first: waiting may end at once, and then it is armed again
  if (!take_group(index)) return;
  op.armed = true;
  StreamGroup& group = groups_[op.stream];
  group.fresh = false;
  if (group.free == 0) return starve(index);
  const auto buffer = static_cast<std::uint32_t>(std::countr_zero(group.free));
  const int fd = handles_[op.handle].fd;
  ++counters_.system_calls;
  ssize_t result = 0;
  do {
    result = ::recv(fd, buffer_memory(op.stream, buffer), config_.receive_buffer_bytes, MSG_DONTWAIT);
  } while (result < 0 && errno == EINTR);
  if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    op.blocked = true;
    wait_for(index);
    if (group.held == 0) give_group(index);
    return;
  }
  if (result <= 0) return deliver(index, result < 0 ? -errno : 0, false);
  enqueue(index);
  deliver_data(index, static_cast<std::uint32_t>(result), buffer);
}

void EpollBackend::attempt_datagrams(std::uint32_t index) noexcept {
  if (pools_[ops_[index].stream].free.empty()) return starve(index);
  const int received = receive_datagrams_now(index);
  if (ops_[index].finished) return;
  if (received < 0) return deliver(index, received, false);
  if (received > 0) return enqueue(index);
  wait_for(index);
}

void EpollBackend::attempt_accept(std::uint32_t index) noexcept {
  const int fd = handles_[ops_[index].handle].fd;
  ++counters_.system_calls;
  const int connection = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection >= 0) {
    enqueue(index);
    return deliver_connection(index, connection);
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) return wait_for(index);
  if (errno == EINTR || errno == ECONNABORTED) return enqueue(index);
  deliver(index, -errno, false);
}

void EpollBackend::attempt_connect(std::uint32_t index) noexcept {
  const int fd = handles_[ops_[index].handle].fd;
  pollfd ask{fd, POLLOUT, 0};
  if (::poll(&ask, 1, 0) == 0) return wait_for(index);
  deliver(index, -host_socket_error(fd), false);
}

}  // namespace

Result<std::unique_ptr<IoBackend>> make_epoll_backend(const BackendConfig& config) {
  return create_backend(std::make_unique<EpollBackend>(config));
}

}  // namespace weir::detail
