// TCP connections as byte sources: filled receive buffers wait in order until they are consumed; each one that goes
// back is a credit for the peer.
#include <cerrno>
#include <deque>

#include "sources.h"
#include "weir/core/check.h"

namespace weir {
namespace detail {
namespace {

class TcpReader final : public OpOwner {
 public:
  TcpReader(IoBackend& backend, IoHandle handle)
      : backend_(backend), handle_(handle), ring_(backend.config().receive_buffers_max) {
    start();
  }

  bool idle() const noexcept override { return !op_.valid(); }

  void complete(const IoEvent& event) noexcept override {
    if (!event.more) {
      op_ = {};
      ended_ = true;
      result_ = event.result;
      return;
    }
    if (closed_) return backend_.return_buffer(event.buffer);
    WEIR_CHECK(count_ < ring_.size());
    ring_[(head_ + count_) % ring_.size()] = {event.data, static_cast<std::size_t>(event.result), event.buffer,
                                              backend_.clock().wall_ns()};
    ++count_;
    bytes_read += static_cast<std::uint64_t>(event.result);
  }

  ReadState poll(std::span<const char>& bytes, std::optional<Error>& error, std::string_view name) {
    if (!op_.valid() && !ended_) start();
    if (count_ != 0) {
      const Filled& filled = ring_[head_];
      bytes = {filled.data + given_, filled.bytes - given_};
      ingest_wall_ns = filled.ingest_wall_ns;
      return ReadState::kData;
    }
    if (!ended_) return ReadState::kPending;
    if (result_ == 0) return ReadState::kEnd;
    error.emplace(Error::from_errno(-result_, "cannot receive from " + std::string(name))
                      .with_position(Position::at_byte(bytes_read)));
    return ReadState::kError;
  }

  void consume(std::size_t n) {
    WEIR_CHECK(count_ != 0 && n <= ring_[head_].bytes - given_);
    given_ += n;
    if (given_ == ring_[head_].bytes) drop_head();
  }

  void close() noexcept {
    if (closed_) return;
    closed_ = true;
    while (count_ != 0) drop_head();
    backend_.close(handle_);
  }

  std::uint64_t bytes_read = 0;
  std::int64_t ingest_wall_ns = 0;

 private:
  struct Filled {
    const char* data = nullptr;
    std::size_t bytes = 0;
    std::uint32_t buffer = 0;
    std::int64_t ingest_wall_ns = 0;
  };

  void start() { op_ = backend_.receive_stream(handle_, *this); }
  void drop_head() noexcept {
    const std::uint32_t buffer = ring_[head_].buffer;
    head_ = (head_ + 1) % ring_.size();
    --count_;
    given_ = 0;
    backend_.return_buffer(buffer);
  }

  IoBackend& backend_;
  IoHandle handle_;
  OpId op_;
  bool ended_ = false;
  bool closed_ = false;
  std::int32_t result_ = 0;
  std::vector<Filled> ring_;
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  std::size_t given_ = 0;  // of the head
};

class TcpSource final : public ByteSource {
 public:
  TcpSource(IoHandle connection, std::string name, std::shared_ptr<std::uint32_t> open)
      : connection_(connection), name_(std::move(name)), open_(std::move(open)) {}
  ~TcpSource() override {
    close();
    if (open_ != nullptr) --*open_;
  }

  Result<void> open(IoBackend& backend) override {
    WEIR_CHECK(reader_ == nullptr);
    backend_ = &backend;
    reader_ = std::make_unique<TcpReader>(backend, connection_);
    return {};
  }
  ReadState poll(std::span<const char>& bytes) override {
    bytes = {};
    if (error_.has_value()) return ReadState::kError;
    if (reader_ == nullptr) return ReadState::kEnd;
    const ReadState state = reader_->poll(bytes, error_, name_);
    bytes_read_ = reader_->bytes_read;
    ingest_wall_ns_ = reader_->ingest_wall_ns;
    return state;
  }
  void consume(std::size_t n) override {
    if (n == 0) return;
    WEIR_CHECK(reader_ != nullptr);
    reader_->consume(n);
    bytes_consumed_ += n;
  }
  void close() noexcept override {
    if (reader_ == nullptr) return;
    reader_->close();
    backend_->retire(std::move(reader_));
  }
  std::string_view name() const noexcept override { return name_; }

 private:
  IoHandle connection_;
  std::string name_;
  std::shared_ptr<std::uint32_t> open_;
  IoBackend* backend_ = nullptr;
  std::unique_ptr<TcpReader> reader_;
};

}  // namespace

std::unique_ptr<ByteSource> make_counted_tcp_source(IoHandle connection, std::string name,
                                                    std::shared_ptr<std::uint32_t> open) {
  return std::make_unique<TcpSource>(connection, std::move(name), std::move(open));
}

}  // namespace detail

std::unique_ptr<ByteSource> make_tcp_source(IoHandle connection, std::string name) {
  return detail::make_counted_tcp_source(connection, std::move(name), nullptr);
}

/// Accepted connections beyond connections_max (a multishot accept may be ahead of us) wait here, unread, so that their
/// peers wait as if in the backlog.
class TcpListenerSource::Impl final : public OpOwner {
 public:
  explicit Impl(TcpListenerConfig config) : config_(std::move(config)) {}

  Result<void> open(IoBackend& backend) {
    backend_ = &backend;
    if (config_.connections_max < 1) return Error(ErrorCode::kInvalidArgument, "connections_max must be at least 1");
    WEIR_ASSIGN(const Listener listener, backend.listen(config_.address));
    handle_ = listener.handle;
    port_ = listener.port;
    prefix_ = "tcp:" + std::to_string(port_) + "#";
    arm();
    return {};
  }

  bool idle() const noexcept override { return !op_.valid(); }

  void complete(const IoEvent& event) noexcept override {
    if (event.more) {
      if (closed_) {
        backend_->close(event.handle);
      } else {
        waiting_.push_back(event.handle);
        if (*open_ + waiting_.size() >= config_.connections_max) backend_->cancel(op_);
      }
      return;
    }
    op_ = {};
    if (closed_ || event.result == -ECANCELED || event.result == 0) return;
    // Out of descriptors or memory: accepting goes on when one of our own connections has ended.
    const bool shortage =
        event.result == -EMFILE || event.result == -ENFILE || event.result == -ENOMEM || event.result == -ENOBUFS;
    if (shortage && *open_ + waiting_.size() != 0) {
      retry_below_ = *open_ + static_cast<std::uint32_t>(waiting_.size());
      return;
    }
    error_.emplace(Error::from_errno(-event.result, "cannot accept on " + config_.address.to_string()));
  }

  std::unique_ptr<ByteSource> accept() {
    std::unique_ptr<ByteSource> source;
    if (!waiting_.empty() && *open_ < config_.connections_max) {
      ++*open_;
      source = detail::make_counted_tcp_source(waiting_.front(), prefix_ + std::to_string(accepted_++), open_);
      waiting_.pop_front();
      (void)source->open(*backend_);  // cannot fail: the connection stands
    }
    if (!op_.valid()) arm();
    return source;
  }

  void close() noexcept {
    if (closed_ || backend_ == nullptr || !handle_.valid()) return;
    closed_ = true;
    for (const IoHandle connection : waiting_) backend_->close(connection);
    waiting_.clear();
    backend_->close(handle_);
  }

  std::uint16_t port() const noexcept { return port_; }
  std::uint32_t open_count() const noexcept { return *open_; }
  std::uint64_t accepted() const noexcept { return accepted_; }
  const std::optional<Error>& error() const noexcept { return error_; }

 private:
  void arm() {
    const std::size_t connections = *open_ + waiting_.size();
    if (closed_ || error_.has_value() || connections >= config_.connections_max || connections >= retry_below_) return;
    retry_below_ = ~std::uint32_t{0};
    op_ = backend_->accept_stream(handle_, *this);
  }

  TcpListenerConfig config_;
  IoBackend* backend_ = nullptr;
  IoHandle handle_;
  OpId op_;
  std::uint16_t port_ = 0;
  std::string prefix_;
  bool closed_ = false;
  std::deque<IoHandle> waiting_;
  std::uint32_t retry_below_ = ~std::uint32_t{0};
  std::uint64_t accepted_ = 0;
  std::shared_ptr<std::uint32_t> open_ = std::make_shared<std::uint32_t>(0);
  std::optional<Error> error_;
};

TcpListenerSource::TcpListenerSource(TcpListenerConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
TcpListenerSource::~TcpListenerSource() {
  impl_->close();
  if (backend_ != nullptr) backend_->retire(std::move(impl_));
}
Result<void> TcpListenerSource::open(IoBackend& backend) {
  backend_ = &backend;
  return impl_->open(backend);
}
std::unique_ptr<ByteSource> TcpListenerSource::accept() {
  return impl_->accept();
}
void TcpListenerSource::close() noexcept {
  impl_->close();
}
std::uint16_t TcpListenerSource::port() const noexcept {
  return impl_->port();
}
std::uint32_t TcpListenerSource::connections_open() const noexcept {
  return impl_->open_count();
}
std::uint64_t TcpListenerSource::connections_accepted() const noexcept {
  return impl_->accepted();
}
const std::optional<Error>& TcpListenerSource::error() const noexcept {
  return impl_->error();
}

}  // namespace weir
