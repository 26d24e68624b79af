// Writing through a RowWriter with backpressure (sink.h).
#include "operators/sink.h"

#include <numeric>

#include "operators/batch_copy.h"

namespace weir {

SinkOperator::SinkOperator(FragmentContext& context, TableSink& sink, IoBackend& backend, Batch& rest,
                           std::vector<NotNull> not_null)
    : context_(context),
      sink_(sink),
      backend_(backend),
      rest_(rest),
      order_(rest.capacity()),
      not_null_(std::move(not_null)) {
  std::iota(order_.begin(), order_.end(), 0u);
}

SinkOperator::~SinkOperator() = default;

bool SinkOperator::open() {
  if (writer_ != nullptr) return true;
  auto writer = sink_.open(context_.shard, backend_);
  if (!writer.has_value()) {
    context_.fail(std::move(writer).error());
    return false;
  }
  writer_ = std::move(writer).value();
  if (std::string address = writer_->listening(); !address.empty()) {
    const std::lock_guard lock(listening_mutex_);
    listening_ = std::move(address);
  }
  return true;
}

std::string SinkOperator::listening() const {
  const std::lock_guard lock(listening_mutex_);
  return listening_;
}

/// Reports the writer's failure. Returns whether there is none.
bool SinkOperator::check() {
  if (writer_ == nullptr || !writer_->failed()) return true;
  context_.fail(Error(writer_->error()));
  return false;
}

/// NULL in a NOT NULL column ends the job, as Flink's table.exec.sink.not-null-enforcer does by default.
bool SinkOperator::check_nulls(const Batch& batch) {
  for (const NotNull& column : not_null_) {
    const Vector& values = batch.column(column.column);
    if (values.validity == nullptr) continue;
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
      if (values.is_valid(batch.has_selection() ? batch.selection()[i] : i)) continue;
      context_.fail(Error(ErrorCode::kNullNotAllowed,
                          "NULL for column " + column.name + " of the sink, which is NOT NULL",
                          Position::at_row(ledger_.rows_out + i))
                        .with_hint("give the query a value with COALESCE, or declare the column without NOT NULL"));
      return false;
    }
  }
  return true;
}

bool SinkOperator::accepts() const noexcept {
  return !ending_ && rest_next_ == rest_.row_count() && (writer_ == nullptr || writer_->accepts());
}

void SinkOperator::push(Batch& batch) {
  const std::uint32_t rows = batch.selected_count();
  ledger_.rows_in += rows;
  std::uint32_t next = 0;
  const bool whole = check_nulls(batch) && open() && writer_->write(batch, &next);
  ledger_.rows_out += next;
  if (whole) return;
  if (!check() || context_.failure.has_value()) {
    given_up_ += rows - next;
    return;
  }
  rest_.reset();
  rest_next_ = 0;
  const std::uint32_t* left = (batch.has_selection() ? batch.selection() : order_.data()) + next;
  const std::uint32_t kept = append_rows(batch, left, rows - next, rest_);
  if (kept == rows - next) return;
  given_up_ += rows - next - kept;
  context_.fail(Error(ErrorCode::kLimitExceeded, "the strings of one batch take more than heap_bytes (" +
                                                     std::to_string(context_.heap_bytes) + ")")
                    .with_hint("raise heap_bytes, or lower batch_rows"));
}

void SinkOperator::control(const Control& control) {
  if (control.kind != Control::Kind::kEndOfInput) return;
  ending_ = true;
  if (open()) resume();
}

std::size_t SinkOperator::resume() {
  if (finished_ || context_.failure.has_value() || !open() || !check()) return 0;
  std::size_t work = 0;
  if (rest_next_ < rest_.row_count() && writer_->accepts()) {
    const std::uint32_t before = rest_next_;
    writer_->write(rest_, &rest_next_);
    ledger_.rows_out += rest_next_ - before;
    work += rest_next_ - before;
  }
  if (ending_ && rest_next_ == rest_.row_count()) {
    writer_->close();
    if (writer_->finished()) {
      finished_ = true;
      ++work;
    }
  }
  check();
  return work;
}

void SinkOperator::flush() {
  if (writer_ != nullptr && !ending_) writer_->flush();
}

std::uint64_t SinkOperator::held_rows() const noexcept {
  return rest_.row_count() - rest_next_ + given_up_;
}

}  // namespace weir
