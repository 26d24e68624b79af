// Plans shared accumulators and their places. See aggregate_layout.h.
#include "window/aggregate_layout.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "weir/pipeline/aggregate.h"
#include "weir/simd/reduce.h"
#include "window/string_store.h"

namespace weir {
namespace {

Physical ordered_physical(Physical physical) {
  if (physical == Physical::kFloat) return Physical::kInt32;
  if (physical == Physical::kDouble) return Physical::kInt64;
  return physical;
}

std::size_t accumulator_bytes(const Accumulator& accumulator, bool keyed) {
  switch (accumulator.kind) {
    case AccumulatorKind::kSumDouble:
      return keyed ? sizeof(double) : sizeof(simd::SumLanes);
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
  constexpr std::string_view kNames[] = {"rows",       "skipped", "sum", "sum",        "sum",       "sum_wraps",
                                         "sum_double", "min",     "max", "min_string", "max_string"};
  return kNames[static_cast<std::size_t>(kind)];
}

FusedFunction function_of(std::string_view name) {
  if (name == "SUM") return FusedFunction::kSum;
  if (name == "AVG") return FusedFunction::kAvg;
  if (name == "MIN") return FusedFunction::kMin;
  if (name == "MAX") return FusedFunction::kMax;
  return FusedFunction::kCount;
}

AccumulatorKind sum_kind(Physical input) {
  if (input == Physical::kFloat || input == Physical::kDouble) return AccumulatorKind::kSumDouble;
  if (input == Physical::kInt128) return AccumulatorKind::kSumWide;
  return input == Physical::kInt64 ? AccumulatorKind::kSumInt128 : AccumulatorKind::kSumInt64;
}

Physical sum_physical(AccumulatorKind kind) {
  if (kind == AccumulatorKind::kSumDouble) return Physical::kDouble;
  return kind == AccumulatorKind::kSumInt64 ? Physical::kInt64 : Physical::kInt128;
}

}  // namespace

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

Result<void> AggregateLayout::add_call(const Schema& input, const AggregateColumn& call) {
  const auto fields = static_cast<int>(input.size());
  if (call.argument >= fields || call.filter >= fields)
    return Error(ErrorCode::kInvalidArgument, "an aggregate names a column that its input does not have");
  AggregateResult result;
  result.function = function_of(call.name);
  result.name = call.output_name.empty() ? call.name : call.output_name;
  if (call.argument >= 0) result.argument = input.fields[static_cast<std::size_t>(call.argument)].type;
  WEIR_ASSIGN(result.type,
              resolve_aggregate(call.name, std::span(&result.argument, call.argument >= 0 ? 1 : 0), false));
  if (call.filter >= 0 && input.fields[static_cast<std::size_t>(call.filter)].type.id != TypeId::kBoolean)
    return Error(ErrorCode::kSqlType, "the FILTER of " + result.name + " is not BOOLEAN");
  result.skipped = add_skipped(input, call.argument, call.filter);
  if (result.function != FusedFunction::kCount) {
    Accumulator value;
    value.input = result.argument.physical();
    value.argument = call.argument;
    value.filter = call.filter;
    value.skipped = result.skipped;
    if (result.function == FusedFunction::kSum || result.function == FusedFunction::kAvg) {
      value.kind = sum_kind(value.input);
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
      const bool lanes = accumulator.kind == AccumulatorKind::kSumDouble && !keyed_;
      if (lanes) at = (at + 63) / 64 * 64;
      accumulator.offset = static_cast<std::uint32_t>(at);
      at += accumulator_bytes(accumulator, keyed_);
    }
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
  initial_is_zero_ = std::all_of(initial_.begin(), initial_.end(), [](std::byte b) { return b == std::byte{0}; });
}

Result<AggregateLayout> AggregateLayout::make(const Schema& input, std::span<const AggregateColumn> aggregates,
                                              bool keyed) {
  AggregateLayout layout;
  layout.keyed_ = keyed;
  layout.add(Accumulator{});
  for (const AggregateColumn& call : aggregates) WEIR_TRY(layout.add_call(input, call));
  layout.place();
  for (std::size_t i = 0; i < layout.accumulators_.size() && layout.fused_sum_ < 0; ++i)
    if (layout.accumulators_[i].kind == AccumulatorKind::kSumDouble) layout.fused_sum_ = static_cast<int>(i);
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
  return fields;
}

}  // namespace weir
