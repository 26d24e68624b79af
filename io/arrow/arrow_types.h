// What a format string of the Arrow C data interface says, and which one a type of Weir has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/io/arrow.h"

namespace weir {

enum class ArrowForm : std::uint8_t {
  kBits,     // b
  kInteger,  // c C s S i I l
  kFloat,    // f
  kDouble,   // g
  kDecimal,  // d:p,s[,bits]
  kDate,     // tdD
  kTime,     // tts ttm ttu ttn
  kInstant,  // ts?:zone, with or without a zone
  kSpan,     // tD?
  kMonths,   // tiM
  kText,     // u U vu
  kBytes,    // z Z vz
};

/// How strings of a form stand in memory.
enum class ArrowStrings : std::uint8_t { kOffsets32, kOffsets64, kViews };

/// A parsed format string.
struct ArrowFormat {
  ArrowForm form = ArrowForm::kInteger;
  std::uint32_t width = 0;     ///< Bytes of a value; 0 for kBits and strings.
  bool is_signed = true;       ///< kInteger.
  std::int64_t unit_ns = 0;    ///< kTime, kInstant, kSpan: nanoseconds of one unit.
  bool has_zone = false;       ///< kInstant.
  std::int32_t precision = 0;  ///< kDecimal.
  std::int32_t scale = 0;
  ArrowStrings strings = ArrowStrings::kOffsets32;
};

/// Errors: kUnsupported (a form that no type of Weir holds), naming the format.
Result<ArrowFormat> parse_arrow_format(std::string_view format);

/// The format in which a column of the type goes out. Errors: kUnsupported.
Result<std::string> arrow_format_of(const Type& type);

}  // namespace weir
