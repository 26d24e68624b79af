// Encodes into the sink's own buffers and waits, without blocking, for them to be written (encoding_writer.h).
#include "connectors/encoding_writer.h"

#include <cerrno>
#include <cstdio>
#include <utility>

namespace weir {

EncodingWriter::EncodingWriter(std::unique_ptr<Encoder> encoder, std::unique_ptr<ByteSink> sink, IoBackend& backend,
                               bool open_late, std::string path, std::string rename_to)
    : encoder_(std::move(encoder)),
      sink_(std::move(sink)),
      backend_(backend),
      path_(std::move(path)),
      rename_to_(std::move(rename_to)),
      open_(!open_late) {}

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
  if (open_ && !rename_to_.empty() && std::rename(path_.c_str(), rename_to_.c_str()) != 0) {
    error_.emplace(Error::from_errno(errno, "cannot rename " + path_ + " to " + rename_to_));
    return;
  }
  finished_ = true;
}

}  // namespace weir
