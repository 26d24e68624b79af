// See socket_reader.h.
#include "connectors/socket_reader.h"

#include <algorithm>
#include <utility>

#include "connectors/decoding_reader.h"
#include "weir/core/check.h"

namespace weir {
namespace {

constexpr int kChunksPerRead = 16;                  // bounds the work of a read that meets nothing but bad records
constexpr std::uint64_t kDrainBytesMax = 4u << 20;  // what is read on at a drain where the bytes never pause
constexpr std::int64_t kCheckNs = 250'000'000;      // how often the clock is looked at
constexpr std::size_t kChecksPerTurn = 256;
constexpr std::size_t kDecodersKept = 64;

}  // namespace

SocketReader::SocketReader(const SocketOptions& options, FormatContext format, ReaderCallbacks callbacks)
    : options_(options), format_(std::move(format)), callbacks_(std::move(callbacks)) {
  bad_ = [this](const BadRecord& record) { return take_bad(record); };
}

SocketReader::~SocketReader() {
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot)
    if (slots_[slot].receiver != nullptr) close_slot(slot);
  if (outgoing_ != nullptr) {
    outgoing_->close();
    backend_->retire(std::move(outgoing_));
  }
  if (alarm_ != nullptr) {
    alarm_->stop();
    backend_->retire(std::move(alarm_));
  }
}

Result<void> SocketReader::open(IoBackend& backend) {
  backend_ = &backend;
  const std::uint32_t connections = options_.listens ? options_.connections_max : 1;
  WEIR_ASSIGN(std::unique_ptr<Decoder> decoder, make_decoder(format_));  // so that a wrong format shows now
  decoders_.push_back(std::move(decoder));
  // A backend that was made for this reader has sets for a class of its own; else it shares what there is.
  if (auto own = backend.make_receive_class(std::min(connections, kReceiveGroupsMax)); own.has_value())
    receive_class_ = *own;
  slots_.resize(connections);
  for (std::uint32_t i = connections; i-- > 0;) free_slots_.push_back(i);
  ready_.reset(connections);
  alarm_ = std::make_unique<Alarm>(backend);
  if (!options_.listens) {
    outgoing_ = std::make_unique<Outgoing>(backend, options_);
    outgoing_->start();
    return {};
  }
  const std::uint32_t waiting_max = options_.idle_timeout_ns != 0 ? 1 : 0;
  listener_.emplace(TcpListenerConfig{options_.address, options_.connections_max, waiting_max});
  return listener_->open(backend);
}

// --- Connections come -----------------------------------------------------------------------------------------------

void SocketReader::accept() {
  if (draining_) return;
  while (!free_slots_.empty()) {
    if (options_.until_end != 0 && accepted_ >= options_.until_end) return;
    AcceptedConnection connection = listener_->accept_connection();
    if (!connection.handle.valid()) return;
    admit(std::move(connection));
  }
  (void)listener_->accept_connection();  // goes on accepting where a place for one that waits has become free
}

void SocketReader::admit(AcceptedConnection connection) {
  if (options_.connections_per_peer_max < options_.connections_max) {
    const std::string peer = backend_->peer_name(connection.handle);
    const auto count = std::count_if(slots_.begin(), slots_.end(),
                                     [&](const Slot& slot) { return slot.receiver != nullptr && slot.peer == peer; });
    if (static_cast<std::uint32_t>(count) >= options_.connections_per_peer_max) {
      ++refused_.too_many_of_peer;
      backend_->close(connection.handle);
      --*connection.open;
      return;
    }
  }
  ++accepted_;
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  take(slot, connection.handle, std::move(connection.name), std::move(connection.open));
}

void SocketReader::take(std::uint32_t index, IoHandle handle, std::string name, std::shared_ptr<std::uint32_t> open) {
  Slot& slot = slots_[index];
  slot = Slot{};
  slot.name = std::move(name);
  slot.open = std::move(open);
  if (options_.connections_per_peer_max < options_.connections_max) slot.peer = backend_->peer_name(handle);
  slot.last_ns = slot.record_begin_ns = backend_->clock().now_ns();
  slot.receiver = std::make_unique<detail::ConnectionReceiver>(*backend_, handle, receive_class_, &ready_, index);
  if (slot.receiver->stuck()) ready_.push(index);  // polling starts it
}

/// Returns whether the outgoing connection has changed.
bool SocketReader::run_outgoing() {
  if (draining_ || free_slots_.empty()) return false;
  if (const IoHandle connection = outgoing_->take(); connection.valid()) {
    ++accepted_;
    free_slots_.pop_back();
    take(0, connection, options_.address.to_string(), nullptr);
    return true;
  }
  if (outgoing_->error().has_value()) {
    error_.emplace(*outgoing_->error());
    return true;
  }
  const bool wanted = accepted_ == 0 || options_.reconnect_at_end || !options_.listens;
  if (wanted && !at_end() && !outgoing_->waiting()) outgoing_->start();
  return false;
}

/// A first try that has not ended yet is nothing to wait for.
const char* SocketReader::stalled() const noexcept {
  const bool connected = free_slots_.size() != slots_.size();
  if (outgoing_ == nullptr || connected || outgoing_->failures() == 0 || at_end() || error_.has_value()) return nullptr;
  return "there is no connection";
}

// --- Bytes become rows ----------------------------------------------------------------------------------------------

ReadStatus SocketReader::read(Batch& batch) {
  const std::int64_t now = backend_->clock().now_ns();
  if (now >= next_check_ns_) check_clock(now);
  if (listener_.has_value()) accept();
  if (outgoing_ != nullptr) run_outgoing();
  if (error_.has_value()) return ReadStatus::kFailed;
  bool more = false;
  for (std::size_t left = ready_.size(); left != 0 && !more && !batch.full(); --left) {
    const std::uint32_t slot = ready_.pop();
    if (slots_[slot].receiver == nullptr) continue;
    const ReadStatus status = read_slot(slot, batch);
    if (status == ReadStatus::kFailed) return status;
    if (status == ReadStatus::kRows) {
      // The batch may be out of heap though not of rows. The others have their turn before this one goes on.
      if (slots_[slot].receiver != nullptr) ready_.push(slot);
      more = true;
    }
  }
  if (listener_.has_value() && listener_->error().has_value() && !draining_) {
    error_.emplace(*listener_->error());
    return ReadStatus::kFailed;
  }
  if (!ready_.empty()) more = true;
  if (batch.row_count() == 0 && at_end()) return ReadStatus::kEnd;
  return more ? ReadStatus::kRows : ReadStatus::kPending;
}

ReadStatus SocketReader::read_slot(std::uint32_t index, Batch& batch) {
  Slot& slot = slots_[index];
  current_ = index;
  std::optional<Error> broken;
  for (int chunk = 0; chunk < kChunksPerRead; ++chunk) {
    std::span<const char> bytes;
    switch (slot.receiver->poll(bytes, broken, slot.name)) {
      case ReadState::kData: {
        if (draining_ && slot.bytes - slot.drain_begin >= kDrainBytesMax) {
          cut(slot, ErrorCode::kTruncated, "the job was drained in the middle of the record");
          close_slot(index);
          return ReadStatus::kPending;
        }
        lend_decoder(slot);
        const DecodeResult result =
            options_.framing == Framing::kFormat
                ? slot.decoder->decode(bytes, batch, bad_)
                : slot.frames.decode(options_.framing, format_.record_bytes_max, bytes, *slot.decoder, batch, bad_);
        BatchHeader& header = batch.header();
        header.ingest_time_max = std::max(header.ingest_time_max, slot.receiver->ingest_wall_ns);
        header.ingest_time_min = std::min(header.ingest_time_min, slot.receiver->ingest_wall_ns);
        slot.receiver->consume(result.consumed);
        note_progress(slot, result.consumed);
        ReadStatus status = ReadStatus::kPending;
        if (judge(slot, result, &status)) return status;
        if (result.consumed < bytes.size() || batch.full()) return ReadStatus::kRows;
        break;
      }
      case ReadState::kPending:
        if (slot.receiver->stuck()) return ReadStatus::kRows;
        if (draining_) {
          cut(slot, ErrorCode::kTruncated, "the job was drained in the middle of the record");
          close_slot(index);
        } else {
          take_decoder_back(slot);
        }
        return ReadStatus::kPending;
      case ReadState::kEnd:
        return end_slot(index, batch);
      case ReadState::kError:
        refuse(index, refused_.reset, broken->code(), "the connection broke in the middle of the record");
        return ReadStatus::kPending;
    }
  }
  return ReadStatus::kRows;
}

/// Returns whether reading this slot ends for now.
bool SocketReader::judge(Slot& slot, const DecodeResult& result, ReadStatus* status) {
  const std::uint32_t index = current_;
  if (slot.frames.refused() != 0) {
    refuse(index, refused_.too_long, ErrorCode::kRecordTooLarge,
           "a frame of " + std::to_string(slot.frames.refused()) + " bytes is announced; record_bytes_max is " +
               std::to_string(format_.record_bytes_max));
    *status = ReadStatus::kPending;
    return true;
  }
  if (refusal_.has_value()) {  // counted already
    Error refusal = std::move(*refusal_).with_context("reading " + slot.name);
    refusal_.reset();
    ++(refusal_code_ == ErrorCode::kSchemaMismatch   ? refused_.schema
       : refusal_code_ == ErrorCode::kRecordTooLarge ? refused_.too_long
                                                     : refused_.damaged);
    close_slot(index);
    if (options_.listens) return true;
    error_.emplace(std::move(refusal));  // we chose this peer: it will not be another one next time
    *status = ReadStatus::kFailed;
    return true;
  }
  if (!result.stopped) return false;
  *status = ReadStatus::kRows;
  if (std::exchange(paused_, false)) return true;
  WEIR_CHECK(bad_record_.has_value());
  if (options_.close_at_malformed && options_.listens) {
    ++refused_.malformed;
    bad_record_.reset();
    close_slot(index);
    *status = ReadStatus::kPending;
    return true;
  }
  error_.emplace(std::move(*bad_record_).with_context("reading " + slot.name));
  *status = ReadStatus::kFailed;
  return true;
}

bool SocketReader::take_bad(const BadRecord& given) {
  const Slot& slot = slots_[current_];
  BadRecord record = given;
  record.record += slot.records;
  record.byte += slot.decoder_begin;
  const bool go_on = callbacks_.bad_record == nullptr || callbacks_.bad_record(record);
  const bool protocol = format_.format == "batches";
  if (protocol) {  // its decoder reports nothing but what ends the stream
    refusal_.emplace(Error(record.code, describe(record), Position::at_byte(record.byte)));
    refusal_code_ = record.code;
    return go_on;
  }
  paused_ = !go_on && callbacks_.pause != nullptr && callbacks_.pause();
  if ((!go_on && !paused_) || record.code == ErrorCode::kMissingField) bad_record_.emplace(bad_record_error(record));
  return go_on;
}

void SocketReader::note_progress(Slot& slot, std::size_t consumed) {
  slot.bytes += consumed;
  bytes_ += consumed;
  const std::int64_t now = backend_->clock().now_ns();
  slot.last_ns = now;
  const std::uint64_t records = slot.records + slot.decoder->records();
  const std::uint64_t before = slot.pending;
  slot.pending = slot.decoder->pending_bytes() + (slot.frames.partial() ? 1 : 0);
  pending_ += slot.pending;
  pending_ -= before;
  if (before == 0 || records != slot.seen_records) {
    slot.record_begin_ns = now;
    slot.record_begin = slot.bytes - std::min(slot.bytes, slot.pending);
  }
  slot.seen_records = records;
  if (pending_ > options_.partial_bytes_max) check_unfinished();
}

ReadStatus SocketReader::end_slot(std::uint32_t index, Batch& batch) {
  Slot& slot = slots_[index];
  if (slot.frames.partial()) {
    cut(slot, ErrorCode::kTruncated, "the stream ends inside a frame");
    close_slot(index);
    return ReadStatus::kPending;
  }
  if (slot.decoder != nullptr && options_.framing == Framing::kFormat) {
    const DecodeResult result = slot.decoder->finish(batch, bad_);
    ReadStatus status = ReadStatus::kPending;
    if (result.stopped || refusal_.has_value()) {
      paused_ = false;
      if (bad_record_.has_value() || refusal_.has_value()) {
        (void)judge(slot, result, &status);
        if (status == ReadStatus::kFailed || slots_[index].receiver == nullptr) return status;
      }
    }
    if (result.consumed == 0) return ReadStatus::kRows;
  }
  close_slot(index);
  if (!options_.listens && !options_.reconnect_at_end) draining_ = true;  // the peer's end is the input's
  return ReadStatus::kPending;
}

// --- Connections go -------------------------------------------------------------------------------------------------

/// Counts the piece of a record that has come as a bad record, which does not fail the job.
void SocketReader::cut(Slot& slot, ErrorCode code, std::string_view reason) {
  if (slot.pending == 0 || callbacks_.bad_record == nullptr) return;
  BadRecord record;
  record.code = code;
  record.record = slot.records + (slot.decoder == nullptr ? 0 : slot.decoder->records());
  record.byte = slot.bytes - std::min(slot.bytes, slot.pending);
  record.reason = reason;
  (void)callbacks_.bad_record(record);
  ++records_;
}

void SocketReader::refuse(std::uint32_t index, std::uint64_t& counter, ErrorCode code, std::string_view reason) {
  ++counter;
  Slot& slot = slots_[index];
  if (slot.frames.refused() != 0) slot.pending = std::max<std::uint64_t>(slot.pending, 1);
  cut(slot, code, reason);
  close_slot(index);
}

void SocketReader::close_slot(std::uint32_t index) {
  Slot& slot = slots_[index];
  records_ += slot.records + (slot.decoder == nullptr ? 0 : slot.decoder->records());
  if (slot.decoder != nullptr) feed_ += slot.decoder->feed_counts();
  pending_ -= std::min(pending_, slot.pending);
  slot.receiver->close();
  backend_->retire(std::move(slot.receiver));
  if (slot.open != nullptr) --*slot.open;
  if (slot.decoder != nullptr && decoders_.size() < kDecodersKept) decoders_.push_back(std::move(slot.decoder));
  slot = Slot{};
  free_slots_.push_back(index);
  ++ended_;
  if (outgoing_ != nullptr) outgoing_->lost();
}

void SocketReader::lend_decoder(Slot& slot) {
  if (slot.decoder != nullptr) return;
  if (decoders_.empty()) {
    slot.decoder = std::move(make_decoder(format_)).value();  // one was made before, so this one can be
  } else {
    slot.decoder = std::move(decoders_.back());
    decoders_.pop_back();
  }
  slot.decoder->reset();
  slot.decoder_begin = slot.bytes;
}

void SocketReader::take_decoder_back(Slot& slot) {
  if (slot.decoder == nullptr || slot.pending != 0 || slot.decoder->keeps_state()) return;
  slot.records += slot.decoder->records();
  if (decoders_.size() < kDecodersKept) decoders_.push_back(std::move(slot.decoder));
  slot.decoder.reset();
}

// --- The clock ------------------------------------------------------------------------------------------------------

void SocketReader::check_clock(std::int64_t now) {
  if (!options_.listens) return;
  const std::size_t checks = std::min(slots_.size(), kChecksPerTurn);
  for (std::size_t i = 0; i < checks; ++i) {
    check_slot(static_cast<std::uint32_t>(clock_hand_), now);
    clock_hand_ = (clock_hand_ + 1) % slots_.size();
  }
  // Many slots are looked at in several turns, one behind the other.
  const auto parts = static_cast<std::int64_t>((slots_.size() + kChecksPerTurn - 1) / kChecksPerTurn);
  next_check_ns_ = now + kCheckNs / parts;
  // So that quiet connections are looked at too.
  if (free_slots_.size() != slots_.size()) alarm_->set(kCheckNs / parts);
}

void SocketReader::check_slot(std::uint32_t index, std::int64_t now) {
  Slot& slot = slots_[index];
  if (slot.receiver == nullptr || ready_.holds(index)) return;  // what waits for us is not slow
  const bool hello_missing = format_.format == "batches" && slot.records == 0 && slot.bytes == 0;
  if (options_.record_timeout_ns != 0 && (slot.pending != 0 || hello_missing)) {
    const std::int64_t taken = now - slot.record_begin_ns;
    const double wanted = static_cast<double>(options_.bytes_per_second_min) * static_cast<double>(taken) / 1e9;
    if (taken > options_.record_timeout_ns && static_cast<double>(slot.bytes - slot.record_begin) < wanted) {
      return refuse(index, refused_.too_slow, ErrorCode::kTruncated,
                    "the peer has left it unfinished for longer than record-timeout");
    }
  }
  if (options_.idle_timeout_ns == 0 || now - slot.last_ns <= options_.idle_timeout_ns) return;
  if (listener_->crowded())
    refuse(index, refused_.idle, ErrorCode::kTruncated, "the peer was silent for longer than idle-timeout");
}

/// Too many bytes of unfinished records: the one that has been unfinished longest goes.
void SocketReader::check_unfinished() {
  std::uint32_t oldest = current_;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].pending != 0 && slots_[i].record_begin_ns < slots_[oldest].record_begin_ns) oldest = i;
  }
  if (oldest == current_) return;  // its own limit is record_bytes_max
  refuse(oldest, refused_.too_much_unfinished, ErrorCode::kLimitExceeded,
         "unfinished records take more than partial-bytes-max, and this one is the oldest");
}

// --- The end --------------------------------------------------------------------------------------------------------

void SocketReader::drain() {
  draining_ = true;
  if (listener_.has_value()) listener_->close();
  if (outgoing_ != nullptr) outgoing_->close();
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].receiver == nullptr) continue;
    slots_[slot].drain_begin = slots_[slot].bytes;
    ready_.push(slot);
  }
}

bool SocketReader::at_end() const noexcept {
  if (free_slots_.size() != slots_.size()) return false;
  return draining_ || (options_.until_end != 0 && ended_ >= options_.until_end);
}

std::uint64_t SocketReader::records() const noexcept {
  std::uint64_t sum = records_;
  for (const Slot& slot : slots_) sum += slot.records + (slot.decoder == nullptr ? 0 : slot.decoder->records());
  return sum;
}

std::string SocketReader::listening() const {
  if (!listener_.has_value()) return {};
  if (options_.address.local()) return options_.address.to_string();
  return SocketAddress{options_.address.host, listener_->port()}.to_string();
}

std::vector<IoCount> SocketReader::counts() const {
  std::vector<IoCount> all{{"connections", accepted_},
                           {"connections reset", refused_.reset},
                           {"connections closed, record too slow", refused_.too_slow},
                           {"connections closed, silent while others waited", refused_.idle},
                           {"connections closed, record too long", refused_.too_long},
                           {"connections closed, other columns", refused_.schema},
                           {"connections closed, damaged stream", refused_.damaged},
                           {"connections closed, malformed record", refused_.malformed},
                           {"connections closed, too much unfinished", refused_.too_much_unfinished},
                           {"connections refused, too many of one peer", refused_.too_many_of_peer}};
  if (outgoing_ != nullptr) all.push_back({"tries to connect that failed", outgoing_->failures()});
  FeedCounts feed = feed_;
  for (const Slot& slot : slots_)
    if (slot.decoder != nullptr) feed += slot.decoder->feed_counts();
  return counts_with_feed(std::move(all), feed);
}

}  // namespace weir
