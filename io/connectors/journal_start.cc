// Looks a journal's index up while a job is set up (journal_start.h).
#include "connectors/journal_start.h"

#include <optional>

#include "journal/journal_index.h"
#include "weir/io/text_time.h"

namespace weir {
namespace {

/// A file whose reads are waited for. Thread: one, outside the data path.
class WaitingFile final : public Completion {
 public:
  WaitingFile(IoBackend& backend, std::string path) : backend_(backend), path_(std::move(path)) {}
  /// Nobody polls a backend of the setup later: what is asked of it has to end here.
  ~WaitingFile() {
    result_.reset();
    if (handle_.valid() && backend_.close(handle_, this, 0).valid()) wait();
  }
  WaitingFile(const WaitingFile&) = delete;
  WaitingFile& operator=(const WaitingFile&) = delete;

  Result<std::uint64_t> open() {
    WEIR_ASSIGN(handle_, backend_.open(path_, OpenMode::kRead));
    WEIR_ASSIGN(const FileStatus status, backend_.status(handle_));
    if (status.kind == FileKind::kRegular) return status.size;
    return Error(ErrorCode::kUnsupported, path_ + " is no regular file: only those can be read from a time on");
  }

  Result<void> read(std::uint64_t place, std::span<char> into) {
    while (!into.empty()) {
      result_.reset();
      if (!backend_.read(handle_, into, place, *this).valid())
        return Error(ErrorCode::kLimitExceeded, "cannot read " + path_ + ": ops_max are in flight");
      wait();
      if (*result_ < 0) return Error::from_errno(-*result_, "cannot read " + path_);
      if (*result_ == 0) return Error(ErrorCode::kTruncated, path_ + " got shorter while it was read");
      into = into.subspan(static_cast<std::size_t>(*result_));
      place += static_cast<std::uint64_t>(*result_);
    }
    return {};
  }

  void complete(const IoEvent& event) noexcept override { result_ = event.result; }

 private:
  void wait() noexcept {
    while (!result_.has_value())
      if (backend_.poll() == 0) backend_.park(1'000'000);
  }

  IoBackend& backend_;
  std::string path_;
  IoHandle handle_;
  std::optional<std::int32_t> result_;
};

Result<EventTime> parse_from(const std::string& text, const Type& column, std::int64_t offset_seconds) {
  std::int64_t nanos = 0;
  const bool zoned = column.id == TypeId::kTimestampLtz;
  if (!zoned && parse_timestamp(text, 9, nanos) == TextStatus::kOk) return nanos;
  if (parse_timestamp_ltz(text, 9, zoned ? offset_seconds : 0, nanos) == TextStatus::kOk) return nanos;
  return Error(ErrorCode::kSqlInvalidOption, "option 'scan.from' wants a timestamp, not '" + text + "'")
      .with_hint("such as '2024-02-29 09:30:00.5', or with a zone behind it: Z, +01:00");
}

}  // namespace

Result<JournalStart> find_journal_start(IoBackend& backend, const std::string& path, const std::string& from,
                                        std::int64_t offset_seconds) {
  WaitingFile file(backend, path);
  WEIR_ASSIGN(const std::uint64_t size, file.open());
  const auto read = [&file](std::uint64_t place, std::span<char> into) { return file.read(place, into); };
  auto index = detail::read_journal_index(read, size);
  if (!index.has_value()) return std::move(index).error().with_context("looking up scan.from in " + path);
  if (!index->schema.time_column.has_value()) {
    return Error(ErrorCode::kSqlInvalidOption, "option 'scan.from' needs a journal that notes times, and " + path +
                                                   " was written without 'journal.time-column'");
  }
  WEIR_ASSIGN(const EventTime time,
              parse_from(from, index->schema.schema.fields[*index->schema.time_column].type, offset_seconds));
  JournalStart start;
  start.frames = index->frames.size();
  start.frames_skipped = detail::first_frame_from(*index, time);
  if (start.frames_skipped == 0) return start;
  start.skip_from = index->frames.front().place;
  const detail::JournalIndexEntry& last = index->frames[start.frames_skipped - 1];
  start.skip_to =
      start.frames_skipped == start.frames ? last.place + last.bytes : index->frames[start.frames_skipped].place;
  for (std::size_t i = 0; i < start.frames_skipped; ++i) start.rows_skipped += index->frames[i].rows;
  return start;
}

}  // namespace weir
