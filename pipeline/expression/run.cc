// Running the steps of an expression program over one batch.
#include <algorithm>
#include <array>
#include <cstring>

#include "expression/program.h"
#include "weir/simd/boolean.h"
#include "weir/simd/compare.h"

namespace weir {

namespace {

using Step = ProgramStep;

Operand operand_of(const ProgramRegister& reg) noexcept {
  return {reg.vector.data, reg.vector.validity, reg.one_value ? 0u : ~0u};
}

void set_all_valid(ProgramRegister& reg, std::uint32_t rows) noexcept {
  std::memset(reg.own_validity, 0xff, validity_words(rows) * sizeof(std::uint64_t));
  reg.vector.validity = reg.own_validity;
}

// The AND of the operands' validity, or null where every one of them has values only.
void combine_validity(std::span<const Operand> operands, ProgramRegister& result, std::uint32_t rows) noexcept {
  result.vector.validity = nullptr;
  const std::size_t words = validity_words(rows);
  for (const Operand& operand : operands) {
    if (operand.validity == nullptr) continue;
    if (operand.is_constant()) {
      if (operand.is_valid(0)) continue;
      std::memset(result.own_validity, 0, words * sizeof(std::uint64_t));
      result.vector.validity = result.own_validity;
      return;
    }
    if (result.vector.validity == nullptr)
      std::memcpy(result.own_validity, operand.validity, words * sizeof(std::uint64_t));
    else
      simd::bitmap_and(result.own_validity, operand.validity, words * 64, result.own_validity);
    result.vector.validity = result.own_validity;
  }
}

void run_kernel(ProgramPlan& plan, Step& step, EvaluationRuntime& runtime, std::uint32_t rows, StepFailure& failure) {
  constexpr std::size_t kInPlaceMax = 8;
  std::array<Operand, kInPlaceMax> few{};
  const std::size_t count = step.arguments.size();
  // IN lists and CONCAT of many take the long way; their operands live in the step.
  const std::span<Operand> operands =
      count <= kInPlaceMax ? std::span<Operand>(few).first(count) : std::span<Operand>(step.many_operands);
  for (std::size_t i = 0; i < count; ++i) operands[i] = operand_of(plan.registers[step.arguments[i]]);
  ProgramRegister& result = plan.registers[step.result];
  const std::uint32_t end = step.constant ? 1 : rows;
  KernelCall call;
  call.range = step.constant ? RowRange{nullptr, 1} : plan.slots[step.slot].range;
  if ((step.flags & kNotStrict) != 0)
    result.vector.validity = nullptr;
  else
    combine_validity(operands, result, end);
  if ((step.flags & kMayBeNull) != 0 && result.vector.validity == nullptr) set_all_valid(result, end);
  call.arguments = operands;
  call.result = &result.vector;
  call.expression = step.expression;
  call.state = step.state.get();
  call.runtime = &runtime;
  step.kernel(call);
  if (!call.failed) return;
  failure.failed = true;
  failure.code = call.code;
  failure.row = call.failed_row;
  failure.message = std::move(call.message);
}

template <typename T>
void copy_values(const Operand& from, Vector& to, RowRange range) noexcept {
  T* out = to.values<T>();
  const auto* in = static_cast<const T*>(from.data);
  if (range.rows == nullptr) {
    if (from.is_constant())
      std::fill_n(out, range.count, in[0]);
    else
      std::memcpy(static_cast<void*>(out), in, range.count * sizeof(T));
    return;
  }
  for (std::uint32_t i = 0; i < range.count; ++i) out[range.rows[i]] = in[range.rows[i] & from.mask];
}

void run_copy(const Operand& from, ProgramRegister& to, RowRange range, std::uint32_t rows) noexcept {
  switch (physical_size(to.physical)) {
    case 1:
      copy_values<std::uint8_t>(from, to.vector, range);
      break;
    case 2:
      copy_values<std::uint16_t>(from, to.vector, range);
      break;
    case 4:
      copy_values<std::uint32_t>(from, to.vector, range);
      break;
    case 8:
      copy_values<std::uint64_t>(from, to.vector, range);
      break;
    default:
      copy_values<Int128>(from, to.vector, range);
      break;
  }
  if (from.validity == nullptr && to.vector.validity == nullptr) return;
  if (to.vector.validity == nullptr) set_all_valid(to, rows);
  for_rows(range, nullptr, [&](std::uint32_t row) {
    to.vector.set_valid(row, from.is_valid(row));
    return true;
  });
}

// result = result AND argument (kAnd) or OR: FALSE (TRUE) decides, else NULL, else TRUE (FALSE).
template <bool kAnd>
void run_logical(const Operand& argument, ProgramRegister& reg, RowRange range, std::uint32_t rows) noexcept {
  constexpr std::int8_t kDeciding = kAnd ? 0 : 1;
  if (argument.validity != nullptr && reg.vector.validity == nullptr) set_all_valid(reg, rows);
  auto* values = reg.vector.values<std::int8_t>();
  const bool nullable = reg.vector.validity != nullptr;
  for_rows(range, nullptr, [&](std::uint32_t row) {
    const std::int8_t value = argument.at<std::int8_t>(row);
    if (!nullable) {
      values[row] = kAnd ? values[row] & value : values[row] | value;
      return true;
    }
    const bool valid = argument.is_valid(row);
    const bool decided = (valid && value == kDeciding) || (reg.vector.is_valid(row) && values[row] == kDeciding);
    values[row] = decided ? kDeciding : static_cast<std::int8_t>(1 - kDeciding);
    reg.vector.set_valid(row, decided || (valid && reg.vector.is_valid(row)));
    return true;
  });
}

template <typename Keep>
std::uint32_t keep_rows(RowRange in, std::uint32_t* out, Keep keep) noexcept {
  std::uint32_t count = 0;
  if (in.rows == nullptr) {
    for (std::uint32_t row = 0; row < in.count; ++row) {
      out[count] = row;
      count += keep(row) ? 1u : 0u;
    }
  } else {
    for (std::uint32_t i = 0; i < in.count; ++i) {
      const std::uint32_t row = in.rows[i];
      out[count] = row;
      count += keep(row) ? 1u : 0u;
    }
  }
  return count;
}

std::uint32_t run_select(Step::Kind kind, const Operand& operand, RowRange in, std::uint32_t* out) noexcept {
  const auto value = [&](std::uint32_t row) { return operand.at<std::int8_t>(row) != 0; };
  switch (kind) {
    case Step::Kind::kSelectNotFalse:
      return keep_rows(in, out, [&](std::uint32_t row) { return !operand.is_valid(row) || value(row); });
    case Step::Kind::kSelectNotTrue:
      return keep_rows(in, out, [&](std::uint32_t row) { return !operand.is_valid(row) || !value(row); });
    case Step::Kind::kSelectNull:
      if (operand.validity == nullptr) return 0;
      return keep_rows(in, out, [&](std::uint32_t row) { return !operand.is_valid(row); });
    default:
      break;
  }
  if (operand.is_constant())
    return keep_rows(in, out, [&](std::uint32_t row) { return operand.is_valid(row) && value(row); });
  return simd::select_true(static_cast<const std::uint8_t*>(operand.data), {in.count, in.rows, operand.validity}, out);
}

// Rows of `in` without those of `without`, an ascending subset of them.
std::uint32_t run_difference(RowRange in, RowRange without, std::uint32_t* out) noexcept {
  if (without.rows == nullptr && without.count == in.count) return 0;  // the subset is everything
  std::uint32_t next = 0;
  return keep_rows(in, out, [&](std::uint32_t row) {
    if (next < without.count && without.rows[next] == row) {
      ++next;
      return false;
    }
    return true;
  });
}

std::uint32_t run_union(RowRange left, RowRange right, std::uint32_t* out) noexcept {
  if (left.rows == nullptr || right.rows == nullptr) {  // one of them is the whole batch, so the other is empty
    const RowRange& all = left.count >= right.count ? left : right;
    return keep_rows(all, out, [](std::uint32_t) { return true; });
  }
  std::uint32_t* end = std::merge(left.rows, left.rows + left.count, right.rows, right.rows + right.count, out);
  return static_cast<std::uint32_t>(end - out);
}

void run_slot_step(ProgramPlan& plan, const Step& step) noexcept {
  ProgramSlot& out = plan.slots[step.out_slot];
  const RowRange in = plan.slots[step.slot].range;
  std::uint32_t count = 0;
  switch (step.kind) {
    case Step::Kind::kSelectNone:
      break;
    case Step::Kind::kDifference:
      count = run_difference(in, plan.slots[step.other_slot].range, out.memory);
      break;
    case Step::Kind::kUnion:
      count = run_union(in, plan.slots[step.other_slot].range, out.memory);
      break;
    case Step::Kind::kSelectCompare:
      if (in.count != 0)
        count = select_rows(step.comparison, step.physical, operand_of(plan.registers[step.arguments[0]]),
                            operand_of(plan.registers[step.arguments[1]]), in, out.memory);
      break;
    default:
      if (in.count != 0) count = run_select(step.kind, operand_of(plan.registers[step.arguments[0]]), in, out.memory);
      break;
  }
  out.range = {out.memory, count};
}

}  // namespace

void run_steps(ProgramPlan& plan, EvaluationRuntime& runtime, std::uint32_t rows, StepFailure& failure) {
  for (Step& step : plan.steps) {
    if (step.kind >= Step::Kind::kSelectTrue) {
      run_slot_step(plan, step);
      continue;
    }
    const RowRange range = plan.slots[step.slot].range;
    if (range.count == 0) continue;
    ProgramRegister& result = plan.registers[step.result];
    switch (step.kind) {
      case Step::Kind::kClear:
        result.vector.validity = nullptr;
        break;
      case Step::Kind::kCopy:
        run_copy(operand_of(plan.registers[step.arguments[0]]), result, range, rows);
        break;
      case Step::Kind::kAndInto:
        run_logical<true>(operand_of(plan.registers[step.arguments[0]]), result, range, rows);
        break;
      case Step::Kind::kOrInto:
        run_logical<false>(operand_of(plan.registers[step.arguments[0]]), result, range, rows);
        break;
      default:
        run_kernel(plan, step, runtime, rows, failure);
        if (failure.failed) return;
        break;
    }
  }
}

}  // namespace weir
