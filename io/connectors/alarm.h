// Alarm: wakes a reader or writer after a while through its backend, so that simulated time does it too.
#pragma once

#include <utility>

#include "weir/io/backend.h"

namespace weir {

/// Thread: the backend's shard. Give it to IoBackend::retire where it may be armed.
class Alarm final : public OpOwner {
 public:
  /// `rung`: as if it had rung already.
  explicit Alarm(IoBackend& backend, bool rung = false) : backend_(backend), rung_(rung) {}
  bool idle() const noexcept override { return !armed_; }
  void complete(const IoEvent&) noexcept override {
    armed_ = false;
    rung_ = true;
  }
  /// Sets it where it is not set already.
  void set(std::int64_t after_ns) noexcept {
    if (armed_) return;
    op_ = backend_.timeout(after_ns, *this);
    armed_ = op_.valid();
  }
  /// Whether it has rung since it was asked last.
  bool rang() noexcept { return std::exchange(rung_, false); }
  void stop() noexcept {
    if (armed_) backend_.cancel(op_);
  }

 private:
  IoBackend& backend_;
  OpId op_;
  bool armed_ = false;
  bool rung_;
};

}  // namespace weir
