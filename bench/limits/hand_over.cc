// The limit of an exchange: batches filled on one core, summed on the other and given back, with nothing around it.
#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "harness/columns.h"
#include "limits/limits.h"

namespace weir::bench {
namespace {

// One index a slot, one published position each side, remembered positions of the other side: nothing can be left out.
class BareRing {
 public:
  void push(std::uint32_t item) noexcept {
    while (tail_own_ - head_seen_ == kSlots) head_seen_ = head_.load(std::memory_order_acquire);
    slots_[tail_own_ % kSlots] = item;
    tail_.store(++tail_own_, std::memory_order_release);
  }
  std::uint32_t pop() noexcept {
    while (head_own_ == tail_seen_) tail_seen_ = tail_.load(std::memory_order_acquire);
    const std::uint32_t item = slots_[head_own_ % kSlots];
    head_.store(++head_own_, std::memory_order_release);
    return item;
  }

 private:
  static constexpr std::uint64_t kSlots = 64;
  alignas(128) std::atomic<std::uint64_t> tail_{0};
  alignas(128) std::atomic<std::uint64_t> head_{0};
  alignas(128) std::uint64_t tail_own_ = 0;
  std::uint64_t head_seen_ = 0;
  alignas(128) std::uint64_t head_own_ = 0;
  std::uint64_t tail_seen_ = 0;
  alignas(128) std::array<std::uint32_t, kSlots> slots_{};
};

}  // namespace

void fill_values(std::uint64_t* values, std::size_t count, std::uint64_t value) noexcept {
  for (std::size_t i = 0; i < count; ++i) values[i] = value;
}

std::uint64_t sum_values(const std::uint64_t* values, std::size_t count) noexcept {
  return read_words(values, count);
}

double hand_over(const HandOver& shape, std::uint64_t* sum) {
  const std::size_t words = std::size_t{shape.rows} * shape.columns;
  Column<std::uint64_t> memory(words * shape.credits);
  const auto full = std::make_unique<BareRing>(), empty = std::make_unique<BareRing>();
  for (std::uint32_t i = 0; i < shape.credits; ++i) empty->push(i);
  std::atomic<bool> go{false};
  std::thread sender([&] {
    pin_here(shape.sender_cpu);
    while (!go.load(std::memory_order_acquire)) {
    }
    for (std::uint64_t b = 0; b < shape.batches; ++b) {
      const std::uint32_t at = empty->pop();
      for (std::uint32_t c = 0; c < shape.columns; ++c)
        fill_values(memory.data() + at * words + std::size_t{c} * shape.rows, shape.rows, b + c);
      full->push(at);
    }
  });
  pin_here(shape.receiver_cpu);
  const double start = wall_seconds();
  go.store(true, std::memory_order_release);
  std::uint64_t total = 0;
  for (std::uint64_t b = 0; b < shape.batches; ++b) {
    const std::uint32_t at = full->pop();
    for (std::uint32_t c = 0; c < shape.columns; ++c)
      total += sum_values(memory.data() + at * words + std::size_t{c} * shape.rows, shape.rows);
    empty->push(at);
  }
  const double seconds = wall_seconds() - start;
  sender.join();
  *sum = total;
  return static_cast<double>(shape.batches * shape.rows) / seconds;
}

}  // namespace weir::bench
