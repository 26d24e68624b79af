// The ring against a deque, then every interleaving of small rings, then two real threads.
#include "weir/core/ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "support/interleave.h"
#include "weir/core/random.h"

namespace weir {
namespace {

using interleave::explore;
using interleave::ModelAtomics;
using interleave::Outcome;
using interleave::World;

#if defined(__SANITIZE_THREAD__)
#define SKIP_FIBERS() GTEST_SKIP() << "ThreadSanitizer does not follow the explorer's own stacks"
#else
#define SKIP_FIBERS() (void)0
#endif

TEST(Ring, RefusesCapacitiesThatAreNoPowerOfTwo) {
  for (const std::uint64_t capacity : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{1000}, kRingCapacityMax * 2}) {
    auto ring = Ring<int>::create(capacity);
    ASSERT_FALSE(ring.has_value()) << capacity;
    EXPECT_EQ(ring.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(ring_capacity(0), 1u);
  EXPECT_EQ(ring_capacity(1), 1u);
  EXPECT_EQ(ring_capacity(17), 32u);
}

TEST(Ring, HoldsExactlyItsCapacity) {
  for (std::uint64_t capacity = 1; capacity <= 8; capacity *= 2) {
    auto ring = Ring<std::uint64_t>::create(capacity).value();
    EXPECT_EQ(ring->capacity(), capacity);
    for (std::uint64_t i = 0; i < capacity; ++i) EXPECT_TRUE(ring->try_push(i));
    EXPECT_FALSE(ring->try_push(99));
    EXPECT_EQ(ring->free_slots(), 0u);
    EXPECT_EQ(ring->readable(), capacity);
    std::uint64_t item = 0;
    for (std::uint64_t i = 0; i < capacity; ++i) {
      ASSERT_TRUE(ring->try_pop(item));
      EXPECT_EQ(item, i);
    }
    EXPECT_FALSE(ring->try_pop(item));
    EXPECT_EQ(ring->free_slots(), capacity);
  }
}

TEST(Ring, TakesItsSlotsFromAnArena) {
  Arena arena = Arena::create({.bytes = 4096}).value();
  auto ring = Ring<std::uint64_t>::create(arena, 64).value();
  EXPECT_GE(arena.used(), 64 * sizeof(std::uint64_t));
  EXPECT_TRUE(ring->try_push(7));
  auto too_large = Ring<std::uint64_t>::create(arena, 4096);
  ASSERT_FALSE(too_large.has_value());
  EXPECT_EQ(too_large.error().code(), ErrorCode::kOutOfMemory);
}

// Every function in random order against a deque.
TEST(Ring, BehavesAsABoundedQueue) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    const std::uint64_t capacity = std::uint64_t{1} << random.below(5);
    auto ring = Ring<std::uint64_t>::create(capacity).value();
    std::deque<std::uint64_t> oracle;
    std::uint64_t next = 0, pushed = 0;
    for (int step = 0; step < 2000; ++step) {
      switch (random.below(4)) {
        case 0: {
          const bool fits = oracle.size() < capacity;
          ASSERT_EQ(ring->try_push(next), fits);
          if (fits) oracle.push_back(next++), ++pushed;
          break;
        }
        case 1: {
          const std::uint64_t want = random.below(capacity + 2);
          auto run = ring->claim(want);
          ASSERT_LE(run.size(), want);
          ASSERT_LE(run.size(), capacity - oracle.size());
          ASSERT_EQ(run.empty(), want == 0 || oracle.size() == capacity);
          const std::uint64_t commit = random.below(run.size() + 1);
          for (std::uint64_t i = 0; i < commit; ++i) oracle.push_back(run[i] = next++);
          ring->commit(commit);
          pushed += commit;
          break;
        }
        case 2: {
          std::uint64_t item = 0;
          ASSERT_EQ(ring->try_pop(item), !oracle.empty());
          if (!oracle.empty()) {
            ASSERT_EQ(item, oracle.front());
            oracle.pop_front();
          }
          break;
        }
        default: {
          const std::uint64_t want = random.below(capacity + 2);
          auto run = ring->peek(want);
          ASSERT_LE(run.size(), std::min<std::uint64_t>(want, oracle.size()));
          ASSERT_EQ(run.empty(), want == 0 || oracle.empty());
          const std::uint64_t release = random.below(run.size() + 1);
          for (std::uint64_t i = 0; i < release; ++i) {
            ASSERT_EQ(run[i], oracle.front());
            oracle.pop_front();
          }
          ring->release(release);
        }
      }
      ASSERT_EQ(ring->pushed(), pushed);
      ASSERT_EQ(ring->released(), pushed - oracle.size());
    }
  }
}

TEST(RingDeathTest, ChecksTheSlotsOfTheCaller) {
  std::vector<int> slots(3);
  EXPECT_DEATH(Ring<int>{std::span<int>(slots)}, "has_single_bit");
}

// ---- every interleaving ----

template <typename Atomics>
struct ModelRing {
  explicit ModelRing(std::size_t capacity)
      : slots(std::make_unique<interleave::Cell<int>[]>(capacity)), ring(std::span(slots.get(), capacity)) {}
  std::unique_ptr<interleave::Cell<int>[]> slots;
  Ring<int, Atomics> ring;
};

template <typename Atomics>
Outcome explore_one_by_one(std::size_t capacity, int items, const interleave::Options& options = {}) {
  return explore(
      [&](World& world) {
        auto shared = std::make_shared<ModelRing<Atomics>>(capacity);
        auto received = std::make_shared<std::vector<int>>();
        world.thread([shared, items, &world] {
          for (int i = 1; i <= items; ++i)
            while (!shared->ring.try_push(i)) world.stall();
        });
        world.thread([shared, received, items, &world] {
          for (int i = 1; i <= items; ++i) {
            int item = 0;
            while (!shared->ring.try_pop(item)) world.stall();
            received->push_back(item);
          }
        });
        world.finally([received, items, &world] {
          world.expect(received->size() == static_cast<std::size_t>(items), "an item is missing");
          for (int i = 0; i < items; ++i)
            world.expect((*received)[static_cast<std::size_t>(i)] == i + 1, "an item is out of place");
        });
      },
      options);
}

TEST(RingModel, EveryOrderOfPushesAndPopsIsRightAtCapacities1To4) {
  SKIP_FIBERS();
  for (const std::size_t capacity : {1u, 2u, 4u}) {
    for (int items = 1; items <= 5; ++items) {
      // Longer runs with at most three switches at other places than where a thread has to wait.
      const std::size_t preemptions_max = items <= 2 ? SIZE_MAX : 3;
      const Outcome outcome = explore_one_by_one<ModelAtomics>(capacity, items, {.preemptions_max = preemptions_max});
      EXPECT_EQ(outcome.failure, "") << capacity << " slots, " << items << " items";
      EXPECT_TRUE(outcome.complete) << outcome.executions << " for " << capacity << " slots, " << items << " items";
      EXPECT_GT(outcome.executions, 1u);
    }
  }
}

TEST(RingModel, EveryOrderOfRunsIsRight) {
  SKIP_FIBERS();
  for (const std::size_t capacity : {1u, 2u, 4u}) {
    const auto scenario = [&](World& world) {
      constexpr int kItems = 5;
      auto shared = std::make_shared<ModelRing<ModelAtomics>>(capacity);
      world.thread([shared, &world] {
        for (int next = 1; next <= kItems;) {
          auto run = shared->ring.claim(static_cast<std::uint64_t>(std::min(3, kItems - next + 1)));
          if (run.empty()) {
            world.stall();
            continue;
          }
          for (auto& cell : run) cell = next++;
          shared->ring.commit(run.size());
        }
      });
      world.thread([shared, &world] {
        for (int next = 1; next <= kItems;) {
          auto run = shared->ring.peek(2);
          if (run.empty()) {
            world.stall();
            continue;
          }
          for (auto& cell : run) world.expect(cell == next++, "an item is out of place");
          shared->ring.release(run.size());
        }
      });
    };
    const Outcome outcome = explore(scenario, {.preemptions_max = 3});
    EXPECT_EQ(outcome.failure, "") << capacity;
    EXPECT_TRUE(outcome.complete) << outcome.executions;
  }
}

struct PacedModel : ModelAtomics {
  static constexpr bool kPaced = true;
};

TEST(RingModel, PacingChangesNoOutcome) {
  SKIP_FIBERS();
  const Outcome outcome = explore_one_by_one<PacedModel>(8, 4, {.preemptions_max = 3});
  EXPECT_EQ(outcome.failure, "");
  EXPECT_TRUE(outcome.complete) << outcome.executions;
}

struct RelaxedPublish : ModelAtomics {
  static constexpr std::memory_order kPublish = std::memory_order_relaxed;
};
struct RelaxedObserve : ModelAtomics {
  static constexpr std::memory_order kObserve = std::memory_order_relaxed;
};

TEST(RingModel, AnOrderThatIsTooWeakIsCaught) {
  SKIP_FIBERS();
  EXPECT_THAT(explore_one_by_one<RelaxedPublish>(2, 2).failure, testing::HasSubstr("data race"));
  EXPECT_THAT(explore_one_by_one<RelaxedObserve>(2, 2).failure, testing::HasSubstr("data race"));
}

TEST(RingModel, PublishingBeforeWritingIsCaught) {
  SKIP_FIBERS();
  const Outcome outcome = explore([](World& world) {
    auto shared = std::make_shared<ModelRing<ModelAtomics>>(2);
    world.thread([shared] {
      auto run = shared->ring.claim(1);
      shared->ring.commit(1);
      run[0] = 1;
    });
    world.thread([shared] {
      int item = 0;
      shared->ring.try_pop(item);
    });
  });
  EXPECT_THAT(outcome.failure, testing::HasSubstr("data race"));
}

TEST(RingModel, ReleasingBeforeReadingIsCaught) {
  SKIP_FIBERS();
  const Outcome outcome = explore([](World& world) {
    auto shared = std::make_shared<ModelRing<ModelAtomics>>(1);
    world.thread([shared, &world] {
      for (int i = 1; i <= 2; ++i)
        while (!shared->ring.try_push(i)) world.stall();
    });
    world.thread([shared, &world] {
      auto run = shared->ring.peek(1);
      while (run.empty()) {
        world.stall();
        run = shared->ring.peek(1);
      }
      shared->ring.release(1);
      world.expect(run[0] == 1, "overwritten");
    });
  });
  EXPECT_NE(outcome.failure, "");
}

// ---- two threads ----

TEST(RingThreads, ItemsArriveOnceAndInOrder) {
  for (const std::uint64_t capacity : {1u, 4u, 1024u}) {
    const std::uint64_t items = capacity == 1 ? 2'000 : 200'000;
    auto ring = Ring<std::uint64_t>::create(capacity).value();
    std::thread producer([&] {
      Random random(1);
      for (std::uint64_t next = 0; next < items;) {
        if (random.chance(1, 2)) {
          if (ring->try_push(next))
            ++next;
          else
            std::this_thread::yield();
          continue;
        }
        auto run = ring->claim(std::min<std::uint64_t>(random.below(8) + 1, items - next));
        for (auto& slot : run) slot = next++;
        ring->commit(run.size());
      }
    });
    Random random(2);
    std::uint64_t expected = 0, wrong = 0, item = 0;
    while (expected < items) {
      if (random.chance(1, 2)) {
        if (ring->try_pop(item))
          wrong += item != expected++;
        else
          std::this_thread::yield();
        continue;
      }
      auto run = ring->peek(random.below(8) + 1);
      for (const std::uint64_t value : run) wrong += value != expected++;
      ring->release(run.size());
    }
    producer.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_FALSE(ring->try_pop(item));
  }
}

}  // namespace
}  // namespace weir
