// Headers of journals: written, read, and believed only when their check sums agree (journal_layout.h).
#include "journal/journal_layout.h"

#include <fmt/format.h>

#include <cstring>

#include "journal/crc32c.h"

namespace weir::detail {
namespace {

/// Types by a number that never changes, whatever TypeId does.
constexpr TypeId kTypes[] = {TypeId::kNull,    TypeId::kBoolean,   TypeId::kTinyInt,     TypeId::kSmallInt,
                             TypeId::kInt,     TypeId::kBigInt,    TypeId::kFloat,       TypeId::kDouble,
                             TypeId::kDecimal, TypeId::kString,    TypeId::kBytes,       TypeId::kDate,
                             TypeId::kTime,    TypeId::kTimestamp, TypeId::kTimestampLtz};
constexpr std::size_t kColumnHead = 10;  // type, precision, scale, flags, length, size of the name
constexpr std::uint8_t kNullable = 1, kFixedLength = 2;

template <typename T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}
template <typename T>
T load(const char* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint8_t number_of(TypeId id) noexcept {
  for (std::uint8_t i = 1; i < std::size(kTypes); ++i) {
    if (kTypes[i] == id) return i;
  }
  return 0;
}

bool is_sound(const Type& type) noexcept {
  if (type.id == TypeId::kDecimal)
    return type.precision >= 1 && type.precision <= kDecimalPrecisionMax && type.scale <= type.precision;
  return type.precision <= kTimestampPrecisionMax && type.scale == 0;
}

Error corrupt(const char* what) {
  return Error(ErrorCode::kCorrupt, fmt::format("the journal's header is damaged: {}", what), Position::at_byte(0));
}

Result<Schema> read_columns(std::span<const char> bytes, std::uint32_t count) {
  Schema schema;
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (bytes.size() - at < kColumnHead) return corrupt("a column is cut off");
    const char* const head = bytes.data() + at;
    const auto number = load<std::uint8_t>(head), flags = load<std::uint8_t>(head + 3);
    const std::size_t name_size = load<std::uint16_t>(head + 8);
    at += kColumnHead;
    if (bytes.size() - at < name_size) return corrupt("a column's name is cut off");
    if (number == 0 || number >= std::size(kTypes)) return corrupt("a column has a type that is not known");
    Field field{std::string(bytes.data() + at, name_size), Type::of(kTypes[number], (flags & kNullable) != 0)};
    field.type.precision = load<std::uint8_t>(head + 1);
    field.type.scale = load<std::uint8_t>(head + 2);
    field.type.length = load<std::uint32_t>(head + 4);
    field.type.fixed_length = (flags & kFixedLength) != 0;
    if (!is_sound(field.type)) return corrupt("a column's precision or scale cannot be");
    schema.fields.push_back(std::move(field));
    at += name_size;
  }
  return schema;
}

}  // namespace

Result<std::string> write_journal_header(const JournalSchema& schema) {
  std::string columns;
  for (const Field& field : schema.schema.fields) {
    const std::uint8_t number = number_of(field.type.id);
    if (number == 0) {
      return Error(ErrorCode::kUnsupported, fmt::format("format 'journal' cannot carry column '{}': its type is {}",
                                                        field.name, field.type.to_string()));
    }
    if (field.name.size() > 0xffff) return Error(ErrorCode::kLimitExceeded, "a column's name is longer than 65535");
    put(columns, number);
    put(columns, field.type.precision);
    put(columns, field.type.scale);
    put(columns, static_cast<std::uint8_t>((field.type.nullable ? kNullable : 0) |
                                           (field.type.fixed_length ? kFixedLength : 0)));
    put(columns, field.type.length);
    put(columns, static_cast<std::uint16_t>(field.name.size()));
    columns += field.name;
  }
  if (schema.schema.size() > kJournalColumnsMax ||
      columns.size() > kJournalHeaderBytesMax - sizeof(JournalFileHeader)) {
    return Error(ErrorCode::kLimitExceeded, fmt::format("a journal has at most {} columns, described in {} bytes",
                                                        kJournalColumnsMax, kJournalHeaderBytesMax));
  }
  JournalFileHeader header;
  std::memcpy(header.mark, kJournalMark, sizeof header.mark);
  header.version = kJournalVersion;
  header.bytes = static_cast<std::uint32_t>(journal_round(sizeof header + columns.size()));
  header.columns = static_cast<std::uint32_t>(schema.schema.size());
  header.time_column = schema.time_column.value_or(kNoTimeColumn);
  header.column_bytes = static_cast<std::uint32_t>(columns.size());
  std::string out;
  put(out, header);
  out += columns;
  out.resize(header.bytes, '\0');
  header.check = crc32c(out.data(), out.size());
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

std::size_t journal_header_bytes(std::span<const char> head) noexcept {
  const auto header = load<JournalFileHeader>(head.data());
  const bool sound = std::memcmp(header.mark, kJournalMark, sizeof header.mark) == 0 && header.bytes >= sizeof header &&
                     header.bytes <= kJournalHeaderBytesMax && header.bytes % kJournalBlock == 0;
  return sound ? header.bytes : 0;
}

Result<JournalSchema> read_journal_header(std::span<const char> bytes) {
  auto header = load<JournalFileHeader>(bytes.data());
  if (header.version != kJournalVersion) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("the journal has version {}; this Weir reads version {}", header.version, kJournalVersion),
                 Position::at_byte(0));
  }
  const std::uint32_t check = std::exchange(header.check, 0);
  const std::uint32_t first = crc32c(&header, sizeof header);
  if (crc32c(bytes.data() + sizeof header, bytes.size() - sizeof header, first) != check)
    return corrupt("its check sum is wrong");
  if (header.columns > kJournalColumnsMax || header.column_bytes > bytes.size() - sizeof header)
    return corrupt("it has more columns than room for them");
  JournalSchema out;
  WEIR_ASSIGN(out.schema, read_columns(bytes.subspan(sizeof header, header.column_bytes), header.columns));
  if (header.time_column != kNoTimeColumn) {
    if (header.time_column >= header.columns) return corrupt("its time column does not exist");
    out.time_column = header.time_column;
  }
  return out;
}

void seal_frame(JournalFrameHeader header, std::span<char> frame) noexcept {
  header.mark = kFrameMark;
  header.bytes = static_cast<std::uint32_t>(frame.size());
  header.payload_check = crc32c(frame.data() + sizeof header, frame.size() - sizeof header);
  header.check = crc32c(&header, offsetof(JournalFrameHeader, check));
  std::memcpy(frame.data(), &header, sizeof header);
}

std::optional<JournalFrameHeader> read_frame_header(std::span<const char> head) noexcept {
  const auto header = load<JournalFrameHeader>(head.data());
  const bool sound = header.mark == kFrameMark && header.bytes >= sizeof header &&
                     header.bytes <= kJournalFrameBytesMax && header.bytes % kJournalBlock == 0 &&
                     crc32c(head.data(), offsetof(JournalFrameHeader, check)) == header.check;
  if (!sound) return std::nullopt;
  return header;
}

bool payload_is_whole(const JournalFrameHeader& header, std::span<const char> frame) noexcept {
  return crc32c(frame.data() + sizeof header, frame.size() - sizeof header) == header.payload_check;
}

}  // namespace weir::detail
