// What must hold for any bytes given to a format: the fuzzers of csv, json and binary check the same things.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "fuzz/format_rows.h"

namespace weir::testing {

/// One column a type in the order that the corpus has, the first one NOT NULL; those of binary are as wide as they say.
inline Schema schema_of_all_types(bool binary) {
  Schema schema = all_types();
  schema.fields[0].type = Type::integer();
  schema.fields[0].type.nullable = false;
  schema.fields[1].type = Type::of(TypeId::kTinyInt);
  schema.fields[2].type = Type::of(TypeId::kSmallInt);
  for (const auto& [name, length] : {std::pair{"n", 15u}, std::pair{"o", 5u}}) {
    Type& type = schema.fields[static_cast<std::size_t>(schema.find(name))].type;
    type.length = binary ? length : type.length;
    type.fixed_length = binary || type.fixed_length;
  }
  return schema;
}

/// What a fuzzer gives: a byte that chooses options, and the rest, whose first byte chooses cuts (check_format).
struct FuzzInput {
  unsigned choice = 0;
  std::string_view bytes;
  FuzzInput(const std::uint8_t* data, std::size_t size) : bytes(reinterpret_cast<const char*>(data), size) {
    if (bytes.empty()) return;
    choice = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
  }
};

inline void expect(bool condition, const char* what, const std::string& detail) {
  if (condition) return;
  std::fprintf(stderr, "property broken: %s\n%s\n", what, detail.c_str());
  std::abort();
}

inline std::string printed(const Decoded& decoded) {
  std::string text;
  for (const std::string& row : decoded.rows) text += "row " + row + "\n";
  for (const BadCopy& bad : decoded.bad) {
    text += "bad " + std::to_string(bad.record) + " at " + std::to_string(bad.byte) + " " +
            std::string(error_code_name(bad.code)) + " " + bad.field + ": " + bad.reason + " [" + bad.text + "]\n";
  }
  return text + "records " + std::to_string(decoded.records) + "\n";
}

/// The first byte chooses the cuts, the rest is the input.
inline void check_format(const FormatContext& context, std::string_view data, bool round_trips) {
  std::uint64_t seed = 0;
  if (!data.empty()) {
    seed = static_cast<unsigned char>(data.front());
    data.remove_prefix(1);
  }
  const Decoded whole = decode_all(context, data);
  expect(whole.rows.size() + whole.bad.size() == whole.records, "good + bad == records", printed(whole));
  DecodePlan plan;
  plan.capacity = static_cast<std::uint32_t>(1 + seed % 7);
  for (std::size_t at = 0;;) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    at += 1 + (seed >> 33) % 23;
    if (at >= data.size()) break;
    plan.cuts.push_back(at);
  }
  const Decoded cut = decode_all(context, data, plan);
  expect(cut == whole, "the same bytes give the same rows however they are cut",
         printed(whole) + "but\n" + printed(cut));
  if (!round_trips || whole.rows.empty()) return;
  std::string encoded;
  const Decoded again = round_trip(context, data, {}, &encoded);
  expect(again.rows == whole.rows && again.bad.empty(), "decode(encode(rows)) == rows",
         printed(whole) + "but\n" + printed(again) + "by\n" + encoded);
}

}  // namespace weir::testing
