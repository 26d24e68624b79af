// MIN, MAX, ANY_VALUE, BIT_AND and BIT_OR where rows are taken out again: what they keep otherwise (one value) has
// forgotten what would come instead, so here they keep how often each value was there. A result is a pass over the
// different values.
#include <algorithm>
#include <memory>
#include <string_view>

#include "aggregates/catalogue.h"
#include "aggregates/counted_function.h"

namespace weir {
namespace {

enum class Fold : std::uint8_t { kLeast, kGreatest, kAnd, kOr };

template <class K>
class CountedFold final : public CountedFunction<K> {
 public:
  explicit CountedFold(Fold fold) : fold_(fold) {}

  Result<void> lower(std::byte* state, StateHeap&, Vector& to, std::uint32_t row) const override {
    bool any = false;
    K result{};
    this->of(state).counts.each([&](const K& key, std::int64_t count) {
      if (count <= 0) return;
      result = any ? folded(result, key) : key;
      any = true;
    });
    to.set_valid(row, any);
    if (any) put_key(result, to, row);
    return {};
  }

 private:
  K folded(const K& left, const K& right) const noexcept {
    if (fold_ == Fold::kLeast) return right < left ? right : left;
    if (fold_ == Fold::kGreatest) return left < right ? right : left;
    if constexpr (std::is_same_v<K, std::int64_t>) {  // the argument is an integer
      return fold_ == Fold::kAnd ? left & right : left | right;
    } else {
      return left;
    }
  }

  Fold fold_;
};

Fold fold_of(std::string_view name) noexcept {
  if (name == "MAX") return Fold::kGreatest;
  if (name == "BIT_AND") return Fold::kAnd;
  return name == "BIT_OR" ? Fold::kOr : Fold::kLeast;
}

}  // namespace

AggregateFunctionPtr make_counted_fold(const AggregateCallInfo& call) {
  return make_for_keys<CountedFold>(call.arguments[0], fold_of(call.name));
}

}  // namespace weir
