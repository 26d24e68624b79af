// Recording and writing traces.
#include "weir/core/trace.h"

#include <cstdio>

#include "weir/core/check.h"

namespace weir {

TraceRecorder::TraceRecorder(Clock& clock, std::string track, std::uint32_t track_id, std::uint32_t events)
    : clock_(clock), track_(std::move(track)), track_id_(track_id), capacity_(events) {
  WEIR_CHECK(events >= 1 && events <= kTraceEventsMax);
  events_ = std::make_unique<TraceEvent[]>(events);
}

std::uint32_t TraceRecorder::size() const noexcept {
  return written_ < capacity_ ? static_cast<std::uint32_t>(written_) : capacity_;
}

const TraceEvent& TraceRecorder::event(std::uint32_t index) const noexcept {
  WEIR_CHECK_LT(index, size());
  return events_[(written_ - size() + index) % capacity_];
}

void TraceRecorder::append(const TraceEvent& event) noexcept {
  events_[written_ % capacity_] = event;
  ++written_;
}

namespace {

void append_escaped(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

/// Microseconds with three decimals, exactly: the format's unit is the microsecond.
void append_microseconds(std::string& out, std::int64_t ns) {
  const bool negative = ns < 0;
  const std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
  char text[40];
  std::snprintf(text, sizeof(text), "%s%llu.%03llu", negative ? "-" : "",
                static_cast<unsigned long long>(magnitude / 1000), static_cast<unsigned long long>(magnitude % 1000));
  out += text;
}

void append_head(std::string& out, const char* phase, std::uint32_t track_id) {
  if (out.back() == '}') out += ",\n";
  out += "{\"ph\":\"";
  out += phase;
  out += "\",\"pid\":1,\"tid\":" + std::to_string(track_id) + ",\"name\":";
}

void append_event(std::string& out, const TraceEvent& event, std::uint32_t track_id) {
  const bool span = event.kind == TraceEvent::Kind::kSpan;
  append_head(out, span ? "X" : event.kind == TraceEvent::Kind::kCounter ? "C" : "i", track_id);
  append_escaped(out, event.name);
  out += ",\"ts\":";
  append_microseconds(out, event.start_ns);
  if (span) {
    out += ",\"dur\":";
    append_microseconds(out, event.value);
  } else if (event.kind == TraceEvent::Kind::kCounter) {
    out += ",\"args\":{\"value\":" + std::to_string(event.value) + "}";
  } else {
    out += ",\"s\":\"t\"";
  }
  out += '}';
}

}  // namespace

std::string write_perfetto_json(std::span<const TraceRecorder* const> recorders) {
  std::string out = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
  for (const TraceRecorder* recorder : recorders) {
    if (recorder == nullptr) continue;
    append_head(out, "M", recorder->track_id());
    out += "\"thread_name\",\"args\":{\"name\":";
    append_escaped(out, recorder->track());
    out += "}}";
    for (std::uint32_t i = 0; i < recorder->size(); ++i) append_event(out, recorder->event(i), recorder->track_id());
  }
  out += "\n]}\n";
  return out;
}

}  // namespace weir
