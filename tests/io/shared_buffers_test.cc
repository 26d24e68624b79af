// Sets of receive buffers that go round among more connections than there are sets; Unix sockets; receive classes.
#include <unistd.h>

#include <algorithm>

#include "io/backend_fixture.h"

namespace weir {
namespace {

using SharedBuffersTest = BackendTest;
WEIR_ON_ALL_BACKENDS(SharedBuffersTest);

/// Receives everything of one connection; gives buffers back at once, or holds them.
struct Taker final : Completion {
  void complete(const IoEvent& event) noexcept override {
    if (!event.more) {
      ended = true;
      result = event.result;
      return;
    }
    bytes.append(event.data, static_cast<std::size_t>(event.result));
    if (hold)
      held.push_back(event.buffer);
    else
      backend->return_buffer(event.buffer);
  }
  void let_go() {
    hold = false;
    for (const std::uint32_t buffer : held) backend->return_buffer(buffer);
    held.clear();
  }
  IoBackend* backend = nullptr;
  std::string bytes;
  std::vector<std::uint32_t> held;
  bool hold = false;
  bool ended = false;
  std::int32_t result = 0;
};

class Meeting {
 public:
  Meeting(IoBackend& backend, World& world) : backend_(backend), world_(world) {
    auto made = backend.listen({"127.0.0.1", 0});
    EXPECT_TRUE(made.has_value());
    listener_ = made->handle;
    port_ = made->port;
    accept_ = backend.accept_stream(listener_, accepted_);
  }
  std::unique_ptr<Peer> connect() { return world_.connect(port_); }
  std::size_t accepted() const { return accepted_.events.size(); }
  IoHandle connection(std::size_t index) const { return accepted_.events[index].handle; }
  void end(std::size_t connections) {
    for (std::size_t i = 0; i < connections; ++i) backend_.close(connection(i));
    backend_.close(listener_);
  }

 private:
  IoBackend& backend_;
  World& world_;
  IoHandle listener_;
  std::uint16_t port_ = 0;
  OpId accept_;
  Recorder accepted_;
};

TEST_P(SharedBuffersTest, AHundredStreamsShareThreeSetsOfBuffersAndLoseNothing) {
  constexpr std::size_t kPeers = 100;
  start({.receive_streams_max = 3, .receive_buffers_max = 2, .receive_buffer_bytes = 512});
  if (IsSkipped()) return;
  Meeting meeting(*backend_, *world_);
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<Taker> takers(kPeers);
  std::vector<std::string> sent(kPeers);
  std::vector<std::size_t> done(kPeers);
  for (std::size_t i = 0; i < kPeers; ++i) {
    peers.push_back(meeting.connect());
    sent[i] = pattern(1 + i * 137, i);
    takers[i].backend = backend_.get();
  }
  std::size_t receiving = 0;
  ASSERT_TRUE(drive([&] {
    for (; receiving < meeting.accepted(); ++receiving)
      EXPECT_TRUE(backend_->receive_stream(meeting.connection(receiving), takers[receiving]).valid());
    for (std::size_t i = 0; i < kPeers; ++i) {
      if (done[i] == sent[i].size()) continue;
      done[i] += peers[i]->send(std::string_view(sent[i]).substr(done[i], 1000));
      if (done[i] == sent[i].size()) peers[i]->shutdown_send();
    }
    return receiving == kPeers && std::all_of(takers.begin(), takers.end(), [](const Taker& t) { return t.ended; });
  }));
  std::vector<std::string> got;
  for (const Taker& taker : takers) {
    EXPECT_EQ(taker.result, 0);
    got.push_back(taker.bytes);
  }
  std::sort(got.begin(), got.end());  // connections may be accepted in any order
  std::sort(sent.begin(), sent.end());
  EXPECT_EQ(got, sent);
  EXPECT_GT(backend_->counters().buffer_turns, 0u);
  meeting.end(kPeers);
  settle();
}

TEST_P(SharedBuffersTest, ManyIdleStreamsKeepNoBuffersFromABusyOne) {
  constexpr std::size_t kIdle = 50;
  start({.receive_streams_max = 2, .receive_buffers_max = 2, .receive_buffer_bytes = 512});
  if (IsSkipped()) return;
  Meeting meeting(*backend_, *world_);
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<Taker> takers(kIdle + 1);
  for (Taker& taker : takers) taker.backend = backend_.get();
  for (std::size_t i = 0; i <= kIdle; ++i) {
    peers.push_back(meeting.connect());
    ASSERT_TRUE(drive([&] { return meeting.accepted() == i + 1; }));
    ASSERT_TRUE(backend_->receive_stream(meeting.connection(i), takers[i]).valid());
  }
  turns(5);
  const std::string bytes = pattern(200'000);
  std::size_t done = 0;
  ASSERT_TRUE(drive([&] {
    done += peers.back()->send(std::string_view(bytes).substr(done));
    return takers.back().bytes.size() == bytes.size();
  }));
  EXPECT_TRUE(takers.back().bytes == bytes);
  for (std::size_t i = 0; i < kIdle; ++i) EXPECT_EQ(peers[i]->send("now I"), 5u);
  EXPECT_TRUE(drive([&] {
    return std::all_of(takers.begin(), takers.end() - 1, [](const Taker& taker) { return taker.bytes == "now I"; });
  }));
  meeting.end(kIdle + 1);
  settle();
}

TEST_P(SharedBuffersTest, WhoHoldsAllBuffersOfAClassStarvesNoOtherClass) {
  start({.receive_streams_max = 3, .receive_buffers_max = 2, .receive_buffer_bytes = 256});
  if (IsSkipped()) return;
  auto frozen = backend_->make_receive_class(2);
  ASSERT_TRUE(frozen.has_value()) << frozen.error().to_string();
  EXPECT_FALSE(backend_->make_receive_class(2).has_value()) << "one set is left";
  Meeting meeting(*backend_, *world_);
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<Taker> takers(5);
  for (std::size_t i = 0; i < takers.size(); ++i) {
    peers.push_back(meeting.connect());
    ASSERT_TRUE(drive([&] { return meeting.accepted() == i + 1; }));
    takers[i].backend = backend_.get();
    takers[i].hold = i < 4;
    ASSERT_TRUE(backend_->receive_stream(meeting.connection(i), takers[i], 0, i < 4 ? *frozen : 0).valid());
  }
  for (std::size_t i = 0; i < 4; ++i) EXPECT_GT(peers[i]->send(pattern(2000, i)), 0u);
  turns(20);
  const std::size_t before =
      takers[0].bytes.size() + takers[1].bytes.size() + takers[2].bytes.size() + takers[3].bytes.size();
  EXPECT_LE(before, 4u * 256u) << "two sets of two buffers are the class's";
  const std::string bytes = pattern(50'000);
  std::size_t done = 0;
  ASSERT_TRUE(drive([&] {
    done += peers[4]->send(std::string_view(bytes).substr(done));
    return takers[4].bytes.size() == bytes.size();
  })) << "the other class goes on";
  for (std::size_t i = 0; i < 4; ++i) takers[i].let_go();
  EXPECT_TRUE(drive([&] {
    return std::all_of(takers.begin(), takers.end() - 1, [](const Taker& t) { return t.bytes.size() == 2000; });
  })) << "and the frozen ones recover";
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(takers[i].bytes, pattern(2000, i));
  meeting.end(5);
  settle();
}

TEST_P(SharedBuffersTest, AStreamThatWaitsForItsTurnCanBeCancelled) {
  start({.receive_streams_max = 1, .receive_buffers_max = 1, .receive_buffer_bytes = 64});
  if (IsSkipped()) return;
  Meeting meeting(*backend_, *world_);
  auto one = meeting.connect(), two = meeting.connect();
  ASSERT_TRUE(drive([&] { return meeting.accepted() == 2; }));
  Taker holder, waiter;
  holder.backend = waiter.backend = backend_.get();
  holder.hold = true;
  backend_->receive_stream(meeting.connection(0), holder);
  const OpId op = backend_->receive_stream(meeting.connection(1), waiter);
  one->send("x");
  two->send("y");
  turns(10);
  Taker& starved = holder.bytes.empty() ? holder : waiter;
  EXPECT_EQ(holder.bytes.size() + waiter.bytes.size(), &starved == &waiter ? 1u : holder.bytes.size() + 1u);
  EXPECT_TRUE(backend_->cancel(op));
  EXPECT_TRUE(drive([&] { return waiter.ended; }));
  EXPECT_EQ(waiter.result, -ECANCELED);
  EXPECT_FALSE(holder.ended);
  holder.let_go();
  meeting.end(2);
  settle();
}

TEST_P(SharedBuffersTest, AUnixSocketCarriesEveryByteAndTheEndInBothDirections) {
  const std::string path = world_->path("socket");
  for (int round = 0; round < 5; ++round) {  // the path is free again each time
    auto listener = backend_->listen({.path = path});
    ASSERT_TRUE(listener.has_value()) << listener.error().to_string();
    Recorder accepted;
    backend_->accept_stream(listener->handle, accepted);
    auto peer = world_->connect(path);
    ASSERT_TRUE(drive([&] { return accepted.events.size() == 1; }));
    auto source = make_tcp_source(accepted.events[0].handle, "peer");
    ASSERT_TRUE(source->open(*backend_).has_value());
    const std::string bytes = pattern(1 << 20, static_cast<std::uint64_t>(round));
    std::size_t done = 0;
    std::string all;
    ReadState state = ReadState::kPending;
    ASSERT_TRUE(drive([&] {
      if (done < bytes.size()) {
        done += peer->send(std::string_view(bytes).substr(done, 4096));
        if (done == bytes.size()) peer->shutdown_send();
      }
      std::span<const char> piece;
      while ((state = source->poll(piece)) == ReadState::kData) {
        all.append(piece.data(), piece.size());
        source->consume(piece.size());
      }
      return state != ReadState::kPending;
    }));
    EXPECT_EQ(state, ReadState::kEnd);
    EXPECT_TRUE(all == bytes) << all.size();
    source.reset();
    backend_->close(listener->handle);
    settle();
  }
}

TEST_P(SharedBuffersTest, ConnectsOverAUnixSocketAndNamesThePathWhereNobodyListens) {
  const std::string path = world_->path("socket");
  Recorder refused;
  auto nobody = backend_->connect({.path = path}, refused);
  if (nobody.has_value()) {
    ASSERT_TRUE(drive([&] { return refused.ended() == 1; }));
    EXPECT_TRUE(refused.events[0].result == -ENOENT || refused.events[0].result == -ECONNREFUSED);
  }
  auto listener = backend_->listen({.path = path});
  ASSERT_TRUE(listener.has_value());
  Recorder accepted, connected;
  backend_->accept_stream(listener->handle, accepted);
  ASSERT_TRUE(backend_->connect({.path = path}, connected).has_value());
  ASSERT_TRUE(drive([&] { return connected.ended() == 1 && accepted.events.size() == 1; }));
  EXPECT_EQ(connected.events[0].result, 0);
  Recorder wire;
  backend_->send(connected.events[0].handle, std::string_view("ping"), wire, 1);
  backend_->receive_stream(accepted.events[0].handle, wire, 2);
  ASSERT_TRUE(drive([&] { return wire.events.size() == 2; }));
  for (const auto& event : wire.events)
    if (event.tag == 2) {
      EXPECT_EQ(event.data, "ping");
      backend_->return_buffer(event.buffer);
    }
  const bool host = !world_->simulated();
  EXPECT_EQ(backend_->peer_name(accepted.events[0].handle), host ? "unix" : "sim");
  EXPECT_FALSE(backend_->listen({.path = path}).has_value()) << "somebody listens there";
  turns(3);
  backend_->close(connected.events[0].handle);
  for (const auto& event : accepted.events) backend_->close(event.handle);  // with the one that asked who listens
  backend_->close(listener->handle);
  settle();
  if (host) {
    EXPECT_NE(::access(path.c_str(), F_OK), 0) << "the listener takes its path along";
  }
}

}  // namespace
}  // namespace weir
