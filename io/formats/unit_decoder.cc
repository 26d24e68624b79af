// Framed binary units: finds their ends, carries pieces, bounds what a length field may claim (unit_decoder.h).
#include "formats/unit_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace weir::detail {

namespace {

/// The call must not go on: the handler said stop, or the batch points at bytes.
bool halted(const auto& call) noexcept {
  return call.result.stopped || call.result.borrowed;
}

}  // namespace

void UnitDecoder::reset() noexcept {
  carried_ = 0;
  offset_ = 0;
  skip_bytes_ = 0;
  records_ = 0;
  forget();
}

UnitDecoder::Sized UnitDecoder::size_unit(std::span<const char> have) noexcept {
  Sized unit{head_bytes(), 0, false};
  while (unit.bytes <= have.size()) {
    const std::size_t wanted = unit_bytes(have.first(unit.bytes));
    unit.head = unit.bytes;
    if (wanted == unit.bytes) {
      unit.whole = true;
      return unit;
    }
    unit.bytes = wanted;
    if (wanted == kLost || wanted > unit_bytes_max_) return unit;
  }
  return unit;
}

/// Reports a unit that is too long or none at all, and steps over it.
bool UnitDecoder::refuse_unit(const Sized& unit, std::span<const char> head, std::uint64_t byte, Call& call) {
  if (unit.whole || (unit.bytes != kLost && unit.bytes <= unit_bytes_max_)) return false;
  const std::string_view text(head.data(), unit.head);
  if (unit.bytes == kLost) {
    report(call, ErrorCode::kCorrupt, "", lost_reason(head.first(unit.head)), text, byte);
    give_up();
    return true;
  }
  char reason[160];
  const auto end = fmt::format_to_n(reason, sizeof reason, "the {} has {} bytes; the limit is {}", unit_name_,
                                    unit.bytes, unit_bytes_max_)
                       .out;
  report(call, ErrorCode::kRecordTooLarge, "", {reason, static_cast<std::size_t>(end - reason)}, text, byte);
  skip_bytes_ = unit.bytes;
  return true;
}

std::size_t UnitDecoder::continue_carried(std::span<const char> bytes, Call& call) {
  std::size_t used = 0;
  for (;;) {
    const Sized unit = size_unit({carry_.get(), carried_});
    if (refuse_unit(unit, {carry_.get(), carried_}, carry_byte_, call)) {
      if (skip_bytes_ != ~std::uint64_t{0}) skip_bytes_ -= carried_;
      carried_ = 0;
      return used;
    }
    if (unit.whole) {
      if (take({carry_.get(), carried_}, carry_byte_, call) == Taken::kWhole) {
        carried_ = 0;
        return used;
      }
      carried_ -= used;  // given again: the unit's last bytes are not used up
      return kLost;
    }
    const std::size_t more = std::min(unit.bytes - carried_, bytes.size() - used);
    if (more == 0) return used;
    std::memcpy(carry_.get() + carried_, bytes.data() + used, more);
    carried_ += more;
    used += more;
  }
}

std::size_t UnitDecoder::decode_here(std::span<const char> bytes, std::uint64_t byte, Call& call) {
  std::size_t at = 0;
  while (at < bytes.size() && !halted(call) && !call.out.full()) {
    const std::span<const char> rest = bytes.subspan(at);
    const Sized unit = size_unit(rest);
    if (unit.whole) {
      if (take(rest.first(unit.bytes), byte + at, call) == Taken::kAgain) return at;
      at += unit.bytes;
      if (skip_bytes_ != 0) return at;
      continue;
    }
    if (refuse_unit(unit, rest, byte + at, call)) return at;
    std::memcpy(carry_.get(), rest.data(), rest.size());
    carried_ = rest.size();
    carry_byte_ = byte + at;
    return bytes.size();
  }
  return at;
}

DecodeResult UnitDecoder::decode(std::span<const char> bytes, Batch& out, const BadRecordHandler& bad) {
  Call call{out, bad, {}};
  std::size_t at = 0;
  while (at < bytes.size() && !halted(call)) {
    if (skip_bytes_ != 0) {
      const std::size_t skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_bytes_, bytes.size() - at));
      if (skip_bytes_ != ~std::uint64_t{0}) skip_bytes_ -= skipped;
      at += skipped;
      continue;
    }
    if (out.full()) break;
    const std::span<const char> rest = bytes.subspan(at);
    const std::size_t used = carried_ != 0 ? continue_carried(rest, call) : decode_here(rest, offset_ + at, call);
    if (used == kLost) break;
    at += used;
    if (used == 0 && skip_bytes_ == 0) break;  // in the middle of a unit: the batch must be emptied first
  }
  offset_ += at;
  call.result.consumed = at;
  return call.result;
}

DecodeResult UnitDecoder::finish(Batch& out, const BadRecordHandler& bad) {
  Call call{out, bad, {}};
  call.result.consumed = 1;
  if (carried_ != 0) {
    char reason[96];
    const auto last = fmt::format_to_n(reason, sizeof reason, "the input ends inside a {}, {} bytes behind its first",
                                       unit_name_, carried_)
                          .out;
    report(call, ErrorCode::kTruncated, "", {reason, static_cast<std::size_t>(last - reason)}, {carry_.get(), carried_},
           carry_byte_);
    carried_ = 0;
    end(call, true);
  } else {
    end(call, skip_bytes_ != 0);
  }
  skip_bytes_ = 0;
  return call.result;
}

}  // namespace weir::detail
