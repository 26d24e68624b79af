// Messages of a protocol as rows, by the protocol's table (wire_message.h).
#include "formats/wire_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "weir/core/suggest.h"
#include "weir/io/text_bytes.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_time.h"

namespace weir::detail {
namespace {

/// Of the packet around a message: every protocol has them beside its own.
constexpr WireColumn kPacketColumns[] = {
    {"capture_time", WireKind::kInstant, 0, Around::kCaptureTime},
    {"captured_bytes", WireKind::kUnsigned, 0, Around::kCapturedBytes},
    {"wire_bytes", WireKind::kUnsigned, 0, Around::kWireBytes},
    {"ether_type", WireKind::kUnsigned, 0, Around::kEtherType},
    {"vlan", WireKind::kUnsigned, 0, Around::kVlan},
    {"ip_protocol", WireKind::kUnsigned, 0, Around::kIpProtocol},
    {"source_address", WireKind::kText, 0, Around::kSourceAddress},
    {"source_port", WireKind::kUnsigned, 0, Around::kSourcePort},
    {"destination_address", WireKind::kText, 0, Around::kDestinationAddress},
    {"destination_port", WireKind::kUnsigned, 0, Around::kDestinationPort},
    {"payload", WireKind::kBytes, 0, Around::kPayload},
};

/// Requires: 8 readable bytes; 1 <= bytes <= 8.
std::uint64_t load_number(const char* at, unsigned bytes, bool big_endian) noexcept {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  if (big_endian) return __builtin_bswap64(value) >> (64 - 8 * bytes);
  return bytes == 8 ? value : value & ((std::uint64_t{1} << (8 * bytes)) - 1);
}

std::int64_t small_power_of_ten(unsigned exponent) noexcept {
  std::int64_t value = 1;
  while (exponent-- != 0) value *= 10;
  return value;
}

std::string_view kind_text(WireKind kind) noexcept {
  switch (kind) {
    case WireKind::kText:
      return "STRING, or CHAR or VARCHAR of its width";
    case WireKind::kBytes:
      return "BYTES";
    case WireKind::kUnsigned:
      return "SMALLINT, INT, BIGINT or DECIMAL";
    case WireKind::kPrice:
      return "DOUBLE, or DECIMAL with at least its scale";
    case WireKind::kClock:
      return "TIMESTAMP, TIMESTAMP_LTZ, TIME or BIGINT (nanoseconds since midnight)";
    case WireKind::kInstant:
      return "TIMESTAMP_LTZ, TIMESTAMP (of UTC) or BIGINT (nanoseconds since the epoch)";
  }
  return "";
}

bool can_hold(const Type& type, const WireColumn& column) noexcept {
  switch (column.kind) {
    case WireKind::kText:
      return type.id == TypeId::kString;
    case WireKind::kBytes:
      return type.id == TypeId::kBytes;
    case WireKind::kUnsigned:
      return type.is_integer() || type.id == TypeId::kDecimal;
    case WireKind::kPrice:
      return type.id == TypeId::kDouble || (type.id == TypeId::kDecimal && type.scale >= column.scale);
    case WireKind::kClock:
      return type.is_timestamp() || type.id == TypeId::kTime || type.id == TypeId::kBigInt;
    case WireKind::kInstant:
      return type.is_timestamp() || type.id == TypeId::kBigInt;
  }
  return false;
}

Error unknown_column(const FormatContext& context, const WireProtocol& protocol, const Field& field) {
  std::vector<std::string_view> names;
  for (const WireColumn& column : protocol.columns) names.push_back(column.name);
  for (const WireColumn& column : kPacketColumns) names.push_back(column.name);
  const std::string_view near = nearest_name(field.name, names);
  std::string hint = near.empty() ? std::string() : fmt::format("did you mean '{}'? ", near);
  hint += fmt::format("It has {}", list_names(names));
  return Error(ErrorCode::kSqlUnknownName,
               fmt::format("format '{}' has no column '{}' (table '{}')", context.format, field.name, context.table))
      .with_hint(std::move(hint));
}

const WireColumn* find_column(const WireProtocol& protocol, std::string_view name) noexcept {
  for (const WireColumn& column : protocol.columns) {
    if (column.name == name) return &column;
  }
  for (const WireColumn& column : kPacketColumns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

const WireField* find_field(const WireProtocol& protocol, const WireMessage& message, std::string_view column) {
  for (const WireField& field : protocol.every_message) {
    if (field.column == column) return &field;
  }
  for (const WireField& field : message.fields) {
    if (field.column == column) return &field;
  }
  return nullptr;
}

/// The column of the protocol behind a field of the table, its type judged.
Result<const WireColumn*> checked_column(const FormatContext& context, const WireProtocol& protocol, const Field& field,
                                         bool has_date) {
  const WireColumn* const column = find_column(protocol, field.name);
  if (column == nullptr) return unknown_column(context, protocol, field);
  std::size_t width = 0;
  for (const WireMessage& message : protocol.messages) {
    if (const WireField* at = find_field(protocol, message, field.name); at != nullptr)
      width = std::max<std::size_t>(width, at->bytes);
  }
  const bool fits = column->kind != WireKind::kText || field.type.length == 0 || field.type.length >= width;
  if (!can_hold(field.type, *column) || !fits) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("column '{}' of table '{}' is {}; format '{}' has it as {}", field.name, context.table,
                             field.type.to_string(), context.format, kind_text(column->kind)))
        .with_hint(column->kind == WireKind::kPrice
                       ? fmt::format("its scale is {}: DECIMAL(18, {}) holds it", column->scale, column->scale)
                       : (fits ? std::string() : fmt::format("it has {} characters", width)));
  }
  if (column->kind == WireKind::kClock && field.type.is_timestamp() && !has_date) {
    return Error(ErrorCode::kSqlInvalidOption,
                 fmt::format("column '{}' of table '{}' is {}, and the messages hold the time of day alone", field.name,
                             context.table, field.type.to_string()))
        .with_hint(fmt::format("set '{}.date' = 'yyyy-mm-dd', or declare it TIME(9)", context.format));
  }
  if (column->kind == WireKind::kClock && field.type.id == TypeId::kTimestampLtz &&
      !fixed_zone_offset(context.time_zone).has_value()) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("column '{}' of table '{}' is {}, and the session's zone {} has no fixed offset",
                             field.name, context.table, field.type.to_string(), context.time_zone))
        .with_hint("declare it TIMESTAMP(9), the exchange's wall clock");
  }
  return column;
}

}  // namespace

const WireMessage* WireProtocol::find(char type) const noexcept {
  for (const WireMessage& message : messages) {
    if (message.type == type) return &message;
  }
  return nullptr;
}

Result<void> MessageRows::choose_types(std::string_view message_types) {
  for (const WireMessage& message : protocol_->messages) {
    Plan& plan = plans_[static_cast<unsigned char>(message.type)];
    plan.bytes = message.bytes;
    plan.wanted = message_types.empty();
  }
  if (message_types.empty()) return {};
  for (std::size_t type = 0; type < 256; ++type) {
    if (plans_[type].bytes == 0) plans_[type].bytes = 1;  // unknown, and not asked for: passed over
  }
  while (!message_types.empty()) {
    const std::size_t comma = std::min(message_types.find(','), message_types.size());
    std::string_view name = message_types.substr(0, comma);
    message_types.remove_prefix(std::min(comma + 1, message_types.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.size() == 1 && protocol_->find(name[0]) != nullptr) {
      plans_[static_cast<unsigned char>(name[0])].wanted = true;
      continue;
    }
    std::string known;
    for (const WireMessage& message : protocol_->messages) {
      known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", message.type, message.name);
    }
    return Error(ErrorCode::kSqlInvalidOption,
                 fmt::format("option '{}.messages' names '{}', which is no message type", protocol_->format, name))
        .with_hint("the types are " + known);
  }
  return {};
}

Result<void> MessageRows::add_steps(const FormatContext& context, const std::vector<const WireColumn*>& columns) {
  const auto step_of = [&](std::uint32_t target, const WireField* field) {
    const WireColumn& column = *columns[target];
    const Type& type = context.schema.fields[targets_[target].source_index].type;
    Step step{.target = target, .kind = column.kind, .around = column.around};
    if (field != nullptr) {
      step.around = Around::kNothing;
      step.offset = field->offset;
      step.bytes = field->bytes;
    } else {
      step.null = column.around == Around::kNothing;
    }
    if (type.id == TypeId::kDecimal)
      step.factor = small_power_of_ten(std::min(18u, unsigned{type.scale} - column.scale));
    step.divisor = static_cast<double>(small_power_of_ten(column.scale));
    return step;
  };
  for (std::uint32_t target = 0; target < targets_.size(); ++target) {
    const Type& type = context.schema.fields[targets_[target].source_index].type;
    if (type.id == TypeId::kDecimal && type.scale > columns[target]->scale + 18) {
      return Error(ErrorCode::kUnsupported,
                   fmt::format("the scale of column '{}' of table '{}' is more than {}", targets_[target].name,
                               context.table, columns[target]->scale + 18));
    }
    wanted_[static_cast<std::size_t>(columns[target]->around)] = true;
  }
  for (const WireMessage& message : protocol_->messages) {
    Plan& plan = plans_[static_cast<unsigned char>(message.type)];
    plan.first = static_cast<std::uint32_t>(steps_.size());
    plan.count = static_cast<std::uint32_t>(targets_.size());
    for (std::uint32_t target = 0; target < targets_.size(); ++target) {
      steps_.push_back(step_of(target, find_field(*protocol_, message, targets_[target].name)));
    }
  }
  packet_ = {1, true, static_cast<std::uint32_t>(steps_.size()), static_cast<std::uint32_t>(targets_.size())};
  for (std::uint32_t target = 0; target < targets_.size(); ++target) steps_.push_back(step_of(target, nullptr));
  return {};
}

Result<MessageRows> MessageRows::create(const FormatContext& context, const WireProtocol& protocol,
                                        std::string_view message_types, std::optional<std::int32_t> date) {
  MessageRows rows(protocol);
  WEIR_ASSIGN(rows.targets_, field_targets(context));
  // Every column of the table is judged, those too that the query does not read.
  for (const Field& field : context.schema.fields) {
    WEIR_ASSIGN(const WireColumn* checked, checked_column(context, protocol, field, date.has_value()));
    (void)checked;
  }
  std::vector<const WireColumn*> columns;
  for (const FieldTarget& target : rows.targets_) columns.push_back(find_column(protocol, target.name));
  if (date.has_value()) {
    std::int64_t midnight = 0;
    if (__builtin_mul_overflow(std::int64_t{*date}, kNanosPerDay, &midnight)) {
      return Error(ErrorCode::kSqlInvalidOption,
                   fmt::format("option '{}.date' lies outside the range of times", context.format));
    }
    rows.midnight_ns_ = midnight;
  }
  WEIR_TRY(rows.choose_types(message_types));
  WEIR_TRY(rows.add_steps(context, columns));
  return rows;
}

MessageRows::Shape MessageRows::shape(std::span<const char> message) const noexcept {
  if (message.empty()) return Shape::kEmpty;
  const Plan& plan = plans_[static_cast<unsigned char>(message[0])];
  if (!plan.wanted) return plan.bytes == 0 ? Shape::kUnknownType : Shape::kPassedOver;
  if (message.size() != plan.bytes && (message.size() < plan.bytes || !protocol_->may_grow)) return Shape::kWrongSize;
  return Shape::kRow;
}

FieldStatus MessageRows::store_time(const Step& step, std::uint64_t raw, Vector& vector,
                                    std::uint32_t row) const noexcept {
  const FieldTarget& target = targets_[step.target];
  auto nanos = static_cast<std::int64_t>(raw);
  if (step.kind == WireKind::kClock) {
    if (raw >= static_cast<std::uint64_t>(kNanosPerDay)) return FieldStatus::kOutOfRange;
    if (target.id == TypeId::kTimestamp || target.id == TypeId::kTimestampLtz) {
      if (__builtin_add_overflow(nanos, *midnight_ns_, &nanos)) return FieldStatus::kOutOfRange;
      if (target.id == TypeId::kTimestampLtz &&
          __builtin_sub_overflow(nanos, *target.zone_offset * kNanosPerSecond, &nanos)) {
        return FieldStatus::kOutOfRange;
      }
    }
  }
  if (target.id == TypeId::kBigInt) {
    vector.values<std::int64_t>()[row] = nanos;
    return FieldStatus::kOk;
  }
  const std::int64_t cut = cut_to_precision(nanos, target.precision);
  vector.values<std::int64_t>()[row] = cut;
  return cut <= nanos ? FieldStatus::kOk : FieldStatus::kOutOfRange;
}

FieldStatus MessageRows::store_number(const Step& step, std::uint64_t raw, Vector& vector,
                                      std::uint32_t row) const noexcept {
  const FieldTarget& target = targets_[step.target];
  // Prices of little-endian feeds are signed; those of big-endian ones are not, nor are quantities.
  const bool is_signed = step.kind == WireKind::kPrice && !protocol_->big_endian && step.bytes == 8;
  const Int128 value = is_signed ? Int128{static_cast<std::int64_t>(raw)} : Int128{raw};
  const auto put = [&]<typename T>(T*) {
    if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) return FieldStatus::kOutOfRange;
    vector.values<T>()[row] = static_cast<T>(value);
    return FieldStatus::kOk;
  };
  switch (target.id) {
    case TypeId::kTinyInt:
      return put(static_cast<std::int8_t*>(nullptr));
    case TypeId::kSmallInt:
      return put(static_cast<std::int16_t*>(nullptr));
    case TypeId::kInt:
      return put(static_cast<std::int32_t*>(nullptr));
    case TypeId::kBigInt:
      return put(static_cast<std::int64_t*>(nullptr));
    case TypeId::kDouble:
      vector.values<double>()[row] = static_cast<double>(value) / step.divisor;
      return FieldStatus::kOk;
    default: {                                    // DECIMAL
      const Int128 scaled = value * step.factor;  // below 2^64 * 10^18
      const Int128 limit = power_of_ten(target.precision);
      if (scaled >= limit || scaled <= -limit) return FieldStatus::kOutOfRange;
      if (vector.physical == Physical::kInt64) {
        vector.values<std::int64_t>()[row] = static_cast<std::int64_t>(scaled);
      } else {
        vector.values<Int128>()[row] = scaled;
      }
      return FieldStatus::kOk;
    }
  }
}

FieldStatus MessageRows::store(const Step& step, const char* message, const WireContext& around, Vector& vector,
                               std::uint32_t row, StringHeap& heap) const noexcept {
  const FieldTarget& target = targets_[step.target];
  const WireContext::Value* const outside = step.around == Around::kNothing ? nullptr : &around[step.around];
  if (step.null || (outside != nullptr && !outside->present)) return store_null(target, vector, row);
  set_valid(vector, row, true);
  switch (step.kind) {
    case WireKind::kText: {
      std::string_view text = outside != nullptr ? outside->text : std::string_view(message + step.offset, step.bytes);
      while (text.ends_with(' ') || text.ends_with('\0')) text.remove_suffix(1);
      if (!is_valid_utf8(text)) return FieldStatus::kInvalidUtf8;
      return heap.store(text, vector.values<StringRef>()[row]) ? FieldStatus::kOk : FieldStatus::kNoRoom;
    }
    case WireKind::kBytes:
      return heap.store(outside->text, vector.values<StringRef>()[row]) ? FieldStatus::kOk : FieldStatus::kNoRoom;
    default: {
      const std::uint64_t raw =
          outside != nullptr ? outside->number : load_number(message + step.offset, step.bytes, protocol_->big_endian);
      if (step.kind == WireKind::kClock || step.kind == WireKind::kInstant) return store_time(step, raw, vector, row);
      return store_number(step, raw, vector, row);
    }
  }
}

FieldStatus MessageRows::fill_steps(const Plan& plan, const char* message, const WireContext& around, Batch& out,
                                    const FieldTarget** failed) const noexcept {
  const std::size_t heap_mark = out.heap().used();
  const std::uint32_t row = out.row_count();
  for (std::uint32_t i = plan.first; i < plan.first + plan.count; ++i) {
    const Step& step = steps_[i];
    const FieldTarget& target = targets_[step.target];
    const FieldStatus status = store(step, message, around, out.column(target.batch_column), row, out.heap());
    if (status == FieldStatus::kOk) continue;
    out.heap().rewind(heap_mark);
    restore_row(targets_, out, row);
    *failed = &target;
    return status;
  }
  return FieldStatus::kOk;
}

FieldStatus MessageRows::fill(std::span<const char> message, const WireContext& around, Batch& out,
                              const FieldTarget** failed) const noexcept {
  return fill_steps(plans_[static_cast<unsigned char>(message[0])], message.data(), around, out, failed);
}

FieldStatus MessageRows::fill_packet(const WireContext& around, Batch& out, const FieldTarget** failed) const noexcept {
  return fill_steps(packet_, nullptr, around, out, failed);
}

std::size_t MessageRows::describe_shape(Shape shape, std::span<const char> message, char* out,
                                        std::size_t room) const noexcept {
  const auto put = [&](auto format, auto&&... values) {
    return static_cast<std::size_t>(fmt::format_to_n(out, room, format, values...).out - out);
  };
  if (shape == Shape::kEmpty) return put(FMT_STRING("a message without a byte"));
  const auto type = static_cast<unsigned char>(message[0]);
  const char shown = type > 32 && type < 127 ? static_cast<char>(type) : '?';
  if (shape == Shape::kUnknownType) return put(FMT_STRING("there is no message type '{}' (byte {})"), shown, type);
  const WireMessage* const known = protocol_->find(message[0]);
  return put(FMT_STRING("a message of type {} ({}) has {} bytes, not {}"), shown,
             known == nullptr ? std::string_view() : known->name, known == nullptr ? 0 : known->bytes, message.size());
}

}  // namespace weir::detail
