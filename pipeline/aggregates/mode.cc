// MODE(x): the value that is there most often, the least of them where several are. MODE() WITHIN GROUP (ORDER BY x)
// is the same.
#include <memory>

#include "aggregates/catalogue.h"
#include "aggregates/counted_function.h"

namespace weir {
namespace {

template <class K>
class Mode : public CountedFunction<K> {
 public:
  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    const K* best = nullptr;
    std::int64_t most = 0;
    this->of(state).counts.each([&](const K& key, std::int64_t count) {
      if (count < most || count <= 0 || (count == most && best != nullptr && !(key < *best))) return;
      best = &key;
      most = count;
    });
    to.set_valid(row, false);
    if (best != nullptr) put_key(*best, to, row);
    return {};
  }
};

}  // namespace

void add_mode(std::vector<AggregateDefinition>& to) {
  AggregateDefinition made;
  made.name = "MODE";
  made.signature = "MODE(value)";
  made.meaning = "the value that is there most often, the least of them where several are";
  made.ordered_set = true;
  made.resolve = [](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
    if (!has_order(arguments[0]))
      return Error(ErrorCode::kSqlType, "MODE takes values in an order, not " + arguments[0].to_string());
    Type result = arguments[0];
    result.nullable = true;
    return result;
  };
  made.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    return make_for_keys<Mode>(call.arguments[0]);
  };
  to.push_back(std::move(made));
}

}  // namespace weir
