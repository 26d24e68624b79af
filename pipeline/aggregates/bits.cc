// BIT_AND, BIT_OR, BIT_XOR of integers. A bit that AND or OR has swallowed cannot be told again, so that only XOR has
// an inverse; where one is asked for, the others are kept as counts of values (counted_fold.cc).
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aggregates/catalogue.h"
#include "weir/core/batch.h"

namespace weir {
namespace {

enum class BitOperation : std::uint8_t { kAnd, kOr, kXor };

struct Bits {
  std::uint64_t count;
  std::int64_t bits;  ///< The neutral element is put in with the first value, so that an empty state is zeros.
};

class BitFunction final : public AggregateFunction {
 public:
  BitFunction(Physical physical, BitOperation operation) : physical_(physical), operation_(operation) {}

  std::size_t state_bytes() const noexcept override { return sizeof(Bits); }
  bool has_inverse() const noexcept override { return operation_ == BitOperation::kXor; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    pass(rows, to, 1);
    return {};
  }
  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    pass(rows, from, ~std::uint64_t{0});
    return {};
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap&) const override {
    const auto& other = *reinterpret_cast<const Bits*>(from);
    if (other.count != 0) put(*reinterpret_cast<Bits*>(to), other.bits, other.count);
    return {};
  }
  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap&) const override {
    const auto& other = *reinterpret_cast<const Bits*>(what);
    put(*reinterpret_cast<Bits*>(from), other.bits, 0 - other.count);
    return {};
  }
  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    const auto& bits = *reinterpret_cast<const Bits*>(state);
    to.set_valid(row, bits.count != 0);
    switch (physical_) {
      case Physical::kInt8:
        to.values<std::int8_t>()[row] = static_cast<std::int8_t>(bits.bits);
        break;
      case Physical::kInt16:
        to.values<std::int16_t>()[row] = static_cast<std::int16_t>(bits.bits);
        break;
      case Physical::kInt32:
        to.values<std::int32_t>()[row] = static_cast<std::int32_t>(bits.bits);
        break;
      default:
        to.values<std::int64_t>()[row] = bits.bits;
        break;
    }
    return {};
  }

 private:
  void put(Bits& state, std::int64_t bits, std::uint64_t count) const noexcept {
    if (operation_ == BitOperation::kXor)
      state.bits ^= bits;
    else if (state.count == 0)
      state.bits = bits;
    else
      state.bits = operation_ == BitOperation::kAnd ? state.bits & bits : state.bits | bits;
    state.count += count;
  }
  template <class T>
  void pass_of(const AggregateRows& rows, const AggregateStates& states, std::uint64_t count) const {
    const T* values = rows.arguments[0]->values<T>();
    rows.each([&](std::uint32_t row, std::size_t group) {
      put(*reinterpret_cast<Bits*>(states.state(group)), values[row], count);
    });
  }
  void pass(const AggregateRows& rows, const AggregateStates& states, std::uint64_t count) const {
    switch (physical_) {
      case Physical::kInt8:
        return pass_of<std::int8_t>(rows, states, count);
      case Physical::kInt16:
        return pass_of<std::int16_t>(rows, states, count);
      case Physical::kInt32:
        return pass_of<std::int32_t>(rows, states, count);
      default:
        return pass_of<std::int64_t>(rows, states, count);
    }
  }

  Physical physical_;
  BitOperation operation_;
};

AggregateDefinition definition(const char* name, BitOperation operation, const char* meaning) {
  AggregateDefinition made;
  made.name = name;
  made.signature = made.name + "(integer)";
  made.meaning = meaning;
  made.resolve = [name = made.name](std::span<const Type> types, std::span<const Value>) -> Result<Type> {
    if (!types[0].is_integer())
      return Error(ErrorCode::kSqlType, name + " takes an integer, not " + types[0].to_string());
    Type result = types[0];
    result.nullable = true;
    return result;
  };
  made.make = [operation](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    if (call.retracts && operation != BitOperation::kXor) return make_counted_fold(call);
    return AggregateFunctionPtr(std::make_shared<BitFunction>(call.arguments[0].physical(), operation));
  };
  return made;
}

}  // namespace

void add_bits(std::vector<AggregateDefinition>& to) {
  to.push_back(definition("BIT_AND", BitOperation::kAnd, "the bits that all values have"));
  to.push_back(definition("BIT_OR", BitOperation::kOr, "the bits that any value has"));
  to.push_back(definition("BIT_XOR", BitOperation::kXor, "the bits that an odd number of values have"));
}

}  // namespace weir
