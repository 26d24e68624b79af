// Java's date and time patterns ("yyyy-MM-dd HH:mm:ss.SSS"), read as they stand: formatting and parsing of wall clock
// nanoseconds. Letters: y u M d D H h k K m s S a E n; text in '…'; MMM, MMMM, EEE and EEEE are English names.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

/// Whether every letter of the pattern is known.
bool is_time_pattern(std::string_view pattern) noexcept;
/// Writes at most `room` bytes and returns the end, or null where the room is too small or the pattern is not valid.
char* format_time_pattern(std::int64_t nanos, std::string_view pattern, char* out, std::size_t room) noexcept;
/// False where the text does not have the form of the pattern or its value does not exist.
bool parse_time_pattern(std::string_view text, std::string_view pattern, std::int64_t& nanos) noexcept;

}  // namespace weir
