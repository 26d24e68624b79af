// One way to run every ring: two pinned threads, numbers 1 to n through a ring of the same capacity, either one by one
// or in runs, with the same wait loop on both sides; or a number there and back through two rings. The wait loop
// decides more than the ring does, so a comparison holds for one kind of waiting only.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "harness/timing.h"
#include "weir/core/atomics.h"

namespace weir::bench {

inline constexpr std::uint32_t kRunMax = 64;

struct RingRun {
  std::uint64_t items = 0;
  std::uint32_t run = 1;  ///< 1: one by one; else that many, at most kRunMax.
  bool pause = false;     ///< A pause of the core between two looks.
  bool round_trip = false;
  std::uint64_t capacity = 8192;
  int sender_cpu = 0, receiver_cpu = 1;
};

/// A ring under its name. The function returns millions of items a second, or nanoseconds of a round trip, or ends the
/// program where what came out is not what went in.
struct RingSubject {
  std::string name;
  std::function<double(const RingRun&)> run;
};

/// For rings without runs of their own: one item after another.
template <typename Ring>
class OneByOne {
 public:
  std::uint32_t push_run(const std::uint64_t* items, std::uint32_t count) {
    std::uint32_t done = 0;
    while (done < count && static_cast<Ring*>(this)->push(items[done])) ++done;
    return done;
  }
  std::uint32_t pop_run(std::uint64_t* items, std::uint32_t count) {
    std::uint32_t done = 0;
    while (done < count && static_cast<Ring*>(this)->pop(items[done])) ++done;
    return done;
  }
};

void check_ring_sum(const std::string& name, std::uint64_t items, std::uint64_t sum);

template <bool kPause>
void wait_once() noexcept {
  if constexpr (kPause) cpu_relax();
}

template <typename Ring, bool kPause>
void send_all(Ring& ring, const RingRun& shape) {
  if (shape.run == 1) {
    for (std::uint64_t i = 1; i <= shape.items; ++i) {
      while (!ring.push(i)) wait_once<kPause>();
    }
    return;
  }
  std::array<std::uint64_t, kRunMax> items;
  for (std::uint64_t sent = 0; sent < shape.items;) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(shape.run, shape.items - sent));
    for (std::uint32_t i = 0; i < count; ++i) items[i] = sent + i + 1;
    for (std::uint32_t done = 0; done < count;) {
      const std::uint32_t now = ring.push_run(items.data() + done, count - done);
      if (now == 0) wait_once<kPause>();
      done += now;
    }
    sent += count;
  }
}

template <typename Ring, bool kPause>
std::uint64_t receive_all(Ring& ring, const RingRun& shape) {
  std::uint64_t sum = 0, item = 0;
  if (shape.run == 1) {
    for (std::uint64_t i = 1; i <= shape.items; ++i) {
      while (!ring.pop(item)) wait_once<kPause>();
      sum += item;
    }
    return sum;
  }
  std::array<std::uint64_t, kRunMax> items;
  for (std::uint64_t received = 0; received < shape.items;) {
    const std::uint32_t now = ring.pop_run(items.data(), shape.run);
    if (now == 0) wait_once<kPause>();
    for (std::uint32_t i = 0; i < now; ++i) sum += items[i];
    received += now;
  }
  return sum;
}

template <typename Ring, bool kPause>
double stream(const std::string& name, const RingRun& shape) {
  const auto ring = std::make_unique<Ring>(shape.capacity);
  std::atomic<bool> go{false};
  std::thread sender([&] {
    pin_here(shape.sender_cpu);
    while (!go.load(std::memory_order_acquire)) {
    }
    send_all<Ring, kPause>(*ring, shape);
  });
  pin_here(shape.receiver_cpu);
  const double start = wall_seconds();
  go.store(true, std::memory_order_release);
  const std::uint64_t sum = receive_all<Ring, kPause>(*ring, shape);
  const double seconds = wall_seconds() - start;
  sender.join();
  check_ring_sum(name, shape.items, sum);
  return static_cast<double>(shape.items) / seconds / 1e6;
}

template <typename Ring, bool kPause>
double round_trip(const std::string& name, const RingRun& shape) {
  const auto there = std::make_unique<Ring>(shape.capacity), back = std::make_unique<Ring>(shape.capacity);
  std::thread other([&] {
    pin_here(shape.sender_cpu);
    std::uint64_t item = 0;
    for (std::uint64_t i = 1; i <= shape.items; ++i) {
      while (!there->pop(item)) wait_once<kPause>();
      while (!back->push(item)) wait_once<kPause>();
    }
  });
  pin_here(shape.receiver_cpu);
  std::uint64_t sum = 0, item = 0;
  const double start = wall_seconds();
  for (std::uint64_t i = 1; i <= shape.items; ++i) {
    while (!there->push(i)) wait_once<kPause>();
    while (!back->pop(item)) wait_once<kPause>();
    sum += item;
  }
  const double seconds = wall_seconds() - start;
  other.join();
  check_ring_sum(name, shape.items, sum);
  return seconds / static_cast<double>(shape.items) * 1e9;
}

template <typename Ring>
RingSubject ring_subject(std::string name) {
  return {name, [name](const RingRun& shape) {
            if (shape.round_trip)
              return shape.pause ? round_trip<Ring, true>(name, shape) : round_trip<Ring, false>(name, shape);
            return shape.pause ? stream<Ring, true>(name, shape) : stream<Ring, false>(name, shape);
          }};
}

}  // namespace weir::bench
