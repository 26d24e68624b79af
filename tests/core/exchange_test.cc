// The exchange: credits, controls and their order; every interleaving of a small one; two shards' threads.
#include "weir/core/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "support/interleave.h"

namespace weir {
namespace {

using interleave::explore;
using interleave::ModelParkingAtomics;
using interleave::Outcome;
using interleave::World;

#if defined(__SANITIZE_THREAD__)
#define SKIP_FIBERS() GTEST_SKIP() << "ThreadSanitizer does not follow the explorer's own stacks"
#else
#define SKIP_FIBERS() (void)0
#endif

constexpr std::array<Physical, 1> kColumns = {Physical::kInt64};

BatchLayout small_layout() {
  return {.columns = kColumns, .capacity = 4, .heap_bytes = 0, .nullable = false, .kinds = false};
}
Control watermark(std::int64_t value) {
  return {Control::Kind::kWatermark, value};
}
Control barrier(std::int64_t epoch) {
  return {Control::Kind::kBarrier, epoch};
}
Control end_of_input() {
  return {Control::Kind::kEndOfInput, kWatermarkEnd};
}
void fill(Batch& batch, std::int64_t value) {
  batch.column(0).values<std::int64_t>()[0] = value;
  batch.set_row_count(1);
}
std::int64_t value_of(const Batch& batch) {
  return batch.column(0).values<std::int64_t>()[0];
}

struct Fixture {
  explicit Fixture(const ExchangeOptions& options = {}, std::size_t arena_bytes = std::size_t{1} << 20)
      : arena(Arena::create({.bytes = arena_bytes}).value()),
        exchange(Exchange::create(arena, small_layout(), options).value()) {}
  Arena arena;
  std::unique_ptr<Exchange> exchange;
};

TEST(Exchange, RefusesOptionsOutOfTheirRangeAndTooLittleMemory) {
  Arena arena = Arena::create({.bytes = 4096}).value();
  for (const ExchangeOptions& options : {ExchangeOptions{0, 1}, ExchangeOptions{kExchangeCreditsMax + 1, 1},
                                         ExchangeOptions{1, 0}, ExchangeOptions{1, kControlSlotsMax + 1}}) {
    auto exchange = Exchange::create(arena, small_layout(), options);
    ASSERT_FALSE(exchange.has_value());
    EXPECT_EQ(exchange.error().code(), ErrorCode::kInvalidArgument);
  }
  auto exchange = Exchange::create(arena, small_layout(), {.credits = 1000});
  ASSERT_FALSE(exchange.has_value());
  EXPECT_EQ(exchange.error().code(), ErrorCode::kOutOfMemory);
}

TEST(Exchange, CountsItsMemory) {
  Fixture f({.credits = 3});
  EXPECT_EQ(f.exchange->bytes(), f.arena.used());
  EXPECT_GE(f.exchange->bytes(), 3 * small_layout().bytes());
}

TEST(Exchange, ACreditIsAnEmptyBatchAndThereAreNoMore) {
  for (const std::uint32_t credits : {1u, 2u, 3u, 16u}) {
    Fixture f({.credits = credits});
    Exchange& exchange = *f.exchange;
    std::set<Batch*> distinct;
    for (std::uint32_t i = 0; i < credits; ++i) {
      Batch* batch = exchange.try_acquire();
      ASSERT_NE(batch, nullptr);
      EXPECT_EQ(batch->row_count(), 0u);
      distinct.insert(batch);
      fill(*batch, i);
      exchange.send(batch);
    }
    EXPECT_EQ(distinct.size(), credits);
    EXPECT_EQ(exchange.try_acquire(), nullptr);
    EXPECT_EQ(exchange.credit_stalls(), 1u);
    EXPECT_EQ(exchange.high_water(), credits);
    EXPECT_FALSE(exchange.drained());
    ExchangeItem item;
    for (std::uint32_t i = 0; i < credits; ++i) {
      ASSERT_TRUE(exchange.receive(item));
      EXPECT_EQ(value_of(*item.batch), i);
      EXPECT_EQ(exchange.credits_available(), i);
      exchange.give_back(item.batch);
      EXPECT_EQ(exchange.credits_available(), i + 1);
    }
    EXPECT_FALSE(exchange.receive(item));
    EXPECT_TRUE(exchange.empty());
    EXPECT_TRUE(exchange.drained());
    EXPECT_EQ(exchange.rows_sent(), credits);
    EXPECT_EQ(exchange.rows_received(), credits);
    EXPECT_EQ(exchange.batches_received(), exchange.batches_sent());
  }
}

TEST(Exchange, AnUnusedBatchComesHomeEmpty) {
  Fixture f({.credits = 1});
  Batch* batch = f.exchange->try_acquire();
  fill(*batch, 1);
  f.exchange->return_unused(batch);
  EXPECT_TRUE(f.exchange->drained());
  batch = f.exchange->try_acquire();
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(batch->row_count(), 0u);
}

TEST(Exchange, ControlNeedsNoCreditAndKeepsItsPlace) {
  Fixture f({.credits = 1, .control_slots = 2});
  Exchange& exchange = *f.exchange;
  Batch* batch = exchange.try_acquire();
  exchange.send_control(watermark(1));
  exchange.send(batch);
  exchange.send_control(watermark(2));
  ExchangeItem item;
  ASSERT_TRUE(exchange.receive(item));
  EXPECT_EQ(item.batch, nullptr);
  EXPECT_EQ(item.control.value, 1);
  ASSERT_TRUE(exchange.receive(item));
  ASSERT_NE(item.batch, nullptr);
  exchange.give_back(item.batch);
  ASSERT_TRUE(exchange.receive(item));
  EXPECT_EQ(item.control.value, 2);
}

TEST(Exchange, WatermarksBeyondTheSlotsCoalesceIntoTheLatest) {
  Fixture f({.credits = 1, .control_slots = 2});
  Exchange& exchange = *f.exchange;
  for (int value = 1; value <= 9; ++value) exchange.send_control(watermark(value));
  EXPECT_TRUE(exchange.has_pending());
  EXPECT_TRUE(exchange.can_send());
  EXPECT_EQ(exchange.watermarks_coalesced(), 6u);
  Batch* batch = exchange.try_acquire();
  ASSERT_NE(batch, nullptr);
  exchange.send(batch);
  std::vector<std::int64_t> values;
  ExchangeItem item;
  while (exchange.receive(item)) {
    if (item.batch != nullptr)
      exchange.give_back(item.batch);
    else
      values.push_back(item.control.value);
    exchange.flush_pending();
  }
  EXPECT_THAT(values, testing::ElementsAre(1, 2, 9));
  EXPECT_TRUE(exchange.drained());
}

TEST(Exchange, NothingOvertakesABarrierThatWaits) {
  Fixture f({.credits = 2, .control_slots = 1});
  Exchange& exchange = *f.exchange;
  Batch* held = exchange.try_acquire();
  exchange.send_control(watermark(1));
  exchange.send_control(watermark(2));  // waits
  exchange.send_control(barrier(7));    // waits behind it
  EXPECT_FALSE(exchange.can_send());
  EXPECT_EQ(exchange.try_acquire(), nullptr);
  EXPECT_EQ(exchange.credit_stalls(), 0u);
  exchange.send_control(watermark(3));
  exchange.send_control(watermark(4));
  std::vector<std::int64_t> values;
  ExchangeItem item;
  while (exchange.receive(item)) {
    ASSERT_EQ(item.batch, nullptr);
    values.push_back(item.control.value);
    if (exchange.can_send() && held != nullptr) {
      exchange.send(held);
      held = nullptr;
      break;
    }
  }
  EXPECT_THAT(values, testing::ElementsAre(1, 2));  // the barrier has its slot now
  ASSERT_TRUE(exchange.receive(item));
  EXPECT_EQ(item.control.kind, Control::Kind::kBarrier);
  ASSERT_TRUE(exchange.receive(item));
  ASSERT_NE(item.batch, nullptr);
  exchange.give_back(item.batch);
  EXPECT_EQ(exchange.flush_pending(), 1u);
  ASSERT_TRUE(exchange.receive(item));
  EXPECT_EQ(item.control.value, 4);
  EXPECT_TRUE(exchange.drained());
}

TEST(Exchange, TheEndOfTheInputIsTheLast) {
  Fixture f({.credits = 1, .control_slots = 1});
  f.exchange->send_control(watermark(1));
  f.exchange->send_control(end_of_input());
  EXPECT_FALSE(f.exchange->can_send());
  ExchangeItem item;
  ASSERT_TRUE(f.exchange->receive(item));
  EXPECT_EQ(f.exchange->flush_pending(), 1u);
  ASSERT_TRUE(f.exchange->receive(item));
  EXPECT_EQ(item.control.kind, Control::Kind::kEndOfInput);
  EXPECT_TRUE(f.exchange->drained());
}

TEST(ExchangeDeathTest, ChecksWhatWouldLoseOrDoubleACredit) {
  Fixture f({.credits = 1, .control_slots = 1});
  Batch* batch = f.exchange->try_acquire();
  f.exchange->return_unused(batch);
  EXPECT_DEATH(f.exchange->send(batch), "acquired != 0");
  EXPECT_DEATH(f.exchange->return_unused(batch), "acquired != 0");
  EXPECT_DEATH(f.exchange->give_back(batch), "held != 0");
  batch = f.exchange->try_acquire();
  f.exchange->send_control(end_of_input());
  EXPECT_DEATH(f.exchange->send(batch), "ended");
  EXPECT_DEATH(f.exchange->send_control(watermark(1)), "ended");
}

// ---- every interleaving ----

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

struct ModelEdge {
  explicit ModelEdge(const ExchangeOptions& options)
      : arena(Arena::create({.bytes = 65536}).value()),
        exchange(BasicExchange<ModelParkingAtomics>::create(arena, small_layout(), options).value()) {
    exchange->set_wakers(&receiver, &sender);
  }
  Arena arena;
  ModelPoller sender_poller, receiver_poller;
  BasicWaker<ModelParkingAtomics> sender{sender_poller}, receiver{receiver_poller};
  std::unique_ptr<BasicExchange<ModelParkingAtomics>> exchange;
};

/// Tries until `attempt` succeeds, and parks as a shard does when it fails twice.
template <typename Attempt>
void until(BasicWaker<ModelParkingAtomics>& waker, ModelPoller& poller, Attempt attempt) {
  while (!attempt()) {
    waker.announce();
    const bool done = attempt();
    if (!done) poller.park(0);
    waker.retract();
    if (done) return;
  }
}

// The sender sends batches with a barrier among them and then the end; both sides park with nobody else to wake them.
Outcome explore_edge(const ExchangeOptions& options, int batches, std::size_t preemptions_max) {
  const auto scenario = [=](World& world) {
    auto edge = std::make_shared<ModelEdge>(options);
    world.thread([=] {
      auto& exchange = *edge->exchange;
      for (int i = 1; i <= batches; ++i) {
        Batch* batch = nullptr;
        until(edge->sender, edge->sender_poller, [&] { return (batch = exchange.try_acquire()) != nullptr; });
        fill(*batch, i);
        exchange.send(batch);
        exchange.send_control(barrier(i));
      }
      exchange.send_control(end_of_input());
      until(edge->sender, edge->sender_poller, [&] { return exchange.drained(); });
    });
    world.thread([=, &world] {
      auto& exchange = *edge->exchange;
      int expected = 1;
      for (bool ended = false; !ended;) {
        ExchangeItem item;
        until(edge->receiver, edge->receiver_poller, [&] { return exchange.receive(item); });
        if (item.batch != nullptr) {
          world.expect(value_of(*item.batch) == expected, "a batch is out of place");
          exchange.give_back(item.batch);
        } else if (item.control.kind == Control::Kind::kBarrier) {
          world.expect(item.control.value == expected++, "a barrier is out of place");
        } else {
          world.expect(expected == batches + 1, "the end came early");
          ended = true;
        }
      }
    });
  };
  return explore(scenario, {.preemptions_max = preemptions_max, .executions_max = 1'000'000});
}

TEST(ExchangeModel, EveryOrderDeliversAndBringsTheCreditsHome) {
  SKIP_FIBERS();
  for (const std::uint32_t credits : {1u, 2u}) {
    for (const std::uint32_t slots : {1u, 2u}) {
      const Outcome outcome = explore_edge({.credits = credits, .control_slots = slots}, 2, 2);
      EXPECT_EQ(outcome.failure, "") << credits << " credits, " << slots << " slots";
      EXPECT_TRUE(outcome.complete) << outcome.executions << " with " << credits << " credits, " << slots << " slots";
    }
  }
  const Outcome outcome = explore_edge({.credits = 1, .control_slots = 1}, 1, 3);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_TRUE(outcome.complete) << outcome.executions;
}

// ---- two threads ----

TEST(ExchangeThreads, EveryRowArrivesOnceWhileBothSidesPark) {
  constexpr std::int64_t kBatches = 5000;
  constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000;
  for (const std::uint32_t credits : {1u, 2u, 16u}) {
    Fixture f({.credits = credits, .control_slots = 2});
    Exchange& exchange = *f.exchange;
    FutexPoller sender_poller, receiver_poller;
    Waker sender(sender_poller), receiver(receiver_poller);
    exchange.set_wakers(&receiver, &sender);
    const auto wait = [&](Waker& waker, FutexPoller& poller, auto attempt) {
      while (!attempt()) {
        waker.announce();
        const bool done = attempt();
        if (!done) poller.park(kHour);
        waker.retract();
        if (done) return;
      }
    };
    std::thread thread([&] {
      for (std::int64_t i = 0; i < kBatches; ++i) {
        Batch* batch = nullptr;
        wait(sender, sender_poller, [&] { return (batch = exchange.try_acquire()) != nullptr; });
        fill(*batch, i);
        exchange.send(batch);
        exchange.send_control(watermark(i));
      }
      exchange.send_control(end_of_input());
      wait(sender, sender_poller, [&] { return exchange.drained(); });
    });
    std::int64_t expected = 0, latest = -1, wrong = 0;
    for (bool ended = false; !ended;) {
      ExchangeItem item;
      wait(receiver, receiver_poller, [&] { return exchange.receive(item); });
      if (item.batch != nullptr) {
        wrong += value_of(*item.batch) != expected++;
        exchange.give_back(item.batch);
      } else if (item.control.kind == Control::Kind::kWatermark) {
        wrong += item.control.value <= latest;    // grows
        wrong += item.control.value >= expected;  // and never comes before its batch
        latest = item.control.value;
      } else {
        ended = true;
      }
    }
    thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(expected, kBatches);
    EXPECT_EQ(latest, kBatches - 1);
    EXPECT_EQ(exchange.rows_received(), exchange.rows_sent());
  }
}

}  // namespace
}  // namespace weir
