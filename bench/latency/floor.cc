// Bare loops and bare rings on a schedule (floor.h).
#include "latency/floor.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <thread>

#include "harness/timing.h"
#include "latency/ticks.h"
#include "weir/core/ring.h"

namespace weir::bench {
namespace {

std::int64_t ns_since(std::uint64_t due, std::uint64_t now, double ns) noexcept {
  return now <= due ? 0 : static_cast<std::int64_t>(static_cast<double>(now - due) * ns);
}

bool run_in_front() noexcept {
  sched_param priority{};
  priority.sched_priority = 1;
  return pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) == 0;
}

void watch(const Schedule& schedule, std::uint64_t events, Histogram& late) noexcept {
  const double ns = tick_ns();
  for (std::uint64_t event = 0; event < events; ++event) {
    const std::uint64_t due = schedule.at(event);
    std::uint64_t now = ticks_now();
    while (now < due) now = ticks_now();
    late.record(ns_since(due, now, ns));
  }
}

}  // namespace

void take_core(int cpu, bool in_front) noexcept {
  pin_here(cpu);
  if (in_front) (void)run_in_front();
}

bool may_run_in_front() noexcept {
  bool may = false;
  std::thread([&] { may = run_in_front(); }).join();
  return may;
}

void record_gaps(std::uint64_t events, double events_per_second, int cpu, bool in_front, Histogram& late) {
  std::thread([&] {
    take_core(cpu, in_front);
    watch(Schedule::from_now(events_per_second), events, late);
  }).join();
}

void record_gaps_of_two(std::uint64_t events, double events_per_second, const TwoCores& cores, Histogram& late) {
  Histogram other;
  (void)tick_ns();
  std::thread beside([&] { record_gaps(events, events_per_second, cores.sender, cores.in_front, other); });
  record_gaps(events, events_per_second, cores.receiver, cores.in_front, late);
  beside.join();
  late.merge(other);
}

void record_round_trips(std::uint64_t rounds, const TwoCores& cores, Histogram& trips) {
  const auto out = Ring<std::uint64_t>::create(1024).value();
  const auto back = Ring<std::uint64_t>::create(1024).value();
  const double ns = tick_ns();
  std::thread echo([&] {
    take_core(cores.receiver, cores.in_front);
    for (std::uint64_t round = 0; round < rounds; ++round) {
      std::uint64_t item = 0;
      while (!out->try_pop(item)) {
      }
      while (!back->try_push(item)) {
      }
    }
  });
  std::thread asker([&] {
    take_core(cores.sender, cores.in_front);
    for (std::uint64_t round = 0; round < rounds; ++round) {
      const std::uint64_t start = ticks_now();
      std::uint64_t item = 0;
      while (!out->try_push(round)) {
      }
      while (!back->try_pop(item)) {
      }
      trips.record(ns_since(start, ticks_now(), ns));
      if (item != round) wrong_answer("latency", "a ring gave another number back");
    }
  });
  asker.join();
  echo.join();
}

void record_open_loop(std::uint64_t events, std::uint64_t warm, double events_per_second, const TwoCores& cores,
                      Histogram& there, Histogram& and_back) {
  struct Item {
    std::uint64_t event, due;
  };
  const auto out = Ring<Item>::create(8192).value();
  const auto back = Ring<Item>::create(8192).value();
  const double ns = tick_ns();
  const std::uint64_t all = warm + events;
  std::thread echo([&] {
    take_core(cores.receiver, cores.in_front);
    for (std::uint64_t event = 0; event < all; ++event) {
      Item item{};
      while (!out->try_pop(item)) {
      }
      const std::uint64_t now = ticks_now();
      if (event >= warm) there.record(ns_since(item.due, now, ns));
      while (!back->try_push(item)) {
      }
    }
  });
  std::thread sender([&] {
    take_core(cores.sender, cores.in_front);
    const Schedule schedule = Schedule::from_now(events_per_second);
    std::uint64_t returned = 0;
    const auto take_back = [&] {
      Item item{};
      if (!back->try_pop(item)) return;
      if (item.event != returned) wrong_answer("latency", "a ring gave another number back");
      if (returned++ >= warm) and_back.record(ns_since(item.due, ticks_now(), ns));
    };
    for (std::uint64_t event = 0; event < all; ++event) {
      const Item item{event, schedule.at(event)};
      while (ticks_now() < item.due) take_back();
      while (!out->try_push(item)) take_back();
    }
    while (returned < all) take_back();
  });
  sender.join();
  echo.join();
}

}  // namespace weir::bench
