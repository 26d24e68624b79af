// Text and values: tables of cases a type, and round trips against values computed another way.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "weir/io/text_bytes.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir {
namespace {

constexpr TextStatus kOk = TextStatus::kOk, kMalformed = TextStatus::kMalformed, kOutOfRange = TextStatus::kOutOfRange;

template <typename Format, typename... Values>
std::string formatted(Format format, Values... values) {
  char text[64];
  return std::string(text, format(values..., text));
}

TEST(TextNumber, IntegersAreReadExactlyOrRefused) {
  const struct {
    const char* text;
    TextStatus status;
    std::int64_t value;
  } cases[] = {{"0", kOk, 0},
               {"-0", kOk, 0},
               {"+7", kOk, 7},
               {"12345678", kOk, 12345678},
               {"123456789", kOk, 123456789},
               {"1234567890123456", kOk, 1234567890123456},
               {"12345678901234567", kOk, 12345678901234567},
               {"9223372036854775807", kOk, std::numeric_limits<std::int64_t>::max()},
               {"9223372036854775808", kOutOfRange, 0},
               {"-9223372036854775808", kOk, std::numeric_limits<std::int64_t>::min()},
               {"-9223372036854775809", kOutOfRange, 0},
               {"99999999999999999999", kOutOfRange, 0},
               {"00000000000000000000000000000042", kOk, 42},
               {"000000000000000000000000000000x", kMalformed, 0},
               {"", kMalformed, 0},
               {"-", kMalformed, 0},
               {"+-1", kMalformed, 0},
               {" 1", kMalformed, 0},
               {"1 ", kMalformed, 0},
               {"1.0", kMalformed, 0},
               {"12345678a", kMalformed, 0},
               {"1234567:", kMalformed, 0},
               {"1234567/", kMalformed, 0},
               {"\xff", kMalformed, 0},
               {"1\xb0", kMalformed, 0}};
  for (const auto& [text, status, value] : cases) {
    std::int64_t parsed = 0;
    EXPECT_EQ(parse_int64(text, parsed), status) << text;
    if (status != kOk) continue;
    EXPECT_EQ(parsed, value) << text;
  }
  std::int8_t tiny = 0;
  EXPECT_EQ(parse_integer("-128", tiny), kOk);
  EXPECT_EQ(tiny, -128);
  EXPECT_EQ(parse_integer("128", tiny), kOutOfRange);
}

TEST(TextNumber, EveryIntegerReadsBackAsItWasWritten) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const auto value = static_cast<std::int64_t>(random()) >> (random() % 64);
    const std::string text = formatted(format_int64, value);
    EXPECT_EQ(text, std::to_string(value));
    std::int64_t parsed = 0;
    ASSERT_EQ(parse_int64(text, parsed), kOk) << text;
    EXPECT_EQ(parsed, value);
  }
}

TEST(TextNumber, DoublesAreTheNearestToTheirText) {
  for (const char* text :
       {"0", "1", "-1.5", "0.1", "123456.789", "1e10", "1E-10", "9007199254740993", "4.9e-324", ".5", "5.",
        "1.7976931348623157e308", "0.000001", "12345678901234567890", "2.2250738585072014E-308"}) {
    double value = -1;
    ASSERT_EQ(parse_double(text, value), kOk) << text;
    EXPECT_EQ(value, std::strtod(text, nullptr)) << text;
  }
  double value = 0;
  for (const char* text : {"", ".", "-", "1e", "e5", "1.2.3", "0x10", "inf", "nan", "infinity", "1 ", "--1", "1e+"}) {
    EXPECT_EQ(parse_double(text, value), kMalformed) << text;
  }
  EXPECT_EQ(parse_double("1e400", value), kOutOfRange);
  ASSERT_EQ(parse_double("-1e-400", value), kOk);
  EXPECT_TRUE(value == 0 && std::signbit(value));
  ASSERT_EQ(parse_double("NaN", value), kOk);
  EXPECT_TRUE(std::isnan(value));
  ASSERT_EQ(parse_double("-Infinity", value), kOk);
  EXPECT_EQ(value, -std::numeric_limits<double>::infinity());
}

TEST(TextNumber, DoublesAreWrittenAsJavaWritesThem) {
  const struct {
    double value;
    const char* text;
  } cases[] = {{1, "1.0"},
               {0, "0.0"},
               {-0.0, "-0.0"},
               {0.1, "0.1"},
               {100, "100.0"},
               {1e7, "1.0E7"},
               {9999999, "9999999.0"},
               {0.001, "0.001"},
               {0.00099, "9.9E-4"},
               {1.5e300, "1.5E300"},
               {123456.789, "123456.789"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(formatted(format_double, value), text);
  EXPECT_EQ(formatted(format_double, std::nan("")), "NaN");
  EXPECT_EQ(formatted(format_double, -std::numeric_limits<double>::infinity()), "-Infinity");
  EXPECT_EQ(formatted(format_float, 0.1f), "0.1");
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t bits = random();
    double value = 0, parsed = 0;
    std::memcpy(&value, &bits, 8);
    if (!std::isfinite(value)) continue;
    const std::string text = formatted(format_double, value);
    ASSERT_EQ(parse_double(text, parsed), kOk) << text;
    ASSERT_EQ(std::memcmp(&parsed, &value, 8), 0) << text;
  }
}

TEST(TextDecimal, DigitsBeyondTheScaleAreRoundedHalfUpAndTooManyAreRefused) {
  const struct {
    const char* text;
    unsigned precision, scale;
    TextStatus status;
    const char* value;
  } cases[] = {{"3.14", 10, 2, kOk, "3.14"},
               {"3.145", 10, 2, kOk, "3.15"},
               {"-3.145", 10, 2, kOk, "-3.15"},
               {"3.1449", 10, 2, kOk, "3.14"},
               {"0.005", 10, 2, kOk, "0.01"},
               {"0.0049", 10, 2, kOk, "0.00"},
               {"99.995", 4, 2, kOutOfRange, ""},
               {"99.994", 4, 2, kOk, "99.99"},
               {"100", 4, 2, kOutOfRange, ""},
               {"1e2", 5, 2, kOk, "100.00"},
               {"1.5E-1", 5, 2, kOk, "0.15"},
               {"1e999999999999", 38, 0, kOutOfRange, ""},
               {"1e-999999999999", 38, 0, kOk, "0"},
               {"0e999999999999", 38, 0, kOk, "0"},
               {"", 5, 2, kMalformed, ""},
               {".", 5, 2, kMalformed, ""},
               {".5", 5, 2, kOk, "0.50"},
               {"5.", 5, 2, kOk, "5.00"},
               {"1.2.3", 5, 2, kMalformed, ""},
               {"1e", 5, 2, kMalformed, ""},
               {"NaN", 5, 2, kMalformed, ""},
               {"99999999999999999999999999999999999999", 38, 0, kOk, "99999999999999999999999999999999999999"},
               {"99999999999999999999999999999999999999.5", 38, 0, kOutOfRange, ""},
               {"-0.00000000000000000000000000000000000001", 38, 38, kOk, "-0.00000000000000000000000000000000000001"},
               {"0000000000000000000000000000000000000000000012", 2, 0, kOk, "12"}};
  for (const auto& [text, precision, scale, status, expected] : cases) {
    Int128 value = 0;
    EXPECT_EQ(parse_decimal(text, precision, scale, value), status) << text;
    if (status != kOk) continue;
    EXPECT_EQ(formatted(format_decimal, value, scale), expected) << text;
  }
}

TEST(TextDecimal, TheShortAndTheGeneralWayAgree) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20000; ++i) {
    const unsigned scale = static_cast<unsigned>(random() % 7);
    const auto value = static_cast<std::int64_t>(random() % 1000000000000) - 500000000000;
    const std::string text = formatted(format_decimal, Int128{value}, scale);
    Int128 narrow = 0, wide = 0;
    ASSERT_EQ(parse_decimal(text, 18, scale, narrow), kOk);
    ASSERT_EQ(parse_decimal(text, 38, scale, wide), kOk);  // precision above 18 takes the general way
    ASSERT_TRUE(narrow == value && wide == value) << text;
  }
}

TEST(TextTime, TheCalendarAgreesWithCountingDays) {
  std::int64_t days = days_from_civil(1600, 1, 1);
  for (std::int64_t year = 1600; year < 2401; ++year) {
    for (unsigned month = 1; month <= 12; ++month) {
      for (unsigned day = 1; day <= days_in_month(year, month); ++day, ++days) {
        ASSERT_EQ(days_from_civil(year, month, day), days);
        const CivilDate date = civil_from_days(days);
        ASSERT_TRUE(date.year == year && date.month == month && date.day == day);
      }
    }
  }
  EXPECT_EQ(days_from_civil(1970, 1, 1), 0);
  EXPECT_EQ(days_from_civil(2000, 3, 1), 11017);
}

TEST(TextTime, TimestampsAreReadInBothForms) {
  const std::int64_t at = 1609330394'123456789;
  std::int64_t value = 0;
  for (const char* text : {"2020-12-30 12:13:14.123456789", "2020-12-30T12:13:14.123456789"}) {
    ASSERT_EQ(parse_timestamp(text, 9, value), kOk);
    EXPECT_EQ(value, at);
    ASSERT_EQ(parse_timestamp(text, 3, value), kOk);
    EXPECT_EQ(value, 1609330394'123000000);
  }
  ASSERT_EQ(parse_timestamp("1969-12-31 23:59:59.9999", 3, value), kOk);
  EXPECT_EQ(value, -1'000'000);
  ASSERT_EQ(parse_timestamp("2020-12-30", 3, value), kOk);
  EXPECT_EQ(value, 1609286400'000000000);
  for (const char* text : {"2020-13-01 00:00:00", "2021-02-29", "2020-12-30 24:00:00", "2020-12-30 12:13:14Z",
                           "2020-12-30 12:13:14.", "2020-12-30 12:13:60", "x", "", "2020-12-30  1:00:00"}) {
    EXPECT_EQ(parse_timestamp(text, 3, value), kMalformed) << text;
  }
  EXPECT_EQ(parse_timestamp("2262-04-11 23:47:16.854775807", 9, value), kOk);
  EXPECT_EQ(value, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_timestamp("2262-04-11 23:47:16.854775808", 9, value), kOutOfRange);
  EXPECT_EQ(parse_timestamp("1677-09-21 00:12:43.145224192", 9, value), kOk);
  EXPECT_EQ(value, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_timestamp("1677-09-21 00:12:43.145224192", 0, value), kOutOfRange);
  EXPECT_EQ(parse_timestamp("0001-01-01", 0, value), kOutOfRange);
}

TEST(TextTime, InstantsTakeTheirZoneOrTheSessions) {
  std::int64_t value = 0;
  const std::int64_t noon = 1609329600'000000000;
  for (const char* text :
       {"2020-12-30T12:00:00Z", "2020-12-30 14:00:00+02:00", "2020-12-30 14:00:00+0200", "2020-12-30 07:00:00-05"}) {
    ASSERT_EQ(parse_timestamp_ltz(text, 3, 3600, value), kOk) << text;
    EXPECT_EQ(value, noon) << text;
  }
  ASSERT_EQ(parse_timestamp_ltz("2020-12-30 13:00:00", 3, 3600, value), kOk);
  EXPECT_EQ(value, noon);
  EXPECT_EQ(parse_timestamp_ltz("2020-12-30 13:00:00+19", 3, 0, value), kMalformed);
  EXPECT_EQ(fixed_zone_offset("UTC+02:30"), 9000);
  EXPECT_EQ(fixed_zone_offset("UTC"), 0);
  EXPECT_EQ(fixed_zone_offset("Europe/Berlin"), std::nullopt);
}

TEST(TextTime, TimesAreWrittenWithTheDigitsAskedFor) {
  EXPECT_EQ(formatted(format_timestamp, std::int64_t{1609330394'123000000}, kDigitsAsNeeded, ' '),
            "2020-12-30 12:13:14.123");
  EXPECT_EQ(formatted(format_timestamp, std::int64_t{1609330394'123000000}, 6, 'T'), "2020-12-30T12:13:14.123000");
  EXPECT_EQ(formatted(format_timestamp, std::int64_t{-1}, 9, ' '), "1969-12-31 23:59:59.999999999");
  EXPECT_EQ(formatted(format_timestamp, std::numeric_limits<std::int64_t>::min(), 9, ' '),
            "1677-09-21 00:12:43.145224192");
  EXPECT_EQ(formatted(format_time, std::int64_t{0}, kDigitsAsNeeded), "00:00:00");
  EXPECT_EQ(formatted(format_date, -719528), "0000-01-01");
  EXPECT_EQ(formatted(format_date, -719529), "-0001-12-31");
  EXPECT_EQ(formatted(format_date, 2932897), "+10000-01-01");
}

TEST(TextBytes, Base64ReadsBackAndRefusesWhatItWouldNotWrite) {
  std::mt19937_64 random(9);
  for (std::size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0'), text(base64_encoded_size(size), '\0'), back(base64_decoded_max(text.size()), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(base64_encode(bytes, text.data()), text.data() + text.size());
    std::size_t written = 0;
    ASSERT_EQ(base64_decode(text, back.data(), written), kOk);
    EXPECT_EQ(back.substr(0, written), bytes);
  }
  char out[16];
  std::size_t written = 0;
  EXPECT_EQ(base64_decode("aGk", out, written), kOk);
  for (const char* text : {"a", "a===", "aG=k", "a-b_", "aGl", "===="}) {
    EXPECT_EQ(base64_decode(text, out, written), kMalformed) << text;
  }
}

TEST(TextBytes, Utf8IsCheckedAtAnyLength) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("h\xC3\xA9"));
  for (std::size_t size = 1; size < 80; ++size) {
    std::string text(size, 'a');
    EXPECT_TRUE(is_valid_utf8(text));
    text[size - 1] = '\xFF';
    EXPECT_FALSE(is_valid_utf8(text)) << size;
  }
  EXPECT_FALSE(is_valid_utf8("\xC0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));
}

}  // namespace
}  // namespace weir
