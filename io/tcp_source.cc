// TCP connections as byte sources: filled receive buffers wait in order until they are consumed; each one that goes
// back is a credit for the peer.
#include <cerrno>
#include <deque>

#include "connection_receiver.h"
#include "sources.h"
#include "weir/core/check.h"

namespace weir {
namespace detail {
namespace {

class TcpSource final : public ReaderSource<ConnectionReceiver> {
 public:
  TcpSource(IoHandle connection, std::string name, std::shared_ptr<std::uint32_t> open)
      : connection_(connection), name_(std::move(name)), open_(std::move(open)) {}
  ~TcpSource() override {
    close();
    if (open_ != nullptr) --*open_;
  }

  Result<void> open(IoBackend& backend) override {
    WEIR_CHECK(!open_before());
    read_by(backend, std::make_unique<ConnectionReceiver>(backend, connection_));
    return {};
  }
  std::string_view name() const noexcept override { return name_; }

 private:
  IoHandle connection_;
  std::string name_;
  std::shared_ptr<std::uint32_t> open_;
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
    prefix_ = config_.address.local() ? config_.address.to_string() + "#" : "tcp:" + std::to_string(port_) + "#";
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
        if (*open_ + waiting_.size() >= places()) backend_->cancel(op_);
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
    AcceptedConnection connection = accept_connection();
    if (!connection.handle.valid()) return nullptr;
    auto source = detail::make_counted_tcp_source(connection.handle, std::move(connection.name), connection.open);
    (void)source->open(*backend_);  // cannot fail: the connection stands
    return source;
  }

  AcceptedConnection accept_connection() {
    AcceptedConnection connection;
    if (!waiting_.empty() && *open_ < config_.connections_max) {
      ++*open_;
      connection = {waiting_.front(), prefix_ + std::to_string(accepted_++), open_};
      waiting_.pop_front();
    }
    if (!op_.valid()) arm();
    return connection;
  }
  bool crowded() const noexcept { return *open_ >= config_.connections_max && !waiting_.empty(); }

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
  std::size_t places() const noexcept { return std::size_t{config_.connections_max} + config_.waiting_max; }
  void arm() {
    const std::size_t connections = *open_ + waiting_.size();
    if (closed_ || error_.has_value() || connections >= places() || connections >= retry_below_) return;
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
AcceptedConnection TcpListenerSource::accept_connection() {
  return impl_->accept_connection();
}
bool TcpListenerSource::crowded() const noexcept {
  return impl_->crowded();
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
