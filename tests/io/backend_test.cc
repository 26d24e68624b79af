// The contract of IoBackend: every op ends once, in poll() only; handles, generations, limits, timeouts, waking.
#include "weir/io/backend.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "io/backend_fixture.h"

namespace weir {
namespace {

WEIR_ON_ALL_BACKENDS(BackendTest);

TEST_P(BackendTest, EventsComeFromPollAndNeverFromSubmit) {
  world_->write_file("a", "hello");
  auto file = backend_->open(world_->path("a"), OpenMode::kRead);
  ASSERT_TRUE(file.has_value());
  Recorder recorder;
  char buffer[16];
  ASSERT_TRUE(backend_->read(*file, buffer, 0, recorder, 42).valid());
  EXPECT_TRUE(recorder.events.empty());
  EXPECT_EQ(backend_->ops_in_flight(), 1u);
  ASSERT_TRUE(drive([&] { return recorder.ended() == 1; }));
  EXPECT_EQ(recorder.events[0].tag, 42u);
  EXPECT_EQ(recorder.events[0].result, 5);
  EXPECT_EQ(std::string(buffer, 5), "hello");
  EXPECT_EQ(backend_->ops_in_flight(), 0u);
  backend_->close(*file, &recorder, 43);
  EXPECT_EQ(recorder.events.size(), 1u);
  ASSERT_TRUE(drive([&] { return recorder.ended() == 2; }));
  EXPECT_EQ(recorder.events[1].tag, 43u);
  EXPECT_EQ(recorder.events[1].result, 0);
}

TEST_P(BackendTest, CloseComesAfterTheOpsOfItsHandle) {
  world_->write_file("a", pattern(100000));
  auto file = backend_->open(world_->path("a"), OpenMode::kRead);
  ASSERT_TRUE(file.has_value());
  Recorder recorder;
  std::vector<std::string> buffers(8, std::string(4096, '\0'));
  for (std::uint64_t i = 0; i < 8; ++i) ASSERT_TRUE(backend_->read(*file, buffers[i], i * 4096, recorder, i).valid());
  backend_->close(*file, &recorder, 99);
  ASSERT_TRUE(drive([&] { return recorder.ended() == 9; }));
  EXPECT_EQ(recorder.events.back().tag, 99u);
}

TEST_P(BackendTest, WritesAtOffsetsAndSyncs) {
  auto file = backend_->open(world_->path("w"), OpenMode::kCreate);
  ASSERT_TRUE(file.has_value());
  Recorder recorder;
  backend_->write(*file, std::string_view("world"), 5, recorder, 1);
  backend_->write(*file, std::string_view("hello"), 0, recorder, 2);
  ASSERT_TRUE(drive([&] { return recorder.ended() == 2; }));
  backend_->sync(*file, recorder, 3);
  ASSERT_TRUE(drive([&] { return recorder.ended() == 3; }));
  EXPECT_EQ(recorder.events[2].result, 0);
  backend_->close(*file);
  ASSERT_TRUE(drive([&] { return backend_->ops_in_flight() == 0; }));
  EXPECT_EQ(world_->read_file("w"), "helloworld");
}

TEST_P(BackendTest, RefusesAtOpsMaxAndGoesOnAfterwards) {
  start({.ops_max = 4});
  Recorder recorder;
  std::vector<OpId> ops;
  for (int i = 0; i < 4; ++i) ops.push_back(backend_->timeout(3'600'000'000'000, recorder));
  EXPECT_FALSE(backend_->timeout(1, recorder).valid());
  EXPECT_EQ(backend_->counters().ops_refused, 1u);
  EXPECT_TRUE(backend_->cancel(ops[0]));
  ASSERT_TRUE(drive([&] { return recorder.ended() == 1; }));
  EXPECT_EQ(recorder.events[0].result, -ECANCELED);
  EXPECT_TRUE(backend_->timeout(1, recorder).valid());
  for (int i = 1; i < 4; ++i) EXPECT_TRUE(backend_->cancel(ops[static_cast<std::size_t>(i)]));
  ASSERT_TRUE(drive([&] { return recorder.ended() == 5; }));
}

TEST_P(BackendTest, RefusesAtHandlesMaxWithAnErrorThatNamesTheLimit) {
  start({.handles_max = 2});
  world_->write_file("a", "x");
  auto one = backend_->open(world_->path("a"), OpenMode::kRead);
  auto two = backend_->open(world_->path("a"), OpenMode::kRead);
  ASSERT_TRUE(one.has_value() && two.has_value());
  auto three = backend_->open(world_->path("a"), OpenMode::kRead);
  ASSERT_FALSE(three.has_value());
  EXPECT_EQ(three.error().code(), ErrorCode::kLimitExceeded);
  EXPECT_NE(three.error().message().find("handles_max"), std::string_view::npos);
  backend_->close(*one);
  ASSERT_TRUE(drive([&] { return backend_->ops_in_flight() == 0; }));
  auto again = backend_->open(world_->path("a"), OpenMode::kRead);
  ASSERT_TRUE(again.has_value());
  EXPECT_NE(again->value, one->value) << "a slot that is used again has another generation";
  backend_->close(*again);
  backend_->close(*two);
}

TEST_P(BackendTest, AnIdOfAnEndedOpNeverReachesItsSuccessor) {
  start({.ops_max = 1});
  Recorder recorder;
  const OpId first = backend_->timeout(3'600'000'000'000, recorder, 1);
  EXPECT_TRUE(backend_->cancel(first));
  EXPECT_FALSE(backend_->cancel(first)) << "its end is already on the way";
  ASSERT_TRUE(drive([&] { return recorder.ended() == 1; }));
  const OpId second = backend_->timeout(3'600'000'000'000, recorder, 2);
  EXPECT_NE(first.value, second.value);
  EXPECT_FALSE(backend_->cancel(first));
  turns(3);
  EXPECT_EQ(recorder.ended(), 1u);
  EXPECT_TRUE(backend_->cancel(second));
  ASSERT_TRUE(drive([&] { return recorder.ended() == 2; }));
}

TEST_P(BackendTest, TimeoutsExpireInTheOrderOfTheirDeadlines) {
  Recorder recorder;
  backend_->timeout(3'000'000, recorder, 3);
  backend_->timeout(1'000'000, recorder, 1);
  backend_->timeout(2'000'000, recorder, 2);
  const std::int64_t begin = world_->clock().now_ns();
  ASSERT_TRUE(drive([&] { return recorder.ended() == 3; }));
  EXPECT_GE(world_->clock().now_ns() - begin, 3'000'000);
  EXPECT_EQ(recorder.events[0].tag, 1u);
  EXPECT_EQ(recorder.events[1].tag, 2u);
  EXPECT_EQ(recorder.events[2].tag, 3u);
}

TEST_P(BackendTest, AWakeBeforeTheParkIsKept) {
  backend_->poll();
  backend_->wake();
  backend_->park(world_->simulated() ? 3'600'000'000'000 : -1);  // would not return in the time of a test
  SUCCEED();
}

TEST_P(BackendTest, WakesFromAnotherThread) {
  if (world_->simulated()) GTEST_SKIP() << "a simulation has one thread";
  std::atomic<int> produced{0};
  std::thread producer([&] {
    for (int i = 1; i <= 1000; ++i) {
      produced.store(i);
      backend_->wake();
    }
  });
  while (produced.load() < 1000) {
    backend_->poll();
    if (produced.load() < 1000) backend_->park(-1);
  }
  producer.join();
  EXPECT_EQ(produced.load(), 1000);
}

TEST_P(BackendTest, CompletionsMaySubmitAndCancel) {
  struct Chain : Completion {
    void complete(const IoEvent& event) noexcept override {
      if (event.result == -ECANCELED) {
        ++cancelled;
        return;
      }
      if (++rounds == 100) return;
      const OpId doomed = backend->timeout(3'600'000'000'000, *this);
      backend->cancel(doomed);
      backend->timeout(0, *this);
    }
    IoBackend* backend = nullptr;
    int rounds = 0;
    int cancelled = 0;
  } chain;
  chain.backend = backend_.get();
  backend_->timeout(0, chain);
  ASSERT_TRUE(drive([&] { return chain.rounds == 100 && chain.cancelled == 99; }));
}

TEST_P(BackendTest, DestroyingTheBackendEndsEveryOp) {
  Recorder recorder;
  auto listener = backend_->listen({"127.0.0.1", 0});
  ASSERT_TRUE(listener.has_value());
  backend_->accept_stream(listener->handle, recorder, 1);
  backend_->timeout(3'600'000'000'000, recorder, 2);
  turns(2);
  backend_.reset();
  EXPECT_EQ(recorder.ended(), 2u);
}

TEST(BackendKindTest, NamesAreReadAndWrongOnesExplained) {
  EXPECT_EQ(*parse_backend_kind("epoll"), BackendKind::kEpoll);
  EXPECT_EQ(*parse_backend_kind("uring"), BackendKind::kUring);
  EXPECT_EQ(*parse_backend_kind("auto"), BackendKind::kAuto);
  auto wrong = parse_backend_kind("iocp");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code(), ErrorCode::kInvalidArgument);
}

TEST(BackendKindTest, AutoAlwaysGivesABackendOnThisSystem) {
  SystemClock clock;
  BackendConfig config;
  config.clock = &clock;
  std::string note;
  auto backend = make_backend(BackendKind::kAuto, config, &note);
  ASSERT_TRUE(backend.has_value()) << backend.error().to_string();
  EXPECT_EQ((*backend)->name() == "epoll", !note.empty());
}

/// Answers io_uring_setup with EPERM from now on, as container runtimes do.
bool forbid_io_uring() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the number of the system call
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{4, program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

[[noreturn]] void choose_without_io_uring() {
  if (!forbid_io_uring()) {
    std::fputs("no filter here", stderr);
    std::exit(7);
  }
  SystemClock clock;
  BackendConfig config;
  config.clock = &clock;
  std::string note;
  const auto asked = make_backend(BackendKind::kUring, config);
  const auto chosen = make_backend(BackendKind::kAuto, config, &note);
  const bool right = !asked.has_value() && asked.error().code() == ErrorCode::kUnavailable &&
                     asked.error().hint().find("--backend epoll") != std::string_view::npos && chosen.has_value() &&
                     (*chosen)->name() == "epoll" && !note.empty();
  std::fprintf(stderr, "%s", right ? "right" : "wrong");
  std::exit(right ? 0 : 1);
}

TEST(BackendKindDeathTest, WhereIoUringIsForbiddenAutoTakesEpollAndUringSaysWhatToDo) {
  EXPECT_EXIT(choose_without_io_uring(), testing::ExitedWithCode(0), "right");
}

TEST(BackendKindTest, RefusesLimitsThatCannotBe) {
  SystemClock clock;
  BackendConfig config;
  EXPECT_EQ(make_backend(BackendKind::kEpoll, config).error().code(), ErrorCode::kInvalidArgument);
  config.clock = &clock;
  config.receive_buffers_max = 3;
  EXPECT_EQ(make_backend(BackendKind::kEpoll, config).error().code(), ErrorCode::kInvalidArgument);
  config.receive_buffers_max = 4;
  config.ops_max = 0;
  EXPECT_EQ(make_backend(BackendKind::kEpoll, config).error().code(), ErrorCode::kInvalidArgument);
}

TEST(SocketAddressTest, ReadsHostsAndPorts) {
  EXPECT_EQ(SocketAddress::parse("localhost:80")->to_string(), "localhost:80");
  EXPECT_EQ(SocketAddress::parse("[::1]:9")->host, "::1");
  EXPECT_EQ(SocketAddress::parse("[::1]:9")->to_string(), "[::1]:9");
  EXPECT_EQ(SocketAddress::parse(":65535")->port, 65535);
  EXPECT_EQ(SocketAddress::parse("unix:/run/a:b")->path, "/run/a:b");
  EXPECT_EQ(SocketAddress::parse("unix:/run/a:b")->to_string(), "unix:/run/a:b");
  EXPECT_FALSE(SocketAddress::parse("unix:").has_value());
  EXPECT_TRUE(SocketAddress::parse("unix:/" + std::string(106, 'x')).has_value());
  EXPECT_FALSE(SocketAddress::parse("unix:/" + std::string(107, 'x')).has_value());
  for (const char* wrong : {"", "host", "host:", "host:x", "host:65536", "::1:9", "[::1]", "[::1", "h:-1", "h:1 "})
    EXPECT_FALSE(SocketAddress::parse(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace weir
