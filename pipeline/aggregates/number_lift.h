// Numbers of any SQL type as doubles, a block at a time, for aggregates that work on doubles.
#pragma once

#include <array>
#include <cstdint>

#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/io/text_decimal.h"
#include "weir/pipeline/aggregate_function.h"

namespace weir {

inline constexpr std::uint32_t kLiftRows = 256;

/// Calls body(row) → double through `each`, for the physical type of a number; DECIMAL values are divided by 10^scale.
template <class Each>
auto with_numbers(const Vector& vector, const Type& type, Each&& each) {
  const auto cast = [&vector]<class T>(T*) {
    return [values = vector.values<T>()](std::uint32_t row) { return static_cast<double>(values[row]); };
  };
  if (type.id == TypeId::kDecimal) {
    const double unit = static_cast<double>(power_of_ten(type.scale));
    if (vector.physical == Physical::kInt128)
      return each([values = vector.values<Int128>(), unit](std::uint32_t row) {
        return static_cast<double>(values[row]) / unit;
      });
    return each([values = vector.values<std::int64_t>(), unit](std::uint32_t row) {
      return static_cast<double>(values[row]) / unit;
    });
  }
  switch (vector.physical) {
    case Physical::kInt8:
      return each(cast(static_cast<std::int8_t*>(nullptr)));
    case Physical::kInt16:
      return each(cast(static_cast<std::int16_t*>(nullptr)));
    case Physical::kInt32:
      return each(cast(static_cast<std::int32_t*>(nullptr)));
    case Physical::kFloat:
      return each(cast(static_cast<float*>(nullptr)));
    case Physical::kDouble:
      return each(cast(static_cast<double*>(nullptr)));
    default:
      return each(cast(static_cast<std::int64_t*>(nullptr)));
  }
}

/// Calls body(values, count, state) → bool for runs of numbers of one state: blocks of them where all rows go to
/// group 0, else one at a time. Returns false as soon as body does.
template <class Body>
bool each_number_run(const AggregateRows& rows, const Type& type, const AggregateStates& to, Body&& body) {
  const Vector& vector = *rows.arguments[0];
  if (rows.groups == nullptr && rows.selection == nullptr && rows.validity == nullptr &&
      vector.physical == Physical::kDouble)
    return rows.count == 0 || body(vector.values<double>(), rows.count, to.state(0));
  return with_numbers(vector, type, [&](auto&& number) {
    if (rows.groups != nullptr) {
      for (std::uint32_t i = 0; i < rows.count; ++i) {
        const std::uint32_t row = rows.row(i);
        if (!rows.valid(row)) continue;
        const double value = number(row);
        if (!body(&value, 1u, to.state(rows.groups[row]))) return false;
      }
      return true;
    }
    std::array<double, kLiftRows> block;
    std::uint32_t filled = 0;
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows.row(i);
      if (!rows.valid(row)) continue;
      block[filled++] = number(row);
      if (filled < kLiftRows) continue;
      if (!body(block.data(), filled, to.state(0))) return false;
      filled = 0;
    }
    return filled == 0 || body(block.data(), filled, to.state(0));
  });
}

}  // namespace weir
