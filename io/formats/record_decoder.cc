// See record_decoder.h.
#include "formats/record_decoder.h"

namespace weir::detail {

void RecordDecoder::report(Call& call, ErrorCode code, std::string_view field, std::string_view reason,
                           std::string_view text, std::uint64_t byte) {
  const BadRecord record{.code = code,
                         .record = records_,
                         .byte = byte,
                         .field = field,
                         .reason = reason,
                         .text = text.substr(0, kBadRecordTextMax)};
  ++records_;
  ++call.result.bad;
  const bool go_on = call.bad(record);
  if (!go_on && !ignore_errors_) call.result.stopped = true;
}

}  // namespace weir::detail
