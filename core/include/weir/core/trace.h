// Trace: what a shard did and when, in a ring of events that is taken at start and keeps the latest. Written as the
// trace event JSON that Perfetto and chrome://tracing open. Off, an event costs one branch. Source: "Trace Event
// Format", section "JSON Array Format" and phases X, i, C, M.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "weir/core/clock.h"

namespace weir {

inline constexpr std::uint32_t kTraceEventsMax = 1u << 24;

struct TraceEvent {
  enum class Kind : std::uint8_t { kSpan, kInstant, kCounter };
  const char* name = "";      ///< Must live as long as the recorder: a literal.
  std::int64_t start_ns = 0;  ///< By the monotonic clock.
  std::int64_t value = 0;     ///< kSpan: nanoseconds it took; kCounter: its value.
  Kind kind = Kind::kInstant;
};

/// The events of one shard. Thread: the shard; others may read when it has stopped.
class TraceRecorder {
 public:
  /// Holds the latest `events` (1 … kTraceEventsMax). Starts switched off. Allocates: here only.
  TraceRecorder(Clock& clock, std::string track, std::uint32_t track_id, std::uint32_t events);

  bool enabled() const noexcept { return enabled_; }
  void set_enabled(bool enabled) noexcept { enabled_ = enabled; }
  std::int64_t now_ns() noexcept { return clock_.now_ns(); }

  void span(const char* name, std::int64_t start_ns, std::int64_t end_ns) noexcept {
    if (enabled_) append({name, start_ns, end_ns - start_ns, TraceEvent::Kind::kSpan});
  }
  void instant(const char* name) noexcept {
    if (enabled_) append({name, clock_.now_ns(), 0, TraceEvent::Kind::kInstant});
  }
  void counter(const char* name, std::int64_t value) noexcept {
    if (enabled_) append({name, clock_.now_ns(), value, TraceEvent::Kind::kCounter});
  }

  /// Events that are held, oldest first.
  std::uint32_t size() const noexcept;
  const TraceEvent& event(std::uint32_t index) const noexcept;
  std::uint64_t overwritten() const noexcept { return written_ - size(); }
  const std::string& track() const noexcept { return track_; }
  std::uint32_t track_id() const noexcept { return track_id_; }

 private:
  void append(const TraceEvent& event) noexcept;

  Clock& clock_;
  std::string track_;
  std::uint32_t track_id_;
  std::uint32_t capacity_;
  std::uint64_t written_ = 0;
  bool enabled_ = false;
  std::unique_ptr<TraceEvent[]> events_;
};

/// A span from here to the end of the scope. The recorder may be null.
class TraceSpan {
 public:
  TraceSpan(TraceRecorder* recorder, const char* name) noexcept
      : recorder_(recorder != nullptr && recorder->enabled() ? recorder : nullptr), name_(name) {
    if (recorder_ != nullptr) start_ns_ = recorder_->now_ns();
  }
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;
  ~TraceSpan() {
    if (recorder_ != nullptr) recorder_->span(name_, start_ns_, recorder_->now_ns());
  }

 private:
  TraceRecorder* recorder_;
  const char* name_;
  std::int64_t start_ns_ = 0;
};

/// The whole trace as JSON text, one track a recorder. Null recorders are left out.
std::string write_perfetto_json(std::span<const TraceRecorder* const> recorders);

}  // namespace weir
