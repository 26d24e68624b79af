// Fills a column of a batch from rows of an Arrow array.
#pragma once

#include "arrow/arrow_reader.h"

namespace weir {

/// Rows [at, at + count) of `array` (its own offset already in `at`) into the first rows of `out`, whose memory it may
/// point elsewhere. Errors: kNullNotAllowed, kValueOutOfRange, kInvalidUtf8, kCorrupt (offsets that go back, a view
/// outside its buffer), each with the row counted from `at`.
Result<void> fill_column(const ArrowColumn& column, const ArrowArray& array, std::int64_t at, std::uint32_t count,
                         Vector& out);

/// Whether `format` fits `type` without loss. Errors: kUnsupported.
Result<void> check_fit(const ArrowFormat& format, const Type& type, std::string_view text);

/// Buffers that an array of the format has at least.
std::int64_t buffers_of(const ArrowFormat& format) noexcept;

}  // namespace weir
