// What the sliding aggregators of this folder ask of an operation: a monoid over values, and an inverse where there is
// one. Combine is associative; it need not be commutative: the older value stands on the left.
//
//   struct Sum {
//     using Value = double;
//     Value identity() const { return 0; }
//     Value combine(const Value& older, const Value& newer) const { return older + newer; }
//     Value take_front(const Value& whole, const Value& oldest) const { return whole - oldest; }   // inverse, if any
//   };
#pragma once

#include <algorithm>
#include <concepts>
#include <limits>

namespace weir::sliding {

template <class Op>
concept Operation = requires(const Op op, const typename Op::Value& a, const typename Op::Value& b) {
  { op.identity() } -> std::convertible_to<typename Op::Value>;
  { op.combine(a, b) } -> std::convertible_to<typename Op::Value>;
};

/// take_front(combine(a, b), a) == b.
template <class Op>
concept InvertibleOperation = Operation<Op> && requires(const Op op, const typename Op::Value& a) {
  { op.take_front(a, a) } -> std::convertible_to<typename Op::Value>;
};

template <class T>
struct Sum {
  using Value = T;
  T identity() const noexcept { return T{}; }
  static constexpr bool kIsCommutative = true;
  T combine(const T& older, const T& newer) const noexcept { return older + newer; }
  T take_front(const T& whole, const T& oldest) const noexcept { return whole - oldest; }
};

/// For integers, and for floating point without NaN.
template <class T>
struct Max {
  using Value = T;
  T identity() const noexcept {
    return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();
  }
  static constexpr bool kIsCommutative = true;
  T combine(const T& older, const T& newer) const noexcept { return older < newer ? newer : older; }
};

}  // namespace weir::sliding
