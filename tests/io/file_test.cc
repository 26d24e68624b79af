// Files, pipes and folders through every backend: what is written is read, and what cannot be says why.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "io/backend_fixture.h"
#include "support/small_disk.h"

namespace weir {
namespace {

using FileTest = BackendTest;
WEIR_ON_ALL_BACKENDS(FileTest);

TEST_P(FileTest, WhatASinkWritesASourceReads) {
  int number = 0;
  for (const std::size_t size : {0u, 1u, 63u, 64u, 1023u, 1024u, 1025u, 3072u, 3073u, 100001u}) {
    const std::string bytes = pattern(size, size);
    const std::string name = "f" + std::to_string(number++);
    auto sink = make_file_sink({.path = world_->path(name), .buffer_bytes = 1024});
    ASSERT_TRUE(sink->open(*backend_).has_value());
    ASSERT_TRUE(write_all(*sink, bytes)) << sink->error().to_string();
    EXPECT_EQ(sink->bytes_written(), size);
    EXPECT_EQ(world_->read_file(name), bytes);
    auto source = make_file_source({.path = world_->path(name), .read_buffer_bytes = 1024});
    ASSERT_TRUE(source->open(*backend_).has_value());
    std::string all;
    EXPECT_EQ(read_all(*source, all), ReadState::kEnd);
    EXPECT_EQ(all, bytes);
    EXPECT_EQ(source->bytes_read(), size);
    EXPECT_EQ(source->bytes_consumed(), size);
  }
}

TEST_P(FileTest, BytesThatAreNotConsumedAreGivenAgain) {
  const std::string bytes = pattern(5000);
  world_->write_file("a", bytes);
  for (const std::uint32_t buffers : {1u, 2u, 16u}) {
    auto source = make_file_source({.path = world_->path("a"), .read_buffers_max = buffers, .read_buffer_bytes = 7});
    ASSERT_TRUE(source->open(*backend_).has_value());
    std::string all;
    EXPECT_EQ(read_all(*source, all, 3), ReadState::kEnd);
    EXPECT_EQ(all, bytes);
  }
}

TEST_P(FileTest, SpansAreReadableBehindTheirEnd) {
  world_->write_file("a", pattern(4096));
  auto source = make_file_source({.path = world_->path("a"), .read_buffer_bytes = 4096});
  ASSERT_TRUE(source->open(*backend_).has_value());
  std::span<const char> bytes;
  ASSERT_TRUE(drive([&] { return source->poll(bytes) == ReadState::kData; }));
  int sum = 0;
  for (std::size_t i = 0; i < 64; ++i) sum += *(bytes.data() + bytes.size() + i);
  EXPECT_EQ(sum, 0);
  EXPECT_NE(source->ingest_wall_ns(), 0);
}

TEST_P(FileTest, SaysWhatCannotBeOpened) {
  auto missing = make_file_source({.path = world_->path("missing")});
  auto result = missing->open(*backend_);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(result.error().message().find("missing"), std::string_view::npos);

  world_->make_directory("folder");
  auto folder = make_file_source({.path = world_->path("folder")});
  auto folder_result = folder->open(*backend_);
  ASSERT_FALSE(folder_result.has_value());
  EXPECT_EQ(folder_result.error().code(), ErrorCode::kIsDirectory);

  world_->write_file("there", "x");
  auto sink = make_file_sink({.path = world_->path("there"), .mode = OpenMode::kCreate});
  auto sink_result = sink->open(*backend_);
  ASSERT_FALSE(sink_result.has_value());
  EXPECT_EQ(sink_result.error().code(), ErrorCode::kExists);
  EXPECT_EQ(world_->read_file("there"), "x");
}

TEST_P(FileTest, TruncatesAndAppendsWhereAskedTo) {
  world_->write_file("a", "old text");
  auto truncating = make_file_sink({.path = world_->path("a"), .mode = OpenMode::kTruncate, .sync_at_close = true});
  ASSERT_TRUE(truncating->open(*backend_).has_value());
  ASSERT_TRUE(write_all(*truncating, "new"));
  EXPECT_EQ(world_->read_file("a"), "new");
  auto appending = make_file_sink({.path = world_->path("a"), .mode = OpenMode::kAppend, .buffer_bytes = 2});
  ASSERT_TRUE(appending->open(*backend_).has_value());
  ASSERT_TRUE(write_all(*appending, " and more"));
  EXPECT_EQ(world_->read_file("a"), "new and more");
}

TEST_P(FileTest, AFileThatGetsShorterIsTruncatedInput) {
  world_->write_file("a", pattern(100000));
  auto source = make_file_source({.path = world_->path("a"), .read_buffers_max = 1, .read_buffer_bytes = 1000});
  ASSERT_TRUE(source->open(*backend_).has_value());
  std::span<const char> bytes;
  ASSERT_TRUE(drive([&] { return source->poll(bytes) == ReadState::kData; }));
  world_->truncate_file("a", 2500);
  std::string all;
  EXPECT_EQ(read_all(*source, all), ReadState::kError);
  EXPECT_EQ(source->error().code(), ErrorCode::kTruncated);
  EXPECT_EQ(all, pattern(100000).substr(0, 2500)) << "what was there is given first";
}

TEST_P(FileTest, WhatIsAppendedAfterOpeningIsNotRead) {
  world_->write_file("a", pattern(3000));
  auto source = make_file_source({.path = world_->path("a"), .read_buffer_bytes = 1000});
  ASSERT_TRUE(source->open(*backend_).has_value());
  auto sink = make_file_sink({.path = world_->path("a"), .mode = OpenMode::kAppend});
  ASSERT_TRUE(sink->open(*backend_).has_value());
  ASSERT_TRUE(write_all(*sink, "later"));
  std::string all;
  EXPECT_EQ(read_all(*source, all), ReadState::kEnd);
  EXPECT_EQ(all, pattern(3000));
}

TEST_P(FileTest, ASourceMayGoAwayWithReadsInFlight) {
  world_->write_file("a", pattern(1 << 20));
  for (int i = 0; i < 20; ++i) {
    auto source = make_file_source({.path = world_->path("a"), .read_buffers_max = 4});
    ASSERT_TRUE(source->open(*backend_).has_value());
    if (i % 2 == 0) backend_->poll();
  }
  EXPECT_TRUE(drive([&] { return backend_->ops_in_flight() == 0; }));
}

TEST_P(FileTest, ListsFilesSortedAndSkipsHiddenOnes) {
  for (const char* name : {"d/b", "d/a", "d/.hidden", "d/_temporary/x", "d/sub/c"}) {
    const std::string folder = std::string(name).substr(0, std::string(name).rfind('/'));
    world_->make_directory(folder);
    world_->write_file(name, "x");
  }
  auto files = list_input_files(*backend_, world_->path("d"));
  ASSERT_TRUE(files.has_value()) << files.error().to_string();
  EXPECT_EQ(*files, (std::vector<std::string>{world_->path("d/a"), world_->path("d/b"), world_->path("d/sub/c")}));
  auto one = list_input_files(*backend_, world_->path("d/.hidden"));
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->size(), 1u) << "a file that is named is taken";
  EXPECT_EQ(list_input_files(*backend_, world_->path("none")).error().code(), ErrorCode::kNotFound);
}

TEST_P(FileTest, ASinkWaitsUntilItsBuffersAreWritten) {
  auto sink = make_file_sink({.path = world_->path("a"), .buffer_bytes = 16});
  ASSERT_TRUE(sink->open(*backend_).has_value());
  EXPECT_TRUE(sink->reserve(17).empty());
  EXPECT_EQ(sink->append(pattern(100)), 32u) << "two buffers and not a byte more";
  EXPECT_FALSE(sink->writable());
  EXPECT_TRUE(sink->reserve(1).empty());
  ASSERT_TRUE(drive([&] { return sink->drained(); }));
  EXPECT_TRUE(sink->writable());
  EXPECT_EQ(sink->bytes_written(), 32u);
  EXPECT_EQ(sink->append(std::string("xy")), 2u);
  EXPECT_FALSE(sink->drained());
  sink->flush();
  ASSERT_TRUE(drive([&] { return sink->drained(); }));
  EXPECT_EQ(world_->read_file("a"), pattern(100).substr(0, 32) + "xy");
  EXPECT_EQ(sink->append(pattern(10)), 10u);
  EXPECT_EQ(sink->reserve(16).size(), 16u) << "a record that does not fit the rest gets the next buffer";
  sink->commit(16);
  sink->close();
  ASSERT_TRUE(drive([&] { return sink->closed(); }));
  EXPECT_EQ(sink->bytes_written(), 60u);
}

TEST_P(FileTest, BlackholeCountsAndKeepsNothing) {
  auto sink = make_blackhole_sink(100);
  ASSERT_TRUE(sink->open(*backend_).has_value());
  EXPECT_TRUE(write_all(*sink, pattern(12345)));
  EXPECT_EQ(sink->bytes_written(), 12345u);
}

class HostFileTest : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
  }
  void TearDown() override {
    BackendTest::TearDown();
    for (const int fd : pipe_)
      if (fd >= 0) ::close(fd);
  }
  void close_end(int end) {
    ::close(pipe_[end]);
    pipe_[end] = -1;
  }
  std::string end_path(int end) const { return "/proc/self/fd/" + std::to_string(pipe_[end]); }
  int pipe_[2] = {-1, -1};
};
INSTANTIATE_TEST_SUITE_P(, HostFileTest, testing::Values("uring", "epoll"),
                         [](const auto& p) { return std::string(p.param); });

TEST_P(HostFileTest, ReadsAPipeAsStandardInputUntilItsWriterGoes) {
  const int saved = ::dup(STDIN_FILENO);
  ASSERT_EQ(::dup2(pipe_[0], STDIN_FILENO), STDIN_FILENO);
  auto source = make_file_source({.path = "-", .read_buffer_bytes = 4096});
  ASSERT_TRUE(source->open(*backend_).has_value());
  std::string all;
  std::span<const char> bytes;
  for (int i = 0; i < 10; ++i) {
    turns(2);
    EXPECT_EQ(source->poll(bytes), ReadState::kPending);
    ASSERT_EQ(::write(pipe_[1], "line\n", 5), 5);
    ASSERT_TRUE(drive([&] { return source->poll(bytes) == ReadState::kData; }));
    all.append(bytes.data(), bytes.size());
    source->consume(bytes.size());
  }
  const std::string many = pattern(50000);
  ASSERT_EQ(::write(pipe_[1], many.data(), many.size()), 50000);
  close_end(1);
  EXPECT_EQ(read_all(*source, all), ReadState::kEnd);
  EXPECT_EQ(all.size(), 50050u);
  EXPECT_EQ(all.substr(50), many);
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
}

TEST_P(HostFileTest, AReadThatWaitsForAPipeCanBeCancelled) {
  auto file = backend_->open(end_path(0), OpenMode::kRead);
  ASSERT_TRUE(file.has_value());
  Recorder recorder;
  char buffer[8];
  const OpId op = backend_->read(*file, buffer, kCurrentOffset, recorder);
  turns(3);
  EXPECT_EQ(recorder.ended(), 0u);
  EXPECT_TRUE(backend_->cancel(op));
  ASSERT_TRUE(drive([&] { return recorder.ended() == 1; }));
  EXPECT_TRUE(recorder.events[0].result == -ECANCELED || recorder.events[0].result == -EINTR);
  backend_->read(*file, buffer, kCurrentOffset, recorder);
  turns(3);
  backend_->close(*file, &recorder);
  ASSERT_TRUE(drive([&] { return recorder.ended() == 3; })) << "close ends what waits";
}

TEST_P(HostFileTest, AFullPipeMakesTheSinkWaitAndLosesNothing) {
  auto sink = make_file_sink({.path = end_path(1), .mode = OpenMode::kAppend, .buffer_bytes = 65536});
  ASSERT_TRUE(sink->open(*backend_).has_value());
  ASSERT_EQ(::fcntl(pipe_[0], F_SETFL, O_NONBLOCK), 0);
  const std::string bytes = pattern(1 << 20);
  std::size_t done = 0;
  std::string got;
  char buffer[10000];
  bool waited = false;
  ASSERT_TRUE(drive([&] {
    done += sink->append(std::span(bytes).subspan(done));
    if (!sink->writable()) {
      waited = true;
      const ssize_t count = ::read(pipe_[0], buffer, sizeof buffer);
      if (count > 0) got.append(buffer, static_cast<std::size_t>(count));
    }
    return done == bytes.size();
  }));
  EXPECT_TRUE(waited);
  sink->close();
  ASSERT_TRUE(drive([&] {
    const ssize_t count = ::read(pipe_[0], buffer, sizeof buffer);
    if (count > 0) got.append(buffer, static_cast<std::size_t>(count));
    return got.size() == bytes.size() && sink->closed();
  }));
  EXPECT_EQ(got, bytes);
}

TEST_P(HostFileTest, ABrokenPipeIsAnErrorAndNotTheEndOfTheProcess) {
  auto sink = make_file_sink({.path = end_path(1), .mode = OpenMode::kAppend, .buffer_bytes = 65536});
  ASSERT_TRUE(sink->open(*backend_).has_value());
  close_end(0);
  EXPECT_FALSE(write_all(*sink, "nobody reads this"));
  ASSERT_TRUE(sink->failed());
  EXPECT_EQ(sink->error().code(), ErrorCode::kBrokenPipe);
  EXPECT_EQ(sink->bytes_written(), 0u);
  EXPECT_FALSE(sink->writable());
}

TEST_P(HostFileTest, AReaderThatGoesWhileTheWriterWaitsBreaksThePipe) {
  auto sink = make_file_sink({.path = end_path(1), .mode = OpenMode::kAppend, .buffer_bytes = 262144});
  ASSERT_TRUE(sink->open(*backend_).has_value());
  EXPECT_EQ(sink->append(pattern(524288)), 524288u);
  turns(5);
  EXPECT_FALSE(sink->drained());
  close_end(0);
  ASSERT_TRUE(drive([&] { return sink->failed(); }));
  EXPECT_EQ(sink->error().code(), ErrorCode::kBrokenPipe);
}

TEST_P(HostFileTest, AFullDiskNamesThePathAndTheBytesWritten) {
  auto sink = make_file_sink({.path = "/dev/full", .mode = OpenMode::kAppend});
  ASSERT_TRUE(sink->open(*backend_).has_value());
  EXPECT_FALSE(write_all(*sink, pattern(1000)));
  ASSERT_TRUE(sink->failed());
  EXPECT_EQ(sink->error().code(), ErrorCode::kDiskFull);
  EXPECT_NE(sink->error().message().find("/dev/full after 0 bytes"), std::string_view::npos);
}

TEST_P(HostFileTest, ADiskThatHasRoomAgainGetsTheRestOfTheFile) {
  world_->make_directory("disk");
  const test::SmallDisk disk(world_->path("disk"), "size=64k");
  if (!disk.mounted()) GTEST_SKIP() << "no small file system can be mounted here: " << disk.why();
  world_->write_file("disk/filler", std::string(40'000, 'f'));
  auto sink = make_file_sink({.path = disk.path() + "/rows",
                              .buffer_bytes = 10'000,
                              .full_disk_timeout_ns = std::int64_t{600} * 1'000'000'000});
  ASSERT_TRUE(sink->open(*backend_).has_value());
  const std::string bytes = pattern(60'000);
  std::size_t done = 0;
  ASSERT_TRUE(drive([&] {
    done += sink->append(std::span(bytes).subspan(done));
    return sink->disk_full();
  })) << sink->bytes_written();
  EXPECT_LT(done, bytes.size());
  EXPECT_FALSE(sink->failed());
  world_->remove_file("disk/filler");
  EXPECT_TRUE(write_all(*sink, std::string_view(bytes).substr(done)));
  EXPECT_TRUE(world_->read_file("disk/rows") == bytes);
}

TEST_P(HostFileTest, AFileForWhichADiskHasNoRoomIsMadeWhenItHas) {
  world_->make_directory("disk");
  const test::SmallDisk disk(world_->path("disk"), "size=1m,nr_inodes=2");  // its root is one
  if (!disk.mounted()) GTEST_SKIP() << "no small file system can be mounted here: " << disk.why();
  world_->write_file("disk/filler", "f");
  const std::string bytes = pattern(60'000);
  const FileSinkConfig config{.path = disk.path() + "/rows", .buffer_bytes = 10'000};
  EXPECT_EQ(make_file_sink(config)->open(*backend_).error().code(), ErrorCode::kDiskFull);
  FileSinkConfig patient = config;
  patient.sync_at_close = true;
  patient.full_disk_timeout_ns = std::int64_t{600} * 1'000'000'000;
  auto sink = make_file_sink(patient);
  ASSERT_TRUE(sink->open(*backend_).has_value());
  EXPECT_TRUE(sink->disk_full());
  std::size_t done = 0;
  ASSERT_TRUE(drive([&] {
    done += sink->append(std::span(bytes).subspan(done));
    return !sink->writable();
  }));
  EXPECT_EQ(done, 20'000u);
  EXPECT_FALSE(sink->failed());
  world_->remove_file("disk/filler");
  EXPECT_TRUE(write_all(*sink, std::string_view(bytes).substr(done)));
  EXPECT_TRUE(world_->read_file("disk/rows") == bytes);
}

TEST_P(HostFileTest, NoPermissionIsSaid) {
  if (::geteuid() == 0) GTEST_SKIP() << "nothing is forbidden to root";
  world_->write_file("secret", "x");
  ASSERT_EQ(::chmod(world_->path("secret").c_str(), 0), 0);
  EXPECT_EQ(backend_->open(world_->path("secret"), OpenMode::kRead).error().code(), ErrorCode::kPermission);
}

}  // namespace
}  // namespace weir
