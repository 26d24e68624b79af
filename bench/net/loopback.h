// Loopback: what the network workloads share. Sockets on 127.0.0.1 with a peer of our own at the other end, a job that
// runs while the peer feeds it, and streams of batches as another Weir would send them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/type.h"
#include "weir/pipeline/job.h"

namespace weir::bench {

/// A socket of the peer's side; closed at the end. Whatever goes wrong ends the program.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) noexcept : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  /// Listens on a port that the system chooses.
  static Socket listen_here();
  static Socket connect_to(std::uint16_t port);
  std::uint16_t port() const;
  /// Of a listener: waits for a connection.
  Socket accept() const;
  int fd() const noexcept { return fd_; }
  void close() noexcept { *this = Socket(); }

  /// Sends everything. Never sleeps: a sender that does is woken by the receiver's core.
  void send_all(std::string_view bytes) const;
  /// What is there now, at most `room`; 0 where nothing is.
  std::size_t receive_now(char* to, std::size_t room) const;
  /// Acknowledges what was received now, so that the next receive need not.
  void acknowledge() const noexcept;

 private:
  int fd_ = -1;
};

/// A job that runs on threads of its own while the caller feeds it.
class LiveJob {
 public:
  LiveJob(std::string workload, const std::string& sql, JobOptions options);
  /// Port of a listening table. Waits until the shard has opened it.
  std::uint16_t port(const std::string& table) const;
  /// Waits for the end and judges the ledger.
  void finish(std::uint64_t rows);
  Job& job() noexcept { return *job_; }

 private:
  std::string workload_;
  std::unique_ptr<Job> job_;
};

/// Makes streams of format 'batches'.
class BatchStream {
 public:
  BatchStream(Schema schema, std::uint32_t rows_max);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;
  /// What comes before the first frame.
  std::string_view hello() const noexcept { return encoder_->preamble(); }
  /// To be filled, at most rows_max rows.
  Batch& batch() noexcept { return *batch_; }
  /// Appends the batch's rows to the text, one frame or more, and makes it empty.
  void append_to(std::string& stream);

 private:
  std::unique_ptr<Encoder> encoder_;
  void* memory_ = nullptr;
  Batch* batch_ = nullptr;
  std::vector<char> room_;
};

}  // namespace weir::bench
