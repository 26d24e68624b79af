// What decoders share that judge records one by one: the count of records, the state of a call, and how a bad record
// is told.
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/io/format.h"

namespace weir::detail {

inline constexpr std::size_t kBadRecordTextMax = 256;

class RecordDecoder : public Decoder {
 public:
  std::uint64_t records() const noexcept final { return records_; }

 protected:
  /// State of a call: where rows go, and what came of it.
  struct Call {
    Batch& out;
    const BadRecordHandler& bad;
    DecodeResult result;
  };

  explicit RecordDecoder(bool ignore_errors) : ignore_errors_(ignore_errors) {}

  /// Gives the record to the handler and counts it.
  void report(Call& call, ErrorCode code, std::string_view field, std::string_view reason, std::string_view text,
              std::uint64_t byte);
  void count_row(Call& call) noexcept {
    ++records_;
    ++call.result.rows;
    call.out.set_row_count(call.out.row_count() + 1);
  }

  std::uint64_t records_ = 0;

 private:
  bool ignore_errors_;  // the handler's answer does not stop the call
};

}  // namespace weir::detail
