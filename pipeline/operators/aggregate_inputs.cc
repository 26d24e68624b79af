// From a bound aggregate to the project before it and the columns that it works on. See operators.h.
#include <string>
#include <utility>

#include "weir/pipeline/operators.h"

namespace weir {
namespace {

/// Gives each expression a column; equal ones share it.
class ColumnList {
 public:
  ColumnList(const Schema& input, AggregateInputs& inputs) : input_(input), inputs_(inputs) {}

  std::uint32_t add(const ExpressionPtr& expression, const std::string& name) {
    const std::string text = expression->to_string(input_) + " " + expression->type.to_string();
    for (std::size_t i = 0; i < texts_.size(); ++i)
      if (texts_[i] == text) return static_cast<std::uint32_t>(i);
    texts_.push_back(text);
    inputs_.expressions.push_back(expression);
    inputs_.schema.fields.push_back({name, expression->type});
    return static_cast<std::uint32_t>(texts_.size() - 1);
  }

 private:
  const Schema& input_;
  AggregateInputs& inputs_;
  std::vector<std::string> texts_;
};

}  // namespace

Result<AggregateInputs> aggregate_inputs(const PlanNode& aggregate, const Schema& input) {
  WEIR_CHECK(aggregate.kind == PlanNode::Kind::kAggregate);
  AggregateInputs inputs;
  ColumnList columns(input, inputs);
  WindowAggregateOptions& options = inputs.options;
  for (std::size_t i = 0; i < aggregate.keys.size(); ++i) {
    const std::string& name = i < aggregate.schema.size() ? aggregate.schema.fields[i].name : "key";
    options.keys.push_back(columns.add(aggregate.keys[i], name));
    options.key_names.push_back(name);
  }
  if (aggregate.window.has_value()) {
    WEIR_CHECK_LT(aggregate.window->time_column, input.size());
    const Field& time = input.fields[aggregate.window->time_column];
    options.window = aggregate.window;
    options.window->time_column = columns.add(make_column(aggregate.window->time_column, time.type), time.name);
  }
  for (const AggregateCall& call : aggregate.aggregates) {
    AggregateColumn column;
    column.name = call.name;
    column.type = call.type;
    column.constants = call.constants;
    column.order = call.order;
    column.distinct = call.distinct;
    column.fast_sum = call.fast_sum;
    std::string text;
    for (const ExpressionPtr& argument : call.arguments)
      text += (text.empty() ? "" : ", ") + argument->to_string(input);
    column.output_name = call.name + (call.distinct ? "(DISTINCT " : "(") + (text.empty() ? "*" : text) + ")";
    for (const ExpressionPtr& argument : call.arguments)
      column.arguments.push_back(static_cast<int>(columns.add(argument, column.output_name)));
    if (call.filter != nullptr) column.filter = static_cast<int>(columns.add(call.filter, "filter"));
    options.aggregates.push_back(std::move(column));
  }
  options.input = inputs.schema;
  return inputs;
}

}  // namespace weir
