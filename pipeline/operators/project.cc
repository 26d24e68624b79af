// Project: a batch whose vectors are the results of expressions. Nothing is copied: the batch that goes on is a view.
#include <string>
#include <utility>

#include "operators/row_operators.h"
#include "weir/pipeline/operators.h"

namespace weir {

Result<std::unique_ptr<Operator>> make_project(FragmentContext& context, std::vector<ExpressionPtr> expressions,
                                               const Schema& output) {
  if (expressions.size() != output.size())
    return Error(ErrorCode::kInvalidArgument, "a project needs one expression for each column");
  WEIR_ASSIGN(ExpressionProgram program, ExpressionProgram::compile(std::move(expressions), context.batch_rows,
                                                                    context.heap_bytes, context.time_zone));
  return std::unique_ptr<Operator>(std::make_unique<ProjectOperator>(context, std::move(program), output));
}

void ProjectOperator::push(Batch& batch) {
  const std::uint32_t count = batch.selected_count();
  ledger_.rows_in += count;
  Batch& out = *output_;
  Result<void> evaluated = program_.evaluate(batch, {context_.clock, context_.time_zone, watermark_}, out.columns());
  if (!evaluated) {
    rejected_ += count;
    context_.fail(std::move(evaluated).error().with_context("project"));
    return;
  }
  out.set_row_count(batch.row_count());
  out.set_selection(batch.selection(), batch.has_selection() ? batch.selected_count() : 0);
  out.header() = batch.header();
  out.share_kinds(batch);
  ledger_.rows_out += count;
  next_->push(out);
}

void ProjectOperator::control(const Control& control) {
  if (control.kind == Control::Kind::kWatermark) watermark_ = control.value;
  next_->control(control);
}

}  // namespace weir
