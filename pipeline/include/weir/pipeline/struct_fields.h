// Struct fields by member pointers: what a host's struct looks like, in one list, checked by the compiler.
//
//   struct Tick { std::int64_t us; std::int32_t symbol; float price; };
//   const StructLayout layout = struct_layout<Tick>({struct_field("ts", &Tick::us, 1'000),
//                                                    struct_field("symbol", &Tick::symbol),
//                                                    struct_field("price", &Tick::price)});
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/core/type.h"
#include "weir/io/row_structs.h"

namespace weir {

/// The form of a field of type T.
template <typename T>
constexpr FieldForm field_form() noexcept {
  if constexpr (std::is_same_v<T, bool>) {
    return FieldForm::kBool;
  } else if constexpr (std::is_same_v<T, float>) {
    return FieldForm::kFloat;
  } else if constexpr (std::is_same_v<T, double>) {
    return FieldForm::kDouble;
  } else if constexpr (std::is_same_v<T, Int128>) {
    return FieldForm::kInt128;
  } else {
    static_assert(std::is_integral_v<T>, "a field is an integer, a bool, a float or a double");
    constexpr FieldForm kSigned[] = {FieldForm::kInt8, FieldForm::kInt16, FieldForm::kInt32, FieldForm::kInt64};
    constexpr FieldForm kUnsigned[] = {FieldForm::kUInt8, FieldForm::kUInt16, FieldForm::kUInt32, FieldForm::kUInt64};
    constexpr std::size_t kAt = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return std::is_signed_v<T> ? kSigned[kAt] : kUnsigned[kAt];
  }
}

/// A column's field. `unit_ns`: nanoseconds of one unit where the column is a time, 0 elsewhere.
template <typename Row, typename T>
StructField struct_field(std::string column, T Row::*member, std::int64_t unit_ns = 0) {
  static_assert(std::is_standard_layout_v<Row> && std::is_trivially_copyable_v<Row>, "rows are read as plain memory");
  const Row row{};
  const auto* first = reinterpret_cast<const std::byte*>(&row);
  const auto* field = reinterpret_cast<const std::byte*>(&(row.*member));
  return {std::move(column), static_cast<std::uint32_t>(field - first), field_form<T>(), unit_ns};
}

template <typename Row>
StructLayout struct_layout(std::initializer_list<StructField> fields) {
  return {sizeof(Row), fields};
}

}  // namespace weir
