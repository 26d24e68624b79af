// Sockets, running jobs and streams of batches (loopback.h).
#include "net/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "harness/report.h"
#include "harness/timing.h"
#include "weir/io/format.h"

namespace weir::bench {
namespace {

constexpr double kOpenSeconds = 10;

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "weir-bench: cannot %s on loopback: %s\n", what, std::strerror(errno));
  std::exit(2);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket Socket::listen_here() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(0);
  if (socket.fd_ < 0 || ::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.fd_, 1024) != 0)
    refuse("listen");
  return socket;
}

Socket Socket::connect_to(std::uint16_t port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  const int one = 1;
  if (socket.fd_ < 0 || ::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    refuse("connect");
  (void)::setsockopt(socket.fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return socket;
}

Socket Socket::accept() const {
  Socket taken(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
  if (taken.fd_ < 0) refuse("accept");
  return taken;
}

std::uint16_t Socket::port() const {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) refuse("find a port");
  return ntohs(address.sin_port);
}

void Socket::send_all(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent <= 0) refuse("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::size_t Socket::receive_now(char* to, std::size_t room) const {
  const ssize_t received = ::recv(fd_, to, room, MSG_DONTWAIT);
  if (received > 0) return static_cast<std::size_t>(received);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  refuse("receive");
}

void Socket::acknowledge() const noexcept {
  const int now = 1, later = 0;
  (void)::setsockopt(fd_, IPPROTO_TCP, TCP_QUICKACK, &now, sizeof now);
  (void)::setsockopt(fd_, IPPROTO_TCP, TCP_QUICKACK, &later, sizeof later);
}

LiveJob::LiveJob(std::string workload, const std::string& sql, JobOptions options) : workload_(std::move(workload)) {
  auto job = make_job(sql, std::move(options));
  if (!job.has_value()) wrong_answer(workload_, job.error().to_string());
  job_ = std::move(*job);
  if (auto started = job_->start(); !started.has_value()) wrong_answer(workload_, started.error().to_string());
}

std::uint16_t LiveJob::port(const std::string& table) const {
  for (const double start = wall_seconds(); wall_seconds() - start < kOpenSeconds;) {
    const auto addresses = job_->listening();
    if (const auto found = addresses.find(table); found != addresses.end()) {
      auto address = SocketAddress::parse(found->second);
      if (address.has_value() && address->port != 0) return address->port;
    }
    if (job_->wait_for(1'000'000)) break;
  }
  wrong_answer(workload_, "table " + table + " was not opened");
}

void LiveJob::finish(std::uint64_t rows) {
  if (auto done = job_->wait(); !done.has_value()) wrong_answer(workload_, done.error().to_string());
  const JobLedger ledger = job_->ledger();
  expect_equal(workload_, "rows read", rows, ledger.records_read);
  expect_equal(workload_, "late rows", std::uint64_t{0}, ledger.late);
  expect_equal(workload_, "malformed rows", std::uint64_t{0}, ledger.malformed);
  expect_equal(workload_, "dropped rows", std::uint64_t{0}, ledger.dropped + ledger.lost);
  expect_equal(workload_, "imbalance of the ledger", std::uint64_t{0}, static_cast<std::uint64_t>(ledger.imbalance));
}

BatchStream::BatchStream(Schema schema, std::uint32_t rows_max) : room_(std::size_t{1} << 20) {
  std::vector<Physical> columns;
  for (const Field& field : schema.fields) columns.push_back(field.type.physical());
  BatchLayout layout;
  layout.columns = columns;
  layout.capacity = rows_max;
  memory_ = std::aligned_alloc(64, layout.bytes());
  if (memory_ == nullptr) refuse("find memory for a batch");
  batch_ = Batch::create(layout, memory_);
  FormatContext context;
  context.schema = std::move(schema);
  context.format = "batches";
  context.table = "events";
  encoder_ = std::move(make_encoder(context)).value();
}

BatchStream::~BatchStream() {
  std::free(memory_);
}

void BatchStream::append_to(std::string& stream) {
  for (std::uint32_t next = 0; next < batch_->row_count();)
    stream.append(room_.data(), encoder_->encode(*batch_, &next, room_).value());
  batch_->reset();
}

}  // namespace weir::bench
