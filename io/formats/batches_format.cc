// Hello and frames of column batches (batches_format.h). Nothing that a peer says of lengths is believed before it is
// checked, and nothing is allocated by it beyond record_bytes_max.
#include "formats/batches_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "formats/decoded_field.h"
#include "formats/encoded_field.h"
#include "formats/format_options.h"
#include "formats/line_decoder.h"
#include "weir/io/text_bytes.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_time.h"

namespace weir::detail {
namespace {

constexpr std::string_view kMagic = "WEIRBAT1";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHelloBytes = 24;
constexpr std::size_t kFrameHeadBytes = 16;
constexpr std::size_t kColumnHeadBytes = 8;
constexpr std::size_t kSchemaBytesMax = 65536;
constexpr std::size_t kFrameBytesAim = 16384;  // most frames stand whole in one receive buffer
constexpr std::size_t kCarryKeptMax = 32768;   // what an idle stream may keep
constexpr std::uint32_t kCheck = 0x57424154;

constexpr OptionHelp kOptions[] = {
    {"batches.ignore-parse-errors", "false", "accepted as for other formats: a damaged stream ends all the same"},
};

template <typename T>
T load(const char* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <typename T>
char* store(char* at, T value) noexcept {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}
constexpr std::size_t padded(std::size_t bytes) noexcept {
  return (bytes + 7) / 8 * 8;
}

std::string type_text(const Type& type) {
  Type plain = type;
  plain.nullable = true;  // whether NULL may come is the receiver's to judge, value by value
  return plain.to_string();
}

std::string schema_text(const Schema& schema) {
  std::string text;
  for (const Field& field : schema.fields) {
    text += field.name;
    text += '\0';
    text += type_text(field.type) + "\n";
  }
  return text;
}

/// FNV-1a, so that two programs agree on it whatever their libraries.
std::uint64_t fingerprint(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

/// "column 2 is 'price' DOUBLE at the peer and 'price' BIGINT here"
std::string difference(std::string_view theirs, std::string_view ours) {
  const auto next = [](std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t zero = line.find('\0');
    if (line.empty()) return std::string("missing");
    return fmt::format("'{}' {}", line.substr(0, zero),
                       zero == std::string_view::npos ? std::string_view() : line.substr(zero + 1));
  };
  for (int column = 1; !theirs.empty() || !ours.empty(); ++column) {
    const std::string there = next(theirs), here = next(ours);
    if (there != here) return fmt::format("column {} is {} at the peer and {} here", column, there, here);
  }
  return "the fingerprint of the columns is wrong";
}

Result<void> check_schema(const FormatContext& context) {
  WEIR_TRY(FormatOptions::create(context, kOptions));
  for (const Field& field : context.schema.fields) WEIR_TRY(check_text_type(context, field));
  if (schema_text(context.schema).size() <= kSchemaBytesMax) return {};
  return Error(ErrorCode::kLimitExceeded, fmt::format("the names and types of table '{}' take more than {} bytes",
                                                      context.table, kSchemaBytesMax));
}

/// Where a column stands in a frame.
struct ColumnView {
  bool has_nulls = false;
  const char* bitmap = nullptr;
  const char* values = nullptr;
  std::size_t bytes = 0;
};

class BatchesDecoder final : public Decoder {
 public:
  BatchesDecoder(std::vector<FieldTarget> targets, const FormatContext& context)
      : targets_(std::move(targets)),
        schema_(context.schema),
        schema_text_(schema_text(context.schema)),
        frame_bytes_max_(context.record_bytes_max),
        views_(context.schema.size()) {
    for (const FieldTarget& target : targets_) types_.push_back(schema_.fields[target.source_index].type);
    for (const Field& field : schema_.fields) physicals_.push_back(field.type.physical());
  }

  DecodeResult decode(std::span<const char> bytes, Batch& out, const BadRecordHandler& bad) override {
    DecodeResult result;
    while (!failed_ && !result.stopped) {
      if (frame_rows_ != 0) {  // rows of a carried frame that had no room before
        if (out.full()) break;
        if (!give_rows(carry_.data(), out, bad, result)) break;
        continue;
      }
      const std::size_t left = bytes.size() - result.consumed;
      if (left == 0) break;
      const char* const at = bytes.data() + result.consumed;
      if (carry_.empty() && whole(at, left) && fits(at, out)) {
        if (!take(at, out, bad, result)) break;
        result.consumed += wanted_;
        offset_ += wanted_;
        continue;
      }
      if (carry_.empty() && out.row_count() != 0 && whole(at, left)) break;  // an empty batch may have room for it
      result.consumed += carry(at, left, bad, result);
      if (!result.stopped && !failed_ && complete() && !take(carry_.data(), out, bad, result)) break;
    }
    if (failed_) {
      result.stopped = true;
      result.consumed = bytes.size();
    }
    return result;
  }

  DecodeResult finish(Batch& out, const BadRecordHandler& bad) override {
    DecodeResult result;
    result.consumed = 1;
    if (failed_) {
      result.stopped = true;
      return result;
    }
    while (frame_rows_ != 0) {
      if (out.full() || !give_rows(carry_.data(), out, bad, result)) {
        result.consumed = 0;
        return result;
      }
    }
    if (!carry_.empty()) refuse(ErrorCode::kTruncated, "the stream ends inside a batch", bad, result);
    carry_.clear();
    failed_ = false;
    return result;
  }

  std::uint64_t records() const noexcept override { return records_; }
  std::size_t pending_bytes() const noexcept override { return carry_.size(); }
  void reset() noexcept override {
    carry_.clear();
    carry_.shrink_to_fit();
    greeted_ = failed_ = false;
    records_ = offset_ = 0;
    frame_row_ = frame_rows_ = 0;
  }
  bool keeps_state() const noexcept override { return greeted_; }

 private:
  /// Bytes of the hello or frame that begins at `at`, of which `size` are there; 0 where the head is not all there.
  std::size_t bytes_of(const char* at, std::size_t size) const noexcept {
    if (!greeted_) return size < kHelloBytes ? 0 : kHelloBytes + load<std::uint32_t>(at + 12);
    return size < kFrameHeadBytes ? 0 : kFrameHeadBytes + load<std::uint32_t>(at);
  }
  /// Sets wanted_.
  bool whole(const char* at, std::size_t size) noexcept {
    wanted_ = bytes_of(at, size);
    return wanted_ != 0 && wanted_ <= size && wanted_ <= frame_bytes_max_ + kFrameHeadBytes;
  }
  bool fits(const char* at, const Batch& out) const noexcept {
    if (!greeted_) return true;
    if (load<std::uint32_t>(at + 4) > out.capacity() - out.row_count()) return false;
    // Long strings take at most the frame's bytes.
    return out.heap().available() >= wanted_ || !has_strings();
  }
  bool has_strings() const noexcept {
    return std::any_of(types_.begin(), types_.end(), [](const Type& type) { return type.is_string(); });
  }
  bool complete() const noexcept {
    const std::size_t wanted = bytes_of(carry_.data(), carry_.size());
    return wanted != 0 && carry_.size() == wanted;
  }

  /// Moves bytes of one hello or frame into the carry; its length is judged before anything is taken for it.
  std::size_t carry(const char* at, std::size_t left, const BadRecordHandler& bad, DecodeResult& result) {
    const std::size_t head = greeted_ ? kFrameHeadBytes : kHelloBytes;
    std::size_t used = 0;
    if (carry_.size() < head) {
      used = std::min(left, head - carry_.size());
      carry_.insert(carry_.end(), at, at + used);
      if (!greeted_ && std::memcmp(carry_.data(), kMagic.data(), std::min(carry_.size(), kMagic.size())) != 0) {
        refuse(ErrorCode::kSchemaMismatch, "the peer does not speak Weir's stream of batches", bad, result);
        return used;
      }
      if (carry_.size() < head || !check_head(bad, result)) return used;
    }
    const std::size_t wanted = bytes_of(carry_.data(), carry_.size());
    const std::size_t more = std::min(left - used, wanted - carry_.size());
    carry_.insert(carry_.end(), at + used, at + used + more);
    return used + more;
  }

  bool check_head(const BadRecordHandler& bad, DecodeResult& result) {
    const char* const at = carry_.data();
    if (!greeted_) {
      if (load<std::uint32_t>(at + 8) != kVersion) {
        refuse(
            ErrorCode::kSchemaMismatch,
            fmt::format("the peer's stream has version {}; this is version {}", load<std::uint32_t>(at + 8), kVersion),
            bad, result);
      } else if (load<std::uint32_t>(at + 12) > kSchemaBytesMax) {
        refuse(ErrorCode::kSchemaMismatch,
               fmt::format("the peer's columns take {} bytes; at most {} can be", load<std::uint32_t>(at + 12),
                           kSchemaBytesMax),
               bad, result);
      }
      return !failed_;
    }
    return check_frame_head(at, bad, result);
  }

  bool check_frame_head(const char* at, const BadRecordHandler& bad, DecodeResult& result) {
    const auto bytes = load<std::uint32_t>(at), rows = load<std::uint32_t>(at + 4);
    if (load<std::uint32_t>(at + 8) != 0 || load<std::uint32_t>(at + 12) != (bytes ^ rows ^ kCheck)) {
      refuse(ErrorCode::kCorrupt, "the head of a batch is damaged", bad, result);
    } else if (bytes > frame_bytes_max_) {
      refuse(ErrorCode::kRecordTooLarge,
             fmt::format("a batch of {} bytes is announced; record_bytes_max is {}", bytes, frame_bytes_max_), bad,
             result);
    } else if (rows == 0 || rows > kBatchRowsMax) {
      refuse(ErrorCode::kCorrupt, fmt::format("a batch of {} rows is announced; 1 to {} can be", rows, kBatchRowsMax),
             bad, result);
    }
    return !failed_;
  }

  /// A whole hello or frame. False where the batch has no room for all of it.
  bool take(const char* at, Batch& out, const BadRecordHandler& bad, DecodeResult& result) {
    if (!greeted_) {
      greet(at, bad, result);
      return !failed_;
    }
    if (!check_frame_head(at, bad, result)) return false;
    frame_rows_ = load<std::uint32_t>(at + 4);
    frame_row_ = 0;
    if (!look(at, bad, result)) return false;
    return give_rows(at, out, bad, result);
  }

  void greet(const char* at, const BadRecordHandler& bad, DecodeResult& result) {
    if (carry_.empty() && std::memcmp(at, kMagic.data(), kMagic.size()) != 0) {
      return refuse(ErrorCode::kSchemaMismatch, "the peer does not speak Weir's stream of batches", bad, result);
    }
    if (carry_.empty() && load<std::uint32_t>(at + 8) != kVersion) {
      return refuse(
          ErrorCode::kSchemaMismatch,
          fmt::format("the peer's stream has version {}; this is version {}", load<std::uint32_t>(at + 8), kVersion),
          bad, result);
    }
    const std::string_view theirs(at + kHelloBytes, load<std::uint32_t>(at + 12));
    if (theirs != schema_text_ || load<std::uint64_t>(at + 16) != fingerprint(schema_text_))
      return refuse(ErrorCode::kSchemaMismatch, difference(theirs, schema_text_), bad, result);
    greeted_ = true;
    drop_carry();
  }

  /// Finds the frame's columns and judges every length and value once.
  bool look(const char* at, const BadRecordHandler& bad, DecodeResult& result) {
    const std::size_t end = kFrameHeadBytes + load<std::uint32_t>(at);
    std::size_t offset = kFrameHeadBytes;
    for (std::size_t c = 0; c < views_.size(); ++c) {
      ColumnView& view = views_[c];
      if (end - offset < kColumnHeadBytes) return corrupt("a batch ends inside a column", bad, result);
      const auto nulls = load<std::uint32_t>(at + offset);
      view.bytes = load<std::uint32_t>(at + offset + 4);
      offset += kColumnHeadBytes;
      view.has_nulls = nulls != 0;
      const std::size_t bitmap = view.has_nulls ? padded((frame_rows_ + 7) / 8) : 0;
      if (nulls > 1 || bitmap > end - offset || padded(view.bytes) > end - offset - bitmap)
        return corrupt("a column of a batch is longer than the batch", bad, result);
      view.bitmap = at + offset;
      view.values = at + offset + bitmap;
      offset += bitmap + padded(view.bytes);
      const std::size_t width = physicals_[c] == Physical::kString ? 4 : physical_size(physicals_[c]);
      const std::size_t least = std::size_t{frame_rows_} * width;
      if (physicals_[c] == Physical::kString ? view.bytes < least : view.bytes != least)
        return corrupt("a column of a batch has not as many values as the batch has rows", bad, result);
    }
    if (offset != end) return corrupt("a batch has bytes behind its columns", bad, result);
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      if (!check_values(t)) {
        return corrupt(
            fmt::format("column '{}' of a batch holds what is no {}", targets_[t].name, targets_[t].type_name), bad,
            result);
      }
    }
    return true;
  }

  bool check_values(std::size_t target) const {
    const ColumnView& view = views_[targets_[target].source_index];
    const Type& type = types_[target];
    if (view.has_nulls && !targets_[target].nullable) {
      for (std::uint32_t row = 0; row < frame_rows_; ++row)
        if (!valid(view, row)) return false;
    }
    switch (type.id) {
      case TypeId::kBoolean:
        return std::all_of(view.values, view.values + frame_rows_, [](char value) { return value == 0 || value == 1; });
      case TypeId::kDecimal:
        return check_decimals(view, type);
      case TypeId::kTime:
        return each<std::int64_t>(view, [](std::int64_t nanos) { return nanos >= 0 && nanos < kNanosPerDay; });
      case TypeId::kString:
      case TypeId::kBytes:
        return check_strings(view, type.id == TypeId::kString);
      default:
        return true;
    }
  }
  template <typename T, typename Check>
  bool each(const ColumnView& view, Check check) const {
    for (std::uint32_t row = 0; row < frame_rows_; ++row) {
      if (!check(load<T>(view.values + std::size_t{row} * sizeof(T))) && valid(view, row)) return false;
    }
    return true;
  }
  bool check_decimals(const ColumnView& view, const Type& type) const {
    const Int128 limit = power_of_ten(type.precision);
    const auto inside = [limit](Int128 value) { return value < limit && value > -limit; };
    return type.precision <= kDecimal64PrecisionMax ? each<std::int64_t>(view, inside) : each<Int128>(view, inside);
  }
  bool check_strings(const ColumnView& view, bool text) const {
    const std::size_t room = view.bytes - std::size_t{frame_rows_} * 4;
    const char* const bytes = view.values + std::size_t{frame_rows_} * 4;
    std::size_t sum = 0;
    for (std::uint32_t row = 0; row < frame_rows_; ++row) {
      const std::size_t length = load<std::uint32_t>(view.values + std::size_t{row} * 4);
      if (length > room - sum) return false;
      // Where the whole is UTF-8 and no piece begins inside a character, every piece is.
      if (text && length != 0 && (static_cast<unsigned char>(bytes[sum]) & 0xC0) == 0x80) return false;
      sum += length;
    }
    return sum == room && (!text || is_valid_utf8({bytes, room}));
  }
  static bool valid(const ColumnView& view, std::uint32_t row) noexcept {
    return !view.has_nulls || ((view.bitmap[row / 8] >> (row % 8)) & 1) != 0;
  }

  /// Gives rows of the frame at `at` as far as the batch has room. False where some are left.
  bool give_rows(const char* at, Batch& out, const BadRecordHandler& bad, DecodeResult& result) {
    std::uint32_t count = std::min(frame_rows_ - frame_row_, out.capacity() - out.row_count());
    count = strings_fit(count, out.heap().available());
    if (count == 0 && out.row_count() == 0) {
      return corrupt("the strings of one row do not fit an empty batch", bad, result);
    }
    if (count == 0) return keep(at);
    for (std::size_t t = 0; t < targets_.size(); ++t) copy_column(t, count, out);
    out.set_row_count(out.row_count() + count);
    records_ += count;
    result.rows += count;
    frame_row_ += count;
    if (frame_row_ != frame_rows_) return keep(at);
    frame_row_ = frame_rows_ = 0;
    drop_carry();
    return true;
  }
  /// Only a carried frame can be given in pieces; one that stands in the caller's bytes fits, or was carried.
  bool keep(const char* at) noexcept {
    WEIR_CHECK(at == carry_.data());
    return false;
  }

  /// Rows from frame_row_ on, at most `count`, whose long strings take at most `room` bytes.
  std::uint32_t strings_fit(std::uint32_t count, std::size_t room) const {
    if (!has_strings()) return count;
    std::size_t sum = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      for (std::size_t t = 0; t < targets_.size(); ++t) {
        if (!types_[t].is_string()) continue;
        const char* const lengths = views_[targets_[t].source_index].values;
        const std::size_t length = load<std::uint32_t>(lengths + std::size_t{frame_row_ + i} * 4);
        if (length > StringRef::kInlineMax) sum += length;
      }
      if (sum > room) return i;
    }
    return count;
  }

  /// Sets the bits [first, last). Requires: first < last.
  static void set_all_valid(std::uint64_t* bits, std::uint32_t first, std::uint32_t last) noexcept {
    const std::uint32_t first_word = first / 64, last_word = (last - 1) / 64;
    const std::uint64_t from = ~std::uint64_t{0} << (first % 64), to = ~std::uint64_t{0} >> (63 - (last - 1) % 64);
    if (first_word == last_word) {
      bits[first_word] |= from & to;
      return;
    }
    bits[first_word] |= from;
    std::fill(bits + first_word + 1, bits + last_word, ~std::uint64_t{0});
    bits[last_word] |= to;
  }
  void copy_column(std::size_t target, std::uint32_t count, Batch& out) {
    const ColumnView& view = views_[targets_[target].source_index];
    Vector& column = out.column(targets_[target].batch_column);
    const std::uint32_t row0 = out.row_count();
    if (view.has_nulls && column.validity != nullptr) {
      for (std::uint32_t i = 0; i < count; ++i) column.set_valid(row0 + i, valid(view, frame_row_ + i));
    } else if (column.validity != nullptr && row0 != 0) {
      set_all_valid(column.validity, row0, row0 + count);
    }
    if (types_[target].is_string()) return copy_strings(view, column, row0, count, out.heap());
    const std::size_t width = physical_size(column.physical);
    std::memcpy(static_cast<char*>(column.data) + row0 * width, view.values + std::size_t{frame_row_} * width,
                std::size_t{count} * width);
  }
  void copy_strings(const ColumnView& view, Vector& column, std::uint32_t row0, std::uint32_t count,
                    StringHeap& heap) const {
    const char* bytes = view.values + std::size_t{frame_rows_} * 4;
    for (std::uint32_t row = 0; row < frame_row_; ++row) bytes += load<std::uint32_t>(view.values + row * 4u);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::size_t length = load<std::uint32_t>(view.values + std::size_t{frame_row_ + i} * 4);
      const bool stored = heap.store({bytes, length}, column.values<StringRef>()[row0 + i]);
      WEIR_CHECK(stored);  // strings_fit has counted
      bytes += length;
    }
  }

  void drop_carry() noexcept {
    carry_.clear();
    if (carry_.capacity() > kCarryKeptMax) carry_.shrink_to_fit();
  }
  bool corrupt(std::string_view reason, const BadRecordHandler& bad, DecodeResult& result) {
    refuse(ErrorCode::kCorrupt, reason, bad, result);
    return false;
  }
  /// The stream cannot go on: where its next record begins is not known.
  void refuse(ErrorCode code, std::string_view reason, const BadRecordHandler& bad, DecodeResult& result) {
    (void)bad({.code = code, .record = records_, .byte = offset_, .field = "", .reason = reason, .text = ""});
    ++records_;
    ++result.bad;
    result.stopped = failed_ = true;
    frame_row_ = frame_rows_ = 0;
    carry_.clear();
  }

  std::vector<FieldTarget> targets_;
  std::vector<Type> types_;  // of the targets
  Schema schema_;
  std::vector<Physical> physicals_;
  std::string schema_text_;
  std::size_t frame_bytes_max_;
  std::vector<ColumnView> views_;
  std::vector<char> carry_;
  std::size_t wanted_ = 0;
  bool greeted_ = false;
  bool failed_ = false;
  std::uint32_t frame_row_ = 0;  // of the frame that is given in pieces
  std::uint32_t frame_rows_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t offset_ = 0;
};

class BatchesEncoder final : public Encoder {
 public:
  explicit BatchesEncoder(const Schema& schema) {
    const std::string text = schema_text(schema);
    hello_.assign(kMagic);
    hello_.resize(kHelloBytes);
    char* at = hello_.data() + kMagic.size();
    at = store(at, kVersion);
    at = store(at, static_cast<std::uint32_t>(text.size()));
    store(at, fingerprint(text));
    hello_ += text;
    for (const Field& field : schema.fields) physicals_.push_back(field.type.physical());
  }
  std::string_view preamble() const noexcept override { return hello_; }

  Result<std::size_t> encode(const Batch& batch, std::uint32_t* next, std::span<char> out) override {
    std::size_t done = 0;
    while (*next < batch.selected_count()) {
      const std::span<char> room = out.subspan(done);
      const std::uint32_t rows = rows_that_fit(batch, *next, std::min(room.size(), kFrameBytesAim), room.size());
      if (rows == 0) break;
      done += write_frame(batch, *next, rows, room.data());
      *next += rows;
    }
    if (done == 0 && *next < batch.selected_count()) {
      return Error(ErrorCode::kRecordTooLarge, "an encoded row is longer than the buffer for it",
                   Position::at_row(*next));
    }
    return done;
  }

 private:
  static std::uint32_t row_of(const Batch& batch, std::uint32_t index) noexcept {
    return batch.has_selection() ? batch.selection()[index] : index;
  }
  static std::size_t string_bytes(const Vector& column, std::uint32_t row) noexcept {
    return column.is_valid(row) ? column.values<StringRef>()[row].view().size() : 0;
  }
  /// Rows whose frame takes at most `aim` bytes; or one, where that takes at most `most`.
  std::uint32_t rows_that_fit(const Batch& batch, std::uint32_t first, std::size_t aim, std::size_t most) const {
    std::size_t fixed = kFrameHeadBytes + physicals_.size() * (kColumnHeadBytes + 24);  // heads, rounding, bitmap words
    std::size_t row_bytes = 0;
    for (const Physical physical : physicals_) row_bytes += physical == Physical::kString ? 4 : physical_size(physical);
    std::size_t sum = fixed;
    std::uint32_t rows = 0;
    const std::uint32_t left = std::min(batch.selected_count() - first, kBatchRowsMax);
    for (; rows < left; ++rows) {
      std::size_t more = row_bytes;
      for (std::uint32_t c = 0; c < physicals_.size(); ++c)
        if (physicals_[c] == Physical::kString) more += string_bytes(batch.column(c), row_of(batch, first + rows));
      const std::size_t bitmaps = physicals_.size() * ((rows + 8) / 8);
      if (sum + more + bitmaps > (rows == 0 ? most : aim)) break;
      sum += more;
    }
    return rows;
  }

  std::size_t write_frame(const Batch& batch, std::uint32_t first, std::uint32_t rows, char* out) const {
    char* at = out + kFrameHeadBytes;
    for (std::uint32_t c = 0; c < physicals_.size(); ++c) at = write_column(batch, c, first, rows, at);
    const auto bytes = static_cast<std::uint32_t>(at - out - static_cast<std::ptrdiff_t>(kFrameHeadBytes));
    char* head = store(out, bytes);
    head = store(head, rows);
    head = store(head, std::uint32_t{0});
    store(head, bytes ^ rows ^ kCheck);
    return static_cast<std::size_t>(at - out);
  }

  char* write_column(const Batch& batch, std::uint32_t index, std::uint32_t first, std::uint32_t rows, char* at) const {
    const Vector& column = batch.column(index);
    bool nulls = false;
    for (std::uint32_t i = 0; i < rows && column.validity != nullptr; ++i)
      nulls = nulls || !column.is_valid(row_of(batch, first + i));
    at = store(at, std::uint32_t{nulls});
    char* const size_at = at;
    at += 4;
    if (nulls) {
      const std::size_t bytes = padded((rows + 7) / 8);
      std::memset(at, 0, bytes);
      for (std::uint32_t i = 0; i < rows; ++i)
        if (column.is_valid(row_of(batch, first + i))) at[i / 8] = static_cast<char>(at[i / 8] | (1 << (i % 8)));
      at += bytes;
    }
    char* const end = column.physical == Physical::kString ? write_strings(batch, column, first, rows, at)
                                                           : write_values(batch, column, first, rows, at);
    const auto bytes = static_cast<std::size_t>(end - at);
    store(size_at, static_cast<std::uint32_t>(bytes));
    std::memset(end, 0, padded(bytes) - bytes);
    return at + padded(bytes);
  }
  static char* write_values(const Batch& batch, const Vector& column, std::uint32_t first, std::uint32_t rows,
                            char* at) {
    const std::size_t width = physical_size(column.physical);
    const char* const from = static_cast<const char*>(column.data);
    if (!batch.has_selection()) {
      std::memcpy(at, from + first * width, rows * width);
      // Under a NULL stands what stood there before; it is nobody's business.
      for (std::uint32_t i = 0; i < rows && column.validity != nullptr; ++i)
        if (!column.is_valid(first + i)) std::memset(at + i * width, 0, width);
      return at + rows * width;
    }
    for (std::uint32_t i = 0; i < rows; ++i, at += width) {
      const std::uint32_t row = batch.selection()[first + i];
      if (column.is_valid(row))
        std::memcpy(at, from + row * width, width);
      else
        std::memset(at, 0, width);
    }
    return at;
  }
  static char* write_strings(const Batch& batch, const Vector& column, std::uint32_t first, std::uint32_t rows,
                             char* at) {
    char* bytes = at + std::size_t{rows} * 4;
    for (std::uint32_t i = 0; i < rows; ++i) {
      const std::uint32_t row = row_of(batch, first + i);
      const std::size_t size = string_bytes(column, row);
      at = store(at, static_cast<std::uint32_t>(size));
      if (size != 0) std::memcpy(bytes, column.values<StringRef>()[row].view().data(), size);
      bytes += size;
    }
    return bytes;
  }

  std::string hello_;
  std::vector<Physical> physicals_;
};

}  // namespace

std::span<const OptionHelp> batches_option_help() {
  return kOptions;
}

Result<std::unique_ptr<Decoder>> make_batches_decoder(const FormatContext& context) {
  WEIR_TRY(check_schema(context));
  WEIR_ASSIGN(std::vector<FieldTarget> targets, field_targets(context));
  return std::unique_ptr<Decoder>(new BatchesDecoder(std::move(targets), context));
}

Result<std::unique_ptr<Encoder>> make_batches_encoder(const FormatContext& context) {
  WEIR_TRY(check_schema(context));
  return std::unique_ptr<Encoder>(new BatchesEncoder(context.schema));
}

}  // namespace weir::detail
