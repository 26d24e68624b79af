// An exchange of batches of 1,024 rows x 4 columns between two cores: fill, send, receive, sum, give back.
//
// Expected. 32 KiB a batch go from one core's cache to the other's, 512 lines; what the rings add is one position and
// one slot each way a batch, about 0.2 us of latency that 16 batches in flight hide. So as much as the bare hand-over
// of the same bytes, less a few per cent for counters and for setting a returned batch back. Bar: 0.8.
#include <atomic>
#include <thread>

#include "limits/limits.h"
#include "weir/core/exchange.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr std::array<Physical, 4> kColumns = {Physical::kInt64, Physical::kInt64, Physical::kInt64, Physical::kInt64};

void send_batches(Exchange& exchange, const HandOver& shape) {
  for (std::uint64_t b = 0; b < shape.batches; ++b) {
    Batch* batch = nullptr;
    while ((batch = exchange.try_acquire()) == nullptr) {
    }
    for (std::uint32_t c = 0; c < shape.columns; ++c)
      fill_values(batch->column(c).values<std::uint64_t>(), shape.rows, b + c);
    batch->set_row_count(shape.rows);
    exchange.send(batch);
  }
}

double run_exchange_once(const HandOver& shape, std::uint64_t* sum) {
  const BatchLayout layout{
      .columns = kColumns, .capacity = shape.rows, .heap_bytes = 0, .nullable = false, .kinds = false};
  const ExchangeOptions options{.credits = shape.credits, .control_slots = kControlSlotsDefault};
  Arena arena =
      Arena::create({.bytes = Exchange::bytes_needed(layout, options), .huge_pages = true, .prefault = true}).value();
  const auto exchange = Exchange::create(arena, layout, options).value();
  std::atomic<bool> go{false};
  std::thread sender([&] {
    pin_here(shape.sender_cpu);
    while (!go.load(std::memory_order_acquire)) {
    }
    send_batches(*exchange, shape);
  });
  pin_here(shape.receiver_cpu);
  const double start = wall_seconds();
  go.store(true, std::memory_order_release);
  std::uint64_t total = 0;
  for (std::uint64_t b = 0; b < shape.batches; ++b) {
    ExchangeItem item;
    while (!exchange->receive(item)) {
    }
    for (std::uint32_t c = 0; c < shape.columns; ++c)
      total += sum_values(item.batch->column(c).values<std::uint64_t>(), item.batch->row_count());
    exchange->give_back(item.batch);
  }
  const double seconds = wall_seconds() - start;
  sender.join();
  *sum = total;
  return static_cast<double>(shape.batches * shape.rows) / seconds;
}

}  // namespace

void run_exchange(const Parameters& parameters, Report& report) {
  HandOver shape;
  shape.batches = parameters.value("exchange.batches", 200'000, 200);
  shape.sender_cpu = parameters.cpus[1];
  shape.receiver_cpu = parameters.cpus[0];
  const std::uint64_t n = shape.batches, columns = shape.columns;
  const std::uint64_t expected = shape.rows * (columns * (n * (n - 1) / 2) + n * (columns * (columns - 1) / 2));
  const auto engine = [&] {
    std::uint64_t sum = 0;
    const double rate = run_exchange_once(shape, &sum);
    expect_equal("exchange", "sum", expected, sum);
    return rate / 1e6;
  };
  const auto limit = [&] {
    std::uint64_t sum = 0;
    const double rate = hand_over(shape, &sum);
    expect_equal("exchange", "sum of the limit", expected, sum);
    return rate / 1e6;
  };
  const Turns turns = take_turns(parameters.runs, {engine, limit});
  report.add({"exchange", "1,024 rows x 4 x 8 B, 16 credits", "M rows/s", turns.rate(0), "hand-over limit",
              turns.rate(1), turns.ratio(0, 1), Bar::kAtLeast, 0.8});
}

}  // namespace weir::bench
