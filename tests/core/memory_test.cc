// Arena and inbox.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "weir/core/arena.h"
#include "weir/core/inbox.h"

namespace weir {
namespace {

TEST(Arena, GivesOutZeroedAlignedMemoryAndCountsIt) {
  for (const bool huge : {false, true}) {
    for (const bool prefault : {false, true}) {
      Arena arena = Arena::create({.bytes = 100'000, .huge_pages = huge, .prefault = prefault}).value();
      EXPECT_GE(arena.capacity(), 100'000u);
      EXPECT_EQ(arena.used(), 0u);
      char* previous_end = nullptr;
      for (const std::size_t alignment : {1u, 64u, 128u, 4096u, 1u}) {
        auto* memory = static_cast<char*>(arena.allocate(100, alignment).value());
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % std::max<std::size_t>(alignment, 64), 0u);
        EXPECT_GE(memory, previous_end);
        for (int i = 0; i < 100; ++i) EXPECT_EQ(memory[i], 0);
        memory[99] = 1;
        previous_end = memory + 100;
      }
      EXPECT_EQ(arena.used() + arena.available(), arena.capacity());
    }
  }
}

TEST(Arena, NeverGrows) {
  Arena arena = Arena::create({.bytes = 4096}).value();
  ASSERT_EQ(arena.capacity(), 4096u);
  EXPECT_TRUE(arena.allocate(4000).has_value());
  auto more = arena.allocate(97);
  ASSERT_FALSE(more.has_value());
  EXPECT_EQ(more.error().code(), ErrorCode::kOutOfMemory);
  EXPECT_EQ(arena.used(), 4000u);
  EXPECT_TRUE(arena.allocate(64).has_value());
  EXPECT_FALSE(arena.allocate(1).has_value());
  EXPECT_FALSE(arena.allocate(SIZE_MAX).has_value());
  EXPECT_FALSE(arena.allocate_array<std::uint64_t>(SIZE_MAX / 8).has_value());
}

TEST(Arena, RefusesSizesThatCannotBe) {
  for (const std::size_t bytes : {std::size_t{0}, kArenaBytesMax + 1}) {
    auto arena = Arena::create({.bytes = bytes});
    ASSERT_FALSE(arena.has_value());
    EXPECT_EQ(arena.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(Arena().allocate(1).has_value());
}

TEST(Arena, MovesItsMemoryAlong) {
  Arena first = Arena::create({.bytes = 4096}).value();
  auto* memory = static_cast<int*>(first.allocate(4).value());
  *memory = 42;
  Arena second = std::move(first);
  EXPECT_EQ(second.used(), 4u);
  EXPECT_EQ(*memory, 42);
  Arena third;
  third = std::move(second);
  EXPECT_EQ(*memory, 42);
  EXPECT_EQ(third.allocate_array<int>(3).value().size(), 3u);
}

TEST(ArenaDeathTest, ChecksTheAlignment) {
  Arena arena = Arena::create({.bytes = 4096}).value();
  EXPECT_DEATH((void)arena.allocate(1, 3), "has_single_bit");
}

TEST(Inbox, RefusesOptionsOutOfTheirRange) {
  EXPECT_EQ(Inbox::create({.items_max = 0}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Inbox::create({.producers_max = 0}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Inbox::create({.items_max = kInboxItemsMax + 1}).error().code(), ErrorCode::kLimitExceeded);
  EXPECT_EQ(Inbox::create({.producers_max = kInboxProducersMax + 1}).error().code(), ErrorCode::kLimitExceeded);
}

TEST(Inbox, SaysFullAtItsLimitAndHasRoomAgainAfterAPop) {
  for (const std::uint32_t items_max : {1u, 3u, 100u, 1024u}) {
    auto inbox = Inbox::create({.items_max = items_max, .producers_max = 1}).value();
    auto producer = inbox->make_producer().value();
    EXPECT_FALSE(inbox->make_producer().has_value());
    InboxItem item;
    for (int round = 0; round < 5; ++round) {
      for (std::uint64_t i = 0; i < items_max; ++i)
        ASSERT_EQ(producer.push({nullptr, {}, i}), PushResult::kPushed) << items_max << " " << i;
      EXPECT_EQ(producer.push({nullptr, {}, 0}), PushResult::kFull);
      EXPECT_EQ(inbox->size(), items_max);
      ASSERT_TRUE(inbox->pop(item));
      EXPECT_EQ(item.source, 0u);
      ASSERT_EQ(producer.push({nullptr, {}, items_max}), PushResult::kPushed);
      for (std::uint64_t i = 1; i <= items_max; ++i) {
        ASSERT_TRUE(inbox->pop(item));
        EXPECT_EQ(item.source, i);
      }
      EXPECT_FALSE(inbox->pop(item));
    }
    EXPECT_EQ(inbox->full_count(), 5u);
  }
}

TEST(Inbox, EveryItemOfEveryProducerArrivesOnceAndInItsOrder) {
  constexpr std::uint64_t kProducers = 3, kItems = 5000;
  auto inbox = Inbox::create({.items_max = 16, .producers_max = kProducers}).value();
  FutexPoller poller;
  Waker waker(poller);
  inbox->set_waker(&waker);
  std::vector<std::thread> threads;
  for (std::uint64_t p = 0; p < kProducers; ++p) {
    threads.emplace_back([p, producer = inbox->make_producer().value()]() mutable {
      for (std::uint64_t i = 0; i < kItems; ++i)
        while (producer.push({nullptr, {}, p * kItems + i}) == PushResult::kFull) std::this_thread::yield();
    });
  }
  std::uint64_t next[kProducers] = {}, wrong = 0;
  for (std::uint64_t received = 0; received < kProducers * kItems; ++received) {
    InboxItem item;
    while (!inbox->pop(item)) {
      waker.announce();
      const bool found = inbox->pop(item);
      if (!found) poller.park(std::int64_t{3600} * 1'000'000'000);
      waker.retract();
      if (found) break;
    }
    wrong += item.source % kItems != next[item.source / kItems]++;
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(inbox->size(), 0u);
}

}  // namespace
}  // namespace weir
