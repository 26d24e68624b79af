// binary: records of a fixed size, little-endian, packed.
#include "formats/binary_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "formats/decoded_field.h"
#include "formats/encoded_field.h"
#include "formats/format_options.h"
#include "formats/line_decoder.h"
#include "weir/io/text_bytes.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_time.h"

namespace weir::detail {
namespace {

constexpr OptionHelp kOptions[] = {
    {"binary.null-bitmap", "false", "a bitmap in front of each record has a bit a column, set where it is NULL"},
    {"binary.record-bytes", "", "size of a record, where bytes follow the columns; their sum by default"},
    {"binary.timestamp-unit", "ns", "of TIMESTAMP and TIMESTAMP_LTZ: ns, us, ms or s"},
};

/// Where each column stands in a record.
struct BinaryLayout {
  struct Column {
    Type type;
    std::size_t offset = 0;
    std::size_t bytes = 0;
  };
  std::vector<Column> columns;
  std::size_t record_bytes = 0;
  bool null_bitmap = false;
  std::int64_t timestamp_unit = 1;  // nanoseconds
};

std::size_t width_of(const Type& type) noexcept {
  switch (type.id) {
    case TypeId::kTime:
    case TypeId::kTimestamp:
    case TypeId::kTimestampLtz:
    case TypeId::kBigInt:
    case TypeId::kDouble:
      return 8;
    case TypeId::kBoolean:
    case TypeId::kTinyInt:
      return 1;
    case TypeId::kSmallInt:
      return 2;
    case TypeId::kInt:
    case TypeId::kFloat:
    case TypeId::kDate:
      return 4;
    case TypeId::kDecimal:
      return type.precision <= kDecimal64PrecisionMax ? 8 : 16;
    case TypeId::kString:
    case TypeId::kBytes:
      return type.fixed_length ? type.length : 0;
    default:
      return 0;
  }
}

Result<BinaryLayout> layout_of(const FormatContext& context) {
  WEIR_ASSIGN(const FormatOptions options, FormatOptions::create(context, kOptions));
  constexpr std::string_view kUnits[] = {"ns", "us", "ms", "s"};
  constexpr std::int64_t kUnitNanos[] = {1, 1'000, 1'000'000, 1'000'000'000};
  BinaryLayout layout;
  WEIR_ASSIGN(layout.null_bitmap, options.boolean("binary.null-bitmap"));
  WEIR_ASSIGN(const std::size_t unit, options.choice("binary.timestamp-unit", kUnits));
  layout.timestamp_unit = kUnitNanos[unit];
  std::size_t offset = layout.null_bitmap ? (context.schema.size() + 7) / 8 : 0;
  for (const Field& field : context.schema.fields) {
    const std::size_t bytes = width_of(field.type);
    if (bytes == 0) {
      return Error(ErrorCode::kUnsupported,
                   fmt::format("format 'binary' cannot carry column '{}' of table '{}': {} has no fixed size",
                               field.name, context.table, field.type.to_string()))
          .with_hint("use CHAR(n) or BINARY(n)");
    }
    layout.columns.push_back({field.type, offset, bytes});
    offset += bytes;
  }
  WEIR_ASSIGN(layout.record_bytes, options.size("binary.record-bytes", context.record_bytes_max));
  if (layout.record_bytes == 0) layout.record_bytes = offset;
  if (layout.record_bytes < offset || offset == 0) {
    return Error(ErrorCode::kSqlInvalidOption,
                 fmt::format("binary.record-bytes is {}; the columns of table '{}' take {}", layout.record_bytes,
                             context.table, offset));
  }
  if (layout.record_bytes > context.record_bytes_max) {
    return Error(ErrorCode::kLimitExceeded, fmt::format("a record of table '{}' has {} bytes; record_bytes_max is {}",
                                                        context.table, layout.record_bytes, context.record_bytes_max));
  }
  return layout;
}

template <typename T>
T load(const char* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

class BinaryDecoder final : public Decoder {
 public:
  BinaryDecoder(std::vector<FieldTarget> targets, BinaryLayout layout)
      : targets_(std::move(targets)), layout_(std::move(layout)), carry_(new char[layout_.record_bytes]) {}

  DecodeResult decode(std::span<const char> bytes, Batch& out, const BadRecordHandler& bad) override {
    for (const FieldTarget& target : targets_) {
      WEIR_CHECK(!target.nullable || out.column(target.batch_column).validity != nullptr);
    }
    DecodeResult result;
    while (result.consumed < bytes.size() && !out.full() && !result.stopped) {
      const char* const at = bytes.data() + result.consumed;
      const std::size_t left = bytes.size() - result.consumed;
      const std::size_t wanted = layout_.record_bytes - carried_;
      if (left < wanted) {
        std::memcpy(carry_.get() + carried_, at, left);
        carried_ += left;
        result.consumed += left;
        break;
      }
      const char* record = at;
      if (carried_ != 0) {
        std::memcpy(carry_.get() + carried_, at, wanted);
        record = carry_.get();
      }
      if (!decode_record(record, out, bad, result)) break;  // no room: the carried piece keeps its size
      carried_ = 0;
      result.consumed += wanted;
    }
    return result;
  }

  DecodeResult finish(Batch&, const BadRecordHandler& bad) override {
    DecodeResult result;
    result.consumed = 1;
    if (carried_ != 0) {
      report(ErrorCode::kTruncated, "", "the input ends inside a record", {carry_.get(), carried_}, bad, result);
      carried_ = 0;
    }
    return result;
  }

  std::uint64_t records() const noexcept override { return records_; }
  std::size_t pending_bytes() const noexcept override { return carried_; }
  void reset() noexcept override {
    records_ = 0;
    carried_ = 0;
  }

 private:
  void report(ErrorCode code, std::string_view field, std::string_view reason, std::string_view record,
              const BadRecordHandler& bad, DecodeResult& result) {
    const bool go_on = bad({.code = code,
                            .record = records_,
                            .byte = records_ * layout_.record_bytes,
                            .field = field,
                            .reason = reason,
                            .text = record.substr(0, kBadRecordTextMax)});
    ++records_;
    ++result.bad;
    result.stopped = !go_on;
  }

  /// False where the batch has no room for the record.
  bool decode_record(const char* record, Batch& out, const BadRecordHandler& bad, DecodeResult& result) {
    const std::size_t heap_mark = out.heap().used();
    const std::uint32_t row = out.row_count();
    for (const FieldTarget& target : targets_) {
      const BinaryLayout::Column& column = layout_.columns[target.source_index];
      const std::size_t bit = target.source_index;
      const bool null = layout_.null_bitmap && ((record[bit / 8] >> (bit % 8)) & 1) != 0;
      Vector& vector = out.column(target.batch_column);
      set_valid(vector, row, true);
      const FieldStatus status =
          null ? store_null(target, vector, row) : store(column, record + column.offset, vector, row, out.heap());
      if (status == FieldStatus::kOk) continue;
      out.heap().rewind(heap_mark);
      restore_row(targets_, out, row);
      if (status == FieldStatus::kNoRoom && row != 0) return false;
      char reason[160];
      const std::size_t size = describe(status, target, "the bytes", reason, sizeof reason);
      report(error_code_of(status), target.name, {reason, size}, {record, layout_.record_bytes}, bad, result);
      return true;
    }
    ++records_;
    ++result.rows;
    out.set_row_count(row + 1);
    return true;
  }

  FieldStatus store(const BinaryLayout::Column& column, const char* at, Vector& vector, std::uint32_t row,
                    StringHeap& heap) const noexcept {
    switch (column.type.id) {
      case TypeId::kBoolean:
        if (*at != 0 && *at != 1) return FieldStatus::kMalformed;
        vector.values<std::int8_t>()[row] = load<std::int8_t>(at);
        return FieldStatus::kOk;
      case TypeId::kDecimal:
        return store_decimal(column, at, vector, row);
      case TypeId::kTime: {
        const auto nanos = load<std::int64_t>(at);
        vector.values<std::int64_t>()[row] = cut_to_precision(nanos, column.type.precision);
        return nanos >= 0 && nanos < kNanosPerDay ? FieldStatus::kOk : FieldStatus::kOutOfRange;
      }
      case TypeId::kTimestamp:
      case TypeId::kTimestampLtz: {
        std::int64_t nanos = 0;
        if (__builtin_mul_overflow(load<std::int64_t>(at), layout_.timestamp_unit, &nanos)) {
          return FieldStatus::kOutOfRange;
        }
        const std::int64_t cut = cut_to_precision(nanos, column.type.precision);
        vector.values<std::int64_t>()[row] = cut;
        return cut <= nanos ? FieldStatus::kOk : FieldStatus::kOutOfRange;
      }
      case TypeId::kString: {
        std::string_view text(at, column.bytes);
        while (text.ends_with('\0')) text.remove_suffix(1);
        if (!is_valid_utf8(text)) return FieldStatus::kInvalidUtf8;
        return heap.store(text, vector.values<StringRef>()[row]) ? FieldStatus::kOk : FieldStatus::kNoRoom;
      }
      case TypeId::kBytes:
        return heap.store({at, column.bytes}, vector.values<StringRef>()[row]) ? FieldStatus::kOk
                                                                               : FieldStatus::kNoRoom;
      default:
        std::memcpy(static_cast<char*>(vector.data) + std::size_t{row} * column.bytes, at, column.bytes);
        return FieldStatus::kOk;
    }
  }

  static FieldStatus store_decimal(const BinaryLayout::Column& column, const char* at, Vector& vector,
                                   std::uint32_t row) noexcept {
    const bool wide = column.bytes == 16;
    const Int128 value = wide ? load<Int128>(at) : load<std::int64_t>(at);
    const Int128 limit = power_of_ten(column.type.precision);
    if (wide) {
      vector.values<Int128>()[row] = value;
    } else {
      vector.values<std::int64_t>()[row] = static_cast<std::int64_t>(value);
    }
    return value < limit && value > -limit ? FieldStatus::kOk : FieldStatus::kOutOfRange;
  }

  std::vector<FieldTarget> targets_;
  BinaryLayout layout_;
  std::unique_ptr<char[]> carry_;
  std::size_t carried_ = 0;
  std::uint64_t records_ = 0;
};

class BinaryEncoder final : public Encoder {
 public:
  BinaryEncoder(Schema schema, BinaryLayout layout) : schema_(std::move(schema)), layout_(std::move(layout)) {}

  Result<std::size_t> encode(const Batch& batch, std::uint32_t* next, std::span<char> out) override {
    TextWriter writer(out);
    return encode_rows(batch, next, writer, [&](std::uint32_t row, TextWriter& at) {
      Result<void> written;
      at.put_with(layout_.record_bytes, [&](char* record) {
        written = write_record(batch, row, record);
        return record + layout_.record_bytes;
      });
      return written;
    });
  }

 private:
  Result<void> write_record(const Batch& batch, std::uint32_t row, char* record) {
    std::memset(record, 0, layout_.record_bytes);
    for (std::size_t i = 0; i < layout_.columns.size(); ++i) {
      const Vector& vector = batch.column(static_cast<std::uint32_t>(i));
      if (vector.is_valid(row)) {
        WEIR_TRY(write_value(i, vector, row, record + layout_.columns[i].offset));
        continue;
      }
      if (!layout_.null_bitmap) {
        return Error(ErrorCode::kNullNotAllowed,
                     fmt::format("column '{}' is NULL, which binary records cannot hold", schema_.fields[i].name),
                     Position::at_row(row))
            .with_hint("set binary.null-bitmap = true");
      }
      record[i / 8] = static_cast<char>(record[i / 8] | (1 << (i % 8)));
    }
    return {};
  }

  Result<void> write_value(std::size_t field, const Vector& vector, std::uint32_t row, char* at) {
    const BinaryLayout::Column& column = layout_.columns[field];
    if (column.type.is_timestamp()) {
      const std::int64_t nanos = vector.values<std::int64_t>()[row];
      const std::int64_t value = nanos / layout_.timestamp_unit - (nanos % layout_.timestamp_unit < 0 ? 1 : 0);
      std::memcpy(at, &value, sizeof value);
      return {};
    }
    if (!column.type.is_string()) {
      std::memcpy(at, static_cast<const char*>(vector.data) + std::size_t{row} * column.bytes, column.bytes);
      return {};
    }
    const std::string_view text = vector.values<StringRef>()[row].view();
    if (text.size() > column.bytes) {
      return Error(ErrorCode::kValueOutOfRange,
                   fmt::format("a value of column '{}' has {} bytes; {} has {}", schema_.fields[field].name,
                               text.size(), column.type.to_string(), column.bytes),
                   Position::at_row(row));
    }
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return {};
  }

  Schema schema_;
  BinaryLayout layout_;
};

}  // namespace

std::span<const OptionHelp> binary_option_help() {
  return kOptions;
}

Result<std::unique_ptr<Decoder>> make_binary_decoder(const FormatContext& context) {
  WEIR_ASSIGN(BinaryLayout layout, layout_of(context));
  WEIR_ASSIGN(std::vector<FieldTarget> targets, field_targets(context));
  return std::unique_ptr<Decoder>(new BinaryDecoder(std::move(targets), std::move(layout)));
}

Result<std::unique_ptr<Encoder>> make_binary_encoder(const FormatContext& context) {
  WEIR_ASSIGN(BinaryLayout layout, layout_of(context));
  return std::unique_ptr<Encoder>(new BinaryEncoder(context.schema, std::move(layout)));
}

}  // namespace weir::detail
