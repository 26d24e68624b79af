// Window assign: TUMBLE as a table function on its own, that is three more columns a row. It keeps no state and fires
// nothing, so no row is late for it.
#include <string>
#include <utility>

#include "operators/batch_memory.h"
#include "weir/pipeline/operators.h"
#include "weir/simd/slice.h"
#include "window/slice_assigner.h"
#include "window/window_math.h"

namespace weir {
namespace {

class WindowAssign final : public Operator {
 public:
  WindowAssign(FragmentContext& context, const WindowSpec& window, const Schema& output)
      : context_(context),
        math_(window),
        time_column_(window.time_column),
        output_(output, context.batch_rows),
        assigner_(math_, context.batch_rows) {}

  bool accepts() const noexcept override { return next_->accepts(); }
  void control(const Control& control) override { next_->control(control); }
  std::size_t resume() override { return 0; }
  std::uint64_t held_rows() const noexcept override { return rejected_; }
  std::string_view name() const noexcept override { return "window assign"; }

  void push(Batch& batch) override {
    const std::uint32_t count = batch.selected_count();
    ledger_.rows_in += count;
    auto runs = assigner_.assign(batch, batch.column(time_column_), false, kWatermarkNone);
    if (!runs) {
      rejected_ += count;
      context_.fail(std::move(runs).error().with_context(std::string(name())));
      return;
    }
    Batch& out = *output_;
    const std::uint32_t inputs = batch.column_count();
    for (std::uint32_t i = 0; i < inputs; ++i) out.column(i) = batch.column(i);
    for (const SliceRun& run : *runs) {
      for (std::uint32_t i = 0; i < run.rows.count; ++i) {
        const std::uint32_t row = run.rows[i];
        out.column(inputs).values<std::int64_t>()[row] = run.start;
        out.column(inputs + 1).values<std::int64_t>()[row] = run.window_end_min;
        out.column(inputs + 2).values<std::int64_t>()[row] = run.window_end_min - math_.tick;
      }
    }
    out.set_row_count(batch.row_count());
    out.set_selection(batch.selection(), batch.has_selection() ? count : 0);
    out.header() = batch.header();
    ledger_.rows_out += count;
    next_->push(out);
  }

 private:
  FragmentContext& context_;
  WindowMath math_;
  std::uint32_t time_column_;
  BatchMemory output_;
  SliceAssigner assigner_;
  std::uint64_t rejected_ = 0;
};

}  // namespace

Result<std::unique_ptr<Operator>> make_window_assign(FragmentContext& context, const WindowSpec& window,
                                                     const Schema& input) {
  WEIR_TRY(check_window(window));
  if (window.kind != WindowKind::kTumble)
    return Error(ErrorCode::kSqlUnsupported,
                 "windows other than TUMBLE are supported only under GROUP BY window_start, window_end");
  if (window.time_column >= input.size())
    return Error(ErrorCode::kInvalidArgument, "the time column of a window is not in its input");
  Schema output = input;
  Type stamp = Type::timestamp(3);
  stamp.nullable = false;
  Type time = input.fields[window.time_column].type;
  time.nullable = false;
  output.fields.push_back({"window_start", stamp});
  output.fields.push_back({"window_end", stamp});
  output.fields.push_back({"window_time", time});
  return std::unique_ptr<Operator>(std::make_unique<WindowAssign>(context, window, output));
}

}  // namespace weir
