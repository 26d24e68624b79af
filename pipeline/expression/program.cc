// ExpressionProgram: memory, columns and results around the steps; and constants, which are programs of one row.
#include <algorithm>
#include <cstring>

#include "expression/program.h"
#include "weir/core/check.h"

namespace weir {

namespace {

constexpr std::size_t aligned(std::size_t bytes) noexcept {
  return (bytes + kVectorAlignment - 1) / kVectorAlignment * kVectorAlignment;
}

// Memory of a plan's buffers and slots; two plans that never run at once may share it.
struct PlanMemory {
  std::unique_ptr<std::byte[]> block;
  std::byte* begin = nullptr;
  std::size_t bytes = 0;

  void allocate(std::size_t size) {
    bytes = size;
    block.reset(new std::byte[size + kVectorAlignment]);  // no need to clear it
    void* at = block.get();
    std::size_t space = size + kVectorAlignment;
    begin = static_cast<std::byte*>(std::align(kVectorAlignment, size, at, space));
  }
};

std::size_t plan_bytes(const ProgramPlan& plan, std::uint32_t capacity) {
  std::size_t total = 0;
  for (const std::size_t size : plan.buffer_bytes) total += aligned(size * capacity);
  total += plan.buffer_bytes.size() * aligned(validity_words(capacity) * sizeof(std::uint64_t));
  total += plan.slots.size() * aligned(capacity * sizeof(std::uint32_t));
  return total;
}

void lay_out(ProgramPlan& plan, std::uint32_t capacity, std::byte* at) {
  std::vector<std::byte*> data, validity;
  for (const std::size_t size : plan.buffer_bytes) {
    data.push_back(at);
    at += aligned(size * capacity);
    validity.push_back(at);
    at += aligned(validity_words(capacity) * sizeof(std::uint64_t));
  }
  for (ProgramSlot& slot : plan.slots) {
    slot.memory = reinterpret_cast<std::uint32_t*>(at);
    at += aligned(capacity * sizeof(std::uint32_t));
  }
  const bool any_step = !plan.buffer_bytes.empty();
  for (ProgramRegister& reg : plan.registers) {
    if (reg.kind != ProgramRegister::Kind::kComputed || !any_step) continue;
    reg.vector.data = data[reg.buffer];
    reg.own_validity = reinterpret_cast<std::uint64_t*>(validity[reg.buffer]);
  }
}

bool is_foldable(const Expression& expression) {
  if (expression.kind == Expression::Kind::kColumn) return false;
  if (expression.function != nullptr && expression.function->has(kVolatile)) return false;
  return std::all_of(expression.arguments.begin(), expression.arguments.end(),
                     [](const auto& argument) { return is_foldable(*argument); });
}

// What could not be folded before the time zone was known.
ExpressionPtr fold_in_zone(const ExpressionPtr& expression, std::string_view time_zone) {
  if (expression->arguments.empty() && expression->kind != Expression::Kind::kCall) return expression;
  if (is_foldable(*expression)) {
    Result<Value> value = evaluate_constant_in(*expression, time_zone);
    if (value.has_value()) return make_literal(std::move(*value), expression->type, expression->span);
    return expression;  // the row that needs it will say so
  }
  auto copy = std::make_shared<Expression>(*expression);
  bool changed = false;
  for (ExpressionPtr& argument : copy->arguments) {
    ExpressionPtr folded = fold_in_zone(argument, time_zone);
    changed |= folded != argument;
    argument = std::move(folded);
  }
  return changed ? ExpressionPtr(std::move(copy)) : expression;
}

Value read_value(const Type& type, const Vector& vector) {
  if (!vector.is_valid(0)) return Value{};
  switch (vector.physical) {
    case Physical::kInt8:
      return Value{std::int64_t{*vector.values<std::int8_t>()}};
    case Physical::kInt16:
      return Value{std::int64_t{*vector.values<std::int16_t>()}};
    case Physical::kInt32:
      return Value{std::int64_t{*vector.values<std::int32_t>()}};
    case Physical::kInt64:
      if (type.id == TypeId::kDecimal) return Value{Int128{*vector.values<std::int64_t>()}};
      return Value{*vector.values<std::int64_t>()};
    case Physical::kInt128:
      return Value{*vector.values<Int128>()};
    case Physical::kFloat:
      return Value{static_cast<double>(*vector.values<float>())};
    case Physical::kDouble:
      return Value{*vector.values<double>()};
    case Physical::kString:
      return Value{std::string(vector.values<StringRef>()->view())};
    case Physical::kNested:
      break;
  }
  return Value{};
}

}  // namespace

Result<Value> evaluate_constant_in(const Expression& expression, std::string_view time_zone) {
  constexpr std::size_t kConstantBytesMax = 1u << 20;
  if (is_literal(expression)) return Value(expression.literal);
  std::vector<std::uint32_t> columns;
  collect_columns(expression, columns);
  if (!columns.empty() || !is_foldable(expression))
    return Error(ErrorCode::kSqlSemantic, "a constant is wanted here, not something that differs from row to row");
  WEIR_ASSIGN(std::unique_ptr<TimeZone> zone, TimeZone::make(time_zone));
  LiteralMemory literals;
  literals.capacity = 1;
  ProgramPlan plan;
  // A pointer that does not own: the expression outlives the call.
  WEIR_TRY(compile_values({ExpressionPtr(&expression, [](const Expression*) {})}, literals, plan));
  assign_buffers(plan);
  PlanMemory memory;
  memory.allocate(plan_bytes(plan, kVectorAlignment));
  lay_out(plan, kVectorAlignment, memory.begin);
  plan.slots[0].range = {nullptr, 1};
  const std::unique_ptr<char[]> bytes(new char[kConstantBytesMax]);
  StringHeap heap(bytes.get(), kConstantBytesMax);
  EvaluationRuntime runtime;
  runtime.heap = &heap;
  runtime.zone = zone.get();
  StepFailure failure;
  run_steps(plan, runtime, 1, failure);
  if (failure.failed) return Error(failure.code, std::move(failure.message));
  return read_value(expression.type, plan.registers[plan.results[0]].vector);
}

struct ExpressionProgram::Impl {
  std::vector<ExpressionPtr> expressions;
  std::uint32_t capacity = 0;
  std::unique_ptr<TimeZone> zone;
  LiteralMemory literals;
  ProgramPlan values;
  ProgramPlan predicate;
  PlanMemory memory;  // of whichever plan runs
  std::unique_ptr<char[]> string_bytes;
  StringHeap heap;
  std::vector<Vector> results;

  Result<void> run(ProgramPlan& plan, const Batch& batch, const EvaluationContext& context) {
    WEIR_CHECK_LE(batch.row_count(), capacity);
    plan.slots[0].range = {batch.selection(), batch.selected_count()};
    if (plan.steps.empty()) return {};
    heap.reset();
    EvaluationRuntime runtime;
    runtime.heap = &heap;
    runtime.zone = zone.get();
    if (plan.reads_clock && context.clock != nullptr) runtime.now_ns = context.clock->wall_ns();
    runtime.watermark = context.watermark;
    for (const std::uint32_t number : plan.columns) {
      ProgramRegister& reg = plan.registers[number];
      reg.vector = batch.column(reg.column);
    }
    StepFailure failure;
    run_steps(plan, runtime, batch.row_count(), failure);
    if (failure.failed) return Error(failure.code, std::move(failure.message), Position::at_row(failure.row));
    return {};
  }
};

ExpressionProgram::ExpressionProgram(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ExpressionProgram::ExpressionProgram(ExpressionProgram&&) noexcept = default;
ExpressionProgram& ExpressionProgram::operator=(ExpressionProgram&&) noexcept = default;
ExpressionProgram::~ExpressionProgram() = default;

Result<ExpressionProgram> ExpressionProgram::compile(std::vector<ExpressionPtr> expressions, std::uint32_t capacity,
                                                     std::size_t string_bytes, std::string_view time_zone) {
  auto impl = std::make_unique<Impl>();
  impl->capacity = std::max<std::uint32_t>(capacity, 1);
  WEIR_ASSIGN(impl->zone, TimeZone::make(time_zone));
  for (ExpressionPtr& expression : expressions) expression = fold_in_zone(expression, time_zone);
  impl->expressions = std::move(expressions);
  impl->literals.capacity = impl->capacity;
  WEIR_TRY(compile_values(impl->expressions, impl->literals, impl->values));
  assign_buffers(impl->values);
  std::size_t bytes = plan_bytes(impl->values, impl->capacity);
  const bool is_predicate = impl->expressions.size() == 1 && impl->expressions[0]->type.id == TypeId::kBoolean;
  if (is_predicate) {
    WEIR_TRY(compile_predicate(*impl->expressions[0], impl->literals, impl->predicate));
    assign_buffers(impl->predicate);
    bytes = std::max(bytes, plan_bytes(impl->predicate, impl->capacity));
  }
  impl->memory.allocate(bytes);
  lay_out(impl->values, impl->capacity, impl->memory.begin);
  if (is_predicate) lay_out(impl->predicate, impl->capacity, impl->memory.begin);
  impl->string_bytes.reset(new char[std::max<std::size_t>(string_bytes, 1)]);
  impl->heap = StringHeap(impl->string_bytes.get(), string_bytes);
  impl->results.resize(impl->expressions.size());
  return ExpressionProgram(std::move(impl));
}

Result<void> ExpressionProgram::evaluate(const Batch& batch, const EvaluationContext& context) {
  return evaluate(batch, context, impl_->results);
}

Result<void> ExpressionProgram::evaluate(const Batch& batch, const EvaluationContext& context, std::span<Vector> to) {
  const ProgramPlan& plan = impl_->values;
  WEIR_TRY(impl_->run(impl_->values, batch, context));
  for (std::size_t i = 0; i < to.size(); ++i) {
    const ProgramRegister& reg = plan.registers[plan.results[i]];
    to[i] = reg.kind == ProgramRegister::Kind::kColumn ? batch.column(reg.column) : reg.vector;
  }
  return {};
}

std::span<const Vector> ExpressionProgram::results() const noexcept {
  return impl_->results;
}

Result<std::uint32_t> ExpressionProgram::evaluate_filter(const Batch& batch, const EvaluationContext& context,
                                                         std::uint32_t* selection) {
  ProgramPlan& plan = impl_->predicate;
  WEIR_CHECK(!plan.slots.empty());  // compiled from one BOOLEAN expression
  if (plan.filter_slot != 0) plan.slots[plan.filter_slot].memory = selection;
  WEIR_TRY(impl_->run(plan, batch, context));
  const RowRange range = plan.slots[plan.filter_slot].range;
  if (plan.filter_slot == 0)
    for (std::uint32_t i = 0; i < range.count; ++i) selection[i] = range.rows == nullptr ? i : range.rows[i];
  return std::uint32_t{range.count};
}

std::size_t ExpressionProgram::memory_bytes() const noexcept {
  std::size_t total = impl_->memory.bytes + impl_->heap.capacity();
  total += impl_->literals.bytes;
  return total;
}

}  // namespace weir
