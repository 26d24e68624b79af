// The simulated world and the peers that test code plays in it.
#include "sim/sim_world.h"

#include <algorithm>
#include <utility>

#include "weir/core/check.h"

namespace weir {

using detail::SimConnection;
using detail::SimDirection;
using detail::SimFile;
using detail::SimWaiter;

std::int64_t SimWorldState::draw_delay() {
  const std::int64_t low = std::max<std::int64_t>(faults.delay_min_ns, 0);
  return random.between(low, std::max(low, faults.delay_max_ns));
}

bool SimWorldState::draw(double probability) {
  if (probability <= 0) return false;
  return static_cast<double>(random.next() >> 11) * 0x1p-53 < probability;
}

void SimWorldState::notify(SimWaiter& waiter, std::int64_t at_ns) {
  if (waiter.backend != nullptr) detail::sim_backend_schedule(*waiter.backend, waiter.op, at_ns);
  waiter = {};
}

void SimWorldState::send(SimConnection& connection, int side, std::string_view bytes) {
  SimDirection& way = connection.ways[side];
  way.last_arrival_ns = std::max(way.last_arrival_ns, clock.now_ns() + draw_delay());
  way.chunks.push_back({std::string(bytes), 0, way.last_arrival_ns});
  way.buffered += bytes.size();
  notify(way.reader, way.last_arrival_ns);
}

void SimWorldState::send_datagram(std::uint16_t port, std::string_view bytes) {
  const auto at = mailboxes.find(port);
  if (at == mailboxes.end() || draw(faults.datagram_loss)) return;
  detail::SimMailbox& mailbox = *at->second;
  if (mailbox.waiting_bytes + bytes.size() > mailbox.bytes_max) {
    ++mailbox.dropped;
    return;
  }
  const std::int64_t last = mailbox.waiting.empty() ? 0 : mailbox.waiting.back().arrives_ns;
  const std::int64_t arrives = std::max(last, clock.now_ns() + draw_delay());
  mailbox.waiting.push_back({std::string(bytes), arrives});
  mailbox.waiting_bytes += bytes.size();
  if (draw(faults.datagram_swap) && mailbox.waiting.size() > 1)
    std::swap(mailbox.waiting.back().bytes, mailbox.waiting[mailbox.waiting.size() - 2].bytes);
  notify(mailbox.reader, arrives);
}

void SimWorldState::end(SimConnection& connection, int side) {
  SimDirection& way = connection.ways[side];
  if (way.ended) return;
  way.ended = true;
  way.last_arrival_ns = std::max(way.last_arrival_ns, clock.now_ns() + draw_delay());
  way.end_arrives_ns = way.last_arrival_ns;
  notify(way.reader, way.end_arrives_ns);
}

void SimWorldState::reset(SimConnection& connection) {
  if (connection.reset) return;
  connection.reset = true;
  for (SimDirection& way : connection.ways) {
    way.chunks.clear();
    way.buffered = 0;
    notify(way.reader, clock.now_ns());
    notify(way.writer, clock.now_ns());
  }
}

std::optional<std::int64_t> SimWorldState::next_event_ns() const {
  std::optional<std::int64_t> next;
  for (const detail::SimBackend* backend : backends) {
    const auto at = detail::sim_backend_next_ns(*backend);
    if (at.has_value() && (!next.has_value() || *at < *next)) next = at;
  }
  return next;
}

bool SimWorldState::is_directory(const std::string& path) const {
  if (std::find(directories.begin(), directories.end(), path) != directories.end()) return true;
  const std::string prefix = path + "/";
  const auto at = files.lower_bound(prefix);
  return at != files.end() && at->first.starts_with(prefix);
}

bool SimWorldState::rename_file(const std::string& from, const std::string& to) {
  auto moved = files.extract(from);
  if (moved.empty()) return false;
  files.erase(to);
  moved.key() = to;
  files.insert(std::move(moved));
  return true;
}

SimWorld::SimWorld(ManualClock& clock, std::uint64_t seed) : state_(std::make_unique<SimWorldState>(clock, seed)) {}
SimWorld::~SimWorld() {
  WEIR_CHECK(state_->backends.empty());
}

void SimWorld::set_faults(const SimFaults& faults) noexcept {
  state_->faults = faults;
}
void SimWorld::allow_host_files(bool allow) noexcept {
  state_->host_files = allow;
}

bool SimWorld::host_files_allowed() const noexcept {
  return state_->host_files;
}

void SimWorld::write_file(const std::string& path, std::string_view bytes) {
  auto file = std::make_shared<SimFile>();
  file->bytes = bytes;
  state_->files[path] = std::move(file);
}

Result<std::string> SimWorld::read_file(const std::string& path) const {
  const auto at = state_->files.find(path);
  if (at == state_->files.end()) return Error(ErrorCode::kNotFound, "there is no simulated file " + path);
  return at->second->bytes;
}

void SimWorld::append_file(const std::string& path, std::string_view bytes) {
  const auto at = state_->files.find(path);
  if (at == state_->files.end()) return write_file(path, bytes);
  at->second->bytes += bytes;
}

void SimWorld::rename_file(const std::string& from, const std::string& to) {
  (void)state_->rename_file(from, to);
}

void SimWorld::remove_file(const std::string& path) {
  state_->files.erase(path);
}
void SimWorld::make_directory(const std::string& path) {
  state_->directories.push_back(path);
}

void SimWorld::truncate_file(const std::string& path, std::uint64_t size) {
  const auto at = state_->files.find(path);
  if (at != state_->files.end()) at->second->bytes.resize(static_cast<std::size_t>(size));
}

void SimWorld::set_standard_input(std::string_view bytes) {
  state_->standard_input->bytes = bytes;
}
std::string SimWorld::standard_output() const {
  return state_->standard_output->bytes;
}

SimPeer SimWorld::connect_peer(std::uint16_t port) {
  SimPeer peer;
  const auto at = state_->listeners.find(port);
  if (at == state_->listeners.end()) return peer;
  auto connection = std::make_shared<SimConnection>();
  at->second->backlog.push_back(connection);
  state_->notify(at->second->acceptor, state_->clock.now_ns() + state_->draw_delay());
  peer.world_ = state_.get();
  peer.connection_ = std::move(connection);
  return peer;
}

SimPeer SimWorld::connect_peer(const std::string& path) {
  const auto at = state_->local_ports.find(path);
  return at == state_->local_ports.end() ? SimPeer() : connect_peer(at->second);
}

void SimWorld::send_datagram(std::uint16_t port, std::string_view bytes) {
  state_->send_datagram(port, bytes);
}

std::uint64_t SimWorld::trace_hash() const noexcept {
  return state_->trace_hash;
}
std::optional<std::int64_t> SimWorld::next_event_ns() const noexcept {
  return state_->next_event_ns();
}
ManualClock& SimWorld::clock() noexcept {
  return state_->clock;
}

Result<std::unique_ptr<IoBackend>> make_sim_backend(SimWorld& world, BackendConfig config) {
  return detail::make_sim_backend(*world.state_, config);
}

// --- A peer played by test code -------------------------------------------------------------------------------------

namespace {
SimConnection& connection_of(const std::shared_ptr<void>& connection) {
  WEIR_CHECK(connection != nullptr);
  return *static_cast<SimConnection*>(connection.get());
}
}  // namespace

bool SimPeer::accepted() const noexcept {
  return connection_of(connection_).accepted;
}

std::size_t SimPeer::send(std::string_view bytes) {
  SimConnection& connection = connection_of(connection_);
  const SimDirection& way = connection.ways[0];
  if (connection.reset || way.ended) return 0;
  if (connection.closed[1]) {
    world_->reset(connection);
    return 0;
  }
  const std::size_t taken = std::min(bytes.size(), detail::kSimWindowBytes - way.buffered);
  if (taken != 0) world_->send(connection, 0, bytes.substr(0, taken));
  return taken;
}

std::string SimPeer::receive() {
  SimDirection& way = connection_of(connection_).ways[1];
  std::string all;
  for (const SimDirection::Chunk& chunk : way.chunks) all.append(chunk.bytes, chunk.taken);
  way.chunks.clear();
  way.buffered = 0;
  world_->notify(way.writer, world_->clock.now_ns());
  return all;
}

void SimPeer::shutdown_send() {
  world_->end(connection_of(connection_), 0);
}
bool SimPeer::at_end() const noexcept {
  const SimDirection& way = connection_of(connection_).ways[1];
  return way.ended && way.chunks.empty();
}
void SimPeer::reset() {
  world_->reset(connection_of(connection_));
}
bool SimPeer::was_reset() const noexcept {
  return connection_of(connection_).reset;
}

}  // namespace weir
