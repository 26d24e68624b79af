// TCP through every backend: echo, half close, reset, slow consumers, limits.
#include <deque>
#include <utility>

#include "io/backend_fixture.h"

namespace weir {
namespace {

using TcpTest = BackendTest;
WEIR_ON_ALL_BACKENDS(TcpTest);

/// Sends back what it receives, one piece at a time, and half-closes after the peer did.
class Echo final : public Completion {
 public:
  Echo(IoBackend& backend, IoHandle handle) : backend_(backend), handle_(handle) {
    receive_ = backend_.receive_stream(handle_, *this, kReceive);
    EXPECT_TRUE(receive_.valid());
  }
  void complete(const IoEvent& event) noexcept override {
    if (event.tag == kReceive) {
      if (event.more) {
        pieces_.push_back({event.data, static_cast<std::size_t>(event.result), event.buffer});
      } else {
        EXPECT_EQ(event.result, 0);
        ended_ = true;
      }
    } else {
      sending_ = false;
      EXPECT_GT(event.result, 0);
      Piece& piece = pieces_.front();
      piece.data += event.result;
      piece.bytes -= static_cast<std::size_t>(event.result);
      if (piece.bytes == 0) {
        backend_.return_buffer(piece.buffer);
        pieces_.pop_front();
      }
    }
    if (!sending_ && !pieces_.empty()) {
      sending_ = true;
      backend_.send(handle_, {pieces_.front().data, pieces_.front().bytes}, *this, kSend);
    }
    if (ended_ && pieces_.empty() && !closed_) {
      closed_ = true;
      backend_.close(handle_);
    }
  }
  bool closed() const { return closed_; }

 private:
  enum Tag : std::uint64_t { kReceive, kSend };
  struct Piece {
    const char* data;
    std::size_t bytes;
    std::uint32_t buffer;
  };
  IoBackend& backend_;
  IoHandle handle_;
  OpId receive_;
  std::deque<Piece> pieces_;
  bool sending_ = false;
  bool ended_ = false;
  bool closed_ = false;
};

TEST_P(TcpTest, EchoesManyConnectionsTwice) {
  constexpr std::size_t kPeers = 40;
  start({.receive_streams_max = kPeers, .receive_buffers_max = 2, .receive_buffer_bytes = 1000});
  auto listener = backend_->listen({"127.0.0.1", 0});
  ASSERT_TRUE(listener.has_value());
  EXPECT_NE(listener->port, 0);
  Recorder accepted;
  const OpId accept = backend_->accept_stream(listener->handle, accepted);
  for (int round = 0; round < 2; ++round) {  // the second round uses every stream's buffers again
    accepted.events.clear();
    std::vector<std::unique_ptr<Peer>> peers;
    std::vector<std::unique_ptr<Echo>> echoes;
    std::vector<std::string> sent(kPeers), got(kPeers);
    std::vector<std::size_t> done(kPeers);
    for (std::size_t i = 0; i < kPeers; ++i) {
      peers.push_back(world_->connect(listener->port));
      sent[i] = pattern(1 + i * 700, i);
    }
    ASSERT_TRUE(drive([&] {
      while (echoes.size() < accepted.events.size()) {
        EXPECT_TRUE(accepted.events[echoes.size()].more);
        echoes.push_back(std::make_unique<Echo>(*backend_, accepted.events[echoes.size()].handle));
      }
      bool all = echoes.size() == kPeers;
      for (std::size_t i = 0; i < kPeers; ++i) {
        if (done[i] < sent[i].size()) {
          done[i] += peers[i]->send(std::string_view(sent[i]).substr(done[i]));
          if (done[i] == sent[i].size()) peers[i]->shutdown_send();
        }
        got[i] += peers[i]->receive();
        all = all && peers[i]->at_end();
      }
      return all;
    }));
    for (std::size_t i = 0; i < kPeers; ++i) EXPECT_EQ(got[i], sent[i]) << "peer " << i;
    EXPECT_TRUE(drive([&] { return backend_->ops_in_flight() == 1; }));
  }
  EXPECT_TRUE(backend_->cancel(accept));
  ASSERT_TRUE(drive([&] { return accepted.ended() == 1; }));
  EXPECT_EQ(accepted.events.back().result, -ECANCELED);
  backend_->close(listener->handle);
  settle();
}

TEST_P(TcpTest, WhatWasReceivedIsAcknowledgedInATurnWithoutWork) {
  constexpr std::size_t kPeers = 40;  // more than one turn acknowledges
  start({.receive_streams_max = kPeers});
  auto listener = backend_->listen({"127.0.0.1", 0});
  ASSERT_TRUE(listener.has_value());
  Recorder accepted, received;
  const OpId accept = backend_->accept_stream(listener->handle, accepted);
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::size_t i = 0; i < kPeers; ++i) peers.push_back(world_->connect(listener->port));
  ASSERT_TRUE(drive([&] { return accepted.events.size() == kPeers; }));
  for (const auto& event : accepted.events) backend_->receive_stream(event.handle, received);
  for (std::size_t round = 1; round <= 30; ++round) {
    for (const auto& peer : peers) ASSERT_EQ(peer->send("tick"), 4u);
    std::size_t bytes = 0;
    ASSERT_TRUE(drive([&] {
      for (const auto& event : std::exchange(received.events, {})) {
        bytes += event.data.size();
        backend_->return_buffer(event.buffer);
      }
      return bytes == 4 * kPeers;
    }));
    turns(10);
    for (const auto& peer : peers) EXPECT_EQ(peer->unacknowledged(), 0) << "round " << round;
  }
  for (const auto& event : accepted.events) backend_->close(event.handle);
  backend_->cancel(accept);
  backend_->close(listener->handle);
  settle();
}

TEST_P(TcpTest, WhatWasReceivedIsAcknowledgedByABackendThatIsNeverWithoutWork) {
  auto listener = backend_->listen({"127.0.0.1", 0});
  ASSERT_TRUE(listener.has_value());
  Recorder accepted, received;
  const OpId accept = backend_->accept_stream(listener->handle, accepted);
  const auto busy = world_->connect(listener->port), quiet = world_->connect(listener->port);
  ASSERT_TRUE(drive([&] { return accepted.events.size() == 2; }));
  for (const auto& event : accepted.events) backend_->receive_stream(event.handle, received);
  const auto take = [&] {
    std::size_t bytes = 0;
    for (const auto& event : std::exchange(received.events, {})) {
      bytes += event.data.size();
      backend_->return_buffer(event.buffer);
    }
    return bytes;
  };
  std::size_t bytes = 0;
  for (int round = 0; round < 20; ++round) {  // until it puts acknowledgements off
    ASSERT_EQ(quiet->send("tick"), 4u);
    bytes = 0;
    ASSERT_TRUE(drive([&] { return (bytes += take()) == 4; }));
    turns(10);
  }
  ASSERT_EQ(quiet->send("tick"), 4u);
  for (int turn = 0; turn < 200; ++turn) {
    EXPECT_EQ(busy->send("tick"), 4u);
    bytes = 0;
    ASSERT_TRUE(drive([&] { return (bytes += take()) >= 4; }));
  }
  EXPECT_EQ(quiet->unacknowledged(), 0);
  for (const auto& event : accepted.events) backend_->close(event.handle);
  backend_->cancel(accept);
  backend_->close(listener->handle);
  settle();
}

TEST_P(TcpTest, APortThatIsTakenIsAnErrorWithAHint) {
  auto first = backend_->listen({"127.0.0.1", 0});
  ASSERT_TRUE(first.has_value());
  auto second = backend_->listen({"127.0.0.1", first->port});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kAddressInUse);
  backend_->close(first->handle);
  ASSERT_TRUE(drive([&] { return backend_->ops_in_flight() == 0; }));
  auto third = backend_->listen({"127.0.0.1", first->port});
  EXPECT_TRUE(third.has_value()) << "the port is free again";
  if (third.has_value()) backend_->close(third->handle);
}

TEST_P(TcpTest, ConnectsToItselfAndIsRefusedWhereNobodyListens) {
  auto listener = backend_->listen({"127.0.0.1", 0});
  ASSERT_TRUE(listener.has_value());
  Recorder accepted;
  backend_->accept_stream(listener->handle, accepted);
  Recorder connected;
  ASSERT_TRUE(backend_->connect({"127.0.0.1", listener->port}, connected).has_value());
  ASSERT_TRUE(drive([&] { return connected.ended() == 1 && accepted.events.size() == 1; }));
  EXPECT_EQ(connected.events[0].result, 0);
  Recorder wire;
  backend_->send(connected.events[0].handle, std::string_view("ping"), wire, 1);
  backend_->receive_stream(accepted.events[0].handle, wire, 2);
  ASSERT_TRUE(drive([&] { return wire.events.size() == 2; }));
  for (const auto& event : wire.events) {
    EXPECT_EQ(event.result, 4);
    if (event.tag == 2) {
      EXPECT_EQ(event.data, "ping");
      backend_->return_buffer(event.buffer);
    }
  }
  const std::uint16_t port = listener->port;
  backend_->close(connected.events[0].handle);
  backend_->close(accepted.events[0].handle);
  backend_->close(listener->handle);
  ASSERT_TRUE(drive([&] { return backend_->ops_in_flight() == 0; }));
  Recorder refused;
  ASSERT_TRUE(backend_->connect({"127.0.0.1", port}, refused).has_value());
  ASSERT_TRUE(drive([&] { return refused.ended() == 1; }));
  EXPECT_EQ(refused.events[0].result, -ECONNREFUSED);
  EXPECT_FALSE(refused.events[0].handle.valid());
}

TEST_P(TcpTest, CancellingAReceiveThatWaitsEndsItOnce) {
  auto listener = backend_->listen({"127.0.0.1", 0});
  ASSERT_TRUE(listener.has_value());
  Recorder accepted;
  backend_->accept_stream(listener->handle, accepted);
  auto peer = world_->connect(listener->port);
  ASSERT_TRUE(drive([&] { return accepted.events.size() == 1; }));
  Recorder recorder;
  const OpId op = backend_->receive_stream(accepted.events[0].handle, recorder);
  turns(3);
  EXPECT_TRUE(recorder.events.empty());
  EXPECT_TRUE(backend_->cancel(op));
  ASSERT_TRUE(drive([&] { return recorder.ended() == 1; }));
  EXPECT_EQ(recorder.events[0].result, -ECANCELED);
  turns(3);
  EXPECT_EQ(recorder.events.size(), 1u);
  ASSERT_TRUE(backend_->receive_stream(accepted.events[0].handle, recorder).valid());
  EXPECT_EQ(peer->send("again"), 5u);
  ASSERT_TRUE(drive([&] { return recorder.events.size() == 2; }));
  EXPECT_EQ(recorder.events[1].data, "again") << "the connection was not harmed";
  backend_->return_buffer(recorder.events[1].buffer);
  backend_->close(accepted.events[0].handle);
  backend_->close(listener->handle);
  settle();
}

class TcpSourceTest : public BackendTest {
 protected:
  void listen(BackendConfig config, std::uint32_t connections_max = 64) {
    start(config);
    if (IsSkipped()) return;
    listener_ = std::make_unique<TcpListenerSource>(
        TcpListenerConfig{.address = {"127.0.0.1", 0}, .connections_max = connections_max});
    ASSERT_TRUE(listener_->open(*backend_).has_value());
  }
  std::unique_ptr<ByteSource> accept() {
    std::unique_ptr<ByteSource> source;
    EXPECT_TRUE(drive([&] { return (source = listener_->accept()) != nullptr; }));
    return source;
  }
  void TearDown() override {
    listener_.reset();
    BackendTest::TearDown();
  }
  std::unique_ptr<TcpListenerSource> listener_;
};
WEIR_ON_ALL_BACKENDS(TcpSourceTest);

TEST_P(TcpSourceTest, AHalfCloseIsTheEndAndEveryByteComesBeforeIt) {
  listen({});
  auto peer = world_->connect(listener_->port());
  auto source = accept();
  EXPECT_EQ(peer->send("last words"), 10u);
  peer->shutdown_send();
  std::string all;
  EXPECT_EQ(read_all(*source, all), ReadState::kEnd);
  EXPECT_EQ(all, "last words");
  EXPECT_EQ(source->bytes_read(), 10u);
  EXPECT_NE(source->ingest_wall_ns(), 0);
}

TEST_P(TcpSourceTest, APeerThatResetsIsAnError) {
  listen({});
  auto peer = world_->connect(listener_->port());
  auto source = accept();
  std::span<const char> bytes;
  turns(3);
  EXPECT_EQ(source->poll(bytes), ReadState::kPending);
  peer->reset();
  std::string all;
  EXPECT_EQ(read_all(*source, all), ReadState::kError);
  EXPECT_EQ(source->error().code(), ErrorCode::kConnectionReset);
}

TEST_P(TcpSourceTest, ASlowConsumerBlocksThePeerAndLosesNothing) {
  listen({.receive_streams_max = 2, .receive_buffers_max = 2, .receive_buffer_bytes = 4096});
  auto peer = world_->connect(listener_->port());
  auto source = accept();
  const std::string bytes = pattern(24 << 20);
  std::size_t done = 0;
  int refusals = 0;
  ASSERT_TRUE(drive([&] {  // the consumer takes nothing
    const std::size_t taken = peer->send(std::string_view(bytes).substr(done));
    done += taken;
    refusals = taken == 0 ? refusals + 1 : 0;
    return refusals > 100;
  }));
  EXPECT_LT(done, bytes.size()) << "the peer blocks";
  EXPECT_LE(source->bytes_read(), 8192u) << "no more than the credit was received";
  EXPECT_GE(backend_->counters().credit_stalls, 1u);

  auto other_peer = world_->connect(listener_->port());
  auto other = accept();
  EXPECT_EQ(other_peer->send("I am not starved"), 16u);
  other_peer->shutdown_send();
  std::string other_all;
  EXPECT_EQ(read_all(*other, other_all), ReadState::kEnd);
  EXPECT_EQ(other_all, "I am not starved");

  std::string all;
  bool shut = false;
  ASSERT_TRUE(drive([&] {
    done += peer->send(std::string_view(bytes).substr(done));
    if (done == bytes.size() && !shut) {
      peer->shutdown_send();
      shut = true;
    }
    std::span<const char> piece;
    ReadState state;
    while ((state = source->poll(piece)) == ReadState::kData) {
      all.append(piece.data(), piece.size());
      source->consume(piece.size());
    }
    return state == ReadState::kEnd || state == ReadState::kError;
  }));
  EXPECT_EQ(all.size(), bytes.size());
  EXPECT_TRUE(all == bytes);
}

TEST_P(TcpSourceTest, AtConnectionsMaxFurtherPeersWait) {
  listen({}, 2);
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(world_->connect(listener_->port()));
    EXPECT_EQ(peers.back()->send(std::string(1, static_cast<char>('a' + i))), 1u);
    peers.back()->shutdown_send();
  }
  auto first = accept();
  auto second = accept();
  turns(5);
  EXPECT_EQ(listener_->accept(), nullptr);
  EXPECT_EQ(listener_->connections_open(), 2u);
  std::string all;
  EXPECT_EQ(read_all(*first, all), ReadState::kEnd);
  first.reset();
  EXPECT_EQ(read_all(*second, all), ReadState::kEnd);
  second.reset();
  for (int i = 0; i < 3; ++i) {
    auto next = accept();
    ASSERT_NE(next, nullptr);
    EXPECT_EQ(read_all(*next, all), ReadState::kEnd);
  }
  EXPECT_EQ(all, "abcde");
  EXPECT_EQ(listener_->connections_accepted(), 5u);
}

TEST_P(TcpSourceTest, ASourceMayGoAwayWhileItsPeerSends) {
  listen({.receive_streams_max = 1, .receive_buffers_max = 2, .receive_buffer_bytes = 64});
  for (int i = 0; i < 10; ++i) {  // one stream's buffers serve them all
    auto peer = world_->connect(listener_->port());
    auto source = accept();
    peer->send(pattern(1000));
    std::span<const char> bytes;
    EXPECT_TRUE(drive([&] { return source->poll(bytes) == ReadState::kData; }));
    source->consume(1);
    source.reset();
  }
}

TEST_P(TcpTest, ATcpSinkSendsEverythingToASlowPeer) {
  auto second = backend_->listen({"127.0.0.1", 0});
  ASSERT_TRUE(second.has_value());
  Recorder accepted;
  backend_->accept_stream(second->handle, accepted);
  auto reader = world_->connect(second->port);
  ASSERT_TRUE(drive([&] { return accepted.events.size() == 1; }));
  auto sink = make_tcp_sink(accepted.events[0].handle, "peer");
  ASSERT_TRUE(sink->open(*backend_).has_value());
  const std::string bytes = pattern(3 << 20);
  std::size_t done = 0;
  std::string got;
  ASSERT_TRUE(drive([&] {
    done += sink->append(std::span(bytes).subspan(done));
    if (!sink->writable() || done == bytes.size()) got += reader->receive();
    if (done == bytes.size()) sink->close();
    return reader->at_end() || sink->failed();
  }));
  EXPECT_FALSE(sink->failed());
  EXPECT_TRUE(got == bytes) << got.size();
  backend_->close(second->handle);
  settle();
}

}  // namespace
}  // namespace weir
