// Values that stand in a state as keys (value_counts.h): from rows, back into rows, and as JSON.
#pragma once

#include <cstdint>

#include "aggregates/order_key.h"
#include "aggregates/state_piece.h"
#include "weir/core/string_ref.h"
#include "weir/core/type.h"
#include "weir/pipeline/aggregate_function.h"

namespace weir {

/// Calls each(key_of), key_of(row) → K, for the physical type of the vector.
template <class K, class Each>
auto with_keys(const Vector& vector, Each&& each) {
  if constexpr (sizeof(K) == 16) {
    return each([values = vector.values<K>()](std::uint32_t row) -> K { return values[row]; });
  } else {
    const auto whole = [&]<class T>(T*) {
      return each([values = vector.values<T>()](std::uint32_t row) -> std::int64_t { return values[row]; });
    };
    const auto real = [&]<class T>(T*) {
      return each([values = vector.values<T>()](std::uint32_t row) -> std::int64_t { return order_key(values[row]); });
    };
    switch (vector.physical) {
      case Physical::kInt8:
        return whole(static_cast<std::int8_t*>(nullptr));
      case Physical::kInt16:
        return whole(static_cast<std::int16_t*>(nullptr));
      case Physical::kInt32:
        return whole(static_cast<std::int32_t*>(nullptr));
      case Physical::kFloat:
        return real(static_cast<float*>(nullptr));
      case Physical::kDouble:
        return real(static_cast<double*>(nullptr));
      default:
        return whole(static_cast<std::int64_t*>(nullptr));
    }
  }
}

/// Writes the value of a key to a row. The bytes of a long string stay where they are.
void put_key(std::int64_t key, Vector& to, std::uint32_t row) noexcept;
void put_key(const Int128& key, Vector& to, std::uint32_t row) noexcept;
void put_key(const StringRef& key, Vector& to, std::uint32_t row) noexcept;

/// Appends the value of a key as JSON: numbers and booleans as such (NaN and infinities as strings), texts and times as
/// strings (instants in UTC). Returns false where the heap is at its maximum.
bool append_json(std::int64_t key, const Type& type, PieceWriter& to) noexcept;
bool append_json(const Int128& key, const Type& type, PieceWriter& to) noexcept;
bool append_json(const StringRef& key, const Type& type, PieceWriter& to) noexcept;
bool append_json(std::string_view text, PieceWriter& to) noexcept;
/// An integer as such.
bool append_number(std::int64_t number, PieceWriter& to) noexcept;

/// A number as a double, DECIMAL by its scale.
double number_of_key(std::int64_t key, const Type& type) noexcept;
double number_of_key(const Int128& key, const Type& type) noexcept;

/// Gives the text that stands in the piece as the result of a row.
inline void put_text(std::string_view text, Vector& to, std::uint32_t row) noexcept {
  to.set_valid(row, true);
  to.values<StringRef>()[row] = StringRef(text);
}

}  // namespace weir
