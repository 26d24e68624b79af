// Calls with DISTINCT. See distinct.h.
#include "aggregates/distinct.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "aggregates/by_input.h"
#include "weir/core/check.h"
#include "window/exact_sum.h"
#include "window/number_result.h"
#include "window/state_arena.h"

namespace weir {
namespace {

class CountDistinct final : public DistinctAggregate {
 public:
  using DistinctAggregate::DistinctAggregate;
  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    if (to.validity != nullptr) to.set_valid(row, true);
    to.values<std::int64_t>()[row] = static_cast<std::int64_t>(DistinctSet::size(state));
    return {};
  }
};

/// SUM and AVG: integers and decimals exactly, doubles through ExactSum, so that the order of the set does not show.
class SumDistinct final : public DistinctAggregate {
 public:
  SumDistinct(std::unique_ptr<DistinctSet> set, DistinctForm form, const AggregateCallInfo& call)
      : DistinctAggregate(std::move(set), form),
        argument_(call.arguments[0]),
        result_(call.result),
        average_(call.name == "AVG") {}

  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    const std::uint64_t count = DistinctSet::size(state);
    to.set_valid(row, count != 0);
    if (count == 0) return {};
    return argument_.is_float() ? lower_float(state, heap, to, row) : lower_exact(state, heap, to, row);
  }

 private:
  Result<void> lower_float(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const {
    ExactSum sum{};
    bool fits = true;
    Result<void> read = set().each(state, heap, [&](const AggregateRows& rows, const std::uint64_t*) -> Result<void> {
      const Vector& values = *rows.arguments[0];
      for (std::uint32_t i = 0; i < rows.count; ++i) {
        const bool narrow = values.physical == Physical::kFloat;
        const double value = narrow ? static_cast<double>(values.values<float>()[i]) : values.values<double>()[i];
        fits = fits && sum.add(value, heap);
      }
      return {};
    });
    double value = sum.value();
    sum.release(heap);
    WEIR_TRY(std::move(read));
    if (!fits) return Error(ErrorCode::kLimitExceeded, "a sum of DISTINCT values takes more than state_bytes_max");
    if (average_) value /= static_cast<double>(DistinctSet::size(state));
    if (to.physical == Physical::kFloat)
      to.values<float>()[row] = static_cast<float>(value);
    else
      to.values<double>()[row] = value;
    return {};
  }

  Result<void> lower_exact(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const {
    Int128 sum = 0;
    std::int64_t wraps = 0;
    WEIR_TRY(set().each(state, heap, [&](const AggregateRows& rows, const std::uint64_t*) -> Result<void> {
      for (std::uint32_t i = 0; i < rows.count; ++i) {
        const Int128 value = integer_at(*rows.arguments[0], i);
        if (__builtin_add_overflow(sum, value, &sum)) wraps += value < 0 ? -1 : 1;
      }
      return {};
    }));
    const std::uint64_t count = DistinctSet::size(state);
    bool fits = wraps == 0;
    if (fits && average_ && result_.id == TypeId::kDecimal)
      fits = divide_decimal(sum, count, static_cast<unsigned>(result_.scale - argument_.scale), sum);
    else if (average_)
      sum /= static_cast<Int128>(count);
    if (fits && write_integer(sum, result_, to, row)) return {};
    return Error(ErrorCode::kOverflow,
                 std::string(average_ ? "AVG" : "SUM") + "(DISTINCT …) does not fit " + result_.to_string())
        .with_hint("CAST the argument to a wider type");
  }

  static Int128 integer_at(const Vector& values, std::uint32_t row) noexcept {
    switch (values.physical) {
      case Physical::kInt8:
        return values.values<std::int8_t>()[row];
      case Physical::kInt16:
        return values.values<std::int16_t>()[row];
      case Physical::kInt32:
        return values.values<std::int32_t>()[row];
      case Physical::kInt128:
        return values.values<Int128>()[row];
      default:
        return values.values<std::int64_t>()[row];
    }
  }

  Type argument_, result_;
  bool average_;
};

/// Feeds another function from the set. Its state is made at lower and kept, since strings of the result stand in it.
///
///   | the set, 24 bytes | address of the inner state, or 0 |
class FedDistinct final : public DistinctAggregate {
 public:
  FedDistinct(std::unique_ptr<DistinctSet> set, DistinctForm form, AggregateFunctionPtr inner)
      : DistinctAggregate(std::move(set), form), inner_(std::move(inner)) {}

  std::size_t state_bytes() const noexcept override { return DistinctSet::kStateBytes + 8; }

  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    drop_inner(state, heap);
    auto* made = static_cast<std::byte*>(heap.take(inner_->state_bytes()));
    if (made == nullptr)
      return Error(ErrorCode::kLimitExceeded, "a result over DISTINCT values takes more than state_bytes_max");
    inner_->initialize(made);
    set_inner(state, made);
    const AggregateStates into{made, inner_->state_bytes(), &heap};
    WEIR_TRY(set().each(state, heap,
                        [&](const AggregateRows& rows, const std::uint64_t*) { return inner_->add(rows, into); }));
    return inner_->lower(made, heap, to, row);
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    drop_inner(state, heap);
    DistinctAggregate::release(state, heap);
  }

 private:
  static void set_inner(std::byte* state, std::byte* inner) noexcept {
    std::memcpy(state + DistinctSet::kStateBytes, &inner, sizeof inner);
  }
  void drop_inner(std::byte* state, StateHeap& heap) const noexcept {
    std::byte* made;
    std::memcpy(&made, state + DistinctSet::kStateBytes, sizeof made);
    if (made == nullptr) return;
    inner_->release(made, heap);
    heap.give_back(made, inner_->state_bytes());
    set_inner(state, nullptr);
  }

  AggregateFunctionPtr inner_;
};

/// A value that was added twice changes nothing here.
bool ignores_repeats(const std::string& name) {
  constexpr std::array<std::string_view, 12> kNames = {"MIN",       "MAX",    "FIRST_VALUE", "LAST_VALUE",
                                                       "ANY_VALUE", "EVERY",  "BOOL_AND",    "BOOL_OR",
                                                       "BIT_AND",   "BIT_OR", "ARG_MIN",     "ARG_MAX"};
  return name == "APPROX_COUNT_DISTINCT" || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

Result<AggregateFunctionPtr> make_distinct(const AggregateCallInfo& call, AggregateFunctionPtr inner,
                                           DistinctForm form) {
  if (inner != nullptr && ignores_repeats(call.name)) return inner;
  inner = without_inputs(std::move(inner));  // values of a set have no inputs
  if (inner != nullptr && (inner->order_sensitive() || !inner->ignores_nulls() || !call.order.empty()))
    return Error(ErrorCode::kSqlUnsupported, call.name + "(DISTINCT …) is not supported: its result depends on which " +
                                                 "rows the values stand in");
  WEIR_ASSIGN(std::unique_ptr<DistinctSet> set, DistinctSet::make(call.arguments, form));
  if (inner != nullptr)
    return AggregateFunctionPtr(std::make_shared<FedDistinct>(std::move(set), form, std::move(inner)));
  if (call.name == "COUNT") return AggregateFunctionPtr(std::make_shared<CountDistinct>(std::move(set), form));
  WEIR_CHECK(call.name == "SUM" || call.name == "AVG");
  return AggregateFunctionPtr(std::make_shared<SumDistinct>(std::move(set), form, call));
}

}  // namespace weir
