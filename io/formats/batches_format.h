// batches: Weir's own stream of column batches, for one Weir to feed another. It opens with a hello that names the
// columns, so that a stream of other columns is refused and not misread.
//
//   hello   "WEIRBAT1", u32 version, u32 schema bytes, u64 fingerprint, schema: name NUL type LF, column by column
//   frame   u32 bytes behind this head, u32 rows, u32 0, u32 check, then each column:
//           u32 1 where it has NULLs, u32 bytes of its values, [bitmap, set where there is a value], values
//   values  fixed width: rows x width; strings: rows x u32 length, then their bytes
//   All little-endian; bitmaps and values end at a multiple of eight bytes.
#pragma once

#include "weir/io/format.h"

namespace weir::detail {

Result<std::unique_ptr<Decoder>> make_batches_decoder(const FormatContext& context);
Result<std::unique_ptr<Encoder>> make_batches_encoder(const FormatContext& context);
std::span<const OptionHelp> batches_option_help();

}  // namespace weir::detail
