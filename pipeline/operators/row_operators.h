// Row operators: what works on one row at a time and keeps none.
#pragma once

#include <memory>
#include <optional>

#include "operators/batch_memory.h"
#include "weir/pipeline/expression.h"
#include "weir/pipeline/operator.h"

namespace weir {

/// See make_filter.
class FilterOperator final : public Operator {
 public:
  FilterOperator(FragmentContext& context, ExpressionProgram program)
      : context_(context),
        program_(std::move(program)),
        selection_(std::make_unique<std::uint32_t[]>(context.batch_rows)) {}
  bool accepts() const noexcept override { return next_->accepts(); }
  void push(Batch& batch) override;
  void control(const Control& control) override;
  std::size_t resume() override { return 0; }
  std::uint64_t held_rows() const noexcept override { return rejected_; }
  std::string_view name() const noexcept override { return "filter"; }

 private:
  FragmentContext& context_;
  ExpressionProgram program_;
  std::unique_ptr<std::uint32_t[]> selection_;
  Watermark watermark_ = kWatermarkNone;
  std::uint64_t rejected_ = 0;  // rows of a batch on which the job failed
};

/// See make_project.
class ProjectOperator final : public Operator {
 public:
  ProjectOperator(FragmentContext& context, ExpressionProgram program, const Schema& output)
      : context_(context), program_(std::move(program)), output_(output, context.batch_rows) {}
  bool accepts() const noexcept override { return next_->accepts(); }
  void push(Batch& batch) override;
  void control(const Control& control) override;
  std::size_t resume() override { return 0; }
  std::uint64_t held_rows() const noexcept override { return rejected_; }
  std::string_view name() const noexcept override { return "project"; }

 private:
  FragmentContext& context_;
  ExpressionProgram program_;
  BatchMemory output_;  // its vectors are made to point to the results
  Watermark watermark_ = kWatermarkNone;
  std::uint64_t rejected_ = 0;
};

}  // namespace weir
