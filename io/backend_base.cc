// See backend_base.h.
#include "backend_base.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "host.h"
#include "weir/core/check.h"
#include "weir/core/random.h"
#include "weir/io/format.h"

namespace weir::detail {
namespace {

constexpr std::size_t kOwingMax = 256;
constexpr std::size_t kAcknowledgedPerTurn = 8;
constexpr std::uint32_t kBusyTurns = 16;  // of a shard that always has something, between acknowledgements

constexpr std::uint64_t pack(std::uint32_t generation, std::uint32_t index) noexcept {
  return (std::uint64_t{generation} << 32) | index;
}
constexpr std::uint32_t index_of(std::uint64_t id) noexcept {
  return static_cast<std::uint32_t>(id);
}
constexpr std::uint32_t generation_of(std::uint64_t id) noexcept {
  return static_cast<std::uint32_t>(id >> 32);
}
/// Generations are never 0, so that an id of a live slot never is.
constexpr std::uint32_t next_generation(std::uint32_t generation) noexcept {
  return generation + 1 == 0 ? 1 : generation + 1;
}

Error outside(const char* name, std::uint64_t least, std::uint64_t most) {
  return Error(ErrorCode::kInvalidArgument,
               std::string(name) + " must be from " + std::to_string(least) + " to " + std::to_string(most));
}

}  // namespace

BackendBase::BackendBase(const BackendConfig& config) : config_(config) {}

BackendBase::~BackendBase() {
  for (HandleSlot& handle : handles_)
    if (handle.used && handle.fd >= 0) ::close(handle.fd);
  for (DatagramPool& pool : pools_)
    if (pool.memory != nullptr) ::munmap(pool.memory, pool.memory_bytes);
  if (stream_memory_ != nullptr) ::munmap(stream_memory_, stream_memory_bytes_);
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

Result<void> BackendBase::setup() {
  if (config_.clock == nullptr) return Error(ErrorCode::kInvalidArgument, "an io backend needs a clock");
  if (config_.ops_max < 1 || config_.ops_max > 1u << 16) return outside("ops_max", 1, 1u << 16);
  if (config_.handles_max < 1 || config_.handles_max > 1u << 20) return outside("handles_max", 1, 1u << 20);
  if (config_.receive_streams_max > 32768) return outside("receive_streams_max", 0, 32768);
  if (!std::has_single_bit(config_.receive_buffers_max) || config_.receive_buffers_max > 64)
    return Error(ErrorCode::kInvalidArgument, "receive_buffers_max must be a power of two from 1 to 64");
  if (config_.receive_buffer_bytes < 1 || config_.receive_buffer_bytes > 1u << 26)
    return outside("receive_buffer_bytes", 1, 1u << 26);
  if (config_.events_per_poll_max < 1) return outside("events_per_poll_max", 1, ~std::uint32_t{0});

  const std::uint32_t slots = config_.ops_max + config_.handles_max;  // closes are never refused
  ops_.resize(slots);
  ready_.resize(slots);
  timeouts_.reserve(config_.ops_max);
  for (std::uint32_t i = slots; i-- > 0;) {
    ops_[i].next = op_free_;
    op_free_ = i;
  }
  handles_.resize(config_.handles_max);
  for (std::uint32_t i = config_.handles_max; i-- > 0;) {
    handles_[i].next = handle_free_;
    handle_free_ = i;
  }
  owing_.reserve(kOwingMax);
  groups_.resize(config_.receive_streams_max);
  for (std::uint32_t i = config_.receive_streams_max; i-- > 0;) {
    groups_[i].next = group_free_;
    group_free_ = i;
  }
  classes_.resize(1);
  classes_[0].quota = config_.receive_streams_max;
  buffer_stride_ = (config_.receive_buffer_bytes + kReadPadding + 63) / 64 * 64;
  stream_memory_bytes_ = std::size_t{config_.receive_streams_max} * config_.receive_buffers_max * buffer_stride_;
  if (stream_memory_bytes_ != 0) {
    void* memory = ::mmap(nullptr, stream_memory_bytes_, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
      return Error(ErrorCode::kOutOfMemory, "no memory for receive buffers: " + std::to_string(stream_memory_bytes_) +
                                                " bytes (receive_streams_max x receive_buffers_max)");
    stream_memory_ = static_cast<char*>(memory);
  }
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) return Error::from_errno(errno, "cannot make an eventfd");
  return {};
}

void BackendBase::drain() noexcept {
  for (std::uint32_t i = 0; i < ops_.size(); ++i)
    if (ops_[i].used) cancel(op_id(i));
  while (ops_used_ != 0) {
    if (poll() == 0 && ops_used_ != 0 && !ready_events()) wait(1'000'000);
  }
  retired_.clear();
}

// --- Tables ---------------------------------------------------------------------------------------------------------

std::uint32_t BackendBase::take_op(OpKind kind, std::uint32_t handle, Completion* completion,
                                   std::uint64_t tag) noexcept {
  if (kind != OpKind::kClose && ops_used_ - closes_used_ >= config_.ops_max) {
    ++counters_.ops_refused;
    return kNone;
  }
  const std::uint32_t index = op_free_;
  WEIR_CHECK(index != kNone);
  OpSlot& op = ops_[index];
  op_free_ = op.next;
  const std::uint32_t generation = op.generation;
  op = OpSlot{};
  op.generation = generation;
  op.kind = kind;
  op.used = true;
  op.handle = handle;
  op.completion = completion;
  op.tag = tag;
  ++ops_used_;
  if (kind == OpKind::kClose) ++closes_used_;
  if (handle != kNone && kind != OpKind::kClose) {
    HandleSlot& slot = handles_[handle];
    ++slot.ops;
    op.handle_next = slot.first_op;
    if (slot.first_op != kNone) ops_[slot.first_op].handle_before = index;
    slot.first_op = index;
  }
  ++counters_.ops_submitted;
  return index;
}

void BackendBase::retire_op(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  WEIR_DCHECK(op.used);
  if (op.in_queue) leave_queue(index);
  op.used = false;
  op.generation = next_generation(op.generation);
  op.next = op_free_;
  op_free_ = index;
  --ops_used_;
  if (op.kind == OpKind::kClose) --closes_used_;
  if (op.kind == OpKind::kDatagrams) {
    pools_[op.stream].op = kNone;
  } else if (op.stream != kNone) {
    groups_[op.stream].op = kNone;
    if (groups_[op.stream].held == 0) release_group(op.stream);
  }
  if (op.handle == kNone || op.kind == OpKind::kClose) return;
  HandleSlot& handle = handles_[op.handle];
  if (op.handle_before != kNone)
    ops_[op.handle_before].handle_next = op.handle_next;
  else
    handle.first_op = op.handle_next;
  if (op.handle_next != kNone) ops_[op.handle_next].handle_before = op.handle_before;
  if (--handle.ops == 0 && handle.closing) finish_close(op.handle);
}

std::uint32_t BackendBase::take_handle(HandleKind kind, int fd) noexcept {
  const std::uint32_t index = handle_free_;
  if (index == kNone) return kNone;
  HandleSlot& handle = handles_[index];
  handle_free_ = handle.next;
  const std::uint32_t generation = handle.generation;
  handle = HandleSlot{};
  handle.generation = generation;
  handle.kind = kind;
  handle.used = true;
  handle.fd = fd;
  handle_opened(index);
  return index;
}

void BackendBase::free_handle(std::uint32_t index) noexcept {
  HandleSlot& handle = handles_[index];
  if (handle.datagrams != kNone) drop_pool(handle.datagrams);
  handle.datagrams = kNone;
  handle.used = false;
  handle.fd = -1;
  handle.generation = next_generation(handle.generation);
  handle.next = handle_free_;
  handle_free_ = index;
}

IoHandle BackendBase::handle_id(std::uint32_t index) const noexcept {
  return {pack(handles_[index].generation, index)};
}
OpId BackendBase::op_id(std::uint32_t index) const noexcept {
  return {pack(ops_[index].generation, index)};
}

std::uint32_t BackendBase::handle_index(IoHandle handle) const noexcept {
  const std::uint32_t index = index_of(handle.value);
  WEIR_CHECK(index < handles_.size());
  WEIR_CHECK(handles_[index].used && handles_[index].generation == generation_of(handle.value));
  WEIR_CHECK(!handles_[index].closing);
  return index;
}

std::uint32_t BackendBase::find_op(std::uint64_t id) const noexcept {
  const std::uint32_t index = index_of(id);
  if (index >= ops_.size() || !ops_[index].used || ops_[index].generation != generation_of(id)) return kNone;
  return index;
}

// --- Setup on the host ----------------------------------------------------------------------------------------------

Result<IoHandle> BackendBase::open(const std::string& path, OpenMode mode) {
  WEIR_ASSIGN(const HostFile file, host_open(path, mode));
  const std::uint32_t handle = take_handle(file.waits ? HandleKind::kStream : HandleKind::kDirect, file.fd);
  if (handle == kNone) {
    ::close(file.fd);
    return Error(ErrorCode::kLimitExceeded,
                 "cannot open " + path + ": handles_max (" + std::to_string(config_.handles_max) + ") are open");
  }
  return handle_id(handle);
}

Result<void> BackendBase::rename(const std::string& from, const std::string& to) {
  return host_rename(from, to);
}

Result<FileStatus> BackendBase::status(const std::string& path) {
  return host_status(path);
}
Result<FileStatus> BackendBase::status(IoHandle handle) {
  return host_status(handles_[handle_index(handle)].fd, "an open file");
}
Result<std::vector<std::string>> BackendBase::list(const std::string& directory) {
  return host_list(directory);
}

Result<Listener> BackendBase::listen(const SocketAddress& address) {
  WEIR_ASSIGN(const HostListener listener, host_listen(address));
  const std::uint32_t handle = take_handle(HandleKind::kListener, listener.fd);
  if (handle == kNone) {
    ::close(listener.fd);
    return Error(ErrorCode::kLimitExceeded, "cannot listen on " + address.to_string() + ": handles_max (" +
                                                std::to_string(config_.handles_max) + ") are open");
  }
  handles_[handle].local = address.local();
  if (address.local()) handles_[handle].unlink_path = address.path;
  return Listener{handle_id(handle), listener.port};
}

std::string BackendBase::peer_name(IoHandle connection) {
  return host_peer_name(handles_[handle_index(connection)].fd);
}

Result<std::uint32_t> BackendBase::make_receive_class(std::uint32_t streams) {
  ReceiveClass& rest = classes_[0];
  if (streams > rest.quota - std::min(rest.quota, rest.taken)) {
    return Error(ErrorCode::kLimitExceeded, "receive_streams_max (" + std::to_string(config_.receive_streams_max) +
                                                ") leaves no " + std::to_string(streams) +
                                                " sets of buffers to set aside");
  }
  rest.quota -= streams;
  ReceiveClass& made = classes_.emplace_back();
  made.quota = streams;
  return static_cast<std::uint32_t>(classes_.size() - 1);
}

// --- Ops ------------------------------------------------------------------------------------------------------------

OpId BackendBase::read(IoHandle file, std::span<char> into, std::uint64_t offset, Completion& completion,
                       std::uint64_t tag, int registered) noexcept {
  const std::uint32_t op = take_op(OpKind::kRead, handle_index(file), &completion, tag);
  if (op == kNone) return {};
  ops_[op].memory = into.data();
  ops_[op].length = static_cast<std::uint32_t>(std::min<std::size_t>(into.size(), 1u << 30));
  ops_[op].offset = offset;
  ops_[op].registered = registered;
  start_op(op);
  return op_id(op);
}

OpId BackendBase::write(IoHandle file, std::span<const char> bytes, std::uint64_t offset, Completion& completion,
                        std::uint64_t tag) noexcept {
  const std::uint32_t op = take_op(OpKind::kWrite, handle_index(file), &completion, tag);
  if (op == kNone) return {};
  ops_[op].memory = const_cast<char*>(bytes.data());
  ops_[op].length = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), 1u << 30));
  ops_[op].offset = offset;
  start_op(op);
  return op_id(op);
}

OpId BackendBase::sync(IoHandle file, Completion& completion, std::uint64_t tag) noexcept {
  const std::uint32_t op = take_op(OpKind::kSync, handle_index(file), &completion, tag);
  if (op == kNone) return {};
  start_op(op);
  return op_id(op);
}

OpId BackendBase::close(IoHandle id, Completion* completion, std::uint64_t tag) noexcept {
  const std::uint32_t index = handle_index(id);
  HandleSlot& handle = handles_[index];
  const std::uint32_t op = take_op(OpKind::kClose, index, completion, tag);
  handle.close_op = op;
  if (handle.ops == 0) {
    const OpId result = op_id(op);
    handle.closing = true;
    finish_close(index);
    return result;
  }
  // What only the disk is awaited for ends by itself.
  if (handle.kind != HandleKind::kDirect)
    for (std::uint32_t at = handle.first_op; at != kNone; at = ops_[at].handle_next) cancel(op_id(at));
  handle.closing = true;
  return op_id(op);
}

std::int32_t BackendBase::close_now(HandleSlot& handle) noexcept {
  const int fd = handle.fd;
  handle.fd = -1;
  if (fd < 0) return 0;
  if (!handle.unlink_path.empty()) (void)::unlink(handle.unlink_path.c_str());
  ++counters_.system_calls;
  // EINTR: Linux has closed the descriptor nevertheless.
  return ::close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

void BackendBase::finish_close(std::uint32_t index) noexcept {
  HandleSlot& handle = handles_[index];
  const std::uint32_t op = handle.close_op;
  const std::int32_t result = close_now(handle);
  free_handle(index);
  ops_[op].handle = kNone;
  finish_later(op, result);
}

OpId BackendBase::accept_stream(IoHandle listener, Completion& completion, std::uint64_t tag) noexcept {
  const std::uint32_t handle = handle_index(listener);
  WEIR_CHECK(handles_[handle].kind == HandleKind::kListener);
  const std::uint32_t op = take_op(OpKind::kAccept, handle, &completion, tag);
  if (op == kNone) return {};
  start_op(op);
  return op_id(op);
}

OpId BackendBase::receive_stream(IoHandle connection, Completion& completion, std::uint64_t tag,
                                 std::uint32_t receive_class) noexcept {
  const std::uint32_t handle = handle_index(connection);
  WEIR_CHECK(handles_[handle].kind == HandleKind::kConnection);
  WEIR_CHECK(receive_class < classes_.size());
  if (classes_[receive_class].quota == 0) {
    ++counters_.ops_refused;
    return {};
  }
  const std::uint32_t op = take_op(OpKind::kReceive, handle, &completion, tag);
  if (op == kNone) return {};
  ops_[op].receive_class = receive_class;
  start_op(op);
  return op_id(op);
}

OpId BackendBase::send(IoHandle connection, std::span<const char> bytes, Completion& completion,
                       std::uint64_t tag) noexcept {
  const std::uint32_t handle = handle_index(connection);
  WEIR_CHECK(handles_[handle].kind == HandleKind::kConnection);
  const std::uint32_t op = take_op(OpKind::kSend, handle, &completion, tag);
  if (op == kNone) return {};
  ops_[op].memory = const_cast<char*>(bytes.data());
  ops_[op].length = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), 1u << 30));
  start_op(op);
  return op_id(op);
}

Result<OpId> BackendBase::connect(const SocketAddress& address, Completion& completion, std::uint64_t tag) {
  WEIR_ASSIGN(const HostAddress resolved, host_resolve(address, false));
  WEIR_ASSIGN(const int fd, host_socket(resolved.storage.ss_family));
  const std::uint32_t handle = take_handle(HandleKind::kConnection, fd);
  if (handle == kNone) {
    ::close(fd);
    return Error(ErrorCode::kLimitExceeded, "cannot connect to " + address.to_string() + ": handles_max are open");
  }
  handles_[handle].local = address.local();
  const std::uint32_t op = take_op(OpKind::kConnect, handle, &completion, tag);
  if (op == kNone) {
    ::close(fd);
    free_handle(handle);
    return Error(ErrorCode::kLimitExceeded, "cannot connect to " + address.to_string() + ": ops_max are in flight");
  }
  // The socket is non-blocking: the call starts the connection, the op waits until it stands.
  ++counters_.system_calls;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&resolved.storage), resolved.length) != 0 &&
      errno != EINPROGRESS && errno != EINTR)
    finish_later(op, -errno);
  else
    start_op(op);
  return op_id(op);
}

OpId BackendBase::timeout(std::int64_t after_ns, Completion& completion, std::uint64_t tag) noexcept {
  const std::uint32_t op = take_op(OpKind::kTimeout, kNone, &completion, tag);
  if (op == kNone) return {};
  ops_[op].deadline_ns = config_.clock->now_ns() + std::max<std::int64_t>(after_ns, 0);
  timeouts_.push_back(op);
  std::push_heap(timeouts_.begin(), timeouts_.end(),
                 [this](std::uint32_t a, std::uint32_t b) { return ops_[a].deadline_ns > ops_[b].deadline_ns; });
  return op_id(op);
}

bool BackendBase::cancel(OpId id) noexcept {
  const std::uint32_t index = find_op(id.value);
  if (index == kNone) return false;
  OpSlot& op = ops_[index];
  if (op.kind == OpKind::kClose || op.finished) return false;
  if (op.cancelled) return true;
  op.cancelled = true;
  if (op.in_queue) leave_queue(index);
  if (op.kind == OpKind::kTimeout) {
    std::erase(timeouts_, index);
    std::make_heap(timeouts_.begin(), timeouts_.end(),
                   [this](std::uint32_t a, std::uint32_t b) { return ops_[a].deadline_ns > ops_[b].deadline_ns; });
    finish_later(index, -ECANCELED);
  } else if (!op.armed) {
    finish_later(index, -ECANCELED);
  } else {
    cancel_op(index);
  }
  return true;
}

void BackendBase::shutdown_send(IoHandle connection) noexcept {
  ++counters_.system_calls;
  (void)::shutdown(handles_[handle_index(connection)].fd, SHUT_WR);
}

void BackendBase::return_buffer(std::uint32_t buffer) noexcept {
  if ((buffer & kDatagramBuffer) != 0) return return_datagram(buffer);
  const std::uint32_t group = buffer / config_.receive_buffers_max;
  const std::uint32_t index = buffer % config_.receive_buffers_max;
  WEIR_CHECK(group < groups_.size());
  StreamGroup& stream = groups_[group];
  const std::uint64_t bit = std::uint64_t{1} << index;
  WEIR_CHECK(stream.held > 0 && (stream.free & bit) == 0);
  const std::uint32_t op = stream.op;
  stream.free |= bit;
  const bool last = --stream.held == 0;
  buffer_free(group, index);  // may already have let the group go
  if (!last) return;
  if (op == kNone) return release_group(group);
  if (stream.op != op || stream.held != 0 || stream.asked || !stream.used || !others_wait(group)) return;
  // It had its turn; the next one's is now.
  stream.asked = true;
  ++classes_[stream.receive_class].asked;
  ask_group_back(group);
}

// --- Groups: sets of buffers that go round --------------------------------------------------------------------------

bool BackendBase::take_group(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  if (op.stream != kNone) return true;
  ReceiveClass& owner = classes_[op.receive_class];
  if (owner.taken < owner.quota && owner.waiting == 0) {
    grant_group(index);
    return true;
  }
  if (!op.in_queue) {
    op.in_queue = true;
    op.queue_next = kNone;
    op.queue_before = owner.last;
    (owner.last == kNone ? owner.first : ops_[owner.last].queue_next) = index;
    owner.last = index;
    ++owner.waiting;
    ++counters_.buffer_turns;
  }
  reclaim(op.receive_class);  // may grant one at once, which starts the op
  return false;
}

void BackendBase::leave_queue(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  ReceiveClass& owner = classes_[op.receive_class];
  (op.queue_before == kNone ? owner.first : ops_[op.queue_before].queue_next) = op.queue_next;
  (op.queue_next == kNone ? owner.last : ops_[op.queue_next].queue_before) = op.queue_before;
  op.in_queue = false;
  --owner.waiting;
}

void BackendBase::grant_group(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  const std::uint32_t group = group_free_;
  WEIR_CHECK(group != kNone);  // quotas sum up to the groups that there are
  StreamGroup& stream = groups_[group];
  group_free_ = stream.next;
  const std::uint32_t buffers = config_.receive_buffers_max;
  stream = StreamGroup{};
  stream.free = buffers == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << buffers) - 1;
  stream.op = index;
  stream.receive_class = op.receive_class;
  ++classes_[op.receive_class].taken;
  op.stream = group;
}

void BackendBase::give_group(std::uint32_t index) noexcept {
  const std::uint32_t group = ops_[index].stream;
  WEIR_CHECK(group != kNone && groups_[group].held == 0);
  ops_[index].stream = kNone;
  groups_[group].op = kNone;
  release_group(group);
}

void BackendBase::release_group(std::uint32_t group) noexcept {
  StreamGroup& stream = groups_[group];
  ReceiveClass& owner = classes_[stream.receive_class];
  if (stream.asked) --owner.asked;
  stream.asked = false;
  --owner.taken;
  stream.next = group_free_;
  group_free_ = group;
  if (owner.waiting == 0 || owner.taken >= owner.quota) return;
  const std::uint32_t next = owner.first;
  leave_queue(next);
  grant_group(next);
  stream.fresh = true;  // the group that came back is the one that goes out
  if (!ops_[next].finished) start_op(next);
}

void BackendBase::starve(std::uint32_t index) noexcept {
  ops_[index].starving = true;
  ops_[index].armed = false;
  ++counters_.credit_stalls;
}

void BackendBase::end_starving(std::uint32_t index) noexcept {
  if (index == kNone || !ops_[index].starving || ops_[index].finished) return;
  ops_[index].starving = false;
  start_op(index);
}

/// Looks for groups whose streams have nothing to receive; a stream that gave bytes lately gets a second chance.
void BackendBase::reclaim(std::uint32_t receive_class) noexcept {
  const ReceiveClass& owner = classes_[receive_class];
  std::size_t left = 2 * groups_.size();
  for (; left != 0 && owner.asked < owner.waiting; --left) {
    const std::uint32_t group = group_hand_;
    group_hand_ = (group_hand_ + 1) % static_cast<std::uint32_t>(groups_.size());
    StreamGroup& stream = groups_[group];
    if (stream.op == kNone || stream.receive_class != receive_class || stream.asked || stream.fresh || stream.held != 0)
      continue;
    if (std::exchange(stream.used, false)) continue;
    stream.asked = true;
    ++classes_[receive_class].asked;
    ask_group_back(group);
  }
}

// --- Delivery -------------------------------------------------------------------------------------------------------

void BackendBase::emit(Completion* completion, const IoEvent& event) noexcept {
  ++counters_.events;
  if (trace_hash_ != nullptr) {
    *trace_hash_ = mix64(*trace_hash_ ^ event.op.value);
    *trace_hash_ = mix64(*trace_hash_ ^ static_cast<std::uint64_t>(event.result) ^ (event.more ? 1u << 31 : 0u));
    *trace_hash_ = mix64(*trace_hash_ ^ static_cast<std::uint64_t>(config_.clock->now_ns()));
  }
  if (completion != nullptr) completion->complete(event);
}

void BackendBase::deliver_handle(std::uint32_t index, std::int32_t result, bool more, IoHandle handle) noexcept {
  OpSlot& op = ops_[index];
  IoEvent event;
  event.op = op_id(index);
  event.tag = op.tag;
  event.result = result;
  event.more = more;
  event.handle = handle;
  Completion* completion = op.completion;
  if (op.kind == OpKind::kConnect && !more) {
    if (result == 0) {
      event.handle = handle_id(op.handle);
    } else {  // nobody has the handle yet, so nobody else can close it
      HandleSlot& slot = handles_[op.handle];
      (void)close_now(slot);
      free_handle(op.handle);
      op.handle = kNone;
    }
  }
  if (!more) retire_op(index);
  emit(completion, event);
}

void BackendBase::deliver_data(std::uint32_t index, std::uint32_t bytes, std::uint32_t buffer) noexcept {
  const OpSlot& op = ops_[index];
  StreamGroup& group = groups_[op.stream];
  group.free &= ~(std::uint64_t{1} << buffer);
  ++group.held;
  group.used = true;
  group.fresh = false;
  note_received(op.handle);
  emit_data(index, bytes, buffer_memory(op.stream, buffer), op.stream * config_.receive_buffers_max + buffer, {});
}

void BackendBase::emit_data(std::uint32_t index, std::uint32_t bytes, const char* data, std::uint32_t buffer,
                            IoEvent event) noexcept {
  const OpSlot& op = ops_[index];
  event.op = op_id(index);
  event.tag = op.tag;
  event.result = static_cast<std::int32_t>(bytes);
  event.more = true;
  event.data = data;
  event.buffer = buffer;
  emit(op.completion, event);
}

void BackendBase::deliver_connection(std::uint32_t op, int fd) noexcept {
  const std::uint32_t handle = take_handle(HandleKind::kConnection, fd);
  if (handle == kNone) {
    ++counters_.accepts_refused;
    ::close(fd);
    return;
  }
  host_tune_connection(fd);
  deliver_handle(op, 0, true, handle_id(handle));
}

void BackendBase::finish_later(std::uint32_t index, std::int32_t result) noexcept {
  WEIR_DCHECK(!ops_[index].finished);
  ops_[index].finished = true;
  ops_[index].armed = false;
  ops_[index].result = result;
  ready_[(ready_head_ + ready_count_) % ready_.size()] = index;
  ++ready_count_;
}

std::size_t BackendBase::deliver_ready() noexcept {
  std::size_t events = 0;
  for (std::size_t left = ready_count_; left != 0; --left) {
    const std::uint32_t index = ready_[ready_head_];
    ready_head_ = (ready_head_ + 1) % ready_.size();
    --ready_count_;
    deliver(index, ops_[index].result, false);
    ++events;
  }
  return events;
}

std::size_t BackendBase::expire_timeouts() noexcept {
  if (timeouts_.empty()) return 0;
  const std::int64_t now = config_.clock->now_ns();
  std::size_t events = 0;
  while (!timeouts_.empty() && ops_[timeouts_.front()].deadline_ns <= now && events < config_.events_per_poll_max) {
    const std::uint32_t op = timeouts_.front();
    std::pop_heap(timeouts_.begin(), timeouts_.end(),
                  [this](std::uint32_t a, std::uint32_t b) { return ops_[a].deadline_ns > ops_[b].deadline_ns; });
    timeouts_.pop_back();
    deliver(op, 0, false);
    ++events;
  }
  return events;
}

/// TCP acknowledges a short message in the very call that receives it, which takes as long as sending one, before
/// anyone has seen the message. So connections put that off (host_acknowledge) until the shard has nothing better to
/// do.
void BackendBase::note_received(std::uint32_t index) noexcept {
  HandleSlot& handle = handles_[index];
  if (handle.owes || handle.local || handle.fd < 0 || owing_.size() == kOwingMax) return;
  handle.owes = true;
  owing_.push_back(handle_id(index));
}

void BackendBase::acknowledge(std::size_t connections_max) noexcept {
  const auto count = static_cast<std::ptrdiff_t>(std::min(connections_max, owing_.size()));
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const IoHandle id = owing_[static_cast<std::size_t>(i)];
    HandleSlot& handle = handles_[index_of(id.value)];
    if (!handle.used || handle.generation != generation_of(id.value)) continue;
    handle.owes = false;
    if (handle.fd < 0) continue;
    host_acknowledge(handle.fd);
    counters_.system_calls += 2;
  }
  owing_.erase(owing_.begin(), owing_.begin() + count);
}

std::size_t BackendBase::poll() noexcept {
  WEIR_CHECK(!delivering_);
  delivering_ = true;
  std::size_t events = expire_timeouts();
  events += reap();
  if (ready_count_ != 0) events += deliver_ready();
  if (!owing_.empty() && (events == 0 || ++busy_turns_ % kBusyTurns == 0)) acknowledge(kAcknowledgedPerTurn);
  delivering_ = false;
  if (!retired_.empty()) std::erase_if(retired_, [](const auto& owner) { return owner->idle(); });
  return events;
}

void BackendBase::park(std::int64_t timeout_ns) noexcept {
  if (ready_count_ != 0 || timeout_ns == 0) return;
  if (!timeouts_.empty()) {
    const std::int64_t due = std::max<std::int64_t>(ops_[timeouts_.front()].deadline_ns - config_.clock->now_ns(), 0);
    if (due == 0) return;
    timeout_ns = timeout_ns < 0 ? due : std::min(timeout_ns, due);
  }
  acknowledge(owing_.size());
  parked_.store(true, std::memory_order_seq_cst);
  if (!wake_pending_.load(std::memory_order_seq_cst)) wait(timeout_ns);
  parked_.store(false, std::memory_order_seq_cst);
  wake_pending_.exchange(false, std::memory_order_seq_cst);
}

void BackendBase::wake() noexcept {
  // The pending flag is stored before the parked flag is read, and park() does the reverse, so one of the two sees the
  // other; only a parked shard costs a system call.
  if (wake_pending_.exchange(true, std::memory_order_seq_cst)) return;
  if (!parked_.load(std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void BackendBase::retire(std::unique_ptr<OpOwner> owner) {
  if (!owner->idle()) retired_.push_back(std::move(owner));
}

SigpipeBlock::SigpipeBlock() noexcept {
  static_assert(sizeof(sigset_t) <= sizeof old_mask_);
  sigset_t pending;
  sigset_t block;
  sigemptyset(&pending);
  (void)::sigpending(&pending);
  was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  sigemptyset(&block);
  sigaddset(&block, SIGPIPE);
  (void)::pthread_sigmask(SIG_BLOCK, &block, reinterpret_cast<sigset_t*>(old_mask_));
}

SigpipeBlock::~SigpipeBlock() {
  if (!was_pending_) {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    const timespec none{0, 0};
    while (::sigtimedwait(&only, nullptr, &none) < 0 && errno == EINTR) {
    }
  }
  (void)::pthread_sigmask(SIG_SETMASK, reinterpret_cast<const sigset_t*>(old_mask_), nullptr);
}

}  // namespace weir::detail
