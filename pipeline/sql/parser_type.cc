// Productions of type names.
#include <algorithm>
#include <array>

#include "keywords.h"
#include "lexer.h"
#include "parser.h"
#include "suggest.h"

namespace weir::sql {
namespace {

struct Alias {
  std::string_view word, name;
};
constexpr std::array kNames = std::to_array<Alias>({{"BOOLEAN", "BOOLEAN"},     {"TINYINT", "TINYINT"},
                                                    {"SMALLINT", "SMALLINT"},   {"INT", "INT"},
                                                    {"INTEGER", "INT"},         {"BIGINT", "BIGINT"},
                                                    {"FLOAT", "FLOAT"},         {"DOUBLE", "DOUBLE"},
                                                    {"DECIMAL", "DECIMAL"},     {"DEC", "DECIMAL"},
                                                    {"NUMERIC", "DECIMAL"},     {"CHAR", "CHAR"},
                                                    {"CHARACTER", "CHAR"},      {"VARCHAR", "VARCHAR"},
                                                    {"STRING", "STRING"},       {"BINARY", "BINARY"},
                                                    {"VARBINARY", "VARBINARY"}, {"BYTES", "BYTES"},
                                                    {"DATE", "DATE"},           {"TIME", "TIME"},
                                                    {"TIMESTAMP", "TIMESTAMP"}, {"TIMESTAMP_LTZ", "TIMESTAMP_LTZ"},
                                                    {"INTERVAL", "INTERVAL"},   {"ROW", "ROW"},
                                                    {"ARRAY", "ARRAY"},         {"MAP", "MAP"}});

/// What people of other dialects write, and what it is here.
constexpr std::array kForeign = std::to_array<Alias>({{"TEXT", "STRING"},
                                                      {"BOOL", "BOOLEAN"},
                                                      {"LONG", "BIGINT"},
                                                      {"INT2", "SMALLINT"},
                                                      {"INT4", "INT"},
                                                      {"INT8", "BIGINT"},
                                                      {"REAL", "FLOAT"},
                                                      {"FLOAT4", "FLOAT"},
                                                      {"FLOAT8", "DOUBLE"},
                                                      {"DATETIME", "TIMESTAMP(3)"},
                                                      {"TIMESTAMPTZ", "TIMESTAMP_LTZ(3)"},
                                                      {"BLOB", "BYTES"},
                                                      {"BYTEA", "BYTES"},
                                                      {"NUMBER", "DECIMAL(38, 18)"},
                                                      {"JSON", "STRING"},
                                                      {"UUID", "STRING"},
                                                      {"STRUCT", "ROW"}});

constexpr int kLengthMax = 999'999'999;

std::string hint_for(const std::string& word) {
  for (const Alias& foreign : kForeign) {
    if (foreign.word == word) return "the type is called " + std::string(foreign.name) + " here";
  }
  std::vector<std::string> names;
  for (const Alias& alias : kNames) names.emplace_back(alias.word);
  return did_you_mean(word, names);
}

}  // namespace

TypeName Parser::type() {
  Nesting nesting(*this);
  if (nesting.too_deep()) return {};
  TypeName out = plain_type();
  const auto nullability = [this, &out] {
    if (accept_words({"NOT", "NULL"})) {
      out.not_null = true;
    } else {
      accept_word("NULL");
    }
  };
  nullability();
  for (std::uint32_t levels = 0; at_word("ARRAY") || at_word("MULTISET"); ++levels) {  // INT ARRAY
    if (at_word("MULTISET")) unsupported(here(), "the type MULTISET is not supported", "use ARRAY");
    if (levels > kNestingMax / 4) too_deep(here());
    if (panic_) break;
    next();
    TypeName array;
    array.name = "ARRAY";
    array.span = out.span;
    array.children.push_back(std::move(out));
    out = std::move(array);
    nullability();
  }
  return out;
}

TypeName Parser::plain_type() {
  TypeName out;
  const Token& token = peek();
  if (token.kind != TokenKind::kWord) {
    unexpected("a type");
    return out;
  }
  const std::string word = to_upper(token.text);
  if (word == "MULTISET" || word == "RAW" || word == "VARIANT" || word == "DESCRIPTOR") {
    unsupported(here(), "the type " + word + " is not supported", "STRING or ARRAY may serve");
    return out;
  }
  const auto* const found_name =
      std::find_if(kNames.begin(), kNames.end(), [&](const Alias& alias) { return alias.word == word; });
  if (found_name == kNames.end()) {
    if (is_reserved(word)) {
      unexpected("a type");
    } else {
      error(here(), "unknown type `" + std::string(token.text) + "`", hint_for(word), ErrorCode::kSqlUnknownName);
    }
    return out;
  }
  const std::uint32_t begin = token.begin;
  next();
  out.name = std::string(found_name->name);
  if (out.name == "DECIMAL") {
    type_precision(out, kDecimalPrecisionMax, kDecimalPrecisionMax);
  } else if (out.name == "CHAR") {
    if (accept_word("VARYING")) out.name = "VARCHAR";
    type_precision(out, kLengthMax, -1);
  } else if (out.name == "VARCHAR" || out.name == "BINARY" || out.name == "VARBINARY") {
    if (out.name == "BINARY" && accept_word("VARYING")) out.name = "VARBINARY";
    type_precision(out, kLengthMax, -1);
  } else if (out.name == "DOUBLE") {
    accept_word("PRECISION");
  } else if (out.name == "TIME" || out.name == "TIMESTAMP" || out.name == "TIMESTAMP_LTZ") {
    type_precision(out, kTimestampPrecisionMax, -1);
    zone_suffix(out);
  } else if (out.name == "INTERVAL") {
    interval_type(out);
  } else if (out.name == "ROW") {
    out = row_type(begin);
  } else if (out.name == "ARRAY" || out.name == "MAP") {
    expect_symbol("<");
    out.children.push_back(type());
    if (out.name == "MAP") {
      expect_symbol(",");
      out.children.push_back(type());
    }
    expect_symbol(">");
  }
  out.span = since(begin);
  return out;
}

void Parser::type_precision(TypeName& out, int most_precision, int most_scale) {
  if (!accept_symbol("(")) return;
  const Span at = here();
  // VARCHAR(2147483647) is Flink's spelling of STRING.
  if (most_scale < 0 && peek().text == "2147483647" && out.name.starts_with("VAR")) {
    next();
    out.name = out.name == "VARCHAR" ? "STRING" : "BYTES";
    expect_symbol(")");
    return;
  }
  const bool length = most_precision > kDecimalPrecisionMax;
  out.precision = integer(length ? "length" : "precision", most_precision);
  const bool least_one = length || out.name == "DECIMAL";
  if (!panic_ && least_one && out.precision == 0) {
    error(at, (length ? "the length of " : "the precision of ") + out.name + " is at least 1", {}, ErrorCode::kSqlType);
  }
  if (most_scale >= 0 && accept_symbol(",")) {
    const Span scale = here();
    out.scale = integer("scale", most_scale);
    if (!panic_ && out.scale > out.precision) {
      error(scale, "the scale of DECIMAL is at most its precision", {}, ErrorCode::kSqlType);
    }
  }
  expect_symbol(")");
}

/// WITH LOCAL TIME ZONE, WITHOUT TIME ZONE
void Parser::zone_suffix(TypeName& out) {
  if (accept_words({"WITHOUT", "TIME", "ZONE"})) return;
  const std::uint32_t begin = peek().begin;
  if (accept_words({"WITH", "LOCAL", "TIME", "ZONE"})) {
    if (out.name == "TIMESTAMP") {
      out.name = "TIMESTAMP_LTZ";
    } else {
      error(since(begin), out.name + " WITH LOCAL TIME ZONE is not a type");
    }
  } else if (accept_words({"WITH", "TIME", "ZONE"})) {
    unsupported(since(begin), out.name + " WITH TIME ZONE is not supported", "use TIMESTAMP_LTZ(3), an instant");
  }
}

/// INTERVAL unit [(p)] [TO unit [(p)]]
void Parser::interval_type(TypeName& out) {
  const auto digits = [this] {
    if (accept_symbol("(")) {
      integer("precision", 9);
      expect_symbol(")");
    }
  };
  out.from_unit = unit("a time unit");
  digits();
  if (accept_word("TO")) {
    out.to_unit = unit("a time unit");
    digits();
  }
}

/// ROW<name type ['comment'], …> or ROW(…)
TypeName Parser::row_type(std::uint32_t begin) {
  TypeName out;
  out.name = "ROW";
  const bool angle = accept_symbol("<");
  if (!angle) expect_symbol("(");
  const std::string_view close = angle ? ">" : ")";
  if (angle && at_symbol("<>")) unexpected("a field");
  if (!at_symbol(close)) {
    do {
      out.field_names.push_back(identifier("field"));
      out.children.push_back(type());
      if (peek().kind == TokenKind::kString) next();
    } while (accept_symbol(","));
  }
  expect_symbol(close);
  out.span = since(begin);
  return out;
}

}  // namespace weir::sql
