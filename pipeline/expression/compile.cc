// Compiling expression trees to steps: common subexpressions once, later arguments of AND, OR, CASE and COALESCE on
// narrowed slots, predicates straight to selections, and buffers shared by lifetime.
#include <algorithm>
#include <cstring>
#include <new>

#include "expression/program.h"
#include "weir/core/check.h"

namespace weir {

namespace {

bool same_value(const Value& left, const Value& right) {
  if (left.data.index() == right.data.index() && std::holds_alternative<double>(left.data))  // NaN, and -0.0 beside 0.0
    return std::memcmp(&std::get<double>(left.data), &std::get<double>(right.data), sizeof(double)) == 0;
  return left.data == right.data;
}

bool same_expression(const Expression& left, const Expression& right) {
  if (&left == &right) return true;
  if (left.kind != right.kind || left.function != right.function || left.try_cast != right.try_cast ||
      left.column != right.column || left.arguments.size() != right.arguments.size())
    return false;
  if (!with_nullable(left.type, true).same_as(with_nullable(right.type, true))) return false;
  if (is_literal(left) && !same_value(left.literal, right.literal)) return false;
  for (std::size_t i = 0; i < left.arguments.size(); ++i)
    if (!same_expression(*left.arguments[i], *right.arguments[i])) return false;
  return true;
}

class Compiler {
 public:
  Compiler(LiteralMemory& literals, ProgramPlan& plan) : literals_(literals), plan_(plan) {
    plan_.slots.emplace_back();
  }

  Result<std::uint32_t> value(const Expression& expression, std::uint32_t slot);
  Result<std::uint32_t> predicate(const Expression& expression, std::uint32_t slot);
  /// A register of full vectors for a result.
  std::uint32_t full(const Expression& expression, std::uint32_t reg);

 private:
  struct Known {
    const Expression* expression;
    std::uint32_t slot;
    std::uint32_t reg;
  };

  std::uint32_t new_register(ProgramRegister::Kind kind, Physical physical) {
    ProgramRegister& reg = plan_.registers.emplace_back();
    reg.kind = kind;
    reg.physical = physical;
    reg.vector.physical = physical;
    return static_cast<std::uint32_t>(plan_.registers.size() - 1);
  }
  std::uint32_t new_slot(std::uint32_t parent) {
    plan_.slots.emplace_back().parent = parent;
    return static_cast<std::uint32_t>(plan_.slots.size() - 1);
  }
  ProgramStep& new_step(ProgramStep::Kind kind, std::uint32_t slot) {
    ProgramStep& step = plan_.steps.emplace_back();
    step.kind = kind;
    step.slot = slot;
    return step;
  }
  void clear(std::uint32_t reg, std::uint32_t slot) { new_step(ProgramStep::Kind::kClear, slot).result = reg; }
  void combine(ProgramStep::Kind kind, std::uint32_t reg, std::uint32_t argument, std::uint32_t slot) {
    ProgramStep& step = new_step(kind, slot);
    step.result = reg;
    step.arguments = {argument};
  }
  std::uint32_t select(ProgramStep::Kind kind, std::uint32_t argument, std::uint32_t slot) {
    const std::uint32_t out = new_slot(slot);
    ProgramStep& step = new_step(kind, slot);
    step.arguments = {argument};
    step.out_slot = out;
    return out;
  }
  std::uint32_t difference(std::uint32_t slot, std::uint32_t without) {
    const std::uint32_t out = new_slot(slot);
    ProgramStep& step = new_step(ProgramStep::Kind::kDifference, slot);
    step.other_slot = without;
    step.out_slot = out;
    return out;
  }
  bool includes(std::uint32_t slot, std::uint32_t subset) const {
    while (subset != slot && subset != 0) subset = plan_.slots[subset].parent;
    return subset == slot;
  }

  std::uint32_t literal(const Expression& expression);
  Result<std::uint32_t> step_of_call(const Expression& expression, std::uint32_t slot);
  Result<std::uint32_t> logical(const Expression& expression, std::uint32_t slot);
  Result<std::uint32_t> conditional(const Expression& expression, std::uint32_t slot);
  Result<std::uint32_t> coalesce(const Expression& expression, std::uint32_t slot);
  Result<std::uint32_t> any_of(const Expression& expression, std::uint32_t slot);

  LiteralMemory& literals_;
  ProgramPlan& plan_;
  std::vector<Known> known_;
};

std::uint32_t Compiler::literal(const Expression& expression) {
  const std::uint32_t reg = new_register(ProgramRegister::Kind::kConstant, expression.type.physical());
  ProgramRegister& entry = plan_.registers[reg];
  entry.one_value = true;
  entry.vector.data = literals_.take(kVectorAlignment);
  if (expression.literal.is_null())
    entry.vector.validity = static_cast<std::uint64_t*>(literals_.take(kVectorAlignment));  // zero: NULL
  else
    write_literal(expression.type, expression.literal, entry.vector.data);
  return reg;
}

std::uint32_t Compiler::full(const Expression& expression, std::uint32_t reg) {
  if (!plan_.registers[reg].one_value) return reg;
  const Physical physical = expression.type.physical();
  if (plan_.registers[reg].kind == ProgramRegister::Kind::kConstant) {
    const std::size_t size = physical_size(physical);
    auto* data = static_cast<std::byte*>(literals_.take(literals_.capacity * size));
    void* validity = nullptr;
    if (expression.literal.is_null())
      validity = literals_.take(validity_words(literals_.capacity) * sizeof(std::uint64_t));
    else
      for (std::size_t row = 0; row < literals_.capacity; ++row)
        std::memcpy(data + row * size, plan_.registers[reg].vector.data, size);
    const std::uint32_t out = new_register(ProgramRegister::Kind::kConstant, physical);
    plan_.registers[out].vector.data = data;
    plan_.registers[out].vector.validity = static_cast<std::uint64_t*>(validity);
    return out;
  }
  const std::uint32_t out = new_register(ProgramRegister::Kind::kComputed, physical);
  clear(out, 0);
  combine(ProgramStep::Kind::kCopy, out, reg, 0);
  return out;
}

Result<std::uint32_t> Compiler::value(const Expression& expression, std::uint32_t slot) {
  for (const Known& known : known_)
    if (includes(known.slot, slot) && same_expression(*known.expression, expression)) return std::uint32_t{known.reg};
  std::uint32_t reg = 0;
  std::uint32_t known_slot = slot;
  switch (expression.kind) {
    case Expression::Kind::kColumn:
      reg = new_register(ProgramRegister::Kind::kColumn, expression.type.physical());
      plan_.registers[reg].column = expression.column;
      plan_.columns.push_back(reg);
      known_slot = 0;
      break;
    case Expression::Kind::kLiteral:
      reg = literal(expression);
      known_slot = 0;
      break;
    case Expression::Kind::kCall:
    case Expression::Kind::kCast: {
      WEIR_ASSIGN(reg, step_of_call(expression, slot));
      break;
    }
    case Expression::Kind::kCase: {
      WEIR_ASSIGN(reg, conditional(expression, slot));
      break;
    }
    case Expression::Kind::kAnd:
    case Expression::Kind::kOr: {
      WEIR_ASSIGN(reg, logical(expression, slot));
      break;
    }
    case Expression::Kind::kCoalesce: {
      WEIR_ASSIGN(reg, coalesce(expression, slot));
      break;
    }
  }
  known_.push_back({&expression, known_slot, reg});
  return std::uint32_t{reg};
}

Result<std::uint32_t> Compiler::step_of_call(const Expression& expression, std::uint32_t slot) {
  ProgramStep step;
  step.slot = slot;
  step.expression = &expression;
  step.constant = true;
  for (const ExpressionPtr& argument : expression.arguments) {
    WEIR_ASSIGN(const std::uint32_t reg, value(*argument, slot));
    step.arguments.push_back(reg);
    step.constant = step.constant && plan_.registers[reg].one_value;
  }
  if (expression.kind == Expression::Kind::kCast) {
    bool zoned = false;
    const Type& from = expression.arguments.front()->type;
    step.kind = ProgramStep::Kind::kCast;
    step.kernel = cast_kernel(from, expression.type, &zoned);
    if (step.kernel == nullptr)
      return Error(ErrorCode::kUnsupported, "no cast from " + from.to_string() + " to " + expression.type.to_string());
    if (expression.try_cast || (from.is_numeric() && expression.type.id == TypeId::kDecimal)) step.flags = kMayBeNull;
  } else {
    step.kernel = expression.function->kernel;
    step.flags = expression.function->flags;
    plan_.reads_clock |= expression.function->has(kVolatile);
    if (expression.function->prepare != nullptr) {
      WEIR_ASSIGN(step.state, expression.function->prepare(expression));
    }
  }
  step.many_operands.resize(step.arguments.size());
  step.result = new_register(ProgramRegister::Kind::kComputed, expression.type.physical());
  plan_.registers[step.result].one_value = step.constant;
  const std::uint32_t result = step.result;
  plan_.steps.push_back(std::move(step));
  return std::uint32_t{result};
}

Result<std::uint32_t> Compiler::logical(const Expression& expression, std::uint32_t slot) {
  const bool is_and = expression.kind == Expression::Kind::kAnd;
  const auto undecided = is_and ? ProgramStep::Kind::kSelectNotFalse : ProgramStep::Kind::kSelectNotTrue;
  const auto into = is_and ? ProgramStep::Kind::kAndInto : ProgramStep::Kind::kOrInto;
  WEIR_ASSIGN(const std::uint32_t first, value(*expression.arguments.front(), slot));
  const std::uint32_t reg = new_register(ProgramRegister::Kind::kComputed, Physical::kInt8);
  clear(reg, slot);
  combine(ProgramStep::Kind::kCopy, reg, first, slot);
  std::uint32_t rest = slot;
  for (std::size_t i = 1; i < expression.arguments.size(); ++i) {
    rest = select(undecided, reg, rest);
    WEIR_ASSIGN(const std::uint32_t next, value(*expression.arguments[i], rest));
    combine(into, reg, next, rest);
  }
  return std::uint32_t{reg};
}

Result<std::uint32_t> Compiler::conditional(const Expression& expression, std::uint32_t slot) {
  const std::uint32_t reg = new_register(ProgramRegister::Kind::kComputed, expression.type.physical());
  clear(reg, slot);
  std::uint32_t rest = slot;
  for (std::size_t i = 0; i + 1 < expression.arguments.size(); i += 2) {
    WEIR_ASSIGN(const std::uint32_t taken, predicate(*expression.arguments[i], rest));
    WEIR_ASSIGN(const std::uint32_t result, value(*expression.arguments[i + 1], taken));
    combine(ProgramStep::Kind::kCopy, reg, result, taken);
    rest = difference(rest, taken);
  }
  WEIR_ASSIGN(const std::uint32_t otherwise, value(*expression.arguments.back(), rest));
  combine(ProgramStep::Kind::kCopy, reg, otherwise, rest);
  return std::uint32_t{reg};
}

Result<std::uint32_t> Compiler::coalesce(const Expression& expression, std::uint32_t slot) {
  const std::uint32_t reg = new_register(ProgramRegister::Kind::kComputed, expression.type.physical());
  clear(reg, slot);
  std::uint32_t rest = slot;
  for (std::size_t i = 0; i < expression.arguments.size(); ++i) {
    if (i > 0) rest = select(ProgramStep::Kind::kSelectNull, reg, rest);
    WEIR_ASSIGN(const std::uint32_t next, value(*expression.arguments[i], rest));
    combine(ProgramStep::Kind::kCopy, reg, next, rest);
  }
  return std::uint32_t{reg};
}

// The TRUE rows of an OR: each term is asked only about the rows that no term before it has taken.
Result<std::uint32_t> Compiler::any_of(const Expression& expression, std::uint32_t slot) {
  std::uint32_t rest = slot;
  std::uint32_t taken = 0;
  for (std::size_t i = 0; i < expression.arguments.size(); ++i) {
    WEIR_ASSIGN(const std::uint32_t found, predicate(*expression.arguments[i], rest));
    if (i == 0) {
      taken = found;
    } else {
      const std::uint32_t both = new_slot(slot);
      ProgramStep& step = new_step(ProgramStep::Kind::kUnion, taken);
      step.other_slot = found;
      step.out_slot = both;
      taken = both;
    }
    if (i + 1 < expression.arguments.size()) rest = difference(rest, found);
  }
  return std::uint32_t{taken};
}

Result<std::uint32_t> Compiler::predicate(const Expression& expression, std::uint32_t slot) {
  if (is_literal(expression)) {
    if (!expression.literal.is_null() && std::get<std::int64_t>(expression.literal.data) != 0)
      return std::uint32_t{slot};
    const std::uint32_t out = new_slot(slot);
    new_step(ProgramStep::Kind::kSelectNone, slot).out_slot = out;
    return std::uint32_t{out};
  }
  if (expression.kind == Expression::Kind::kAnd) {
    std::uint32_t rest = slot;
    for (const ExpressionPtr& argument : expression.arguments) {
      WEIR_ASSIGN(rest, predicate(*argument, rest));
    }
    return std::uint32_t{rest};
  }
  if (expression.kind == Expression::Kind::kOr) return any_of(expression, slot);
  if (expression.kind == Expression::Kind::kCall) {
    if (const std::optional<Comparison> comparison = comparison_of(*expression.function)) {
      WEIR_ASSIGN(const std::uint32_t left, value(*expression.arguments[0], slot));
      WEIR_ASSIGN(const std::uint32_t right, value(*expression.arguments[1], slot));
      const std::uint32_t out = new_slot(slot);
      ProgramStep& step = new_step(ProgramStep::Kind::kSelectCompare, slot);
      step.comparison = *comparison;
      step.physical = expression.arguments[0]->type.physical();
      step.arguments = {left, right};
      step.out_slot = out;
      return std::uint32_t{out};
    }
  }
  WEIR_ASSIGN(const std::uint32_t reg, value(expression, slot));
  return select(ProgramStep::Kind::kSelectTrue, reg, slot);
}

template <typename T>
void write_as(void* out, T value) {
  std::memcpy(out, &value, sizeof(value));
}

}  // namespace

void* LiteralMemory::take(std::size_t size_bytes) {
  const std::size_t size = (size_bytes + kVectorAlignment - 1) / kVectorAlignment * kVectorAlignment;
  auto block = std::make_unique<std::byte[]>(size + kVectorAlignment);
  void* at = block.get();
  std::size_t space = size + kVectorAlignment;
  at = std::align(kVectorAlignment, size, at, space);
  blocks.push_back(std::move(block));
  bytes += size;
  return at;
}

void write_literal(const Type& type, const Value& value, void* out) {
  if (const auto* text = std::get_if<std::string>(&value.data)) return write_as(out, StringRef(*text));
  if (const auto* number = std::get_if<double>(&value.data)) {
    if (type.physical() == Physical::kFloat) return write_as(out, static_cast<float>(*number));
    return write_as(out, *number);
  }
  const auto* wide = std::get_if<Int128>(&value.data);
  const Int128 integer = wide != nullptr ? *wide : Int128{std::get<std::int64_t>(value.data)};
  switch (type.physical()) {
    case Physical::kInt8:
      return write_as(out, static_cast<std::int8_t>(integer));
    case Physical::kInt16:
      return write_as(out, static_cast<std::int16_t>(integer));
    case Physical::kInt32:
      return write_as(out, static_cast<std::int32_t>(integer));
    case Physical::kInt128:
      return write_as(out, integer);
    case Physical::kFloat:
      return write_as(out, static_cast<float>(integer));
    case Physical::kDouble:
      return write_as(out, static_cast<double>(integer));
    default:
      return write_as(out, static_cast<std::int64_t>(integer));
  }
}

Result<void> compile_values(const std::vector<ExpressionPtr>& expressions, LiteralMemory& literals, ProgramPlan& plan) {
  Compiler compiler(literals, plan);
  for (const ExpressionPtr& expression : expressions) {
    if (expression->type.physical() == Physical::kNested && expression->kind != Expression::Kind::kColumn)
      return Error(ErrorCode::kUnsupported, "expressions do not give " + expression->type.to_string() + " yet");
    WEIR_ASSIGN(const std::uint32_t reg, compiler.value(*expression, 0));
    plan.results.push_back(compiler.full(*expression, reg));
  }
  return {};
}

Result<void> compile_predicate(const Expression& expression, LiteralMemory& literals, ProgramPlan& plan) {
  Compiler compiler(literals, plan);
  WEIR_ASSIGN(plan.filter_slot, compiler.predicate(expression, 0));
  return {};
}

void assign_buffers(ProgramPlan& plan) {
  const std::size_t end = plan.steps.size();
  std::vector<std::size_t> last_use(plan.registers.size(), 0);
  for (std::size_t i = 0; i < end; ++i) {
    const ProgramStep& step = plan.steps[i];
    for (const std::uint32_t argument : step.arguments) last_use[argument] = i;
    if (step.kind <= ProgramStep::Kind::kOrInto) last_use[step.result] = i;
  }
  for (const std::uint32_t result : plan.results) last_use[result] = end;
  std::vector<bool> placed(plan.registers.size(), false);
  std::vector<std::size_t> free_buffers;
  for (std::size_t i = 0; i < end; ++i) {
    const ProgramStep& step = plan.steps[i];
    const bool writes = step.kind <= ProgramStep::Kind::kOrInto;
    if (writes && !placed[step.result]) {
      ProgramRegister& reg = plan.registers[step.result];
      const std::size_t bytes = physical_size(reg.physical);
      const auto fits = std::find_if(free_buffers.begin(), free_buffers.end(),
                                     [&](std::size_t buffer) { return plan.buffer_bytes[buffer] == bytes; });
      if (fits != free_buffers.end()) {
        reg.buffer = *fits;
        free_buffers.erase(fits);
      } else {
        reg.buffer = plan.buffer_bytes.size();
        plan.buffer_bytes.push_back(bytes);
      }
      placed[step.result] = true;
    }
    // Only after the result has its place: a kernel never writes over its own argument.
    for (std::size_t reg = 0; reg < plan.registers.size(); ++reg)
      if (placed[reg] && last_use[reg] == i && plan.registers[reg].kind == ProgramRegister::Kind::kComputed)
        free_buffers.push_back(plan.registers[reg].buffer);
  }
}

}  // namespace weir
