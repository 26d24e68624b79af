// Floors: what the machine alone makes of a schedule, so that a latency can be read. Each is taken in pieces of a tenth
// of a second in turn with what it stands beside, by threads of the same priority on the same cores.
//
//   round trip   one number there and back through two bare rings, the next one once the last is back (closed loop)
//   gaps         how late one bare loop on one core sees each time of the schedule, the other core being free
//   gaps of two  the same on both cores at once: what a path over two cores can be late by, without a path
//   open loop    the schedule itself through bare rings: a thread sends each number at its time, another takes it,
//                takes the time, records it and sends it back; nothing else is done
#pragma once

#include <cstdint>

#include "latency/distribution.h"

namespace weir::bench {

/// Where the two threads of a measurement run.
struct TwoCores {
  int sender = 1;
  int receiver = 0;
  bool in_front = false;  ///< By real-time priority, so that no other thread of the machine interrupts them.
};

/// Binds the calling thread, and threads that it makes, to the CPU; in front of others where that is wanted.
void take_core(int cpu, bool in_front) noexcept;
/// Whether the system lets this process run in front of others (SCHED_FIFO).
bool may_run_in_front() noexcept;

/// How late a loop that does nothing else sees each time of a schedule.
void record_gaps(std::uint64_t events, double events_per_second, int cpu, bool in_front, Histogram& late);
/// The same on both cores at once, into one histogram.
void record_gaps_of_two(std::uint64_t events, double events_per_second, const TwoCores& cores, Histogram& late);
/// Round trips of a number through two bare rings between two spinning threads, from the sender.
void record_round_trips(std::uint64_t rounds, const TwoCores& cores, Histogram& trips);
/// Numbers sent at the times of a schedule through a bare ring and back through another, from when each was meant: to
/// the receiver, and back to the sender. The first `warm` are not recorded.
void record_open_loop(std::uint64_t events, std::uint64_t warm, double events_per_second, const TwoCores& cores,
                      Histogram& there, Histogram& and_back);

}  // namespace weir::bench
