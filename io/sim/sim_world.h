// The state that the backends of one simulated world share: files, listeners, connections, faults, and who waits.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "weir/core/random.h"
#include "weir/io/sim.h"

namespace weir {

namespace detail {

class SimBackend;

/// An op of one backend that waits for something in the world.
struct SimWaiter {
  SimBackend* backend = nullptr;
  std::uint64_t op = 0;
};

struct SimFile {
  std::string bytes;
};

/// One way of a connection: bytes that have been sent and not taken.
struct SimDirection {
  struct Chunk {
    std::string bytes;
    std::size_t taken = 0;
    std::int64_t arrives_ns = 0;
  };
  std::deque<Chunk> chunks;
  std::size_t buffered = 0;
  std::int64_t last_arrival_ns = 0;
  bool ended = false;
  std::int64_t end_arrives_ns = 0;
  SimWaiter reader;
  SimWaiter writer;
};

/// Side 0 connected, side 1 accepted; side s sends on ways[s] and receives on ways[1 - s].
struct SimConnection {
  SimDirection ways[2];
  bool closed[2] = {false, false};
  bool reset = false;
  bool accepted = false;
};

struct SimListener {
  std::uint16_t port = 0;
  std::deque<std::shared_ptr<SimConnection>> backlog;
  SimWaiter acceptor;
};

/// A socket for datagrams: what has arrived and was not taken.
struct SimMailbox {
  struct Datagram {
    std::string bytes;
    std::int64_t arrives_ns = 0;
  };
  std::uint16_t port = 0;
  std::deque<Datagram> waiting;
  std::size_t waiting_bytes = 0;
  std::size_t bytes_max = 0;
  std::uint32_t dropped = 0;
  SimWaiter reader;
};

inline constexpr std::size_t kSimWindowBytes = 262144;
inline constexpr std::size_t kSimMailboxBytes = 212992;  // Linux's default

}  // namespace detail

class SimWorldState {
 public:
  SimWorldState(ManualClock& world_clock, std::uint64_t seed) : clock(world_clock), random(seed) {}

  std::int64_t draw_delay();
  bool draw(double probability);
  /// Schedules the waiting op, if there is one, and forgets it.
  void notify(detail::SimWaiter& waiter, std::int64_t at_ns);
  void send(detail::SimConnection& connection, int side, std::string_view bytes);
  void send_datagram(std::uint16_t port, std::string_view bytes);
  void end(detail::SimConnection& connection, int side);
  void reset(detail::SimConnection& connection);
  std::optional<std::int64_t> next_event_ns() const;
  bool is_directory(const std::string& path) const;
  /// False where it is not in memory.
  bool rename_file(const std::string& from, const std::string& to);

  ManualClock& clock;
  Random random;
  SimFaults faults;
  bool host_files = false;
  std::map<std::string, std::shared_ptr<detail::SimFile>> files;
  std::vector<std::string> directories;
  std::shared_ptr<detail::SimFile> standard_input = std::make_shared<detail::SimFile>();
  std::shared_ptr<detail::SimFile> standard_output = std::make_shared<detail::SimFile>();
  std::map<std::uint16_t, std::shared_ptr<detail::SimListener>> listeners;
  std::map<std::string, std::uint16_t> local_ports;  // a Unix path is a port of its own
  std::map<std::uint16_t, std::shared_ptr<detail::SimMailbox>> mailboxes;
  std::uint16_t next_port = 40000;
  std::vector<detail::SimBackend*> backends;
  std::uint64_t disk_bytes = 0;
  std::uint64_t trace_hash = 0;
  std::uint64_t sequence = 0;
};

namespace detail {
Result<std::unique_ptr<IoBackend>> make_sim_backend(SimWorldState& world, BackendConfig config);
/// The next time at which the backend has something to do.
std::optional<std::int64_t> sim_backend_next_ns(const SimBackend& backend);
void sim_backend_schedule(SimBackend& backend, std::uint64_t op, std::int64_t at_ns);
}  // namespace detail

}  // namespace weir
