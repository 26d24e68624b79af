// ExactSumsFunction: what aggregates made of exact sums share. The state is a count and some sums; everything but
// what a row adds and what comes out is here.
//
//   state   | head: count | partial | sum 0 | sum 1 | …        16 + 40 bytes a sum, zeros when empty
//
// Exact sums make such a function independent of order, and give it an inverse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "expression/decimal.h"
#include "weir/pipeline/aggregate_function.h"
#include "window/exact_number.h"
#include "window/exact_sum.h"

namespace weir {

inline Error state_is_full() {
  return Error(ErrorCode::kLimitExceeded, "aggregate state has reached state_bytes_max");
}

/// Numbers of a column as exact terms: integers, FLOAT and DOUBLE as they are; DECIMAL as the double nearest to it.
class NumberColumn {
 public:
  NumberColumn(const Vector& vector, const Type& type)
      : vector_(vector), physical_(vector.physical), decimal_(type.id == TypeId::kDecimal), scale_(type.scale) {}

  ExactTerm operator[](std::uint32_t row) const noexcept {
    if (decimal_) return ExactTerm::of(number(row));
    switch (physical_) {
      case Physical::kInt8:
        return ExactTerm::of(std::int64_t{vector_.values<std::int8_t>()[row]});
      case Physical::kInt16:
        return ExactTerm::of(std::int64_t{vector_.values<std::int16_t>()[row]});
      case Physical::kInt32:
        return ExactTerm::of(std::int64_t{vector_.values<std::int32_t>()[row]});
      case Physical::kInt64:
        return ExactTerm::of(vector_.values<std::int64_t>()[row]);
      default:
        return ExactTerm::of(number(row));
    }
  }
  /// As the nearest double.
  double number(std::uint32_t row) const noexcept {
    switch (physical_) {
      case Physical::kFloat:
        return static_cast<double>(vector_.values<float>()[row]);
      case Physical::kDouble:
        return vector_.values<double>()[row];
      case Physical::kInt128:
        return decimal::to_double(vector_.values<Int128>()[row], scale_);
      case Physical::kInt64:
        return decimal_ ? decimal::to_double(vector_.values<std::int64_t>()[row], scale_)
                        : static_cast<double>(vector_.values<std::int64_t>()[row]);
      default:
        return (*this)[row].value;
    }
  }

 private:
  const Vector& vector_;
  Physical physical_;
  bool decimal_;
  int scale_;
};

struct CountHead {
  std::uint64_t count;
};

template <std::size_t kSums, class Head = CountHead>
struct ExactState : Head {
  std::byte* partial;  ///< A piece of the heap for the last partial, where a sum has a wide part.
  ExactSum sums[kSums];
};

/// Derived classes say what a row adds, in pass(), and lower(). With another head than the count of rows, zeros of
/// which are to mean that nothing was added, they say how states are combined, too, and there is no inverse.
/// Thread: any; see AggregateFunction.
template <std::size_t kSums, class Head = CountHead>
class ExactSumsFunction : public AggregateFunction {
 public:
  using State = ExactState<kSums, Head>;
  static constexpr bool kCounts = std::is_same_v<Head, CountHead>;

  std::size_t state_bytes() const noexcept override { return sizeof(State); }
  std::size_t heap_bytes_max() const noexcept override { return kSums * ExactSum::kPartialBytesMax + kPartialMax; }
  bool owns_memory() const noexcept override { return true; }
  bool has_inverse() const noexcept override { return kCounts; }

  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    return pass(rows, to, false) ? Result<void>() : state_is_full();
  }
  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    return pass(rows, from, true) ? Result<void>() : state_is_full();
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap& heap) const override {
    State& state = state_of(to);
    if constexpr (kCounts) state.count += state_of(from).count;
    for (std::size_t i = 0; i < kSums; ++i)
      if (!state.sums[i].combine(state_of(from).sums[i], heap)) return state_is_full();
    return {};
  }
  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap& heap) const override {
    State& state = state_of(from);
    if constexpr (kCounts) state.count -= state_of(what).count;
    for (std::size_t i = 0; i < kSums; ++i)
      if (!state.sums[i].remove(state_of(what).sums[i], heap)) return state_is_full();
    return {};
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    for (ExactSum& sum : state_of(state).sums) sum.release(heap);
    heap.give_back(state_of(state).partial, kPartialMax);
    state_of(state).partial = nullptr;
  }

  /// The state as it is; where a sum has a wide part, the head and whole sums, each behind its length. The two never
  /// have the same size: head + 8 + 40 bytes a sum, and head + 40 a sum + 568 for each wide part.
  Result<std::string_view> partial(const std::byte* bytes, StateHeap& heap) const override {
    auto& state = const_cast<State&>(state_of(bytes));  // keeps the piece, not the value
    bool plain = true;
    for (const ExactSum& sum : state.sums) plain = plain && sum.wide == nullptr;
    if (plain) return std::string_view(reinterpret_cast<const char*>(bytes), sizeof(State));
    if (state.partial == nullptr) state.partial = static_cast<std::byte*>(heap.take(kPartialMax));
    if (state.partial == nullptr) return state_is_full();
    std::byte* to = state.partial;
    const auto put = [&](const void* from, std::size_t size) {
      std::memcpy(to, from, size);
      to += size;
    };
    put(bytes, sizeof(Head));
    for (const ExactSum& sum : state.sums) {
      const std::uint64_t size = sum.partial_bytes();
      put(&size, sizeof size);
      sum.write_partial(to);
      to += size;
    }
    return std::string_view(reinterpret_cast<const char*>(state.partial), static_cast<std::size_t>(to - state.partial));
  }
  Result<void> add_partial(std::byte* to, std::string_view partial, StateHeap& heap) const override {
    State other{};
    auto* bytes = reinterpret_cast<std::byte*>(&other);
    if (partial.size() == sizeof(State)) {
      std::memcpy(bytes, partial.data(), sizeof(State));
      return combine(to, bytes, heap);
    }
    const auto get = [&](void* value, std::size_t size) {
      std::memcpy(value, partial.data(), size);
      partial.remove_prefix(size);
    };
    get(bytes, sizeof(Head));
    bool done = true;
    for (ExactSum& sum : other.sums) {
      std::uint64_t size = 0;
      get(&size, sizeof size);
      done = done && sum.add_partial(partial.substr(0, size), heap);
      partial.remove_prefix(size);
    }
    Result<void> combined = done ? this->combine(to, bytes, heap) : Result<void>(state_is_full());
    release(bytes, heap);
    return combined;
  }

 protected:
  static State& state_of(std::byte* state) noexcept { return *reinterpret_cast<State*>(state); }
  static const State& state_of(const std::byte* state) noexcept { return *reinterpret_cast<const State*>(state); }

  /// Adds each row, or takes it out where `negated`. False: the heap is at its maximum.
  virtual bool pass(const AggregateRows& rows, const AggregateStates& states, bool negated) const = 0;

  static ExactNumber number(const ExactSum& sum) noexcept {
    ExactNumber result;
    sum.get(result);
    return result;
  }

  static constexpr std::size_t kPartialMax = sizeof(Head) + kSums * (8 + ExactSum::kPartialBytesMax);
};

/// Writes a DOUBLE, or NULL where there is none.
inline void write_double(Vector& to, std::uint32_t row, bool valid, double value) noexcept {
  to.set_valid(row, valid);
  to.values<double>()[row] = valid ? value : 0;
}

/// Type check of calls whose arguments are numbers. Errors: kSqlType.
inline Result<void> check_numbers(const std::string& name, std::span<const Type> arguments) {
  for (const Type& type : arguments)
    if (!type.is_numeric()) return Error(ErrorCode::kSqlType, name + " takes numbers, not " + type.to_string());
  return {};
}

}  // namespace weir
