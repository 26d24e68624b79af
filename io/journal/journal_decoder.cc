// Frames to batches. A frame whose rows fit an empty batch is pointed at; else its rows are copied, as many at a time
// as there is room for. What is inside a frame is believed only after its check sum, and then still bounded.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "formats/decoded_field.h"
#include "formats/format_options.h"
#include "formats/unit_decoder.h"
#include "journal/journal_format.h"
#include "journal/journal_layout.h"
#include "weir/io/text_bytes.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_time.h"

namespace weir::detail {
namespace {

template <typename T>
T load(const char* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// A column of the table in the frame at hand.
struct ColumnView {
  const char* values = nullptr;
  const char* validity = nullptr;  // null: no NULL
  const char* text = nullptr;
  std::uint32_t text_bytes = 0;
  std::size_t width = 0;

  bool is_valid(std::uint32_t row) const noexcept {
    return validity == nullptr || ((load<std::uint64_t>(validity + row / 64 * 8) >> (row % 64)) & 1) != 0;
  }
};

class JournalDecoder final : public UnitDecoder {
 public:
  JournalDecoder(std::vector<FieldTarget> targets, Schema schema, std::size_t unit_bytes_max, bool ignore_errors,
                 bool may_borrow, std::uint64_t rows_left_out)
      : UnitDecoder("frame", unit_bytes_max, ignore_errors),
        targets_(std::move(targets)),
        schema_(std::move(schema)),
        views_(targets_.size()),
        columns_(targets_.size()),
        may_borrow_(may_borrow),
        rows_left_out_(rows_left_out) {
    for (const FieldTarget& target : targets_)
      has_strings_ = has_strings_ || target.id == TypeId::kString || target.id == TypeId::kBytes;
  }

 protected:
  std::size_t head_bytes() const noexcept override { return kJournalBlock; }

  std::size_t unit_bytes(std::span<const char> head) noexcept override {
    if (head.size() > kJournalBlock) return head.size();
    if (const std::size_t bytes = journal_header_bytes(head); bytes != 0) return bytes;
    if (!started_) return kLost;
    const auto frame = read_frame_header(head);
    return frame.has_value() ? frame->bytes : kJournalBlock;  // a block of damage
  }

  std::string_view lost_reason(std::span<const char>) override {
    return "the input does not begin as a journal does; nothing of it is read";
  }

  void forget() noexcept override {
    started_ = closed_ = damaged_ = judged_ = false;
    rows_seen_ = resume_row_ = 0;
  }

  Taken take(std::span<const char> unit, std::uint64_t byte, Call& call) override {
    if (journal_header_bytes(unit.first(kJournalBlock)) != 0) return take_header(unit, byte, call);
    const auto header = read_frame_header(unit.first(kJournalBlock));
    if (!header.has_value()) {
      if (!damaged_) {
        report(call, ErrorCode::kCorrupt, "", "no frame stands here; reading goes on at the next one",
               {unit.data(), unit.size()}, byte);
      }
      damaged_ = true;
      return Taken::kWhole;
    }
    if (!judge(*header, unit, byte, call)) return Taken::kWhole;
    if (call.result.stopped) return Taken::kAgain;
    const Taken taken = take_rows(*header, unit, byte, call);
    if (taken == Taken::kWhole) {
      resume_row_ = 0;
      judged_ = false;
      rows_seen_ = header->rows_before + header->rows;
    }
    return taken;
  }

  void end(Call& call, bool cut) override {
    if (!started_ || closed_ || cut) return;
    closed_ = true;
    report(call, ErrorCode::kTruncated, "",
           "the journal has no end frame: it was not closed, and rows behind the last frame may be missing", {},
           last_byte_);
  }

 private:
  Taken take_header(std::span<const char> unit, std::uint64_t byte, Call& call) {
    auto read = read_journal_header(unit);
    Result<void> bound;
    if (read.has_value()) bound = bind(*read);
    if (!read.has_value() || !bound.has_value()) {
      // As a csv header that does not fit: the input cannot be read at all.
      const Error& error = read.has_value() ? bound.error() : read.error();
      report(call, ErrorCode::kMissingField, "", error.message(), {unit.data(), unit.size()}, byte);
      call.result.stopped = true;
      give_up();
      return Taken::kWhole;
    }
    rows_seen_ = started_ ? 0 : rows_left_out_;
    started_ = true;
    closed_ = damaged_ = false;
    last_byte_ = byte;
    return Taken::kWhole;
  }

  /// Finds the table's columns among the journal's.
  Result<void> bind(const JournalSchema& journal) {
    journal_columns_ = journal.schema.size();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const int column = journal.schema.find(targets_[i].name);
      if (column < 0) {
        std::string names;
        for (const Field& field : journal.schema.fields) names += (names.empty() ? "" : ", ") + field.name;
        return Error(ErrorCode::kMissingField,
                     fmt::format("the journal has no column '{}'; it has {}", targets_[i].name, names));
      }
      const Type& there = journal.schema.fields[static_cast<std::size_t>(column)].type;
      const Type& here = schema_.fields[targets_[i].source_index].type;
      if (there.id != here.id || there.precision != here.precision || there.scale != here.scale) {
        return Error(ErrorCode::kMissingField, fmt::format("column '{}' is {} in the journal and {} in the table",
                                                           targets_[i].name, there.to_string(), here.to_string()));
      }
      columns_[i] = static_cast<std::uint32_t>(column);
    }
    return {};
  }

  /// Whether the frame has rows to take; reports what is wrong with it or before it.
  bool judge(const JournalFrameHeader& header, std::span<const char> unit, std::uint64_t byte, Call& call) {
    const FieldTarget* column = nullptr;
    if (judged_) {  // given again, perhaps at another place in memory
      (void)look_at(header, unit, false, &column);
      return true;
    }
    last_byte_ = byte;
    damaged_ = false;
    const std::string_view text(unit.data(), unit.size());
    if (!payload_is_whole(header, unit)) {
      report(call, ErrorCode::kCorrupt, "", "the frame's check sum is wrong", text, byte);
      if (header.kind == static_cast<std::uint32_t>(FrameKind::kRows)) rows_seen_ = header.rows_before + header.rows;
      return false;
    }
    if (header.kind == static_cast<std::uint32_t>(FrameKind::kEnd)) closed_ = true;
    const bool other_place = header.rows_before != rows_seen_;
    if (other_place) {
      char reason[160];
      const auto last = fmt::format_to_n(reason, sizeof reason, "{} rows came before the frame, {} were seen",
                                         header.rows_before, rows_seen_)
                            .out;
      report(call, ErrorCode::kSequenceGap, "", {reason, static_cast<std::size_t>(last - reason)}, text, byte);
      rows_seen_ = header.rows_before;
    }
    if (header.kind != static_cast<std::uint32_t>(FrameKind::kRows)) return false;
    if (const char* const wrong = look_at(header, unit, true, &column); wrong != nullptr) {
      report(call, ErrorCode::kCorrupt, column == nullptr ? std::string_view() : column->name, wrong, text, byte);
      rows_seen_ = header.rows_before + header.rows;
      return false;
    }
    judged_ = true;
    return true;
  }

  /// Bounds every part of the frame that a column of the table needs; returns what is wrong, or null.
  const char* look_at(const JournalFrameHeader& header, std::span<const char> unit, bool values,
                      const FieldTarget** column) {
    const std::size_t directory = sizeof header + journal_columns_ * sizeof(JournalColumn);
    if (directory > unit.size()) return "the frame is too short for its columns";
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const FieldTarget& target = targets_[i];
      *column = &target;
      const auto part = load<JournalColumn>(unit.data() + sizeof header + columns_[i] * sizeof(JournalColumn));
      ColumnView& view = views_[i];
      view.width = physical_size(schema_.fields[target.source_index].type.physical());
      const auto inside = [&](std::uint64_t at, std::uint64_t bytes) {
        return at % kJournalBlock == 0 && at >= sizeof header && at <= unit.size() && bytes <= unit.size() - at;
      };
      if (!inside(part.values, std::uint64_t{header.rows} * view.width)) return "the column's values lie outside";
      if (part.validity != 0 && !inside(part.validity, validity_words(header.rows) * 8))
        return "the column's validity lies outside";
      if (part.text_bytes != 0 && !inside(part.text, part.text_bytes)) return "the column's text lies outside";
      view.values = unit.data() + part.values;
      view.validity = part.validity == 0 ? nullptr : unit.data() + part.validity;
      view.text = unit.data() + part.text;
      view.text_bytes = part.text_bytes;
      if (!values) continue;
      if (const char* const wrong = look_at_values(target, view, header.rows); wrong != nullptr) return wrong;
    }
    *column = nullptr;
    return nullptr;
  }

  template <typename T, typename Outside>
  static const char* any_outside(const ColumnView& view, std::uint32_t rows, Outside outside) {
    bool found = false;
    for (std::uint32_t row = 0; row < rows; ++row) found |= outside(load<T>(view.values + row * sizeof(T)));
    return found ? "a value lies outside its type" : nullptr;
  }

  static const char* look_at_values(const FieldTarget& target, const ColumnView& view, std::uint32_t rows) {
    if (!target.nullable && view.validity != nullptr) {
      for (std::uint32_t row = 0; row < rows; ++row) {
        if (!view.is_valid(row)) return "NULL in a column that is NOT NULL";
      }
    }
    switch (target.id) {
      case TypeId::kBoolean:
        return any_outside<std::uint8_t>(view, rows, [](std::uint8_t value) { return value > 1; });
      case TypeId::kTime:
        return any_outside<std::int64_t>(view, rows,
                                         [](std::int64_t value) { return value < 0 || value >= kNanosPerDay; });
      case TypeId::kDecimal: {
        const Int128 limit = power_of_ten(target.precision);
        if (view.width == 16)
          return any_outside<Int128>(view, rows, [&](Int128 value) { return value >= limit || value <= -limit; });
        const auto limit64 = static_cast<std::int64_t>(limit);
        return any_outside<std::int64_t>(view, rows,
                                         [&](std::int64_t value) { return value >= limit64 || value <= -limit64; });
      }
      case TypeId::kString:
      case TypeId::kBytes:
        return look_at_strings(target, view, rows);
      default:
        return nullptr;
    }
  }

  static const char* look_at_strings(const FieldTarget& target, const ColumnView& view, std::uint32_t rows) {
    for (std::uint32_t row = 0; row < rows; ++row) {
      const auto ref = load<StringRef>(view.values + row * sizeof(StringRef));
      if (ref.is_inline()) {
        if (target.id == TypeId::kString && !is_valid_utf8(ref.view())) return "a text is not valid UTF-8";
        continue;
      }
      const auto offset = load<std::uint64_t>(ref.rest);
      if (offset > view.text_bytes || ref.size > view.text_bytes - offset) return "a text lies outside the frame";
      if (target.id == TypeId::kString && !is_valid_utf8({view.text + offset, ref.size}))
        return "a text is not valid UTF-8";
    }
    return nullptr;
  }

  static std::string_view text_at(const ColumnView& view, const StringRef& ref) noexcept {
    return ref.is_inline() ? ref.view() : std::string_view(view.text + load<std::uint64_t>(ref.rest), ref.size);
  }

  Taken take_rows(const JournalFrameHeader& header, std::span<const char> unit, std::uint64_t byte, Call& call) {
    note_times(header, call.out);
    const bool aligned = reinterpret_cast<std::uintptr_t>(unit.data()) % kVectorAlignment == 0;
    if (may_borrow_ && aligned && call.out.row_count() == 0 && resume_row_ == 0 && header.rows <= call.out.capacity()) {
      point_at(header.rows, call.out);
      count_rows(call, header.rows);
      call.result.borrowed = true;
      return Taken::kWhole;
    }
    while (resume_row_ < header.rows) {
      const std::uint32_t row = static_cast<std::uint32_t>(resume_row_);
      const std::uint32_t count =
          copy_run(row, std::min(header.rows - row, call.out.capacity() - call.out.row_count()), call.out);
      count_rows(call, count);
      resume_row_ += count;
      if (count != 0) continue;
      if (call.out.row_count() != 0) return Taken::kAgain;
      report(call, ErrorCode::kRecordTooLarge, "", "the strings of a row do not fit an empty batch",
             {unit.data(), unit.size()}, byte);
      ++resume_row_;
      if (call.result.stopped && resume_row_ < header.rows) return Taken::kAgain;
    }
    return Taken::kWhole;
  }

  void count_rows(Call& call, std::uint32_t rows) noexcept {
    call.out.set_row_count(call.out.row_count() + rows);
    add_rows(call, rows);
  }

  static void note_times(const JournalFrameHeader& header, Batch& out) noexcept {
    if (header.event_time_max < header.event_time_min) return;
    BatchHeader& about = out.header();
    about.event_time_min = std::min(about.event_time_min, header.event_time_min);
    about.event_time_max = std::max(about.event_time_max, header.event_time_max);
  }

  void point_at(std::uint32_t rows, Batch& out) noexcept {
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const ColumnView& view = views_[i];
      Vector& vector = out.column(targets_[i].batch_column);
      if (view.validity != nullptr && targets_[i].nullable)
        vector.validity = reinterpret_cast<std::uint64_t*>(const_cast<char*>(view.validity));
      if (vector.physical != Physical::kString) {
        vector.data = const_cast<char*>(view.values);  // read by everyone, written by none: reset() brings its own back
        continue;
      }
      for (std::uint32_t row = 0; row < rows; ++row) {
        const auto ref = load<StringRef>(view.values + row * sizeof(StringRef));
        vector.values<StringRef>()[row] = StringRef(text_at(view, ref));
      }
    }
  }

  /// Copies rows behind those of the batch; returns how many there was room for.
  std::uint32_t copy_run(std::uint32_t first, std::uint32_t count, Batch& out) noexcept {
    const std::uint32_t to = out.row_count();
    if (has_strings_) count = copy_strings(first, count, out);
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const ColumnView& view = views_[i];
      Vector& vector = out.column(targets_[i].batch_column);
      if (vector.physical != Physical::kString) {
        std::memcpy(static_cast<char*>(vector.data) + to * view.width, view.values + first * view.width,
                    count * view.width);
      }
      if (vector.validity == nullptr) continue;
      for (std::uint32_t row = 0; row < count; ++row) vector.set_valid(to + row, view.is_valid(first + row));
    }
    return count;
  }

  /// Row by row, so that a row that has no room takes none.
  std::uint32_t copy_strings(std::uint32_t first, std::uint32_t count, Batch& out) noexcept {
    const std::uint32_t to = out.row_count();
    for (std::uint32_t row = 0; row < count; ++row) {
      const std::size_t mark = out.heap().used();
      for (std::size_t i = 0; i < targets_.size(); ++i) {
        Vector& vector = out.column(targets_[i].batch_column);
        if (vector.physical != Physical::kString) continue;
        const auto ref = load<StringRef>(views_[i].values + (first + row) * sizeof(StringRef));
        if (out.heap().store(text_at(views_[i], ref), vector.values<StringRef>()[to + row])) continue;
        out.heap().rewind(mark);
        return row;
      }
    }
    return count;
  }

  std::vector<FieldTarget> targets_;
  Schema schema_;
  std::vector<ColumnView> views_;       // of the frame at hand, by target
  std::vector<std::uint32_t> columns_;  // of the journal, by target
  std::size_t journal_columns_ = 0;
  bool may_borrow_;
  std::uint64_t rows_left_out_;  // of the first journal
  bool has_strings_ = false;
  bool started_ = false;
  bool closed_ = false;
  bool damaged_ = false;  // behind a block that is no frame, up to the next frame
  bool judged_ = false;   // the frame at hand has been looked at
  std::uint64_t rows_seen_ = 0;
  std::uint64_t resume_row_ = 0;
  std::uint64_t last_byte_ = 0;
};

}  // namespace

Result<std::size_t> journal_frame_bytes_max(const FormatContext& context) {
  WEIR_ASSIGN(const FormatOptions options, FormatOptions::create(context, journal_option_help()));
  WEIR_ASSIGN(const std::size_t bytes, options.size("journal.frame-bytes-max", kJournalFrameBytesMax));
  return std::max(bytes == 0 ? std::size_t{1} << 20 : bytes, kJournalBufferBytesMin);
}

Result<std::unique_ptr<Decoder>> make_journal_decoder(const FormatContext& context) {
  WEIR_ASSIGN(const FormatOptions options, FormatOptions::create(context, journal_option_help()));
  WEIR_ASSIGN(const bool ignore, options.boolean("journal.ignore-parse-errors"));
  WEIR_ASSIGN(std::vector<FieldTarget> targets, field_targets(context));
  WEIR_ASSIGN(const std::size_t unit_bytes_max, journal_frame_bytes_max(context));
  return std::unique_ptr<Decoder>(new JournalDecoder(std::move(targets), context.schema, unit_bytes_max, ignore,
                                                     context.may_borrow, context.rows_left_out));
}

}  // namespace weir::detail
