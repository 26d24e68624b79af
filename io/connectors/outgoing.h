// Outgoing: a connection that we make, tried again with growing pauses where it fails; for sources and sinks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "connectors/socket_options.h"
#include "weir/io/backend.h"

namespace weir {

/// Thread: the owning shard. Destroyed by IoBackend::retire().
class Outgoing final : public OpOwner {
 public:
  Outgoing(IoBackend& backend, const SocketOptions& options) : backend_(backend), options_(options) {}

  /// Starts the next try, at once or after the pause that is due.
  void start();
  /// The connection, once; it is the caller's then. Not valid where none stands yet.
  IoHandle take() noexcept;
  /// The connection that was taken is gone. Only one that stood for a while makes the tries count anew.
  void lost() noexcept;
  /// All tries have failed.
  const std::optional<Error>& error() const noexcept { return error_; }
  bool waiting() const noexcept { return ops_ != 0; }
  std::uint64_t connections() const noexcept { return connections_; }
  std::uint64_t failures() const noexcept { return failures_; }

  void close() noexcept;
  bool idle() const noexcept override { return ops_ == 0; }
  void complete(const IoEvent& event) noexcept override;

 private:
  enum Tag : std::uint64_t { kConnect, kPause };
  void connect();
  void failed(std::string reason);

  IoBackend& backend_;
  SocketOptions options_;
  IoHandle connection_;
  OpId op_;
  std::uint32_t ops_ = 0;
  std::uint64_t tried_ = 0;  // in a row
  std::uint64_t connections_ = 0;
  std::uint64_t failures_ = 0;
  std::int64_t began_ns_ = 0;
  std::int64_t stands_since_ns_ = 0;
  bool closed_ = false;
  std::optional<Error> error_;
};

}  // namespace weir
