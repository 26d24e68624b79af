// BackendBase: what every backend has in common, so that their semantics cannot drift apart: the slot arena of ops, the
// handle table, the buffers of receive streams (credits), timeouts, closing, waking and the delivery of events.
// A backend only starts ops, cancels ops, reaps and waits.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/io/backend.h"

namespace weir::detail {

inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

enum class OpKind : std::uint8_t {
  kRead,
  kWrite,
  kSync,
  kClose,
  kAccept,
  kReceive,
  kDatagrams,
  kSend,
  kConnect,
  kTimeout
};
/// kDirect: never waits for a peer (regular files, /dev/full); kStream: pipes and terminals.
enum class HandleKind : std::uint8_t { kDirect, kStream, kListener, kConnection, kDatagram };

struct OpSlot {
  std::uint32_t generation = 1;
  std::uint32_t next = kNone;  // free list, or the backend's queue
  OpKind kind = OpKind::kRead;
  bool used = false;
  bool cancelled = false;  // asked for
  bool finished = false;   // in the ready queue with its terminal result
  bool armed = false;      // the backend (or the kernel) has it
  bool starving = false;   // receive: waits for a buffer
  bool in_queue = false;   // receive: waits for a set of buffers
  bool blocked = false;    // receive: waits for the peer, and would not mind to give its buffers away
  std::uint32_t handle = kNone;
  std::uint32_t handle_next = kNone;  // ops of one handle
  std::uint32_t handle_before = kNone;
  std::uint32_t stream = kNone;  // receive: its set of buffers; datagrams: its pool
  std::uint32_t receive_class = 0;
  std::uint32_t queue_next = kNone;  // ops of one class that wait for a group
  std::uint32_t queue_before = kNone;
  std::int32_t result = 0;
  int registered = -1;
  std::uint32_t length = 0;
  char* memory = nullptr;
  std::uint64_t offset = 0;
  std::int64_t deadline_ns = 0;
  Completion* completion = nullptr;
  std::uint64_t tag = 0;
};

struct HandleSlot {
  std::uint32_t generation = 1;
  std::uint32_t next = kNone;
  HandleKind kind = HandleKind::kDirect;
  bool used = false;
  bool closing = false;
  bool local = false;  // a Unix socket
  bool owes = false;   // an acknowledgement of what was received
  int fd = -1;
  std::uint32_t ops = 0;            // in flight, the close not counted
  std::uint32_t first_op = kNone;   // those ops
  std::uint32_t datagrams = kNone;  // pool of a datagram socket
  std::string unlink_path = {};     // of a Unix listener
  std::uint32_t close_op = kNone;
  std::uint32_t waiting_in = kNone;  // epoll: ops that wait for the fd
  std::uint32_t waiting_out = kNone;
};

/// A set of receive_buffers_max buffers of one receive stream; bit i of `free` says that buffer i can receive. A group
/// goes back when no buffer is held and its op has ended or has let it go.
struct StreamGroup {
  std::uint64_t free = 0;
  std::uint32_t held = 0;
  std::uint32_t op = kNone;
  std::uint32_t next = kNone;
  std::uint32_t receive_class = 0;
  bool used = false;   // gave bytes since it was granted
  bool asked = false;  // its op was asked to let it go
  bool fresh = false;  // granted to an op that has something to receive and did not come to it yet
};

/// Streams that share groups, and the queue of ops that wait for one.
struct ReceiveClass {
  std::uint32_t quota = 0;
  std::uint32_t taken = 0;
  std::uint32_t asked = 0;  // groups that were asked back
  std::uint32_t waiting = 0;
  std::uint32_t first = kNone;
  std::uint32_t last = kNone;
};

/// Buffers of one datagram socket.
struct DatagramPool {
  char* memory = nullptr;
  std::size_t memory_bytes = 0;
  std::size_t stride = 0;
  std::uint32_t buffers = 0;
  std::uint32_t bytes_max = 0;
  std::uint32_t held = 0;
  std::uint32_t op = kNone;
  std::uint32_t last_dropped = 0;
  bool open = false;                // the socket is
  std::vector<std::uint32_t> free;  // stack of those that can receive
};

/// Bit of the buffers that return_buffer() knows by pool (15 bits) and index (16 bits).
inline constexpr std::uint32_t kDatagramBuffer = 1u << 31;
inline constexpr std::uint32_t kDatagramPoolsMax = 256;

/// Room in front of a datagram's bytes for what the kernel says of it.
inline constexpr std::size_t kDatagramHeaderBytes = 64;

class BackendBase : public IoBackend {
 public:
  ~BackendBase() override;

  Clock& clock() noexcept override { return *config_.clock; }
  const BackendConfig& config() const noexcept override { return config_; }
  const BackendCounters& counters() const noexcept override { return counters_; }

  Result<IoHandle> open(const std::string& path, OpenMode mode) override;
  Result<FileStatus> status(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<FileStatus> status(IoHandle handle) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<Listener> listen(const SocketAddress& address) override;
  Result<Listener> open_datagrams(const DatagramConfig& config) override;
  std::uint64_t datagrams_dropped(IoHandle socket) noexcept override;
  std::string peer_name(IoHandle connection) override;
  Result<std::uint32_t> make_receive_class(std::uint32_t streams) override;
  int register_buffer(std::span<char>) noexcept override { return -1; }
  void unregister_buffer(int) noexcept override {}

  OpId read(IoHandle file, std::span<char> into, std::uint64_t offset, Completion& completion, std::uint64_t tag,
            int registered) noexcept override;
  OpId write(IoHandle file, std::span<const char> bytes, std::uint64_t offset, Completion& completion,
             std::uint64_t tag) noexcept override;
  OpId sync(IoHandle file, Completion& completion, std::uint64_t tag) noexcept override;
  OpId close(IoHandle handle, Completion* completion, std::uint64_t tag) noexcept override;
  OpId accept_stream(IoHandle listener, Completion& completion, std::uint64_t tag) noexcept override;
  OpId receive_stream(IoHandle connection, Completion& completion, std::uint64_t tag,
                      std::uint32_t receive_class) noexcept override;
  OpId receive_datagrams(IoHandle socket, Completion& completion, std::uint64_t tag) noexcept override;
  OpId send(IoHandle connection, std::span<const char> bytes, Completion& completion,
            std::uint64_t tag) noexcept override;
  Result<OpId> connect(const SocketAddress& address, Completion& completion, std::uint64_t tag) override;
  OpId timeout(std::int64_t after_ns, Completion& completion, std::uint64_t tag) noexcept override;
  bool cancel(OpId op) noexcept override;
  void shutdown_send(IoHandle connection) noexcept override;
  void return_buffer(std::uint32_t buffer) noexcept override;

  std::size_t poll() noexcept final;
  void park(std::int64_t timeout_ns) noexcept final;
  void wake() noexcept final;
  std::size_t ops_in_flight() const noexcept override { return ops_used_; }
  void retire(std::unique_ptr<OpOwner> owner) override;

 protected:
  explicit BackendBase(const BackendConfig& config);
  /// Takes memory and the eventfd. Errors: kOutOfMemory, kInvalidArgument, kLimitExceeded.
  Result<void> setup();
  /// Cancels all ops and reaps until none is left. To be called by the destructor of the backend, on the shard thread.
  void drain() noexcept;

  // What a backend does.
  virtual void start_op(std::uint32_t op) noexcept = 0;
  /// Requires: the op is armed. Its terminal event must follow.
  virtual void cancel_op(std::uint32_t op) noexcept = 0;
  /// Submits and reaps; calls deliver*. Returns events delivered.
  virtual std::size_t reap() noexcept = 0;
  /// Blocks for at most timeout_ns (negative: for ever). The eventfd wakes it.
  virtual void wait(std::int64_t timeout_ns) noexcept = 0;
  /// A buffer of the group can receive again.
  virtual void buffer_free(std::uint32_t group, std::uint32_t index) noexcept = 0;
  /// Others wait for the group: its op should let it go. Requires: the group holds no data. Where nothing is in the
  /// way, give_group() may be called at once.
  virtual void ask_group_back(std::uint32_t group) noexcept = 0;
  /// A datagram buffer can receive again.
  virtual void datagram_free(std::uint32_t pool, std::uint32_t index) noexcept = 0;
  /// Before the pool's memory goes away.
  virtual void datagrams_closed(std::uint32_t) noexcept {}
  virtual void datagrams_opened(std::uint32_t) noexcept {}

  /// Gives the op a group; where none is free, the op joins the queue of its class and false comes back.
  bool take_group(std::uint32_t op) noexcept;
  /// Takes the op's group away. Requires: none of its buffers is held, and nothing receives into it.
  void give_group(std::uint32_t op) noexcept;
  /// The op has no buffer to receive into: it waits until one comes back.
  void starve(std::uint32_t op) noexcept;
  /// A buffer came back: the op (or kNone) goes on where it waited for one.
  void end_starving(std::uint32_t op) noexcept;
  bool others_wait(std::uint32_t group) const noexcept { return classes_[groups_[group].receive_class].waiting != 0; }
  /// Called before the fd is closed. Returns the close's result.
  virtual std::int32_t close_now(HandleSlot& handle) noexcept;
  virtual void handle_opened(std::uint32_t) noexcept {}

  std::uint32_t take_op(OpKind kind, std::uint32_t handle, Completion* completion, std::uint64_t tag) noexcept;
  /// Takes a table entry for an fd; kNone when full.
  std::uint32_t take_handle(HandleKind kind, int fd) noexcept;
  void free_handle(std::uint32_t handle) noexcept;
  std::uint32_t handle_index(IoHandle handle) const noexcept;
  IoHandle handle_id(std::uint32_t index) const noexcept;
  OpId op_id(std::uint32_t index) const noexcept;
  /// Index of a live op, or kNone.
  std::uint32_t find_op(std::uint64_t id) const noexcept;

  void deliver(std::uint32_t op, std::int32_t result, bool more) noexcept { deliver_handle(op, result, more, {}); }
  void deliver_handle(std::uint32_t op, std::int32_t result, bool more, IoHandle handle) noexcept;
  void deliver_data(std::uint32_t op, std::uint32_t bytes, std::uint32_t index) noexcept;
  /// `index` is a buffer that receive into; its data begins kDatagramHeaderBytes behind its start.
  void deliver_datagram(std::uint32_t op, std::uint32_t index, const char* data, std::uint32_t bytes,
                        std::uint32_t dropped, bool truncated) noexcept;
  /// Receives what has come, as far as there are buffers, with one system call. Returns 1 where there may be more, 0 or
  /// -errno.
  int receive_datagrams_now(std::uint32_t op) noexcept;
  /// Takes memory for a socket's datagrams. Errors: kInvalidArgument, kLimitExceeded, kOutOfMemory.
  Result<std::uint32_t> make_pool(const DatagramConfig& config);
  /// The socket has gone; the memory goes with the last buffer.
  void drop_pool(std::uint32_t pool) noexcept;
  /// Delivers an accepted connection, or refuses it.
  void deliver_connection(std::uint32_t op, int fd) noexcept;
  /// Queues a terminal event for the next delivery.
  void finish_later(std::uint32_t op, std::int32_t result) noexcept;
  char* buffer_memory(std::uint32_t group, std::uint32_t index) noexcept {
    return stream_memory_ + (std::size_t{group} * config_.receive_buffers_max + index) * buffer_stride_;
  }
  bool ready_events() const noexcept { return ready_count_ != 0; }
  /// Of the timeout that expires first.
  std::optional<std::int64_t> next_deadline_ns() const noexcept {
    if (timeouts_.empty()) return std::nullopt;
    return ops_[timeouts_.front()].deadline_ns;
  }
  /// Where given, every event is mixed into it (simulation).
  std::uint64_t* trace_hash_ = nullptr;

  BackendConfig config_;
  BackendCounters counters_;
  std::vector<OpSlot> ops_;
  std::vector<HandleSlot> handles_;
  std::vector<StreamGroup> groups_;
  std::vector<ReceiveClass> classes_;
  std::vector<DatagramPool> pools_;
  int wake_fd_ = -1;
  std::size_t ops_used_ = 0;
  std::size_t buffer_stride_ = 0;

 private:
  void retire_op(std::uint32_t op) noexcept;
  void finish_close(std::uint32_t handle) noexcept;
  std::size_t deliver_ready() noexcept;
  std::size_t expire_timeouts() noexcept;
  void release_group(std::uint32_t group) noexcept;
  void grant_group(std::uint32_t op) noexcept;
  void leave_queue(std::uint32_t op) noexcept;
  void reclaim(std::uint32_t receive_class) noexcept;
  void return_datagram(std::uint32_t buffer) noexcept;
  void note_received(std::uint32_t handle) noexcept;
  /// What was received on at most that many connections.
  void acknowledge(std::size_t connections_max) noexcept;
  void emit_data(std::uint32_t op, std::uint32_t bytes, const char* data, std::uint32_t buffer, IoEvent event) noexcept;
  void emit(Completion* completion, const IoEvent& event) noexcept;

  std::uint32_t op_free_ = kNone;
  std::uint32_t handle_free_ = kNone;
  std::uint32_t group_free_ = kNone;
  std::uint32_t group_hand_ = 0;  // where the search for an idle group goes on
  std::size_t closes_used_ = 0;
  std::vector<std::uint32_t> ready_;  // ring of op indices
  std::size_t ready_head_ = 0;
  std::size_t ready_count_ = 0;
  std::vector<std::uint32_t> timeouts_;  // heap by deadline
  std::vector<IoHandle> owing_;          // connections that owe an acknowledgement
  std::uint32_t busy_turns_ = 0;
  std::vector<std::unique_ptr<OpOwner>> retired_;
  char* stream_memory_ = nullptr;
  std::size_t stream_memory_bytes_ = 0;
  bool delivering_ = false;
  std::atomic<bool> wake_pending_{false};
  std::atomic<bool> parked_{false};
};

/// What the makers of backends do.
template <typename Backend>
Result<std::unique_ptr<IoBackend>> create_backend(std::unique_ptr<Backend> backend) {
  WEIR_TRY(backend->create());
  return std::unique_ptr<IoBackend>(std::move(backend));
}

/// Blocks SIGPIPE for this thread while it lives, and takes away one that was raised meanwhile. The library installs no
/// handler, and writing to a pipe whose reader has gone must be an error, not the end of the process.
class SigpipeBlock {
 public:
  SigpipeBlock() noexcept;
  ~SigpipeBlock();
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

 private:
  std::uint64_t old_mask_[16];
  bool was_pending_ = false;
};

}  // namespace weir::detail
