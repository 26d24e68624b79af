// Files that grow (tail_reader.h).
#include "connectors/tail_reader.h"

#include <algorithm>
#include <utility>

#include "connectors/alarm.h"
#include "sources.h"
#include "weir/core/check.h"

namespace weir {
namespace {

/// Reads of one open file, one at a time.
class GrowingFile final : public OpOwner {
 public:
  GrowingFile(IoBackend& backend, const std::string& path, std::uint32_t buffer_bytes)
      : backend_(backend), path_(path), buffer_bytes_(buffer_bytes) {}

  Result<void> open() {
    memory_ = detail::take_pages(buffer_bytes_ + kReadPadding);
    if (memory_ == nullptr) return Error(ErrorCode::kOutOfMemory, "no memory to read " + path_);
    WEIR_ASSIGN(handle_, backend_.open(path_, OpenMode::kRead));
    return {};
  }
  bool idle() const noexcept override { return !in_flight_; }
  void complete(const IoEvent& event) noexcept override {
    in_flight_ = false;
    if (event.result < 0) {
      error = event.result;
    } else if (event.result == 0) {
      at_end = true;
    } else {
      filled = static_cast<std::uint32_t>(event.result);
      given = 0;
      offset += filled;
      ingest_wall_ns = backend_.clock().wall_ns();
    }
  }
  void read_on() noexcept {
    if (in_flight_ || at_end || error != 0 || given != filled || !handle_.valid()) return;
    in_flight_ = backend_.read(handle_, {memory_.get(), buffer_bytes_}, offset, *this).valid();
  }
  std::span<const char> bytes() const noexcept { return {memory_.get() + given, filled - given}; }
  bool reading() const noexcept { return in_flight_; }
  Result<FileStatus> status() { return backend_.status(handle_); }
  void close() noexcept {
    if (handle_.valid()) backend_.close(std::exchange(handle_, {}));
  }

  std::uint64_t offset = 0;
  std::uint32_t filled = 0, given = 0;
  std::int32_t error = 0;
  bool at_end = false;
  std::int64_t ingest_wall_ns = 0;

 private:
  IoBackend& backend_;
  const std::string path_;
  const std::uint32_t buffer_bytes_;
  IoHandle handle_;
  detail::PageMemory memory_;
  bool in_flight_ = false;
};

class TailSource final : public ByteSource {
 public:
  TailSource(std::string path, std::uint32_t buffer_bytes) : path_(std::move(path)), buffer_bytes_(buffer_bytes) {}
  ~TailSource() override { close(); }

  Result<void> open(IoBackend& backend) override {
    backend_ = &backend;
    auto file = std::make_unique<GrowingFile>(backend, path_, buffer_bytes_);
    WEIR_TRY(file->open());
    file_ = std::move(file);
    return {};
  }

  ReadState poll(std::span<const char>& bytes) override {
    bytes = {};
    if (file_ == nullptr) return ReadState::kEnd;
    file_->read_on();
    bytes_read_ = file_->offset;
    ingest_wall_ns_ = file_->ingest_wall_ns;
    if (file_->given != file_->filled) {
      bytes = file_->bytes();
      return ReadState::kData;
    }
    if (file_->error != 0) {
      error_.emplace(
          Error::from_errno(-file_->error, "cannot read " + path_).with_position(Position::at_byte(bytes_consumed_)));
      return ReadState::kError;
    }
    return file_->at_end && last_look_ ? ReadState::kEnd : ReadState::kPending;
  }

  void consume(std::size_t n) override {
    if (n == 0) return;
    WEIR_CHECK(file_ != nullptr && n <= file_->filled - file_->given);
    file_->given += static_cast<std::uint32_t>(n);
    bytes_consumed_ += n;
  }

  void close() noexcept override {
    if (file_ == nullptr) return;
    file_->close();
    backend_->retire(std::move(file_));
  }
  std::string_view name() const noexcept override { return path_; }

  /// The file may have grown. Says by how many bytes it is shorter than what was read, if it is.
  std::uint64_t look_again() {
    if (file_ == nullptr) return 0;
    if (file_->at_end) {
      const auto now = file_->status();
      if (now.has_value() && now->size < file_->offset) return file_->offset - now->size;
    }
    if (!last_look_) file_->at_end = false;
    return 0;
  }
  /// What is there is read, and then the source ends.
  void end_at_last() noexcept {
    if (file_ == nullptr || last_look_) return;
    file_->at_end = false;
    last_look_ = true;
  }
  std::uint64_t offset() const noexcept { return file_ == nullptr ? 0 : file_->offset; }

 private:
  std::string path_;
  std::uint32_t buffer_bytes_;
  IoBackend* backend_ = nullptr;
  std::unique_ptr<GrowingFile> file_;
  bool last_look_ = false;
};

class TailReader final : public RowReader {
 public:
  TailReader(TailConfig config, FormatContext format, IoBackend& backend, ReaderCallbacks callbacks)
      : config_(std::move(config)),
        format_(std::move(format)),
        backend_(backend),
        callbacks_(std::move(callbacks)),
        alarm_(std::make_unique<Alarm>(backend, true)) {}
  ~TailReader() override {
    alarm_->stop();
    backend_.retire(std::move(alarm_));
  }

  ReadStatus read(Batch& batch) override {
    const bool rang = !draining_ && alarm_->rang();
    if (!draining_) alarm_->set(config_.interval_ns);
    if (rang) {
      if (auto looked = look(); !looked.has_value()) {
        error_.emplace(std::move(looked).error());
        return ReadStatus::kFailed;
      }
      if (stopped_) return fail_at_bad_record();
    }
    bool pending = true;
    for (std::size_t turn = 0; turn < files_.size() && !batch.full(); ++turn) {
      turn_ = (turn_ + 1) % files_.size();
      Tailed& file = *files_[turn_];
      if (!file.stream.running()) continue;
      const ReadStatus status = file.stream.read(batch);
      if (status == ReadStatus::kFailed) {
        error_.emplace(file.stream.take_error());
        return ReadStatus::kFailed;
      }
      if (status == ReadStatus::kRows) {
        pending = false;
        break;  // the batch may point into this file's buffer
      }
    }
    std::erase_if(files_, [&](const auto& file) { return !file->stream.running() && count_ended(*file); });
    if (turn_ >= files_.size()) turn_ = 0;
    if (draining_ && files_.empty()) return ReadStatus::kEnd;
    return pending ? ReadStatus::kPending : ReadStatus::kRows;
  }

  void drain() override {
    draining_ = true;
    for (auto& file : files_) file->stream.drain();
  }
  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override {
    std::uint64_t sum = bytes_ended_;
    for (const auto& file : files_) sum += file->stream.bytes();
    return sum;
  }
  std::uint64_t records() const noexcept override {
    std::uint64_t sum = records_ended_;
    for (const auto& file : files_) sum += file->stream.records();
    return sum;
  }
  std::vector<IoCount> counts() const override {
    FeedCounts sum = feed_ended_;
    for (const auto& file : files_) sum += file->stream.feed_counts();
    return counts_with_feed({}, sum);
  }

 private:
  struct Tailed {
    Tailed(std::unique_ptr<Decoder> decoder, const ReaderCallbacks& callbacks)
        : stream(std::move(decoder), callbacks) {}
    std::uint64_t identity = 0;
    TailSource* source = nullptr;  // the stream's, while it runs
    bool seen = true;              // at the last look
    DecodedStream stream;
  };

  bool count_ended(const Tailed& file) noexcept {
    bytes_ended_ += file.stream.bytes();
    records_ended_ += file.stream.records();
    feed_ended_ += file.stream.feed_counts();
    return true;
  }

  Result<void> start(Tailed& file, const std::string& path) {
    auto source = std::make_unique<TailSource>(path, config_.buffer_bytes);
    WEIR_TRY(source->open(backend_));
    file.source = source.get();
    file.stream.start(std::move(source));
    return {};
  }

  Result<void> add(const std::string& path, std::uint64_t identity) {
    if (compression_of(path) != Compression::kNone) {
      return Error(ErrorCode::kUnsupported,
                   path + " is compressed; files that are watched for growth are read as they stand")
          .with_hint(
              "keep compressed files in another folder (logrotate: olddir), or read this one without watching it");
    }
    if (files_.size() >= config_.files_max) {
      return Error(ErrorCode::kLimitExceeded,
                   config_.path + " holds more than " + std::to_string(config_.files_max) + " files (weir.inputs-max)");
    }
    WEIR_ASSIGN(std::unique_ptr<Decoder> decoder, make_decoder(format_));
    auto file = std::make_unique<Tailed>(std::move(decoder), callbacks_);
    file->identity = identity;
    auto started = start(*file, path);
    if (!started.has_value()) {
      if (started.error().code() == ErrorCode::kNotFound) return {};  // gone between two calls
      return started;
    }
    files_.push_back(std::move(file));
    return {};
  }

  /// A shorter file is another one under the same identity (a log that was copied and emptied).
  Result<void> start_over(Tailed& file, const std::string& path, std::uint64_t missing) {
    const std::uint64_t read = file.source->offset();
    const std::string reason = path + " got shorter: it has " + std::to_string(read - missing) + " bytes, " +
                               std::to_string(read) + " had been read; it is read from its first byte";
    file.stream.abandon(ErrorCode::kTruncated);
    feed_ended_ += file.stream.feed_counts();  // the decoder begins anew
    file.source = nullptr;
    BadRecord record;
    record.code = ErrorCode::kTruncated;
    record.record = file.stream.records();
    record.byte = read - missing;
    record.reason = reason;
    ++records_ended_;
    if (callbacks_.bad_record != nullptr && !callbacks_.bad_record(record) &&
        !(callbacks_.pause != nullptr && callbacks_.pause())) {
      stopped_.emplace(Error(ErrorCode::kTruncated, reason));
      return {};
    }
    return start(file, path);
  }

  Result<void> look() {
    for (auto& file : files_) {
      file->seen = false;
    }
    bool any = false;
    auto paths = list_input_files(backend_, config_.path);
    if (!paths.has_value() && paths.error().code() != ErrorCode::kNotFound) return std::move(paths).error();
    if (paths.has_value()) {
      for (const std::string& path : *paths) {
        const auto status = backend_.status(path);
        if (!status.has_value()) continue;  // gone between two calls
        any = true;
        WEIR_TRY(look_at(path, status->identity));
        if (stopped_.has_value()) return {};
      }
    }
    for (auto& file : files_) {
      if (file->seen || file->source == nullptr || !file->stream.running()) continue;
      // A path that names nothing now is a file on its way to its next name.
      if (any) {
        file->source->end_at_last();
      } else {
        (void)file->source->look_again();
      }
    }
    return {};
  }

  Result<void> look_at(const std::string& path, std::uint64_t identity) {
    for (auto& file : files_) {
      if (file->identity != identity || !file->stream.running()) continue;
      file->seen = true;
      const std::uint64_t missing = file->source->look_again();
      return missing == 0 ? Result<void>() : start_over(*file, path, missing);
    }
    return add(path, identity);
  }

  ReadStatus fail_at_bad_record() {
    error_.emplace(
        std::move(*stopped_).with_hint("set the format's ignore-parse-errors option to true to count this "
                                       "and go on"));
    return ReadStatus::kFailed;
  }

  TailConfig config_;
  FormatContext format_;
  IoBackend& backend_;
  ReaderCallbacks callbacks_;
  std::unique_ptr<Alarm> alarm_;
  std::vector<std::unique_ptr<Tailed>> files_;
  std::size_t turn_ = 0;
  std::uint64_t bytes_ended_ = 0;
  std::uint64_t records_ended_ = 0;
  FeedCounts feed_ended_;
  bool draining_ = false;
  std::optional<Error> stopped_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::unique_ptr<RowReader>> make_tail_reader(TailConfig config, FormatContext format, IoBackend& backend,
                                                    const ReaderCallbacks& callbacks) {
  return std::unique_ptr<RowReader>(
      std::make_unique<TailReader>(std::move(config), std::move(format), backend, callbacks));
}

}  // namespace weir
