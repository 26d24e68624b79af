// Ring: a bounded queue from one thread to one other thread, without locks.
//
//   position   head                    tail              head + capacity
//                │                       │                      │
//   slots    ····▼■■■■■■■■■■■■■■■■■■■■■■■▼······················▼     slot of position p = p & mask
//                 readable: consumer's     free: producer's
//
//   in memory, each on its own 128 bytes:
//   | producer's own: limit, slots, mask | tail | head | consumer's own: seen tail, slots, mask |
//      read and written by producer        w: producer, r: consumer
//                                                 w: consumer, r: producer
//
// Positions are 64 bits and run free; they do not wrap in the life of a process. Either side keeps what it last saw of
// the other's position and looks again only when that says empty (or full): in a busy stream the two threads meet on a
// line once for many items, not once for each. A cache line from one core to another is the whole cost of a ring, so
// publish runs (claim … commit, peek … release) where there is more than one item.
//
// Pacing. A consumer that keeps up looks at tail so often that the producer never owns the line for long: every item
// then costs two line transfers. So after a look that found only a few items the next one waits a moment, 2 to 16
// pauses of the core: longer while that finds several items at once, which is a stream, and shorter when it finds none
// or one, which is a conversation, in which the answer takes longer than the wait. A policy without kPaced never waits.
//
// Invariants
//   1. head <= tail <= head + capacity.
//   2. The slots of [head, tail) belong to the consumer, all others to the producer. Nobody touches another's slot.
//   3. tail is stored by the producer alone, head by the consumer alone; both only grow.
//   4. limit <= head + capacity and seen tail <= tail: what a side remembers is old, so it may wait too long
//      until it looks again, but it never takes what is not its own.
//   5. tail.store(kPublish) pairs with the consumer's tail.load(kObserve): what was written into a slot is read there.
//   6. head.store(kPublish) pairs with the producer's head.load(kObserve): what was read from a slot has been read
//      before the slot is written again.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "weir/core/arena.h"
#include "weir/core/atomics.h"
#include "weir/core/check.h"
#include "weir/core/result.h"

namespace weir {

inline constexpr std::uint64_t kRingCapacityMax = std::uint64_t{1} << 32;

/// The smallest capacity that a ring can have for that many items.
constexpr std::uint64_t ring_capacity(std::uint64_t items) noexcept {
  return std::bit_ceil(items == 0 ? 1 : items);
}

/// See the head of the file. Thread: one producer and one consumer, each may move from thread to thread with a
/// happens-before. Errors: full and empty are values. Allocates: at creation only.
template <typename T, typename Atomics = StdAtomics>
class Ring {
  static_assert(std::is_trivially_copyable_v<T>, "items are copied into slots and are gone without a destructor");

 public:
  using Cell = typename Atomics::template Cell<T>;

  /// Uses the caller's memory, which must outlive the ring. Requires: a power of two of slots.
  explicit Ring(std::span<Cell> slots) noexcept
      : producer_{.limit = slots.size(), .slots = slots.data(), .mask = slots.size() - 1},
        consumer_{.seen = 0, .slots = slots.data(), .mask = slots.size() - 1} {
    WEIR_CHECK(std::has_single_bit(slots.size()));
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// Makes a ring on the heap. Errors: kInvalidArgument where the capacity is no power of two or above
  /// kRingCapacityMax, kOutOfMemory.
  static Result<std::unique_ptr<Ring>> create(std::uint64_t capacity) {
    WEIR_TRY(check_capacity(capacity));
    auto* slots =
        static_cast<Cell*>(::operator new[](capacity * sizeof(Cell), std::align_val_t{kSeparation}, std::nothrow));
    if (slots == nullptr) return Error(ErrorCode::kOutOfMemory, "no memory for a ring");
    std::uninitialized_value_construct_n(slots, capacity);
    auto ring = std::make_unique<Ring>(std::span<Cell>(slots, capacity));
    ring->owned_.reset(slots);
    return ring;
  }
  /// The same with slots from an arena, which must outlive the ring.
  static Result<std::unique_ptr<Ring>> create(Arena& arena, std::uint64_t capacity) {
    WEIR_TRY(check_capacity(capacity));
    WEIR_ASSIGN(void* memory, arena.allocate(capacity * sizeof(Cell), kSeparation));
    auto* slots = static_cast<Cell*>(memory);
    std::uninitialized_value_construct_n(slots, capacity);
    return std::make_unique<Ring>(std::span<Cell>(slots, capacity));
  }

  std::uint64_t capacity() const noexcept { return producer_.mask + 1; }

  // ---- producer ----

  /// Publishes one item, or returns false when the ring is full.
  bool try_push(const T& item) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // own position
    if (tail == producer_.limit) [[unlikely]] {
      if (!refresh_limit(tail)) return false;
    }
    producer_.slots[tail & producer_.mask] = item;
    tail_.store(tail + 1, Atomics::kPublish);  // pairs with refresh_seen, invariant 5
    return true;
  }

  /// Free slots in one piece, at most `want` of them and perhaps fewer; empty when the ring is full. Write them from
  /// the front, then commit.
  std::span<Cell> claim(std::uint64_t want) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // own position
    if (producer_.limit - tail < want) refresh_limit(tail);
    const std::uint64_t at = tail & producer_.mask;
    return {producer_.slots + at, smallest(want, producer_.limit - tail, producer_.mask + 1 - at)};
  }
  /// Publishes the first `count` slots of the last claim. Requires: count <= its size.
  void commit(std::uint64_t count) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // own position
    WEIR_DCHECK(count <= producer_.limit - tail);
    tail_.store(tail + count, Atomics::kPublish);  // pairs with refresh_seen, invariant 5
  }
  /// Slots that are free now.
  std::uint64_t free_slots() noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // own position
    refresh_limit(tail);
    return producer_.limit - tail;
  }
  /// Position of the next item to be published: how many have been published so far.
  std::uint64_t pushed() const noexcept { return tail_.load(std::memory_order_relaxed); }
  /// How many items the consumer has released, as far as the producer can see now.
  std::uint64_t released() noexcept {
    refresh_limit(tail_.load(std::memory_order_relaxed));
    return producer_.limit - capacity();
  }

  // ---- consumer ----

  /// Takes one item, or returns false when the ring is empty.
  bool try_pop(T& out) noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);  // own position
    if (head == consumer_.seen) [[unlikely]] {
      if (!refresh_seen_paced(head)) return false;
    }
    out = consumer_.slots[head & consumer_.mask];
    head_.store(head + 1, Atomics::kPublish);  // pairs with refresh_limit, invariant 6
    return true;
  }

  /// Readable slots in one piece, at most `want` and perhaps fewer; empty when the ring is empty.
  std::span<Cell> peek(std::uint64_t want) noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);  // own position
    if (head == consumer_.seen) refresh_seen_paced(head);
    const std::uint64_t at = head & consumer_.mask;
    return {consumer_.slots + at, smallest(want, consumer_.seen - head, consumer_.mask + 1 - at)};
  }
  /// Gives back the first `count` slots of the last peek. Requires: count <= its size.
  void release(std::uint64_t count) noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);  // own position
    WEIR_DCHECK(count <= consumer_.seen - head);
    head_.store(head + count, Atomics::kPublish);  // pairs with refresh_limit, invariant 6
  }
  /// Items that are readable now.
  std::uint64_t readable() noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);  // own position
    refresh_seen(head);
    return consumer_.seen - head;
  }

 private:
  struct FreeSlots {
    void operator()(Cell* slots) const noexcept { ::operator delete[](slots, std::align_val_t{kSeparation}); }
  };

  static Result<void> check_capacity(std::uint64_t capacity) {
    if (!std::has_single_bit(capacity) || capacity > kRingCapacityMax)
      return Error(ErrorCode::kInvalidArgument, "a ring's capacity must be a power of two and at most 2^32");
    return {};
  }
  static constexpr std::uint64_t smallest(std::uint64_t a, std::uint64_t b, std::uint64_t c) noexcept {
    const std::uint64_t ab = a < b ? a : b;
    return ab < c ? ab : c;
  }

  bool refresh_limit(std::uint64_t tail) noexcept {
    producer_.limit = head_.load(Atomics::kObserve) + producer_.mask + 1;  // pairs with try_pop, release
    return producer_.limit != tail;
  }
  bool refresh_seen(std::uint64_t head) noexcept {
    consumer_.seen = tail_.load(Atomics::kObserve);  // pairs with try_push, commit
    return consumer_.seen != head;
  }

  bool refresh_seen_paced(std::uint64_t head) noexcept {
    if constexpr (!Atomics::kPaced) return refresh_seen(head);
    const bool paced = consumer_.found_few;
    if (paced)
      for (std::uint32_t i = 0; i < consumer_.pauses; ++i) cpu_relax();
    const bool any = refresh_seen(head);
    const std::uint64_t found = consumer_.seen - head;
    if (paced) {
      const std::uint32_t longer = consumer_.pauses * 2, shorter = consumer_.pauses / 2;
      consumer_.pauses =
          found >= 2 ? (longer < kPausesMax ? longer : kPausesMax) : (shorter > kPausesMin ? shorter : kPausesMin);
    }
    consumer_.found_few = any && found < kFew && found <= consumer_.mask / 4;
    return any;
  }

  static constexpr std::uint32_t kPausesMin = 2;
  static constexpr std::uint32_t kPausesMax = 16;
  static constexpr std::uint64_t kFew = 256;  // a look that finds more has paid for its transfers

  struct alignas(kSeparation) Producer {
    std::uint64_t limit;  // tail may go up to here
    Cell* slots;
    std::uint64_t mask;
  };
  struct alignas(kSeparation) Consumer {
    std::uint64_t seen;  // tail, when last looked at
    Cell* slots;
    std::uint64_t mask;
    std::uint32_t pauses = kPausesMin;  // before the next look, if the last one found few
    bool found_few = false;
  };

  Producer producer_;
  alignas(kSeparation) typename Atomics::template Atomic<std::uint64_t> tail_{0};
  alignas(kSeparation) typename Atomics::template Atomic<std::uint64_t> head_{0};
  Consumer consumer_;
  std::unique_ptr<Cell[], FreeSlots> owned_;
};

}  // namespace weir
