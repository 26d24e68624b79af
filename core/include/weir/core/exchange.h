// Exchange: the edge from shard s to shard d. A credit is an empty batch, and there is a fixed number of them.
//
//        sender (shard s)                                          receiver (shard d)
//   ┌───────────────────────┐   forward: batches and controls   ┌──────────────────────┐
//   │ home: empty batches   │ ═════════════════════════════════►│ receive()            │
//   │  try_acquire()  ▼     │                                   │   …works…            │
//   │  the caller fills it  │                                   │ give_back(batch)     │
//   │  send(batch)   ──►    │◄═════════════════════════════════ │                      │
//   └───────────────────────┘   back: empty batches             └──────────────────────┘
//
// A sender without an empty batch cannot send; so what an exchange can hold is known when it is made (bytes()), and a
// slow receiver slows its sender without a word. Control does not need a credit: the forward ring has room for every
// credit and for control_slots controls beside them. Controls beyond that wait with the sender: watermarks coalesce
// into the latest, since a later one says more; a barrier and the end of the input keep their place, so nothing may be
// sent while one of them waits (can_send()). A watermark that waits may be overtaken by data: late is always allowed.
//
// Invariants
//   1. Every credit is in one place: home, with the sender's caller, forward, with the receiver's caller, or back.
//   2. send() never finds the forward ring full: credits + control_slots <= its capacity, and no more than
//   control_slots
//      controls are in it.
//   3. give_back() never finds the back ring full: credits <= its capacity.
//   4. What waits is [watermark] (barrier | end) [watermark] …, at most kPendingControlsMax long, and is sent in order.
//   5. Both rings publish and observe with seq_cst (ParkingAtomics), so that waker.h's argument holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "weir/core/arena.h"
#include "weir/core/batch.h"
#include "weir/core/control.h"
#include "weir/core/counters.h"
#include "weir/core/result.h"
#include "weir/core/ring.h"
#include "weir/core/waker.h"

namespace weir {

inline constexpr std::uint32_t kExchangeCreditsDefault = 16;  ///< Below 16, small batches lose half of the throughput.
inline constexpr std::uint32_t kExchangeCreditsMax = 4096;
inline constexpr std::uint32_t kControlSlotsDefault = 8;
inline constexpr std::uint32_t kControlSlotsMax = 64;
inline constexpr std::uint32_t kPendingControlsMax = 4;

struct ExchangeOptions {
  std::uint32_t credits = kExchangeCreditsDefault;     ///< 1 … kExchangeCreditsMax.
  std::uint32_t control_slots = kControlSlotsDefault;  ///< 1 … kControlSlotsMax.
};

/// What a receiver takes: a batch, or a control where the batch is null.
struct ExchangeItem {
  Batch* batch = nullptr;
  Control control;
};

/// See the head of the file. Thread: sender's functions by one thread, receiver's by one other (or the same).
/// Allocates: at creation only.
template <typename Atomics>
class BasicExchange {
 public:
  using Waker = BasicWaker<Atomics>;

  /// Lays the batches and the rings out in the arena, which must outlive the exchange.
  /// Errors: kInvalidArgument for options out of their range, kOutOfMemory.
  static Result<std::unique_ptr<BasicExchange>> create(Arena& arena, const BatchLayout& layout,
                                                       const ExchangeOptions& options = {});
  /// What create takes from the arena at most.
  static std::size_t bytes_needed(const BatchLayout& layout, const ExchangeOptions& options) noexcept;
  BasicExchange(const BasicExchange&) = delete;
  BasicExchange& operator=(const BasicExchange&) = delete;
  /// Checks that no credit was lost or given twice. Requires: both threads have left.
  ~BasicExchange() { check_credits(); }

  /// Setup: whom a send and whom a returned credit wakes; null wakes nobody.
  void set_wakers(Waker* receiver, Waker* sender) noexcept {
    receiver_waker_ = receiver;
    sender_waker_ = sender;
  }

  // ---- sender ----

  /// Whether a batch may be sent: no barrier and no end of input waits. Tries to get rid of what waits first.
  bool can_send() noexcept { return sender_.fences == 0 || (flush_pending(), sender_.fences == 0); }
  /// An empty batch, or null where there is no credit or can_send() is false: backpressure.
  Batch* try_acquire() noexcept;
  /// Sends an acquired batch. Never fails. Requires: can_send().
  void send(Batch* batch) noexcept;
  /// Keeps an acquired batch for later. It is reset.
  void return_unused(Batch* batch) noexcept;
  /// Sends a control in its place, or keeps it until there is room. Requires: at most kPendingControlsMax wait, which
  /// holds for a caller that sends nothing while can_send() is false; nothing after kEndOfInput.
  void send_control(const Control& control) noexcept;
  /// Sends what waits, as far as there is room. Returns how many went.
  std::size_t flush_pending() noexcept;
  bool has_pending() const noexcept { return sender_.pending_count != 0; }
  /// Empty batches that could be acquired now, were can_send() true.
  std::uint32_t credits_available() noexcept {
    collect_credits();
    return sender_.home_count;
  }
  /// Everything sent has been received and given back, and nothing waits.
  bool drained() noexcept {
    flush_pending();
    return !has_pending() && forward_->released() == forward_->pushed() && credits_available() == credits_;
  }

  // ---- receiver ----

  /// Takes the next item, or returns false when there is none.
  bool receive(ExchangeItem& out) noexcept;
  /// Gives a received batch back, empty: the credit goes home.
  void give_back(Batch* batch) noexcept;
  /// Nothing can be received now.
  bool empty() noexcept { return forward_->readable() == 0; }

  // ---- any thread ----

  std::uint32_t credits() const noexcept { return credits_; }
  std::size_t bytes() const noexcept { return bytes_; }  ///< Memory taken from the arena: all that it can ever hold.
  std::uint64_t batches_sent() const noexcept { return sender_.batches.get(); }
  std::uint64_t rows_sent() const noexcept { return sender_.rows.get(); }  ///< Selected rows.
  std::uint64_t controls_sent() const noexcept { return sender_.controls.get(); }
  std::uint64_t watermarks_coalesced() const noexcept { return sender_.coalesced.get(); }
  std::uint64_t credit_stalls() const noexcept { return sender_.stalls.get(); }   ///< try_acquire() without a credit.
  std::uint64_t high_water() const noexcept { return sender_.high_water.get(); }  ///< Most credits away from home.
  std::uint64_t batches_received() const noexcept { return receiver_.batches.get(); }
  std::uint64_t rows_received() const noexcept { return receiver_.rows.get(); }

 private:
  using Forward = Ring<ExchangeItem, Atomics>;
  using Back = Ring<Batch*, Atomics>;

  BasicExchange(std::uint32_t credits, std::uint32_t control_slots) noexcept
      : credits_(credits), control_slots_(control_slots) {}

  Result<void> lay_out(Arena& arena, const BatchLayout& layout);
  void collect_credits() noexcept;
  bool control_has_room() noexcept;
  void push_control(const Control& control) noexcept;
  void check_credits() noexcept;

  struct alignas(kSeparation) Sender {
    Batch** home = nullptr;  // a stack: the batch that came last is the warmest
    std::uint32_t home_count = 0;
    std::uint32_t acquired = 0;  // with the caller
    std::uint32_t pending_count = 0;
    std::uint32_t fences = 0;  // barriers and ends among what waits
    bool ended = false;
    std::uint32_t controls_in_ring = 0;  // as far as known; positions of the oldest first
    std::uint32_t oldest_control = 0;
    std::array<std::uint64_t, kControlSlotsMax> control_positions{};
    std::array<Control, kPendingControlsMax> pending{};
    Counter batches, rows, controls, coalesced, stalls, high_water;
  };
  struct alignas(kSeparation) Receiver {
    std::uint32_t held = 0;  // with the caller
    Counter batches, rows;
  };

  std::uint32_t credits_;
  std::uint32_t control_slots_;
  std::size_t bytes_ = 0;
  std::unique_ptr<Forward> forward_;
  std::unique_ptr<Back> back_;
  Waker* receiver_waker_ = nullptr;
  Waker* sender_waker_ = nullptr;
  Sender sender_;
  Receiver receiver_;
};

template <typename Atomics>
Result<std::unique_ptr<BasicExchange<Atomics>>> BasicExchange<Atomics>::create(Arena& arena, const BatchLayout& layout,
                                                                               const ExchangeOptions& options) {
  if (options.credits < 1 || options.credits > kExchangeCreditsMax)
    return Error(ErrorCode::kInvalidArgument, "the credits of an exchange must be 1 to 4096");
  if (options.control_slots < 1 || options.control_slots > kControlSlotsMax)
    return Error(ErrorCode::kInvalidArgument, "the control slots of an exchange must be 1 to 64");
  if (layout.capacity < 1 || layout.capacity > kBatchRowsMax)
    return Error(ErrorCode::kInvalidArgument, "the rows of a batch must be 1 to 65536");
  std::unique_ptr<BasicExchange> exchange(new BasicExchange(options.credits, options.control_slots));
  WEIR_TRY(exchange->lay_out(arena, layout));
  return exchange;
}

template <typename Atomics>
Result<void> BasicExchange<Atomics>::lay_out(Arena& arena, const BatchLayout& layout) {
  // Until everything is in place the destructor must find nothing to miss.
  const std::uint32_t credits = credits_;
  credits_ = 0;
  const std::size_t used_before = arena.used();
  WEIR_ASSIGN(std::span<Batch*> home, arena.allocate_array<Batch*>(credits));
  sender_.home = home.data();
  WEIR_ASSIGN(std::unique_ptr<Back> back, Back::create(arena, ring_capacity(credits)));
  WEIR_ASSIGN(std::unique_ptr<Forward> forward,
              Forward::create(arena, ring_capacity(std::uint64_t{credits} + control_slots_)));
  for (std::uint32_t i = 0; i < credits; ++i) {
    WEIR_ASSIGN(void* memory, arena.allocate(layout.bytes(), kSeparation));
    home[i] = Batch::create(layout, memory);
  }
  back_ = std::move(back);
  forward_ = std::move(forward);
  credits_ = credits;
  sender_.home_count = credits;
  bytes_ = arena.used() - used_before;
  return {};
}

template <typename Atomics>
std::size_t BasicExchange<Atomics>::bytes_needed(const BatchLayout& layout, const ExchangeOptions& options) noexcept {
  const std::size_t slots =
      ring_capacity(options.credits) * sizeof(Batch*) + options.credits * sizeof(Batch*) +
      ring_capacity(std::uint64_t{options.credits} + options.control_slots) * sizeof(ExchangeItem);
  return slots + options.credits * (layout.bytes() + kSeparation) + 8 * kSeparation;
}

template <typename Atomics>
void BasicExchange<Atomics>::collect_credits() noexcept {
  Batch* batch = nullptr;
  while (back_->try_pop(batch)) {
    WEIR_CHECK_LT(sender_.home_count, credits_);
    sender_.home[sender_.home_count++] = batch;
  }
}

template <typename Atomics>
Batch* BasicExchange<Atomics>::try_acquire() noexcept {
  if (!can_send()) return nullptr;
  if (sender_.home_count == 0) {
    collect_credits();
    if (sender_.home_count == 0) {
      sender_.stalls.add();
      return nullptr;
    }
  }
  ++sender_.acquired;
  sender_.high_water.raise_to(credits_ - sender_.home_count + 1);
  return sender_.home[--sender_.home_count];
}

template <typename Atomics>
void BasicExchange<Atomics>::send(Batch* batch) noexcept {
  WEIR_CHECK(batch != nullptr && sender_.acquired != 0);
  if (has_pending()) flush_pending();
  WEIR_CHECK(sender_.fences == 0 && !sender_.ended);
  --sender_.acquired;
  sender_.batches.add();
  sender_.rows.add(batch->selected_count());
  const bool pushed = forward_->try_push({batch, {}});
  WEIR_CHECK(pushed);  // invariant 2
  if (receiver_waker_ != nullptr) receiver_waker_->notify();
}

template <typename Atomics>
void BasicExchange<Atomics>::return_unused(Batch* batch) noexcept {
  WEIR_CHECK(batch != nullptr && sender_.acquired != 0);
  batch->reset();
  --sender_.acquired;
  sender_.home[sender_.home_count++] = batch;
}

template <typename Atomics>
bool BasicExchange<Atomics>::control_has_room() noexcept {
  if (sender_.controls_in_ring < control_slots_) return true;
  const std::uint64_t released = forward_->released();
  while (sender_.controls_in_ring != 0 && sender_.control_positions[sender_.oldest_control] < released) {
    sender_.oldest_control = (sender_.oldest_control + 1) % control_slots_;
    --sender_.controls_in_ring;
  }
  return sender_.controls_in_ring < control_slots_;
}

template <typename Atomics>
void BasicExchange<Atomics>::push_control(const Control& control) noexcept {
  const std::uint32_t newest = (sender_.oldest_control + sender_.controls_in_ring) % control_slots_;
  sender_.control_positions[newest] = forward_->pushed();
  ++sender_.controls_in_ring;
  sender_.controls.add();
  const bool pushed = forward_->try_push({nullptr, control});
  WEIR_CHECK(pushed);  // invariant 2
  if (receiver_waker_ != nullptr) receiver_waker_->notify();
}

template <typename Atomics>
void BasicExchange<Atomics>::send_control(const Control& control) noexcept {
  WEIR_CHECK(!sender_.ended);
  const bool watermark = control.kind == Control::Kind::kWatermark;
  if (control.kind == Control::Kind::kEndOfInput) sender_.ended = true;
  if (has_pending()) flush_pending();
  if (!has_pending() && control_has_room()) {
    push_control(control);
    return;
  }
  if (watermark && has_pending()) {
    Control& last = sender_.pending[sender_.pending_count - 1];
    if (last.kind == Control::Kind::kWatermark) {
      if (control.value > last.value) last.value = control.value;
      sender_.coalesced.add();
      return;
    }
  }
  WEIR_CHECK_LT(sender_.pending_count, kPendingControlsMax);
  sender_.pending[sender_.pending_count++] = control;
  if (!watermark) ++sender_.fences;
}

template <typename Atomics>
std::size_t BasicExchange<Atomics>::flush_pending() noexcept {
  std::uint32_t sent = 0;
  while (sent < sender_.pending_count && control_has_room()) {
    const Control& control = sender_.pending[sent++];
    if (control.kind != Control::Kind::kWatermark) --sender_.fences;
    push_control(control);
  }
  for (std::uint32_t i = sent; i < sender_.pending_count; ++i) sender_.pending[i - sent] = sender_.pending[i];
  sender_.pending_count -= sent;
  return sent;
}

template <typename Atomics>
bool BasicExchange<Atomics>::receive(ExchangeItem& out) noexcept {
  if (!forward_->try_pop(out)) return false;
  if (out.batch != nullptr) {
    ++receiver_.held;
    receiver_.batches.add();
    receiver_.rows.add(out.batch->selected_count());
  } else if (sender_waker_ != nullptr) {
    sender_waker_->notify();  // a control slot is free, which may be what a parked sender waits for
  }
  return true;
}

template <typename Atomics>
void BasicExchange<Atomics>::give_back(Batch* batch) noexcept {
  WEIR_CHECK(batch != nullptr && receiver_.held != 0);
  batch->reset();
  --receiver_.held;
  const bool pushed = back_->try_push(batch);
  WEIR_CHECK(pushed);  // invariant 3
  if (sender_waker_ != nullptr) sender_waker_->notify();
}

template <typename Atomics>
void BasicExchange<Atomics>::check_credits() noexcept {
  if (credits_ == 0) return;  // was never laid out
  std::uint64_t found = sender_.home_count + sender_.acquired + receiver_.held + back_->readable();
  ExchangeItem item;
  while (forward_->try_pop(item)) found += item.batch != nullptr ? 1 : 0;
  WEIR_CHECK_EQ(found, credits_);
}

extern template class BasicExchange<ParkingAtomics>;
using Exchange = BasicExchange<ParkingAtomics>;

}  // namespace weir
