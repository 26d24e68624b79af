// The connectors of stream sockets and datagrams through every backend: sources that listen to honest and hostile peers
// side by side, sinks with fast and slow subscribers, frames, streams of batches, numbered feeds.
#include <algorithm>
#include <map>

#include "io/connector_fixture.h"

namespace weir {
namespace {

class SocketConnectorTest : public ConnectorTest {};
WEIR_ON_ALL_BACKENDS(SocketConnectorTest);

std::vector<std::string> rows_up_to(int count, const std::string& text) {
  std::vector<std::string> rows;
  for (int i = 0; i < count; ++i) rows.push_back(std::to_string(i) + " " + text);
  return rows;
}

std::string framed(std::string_view record, bool big) {
  std::string out;
  for (std::size_t i = 0; i < 4; ++i) out += static_cast<char>(record.size() >> (8 * (big ? 3 - i : i)));
  return out + std::string(record);
}

// --- Sources --------------------------------------------------------------------------------------------------------

TEST_P(SocketConnectorTest, FramesOfBothByteOrdersGiveTheirRecordsHoweverTheyAreCut) {
  for (const bool big : {true, false}) {
    rows_.clear();
    last_ = ReadStatus::kPending;
    open_reader({{"listen", "127.0.0.1:0"},
                 {"format", "json"},
                 {"framing", big ? "u32-be" : "u32-le"},
                 {"connections-until-end", "1"}});
    auto peer = connect();
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
      bytes += framed("{\"n\":" + std::to_string(i) + ",\"s\":\"x\ty\"}", big);
      if (i % 7 == 0) bytes += framed("", big);  // says only that the peer is alive
    }
    std::replace(bytes.begin(), bytes.end(), '\t', ' ');
    std::size_t done = 0;
    std::size_t piece = 1;
    ASSERT_TRUE(read_until([&] {
      if (done < bytes.size()) {
        done += peer->send(std::string_view(bytes).substr(done, piece));
        piece = piece % 97 + 1;
        if (done == bytes.size()) peer->shutdown_send();
      }
      return last_ == ReadStatus::kEnd;
    }));
    EXPECT_EQ(rows_, rows_up_to(300, "x y"));
    EXPECT_TRUE(bad_.empty());
    reader_.reset();
  }
}

TEST_P(SocketConnectorTest, ALengthBombEndsItsConnectionAndTheHonestPeerGivesAllRows) {
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "json"}, {"framing", "u32-be"}});
  auto hostile = connect();
  auto honest = connect();
  hostile->send(std::string("\x7f\xff\xff\xff", 4) + "x");
  ASSERT_TRUE(read_until([&] { return count("connections closed, record too long") == 1; }));
  for (int i = 0; i < 100; ++i) {
    const std::string record = framed("{\"n\":" + std::to_string(i) + ",\"s\":\"h\"}", true);
    EXPECT_EQ(honest->send(record), record.size());
  }
  ASSERT_TRUE(read_until([&] { return rows_.size() == 100; }));
  EXPECT_EQ(rows_, rows_up_to(100, "h"));
  ASSERT_EQ(bad_.size(), 1u);
  EXPECT_NE(bad_[0].find("2147483647"), std::string::npos) << bad_[0];
  EXPECT_EQ(reader_->records(), 101u);
}

TEST_P(SocketConnectorTest, AnEndlessLineIsOneBadRecordAndKeepsNoMemoryFromOthers) {
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "csv"}});
  auto hostile = connect();
  auto honest = connect();
  const std::string endless(65536, 'x');
  int sent = 0;
  ASSERT_TRUE(read_until([&] {
    hostile->send(endless);
    if (sent < 200) honest->send(std::to_string(sent++) + ",h\n");
    return rows_.size() == 200;
  }));
  EXPECT_EQ(rows_, rows_up_to(200, "h"));
  EXPECT_EQ(bad_.size(), 1u);
}

TEST_P(SocketConnectorTest, AMalformedRecordEndsItsConnectionWhereTheTableSaysSo) {
  ignore_bad_ = false;
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "csv"}, {"at-malformed", "disconnect"}});
  auto hostile = connect();
  auto honest = connect();
  hostile->send("garbage\x01\x02,,,\n1,2\n");
  ASSERT_TRUE(read_until([&] { return count("connections closed, malformed record") == 1; }));
  honest->send("0,h\n1,h\n");
  ASSERT_TRUE(read_until([&] { return rows_.size() == 2; }));
  EXPECT_EQ(rows_, rows_up_to(2, "h"));
}

TEST_P(SocketConnectorTest, WithoutThatTheJobJudgesAMalformedRecord) {
  ignore_bad_ = false;
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "csv"}});
  auto peer = connect();
  peer->send("0,fine\ngarbage,\n");
  ASSERT_TRUE(read_until([&] { return last_ == ReadStatus::kFailed; }));
  EXPECT_NE(reader_->error().to_string().find("garbage"), std::string::npos) << reader_->error().to_string();
}

TEST_P(SocketConnectorTest, ASlowSenderIsClosedAndASilentOneOnlyWhereItsPlaceIsWanted) {
  if (!world_->simulated()) GTEST_SKIP() << "takes minutes on a real clock";
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "csv"}, {"connections-max", "2"}});
  auto slow = connect();
  auto silent = connect();
  slow->send("1");  // and never the rest
  const std::int64_t begin = world_->clock().now_ns();
  const auto seconds = [&] { return (world_->clock().now_ns() - begin) / 1'000'000'000; };
  ASSERT_TRUE(read_until([&] { return count("connections closed, record too slow") == 1; }));
  EXPECT_GE(seconds(), 5);
  EXPECT_LE(seconds(), 7);
  ASSERT_EQ(bad_.size(), 1u);
  auto second = connect();
  second->send("0,h\n");
  ASSERT_TRUE(read_until([&] { return rows_.size() == 1 && seconds() > 300; }));
  EXPECT_EQ(count("connections closed, silent while others waited"), 0u) << "nobody waited";
  auto third = connect();
  third->send("1,h\n");
  ASSERT_TRUE(read_until([&] { return rows_.size() == 2; }));
  EXPECT_EQ(count("connections closed, silent while others waited"), 1u);
  EXPECT_EQ(bad_.size(), 1u) << "silence between records is no record";
}

TEST_P(SocketConnectorTest, ARecordThatComesSlowlyButFastEnoughIsNotCut) {
  if (!world_->simulated()) GTEST_SKIP() << "takes minutes on a real clock";
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "csv"}, {"bytes-per-second-min", "10"}});
  auto peer = connect();
  std::string record = "0,";
  record.append(2000, 'y');
  record += "\n";
  std::size_t done = 0;
  std::int64_t next = 0;
  ASSERT_TRUE(read_until([&] {
    if (world_->clock().now_ns() >= next && done < record.size()) {
      next = world_->clock().now_ns() + 1'000'000'000;
      done += peer->send(std::string_view(record).substr(done, 50));
    }
    return rows_.size() == 1;
  }));
  EXPECT_EQ(rows_[0].size(), 2002u);
  EXPECT_TRUE(bad_.empty());
}

TEST_P(SocketConnectorTest, ResetsAndHalfClosesInTheMiddleOfRecordsEndTheirConnectionsAlone) {
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "csv"}, {"connections-until-end", "3"}});
  auto resets = connect(), halves = connect(), honest = connect();
  resets->send("0,r\n1,");
  ASSERT_TRUE(read_until([&] { return rows_.size() == 1; }));
  resets->reset();
  halves->send("2,half");
  halves->shutdown_send();
  honest->send("3,h\n");
  honest->shutdown_send();
  ASSERT_TRUE(read_until([&] { return last_ == ReadStatus::kEnd; }));
  std::sort(rows_.begin(), rows_.end());
  EXPECT_EQ(rows_, (std::vector<std::string>{"0 r", "2 half", "3 h"})) << "a last line needs no line end";
  EXPECT_EQ(count("connections reset"), 1u);
  EXPECT_LE(bad_.size(), 1u);
}

bool sent_away(Peer& peer) {
  (void)peer.receive();
  return peer.at_end();
}

TEST_P(SocketConnectorTest, OnePeerGetsNoMoreConnectionsAtOnceThanItMayHave) {
  open_reader(
      {{"listen", "127.0.0.1:0"}, {"format", "csv"}, {"connections-max", "8"}, {"connections-per-peer-max", "2"}});
  auto first = connect(), second = connect();
  first->send("0,h\n");
  second->send("1,h\n");
  ASSERT_TRUE(read_until([&] { return rows_.size() == 2; }));
  auto third = connect();
  third->send("9,refused\n");
  ASSERT_TRUE(read_until([&] { return count("connections refused, too many of one peer") == 1 && sent_away(*third); }));
  first->send("2,h\n");
  first->shutdown_send();
  ASSERT_TRUE(read_until([&] { return rows_.size() == 3 && sent_away(*first); }));
  auto fourth = connect();  // in the place of the first
  fourth->send("3,h\n");
  second->send("4,h\n");
  ASSERT_TRUE(read_until([&] { return rows_.size() == 5; }));
  std::sort(rows_.begin(), rows_.end());
  EXPECT_EQ(rows_, rows_up_to(5, "h"));
  EXPECT_EQ(count("connections refused, too many of one peer"), 1u);
  EXPECT_EQ(count("connections"), 3u);
  EXPECT_TRUE(bad_.empty()) << "what the refused one sent was never begun";
}

TEST_P(SocketConnectorTest, WhereUnfinishedRecordsTakeTooMuchTheOldestGoesAndTheOthersAreFinished) {
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "csv"}, {"partial-bytes-max", "1024"}});
  std::vector<std::unique_ptr<Peer>> peers;
  const std::string half = "," + std::string(400, 'x');
  for (std::uint64_t i = 0; i < 2; ++i) {
    peers.push_back(connect());
    peers.back()->send(std::to_string(i) + half);
    ASSERT_TRUE(read_until([&] { return reader_->bytes() == (i + 1) * (half.size() + 1); }));
  }
  EXPECT_EQ(count("connections closed, too much unfinished"), 0u);
  peers.push_back(connect());
  peers.back()->send("2" + half);
  ASSERT_TRUE(
      read_until([&] { return count("connections closed, too much unfinished") == 1 && sent_away(*peers[0]); }));
  ASSERT_EQ(bad_.size(), 1u);
  EXPECT_NE(bad_[0].find("partial-bytes-max"), std::string::npos) << bad_[0];
  for (std::size_t i : {1u, 2u}) peers[i]->send("\n");
  ASSERT_TRUE(read_until([&] { return rows_.size() == 2; }));
  // One alone may have as much as a record may: that limit is record_bytes_max.
  peers[1]->send("3," + std::string(2000, 'y'));
  const std::uint64_t before = reader_->bytes();
  ASSERT_TRUE(read_until([&] { return reader_->bytes() == before + 2002; }));
  peers[1]->send("\n");
  ASSERT_TRUE(read_until([&] { return rows_.size() == 3; }));
  std::sort(rows_.begin(), rows_.end());
  EXPECT_EQ(rows_,
            (std::vector<std::string>{"1 " + half.substr(1), "2 " + half.substr(1), "3 " + std::string(2000, 'y')}));
  EXPECT_EQ(count("connections closed, too much unfinished"), 1u);
  EXPECT_EQ(reader_->records(), 4u);
}

TEST_P(SocketConnectorTest, ManyIdleConnectionsLeaveABusyOneAllItsRows) {
  const int idle = world_->simulated() ? 2000 : 400;
  BackendConfig config;
  config.ops_max = 8192;
  config.handles_max = 8192;
  config.receive_streams_max = 8;
  config.receive_buffer_bytes = 4096;
  start(config);
  if (IsSkipped()) return;
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "csv"}, {"connections-max", "4000"}});
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < idle; ++i) {
    peers.push_back(connect());
    if (i % 50 == 0) read();
    if (i % 50 == 0) turns(1);
  }
  ASSERT_TRUE(read_until([&] { return count("connections") == static_cast<std::uint64_t>(idle); }));
  auto busy = connect();
  std::string bytes;
  for (int i = 0; i < 3000; ++i) bytes += std::to_string(i) + ",busy\n";
  std::size_t done = 0;
  ASSERT_TRUE(read_until([&] {
    done += busy->send(std::string_view(bytes).substr(done));
    return rows_.size() == 3000;
  }));
  EXPECT_EQ(rows_, rows_up_to(3000, "busy"));
  rows_.clear();
  for (int i = 0; i < idle; ++i) EXPECT_GT(peers[static_cast<std::size_t>(i)]->send("7,idle\n"), 0u);
  EXPECT_TRUE(read_until([&] { return rows_.size() == static_cast<std::size_t>(idle); }))
      << "and each is heard: " << rows_.size();
}

TEST_P(SocketConnectorTest, ASourceThatConnectsTriesAgainAndSaysInTheEndWhyNot) {
  const std::string path = "unix:" + world_->path("nobody");
  open_reader({{"connect", path}, {"format", "csv"}, {"reconnects-max", "3"}, {"reconnect-delay", "1 ms"}});
  ASSERT_TRUE(read_until([&] { return last_ == ReadStatus::kFailed; }));
  EXPECT_EQ(reader_->error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(reader_->error().to_string().find("4 tries"), std::string::npos) << reader_->error().to_string();
  EXPECT_NE(reader_->error().to_string().find(path), std::string::npos);
}

// --- Sinks ----------------------------------------------------------------------------------------------------------

TEST_P(SocketConnectorTest, ASinkAndASourceSpeakEveryFormatAndFramingToEachOther) {
  const std::string path = "unix:" + world_->path("link");
  for (const Options& how : std::vector<Options>{{{"format", "batches"}},
                                                 {{"format", "json"}},
                                                 {{"format", "csv"}, {"framing", "u32-be"}},
                                                 {{"format", "json"}, {"framing", "u32-le"}}}) {
    for (const bool sink_listens : {true, false}) {
      rows_.clear();
      last_ = ReadStatus::kPending;
      Options in = how, out = how;
      in[sink_listens ? "connect" : "listen"] = path;
      out[sink_listens ? "listen" : "connect"] = path;
      if (sink_listens) out["wait-for-subscribers"] = "1";
      if (!sink_listens) in["connections-until-end"] = "1";
      if (!sink_listens) open_reader(in);
      open_writer(out);
      if (sink_listens) open_reader(in);
      std::int64_t next = 0;
      bool closed = false;
      ASSERT_TRUE(read_until([&] {
        next = write(next, 2000, "some text that is longer than twelve");
        if (next == 2000) {
          writer_->close();
          closed = writer_->finished();
        }
        return last_ == ReadStatus::kEnd || last_ == ReadStatus::kFailed;
      })) << next
          << " written, " << rows_.size() << " read";
      EXPECT_TRUE(closed);
      EXPECT_EQ(rows_, rows_up_to(2000, "some text that is longer than twelve"));
      const Deliveries deliveries = writer_->deliveries();
      EXPECT_EQ(deliveries.offered, 2000u);
      EXPECT_EQ(deliveries.delivered, 2000u);
      expect_balance(deliveries);
      reader_.reset();
      writer_.reset();
      settle();
    }
  }
}

TEST_P(SocketConnectorTest, ABlockingSinkStopsAtTheSlowestSubscriberAndGoesOnWithNothingLost) {
  open_writer({{"listen", "127.0.0.1:0"}, {"format", "csv"}, {"ring-bytes", "65536"}});
  auto fast = world_->connect(port(writer_->listening()));
  auto slow = world_->connect(port(writer_->listening()));
  ASSERT_TRUE(drive([&] { return writer_->accepts() && writer_->deliveries().subscribers == 2; }));
  const std::string text(1000, 't');
  std::int64_t next = 0;
  std::string fast_got, slow_got;
  int still = 0;
  ASSERT_TRUE(drive([&] {  // the slow one reads nothing
    const std::int64_t before = next;
    next = write(next, 20000, text);
    fast_got += fast->receive();
    still = next == before ? still + 1 : 0;
    return still > 200;
  }));
  EXPECT_LT(next, 20000);
  EXPECT_FALSE(writer_->failed());
  ASSERT_TRUE(drive([&] {
    next = write(next, 20000, text);
    if (next == 20000) writer_->close();
    fast_got += fast->receive();
    slow_got += slow->receive();
    return writer_->finished() && fast->at_end() && slow->at_end();
  }));
  EXPECT_EQ(fast_got.size(), slow_got.size());
  EXPECT_TRUE(fast_got == slow_got);
  EXPECT_EQ(std::count(slow_got.begin(), slow_got.end(), '\n'), 20000);
  const Deliveries deliveries = writer_->deliveries();
  EXPECT_EQ(deliveries.delivered, 40000u);
  expect_balance(deliveries);
}

class SlowSubscriberTest : public ConnectorTest {
 protected:
  /// Two subscribers, one of which reads only at the end. Rows' numbers, as each got them.
  void run(Options options, std::int64_t rows, std::int64_t keys) {
    options["listen"] = "127.0.0.1:0";
    options["format"] = "csv";
    options["ring-bytes"] = "65536";
    open_writer(options);
    auto fast = world_->connect(port(writer_->listening()));
    auto slow = world_->connect(port(writer_->listening()));
    ASSERT_TRUE(drive([&] { return writer_->accepts() && writer_->deliveries().subscribers == 2; }));
    const std::string text(1000, 't');
    std::string fast_got, slow_got;
    std::int64_t next = 0, fast_lines = 0;
    std::size_t counted = 0;
    ASSERT_TRUE(drive_long([&] {
      const auto fast_rows = std::count(fast_got.begin() + static_cast<std::ptrdiff_t>(counted), fast_got.end(), '\n');
      fast_lines += fast_rows;
      counted = fast_got.size();
      // The fast one keeps up: never more than a part of the ring behind.
      if (next < rows && (keys != 0 || next - fast_lines <= 24) && writer_->accepts()) {
        PairBatch batch(8);
        for (int i = 0; i < 8; ++i, ++next) batch.add(keys == 0 ? next : next % keys, std::to_string(next) + text);
        std::uint32_t done = 0;
        EXPECT_TRUE(writer_->write(*batch, &done));
        writer_->flush();
      }
      fast_got += fast->receive();
      return next >= rows || writer_->failed();
    }));
    ASSERT_FALSE(writer_->failed()) << writer_->error().to_string();
    before_ = writer_->deliveries();
    ASSERT_TRUE(drive([&] {
      writer_->close();
      fast_got += fast->receive();
      slow_got += slow->receive();
      return writer_->finished() && fast->at_end() && (slow->at_end() || before_.abandoned != 0);
    }));
    fast_ = numbers(fast_got);
    slow_ = numbers(slow_got);
    after_ = writer_->deliveries();
    if (after_.abandoned == 0) {  // who was sent away was offered nothing more
      EXPECT_EQ(after_.offered, 2 * static_cast<std::uint64_t>(rows));
    }
    expect_balance(before_);
    expect_balance(after_);
    EXPECT_EQ(after_.held, 0u);
  }
  bool drive_long(const std::function<bool()>& condition) {
    for (int patience = 0; patience < 10; ++patience)
      if (drive(condition)) return true;
    return false;
  }
  static std::vector<std::int64_t> numbers(const std::string& text) {
    std::vector<std::int64_t> all;
    for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
      all.push_back(std::strtoll(text.c_str() + text.find(',', begin) + 1, nullptr, 10));
    return all;
  }
  Deliveries before_, after_;
  std::vector<std::int64_t> fast_, slow_;
};
WEIR_ON_ALL_BACKENDS(SlowSubscriberTest);

constexpr std::int64_t kManyRows = 24000;  // more than a ring and what the system keeps for two sockets

TEST_P(SlowSubscriberTest, DropOldestKeepsTheNewestRowsInOrderAndCountsTheRest) {
  run({{"slow-subscribers", "drop-oldest"}}, kManyRows, 0);
  EXPECT_EQ(fast_.size() + slow_.size(), after_.delivered);
  EXPECT_EQ(static_cast<std::int64_t>(fast_.size()), kManyRows) << "who keeps up gets everything";
  EXPECT_GT(after_.dropped, 0u);
  EXPECT_TRUE(std::is_sorted(slow_.begin(), slow_.end()));
  ASSERT_FALSE(slow_.empty());
  EXPECT_EQ(slow_.back(), kManyRows - 1) << "the newest row comes";
}

TEST_P(SlowSubscriberTest, ConflateGivesTheNewestRowOfEachKey) {
  run({{"slow-subscribers", "conflate"}, {"conflate-key", "n"}}, kManyRows, 10);
  EXPECT_EQ(after_.dropped, 0u);
  EXPECT_GT(after_.conflated, 0u);
  EXPECT_EQ(fast_.size() + slow_.size(), after_.delivered);
  EXPECT_TRUE(std::is_sorted(slow_.begin(), slow_.end()));
  for (std::int64_t key = 0; key < 10; ++key) {
    EXPECT_TRUE(std::find(slow_.begin(), slow_.end(), kManyRows - 10 + key) != slow_.end())
        << "the last row of every key comes";
  }
}

TEST_P(SlowSubscriberTest, DisconnectSendsTheSlowOneAwayAndCountsWhatItMissed) {
  run({{"slow-subscribers", "disconnect"}}, kManyRows, 0);
  EXPECT_GT(after_.abandoned, 0u);
  EXPECT_EQ(static_cast<std::int64_t>(fast_.size()), kManyRows);
}

TEST_P(SocketConnectorTest, ALateSubscriberGetsRowsFromThenOn) {
  open_writer({{"listen", "127.0.0.1:0"}, {"format", "csv"}});
  EXPECT_EQ(write(0, 100, "before"), 100);
  auto late = world_->connect(port(writer_->listening()));
  ASSERT_TRUE(drive([&] { return writer_->accepts() && writer_->deliveries().subscribers == 1; }));
  EXPECT_EQ(write(100, 102, "after"), 102);
  std::string got;
  ASSERT_TRUE(drive([&] {
    writer_->close();
    got += late->receive();
    return late->at_end();
  }));
  EXPECT_EQ(got, "100,after\n101,after\n");
  EXPECT_EQ(writer_->deliveries().offered, 2u);
}

TEST_P(SocketConnectorTest, ASubscriberThatLeavesIsSettledAndOneThatTalksIsSentAway) {
  open_writer({{"listen", "127.0.0.1:0"}, {"format", "csv"}});
  auto leaves = world_->connect(port(writer_->listening()));
  auto talks = world_->connect(port(writer_->listening()));
  ASSERT_TRUE(drive([&] { return writer_->accepts() && writer_->deliveries().subscribers == 2; }));
  leaves->reset();
  const std::string chatter(4096, 'c');
  std::int64_t next = 0;
  ASSERT_TRUE(drive([&] {
    talks->send(chatter);
    next = write(next, next + 1, "x");
    for (const IoCount& count : writer_->counts())
      if (count.name == "subscribers disconnected, talking") return true;
    return false;
  }));
  expect_balance(writer_->deliveries());
  EXPECT_FALSE(writer_->failed());
}

// --- Streams of batches ---------------------------------------------------------------------------------------------

TEST_P(SocketConnectorTest, AStreamOfOtherColumnsIsRefusedAndTheDifferenceNamed) {
  const std::string path = "unix:" + world_->path("link");
  open_reader({{"listen", path}, {"format", "batches"}});
  TableContext other = context({{"connector", "socket"}, {"connect", path}, {"format", "batches"}}, "o");
  other.schema = {{{"n", Type::bigint()}, {"price", Type::float64()}}};
  auto sink = make_sink(other);
  ASSERT_TRUE(sink.has_value());
  auto writer = (*sink)->open(0, *backend_);
  ASSERT_TRUE(writer.has_value());
  const Physical columns[] = {Physical::kInt64, Physical::kDouble};
  const BatchLayout layout{.columns = columns, .capacity = 8};
  const std::unique_ptr<char, void (*)(void*)> memory(static_cast<char*>(std::aligned_alloc(64, layout.bytes())),
                                                      [](void* at) { std::free(at); });
  Batch* batch = Batch::create(layout, memory.get());
  batch->set_row_count(1);
  batch->column(0).values<std::int64_t>()[0] = 1;
  batch->column(1).values<double>()[0] = 2;
  std::uint32_t done = 0;
  ASSERT_TRUE(read_until([&] {
    if (done == 0) (*writer)->write(*batch, &done);
    (*writer)->flush();
    return count("connections closed, other columns") == 1;
  }));
  ASSERT_EQ(bad_.size(), 1u);
  EXPECT_NE(bad_[0].find("'price' DOUBLE at the peer and 's' STRING here"), std::string::npos) << bad_[0];
  EXPECT_TRUE(rows_.empty());
  writer->reset();
}

TEST_P(SocketConnectorTest, GarbageInPlaceOfAHelloOrABatchEndsOnlyItsConnection) {
  open_reader({{"listen", "127.0.0.1:0"}, {"format", "batches"}});
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("WEIRBAT1\xff\xff\xff\xff\xff\xff\xff\xff", 16) + std::string(8, '\0'), pattern(5000)}) {
    auto peer = connect();
    const std::uint64_t before = count("connections closed, other columns");
    peer->send(garbage);
    ASSERT_TRUE(read_until([&] { return count("connections closed, other columns") == before + 1; }));
  }
  EXPECT_EQ(bad_.size(), 3u);
  EXPECT_NE(last_, ReadStatus::kFailed);
}

// --- Datagrams ------------------------------------------------------------------------------------------------------

std::string big(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

TEST_P(SocketConnectorTest, DatagramsHoldOneOrManyRecordsAndNeverHalfOfOne) {
  open_reader({{"connector", "udp"}, {"listen", "127.0.0.1:0"}, {"format", "csv"}});
  const std::uint16_t to = port(reader_->listening());
  world_->send_datagram(to, "0,a\n1,a\n2,a");
  world_->send_datagram(to, "3,");
  world_->send_datagram(to, "4,a\n");
  ASSERT_TRUE(read_until([&] { return rows_.size() == 5 || rows_.size() + bad_.size() == 5; }));
  EXPECT_EQ(rows_, (std::vector<std::string>{"0 a", "1 a", "2 a", "3 ", "4 a"})) << "the end of the datagram ends 3";
  reader_->drain();
  ASSERT_TRUE(read_until([&] { return last_ == ReadStatus::kEnd; }));
}

TEST_P(SocketConnectorTest, GapsInANumberedFeedAreLossAndRepetitionsAreSkipped) {
  open_reader({{"connector", "udp"}, {"listen", "127.0.0.1:0"}, {"format", "csv"}, {"datagram-protocol", "u64-be"}});
  const std::uint16_t to = port(reader_->listening());
  for (const std::uint64_t number : {10u, 11u, 11u, 15u, 14u, 16u})
    world_->send_datagram(to, big(number, 8) + std::to_string(number) + ",x");
  world_->send_datagram(to, big(17, 8));  // a heartbeat
  world_->send_datagram(to, "short");
  ASSERT_TRUE(read_until([&] { return bad_.size() == 1; }));
  EXPECT_EQ(rows_, (std::vector<std::string>{"10 x", "11 x", "15 x", "16 x"}));
  EXPECT_EQ(lost_[LossReason::kSequenceGap], 3u);
  EXPECT_EQ(count("messages that had come already"), 2u);
}

TEST_P(SocketConnectorTest, WhatTheSystemDropsIsReportedAsLossToTheLastDatagram) {
  open_reader({{"connector", "udp"},
               {"listen", "127.0.0.1:0"},
               {"format", "csv"},
               {"receive-buffer-bytes", "65536"},
               {"datagrams-max", "4"}});
  const std::uint16_t to = port(reader_->listening());
  const std::string record = "1," + std::string(1000, 'x') + "\n";
  for (int i = 0; i < 500; ++i) world_->send_datagram(to, record);
  ASSERT_TRUE(read_until([&] { return last_ == ReadStatus::kPending && rows_.size() >= 4; }));
  turns(5);
  ASSERT_TRUE(read_until([&] {
    turns(2);
    return last_ == ReadStatus::kPending;
  }));
  for (int i = 0; i < 50; ++i) {
    turns(1);
    read();
  }
  reader_->drain();
  ASSERT_TRUE(read_until([&] { return last_ == ReadStatus::kEnd; }));
  EXPECT_GT(lost_[LossReason::kKernelDrop], 0u);
  EXPECT_EQ(rows_.size() + lost_[LossReason::kKernelDrop], 500u);
}

// --- Options --------------------------------------------------------------------------------------------------------

TEST_P(SocketConnectorTest, OptionsThatCannotBeAreRefusedByName) {
  const auto refused = [&](Options options, const std::string& part, bool source) {
    options.emplace("connector", "socket");
    options.emplace("format", "csv");
    std::string text;
    if (source) {
      auto made = make_source(context(options, "t"));
      ASSERT_FALSE(made.has_value()) << part;
      text = made.error().to_string();
    } else {
      auto made = make_sink(context(options, "t"));
      ASSERT_FALSE(made.has_value()) << part;
      text = made.error().to_string();
    }
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  refused({}, "'listen'", true);
  refused({{"listen", ":1"}, {"connect", "h:1"}}, "'listen'", true);
  refused({{"listen", "nonsense"}}, "not an address", true);
  refused({{"connector", "tcp"}, {"listen", "unix:/x"}}, "'connector' = 'socket'", true);
  refused({{"listen", ":1"}, {"framing", "u16"}}, "u32-be", true);
  refused({{"listen", ":1"}, {"reconnects-max", "1"}}, "means nothing", true);
  refused({{"connect", "h:1"}, {"connections-max", "1"}}, "means nothing", true);
  refused({{"listen", ":1"}, {"slow-subscribers", "block"}}, "means nothing", true);
  refused({{"listen", ":1"}, {"slow-subscribers", "conflate"}}, "conflate-key", false);
  refused({{"listen", ":1"}, {"slow-subscribers", "conflate"}, {"conflate-key", "m"}}, "no column 'm'", false);
  refused({{"listen", ":1"}, {"record-timeout", "1 s"}}, "means nothing", false);
  refused({{"listen", ":1"}, {"close-timeout", "soon"}}, "duration", false);
  refused({{"listen", ":1"}, {"format", "batches"}, {"framing", "u32-be"}}, "frames of its own", true);
  refused({{"connector", "udp"}, {"listen", ":1"}, {"datagram-protocol", "mold"}}, "moldudp64", true);
  refused({{"connector", "udp"}, {"listen", ":1"}, {"datagrams-max", "3"}}, "power of two", true);
  refused({{"connector", "udp"}, {"listen", ":1"}}, "source only", false);
}

}  // namespace
}  // namespace weir
