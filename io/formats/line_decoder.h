// What csv and json share: records that end at a line end, pieces that are carried over, records that are too long.
//
//   bytes ──► [byte order mark] ──► carried piece + rest of its record ──► decode_one
//                               ──► whole records ────────────────────────► decode_records (the fast way)
//                               ──► piece of the last record ─────────────► carried
//
// Invariants
//   1. The same bytes give the same rows, bad records, numbers and offsets however they are cut.
//   2. A record of more than record_bytes_max bytes (its line end not counted) is reported once; decoding goes on
//   behind
//      the first line end at or behind its byte record_bytes_max, quoted or not.
//   3. What has no room in the batch is not consumed.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "formats/decoded_field.h"
#include "formats/record_decoder.h"
#include "weir/io/format.h"

namespace weir::detail {

inline constexpr std::size_t kRecordBytesMin = 16;
inline constexpr std::size_t kRecordBytesMax = std::size_t{1} << 30;

/// Errors: kInvalidArgument where record_bytes_max is outside kRecordBytesMin … kRecordBytesMax.
Result<void> check_record_bytes_max(const FormatContext& context);

class LineDecoder : public RecordDecoder {
 public:
  DecodeResult decode(std::span<const char> bytes, Batch& out, const BadRecordHandler& bad) final;
  DecodeResult finish(Batch& out, const BadRecordHandler& bad) final;
  std::size_t pending_bytes() const noexcept final { return mark_bytes_ < 3 ? mark_bytes_ : carried_; }
  void reset() noexcept override;
  bool keeps_state() const noexcept override { return skipping_; }

 protected:
  enum class Outcome : std::uint8_t { kRow, kSkipped, kBad, kNoRoom };
  static constexpr std::size_t kNone = ~std::size_t{0};

  LineDecoder(std::vector<FieldTarget> targets, const FormatContext& context, bool ignore_errors);

  /// Bytes up to and with the line end that ends the record, or kNone; `fresh` where its start is the record's.
  virtual std::size_t find_record_end(std::string_view text, bool fresh) = 0;
  /// Keeps and brings back what find_record_end knows, for a record that had no room.
  virtual void save_scan() = 0;
  virtual void restore_scan() = 0;
  /// True when the end of the input would cut the record that find_record_end has scanned.
  virtual bool cut_at_end() const = 0;
  /// Decodes one record, without its line end, into row out.row_count(); reports it where it is bad.
  /// Requires: kReadPadding bytes behind it are readable.
  virtual Outcome decode_one(std::string_view record, std::uint64_t byte, Call& call) = 0;
  /// Decodes whole records at the front of the text; returns the bytes used. What is left begins a record that does not
  /// end in the text or is too long, or the batch has no room, or the handler said stop.
  virtual std::size_t decode_records(std::string_view text, std::uint64_t byte, Call& call) = 0;

  /// Reports the record. Returns kBad.
  Outcome report(Call& call, ErrorCode code, std::string_view field, std::string_view reason, std::string_view text,
                 std::uint64_t byte) {
    RecordDecoder::report(call, code, field, reason, text, byte);
    return Outcome::kBad;
  }
  /// Reports a field; kNoRoom comes back where an empty batch would have room. Undoes the row: its validity and
  /// the heap to `heap_mark`.
  Outcome refuse(Call& call, FieldStatus status, const FieldTarget& target, std::string_view value,
                 std::string_view record, std::uint64_t byte, std::size_t heap_mark);

  std::vector<FieldTarget> targets_;
  std::size_t record_bytes_max_;
  bool no_room_ = false;  // the last decode_records stopped because the heap is full
  bool failed_ = false;   // nothing of this input can be taken (a csv header that does not fit)

 private:
  std::size_t skip_byte_order_mark(std::span<const char> bytes);
  std::size_t continue_carried(std::string_view text, Call& call);
  void carry(std::string_view text, std::uint64_t byte, Call& call);
  void report_too_large(std::string_view text, std::uint64_t byte, Call& call);
  void check_batch(Batch& out) const;

  bool skipping_ = false;          // behind a record that was too long, up to the next line end
  unsigned mark_bytes_ = 0;        // of the byte order mark, matched so far; 3 when that question is settled
  std::uint64_t offset_ = 0;       // of the next byte in the input
  std::unique_ptr<char[]> carry_;  // the piece of a record that is not whole yet, and padding
  std::size_t carried_ = 0;
  std::uint64_t carry_byte_ = 0;  // offset of the piece
  std::unique_ptr<char[]> reason_;
};

}  // namespace weir::detail
