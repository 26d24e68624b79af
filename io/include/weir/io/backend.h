// IoBackend: the one door through which a shard's bytes come and go. Three implementations stand behind it: uring,
// epoll and sim (the whole engine in one thread under a seed). A fourth would be one more class.
//
// An operation (op) takes a slot in an arena that the backend owns; the slot, not the caller, is what the kernel knows,
// so that a late completion can never reach a wrong object. An OpId carries the slot's generation.
//
//   submit ──► in flight ──► event (more) … ──► terminal event (!more) ──► slot free, generation + 1
//                  └── cancel ──► terminal event, -ECANCELED or what happened first
//
// Invariants
//   1. Every accepted op delivers exactly one terminal event, from poll(), never from submit, cancel or park.
//   2. After the terminal event the backend touches neither the op's memory nor its completion.
//   3. A handle is closed when its last op has ended; close() cancels those that would wait for a peer.
//   4. A receive stream that has bytes to receive owns buffers (its credit). A buffer that the caller holds cannot
//      receive: when all are held, receiving stops, the peer's TCP window closes, and receiving goes on when one is
//      returned. A stream without bytes needs no buffers: where streams are more than sets of buffers, sets go round,
//      first come, first served, and only within a receive class. So no stream can starve another class, and within a
//      class everyone has its turn.
//   5. Nothing is allocated after create, but for open, listen and connect.
// Thread: the shard that polls first owns the backend from then on; only wake() may be called from elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/clock.h"
#include "weir/core/result.h"
#include "weir/core/waker.h"

namespace weir {

/// An open file, pipe, listener or connection of one backend. 0 is none.
struct IoHandle {
  std::uint64_t value = 0;
  bool valid() const noexcept { return value != 0; }
  bool operator==(const IoHandle&) const = default;
};

/// An op in flight. 0 is none.
struct OpId {
  std::uint64_t value = 0;
  bool valid() const noexcept { return value != 0; }
  bool operator==(const OpId&) const = default;
};

/// What an op has to say. `data` lives until the buffer is returned; everything else for the call.
struct IoEvent {
  OpId op;
  std::uint64_t tag = 0;       ///< The submitter's.
  std::int32_t result = 0;     ///< Bytes, or 0, or -errno.
  bool more = false;           ///< Further events of this op follow.
  IoHandle handle;             ///< accept_stream, connect: the new connection.
  const char* data = nullptr;  ///< receive_stream: `result` bytes; kReadPadding bytes more are readable.
  std::uint32_t buffer = 0;    ///< receive_stream, _datagrams: give it to return_buffer() when data is used up.
  std::uint32_t dropped = 0;   ///< receive_datagrams: the socket's count of datagrams without room, modulo 2^32.
  bool truncated = false;      ///< receive_datagrams: the datagram was longer than datagram_bytes_max.
};

/// Takes the events of the ops that were submitted with it. May submit, cancel and return buffers; must not poll or
/// park. Requires: lives until its last op's terminal event (retire() helps).
class Completion {
 public:
  virtual ~Completion() = default;
  virtual void complete(const IoEvent& event) noexcept = 0;
};

/// A completion with the memory of its ops, which the backend can keep alive until they have ended.
class OpOwner : public Completion {
 public:
  /// No op of it is in flight. Once true it stays true, since a retired owner submits nothing.
  virtual bool idle() const noexcept = 0;
};

enum class FileKind : std::uint8_t { kRegular, kDirectory, kPipe, kOther };
struct FileStatus {
  FileKind kind = FileKind::kRegular;
  std::uint64_t size = 0;
  std::uint64_t identity = 0;  ///< The same for one file whatever its name; another for each file that exists.
};
enum class OpenMode : std::uint8_t {
  kRead,
  kCreate,    ///< Makes the file; kExists where one is there.
  kTruncate,  ///< Makes the file or empties it.
  kAppend,    ///< Makes the file or writes behind its end (write at kCurrentOffset).
};
/// Of read and write: where the file stands now. The only offset for pipes and for OpenMode::kAppend.
inline constexpr std::uint64_t kCurrentOffset = ~std::uint64_t{0};
/// Path of the standard input (kRead) or output.
inline constexpr std::string_view kStandardStream = "-";

/// "host:port", "[ipv6]:port", ":port" (every address) or "unix:/path". Host names are looked up by the system.
struct SocketAddress {
  std::string host = {};
  std::uint16_t port = 0;
  std::string path = {};  ///< Of a Unix socket; "" for TCP and UDP.
  bool local() const noexcept { return !path.empty(); }
  /// Errors: kInvalidArgument.
  static Result<SocketAddress> parse(std::string_view text);
  std::string to_string() const;
};
struct Listener {
  IoHandle handle;
  std::uint16_t port = 0;  ///< The real one, where 0 was asked for.
};

enum class BackendKind : std::uint8_t { kAuto, kUring, kEpoll };
/// A socket for datagrams.
struct DatagramConfig {
  SocketAddress address;              ///< Bound to; host "" is every address. No Unix path.
  std::string group = {};             ///< Multicast group to join, or "".
  std::string interface = {};         ///< Its interface: a name ("eth0") or an address of it; "": the system's choice.
  std::uint32_t kernel_bytes = 0;     ///< Asked of the system for waiting datagrams (SO_RCVBUF); 0: its default.
  std::uint32_t datagrams_max = 256;  ///< Buffers: datagrams that the caller can hold. A power of two to 32768.
  std::uint32_t datagram_bytes_max = 2048;  ///< What is longer is cut (IoEvent::truncated). To 65536.
};

/// "auto", "uring", "epoll". Errors: kInvalidArgument.
Result<BackendKind> parse_backend_kind(std::string_view text);

struct BackendConfig {
  Clock* clock = nullptr;            ///< Required. Deadlines of timeouts and parks, ingest times.
  std::uint32_t ops_max = 1024;      ///< In flight at once; at the limit submit returns no OpId.
  std::uint32_t handles_max = 1024;  ///< Open at once; at the limit open fails, an accepted connection is closed.
  std::uint32_t receive_streams_max = 256;     ///< Sets of buffers; streams beyond it take turns.
  std::uint32_t receive_buffers_max = 4;       ///< A stream's credit: its buffers, a power of two.
  std::uint32_t receive_buffer_bytes = 65536;  ///< Length of each.
  std::uint32_t registered_buffers_max = 64;   ///< uring: buffers for file reads that the kernel keeps mapped.
  std::uint32_t events_per_poll_max = 256;     ///< Bound of the work of one poll().
};

/// Counters of one backend; the owning shard writes, anyone may read a little late.
struct BackendCounters {
  std::uint64_t ops_submitted = 0;
  std::uint64_t events = 0;
  std::uint64_t system_calls = 0;
  std::uint64_t credit_stalls = 0;         ///< A receive stream stopped because all its buffers were held.
  std::uint64_t buffer_turns = 0;          ///< A receive stream waited because all sets of buffers were taken.
  std::uint64_t accepts_refused = 0;       ///< Connections closed at once because handles_max was reached.
  std::uint64_t completion_overflows = 0;  ///< uring: times that the completion ring was full (nothing is lost).
  std::uint64_t ops_refused = 0;           ///< submit at a limit.
};

class IoBackend : public Poller {
 public:
  IoBackend() = default;
  IoBackend(const IoBackend&) = delete;
  IoBackend& operator=(const IoBackend&) = delete;

  virtual std::string_view name() const noexcept = 0;
  virtual Clock& clock() noexcept = 0;
  virtual const BackendConfig& config() const noexcept = 0;
  virtual const BackendCounters& counters() const noexcept = 0;

  // --- At setup; these may block shortly in the system. -------------------------------------------------------------
  /// Errors: kNotFound, kPermission, kIsDirectory, kExists, kDiskFull, kLimitExceeded, kIo; each names the path.
  virtual Result<IoHandle> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<FileStatus> status(const std::string& path) = 0;
  virtual Result<FileStatus> status(IoHandle handle) = 0;
  /// Names (not paths) of what a folder holds, sorted, without "." and "..". Errors: kNotFound, kPermission, kIo.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  /// Gives a file another name of the same file system; what has that name is replaced. Errors: kNotFound, kPermission,
  /// kDiskFull (no room for a name, which may come back), kIo; each names both.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// TCP or Unix stream. Errors: kAddressInUse, kPermission, kInvalidArgument (no such host), kIo.
  virtual Result<Listener> listen(const SocketAddress& address) = 0;
  /// Errors: as listen; kInvalidArgument also for a group or interface that cannot be; kOutOfMemory.
  virtual Result<Listener> open_datagrams(const DatagramConfig& config) = 0;
  /// Datagrams that this socket had no room for, so far; also those after the last one received.
  virtual std::uint64_t datagrams_dropped(IoHandle socket) noexcept = 0;
  /// Who is at the other end, without the port: "192.0.2.7", "unix", "sim".
  virtual std::string peer_name(IoHandle connection) = 0;
  /// Sets `streams` of the sets of buffers aside for receive streams that name the class; class 0 has the rest.
  /// Errors: kLimitExceeded where class 0 would have none left that it needs (it may have 0 where nobody uses it).
  virtual Result<std::uint32_t> make_receive_class(std::uint32_t streams) = 0;
  /// Tells the kernel a buffer that reads will use often; a hint. Requires: the memory outlives unregister_buffer.
  /// Returns its number, or -1 where that is not possible (reads work without).
  virtual int register_buffer(std::span<char> memory) noexcept = 0;
  /// Requires: no op uses it.
  virtual void unregister_buffer(int number) noexcept = 0;

  // --- Ops. No OpId means that ops_max is reached: try again after a poll. -----------------
  /// Event: bytes read, fewer than asked where there are no more now; 0 at the end. `registered` from register_buffer.
  virtual OpId read(IoHandle file, std::span<char> into, std::uint64_t offset, Completion& completion,
                    std::uint64_t tag = 0, int registered = -1) noexcept = 0;
  /// Event: bytes written, perhaps fewer than given. Never raises SIGPIPE (-EPIPE instead).
  virtual OpId write(IoHandle file, std::span<const char> bytes, std::uint64_t offset, Completion& completion,
                     std::uint64_t tag = 0) noexcept = 0;
  /// Event: 0 when the file's bytes are on the disk.
  virtual OpId sync(IoHandle file, Completion& completion, std::uint64_t tag = 0) noexcept = 0;
  /// Ends the handle: no op may name it any more. Cancels ops that wait for a peer, waits for all others, then closes.
  /// Event (where a completion is given): the result of the close. Never refused.
  virtual OpId close(IoHandle handle, Completion* completion = nullptr, std::uint64_t tag = 0) noexcept = 0;
  /// Events: one a connection (`handle`), until cancelled or an error.
  virtual OpId accept_stream(IoHandle listener, Completion& completion, std::uint64_t tag = 0) noexcept = 0;
  /// Events: one a filled buffer, in order; terminal: 0 at the peer's end, or -errno. Requires: one a connection.
  virtual OpId receive_stream(IoHandle connection, Completion& completion, std::uint64_t tag = 0,
                              std::uint32_t receive_class = 0) noexcept = 0;
  /// Events: one a datagram, in the order of arrival; terminal: -errno. Requires: one a socket.
  virtual OpId receive_datagrams(IoHandle socket, Completion& completion, std::uint64_t tag = 0) noexcept = 0;
  /// Event: bytes sent, perhaps fewer than given. Requires: one at a time a connection, so that order is kept.
  virtual OpId send(IoHandle connection, std::span<const char> bytes, Completion& completion,
                    std::uint64_t tag = 0) noexcept = 0;
  /// Event: `handle` with result 0, or -errno. Looks the host up first (may block).
  virtual Result<OpId> connect(const SocketAddress& address, Completion& completion, std::uint64_t tag = 0) = 0;
  /// Event: 0 when the clock has moved on that far, -ECANCELED where cancelled.
  virtual OpId timeout(std::int64_t after_ns, Completion& completion, std::uint64_t tag = 0) noexcept = 0;
  /// Ends the op early where it still waits; false where it has ended already. The terminal event comes in any case.
  virtual bool cancel(OpId op) noexcept = 0;
  /// Says to the peer that nothing more will be sent; receiving goes on.
  virtual void shutdown_send(IoHandle connection) noexcept = 0;
  /// Gives a receive buffer back: one credit for its stream.
  virtual void return_buffer(std::uint32_t buffer) noexcept = 0;

  // --- The turn (core's Poller). ------------------------------------------------------------------------------------
  /// Submits what was asked for since the last turn and delivers what has happened. Never blocks. Returns the number of
  /// events delivered.
  std::size_t poll() noexcept override = 0;
  /// Waits until an event, a wake or the timeout (negative: none), then returns; the next poll delivers.
  void park(std::int64_t timeout_ns) noexcept override = 0;
  /// Ends the park that runs, or the next one at once. Thread: any.
  void wake() noexcept override = 0;

  /// Ops in flight, closes included.
  virtual std::size_t ops_in_flight() const noexcept = 0;
  /// Keeps the owner alive until it is idle. Requires: its ops are cancelled or end by themselves.
  virtual void retire(std::unique_ptr<OpOwner> owner) = 0;
};

/// Makes a backend. kAuto takes uring and falls back to epoll; `note` then says why, in one line for the log.
/// Errors: kUnavailable where uring was asked for and the system forbids it; the hint names `--backend epoll`.
Result<std::unique_ptr<IoBackend>> make_backend(BackendKind kind, const BackendConfig& config,
                                                std::string* note = nullptr);

}  // namespace weir
