// See subscriber_writer.h.
#include "connectors/subscriber_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "weir/core/check.h"

namespace weir {
namespace {

constexpr std::uint64_t kTalkBytesMax = 65536;  // a subscriber listens; one that talks on is sent away
constexpr std::int64_t kWakeNs = 100'000'000;   // while the end waits for slow peers, or the beginning for subscribers

}  // namespace

/// One peer: a place in the ring, and the piece that is on its way.
class SubscriberWriter::Subscriber final : public OpOwner {
 public:
  Subscriber(SubscriberWriter& sink, std::shared_ptr<std::uint32_t> open) : sink_(&sink), open_(std::move(open)) {
    chunk_ = sink.ring_.open_chunk();
    offset_ = sink.ring_.chunk(chunk_).bytes;
    next_row_ = first_row_ = sink.ring_.rows();
  }
  ~Subscriber() override = default;

  /// The connection stands (again): what was on its way begins anew behind the preamble.
  void connect(IoHandle handle) {
    handle_ = handle;
    gone_ = false;
    piece_.erase(0, preamble_);
    const std::string_view preamble = sink_->encoder_->preamble();
    piece_.insert(0, preamble);
    preamble_ = preamble.size();
    sent_ = 0;
    receive_ = sink_->backend_->receive_stream(handle_, *this, kReceive, sink_->receive_class_);
    pump();
  }
  bool connected() const noexcept { return handle_.valid(); }
  /// The connection is gone, the subscriber is not: what is on its way begins anew with the next one.
  void await_connection() noexcept { gone_ = false; }
  bool gone() const noexcept { return gone_; }
  bool done() const noexcept { return piece_.empty() && next_row_ == sink_->ring_.rows(); }
  bool conflating() const noexcept { return conflating_; }
  std::uint64_t chunk() const noexcept { return chunk_; }
  /// Nothing of the chunks up to this one is wanted any more.
  bool past(std::uint64_t chunk) const noexcept {
    if (conflating_ || chunk_ > chunk) return true;
    const OutgoingRing::Chunk& at = sink_->ring_.chunk(chunk);
    return chunk_ == chunk && offset_ == at.bytes;
  }

  /// Goes on behind a chunk of which it has everything.
  void step_over(std::uint64_t chunk) noexcept {
    if (conflating_ || chunk_ != chunk) return;
    ++chunk_;
    offset_ = 0;
  }
  /// Goes on behind what is about to be overwritten; returns the rows that this passes over.
  std::uint64_t jump(std::uint64_t chunk) {
    const std::uint64_t before = next_row_;
    chunk_ = chunk;
    offset_ = 0;
    const OutgoingRing& ring = sink_->ring_;
    next_row_ = chunk_ > ring.open_chunk() ? ring.rows() : std::max(next_row_, ring.chunk(chunk_).first_row);
    return next_row_ - before;
  }
  void conflate() noexcept { conflating_ = true; }
  void count_dropped(std::uint64_t rows) noexcept { dropped_ += rows; }

  void pump() {
    if (sending_ || !handle_.valid()) return;
    if (piece_.empty()) fill();
    if (piece_.empty()) return;
    const OpId op = sink_->backend_->send(handle_, std::span<const char>(piece_).subspan(sent_), *this, kSend);
    if (!op.valid()) return;  // at ops_max: the next call tries again
    sending_ = true;
    ++ops_;
  }

  /// Ends the connection. `polite`: after what the system has been given.
  void leave(bool polite) {
    gone_ = true;
    if (!handle_.valid()) return;
    if (polite) sink_->backend_->shutdown_send(handle_);
    sink_->backend_->close(handle_);
    handle_ = {};
    if (open_ != nullptr) --*open_;
    open_.reset();
  }
  void detach() noexcept { sink_ = nullptr; }
  bool idle() const noexcept override { return ops_ == 0 && !receive_.valid(); }

  Deliveries counts() const noexcept {
    Deliveries all;
    all.subscribers = 1;
    all.offered = sink_->ring_.rows() - first_row_;
    all.delivered = delivered_;
    all.conflated = conflated_;
    all.dropped = dropped_;
    all.held = all.offered - delivered_ - conflated_ - dropped_;
    return all;
  }

  void complete(const IoEvent& event) noexcept override {
    if (event.tag == kReceive) return on_received(event);
    --ops_;
    sending_ = false;
    if (sink_ == nullptr || gone_ || !handle_.valid()) return;
    if (event.result <= 0) return leave(false);
    sent_ += static_cast<std::size_t>(event.result);
    if (sent_ == piece_.size()) {
      delivered_ += piece_rows_;
      piece_.clear();
      piece_rows_ = sent_ = preamble_ = 0;
    }
    pump();
  }

 private:
  enum Tag : std::uint64_t { kSend, kReceive };

  void on_received(const IoEvent& event) noexcept {
    if (event.more) {
      if (sink_ == nullptr) return;  // its buffers went with the connection
      sink_->backend_->return_buffer(event.buffer);
      talk_ += static_cast<std::uint64_t>(event.result);
      if (talk_ > kTalkBytesMax && !gone_) {
        ++sink_->talkative_;
        leave(false);
      }
      return;
    }
    receive_ = {};
    // The peer's end of sending says nothing of its reading; an error does.
    if (sink_ != nullptr && !gone_ && event.result < 0 && event.result != -ECANCELED) leave(false);
  }

  /// Takes the next piece out of the ring, or out of the newest rows.
  void fill() {
    const OutgoingRing& ring = sink_->ring_;
    if (conflating_) {
      fill_newest();
      if (!piece_.empty() || next_row_ != ring.rows()) return;
      conflating_ = false;  // caught up
      chunk_ = ring.open_chunk();
      offset_ = ring.chunk(chunk_).bytes;
      return;
    }
    while (piece_.size() < kSubscriberPieceBytes) {
      const OutgoingRing::Chunk& at = ring.chunk(chunk_);
      if (offset_ != at.bytes) {
        piece_.append(ring.data(chunk_) + offset_, at.bytes - offset_);
        piece_rows_ += at.first_row + at.rows - next_row_;
        offset_ = at.bytes;
        next_row_ = at.first_row + at.rows;
      }
      if (chunk_ == ring.open_chunk()) return;
      ++chunk_;
      offset_ = 0;
    }
  }
  void fill_newest() {
    while (piece_.size() < kSubscriberPieceBytes) {
      std::uint64_t number = next_row_;
      const std::string* row = sink_->newest_->next(&number);
      if (row == nullptr) break;
      conflated_ += number - next_row_;
      next_row_ = number + 1;
      piece_ += *row;
      ++piece_rows_;
    }
  }

  SubscriberWriter* sink_;
  IoHandle handle_;
  std::shared_ptr<std::uint32_t> open_;
  OpId receive_;
  std::uint32_t ops_ = 0;
  bool sending_ = false;
  bool gone_ = false;
  bool conflating_ = false;
  std::uint64_t chunk_ = 0;
  std::uint32_t offset_ = 0;
  std::uint64_t first_row_ = 0;
  std::uint64_t next_row_ = 0;  // that is not in a piece yet
  std::string piece_;
  std::uint64_t piece_rows_ = 0;
  std::size_t sent_ = 0;
  std::size_t preamble_ = 0;  // bytes of it at the front of the piece
  std::uint64_t delivered_ = 0;
  std::uint64_t conflated_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t talk_ = 0;
};

SubscriberWriter::SubscriberWriter(const SocketOptions& options, std::unique_ptr<Encoder> encoder,
                                   std::string_view format, std::vector<std::uint32_t> key_columns)
    : options_(options),
      encoder_(std::move(encoder)),
      frames_(options.framing, format),
      ring_(subscriber_chunk_bytes(options.ring_bytes),
            std::max<std::size_t>(2, options.ring_bytes / subscriber_chunk_bytes(options.ring_bytes))) {
  if (options_.slow == SlowSubscriber::kConflate) newest_.emplace(std::move(key_columns), options_.conflate_keys_max);
}

SubscriberWriter::~SubscriberWriter() {
  for (auto& subscriber : subscribers_) {
    subscriber->leave(false);
    subscriber->detach();
    backend_->retire(std::move(subscriber));
  }
  if (outgoing_ != nullptr) {
    outgoing_->close();
    backend_->retire(std::move(outgoing_));
  }
  if (alarm_ != nullptr) {
    alarm_->stop();
    backend_->retire(std::move(alarm_));
  }
}

Result<void> SubscriberWriter::open(IoBackend& backend) {
  backend_ = &backend;
  alarm_ = std::make_unique<Alarm>(backend);
  if (auto own = backend.make_receive_class(1); own.has_value()) receive_class_ = *own;
  if (options_.listens) {
    listener_.emplace(TcpListenerConfig{options_.address, options_.subscribers_max, 1});
    return listener_->open(backend);
  }
  outgoing_ = std::make_unique<Outgoing>(backend, options_);
  outgoing_->start();
  subscribers_.push_back(std::make_unique<Subscriber>(*this, nullptr));
  ++came_;
  return {};
}

// --- Subscribers come and go ----------------------------------------------------------------------------------------

void SubscriberWriter::add(IoHandle handle, std::shared_ptr<std::uint32_t> open) {
  ++came_;
  subscribers_.push_back(std::make_unique<Subscriber>(*this, std::move(open)));
  subscribers_.back()->connect(handle);
}

/// Whoever asks whether rows can come sees the subscribers that are there.
void SubscriberWriter::meet() const {
  const_cast<SubscriberWriter*>(this)->meet_now();
}

void SubscriberWriter::meet_now() {
  if (failed()) return;
  remove_gone();
  if (listener_.has_value()) {
    while (!closing_) {
      AcceptedConnection connection = listener_->accept_connection();
      if (!connection.handle.valid()) break;
      add(connection.handle, std::move(connection.open));
    }
    if (listener_->error().has_value() && !closing_) error_.emplace(*listener_->error());
    return;
  }
  if (subscribers_.front()->connected()) return;
  if (const IoHandle handle = outgoing_->take(); handle.valid()) {
    subscribers_.front()->connect(handle);
  } else if (outgoing_->error().has_value()) {
    error_.emplace(*outgoing_->error());
  } else if (!outgoing_->waiting()) {
    outgoing_->start();
  }
}

void SubscriberWriter::remove_gone() {
  for (std::size_t i = 0; i < subscribers_.size();) {
    Subscriber& subscriber = *subscribers_[i];
    if (!subscriber.gone() || (outgoing_ != nullptr && !subscriber.idle())) {
      ++i;
      continue;
    }
    if (outgoing_ != nullptr) {  // it stays, and gets another connection
      if (!subscriber.connected() && !finished_) {
        outgoing_->lost();
        subscriber.await_connection();
      }
      ++i;
      continue;
    }
    settle(subscriber);
    subscriber.detach();
    backend_->retire(std::move(subscribers_[i]));
    subscribers_.erase(subscribers_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

/// What was owed to one that has gone is abandoned.
void SubscriberWriter::settle(Subscriber& subscriber) {
  const Deliveries own = subscriber.counts();
  over_.offered += own.offered;
  over_.delivered += own.delivered;
  over_.conflated += own.conflated;
  over_.dropped += own.dropped;
  over_.abandoned += own.held;
}

// --- Rows -----------------------------------------------------------------------------------------------------------

bool SubscriberWriter::blocked() const noexcept {
  // The one that we connect to is waited for whether it is there or not.
  if (options_.listens && options_.slow != SlowSubscriber::kBlock) return false;
  const std::uint64_t oldest = ring_.oldest_chunk();
  if (!ring_.next_overwrites(oldest)) return false;
  return std::any_of(subscribers_.begin(), subscribers_.end(), [&](const auto& subscriber) {
    return (outgoing_ != nullptr || !subscriber->gone()) && !subscriber->past(oldest);
  });
}

bool SubscriberWriter::accepts() const noexcept {
  if (failed() || closing_) return false;
  meet();
  if (failed()) return false;
  if (came_ < options_.wait_for) return false;
  return !blocked() || !const_cast<SubscriberWriter*>(this)->ring_.room().empty();
}

bool SubscriberWriter::open_next() {
  if (blocked()) return false;
  const std::uint64_t oldest = ring_.oldest_chunk();
  if (ring_.next_overwrites(oldest)) {
    for (auto& subscriber : subscribers_) {
      if (subscriber->past(oldest)) {
        subscriber->step_over(oldest);
        continue;
      }
      if (subscriber->gone()) continue;
      if (options_.slow == SlowSubscriber::kDisconnect) {
        ++disconnected_;
        subscriber->leave(false);
      } else if (options_.slow == SlowSubscriber::kConflate) {
        subscriber->conflate();
      } else {
        subscriber->count_dropped(subscriber->jump(oldest + 1));
      }
    }
  }
  ring_.open_next();
  return true;
}

bool SubscriberWriter::write(const Batch& batch, std::uint32_t* next) {
  meet_now();
  if (failed()) return false;
  const bool all = newest_.has_value() ? encode_by_key(batch, next) : encode(batch, next);
  if (!all) pump();
  return all;
}

bool SubscriberWriter::encode(const Batch& batch, std::uint32_t* next) {
  while (*next < batch.selected_count()) {
    const std::uint32_t before = *next;
    const bool fresh = ring_.room().size() == ring_.chunk_bytes();
    auto encoded = frames_.encode(*encoder_, batch, next, ring_.room());
    if (!encoded.has_value() && (encoded.error().code() != ErrorCode::kRecordTooLarge || fresh)) {
      error_.emplace(std::move(encoded).error().with_context("writing to " + options_.address.to_string()));
      if (fresh && error_->code() == ErrorCode::kRecordTooLarge)
        error_.emplace(std::move(*error_).with_hint("raise ring-bytes: a record takes at most a sixteenth of it"));
      return false;
    }
    if (encoded.has_value()) {
      ring_.append(*encoded, *next - before);
      bytes_ += *encoded;
    }
    if (*next == batch.selected_count()) return true;
    pump();
    if (!open_next()) return false;
  }
  return true;
}

bool SubscriberWriter::encode_by_key(const Batch& batch, std::uint32_t* next) {
  OneRowView view(batch);
  while (*next < view.rows()) {
    const Batch& one = view.row(*next);
    std::uint32_t none = 0;
    const std::span<char> room = ring_.room();
    auto encoded = frames_.encode(*encoder_, one, &none, room);
    if (!encoded.has_value()) {
      if (encoded.error().code() == ErrorCode::kRecordTooLarge && room.size() != ring_.chunk_bytes()) {
        pump();
        if (!open_next()) return false;
        continue;
      }
      error_.emplace(std::move(encoded).error().with_context("writing to " + options_.address.to_string()));
      return false;
    }
    if (!newest_->put(one, one.selection()[0], ring_.rows(), {room.data(), *encoded})) {
      error_.emplace(Error(ErrorCode::kLimitExceeded,
                           "the rows to " + options_.address.to_string() + " have more than " +
                               std::to_string(options_.conflate_keys_max) + " different keys (conflate-keys-max)")
                         .with_hint("raise conflate-keys-max, or conflate by fewer columns"));
      return false;
    }
    ring_.append(*encoded, 1);
    bytes_ += *encoded;
    ++*next;
  }
  return true;
}

void SubscriberWriter::pump() {
  for (auto& subscriber : subscribers_) subscriber->pump();
}

void SubscriberWriter::flush() {
  if (failed() || closing_) return;
  meet_now();
  pump();
  if (came_ < options_.wait_for) alarm_->set(kWakeNs);
}

// --- The end --------------------------------------------------------------------------------------------------------

void SubscriberWriter::close() {
  if (failed()) return;
  if (!closing_) {
    closing_ = true;
    close_by_ns_ = backend_->clock().now_ns() + options_.close_timeout_ns;
    if (listener_.has_value()) listener_->close();
  }
  meet_now();
  pump();
  check_close();
}

void SubscriberWriter::check_close() {
  const bool late = options_.close_timeout_ns != 0 && backend_->clock().now_ns() >= close_by_ns_;
  bool all = true;
  for (auto& subscriber : subscribers_) {
    if (subscriber->gone() && outgoing_ == nullptr) continue;
    if (subscriber->done() || late) {
      if (late && !subscriber->done() && outgoing_ != nullptr) {
        error_.emplace(Error(ErrorCode::kUnavailable, options_.address.to_string() + " did not take the last " +
                                                          std::to_string(subscriber->counts().held) +
                                                          " rows within close-timeout"));
        return;
      }
      subscriber->leave(subscriber->done());
    } else {
      all = false;
    }
  }
  if (!all) return alarm_->set(std::min(kWakeNs, std::max<std::int64_t>(options_.close_timeout_ns, 1'000'000)));
  finished_ = true;
}

std::string SubscriberWriter::listening() const {
  if (!listener_.has_value()) return {};
  if (options_.address.local()) return options_.address.to_string();
  return SocketAddress{options_.address.host, listener_->port()}.to_string();
}

Deliveries SubscriberWriter::deliveries() const noexcept {
  Deliveries all = over_;
  all.subscribers = came_;
  for (const auto& subscriber : subscribers_) {
    const Deliveries own = subscriber->counts();
    all.offered += own.offered;
    all.delivered += own.delivered;
    all.conflated += own.conflated;
    all.dropped += own.dropped;
    (subscriber->gone() && (outgoing_ == nullptr || finished_) ? all.abandoned : all.held) += own.held;
  }
  return all;
}

const char* SubscriberWriter::stalled() const noexcept {
  if (failed() || finished_) return nullptr;
  if (outgoing_ != nullptr && !subscribers_.front()->connected()) return "there is no connection";
  if (came_ < options_.wait_for) return "subscribers have not come";
  const bool stopped = closing_ || blocked();
  return stopped ? "a subscriber is slow" : nullptr;
}

std::vector<IoCount> SubscriberWriter::counts() const {
  std::vector<IoCount> all{{"subscribers disconnected, too slow", disconnected_},
                           {"subscribers disconnected, talking", talkative_}};
  if (outgoing_ != nullptr) {
    all.push_back({"connections", outgoing_->connections()});
    all.push_back({"tries to connect that failed", outgoing_->failures()});
  }
  std::erase_if(all, [](const IoCount& count) { return count.count == 0; });
  return all;
}

}  // namespace weir
