// The limit of a hand-over between cores: one cache line there and back.
#include <atomic>
#include <thread>

#include "limits/limits.h"

namespace weir::bench {

double line_round_trip(std::uint64_t rounds, int here, int there) {
  struct Lines {
    alignas(128) std::atomic<std::uint64_t> ask{0};
    alignas(128) std::atomic<std::uint64_t> answer{0};
  };
  Lines lines;
  std::thread other([&] {
    pin_here(there);
    for (std::uint64_t i = 1; i <= rounds; ++i) {
      while (lines.ask.load(std::memory_order_acquire) != i) {
      }
      lines.answer.store(i, std::memory_order_release);
    }
  });
  pin_here(here);
  const double start = wall_seconds();
  for (std::uint64_t i = 1; i <= rounds; ++i) {
    lines.ask.store(i, std::memory_order_release);
    while (lines.answer.load(std::memory_order_acquire) != i) {
    }
  }
  const double seconds = wall_seconds() - start;
  other.join();
  return seconds / static_cast<double>(rounds) * 1e9;
}

}  // namespace weir::bench
