// Encodes into the sink's own buffers and waits, without blocking, for them to be written (encoding_writer.h).
#include "connectors/encoding_writer.h"

#include <utility>

#include "sources.h"

namespace weir {

EncodingWriter::EncodingWriter(std::unique_ptr<Encoder> encoder, std::unique_ptr<ByteSink> sink, IoBackend& backend,
                               bool open_late)
    : encoder_(std::move(encoder)), sink_(std::move(sink)), backend_(backend), open_(!open_late) {}

EncodingWriter::~EncodingWriter() {
  if (alarm_ == nullptr) return;
  alarm_->stop();
  backend_.retire(std::move(alarm_));
}

void EncodingWriter::rename_at_end(std::string from, std::string to, std::int64_t full_disk_timeout_ns) {
  rename_from_ = std::move(from);
  rename_to_ = std::move(to);
  full_disk_timeout_ns_ = full_disk_timeout_ns;
  alarm_ = std::make_unique<Alarm>(backend_);
}

Result<void> EncodingWriter::open_now() {
  open_ = true;
  return sink_->open(backend_);
}

bool EncodingWriter::accepts() const noexcept {
  return !failed() && !closing_ && (!open_ || sink_->writable());
}

/// What the format puts before the first row. False where there is no buffer for it now.
bool EncodingWriter::begin() {
  const std::string_view preamble = encoder_->preamble();
  if (!preamble.empty()) {
    const std::span<char> out = sink_->reserve(preamble.size());
    if (out.empty()) return false;
    sink_->commit(preamble.copy(out.data(), preamble.size()));
  }
  return begun_ = true;
}

bool EncodingWriter::write(const Batch& batch, std::uint32_t* next) {
  if (!open_) {
    if (auto opened = open_now(); !opened.has_value()) {
      error_.emplace(std::move(opened).error());
      return false;
    }
  }
  if (!begun_ && !begin()) return false;
  const std::uint32_t rows = batch.selected_count();
  bool fresh = false;  // the last reserve gave a whole empty buffer
  while (*next < rows) {
    std::span<char> out = sink_->reserve(fresh ? sink_->buffer_bytes() : 0);
    if (out.empty()) return false;
    auto encoded = encoder_->encode(batch, next, out);
    if (!encoded.has_value()) {
      if (encoded.error().code() == ErrorCode::kRecordTooLarge && !fresh) {
        fresh = true;  // it may fit an empty buffer
        continue;
      }
      error_.emplace(std::move(encoded).error().with_context("writing " + std::string(sink_->name())));
      return false;
    }
    if (*encoded == 0 && fresh) {
      error_.emplace(Error(ErrorCode::kRecordTooLarge, "a row does not fit the output buffer of " +
                                                           std::to_string(sink_->buffer_bytes()) + " bytes")
                         .with_context("writing " + std::string(sink_->name())));
      return false;
    }
    sink_->commit(*encoded);
    fresh = *next < rows;
  }
  return true;
}

void EncodingWriter::flush() {
  if (open_ && !closing_) sink_->flush();
}

void EncodingWriter::close() {
  closing_ = true;
  if (!ended_ && open_ && !failed()) {
    if (const std::size_t size = encoder_->end_bytes(); size != 0) {
      const std::span<char> out = sink_->reserve(size);
      if (out.empty()) return;  // when a buffer has been written
      sink_->commit(encoder_->finish(out));
    }
    ended_ = true;
    sink_->close();
  }
  finish_if_closed();
}

void EncodingWriter::finish_if_closed() {
  if (finished_ || failed()) return;
  if (open_ && !sink_->closed()) return;
  finished_ = !open_ || rename_to_.empty() || rename();
}

/// Whether the file has its last name now. A full disk is waited for: nothing is lost by that, all rows are written.
bool EncodingWriter::rename() {
  if (full_since_ns_ >= 0 && !alarm_->rang()) {
    alarm_->set(detail::kFullDiskRetryNs);  // where it could not be set before
    return false;
  }
  Result<void> renamed = backend_.rename(rename_from_, rename_to_);
  if (renamed.has_value()) {
    full_since_ns_ = -1;
    return true;
  }
  Error error = std::move(renamed).error();
  if (error.code() == ErrorCode::kDiskFull && full_disk_timeout_ns_ != 0) {
    const std::int64_t now = backend_.clock().now_ns();
    if (full_since_ns_ < 0) {
      full_since_ns_ = now;
      ++times_full_;
    }
    if (now - full_since_ns_ < full_disk_timeout_ns_) {
      alarm_->set(detail::kFullDiskRetryNs);
      return false;
    }
    error = std::move(error).with_context("giving a file its last name, having waited " +
                                          std::to_string(full_disk_timeout_ns_ / 1'000'000'000) + " s for room");
  }
  const bool gone = error.code() == ErrorCode::kNotFound;
  error_.emplace(std::move(error).with_hint(
      gone ? "the file or its folder was taken away while the job ran, and the rows of this part with it: run it again"
           : "all rows of this part are in " + rename_from_ + ", which can be renamed by hand"));
  return false;
}

}  // namespace weir
