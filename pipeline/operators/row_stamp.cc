// Appends a row's watermark and arrival. See row_stamp.h.
#include "operators/row_stamp.h"

#include <algorithm>

#include "operators/batch_memory.h"

namespace weir {
namespace {

Schema stamp_columns() {
  Type number = Type::bigint();
  number.nullable = false;
  Schema schema;
  schema.fields = {{"row_watermark", number}, {"arrival", number}};
  return schema;
}

class RowStamp final : public Operator {
 public:
  RowStamp(FragmentContext& context, const Schema& input) : output_(stamped_schema(input), context.batch_rows) {}

  bool accepts() const noexcept override { return next_->accepts(); }
  void control(const Control& control) override { next_->control(control); }
  std::size_t resume() override { return 0; }
  std::string_view name() const noexcept override { return "row stamp"; }

  void push(Batch& batch) override {
    const std::uint32_t count = batch.selected_count();
    const std::uint32_t rows = batch.row_count();
    ledger_.rows_in += count;
    Batch& out = *output_;
    const std::uint32_t inputs = batch.column_count();
    for (std::uint32_t i = 0; i < inputs; ++i) out.column(i) = batch.column(i);
    auto* watermarks = out.column(inputs).values<std::int64_t>();
    auto* arrivals = out.column(inputs + 1).values<std::int64_t>();
    const Watermark* own = batch.header().row_watermarks;
    if (own != nullptr)
      std::copy_n(own, rows, watermarks);
    else
      std::fill_n(watermarks, rows, kWatermarkNone);
    const auto first = static_cast<std::int64_t>(batch.header().arrival);
    for (std::uint32_t row = 0; row < rows; ++row) arrivals[row] = first + row;
    out.set_row_count(rows);
    out.set_selection(batch.selection(), batch.has_selection() ? count : 0);
    out.header() = batch.header();
    ledger_.rows_out += count;
    next_->push(out);
  }

 private:
  BatchMemory output_;
};

}  // namespace

Schema stamped_schema(const Schema& input) {
  Schema schema = input;
  for (Field& field : stamp_columns().fields) schema.fields.push_back(std::move(field));
  return schema;
}

std::unique_ptr<Operator> make_row_stamp(FragmentContext& context, const Schema& input) {
  return std::make_unique<RowStamp>(context, input);
}

}  // namespace weir
