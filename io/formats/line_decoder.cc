// Records that end at a line end, pieces that are carried over, records that are too long.
#include "formats/line_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace weir::detail {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kReasonMax = 256;

}  // namespace

Result<void> check_record_bytes_max(const FormatContext& context) {
  if (context.record_bytes_max >= kRecordBytesMin && context.record_bytes_max <= kRecordBytesMax) return {};
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("record_bytes_max of table '{}' is {}; it can be {} to {}", context.table,
                           context.record_bytes_max, kRecordBytesMin, kRecordBytesMax));
}

LineDecoder::LineDecoder(std::vector<FieldTarget> targets, const FormatContext& context, bool ignore_errors)
    : RecordDecoder(ignore_errors),
      targets_(std::move(targets)),
      record_bytes_max_(context.record_bytes_max),
      carry_(new char[context.record_bytes_max + 1 + kReadPadding]),
      reason_(new char[kReasonMax]) {}

void LineDecoder::reset() noexcept {
  records_ = 0;
  failed_ = skipping_ = false;
  mark_bytes_ = 0;
  offset_ = 0;
  carried_ = 0;
}

void LineDecoder::check_batch(Batch& out) const {
  for (const FieldTarget& target : targets_) {
    const Vector& column = out.column(target.batch_column);
    WEIR_CHECK(!target.nullable || column.validity != nullptr);
  }
}

LineDecoder::Outcome LineDecoder::refuse(Call& call, FieldStatus status, const FieldTarget& target,
                                         std::string_view value, std::string_view record, std::uint64_t byte,
                                         std::size_t heap_mark) {
  restore_row(targets_, call.out, call.out.row_count());
  call.out.heap().rewind(heap_mark);
  if (status == FieldStatus::kNoRoom && call.out.row_count() != 0) return Outcome::kNoRoom;
  const std::size_t size = describe(status, target, value, reason_.get(), kReasonMax);
  return report(call, error_code_of(status), target.name, {reason_.get(), size}, record, byte);
}

void LineDecoder::report_too_large(std::string_view text, std::uint64_t byte, Call& call) {
  const auto end =
      fmt::format_to_n(reason_.get(), kReasonMax, "the record is longer than record_bytes_max = {}", record_bytes_max_)
          .out;
  report(call, ErrorCode::kRecordTooLarge, "", {reason_.get(), static_cast<std::size_t>(end - reason_.get())},
         text.substr(0, record_bytes_max_), byte);
  skipping_ = true;
}

std::size_t LineDecoder::skip_byte_order_mark(std::span<const char> bytes) {
  std::size_t at = 0;
  while (mark_bytes_ < 3 && at < bytes.size()) {
    if (bytes[at] != kByteOrderMark[mark_bytes_]) {  // none: what was taken for one begins the first record
      std::memcpy(carry_.get(), kByteOrderMark.data(), mark_bytes_);
      carried_ = mark_bytes_;
      carry_byte_ = 0;
      if (carried_ != 0) find_record_end({carry_.get(), carried_}, true);
      mark_bytes_ = 3;
      break;
    }
    ++mark_bytes_;
    ++at;
  }
  return at;
}

std::size_t LineDecoder::continue_carried(std::string_view text, Call& call) {
  if (call.out.full()) return kNone;
  // One more byte than the limit leaves room for tells a record that just fits from one that does not.
  const std::string_view part = text.substr(0, record_bytes_max_ - carried_ + 1);
  save_scan();
  const std::size_t size = find_record_end(part, false);
  if (size == kNone) {
    const std::size_t kept = std::min(part.size(), record_bytes_max_ - carried_);
    std::memcpy(carry_.get() + carried_, part.data(), kept);
    if (kept != part.size()) {
      report_too_large({carry_.get(), record_bytes_max_}, carry_byte_, call);
      carried_ = 0;
      return kept;
    }
    carried_ += kept;
    return kept;
  }
  std::memcpy(carry_.get() + carried_, part.data(), size);
  std::memset(carry_.get() + carried_ + size, 0, kReadPadding);
  const Outcome outcome = decode_one({carry_.get(), carried_ + size - 1}, carry_byte_, call);
  if (outcome == Outcome::kNoRoom) {
    restore_scan();
    return kNone;
  }
  carried_ = 0;
  return size;
}

void LineDecoder::carry(std::string_view text, std::uint64_t byte, Call& call) {
  // decode_records left a piece, or a record that is too long.
  if (text.size() > record_bytes_max_) {
    report_too_large(text, byte, call);
    return;
  }
  find_record_end(text, true);
  std::memcpy(carry_.get(), text.data(), text.size());
  carried_ = text.size();
  carry_byte_ = byte;
}

DecodeResult LineDecoder::decode(std::span<const char> bytes, Batch& out, const BadRecordHandler& bad) {
  Call call{out, bad, {}};
  check_batch(out);
  std::size_t at = skip_byte_order_mark(bytes);
  while (at < bytes.size() && !call.result.stopped && !failed_) {
    const std::string_view rest(bytes.data() + at, bytes.size() - at);
    if (skipping_) {
      const std::size_t end = rest.find('\n');
      skipping_ = end == std::string_view::npos;
      at += skipping_ ? rest.size() : end + 1;
      continue;
    }
    if (carried_ != 0) {
      const std::size_t used = continue_carried(rest, call);
      if (used == kNone) break;
      at += used;
      continue;
    }
    if (out.full()) break;
    no_room_ = false;
    const std::size_t used = decode_records(rest, offset_ + at, call);
    at += used;
    if (no_room_) break;
    if (out.full() || call.result.stopped || failed_ || used == rest.size()) continue;
    const std::size_t left = std::min(rest.size() - used, record_bytes_max_ + 1);
    carry(rest.substr(used, left), offset_ + at, call);
    at += std::min(left, record_bytes_max_);
  }
  if (failed_) {
    at = bytes.size();
    call.result.stopped = true;
  }
  offset_ += at;
  call.result.consumed = at;
  return call.result;
}

DecodeResult LineDecoder::finish(Batch& out, const BadRecordHandler& bad) {
  Call call{out, bad, {}};
  check_batch(out);
  call.result.consumed = 1;
  if (failed_) {
    call.result.stopped = true;
    return call.result;
  }
  if (mark_bytes_ == 1 || mark_bytes_ == 2) {
    std::memcpy(carry_.get(), kByteOrderMark.data(), mark_bytes_);
    carried_ = mark_bytes_;
    carry_byte_ = 0;
    find_record_end({carry_.get(), carried_}, true);
  }
  mark_bytes_ = 3;
  skipping_ = false;
  if (carried_ == 0) return call.result;
  if (out.full()) {
    call.result.consumed = 0;
    return call.result;
  }
  std::memset(carry_.get() + carried_, 0, kReadPadding);
  const std::string_view record(carry_.get(), carried_);
  if (cut_at_end()) {
    report(call, ErrorCode::kTruncated, "", "the input ends inside a quoted field", record, carry_byte_);
  } else if (decode_one(record, carry_byte_, call) == Outcome::kNoRoom) {
    call.result.consumed = 0;
    return call.result;
  }
  carried_ = 0;
  call.result.stopped = call.result.stopped || failed_;
  return call.result;
}

}  // namespace weir::detail
