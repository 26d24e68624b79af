// ConnectionReceiver: filled receive buffers of one connection wait in order until they are consumed; each one that
// goes back is a credit for the peer. ReadyQueue: which of many connections have something, so that nobody asks them
// all.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/check.h"
#include "weir/io/backend.h"
#include "weir/io/byte_source.h"

namespace weir::detail {

/// Numbers of 0 … slots-1, each at most once, first in, first out. Allocates: in reset only.
class ReadyQueue {
 public:
  void reset(std::uint32_t slots) {
    ring_.assign(slots, 0);
    queued_.assign(slots, false);
    head_ = count_ = 0;
  }
  void push(std::uint32_t slot) noexcept {
    if (queued_[slot]) return;
    queued_[slot] = true;
    ring_[(head_ + count_) % ring_.size()] = slot;
    ++count_;
  }
  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }
  bool holds(std::uint32_t slot) const noexcept { return queued_[slot]; }
  std::uint32_t pop() noexcept {
    const std::uint32_t slot = ring_[head_];
    head_ = (head_ + 1) % ring_.size();
    --count_;
    queued_[slot] = false;
    return slot;
  }

 private:
  std::vector<std::uint32_t> ring_;
  std::vector<bool> queued_;
  std::size_t head_ = 0;
  std::size_t count_ = 0;
};

class ConnectionReceiver final : public OpOwner {
 public:
  /// `ready` is told, where it is given, when there is something to poll for; `slot` says who.
  ConnectionReceiver(IoBackend& backend, IoHandle handle, std::uint32_t receive_class = 0, ReadyQueue* ready = nullptr,
                     std::uint32_t slot = 0)
      : backend_(backend),
        handle_(handle),
        receive_class_(receive_class),
        ready_(ready),
        slot_(slot),
        ring_(backend.config().receive_buffers_max) {
    start();
  }

  /// The op could not be started: ops_max. Polling tries again.
  bool stuck() const noexcept { return !op_.valid() && !ended_; }
  bool idle() const noexcept override { return !op_.valid(); }

  void complete(const IoEvent& event) noexcept override {
    if (!event.more) {
      op_ = {};
      ended_ = true;
      result_ = event.result;
      tell();
      return;
    }
    if (closed_) return backend_.return_buffer(event.buffer);
    WEIR_CHECK(count_ < ring_.size());
    ring_[(head_ + count_) % ring_.size()] = {event.data, static_cast<std::size_t>(event.result), event.buffer,
                                              backend_.clock().wall_ns()};
    ++count_;
    bytes_read += static_cast<std::uint64_t>(event.result);
    tell();
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

  /// Gives up what was not consumed.
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

  void start() { op_ = backend_.receive_stream(handle_, *this, 0, receive_class_); }
  void tell() noexcept {
    if (ready_ != nullptr && !closed_) ready_->push(slot_);
  }
  void drop_head() noexcept {
    const std::uint32_t buffer = ring_[head_].buffer;
    head_ = (head_ + 1) % ring_.size();
    --count_;
    given_ = 0;
    backend_.return_buffer(buffer);
  }

  IoBackend& backend_;
  IoHandle handle_;
  std::uint32_t receive_class_;
  ReadyQueue* ready_;
  std::uint32_t slot_;
  OpId op_;
  bool ended_ = false;
  bool closed_ = false;
  std::int32_t result_ = 0;
  std::vector<Filled> ring_;
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  std::size_t given_ = 0;  // of the head
};

}  // namespace weir::detail
