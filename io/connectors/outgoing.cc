// See outgoing.h.
#include "connectors/outgoing.h"

#include <algorithm>
#include <cstring>

namespace weir {

void Outgoing::start() {
  if (ops_ != 0 || error_.has_value() || closed_ || connection_.valid()) return;
  if (tried_ > options_.reconnects_max) return failed("the peer ends each connection at once");
  if (tried_ == 0) {
    began_ns_ = backend_.clock().now_ns();
    return connect();
  }
  std::int64_t pause = options_.reconnect_delay_ns;
  for (std::uint64_t i = 1; i < tried_ && pause < options_.reconnect_delay_max_ns; ++i) pause *= 2;
  op_ = backend_.timeout(std::min(pause, options_.reconnect_delay_max_ns), *this, kPause);
  if (op_.valid()) ++ops_;
}

void Outgoing::lost() noexcept {
  if (backend_.clock().now_ns() - stands_since_ns_ >= 10 * options_.reconnect_delay_ns) tried_ = 0;
}

void Outgoing::connect() {
  ++tried_;
  auto op = backend_.connect(options_.address, *this, kConnect);
  if (!op.has_value()) return failed(std::string(op.error().message()));
  op_ = *op;
  ++ops_;
}

void Outgoing::failed(std::string reason) {
  ++failures_;
  if (tried_ <= options_.reconnects_max) return;  // start() tries again
  const std::int64_t waited_ms = (backend_.clock().now_ns() - began_ns_) / 1'000'000;
  error_.emplace(Error(ErrorCode::kUnavailable, "cannot connect to " + options_.address.to_string() + ": " + reason +
                                                    " (" + std::to_string(tried_) + " tries in " +
                                                    std::to_string(waited_ms) + " ms)")
                     .with_hint("start what listens there, or raise reconnects-max"));
}

void Outgoing::complete(const IoEvent& event) noexcept {
  --ops_;
  op_ = {};
  if (closed_) {
    if (event.tag == kConnect && event.result == 0) backend_.close(event.handle);
    return;
  }
  if (event.tag == kPause) return connect();
  if (event.result != 0) return failed(std::strerror(-event.result));
  connection_ = event.handle;
  stands_since_ns_ = backend_.clock().now_ns();
  ++connections_;
}

IoHandle Outgoing::take() noexcept {
  const IoHandle taken = connection_;
  connection_ = {};
  return taken;
}

void Outgoing::close() noexcept {
  if (closed_) return;
  closed_ = true;
  if (op_.valid()) backend_.cancel(op_);
  if (connection_.valid()) backend_.close(connection_);
  connection_ = {};
}

}  // namespace weir
