// Backpressure from end to end on sockets and disks of this machine, with the shards' own threads and polled: whatever
// stands still, the sender blocks, memory stays within the bound that explain prints, and it goes on by itself. What
// backpressure_test.cc shows in simulated time stands here once more on both backends of the kernel.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <tuple>
#include <vector>

#include "engine/allocation_count.h"
#include "engine/job_run.h"
#include "support/small_disk.h"

namespace weir::test {
namespace {

/// Rows "k,n" without an end, as bytes: what is sent, and what has to come out.
class RowStream {
 public:
  /// The bytes that follow those taken, at least `size` of them.
  std::string_view ahead(std::size_t size) {
    while (bytes_.size() - at_ < size) {
      bytes_ += std::to_string(next_ % 10) + "," + std::to_string(next_) + "\n";
      ++next_;
    }
    return std::string_view(bytes_).substr(at_);
  }
  void take(std::size_t size) {
    if (size == 0) return;
    at_ += size;
    row_ended_ = bytes_[at_ - 1] == '\n';
    taken_ += size;
    if (at_ < 1u << 16) return;
    bytes_.erase(0, at_);
    at_ = 0;
  }
  std::uint64_t taken() const noexcept { return taken_; }
  /// Bytes up to the end of the row in which the taken ones end.
  std::size_t rest_of_row() const { return row_ended_ ? 0 : bytes_.find('\n', at_) + 1 - at_; }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
  std::uint64_t next_ = 0, taken_ = 0;
  bool row_ended_ = true;
};

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }

  static Socket make() {
    Socket made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int small = 16 << 10;  // of this side: what the kernel holds for it is soon full
    ::setsockopt(made.fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    ::setsockopt(made.fd_, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    return made;
  }
  static Socket connect_to(const std::string& address) {
    Socket made = make();
    const sockaddr_in to = loopback(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    EXPECT_EQ(::connect(made.fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0) << std::strerror(errno);
    made.never_block();
    return made;
  }
  static Socket listen(std::string& address) {
    Socket made = make();
    sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(made.fd_, reinterpret_cast<const sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(made.fd_, 1), 0);
    EXPECT_EQ(::getsockname(made.fd_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    made.never_block();
    return made;
  }
  void never_block() const { ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK); }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  int fd_ = -1;
};

using Parameters = std::tuple<BackendKind, bool>;

class SocketBackpressure : public testing::TestWithParam<Parameters> {
 protected:
  /// A reader that gets all rows.
  struct Reader {
    Socket socket;
    RowStream expected;
    bool ended = false;
    /// Takes what there is and compares it.
    void read() {
      char bytes[1 << 16];
      for (ssize_t count = 1; count > 0 && !ended;) {
        count = ::recv(socket.fd(), bytes, sizeof bytes, 0);
        ended = count == 0;
        if (count <= 0) return;
        const auto size = static_cast<std::size_t>(count);
        ASSERT_TRUE(expected.ahead(size).substr(0, size) == std::string_view(bytes, size))
            << "other bytes behind " << expected.taken();
        expected.take(size);
      }
    }
  };

  static bool threads() { return std::get<1>(GetParam()); }

  void make(const std::string& sql) {
    JobOptions options = small_options();
    options.backend = std::get<0>(GetParam());
    options.threads = threads();
    options.shards = 2;
    before_ = resident_bytes();
    auto plan = plan_job(sql, options);
    ASSERT_TRUE(plan.has_value()) << plan.error().to_string();
    const auto explained = Job::explain(*plan, options);
    ASSERT_TRUE(explained.has_value()) << explained.error().to_string();
    bound_ = explained->memory_bytes_max;
    auto job = Job::create(std::move(*plan), std::move(options));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    job_ = std::move(*job);
    if (threads()) {
      ASSERT_TRUE(job_->start().has_value());
    }
  }
  void turn() {
    if (threads())
      (void)job_->wait_for(1'000'000);
    else
      job_->poll();
  }
  template <class Condition>
  bool turn_until(const Condition& condition) {
    for (int i = 0; i < 60'000; ++i) {
      if (condition()) return true;
      turn();
    }
    return condition();
  }
  Socket connect(const std::string& table) {
    EXPECT_TRUE(turn_until([&] { return job_->listening().count(table) == 1; })) << table;
    return Socket::connect_to(job_->listening().at(table));
  }
  /// Sends as much as the kernel takes, at most up to `limit` bytes in all.
  std::size_t feed(std::uint64_t limit) {
    const std::uint64_t before = sent_.taken();
    while (sent_.taken() < limit) {
      const std::string_view bytes = sent_.ahead(1 << 16);
      const std::size_t size = std::min<std::uint64_t>(bytes.size(), limit - sent_.taken());
      const ssize_t count = ::send(sender_.fd(), bytes.data(), size, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent_.take(static_cast<std::size_t>(count));
    }
    return static_cast<std::size_t>(sent_.taken() - before);
  }
  /// Sends until the kernel has taken nothing for long while the job says what it waits for.
  void freeze(const std::string& why) {
    constexpr std::uint64_t kNoEnd = std::uint64_t{1} << 30;
    int quiet = 0;
    ASSERT_TRUE(turn_until([&] {
      quiet = feed(kNoEnd) == 0 && job_->progress().stalled == why ? quiet + 1 : 0;
      return quiet == 200 || sent_.taken() == kNoEnd;
    })) << "stalled: '"
        << job_->progress().stalled << "' after " << sent_.taken() << " bytes";
    ASSERT_LT(sent_.taken(), kNoEnd) << "the sender never blocks";
    EXPECT_FALSE(job_->progress().finished);
    if (allocations_are_counted()) {  // a sanitizer takes memory of its own
      EXPECT_LE(resident_bytes(), before_ + bound_);
    }
  }
  /// Sends some more and the end of the last row, reads everything, and waits for the end.
  void recover(const std::vector<Reader*>& readers) {
    std::uint64_t limit = sent_.taken() + (1 << 20);
    bool shut = false;
    ASSERT_TRUE(turn_until([&] {
      feed(limit);
      if (sent_.taken() == limit) limit += sent_.rest_of_row();
      if (sent_.taken() == limit && !shut) shut = ::shutdown(sender_.fd(), SHUT_WR) == 0;
      for (Reader* reader : readers) reader->read();
      return job_->progress().finished || HasFatalFailure();
    })) << sent_.taken()
        << " bytes sent";
    const auto result = job_->wait();
    ASSERT_TRUE(result.has_value()) << result.error().to_string();
    for (Reader* reader : readers) {
      EXPECT_TRUE(turn_until([&] { return (reader->read(), reader->ended); }));
      EXPECT_EQ(reader->expected.taken(), sent_.taken());
    }
    ledger_ = job_->ledger();
    expect_closed(ledger_);
    EXPECT_EQ(ledger_.dropped + ledger_.late + ledger_.malformed + ledger_.lost, 0u);
    EXPECT_EQ(ledger_.rows_written, ledger_.records_read);
    EXPECT_EQ(job_->progress().stalled, "");
  }

  std::unique_ptr<Job> job_;
  Socket sender_;
  RowStream sent_;
  std::size_t before_ = 0, bound_ = 0;
  JobLedger ledger_;
};
INSTANTIATE_TEST_SUITE_P(Backends, SocketBackpressure,
                         testing::Combine(testing::Values(BackendKind::kAuto, BackendKind::kEpoll), testing::Bool()),
                         [](const auto& i) {
                           return std::string(std::get<0>(i.param) == BackendKind::kAuto ? "best" : "epoll") +
                                  (std::get<1>(i.param) ? "_threads" : "_polled");
                         });

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
