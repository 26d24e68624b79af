// Plans shared accumulators and their places. See aggregate_layout.h.
#include "window/aggregate_layout.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "weir/pipeline/aggregate.h"
#include "weir/simd/reduce.h"
#include "window/exact_sum.h"
#include "window/string_store.h"

namespace weir {
namespace {

Physical ordered_physical(Physical physical) {
  if (physical == Physical::kFloat) return Physical::kInt32;
  if (physical == Physical::kDouble) return Physical::kInt64;
  return physical;
}

template <class T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

constexpr Int128 kInt128Max = static_cast<Int128>(~Uint128{0} >> 1);

void put_extreme(Physical physical, bool greatest, std::byte* at) {
  switch (physical) {
    case Physical::kInt8:
      return put(at, greatest ? std::numeric_limits<std::int8_t>::max() : std::numeric_limits<std::int8_t>::min());
    case Physical::kInt16:
      return put(at, greatest ? std::numeric_limits<std::int16_t>::max() : std::numeric_limits<std::int16_t>::min());
    case Physical::kInt32:
      return put(at, greatest ? std::numeric_limits<std::int32_t>::max() : std::numeric_limits<std::int32_t>::min());
    case Physical::kInt128:
      return put(at, greatest ? kInt128Max : -kInt128Max - 1);
    default:
      return put(at, greatest ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min());
  }
}

Type partial_type(const Accumulator& accumulator) {
  Type type;
  switch (accumulator.physical) {
    case Physical::kInt8:
      type = Type::of(TypeId::kTinyInt);
      break;
    case Physical::kInt16:
      type = Type::of(TypeId::kSmallInt);
      break;
    case Physical::kInt32:
      type = Type::of(TypeId::kInt);
      break;
    case Physical::kInt128:
      type = Type::decimal(kDecimalPrecisionMax, 0);
      break;
    case Physical::kDouble:
      type = Type::float64();
      break;
    case Physical::kString:
      type = Type::of(TypeId::kBytes);
      break;
    default:
      type = Type::bigint();
      break;
  }
  type.nullable = accumulator.physical == Physical::kString;
  return type;
}

std::string_view kind_name(AccumulatorKind kind) {
  constexpr std::string_view kNames[] = {"rows",      "skipped",    "sum", "sum", "sum",        "sum_wraps",
                                         "sum_exact", "sum_double", "min", "max", "min_string", "max_string"};
  return kNames[static_cast<std::size_t>(kind)];
}

FusedFunction function_of(std::string_view name) {
  if (name == "SUM") return FusedFunction::kSum;
  if (name == "AVG") return FusedFunction::kAvg;
  if (name == "MIN") return FusedFunction::kMin;
  if (name == "MAX") return FusedFunction::kMax;
  return FusedFunction::kCount;
}

AccumulatorKind sum_kind(Physical input, bool fast) {
  if (input == Physical::kFloat || input == Physical::kDouble)
    return fast ? AccumulatorKind::kSumDouble : AccumulatorKind::kSumExact;
  if (input == Physical::kInt128) return AccumulatorKind::kSumWide;
  return input == Physical::kInt64 ? AccumulatorKind::kSumInt128 : AccumulatorKind::kSumInt64;
}

Physical sum_physical(AccumulatorKind kind) {
  if (kind == AccumulatorKind::kSumDouble) return Physical::kDouble;
  if (kind == AccumulatorKind::kSumExact) return Physical::kString;
  return kind == AccumulatorKind::kSumInt64 ? Physical::kInt64 : Physical::kInt128;
}

}  // namespace

std::size_t accumulator_bytes(const Accumulator& accumulator, bool sum_lanes) noexcept {
  switch (accumulator.kind) {
    case AccumulatorKind::kSumDouble:
      return sum_lanes ? sizeof(simd::SumLanes) : sizeof(double);
    case AccumulatorKind::kSumExact:
      return sizeof(ExactSum);
    case AccumulatorKind::kSumInt128:
    case AccumulatorKind::kSumWide:
    case AccumulatorKind::kMinString:
    case AccumulatorKind::kMaxString:
      return 16;
    case AccumulatorKind::kMin:
    case AccumulatorKind::kMax:
      return accumulator.physical == Physical::kInt128 ? 16 : 8;
    default:
      return 8;
  }
}

int AggregateLayout::add(Accumulator accumulator) {
  for (std::size_t i = 0; i < accumulators_.size(); ++i) {
    const Accumulator& other = accumulators_[i];
    if (other.kind == accumulator.kind && other.argument == accumulator.argument && other.filter == accumulator.filter)
      return static_cast<int>(i);
  }
  accumulators_.push_back(accumulator);
  return static_cast<int>(accumulators_.size() - 1);
}

int AggregateLayout::add_skipped(const Schema& input, int argument, int filter) {
  const bool may_lack = argument >= 0 && input.fields[static_cast<std::size_t>(argument)].type.nullable;
  if (!may_lack && filter < 0) return -1;
  Accumulator accumulator;
  accumulator.kind = AccumulatorKind::kSkipped;
  accumulator.argument = may_lack ? argument : -1;
  accumulator.filter = filter;
  return add(accumulator);
}

Result<AggregateCallInfo> call_info(const AggregateColumn& call, const Schema& input) {
  AggregateCallInfo info;
  info.name = call.name;
  info.definition = call.definition;
  for (const int column : call.arguments) {
    if (column < 0 || column >= static_cast<int>(input.size()))
      return Error(ErrorCode::kInvalidArgument, "an aggregate names a column that its input does not have");
    info.arguments.push_back(input.fields[static_cast<std::size_t>(column)].type);
  }
  if (call.order.size() > info.arguments.size())
    return Error(ErrorCode::kInvalidArgument, "an aggregate has more ORDER BY than arguments");
  info.constants = call.constants;
  info.order = call.order;
  info.distinct = call.distinct;
  info.retracts = call.retracts;
  WEIR_ASSIGN(info.result, resolve_aggregate(info));
  return info;
}

Result<void> AggregateLayout::add_function(const AggregateColumn& call, const AggregateCallInfo& info,
                                           AggregateFunctionPtr function) {
  if (function->state_bytes() % 8 != 0)
    return Error(ErrorCode::kInvalidArgument, "the state of " + info.name + " is no multiple of 8 bytes");
  for (const Type& argument : info.arguments) {
    if (argument.physical() == Physical::kNested)
      return Error(ErrorCode::kSqlUnsupported, info.name + " takes no argument of type " + argument.to_string());
  }
  FunctionPart state;
  state.function = std::move(function);
  state.arguments = call.arguments;
  state.filter = call.filter;
  state.gives_strings = info.result.physical() == Physical::kString;
  state.name = call.output_name.empty() ? call.name : call.output_name;
  has_strings_ |= state.gives_strings;
  AggregateResult result;
  result.state = static_cast<int>(functions_.size());
  result.name = state.name;
  result.type = info.result;
  functions_.push_back(std::move(state));
  results_.push_back(std::move(result));
  return {};
}

Result<void> AggregateLayout::add_call(const Schema& input, const AggregateColumn& call) {
  WEIR_ASSIGN(const AggregateCallInfo info, call_info(call, input));
  if (call.filter >= static_cast<int>(input.size()))
    return Error(ErrorCode::kInvalidArgument, "an aggregate names a column that its input does not have");
  AggregateResult result;
  result.name = call.output_name.empty() ? call.name : call.output_name;
  if (call.filter >= 0 && input.fields[static_cast<std::size_t>(call.filter)].type.id != TypeId::kBoolean)
    return Error(ErrorCode::kSqlType, "the FILTER of " + result.name + " is not BOOLEAN");
  WEIR_ASSIGN(AggregateFunctionPtr function, make_aggregate_function(info));
  if (function != nullptr) return add_function(call, info, std::move(function));
  result.function = function_of(call.name);
  result.type = info.result;
  const int argument = call.arguments.empty() ? -1 : call.arguments[0];
  if (argument >= 0) result.argument = info.arguments[0];
  result.skipped = add_skipped(input, argument, call.filter);
  if (result.function != FusedFunction::kCount) {
    Accumulator value;
    value.input = result.argument.physical();
    value.argument = argument;
    value.filter = call.filter;
    value.skipped = result.skipped;
    if (result.function == FusedFunction::kSum || result.function == FusedFunction::kAvg) {
      value.kind = sum_kind(value.input, call.fast_sum);
      value.physical = sum_physical(value.kind);
    } else {
      const bool least = result.function == FusedFunction::kMin;
      const bool text = value.input == Physical::kString;
      value.physical = ordered_physical(value.input);
      value.kind = text    ? (least ? AccumulatorKind::kMinString : AccumulatorKind::kMaxString)
                   : least ? AccumulatorKind::kMin
                           : AccumulatorKind::kMax;
    }
    const std::size_t before = accumulators_.size();
    result.value = add(value);
    if (value.kind == AccumulatorKind::kSumWide && accumulators_.size() != before) {
      value.kind = AccumulatorKind::kSumWideWraps;
      value.physical = Physical::kInt64;
      add(value);
    }
  }
  results_.push_back(std::move(result));
  return {};
}

void AggregateLayout::place() {
  // Accumulators that every row touches stand together at the front; skipped counts, touched by few rows, behind them.
  std::size_t at = 0;
  for (const bool skipped : {false, true}) {
    for (Accumulator& accumulator : accumulators_) {
      if ((accumulator.kind == AccumulatorKind::kSkipped) != skipped) continue;
      const bool lanes = accumulator.kind == AccumulatorKind::kSumDouble && sum_lanes_;
      if (lanes) at = (at + 63) / 64 * 64;
      accumulator.offset = static_cast<std::uint32_t>(at);
      at += accumulator_bytes(accumulator, sum_lanes_);
    }
  }
  for (FunctionPart& state : functions_) {
    state.offset = static_cast<std::uint32_t>(at);
    at += state.function->state_bytes();
  }
  state_bytes_ = at;
  initial_.assign(at, std::byte{0});
  for (const Accumulator& accumulator : accumulators_) {
    std::byte* to = initial_.data() + accumulator.offset;
    switch (accumulator.kind) {
      case AccumulatorKind::kMin:
        put_extreme(accumulator.physical, true, to);
        break;
      case AccumulatorKind::kMax:
        put_extreme(accumulator.physical, false, to);
        break;
      case AccumulatorKind::kMinString:
      case AccumulatorKind::kMaxString:
        has_strings_ = true;
        put(to, StringStore::kUnset);
        break;
      default:
        break;
    }
  }
  for (const FunctionPart& state : functions_) state.function->initialize(initial_.data() + state.offset);
  initial_is_zero_ = std::all_of(initial_.begin(), initial_.end(), [](std::byte b) { return b == std::byte{0}; });
}

Result<AggregateLayout> AggregateLayout::make(const Schema& input, std::span<const AggregateColumn> aggregates,
                                              bool keyed, int time_column) {
  AggregateLayout layout;
  layout.keyed_ = keyed;
  layout.sum_lanes_ = !keyed;
  layout.time_column_ = time_column;
  layout.add(Accumulator{});
  for (const AggregateColumn& call : aggregates) WEIR_TRY(layout.add_call(input, call));
  layout.place();
  for (std::size_t i = 0; i < layout.accumulators_.size() && layout.fused_sum_ < 0; ++i)
    if (layout.accumulators_[i].kind == AccumulatorKind::kSumDouble) layout.fused_sum_ = static_cast<int>(i);
  return layout;
}

AggregateLayout AggregateLayout::totals() const {
  AggregateLayout layout = *this;
  layout.sum_lanes_ = false;
  layout.place();
  return layout;
}

std::vector<Field> AggregateLayout::partial_fields() const {
  std::vector<Field> fields;
  for (const Accumulator& accumulator : accumulators_) {
    std::string name(kind_name(accumulator.kind));
    if (accumulator.argument >= 0) name += "_" + std::to_string(accumulator.argument);
    if (accumulator.filter >= 0) name += "_where_" + std::to_string(accumulator.filter);
    fields.push_back({std::move(name), partial_type(accumulator)});
  }
  for (std::size_t i = 0; i < functions_.size(); ++i)
    fields.push_back({"function_" + std::to_string(i), Type::of(TypeId::kBytes)});
  return fields;
}

bool AggregateLayout::has_byte_partials() const noexcept {
  const auto bytes = [](const Accumulator& accumulator) { return accumulator.physical == Physical::kString; };
  return !functions_.empty() || std::any_of(accumulators_.begin(), accumulators_.end(), bytes);
}

bool AggregateLayout::invertible() const noexcept {
  const auto invertible = [](const Accumulator& accumulator) {
    return accumulator.kind <= AccumulatorKind::kSumExact;  // a difference of fast DOUBLE sums is rounded
  };
  return std::all_of(accumulators_.begin(), accumulators_.end(), invertible) &&
         std::all_of(functions_.begin(), functions_.end(), [](auto& state) { return state.function->has_inverse(); });
}

bool AggregateLayout::order_sensitive() const noexcept {
  return std::any_of(functions_.begin(), functions_.end(),
                     [](auto& state) { return state.function->order_sensitive(); });
}

std::size_t AggregateLayout::heap_bytes_max() const noexcept {
  std::size_t bytes = 0;
  for (const Accumulator& accumulator : accumulators_)
    if (accumulator.kind == AccumulatorKind::kSumExact) bytes += ExactSum::kPartialBytesMax;
  for (const FunctionPart& state : functions_) bytes += state.function->heap_bytes_max();
  return bytes;
}

std::vector<std::string> AggregateLayout::unbounded() const {
  std::vector<std::string> names;
  for (const FunctionPart& state : functions_)
    if (state.function->owns_memory() && state.function->heap_bytes_max() == 0) names.push_back(state.name);
  return names;
}

}  // namespace weir
