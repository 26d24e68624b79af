// BOOL_AND, BOOL_OR and EVERY (the standard's name of BOOL_AND): whether all values, or any, are TRUE. The state counts
// both values, so that rows can be taken out again.
#include <cstring>
#include <memory>

#include "aggregates/catalogue.h"

namespace weir {
namespace {

struct Counts {
  std::uint64_t of[2];  // FALSE, TRUE
};

class BoolAggregate : public AggregateFunction {
 public:
  explicit BoolAggregate(bool all) : all_(all) {}

  std::size_t state_bytes() const noexcept override { return sizeof(Counts); }
  bool has_inverse() const noexcept override { return true; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    const auto* values = rows.arguments[0]->values<std::uint8_t>();
    rows.each([&](std::uint32_t row, std::size_t group) { ++counts(to.state(group)).of[values[row] != 0]; });
    return {};
  }
  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    const auto* values = rows.arguments[0]->values<std::uint8_t>();
    rows.each([&](std::uint32_t row, std::size_t group) { --counts(from.state(group)).of[values[row] != 0]; });
    return {};
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap&) const override {
    for (int value = 0; value < 2; ++value) counts(to).of[value] += counts(from).of[value];
    return {};
  }
  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap&) const override {
    for (int value = 0; value < 2; ++value) counts(from).of[value] -= counts(what).of[value];
    return {};
  }
  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    const Counts& seen = counts(state);
    to.set_valid(row, seen.of[0] + seen.of[1] != 0);
    to.values<std::uint8_t>()[row] = (all_ ? seen.of[0] == 0 : seen.of[1] != 0) ? 1 : 0;
    return {};
  }

 private:
  static Counts& counts(std::byte* state) noexcept { return *reinterpret_cast<Counts*>(state); }
  static const Counts& counts(const std::byte* state) noexcept { return *reinterpret_cast<const Counts*>(state); }

  bool all_;
};

AggregateDefinition definition(const char* name, const char* meaning, bool all) {
  AggregateDefinition made;
  made.name = name;
  made.signature = made.name + "(condition)";
  made.meaning = meaning;
  made.resolve = [made](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
    if (arguments[0].id != TypeId::kBoolean)
      return Error(ErrorCode::kSqlType, made.name + " takes a BOOLEAN, not " + arguments[0].to_string());
    return Type::boolean();
  };
  made.make = [all](const AggregateCallInfo&) -> Result<AggregateFunctionPtr> {
    return AggregateFunctionPtr(std::make_shared<BoolAggregate>(all));
  };
  return made;
}

}  // namespace

void add_bool_and_or(std::vector<AggregateDefinition>& to) {
  to.push_back(definition("BOOL_AND", "whether every value that is not NULL is TRUE", true));
  to.push_back(definition("EVERY", "BOOL_AND by the standard's name", true));
  to.push_back(definition("BOOL_OR", "whether a value is TRUE", false));
}

}  // namespace weir
