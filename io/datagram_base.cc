// The part of BackendBase that is about datagrams: sockets, their buffers, and receiving many with one system call.
#include <linux/sock_diag.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "backend_base.h"
#include "host.h"
#include "weir/core/check.h"
#include "weir/io/format.h"

namespace weir::detail {
namespace {

constexpr std::size_t kDatagramsPerCall = 32;
constexpr std::size_t kControlBytes = 64;

Result<void> check(const DatagramConfig& config) {
  if (config.address.local()) {
    return Error(ErrorCode::kInvalidArgument, "datagrams come over UDP, not over " + config.address.to_string());
  }
  if (!std::has_single_bit(config.datagrams_max) || config.datagrams_max > 32768)
    return Error(ErrorCode::kInvalidArgument, "datagrams_max must be a power of two from 1 to 32768");
  if (config.datagram_bytes_max < 64 || config.datagram_bytes_max > 65536)
    return Error(ErrorCode::kInvalidArgument, "datagram_bytes_max must be from 64 to 65536");
  return {};
}

}  // namespace

Result<std::uint32_t> BackendBase::make_pool(const DatagramConfig& config) {
  WEIR_TRY(check(config));
  std::uint32_t index = 0;
  while (index < pools_.size() && (pools_[index].open || pools_[index].held != 0)) ++index;
  if (index == kDatagramPoolsMax) {
    return Error(ErrorCode::kLimitExceeded,
                 "a backend opens at most " + std::to_string(kDatagramPoolsMax) + " sockets for datagrams");
  }
  DatagramPool pool;
  pool.bytes_max = config.datagram_bytes_max;
  pool.buffers = config.datagrams_max;
  pool.stride = (kDatagramHeaderBytes + config.datagram_bytes_max + kReadPadding + 63) / 64 * 64;
  pool.memory_bytes = pool.stride * pool.buffers;
  void* memory =
      ::mmap(nullptr, pool.memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return Error(ErrorCode::kOutOfMemory, "no memory for " + std::to_string(pool.buffers) + " datagrams of " +
                                              std::to_string(pool.bytes_max) + " bytes");
  }
  pool.memory = static_cast<char*>(memory);
  for (std::uint32_t i = pool.buffers; i-- > 0;) pool.free.push_back(i);
  pool.open = true;
  if (index == pools_.size())
    pools_.push_back(std::move(pool));
  else
    pools_[index] = std::move(pool);
  return index;
}

Result<Listener> BackendBase::open_datagrams(const DatagramConfig& config) {
  WEIR_ASSIGN(const std::uint32_t pool, make_pool(config));
  auto socket = host_datagrams(config);
  if (!socket.has_value()) {
    drop_pool(pool);
    return std::move(socket).error();
  }
  const std::uint32_t handle = take_handle(HandleKind::kDatagram, socket->fd);
  if (handle == kNone) {
    ::close(socket->fd);
    drop_pool(pool);
    return Error(ErrorCode::kLimitExceeded, "cannot open " + config.address.to_string() + ": handles_max (" +
                                                std::to_string(config_.handles_max) + ") are open");
  }
  handles_[handle].datagrams = pool;
  datagrams_opened(pool);
  return Listener{handle_id(handle), socket->port};
}

void BackendBase::drop_pool(std::uint32_t index) noexcept {
  DatagramPool& pool = pools_[index];
  pool.open = false;
  if (pool.held != 0 || pool.memory == nullptr) return;  // the last buffer that comes back ends it
  datagrams_closed(index);
  ::munmap(pool.memory, pool.memory_bytes);
  pool.memory = nullptr;
}

std::uint64_t BackendBase::datagrams_dropped(IoHandle socket) noexcept {
  const HandleSlot& handle = handles_[handle_index(socket)];
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t bytes = sizeof info;
  ++counters_.system_calls;
  if (::getsockopt(handle.fd, SOL_SOCKET, SO_MEMINFO, info.data(), &bytes) == 0) return info[SK_MEMINFO_DROPS];
  return pools_[handle.datagrams].last_dropped;
}

OpId BackendBase::receive_datagrams(IoHandle socket, Completion& completion, std::uint64_t tag) noexcept {
  const std::uint32_t handle = handle_index(socket);
  WEIR_CHECK(handles_[handle].kind == HandleKind::kDatagram);
  const std::uint32_t pool = handles_[handle].datagrams;
  WEIR_CHECK(pools_[pool].op == kNone);
  const std::uint32_t op = take_op(OpKind::kDatagrams, handle, &completion, tag);
  if (op == kNone) return {};
  ops_[op].stream = pool;
  pools_[pool].op = op;
  start_op(op);
  return op_id(op);
}

void BackendBase::deliver_datagram(std::uint32_t index, std::uint32_t buffer, const char* data, std::uint32_t bytes,
                                   std::uint32_t dropped, bool truncated) noexcept {
  const OpSlot& op = ops_[index];
  DatagramPool& pool = pools_[op.stream];
  ++pool.held;
  pool.last_dropped = dropped;
  IoEvent event;
  event.dropped = dropped;
  event.truncated = truncated;
  emit_data(index, bytes, data, kDatagramBuffer | (op.stream << 16) | buffer, event);
}

void BackendBase::return_datagram(std::uint32_t buffer) noexcept {
  const std::uint32_t index = (buffer & ~kDatagramBuffer) >> 16;
  WEIR_CHECK(index < pools_.size() && (buffer & 0xFFFF) < pools_[index].buffers);
  DatagramPool& pool = pools_[index];
  WEIR_CHECK(pool.held > 0);
  --pool.held;
  if (!pool.open) {
    if (pool.held == 0) drop_pool(index);
    return;
  }
  datagram_free(index, buffer & 0xFFFF);
}

int BackendBase::receive_datagrams_now(std::uint32_t index) noexcept {
  DatagramPool& pool = pools_[ops_[index].stream];
  const std::size_t count = std::min(pool.free.size(), kDatagramsPerCall);
  std::array<mmsghdr, kDatagramsPerCall> messages{};
  std::array<iovec, kDatagramsPerCall> vectors{};
  alignas(cmsghdr) std::array<std::array<char, kControlBytes>, kDatagramsPerCall> controls;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t buffer = pool.free[pool.free.size() - 1 - i];
    vectors[i] = {pool.memory + buffer * pool.stride + kDatagramHeaderBytes, pool.bytes_max};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = controls[i].data();
    messages[i].msg_hdr.msg_controllen = kControlBytes;
  }
  ++counters_.system_calls;
  const int received =
      ::recvmmsg(handles_[ops_[index].handle].fd, messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
  if (received < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
  std::array<std::uint32_t, kDatagramsPerCall> buffers{};
  for (int i = 0; i < received; ++i) {
    buffers[static_cast<std::size_t>(i)] = pool.free.back();
    pool.free.pop_back();
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i) {
    const msghdr& header = messages[i].msg_hdr;
    const std::uint32_t dropped = host_dropped(header).value_or(pool.last_dropped);
    deliver_datagram(index, buffers[i], static_cast<const char*>(vectors[i].iov_base), messages[i].msg_len, dropped,
                     (header.msg_flags & MSG_TRUNC) != 0);
  }
  return static_cast<std::size_t>(received) == count ? 1 : 0;
}

}  // namespace weir::detail
