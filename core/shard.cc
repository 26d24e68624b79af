// The loop of a shard, its thread, and binding a thread to a CPU.
#include "weir/core/shard.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

namespace weir {

ShardLoop::ShardLoop(const ShardLoopOptions& options, Clock& clock, Poller& poller, TraceRecorder* trace)
    : options_(options),
      clock_(clock),
      poller_(poller),
      trace_(trace),
      idle_(options.idle),
      waker_(poller),
      counters_("shard." + std::to_string(options.shard), 8),
      turns_(counters_.add("turns")),
      idle_turns_(counters_.add("idle_turns")),
      work_(counters_.add("work")),
      parks_(counters_.add("parks")),
      stalls_(counters_.add("stalls")),
      longest_turn_ns_(counters_.add("longest_turn_ns")) {}

Result<void> ShardLoop::add(Task& task) {
  if (running_.size() >= options_.tasks_max)
    return Error(ErrorCode::kLimitExceeded,
                 "a shard has tasks_max = " + std::to_string(options_.tasks_max) + " tasks already");
  running_.push_back(&task);
  return {};
}

std::size_t ShardLoop::turn() {
  look();
  return turn_since_look();
}

void ShardLoop::look() noexcept {
  looked_ns_ = clock_.now_ns();
  turns_since_look_ = 0;
}

std::size_t ShardLoop::turn_since_look() {
  std::size_t work = poller_.poll();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Task* task = running_[i];
    work += task->run();
    if (!task->done()) running_[kept++] = task;
  }
  running_.resize(kept);  // shrinks: no allocation
  turns_.add();
  work_.add(work);
  if (work == 0) {
    idle_turns_.add();
    return 0;
  }
  const std::int64_t start_ns = looked_ns_;
  look();
  const std::int64_t took_ns = std::max<std::int64_t>(looked_ns_ - start_ns, 0);
  longest_turn_ns_.raise_to(static_cast<std::uint64_t>(took_ns));
  if (took_ns > options_.stall_ns) stalls_.add();
  if (trace_ != nullptr) trace_->span("turn", start_ns, looked_ns_);
  return work;
}

void ShardLoop::park() {
  waker_.announce();
  // The look between announce and park: whatever was published before the announcement is seen here.
  if (turn() == 0 && !done() && !stopped()) {
    parks_.add();
    const TraceSpan span(trace_, "park");
    poller_.park(idle_.park_ns());
  } else {
    idle_.next(1);
  }
  waker_.retract();
}

bool ShardLoop::step() {
  if (done() || stopped()) return false;
  if (++turns_since_look_ >= kTurnsPerLook || trace_ != nullptr) look();
  switch (idle_.next(turn_since_look())) {
    case IdleAction::kContinue:
      break;
    case IdleAction::kSpin:
      // A turn is long enough for the core that writes; a pause of 30 ns is half a pause later for what comes.
      if (options_.idle.mode != IdleMode::kBusySpin) cpu_relax();
      break;
    case IdleAction::kYield:
      std::this_thread::yield();
      turns_since_look_ = kTurnsPerLook;
      break;
    case IdleAction::kPark:
      if (!done()) park();
      turns_since_look_ = kTurnsPerLook;
      break;
  }
  return !done() && !stopped();
}

void ShardLoop::run() {
  while (step()) {
  }
}

void ShardLoop::stop() noexcept {
  stop_.store(true, std::memory_order_release);  // pairs with stopped
  waker_.notify_strong();
}

Result<void> pin_to_cpu(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE)
    return Error(ErrorCode::kInvalidArgument, "there is no CPU " + std::to_string(cpu));
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  const int failed = ::pthread_setaffinity_np(::pthread_self(), sizeof(set), &set);
  if (failed == EINVAL)
    return Error(ErrorCode::kInvalidArgument, "there is no CPU " + std::to_string(cpu) + " that this process may use");
  if (failed != 0) return Error::from_errno(failed, "cannot bind a thread to CPU " + std::to_string(cpu));
  return {};
}

namespace {

/// What start() waits for: whether the new thread is where it should be.
struct Started {
  std::atomic<bool> ready{false};
  Result<void> pinned;
};

void run_loop(ShardLoop& loop, const ShardThreadOptions& options, Started& started) {
  const std::string context = "shard " + std::to_string(loop.shard());
  set_check_context(context.c_str());
  ::pthread_setname_np(::pthread_self(), options.name.substr(0, 15).c_str());
  if (options.cpu >= 0) started.pinned = pin_to_cpu(options.cpu);
  const bool go = started.pinned.has_value();
  started.ready.store(true, std::memory_order_release);  // pairs with start's wait; `started` is gone afterwards
  started.ready.notify_one();
  if (go) loop.run();
}

}  // namespace

struct ShardThread::Impl {
  ShardLoop* loop = nullptr;
  std::thread thread;
};

ShardThread::ShardThread() : impl_(std::make_unique<Impl>()) {}

ShardThread::~ShardThread() {
  if (!impl_->thread.joinable()) return;
  impl_->loop->stop();
  impl_->thread.join();
}

Result<void> ShardThread::start(ShardLoop& loop, const ShardThreadOptions& options) {
  WEIR_CHECK(!impl_->thread.joinable());
  impl_->loop = &loop;
  const auto started = std::make_shared<Started>();
  // A thread inherits the mask of its maker: with everything blocked here, none of the host's signals lands there.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<void> result;
  try {
    impl_->thread = std::thread([&loop, options, started] { run_loop(loop, options, *started); });
  } catch (const std::system_error& error) {
    result = Error(ErrorCode::kUnavailable, std::string("cannot make a thread: ") + error.what());
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  WEIR_TRY(std::move(result));
  started->ready.wait(false, std::memory_order_acquire);  // pairs with run_loop
  if (!started->pinned.has_value()) {
    impl_->thread.join();
    return std::move(started->pinned).error();
  }
  return {};
}

void ShardThread::join() {
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace weir
