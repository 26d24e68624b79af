// An explorer of interleavings: runs a scenario of two or three threads again and again, each time in another order of
// their steps, until every order has been seen. It stands in for the atomics policy of the lock-free parts of core.
//
// Every access to an atomic is a point where another thread may go on, and every load may return any value that C++
// allows it to: each location keeps all of its stores, each thread knows the oldest store of each location that it may
// still read, and releasing and acquiring passes that knowledge on. So an order that is too weak shows itself, as a
// stale value or as a data race on a cell. Sequentially consistent operations are ordered as they were run.
//
//   store x: [0]──[1]──[2]──[3]      thread A may read 1 … 3, thread B, which has acquired 2, 2 or 3
//                  ▲A    ▲B
//
// Not modelled: promises (a relaxed store that is seen before a read that precedes it in its own thread).
// Source: Norris, Demsky, "CDSChecker: Checking Concurrent Data Structures Written with C/C++ Atomics", OOPSLA 2013;
// Kang et al., "A Promising Semantics for Relaxed-Memory Concurrency", POPL 2017, section 2 (views).
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir::interleave {

inline constexpr std::size_t kThreadsMax = 4;  ///< With the one that sets up and checks, number 0.
inline constexpr std::size_t kStackBytes = std::size_t{128} << 10;

/// What a thread knows: for each location the oldest store that it may read, for each thread how far it has seen it.
struct View {
  std::vector<std::uint32_t> stores;
  std::uint32_t clocks[kThreadsMax] = {};

  std::uint32_t& store_of(std::size_t location) {
    if (stores.size() <= location) stores.resize(location + 1, 0);
    return stores[location];
  }
  void join(const View& other) {
    if (stores.size() < other.stores.size()) stores.resize(other.stores.size(), 0);
    for (std::size_t i = 0; i < other.stores.size(); ++i) stores[i] = std::max(stores[i], other.stores[i]);
    for (std::size_t i = 0; i < kThreadsMax; ++i) clocks[i] = std::max(clocks[i], other.clocks[i]);
  }
};

struct Store {
  std::uint64_t value = 0;
  bool releases = false;
  View view;  // what an acquiring reader gets to know
};

struct Location {
  std::vector<Store> stores;
  std::uint32_t last_seq_cst = 0;
  std::size_t only_writer = 0;  // 0 = none but the setup, kThreadsMax = several
};

/// The choices of one execution, from the first; the next execution is the next in depth-first order.
class Choices {
 public:
  std::size_t choose(std::size_t count) {
    if (count <= 1) return 0;
    if (at_ == path_.size()) path_.push_back({0, count});
    return path_[at_++].chosen;
  }
  bool advance() {
    at_ = 0;
    while (!path_.empty() && path_.back().chosen + 1 == path_.back().count) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().chosen;
    return true;
  }

 private:
  struct Choice {
    std::size_t chosen;
    std::size_t count;
  };
  std::vector<Choice> path_;
  std::size_t at_ = 0;
};

/// One execution.
class World {
 public:
  static World*& current() {
    static World* world = nullptr;
    return world;
  }

  World(Choices& choices, std::size_t preemptions_max) : choices_(choices), preemptions_left_(preemptions_max) {
    threads_.resize(1);
    threads_[0].view.clocks[0] = 1;
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {  // what the threads share may look at its atomics while it goes
    finally_ = nullptr;
    for (Thread& thread : threads_) thread.body = nullptr;
  }

  /// Setup: adds a thread.
  void thread(std::function<void()> body) {
    threads_.emplace_back();
    threads_.back().body = std::move(body);
  }
  /// Setup: what must hold when all threads have ended.
  void finally(std::function<void()> check) { finally_ = std::move(check); }

  void expect(bool condition, const char* what) {
    if (!condition) fail(what);
  }
  /// Ends the execution as a failure. Does not return when a thread calls it.
  void fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
    if (running_ != 0) ::swapcontext(&threads_[running_].context, &main_);
  }
  const std::string& failure() const { return failure_; }

  /// A thread found nothing to do: it goes on when another thread has stored something, and then sees everything, as
  /// it would after a while. When all threads stall, that is a failure: nobody will ever wake them.
  void stall() {
    Thread& self = threads_[running_];
    bool news = false;
    for (std::size_t i = 0; i < locations_.size(); ++i) {
      std::uint32_t& known = self.view.store_of(i);
      const auto latest = static_cast<std::uint32_t>(locations_[i].stores.size() - 1);
      news |= known < latest;
      known = latest;
    }
    if (news) return;
    self.stalled = true;
    switch_to(pick());
    Thread& resumed = threads_[running_];
    for (std::size_t i = 0; i < locations_.size(); ++i)
      resumed.view.store_of(i) = static_cast<std::uint32_t>(locations_[i].stores.size() - 1);
  }

  void run() {
    for (std::size_t i = 1; i < threads_.size(); ++i) start(i);
    switch_to(pick());
    running_ = 0;
    if (!failure_.empty()) return;
    for (std::size_t i = 1; i < threads_.size(); ++i) threads_[0].view.join(threads_[i].view);
    if (finally_) finally_();
  }

  // ---- used by Atomic and Cell ----

  std::size_t add_location(std::uint64_t value) {
    locations_.emplace_back();
    locations_.back().stores.push_back({value, true, view()});
    return locations_.size() - 1;
  }

  std::uint64_t load(std::size_t at, std::memory_order order) {
    // A relaxed look at what only this thread writes cannot differ, whoever goes first.
    if (order != std::memory_order_relaxed || locations_[at].only_writer != running_) point();
    Location& location = locations_[at];
    std::uint32_t& known = view().store_of(at);
    std::uint32_t oldest = known;
    if (order == std::memory_order_seq_cst) oldest = std::max(oldest, location.last_seq_cst);
    const auto latest = static_cast<std::uint32_t>(location.stores.size() - 1);
    known = latest - static_cast<std::uint32_t>(choices_.choose(latest - oldest + 1));
    const Store& store = location.stores[known];
    const std::uint64_t value = store.value;
    if (order != std::memory_order_relaxed && store.releases) view().join(View(store.view));
    return value;
  }

  void store(std::size_t at, std::uint64_t value, std::memory_order order) {
    point();
    append(at, value, order, nullptr);
  }

  /// Reads the latest and puts `change` of it there, in one step.
  std::uint64_t modify(std::size_t at, std::memory_order order,
                       const std::function<std::uint64_t(std::uint64_t)>& change) {
    point();
    const Store before = locations_[at].stores.back();
    const bool acquires = order != std::memory_order_relaxed && order != std::memory_order_release;
    if (acquires && before.releases) view().join(before.view);
    append(at, change(before.value), order, &before);
    return before.value;
  }

  View& view() { return threads_[running_].view; }
  std::size_t running() const { return running_; }

 private:
  struct Thread {
    std::function<void()> body;
    ucontext_t context{};
    View view;
    bool stalled = false;
    bool ended = false;
  };

  static std::vector<std::unique_ptr<char[]>>& stacks() {
    static std::vector<std::unique_ptr<char[]>> all;
    while (all.size() < kThreadsMax) all.push_back(std::make_unique<char[]>(kStackBytes));
    return all;
  }

  static void enter() {
    World* world = current();
    world->threads_[world->running_].body();
    world->threads_[world->running_].ended = true;
    world->switch_to(world->pick());
  }

  void start(std::size_t index) {
    Thread& thread = threads_[index];
    thread.view = threads_[0].view;
    thread.view.clocks[index] = 1;
    ::getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = stacks()[index].get();
    thread.context.uc_stack.ss_size = kStackBytes;
    thread.context.uc_link = &main_;
    ::makecontext(&thread.context, &World::enter, 0);
  }

  bool runnable(std::size_t index) const { return !threads_[index].ended && !threads_[index].stalled; }

  /// The thread that goes on: the present one first, so that the first execution switches least. 0 = none can.
  std::size_t pick() {
    std::size_t candidates[kThreadsMax];
    std::size_t count = 0;
    const bool can_stay = running_ != 0 && runnable(running_);
    if (can_stay) candidates[count++] = running_;
    if (!can_stay || preemptions_left_ != 0) {
      for (std::size_t i = 1; i < threads_.size(); ++i)
        if (i != running_ && runnable(i)) candidates[count++] = i;
    }
    if (count == 0) {
      const bool all_ended = std::all_of(threads_.begin() + 1, threads_.end(), [](const Thread& t) { return t.ended; });
      if (!all_ended && failure_.empty()) failure_ = "every thread waits for another";
      return 0;
    }
    const std::size_t chosen = candidates[choices_.choose(count)];
    if (can_stay && chosen != running_) --preemptions_left_;
    return chosen;
  }

  void switch_to(std::size_t next) {
    if (next == running_) return;
    ucontext_t* from = running_ == 0 ? &main_ : &threads_[running_].context;
    running_ = next;
    ::swapcontext(from, next == 0 ? &main_ : &threads_[next].context);
  }

  void point() {
    if (running_ == 0) return;
    if (++steps_ > kStepsMax) fail("the execution does not end");
    switch_to(pick());
  }

  void append(std::size_t at, std::uint64_t value, std::memory_order order, const Store* modified) {
    Location& location = locations_[at];
    View& mine = view();
    mine.store_of(at) = static_cast<std::uint32_t>(location.stores.size());
    Store store;
    store.value = value;
    store.releases = order != std::memory_order_relaxed && order != std::memory_order_acquire;
    if (store.releases) store.view = mine;
    if (modified != nullptr && modified->releases) {  // a release sequence goes on through a read-modify-write
      store.view.join(modified->view);
      store.releases = true;
    }
    if (order == std::memory_order_seq_cst) location.last_seq_cst = static_cast<std::uint32_t>(location.stores.size());
    location.stores.push_back(std::move(store));
    if (location.only_writer == 0) location.only_writer = running_;
    if (location.only_writer != running_) location.only_writer = kThreadsMax;
    ++mine.clocks[running_];
    for (std::size_t i = 1; i < threads_.size(); ++i)
      if (i != running_) threads_[i].stalled = false;
  }

  static constexpr std::size_t kStepsMax = 20'000;

  Choices& choices_;
  std::size_t preemptions_left_;
  std::size_t steps_ = 0;
  std::size_t running_ = 0;
  std::vector<Thread> threads_;
  std::vector<Location> locations_;
  std::function<void()> finally_;
  std::string failure_;
  ucontext_t main_{};
};

/// std::atomic's place for integers.
template <typename T>
class Atomic {
 public:
  Atomic(T value) : at_(World::current()->add_location(static_cast<std::uint64_t>(value))) {}  // NOLINT: as std::atomic
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;
  T load(std::memory_order order) const { return static_cast<T>(World::current()->load(at_, order)); }
  void store(T value, std::memory_order order) {
    World::current()->store(at_, static_cast<std::uint64_t>(value), order);
  }
  T exchange(T value, std::memory_order order) {
    return static_cast<T>(
        World::current()->modify(at_, order, [value](std::uint64_t) { return static_cast<std::uint64_t>(value); }));
  }
  T fetch_add(T by, std::memory_order order) {
    return static_cast<T>(World::current()->modify(
        at_, order, [by](std::uint64_t before) { return before + static_cast<std::uint64_t>(by); }));
  }

 private:
  std::size_t at_;
};

/// Memory that must not be touched by two threads without an order between them.
template <typename T>
class Cell {
 public:
  Cell() : writer_(World::current()->running()), written_(World::current()->view().clocks[writer_]) {}
  Cell& operator=(const T& value) {
    World& world = *World::current();
    check_after_write(world);
    for (std::size_t i = 0; i < kThreadsMax; ++i)
      world.expect(read_[i] <= world.view().clocks[i], "data race: write after an unordered read");
    writer_ = world.running();
    written_ = world.view().clocks[writer_];
    value_ = value;
    return *this;
  }
  operator T() const {  // NOLINT: reads as the value would
    World& world = *World::current();
    check_after_write(world);
    read_[world.running()] = world.view().clocks[world.running()];
    return value_;
  }

 private:
  void check_after_write(World& world) const {
    world.expect(written_ <= world.view().clocks[writer_], "data race: access after an unordered write");
  }

  T value_{};
  std::size_t writer_;
  std::uint32_t written_;
  mutable std::uint32_t read_[kThreadsMax] = {};
};

/// The policies to put in place of weir::StdAtomics and weir::ParkingAtomics.
struct ModelAtomics {
  template <typename T>
  using Atomic = interleave::Atomic<T>;
  template <typename T>
  using Cell = interleave::Cell<T>;
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kObserve = std::memory_order_acquire;
  static constexpr bool kPaced = false;
};
struct ModelParkingAtomics : ModelAtomics {
  static constexpr std::memory_order kPublish = std::memory_order_seq_cst;
  static constexpr std::memory_order kObserve = std::memory_order_seq_cst;
};

struct Outcome {
  std::uint64_t executions = 0;
  bool complete = false;  ///< Every order was run; false after a failure or at executions_max.
  std::string failure;    ///< Of the first execution that failed.
};

struct Options {
  std::size_t preemptions_max = SIZE_MAX;  ///< Switches away from a thread that could have gone on, in one execution.
  std::uint64_t executions_max = 3'000'000;
};

/// Runs `scenario` in every order. It is called once an execution, makes what the threads share, and adds them.
inline Outcome explore(const std::function<void(World&)>& scenario, const Options& options = {}) {
  Outcome outcome;
  Choices choices;
  do {
    World world(choices, options.preemptions_max);
    World::current() = &world;
    scenario(world);
    world.run();
    ++outcome.executions;
    outcome.failure = world.failure();
    if (!outcome.failure.empty()) return outcome;
    if (outcome.executions == options.executions_max) return outcome;
  } while (choices.advance());
  outcome.complete = true;
  return outcome;
}

}  // namespace weir::interleave
