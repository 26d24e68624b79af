// print: one line a row on the standard output, or the standard error, in the form of Flink's print connector:
// +I[ORD, 2001-01-01T00:00:00, 12]. For people; a file or a pipe for programs is 'filesystem' with path '-'.
#include <cstring>
#include <utility>

#include "connectors/connectors.h"
#include "connectors/encoding_writer.h"
#include "connectors/options.h"
#include "weir/io/byte_sink.h"
#include "weir/io/text_bytes.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir {
namespace {

constexpr OptionHelp kOptions[] = {
    {"print-identifier", "", "text before each line"},
    {"standard-error", "false", "write to the standard error"},
    {"sink.parallelism", "", "accepted for Flink; one shard prints"},
};

constexpr std::string_view kKindText[] = {"+I", "-U", "+U", "-D"};

class PrintEncoder final : public Encoder {
 public:
  PrintEncoder(Schema schema, std::string identifier)
      : schema_(std::move(schema)), identifier_(std::move(identifier)) {}

  Result<std::size_t> encode(const Batch& batch, std::uint32_t* next, std::span<char> out) override {
    char* at = out.data();
    char* const end = at + out.size();
    while (*next < batch.selected_count()) {
      const std::uint32_t row = batch.has_selection() ? batch.selection()[*next] : *next;
      if (static_cast<std::size_t>(end - at) < row_bytes_max(batch, row)) break;
      at = put_row(batch, row, at);
      ++*next;
    }
    return static_cast<std::size_t>(at - out.data());
  }

 private:
  std::size_t row_bytes_max(const Batch& batch, std::uint32_t row) const {
    std::size_t bytes = identifier_.size() + 16;
    for (std::uint32_t c = 0; c < schema_.size(); ++c) {
      bytes += 64;
      if (batch.column(c).physical == Physical::kString && batch.column(c).is_valid(row)) {
        bytes += std::size_t{2} * batch.column(c).values<StringRef>()[row].size;
      }
    }
    return bytes;
  }

  char* put_row(const Batch& batch, std::uint32_t row, char* at) const {
    const auto put = [&at](std::string_view text) {
      std::memcpy(at, text.data(), text.size());
      at += text.size();
    };
    if (!identifier_.empty()) {
      put(identifier_);
      put("> ");
    }
    const RowKind kind = batch.kinds() == nullptr ? RowKind::kInsert : batch.kinds()[row];
    put(kKindText[static_cast<std::size_t>(kind)]);
    put("[");
    for (std::uint32_t c = 0; c < schema_.size(); ++c) {
      if (c != 0) put(", ");
      at = put_value(schema_.fields[c].type, batch.column(c), row, at);
    }
    put("]\n");
    return at;
  }

  static char* put_bytes(std::string_view bytes, char* at) {
    constexpr char kHex[] = "0123456789abcdef";
    for (char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      *at++ = kHex[byte >> 4];
      *at++ = kHex[byte & 15];
    }
    return at;
  }

  static char* put_value(const Type& type, const Vector& column, std::uint32_t row, char* at) {
    if (!column.is_valid(row)) {
      std::memcpy(at, "null", 4);
      return at + 4;
    }
    switch (type.id) {
      case TypeId::kBoolean:
        return format_boolean(column.values<std::int8_t>()[row] != 0, at);
      case TypeId::kTinyInt:
        return format_int64(column.values<std::int8_t>()[row], at);
      case TypeId::kSmallInt:
        return format_int64(column.values<std::int16_t>()[row], at);
      case TypeId::kIntervalMonth:
      case TypeId::kInt:
        return format_int64(column.values<std::int32_t>()[row], at);
      case TypeId::kIntervalDay:
      case TypeId::kBigInt:
        return format_int64(column.values<std::int64_t>()[row], at);
      case TypeId::kFloat:
        return format_float(column.values<float>()[row], at);
      case TypeId::kDouble:
        return format_double(column.values<double>()[row], at);
      case TypeId::kDecimal:
        return column.physical == Physical::kInt64 ? format_decimal(column.values<std::int64_t>()[row], type.scale, at)
                                                   : format_decimal(column.values<Int128>()[row], type.scale, at);
      case TypeId::kString: {
        const std::string_view text = column.values<StringRef>()[row].view();
        std::memcpy(at, text.data(), text.size());
        return at + text.size();
      }
      case TypeId::kBytes:
        return put_bytes(column.values<StringRef>()[row].view(), at);
      case TypeId::kDate:
        return format_date(column.values<std::int32_t>()[row], at);
      case TypeId::kTime:
        return format_time(column.values<std::int64_t>()[row], kDigitsAsNeeded, at);
      case TypeId::kTimestamp:
        return format_timestamp(column.values<std::int64_t>()[row], kDigitsAsNeeded, 'T', at);
      case TypeId::kTimestampLtz:
        at = format_timestamp(column.values<std::int64_t>()[row], kDigitsAsNeeded, 'T', at);
        *at++ = 'Z';
        return at;
      case TypeId::kNull:
      case TypeId::kRow:
      case TypeId::kArray:
      case TypeId::kMap:
        break;  // refused when the sink was made
    }
    WEIR_CHECK(false);
    return at;
  }

  Schema schema_;
  std::string identifier_;
};

class PrintSink final : public TableSink {
 public:
  PrintSink(Schema schema, std::string identifier, std::string path)
      : schema_(std::move(schema)), identifier_(std::move(identifier)), path_(std::move(path)) {}
  bool takes_updates() const noexcept override { return true; }
  bool parallel() const noexcept override { return false; }
  Result<std::unique_ptr<RowWriter>> open(std::uint32_t, IoBackend& backend) override {
    FileSinkConfig config;
    config.path = path_;
    if (path_ != kStandardStream) config.mode = OpenMode::kAppend;
    auto writer = std::make_unique<EncodingWriter>(std::make_unique<PrintEncoder>(schema_, identifier_),
                                                   make_file_sink(std::move(config)), backend, false);
    WEIR_TRY(writer->open_now());
    return std::unique_ptr<RowWriter>(std::move(writer));
  }
  std::size_t writer_bytes() const noexcept override { return std::size_t{2} * FileSinkConfig{}.buffer_bytes; }
  std::string describe() const override { return path_ == kStandardStream ? "print" : "print to the standard error"; }
  std::string guarantee() const override { return "at most once: a crash loses what was not yet written"; }

 private:
  Schema schema_;
  std::string identifier_;
  std::string path_;
};

Result<std::unique_ptr<TableSink>> make_print_table(const TableContext& context) {
  const OptionReader options(context.options, context.table);
  WEIR_ASSIGN(const bool standard_error, options.boolean("standard-error", false));
  for (const Field& field : context.schema.fields) {
    if (field.type.physical() == Physical::kNested) {
      return Error(ErrorCode::kUnsupported,
                   "print cannot write column " + field.name + " of type " + field.type.to_string() + " yet");
    }
  }
  return std::unique_ptr<TableSink>(
      std::make_unique<PrintSink>(context.schema, options.text("print-identifier", ""),
                                  standard_error ? "/dev/stderr" : std::string(kStandardStream)));
}

}  // namespace

const ConnectorEntry& print_connector() {
  static constexpr ConnectorEntry kEntry{"print", kOptions, false, nullptr, make_print_table};
  return kEntry;
}

}  // namespace weir
