// Drives a byte source and a decoder with bounded work a call (decoding_reader.h).
#include "connectors/decoding_reader.h"

#include <utility>

namespace weir {
namespace {

constexpr int kChunksPerRead = 16;                  // bounds the work of a read that meets nothing but bad records
constexpr std::uint64_t kDrainBytesMax = 4u << 20;  // what is read on at a drain where the bytes never pause

std::string printable(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (byte < 0x20 || byte == 0x7f)
      out += '?';
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string describe(const BadRecord& record) {
  std::string text = "record " + std::to_string(record.record) + " at byte " + std::to_string(record.byte);
  if (!record.field.empty()) text += ", column " + std::string(record.field);
  text += ": " + std::string(record.reason);
  if (!record.text.empty()) text += " (\"" + printable(record.text) + "\")";
  return text;
}

Error bad_record_error(const BadRecord& record) {
  return Error(record.code, describe(record), Position::at_byte(record.byte))
      .with_hint("set the format's ignore-parse-errors option to true to count such records and go on");
}

std::vector<IoCount> counts_with_feed(std::vector<IoCount> counts, const FeedCounts& feed) {
  counts.push_back({"sequence gaps", feed.gaps});
  counts.push_back({"messages missing in gaps", feed.missing});
  counts.push_back({"messages that had come already", feed.repeated});
  counts.push_back({"packets of other traffic", feed.other_packets});
  std::erase_if(counts, [](const IoCount& count) { return count.count == 0; });
  return counts;
}

DecodedStream::DecodedStream(std::unique_ptr<Decoder> decoder, ReaderCallbacks callbacks)
    : decoder_(std::move(decoder)), callbacks_(std::move(callbacks)) {
  recording_ = [this](const BadRecord& record) {
    const bool go_on = callbacks_.bad_record == nullptr || callbacks_.bad_record(record);
    paused_ = !go_on && callbacks_.pause != nullptr && callbacks_.pause();
    // A header that does not fit ends the input whatever is made of the record.
    if ((!go_on && !paused_) || record.code == ErrorCode::kMissingField) {
      bad_record_.emplace(bad_record_error(record));
    }
    return go_on;
  };
}

void DecodedStream::start(std::unique_ptr<ByteSource> bytes) {
  WEIR_CHECK(bytes_ == nullptr);
  decoder_->reset();
  error_.reset();
  pending_error_.reset();
  lent_ = 0;
  bytes_ = std::move(bytes);
}

ReadStatus DecodedStream::stopped() {
  if (std::exchange(paused_, false)) return ReadStatus::kRows;
  WEIR_CHECK(bad_record_.has_value());
  return fail(std::move(*bad_record_).with_context("reading " + std::string(bytes_->name())));
}

ReadStatus DecodedStream::fail(Error error) {
  error_.emplace(std::move(error));
  return ReadStatus::kFailed;
}

void DecodedStream::end_stream() {
  bytes_before_ += bytes_->bytes_consumed();
  records_before_ += decoder_->records();
  bytes_.reset();
}

ReadStatus DecodedStream::read_end(Batch& batch) {
  const DecodeResult result = decoder_->finish(batch, recording_);
  if (result.stopped && !paused_) return stopped();
  paused_ = false;
  if (result.consumed == 0) return ReadStatus::kRows;
  end_stream();
  return ReadStatus::kEnd;
}

ReadStatus DecodedStream::read(Batch& batch) {
  if (bytes_ == nullptr) return ReadStatus::kEnd;
  if (pending_error_.has_value()) return fail(std::move(*pending_error_));
  if (lent_ != 0) bytes_->consume(std::exchange(lent_, 0));  // the batch that pointed there is empty again
  for (int chunk = 0; chunk < kChunksPerRead; ++chunk) {
    std::span<const char> bytes;
    switch (bytes_->poll(bytes)) {
      case ReadState::kData: {
        if (draining_ && drained_bytes_ >= kDrainBytesMax) return read_cut();
        const DecodeResult result = decoder_->decode(bytes, batch, recording_);
        if (result.borrowed) {
          lent_ = result.consumed;
        } else {
          bytes_->consume(result.consumed);
        }
        if (draining_) drained_bytes_ += result.consumed;
        BatchHeader& header = batch.header();
        header.ingest_time_max = std::max(header.ingest_time_max, bytes_->ingest_wall_ns());
        header.ingest_time_min = std::min(header.ingest_time_min, bytes_->ingest_wall_ns());
        if (result.stopped) return stopped();
        if (result.borrowed) return ReadStatus::kRows;
        if (result.consumed < bytes.size() || batch.full()) return ReadStatus::kRows;
        break;
      }
      case ReadState::kPending:
        if (!draining_) return ReadStatus::kPending;
        return read_cut();
      case ReadState::kEnd:
        return read_end(batch);
      case ReadState::kError: {
        Error error = bytes_->error();
        if (batch.row_count() == 0) return fail(std::move(error));
        pending_error_.emplace(std::move(error));
        return ReadStatus::kRows;
      }
    }
  }
  return ReadStatus::kRows;
}

ReadStatus DecodedStream::read_cut() {
  report_cut(ErrorCode::kTruncated, "the job was drained in the middle of the record");
  bytes_->close();
  end_stream();
  return ReadStatus::kEnd;
}

void DecodedStream::report_cut(ErrorCode code, std::string_view reason) {
  if (decoder_->pending_bytes() == 0 || callbacks_.bad_record == nullptr) return;
  BadRecord record;
  record.code = code;
  record.record = decoder_->records();
  record.byte = bytes_->bytes_consumed() - decoder_->pending_bytes();
  record.reason = reason;
  (void)callbacks_.bad_record(record);
  ++records_before_;
}

void DecodedStream::abandon() {
  report_cut(error_->code(), "the connection broke in the middle of the record");
  error_.reset();
  end_stream();
}

void DecodedStream::abandon(ErrorCode code) {
  report_cut(code, "the rest of the record is gone");
  end_stream();
}

DecodingReader::DecodingReader(std::unique_ptr<Decoder> decoder, ReaderCallbacks callbacks)
    : stream_(std::move(decoder), std::move(callbacks)) {}

Result<void> DecodingReader::open(std::unique_ptr<ByteSource> bytes, IoBackend& backend) {
  WEIR_TRY(bytes->open(backend));
  stream_.start(std::move(bytes));
  return {};
}

std::vector<IoCount> DecodingReader::counts() const {
  return counts_with_feed({}, stream_.feed_counts());
}

ReadStatus DecodingReader::read(Batch& batch) {
  return stream_.read(batch);
}

}  // namespace weir
