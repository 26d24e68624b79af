// CSV to rows.
#include "formats/csv_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "formats/digits.h"
#include "weir/io/text_bytes.h"

namespace weir::detail {
namespace {

constexpr std::uint32_t kNoTarget = ~std::uint32_t{0};

std::string_view without_return(std::string_view record) noexcept {
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

}  // namespace

CsvDecoder::CsvDecoder(std::vector<FieldTarget> targets, const FormatContext& context, CsvOptions options)
    : LineDecoder(std::move(targets), context, options.ignore_errors),
      options_(std::move(options)),
      schema_(context.schema),
      field_count_(static_cast<std::uint32_t>(context.schema.size())),
      header_pending_(options_.header),
      index_(new CsvIndex),
      scratch_(new char[context.record_bytes_max + kReadPadding]) {
  for (std::uint32_t i = 0; i < targets_.size(); ++i) {
    field_of_target_.push_back(targets_[i].source_index);
    has_strings_ |= targets_[i].id == TypeId::kString;
  }
  order_targets();
}

void CsvDecoder::reset() noexcept {
  LineDecoder::reset();
  header_pending_ = options_.header;
  scanner_ = CsvRecordScanner();
}

void CsvDecoder::order_targets() {
  conversion_order_.clear();
  target_of_field_.assign(field_count_, kNoTarget);
  for (const bool strings : {false, true}) {
    for (std::uint32_t i = 0; i < targets_.size(); ++i) {
      const bool is_string = targets_[i].id == TypeId::kString || targets_[i].id == TypeId::kBytes;
      if (is_string == strings) conversion_order_.push_back(i);
    }
  }
  for (std::uint32_t i = 0; i < targets_.size(); ++i) target_of_field_[field_of_target_[i]] = i;
}

bool CsvDecoder::is_null(std::string_view field) const noexcept {
  return options_.has_null_literal && field == options_.null_literal;
}

// ---- the slow way: one record ----

bool CsvDecoder::next_field(std::string_view record, std::size_t* at, RawField& field) const {
  const CsvDialect& dialect = options_.dialect;
  std::size_t place = *at;
  field = RawField();
  if (dialect.quote != 0 && place < record.size() && record[place] == dialect.quote) {
    field.quoted = true;
    const std::size_t start = ++place;
    while (place < record.size()) {
      if (dialect.escape != 0 && record[place] == dialect.escape) {
        field.escaped = true;
        place += 2;
      } else if (record[place] != dialect.quote) {
        ++place;
      } else if (place + 1 < record.size() && record[place + 1] == dialect.quote) {
        field.escaped = true;
        place += 2;
      } else {
        break;
      }
    }
    if (place >= record.size()) return false;
    field.text = record.substr(start, place - start);
    ++place;
    if (place < record.size() && record[place] != dialect.delimiter) return false;
    *at = place + 1;
    return true;
  }
  const std::size_t start = place;
  while (place < record.size() && record[place] != dialect.delimiter) {
    const bool escape = dialect.escape != 0 && record[place] == dialect.escape;
    field.escaped |= escape;
    place += escape ? 2 : 1;
  }
  place = std::min(place, record.size());
  field.text = record.substr(start, place - start);
  *at = place + 1;
  return true;
}

std::string_view CsvDecoder::unescape(const RawField& field) {
  if (!field.escaped) return field.text;
  const CsvDialect& dialect = options_.dialect;
  std::size_t size = 0;
  for (std::size_t at = 0; at < field.text.size(); ++at) {
    const char character = field.text[at];
    const bool escape =
        (dialect.escape != 0 && character == dialect.escape) || (field.quoted && character == dialect.quote);
    if (escape && at + 1 < field.text.size()) ++at;
    scratch_[size++] = field.text[at];
  }
  return {scratch_.get(), size};
}

FieldStatus CsvDecoder::store(const FieldTarget& target, const RawField& field, bool checked, Vector& column,
                              std::uint32_t row, StringHeap& heap) {
  if (!field.quoted && is_null(field.text)) return store_null(target, column, row);
  const bool keeps_empty = target.id == TypeId::kString || (target.id == TypeId::kBytes && field.quoted);
  if (field.text.empty() && !keeps_empty) return store_null(target, column, row);
  return store_text(target, unescape(field), checked, column, row, heap);
}

LineDecoder::Outcome CsvDecoder::decode_one(std::string_view record, std::uint64_t byte, Call& call) {
  const std::string_view whole = record;
  record = without_return(record);
  if (record.empty() || (options_.dialect.comments && record[0] == '#')) return Outcome::kSkipped;
  if (header_pending_) return take_header(record, byte, call);
  const std::size_t heap_mark = call.out.heap().used();
  const std::uint32_t row = call.out.row_count();
  const auto malformed = [&](std::string_view reason) {
    restore_row(targets_, call.out, row);
    call.out.heap().rewind(heap_mark);
    return report(call, ErrorCode::kMalformedRecord, "", reason, whole, byte);
  };
  // The number of fields first: a record with the wrong number has no field that could be trusted.
  std::size_t at = 0;
  std::uint32_t fields = 0;
  RawField field;
  for (; at <= record.size(); ++fields) {
    if (!next_field(record, &at, field))
      return malformed("a quoted field is not closed, or text follows its closing quote");
  }
  if (fields != field_count_) {
    char reason[96];
    const auto end =
        fmt::format_to_n(reason, sizeof reason, "the record has {} fields; {} are wanted", fields, field_count_).out;
    return malformed({reason, static_cast<std::size_t>(end - reason)});
  }
  at = 0;
  for (std::uint32_t i = 0; i < fields; ++i) {
    next_field(record, &at, field);
    if (target_of_field_[i] == kNoTarget) continue;
    const FieldTarget& target = targets_[target_of_field_[i]];
    const FieldStatus status = store(target, field, false, call.out.column(target.batch_column), row, call.out.heap());
    if (status != FieldStatus::kOk) return refuse(call, status, target, field.text, whole, byte, heap_mark);
  }
  count_row(call);
  return Outcome::kRow;
}

LineDecoder::Outcome CsvDecoder::take_header(std::string_view record, std::uint64_t byte, Call& call) {
  header_pending_ = false;
  std::vector<std::string> names;
  RawField field;
  std::string reason;
  std::string_view missing;
  for (std::size_t at = 0; at <= record.size();) {
    if (!next_field(record, &at, field)) {
      reason = "the header has a quoted field that is not closed";
      break;
    }
    names.emplace_back(unescape(field));
  }
  for (std::uint32_t i = 0; i < targets_.size() && reason.empty(); ++i) {
    const auto found = std::find(names.begin(), names.end(), targets_[i].name);
    if (found == names.end()) {
      missing = targets_[i].name;
      reason = fmt::format("the header has no column '{}'; it has: {}", missing, fmt::join(names, ", "));
    } else {
      field_of_target_[i] = static_cast<std::uint32_t>(found - names.begin());
    }
  }
  if (!reason.empty()) {
    failed_ = true;
    return report(call, ErrorCode::kMissingField, missing, reason, record, byte);
  }
  field_count_ = static_cast<std::uint32_t>(names.size());
  order_targets();
  return Outcome::kSkipped;
}

std::size_t CsvDecoder::decode_slowly(std::string_view text, std::uint64_t byte, Call& call) {
  const std::size_t size = scanner_.find_end(options_.dialect, text.substr(0, record_bytes_max_ + 1), true);
  if (size == kNone) return 0;
  const Outcome outcome = decode_one(text.substr(0, size - 1), byte, call);
  no_room_ = outcome == Outcome::kNoRoom;
  return no_room_ ? 0 : size;
}

// ---- the fast way: runs of records ----

std::uint32_t CsvDecoder::equal_run(const std::uint32_t* record_ends, std::uint32_t records) const {
  const std::uint32_t* const ends = index_->ends.data();
  std::uint32_t count = 0;
  while (count < records) {
    const std::uint32_t first = record_ends[count], last = record_ends[count + 1];
    const std::size_t size = ends[last] - (ends[first] + 1);
    if (last - first != field_count_ || size <= 1 || size > record_bytes_max_) break;
    ++count;
  }
  return count;
}

std::size_t CsvDecoder::decode_records(std::string_view text, std::uint64_t byte, Call& call) {
  const bool plain = options_.dialect.escape == 0 && !options_.dialect.comments;
  std::size_t used = 0;
  const auto room = [&call] { return call.out.capacity() - call.out.row_count(); };
  const auto go_on = [&] { return used < text.size() && room() != 0 && !no_room_ && !call.result.stopped && !failed_; };
  while (go_on()) {
    const std::string_view rest = text.substr(used, std::max<std::size_t>(record_bytes_max_ + 1, 65536));
    std::uint32_t records = 0;
    if (plain && !header_pending_) {
      index_->build(options_.dialect, rest, std::min(room(), CsvIndex::kRecordsMax));
      records = index_->records;
    }
    if (records == 0) {
      const std::size_t size = decode_slowly(rest, byte + used, call);
      if (size == 0) return used;
      used += size;
      continue;
    }
    const std::uint32_t* const ends = index_->ends.data();
    const std::uint32_t* const record_ends = index_->record_ends.data();
    const bool checked = has_strings_ && is_valid_utf8(rest.substr(0, ends[record_ends[records]]));
    std::size_t done = 0;
    for (std::uint32_t record = 0; record < records && room() != 0;) {
      const std::uint32_t rows = equal_run(record_ends + record, std::min(records - record, room()));
      const std::uint32_t first_row = call.out.row_count();
      const std::uint32_t taken =
          rows == 0 ? 0 : decode_run({rest.data(), ends + record_ends[record], rows, first_row, checked}, call.out);
      records_ += taken;
      call.result.rows += taken;
      call.out.set_row_count(first_row + taken);
      record += taken;
      done = ends[record_ends[record]] + std::uint32_t{1};
      if (rows != 0 && taken == rows) continue;
      const std::size_t size = decode_slowly(rest.substr(done), byte + used + done, call);
      if (size == 0 || call.result.stopped) return used + done + size;
      ++record;
      done += size;
    }
    used += done;
  }
  return used;
}

std::uint32_t CsvDecoder::decode_run(Run run, Batch& out) {
  const std::uint32_t rows = run.rows;
  const std::size_t heap_mark = out.heap().used();
  for (const std::uint32_t i : conversion_order_) {
    if (run.rows == 0) break;
    run.rows = decode_column(run, targets_[i], out);
  }
  if (run.rows == 0) out.heap().rewind(heap_mark);
  for (std::uint32_t row = run.rows; row < rows; ++row) restore_row(targets_, out, run.first_row + row);
  return run.rows;
}

std::string_view CsvDecoder::field_of(const Run& run, std::uint32_t row, std::uint32_t field) const noexcept {
  const std::uint32_t* const end = run.ends + std::size_t{row} * field_count_ + field;
  const char* const begin = run.text + static_cast<std::uint32_t>(end[0] + 1);
  const char* stop = run.text + end[1];
  if (field + 1 == field_count_ && stop != begin && stop[-1] == '\r') --stop;
  return {begin, static_cast<std::size_t>(stop - begin)};
}

std::uint32_t CsvDecoder::decode_column(const Run& run, const FieldTarget& target, Batch& out) {
  Vector& column = out.column(target.batch_column);
  switch (target.id) {
    case TypeId::kTinyInt:
      return decode_integers<std::int8_t>(run, target, column);
    case TypeId::kSmallInt:
      return decode_integers<std::int16_t>(run, target, column);
    case TypeId::kInt:
      return decode_integers<std::int32_t>(run, target, column);
    case TypeId::kBigInt:
      return decode_integers<std::int64_t>(run, target, column);
    case TypeId::kString:
      return decode_strings(run, target, column, out.heap());
    default:
      return decode_others(run, target, column, out.heap());
  }
}

template <typename T>
std::uint32_t CsvDecoder::decode_integers(const Run& run, const FieldTarget& target, Vector& column) const {
  const std::uint32_t field = field_of_target_[static_cast<std::size_t>(&target - targets_.data())];
  T* const values = column.values<T>() + run.first_row;
  constexpr std::uint64_t kLimit = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  for (std::uint32_t row = 0; row < run.rows; ++row) {
    const std::string_view text = field_of(run, row, field);
    const bool negative = !text.empty() && text[0] == '-';
    const std::size_t size = text.size() - negative;
    std::uint64_t magnitude = 0;
    if (size - 1 < 19 && !options_.has_null_literal && digit_run<true>(text.data() + negative, size, magnitude) &&
        magnitude <= kLimit + negative) [[likely]] {
      values[row] = static_cast<T>(negative ? 0 - magnitude : magnitude);
      set_valid(column, run.first_row + row, true);
      continue;
    }
    // Rare: NULL, quotes, blanks, a sign, leading zeros; or something that the slow way will refuse.
    if (text.empty() || is_null(text)) {
      if (store_null(target, column, run.first_row + row) != FieldStatus::kOk) return row;
      continue;
    }
    std::int64_t value = 0;
    if (parse_int64(text, value) != TextStatus::kOk || value < std::numeric_limits<T>::min() ||
        value > std::numeric_limits<T>::max()) {
      return row;
    }
    values[row] = static_cast<T>(value);
    set_valid(column, run.first_row + row, true);
  }
  return run.rows;
}

std::uint32_t CsvDecoder::decode_strings(const Run& run, const FieldTarget& target, Vector& column, StringHeap& heap) {
  const std::uint32_t field = field_of_target_[static_cast<std::size_t>(&target - targets_.data())];
  StringRef* const values = column.values<StringRef>() + run.first_row;
  const char quote = options_.dialect.quote;
  for (std::uint32_t row = 0; row < run.rows; ++row) {
    const std::string_view text = field_of(run, row, field);
    if ((quote != 0 && !text.empty() && text[0] == quote) || (options_.has_null_literal && is_null(text))) {
      RawField raw{text, false, false};
      std::size_t at = 0;
      if (!is_null(text) && (!next_field(text, &at, raw) || at <= text.size())) return row;
      if (store(target, raw, run.checked, column, run.first_row + row, heap) != FieldStatus::kOk) return row;
      continue;
    }
    if (!run.checked && !is_valid_utf8(text)) return row;
    set_valid(column, run.first_row + row, true);
    if (text.size() <= StringRef::kInlineMax) [[likely]] {
      // Two loads of eight and masks instead of copies of a size known only now.
      const std::uint64_t head = load8(text.data());
      const std::uint64_t tail = load8(text.data() + 4);
      const std::size_t front = std::min<std::size_t>(text.size(), 4), back = text.size() - front;
      const std::uint64_t head_mask = (std::uint64_t{1} << (front * 8)) - 1;
      const std::uint64_t tail_mask = back == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (back * 8)) - 1;
      const std::uint64_t words[2] = {text.size() | ((head & head_mask) << 32), tail & tail_mask};
      std::memcpy(static_cast<void*>(values + row), words, sizeof words);
    } else if (!heap.store(text, values[row])) {
      return row;
    }
  }
  return run.rows;
}

std::uint32_t CsvDecoder::decode_others(const Run& run, const FieldTarget& target, Vector& column, StringHeap& heap) {
  const std::uint32_t field = field_of_target_[static_cast<std::size_t>(&target - targets_.data())];
  const char quote = options_.dialect.quote;
  for (std::uint32_t row = 0; row < run.rows; ++row) {
    RawField raw{field_of(run, row, field), false, false};
    if (quote != 0 && !raw.text.empty() && raw.text[0] == quote) return row;
    if (store(target, raw, true, column, run.first_row + row, heap) != FieldStatus::kOk) return row;
  }
  return run.rows;
}

}  // namespace weir::detail
