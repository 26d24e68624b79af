// SimWorld: files, a network and their faults in memory, under one seed and one manual clock. SimBackends of one world
// see the same files and can connect to one another, so a whole job with all its shards runs in one thread and runs the
// same way again for the same seed.
//
// Every op completes at a drawn time; park() moves the clock to the next such time when nothing is ready. Faults are
// drawn per op from SimFaults, in the order of the ops.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/clock.h"
#include "weir/core/result.h"
#include "weir/io/backend.h"

namespace weir {

/// Probabilities (0 … 1) of one op, and limits. All zero: a perfect world with delays.
struct SimFaults {
  double short_read = 0;                             ///< A read gives fewer bytes than there are.
  double short_write = 0;                            ///< A write or send takes fewer bytes than given.
  double read_error = 0;                             ///< EIO.
  double write_error = 0;                            ///< EIO.
  double connection_reset = 0;                       ///< A receive or send ends with ECONNRESET; both sides see it.
  double file_vanishes = 0;                          ///< At open: ENOENT though status() saw it.
  double buffer_shortage = 0;                        ///< A receive stream behaves as if out of buffers for one delay.
  double datagram_loss = 0;                          ///< A datagram never comes.
  double datagram_swap = 0;                          ///< A datagram overtakes the one before it.
  std::uint64_t disk_bytes_max = ~std::uint64_t{0};  ///< ENOSPC when files written in this world hold that many bytes.
  double sync_full = 0;                              ///< ENOSPC at a sync.
  double rename_full = 0;                            ///< ENOSPC when a file gets another name.
  std::uint64_t disk_files_max = ~std::uint64_t{0};  ///< ENOSPC when a file is made in a world that has that many.
  std::int64_t delay_min_ns = 1000;
  std::int64_t delay_max_ns = 100000;
};

class SimWorldState;

/// A peer of the simulated network that test code plays by hand. Sending and closing take effect after a drawn delay.
class SimPeer {
 public:
  SimPeer() = default;
  bool valid() const noexcept { return connection_ != nullptr; }
  /// The listener's backend has accepted it.
  bool accepted() const noexcept;
  /// Queues bytes up to the connection's window (256 KiB); returns how many were taken: 0 means that the peer blocks.
  std::size_t send(std::string_view bytes);
  /// Bytes that arrived; takes them out.
  std::string receive();
  /// Half close: end of stream behind the bytes sent.
  void shutdown_send();
  /// The other side has shut down and every byte was taken by receive().
  bool at_end() const noexcept;
  /// Reset: the other side sees ECONNRESET, bytes in flight are lost.
  void reset();
  bool was_reset() const noexcept;

 private:
  friend class SimWorld;
  SimWorldState* world_ = nullptr;
  std::shared_ptr<void> connection_;
};

class SimWorld {
 public:
  /// The clock is the world's time; park() of its backends advances it.
  explicit SimWorld(ManualClock& clock, std::uint64_t seed = 1);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  void set_faults(const SimFaults& faults) noexcept;
  /// Paths that are not in memory are the host's: reads and writes go through to it, with the world's delays and
  /// faults.
  /// "-" is the process's own standard input and output.
  void allow_host_files(bool allow) noexcept;
  bool host_files_allowed() const noexcept;

  void write_file(const std::string& path, std::string_view bytes);
  /// Errors: kNotFound.
  Result<std::string> read_file(const std::string& path) const;
  /// Readers that are at the end see it at their next read.
  void append_file(const std::string& path, std::string_view bytes);
  void rename_file(const std::string& from, const std::string& to);
  void remove_file(const std::string& path);
  void make_directory(const std::string& path);
  /// Cuts a file; ops that read it afterwards see the new end.
  void truncate_file(const std::string& path, std::uint64_t size);
  /// What "-" gives to readers (where host files are not allowed), and what was written to it.
  void set_standard_input(std::string_view bytes);
  std::string standard_output() const;

  /// Connects to a listener of a backend of this world. Not valid() where nobody listens on the port.
  SimPeer connect_peer(std::uint16_t port);
  /// The same by the path of a Unix socket.
  SimPeer connect_peer(const std::string& path);
  /// Sends one datagram to whoever has the port; lost without a word where nobody has.
  void send_datagram(std::uint16_t port, std::string_view bytes);

  /// A hash of every event delivered so far: two runs with one seed have the same.
  std::uint64_t trace_hash() const noexcept;
  /// The next time at which something happens, if anything does.
  std::optional<std::int64_t> next_event_ns() const noexcept;
  ManualClock& clock() noexcept;

 private:
  friend Result<std::unique_ptr<IoBackend>> make_sim_backend(SimWorld& world, BackendConfig config);
  std::unique_ptr<SimWorldState> state_;
};

/// One shard's backend in the world; config.clock is set to the world's. Requires: the world outlives it.
Result<std::unique_ptr<IoBackend>> make_sim_backend(SimWorld& world, BackendConfig config = {});

}  // namespace weir
