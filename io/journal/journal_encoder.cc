// Batches to frames: columns are copied as they stand, rows that are not selected left out, NULLs made zeros.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "formats/format_options.h"
#include "journal/journal_format.h"
#include "journal/journal_layout.h"

namespace weir::detail {
namespace {

constexpr OptionHelp kOptions[] = {
    {"journal.frame-bytes-max", "1048576", "reading: longer frames are bad records (a frame fits its writer's buffer)"},
    {"journal.time-column", "", "TIMESTAMP, TIMESTAMP_LTZ or BIGINT column whose range each frame notes"},
    {"journal.ignore-parse-errors", "false", "reading: damaged frames are counted and skipped"},
};

/// Rows [first, first + count) of a batch, through its selection.
struct Rows {
  const Batch& batch;
  std::uint32_t first = 0;
  std::uint32_t count = 0;

  std::uint32_t at(std::uint32_t i) const noexcept {
    return batch.has_selection() ? batch.selection()[first + i] : first + i;
  }
};

template <typename T>
void gather(const Rows& rows, const void* from, char* to) noexcept {
  const T* const values = static_cast<const T*>(from);
  T* const out = reinterpret_cast<T*>(to);  // frames and columns in them are aligned
  for (std::uint32_t i = 0; i < rows.count; ++i) out[i] = values[rows.batch.selection()[rows.first + i]];
}

void copy_values(const Rows& rows, const Vector& vector, std::size_t width, char* to) noexcept {
  if (!rows.batch.has_selection()) {
    std::memcpy(to, static_cast<const char*>(vector.data) + rows.first * width, rows.count * width);
    return;
  }
  switch (width) {
    case 1:
      return gather<std::uint8_t>(rows, vector.data, to);
    case 2:
      return gather<std::uint16_t>(rows, vector.data, to);
    case 4:
      return gather<std::uint32_t>(rows, vector.data, to);
    case 8:
      return gather<std::uint64_t>(rows, vector.data, to);
    default:
      return gather<Int128>(rows, vector.data, to);
  }
}

bool has_null(const Rows& rows, const Vector& vector) noexcept {
  if (vector.validity == nullptr) return false;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    if (!vector.is_valid(rows.at(i))) return true;
  }
  return false;
}

class JournalEncoder final : public Encoder {
 public:
  JournalEncoder(Schema schema, std::string header, std::optional<std::uint32_t> time_column)
      : schema_(std::move(schema)),
        header_(std::move(header)),
        time_column_(time_column),
        has_nulls_(schema_.size()),
        texts_(schema_.size()) {}

  Result<std::size_t> encode(const Batch& batch, std::uint32_t* next, std::span<char> out) override {
    std::size_t at = 0;
    if (place_ == 0) {
      if (out.size() < header_.size()) return no_room(out.size());
      std::memcpy(out.data(), header_.data(), header_.size());
      at = header_.size();
    }
    at += write_watermark(batch, out.subspan(at));
    const std::uint32_t first = *next;
    while (*next < batch.selected_count()) {
      if (entry_count_ == kIndexEntriesMax) {
        if (out.size() - at < index_bytes()) break;
        at += write_index(out.subspan(at), at);
      }
      Rows rows{batch, *next, batch.selected_count() - *next};
      const std::size_t size = choose_rows(rows, out.size() - at);
      if (size == 0) break;
      write_rows(rows, out.subspan(at, size), at);
      at += size;
      *next += rows.count;
    }
    if (at == 0 && *next == first && first < batch.selected_count()) return no_room(out.size());
    place_ += at;
    return at;
  }

  std::size_t end_bytes() const noexcept override {
    return header_.size() + index_bytes() + sizeof(JournalFrameHeader);
  }

  std::size_t finish(std::span<char> out) override {
    std::size_t at = 0;
    if (place_ == 0) {
      std::memcpy(out.data(), header_.data(), header_.size());
      at = header_.size();
    }
    if (entry_count_ != 0) at += write_index(out.subspan(at), at);
    JournalFrameHeader end;
    end.kind = static_cast<std::uint32_t>(FrameKind::kEnd);
    end.rows_before = rows_;
    end.event_time_min = event_time_min_;
    end.event_time_max = event_time_max_;
    end.link = last_index_;
    seal_frame(end, out.subspan(at, sizeof end));
    place_ += at + sizeof end;
    return at + sizeof end;
  }

 private:
  static Error no_room(std::size_t room) {
    return Error(ErrorCode::kRecordTooLarge, fmt::format("a journal frame of one row takes more than {} bytes", room))
        .with_hint("raise weir.buffer-bytes");
  }
  std::size_t index_bytes() const noexcept {
    return entry_count_ == 0 ? 0 : sizeof(JournalFrameHeader) + journal_round(entry_count_ * sizeof(JournalIndexEntry));
  }

  /// Bytes of a frame of those rows; notes which columns have NULLs and how long their texts are.
  std::size_t measure(const Rows& rows) {
    std::size_t size = sizeof(JournalFrameHeader) + journal_round(schema_.size() * sizeof(JournalColumn));
    for (std::uint32_t c = 0; c < schema_.size(); ++c) {
      const Vector& vector = rows.batch.column(c);
      has_nulls_[c] = has_null(rows, vector);
      texts_[c] = 0;
      if (has_nulls_[c]) size += journal_round(validity_words(rows.count) * sizeof(std::uint64_t));
      size += journal_round(rows.count * physical_size(vector.physical));
      if (vector.physical != Physical::kString) continue;
      for (std::uint32_t i = 0; i < rows.count; ++i) {
        const std::uint32_t row = rows.at(i);
        if (vector.is_valid(row) && !vector.values<StringRef>()[row].is_inline())
          texts_[c] += vector.values<StringRef>()[row].size;
      }
      size += journal_round(texts_[c]);
    }
    return size;
  }

  /// Cuts the rows to as many as fit; returns the frame's bytes, 0 where not one does.
  std::size_t choose_rows(Rows& rows, std::size_t room) {
    room = std::min<std::size_t>(room, kJournalFrameBytesMax);
    std::size_t size = measure(rows);
    while (size > room) {
      // By proportion, and at most half as many once that was wrong.
      const std::uint32_t fewer = static_cast<std::uint32_t>(std::uint64_t{rows.count} * room / size);
      rows.count = std::min(fewer, rows.count - rows.count / 16 - 1);
      if (rows.count == 0) return 0;
      size = measure(rows);
    }
    return size;
  }

  void write_rows(const Rows& rows, std::span<char> frame, std::size_t in_output) {
    const std::size_t directory = journal_round(schema_.size() * sizeof(JournalColumn));
    std::memset(frame.data() + sizeof(JournalFrameHeader), 0, directory);
    std::size_t at = sizeof(JournalFrameHeader) + directory;
    for (std::uint32_t c = 0; c < schema_.size(); ++c) {
      JournalColumn column;
      write_column(rows, c, frame, at, column);
      std::memcpy(frame.data() + sizeof(JournalFrameHeader) + c * sizeof column, &column, sizeof column);
    }
    JournalFrameHeader header;
    header.kind = static_cast<std::uint32_t>(FrameKind::kRows);
    header.rows = rows.count;
    header.rows_before = rows_;
    find_times(rows, header);
    seal_frame(header, frame);
    JournalIndexEntry& entry = entries_[entry_count_++];
    entry = {place_ + in_output, header.event_time_min, header.event_time_max, rows.count,
             static_cast<std::uint32_t>(frame.size())};
    rows_ += rows.count;
    event_time_min_ = std::min(event_time_min_, header.event_time_min);
    event_time_max_ = std::max(event_time_max_, header.event_time_max);
  }

  /// Takes `bytes` of the frame, rounded, the last block zeroed behind them.
  static char* take(std::span<char> frame, std::size_t& at, std::size_t bytes) noexcept {
    char* const part = frame.data() + at;
    const std::size_t rounded = journal_round(bytes);
    if (rounded != 0) std::memset(part + rounded - kJournalBlock, 0, kJournalBlock);
    at += rounded;
    return part;
  }

  void write_column(const Rows& rows, std::uint32_t c, std::span<char> frame, std::size_t& at, JournalColumn& column) {
    const Vector& vector = rows.batch.column(c);
    const std::size_t width = physical_size(vector.physical);
    if (has_nulls_[c]) {
      column.validity = static_cast<std::uint32_t>(at);
      const std::size_t bytes = validity_words(rows.count) * sizeof(std::uint64_t);
      auto* const words = reinterpret_cast<std::uint64_t*>(take(frame, at, bytes));
      std::memset(words, 0, bytes);
      for (std::uint32_t i = 0; i < rows.count; ++i) {
        if (vector.is_valid(rows.at(i))) words[i >> 6] |= std::uint64_t{1} << (i & 63);
      }
    }
    column.values = static_cast<std::uint32_t>(at);
    char* const values = take(frame, at, rows.count * width);
    copy_values(rows, vector, width, values);
    if (has_nulls_[c]) {
      for (std::uint32_t i = 0; i < rows.count; ++i) {
        if (!vector.is_valid(rows.at(i))) std::memset(values + i * width, 0, width);
      }
    }
    if (texts_[c] == 0) return;
    column.text = static_cast<std::uint32_t>(at);
    column.text_bytes = static_cast<std::uint32_t>(texts_[c]);
    char* const text = take(frame, at, texts_[c]);
    auto* const refs = reinterpret_cast<StringRef*>(values);
    std::uint64_t used = 0;
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      if (refs[i].is_inline()) continue;
      std::memcpy(text + used, refs[i].data, refs[i].size);
      const std::uint64_t offset = used;
      used += refs[i].size;
      std::memcpy(refs[i].rest, &offset, sizeof offset);
    }
  }

  void find_times(const Rows& rows, JournalFrameHeader& header) const {
    const BatchHeader& about = rows.batch.header();
    header.ingest_time = about.ingest_time_max == kEventTimeMin ? 0 : about.ingest_time_max;
    header.event_time_min = kEventTimeMax;
    header.event_time_max = kEventTimeMin;
    if (!time_column_.has_value()) {
      header.event_time_min = about.event_time_min;
      header.event_time_max = about.event_time_max;
      return;
    }
    const Vector& vector = rows.batch.column(*time_column_);
    if (vector.validity == nullptr && !rows.batch.has_selection()) {
      const std::int64_t* const times = vector.values<std::int64_t>() + rows.first;
      for (std::uint32_t i = 0; i < rows.count; ++i) {
        header.event_time_min = std::min(header.event_time_min, times[i]);
        header.event_time_max = std::max(header.event_time_max, times[i]);
      }
      return;
    }
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows.at(i);
      if (!vector.is_valid(row)) continue;
      header.event_time_min = std::min(header.event_time_min, vector.values<std::int64_t>()[row]);
      header.event_time_max = std::max(header.event_time_max, vector.values<std::int64_t>()[row]);
    }
  }

  std::size_t write_watermark(const Batch& batch, std::span<char> out) {
    const Watermark watermark = batch.header().watermark_before;
    if (watermark <= watermark_ || out.size() < sizeof(JournalFrameHeader)) return 0;
    watermark_ = watermark;
    JournalFrameHeader header;
    header.kind = static_cast<std::uint32_t>(FrameKind::kWatermark);
    header.rows_before = rows_;
    header.event_time_min = header.event_time_max = watermark;
    seal_frame(header, out.first(sizeof header));
    return sizeof header;
  }

  std::size_t write_index(std::span<char> out, std::size_t in_output) {
    const std::span<char> frame = out.first(index_bytes());
    std::size_t at = sizeof(JournalFrameHeader);
    char* const entries = take(frame, at, entry_count_ * sizeof(JournalIndexEntry));
    std::memcpy(entries, entries_, entry_count_ * sizeof(JournalIndexEntry));
    JournalFrameHeader header;
    header.kind = static_cast<std::uint32_t>(FrameKind::kIndex);
    header.rows = entry_count_;
    header.rows_before = rows_;
    header.link = last_index_;
    seal_frame(header, frame);
    last_index_ = place_ + in_output;
    entry_count_ = 0;
    return frame.size();
  }

  Schema schema_;
  std::string header_;
  std::optional<std::uint32_t> time_column_;
  std::vector<bool> has_nulls_;     // of the frame that is being made
  std::vector<std::size_t> texts_;  // bytes of long strings, by column
  JournalIndexEntry entries_[kIndexEntriesMax];
  std::uint32_t entry_count_ = 0;
  std::uint64_t last_index_ = 0;
  std::uint64_t place_ = 0;  // bytes written
  std::uint64_t rows_ = 0;
  std::int64_t event_time_min_ = kEventTimeMax;
  std::int64_t event_time_max_ = kEventTimeMin;
  Watermark watermark_ = kWatermarkNone;
};

}  // namespace

std::span<const OptionHelp> journal_option_help() {
  return kOptions;
}

Result<std::unique_ptr<Encoder>> make_journal_encoder(const FormatContext& context) {
  WEIR_ASSIGN(const FormatOptions options, FormatOptions::create(context, kOptions));
  JournalSchema schema{context.schema, std::nullopt};
  if (const std::string_view name = options.text("journal.time-column"); !name.empty()) {
    const int column = context.schema.find(name);
    if (column < 0) {
      return Error(
          ErrorCode::kSqlUnknownName,
          fmt::format("option 'journal.time-column' names '{}', which table '{}' does not have", name, context.table));
    }
    const Type& type = context.schema.fields[static_cast<std::size_t>(column)].type;
    if (!type.is_timestamp() && type.id != TypeId::kBigInt) {
      return Error(ErrorCode::kSqlInvalidOption,
                   fmt::format("option 'journal.time-column' names '{}', which is {}; it takes TIMESTAMP, "
                               "TIMESTAMP_LTZ or BIGINT",
                               name, type.to_string()));
    }
    schema.time_column = static_cast<std::uint32_t>(column);
  }
  WEIR_ASSIGN(std::string header, write_journal_header(schema));
  if (header.size() > kJournalBufferBytesMin / 2) {
    return Error(ErrorCode::kLimitExceeded,
                 fmt::format("the columns of table '{}' take {} bytes of a journal's header; {} are the limit",
                             context.table, header.size(), kJournalBufferBytesMin / 2));
  }
  return std::unique_ptr<Encoder>(new JournalEncoder(context.schema, std::move(header), schema.time_column));
}

}  // namespace weir::detail
