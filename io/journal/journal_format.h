// 'journal' as a format: batches to frames and frames to batches (journal_layout.h has the bytes).
#pragma once

#include <memory>
#include <span>

#include "weir/io/format.h"

namespace weir::detail {

std::span<const OptionHelp> journal_option_help();
/// Points the batch at the frame where FormatContext::may_borrow allows it and the frame lies at a multiple of 64.
Result<std::unique_ptr<Decoder>> make_journal_decoder(const FormatContext& context);
Result<std::unique_ptr<Encoder>> make_journal_encoder(const FormatContext& context);

/// What a reader keeps for a frame that comes in pieces. Errors: kSqlInvalidOption.
Result<std::size_t> journal_frame_bytes_max(const FormatContext& context);

/// Smallest output buffer that a journal's header and index frames fit, with some rows.
inline constexpr std::size_t kJournalBufferBytesMin = 65536;

}  // namespace weir::detail
