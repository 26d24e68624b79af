// A shard's backend in a simulated world. Each op is an event at a drawn time; when it comes, the op is carried out, or
// it waits in the world until somebody's act schedules it again.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <queue>

#include "backend_base.h"
#include "host.h"
#include "sim/sim_world.h"
#include "weir/core/check.h"

namespace weir::detail {
namespace {

/// What stands behind a handle of this backend.
struct SimHandle {
  std::shared_ptr<SimFile> file;
  std::uint64_t position = 0;
  bool append = false;
  std::shared_ptr<SimConnection> connection;
  int side = 0;
  std::shared_ptr<SimListener> listener;
  std::shared_ptr<SimMailbox> mailbox;
};

struct SimEvent {
  std::int64_t at_ns = 0;
  std::uint64_t sequence = 0;
  std::uint64_t op = 0;
  bool operator>(const SimEvent& other) const noexcept {
    return at_ns != other.at_ns ? at_ns > other.at_ns : sequence > other.sequence;
  }
};

}  // namespace

class SimBackend final : public BackendBase {
 public:
  SimBackend(SimWorldState& world, const BackendConfig& config) : BackendBase(config), world_(world) {}
  ~SimBackend() override {
    if (!created_) return;
    drain();
    for (HandleSlot& handle : handles_)
      if (handle.used) (void)close_now(handle);
    std::erase(world_.backends, this);
  }
  Result<void> create() {
    WEIR_TRY(setup());
    sim_handles_.resize(handles_.size());
    ports_.resize(ops_.size());
    trace_hash_ = &world_.trace_hash;
    world_.backends.push_back(this);
    created_ = true;
    return {};
  }
  std::string_view name() const noexcept override { return "sim"; }

  Result<IoHandle> open(const std::string& path, OpenMode mode) override;
  Result<FileStatus> status(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<FileStatus> status(IoHandle handle) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<Listener> listen(const SocketAddress& address) override;
  Result<Listener> open_datagrams(const DatagramConfig& config) override;
  std::uint64_t datagrams_dropped(IoHandle socket) noexcept override {
    return sim_handles_[handle_index(socket)].mailbox->dropped;
  }
  std::string peer_name(IoHandle) override { return "sim"; }
  Result<OpId> connect(const SocketAddress& address, Completion& completion, std::uint64_t tag) override;
  void shutdown_send(IoHandle connection) noexcept override;

  void schedule(std::uint64_t op, std::int64_t at_ns) { events_.push({at_ns, world_.sequence++, op}); }
  std::optional<std::int64_t> next_ns() const {
    auto next = next_deadline_ns();
    if (!events_.empty() && (!next.has_value() || events_.top().at_ns < *next)) next = events_.top().at_ns;
    if (ready_events()) next = world_.clock.now_ns();
    return next;
  }

 protected:
  void start_op(std::uint32_t op) noexcept override {
    ops_[op].armed = true;
    schedule(op_id(op).value, world_.clock.now_ns() + world_.draw_delay());
  }
  void cancel_op(std::uint32_t op) noexcept override { finish_later(op, -ECANCELED); }
  std::size_t reap() noexcept override;
  void wait(std::int64_t timeout_ns) noexcept override;
  void buffer_free(std::uint32_t group, std::uint32_t index) noexcept override;
  void ask_group_back(std::uint32_t group) noexcept override {
    const std::uint32_t op = groups_[group].op;
    if (ops_[op].blocked) give_group(op);
  }
  void datagram_free(std::uint32_t pool, std::uint32_t index) noexcept override;
  std::int32_t close_now(HandleSlot& handle) noexcept override;

 private:
  std::int64_t now() const noexcept { return world_.clock.now_ns(); }
  SimWaiter waiter(std::uint32_t op) noexcept { return {this, op_id(op).value}; }
  Result<IoHandle> add_handle(HandleKind kind, int fd, SimHandle state, const std::string& what);
  Result<IoHandle> open_host(const std::string& path, OpenMode mode);

  void carry_out(std::uint32_t op) noexcept;
  void read_file(std::uint32_t op) noexcept;
  void write_file(std::uint32_t op) noexcept;
  void accept_one(std::uint32_t op) noexcept;
  void receive_some(std::uint32_t op) noexcept;
  void receive_datagram(std::uint32_t op) noexcept;
  std::uint32_t take_bytes(SimDirection& way, char* into, std::uint32_t bytes_max) noexcept;
  void send_some(std::uint32_t op) noexcept;
  void connect_now(std::uint32_t op) noexcept;
  std::uint32_t shorten(std::uint32_t bytes, double probability) noexcept {
    return bytes > 1 && world_.draw(probability) ? static_cast<std::uint32_t>(1 + world_.random.below(bytes - 1))
                                                 : bytes;
  }

  SimWorldState& world_;
  bool created_ = false;
  std::vector<SimHandle> sim_handles_;
  std::vector<std::uint16_t> ports_;  // of connects
  std::priority_queue<SimEvent, std::vector<SimEvent>, std::greater<>> events_;
};

// --- Setup ----------------------------------------------------------------------------------------------------------

Result<IoHandle> SimBackend::add_handle(HandleKind kind, int fd, SimHandle state, const std::string& what) {
  const std::uint32_t handle = take_handle(kind, fd);
  if (handle == kNone) {
    if (fd >= 0) ::close(fd);
    return Error(ErrorCode::kLimitExceeded,
                 "cannot open " + what + ": handles_max (" + std::to_string(config_.handles_max) + ") are open");
  }
  sim_handles_[handle] = std::move(state);
  return handle_id(handle);
}

Result<IoHandle> SimBackend::open_host(const std::string& path, OpenMode mode) {
  WEIR_ASSIGN(const HostFile file, host_open(path, mode));
  return add_handle(HandleKind::kDirect, file.fd, {}, path);
}

Result<IoHandle> SimBackend::open(const std::string& path, OpenMode mode) {
  SimHandle state;
  if (path == kStandardStream) {
    if (world_.host_files) return open_host(path, mode);
    state.file = mode == OpenMode::kRead ? world_.standard_input : world_.standard_output;
    state.append = mode != OpenMode::kRead;
    return add_handle(HandleKind::kStream, -1, std::move(state), path);
  }
  if (world_.is_directory(path)) return Error(ErrorCode::kIsDirectory, "cannot open " + path + ": it is a folder");
  const auto at = world_.files.find(path);
  if (at == world_.files.end() && world_.host_files) return open_host(path, mode);
  if (mode == OpenMode::kRead) {
    if (at == world_.files.end() || world_.draw(world_.faults.file_vanishes))
      return Error::from_errno(ENOENT, "cannot open " + path);
    state.file = at->second;
  } else {
    if (mode == OpenMode::kCreate && at != world_.files.end()) return Error::from_errno(EEXIST, "cannot open " + path);
    if (at == world_.files.end() && world_.files.size() >= world_.faults.disk_files_max)
      return Error::from_errno(ENOSPC, "cannot open " + path);
    auto& file = world_.files[path];
    if (file == nullptr) file = std::make_shared<SimFile>();
    if (mode == OpenMode::kTruncate) {
      world_.disk_bytes -= std::min<std::uint64_t>(world_.disk_bytes, file->bytes.size());
      file->bytes.clear();
    }
    state.append = mode == OpenMode::kAppend;
    state.file = file;
  }
  return add_handle(HandleKind::kDirect, -1, std::move(state), path);
}

namespace {
FileStatus regular_status(const SimFile& file) {
  return {FileKind::kRegular, file.bytes.size(), reinterpret_cast<std::uintptr_t>(&file)};
}
}  // namespace

Result<FileStatus> SimBackend::status(const std::string& path) {
  if (path == kStandardStream && !world_.host_files) return FileStatus{FileKind::kPipe, 0};
  const auto at = world_.files.find(path);
  if (at != world_.files.end()) return regular_status(*at->second);
  if (world_.is_directory(path)) return FileStatus{FileKind::kDirectory, 0};
  if (world_.host_files) return host_status(path);
  return Error::from_errno(ENOENT, "cannot look at " + path);
}

Result<void> SimBackend::rename(const std::string& from, const std::string& to) {
  const std::string what = "cannot rename " + from + " to " + to;
  if (world_.draw(world_.faults.rename_full)) return Error::from_errno(ENOSPC, what);
  if (world_.rename_file(from, to)) return {};
  if (world_.host_files) return host_rename(from, to);
  return Error::from_errno(ENOENT, what);
}

Result<FileStatus> SimBackend::status(IoHandle id) {
  const std::uint32_t handle = handle_index(id);
  if (handles_[handle].fd >= 0) return host_status(handles_[handle].fd, "an open file");
  const SimHandle& state = sim_handles_[handle];
  if (state.file == nullptr) return FileStatus{FileKind::kOther, 0};
  if (handles_[handle].kind == HandleKind::kStream) return FileStatus{FileKind::kPipe, 0};
  return regular_status(*state.file);
}

Result<std::vector<std::string>> SimBackend::list(const std::string& directory) {
  std::vector<std::string> names;
  if (!world_.is_directory(directory)) {
    if (world_.host_files) return host_list(directory);
    return Error::from_errno(ENOENT, "cannot list " + directory);
  }
  const std::string prefix = directory + "/";
  const auto add = [&](const std::string& path) {
    if (path.starts_with(prefix))
      names.push_back(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
  };
  for (const auto& [path, file] : world_.files) add(path);
  for (const std::string& path : world_.directories) add(path);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<Listener> SimBackend::listen(const SocketAddress& address) {
  std::uint16_t port = address.port;
  if (const auto known = world_.local_ports.find(address.path); address.local() && known != world_.local_ports.end())
    port = known->second;
  while (port == 0) {
    port = world_.next_port++;
    if (world_.listeners.count(port) != 0) port = 0;
  }
  if (world_.listeners.count(port) != 0)
    return Error(ErrorCode::kAddressInUse, "cannot listen on " + address.to_string() + ": the port is taken");
  SimHandle state;
  state.listener = std::make_shared<SimListener>();
  state.listener->port = port;
  const auto listener = state.listener;
  WEIR_ASSIGN(const IoHandle handle, add_handle(HandleKind::kListener, -1, std::move(state), address.to_string()));
  world_.listeners[port] = listener;
  if (!address.local()) return Listener{handle, port};
  world_.local_ports[address.path] = port;
  return Listener{handle, 0};
}

Result<Listener> SimBackend::open_datagrams(const DatagramConfig& config) {
  std::uint16_t port = config.address.port;
  while (port == 0) {
    port = world_.next_port++;
    if (world_.mailboxes.count(port) != 0) port = 0;
  }
  if (world_.mailboxes.count(port) != 0)
    return Error(ErrorCode::kAddressInUse, "cannot listen on " + config.address.to_string() + ": the port is taken");
  WEIR_ASSIGN(const std::uint32_t pool, make_pool(config));
  SimHandle state;
  state.mailbox = std::make_shared<SimMailbox>();
  state.mailbox->port = port;
  state.mailbox->bytes_max = config.kernel_bytes == 0 ? kSimMailboxBytes : config.kernel_bytes;
  const auto mailbox = state.mailbox;
  auto handle = add_handle(HandleKind::kDatagram, -1, std::move(state), config.address.to_string());
  if (!handle.has_value()) {
    drop_pool(pool);
    return std::move(handle).error();
  }
  handles_[handle_index(*handle)].datagrams = pool;
  world_.mailboxes[port] = mailbox;
  return Listener{*handle, port};
}

Result<OpId> SimBackend::connect(const SocketAddress& address, Completion& completion, std::uint64_t tag) {
  const std::uint32_t handle = take_handle(HandleKind::kConnection, -1);
  if (handle == kNone)
    return Error(ErrorCode::kLimitExceeded, "cannot connect to " + address.to_string() + ": handles_max are open");
  const std::uint32_t op = take_op(OpKind::kConnect, handle, &completion, tag);
  if (op == kNone) {
    free_handle(handle);
    return Error(ErrorCode::kLimitExceeded, "cannot connect to " + address.to_string() + ": ops_max are in flight");
  }
  ports_[op] = address.port;
  if (address.local()) {
    const auto known = world_.local_ports.find(address.path);
    ports_[op] = known == world_.local_ports.end() ? 0 : known->second;
  }
  start_op(op);
  return op_id(op);
}

void SimBackend::shutdown_send(IoHandle id) noexcept {
  const SimHandle& state = sim_handles_[handle_index(id)];
  if (state.connection != nullptr) world_.end(*state.connection, state.side);
}

std::int32_t SimBackend::close_now(HandleSlot& handle) noexcept {
  SimHandle& state = sim_handles_[static_cast<std::size_t>(&handle - handles_.data())];
  if (state.connection != nullptr) {
    SimConnection& connection = *state.connection;
    connection.closed[state.side] = true;
    world_.end(connection, state.side);
    // Bytes that nobody will read: the peer hears of it, as in TCP.
    if (connection.ways[1 - state.side].buffered != 0) world_.reset(connection);
    world_.notify(connection.ways[1 - state.side].writer, now());
    connection.ways[1 - state.side].reader = {};
    connection.ways[state.side].writer = {};
  }
  if (state.listener != nullptr) {
    for (const auto& connection : state.listener->backlog) world_.reset(*connection);
    world_.listeners.erase(state.listener->port);
  }
  if (state.mailbox != nullptr) world_.mailboxes.erase(state.mailbox->port);
  state = {};
  return BackendBase::close_now(handle);
}

// --- The turn -------------------------------------------------------------------------------------------------------

std::size_t SimBackend::reap() noexcept {
  const std::uint64_t before = counters_.events;
  for (std::uint32_t done = 0; done < config_.events_per_poll_max && !events_.empty(); ++done) {
    const SimEvent event = events_.top();
    if (event.at_ns > now()) break;
    events_.pop();
    const std::uint32_t op = find_op(event.op);
    if (op != kNone && !ops_[op].finished && ops_[op].armed) carry_out(op);
  }
  return static_cast<std::size_t>(counters_.events - before);
}

void SimBackend::wait(std::int64_t timeout_ns) noexcept {
  auto target = world_.next_event_ns();
  if (timeout_ns >= 0) {
    const std::int64_t limit = now() + timeout_ns;
    if (!target.has_value() || *target > limit) target = limit;
  }
  if (target.has_value() && *target > now()) world_.clock.advance(*target - now());
}

void SimBackend::buffer_free(std::uint32_t group, std::uint32_t) noexcept {
  end_starving(groups_[group].op);
}

void SimBackend::datagram_free(std::uint32_t pool, std::uint32_t index) noexcept {
  pools_[pool].free.push_back(index);
  end_starving(pools_[pool].op);
}

void SimBackend::carry_out(std::uint32_t op) noexcept {
  ops_[op].blocked = false;
  switch (ops_[op].kind) {
    case OpKind::kRead:
      return read_file(op);
    case OpKind::kWrite:
      return write_file(op);
    case OpKind::kSync:
      if (world_.draw(world_.faults.write_error)) return deliver(op, -EIO, false);
      return deliver(op, world_.draw(world_.faults.sync_full) ? -ENOSPC : 0, false);
    case OpKind::kAccept:
      return accept_one(op);
    case OpKind::kReceive:
      return receive_some(op);
    case OpKind::kDatagrams:
      return receive_datagram(op);
    case OpKind::kSend:
      return send_some(op);
    case OpKind::kConnect:
      return connect_now(op);
    default:
      WEIR_CHECK(false);
  }
}

void SimBackend::read_file(std::uint32_t index) noexcept {
  const OpSlot& op = ops_[index];
  if (world_.draw(world_.faults.read_error)) return deliver(index, -EIO, false);
  SimHandle& state = sim_handles_[op.handle];
  if (const int fd = handles_[op.handle].fd; fd >= 0) {
    const std::uint32_t bytes = shorten(op.length, world_.faults.short_read);
    const ssize_t result = op.offset == kCurrentOffset ? ::read(fd, op.memory, bytes)
                                                       : ::pread(fd, op.memory, bytes, static_cast<off_t>(op.offset));
    return deliver(index, static_cast<std::int32_t>(result < 0 ? -errno : result), false);
  }
  const std::string& bytes = state.file->bytes;
  const std::uint64_t offset = op.offset == kCurrentOffset ? state.position : op.offset;
  std::uint32_t count = 0;
  if (offset < bytes.size())
    count = static_cast<std::uint32_t>(std::min<std::uint64_t>(op.length, bytes.size() - offset));
  count = shorten(count, world_.faults.short_read);
  if (count != 0) std::memcpy(op.memory, bytes.data() + offset, count);
  state.position = offset + count;
  deliver(index, static_cast<std::int32_t>(count), false);
}

void SimBackend::write_file(std::uint32_t index) noexcept {
  const OpSlot& op = ops_[index];
  if (world_.draw(world_.faults.write_error)) return deliver(index, -EIO, false);
  SimHandle& state = sim_handles_[op.handle];
  std::uint32_t count = shorten(op.length, world_.faults.short_write);
  const int fd = handles_[op.handle].fd;
  const bool current = op.offset == kCurrentOffset;
  std::uint64_t offset = current ? state.position : op.offset;
  if (fd < 0 && state.append) offset = state.file->bytes.size();
  const std::uint64_t grows_from = fd >= 0 ? offset : std::max<std::uint64_t>(offset, state.file->bytes.size());
  if (offset + count > grows_from) {
    const std::uint64_t left = world_.faults.disk_bytes_max - std::min(world_.faults.disk_bytes_max, world_.disk_bytes);
    const std::uint64_t growth = std::min(offset + count - grows_from, left);
    if (growth == 0 && offset >= grows_from) return deliver(index, -ENOSPC, false);
    count = static_cast<std::uint32_t>(grows_from + growth - offset);
    world_.disk_bytes += growth;
  }
  if (fd >= 0) {
    const SigpipeBlock block;
    const ssize_t result =
        current ? ::write(fd, op.memory, count) : ::pwrite(fd, op.memory, count, static_cast<off_t>(op.offset));
    return deliver(index, static_cast<std::int32_t>(result < 0 ? -errno : result), false);
  }
  std::string& bytes = state.file->bytes;
  if (bytes.size() < offset + count) bytes.resize(static_cast<std::size_t>(offset + count));
  std::memcpy(bytes.data() + offset, op.memory, count);
  state.position = offset + count;
  deliver(index, static_cast<std::int32_t>(count), false);
}

void SimBackend::accept_one(std::uint32_t index) noexcept {
  SimListener& listener = *sim_handles_[ops_[index].handle].listener;
  if (listener.backlog.empty()) {
    listener.acceptor = waiter(index);
    return;
  }
  const std::shared_ptr<SimConnection> connection = listener.backlog.front();
  listener.backlog.pop_front();
  schedule(op_id(index).value, now());
  const std::uint32_t handle = take_handle(HandleKind::kConnection, -1);
  if (handle == kNone) {
    ++counters_.accepts_refused;
    world_.reset(*connection);
    return;
  }
  connection->accepted = true;
  sim_handles_[handle].connection = connection;
  sim_handles_[handle].side = 1;
  deliver_handle(index, 0, true, handle_id(handle));
}

std::uint32_t SimBackend::take_bytes(SimDirection& way, char* into, std::uint32_t bytes_max) noexcept {
  std::uint32_t taken = 0;
  while (!way.chunks.empty() && way.chunks.front().arrives_ns <= now() && taken < bytes_max) {
    SimDirection::Chunk& chunk = way.chunks.front();
    const std::size_t count = std::min<std::size_t>(bytes_max - taken, chunk.bytes.size() - chunk.taken);
    std::memcpy(into + taken, chunk.bytes.data() + chunk.taken, count);
    chunk.taken += count;
    taken += static_cast<std::uint32_t>(count);
    if (chunk.taken == chunk.bytes.size()) way.chunks.pop_front();
  }
  way.buffered -= taken;
  return taken;
}

void SimBackend::receive_some(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  const SimHandle& state = sim_handles_[op.handle];
  SimConnection& connection = *state.connection;
  SimDirection& way = connection.ways[1 - state.side];
  if (connection.reset) return deliver(index, -ECONNRESET, false);
  if (world_.draw(world_.faults.connection_reset)) {
    world_.reset(connection);
    return deliver(index, -ECONNRESET, false);
  }
  if (op.stream != kNone && groups_[op.stream].asked && groups_[op.stream].held == 0) give_group(index);
  if (way.chunks.empty()) {
    if (!way.ended) {
      way.reader = waiter(index);
      op.blocked = true;
      if (op.stream != kNone && groups_[op.stream].held == 0) give_group(index);
    } else if (way.end_arrives_ns > now()) {
      schedule(op_id(index).value, way.end_arrives_ns);
    } else {
      deliver(index, 0, false);
    }
    return;
  }
  if (way.chunks.front().arrives_ns > now()) return schedule(op_id(index).value, way.chunks.front().arrives_ns);
  op.armed = false;  // first: waiting may end at once, and then it is armed again
  if (!take_group(index)) return;
  op.armed = true;
  StreamGroup& group = groups_[op.stream];
  group.fresh = false;
  if (group.free == 0) return starve(index);
  if (world_.draw(world_.faults.buffer_shortage)) {
    ++counters_.credit_stalls;
    return schedule(op_id(index).value, now() + world_.draw_delay() + 1);
  }
  const auto buffer = static_cast<std::uint32_t>(std::countr_zero(group.free));
  const std::uint32_t bytes_max = shorten(config_.receive_buffer_bytes, world_.faults.short_read);
  const std::uint32_t taken = take_bytes(way, buffer_memory(op.stream, buffer), bytes_max);
  world_.notify(way.writer, now());
  schedule(op_id(index).value, now());
  deliver_data(index, taken, buffer);
}

void SimBackend::receive_datagram(std::uint32_t index) noexcept {
  OpSlot& op = ops_[index];
  SimMailbox& mailbox = *sim_handles_[op.handle].mailbox;
  DatagramPool& pool = pools_[op.stream];
  if (mailbox.waiting.empty()) {
    mailbox.reader = waiter(index);
    return;
  }
  if (mailbox.waiting.front().arrives_ns > now())
    return schedule(op_id(index).value, mailbox.waiting.front().arrives_ns);
  if (pool.free.empty()) return starve(index);
  const std::string bytes = std::move(mailbox.waiting.front().bytes);
  mailbox.waiting.pop_front();
  mailbox.waiting_bytes -= bytes.size();
  const std::uint32_t buffer = pool.free.back();
  pool.free.pop_back();
  char* const at = pool.memory + buffer * pool.stride + kDatagramHeaderBytes;
  const std::size_t kept = std::min<std::size_t>(bytes.size(), pool.bytes_max);
  std::memcpy(at, bytes.data(), kept);
  schedule(op_id(index).value, now());
  deliver_datagram(index, buffer, at, static_cast<std::uint32_t>(kept), mailbox.dropped, kept != bytes.size());
}

void SimBackend::send_some(std::uint32_t index) noexcept {
  const OpSlot& op = ops_[index];
  const SimHandle& state = sim_handles_[op.handle];
  SimConnection& connection = *state.connection;
  SimDirection& way = connection.ways[state.side];
  if (connection.reset) return deliver(index, -ECONNRESET, false);
  if (world_.draw(world_.faults.connection_reset)) {
    world_.reset(connection);
    return deliver(index, -ECONNRESET, false);
  }
  if (way.ended) return deliver(index, -EPIPE, false);
  if (connection.closed[1 - state.side]) {
    world_.reset(connection);
    return deliver(index, -EPIPE, false);
  }
  const auto room = static_cast<std::uint32_t>(kSimWindowBytes - way.buffered);
  if (room == 0) {
    way.writer = waiter(index);
    return;
  }
  const std::uint32_t count = shorten(std::min(op.length, room), world_.faults.short_write);
  if (count != 0) world_.send(connection, state.side, {op.memory, count});
  deliver(index, static_cast<std::int32_t>(count), false);
}

void SimBackend::connect_now(std::uint32_t index) noexcept {
  const auto at = world_.listeners.find(ports_[index]);
  if (at == world_.listeners.end()) return deliver(index, -ECONNREFUSED, false);
  auto connection = std::make_shared<SimConnection>();
  at->second->backlog.push_back(connection);
  world_.notify(at->second->acceptor, now() + world_.draw_delay());
  sim_handles_[ops_[index].handle].connection = std::move(connection);
  sim_handles_[ops_[index].handle].side = 0;
  deliver(index, 0, false);
}

Result<std::unique_ptr<IoBackend>> make_sim_backend(SimWorldState& world, BackendConfig config) {
  config.clock = &world.clock;
  auto backend = std::make_unique<SimBackend>(world, config);
  WEIR_TRY(backend->create());
  return std::unique_ptr<IoBackend>(std::move(backend));
}

std::optional<std::int64_t> sim_backend_next_ns(const SimBackend& backend) {
  return backend.next_ns();
}
void sim_backend_schedule(SimBackend& backend, std::uint64_t op, std::int64_t at_ns) {
  backend.schedule(op, at_ns);
}

}  // namespace weir::detail
