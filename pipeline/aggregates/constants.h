// Constant arguments of aggregates: numbers and names out of the Values of a call, with errors that say what is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/pipeline/expression.h"

namespace weir {

/// A constant as a double; none where it is no number.
std::optional<double> constant_number(const Value& value) noexcept;
/// A fraction of [0, 1]. Errors: kInvalidArgument, which names the aggregate.
Result<double> constant_fraction(std::string_view aggregate, const Value& value);
/// A whole number of [min, max]. `what` names it in the error (kInvalidArgument).
Result<std::uint32_t> constant_whole(std::string_view aggregate, std::string_view what, const Value& value,
                                     std::uint32_t min, std::uint32_t max);
/// A number of [min, max].
Result<double> constant_between(std::string_view aggregate, std::string_view what, const Value& value, double min,
                                double max);
/// Errors: kSqlType unless the type is a number.
Result<void> require_number(std::string_view aggregate, const Type& type);

/// A fraction in whole numbers: 0.95 is 95 / 100, though the double nearest to it is not.
struct ExactFraction {
  std::uint64_t numerator, denominator;
  /// Of the shortest decimal number that the double stands for. Requires: 0 <= fraction <= 1.
  static ExactFraction of(double fraction) noexcept;
};

}  // namespace weir
