// Rows when their time has come (paced_reader.h).
#include "connectors/paced_reader.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

#include "connectors/alarm.h"

namespace weir {
namespace {

struct FreeMemory {
  void operator()(void* memory) const noexcept { std::free(memory); }
};

BatchLayout layout_of(const PaceConfig& config) noexcept {
  return {config.staged, config.rows, config.heap_bytes, true, false};
}

std::int64_t saturated_difference(std::int64_t left, std::int64_t right) noexcept {
  std::int64_t out = 0;
  if (!__builtin_sub_overflow(left, right, &out)) return out;
  return left < right ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

class PacedReader final : public RowReader {
 public:
  PacedReader(PaceConfig config, std::unique_ptr<RowReader> reader, IoBackend& backend, void* memory)
      : config_(std::move(config)),
        reader_(std::move(reader)),
        backend_(backend),
        alarm_(std::make_unique<Alarm>(backend)),
        memory_(memory),
        staged_(Batch::create(layout_of(config_), memory)) {}
  ~PacedReader() override {
    alarm_->stop();
    backend_.retire(std::move(alarm_));
  }

  ReadStatus read(Batch& batch) override {
    if (draining_) return ReadStatus::kEnd;
    if (next_ == staged_->row_count()) {
      if (last_ == ReadStatus::kEnd || last_ == ReadStatus::kFailed) return last_;
      next_ = 0;
      staged_->reset();
      last_ = reader_->read(*staged_);
      if (staged_->row_count() == 0) return last_;
    }
    if (error_.has_value()) return ReadStatus::kFailed;
    const std::uint32_t due = rows_due();
    if (due == 0) return ReadStatus::kPending;
    const std::uint32_t given = copy_rows(due, batch);
    next_ += given;
    batch.header().ingest_time_min = staged_->header().ingest_time_min;
    batch.header().ingest_time_max = staged_->header().ingest_time_max;
    if (given != 0) return ReadStatus::kRows;
    error_.emplace(ErrorCode::kRecordTooLarge, "the strings of a row do not fit an empty batch");
    return last_ = ReadStatus::kFailed;
  }

  void drain() override {
    draining_ = true;
    reader_->drain();
  }
  const Error& error() const noexcept override { return error_.has_value() ? *error_ : reader_->error(); }
  std::uint64_t bytes() const noexcept override { return reader_->bytes(); }
  std::uint64_t records() const noexcept override { return reader_->records(); }
  std::vector<IoCount> counts() const override { return reader_->counts(); }
  const char* stalled() const noexcept override { return reader_->stalled(); }

 private:
  /// The clock's time at which the row is to come.
  std::int64_t due_ns(std::uint32_t row, std::int64_t now) noexcept {
    const Vector& times = staged_->column(config_.time_column);
    if (!times.is_valid(row)) return now;
    const std::int64_t time = times.values<std::int64_t>()[row];
    if (!first_time_.has_value()) {
      first_time_ = time;
      started_ns_ = now;
    }
    const double after = static_cast<double>(saturated_difference(time, *first_time_)) / config_.pace;
    constexpr double kFar = 4e18;
    if (after >= kFar) return std::numeric_limits<std::int64_t>::max();
    return after <= 0 ? now : started_ns_ + static_cast<std::int64_t>(after);
  }

  /// Rows from next_ on whose time has come; sets the alarm for the one behind them.
  std::uint32_t rows_due() noexcept {
    const std::int64_t now = backend_.clock().now_ns();
    std::uint32_t row = next_;
    for (; row < staged_->row_count(); ++row) {
      const std::int64_t due = due_ns(row, now);
      if (due <= now) continue;
      if (row == next_) alarm_->set(due - now);
      break;
    }
    return row - next_;
  }

  std::uint32_t copy_rows(std::uint32_t rows, Batch& batch) noexcept {
    const std::uint32_t count = std::min(rows, batch.capacity());
    std::uint32_t row = 0;
    for (; row < count; ++row) {
      if (!copy_texts(row, batch)) break;
    }
    for (std::uint32_t c = 0; c < config_.columns; ++c) {
      const Vector& from = staged_->column(c);
      Vector& to = batch.column(c);
      const std::size_t width = physical_size(from.physical);
      if (from.physical != Physical::kString)
        std::memcpy(to.data, static_cast<const char*>(from.data) + next_ * width, row * width);
      if (to.validity == nullptr) continue;
      for (std::uint32_t i = 0; i < row; ++i) to.set_valid(i, from.is_valid(next_ + i));
    }
    batch.set_row_count(row);
    return row;
  }

  bool copy_texts(std::uint32_t row, Batch& batch) noexcept {
    const std::size_t mark = batch.heap().used();
    for (std::uint32_t c = 0; c < config_.columns; ++c) {
      const Vector& from = staged_->column(c);
      if (from.physical != Physical::kString) continue;
      const std::string_view text =
          from.is_valid(next_ + row) ? from.values<StringRef>()[next_ + row].view() : std::string_view();
      if (batch.heap().store(text, batch.column(c).values<StringRef>()[row])) continue;
      batch.heap().rewind(mark);
      return false;
    }
    return true;
  }

  PaceConfig config_;
  std::unique_ptr<RowReader> reader_;
  IoBackend& backend_;
  std::unique_ptr<Alarm> alarm_;
  std::unique_ptr<void, FreeMemory> memory_;
  Batch* staged_;
  std::uint32_t next_ = 0;
  ReadStatus last_ = ReadStatus::kPending;
  std::optional<std::int64_t> first_time_;
  std::int64_t started_ns_ = 0;
  bool draining_ = false;
  std::optional<Error> error_;
};

}  // namespace

std::size_t paced_reader_bytes(const PaceConfig& config) noexcept {
  return layout_of(config).bytes();
}

Result<std::unique_ptr<RowReader>> make_paced_reader(PaceConfig config, std::unique_ptr<RowReader> reader,
                                                     IoBackend& backend) {
  void* const memory = std::aligned_alloc(64, layout_of(config).bytes());
  if (memory == nullptr) return Error(ErrorCode::kOutOfMemory, "no memory to hold back rows of a paced table");
  return std::unique_ptr<RowReader>(
      std::make_unique<PacedReader>(std::move(config), std::move(reader), backend, memory));
}

}  // namespace weir
