// Partitioning and sending (exchange_sender.h).
#include "operators/exchange_sender.h"

#include <numeric>
#include <utility>

#include "operators/batch_copy.h"
#include "operators/key_hash.h"
#include "weir/simd/partition.h"

namespace weir {

ExchangeSender::ExchangeSender(FragmentContext& context, std::vector<Exchange*> destinations,
                               std::vector<std::uint32_t> key_columns, bool has_strings)
    : context_(context),
      key_columns_(std::move(key_columns)),
      has_strings_(has_strings),
      hashes_(context.batch_rows),
      numbers_(context.batch_rows),
      order_(context.batch_rows),
      offsets_(destinations.size() + 1) {
  WEIR_CHECK(!destinations.empty() && (destinations.size() == 1 || !key_columns_.empty()));
  for (Exchange* exchange : destinations) destinations_.push_back({exchange, nullptr});
  std::iota(order_.begin(), order_.end(), 0u);
}

ExchangeSender::~ExchangeSender() {
  for (Destination& destination : destinations_) {
    if (destination.current != nullptr) destination.exchange->return_unused(destination.current);
  }
}

bool ExchangeSender::has_room(const Destination& destination) const noexcept {
  // A watermark that waits is not overtaken: the receiver must see how far ahead the rows are (alignment).
  if (destination.exchange->has_pending()) (void)destination.exchange->flush_pending();
  if (destination.exchange->has_pending()) return false;
  const Batch* current = destination.current;
  const std::uint32_t spare = destination.exchange->credits_available();
  if (current == nullptr) return spare != 0;
  if (spare != 0) return true;
  return current->capacity() - current->row_count() >= context_.batch_rows &&
         (!has_strings_ || current->heap().used() == 0);
}

bool ExchangeSender::accepts() const noexcept {
  for (const Destination& destination : destinations_) {
    if (!has_room(destination)) return false;
  }
  return true;
}

void ExchangeSender::send_current(Destination& destination) {
  if (destination.current == nullptr) return;
  if (destination.current->row_count() == 0) {
    destination.exchange->return_unused(destination.current);
  } else {
    destination.exchange->send(destination.current);
  }
  destination.current = nullptr;
}

void ExchangeSender::append(Destination& destination, const Batch& batch, const std::uint32_t* rows,
                            std::uint32_t count) {
  while (count != 0) {
    if (destination.current == nullptr) destination.current = destination.exchange->try_acquire();
    if (destination.current == nullptr) {
      context_.fail(Error(ErrorCode::kLimitExceeded, "the strings of one batch take more than heap_bytes (" +
                                                         std::to_string(context_.heap_bytes) + ")")
                        .with_hint("raise heap_bytes, or lower batch_rows"));
      rejected_ += count;
      return;
    }
    const std::uint32_t taken = append_rows(batch, rows, count, *destination.current);
    rows += taken;
    count -= taken;
    ledger_.rows_out += taken;
    if (destination.current->full() || count != 0) {
      if (taken == 0 && destination.current->row_count() == 0) {
        context_.fail(Error(ErrorCode::kLimitExceeded, "the strings of one row take more than heap_bytes (" +
                                                           std::to_string(context_.heap_bytes) + ")")
                          .with_hint("raise heap_bytes"));
        rejected_ += count;
        return;
      }
      send_current(destination);
    }
  }
}

void ExchangeSender::partition(const Batch& batch) {
  const simd::Rows rows = selected_rows(batch);
  hash_keys(batch, key_columns_, hashes_.data());
  const auto count = static_cast<std::uint32_t>(destinations_.size());
  simd::shard_numbers(hashes_.data(), rows, count, numbers_.data());
  simd::partition_rows(numbers_.data(), rows, count, order_.data(), offsets_.data());
}

void ExchangeSender::push(Batch& batch) {
  const std::uint32_t rows = batch.selected_count();
  ledger_.rows_in += rows;
  if (rows == 0) return;
  if (destinations_.size() == 1) {
    append(destinations_[0], batch, batch.has_selection() ? batch.selection() : order_.data(), rows);
    return;
  }
  partition(batch);
  for (std::size_t d = 0; d < destinations_.size(); ++d) {
    append(destinations_[d], batch, order_.data() + offsets_[d], offsets_[d + 1] - offsets_[d]);
  }
}

void ExchangeSender::control(const Control& control) {
  for (Destination& destination : destinations_) {
    send_current(destination);
    destination.exchange->send_control(control);
  }
  if (control.kind == Control::Kind::kEndOfInput) end_sent_ = true;
}

std::size_t ExchangeSender::resume() {
  std::size_t work = 0;
  for (Destination& destination : destinations_) {
    work += destination.exchange->flush_pending();
    if (destination.current != nullptr && destination.current->row_count() != 0 && destination.exchange->can_send() &&
        !has_room(destination)) {
      send_current(destination);
      ++work;
    }
  }
  return work;
}

void ExchangeSender::flush() {
  for (Destination& destination : destinations_) {
    if (destination.exchange->can_send()) send_current(destination);
  }
}

bool ExchangeSender::finished() const noexcept {
  if (!end_sent_) return false;
  for (const Destination& destination : destinations_) {
    if (destination.exchange->has_pending()) return false;
  }
  return true;
}

std::uint64_t ExchangeSender::held_rows() const noexcept {
  return rejected_;
}

}  // namespace weir
