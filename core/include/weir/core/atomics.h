// Atomics policy: where the lock-free parts of Weir get their atomics and memory orders from. The engine uses
// StdAtomics and ParkingAtomics; the tests put in a policy whose every access is a scheduling point, and so enumerate
// what two threads can do to each other.
#pragma once

#include <atomic>
#include <cstddef>

namespace weir {

/// Distance that keeps two threads' data apart: two cache lines, since the adjacent-line prefetcher fetches pairs.
inline constexpr std::size_t kSeparation = 128;

/// Release on publishing, acquire on observing: enough for data, not for a thread that goes to sleep.
struct StdAtomics {
  template <typename T>
  using Atomic = std::atomic<T>;
  template <typename T>
  using Cell = T;  ///< Memory that is handed over, never touched by two threads at once.
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kObserve = std::memory_order_acquire;
  static constexpr bool kPaced = true;  ///< Whether a consumer of single items may wait a moment (ring.h).
};

/// Sequentially consistent on both, so that "publish, then ask whether the other is parked" and "say that I am parked,
/// then look once more" cannot both miss (waker.h).
struct ParkingAtomics : StdAtomics {
  static constexpr std::memory_order kPublish = std::memory_order_seq_cst;
  static constexpr std::memory_order kObserve = std::memory_order_seq_cst;
  static constexpr bool kPaced = false;  ///< A shard has other rings to look at meanwhile.
};

/// Tells the core that this is a wait loop.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

}  // namespace weir
