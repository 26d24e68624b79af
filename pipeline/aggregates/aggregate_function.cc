// What an AggregateFunction need not say itself. See weir/pipeline/aggregate_function.h.
#include "weir/pipeline/aggregate_function.h"

#include <cstring>

#include "weir/core/check.h"

namespace weir {

void AggregateFunction::initialize(std::byte* state) const noexcept {
  std::memset(state, 0, state_bytes());
}

Result<void> AggregateFunction::retract(const AggregateRows&, const AggregateStates&) const {
  WEIR_CHECK(has_inverse());
  return Error(ErrorCode::kUnsupported, "an aggregate function says that it has an inverse and has no retract");
}

Result<void> AggregateFunction::subtract(std::byte*, const std::byte*, StateHeap&) const {
  WEIR_CHECK(has_inverse());
  return Error(ErrorCode::kUnsupported, "an aggregate function says that it has an inverse and has no subtract");
}

void AggregateFunction::release(std::byte*, StateHeap&) const noexcept {}

Result<std::string_view> AggregateFunction::partial(const std::byte* state, StateHeap&) const {
  WEIR_CHECK(!owns_memory());
  return std::string_view(reinterpret_cast<const char*>(state), state_bytes());
}

Result<void> AggregateFunction::add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const {
  WEIR_CHECK(!owns_memory());
  if (partial.size() != state_bytes())
    return Error(ErrorCode::kInvalidArgument, "a partial of an aggregate has " + std::to_string(partial.size()) +
                                                  " bytes, and its states have " + std::to_string(state_bytes()));
  constexpr std::size_t kSmall = 512;
  alignas(16) std::byte small[kSmall];
  const bool fits = partial.size() <= kSmall;
  void* copy = fits ? small : heap.take(partial.size());
  if (copy == nullptr) return Error(ErrorCode::kLimitExceeded, "aggregate state has reached state_bytes_max");
  std::memcpy(copy, partial.data(), partial.size());
  Result<void> combined = combine(state, static_cast<const std::byte*>(copy), heap);
  if (!fits) heap.give_back(copy, partial.size());
  return combined;
}

}  // namespace weir
