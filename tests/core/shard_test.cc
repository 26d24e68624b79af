// Idle strategies and the shard loop: under a manual clock, then as threads.
#include "weir/core/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <memory>
#include <thread>

#include "weir/core/exchange.h"

namespace weir {
namespace {

TEST(IdleStrategy, BusySpinNeverStops) {
  IdleStrategy idle({.mode = IdleMode::kBusySpin});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(idle.next(0), IdleAction::kSpin);
  EXPECT_EQ(idle.next(1), IdleAction::kContinue);
}

TEST(IdleStrategy, YieldSpinsFirst) {
  IdleStrategy idle({.mode = IdleMode::kYield, .spins = 2});
  EXPECT_EQ(idle.next(0), IdleAction::kSpin);
  EXPECT_EQ(idle.next(0), IdleAction::kSpin);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(idle.next(0), IdleAction::kYield);
  EXPECT_EQ(idle.next(5), IdleAction::kContinue);
  EXPECT_EQ(idle.next(0), IdleAction::kSpin);
}

TEST(IdleStrategy, BackOffParksLongerAndLongerUpToItsMaximum) {
  IdleStrategy idle({.mode = IdleMode::kBackOff, .spins = 1, .yields = 1, .park_ns_min = 10, .park_ns_max = 35});
  EXPECT_EQ(idle.next(0), IdleAction::kSpin);
  EXPECT_EQ(idle.next(0), IdleAction::kYield);
  for (const std::int64_t expected : {10, 20, 35, 35}) {
    EXPECT_EQ(idle.next(0), IdleAction::kPark);
    EXPECT_EQ(idle.park_ns(), expected);
  }
  EXPECT_EQ(idle.next(1), IdleAction::kContinue);
  EXPECT_EQ(idle.next(0), IdleAction::kSpin);
}

TEST(IdleStrategy, ParkParksAtOnce) {
  IdleStrategy idle({.mode = IdleMode::kPark, .park_ns_min = 1, .park_ns_max = 77});
  EXPECT_EQ(idle.next(0), IdleAction::kPark);
  EXPECT_EQ(idle.park_ns(), 77);
}

TEST(IdleStrategyDeathTest, ChecksItsOptions) {
  EXPECT_DEATH(IdleStrategy({.park_ns_min = 0}), "park_ns_min");
  EXPECT_DEATH(IdleStrategy({.park_ns_min = 2, .park_ns_max = 1}), "park_ns_min");
}

/// Works `turns` times, then is done; each piece takes `cost_ns` by the clock.
class Countdown final : public Task {
 public:
  Countdown(int turns, ManualClock& clock, std::int64_t cost_ns) : turns_(turns), clock_(clock), cost_ns_(cost_ns) {}
  std::size_t run() override {
    ++runs;
    if (turns_ == 0) return 0;
    clock_.advance(cost_ns_);
    --turns_;
    return 1;
  }
  bool done() const noexcept override { return turns_ == 0; }
  int runs = 0;

 private:
  int turns_;
  ManualClock& clock_;
  std::int64_t cost_ns_;
};

/// Never has work; parks are counted, and the third ends the loop.
class QuietPoller final : public Poller {
 public:
  std::size_t poll() noexcept override { return 0; }
  void park(std::int64_t timeout_ns) noexcept override {
    parked.push_back(timeout_ns);
    if (parked.size() == 3 && loop != nullptr) loop->stop();
  }
  void wake() noexcept override { ++wakes; }
  std::vector<std::int64_t> parked;
  int wakes = 0;
  ShardLoop* loop = nullptr;
};

TEST(ShardLoop, RunsEveryTaskUntilItIsDoneAndNoLonger) {
  ManualClock clock;
  QuietPoller poller;
  ShardLoop loop({.shard = 2}, clock, poller);
  Countdown three(3, clock, 0), five(5, clock, 0);
  ASSERT_TRUE(loop.add(three).has_value());
  ASSERT_TRUE(loop.add(five).has_value());
  loop.run();
  EXPECT_TRUE(loop.done());
  EXPECT_EQ(three.runs, 3);
  EXPECT_EQ(five.runs, 5);
  EXPECT_EQ(loop.turns(), 5u);
  EXPECT_EQ(loop.idle_turns(), 0u);
  std::vector<CounterValue> values;
  loop.counters().snapshot(values);
  EXPECT_EQ(values[0].name, "shard.2.turns");
  EXPECT_EQ(values[0].value, 5u);
}

TEST(ShardLoop, CountsTurnsThatAreLongerThanAStall) {
  ManualClock clock;
  QuietPoller poller;
  ShardLoop loop({.stall_ns = 100}, clock, poller);
  Countdown at_the_limit(3, clock, 100);
  ASSERT_TRUE(loop.add(at_the_limit).has_value());
  loop.run();
  EXPECT_EQ(loop.stalls(), 0u);
  Countdown beyond(2, clock, 101);
  ASSERT_TRUE(loop.add(beyond).has_value());
  loop.run();
  EXPECT_EQ(loop.stalls(), 2u);
}

class Waiting final : public Task {
 public:
  std::size_t run() override {
    ++runs;
    return 0;
  }
  bool done() const noexcept override { return false; }
  int runs = 0;
};

TEST(ShardLoop, LooksOnceMoreBetweenAnnouncingAndParking) {
  ManualClock clock;
  QuietPoller poller;
  ShardLoop loop({.idle = {.mode = IdleMode::kPark, .park_ns_min = 1, .park_ns_max = 50}}, clock, poller);
  poller.loop = &loop;
  Waiting task;
  ASSERT_TRUE(loop.add(task).has_value());
  loop.run();
  EXPECT_THAT(poller.parked, testing::ElementsAre(50, 50, 50));
  EXPECT_EQ(task.runs, 6);
  EXPECT_EQ(loop.parks(), 3u);
  EXPECT_EQ(poller.wakes, 1);  // by stop(), which came while it was parked
}

TEST(ShardLoop, HasALimitOfTasks) {
  ManualClock clock;
  QuietPoller poller;
  ShardLoop loop({.tasks_max = 1}, clock, poller);
  Waiting task;
  EXPECT_TRUE(loop.add(task).has_value());
  auto added = loop.add(task);
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code(), ErrorCode::kLimitExceeded);
}

TEST(PinToCpu, RefusesCpusThatAreNotThere) {
  for (const int cpu : {-1, CPU_SETSIZE, CPU_SETSIZE - 1}) {
    auto pinned = pin_to_cpu(cpu);
    ASSERT_FALSE(pinned.has_value()) << cpu;
    EXPECT_EQ(pinned.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(ShardThread, StopsALoopThatIsParkedForAnHour) {
  SystemClock clock;
  FutexPoller poller;
  constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000;
  ShardLoop loop({.idle = {.mode = IdleMode::kPark, .park_ns_min = 1, .park_ns_max = kHour}}, clock, poller);
  Waiting task;
  ASSERT_TRUE(loop.add(task).has_value());
  ShardThread thread;
  ASSERT_TRUE(thread.start(loop, {.name = "a name of more than 15 bytes"}).has_value());
  while (loop.turns() < 2) std::this_thread::yield();
  loop.stop();
  thread.join();
  EXPECT_TRUE(loop.stopped());
}

TEST(ShardThread, SaysWhenItCannotBePinned) {
  SystemClock clock;
  FutexPoller poller;
  ShardLoop loop({}, clock, poller);
  ShardThread thread;
  EXPECT_FALSE(thread.start(loop, {.cpu = CPU_SETSIZE}).has_value());
}

/// Remembers the scheduling policy of the thread that runs it.
class Noting final : public Task {
 public:
  std::size_t run() override {
    policy_.store(sched_getscheduler(0));
    return 1;
  }
  bool done() const noexcept override { return policy_.load() >= 0; }
  int policy() const noexcept { return policy_.load(); }

 private:
  std::atomic<int> policy_{-1};
};

// So a host that runs in front of others (SCHED_FIFO) has its shards there too, without an option.
TEST(ShardThread, HasTheSchedulingPolicyOfTheThreadThatStartsIt) {
  Noting task;
  std::thread host([&] {
    sched_param none{};
    ASSERT_EQ(sched_setscheduler(0, SCHED_BATCH, &none), 0);  // any process may have this one
    SystemClock clock;
    FutexPoller poller;
    ShardLoop loop({}, clock, poller);
    ASSERT_TRUE(loop.add(task).has_value());
    ShardThread thread;
    ASSERT_TRUE(thread.start(loop).has_value());
    thread.join();
  });
  host.join();
  EXPECT_EQ(task.policy(), SCHED_BATCH);
  EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
}

// A pipeline of two shards: numbers through an exchange with one credit, each side parking for an hour when idle.
constexpr std::array<Physical, 1> kColumns = {Physical::kInt64};

class Sending final : public Task {
 public:
  Sending(Exchange& exchange, std::int64_t count) : exchange_(exchange), count_(count) {}
  std::size_t run() override {
    if (next_ == count_) return exchange_.flush_pending();
    Batch* batch = exchange_.try_acquire();
    if (batch == nullptr) return 0;
    batch->column(0).values<std::int64_t>()[0] = next_;
    batch->set_row_count(1);
    exchange_.send(batch);
    if (++next_ == count_) exchange_.send_control({Control::Kind::kEndOfInput, kWatermarkEnd});
    return 1;
  }
  bool done() const noexcept override { return next_ == count_ && !exchange_.has_pending(); }

 private:
  Exchange& exchange_;
  std::int64_t count_;
  std::int64_t next_ = 0;
};

class Receiving final : public Task {
 public:
  explicit Receiving(Exchange& exchange) : exchange_(exchange) {}
  std::size_t run() override {
    ExchangeItem item;
    if (!exchange_.receive(item)) return 0;
    if (item.batch == nullptr) {
      ended_ = item.control.kind == Control::Kind::kEndOfInput;
      return 1;
    }
    sum += item.batch->column(0).values<std::int64_t>()[0];
    exchange_.give_back(item.batch);
    return 1;
  }
  bool done() const noexcept override { return ended_; }
  std::int64_t sum = 0;

 private:
  Exchange& exchange_;
  bool ended_ = false;
};

TEST(ShardThread, TwoShardsWakeEachOtherThroughAnExchange) {
  SystemClock clock;
  FutexPoller left_poller, right_poller;
  constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000;
  const IdleOptions idle{.mode = IdleMode::kPark, .park_ns_min = 1, .park_ns_max = kHour};
  ShardLoop left({.shard = 0, .idle = idle}, clock, left_poller),
      right({.shard = 1, .idle = idle}, clock, right_poller);
  Arena arena = Arena::create({.bytes = 1 << 20}).value();
  const BatchLayout layout{kColumns, 1, 0, false, false};
  auto exchange = Exchange::create(arena, layout, {.credits = 1}).value();
  exchange->set_wakers(&right.waker(), &left.waker());
  constexpr std::int64_t kCount = 3000;
  Sending sending(*exchange, kCount);
  Receiving receiving(*exchange);
  ASSERT_TRUE(left.add(sending).has_value());
  ASSERT_TRUE(right.add(receiving).has_value());
  ShardThread left_thread, right_thread;
  ASSERT_TRUE(left_thread.start(left).has_value());
  ASSERT_TRUE(right_thread.start(right).has_value());
  left_thread.join();
  right_thread.join();
  EXPECT_EQ(receiving.sum, kCount * (kCount - 1) / 2);
}

}  // namespace
}  // namespace weir
