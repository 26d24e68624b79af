// Format strings of the Arrow C data interface (arrow_types.h).
#include "arrow/arrow_types.h"

#include <charconv>
#include <optional>

namespace weir {
namespace {

struct Named {
  std::string_view format;
  ArrowFormat meaning;
};

constexpr ArrowFormat integer(std::uint32_t width, bool is_signed) {
  return {.form = ArrowForm::kInteger, .width = width, .is_signed = is_signed};
}
constexpr ArrowFormat strings(ArrowForm form, ArrowStrings in) {
  return {.form = form, .strings = in};
}

constexpr Named kNamed[] = {
    {"b", {.form = ArrowForm::kBits}},
    {"c", integer(1, true)},
    {"C", integer(1, false)},
    {"s", integer(2, true)},
    {"S", integer(2, false)},
    {"i", integer(4, true)},
    {"I", integer(4, false)},
    {"l", integer(8, true)},
    {"f", {.form = ArrowForm::kFloat, .width = 4}},
    {"g", {.form = ArrowForm::kDouble, .width = 8}},
    {"tdD", {.form = ArrowForm::kDate, .width = 4}},
    {"tiM", {.form = ArrowForm::kMonths, .width = 4}},
    {"u", strings(ArrowForm::kText, ArrowStrings::kOffsets32)},
    {"U", strings(ArrowForm::kText, ArrowStrings::kOffsets64)},
    {"vu", strings(ArrowForm::kText, ArrowStrings::kViews)},
    {"z", strings(ArrowForm::kBytes, ArrowStrings::kOffsets32)},
    {"Z", strings(ArrowForm::kBytes, ArrowStrings::kOffsets64)},
    {"vz", strings(ArrowForm::kBytes, ArrowStrings::kViews)},
};

std::int64_t unit_of(char letter) {
  switch (letter) {
    case 's':
      return 1'000'000'000;
    case 'm':
      return 1'000'000;
    case 'u':
      return 1'000;
    case 'n':
      return 1;
    default:
      return 0;
  }
}

/// "tts", "tDn", "tsu:Europe/Berlin".
std::optional<ArrowFormat> parse_time(std::string_view format) {
  if (format.size() < 3 || format[0] != 't') return {};
  ArrowFormat out{.width = 8, .unit_ns = unit_of(format[2])};
  if (out.unit_ns == 0) return {};
  if (format[1] == 't' && format.size() == 3) {
    out.form = ArrowForm::kTime;
    if (out.unit_ns >= 1'000'000) out.width = 4;
    return out;
  }
  if (format[1] == 'D' && format.size() == 3) {
    out.form = ArrowForm::kSpan;
    return out;
  }
  if (format[1] == 's' && format.size() >= 4 && format[3] == ':') {
    out.form = ArrowForm::kInstant;
    out.has_zone = format.size() > 4;
    return out;
  }
  return {};
}

/// "d:10,2" or "d:10,2,64".
std::optional<ArrowFormat> parse_decimal(std::string_view format) {
  if (!format.starts_with("d:")) return {};
  std::int32_t numbers[3] = {0, 0, 128};
  const char* at = format.data() + 2;
  const char* const end = format.data() + format.size();
  int count = 0;
  for (; count < 3; ++count) {
    const auto [next, error] = std::from_chars(at, end, numbers[count]);
    if (error != std::errc()) return {};
    at = next;
    if (at == end) break;
    if (*at++ != ',') return {};
  }
  if (count < 1 || at != end) return {};
  if (numbers[2] != 32 && numbers[2] != 64 && numbers[2] != 128) return {};
  return ArrowFormat{.form = ArrowForm::kDecimal,
                     .width = static_cast<std::uint32_t>(numbers[2]) / 8,
                     .precision = numbers[0],
                     .scale = numbers[1]};
}

}  // namespace

Result<ArrowFormat> parse_arrow_format(std::string_view format) {
  for (const Named& named : kNamed)
    if (named.format == format) return named.meaning;
  if (const auto time = parse_time(format)) return *time;
  if (const auto decimal = parse_decimal(format)) return *decimal;
  return Error(ErrorCode::kUnsupported, "no type of Weir holds Arrow's format '" + std::string(format) + "'")
      .with_hint("cast the column first; dictionaries, lists, structs and unsigned 64-bit numbers are not taken");
}

Result<std::string> arrow_format_of(const Type& type) {
  switch (type.id) {
    case TypeId::kBoolean:
      return std::string("b");
    case TypeId::kTinyInt:
      return std::string("c");
    case TypeId::kSmallInt:
      return std::string("s");
    case TypeId::kInt:
      return std::string("i");
    case TypeId::kBigInt:
      return std::string("l");
    case TypeId::kFloat:
      return std::string("f");
    case TypeId::kDouble:
      return std::string("g");
    case TypeId::kDecimal:
      return "d:" + std::to_string(type.precision) + "," + std::to_string(type.scale);
    case TypeId::kString:
      return std::string("u");
    case TypeId::kBytes:
      return std::string("z");
    case TypeId::kDate:
      return std::string("tdD");
    case TypeId::kTime:
      return std::string("ttn");
    case TypeId::kTimestamp:
      return std::string("tsn:");
    case TypeId::kTimestampLtz:
      return std::string("tsn:UTC");
    case TypeId::kIntervalDay:
      return std::string("tDn");
    case TypeId::kIntervalMonth:
      return std::string("tiM");
    case TypeId::kNull:
    case TypeId::kRow:
    case TypeId::kArray:
    case TypeId::kMap:
      break;
  }
  return Error(ErrorCode::kUnsupported, "a column of type " + type.to_string() + " has no form in Arrow yet");
}

}  // namespace weir
