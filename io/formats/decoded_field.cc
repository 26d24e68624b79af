// One field of a record into one column of a batch.
#include "formats/decoded_field.h"

#include <fmt/format.h>

#include "weir/io/text_bytes.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_time.h"

namespace weir::detail {
namespace {

FieldStatus store_string(std::string_view text, bool checked, StringRef& out, StringHeap& heap) noexcept {
  if (!checked && !is_valid_utf8(text)) return FieldStatus::kInvalidUtf8;
  return heap.store(text, out) ? FieldStatus::kOk : FieldStatus::kNoRoom;
}

FieldStatus store_base64(std::string_view text, StringRef& out, StringHeap& heap) noexcept {
  std::size_t size = 0;
  char inline_bytes[32];
  if (base64_decoded_max(text.size()) <= sizeof inline_bytes) {
    if (base64_decode(text, inline_bytes, size) != TextStatus::kOk) return FieldStatus::kMalformed;
    return heap.store({inline_bytes, size}, out) ? FieldStatus::kOk : FieldStatus::kNoRoom;
  }
  const std::size_t before = heap.used();
  char* const at = heap.take(base64_decoded_max(text.size()));
  if (at == nullptr) return FieldStatus::kNoRoom;
  const TextStatus status = base64_decode(text, at, size);
  heap.rewind(before + (status == TextStatus::kOk ? size : 0));
  out = StringRef(std::string_view(at, status == TextStatus::kOk ? size : 0));
  return field_status(status);
}

template <typename T>
FieldStatus store_integer(std::string_view text, Vector& column, std::uint32_t row) noexcept {
  return field_status(parse_integer(text, column.values<T>()[row]));
}

FieldStatus store_decimal(const FieldTarget& target, std::string_view text, Vector& column,
                          std::uint32_t row) noexcept {
  Int128 value = 0;
  const TextStatus status = parse_decimal(text, target.precision, target.scale, value);
  if (column.physical == Physical::kInt64) {
    column.values<std::int64_t>()[row] = static_cast<std::int64_t>(value);
  } else {
    column.values<Int128>()[row] = value;
  }
  return field_status(status);
}

FieldStatus store_ltz(const FieldTarget& target, std::string_view text, std::int64_t& value) noexcept {
  if (!target.zone_offset.has_value()) {
    // Refuses what has no zone of its own: the wall-clock form would take it.
    if (std::int64_t unused = 0; parse_timestamp(text, 9, unused) != TextStatus::kMalformed)
      return FieldStatus::kNoZone;
  }
  return field_status(parse_timestamp_ltz(text, target.precision, target.zone_offset.value_or(0), value));
}

FieldStatus store_trimmed(const FieldTarget& target, std::string_view text, Vector& column,
                          std::uint32_t row) noexcept {
  switch (target.id) {
    case TypeId::kBoolean: {
      bool value = false;
      const TextStatus status = parse_boolean(text, value);
      column.values<std::int8_t>()[row] = value ? 1 : 0;
      return field_status(status);
    }
    case TypeId::kTinyInt:
      return store_integer<std::int8_t>(text, column, row);
    case TypeId::kSmallInt:
      return store_integer<std::int16_t>(text, column, row);
    case TypeId::kInt:
      return store_integer<std::int32_t>(text, column, row);
    case TypeId::kBigInt:
      return store_integer<std::int64_t>(text, column, row);
    case TypeId::kFloat:
      return field_status(parse_float(text, column.values<float>()[row]));
    case TypeId::kDouble:
      return field_status(parse_double(text, column.values<double>()[row]));
    case TypeId::kDecimal:
      return store_decimal(target, text, column, row);
    case TypeId::kDate:
      return field_status(parse_date(text, column.values<std::int32_t>()[row]));
    case TypeId::kTime:
      return field_status(parse_time(text, target.precision, column.values<std::int64_t>()[row]));
    case TypeId::kTimestamp:
      return field_status(parse_timestamp(text, target.precision, column.values<std::int64_t>()[row]));
    case TypeId::kTimestampLtz:
      return store_ltz(target, text, column.values<std::int64_t>()[row]);
    default:
      return FieldStatus::kWrongType;
  }
}

}  // namespace

ErrorCode error_code_of(FieldStatus status) noexcept {
  switch (status) {
    case FieldStatus::kOutOfRange:
      return ErrorCode::kValueOutOfRange;
    case FieldStatus::kInvalidUtf8:
      return ErrorCode::kInvalidUtf8;
    case FieldStatus::kWrongType:
      return ErrorCode::kWrongType;
    case FieldStatus::kNull:
      return ErrorCode::kNullNotAllowed;
    case FieldStatus::kMissing:
      return ErrorCode::kMissingField;
    case FieldStatus::kNoRoom:
      return ErrorCode::kRecordTooLarge;
    case FieldStatus::kNoZone:
      return ErrorCode::kUnsupported;
    default:
      return ErrorCode::kMalformedRecord;
  }
}

Result<void> check_text_type(const FormatContext& context, const Field& field) {
  const TypeId id = field.type.id;
  if (id >= TypeId::kBoolean && id <= TypeId::kTimestampLtz) return {};
  return Error(ErrorCode::kUnsupported,
               fmt::format("format '{}' cannot carry column '{}' of table '{}': its type is {}", context.format,
                           field.name, context.table, field.type.to_string()));
}

Result<std::vector<FieldTarget>> field_targets(const FormatContext& context) {
  std::vector<FieldTarget> targets;
  const auto zone = fixed_zone_offset(context.time_zone);
  for (const DecodedColumn& column : context.columns) {
    if (column.source_index >= context.schema.size()) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("table '{}' has no field {}", context.table, column.source_index));
    }
    for (const FieldTarget& other : targets) {
      if (other.source_index != column.source_index) continue;
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("field '{}' of table '{}' is asked for twice", other.name, context.table));
    }
    const Field& field = context.schema.fields[column.source_index];
    if (context.format != "binary") WEIR_TRY(check_text_type(context, field));
    targets.push_back({.id = field.type.id,
                       .precision = field.type.precision,
                       .scale = field.type.scale,
                       .nullable = field.type.nullable,
                       .source_index = column.source_index,
                       .batch_column = column.batch_column,
                       .zone_offset = zone,
                       .name = field.name,
                       .type_name = field.type.to_string()});
  }
  return targets;
}

FieldStatus store_text(const FieldTarget& target, std::string_view text, bool checked, Vector& column,
                       std::uint32_t row, StringHeap& heap) noexcept {
  set_valid(column, row, true);
  if (target.id == TypeId::kString) return store_string(text, checked, column.values<StringRef>()[row], heap);
  if (target.id == TypeId::kBytes) return store_base64(text, column.values<StringRef>()[row], heap);
  if (!text.empty() && (text.front() <= ' ' || text.back() <= ' ')) text = trim_blanks(text);
  return store_trimmed(target, text, column, row);
}

void restore_row(const std::vector<FieldTarget>& targets, Batch& out, std::uint32_t row) noexcept {
  for (const FieldTarget& target : targets) set_valid(out.column(target.batch_column), row, true);
}

std::size_t describe(FieldStatus status, const FieldTarget& target, std::string_view text, char* out,
                     std::size_t room) noexcept {
  const std::string_view shown = text.substr(0, 64);
  const std::string_view more = text.size() > shown.size() ? "…" : "";
  const auto put = [&](auto format, auto&&... values) {
    return static_cast<std::size_t>(fmt::format_to_n(out, room, format, values...).out - out);
  };
  switch (status) {
    case FieldStatus::kOutOfRange:
      return put(FMT_STRING("'{}{}' does not fit {}"), shown, more, target.type_name);
    case FieldStatus::kInvalidUtf8:
      return put(FMT_STRING("the text is not valid UTF-8"));
    case FieldStatus::kWrongType:
      return put(FMT_STRING("'{}{}' cannot be a {}"), shown, more, target.type_name);
    case FieldStatus::kNull:
      return put(FMT_STRING("NULL in a column that is NOT NULL"));
    case FieldStatus::kMissing:
      return put(FMT_STRING("the field is missing"));
    case FieldStatus::kNoRoom:
      return put(FMT_STRING("its strings do not fit an empty batch"));
    case FieldStatus::kNoZone:
      return put(FMT_STRING("'{}{}' has no zone, and the session's zone is neither UTC nor a fixed offset"), shown,
                 more);
    default:
      return put(FMT_STRING("'{}{}' is no {}"), shown, more, target.type_name);
  }
}

}  // namespace weir::detail
