// Rows on their way to and from a function of the caller's that takes many at once (weir/c.h): values that stand beside
// one another, gathered from columns of any form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "weir/c.h"
#include "weir/core/batch.h"
#include "weir/core/string_ref.h"

namespace weir::c {

inline constexpr std::size_t kParametersMax = 16;
inline constexpr std::uint32_t kRowsMax = WEIR_ROWS_MAX;

/// Bytes of a value of a letter in a column of the caller's.
constexpr std::size_t value_bytes(char letter) noexcept {
  switch (letter) {
    case 'b':
      return sizeof(std::uint8_t);
    case 'i':
      return sizeof(std::int32_t);
    case 's':
      return sizeof(weir_text);
    default:
      return sizeof(std::int64_t);
  }
}

/// One value out of a column of the caller's.
weir_value value_at(char letter, const void* values, std::uint32_t at) noexcept;
/// And into one.
void put_value(char letter, const weir_value& value, void* values, std::uint32_t at) noexcept;

/// Room for the rows of a call. Stands on the stack, so that the data path takes no memory; nothing is cleared.
struct RowBlock {
  RowBlock() noexcept {}  // NOLINT(modernize-use-equals-default): would clear it

  /// The values that stand in these rows of a column whose values are as the letter says them; row & mask.
  void gather(std::size_t argument, char letter, const void* data, std::uint32_t mask) noexcept;
  /// Zeros, none of them NULL.
  weir_results results(char letter) noexcept;

  std::uint32_t count;
  std::uint32_t rows[kRowsMax];
  weir_column columns[kParametersMax];
  alignas(16) unsigned char values[kParametersMax][kRowsMax * sizeof(weir_text)];
  std::uint8_t nulls[kParametersMax][kRowsMax];
  std::uint32_t groups[kRowsMax];
  alignas(16) unsigned char result_values[kRowsMax * sizeof(weir_text)];
  std::uint8_t result_nulls[kRowsMax];
};

}  // namespace weir::c
