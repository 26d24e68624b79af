// The simulated world: the same seed runs the same way, faults never change what is delivered without being reported.
#include "weir/io/sim.h"

#include <filesystem>
#include <fstream>

#include "io/backend_fixture.h"

namespace weir {
namespace {

struct Outcome {
  std::string bytes;
  std::uint64_t hash = 0;
  std::int64_t end_ns = 0;
  bool failed = false;
  ErrorCode code{};
};

/// A peer sends a file's bytes to a listener; what arrives is written to a file and read back.
Outcome run(std::uint64_t seed, const SimFaults& faults, std::string_view input) {
  ManualClock clock;
  SimWorld world(clock, seed);
  world.set_faults(faults);
  Outcome outcome;
  {
    BackendConfig config;
    config.receive_buffers_max = 2;
    config.receive_buffer_bytes = 512;
    auto backend = std::move(*make_sim_backend(world, config));
    TcpListenerSource listener({.address = {"", 0}});
    EXPECT_TRUE(listener.open(*backend).has_value());
    SimPeer peer = world.connect_peer(listener.port());
    std::unique_ptr<ByteSource> source;
    auto sink = make_file_sink({.path = "/out", .buffer_bytes = 300});
    EXPECT_TRUE(sink->open(*backend).has_value());
    std::size_t sent = 0;
    bool closing = false;
    for (int turn = 0; turn < 200000 && !sink->closed() && !outcome.failed; ++turn) {
      sent += peer.send(input.substr(sent, 1000));
      if (sent == input.size()) peer.shutdown_send();
      if (source == nullptr) source = listener.accept();
      std::span<const char> bytes;
      if (source != nullptr && !closing) {
        const ReadState state = source->poll(bytes);
        if (state == ReadState::kData) source->consume(sink->append(bytes));
        if (state == ReadState::kEnd) {
          sink->close();
          closing = true;
        }
        if (state == ReadState::kError) {
          outcome.failed = true;
          outcome.code = source->error().code();
        }
      }
      if (sink->failed()) {
        outcome.failed = true;
        outcome.code = sink->error().code();
        EXPECT_EQ(world.read_file("/out")->size(), sink->bytes_written());
      }
      if (backend->poll() == 0) backend->park(-1);
    }
    EXPECT_TRUE(sink->closed() || outcome.failed);
    source.reset();
    sink.reset();
  }
  outcome.bytes = world.read_file("/out").value_or("");
  outcome.hash = world.trace_hash();
  outcome.end_ns = clock.now_ns();
  return outcome;
}

TEST(SimTest, OneSeedRunsTheSameWayAgainAndAnotherDoesNot) {
  SimFaults faults;
  faults.short_read = faults.short_write = faults.buffer_shortage = 0.3;
  const std::string input = pattern(20000);
  const Outcome first = run(1, faults, input);
  const Outcome again = run(1, faults, input);
  const Outcome other = run(2, faults, input);
  EXPECT_EQ(first.hash, again.hash);
  EXPECT_EQ(first.end_ns, again.end_ns);
  EXPECT_NE(first.hash, other.hash);
}

TEST(SimTest, ShortTransfersAndShortagesNeverChangeTheBytes) {
  const std::string input = pattern(20000);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimFaults faults;
    faults.short_read = 0.5;
    faults.short_write = 0.5;
    faults.buffer_shortage = 0.2;
    faults.delay_max_ns = seed % 2 == 0 ? 0 : 1'000'000;
    faults.delay_min_ns = 0;
    const Outcome outcome = run(seed, faults, input);
    EXPECT_FALSE(outcome.failed);
    ASSERT_TRUE(outcome.bytes == input) << "seed " << seed;
  }
}

TEST(SimTest, HardFaultsAreReportedAndWhatWasWrittenIsAPrefix) {
  const std::string input = pattern(20000);
  int failures = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimFaults faults;
    faults.short_read = faults.short_write = 0.2;
    faults.write_error = 0.005;
    faults.connection_reset = 0.005;
    const Outcome outcome = run(seed, faults, input);
    ASSERT_TRUE(input.starts_with(outcome.bytes)) << "seed " << seed;
    if (!outcome.failed) {
      EXPECT_EQ(outcome.bytes.size(), input.size()) << "seed " << seed;
      continue;
    }
    ++failures;
    EXPECT_TRUE(outcome.code == ErrorCode::kIo || outcome.code == ErrorCode::kConnectionReset);
  }
  EXPECT_GT(failures, 0);
  EXPECT_LT(failures, 50);
}

TEST(SimTest, AFullDiskTakesWhatFitsAndThenSaysSo) {
  SimFaults faults;
  faults.disk_bytes_max = 5000;
  const Outcome outcome = run(3, faults, pattern(20000));
  EXPECT_TRUE(outcome.failed);
  EXPECT_EQ(outcome.code, ErrorCode::kDiskFull);
  EXPECT_EQ(outcome.bytes, pattern(20000).substr(0, 5000));
}

TEST(SimTest, AFullDiskIsWaitedForAsLongAsTheSinkMayAndNothingIsLostWhereItComesBack) {
  const std::string bytes = pattern(20000);
  for (const std::int64_t back_after_s : {0, 1, 59, 61}) {
    ManualClock clock;
    SimWorld world(clock, 5);
    SimFaults faults;
    faults.disk_bytes_max = 5000;
    faults.short_write = 0.3;
    world.set_faults(faults);
    auto backend = std::move(*make_sim_backend(world));
    auto sink = make_file_sink(
        {.path = "/out", .buffer_bytes = 3000, .full_disk_timeout_ns = std::int64_t{60} * 1'000'000'000});
    ASSERT_TRUE(sink->open(*backend).has_value());
    std::size_t done = 0;
    std::int64_t full_since = -1;
    for (int turn = 0; turn < 100'000 && !sink->closed() && !sink->failed(); ++turn) {
      done += sink->append(std::span(bytes).subspan(done));
      if (done == bytes.size()) sink->close();
      if (backend->poll() == 0) backend->park(100'000'000);
      if (sink->disk_full() && full_since < 0) full_since = clock.now_ns();
      if (full_since >= 0 && clock.now_ns() - full_since >= back_after_s * 1'000'000'000) {
        faults.disk_bytes_max = ~std::uint64_t{0};
        world.set_faults(faults);
      }
    }
    EXPECT_EQ(sink->times_full(), 1u);
    if (back_after_s < 60) {
      ASSERT_TRUE(sink->closed()) << back_after_s;
      EXPECT_FALSE(sink->disk_full());
      EXPECT_TRUE(world.read_file("/out").value() == bytes);
    } else {
      ASSERT_TRUE(sink->failed());
      EXPECT_EQ(sink->error().code(), ErrorCode::kDiskFull);
      EXPECT_NE(sink->error().message().find("after 5000 bytes, having waited 60 s for room"), std::string_view::npos)
          << sink->error().to_string();
      EXPECT_EQ(world.read_file("/out").value(), bytes.substr(0, 5000));
    }
    sink.reset();
    EXPECT_EQ(world.next_event_ns().has_value(), backend->ops_in_flight() != 0);
  }
}

TEST(SimTest, AFileThatThereIsNoRoomForIsMadeOnceThereIsAndGetsEveryByte) {
  const std::string bytes = pattern(20000);
  for (const std::int64_t back_after_s : {1, 59, 61}) {
    ManualClock clock;
    SimWorld world(clock, 5);
    SimFaults faults;
    faults.disk_files_max = 0;
    faults.short_write = 0.3;
    world.set_faults(faults);
    auto backend = std::move(*make_sim_backend(world));
    auto impatient = make_file_sink({.path = "/other"});
    EXPECT_EQ(impatient->open(*backend).error().code(), ErrorCode::kDiskFull);
    auto sink = make_file_sink(
        {.path = "/out", .buffer_bytes = 3000, .full_disk_timeout_ns = std::int64_t{60} * 1'000'000'000});
    ASSERT_TRUE(sink->open(*backend).has_value());
    EXPECT_TRUE(sink->disk_full());
    EXPECT_TRUE(sink->writable());
    std::size_t done = 0, taken_without_file = 0;
    for (int turn = 0; turn < 100'000 && !sink->closed() && !sink->failed(); ++turn) {
      done += sink->append(std::span(bytes).subspan(done));
      if (sink->disk_full()) taken_without_file = done;
      if (done == bytes.size()) sink->close();
      if (backend->poll() == 0) backend->park(100'000'000);
      if (clock.now_ns() >= back_after_s * 1'000'000'000) world.set_faults({.short_write = 0.3});
    }
    EXPECT_EQ(taken_without_file, 6000u) << "its buffers and no more";
    EXPECT_EQ(sink->times_full(), 1u);
    if (back_after_s < 60) {
      ASSERT_TRUE(sink->closed()) << back_after_s;
      EXPECT_FALSE(sink->disk_full());
      EXPECT_TRUE(world.read_file("/out").value() == bytes);
    } else {
      ASSERT_TRUE(sink->failed());
      EXPECT_FALSE(sink->writable());
      EXPECT_EQ(sink->error().code(), ErrorCode::kDiskFull);
      EXPECT_NE(sink->error().to_string().find("opening /out, having waited 60 s for room"), std::string::npos)
          << sink->error().to_string();
      EXPECT_FALSE(world.read_file("/out").has_value());
    }
    sink.reset();
    EXPECT_EQ(backend->ops_in_flight(), 0u);
  }
}

TEST(SimTest, ASinkThatIsDroppedBeforeItsFileCouldBeMadeLeavesNothingBehind) {
  ManualClock clock;
  SimWorld world(clock, 5);
  world.set_faults({.disk_files_max = 0});
  auto backend = std::move(*make_sim_backend(world));
  auto sink = make_file_sink({.path = "/out", .full_disk_timeout_ns = std::int64_t{3600} * 1'000'000'000});
  ASSERT_TRUE(sink->open(*backend).has_value());
  ASSERT_EQ(sink->append(std::string_view("nowhere to go")), 13u);
  sink->close();
  EXPECT_FALSE(sink->closed());
  sink.reset();
  world.set_faults({});
  for (int turn = 0; turn < 100 && backend->ops_in_flight() != 0; ++turn) {
    if (backend->poll() == 0) backend->park(1'000'000'000);
  }
  EXPECT_EQ(backend->ops_in_flight(), 0u);
  EXPECT_FALSE(world.read_file("/out").has_value());
}

TEST(SimTest, ASyncThatFindsTheDiskFullIsFinalThoughAWriteMayWait) {
  ManualClock clock;
  SimWorld world(clock, 5);
  world.set_faults({.sync_full = 1});
  auto backend = std::move(*make_sim_backend(world));
  auto sink = make_file_sink(
      {.path = "/out", .sync_at_close = true, .full_disk_timeout_ns = std::int64_t{3600} * 1'000'000'000});
  ASSERT_TRUE(sink->open(*backend).has_value());
  ASSERT_EQ(sink->append(std::string_view("written, not kept")), 17u);
  sink->close();
  for (int turn = 0; turn < 1000 && !sink->failed(); ++turn) {
    if (backend->poll() == 0) backend->park(1'000'000);
  }
  ASSERT_TRUE(sink->failed());
  EXPECT_EQ(sink->error().code(), ErrorCode::kDiskFull);
  EXPECT_NE(sink->error().message().find("cannot sync /out after 17 bytes"), std::string_view::npos);
  EXPECT_FALSE(sink->closed());
  EXPECT_LT(clock.now_ns(), 1'000'000'000);
}

TEST(SimTest, ASinkThatIsDroppedWhileItWaitsForRoomLeavesNothingBehind) {
  ManualClock clock;
  SimWorld world(clock, 5);
  SimFaults faults;
  faults.disk_bytes_max = 10;
  world.set_faults(faults);
  auto backend = std::move(*make_sim_backend(world));
  auto sink = make_file_sink({.path = "/out", .full_disk_timeout_ns = std::int64_t{3600} * 1'000'000'000});
  ASSERT_TRUE(sink->open(*backend).has_value());
  ASSERT_EQ(sink->append(std::string_view("more than ten bytes")), 19u);
  sink->flush();
  for (int turn = 0; turn < 100 && !sink->disk_full(); ++turn) {
    if (backend->poll() == 0) backend->park(1'000'000);
  }
  ASSERT_TRUE(sink->disk_full());
  sink.reset();
  for (int turn = 0; turn < 100 && backend->ops_in_flight() != 0; ++turn) {
    if (backend->poll() == 0) backend->park(1'000'000);
  }
  EXPECT_EQ(backend->ops_in_flight(), 0u);
}

TEST(SimTest, FilesVanishAndReadsFailAsTold) {
  ManualClock clock;
  SimWorld world(clock, 1);
  auto backend = std::move(*make_sim_backend(world));
  world.write_file("/a", "x");
  SimFaults faults;
  faults.file_vanishes = 1;
  world.set_faults(faults);
  EXPECT_TRUE(backend->status("/a").has_value());
  EXPECT_EQ(backend->open("/a", OpenMode::kRead).error().code(), ErrorCode::kNotFound);
  faults = {};
  faults.read_error = 1;
  world.set_faults(faults);
  auto source = make_file_source({.path = "/a"});
  ASSERT_TRUE(source->open(*backend).has_value());
  std::span<const char> bytes;
  while (source->poll(bytes) == ReadState::kPending)
    if (backend->poll() == 0) backend->park(-1);
  EXPECT_EQ(source->poll(bytes), ReadState::kError);
  EXPECT_EQ(source->error().code(), ErrorCode::kIo);
}

TEST(SimTest, TwoBackendsOfAWorldTalkToEachOther) {
  ManualClock clock;
  SimWorld world(clock, 5);
  auto server = std::move(*make_sim_backend(world));
  auto client = std::move(*make_sim_backend(world));
  TcpListenerSource listener({.address = {"", 7000}});
  ASSERT_TRUE(listener.open(*server).has_value());
  Recorder connected;
  ASSERT_TRUE(client->connect({"any", 7000}, connected).has_value());
  std::unique_ptr<ByteSource> source;
  std::unique_ptr<ByteSink> sink;
  const std::string input = pattern(1 << 20);
  std::size_t done = 0;
  std::string all;
  ReadState state = ReadState::kPending;
  for (int turn = 0; turn < 100000 && state != ReadState::kEnd; ++turn) {
    if (sink == nullptr && connected.ended() == 1) {
      sink = make_tcp_sink(connected.events[0].handle, "server");
      ASSERT_TRUE(sink->open(*client).has_value());
    }
    if (sink != nullptr && done < input.size()) {
      done += sink->append(std::span(input).subspan(done));
      if (done == input.size()) sink->close();
    }
    if (source == nullptr) source = listener.accept();
    std::span<const char> bytes;
    if (source != nullptr && (state = source->poll(bytes)) == ReadState::kData) {
      all.append(bytes.data(), bytes.size());
      source->consume(bytes.size());
    }
    ASSERT_NE(state, ReadState::kError);
    if (server->poll() + client->poll() == 0) server->park(-1);
  }
  EXPECT_TRUE(all == input);
}

TEST(SimTest, StandardStreamsAreTheWorlds) {
  ManualClock clock;
  SimWorld world(clock);
  world.set_standard_input("in");
  auto backend = std::move(*make_sim_backend(world));
  auto source = make_file_source({.path = "-"});
  auto sink = make_file_sink({.path = "-", .mode = OpenMode::kAppend});
  ASSERT_TRUE(source->open(*backend).has_value() && sink->open(*backend).has_value());
  std::span<const char> bytes;
  while (source->poll(bytes) == ReadState::kPending)
    if (backend->poll() == 0) backend->park(-1);
  EXPECT_EQ(sink->append(bytes), 2u);
  sink->flush();
  while (!sink->drained())
    if (backend->poll() == 0) backend->park(-1);
  EXPECT_EQ(world.standard_output(), "in");
}

TEST(SimTest, HostFilesAreReadAndWrittenWhereAllowed) {
  const auto folder = std::filesystem::temp_directory_path() / "weir_sim_host_files_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "in") << "host bytes";
  ManualClock clock;
  SimWorld world(clock);
  auto backend = std::move(*make_sim_backend(world));
  EXPECT_EQ(backend->open((folder / "in").string(), OpenMode::kRead).error().code(), ErrorCode::kNotFound);
  world.allow_host_files(true);
  EXPECT_EQ(list_input_files(*backend, folder.string())->size(), 1u);
  {
    auto source = make_file_source({.path = (folder / "in").string()});
    auto sink = make_file_sink({.path = (folder / "out").string()});
    ASSERT_TRUE(source->open(*backend).has_value() && sink->open(*backend).has_value());
    std::span<const char> bytes;
    while (source->poll(bytes) == ReadState::kPending)
      if (backend->poll() == 0) backend->park(-1);
    EXPECT_EQ(sink->append(bytes), 10u);
    sink->close();
    while (!sink->closed())
      if (backend->poll() == 0) backend->park(-1);
  }
  std::string written;
  std::getline(std::ifstream(folder / "out"), written);
  EXPECT_EQ(written, "host bytes");
  std::filesystem::remove_all(folder);
}

TEST(SimTest, NothingLeftToHappenIsVisible) {
  ManualClock clock;
  SimWorld world(clock);
  auto backend = std::move(*make_sim_backend(world));
  EXPECT_FALSE(world.next_event_ns().has_value());
  backend->park(-1);  // returns: nothing would ever end it
  EXPECT_EQ(clock.now_ns(), 0);
  backend->park(500);
  EXPECT_EQ(clock.now_ns(), 500);
  Recorder recorder;
  backend->timeout(100, recorder);
  EXPECT_EQ(world.next_event_ns(), 600);
  backend->park(-1);
  EXPECT_EQ(clock.now_ns(), 600);
  EXPECT_EQ(backend->poll(), 1u);
}

}  // namespace
}  // namespace weir
