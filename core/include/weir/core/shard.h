// Shard loop: the one thread of a shard. Each turn polls the io backend, runs every task for a bounded piece of work
// and hands the work count to the idle strategy.
//
//   ┌─► poll ─► task 0 ─► task 1 ─► … ─► work count ─► idle strategy ─┬─ continue, spin, yield ─┐
//   │                                                                 └─ park:                  │
//   │                         announce ─► one more turn ─► nothing? ─► Poller::park ─► retract ─┤
//   └───────────────────────────────────────────────────────────────────────────────────────────┘
//
// Invariant: between announce and park every task has looked again at every ring, with seq_cst loads; waker.h says why
// that loses no wake-up. A task looks at all of its inputs and credits in a turn in which it does no work.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/core/clock.h"
#include "weir/core/counters.h"
#include "weir/core/idle.h"
#include "weir/core/result.h"
#include "weir/core/trace.h"
#include "weir/core/waker.h"

namespace weir {

/// A step machine that a shard drives.
class Task {
 public:
  virtual ~Task() = default;
  /// Does a bounded amount of work and returns how much; 0 means that there was nothing to do, after a look at
  /// everything that could bring work.
  virtual std::size_t run() = 0;
  /// Nothing is left to do, ever. Asked after each run().
  virtual bool done() const noexcept = 0;
};

struct ShardLoopOptions {
  std::uint32_t shard = 0;
  IdleOptions idle = {};
  /// A turn longer than this is counted as a stall. In a loop that spins it counts from the last look at the clock, up
  /// to 16 turns without work before it: those cost less than the look.
  std::int64_t stall_ns = 1'000'000;
  std::size_t tasks_max = 4096;
};

/// Thread: add() before the loop runs; turn() and run() by one thread; stop(), waker() and counters() by any.
class ShardLoop {
 public:
  /// The clock, the poller and the recorder (may be null) must outlive the loop.
  ShardLoop(const ShardLoopOptions& options, Clock& clock, Poller& poller, TraceRecorder* trace = nullptr);
  ShardLoop(const ShardLoop&) = delete;
  ShardLoop& operator=(const ShardLoop&) = delete;

  /// The task must outlive the loop. Errors: kLimitExceeded at tasks_max.
  Result<void> add(Task& task);
  /// One turn: poll, then every task that is not done. Returns the work done. For simulations and for run().
  std::size_t turn();
  /// Turns until every task is done or stop() was called.
  void run();
  /// One turn and what the idle strategy makes of it. Returns false when run() would return.
  bool step();
  /// Makes run() return after its present turn, also while parked.
  void stop() noexcept;
  bool stopped() const noexcept { return stop_.load(std::memory_order_acquire); }  // pairs with stop
  bool done() const noexcept { return running_.empty(); }

  Waker& waker() noexcept { return waker_; }
  std::uint32_t shard() const noexcept { return options_.shard; }
  const CounterSet& counters() const noexcept { return counters_; }
  std::uint64_t turns() const noexcept { return turns_.get(); }
  std::uint64_t idle_turns() const noexcept { return idle_turns_.get(); }
  std::uint64_t parks() const noexcept { return parks_.get(); }
  std::uint64_t stalls() const noexcept { return stalls_.get(); }

 private:
  static constexpr std::uint32_t kTurnsPerLook = 16;

  void park();
  void look() noexcept;
  std::size_t turn_since_look();

  ShardLoopOptions options_;
  Clock& clock_;
  Poller& poller_;
  TraceRecorder* trace_;
  IdleStrategy idle_;
  Waker waker_;
  std::vector<Task*> running_;
  std::int64_t looked_ns_ = 0;  // at the clock
  std::uint32_t turns_since_look_ = kTurnsPerLook;
  std::atomic<bool> stop_{false};
  CounterSet counters_;
  Counter& turns_;
  Counter& idle_turns_;
  Counter& work_;
  Counter& parks_;
  Counter& stalls_;
  Counter& longest_turn_ns_;
};

/// Binds the calling thread to one CPU. Errors: kInvalidArgument (no such CPU or not allowed), kPermission, kIo.
Result<void> pin_to_cpu(int cpu);

struct ShardThreadOptions {
  int cpu = -1;                ///< -1 leaves the thread where the system puts it.
  std::string name = "shard";  ///< The system keeps 15 bytes.
};

/// The thread of a loop. It takes no signals: those stay with the threads of the host. Joins when destroyed, after
/// stopping the loop.
class ShardThread {
 public:
  ShardThread();
  ShardThread(const ShardThread&) = delete;
  ShardThread& operator=(const ShardThread&) = delete;
  ~ShardThread();

  /// Starts the thread and waits until it is pinned. The loop must outlive it. Requires: not started.
  /// Errors: those of pin_to_cpu, kUnavailable where no thread can be made.
  Result<void> start(ShardLoop& loop, const ShardThreadOptions& options = {});
  /// Waits until the loop has returned.
  void join();

 private:
  struct Impl;  // keeps <thread> out of this header
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
