// Canonical text of an expression: names in backticks, operators in parentheses, literals as SQL reads them.
#include <array>

#include "expression/functions.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir {

namespace {

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out.push_back(quote);
    out.push_back(c);
  }
  out.push_back(quote);
  return out;
}

template <std::size_t kBytes, typename Format>
std::string formatted(Format format) {
  std::array<char, kBytes> buffer{};
  const char* end = format(buffer.data());
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out = "x'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out + "'";
}

std::string time_literal(const Type& type, std::int64_t value) {
  switch (type.id) {
    case TypeId::kDate:
      return "DATE '" +
             formatted<kDateTextMax>([&](char* out) { return format_date(static_cast<std::int32_t>(value), out); }) +
             "'";
    case TypeId::kTime:
      return "TIME '" + formatted<kTimeTextMax>([&](char* out) { return format_time(value, type.precision, out); }) +
             "'";
    case TypeId::kTimestamp:
    case TypeId::kTimestampLtz: {
      const bool instant = type.id == TypeId::kTimestampLtz;
      return (instant ? "TIMESTAMP_LTZ '" : "TIMESTAMP '") + formatted<kTimestampTextMax>([&](char* out) {
               return format_timestamp(value, type.precision, ' ', out);
             }) +
             (instant ? "Z'" : "'");
    }
    case TypeId::kIntervalMonth:
      return "INTERVAL '" + std::to_string(value) + "' MONTH";
    default: {  // seconds, with the digits that they need
      constexpr std::int64_t kSecond = kNanosPerSecond;
      std::string text = "INTERVAL '";
      if (value < 0) text += "-";
      const auto magnitude = value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
      text += std::to_string(magnitude / static_cast<std::uint64_t>(kSecond));
      if (const auto rest = magnitude % static_cast<std::uint64_t>(kSecond); rest != 0) {
        std::string digits = std::to_string(rest);
        digits.insert(0, 9 - digits.size(), '0');
        while (digits.back() == '0') digits.pop_back();
        text += "." + digits;
      }
      return text + "' SECOND";
    }
  }
}

std::string literal_text(const Type& type, const Value& value) {
  if (value.is_null()) return "NULL";
  if (const auto* text = std::get_if<std::string>(&value.data))
    return type.id == TypeId::kBytes ? hexadecimal(*text) : quoted(*text, '\'');
  if (const auto* number = std::get_if<double>(&value.data))
    return formatted<kDoubleTextMax>([&](char* out) { return format_double(*number, out); });
  if (const auto* decimal = std::get_if<Int128>(&value.data))
    return formatted<kDecimalTextMax>([&](char* out) { return format_decimal(*decimal, type.scale, out); });
  const std::int64_t integer = std::get<std::int64_t>(value.data);
  if (type.id == TypeId::kBoolean) return integer != 0 ? "TRUE" : "FALSE";
  if (type.is_numeric() || type.id == TypeId::kNull) return std::to_string(integer);
  return time_literal(type, integer);
}

bool is_operator(std::string_view name) noexcept {
  return !name.empty() && ((name[0] < 'A' || name[0] > 'Z') || name == "LIKE" || name == "NOT LIKE");
}

std::string joined(const Expression& expression, const Schema& schema, std::string_view between, std::size_t from = 0) {
  std::string text;
  for (std::size_t i = from; i < expression.arguments.size(); ++i) {
    if (i != from) text += between;
    text += expression.arguments[i]->to_string(schema);
  }
  return text;
}

std::string call_text(const Expression& expression, const Schema& schema) {
  const std::string name(expression.function->name);
  const std::size_t count = expression.arguments.size();
  if (name.starts_with("IS ")) return "(" + expression.arguments[0]->to_string(schema) + " " + name + ")";
  if (name == "NOT") return "(NOT " + expression.arguments[0]->to_string(schema) + ")";
  if (name == "IN")
    return "(" + expression.arguments[0]->to_string(schema) + " IN (" + joined(expression, schema, ", ", 1) + "))";
  if (is_operator(name) && count == 1) return "(" + name + expression.arguments[0]->to_string(schema) + ")";
  if (is_operator(name)) {
    std::string text = "(" + expression.arguments[0]->to_string(schema) + " " + name + " " +
                       expression.arguments[1]->to_string(schema);
    if (count == 3) text += " ESCAPE " + expression.arguments[2]->to_string(schema);
    return text + ")";
  }
  return name + "(" + joined(expression, schema, ", ") + ")";
}

std::string case_text(const Expression& expression, const Schema& schema) {
  std::string text = "CASE";
  const std::size_t last = expression.arguments.size() - 1;
  for (std::size_t i = 0; i < last; i += 2)
    text += " WHEN " + expression.arguments[i]->to_string(schema) + " THEN " +
            expression.arguments[i + 1]->to_string(schema);
  return text + " ELSE " + expression.arguments[last]->to_string(schema) + " END";
}

}  // namespace

std::string Expression::to_string(const Schema& schema) const {
  switch (kind) {
    case Kind::kColumn:
      return column < schema.size() ? quoted(schema.fields[column].name, '`') : "$" + std::to_string(column);
    case Kind::kLiteral:
      return literal_text(type, literal);
    case Kind::kCall:
      return call_text(*this, schema);
    case Kind::kCast:
      return std::string(try_cast ? "TRY_CAST(" : "CAST(") + arguments[0]->to_string(schema) + " AS " +
             with_nullable(type, true).to_string() + ")";
    case Kind::kCase:
      return case_text(*this, schema);
    case Kind::kAnd:
      return "(" + joined(*this, schema, " AND ") + ")";
    case Kind::kOr:
      return "(" + joined(*this, schema, " OR ") + ")";
    case Kind::kCoalesce:
      return "COALESCE(" + joined(*this, schema, ", ") + ")";
  }
  return {};
}

}  // namespace weir
