// DecodingReader: bytes of one input through a decoder into batches; and the error that a bad record becomes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/core/clock.h"
#include "weir/io/byte_source.h"
#include "weir/io/connector.h"
#include "weir/io/format.h"

namespace weir {

/// One ordered stream of bytes with its decoder. Thread: the owning shard.
class DecodedStream {
 public:
  DecodedStream(std::unique_ptr<Decoder> decoder, ReaderCallbacks callbacks);

  /// Starts a stream; what an earlier one left in the decoder is forgotten.
  void start(std::unique_ptr<ByteSource> bytes);
  bool running() const noexcept { return bytes_ != nullptr; }
  /// Appends rows until the batch is full, the bytes pause, or the stream ends. Bounded work.
  ReadStatus read(Batch& batch);
  /// Reads on until the first pause, or a bounded number of bytes, then ends.
  void drain() noexcept { draining_ = true; }
  /// Requires: read gave kFailed.
  const Error& error() const noexcept { return *error_; }
  /// Takes the error away (a connection that failed does not fail its listener).
  Error take_error() noexcept { return std::move(*error_); }
  /// Ends a stream that failed: the piece of a record that was cut is reported as a bad record, which does not fail the
  /// job. Requires: read gave kFailed.
  void abandon();
  /// Ends a running stream whose bytes are no longer there; the piece that was cut is told with that code.
  void abandon(ErrorCode code);
  std::uint64_t bytes() const noexcept { return bytes_before_ + (bytes_ == nullptr ? 0 : bytes_->bytes_consumed()); }
  /// What the decoder of a feed missed or passed over.
  FeedCounts feed_counts() const noexcept { return decoder_->feed_counts(); }
  std::uint64_t records() const noexcept { return records_before_ + (bytes_ == nullptr ? 0 : decoder_->records()); }

 private:
  ReadStatus read_end(Batch& batch);
  /// Ends a stream that is drained: the piece of a record that has not all come is a bad record, never a row.
  ReadStatus read_cut();
  /// Counts the piece of a record that the decoder holds as a bad record, which does not fail the job.
  void report_cut(ErrorCode code, std::string_view reason);
  ReadStatus fail(Error error);
  /// The decoder stopped at a bad record: for now, or for good.
  ReadStatus stopped();
  void end_stream();

  std::unique_ptr<Decoder> decoder_;
  ReaderCallbacks callbacks_;
  BadRecordHandler recording_;
  std::unique_ptr<ByteSource> bytes_;
  std::optional<Error> error_;
  std::optional<Error> pending_error_;  // to be given once the rows before it have been taken
  std::optional<Error> bad_record_;
  std::uint64_t bytes_before_ = 0;
  std::uint64_t records_before_ = 0;
  std::uint64_t drained_bytes_ = 0;
  std::size_t lent_ = 0;  // bytes that the last batch points at
  bool draining_ = false;
  bool paused_ = false;
};

/// A reader over one file. Thread: the owning shard.
class DecodingReader final : public RowReader {
 public:
  DecodingReader(std::unique_ptr<Decoder> decoder, ReaderCallbacks callbacks);
  Result<void> open(std::unique_ptr<ByteSource> bytes, IoBackend& backend);
  ReadStatus read(Batch& batch) override;
  void drain() override { stream_.drain(); }
  const Error& error() const noexcept override { return stream_.error(); }
  std::uint64_t bytes() const noexcept override { return stream_.bytes(); }
  std::uint64_t records() const noexcept override { return stream_.records(); }
  std::vector<IoCount> counts() const override;

 private:
  DecodedStream stream_;
};

/// What a bad record that the job does not accept becomes.
Error bad_record_error(const BadRecord& record);
/// What feeds missed or passed over and the other counts, for RowReader::counts; those that are 0 are left out.
std::vector<IoCount> counts_with_feed(std::vector<IoCount> counts, const FeedCounts& feed);
/// Text of a bad record for people: "record 12 at byte 345, column delay_min: not a number (\"abc\")".
std::string describe(const BadRecord& record);

}  // namespace weir
