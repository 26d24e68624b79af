// Receive of binary batches over TCP on loopback, one connection, one shard: columns from another Weir to a count, two
// sums and two maxima, so that every column is wanted.
//
// Expected. The system copies each byte twice: into the sender's socket buffers on the sender's core, which also does
// the protocol's work of both sides (loopback delivers in the sender's context), and out of them on the receiver's. So
// the sender's core is the busier one, at 4 to 8 GB/s, and the receiver has time left. Weir copies the columns once
// more from the receive buffer to its batch, both in the second-level cache (20 GB/s and more), adds four columns (10
// GB/s and more together) and counts; a frame that two receive buffers share is collected first. Where the receiver's
// core has the time, that hides behind the sender's work; where not, it is 0.1 to 0.15 ns a byte beside 0.15 to 0.25.
// Bar: 0.8 of one multishot receive alone, which looks at nothing, of the same bytes from the same sender.
#include <cstdio>
#include <thread>

#include "limits/limits.h"
#include "net/loopback.h"
#include "weir/core/batch.h"
#include "workloads/host_job.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr const char* kName = "net_receive";
constexpr std::size_t kPeriod = 1 << 16;  // rows that the sender repeats: 2 MiB of frames

struct Sums {
  std::uint64_t rows = 0;
  std::int64_t ids = 0, quantities = 0, latest = 0;
  double highest = 0;
};

/// The frames of kPeriod rows.
class Feeder {
 public:
  Feeder()
      : stream_({{{"id", Type::bigint()},
                  {"price", Type::float64()},
                  {"quantity", Type::bigint()},
                  {"at", Type::timestamp(9)}}},
                8192) {
    for (std::size_t row = 0; row < kPeriod;) {
      Batch& batch = stream_.batch();
      for (std::uint32_t i = 0; i < batch.capacity(); ++i, ++row) {
        const auto number = static_cast<std::int64_t>(row);
        batch.column(0).values<std::int64_t>()[i] = number;
        batch.column(1).values<double>()[i] = static_cast<double>(row % 512) * 0.25;
        batch.column(2).values<std::int64_t>()[i] = number * 7 % 1000;
        batch.column(3).values<std::int64_t>()[i] = number * 1000;
        period_.ids += number;
        period_.quantities += number * 7 % 1000;
        period_.highest = std::max(period_.highest, static_cast<double>(row % 512) * 0.25);
        period_.latest = number * 1000;
      }
      batch.set_row_count(batch.capacity());
      stream_.append_to(frames_);
    }
    period_.rows = kPeriod;
  }
  std::uint64_t bytes(std::uint64_t periods) const { return stream_.hello().size() + periods * frames_.size(); }
  Sums sums(std::uint64_t periods) const {
    Sums all = period_;
    all.rows *= periods;
    all.ids *= static_cast<std::int64_t>(periods);
    all.quantities *= static_cast<std::int64_t>(periods);
    return all;
  }
  /// Sends everything from a thread on its own core; *start is when its first byte goes.
  std::thread send(std::uint16_t port, std::uint64_t periods, int cpu, double* start) const {
    return std::thread([=, this] {
      pin_here(cpu);
      const Socket socket = Socket::connect_to(port);
      *start = wall_seconds();
      socket.send_all(stream_.hello());
      for (std::uint64_t i = 0; i < periods; ++i) socket.send_all(frames_);
    });
  }

 private:
  BatchStream stream_;
  std::string frames_;
  Sums period_;
};

double engine_run(const Feeder& feeder, std::uint64_t periods, const Parameters& parameters, BackendKind backend) {
  JobOptions options;
  options.cpus = {parameters.cpus[0]};
  options.backend = backend;
  options.batch_rows = static_cast<std::uint32_t>(parameters.value("batch_rows", 1024, 1024));
  Sums found;
  options.host_tables["answer"].write = [&](std::uint32_t, const Batch& batch) {
    for_each_row(batch, [&](std::uint32_t row) {
      found.rows = static_cast<std::uint64_t>(batch.column(0).values<std::int64_t>()[row]);
      found.ids = batch.column(1).values<std::int64_t>()[row];
      found.highest = batch.column(2).values<double>()[row];
      found.quantities = batch.column(3).values<std::int64_t>()[row];
      found.latest = batch.column(4).values<std::int64_t>()[row];
    });
  };
  LiveJob job(kName,
              "CREATE TABLE events (id BIGINT NOT NULL, price DOUBLE NOT NULL, quantity BIGINT NOT NULL, at "
              "TIMESTAMP(9) NOT NULL) WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:0', 'format' = 'batches', "
              "'connections-until-end' = '1');\n"
              "CREATE TABLE answer (n BIGINT, ids BIGINT, highest DOUBLE, quantity BIGINT, latest TIMESTAMP(9)) WITH "
              "('connector' = 'host');\n"
              "INSERT INTO answer SELECT COUNT(*), SUM(id), MAX(price), SUM(quantity), MAX(at) FROM events;",
              std::move(options));
  double start = 0;
  std::thread sender = feeder.send(job.port("events"), periods, parameters.cpus[1], &start);
  const Sums expected = feeder.sums(periods);
  job.finish(expected.rows);
  const double end = wall_seconds();
  sender.join();
  const double seconds = end - start;
  expect_equal(kName, "rows", expected.rows, found.rows);
  expect_equal(kName, "sum of ids", static_cast<std::uint64_t>(expected.ids), static_cast<std::uint64_t>(found.ids));
  expect_equal(kName, "sum of quantities", static_cast<std::uint64_t>(expected.quantities),
               static_cast<std::uint64_t>(found.quantities));
  expect_equal(kName, "highest price", expected.highest, found.highest);
  expect_equal(kName, "latest time", static_cast<std::uint64_t>(expected.latest),
               static_cast<std::uint64_t>(found.latest));
  return static_cast<double>(feeder.bytes(periods)) / seconds / 1e6;
}

double limit_run(const Feeder& feeder, std::uint64_t periods, const Parameters& parameters) {
  const Socket listener = Socket::listen_here();
  double start = 0;
  std::uint64_t bytes = 0;
  double end = 0;
  std::thread receiver([&] {  // like a shard, so that this thread stays where it is
    pin_here(parameters.cpus[0]);
    bytes = receive_socket(listener.fd(), static_cast<unsigned>(parameters.value("net.buffers", 16, 16)),
                           static_cast<unsigned>(parameters.value("net.buffer_bytes", 65536, 65536)));
    end = wall_seconds();
  });
  std::thread sender = feeder.send(listener.port(), periods, parameters.cpus[1], &start);
  receiver.join();
  sender.join();
  expect_equal(kName, "bytes of the limit", feeder.bytes(periods), bytes);
  return static_cast<double>(bytes) / (end - start) / 1e6;
}

}  // namespace

void run_net_receive(const Parameters& parameters, Report& report) {
  const Feeder feeder;
  const std::uint64_t periods = parameters.value("net.bytes", 4'000'000'000, 8'000'000) / feeder.bytes(1) + 1;
  const Turns turns =
      take_turns(parameters.runs, {[&] { return engine_run(feeder, periods, parameters, BackendKind::kAuto); },
                                   [&] { return limit_run(feeder, periods, parameters); },
                                   [&] { return engine_run(feeder, periods, parameters, BackendKind::kEpoll); }});
  report.add({kName, "batches, 32 B a row", "MB/s", turns.rate(0), "multishot receive alone", turns.rate(1),
              turns.ratio(0, 1), Bar::kAtLeast, 0.8});
  report.add({kName, "the same by epoll", "MB/s", turns.rate(2), "multishot receive alone", turns.rate(1),
              turns.ratio(2, 1), Bar::kNone, 0});
}

}  // namespace weir::bench
