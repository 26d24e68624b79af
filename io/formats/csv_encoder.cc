// Rows to CSV, and the options of CSV.
#include <fmt/format.h>

#include <optional>

#include "formats/csv_decoder.h"
#include "formats/encoded_field.h"
#include "weir/io/text_bytes.h"

namespace weir::detail {
namespace {

constexpr OptionHelp kOptions[] = {
    {"csv.allow-comments", "false", "a record that begins with # is none"},
    {"csv.array-element-delimiter", ";", "accepted; there are no array columns yet"},
    {"csv.disable-quote-character", "false", "quotes stand for themselves"},
    {"csv.escape-character", "", "the character behind it stands for itself"},
    {"csv.field-delimiter", ",", "between fields; \\t is a tab"},
    {"csv.ignore-parse-errors", "false", "records that do not parse are counted and skipped"},
    {"csv.null-literal", "", "an unquoted field with this text is NULL"},
    {"csv.quote-character", "\"", "around fields that hold delimiters, quotes or line ends"},
    {"weir.csv.header", "false", "the first record names the columns, in any order"},
};

class CsvEncoder final : public Encoder {
 public:
  CsvEncoder(Schema schema, CsvOptions options)
      : schema_(std::move(schema)), options_(std::move(options)), header_pending_(options_.header) {
    for (const char character :
         {options_.dialect.delimiter, options_.dialect.quote, options_.dialect.escape, '\n', '\r'}) {
      special_[static_cast<unsigned char>(character)] = true;
    }
    special_[0] = false;  // what an absent quote or escape set
    find_null_bytes();
  }

  Result<std::size_t> encode(const Batch& batch, std::uint32_t* next, std::span<char> out) override {
    TextWriter writer(out);
    if (header_pending_ && *next < batch.selected_count()) {
      WEIR_TRY(write_header(writer));
      if (writer.overflowed())
        return Error(ErrorCode::kRecordTooLarge, "the csv header is longer than the buffer for it");
      header_pending_ = false;
      const std::size_t header = writer.size();
      TextWriter rows(out.subspan(header));
      auto written =
          encode_rows(batch, next, rows, [&](std::uint32_t row, TextWriter& at) { return write_row(batch, row, at); });
      if (written.has_value()) return header + written.value();
      // The header is out already: a first record without room waits for the next span.
      if (written.error().code() == ErrorCode::kRecordTooLarge) return header;
      return written;
    }
    return encode_rows(batch, next, writer,
                       [&](std::uint32_t row, TextWriter& at) { return write_row(batch, row, at); });
  }

 private:
  /// The bytes whose text would be taken for NULL, where there are such.
  void find_null_bytes() {
    const std::string& literal = options_.null_literal;
    if (!options_.has_null_literal || literal.empty()) return;
    std::string bytes(base64_decoded_max(literal.size()), '\0');
    std::size_t size = 0;
    if (base64_decode(literal, bytes.data(), size) != TextStatus::kOk) return;
    bytes.resize(size);
    if (base64_encoded_size(size) != literal.size()) return;
    std::string text(literal.size(), '\0');
    base64_encode(bytes, text.data());
    if (text == literal) null_bytes_ = std::move(bytes);
  }

  Result<void> write_header(TextWriter& writer) {
    for (std::size_t i = 0; i < schema_.size(); ++i) {
      if (i != 0) writer.put(options_.dialect.delimiter);
      WEIR_TRY(write_text(schema_.fields[i].name, i, writer));
    }
    writer.put('\n');
    return {};
  }

  Result<void> write_row(const Batch& batch, std::uint32_t row, TextWriter& writer) {
    for (std::size_t i = 0; i < schema_.size(); ++i) {
      if (i != 0) writer.put(options_.dialect.delimiter);
      const Vector& column = batch.column(static_cast<std::uint32_t>(i));
      if (!column.is_valid(row)) {
        if (options_.has_null_literal) {
          writer.put(options_.null_literal);
        } else if (schema_.size() == 1) {
          write_quoted("", writer);  // an empty line would be no record
        }
        continue;
      }
      WEIR_TRY(write_value(schema_.fields[i].type, column, row, i, writer));
    }
    writer.put('\n');
    return {};
  }

  Result<void> write_value(const Type& type, const Vector& column, std::uint32_t row, std::size_t field,
                           TextWriter& writer) {
    if (type.id == TypeId::kString) return write_text(column.values<StringRef>()[row].view(), field, writer);
    if (type.id == TypeId::kBytes) {
      const StringRef& bytes = column.values<StringRef>()[row];
      if (bytes.size == 0) write_quoted("", writer);
      if (null_bytes_.has_value() && bytes.view() == *null_bytes_)
        return write_text(options_.null_literal, field, writer);
      writer.put_with(base64_encoded_size(bytes.size), [&](char* at) { return base64_encode(bytes.view(), at); });
      return {};
    }
    char text[kPlainTextMax];
    char* const end = format_plain(type, column, row, {}, text);
    return write_text({text, static_cast<std::size_t>(end - text)}, field, writer);
  }

  bool needs_quotes(std::string_view text) const noexcept {
    for (const char character : text) {
      if (special_[static_cast<unsigned char>(character)]) return true;
    }
    if (text.empty()) return schema_.size() == 1 || (options_.has_null_literal && options_.null_literal.empty());
    return (options_.has_null_literal && text == options_.null_literal) || text.front() == '#' ||
           text.starts_with("\xEF\xBB\xBF");
  }

  Result<void> write_text(std::string_view text, std::size_t field, TextWriter& writer) {
    if (!needs_quotes(text)) {
      writer.put(text);
    } else if (options_.dialect.quote != 0) {
      write_quoted(text, writer);
    } else if (options_.dialect.escape != 0 && !text.empty()) {
      // An escaped line end would still end the line for most readers, but not for ours.
      if (!special(text)) writer.put(options_.dialect.escape);
      write_escaped(text, writer);
    } else {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("a value of column '{}' needs quotes, and csv.disable-quote-character is true",
                               schema_.fields[field].name));
    }
    return {};
  }

  bool special(std::string_view text) const noexcept { return special_[static_cast<unsigned char>(text.front())]; }

  void write_quoted(std::string_view text, TextWriter& writer) const noexcept {
    const CsvDialect& dialect = options_.dialect;
    if (dialect.quote == 0) return;
    writer.put(dialect.quote);
    for (const char character : text) {
      if (character == dialect.quote) writer.put(dialect.quote);
      if (dialect.escape != 0 && character == dialect.escape) writer.put(dialect.escape);
      writer.put(character);
    }
    writer.put(dialect.quote);
  }

  void write_escaped(std::string_view text, TextWriter& writer) const noexcept {
    for (const char character : text) {
      if (special_[static_cast<unsigned char>(character)]) writer.put(options_.dialect.escape);
      writer.put(character);
    }
  }

  Schema schema_;
  CsvOptions options_;
  std::optional<std::string> null_bytes_;
  bool header_pending_;
  bool special_[256] = {};
};

}  // namespace

std::span<const OptionHelp> csv_option_help() {
  return kOptions;
}

Result<CsvOptions> csv_options(const FormatContext& context) {
  WEIR_ASSIGN(const FormatOptions options, FormatOptions::create(context, kOptions));
  CsvOptions csv;
  WEIR_ASSIGN(const auto delimiter, options.character("csv.field-delimiter"));
  WEIR_ASSIGN(const auto quote, options.character("csv.quote-character"));
  WEIR_ASSIGN(const auto escape, options.character("csv.escape-character"));
  WEIR_ASSIGN(const bool no_quotes, options.boolean("csv.disable-quote-character"));
  WEIR_ASSIGN(csv.dialect.comments, options.boolean("csv.allow-comments"));
  WEIR_ASSIGN(csv.ignore_errors, options.boolean("csv.ignore-parse-errors"));
  WEIR_ASSIGN(csv.header, options.boolean("weir.csv.header"));
  csv.dialect.delimiter = delimiter.value_or(',');
  csv.dialect.quote = no_quotes ? '\0' : quote.value_or('"');
  csv.dialect.escape = escape.value_or('\0');
  if (csv.dialect.escape == csv.dialect.quote) csv.dialect.escape = '\0';  // doubling is what that means
  if (csv.dialect.delimiter == csv.dialect.quote || csv.dialect.delimiter == csv.dialect.escape) {
    return Error(ErrorCode::kSqlInvalidOption, "csv.field-delimiter is also the quote or the escape character");
  }
  csv.has_null_literal = options.has("csv.null-literal");
  csv.null_literal = options.text("csv.null-literal");
  for (const char character : csv.null_literal) {
    if (character != csv.dialect.delimiter && character != '\n' && character != '\r' &&
        character != csv.dialect.quote && (csv.dialect.escape == 0 || character != csv.dialect.escape)) {
      continue;
    }
    return Error(ErrorCode::kSqlInvalidOption, "csv.null-literal holds a delimiter, quote, escape or line end");
  }
  return csv;
}

Result<std::unique_ptr<Decoder>> make_csv_decoder(const FormatContext& context) {
  WEIR_ASSIGN(CsvOptions options, csv_options(context));
  WEIR_TRY(check_record_bytes_max(context));
  WEIR_ASSIGN(std::vector<FieldTarget> targets, field_targets(context));
  return std::unique_ptr<Decoder>(new CsvDecoder(std::move(targets), context, std::move(options)));
}

Result<std::unique_ptr<Encoder>> make_csv_encoder(const FormatContext& context) {
  WEIR_ASSIGN(CsvOptions options, csv_options(context));
  for (const Field& field : context.schema.fields) WEIR_TRY(check_text_type(context, field));
  const bool empty_lines = options.has_null_literal ? options.null_literal.empty() : options.dialect.quote == 0;
  if (context.schema.size() == 1 && context.schema.fields[0].type.nullable && empty_lines) {
    return Error(
        ErrorCode::kUnsupported,
        fmt::format("table '{}' has one column, whose NULL would be an empty line; set csv.null-literal to a word",
                    context.table));
  }
  return std::unique_ptr<Encoder>(new CsvEncoder(context.schema, std::move(options)));
}

}  // namespace weir::detail
