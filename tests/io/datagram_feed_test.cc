// Market data as it comes from the wire: MoldUDP64 datagrams of ITCH through the udp connector and every backend, with
// what a network does to them: datagrams lost, repeated, cut.
#include <random>

#include "io/connector_fixture.h"
#include "io/feed_bytes.h"

namespace weir {
namespace {

using testing::big;
using testing::itch_add;
using testing::itch_cross;
using testing::itch_executed;
using testing::mold;

class DatagramFeedTest : public ConnectorTest {
 protected:
  DatagramFeedTest() {
    schema_ = {{{"message_type", Type::string()}, {"order_ref", Type::bigint()}, {"shares", Type::bigint()}}};
  }
  /// `by_connector`: the connector reads the packets' numbers, so that a gap is loss; else the format does, and a gap
  /// is a bad record.
  void open_feed(bool by_connector, Options options = {}) {
    options.insert({{"connector", "udp"}, {"listen", "127.0.0.1:0"}, {"format", "itch"}});
    options.insert(by_connector ? Options::value_type{"datagram-protocol", "moldudp64"}
                                : Options::value_type{"itch.framing", "moldudp64"});
    rows_.clear();
    bad_.clear();
    lost_.clear();
    last_ = ReadStatus::kPending;
    open_reader(std::move(options));
  }
  void send(const std::string& datagram) { world_->send_datagram(port(reader_->listening()), datagram); }
  /// An order that says which message it was, so that a test sees when everything before it has come.
  static std::string order(std::uint32_t number) { return itch_add(1, number, 'B', 100 + number, "WEIR", 10'000); }
  static std::string order_row(std::uint32_t number) {
    return "A " + std::to_string(number) + " " + std::to_string(100 + number);
  }
  bool read_up_to(const std::string& row) {
    return read_until([&] { return !rows_.empty() && rows_.back() == row; });
  }
};
WEIR_ON_ALL_BACKENDS(DatagramFeedTest);

TEST_P(DatagramFeedTest, LostRepeatedAndCutDatagramsAreCountedAndTheFeedGoesOnBehindThem) {
  const std::string two = mold("S", 2, {itch_executed(2, 1, 60, 900), itch_cross(3, 500, "WEIR", 9, 901, 'O')});
  for (const bool by_connector : {true, false}) {
    SCOPED_TRACE(by_connector);
    open_feed(by_connector);
    send(mold("S", 1, {order(1)}));
    send(two);
    send(two);                       // from the other line of the feed
    send(mold("S", 7, {order(7)}));  // 4 to 6 are lost
    const std::string three = mold("S", 8, {order(8), order(9), order(10)});
    send(three.substr(0, 20 + 38 + 7));                              // cut in the second message
    send(mold("S", 11, {order(11), order(12)}).substr(0, 20 + 38));  // cut behind the first
    send(mold("S", 13, {}));                                         // nothing new for a second
    send(mold("S", 13, {order(13)}));
    ASSERT_TRUE(read_up_to(order_row(13)));
    EXPECT_EQ(rows_, (std::vector<std::string>{order_row(1), "E 1 60", "Q NULL 500", order_row(7), order_row(8),
                                               order_row(11), order_row(13)}));
    EXPECT_EQ(count("sequence gaps"), 1u);
    EXPECT_EQ(count("messages missing in gaps"), 3u);
    EXPECT_EQ(count("messages that had come already"), 2u);
    EXPECT_EQ(count("datagrams"), 8u);
    EXPECT_EQ(lost_[LossReason::kSequenceGap], by_connector ? 3u : 0u) << "it is loss or a bad record, not both";
    ASSERT_EQ(bad_.size(), by_connector ? 2u : 3u);
    EXPECT_NE(bad_[bad_.size() - 2].find("ends inside a message"), std::string::npos) << bad_[bad_.size() - 2];
    EXPECT_NE(bad_.back().find(by_connector ? "ends before the last message" : "ends 1 messages before"),
              std::string::npos)
        << bad_.back();
    EXPECT_EQ(reader_->records(), rows_.size() + bad_.size());
    reader_.reset();
  }
}

TEST_P(DatagramFeedTest, BytesThatNoHeaderAnnouncesAreABadRecordAndGiveNoRow) {
  open_feed(true);
  send(mold("S", 1, {order(1), order(2)}, 1));
  send(mold("S", 2, {order(2)}, 0));  // a heartbeat says that number 2 comes next, and holds a message
  send(std::string("S       ") + "short");
  send(mold("S", 2, {order(3)}));
  ASSERT_TRUE(read_up_to(order_row(3)));
  EXPECT_EQ(rows_, (std::vector<std::string>{order_row(1), order_row(3)}));
  ASSERT_EQ(bad_.size(), 3u);
  EXPECT_NE(bad_[0].find("bytes behind its last message"), std::string::npos) << bad_[0];
  EXPECT_NE(bad_[1].find("bytes behind its last message"), std::string::npos) << bad_[1];
  EXPECT_NE(bad_[2].find("shorter than the header"), std::string::npos) << bad_[2];
}

TEST_P(DatagramFeedTest, HalfOfADatagramThatCameAlreadyGivesItsNewMessages) {
  open_feed(true);
  send(mold("S", 1, {order(1), order(2)}));
  send(mold("S", 2, {order(2), order(3), order(4)}));
  send(mold("S", 3, {order(3), order(4), order(5)}).substr(0, 20 + 2 * 38 + 5));  // the new one is cut
  send(mold("S", 2, {order(2), order(3)}).substr(0, 20 + 38 + 5));                // an old one is
  send(mold("S", 6, {order(6)}));
  ASSERT_TRUE(read_up_to(order_row(6)));
  EXPECT_EQ(rows_, (std::vector<std::string>{order_row(1), order_row(2), order_row(3), order_row(4), order_row(6)}));
  EXPECT_EQ(count("messages that had come already"), 5u);
  EXPECT_EQ(bad_.size(), 2u);
  EXPECT_TRUE(lost_.empty());
}

TEST_P(DatagramFeedTest, ARecordedSessionOverALossyNetworkAccountsForEveryMessage) {
  const auto bytes = testing::read_recorded("itch50/nasdaq_session_start.itch");
  if (!bytes.has_value())
    GTEST_SKIP() << testing::recorded("itch50/nasdaq_session_start.itch")
                 << " is not there (WEIR_DATA names the folder)";
  schema_ = {{{"message_type", Type::string()}, {"stock", Type::string()}}};
  std::vector<std::string> messages;  // with their lengths
  for (std::size_t at = 0; at + 2 <= bytes->size();) {
    const std::size_t size = 2u + (std::size_t{static_cast<unsigned char>((*bytes)[at])} << 8 |
                                   static_cast<unsigned char>((*bytes)[at + 1]));
    if (size > 2) messages.push_back(bytes->substr(at, size));
    at += size;
  }
  ASSERT_EQ(messages.size(), 1000u);
  const auto row_of = [](const std::string& message) {
    std::string stock = message[2] == 'S' ? "NULL" : message.substr(13, 8);  // R, H and Y have it at their byte 11
    while (stock.ends_with(' ')) stock.pop_back();
    return message.substr(2, 1) + " " + stock;
  };
  for (const bool by_connector : {true, false}) {
    SCOPED_TRACE(by_connector);
    open_feed(by_connector, by_connector ? Options{{"end-with-session", "true"}} : Options{});
    std::mt19937 random(5);
    std::vector<std::string> expected;
    std::uint64_t lost = 0, gaps = 0, cut = 0;
    bool gap = false;
    for (std::size_t first = 0, number = 0; first < messages.size(); ++number) {
      const std::size_t count = std::min<std::size_t>(1 + random() % 20, messages.size() - first);
      std::string datagram = mold("SESSION", first + 1, {}, static_cast<unsigned>(count));
      std::vector<std::size_t> ends;
      for (std::size_t i = 0; i < count; ++i) {
        datagram += messages[first + i];
        ends.push_back(datagram.size());
      }
      if (number != 0 && random() % 7 == 0) {
        lost += count;
        gaps += gap ? 0 : 1;
        gap = true;
      } else {
        gap = false;
        if (random() % 5 == 0) {
          ++cut;
          datagram.resize(20 + random() % (datagram.size() - 20));
        }
        for (std::size_t i = 0; i < count && ends[i] <= datagram.size(); ++i)
          expected.push_back(row_of(messages[first + i]));
        send(datagram);
      }
      first += count;
      read();  // so that the receiver keeps up on a machine of any speed
      turns(1);
    }
    send(mold("SESSION", messages.size() + 1, {}, 0xFFFF));
    if (!by_connector) {
      ASSERT_TRUE(read_until([&] { return rows_.size() >= expected.size() && count("sequence gaps") == gaps; }));
      reader_->drain();
    }
    ASSERT_TRUE(read_until([&] { return last_ == ReadStatus::kEnd; }));
    EXPECT_EQ(rows_, expected);
    EXPECT_GT(lost, 0u);
    EXPECT_GT(cut, 0u);
    EXPECT_EQ(count("sequence gaps"), gaps);
    EXPECT_EQ(count("messages missing in gaps"), lost);
    EXPECT_EQ(lost_[LossReason::kSequenceGap], by_connector ? lost : 0u);
    EXPECT_EQ(bad_.size(), by_connector ? cut : cut + gaps);
    reader_.reset();
  }
}

TEST_P(DatagramFeedTest, ConnectionsShowWhatTheirFeedsMissedToo) {
  open_reader(
      {{"listen", "127.0.0.1:0"}, {"format", "itch"}, {"itch.framing", "moldudp64"}, {"connections-until-end", "2"}});
  for (const std::uint64_t missing : {2u, 3u}) {
    auto peer = connect();
    peer->send(mold("S", 1, {order(1)}) + mold("S", 2 + missing, {order(2)}));
    peer->shutdown_send();
    ASSERT_TRUE(read_until([&] { return rows_.size() == (missing == 2 ? 2u : 4u); }));
    EXPECT_EQ(count("messages missing in gaps"), missing == 2 ? 2u : 5u);
  }
  ASSERT_TRUE(read_until([&] { return last_ == ReadStatus::kEnd; }));
  EXPECT_EQ(count("sequence gaps"), 2u) << "of connections that have ended, too";
}

TEST_P(DatagramFeedTest, AHeaderIsReadOnceByTheConnectorOrByTheFormat) {
  auto made = make_source(context({{"connector", "udp"},
                                   {"listen", "127.0.0.1:0"},
                                   {"format", "itch"},
                                   {"datagram-protocol", "moldudp64"},
                                   {"itch.framing", "moldudp64"}},
                                  "t"));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code(), ErrorCode::kSqlInvalidOption);
  EXPECT_NE(made.error().message().find("would both read"), std::string_view::npos) << made.error().to_string();
}

}  // namespace
}  // namespace weir
