// datagen: rows made by rule, with Flink's options. Every value is a function of the seed, the field and the row's
// number, so the same table gives the same rows whatever the shards, batch size or run.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "connectors/connectors.h"
#include "connectors/options.h"
#include "weir/core/suggest.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir {
namespace {

constexpr OptionHelp kOptions[] = {
    {"rows-per-second", "10000", "rows a second of all inputs together; 0: as fast as can be"},
    {"number-of-rows", "", "rows in all; absent: without end"},
    {"weir.inputs", "1", "inputs, each with every n-th row and a watermark of its own"},
    {"weir.seed", "1", "of the random values"},
    {"weir.start-time", "1970-01-01 00:00:00", "time of the first row in TIMESTAMP fields of kind sequence"},
    {"fields.#.kind", "random", "random or sequence"},
    {"fields.#.min", "", "least random value"},
    {"fields.#.max", "", "greatest random value"},
    {"fields.#.start", "", "first value of a sequence"},
    {"fields.#.end", "", "last value of a sequence; the table ends there"},
    {"fields.#.length", "100", "characters of a random string"},
    {"fields.#.max-past", "0", "random timestamps lie up to that many milliseconds before start-time"},
    {"fields.#.null-rate", "0", "share of NULLs, 0 to 1"},
    {"fields.#.weir.step-ms", "1", "milliseconds between rows in TIMESTAMP fields of kind sequence"},
};

constexpr std::string_view kFieldOptions[] = {"kind",   "min",      "max",       "start",       "end",
                                              "length", "max-past", "null-rate", "weir.step-ms"};
constexpr std::uint64_t kInputsMax = 64;
constexpr std::uint32_t kStringLengthMax = 4096;

/// Counter-based random: the hash of seed, field and row. Source: Steele, Lea, Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014 (the finalizer of SplitMix64).
std::uint64_t draw(std::uint64_t seed, std::uint64_t field, std::uint64_t row) noexcept {
  std::uint64_t z = seed * 0x9E3779B97F4A7C15u + field * 0xD1B54A32D192ED03u + row * 0x8CB92BA72F3D8DD7u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// 0 … span-1, or any value for span 0. Source: Lemire, "Fast random integer generation in an interval", 2019 (without
/// the rejection: the bias is below 2^-64 * span).
std::uint64_t draw_below(std::uint64_t random, std::uint64_t span) noexcept {
  return span == 0 ? random : static_cast<std::uint64_t>((static_cast<Uint128>(random) * span) >> 64);
}

struct FieldRule {
  Type type;
  bool sequence = false;
  std::int64_t min = 0, max = 0;      // integers, and the start and end of a sequence
  double real_min = 0, real_max = 1;  // FLOAT, DOUBLE
  std::uint32_t length = 100;         // strings
  std::int64_t past_ns = 0;
  std::int64_t step_ns = 1'000'000;
  double null_rate = 0;
};

struct DatagenRules {
  std::vector<FieldRule> fields;
  std::uint64_t rows_per_second = 10000;
  std::uint64_t rows_max = std::numeric_limits<std::uint64_t>::max();
  std::uint32_t inputs = 1;
  std::uint64_t seed = 1;
  std::int64_t start_ns = 0;
};

Error bad_field(const TableContext& context, const std::string& key, const std::string& wants) {
  return Error(ErrorCode::kSqlInvalidOption, "option '" + key + "' of table " + context.table + " wants " + wants +
                                                 ", not '" + context.options.at(key) + "'");
}

std::int64_t integer_limit(TypeId id, bool greatest) {
  switch (id) {
    case TypeId::kTinyInt:
      return greatest ? 127 : -128;
    case TypeId::kSmallInt:
      return greatest ? 32767 : -32768;
    case TypeId::kInt:
      return greatest ? std::numeric_limits<std::int32_t>::max() : std::numeric_limits<std::int32_t>::min();
    default:
      return greatest ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
  }
}

/// Least and greatest value: min and max of random values, start and end of a sequence.
Result<void> read_range(const TableContext& context, const Field& field, const std::string& prefix, FieldRule& rule) {
  const OptionReader options(context.options, context.table);
  rule.min = rule.sequence ? 0 : integer_limit(field.type.id, false);
  rule.max = integer_limit(field.type.id, true);
  for (const auto& [name, target, real, of_sequence] :
       {std::tuple{"min", &rule.min, &rule.real_min, false}, std::tuple{"max", &rule.max, &rule.real_max, false},
        std::tuple{"start", &rule.min, &rule.real_min, true}, std::tuple{"end", &rule.max, &rule.real_max, true}}) {
    const std::string key = prefix + name;
    if (!options.has(key)) continue;
    if (of_sequence != rule.sequence) {
      return Error(ErrorCode::kSqlInvalidOption, "option '" + key + "' of table " + context.table + " is for kind " +
                                                     (of_sequence ? "sequence" : "random"))
          .with_hint(rule.sequence ? "a sequence has start and end" : "random values have min and max");
    }
    const std::string& text = context.options.at(key);
    const bool fits = field.type.is_float() ? parse_double(text, *real) == TextStatus::kOk && std::isfinite(*real)
                                            : parse_int64(text, *target) == TextStatus::kOk &&
                                                  *target >= integer_limit(field.type.id, false) &&
                                                  *target <= integer_limit(field.type.id, true);
    if (!fits) return bad_field(context, key, "a value of " + field.type.to_string());
  }
  if (rule.min <= rule.max && rule.real_min <= rule.real_max) return {};
  return Error(ErrorCode::kSqlInvalidOption, "the " + std::string(rule.sequence ? "end" : "max") + " of field " +
                                                 field.name + " of table " + context.table + " lies below its " +
                                                 (rule.sequence ? "start" : "min"))
      .with_hint("the defaults are 0 and the type's greatest value; 0 and 1 for FLOAT and DOUBLE");
}

Result<FieldRule> read_field(const TableContext& context, const Field& field) {
  FieldRule rule;
  rule.type = field.type;
  const OptionReader options(context.options, context.table);
  const std::string prefix = "fields." + field.name + ".";
  const std::string kind = options.text(prefix + "kind", "random");
  if (kind != "random" && kind != "sequence") return bad_field(context, prefix + "kind", "random or sequence");
  rule.sequence = kind == "sequence";
  if (rule.sequence && !field.type.is_integer() && !field.type.is_timestamp()) {
    return bad_field(context, prefix + "kind", "random, since a " + field.type.to_string() + " has no sequence");
  }
  WEIR_TRY(read_range(context, field, prefix, rule));
  WEIR_ASSIGN(const std::uint64_t length, options.number(prefix + "length", 100, 1, kStringLengthMax));
  rule.length = static_cast<std::uint32_t>(length);
  WEIR_ASSIGN(const std::uint64_t past, options.number(prefix + "max-past", 0, 0, 1ull << 40));
  rule.past_ns = static_cast<std::int64_t>(past) * 1'000'000;
  WEIR_ASSIGN(const std::uint64_t step, options.number(prefix + "weir.step-ms", 1, 0, 1ull << 32));
  rule.step_ns = static_cast<std::int64_t>(step) * 1'000'000;
  if (options.has(prefix + "null-rate")) {
    const std::string& text = context.options.at(prefix + "null-rate");
    if (parse_double(text, rule.null_rate) != TextStatus::kOk || !(rule.null_rate >= 0) || rule.null_rate > 1) {
      return bad_field(context, prefix + "null-rate", "a number of 0 to 1");
    }
  }
  switch (field.type.id) {
    case TypeId::kNull:
    case TypeId::kRow:
    case TypeId::kArray:
    case TypeId::kMap:
      return Error(ErrorCode::kUnsupported,
                   "datagen cannot make column " + field.name + " of type " + field.type.to_string());
    default:
      return rule;
  }
}

Result<void> check_field_options(const TableContext& context) {
  for (const auto& [name, value] : context.options) {
    if (!name.starts_with("fields.")) continue;
    bool known = false;
    for (const Field& field : context.schema.fields) {
      for (std::string_view option : kFieldOptions)
        known = known || name == "fields." + field.name + "." + std::string(option);
    }
    if (!known) {
      return Error(ErrorCode::kSqlUnknownOption, "unknown option '" + name + "'")
          .with_hint("options of a field are fields.<column>." + list_names(kFieldOptions));
    }
  }
  return {};
}

Result<DatagenRules> read_rules(const TableContext& context) {
  WEIR_TRY(check_field_options(context));
  const OptionReader options(context.options, context.table);
  DatagenRules rules;
  WEIR_ASSIGN(rules.rows_per_second, options.number("rows-per-second", 10000, 0, 10'000'000'000));
  WEIR_ASSIGN(rules.rows_max, options.number("number-of-rows", rules.rows_max, 0, 1ull << 62));
  WEIR_ASSIGN(const std::uint64_t inputs, options.number("weir.inputs", 1, 1, kInputsMax));
  rules.inputs = static_cast<std::uint32_t>(inputs);
  WEIR_ASSIGN(rules.seed, options.number("weir.seed", 1, 0, 1ull << 62));
  const std::string start = options.text("weir.start-time", "1970-01-01 00:00:00");
  if (parse_timestamp(start, kTimestampPrecisionMax, rules.start_ns) != TextStatus::kOk) {
    return Error(ErrorCode::kSqlInvalidOption,
                 "option 'weir.start-time' of table " + context.table + " wants a timestamp, not '" + start + "'");
  }
  for (const Field& field : context.schema.fields) {
    WEIR_ASSIGN(FieldRule rule, read_field(context, field));
    // A sequence ends at its end, or where its type does; a BIGINT without an end goes on for ever.
    if (rule.sequence && rule.max != std::numeric_limits<std::int64_t>::max()) {
      const std::uint64_t last = static_cast<std::uint64_t>(rule.max) - static_cast<std::uint64_t>(rule.min);
      rules.rows_max = std::min(rules.rows_max, last + 1 == 0 ? last : last + 1);
    }
    rules.fields.push_back(std::move(rule));
  }
  std::size_t strings = 0;
  for (const FieldRule& rule : rules.fields) strings += rule.type.is_string() ? rule.length : 0;
  if (strings > context.record_bytes_max) {
    return Error(ErrorCode::kLimitExceeded, "the strings of one row of table " + context.table + " take " +
                                                std::to_string(strings) + " bytes; record_bytes_max is " +
                                                std::to_string(context.record_bytes_max));
  }
  return rules;
}

/// One input: rows input, input + n, input + 2n, …
class DatagenReader final : public RowReader {
 public:
  DatagenReader(const DatagenRules& rules, std::vector<DecodedColumn> columns, std::uint32_t input, Clock& clock)
      : rules_(rules), columns_(std::move(columns)), clock_(clock), next_(input) {
    for (const DecodedColumn& column : columns_) {
      const FieldRule& rule = rules_.fields[column.source_index];
      if (rule.type.is_string() && rule.length > StringRef::kInlineMax) heap_bytes_per_row_ += rule.length;
    }
  }

  ReadStatus read(Batch& batch) override {
    if (draining_ || next_ >= rules_.rows_max) return ReadStatus::kEnd;
    const std::uint64_t allowed = rows_allowed();
    if (allowed == 0) return ReadStatus::kPending;
    const std::uint64_t left = (rules_.rows_max - next_ + rules_.inputs - 1) / rules_.inputs;
    auto rows = static_cast<std::uint32_t>(std::min<std::uint64_t>({batch.capacity(), allowed, left}));
    if (heap_bytes_per_row_ != 0) {
      const std::size_t fit = batch.heap().available() / heap_bytes_per_row_;
      WEIR_CHECK(fit != 0);
      rows = static_cast<std::uint32_t>(std::min<std::size_t>(rows, fit));
    }
    for (const DecodedColumn& column : columns_) {
      fill(column.source_index, batch.column(column.batch_column), batch, rows);
    }
    batch.set_row_count(rows);
    const std::int64_t now = clock_.wall_ns();
    batch.header().ingest_time_min = batch.header().ingest_time_max = now;
    next_ += std::uint64_t{rows} * rules_.inputs;
    made_ += rows;
    return ReadStatus::kRows;
  }
  void drain() override { draining_ = true; }
  const Error& error() const noexcept override {
    WEIR_CHECK(false);
    __builtin_unreachable();
  }
  std::uint64_t bytes() const noexcept override { return 0; }
  std::uint64_t records() const noexcept override { return made_; }

 private:
  std::uint64_t rows_allowed() {
    if (rules_.rows_per_second == 0) return std::numeric_limits<std::uint64_t>::max();
    const std::int64_t now = clock_.now_ns();
    if (!start_.has_value()) start_ = now;
    const double due = static_cast<double>(now - *start_) * 1e-9 * static_cast<double>(rules_.rows_per_second) /
                       static_cast<double>(rules_.inputs);
    const auto whole = static_cast<std::uint64_t>(due) + 1;
    return whole > made_ ? whole - made_ : 0;
  }

  std::uint64_t row_number(std::uint32_t i) const noexcept { return next_ + std::uint64_t{i} * rules_.inputs; }

  void fill(std::uint32_t field, Vector& out, Batch& batch, std::uint32_t rows) {
    const FieldRule& rule = rules_.fields[field];
    for (std::uint32_t i = 0; i < rows; ++i) {
      const std::uint64_t row = row_number(i);
      const std::uint64_t random = draw(rules_.seed, field + 1, row);
      if (rule.null_rate > 0 && out.validity != nullptr) {
        const double share = static_cast<double>(draw(rules_.seed, ~std::uint64_t{field}, row) >> 11) * 0x1.0p-53;
        out.set_valid(i, share >= rule.null_rate);
      }
      switch (rule.type.id) {
        case TypeId::kBoolean:
          out.values<std::int8_t>()[i] = static_cast<std::int8_t>(random & 1);
          break;
        case TypeId::kTinyInt:
          out.values<std::int8_t>()[i] = static_cast<std::int8_t>(integer(rule, random, row));
          break;
        case TypeId::kSmallInt:
          out.values<std::int16_t>()[i] = static_cast<std::int16_t>(integer(rule, random, row));
          break;
        case TypeId::kInt:
          out.values<std::int32_t>()[i] = static_cast<std::int32_t>(integer(rule, random, row));
          break;
        case TypeId::kBigInt:
          out.values<std::int64_t>()[i] = integer(rule, random, row);
          break;
        case TypeId::kFloat:
          out.values<float>()[i] = static_cast<float>(real(rule, random));
          break;
        case TypeId::kDouble:
          out.values<double>()[i] = real(rule, random);
          break;
        case TypeId::kDecimal:
          decimal(rule, random, out, i);
          break;
        case TypeId::kString:
        case TypeId::kBytes:
          WEIR_CHECK(string(rule, field, row, batch.heap(), out.values<StringRef>()[i]));
          break;
        case TypeId::kDate:
          out.values<std::int32_t>()[i] = static_cast<std::int32_t>(draw_below(random, 36525));
          break;
        case TypeId::kTime:
          out.values<std::int64_t>()[i] = static_cast<std::int64_t>(draw_below(random, 86400)) * kNanosPerSecond;
          break;
        case TypeId::kTimestamp:
        case TypeId::kTimestampLtz:
          out.values<std::int64_t>()[i] = time(rule, random, row);
          break;
        default:
          WEIR_CHECK(false);
      }
    }
  }

  static std::int64_t integer(const FieldRule& rule, std::uint64_t random, std::uint64_t row) noexcept {
    if (rule.sequence) return static_cast<std::int64_t>(static_cast<std::uint64_t>(rule.min) + row);
    const std::uint64_t span = static_cast<std::uint64_t>(rule.max) - static_cast<std::uint64_t>(rule.min) + 1;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(rule.min) + draw_below(random, span));
  }
  static double real(const FieldRule& rule, std::uint64_t random) noexcept {
    return rule.real_min + (rule.real_max - rule.real_min) * (static_cast<double>(random >> 11) * 0x1.0p-53);
  }
  static void decimal(const FieldRule& rule, std::uint64_t random, Vector& out, std::uint32_t i) noexcept {
    std::uint64_t limit = 1;
    for (int digit = 0; digit < std::min<int>(rule.type.precision, 18); ++digit) limit *= 10;
    const auto value = static_cast<std::int64_t>(draw_below(random, limit));
    if (out.physical == Physical::kInt64)
      out.values<std::int64_t>()[i] = value;
    else
      out.values<Int128>()[i] = value;
  }
  bool string(const FieldRule& rule, std::uint32_t field, std::uint64_t row, StringHeap& heap, StringRef& out) const {
    char text[kStringLengthMax];
    for (std::uint32_t k = 0; k < rule.length; ++k) {
      text[k] = "0123456789abcdef"[draw(rules_.seed + k, field + 1, row) >> 60];
    }
    return heap.store({text, rule.length}, out);
  }
  std::int64_t time(const FieldRule& rule, std::uint64_t random, std::uint64_t row) const noexcept {
    if (rule.sequence) return rules_.start_ns + static_cast<std::int64_t>(row) * rule.step_ns;
    const std::uint64_t past_ms = static_cast<std::uint64_t>(rule.past_ns / 1'000'000);
    const auto back = static_cast<std::int64_t>(draw_below(random, past_ms + 1)) * 1'000'000;
    return rules_.start_ns + static_cast<std::int64_t>(row) * rule.step_ns - back;
  }

  const DatagenRules& rules_;
  std::vector<DecodedColumn> columns_;
  Clock& clock_;
  std::uint64_t next_;
  std::uint64_t made_ = 0;
  std::size_t heap_bytes_per_row_ = 0;
  std::optional<std::int64_t> start_;
  bool draining_ = false;
};

class DatagenSource final : public TableSource {
 public:
  DatagenSource(TableContext context, DatagenRules rules) : context_(std::move(context)), rules_(std::move(rules)) {}
  std::uint32_t input_count() const noexcept override { return rules_.inputs; }
  bool bounded() const noexcept override { return rules_.rows_max != std::numeric_limits<std::uint64_t>::max(); }
  Result<std::unique_ptr<RowReader>> open(std::uint32_t input, IoBackend& backend, const ReaderCallbacks&) override {
    return std::unique_ptr<RowReader>(
        std::make_unique<DatagenReader>(rules_, context_.columns, input, backend.clock()));
  }
  std::size_t reader_bytes() const noexcept override { return sizeof(DatagenReader); }
  std::string describe() const override {
    return "datagen, " + (bounded() ? std::to_string(rules_.rows_max) + " rows, " : std::string("without end, ")) +
           std::to_string(rules_.inputs) + (rules_.inputs == 1 ? " input" : " inputs");
  }

 private:
  TableContext context_;
  DatagenRules rules_;
};

Result<std::unique_ptr<TableSource>> make_datagen_table(const TableContext& context) {
  WEIR_ASSIGN(DatagenRules rules, read_rules(context));
  return std::unique_ptr<TableSource>(std::make_unique<DatagenSource>(context, std::move(rules)));
}

}  // namespace

const ConnectorEntry& datagen_connector() {
  static constexpr ConnectorEntry kEntry{"datagen", kOptions, false, make_datagen_table, nullptr};
  return kEntry;
}

}  // namespace weir
