// Datagrams through every backend, and the numbers of numbered feeds.
#include "weir/io/datagram.h"

#include <algorithm>
#include <set>

#include "io/backend_fixture.h"
#include "weir/core/random.h"

namespace weir {
namespace {

using DatagramTest = BackendTest;
WEIR_ON_ALL_BACKENDS(DatagramTest);

struct Box final : Completion {
  void complete(const IoEvent& event) noexcept override {
    if (!event.more) {
      ended = true;
      result = event.result;
      return;
    }
    datagrams.emplace_back(event.data, static_cast<std::size_t>(event.result));
    truncated += event.truncated ? 1 : 0;
    dropped = event.dropped;
    if (hold)
      held.push_back(event.buffer);
    else
      backend->return_buffer(event.buffer);
  }
  IoBackend* backend = nullptr;
  std::vector<std::string> datagrams;
  std::vector<std::uint32_t> held;
  std::uint32_t dropped = 0;
  int truncated = 0;
  bool hold = false;
  bool ended = false;
  std::int32_t result = 0;
};

TEST_P(DatagramTest, EachDatagramIsOneEventInOrderWithItsOwnLength) {
  auto socket = backend_->open_datagrams({.address = {"127.0.0.1", 0}, .datagrams_max = 8, .datagram_bytes_max = 1500});
  ASSERT_TRUE(socket.has_value()) << socket.error().to_string();
  Box box;
  box.backend = backend_.get();
  const OpId op = backend_->receive_datagrams(socket->handle, box);
  ASSERT_TRUE(op.valid());
  std::vector<std::string> sent;
  for (std::size_t i = 0; i < 300; ++i) sent.push_back(pattern(i * 5, i));  // the first one is empty
  std::size_t next = 0;
  ASSERT_TRUE(drive([&] {
    while (next < sent.size() && next < box.datagrams.size() + 20) world_->send_datagram(socket->port, sent[next++]);
    return box.datagrams.size() == sent.size();
  })) << box.datagrams.size();
  EXPECT_EQ(box.datagrams, sent);
  EXPECT_EQ(box.truncated, 0);
  EXPECT_EQ(box.dropped, 0u);
  EXPECT_TRUE(backend_->cancel(op));
  ASSERT_TRUE(drive([&] { return box.ended; }));
  EXPECT_EQ(box.result, -ECANCELED);
  backend_->close(socket->handle);
  settle();
}

TEST_P(DatagramTest, WhatIsTooLongIsCutAndSaysSo) {
  auto socket = backend_->open_datagrams({.address = {"127.0.0.1", 0}, .datagrams_max = 2, .datagram_bytes_max = 100});
  ASSERT_TRUE(socket.has_value());
  Box box;
  box.backend = backend_.get();
  backend_->receive_datagrams(socket->handle, box);
  const std::string fits = pattern(100), longer = pattern(101), far_longer = pattern(9000);
  world_->send_datagram(socket->port, fits);
  world_->send_datagram(socket->port, longer);
  world_->send_datagram(socket->port, far_longer);
  ASSERT_TRUE(drive([&] { return box.datagrams.size() == 3; }));
  EXPECT_EQ(box.datagrams[0], fits);
  EXPECT_EQ(box.datagrams[1], longer.substr(0, 100));
  EXPECT_EQ(box.datagrams[2], far_longer.substr(0, 100));
  EXPECT_EQ(box.truncated, 2);
  backend_->close(socket->handle);
  settle();
}

TEST_P(DatagramTest, WhatTheSystemHasNoRoomForIsCountedAndNothingElseIsLost) {
  auto socket = backend_->open_datagrams(
      {.address = {"127.0.0.1", 0}, .kernel_bytes = 65536, .datagrams_max = 4, .datagram_bytes_max = 2048});
  ASSERT_TRUE(socket.has_value());
  Box box;
  box.backend = backend_.get();
  box.hold = true;
  backend_->receive_datagrams(socket->handle, box);
  turns(2);
  constexpr std::size_t kSent = 1000;
  for (std::size_t i = 0; i < kSent; ++i) {
    world_->send_datagram(socket->port, std::to_string(i) + " " + pattern(1000));
    if (i % 100 == 0) turns(1);
  }
  turns(20);
  EXPECT_EQ(box.datagrams.size(), 4u) << "every buffer is held";
  EXPECT_GT(backend_->datagrams_dropped(socket->handle), 0u);
  box.hold = false;
  for (const std::uint32_t buffer : box.held) backend_->return_buffer(buffer);
  ASSERT_TRUE(drive([&] { return box.datagrams.size() + backend_->datagrams_dropped(socket->handle) == kSent; }));
  // A datagram that comes after the drops carries their count.
  world_->send_datagram(socket->port, "after");
  ASSERT_TRUE(drive([&] { return !box.datagrams.empty() && box.datagrams.back() == "after"; }));
  EXPECT_EQ(box.dropped, backend_->datagrams_dropped(socket->handle));
  EXPECT_EQ(box.datagrams.size() + box.dropped, kSent + 1);
  EXPECT_GE(backend_->counters().credit_stalls, 1u);
  backend_->close(socket->handle);
  settle();
}

TEST_P(DatagramTest, JoinsAMulticastGroupOnAnInterface) {
  auto socket = backend_->open_datagrams(
      {.address = {"239.77.1.1", 0}, .group = "239.77.1.1", .interface = "127.0.0.1", .datagrams_max = 8});
  if (!socket.has_value() && socket.error().code() != ErrorCode::kInvalidArgument)
    GTEST_SKIP() << "no multicast here: " << socket.error().to_string();
  ASSERT_TRUE(socket.has_value()) << socket.error().to_string();
  Box box;
  box.backend = backend_.get();
  backend_->receive_datagrams(socket->handle, box);
  world_->send_datagram(socket->port, "to the group", "239.77.1.1");
  ASSERT_TRUE(drive([&] { return box.datagrams.size() == 1; }));
  EXPECT_EQ(box.datagrams[0], "to the group");
  backend_->close(socket->handle);
  settle();
}

TEST_P(DatagramTest, WrongGroupsAndInterfacesAreErrorsThatSayWhatToDo) {
  if (world_->simulated()) GTEST_SKIP() << "the simulated network has no interfaces";
  for (const DatagramConfig& wrong :
       {DatagramConfig{.address = {"127.0.0.1", 0}, .group = "10.0.0.1"},
        DatagramConfig{.address = {"127.0.0.1", 0}, .group = "ff02::1"},
        DatagramConfig{.address = {"127.0.0.1", 0}, .group = "nonsense"},
        DatagramConfig{.address = {"0.0.0.0", 0}, .group = "239.1.1.1", .interface = "no0"},
        DatagramConfig{.address = {.path = "/x"}}, DatagramConfig{.address = {"127.0.0.1", 0}, .datagrams_max = 3}}) {
    auto socket = backend_->open_datagrams(wrong);
    ASSERT_FALSE(socket.has_value());
    EXPECT_EQ(socket.error().code(), ErrorCode::kInvalidArgument) << socket.error().to_string();
  }
  auto first = backend_->open_datagrams({.address = {"127.0.0.1", 0}});
  ASSERT_TRUE(first.has_value());
  auto second = backend_->open_datagrams({.address = {"127.0.0.1", first->port}});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kAddressInUse);
  backend_->close(first->handle);
  settle();
}

TEST_P(DatagramTest, ASocketMayCloseWhileItsDatagramsAreHeld) {
  for (int round = 0; round < 3; ++round) {
    auto socket = backend_->open_datagrams({.address = {"127.0.0.1", 0}, .datagrams_max = 4});
    ASSERT_TRUE(socket.has_value());
    Box box;
    box.backend = backend_.get();
    box.hold = true;
    backend_->receive_datagrams(socket->handle, box);
    world_->send_datagram(socket->port, "one");
    ASSERT_TRUE(drive([&] { return box.datagrams.size() == 1; }));
    backend_->close(socket->handle);
    settle();
    EXPECT_TRUE(box.ended);
    backend_->return_buffer(box.held[0]);
  }
}

// --- Numbers --------------------------------------------------------------------------------------------------------

std::string big(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

TEST(SequenceTest, GapsAndRepetitionsAreCountedInAnyOrderOfArrival) {
  Random random(11);
  for (int round = 0; round < 500; ++round) {
    // The oracle keeps every number in sets.
    const std::uint64_t first = 1 + random.below(1000);
    SequenceTracker tracker;
    std::uint64_t taken = 0, last = 0, lowest = 0;
    std::set<std::uint64_t> seen;
    std::uint64_t next = first;
    for (int step = 0; step < 40; ++step) {
      DatagramHeader header;
      header.sequenced = true;
      header.sequence = next;
      header.messages = static_cast<std::uint32_t>(random.below(6));
      if (random.below(5) == 0) header.sequence += random.below(10);  // some are lost
      if (random.below(5) == 0) header.sequence -= std::min<std::uint64_t>(header.sequence - 1, random.below(10));
      const SequenceStep came = tracker.take(header);
      if (step == 0) lowest = header.sequence;
      if (step == 0) last = header.sequence - 1;
      std::uint32_t repeated = 0;
      const std::uint64_t lost = header.sequence > last + 1 ? header.sequence - last - 1 : 0;
      last = std::max(last, header.sequence - 1);
      for (std::uint64_t n = header.sequence; n < header.sequence + header.messages; ++n) {
        if (n <= last)
          ++repeated;
        else
          ++taken;
        last = std::max(last, n);
      }
      ASSERT_EQ(came.lost, lost);
      ASSERT_EQ(came.repeated, repeated);
      ASSERT_EQ(taken + tracker.lost(), last + 1 - lowest);
      next = header.sequence + header.messages;
    }
  }
}

TEST(SequenceTest, ANewSessionBeginsItsNumbersAnew) {
  SequenceTracker tracker;
  DatagramHeader header;
  header.sequenced = true;
  header.session = "SESSION001";
  header.sequence = 100;
  header.messages = 3;
  EXPECT_TRUE(tracker.take(header).new_session);
  header.session = "SESSION002";
  header.sequence = 1;
  const SequenceStep step = tracker.take(header);
  EXPECT_TRUE(step.new_session);
  EXPECT_EQ(step.lost, 0u);
  EXPECT_EQ(step.repeated, 0u);
  EXPECT_EQ(tracker.next(), 4u);
  EXPECT_EQ(tracker.sessions(), 2u);
}

TEST(SequenceTest, MoldUdp64HeadersAreReadAndShortOnesRefused) {
  auto protocol = make_datagram_protocol("moldudp64");
  ASSERT_TRUE(protocol.has_value());
  DatagramHeader header;
  const std::string datagram = "SESSION001" + big(77, 8) + big(2, 2) + big(1, 2) + "a" + big(2, 2) + "bc";
  ASSERT_TRUE((*protocol)->parse(datagram, header));
  EXPECT_EQ(header.session, "SESSION001");
  EXPECT_EQ(header.sequence, 77u);
  EXPECT_EQ(header.messages, 2u);
  EXPECT_EQ(std::string_view(header.body.data(), header.body.size()), datagram.substr(20));
  for (std::size_t size = 0; size < 20; ++size)
    EXPECT_FALSE((*protocol)->parse(std::string_view(datagram).substr(0, size), header));
  ASSERT_TRUE((*protocol)->parse("SESSION001" + big(80, 8) + big(0xFFFF, 2), header));
  EXPECT_TRUE(header.end_of_session);
  EXPECT_EQ(header.messages, 0u);
}

TEST(SequenceTest, AnUnknownProtocolIsAnErrorThatListsTheKnown) {
  auto wrong = make_datagram_protocol("moldudp");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_NE(wrong.error().hint().find("moldudp64"), std::string_view::npos);
  EXPECT_EQ(*make_datagram_protocol("none"), nullptr);
}

}  // namespace
}  // namespace weir
