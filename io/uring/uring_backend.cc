// The io_uring backend: one ring a shard, created disabled and enabled by the thread that polls first, so that only it
// submits (SINGLE_ISSUER) and completions are worked off only when it asks (DEFER_TASKRUN).
//
// Receive streams are multishot receives, each on the buffer ring of its group: that the ring is empty (-ENOBUFS) is
// lack of credit, not an error. A stream without a group waits for readiness, which needs no buffer. What an older
// kernel refuses (-EINVAL) is done one op at a time instead. On Unix sockets each receive is asked for anew: a
// multishot one may lose the end of the stream there (seen on Linux 6.18). Datagrams are multishot recvmsg on a ring of
// their own.
#include "uring/uring_backend.h"

#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "backend_base.h"
#include "host.h"
#include "weir/core/check.h"

namespace weir::detail {
namespace {

constexpr std::uint64_t kIgnored = 0;               // user_data of cancels: what they cancel speaks for itself
constexpr std::uint64_t kWake = ~std::uint64_t{0};  // of the poll on the eventfd
constexpr std::size_t kPage = 4096;
constexpr std::size_t kDatagramControlBytes = 24;  // one SO_RXQ_OVFL: CMSG_SPACE(sizeof(std::uint32_t))
constexpr std::size_t kDatagramPrefixBytes = sizeof(io_uring_recvmsg_out) + kDatagramControlBytes;
static_assert(kDatagramPrefixBytes <= kDatagramHeaderBytes);
constexpr unsigned kEntriesMax = 4096;
constexpr unsigned kCompletionsMax = 65536;

class UringBackend final : public BackendBase {
 public:
  explicit UringBackend(const BackendConfig& config) : BackendBase(config) {}
  ~UringBackend() override;
  Result<void> create();

  std::string_view name() const noexcept override { return "uring"; }
  int register_buffer(std::span<char> memory) noexcept override;
  void unregister_buffer(int number) noexcept override;

 protected:
  void start_op(std::uint32_t op) noexcept override;
  void cancel_op(std::uint32_t op) noexcept override;
  std::size_t reap() noexcept override;
  void wait(std::int64_t timeout_ns) noexcept override;
  void buffer_free(std::uint32_t group, std::uint32_t index) noexcept override;
  void ask_group_back(std::uint32_t group) noexcept override;
  void datagram_free(std::uint32_t pool, std::uint32_t index) noexcept override;
  void datagrams_opened(std::uint32_t pool) noexcept override;
  void datagrams_closed(std::uint32_t pool) noexcept override;

 private:
  void enable() noexcept;
  void add_datagram(std::uint32_t pool, std::uint32_t index) noexcept;
  void start_datagrams(std::uint32_t op) noexcept;
  void on_datagrams(std::uint32_t op, std::int32_t result, std::uint32_t flags) noexcept;
  void poll_datagrams(std::uint32_t op) noexcept;
  void let_group_go(std::uint32_t op) noexcept;

  void make_buffer_rings() noexcept;
  void arm_wake() noexcept;
  io_uring_sqe* take_sqe() noexcept;
  void start_receive(std::uint32_t op, io_uring_sqe* sqe) noexcept;
  void start_poll(std::uint32_t op, unsigned events) noexcept;
  void restart(std::uint32_t op) noexcept;
  bool must_enter() const noexcept;
  void submit() noexcept;

  void handle(std::uint64_t user_data, std::int32_t result, std::uint32_t flags) noexcept;
  void on_accept(std::uint32_t op, std::int32_t result, bool more) noexcept;
  void on_receive(std::uint32_t op, std::int32_t result, std::uint32_t flags) noexcept;
  void on_receive_single(std::uint32_t op, std::int32_t result) noexcept;
  void receive_ended(std::uint32_t op) noexcept;
  void on_readable(std::uint32_t op, std::int32_t result) noexcept;
  void on_transfer(std::uint32_t op, std::int32_t result) noexcept;
  void on_connect(std::uint32_t op, std::int32_t result) noexcept;

  io_uring_buf_ring* buffer_ring(std::uint32_t group) noexcept {
    return reinterpret_cast<io_uring_buf_ring*>(buffer_rings_ + std::size_t{group} * kPage);
  }
  void add_to_ring(std::uint32_t group, std::uint32_t index) noexcept {
    io_uring_buf_ring* ring = buffer_ring(group);
    io_uring_buf_ring_add(ring, buffer_memory(group, index), config_.receive_buffer_bytes,
                          static_cast<unsigned short>(index), io_uring_buf_ring_mask(config_.receive_buffers_max), 0);
    io_uring_buf_ring_advance(ring, 1);
  }

  io_uring ring_{};
  bool created_ = false;
  bool enabled_ = false;
  bool registered_ring_ = false;
  bool wake_armed_ = false;
  bool multishot_accept_ = true;
  bool multishot_receive_ = false;
  pthread_t owner_{};
  std::uint32_t pipe_writes_ = 0;            // while there are any, SIGPIPE is blocked around entering the kernel
  std::vector<bool> polling_;                // the op waits for readiness before it is tried again
  std::vector<std::uint8_t> single_buffer_;  // the buffer of a receive that is not multishot
  std::vector<bool> registered_;
  char* buffer_rings_ = nullptr;
  bool multishot_datagrams_ = true;
  struct DatagramRing {
    io_uring_buf_ring* ring = nullptr;
    std::size_t bytes = 0;
    msghdr shape{};  // what the kernel is told of each message; must live as long as the op
  };
  std::vector<std::unique_ptr<DatagramRing>> datagram_rings_;  // by pool; ring is null where polls are used
};

UringBackend::~UringBackend() {
  if (!created_) return;
  // A shard thread that has ended took its ops with it: the kernel cancels and awaits them at its exit.
  const bool here = !enabled_ || ::pthread_equal(owner_, ::pthread_self()) != 0;
  if (here) drain();
  if (!here && registered_ring_) {  // it went with its thread; the number may be another ring's in this one
    ring_.enter_ring_fd = ring_.ring_fd;
    ring_.int_flags = 0;
  }
  ::io_uring_queue_exit(&ring_);
  if (buffer_rings_ != nullptr) ::munmap(buffer_rings_, config_.receive_streams_max * kPage);
  for (const auto& ring : datagram_rings_)
    if (ring != nullptr && ring->ring != nullptr) ::munmap(ring->ring, ring->bytes);
}

Result<void> UringBackend::create() {
  WEIR_TRY(setup());
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                 IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE;
  // Where more is asked for than the ring holds, submitting comes a little earlier.
  const unsigned entries = std::clamp<unsigned>(std::bit_ceil(config_.ops_max * 2), 64, kEntriesMax);
  params.cq_entries = std::max(entries * 4, std::min(std::bit_ceil(config_.ops_max * 2), kCompletionsMax));
  const int result = ::io_uring_queue_init_params(entries, &ring_, &params);
  if (result < 0) {
    Error reason = Error::from_errno(-result, "io_uring cannot be used");
    return Error(ErrorCode::kUnavailable, std::string(reason.message()))
        .with_hint("run with --backend epoll, or let the system allow io_uring (Linux 6.1 or newer)");
  }
  created_ = true;
  const unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_FAST_POLL;
  if ((params.features & needed) != needed)
    return Error(ErrorCode::kUnavailable, "io_uring of this kernel may lose completions")
        .with_hint("run with --backend epoll");
  polling_.resize(ops_.size());
  single_buffer_.resize(ops_.size());
  if (config_.registered_buffers_max != 0 &&
      ::io_uring_register_buffers_sparse(&ring_, config_.registered_buffers_max) == 0)
    registered_.resize(config_.registered_buffers_max);
  make_buffer_rings();
  return {};
}

void UringBackend::make_buffer_rings() noexcept {
  if (config_.receive_streams_max == 0) return;
  void* memory =
      ::mmap(nullptr, config_.receive_streams_max * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  buffer_rings_ = static_cast<char*>(memory);
  for (std::uint32_t group = 0; group < config_.receive_streams_max; ++group) {
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffer_ring(group));
    registration.ring_entries = config_.receive_buffers_max;
    registration.bgid = static_cast<std::uint16_t>(group);
    if (::io_uring_register_buf_ring(&ring_, &registration, 0) != 0) return;  // one buffer at a time, then
    for (std::uint32_t index = 0; index < config_.receive_buffers_max; ++index) add_to_ring(group, index);
  }
  multishot_receive_ = true;
}

void UringBackend::enable() noexcept {
  if (enabled_) return;
  enabled_ = true;
  owner_ = ::pthread_self();
  // liburing 2.3 declares io_uring_enable_rings, but its shared library does not export it.
  const long result = ::syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  WEIR_CHECK_EQ(result, 0);
  // Entering the ring by a number of this thread saves looking its descriptor up. A thread has 16 of them.
  registered_ring_ = ::io_uring_register_ring_fd(&ring_) == 1;
}

int UringBackend::register_buffer(std::span<char> memory) noexcept {
  for (std::size_t slot = 0; slot < registered_.size(); ++slot) {
    if (registered_[slot]) continue;
    const iovec vector{memory.data(), memory.size()};
    const __u64 no_tag = 0;
    if (::io_uring_register_buffers_update_tag(&ring_, static_cast<unsigned>(slot), &vector, &no_tag, 1) != 1)
      return -1;  // the limit of locked memory, usually
    registered_[slot] = true;
    return static_cast<int>(slot);
  }
  return -1;
}

void UringBackend::unregister_buffer(int number) noexcept {
  const iovec nothing{nullptr, 0};
  const __u64 no_tag = 0;
  if (::io_uring_register_buffers_update_tag(&ring_, static_cast<unsigned>(number), &nothing, &no_tag, 1) == 1)
    registered_[static_cast<std::size_t>(number)] = false;
}

// --- Submitting -----------------------------------------------------------------------------------------------------

bool UringBackend::must_enter() const noexcept {
  const unsigned flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
  return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

void UringBackend::submit() noexcept {
  enable();
  const bool work = ::io_uring_sq_ready(&ring_) != 0;
  if (!work && !must_enter()) return;
  if (::io_uring_cq_has_overflow(&ring_)) ++counters_.completion_overflows;
  std::optional<SigpipeBlock> block;
  if (pipe_writes_ != 0) block.emplace();
  ++counters_.system_calls;
  // -EBUSY, -EAGAIN: the kernel is short of memory or the completion ring is full; the next turn tries again.
  (void)(work ? ::io_uring_submit_and_get_events(&ring_) : ::io_uring_get_events(&ring_));
}

io_uring_sqe* UringBackend::take_sqe() noexcept {
  io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
  for (int attempts = 0; sqe == nullptr; ++attempts) {
    WEIR_CHECK_LT(attempts, 1'000'000);
    submit();
    sqe = ::io_uring_get_sqe(&ring_);
  }
  return sqe;
}

void UringBackend::arm_wake() noexcept {
  io_uring_sqe* sqe = take_sqe();
  // Multishot polls fire at every write; the eventfd is never read and its counter cannot run full.
  ::io_uring_prep_poll_multishot(sqe, wake_fd_, POLLIN);
  sqe->user_data = kWake;
  wake_armed_ = true;
}

void UringBackend::start_poll(std::uint32_t index, unsigned events) noexcept {
  io_uring_sqe* sqe = take_sqe();
  ::io_uring_prep_poll_add(sqe, handles_[ops_[index].handle].fd, events);
  sqe->user_data = op_id(index).value;
  polling_[index] = true;
}

void UringBackend::start_op(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  const HandleSlot& handle = handles_[op.handle];
  op.armed = true;
  polling_[index] = false;
  if (op.kind == OpKind::kConnect || op.kind == OpKind::kAccept) {
    // With O_NONBLOCK the ring would answer -EAGAIN instead of waiting.
    (void)::fcntl(handle.fd, F_SETFL, ::fcntl(handle.fd, F_GETFL) & ~O_NONBLOCK);
  }
  if (op.kind == OpKind::kConnect) return start_poll(index, POLLOUT);
  if (op.kind == OpKind::kDatagrams) return start_datagrams(index);
  if (op.kind == OpKind::kReceive) {
    const ReceiveClass& owner = classes_[op.receive_class];
    // Without a group: readiness first, buffers when there is something to receive.
    if (op.stream == kNone && (owner.waiting != 0 || owner.taken >= owner.quota || !take_group(index)))
      return start_poll(index, POLLIN | POLLRDHUP);
    if (groups_[op.stream].free == 0) return starve(index);
  }
  io_uring_sqe* sqe = take_sqe();
  switch (op.kind) {
    case OpKind::kRead:
      if (op.registered >= 0)
        ::io_uring_prep_read_fixed(sqe, handle.fd, op.memory, op.length, op.offset, op.registered);
      else
        ::io_uring_prep_read(sqe, handle.fd, op.memory, op.length, op.offset);
      break;
    case OpKind::kWrite:
      ::io_uring_prep_write(sqe, handle.fd, op.memory, op.length, op.offset);
      if (handle.kind == HandleKind::kStream) ++pipe_writes_;
      break;
    case OpKind::kSync:
      ::io_uring_prep_fsync(sqe, handle.fd, 0);
      break;
    case OpKind::kAccept:
      if (multishot_accept_)
        ::io_uring_prep_multishot_accept(sqe, handle.fd, nullptr, nullptr, SOCK_CLOEXEC);
      else
        ::io_uring_prep_accept(sqe, handle.fd, nullptr, nullptr, SOCK_CLOEXEC);
      break;
    case OpKind::kReceive:
      start_receive(index, sqe);
      break;
    case OpKind::kSend:
      ::io_uring_prep_send(sqe, handle.fd, op.memory, op.length, MSG_NOSIGNAL);
      break;
    default:
      WEIR_CHECK(false);
  }
  sqe->user_data = op_id(index).value;
}

void UringBackend::start_receive(std::uint32_t index, io_uring_sqe* sqe) noexcept {
  OpSlot& op = ops_[index];
  const HandleSlot& handle = handles_[op.handle];
  op.starving = false;
  if (multishot_receive_) {
    if (handle.local)
      ::io_uring_prep_recv(sqe, handle.fd, nullptr, config_.receive_buffer_bytes, 0);
    else
      ::io_uring_prep_recv_multishot(sqe, handle.fd, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = static_cast<std::uint16_t>(op.stream);
    return;
  }
  const int buffer = std::countr_zero(groups_[op.stream].free);
  single_buffer_[index] = static_cast<std::uint8_t>(buffer);
  ::io_uring_prep_recv(sqe, handle.fd, buffer_memory(op.stream, static_cast<std::uint32_t>(buffer)),
                       config_.receive_buffer_bytes, 0);
}

/// The receive is cancelled; its terminal completion lets the group go.
void UringBackend::ask_group_back(std::uint32_t group) noexcept {
  const std::uint32_t index = groups_[group].op;
  if (ops_[index].armed) return cancel_op(index);
  if (!ops_[index].finished) let_group_go(index);
}

/// Requires: nothing receives into the group. The stream goes on as soon as it has something to receive.
void UringBackend::let_group_go(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  op.starving = groups_[op.stream].held != 0;
  if (op.starving) return;  // the last buffer that comes back lets it go
  give_group(index);
  start_op(index);
}

void UringBackend::restart(std::uint32_t index) noexcept {
  if (ops_[index].finished) return;  // cancelled while it was not armed: the end is queued
  if (ops_[index].cancelled)
    finish_later(index, -ECANCELED);
  else
    start_op(index);
}

void UringBackend::cancel_op(std::uint32_t index) noexcept {
  io_uring_sqe* sqe = take_sqe();
  ::io_uring_prep_cancel64(sqe, op_id(index).value, 0);
  sqe->user_data = kIgnored;
}

void UringBackend::buffer_free(std::uint32_t group, std::uint32_t index) noexcept {
  if (multishot_receive_) add_to_ring(group, index);
  const std::uint32_t op = groups_[group].op;
  if (op != kNone && ops_[op].starving && !ops_[op].finished && groups_[group].asked) return let_group_go(op);
  end_starving(op);
}

// --- Reaping --------------------------------------------------------------------------------------------------------

std::size_t UringBackend::reap() noexcept {
  if (!wake_armed_) arm_wake();
  submit();
  const std::uint64_t before = counters_.events;
  for (std::uint32_t handled = 0; handled < config_.events_per_poll_max; ++handled) {
    if (::io_uring_cq_ready(&ring_) == 0) break;
    io_uring_cqe* cqe = nullptr;
    if (::io_uring_peek_batch_cqe(&ring_, &cqe, 1) == 0) break;
    const std::uint64_t user_data = cqe->user_data;
    const std::int32_t result = cqe->res;
    const std::uint32_t flags = cqe->flags;
    ::io_uring_cqe_seen(&ring_, cqe);
    handle(user_data, result, flags);
  }
  return static_cast<std::size_t>(counters_.events - before);
}

void UringBackend::wait(std::int64_t timeout_ns) noexcept {
  enable();
  if (!wake_armed_) arm_wake();
  __kernel_timespec span{};
  span.tv_sec = timeout_ns / 1'000'000'000;
  span.tv_nsec = timeout_ns % 1'000'000'000;
  std::optional<SigpipeBlock> block;
  if (pipe_writes_ != 0) block.emplace();
  ++counters_.system_calls;
  io_uring_cqe* cqe = nullptr;
  (void)::io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, timeout_ns < 0 ? nullptr : &span, nullptr);
}

void UringBackend::handle(std::uint64_t user_data, std::int32_t result, std::uint32_t flags) noexcept {
  const bool more = (flags & IORING_CQE_F_MORE) != 0;
  if (user_data == kIgnored) return;
  if (user_data == kWake) {
    if (!more) wake_armed_ = false;
    return;
  }
  const std::uint32_t index = find_op(user_data);
  WEIR_CHECK(index != kNone);  // a slot lives until its terminal completion
  OpSlot& op = ops_[index];
  if (!more) op.armed = false;
  switch (op.kind) {
    case OpKind::kAccept:
      return on_accept(index, result, more);
    case OpKind::kReceive:
      if (polling_[index]) return on_readable(index, result);
      return multishot_receive_ ? on_receive(index, result, flags) : on_receive_single(index, result);
    case OpKind::kDatagrams:
      return on_datagrams(index, result, flags);
    case OpKind::kRead:
    case OpKind::kWrite:
    case OpKind::kSend:
      return on_transfer(index, result);
    case OpKind::kConnect:
      return on_connect(index, result);
    default:
      return deliver(index, result, false);
  }
}

void UringBackend::on_accept(std::uint32_t index, std::int32_t result, bool more) noexcept {
  if (result >= 0) {
    deliver_connection(index, result);
  } else if (result == -EINVAL && multishot_accept_ && !more && !ops_[index].cancelled) {
    multishot_accept_ = false;
  } else if (result != -ECONNABORTED && result != -EINTR && result != -EAGAIN) {
    return deliver(index, result, false);
  }
  if (!more) restart(index);
}

/// A stream without a group has something to receive.
void UringBackend::on_readable(std::uint32_t index, std::int32_t result) noexcept {
  polling_[index] = false;
  if (ops_[index].finished) return;
  if (ops_[index].cancelled) return deliver(index, -ECANCELED, false);
  if (result < 0 && result != -ECANCELED && result != -EINTR) return deliver(index, result, false);
  if (result > 0 && !take_group(index)) return;  // in the queue
  start_op(index);
}

void UringBackend::on_receive(std::uint32_t index, std::int32_t result, std::uint32_t flags) noexcept {
  OpSlot& op = ops_[index];
  const bool more = (flags & IORING_CQE_F_MORE) != 0;
  const bool has_buffer = (flags & IORING_CQE_F_BUFFER) != 0;
  const std::uint32_t buffer = flags >> IORING_CQE_BUFFER_SHIFT;
  if (result > 0) {
    WEIR_CHECK(has_buffer);
    op.armed = true;  // so that nobody starts it anew while its completion runs
    deliver_data(index, static_cast<std::uint32_t>(result), buffer);
    if (!more) receive_ended(index);
    return;
  }
  if (has_buffer) add_to_ring(op.stream, buffer);  // taken, but nothing came
  if (more) return;
  if (result == -ENOBUFS && !op.cancelled) {
    // Data completions come before this one, so `free` says what the ring holds now.
    ++counters_.credit_stalls;
    return receive_ended(index);
  }
  // -ECANCELED without being asked to: the group is wanted back, or it was and has gone already.
  if (result == -EINTR || result == -EAGAIN || (result == -ECANCELED && !op.cancelled)) return receive_ended(index);
  if (result == -EINVAL && !op.cancelled && groups_[op.stream].held == 0) {
    multishot_receive_ = false;
    return restart(index);
  }
  deliver(index, result == -ENOBUFS ? -ECANCELED : result, false);
}

/// A receive has ended and the stream has not.
void UringBackend::receive_ended(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  if (op.finished) return;
  op.armed = false;
  if (op.cancelled) return finish_later(index, -ECANCELED);
  if (op.stream != kNone && groups_[op.stream].asked) return let_group_go(index);
  if (op.stream != kNone && groups_[op.stream].free == 0) {
    op.starving = true;
    return;
  }
  start_op(index);
}

void UringBackend::on_receive_single(std::uint32_t index, std::int32_t result) noexcept {
  if (result == -EINTR || result == -EAGAIN || (result == -ECANCELED && !ops_[index].cancelled))
    return receive_ended(index);
  if (result <= 0) return deliver(index, result, false);
  ops_[index].armed = true;
  deliver_data(index, static_cast<std::uint32_t>(result), single_buffer_[index]);
  receive_ended(index);
}

// --- Datagrams ------------------------------------------------------------------------------------------------------

/// Gives the pool a ring of its own, behind those of the groups; where that is not possible, polls take its place.
void UringBackend::datagrams_opened(std::uint32_t pool) noexcept {
  if (datagram_rings_.size() <= pool) datagram_rings_.resize(pool + 1);
  datagram_rings_[pool] = std::make_unique<DatagramRing>();
  DatagramRing& ring = *datagram_rings_[pool];
  ring.shape.msg_controllen = kDatagramControlBytes;
  if (!multishot_datagrams_) return;
  ring.bytes = (pools_[pool].buffers * sizeof(io_uring_buf) + kPage - 1) / kPage * kPage;
  void* memory = ::mmap(nullptr, ring.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = pools_[pool].buffers;
  registration.bgid = static_cast<std::uint16_t>(config_.receive_streams_max + pool);
  if (::io_uring_register_buf_ring(&ring_, &registration, 0) != 0) {
    ::munmap(memory, ring.bytes);
    return;
  }
  ring.ring = static_cast<io_uring_buf_ring*>(memory);
  for (const std::uint32_t index : pools_[pool].free) add_datagram(pool, index);
  pools_[pool].free.clear();
}

void UringBackend::datagrams_closed(std::uint32_t pool) noexcept {
  if (pool >= datagram_rings_.size() || datagram_rings_[pool] == nullptr) return;
  DatagramRing& ring = *datagram_rings_[pool];
  if (ring.ring != nullptr) {
    (void)::io_uring_unregister_buf_ring(&ring_, static_cast<int>(config_.receive_streams_max + pool));
    ::munmap(ring.ring, ring.bytes);
  }
  datagram_rings_[pool].reset();
}

void UringBackend::add_datagram(std::uint32_t pool, std::uint32_t index) noexcept {
  io_uring_buf_ring* ring = datagram_rings_[pool]->ring;
  const DatagramPool& buffers = pools_[pool];
  // The kernel writes its header, what the socket says of drops, and the bytes, one behind the other.
  ::io_uring_buf_ring_add(ring, buffers.memory + index * buffers.stride,
                          static_cast<unsigned>(kDatagramPrefixBytes + buffers.bytes_max),
                          static_cast<unsigned short>(index), ::io_uring_buf_ring_mask(buffers.buffers), 0);
  ::io_uring_buf_ring_advance(ring, 1);
}

void UringBackend::start_datagrams(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  DatagramRing& ring = *datagram_rings_[op.stream];
  op.starving = false;
  if (ring.ring == nullptr || !multishot_datagrams_) return poll_datagrams(index);
  io_uring_sqe* sqe = take_sqe();
  ::io_uring_prep_recvmsg(sqe, handles_[op.handle].fd, &ring.shape, MSG_TRUNC);
  sqe->ioprio |= IORING_RECV_MULTISHOT;
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = static_cast<std::uint16_t>(config_.receive_streams_max + op.stream);
  sqe->user_data = op_id(index).value;
}

/// Without multishot: readiness, then many datagrams with one system call.
void UringBackend::poll_datagrams(std::uint32_t index) noexcept {
  if (pools_[ops_[index].stream].free.empty()) return starve(index);
  start_poll(index, POLLIN);
}

void UringBackend::datagram_free(std::uint32_t pool, std::uint32_t index) noexcept {
  if (datagram_rings_[pool]->ring != nullptr)
    add_datagram(pool, index);
  else
    pools_[pool].free.push_back(index);
  end_starving(pools_[pool].op);
}

void UringBackend::on_datagrams(std::uint32_t index, std::int32_t result, std::uint32_t flags) noexcept {
  OpSlot& op = ops_[index];
  DatagramPool& pool = pools_[op.stream];
  if (polling_[index]) {
    polling_[index] = false;
    if (op.cancelled) return deliver(index, -ECANCELED, false);
    if (result < 0 && result != -EINTR) return deliver(index, result, false);
    const int received = receive_datagrams_now(index);
    if (received < 0) return deliver(index, received, false);
    return restart(index);
  }
  const bool more = (flags & IORING_CQE_F_MORE) != 0;
  const std::uint32_t buffer = flags >> IORING_CQE_BUFFER_SHIFT;
  if (result >= 0 && (flags & IORING_CQE_F_BUFFER) != 0) {
    char* const memory = pool.memory + buffer * pool.stride;
    auto* out = ::io_uring_recvmsg_validate(memory, result, &datagram_rings_[op.stream]->shape);
    if (out == nullptr) {
      add_datagram(op.stream, buffer);
    } else {
      msghdr message{};
      message.msg_control = memory + sizeof *out;
      message.msg_controllen = out->controllen;
      const std::uint32_t dropped = host_dropped(message).value_or(pool.last_dropped);
      const char* data = memory + sizeof *out + kDatagramControlBytes;
      const auto bytes = std::min<std::uint32_t>(out->payloadlen, pool.bytes_max);
      op.armed = true;
      deliver_datagram(index, buffer, data, bytes, dropped,
                       (out->flags & MSG_TRUNC) != 0 || out->payloadlen > pool.bytes_max);
      op.armed = more;
    }
    if (!more) restart(index);
    return;
  }
  if ((flags & IORING_CQE_F_BUFFER) != 0) add_datagram(op.stream, buffer);
  if (more) return;
  if (op.cancelled) return deliver(index, -ECANCELED, false);
  if (result == -ENOBUFS) {
    ++counters_.credit_stalls;
    if (pool.held < pool.buffers) return restart(index);
    op.starving = true;
    return;
  }
  if (result == -EINVAL && multishot_datagrams_) {  // a kernel before 6.0
    multishot_datagrams_ = false;
    datagrams_closed(op.stream);
    datagram_rings_[op.stream] = std::make_unique<DatagramRing>();
    for (std::uint32_t i = 0; i < pool.buffers; ++i) pool.free.push_back(i);
    return restart(index);
  }
  if (result == -EINTR || result == -EAGAIN || result == 0) return restart(index);
  deliver(index, result, false);
}

void UringBackend::on_transfer(std::uint32_t index, std::int32_t result) noexcept {
  OpSlot& op = ops_[index];
  const bool was_polling = polling_[index];
  polling_[index] = false;
  if (op.kind == OpKind::kWrite && !was_polling && handles_[op.handle].kind == HandleKind::kStream) --pipe_writes_;
  if (op.cancelled && (was_polling || result == -EAGAIN || result == -EINTR)) return deliver(index, -ECANCELED, false);
  if (was_polling || result == -EINTR) return restart(index);
  if (result == -EAGAIN) {  // the descriptor came to us non-blocking: wait for it, then try again
    op.armed = true;
    return start_poll(index, op.kind == OpKind::kRead ? POLLIN : POLLOUT);
  }
  deliver(index, result, false);
}

void UringBackend::on_connect(std::uint32_t index, std::int32_t result) noexcept {
  if (result >= 0) result = -host_socket_error(handles_[ops_[index].handle].fd);
  deliver(index, result, false);
}

}  // namespace

Result<std::unique_ptr<IoBackend>> make_uring_backend(const BackendConfig& config) {
  return create_backend(std::make_unique<UringBackend>(config));
}

}  // namespace weir::detail
