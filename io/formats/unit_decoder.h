// What formats of framed binary records share: units whose size stands in their first bytes, pieces that are carried
// over, units that are too long. A unit is a message with its length in front, or a packet that holds many messages.
//
//   bytes ──► carried piece + rest of its unit ──┐
//         ──► whole units where they lie ────────┴─► take ──► rows, bad records
//
// Invariants
//   1. The same bytes give the same rows, bad records, numbers and offsets however they are cut.
//   2. A unit whose rows do not all fit the batch is given again from its first byte; the subclass remembers where in
//      it to go on.
//   3. A size that a hostile length field claims is compared with a limit before a byte is kept for it.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

#include "formats/record_decoder.h"

namespace weir::detail {

class UnitDecoder : public RecordDecoder {
 public:
  DecodeResult decode(std::span<const char> bytes, Batch& out, const BadRecordHandler& bad) final;
  DecodeResult finish(Batch& out, const BadRecordHandler& bad) final;
  std::size_t pending_bytes() const noexcept final { return carried_; }
  void reset() noexcept final;
  bool keeps_state() const noexcept final { return true; }  // numbers and sessions

 protected:
  enum class Taken : std::uint8_t {
    kWhole,  // the unit is used up
    kAgain,  // the batch has no room, or the handler said stop, in the middle of it
  };
  /// From unit_bytes: what stands here can be no unit, and nothing behind it can be found.
  static constexpr std::size_t kLost = ~std::size_t{0};

  UnitDecoder(std::string_view unit_name, std::size_t unit_bytes_max, bool ignore_errors)
      : RecordDecoder(ignore_errors),
        unit_name_(unit_name),
        unit_bytes_max_(unit_bytes_max),
        carry_(static_cast<char*>(std::aligned_alloc(64, (unit_bytes_max + kReadPadding + 63) / 64 * 64))) {}

  /// Bytes that must be there before unit_bytes is asked.
  virtual std::size_t head_bytes() const noexcept = 0;
  /// Called with exactly head_bytes(), then exactly as many bytes as it asked for last. Returns the size of the head
  /// where the unit is whole, else the bytes that are needed to know more, or kLost. Leaves no state behind.
  virtual std::size_t unit_bytes(std::span<const char> head) noexcept = 0;
  /// `byte` is the unit's place in the input; kReadPadding bytes behind the unit are readable.
  virtual Taken take(std::span<const char> unit, std::uint64_t byte, Call& call) = 0;
  /// Why unit_bytes gave kLost.
  virtual std::string_view lost_reason(std::span<const char> head) = 0;
  /// The end of the input, or of a datagram: reports what is missing, unless it lies in a unit that was cut and told
  /// already (`cut`).
  virtual void end(Call& call, bool cut) { (void)call, (void)cut; }
  virtual void forget() noexcept = 0;

  /// Counts rows whose number the batch has already.
  void add_rows(Call& call, std::uint32_t rows) noexcept {
    records_ += rows;
    call.result.rows += rows;
  }
  /// Nothing of the rest of the input is looked at.
  void give_up() noexcept { skip_bytes_ = ~std::uint64_t{0}; }

 private:
  struct Sized {
    std::size_t bytes = 0;  // needed
    std::size_t head = 0;   // of them known when that was asked for
    bool whole = false;
  };
  Sized size_unit(std::span<const char> have) noexcept;
  bool refuse_unit(const Sized& unit, std::span<const char> head, std::uint64_t byte, Call& call);
  /// Return the bytes used, or kLost where the batch must be emptied first.
  std::size_t continue_carried(std::span<const char> bytes, Call& call);
  std::size_t decode_here(std::span<const char> bytes, std::uint64_t byte, Call& call);

  std::string_view unit_name_;
  std::size_t unit_bytes_max_;
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<char, Free> carry_;  // aligned, so that a unit in it can be pointed at
  std::size_t carried_ = 0;
  std::uint64_t carry_byte_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t skip_bytes_ = 0;
};

}  // namespace weir::detail
