// Calls with DISTINCT: a set of values stands in the state, and the function itself sees each value once, when the
// result is made.
#pragma once

#include <memory>
#include <utility>

#include "aggregates/distinct_set.h"
#include "weir/pipeline/aggregate_function.h"

namespace weir {

/// The set in the state; what is made of it is the subclass's.
class DistinctAggregate : public AggregateFunction {
 public:
  DistinctAggregate(std::unique_ptr<DistinctSet> set, DistinctForm form)
      : set_(std::move(set)), counted_(form == DistinctForm::kCounted) {}

  std::size_t state_bytes() const noexcept override { return DistinctSet::kStateBytes; }
  bool owns_memory() const noexcept override { return true; }
  bool has_inverse() const noexcept override { return counted_; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override { return set_->add(rows, to); }
  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    return set_->retract(rows, from);
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    return set_->combine(to, from, heap);
  }
  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap& heap) const override {
    return set_->subtract(from, what, heap);
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override { set_->release(state, heap); }
  Result<std::string_view> partial(const std::byte* state, StateHeap& heap) const override {
    return set_->partial(const_cast<std::byte*>(state), heap);  // changes the set's form, not its value
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    return set_->add_partial(state, partial, heap);
  }

 protected:
  const DistinctSet& set() const noexcept { return *set_; }

 private:
  std::unique_ptr<DistinctSet> set_;
  bool counted_;
};

/// The function of a call with DISTINCT. COUNT, SUM and AVG are known by name and need no `inner` (null); for all
/// others it is the function of the same call without DISTINCT. Where DISTINCT changes nothing (MIN, MAX, FIRST_VALUE,
/// …) `inner` itself comes back. COUNT(DISTINCT a, b) counts rows (a, b) without a NULL. Errors: kSqlType (a type
/// without equality), kSqlUnsupported (a function whose result depends on the order of rows).
Result<AggregateFunctionPtr> make_distinct(const AggregateCallInfo& call, AggregateFunctionPtr inner,
                                           DistinctForm form = DistinctForm::kPlain);

}  // namespace weir
