// The formats: values a type, bad records with their places, cuts anywhere, limits, options, and what is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fuzz/format_rows.h"

namespace weir::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Options = std::map<std::string, std::string>;

const Schema kPair{{{"a", Type::integer()}, {"s", Type::string()}}};

std::vector<std::string> places(const Decoded& decoded) {
  std::vector<std::string> text;
  for (const BadCopy& bad : decoded.bad) {
    text.push_back(std::to_string(bad.record) + "@" + std::to_string(bad.byte) + " " +
                   std::string(error_code_name(bad.code)) + " " + bad.field);
  }
  return text;
}

constexpr std::string_view kAllRow =
    "-1|-300|70000|5000000000|1.5|-2.25|314|123456789012345678905000000000|1|18626|43994123000000|"
    "1609330394123456000|1609330394000000000|'a string, longer than twelve'|'hello, world: this is long'";
constexpr std::string_view kAllCsv =
    "-1,-300,70000,5000000000,1.5,-2.25,3.14,12345678901234567890.5,true,2020-12-30,12:13:14.123,"
    "2020-12-30 12:13:14.123456,2020-12-30 12:13:14Z,\"a string, longer than twelve\","
    "aGVsbG8sIHdvcmxkOiB0aGlzIGlzIGxvbmc=\n";
constexpr std::string_view kAllJson =
    R"({"a":-1,"b":-300,"c":70000,"d":5000000000,"e":1.5,"f":-2.25,"g":3.14,"h":12345678901234567890.5000000000,)"
    R"("i":true,"j":"2020-12-30","k":"12:13:14.123","l":"2020-12-30 12:13:14.123456","m":"2020-12-30 12:13:14Z",)"
    R"("n":"a string, longer than twelve","o":"aGVsbG8sIHdvcmxkOiB0aGlzIGlzIGxvbmc="})"
    "\n";

TEST(Csv, EveryTypeIsReadAndWritten) {
  const FormatContext context = context_of("csv", all_types());
  EXPECT_THAT(decode_all(context, kAllCsv).rows, ElementsAre(std::string(kAllRow)));
  std::string encoded;
  EXPECT_THAT(round_trip(context, kAllCsv, {}, &encoded).rows, ElementsAre(std::string(kAllRow)));
  EXPECT_THAT(decode_all(context, ",,,,,,,,,,,,,,\n").rows,
              ElementsAre("NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|''|NULL"));
}

TEST(Json, EveryTypeIsReadAndWritten) {
  const FormatContext context = context_of("json", all_types());
  EXPECT_THAT(decode_all(context, kAllJson).rows, ElementsAre(std::string(kAllRow)));
  std::string encoded;
  EXPECT_THAT(round_trip(context, kAllJson, {}, &encoded).rows, ElementsAre(std::string(kAllRow)));
  EXPECT_EQ(encoded, kAllJson);
  EXPECT_EQ(decode_all(context, "{}\n").rows.size(), 1u);
}

TEST(Csv, QuotesHoldDelimitersQuotesAndLineEnds) {
  const FormatContext context = context_of("csv", kPair);
  const Decoded decoded = decode_all(context, "1,\"x,\"\"y\"\"\nz\"\r\n\r\n\n2,q\"q\n3,\"\"\n\"4\",no end");
  EXPECT_THAT(decoded.rows, ElementsAre("1|'x,\"y\"\nz'", "2|'q\"q'", "3|''", "4|'no end'"));
  EXPECT_THAT(decoded.bad, IsEmpty());
}

TEST(Csv, BadRecordsHaveTheirPlaceAndSpareTheirNeighbours) {
  const FormatContext context = context_of("csv", kPair);
  const std::string text("1,a\nx,b\n2\n3,c,d\n4,\"e\"f\n5,\xFF\n9999999999,g\n6,\0\n7,\"open", 51);
  const Decoded decoded = decode_all(context, text);
  EXPECT_THAT(decoded.rows, ElementsAre("1|'a'", std::string("6|'\0'", 5)));
  EXPECT_THAT(places(decoded),
              ElementsAre("1@4 MalformedRecord a", "2@8 MalformedRecord ", "3@10 MalformedRecord ",
                          "4@16 MalformedRecord ", "5@23 InvalidUtf8 s", "6@27 ValueOutOfRange a", "8@44 Truncated "));
  EXPECT_EQ(decoded.bad[0].reason, "'x' is no INT");
  EXPECT_EQ(decoded.bad[0].text, "x,b");
  EXPECT_EQ(decoded.records, 9u);
}

TEST(Json, BadRecordsHaveTheirPlaceAndSpareTheirNeighbours) {
  const FormatContext context = context_of("json", kPair);
  const std::string text =
      "{\"a\":1}\n{\"a\":2\n{\"a\":3} {\"a\":4}\n[5]\n{\"a\":6,\"s\":\"open}\n{\"a\":7.5}\n{\"a\":\n8}\n "
      "\n{\"s\":\"\xFF\"}\n"
      "{\"a\":\"9\",\"s\":10}\n";
  const Decoded decoded = decode_all(context, text);
  EXPECT_THAT(decoded.rows, ElementsAre("1|NULL", "9|'10'"));
  EXPECT_THAT(places(decoded), ElementsAre("1@8 MalformedRecord ", "2@15 MalformedRecord ", "3@31 MalformedRecord ",
                                           "4@35 MalformedRecord ", "5@53 WrongType a", "6@63 MalformedRecord a",
                                           "7@69 MalformedRecord ", "8@74 InvalidUtf8 "));
}

TEST(Json, AnObjectWithoutFieldsStandsOnOneLineToo) {
  const FormatContext context = context_of("json", kPair);
  const Decoded decoded = decode_all(context, "{}\n{\n}\n{ }\n{\"a\":1}\n{\t}\n");
  EXPECT_THAT(decoded.rows, ElementsAre("NULL|NULL", "NULL|NULL", "1|NULL", "NULL|NULL"));
  EXPECT_THAT(places(decoded), ElementsAre("1@3 MalformedRecord ", "2@5 MalformedRecord "));
}

TEST(Json, FieldsComeInAnyOrderAndTheLastOfTwoCounts) {
  const FormatContext context = context_of("json", kPair);
  EXPECT_THAT(
      decode_all(context, "{\"z\":{\"a\":[1,{}]},\"s\":\"x\\u00e9\\ud83d\\ude00\\n\",\"a\": 1 , \"a\":2}\r\n").rows,
      ElementsAre("2|'x\xC3\xA9\xF0\x9F\x98\x80\n'"));
  EXPECT_THAT(decode_all(context, "{\"s\":{\"k\":[1, 2]},\"\\u0061\":3}\n").rows, ElementsAre("3|'{\"k\":[1, 2]}'"));
}

// Lines like the last ones are read a quicker way: what it takes it must take as the other does.
TEST(Json, ALineAmongOthersOfItsShapeIsReadAsItIsAlone) {
  const Schema schema{{{"a", Type::bigint()},
                       {"d", Type::float64()},
                       {"s", Type::string()},
                       {"b", Type::of(TypeId::kBoolean)},
                       {"a_name_of_many_letters", Type::bigint()}}};
  const FormatContext context = context_of("json", schema);
  const std::string usual = R"({"a":7,"x":1,"d":"2.5","s":"t","b":true,"a_name_of_many_letters":3})";
  const std::vector<std::string> values = {"0",
                                           "-0",
                                           "7",
                                           "-7",
                                           "01",
                                           "1.",
                                           ".5",
                                           "-",
                                           "--1",
                                           "+1",
                                           "1e3",
                                           "1.5e-3",
                                           "12.25",
                                           "0.1",
                                           "00.1",
                                           "1..2",
                                           "1.2.3",
                                           "123456789",
                                           "12345678.5",
                                           "1234567.123456789",
                                           "12345678.12345678",
                                           "90071992.54740993",
                                           "9007199254740993",
                                           "999999999999999999",
                                           "9223372036854775807",
                                           "9223372036854775808",
                                           "123456789012345678901",
                                           "NaN",
                                           "true",
                                           "false",
                                           "truex",
                                           "tru",
                                           "null",
                                           "nul",
                                           "\"\"",
                                           "\"5\"",
                                           "\"-5.25\"",
                                           "\"+5\"",
                                           "\" 5\"",
                                           "\"5 \"",
                                           "\"abc\"",
                                           "\"twelve bytes\"",
                                           "\"thirteen bytes\"",
                                           "\"a\\nb\"",
                                           "\"\\u00e9\"",
                                           "\"-a\"",
                                           "\"NaN\"",
                                           "\"Infinity\"",
                                           "\"true\"",
                                           "{}",
                                           "{\"a\":1}",
                                           "[1,2]",
                                           "[",
                                           "\"",
                                           "",
                                           "1 2",
                                           "\"\xFF\""};
  // A key with an escape in it is never expected, so the second of each pair is read the slow way.
  std::string escaped = usual;
  const std::vector<std::string> names = {"a", "x", "d", "s", "b", "a_name_of_many_letters"};
  const auto escape = [](const std::string& name) {
    char code[8];
    std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(name[0]));
    return "\"" + (code + name.substr(1)) + "\":";
  };
  for (const std::string& name : names) {
    const std::string key = "\"" + name + "\":";
    escaped.replace(escaped.find(key), key.size(), escape(name));
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& value : values) {
    for (const std::string& name : names) {
      const auto with = [](std::string line, const std::string& key, const std::string& text) {
        const std::size_t at = line.find(key) + key.size();
        return line.replace(at, line.find_first_of(",}", at) - at, text);
      };
      const std::string key = "\"" + name + "\":";
      const auto add = [&](const std::string& before, const std::string& after) {
        pairs.emplace_back(with(usual, key, before + value + after),
                           with(escaped, escape(name), before + value + after));
      };
      add("", "");
      add(" ", "");
      add("", " ");
      add("\t", "  ");
      pairs.emplace_back(with(usual, key, "1," + key + value), with(escaped, escape(name), "1," + key + value));
      pairs.emplace_back(with(usual, key, value + "," + key + "1"),
                         with(escaped, escape(name), value + "," + key + "1"));
    }
  }
  for (const char* text : {"}}", "} ", "},", "}1", "", "} {}"})
    pairs.emplace_back(usual.substr(0, usual.size() - 1) + text, escaped.substr(0, escaped.size() - 1) + text);
  pairs.emplace_back(" " + usual, " " + escaped);
  for (const std::string text : {"{\n", "7,\n"}) {
    const auto broken = [&text](std::string line) { return line.insert(line.find(text[0]) + text.size() - 1, "\n"); };
    pairs.emplace_back(broken(usual), broken(escaped));
  }
  for (const auto& [line, slow] : pairs) {
    SCOPED_TRACE(line);
    const Decoded alone = decode_all(context, slow + "\n");
    const Decoded among = decode_all(context, usual + "\n" + usual + "\n" + line + "\n" + usual + "\n");
    ASSERT_EQ(among.rows.size(), alone.rows.size() + 3);
    for (std::size_t i = 0; i < alone.rows.size(); ++i) EXPECT_EQ(among.rows[i + 2], alone.rows[i]);
    ASSERT_EQ(among.bad.size(), alone.bad.size());
    for (std::size_t i = 0; i < alone.bad.size(); ++i) {
      EXPECT_EQ(among.bad[i].reason, alone.bad[i].reason);
      EXPECT_EQ(among.bad[i].field, alone.bad[i].field);
    }
  }
}

TEST(Json, MissingFieldsAreNullUnlessTheyMustBeThere) {
  Schema strict = kPair;
  strict.fields[0].type.nullable = false;
  EXPECT_THAT(places(decode_all(context_of("json", strict), "{\"s\":\"x\"}\n{\"a\":null}\n")),
              ElementsAre("0@0 MissingField a", "1@10 NullNotAllowed a"));
  const FormatContext failing = context_of("json", kPair, {{"json.fail-on-missing-field", "true"}});
  EXPECT_THAT(places(decode_all(failing, "{\"a\":1}\n")), ElementsAre("0@0 MissingField s"));
}

/// Inputs that show every state that a decoder can be cut in.
struct CutCase {
  const char* format;
  std::string text;
  Options options = {};
};

std::vector<CutCase> cut_cases() {
  return {
      {"csv",
       "\xEF\xBB\xBF"
       "1,a\r\n\"2\",\"b\"\"\n\"\n\nx,y\n3,caf\xC3\xA9 and more than twelve\n4,\"un\"closed\n5,\"e"},
      {"csv", "\xEF\xBBx\n1,\xE2\x82\n"},
      {"csv",
       "# c \"\n1,a\\,b\\\n\n\\2,\"\\\"\"\n#\n3,c",
       {{"csv.allow-comments", "true"}, {"csv.escape-character", "\\"}}},
      {"csv", "s,x,a\none,\"two\n\",3\nb,c,4\n", {{"weir.csv.header", "true"}}},
      {"json",
       "\xEF\xBB\xBF{\"a\":1,\"s\":\"x\\\"\"}\r\n{\"s\":\"open}\n{\"s\":\"\xFF\"}\n\n{\"a\":2}{\n{\"a\":\n3}\n{\"a\":"
       "4}"},
      {"json", "{\"a\":1}\n{\"a\":12345678901}\nnull\n{\"s\":\"caf\xC3\xA9 and more than twelve\"}\n \t\n{\"a\":[1}"}};
}

TEST(Format, CutsAnywhereChangeNothing) {
  for (const CutCase& input : cut_cases()) {
    const FormatContext context = context_of(input.format, kPair, input.options);
    const Decoded whole = decode_all(context, input.text);
    EXPECT_EQ(whole.rows.size() + whole.bad.size(), whole.records);
    EXPECT_FALSE(whole.rows.empty() && whole.bad.empty());
    for (std::size_t first = 0; first <= input.text.size(); ++first) {
      for (std::size_t second = first; second <= input.text.size(); second += 5) {
        DecodePlan plan;
        plan.cuts = {first, second};
        plan.capacity = 2;
        plan.heap = 64;
        ASSERT_EQ(decode_all(context, input.text, plan), whole) << input.text << " at " << first << ", " << second;
      }
    }
    DecodePlan bytes;
    for (std::size_t at = 1; at < input.text.size(); ++at) bytes.cuts.push_back(at);
    EXPECT_EQ(decode_all(context, input.text, bytes), whole) << input.text;
  }
}

TEST(Format, RecordsBeyondTheLimitCountOnceAndDecodingGoesOn) {
  for (const std::string format : {"csv", "json"}) {
    const bool csv = format == "csv";
    const std::string just = csv ? "1," + std::string(38, 'x') : "{\"a\":1,\"s\":\"" + std::string(26, 'x') + "\"}";
    const std::string over = csv ? "2,\"" + std::string(5000, 'x') : "{\"a\":2,\"s\":\"" + std::string(5000, 'x');
    ASSERT_EQ(just.size(), 40u);
    const std::string text = just + "\n" + over + "\n" + just + "y\n" + just;
    FormatContext context = context_of(format, kPair);
    context.record_bytes_max = 40;
    for (const std::size_t step : {1u, 7u, 39u, 40u, 41u, 42u, 64u, 6000u}) {
      DecodePlan plan;
      for (std::size_t at = step; at < text.size(); at += step) plan.cuts.push_back(at);
      const Decoded decoded = decode_all(context, text, plan);
      EXPECT_EQ(decoded.rows.size(), 2u) << format << step;
      EXPECT_THAT(places(decoded),
                  ElementsAre("1@41 RecordTooLarge ", "2@" + std::to_string(42 + over.size()) + " RecordTooLarge "));
      EXPECT_EQ(decoded.bad[0].text, over.substr(0, 40));
    }
  }
}

TEST(Format, AStringThatFitsNoEmptyBatchIsBadAndOneThatFitsTheNextIsNot) {
  const std::string text =
      "1," + std::string(60, 'x') + "\n2," + std::string(60, 'y') + "\n3," + std::string(101, 'z') + "\n";
  DecodePlan plan;
  plan.heap = 100;
  const Decoded decoded = decode_all(context_of("csv", kPair), text, plan);
  EXPECT_EQ(decoded.rows.size(), 2u);
  EXPECT_THAT(places(decoded), ElementsAre("2@126 RecordTooLarge s"));
}

TEST(Format, ManyRecordsWithAFewBadOnesAgreeWithCounting) {
  std::string csv, json;
  std::vector<std::string> rows;
  std::size_t bad = 0;
  for (int i = 0; i < 20000; ++i) {
    const bool wrong = i % 97 == 13;
    const std::string word =
        i % 5 == 0 ? "a word of more than twelve bytes " + std::to_string(i) : "w" + std::to_string(i);
    csv += (wrong ? "x" : std::to_string(i * 7919 % 1000003 - 500000)) + "," +
           (i % 11 == 0 ? "\"" + word + "\"" : word) + "\n";
    json += "{\"k\":[{}],\"s\":\"" + word + "\",\"a\":" + (wrong ? "x" : std::to_string(i * 7919 % 1000003 - 500000)) +
            "}\n";
    if (!wrong) rows.push_back(std::to_string(i * 7919 % 1000003 - 500000) + "|'" + word + "'");
    bad += wrong;
  }
  DecodePlan plan;
  plan.capacity = 1000;
  for (const auto& [format, text] : {std::pair<std::string, std::string&>{"csv", csv}, {"json", json}}) {
    const Decoded decoded = decode_all(context_of(format, kPair), text, plan);
    EXPECT_EQ(decoded.rows, rows) << format;
    EXPECT_EQ(decoded.bad.size(), bad);
    EXPECT_EQ(decoded.records, 20000u);
  }
}

TEST(Format, TheHandlerStopsTheDecoderUnlessErrorsAreIgnored) {
  DecodePlan plan;
  plan.stop_after = 1;
  const std::string text = "1,a\nx,b\n2,c\n";
  const Decoded stopped = decode_all(context_of("csv", kPair), text, plan);
  EXPECT_TRUE(stopped.stopped);
  EXPECT_THAT(stopped.rows, ElementsAre("1|'a'"));
  const Decoded ignored = decode_all(context_of("csv", kPair, {{"csv.ignore-parse-errors", "true"}}), text, plan);
  EXPECT_FALSE(ignored.stopped);
  EXPECT_EQ(ignored.rows.size(), 2u);
  EXPECT_EQ(ignored.bad.size(), 1u);
}

TEST(Csv, AHeaderNamesTheColumnsAndAMissingOneEndsTheInput) {
  const Options header{{"weir.csv.header", "true"}};
  EXPECT_THAT(decode_all(context_of("csv", kPair, header), "s,\"x\",a\none,?,1\n").rows, ElementsAre("1|'one'"));
  const Decoded missing = decode_all(context_of("csv", kPair, header), "b,s\n1,x\n");
  EXPECT_TRUE(missing.stopped);
  EXPECT_THAT(missing.rows, IsEmpty());
  ASSERT_EQ(missing.bad.size(), 1u);
  EXPECT_EQ(missing.bad[0].reason, "the header has no column 'a'; it has: b, s");
}

TEST(Csv, NullLiteralsAreNullUnlessQuoted) {
  const FormatContext context = context_of("csv", kPair, {{"csv.null-literal", "n/a"}});
  const std::string text = "n/a,n/a\n1,\"n/a\"\n2,\n";
  EXPECT_THAT(decode_all(context, text).rows, ElementsAre("NULL|NULL", "1|'n/a'", "2|''"));
  std::string encoded;
  round_trip(context, text, {}, &encoded);
  EXPECT_EQ(encoded, text);
}

TEST(Csv, BytesWhoseTextIsTheNullLiteralAreQuoted) {
  const Schema schema{{{"a", Type::integer()}, {"b", Type::of(TypeId::kBytes)}}};
  for (const std::string literal : {"null", "bnVs", ""}) {  // the first two are base64 of three bytes
    const FormatContext context = context_of("csv", schema, {{"csv.null-literal", literal}});
    const std::string text = "1," + literal + "\n2,\"" + literal + "\"\n3,AAEC\n";
    const Decoded decoded = decode_all(context, text);
    ASSERT_EQ(decoded.rows.size(), 3u);
    EXPECT_EQ(decoded.rows[0], "1|NULL");
    EXPECT_NE(decoded.rows[1], "2|NULL");
    std::string encoded;
    EXPECT_EQ(round_trip(context, text, {}, &encoded).rows, decoded.rows);
    EXPECT_EQ(encoded, text);
  }
}

TEST(Json, TextIsEscapedAndNumbersThatJsonLacksAreStrings) {
  const FormatContext context = context_of("json", {{{"a\"b", Type::string()}, {"f", Type::float64()}}});
  std::string encoded;
  round_trip(context, "{\"a\\\"b\":\"\\u0001\\\"\\\\\\n\",\"f\":\"NaN\"}\n{\"f\":1e20}\n", {}, &encoded);
  EXPECT_EQ(encoded, "{\"a\\\"b\":\"\\u0001\\\"\\\\\\n\",\"f\":\"NaN\"}\n{\"a\\\"b\":null,\"f\":1.0E20}\n");
}

TEST(Binary, RecordsHaveTheirFixedPlaces) {
  Type chars = Type::string();
  chars.fixed_length = true;
  chars.length = 3;
  const Schema schema{{{"b", Type::boolean()}, {"n", Type::integer()}, {"s", chars}, {"t", Type::timestamp(3)}}};
  const FormatContext context = context_of("binary", schema, {{"binary.timestamp-unit", "ms"}});
  using namespace std::string_literals;
  const std::string good = "\1\x02\0\0\0ab\0\xE8\x03\0\0\0\0\0\0"s;
  ASSERT_EQ(good.size(), 16u);
  std::string encoded;
  EXPECT_THAT(round_trip(context, good, {}, &encoded).rows, ElementsAre("1|2|'ab'|1000000000"));
  EXPECT_EQ(encoded, good);
  const Decoded bad =
      decode_all(context, good + "\2" + good.substr(1) + good.substr(0, 8) + std::string(8, '\x7F') + "cut");
  EXPECT_THAT(places(bad), ElementsAre("1@16 MalformedRecord b", "2@32 ValueOutOfRange t", "3@48 Truncated "));
  DecodePlan plan;
  for (std::size_t at = 1; at < 48; ++at) plan.cuts.push_back(at);
  plan.capacity = 1;
  EXPECT_EQ(decode_all(context, good + good + good, plan).rows.size(), 3u);
}

TEST(Binary, NullNeedsABitmap) {
  const Schema schema{{{"n", Type::integer()}}};
  OwnedBatch batch(schema, 4, 0);
  batch->column(0).set_valid(0, false);
  batch->set_row_count(1);
  auto plain = make_encoder(context_of("binary", schema));
  EXPECT_THAT(encode_all(**plain, *batch), HasSubstr("NullNotAllowed"));
  const FormatContext context = context_of("binary", schema, {{"binary.null-bitmap", "true"}});
  auto with_bitmap = make_encoder(context);
  EXPECT_THAT(decode_all(context, encode_all(**with_bitmap, *batch)).rows, ElementsAre("NULL"));
}

TEST(Format, EncodersWriteWholeRecordsThroughTheSelection) {
  const Schema schema{{{"n", Type::integer()}}};
  OwnedBatch batch(schema, 8, 0);
  for (std::int32_t i = 0; i < 8; ++i) batch->column(0).values<std::int32_t>()[i] = i * 100;
  batch->set_row_count(8);
  const std::uint32_t selection[] = {1, 3, 7};
  batch->set_selection(selection, 3);
  auto encoder = make_encoder(context_of("json", schema));
  EXPECT_EQ(encode_all(**encoder, *batch, 12), "{\"n\":100}\n{\"n\":300}\n{\"n\":700}\n");
  EXPECT_THAT(encode_all(**encoder, *batch, 9), HasSubstr("RecordTooLarge"));
}

TEST(Format, UnknownNamesComeWithTheNearestAndTheKnown) {
  EXPECT_THAT(format_names(), ::testing::IsSupersetOf({"binary", "csv", "iex-deep", "itch", "json", "pcap"}));
  const auto format = make_decoder(context_of("jsn", kPair));
  EXPECT_EQ(format.error().code(), ErrorCode::kSqlUnknownConnector);
  EXPECT_THAT(std::string(format.error().hint()),
              HasSubstr("did you mean 'json'? Known formats: batches, binary, csv, "));
  const auto option = make_decoder(context_of("csv", kPair, {{"csv.field-delimeter", ";"}}));
  EXPECT_EQ(option.error().code(), ErrorCode::kSqlUnknownOption);
  EXPECT_THAT(std::string(option.error().hint()), HasSubstr("did you mean 'csv.field-delimiter'?"));
  EXPECT_EQ(make_decoder(context_of("csv", kPair, {{"csv.field-delimiter", "ab"}})).error().code(),
            ErrorCode::kSqlInvalidOption);
  EXPECT_EQ(make_decoder(context_of("binary", kPair)).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(make_encoder(context_of("csv", {{{"r", Type::of(TypeId::kRow)}}})).error().code(), ErrorCode::kUnsupported);
}

TEST(Format, FieldsThatNobodyAsksForAreNotConverted) {
  FormatContext context = context_of("csv", kPair);
  context.columns = {{1, 0}};
  auto decoder = make_decoder(context);
  const Decoded decoded = decode_with(**decoder, {{{"s", Type::string()}}}, "no number,x\n", {}, [](const Batch&) {});
  EXPECT_THAT(decoded.rows, ElementsAre("'x'"));
}

}  // namespace
}  // namespace weir::testing
