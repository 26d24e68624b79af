// A job between a TCP sender that never ends and readers that stand still, on sockets of this machine: the fixture of
// the tests of backpressure on the backends of the kernel.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/allocation_count.h"
#include "engine/job_run.h"

namespace weir::test {

/// Rows without an end, as bytes: what is sent, and what has to come out.
class RowStream {
 public:
  /// The text of a row, by its number.
  using RowText = std::function<std::string(std::uint64_t)>;

  RowStream() : RowStream([](std::uint64_t n) { return std::to_string(n % 10) + "," + std::to_string(n) + "\n"; }) {}
  explicit RowStream(RowText row) : row_(std::move(row)) {}

  /// The bytes that follow those taken, at least `size` of them.
  std::string_view ahead(std::size_t size) {
    while (bytes_.size() - at_ < size) {
      bytes_ += row_(next_);
      ++next_;
    }
    return std::string_view(bytes_).substr(at_);
  }
  void take(std::size_t size) {
    if (size == 0) return;
    at_ += size;
    row_ended_ = bytes_[at_ - 1] == '\n';
    const std::string_view taken = std::string_view(bytes_).substr(at_ - size, size);
    rows_taken_ += static_cast<std::uint64_t>(std::count(taken.begin(), taken.end(), '\n'));
    taken_ += size;
    if (at_ < 1u << 16) return;
    bytes_.erase(0, at_);
    at_ = 0;
  }
  std::uint64_t taken() const noexcept { return taken_; }
  std::uint64_t rows_taken() const noexcept { return rows_taken_; }
  /// Bytes up to the end of the row in which the taken ones end.
  std::size_t rest_of_row() const { return row_ended_ ? 0 : bytes_.find('\n', at_) + 1 - at_; }

 private:
  RowText row_;
  std::string bytes_;
  std::size_t at_ = 0;
  std::uint64_t next_ = 0, taken_ = 0, rows_taken_ = 0;
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

  void make(const std::string& sql) { make(sql, small_options()); }
  void make(const std::string& sql, JobOptions options) {
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
    freeze_while([&] { return job_->progress().stalled == why; });
  }
  /// The same while the condition holds.
  template <class Condition>
  void freeze_while(const Condition& condition) {
    constexpr std::uint64_t kNoEnd = std::uint64_t{1} << 30;
    int quiet = 0;
    ASSERT_TRUE(turn_until([&] {
      quiet = feed(kNoEnd) == 0 && condition() ? quiet + 1 : 0;
      return quiet == 200 || sent_.taken() == kNoEnd;
    })) << "stalled: '"
        << job_->progress().stalled << "' after " << sent_.taken() << " bytes";
    ASSERT_LT(sent_.taken(), kNoEnd) << "the sender never blocks";
    EXPECT_FALSE(job_->progress().finished);
    if (allocations_are_counted()) {  // a sanitizer takes memory of its own
      EXPECT_LE(resident_bytes(), before_ + bound_);
    }
  }
  /// Sends some more and the end of the last row, reads by `read`, and waits for the end.
  template <class Read>
  void run_to_the_end(const Read& read) {
    std::uint64_t limit = sent_.taken() + (1 << 20);
    bool shut = false;
    ASSERT_TRUE(turn_until([&] {
      feed(limit);
      if (sent_.taken() == limit) limit += sent_.rest_of_row();
      if (sent_.taken() == limit && !shut) shut = ::shutdown(sender_.fd(), SHUT_WR) == 0;
      read();
      return job_->progress().finished || HasFatalFailure();
    })) << sent_.taken()
        << " bytes sent";
    const auto result = job_->wait();
    ASSERT_TRUE(result.has_value()) << result.error().to_string();
    ledger_ = job_->ledger();
    expect_closed(ledger_);
    EXPECT_EQ(ledger_.dropped + ledger_.late + ledger_.malformed + ledger_.lost, 0u);
    EXPECT_EQ(ledger_.records_read, sent_.rows_taken());
    EXPECT_EQ(job_->progress().stalled, "");
  }
  /// The same where a row gives a row, the same to all.
  void recover(const std::vector<Reader*>& readers) {
    run_to_the_end([&] {
      for (Reader* reader : readers) reader->read();
    });
    if (HasFatalFailure()) return;
    for (Reader* reader : readers) {
      EXPECT_TRUE(turn_until([&] { return (reader->read(), reader->ended); }));
      EXPECT_EQ(reader->expected.taken(), sent_.taken());
    }
    EXPECT_EQ(ledger_.rows_written, ledger_.records_read);
  }

  std::unique_ptr<Job> job_;
  Socket sender_;
  RowStream sent_;
  std::size_t before_ = 0, bound_ = 0;
  JobLedger ledger_;
};

inline std::string backend_and_threads(const testing::TestParamInfo<std::tuple<BackendKind, bool>>& info) {
  return std::string(std::get<0>(info.param) == BackendKind::kAuto ? "best" : "epoll") +
         (std::get<1>(info.param) ? "_threads" : "_polled");
}

}  // namespace weir::test
