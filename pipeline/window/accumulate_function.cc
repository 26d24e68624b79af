// Batches on their way into the states of registered functions. See accumulate.h.
#include <string>
#include <utility>

#include "weir/simd/boolean.h"
#include "window/accumulate.h"

namespace weir {
namespace {

Result<void> explain(Result<void> failed, const FunctionPart& part, const StateRows& to) {
  Error error = std::move(failed).error();
  if (error.code() == ErrorCode::kLimitExceeded && error.hint().empty())
    error = std::move(error).with_hint("raise state_bytes_max (" + std::to_string(to.arena->bytes_max()) +
                                       "), use more shards or shorter windows");
  return std::move(error).with_context(part.name);
}

}  // namespace

void BatchAccumulator::make_function_masks(const Batch& batch) {
  const std::uint32_t rows = batch.row_count();
  const std::size_t words = validity_words(capacity_);
  const std::size_t first = layout_.accumulators().size();
  for (std::size_t f = 0; f < layout_.functions().size(); ++f) {
    const FunctionPart& part = layout_.functions()[f];
    std::uint64_t* own = mask_words_.get() + (first + f) * words;
    const std::uint64_t* valid = nullptr;
    if (part.filter >= 0) {
      const Vector& filter = batch.column(static_cast<std::uint32_t>(part.filter));
      simd::bitmap_from_bytes(filter.values<std::uint8_t>(), rows, own);
      simd::bitmap_and(own, filter.validity, rows, own);
      valid = own;
    }
    for (const int argument : part.arguments) {
      const std::uint64_t* present = batch.column(static_cast<std::uint32_t>(argument)).validity;
      if (!part.function->ignores_nulls() || present == nullptr || simd::bitmap_all(present, rows)) continue;
      if (valid != nullptr) simd::bitmap_and(valid, present, rows, own);
      valid = valid == nullptr ? present : own;
    }
    masks_[first + f] = valid == nullptr || simd::bitmap_all(valid, rows) ? nullptr : valid;
  }
}

Result<void> BatchAccumulator::add_rows(std::size_t index, const std::uint32_t* groups, const simd::Rows& rows,
                                        const StateRows& to) {
  const FunctionPart& part = layout_.functions()[index];
  for (std::size_t a = 0; a < part.arguments.size(); ++a)
    arguments_[a] = &batch_->column(static_cast<std::uint32_t>(part.arguments[a]));
  AggregateRows in;
  in.arguments = {arguments_.get(), part.arguments.size()};
  if (layout_.time_column() >= 0) in.event_times = &batch_->column(static_cast<std::uint32_t>(layout_.time_column()));
  in.arrival = batch_->header().arrival;
  in.arrivals = arrivals_;
  in.count = rows.count;
  in.selection = rows.selection;
  in.validity = masks_[layout_.accumulators().size() + index];
  in.groups = layout_.keyed() ? groups : nullptr;
  return part.function->add(in, {to.rows.base + part.offset, to.rows.stride, to.heap});
}

Result<void> BatchAccumulator::add_partials(std::size_t index, const std::uint32_t* groups, const simd::Rows& rows,
                                            const StateRows& to) {
  const FunctionPart& part = layout_.functions()[index];
  const std::size_t column = static_cast<std::size_t>(partial_column_) + layout_.accumulators().size() + index;
  const auto* partials = batch_->column(static_cast<std::uint32_t>(column)).values<StringRef>();
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    std::byte* state = to.rows.base + (layout_.keyed() ? groups[row] * to.rows.stride : 0) + part.offset;
    WEIR_TRY(part.function->add_partial(state, partials[row].view(), *to.heap));
  }
  return {};
}

Result<void> BatchAccumulator::add_functions(const std::uint32_t* groups, const simd::Rows& rows, const StateRows& to) {
  for (std::size_t f = 0; f < layout_.functions().size(); ++f) {
    Result<void> added = partial_column_ < 0 ? add_rows(f, groups, rows, to) : add_partials(f, groups, rows, to);
    if (!added) return explain(std::move(added), layout_.functions()[f], to);
  }
  return {};
}

}  // namespace weir
