// binary: records of a fixed size, little-endian, packed.
//
//   [NULL bitmap, (columns + 7) / 8 bytes] column 0 | column 1 | … | bytes up to binary.record-bytes, skipped
#pragma once

#include <memory>
#include <vector>

#include "weir/io/format.h"

namespace weir::detail {

std::span<const OptionHelp> binary_option_help();
Result<std::unique_ptr<Decoder>> make_binary_decoder(const FormatContext& context);
Result<std::unique_ptr<Encoder>> make_binary_encoder(const FormatContext& context);

}  // namespace weir::detail
