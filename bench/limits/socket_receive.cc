// The limits of receiving: a connection taken by one multishot receive over a ring of provided buffers, where nobody
// looks at a byte; and the echo of a ping-pong, a busy loop over one socket.
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "limits/limits.h"

namespace weir::bench {
namespace {

constexpr std::uint16_t kGroup = 0;

class Receive {
 public:
  Receive(unsigned buffers, unsigned buffer_bytes) : buffers_(buffers), buffer_bytes_(buffer_bytes) {
    io_uring_params params{};
    params.flags =
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE;
    params.cq_entries = 1024;
    if (::io_uring_queue_init_params(64, &ring_, &params) != 0) return;
    made_ = true;
    pages_ = ::mmap(nullptr, pages_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages_ == MAP_FAILED) return;
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(pages_);
    registration.ring_entries = buffers_;
    registration.bgid = kGroup;
    ready_ = ::io_uring_register_buf_ring(&ring_, &registration, 0) == 0;
    for (unsigned i = 0; ready_ && i < buffers_; ++i) give(i);
  }
  Receive(const Receive&) = delete;
  Receive& operator=(const Receive&) = delete;
  ~Receive() {
    if (made_) ::io_uring_queue_exit(&ring_);
    if (pages_ != MAP_FAILED) ::munmap(pages_, pages_bytes());
  }

  /// Bytes up to the peer's end.
  std::uint64_t run(int connection) {
    std::uint64_t bytes = 0;
    if (!ready_) return bytes;
    for (bool armed = false, ended = false; !ended;) {
      if (!armed) {
        io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
        ::io_uring_prep_recv_multishot(sqe, connection, nullptr, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = kGroup;
        armed = true;
      }
      // Waiting in the system would cost a wake-up each time that the sender is slower.
      if (::io_uring_sq_ready(&ring_) != 0 || (IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_TASKRUN) != 0)
        ::io_uring_submit_and_get_events(&ring_);
      io_uring_cqe* cqe = nullptr;
      while (::io_uring_peek_cqe(&ring_, &cqe) == 0) {
        const int result = cqe->res;
        const unsigned flags = cqe->flags;
        ::io_uring_cqe_seen(&ring_, cqe);
        if (result > 0) bytes += static_cast<std::uint64_t>(result);
        if ((flags & IORING_CQE_F_BUFFER) != 0) give(flags >> IORING_CQE_BUFFER_SHIFT);
        if ((flags & IORING_CQE_F_MORE) == 0) armed = false;
        if (result == 0 || (result < 0 && result != -ENOBUFS)) ended = true;
      }
    }
    return bytes;
  }

 private:
  std::size_t pages_bytes() const noexcept { return kPage + std::size_t{buffers_} * buffer_bytes_; }
  void give(unsigned index) noexcept {
    auto* ring = static_cast<io_uring_buf_ring*>(pages_);
    ::io_uring_buf_ring_add(ring, static_cast<char*>(pages_) + kPage + std::size_t{index} * buffer_bytes_,
                            buffer_bytes_, static_cast<unsigned short>(index), ::io_uring_buf_ring_mask(buffers_), 0);
    ::io_uring_buf_ring_advance(ring, 1);
  }

  static constexpr std::size_t kPage = 16384;  // of the ring, 1,024 entries at most
  unsigned buffers_, buffer_bytes_;
  io_uring ring_{};
  bool made_ = false;
  bool ready_ = false;
  void* pages_ = MAP_FAILED;
};

}  // namespace

std::uint64_t receive_socket(int listener, unsigned buffers, unsigned buffer_bytes) {
  Receive receive(buffers, buffer_bytes);
  const int connection = ::accept(listener, nullptr, nullptr);
  const std::uint64_t bytes = receive.run(connection);
  ::close(connection);
  return bytes;
}

std::uint64_t echo_socket(int listener, std::size_t message_bytes, bool two_connections) {
  const int in = ::accept(listener, nullptr, nullptr);
  const int out = two_connections ? ::accept(listener, nullptr, nullptr) : in;
  const int one = 1;
  (void)::setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  std::vector<char> message(message_bytes);
  std::uint64_t echoed = 0;
  for (std::size_t filled = 0;;) {
    const ssize_t got = ::recv(in, message.data() + filled, message_bytes - filled, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (got < 0) continue;
    filled += static_cast<std::size_t>(got);
    if (filled != message_bytes) continue;
    if (::send(out, message.data(), message_bytes, MSG_NOSIGNAL) != static_cast<ssize_t>(message_bytes)) break;
    filled = 0;
    ++echoed;
  }
  ::close(in);
  if (two_connections) ::close(out);
  return echoed;
}

}  // namespace weir::bench
