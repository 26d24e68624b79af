// Poller and Waker: how a shard that has nothing to do goes to sleep without missing what arrives meanwhile.
//
//   sender                                    the shard that may park
//   1. publish (seq_cst store)                1. announce: parked := 1 (seq_cst exchange)
//   2. parked?   (seq_cst load)               2. look once more at everything (seq_cst loads)
//   3. if so, parked := 0 and wake            3. if there is nothing: Poller::park
//                                             4. retract: parked := 0
//
// In the one order of all seq_cst operations either the sender's 2 comes after the shard's 1 and wakes it, or the
// shard's 2 comes after the sender's 1 and sees what was published. A wake before the park is kept by the poller, so
// that the park returns at once. A sender whose publishing is not seq_cst uses notify_strong, whose exchange on the
// flag orders it: if it came first, the shard's exchange in 1 reads from it and so sees what was published before it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "weir/core/atomics.h"

namespace weir {

/// What a shard waits on: an io backend, or FutexPoller where there is no io.
class Poller {
 public:
  virtual ~Poller() = default;
  /// Takes what has arrived, without waiting. Returns the work done. Thread: the owner.
  virtual std::size_t poll() noexcept = 0;
  /// Waits until wake(), something arrives, or the time is over; may return early for no reason. Thread: the owner.
  virtual void park(std::int64_t timeout_ns) noexcept = 0;
  /// Ends the present or else the next park. Thread: any.
  virtual void wake() noexcept = 0;
};

/// Parks on a futex. It cannot fail and needs no descriptor.
class FutexPoller final : public Poller {
 public:
  std::size_t poll() noexcept override { return 0; }
  void park(std::int64_t timeout_ns) noexcept override;
  void wake() noexcept override;

 private:
  std::atomic<std::uint32_t> token_{0};  // 1 = a wake is due
};

/// The flag in which a shard says that it is about to park; see the head of the file.
template <typename Atomics>
class BasicWaker {
 public:
  explicit BasicWaker(Poller& poller) noexcept : poller_(&poller) {}
  BasicWaker(const BasicWaker&) = delete;
  BasicWaker& operator=(const BasicWaker&) = delete;

  /// Step 1. Thread: the owner.
  void announce() noexcept { parked_.exchange(1, std::memory_order_seq_cst); }  // pairs with notify, notify_strong
  /// Step 4. Thread: the owner.
  // A read-modify-write, not a store: a store would hide a sender's notify_strong from the next announce, which could
  // then miss what was published before it.
  void retract() noexcept { parked_.exchange(0, std::memory_order_seq_cst); }  // pairs with notify_strong

  /// Wakes the owner if it is parked. Requires: what was published before, by a seq_cst operation. Thread: any.
  void notify() noexcept {
    if (parked_.load(std::memory_order_seq_cst) == 0) return;  // pairs with announce
    wake_once();
  }
  /// The same after publishing of any kind. Thread: any.
  void notify_strong() noexcept {
    if (parked_.fetch_add(0, std::memory_order_seq_cst) == 0) return;  // pairs with announce
    wake_once();
  }

 private:
  // Of several senders one makes the system call.
  void wake_once() noexcept {
    if (parked_.exchange(0, std::memory_order_seq_cst) != 0) poller_->wake();
  }

  alignas(kSeparation) typename Atomics::template Atomic<std::uint32_t> parked_{0};
  Poller* poller_;
};

using Waker = BasicWaker<ParkingAtomics>;

}  // namespace weir
