// Text for people and for programs: counts with separators, rates, times and JSON strings. The numbers of one run are
// printed in three places (progress, summary, JSON), and must look the same in all of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::cli {

/// "312,664".
std::string format_count(std::uint64_t count);
/// Three digits and a decimal prefix: "1.49 M", "950", "12.3 k". Units: whatever the caller counts.
std::string format_short(double value);
/// "7.89 MB", decimal prefixes.
std::string format_bytes(double bytes);
/// "2001-01-01 00:01:00.000", UTC. Digits behind the third are shown only where they are not zero.
std::string format_time(std::int64_t nanoseconds);
/// A watermark: "none", "end" or its time.
std::string format_watermark(std::int64_t watermark);
/// "0.213 s", "3 min 04 s".
std::string format_duration(std::int64_t nanoseconds);
/// The text as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so that the result always parses.
std::string json_quote(std::string_view text);
/// The text for a terminal: control characters but line ends and tabs, and bytes that are not UTF-8, become '?', since
/// messages quote records that others have sent.
std::string printable(std::string_view text);

}  // namespace weir::cli
