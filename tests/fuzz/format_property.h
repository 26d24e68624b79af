// What must hold for any bytes given to a format: the fuzzers of csv, json and binary check the same things.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "fuzz/format_rows.h"

namespace weir::testing {

/// One column a type, so that every conversion is reached.
inline Schema schema_of_all_types(bool binary) {
  const auto chars = [](TypeId id, std::uint32_t length) {
    Type type = Type::of(id);
    type.length = length;
    type.fixed_length = true;
    return type;
  };
  Type time = Type::of(TypeId::kTime);
  time.precision = 3;
  Type narrow = Type::of(TypeId::kInt);
  narrow.nullable = false;
  return {{{"a", narrow},
           {"b", Type::of(TypeId::kTinyInt)},
           {"c", Type::of(TypeId::kSmallInt)},
           {"d", Type::bigint()},
           {"e", Type::of(TypeId::kFloat)},
           {"f", Type::float64()},
           {"g", Type::decimal(10, 2)},
           {"h", Type::decimal(38, 10)},
           {"i", Type::boolean()},
           {"j", Type::of(TypeId::kDate)},
           {"k", time},
           {"l", Type::timestamp(6)},
           {"m", Type::timestamp_ltz(3)},
           {"n", binary ? chars(TypeId::kString, 15) : Type::string()},
           {"o", binary ? chars(TypeId::kBytes, 5) : Type::of(TypeId::kBytes)}}};
}

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
