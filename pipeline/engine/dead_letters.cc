// Keeping malformed records and making rows of them (dead_letters.h).
#include "engine/dead_letters.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "weir/io/text_bytes.h"

namespace weir {
namespace {

template <std::size_t Size>
std::uint32_t keep(std::string_view text, char (&to)[Size]) noexcept {
  const std::size_t size = std::min(text.size(), Size);
  std::memcpy(to, text.data(), size);
  return static_cast<std::uint32_t>(size);
}

/// Bytes above ASCII that do not make UTF-8 become '?', so that the record can stand in a STRING.
void make_text(char* bytes, std::size_t size) noexcept {
  if (is_valid_utf8({bytes, size})) return;
  for (std::size_t i = 0; i < size; ++i) {
    if (static_cast<unsigned char>(bytes[i]) >= 0x80) bytes[i] = '?';
  }
}

}  // namespace

DeadLetterQueue::DeadLetterQueue(FragmentContext& context, std::string table, std::vector<std::string> inputs,
                                 std::uint32_t at_once_max)
    : context_(context),
      table_(std::move(table)),
      inputs_(std::move(inputs)),
      entries_(kPauseAt + at_once_max + 1),
      batch_(dead_letter_schema(), context.batch_rows) {}

bool DeadLetterQueue::take(const BadRecord& record, std::size_t input) noexcept {
  if (count_ == entries_.size()) return false;
  Entry& entry = entries_[count_++];
  entry.record = record.record;
  entry.byte = record.byte;
  entry.input = static_cast<std::uint32_t>(input);
  entry.record_size = keep(record.text, entry.bytes);
  entry.reason_size = keep(record.reason, entry.reason);
  entry.column_size = keep(record.field, entry.column);
  (void)keep(record.text, entry.text);
  make_text(entry.text, entry.record_size);
  make_text(entry.reason, entry.reason_size);
  return true;
}

/// Writes an entry into a row of the batch; its strings stay in the queue. Returns the bytes of its long strings.
std::size_t DeadLetterQueue::put(const Entry& entry, std::uint32_t row) {
  std::size_t bytes = 0;
  const auto string = [&](std::uint32_t column, std::string_view text) {
    batch_->column(column).values<StringRef>()[row] = StringRef(text);
    if (text.size() > StringRef::kInlineMax) bytes += text.size();
  };
  const auto number = [&](std::uint32_t column, std::uint64_t value) {
    batch_->column(column).values<std::int64_t>()[row] = static_cast<std::int64_t>(value);
  };
  string(0, {entry.bytes, entry.record_size});
  string(1, {entry.text, entry.record_size});
  string(2, {entry.reason, entry.reason_size});
  string(3, {entry.column, entry.column_size});
  if (entry.column_size == 0) batch_->column(3).set_valid(row, false);
  number(4, entry.record);
  number(5, entry.byte);
  string(6, table_);
  string(7, inputs_[entry.input]);
  return bytes;
}

std::size_t DeadLetterQueue::push(Operator& to) {
  std::uint32_t given = 0;
  while (given != count_ && to.accepts() && !context_.failure.has_value()) {
    batch_->reset();
    std::uint32_t rows = 0;
    std::size_t bytes = 0;
    // An exchange or a waiting sink holds heap_bytes of strings a batch.
    while (given + rows != count_ && rows != batch_->capacity()) {
      bytes += put(entries_[given + rows], rows);
      if (rows != 0 && bytes > context_.heap_bytes) break;
      ++rows;
    }
    batch_->set_row_count(rows);
    given += rows;
    to.push(*batch_);
  }
  std::move(entries_.begin() + given, entries_.begin() + count_, entries_.begin());
  count_ -= given;
  return given;
}

}  // namespace weir
