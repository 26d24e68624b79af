// Backpressure from end to end on sockets and disks of this machine, with the shards' own threads and polled: whatever
// stands still, the sender blocks, memory stays within the bound that explain prints, and it goes on by itself. What
// backpressure_test.cc shows in simulated time stands here once more on both backends of the kernel.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "engine/socket_pressure.h"
#include "support/small_disk.h"

namespace weir::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Backends, SocketBackpressure,
                         testing::Combine(testing::Values(BackendKind::kAuto, BackendKind::kEpoll), testing::Bool()),
                         backend_and_threads);

const std::string kSource =
    "CREATE TABLE t (k INT, n BIGINT) WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:0', 'format' = 'csv', "
    "'connections-until-end' = '1');\n";

std::string sink(const std::string& options) {
  return "CREATE TABLE o (k INT, n BIGINT) WITH ('format' = 'csv', " + options +
         ");\nINSERT INTO o SELECT k, n FROM t;";
}

TEST_P(SocketBackpressure, a_frozen_reader_of_the_sink_blocks_the_sender_and_gets_every_row_when_it_goes_on) {
  std::string address;
  const Socket listener = Socket::listen(address);
  make(kSource +
       sink("'connector' = 'tcp', 'connect' = '" + address + "', 'ring-bytes' = '65536', 'close-timeout' = '0'"));
  ASSERT_FALSE(HasFatalFailure());
  Reader reader;
  ASSERT_TRUE(turn_until([&] {
    reader.socket = Socket(::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    return reader.socket.valid();
  }));
  sender_ = connect("t");
  freeze("o: a subscriber is slow");
  ASSERT_FALSE(HasFatalFailure());
  recover({&reader});
}

TEST_P(SocketBackpressure, a_frozen_subscriber_that_may_block_stops_the_others_and_the_sender_until_it_goes_on) {
  make(kSource + sink("'connector' = 'tcp', 'listen' = '127.0.0.1:0', 'ring-bytes' = '65536', 'close-timeout' = '0', "
                      "'wait-for-subscribers' = '2', 'slow-subscribers' = 'block'"));
  ASSERT_FALSE(HasFatalFailure());
  Reader frozen, other;
  frozen.socket = connect("o");
  other.socket = connect("o");
  sender_ = connect("t");
  freeze("o: a subscriber is slow");
  ASSERT_FALSE(HasFatalFailure());
  recover({&frozen, &other});
  ASSERT_EQ(ledger_.deliveries.size(), 1u);
  const Deliveries& counts = ledger_.deliveries[0].counts;
  EXPECT_EQ(counts.delivered, 2 * ledger_.records_read);
  EXPECT_EQ(counts.offered, counts.delivered);
}

TEST_P(SocketBackpressure,
       a_disk_that_is_full_when_the_last_rows_are_written_is_waited_for_though_the_input_has_ended) {
  const Folder folder;
  SmallDisk disk(folder.path(), "size=1m");
  if (!disk.mounted()) GTEST_SKIP() << "no small file system can be mounted here: " << disk.why();
  make(kSource + sink("'connector' = 'filesystem', 'path' = '" + folder.path("out") + "'"));
  ASSERT_FALSE(HasFatalFailure());
  sender_ = connect("t");
  std::uint64_t limit = (1 << 20) + 100'000;  // what does not fit stands in the sink's buffers
  bool shut = false;
  ASSERT_TRUE(turn_until([&] {
    feed(limit);
    if (sent_.taken() == limit) limit += sent_.rest_of_row();
    if (sent_.taken() == limit && !shut) shut = ::shutdown(sender_.fd(), SHUT_WR) == 0;
    return shut && job_->progress().rows_out == sent_.rows_taken() && job_->progress().stalled == "o: the disk is full";
  })) << job_->progress().stalled;
  EXPECT_FALSE(job_->progress().finished);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path("out")), {}), 1);
  ASSERT_TRUE(disk.resize("size=16m")) << std::strerror(errno);
  recover({});
  EXPECT_EQ(read_parts(folder.path("out")).size(), sent_.rows_taken());
}

TEST_P(SocketBackpressure, a_full_disk_blocks_the_sender_and_gets_every_row_when_it_has_room_again) {
  const Folder folder;
  SmallDisk disk(folder.path(), "size=2m");
  if (!disk.mounted()) GTEST_SKIP() << "no small file system can be mounted here: " << disk.why();
  make(kSource + sink("'connector' = 'filesystem', 'path' = '" + folder.path("out") + "'"));
  ASSERT_FALSE(HasFatalFailure());
  sender_ = connect("t");
  freeze("o: the disk is full");
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_TRUE(disk.resize("size=512m")) << std::strerror(errno);
  recover({});
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_TRUE(std::any_of(ledger_.counts.begin(), ledger_.counts.end(), [](const TableCount& count) {
    return count.name == "times the disk was full" && count.count >= 1;
  }));
  std::vector<std::string> rows = read_parts(folder.path("out"));
  EXPECT_EQ(rows.size(), ledger_.records_read);
  std::uint64_t bytes = 0;
  std::vector<bool> seen(rows.size());
  for (const std::string& row : rows) {
    bytes += row.size() + 1;
    const std::uint64_t n = std::stoull(row.substr(row.find(',') + 1));
    ASSERT_LT(n, seen.size());
    ASSERT_EQ(row, std::to_string(n % 10) + "," + std::to_string(n));
    ASSERT_FALSE(seen[n]);
    seen[n] = true;
  }
  EXPECT_EQ(bytes, sent_.taken());
}

}  // namespace
}  // namespace weir::test
