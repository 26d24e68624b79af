// Rows to JSON lines, and the options of JSON.
#include <cmath>

#include "formats/encoded_field.h"
#include "formats/json_decoder.h"
#include "formats/json_text.h"
#include "weir/io/text_bytes.h"

namespace weir::detail {
namespace {

constexpr OptionHelp kOptions[] = {
    {"json.encode.decimal-as-plain-number", "false", "accepted; decimals are always plain numbers"},
    {"json.encode.ignore-null-fields", "false", "fields that are NULL are left out"},
    {"json.fail-on-missing-field", "false", "a field that is missing makes its record bad"},
    {"json.ignore-parse-errors", "false", "records that do not parse are counted and skipped"},
    {"json.map-null-key.literal", "null", "accepted; there are no map columns yet"},
    {"json.map-null-key.mode", "FAIL", "accepted; there are no map columns yet"},
    {"json.timestamp-format.standard", "SQL", "how timestamps are written: SQL or ISO-8601; both are read"},
};

bool is_quoted(const Type& type, const Vector& column, std::uint32_t row) noexcept {
  if (type.id == TypeId::kDouble) return !std::isfinite(column.values<double>()[row]);
  if (type.id == TypeId::kFloat) return !std::isfinite(column.values<float>()[row]);
  return type.id >= TypeId::kDate;
}

class JsonEncoder final : public Encoder {
 public:
  JsonEncoder(Schema schema, JsonOptions options) : schema_(std::move(schema)), options_(options) {
    for (const Field& field : schema_.fields) {
      std::string key(field.name.size() * kJsonEscapeMax, '\0');
      key.resize(static_cast<std::size_t>(escape_json(field.name, key.data()) - key.data()));
      keys_.push_back('"' + key + "\":");
    }
  }

  Result<std::size_t> encode(const Batch& batch, std::uint32_t* next, std::span<char> out) override {
    TextWriter writer(out);
    return encode_rows(batch, next, writer, [&](std::uint32_t row, TextWriter& at) -> Result<void> {
      write_row(batch, row, at);
      return {};
    });
  }

 private:
  void write_row(const Batch& batch, std::uint32_t row, TextWriter& writer) const noexcept {
    bool first = true;
    writer.put('{');
    for (std::size_t i = 0; i < schema_.size(); ++i) {
      const Vector& column = batch.column(static_cast<std::uint32_t>(i));
      const bool valid = column.is_valid(row);
      if (!valid && options_.skip_null_fields) continue;
      if (!first) writer.put(',');
      first = false;
      writer.put(keys_[i]);
      if (valid) {
        write_value(schema_.fields[i].type, column, row, writer);
      } else {
        writer.put("null");
      }
    }
    writer.put("}\n");
  }

  void write_value(const Type& type, const Vector& column, std::uint32_t row, TextWriter& writer) const noexcept {
    if (type.id == TypeId::kString) {
      writer.put('"');
      std::string_view rest = column.values<StringRef>()[row].view();
      while (!rest.empty()) {  // in pieces, so that the room asked for is not six times a long text
        const std::string_view piece = rest.substr(0, 32);
        char escaped[32 * kJsonEscapeMax];
        const char* const end = escape_json(piece, escaped);
        writer.put(std::string_view(escaped, static_cast<std::size_t>(end - escaped)));
        rest.remove_prefix(piece.size());
      }
      writer.put('"');
      return;
    }
    if (type.id == TypeId::kBytes) {
      const std::string_view bytes = column.values<StringRef>()[row].view();
      writer.put('"');
      writer.put_with(base64_encoded_size(bytes.size()), [&](char* at) { return base64_encode(bytes, at); });
      writer.put('"');
      return;
    }
    char text[kPlainTextMax + 2];
    char* end = text;
    const bool quoted = is_quoted(type, column, row);
    if (quoted) *end++ = '"';
    end = format_plain(type, column, row, {options_.iso_timestamps ? 'T' : ' '}, end);
    if (quoted) *end++ = '"';
    writer.put(std::string_view(text, static_cast<std::size_t>(end - text)));
  }

  Schema schema_;
  JsonOptions options_;
  std::vector<std::string> keys_;  // "name":
};

}  // namespace

std::span<const OptionHelp> json_option_help() {
  return kOptions;
}

Result<JsonOptions> json_options(const FormatContext& context) {
  WEIR_ASSIGN(const FormatOptions options, FormatOptions::create(context, kOptions));
  JsonOptions json;
  constexpr std::string_view kStandards[] = {"SQL", "ISO-8601"};
  constexpr std::string_view kNullKeys[] = {"FAIL", "DROP", "LITERAL"};
  WEIR_ASSIGN(json.ignore_errors, options.boolean("json.ignore-parse-errors"));
  WEIR_ASSIGN(json.fail_on_missing, options.boolean("json.fail-on-missing-field"));
  WEIR_ASSIGN(json.skip_null_fields, options.boolean("json.encode.ignore-null-fields"));
  WEIR_TRY(options.boolean("json.encode.decimal-as-plain-number"));
  WEIR_TRY(options.choice("json.map-null-key.mode", kNullKeys));
  WEIR_ASSIGN(const std::size_t standard, options.choice("json.timestamp-format.standard", kStandards));
  json.iso_timestamps = standard == 1;
  if (json.ignore_errors && json.fail_on_missing) {
    return Error(ErrorCode::kSqlInvalidOption,
                 "json.fail-on-missing-field and json.ignore-parse-errors cannot both be true");
  }
  return json;
}

Result<std::unique_ptr<Decoder>> make_json_decoder(const FormatContext& context) {
  WEIR_ASSIGN(const JsonOptions options, json_options(context));
  WEIR_TRY(check_record_bytes_max(context));
  WEIR_ASSIGN(std::vector<FieldTarget> targets, field_targets(context));
  JsonIndex lines, line;
  WEIR_TRY(lines.allocate(JsonDecoder::kWindowMax));
  WEIR_TRY(line.allocate(context.record_bytes_max));
  return std::unique_ptr<Decoder>(
      new JsonDecoder(std::move(targets), context, options, std::move(lines), std::move(line)));
}

Result<std::unique_ptr<Encoder>> make_json_encoder(const FormatContext& context) {
  WEIR_ASSIGN(const JsonOptions options, json_options(context));
  for (const Field& field : context.schema.fields) WEIR_TRY(check_text_type(context, field));
  return std::unique_ptr<Encoder>(new JsonEncoder(context.schema, options));
}

}  // namespace weir::detail
