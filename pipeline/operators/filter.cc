// Filter: narrows a batch's selection to the rows for which the predicate is TRUE.
#include <string>
#include <utility>

#include "operators/row_operators.h"
#include "weir/pipeline/operators.h"

namespace weir {

Result<std::unique_ptr<Operator>> make_filter(FragmentContext& context, ExpressionPtr predicate) {
  WEIR_ASSIGN(ExpressionProgram program, ExpressionProgram::compile({std::move(predicate)}, context.batch_rows,
                                                                    context.heap_bytes, context.time_zone));
  return std::unique_ptr<Operator>(std::make_unique<FilterOperator>(context, std::move(program)));
}

void FilterOperator::push(Batch& batch) {
  const std::uint32_t count = batch.selected_count();
  ledger_.rows_in += count;
  auto kept = program_.evaluate_filter(batch, {context_.clock, context_.time_zone, watermark_}, selection_.get());
  if (!kept) {
    rejected_ += count;
    context_.fail(std::move(kept).error().with_context("filter"));
    return;
  }
  ledger_.rows_filtered += count - *kept;
  if (*kept == 0) return;
  if (*kept != count) batch.set_selection(selection_.get(), *kept);
  batch.fill_deferred();
  ledger_.rows_out += *kept;
  next_->push(batch);
}

void FilterOperator::control(const Control& control) {
  if (control.kind == Control::Kind::kWatermark) watermark_ = control.value;
  next_->control(control);
}

}  // namespace weir
