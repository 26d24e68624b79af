// One field of a record into one column of a batch: what csv and json share once they have a field's text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/io/format.h"
#include "weir/io/text_number.h"

namespace weir::detail {

/// What became of a field.
enum class FieldStatus : std::uint8_t {
  kOk,
  kMalformed,
  kOutOfRange,
  kInvalidUtf8,
  kWrongType,
  kNull,     // NULL in a column that is NOT NULL
  kMissing,  // not there, and it must be
  kNoZone,   // a time without a zone while the session's zone is none with a fixed offset
  kNoRoom,   // the batch's heap is full: nothing is wrong with the record
};

constexpr FieldStatus field_status(TextStatus status) noexcept {
  return status == TextStatus::kOk          ? FieldStatus::kOk
         : status == TextStatus::kMalformed ? FieldStatus::kMalformed
                                            : FieldStatus::kOutOfRange;
}
ErrorCode error_code_of(FieldStatus status) noexcept;

/// A column that a decoder fills.
struct FieldTarget {
  TypeId id = TypeId::kNull;
  std::uint8_t precision = 0;
  std::uint8_t scale = 0;
  bool nullable = true;
  std::uint32_t source_index = 0;
  std::uint32_t batch_column = 0;
  std::optional<std::int64_t> zone_offset;  // seconds east of UTC, of TIMESTAMP_LTZ without a zone of its own
  std::string name;
  std::string type_name;
};

/// The columns of a decoder's context. Errors: kUnsupported where a type has no form in text, kInvalidArgument.
Result<std::vector<FieldTarget>> field_targets(const FormatContext& context);
/// Errors: kUnsupported for types that `format` does not carry (nested ones, intervals).
Result<void> check_text_type(const FormatContext& context, const Field& field);

inline void set_valid(Vector& column, std::uint32_t row, bool valid) noexcept {
  if (column.validity != nullptr) column.set_valid(row, valid);
}

/// NULL into the column, or kNull where it is NOT NULL.
inline FieldStatus store_null(const FieldTarget& target, Vector& column, std::uint32_t row) noexcept {
  if (!target.nullable || column.validity == nullptr) return FieldStatus::kNull;
  column.set_valid(row, false);
  if (column.physical == Physical::kString) column.values<StringRef>()[row] = StringRef();
  return FieldStatus::kOk;
}

/// Reads the text as the target's type, blanks around numbers and times allowed, and marks the row valid.
/// `checked`: the text is known to be UTF-8.
FieldStatus store_text(const FieldTarget& target, std::string_view text, bool checked, Vector& column,
                       std::uint32_t row, StringHeap& heap) noexcept;
/// Every target column of the row valid again, after a record that was not taken.
void restore_row(const std::vector<FieldTarget>& targets, Batch& out, std::uint32_t row) noexcept;
/// One sentence: "'12x' is no INT", at most `room` bytes into `out`. Returns its size.
std::size_t describe(FieldStatus status, const FieldTarget& target, std::string_view text, char* out,
                     std::size_t room) noexcept;

}  // namespace weir::detail
