// How the program writes numbers, times and JSON strings; the oracle of times is gmtime.
#include "text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <ctime>
#include <limits>
#include <random>

#include "weir/core/batch.h"

namespace weir::cli {
namespace {

TEST(Text, CountsHaveACommaBeforeEachThreeDigits) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(312664), "312,664");
  EXPECT_EQ(format_count(std::numeric_limits<std::uint64_t>::max()), "18,446,744,073,709,551,615");
}

TEST(Text, ShortNumbersHaveThreeDigitsAndNeverAThousandOfAPrefix) {
  EXPECT_EQ(format_short(0), "0");
  EXPECT_EQ(format_short(999.4), "999");
  EXPECT_EQ(format_short(999.5), "1.00 k");
  EXPECT_EQ(format_short(1234567), "1.23 M");
  EXPECT_EQ(format_short(9.996e6), "10.0 M");
  EXPECT_EQ(format_short(99.96e6), "100 M");
  EXPECT_EQ(format_short(999.6e6), "1.00 G");
  EXPECT_EQ(format_bytes(12), "12 B");
  EXPECT_EQ(format_bytes(7892373), "7.89 MB");
}

TEST(Text, TimesAreThoseOfTheSystemsCalendar) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> any(-9'000'000'000, 9'000'000'000);
  for (int i = 0; i < 2000; ++i) {
    const std::time_t second = any(random);
    std::tm parts = {};
    ASSERT_NE(gmtime_r(&second, &parts), nullptr);
    char expected[64];
    std::strftime(expected, sizeof(expected), "%Y-%m-%d %H:%M:%S.000", &parts);
    EXPECT_EQ(format_time(second * 1'000'000'000), expected);
  }
}

TEST(Text, TimesShowDigitsBehindTheMillisecondOnlyWhereTheyAreThere) {
  EXPECT_EQ(format_time(1), "1970-01-01 00:00:00.000000001");
  EXPECT_EQ(format_time(-1), "1969-12-31 23:59:59.999999999");
  EXPECT_EQ(format_time(1'500'000), "1970-01-01 00:00:00.0015");
  EXPECT_EQ(format_time(120'000'000), "1970-01-01 00:00:00.120");
  EXPECT_EQ(format_time(std::numeric_limits<std::int64_t>::max()), "2262-04-11 23:47:16.854775807");
  EXPECT_EQ(format_time(std::numeric_limits<std::int64_t>::min()), "1677-09-21 00:12:43.145224192");
}

TEST(Text, WatermarksThatAreNoTimesAreNamed) {
  EXPECT_EQ(format_watermark(kWatermarkNone), "none");
  EXPECT_EQ(format_watermark(kWatermarkEnd), "end");
  EXPECT_EQ(format_watermark(0), "1970-01-01 00:00:00.000");
}

TEST(Text, DurationsChangeTheirUnitsAtAMinuteAndAnHour) {
  EXPECT_EQ(format_duration(213'000'000), "0.213 s");
  EXPECT_EQ(format_duration(184'000'000'000), "3 min 04 s");
  EXPECT_EQ(format_duration(3'720'000'000'000), "1 h 02 min");
}

TEST(Text, JsonStringsEscapeWhatJsonForbids) {
  EXPECT_EQ(json_quote(""), "\"\"");
  EXPECT_EQ(json_quote("a\"b\\c\n\t\x01"), "\"a\\\"b\\\\c\\n\\u0009\\u0001\"");
  EXPECT_EQ(json_quote("Zürich ☃ 😀"), "\"Zürich ☃ 😀\"");
}

TEST(Text, JsonStringsReplaceBytesThatAreNotUtf8) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(json_quote("a\xFFz"), "\"a" + mark + "z\"");
  EXPECT_EQ(json_quote("\xC3"), "\"" + mark + "\"");                        // cut
  EXPECT_EQ(json_quote("\xC0\x80"), "\"" + mark + mark + "\"");             // overlong
  EXPECT_EQ(json_quote("\xED\xA0\x80"), "\"" + mark + mark + mark + "\"");  // surrogate
  EXPECT_EQ(json_quote("\xF4\x90\x80\x80").size(), 2 + 4 * mark.size());    // above the last code point
  EXPECT_EQ(json_quote("\xF0\x9F\x98"), "\"" + mark + mark + mark + "\"");  // cut
}

TEST(Text, SendsNoControlCharactersOfOthersToATerminal) {
  EXPECT_EQ(printable("a\tb\nü☃"), "a\tb\nü☃");
  EXPECT_EQ(printable("\x1b[31mred\x07\x7f\r"), "?[31mred???");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m\xC2\xA0"),
            "?31m\xC2\xA0");  // CSI as one character
  EXPECT_EQ(printable("\xFF\xC3"), "??");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "?");
}

}  // namespace
}  // namespace weir::cli
