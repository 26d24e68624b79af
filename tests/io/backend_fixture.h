// One world for each backend, so that the same scenario runs against all of them: files, peers and the loop that drives
// the backend. No test sleeps; it polls and parks.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/core/clock.h"
#include "weir/io/backend.h"
#include "weir/io/byte_sink.h"
#include "weir/io/byte_source.h"
#include "weir/io/sim.h"

namespace weir {

/// The other end of a TCP connection, in the test's hand.
class Peer {
 public:
  virtual ~Peer() = default;
  /// Bytes taken now; 0 means that the peer blocks.
  virtual std::size_t send(std::string_view bytes) = 0;
  virtual std::string receive() = 0;
  /// receive() has come to the end, or to a reset.
  virtual bool at_end() = 0;
  virtual void shutdown_send() = 0;
  virtual void reset() = 0;
  /// Bytes sent that the other end has not acknowledged.
  virtual int unacknowledged() { return 0; }
};

class World {
 public:
  virtual ~World() = default;
  virtual Clock& clock() = 0;
  virtual Result<std::unique_ptr<IoBackend>> make(BackendConfig config) = 0;
  virtual std::string path(const std::string& name) = 0;
  virtual void write_file(const std::string& name, std::string_view bytes) = 0;
  virtual std::string read_file(const std::string& name) = 0;
  virtual void make_directory(const std::string& name) = 0;
  virtual void truncate_file(const std::string& name, std::size_t size) = 0;
  virtual void append_file(const std::string& name, std::string_view bytes) = 0;
  virtual void rename_file(const std::string& from, const std::string& to) = 0;
  virtual void remove_file(const std::string& name) = 0;
  virtual std::unique_ptr<Peer> connect(std::uint16_t port) = 0;
  /// To a Unix socket.
  virtual std::unique_ptr<Peer> connect(const std::string& path) = 0;
  /// One datagram to a port of 127.0.0.1, or to a multicast group through the loopback interface.
  virtual void send_datagram(std::uint16_t port, std::string_view bytes, const std::string& group = "") = 0;
  virtual bool simulated() const { return false; }
};

std::unique_ptr<World> make_world(const std::string& backend);

/// Takes down every event.
struct Recorder : Completion {
  struct Seen {
    std::uint64_t tag;
    std::int32_t result;
    bool more;
    IoHandle handle;
    std::string data;
    std::uint32_t buffer;
  };
  void complete(const IoEvent& event) noexcept override {
    Seen seen{event.tag, event.result, event.more, event.handle, {}, event.buffer};
    if (event.data != nullptr) seen.data.assign(event.data, static_cast<std::size_t>(event.result));
    events.push_back(std::move(seen));
  }
  std::size_t ended() const {
    std::size_t count = 0;
    for (const Seen& seen : events) count += seen.more ? 0 : 1;
    return count;
  }
  std::vector<Seen> events;
};

class BackendTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    world_ = make_world(GetParam());
    start({});
  }
  void TearDown() override {
    if (backend_ == nullptr) return;
    settle();
    backend_.reset();
  }
  /// Makes the backend anew.
  void start(BackendConfig config) {
    backend_.reset();
    config.clock = &world_->clock();
    auto made = world_->make(config);
    if (!made.has_value() && made.error().code() == ErrorCode::kUnavailable)
      GTEST_SKIP() << "this system does not offer the backend: " << made.error().to_string();
    ASSERT_TRUE(made.has_value()) << made.error().to_string();
    backend_ = std::move(*made);
  }
  /// Turns until the condition holds; false if it never does.
  bool drive(const std::function<bool()>& condition) {
    for (int turn = 0; turn < 20000; ++turn) {
      if (condition()) return true;
      if (backend_->poll() == 0 && !condition()) backend_->park(1'000'000);
    }
    return condition();
  }
  /// Until no op is in flight: recorders on a test's stack must outlive their ops.
  void settle() {
    EXPECT_TRUE(drive([&] { return backend_->ops_in_flight() == 0; })) << "ops are left";
  }
  /// A number of turns, for what must not happen.
  void turns(int count) {
    for (int i = 0; i < count; ++i)
      if (backend_->poll() == 0) backend_->park(100'000);
  }
  /// Reads a source to its end, `take` bytes at a time at most.
  ReadState read_all(ByteSource& source, std::string& all, std::size_t take = ~std::size_t{0}) {
    ReadState state = ReadState::kPending;
    drive([&] {
      std::span<const char> bytes;
      while ((state = source.poll(bytes)) == ReadState::kData) {
        const std::size_t count = std::min(take, bytes.size());
        all.append(bytes.data(), count);
        source.consume(count);
      }
      return state != ReadState::kPending;
    });
    return state;
  }
  /// Writes everything and closes. True if that worked.
  bool write_all(ByteSink& sink, std::string_view bytes) {
    std::size_t done = 0;
    drive([&] {
      done += sink.append(std::span(bytes.data(), bytes.size()).subspan(done));
      return done == bytes.size() || sink.failed();
    });
    sink.close();
    return drive([&] { return sink.closed() || sink.failed(); }) && !sink.failed();
  }

  std::unique_ptr<World> world_;
  std::unique_ptr<IoBackend> backend_;
};

/// Bytes whose every piece tells where it stands.
std::string pattern(std::size_t bytes, std::uint64_t seed = 1);

#define WEIR_ON_ALL_BACKENDS(suite)                                             \
  INSTANTIATE_TEST_SUITE_P(, suite, ::testing::Values("uring", "epoll", "sim"), \
                           [](const auto& p) { return std::string(p.param); })

}  // namespace weir
