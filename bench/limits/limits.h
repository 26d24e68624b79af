// Limits: what this machine allows for the piece of work that a workload rests on, by the plainest loops that are known
// to be fast. They are run in turn with the workload, so that both see the same machine. They are compiled for the very
// processor of the build machine; Weir's own code is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/timing.h"

namespace weir::bench {

struct CountSum {
  double sum = 0;
  std::uint64_t count = 0;
};

/// Adds row i to groups[keys[i]]: one load of a key and a value, one read-modify-write of a row of accumulators that
/// stays in cache. No event time, no window, no batch.
void scatter(const std::int32_t* keys, const double* values, std::size_t rows, CountSum* groups) noexcept;

/// A table of {key, sum, count}, at most half full, linear probing, hashed by CRC32, and rows added with a prefetch
/// some rows ahead.
class ProbeTable {
 public:
  explicit ProbeTable(std::size_t keys);
  void add(const std::int64_t* keys, const double* values, std::size_t rows) noexcept;
  std::uint64_t count() const noexcept;
  double sum() const noexcept;

 private:
  struct Entry {
    std::int64_t key;
    double sum;
    std::uint64_t count;  // 0: free
  };
  std::vector<Entry> entries_;
  std::uint64_t mask_;
};

/// Sum of all words, read front to back by one thread: memory bandwidth where they lie outside the caches.
std::uint64_t read_words(const std::uint64_t* words, std::size_t count) noexcept;

/// What a batch carries across cores, and what is done with it on either side: shared by the hand-over limit and by the
/// workload beside it.
void fill_values(std::uint64_t* values, std::size_t count, std::uint64_t value) noexcept;
std::uint64_t sum_values(const std::uint64_t* values, std::size_t count) noexcept;

struct HandOver {
  std::uint32_t rows = 1024, columns = 4, credits = 16;
  std::uint64_t batches = 0;
  int sender_cpu = 0, receiver_cpu = 1;
};
/// Fill on one core, send an index, sum on the other core, give the index back; the barest pair of rings. Returns rows
/// a second; *sum is that of all values.
double hand_over(const HandOver& shape, std::uint64_t* sum);

/// Nanoseconds there and back of one cache line between two cores, without any ring.
double line_round_trip(std::uint64_t rounds, int here, int there);

/// Fields of a trade that the JSON pass takes; the text has no other shape.
struct TradeSums {
  std::uint64_t lines = 0, ids = 0, makers = 0;
  double prices = 0, quantities = 0;
};
/// simdjson's on-demand pass over JSON lines, six fields a line. The text must have 64 readable bytes behind its end.
TradeSums json_pass(std::string_view text);

/// Copies a file by io_uring, eight registered buffers of 256 KiB in flight. False where it could not, or not all of
/// it.
bool copy_file(const std::string& from, const std::string& to);

/// Takes one connection from the listener and receives up to the peer's end by one io_uring multishot receive over a
/// ring of that many provided buffers. Nobody looks at the bytes. Returns their number, 0 where io_uring cannot be
/// used.
std::uint64_t receive_socket(int listener, unsigned buffers, unsigned buffer_bytes);

/// Takes one connection and gives each message back as soon as it is whole, in a busy loop, until the peer ends; or
/// takes two, and gives back on the second what comes on the first. Returns the number of messages.
std::uint64_t echo_socket(int listener, std::size_t message_bytes, bool two_connections);

}  // namespace weir::bench
