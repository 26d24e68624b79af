// What the tests of windowed aggregation share: random rows, an oracle that recomputes windows from them by the rules
// alone, and a chain of operators under a sink that refuses at random.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/last_text.h"
#include "weir/core/batch.h"
#include "weir/pipeline/operators.h"

namespace weir::test {

inline constexpr std::int64_t kMs = 1'000'000;

struct TestRow {
  std::int64_t time = 0;
  std::optional<std::int64_t> key;
  std::optional<std::string> key_text;
  std::optional<std::int64_t> value;
  std::optional<double> number;
  std::optional<std::string> text;
  std::optional<bool> flag;
  Int128 decimal = 0;
  std::uint32_t input = 0;
  std::uint64_t arrival = 0;  ///< RowOrder::arrival.
};

/// ts, k, ks, v, d, s, f, m
inline Schema row_schema(TypeId key_type) {
  Type time = Type::timestamp(3);
  time.nullable = false;
  Type decimal = Type::decimal(38, 2);
  decimal.nullable = false;
  Schema schema;
  schema.fields = {{"ts", time},           {"k", Type::of(key_type)}, {"ks", Type::string()}, {"v", Type::bigint()},
                   {"d", Type::float64()}, {"s", Type::string()},     {"f", Type::boolean()}, {"m", decimal}};
  return schema;
}

/// Memory of one batch.
class OwnBatch {
 public:
  OwnBatch(const Schema& schema, std::uint32_t capacity, std::size_t heap_bytes) {
    for (const Field& field : schema.fields) columns_.push_back(field.type.physical());
    const BatchLayout layout{columns_, capacity, heap_bytes, true, false};
    memory_.reset(static_cast<char*>(::operator new (layout.bytes(), std::align_val_t{64})));
    batch_ = Batch::create(layout, memory_.get());
  }
  Batch& operator*() { return *batch_; }
  Batch* operator->() { return batch_; }

 private:
  struct Free {
    void operator()(char* memory) const { ::operator delete (memory, std::align_val_t{64}); }
  };
  std::vector<Physical> columns_;
  std::unique_ptr<char, Free> memory_;
  Batch* batch_ = nullptr;
};

template <class T>
void put_value(Vector& vector, std::uint32_t row, const std::optional<T>& value) {
  if (vector.validity != nullptr) vector.set_valid(row, value.has_value());
  if (value.has_value()) vector.values<T>()[row] = *value;
}

inline void put_text(Batch& batch, std::uint32_t column, std::uint32_t row, const std::optional<std::string>& text) {
  Vector& vector = batch.column(column);
  vector.set_valid(row, text.has_value());
  vector.values<StringRef>()[row] = StringRef();
  if (text.has_value()) WEIR_CHECK(batch.heap().store(*text, vector.values<StringRef>()[row]));
}

inline void put_integer(Vector& vector, std::uint32_t row, const std::optional<std::int64_t>& value) {
  vector.set_valid(row, value.has_value());
  const std::int64_t number = value.value_or(0);
  switch (vector.physical) {
    case Physical::kInt8:
      vector.values<std::int8_t>()[row] = static_cast<std::int8_t>(number);
      break;
    case Physical::kInt16:
      vector.values<std::int16_t>()[row] = static_cast<std::int16_t>(number);
      break;
    case Physical::kInt32:
      vector.values<std::int32_t>()[row] = static_cast<std::int32_t>(number);
      break;
    case Physical::kDouble:
      vector.values<double>()[row] = static_cast<double>(number);
      break;
    default:
      vector.values<std::int64_t>()[row] = number;
      break;
  }
}

inline void put_row(Batch& batch, std::uint32_t at, const TestRow& row) {
  batch.column(0).values<std::int64_t>()[at] = row.time;
  put_integer(batch.column(1), at, row.key);
  put_text(batch, 2, at, row.key_text);
  put_value(batch.column(3), at, row.value);
  put_value(batch.column(4), at, row.number);
  put_text(batch, 5, at, row.text);
  batch.column(6).set_valid(at, row.flag.has_value());
  batch.column(6).values<std::int8_t>()[at] = row.flag.value_or(false) ? 1 : 0;
  batch.column(7).values<Int128>()[at] = row.decimal;
}

inline std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}
inline std::string int128_text(Int128 value) {
  if (value == 0) return "0";
  std::string digits;
  for (Int128 rest = value; rest != 0; rest /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + std::abs(static_cast<int>(rest % 10))));
  return value < 0 ? "-" + digits : digits;
}

inline std::string cell_text(const Vector& vector, std::uint32_t row) {
  if (!vector.is_valid(row)) return "NULL";
  switch (vector.physical) {
    case Physical::kInt8:
      return std::to_string(vector.values<std::int8_t>()[row]);
    case Physical::kInt16:
      return std::to_string(vector.values<std::int16_t>()[row]);
    case Physical::kInt32:
      return std::to_string(vector.values<std::int32_t>()[row]);
    case Physical::kInt64:
      return std::to_string(vector.values<std::int64_t>()[row]);
    case Physical::kInt128:
      return int128_text(vector.values<Int128>()[row]);
    case Physical::kFloat:
      return number_text(vector.values<float>()[row]);
    case Physical::kDouble:
      return number_text(vector.values<double>()[row]);
    default:
      return "'" + std::string(vector.values<StringRef>()[row].view()) + "'";
  }
}

/// A row as text: its cells with | between them.
inline std::string row_text(const Batch& batch, std::uint32_t row) {
  std::string line;
  for (std::uint32_t c = 0; c < batch.column_count(); ++c)
    line += (c == 0 ? "" : "|") + cell_text(batch.column(c), row);
  return line;
}
/// Calls take(row number, text) for the rows of a batch that count.
template <class Take>
void each_row_text(const Batch& batch, Take&& take) {
  for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
    const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
    take(row, row_text(batch, row));
  }
}

/// Keeps what reaches it as text, and accepts only now and then where told so.
class CollectingSink final : public Operator {
 public:
  explicit CollectingSink(std::mt19937* refuse = nullptr) : refuse_(refuse) {}
  bool accepts() const noexcept override { return open_; }
  void push(Batch& batch) override {
    WEIR_CHECK(open_);
    each_row_text(batch, [&](std::uint32_t, std::string line) {
      rows.push_back(std::move(line));
      headers.push_back(batch.header());
    });
    ledger_.rows_in += batch.selected_count();
    roll();
  }
  void control(const Control& control) override {
    WEIR_CHECK(open_);
    controls.push_back(control);
    rows_at_control.push_back(rows.size());
    roll();
  }
  std::size_t resume() override { return 0; }
  std::string_view name() const noexcept override { return "collecting sink"; }
  /// Lets the next call in, perhaps.
  void roll() { open_ = refuse_ == nullptr || (*refuse_)() % 3 != 0; }

  std::vector<std::string> rows;
  std::vector<BatchHeader> headers;
  std::vector<Control> controls;
  std::vector<std::size_t> rows_at_control;

 private:
  std::mt19937* refuse_;
  bool open_ = true;
};

/// Takes the batches of a local aggregate and pushes them on to a merging one.
class ForwardingSink final : public Operator {
 public:
  std::vector<Watermark>* watermarks = nullptr;  // one a sender
  std::size_t sender = 0;
  Operator* merge = nullptr;
  std::size_t* ended = nullptr;
  bool accepts() const noexcept override { return merge->accepts(); }
  void push(Batch& batch) override { merge->push(batch); }
  void control(const Control& control) override {
    const bool end = control.kind == Control::Kind::kEndOfInput;
    if (end && ++*ended == watermarks->size()) return merge->control(control);
    (*watermarks)[sender] = end ? kWatermarkEnd : control.value;
    Watermark least = kWatermarkEnd;
    for (const Watermark watermark : *watermarks) least = std::min(least, watermark);
    if (least != kWatermarkNone && least != kWatermarkEnd) merge->control({Control::Kind::kWatermark, least});
  }
  std::size_t resume() override { return 0; }
  std::string_view name() const noexcept override { return "forwarding sink"; }
};

/// The oracle's accumulators of one key in one window.
struct OracleGroup {
  std::int64_t rows = 0, values = 0, flagged = 0, flagged_values = 0, numbers = 0;
  Int128 sum = 0, flagged_sum = 0, decimals = 0;
  std::int64_t least = 0, greatest = 0;
  double number_sum = 0;
  std::optional<double> number_least, number_greatest;
  std::optional<std::string> text_least, text_greatest;
  std::int64_t flags = 0;
  std::optional<std::string> last, flagged_last;
  RowOrder last_order, flagged_last_order;

  static bool number_before(double a, double b) {
    if (std::isnan(a)) return false;
    return std::isnan(b) || a < b;
  }
  void add(const TestRow& row) {
    ++rows;
    decimals += row.decimal;
    const bool flag = row.flag.value_or(false);
    flagged += flag ? 1 : 0;
    if (row.value.has_value()) {
      least = values == 0 ? *row.value : std::min(least, *row.value);
      greatest = values == 0 ? *row.value : std::max(greatest, *row.value);
      ++values;
      sum += *row.value;
      if (flag) flagged_sum += *row.value;
      flagged_values += flag ? 1 : 0;
    }
    if (row.number.has_value()) {
      ++numbers;
      number_sum += *row.number;
      if (!number_least || number_before(*row.number, *number_least)) number_least = row.number;
      if (!number_greatest || number_before(*number_greatest, *row.number)) number_greatest = row.number;
    }
    flags += row.flag.has_value() ? 1 : 0;
    const RowOrder order{row.time, row.arrival};
    const auto keep = [&](std::optional<std::string>& kept, RowOrder& place) {
      if (kept.has_value() && order < place) return;
      kept = row.text;
      place = order;
    };
    if (row.text.has_value()) {
      keep(last, last_order);
      if (flag) keep(flagged_last, flagged_last_order);
      if (!text_least || *row.text < *text_least) text_least = row.text;
      if (!text_greatest || *text_greatest < *row.text) text_greatest = row.text;
    }
  }
  std::string text() const {
    const auto opt = [](bool there, const std::string& text) { return there ? text : std::string("NULL"); };
    const auto quoted = [](const std::optional<std::string>& t) { return t ? "'" + *t + "'" : std::string("NULL"); };
    return std::to_string(rows) + "|" + std::to_string(values) + "|" + opt(values != 0, int128_text(sum)) + "|" +
           opt(values != 0, int128_text(values == 0 ? 0 : sum / values)) + "|" +
           opt(values != 0, std::to_string(least)) + "|" + opt(values != 0, std::to_string(greatest)) + "|" +
           opt(numbers != 0, number_text(number_sum)) + "|" + opt(numbers != 0, number_text(number_least.value_or(0))) +
           "|" + opt(numbers != 0, number_text(number_greatest.value_or(0))) + "|" + quoted(text_least) + "|" +
           quoted(text_greatest) + "|" + opt(flagged_values != 0, int128_text(flagged_sum)) + "|" +
           std::to_string(flagged) + "|" + int128_text(decimals) + "|" + opt(flags != 0, flagged == flags ? "1" : "0") +
           "|" + quoted(last) + "|" + quoted(flagged_last);
  }
};

/// The aggregates that OracleGroup::text prints, over row_schema.
inline std::vector<AggregateColumn> all_aggregates() {
  std::vector<AggregateColumn> all = {
      {"COUNT", {}, -1, {}, "rows"},      {"COUNT", {3}, -1, {}, "values"},  {"SUM", {3}, -1, {}, "sum"},
      {"AVG", {3}, -1, {}, "avg"},        {"MIN", {3}, -1, {}, "min"},       {"MAX", {3}, -1, {}, "max"},
      {"SUM", {4}, -1, {}, "number_sum"}, {"MIN", {4}, -1, {}, "dmin"},      {"MAX", {4}, -1, {}, "dmax"},
      {"MIN", {5}, -1, {}, "smin"},       {"MAX", {5}, -1, {}, "smax"},      {"SUM", {3}, 6, {}, "fsum"},
      {"COUNT", {}, 6, {}, "fcount"},     {"SUM", {7}, -1, {}, "msum"},      {"BOOL_AND", {6}, -1, {}, "all"},
      {"LAST_TEXT", {5}, -1, {}, "last"}, {"LAST_TEXT", {5}, 6, {}, "flast"}};
  const auto last_text = std::make_shared<const AggregateDefinition>(last_text_definition());
  for (AggregateColumn& column : all)
    if (column.name == last_text->name) column.definition = last_text;
  return all;
}

inline std::int64_t floor_to(std::int64_t time, std::int64_t size, std::int64_t offset) {
  std::int64_t rest = (time - offset) % size;
  if (rest < 0) rest += size;
  return time - rest;
}

/// Windows of a time as [start, end), by the definitions.
inline std::vector<std::pair<std::int64_t, std::int64_t>> windows_of(std::int64_t time, const WindowSpec& spec) {
  std::vector<std::pair<std::int64_t, std::int64_t>> windows;
  if (spec.kind == WindowKind::kTumble) {
    const std::int64_t start = floor_to(time, spec.size_ns, spec.offset_ns);
    windows.push_back({start, start + spec.size_ns});
  } else if (spec.kind == WindowKind::kHop) {
    for (std::int64_t start = floor_to(time, spec.slide_ns, spec.offset_ns); start > time - spec.size_ns;
         start -= spec.slide_ns)
      windows.push_back({start, start + spec.size_ns});
  } else {
    const std::int64_t start = floor_to(time, spec.size_ns, spec.offset_ns);
    for (std::int64_t end = start + spec.slide_ns; end <= start + spec.size_ns; end += spec.slide_ns)
      if (end > time) windows.push_back({start, end});
  }
  return windows;
}

struct OracleAnswer {
  std::vector<std::string> rows;  // sorted
  std::uint64_t late = 0;
};

/// Recomputes all windows. `key_text` gives the key's cells with a trailing '|'.
template <class KeyText>
OracleAnswer oracle(const std::vector<TestRow>& rows, const WindowSpec& spec, std::int64_t delay, KeyText key_text) {
  std::map<std::uint32_t, std::int64_t> watermarks;
  std::map<std::pair<std::string, std::pair<std::int64_t, std::int64_t>>, OracleGroup> groups;
  OracleAnswer answer;
  for (const TestRow& row : rows) {
    auto [watermark, first] = watermarks.try_emplace(row.input, kWatermarkNone);
    bool on_time = false;
    for (const auto& window : windows_of(row.time, spec)) {
      if (window.second - spec.tick_ns <= watermark->second) continue;
      on_time = true;
      groups[{key_text(row), window}].add(row);
    }
    answer.late += on_time ? 0 : 1;
    watermark->second = std::max(watermark->second, row.time - delay);
  }
  for (const auto& [where, group] : groups)
    answer.rows.push_back(where.first + std::to_string(where.second.first) + "|" + std::to_string(where.second.second) +
                          "|" + std::to_string(where.second.second - spec.tick_ns) + "|" + group.text());
  std::sort(answer.rows.begin(), answer.rows.end());
  return answer;
}

}  // namespace weir::test
