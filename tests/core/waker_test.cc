// Parking: no order of steps loses a wake-up, and the orders that would are caught.
#include "weir/core/waker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "support/interleave.h"
#include "weir/core/ring.h"

namespace weir {
namespace {

using interleave::explore;
using interleave::ModelAtomics;
using interleave::ModelParkingAtomics;
using interleave::Outcome;
using interleave::World;

#if defined(__SANITIZE_THREAD__)
#define SKIP_FIBERS() GTEST_SKIP() << "ThreadSanitizer does not follow the explorer's own stacks"
#else
#define SKIP_FIBERS() (void)0
#endif

/// FutexPoller's contract on the explorer: a park without a timeout, so that a lost wake-up never ends.
class ModelPoller final : public Poller {
 public:
  std::size_t poll() noexcept override { return 0; }
  void park(std::int64_t) noexcept override {
    while (token_.load(std::memory_order_seq_cst) == 0) World::current()->stall();
    token_.exchange(0, std::memory_order_seq_cst);
  }
  void wake() noexcept override { token_.exchange(1, std::memory_order_seq_cst); }

 private:
  interleave::Atomic<std::uint32_t> token_{0};
};

using ModelWaker = BasicWaker<ModelParkingAtomics>;

/// A waker that takes its announcement back with a plain store.
struct RetractsByStore {
  explicit RetractsByStore(Poller& p) : poller(p) {}
  void announce() { parked.exchange(1, std::memory_order_seq_cst); }
  void retract() { parked.store(0, std::memory_order_relaxed); }
  void notify() { notify_strong(); }
  void notify_strong() {
    if (parked.fetch_add(0, std::memory_order_seq_cst) == 0) return;
    if (parked.exchange(0, std::memory_order_seq_cst) != 0) poller.wake();
  }
  interleave::Atomic<std::uint32_t> parked{0};
  Poller& poller;
};

template <typename Atomics, typename W>
struct Shared {
  std::unique_ptr<interleave::Cell<int>[]> slots = std::make_unique<interleave::Cell<int>[]>(2);
  Ring<int, Atomics> ring{std::span(slots.get(), 2)};
  ModelPoller poller;
  W waker{poller};
};

enum class Protocol { kRight, kLookBeforeAnnounce, kNotifyBeforePublish, kStrong };

// One item in every order; two with at most four switches at other places than where a thread has to wait.
template <typename Atomics, typename W = ModelWaker>
Outcome explore_parking(Protocol protocol, int items) {
  const auto scenario = [=](World& world) {
    auto shared = std::make_shared<Shared<Atomics, W>>();
    world.thread([=] {
      for (int i = 1; i <= items; ++i) {
        if (protocol == Protocol::kNotifyBeforePublish) shared->waker.notify();
        shared->ring.try_push(i);
        if (protocol == Protocol::kRight || protocol == Protocol::kLookBeforeAnnounce) shared->waker.notify();
        if (protocol == Protocol::kStrong) shared->waker.notify_strong();
      }
    });
    world.thread([=, &world] {
      for (int expected = 1; expected <= items;) {
        int item = 0;
        bool found = shared->ring.try_pop(item);
        if (!found && protocol == Protocol::kLookBeforeAnnounce) {
          shared->waker.announce();
          shared->poller.park(0);
          shared->waker.retract();
        } else if (!found) {
          shared->waker.announce();
          found = shared->ring.try_pop(item);
          if (!found) shared->poller.park(0);
          shared->waker.retract();
        }
        if (found) world.expect(item == expected++, "an item is out of place");
      }
    });
  };
  return explore(scenario, {.preemptions_max = items == 1 ? SIZE_MAX : 4});
}

TEST(WakerModel, NoOrderOfStepsLosesAWakeUp) {
  SKIP_FIBERS();
  for (int items = 1; items <= 2; ++items) {
    const Outcome outcome = explore_parking<ModelParkingAtomics>(Protocol::kRight, items);
    EXPECT_EQ(outcome.failure, "");
    EXPECT_TRUE(outcome.complete) << outcome.executions;
  }
}

TEST(WakerModel, AStrongNotifyNeedsNoMoreThanReleaseAndAcquire) {
  SKIP_FIBERS();
  for (int items = 1; items <= 2; ++items) {
    const Outcome outcome = explore_parking<ModelAtomics>(Protocol::kStrong, items);
    EXPECT_EQ(outcome.failure, "");
    EXPECT_TRUE(outcome.complete) << outcome.executions;
  }
}

TEST(WakerModel, ReleaseAndAcquireAloneLoseAWakeUpAndItIsCaught) {
  SKIP_FIBERS();
  EXPECT_EQ(explore_parking<ModelAtomics>(Protocol::kRight, 1).failure, "every thread waits for another");
}

TEST(WakerModel, RetractingByAPlainStoreIsCaught) {
  SKIP_FIBERS();
  EXPECT_EQ((explore_parking<ModelAtomics, RetractsByStore>(Protocol::kStrong, 2).failure),
            "every thread waits for another");
}

TEST(WakerModel, LookingBeforeAnnouncingIsCaught) {
  SKIP_FIBERS();
  EXPECT_EQ(explore_parking<ModelParkingAtomics>(Protocol::kLookBeforeAnnounce, 1).failure,
            "every thread waits for another");
}

TEST(WakerModel, NotifyingBeforePublishingIsCaught) {
  SKIP_FIBERS();
  EXPECT_EQ(explore_parking<ModelParkingAtomics>(Protocol::kNotifyBeforePublish, 1).failure,
            "every thread waits for another");
}

TEST(FutexPoller, AWakeBeforeTheParkIsKept) {
  FutexPoller poller;
  poller.wake();
  poller.wake();
  poller.park(std::int64_t{3600} * 1'000'000'000);  // would take an hour
  EXPECT_EQ(poller.poll(), 0u);
}

TEST(FutexPoller, AParkEndsWhenItsTimeIsOver) {
  FutexPoller poller;
  poller.park(0);
  poller.park(1);
  poller.park(1'000);
}

// Two threads hand a number to and fro, parking for an hour whenever there is nothing: one lost wake-up and it hangs.
TEST(WakerThreads, NoWakeUpIsLost) {
  struct Side {
    FutexPoller poller;
    Waker waker{poller};
    std::unique_ptr<Ring<int, ParkingAtomics>> inbound = Ring<int, ParkingAtomics>::create(1).value();
    int take() {
      int item = 0;
      while (!inbound->try_pop(item)) {
        waker.announce();
        const bool found = inbound->try_pop(item);
        if (!found) poller.park(std::int64_t{3600} * 1'000'000'000);
        waker.retract();
        if (found) break;
      }
      return item;
    }
    void give(int item) {
      EXPECT_TRUE(inbound->try_push(item));
      waker.notify();
    }
  };
  constexpr int kRounds = 3000;
  Side left, right;
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) left.give(right.take() + 1);
  });
  int number = 0;
  for (int i = 0; i < kRounds; ++i) {
    right.give(number);
    number = left.take();
  }
  other.join();
  EXPECT_EQ(number, kRounds);
}

}  // namespace
}  // namespace weir
